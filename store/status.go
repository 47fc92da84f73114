package store

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"

	"weir/schema"
)

// What the keeper does, as faults and counters name it.
const (
	opOffer   = "offer"
	opJournal = "journal"
	opTrim    = "trim"
	opRead    = "read"
	opKeep    = "keep"
	opFlush   = "flush"
	opForget  = "forget"
	opRoll    = "roll"
	opTidy    = "tidy"
)

// Fault is something that does not work at the moment.
type Fault struct {
	// Op is "offer", "journal" (write to it), "trim" (the journal), "read" (the journal), "keep", "flush", "forget",
	// "roll" or "tidy".
	Op    string
	Err   error
	Hint  string    // what to do; may be empty
	Since time.Time // when it first failed; it did not work since

	wait time.Duration
	next time.Time // when to try again
}

// Status says how memory is.
type Status struct {
	Path     string
	At       schema.Instant // of the newest batch
	Seq      uint64         // of the newest batch that was offered
	Accepted uint64         // Seq up to which the store answers for
	Kept     uint64         // Seq up to which batches are durable in the store
	Waiting  int            // batches in memory that are neither in the journal nor in the store
	TailRows int            // rows in the store that are not durable yet; the journal has them
	Behind   bool           // the journal has batches that the store has not
	Dropped  uint64         // batches dropped since the start
	Flushed  time.Time      // when rows were last made durable, or the start
	Journal  JournalUsage
	Faults   []Fault // what does not work, oldest first; empty when all is well
}

// Status says how memory is.
func (k *Keeper) Status() Status {
	u := k.journal.Usage()
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{
		Path: k.c.Path, At: k.at, Seq: k.offered, Accepted: k.accepted, Kept: k.kept, Waiting: len(k.queue),
		TailRows: k.tail, Behind: k.behind, Dropped: k.dropped, Flushed: k.flushed, Journal: u,
	}
	for _, op := range slices.Sorted(maps.Keys(k.faults)) {
		s.Faults = append(s.Faults, *k.faults[op])
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return a.Since.Compare(b.Since) })
	return s
}

// Config returns how memory is set up. Nobody may change its map.
func (k *Keeper) Config() Config { return k.c }

// Hint says what to do about an error of a disk, or "".
func Hint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free space on the disk, or keep less: store.max_bytes, store.keep"
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only: look into the kernel's log, remount it writable"
	case errors.Is(err, fs.ErrPermission):
		return "give the user that runs weir the right to write there"
	case errors.Is(err, syscall.EIO):
		return "the disk fails: look into the kernel's log"
	}
	return ""
}

// How long the keeper waits before it tries again what has failed: twice as long each time.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// try does something unless it failed too short a time ago; it remembers the fault, or that there is none any more.
func (k *Keeper) try(op string, do func() error) bool {
	k.mu.Lock()
	f := k.faults[op]
	if f != nil && time.Now().Before(f.next) {
		k.mu.Unlock()
		return false
	}
	k.mu.Unlock()
	return k.note(op, do()) == nil
}

// note remembers the outcome of something; it returns err.
func (k *Keeper) note(op string, err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		delete(k.faults, op)
	} else {
		k.set.Counter("weir_store_errors_total", "op", op).Inc()
		f := k.faults[op]
		if f == nil {
			f = &Fault{Op: op, Since: time.Now(), wait: firstRetry / 2}
			k.faults[op] = f
		}
		f.Err, f.Hint = err, Hint(err)
		f.wait = min(2*f.wait, lastRetry)
		f.next = time.Now().Add(f.wait)
	}
	k.set.Put("weir_store_faults", float64(len(k.faults)))
	return err
}

// nextRetry returns the earliest time to try one of these again; zero when none of them has failed. k.mu is held.
func (k *Keeper) nextRetry(ops ...string) (at time.Time) {
	for _, op := range ops {
		if f := k.faults[op]; f != nil && (at.IsZero() || f.next.Before(at)) {
			at = f.next
		}
	}
	return at
}

// tryAll forgets how long to wait after faults.
func (k *Keeper) tryAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.faults {
		f.next = time.Time{}
	}
}

// publish puts the gauges. k.mu is held.
func (k *Keeper) publish() {
	k.set.Put("weir_store_waiting_batches", float64(len(k.queue)))
	k.set.Put("weir_store_tail_rows", float64(k.tail))
	k.set.Put("weir_store_behind_batches", float64(k.offered-min(k.offered, k.accepted)))
	k.set.Put("weir_store_unsaved_batches", float64(k.accepted-min(k.accepted, k.kept)))
}

// largestShare returns the table that takes most for the time it is to be kept, of those that have something to give.
func largestShare(usage []TableUsage, keep map[string]time.Duration) *TableUsage {
	var best *TableUsage
	share := func(u *TableUsage) float64 {
		d := keep[u.Table.Name]
		if d == 0 {
			d = maxKeep
		}
		return float64(u.Bytes) / d.Hours()
	}
	for i := range usage {
		u := &usage[i]
		if u.Parts > 0 && (best == nil || cmp.Compare(share(u), share(best)) > 0) {
			best = u
		}
	}
	return best
}
