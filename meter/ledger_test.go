package meter

import (
	"fmt"
	"math"
	"testing"
	"time"

	"weir/key"
	"weir/schema"
)

// t0 is the instant that the acceptance checks count from: divisible by 300 s.
const t0 = 1700000100

func at(seconds float64) schema.Instant {
	return schema.Instant(t0)*schema.Instant(time.Second) + schema.Instant(seconds*float64(time.Second))
}

func testGroup(t testing.TB, change func(*Group)) *Group {
	t.Helper()
	g := &Group{Name: "tg", Title: "TG", GUID: "{11111111-0000-4000-8000-000000000001}", Kind: KindScript,
		Form: key.Form{key.Text}, Meters: []Meter{
			{ID: 0, Name: "Rate", Unit: "Bps", Type: Rate, Top: 3}, {ID: 1, Name: "Counter", Type: Counter, Top: 3},
			{ID: 2, Name: "Gauge", Type: Gauge}, {ID: 3, Name: "Running", Type: Running},
			{ID: 4, Name: "Average", Type: Average, Top: 3}, {ID: 5, Name: "Delta", Type: DeltaRate},
			{ID: 6, Name: "Max", Type: Maximum}, {ID: 7, Name: "Min", Type: Minimum},
		}}
	if change != nil {
		change(g)
	}
	if err := g.Complete(func(string) *Group { return nil }); err != nil {
		t.Fatal(err)
	}
	return g
}

// desk is one lane and the ledger behind it, for tests: one slice for each update.
type desk struct {
	t      testing.TB
	l      *Ledger
	groups map[string]*Group
	rows   map[string]storedRow
	tops   []storedTopper
	keys   []string
}

type storedRow struct {
	width  int64
	m      []float64
	x      []float64
	missed float64
	n      int64
}

type storedTopper struct {
	group, key string
	meter      int
	at         int64 // seconds since t0
	rank       int
	value, err float64
}

func newDesk(t testing.TB, groups ...*Group) *desk {
	d := &desk{t: t, l: NewLedger(Limits{}), groups: map[string]*Group{}, rows: map[string]storedRow{}}
	for _, g := range groups {
		d.groups[g.Name] = g
	}
	d.l.Define(at(0), groups)
	return d
}

// update is U(t, group, key, meter, v) of the acceptance checks.
func (d *desk) update(seconds float64, group, k string, meter int, v float64) {
	g := d.groups[group]
	p := NewPage(g, floor(at(seconds), g.Bucket), g.Bucket)
	p.Write(p.Row([]byte(k)), g.Cell(meter), v, at(seconds))
	d.l.Take(p)
}

func (d *desk) advance(seconds float64) { d.keep(d.l.Advance(at(seconds))) }

func (d *desk) end(seconds float64) { d.keep(d.l.End(at(seconds))) }

// keep reads blocks as the store does.
func (d *desk) keep(c *Closing) {
	d.t.Helper()
	d.keepBlocks(c.Blocks())
}

func (d *desk) keepBlocks(blocks []*schema.Block) {
	d.t.Helper()
	for _, b := range blocks {
		for i := range b.Columns {
			if n := max(len(b.Columns[i].Ints), len(b.Columns[i].Floats), len(b.Columns[i].Texts.Ends)); n != b.Rows {
				d.t.Fatalf("%s: column %s has %d values in %d rows", b.Table.Name, b.Columns[i].Name, n, b.Rows)
			}
		}
		for i := range b.Rows {
			text := func(c int) string { return string(b.Columns[c].Texts.At(i)) }
			switch b.Table {
			case schema.TableBuckets:
				d.keepRow(b, i)
			case schema.TableToppers:
				d.tops = append(d.tops, storedTopper{text(0), text(5), int(b.Columns[1].Ints[i]),
					b.Columns[2].Ints[i]/1e9 - t0, int(b.Columns[4].Ints[i]), b.Columns[6].Floats[i],
					b.Columns[7].Floats[i]})
			case schema.TableKeys:
				d.keys = append(d.keys, text(0)+" "+text(1))
			}
		}
	}
}

func (d *desk) keepRow(b *schema.Block, i int) {
	id := fmt.Sprintf("%s %s %d", b.Columns[0].Texts.At(i), b.Columns[1].Texts.At(i), b.Columns[2].Ints[i]/1e9-t0)
	if _, twice := d.rows[id]; twice {
		d.t.Errorf("row %s came twice", id)
	}
	r := storedRow{width: b.Columns[3].Ints[i], missed: b.Columns[7].Floats[i], n: b.Columns[4].Ints[i]}
	for m := range schema.MaxMeters {
		r.m = append(r.m, b.Columns[colMeters+m].Floats[i])
	}
	for x := range schema.MaxExtras {
		r.x = append(r.x, b.Columns[colExtras+x].Floats[i])
	}
	d.rows[id] = r
}

// shown is the value that a reader is shown of a stored row; NaN when there is none.
func (d *desk) shown(group, k string, seconds, meter int) float64 {
	r, ok := d.rows[fmt.Sprintf("%s %s %d", group, k, seconds)]
	if !ok {
		return math.NaN()
	}
	return d.groups[group].Shown(meter, r.m[meter], Span(r.width)*Span(time.Second))
}

func (d *desk) want(k string, seconds, meter int, want float64) {
	d.t.Helper()
	got := d.shown("tg", k, seconds, meter)
	if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > 1e-9 {
		d.t.Errorf("key %s bucket %+d meter %d = %v, want %v", k, seconds, meter, got, want)
	}
}

// list is the stored topper list of one meter and topper bucket, values as shown.
func (d *desk) list(meter, seconds int) (list []storedTopper, total float64) {
	g := d.groups["tg"]
	for _, r := range d.tops {
		if r.group == "tg" && r.meter == meter && r.at == int64(seconds) {
			r.value = g.Shown(meter, r.value, g.Topper)
			if r.rank == 0 {
				total = r.value
				continue
			}
			list = append(list, r)
		}
	}
	return list, total
}

func (d *desk) wantList(meter, seconds int, want string, total float64) {
	d.t.Helper()
	list, sum := d.list(meter, seconds)
	got := ""
	for _, r := range list {
		got += fmt.Sprintf("%s %v ", r.key, r.value)
	}
	if got != want || sum != total {
		d.t.Errorf("toppers of meter %d at %+d: %q total %v, want %q total %v", meter, seconds, got, sum, want, total)
	}
}

var none = math.NaN()

func TestMetersAndBuckets(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	//
	d.update(1, "tg", "k", 0, 600)
	d.update(10, "tg", "k", 0, 1200)
	d.update(29.999, "tg", "k", 0, 1200)
	d.update(29.999, "tg", "edge", 0, 300)
	d.update(30, "tg", "edge", 0, 600)
	d.update(1, "tg", "slow", 0, 10)
	//
	d.update(1, "tg", "c", 1, 5)
	d.update(2, "tg", "c", 1, 7)
	d.update(31, "tg", "c", 1, 1)
	//
	for i, v := range []float64{5, 9, 3} {
		d.update(float64(i), "tg", "g", 2, v)
	}
	//
	d.update(1, "tg", "run", 3, 3)
	d.update(2, "tg", "run", 3, -1)
	d.update(61, "tg", "run", 3, 1)
	//
	for i, v := range []float64{0, 100, 200} {
		d.update(float64(i), "tg", "avg", 4, v)
	}
	d.update(61, "tg", "avg", 4, 500)
	//
	for i, v := range []float64{1000, 4000, 1000, 1600} {
		d.update(float64(30*i), "tg", "delta", 5, v)
	}
	//
	for i, v := range []float64{5, 2, 9} {
		d.update(float64(i), "tg", "x", 6, v)
		d.update(float64(i), "tg", "x", 7, v)
	}
	//
	for range 3 {
		d.update(3, "tg", "half", 1, 0.5)
	}
	for s := 0; s <= 300; s += 30 {
		d.advance(float64(s))
	}
	d.want("k", 0, 0, 100)
	if v := d.rows["tg k 0"].m[0]; v != 3000 {
		t.Errorf("volume %v", v)
	}
	d.want("edge", 0, 0, 10)
	d.want("edge", 30, 0, 20)
	d.want("slow", 0, 0, 10./30)
	d.want("c", 0, 1, 12)
	d.want("c", 30, 1, 1)
	d.want("g", 0, 2, 3)
	d.want("g", 30, 2, none)
	for s, v := range map[int]float64{0: 2, 30: 2, 60: 3, 90: 3, 270: 3} {
		d.want("run", s, 3, v)
	}
	d.want("avg", 0, 4, 300) // the sum; with the number of samples behind it, 100
	d.want("avg", 30, 4, none)
	d.want("avg", 60, 4, 500)
	if n := d.rows["tg avg 0"].x[0]; n != 3 {
		t.Errorf("an average of %v samples, want 3", n)
	}
	for s, v := range map[int]float64{0: none, 30: 100, 60: none, 90: 20} {
		d.want("delta", s, 5, v)
	}
	d.want("x", 0, 6, 9)
	d.want("x", 0, 7, 2)
	d.want("half", 0, 1, 1.5)
	d.wantList(4, 0, "avg 200 ", 200) // A-06, the topper interval
	if list, _ := d.list(2, 0); list != nil {
		t.Errorf("A-14: meter without toppers has %v", list)
	}
}

func TestToppers(t *testing.T) {
	d := newDesk(t, testGroup(t, func(g *Group) { g.Meters[0].Bottom = 2 }))
	//
	for i, k := range []string{"d", "c", "b", "a", "e"} {
		v := []float64{6000, 6000, 9000, 3000, 300}[i]
		for n := range 3 {
			d.update(float64(100*n+i), "tg", k, 0, v/3)
		}
		d.update(7, "tg", k, 1, []float64{6, 6, 9, 3, 1}[i])
	}
	//
	d.advance(299)
	if len(d.tops) > 0 {
		t.Error("a topper list came before its interval was over")
	}
	d.advance(300)
	if v := d.rows["tg SYS:GROUP_TOTALS 0"].m[1]; v != 25 {
		t.Errorf("totals of the counter %v", v)
	}
	d.wantList(0, 0, "a 10 e 1 b 30 c 20 d 20 ", 81)
	if list, _ := d.list(0, 0); list[1].rank != -1 || list[0].rank != -2 {
		t.Errorf("ranks of the smallest: %v", list[:2])
	}
	d.wantList(1, 0, "b 9 c 6 d 6 ", 25)
	// more toppers for the same group, at once.
	g := testGroup(t, func(g *Group) { g.Meters[0].Top = 5 })
	d.groups["tg"] = g
	d.l.Define(at(300), []*Group{g})
	for i, k := range []string{"d", "c", "b", "a", "e"} {
		d.update(301, "tg", k, 0, float64(300*(i+1)))
	}
	d.advance(600)
	if list, _ := d.list(0, 300); len(list) != 5 {
		t.Errorf("A-16: %d toppers, want 5", len(list))
	}
	// Keys are told once a day.
	if len(d.keys) != 5 || d.keys[0] != "tg a" {
		t.Errorf("keys %q", d.keys)
	}
}

func TestTwoSnapshots(t *testing.T) {
	d := newDesk(t, testGroup(t, func(g *Group) { g.Meters[0].Top = 1 }))
	d.update(1, "tg", "x", 0, 3000)
	d.update(1, "tg", "y", 0, 2400)
	d.update(301, "tg", "x", 0, 600)
	d.update(301, "tg", "y", 0, 3000)
	d.end(600)
	d.wantList(0, 0, "x 10 ", 18)
	d.wantList(0, 300, "y 10 ", 12)
}

func TestTopperOnly(t *testing.T) {
	d := newDesk(t, testGroup(t, func(g *Group) {
		g.TopperOnly, g.Meters[0].Top, g.Meters[1].Top, g.Meters[4].Top = true, 1, 1, 0
	}))
	for k, v := range map[string][2]float64{"p": {9000, 1}, "q": {300, 50}, "r": {600, 2}} {
		d.update(5, "tg", k, 0, v[0])
		d.update(35, "tg", k, 1, v[1])
	}
	d.advance(299)
	if len(d.rows) > 0 {
		t.Errorf("rows left before their topper interval was over: %v", d.rows)
	}
	if p := d.l.Row("tg", []byte("r")); len(p) != 2 || p[0].Open || p[0].Values[0] != 600 || p[1].Values[1] != 2 {
		t.Errorf("live reader sees %+v", p)
	}
	if c := d.l.Advance(at(299)); c.Marks["tg"] != at(0) {
		t.Errorf("mark %v, want the start of the topper bucket", c.Marks["tg"])
	}
	d.advance(300)
	for _, k := range []string{"p", "q"} {
		for _, s := range []int{0, 30} {
			if _, ok := d.rows[fmt.Sprintf("tg %s %d", k, s)]; !ok {
				t.Errorf("no row of %s at %d", k, s)
			}
		}
	}
	d.want("r", 0, 0, none)
	if a, b := d.rows["tg SYS:GROUP_TOTALS 0"].m[0], d.rows["tg SYS:GROUP_TOTALS 30"].m[1]; a != 9900 || b != 53 {
		t.Errorf("totals %v, %v", a, b)
	}
	d.update(301, "tg", "r", 0, 9999)
	d.update(301, "tg", "p", 0, 1)
	d.end(310)
	d.want("r", 300, 0, 9999./30)
	d.want("p", 300, 0, none)
	if c := d.l.Counts("tg"); c.RowsSeen != 8 || c.RowsStored != 5 {
		t.Errorf("space: %+v", c)
	}
}

func TestWatermarks(t *testing.T) {
	d := newDesk(t, testGroup(t, func(g *Group) { g.MaxKeys, g.LowKeys = 10, 5 }))
	g := d.groups["tg"]
	p := NewPage(g, at(0), g.Bucket)
	for n := 1; n <= 12; n++ {
		p.Add(p.Row(fmt.Appendf(nil, "k%02d", n)), 0, float64(100*n))
	}
	d.l.Take(p)
	d.advance(30)
	for n := 1; n <= 12; n++ {
		want := none
		if n >= 8 {
			want = float64(100*n) / 30
		}
		d.want(fmt.Sprintf("k%02d", n), 0, 0, want)
	}
	if v := d.rows["tg SYS:GROUP_TOTALS 0"].m[0]; v != 7800 {
		t.Errorf("totals %v", v)
	}
	if d.l.Counts("tg").Dropped != 7 {
		t.Errorf("counts %+v", d.l.Counts("tg"))
	}
}

func TestUnknownGroupAndMeter(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	other := testGroup(t, func(g *Group) { g.Name = "other" })
	p := NewPage(other, at(0), other.Bucket)
	p.Row([]byte("k"))
	d.l.Take(p)
	if d.l.Unknown() != 1 || len(d.l.Advance(at(60)).Blocks()) != 0 {
		t.Error("a page of an unknown group left something behind")
	}
	if c := d.groups["tg"].Cell(14); c != -1 {
		t.Errorf("cell of meter 14: %d", c)
	}
	misfit := testGroup(t, func(g *Group) { g.Meters = g.Meters[:2] })
	p = NewPage(misfit, at(0), misfit.Bucket)
	p.Row([]byte("k"))
	d.l.Take(p)
	if d.l.Counts("tg").Misfit != 1 {
		t.Error("a page with other meters was not counted")
	}
}

func TestMixedBuckets(t *testing.T) {
	apps := testGroup(t, func(g *Group) { g.Name, g.GUID, g.Bucket = "apps", "", Span(300*time.Second) })
	d := newDesk(t, testGroup(t, nil), apps)
	for s := range 300 {
		d.update(float64(s), "tg", "k", 0, 2)
		d.update(float64(s), "apps", "k", 0, 2)
	}
	d.advance(300)
	sum, n := 0.0, 0
	for id, r := range d.rows {
		var g, k string
		var s int
		if _, err := fmt.Sscan(id, &g, &k, &s); err == nil && g == "tg" && k == "k" {
			sum, n = sum+r.m[0], n+1
		}
	}
	if n != 10 || sum != 600 || d.rows["apps k 0"].m[0] != 600 {
		t.Errorf("%d rows with %v; one with %v", n, sum, d.rows["apps k 0"].m[0])
	}
}

func TestLateAndPartial(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	d.update(35, "tg", "k", 1, 30)
	d.advance(35)
	d.update(20, "tg", "k", 1, 60)
	d.advance(60)
	d.want("k", 30, 1, 90)
	d.want("k", 0, 1, none)
	if n := d.l.Counts("tg").Late; n != 1 {
		t.Errorf("late %d", n)
	}
	d = newDesk(t, testGroup(t, nil))
	d.update(5, "tg", "k", 0, 300)
	d.end(10)
	d.want("k", 0, 0, 10)
	d.wantList(0, 0, "k 1 ", 1)
}

func TestGrace(t *testing.T) {
	l := NewLedger(Limits{Grace: Span(2 * time.Second)})
	g := testGroup(t, nil)
	l.Define(at(0), []*Group{g})
	p := NewPage(g, at(0), g.Bucket)
	p.Add(p.Row([]byte("k")), 0, 1)
	l.Take(p)
	if c := l.Advance(at(31)); len(c.Buckets) != 0 {
		t.Error("closed before the grace was over")
	}
	l.Take(p)
	c := l.Advance(at(32))
	if len(c.Buckets) != 1 || c.Buckets[0].Totals(nil)[0] != 2 || l.Counts("tg").Late != 0 {
		t.Errorf("%d buckets, %+v", len(c.Buckets), l.Counts("tg"))
	}
	if c.Marks["tg"] != at(30) {
		t.Errorf("mark %v, want %v", c.Marks["tg"], at(30))
	}
}

func TestChangeOfTimes(t *testing.T) {
	d := newDesk(t, testGroup(t, nil))
	d.update(5, "tg", "k", 0, 300)
	d.update(40, "tg", "k", 0, 150)
	d.update(40, "tg", "k", 3, 1)
	d.advance(45)
	g := testGroup(t, func(g *Group) { g.Bucket, g.Topper = Span(60*time.Second), Span(120*time.Second) })
	d.l.Define(at(45), []*Group{g})
	d.groups["tg"] = g
	d.update(50, "tg", "k", 0, 90)
	d.advance(300)
	for id, want := range map[string][2]float64{"tg k 0": {30, 300}, "tg k 30": {15, 150}, "tg k 45": {15, 90}} {
		if r := d.rows[id]; float64(r.width) != want[0] || r.m[0] != want[1] {
			t.Errorf("%s: width %d, %v; want %v", id, r.width, r.m, want)
		}
	}
	sum := 0.0
	for _, r := range d.tops {
		if r.meter == 0 && r.rank == 1 {
			sum += r.value
		}
	}
	if sum != 540 {
		t.Errorf("topper lists sum up to %v, want 540: %v", sum, d.tops)
	}
	d.l.Define(at(300), nil)
	if d.l.Group("tg") != nil || len(d.l.Advance(at(301)).Buckets) != 0 {
		t.Error("the group is still there")
	}
}
