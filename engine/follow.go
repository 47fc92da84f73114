package engine

import (
	"slices"
	"sync/atomic"

	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/schema"
)

// Harvest is what one tick finished. It is shared: nobody may change one.
type Harvest struct {
	Tick    Tick
	View    *View
	Flows   []flow.Logged   // finished flows, oldest first
	Events  []event.Event   // begun, oldest first
	Ended   []event.Event   // over, with their end and peak
	Wanted  []schema.Addr   // addresses that somebody wants the names of
	Missing []enrich.Source // what key functions wanted to read and is not configured
}

// Follower receives every harvest in order, through C. A live engine never waits for it: when it is full it misses
// harvests, counted. A replay always waits. C closes when the stream has ended.
type Follower struct {
	C      <-chan *Harvest
	inner  *follower
	engine *Engine
}

type follower struct {
	name   string
	to     chan *Harvest
	missed atomic.Uint64
	gone   chan struct{}
}

// Follow begins to deliver harvests to a new follower that holds depth of them. Close it when done.
func (e *Engine) Follow(name string, depth int) *Follower {
	f := &follower{name: name, to: make(chan *Harvest, depth), gone: make(chan struct{})}
	m := e.merger
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		close(f.to)
	} else {
		m.followers = append(slices.Clone(m.followers), f)
	}
	return &Follower{C: f.to, inner: f, engine: e}
}

// Missed returns how many harvests the follower missed.
func (f *Follower) Missed() uint64 { return f.inner.missed.Load() }

// Close ends the delivery. C is not closed by it.
func (f *Follower) Close() {
	m := f.engine.merger
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.followers)
	m.followers = slices.DeleteFunc(slices.Clone(m.followers), func(x *follower) bool { return x == f.inner })
	if len(m.followers) < n {
		close(f.inner.gone)
	}
}

// Followers returns how many follow, and how many harvests each has missed, by name.
func (e *Engine) Followers() map[string]uint64 {
	e.merger.mu.Lock()
	defer e.merger.mu.Unlock()
	out := map[string]uint64{}
	for _, f := range e.merger.followers {
		out[f.name] += f.missed.Load()
	}
	return out
}

func (f *follower) send(h *Harvest, wait bool) {
	select {
	case f.to <- h:
	default:
		if !wait {
			f.missed.Add(1)
			return
		}
		select {
		case f.to <- h:
		case <-f.gone:
		}
	}
}
