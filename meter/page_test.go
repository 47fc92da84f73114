package meter

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/key"
	"weir/schema"
)

// truth is what maps say of a stream.
type truth struct {
	sums   map[string]float64
	most   map[string]float64
	counts map[string]float64
}

type observation struct {
	key  string
	v, n float64
}

func (tr *truth) add(o observation) {
	tr.sums[o.key] += o.v
	tr.counts[o.key] += o.n
	if m, ok := tr.most[o.key]; !ok || o.v > m {
		tr.most[o.key] = o.v
	}
}

func capped(t testing.TB, limit int) *Group {
	return testGroup(t, func(g *Group) {
		g.MaxKeys, g.LowKeys = limit, 0
		g.Meters = []Meter{{ID: 0, Unit: "Bps", Type: Rate, Top: 3}, {ID: 1, Type: Counter}, {ID: 3, Type: Maximum, Top: 2}}
	})
}

func observe(p *Page, o observation) {
	row := p.Row([]byte(o.key))
	p.Add(row, 0, o.v)
	p.Add(row, 1, o.n)
	p.Write(row, 2, o.v, p.Start)
}

var genObservation = rapid.Custom(func(t *rapid.T) observation {
	// Small numbers are drawn more often, so that some keys are large.
	k := rapid.IntRange(0, rapid.SampledFrom([]int{3, 10, 60}).Draw(t, "spread")).Draw(t, "key")
	return observation{fmt.Sprintf("k%d", k), float64(rapid.IntRange(0, 1000).Draw(t, "v")), 1}
})

// mergeSome merges pages in pairs of random choice until one is left; with limit pruned as the ledger does.
func mergeSome(t *rapid.T, pages []*Page) *Page {
	for len(pages) > 1 {
		i := rapid.IntRange(1, len(pages)-1).Draw(t, "which")
		j := rapid.IntRange(0, i-1).Draw(t, "into")
		pages[j].Merge(pages[i])
		pages = slices.Delete(pages, i, i+1)
	}
	return pages[0]
}

// Whatever the order of merging, rows and floors bracket the truth, and totals are exact.
func TestMergeBracketsTheTruth(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		g := capped(outer, rapid.SampledFrom([]int{1, 2, 5, 20, 1000}).Draw(t, "limit"))
		exact := truth{map[string]float64{}, map[string]float64{}, map[string]float64{}}
		pages := make([]*Page, rapid.IntRange(1, 5).Draw(t, "pages"))
		for i := range pages {
			pages[i] = NewPage(g, 0, g.Bucket)
			for _, o := range rapid.SliceOfN(genObservation, 0, 100).Draw(t, "stream") {
				observe(pages[i], o)
				exact.add(o)
			}
		}
		p := mergeSome(t, pages)
		if rapid.Bool().Draw(t, "pruned") {
			p.prune(g.LowKeys)
		}
		checkBracket(t, p, exact)
	})
}

func checkBracket(t *rapid.T, p *Page, exact truth) {
	total := [2]float64{}
	for k, sum := range exact.sums {
		total[0], total[1] = total[0]+sum, total[1]+exact.counts[k]
		row, ok := p.Find([]byte(k))
		if !ok {
			if p.Exact() || sum > p.floor[0] || exact.counts[k] > p.floor[1] || exact.most[k] > p.floor[2] {
				t.Fatalf("key %s is absent with %v, floor %v", k, sum, p.floor)
			}
			continue
		}
		for id, want := range map[int]float64{0: sum, 1: exact.counts[k], 3: exact.most[k]} {
			v, _ := p.Value(row, id)
			if m := p.Missed(row, id); want < v || want > v+m || p.Exact() && v != want {
				t.Fatalf("key %s meter %d: %v is not in %v + %v", k, id, want, v, m)
			}
		}
	}
	if sum := p.Totals(nil); sum[0] != total[0] || sum[1] != total[1] {
		t.Fatalf("totals %v, want %v", sum, total)
	}
}

// The same pages merged in any bracketing give the same rows, missed values and floors.
func TestMergeAssociatesAndCommutes(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		g := capped(outer, rapid.SampledFrom([]int{2, 5, 1000}).Draw(t, "limit"))
		streams := rapid.SliceOfN(rapid.SliceOfN(genObservation, 0, 40), 3, 3).Draw(t, "streams")
		page := func(i int) *Page {
			p := NewPage(g, 0, g.Bucket)
			for _, o := range streams[i] {
				observe(p, o)
			}
			return p
		}
		a, b := page(0), page(2)
		a.Merge(page(1))
		a.Merge(page(2)) // (0 + 1) + 2
		c := page(1)
		c.Merge(page(0))
		b.Merge(c) // 2 + (1 + 0)
		if x, y := describe(a), describe(b); x != y {
			t.Fatalf("(0+1)+2:\n%s2+(1+0):\n%s", x, y)
		}
	})
}

// describe writes all that a page knows in the order of keys.
func describe(p *Page) string {
	var lines []string
	for row := range p.Len() {
		line := fmt.Sprintf("%x %v", p.RowKey(row), p.Cells(row))
		if p.missed != nil {
			line += fmt.Sprint(p.missed[row*p.stride : (row+1)*p.stride])
		}
		if p.samples != nil {
			line += fmt.Sprint(p.samples[row])
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprint(lines, p.floor, p.gone, p.dropped, p.Totals(nil), p.items.n, p.items.level)
}

func TestRowsAreFoundAgain(t *testing.T) {
	g := capped(t, 1<<20)
	p := NewPage(g, 0, g.Bucket)
	for i := range 5000 {
		if row := p.Row(fmt.Appendf(nil, "key number %d", i)); row != i {
			t.Fatalf("row %d for key %d", row, i)
		}
	}
	for i := range 5000 {
		k := fmt.Appendf(nil, "key number %d", i)
		if row, ok := p.Find(k); !ok || row != i || !bytes.Equal(p.RowKey(row), k) {
			t.Fatalf("key %d: row %d, %v", i, row, ok)
		}
	}
	if _, ok := p.Find([]byte("absent")); ok {
		t.Error("an absent key was found")
	}
	generation := p.Generation()
	p.Reset(g, 1, g.Bucket)
	if _, ok := p.Find([]byte("key number 1")); ok || p.Len() != 0 || p.Generation() == generation {
		t.Error("a page that was reset still has rows, or row numbers still seem to be good")
	}
}

func TestDropTellsFirst(t *testing.T) {
	g := capped(t, 4)
	p := NewPage(g, 0, g.Bucket)
	var gone []string
	p.OnDrop = func(row int) { gone = append(gone, fmt.Sprintf("%s %v", p.RowKey(row), p.Cells(row)[0])) }
	generation := p.Generation()
	for i, v := range []float64{5, 1, 7, 1, 3} {
		observe(p, observation{string(rune('a' + i)), v, 1})
	}
	if len(gone) != 1 || gone[0] != "d 1" || p.Generation() == generation || p.Dropped() != 1 || p.Exact() {
		t.Errorf("dropped %v", gone)
	}
	if row, _ := p.Find([]byte("e")); p.Missed(row, 0) != 1 {
		t.Errorf("a row made later may have missed %v, want 1", p.Missed(row, 0))
	}
	if row, _ := p.Find([]byte("a")); p.Missed(row, 0) != 0 {
		t.Errorf("a row made before missed %v, want 0", p.Missed(row, 0))
	}
}

func TestToppersRank(t *testing.T) {
	g := testGroup(t, func(g *Group) {
		g.Form = key.Form{key.Host}
		g.Meters = g.Meters[:3]
	})
	rapid.Check(t, func(t *rapid.T) {
		p := NewPage(g, 0, g.Bucket)
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			k := []byte{10, 0, 0, rapid.Byte().Draw(t, "key")}
			p.Add(p.Row(k), 0, float64(rapid.IntRange(0, 5).Draw(t, "v")))
		}
		k := rapid.IntRange(0, 20).Draw(t, "k")
		check := func(got []Topper, sign float64) {
			rows := make([]int, 0, p.Len())
			for row := range p.Len() {
				if p.Cells(row)[0] > 0 {
					rows = append(rows, row)
				}
			}
			slices.SortFunc(rows, func(a, b int) int {
				if d := sign * (p.Cells(b)[0] - p.Cells(a)[0]); d != 0 {
					return int(d)
				}
				return bytes.Compare(p.RowKey(a), p.RowKey(b))
			})
			rows = rows[:min(k, len(rows))]
			if len(got) != len(rows) {
				t.Fatalf("%d toppers, want %d", len(got), len(rows))
			}
			for i, r := range rows {
				if !bytes.Equal(got[i].Key, p.RowKey(r)) || got[i].Value != p.Cells(r)[0] {
					t.Fatalf("place %d: %v", i, got[i])
				}
			}
		}
		check(p.Toppers(0, k), 1)
		check(p.Bottom(0, k), -1)
	})
	p := NewPage(g, 0, g.Bucket)
	if p.Toppers(17, 3) != nil || p.Toppers(-1, 3) != nil || len(p.Toppers(2, 3)) != 0 {
		t.Error("toppers of meters that are not there")
	}
}

func distinctGroup(t testing.TB) *Group {
	return testGroup(t, func(g *Group) {
		g.Meters = g.Meters[:2]
		g.Distinct = []Cardinality{{Group: "apps"}, {Group: "hosts", Name: "Peers"}}
	})
}

func TestDistinct(t *testing.T) {
	g := distinctGroup(t)
	if m := g.Meter(3); m == nil || m.Name != "Peers" || !m.Distinct || m.Type != Gauge {
		t.Fatalf("cardinality meters: %+v", g.Meters)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]map[uint64]bool{}
		pages := make([]*Page, 3)
		for i := range pages {
			pages[i] = NewPage(g, 0, g.Bucket)
			for range rapid.IntRange(0, 50).Draw(t, "n") {
				k, item := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"), rapid.Uint8().Draw(t, "item")
				h := ItemHash([]byte{item})
				pages[i].Unique(pages[i].Row([]byte(k)), g.Cell(3), h)
				if want[k] == nil {
					want[k] = map[uint64]bool{}
				}
				want[k][h] = true
			}
		}
		p := mergeSome(t, pages)
		for k, items := range want {
			row, ok := p.Find([]byte(k))
			if v, _ := p.Value(row, 3); !ok || v != float64(len(items)) || p.Stderr(row, 3) != 0 {
				t.Fatalf("%s: %v, want %d", k, v, len(items))
			}
		}
	})
}

// Over the cap of its set a page counts a sample, says with what error, and pages of different levels still merge.
func TestDistinctOverTheCap(t *testing.T) {
	g := distinctGroup(t)
	fill := func(from, n int) *Page {
		p := NewPage(g, 0, g.Bucket)
		row := p.Row([]byte("scanner"))
		for i := range n {
			p.Unique(row, g.Cell(2), ItemHash(fmt.Append(nil, from+i)))
		}
		return p
	}
	small, large := fill(0, 100_000), fill(50_000, itemLimit*3)
	if large.items.n > itemLimit || large.items.level == 0 {
		t.Fatalf("%d items at level %d", large.items.n, large.items.level)
	}
	small.Merge(large)
	row, _ := small.Find([]byte("scanner"))
	v, _ := small.Value(row, 2)
	e, want := small.Stderr(row, 2), float64(50_000+itemLimit*3)
	if math.Abs(v-want) > 5*e || e <= 0 || e > want/100 {
		t.Errorf("%v ± %v, want %v", v, e, want)
	}
}

func TestSampling(t *testing.T) {
	g := testGroup(t, func(g *Group) {
		g.Meters = []Meter{{ID: 0, Unit: "Bps"}, {ID: 1, Unit: "Bps"}, {ID: 2, Unit: "pps"}}
	})
	const rate, n = 100, 400
	p := NewPage(g, 0, g.Bucket)
	row := p.Row([]byte("k"))
	for i := range n {
		v := float64(rate * (500 + 1000*(i%2)))
		p.Add(row, 0, v)
		p.Add(row, 1, float64(i%4/3)*v)
		p.Add(row, 2, rate)
		p.Sampled(row, rate, v)
	}
	exact := p.Row([]byte("exact"))
	p.Add(exact, 0, 5)
	p.Sampled(exact, 1, 5)
	if s, r := p.Samples(row); s != n || r != rate {
		t.Errorf("%d samples, one in %v", s, r)
	}
	if s, _ := p.Samples(exact); s != 0 || p.Stderr(exact, 0) != 0 {
		t.Error("an exact row has an error")
	}
	want := math.Sqrt(n/2*(5e4*5e4+15e4*15e4)) * math.Sqrt(1-1./rate)
	if e := p.Stderr(row, 0); math.Abs(e-want) > 1e-6*want {
		t.Errorf("error of the primary meter %v, want %v", e, want)
	}
	v0, _ := p.Value(row, 0)
	v1, _ := p.Value(row, 1)
	if e := p.Stderr(row, 1); math.Abs(e-want*math.Sqrt(v1/v0)) > 1e-6*want {
		t.Errorf("error of a meter in the same unit %v", e)
	}
	if e := p.Stderr(row, 2); math.Abs(e-math.Sqrt(n*rate*(rate-1))) > 1e-6*e {
		t.Errorf("error of the packets %v", e)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	g := capped(t, 1000)
	p := NewPage(g, 0, g.Bucket)
	keys := make([][]byte, 500)
	for i := range keys {
		keys[i] = fmt.Append(nil, i)
		p.Row(keys[i])
	}
	n := testing.AllocsPerRun(100, func() {
		for _, k := range keys {
			row := p.Row(k)
			p.Add(row, 0, 1)
			p.Write(row, 2, 1, 0)
			p.Sampled(row, 1, 1)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	n = testing.AllocsPerRun(100, func() {
		p.Reset(g, 0, g.Bucket)
		for _, k := range keys {
			p.Row(k)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations after Reset", n)
	}
}

func TestGroupComplete(t *testing.T) {
	hosts := testGroup(t, func(g *Group) { g.Name = "hosts" })
	lookup := func(name string) *Group {
		if name == "hosts" {
			return hosts
		}
		return nil
	}
	meters := []Meter{{ID: 0}}
	for _, c := range []struct {
		g    Group
		want string
	}{
		{Group{Name: "Hosts", Meters: meters}, "a-z"},
		{Group{Name: "a", Kind: "filterd", Meters: meters}, `did you mean "filtered"?`},
		{Group{Name: "a", GUID: "{1}", Meters: meters}, "write it as {4CD7"},
		{Group{Name: "a", Meters: meters, Bucket: Span(time.Millisecond)}, "whole seconds"},
		{Group{Name: "a", Meters: meters, Bucket: Span(2 * time.Hour)}, "from 1s to 1h"},
		{Group{Name: "a", Meters: meters, Topper: Span(45 * time.Second)}, "a multiple of the bucket (30s), such as 30s"},
		{Group{Name: "a"}, "at least one"},
		{Group{Name: "a", Meters: []Meter{{ID: 1}, {ID: 1}}}, "ids ascend"},
		{Group{Name: "a", Meters: []Meter{{ID: 32}}}, "below 32"},
		{Group{Name: "a", Meters: meters, Primary: 3}, "no meter 3"},
		{Group{Name: "a", Meters: meters, MaxKeys: -1}, "max_keys"},
		{Group{Name: "a", Meters: meters, Distinct: make([]Cardinality, 3)}, "at most 2"}, // C-16
		{Group{Name: "a", Kind: KindCrosskey, Parents: []string{"hosts"}}, "2 to 3"},
		{Group{Name: "a", Kind: KindStat, Parents: []string{"host"}}, `no group "host"`},
		{Group{Name: "a", Kind: KindStat, Parents: []string{"hosts"}}, "has a test"},
		{Group{Name: "a", Kind: KindStat, Parents: []string{"hosts"}, Stat: &Stat{Meter: 0, Op: "=>"}}, "no operator"},
		{Group{Name: "a", Meters: []Meter{{ID: 0, Type: GaugeMinMaxAvg}, {ID: 1, Type: GaugeMinMaxAvg},
			{ID: 2, Type: Average}}}, "further cells"},
	} {
		if err := c.g.Complete(lookup); err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.want)) {
			t.Errorf("%+v: %v, want %q", c.g, err, c.want)
		}
	}
	g := Group{Name: "cross", Kind: KindCrosskey, Parents: []string{"hosts", "hosts"}}
	if err := g.Complete(lookup); err != nil || len(g.Form) != 2 || len(g.Meters) != 8 || g.Bucket != DefaultBucket ||
		g.Topper != DefaultTopper || g.MaxKeys != DefaultMaxKeys || !validGUID(g.GUID) {
		t.Errorf("%+v, %v", g, err)
	}
}

// millions fills a page with many hosts.
func millions(b testing.TB, rows int) *Page {
	g := testGroup(b, func(g *Group) {
		g.Form, g.MaxKeys = key.Form{key.Host}, 2*rows
		g.Meters = make([]Meter, 13)
		for i := range g.Meters {
			g.Meters[i] = Meter{ID: i, Type: Rate, Unit: "Bps", Top: 10}
		}
	})
	p := NewPage(g, schema.Instant(t0*time.Second), g.Bucket)
	random := rand.New(rand.NewPCG(1, 2))
	for range rows {
		n := random.Uint32()
		row := p.Row([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		p.Add(row, 0, float64(random.IntN(1<<20)))
		p.Add(row, 3, float64(random.IntN(100)))
	}
	return p
}

func BenchmarkRank(b *testing.B) {
	p := millions(b, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		p.Toppers(0, 50)
	}
}

func BenchmarkMerge(b *testing.B) {
	q := millions(b, 1_000_000)
	p := NewPage(q.Group, q.Start, q.Width)
	p.Merge(q)
	b.ReportAllocs()
	for b.Loop() {
		p.Merge(q)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(q.Len()), "ns/row")
}

func BenchmarkAdd(b *testing.B) {
	p := millions(b, 100_000)
	keys := make([][]byte, 0, p.Len())
	for row := range p.Len() {
		keys = append(keys, slices.Clone(p.RowKey(row)))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.Add(p.Row(keys[i%len(keys)]), 0, 1)
		i += 7919
	}
}

func BenchmarkPrune(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		p := millions(b, 200_000)
		b.StartTimer()
		p.prune(150_000)
	}
}

func BenchmarkBlocks(b *testing.B) {
	q := millions(b, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		l := NewLedger(Limits{})
		l.Define(0, []*Group{q.Group})
		l.Take(q)
		c := l.Advance(q.Start.Add(time.Minute))
		for c.Next() != nil {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(q.Len()), "ns/row")
}
