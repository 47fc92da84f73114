package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sqlExample = `SELECT 9223372036854775807 big, CAST(NULL AS DOUBLE) gap, 1.5 half, 'a"b' word UNION ALL ` +
	`SELECT 2, 3, 4, '=x' ORDER BY half`

// TestSQL asks a running server and then its directory; the answers are the same.
func TestSQL(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, "serve", "--sflow", "off", "--netflow", "127.0.0.1:0", "--ipfix", "off", "--data", data)
	t.Chdir(here) // where the golden file is
	url := s.find(`url=(http://\S+)/ `)
	ask := func(flag, where string) (all string) {
		for _, args := range [][]string{
			{sqlExample}, {"--format", "csv", sqlExample}, {"--limit", "1", "--format", "csv", "SHOW TABLES"},
			{"selec 1"}, {"--limit", "2", "SELECT 'x' a FROM range(5)"}, {" "},
			{"DELETE FROM buckets"}, {"SELECT\n1 +\n+ FROM"},
		} {
			code, out, errs := weir(t, append([]string{"sql", flag, where}, args...)...)
			all += strings.Join(args, " ") + "\n" + out + errs
			if (code == exitOK) != (out != "") {
				t.Errorf("%q: exit code %d: %q %q", args, code, out, errs)
			}
		}
		out := mustRun(t, "sql", flag, where, "--format", "parquet", sqlExample)
		if !strings.HasPrefix(out, "PAR1") || !strings.HasSuffix(out, "PAR1") {
			t.Error("this is no Parquet")
		}
		return all
	}
	live := ask("--url", url)
	golden(t, "sql.txt", live)
	if code, _, errs := weir(t, "sql", "--data", data, "SELECT 1"); code == exitOK || !strings.Contains(errs, "--url") {
		t.Errorf("the directory of a running server: %d %s", code, errs)
	}
	s.end(exitOK)
	if dead := ask("--data", data); dead != live {
		t.Errorf("the directory answers\n%s\nthe server answered\n%s", dead, live)
	}
}

// TestSQLReadsOnly holds that a directory which is asked does not change.
func TestSQLReadsOnly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, "serve", "--sflow", "off", "--netflow", "127.0.0.1:0", "--ipfix", "off", "--data", data)
	s.send("netflow", killFlow(t, 1))
	s.received(1)
	s.end(exitOK)
	list := func() (files string) {
		err := filepath.Walk(data, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			files += path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	before := list()
	if out := mustRun(t, "sql", "--data", data, "SELECT sum(m0) FROM buckets WHERE grp = 'hosts'"); !strings.Contains(out,
		"sum(m0)") {
		t.Error(out)
	}
	if after := list(); after != before {
		t.Errorf("the directory was\n%s\nand is\n%s", before, after)
	}
}

func TestSQLRefusals(t *testing.T) {
	asked := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		if r.Header.Get("Authorization") != "Bearer open sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"this needs the right read","hint":"send a token"}`))
			return
		}
		_, _ = w.Write([]byte(`{"columns":[{"name":"a\u001b","type":"text"}],"rows":[["x\u0007"],["y","z"]]}`))
	}))
	defer server.Close()
	for want, args := range map[string][]string{
		"hint: send a token":          {"--url", server.URL, "SELECT 1"},
		"does not answer as weir":     {"--url", server.URL, "--token", "open sesame", "SELECT 1"},
		"is not a URL":                {"--url", "ftp://x", "SELECT 1"},
		"no answer from the server":   {"--url", "127.0.0.1:1", "SELECT 1"},
		"can't be used together":      {"--url", "x", "--data", "y", "SELECT 1"},
		"there is no store in":        {"--data", t.TempDir(), "SELECT 1"},
		"--limit must be between":     {"--limit", "0", "SELECT 1"},
		"--timeout must be between":   {"--timeout", "1h", "SELECT 1"},
		"the statement has more than": {"SELECT " + strings.Repeat("1", sqlMostText)},
	} {
		code, out, errs := weir(t, append([]string{"sql"}, args...)...)
		if code == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, %q, want %q", args[:2], code, errs, want)
		}
	}
	if first := <-asked; first != "" && first != "Bearer open sesame" {
		t.Errorf("asked with %q", first)
	}
}

func TestSQLTable(t *testing.T) {
	table := sqlTable{Columns: []sqlColumn{{"nämé\x1b", "text"}, {"n", "integer"}}}
	if err := table.writeText(&bytes.Buffer{}); err != nil {
		t.Error(err)
	}
	for _, at := range []int{-1, 0, 3, 7, 8, 99} {
		line, column, ok := lineAt("ab\tc\nüx", at)
		if ok != (at >= 0 && at <= 8) || column > len(line) || strings.ContainsAny(line, "\n\t") {
			t.Errorf("%d: %q %d %v", at, line, column, ok)
		}
	}
}
