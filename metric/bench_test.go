package metric

import (
	"fmt"
	"testing"

	"weir/schema"
)

// interfaceReading is a counter sample with the usual two blocks, and its next value.
func interfaceReading(src schema.Source) (*schema.Reading, func()) {
	r := &schema.Reading{Source: src, At: second}
	for _, n := range []string{"ifinoctets", "ifinucastpkts", "ifinmulticastpkts", "ifinbroadcastpkts", "ifindiscards",
		"ifinerrors", "ifinunknownprotos", "ifoutoctets", "ifoutucastpkts", "ifoutmulticastpkts", "ifoutbroadcastpkts",
		"ifoutdiscards", "ifouterrors"} {
		r.Values = append(r.Values, c64(n, 0))
	}
	for i := range 13 {
		r.Values = append(r.Values, c32(fmt.Sprint("eth_", i), 0))
	}
	r.Values = append(r.Values, gauge("ifspeed", 1e9), label("ifoperstatus", "up"), label("iftype", "ethernetCsmacd"))
	return r, func() {
		r.At += 20 * second
		r.Sequence++
		r.Uptime += 20000
		for i := range r.Values {
			r.Values[i].N += uint64(i * 1000)
		}
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	table := NewTable(Limits{})
	hits := 0
	table.Watch(map[string]bool{"ifinutilization": true}, func(*Update) { hits++ })
	filter := CompileFilter(map[string][]string{"ifoperstatus": {"u*"}, "ifspeed": {"1e9"}})
	r, next := interfaceReading(port("192.0.2.1", 7))
	h := &schema.Reading{Source: host("192.0.2.1"), At: second, Values: []schema.Metric{label("host_name", "web1"),
		c32("cpu_user", 0), c32("cpu_idle", 0), label("vir_host_name", "k8s_a_b_c_d_0"), gauge("mem_total", 9),
		gauge("mem_free", 3)}}
	step := func() {
		next()
		table.Read(r)
		h.At = r.At
		h.Values[1].N += 10
		h.Values[2].N += 30
		table.Read(h)
		if !table.Match(filter, r.Source, r.At) {
			t.Fatal("the filter does not match")
		}
	}
	step()
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations for two readings and a match", n)
	}
	if hits < 1000 {
		t.Errorf("%d hits", hits)
	}
}

func BenchmarkRead(b *testing.B) {
	table := NewTable(Limits{})
	r, next := interfaceReading(port("192.0.2.1", 7))
	b.ReportAllocs()
	for b.Loop() {
		next()
		table.Read(r)
	}
	b.ReportMetric(float64(len(r.Values)), "values/op")
}

// network returns a view of many ports.
func network(exporters, ports int) (*Table, *View) {
	table := NewTable(Limits{})
	for a := range exporters {
		addr := schema.Addr4([4]byte{10, 0, byte(a >> 8), byte(a)})
		for p := range ports {
			r, next := interfaceReading(schema.Source{Exporter: addr, Index: uint32(p + 1)})
			table.Read(r)
			next()
			table.Read(r)
		}
	}
	return table, Merge(nil, 21*second, []*Partial{table.Advance(21 * second)})
}

func BenchmarkMergeOneOf10000(b *testing.B) {
	table, v := network(1000, 10)
	r, next := interfaceReading(schema.Source{Exporter: schema.Addr4([4]byte{10, 0, 1, 7}), Index: 3})
	b.ReportAllocs()
	for b.Loop() {
		next()
		r.At = 21 * second
		table.Read(r)
		v = Merge(v, 21*second, []*Partial{table.Advance(21 * second)})
	}
}

func BenchmarkMetricOver10000(b *testing.B) {
	_, v := network(1000, 10)
	q := &Query{Agents: All(), Names: []string{"sum:ifinoctets", "max:ifinutilization"}}
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Metric(q); *r[0].MetricN != 10000 {
			b.Fatal(r)
		}
	}
}
