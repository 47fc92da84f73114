package main

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
)

// fullDisk has no room for another file.
type fullDisk struct{ store.RealDisk }

func (fullDisk) Create(string) (store.File, error) { return nil, syscall.ENOSPC }

// TestUnwell has the journal on a disk that is full: /health must say so, and what to do.
func TestUnwell(t *testing.T) {
	st, err := parquet.Open(t.TempDir(), parquet.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	set := vitals.New()
	j, err := store.OpenJournal(store.JournalConfig{Dir: t.TempDir(), Disk: fullDisk{}}, set)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	h := &house{memory: &memory{keeper: store.NewKeeper(store.DefaultConfig(), st, j, set)}}
	if got := h.unwell(); len(got) != 0 {
		t.Fatalf("at first: %q", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { h.memory.keeper.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	b := schema.NewBlock(schema.TableKeys, 0)
	h.memory.keeper.Offer(store.Batch{At: 1, Blocks: []*schema.Block{b}})
	for len(h.unwell()) == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("no fault was told of")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if got := strings.Join(h.unwell(), "; "); !strings.Contains(got, "journal fails since") ||
		!strings.Contains(got, "free space") {
		t.Errorf("got %q", got)
	}
}
