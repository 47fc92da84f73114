package engine

import (
	"context"
	"sync"

	"weir/event"
	"weir/flow"
)

// logs keeps the newest finished flows and events and wakes those who wait for more.
type logs struct {
	mu     sync.Mutex
	flows  *flow.Log
	events *event.Log
	grown  chan struct{} // closed and replaced whenever something was added
}

func newLogs(c Config) *logs {
	return &logs{flows: flow.NewLog(c.FlowsMax), events: event.NewLog(c.EventsMax), grown: make(chan struct{})}
}

// add takes what one tick finished and gives it numbers.
func (l *logs) add(parts []*flow.Partial, begun, ended []event.Event) (flows []flow.Logged, events []event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	flows = l.flows.Add(parts...)
	l.events, events = l.events.Add(begun, ended)
	return flows, events
}

// wake tells those who wait that there is more. It is called once the view of the same tick is published.
func (l *logs) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *logs) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown
}

// FlowsSince returns the newest finished flows with a number above id, newest first, at most most of them: of the
// definitions in names (nil: all). The caller owns the slice, which is never nil.
func (e *Engine) FlowsSince(id uint64, names map[string]bool, most int) []flow.Logged {
	e.logs.mu.Lock()
	defer e.logs.mu.Unlock()
	return append([]flow.Logged{}, e.logs.flows.Since(id, names, most)...)
}

// WaitFlows is FlowsSince, but when there is nothing yet it waits until there is or ctx ends, and then returns what
// there is.
func (e *Engine) WaitFlows(ctx context.Context, id uint64, names map[string]bool, most int) []flow.Logged {
	return await(ctx, e, func() []flow.Logged { return e.FlowsSince(id, names, most) })
}

// LastFlow returns the number of the newest finished flow, 0 when there was none.
func (e *Engine) LastFlow() uint64 {
	e.logs.mu.Lock()
	defer e.logs.mu.Unlock()
	return e.logs.flows.Last()
}

// EventsSince returns the newest events with a number above id, newest first, at most most of them: of the named
// thresholds (none: all). The caller owns the slice, which is never nil.
func (e *Engine) EventsSince(id uint64, thresholds []string, most int) []event.Event {
	e.logs.mu.Lock()
	defer e.logs.mu.Unlock()
	return e.logs.events.Since(id, thresholds, most)
}

// WaitEvents is EventsSince, but when there is nothing yet it waits until there is or ctx ends, and then returns what
// there is.
func (e *Engine) WaitEvents(ctx context.Context, id uint64, thresholds []string, most int) []event.Event {
	return await(ctx, e, func() []event.Event { return e.EventsSince(id, thresholds, most) })
}

// LastEvent returns the number of the newest event, 0 when there was none.
func (e *Engine) LastEvent() uint64 {
	e.logs.mu.Lock()
	defer e.logs.mu.Unlock()
	return e.logs.events.Last()
}

func await[T any](ctx context.Context, e *Engine, read func() []T) []T {
	for {
		grown := e.logs.next()
		if found := read(); len(found) > 0 {
			return found
		}
		select {
		case <-ctx.Done():
			return []T{}
		case <-e.stopped:
			return read()
		case <-grown:
		}
	}
}
