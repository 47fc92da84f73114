package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/config"
	"weir/engine"
	"weir/schema"
	"weir/sim"
	"weir/wire"
	"weir/wire/sflow"
)

var update = flag.Bool("update", false, "write the generated parts of the pages anew")

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// generated marks where the part of a page begins that is made by a test.
const generated = "<!-- generated -->\n"

// TestMetricsPage compares the generated part of the reference of metrics with the tables of the program.
func TestMetricsPage(t *testing.T) {
	generate(t, "metrics.md", metricTables())
}

var kinds = map[schema.MetricKind]string{
	schema.Counter32: "rate per second", schema.Counter64: "rate per second", schema.Gauge: "gauge", schema.Label: "text",
}

// metricTables returns the metrics of all counter structures.
func metricTables() string {
	var b strings.Builder
	for _, enterprise := range []uint32{0, 4413, 5703} {
		for format := range uint32(4096) {
			s := sflow.CounterStructure(enterprise, format)
			if s == nil {
				continue
			}
			rows := ""
			for _, f := range s.Fields {
				if f.Metric != "" && f.Type != sflow.TypeIfStatus {
					rows += fmt.Sprintf("| `%s` | %s | %s |\n", f.Metric, kind(&f), f.Name)
				}
			}
			if rows != "" {
				fmt.Fprintf(&b, "\n### %d:%d %s\n\n| metric | is | field |\n|---|---|---|\n%s", enterprise, format, s.Name, rows)
			}
		}
	}
	return b.String()
}

func kind(f *sflow.Field) string {
	if f.Type == sflow.TypePercent {
		return "percent"
	}
	return kinds[f.Kind]
}

// TestMetricNames runs a network and looks for every metric that comes out of it on the page.
func TestMetricNames(t *testing.T) {
	page := read(t, "metrics.md")
	e, err := engine.New(engine.Config{Lanes: 1, Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	n := sim.New(1, sim.Options{Load: 0.05, Polling: 2 * time.Second})
	p := e.Parcel()
	n.Run(n.Now().Add(7*time.Second), func(d sim.Datagram) {
		p.Add(wire.Datagram{At: d.At, From: d.From, Data: d.Data})
	})
	if err := e.Put(ctx, 0, p); err != nil {
		t.Fatal(err)
	}
	if err := e.Tick(ctx, n.Now()); err != nil {
		t.Fatal(err)
	}
	names := e.View().Metric.Names(n.Now())
	if len(names) < 100 {
		t.Errorf("only %d metrics", len(names))
	}
	for name := range names {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("metrics.md does not have %s", name)
		}
	}
	cancel()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
}

// blocks returns the fenced blocks of a language on a page.
func blocks(page, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		found = append(found, m[1])
	}
	return found
}

// TestConfigurations reads every example of a configuration.
func TestConfigurations(t *testing.T) {
	count := 0
	for _, name := range pages(t) {
		if name == "architecture.md" { // it shows what is to come
			continue
		}
		for _, text := range blocks(read(t, name), "yaml") {
			count++
			if _, problems := config.Parse(name, []byte(text)); len(problems) > 0 {
				t.Errorf("%s: %v in\n%s", name, problems, text)
			}
		}
	}
	if count < 4 {
		t.Errorf("%d examples of configurations; there should be more", count)
	}
}

func pages(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil || len(names) < 5 {
		t.Fatalf("%d pages: %v", len(names), err)
	}
	return append(names, "../README.md")
}

// TestRequests looks at every body in an example of curl: it must be JSON.
func TestRequests(t *testing.T) {
	for _, name := range pages(t) {
		for _, m := range regexp.MustCompile(`(?s)-d '(\{.*?\})'`).FindAllStringSubmatch(read(t, name), -1) {
			if !json.Valid([]byte(m[1])) {
				t.Errorf("%s: no JSON: %s", name, m[1])
			}
		}
	}
}

// TestLinks follows the links between pages.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for _, name := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			to := m[1]
			if strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, to)
			}
		}
	}
}

// TestDependencies asks for a line on the page for every module that our code imports and every package of the console.
func TestDependencies(t *testing.T) {
	page := read(t, "dependencies.md")
	for _, path := range imports(t) {
		known := false
		for _, m := range regexp.MustCompile("`([a-zA-Z0-9./@_-]+)`").FindAllStringSubmatch(page, -1) {
			known = known || path == m[1] || strings.HasPrefix(path, m[1]+"/")
		}
		if !known {
			t.Errorf("dependencies.md has no line for %s", path)
		}
	}
	var console struct{ Dependencies, DevDependencies map[string]string }
	b, err := os.ReadFile("../web/package.json")
	if err != nil {
		t.Skip("the console is not here:", err)
	}
	if err := json.Unmarshal(b, &console); err != nil {
		t.Fatal(err)
	}
	for _, list := range []map[string]string{console.Dependencies, console.DevDependencies} {
		for name := range list {
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("dependencies.md has no line for %s", name)
			}
		}
	}
}

// imports returns the paths outside of the standard library and of ours that our Go files import.
func imports(t *testing.T) (paths []string) {
	t.Helper()
	see := func(path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && !slices.Contains(paths, p) {
				paths = append(paths, p)
			}
		}
	}
	eachGoFile(t, see)
	if len(paths) == 0 {
		t.Fatal("no imports found")
	}
	return paths
}

// eachGoFile calls see with the path of every Go file of ours.
func eachGoFile(t *testing.T, see func(path string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != "..") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			see(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDefinitions compiles the keys, values and filters that stand in command lines and bodies on the pages.
func TestDefinitions(t *testing.T) {
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := e.Vocabulary()
	check := func(name, what, text string) {
		var err error
		switch what {
		case "keys":
			_, err = c.Keys(text)
		case "value":
			_, err = c.Value(text)
		case "filter":
			_, err = c.Filter(text)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	count := 0
	command := regexp.MustCompile(`--(keys|value|filter) '?([^' \n]+)'?`)
	member := regexp.MustCompile(`"(keys|value|filter)": "([^"]+)"`)
	for _, name := range pages(t) {
		if name == "alerts.md" { // its keys are those of counter groups
			continue
		}
		for _, text := range blocks(read(t, name), "sh") {
			for _, re := range []*regexp.Regexp{command, member} {
				for _, m := range re.FindAllStringSubmatch(text, -1) {
					count++
					check(name, m[1], m[2])
				}
			}
		}
	}
	if count < 4 {
		t.Errorf("%d expressions found; there should be more", count)
	}
}

// TestShortcuts compares the keys of the console with the page about it.
func TestShortcuts(t *testing.T) {
	page := read(t, "console.md")
	shortcut := regexp.MustCompile(`(?s)\bkeys: '([^']+)',\s*does: '([^']+)'`)
	list := shortcut.FindAllStringSubmatch(read(t, "../web/src/App.svelte"), -1)
	if len(list) < 5 {
		t.Fatalf("only %d shortcuts found", len(list))
	}
	for _, m := range list {
		row := "| `" + strings.ReplaceAll(m[1], " ", "` `") + "` | "
		if !strings.Contains(page, row+strings.TrimPrefix(m[2], "this ")+" |\n") {
			t.Errorf("console.md does not have the key %s: %s", m[1], m[2])
		}
	}
}

// ownCounter is the name of one of our own counters or gauges.
var ownCounter = regexp.MustCompile(`\bweir_[a-z_]*[a-z]\b`)

// TestCounters compares the counters that the program writes with the page about them.
func TestCounters(t *testing.T) {
	page := read(t, "troubleshooting.md")
	served := map[string]bool{}
	literal := regexp.MustCompile(`"(weir_[a-z]+_[a-z_]*[a-z])"`)
	eachGoFile(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, m := range literal.FindAllStringSubmatch(read(t, path), -1) {
			served[m[1]] = true
		}
	})
	if len(served) < 50 {
		t.Fatalf("only %d counters found", len(served))
	}
	for name := range served {
		if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+name+"{") {
			t.Errorf("troubleshooting.md does not have %s", name)
		}
	}
	for _, name := range pages(t) {
		for _, word := range ownCounter.FindAllString(read(t, name), -1) {
			if name != "architecture.md" && !served[word] {
				t.Errorf("%s: there is no %s", name, word)
			}
		}
	}
}

// TestPlainPages finds lines that end in space.
func TestPlainPages(t *testing.T) {
	for _, name := range pages(t) {
		for i, line := range bytes.Split([]byte(read(t, name)), []byte("\n")) {
			if bytes.HasSuffix(line, []byte(" ")) {
				t.Errorf("%s:%d: ends in space", name, i+1)
			}
		}
	}
}
