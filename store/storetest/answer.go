package storetest

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"weir/schema"
	"weir/store"
)

// Answer is the slow definition of what a query answers over blocks; q must be valid. Rows without OrderBy come in the
// order of the blocks. The answer belongs to the caller; it may have no rows.
func Answer(q store.Query, blocks []*schema.Block) *schema.Block {
	var rows []place
	for _, b := range blocks {
		if b.Table != q.Table {
			continue
		}
		for i := range b.Rows {
			if inRange(&q, b, i) && q.Where.Match(b, i) {
				rows = append(rows, place{b, i})
			}
		}
	}
	if q.Grouped() {
		return answerGroups(&q, rows)
	}
	return answerRows(&q, rows)
}

// place is a row of a block.
type place struct {
	block *schema.Block
	row   int
}

func (p place) cell(name string) store.Value { return store.CellOf(p.block, p.row, name) }

func inRange(q *store.Query, b *schema.Block, row int) bool {
	last := schema.Instant(store.CellOf(b, row, q.Table.Time).Int)
	first := last
	if q.Overlap {
		first = schema.Instant(store.CellOf(b, row, "first").Int)
	}
	return (q.From == 0 || last >= q.From) && (q.To == 0 || first < q.To)
}

func answerRows(q *store.Query, rows []place) *schema.Block {
	if q.OrderBy != "" {
		slices.SortStableFunc(rows, func(a, b place) int {
			if d := ordered(a.cell(q.OrderBy), b.cell(q.OrderBy), q.Desc); d != 0 {
				return d
			}
			for _, name := range q.Table.Order {
				if d := a.cell(name).Compare(b.cell(name)); d != 0 {
					return d
				}
			}
			return 0
		})
	}
	out := &schema.Block{}
	names := q.Columns
	if len(names) == 0 {
		out = schema.NewBlock(q.Table, len(rows))
		for _, c := range q.Table.Columns {
			names = append(names, c.Name)
		}
	} else {
		for _, name := range names {
			typ, _ := store.ColumnType(q.Table, name)
			out.Columns = append(out.Columns, schema.Column{Name: name, Type: typ})
		}
	}
	for _, p := range limited(q, rows) {
		for i, name := range names {
			appendValue(&out.Columns[i], p.cell(name))
		}
		out.Rows++
	}
	return out
}

func limited[T any](q *store.Query, rows []T) []T {
	if q.Limit > 0 && len(rows) > q.Limit {
		return rows[:q.Limit]
	}
	return rows
}

// ordered compares for OrderBy: NaN is last in both directions.
func ordered(a, b store.Value, desc bool) int {
	d := a.Compare(b)
	if desc && !a.IsNaN() && !b.IsNaN() {
		return -d
	}
	return d
}

func appendValue(col *schema.Column, v store.Value) {
	switch col.Type {
	case schema.ColumnInt:
		col.Ints = append(col.Ints, v.Int)
	case schema.ColumnFloat:
		col.Floats = append(col.Floats, v.Float)
	case schema.ColumnText:
		col.Texts.AppendString(v.Text)
	}
}

// group is one row of a grouped answer.
type group struct {
	cells []store.Value // By, the step
	rows  []place
	all   []store.Value // cells and aggregates
}

func answerGroups(q *store.Query, rows []place) *schema.Block {
	groups := map[string]*group{}
	for _, p := range rows {
		var cells []store.Value
		var id strings.Builder
		for _, name := range q.By {
			cells = append(cells, p.cell(name))
		}
		if q.Step > 0 {
			cells = append(cells, store.Int(floor(p.cell(q.Table.Time).Int, int64(q.Step))))
		}
		for _, c := range cells {
			id.WriteString(c.String())
			id.WriteByte(0)
		}
		g := groups[id.String()]
		if g == nil {
			g = &group{cells: cells}
			groups[id.String()] = g
		}
		g.rows = append(g.rows, p)
	}
	out := &schema.Block{}
	for _, name := range q.By {
		typ, _ := store.ColumnType(q.Table, name)
		out.Columns = append(out.Columns, schema.Column{Name: name, Type: typ})
	}
	if q.Step > 0 {
		out.Columns = append(out.Columns, schema.Column{Name: q.Table.Time, Type: schema.ColumnInt})
	}
	for _, a := range q.Aggregates {
		out.Columns = append(out.Columns, schema.Column{Name: a.Name(), Type: a.Type(q.Table)})
	}
	var list []*group
	for _, g := range groups {
		g.all = slices.Clone(g.cells)
		for _, a := range q.Aggregates {
			g.all = append(g.all, aggregate(q, a, g.rows))
		}
		list = append(list, g)
	}
	sortGroups(q, list, out)
	for _, g := range limited(q, list) {
		for i, v := range g.all {
			appendValue(&out.Columns[i], v)
		}
		out.Rows++
	}
	return out
}

func sortGroups(q *store.Query, list []*group, out *schema.Block) {
	by := slices.IndexFunc(out.Columns, func(c schema.Column) bool { return c.Name == q.OrderBy })
	slices.SortFunc(list, func(a, b *group) int {
		if by >= 0 {
			if d := ordered(a.all[by], b.all[by], q.Desc); d != 0 {
				return d
			}
		}
		return slices.CompareFunc(a.cells, b.cells, store.Value.Compare)
	})
}

func floor(v, step int64) int64 {
	r := v % step
	if r < 0 {
		r += step
	}
	return v - r
}

// aggregate computes one aggregate over rows, of which there is at least one.
func aggregate(q *store.Query, a store.Agg, rows []place) store.Value {
	if a.Column == "" {
		return store.Int(int64(len(rows)))
	}
	var values []store.Value
	var last place
	for _, p := range rows {
		if v := p.cell(a.Column); !v.IsNaN() {
			values = append(values, v)
			if last.block == nil || p.cell(q.Table.Time).Compare(last.cell(q.Table.Time)) >= 0 {
				last = p
			}
		}
	}
	if a.Func == store.Count {
		return store.Int(int64(len(values)))
	}
	if len(values) == 0 {
		return store.Float(math.NaN()) // only floats can be without a value
	}
	switch a.Func {
	case store.Max:
		return slices.MaxFunc(values, store.Value.Compare)
	case store.Min:
		return slices.MinFunc(values, store.Value.Compare)
	case store.Last:
		return last.cell(a.Column)
	}
	if a.Func == store.Sum && values[0].Type == schema.ColumnInt {
		return store.Int(sumInts(values))
	}
	sum := 0.0
	for _, v := range values {
		sum += v.Float + float64(v.Int) // one of the two is 0
	}
	if a.Func == store.Avg {
		sum /= float64(len(values))
	}
	return store.Float(sum)
}

// sumInts adds integers and holds the sum to the range of int64.
func sumInts(values []store.Value) int64 {
	sum := new(big.Int)
	for _, v := range values {
		sum.Add(sum, big.NewInt(v.Int))
	}
	switch {
	case sum.IsInt64():
		return sum.Int64()
	case sum.Sign() > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}

func diff(what string, want, got any) string {
	return fmt.Sprintf("%s: want %v, got %v", what, want, got)
}

// compareBlocks says where two answers differ, "" when nowhere; floats may differ by rounding.
func compareBlocks(want, got *schema.Block) string {
	if want.Rows != got.Rows {
		return diff("rows", want.Rows, got.Rows)
	}
	if len(want.Columns) != len(got.Columns) {
		return diff("columns", len(want.Columns), len(got.Columns))
	}
	for i := range want.Columns {
		w, g := &want.Columns[i], &got.Columns[i]
		if w.Name != g.Name || w.Type != g.Type {
			return diff("column", w.Name, g.Name)
		}
		for row := range want.Rows {
			a, b := store.CellOf(want, row, w.Name), store.CellOf(got, row, w.Name)
			if !same(a, b) {
				return diff(w.Name+" of row "+store.Int(int64(row)).String(), a, b)
			}
		}
	}
	return ""
}

func same(a, b store.Value) bool {
	if a.Type == schema.ColumnFloat && !a.IsNaN() && !b.IsNaN() {
		return math.Abs(a.Float-b.Float) <= 1e-9*max(math.Abs(a.Float), math.Abs(b.Float), 1)
	}
	return a.Type == b.Type && a.Compare(b) == 0
}

// sortRows returns the rows of a block in an order that depends on nothing but them.
func sortRows(b *schema.Block) *schema.Block {
	index := make([]int, b.Rows)
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(x, y int) int {
		for i := range b.Columns {
			name := b.Columns[i].Name
			if d := cmp.Compare(store.CellOf(b, x, name).Compare(store.CellOf(b, y, name)), 0); d != 0 {
				return d
			}
		}
		return 0
	})
	out := &schema.Block{Table: b.Table, Rows: b.Rows}
	for i := range b.Columns {
		col := schema.Column{Name: b.Columns[i].Name, Type: b.Columns[i].Type}
		for _, row := range index {
			appendValue(&col, store.CellOf(b, row, col.Name))
		}
		out.Columns = append(out.Columns, col)
	}
	return out
}
