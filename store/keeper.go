package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/schema"
	"weir/vitals"
)

// Keeper moves batches into the journal and on into the store, makes them durable there, rolls buckets up and forgets
// what is old. When the disk does not take what it is given, batches wait in the journal; when that fails too they wait
// in memory, as many as there is room for, and what is dropped then is counted. Its methods may be used from any
// goroutine.
type Keeper struct {
	c       Config
	store   Store
	journal *Journal
	set     *vitals.Set

	work chan struct{} // depth 1: the queue has something
	ripe chan struct{} // depth 1: something may be due to flush
	room chan struct{} // depth 1: the queue got shorter

	flushing sync.Mutex // one Flush at a time; taken before mu

	mu       sync.Mutex
	queue    []Batch
	rows     int    // of the queue
	offered  uint64 // Seq of the newest batch that was offered
	accepted uint64 // Seq up to which the store has batches, durable or not
	kept     uint64 // Seq up to which they are durable
	tail     int    // rows that the store has and that are not durable
	behind   bool   // the journal has batches that the store has not; written by the moving goroutine alone
	naked    bool   // the store has batches that are neither durable nor in the journal
	at       schema.Instant
	held     schema.Instant // of the newest batch that the store has
	dropped  uint64
	faults   map[string]*Fault
	flushed  time.Time // when the last flush succeeded, or the keeper began
}

// What may wait in memory when nothing can be written.
const (
	maxWaitingBatches = 512
	maxWaitingRows    = 2 << 20
)

// NewKeeper returns a keeper of a store and the journal before it. Call Recover, then Run.
func NewKeeper(c Config, st Store, j *Journal, set *vitals.Set) *Keeper {
	c.fill()
	return &Keeper{
		c: c, store: st, journal: j, set: set, faults: map[string]*Fault{}, flushed: time.Now(),
		work: make(chan struct{}, 1), ripe: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// Store returns the store, to be asked; only the keeper may change it.
func (k *Keeper) Store() Store { return k.store }

// Recovered is what the journal remembered of the time before the start.
type Recovered struct {
	Seq     uint64                    // of the newest batch; the next one is numbered after it
	At      schema.Instant            // of the newest batch in the journal; 0 when there is none
	Batches int                       // how many were given to the store again
	Slices  []Slice                   // of buckets that were still open, oldest first; they belong to the caller
	Marks   map[string]schema.Instant // for each group the newest mark in the journal
	Damaged int                       // frames that could not be read
}

// Recover gives the store what it had not made durable, and returns the slices of buckets that were open. It is called
// once, before Run and the first Offer.
func (k *Keeper) Recover(ctx context.Context) (Recovered, error) {
	kept, err := k.store.Kept(ctx, k.c.Node)
	if err != nil {
		return Recovered{}, fmt.Errorf("store: %w", err)
	}
	r := Recovered{Seq: kept, Marks: map[string]schema.Instant{}}
	for b, err := range k.journal.Frames(0) {
		if err != nil {
			r.Damaged++
			k.set.Counter("weir_store_unreadable_frames_total").Inc()
			continue
		}
		if err := k.recoverBatch(ctx, &r, b); err != nil {
			return r, err
		}
	}
	r.Slices = slices.DeleteFunc(r.Slices, func(s Slice) bool {
		mark, ok := r.Marks[s.Group]
		return ok && s.Start < mark
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = max(k.kept, kept)
	k.accepted, k.offered, k.at = r.Seq, r.Seq, r.At
	k.publish()
	return r, nil
}

func (k *Keeper) recoverBatch(ctx context.Context, r *Recovered, b Batch) error {
	r.At = b.At
	for group, at := range b.Marks {
		if old, ok := r.Marks[group]; !ok || at > old {
			r.Marks[group] = at
		}
	}
	for _, s := range b.Slices {
		s.Data = slices.Clone(s.Data) // the frame may go
		r.Slices = append(r.Slices, s)
	}
	if b.Seq <= r.Seq {
		return nil
	}
	if rows := rowsOf(&b); k.tail > 0 && k.tail+rows > k.c.TailRows {
		if err := k.Flush(ctx); err != nil {
			return err
		}
	}
	if err := k.store.Keep(ctx, b); err != nil {
		return fmt.Errorf("store: batch %d from the journal: %w", b.Seq, err)
	}
	k.mu.Lock()
	k.tail += rowsOf(&b)
	k.accepted = b.Seq
	k.held = max(k.held, b.At)
	k.mu.Unlock()
	r.Seq = b.Seq
	r.Batches++
	k.set.Counter("weir_store_recovered_batches_total").Inc()
	return nil
}

func rowsOf(b *Batch) (n int) {
	for _, block := range b.Blocks {
		n += block.Rows
	}
	return n
}

// Offer hands over a batch; it never waits. Batches are numbered by the keeper when their Seq is 0. It returns false,
// and counts, when the batch is dropped because too much waits already or because a block is not as its table.
func (k *Keeper) Offer(b Batch) bool {
	for _, block := range b.Blocks {
		if err := CheckBlock(block); err != nil {
			k.mu.Lock()
			k.drop("invalid")
			k.mu.Unlock()
			k.note(opOffer, err)
			return false
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	rows := rowsOf(&b)
	if len(k.queue) >= maxWaitingBatches || len(k.queue) > 0 && k.rows+rows > maxWaitingRows {
		k.drop("full")
		return false
	}
	if b.Seq == 0 {
		b.Seq = k.offered + 1
	}
	b.Node = k.c.Node
	k.offered = max(k.offered, b.Seq)
	k.queue = append(k.queue, b)
	k.rows += rows
	k.publish()
	poke(k.work)
	return true
}

// Put hands over a batch and waits for room; a replay uses it, and so loses nothing. It must not be called from several
// goroutines. The error is ctx's, or that of a block which is not as its table.
func (k *Keeper) Put(ctx context.Context, b Batch) error {
	for _, block := range b.Blocks {
		if err := CheckBlock(block); err != nil {
			return err
		}
	}
	for {
		k.mu.Lock()
		full := len(k.queue) > 0 && (len(k.queue) >= maxWaitingBatches/2 || k.rows+rowsOf(&b) > maxWaitingRows/2)
		k.mu.Unlock()
		if !full && k.Offer(b) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.room:
		}
	}
}

func (k *Keeper) drop(reason string) {
	k.dropped++
	k.set.Counter("weir_store_dropped_batches_total", "reason", reason).Inc()
}

// poke wakes whoever waits on c, now or later.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run moves batches until ctx ends; then it moves what waits, flushes, and returns. It does not close journal and
// store.
func (k *Keeper) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.maintain(ctx)
	}()
	for ctx.Err() == nil {
		retry, stop := alarm(k.move(ctx))
		select {
		case <-ctx.Done():
		case <-retry:
		case <-k.work:
		}
		stop()
	}
	<-done
	// Not with ctx, which has ended: a stop must not lose what could be written.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRetry)
	defer cancel()
	k.tryAll()
	k.move(last)
	_ = k.Flush(last) // the journal has what could not be flushed
}

// alarm returns a channel that wakes at an instant, never at the zero one.
func alarm(at time.Time) (<-chan time.Time, func()) {
	if at.IsZero() {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(at))
	return t.C, func() { t.Stop() }
}

// move takes what waits as far as it goes now. It returns when to try again; zero is: when there is something new.
// Only one goroutine moves.
func (k *Keeper) move(ctx context.Context) time.Time {
	k.catchUp(ctx)
	for ctx.Err() == nil {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.mu.Unlock()
			break
		}
		b := k.queue[0]
		k.mu.Unlock()
		if !k.take(ctx, b) {
			break
		}
		k.mu.Lock()
		k.queue[0] = Batch{} // its memory goes now, not when the queue's array does
		k.queue = k.queue[1:]
		k.rows -= rowsOf(&b)
		k.at = max(k.at, b.At)
		k.publish()
		k.mu.Unlock()
		poke(k.room)
	}
	poke(k.ripe)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 && !k.behind {
		return time.Time{}
	}
	return k.nextRetry(opJournal, opKeep)
}

// take brings one batch into the journal, and into the store when nothing older must go there first. It returns false
// when neither took it.
func (k *Keeper) take(ctx context.Context, b Batch) bool {
	journalled := k.try(opJournal, func() error { return k.journal.Append(b) })
	if !k.behind && k.roomFor(&b) && k.keep(ctx, b) {
		if !journalled {
			k.mu.Lock()
			k.naked = true
			k.mu.Unlock()
		}
		return true
	}
	if journalled {
		k.mu.Lock()
		k.behind = true
		k.mu.Unlock()
	}
	return journalled
}

func (k *Keeper) roomFor(b *Batch) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tail == 0 || k.tail+rowsOf(b) <= k.c.TailRows
}

// keep gives a batch to the store.
func (k *Keeper) keep(ctx context.Context, b Batch) bool {
	if !k.try(opKeep, func() error { return k.store.Keep(ctx, b) }) {
		return false
	}
	rows := rowsOf(&b)
	k.set.Counter("weir_store_kept_batches_total").Inc()
	k.set.Counter("weir_store_kept_rows_total").Add(rows)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted = b.Seq
	k.held = max(k.held, b.At)
	k.tail += rows
	return true
}

// catchUp gives the store the frames of the journal that it has not got yet, while there is room.
func (k *Keeper) catchUp(ctx context.Context) {
	if !k.behind {
		return
	}
	for b, err := range k.journal.Frames(k.accepted) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			k.set.Counter("weir_store_unreadable_frames_total").Inc()
			k.note(opRead, err)
			continue
		}
		if !k.roomFor(&b) || !k.keep(ctx, b) {
			return
		}
	}
	k.mu.Lock()
	k.behind = false
	k.mu.Unlock()
}
