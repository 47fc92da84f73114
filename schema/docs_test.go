package schema

import (
	"os"
	"strings"
	"testing"
)

// fencedLines returns the lines of the blocks of a page that are fenced with a tag.
func fencedLines(t *testing.T, page, tag string) (lines []string) {
	t.Helper()
	for i, part := range strings.Split(page, "```") {
		if body, ok := strings.CutPrefix(part, tag+"\n"); ok && i%2 == 1 {
			lines = append(lines, strings.Split(strings.TrimSpace(body), "\n")...)
		}
	}
	if len(lines) == 0 {
		t.Fatalf("the page has no block %s", tag)
	}
	return lines
}

// worldFuncs stand for the functions that other rooms add.
func worldFuncs() (list []Func) {
	for name, counts := range map[string][2]int{"group": {2, -1}, "map": {2, 2}, "country": {1, 2}, "asn": {1, 2},
		"host": {2, 2}, "dns": {1, 1}, "node": {1, 1}, "ifname": {1, 1}, "link": {1, 1}} {
		list = append(list, Func{Name: name, Min: counts[0], Max: counts[1],
			Build: func(c *Compiler, args []Arg) (Eval, error) { return c.Sub(args[0]) }})
	}
	return list
}

// TestReferencePage compiles every example of the reference page and checks what it says that they give.
func TestReferencePage(t *testing.T) {
	text, err := os.ReadFile("../docs/flow-language.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	var pairs []string
	for _, line := range fencedLines(t, page, "weir-packet") {
		pairs = append(pairs, strings.Replace(line, " = ", "=", 1))
	}
	in := rowOf(pairs...)
	c := NewCompiler(rowFields(&in), worldFuncs())
	give := map[string]func(string) (string, error){
		"weir-keys":   func(s string) (string, error) { return keysGive(c, s) },
		"weir-value":  func(s string) (string, error) { return valueGives(c, s) },
		"weir-filter": func(s string) (string, error) { return filterGives(c, s) },
	}
	for tag, gives := range give {
		for _, line := range fencedLines(t, page, tag) {
			expr, want, told := strings.Cut(line, "->")
			got, err := gives(strings.TrimSpace(expr))
			if err != nil || told && got != strings.TrimSpace(want) {
				t.Errorf("%s: gives %q, %v", line, got, err)
			}
		}
	}
	for _, f := range append(textFuncs(), valueFuncs()...) {
		call := "`" + f.Name + ":" + strings.ReplaceAll(f.Args, "|", `\|`) + "`"
		if !strings.Contains(page, call) {
			t.Errorf("the page does not describe %s", call)
		}
		if f.Doc == "" {
			t.Errorf("function %s has no line of documentation", f.Name)
		}
	}
}

func keysGive(c *Compiler, expr string) (string, error) {
	k, err := c.Keys(expr)
	if err != nil {
		return "", err
	}
	b, ok := k.Append(nil, &Record{})
	if !ok {
		return "null", nil
	}
	return string(AppendKeyText(nil, b, ",")), nil
}

func valueGives(c *Compiler, expr string) (string, error) {
	m, err := c.Value(expr)
	if err != nil {
		return "", err
	}
	var v Value
	m.Eval(&Record{}, &v)
	return v.String(), nil
}

func filterGives(c *Compiler, expr string) (string, error) {
	f, err := c.Filter(expr)
	if err != nil {
		return "", err
	}
	if f(&Record{}) {
		return "true", nil
	}
	return "false", nil
}
