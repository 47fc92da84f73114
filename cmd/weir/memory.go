package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"weir/config"
	"weir/engine"
	"weir/history"
	"weir/meter"
	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
)

// memory is what serve opens to remember: the store, the journal before it, and who brings them what there is to keep.
type memory struct {
	store    *parquet.Store
	journal  *store.Journal
	keeper   *store.Keeper
	recorder *history.Recorder
}

// openMemory opens the store in the data directory and takes up where the last run ended; nil when nothing is to be
// kept. A replay has a store of its own, which is not mixed with that of live traffic.
func openMemory(c *config.Config, e *engine.Engine, v *vitals.Set, log *slog.Logger, replay bool) (*memory, error) {
	if !c.Remember {
		return nil, nil
	}
	dir := filepath.Join(c.Data, "store")
	if replay {
		dir = filepath.Join(c.Data, "replay")
	}
	m, conf := &memory{}, c.Store
	conf.Path = dir
	if err := conf.Complete(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	pc := parquet.DefaultConfig()
	pc.MemoryLimit, pc.Kinds = c.QueryMemory, kindsOf(e)
	if err := pc.Validate(); err != nil {
		return nil, err
	}
	var err error
	if m.store, err = parquet.Open(dir, pc); err != nil {
		return nil, err
	}
	jc := store.JournalConfig{Dir: filepath.Join(dir, "journal"), MaxBytes: conf.JournalBytes}
	if m.journal, err = store.OpenJournal(jc, v); err != nil {
		return nil, errors.Join(err, m.close())
	}
	m.keeper = store.NewKeeper(conf, m.store, m.journal, v)
	if m.recorder, err = history.NewRecorder(context.Background(), e, m.keeper, replay, log); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// kindsOf tells the store how the meters of the groups that are in force are rolled up.
func kindsOf(e *engine.Engine) func(grp string, meter int) store.AggFunc {
	return func(grp string, id int) store.AggFunc {
		g := e.State().Group(grp)
		if g == nil {
			return store.Sum
		}
		return rolledUp(g, id)
	}
}

// rolledUp tells how a column of a group is rolled up: m0 and up by their meter; x0 and up, which come after them, by
// the meter that they belong to.
func rolledUp(g *meter.Group, column int) store.AggFunc {
	for i := range g.Meters {
		m := &g.Meters[i]
		if m.ID == column {
			return ofType(m)
		}
		first, n := g.Extra(m.ID)
		if at := column - schema.MaxMeters - first; m.Type == meter.GaugeMinMaxAvg && at >= 0 && at < n {
			return [...]store.AggFunc{store.Min, store.Max, store.Sum, store.Sum}[at]
		}
	}
	return store.Sum
}

// ofType tells how the values of a meter's buckets become one. Distinct counts cannot be added: the largest is a lower
// bound.
func ofType(m *meter.Meter) store.AggFunc {
	switch {
	case m.Distinct || m.Type == meter.Maximum:
		return store.Max
	case m.Type == meter.Minimum:
		return store.Min
	case m.Type.Summed() || m.Type == meter.Average:
		return store.Sum
	}
	return store.Last
}

// parts lists what works for the memory, from sink to source.
func (m *memory) parts() []part {
	return []part{
		{name: "keeper", run: m.keep, within: 30 * time.Second},
		{name: "recorder", run: m.recorder.Run, within: 10 * time.Second, follows: true},
	}
}

// keep runs the keeper, and closes the store once nothing more comes.
func (m *memory) keep(ctx context.Context) error {
	m.keeper.Run(ctx)
	return m.close()
}

// publish says how far memory has come: the instant of the newest batch that a crash does not take away.
func (m *memory) publish(v *vitals.Set) {
	v.Put("weir_store_newest_seconds", float64(m.keeper.Status().At)/1e9)
	v.Put("weir_store_missed_keepsakes", float64(m.recorder.Missed()))
}

// close closes what is open.
func (m *memory) close() (err error) {
	if m.journal != nil {
		err = m.journal.Close()
	}
	if m.store != nil {
		err = errors.Join(err, m.store.Close())
	}
	return err
}
