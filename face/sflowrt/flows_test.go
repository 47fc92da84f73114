package sflowrt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"weir/face/sflowrt"
	"weir/wire/sflow"
)

func (l *lab) topFlow(name string) string {
	l.t.Helper()
	all := keys(l.get("/activeflows/ALL/"+name+"/json"), "key")
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestDefinitions are acceptance checks B19, B20, B36 and B37.
func TestDefinitions(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/tcp/json", `{"keys":"ipsource,ipdestination","value":"bytes"}`)
	v := l.get("/flow/tcp/json")
	l.check(v, "keys", "ipsource,ipdestination")
	l.check(v, "value", "bytes")
	l.check(v, "fs", ",")
	l.check(v, "n", 5)
	l.check(v, "t", 2)
	l.put("/flow/loose/json", `{value:'frames',filter:'ipprotocol=6'}`)
	l.check(l.get("/flow/json"), "loose/filter", "ipprotocol=6")
	l.put("/flow/text/json", `{keys:['ipsource','ipdestination'],value:"bytes",values:'count:ipsource,avg:ipbytes',
		t:'5',n:'20',log:'true',activeTimeout:'n',fs:'_SEP_',aggMode:'agent',}`)
	v = l.get("/flow/text/json")
	l.check(v, "keys", "ipsource,ipdestination")
	l.check(v, "values/1", "avg:ipbytes")
	l.check(v, "n", 20)
	l.check(v, "t", 5)
	l.check(v, "log", true)
	l.check(v, "activeTimeout", 60)
	l.check(v, "aggMode", "AGENT")
	if got := l.call("POST", "/flow/posted/json", `{value:"bytes",filter:null}`, http.StatusNoContent); got != "" {
		t.Errorf("POST answers %s", got)
	}
	l.length(l.get("/activeflows/ALL/posted/json"), 0) // before the next tick
	l.call("GET", "/flow/nosuch/json", "", http.StatusNotFound)
	l.call("GET", "/activeflows/ALL/nosuch/json", "", http.StatusBadRequest)
	l.call("GET", "/activeflows/ALL/tcp/json?aggMode=most", "", http.StatusBadRequest)
	for range 2 {
		l.call("DELETE", "/flow/tcp/json", "", http.StatusNoContent)
	}
	l.call("GET", "/flow/tcp/json", "", http.StatusNotFound)
}

// TestInvalidDefinitions checks that errors say where they are.
func TestInvalidDefinitions(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	for _, c := range []struct {
		body, field string
		position    float64 // -1: none
	}{
		{`{keys:'ipsource'}`, "value", -1},
		{`{keys:'ipsource,grup:ipsource:g',value:'bytes'}`, "keys", 9},
		{`{keys:'ipsource',value:'bytes',filter:'ipprotocol=6&(vlan=3'}`, "filter", 13},
		{`{value:'bytes',values:['frames','avg:']}`, "values", -2},
		{`{value:'bytes',aggMode:'most'}`, "aggMode", -1},
		{`{value:'bytes',log:3}`, "body", -1},
		{`{value:'bytes',n:[1]}`, "body", -1},
		{`{value:'bytes' keys:''}`, "body", 15},
		{`{value:'bytes`, "body", 7},
		{`[1]`, "body", -1}, {`null`, "body", -1}, {``, "body", -1}, {`{"value":{"a":1}}`, "body", -1},
	} {
		var p map[string]any
		body := l.call("PUT", "/flow/bad/json", c.body, http.StatusBadRequest)
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if p["error"] == "" || p["error"] == nil || p["field"] != c.field {
			t.Errorf("%s: %s, field wanted %s", c.body, body, c.field)
		}
		switch at, ok := p["position"].(float64); {
		case c.position >= 0 && at != c.position, c.position == -1 && ok, c.position == -2 && !ok:
			t.Errorf("%s: %s, position wanted %v", c.body, body, c.position)
		}
	}
	l.call("GET", "/flow/bad/json", "", http.StatusNotFound)
	large := `{value:'` + strings.Repeat("x", 9<<20) + `'}`
	l.call("PUT", "/flow/bad/json", large, http.StatusRequestEntityTooLarge)
}

// TestRatesOfFlows are acceptance checks B21 to B24 and B38.
func TestRatesOfFlows(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/pair/json", `{keys:'ipsource,ipdestination',value:'bytes',t:2}`)
	l.put("/flow/frames/json", `{keys:'ipsource,ipdestination',value:'frames',t:2}`)
	l.put("/flow/back/json", `{keys:'ipdestination,ipsource',value:'bytes',fs:'_SEP_'}`)
	l.put("/flow/six/json", `{keys:'ip6source',value:'bytes'}`)
	l.pass(20, 10, func() { l.sample(sample{a1, 3, 3, 1, 1000, 1000, tcp(h1, h2, 1, 2, 1000)}) })
	v := l.get("/activeflows/ALL/pair/json")
	l.length(v, 1)
	l.about(v, "0/value", 1e7, 15)
	l.check(v, "0/key", h1+","+h2)
	l.check(v, "0/agent", a1)
	l.check(v, "0/dataSource", "3")
	l.check(v, "0/flowN", 1)
	l.check(v, "0/exact", false)
	if e := dig(v, "0/error").(float64); e < 1e6 || e > 3e6 {
		t.Errorf("standard error %v of an estimate from about 40 samples of 1e7", e)
	}
	l.about(l.get("/activeflows/192.0.2.1/frames/json"), "0/value", 1e4, 15)
	l.check(l.get("/activeflows/ALL/back/json"), "0/key", h2+"_SEP_"+h1)
	l.length(l.get("/activeflows/ALL/six/json"), 0)
	l.length(l.get("/activeflows/192.0.2.2/pair/json"), 0)

	value := l.get("/flowvalue/192.0.2.1/3.pair/json?key=" + url.QueryEscape(h1+","+h2))
	if f, _ := value.(float64); f < 8.5e6 || f > 1.15e7 {
		t.Errorf("flowvalue %v", value)
	}
	l.call("GET", "/flowvalue/192.0.2.1/4.pair/json?key="+h1+","+h2, "", http.StatusNotFound)
	l.call("GET", "/flowvalue/192.0.2.1/3.pair/json?key=nobody", "", http.StatusNotFound)
	l.call("GET", "/flowvalue/192.0.2.1/3.nosuch/json?key=nobody", "", http.StatusNotFound)
	l.call("GET", "/flowvalue/192.0.2.1/e1.pair/json?key=nobody", "", http.StatusBadRequest)

	v = l.get("/flowkeys/json")
	for _, k := range []string{"ipsource", "tcpsourceport", "stack"} {
		if dig(v, k) == nil {
			t.Errorf("no %s in %v", k, v)
		}
	}
	l.check(v, "ip6source", nil)

	l.pass(6, 0, nil)
	if v := l.get("/activeflows/ALL/pair/json?minValue=1000000"); len(v.([]any)) != 0 {
		t.Errorf("after 6 s of silence: %v", v)
	}
}

// TestKeys are acceptance checks B25 to B33 and B35, and a choice of C: keys and filters through the interface.
func TestKeys(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/group/g/json", `{ext:['0.0.0.0/0'],lab:'198.51.100.0/24'}`)
	l.put("/map/m/json", `{alpha:['020000000001'],web:[80,"443"]}`)
	inner := tcp("10.0.0.1", "10.0.0.2", 1, 2, 64)
	vxlan := ip4(h1, h2, 17, uint16(20+8+8+len(inner)), slices.Concat(be(7), be(4789), be(uint16(16+len(inner))), be(0),
		[]byte{8, 0, 0, 0, 0, 0, 77, 0}, inner))
	frames := map[string][]byte{
		"tcp": tcp(h1, h2, 80, 2, 1518), "udp": udp("8.8.8.8", h1, 53, 5000, 200), "vxlan": vxlan,
		"six": ip6("fe80::104c:51df:4458:e00a", "fe80::1", 59, nil),
	}
	for i, c := range []struct{ frame, keys, filter, want string }{
		{"tcp", "null:vlan:none,ipsource", "", "none," + h1},
		{"tcp", "null:vlan", "", "null"},
		{"tcp", "or:tcpsourceport:udpsourceport", "", "80"},
		{"udp", "or:tcpsourceport:udpsourceport", "", "53"},
		{"tcp", "if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "", h1},
		{"six", "if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "", "FE80::104C:51DF:4458:E00A"},
		{"tcp", "prefix:stack:.:2", "", "eth.ip"},
		{"tcp", "mask:ipsource:24", "", "198.51.100.0/24"},
		{"tcp", "eq:ipsource:ipdestination", "", "false"},
		{"tcp", `concat:\::ipsource:ipprotocol`, "", h1 + ":6"},
		{"tcp", "group:ipsource:g", "", "lab"},
		{"udp", "group:ipsource:g", "", "ext"},
		{"tcp", "map:macsource:m", "", "alpha"},
		{"tcp", "map:tcpsourceport:m", "", "web"},
		{"tcp", "ipsource", "map:macdestination:m=null", h1},
		{"tcp", "ipsource", "map:macsource:m=null", ""},
		{"vxlan", "vni,ipsource,ipsource.1,stack", "", "77," + h1 + ",10.0.0.1,eth.ip.udp.vxlan.eth.ip.tcp"},
		{"tcp", "ip_offset,ipbytes,stripped", "bytes=1518", "14,1500,4"},
		{"tcp", "ipsource", "ipprotocol=6,17", h1},
		{"tcp", "ipsource", "ipprotocol!=6,17", ""},
		{"tcp", "ipsource", "tcpflags~.......1.", h1},
		{"udp", "ipsource", "tcpflags~.......1.", ""},
		{"tcp", "ipsource", "'ipsource'='198.51.100.1'&'stack'='eth.ip.tcp'", h1},
		{"tcp", "ipsource", "group:ipdestination:g!=ext,multicast", h1},
		{"tcp", "ipsource", "vlan!=null", ""},
	} {
		name := fmt.Sprint("k", i)
		body, _ := json.Marshal(map[string]string{"keys": c.keys, "value": "frames", "filter": c.filter})
		l.put("/flow/"+name+"/json", string(body))
		l.sample(sample{a1, 3, 3, 1, 10, uint32(max(len(frames[c.frame])+4, 64)), frames[c.frame]})
		if c.frame == "tcp" {
			l.sample(sample{a1, 3, 3, 1, 10, 1518, frames["tcp"]})
		}
		l.tick()
		if got := l.topFlow(name); got != c.want {
			t.Errorf("%s of %s if %s is %q, want %q", c.keys, c.frame, c.filter, got, c.want)
		}
		l.call("DELETE", "/flow/"+name+"/json", "", http.StatusNoContent)
	}
}

// TestValuesAndDrops are acceptance checks B34 and B39.
func TestValuesAndDrops(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/v/json", `{keys:'ipdestination',value:'frames',values:'count:ipsource,avg:ipbytes',aggMode:'AGENT'}`)
	l.put("/flow/d/json", `{keys:'reason',value:'frames',dropped:true}`)
	l.put("/flow/nd/json", `{keys:'null:reason',value:'frames'}`)
	i := 0
	l.pass(1, 200, func() {
		i++
		l.sample(sample{a1, uint32(3 + i%2), 3, 1, 100, 518, udp(fmt.Sprint("10.1.1.", i), victim, 1, 2, 518)})
	})
	v := l.get("/activeflows/ALL/v/json")
	l.length(v, 1)
	l.about(v, "0/values/0", 200, 10)
	l.about(v, "0/values/1", 500, 1)
	l.check(v, "0/dataSource", "0")
	l.length(l.get("/activeflows/ALL/d/json"), 0)
	for range 5 {
		l.discard(a1, 3, 257, udp(h1, h2, 1, 2, 100))
	}
	l.tick()
	v = l.get("/activeflows/ALL/d/json")
	l.length(v, 1)
	l.check(v, "0/key", "ttl_exceeded")
	l.check(l.get("/activeflows/ALL/nd/json"), "0/key", "null")
}

// TestErrorsOfValues: every estimate has its error, and what has none does not claim to be exact.
func TestErrorsOfValues(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/rate/json", `{keys:'ipsource',value:'bytes',values:'frames,avg:ipbytes,count:ipdestination',log:true,
		flowStart:true}`)
	l.put("/flow/most/json", `{keys:'ipsource',value:'max:ipbytes',log:true,flowStart:true}`)
	l.pass(1, 20, func() {
		l.sample(sample{a1, 3, 3, 1, 100, 518, udp(h1, h2, 1, 2, 518)})
		l.sample(sample{a1, 4, 4, 1, 1, 518, udp(h2, h1, 1, 2, 518)})
	})
	for _, path := range []string{"/activeflows/ALL/%s/json?filter=%s", "/flowlocations/ALL/%s/json?key=%s",
		"/flows/json?name=%s&key=%s"} {
		get := func(name, host string) any {
			t.Helper()
			all := l.get(fmt.Sprintf(path, name, host)).([]any)
			i := slices.IndexFunc(all, func(f any) bool { return dig(f, "key") == host || dig(f, "flowKeys") == host })
			if i < 0 {
				t.Fatalf("%s of %s: %v", name, host, all)
			}
			return all[i]
		}
		v := get("rate", h1)
		l.check(v, "exact", false)
		if e, ok := dig(v, "errors/0").(float64); !ok || e <= 0 || e > dig(v, "values/0").(float64) {
			t.Errorf("error of frames in %v", v)
		}
		l.check(v, "errors/2", nil)
		l.length(dig(v, "errors"), 3)
		v = get("rate", h2)
		l.check(v, "exact", true)
		for i := range 3 {
			l.check(v, fmt.Sprint("errors/", i), 0)
		}
		l.check(v, "error", 0)
		v = get("most", h1)
		l.check(v, "error", nil)
		l.check(v, "errors", nil)
		l.check(v, "exact", false)
		l.check(get("most", h2), "error", 0)
	}
}

// TestAggregation are acceptance checks D47 to D49 and D58.
func TestAggregation(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/f/json", `{keys:'ipsource,ipdestination',value:'frames'}`)
	l.pass(12, 10, func() {
		l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)})
		l.sample(sample{a2, 1, 1, 2, 90, 100, tcp(h1, h2, 1, 2, 100)})
		l.sample(sample{a2, 1, 1, 2, 10, 100, tcp(victim, h2, 1, 2, 100)})
		l.sample(sample{a2, 1, 1, 2, 5, 100, tcp(h2, h1, 1, 2, 100)})
	})
	v := l.get("/activeflows/ALL/f/json?aggMode=MAX&maxFlows='n'")
	l.length(v, 3)
	l.about(v, "0/value", 1000, 15)
	l.check(v, "0/agent", a1)
	l.check(v, "0/flowN", 2)
	largest := dig(v, "0/value").(float64)
	v = l.get("/activeflows/ALL/f/json?aggMode=sum")
	l.about(v, "0/value", 1900, 15)
	l.length(l.get(fmt.Sprint("/activeflows/ALL/f/json?minValue=", largest*0.95)), 1)
	l.length(l.get(fmt.Sprint("/activeflows/ALL/f/json?minValue=", largest*1.01)), 0)
	v = l.get("/activeflows/ALL/f/json?maxFlows=1")
	l.length(v, 1)
	l.check(v, "0/key", h1+","+h2)
	l.length(l.get("/activeflows/ALL/f/json?filter=,"+h2), 2)
	l.length(l.get("/activeflows/ALL/f/json?filter="+victim+","), 1)
	l.length(l.get("/activeflows/ALL/f/json?filter=198.51.*,"), 2)
	v = l.get("/flowlocations/ALL/f/json?key=" + h1 + "," + h2)
	if got := keys(v, "agent"); !slices.Equal(got, []string{a1, a2}) {
		t.Errorf("%v sees the flow, in %v", got, v)
	}
	l.length(l.get("/flowlocations/192.0.2.2/f/json?key="+h1+","+h2), 1)
	l.call("GET", "/flowlocations/ALL/nosuch/json?key=x", "", http.StatusNotFound)
}

// fabric loads the topology of the acceptance checks and lets the switches tell their names.
func (l *lab) fabric() {
	l.t.Helper()
	l.put("/topology/json", `{"links":{"L1":{"node1":"leaf1","port1":"e1","node2":"spine1","port2":"e1"},
		"L2":{"node1":"leaf2","port1":"e1","node2":"spine1","port2":"e2"}}}`)
	for _, s := range []struct{ agent, name string }{{a1, "leaf1"}, {a2, "spine1"}, {a3, "leaf2"}} {
		l.host(s.agent, s.name, 2, 1)
		l.counters(s.agent, sflow.IfCounters{Index: 1, Speed: 1e9}, "e1")
		second := sflow.IfCounters{Index: 3, Speed: 1e10}
		if s.agent == a2 {
			second.Index, second.Speed = 2, 1e9
		}
		l.counters(s.agent, second, fmt.Sprint("e", second.Index))
	}
	l.pass(0.5, 0, nil)
}

// TestTopology are acceptance checks D50 to D52 and D57.
func TestTopology(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	if v := l.get("/topology/json"); len(v.(map[string]any)) != 0 {
		t.Errorf("without a topology: %v", v)
	}
	l.fabric()
	v := l.get("/topology/json")
	l.check(v, "links/L1/node2", "spine1")
	l.check(v, "links/L2/port2", "e2")
	first := dig(v, "version").(float64)
	l.call("PUT", "/topology/json", `{"links":{"x":{"node1":"a"}}}`, http.StatusBadRequest)
	l.call("PUT", "/topology/json", `{"links":{"x":{"node1":"a","port1":"b","node2":"a","port2":"c"}}}`,
		http.StatusBadRequest)
	l.check(l.get("/topology/json"), "links/L1/node2", "spine1")
	l.fabric()
	l.check(l.get("/topology/json"), "version", first+1)

	l.check(l.get("/metric/EDGE/sum:ifspeed/json"), "0/metricValue", 2e10)
	l.check(l.get("/metric/CORE/sum:ifspeed/json"), "0/metricValue", 4e9)
	l.check(l.get("/metric/TOPOLOGY/sum:ifspeed/json"), "0/metricN", 6)

	l.put("/flow/f/json", `{keys:'ipsource,ipdestination',value:'frames'}`)
	l.put("/flow/pool/json", `{keys:'ipsource,ipdestination',value:'frames',aggMode:'edge'}`)
	l.put("/flow/link/json", `{keys:'link:inputifindex',value:'frames'}`)
	l.put("/flow/outside/json", `{keys:'inputifindex',value:'frames',filter:'link:inputifindex=null'}`)
	l.pass(12, 10, func() {
		f := tcp(h1, h2, 1, 2, 100)
		l.sample(sample{a1, 3, 3, 1, 100, 100, f})
		l.sample(sample{a2, 1, 1, 2, 100, 100, f})
		l.sample(sample{a2, 2, 1, 2, 100, 100, f})
		l.sample(sample{a3, 3, 1, 3, 100, 100, f})
	})
	v = l.get("/activeflows/TOPOLOGY/f/json?aggMode=edge&maxFlows=5&minValue=0")
	l.length(v, 1)
	l.about(v, "0/value", 1000, 15)
	v = l.get("/activeflows/TOPOLOGY/pool/json")
	l.length(v, 1)
	l.about(v, "0/value", 1000, 15)
	l.check(v, "0/dataSource", "0")
	if f, ok := l.get("/flowvalue/ALL/0.pool/json?key=" + h1 + "," + h2).(float64); !ok || f < 800 || f > 1200 {
		t.Errorf("the pool's value is %v", f)
	}
	v = l.get("/activeflows/192.0.2.2/link/json")
	l.length(v, 1)
	l.check(v, "0/key", "L1")
	v = l.get("/activeflows/ALL/outside/json")
	l.length(v, 1)
	l.check(v, "0/key", "3")
}

// TestFlowLog are acceptance checks E59 to E62.
func TestFlowLog(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/x/json", `{keys:'ipsource',value:'frames',log:true}`)
	l.put("/flow/start/json", `{keys:'ipsource',value:'frames',log:true,flowStart:true,filter:'ipsource=`+h2+`'}`)
	l.put("/flow/long/json", `{keys:'ipsource',value:'frames',log:true,activeTimeout:3,filter:'ipsource=`+h2+`'}`)
	l.length(l.get("/flows/json?name=x"), 0)
	l.pass(2, 10, func() { l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)}) })
	l.pass(15, 0, nil)
	v := l.get("/flows/json?name=x&maxFlows=10&timeout=60&flowID=-1")
	l.length(v, 1)
	l.check(v, "0/value", 2000)
	l.check(v, "0/name", "x")
	l.check(v, "0/flowKeys", h1)
	l.check(v, "0/agent", a1)
	l.check(v, "0/dataSource", "3")
	if start, end := dig(v, "0/start").(float64), dig(v, "0/end").(float64); start >= end ||
		start < float64(l.start.Millis()) || end > float64(l.now.Millis()) {
		t.Errorf("from %v to %v", start, end)
	}
	l.pass(1, 10, func() { l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h2, h1, 1, 2, 100)}) })
	l.length(l.get("/flows/json?name=start"), 1)
	l.pass(9.5, 10, func() { l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h2, h1, 1, 2, 100)}) })
	l.length(l.get("/flows/json?name=start"), 1)
	v = l.get("/flows/json?name=long&name=start")
	if list := v.([]any); len(list) < 4 || len(list) > 5 {
		t.Errorf("%d records of 10 s with activeTimeout 3, and one at the start: %v", len(list), v)
	}
	before := l.engine.LastFlow() + 1
	for i := range v.([]any) {
		id := dig(v, fmt.Sprint(i, "/flowID")).(float64)
		if id >= float64(before) {
			t.Errorf("not the newest first: %v", v)
		}
		before = uint64(id)
	}
	l.length(l.get("/flows/json?maxFlows=2"), 2)
	l.length(l.get(fmt.Sprint("/flows/json?flowID=", l.engine.LastFlow())), 0)
	l.length(l.get("/flows/json?maxFlows=1&timeout=60&flowID=123456"), 1) // a number from before a restart
}

// TestLongPoll waits for a flow, for nothing, and for a client that goes away.
func TestLongPoll(t *testing.T) {
	l := newLab(t, sflowrt.Options{Polls: 1})
	l.put("/flow/x/json", `{keys:'ipsource',value:'frames',log:true,flowStart:true}`)
	l.length(l.get("/flows/json?name=x&flowID=0&timeout=0.05"), 0)

	waits := func(ctx context.Context) <-chan *httptest.ResponseRecorder {
		out := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			w := httptest.NewRecorder()
			l.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/flows/json?flowID=-1&timeout=200", nil))
			out <- w
		}()
		for v := 0.0; v == 0; {
			v = dig(l.get("/analyzer/json"), "longPolls").(float64)
		}
		return out
	}
	ctx, leave := context.WithCancel(t.Context())
	gone := waits(ctx)
	l.call("GET", "/events/json?eventID=-1&timeout=1", "", http.StatusServiceUnavailable)
	leave()
	if w := <-gone; w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("a client that left gets %d %s", w.Code, w.Body)
	}
	answer := waits(t.Context())
	l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)})
	l.tick()
	var v any
	if err := json.Unmarshal((<-answer).Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	l.length(v, 1)
	l.check(v, "0/flowKeys", h1)
}
