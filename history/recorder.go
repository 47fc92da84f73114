package history

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"weir/alert"
	"weir/engine"
	"weir/event"
	"weir/flow"
	"weir/meter"
	"weir/schema"
	"weir/session"
	"weir/store"
)

// Recorder hands what the engine finished to the keeper of the store, and gives back what was open when the last run
// ended.
type Recorder struct {
	engine  *engine.Engine
	keeper  *store.Keeper
	keeping *engine.Keeping
	replay  bool
}

// NewRecorder begins to listen to an engine that does not run yet, and restores what the journal knows into it. A
// replay waits for the store instead of losing anything.
func NewRecorder(ctx context.Context, e *engine.Engine, k *store.Keeper, replay bool,
	log *slog.Logger) (*Recorder, error) {
	found, err := k.Recover(ctx)
	if err != nil {
		return nil, err
	}
	if !replay {
		if err := restore(ctx, e, k, &found, log); err != nil {
			return nil, err
		}
	}
	return &Recorder{engine: e, keeper: k, keeping: e.Keep(keepDepth), replay: replay}, nil
}

// restore gives an engine the buckets that were open when the last run ended.
func restore(ctx context.Context, e *engine.Engine, k *store.Keeper, found *store.Recovered, log *slog.Logger) error {
	parts := make([]engine.Slice, len(found.Slices))
	for i, s := range found.Slices {
		parts[i] = engine.Slice{Group: s.Group, Start: s.Start, Data: s.Data}
	}
	rows := func(l *meter.Ledger) error { return restoreRows(ctx, l, k.Store()) }
	lost, err := e.Restore(parts, found.Marks, rows)
	if err != nil {
		return err
	}
	ended, err := orphans(ctx, e, k.Store(), found.At)
	if b := sessionBlock(schema.TableSessions, ended); b != nil {
		k.Offer(store.Batch{At: found.At, Blocks: []*schema.Block{b}})
	}
	if err == nil && found.Batches+len(parts)+found.Damaged+lost > 0 {
		log.Info("took up where the last run ended", "until", found.At.String(), "batches", found.Batches,
			"open_parts", len(parts), "parts_not_understood", lost, "damaged_frames", found.Damaged,
			"sessions_cut", len(ended))
	}
	return err
}

// keepDepth is how many keepsakes, each of a second, wait for the keeper.
const keepDepth = 64

// restoreRows gives a ledger the stored rows of topper buckets that are still open.
func restoreRows(ctx context.Context, l *meter.Ledger, s store.Store) error {
	for _, g := range l.Groups() {
		from := l.RestoreFrom(g.Name)
		if from == 0 {
			continue
		}
		q := store.Query{
			Table: schema.TableBuckets, From: from, Where: store.Where("grp", store.Eq, store.Text(g.Name)),
		}
		for b, err := range s.Scan(ctx, q) {
			if err != nil {
				return fmt.Errorf("restoring group %s: %w", g.Name, err)
			}
			l.RestoreRows(b)
		}
	}
	return nil
}

// Missed returns how often the keeper was so far behind that something was given up.
func (r *Recorder) Missed() uint64 { return r.keeping.Missed() }

// Run hands over until the engine has stopped and everything was handed over. It does not end with ctx before that.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		select {
		case k, open := <-r.keeping.C:
			if !open {
				return nil
			}
			r.give(ctx, r.more(k))
		case <-ctx.Done():
			r.drain()
			return nil
		}
	}
}

// more joins what waits already to a keepsake: a replay makes many small ones, and each costs the journal a sync.
func (r *Recorder) more(k *engine.Keepsake) *engine.Keepsake {
	for range keepDepth {
		select {
		case next, open := <-r.keeping.C:
			if !open {
				return k
			}
			k = k.Join(next)
		default:
			return k
		}
	}
	return k
}

// drain gives what the engine has handed over already.
func (r *Recorder) drain() {
	for {
		select {
		case k, open := <-r.keeping.C:
			if !open {
				return
			}
			r.give(context.Background(), k)
		case <-time.After(drainTime):
			return
		}
	}
}

// drainTime is how long a recorder that was told to end waits for the engine's last words.
const drainTime = time.Second

func (r *Recorder) give(ctx context.Context, k *engine.Keepsake) {
	b := batch(k)
	if len(b.Blocks)+len(b.Slices)+len(b.Marks) == 0 {
		return
	}
	if r.replay {
		_ = r.keeper.Put(ctx, b) // it ends with ctx alone: blocks are made as their tables
		return
	}
	r.keeper.Offer(b) // what is dropped is counted there
}

// batch makes rows of a keepsake.
func batch(k *engine.Keepsake) store.Batch {
	b := store.Batch{At: k.At, Blocks: k.Blocks, Marks: k.Marks}
	for _, s := range k.Slices {
		b.Slices = append(b.Slices, store.Slice{Group: s.Group, Start: s.Start, Data: s.Data})
	}
	for _, add := range []*schema.Block{
		sessionBlock(schema.TableSessions, k.Ended), sessionBlock(schema.TableRunning, k.Reports), flowBlock(k.Flows),
		eventBlock(k.Events), alertBlock(k.Alerts),
	} {
		if add != nil {
			b.Blocks = append(b.Blocks[:len(b.Blocks):len(b.Blocks)], add)
		}
	}
	return b
}

func sessionBlock(t *schema.Table, list []session.Session) *schema.Block {
	if len(list) == 0 {
		return nil
	}
	b := schema.NewBlock(t, len(list))
	for i := range list {
		list[i].AppendRow(b)
	}
	return b
}

func flowBlock(list []flow.Logged) *schema.Block {
	if len(list) == 0 {
		return nil
	}
	b := schema.NewBlock(schema.TableFlows, len(list))
	for i := range list {
		l := &list[i]
		w := writer{b: b}
		w.text(l.Name)
		w.int(int64(l.End))
		w.int(int64(l.Start))
		w.text(l.Source.Exporter.String())
		w.text(l.Source.Datasource())
		w.text(l.Keys)
		w.real(l.Value)
		w.real(l.Error)
		b.Rows++
	}
	return b
}

func eventBlock(list []event.Event) *schema.Block {
	if len(list) == 0 {
		return nil
	}
	b := schema.NewBlock(schema.TableEvents, len(list))
	for i := range list {
		e := &list[i]
		w := writer{b: b}
		w.int(int64(e.At))
		w.int(int64(e.End))
		w.text(e.Threshold)
		w.text(e.Metric)
		w.text(e.Source.Exporter.String())
		w.text(e.Source.Datasource())
		w.text(e.Key)
		w.real(e.Limit)
		w.real(e.Value)
		w.real(e.Peak)
		b.Rows++
	}
	return b
}

func alertBlock(list []alert.Alert) *schema.Block {
	if len(list) == 0 {
		return nil
	}
	b := schema.NewBlock(schema.TableAlerts, len(list))
	for i := range list {
		alert.AppendBlock(b, &list[i])
	}
	return b
}

// writer writes one row of a block, column by column in the order of its table.
type writer struct {
	b    *schema.Block
	next int
}

func (w *writer) column() *schema.Column {
	w.next++
	return &w.b.Columns[w.next-1]
}

func (w *writer) int(v int64) {
	c := w.column()
	c.Ints = append(c.Ints, v)
}

func (w *writer) real(v float64) {
	c := w.column()
	c.Floats = append(c.Floats, v)
}

func (w *writer) text(s string) { w.column().Texts.AppendString(s) }
