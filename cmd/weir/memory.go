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

// rolledUp tells how a column of a group is rolled up: m0 and up by their meter, x0 and up after them.
func rolledUp(g *meter.Group, column int) store.AggFunc {
	extra := schema.MaxMeters
	for _, m := range g.Meters {
		of := func(t meter.VarType, distinct bool) store.AggFunc {
			switch {
			case t == meter.Maximum || distinct:
				return store.Max
			case t == meter.Minimum:
				return store.Min
			case t.Summed():
				return store.Sum
			}
			return store.Last
		}
		if m.ID == column {
			return of(m.Type, m.Distinct)
		}
		switch m.Type {
		case meter.Average:
			if extra == column {
				return store.Sum
			}
			extra++
		case meter.GaugeMinMaxAvg:
			if i := column - extra; i >= 0 && i < 4 {
				return [...]store.AggFunc{store.Min, store.Max, store.Sum, store.Sum}[i]
			}
			extra += 4
		}
	}
	return store.Sum
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
