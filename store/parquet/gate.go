package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/schema"
)

// gate decides whether a statement of a user may run. DuckDB itself parses it and gives its tree as JSON, which it does
// only for statements that read (SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE): whatever writes, loads, attaches or
// changes settings has no such tree. In the tree only tables of ours and harmless table functions may stand.
type gate struct {
	tables map[string]bool // of ours that the statement reads
	ctes   map[string]bool // names that the statement itself defines
	shows  bool            // it lists tables
	plain  bool            // it may be wrapped in another SELECT
}

// tableFunctions are those that a statement may use: they read no file, no setting and no other statement.
var tableFunctions = []string{"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}

// closedFunctions are scalar functions that tell of the process or its settings rather than of the rows, or that wait.
var closedFunctions = []string{"current_setting", "getenv", "getvariable", "current_query", "write_log", "set_config",
	"json_execute_serialized_sql", "sleep_ms", "pg_sleep", tailFunction, withinFunction}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// readTree checks the JSON that json_serialize_sql made of a statement.
func readTree(text string) (*gate, error) {
	var tree struct {
		Error   bool   `json:"error"`
		Type    string `json:"error_type"`
		Message string `json:"error_message"`
		// Position is where a syntax error is, when DuckDB says so.
		Position   string `json:"position"`
		Statements []any  `json:"statements"`
	}
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return nil, fmt.Errorf("sql: cannot be read: %w", err)
	}
	switch {
	case tree.Error && tree.Type == "not implemented":
		return nil, errors.New("sql: only statements that read are allowed: SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES")
	case tree.Error && tree.Position != "":
		return nil, fmt.Errorf("sql: %s (at character %s)", tree.Message, tree.Position)
	case tree.Error:
		return nil, fmt.Errorf("sql: %s", tree.Message)
	case len(tree.Statements) != 1:
		return nil, fmt.Errorf("sql: %d statements, want one", len(tree.Statements))
	}
	g := &gate{tables: map[string]bool{}, ctes: map[string]bool{}, plain: true}
	if err := g.defined(tree.Statements[0]); err != nil {
		return nil, err
	}
	if err := g.walk(tree.Statements[0]); err != nil {
		return nil, err
	}
	size := growth{factor: 1}
	if err := size.measure(tree.Statements[0], false); err != nil {
		return nil, err
	}
	return g, size.check()
}

// each calls f with what is in a node of the tree.
func each(node any, f func(any) error) error {
	switch node := node.(type) {
	case map[string]any:
		for _, k := range sortedKeys(node) {
			if err := f(node[k]); err != nil {
				return err
			}
		}
	case []any:
		for _, v := range node {
			if err := f(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func textOf(node map[string]any, name string) string {
	s, _ := node[name].(string)
	return s
}

// defined collects the names that WITH defines. A name that could be taken for a file is refused.
func (g *gate) defined(node any) error {
	if m, ok := node.(map[string]any); ok {
		if ctes, ok := m["cte_map"].(map[string]any); ok {
			list, _ := ctes["map"].([]any)
			for _, entry := range list {
				e, _ := entry.(map[string]any)
				name := textOf(e, "key")
				if !plainName.MatchString(name) {
					return fmt.Errorf("sql: WITH %q: such a name is not allowed: use letters, digits and _", name)
				}
				g.ctes[strings.ToLower(name)] = true
			}
		}
	}
	return each(node, g.defined)
}

func (g *gate) walk(node any) error {
	m, ok := node.(map[string]any)
	if !ok {
		return each(node, g.walk)
	}
	var err error
	switch textOf(m, "type") {
	case "BASE_TABLE":
		err = g.table(m)
	case "TABLE_FUNCTION":
		function, _ := m["function"].(map[string]any)
		if name := strings.ToLower(textOf(function, "function_name")); !slices.Contains(tableFunctions, name) {
			err = fmt.Errorf("sql: the table function %s is not allowed; allowed are %s", name,
				strings.Join(tableFunctions, ", "))
		}
	case "SHOW_REF":
		err = g.show(m)
	}
	if name := strings.ToLower(textOf(m, "function_name")); slices.Contains(closedFunctions, name) {
		err = fmt.Errorf("sql: the function %s is not allowed", name)
	}
	if err != nil {
		return err
	}
	return each(node, g.walk)
}

func (g *gate) table(m map[string]any) error {
	name := strings.ToLower(textOf(m, "table_name"))
	if textOf(m, "catalog_name") != "" || textOf(m, "schema_name") != "" {
		return fmt.Errorf("sql: %s.%s: only the tables of weir may be read", textOf(m, "schema_name"), name)
	}
	if schema.TableOf(name) != nil {
		g.tables[name] = true
		return nil
	}
	if g.ctes[name] {
		return nil
	}
	names := make([]string, len(schema.Tables))
	for i, t := range schema.Tables {
		names[i] = t.Name
	}
	hint := schema.DidYouMean(name, slices.Values(names))
	if hint == "" {
		hint = "the tables are " + strings.Join(names, ", ")
	}
	return fmt.Errorf("sql: there is no table %q; %s", name, hint)
}

// show admits DESCRIBE and SUMMARIZE of something that is admitted itself, and SHOW TABLES.
func (g *gate) show(m map[string]any) error {
	g.plain = false
	if m["query"] != nil {
		return nil
	}
	switch name := strings.Trim(strings.ToLower(textOf(m, "table_name")), `"`); {
	case name == "tables":
		g.shows = true
		return nil
	case schema.TableOf(name) != nil:
		g.tables[name] = true
		return nil
	}
	return errors.New("sql: SHOW knows TABLES only")
}

// readable puts the column name "at" into quotes where a user wrote it bare, because it is a word of DuckDB's language.
// Texts, quoted names, comments and "at time zone" stay as they are.
func readable(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		n := tokenLen(text[i:])
		token := text[i : i+n]
		if strings.EqualFold(token, "at") && !isZone(text[i+n:]) {
			token = `"at"`
		}
		out.WriteString(token)
		i += n
	}
	return out.String()
}

var zone = regexp.MustCompile(`(?i)^\s+time\s+zone\b|^\s*\(`)

func isZone(rest string) bool { return zone.MatchString(rest) }

// tokenLen returns how long the first token of a text is: a word, a text, a quoted name, a comment, or one character.
func tokenLen(s string) int {
	switch c := s[0]; {
	case c == '\'' || c == '"':
		for i := 1; i < len(s); i++ {
			if s[i] == c {
				return i + 1 // a doubled quote begins another token, which does no harm
			}
		}
		return len(s)
	case strings.HasPrefix(s, "--"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return i
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		if i := strings.Index(s[2:], "*/"); i >= 0 {
			return i + 4
		}
		return len(s)
	case isWord(c):
		i := 1
		for i < len(s) && isWord(s[i]) {
			i++
		}
		return i
	}
	return 1
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
