package docs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"weir/meter"
	"weir/schema"
	"weir/session"
	"weir/store"
)

// TestCounterGroupsPage compares the table of built-in groups with the catalogue.
func TestCounterGroupsPage(t *testing.T) {
	generate(t, "counter-groups.md", groupTables())
}

// typeLetters are what the page writes for types of meters.
var typeLetters = map[meter.VarType]string{
	meter.Rate: "R", meter.Counter: "C", meter.Running: "L", meter.Gauge: "G", meter.DeltaRate: "D",
}

// groupTables returns the built-in groups with their meters.
func groupTables() string {
	var b strings.Builder
	fed, known := "", ""
	for _, g := range meter.Builtin() {
		row := groupRow(g)
		if g.Kind == meter.KindScript {
			known += row
			continue
		}
		fed += row
	}
	const head = "\n| group | GUID | keys | bucket, topper | meters |\n|---|---|---|---|---|\n"
	b.WriteString(head + fed)
	b.WriteString("\n### Groups that scripts feed\n" + head + known)
	return b.String()
}

func groupRow(g *meter.Group) string {
	var meters []string
	for _, m := range g.Meters {
		top := ""
		if m.Top > 0 {
			top = fmt.Sprint(m.Top)
		}
		if m.Bottom > 0 {
			top += fmt.Sprintf("/%d", m.Bottom)
		}
		meters = append(meters, fmt.Sprintf("%d %s %s%s", m.ID, m.Name, typeLetters[m.Type], top))
	}
	title := "**" + g.Title + "**"
	if g.Description != "" {
		title += ": " + g.Description
	}
	return fmt.Sprintf("| `%s` %s | `%s` | %s | %v, %v | %s |\n", g.Name, title, g.GUID, g.Form, g.Bucket, g.Topper,
		strings.Join(meters, "; "))
}

// TestFeeds compares the words that meters may be fed by with the page.
func TestFeeds(t *testing.T) {
	const mark, end = "<!-- feeds -->\n", "\n## Labels"
	want := "\n| word | adds |\n|---|---|\n"
	words := meter.FeedWords()
	for _, name := range slices.Sorted(maps.Keys(words)) {
		want += fmt.Sprintf("| `%s` | %s |\n", name, words[name])
	}
	between(t, "counter-groups.md", mark, end, want)
}

// TestStoragePage compares the tables of the page with those that memory keeps.
func TestStoragePage(t *testing.T) {
	generate(t, "storage.md", storeTables())
	const mark, end = "<!-- keep -->\n", "\n## Space"
	want := "\n| table | has | kept for |\n|---|---|---|\n"
	keep := store.DefaultConfig().Keep
	for _, s := range schema.Tables {
		days := "ever"
		if d := keep[s.Name]; d > 0 {
			days = fmt.Sprintf("%d days", int(d.Hours()/24))
		}
		want += fmt.Sprintf("| `%s` | %s | %s |\n", s.Name, s.Doc, days)
	}
	between(t, "storage.md", mark, end, want)
}

// storeTables returns the tables that memory keeps with their columns.
func storeTables() string {
	var b strings.Builder
	words := map[schema.ColumnType]string{
		schema.ColumnInt: "integer", schema.ColumnFloat: "float", schema.ColumnText: "text",
	}
	for _, t := range schema.Tables {
		fmt.Fprintf(&b, "\n### %s\n\n%s. Rows are found by `%s`.\n", t.Name, upperFirst(t.Doc), t.Time)
		if t == schema.TableBuckets5m || t == schema.TableBuckets1h || t.Name == "running" {
			b.WriteString("Columns as above.\n")
			continue
		}
		b.WriteString("\n| column | is | unit | meaning |\n|---|---|---|---|\n")
		for _, c := range t.Columns {
			if c.Name > "m0" && c.Name < "m99" && c.Name[0] == 'm' && c.Name[1] <= '9' || c.Name > "x0" && c.Name < "x99" {
				continue // the first stands for all of them
			}
			name, doc := "`"+c.Name+"`", c.Doc
			switch c.Name {
			case "m0":
				name, doc = "`m0` to `m31`", strings.Replace(doc, "meter 0 of", "that meter of", 1)
			case "x0":
				name = "`x0` to `x7`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, words[c.Type], c.Unit, strings.ReplaceAll(doc, "|", `\|`))
		}
	}
	return b.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// between compares what stands between two marks of a page, or writes it anew.
func between(t *testing.T, name, mark, end, want string) {
	t.Helper()
	page := read(t, name)
	before, rest, ok := strings.Cut(page, mark)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place between %q and %q", name, mark, end)
	}
	if old == want {
		return
	}
	if *update {
		write(t, name, before+mark+want+end+after)
		return
	}
	t.Errorf("%s is not what the tables say: go test ./docs -update", name)
}

// TestSessionFields compares the fields of searches for sessions with the page.
func TestSessionFields(t *testing.T) {
	const mark, end = "<!-- fields -->\n", "\n## Live and past"
	want := "\n| field | is |\n|---|---|\n"
	fields := session.QueryFields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		want += fmt.Sprintf("| `%s` | %s |\n", name, strings.ReplaceAll(fields[name], "|", `\|`))
	}
	between(t, "sessions.md", mark, end, want)
}
