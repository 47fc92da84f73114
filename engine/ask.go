package engine

import (
	"context"

	"weir/session"
)

// question is something that a lane is asked by way of its inbox: it answers between two parcels.
type question struct {
	ask  func(*lane)
	done chan struct{}
}

// ask puts a question to every lane and returns when all have answered.
func (e *Engine) ask(ctx context.Context, f func(*lane)) error {
	waiting := make([]*question, 0, len(e.lanes))
	for _, l := range e.lanes {
		q := &question{ask: f, done: make(chan struct{})}
		select {
		case l.inbox <- message{question: q}:
			waiting = append(waiting, q)
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stop:
			return ErrStopped
		}
	}
	for _, q := range waiting {
		select {
		case <-q.done:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stopped:
			return ErrStopped
		}
	}
	return nil
}

// MaxSearch is the most live sessions that Sessions looks for in one lane.
const MaxSearch = 100_000

// Sessions returns the live sessions that match a query, at most max of each lane, and whether there were more. The
// lanes themselves look: each stands still for as long as that takes, some 50 ns for a session.
func (e *Engine) Sessions(ctx context.Context, q session.Query, most int) (found []session.Session, more bool,
	err error) {
	most = min(most, MaxSearch)
	type answer struct {
		found []session.Session
		more  bool
	}
	answers := make(chan answer, len(e.lanes))
	err = e.ask(ctx, func(l *lane) {
		var a answer
		l.sessions.Live(func(s *session.Session) bool {
			if !q.Match(s) {
				return true
			}
			if len(a.found) == most {
				a.more = true
				return false
			}
			a.found = append(a.found, *s)
			return true
		})
		answers <- a
	})
	if err != nil {
		return nil, false, err
	}
	for range e.lanes {
		a := <-answers
		found, more = append(found, a.found...), more || a.more
	}
	return found, more, nil
}
