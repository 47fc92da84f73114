package sflowrt_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"weir/face/sflowrt"
	"weir/wire/sflow"
)

// load sends counters of a port after a second in which it was used by so many percent.
func (l *lab) load(agent string, index uint32, speed uint64, octets *uint64, percent float64) {
	l.t.Helper()
	l.pass(1, 0, nil)
	*octets += uint64(percent / 100 * float64(speed) / 8)
	l.counters(agent, sflow.IfCounters{Index: index, Speed: speed, In: sflow.IfDirection{Octets: *octets}}, "")
	l.tick()
}

// TestThresholds are acceptance checks F64, F65 and F72.
func TestThresholds(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/threshold/t1/json", `{metric:"ifinutilization",value:'70',timeout:3}`)
	v := l.get("/threshold/t1/json")
	l.check(v, "metric", "ifinutilization")
	l.check(v, "value", 70)
	l.check(v, "timeout", 3)
	l.check(v, "byFlow", false)
	var octets uint64
	for _, percent := range []float64{0, 60, 80.5, 85} {
		l.load(a1, 7, 1e9, &octets, percent)
	}
	v = l.get("/events/json?thresholdID=t1&maxEvents=5")
	l.length(v, 1)
	l.check(v, "0/eventID", 1)
	l.check(v, "0/thresholdID", "t1")
	l.check(v, "0/metric", "ifinutilization")
	l.check(v, "0/threshold", 70)
	l.about(v, "0/value", 80.5, 0.1)
	l.check(v, "0/agent", a1)
	l.check(v, "0/dataSource", "7")
	l.check(v, "0/flowKey", nil)
	if at, ok := dig(v, "0/timestamp").(float64); !ok || at < float64(l.start.Millis()) {
		t.Errorf("timestamp in %v", v)
	}
	for _, c := range []struct {
		percent float64
		events  int
	}{{60, 1}, {80, 1}, {60, 1}, {60, 1}, {60, 1}, {60, 1}, {60, 1}, {80, 2}} {
		l.load(a1, 7, 1e9, &octets, c.percent)
		l.length(l.get("/events/json"), c.events)
	}
	for range 2 {
		l.call("DELETE", "/threshold/t1/json", "", http.StatusNoContent)
	}
	l.tick()
	for _, percent := range []float64{10, 10, 10, 10, 10, 90} {
		l.load(a1, 7, 1e9, &octets, percent)
	}
	l.length(l.get("/events/json"), 2)
	l.call("GET", "/threshold/t1/json", "", http.StatusNotFound)
	for _, bad := range []string{`{metric:'x',value:'n'}`, `{value:3}`, `{metric:'x',value:1,timeout:-1}`,
		`{metric:'x',value:1,filter:{a:[]}}`, `{metric:'x',value:1,filter:'a=b'}`} {
		l.call("PUT", "/threshold/bad/json", bad, http.StatusBadRequest)
	}
}

// TestThresholdsOfFlows are acceptance checks F66, F69 and F71.
func TestThresholdsOfFlows(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/f/json", `{keys:'ipsource',value:'frames',values:'avg:ipbytes',t:0.1}`)
	l.put("/threshold/each/json", `{metric:'f',value:1000,byFlow:true,timeout:0.2}`)
	l.put("/threshold/top/json", `{metric:'f',value:1000,timeout:60}`)
	burst := func() {
		for _, h := range []string{h1, h2} {
			l.sample(sample{a1, 3, 3, 1, 1000, 100, tcp(h, victim, 1, 2, 100)})
		}
	}
	burst()
	l.tick()
	v := l.get("/events/json?thresholdID=each")
	got := keys(v, "flowKey")
	slices.Sort(got)
	if !slices.Equal(got, []string{h1, h2}) {
		t.Errorf("events of %v in %v", got, v)
	}
	if values, _ := dig(v, "0/values").([]any); len(values) != 1 || values[0] != 82.0 {
		t.Errorf("values in %v", v)
	}
	l.length(l.get("/events/json?thresholdID=top"), 1)
	l.length(l.get("/events/json?thresholdID=top&thresholdID=each"), 3)
	l.pass(1, 0, nil)
	burst()
	l.tick()
	l.length(l.get("/events/json?thresholdID=each"), 4)
	l.length(l.get("/events/json?thresholdID=top"), 1)
}

// TestThresholdFilter is acceptance check F67.
func TestThresholdFilter(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/threshold/fast/json", `{metric:'ifinoctets',value:1000000,filter:{ifspeed:[1e10]}}`)
	var one, ten uint64
	for range 3 {
		l.load(a1, 1, 1e9, &one, 50)
		l.load(a1, 2, 1e10, &ten, 5)
	}
	v := l.get("/events/json")
	l.length(v, 1)
	l.check(v, "0/dataSource", "2")
}

// TestEventLoop is acceptance check F73: the loop of a client that asks for more than it has seen.
func TestEventLoop(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/threshold/any/json", `{metric:'load_one',value:5}`)
	id, seen := -1.0, map[float64]int{}
	for i := range 4 {
		l.host(fmt.Sprint("192.0.2.", 10+i), fmt.Sprint("h", i), 2, 10)
		l.tick()
		v := l.get(fmt.Sprintf("/events/json?maxEvents=10&timeout=60&eventID=%.0f", id)).([]any)
		for j := range v {
			seen[dig(v, fmt.Sprint(j, "/eventID")).(float64)]++
		}
		id = dig(v, "0/eventID").(float64)
	}
	if len(seen) != 4 || seen[1] != 1 || seen[4] != 1 {
		t.Errorf("events by number: %v", seen)
	}
}
