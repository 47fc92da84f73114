package sflowrt_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/api"
	"weir/face/sflowrt"
	"weir/vitals"
)

// TestExamples calls the example of every route and compares the answers with what OpenAPI says of them.
func TestExamples(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/flow/pair/json", `{keys:'ipsource,ipdestination',value:'bytes',log:true}`)
	l.host(a9, "web1", 2, 0.25)
	l.pass(1, 10, func() { l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)}) })
	document := l.get("/api-docs")
	l.check(document, "openapi", "3.1.0")
	mount, operations := sflowrt.Mount(l.engine, sflowrt.Options{}), map[any]bool{}
	if len(mount.Routes) != len(sflowrt.Routes()) || mount.Handler == nil {
		t.Errorf("%d routes are mounted", len(mount.Routes))
	}
	for _, r := range sflowrt.Routes() {
		t.Run(r.Method+r.Path, func(t *testing.T) {
			l.t = t
			body := l.call(r.Method, r.Example, r.Body, r.Status)
			switch {
			case r.Status == http.StatusNoContent:
				if body != "" {
					t.Errorf("answers %s", body)
				}
			case !r.Text && !json.Valid([]byte(body)):
				t.Errorf("no JSON: %s", body)
			}
			paths, _ := dig(document, "paths").(map[string]any)
			operation := dig(paths[r.Path], strings.ToLower(r.Method))
			if dig(operation, "summary") != r.Doc || dig(operation, fmt.Sprint("responses/", r.Status)) == nil {
				t.Errorf("the document says %v", operation)
			}
			if id := dig(operation, "operationId"); operations[id] {
				t.Errorf("two operations are called %v", id)
			} else {
				operations[id] = true
			}
			for _, p := range r.Query {
				if p.Doc == "" || p.Name == "" {
					t.Errorf("parameter %q is not explained", p.Name)
				}
			}
			pattern := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(r.Path, "[^/]+") + "$")
			if path, _, _ := strings.Cut(r.Example, "?"); !pattern.MatchString(path) {
				t.Errorf("the example %s is none of %s", r.Example, r.Path)
			}
		})
	}
}

// TestMethods checks what is the same for all paths.
func TestMethods(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	call := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest(method, path, strings.NewReader(`{value:'bytes'}`)), httptest.NewRecorder()
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		l.handler.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"HEAD", "/version", 200}, {"OPTIONS", "/flow/x/json", 204}, {"PATCH", "/flow/x/json", 405},
		{"PUT", "/version", 405}, {"POST", "/version", 405}, {"GET", "/nosuch", 404}, {"GET", "/app/x/status", 404}, {"PUT", "/flow/x/json", 204},
		{"POST", "/flow/x/json", 204}, {"DELETE", "/topology/json", 405}, {"GET", "/flow/x%2Fy/json", 404},
	} {
		w := call(c.method, c.path)
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
		}
		if c.status >= 400 {
			var p struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Error == "" {
				t.Errorf("%s %s: no error in %s", c.method, c.path, w.Body)
			}
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
	w := call("GET", "/flow/json", "Origin", "http://elsewhere.example")
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", w.Header())
	}
	if !strings.HasPrefix(w.Body.String(), "{\n \"x\"") {
		t.Errorf("not indented by one space: %s", w.Body)
	}
	// Pages ask whether an application is there: they must be able to read that it is not.
	w = call("GET", "/app/none/html/index.html", "Origin", "http://elsewhere.example")
	if w.Code != http.StatusNotFound || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	w = call("PUT", "/flow/y/json", "Origin", "http://elsewhere.example")
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("pages of strangers are told that they may change things: %v", w.Header())
	}
}

// TestReadOnly is acceptance check H93.
func TestReadOnly(t *testing.T) {
	l := newLab(t, sflowrt.Options{ReadOnly: true, Indent: -1, Version: "3.1-9"})
	for _, r := range sflowrt.Routes() {
		if r.Method != http.MethodGet {
			l.call(r.Method, r.Example, r.Body, http.StatusForbidden)
		}
	}
	if got := l.call("GET", "/flow/json", "", http.StatusOK); got != "{}\n" {
		t.Errorf("compact: %q", got)
	}
	if got := l.call("GET", "/version", "", http.StatusOK); got != "3.1-9" {
		t.Errorf("version %q", got)
	}
}

// TestBooks are acceptance checks H91, H92 and H95, and what the analyzer tells.
func TestBooks(t *testing.T) {
	l := newLab(t, sflowrt.Options{Started: time.Now().Add(-time.Minute), Process: func() sflowrt.Process {
		return sflowrt.Process{Discarded: 5, Hostname: "here", Listeners: map[string]string{"sflow": "[::]:6343"}}
	}})
	l.put("/flow/f/json", `{keys:'ipsource',value:'frames'}`)
	l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)})
	good := append([]byte(nil), l.buffer...)
	l.tick()
	before := dig(l.get("/activeflows/ALL/f/json"), "0/value").(float64)
	l.deliver(good) // the same again
	l.tick()
	if after := dig(l.get("/activeflows/ALL/f/json"), "0/value").(float64); after > before {
		t.Errorf("a repeated datagram was counted: %v then %v", before, after)
	}
	l.deliver(good[:len(good)-20])
	l.deliver([]byte("nonsense"))
	l.counters("2001:db8::A", port(1, 1e9, 0), "e1")
	l.pass(2, 0, nil)
	v := l.get("/agents/json")
	l.check(v, "192.0.2.1/sFlowDatagramsDuplicates", 1)
	l.check(v, "192.0.2.1/sFlowFlowSamples", 1)
	l.check(v, "192.0.2.1/sFlowFlowDatasources", 1)
	l.check(v, "192.0.2.1/sFlowDatagramSource/0", "192.0.2.250")
	l.check(v, "192.0.2.1/telemetry/0/kind", "sflow")
	l.check(v, "2001:db8::a/sFlowCounterSamples", 1)
	if first := dig(v, "192.0.2.1/firstSeen").(float64); first < 2000 || first > 2100 {
		t.Errorf("first seen %v ms ago", first)
	}
	if v := l.get("/agents/json?agent=2001:DB8:0::000a&agent=192.0.2.77").(map[string]any); len(v) != 1 {
		t.Errorf("one agent was asked for: %v", v)
	}
	v = l.get("/analyzer/json")
	l.check(v, "agentCount", 2)
	l.check(v, "receivedDatagrams", 10)
	l.check(v, "discardedDatagrams", 5)
	l.check(v, "malformedDatagrams", 2)
	l.check(v, "refusedDatagrams", 1)
	l.check(v, "booksDifference", 0)
	l.check(v, "sflowPort", 6343)
	if up := dig(v, "uptime").(float64); up < 60_000 {
		t.Errorf("uptime %v ms", up)
	}
	text := l.call("GET", "/prometheus/analyzer/txt", "", http.StatusOK)
	if !strings.Contains(text, "sflow_analyzer_agent_count 2\n") ||
		!strings.Contains(text, "sflow_analyzer_discarded_datagrams 5\n") {
		t.Errorf("%s", text)
	}
}

// TestLists puts, reads and removes group sets and maps.
func TestLists(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/group/g/json", `{lab:['198.51.100.0/24','2001:db8::1'],}`)
	l.check(l.get("/group/g/json"), "lab/0", "198.51.100.0/24")
	l.check(l.get("/group/json"), "g/lab/1", "2001:db8::1")
	l.check(l.get("/groups/json"), "g/lab/1", "2001:db8::1")
	l.call("PUT", "/group/g/json", `{lab:['198.51.100.0/33']}`, http.StatusBadRequest)
	l.check(l.get("/group/g/json"), "lab/0", "198.51.100.0/24")
	l.put("/map/m/json", `{web:[80,443,true]}`)
	l.check(l.get("/map/m/json"), "web/1", "443")
	l.check(l.get("/map/json"), "m/web/2", "true")
	for _, path := range []string{"/group/g/json", "/map/m/json"} {
		l.call("DELETE", path, "", http.StatusNoContent)
		l.call("DELETE", path, "", http.StatusNoContent)
		l.call("GET", path, "", http.StatusNotFound)
	}
	var many strings.Builder
	many.WriteString(`{bogons:[`)
	for i := range 200_000 {
		fmt.Fprintf(&many, "'10.%d.%d.%d/32',", i>>16&255, i>>8&255, i&255)
	}
	many.WriteString(`]}`)
	l.put("/group/large/json", many.String())
	if n := len(dig(l.get("/group/large/json"), "bogons").([]any)); n != 200_000 {
		t.Errorf("%d prefixes", n)
	}
}

// TestMounted asks for the face through the server of package api.
func TestMounted(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	s, err := api.New(api.DefaultConfig(), l.engine, vitals.New(), api.Options{
		Faces: []api.Mount{sflowrt.Mount(l.engine, sflowrt.Options{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	inner := s.Handler()
	l.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost:8008"
		inner.ServeHTTP(w, r)
	})
	if got := l.call("GET", "/version", "", http.StatusOK); got != sflowrt.DefaultVersion {
		t.Errorf("version %q", got)
	}
	l.put("/flow/a%2Fb/json", `{value:'bytes'}`)
	l.check(l.get("/flow/a%2Fb/json"), "value", "bytes")
	l.call("DELETE", "/flow/a%2Fb/json", "", http.StatusNoContent)
	l.call("GET", "/app/x/status", "", http.StatusNotFound)
	l.check(l.get("/api-docs"), "openapi", "3.1.0")
	paths, _ := dig(l.get("/api/v1/openapi.json"), "paths").(map[string]any)
	l.check(paths["/flow/{name}/json"], "put/responses/204/description", "done")
}
