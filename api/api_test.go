package api

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/schema"
)

var update = flag.Bool("update", false, "write docs/rest.md")

// TestExamples calls every example of the table, in its order, on a server that has seen some traffic.
func TestExamples(t *testing.T) {
	r := newMemoryRig(t)
	r.send(3, 100, 1000, 1, 1)
	r.tick(6 * time.Second)
	for _, rt := range r.routes {
		if rt.Answer == "text/event-stream" || rt.Path == "/debug/pprof/trace" || rt.Path == "/debug/pprof/profile" {
			continue // they take their time; TestStream calls the first
		}
		if rt.Doc == "" || rt.Group == "" || rt.Example == "" || !strings.HasSuffix(rt.Doc, ".") {
			t.Errorf("%s %s is not documented", rt.Method, rt.Path)
		}
		w := r.ask(rt.Method, r.existing(rt.Example), rt.Body)
		want := http.StatusOK
		if rt.Answer == "" {
			want = http.StatusNoContent
		}
		if w.Code != want {
			t.Errorf("%s %s: %d %s", rt.Method, rt.Example, w.Code, w.Body)
			continue
		}
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if rt.Answer == jsonType || rt.Answer == "text/html" {
			if media != rt.Answer {
				t.Errorf("%s %s answers %q", rt.Method, rt.Example, media)
			}
		}
		if rt.Answer == jsonType && rt.Path != "/api/v1/openapi.json" {
			var s map[string]json.RawMessage
			if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s["tick"] == nil || s["at"] == nil {
				t.Errorf("%s %s does not say which tick it is of: %s", rt.Method, rt.Example, w.Body)
			}
		}
		r.tick(time.Second / 10)
	}
}

// TestDocuments holds docs/rest.md, the OpenAPI document and the page against the table.
func TestDocuments(t *testing.T) {
	const begin, end = "<!-- routes -->\n", "<!-- end of routes -->\n"
	const path = "../docs/rest.md"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the routes", path)
	}
	now := head + begin + "\n" + markdown(Routes()) + end + tail
	if *update {
		if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if now != string(old) {
		t.Errorf("%s is not what the table says: run go test ./api -run TestDocuments -update", path)
	}
	face := Mount{Name: "Another tool", Handler: http.NotFoundHandler(), Routes: []Route{{
		Method: "GET", Path: "/thing/{arg}/json", Doc: "A thing.", Example: "/thing/1/json", Answer: jsonType,
	}}}
	r := newRig(t, DefaultConfig(), Options{Faces: []Mount{face}})
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Tags       []string
			Parameters []struct{ Name, In string }
		}
	}
	r.must(&d, "GET", "/api/v1/openapi.json", "")
	page := r.ask("GET", "/api/", "").Body.String()
	for _, rt := range append(Routes(), face.Routes...) {
		o, there := d.Paths[cleanPath(rt.Path)][strings.ToLower(rt.Method)]
		if !there || o.Tags[0] == "" {
			t.Errorf("the OpenAPI document lacks %s %s", rt.Method, rt.Path)
		}
		for _, name := range inBraces(cleanPath(rt.Path)) {
			if !slices.Contains(o.Parameters, struct{ Name, In string }{name, "path"}) {
				t.Errorf("the OpenAPI document does not declare %s of %s", name, rt.Path)
			}
		}
		if !strings.Contains(page, "<code>"+cleanPath(rt.Path)+"</code>") {
			t.Errorf("the reference page lacks %s", rt.Path)
		}
	}
	if d.OpenAPI != "3.1.0" || strings.Contains(page, "src=") || strings.Contains(page, "http://") {
		t.Errorf("OpenAPI %q, or the page asks for something outside", d.OpenAPI)
	}
	if !strings.Contains(page, `href="../api/v1/flows/console_pairs/active?max=5&amp;mode=max"`) {
		t.Error("links of the page are not relative to it")
	}
}

// TestActive holds values, errors and units against what was sent.
func TestActive(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	for range 200 {
		r.send(1, 100, 1000, 1, 1)
		r.tick(100 * time.Millisecond)
	}
	var a struct {
		Tick       uint64
		At         int64
		Mode, Unit string
		Flows      []activeFlow
	}
	r.must(&a, "GET", "/api/v1/flows/console_pairs/active", "")
	// 10 samples a second, one in 100, of 1000 bytes.
	if len(a.Flows) != 1 || a.Unit != "B/s" || a.Mode != "max" || a.At != r.now.Millis() || a.Tick == 0 {
		t.Fatalf("%+v", a)
	}
	f := a.Flows[0]
	if math.Abs(f.Value-1e6) > 0.05e6 || f.Exact || f.Error == nil || f.Exporter != "192.0.2.1" || f.Datasource != "3" ||
		f.Key != "10.0.0.1,10.0.1.1" || !slices.Equal(f.Keys, []string{"10.0.0.1", "10.0.1.1"}) || f.N != 1 {
		t.Errorf("%+v", f)
	}
	// The effective number of samples behind a decaying rate is 2 t times their rate: 40 here.
	if relative := *f.Error / f.Value; math.Abs(relative-1/math.Sqrt(40)) > 0.01 {
		t.Errorf("relative error %v", relative)
	}
	r.must(&a, "GET", "/api/v1/flows/console_total/active?mode=sum", "")
	if len(a.Flows) != 1 || a.Mode != "sum" || len(a.Flows[0].Keys) != 0 {
		t.Errorf("%+v", a)
	}
	r.must(&a, "GET", "/api/v1/flows/console_pairs/active?agents=192.0.2.77", "")
	if len(a.Flows) != 0 {
		t.Errorf("flows of an exporter that is none: %+v", a.Flows)
	}
	var x struct{ Exporters []exporter }
	r.must(&x, "GET", "/api/v1/exporters", "")
	if len(x.Exporters) != 1 || x.Exporters[0].Datagrams != 200 || x.Exporters[0].Kind != "sflow" ||
		x.Exporters[0].SamplingRate != 100 || x.Exporters[0].LastSeen != (r.now-schema.Instant(100e6)).Millis() {
		t.Errorf("%+v", x)
	}
	r.refused(404, "GET", "/api/v1/exporters/192.0.2.9", "")
	r.refused(400, "GET", "/api/v1/exporters/nobody", "")
	var s struct {
		Datagrams, Records uint64
		Books              tally
	}
	r.must(&s, "GET", "/api/v1/status", "")
	if s.Datagrams != 200 || s.Records != 200 || s.Books.Difference != 0 || s.Books.Readings != 200 {
		t.Errorf("%+v", s)
	}
}

// TestErrorsOfValues: every estimate has its error, and what has none does not claim to be exact.
func TestErrorsOfValues(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	r.must(nil, "PUT", "/api/v1/flows/rate",
		`{"keys":"ipsource","value":"bytes","values":["frames","avg:ipbytes","max:ipbytes"],"log":true,"flowStart":true}`)
	r.must(nil, "PUT", "/api/v1/flows/most", `{"keys":"ipsource","value":"max:ipbytes","log":true,"flowStart":true}`)
	r.tick(0)
	r.send(4, 10, 1000, 1, 1) // sampled
	r.send(4, 1, 1000, 2, 1)  // exact
	r.tick(time.Second)
	for _, target := range []string{
		"/api/v1/flows/%s/active?key=%s", "/api/v1/flows/%s/locations?key=%s", "/api/v1/log?flows=%s",
	} {
		flows := func(name string, host int) map[string]any {
			t.Helper()
			url, key := strings.Replace(target, "%s", name, 1), "10.0.0."+strconv.Itoa(host)
			url = strings.Replace(url, "%s", key, 1)
			var a struct{ Flows []map[string]any }
			r.must(&a, "GET", url, "")
			i := slices.IndexFunc(a.Flows, func(f map[string]any) bool { return f["key"] == key })
			if i < 0 {
				t.Fatalf("%s: %+v", url, a)
			}
			return a.Flows[i]
		}
		f := flows("rate", 1)
		e, _ := f["errors"].([]any)
		if stderr, _ := f["error"].(float64); stderr <= 0 || len(e) != 3 || e[0] == nil || e[0].(float64) <= 0 ||
			e[1] != 0. || e[2] != nil || f["exact"] != false {
			t.Errorf("%s, rates of samples: %v", target, f)
		}
		f = flows("rate", 2)
		if e, _ := f["errors"].([]any); f["error"] != 0. || !slices.Equal(e, []any{0., 0., 0.}) || f["exact"] != true {
			t.Errorf("%s, exact rates: %v", target, f)
		}
		f = flows("most", 1)
		_, has := f["error"]
		if _, more := f["errors"]; has || more || f["exact"] != false {
			t.Errorf("%s, the largest of samples: %v", target, f)
		}
		if f = flows("most", 2); f["error"] != 0. || f["exact"] != true {
			t.Errorf("%s, the largest of all: %v", target, f)
		}
	}
}

func TestMetrics(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	for range 3 {
		r.send(1, 100, 1000, 1, 1)
		r.tick(time.Second)
	}
	var m struct {
		Metrics []struct {
			MetricName  string
			MetricValue float64
			DataSource  string
		}
		Rows [][]struct{ MetricName string }
	}
	r.must(&m, "GET", "/api/v1/metrics?names=max:ifinoctets,console_total", "")
	if len(m.Metrics) != 2 || m.Metrics[0].MetricValue != 1000 || m.Metrics[0].DataSource != "3" || m.Metrics[1].MetricValue == 0 {
		t.Errorf("%+v", m)
	}
	r.must(&m, "GET", "/api/v1/metrics?names=ifinoctets,ifindex&as=rows&where=ifindex=3", "")
	if len(m.Rows) != 1 || len(m.Rows[0]) != 2 {
		t.Errorf("%+v", m)
	}
	m.Rows = nil
	r.must(&m, "GET", "/api/v1/metrics?names=ifinoctets&as=rows&where=ifindex=4", "")
	if len(m.Rows) != 0 {
		t.Errorf("%+v", m)
	}
	r.refused(400, "GET", "/api/v1/metrics?names=ifinoctets&where=ifindex", "")
}

// TestDefinitions follows a definition from the check to its end.
func TestDefinitions(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	body := `{"keys":"ipsource","value":"frames","filter":"ipprotocol=17","n":3}`
	var ok struct {
		OK       bool
		Unit     string
		Warnings []warning
	}
	r.must(&ok, "POST", "/api/v1/flows/check", body)
	if !ok.OK || ok.Unit != "1/s" || len(ok.Warnings) != 0 {
		t.Errorf("%+v", ok)
	}
	r.must(&ok, "POST", "/api/v1/flows/check", `{"name":"x","keys":"ipsource,ipsuorce","value":"bytes"}`)
	if len(ok.Warnings) != 1 || ok.Warnings[0].Field != "keys" || ok.Warnings[0].Position != 9 {
		t.Errorf("%+v", ok)
	}
	r.must(nil, "PUT", "/api/v1/flows/check", body) // a name like any other
	f := r.refused(503, "GET", "/api/v1/flows/check/active", "")
	if f.Field != "name" {
		t.Errorf("%+v", f)
	}
	r.send(1, 10, 100, 1, 1)
	r.tick(time.Second)
	r.send(1, 10, 100, 1, 1)
	r.tick(0)
	var a struct{ Flows []activeFlow }
	r.must(&a, "GET", "/api/v1/flows/check/active", "")
	if len(a.Flows) != 1 {
		t.Errorf("%+v", a)
	}
	origins := map[string]string{"check": OriginREST, "console_total": OriginDefault, "console_pairs": OriginREST}
	r.ask("PUT", "/api/v1/flows/mine", body, "Sec-Fetch-Site", "same-origin")
	origins["mine"] = OriginConsole
	var list struct {
		Flows []map[string]any
		Total int
	}
	r.must(&list, "GET", "/api/v1/flows", "")
	for _, d := range list.Flows {
		if want := origins[d["name"].(string)]; want != "" && d["origin"] != want {
			t.Errorf("%v came from %v", d["name"], d["origin"])
		}
		// What GET gives PUT takes.
		b, _ := json.Marshal(d)
		r.must(nil, "PUT", "/api/v1/flows/"+d["name"].(string), string(b))
	}
	if list.Total != 8 {
		t.Errorf("%d definitions", list.Total)
	}
	r.must(&list, "GET", "/api/v1/flows?max=2", "")
	if len(list.Flows) != 2 || list.Total != 8 {
		t.Errorf("%d of %d definitions", len(list.Flows), list.Total)
	}
	r.must(nil, "DELETE", "/api/v1/flows/check", "")
	r.must(nil, "DELETE", "/api/v1/flows/check", "")
	r.tick(time.Second)
	r.refused(404, "GET", "/api/v1/flows/check", "")
	r.refused(404, "GET", "/api/v1/flows/check/active", "")
}

// TestRefusals checks that errors say what is wrong and where.
func TestRefusals(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	for _, c := range []struct {
		method, target, body string
		status               int
		field                string
		position             int
	}{
		{"PUT", "/api/v1/flows/x", `{"keys":"ipsource,grup:ipsource:s","value":"bytes"}`, 400, "keys", 9},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","filter":"ipprotocol=6&("}`, 400, "filter", -2},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","values":["frames","[x"]}`, 400, "values", -2},
		{"PUT", "/api/v1/flows/x", `{"keys":"ipsource"}`, 400, "value", -1},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","aggMode":"all"}`, 400, "aggMode", -1},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","kees":"ipsource"}`, 400, "kees", -1},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","n":"ten"}`, 400, "n", -1},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","name":"y"}`, 400, "name", -1},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes","origin":"mars"}`, 400, "origin", -1},
		{"PUT", "/api/v1/flows/x", `{"value":bytes}`, 400, "", 9},
		{"PUT", "/api/v1/flows/x", `{"value":"bytes"} {}`, 400, "", 18},
		{"PUT", "/api/v1/flows/x", `{"value":"by`, 400, "", 12},
		{"PUT", "/api/v1/flows/x", ``, 400, "", 0},
		{"PUT", "/api/v1/flows/x", `[]`, 400, "", -2},
		{"PUT", "/api/v1/flows/x", `{"keys":"` + strings.Repeat("a", bodyMax) + `"}`, 413, "", -1},
		{"POST", "/api/v1/flows/x", `{}`, 405, "", -1},
		{"PUT", "/api/v1/flows/check/active", `{}`, 405, "", -1},
		{"GET", "/api/v1/nothing", ``, 404, "", -1},
		{"GET", "/nothing", ``, 404, "", -1},
		{"GET", "/api/v1/flows/none/active", ``, 404, "name", -1},
		{"GET", "/api/v1/flows/none/locations", ``, 404, "name", -1},
		{"GET", "/api/v1/flows?max=0", ``, 400, "max", -1},
		{"GET", "/api/v1/flows?max=many", ``, 400, "max", -1},
		{"GET", "/api/v1/flows?most=1", ``, 400, "most", -1},
		{"GET", "/api/v1/flows/console_total/active?mode=all", ``, 400, "mode", -1},
		{"GET", "/api/v1/flows/console_total/active?min=NaN", ``, 400, "min", -1},
		{"GET", "/api/v1/flows/console_total/active?name=x", ``, 400, "name", -1},
		{"GET", "/api/v1/metrics", ``, 400, "names", -1},
		{"GET", "/api/v1/events?wait=61", ``, 400, "wait", -1},
		{"PUT", "/api/v1/thresholds/x", `{"value":1}`, 400, "metric", -1},
		{"PUT", "/api/v1/thresholds/x", `{"metric":"a","value":1,"timeout":-1}`, 400, "timeout", -1},
		{"PUT", "/api/v1/thresholds/x", `{"metric":"a","value":1,"limit":2}`, 400, "limit", -1},
		{"PUT", "/api/v1/group-sets/x", `{"lab":["192.0.2.0/24","nowhere"]}`, 400, "lab", -1},
		{"PUT", "/api/v1/group-sets/x", `{"lab":"192.0.2.0/24"}`, 400, "", -2},
		{"PUT", "/api/v1/group-sets/x", `null`, 400, "", -1},
		{"GET", "/api/v1/group-sets/none", ``, 404, "name", -1},
		{"GET", "/api/v1/maps/none", ``, 404, "name", -1},
		{"GET", "/api/v1/thresholds/none", ``, 404, "name", -1},
		{"PUT", "/api/v1/topology", `{"links":{"L1":{"node1":"a","port1":"1","node2":"b"}}}`, 400, "", -1},
		{"PUT", "/api/v1/topology", `{"links":{"L1":{"node":"a"}}}`, 400, "node", -1},
	} {
		f := r.refused(c.status, c.method, c.target, c.body)
		// -2: it has some position.
		if f.Field != c.field && (c.position != -2 || c.field != "") || f.At != c.position && c.position != -2 ||
			c.position == -2 && c.field != "" && f.At < 0 {
			t.Errorf("%s %s %.60s: %+v", c.method, c.target, c.body, f)
		}
	}
	w := r.ask("POST", "/api/v1/flows/x", "")
	if allow := w.Header().Get("Allow"); allow != "GET, PUT, DELETE" {
		t.Errorf("allowed: %q", allow)
	}
}

func TestWorld(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	r.must(nil, "PUT", "/api/v1/group-sets/sites", `{"lab":["10.0.0.0/24"]}`)
	r.must(nil, "PUT", "/api/v1/maps/services", `{"dns":["53"]}`)
	r.must(nil, "PUT", "/api/v1/flows/who", `{"keys":"group:ipsource:sites,map:udpdestinationport:services","value":"bytes"}`)
	r.tick(0)
	r.send(1, 1, 100, 1, 1)
	r.tick(time.Second)
	var a struct{ Flows []activeFlow }
	r.must(&a, "GET", "/api/v1/flows/who/active", "")
	if len(a.Flows) != 1 || a.Flows[0].Key != "lab,dns" || !a.Flows[0].Exact || *a.Flows[0].Error != 0 {
		t.Errorf("%+v", a)
	}
	var g struct {
		Groups map[string][]string
		Names  []string
	}
	r.must(&g, "GET", "/api/v1/group-sets/sites", "")
	r.must(&g, "GET", "/api/v1/group-sets", "")
	if !slices.Equal(g.Groups["lab"], []string{"10.0.0.0/24"}) || !slices.Contains(g.Names, "sites") {
		t.Errorf("%+v", g)
	}
	var top struct{ Topology *struct{ Version int } }
	r.must(&top, "GET", "/api/v1/topology", "")
	if top.Topology != nil {
		t.Errorf("%+v", top)
	}
	r.must(nil, "PUT", "/api/v1/topology", `{"links":{"L1":{"node1":"a","port1":"1","node2":"b","port2":"2"}}}`)
	r.must(&top, "GET", "/api/v1/topology", "")
	if top.Topology == nil {
		t.Error("there is no topology")
	}
	r.must(nil, "DELETE", "/api/v1/topology", "")
	r.must(nil, "DELETE", "/api/v1/group-sets/sites", "")
	r.must(nil, "DELETE", "/api/v1/maps/services", "")
	r.refused(404, "GET", "/api/v1/group-sets/sites", "")
}

func TestLogAndEvents(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	r.must(nil, "PUT", "/api/v1/flows/all", `{"keys":"ipsource","value":"bytes","log":true,"flowStart":true}`)
	r.must(nil, "PUT", "/api/v1/thresholds/busy", `{"metric":"all","value":1000,"byFlow":true,"timeout":2}`)
	r.tick(0)
	waited := make(chan string, 1)
	go func() { waited <- ask(r.handler, "GET", "/api/v1/events?wait=60", "").Body.String() }()
	r.send(4, 10, 1000, 1, 1)
	r.tick(time.Second)
	if body := <-waited; !strings.Contains(body, `"threshold": "busy"`) {
		t.Errorf("the long poll got %s", body)
	}
	var l struct {
		Last  uint64
		Flows []loggedFlow
	}
	r.must(&l, "GET", "/api/v1/log?flows=all", "")
	if len(l.Flows) != 1 || l.Flows[0].Key != "10.0.0.1" || l.Last != l.Flows[0].ID ||
		l.Flows[0].Exact || l.Flows[0].Error == nil || *l.Flows[0].Error <= 0 {
		t.Errorf("%+v", l)
	}
	r.must(&l, "GET", "/api/v1/log?since="+strconv.FormatUint(l.Last, 10), "")
	if len(l.Flows) != 0 {
		t.Errorf("%+v", l)
	}
	var e struct{ Events []crossing }
	r.must(&e, "GET", "/api/v1/events?thresholds=busy,other", "")
	if len(e.Events) != 1 || e.Events[0].End != nil || *e.Events[0].Key != "10.0.0.1" || e.Events[0].Limit != 1000 {
		t.Fatalf("%+v", e)
	}
	for range 30 {
		r.tick(time.Second)
	}
	r.must(&e, "GET", "/api/v1/events", "")
	if len(e.Events) != 1 || e.Events[0].End == nil || *e.Events[0].End <= e.Events[0].At {
		t.Errorf("%+v", e)
	}
	r.must(&e, "GET", "/api/v1/events?thresholds=other", "")
	if len(e.Events) != 0 {
		t.Errorf("%+v", e)
	}
}

func TestVitals(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	r.send(2, 10, 1000, 1, 1)
	r.deliver([]byte("nonsense"))
	r.tick(time.Second)
	text := r.ask("GET", "/metrics", "").Body.String()
	for _, line := range []string{
		"weir_books_difference 0\n", `weir_wire_malformed_total{reason="unknown_version"} 1`,
		`weir_wire_datagrams_total{version="sflow5"} 1`, `weir_engine_records_total{kind="packet_sample"} 2`,
		`weir_wire_exporter_datagrams_total{exporter="192.0.2.1",kind="sflow"} 1`, "weir_flow_definitions 6",
		`weir_flow_observed_records{outcome="counted"} 12`, `weir_metric_readings_total{outcome="taken"} 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q", line)
		}
	}
	if strings.Contains(text, "10.0.0.1") {
		t.Error("an address of the traffic is in the vitals")
	}
}

func TestHealth(t *testing.T) {
	var wrong []string
	r := newRig(t, DefaultConfig(), Options{Unwell: func() []string { return wrong }})
	r.must(nil, "GET", "/health", "")
	wrong = []string{"the disk is full"}
	if w := r.ask("GET", "/health", ""); w.Code != 503 || !strings.Contains(w.Body.String(), wrong[0]) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r.Drain()
	if w := r.ask("GET", "/health", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "draining") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestCompression(t *testing.T) {
	console := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/index.html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, strings.Repeat("weir ", 1000))
		case "/small.txt":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "small")
		}
	})
	r := newRig(t, DefaultConfig(), Options{Console: console})
	w := r.ask("GET", "/html/index.html", "", "Accept-Encoding", "br, gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || len(b) != 5000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for _, c := range [][2]string{{"/html/index.html", "gzip;q=0"}, {"/html/small.txt", "gzip"}, {"/html/index.html", ""}} {
		if w := r.ask("GET", c[0], "", "Accept-Encoding", c[1]); w.Header().Get("Content-Encoding") != "" || w.Body.Len() == 0 {
			t.Errorf("%v: %v", c, w.Header())
		}
	}
	if w := r.ask("GET", "/api/v1/schema", "", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("a long answer is not compressed")
	}
	if w := r.ask("GET", "/", ""); w.Code != 302 || w.Header().Get("Location") != "./html/index.html" {
		t.Errorf("/ leads to %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestListeners: what was lost before anything could count it is shown where people look first.
func TestListeners(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{Listeners: map[string]string{"sflow": "127.0.0.1:6343"}})
	r.vitals.Counter("weir_ingest_datagrams_total", "listener", "sflow").Add(10)
	r.vitals.Counter("weir_ingest_kernel_drops_total", "listener", "sflow").Add(3)
	r.vitals.Counter("weir_ingest_refused_total", "listener", "sflow", "reason", "lane_full").Add(2)
	var s struct{ Listeners []listener }
	r.must(&s, "GET", "/api/v1/status", "")
	want := listener{Name: "sflow", Address: "127.0.0.1:6343", Datagrams: 10, KernelDrops: 3, Refused: 2}
	if len(s.Listeners) != 1 || s.Listeners[0] != want {
		t.Errorf("%+v, want %+v", s.Listeners, want)
	}
}
