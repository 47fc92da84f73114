package parquet

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"weir/schema"
)

// whole returns a block with all columns of its table and with texts that are UTF-8: the block itself when it is so
// already. Columns that are left out become 0, "" and NaN.
func whole(b *schema.Block) (*schema.Block, error) {
	if b.Table == nil || schema.TableOf(b.Table.Name) != b.Table {
		return nil, fmt.Errorf("store: a block of no table that memory keeps")
	}
	for i := range b.Columns {
		name := b.Columns[i].Name
		if b.Table.Column(name) < 0 || b.Column(name) != &b.Columns[i] {
			return nil, fmt.Errorf("store: table %s: a block has column %q, which the table has not, or has it twice",
				b.Table.Name, name)
		}
	}
	out := &schema.Block{Table: b.Table, Rows: b.Rows, Columns: make([]schema.Column, len(b.Table.Columns))}
	for i, tc := range b.Table.Columns {
		src := b.Column(tc.Name)
		if src == nil {
			out.Columns[i] = emptyColumn(tc, b.Rows)
			continue
		}
		if n := columnLen(src); src.Type != tc.Type || n != b.Rows {
			return nil, fmt.Errorf("store: table %s: column %s has %d values of type %d, want %d of type %d",
				b.Table.Name, tc.Name, n, src.Type, b.Rows, tc.Type)
		}
		out.Columns[i] = *src
		if src.Type == schema.ColumnText && !isUTF8(&src.Texts) {
			out.Columns[i] = mended(src)
		}
	}
	return out, nil
}

func columnLen(c *schema.Column) int {
	switch c.Type {
	case schema.ColumnInt:
		return len(c.Ints)
	case schema.ColumnFloat:
		return len(c.Floats)
	}
	return len(c.Texts.Ends)
}

func emptyColumn(tc schema.TableColumn, rows int) schema.Column {
	c := schema.Column{Name: tc.Name, Type: tc.Type}
	switch tc.Type {
	case schema.ColumnInt:
		c.Ints = make([]int64, rows)
	case schema.ColumnFloat:
		c.Floats = make([]float64, rows)
		for i := range c.Floats {
			c.Floats[i] = math.NaN()
		}
	case schema.ColumnText:
		c.Texts.Ends = make([]uint32, rows)
	}
	return c
}

// isUTF8 tells whether each text is: all together are, and none begins in the middle of a character.
func isUTF8(t *schema.Texts) bool {
	if !utf8.Valid(t.Data) {
		return false
	}
	for _, end := range t.Ends {
		if int(end) < len(t.Data) && !utf8.RuneStart(t.Data[end]) {
			return false
		}
	}
	return true
}

// mended returns the column with what is no UTF-8 replaced, because one such text would make a whole part unreadable.
func mended(src *schema.Column) schema.Column {
	c := schema.Column{Name: src.Name, Type: src.Type}
	for i := range src.Texts.Ends {
		c.Texts.AppendString(strings.ToValidUTF8(string(src.Texts.At(i)), "\uFFFD"))
	}
	return c
}

// joined returns one block of all rows of blocks of one table.
func joined(t *schema.Table, blocks []*schema.Block) *schema.Block {
	if len(blocks) == 1 {
		return blocks[0]
	}
	rows := 0
	for _, b := range blocks {
		rows += b.Rows
	}
	out := schema.NewBlock(t, rows)
	for _, b := range blocks {
		appendBlock(out, b)
	}
	return out
}

// appendBlock appends all rows of src, which has the same columns.
func appendBlock(dst, src *schema.Block) {
	for i := range dst.Columns {
		d, s := &dst.Columns[i], &src.Columns[i]
		d.Ints = append(d.Ints, s.Ints...)
		d.Floats = append(d.Floats, s.Floats...)
		base := uint32(len(d.Texts.Data))
		d.Texts.Data = append(d.Texts.Data, s.Texts.Data...)
		for _, end := range s.Texts.Ends {
			d.Texts.Ends = append(d.Texts.Ends, base+end)
		}
	}
	dst.Rows += src.Rows
}

// span returns the smallest and largest value of a column of integers that has values.
func span(values []int64) (low, high int64) {
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
