package sim_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/sim"
	"weir/wire"
)

// rig is an engine in replay mode that a network sends to, with a tick every 100 ms of simulated time.
type rig struct {
	*engine.Engine
	t       testing.TB
	parcels map[int]*wire.Parcel
	// shuffle, unless nil, says after how many datagrams a parcel leaves.
	shuffle *rand.Rand
	left    map[int]int
	logged  map[string]map[sim.Place]float64 // totals of the flow log by definition
	kept    []*engine.Keepsake               // of an engine of newKeepingRig; after end
	done    chan struct{}
	end     func()
	last    schema.Instant
}

func newRig(t testing.TB, c engine.Config) *rig {
	t.Helper()
	return newRigOf(t, c, nil)
}

// newKeepingRig returns a rig that gathers what the engine leaves to memory.
func newKeepingRig(t testing.TB, c engine.Config) *rig {
	t.Helper()
	var r *rig
	var kept []*engine.Keepsake
	done := make(chan struct{})
	r = newRigOf(t, c, func(e *engine.Engine) {
		k := e.Keep(8)
		go func() {
			defer close(done)
			for x := range k.C {
				kept = append(kept, x)
			}
		}()
	})
	end := r.end
	r.end = func() {
		end()
		<-done
		r.kept = kept
	}
	t.Cleanup(r.end)
	return r
}

// newRigOf returns a rig; before, unless nil, sees the engine before it runs.
func newRigOf(t testing.TB, c engine.Config, before func(*engine.Engine)) *rig {
	t.Helper()
	c.Replay = true
	e, err := engine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		Engine: e, t: t, parcels: map[int]*wire.Parcel{}, left: map[int]int{}, done: make(chan struct{}),
		logged: map[string]map[sim.Place]float64{},
	}
	f := e.Follow("test", 8)
	go r.collect(f)
	if before != nil {
		before(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	stopped := false
	r.end = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		<-r.done
		v := e.View()
		if d := v.Books.Difference(); d != 0 {
			t.Errorf("the books are off by %d: %+v", d, v.Books)
		}
		for _, d := range v.State.Flows {
			if b, ok := v.Flow.Books(d.Name); ok && b.Difference() != 0 {
				t.Errorf("the books of flow %s are off by %d: %+v", d.Name, b.Difference(), b)
			}
		}
		if v.Failed != nil {
			t.Errorf("a lane failed: %v", v.Failed)
		}
	}
	t.Cleanup(r.end)
	return r
}

// collect adds up the flow log.
func (r *rig) collect(f *engine.Follower) {
	defer close(r.done)
	for h := range f.C {
		for _, l := range h.Flows {
			sums := r.logged[l.Name]
			if sums == nil {
				sums = map[sim.Place]float64{}
				r.logged[l.Name] = sums
			}
			sums[sim.Place{Source: l.Source, Key: l.Keys}] += l.Value
		}
	}
}

func (r *rig) do(at schema.Instant, cs ...engine.Command) {
	r.t.Helper()
	if err := r.Do(cs...); err != nil {
		r.t.Fatal(err)
	}
	r.tick(at)
}

// take gives a datagram to its lane.
func (r *rig) take(d sim.Datagram) {
	r.put(wire.Datagram{At: d.At, From: d.From, Data: d.Data})
}

func (r *rig) put(w wire.Datagram) {
	lane := wire.Lane(wire.ExporterOf(&w), r.Lanes())
	p := r.parcels[lane]
	if p == nil {
		p = r.Parcel()
		r.parcels[lane] = p
		r.left[lane] = wire.ParcelDatagrams
		if r.shuffle != nil {
			r.left[lane] = 1 + r.shuffle.IntN(20)
		}
	}
	p.Add(w)
	if r.left[lane]--; r.left[lane] <= 0 || p.Full() {
		r.deliver(lane)
	}
}

func (r *rig) deliver(lane int) {
	p := r.parcels[lane]
	if p == nil {
		return
	}
	delete(r.parcels, lane)
	if err := r.Put(context.Background(), lane, p); err != nil {
		r.t.Fatal(err)
	}
}

// tick closes the past.
func (r *rig) tick(at schema.Instant) {
	r.t.Helper()
	for lane := range r.Lanes() {
		r.deliver(lane)
	}
	if err := r.Tick(context.Background(), at); err != nil {
		r.t.Fatal(err)
	}
	r.last = at
}

// run lets a network and the engine work for a while; each, unless nil, sees every datagram that arrives.
func (r *rig) run(n *sim.Network, d time.Duration, each func(*sim.Datagram)) {
	r.t.Helper()
	for until := n.Now().Add(d); n.Now() < until; {
		n.Run(n.Now().Add(100*time.Millisecond), func(dg sim.Datagram) {
			if each != nil {
				each(&dg)
			}
			r.take(dg)
		})
		r.tick(n.Now())
	}
}

func define(name, keys, value string, change ...func(*flow.Definition)) engine.DefineFlow {
	d := flow.Definition{Name: name, Keys: keys, Value: value, N: 1000}
	for _, c := range change {
		c(&d)
	}
	return engine.DefineFlow{Definition: d}
}

// active returns the flows of a definition at each place.
func (r *rig) active(name string) map[sim.Place]flow.Active {
	r.t.Helper()
	out := map[sim.Place]flow.Active{}
	sources := map[schema.Source]bool{}
	r.View().Flow.Sources(name, r.View().At, func(src schema.Source, _, _ float64, _ schema.Instant,
		top []flow.Active) bool {
		sources[src] = true
		for _, a := range top {
			out[sim.Place{Source: src, Key: a.Key}] = a
		}
		return true
	})
	return out
}
