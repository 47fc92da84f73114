package storetest

import (
	"testing"
	"time"

	"weir/schema"
	"weir/store"
)

func testRanges(t *testing.T, b *bench) {
	b.fill(schema.TableBuckets, schema.TableSessions)
	h := func(d time.Duration) schema.Instant { return Epoch.Add(d) }
	exact := schema.Instant(b.true[0].Column("at").Ints[5])
	b.again(func() {
		for _, span := range [][2]schema.Instant{
			{0, 0}, {h(time.Hour), 0}, {0, h(time.Hour)}, {h(time.Hour), h(3 * time.Hour)},
			{h(90 * time.Minute), h(2 * time.Hour)},
			{exact, exact + 1}, {exact, exact}, {exact + 1, exact + 2}, {h(time.Hour * 99), h(time.Hour * 100)},
		} {
			b.check(store.Query{Table: schema.TableBuckets, From: span[0], To: span[1]})
			b.check(store.Query{Table: schema.TableSessions, From: span[0], To: span[1]})
			b.check(store.Query{Table: schema.TableSessions, From: span[0], To: span[1], Overlap: true})
		}
	})
}

// filters are conditions that between them use every operator.
var filters = []string{
	"a_ip = 10.1.2.3", "a_ip != 10.1.2.3", "a_ip in 10.1.0.0/16", "a_ip within 10.0.0.0/15", "z_ip in 2001:db8::/124",
	"a_ip within 10.1.2.0/29", "not (ip in (10.1.0.0/16, 10.2.3.4))", "port = 443", "z_port in (80, 443, 1000..20000)",
	"z_port != 443 and proto = tcp", "bytes > 1M", "duration >= 5m", "bytes < 100 or packets > 1G",
	"id = 9007199254741000",
	"tags contains web", "tags prefix 'dns|'", "tags = ''", `tags = "it's \"q\" %_\\"`, "tags contains '%'",
	"tags contains _", "tags contains 'ö'", "tags < web", "tags in ('', web)", "state has 0x11", "az_bytes in 100..200",
	"rtt <= 0",
	"last >= 2026-03-01T01:30:00Z", "az_bytes < 0.5M and not tags contains x", "tags in 'nothing'",
}

func testFilters(t *testing.T, b *bench) {
	b.fill(schema.TableSessions, schema.TableBuckets)
	var conds []store.Cond
	for _, text := range filters {
		c, err := store.ParseFilter(schema.TableSessions, text)
		if err != nil {
			t.Fatal(err)
		}
		conds = append(conds, c)
	}
	conds = append(conds, store.Cond{Op: store.And}, store.Cond{Op: store.Or}, store.Where("proto", store.In),
		store.Where("exporter", store.Gt, store.Text("10.1")), store.Where("a_port", store.Gt, store.Float(443.5)),
		store.Where("a_port", store.Eq, store.Float(443)))
	floats := []store.Cond{
		store.Where("m0", store.Gt, store.Int(100)), store.Where("m1", store.Ne, store.Int(0)),
		{Op: store.Not, Parts: []store.Cond{store.Where("m1", store.Ge, store.Float(0.5))}},
		store.Where("m30", store.Lt, store.Int(5)), store.Where("m3", store.Range, store.Int(0), store.Float(1e6)),
		store.Where("m2", store.In, store.Int(0), store.Float(3)), store.Where("key", store.Prefix, store.Text("C0.A8.01")),
		store.All(store.Where("grp", store.Eq, store.Text("hosts")),
			store.Where("key", store.Eq, store.Text("C0.A8.01.02"))),
		{Op: store.Not, Parts: []store.Cond{store.Where("m30", store.Eq, store.Int(5))}},
	}
	b.again(func() {
		for _, c := range conds {
			b.check(store.Query{Table: schema.TableSessions, Where: c})
		}
		for _, c := range floats {
			b.check(store.Query{Table: schema.TableBuckets, Where: c})
		}
		b.check(store.Query{Table: schema.TableSessions, Where: conds[5], From: Epoch.Add(time.Hour), Columns: []string{
			"id", "bytes", "a_ip", "duration"}})
	})
}

func testGroups(t *testing.T, b *bench) {
	b.fill(schema.TableSessions, schema.TableBuckets)
	sum := store.Agg{Column: "m0", Func: store.Sum}
	all := func(column string) (list []store.Agg) {
		for f := store.Sum; f <= store.Last; f++ {
			list = append(list, store.Agg{Column: column, Func: f})
		}
		return list
	}
	texts := []store.Agg{
		{Column: "tags", Func: store.Max}, {Column: "tags", Func: store.Min}, {Column: "tags", Func: store.Count},
		{Column: "tags", Func: store.Last}, {Func: store.Count, As: "n"},
	}
	hosts := store.Where("grp", store.Eq, store.Text("hosts"))
	b.again(func() {
		for _, q := range []store.Query{
			{Table: schema.TableBuckets, By: []string{"grp"}, Aggregates: all("m0")},
			{Table: schema.TableBuckets, By: []string{"grp", "key"}, Aggregates: append(all("m3"), all("m30")...)},
			{Table: schema.TableBuckets, Where: hosts, Step: 5 * time.Minute, Aggregates: []store.Agg{sum}},
			{Table: schema.TableBuckets, By: []string{"grp"}, Step: time.Hour, Aggregates: all("m1")},
			{Table: schema.TableBuckets, By: []string{"key"}},
			{Table: schema.TableBuckets, Step: 7 * time.Second},
			{Table: schema.TableBuckets, Aggregates: []store.Agg{{Func: store.Count}, sum}},
			{Table: schema.TableBuckets, By: []string{"key"}, Aggregates: []store.Agg{sum}, OrderBy: "sum_m0", Desc: true,
				Limit: 5},
			{Table: schema.TableBuckets, By: []string{"key"}, Aggregates: []store.Agg{sum}, OrderBy: "sum_m0", Limit: 5},
			{Table: schema.TableBuckets, By: []string{"m30", "grp"}, Aggregates: []store.Agg{{Column: "m30", Func: store.Max}}},
			{Table: schema.TableSessions, By: []string{"z_ip", "proto"}, Aggregates: all("bytes"), OrderBy: "sum_bytes",
				Desc: true},
			{Table: schema.TableSessions, By: []string{"proto"}, Aggregates: append(texts, all("id")...)},
			{Table: schema.TableSessions, By: []string{"tags"}, Step: time.Hour, Aggregates: texts, OrderBy: "last", Limit: 7},
			{Table: schema.TableSessions, Aggregates: all("duration"), From: Epoch.Add(time.Hour), To: Epoch.Add(2 * time.Hour)},
			{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count}}, From: Epoch.Add(-time.Hour), To: Epoch},
		} {
			b.check(q)
		}
	})
	big := Rows(b.rand, schema.TableSessions, 3, Epoch, Epoch.Add(time.Second))
	for i := range 3 {
		big.Column("az_bytes").Ints[i] = 1 << 62
		big.Column("za_bytes").Ints[i] = 0
	}
	b.keep(big)
	b.again(func() {
		b.check(store.Query{Table: schema.TableSessions, To: Epoch.Add(time.Second), Aggregates: []store.Agg{
			{Column: "az_bytes", Func: store.Sum}, {Column: "bytes", Func: store.Sum}}})
	})
}

func testOrder(t *testing.T, b *bench) {
	b.fill(schema.TableSessions, schema.TableBuckets, schema.TableToppers, schema.TableEvents)
	b.again(func() {
		for _, desc := range []bool{false, true} {
			for _, limit := range []int{0, 1, 10, 100_000} {
				for _, q := range []store.Query{
					{Table: schema.TableSessions, OrderBy: "bytes", Columns: []string{"id", "bytes"}},
					{Table: schema.TableSessions, OrderBy: "last"},
					{Table: schema.TableSessions, OrderBy: "proto", Columns: []string{"id"}},
					{Table: schema.TableSessions, OrderBy: "duration"},
					{Table: schema.TableSessions, OrderBy: "tags", Where: store.Where("proto", store.Eq, store.Int(6))},
					{Table: schema.TableBuckets, OrderBy: "m0", Columns: []string{"key", "m0", "at"}},
					{Table: schema.TableBuckets, OrderBy: "key", Columns: []string{"at", "m3"}},
					{Table: schema.TableEvents, OrderBy: "at", Columns: []string{"at", "value"}},
				} {
					q.Desc, q.Limit = desc, limit
					b.check(q)
				}
			}
		}
	})
	if got := b.scan(store.Query{Table: schema.TableSessions, Limit: 17}); got.Rows != 17 {
		t.Errorf("17 rows in any order: got %d", got.Rows)
	}
}
