package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"weir/event"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/wire"
	"weir/wire/sflow"
)

const second = schema.Instant(time.Second)

// began is when tests begin: an arbitrary moment on a whole second.
const began = 1_767_225_600 * second

// rig is an engine in replay mode with a hand on its clock.
type rig struct {
	*Engine
	t   *testing.T
	seq map[schema.Addr]uint32
	now schema.Instant
	end context.CancelFunc
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	c.Replay = true
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	r := &rig{Engine: e, t: t, seq: map[schema.Addr]uint32{}, now: began}
	r.end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		r.end()
		if d := e.View().Books.Difference(); d != 0 {
			t.Errorf("the books are off by %d: %+v", d, e.View().Books)
		}
	})
	return r
}

func (r *rig) do(cs ...Command) {
	r.t.Helper()
	if err := r.Do(cs...); err != nil {
		r.t.Fatal(err)
	}
	r.tick(0)
}

// tick lets time pass and closes the past.
func (r *rig) tick(d time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(d)
	if err := r.Tick(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) send(agent schema.Addr, build func(b *sflow.Builder)) {
	r.t.Helper()
	var b sflow.Builder
	r.seq[agent]++
	b.Start(nil, sflow.Head{Agent: agent, Sequence: r.seq[agent], Uptime: uint32(r.now.Millis())})
	build(&b)
	d := wire.Datagram{At: r.now, From: agent, Data: b.Bytes()}
	p := r.Parcel()
	p.Add(d)
	if err := r.Put(context.Background(), wire.Lane(wire.ExporterOf(&d), r.Lanes()), p); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) active(q flow.Query) []flow.Active {
	r.t.Helper()
	got, err := r.View().Flow.Active(q)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func ip4(a, b, c, d byte) schema.Addr { return schema.Addr4([4]byte{a, b, c, d}) }

// tcp returns an Ethernet frame of size bytes with an IPv4 TCP packet.
func tcp(src, dst schema.Addr, sport, dport uint16, size int) []byte {
	f := make([]byte, 54)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45})
	binary.BigEndian.PutUint16(f[16:], uint16(size-14))
	f[22], f[23] = 64, 6
	copy(f[26:], src[12:])
	copy(f[30:], dst[12:])
	binary.BigEndian.PutUint16(f[34:], sport)
	binary.BigEndian.PutUint16(f[36:], dport)
	f[46], f[47] = 0x50, 0x02
	return f
}

// sample adds a flow sample of a frame of size bytes, FCS of 4 included.
func sample(b *sflow.Builder, port, rate uint32, size int, frame []byte) {
	b.FlowSample(&sflow.Sample{
		Index: port, Rate: rate, In: schema.Port{Value: port}, Out: schema.Port{Value: port + 100},
	}, false)
	b.Header(&sflow.Header{Protocol: 1, Length: uint32(size), Stripped: 4, Bytes: frame})
}

var (
	agent1 = ip4(192, 0, 2, 1)
	host1  = ip4(198, 51, 100, 1)
	host2  = ip4(198, 51, 100, 2)
)

func define(name, keys, value string) DefineFlow {
	return DefineFlow{flow.Definition{Name: name, Keys: keys, Value: value}}
}

// TestRateOfBytes is acceptance check 21 and 22: a steady input converges, and decays when it stops.
func TestRateOfBytes(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	r.do(define("pair", "ipsource,ipdestination", "bytes"))
	for range 200 {
		r.tick(100 * time.Millisecond)
		r.send(agent1, func(b *sflow.Builder) { sample(b, 3, 1000, 1000, tcp(host1, host2, 1, 2, 996)) })
	}
	r.tick(0)
	got := r.active(flow.Query{Definition: "pair"})
	if len(got) != 1 || got[0].Key != "198.51.100.1,198.51.100.2" || math.Abs(got[0].Value-1e7) > 1.5e6 {
		t.Fatalf("got %+v, want 198.51.100.1,198.51.100.2 at about 1e7", got)
	}
	if keys := got[0].Keys(); len(keys) != 2 || keys[1] != "198.51.100.2" {
		t.Errorf("keys one by one: %q", keys)
	}
	peak := got[0].Value
	// 2t of 10 samples a second stand behind an exponential estimate with constant t.
	if want := peak / math.Sqrt(40); got[0].Exact || math.Abs(got[0].Error-want) > want/5 {
		t.Errorf("standard error %v, want about %v", got[0].Error, want)
	}
	r.tick(6 * time.Second)
	if got := r.active(flow.Query{Definition: "pair"}); len(got) > 0 && got[0].Value > peak/10 {
		t.Errorf("after 6 s %v, want less than a tenth of %v", got[0].Value, peak)
	}
}

// TestThresholdAndEvent is acceptance checks 64 and 65 on a flow and a metric.
func TestThresholdAndEvent(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	r.do(define("pair", "ipsource,ipdestination", "frames"),
		SetThreshold{event.Threshold{Name: "busy", Metric: "pair", Value: 1000, ByFlow: true, Timeout: 1}})
	r.tick(100 * time.Millisecond)
	crossed := r.now
	r.send(agent1, func(b *sflow.Builder) { sample(b, 3, 100_000, 1000, tcp(host1, host2, 1, 2, 996)) })
	r.tick(100 * time.Millisecond)
	events := r.EventsSince(0, nil, 10)
	if len(events) != 1 || events[0].Key != "198.51.100.1,198.51.100.2" || events[0].At != crossed ||
		events[0].Source.Datasource() != "3" {
		t.Fatalf("events %+v", events)
	}
	if !r.View().Triggered("busy", agent1, "3.pair", "198.51.100.1,198.51.100.2", true) {
		t.Error("the threshold is not latched")
	}
	for range 200 {
		r.tick(100 * time.Millisecond)
	}
	if r.View().Triggered("busy", agent1, "3.pair", "198.51.100.1,198.51.100.2", true) {
		t.Error("still latched 20 s after the last packet")
	}
	if e := r.EventsSince(0, nil, 10); len(e) != 1 || e[0].End == 0 {
		t.Errorf("events %+v, want the one with its end", e)
	}
}

// TestMetricRate is acceptance checks 1, 2 and 4.
func TestMetricRate(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	counters := func(octets uint64) {
		r.send(agent1, func(b *sflow.Builder) {
			b.CounterSample(&sflow.Sample{Index: 7}, false)
			b.IfCounters(&sflow.IfCounters{
				Index: 7, Type: 6, Speed: 1e9, Status: 3, In: sflow.IfDirection{Octets: octets},
			})
		})
	}
	value := func(name string) metric.Value {
		t.Helper()
		r.tick(0)
		v := r.View()
		x, _, _ := v.Metric.Value(schema.Source{Exporter: agent1, Index: 7}, name, v.At)
		return x
	}
	counters(1_000_000)
	if x := value("ifinoctets"); !x.IsZero() {
		t.Errorf("after one sample there is a rate: %v", x)
	}
	if x := value("ifoperstatus"); x.String() != "up" {
		t.Errorf("ifoperstatus %v", x)
	}
	r.tick(10 * time.Second)
	counters(6_000_000)
	if x := value("ifinoctets"); x.String() != "500000" {
		t.Errorf("ifinoctets %v, want 500000", x)
	}
	if x := value("ifinutilization"); x.String() != "0.4" {
		t.Errorf("ifinutilization %v, want 0.4", x)
	}
}

// TestLanesAgree: the same input gives the same answers with any number of lanes.
func TestLanesAgree(t *testing.T) {
	answer := func(lanes int) string {
		r := newRig(t, Config{Lanes: lanes})
		r.do(define("src", "ipsource", "bytes"), define("all", "", "frames"))
		for i := range 3000 {
			if i%50 == 0 {
				r.tick(100 * time.Millisecond)
			}
			agent := ip4(192, 0, 2, byte(i%7+1))
			r.send(agent, func(b *sflow.Builder) {
				sample(b, uint32(i%5+1), uint32(100+i%3), 100+i%1400, tcp(ip4(10, 0, 0, byte(i*i%200)), host2, 1, 2, 96))
			})
		}
		r.tick(50 * time.Millisecond)
		return fmt.Sprintf("%+v\n%+v\n%+v", r.active(flow.Query{Definition: "src", Mode: flow.ModeSum}),
			r.active(flow.Query{Definition: "all", Mode: flow.ModeMax}), r.View().Books)
	}
	want := answer(1)
	for _, lanes := range []int{2, 3, 8} {
		if got := answer(lanes); got != want {
			t.Errorf("with %d lanes:\n%s\nwith 1:\n%s", lanes, got, want)
		}
	}
}

func TestDoRefusesWhatIsWrong(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	err := r.Do(define("good", "ipsource", "bytes"), define("bad", "grup:ipsource:x", "bytes"))
	var syntax *schema.SyntaxError
	if !errors.As(err, &syntax) || syntax.Pos != 0 {
		t.Fatalf("error %v, want a syntax error at 0", err)
	}
	if r.State().Flow("good") != nil {
		t.Error("half of a refused change was made")
	}
}

// TestOfferRefuses: a full lane refuses at once and the parcel is reused.
func TestOfferRefuses(t *testing.T) {
	e, err := New(Config{Lanes: 1, Inbox: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !e.Offer(0, e.Parcel()) || e.Offer(0, e.Parcel()) {
		t.Error("an inbox of one parcel does not hold exactly one")
	}
}

func TestFollowersGetEveryHarvest(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	f := r.Follow("test", 100)
	for range 50 {
		r.tick(100 * time.Millisecond)
	}
	for seq := uint64(1); seq <= 50; seq++ {
		if h := <-f.C; h.Tick.Seq != seq {
			t.Fatalf("harvest of tick %d, want %d", h.Tick.Seq, seq)
		}
	}
	f.Close()
	r.tick(100 * time.Millisecond)
	if len(f.C) != 0 {
		t.Error("a closed follower still gets harvests")
	}
}

// TestZeroConfigLearns: a Config that says nothing has the default limits, not limits of nothing.
func TestZeroConfigLearns(t *testing.T) {
	r := newRig(t, Config{})
	r.send(agent1, func(b *sflow.Builder) {
		b.CounterSample(&sflow.Sample{Class: 2, Index: 1}, true)
		b.HostDescr("leaf1", [16]byte{1}, 3, 2, "6.1")
	})
	r.tick(100 * time.Millisecond)
	r.tick(100 * time.Millisecond)
	if got := r.State().World.HostName(agent1); got != "leaf1" {
		t.Errorf("host name %q, want leaf1", got)
	}
}

// TestEndLogsWhatIsOpen: a flow that still goes on when the engine stops is logged as far as it came.
func TestEndLogsWhatIsOpen(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	r.do(DefineFlow{flow.Definition{Name: "log", Keys: "ipsource", Value: "frames", Log: true}})
	r.send(agent1, func(b *sflow.Builder) { sample(b, 3, 100, 1000, tcp(host1, host2, 1, 2, 996)) })
	r.tick(100 * time.Millisecond)
	if n := r.LastFlow(); n != 0 {
		t.Fatalf("%d flows logged while they go on", n)
	}
	r.end()
	r.end = func() {}
	got := r.FlowsSince(0, nil, 10)
	if len(got) != 1 || got[0].Value != 100 || got[0].Keys != "198.51.100.1" {
		t.Errorf("logged %+v", got)
	}
	if a, _ := r.View().Flow.Active(flow.Query{Definition: "log"}); len(a) != 1 {
		t.Errorf("the last view has %d flows, want 1", len(a))
	}
}

// TestUnknownStructuresAreCountedByNumber (acceptance check 92).
func TestUnknownStructuresAreCountedByNumber(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	r.send(agent1, func(b *sflow.Builder) {
		sample(b, 3, 100, 1000, tcp(host1, host2, 1, 2, 996))
		b.Record(9999, 77, []byte{1, 2, 3, 4})
	})
	r.tick(100 * time.Millisecond)
	got := r.View().Unknown
	if len(got) != 1 || got[0].Tag.Enterprise() != 9999 || got[0].Tag.Number() != 77 || got[0].Count != 1 {
		t.Errorf("%+v", got)
	}
}
