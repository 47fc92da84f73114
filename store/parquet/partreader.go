package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"

	pq "github.com/parquet-go/parquet-go"

	"weir/schema"
	"weir/store"
)

// partReader reads the rows of a part in order, a few thousand at a time, so that merging many parts needs little
// memory.
type partReader struct {
	table   *schema.Table
	file    store.File
	groups  []pq.RowGroup
	leaves  []int // table column -> leaf of the file, -1 when the part leaves it out
	left    int64 // rows of the open row group that were not read yet
	columns []columnReader
	values  []pq.Value
}

// columnReader reads the values of one column of one row group.
type columnReader struct {
	pages  pq.Pages
	page   pq.Page
	values pq.ValueReader
}

// openPart opens a part for reading. The caller has made sure that it is intact: the Parquet library trusts what it
// reads.
func (s *Store) openPart(p *part) (*partReader, error) {
	t := schema.TableOf(p.Table)
	if t == nil {
		return nil, fmt.Errorf("%s: there is no table %q", s.path(p), p.Table)
	}
	f, err := s.disk.Open(s.path(p))
	if err != nil {
		return nil, err
	}
	file, err := pq.OpenFile(f, p.Bytes, pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", s.path(p), err)
	}
	r := &partReader{table: t, file: f, groups: file.RowGroups(), leaves: make([]int, len(t.Columns)),
		columns: make([]columnReader, len(t.Columns)), values: make([]pq.Value, chunkRows)}
	for i, c := range t.Columns {
		r.leaves[i] = -1
		if l, ok := file.Schema().Lookup(c.Name); ok {
			r.leaves[i] = l.ColumnIndex
		}
	}
	return r, nil
}

// next returns the next rows, io.EOF when there are no more.
func (r *partReader) next() (*schema.Block, error) {
	for r.left == 0 {
		r.closeColumns()
		if len(r.groups) == 0 {
			return nil, io.EOF
		}
		group := r.groups[0]
		r.groups = r.groups[1:]
		r.left = group.NumRows()
		for i, l := range r.leaves {
			if l >= 0 {
				r.columns[i].pages = group.ColumnChunks()[l].Pages()
			}
		}
	}
	n := int(min(r.left, chunkRows))
	b := schema.NewBlock(r.table, n)
	b.Rows = n
	for i := range r.columns {
		if r.leaves[i] < 0 {
			b.Columns[i] = emptyColumn(r.table.Columns[i], n)
			continue
		}
		if err := r.columns[i].read(&b.Columns[i], r.values[:n]); err != nil {
			return nil, fmt.Errorf("column %s: %w", b.Columns[i].Name, err)
		}
	}
	r.left -= int64(n)
	return b, nil
}

// read appends as many values to a column as there is room in buffer.
func (c *columnReader) read(dst *schema.Column, buffer []pq.Value) error {
	for len(buffer) > 0 {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(buffer)
		for _, v := range buffer[:n] {
			appendValue(dst, v)
		}
		buffer = buffer[n:]
		switch {
		case errors.Is(err, io.EOF):
			pq.Release(c.page)
			c.page, c.values = nil, nil
		case err != nil:
			return err
		}
	}
	return nil
}

func appendValue(dst *schema.Column, v pq.Value) {
	switch dst.Type {
	case schema.ColumnInt:
		dst.Ints = append(dst.Ints, v.Int64())
	case schema.ColumnText:
		dst.Texts.Append(v.ByteArray())
	default:
		f := math.NaN()
		switch {
		case v.IsNull():
		case v.Kind() == pq.Int64:
			f = float64(v.Int64())
		default:
			f = v.Double()
		}
		dst.Floats = append(dst.Floats, f)
	}
}

func (r *partReader) closeColumns() {
	for i := range r.columns {
		c := &r.columns[i]
		if c.page != nil {
			pq.Release(c.page)
		}
		if c.pages != nil {
			_ = c.pages.Close()
		}
		*c = columnReader{}
	}
}

func (r *partReader) close() {
	r.closeColumns()
	_ = r.file.Close()
}
