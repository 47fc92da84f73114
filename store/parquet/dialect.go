package parquet

import (
	"fmt"
	"strings"

	"weir/schema"
)

// What follows is how DuckDB says what compile.go needs; another database has its own.

// absentValue writes what stands for a column that a part leaves out.
func absentValue(t schema.ColumnType) string {
	switch t {
	case schema.ColumnInt:
		return "'0'"
	case schema.ColumnText:
		return "''"
	}
	return "NULL"
}

// floored writes the beginning of the step that an instant is in, also before 1970.
func floored(expr string, step int64) string {
	return fmt.Sprintf("(%[1]s - ((%[1]s %% %[2]d) + %[2]d) %% %[2]d)", expr, step)
}

// sumOfInts writes a sum that is held to the range of 64 bits instead of failing.
func sumOfInts(expr string) string {
	return "CAST(least(greatest(sum(" + expr + "), -9223372036854775808), 9223372036854775807) AS BIGINT)"
}

// lastBy writes the value of the row with the largest time, of those that have one.
func lastBy(expr, time string) string { return "arg_max(" + expr + ", " + time + ")" }

// ordered writes one column of ORDER BY: no value comes last either way.
func ordered(expr string, desc bool) string {
	if desc {
		return expr + " DESC NULLS LAST"
	}
	return expr + " ASC NULLS LAST"
}

// summed writes the sum of some columns less others. What is so large that it might not fit into 64 bits is added as
// 128 bits and held to the range, because one absurd row must not fail a whole query.
func summed(plus, minus []string) string {
	simple := "(" + strings.Join(plus, " + ")
	wide := "(" + strings.Join(widened(plus), " + ")
	var small []string
	for _, p := range append(append([]string(nil), plus...), minus...) {
		small = append(small, p+" BETWEEN -2000000000000000000 AND 2000000000000000000")
	}
	if len(minus) > 0 {
		simple += " - " + strings.Join(minus, " - ")
		wide += " - " + strings.Join(widened(minus), " - ")
	}
	return "(CASE WHEN " + strings.Join(small, " AND ") + " THEN " + simple + ") ELSE CAST(least(greatest(" + wide +
		"), -9223372036854775808), 9223372036854775807) AS BIGINT) END)"
}

func widened(exprs []string) []string {
	out := make([]string, len(exprs))
	for i, e := range exprs {
		out[i] = "CAST(" + e + " AS HUGEINT)"
	}
	return out
}

// asFloat writes a number as a float.
func asFloat(expr string) string { return "CAST(" + expr + " AS DOUBLE)" }

// inNetwork writes that a text is an IP address in a network.
func inNetwork(expr, network string) string {
	return withinFunction + "(" + expr + ", " + network + ")"
}
