package parquet

import (
	"bytes"
	"cmp"
	"slices"

	"weir/schema"
)

// ordering compares rows of blocks of one table by the columns of Table.Order.
type ordering struct {
	columns []int
}

func orderingOf(t *schema.Table) ordering {
	var o ordering
	for _, name := range t.Order {
		o.columns = append(o.columns, t.Column(name))
	}
	return o
}

// compare orders row i of a against row j of b.
func (o ordering) compare(a *schema.Block, i int, b *schema.Block, j int) int {
	for _, n := range o.columns {
		x, y := &a.Columns[n], &b.Columns[n]
		c := 0
		switch x.Type {
		case schema.ColumnInt:
			c = cmp.Compare(x.Ints[i], y.Ints[j])
		case schema.ColumnFloat:
			c = cmp.Compare(x.Floats[i], y.Floats[j])
		case schema.ColumnText:
			c = bytes.Compare(x.Texts.At(i), y.Texts.At(j))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// sorted returns the rows of a block in order, rows that are equal staying as they came: the block itself when it is
// in order already, else a new one.
func (o ordering) sorted(b *schema.Block) *schema.Block {
	inOrder := true
	for i := 1; i < b.Rows && inOrder; i++ {
		inOrder = o.compare(b, i-1, b, i) <= 0
	}
	if inOrder {
		return b
	}
	rows := make([]int32, b.Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(i, j int32) int { return o.compare(b, int(i), b, int(j)) })
	out := emptyLike(b, b.Rows)
	for i := range b.Columns {
		appendRows(&out.Columns[i], &b.Columns[i], rows)
	}
	out.Rows = b.Rows
	return out
}

// emptyLike returns a block of the same columns without rows.
func emptyLike(b *schema.Block, room int) *schema.Block {
	if b.Table != nil {
		return schema.NewBlock(b.Table, room)
	}
	out := &schema.Block{Columns: make([]schema.Column, len(b.Columns))}
	for i := range b.Columns {
		out.Columns[i].Name, out.Columns[i].Type = b.Columns[i].Name, b.Columns[i].Type
	}
	return out
}

// appendRows appends the values of the given rows of src.
func appendRows(dst, src *schema.Column, rows []int32) {
	for _, r := range rows {
		appendRow(dst, src, int(r))
	}
}

func appendRow(dst, src *schema.Column, row int) {
	switch src.Type {
	case schema.ColumnInt:
		dst.Ints = append(dst.Ints, src.Ints[row])
	case schema.ColumnFloat:
		dst.Floats = append(dst.Floats, src.Floats[row])
	case schema.ColumnText:
		dst.Texts.Append(src.Texts.At(row))
	}
}
