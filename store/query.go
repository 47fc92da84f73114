package store

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"weir/schema"
)

// QueryError says which part of a query is refused, why, and what to do.
type QueryError struct {
	Field string // "table", "from", "where", "by", "step", "aggregates", "columns", "order_by", "limit"
	Msg   string
	Hint  string // may be empty
}

// Error returns a message such as: by: table "sessions" has no column "a_ipp"; did you mean "a_ip"?
func (e *QueryError) Error() string {
	if e.Hint == "" {
		return e.Field + ": " + e.Msg
	}
	return e.Field + ": " + e.Msg + "; " + e.Hint
}

// Bounds of a query, so that a query that a machine wrote cannot eat the house.
const (
	maxConds  = 10_000 // nodes and constants of a condition
	maxDepth  = 100    // of a condition
	maxFields = 1000   // columns, aggregates, groups
)

// Validate says what is wrong with q; stores call it first. The error is a *QueryError.
func (q *Query) Validate() error {
	if q.Table == nil || schema.TableOf(q.Table.Name) != q.Table {
		return &QueryError{"table", "there is no such table", "one of " + strings.Join(tableNames(), ", ")}
	}
	if q.From != 0 && q.To != 0 && q.From > q.To {
		return &QueryError{"from", fmt.Sprintf("%s is after %s", q.From, q.To), "give the earlier instant first"}
	}
	if q.Overlap && q.Table.Column("first") < 0 {
		return &QueryError{"overlap", fmt.Sprintf("rows of %q are no spans of time", q.Table.Name), ""}
	}
	if q.Step < 0 {
		return &QueryError{"step", "is negative", ""}
	}
	if q.Limit < 0 {
		return &QueryError{"limit", "is negative", "0 is no limit"}
	}
	if len(q.By)+len(q.Aggregates)+len(q.Columns) > maxFields {
		return &QueryError{"columns", "too many columns", fmt.Sprintf("at most %d", maxFields)}
	}
	room := maxConds
	if err := q.Where.validate(q.Table, maxDepth, &room); err != nil {
		return err
	}
	answer, err := q.validateAnswer()
	if err != nil {
		return err
	}
	return q.validateOrder(answer)
}

func tableNames() []string {
	names := make([]string, len(schema.Tables))
	for i, t := range schema.Tables {
		names[i] = t.Name
	}
	return names
}

// validateAnswer checks what the answer is to have and returns the names of its columns.
func (q *Query) validateAnswer() ([]string, error) {
	if !q.Grouped() {
		for _, name := range q.Columns {
			if err := knowColumn(q.Table, "columns", name); err != nil {
				return nil, err
			}
		}
		return q.Columns, unique("columns", q.Columns)
	}
	if len(q.Columns) > 0 {
		return nil, &QueryError{"columns", "groups of rows have no columns of single rows", "name them in by or aggregates"}
	}
	for _, name := range q.By {
		if q.Table.Column(name) < 0 {
			return nil, unknownColumn(q.Table, "by", name)
		}
	}
	answer := slices.Clone(q.By)
	if q.Step > 0 {
		answer = append(answer, q.Table.Time)
	}
	for _, a := range q.Aggregates {
		if err := a.validate(q.Table); err != nil {
			return nil, err
		}
		answer = append(answer, a.Name())
	}
	return answer, unique("aggregates", answer)
}

func (q *Query) validateOrder(answer []string) error {
	if q.OrderBy == "" || slices.Contains(answer, q.OrderBy) {
		return nil
	}
	if q.Grouped() {
		hint := schema.DidYouMean(q.OrderBy, slices.Values(answer))
		if hint == "" {
			hint = "one of " + strings.Join(answer, ", ")
		}
		return &QueryError{"order_by", fmt.Sprintf("the answer has no column %q", q.OrderBy), hint}
	}
	return knowColumn(q.Table, "order_by", q.OrderBy)
}

func unique(field string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return &QueryError{field, fmt.Sprintf("two columns of the answer are called %q", name), "rename one (as)"}
		}
		seen[name] = true
	}
	return nil
}

func (a Agg) validate(t *schema.Table) error {
	if a.Func < Sum || a.Func > Last {
		return &QueryError{"aggregates", "unknown function", "one of sum, max, min, avg, count, last"}
	}
	if a.Column == "" {
		if a.Func != Count {
			return &QueryError{"aggregates", a.Func.String() + " of what?", "name a column"}
		}
		return nil
	}
	if err := knowColumn(t, "aggregates", a.Column); err != nil {
		return err
	}
	if typ, _ := ColumnType(t, a.Column); typ == schema.ColumnText && (a.Func == Sum || a.Func == Avg) {
		return &QueryError{"aggregates", fmt.Sprintf("%s of %q, which is a text", a.Func, a.Column),
			"use max, min, last or count"}
	}
	return nil
}

// Type returns the type of the aggregate's values over table t; the aggregate must be valid.
func (a Agg) Type(t *schema.Table) schema.ColumnType {
	switch a.Func {
	case Count:
		return schema.ColumnInt
	case Avg:
		return schema.ColumnFloat
	}
	typ, _ := ColumnType(t, a.Column)
	return typ
}

// ParseAggFunc returns the function of that name: sum, max, min, avg, count, last.
func ParseAggFunc(name string) (AggFunc, error) {
	for f := Sum; f <= Last; f++ {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, &QueryError{"aggregates", fmt.Sprintf("unknown function %q", name), "one of sum, max, min, avg, count, last"}
}

// ColumnType returns the type of a column or computed column of t.
func ColumnType(t *schema.Table, name string) (typ schema.ColumnType, ok bool) {
	if i := t.Column(name); i >= 0 {
		return t.Columns[i].Type, true
	}
	if _, ok := ComputedColumn(t, name); ok {
		return schema.ColumnInt, true
	}
	return 0, false
}

func knowColumn(t *schema.Table, field, name string) error {
	if _, ok := ColumnType(t, name); !ok {
		return unknownColumn(t, field, name)
	}
	return nil
}

func columnNames(t *schema.Table) map[string]bool {
	names := map[string]bool{}
	for _, c := range t.Columns {
		names[c.Name] = true
	}
	for _, c := range ComputedOf(t) {
		names[c.Name] = true
	}
	return names
}

func unknownColumn(t *schema.Table, field, name string) error {
	shown := name
	if len(shown) > 40 {
		shown = strings.ToValidUTF8(shown[:40], "") + "..."
	}
	return &QueryError{field, fmt.Sprintf("table %q has no column %q", t.Name, shown),
		schema.DidYouMean(name, maps.Keys(columnNames(t)))}
}

// Validate says what is wrong with c as a condition on rows of t. The error is a *QueryError.
func (c *Cond) Validate(t *schema.Table) error {
	room := maxConds
	return c.validate(t, maxDepth, &room)
}

func (c *Cond) validate(t *schema.Table, depth int, room *int) error {
	*room -= 1 + len(c.Values)
	if depth == 0 || *room < 0 {
		return &QueryError{"where", "the condition is too large",
			fmt.Sprintf("at most %d deep, %d parts", maxDepth, maxConds)}
	}
	switch c.Op {
	case Always:
		return nil
	case Not, And, Or:
		if c.Op == Not && len(c.Parts) != 1 {
			return &QueryError{"where", "not has one part", ""}
		}
		for i := range c.Parts {
			if err := c.Parts[i].validate(t, depth-1, room); err != nil {
				return err
			}
		}
		return nil
	}
	if c.Op > HasBits {
		return &QueryError{"where", "unknown operator", ""}
	}
	typ, ok := ColumnType(t, c.Column)
	if !ok {
		return unknownColumn(t, "where", c.Column)
	}
	return c.validateValues(typ)
}

// validateValues checks number and types of the constants that a column of type typ is compared with.
func (c *Cond) validateValues(typ schema.ColumnType) error {
	fault := func(msg string) error {
		return &QueryError{"where", fmt.Sprintf("%q %s", c.Column, msg), ""}
	}
	want := 1
	switch c.Op {
	case In:
		want = len(c.Values)
	case Range:
		want = 2
	}
	if len(c.Values) != want {
		return fault(fmt.Sprintf("is compared with %d values, %d are needed", len(c.Values), want))
	}
	for _, v := range c.Values {
		if (v.Type == schema.ColumnText) != (typ == schema.ColumnText) || v.Type < 1 || v.Type > schema.ColumnText {
			if typ == schema.ColumnText {
				return fault("is a text: it cannot be compared with a number")
			}
			return fault("is a number: it cannot be compared with a text")
		}
	}
	switch c.Op {
	case Prefix, Contains, Within:
		if typ != schema.ColumnText {
			return fault("is a number: prefix, contains and within are for texts")
		}
	case HasBits:
		if typ != schema.ColumnInt || c.Values[0].Type != schema.ColumnInt {
			return fault("is no integer: has is for bits of integers")
		}
	}
	if c.Op == Within {
		if _, err := netip.ParsePrefix(c.Values[0].Text); err != nil {
			return fault(fmt.Sprintf("within %q: that is no network such as 10.0.0.0/8", c.Values[0].Text))
		}
	}
	return nil
}
