package meter

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"weir/schema"
)

// load is a stream of records that costs next to nothing to make: one record whose ends and ports change.
type load struct {
	rec   *schema.Record
	draws []draw
	i     int
}

type draw struct {
	src, dst     [4]byte
	sport, dport uint16
	port         uint8
}

// newLoad draws ends by Zipf's law from so many hosts, a tenth of them at home.
func newLoad(tb testing.TB, hosts int, flows bool) *load {
	rng := rand.New(rand.NewPCG(1, 2))
	rank := func() uint32 { return uint32(math.Pow(float64(hosts), rng.Float64())) * 2654435761 }
	ports := []uint16{443, 443, 443, 80, 80, 53, 22, 8080, 25, 5060, 3306, 1194}
	l := &load{draws: make([]draw, 1<<19)}
	for i := range l.draws {
		a, z := rank(), rank()
		d := draw{sport: uint16(32768 + rng.IntN(28000)), dport: ports[rng.IntN(len(ports))], port: uint8(rng.IntN(24))}
		binary.BigEndian.PutUint32(d.src[:], a)
		binary.BigEndian.PutUint32(d.dst[:], z)
		d.src[0] = 10
		if rng.IntN(2) == 0 {
			d.src, d.dst, d.sport, d.dport = d.dst, d.src, d.dport, d.sport
		}
		l.draws[i] = d
	}
	if flows {
		l.rec = flowRecord(tb, epoch0, "10.0.0.1", "8.8.8.8", 40000, 443, 5000)
		l.rec.Body = make([]byte, 80)
		for i, id := range []uint32{8, 12, 15, 10, 14, 2, 1, 22, 21, 7, 11, 6, 4, 5, 16, 17, 9, 13} {
			l.rec.Slots = append(l.rec.Slots, schema.Slot{
				Tag: schema.MakeTag(schema.SpaceElement, 0, id), Off: uint32(4 * i), Len: 4})
		}
		return l
	}
	l.rec = frame{at: epoch0, src: "10.0.0.1", dst: "8.8.8.8", sport: 40000, dport: 443, proto: 6, flags: 0x10,
		length: 900, rate: 1000, kind: schema.KindPacketSample, exporter: "192.168.0.1", index: 3, vlan: 10,
		srcMAC: [6]byte{2, 0, 0, 0, 0, 1}, dstMAC: [6]byte{2, 0, 0, 0, 0, 2}}.record(tb)
	l.rec.In, l.rec.Out = schema.Port{Value: 3}, schema.Port{Value: 4}
	return l
}

// next returns the next record; the one before is the same memory.
func (l *load) next() *schema.Record {
	d, r := &l.draws[l.i&(len(l.draws)-1)], l.rec
	l.i++
	r.Src, r.Dst = schema.Addr4(d.src), schema.Addr4(d.dst)
	r.SrcPort, r.DstPort = d.sport, d.dport
	r.Source.Index, r.In.Value, r.Out.Value = uint32(d.port), uint32(d.port)+1, uint32(d.port)*7%24+1
	if r.Kind != schema.KindFlowRecord {
		r.Header[5], r.Header[11] = d.src[3]&63, d.port
		r.Length = 64 + uint32(d.src[2])*5
		r.Bytes = uint64(r.Length) * 1000
	}
	return r
}

// measured reports the time that the processor worked for it: other programs do not count.
func measured(b *testing.B, f func()) {
	b.ReportAllocs()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	b.ResetTimer()
	before := used()
	f()
	b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op")
}

const perTick = 30_000 // 300,000 records a second

// run counts n records, with a tick every 100 ms of event time whose pages are given back at once.
func (l *load) run(b *Board, n int) {
	at := b.now
	for i := range n {
		if i%perTick == perTick-1 {
			at += 1e8
			for _, p := range b.Advance(at) {
				b.Recycle(p)
			}
		}
		r := l.next()
		r.At = at
		b.Observe(r)
	}
}

func loadedBoard(tb testing.TB, change func(groups []*Group)) *Board {
	groups := Builtin()
	if change != nil {
		change(groups)
	}
	b := NewBoard(nil)
	if err := b.Apply(epoch0, groups, Settings{Home: DefaultHome(), Grace: Span(2e9)}); err != nil {
		tb.Fatal(err)
	}
	b.Advance(epoch0)
	return b
}

func BenchmarkObserve(b *testing.B) {
	for _, kind := range []string{"sflow", "netflow"} {
		for _, hosts := range []int{1_000, 50_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, hosts), func(b *testing.B) {
				l := newLoad(b, hosts, kind == "netflow")
				board := loadedBoard(b, func(groups []*Group) {
					for _, g := range groups {
						g.MaxKeys = 2_000_000
					}
				})
				l.run(board, 1<<19)
				measured(b, func() { l.run(board, b.N) })
			})
		}
	}
}

// BenchmarkGroups tells what each group costs alone, over what a record costs without groups.
func BenchmarkGroups(b *testing.B) {
	names := []string{"none", "hosts", "hosts+rollups", "web_hosts", "apps", "aggregates", "protocols", "dscp",
		"packet_lengths", "link_layer", "mac", "dir_mac", "vlan", "interfaces", "flow_intfs"}
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			l := newLoad(b, 50_000, false)
			board := loadedBoard(b, func(groups []*Group) {
				for _, g := range groups {
					roll := name == "hosts+rollups" && len(g.Parents) > 0 && g.Kind == KindBuiltin
					web := name == "web_hosts" && (g.Name == "hosts" || g.Name == "apps")
					g.Inactive = g.Name != name && !roll && !web && !(name == "hosts+rollups" && g.Name == "hosts")
				}
			})
			l.run(board, 1<<18)
			measured(b, func() { l.run(board, b.N) })
		})
	}
}

func TestBoardAllocatesNothing(t *testing.T) {
	for _, flows := range []bool{false, true} {
		l := newLoad(t, 1000, flows)
		b := loadedBoard(t, nil)
		for range 4 {
			l.run(b, 2*perTick)
			for _, p := range b.Advance(b.now + 5e9) {
				b.Recycle(p)
			}
		}
		l.run(b, 1<<17) // every row of this slice is there
		if n := testing.AllocsPerRun(20000, func() { b.Observe(l.next()) }); n != 0 {
			t.Errorf("flow records %v: %v allocations per record", flows, n)
		}
	}
}

// BenchmarkHandOver tells how long the hand-over of a slice of so many hosts takes, roll-ups included: the lane stands
// still meanwhile.
func BenchmarkHandOver(b *testing.B) {
	for _, hosts := range []int{50_000, 1_000_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			board := loadedBoard(b, func(groups []*Group) {
				for _, g := range groups {
					g.MaxKeys = 2_000_000
				}
			})
			l := newLoad(b, hosts, false)
			for range b.N {
				b.StopTimer()
				r := l.next()
				r.At = board.now
				for i := range hosts {
					r.Src = schema.Addr4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
					r.Dst = schema.Addr4([4]byte{20, 0, 0, byte(i)})
					board.Observe(r)
				}
				b.StartTimer()
				for _, p := range board.Advance(board.now + 5e9) {
					board.Recycle(p)
				}
			}
		})
	}
}
