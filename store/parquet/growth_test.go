package parquet

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/store"
)

// TestSQLGrowth asks for values that are far larger than what is stored: all are refused before they are made.
func TestSQLGrowth(t *testing.T) {
	s, ctx := mustOpen(t, t.TempDir()), context.Background()
	doubling := "SELECT s FROM (SELECT a_ip s FROM sessions)"
	for range 30 {
		doubling = "SELECT s || s AS s FROM (" + doubling + ")"
	}
	for _, text := range []string{
		"select length(repeat('x',4000000000))", "select repeat('x', 10000)", "select repeat('x', i) from range(3) t(i)",
		"select repeat('x', 5000 * 5000)", "select repeat(repeat('x', 9999), 9999)", "select main.repeat('x', 400000)",
		"select REPEAT('x', 400000)", "select s.repeat(400000) from (select 'x' s)", "select repeat([1], 400000)",
		"with a as (select repeat('x', 9999) s) select repeat(s, 9999) from a", "select 'x'.repeat(400000)",
		"select repeat('" + strings.Repeat("x", 1000) + "', 9999)", "explain analyze select repeat('x', 400000)",
		"select lpad('x', 400000, 'y')", "select rpad('x', 400000, 'y')", "select list_resize([1], 400000000)",
		"select array_resize([1], 400000000, 2)", "select printf('%400000000d', 1)", "select printf('%*d', 400000000, 1)",
		"select format('{:400000000d}', 1)", "select format('{:{}d}', 1, 400000000)", "select format(a_ip, 1) from sessions",
		"select bar(1, 0, 1, 400000000)", "select bitstring('1', 400000000)", "select range(400000000)",
		"select generate_series(0, 400000000, 1)", "select len(range(i)) from range(3) t(i)", "select range(5, -400000000, -1)",
		"select * from unnest(range(400000000))", "select list_transform(range(9999), x -> range(9999))",
		"with recursive a as (select 'x' s union all select s || s from a) select length(s) from a",
		"with recursive a as (select [1] s union all select list_concat(s, s) from a) select len(s) from a",
		"select list_reduce(range(100), (a, b) -> a || a)", "select sleep_ms(1000)", doubling,
		"select replace(replace(replace('xxxx', 'x', '" + strings.Repeat("x", 99) + "'), 'x', '" + strings.Repeat("x", 99) + "'), 'x', 'xx')",
		"select " + strings.Repeat("hex(", 30) + "'x'" + strings.Repeat(")", 30),
	} {
		_, err := s.SQL(ctx, text, store.SQLLimits{Timeout: 2 * time.Second})
		if err == nil || !strings.HasPrefix(err.Error(), "sql: ") || strings.Contains(err.Error(), "took longer") {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	for _, text := range []string{"select repeat('x', 100)", "select lpad(a_ip, 20, ' ') from sessions", "select range(0, 100, 10)",
		"select a_ip || ':' || z_ip from sessions", "select printf('%08.3f', 1.5)", "select format('{:5d} {}', 1, 'x')",
		"select replace(a_ip, '.', '-') from sessions", "select [a_ip, z_ip] from sessions", "select bar(1, 0, 10, 20)",
		"select list_reduce(range(100), (a, b) -> a + b)", "select string_agg(a_ip, ',') from sessions",
		"with recursive a as (select 1 n, 'x' p union all select n + 1, p || 'y' from a where n < 9) select p from a",
		"select count(*) from range(2000000)", "select * from generate_series(1, 3)"} {
		if _, err := s.SQL(ctx, text, store.SQLLimits{}); err != nil {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	for _, text := range []string{"select sum(i) from generate_series(1, 4000000000000) t(i)",
		"select max(i) from repeat('x', 4000000000000) t(i)"} {
		_, err := s.SQL(ctx, text, store.SQLLimits{Timeout: 50 * time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), "took longer") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
