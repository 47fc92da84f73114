package parquet

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/big"
	"strings"

	"weir/schema"
	"weir/store"
)

const (
	answerRows = 8192 // of a block that Scan yields
	maxRetries = 3    // of a query that met a damaged part
)

// snapshot is what one query sees of a table: it holds on to these parts until it is released.
type snapshot struct {
	id    int64
	table *schema.Table
	parts []*part
	tail  []*schema.Block
	wants []bool // columns that the query reads
}

// snapshot takes what may hold rows in a range of time; zero is no bound.
func (s *Store) snapshot(t *schema.Table, from, to schema.Instant, overlap bool) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	snap := &snapshot{id: s.lastID, table: t, wants: make([]bool, len(t.Columns))}
	for i := range snap.wants {
		snap.wants[i] = true
	}
	first, timeColumn := t.Column("first"), t.Column(t.Time)
	touches := func(low, high, earliest int64) bool {
		if from != 0 && high < int64(from) {
			return false
		}
		if overlap {
			low = earliest
		}
		return to == 0 || low < int64(to)
	}
	for _, p := range s.manifest.Parts {
		if p.Table == t.Name && touches(p.Min, p.Max, p.First) {
			p.refs++
			snap.parts = append(snap.parts, p)
		}
	}
	for _, b := range s.tails[t] {
		low, high := span(b.Columns[timeColumn].Ints)
		earliest := low
		if first >= 0 {
			earliest, _ = span(b.Columns[first].Ints)
		}
		if touches(low, high, earliest) {
			snap.tail = append(snap.tail, b)
		}
	}
	s.snapshots[snap.id] = snap
	return snap
}

// release lets go of the parts of a snapshot and unlinks those that nothing names any more.
func (s *Store) release(snap *snapshot) {
	s.mu.Lock()
	delete(s.snapshots, snap.id)
	var unread []*part
	for _, p := range snap.parts {
		if p.refs--; p.refs == 0 && p.doomed {
			unread = append(unread, p)
		}
	}
	s.mu.Unlock()
	s.removeParts(unread)
}

var errStopped = errors.New("the reader stopped")

// Scan answers a query; see store.Store.
func (s *Store) Scan(ctx context.Context, q store.Query) iter.Seq2[*schema.Block, error] {
	return func(yield func(*schema.Block, error) bool) {
		err := q.Validate()
		if err == nil {
			err = s.begin()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.running.Done()
		yielded := false
		for try := 0; ; try++ {
			err := s.scanOnce(ctx, &q, func(b *schema.Block) bool {
				yielded = true
				return yield(b, nil)
			})
			if err == nil || errors.Is(err, errStopped) {
				return
			}
			var damaged damagedError
			if errors.As(err, &damaged) && !yielded && try < maxRetries {
				continue
			}
			yield(nil, err)
			return
		}
	}
}

// damagedError says that a query failed because of parts that are set aside by now: asking again may succeed.
type damagedError struct {
	parts int
	err   error
}

func (e damagedError) Error() string {
	return fmt.Sprintf("%d damaged parts were set aside: %v", e.parts, e.err)
}

// scanOnce runs a query over one snapshot.
func (s *Store) scanOnce(ctx context.Context, q *store.Query, yield func(*schema.Block) bool) error {
	snap := s.snapshot(q.Table, q.From, q.To, q.Overlap)
	defer s.release(snap)
	if len(snap.parts) == 0 && len(snap.tail) == 0 {
		return ctx.Err()
	}
	st := compile(q, func(columns map[string]bool) string {
		for i, tc := range snap.table.Columns {
			snap.wants[i] = columns[tc.Name] || len(columns) == 0
		}
		return s.sourceOf(snap, columns)
	})
	conn, err := s.ask.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer conn.Close()
	var b *schema.Block
	err = query(ctx, conn, st.text, st.args, func(_, _ []string) error { return nil }, func(row []driver.Value) error {
		if b == nil {
			b = newAnswer(q, st)
		}
		if err := appendAnswer(b, row); err != nil {
			return err
		}
		if b.Rows < answerRows {
			return nil
		}
		full := b
		b = nil
		if !yield(full) {
			return errStopped
		}
		return nil
	})
	switch {
	case err != nil:
		return s.explainQuery(ctx, snap, err)
	case b != nil && !yield(b):
		return errStopped
	}
	return nil
}

// explainQuery looks why a query failed.
func (s *Store) explainQuery(ctx context.Context, snap *snapshot, err error) error {
	if errors.Is(err, errStopped) {
		return err
	}
	if e := ctx.Err(); e != nil {
		return fmt.Errorf("store: %s: the query was stopped: %w", snap.table.Name, e)
	}
	if strings.Contains(err.Error(), "Out of Memory") {
		return fmt.Errorf("store: %s: %w: ask for less, or raise the memory limit of the store", snap.table.Name, err)
	}
	n, e := s.setAside(ctx, snap.parts)
	if e != nil {
		return e
	}
	err = fmt.Errorf("store: %s: %w", snap.table.Name, err)
	if n > 0 {
		return damagedError{n, err}
	}
	return err
}

// newAnswer returns an empty block for the answer of a statement. It is one of the table when it has all its columns.
func newAnswer(q *store.Query, st statement) *schema.Block {
	b := &schema.Block{Columns: make([]schema.Column, len(st.names))}
	for i := range st.names {
		b.Columns[i].Name, b.Columns[i].Type = st.names[i], st.types[i]
	}
	if !q.Grouped() && len(q.Columns) == 0 {
		b.Table = q.Table
	}
	return b
}

// appendAnswer appends one row of an answer; NULL is 0, NaN or "".
func appendAnswer(b *schema.Block, row []driver.Value) error {
	for i, v := range row {
		c := &b.Columns[i]
		switch c.Type {
		case schema.ColumnInt:
			n, ok := v.(int64)
			if !ok && v != nil {
				return fmt.Errorf("column %s: an answer of type %T", c.Name, v)
			}
			c.Ints = append(c.Ints, n)
		case schema.ColumnFloat:
			f, ok := v.(float64)
			if !ok {
				f = floatOf(v)
			}
			c.Floats = append(c.Floats, f)
		case schema.ColumnText:
			text, _ := v.(string)
			c.Texts.AppendString(text)
		}
	}
	b.Rows++
	return nil
}

// floatOf returns a number as a float, NaN for what is none.
func floatOf(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case float32:
		return float64(v)
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	case interface{ Float64() float64 }:
		return v.Float64()
	}
	return math.NaN()
}
