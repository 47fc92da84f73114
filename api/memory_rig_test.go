package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/alert"
	"weir/engine"
	"weir/schema"
	"weir/session"
	"weir/store"
	"weir/store/parquet"
)

// memoryRig is a rig that remembers.
type memoryRig struct {
	*rig
	store   *parquet.Store
	kept    chan uint64 // ticks that are in the store
	changes int         // how often there was something to save
	failing error       // what saving says
}

func newMemoryRig(t testing.TB) *memoryRig {
	t.Helper()
	c := parquet.DefaultConfig()
	c.Threads = 1
	st, err := parquet.Open(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	m := &memoryRig{store: st, kept: make(chan uint64, 1024)}
	var keeping *engine.Keeping
	done := make(chan struct{})
	// Clean-ups run last first: the engine stops, the keepsakes end, the store closes.
	t.Cleanup(func() {
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	e := runEngine(t, func(e *engine.Engine) { keeping = e.Keep(1) })
	go func() {
		defer close(done)
		for k := range keeping.C {
			if err := st.Keep(context.Background(), batchOf(k)); err != nil {
				t.Error(err)
			}
			m.kept <- k.Seq
		}
	}()
	m.rig = newRigOf(t, e, DefaultConfig(), Options{Version: "1.2.3", Started: time.Now(), Memory: Memory{
		Store: st, WriteParquet: parquet.WriteParquet,
		Changed: func() error { m.changes++; return m.failing },
	}})
	return m
}

// batchOf makes a batch of what the engine leaves to memory.
func batchOf(k *engine.Keepsake) store.Batch {
	b := store.Batch{Node: "test", Seq: k.Seq, At: k.At, Blocks: k.Blocks, Marks: k.Marks}
	add := func(t *schema.Table, n int, row func(*schema.Block, int)) {
		if n > 0 {
			block := schema.NewBlock(t, n)
			for i := range n {
				row(block, i)
			}
			b.Blocks = append(b.Blocks, block)
		}
	}
	add(schema.TableSessions, len(k.Ended), func(b *schema.Block, i int) { k.Ended[i].AppendRow(b) })
	add(schema.TableAlerts, len(k.Alerts), func(b *schema.Block, i int) { alert.AppendBlock(b, &k.Alerts[i]) })
	return b
}

// tick lets time pass, closes the past, and waits until it is in the store.
func (m *memoryRig) tick(d time.Duration) {
	m.t.Helper()
	m.rig.tick(d)
	for seq := range m.kept {
		if seq >= m.engine.View().Seq {
			return
		}
	}
}

// existing puts the number of a session that there is into an example.
func (m *memoryRig) existing(target string) string {
	if target != "/api/v1/sessions/0" {
		return target
	}
	found, _, err := m.engine.Sessions(context.Background(), session.Query{}, 1)
	if err != nil || len(found) == 0 {
		m.t.Fatalf("no session: %v", err)
	}
	var list struct{ Sessions []conversation }
	m.must(&list, "GET", "/api/v1/sessions?max=1", "")
	if len(list.Sessions) == 0 {
		m.t.Fatal("no session")
	}
	return strings.TrimSuffix(target, "0") + list.Sessions[0].ID
}
