package sim_test

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/session"
	"weir/sim"
)

// network is what the engine is told of the home networks of the simulated one: its own hosts are at home.
func network(n *sim.Network) engine.SetHome {
	return engine.SetHome{Settings: meter.Settings{
		Home:    prefixes("198.51.100.0/24", "2001:db8:1::/48"),
		Subnets: prefixes(n.Groups()["web"][0], n.Groups()["desks"][0], "198.51.100.0/24"),
	}}
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// bucketKey names a row of the buckets.
type bucketKey struct {
	group, key string
	at         schema.Instant
}

// bucketRow is a row of the buckets.
type bucketRow struct {
	width, samples       int64
	rate, stderr, missed float64
	meters               [schema.MaxMeters]float64 // NaN: no value
}

// buckets returns the rows of all buckets that were kept. A row that comes twice is an error.
func (r *rig) buckets() map[bucketKey]*bucketRow {
	r.t.Helper()
	rows := map[bucketKey]*bucketRow{}
	for _, k := range r.kept {
		for _, b := range k.Blocks {
			if b.Table == schema.TableBuckets {
				r.addBuckets(rows, b)
			}
		}
	}
	return rows
}

func (r *rig) addBuckets(rows map[bucketKey]*bucketRow, b *schema.Block) {
	r.t.Helper()
	for i := range b.Rows {
		k := bucketKey{
			string(b.Column("grp").Texts.At(i)), string(b.Column("key").Texts.At(i)),
			schema.Instant(b.Column("at").Ints[i]),
		}
		if rows[k] != nil {
			r.t.Errorf("two rows of %+v", k)
		}
		row := &bucketRow{
			width: b.Column("width").Ints[i], samples: b.Column("samples").Ints[i], rate: b.Column("rate").Floats[i],
			stderr: b.Column("stderr").Floats[i], missed: b.Column("missed").Floats[i],
		}
		for m := range row.meters {
			row.meters[m] = b.Column("m" + strconv.Itoa(m)).Floats[i]
		}
		rows[k] = row
	}
}

// metered is what a key has of its meters over all buckets: sums, and the variance of the primary meter.
type metered struct {
	meters   [schema.MaxMeters]float64
	samples  int64
	rates    float64 // sum of the rates of the samples
	variance float64
}

// overall adds up the rows of each key of each group.
func overall(rows map[bucketKey]*bucketRow) map[string]map[string]*metered {
	sums := map[string]map[string]*metered{}
	for k, row := range rows {
		if sums[k.group] == nil {
			sums[k.group] = map[string]*metered{}
		}
		s := sums[k.group][k.key]
		if s == nil {
			s = &metered{}
			sums[k.group][k.key] = s
		}
		for m, v := range row.meters {
			if !math.IsNaN(v) {
				s.meters[m] += v
			}
		}
		s.samples += row.samples
		s.rates += float64(row.samples) * row.rate
		s.variance += row.stderr * row.stderr
	}
	return sums
}

// memory is everything that was left to memory, as lines of text, in the order in which it came. Numbers that are made of
// square roots and means are written with the nine digits that do not depend on the order of additions.
func (r *rig) memory() string {
	var out strings.Builder
	for _, k := range r.kept {
		for _, b := range k.Blocks {
			writeBlock(&out, b)
		}
		writeSessions(&out, "ended", k.Ended)
		writeSessions(&out, "running", k.Reports)
	}
	return out.String()
}

func writeBlock(out *strings.Builder, b *schema.Block) {
	for i := range b.Rows {
		out.WriteString(b.Table.Name)
		for c := range b.Columns {
			switch col := &b.Columns[c]; {
			case col.Type == schema.ColumnInt:
				fmt.Fprintf(out, " %d", col.Ints[i])
			case col.Type == schema.ColumnText:
				fmt.Fprintf(out, " %s", col.Texts.At(i))
			case col.Name == "rate" || col.Name == "stderr":
				fmt.Fprintf(out, " %.9g", col.Floats[i])
			case !math.IsNaN(col.Floats[i]):
				fmt.Fprintf(out, " %s=%v", col.Name, col.Floats[i])
			}
		}
		out.WriteByte('\n')
	}
}

func writeSessions(out *strings.Builder, what string, list []session.Session) {
	for i := range list {
		fmt.Fprintf(out, "%s %s %+v\n", what, list[i].AppendKey(nil), list[i])
	}
}

// total returns a meter of the sum over all keys of a group.
func total(sums map[string]map[string]*metered, group string, id int) float64 {
	if s := sums[group][key.Totals]; s != nil {
		return s.meters[id]
	}
	return 0
}
