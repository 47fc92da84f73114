package storetest

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/schema"
	"weir/store"
)

// Memory is a store that forgets everything at its end and answers slowly. It tells apart what was flushed from what
// was not, so that tests can crash it. It may be used from any goroutine.
type Memory struct {
	mu      sync.Mutex
	lasting []*schema.Block
	tail    []*schema.Block
	taken   map[string]uint64 // node -> Seq
	kept    map[string]uint64 // node -> Seq that is lasting
	rolled  map[string]schema.Instant
	closed  bool
	fault   func(op string) error
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{taken: map[string]uint64{}, kept: map[string]uint64{}, rolled: map[string]schema.Instant{}}
}

var _ store.Store = (*Memory)(nil)

// Crash loses what was not flushed.
func (m *Memory) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tail, m.taken, m.closed = nil, map[string]uint64{}, false
	for node, seq := range m.kept {
		m.taken[node] = seq
	}
}

// Fail makes "keep" and "flush" fail when fault says so; nil ends that.
func (m *Memory) Fail(fault func(op string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// begin checks whether an operation may go on; m.mu is held.
func (m *Memory) begin(op string) error {
	if m.closed {
		return store.ErrClosed
	}
	if m.fault != nil {
		return m.fault(op)
	}
	return nil
}

// Keep takes a batch.
func (m *Memory) Keep(ctx context.Context, b store.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.begin("keep"), ctx.Err()); err != nil {
		return err
	}
	for _, block := range b.Blocks {
		if err := store.CheckBlock(block); err != nil {
			return err
		}
	}
	if b.Seq > m.taken[b.Node] {
		m.taken[b.Node] = b.Seq
		m.tail = append(m.tail, b.Blocks...)
	}
	return nil
}

// Flush makes everything lasting.
func (m *Memory) Flush(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("flush"); err != nil {
		return err
	}
	m.flush()
	return nil
}

func (m *Memory) flush() {
	m.lasting, m.tail = append(m.lasting, m.tail...), nil
	for node, seq := range m.taken {
		m.kept[node] = seq
	}
}

// Kept returns the Seq up to which batches of a node are lasting.
func (m *Memory) Kept(_ context.Context, node string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[node], m.begin("kept")
}

func (m *Memory) all() []*schema.Block { return slices.Concat(m.lasting, m.tail) }

// Scan answers a query in one block.
func (m *Memory) Scan(ctx context.Context, q store.Query) iter.Seq2[*schema.Block, error] {
	return func(yield func(*schema.Block, error) bool) {
		m.mu.Lock()
		err := errors.Join(m.begin("scan"), ctx.Err())
		blocks := m.all()
		m.mu.Unlock()
		if err == nil {
			err = q.Validate()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if b := Answer(q, blocks); b.Rows > 0 {
			yield(b, nil)
		}
	}
}

// SQL is not for this store.
func (m *Memory) SQL(context.Context, string, store.SQLLimits) (*schema.Block, error) {
	return nil, errors.New("this store knows no SQL")
}

// Forget drops the rows of a table before an instant.
func (m *Memory) Forget(_ context.Context, t *schema.Table, before schema.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("forget"); err != nil {
		return err
	}
	q := store.Query{Table: t, From: before}
	for _, list := range []*[]*schema.Block{&m.lasting, &m.tail} {
		rest := slices.DeleteFunc(slices.Clone(*list), func(b *schema.Block) bool { return b.Table == t })
		*list = append(rest, Answer(q, *list))
	}
	return nil
}

// Roll sums the lasting rows of whole hours.
func (m *Memory) Roll(_ context.Context, from, to *schema.Table, upTo schema.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("roll"); err != nil {
		return err
	}
	width := map[*schema.Table]time.Duration{schema.TableBuckets5m: 5 * time.Minute, schema.TableBuckets1h: time.Hour}[to]
	end := schema.Instant(floor(int64(upTo), int64(time.Hour)))
	if width == 0 || end <= m.rolled[to.Name] {
		return nil
	}
	q := store.Query{Table: from, From: m.rolled[to.Name], To: end, By: []string{"grp", "key"}, Step: width}
	q.Aggregates = append(q.Aggregates,
		store.Agg{Column: "samples", Func: store.Sum, As: "samples"}, store.Agg{Column: "rate", Func: store.Max, As: "rate"},
		store.Agg{Column: "missed", Func: store.Sum, As: "missed"})
	for _, c := range from.Columns {
		if c.Name[0] == 'x' || c.Name[0] == 'm' && c.Name != "missed" {
			q.Aggregates = append(q.Aggregates, store.Agg{Column: c.Name, Func: store.Sum, As: c.Name})
		}
	}
	b := Answer(q, m.lasting)
	b.Table = to
	widths := make([]int64, b.Rows)
	for i := range widths {
		widths[i] = int64(width / time.Second)
	}
	b.Columns = append(b.Columns, schema.Column{Name: "width", Type: schema.ColumnInt, Ints: widths})
	m.lasting = append(m.lasting, b)
	m.rolled[to.Name] = end
	return nil
}

// Tidy has nothing to do.
func (m *Memory) Tidy(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.begin("tidy")
}

// Usage says what each table takes: eight bytes a number.
func (m *Memory) Usage(context.Context) ([]store.TableUsage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("usage"); err != nil {
		return nil, err
	}
	var all []store.TableUsage
	for _, t := range schema.Tables {
		u := store.TableUsage{Table: t, Oldest: math.MaxInt64}
		for _, b := range m.all() {
			if b.Table != t || b.Rows == 0 {
				continue
			}
			u.Rows += int64(b.Rows)
			u.Parts++
			for i := range b.Rows {
				at := schema.Instant(store.CellOf(b, i, t.Time).Int)
				u.Oldest, u.Newest = min(u.Oldest, at), max(u.Newest, at)
			}
			for i := range b.Columns {
				c := &b.Columns[i]
				u.Bytes += int64(8*len(c.Ints) + 8*len(c.Floats) + len(c.Texts.Data) + 4*len(c.Texts.Ends))
			}
		}
		if u.Rows == 0 {
			u.Oldest = 0
		}
		all = append(all, u)
	}
	return all, nil
}

// Close makes everything lasting and closes; Crash opens again.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return store.ErrClosed
	}
	m.flush()
	m.closed = true
	return nil
}

// String names the tables that have rows, for messages of tests.
func (m *Memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, b := range m.all() {
		names = append(names, b.Table.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
