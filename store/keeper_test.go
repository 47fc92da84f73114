package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/storetest"
	"weir/vitals"
)

// house is a keeper with its journal and store, in a synctest bubble.
type house struct {
	t    *testing.T
	dir  string
	disk *storetest.CrashDisk
	st   *storetest.Memory
	c    store.Config

	k    *store.Keeper
	j    *store.Journal
	set  *vitals.Set
	rec  store.Recovered
	stop func()
}

func newHouse(t *testing.T) *house {
	root := t.TempDir()
	h := &house{t: t, dir: filepath.Join(root, "journal"), disk: storetest.NewCrashDisk(root), st: storetest.NewMemory()}
	h.c = store.Config{FlushRows: 1000, TailRows: 2000, JournalBytes: 8 << 20}
	return h
}

// start opens everything and runs the keeper.
func (h *house) start() {
	h.t.Helper()
	h.set = vitals.New()
	var err error
	h.j, err = store.OpenJournal(store.JournalConfig{Dir: h.dir, Disk: h.disk, MaxBytes: h.c.JournalBytes}, h.set)
	if err != nil {
		h.t.Fatal(err)
	}
	h.k = store.NewKeeper(h.c, h.st, h.j, h.set)
	if h.rec, err = h.k.Recover(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.k.Run(ctx)
	}()
	h.stop = func() {
		cancel()
		<-done
		_ = h.j.Close()
	}
}

// kill ends the keeper as kill -9 does: nothing more is written, what was not durable in the store is gone.
func (h *house) kill(r *rand.Rand) {
	h.t.Helper()
	h.disk.CutAt(1)
	h.st.Fail(func(string) error { return storetest.ErrCut })
	h.stop()
	h.st.Fail(nil)
	h.st.Crash()
	if err := h.disk.Crash(r); err != nil {
		h.t.Fatal(err)
	}
}

// offer offers batch n of one row whose key is its number.
func (h *house) offer(n uint64, slices ...store.Slice) bool {
	b := schema.NewBlock(schema.TableKeys, 1)
	b.Rows = 1
	b.Column("grp").Texts.AppendString("g")
	b.Column("key").Texts.AppendString(fmt.Sprintf("%06d", n))
	b.Column("at").Ints = append(b.Column("at").Ints, int64(storetest.Epoch.Add(time.Duration(n)*time.Second)))
	b.Column("first").Ints = append(b.Column("first").Ints, 0)
	at := storetest.Epoch.Add(time.Duration(n) * time.Second)
	return h.k.Offer(store.Batch{At: at, Blocks: []*schema.Block{b}, Slices: slices})
}

// stored returns the numbers of the batches that the store has, in order.
func (h *house) stored() (all []uint64) {
	h.t.Helper()
	q := store.Query{Table: schema.TableKeys, OrderBy: "key"}
	for b, err := range h.st.Scan(h.t.Context(), q) {
		if err != nil {
			h.t.Fatal(err)
		}
		for i := range b.Rows {
			var n uint64
			if _, err := fmt.Sscanf(string(b.Column("key").Texts.At(i)), "%d", &n); err != nil {
				h.t.Fatal(err)
			}
			all = append(all, n)
		}
	}
	return all
}

func (h *house) want(all []uint64) {
	h.t.Helper()
	if got := h.stored(); !slices.Equal(got, all) {
		h.t.Errorf("stored %v\nwant %v", got, all)
	}
}

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		for n := range uint64(5) {
			h.offer(n + 1)
		}
		synctest.Wait()
		h.want(span(1, 5))
		s := h.k.Status()
		if s.Seq != 5 || s.Accepted != 5 || s.Kept != 0 || s.TailRows != 5 || s.Waiting != 0 || s.Journal.Last != 5 ||
			len(s.Faults) > 0 || s.At != storetest.Epoch.Add(5*time.Second) {
			t.Errorf("before the flush: %+v", s)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if s := h.k.Status(); s.Kept != 5 || s.TailRows != 0 {
			t.Errorf("after a minute: %+v", s)
		}
		h.offer(6)
		h.stop() // flushes
		if kept, _ := h.st.Kept(t.Context(), "weir"); kept != 6 {
			t.Errorf("kept to %d after the stop", kept)
		}
		h.start()
		defer h.stop()
		if h.rec.Seq != 6 || h.rec.Batches != 0 {
			t.Errorf("recovered: %+v", h.rec)
		}
		h.offer(7)
		synctest.Wait()
		h.want(span(1, 7))
	})
}

func TestKeeperFlushesWhatIsMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.c.FlushRows = 3
		h.start()
		defer h.stop()
		for n := range uint64(4) {
			h.offer(n + 1)
		}
		synctest.Wait()
		if s := h.k.Status(); s.Kept < 3 {
			t.Errorf("kept to %d", s.Kept)
		}
	})
}

func TestKeeperRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		slice := func(group string, start int64) store.Slice {
			return store.Slice{Group: group, Start: schema.Instant(start), Data: []byte(group)}
		}
		h.offer(1, slice("a", 10), slice("b", 10))
		h.offer(2, slice("a", 20))
		synctest.Wait()
		if err := h.k.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.offer(3, slice("a", 30))
		h.k.Offer(store.Batch{Marks: map[string]schema.Instant{"a": 20}})
		synctest.Wait()
		h.kill(rand.New(rand.NewPCG(1, 1)))
		h.start()
		if h.rec.Seq != 4 || h.rec.Batches != 2 || h.rec.Marks["a"] != 20 || h.rec.Damaged != 0 {
			t.Errorf("recovered %+v", h.rec)
		}
		var got []string
		for _, s := range h.rec.Slices {
			got = append(got, fmt.Sprintf("%s%d=%s", s.Group, s.Start, s.Data))
		}
		if text := strings.Join(got, " "); text != "b10=b a20=a a30=a" {
			t.Errorf("slices: %s", text)
		}
		h.offer(5)
		synctest.Wait()
		h.want([]uint64{1, 2, 3, 5})
		if h.k.Status().Seq != 5 {
			t.Errorf("numbered %d", h.k.Status().Seq)
		}
		// When all buckets are stored, all slices go.
		h.k.Offer(store.Batch{Marks: map[string]schema.Instant{"a": math.MaxInt64, "b": math.MaxInt64}})
		h.stop()
		h.start()
		defer h.stop()
		if len(h.rec.Slices) != 0 {
			t.Errorf("slices of stored buckets: %+v", h.rec.Slices)
		}
	})
}

func TestKeeperWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		defer h.stop()
		h.offer(1)
		synctest.Wait()
		h.st.Fail(func(op string) error {
			if op == "keep" {
				return errors.New("the store is away")
			}
			return nil
		})
		for n := range uint64(1000) { // more than the memory may hold
			h.offer(n + 2)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		s := h.k.Status()
		if len(s.Faults) != 1 || s.Faults[0].Op != "keep" || !s.Behind || s.Waiting != 0 || s.Dropped != 0 {
			t.Errorf("without a store: %+v", s)
		}
		h.want([]uint64{1})
		h.st.Fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.want(span(1, 1001))
		if s := h.k.Status(); len(s.Faults) != 0 || s.Behind {
			t.Errorf("when the store is back: %+v", s)
		}
	})
}

func TestKeeperFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.c.FlushRows, h.c.TailRows = 10, 30
		h.start()
		defer h.stop()
		h.st.Fail(func(op string) error {
			if op == "flush" {
				return &fs.PathError{Op: "write", Path: "part", Err: syscall.ENOSPC}
			}
			return nil
		})
		for n := range uint64(100) {
			h.offer(n + 1)
			synctest.Wait()
		}
		s := h.k.Status()
		if s.TailRows != 30 || !s.Behind || len(s.Faults) != 1 || s.Faults[0].Op != "flush" ||
			!strings.Contains(s.Faults[0].Hint, "free space") {
			t.Errorf("with a full disk: %+v", s)
		}
		h.want(span(1, 30))
		since := s.Faults[0].Since
		time.Sleep(10 * time.Minute)
		if s := h.k.Status(); !s.Faults[0].Since.Equal(since) {
			t.Errorf("since %s, then since %s", since, s.Faults[0].Since)
		}
		h.st.Fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.want(span(1, 100))
		time.Sleep(time.Minute)
		if s := h.k.Status(); len(s.Faults) != 0 || s.Kept != 100 {
			t.Errorf("when there is space: %+v", s)
		}
	})
}

func TestKeeperFullJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		defer h.stop()
		full := func(string, string) error { return syscall.EROFS }
		h.disk.Fail(full)
		for n := range uint64(20) {
			h.offer(n + 1)
			synctest.Wait()
		}
		// Each batch goes straight into the store and is durable there.
		h.want(span(1, 20))
		s := h.k.Status()
		if s.Kept != 20 || len(s.Faults) == 0 || !strings.Contains(s.Faults[0].Hint, "read-only") {
			t.Errorf("with a read-only journal: %+v", s)
		}
		// Now nothing can be written: batches wait in memory, and the newest are dropped when there is no more room.
		h.st.Fail(func(string) error { return syscall.EROFS })
		taken := uint64(0)
		for h.offer(21 + taken) {
			taken++
		}
		synctest.Wait()
		s = h.k.Status()
		if s.Waiting != int(taken) || s.Dropped != 1 || taken < 100 {
			t.Errorf("with nothing to write to: %d taken, %+v", taken, s)
		}
		h.disk.Fail(nil)
		h.st.Fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.want(span(1, 20+taken))
		if s := h.k.Status(); len(s.Faults) != 0 || s.Waiting != 0 {
			t.Errorf("healed: %+v", s)
		}
	})
}

func TestKeeperRefusesBadBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		defer h.stop()
		bad := &schema.Block{Table: schema.TableKeys, Rows: 2, Columns: []schema.Column{{Name: "at", Type: schema.ColumnInt}}}
		if h.k.Offer(store.Batch{Blocks: []*schema.Block{bad}}) {
			t.Error("a bad block was taken")
		}
		if err := h.k.Put(t.Context(), store.Batch{Blocks: []*schema.Block{bad}}); err == nil {
			t.Error("a bad block was taken by Put")
		}
		h.offer(1)
		synctest.Wait()
		h.want([]uint64{1})
	})
}

func TestKeeperPutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.c.FlushRows, h.c.TailRows = 50, 100
		h.start()
		defer h.stop()
		const n = 3000
		for range n {
			if err := h.k.Put(t.Context(), store.Batch{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := h.k.Status(); s.Seq != n || s.Dropped != 0 || s.Accepted != n {
			t.Errorf("%+v", s)
		}
	})
}

// Kills and faults at random: in the end every batch that was offered, and not lost in a kill before it was promised, is
// stored once.
func TestKeeperKills(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) { killRounds(t, seed) })
	}
}

func killRounds(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	h := newHouse(t)
	h.c.FlushRows, h.c.TailRows, h.c.FlushEvery = 1+r.IntN(40), 1+r.IntN(60), 5*time.Second
	next := uint64(1)
	must, may := map[uint64]bool{}, map[uint64]bool{}
	for range 6 {
		h.start()
		var offered []uint64
		for range r.IntN(60) {
			if r.IntN(15) == 0 {
				h.st.Fail(someFault(r))
			}
			h.offer(next)
			offered = append(offered, next)
			may[next] = true
			next++
			time.Sleep(time.Duration(r.IntN(3)) * time.Second)
		}
		synctest.Wait()
		if s := h.k.Status(); s.Waiting == 0 {
			// All are in the journal: they are promised.
			for _, n := range offered {
				must[n] = true
			}
		}
		if r.IntN(3) == 0 {
			h.st.Fail(nil)
			time.Sleep(time.Minute)
			h.stop()
			for _, n := range offered {
				must[n] = true
			}
		} else {
			h.kill(r)
		}
	}
	h.start()
	defer h.stop()
	synctest.Wait()
	got := h.stored()
	seen := map[uint64]bool{}
	for _, n := range got {
		if seen[n] || !may[n] {
			t.Errorf("seed %d: batch %d is stored twice, or was never offered", seed, n)
		}
		seen[n] = true
	}
	for n := range must {
		if !seen[n] {
			t.Errorf("seed %d: batch %d is gone", seed, n)
		}
	}
}

func someFault(r *rand.Rand) func(string) error {
	op := []string{"keep", "flush", "nothing"}[r.IntN(3)]
	return func(o string) error {
		if o == op {
			return syscall.EIO
		}
		return nil
	}
}

// watched counts what the keeper asks of the store beside keeping.
type watched struct {
	*storetest.Memory
	rolls   []schema.Instant
	forgets map[string]schema.Instant
}

func (w *watched) Roll(ctx context.Context, from, to *schema.Table, upTo schema.Instant) error {
	w.rolls = append(w.rolls, upTo)
	return w.Memory.Roll(ctx, from, to, upTo)
}

func (w *watched) Forget(ctx context.Context, t *schema.Table, before schema.Instant) error {
	w.forgets[t.Name] = before
	return w.Memory.Forget(ctx, t, before)
}

func TestKeeperChores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w := &watched{h.st, nil, map[string]schema.Instant{}}
		set := vitals.New()
		j, err := store.OpenJournal(store.JournalConfig{Dir: h.dir}, set)
		if err != nil {
			t.Fatal(err)
		}
		c := store.DefaultConfig()
		c.Keep = map[string]time.Duration{"sessions": 24 * time.Hour}
		c.MaxBytes = 20_000
		k := store.NewKeeper(c, w, j, set)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.Run(ctx)
		}()
		r := rand.New(rand.NewPCG(1, 2))
		for hour := range 48 {
			from := storetest.Epoch.Add(time.Duration(hour) * time.Hour)
			k.Offer(store.Batch{At: from.Add(time.Hour), Blocks: []*schema.Block{
				storetest.Rows(r, schema.TableSessions, 5, from, from.Add(time.Hour)),
				storetest.Rows(r, schema.TableKeys, 5, from, from.Add(time.Hour)),
			}})
			time.Sleep(2 * time.Minute)
		}
		synctest.Wait()
		now := storetest.Epoch.Add(48 * time.Hour)
		if len(w.rolls) < 48 || w.rolls[len(w.rolls)-1] != now.Add(-5*time.Minute) {
			t.Errorf("rolled up %d times, last to %s", len(w.rolls), w.rolls[len(w.rolls)-1])
		}
		usage, err := w.Usage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, u := range usage {
			total += u.Bytes
			if u.Table == schema.TableSessions && (u.Rows == 0 || u.Oldest < now.Add(-25*time.Hour)) {
				t.Errorf("sessions from %s, %d rows", u.Oldest, u.Rows)
			}
		}
		if total > c.MaxBytes {
			t.Errorf("%d bytes are stored", total)
		}
		if v, ok := set.Read("weir_store_table_rows", "table", "sessions"); !ok || v == 0 {
			t.Error("rows are not published")
		}
		cancel()
		<-done
		_ = j.Close()
	})
}
