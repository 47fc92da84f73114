package event

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/schema"

	"pgregory.net/rapid"
)

const second = schema.Instant(time.Second)

func addr(s string) schema.Addr {
	a, err := schema.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

var port7 = schema.Source{Exporter: addr("192.0.2.1"), Index: 7}

// key is a flow key of one text.
func key(s string) []byte {
	var v schema.Value
	v.SetText([]byte(s))
	return v.AppendKey([]byte{})
}

// stage plays values to a watch with a tick every 100 ms, as an engine would, and logs.
type stage struct {
	t     *testing.T
	watch *Watch
	log   *Log
	now   schema.Instant
	vals  map[string]float64 // current values by source and key
}

func newStage(t *testing.T, thresholds ...*Threshold) *stage {
	t.Helper()
	for _, h := range thresholds {
		if err := h.Complete(); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{t: t, watch: NewWatch(Limits{}), log: NewLog(0), now: 1000 * second, vals: map[string]float64{}}
	s.watch.Apply(s.now, thresholds)
	return s
}

func (s *stage) current(_ string, src schema.Source, key []byte, hasKey bool) (float64, bool) {
	if hasKey {
		v, ok := s.vals[src.Datasource()+"|"+string(key)]
		return v, ok
	}
	best, ok := 0.0, false
	for k, v := range s.vals {
		if strings.HasPrefix(k, src.Datasource()+"|") {
			best, ok = max(best, v), true
		}
	}
	return best, ok
}

// until ticks until an offset in seconds.
func (s *stage) until(seconds float64) {
	for end := 1000*second + schema.Instant(seconds*1e9); ; {
		next := (s.now/(second/10) + 1) * (second / 10)
		if next > end {
			s.now = end
			return
		}
		s.now = next
		s.watch.Sweep(s.now, s.current)
		s.take()
	}
}

func (s *stage) take() {
	begun, ended := s.watch.Take()
	s.log, _ = s.log.Add(begun, ended)
}

// value says a value of a source; k is "" for a metric, else the key of a flow.
func (s *stage) value(seconds float64, src schema.Source, k string, v float64) {
	s.until(seconds)
	p := &Point{At: s.now, Metric: "m", Source: src, Value: v}
	name := src.Datasource() + "|"
	if k != "" {
		p.Key, p.HasKey, p.Separator = key(k), true, ","
		name += string(p.Key)
	}
	s.vals[name] = v
	s.watch.Check(p)
	s.take()
}

// events shows the log, oldest first: "ID value@seconds key".
func (s *stage) events() string {
	var out []string
	all := s.log.Since(0, nil, -1)
	slices.Reverse(all)
	for _, e := range all {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %g@%g %s", e.ID, e.Value, (e.At-1000*second).Seconds(), e.Key)))
	}
	return strings.Join(out, "; ")
}

func (s *stage) want(want string) {
	s.t.Helper()
	if got := s.events(); got != want {
		s.t.Errorf("events %q, want %q", got, want)
	}
}

// Acceptance F64, F65.
func TestCrossing(t *testing.T) {
	s := newStage(t, &Threshold{Name: "t1", Metric: "m", Value: 70, Timeout: 3})
	s.value(0, port7, "", 60)
	s.want("")
	s.value(10, port7, "", 80)
	s.value(20, port7, "", 85)
	s.want("1 80@10")
	e := s.log.Since(0, nil, 1)[0]
	if e.Threshold != "t1" || e.Metric != "m" || e.Limit != 70 || e.Source != port7 || e.HasKey || e.End != 0 {
		t.Errorf("event %+v", e)
	}
	s.value(30, port7, "", 60)
	s.value(31, port7, "", 80)
	s.want("1 80@10")
	s.value(40, port7, "", 60)
	s.value(44, port7, "", 80)
	s.want("1 80@10; 2 80@44")
	first := s.log.Since(0, nil, 2)[1]
	if first.Peak != 85 || first.End != 1040*second {
		t.Errorf("the first ended at %v with peak %g", first.End, first.Peak)
	}
}

// A crossing after the timeout is a new event even when no tick came in between.
func TestBetweenTicks(t *testing.T) {
	w := NewWatch(Limits{})
	w.Apply(0, []*Threshold{{Name: "t", Metric: "m", Value: 1, Timeout: 0.01}})
	for _, p := range []Point{{At: second, Value: 2}, {At: second + 1e6, Value: 1}, {At: second + 2e6, Value: 2},
		{At: second + 3e6, Value: 0}, {At: second + 20e6, Value: 5}} {
		p.Metric = "m"
		w.Check(&p)
	}
	begun, ended := w.Take()
	if len(begun) != 2 || begun[1].At != second+20e6 || len(ended) != 1 || ended[0].End != second+3e6 {
		t.Errorf("begun %+v, ended %+v", begun, ended)
	}
}

// Acceptance F66.
func TestByFlow(t *testing.T) {
	for _, c := range []struct {
		byFlow bool
		want   string
	}{{true, "1 80@1 a; 2 90@2 b"}, {false, "1 80@1 a"}} {
		s := newStage(t, &Threshold{Name: "t", Metric: "m", Value: 70, ByFlow: c.byFlow})
		s.value(1, port7, "a", 80)
		s.value(2, port7, "b", 90)
		s.value(3, port7, "a", 81)
		s.want(c.want)
	}
}

// Without byFlow the largest flow counts: another small one does not arm the threshold again.
func TestLargestFlow(t *testing.T) {
	s := newStage(t, &Threshold{Name: "t", Metric: "m", Value: 70, Timeout: 1})
	s.value(1, port7, "a", 80)
	s.value(2, port7, "b", 5)
	s.until(10)
	s.value(11, port7, "a", 90)
	s.want("1 80@1 a")
	delete(s.vals, "7|"+string(key("a")))
	s.value(20, port7, "b", 75)
	s.want("1 80@1 a; 2 75@20 b")
}

// Acceptance F67.
func TestFilterIsAsked(t *testing.T) {
	fast := schema.Source{Exporter: addr("192.0.2.1"), Index: 8}
	w := NewWatch(Limits{})
	w.Apply(0, []*Threshold{{Name: "t", Metric: "m", Value: 1, Timeout: 1,
		Filter: map[string][]string{"ifspeed": {"1e10"}}}})
	match := func(h *Threshold, s schema.Source) bool { return h.Filter["ifspeed"][0] == "1e10" && s == fast }
	for _, s := range []schema.Source{port7, fast} {
		w.Check(&Point{At: second, Metric: "m", Source: s, Value: 2, Match: match})
	}
	if begun, _ := w.Take(); len(begun) != 1 || begun[0].Source != fast {
		t.Errorf("begun %+v", begun)
	}
}

// Acceptance F68, F69, F71.
func TestTriggered(t *testing.T) {
	s := newStage(t, &Threshold{Name: "flow", Metric: "m", Value: 10, ByFlow: true, Timeout: 0.2},
		&Threshold{Name: "any", Metric: "m", Value: 10, Timeout: 0.2})
	host := schema.Source{Exporter: addr("192.0.2.1"), Domain: 3, Class: 2, Index: 1}
	s.value(1, host, "a", 20)
	l, a := s.watch.Latched(), host.Exporter
	for _, c := range []struct {
		name, metric, key string
		agent             schema.Addr
		hasKey, want      bool
	}{
		{"flow", "2.1.m", "a", a, true, true}, {"flow", "2.1.m", "b", a, true, false}, {"flow", "2.1.m", "", a, false, true},
		{"any", "2.1.m", "", a, false, true}, {"any", "2.1.m", "b", a, true, true}, {"none", "2.1.m", "a", a, true, false},
		{"any", "2.2.m", "", a, false, false}, {"any", "m", "", a, false, false}, {"any", "x.m", "", a, false, false},
		{"any", "2.1.m", "", schema.Addr{}, false, false},
	} {
		if got := l.Triggered(c.name, c.agent, c.metric, c.key, c.hasKey); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if s.watch.Latched() != l {
		t.Error("another set though nothing changed")
	}
	s.vals = map[string]float64{}
	s.until(1.1)
	s.value(1.5, host, "a", 30)
	if got := s.events(); got != "1 20@1 a; 2 20@1 a; 3 30@1.5 a; 4 30@1.5 a" {
		t.Errorf("events %s", got)
	}
	s.vals = map[string]float64{}
	s.until(5)
	if s.watch.Latched().Triggered("flow", a, "2.1.m", "a", true) || !l.Triggered("flow", a, "2.1.m", "a", true) {
		t.Error("latched after the end, or the old set changed")
	}
	var none *Latched
	if none.Triggered("flow", a, "2.1.m", "a", true) {
		t.Error("nothing is latched")
	}
}

func TestEventCarriesTheFlow(t *testing.T) {
	w := NewWatch(Limits{})
	w.Apply(0, []*Threshold{{Name: "t", Metric: "m", Value: 1, Timeout: 1, ByFlow: true}})
	k := append(key("a"), key("b")...)
	values := []float64{3, 4}
	w.Check(&Point{At: second, Metric: "m", Key: k, HasKey: true, Separator: "_", Value: 2, Error: 0.5,
		Values: func(dst []float64) []float64 { return append(dst, values...) }})
	clear(k)
	begun, _ := w.Take()
	if e := begun[0]; e.Key != "a_b" || !slices.Equal(e.Values, values) || e.Error != 0.5 {
		t.Errorf("event %+v", e)
	}
}

// Acceptance F72 and redefinition.
func TestApply(t *testing.T) {
	old := &Threshold{Name: "t", Metric: "m", Value: 10, Timeout: 1}
	s := newStage(t, old)
	s.value(1, port7, "", 20)
	same := *old
	s.watch.Apply(s.now, []*Threshold{&same})
	s.value(2, port7, "", 30)
	s.want("1 20@1")
	other := *old
	other.Value = 15
	s.watch.Apply(s.now, []*Threshold{&other})
	if !s.watch.Names()["m"] {
		t.Error("m is not watched")
	}
	s.value(3, port7, "", 31)
	s.want("1 20@1; 2 31@3")
	if e := s.log.Since(0, nil, -1)[1]; e.End != 1002*second || e.Peak != 30 {
		t.Errorf("the replaced event ended at %v with peak %g", e.End, e.Peak)
	}
	s.watch.Apply(s.now, nil)
	s.value(4, port7, "", 40)
	s.want("1 20@1; 2 31@3")
	if len(s.watch.Names()) != 0 || len(s.watch.latches) != 0 {
		t.Error("something is still watched")
	}
}

func TestComplete(t *testing.T) {
	good := Threshold{Name: "t", Metric: "m"}
	if err := good.Complete(); err != nil || good.Timeout != DefaultTimeout {
		t.Errorf("%v, timeout %g", err, good.Timeout)
	}
	bad := Threshold{Name: "t", Value: math.NaN(), Timeout: -1, Filter: map[string][]string{"": nil, "x": nil}}
	err := bad.Complete()
	for _, word := range []string{"threshold t", "metric", "value", "timeout", "filter: x"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %q", err, word)
		}
	}
}

func TestLatchesAreBounded(t *testing.T) {
	w := NewWatch(Limits{Latches: 3})
	w.Apply(0, []*Threshold{{Name: "t", Metric: "m", Value: 1, Timeout: 1, ByFlow: true}})
	for i := range 5 {
		w.Check(&Point{At: second, Metric: "m", Key: key(fmt.Sprint(i)), HasKey: true, Value: 2})
	}
	w.Check(&Point{At: second, Metric: "m", Key: key("x"), HasKey: true, Value: math.Inf(1)})
	w.Check(&Point{At: second, Metric: "m", Key: key("x"), HasKey: true, Value: math.NaN()})
	if begun, _ := w.Take(); len(begun) != 3 || w.Refused() != 2 {
		t.Errorf("%d events, %d refused", len(begun), w.Refused())
	}
}

func TestLog(t *testing.T) {
	l := NewLog(3)
	at := func(s int, name string) Event { return Event{At: schema.Instant(s) * second, Threshold: name} }
	one, numbered := l.Add([]Event{at(2, "b"), at(1, "a"), at(2, "a")}, nil)
	if fmt.Sprint(numbered[0].ID, numbered[0].At, numbered[1].Threshold) != fmt.Sprint(1, second, "a") {
		t.Errorf("numbered %+v", numbered)
	}
	end := at(2, "a")
	end.End, end.Peak = 9*second, 7
	two, _ := one.Add([]Event{at(3, "c"), at(4, "a")}, []Event{end, at(0, "unknown")})
	ids := func(events []Event) string {
		s := ""
		for _, e := range events {
			s += fmt.Sprint(e.ID)
		}
		return s
	}
	for _, c := range []struct {
		log  *Log
		id   uint64
		of   []string
		max  int
		want string
	}{
		{one, 0, nil, -1, "321"}, {two, 0, nil, -1, "543"}, {two, 3, nil, -1, "54"}, {two, 5, nil, -1, ""},
		{two, 0, nil, 2, "54"}, {two, 0, []string{"a"}, -1, "5"}, {two, 0, []string{"c", "b"}, -1, "43"},
		{two, 99, nil, -1, ""}, {l, 0, nil, -1, ""}, {nil, 0, nil, -1, ""}, {two, 0, nil, 0, ""},
	} {
		if got := ids(c.log.Since(c.id, c.of, c.max)); got != c.want {
			t.Errorf("Since(%d, %v, %d) = %s, want %s", c.id, c.of, c.max, got, c.want)
		}
	}
	if two.Last() != 5 || one.Last() != 3 || (*Log)(nil).Last() != 0 {
		t.Errorf("last %d, %d", two.Last(), one.Last())
	}
	if one.Since(0, nil, -1)[1].End != 0 {
		t.Error("the older log changed")
	}
	// "a" at 2 s is ID 2, which two no longer has: its end was passed over.
	three, _ := one.Add(nil, []Event{end})
	if e := three.Since(1, nil, -1)[1]; e.End != 9*second || e.Peak != 7 {
		t.Errorf("event %+v", e)
	}
	if same, none := three.Add(nil, nil); same != three || none != nil {
		t.Error("adding nothing makes another log")
	}
	big := make([]Event, 10)
	if four, numbered := three.Add(big, nil); ids(four.Since(0, nil, -1)) != "131211" || len(numbered) != 10 {
		t.Errorf("after a flood %s", ids(four.Since(0, nil, -1)))
	}
}

// The watch agrees with one that keeps the whole history of one instance and looks back at it.
func TestAgainstHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Threshold{Name: "t", Metric: "m", Value: 10, Timeout: rapid.SampledFrom([]float64{0.05, 0.2, 1}).Draw(t, "t")}
		w := NewWatch(Limits{})
		w.Apply(0, []*Threshold{h})
		timeout := schema.Instant(h.Timeout * 1e9)
		var at, since schema.Instant = second, 0
		latched, below := false, false
		var want, got []schema.Instant
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			at += schema.Instant(rapid.IntRange(1, 400).Draw(t, "ms")) * second / 1000
			v := rapid.Float64Range(0, 20).Draw(t, "v")
			if latched && below && at-since >= timeout {
				latched, below = false, false
			}
			if v > h.Value {
				if !latched {
					want = append(want, at)
				}
				latched, below = true, false
			} else if latched && !below {
				below, since = true, at
			}
			w.Check(&Point{At: at, Metric: "m", Value: v})
			if rapid.Bool().Draw(t, "tick") {
				w.Sweep(at, func(string, schema.Source, []byte, bool) (float64, bool) { return v, true })
			}
		}
		begun, ended := w.Take()
		for _, e := range begun {
			got = append(got, e.At)
		}
		if !slices.Equal(got, want) || len(begun)-len(ended) != len(w.latches) {
			t.Fatalf("events at %v, want %v; %d ended", got, want, len(ended))
		}
	})
}

func TestCheckAllocatesNothing(t *testing.T) {
	w := NewWatch(Limits{})
	w.Apply(0, []*Threshold{{Name: "low", Metric: "m", Value: 1, Timeout: 1, ByFlow: true},
		{Name: "high", Metric: "m", Value: 100, Timeout: 1}})
	p := &Point{At: second, Metric: "m", Key: key("a"), HasKey: true, Value: 50,
		Match: func(*Threshold, schema.Source) bool { return true }}
	q := *p
	q.Key, q.Value = key("b"), 0.5
	w.Check(p)
	if n := testing.AllocsPerRun(1000, func() { w.Check(p); w.Check(&q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, v := range []float64{0.5, 50} {
		b.Run(fmt.Sprint(v), func(b *testing.B) {
			w := NewWatch(Limits{})
			w.Apply(0, []*Threshold{{Name: "low", Metric: "m", Value: 1, Timeout: 1, ByFlow: true}})
			p := &Point{At: second, Metric: "m", Key: key("a"), HasKey: true, Value: v}
			b.ReportAllocs()
			for b.Loop() {
				w.Check(p)
			}
		})
	}
}

// FuzzTriggered asks with any text.
func FuzzTriggered(f *testing.F) {
	f.Add("2.1.load_one", "a")
	f.Add("..", "")
	f.Fuzz(func(t *testing.T, metric, k string) {
		w := NewWatch(Limits{})
		w.Apply(0, []*Threshold{{Name: "t", Metric: "m", Value: 1, Timeout: 1}})
		w.Check(&Point{At: second, Metric: "m", Source: port7, Value: 2})
		if w.Latched().Triggered("t", port7.Exporter, metric, k, k != "") && !strings.Contains(metric, "7.") {
			t.Fatalf("%q is triggered", metric)
		}
	})
}

// TestSweepTakesTurns latches more than one Sweep looks at: after a few calls all were looked at.
func TestSweepTakesTurns(t *testing.T) {
	w := NewWatch(Limits{})
	th := &Threshold{Name: "t", Metric: "m", Value: 1, ByFlow: true, Timeout: 1}
	w.Apply(0, []*Threshold{th})
	const many = 2*sweepMost + 100
	for i := range many {
		w.Check(&Point{At: 1, Metric: "m", Key: fmt.Append(nil, i), HasKey: true, Value: 2})
	}
	asked := map[string]int{}
	gone := func(_ string, _ schema.Source, key []byte, _ bool) (float64, bool) {
		asked[string(key)]++
		return 0, false
	}
	for range 3 {
		w.Sweep(2, gone)
	}
	if len(asked) != many {
		t.Errorf("%d of %d were looked at", len(asked), many)
	}
	for range 3 {
		w.Sweep(2+2_000_000_000, gone)
	}
	if _, ended := w.Take(); len(ended) != many || len(w.order) != 0 || len(w.latches) != 0 {
		t.Errorf("%d ended, %d left", len(ended), len(w.order))
	}
}
