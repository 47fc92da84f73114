package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/schema"
)

// site feeds a table and merges after every reading, as an engine would.
type site struct {
	t     *testing.T
	table *Table
	view  *View
	at    schema.Instant
	seq   map[schema.Source]uint32
}

const second = schema.Instant(time.Second)

func newSite(t *testing.T) *site {
	return &site{t: t, table: NewTable(Limits{}), at: 1000 * second, seq: map[schema.Source]uint32{}}
}

func addr(s string) schema.Addr {
	a, err := schema.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

func port(agent string, index uint32) schema.Source {
	return schema.Source{Exporter: addr(agent), Index: index}
}

func host(agent string) schema.Source {
	return schema.Source{Exporter: addr(agent), Class: 2, Index: 1}
}

// c reads one counter sample, seconds after the start: names with an upper case first letter of kind are counters.
func (s *site) c(src schema.Source, seconds float64, values ...schema.Metric) {
	s.seq[src]++
	at := s.at + schema.Instant(seconds*1e9)
	s.table.Read(&schema.Reading{At: at, Sequence: s.seq[src], Source: src, Values: values})
	s.view = Merge(s.view, at, []*Partial{s.table.Advance(at)})
}

func c32(name string, n uint64) schema.Metric {
	return schema.Metric{Name: name, Kind: schema.Counter32, N: n}
}
func c64(name string, n uint64) schema.Metric {
	return schema.Metric{Name: name, Kind: schema.Counter64, N: n}
}
func gauge(name string, f float64) schema.Metric {
	return schema.Metric{Name: name, Kind: schema.Gauge, F: f}
}
func label(name, s string) schema.Metric {
	return schema.Metric{Name: name, Kind: schema.Label, Text: []byte(s)}
}

func (s *site) query(agents string, names ...string) *Query {
	return &Query{Agents: ParseSelector(agents), Names: names}
}

// one returns the record of one metric.
func (s *site) one(agents, name string) Record {
	s.t.Helper()
	return s.view.Metric(s.query(agents, name))[0]
}

func (s *site) number(agents, name string, want float64) {
	s.t.Helper()
	r := s.one(agents, name)
	if r.MetricValue.Form != Number || math.Abs(r.MetricValue.Number-want) > 1e-9*math.Max(1, math.Abs(want)) {
		s.t.Errorf("%s = %v (form %d), want %v", name, r.MetricValue, r.MetricValue.Form, want)
	}
}

func (s *site) absent(agents, name string) {
	s.t.Helper()
	if r := s.one(agents, name); !r.MetricValue.IsZero() || *r.MetricN != 0 {
		s.t.Errorf("%s = %v of %d, want none", name, r.MetricValue, *r.MetricN)
	}
}

// Acceptance A1, A2, A4.
func TestRateFromCounters(t *testing.T) {
	s := newSite(t)
	p := port("192.0.2.1", 7)
	s.c(p, 0, c64("ifinoctets", 1000000), gauge("ifspeed", 1e9), label("ifoperstatus", "up"))
	s.absent("192.0.2.1", "ifinoctets")
	if v := s.one("192.0.2.1", "ifoperstatus").MetricValue; v != Str("up") {
		t.Errorf("ifoperstatus = %v after one sample", v)
	}
	s.c(p, 10, c64("ifinoctets", 6000000), gauge("ifspeed", 1e9), label("ifoperstatus", "up"))
	r := s.one("192.0.2.1", "7.ifinoctets")
	if r.MetricValue != Num(500000) || r.DataSource != "7" || *r.MetricN != 1 || r.Agent != "192.0.2.1" {
		t.Errorf("record %+v", r)
	}
	if r.MetricName != "7.ifinoctets" || *r.LastUpdate != 0 || *r.LastUpdateMin != 0 {
		t.Errorf("record %+v", r)
	}
	s.number("192.0.2.1", "7.ifinutilization", 0.4)
	s.absent("192.0.2.1", "8.ifinoctets")
	s.c(p, 20, c64("ifinoctets", 7000000), gauge("ifspeed", 0), label("ifoperstatus", "up"))
	s.absent("192.0.2.1", "7.ifinutilization")
	s.number("192.0.2.1", "7.ifinoctets", 100000)
}

// Acceptance A3 and its kin.
func TestWraps(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to schema.Metric
		want     Value
	}{
		{"32 bit", c32("n", 4294967290), c32("n", 10), Num(4)},
		{"64 bit", c64("n", math.MaxUint64-5), c64("n", 10), Num(4)},
		{"64 bit set back", c64("n", 5000), c64("n", 10), Value{}},
		{"still", c32("n", 7), c32("n", 7), Num(0)},
		{"time waiting steps back", c32("cpu_wio", 500), c32("cpu_wio", 490), Value{}},
		{"another kind", c32("n", 7), c64("n", 47), Value{}},
	} {
		s := newSite(t)
		s.c(host("192.0.2.9"), 0, c.from)
		s.c(host("192.0.2.9"), 4, c.to)
		if got := s.one("ALL", c.from.Name).MetricValue; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestClocksAndRestarts(t *testing.T) {
	type step struct {
		at       float64 // s
		seq      uint32
		uptime   uint32 // ms
		n        uint64
		want     Value
		counting string // which of the counts goes up beside Readings
	}
	none := Value{}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"uptime is better than arrival", []step{{0, 1, 100000, 0, none, "taken"},
			{10.7, 2, 110000, 1000, Num(100), "taken"}}},
		{"datagrams that waited together", []step{{0, 1, 100000, 0, none, "taken"},
			{0.0001, 2, 101000, 1000, Num(1000), "taken"}}},
		{"uptime of another unit", []step{{0, 1, 1000, 0, none, "taken"}, {20, 2, 3000, 1000, Num(50), "taken"}}},
		{"uptime that stands", []step{{0, 1, 1000, 0, none, "taken"}, {20, 2, 1000, 1000, Num(50), "taken"}}},
		{"uptime wraps after 49 days", []step{{0, 1, math.MaxUint32 - 4999, 0, none, "taken"},
			{10, 2, 5000, 1000, Num(100), "taken"}}},
		{"sequence wraps", []step{{0, math.MaxUint32, 10000, 0, none, "taken"}, {10, 1, 20000, 500, Num(50), "taken"}}},
		{"uptime goes back", []step{{0, 5, 900000, 9000, none, "taken"}, {10, 6, 4000, 50, none, "restart"},
			{20, 7, 14000, 150, Num(10), "taken"}}},
		{"sequence goes back", []step{{0, 500, 0, 9000, none, "taken"}, {10, 1, 0, 50, none, "restart"},
			{20, 2, 0, 150, Num(10), "taken"}}},
		{"only the sampler restarts", []step{{0, 500, 50000, 9000, none, "taken"}, {10, 1, 60000, 9500, none, "restart"},
			{20, 2, 70000, 9600, Num(10), "taken"}}},
		{"duplicate", []step{{0, 1, 10000, 0, none, "taken"}, {10, 2, 20000, 100, Num(10), "taken"},
			{10.1, 2, 20000, 100, Num(10), "duplicate"}, {20, 3, 30000, 300, Num(20), "taken"}}},
		{"overtaken", []step{{0, 1, 100000, 0, none, "taken"}, {10, 3, 110000, 100, Num(10), "taken"},
			{10.1, 2, 109000, 90, Num(10), "late"}, {20, 4, 120000, 300, Num(20), "taken"}}},
		{"lost samples", []step{{0, 1, 10000, 0, none, "taken"}, {30, 4, 40000, 600, Num(20), "taken"}}},
		{"a gap longer than expiry", []step{{0, 1, 10000, 0, none, "taken"}, {400, 2, 410000, 600, none, "taken"}}},
		{"same instant", []step{{0, 1, 0, 0, none, "taken"}, {10, 2, 0, 100, Num(10), "taken"},
			{10, 3, 0, 100, Num(10), "taken"}, {20, 4, 0, 300, Num(20), "taken"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			src := port("192.0.2.1", 1)
			for i, st := range c.steps {
				before := s.table.Counts()
				at := s.at + schema.Instant(st.at*1e9)
				s.table.Read(&schema.Reading{At: at, Sequence: st.seq, Uptime: st.uptime, Source: src,
					Values: []schema.Metric{c32("n", st.n)}})
				f, ok := s.table.Now(src, "n", at)
				if got := (Value{Form: st.want.Form, Number: f}); ok != (st.want.Form == Number) || got != st.want {
					t.Errorf("step %d: %v %v, want %v", i, f, ok, st.want)
				}
				if got := changed(before, s.table.Counts()); got != st.counting {
					t.Errorf("step %d counted as %q, want %q", i, got, st.counting)
				}
			}
		})
	}
}

// changed names the count that tells what became of the last reading.
func changed(a, b Counts) string {
	switch {
	case b.Restarts > a.Restarts:
		return "restart"
	case b.Duplicates > a.Duplicates:
		return "duplicate"
	case b.Late > a.Late:
		return "late"
	case b.Refused > a.Refused:
		return "refused"
	case b.Taken > a.Taken:
		return "taken"
	}
	return ""
}

// Late readings are not believed for ever: the exporter's clock was set back.
func TestLateForever(t *testing.T) {
	s := newSite(t)
	src := port("192.0.2.1", 1)
	s.table.Read(&schema.Reading{At: s.at, Sequence: 1000, Uptime: 5e6, Source: src, Values: []schema.Metric{c32("n", 1)}})
	for i := range uint32(12) {
		at := s.at.Add(time.Duration(i+1) * time.Second)
		s.table.Read(&schema.Reading{At: at, Sequence: 10 + i, Uptime: 1e6 + i*1000, Source: src,
			Values: []schema.Metric{c32("n", uint64(100*i))}})
	}
	if f, ok := s.table.Now(src, "n", s.at.Add(12*time.Second)); !ok || f != 100 {
		t.Errorf("rate %v %v, want 100; counts %+v", f, ok, s.table.Counts())
	}
}

// Acceptance A5 and the other derived metrics.
func TestDerived(t *testing.T) {
	s := newSite(t)
	p, h := port("192.0.2.1", 1), host("192.0.2.1")
	for i := range uint64(2) {
		at := float64(i * 10)
		s.c(p, at, c32("ifinucastpkts", 1000*i), c32("ifinmulticastpkts", 200*i), c32("ifinbroadcastpkts", 50*i),
			c32("ifoutucastpkts", 10*i), c64("ifoutoctets", 10*i), gauge("ifspeed", 1000),
			c32("http_method_get", 20*i), c32("http_method_other", 10*i),
			gauge("bcm_long_ipv6_entries", 5), gauge("bcm_long_ipv6_entries_max", 20),
			gauge("bcm_acl_egress_meters", 1), gauge("bcm_acl_egress_meters_max", 0))
		s.c(h, at, gauge("load_one", 3), gauge("cpu_num", 4), c32("cpu_user", 1000*i), c32("cpu_nice", 500*i),
			c32("cpu_system", 500*i), c32("cpu_idle", 6000*i), c32("cpu_wio", 0), c32("cpu_guest", 800*i),
			gauge("mem_total", 1000), gauge("mem_free", 300), gauge("mem_buffers", 100), gauge("mem_cached", 200),
			gauge("disk_total", 200), gauge("disk_free", 50), c32("ovs_dp_hits", 30*i), c32("ovs_dp_misses", 10*i),
			gauge("workers_active", 2), gauge("workers_max", 8), c32("nvml_gpu_time", 10000*i),
			gauge("nvml_device_count", 2), c32("vir_cpu_time", 5000*i), gauge("vir_cpu_num", 2),
			gauge("vir_mem_used", 10), gauge("vir_mem_total", 40))
	}
	for name, want := range map[string]float64{
		"ifinpkts": 125, "ifoutpkts": 1, "ifoututilization": 0.8, "http_requests": 3, "bcm_long_ipv6_utilizaton": 25,
		"bcm_long_ipv6_utilization": 25, "load_one_per_cpu": 0.75, "cpu_user": 12.5, "cpu_nice": 6.25, "cpu_idle": 75,
		"cpu_guest": 10, "cpu_wio": 0, "cpu_utilization": 25, "mem_used": 400, "mem_utilization": 40,
		"disk_utilization": 75, "ovs_dp_missrate": 25, "workers_utilization": 25, "nvml_gpu_time": 50,
		"vir_cpu_utilization": 25, "vir_mem_utilization": 25,
	} {
		s.number("192.0.2.1", name, want)
	}
	for _, name := range []string{"bcm_acl_egress_meters_utilization", "ifinutilization", "bcm_host_utilization"} {
		s.absent("192.0.2.1", name)
	}
	// A later sample without the counters leaves what was derived from them alone.
	s.c(h, 20, gauge("load_one", 2))
	s.number("192.0.2.1", "load_one_per_cpu", 0.5)
	s.number("192.0.2.1", "nvml_gpu_time", 50)
	s.number("192.0.2.1", "cpu_user", 12.5)
}

// A name that the exporter sends itself is not replaced by one of ours.
func TestSentBeatsDerived(t *testing.T) {
	s := newSite(t)
	s.c(host("192.0.2.1"), 0, gauge("mem_total", 10), gauge("mem_free", 5), gauge("mem_used", 3))
	s.number("ALL", "mem_used", 3)
	s.number("ALL", "mem_utilization", 30)
}

func TestRulesFit(t *testing.T) {
	if len(rules)+len(workloadNames) > maxDerived {
		t.Errorf("%d rules, maxDerived is %d", len(rules), maxDerived)
	}
	for _, r := range rules {
		if n := len(r.need) + len(r.may); n > maxInputs || len(r.need) == 0 {
			t.Errorf("rule %s has %d inputs, %d needed", r.name, n, len(r.need))
		}
	}
}

func TestWorkloads(t *testing.T) {
	const task = "abcdefghijklmnopqrstuvw12"
	for _, c := range []struct{ host, os, want string }{
		{"k8s_web_web-5f7_shop_6a7f-11_0", "linux", "k8s_namespace=shop k8s_name=web"},
		{"k8s_POD_web-5f7_shop_6a7f-11_0", "linux", "k8s_namespace=shop k8s_name=web-5f7"},
		{"front.2." + task, "linux", "swarm_name=front"},
		{"my.front." + task + "." + task, "linux", "swarm_name=my.front"},
		{"cron.service", "linux", "systemd_service=cron"},
		{"quiet_newton", "linux", "docker_name=quiet_newton"},
		{"vm1.example.org", "unknown", ""},
		{"k8s_", "unknown", ""},
		{"..", "unknown", ""},
		{"", "linux", ""},
	} {
		s := newSite(t)
		s.c(schema.Source{Exporter: addr("192.0.2.9"), Class: 3, Index: 1}, 0, label("vir_host_name", c.host),
			label("vir_os_name", c.os))
		var got []string
		for _, n := range workloadNames {
			if v := s.one("ALL", n).MetricValue; !v.IsZero() {
				got = append(got, n+"="+v.Text)
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%q: %q, want %q", c.host, g, c.want)
		}
	}
}

// Acceptance A6, A17.
func TestAgentAndNames(t *testing.T) {
	s := newSite(t)
	s.c(host("192.0.2.9"), 0, label("host_name", "web1"), label("os_name", "linux"), gauge("load_one", 0.25))
	s.c(port("192.0.2.9", 3), 1, gauge("ifspeed", 1e9))
	now := s.view.At()
	all := s.view.Agent(addr("192.0.2.9"), now)
	if all["2.1.host_name"] != Str("web1") || all["2.1.load_one"] != Num(0.25) || all["3.ifspeed"] != Num(1e9) {
		t.Errorf("agent %v", all)
	}
	if s.view.Agent(addr("192.0.2.8"), now) != nil || s.view.Known(addr("192.0.2.8")) {
		t.Error("an agent that never was")
	}
	names := s.view.Names(now)
	if names["load_one"] != 1000 || names["ifspeed"] != 0 || len(names) != 4 {
		t.Errorf("names %v", names)
	}
	if s.view.Host(addr("192.0.2.9")) != "web1" {
		t.Errorf("host %q", s.view.Host(addr("192.0.2.9")))
	}
}

// fleet has four linux and windows hosts with two ports each.
func fleet(t *testing.T) *site {
	s := newSite(t)
	for i, h := range []struct {
		name, os string
		load     float64
	}{{"web1", "linux", 1}, {"web2", "linux", 2}, {"win1", "windows", 3}, {"db1", "linux", 6}} {
		a := fmt.Sprintf("192.0.2.%d", i+1)
		s.c(host(a), float64(i), label("host_name", h.name), label("os_name", h.os), gauge("load_one", h.load))
		for p := range uint32(2) {
			s.c(port(a, p+1), float64(i), label("ifindex", fmt.Sprint(p+1)), label("ifname", fmt.Sprintf("eth%d", p)),
				gauge("ifspeed", 1e9*float64(9*p+1)), gauge("ifinoctets", float64(10*i)+float64(p)))
		}
	}
	return s
}

// Acceptance A7, A8, A9.
func TestStatistics(t *testing.T) {
	s := fleet(t)
	got := s.view.Metric(s.query("ALL", "min:load_one", "max:load_one", "sum:load_one", "avg:load_one", "med:load_one",
		"q1:load_one", "q3:load_one", "iqr:load_one", "var:load_one", "sdev:load_one", "any:load_one", "nosuch", "load_one"))
	for i, want := range []float64{1, 6, 12, 3, 2.5, 1.75, 3.75, 2, 3.5, math.Sqrt(3.5), 6, 0, 6} {
		r := got[i]
		if n := *r.MetricN; n != 4 && r.MetricName != "nosuch" || math.Abs(r.MetricValue.Number-want) > 1e-12 {
			t.Errorf("%s = %v of %d, want %v", r.MetricName, r.MetricValue, n, want)
		}
	}
	if got[1].Agent != "192.0.2.4" || got[1].DataSource != "2.1" || got[2].Agent != "" || got[2].LastUpdate != nil {
		t.Errorf("max %+v, sum %+v", got[1], got[2])
	}
	if *got[2].LastUpdateMin != 0 || *got[2].LastUpdateMax != 3000 {
		t.Errorf("sum %+v", got[2])
	}
	if q := got[4].Quartiles; q == nil || *q != (Quartiles{1, 1.75, 2.5, 3.75, 6}) {
		t.Errorf("quartiles %v", q)
	}
	b, _ := json.Marshal(got[11])
	if string(b) != `{"metricName":"nosuch","metricN":0}` {
		t.Errorf("absent is %s", b)
	}
	texts := s.view.Metric(s.query("ALL", "max:host_name", "min:host_name", "sum:host_name", "any:os_name"))
	if texts[0].MetricValue.Text != "win1" || texts[1].MetricValue.Text != "db1" || !texts[2].MetricValue.IsZero() ||
		texts[3].MetricValue.Text != "linux" {
		t.Errorf("texts %+v", texts)
	}
}

// Acceptance A10, A11, A12, F67.
func TestFilters(t *testing.T) {
	s := fleet(t)
	for _, c := range []struct {
		name   string
		filter map[string][]string
		want   float64
	}{
		{"sum:load_one", map[string][]string{"os_name": {"linux"}, "host_name": {"web*"}}, 3},
		{"sum:load_one", map[string][]string{"os_name": {"linux", "windows"}}, 12},
		{"sum:load_one", map[string][]string{"os_name": {"LINUX"}}, 0},
		{"sum:load_one", map[string][]string{"host_name": {"*b1"}}, 7},
		{"sum:ifinoctets", map[string][]string{"os_name": {"linux"}}, 0 + 1 + 10 + 11 + 30 + 31},
		{"sum:ifinoctets", map[string][]string{"ifspeed": {"10000000000"}}, 1 + 11 + 21 + 31},
		{"sum:ifinoctets", map[string][]string{"ifspeed": {"1e10"}}, 1 + 11 + 21 + 31},
		{"sum:ifinoctets", map[string][]string{"ifspeed": {"100*"}, "ifindex": {"1"}}, 60},
		{"sum:ifinoctets", map[string][]string{"ifname": {"*"}}, 124},
		{"sum:ifinoctets", map[string][]string{"nosuch": {"*"}}, 0},
		{"sum:ifinoctets", map[string][]string{"ifname": {}}, 0},
	} {
		q := s.query("ALL", c.name)
		q.Filter = c.filter
		if r := s.view.Metric(q)[0]; r.MetricValue.Number != c.want {
			t.Errorf("%s of %v = %v, want %v", c.name, c.filter, r.MetricValue, c.want)
		}
		f, sum := CompileFilter(c.filter), 0.0
		_, name, _ := strings.Cut(c.name, ":")
		for src := range s.view.Sources {
			if v, ok := s.table.Now(src, name, s.view.At()); ok && s.table.Match(f, src, s.view.At()) {
				sum += v
			}
		}
		if sum != c.want {
			t.Errorf("Table.Match: %s of %v = %v, want %v", c.name, c.filter, sum, c.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*.myco.com", "a.myco.com", true}, {"*.myco.com", "amyco.com", false}, {"*.myco.com", ".myco.com", true},
		{"*web.*", "myweb.x", true}, {"*web.*", "myweb", false}, {"xenserver*", "xenserver", true},
		{`apache\.*`, "apache.1", true}, {`apache\.*`, "apachex1", false}, {`a\*b`, "a*b", true}, {`a\*b`, "axb", false},
		{"a*b*c", "abc", true}, {"a*b*c", "axbxbxc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false},
		{"*", "", true}, {"", "", true}, {"", "x", false}, {`\`, `\`, true}, {"**", "x", true},
	} {
		p := compilePattern(c.pattern)
		if got := p.match(Str(c.text)); got != c.want {
			t.Errorf("%q on %q = %v", c.pattern, c.text, got)
		}
	}
	for _, c := range []struct {
		pattern string
		number  float64
		want    bool
	}{{"10", 10, true}, {"1e1", 10, true}, {"10.0", 10, true}, {"11", 10, false}, {"1*", 10, true}, {"x", 10, false}} {
		p := compilePattern(c.pattern)
		if got := p.match(Num(c.number)); got != c.want {
			t.Errorf("%q on %v = %v", c.pattern, c.number, got)
		}
	}
}

func TestSelectors(t *testing.T) {
	s := fleet(t)
	topology := Topology{
		Side: func(src schema.Source) Side {
			if src.Class != 0 || src.Exporter == addr("192.0.2.4") {
				return Nowhere
			}
			return Side(src.Index) // port 1 is edge, port 2 core
		},
		Node: func(a schema.Addr) bool { return a != addr("192.0.2.4") },
	}
	for _, c := range []struct {
		agents string
		want   float64
	}{
		{"ALL", 124}, {"", 0}, {"192.0.2.2", 21}, {"192.0.2.2;192.0.2.3", 62}, {"192.0.2.2,192.0.2.3", 62},
		{"web2", 21}, {"web2;192.0.2.2", 21}, {"nosuch;10.9.8.7", 0}, {"TOPOLOGY", 63}, {"EDGE", 30}, {"CORE", 33},
		{"EDGE;CORE", 63}, {"EDGE;db1", 91}, {" web2 ; ", 21}, {"::ffff:192.0.2.2", 21},
	} {
		q := s.query(c.agents, "sum:ifinoctets")
		q.Topology = topology
		if r := s.view.Metric(q)[0]; r.MetricValue.Number != c.want {
			t.Errorf("%q: %v, want %v", c.agents, r.MetricValue, c.want)
		}
		keep, sum := q.Agents.Keep(s.view, topology), 0.0
		for src := range s.view.Sources {
			if v, _, ok := s.view.Value(src, "ifinoctets", s.view.At()); ok && keep(src) {
				sum += v.Number
			}
		}
		if sum != c.want {
			t.Errorf("Keep %q: %v, want %v", c.agents, sum, c.want)
		}
	}
	if r := s.view.Metric(s.query("EDGE", "sum:ifinoctets"))[0]; *r.MetricN != 0 {
		t.Error("EDGE without a topology selects something")
	}
}

// Acceptance A13.
func TestDump(t *testing.T) {
	s := fleet(t)
	for _, list := range []string{"ifindex;ifname", "ifindex,ifname"} {
		got, more := s.view.Dump(&Query{Agents: ParseSelector("192.0.2.1"), Names: SplitNames(list)})
		b, _ := json.Marshal(got)
		want := `[{"agent":"192.0.2.1","dataSource":"1","metricName":"ifindex","metricValue":"1","lastUpdate":3000},` +
			`{"agent":"192.0.2.1","dataSource":"1","metricName":"ifname","metricValue":"eth0","lastUpdate":3000},` +
			`{"agent":"192.0.2.1","dataSource":"2","metricName":"ifindex","metricValue":"2","lastUpdate":3000},` +
			`{"agent":"192.0.2.1","dataSource":"2","metricName":"ifname","metricValue":"eth1","lastUpdate":3000}]`
		if string(b) != want || more {
			t.Errorf("%s: %s", list, b)
		}
	}
	if got, more := s.view.Dump(s.query("ALL", "ALL")); len(got) != 4*(3+2*5) || more {
		t.Errorf("ALL gives %d records", len(got))
	}
	q := s.query("ALL", "ALL")
	q.Max = 7
	if got, more := s.view.Dump(q); len(got) != 7 || !more {
		t.Errorf("max 7 gives %d records, more %v", len(got), more)
	}
	if got, _ := s.view.Dump(s.query("ALL", "nosuch")); got == nil || len(got) != 0 {
		t.Errorf("nothing is %v, want an empty list", got)
	}
}

// cells shows rows of a table, "-" for null.
func cells(rows [][]*Record) string {
	var b strings.Builder
	for i, row := range rows {
		if i > 0 {
			b.WriteString(" | ")
		}
		for j, r := range row {
			if j > 0 {
				b.WriteByte(' ')
			}
			if r == nil {
				b.WriteByte('-')
			} else {
				b.WriteString(r.MetricValue.String())
			}
		}
	}
	return b.String()
}

// Acceptance A14, A15, A16.
func TestTable(t *testing.T) {
	s := fleet(t)
	vm := schema.Source{Exporter: addr("192.0.2.1"), Class: 3, Index: 80}
	s.c(vm, 5, label("vir_host_name", "vm1"), label("vir_os_name", "unknown"))
	for _, c := range []struct{ agents, names, want string }{
		{"ALL", "sort:ifinoctets:-2", "31 | 30"},
		{"ALL", "sort:ifinoctets:2", "0 | 1"},
		{"192.0.2.1;192.0.2.2", "sort:ifinoctets", "0 | 1 | 10 | 11"},
		{"192.0.2.1", "host_name,ifname", "web1 eth0 | web1 eth1"},
		{"ALL", "host_name", "web1 | web2 | win1 | db1"},
		{"ALL", "vir_host_name,null:k8s_name", "vm1 -"},
		{"ALL", "vir_host_name,k8s_name", ""},
		{"192.0.2.1", "vir_host_name,host_name", "vm1 web1"},
		{"192.0.2.1", "host_name,null:ifname", "web1 eth0 | web1 eth1 | web1 -"},
		{"web1", "host_name,sort:ifinoctets:-1", "web1 1"},
		{"ALL", "2.ifname,sort:ifinoctets:1", "eth1 1"},
		{"ALL", "sort:host_name:-1", "win1"},
	} {
		rows, _ := s.view.TableRows(s.query(c.agents, SplitNames(c.names)...))
		if got := cells(rows); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.names, c.agents, got, c.want)
		}
	}
	rows, _ := s.view.TableRows(s.query("192.0.2.1", "host_name", "sort:ifinoctets:-1"))
	b, _ := json.Marshal(rows)
	want := `[[{"agent":"192.0.2.1","dataSource":"2.1","metricName":"host_name","metricValue":"web1","lastUpdate":5000},` +
		`{"agent":"192.0.2.1","dataSource":"2","metricName":"ifinoctets","metricValue":1,"lastUpdate":5000}]]`
	if string(b) != want {
		t.Errorf("%s", b)
	}
	q := s.query("ALL", "ifname")
	q.Max = 3
	if rows, more := s.view.TableRows(q); len(rows) != 3 || !more {
		t.Errorf("max 3 gives %d rows, more %v", len(rows), more)
	}
}

func TestFlowColumns(t *testing.T) {
	s := fleet(t)
	now := s.view.At()
	flows := []FlowCell{
		{Source: port("192.0.2.1", 1), Value: 100, Error: 3, Last: now - second,
			Top: []TopKey{{Key: "a", Value: 100, Error: 3, Values: []float64{7}, Last: now - second}, {Key: "b", Value: 20}}},
		{Source: port("192.0.2.2", 1), Value: 50, Error: 4, Last: now,
			Top: []TopKey{{Key: "b", Value: 50, Error: 4, Last: now}}},
		{Source: schema.Source{Exporter: addr("192.0.2.77")}, Value: 10, Last: now},
	}
	columns := func(name string) ([]FlowCell, bool) { return flows, name == "mn_bytes" }
	ask := func(agents string, names ...string) *Query {
		q := s.query(agents, names...)
		q.Flows = columns
		return q
	}
	got := s.view.Metric(ask("ALL", "mn_bytes", "sum:mn_bytes", "1.mn_bytes", "sum:ifinoctets"))
	if r := got[0]; r.MetricValue != Num(100) || r.Agent != "192.0.2.1" || *r.MetricN != 3 || r.MetricError != 3 ||
		len(r.TopKeys) != 2 || r.TopKeys[0].LastUpdate != 1000 || *r.LastUpdate != 1000 {
		t.Errorf("max %+v", r)
	}
	r := got[1]
	if r.MetricValue != Num(160) || r.MetricError != 5 || len(r.TopKeys) != 2 || r.TopKeys[0].Key != "a" ||
		r.TopKeys[1].Value != 70 {
		t.Errorf("sum %+v", r)
	}
	if *got[2].MetricN != 2 || got[3].MetricValue != Num(124) {
		t.Errorf("others %+v", got[2:])
	}
	rows, _ := s.view.TableRows(ask("ALL", "null:ifname", "sort:mn_bytes:-5"))
	if c := cells(rows); c != "eth0 100 | eth0 50 | - 10" {
		t.Errorf("table %q", c)
	}
	dump, _ := s.view.Dump(ask("192.0.2.77;192.0.2.2", "mn_bytes"))
	if len(dump) != 2 || dump[0].Agent != "192.0.2.2" || dump[1].DataSource != "0" {
		t.Errorf("dump %+v", dump)
	}
	if flows[0].Top[0].LastUpdate != 0 {
		t.Error("a query changed the cells that it was given")
	}
	pool := []FlowCell{{Source: schema.Source{}, Value: 5, Last: now}}
	q := ask("EDGE", "pool")
	q.Flows = func(string) ([]FlowCell, bool) { return pool, true }
	if r := s.view.Metric(q)[0]; r.MetricValue != Num(5) || r.Agent != "ALL" || r.DataSource != "0" {
		t.Errorf("pool %+v", r)
	}
}

func TestParseColumn(t *testing.T) {
	for _, c := range []struct {
		asked string
		want  column
	}{
		{"ifinoctets", column{name: "ifinoctets"}},
		{"10.ifinoctets", column{name: "ifinoctets", placed: true, index: 10}},
		{"2.1.uptime", column{name: "uptime", placed: true, class: 2, index: 1}},
		{"max:10.ifinoctets", column{name: "ifinoctets", placed: true, index: 10}},
		{"sum:my-flow_1", column{name: "my-flow_1", stat: statSum}},
		{"null:k8s_name", column{name: "k8s_name", optional: true}},
		{"sort:ifinoctets:-5", column{name: "ifinoctets", sorted: true, keep: -5}},
		{"sort:7.ifinoctets", column{name: "ifinoctets", sorted: true, placed: true, index: 7}},
		{"app.latency", column{name: "app.latency"}},
		{"wrong:x", column{name: "wrong:x"}},
		{"", column{}},
	} {
		c.want.asked = c.asked
		if got := parseColumn(c.asked); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.asked, got, c.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	s := newSite(t)
	h, p := host("192.0.2.1"), port("192.0.2.1", 1)
	s.c(h, 0, gauge("load_one", 1), gauge("cpu_num", 2), label("host_name", "x"))
	s.c(p, 0, gauge("ifspeed", 5))
	s.c(h, 200, gauge("cpu_num", 2))
	s.c(h, 290, gauge("cpu_num", 2))
	s.number("ALL", "load_one", 1)
	s.c(h, 310, gauge("cpu_num", 2))
	for _, n := range []string{"load_one", "ifspeed", "load_one_per_cpu"} {
		s.absent("ALL", n)
	}
	s.number("ALL", "cpu_num", 2)
	if _, ok := s.table.Now(h, "load_one", s.view.At()); ok || s.table.Len() != 1 {
		t.Errorf("the table keeps load_one (%v) or %d datasources", ok, s.table.Len())
	}
	if c := s.table.Counts(); c.Expired != 1 {
		t.Errorf("counts %+v", c)
	}
	// A view that no tick renews forgets too.
	q := s.query("ALL", "cpu_num")
	q.At = s.view.At() + 301*second
	if r := s.view.Metric(q)[0]; !r.MetricValue.IsZero() {
		t.Errorf("cpu_num is %v", r.MetricValue)
	}
	at := s.at + 1000*second
	v := Merge(s.view, at, []*Partial{nil, s.table.Advance(at)})
	if v.Known(addr("192.0.2.1")) || len(v.chunks) != 0 || s.table.metrics != 0 || len(s.table.shapes) != 0 ||
		s.table.oldest != nil || len(s.table.hosts) != 0 {
		t.Errorf("something is left: %+v %+v", v, s.table)
	}
}

func TestCaps(t *testing.T) {
	table := NewTable(Limits{Sources: 2, PerSource: 3, LabelBytes: 4})
	read := func(i uint32, at float64, m ...schema.Metric) {
		table.Read(&schema.Reading{At: schema.Instant(at * 1e9), Source: port("192.0.2.1", i), Values: m})
	}
	read(1, 1, gauge("a", 1), gauge("b", 1), gauge("c", 1), gauge("d", 1), gauge("e", 1))
	read(2, 1, label("a", "1234567"), label("b", "123\u00e9"), label("c", "ok\x00\x00"))
	read(3, 1, gauge("a", 1))
	c := table.Counts()
	if c.Unkept != 2 || c.Refused != 1 || c.Cut != 2 || c.Readings != 3 || c.Taken != 2 {
		t.Errorf("counts %+v", c)
	}
	for name, want := range map[string]string{"a": "1234", "b": "123", "c": "ok"} {
		w := table.rows[port("192.0.2.1", 2)]
		if v := table.value(w, name, 1e9); v.Text != want {
			t.Errorf("%s = %q, want %q", name, v.Text, want)
		}
	}
	// Room comes back when metrics are forgotten.
	read(1, 200, gauge("a", 2))
	read(1, 400, gauge("x", 2), gauge("y", 2), gauge("z", 2))
	names := slices.Clone(table.rows[port("192.0.2.1", 1)].shape.names)
	if slices.Sort(names); !slices.Equal(names, []string{"a", "x", "y"}) {
		t.Errorf("columns %v", names)
	}
	small := NewTable(Limits{Metrics: maxDerived + 2})
	small.Read(&schema.Reading{Source: port("192.0.2.1", 1), Values: []schema.Metric{gauge("a", 1), gauge("b", 1),
		gauge("c", 1)}})
	if c := small.Counts(); c.Unkept != 1 {
		t.Errorf("counts %+v", c)
	}
}

// TestTotalCaps lets every datasource have other metrics, and labels that are long: what all take together is bounded,
// and comes back when they are forgotten.
func TestTotalCaps(t *testing.T) {
	table := NewTable(Limits{Columns: 20, LabelTotal: 100})
	read := func(i uint32, at float64, m ...schema.Metric) {
		table.Read(&schema.Reading{At: schema.Instant(at * 1e9), Source: port("192.0.2.1", i), Values: m})
	}
	for round := range 3 {
		at := float64(1 + 1000*round)
		for i := range uint32(30) {
			read(i, at, gauge(fmt.Sprint("other", i), 1), label("same", strings.Repeat("x", 10)))
		}
		if table.columns > 20 || table.texts != 100 || len(table.shapes) != 11 {
			t.Errorf("round %d: %d columns, %d bytes of labels, %d shapes", round, table.columns, table.texts,
				len(table.shapes))
		}
		read(1, at+2, gauge("other1", 1), label("same", strings.Repeat("y", 9)))
		if table.texts != 99 {
			t.Errorf("%d bytes of labels after one became shorter", table.texts)
		}
		table.Advance(schema.Instant((at + 900) * 1e9))
		if table.columns != 0 || table.texts != 0 || table.metrics != 0 || len(table.shapes) != 0 {
			t.Errorf("left: %d columns, %d bytes, %d metrics", table.columns, table.texts, table.metrics)
		}
	}
	if c := table.Counts(); c.Unkept != 3*20*2 {
		t.Errorf("counts %+v", c)
	}
	// Of a list that is there already any number of datasources may have the metrics.
	for i := range uint32(30) {
		read(i, 5000, gauge("a", 1), gauge("b", 2))
	}
	if c := table.Counts(); c.Unkept != 3*20*2 || table.columns != 2 {
		t.Errorf("%d columns, counts %+v", table.columns, c)
	}
}

func TestWatch(t *testing.T) {
	s := newSite(t)
	var got []string
	s.table.Watch(map[string]bool{"ifinutilization": true, "ifname": true, "ifspeed": true, "off": false},
		func(u *Update) { got = append(got, fmt.Sprintf("%s %s=%g", u.Source.Datasource(), u.Name, u.Value)) })
	p := port("192.0.2.1", 7)
	s.c(p, 0, c64("ifinoctets", 0), gauge("ifspeed", 8000), label("ifname", "x"), gauge("off", 1))
	s.c(p, 10, c64("ifinoctets", 5000), gauge("ifspeed", 8000))
	s.c(p, 20, gauge("off", 1))
	s.table.Watch(map[string]bool{"off": true}, func(u *Update) { got = append(got, u.Name) })
	s.c(p, 30, gauge("off", 1))
	s.table.Watch(nil, nil)
	s.c(p, 40, gauge("off", 1))
	if g := strings.Join(got, ", "); g != "7 ifspeed=8000, 7 ifspeed=8000, 7 ifinutilization=50, off" {
		t.Errorf("updates %s", g)
	}
}

// A view never changes, and the next one shares all that did not.
func TestViewsShare(t *testing.T) {
	table := NewTable(Limits{})
	const n = 1000
	read := func(i uint32, f float64) {
		a := schema.Addr4([4]byte{10, 0, byte(i >> 8), byte(i)})
		table.Read(&schema.Reading{At: second, Source: schema.Source{Exporter: a, Class: 2, Index: 1},
			Values: []schema.Metric{gauge("load_one", f)}})
	}
	for i := range uint32(n) {
		read(i*7919%n, 1)
	}
	old := Merge(nil, second, []*Partial{table.Advance(second)})
	read(500, 2)
	p := table.Advance(second)
	if len(p.leaves) != 1 {
		t.Fatalf("%d leaves for one touched row", len(p.leaves))
	}
	next := Merge(old, second, []*Partial{p})
	shared := 0
	for i := range next.chunks {
		if &next.chunks[i][0] == &old.chunks[i][0] {
			shared++
		}
	}
	if shared != len(old.chunks)-1 {
		t.Errorf("%d of %d chunks shared", shared, len(old.chunks))
	}
	sum := func(v *View) float64 {
		return v.Metric(&Query{Agents: All(), Names: []string{"sum:load_one"}})[0].MetricValue.Number
	}
	if sum(old) != n || sum(next) != n+1 {
		t.Errorf("sums %v and %v", sum(old), sum(next))
	}
	if table.Advance(second) != nil {
		t.Error("a partial when nothing happened")
	}
	if v := Merge(next, 2*second, nil); v.At() != 2*second || &v.chunks[0] != &next.chunks[0] {
		t.Error("a merge of nothing is not the same view later")
	}
}

func TestEmptyView(t *testing.T) {
	var v *View
	if v.Host(schema.Addr{}) != "" || v.At() != 0 || len(v.Names(0)) != 0 || v.Known(schema.Addr{}) ||
		v.Agent(schema.Addr{}, 0) != nil {
		t.Error("an empty view knows something")
	}
	if r := v.Metric(&Query{Agents: All(), Names: []string{"x", "y"}}); len(r) != 2 || r[1].MetricName != "y" {
		t.Errorf("metric %v", r)
	}
	rows, _ := v.TableRows(&Query{Agents: All(), Names: []string{"x"}})
	if b, _ := json.Marshal(rows); string(b) != "[]" {
		t.Errorf("table %s", b)
	}
}
