package session

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"weir/schema"
	headers "weir/wire/packet"
)

// source makes records of so many sessions without allocating.
type source struct {
	rec     schema.Record
	headers schema.Headers
	frame   []byte
	n       int
}

func newSource(n int, kind schema.Kind) *source {
	s := &source{n: n, frame: make([]byte, 66)}
	f := s.frame
	copy(f, []byte{2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, 8, 0, 0x45, 0, 0, 52, 0, 0, 0, 0, 64, 6})
	f[14+20+12] = 8 << 4
	headers.Parse(&s.headers, schema.LinkEthernet, f, 66)
	s.rec = schema.Record{
		Kind: kind, Rate: 1, Length: 66, Bytes: 66, Packets: 1, Flows: 1, Proto: 6, IPv: 4, HasPorts: true, HasProto: true,
		TCPFlags: tcpACK, Link: schema.LinkEthernet, Header: f, Layers: &s.headers, Direction: schema.Ingress,
		In: schema.Port{Value: 1},
	}
	s.rec.Source.Exporter = schema.Addr4([4]byte{10, 255, 0, 1})
	if kind != schema.KindFrame {
		s.rec.Rate, s.rec.Bytes, s.rec.Packets = 1000, 66000, 1000
		s.rec.Out.Value = 2
	}
	if kind == schema.KindFlowRecord {
		s.rec.Layers, s.rec.Header = nil, nil
	}
	return s
}

// record returns the record of session i; every other one goes from Z to A.
func (s *source) record(i int, at schema.Instant) *schema.Record {
	r := &s.rec
	u := uint32(i % s.n)
	a := schema.Addr4([4]byte{10, byte(u >> 16), byte(u >> 8), byte(u)})
	z := schema.Addr4([4]byte{192, 168, byte(u >> 4), byte(u * 7)})
	r.At, r.Start, r.Last = at, at, at
	r.Src, r.Dst, r.SrcPort, r.DstPort = a, z, 40000+uint16(u%20000), 443
	if i/s.n%2 == 1 {
		r.Src, r.Dst, r.SrcPort, r.DstPort = z, a, 443, r.SrcPort
	}
	if r.Header != nil {
		binary.BigEndian.PutUint32(r.Header[38:], uint32(i))
	}
	return r
}

// TestNoAllocations observes records in a table that has grown.
func TestNoAllocations(t *testing.T) {
	for _, kind := range []schema.Kind{schema.KindPacketSample, schema.KindFlowRecord, schema.KindFrame} {
		table, src := NewTable(DefaultConfig()), newSource(2000, kind)
		i := 0
		round := func() {
			for range 4000 {
				table.Observe(src.record(i, t0.Add(0)+schema.Instant(i)*1000))
				i++
			}
			table.Moved(func(*schema.Record) {})
			table.Edges(func(Edge) {})
		}
		round()
		if n := testing.AllocsPerRun(5, round); n != 0 {
			t.Errorf("%v: %v allocations", kind, n)
		}
		if table.Len() != 2000 {
			t.Error(table.Len())
		}
	}
}

// BenchmarkObserve is a hit in a table of so many sessions, visited in a scattered order.
func BenchmarkObserve(b *testing.B) {
	for _, kind := range []schema.Kind{schema.KindFlowRecord, schema.KindPacketSample, schema.KindFrame} {
		for _, n := range []int{10_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", kind, n), func(b *testing.B) {
				table, src := NewTable(DefaultConfig()), newSource(n, kind)
				for i := range n {
					table.Observe(src.record(i, t0))
				}
				table.Edges(func(Edge) {})
				table.Moved(func(*schema.Record) {})
				b.ReportAllocs()
				b.ResetTimer()
				i := 0
				for range b.N {
					i = (i + 611953) % n // a prime: it comes to all
					table.Observe(src.record(i, t0))
					if src.rec.Kind == schema.KindFrame && table.gather.used == 1000 {
						table.Moved(func(*schema.Record) {})
					}
				}
			})
		}
	}
}

// BenchmarkObserveZipf is a hit in a table of a million sessions, some of which are much more active than others.
func BenchmarkObserveZipf(b *testing.B) {
	const n = 1_000_000
	order := make([]uint32, 1<<20)
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 10, n-1)
	for i := range order {
		order[i] = uint32(zipf.Uint64() * 611953 % n)
	}
	for _, kind := range []schema.Kind{schema.KindFlowRecord, schema.KindPacketSample, schema.KindFrame} {
		b.Run(kind.String(), func(b *testing.B) {
			table, src := NewTable(DefaultConfig()), newSource(n, kind)
			for i := range n {
				table.Observe(src.record(i, t0))
			}
			table.Edges(func(Edge) {})
			table.Moved(func(*schema.Record) {})
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				table.Observe(src.record(int(order[i%len(order)]), t0))
				if i%100_000 == 0 {
					table.Moved(func(*schema.Record) {})
				}
			}
		})
	}
}

// BenchmarkSource is what of BenchmarkObserve is making records.
func BenchmarkSource(b *testing.B) {
	src := newSource(1_000_000, schema.KindFrame)
	i := 0
	for range b.N {
		i = (i + 611953) % src.n
		src.record(i, t0)
	}
}

// BenchmarkHotFrames is frames of 100 sessions, gathered between ticks of 10,000 frames.
func BenchmarkHotFrames(b *testing.B) {
	table, src := NewTable(DefaultConfig()), newSource(100, schema.KindFrame)
	b.ReportAllocs()
	for i := range b.N {
		table.Observe(src.record(i, t0))
		if i%10000 == 0 {
			table.Moved(func(*schema.Record) {})
		}
	}
}

// BenchmarkTurnover is sessions of one record each: begun, told of, ended by time-out.
func BenchmarkTurnover(b *testing.B) {
	c := DefaultConfig()
	table, src := NewTable(c), newSource(1<<24, schema.KindPacketSample)
	b.ReportAllocs()
	at := t0
	for i := range b.N {
		at += 1e4 // 100,000 new sessions a second
		table.Observe(src.record(i, at))
		if i%100_000 == 0 {
			table.Edges(func(Edge) {})
			table.Advance(at)
		}
	}
}

// BenchmarkLive is a search among a million live sessions.
func BenchmarkLive(b *testing.B) {
	const n = 1_000_000
	table, src := NewTable(DefaultConfig()), newSource(n, schema.KindPacketSample)
	for i := range n {
		table.Observe(src.record(i, t0))
	}
	q, err := ParseQuery("ip=10.0.0.1,port=443")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		hits := 0
		table.Live(func(s *Session) bool {
			if q.Match(s) {
				hits++
			}
			return true
		})
		if hits != 1 {
			b.Fatal(hits)
		}
	}
}
