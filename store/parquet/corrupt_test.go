package parquet

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
)

// TestDamagedPart spoils one of two parts in ways that show at the start and in ways that show only when it is read: the
// other part answers, and what is missing is named.
func TestDamagedPart(t *testing.T) {
	total := store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count}, {Column: "az_bytes", Func: store.Sum}}}
	for name, spoil := range map[string]func(path string) error{
		"missing":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 100) },
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"rubbish": func(path string) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i := range text {
				text[i] ^= byte(i)
			}
			return os.WriteFile(path, text, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, ctx := t.TempDir(), context.Background()
			s := mustOpen(t, dir)
			must(t, s.Keep(ctx, batch(1, sessions(1, 100, testStart, time.Hour-2*time.Second), sessions(2, 50, testStart.Add(time.Hour), time.Minute))))
			must(t, s.Flush(ctx))
			path := ""
			for _, p := range s.partsOf(schema.TableSessions) {
				if p.Rows == 100 {
					path = s.path(p)
				}
			}
			must(t, s.Close())
			must(t, spoil(path))
			s = mustOpen(t, dir)
			if got := text(scan(t, s, total)); !strings.HasPrefix(got, "50 ") {
				t.Errorf("the part that is whole answers %q", got)
			}
			usage, err := s.Usage(ctx)
			must(t, err)
			for _, u := range usage {
				if u.Table == schema.TableSessions && (len(u.Faults) != 1 || !strings.Contains(u.Faults[0], path) || u.Parts != 1) {
					t.Errorf("faults: %q, %d parts", u.Faults, u.Parts)
				}
			}
			must(t, s.Keep(ctx, batch(2, sessions(3, 7, testStart, time.Minute))))
			must(t, s.Tidy(ctx))
			must(t, s.Close())
			s = mustOpen(t, dir)
			if got := text(scan(t, s, total)); !strings.HasPrefix(got, "57 ") {
				t.Errorf("opened again: %q", got)
			}
		})
	}
}

func TestManifestErrors(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	must(t, s.Keep(context.Background(), batch(1, sessions(1, 10, testStart, time.Hour))))
	must(t, s.Close())
	good, err := os.ReadFile(dir + "/manifest")
	must(t, err)
	for _, c := range []struct{ text, want string }{
		{"", "is no manifest"},
		{"weir-parquet 7 00000000\n{}", "has format version 7, this weir reads version 1"},
		{strings.Replace(string(good), `"rows":10`, `"rows":11`, 1), "is damaged"},
		{string(good[:len(good)-1]), "is damaged"},
	} {
		must(t, os.WriteFile(dir+"/manifest", []byte(c.text), 0o600))
		if _, err := Open(dir, testConfig()); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%.40q: %v", c.text, err)
		}
	}
	must(t, os.WriteFile(dir+"/manifest", good, 0o600))
	must(t, os.WriteFile(dir+"/parts/sessions/stray.parquet", nil, 0o600))
	must(t, os.MkdirAll(dir+"/parts/events/2020-01-01", 0o700))
	must(t, os.WriteFile(dir+"/parts/events/2020-01-01/00000009.parquet", nil, 0o600))
	mustOpen(t, dir)
	if _, err := os.Stat(dir + "/parts/events/2020-01-01"); !os.IsNotExist(err) {
		t.Error("a part that the manifest does not name is still there")
	}
}

// TestManifestMissing takes the manifest away: with parts beside it the store does not start, and leaves them alone.
func TestManifestMissing(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	s := mustOpen(t, dir)
	must(t, s.Keep(ctx, batch(1, sessions(1, 10, testStart, time.Hour))))
	must(t, s.Flush(ctx))
	path := s.path(s.partsOf(schema.TableSessions)[0])
	must(t, s.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Rename(dir+"/manifest", dir+"/kept"))
	for _, name := range []string{path, path + asideSuffix} {
		if name != path {
			must(t, os.Rename(path, name))
		}
		s, err := Open(dir, testConfig())
		if err == nil {
			_ = s.Close()
			t.Fatalf("opens without its manifest, with %s there", name)
		}
		for _, want := range []string{dir + "/manifest is missing", "restore the manifest", "move " + dir + "/parts away"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
	}
	must(t, os.Rename(path+asideSuffix, path))
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the part was changed: %v", err)
	}
	must(t, os.Rename(dir+"/kept", dir+"/manifest"))
	s = mustOpen(t, dir)
	if got := rowsOf(t, s); !strings.HasPrefix(got, "10 ") {
		t.Errorf("restored: %q", got)
	}
	must(t, s.Close())
	must(t, os.Rename(dir+"/parts", dir+"/away"))
	must(t, os.Remove(dir+"/manifest"))
	mustOpen(t, dir)
	if _, err := os.Stat(dir + "/manifest"); err != nil {
		t.Errorf("a new store has no manifest: %v", err)
	}
}

// TestPartNameTaken puts files where the next parts would go: they stay, and the parts get other names.
func TestPartNameTaken(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	s := mustOpen(t, dir)
	must(t, s.Keep(ctx, batch(1, sessions(1, 10, testStart, time.Minute))))
	must(t, s.Flush(ctx))
	base := strings.TrimSuffix(s.path(s.partsOf(schema.TableSessions)[0]), "00000001.parquet")
	taken := []string{base + "00000002.parquet", base + "00000003.parquet.tmp", base + "00000004.parquet.bad"}
	for _, name := range taken {
		must(t, os.WriteFile(name, []byte("mine"), 0o600))
	}
	must(t, s.Keep(ctx, batch(2, sessions(11, 10, testStart, time.Minute))))
	must(t, s.Flush(ctx))
	for _, name := range taken {
		if text, err := os.ReadFile(name); err != nil || string(text) != "mine" {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	if got := rowsOf(t, s); !strings.HasPrefix(got, "20 ") {
		t.Errorf("%q", got)
	}
}

func FuzzManifest(f *testing.F) {
	m := &manifest{Next: 3, Nodes: map[string]uint64{"n": 7}, Parts: []*part{{Table: "sessions", Name: "parts/sessions/2026-01-01T00/00000001.parquet", Rows: 1}}}
	good, _ := m.encode()
	f.Add(good)
	f.Add([]byte("weir-parquet 1 00000000\n{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeManifest(text)
		if err != nil {
			return
		}
		again, err := m.encode()
		must(t, err)
		if _, err := decodeManifest(again); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzReadable(f *testing.F) {
	f.Add("select at from x where a = 'at' -- at\n and b at time zone 'x' /* at */ \"at\"")
	f.Add("'")
	f.Add("/*")
	f.Fuzz(func(t *testing.T, text string) {
		once := readable(text)
		if twice := readable(once); twice != once {
			t.Errorf("%q becomes %q", once, twice)
		}
	})
}

func FuzzTree(f *testing.F) {
	f.Add(`{"error":false,"statements":[{"node":{"type":"SELECT_NODE","cte_map":{"map":[{"key":"x"}]},"from_table":{"type":"BASE_TABLE","table_name":"sessions"}}}]}`)
	f.Add(`{"error":true,"error_type":"not implemented"}`)
	f.Add(`{"statements":[[[{"type":"SHOW_REF"},{"type":"TABLE_FUNCTION"}]]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		g, err := readTree(text)
		if err == nil && g == nil {
			t.Error("neither")
		}
	})
}

func TestShapeText(t *testing.T) {
	s := shape{{formInt, false}, {formInt, true}, {formReal, true}, {formText, false}, {formAbsent, true}}
	table := &schema.Table{Columns: make([]schema.TableColumn, 6)}
	if got := s.String(); got != "iIRt-" {
		t.Errorf("%q", got)
	}
	if got := shapeFrom("iIRt-", table).String(); got != "iIRt--" {
		t.Errorf("%q", got)
	}
	if got := shapeFrom("i-r", table).join(shapeFrom("-ii", table)).String(); got != "IIr---" {
		t.Errorf("joined %q", got)
	}
}
