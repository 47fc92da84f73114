package parquet

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"

	"weir/schema"
)

// merging hands out the rows of sorted parts in order.
type merging struct {
	order   ordering
	sources []*source // a heap: the first has the smallest row
}

// source is one part with the row that is next.
type source struct {
	reader *partReader
	block  *schema.Block
	row    int
	number int // of the part: decides between equal rows, so that merging is deterministic
}

// Len is part of heap.Interface.
func (m *merging) Len() int { return len(m.sources) }

// Less is part of heap.Interface.
func (m *merging) Less(i, j int) bool {
	a, b := m.sources[i], m.sources[j]
	if c := m.order.compare(a.block, a.row, b.block, b.row); c != 0 {
		return c < 0
	}
	return a.number < b.number
}

// Swap is part of heap.Interface.
func (m *merging) Swap(i, j int) { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }

// Push is part of heap.Interface.
func (m *merging) Push(x any) { m.sources = append(m.sources, x.(*source)) }

// Pop is part of heap.Interface.
func (m *merging) Pop() any {
	last := m.sources[len(m.sources)-1]
	m.sources = m.sources[:len(m.sources)-1]
	return last
}

// mergeParts hands out the rows of parts of one table in order, some thousand at a time. The blocks are only good until
// yield returns.
func (s *Store) mergeParts(ctx context.Context, t *schema.Table, parts []*part, yield func(*schema.Block) error) error {
	m := &merging{order: orderingOf(t)}
	var readers []*partReader
	defer func() {
		for _, r := range readers {
			r.close()
		}
	}()
	for i, p := range parts {
		r, err := s.openPart(p)
		if err != nil {
			return err
		}
		readers = append(readers, r)
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.path(p), err)
		}
		m.sources = append(m.sources, &source{reader: r, block: b, number: i})
	}
	heap.Init(m)
	out := schema.NewBlock(t, chunkRows)
	for len(m.sources) > 0 {
		first := m.sources[0]
		for i := range out.Columns {
			appendRow(&out.Columns[i], &first.block.Columns[i], first.row)
		}
		out.Rows++
		if err := m.advance(); err != nil {
			return err
		}
		if out.Rows < chunkRows {
			continue
		}
		if err := errors.Join(ctx.Err(), yield(out)); err != nil {
			return err
		}
		emptied(out)
	}
	if out.Rows == 0 {
		return nil
	}
	return yield(out)
}

// advance goes to the next row of the first source.
func (m *merging) advance() error {
	first := m.sources[0]
	if first.row++; first.row == first.block.Rows {
		b, err := first.reader.next()
		if errors.Is(err, io.EOF) {
			heap.Pop(m)
			return nil
		}
		if err != nil {
			return err
		}
		first.block, first.row = b, 0
	}
	heap.Fix(m, 0)
	return nil
}

// emptied drops the rows of a block and keeps its room.
func emptied(b *schema.Block) {
	b.Rows = 0
	for i := range b.Columns {
		c := &b.Columns[i]
		c.Ints, c.Floats = c.Ints[:0], c.Floats[:0]
		c.Texts.Data, c.Texts.Ends = c.Texts.Data[:0], c.Texts.Ends[:0]
	}
}
