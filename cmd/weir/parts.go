package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// part is a room at work.
type part struct {
	name string
	run  func(context.Context) error
	// within bounds how long the part may take to stop.
	within time.Duration
	// ends tells that the part may come to its end before it is told to, and the others go on.
	ends bool
	// follows tells that the part ends by itself once the engine has stopped, and should: it has yet to take what the
	// engine finished last.
	follows bool
}

// stopping is the usual time that a part has to stop.
const stopping = 5 * time.Second

// errStuck is wrapped by the error of a part that did not stop in time.
var errStuck = errors.New("did not stop in time")

// running is a part that was started.
type running struct {
	part
	cancel context.CancelFunc
	done   chan error // gets one error, then closes
}

// runParts starts parts in their order, which is from sink to source, and stops them in the opposite order when ctx
// ends or one of them fails. before is called when stopping begins.
func runParts(ctx context.Context, log *slog.Logger, parts []part, before func()) error {
	failed := make(chan error, len(parts))
	var started []*running
	for _, p := range parts {
		started = append(started, start(ctx, p, failed))
	}
	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-failed:
		log.Error("stopping, because a part failed", "error", err.Error())
	}
	before()
	for i := len(started) - 1; i >= 0; i-- {
		if stopErr := started[i].stop(log); stopErr != nil && !errors.Is(err, stopErr) {
			err = errors.Join(err, stopErr)
		}
	}
	return err
}

// start starts a part with a context of its own: parts are stopped one by one.
func start(ctx context.Context, p part, failed chan<- error) *running {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, cancel: cancel, done: make(chan error, 1)}
	go func() {
		defer close(r.done)
		err := p.run(own)
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			err = fmt.Errorf("%s: %w", p.name, err)
			r.done <- err
			failed <- err
		case own.Err() == nil && !p.ends && !p.follows:
			failed <- fmt.Errorf("%s: came to its end: this is a bug", p.name)
		}
	}()
	return r
}

// stop stops the part and returns its error.
func (r *running) stop(log *slog.Logger) error {
	began := time.Now()
	if r.follows {
		select {
		case err := <-r.done:
			r.cancel()
			return err
		case <-time.After(r.within):
		}
	}
	r.cancel()
	select {
	case err := <-r.done:
		log.Debug("stopped", "part", r.name, "after", time.Since(began))
		return err
	case <-time.After(r.within):
		log.Error("a part does not stop: given up", "part", r.name, "waited", r.within)
		return fmt.Errorf("%s: %w", r.name, errStuck)
	}
}
