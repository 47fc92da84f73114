package flow

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/schema"
)

// errorValues are the further values of the tests here, beside the value bytes.
var errorValues = []string{"frames", "bytes", "avg:bytes", "max:bytes", "count:port", "last:bytes", "min:port"}

// twinValue is a value and its variance, computed from all records of a flow.
type twinValue struct{ v, variance float64 }

// twinPlace is the records of one flow at one place, summed up.
type twinPlace struct {
	frames, bytes [2]twinValue // at ingress (or who knows where), and at egress
	avg           twinValue
	n             float64
	sampled       bool
}

// place sums up the records of a flow in the plainest way: every sum of squares is taken around its mean.
func (w *twin) place(rs []schema.Record, at schema.Instant) (p twinPlace) {
	weight := func(r *schema.Record) float64 { return math.Exp(-at.Sub(r.At).Seconds() / w.t) }
	squares := 0.0
	for i := range rs {
		r, side := &rs[i], 0
		if r.Direction == schema.Egress {
			side = 1
		}
		d, missed := weight(r), 1-1/float64(r.Rate)
		for _, c := range []struct {
			at *twinValue
			w  uint64
		}{{&p.frames[side], r.Packets}, {&p.bytes[side], r.Bytes}} {
			x := float64(c.w) / w.t * d
			c.at.v += x
			c.at.variance += x * x * missed
		}
		p.n += d
		squares += d * d
		p.avg.v += d * float64(r.Length)
		p.sampled = p.sampled || r.Rate > 1
	}
	p.avg.v /= p.n
	for i := range rs {
		off := float64(rs[i].Length) - p.avg.v
		p.avg.variance += weight(&rs[i]) * off * off / p.n
	}
	if p.avg.variance *= squares / (p.n * p.n); !p.sampled {
		p.avg.variance = 0
	}
	return p
}

// joinTwins makes the places of one key one, as a mode or a pool of an exporter does: larger takes the side with more
// bytes, else both sides count.
func joinTwins(places []twinPlace, larger bool) (frames, bytes, avg twinValue, sampled bool) {
	var all twinPlace
	for i := range places {
		all.n += places[i].n
	}
	for i := range places {
		p := &places[i]
		for side := range 2 {
			all.frames[side].v += p.frames[side].v
			all.frames[side].variance += p.frames[side].variance
			all.bytes[side].v += p.bytes[side].v
			all.bytes[side].variance += p.bytes[side].variance
		}
		share := p.n / all.n
		all.avg.v += share * p.avg.v
		all.avg.variance += share * share * p.avg.variance
		sampled = sampled || p.sampled
	}
	f, b := all.frames, all.bytes
	switch {
	case !larger:
		return twinValue{f[0].v + f[1].v, f[0].variance + f[1].variance},
			twinValue{b[0].v + b[1].v, b[0].variance + b[1].variance}, all.avg, sampled
	case b[1].v > b[0].v:
		return f[1], b[1], all.avg, sampled
	}
	return f[0], b[0], all.avg, sampled
}

// compareErrors holds the further values of a flow against the twin.
func compareErrors(rt *rapid.T, what string, a *Active, places []twinPlace, larger bool) {
	frames, bytes, avg, sampled := joinTwins(places, larger)
	if a.Exact == sampled || a.NoError || len(a.Errors) != len(errorValues) {
		rt.Fatalf("%s: %+v, sampled %v", what, a, sampled)
	}
	if !near(a.Error, math.Sqrt(bytes.variance)) || !near(a.Error, a.Errors[1]) || !near(a.Value, a.Values[1]) {
		rt.Fatalf("%s: value %g±%g, the same as a further value %g±%g, twin says %g", what, a.Value, a.Error,
			a.Values[1], a.Errors[1], math.Sqrt(bytes.variance))
	}
	if !near(a.Values[0], frames.v) || !near(a.Errors[0], math.Sqrt(frames.variance)) {
		rt.Fatalf("%s: frames %g±%g, twin says %g±%g", what, a.Values[0], a.Errors[0], frames.v,
			math.Sqrt(frames.variance))
	}
	// The difference of two sums of squares is known to half the digits of the mean.
	if !near(a.Values[2], avg.v) || math.Abs(a.Errors[2]-math.Sqrt(avg.variance)) > 1e-6*avg.v {
		rt.Fatalf("%s: average %g±%g, twin says %g±%g", what, a.Values[2], a.Errors[2], avg.v, math.Sqrt(avg.variance))
	}
	for i, e := range a.Errors[3:] {
		if math.IsNaN(e) != sampled || !sampled && e != 0 {
			rt.Fatalf("%s: error of %s is %g, sampled %v", what, errorValues[3+i], e, sampled)
		}
	}
}

// TestErrorsAgainstTwin: the errors of further values, of one place and of several made one in every way, are what
// follows from all records.
func TestErrorsAgainstTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tc := rapid.SampledFrom([]float64{0.1, 1, 20}).Draw(rt, "t")
		agent := rapid.Bool().Draw(rt, "agent")
		d := &Definition{Name: "f", Keys: "ipsource", Value: "bytes", Values: errorValues, N: 1000, T: tc}
		if agent {
			d.AggMode = "AGENT"
		}
		slow := &twin{t: tc, now: start, records: map[schema.Source]map[string][]schema.Record{}}
		w := newWorld(t, d)
		w.side = func(schema.Source) Side { return Edge }
		for range rapid.IntRange(1, 8).Draw(rt, "ticks") {
			ms := rapid.IntRange(1, 3000).Draw(rt, "ms")
			for range rapid.IntRange(0, 20).Draw(rt, "records") {
				r := drawRecord(rt, w.at, ms)
				if rapid.Bool().Draw(rt, "second exporter") {
					r.Source.Exporter = agent2
				}
				w.observe(r)
				if agent {
					r.Source = schema.Source{Exporter: r.Source.Exporter}
				}
				slow.observe(r)
			}
			w.tick(w.at + schema.Instant(ms)*milli)
			slow.now = w.at
			compareAllErrors(rt, w, slow, agent)
		}
	})
}

// compareAllErrors compares every flow at its place, and in the modes that add places up. An exporter's pool takes the
// larger of its sides before anything is added up, so there only the places are compared with the twin.
func compareAllErrors(rt *rapid.T, w *world, slow *twin, agent bool) {
	byKey, doubtful := map[string][]twinPlace{}, map[string]bool{}
	for src, flows := range slow.records {
		for key, rs := range flows {
			p := slow.place(rs, w.at)
			if math.Abs(p.n/forgotten-1) < 0.01 {
				doubtful[key] = true // from rounding it may be forgotten, or not
				continue
			}
			if p.n < forgotten {
				continue
			}
			byKey[key] = append(byKey[key], p)
			a, ok := w.view.Value("f", src, key)
			if !ok {
				rt.Fatalf("no flow %s at %+v", key, src)
			}
			compareErrors(rt, "place", &a, []twinPlace{p}, agent)
		}
	}
	if agent {
		return
	}
	for _, mode := range []Mode{ModeSum, ModeEdge} {
		for _, a := range w.active(Query{Definition: "f", Mode: mode}) {
			if !doubtful[a.Key] {
				compareErrors(rt, mode.String(), &a, byKey[a.Key], mode == ModeEdge)
			}
		}
	}
}

// TestErrorsOfPoolsAddUp: of two pools of exporters, each of which took its larger side, the variances add up.
func TestErrorsOfPoolsAddUp(t *testing.T) {
	w := newWorld(t,
		&Definition{Name: "f", Keys: "ipsource", Value: "frames", Values: []string{"bytes"}, AggMode: "AGENT"})
	for i := range 40 {
		r := sample(start, at1(1), 100, 500, h1, h2)
		if i%4 == 0 {
			r.Direction = schema.Egress // the smaller side
		}
		w.observe(r)
		w.observe(sample(start, at2(1), 100, 500, h1, h2))
	}
	w.tick(start)
	a := w.active(Query{Definition: "f", Mode: ModeSum})[0]
	about(t, "value", a.Value, 70*100/2., 1e-9)
	about(t, "error", a.Error, a.Value*math.Sqrt(0.99/70), 1e-9)
	about(t, "error of bytes", a.Errors[0], 500*a.Error, 1e-9)
}

// TestValuesWithoutError: smallest, largest, last and distinct values of samples have no standard error, and say so.
func TestValuesWithoutError(t *testing.T) {
	for _, value := range []string{"min:bytes", "max:bytes", "last:bytes", "count:port", "bytes", "avg:bytes"} {
		w := newWorld(t, &Definition{Name: "f", Keys: "ipsource", Value: value, Values: []string{value}})
		w.observe(sample(start, at1(3), 1000, 100, h1, h2))
		w.observe(sample(start, at1(3), 1000, 900, h1, h2))
		w.observe(sample(start, at1(3), 1, 100, h2, h1))
		w.observe(sample(start, at1(3), 1, 900, h2, h1))
		w.tick(start)
		none := value != "bytes" && value != "avg:bytes"
		for _, mode := range []Mode{ModeMax, ModeSum} {
			for _, a := range w.active(Query{Definition: "f", Mode: mode}) {
				e := a.Errors[0]
				switch {
				case a.Key == "198.51.100.2":
					if !a.Exact || a.NoError || a.Error != 0 || e != 0 {
						t.Errorf("%s, exact: %+v", value, a)
					}
				case a.Exact || a.NoError != none || math.IsNaN(e) != none || none && a.Error != 0 ||
					!none && (a.Error <= 0 || a.Error != e):
					t.Errorf("%s, sampled: %+v", value, a)
				}
			}
		}
		if l, err := w.view.Locations("f", "198.51.100.1"); err != nil || len(l) != 1 || l[0].NoError != none ||
			math.IsNaN(l[0].Errors[0]) != none {
			t.Errorf("%s: locations %+v, %v", value, l, err)
		}
	}
}

// TestErrorIsHonest samples a stream of packets of mixed lengths at random, many times: the estimates, of the value and
// of further ones, must miss what an observer of every packet sees by one standard error, in the root mean square.
func TestErrorIsHonest(t *testing.T) {
	const trials, packets, rate = 300, 4000, 50
	state := uint64(1)
	random := func(n uint64) uint64 { // the high bits of a linear congruential generator (Knuth, MMIX)
		state = state*6364136223846793005 + 1442695040888963407
		return (state >> 33) % n
	}
	names := []string{"bytes", "frames", "bytes", "avg:bytes"}
	sum, bias := make([]float64, len(names)), make([]float64, len(names))
	for range trials {
		w := newWorld(t, &Definition{Name: "f", Value: names[0], Values: names[1:], T: 2})
		for i := range packets {
			at := start + schema.Instant(i)*milli
			length := uint32(64 + i*i%1400)
			w.observe(sample(at, at1(1), 1, length, h1, h2))
			if random(rate) == 0 {
				w.observe(sample(at, at1(2), rate, length, h1, h2))
			}
		}
		w.tick(start + packets*milli)
		truth, estimate := w.valueAt(at1(1), ""), w.valueAt(at1(2), "")
		exact := append([]float64{truth.Value}, truth.Values...)
		stderrs := append([]float64{estimate.Error}, estimate.Errors...)
		for i, v := range append([]float64{estimate.Value}, estimate.Values...) {
			z := (v - exact[i]) / stderrs[i]
			sum[i] += z * z
			bias[i] += (v/exact[i] - 1) / trials
		}
		if truth.Error != 0 || !slices.Equal(truth.Errors, []float64{0, 0, 0}) {
			t.Fatalf("who saw all has the errors %g, %v", truth.Error, truth.Errors)
		}
	}
	for i, name := range names {
		rms := math.Sqrt(sum[i] / trials)
		t.Logf("%s: the error is off by a factor of %.2f, bias %.3f", name, rms, bias[i])
		if rms < 0.85 || rms > 1.2 {
			t.Errorf("%s: the error is off by a factor of %.2f", name, rms)
		}
		if math.Abs(bias[i]) > 0.03 {
			t.Errorf("%s: the estimates are biased by %.3f", name, bias[i])
		}
	}
}

// TestLoggedErrorsOfValues: totals of logged flows have errors too, and what was logged does not count again.
func TestLoggedErrorsOfValues(t *testing.T) {
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource", Value: "max:bytes", Log: true, ActiveTimeout: 60,
		Values: []string{"frames", "bytes", "count:port", "avg:bytes"}})
	records := func(rate uint32) func(at schema.Instant) []*schema.Record {
		return func(at schema.Instant) []*schema.Record {
			return []*schema.Record{sample(at, at1(3), rate, 1000, h1, h2)}
		}
	}
	w.steady(100, 10*time.Second, records(1000))
	w.rest(40 * time.Second)
	w.steady(10, time.Second, records(1))
	w.rest(10 * time.Second)
	if len(w.added) != 2 {
		t.Fatalf("%d logged", len(w.added))
	}
	sampled, exact := w.added[0], w.added[1]
	about(t, "error of frames", sampled.Errors[0], 1e5*math.Sqrt(0.999/100), 1e-9)
	about(t, "error of bytes", sampled.Errors[1], 1e8*math.Sqrt(0.999/100), 1e-9)
	if !math.IsNaN(sampled.Errors[2]) || sampled.Errors[3] > 1e-3 || !sampled.NoError || sampled.Error != 0 {
		t.Errorf("sampled: %+v", sampled)
	}
	if !exact.Exact || exact.NoError || !slices.Equal(exact.Errors, []float64{0, 0, 0, 0}) {
		t.Errorf("exact: %+v", exact)
	}
}

// TestNoStateWithoutValues: errors of further values cost definitions without any nothing.
func TestNoStateWithoutValues(t *testing.T) {
	for value, want := range map[string]int{"bytes": 0, "avg:bytes": 0, "max:bytes": 3, "last:port": 1} {
		d := &Definition{Name: "f", Keys: "ipsource", Value: value}
		if err := d.Complete(); err != nil {
			t.Fatal(err)
		}
		p, err := compile(compiler(), d)
		if err != nil || p.cache.stride != want {
			t.Errorf("%s: %d words beside an entry, %v; want %d", value, p.cache.stride, err, want)
		}
	}
}
