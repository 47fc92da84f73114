package store

import (
	"bytes"
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"

	"weir/schema"
)

// Match tells whether row of b passes; b.Table must be set and c be valid for it. Columns that b leaves out are 0, ""
// and NaN. It is the slow definition of what stores must answer, and serves for few rows.
func (c *Cond) Match(b *schema.Block, row int) bool {
	switch c.Op {
	case Always:
		return true
	case And:
		return !slices.ContainsFunc(c.Parts, func(p Cond) bool { return !p.Match(b, row) })
	case Or:
		return slices.ContainsFunc(c.Parts, func(p Cond) bool { return p.Match(b, row) })
	case Not:
		return !c.Parts[0].Match(b, row)
	}
	return c.compare(CellOf(b, row, c.Column))
}

// CellOf returns the value of a column or computed column in a row of b; b.Table must be set when the column may be a
// computed one. Columns that b leaves out are 0, "" and NaN.
func CellOf(b *schema.Block, row int, name string) Value {
	if col := b.Column(name); col != nil {
		switch col.Type {
		case schema.ColumnInt:
			return Int(col.Ints[row])
		case schema.ColumnFloat:
			return Float(col.Floats[row])
		}
		return Text(string(col.Texts.At(row)))
	}
	if b.Table == nil {
		return Value{}
	}
	if i := b.Table.Column(name); i >= 0 {
		return absent(b.Table.Columns[i].Type)
	}
	c, ok := ComputedColumn(b.Table, name)
	if !ok {
		return Value{}
	}
	var sum int64
	for _, plus := range c.Plus {
		sum += CellOf(b, row, plus).Int
	}
	for _, minus := range c.Minus {
		sum -= CellOf(b, row, minus).Int
	}
	return Int(sum)
}

// absent is the value of a column that a block leaves out.
func absent(t schema.ColumnType) Value {
	if t == schema.ColumnFloat {
		return Float(math.NaN())
	}
	return Value{Type: t}
}

// IsNaN tells that v is a float that stands for "no value".
func (v Value) IsNaN() bool { return v.Type == schema.ColumnFloat && math.IsNaN(v.Float) }

// Compare returns -1, 0 or 1. Integers and floats compare as numbers, NaN after all others; texts by bytes.
func (v Value) Compare(o Value) int {
	switch {
	case v.Type == schema.ColumnText:
		return strings.Compare(v.Text, o.Text)
	case v.Type == schema.ColumnInt && o.Type == schema.ColumnInt:
		return cmp.Compare(v.Int, o.Int)
	case v.IsNaN() || o.IsNaN():
		switch {
		case v.IsNaN() && o.IsNaN():
			return 0
		case v.IsNaN():
			return 1
		}
		return -1
	}
	return cmp.Compare(v.number(), o.number())
}

func (v Value) number() float64 {
	if v.Type == schema.ColumnInt {
		return float64(v.Int)
	}
	return v.Float
}

// compare applies a comparison to the value of the column.
func (c *Cond) compare(v Value) bool {
	if v.IsNaN() {
		return false
	}
	switch c.Op {
	case In:
		return slices.ContainsFunc(c.Values, func(w Value) bool { return !w.IsNaN() && v.Compare(w) == 0 })
	case Range:
		return v.Compare(c.Values[0]) >= 0 && v.Compare(c.Values[1]) <= 0 && !c.Values[0].IsNaN() && !c.Values[1].IsNaN()
	case Prefix:
		return strings.HasPrefix(v.Text, c.Values[0].Text)
	case Contains:
		return strings.Contains(v.Text, c.Values[0].Text)
	case Within:
		return within(v.Text, c.Values[0].Text)
	case HasBits:
		return v.Int&c.Values[0].Int == c.Values[0].Int
	}
	if c.Values[0].IsNaN() {
		return false
	}
	d := v.Compare(c.Values[0])
	switch c.Op {
	case Eq:
		return d == 0
	case Ne:
		return d != 0
	case Lt:
		return d < 0
	case Le:
		return d <= 0
	case Gt:
		return d > 0
	case Ge:
		return d >= 0
	}
	return false
}

// within tells whether a text is an IP address in a network. An IPv4 address that is mapped into IPv6 counts as IPv4.
func within(text, network string) bool {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(text)
	return err == nil && p.Contains(a.Unmap())
}

// CheckBlock says what is wrong with the shape of a block that is to be kept: a table of schema.Tables, columns of that
// table with their types, each as long as the block.
func CheckBlock(b *schema.Block) error {
	if b.Table == nil || schema.TableOf(b.Table.Name) != b.Table {
		return &QueryError{"table", "the block belongs to no table", ""}
	}
	for i := range b.Columns {
		col := &b.Columns[i]
		at := b.Table.Column(col.Name)
		if at < 0 {
			return unknownColumn(b.Table, "columns", col.Name)
		}
		if b.Table.Columns[at].Type != col.Type || columnLength(col) != b.Rows {
			return &QueryError{"columns", b.Table.Name + "." + col.Name + " has the wrong type or length", ""}
		}
	}
	return nil
}

func columnLength(col *schema.Column) int {
	switch col.Type {
	case schema.ColumnInt:
		return len(col.Ints)
	case schema.ColumnFloat:
		return len(col.Floats)
	}
	return len(col.Texts.Ends)
}

// EqualBlocks tells whether two blocks have the same rows in the same columns; NaN equals NaN.
func EqualBlocks(a, b *schema.Block) bool {
	return a.Table == b.Table && a.Rows == b.Rows && slices.EqualFunc(a.Columns, b.Columns, func(x, y schema.Column) bool {
		return x.Name == y.Name && x.Type == y.Type && slices.Equal(x.Ints, y.Ints) &&
			slices.EqualFunc(x.Floats, y.Floats, func(f, g float64) bool { return f == g || f != f && g != g }) &&
			slices.Equal(x.Texts.Ends, y.Texts.Ends) && bytes.Equal(x.Texts.Data, y.Texts.Data)
	})
}
