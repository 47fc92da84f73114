package history

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
	"weir/store/parquet"
)

// newHistory returns a history before an engine without traffic and a store with the rows that put asks for.
func newHistory(t *testing.T, blocks ...*schema.Block) (*History, *meter.Group) {
	t.Helper()
	c := engine.DefaultConfig()
	c.Lanes, c.Replay = 1, true
	e, err := engine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	pc := parquet.DefaultConfig()
	pc.Threads = 1
	st, err := parquet.Open(t.TempDir(), pc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.Keep(ctx, store.Batch{Node: "test", Seq: 1, Blocks: blocks}); err != nil {
		t.Fatal(err)
	}
	g := e.State().Group("hosts")
	if g == nil {
		t.Fatal("there is no group of hosts")
	}
	return &History{Engine: e, Store: st}, g
}

const host = "C0.A8.01.02"

// buckets makes rows of 192.168.1.2 and of the totals: value in each bucket from a time on to another.
func buckets(table *schema.Table, from, to schema.Instant, width time.Duration, value, stderr float64) *schema.Block {
	b := schema.NewBlock(table, 0)
	for _, raw := range []string{host, key.Totals} {
		for at := from; at < to; at = at.Add(width) {
			for i := range b.Columns {
				c := &b.Columns[i]
				switch c.Name {
				case "grp":
					c.Texts.AppendString("hosts")
				case "key":
					c.Texts.AppendString(raw)
				case "at":
					c.Ints = append(c.Ints, int64(at))
				case "width":
					c.Ints = append(c.Ints, int64(width/time.Second))
				case "m0":
					c.Floats = append(c.Floats, value)
				case "stderr":
					c.Floats = append(c.Floats, stderr)
				case "samples":
					c.Ints = append(c.Ints, int64(stderr))
				case "rate":
					c.Floats = append(c.Floats, stderr)
				case "missed":
					c.Floats = append(c.Floats, 0)
				default:
					c.Floats = append(c.Floats, math.NaN())
				}
			}
			b.Rows++
		}
	}
	return b
}

// TestResolutionsJoin: what is rolled up, what is not yet, and what is not any more make one series, each time once.
func TestResolutionsJoin(t *testing.T) {
	rolled := noon.Add(-2 * time.Hour) // what is older is rolled up; 30 s buckets begin an hour before that
	h, g := newHistory(t,
		buckets(schema.TableBuckets1h, noon.Add(-48*time.Hour), rolled, time.Hour, 3600, 2),
		buckets(schema.TableBuckets5m, noon.Add(-24*time.Hour), rolled, 5*time.Minute, 300, 1),
		buckets(schema.TableBuckets, rolled.Add(-time.Hour), noon, 30*time.Second, 30, 0))
	for _, c := range []struct {
		span       Span
		step       time.Duration
		resolution time.Duration
		points     int
		volume     float64
	}{
		{Span{noon.Add(-time.Hour), noon}, 0, 30 * time.Second, 120, 3600},
		{Span{noon.Add(-4 * time.Hour), noon}, 0, 5 * time.Minute, 48, 4 * 3600},           // the head is not kept finer
		{Span{noon.Add(-12 * time.Hour), noon}, 0, 5 * time.Minute, 144, 12 * 3600},        // the tail is not rolled up yet
		{Span{noon.Add(-48 * time.Hour), noon}, time.Hour, time.Hour, 48, 48 * 3600},       // both tails
		{Span{noon.Add(-30 * time.Hour), noon}, 5 * time.Minute, time.Hour, 30, 30 * 3600}, // the head is kept by hours
		{Span{noon.Add(-30 * day), noon}, 0, time.Hour, 720, 48 * 3600},
		{Span{noon.Add(-40 * time.Hour), noon.Add(-39 * time.Hour)}, 0, time.Hour, 1, 3600},
		{Span{noon.Add(-40 * day), noon.Add(-39 * day)}, 0, 0, 288, math.NaN()},
	} {
		for _, raw := range []string{host, key.Totals} {
			s, err := h.Series(context.Background(), SeriesQuery{Group: g, Key: raw, Meters: []int{0}, Span: c.span, Step: c.step,
				Shape: Volume, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			total := s.Lines[0].Total.Volume
			if s.Resolution != c.resolution || len(s.Times) != c.points ||
				total != c.volume && !(math.IsNaN(total) && math.IsNaN(c.volume)) {
				t.Errorf("%v to %v by %v of %s: %v, %d points, %v", c.span.From, c.span.To, c.step, raw, s.Resolution,
					len(s.Times), total)
			}
		}
	}
	// Variances add: an hour of 5-minute buckets of one each.
	s, err := h.Series(context.Background(), SeriesQuery{Group: g, Key: host, Meters: []int{0}, Step: time.Hour,
		Span: Span{noon.Add(-12 * time.Hour), noon.Add(-11 * time.Hour)}, Shape: Natural, Now: noon})
	if err != nil || len(s.Lines[0].Values) != 1 || s.Lines[0].Values[0] != 1 {
		t.Fatalf("%+v %v", s, err)
	}
	if want := 2. / 3600; math.Abs(s.Lines[0].Stderr[0]-want) > 1e-12 || s.Lines[0].Exact() {
		t.Errorf("standard error %v, want %v", s.Lines[0].Stderr, want)
	}
}

// TestFirstHourCountsOnce: data that begins within an hour is also in the rows of that whole hour, which are not read
// beside the finer ones.
func TestFirstHourCountsOnce(t *testing.T) {
	began, hour := noon.Add(-105*time.Minute), noon.Add(-2*time.Hour) // a quarter past ten; the hour that it lies in
	h, g := newHistory(t,
		buckets(schema.TableBuckets1h, hour, hour.Add(time.Hour), time.Hour, 45*60, 0),
		buckets(schema.TableBuckets5m, began, hour.Add(time.Hour), 5*time.Minute, 300, 0),
		buckets(schema.TableBuckets, began, noon, 30*time.Second, 30, 0))
	for _, c := range []struct{ length, step, resolution time.Duration }{
		{2 * time.Hour, 0, 30 * time.Second}, {5*time.Hour + 54*time.Minute, 0, 30 * time.Second},
		{7 * time.Hour, 0, 5 * time.Minute}, {8 * time.Hour, 30 * time.Second, 30 * time.Second},
		{100 * time.Hour, 0, 5 * time.Minute}, {200 * time.Hour, 0, time.Hour},
	} {
		for _, raw := range []string{host, key.Totals} {
			s, err := h.Series(context.Background(), SeriesQuery{Group: g, Key: raw, Meters: []int{0}, Step: c.step,
				Span: Span{noon.Add(-c.length), noon}, Earlier: time.Hour, Shape: Volume, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			total := s.Lines[0].Total
			if s.Resolution != c.resolution || total.Volume != 105*60 || total.Previous != 45*60 {
				t.Errorf("%v by %v of %s: %v, %v, earlier %v", c.length, c.step, raw, s.Resolution, total.Volume, total.Previous)
			}
		}
	}
}

// TestWholeHoursOnly: where nothing finer is kept, the hour that a range ends in is read although it ends later.
func TestWholeHoursOnly(t *testing.T) {
	h, g := newHistory(t,
		buckets(schema.TableBuckets1h, noon.Add(-72*time.Hour), noon.Add(-48*time.Hour), time.Hour, 3600, 0))
	end := noon.Add(-60*time.Hour - 30*time.Minute)
	s, err := h.Series(context.Background(), SeriesQuery{Group: g, Key: host, Meters: []int{0}, Step: 5 * time.Minute,
		Span: Span{noon.Add(-64 * time.Hour), end}, Shape: Volume, Now: noon})
	if err != nil || s.Lines[0].Total.Volume != 4*3600 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestShapes: rates and volumes, and their units.
func TestShapes(t *testing.T) {
	rate, count := &meter.Meter{Type: meter.Rate, Unit: "Bps"}, &meter.Meter{Type: meter.Counter, Unit: "conns"}
	gauge := &meter.Meter{Type: meter.Gauge, Unit: "Uniques"}
	for _, c := range []struct {
		shape Shape
		m     *meter.Meter
		unit  string
		per   bool
	}{
		{Natural, rate, "Bps", true}, {Volume, rate, "bytes", false}, {PerTime, rate, "Bps", true},
		{Natural, count, "conns", false}, {PerTime, count, "conns/s", true}, {Volume, count, "conns", false},
		{PerTime, gauge, "Uniques", false}, {Volume, gauge, "Uniques", false},
		{PerTime, &meter.Meter{Type: meter.Counter}, "1/s", true}, {Volume, &meter.Meter{Type: meter.Rate, Unit: "xps"}, "x", false},
	} {
		if unit, per := c.shape.Unit(c.m), c.shape.perSecond(c.m); unit != c.unit || per != c.per {
			t.Errorf("%d of %s: %q %v", c.shape, c.m.Unit, unit, per)
		}
	}
}

// TestJoiningMeters: each type of meter becomes one over several buckets as it should.
func TestJoiningMeters(t *testing.T) {
	for _, c := range []struct {
		kind meter.VarType
		want float64
	}{
		{meter.Counter, 30}, {meter.Rate, 30}, {meter.Gauge, 15}, {meter.Average, 12.5}, {meter.Maximum, 20},
		{meter.Minimum, 10}, {meter.Running, 20}, {meter.DeltaRate, 30},
	} {
		g := &meter.Group{Name: "x", Meters: []meter.Meter{{ID: 0, Name: "x", Type: c.kind}}}
		w, err := want(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := binning{w: w, step: time.Minute, points: 1, now: noon, raw: "k", shape: Volume}
		line := b.line(0, &gathered{rows: []bucket{
			{at: 0, width: 30 * time.Second, values: []float64{10}, stderrs: []float64{0}, counts: []float64{3}},
			{at: 30e9, width: 30 * time.Second, values: []float64{20}, stderrs: []float64{0}, counts: []float64{1}},
		}}, 0)
		if !slices.Equal(line.Values, []float64{c.want}) {
			t.Errorf("%v: %v, want %v", c.kind, line.Values, c.want)
		}
	}
	g := &meter.Group{Meters: []meter.Meter{{ID: 0, Type: meter.Average}, {ID: 1, Type: meter.GaugeMinMaxAvg},
		{ID: 5, Type: meter.Average}, {ID: 6, Type: meter.Rate}}}
	if further(g, 0) != 0 || further(g, 5) != 5 || further(g, 6) != -1 || further(g, 9) != -1 {
		t.Error("further cells are looked for in the wrong place")
	}
}
