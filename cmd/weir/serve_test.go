package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"weir/config"
	"weir/wire/netflow"
)

// patience bounds how long a test waits for what must happen.
const patience = 20 * time.Second

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}

// served is a server in this process.
type served struct {
	t     *testing.T
	log   *spy
	stop  context.CancelFunc
	ended chan int
}

// serve starts a server on free ports.
func serve(t *testing.T, args ...string) *served {
	t.Helper()
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{t: t, log: &spy{}, stop: cancel, ended: make(chan int, 1)}
	go func() {
		s.ended <- run(ctx, append(args, "--http", "127.0.0.1:0"), io.Discard, s.log)
	}()
	t.Cleanup(func() { s.end(exitOK) })
	until(t, "the server runs", func() bool {
		return strings.Contains(s.log.String(), "weir is running") || len(s.ended) > 0
	})
	return s
}

// end stops the server and checks its exit code.
func (s *served) end(code int) {
	s.t.Helper()
	if s.ended == nil {
		return
	}
	s.stop()
	select {
	case got := <-s.ended:
		if got != code {
			s.t.Errorf("exit code %d, want %d\n%s", got, code, s.log)
		}
	case <-time.After(patience):
		s.t.Errorf("the server does not stop\n%s", s.log)
	}
	s.ended = nil
}

// find returns what a pattern finds in the log.
func (s *served) find(pattern string) string {
	s.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(s.log.String())
	if m == nil {
		s.t.Fatalf("the log has no %s:\n%s", pattern, s.log)
	}
	return m[1]
}

// ask asks a JSON question of the REST interface.
func (s *served) ask(path string, out any) {
	s.t.Helper()
	r, err := http.Get(s.find(`url=(http://\S+)/ `) + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(out); err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, r.Status, err)
	}
}

func (s *served) send(listener string, datagrams ...[]byte) {
	s.t.Helper()
	conn, err := net.Dial("udp", s.find("listener="+listener+` udp=(\S+) `))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	for _, d := range datagrams {
		if _, err := conn.Write(d); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestServe sends real telemetry over UDP and asks for it by the native interface, by that of the face, and in the
// vitals. Every port takes every version.
func TestServe(t *testing.T) {
	before := runtime.NumGoroutine()
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "127.0.0.1:0", "--ipfix", "127.0.0.1:0", "--data", "x")
	for i := range uint32(5) {
		s.send("sflow", sampledDatagram(ip4(192, 0, 2, 1), i+1, 1))
	}
	s.send("sflow", flowDatagrams(t, netflow.V9)...)
	s.send("netflow", flowDatagrams(t, netflow.IPFIX)...)
	s.send("ipfix", []byte("not telemetry"))
	var status struct {
		Books struct{ Difference, Received, Records, Malformed int }
	}
	until(t, "everything was counted", func() bool {
		s.ask("/api/v1/status", &status)
		return status.Books.Received == 12
	})
	if b := status.Books; b.Records != 16 || b.Malformed != 1 || b.Difference != 0 {
		t.Errorf("books %+v", b)
	}
	var flows []struct{ Key string }
	s.ask("/activeflows/ALL/console_pairs/json", &flows)
	if len(flows) != 5 {
		t.Errorf("flows %+v", flows)
	}
	var analyzer struct{ HTTPConnections, HTTPPort, SFlowPort int }
	if s.ask("/analyzer/json", &analyzer); analyzer.HTTPConnections < 1 || analyzer.HTTPPort == 0 ||
		analyzer.SFlowPort == 0 {
		t.Errorf("analyzer %+v", analyzer)
	}
	var health struct{ Status string }
	if s.ask("/health", &health); health.Status != "ok" {
		t.Errorf("health %+v", health)
	}
	if _, err := os.Stat("x"); err != nil {
		t.Error("there is no data directory:", err)
	}
	s.end(exitOK)
	http.DefaultClient.CloseIdleConnections()
	until(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+1 })
}

// TestServeReplay lets files be the clock.
func TestServeReplay(t *testing.T) {
	s := serve(t, "serve", "--replay", mixedCapture(t), "--speed", "max")
	until(t, "the replay is over", func() bool { return strings.Contains(s.log.String(), "replay is over") })
	var status struct {
		Replay bool
		Books  struct{ Difference, Received int }
	}
	if s.ask("/api/v1/status", &status); !status.Replay || status.Books.Received != 127 || status.Books.Difference != 0 {
		t.Errorf("%+v", status)
	}
	s.end(exitOK)
}

func TestServeRefusesATakenPort(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Chdir(t.TempDir())
	code, _, errs := weir(t, "serve", "--http", "127.0.0.1:0", "--sflow", conn.LocalAddr().String())
	if code != exitError || !strings.Contains(errs, "another weir?") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestDemo holds that the synthetic network reaches the own ports.
func TestDemo(t *testing.T) {
	s := serve(t, "demo", "--load", "0.2")
	var list struct {
		Exporters []struct{ Kind string }
	}
	kinds := map[string]bool{}
	until(t, "all kinds of exporters have sent", func() bool {
		s.ask("/api/v1/exporters", &list)
		for _, x := range list.Exporters {
			kinds[x.Kind] = true
		}
		return kinds["sflow"] && kinds["netflow5"] && kinds["netflow9"] && kinds["ipfix"]
	})
	var flows []struct{ Key string }
	until(t, "there are flows between groups", func() bool {
		s.ask("/activeflows/ALL/demo_groups/json", &flows)
		return len(flows) > 0
	})
	s.end(exitOK)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestReload changes the file under a house.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.yaml")
	write := func(text string) {
		text += "listen: {sflow: \"127.0.0.1:0\", netflow: \"\", ipfix: \"\"}\nhttp: {address: \"127.0.0.1:0\"}\ndata: " +
			t.TempDir() + "\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("flows: {a: {value: bytes}}\n")
	conf, problems := config.Load(path)
	if problems != nil {
		t.Fatal(problems)
	}
	log := &spy{}
	h, err := openHouse(slog.New(slog.NewTextHandler(log, nil)), conf, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.serve(canceled(), h.parts()); err != nil {
			t.Error(err)
		}
	}()
	write("flows: {b: {value: frames}}\ngroups: {g: {x: [10.0.0.0/8]}}\nengine: {lanes: 7}\n")
	h.readAgain()
	if s := h.engine.State(); s.Flow("a") != nil || s.Flow("b") == nil || s.Flow("console_total") == nil {
		t.Errorf("flows %+v", s.Flows)
	}
	if !strings.Contains(log.String(), `a change needs a restart to take effect" section="engine, telemetry, sampling"`) {
		t.Errorf("log %s", log)
	}
	write("flows: {b: {value: nonsense( }}\n")
	h.readAgain()
	if s := h.engine.State(); s.Flow("b") == nil || !strings.Contains(log.String(), "nothing was changed") {
		t.Errorf("a file with problems was put in force: %s", log)
	}
}

// TestParts holds the order of starting and stopping, and what becomes of parts that fail, end, or hang.
func TestParts(t *testing.T) {
	var order []string
	note := make(chan string, 32)
	good := func(name string) part {
		return part{name: name, within: patience, run: func(ctx context.Context) error {
			<-ctx.Done()
			note <- "-" + name
			return nil
		}}
	}
	ctx, cancel := context.WithCancel(context.Background())
	engineStopped := make(chan struct{})
	engine := part{name: "engine", within: patience, run: func(ctx context.Context) error {
		<-ctx.Done()
		note <- "-engine"
		close(engineStopped)
		return nil
	}}
	follower := part{name: "follower", within: patience, follows: true, run: func(ctx context.Context) error {
		select {
		case <-engineStopped:
			note <- "-follower"
			return nil
		case <-ctx.Done():
			return errors.New("was stopped before the engine was through")
		}
	}}
	short := part{name: "short", within: patience, ends: true, run: func(context.Context) error {
		cancel()
		return nil
	}}
	err := runParts(ctx, quiet(), []part{good("sink"), follower, engine, good("source"), short},
		func() { note <- "drain" })
	close(note)
	for s := range note {
		order = append(order, s)
	}
	if want := "drain -source -engine -follower -sink"; err != nil || strings.Join(order, " ") != want {
		t.Errorf("%v, %v; want %s", err, order, want)
	}
	broken := errors.New("broken")
	stuck := make(chan struct{})
	defer close(stuck)
	err = runParts(context.Background(), quiet(), []part{
		{name: "a", within: time.Millisecond, run: func(context.Context) error { <-stuck; return nil }},
		{name: "b", within: patience, run: func(context.Context) error { return broken }},
	}, func() {})
	if !errors.Is(err, broken) || !errors.Is(err, errStuck) || strings.Count(err.Error(), "broken") != 1 {
		t.Errorf("%v", err)
	}
	err = runParts(context.Background(), quiet(), []part{
		{name: "c", within: patience, run: func(context.Context) error { return nil }},
	}, func() {})
	if err == nil || !strings.Contains(err.Error(), "came to its end") {
		t.Errorf("%v", err)
	}
}

// TestServeSFlowRT checks that the file says how the interface of sFlow-RT's clients answers.
func TestServeSFlowRT(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.yaml")
	const text = "sflowrt: {json_indent: 0, prometheus_prefix: rt_, prometheus_type: true}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off", "--config", path)
	for from, want := range map[string]string{
		"/apps/json": "{}\n", "/license/json": "{\"product\":\"weir\",",
		"/prometheus/analyzer/txt": "# TYPE rt_analyzer_agent_count gauge\nrt_analyzer_agent_count 0\n",
	} {
		r, err := http.Get(s.find(`url=(http://\S+)/ `) + from)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || !strings.HasPrefix(string(body), want) {
			t.Errorf("%s: %v, %.200s", from, err, body)
		}
	}
}
