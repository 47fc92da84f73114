package parquet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/storetest"
)

// failingDisk is the real disk until so many operations that change it were done; from then on all fail.
type failingDisk struct {
	store.RealDisk
	mu   sync.Mutex
	left int
	err  error
	cut  bool // the write that fails leaves half of its bytes
}

func (d *failingDisk) step() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 {
		return d.err
	}
	return nil
}

func (d *failingDisk) MakeDir(dir string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.RealDisk.MakeDir(dir)
}

func (d *failingDisk) Create(name string) (store.File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, err := d.RealDisk.Create(name)
	return failingFile{f, d}, err
}

func (d *failingDisk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.RealDisk.Rename(from, to)
}

func (d *failingDisk) Remove(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.RealDisk.Remove(name)
}

func (d *failingDisk) SyncDir(dir string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.RealDisk.SyncDir(dir)
}

type failingFile struct {
	store.File
	disk *failingDisk
}

func (f failingFile) Write(b []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		n := 0
		if f.disk.cut {
			n, _ = f.File.Write(b[:len(b)/2])
		}
		return n, err
	}
	return f.File.Write(b)
}

func (f failingFile) Sync() error {
	if err := f.disk.step(); err != nil {
		return err
	}
	return f.File.Sync()
}

// rowsOf counts the sessions of a store and adds up their numbers.
func rowsOf(t *testing.T, s *Store) string {
	return text(scan(t, s, store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count}, {Column: "id", Func: store.Sum}}}))
}

// small makes ten sessions of one batch, over two hours.
func small(seq uint64) *schema.Block {
	b := &schema.Block{Table: schema.TableSessions, Rows: 10, Columns: []schema.Column{{Name: "id", Type: schema.ColumnInt}, {Name: "last", Type: schema.ColumnInt}}}
	for i := range int64(10) {
		b.Columns[0].Ints = append(b.Columns[0].Ints, int64(seq)*100+i)
		b.Columns[1].Ints = append(b.Columns[1].Ints, int64(testStart.Add(time.Duration(i)*10*time.Minute)))
	}
	return b
}

// TestCrash takes the power away at each operation of the disk in turn, in the middle of flushing, tidying, rolling up and
// forgetting: the next start sees exactly the batches that it says are durable, once each, and goes on from there.
func TestCrash(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	promised := uint64(0) // the last batch whose flush said that it is durable
	script := func(s *Store) {
		promised = 0
		for seq := uint64(1); seq <= 4; seq++ {
			_ = s.Keep(ctx, batch(seq, small(seq), bucketOf(seq)))
			if s.Flush(ctx) == nil {
				promised = seq
			}
		}
		_ = s.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, testStart.Add(time.Hour))
		_ = s.Tidy(ctx)
		_ = s.Forget(ctx, schema.TableBuckets, testStart.Add(2*time.Hour))
	}
	for at := 1; ; at += 1 + at/12 {
		disk := storetest.NewCrashDisk(t.TempDir())
		disk.CutAt(at)
		dir := t.TempDir()
		cfg := testConfig()
		cfg.Disk = disk
		promised = 0
		s, err := Open(dir, cfg)
		if err == nil {
			script(s)
			s.shut() // the process is gone: nothing is flushed, nothing removed
		}
		over := !disk.WasCut()
		must(t, disk.Crash(r))
		checkAfterCrash(t, dir, fmt.Sprintf("cut at operation %d", at), promised)
		if over {
			t.Logf("%d operations", disk.Ops())
			return
		}
	}
}

func checkAfterCrash(t *testing.T, dir, when string, promised uint64) {
	t.Helper()
	ctx := context.Background()
	s := mustOpen(t, dir)
	seq, err := s.Kept(ctx, "n")
	must(t, err)
	if seq < promised {
		t.Fatalf("%s: durable is batch %d, a flush promised %d", when, seq, promised)
	}
	count, sum := 0, int64(0)
	for q := uint64(1); q <= seq; q++ {
		for i := range int64(10) {
			count, sum = count+1, sum+int64(q)*100+i
		}
	}
	want := fmt.Sprintf("%d %d\n", count, sum)
	if count == 0 {
		want = ""
	}
	if got := rowsOf(t, s); got != want {
		t.Fatalf("%s: %q, durable is batch %d: want %q", when, got, seq, want)
	}
	rolled := text(scan(t, s, store.Query{Table: schema.TableBuckets5m, Aggregates: []store.Agg{{Column: "m0", Func: store.Sum}}}))
	if all := fmt.Sprintf("%d\n", seq*(seq+1)/2); rolled != "" && rolled != all {
		t.Fatalf("%s: rolled up %q, want %q", when, rolled, all)
	}
	usage, err := s.Usage(ctx)
	must(t, err)
	for _, u := range usage {
		if len(u.Faults) > 0 {
			t.Errorf("%s: %s", when, u.Faults)
		}
	}
	must(t, s.Keep(ctx, batch(seq+1, small(seq+1))))
	must(t, s.Close())
	s = mustOpen(t, dir)
	if got, _ := s.Kept(ctx, "n"); got != seq+1 {
		t.Fatalf("%s, then went on: durable is %d, want %d", when, got, seq+1)
	}
	must(t, s.Close())
}

// bucketOf makes one bucket with the number of the batch.
func bucketOf(seq uint64) *schema.Block {
	b := schema.NewBlock(schema.TableBuckets, 1)
	appendBucket(b, "g", "k", testStart.Add(time.Duration(seq)*time.Minute), 30, []float64{float64(seq)})
	return b
}

// TestDiskFull fills the disk, and makes it read-only, at each operation in turn: the error says what to do, what was
// stored answers, nothing half-written stays, and when there is room again nothing was lost.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	for _, cause := range []error{syscall.ENOSPC, syscall.EROFS} {
		for after := 0; ; after += 3 {
			disk := &failingDisk{left: 1 << 30, err: &os.PathError{Op: "write", Path: "x", Err: cause}, cut: true}
			dir := t.TempDir()
			cfg := testConfig()
			cfg.Disk = disk
			s, err := Open(dir, cfg)
			must(t, err)
			must(t, s.Keep(ctx, batch(1, small(1))))
			must(t, s.Flush(ctx))
			must(t, s.Keep(ctx, batch(2, small(2))))
			want := rowsOf(t, s)
			disk.left = after
			err = s.Flush(ctx)
			if err == nil {
				must(t, s.Close())
				break
			}
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), "what is stored stays readable") {
				t.Fatalf("after %d operations: %v", after, err)
			}
			if got := rowsOf(t, s); got != want {
				t.Fatalf("full after %d operations: %q, want %q", after, got, want)
			}
			disk.left = 1 << 30
			must(t, s.Flush(ctx))
			must(t, s.Close())
			s = mustOpen(t, dir)
			if got := rowsOf(t, s); got != want {
				t.Fatalf("full after %d operations, then room again: %q, want %q", after, got, want)
			}
			must(t, s.Close())
		}
	}
}

// TestKeepAndScanTogether lets batches be kept, flushed, tidied and forgotten while others ask: an answer always has
// whole batches, never fewer than before.
func TestKeepAndScanTogether(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := uint64(1); seq <= 60; seq++ {
			if err := s.Keep(ctx, batch(seq, small(seq))); err != nil {
				t.Error(err)
			}
			if seq%3 == 0 {
				if err := errors.Join(s.Flush(ctx), s.Tidy(ctx), s.Forget(ctx, schema.TableSessions, testStart)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			last := int64(0)
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				b, err := s.SQL(ctx, "SELECT count(*) FROM sessions", store.SQLLimits{})
				if err != nil {
					t.Error(err)
					return
				}
				n := b.Columns[0].Ints[0]
				for answer, err := range s.Scan(ctx, store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count}}}) {
					if err != nil {
						t.Error(err)
						return
					}
					if m := answer.Columns[0].Ints[0]; m < n || m%10 != 0 {
						t.Errorf("%d rows after %d", m, n)
					}
				}
				if n < last || n%10 != 0 {
					t.Errorf("%d rows after %d", n, last)
				}
				last = n
			}
		})
	}
	readers.Wait()
	if got := rowsOf(t, s); !strings.HasPrefix(got, "600 ") {
		t.Errorf("in the end %q", got)
	}
}

// TestSpill sorts more than fits into memory: DuckDB puts it into the temporary directory, although it may open no other
// file, and refuses when it may not.
func TestSpill(t *testing.T) {
	for _, room := range []int64{1 << 30, 0} {
		cfg := testConfig()
		cfg.SQLMemory, cfg.MaxTempBytes = 64<<20, room
		s, err := Open(t.TempDir(), cfg)
		must(t, err)
		b, err := s.SQL(context.Background(), "SELECT count(*), max(r) FROM (SELECT row_number() OVER (ORDER BY hash(i), i::VARCHAR) r "+
			"FROM range(2000000) t(i))", store.SQLLimits{})
		switch {
		case room == 0 && (err == nil || !strings.Contains(err.Error(), "needs more memory than allowed (64 MiB)")):
			t.Errorf("without room: %v", err)
		case room > 0 && err != nil:
			t.Error(err)
		case room > 0 && text(b) != "2000000 2000000\n":
			t.Errorf("%q", text(b))
		}
		must(t, s.Close())
	}
}
