package parquet

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"weir/schema"
	"weir/store"
)

// statement is a query as SQL: values stand in args, and the only names in the text are those of the table's columns.
type statement struct {
	text    string
	args    []any
	names   []string // of the answer's columns
	types   []schema.ColumnType
	columns map[string]bool // columns of the table that it reads
}

// compiler turns one store.Query into SQL. What differs from one database to another is in dialect.go.
type compiler struct {
	table   *schema.Table
	args    []any
	columns map[string]bool
}

// compile makes a statement of a valid query. source writes what stands after FROM for the columns that are read.
func compile(q *store.Query, source func(columns map[string]bool) string) statement {
	c := &compiler{table: q.Table, columns: map[string]bool{}}
	st := statement{}
	var exprs, group, order []string
	answer := func(name string, typ schema.ColumnType, expr string) {
		st.names = append(st.names, name)
		st.types = append(st.types, typ)
		exprs = append(exprs, expr)
	}
	if q.Grouped() {
		c.groups(q, answer)
		n := len(q.By)
		if q.Step > 0 {
			n++
		}
		for i := range n {
			group = append(group, strconv.Itoa(i+1))
		}
		order = groupOrder(q, st.names, group)
	} else {
		c.rows(q, answer)
		order = c.rowOrder(q)
	}
	where := c.conditions(q)
	var text strings.Builder
	text.WriteString("SELECT " + strings.Join(exprs, ", ") + " FROM " + source(c.columns))
	if where != "" {
		text.WriteString(" WHERE " + where)
	}
	if len(group) > 0 {
		text.WriteString(" GROUP BY " + strings.Join(group, ", "))
	} else if q.Grouped() {
		text.WriteString(" HAVING count(*) > 0")
	}
	if len(order) > 0 {
		text.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	if q.Limit > 0 {
		text.WriteString(" LIMIT " + strconv.Itoa(q.Limit))
	}
	st.text, st.args, st.columns = text.String(), c.args, c.columns
	return st
}

// groups writes the answer's columns of a query for groups.
func (c *compiler) groups(q *store.Query, answer func(string, schema.ColumnType, string)) {
	for _, name := range q.By {
		typ, _ := store.ColumnType(q.Table, name)
		answer(name, typ, c.value(name))
	}
	if q.Step > 0 {
		answer(q.Table.Time, schema.ColumnInt, floored(c.value(q.Table.Time), int64(q.Step)))
	}
	for _, a := range q.Aggregates {
		answer(a.Name(), a.Type(q.Table), c.aggregate(a))
	}
}

func (c *compiler) aggregate(a store.Agg) string {
	if a.Column == "" {
		return "count(*)"
	}
	typ, _ := store.ColumnType(c.table, a.Column)
	v := c.value(a.Column)
	switch a.Func {
	case store.Sum:
		if typ == schema.ColumnInt {
			return sumOfInts(v)
		}
		return "sum(" + v + ")"
	case store.Max:
		return "max(" + v + ")"
	case store.Min:
		return "min(" + v + ")"
	case store.Avg:
		return "avg(" + v + ")"
	case store.Last:
		return lastBy(v, c.value(c.table.Time))
	}
	return "count(" + v + ")"
}

// groupOrder orders groups by the column that was asked for, then by what makes the groups.
func groupOrder(q *store.Query, names, group []string) []string {
	var order []string
	for i, name := range names {
		if q.OrderBy != "" && name == q.OrderBy {
			order = append(order, ordered(strconv.Itoa(i+1), q.Desc))
		}
	}
	for _, g := range group {
		order = append(order, ordered(g, false))
	}
	return order
}

// rows writes the answer's columns of a query for rows.
func (c *compiler) rows(q *store.Query, answer func(string, schema.ColumnType, string)) {
	names := q.Columns
	if len(names) == 0 {
		for _, tc := range q.Table.Columns {
			names = append(names, tc.Name)
		}
	}
	for _, name := range names {
		typ, _ := store.ColumnType(q.Table, name)
		answer(name, typ, c.value(name))
	}
}

func (c *compiler) rowOrder(q *store.Query) []string {
	if q.OrderBy == "" {
		return nil
	}
	order := []string{ordered(c.value(q.OrderBy), q.Desc)}
	for _, name := range q.Table.Order {
		if name != q.OrderBy {
			order = append(order, ordered(c.value(name), false))
		}
	}
	return order
}

// conditions writes what stands after WHERE.
func (c *compiler) conditions(q *store.Query) string {
	var all []string
	add := func(column, op string, at schema.Instant) {
		if at != 0 {
			all = append(all, c.value(column)+" "+op+" "+c.param(int64(at)))
		}
	}
	add(q.Table.Time, ">=", q.From)
	if q.Overlap {
		add("first", "<", q.To)
	} else {
		add(q.Table.Time, "<", q.To)
	}
	if q.Where.Op != store.Always {
		all = append(all, c.cond(&q.Where))
	}
	return strings.Join(all, " AND ")
}

// param notes a value and writes its place.
func (c *compiler) param(v any) string {
	c.args = append(c.args, v)
	return "?"
}

// value writes a column of the table or a computed one.
func (c *compiler) value(name string) string {
	if c.table.Column(name) >= 0 {
		c.columns[name] = true
		return quoted(name)
	}
	computed, _ := store.ComputedColumn(c.table, name)
	var plus, minus []string
	for _, n := range computed.Plus {
		plus = append(plus, c.value(n))
	}
	for _, n := range computed.Minus {
		minus = append(minus, c.value(n))
	}
	return summed(plus, minus)
}

// cond writes a condition so that it is true or false, never NULL: NaN is NULL in the files.
func (c *compiler) cond(w *store.Cond) string {
	switch w.Op {
	case store.Always:
		return "true"
	case store.And, store.Or:
		word, none := " AND ", "true"
		if w.Op == store.Or {
			word, none = " OR ", "false"
		}
		parts := make([]string, len(w.Parts))
		for i := range w.Parts {
			parts[i] = c.cond(&w.Parts[i])
		}
		if len(parts) == 0 {
			return none
		}
		return "(" + strings.Join(parts, word) + ")"
	case store.Not:
		return "(NOT " + c.cond(&w.Parts[0]) + ")"
	}
	for _, v := range w.Values {
		if v.IsNaN() && w.Op != store.In {
			return "false"
		}
	}
	typ, _ := store.ColumnType(c.table, w.Column)
	text := c.comparison(w, typ)
	if typ == schema.ColumnFloat {
		return "(" + c.value(w.Column) + " IS NOT NULL AND " + text + ")"
	}
	return text
}

func (c *compiler) comparison(w *store.Cond, typ schema.ColumnType) string {
	column := c.value(w.Column)
	switch w.Op {
	case store.In:
		return c.in(w, typ, column)
	case store.Range:
		return "(" + c.compare(column, ">=", typ, w.Values[0]) + " AND " + c.compare(column, "<=", typ, w.Values[1]) + ")"
	case store.Prefix:
		// The comparison skips row groups, the function decides.
		return "(" + column + " >= " + c.param(w.Values[0].Text) + " AND starts_with(" + column + ", " +
			c.param(w.Values[0].Text) + "))"
	case store.Contains:
		return "contains(" + column + ", " + c.param(w.Values[0].Text) + ")"
	case store.Within:
		return c.within(column, w.Values[0].Text)
	case store.HasBits:
		return "((" + column + " & " + c.param(w.Values[0].Int) + ") = " + c.param(w.Values[0].Int) + ")"
	}
	return c.compare(column, operators[w.Op], typ, w.Values[0])
}

// operators are how SQL writes comparisons with one constant.
var operators = map[store.Op]string{
	store.Eq: "=", store.Ne: "<>", store.Lt: "<", store.Le: "<=", store.Gt: ">", store.Ge: ">=",
}

// compare writes a comparison with a constant. An integer is compared as an integer when the constant is one, so that
// row groups can be skipped; else both as floats.
func (c *compiler) compare(column, op string, typ schema.ColumnType, v store.Value) string {
	switch {
	case typ == schema.ColumnText:
		return column + " " + op + " " + c.param(v.Text)
	case typ == schema.ColumnInt && v.Type == schema.ColumnInt:
		return column + " " + op + " " + c.param(v.Int)
	case typ == schema.ColumnInt && v.Float == math.Trunc(v.Float) && math.Abs(v.Float) < maxWhole:
		return column + " " + op + " " + c.param(int64(v.Float))
	case v.Type == schema.ColumnInt:
		return column + " " + op + " " + c.param(float64(v.Int))
	}
	return asFloat(column) + " " + op + " " + c.param(v.Float)
}

// in writes a list; numbers that are no integers are compared one by one with a column of integers.
func (c *compiler) in(w *store.Cond, typ schema.ColumnType, column string) string {
	var list, single []string
	for _, v := range w.Values {
		switch {
		case v.IsNaN():
		case typ == schema.ColumnText:
			list = append(list, c.param(v.Text))
		case typ == schema.ColumnInt && v.Type == schema.ColumnInt:
			list = append(list, c.param(v.Int))
		case typ == schema.ColumnFloat && v.Type == schema.ColumnFloat:
			list = append(list, c.param(v.Float))
		default:
			single = append(single, "") // keeps the order of parameters: written below
		}
	}
	if len(list) > 0 {
		list = []string{column + " IN (" + strings.Join(list, ", ") + ")"}
	}
	if len(single) > 0 {
		for _, v := range w.Values {
			if v.Type != typ && !v.IsNaN() {
				list = append(list, c.compare(column, "=", typ, v))
			}
		}
	}
	if len(list) == 0 {
		return "false"
	}
	return "(" + strings.Join(list, " OR ") + ")"
}

// within writes that a text is an address in a network. Whole octets of an IPv4 network are compared as text first,
// because that is ten times as fast as reading each address; IPv6 has too many ways to write the same.
func (c *compiler) within(column, network string) string {
	prefix := netip.MustParsePrefix(network).Masked()
	if a := prefix.Addr(); a.Is4() && prefix.Bits() >= 8 {
		octets := strings.Split(a.String(), ".")[:prefix.Bits()/8]
		begin := c.param(strings.Join(octets, "."))
		return "((starts_with(" + column + ", " + begin + ") OR contains(" + column + ", ':')) AND " +
			inNetwork(column, c.param(prefix.String())) + ")"
	}
	return inNetwork(column, c.param(prefix.String()))
}

// sourceOf writes the rows of a snapshot as they stand after FROM: parts by their paths, and the tail.
func (s *Store) sourceOf(snap *snapshot, columns map[string]bool) string {
	var names, fields []string
	for i, tc := range snap.table.Columns {
		if columns == nil || columns[tc.Name] {
			names = append(names, quoted(tc.Name))
			fields = append(fields, fmt.Sprintf("%d: {name: %s, type: '%s', default_value: %s}", i+1, literal(tc.Name),
				duckType(tc.Type), absentValue(tc.Type)))
		}
	}
	if len(names) == 0 { // count(*) of everything
		return s.sourceOf(snap, map[string]bool{snap.table.Time: true})
	}
	var sources []string
	list := strings.Join(names, ", ")
	if len(snap.parts) > 0 {
		paths := make([]string, len(snap.parts))
		for i, p := range snap.parts {
			paths[i] = literal(s.path(p))
		}
		sources = append(sources, fmt.Sprintf("SELECT %s FROM read_parquet([%s], schema=MAP {%s})", list,
			strings.Join(paths, ", "), strings.Join(fields, ", ")))
	}
	if len(snap.tail) > 0 || len(snap.parts) == 0 {
		sources = append(sources, fmt.Sprintf("SELECT %s FROM %s(%d)", list, tailFunction, snap.id))
	}
	return "(" + strings.Join(sources, " UNION ALL ") + ")"
}
