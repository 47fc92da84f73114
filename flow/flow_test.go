package flow

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"weir/schema"
)

const (
	second = schema.Instant(time.Second)
	milli  = schema.Instant(time.Millisecond)
	start  = 1_700_000_000 * second
)

var reasonTag = schema.MakeTag(schema.SpaceSFlow, 0, 1)

// compiler knows a few fields, so that the tests need no decoder.
func compiler() *schema.Compiler {
	addr := func(pick func(*schema.Record) schema.Addr) func(*schema.Record, int, *schema.Value) {
		var scratch schema.Addr
		return func(r *schema.Record, _ int, v *schema.Value) {
			if a := pick(r); a.Is4() {
				scratch = a
				v.SetIP(scratch[12:])
			}
		}
	}
	number := func(pick func(*schema.Record) uint64) func(*schema.Record, int, *schema.Value) {
		return func(r *schema.Record, _ int, v *schema.Value) { v.SetUint(pick(r)) }
	}
	return schema.NewCompiler([]schema.Field{
		{Name: "ipsource", Type: schema.IPv4, Nested: true, Read: func(r *schema.Record, nth int, v *schema.Value) {
			if nth == 0 && r.Src.Is4() {
				v.SetIP(r.Src[12:])
			}
		}},
		{Name: "ipdestination", Type: schema.IPv4, Read: addr(func(r *schema.Record) schema.Addr { return r.Dst })},
		{Name: "ip6source", Type: schema.IPv6, Read: func(*schema.Record, int, *schema.Value) {}},
		{Name: "port", Type: schema.Uint, Read: number(func(r *schema.Record) uint64 { return uint64(r.SrcPort) })},
		{Name: "bytes", Type: schema.Uint, Read: number(func(r *schema.Record) uint64 { return uint64(r.Length) })},
		{Name: "frames", Type: schema.Uint, Read: number(func(*schema.Record) uint64 { return 1 })},
		{Name: "requests", Type: schema.Uint, Read: number(func(*schema.Record) uint64 { return 1 })},
		{Name: "duration", Type: schema.Int, Read: func(r *schema.Record, _ int, v *schema.Value) {
			v.SetInt(int64(int32(r.Reason)))
		}},
		{Name: "reason", Type: schema.Text, Read: func(r *schema.Record, _ int, v *schema.Value) {
			if b := r.Part(reasonTag); b != nil {
				v.SetText(b)
			}
		}},
	})
}

func v4(s string) schema.Addr {
	a, err := schema.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

var (
	agent1, agent2 = v4("192.0.2.1"), v4("192.0.2.2")
	h1, h2         = v4("198.51.100.1"), v4("198.51.100.2")
)

func at1(ds uint32) schema.Source { return schema.Source{Exporter: agent1, Index: ds} }
func at2(ds uint32) schema.Source { return schema.Source{Exporter: agent2, Index: ds} }

// sample returns a packet sample.
func sample(at schema.Instant, src schema.Source, rate, length uint32, from, to schema.Addr) *schema.Record {
	return &schema.Record{
		At: at, Start: at, Last: at, Source: src, Kind: schema.KindPacketSample, Rate: rate, Length: length, IPv: 4,
		Bytes: uint64(rate) * uint64(length), Packets: uint64(rate), Flows: 1, Src: from, Dst: to, Direction: schema.Ingress,
	}
}

// world is some lanes and the view of them.
type world struct {
	t     *testing.T
	lanes []*Table
	defs  []*Definition
	view  *View
	log   *Log
	at    schema.Instant
	side  func(schema.Source) Side
	added []Logged
}

func newWorld(t *testing.T, defs ...*Definition) *world {
	t.Helper()
	w := &world{t: t, lanes: []*Table{NewTable(compiler(), Limits{})}, log: NewLog(0), at: start}
	w.define(defs...)
	return w
}

func (w *world) define(defs ...*Definition) {
	w.t.Helper()
	for _, d := range defs {
		if err := d.Complete(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.defs = defs
	for _, l := range w.lanes {
		if err := l.Apply(w.at, defs); err != nil {
			w.t.Fatal(err)
		}
	}
}

// observe gives a record to the lane of its exporter.
func (w *world) observe(r *schema.Record) {
	w.lanes[int(r.Source.Exporter[15])%len(w.lanes)].Observe(r)
}

// tick ends the time up to at.
func (w *world) tick(at schema.Instant) {
	w.at = at
	parts := make([]*Partial, len(w.lanes))
	for i, l := range w.lanes {
		parts[i] = l.Advance(at)
	}
	w.view = Merge(w.view, at, w.defs, parts, w.side)
	w.added = append(w.added, w.log.Add(parts...)...)
	for _, d := range w.defs {
		if b, _ := w.view.Books(d.Name); b.Difference() != 0 {
			w.t.Fatalf("books of %s do not balance: %+v", d.Name, b)
		}
	}
}

// steady gives n copies of what make returns, evenly over d from now on, with a tick every 100 ms, and one at the end.
func (w *world) steady(n int, d time.Duration, make func(at schema.Instant) []*schema.Record) {
	from, next := w.at, w.at+100*milli
	for i := range n {
		at := from + schema.Instant(int64(d)*int64(i)/int64(n))
		for ; at >= next; next += 100 * milli {
			w.tick(next)
		}
		for _, r := range make(at) {
			w.observe(r)
		}
	}
	for end := from.Add(d); next <= end; next += 100 * milli {
		w.tick(next)
	}
}

// rest lets time pass.
func (w *world) rest(d time.Duration) { w.steady(0, d, nil) }

func (w *world) active(q Query) []Active {
	w.t.Helper()
	a, err := w.view.Active(q)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) one(def string) Active {
	w.t.Helper()
	a := w.active(Query{Definition: def})
	if len(a) != 1 {
		w.t.Fatalf("%s: %d flows, want 1: %+v", def, len(a), a)
	}
	return a[0]
}

func about(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*math.Abs(want) {
		t.Errorf("%s = %g, want about %g", what, got, want)
	}
}

func TestRateOfBytesAndDecay(t *testing.T) { // acceptance 21, 22
	w := newWorld(t,
		&Definition{Name: "pair", Keys: "ipsource,ipdestination", Value: "bytes"},
		&Definition{Name: "frames", Keys: "ipsource,ipdestination", Value: "frames"},
		&Definition{Name: "bits", Value: "bps"},
		&Definition{Name: "requests", Value: "rate:requests"})
	w.steady(200, 20*time.Second, func(at schema.Instant) []*schema.Record {
		return []*schema.Record{sample(at, at1(3), 1000, 1000, h1, h2)}
	})
	about(t, "bytes", w.one("pair").Value, 10_000_000, 0.15)
	about(t, "frames", w.one("frames").Value, 10_000, 0.15)
	about(t, "bits", w.one("bits").Value, 80_000_000, 0.15)
	about(t, "requests", w.one("requests").Value, 10_000, 0.15)
	a := w.one("pair")
	if a.Key != "198.51.100.1,198.51.100.2" || a.Source != at1(3) || a.Exact || a.N != 1 {
		t.Errorf("flow = %+v", a)
	}
	peak := a.Value
	w.rest(6 * time.Second)
	if v := w.one("pair").Value; v >= 0.1*peak {
		t.Errorf("after 6 s the value is %g of %g", v, peak)
	}
	w.rest(40 * time.Second)
	if a := w.active(Query{Definition: "pair"}); len(a) != 0 {
		t.Errorf("long after the end there is still %+v", a)
	}
	if w.lanes[0].keys != 0 || w.lanes[0].pools != 0 || len(w.lanes[0].sources.ids) != 0 {
		t.Errorf("not forgotten: %d keys, %d pools, %d sources", w.lanes[0].keys, w.lanes[0].pools,
			len(w.lanes[0].sources.ids))
	}
	if n := len(w.view.columns[0].chunks); n != 0 {
		t.Errorf("the view keeps %d chunks", n)
	}
}

func TestConvergence(t *testing.T) { // spec 1.4: 63 % after t, 95 % after 3t
	w := newWorld(t, &Definition{Name: "f", Value: "frames", T: 5})
	feed := func(at schema.Instant) []*schema.Record { return []*schema.Record{sample(at, at1(1), 1, 100, h1, h2)} }
	w.steady(5000, 5*time.Second, feed)
	about(t, "after t", w.one("f").Value, 1000*(1-math.Exp(-1)), 0.01)
	w.steady(10000, 10*time.Second, feed)
	about(t, "after 3t", w.one("f").Value, 1000*(1-math.Exp(-3)), 0.01)
	if a := w.one("f"); !a.Exact || a.Error != 0 || a.Key != "" {
		t.Errorf("exact flow = %+v", a)
	}
}

func TestKeyOrderAndSeparator(t *testing.T) { // acceptance 23
	w := newWorld(t, &Definition{Name: "f", Keys: "ipdestination,ipsource", Value: "bytes", FS: "_SEP_"})
	w.observe(sample(start+milli, at1(3), 10, 100, h1, h2))
	w.tick(start + second)
	if k := w.one("f").Key; k != "198.51.100.2_SEP_198.51.100.1" {
		t.Errorf("key = %q", k)
	}
}

func TestIgnoredRecords(t *testing.T) { // acceptance 24, and the books
	w := newWorld(t,
		&Definition{Name: "six", Keys: "ip6source", Value: "bytes"},
		&Definition{Name: "nothing", Value: "nosuchattribute"},
		&Definition{Name: "values", Value: "frames", Values: []string{"nosuchattribute"}},
		&Definition{Name: "negative", Value: "duration"})
	r := sample(start+milli, at1(3), 10, 100, h1, h2)
	r.Reason = 0xffffffff
	w.observe(r)
	w.tick(start + second)
	want := map[string]Books{
		"six": {Observed: 1, NullKey: 1}, "nothing": {Observed: 1, NullValue: 1}, "values": {Observed: 1, NullValue: 1},
		"negative": {Observed: 1, NullValue: 1},
	}
	for name, b := range want {
		if got, _ := w.view.Books(name); got != b {
			t.Errorf("%s: books = %+v, want %+v", name, got, b)
		}
		if a := w.active(Query{Definition: name}); len(a) != 0 {
			t.Errorf("%s has %+v", name, a)
		}
	}
}

func TestValues(t *testing.T) { // acceptance 34
	w := newWorld(t, &Definition{
		Name: "f", Keys: "ipdestination", Value: "frames",
		Values: []string{"count:ipsource", "avg:bytes", "min:port", "max:port", "last:port", "bytes"},
	})
	i := 0
	w.steady(200, time.Second, func(at schema.Instant) []*schema.Record {
		i++
		from := h1
		from[15] = byte(i)
		r := sample(at, at1(3), 100, uint32(400+i%2*200), from, h2)
		r.SrcPort = uint16(1000 + i)
		return []*schema.Record{r}
	})
	a := w.one("f")
	about(t, "count", a.Values[0], 200, 0.05)
	about(t, "avg", a.Values[1], 500, 0.02)
	if a.Values[2] != 1001 || a.Values[3] != 1200 || a.Values[4] != 1200 {
		t.Errorf("min, max, last = %v", a.Values[2:5])
	}
	about(t, "bytes per frame", a.Values[5]/a.Value, 500, 0.02)
	w.rest(10 * time.Second)
	if a := w.one("f"); a.Values[0] != 0 || a.Values[2] != 0 || a.Values[4] != 1200 {
		t.Errorf("when the windows are over: %v", a.Values)
	}
}

func TestKindsOfRecords(t *testing.T) { // spec 1.4: flow records and transactions beside packet samples
	w := newWorld(t,
		&Definition{Name: "bytes", Keys: "ipsource", Value: "bytes", T: 1},
		&Definition{Name: "frames", Keys: "ipsource", Value: "frames", T: 1},
		&Definition{Name: "duration", Keys: "ipsource", Value: "duration", T: 1})
	flow := sample(start, at1(1), 1, 0, h1, h2)
	flow.Kind, flow.Bytes, flow.Packets = schema.KindFlowRecord, 90_000, 60
	w.observe(flow)
	operation := sample(start, at1(2), 10, 700, h2, h1)
	operation.Kind, operation.Bytes, operation.Packets, operation.Reason = schema.KindTransaction, 0, 0, 30
	w.observe(operation)
	w.tick(start)
	for _, c := range []struct {
		def, key string
		ds       uint32
		want     float64
		exact    bool
	}{
		{"bytes", "198.51.100.1", 1, 90_000, true}, {"frames", "198.51.100.1", 1, 60, true},
		{"bytes", "198.51.100.2", 2, 7000, false}, {"duration", "198.51.100.2", 2, 300, false},
	} {
		a, ok := w.view.Value(c.def, at1(c.ds), c.key)
		if !ok || a.Value != c.want || a.Exact != c.exact || (a.Error == 0) != c.exact {
			t.Errorf("%s of %s: %+v, %v; want %g", c.def, c.key, a, ok, c.want)
		}
	}
}

func TestDropped(t *testing.T) { // acceptance 39
	w := newWorld(t,
		&Definition{Name: "drops", Keys: "reason", Value: "frames", Dropped: true},
		&Definition{Name: "packets", Keys: "reason", Value: "frames"},
		&Definition{Name: "all", Value: "frames", Dropped: true})
	for i := range 5 {
		r := sample(start+schema.Instant(i)*milli, at1(3), 1, 100, h1, h2)
		r.Kind, r.Body = schema.KindDiscard, []byte("ttl_exceeded")
		r.Slots = []schema.Slot{{Tag: reasonTag, Len: 12}}
		w.observe(r)
		w.observe(sample(start, at1(3), 1, 100, h1, h2))
	}
	w.tick(start + 100*milli)
	if k := w.one("drops").Key; k != "ttl_exceeded" {
		t.Errorf("key = %q", k)
	}
	if a := w.active(Query{Definition: "packets"}); len(a) != 0 {
		t.Errorf("without dropped: %+v", a)
	}
	if b, _ := w.view.Books("all"); b.Observed != 5 {
		t.Errorf("dropped saw %d records, want the 5 discards", b.Observed)
	}
}

// pairOfAgents feeds the same key at 1000/s to one exporter and at 900/s to another, in two lanes.
func pairOfAgents(t *testing.T) *world {
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource,ipdestination", Value: "frames"})
	w.lanes = append(w.lanes, NewTable(compiler(), Limits{}))
	w.define(w.defs...)
	i := 0
	w.steady(10_000, 20*time.Second, func(at schema.Instant) []*schema.Record {
		i++
		out := []*schema.Record{sample(at, at1(3), 2, 100, h1, h2)}
		if i%10 != 0 {
			out = append(out, sample(at, at2(1), 2, 100, h1, h2))
		}
		if i%100 == 0 {
			out = append(out, sample(at, at1(3), 1, 100, h2, h1), sample(at, at1(3), 3, 100, h2, h2))
		}
		return out
	})
	return w
}

func TestCombine(t *testing.T) { // acceptance 47, 48, 49
	w := pairOfAgents(t)
	key := "198.51.100.1,198.51.100.2"
	most := w.active(Query{Definition: "f", KeyFilter: key})[0]
	about(t, "max", most.Value, 1000, 0.02)
	if most.Source != at1(3) || most.N != 2 {
		t.Errorf("max = %+v", most)
	}
	sum := w.active(Query{Definition: "f", Mode: ModeSum, KeyFilter: key})[0]
	about(t, "sum", sum.Value, 1900, 0.02)
	if sum.N != 2 || sum.Source != at1(3) {
		t.Errorf("sum = %+v", sum)
	}
	about(t, "error of the sum", sum.Error, math.Hypot(most.Error, w.valueAt(at2(1), key).Error), 1e-9)
	if a := w.active(Query{Definition: "f", Min: 950}); len(a) != 1 {
		t.Errorf("minValue 950: %+v", a)
	}
	if a := w.active(Query{Definition: "f", Min: 1101}); len(a) != 0 {
		t.Errorf("minValue 1101: %+v", a)
	}
	if a := w.active(Query{Definition: "f", Max: 1}); len(a) != 1 || a[0].Key != key {
		t.Errorf("maxFlows 1: %+v", a)
	}
	if a := w.active(Query{Definition: "f", Keep: func(s schema.Source) bool { return s.Exporter == agent2 }}); len(a) != 1 ||
		a[0].Source != at2(1) {
		t.Errorf("one agent: %+v", a)
	}
	for filter, want := range map[string]int{
		",198.51.100.2": 2, "198.51.100.2,": 2, "": 3, ",": 3, "198.51.100.*,198.51.100.1": 1, "*,*": 3, "1,2": 0,
		"198.51.100.1,198.51.100.2,": 1, "*.2": 2, "*.2,*,x": 0,
	} {
		if a := w.active(Query{Definition: "f", KeyFilter: filter}); len(a) != want {
			t.Errorf("filter %q: %d flows, want %d", filter, len(a), want)
		}
	}
	if l, err := w.view.Locations("f", key); err != nil || len(l) != 2 || l[0].Source != at1(3) {
		t.Errorf("locations = %+v, %v", l, err)
	}
	if _, err := w.view.Active(Query{Definition: "nosuch"}); !errors.Is(err, ErrUnknownDefinition) {
		t.Errorf("unknown definition: %v", err)
	}
}

func (w *world) valueAt(src schema.Source, key string) Active {
	w.t.Helper()
	a, ok := w.view.Value("f", src, key)
	if !ok {
		w.t.Fatalf("no flow %q at %+v", key, src)
	}
	return a
}

func TestEdge(t *testing.T) { // acceptance 51
	leaf1, spine, leaf2 := at1(3), at2, schema.Source{Exporter: v4("192.0.2.3"), Index: 3}
	w := newWorld(t,
		&Definition{Name: "f", Keys: "ipsource", Value: "frames", Values: []string{"bytes"}},
		&Definition{Name: "edge", Keys: "ipsource", Value: "frames", AggMode: "EDGE"},
		&Definition{Name: "core", Value: "frames", AggMode: "core"})
	w.side = func(s schema.Source) Side {
		switch s {
		case leaf1, leaf2:
			return Edge
		case spine(1), spine(2):
			return Core
		}
		return NoSide
	}
	w.steady(20_000, 20*time.Second, func(at schema.Instant) []*schema.Record {
		out := make([]*schema.Record, 0, 4)
		for _, src := range []schema.Source{leaf1, spine(1), spine(2), leaf2} {
			r := sample(at, src, 1, 100, h1, h2)
			if src == leaf2 || src == spine(2) {
				r.Direction = schema.Egress
			}
			out = append(out, r)
		}
		return out
	})
	a := w.active(Query{Definition: "f", Mode: ModeEdge})
	if len(a) != 1 || a[0].N != 2 {
		t.Fatalf("edge = %+v", a)
	}
	about(t, "edge", a[0].Value, 1000, 0.01)
	about(t, "edge bytes", a[0].Values[0], 100_000, 0.01)
	pooled := w.one("edge")
	about(t, "pooled edge", pooled.Value, 1000, 0.01)
	if pooled.Source != (schema.Source{}) {
		t.Errorf("pooled source = %+v", pooled.Source)
	}
	about(t, "core", w.one("core").Value, 1000, 0.01)
	if v, ok := w.view.Value("edge", schema.Source{}, "198.51.100.1"); !ok || v.Value != pooled.Value {
		t.Errorf("value of the pool = %+v, %v", v, ok)
	}
	n := 0
	w.view.Sources("edge", 0, func(src schema.Source, v, _ float64, _ schema.Instant, top []Active) bool {
		n++
		if src != (schema.Source{}) || v != pooled.Value || len(top) != 1 {
			t.Errorf("sources: %+v %g %+v", src, v, top)
		}
		return true
	})
	if n != 1 {
		t.Errorf("%d places of a pooled definition", n)
	}
	w.side = nil
	w.tick(w.at + milli)
	if a := w.active(Query{Definition: "f", Mode: ModeEdge}); len(a) != 0 {
		t.Errorf("without a topology: %+v", a)
	}
}

func TestAgentPool(t *testing.T) { // spec 1.5: ingress and egress of one packet count once
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource", Value: "frames", AggMode: "agent", Values: []string{"bytes"}})
	w.steady(20_000, 20*time.Second, func(at schema.Instant) []*schema.Record {
		in, out := sample(at, at1(3), 1, 100, h1, h2), sample(at, at1(4), 1, 100, h1, h2)
		out.Direction = schema.Egress
		return []*schema.Record{in, out, sample(at, at1(5), 1, 100, h1, h2)}
	})
	a := w.one("f")
	about(t, "value", a.Value, 2000, 0.01)
	about(t, "bytes", a.Values[0], 200_000, 0.01)
	if a.Source != (schema.Source{Exporter: agent1}) {
		t.Errorf("source = %+v", a.Source)
	}
	if v, ok := w.lanes[0].Now("f", schema.Source{Exporter: agent1}, nil, w.at); !ok || math.Abs(v-a.Value) > 1e-6 {
		t.Errorf("now = %g, %v; want %g", v, ok, a.Value)
	}
}

func TestStandardError(t *testing.T) {
	w := newWorld(t,
		&Definition{Name: "f", Keys: "port", Value: "bytes", T: 600},
		&Definition{Name: "avg", Value: "avg:bytes", T: 600})
	for i := range 100 { // 100 equal samples
		w.observe(sample(start+schema.Instant(i)*milli, at1(3), 1000, 1000, h1, h2))
	}
	flow := sample(start, at1(4), 1000, 0, h1, h2) // a record of a sampled flow cache: 100 observed packets
	flow.Kind, flow.Bytes, flow.Packets = schema.KindFlowRecord, 100*1000*1000, 100*1000
	w.observe(flow)
	w.observe(sample(start, at1(5), 1, 1000, h1, h2))
	w.tick(start + 100*milli)
	for _, ds := range []uint32{3, 4} {
		a := w.valueAt(at1(ds), "0")
		about(t, fmt.Sprintf("relative error at %d", ds), a.Error/a.Value, math.Sqrt(0.999/100), 0.001)
	}
	if a := w.valueAt(at1(5), "0"); a.Error != 0 || !a.Exact {
		t.Errorf("exact: %+v", a)
	}
	a, _ := w.view.Value("avg", at1(3), "")
	if math.Abs(a.Value-1000) > 1e-6 || a.Error > 1e-3 {
		t.Errorf("average of equal samples: %+v", a)
	}
}

func TestLog(t *testing.T) { // acceptance 59
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource,ipdestination", Value: "frames", Log: true,
		Values: []string{"bytes", "last:port"}})
	w.steady(20, 2*time.Second, func(at schema.Instant) []*schema.Record {
		r := sample(at, at1(3), 1000, 500, h1, h2)
		r.SrcPort = 7
		return []*schema.Record{r}
	})
	if len(w.added) != 0 {
		t.Fatalf("logged too early: %+v", w.added)
	}
	w.rest(10 * time.Second)
	if len(w.added) != 1 {
		t.Fatalf("%d records, want 1: %+v", len(w.added), w.added)
	}
	r := w.added[0]
	if r.ID != 1 || r.Name != "f" || r.Keys != "198.51.100.1,198.51.100.2" || r.Source != at1(3) || r.Value != 20_000 ||
		r.Values[0] != 20_000*500 || r.Values[1] != 7 || r.Start != start || r.End != start+1900*milli {
		t.Errorf("record = %+v", r)
	}
	if w.lanes[0].byName["f"].wheel.slots != [wheelSlots]uint32{} {
		t.Error("the wheel still holds a finished flow")
	}
}

func TestFlowStart(t *testing.T) { // acceptance 60
	w := newWorld(t, &Definition{Name: "f", Keys: "ipsource", Value: "frames", Log: true, FlowStart: true, T: 0.1,
		ActiveTimeout: 8})
	feed := func(at schema.Instant) []*schema.Record { return []*schema.Record{sample(at, at1(3), 1, 500, h1, h2)} }
	w.steady(1, 100*time.Millisecond, feed)
	if len(w.added) != 1 || w.added[0].Value != 1 || w.added[0].Start != start {
		t.Fatalf("at the first packet: %+v", w.added)
	}
	w.rest(4 * time.Second) // its rate has faded away, but not that it was reported
	w.steady(60, 6*time.Second, feed)
	if len(w.added) != 2 || w.added[1].ID != 2 || w.added[1].Value != 40 || w.added[1].End != start+8*second {
		t.Fatalf("after the active timeout: %+v", w.added)
	}
	w.rest(20 * time.Second)
	if w.lanes[0].keys != 0 {
		t.Error("the flow is never forgotten")
	}
}

func TestActiveTimeout(t *testing.T) { // acceptance 61
	w := newWorld(t, &Definition{Name: "f", Value: "frames", Log: true, ActiveTimeout: 3})
	w.steady(100, 10*time.Second, func(at schema.Instant) []*schema.Record {
		return []*schema.Record{sample(at, at1(3), 1, 500, h1, h2)}
	})
	w.rest(5 * time.Second)
	total := 0.0
	for i, r := range w.added {
		if r.ID != uint64(i+1) {
			t.Errorf("record %d has ID %d", i, r.ID)
		}
		total += r.Value
	}
	if len(w.added) != 4 || total != 100 {
		t.Errorf("%d records of %g frames: %+v", len(w.added), total, w.added)
	}
}

func TestLogRing(t *testing.T) {
	l := NewLog(3)
	for i := range 5 {
		name := string(rune('a' + i%2))
		l.Add(&Partial{Logged: []Logged{{Name: name, End: schema.Instant(i)}}}, nil)
	}
	ids := func(rs []Logged) (out []uint64) {
		for _, r := range rs {
			out = append(out, r.ID)
		}
		return out
	}
	for _, c := range []struct {
		got  []Logged
		want string
	}{
		{l.Since(0, nil, 0), "[5 4 3]"}, {l.Since(3, nil, 0), "[5 4]"}, {l.Since(0, nil, 2), "[5 4]"},
		{l.Since(0, map[string]bool{"b": true}, 0), "[4]"}, {l.Since(5, nil, 0), "[]"},
	} {
		if got := fmt.Sprint(ids(c.got)); got != c.want {
			t.Errorf("ids = %s, want %s", got, c.want)
		}
	}
	if l.Last() != 5 {
		t.Errorf("last = %d", l.Last())
	}
}

func TestComplete(t *testing.T) {
	d := Definition{Name: "f", Value: "bytes", AggMode: "MAX", Filter: "null", N: 5000, T: 0.001, ActiveTimeout: 1e9}
	if err := d.Complete(); err != nil {
		t.Fatal(err)
	}
	if d.N != 1000 || d.T != 0.05 || d.FS != "," || d.ActiveTimeout != 86400 || d.AggMode != "max" || d.Filter != "" {
		t.Errorf("completed: %+v", d)
	}
	again := d
	if err := again.Complete(); err != nil || !again.Equal(&d) {
		t.Errorf("completing twice: %+v, %v", again, err)
	}
	for _, c := range []struct {
		d    Definition
		want string
	}{
		{Definition{Value: "bytes"}, "name:"},
		{Definition{Name: "f"}, "value:"},
		{Definition{Name: "f", Value: "bytes", AggMode: "most"}, "aggMode:"},
		{Definition{Name: "f", Value: "bytes", T: math.NaN()}, "t:"},
		{Definition{Name: "f", Value: "bytes", ActiveTimeout: math.Inf(1)}, "activeTimeout:"},
		{Definition{Name: "f", Value: "bytes", FS: strings.Repeat("-", 100)}, "fs:"},
		{Definition{Name: "f", Value: "bytes", Values: make([]string, 17)}, "values:"},
		{Definition{Name: "f", Value: "bytes", IPFIXCollectors: []string{"nowhere"}}, "ipfixCollectors:"},
		{Definition{Name: "f", Value: "bytes", Keys: "stack", IPFIXCollectors: []string{"192.0.2.1"}}, "keys:"},
		{Definition{Name: "f", Value: "avg:bytes", IPFIXCollectors: []string{"192.0.2.1:4739"}}, "value:"},
	} {
		if err := c.d.Complete(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %s...", c.d, err, c.want)
		}
	}
}

func TestCheckNamesAttribute(t *testing.T) { // acceptance 36
	for _, c := range []struct {
		d    Definition
		want string
	}{
		{Definition{Name: "f", Keys: "nosuch:ipsource", Value: "bytes"}, "keys:"},
		{Definition{Name: "f", Keys: "or:[ipsource:ipdestination", Value: "bytes"}, "keys:"},
		{Definition{Name: "f", Value: "nosuch:bytes"}, "value:"},
		{Definition{Name: "f", Value: "bytes", Values: []string{"bytes", "or:[x"}}, "values: 2:"},
		{Definition{Name: "f", Value: "bytes", Filter: "(ipsource=1"}, "filter:"},
	} {
		err := Check(compiler(), &c.d)
		var syntax *schema.SyntaxError
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !errors.As(err, &syntax) {
			t.Errorf("%+v: error %v, want a syntax error that begins with %s", c.d, err, c.want)
		}
	}
	if err := Check(compiler(), &Definition{Name: "f", Keys: "ipsource,ipdestination", Value: "bytes"}); err != nil {
		t.Error(err)
	}
}
