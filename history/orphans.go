package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir/engine"
	"weir/schema"
	"weir/session"
	"weir/store"
)

// orphansMost bounds how many sessions are looked for.
const orphansMost = 1 << 20

// orphans returns the sessions that were going on when the last run ended without a word: the newest report of each
// that no end is known of. They are over: what comes now is another session.
func orphans(ctx context.Context, e *engine.Engine, s store.Store, until schema.Instant) ([]session.Session, error) {
	every := e.State().Sessions.Report
	if every == 0 || until == 0 {
		return nil, nil
	}
	from := until.Add(-2*every - time.Minute) // who lived was reported since
	found := map[int64]session.Session{}
	q := store.Query{Table: schema.TableRunning, From: from, OrderBy: "last", Limit: orphansMost}
	for b, err := range s.Scan(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("sessions that were going on: %w", err)
		}
		for i := range b.Rows {
			var one session.Session
			one.ReadRow(b, i)
			found[one.ID] = one
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	q = store.Query{Table: schema.TableSessions, From: from, Columns: []string{"id"}}
	for b, err := range s.Scan(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("sessions that ended: %w", err)
		}
		for _, id := range b.Column("id").Ints {
			delete(found, id)
		}
	}
	list := make([]session.Session, 0, len(found))
	for _, one := range found {
		one.State |= session.StateTimedOut | session.StateError
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b session.Session) int { return session.Compare(&a, &b) })
	return list, nil
}
