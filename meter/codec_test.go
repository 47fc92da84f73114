package meter

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/key"
)

// codecGroups are groups of every type of meter, one of them with a small cap and cardinality meters.
func codecGroups(t testing.TB) map[string]*Group {
	all := testGroup(t, nil)
	small := testGroup(t, func(g *Group) {
		g.Name, g.MaxKeys, g.Meters = "small", 4, g.Meters[:3]
		g.Distinct = []Cardinality{{Group: "tg"}}
	})
	wide := testGroup(t, func(g *Group) {
		g.Name, g.Form, g.Meters = "wide", key.Form{key.Host}, []Meter{{ID: 2, Type: GaugeMinMaxAvg}, {ID: 31, Type: Rate}}
		g.Primary = 31
	})
	return map[string]*Group{"tg": all, "small": small, "wide": wide}
}

func drawPage(t *rapid.T, g *Group) *Page {
	p := NewPage(g, floor(at(float64(rapid.IntRange(-1000, 1000).Draw(t, "at"))), g.Bucket), g.Bucket)
	for range rapid.IntRange(0, 30).Draw(t, "updates") {
		row := p.Row(rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "key"))
		m := g.Meters[rapid.IntRange(0, len(g.Meters)-1).Draw(t, "meter")]
		if m.Distinct {
			p.Unique(row, g.Cell(m.ID), ItemHash([]byte{rapid.Byte().Draw(t, "item")}))
			continue
		}
		v := float64(rapid.IntRange(-5, 1<<40).Draw(t, "v"))
		if rapid.Bool().Draw(t, "fraction") {
			v /= 3
		}
		p.Write(row, g.Cell(m.ID), v, p.Start+5)
		p.Sampled(row, uint32(rapid.IntRange(0, 3).Draw(t, "rate")), v)
	}
	return p
}

func TestPagesComeBack(t *testing.T) {
	groups := codecGroups(t)
	lookup := func(name string) *Group { return groups[name] }
	rapid.Check(t, func(t *rapid.T) {
		p := drawPage(t, groups[rapid.SampledFrom([]string{"tg", "small", "wide"}).Draw(t, "group")])
		b, err := p.AppendBinary([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		q, err := DecodePage(b[len("before"):], lookup)
		if err != nil {
			t.Fatal(err)
		}
		if q.Group != p.Group || q.Start != p.Start || q.Width != p.Width || describe(p) != describe(q) {
			t.Fatalf("went in:\n%s\ncame back:\n%s", describe(p), describe(q))
		}
	})
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	groups := codecGroups(t)
	p := NewPage(groups["tg"], at(0), groups["tg"].Bucket)
	p.Add(p.Row([]byte("k")), 0, 1.5)
	b, _ := p.AppendBinary(nil)
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{nil, "the version is cut off at byte 0 of 0"},
		{append([]byte{9}, b[1:]...), "version 9"},
		{b[:len(b)-1], "is cut off"},
		{append(b[:len(b):len(b)], 0), "something follows"},
	} {
		_, err := DecodePage(c.b, func(name string) *Group { return groups[name] })
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrSlice) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := DecodePage(b, func(string) *Group { return nil }); err == nil || errors.Is(err, ErrSlice) {
		t.Error("a slice of an unknown group:", err)
	}
	if _, err := DecodePage(b, func(string) *Group { return groups["small"] }); err == nil ||
		!strings.Contains(err.Error(), "other meters") {
		t.Error("a slice of other meters:", err)
	}
	p.closed = true
	if _, err := p.AppendBinary(nil); err == nil {
		t.Error("a closed page was encoded")
	}
}

func TestNumbersComeBack(t *testing.T) {
	for _, v := range []float64{0, 1, -1, 63, 64, 1e15, 1<<53 - 1, 1 << 53, -1 << 60, 0.1, math.Inf(1), 1e300} {
		b := appendNumber(nil, v)
		if r := (&reader{b: b, all: len(b)}); r.number("it") != v || len(r.b) > 0 || r.err != nil {
			t.Errorf("%v took %d bytes and did not come back: %v", v, len(b), r.err)
		}
	}
	if n := len(appendNumber(nil, 15)); n != 1 {
		t.Errorf("a small number takes %d bytes", n)
	}
}

func FuzzDecodePage(f *testing.F) {
	groups := codecGroups(f)
	for _, name := range []string{"tg", "small", "wide"} {
		g := groups[name]
		p := NewPage(g, at(0), g.Bucket)
		for i := range 6 {
			row := p.Row(fmt.Append(nil, i))
			p.Write(row, 0, float64(i), at(1))
			p.Sampled(row, 10, 5)
			if len(g.Distinct) > 0 {
				p.Unique(row, g.Cell(3), ItemHash([]byte{1}))
			}
		}
		b, _ := p.AppendBinary(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePage(b, func(name string) *Group { return groups[name] })
		if err != nil {
			return
		}
		// What was read can be used: merged, ranked, closed, written.
		q := NewPage(p.Group, p.Start, p.Width)
		q.Merge(p)
		q.Toppers(p.Group.Primary, 3)
		l := NewLedger(Limits{})
		l.Define(0, []*Group{p.Group})
		l.Take(p)
		l.End(p.Start).Blocks()
		if _, err := q.AppendBinary(nil); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkAppendBinary(b *testing.B) {
	p := millions(b, 100_000)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = p.AppendBinary(buf[:0])
	}
	b.ReportMetric(float64(len(buf))/float64(p.Len()), "bytes/row")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Len()), "ns/row")
}
