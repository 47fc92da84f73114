package parquet

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// DuckDB neither counts the memory of values that expressions make nor stops within a block of 2048 of them. Therefore
// a statement may make values only so much larger than what it reads: the factors of all its functions are multiplied,
// because each may work on what another made.
const (
	maxGrowth      = 10_000  // how often larger than its parts a value may become
	maxGrowthBytes = 100_000 // the same times the longest text that stands in the statement
)

// sizeArguments are the functions that take a size, and which argument it is.
var sizeArguments = map[string]int{"repeat": 1, "lpad": 1, "rpad": 1, "list_resize": 1, "array_resize": 1, "bar": 3,
	"bitstring": 1, "equi_width_bins": 2}

// multiples are functions that make a text so many times as long.
var multiples = map[string]float64{"hex": 2, "to_hex": 2, "bin": 8, "to_binary": 8, "url_encode": 3, "base64": 2,
	"to_base64": 2, "json_quote": 2, "to_json": 2, "regexp_escape": 2}

// joining are functions whose value is as large as their arguments together.
var joining = []string{"||", "concat", "concat_ws", "list_concat", "list_cat", "array_concat", "array_cat", "combine",
	"list_value", "list_pack", "array_value", "array_construct", "row", "struct_pack", "struct_concat", "struct_insert",
	"map", "map_concat", "json_array", "json_object", "list_append", "array_append", "array_push_back", "list_prepend",
	"array_prepend", "array_push_front", "json_merge_patch"}

// repeating are functions that apply an expression to its own value again and again.
var repeating = []string{"list_reduce", "array_reduce", "reduce"}

var (
	numbers     = regexp.MustCompile(`[0-9]+`)
	nestedWidth = regexp.MustCompile(`\{[^{}]*\{|%[^a-zA-Z%]*\*`)
)

// growth sums up what a statement makes of its values.
type growth struct {
	factor  float64
	longest int // text that stands in the statement, in bytes
}

// measure walks a tree. loops tells that the node is run on its own value again and again.
func (g *growth) measure(node any, loops bool) error {
	m, ok := node.(map[string]any)
	if !ok {
		return each(node, func(n any) error { return g.measure(n, loops) })
	}
	if value, ok := m["value"].(map[string]any); ok {
		g.longest = max(g.longest, len(textOf(value, "value")))
	}
	name := strings.ToLower(textOf(m, "function_name"))
	if textOf(m, "type") == "TABLE_FUNCTION" {
		// It makes its rows one block at a time, so that only its arguments matter.
		function, _ := m["function"].(map[string]any)
		return g.measure(function["children"], loops)
	}
	if name != "" {
		factor, err := factorOf(name, m)
		if err != nil {
			return err
		}
		if loops && factor > 1 {
			return fmt.Errorf("sql: %s of values that grow is not allowed in WITH RECURSIVE and list_reduce", name)
		}
		g.factor *= max(1, factor)
	}
	loops = loops || textOf(m, "type") == "RECURSIVE_CTE_NODE"
	if slices.Contains(repeating, name) {
		return each(m["children"], func(n any) error {
			child, _ := n.(map[string]any)
			return g.measure(n, loops || textOf(child, "type") == "LAMBDA")
		})
	}
	for _, key := range sortedKeys(m) {
		if key == "lhs" && textOf(m, "type") == "LAMBDA" {
			continue // the names of its arguments look like a row
		}
		if err := g.measure(m[key], loops); err != nil {
			return err
		}
	}
	return nil
}

// check refuses a statement whose values could become too large.
func (g *growth) check() error {
	if g.factor <= 1 || g.factor < maxGrowth && g.factor*float64(g.longest) <= maxGrowthBytes {
		return nil
	}
	return fmt.Errorf("sql: the values could become too large: sizes and repetitions multiply to %.0f (texts of up to %d "+
		"bytes): at most %d, and %d bytes, are allowed: use smaller sizes",
		g.factor, g.longest, maxGrowth-1, maxGrowthBytes)
}

// factorOf tells how many times as large as its arguments the value of a function may be.
func factorOf(name string, m map[string]any) (float64, error) {
	arguments, _ := m["children"].([]any)
	if from := textOf(m, "schema"); from != "" && from != "main" {
		arguments = append([]any{nil}, arguments...) // column.function(...): the column is the first argument
	}
	if at, ok := sizeArguments[name]; ok {
		if name == "bar" && len(arguments) == 3 {
			return 80, nil // its width when none is given
		}
		if name == "equi_width_bins" || len(arguments) > at {
			return sizeAt(name, arguments, at)
		}
		return 1, nil // DuckDB refuses it
	}
	switch name {
	case "range", "generate_series":
		return spanOf(name, arguments)
	case "printf", "format":
		return widthOfFormat(name, arguments)
	case "replace", "regexp_replace":
		if len(arguments) < 3 {
			return 1, nil
		}
		with, ok := literalText(arguments[2])
		if !ok {
			return 0, fmt.Errorf("sql: the replacement of %s has to be a text, not an expression", name)
		}
		return float64(len(with)), nil
	}
	if slices.Contains(joining, name) {
		return float64(varying(arguments)), nil
	}
	return multiples[name], nil
}

func sizeAt(name string, arguments []any, at int) (float64, error) {
	if at < len(arguments) {
		if n, ok := literalInt(arguments[at]); ok && n < maxGrowth {
			return n, nil
		}
	}
	return 0, fmt.Errorf("sql: the size that %s takes has to be a whole number below %d, not an expression",
		name, maxGrowth)
}

// spanOf returns at most how many numbers a list of range has.
func spanOf(name string, arguments []any) (float64, error) {
	ends := []float64{0, 0, 1}
	for i, a := range arguments {
		n, ok := literalInt(a)
		if !ok || i >= len(ends) {
			return 0, fmt.Errorf("sql: a list of %s needs whole numbers, not expressions; FROM %s(...) takes any", name, name)
		}
		ends[i] = n
	}
	if len(arguments) == 1 {
		ends[0], ends[1] = 0, ends[0]
	}
	if ends[2] == 0 {
		return 1, nil
	}
	return (ends[1]-ends[0])/ends[2] + 1, nil
}

// widthOfFormat returns the largest width that a format asks for, times the places that it fills.
func widthOfFormat(name string, arguments []any) (float64, error) {
	if len(arguments) == 0 {
		return 1, nil
	}
	text, ok := literalText(arguments[0])
	if !ok || nestedWidth.MatchString(text) {
		return 0, fmt.Errorf("sql: the format of %s has to be a text with widths that are numbers", name)
	}
	factor := float64(max(1, strings.Count(text, "{"), strings.Count(text, "%")))
	width := 1.0
	for _, digits := range numbers.FindAllString(text, -1) {
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil || n >= maxGrowth {
			return 0, fmt.Errorf("sql: the format of %s has a width of %s, at most %d are allowed", name, digits, maxGrowth-1)
		}
		width = max(width, n)
	}
	return factor * width, nil
}

func varying(arguments []any) int {
	n := 0
	for _, a := range arguments {
		if m, ok := a.(map[string]any); !ok || textOf(m, "class") != "CONSTANT" {
			n++
		}
	}
	return n
}

func constant(node any) any {
	m, _ := node.(map[string]any)
	if textOf(m, "class") != "CONSTANT" {
		return nil
	}
	value, _ := m["value"].(map[string]any)
	return value["value"]
}

func literalText(node any) (string, bool) {
	s, ok := constant(node).(string)
	return s, ok
}

// literalInt reads a number of the tree. DuckDB writes one of a DECIMAL type without its point: only integers count.
func literalInt(node any) (float64, bool) {
	m, _ := node.(map[string]any)
	value, _ := m["value"].(map[string]any)
	kind, _ := value["type"].(map[string]any)
	if id := textOf(kind, "id"); id != "INTEGER" && id != "BIGINT" {
		return 0, false
	}
	n, ok := constant(node).(float64)
	return n, ok
}
