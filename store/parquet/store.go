package parquet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"weir/schema"
	"weir/store"
)

// Config says how a Store behaves.
type Config struct {
	MemoryLimit  int64  // bytes that queries of weir may take in DuckDB; more goes to TempDir
	SQLMemory    int64  // the same for statements of users, on top
	Threads      int    // of one query; 0 is the number of processors
	TempDir      string // of this store alone: for what does not fit into memory; empty is "temp" in its directory
	MaxTempBytes int64  // what they may put there
	// Kinds says how a meter of a counter group is rolled up: store.Sum, Max, Min or Last. meter is the number of the
	// column m0, m1, ...; further cells (x0, ...) follow as meter schema.MaxMeters and up. nil means Sum for all. It is
	// called from any goroutine.
	Kinds func(grp string, meter int) store.AggFunc
	Disk  store.Disk // nil is the operating system's
}

// DefaultConfig returns what weir uses when nothing is said.
func DefaultConfig() Config {
	return Config{MemoryLimit: 1 << 30, SQLMemory: 512 << 20, MaxTempBytes: 8 << 30}
}

// Validate says what is wrong with a Config.
func (c Config) Validate() error {
	switch {
	case c.MemoryLimit < 64<<20:
		return fmt.Errorf("store: memory limit of queries is %d bytes, want at least 64 MiB", c.MemoryLimit)
	case c.SQLMemory < 64<<20:
		return fmt.Errorf("store: memory limit of SQL is %d bytes, want at least 64 MiB", c.SQLMemory)
	case c.Threads < 0 || c.Threads > 256:
		return fmt.Errorf("store: threads is %d, want 0 to 256", c.Threads)
	case c.MaxTempBytes < 0:
		return fmt.Errorf("store: temporary bytes is %d, want 0 or more", c.MaxTempBytes)
	}
	return nil
}

// Store keeps blocks in Parquet parts below one directory. It may be used from any goroutine.
type Store struct {
	dir   string
	cfg   Config
	disk  store.Disk
	lock  *os.File
	ask   *duck // for weir's own queries
	guest *duck // for statements of users

	flushing   sync.Mutex // one Flush at a time
	upkeep     sync.Mutex // one Roll, Tidy or Forget at a time
	committing sync.Mutex // one change of the manifest at a time

	mu        sync.Mutex // guards what follows; never held while a file is written or a query runs
	manifest  *manifest
	tails     map[*schema.Table][]*schema.Block
	kept      map[string]uint64 // the last batch of each node that Keep took
	faults    map[string][]string
	snapshots map[int64]*snapshot
	lastID    int64
	closed    bool
	running   sync.WaitGroup // calls that use DuckDB
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a directory, which it makes when it is not there. Only one Store at a time may have a
// directory open, in whatever process. Parts that are missing or cut short are set aside and named by Usage.
func Open(dir string, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{dir: dir, cfg: cfg, disk: cfg.Disk, tails: map[*schema.Table][]*schema.Block{},
		faults: map[string][]string{}, kept: map[string]uint64{}, snapshots: map[int64]*snapshot{}}
	if s.disk == nil {
		s.disk = store.RealDisk{}
	}
	if s.cfg.Threads == 0 {
		s.cfg.Threads = runtime.GOMAXPROCS(0)
	}
	if s.cfg.TempDir == "" {
		s.cfg.TempDir = filepath.Join(dir, "temp")
	}
	if err := s.open(); err != nil {
		s.shut()
		return nil, err
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.disk.MakeDir(filepath.Join(s.dir, partsName)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var err error
	if s.lock, err = lockDirectory(s.dir); err != nil {
		return err
	}
	if s.manifest, err = readManifest(s.disk, s.dir); err != nil {
		return err
	}
	for node, seq := range s.manifest.Nodes {
		s.kept[node] = seq
	}
	s.checkParts()
	if err := s.sweep(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if s.ask, err = openDuck(s, "ask", s.cfg.MemoryLimit, s.cfg.Threads); err != nil {
		return err
	}
	// Half of the processors for users: what weir has to do itself goes on.
	s.guest, err = openDuck(s, "sql", s.cfg.SQLMemory, max(1, s.cfg.Threads/2))
	return err
}

// shut gives back what Open took.
func (s *Store) shut() {
	for _, d := range []*duck{s.ask, s.guest} {
		if d != nil {
			d.close()
		}
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

// begin notes that a call is running, so that Close waits for it.
func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.running.Add(1)
	return nil
}

// Keep takes a batch into the tail; see store.Store. It writes nothing and does not wait for queries.
func (s *Store) Keep(ctx context.Context, b store.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	blocks := make([]*schema.Block, 0, len(b.Blocks))
	for _, block := range b.Blocks {
		if block.Rows == 0 {
			continue
		}
		w, err := whole(block)
		if err != nil {
			return err
		}
		blocks = append(blocks, w)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	if b.Seq <= s.kept[b.Node] {
		return nil
	}
	s.kept[b.Node] = b.Seq
	for _, block := range blocks {
		s.tails[block.Table] = append(s.tails[block.Table], block)
	}
	return nil
}

// Kept returns the last batch of a node that is durable.
func (s *Store) Kept(ctx context.Context, node string) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	return s.manifest.Nodes[node], nil
}

// Flush writes the tail into parts, which takes a second for every half million rows. Keep and queries go on meanwhile.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.running.Done()
	return s.flush(ctx)
}

func (s *Store) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	taken := make(map[*schema.Table]int, len(s.tails))
	blocks := make(map[*schema.Table][]*schema.Block, len(s.tails))
	for t, tail := range s.tails {
		taken[t], blocks[t] = len(tail), tail
	}
	change := change{nodes: map[string]uint64{}, written: func() {
		for t, n := range taken {
			s.tails[t] = append([]*schema.Block(nil), s.tails[t][n:]...)
		}
	}}
	news := false
	for node, seq := range s.kept {
		if seq != s.manifest.Nodes[node] {
			change.nodes[node], news = seq, true
		}
	}
	s.mu.Unlock()
	if !news {
		return nil
	}
	for _, t := range schema.Tables {
		if len(blocks[t]) == 0 {
			continue
		}
		add, err := s.writeRows(ctx, joined(t, blocks[t]))
		change.add = append(change.add, add...)
		if err != nil {
			s.removeParts(change.add)
			return fmt.Errorf("store: write %s: %w", t.Name, err)
		}
	}
	return s.commit(change)
}

// writeRows writes the rows of a block into parts, one for each hour or day.
func (s *Store) writeRows(ctx context.Context, b *schema.Block) (parts []*part, err error) {
	order := orderingOf(b.Table)
	err = partitions(b, func(start int64, rows *schema.Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows = order.sorted(rows)
		p, err := s.writePart(b.Table, start, shapeOf(rows), func(yield func(*schema.Block) error) error {
			return yield(rows)
		})
		if err == nil {
			parts = append(parts, p)
		}
		return err
	})
	return parts, err
}

// Usage says what each table takes on disk and in the tail, and which parts were set aside.
func (s *Store) Usage(ctx context.Context) ([]store.TableUsage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	out := make([]store.TableUsage, len(schema.Tables))
	for i, t := range schema.Tables {
		u := &out[i]
		u.Table, u.Faults = t, append([]string(nil), s.faults[t.Name]...)
		for _, p := range s.manifest.Parts {
			if p.Table == t.Name {
				u.Parts++
				u.Bytes += p.Bytes
				addSpan(u, p.Rows, p.Min, p.Max)
			}
		}
		for _, b := range s.tails[t] {
			low, high := span(b.Columns[t.Column(t.Time)].Ints)
			addSpan(u, int64(b.Rows), low, high)
		}
	}
	return out, nil
}

func addSpan(u *store.TableUsage, rows, low, high int64) {
	if u.Rows == 0 || schema.Instant(low) < u.Oldest {
		u.Oldest = schema.Instant(low)
	}
	if u.Rows == 0 || schema.Instant(high) > u.Newest {
		u.Newest = schema.Instant(high)
	}
	u.Rows += rows
}

// Close flushes, waits for queries that run, and closes. An error means that the tail is not durable.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	s.closed = true
	s.mu.Unlock()
	err := s.flush(context.Background())
	s.running.Wait()
	s.shut()
	return err
}
