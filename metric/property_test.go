package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"weir/schema"

	"pgregory.net/rapid"
)

// A counter that grows without bound and is sent modulo its width gives the rate of its growth, whatever is lost.
func TestRatesWithWraps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]schema.MetricKind{schema.Counter32, schema.Counter64}).Draw(t, "kind")
		limit, mask := uint64(1<<32-1), uint64(1<<32-1)
		if kind == schema.Counter64 {
			limit, mask = 1<<63-1, math.MaxUint64
		}
		timed := rapid.Bool().Draw(t, "uptime known")
		table := NewTable(Limits{})
		src := port("192.0.2.1", 1)
		n := rapid.Uint64().Draw(t, "start")
		uptime := rapid.Uint32Range(1, math.MaxUint32).Draw(t, "uptime")
		seq := rapid.Uint32().Draw(t, "sequence")
		at := 1000 * second
		read := func() {
			r := schema.Reading{At: at, Sequence: seq, Source: src,
				Values: []schema.Metric{{Name: "n", Kind: kind, N: n & mask}}}
			if timed {
				r.Uptime = uptime
			}
			table.Read(&r)
		}
		read()
		for range rapid.IntRange(1, 20).Draw(t, "samples") {
			grow := rapid.Uint64Range(0, limit).Draw(t, "growth")
			ms := rapid.Uint32Range(1, 290_000).Draw(t, "milliseconds")
			n += grow
			uptime += ms
			seq += rapid.Uint32Range(1, 100).Draw(t, "steps")
			at += schema.Instant(ms) * second / 1000
			read()
			got, ok := table.Now(src, "n", at)
			want := float64(grow) / (float64(ms) / 1000)
			if !ok || math.Abs(got-want) > 1e-9*want {
				t.Fatalf("rate %v %v, want %v; counts %+v", got, ok, want, table.Counts())
			}
		}
	})
}

// A view made by merging many small partials of several tables says what the tables say.
func TestMergeIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lanes := []*Table{NewTable(Limits{}), NewTable(Limits{}), NewTable(Limits{})}
		var v *View
		at := 1000 * second
		for range rapid.IntRange(1, 30).Draw(t, "ticks") {
			for range rapid.IntRange(0, 40).Draw(t, "readings") {
				x := rapid.IntRange(0, 600).Draw(t, "exporter")
				src := schema.Source{Exporter: schema.Addr4([4]byte{10, 0, byte(x >> 8), byte(x)}),
					Class: uint8(rapid.IntRange(0, 3).Draw(t, "class")), Index: uint32(rapid.IntRange(1, 3).Draw(t, "index"))}
				lanes[x%3].Read(&schema.Reading{At: at, Source: src, Values: []schema.Metric{
					gauge("g", float64(rapid.IntRange(0, 99).Draw(t, "value"))), label("host_name", fmt.Sprint("h", x))}})
			}
			at += second * schema.Instant(rapid.SampledFrom([]int{1, 10, 100}).Draw(t, "pause"))
			parts := make([]*Partial, 0, 3)
			for _, l := range lanes {
				parts = append(parts, l.Advance(at))
			}
			v = Merge(v, at, parts)
		}
		n := 0
		for _, l := range lanes {
			n += l.Len()
		}
		var all []schema.Source
		for src := range v.Sources {
			all = append(all, src)
			want, _ := lanes[(int(src.Exporter[14])<<8|int(src.Exporter[15]))%3].Now(src, "g", at)
			if got, _, _ := v.Value(src, "g", at); got.Number != want {
				t.Fatalf("%v is %v in the view and %v in the table", src, got, want)
			}
		}
		if len(all) != n || !slices.IsSortedFunc(all, compareSource) {
			t.Fatalf("%d datasources in the view, %d in the tables", len(all), n)
		}
		for _, c := range v.chunks {
			if len(c) == 0 || len(c) > chunkSize {
				t.Fatalf("a chunk of %d", len(c))
			}
		}
	})
}

// The glob of one forward pass agrees with one that tries everything.
func TestGlobAgainstSlow(t *testing.T) {
	var slow func(p, s string) bool
	slow = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		if p[0] == '*' {
			return slow(p[1:], s) || s != "" && slow(p, s[1:])
		}
		return s != "" && p[0] == s[0] && slow(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`[ab*]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		c := compilePattern(p)
		if c.glob(s) != slow(p, s) {
			t.Fatalf("%q on %q: %v", p, s, c.glob(s))
		}
	})
}

func TestQuartilesBracket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []datum
		for _, f := range rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 30).Draw(t, "values") {
			all = append(all, datum{value: Num(f)})
		}
		q := quartiles(all)
		if !slices.IsSorted([]float64{q.Min, q.Q1, q.Med, q.Q3, q.Max}) || variance(all) < 0 {
			t.Fatalf("%+v, variance %v", q, variance(all))
		}
	})
}

// FuzzQuery asks a small network anything: no panic, every list as long as it must be, and always JSON.
func FuzzQuery(f *testing.F) {
	for _, s := range [][4]string{{"ALL", "max:ifinoctets,sum:load_one", "os_name", "linux"},
		{"EDGE;192.0.2.1", "null:ifname;sort:ifinoctets:-2", "host_name", "*web.*"},
		{"TOPOLOGY,web1", "2.1.load_one,iqr:nosuch", "ifspeed", "1e10"}, {"::1", "sort:q1:3.f:9", `a\`, `\*`}} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	f.Fuzz(func(t *testing.T, agents, names, filter, pattern string) {
		s := fleet(t)
		q := s.query(agents, SplitNames(names)...)
		q.Flows = func(n string) ([]FlowCell, bool) {
			return []FlowCell{{Source: port("192.0.2.1", 1), Value: 1}, {Value: 2}}, strings.HasPrefix(n, "f")
		}
		q.Topology = Topology{Side: func(s schema.Source) Side { return Side(s.Index % 3) },
			Node: func(schema.Addr) bool { return true }}
		if filter != "" {
			q.Filter = map[string][]string{filter: strings.Split(pattern, "|")}
		}
		m := s.view.Metric(q)
		d, _ := s.view.Dump(q)
		rows, _ := s.view.TableRows(q)
		if len(m) != len(q.Names) {
			t.Fatalf("%d records for %d names", len(m), len(q.Names))
		}
		for _, r := range rows {
			if len(r) != len(q.Names) {
				t.Fatalf("a row of %d for %d names", len(r), len(q.Names))
			}
		}
		for _, x := range []any{m, d, rows} {
			if _, err := json.Marshal(x); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRead feeds anything that a decoder could make: no panic, no value without JSON, caps hold, the books balance.
func FuzzRead(f *testing.F) {
	f.Add([]byte("ifinoctets ifspeed cpu_user cpu_idle vir_host_name"))
	f.Add([]byte{1, 2, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 7, 7, 7})
	names := []string{"host_name", "ifinoctets", "cpu_user", "cpu_idle", "nvml_gpu_time", "vir_host_name", "vir_os_name",
		"mem_total", "mem_free", "a", "b", "", "x\ny", "ifinpkts", "ifinucastpkts", "load_one", "cpu_num"}
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := Limits{Sources: 3, PerSource: 9, LabelBytes: 5, Metrics: 3 * maxDerived}
		table := NewTable(limits)
		table.Watch(map[string]bool{"cpu_user": true, "ifinpkts": true}, func(u *Update) {
			if math.IsNaN(u.Value) || math.IsInf(u.Value, 0) {
				t.Fatalf("%+v", u)
			}
		})
		var v *View
		at := 1000 * second
		next := func() uint64 {
			if len(b) == 0 {
				return 0
			}
			x := uint64(b[0])
			b = b[1:]
			if x&7 == 7 {
				x = math.MaxUint64 - x
			}
			return x
		}
		for len(b) > 0 {
			at += schema.Instant(int64(next()%400)-20) * second / 2
			r := schema.Reading{At: at, Sequence: uint32(next()), Uptime: uint32(next()) * 1000,
				Source: schema.Source{Exporter: schema.Addr{15: byte(next() % 3)}, Class: byte(next() % 4)}}
			for range next() % 12 {
				n := next()
				r.Values = append(r.Values, schema.Metric{Name: names[n%uint64(len(names))], Kind: schema.MetricKind(next() % 6),
					N: next() * 0x123456789, F: math.Float64frombits(next() << 56), Text: b[:min(len(b), 8)]})
			}
			table.Read(&r)
			v = Merge(v, at, []*Partial{table.Advance(at)})
		}
		c := table.Counts()
		if c.Readings != c.Taken+c.Duplicates+c.Late+c.Refused {
			t.Fatalf("books: %+v", c)
		}
		if len(table.rows) > 3 || table.metrics > limits.Metrics {
			t.Fatalf("%d rows, %d metrics", len(table.rows), table.metrics)
		}
		d, _ := v.Dump(&Query{Agents: All(), Names: []string{"ALL"}})
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
	})
}
