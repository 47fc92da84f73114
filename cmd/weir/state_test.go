package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/alert"
	"weir/config"
	"weir/engine"
	"weir/event"
	"weir/flow"
	"weir/meter"
	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
)

// TestRestart changes everything that REST can change, and looks for it after a restart.
func TestRestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off", "--data", data}
	s := serve(t, args...)
	s.put("/api/v1/flows/talkers", `{"keys":"ipsource","value":"bytes","n":7}`)
	s.put("/api/v1/flows/console_ports", `{"keys":"ipprotocol","value":"frames"}`)
	s.must(http.MethodDelete, "/api/v1/flows/console_pairs", "")
	s.put("/api/v1/thresholds/many", `{"metric":"talkers","value":5}`)
	s.must(http.MethodPatch, "/api/v1/groups/hosts", `{"bucket":"10s","topper":"60s","meters":[{"id":0,"top":7}]}`)
	s.must(http.MethodPatch, "/api/v1/groups/mac", `{"active":false}`)
	s.put("/api/v1/groups/zoo", `{"keys":["ipsource"],"form":["host"],"filter":"tcpdestinationport=443",
		"meters":[{"id":0,"name":"Total","unit":"Bps","type":"rate","top":20,"feed":"bytes"}]}`)
	s.put("/api/v1/groups/a_pairs", `{"kind":"crosskey","parents":["zoo","apps"]}`) // is made from what comes after it
	s.put("/api/v1/groups/hosts/keys/10.0.0.1", `{"label":"gate","description":"in the cellar"}`)
	s.put("/api/v1/alert-rules/busy", `{"group":"hosts","keys":"*","meter":0,"high":"10Mbps","high_for":3}`)
	s.put("/api/v1/home", `{"networks":["192.0.2.0/24"]}`)
	before := s.definitions()
	s.settle()
	s.end(exitOK)
	if text, err := os.ReadFile(filepath.Join(data, "state.json")); err != nil || !strings.Contains(string(text),
		`"alerts":{`) {
		t.Errorf("what alert rules remember was not written down: %v %s", err, text)
	}
	s = serve(t, args...)
	was, is := strings.Split(before, "\n"), strings.Split(s.definitions(), "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			t.Errorf("not after the restart: %s", line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			t.Errorf("new after the restart: %s", line)
		}
	}
	for _, want := range []string{"talkers", "gate", "192.0.2.0/24", "in the cellar", "busy"} {
		if !strings.Contains(before, want) {
			t.Errorf("%s was not in force: %s", want, before)
		}
	}
	s.must(http.MethodDelete, "/api/v1/groups/a_pairs", "")
	s.end(exitOK)
	// The file wins for what it defines.
	file := filepath.Join(t.TempDir(), "weir.yaml")
	text := "counter_groups:\n  hosts: {bucket: 20s, topper: 40s}\nhome: {networks: [203.0.113.0/24]}\nflows: {talkers: " +
		"{value: frames}}\nstore: {enabled: false}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s = serve(t, append(args, "--config", file)...)
	got := s.definitions()
	for _, want := range []string{`hosts 20 40`, "203.0.113.0/24", "zoo 30 300", "gate"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in force: %s", want, got)
		}
	}
	if strings.Contains(got, "a_pairs") || strings.Contains(got, "192.0.2.0") {
		t.Errorf("what was removed, or what the file says otherwise, is in force: %s", got)
	}
}

// must asks for a change that must be made.
func (s *served) must(method, path, body string) {
	s.t.Helper()
	if status, answer := s.request(method, path, body); status >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s %s: %d %s", method, path, body, status, answer)
	}
}

// definitions returns what is in force, as text.
func (s *served) definitions() string {
	s.t.Helper()
	var out strings.Builder
	var groups struct {
		Groups []struct {
			Name    string
			Bucket  float64 `json:"bucket_s"`
			Topper  float64 `json:"topper_s"`
			Active  bool
			Origin  string
			Parents []string
			Filter  string
			Meters  []struct{ ID, Top, Bottom int }
		}
	}
	s.ask("/api/v1/groups", &groups)
	for _, g := range groups.Groups {
		out.WriteString(strings.Trim(jsonOf(s.t, g), "{}") + "\n" + g.Name + " " + jsonOf(s.t, g.Bucket) + " " +
			jsonOf(s.t, g.Topper) + "\n")
	}
	for _, path := range []string{"/api/v1/flows", "/api/v1/thresholds", "/api/v1/alert-rules", "/api/v1/home",
		"/api/v1/groups/hosts/keys/10.0.0.1"} {
		var all map[string]json.RawMessage
		s.ask(path, &all)
		for _, passing := range []string{"tick", "at", "now", "first", "last", "live"} {
			delete(all, passing)
		}
		out.WriteString(path + " " + jsonOf(s.t, all) + "\n")
	}
	return out.String()
}

func jsonOf[T any](t *testing.T, v T) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRetention lets a server forget what is too old, and only that.
func TestRetention(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	now := schema.Instant(time.Now().UnixNano())
	old := now.Add(-40 * 24 * time.Hour)
	st, err := parquet.Open(filepath.Join(data, "store"), parquet.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	b := schema.NewBlock(schema.TableEvents, 2)
	for i, at := range []schema.Instant{old, now} {
		for j := range b.Columns {
			switch c := &b.Columns[j]; c.Type {
			case schema.ColumnInt:
				c.Ints = append(c.Ints, int64(at))
			case schema.ColumnFloat:
				c.Floats = append(c.Floats, float64(i))
			default:
				c.Texts.AppendString("x")
			}
		}
		b.Rows++
	}
	ctx := context.Background()
	batch := store.Batch{Node: "somebody", Seq: 1, At: now, Blocks: []*schema.Block{b}}
	if err := errors.Join(st.Keep(ctx, batch), st.Close()); err != nil {
		t.Fatal(err)
	}
	count := func() string {
		return strings.TrimSpace(mustRun(t, "sql", "--data", data, "--format", "csv",
			"SELECT count(*) FILTER (value = 0), count(*) FILTER (value = 1) FROM events"))
	}
	if got := count(); !strings.HasSuffix(got, "1,1") {
		t.Fatalf("before: %s", got)
	}
	file := filepath.Join(t.TempDir(), "weir.yaml")
	text := "store: {flush_every: 1s, keep: {events: 7d}}\ncounter_groups: {hosts: {bucket: 1s, topper: 1s}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "serve", "--config", file, "--sflow", "off", "--netflow", "127.0.0.1:0", "--ipfix", "off",
		"--data", data)
	var answer struct{ Rows [][]int }
	until(t, "the old row is gone", func() bool {
		s.send("netflow", killFlow(t, 1)) // memory does its chores when there is something new
		status, text := s.request(http.MethodPost, "/api/v1/sql", `{"query":"SELECT count(*) FROM events"}`)
		if err := json.Unmarshal([]byte(text), &answer); status != http.StatusOK || err != nil {
			t.Fatal(status, text, err)
		}
		return len(answer.Rows) == 1 && answer.Rows[0][0] == 1
	})
	s.end(exitOK)
	if got := count(); !strings.HasSuffix(got, "0,1") {
		t.Errorf("after: %s", got)
	}
}

// brokenDisk fails to make files while it is told to.
type brokenDisk struct {
	store.RealDisk
	err error
}

func (d *brokenDisk) Create(name string) (store.File, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.RealDisk.Create(name)
}

// notebookRig is a notebook on an engine that does not run.
type notebookRig struct {
	*notebook
	t    *testing.T
	e    *engine.Engine
	log  *spy
	disk *brokenDisk
}

func newNotebookRig(t *testing.T, dir string, c *config.Config) *notebookRig {
	t.Helper()
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Do(c.Commands(nil)...); err != nil {
		t.Fatal(err)
	}
	log, disk := &spy{}, &brokenDisk{}
	n := openNotebook(e, namedBy(c), dir, disk, vitals.New(), slog.New(slog.NewTextHandler(log, nil)))
	return &notebookRig{n, t, e, log, disk}
}

func (r *notebookRig) do(cs ...engine.Command) {
	r.t.Helper()
	if err := r.e.Do(cs...); err != nil {
		r.t.Fatal(err)
	}
}

// TestNotebook looks at what is written down, and when.
func TestNotebook(t *testing.T) {
	dir, c := t.TempDir(), config.Default()
	file := filepath.Join(dir, "state.json")
	r := newNotebookRig(t, dir, c)
	now := time.Unix(1_700_000_000, 0)
	r.look(now)
	if _, err := os.Stat(file); err == nil {
		t.Error("nothing was written down")
	}
	rule := alert.Rule{Name: "busy", Group: "hosts", Keys: "*", High: alert.Of(5)}
	r.do(engine.DefineFlow{Definition: flow.Definition{Name: "f", Value: "bytes"}},
		engine.SetThreshold{Threshold: event.Threshold{Name: "t", Metric: "f", Value: 3}},
		engine.SetRule{Rule: rule}, engine.SetLabel{Group: "hosts", Key: "0A.00.00.01", Label: engine.Label{Label: "gate"}},
		engine.SetHome{Settings: meter.Settings{Home: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}})
	r.disk.err = errors.New("no space")
	r.look(now)
	r.look(now.Add(time.Second)) // not yet again
	r.look(now.Add(notebookRetry))
	if n := r.vitals.Counter("weir_state_failures_total", "what", "save").Get(); n != 2 {
		t.Errorf("%d failures", n)
	}
	if n := strings.Count(r.log.String(), "no space"); n != 1 {
		t.Errorf("%d complaints in a minute: %s", n, r.log)
	}
	if err := r.note(); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("whoever changed something was not told: %v", err)
	}
	r.disk.err = nil
	if err := r.note(); err != nil {
		t.Error(err)
	}
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r.look(now.Add(3 * time.Minute))
	if again, _ := os.ReadFile(file); string(again) != string(saved) {
		t.Errorf("written without need: %s", again)
	}
	next := newNotebookRig(t, dir, c)
	s := next.e.State()
	if s.Flow("f") == nil || s.Threshold("t") == nil || s.Rule("busy") == nil ||
		s.Labels.Of("hosts", "0A.00.00.01").Label != "gate" || s.Home.Home[0].String() != "192.0.2.0/24" {
		t.Errorf("not in force: %+v; %s", s, next.log)
	}
	// What the file defines from now on is no longer written down.
	c.Flows["f"] = flow.Definition{Name: "f", Value: "bytes"}
	next.configured(namedBy(c))
	next.look(now)
	if text, _ := os.ReadFile(file); strings.Contains(string(text), `"f":{`) || !strings.Contains(string(text), `"t":{`) {
		t.Errorf("written down: %s", text)
	}
}

// TestNotebookUnfulfilled keeps what cannot be in force now.
func TestNotebookUnfulfilled(t *testing.T) {
	dir, c := t.TempDir(), config.Default()
	c.CounterGroups = []meter.Group{{Name: "mine", Origin: "config", Kind: meter.KindKeys, Keys: []string{"ipsource"},
		Meters: []meter.Meter{{ID: 0, Name: "Total", Type: meter.Rate, Feed: "bytes"}}}}
	r := newNotebookRig(t, dir, c)
	child := meter.Group{Name: "child", Kind: meter.KindCrosskey, Parents: []string{"mine", "mine"}}
	r.do(engine.DefineGroup{Group: child})
	if err := r.note(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // without the parent, twice
		r = newNotebookRig(t, dir, config.Default())
		if r.e.State().Group("child") != nil || !strings.Contains(r.log.String(), `what="group child"`) {
			t.Errorf("a group without its parent: %s", r.log)
		}
		r.do(engine.SetLabel{Group: "hosts", Key: "0A.00.00.01", Label: engine.Label{Label: time.Now().String()}})
		if err := r.note(); err != nil {
			t.Fatal(err)
		}
	}
	if r = newNotebookRig(t, dir, c); r.e.State().Group("child") == nil {
		t.Errorf("the parent is back, the group is not: %s", r.log)
	}
}

// TestNotebookFiles starts with files that cannot be used.
func TestNotebookFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state.json")
	r := newNotebookRig(t, dir, config.Default())
	r.do(engine.DefineFlow{Definition: flow.Definition{Name: "f", Value: "bytes"}})
	if err := r.note(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, aside string }{
		"damaged": {strings.Replace(string(good), "bytes", "bites", 1), ".bad"},
		"newer":   {strings.Replace(string(good), `"version":1`, `"version":9`, 1), ".refused"},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := newNotebookRig(t, dir, config.Default())
		if !strings.Contains(r.log.String(), file) {
			t.Errorf("%s: the log does not name the file: %s", name, r.log)
		}
		if text, err := os.ReadFile(file + c.aside); err != nil || string(text) != c.text {
			t.Errorf("%s: not set aside: %v", name, err)
		}
		r.do(engine.DefineFlow{Definition: flow.Definition{Name: "g", Value: "bytes"}})
		if err := r.note(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	doc := json.RawMessage(`{"flows":7}`)
	if err := store.SaveState(store.RealDisk{}, dir, doc); err != nil {
		t.Fatal(err)
	}
	if r := newNotebookRig(t, dir, config.Default()); !strings.Contains(r.log.String(), "set aside") {
		t.Errorf("a document that is none: %s", r.log)
	}
}

// FuzzState holds that no document makes a start fail, and that what is taken is written down as it is.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"flows":{"f":{"value":"bytes"}},"no_flows":["console_ports"],"home":{"networks":["10.0.0.0/8"]}}`))
	f.Add([]byte(`{"builtin_groups":{"hosts":{"bucket":"10s","topper":"1m","max_keys":5,"tops":{"0":[1,2]}}}}`))
	f.Add([]byte(`{"groups":[{"name":"x","kind":"crosskey","parents":["hosts","apps"]}],"labels":{"hosts":{"0A":{}}}}`))
	f.Add([]byte(`{"alert_rules":[{"name":"r","group":"hosts","keys":"*","high":3}],"alerts":{"Version":1}}`))
	file := namedBy(config.Default())
	f.Fuzz(func(t *testing.T, doc []byte) {
		saved, err := parseState(doc)
		if err != nil {
			return
		}
		e, err := engine.New(engine.Config{Lanes: 1})
		if err != nil {
			t.Fatal(err)
		}
		left := fulfil(e, file.wishes(saved, e.State()))
		out := file.collect(e.State())
		out.still(left)
		text, err := json.Marshal(&out)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseState(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		e2, err := engine.New(engine.Config{Lanes: 1})
		if err != nil {
			t.Fatal(err)
		}
		if more := fulfil(e2, file.wishes(again, e2.State())); len(more) != len(left) {
			t.Fatalf("%d wishes are left, %d before: %v", len(more), len(left), more)
		}
	})
}
