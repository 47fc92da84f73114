package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/schema"
)

// choresEvery is how often, in the time of the data, old rows are forgotten, buckets rolled up and parts merged.
const choresEvery = 5 * time.Minute

// rollGrace is how long after the end of an hour late buckets are waited for before it is rolled up. Later ones are
// added.
const rollGrace = 5 * time.Minute

// maintain flushes and does the chores until ctx ends.
func (k *Keeper) maintain(ctx context.Context) {
	var chores schema.Instant
	for ctx.Err() == nil {
		due, ok := k.flushDue()
		if ok {
			_ = k.Flush(context.WithoutCancel(ctx)) // noted as a fault
			k.mu.Lock()
			at := k.held
			k.mu.Unlock()
			if at.Sub(chores) >= choresEvery || at < chores {
				k.chores(ctx, at)
				chores = at
			}
			continue
		}
		ring, stop := alarm(due)
		select {
		case <-ctx.Done():
		case <-ring:
		case <-k.ripe:
		}
		stop()
	}
}

// flushDue tells whether to flush now, or else when; zero is: when there is something new.
func (k *Keeper) flushDue() (at time.Time, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.accepted <= k.kept {
		return time.Time{}, false
	}
	at = k.flushed.Add(k.c.FlushEvery)
	if k.naked || k.tail >= k.c.FlushRows || k.behind {
		at = time.Now()
	}
	if f := k.faults[opFlush]; f != nil {
		at = f.next
	}
	return at, !time.Now().Before(at)
}

// Flush makes durable what the store has, and lets the journal forget it. It is called by Run; others may call it too.
func (k *Keeper) Flush(ctx context.Context) error {
	k.flushing.Lock()
	defer k.flushing.Unlock()
	k.mu.Lock()
	rows, naked := k.tail, k.naked
	k.naked = false
	k.mu.Unlock()
	began := time.Now()
	err := k.store.Flush(ctx)
	var kept uint64
	if err == nil {
		kept, err = k.store.Kept(ctx, k.c.Node)
	}
	if k.note(opFlush, err) != nil {
		k.mu.Lock()
		k.naked = k.naked || naked
		k.mu.Unlock()
		return fmt.Errorf("store: %w", err)
	}
	k.set.Counter("weir_store_flushes_total").Inc()
	k.set.Put("weir_store_flush_seconds", time.Since(began).Seconds())
	k.mu.Lock()
	k.kept = max(k.kept, kept)
	k.tail = max(0, k.tail-rows)
	k.flushed = time.Now()
	k.publish()
	k.mu.Unlock()
	poke(k.work) // there is room now
	return k.note(opTrim, k.journal.Forget(kept))
}

// chores rolls up, forgets and tidies as of an instant of the data.
func (k *Keeper) chores(ctx context.Context, at schema.Instant) {
	upTo := at.Add(-rollGrace)
	k.chore(ctx, opRoll, func() error {
		return errors.Join(
			k.store.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, upTo),
			k.store.Roll(ctx, schema.TableBuckets5m, schema.TableBuckets1h, upTo))
	})
	k.chore(ctx, opForget, func() error { return errors.Join(k.forgetOld(ctx, at), k.forgetMuch(ctx)) })
	k.chore(ctx, opTidy, func() error { return k.store.Tidy(ctx) })
	usage, err := k.store.Usage(ctx)
	if err != nil {
		return
	}
	for _, u := range usage {
		k.set.Put("weir_store_table_bytes", float64(u.Bytes), "table", u.Table.Name)
		k.set.Put("weir_store_table_rows", float64(u.Rows), "table", u.Table.Name)
		k.set.Put("weir_store_table_parts", float64(u.Parts), "table", u.Table.Name)
		k.set.Put("weir_store_table_faults", float64(len(u.Faults)), "table", u.Table.Name)
	}
}

// chore notes what became of one chore, unless it was cut short by a stop.
func (k *Keeper) chore(ctx context.Context, op string, do func() error) {
	if ctx.Err() != nil {
		return
	}
	if err := do(); ctx.Err() == nil {
		_ = k.note(op, err)
	}
}

// forgetOld forgets what is older than its table is to be kept.
func (k *Keeper) forgetOld(ctx context.Context, at schema.Instant) error {
	var errs []error
	for _, t := range schema.Tables {
		if d := k.c.Keep[t.Name]; d > 0 && at > schema.Instant(d) {
			errs = append(errs, k.store.Forget(ctx, t, at.Add(-d)))
		}
	}
	return errors.Join(errs...)
}

// forgetMuch forgets the oldest hours, one after the other, until all parts together are under the limit.
func (k *Keeper) forgetMuch(ctx context.Context) error {
	if k.c.MaxBytes == 0 {
		return nil
	}
	stuck := map[string]bool{} // tables whose oldest day does not go
	for ctx.Err() == nil {
		usage, err := k.store.Usage(ctx)
		if err != nil {
			return err
		}
		total := int64(0)
		for _, u := range usage {
			total += u.Bytes
		}
		if total <= k.c.MaxBytes {
			return nil
		}
		u := largestShare(slices.DeleteFunc(usage, func(u TableUsage) bool { return stuck[u.Table.Name] }), k.c.Keep)
		if u == nil {
			return fmt.Errorf("%d bytes are stored, %d are allowed, and nothing more can be forgotten: raise store.max_bytes",
				total, k.c.MaxBytes)
		}
		gone, err := k.forgetOldest(ctx, u)
		if err != nil {
			return err
		}
		stuck[u.Table.Name] = !gone
	}
	return ctx.Err()
}

// forgetOldest forgets the oldest hour of a table, or the oldest day when hours do not go; gone says that it went.
func (k *Keeper) forgetOldest(ctx context.Context, u *TableUsage) (gone bool, err error) {
	for _, width := range []time.Duration{time.Hour, day} {
		w := schema.Instant(width)
		before := u.Oldest - u.Oldest%w + w
		if err := k.store.Forget(ctx, u.Table, before); err != nil {
			return false, err
		}
		usage, err := k.store.Usage(ctx)
		if err != nil {
			return false, err
		}
		for _, now := range usage {
			if now.Table == u.Table && (now.Bytes < u.Bytes || now.Oldest > u.Oldest) {
				k.set.Counter("weir_store_forgotten_early_bytes_total").Add(int(u.Bytes - now.Bytes))
				return true, nil
			}
		}
	}
	return false, nil
}
