package store_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/storetest"
)

func TestParseFilter(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"  ", ""},
		{"z_port = 443", "z_port = 443"},
		{"dst_port=443 and (a_ip = 1.2.3.4 or bytes > 1M)", `z_port = 443 and (a_ip = "1.2.3.4" or bytes > 1000000)`},
		{"ip = 10.0.0.1", `a_ip = "10.0.0.1" or z_ip = "10.0.0.1"`},
		{"ip != 10.0.0.1", `a_ip != "10.0.0.1" and z_ip != "10.0.0.1"`},
		{"ip != 10.0.0.0/8", `not (a_ip within "10.0.0.0/8") and not (z_ip within "10.0.0.0/8")`},
		{"a_ip = 2001:DB8:0:0::1", `a_ip = "2001:db8::1"`},
		{"a_ip = ::ffff:10.1.2.3", `a_ip = "10.1.2.3"`},
		{"a_ip in 10.1.2.3/8", `a_ip within "10.0.0.0/8"`},
		{"a_ip prefix 10.1.", `a_ip prefix "10.1."`},
		{"port in (80, 443, 8000..8999)", "(a_port in 8000..8999 or a_port in (80, 443)) or " +
			"(z_port in 8000..8999 or z_port in (80, 443))"},
		{"proto in (tcp, UDP, 47)", "proto in (6, 17, 47)"},
		{"not proto = icmp", "not (proto = 1)"},
		{"proto not in (tcp)", "not (proto = 6)"},
		{"bytes > 1.5Ki AND packets<=2k", "bytes > 1536 and packets <= 2000"},
		{"a_port = 1 or a_port = 2 and z_port = 3", "a_port = 1 or (a_port = 2 and z_port = 3)"},
		{"duration >= 1h30m", "duration >= 5400000000000"},
		{"rtt > 20ms", "rtt > 20000"},
		{"first < 2026-03-01T00:00:00Z", "first < 1772323200000000000"},
		{"state has 0x10", "state has 16"},
		{`tags contains "a \"b\" c"`, `tags contains "a \"b\" c"`},
		{`tags contains 'a \ "b"'`, `tags contains "a \\ \"b\""`},
		{"tags contains größe", `tags contains "größe"`},
		{"id = 9223372036854775807", "id = 9223372036854775807"},
		{"id <> -1", "id != -1"},
	} {
		got, err := store.ParseFilter(schema.TableSessions, c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got.String() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	got, err := store.ParseFilter(schema.TableBuckets, "m0 > 1.5 and key prefix C0.A8 and grp = hosts and width = 30s")
	if want := `m0 > 1.5 and key prefix "C0.A8" and grp = "hosts" and width = 30`; err != nil || got.String() != want {
		t.Errorf("buckets: %s %v", got, err)
	}
}

func TestParseFilterRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		pos  int
		want string
	}{
		{"a_ipp = 1.2.3.4", 0, `did you mean "a_ip"`},
		{"wobble = 1", 0, "columns are"},
		{"a_ip = 1.2.3", 7, "no IP address"},
		{"a_ip in 1.2.3.4/99", 8, "no network"},
		{"bytes > x", 8, "no number"},
		{"bytes > 1.5", 8, "whole numbers"},
		{"bytes > 1e400", 8, "no number"},
		{"bytes > inf", 8, "no number"},
		{"bytes", 5, "operator"},
		{"bytes >", 7, "expected a value"},
		{"bytes > 1 packets > 2", 10, "expected"},
		{"(bytes > 1", 10, "closing bracket"},
		{"bytes > 1)", 9, "expected"},
		{"bytes in (1 2)", 12, "in the list"},
		{"bytes in (1,", 12, "expected a value"},
		{"tags = 'x", 7, "closing quote"},
		{`tags = "\q"`, 7, "quotes"},
		{"bytes contains 1", 0, "texts"},
		{"tags has 1", 0, "bits"},
		{"bytes in 1..x", 12, "no number"},
		{"duration > 5parsecs", 11, "durations"},
		{"and", 0, "column"},
		{"not", 3, "expected the name"},
		{strings.Repeat("(", 2000), 33, "nested"},
		{strings.Repeat("not ", 2000), 132, "nested"},
		{strings.Repeat("bytes > 1 and ", 9000), 0, "longer than"},
	} {
		_, err := store.ParseFilter(schema.TableSessions, c.text)
		var at *schema.SyntaxError
		if !errors.As(err, &at) {
			t.Errorf("%.40s: %v", c.text, err)
			continue
		}
		if at.Pos != c.pos || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: at %d, want %d; %v", c.text, at.Pos, c.pos, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, text := range []string{
		"dst_port = 443 and (a_ip = 1.2.3.4 or bytes > 1M)", "port in (80, 443, 1..2) or not tags contains 'x y'",
		`tags = "\u00e9\"" and duration > 5m`, "a_ip in 10.0.0.0/8", "ip != ::1 and state has 0x7", "((", "proto=tcp",
	} {
		f.Add(text)
	}
	rows := storetest.Rows(rand.New(rand.NewPCG(3, 4)), schema.TableSessions, 20, storetest.Epoch,
		storetest.Epoch.Add(time.Hour))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := store.ParseFilter(schema.TableSessions, text)
		if err != nil {
			var at *schema.SyntaxError
			if !errors.As(err, &at) || at.Pos < 0 || at.Pos > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := store.ParseFilter(schema.TableSessions, c.String())
		if err != nil {
			if strings.Contains(err.Error(), "nested") || strings.Contains(err.Error(), "longer") {
				return // brackets that the first text did not need
			}
			t.Fatalf("%q became %q: %v", text, c.String(), err)
		}
		for i := range rows.Rows {
			if c.Match(rows, i) != again.Match(rows, i) {
				t.Fatalf("%q and %q disagree about row %d", text, c.String(), i)
			}
		}
	})
}

func TestValidate(t *testing.T) {
	sessions := schema.TableSessions
	for _, c := range []struct {
		q           store.Query
		field, want string
	}{
		{store.Query{}, "table", "one of buckets"},
		{store.Query{Table: sessions, From: 2, To: 1}, "from", "after"},
		{store.Query{Table: schema.TableBuckets, Overlap: true}, "overlap", "spans"},
		{store.Query{Table: sessions, Step: -1}, "step", "negative"},
		{store.Query{Table: sessions, Limit: -1}, "limit", "negative"},
		{store.Query{Table: sessions, By: []string{"bytes"}}, "by", `no column "bytes"`},
		{store.Query{Table: sessions, By: []string{"proto", "proto"}}, "aggregates", "two columns"},
		{store.Query{Table: sessions, Columns: []string{"z_iq"}}, "columns", `did you mean "z_ip"`},
		{store.Query{Table: sessions, Columns: []string{"id"}, By: []string{"proto"}}, "columns", "single rows"},
		{store.Query{Table: sessions, OrderBy: "byte"}, "order_by", `did you mean "bytes"`},
		{store.Query{Table: sessions, By: []string{"proto"}, OrderBy: "id"}, "order_by", "one of proto"},
		{store.Query{Table: sessions, Aggregates: []store.Agg{{Func: store.Sum}}}, "aggregates", "of what"},
		{store.Query{Table: sessions, Aggregates: []store.Agg{{Column: "id"}}}, "aggregates", "unknown function"},
		{store.Query{Table: sessions, Aggregates: []store.Agg{{Column: "tags", Func: store.Avg}}}, "aggregates", "a text"},
		{store.Query{Table: sessions, Where: store.Where("id", store.Eq, store.Text("x"))}, "where", "is a number"},
		{store.Query{Table: sessions, Where: store.Where("tags", store.Eq, store.Int(1))}, "where", "is a text"},
		{store.Query{Table: sessions, Where: store.Where("id", store.Range, store.Int(1))}, "where", "2 are needed"},
		{store.Query{Table: sessions, Where: store.Where("id", store.Eq, store.Value{})}, "where", "is a number"},
		{store.Query{Table: sessions, Where: store.Where("id", store.Prefix, store.Int(1))}, "where", "for texts"},
		{store.Query{Table: sessions, Where: store.Where("tags", store.Within, store.Text("x"))}, "where", "no network"},
		{store.Query{Table: sessions, Where: store.Cond{Op: store.Not}}, "where", "one part"},
		{store.Query{Table: sessions, Where: store.Cond{Op: 99}}, "where", "unknown operator"},
	} {
		err := c.q.Validate()
		var bad *store.QueryError
		if !errors.As(err, &bad) || bad.Field != c.field || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %s: %s; got %v", c.field, c.want, err)
		}
	}
	deep := store.Where("id", store.Eq, store.Int(1))
	for range 200 {
		deep = store.Cond{Op: store.Not, Parts: []store.Cond{deep}}
	}
	if err := deep.Validate(sessions); err == nil {
		t.Error("a condition of 200 levels is valid")
	}
}

func TestConfigComplete(t *testing.T) {
	c := store.DefaultConfig()
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*store.Config){
		func(c *store.Config) { c.Keep = map[string]time.Duration{"session": time.Hour} },
		func(c *store.Config) { c.Keep = map[string]time.Duration{"sessions": time.Minute} },
		func(c *store.Config) { c.MaxBytes = 5 },
		func(c *store.Config) { c.JournalBytes = -1 },
		func(c *store.Config) { c.FlushEvery = time.Millisecond },
		func(c *store.Config) { c.FlushRows = -1 },
		func(c *store.Config) { c.TailRows = -1 },
		func(c *store.Config) { c.Node = strings.Repeat("x", 256) },
	} {
		c := store.DefaultConfig()
		change(&c)
		var bad *store.QueryError
		if err := c.Complete(); !errors.As(err, &bad) {
			t.Errorf("%+v is valid", c)
		}
	}
}
