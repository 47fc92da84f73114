package parquet

import (
	"fmt"
	"io"
	"math"
	"slices"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"weir/schema"
)

const (
	groupRows = 128 << 10 // rows of a row group: the unit by which readers skip
	chunkRows = 4096      // values handed to the Parquet writer at once
	pageBytes = 64 << 10  // a page before it is packed
	sampled   = 32 << 10  // rows that decide how columns are packed
)

// partWriter writes the rows of one part, which come in order, block by block.
type partWriter struct {
	table   *schema.Table
	shape   shape
	out     io.Writer
	file    *pq.GenericWriter[any]
	leaves  []int // table column -> leaf of the file, -1 when the part leaves it out
	values  []pq.Value
	sample  *schema.Block // first rows of a part that comes in small blocks
	waiting int           // rows of the open row group
	rows    int
}

func newPartWriter(out io.Writer, t *schema.Table, s shape) *partWriter {
	return &partWriter{table: t, shape: s, out: out, values: make([]pq.Value, 0, chunkRows)}
}

// rowNode describes the rows of a part: the columns stand in the file as they stand in the table.
type rowNode struct {
	pq.Group
	order []string
}

// Fields returns the columns in order; the Parquet library alone would sort them by name.
func (r rowNode) Fields() []pq.Field {
	fields := r.Group.Fields()
	slices.SortFunc(fields, func(a, b pq.Field) int {
		return slices.Index(r.order, a.Name()) - slices.Index(r.order, b.Name())
	})
	return fields
}

// open chooses how each column is packed from the first rows of the part.
func (w *partWriter) open(sample *schema.Block) {
	root := rowNode{Group: pq.Group{}}
	for i, l := range w.shape {
		if l.form != formAbsent {
			name := w.table.Columns[i].Name
			root.Group[name] = l.node(i, &sample.Columns[i], min(sample.Rows, groupRows))
			root.order = append(root.order, name)
		}
	}
	s := pq.NewSchema(w.table.Name, root)
	w.leaves = make([]int, len(w.shape))
	for i := range w.shape {
		w.leaves[i] = -1
		if l, ok := s.Lookup(w.table.Columns[i].Name); ok {
			w.leaves[i] = l.ColumnIndex
		}
	}
	w.file = pq.NewGenericWriter[any](w.out, s, pq.BloomFilters(w.filters()...),
		pq.Compression(&zstd.Codec{Level: zstd.SpeedBetterCompression}),
		pq.PageBufferSize(pageBytes), pq.DataPageStatistics(false), pq.CreatedBy("weir", "1", ""))
}

// filters chooses the columns whose row groups say which values they do not have: texts that a row group may be
// searched for, other than those by which the rows are sorted.
func (w *partWriter) filters() []pq.BloomFilterColumn {
	var out []pq.BloomFilterColumn
	for i, l := range w.shape {
		name := w.table.Columns[i].Name
		searched := slices.Contains([]string{"a_ip", "z_ip", "key"}, name)
		if l.form == formText && searched && !slices.Contains(w.table.Order, name) {
			out = append(out, pq.SplitBlockFilter(8, name))
		}
	}
	return out
}

// append writes all rows of a block of the part's table. It keeps nothing of the block.
func (w *partWriter) append(b *schema.Block) error {
	if w.file != nil {
		return w.write(b)
	}
	if b.Rows < sampled {
		if w.sample == nil {
			w.sample = schema.NewBlock(w.table, sampled)
		}
		appendBlock(w.sample, b)
		if w.sample.Rows < sampled {
			return nil
		}
		b, w.sample = w.sample, nil
	} else if w.sample != nil {
		appendBlock(w.sample, b)
		b, w.sample = w.sample, nil
	}
	w.open(b)
	return w.write(b)
}

func (w *partWriter) write(b *schema.Block) error {
	for from := 0; from < b.Rows; {
		to := min(b.Rows, from+chunkRows, from+groupRows-w.waiting)
		for i := range b.Columns {
			if w.leaves[i] < 0 {
				continue
			}
			if err := w.writeValues(i, &b.Columns[i], from, to); err != nil {
				return fmt.Errorf("column %s: %w", b.Columns[i].Name, err)
			}
		}
		w.waiting += to - from
		w.rows += to - from
		if w.waiting == groupRows {
			if err := w.flush(); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

func (w *partWriter) writeValues(i int, c *schema.Column, from, to int) error {
	l, leafIndex := w.shape[i], w.leaves[i]
	level := 0
	if l.gaps {
		level = 1
	}
	values := w.values[:0]
	for row := from; row < to; row++ {
		var v pq.Value
		switch {
		case c.Type == schema.ColumnText:
			v = pq.ByteArrayValue(c.Texts.At(row))
		case c.Type == schema.ColumnInt:
			v = pq.Int64Value(c.Ints[row])
		case math.IsNaN(c.Floats[row]):
			values = append(values, pq.NullValue().Level(0, 0, leafIndex))
			continue
		case l.form == formInt:
			v = pq.Int64Value(int64(c.Floats[row]))
		default:
			v = pq.DoubleValue(c.Floats[row])
		}
		values = append(values, v.Level(0, level, leafIndex))
	}
	_, err := w.file.ColumnWriters()[leafIndex].WriteRowValues(values)
	return err
}

func (w *partWriter) flush() error {
	w.waiting = 0
	for _, c := range w.file.ColumnWriters() {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return w.file.Flush()
}

// close ends the file; the writer below it is the caller's to sync and close.
func (w *partWriter) close() error {
	if w.file == nil {
		if w.sample == nil {
			w.sample = schema.NewBlock(w.table, 0)
		}
		w.open(w.sample)
		if err := w.write(w.sample); err != nil {
			return err
		}
	}
	return w.file.Close()
}
