package sim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"weir/engine"
	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/sim"
)

// everything is what an engine can be asked, as JSON text.
func (r *rig) everything() string {
	v := r.View()
	answers := map[string]any{"exporters": v.Exporters, "books": v.Books, "events": r.EventsSince(0, nil, 1000),
		"flows": r.FlowsSince(0, nil, 1000), "seen": v.Seen, "keys": v.FlowKeys}
	for _, d := range v.State.Flows {
		for _, mode := range []flow.Mode{flow.ModeMax, flow.ModeSum, flow.ModeEdge, flow.ModeCore} {
			got, err := v.Flow.Active(flow.Query{Definition: d.Name, Mode: mode})
			if err != nil {
				r.t.Fatal(err)
			}
			answers[fmt.Sprint("active ", d.Name, " ", mode)] = fmt.Sprintf("%+v", got)
		}
		books, _ := v.Flow.Books(d.Name)
		answers["books "+d.Name] = books
	}
	q := metric.Query{
		Agents: metric.All(), Names: []string{"max:ifinoctets", "sum:ifinoctets", "avg:ifinutilization", "load_one",
			"http_status_2xx", "vir_cpu_utilization", "host_name", "services"},
		Topology: v.Topology(), Flows: v.FlowColumn,
	}
	answers["metric"] = v.Metric.Metric(&q)
	answers["names"] = v.Metric.Names(v.At)
	q.Names = []string{"ALL"}
	dump, _ := v.Metric.Dump(&q)
	answers["dump"] = dump
	b, err := json.MarshalIndent(answers, "", " ")
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// TestLanes gives the same input to 1, 2, 3 and 8 lanes in parcels of any size: the answers must be the same text.
func TestLanes(t *testing.T) {
	var want string
	for i, lanes := range []int{1, 2, 3, 8, 3} {
		n := sim.New(11, sim.Options{Load: 0.3, FloodEvery: 15 * time.Second, FloodFor: 4 * time.Second,
			Polling: 5 * time.Second, Faults: sim.Faults{Loss: 0.01, Duplicate: 0.01, Reorder: 0.02}})
		r := newRig(t, engine.Config{Lanes: lanes})
		if i > 0 {
			r.shuffle = rand.New(rand.NewPCG(uint64(i), 0))
		}
		topology, err := enrich.ParseTopology(n.Topology())
		if err != nil {
			t.Fatal(err)
		}
		r.do(n.Now(), engine.SetTopology{Topology: topology}, engine.SetGroups{Name: "site", Groups: n.Groups()},
			define("pairs", addresses, "bytes", func(d *flow.Definition) { d.N, d.Log = 20, true }),
			define("services", services, "frames", func(d *flow.Definition) { d.AggMode = "edge" }),
			define("groups", "group:ipsource:site,group:ipdestination:site", "bytes"),
			define("agents", "macsource", "count:ipdestination", func(d *flow.Definition) { d.AggMode = "AGENT" }),
			define("flood", "ipdestination", "frames", func(d *flow.Definition) { d.Filter = "udpsourceport=123" }),
			define("web", "httpurl,httpstatus", "requests"),
			engine.SetThreshold{Threshold: event.Threshold{Name: "flood", Metric: "flood", Value: 5000, ByFlow: true,
				Timeout: 1}},
			engine.SetThreshold{Threshold: event.Threshold{Name: "load", Metric: "load_one", Value: 3}})
		r.run(n, 25*time.Second, nil)
		got := r.everything()
		r.end()
		if len(r.EventsSince(0, []string{"flood"}, 10)) == 0 {
			t.Error("the flood was not noticed")
		}
		switch {
		case want == "":
			want = got
		case got != want:
			t.Errorf("%d lanes answer otherwise than one: %s", lanes, firstDifference(got, want))
		}
	}
}

func firstDifference(a, b string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			from := max(0, i-200)
			return fmt.Sprintf("\n%s\ninstead of\n%s", a[from:min(len(a), i+100)], b[from:min(len(b), i+100)])
		}
	}
	return fmt.Sprintf("%d bytes instead of %d", len(a), len(b))
}

// TestFloodIsNoticed runs the network of the demo as the demo does: within two minutes a flood must cross the limit
// of its threshold, once, and be over.
func TestFloodIsNoticed(t *testing.T) {
	n := sim.New(1, sim.Options{})
	r := newRig(t, engine.Config{Lanes: 2})
	r.do(n.Now(), define("flood", "ipdestination", "frames", func(d *flow.Definition) { d.Filter = "udpsourceport=123" }),
		engine.SetThreshold{Threshold: event.Threshold{Name: "flood", Metric: "flood", Value: 60_000, ByFlow: true,
			Timeout: 5}})
	r.run(n, 60*time.Second, nil)
	var at []schema.Instant
	for _, e := range r.EventsSince(0, nil, 100) {
		at = append(at, e.At)
		if e.End == 0 || e.End.Sub(e.At) < 8*time.Second || e.End.Sub(e.At) > 30*time.Second {
			t.Errorf("event from %v to %v", e.At, e.End)
		}
	}
	if len(at) != 5 {
		t.Errorf("events at %v, want one for each router and each uplink of the victim's leaf", at)
	}
}
