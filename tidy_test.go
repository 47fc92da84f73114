// Package weir_test keeps the house rules of docs/architecture.md sections 4 and 14 as a test.
package weir_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport says which rooms of the house a room may import. A room that is not here must be added, with its place in
// docs/architecture.md section 4.
var mayImport = map[string][]string{
	"schema":              {},
	"wire/packet":         {"schema"},
	"wire/sflow":          {"schema"},
	"wire/netflow":        {"schema"},
	"wire":                {"schema", "wire/packet", "wire/sflow", "wire/netflow"},
	"enrich":              {"schema"},
	"metric":              {"schema"},
	"flow":                {"schema"},
	"event":               {"schema"},
	"key":                 {"schema"},
	"session":             {"schema", "key"},
	"meter":               {"schema", "key"},
	"alert":               {"schema", "key"},
	"store":               {"schema", "vitals"},
	"store/storetest":     {"schema", "store"},
	"store/parquet":       {"schema", "store"},
	"history":             {"schema", "key", "session", "meter", "alert", "flow", "event", "engine", "store"},
	"vitals":              {},
	"engine":              {"schema", "wire", "enrich", "metric", "flow", "event", "key", "session", "meter", "alert", "vitals"},
	"capture":             {"schema", "vitals"},
	"capture/capturetest": {"schema", "capture"},
	"resolve":             {"schema", "enrich", "vitals"},
	"ingest":              {"schema", "wire", "capture", "engine", "vitals"},
	"api":                 {"schema", "wire", "wire/netflow", "enrich", "metric", "flow", "event", "key", "session", "meter", "alert", "store", "history", "engine", "vitals", "web"},
	"web":                 {},
	"face/sflowrt":        {"schema", "wire", "enrich", "metric", "flow", "event", "engine", "api", "vitals"},
	"export":              {"schema", "flow", "engine", "wire", "wire/netflow", "vitals"},
	"config":              {"schema", "session", "meter", "alert", "store", "store/parquet", "enrich", "metric", "flow", "event", "engine", "capture", "ingest", "resolve", "api", "wire", "wire/netflow", "export"},
	"sim":                 {"schema", "wire", "wire/packet", "wire/sflow", "wire/netflow", "flow", "capture"},
	"cmd/weir":            {"*"},
	"docs":                {"*"},
	"corpus":              {"*"},
	".":                   {},
	"wire/dump":           {"schema", "wire", "wire/packet", "wire/sflow", "wire/netflow"},
}

var pureRooms = []string{
	"schema", "wire", "wire/packet", "wire/sflow", "wire/netflow", "wire/dump", "enrich", "metric", "flow", "event",
	"key", "session", "meter", "alert",
}

// impure lists what a pure room may not import, and which functions of package time it may not call.
var impure = map[string]bool{
	"os": true, "net": true, "sync": true, "sync/atomic": true, "context": true, "log": true, "log/slog": true,
	"math/rand": true, "math/rand/v2": true, "net/http": true, "os/exec": true,
}

var clockCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "Tick": true, "AfterFunc": true,
	"NewTimer": true, "NewTicker": true,
}

// longFunctions are allowed to pass 70 lines, each for a reason.
var longFunctions = map[string]string{}

// longFiles are allowed to pass 600 lines, each for a reason.
var longFiles = map[string]string{}

type source struct {
	path, room string
	file       *ast.File
	set        *token.FileSet
	lines      []string
}

func readHouse(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		var lines []string
		for sc := bufio.NewScanner(strings.NewReader(string(text))); sc.Scan(); {
			lines = append(lines, sc.Text())
		}
		all = append(all, source{path, filepath.ToSlash(filepath.Dir(path)), file, set, lines})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func isTest(s source) bool { return strings.HasSuffix(s.path, "_test.go") }

func TestImports(t *testing.T) {
	for _, s := range readHouse(t) {
		if isTest(s) {
			continue
		}
		allowed, known := mayImport[s.room]
		if !known {
			t.Errorf("%s: room %q has no line in mayImport", s.path, s.room)
			continue
		}
		for _, spec := range s.file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if room, ours := strings.CutPrefix(path, "weir/"); ours &&
				!slices.Contains(allowed, room) && !slices.Contains(allowed, "*") {
				t.Errorf("%s: %s may not import %s", s.path, s.room, room)
			}
			if slices.Contains(pureRooms, s.room) && impure[path] {
				t.Errorf("%s: the pure room %s may not import %s", s.path, s.room, path)
			}
			if path == "C" {
				t.Errorf("%s: no cgo here", s.path)
			}
		}
	}
}

func TestPureRooms(t *testing.T) {
	for _, s := range readHouse(t) {
		if isTest(s) || !slices.Contains(pureRooms, s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a pure room starts no goroutine", s.set.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && clockCalls[n.Sel.Name] {
					t.Errorf("%s: a pure room has no clock: time.%s", s.set.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestSizes(t *testing.T) {
	for _, s := range readHouse(t) {
		if isTest(s) {
			continue
		}
		if n := len(s.lines); n > 600 && longFiles[s.path] == "" {
			t.Errorf("%s: %d lines, a file has at most 600", s.path, n)
		}
		for i, line := range s.lines {
			if strings.Contains(line, "`") {
				continue // a struct tag cannot be broken
			}
			if n := len([]rune(line)); n > 120 {
				t.Errorf("%s:%d: %d columns, a line has at most 120", s.path, i+1, n)
			}
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if n > 70 && longFunctions[s.room+"."+f.Name.Name] == "" {
				t.Errorf("%s: %s has %d lines, a function has at most 70", s.set.Position(f.Pos()), f.Name.Name, n)
			}
		}
	}
}

func TestDocComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range readHouse(t) {
		if isTest(s) || s.room == "." {
			continue
		}
		if filepath.Base(s.path) == "doc.go" && s.file.Doc != nil {
			documented[s.room] = true
		} else if !documented[s.room] {
			documented[s.room] = false
		}
		for _, d := range s.file.Decls {
			checkDoc(t, s, d)
		}
	}
	for room, ok := range documented {
		if !ok {
			t.Errorf("%s: no doc.go with a package comment", room)
		}
	}
}

func checkDoc(t *testing.T, s source, d ast.Decl) {
	t.Helper()
	complain := func(n ast.Node, name string) {
		t.Errorf("%s: exported %s has no comment", s.set.Position(n.Pos()), name)
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d)) {
			complain(d, d.Name.Name)
		}
		if d.Name.Name == "init" && d.Recv == nil {
			t.Errorf("%s: no init functions", s.set.Position(d.Pos()))
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					complain(spec, spec.Name.Name)
				}
			case *ast.ValueSpec:
				if spec.Names[0].IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					complain(spec, spec.Names[0].Name)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	x := d.Recv.List[0].Type
	for {
		switch v := x.(type) {
		case *ast.StarExpr:
			x = v.X
		case *ast.IndexExpr:
			x = v.X
		case *ast.IndexListExpr:
			x = v.X
		case *ast.Ident:
			return v.IsExported()
		default:
			return false
		}
	}
}

// standardNames end in a poor word because a standard named them.
var standardNames = map[string]bool{"TCPInfo": true} // sFlow structure extended_tcp_info

var poorEndings = []string{"Manager", "Helper", "Info", "Impl", "Util", "Utils"}

func TestNames(t *testing.T) {
	for _, s := range readHouse(t) {
		if isTest(s) {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if n := d.Name.Name; d.Recv != nil && len(n) > 3 && strings.HasPrefix(n, "Get") && ast.IsExported(n[3:]) {
					t.Errorf("%s: a getter has no Get: %s", s.set.Position(d.Pos()), n)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok {
						for _, bad := range poorEndings {
							if strings.HasSuffix(ts.Name.Name, bad) && !standardNames[ts.Name.Name] {
								t.Errorf("%s: %s says nothing: find the domain word", s.set.Position(ts.Pos()), ts.Name.Name)
							}
						}
					}
				}
			}
		}
	}
}

func TestFormatted(t *testing.T) {
	out, err := exec.Command("gofmt", "-l", ".").Output()
	if err != nil {
		t.Skip("gofmt is not on the path:", err)
	}
	for _, path := range strings.Fields(string(out)) {
		if !strings.HasPrefix(path, "web/node_modules") {
			t.Errorf("%s: gofmt would change it", path)
		}
	}
}
