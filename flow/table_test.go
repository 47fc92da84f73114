package flow

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/schema"
)

func TestLimits(t *testing.T) {
	l := Limits{Keys: 3, KeyBytes: 11, Sources: 2, Pools: 3, Definitions: 2, Log: 1, DistinctBytes: 100}
	table := NewTable(compiler(), l)
	defs := []*Definition{
		{Name: "f", Keys: "port", Value: "frames", Log: true, ActiveTimeout: 0.05, Values: []string{"count:ipsource"}},
		{Name: "long", Keys: "ipsource,ipdestination,port", Value: "frames"},
	}
	for _, d := range defs {
		if err := d.Complete(); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Apply(start, append(defs, &Definition{Name: "third"})); err == nil ||
		!strings.Contains(err.Error(), "2 is the most") {
		t.Errorf("three definitions: %v", err)
	}
	if err := table.Apply(start, []*Definition{defs[0], defs[0]}); err == nil {
		t.Error("the same name twice is accepted")
	}
	if err := table.Apply(start, defs); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(100) {
		from := h1
		from[15] = byte(i)
		r := sample(start+schema.Instant(i)*100*milli, at1(i%4), 1, 100, from, h2)
		r.SrcPort = uint16(i % 7)
		table.Observe(r)
	}
	if table.keys > 3 || len(table.sources.ids) > 2 || table.pools > 3 {
		t.Errorf("%d keys, %d sources, %d pools", table.keys, len(table.sources.ids), table.pools)
	}
	p := table.Advance(start + second)
	books := map[string]Books{}
	for _, c := range p.columns {
		books[c.def.Name] = c.books
		if c.books.Difference() != 0 {
			t.Errorf("%s: books do not balance: %+v", c.def.Name, c.books)
		}
	}
	f := books["f"]
	if f.KeysFull == 0 || f.SourcesFull == 0 || books["long"].KeyTooLong != 100 {
		t.Errorf("caps are not counted: %+v", books)
	}
	if len(p.Logged) != 1 || p.LogFull == 0 || p.DistinctFull == 0 {
		t.Errorf("%d logged, %d more; %d distinct values left out", len(p.Logged), p.LogFull, p.DistinctFull)
	}
	if err := table.Apply(start+second, nil); err != nil {
		t.Fatal(err)
	}
	if table.keys != 0 || table.pools != 0 || len(table.sources.ids) != 0 || table.distinct != 100 {
		t.Errorf("after all are removed: %d keys, %d pools, %d sources, %d bytes for sets", table.keys, table.pools,
			len(table.sources.ids), table.distinct)
	}
}

func TestRedefine(t *testing.T) { // spec 6.3: identical content keeps the flows, different content clears them
	feed := func(at schema.Instant) []*schema.Record { return []*schema.Record{sample(at, at1(3), 1, 100, h1, h2)} }
	def := func(value string) *Definition {
		return &Definition{Name: "f", Keys: "ipsource", Value: value, Log: true}
	}
	w := newWorld(t, def("frames"), &Definition{Name: "g", Value: "frames"})
	w.steady(10, time.Second, feed)
	before := w.one("f").Value
	w.define(def("frames"))
	w.tick(w.at)
	if v := w.one("f").Value; v != before {
		t.Errorf("the same again: %g, was %g", v, before)
	}
	if _, err := w.view.Active(Query{Definition: "g"}); err == nil {
		t.Error("a removed definition still answers")
	}
	w.define(def("bytes"))
	w.tick(w.at + milli)
	if a := w.active(Query{Definition: "f"}); len(a) != 0 {
		t.Errorf("redefined, it still has %+v", a)
	}
	if len(w.added) != 1 || w.added[0].Value != 10 {
		t.Errorf("the unfinished record of the old definition: %+v", w.added)
	}
	w.steady(10, time.Second, feed)
	if a := w.one("f"); a.Value < 100 {
		t.Errorf("value of the new definition = %g", a.Value)
	}
}

func TestApplyKeepsOldOnError(t *testing.T) {
	w := newWorld(t, &Definition{Name: "f", Value: "frames"})
	bad := &Definition{Name: "g", Keys: "nosuch:ipsource", Value: "frames"}
	if err := bad.Complete(); err != nil {
		t.Fatal(err)
	}
	err := w.lanes[0].Apply(start, []*Definition{bad})
	if err == nil || !strings.Contains(err.Error(), `"g": keys:`) {
		t.Errorf("error = %v", err)
	}
	w.observe(sample(start, at1(3), 1, 100, h1, h2))
	w.tick(start + milli)
	w.one("f")
}

func TestWatchAndNow(t *testing.T) {
	w := newWorld(t,
		&Definition{Name: "f", Keys: "ipsource", Value: "frames", Values: []string{"bytes", "last:port"}, T: 1},
		&Definition{Name: "quiet", Value: "frames"},
		&Definition{Name: "edge", Value: "frames", AggMode: "edge"})
	var hits []string
	var values []float64
	w.lanes[0].Watch(map[string]bool{"f": true, "edge": true}, func(h *Hit) {
		values = h.Values(values[:0])
		hits = append(hits, fmt.Sprintf("%s %d %s %g±%g %v", h.Definition.Name, h.Source.Index,
			schema.AppendKeyText(nil, h.Key, ","), h.Value, h.Error, values))
	})
	r := sample(start, at1(3), 100, 50, h1, h2)
	r.SrcPort = 9
	w.observe(r)
	w.observe(r)
	want := []string{
		"f 3 198.51.100.1 100±99.498743710662 [5000 9]", "f 3 198.51.100.1 200±140.71247279470288 [10000 9]",
	}
	if !slices.Equal(hits, want) {
		t.Errorf("hits = %q", hits)
	}
	host := v4("198.51.100.1")
	key := (&schema.Value{Type: schema.IPv4, B: host[12:]}).AppendKey(nil)
	for _, c := range []struct {
		def  string
		src  schema.Source
		key  []byte
		at   schema.Instant
		want float64
		ok   bool
	}{
		{"f", at1(3), key, start, 200, true}, {"f", at1(3), nil, start + second, 200 / math.E, true},
		{"f", at1(3), []byte{}, start, 0, false}, {"quiet", at1(3), []byte{}, start, 100, true},
		{"f", at1(4), nil, start, 0, false}, {"nosuch", at1(3), nil, start, 0, false},
		{"f", at1(3), nil, start + 60*second, 0, false},
	} {
		v, ok := w.lanes[0].Now(c.def, c.src, c.key, c.at)
		if ok != c.ok || math.Abs(v-c.want) > 1e-9 {
			t.Errorf("Now(%s, %d, %q, +%v) = %g, %v; want %g, %v", c.def, c.src.Index, c.key, c.at.Sub(start), v, ok, c.want, c.ok)
		}
	}
}

func TestViewKeepsUntouchedLeaves(t *testing.T) {
	w := newWorld(t, &Definition{Name: "f", Value: "frames", T: 600})
	for i := range uint32(1000) {
		w.observe(sample(start, at1(i*7919%1000), 1, 100, h1, h2))
	}
	w.tick(start + 100*milli)
	before := w.view
	w.observe(sample(start+150*milli, at1(500), 1, 100, h1, h2))
	w.tick(start + 200*milli)
	shared, n := 0, 0
	old := map[*leaf]bool{}
	before.columns[0].all(func(l *leaf) bool { old[l] = true; return true })
	var last *leaf
	w.view.columns[0].all(func(l *leaf) bool {
		n++
		if old[l] {
			shared++
		}
		if last != nil && compareLeaves(last, l) >= 0 {
			t.Fatal("leaves are out of order")
		}
		last = l
		return true
	})
	if n != 1000 || shared != 999 {
		t.Errorf("%d leaves, %d shared; want 1000, 999", n, shared)
	}
	for i := range uint32(1000) {
		if _, ok := w.view.Value("f", at1(i), ""); !ok {
			t.Fatalf("datasource %d is not found", i)
		}
	}
	if a, ok := before.Value("f", at1(500), ""); !ok || a.Value != w.valueAt(at1(499), "").Value/math.Exp(-0.1/600) {
		t.Errorf("the earlier view changed: %+v", a)
	}
	if _, ok := w.view.Value("f", at1(1000), ""); ok {
		t.Error("a datasource that never was is found")
	}
}

// TestMergeLeaves checks the chunks of a column against a map.
func TestMergeLeaves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, want := &column{}, map[uint32]*leaf{}
		for range rapid.IntRange(1, 8).Draw(rt, "ticks") {
			u := &update{}
			indexes := rapid.SliceOfNDistinct(rapid.Uint32Range(0, 300), 0, 200, rapid.ID[uint32]).Draw(rt, "indexes")
			gone := rapid.IntRange(0, 4).Draw(rt, "gone")
			for i, index := range indexes {
				l := &leaf{source: at1(index), cells: make([]cell, 1)}
				want[index] = l
				if gone > 0 && i%gone == 0 {
					l.cells = nil
					delete(want, index)
				}
				u.leaves = append(u.leaves, l)
			}
			c = c.apply(u)
			n := 0
			c.all(func(l *leaf) bool {
				if n++; want[l.source.Index] != l {
					rt.Fatalf("leaf of %d is not the newest", l.source.Index)
				}
				return true
			})
			if n != len(want) {
				rt.Fatalf("%d leaves, want %d", n, len(want))
			}
			for i := range uint32(301) {
				if c.find(at1(i)) != want[i] {
					rt.Fatalf("find(%d) is wrong", i)
				}
			}
			for _, chunk := range c.chunks {
				if len(chunk) == 0 || len(chunk) > chunkLeaves {
					rt.Fatalf("a chunk of %d leaves", len(chunk))
				}
			}
		}
	})
}

// TestCache checks the cache against a map.
func TestCache(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &cache{stride: 1}
		c.seed = NewTable(compiler(), Limits{}).seed
		ids := map[string]uint32{}
		for range rapid.IntRange(1, 400).Draw(rt, "steps") {
			key := []byte(strings.Repeat("k", rapid.IntRange(0, 40).Draw(rt, "length")))
			key = append(key, byte(rapid.IntRange(0, 9).Draw(rt, "last")))
			pool := uint32(rapid.IntRange(0, 2).Draw(rt, "pool"))
			name := fmt.Sprintf("%d %s", pool, key)
			hash := c.hash(pool, key)
			id, ok := c.find(hash, pool, key)
			want, there := ids[name]
			switch {
			case ok != there || ok && id != want:
				rt.Fatalf("find = %d, %v; want %d, %v", id, ok, want, there)
			case !ok:
				id = c.insert(hash, pool, key)
				if c.state(id)[0] != 0 || string(c.keyOf(c.entry(id))) != string(key) {
					rt.Fatal("a new entry is not clean")
				}
				c.state(id)[0] = 1
				ids[name] = id
			case rapid.Bool().Draw(rt, "remove"):
				c.remove(id)
				delete(ids, name)
			}
			if c.live != len(ids) {
				rt.Fatalf("%d live, want %d", c.live, len(ids))
			}
		}
	})
}

func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 6, 64, 96, 97, 1000, 10_000, 1_000_000} {
		budget := 1 << 20
		a := &sets{budget: &budget}
		var s set
		for i := range 2 * n { // every value twice
			var ok bool
			if s, ok = a.add(s, hashBytes(binary.LittleEndian.AppendUint64(nil, uint64(i%n)))); !ok {
				t.Fatal("full")
			}
		}
		got := a.estimate(s)
		if n <= 96 && got != float64(n) || math.Abs(got-float64(n)) > 0.05*float64(n) {
			t.Errorf("%d values are estimated as %g", n, got)
		}
		a.release(s)
		if budget != 1<<20 {
			t.Errorf("%d bytes are lost", 1<<20-budget)
		}
	}
}

func TestDistinctError(t *testing.T) {
	sum, worst, budget := 0.0, 0.0, 1<<30
	a := &sets{budget: &budget}
	const trials, n = 200, 5000
	for trial := range trials {
		var s set
		for i := range n {
			s, _ = a.add(s, hashBytes(binary.LittleEndian.AppendUint64(nil, uint64(trial*n+i))))
		}
		e := a.estimate(s)/n - 1
		sum += e * e
		worst = max(worst, math.Abs(e))
	}
	if rms := math.Sqrt(sum / trials); rms > 0.02 {
		t.Errorf("relative error is %.4f (worst %.4f), want 0.016", rms, worst)
	}
}

func TestSeen(t *testing.T) {
	s := NewSeen(compiler().Fields())
	r := sample(start, at1(3), 1, 100, h1, h2)
	s.Observe(r)
	seen := MergeSeen(nil, s.Advance(), nil)
	names := seen.Names()
	if !slices.Contains(names, "ipsource") || slices.Contains(names, "ip6source") || slices.Contains(names, "ipsource.1") ||
		slices.Contains(names, "reason") {
		t.Errorf("seen = %v", names)
	}
	r.At = start + 500*milli
	s.Observe(r)
	if got := s.Advance(); len(got) != 0 {
		t.Errorf("looked into the same shape again within a second: %v", got)
	}
	r.Slots, r.Body = []schema.Slot{{Tag: reasonTag, Len: 1}}, []byte("x")
	s.Observe(r)
	next := MergeSeen(seen, s.Advance())
	if next["reason"] != r.At || seen["reason"] != 0 {
		t.Errorf("another shape: %v, before: %v", next, seen)
	}
	if ages := next.Ages(start+2*second, 1800); ages["reason"] != 1500 || len(ages) == 0 {
		t.Errorf("ages = %v", ages)
	}
	if MergeSeen(next, nil) == nil || len(MergeSeen(next)) != len(next) {
		t.Error("merging nothing changes something")
	}
}

// FuzzKeyFilter: no filter and key make the matcher panic or hang.
func FuzzKeyFilter(f *testing.F) {
	f.Add(",203.0.113.9", ",", []byte("\x05\xc6\x33\x64\x01"))
	f.Add("*a*b*,7,,", ",", []byte("\x08\x03aab\x03\x07"))
	f.Add("", "", []byte{})
	f.Fuzz(func(t *testing.T, filter, fs string, key []byte) {
		if len(filter) > 1000 || len(key) > 1000 {
			return
		}
		newPattern(filter, fs).matches(string(key))
	})
}

// steadyTable is a table of n flows under some definitions, and records that touch them.
func steadyTable(tb testing.TB, keys, definitions int) (*Table, []*schema.Record) {
	tb.Helper()
	table := NewTable(compiler(), Limits{Keys: 10_000_000})
	var defs []*Definition
	for i := range definitions {
		d := &Definition{Name: fmt.Sprintf("f%d", i), Keys: "ipsource,ipdestination,port", Value: "bytes"}
		if err := d.Complete(); err != nil {
			tb.Fatal(err)
		}
		defs = append(defs, d)
	}
	if err := table.Apply(start, defs); err != nil {
		tb.Fatal(err)
	}
	records := make([]*schema.Record, keys)
	for i := range records {
		from, to := h1, h2
		binary.BigEndian.PutUint32(from[12:], uint32(i)*2654435761)
		binary.BigEndian.PutUint32(to[12:], uint32(i)*40503)
		records[i] = sample(start, at1(uint32(i%16)), 1000, uint32(64+i*7919%1400), from, to)
		records[i].SrcPort = uint16(i)
		table.Observe(records[i])
	}
	return table, records
}

func TestObserveAllocatesNothing(t *testing.T) {
	table, records := steadyTable(t, 2000, 3)
	extra := []*Definition{
		{Name: "values", Keys: "ipdestination", Value: "frames", AggMode: "AGENT",
			Values: []string{"count:ipsource", "avg:bytes", "min:bytes", "max:bytes", "last:port", "bytes"}},
		{Name: "logged", Keys: "ipsource", Value: "bytes", Log: true, Filter: "ipsource!=10.0.0.1"},
		{Name: "avg", Keys: "ipsource", Value: "avg:bytes"}, {Name: "count", Keys: "port", Value: "count:ipsource"},
	}
	defs := []*Definition{}
	for _, p := range table.all {
		defs = append(defs, p.def)
	}
	for _, d := range extra {
		if err := d.Complete(); err != nil {
			t.Fatal(err)
		}
		defs = append(defs, d)
	}
	if err := table.Apply(start, defs); err != nil {
		t.Fatal(err)
	}
	n := 0
	var values []float64
	table.Watch(map[string]bool{"f0": true, "values": true, "logged": true}, func(h *Hit) {
		n++
		values = h.Values(values[:0])
	})
	for range 2 {
		for _, r := range records {
			table.Observe(r)
		}
	}
	i := 0
	allocs := testing.AllocsPerRun(2000, func() {
		r := records[i%len(records)]
		r.At = start + schema.Instant(i)*milli/10
		table.Observe(r)
		i++
	})
	if allocs != 0 {
		t.Errorf("%g allocations per record", allocs)
	}
	if n == 0 {
		t.Error("no hits")
	}
}

// TestMemory: a flow with a key of 15 bytes takes well below 200 bytes.
func TestMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, records := steadyTable(t, 100_000, 2)
	clear(records)
	records = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	part := table.Advance(start + milli)
	if part.Keys != 200_000 {
		t.Fatalf("%d keys", part.Keys)
	}
	heap, told := int(after.HeapAlloc-before.HeapAlloc)/part.Keys, part.Bytes/part.Keys
	t.Logf("%d bytes a flow on the heap, %d as told", heap, told)
	if heap > 200 || told > heap+10 || told < heap/2 {
		t.Errorf("%d bytes a flow on the heap, %d as told; want at most 200", heap, told)
	}
	runtime.KeepAlive(table)
}

func BenchmarkObserve(b *testing.B) {
	for _, c := range []struct{ keys, defs int }{{1000, 1}, {1_000_000, 1}, {1000, 5}, {200_000, 5}} {
		b.Run(fmt.Sprintf("keys=%d/definitions=%d", c.keys, c.defs), func(b *testing.B) {
			table, records := steadyTable(b, c.keys, c.defs)
			table.Advance(start)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := records[i*7919%len(records)]
				r.At = start + schema.Instant(i)*1000
				table.Observe(r)
				i++
			}
		})
	}
}

func BenchmarkAdvanceAndMerge(b *testing.B) {
	table, records := steadyTable(b, 100_000, 5)
	defs := make([]*Definition, len(table.all))
	for i, p := range table.all {
		defs[i] = p.def
	}
	var view *View
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at := start + schema.Instant(i)*100*milli
		for j := range 1000 {
			r := records[(i*1000+j)*7919%len(records)]
			r.At = at
			table.Observe(r)
		}
		view = Merge(view, at, defs, []*Partial{table.Advance(at)}, nil)
		i++
	}
}

func BenchmarkActive(b *testing.B) {
	table, _ := steadyTable(b, 100_000, 1)
	view := Merge(nil, start, []*Definition{table.all[0].def}, []*Partial{table.Advance(start)}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if a, err := view.Active(Query{Definition: "f0", Max: 20}); err != nil || len(a) != 20 {
			b.Fatal(len(a), err)
		}
	}
}

// TestLoggedError: the total of a logged flow is an estimate, too.
func TestLoggedError(t *testing.T) {
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource", Value: "bytes", Log: true, ActiveTimeout: 60},
		&Definition{Name: "avg", Keys: "ipsource", Value: "avg:bytes", Log: true})
	records := func(src schema.Source, rate uint32) func(at schema.Instant) []*schema.Record {
		return func(at schema.Instant) []*schema.Record {
			return []*schema.Record{sample(at, src, rate, 1000, h1, h2)}
		}
	}
	check := func(n int, value, stderr float64, exact bool) {
		t.Helper()
		for _, r := range w.added[n:] {
			if r.Name == "f" {
				if r.Value != value || math.Abs(r.Error-stderr) > 1e-6*value || r.Exact != exact {
					t.Errorf("logged %+v, want %g, error %g, exact %v", r, value, stderr, exact)
				}
			} else if r.Error > 1e-3 || r.Exact != exact {
				t.Errorf("an average of equal lengths: %+v", r)
			}
		}
	}
	w.steady(100, 10*time.Second, records(at1(3), 1000))
	w.rest(10 * time.Second)
	check(0, 1e8, 1e8*math.Sqrt(0.999/100), false)
	w.steady(10, time.Second, records(at1(3), 1)) // what was logged does not count again
	w.rest(10 * time.Second)
	check(2, 1e4, 0, true)
	if len(w.added) != 4 {
		t.Errorf("%d logged", len(w.added))
	}
}
