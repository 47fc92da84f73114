package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// fakeServer answers as the REST interface does.
type fakeServer struct {
	*httptest.Server
	mu      sync.Mutex
	flows   map[string]topDefinition
	calls   []string
	refusal *topRefusal // of PUT, when not nil
	answer  string      // of active
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	f := &fakeServer{flows: map[string]topDefinition{}, answer: `{"at":1767225600000,"mode":"max","unit":"B/s","flows":[
		{"key":"10.0.0.1,443","keys":["10.0.0.1","443"],"value":1500000,"error":25000,"exact":false,"samples":12,"n":1},
		{"key":"10.0.0.2,80","keys":["10.0.0.2","80"],"value":500000,"error":0,"exact":true,"samples":3,"n":1}]}`}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /api/v1/flows/{name}", f.put)
	mux.HandleFunc("GET /api/v1/flows/{name}/active", f.active)
	mux.HandleFunc("DELETE /api/v1/flows/{name}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls = append(f.calls, "DELETE")
		delete(f.flows, r.PathValue("name"))
		w.WriteHeader(http.StatusNoContent)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) put(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "PUT")
	if f.refusal != nil {
		status := f.refusal.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(f.refusal)
		return
	}
	var d topDefinition
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.flows[r.PathValue("name")] = d
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeServer) active(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "active "+r.URL.RawQuery)
	if _, known := f.flows[r.PathValue("name")]; !known {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"there is no flow","field":"name","position":-1,"hint":""}`)
		return
	}
	_, _ = io.WriteString(w, f.answer)
}

func (f *fakeServer) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, "; ")
}

func (f *fakeServer) command() *topCmd {
	return &topCmd{Server: f.URL, Keys: "ipsource,tcpdestinationport", Value: "bytes", Rows: 20, Mode: "sum",
		Interval: 100 * time.Millisecond, Once: true}
}

func TestTopOnce(t *testing.T) {
	f := newFakeServer(t)
	var out, problems bytes.Buffer
	if err := f.command().Run(&env{ctx: t.Context(), stdout: &out, stderr: &problems}); err != nil {
		t.Fatal(err, problems.String())
	}
	want := "00:00:00\t12.0 Mbit/s\t±200 kbit/s\t10.0.0.1\t443\n00:00:00\t4.00 Mbit/s\texact\t10.0.0.2\t80\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
	if got := f.seen(); got != "PUT; active max=20&mode=sum; DELETE" || len(f.flows) != 0 {
		t.Errorf("%s; left: %v", got, f.flows)
	}
}

func TestTopEndsWithTheContext(t *testing.T) {
	f := newFakeServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := &cancelAfter{lines: 3, cancel: cancel}
	c := f.command()
	c.Once = false
	if err := c.Run(&env{ctx: ctx, stdout: w, stderr: io.Discard}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(f.seen(), "DELETE") || len(f.flows) != 0 {
		t.Errorf("%s; left: %v", f.seen(), f.flows)
	}
}

// cancelAfter ends a context after some writes.
type cancelAfter struct {
	lines  int
	cancel context.CancelFunc
}

func (w *cancelAfter) Write(b []byte) (int, error) {
	if w.lines--; w.lines == 0 {
		w.cancel()
	}
	return len(b), nil
}

func TestTopShowsWhereTheErrorIs(t *testing.T) {
	f := newFakeServer(t)
	f.refusal = &topRefusal{Message: "unknown function foo", Field: "keys", Position: 10, Hint: "functions are mask, or"}
	c := f.command()
	c.Keys = "null:é:x,foo:ipsource"
	var problems bytes.Buffer
	err := c.Run(&env{ctx: t.Context(), stdout: io.Discard, stderr: &problems})
	var code *exitCode
	if !errors.As(err, &code) || code.code != exitUsage {
		t.Errorf("%v", err)
	}
	want := "weir: top: keys: unknown function foo\n" +
		"  --keys null:é:x,foo:ipsource\n" +
		"                  ^\n" +
		"  hint: functions are mask, or\n"
	if problems.String() != want {
		t.Errorf("got\n%s\nwant\n%s", problems.String(), want)
	}
}

func TestTopRefusesWhatMakesNoSense(t *testing.T) {
	for want, change := range map[string]func(*topCmd){
		"--n 0 is not":    func(c *topCmd) { c.Rows = 0 },
		"--interval 1ms":  func(c *topCmd) { c.Interval = time.Millisecond },
		"is not a URL":    func(c *topCmd) { c.Server = "ftp://x" },
		"is weir serve":   func(c *topCmd) { c.Server = "127.0.0.1:1" },
		"answers 500 Int": func(c *topCmd) { c.Server += "/broken" },
	} {
		f := newFakeServer(t)
		f.Config.Handler.(*http.ServeMux).HandleFunc("/broken/", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		})
		c := f.command()
		change(c)
		var out bytes.Buffer
		err := c.Run(&env{ctx: t.Context(), stdout: &out, stderr: &out})
		if err == nil || !strings.Contains(err.Error()+out.String(), want) {
			t.Errorf("%s: %v %s", want, err, out.String())
		}
	}
}

func TestTopDefinesAgain(t *testing.T) {
	f := newFakeServer(t)
	client, err := newTopClient(f.URL, "top_1", topDefinition{Keys: "ipsource", Value: "bytes", N: 20})
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.active(t.Context(), "max", 5)
	if err != nil || len(a.Flows) != 0 {
		t.Fatal(a, err)
	}
	if a, err = client.active(t.Context(), "max", 5); err != nil || len(a.Flows) != 2 {
		t.Error(a, err)
	}
	if err := errors.Join(client.drop(t.Context()), client.drop(t.Context())); err != nil {
		t.Error(err)
	}
}

// model returns a live table with an answer, as wide as asked.
func model(t *testing.T, width, height int) *topModel {
	t.Helper()
	f := newFakeServer(t)
	c := f.command()
	client, err := newTopClient(c.Server, "top_1", topDefinition{N: 100})
	if err != nil {
		t.Fatal(err)
	}
	m := newTopModel(t.Context(), c, client)
	c.Server = "http://127.0.0.1:8008"
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	var a topAnswer
	if err := json.Unmarshal([]byte(f.answer), &a); err != nil {
		t.Fatal(err)
	}
	a.At = 0
	m.Update(topLook{answer: &a})
	return m
}

func TestTopFrame(t *testing.T) {
	m := model(t, 100, 20)
	clock := time.UnixMilli(0).Format("15:04:05")
	want := "weir top   bytes by ipsource,tcpdestinationport\n" +
		"http://127.0.0.1:8008   mode sum   20 rows   " + clock + "\n" +
		"ipsource  tcpdestinationport         value         error  share of these\n" +
		"10.0.0.1  443                  12.0 Mbit/s   ±200 kbit/s  █████████     75.0%\n" +
		"10.0.0.2  80                   4.00 Mbit/s         exact  ███           25.0%\n" +
		"q quit   p pause   m mode   + - rows"
	if got := m.frame(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m.colour = true
	if !strings.Contains(m.frame(), "\x1b[1mweir top") {
		t.Error("no colour")
	}
}

func TestTopFrameFits(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {10, 3}, {40, 6}, {80, 24}, {300, 100}} {
		m := model(t, size[0], size[1])
		m.answer.Flows[0].Keys[0] = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff \x1b[2J evil"
		m.Update(topLook{err: errors.New("no answer")})
		frame := m.frame()
		if strings.Contains(frame, "\x1b") {
			t.Error("a control character of the network reaches the terminal")
		}
		for line := range strings.Lines(frame) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > size[0] {
				t.Errorf("%v: a line of %d columns: %q", size, n, line)
			}
		}
		if n := strings.Count(frame, "\n") + 1; size[1] >= 6 && n > size[1] {
			t.Errorf("%v: %d lines", size, n)
		}
		if size[0] >= 40 && !strings.Contains(frame, "no answer") {
			t.Errorf("%v: the failure is not shown: %s", size, frame)
		}
	}
}

func press(m *topModel, keys ...string) (last tea.Cmd) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		if k == "ctrl+c" {
			msg = tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
		}
		_, last = m.Update(msg)
	}
	return last
}

func TestTopKeys(t *testing.T) {
	m := model(t, 80, 24)
	if press(m, "+"); m.rows != 25 {
		t.Errorf("%d rows", m.rows)
	}
	if press(m, "-", "-", "-", "-", "-", "-", "-"); m.rows != 1 {
		t.Errorf("%d rows", m.rows)
	}
	if press(m, "m"); m.mode != "max" || !strings.Contains(m.frame(), "mode max") {
		t.Errorf("mode %s", m.mode)
	}
	if press(m, "p"); !m.paused || !strings.Contains(m.frame(), "PAUSED") {
		t.Error("not paused")
	}
	before := m.answer
	if m.Update(topLook{answer: &topAnswer{}}); m.answer != before {
		t.Error("a paused table moves")
	}
	for _, k := range []string{"q", "ctrl+c"} {
		cmd := press(m, k)
		if cmd == nil {
			t.Fatalf("%s does nothing", k)
		}
		if _, quits := cmd().(tea.QuitMsg); !quits {
			t.Errorf("%s does not quit", k)
		}
	}
}

func TestTopModelLooks(t *testing.T) {
	m := model(t, 80, 24)
	m.answer = nil
	if !strings.Contains(m.frame(), "waiting for the first answer") {
		t.Error(m.frame())
	}
	m.client.definition = topDefinition{Keys: "ipsource", Value: "bytes", N: 100}
	if err := m.client.define(m.ctx); err != nil {
		t.Fatal(err)
	}
	look := m.look()
	if m.look() != nil {
		t.Error("it asks while an answer is on its way")
	}
	if m.Update(look()); m.answer == nil || len(m.answer.Flows) != 2 || m.asking {
		t.Errorf("%+v", m.answer)
	}
	_, cmd := m.Update(topLook{err: &topRefusal{Status: http.StatusUnauthorized, Message: "this needs a token"}})
	if cmd == nil || m.fatal == nil {
		t.Error("it goes on without the right to")
	}
}

// TestTopProgram runs the live table with a terminal that is none.
func TestTopProgram(t *testing.T) {
	m := model(t, 80, 24)
	m.interval = time.Millisecond
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(strings.NewReader("mq")), tea.WithOutput(&out),
		tea.WithoutSignalHandler(), tea.WithWindowSize(80, 24))
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if m.mode != "max" {
		t.Errorf("mode %s", m.mode)
	}
}

func TestSplitKeys(t *testing.T) {
	for list, want := range map[string]string{
		"ipsource":                        "ipsource",
		"ipsource, ipdestination":         "ipsource|ipdestination",
		`if:[first:stack:.:ip]:a:b,c`:     "if:[first:stack:.:ip]:a:b|c",
		`'a,b',or:[x,y]:z,q\,r`:           `'a,b'|or:[x,y]:z|q\,r`,
		"":                                "",
		"group:ipsource:home,null:vlan:0": "group:ipsource:home|null:vlan:0",
	} {
		if got := strings.Join(splitKeys(list), "|"); got != want {
			t.Errorf("%s: %s", list, got)
		}
	}
}

func TestWithUnit(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, "B/s", "0 bit/s"}, {125, "B/s", "1.00 kbit/s"}, {1.25e9, "B/s", "10.0 Gbit/s"}, {1234, "1/s", "1.23 k/s"},
		{64, "", "64.0"}, {-5, "ms", "-5.00 ms"}, {0.00123, "1/s", "0.00123 /s"},
	} {
		if got := withUnit(c.v, c.unit); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	error := 1000.0
	for want, f := range map[string]topFlow{
		"±8.00 kbit/s": {Error: &error}, "exact": {Exact: true, Error: &error}, "": {},
	} {
		if got := f.errorText("B/s"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
