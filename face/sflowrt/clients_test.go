package sflowrt_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/face/sflowrt"
	"weir/wire/sflow"
)

// The tests of this file make the requests of public clients as these make them, and look at what these look at.

// TestLabScripts are the requests of the containerlab scripts: the topology, then the three programs.
func TestLabScripts(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/topology/json", `{"links": {`+
		`"link1": {"node1": "leaf1", "port1": "eth1", "node2": "spine1", "port2": "eth1"}, `+
		`"link2": {"node1": "leaf2", "port1": "eth1", "node2": "spine1", "port2": "eth2"}}}`)
	l.check(l.get("/topology/json"), "links/link2/port2", "eth2")
	l.put("/topology/json", `{"links": {}}`) // a lab without links between routers
	traffic := func() {
		l.pass(8, 20, func() { l.sample(sample{a1, 3, 3, 1, 100, 1500, tcp(h1, h2, 40000, 5201, 1500)}) })
	}
	const definition = `{"keys": "ipsource,ipdestination,tcpsourceport,tcpdestinationport", "value": "bytes"`
	const key = h1 + "," + h2 + ",40000,5201"

	// topflows
	l.put("/flow/tcp/json", definition+"}")
	traffic()
	v := l.get("/activeflows/ALL/tcp/json")
	l.length(v, 1)
	l.check(v, "0/key", key)
	l.about(v, "0/value", 3e6, 25)
	l.call("DELETE", "/flow/tcp/json", "", http.StatusNoContent)
	l.tick()

	// largeflows
	l.put("/flow/tcp/json", definition+"}")
	l.put("/threshold/large-tcp/json", `{"metric": "tcp", "value": 125000.0, "byFlow": true}`)
	const events = "/events/json?thresholdID=large-tcp&maxEvents=10&timeout=60&eventID="
	traffic()
	v = l.get(events + "-1")
	l.length(v, 1)
	l.check(v, "0/flowKey", key)
	l.check(v, "0/metric", "tcp")
	id := dig(v, "0/eventID").(float64)
	l.length(l.get(strings.Replace(events, "timeout=60", "timeout=0.01", 1)+fmt.Sprint(id)), 0)
	l.call("DELETE", "/threshold/large-tcp/json", "", http.StatusNoContent)
	l.call("DELETE", "/flow/tcp/json", "", http.StatusNoContent)
	l.tick()

	// logflows
	l.put("/flow/tcp/json", definition+`, "activeTimeout": 10, "log": true}`)
	traffic()
	traffic()
	v = l.get("/flows/json?name=tcp&maxFlows=10&timeout=60&flowID=-1")
	l.length(v, 1)
	l.check(v, "0/flowKeys", key)
	l.about(v, "0/value", 3e7, 10)
	if _, ok := dig(v, "0/flowID").(float64); !ok {
		t.Errorf("no flowID in %v", v)
	}
	l.call("DELETE", "/flow/tcp/json", "", http.StatusNoContent)
}

// twoReports sends two rounds of counters of two switches, 20 s apart, and some traffic.
func (l *lab) twoReports() {
	l.t.Helper()
	for round := range uint64(2) {
		for i, a := range []string{a1, a2} {
			l.host(a, fmt.Sprint("leaf", i+1), 2, float32(i+1))
			for p := range uint32(3) {
				c := port(p+1, 1e9, round*uint64(p+1)*1e7)
				c.Out = sflow.IfDirection{Octets: round * 1e6}
				l.counters(a, c, fmt.Sprint("swp", p+1))
			}
		}
		l.pass(20, 10, func() { l.sample(sample{a1, 1, 1, 2, 100, 1000, tcp(h1, h2, 1, 2, 1000)}) })
	}
}

// TestScrapeConfiguration are the requests of the scrape configuration of prometheus-grafana.
func TestScrapeConfiguration(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.twoReports()
	text := l.call("GET", "/prometheus/analyzer/txt", "", http.StatusOK)
	for _, name := range []string{"agent_count", "received_bytes", "received_datagrams", "discarded_datagrams",
		"heap_used_bytes", "cpu_load_process"} {
		if !strings.Contains("\n"+text, "\nsflow_analyzer_"+name+" ") {
			t.Errorf("no %s in %s", name, text)
		}
	}
	const path = "/prometheus/metrics/ALL/ifinoctets,ifoutoctets,ifspeed,ifinutilization,ifoututilization," +
		"ifinerrors,ifouterrors,ifindiscards,ifoutdiscards/txt"
	all := lines(t, l.call("GET", path, "", http.StatusOK))
	if len(all) != 9*6 {
		t.Fatalf("%d lines of 9 metrics of 6 ports: %q", len(all), all)
	}
	// The configuration makes the label instance of agent and datasource, which must tell all lines of a name apart.
	instances := map[string]bool{}
	for _, line := range all {
		labels, _, _ := strings.Cut(line, ",host=")
		if instances[labels] || !strings.Contains(labels, `agent="`) || !strings.Contains(labels, `datasource="`) {
			t.Errorf("%s is there twice, or without labels", labels)
		}
		instances[labels] = true
	}
	want := `sflow_ifinoctets{agent="192.0.2.2",datasource="3",host="leaf2",ifname="swp3",ifindex="3"} 1.5e+06`
	if !slices.Contains(all, want) {
		t.Errorf("no %s in %q", want, all)
	}
}

// TestMetricBrowser are the requests of the page of browse-metrics.
func TestMetricBrowser(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/tcp/json", `{keys:'ipsource,ipdestination',value:'bytes'}`)
	l.twoReports()
	if agents, _ := l.get("/agents/json").(map[string]any); len(agents) != 2 || agents[a1] == nil {
		t.Errorf("agents %v", agents)
	}
	// A name with a value that counts as false would be taken for one that is not there.
	names, _ := l.get("/metrics/json").(map[string]any)
	for name, age := range names {
		if f, ok := age.(float64); !ok || f <= 0 {
			t.Errorf("%s has the age %v", name, age)
		}
	}
	if names["ifinoctets"] == nil || names["tcp"] == nil {
		t.Errorf("metrics %v", names)
	}
	// What stands before the last dot is the datasource; its title is another metric of it.
	v := l.get("/metric/192.0.2.1/json")
	l.check(v, "2.1.host_name", "leaf1")
	l.check(v, "1.ifname", "swp1")
	if dig(v, "1.tcp") == nil {
		t.Errorf("no flows of a port in %v", v)
	}
	for statistic := range strings.SplitSeq("max,min,sum,avg,var,sdev,med,q1,q2,q3,iqr,any", ",") {
		v := l.get("/metric/ALL/" + statistic + ":ifinoctets/json")
		if f, ok := dig(v, "0/metricValue").(float64); !ok || f <= 0 {
			t.Errorf("%s: %v", statistic, v)
		}
		l.check(v, "0/metricN", 6)
	}
	v = l.get("/metric/192.0.2.1/max:3.ifinoctets/json")
	l.check(v, "0/metricValue", 1.5e6)
	l.check(v, "0/agent", a1)
	l.check(v, "0/dataSource", "3")
	l.check(l.get("/metric/192.0.2.1/any:2.1.host_name/json"), "0/metricValue", "leaf1")
	l.about(l.get("/metric/ALL/max:tcp/json"), "0/metricValue", 1e6, 25)
	// The page polls before a metric was chosen, and selectors that select nothing.
	for _, path := range []string{
		"ALL/max:undefined", "TOPOLOGY/max:ifinoctets", "EDGE/sum:ifinoctets", "CORE/avg:load_one",
	} {
		v := l.get("/metric/" + path + "/json")
		l.length(v, 1)
		l.check(v, "0/metricValue", nil)
	}
}
