package flow

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/schema"
)

// twin keeps every record of a definition and computes everything from them when asked.
type twin struct {
	t       float64
	now     schema.Instant // the last tick
	records map[schema.Source]map[string][]schema.Record
}

func (w *twin) observe(r *schema.Record) {
	if w.records[r.Source] == nil {
		w.records[r.Source] = map[string][]schema.Record{}
	}
	key := r.Src.String()
	rs := w.records[r.Source][key]
	if _, _, n := w.value(rs, max(w.now, r.At, newest(rs))); n < forgotten {
		rs = nil // what has faded away is forgotten
	}
	w.records[r.Source][key] = append(rs, *r)
}

func newest(rs []schema.Record) (at schema.Instant) {
	for i := range rs {
		at = max(at, rs[i].At)
	}
	return at
}

// value returns rate, standard error and decayed number of the records at an instant.
func (w *twin) value(rs []schema.Record, at schema.Instant) (v, stderr, n float64) {
	variance := 0.0
	for _, r := range rs {
		d := math.Exp(-at.Sub(r.At).Seconds() / w.t)
		x := float64(r.Bytes) / w.t * d
		v += x
		n += d
		variance += x * x * (1 - 1/float64(r.Rate))
	}
	return v, math.Sqrt(variance), n
}

type twinFlow struct {
	key              string
	value, stderr, n float64
}

func (w *twin) top(src schema.Source, at schema.Instant) []twinFlow {
	var out []twinFlow
	for key, rs := range w.records[src] {
		v, e, n := w.value(rs, at)
		out = append(out, twinFlow{key, v, e, n})
	}
	slices.SortFunc(out, func(a, b twinFlow) int { return cmp.Compare(b.value, a.value) })
	return out
}

// near compares numbers that were summed in different orders.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(math.Abs(a), math.Abs(b))+1e-300 }

// TestAgainstTwin feeds the same random records to lanes and to the twin; what the lanes show as the largest flows
// must be what the twin finds.
func TestAgainstTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "n")
		tc := rapid.SampledFrom([]float64{0.1, 1, 2, 20}).Draw(rt, "t")
		d := &Definition{Name: "f", Keys: "ipsource", Value: "bytes", N: n, T: tc}
		slow := &twin{t: tc, now: start, records: map[schema.Source]map[string][]schema.Record{}}
		w := newWorld(t, d)
		for range rapid.IntRange(1, 12).Draw(rt, "ticks") {
			ms := rapid.IntRange(1, 4000).Draw(rt, "ms")
			for range rapid.IntRange(0, 20).Draw(rt, "records") {
				r := drawRecord(rt, w.at, ms)
				slow.observe(r)
				w.observe(r)
			}
			w.tick(w.at + schema.Instant(ms)*milli)
			slow.now = w.at
			compareWithTwin(rt, w, slow)
		}
	})
}

// drawRecord makes a record of the ms milliseconds to come, or somewhat late.
func drawRecord(rt *rapid.T, from schema.Instant, ms int) *schema.Record {
	at := from + schema.Instant(rapid.IntRange(-500, ms).Draw(rt, "at"))*milli
	src := at1(uint32(rapid.IntRange(1, 2).Draw(rt, "datasource")))
	host := h1
	host[15] = byte(rapid.IntRange(1, 9).Draw(rt, "host"))
	r := sample(at, src, uint32(rapid.SampledFrom([]int{1, 2, 1000}).Draw(rt, "rate")),
		uint32(rapid.IntRange(40, 1_000_000).Draw(rt, "length")), host, h2)
	r.Direction = schema.Direction(rapid.IntRange(0, 2).Draw(rt, "direction"))
	return r
}

func compareWithTwin(rt *rapid.T, w *world, slow *twin) {
	for src := range slow.records {
		want := slow.top(src, w.at)
		alive := slices.DeleteFunc(slices.Clone(want), func(f twinFlow) bool { return f.n < forgotten*0.999 })
		got, _ := w.view.Active(Query{Definition: "f", Keep: func(s schema.Source) bool { return s == src }})
		if len(got) > len(alive) || len(got) < min(len(alive), w.defs[0].N)-deadNearby(want) {
			rt.Fatalf("%d flows, twin has %d alive of %+v", len(got), len(alive), want)
		}
		for i := range got {
			at := slices.IndexFunc(want, func(f twinFlow) bool { return f.key == got[i].Key })
			if at < 0 {
				rt.Fatalf("flow %q is not in the twin", got[i].Key)
			}
			if f := want[at]; !near(got[i].Value, f.value) || !near(got[i].Error, f.stderr) || !near(got[i].Samples, f.n) {
				rt.Fatalf("flow %+v, twin says %+v", got[i], f)
			}
			if i < len(alive) && !near(got[i].Value, alive[i].value) {
				rt.Fatalf("place %d has %g, twin says %g", i, got[i].Value, alive[i].value)
			}
		}
	}
}

// deadNearby counts flows that are forgotten, or may be from rounding: until the next whole second they may still hold
// a place among the largest.
func deadNearby(fs []twinFlow) (n int) {
	for _, f := range fs {
		if f.n < forgotten*1.001 {
			n++
		}
	}
	return n
}

// TestLanes: which lane a source is in, and who shares it, changes no number.
func TestLanes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		defs := func() []*Definition {
			return []*Definition{
				{Name: "a", Keys: "ipsource", Value: "bytes", N: 3, T: 0.3, Log: true, Values: []string{"count:port", "frames"}},
				{Name: "b", Keys: "ipsource", Value: "avg:bytes", N: 2, T: 0.3, AggMode: "AGENT"},
				{Name: "c", Keys: "ipsource", Value: "max:port", N: 2},
				{Name: "d", Keys: "ipsource,ipdestination", Value: "count:port", N: 2, T: 0.5},
			}
		}
		one, two := newWorld(t, defs()...), newWorld(t, defs()...)
		two.lanes = append(two.lanes, NewTable(compiler(), Limits{}))
		two.define(two.defs...)
		for range rapid.IntRange(1, 10).Draw(rt, "ticks") {
			for range rapid.IntRange(0, 30).Draw(rt, "records") {
				r := drawRecord(rt, one.at, 900)
				r.SrcPort = uint16(rapid.IntRange(0, 5).Draw(rt, "port"))
				if rapid.Bool().Draw(rt, "second exporter") {
					r.Source.Exporter = agent2
				}
				one.observe(r)
				two.observe(r)
			}
			next := one.at.Add(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond)
			one.tick(next)
			two.tick(next)
			for _, d := range one.defs {
				a, b := one.active(Query{Definition: d.Name}), two.active(Query{Definition: d.Name})
				if !slices.EqualFunc(a, b, sameActive) {
					rt.Fatalf("%s: one lane %+v, two lanes %+v", d.Name, a, b)
				}
			}
			same := func(a, b Logged) bool { return a.compare(&b) == 0 && a.ID == b.ID && a.Value == b.Value }
			if !slices.EqualFunc(one.added, two.added, same) {
				rt.Fatalf("logs differ: %+v and %+v", one.added, two.added)
			}
		}
	})
}

func sameActive(a, b Active) bool {
	return a.Source == b.Source && a.Key == b.Key && a.Value == b.Value && a.Error == b.Error && a.N == b.N &&
		a.Samples == b.Samples && a.Last == b.Last && a.Exact == b.Exact && a.NoError == b.NoError &&
		slices.Equal(a.Values, b.Values) &&
		slices.EqualFunc(a.Errors, b.Errors, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}

// TestTopOfOtherValues checks the largest flows of values that may shrink against all flows.
func TestTopOfOtherValues(t *testing.T) {
	for _, value := range []string{"avg:bytes", "min:bytes", "max:bytes", "last:bytes", "count:port"} {
		t.Run(value, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				few := &Definition{Name: "few", Keys: "ipsource", Value: value, N: 3, T: 0.2}
				all := &Definition{Name: "all", Keys: "ipsource", Value: value, N: 1000, T: 0.2}
				w := newWorld(t, few, all)
				for range rapid.IntRange(1, 10).Draw(rt, "ticks") {
					for range rapid.IntRange(0, 20).Draw(rt, "records") {
						r := drawRecord(rt, w.at, 900)
						r.SrcPort = uint16(rapid.IntRange(0, 9).Draw(rt, "port"))
						w.observe(r)
					}
					w.tick(w.at.Add(time.Duration(rapid.IntRange(1, 1500).Draw(rt, "ms")) * time.Millisecond))
					for _, src := range []schema.Source{at1(1), at1(2)} {
						keep := func(s schema.Source) bool { return s == src }
						a, b := w.active(Query{Definition: "few", Keep: keep}), w.active(Query{Definition: "all", Keep: keep})
						if len(a) > 3 || len(a) < min(3, len(b)) && w.at%second == 0 {
							rt.Fatalf("few has %d, all has %d", len(a), len(b))
						}
						for i := range a {
							if a[i].Value != b[i].Value && len(a) == min(3, len(b)) {
								rt.Fatalf("few: %+v\nall: %+v", a, b)
							}
						}
					}
				}
			})
		})
	}
}
