package api

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"weir/schema"
	"weir/vitals"
)

func serve(h http.Handler, q *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// start runs the server on a free port and returns its URL. It stops at the end of the test, or when stop is called.
func (r *rig) start(t *testing.T) (url string, stop func()) {
	t.Helper()
	if err := r.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	// Followers hear of ticks after they joined: wait until the stream has.
	for r.engine.Followers() == nil || len(r.engine.Followers()) == 0 {
		runtime.Gosched()
	}
	return "http://" + r.Address().String(), stop
}

func freeConfig() Config {
	c := DefaultConfig()
	c.HTTP = "127.0.0.1:0"
	return c
}

// follow opens a stream and returns its events.
func follow(t *testing.T, url string, headers ...string) (<-chan message, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	q, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(a.Body)
		t.Fatalf("%s: %s %s", url, a.Status, b)
	}
	to := make(chan message, 1000)
	go func() {
		defer a.Body.Close()
		messages(a.Body, to)
	}()
	return to, cancel
}

func next(t *testing.T, from <-chan message, event string) (m message) {
	t.Helper()
	select {
	case m = <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing comes")
	}
	if m.event != event {
		t.Fatalf("%s %s came, not %s", m.event, m.data, event)
	}
	return m
}

type tickData struct {
	At             int64
	Seq            uint64
	Mode           string
	Total          totals
	Flows          map[string][]activeFlow
	Units          map[string]string
	Exporters      []exporter
	ExportersTotal int `json:"exporters_total"`
	Books          tally
}

func tickOf(t *testing.T, m message) (d tickData) {
	t.Helper()
	if err := json.Unmarshal([]byte(m.data), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// nextTick returns the next tick that is of an instant after start: streams begin with one of then, perhaps two.
func nextTick(t *testing.T, from <-chan message, start int64) message {
	t.Helper()
	for {
		if m := next(t, from, "tick"); tickOf(t, m).At > start {
			return m
		}
	}
}

// TestStream follows the traffic second by second, on the clock of the data.
func TestStream(t *testing.T) {
	r := newRig(t, freeConfig(), Options{})
	url, _ := r.start(t)
	r.must(nil, "PUT", "/api/v1/thresholds/busy", `{"metric":"console_sources","value":2000000,"byFlow":true,"timeout":1}`)
	r.tick(time.Second)
	from, _ := follow(t, url+"/api/v1/stream?flows=console_pairs,none,console_pairs&mode=max&max=1")
	twin, _ := follow(t, url+"/api/v1/stream?flows=console_pairs,none&mode=max&max=1")
	if d := tickOf(t, next(t, from, "tick")); d.At != r.now.Millis() || len(d.Flows["console_pairs"]) != 0 || d.Mode != "max" {
		t.Errorf("at first: %+v", d)
	}
	next(t, twin, "tick")
	start := r.now.Millis()
	var d tickData
	for i := range 10 {
		for range 10 { // a second: 20 samples, one in 100, of 500 bytes
			r.send(2, 100, 500, 1, 1)
			r.send(1, 1, 60, 2, 1)
			r.tick(100 * time.Millisecond)
		}
		// In step with the reader: who is some ticks behind misses the next ones.
		m := nextTick(t, from, start)
		if other := nextTick(t, twin, start); m.data != other.data {
			t.Error("two who ask for the same get different answers")
		}
		d = tickOf(t, m)
		if want := (began + schema.Instant(2+i)*second).Millis(); d.At != want {
			t.Errorf("tick %d is of %d, not %d", i, d.At, want)
		}
	}
	if len(d.Flows) != 1 || len(d.Flows["console_pairs"]) != 1 || d.Units["console_pairs"] != "B/s" ||
		d.Flows["console_pairs"][0].Key != "10.0.0.1,10.0.1.1" {
		t.Errorf("%+v", d.Flows)
	}
	if want := 8 * (20*100*500 + 10*60.0); d.Total.Bits < 0.95*want || d.Total.Bits > 1.05*want || d.Total.BitsError <= 0 ||
		d.Total.Packets < 0.95*2010 || d.Total.Packets > 1.05*2010 {
		t.Errorf("%+v", d.Total)
	}
	if len(d.Exporters) != 1 || d.ExportersTotal != 1 || d.Exporters[0].DatagramsRate < 19 || d.Exporters[0].DatagramsRate > 21 ||
		d.Books.Difference != 0 {
		t.Errorf("%+v %+v", d.Exporters, d.Books)
	}
	// A flood: an event at once, and its end.
	r.send(4, 1000, 1500, 3, 1)
	r.tick(100 * time.Millisecond)
	var begun, ended crossing
	m := next(t, from, "threshold")
	if err := json.Unmarshal([]byte(m.data), &begun); err != nil || m.id != "1" || begun.ID != 1 || *begun.Key != "10.0.0.3" ||
		begun.End != nil || begun.Value < 2e6 {
		t.Errorf("%+v %v", begun, err)
	}
	for range 30 {
		r.tick(time.Second)
	}
	for m = range from {
		if m.event == "threshold" {
			break
		}
	}
	if err := json.Unmarshal([]byte(m.data), &ended); err != nil || ended.ID != 1 || ended.End == nil {
		t.Errorf("%+v %v", ended, err)
	}
	again, _ := follow(t, url+"/api/v1/stream", "Last-Event-ID", "0")
	if m := next(t, again, "threshold"); m.id != "1" {
		t.Errorf("a stream that comes back begins with %+v", m)
	}
}

func TestStreamLimits(t *testing.T) {
	c := freeConfig()
	c.Streams = 2
	r := newRig(t, c, Options{})
	url, _ := r.start(t)
	_, leave := follow(t, url+"/api/v1/stream")
	follow(t, url+"/api/v1/stream")
	r.refused(503, "GET", "/api/v1/stream", "")
	leave()
	for r.caster.streams() > 1 {
		time.Sleep(time.Millisecond)
	}
	follow(t, url+"/api/v1/stream")
	r.refused(400, "GET", "/api/v1/stream?max=101", "")
	r.refused(400, "GET", "/api/v1/stream?flows="+manyNames(60), "")
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("f")
		b.WriteByte(byte('0' + i/10))
		b.WriteByte(byte('0' + i%10))
		b.WriteByte(',')
	}
	return b.String()
}

// TestSlowClient checks that who does not read misses ticks, that it is counted, and that events still come.
func TestSlowClient(t *testing.T) {
	r := newRig(t, freeConfig(), Options{})
	s, err := r.caster.join(wish{max: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		r.tick(time.Second)
		r.caster.castTick(r.engine.View())
	}
	if n := len(s.frames); n != ticksHeld {
		t.Errorf("%d frames wait, not %d", n, ticksHeld)
	}
	if n := r.caster.skipped.Get(); n != 10-ticksHeld+1 {
		t.Errorf("%d frames were skipped", n)
	}
	r.caster.send([]byte("event"), nil, 0)
	if n := len(s.frames); n != ticksHeld+1 {
		t.Error("there is no room for an event")
	}
	for range framesHeld {
		r.caster.send([]byte("event"), nil, 0)
	}
	if n := len(s.frames); n > framesHeld {
		t.Errorf("%d frames wait", n)
	}
}

// TestShutdown checks that streams and long polls end with the server and that nothing stays behind.
func TestShutdown(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("server", func(t *testing.T) {
		r := newRig(t, freeConfig(), Options{})
		url, stop := r.start(t)
		from, _ := follow(t, url+"/api/v1/stream")
		next(t, from, "tick")
		polled := make(chan error, 1)
		go func() {
			a, err := http.Get(url + "/api/v1/events?wait=60")
			if err == nil {
				_, err = io.Copy(io.Discard, a.Body)
				a.Body.Close()
			}
			polled <- err
		}()
		for r.Connections() < 2 {
			time.Sleep(time.Millisecond)
		}
		r.Drain()
		for range from { // ends
		}
		if err := <-polled; err != nil {
			t.Error(err)
		}
		r.refused(503, "GET", "/api/v1/stream", "")
		stop()
		if c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			c.Close()
			t.Error("the server still listens")
		}
	})
	http.DefaultClient.CloseIdleConnections()
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 5000 {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAddressInUse(t *testing.T) {
	r := newRig(t, freeConfig(), Options{})
	url, _ := r.start(t)
	c := freeConfig()
	c.HTTP = strings.TrimPrefix(url, "http://")
	s, err := New(c, r.engine, vitals.New(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), "--http") {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestConnections checks that no more connections than the limit are served at once.
func TestConnections(t *testing.T) {
	l, err := listen("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	dial()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 2)
	go func() {
		for {
			_, err := l.Accept()
			accepted <- err
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-accepted:
		t.Error("a connection too many")
	default:
	}
	first.Close()
	first.Close() // gives back one place only
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	if n := l.open.Load(); n != 1 {
		t.Errorf("%d connections are open, not 1", n)
	}
	l.Close()
	if err := <-accepted; err == nil {
		t.Error("a listener that is closed accepts")
	}
}

func TestPanic(t *testing.T) {
	face := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") })
	r := newRig(t, DefaultConfig(), Options{Faces: []Mount{{Name: "face", Handler: face}}})
	r.refused(500, "GET", "/x", "")
	if text := r.ask("GET", "/metrics", "").Body.String(); !strings.Contains(text, "weir_api_panics_total 1") {
		t.Error("the panic is not counted")
	}
}

// FuzzBodies throws bodies at everything that takes one: an answer is a success or a well-formed failure.
func FuzzBodies(f *testing.F) {
	r := newMemoryRig(f)
	var targets []Route
	for _, rt := range Routes() {
		if rt.Body != "" {
			targets = append(targets, rt)
			f.Add(len(targets)-1, rt.Body)
		}
	}
	for _, s := range []string{"", "null", "[]", "{", `{"keys":[]}`, `{"value":"bytes","n":1e99}`, `{"a":{"b":[1]}}`, "\xff"} {
		f.Add(0, s)
	}
	f.Fuzz(func(t *testing.T, i int, body string) {
		if i < 0 || i >= len(targets) {
			return
		}
		rt := targets[i]
		w := ask(r.handler, rt.Method, rt.Example, body)
		if w.Code == 204 || w.Code == 200 {
			return
		}
		var x failure
		if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code >= 500 || x.Message == "" || x.At > len(body) {
			t.Errorf("%s %s %q: %d %s", rt.Method, rt.Example, body, w.Code, w.Body)
		}
	})
}

// FuzzQuery throws queries at a route with every type of parameter.
func FuzzQuery(f *testing.F) {
	r := newMemoryRig(f)
	for _, s := range []string{"max=1&mode=sum", "min=1e3&key=a,b", "agents=ALL;EDGE", "max=%zz", "max=1;min=2", "where=a=b",
		"from=-1h&to=now&as=rate&compare=-1d", "step=5m&meters=0,1", "q=srcip=10.0.0.1,port=53&live=no&order=bytes",
		"from=0&to=1e9&exact=true", "format=csv", "q=10.0.&offset=1", "by=pair", "key=10.0.0.1&group=hosts", "key=1&group=nothing"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/api/v1/flows/console_pairs/active", "/api/v1/metrics", "/api/v1/exporters",
			"/api/v1/groups/hosts/toppers", "/api/v1/groups/hosts/toppers/trend", "/api/v1/groups/hosts/keys",
			"/api/v1/groups/hosts/keys/10.0.0.1/series", "/api/v1/search", "/api/v1/sessions", "/api/v1/sessions/aggregate",
			"/api/v1/alerts"} {
			q := httptest.NewRequest("GET", "http://localhost"+path, nil)
			q.URL.RawQuery = query
			if w := serve(r.handler, q); w.Code != 200 && w.Code != 400 {
				t.Errorf("%s?%s: %d %s", path, query, w.Code, w.Body)
			}
		}
	})
}
