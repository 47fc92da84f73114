package sflowrt_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/face/sflowrt"
	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

func port(index uint32, speed, octets uint64) sflow.IfCounters {
	return sflow.IfCounters{Index: index, Speed: speed, In: sflow.IfDirection{Octets: octets}}
}

// TestRates are acceptance checks A1 to A5.
func TestRates(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	first := port(7, 1e9, 1_000_000)
	first.In.Errors = 4294967290
	l.counters(a1, first, "e7")
	l.counters(a1, port(8, 0, 0), "")
	l.tick()
	v := l.get("/metric/192.0.2.1/7.ifoperstatus,7.ifinoctets/json")
	l.check(v, "0/metricValue", "up")
	l.check(v, "1/metricValue", nil)
	l.check(v, "1/metricN", 0)

	l.pass(10, 0, nil)
	next := port(7, 1e9, 6_000_000)
	next.In.Unicast, next.In.Multicast, next.In.Broadcast, next.In.Errors = 1000, 200, 50, 10
	l.counters(a1, next, "e7")
	l.counters(a1, port(8, 0, 1000), "")
	l.tick()
	v = l.get("/metric/192.0.2.1/7.ifinoctets/json")
	l.length(v, 1)
	l.about(v, "0/metricValue", 500_000, 0.01)
	l.check(v, "0/dataSource", "7")
	l.check(v, "0/agent", a1)
	l.check(v, "0/metricN", 1)
	v = l.get("/metric/192.0.2.1/7.ifinutilization,8.ifinutilization,7.ifinpkts,7.ifinerrors/json")
	l.about(v, "0/metricValue", 0.4, 0.01)
	l.check(v, "1/metricValue", nil)
	l.about(v, "2/metricValue", 125, 0.01)
	l.about(v, "3/metricValue", 1.6, 0.01)
	l.check(l.get("/metrics/json"), "ifinoctets", 1)
}

// TestHosts are acceptance checks A6 to A12 and A18.
func TestHosts(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.host(a1, "web1", 2, 1)
	l.host(a2, "web2", 2, 2)
	l.host(a3, "db1", 2, 3)
	l.host(a9, `we"b`, 3, 6)
	for _, a := range []string{a1, a2, a3, a9} {
		l.counters(a, port(1, 1e9, 0), "eth0")
	}
	l.pass(10, 0, nil)
	for _, a := range []string{a1, a2, a3, a9} {
		l.counters(a, port(1, 1e9, 1000), "eth0")
	}
	l.tick()
	v := l.get("/metric/192.0.2.1/json")
	l.check(v, "2.1.host_name", "web1")
	l.check(v, "2.1.load_one", 1)
	l.check(v, "1.ifname", "eth0")
	l.check(l.get("/metric/web1/json"), "2.1.host_name", "web1")
	l.call("GET", "/metric/ALL/json", "", http.StatusNotFound)
	l.call("GET", "/metric/192.0.2.77/json", "", http.StatusNotFound)

	v = l.get("/metric/ALL/min:load_one,max:load_one;sum:load_one,avg:load_one,med:load_one/json")
	for i, want := range []float64{1, 6, 12, 3, 2.5} {
		l.check(v, fmt.Sprint(i, "/metricValue"), want)
		l.check(v, fmt.Sprint(i, "/metricN"), 4)
	}
	l.check(v, "1/agent", a9)
	l.check(v, "2/agent", nil)
	l.check(v, "2/metricName", "sum:load_one")
	for _, n := range []string{"min", "q1", "med", "q3", "max"} {
		if _, ok := dig(v, "4/quartiles/"+n).(float64); !ok {
			t.Errorf("no quartile %s in %v", n, v)
		}
	}
	v = l.get("/metric/ALL/nosuch,load_one/json")
	l.length(v, 2)
	l.check(v, "0/metricValue", nil)
	l.check(v, "1/metricValue", 6)

	l.check(l.get("/metric/ALL/sum:load_one/json?os_name=linux&host_name=web*"), "0/metricValue", 3)
	l.check(l.get("/metric/ALL/sum:load_one/json?host_name=web*&host_name=db1"), "0/metricValue", 6)
	l.about(l.get("/metric/ALL/sum:ifinoctets/json?os_name=linux"), "0/metricValue", 300, 0.01)
	l.check(l.get("/metric/web1;192.0.2.2/sum:load_one/json?_=17"), "0/metricValue", 3)
	l.check(l.get("/metric/ALL/sum:load_one/json?ovs_dp_flows=*"), "0/metricN", 0)
	l.call("GET", "/metric/ALL/sum:load_one/json?host_name=%zz", "", http.StatusBadRequest)

	text := l.call("GET", "/prometheus/metrics/ALL/load_one,host_name,ifinoctets/txt", "", http.StatusOK)
	for _, want := range []string{
		`sflow_load_one{agent="192.0.2.1",datasource="2.1",host="web1"} 1` + "\n",
		`sflow_load_one{agent="192.0.2.9",datasource="2.1",host="we\"b"} 6` + "\n",
		`sflow_ifinoctets{agent="192.0.2.1",datasource="1",host="web1",ifname="eth0",ifindex="1"} `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "host_name{") || strings.Count(text, "\n") != 8 {
		t.Errorf("lines that do not belong: %s", text)
	}
}

// TestTooMany asks for more than is answered.
func TestTooMany(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.host(a1, "web1", 2, 1)
	l.tick()
	l.call("GET", "/metric/ALL/"+strings.Repeat("x,", 1001)+"/json", "", http.StatusBadRequest)
	l.call("GET", "/dump/ALL/,/json", "", http.StatusBadRequest)
	l.call("GET", "/flow/"+strings.Repeat("é", 300)+"/json", "", http.StatusNotFound)
	text := l.call("GET", "/prometheus/metrics/ALL/ALL/txt", "", http.StatusOK)
	if !strings.Contains(text, "\nsflow_load_one{") || !strings.HasPrefix(text, "sflow_cpu_num{") {
		t.Errorf("all metrics: %s", text)
	}
	l.put("/flow/a-b.c/json", `{value:'frames'}`)
	l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)})
	l.tick()
	text = l.call("GET", "/prometheus/metrics/ALL/a-b.c/txt", "", http.StatusOK)
	if text != "" && !strings.HasPrefix(text, "sflow_a_b_c{") {
		t.Errorf("the name of a flow in Prometheus: %s", text)
	}
}

// TestDumpAndTable are acceptance checks A13 to A16.
func TestDumpAndTable(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.host(a1, "leaf1", 2, 1)
	for round := range uint64(2) {
		for i := range uint32(5) {
			l.counters(a1, port(i+1, 1e9, round*uint64(i+1)*100), fmt.Sprint("e", i+1))
		}
		l.pass(10, 0, nil)
	}
	comma := l.get("/dump/192.0.2.1/ifindex,ifoperstatus/json")
	l.length(comma, 10)
	if semicolon := l.get("/dump/192.0.2.1/ifindex;ifoperstatus/json"); fmt.Sprint(comma) != fmt.Sprint(semicolon) {
		t.Errorf("%v and %v", comma, semicolon)
	}
	for _, n := range []string{"agent", "dataSource", "metricName", "metricValue"} {
		if dig(comma, "3/"+n) == nil {
			t.Errorf("no %s in %v", n, comma)
		}
	}
	v := l.get("/table/ALL/sort:ifinoctets:-2/json")
	l.length(v, 2)
	l.about(v, "0/0/metricValue", 50, 0.01)
	l.about(v, "1/0/metricValue", 40, 0.01)
	v = l.get("/table/ALL/sort:ifinoctets:2/json")
	l.about(v, "0/0/metricValue", 10, 0.01)
	l.about(v, "1/0/metricValue", 20, 0.01)
	l.length(l.get("/table/ALL/ifname,k8s_name/json"), 0)
	v = l.get("/table/ALL/ifname,null:k8s_name/json")
	l.length(v, 5)
	if row := dig(v, "0").([]any); len(row) != 2 || row[1] != nil {
		t.Errorf("row %v", row)
	}
	v = l.get("/table/ALL/host_name,ifname/json")
	l.length(v, 5)
	l.check(v, "4/0/metricValue", "leaf1")
	l.check(v, "4/0/dataSource", "2.1")
	l.check(v, "4/1/metricValue", "e5")
}

// TestFlowMetrics asks for flow definitions as metrics: A17 and section 5.2 of the specification.
func TestFlowMetrics(t *testing.T) {
	l := newLab(t, sflowrt.Options{PrometheusType: true, PrometheusPrefix: "x_"})
	l.put("/flow/mn_bytes/json", `{keys:'ipsource',value:'bytes'}`)
	l.put("/flow/quiet/json", `{value:'bytes',filter:'ipprotocol=1'}`)
	l.host(a1, "leaf1", 2, 1)
	l.pass(12, 10, func() {
		l.sample(sample{a1, 3, 3, 1, 100, 1000, tcp(h1, h2, 1, 2, 1000)})
		l.sample(sample{a1, 1, 3, 1, 100, 500, tcp(h2, h1, 2, 1, 500)})
	})
	names := l.get("/metrics/json")
	if age, ok := dig(names, "mn_bytes").(float64); !ok || age > 200 {
		t.Errorf("mn_bytes in %v", names)
	}
	l.check(names, "quiet", nil)
	v := l.get("/metric/ALL/mn_bytes,sum:mn_bytes,3.mn_bytes/json")
	l.about(v, "0/metricValue", 1e6, 15)
	l.check(v, "0/topKeys/0/key", h1)
	l.about(v, "1/metricValue", 1.5e6, 15)
	l.check(v, "2/dataSource", "3")
	l.about(l.get("/metric/leaf1/json"), "1.mn_bytes", 5e5, 15)
	if all := keys(l.get("/dump/ALL/ALL/json"), "metricName"); !slices.Contains(all, "mn_bytes") ||
		!slices.Contains(all, "load_one") || slices.Contains(all, "quiet") {
		t.Errorf("all metrics are %q", all)
	}
	if n := strings.Count(l.call("GET", "/prometheus/metrics/ALL/ALL,mn_bytes/txt", "", http.StatusOK),
		"\nx_mn_bytes{"); n != 2 {
		t.Errorf("%d lines of mn_bytes at 2 ports", n)
	}
	l.about(l.get("/table/ALL/host_name,sort:mn_bytes:-5/json"), "0/1/metricValue", 1e6, 15)
	text := l.call("GET", "/prometheus/metrics/ALL/mn_bytes/txt", "", http.StatusOK)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 3 || lines[0] != "# TYPE x_mn_bytes gauge" ||
		!slices.ContainsFunc(lines, func(s string) bool {
			return strings.HasPrefix(s, `x_mn_bytes{agent="192.0.2.1",datasource="3",host="leaf1"} `)
		}) {
		t.Errorf("%s", text)
	}
}

// TestDomains checks that datasources of the same number in two observation domains stay apart where a client could
// not bear two of the same name, and that the larger counts where there is one place only.
func TestDomains(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/f/json", `{value:'bytes',t:600}`)
	tmpl, err := netflow.NewTemplate(300, false, 0, netflow.Field{Element: 8, Length: 4},
		netflow.Field{Element: 10, Length: 4}, netflow.Field{Element: 1, Length: 4}, netflow.Field{Element: 2, Length: 4})
	if err != nil {
		t.Fatal(err)
	}
	for domain, bytes := range []uint64{9e6, 3e6} {
		b, err := netflow.NewBuilder(netflow.IPFIX, uint32(domain+1))
		if err != nil {
			t.Fatal(err)
		}
		b.Begin(netflow.Header{Export: l.now})
		if err := b.Template(tmpl); err != nil {
			t.Fatal(err)
		}
		var v [4]schema.Value
		source := addr(t, h1)
		v[0].SetIP(source[12:])
		v[1].SetUint(7)
		v[2].SetUint(bytes)
		v[3].SetUint(1)
		b.Record(tmpl, v[:]...)
		d, err := b.Datagram()
		if err != nil {
			t.Fatal(err)
		}
		l.deliver(d)
	}
	l.tick()
	l.about(l.get("/metric/192.0.2.250/json"), "7.f", 15000, 1)
	text := l.call("GET", "/prometheus/metrics/ALL/f/txt", "", http.StatusOK)
	for _, labels := range []string{`datasource="7",domain="1"} 14999.99`, `datasource="7",domain="2"} 4999.99`} {
		if !strings.Contains(text, labels) {
			t.Errorf("no %s in %s", labels, text)
		}
	}
}
