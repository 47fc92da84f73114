package parquet

import (
	"fmt"
	"math"
	"math/rand"
	"time"

	"weir/schema"
)

const testStart = schema.Instant(1_700_000_000_000_000_000 / 3_600_000_000_000 * 3_600_000_000_000)

// zipfBuckets makes the rows of an hour of 30 s buckets of the Hosts group: keys with Zipf traffic, 13 meters.
func zipfBuckets(seed int64, keys, perBucket, buckets int) *schema.Block {
	r := rand.New(rand.NewSource(seed))
	z := rand.NewZipf(r, 1.1, 4, uint64(keys-1))
	b := schema.NewBlock(schema.TableBuckets, perBucket*buckets/4)
	for n := range buckets {
		packets := map[uint64]int{}
		for range perBucket {
			packets[z.Uint64()]++
		}
		for _, k := range sortedKeys(packets) {
			p := packets[k]
			in, out := 0, 0
			in64, out64 := 0, 0
			for range p {
				size := 60 + r.Intn(40)
				if r.Intn(3) == 0 {
					size = 1400 + r.Intn(100)
				}
				if r.Intn(2) == 0 {
					in64 += size
					in++
				} else {
					out64 += size
					out++
				}
			}
			meters := []float64{float64(in64 + out64), float64(in64), float64(out64), float64(p), 0, 0, float64(in), float64(out),
				float64(p / 4), float64(p / 9), 0, float64(p / 20), float64(p / 3)}
			appendBucket(b, "{hosts}", fmt.Sprintf("C0.A8.%02X.%02X", k>>8, k&255), testStart.Add(time.Duration(n)*30*time.Second), 30, meters)
		}
	}
	return b
}

func appendBucket(b *schema.Block, grp, key string, at schema.Instant, width int64, meters []float64) {
	for i := range b.Columns {
		c := &b.Columns[i]
		switch c.Name {
		case "grp":
			c.Texts.AppendString(grp)
		case "key":
			c.Texts.AppendString(key)
		case "at":
			c.Ints = append(c.Ints, int64(at))
		case "width":
			c.Ints = append(c.Ints, width)
		case "samples":
			c.Ints = append(c.Ints, 0)
		case "rate", "stderr", "missed":
			c.Floats = append(c.Floats, 0)
		default:
			v := math.NaN()
			if j := i - 8; j < len(meters) {
				v = meters[j]
			}
			c.Floats = append(c.Floats, v)
		}
	}
	b.Rows++
}

// sessions makes finished conversations that end one after the other from the given instant on.
func sessions(seed int64, rows int, from schema.Instant, span time.Duration) *schema.Block {
	r := rand.New(rand.NewSource(seed))
	hosts := rand.NewZipf(r, 1.15, 8, 60000)
	b := schema.NewBlock(schema.TableSessions, rows)
	ports := []int64{443, 443, 443, 443, 80, 53, 53, 22, 123, 25}
	for i := range rows {
		last := int64(from) + int64(span)*int64(i)/int64(rows) + r.Int63n(1000)*1_000_000
		last = last / 1_000_000 * 1_000_000
		long := int64(math.Exp(r.Float64()*9)) * 1_000_000
		packets := 1 + int64(math.Exp(r.Float64()*4))
		back := packets * int64(r.Intn(3)) / 2
		bytes := packets*60 + int64(r.Intn(int(packets)*1000))
		server := hosts.Uint64()
		a := hosts.Uint64()
		proto, port := int64(6), ports[r.Intn(len(ports))]
		if port == 53 || port == 123 {
			proto = 17
		}
		ints := map[string]int64{"id": int64(i) + int64(from)/1_000_000, "first": last - long, "last": last, "proto": proto,
			"a_port": 32768 + int64(r.Intn(28000)), "z_port": port, "az_bytes": bytes, "za_bytes": back * 500,
			"az_packets": packets, "za_packets": back, "state": int64(r.Intn(4)), "if_in": int64(1 + r.Intn(4)), "if_out": int64(1 + r.Intn(4)),
			"tos": 0, "a_as": int64(a % 300), "z_as": int64(server % 300)}
		for j := range b.Columns {
			c := &b.Columns[j]
			switch c.Name {
			case "exporter":
				c.Texts.AppendString("10.0.0." + fmt.Sprint(1+r.Intn(3)))
			case "a_ip":
				c.Texts.AppendString(fmt.Sprintf("10.%d.%d.%d", a>>16, a>>8&255, a&255))
			case "z_ip":
				c.Texts.AppendString(fmt.Sprintf("100.%d.%d.%d", 64+server>>16, server>>8&255, server&255))
			case "tags":
				c.Texts.AppendString("")
			default:
				c.Ints = append(c.Ints, ints[c.Name])
			}
		}
		b.Rows++
	}
	return b
}
