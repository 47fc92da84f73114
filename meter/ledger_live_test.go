package meter

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/key"
	"weir/schema"
)

func TestLiveReaders(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	d.update(1, "tg", "a", 0, 3000)
	d.update(1, "tg", "a", 3, 2)
	d.update(1, "tg", "c", 4, 10)
	d.advance(30)
	d.update(31, "tg", "a", 0, 600)
	d.update(31, "tg", "b", 0, 9000)
	d.update(32, "tg", "a", 3, -1)
	d.update(33, "tg", "c", 4, 30)
	d.advance(35)
	s := d.l.Toppers("tg", 0, 10)
	if len(s.Toppers) != 2 || string(s.Toppers[0].Key) != "b" || s.Toppers[1].Value != 3600 || s.Total != 12600 ||
		s.Start != at(0) || s.Width != DefaultTopper {
		t.Errorf("%+v", s)
	}
	if again := d.l.Bottom("tg", 0, 1); string(again.Toppers[0].Key) != "a" {
		t.Errorf("%+v", again)
	}
	d.update(34, "tg", "a", 0, 60_000)
	if s := d.l.Toppers("tg", 0, 1); string(s.Toppers[0].Key) != "a" || s.Total != 72600 {
		t.Errorf("after a further slice: %+v", s)
	}
	if s := d.l.Toppers("tg", 4, 5); s.Toppers[0].Value != 20 || s.Total != 20 {
		t.Errorf("average over the interval: %+v", s)
	}
	p := d.l.Row("tg", []byte("a"))
	if len(p) != 1 || !p[0].Open || p[0].Start != at(30) || p[0].Values[0] != 60_600 || p[0].Values[3] != 1 {
		t.Errorf("%+v", p)
	}
	if p := d.l.Row("tg", nil); len(p) != 1 || p[0].Values[0] != 69_600 || p[0].Values[3] != 1 {
		t.Errorf("totals %+v", p)
	}
	if n := d.l.Count("tg"); n != 3 {
		t.Errorf("%d keys", n)
	}
	keys := d.l.Keys("tg", func(k []byte) bool { return k[0] != 'b' }, 5)
	if fmt.Sprintf("%s", keys) != "[a c]" {
		t.Errorf("keys %s", keys)
	}
	if s := d.l.Toppers("no", 0, 1); s.Toppers != nil || d.l.Row("no", nil) != nil || d.l.Keys("no", nil, 1) != nil {
		t.Error("readers of a group that is not there")
	}
}

func TestStatGroup(t *testing.T) { // C-07
	parent := testGroup(t, nil)
	stat := &Group{Name: "radar", Kind: KindStat, Parents: []string{"tg"}, Stat: &Stat{Meter: 0, Op: "<", Value: 2000}}
	if err := stat.Complete(func(string) *Group { return parent }); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, stat, parent)
	d.update(1, "tg", "a", 0, 30_000)
	d.update(1, "tg", "a", 1, 7)
	d.update(1, "tg", "a", 3, 7)
	d.update(1, "tg", "b", 0, 90_000)
	d.advance(60)
	if v := d.shown("radar", "a", 0, 0); v != 1000 {
		t.Errorf("rate %v", v)
	}
	for _, m := range []int{1, 3} {
		if v := d.shown("radar", "a", 0, m); v != 7 {
			t.Errorf("meter %d: %v", m, v)
		}
	}
	if _, ok := d.rows["radar b 0"]; ok {
		t.Error("b is in the group")
	}
	// Its level stands in the parent's second bucket, whose rate of 0 satisfies the test too; it is not added again.
	if v := d.shown("radar", "a", 30, 3); v != 7 {
		t.Errorf("second bucket %v", v)
	}
}

func TestBlocksAreSortedAndBounded(t *testing.T) {
	a := testGroup(t, func(g *Group) { g.Name, g.GUID = "a", "" })
	b := testGroup(t, func(g *Group) { g.Name, g.GUID = "b", "" })
	l := NewLedger(Limits{BlockRows: 40})
	l.Define(at(0), []*Group{b, a})
	for _, g := range []*Group{a, b} {
		for _, start := range []float64{0, 30} {
			p := NewPage(g, at(start), g.Bucket)
			for i := range 50 {
				p.Add(p.Row(fmt.Appendf(nil, "%x", i*7919)), 0, 1)
			}
			l.Take(p)
		}
	}
	c := l.Advance(at(60))
	rows := map[string]int{}
	for b := c.Next(); b != nil; b = c.Next() {
		if b.Rows == 0 || b.Rows > 40 && b.Table != schema.TableToppers {
			t.Errorf("a block of %d rows", b.Rows)
		}
		rows[b.Table.Name] += b.Rows
		last := ""
		for i := range b.Rows {
			id := string(b.Columns[0].Texts.At(i)) + " " + string(b.Columns[1].Texts.At(i))
			if id <= last {
				t.Errorf("%s: %q after %q", b.Table.Name, id, last)
			}
			last = id
		}
	}
	if rows["buckets"] != 4*51 || rows["keys"] != 100 {
		t.Errorf("rows %v", rows)
	}
}

func TestKeysOfDays(t *testing.T) {
	g := testGroup(t, nil)
	l := NewLedger(Limits{DayKeys: 64})
	l.Define(0, []*Group{g})
	told := func(seconds float64, n int) (all []int64) {
		p := NewPage(g, floor(at(seconds), g.Bucket), g.Bucket)
		for i := range n {
			p.Row(fmt.Append(nil, i))
		}
		l.Take(p)
		for _, b := range l.Advance(at(seconds + 60)).Blocks() {
			if b.Table == schema.TableKeys {
				all = append(all, b.Columns[2].Ints...)
			}
		}
		return all
	}
	if days := told(0, 10); len(days) != 10 || days[0]%int64(24*time.Hour) != 0 {
		t.Errorf("days %v", days)
	}
	if days := told(60, 12); len(days) != 2 {
		t.Errorf("second time %v", days)
	}
	if days := told(86400, 10); len(days) != 10 {
		t.Errorf("next day %v", days)
	}
	if days := told(86460, 1000); len(days) < 990 {
		t.Errorf("past the limit only %d of 990 keys were told", len(days))
	}
}

// A clock that leaps by years makes no rows for all the time between.
func TestLeapingClock(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	d.update(1, "tg", "k", 3, 1)
	d.advance(30)
	c := d.l.Advance(at(1e9))
	if n := len(c.Buckets); n > maxStanding+20 {
		t.Errorf("%d buckets", n)
	}
	last := c.Buckets[len(c.Buckets)-1]
	if v, _ := last.Value(0, 3); v != 1 || last.Start < at(1e9-60) {
		t.Errorf("the level is %v in the bucket of %v", v, last.Start)
	}
}

// Behind full pages the lists bracket the truth, and totals are exact.
func TestLedgerBracketsTheTruth(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		g := testGroup(outer, func(g *Group) {
			g.MaxKeys, g.Meters = rapid.SampledFrom([]int{2, 5, 20}).Draw(t, "limit"), g.Meters[:2]
		})
		d := newDesk(outer, g)
		truth, total := map[string]float64{}, 0.0
		for slice := range rapid.IntRange(1, 12).Draw(t, "slices") {
			p := NewPage(g, at(float64(slice/4*30)), g.Bucket)
			for _, o := range rapid.SliceOfN(genObservation, 0, 30).Draw(t, "stream") {
				p.Add(p.Row([]byte(o.key)), 0, o.v)
				truth[o.key] += o.v
				total += o.v
			}
			d.l.Take(p)
			for _, p := range d.l.byName["tg"].open {
				if p.Len() > g.MaxKeys {
					t.Fatalf("%d rows, the limit is %d", p.Len(), g.MaxKeys)
				}
			}
		}
		live := d.l.Toppers("tg", 0, 3)
		d.end(300)
		for i, r := range d.tops {
			if r.meter != 0 {
				continue
			}
			if r.rank == 0 {
				if r.value != total || live.Total != total {
					t.Fatalf("totals %v and %v, want %v", r.value, live.Total, total)
				}
				continue
			}
			if v := truth[r.key]; v < r.value || v > r.value+r.err {
				t.Fatalf("place %d: %s is %v, not in %v + %v", i, r.key, v, r.value, r.err)
			}
		}
		for _, r := range live.Toppers {
			if v := truth[string(r.Key)]; v < r.Value || v > r.Value+r.Error {
				t.Fatalf("live: %s is %v, not in %v + %v", r.Key, v, r.Value, r.Error)
			}
		}
	})
}

func TestRowsForAlerts(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	d.update(1, "tg", "k", 0, 3000)
	d.update(1, "tg", "j", 4, 5)
	p := d.l.Advance(at(30)).Buckets[0]
	seen := map[string]string{}
	p.Rows(func(raw []byte, value func(int) (float64, bool)) bool {
		rate, ok := value(0)
		average, has := value(4)
		seen[string(raw)] = fmt.Sprint(rate, ok, average, has)
		return true
	})
	if len(seen) != 3 || seen["k"] != "100 true NaN false" || seen["SYS:GROUP_TOTALS"] != "100 true 5 true" {
		t.Errorf("%v", seen)
	}
	n := testing.AllocsPerRun(10, func() {
		p.Rows(func([]byte, func(int) (float64, bool)) bool { return true })
	})
	if n > 8 {
		t.Errorf("%v allocations for all rows", n)
	}
}

func TestGroupsInJSON(t *testing.T) {
	g := testGroup(t, func(g *Group) {
		g.Form = key.Form{key.Host, key.App}
		g.Meters = append(g.Meters, Meter{ID: 9, Type: GaugeMinMaxAvg})
		g.Distinct = []Cardinality{{Group: "apps"}}
	})
	g.Meters[len(g.Meters)-1].Top = 7
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back Group
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if err := back.Complete(func(string) *Group { return nil }); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(&back); string(again) != string(text) || back.Meter(10).Top != 7 {
		t.Errorf("%s\ncame back as\n%s", text, again)
	}
	for id, want := range map[int][2]int{4: {0, 1}, 9: {1, 4}, 0: {0, 0}} {
		if first, n := g.Extra(id); n != want[1] || n > 0 && first != want[0] {
			t.Errorf("meter %d: extras %d, %d", id, first, n)
		}
	}
}

func TestSpanText(t *testing.T) {
	for text, want := range map[string]Span{"30s": 30 * Span(time.Second), "5m": 5 * Span(time.Minute),
		"1h": Span(time.Hour), "1m30s": 90 * Span(time.Second), "1h0m5s": Span(time.Hour + 5*time.Second), "0s": 0} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	if new(Span).UnmarshalText([]byte("30")) == nil {
		t.Error("a number without unit was taken")
	}
	words := slices.Clone(varTypeWords[1:])
	for i, w := range words {
		var v VarType
		if err := v.UnmarshalText([]byte(w)); err != nil || int(v) != i+1 {
			t.Errorf("%s: %v, %v", w, v, err)
		}
	}
	if new(VarType).UnmarshalText([]byte("rat")) == nil {
		t.Error("a type that is not there was taken")
	}
}
