package store

import (
	"strconv"

	"weir/schema"
)

// Op is what a Cond does.
type Op uint8

// The operators. Comparisons of texts are by bytes and mind capitals. A comparison with a float that is NaN ("no
// value") is false, whatever the operator; Not of it is then true.
const (
	Always   Op = iota // every row: the zero Cond
	And                // all Parts; no parts: true
	Or                 // one of Parts; no parts: false
	Not                // not Parts[0]
	Eq                 // column = Values[0]
	Ne                 // column != Values[0]
	Lt                 // column < Values[0]
	Le                 // column <= Values[0]
	Gt                 // column > Values[0]
	Ge                 // column >= Values[0]
	In                 // column is one of Values; no values: false
	Range              // Values[0] <= column <= Values[1]
	Prefix             // text column begins with Values[0]
	Contains           // text column has Values[0] somewhere in it
	Within             // text column is an IP address in the network Values[0] ("10.0.0.0/8", "2001:db8::/32")
	HasBits            // integer column has all bits of Values[0] set
)

// Cond is a condition on a row: a tree.
type Cond struct {
	Op     Op
	Parts  []Cond  // of And, Or, Not
	Column string  // of the others: a column of the table, or a computed one
	Values []Value // of the type of the column; integers and floats may stand for each other
}

// Value is a constant in a condition.
type Value struct {
	Type  schema.ColumnType // which of the following holds it
	Int   int64
	Float float64
	Text  string
}

// Int returns an integer as a Value.
func Int(i int64) Value { return Value{Type: schema.ColumnInt, Int: i} }

// Float returns a float as a Value.
func Float(f float64) Value { return Value{Type: schema.ColumnFloat, Float: f} }

// Text returns a text as a Value.
func Text(s string) Value { return Value{Type: schema.ColumnText, Text: s} }

// String returns the value as the filter language writes it.
func (v Value) String() string {
	switch v.Type {
	case schema.ColumnInt:
		return strconv.FormatInt(v.Int, 10)
	case schema.ColumnFloat:
		return strconv.FormatFloat(v.Float, 'g', -1, 64)
	}
	return strconv.Quote(v.Text)
}

// All returns the condition that holds when all of them do; those that always hold are left out.
func All(conds ...Cond) Cond {
	parts := make([]Cond, 0, len(conds))
	for _, c := range conds {
		if c.Op != Always {
			parts = append(parts, c)
		}
	}
	switch len(parts) {
	case 0:
		return Cond{}
	case 1:
		return parts[0]
	}
	return Cond{Op: And, Parts: parts}
}

// Any returns the condition that holds when one of them does.
func Any(conds ...Cond) Cond {
	if len(conds) == 1 {
		return conds[0]
	}
	return Cond{Op: Or, Parts: conds}
}

// Where returns the condition that compares a column with constants.
func Where(column string, op Op, values ...Value) Cond {
	return Cond{Op: op, Column: column, Values: values}
}
