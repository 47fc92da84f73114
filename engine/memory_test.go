package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"weir/alert"
	"weir/flow"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/session"
	"weir/wire"
)

// capture puts a captured TCP frame of size bytes into the engine.
func (r *rig) capture(src, dst schema.Addr, sport, dport uint16, size int) {
	r.t.Helper()
	p := r.Parcel()
	d := wire.Datagram{
		At: r.now, From: ip4(127, 0, 0, 1), Frame: true, Link: schema.LinkEthernet, Interface: 1,
		Length: uint32(size), Data: tcp(src, dst, sport, dport, size),
	}
	p.Add(d)
	if err := r.Put(context.Background(), wire.Lane(wire.ExporterOf(&d), r.Lanes()), p); err != nil {
		r.t.Fatal(err)
	}
}

// kept is what a keeper got of counter groups: the sums of meter 0 over all buckets, and how wide those were.
type kept struct {
	sums   map[string]float64 // by group and raw key
	widths map[int64]bool
	ended  []session.Session
	alerts []alert.Alert
	last   *Keepsake
}

// keep collects all keepsakes until the engine has stopped.
func (r *rig) keep() func() *kept {
	k, keeping := &kept{sums: map[string]float64{}, widths: map[int64]bool{}}, r.Keep(4)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for one := range keeping.C {
			k.take(one)
		}
	}()
	return func() *kept { <-done; return k }
}

func (k *kept) take(one *Keepsake) {
	k.last = one
	k.ended, k.alerts = append(k.ended, one.Ended...), append(k.alerts, one.Alerts...)
	for _, b := range one.Blocks {
		if b.Table != schema.TableBuckets {
			continue
		}
		for i := range b.Rows {
			name := string(b.Column("grp").Texts.At(i)) + " " + string(b.Column("key").Texts.At(i))
			if v := b.Column("m0").Floats[i]; !math.IsNaN(v) {
				k.sums[name] += v
			}
			k.widths[b.Column("width").Ints[i]] = true
		}
	}
}

// stopped ends an engine and returns what was kept. The rig must not be used after it.
func (r *rig) stopped(collect func() *kept) *kept {
	r.end()
	r.end = func() {}
	return collect()
}

// TestCapturedFramesReachGroups has frames gathered by their sessions and counted exactly.
func TestCapturedFramesReachGroups(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	collect := r.keep()
	r.tick(0)
	for i := range 100 {
		r.capture(ip4(10, 0, 0, 1), ip4(192, 0, 2, 9), 40000, 443, 100+i)
		r.capture(ip4(192, 0, 2, 9), ip4(10, 0, 0, 1), 443, 40000, 60)
		r.tick(700 * time.Millisecond)
	}
	live, more, err := r.Sessions(context.Background(), session.Query{}, 10)
	if err != nil || more || len(live) != 1 || live[0].Packets() != 200 {
		t.Errorf("live sessions: %v, more %v, %v", live, more, err)
	}
	k := r.stopped(collect)
	const out, in = 100*100 + 4950, 100 * 60
	for name, want := range map[string]float64{
		"hosts 0A.00.00.01": out + in, "hosts " + key.Totals: 2 * (out + in), "apps p-01BB": out + in,
		"protocols 06": out + in, "aggregates TOTALBW": out + in, "aggregates DIR_OUTOFHOME": out,
		"external_hosts C0.00.02.09": out + in,
	} {
		if k.sums[name] != want {
			t.Errorf("%s: %v, want %v", name, k.sums[name], want)
		}
	}
	if len(k.ended) != 1 || k.ended[0].Bytes() != out+in {
		t.Errorf("stored sessions: %+v", k.ended)
	}
}

// TestGatheredFlows holds a flow definition that gets what sessions gathered against one that sees every frame.
func TestGatheredFlows(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	r.do(DefineFlow{flow.Definition{Name: "gathered", Keys: "ipsource,tcpdestinationport", Value: "bytes"}},
		DefineFlow{flow.Definition{Name: "frames", Keys: "ipsource,tcpdestinationport", Value: "bytes", Filter: "ipttl=64"}})
	for range 40 {
		for i := range 5 {
			r.capture(ip4(10, 0, 0, byte(i)), ip4(192, 0, 2, 9), 40000, 443, 500)
		}
		r.tick(100 * time.Millisecond)
	}
	a, b := r.active(flow.Query{Definition: "gathered"}), r.active(flow.Query{Definition: "frames"})
	if len(a) != 5 || len(b) != 5 {
		t.Fatalf("%d and %d flows, want 5 of each", len(a), len(b))
	}
	for i := range a {
		if a[i].Key != b[i].Key || math.Abs(a[i].Value-b[i].Value) > 1e-6*b[i].Value {
			t.Errorf("gathered %s %v, frame by frame %s %v", a[i].Key, a[i].Value, b[i].Key, b[i].Value)
		}
	}
}

// TestBucketChanged changes the times of a group in the middle of a bucket: what was counted until then is kept as it
// was, and nothing is lost.
func TestBucketChanged(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	collect := r.keep()
	r.tick(0)
	sent := 0.0
	step := func(n int) {
		for range n {
			r.capture(ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 40000, 80, 200)
			sent += 200
			r.tick(time.Second)
		}
	}
	step(42)
	g := *r.State().Group("hosts")
	g.Bucket, g.Topper = meter.Span(10*time.Second), meter.Span(60*time.Second)
	r.do(DefineGroup{g})
	step(33)
	k := r.stopped(collect)
	if got := k.sums["hosts 0A.00.00.01"]; got != sent {
		t.Errorf("%v bytes were kept, %v sent", got, sent)
	}
	if got := k.sums["apps p-0050"]; got != sent {
		t.Errorf("apps: %v bytes were kept, %v sent", got, sent)
	}
	if !k.widths[30] || !k.widths[10] {
		t.Errorf("widths of buckets: %v", k.widths)
	}
}

// TestRestore ends an engine in the middle of a bucket, without its last words, and takes up where it was.
func TestRestore(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	keeping := r.Keep(1024)
	r.tick(0)
	for range 47 {
		r.capture(ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 40000, 80, 200)
		r.tick(time.Second)
	}
	var parts []Slice
	marks, first := map[string]schema.Instant{}, &kept{sums: map[string]float64{}, widths: map[int64]bool{}}
	for len(keeping.C) > 0 {
		k := <-keeping.C
		first.take(k)
		parts = append(parts, k.Slices...)
		for group, at := range k.Marks {
			marks[group] = at
		}
	}
	keeping.Close()
	c := Config{Lanes: 1, Replay: true}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := e.Restore(parts, marks, func(*meter.Ledger) error { return nil })
	if err != nil || lost != 0 {
		t.Fatalf("lost %d, %v", lost, err)
	}
	second := &rig{Engine: e, t: t, seq: map[schema.Addr]uint32{}, now: r.now}
	collect := second.keep()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	second.tick(time.Second)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	k := collect()
	// Slices are handed over at multiples of 5 s: what came after the last one is all that is missing.
	if got := first.sums["hosts 0A.00.00.01"] + k.sums["hosts 0A.00.00.01"]; got != 45*200 {
		t.Errorf("%v bytes before and after, want %v", got, 45*200)
	}
}

// TestGroupCommands has wrong definitions refused, each with what to do.
func TestGroupCommands(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	r.do(DefineGroup{meter.Group{Name: "pairs", Kind: meter.KindCrosskey, Parents: []string{"hosts", "apps"}}})
	for _, c := range []struct {
		command Command
		want    string
	}{
		{DropGroup{"hosts"}, "inactive"},
		{DefineGroup{meter.Group{Name: "x", Kind: meter.KindCrosskey, Parents: []string{"hosts", "app"}}}, "app"},
		{DefineGroup{meter.Group{Name: "No Name"}}, "short name"},
		{DefineGroup{meter.Group{
			Name: "y", Keys: []string{"ipsource"}, Filter: "nonsense(", Form: key.Form{key.Host},
			Meters: []meter.Meter{{Feed: "bytes"}},
		}}, "filter"},
		{SetRule{alert.Rule{Name: "r", Group: "nowhere", Keys: "*", High: alert.Of(1)}}, "nowhere"},
		{SetRule{alert.Rule{Name: "r", Group: "hosts", Keys: "*", Meter: 31, High: alert.Of(1)}}, "meter"},
		{SetLabel{Group: "nowhere", Key: "x"}, "nowhere"},
	} {
		if err := r.Do(c.command); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.command, err, c.want)
		}
	}
	r.do(DropGroup{"pairs"})
	if r.State().Group("pairs") != nil {
		t.Error("the group is still there")
	}
}

// TestAlertOnMeter has a rule fire once and clear once.
func TestAlertOnMeter(t *testing.T) {
	r := newRig(t, Config{Lanes: 2})
	collect := r.keep()
	r.do(SetRule{alert.Rule{
		Name: "busy", Group: "hosts", Keys: "10.0.0.1", Meter: 0, High: alert.Of(100), HighFor: 2, Low: alert.Of(50),
	}})
	for second := range 240 {
		size := 1000
		if second >= 120 {
			size = 60
		}
		if second%5 == 0 {
			r.capture(ip4(10, 0, 0, 1), ip4(192, 0, 2, 2), 40000, 80, size)
		}
		r.tick(time.Second)
	}
	k := r.stopped(collect)
	if len(k.alerts) != 2 || k.alerts[0].State != alert.Fired || k.alerts[1].State != alert.Cleared {
		t.Fatalf("alerts: %+v", k.alerts)
	}
}

// TestLabelsAreBounded has labels refused past their cap.
func TestLabelsAreBounded(t *testing.T) {
	r := newRig(t, Config{Lanes: 1})
	keys := map[string]Label{}
	for i := range maxLabels {
		keys[fmt.Sprint(i)] = Label{Label: "y"}
	}
	r.mu.Lock()
	s := *r.state
	s.Labels = Labels{"hosts": keys}
	r.state = &s
	r.mu.Unlock()
	more := SetLabel{Group: "hosts", Key: "C0.A8.01.02", Label: Label{Label: "one more"}}
	if err := r.Do(more); !errors.Is(err, ErrTooMany) {
		t.Errorf("%v, want %v", err, ErrTooMany)
	}
}
