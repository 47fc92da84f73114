package parquet

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
)

func testConfig() Config {
	c := DefaultConfig()
	c.Threads = 2
	c.MemoryLimit, c.SQLMemory = 256<<20, 128<<20
	return c
}

func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func scan(t testing.TB, s *Store, q store.Query) *schema.Block {
	t.Helper()
	var all *schema.Block
	for b, err := range s.Scan(context.Background(), q) {
		must(t, err)
		if all == nil {
			all = b
			continue
		}
		appendBlock(all, b)
	}
	if all == nil {
		all = &schema.Block{}
	}
	return all
}

// text writes a block one row a line.
func text(b *schema.Block) string {
	var out strings.Builder
	for row := range b.Rows {
		for i := range b.Columns {
			c := &b.Columns[i]
			if i > 0 {
				out.WriteByte(' ')
			}
			switch c.Type {
			case schema.ColumnInt:
				fmt.Fprint(&out, c.Ints[row])
			case schema.ColumnFloat:
				fmt.Fprint(&out, c.Floats[row])
			default:
				out.Write(c.Texts.At(row))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func batch(seq uint64, blocks ...*schema.Block) store.Batch {
	return store.Batch{Node: "n", Seq: seq, Blocks: blocks}
}

func TestKeepFlushReopen(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	s := mustOpen(t, dir)
	one, two := sessions(1, 3000, testStart, 2*time.Hour), sessions(2, 10, testStart.Add(3*time.Hour), time.Minute)
	total := store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count}, {Column: "bytes", Func: store.Sum}}}
	must(t, s.Keep(ctx, batch(1, one)))
	before := text(scan(t, s, total))
	must(t, s.Keep(ctx, batch(1, one)))
	if got := text(scan(t, s, total)); got != before || !strings.HasPrefix(before, "3000 ") {
		t.Fatalf("kept twice: %s, want %s", got, before)
	}
	if seq, _ := s.Kept(ctx, "n"); seq != 0 {
		t.Errorf("durable up to %d before the flush", seq)
	}
	must(t, s.Flush(ctx))
	if got := text(scan(t, s, total)); got != before {
		t.Fatalf("after the flush: %s, want %s", got, before)
	}
	must(t, s.Keep(ctx, batch(2, two)))
	both := text(scan(t, s, total))
	rows := text(scan(t, s, store.Query{Table: schema.TableSessions, OrderBy: "last"}))
	must(t, s.Close())
	s = mustOpen(t, dir)
	if got := text(scan(t, s, total)); got != both {
		t.Fatalf("opened again: %s, want %s", got, both)
	}
	if got := text(scan(t, s, store.Query{Table: schema.TableSessions, OrderBy: "last"})); got != rows {
		t.Error("rows differ after the store was opened again")
	}
	if seq, _ := s.Kept(ctx, "n"); seq != 2 {
		t.Errorf("durable up to %d, want 2", seq)
	}
	must(t, s.Tidy(ctx))
	if got := text(scan(t, s, store.Query{Table: schema.TableSessions, OrderBy: "last"})); got != rows {
		t.Error("rows differ after tidying")
	}
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir)
	if _, err := Open(dir, testConfig()); err == nil || !strings.Contains(err.Error(), "in use by another weir") {
		t.Errorf("opened twice: %v", err)
	}
}

func TestTailAndPartsAnswerAlike(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	b := zipfBuckets(3, 500, 2000, 20)
	flushed := zipfBuckets(4, 500, 2000, 20)
	for i := range b.Columns[bucketAt].Ints { // no two rows of one key and instant, whose order would be any
		b.Columns[bucketAt].Ints[i] += int64(15 * time.Second)
	}
	must(t, s.Keep(ctx, batch(1, flushed)))
	must(t, s.Flush(ctx))
	must(t, s.Keep(ctx, batch(2, b)))
	queries := []store.Query{
		{By: []string{"key"}, Aggregates: []store.Agg{{Column: "m0", Func: store.Sum}, {Column: "m20", Func: store.Max}}, OrderBy: "sum_m0", Desc: true, Limit: 10},
		{Where: store.Where("key", store.Eq, store.Text("C0.A8.00.01")), OrderBy: "at", Columns: []string{"at", "m0", "m3", "m25"}},
		{Step: time.Minute, Aggregates: []store.Agg{{Column: "m0", Func: store.Avg}, {Column: "m3", Func: store.Max}, {Func: store.Count, As: "n"}}},
		{Where: store.Any(store.Where("m9", store.Gt, store.Int(3)), store.Where("key", store.Prefix, store.Text("C0.A8.01."))), By: []string{"grp"},
			Aggregates: []store.Agg{{Func: store.Count}, {Column: "key", Func: store.Min}}},
		{From: testStart.Add(2 * time.Minute), To: testStart.Add(4 * time.Minute), By: []string{"at"}, Aggregates: []store.Agg{{Column: "m1", Func: store.Sum}}},
		{Where: store.Cond{Op: store.Not, Parts: []store.Cond{store.Where("m20", store.Ne, store.Float(1))}}, Aggregates: []store.Agg{{Func: store.Count}}},
	}
	before := make([]string, len(queries))
	for i, q := range queries {
		q.Table = schema.TableBuckets
		if before[i] = text(scan(t, s, q)); before[i] == "" {
			t.Errorf("query %d answers nothing", i)
		}
	}
	for _, step := range []string{"flush", "tidy"} {
		if step == "flush" {
			must(t, s.Flush(ctx))
		} else {
			must(t, s.Tidy(ctx))
		}
		for i, q := range queries {
			q.Table = schema.TableBuckets
			if got := text(scan(t, s, q)); got != before[i] {
				t.Errorf("query %d after %s: %q, want %q", i, step, got, before[i])
			}
		}
	}
	if n := len(s.partsOf(schema.TableBuckets)); n != 2 {
		t.Errorf("%d parts: two in the newest hour are not worth merging", n)
	}
}

func TestWithin(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	b := &schema.Block{Table: schema.TableSessions, Columns: []schema.Column{{Name: "a_ip", Type: schema.ColumnText}, {Name: "id", Type: schema.ColumnInt}}}
	for i, a := range []string{"10.0.0.1", "10.255.3.4", "11.0.0.1", "::ffff:10.1.2.3", "2001:db8::1", "2001:db9::1", "fe80::1%eth0", "10.x", "", "192.168.129.7"} {
		b.Columns[0].Texts.AppendString(a)
		b.Columns[1].Ints = append(b.Columns[1].Ints, int64(i))
		b.Rows++
	}
	must(t, s.Keep(ctx, batch(1, b)))
	must(t, s.Flush(ctx))
	for _, network := range []string{"10.0.0.0/8", "10.0.0.0/7", "0.0.0.0/0", "2001:db8::/32", "::/0", "192.168.128.0/17", "10.0.0.1/32", "fe80::/10"} {
		c := store.Where("a_ip", store.Within, store.Text(network))
		var want []int64
		for row := range b.Rows {
			if c.Match(b, row) {
				want = append(want, b.Columns[1].Ints[row])
			}
		}
		got := scan(t, s, store.Query{Table: schema.TableSessions, Where: c, Columns: []string{"id"}, OrderBy: "id"})
		var ids []int64
		if got.Rows > 0 {
			ids = got.Columns[0].Ints
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: rows %v, want %v", network, ids, want)
		}
	}
}

func TestRoll(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	s.cfg.Kinds = func(grp string, meter int) store.AggFunc {
		switch meter {
		case 1:
			return store.Last
		case 2:
			return store.Max
		}
		return store.Sum
	}
	b := schema.NewBlock(schema.TableBuckets, 0)
	for i := range 240 { // two hours
		at := testStart.Add(time.Duration(i) * 30 * time.Second)
		appendBucket(b, "g", "k", at, 30, []float64{1, float64(i), float64(i % 10), math.NaN(), 0.5})
		if i%3 == 0 {
			appendBucket(b, "g", "k2", at, 30, []float64{2})
		}
	}
	must(t, s.Keep(ctx, batch(1, b)))
	must(t, s.Flush(ctx))
	upTo := testStart.Add(90 * time.Minute)
	for range 2 { // the second time there is nothing to do
		must(t, s.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, upTo))
		must(t, s.Roll(ctx, schema.TableBuckets5m, schema.TableBuckets1h, upTo))
		got := text(scan(t, s, store.Query{Table: schema.TableBuckets5m, Where: store.Where("key", store.Eq, store.Text("k")),
			Columns: []string{"at", "width", "m0", "m1", "m2", "m3", "m4"}, OrderBy: "at", Limit: 2}))
		want := fmt.Sprintf("%d 300 10 9 9 NaN 5\n%d 300 10 19 9 NaN 5\n", testStart, testStart.Add(5*time.Minute))
		if got != want {
			t.Errorf("five minutes: %q, want %q", got, want)
		}
		got = text(scan(t, s, store.Query{Table: schema.TableBuckets1h, Columns: []string{"key", "at", "width", "m0", "m1", "m2"}, OrderBy: "key"}))
		want = fmt.Sprintf("k %d 3600 120 119 9\nk2 %d 3600 80 NaN NaN\n", testStart, testStart)
		if got != want {
			t.Errorf("hour: %q, want %q", got, want)
		}
	}
	late := schema.NewBlock(schema.TableBuckets, 0)
	appendBucket(late, "g", "k", testStart.Add(time.Minute), 30, []float64{1000})
	must(t, s.Keep(ctx, batch(2, late)))
	must(t, s.Flush(ctx))
	must(t, s.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, upTo))
	must(t, s.Roll(ctx, schema.TableBuckets5m, schema.TableBuckets1h, upTo))
	must(t, s.Tidy(ctx))
	got := text(scan(t, s, store.Query{Table: schema.TableBuckets1h, By: []string{"key"}, Aggregates: []store.Agg{{Column: "m0", Func: store.Sum}}}))
	if want := "k 1120\nk2 80\n"; got != want {
		t.Errorf("with a late row: %q, want %q", got, want)
	}
}

func TestForgetWaitsForReaders(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	must(t, s.Keep(ctx, batch(1, sessions(1, 60_000, testStart, 4*time.Hour))))
	must(t, s.Flush(ctx))
	rows := 0
	for b, err := range s.Scan(ctx, store.Query{Table: schema.TableSessions}) {
		must(t, err)
		if rows == 0 {
			must(t, s.Forget(ctx, schema.TableSessions, testStart.Add(150*time.Minute)))
		}
		rows += b.Rows
	}
	if rows != 60_000 {
		t.Errorf("a query that was running saw %d rows", rows)
	}
	left := scan(t, s, store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Column: "last", Func: store.Min}}})
	if low := left.Columns[0].Ints[0]; low < int64(testStart.Add(2*time.Hour)) || low > int64(testStart.Add(150*time.Minute)) {
		t.Errorf("rows begin at %s", schema.Instant(low))
	}
	names, err := s.list("parts/sessions")
	must(t, err)
	if len(names) != 3 {
		t.Errorf("directories %v: those that are forgotten must go", names)
	}
}

func TestSQL(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	must(t, s.Keep(ctx, batch(1, sessions(1, 1000, testStart, time.Hour), zipfBuckets(1, 50, 100, 4))))
	must(t, s.Flush(ctx))
	must(t, s.Keep(ctx, batch(2, sessions(2, 500, testStart.Add(time.Hour), time.Hour))))
	for _, c := range []struct{ text, want string }{
		{"SELECT count(*) AS n FROM sessions", "1500\n"},
		{"select count(*), sum(az_bytes) > 0 from Sessions s where z_port = 443 or true;", "1500 1\n"},
		{"WITH x AS (SELECT proto, count(*) n FROM sessions GROUP BY 1) SELECT sum(n) FROM x", "1500\n"},
		{"SELECT a.i FROM range(5) a(i) ORDER BY i DESC LIMIT 2", "4\n3\n"},
		{"SELECT i, at FROM (select 1 as i, min(at) at from buckets) ORDER BY at", fmt.Sprintf("1 %d\n", testStart)},
		{"SELECT 'look at me', at = min(at) over () AS first FROM buckets ORDER BY at LIMIT 1", "look at me 1\n"},
		{"SELECT NULL::INT, 1.5::DECIMAL(4,1), [1,2], timestamp '2024-01-01 00:00:00' AT TIME ZONE 'UTC'", "NaN 1.5 [1 2] 2024-01-01T00:00:00Z\n"},
	} {
		b, err := s.SQL(ctx, c.text, store.SQLLimits{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := text(b); got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
	for _, c := range []string{"EXPLAIN SELECT count(*) FROM sessions", "explain analyze select 1", "DESCRIBE sessions", "SHOW TABLES",
		"SUMMARIZE events", "describe select at from buckets"} {
		if b, err := s.SQL(ctx, c, store.SQLLimits{}); err != nil || b.Rows == 0 {
			t.Errorf("%s: %v", c, err)
		}
	}
	b, err := s.SQL(ctx, "SELECT i FROM range(1000000) t(i) ORDER BY i DESC", store.SQLLimits{Rows: 3})
	if err != nil || text(b) != "999999\n999998\n999997\n" {
		t.Errorf("limited and ordered: %v %q", err, text(b))
	}
	_, err = s.SQL(ctx, "SELECT count(*) FROM range(100000000000) a", store.SQLLimits{Timeout: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "took longer than 50ms") {
		t.Errorf("endless: %v", err)
	}
}

func TestSQLEscapes(t *testing.T) {
	dir := t.TempDir()
	s, ctx := mustOpen(t, dir), context.Background()
	must(t, s.Keep(ctx, batch(1, sessions(1, 10, testStart, time.Hour))))
	must(t, s.Flush(ctx))
	part := s.path(s.partsOf(schema.TableSessions)[0])
	for _, text := range []string{
		"", ";", "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW sessions",
		"COPY (SELECT 1) TO '/tmp/x'", "COPY sessions TO '" + dir + "/parts/x.csv'", "ATTACH '/tmp/x.db'", "ATTACH '" + dir + "/parts/x.db'",
		"INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "SET threads = 1", "RESET ALL", "CREATE TABLE x (a INT)", "CREATE VIEW v AS SELECT 1",
		"INSERT INTO sessions VALUES (1)", "DELETE FROM sessions", "UPDATE sessions SET id = 1", "DROP VIEW sessions", "CALL pragma_version()",
		"EXPORT DATABASE '/tmp/x'", "CHECKPOINT", "VACUUM", "USE x", "BEGIN", "PREPARE p AS SELECT 1", "EXECUTE p", "DETACH memory",
		"SELECT * FROM '/etc/passwd'", `SELECT * FROM "/etc/passwd"`, "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM read_parquet('" + part + "')", "SELECT * FROM '" + part + "'",
		"SELECT * FROM parquet_metadata('" + part + "')", "SELECT * FROM glob('/*')", "SELECT * FROM glob('" + dir + "/parts/*')",
		"SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_views",
		"SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class", "SELECT * FROM sqlite_master", "SELECT * FROM query('SELECT 1')",
		"SELECT * FROM query_table('sessions')", "SELECT * FROM json_execute_serialized_sql('x')", "SELECT current_setting('temp_directory')",
		"SELECT getenv('HOME')", "SELECT (SELECT content FROM read_text('/etc/passwd'))", "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('/etc/passwd'))",
		`WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"`, "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
		"SELECT * FROM weir_tail(1)", "SELECT weir_within('1.2.3.4', 'x')", "EXPLAIN COPY (SELECT 1) TO '/tmp/x'", "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x'",
		"EXPLAIN EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x'", "SELECT 1) TO '/tmp/x' --", "SELECT 1 -- \n); COPY (SELECT 1) TO '/tmp/x'; --",
		"SHOW DATABASES", "SHOW ALL TABLES", "DESCRIBE '/etc/passwd'", "SUMMARIZE '/etc/passwd'", "DESCRIBE SELECT * FROM read_text('/etc/passwd')",
		"FROM memory.main.sessions", "SELECT * FROM session", "SELECT no_such FROM sessions", "SELECT 1\x00", "VALUES (1), (getenv('x'))",
		"SELECT * FROM sessions, LATERAL (SELECT * FROM read_text(a_ip))", "SELECT * FROM range(3) UNION ALL SELECT size FROM read_text('/etc/passwd')",
		"SELECT list_transform([1], x -> current_setting('threads'))", "PIVOT sessions ON proto", strings.Repeat("(", 10_000) + "1",
	} {
		if b, err := s.SQL(ctx, text, store.SQLLimits{Timeout: 5 * time.Second}); err == nil {
			t.Errorf("%.80q answers %d rows", text, b.Rows)
		} else if !strings.HasPrefix(err.Error(), "sql: ") {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	if b, err := s.SQL(ctx, "SELECT count(*) FROM sessions", store.SQLLimits{}); err != nil || text(b) != "10\n" {
		t.Errorf("afterwards: %v", err)
	}
	// The second wall, without the gate: the instance itself opens nothing else and keeps its settings.
	for _, text := range []string{"SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('" + dir + "/manifest')", "SET threads = 1", "COPY (SELECT 1) TO '/tmp/x'",
		"INSTALL httpfs", "SET enable_external_access = true", "SELECT * FROM read_text('" + dir + "/parts/../manifest')"} {
		if _, err := s.guest.db.ExecContext(ctx, text); err == nil {
			t.Errorf("without the gate: %s passes", text)
		}
	}
}
