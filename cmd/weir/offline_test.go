package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update rewrites it); got\n%s", path, got)
	}
}

// mustRun runs a command that must succeed and returns what it prints.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := weir(t, args...)
	if code != exitOK || errs != "" {
		t.Fatalf("weir %s: exit code %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

func TestOfflineGoldens(t *testing.T) {
	file := mixedCapture(t)
	for name, args := range map[string][]string{
		"summary.json":        {"decode", "--summary", "--json"},
		"summary.txt":         {"decode", "--summary"},
		"summary-packets.txt": {"decode", "--summary", "--as", "packets"},
		"summary-hold0.json":  {"decode", "--summary", "--json", "--hold", "0"},
		"replay.txt":          {"replay"},
		"replay.json":         {"replay", "--json", "--top", "3", "--keys", "3"},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, mustRun(t, append(args, file)...)) })
	}
}

// TestDecodeLines holds that everything gives its line; what is in the lines is tested where they are made.
func TestDecodeLines(t *testing.T) {
	file := mixedCapture(t)
	kinds := map[string]int{}
	for line := range strings.Lines(mustRun(t, "decode", "--json", file)) {
		var l struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		kinds[l.Kind]++
	}
	want := map[string]int{"flow_sample": 180, "counter_sample": 90, "flow_record": 6, "frame": 30, "malformed": 1,
		"datagram": 4} // one without its template and one with it, in each version
	if !maps.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	if n := strings.Count(mustRun(t, "decode", file), "\n"); n != 311 {
		t.Errorf("%d lines of text, want 311", n)
	}
	for args, want := range map[string]int{"--hold=0": 309, "--as=telemetry": 281 + 30, "--as=packets": 127} {
		if n := strings.Count(mustRun(t, "decode", args, file), "\n"); n != want {
			t.Errorf("%s: %d lines, want %d", args, n, want)
		}
	}
}

// TestReplayIsTheSameWithAnyLanes also looks at the captures of the corpus.
func TestReplayIsTheSameWithAnyLanes(t *testing.T) {
	files, err := filepath.Glob("../../corpus/cases/*/input.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, mixedCapture(t)) {
		var want string
		for _, lanes := range []string{"1", "2", "3", "8"} {
			got := mustRun(t, "replay", "--json", "--lanes", lanes, "--flow",
				"name=pairs;keys=or:ipsource:ip6source,or:ipdestination:ip6destination;value=bytes;values=frames,avg:bytes",
				"--flow", "keys=ipprotocol;value=count:ipsource", file)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: with %s lanes\n%s\nwith one\n%s", file, lanes, got, want)
			}
		}
		checkBooks(t, file, want)
	}
}

// checkBooks holds that nothing is unaccounted for.
func checkBooks(t *testing.T, file, result string) {
	t.Helper()
	var r replayResult
	if err := json.Unmarshal([]byte(result), &r); err != nil {
		t.Fatal(err)
	}
	if r.Books.Difference != 0 || r.FlowsLost != 0 {
		t.Errorf("%s: books %+v", file, r.Books)
	}
	for _, f := range r.Flows {
		if f.Difference != 0 {
			t.Errorf("%s: flow %s: %+v", file, f.Name, f.Books)
		}
	}
}

// TestReplayTotals holds the totals against what the capture was made of.
func TestReplayTotals(t *testing.T) {
	var r replayResult
	out := mustRun(t, "replay", "--json", "--flow", "value=bytes", "--flow", "value=frames;filter=ipprotocol=17",
		"--flow", "keys=ipsource;value=frames;aggMode=sum;filter=ipprotocol=6", mixedCapture(t))
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	// 3 agents send 30 datagrams of 2 samples of 146 bytes, 1 in 100; the largest place is one of them.
	if got := r.Flows[0].Top[0]; got.Value != 30*2*100*146 || got.Places != 6 {
		t.Errorf("bytes %+v", got)
	}
	if got := r.Flows[1].Top[0]; got.Value != 30*2*100 {
		t.Errorf("frames %+v", got)
	}
	if got := r.Flows[2].Top; len(got) != 3 || got[0].Value != 6 || got[0].Places != 2 {
		t.Errorf("flow records, seen by two exporters: %+v", got)
	}
	if r.Records.PacketSamples != 180 || r.Records.FlowRecords != 6 || r.Records.Readings != 90 ||
		r.Records.Frames != 30 || r.Books.Malformed["unknown_version"] != 1 {
		t.Errorf("records %+v, books %+v", r.Records, r.Books)
	}
}

func TestParseFlow(t *testing.T) {
	d, err := parseFlow(`keys=ipsource,tag:a\;b; value=bytes;filter=ipsource~"a;keys";n=7;t=0.5;name=x`, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "x" || d.Keys != `ipsource,tag:a\;b` || d.Value != "bytes" || d.Filter != `ipsource~"a;keys"` ||
		d.N != 7 || d.T != 0.5 {
		t.Errorf("%+v", d)
	}
	for text, want := range map[string]string{
		"":                   "write 'keys=",
		"ipsource":           "write 'keys=",
		"value=bytes;n=many": `n: "many" is no whole number`,
		"value=bytes;t=x":    "is no number",
		"dropped=perhaps":    "neither true nor false",
	} {
		if _, err := parseFlow(text, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	for path, text := range map[string]string{good: "flows: {a: {value: bytes}}\n", bad: "a: 1\nlisten: {buffer: x}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args         string
		code         int
		stdout, errs string
	}{
		{"version", exitOK, "weir unknown\n", ""},
		{"--help", exitOK, "Commands:", ""},
		{"decode --help", exitOK, "--summary", ""},
		{"config --defaults", exitOK, "listen:\n", ""},
		{"check " + good, exitOK, "good.yaml: good: 7 flows", ""},
		{"check " + bad, exitError, "bad.yaml:1:1: a: there is no such name", ""},
		{"check " + bad, exitError, "bad.yaml:2:18: listen.buffer:", ""},
		{"check " + dir + "/none.yaml", exitError, "none.yaml: no such file", ""},
		{"replay --config " + bad + " x", exitError, "", "bad.yaml:1:1: a: there is no such name"},
		{"nonsense", exitUsage, "", "weir: unexpected argument nonsense; see weir --help\n"},
		{"decode", exitUsage, "", "weir: expected \"<input>\"; see weir --help\n"},
		{"decode --as x y", exitUsage, "", "weir: --as must be one of"},
		{"decode --hold=1e9 y", exitError, "", "weir: decode: --hold must be between"},
		{"decode none.pcap", exitError, "", "weir: capture: open none.pcap: no such file or directory\n"},
		{"decode --as packets udp:127.0.0.1:0", exitError, "", "weir: decode: what arrives by UDP is telemetry"},
		{"decode udp:", exitError, "", "weir: decode: udp: needs an address and a port"},
		{"decode udp:nowhere", exitError, "", "weir: decode: cannot receive on UDP nowhere:"},
		{"replay --lanes 99 x", exitError, "", "weir: engine.lanes: 99 is not between"},
		{"replay --speed fast x", exitError, "", "weir: replay: speed \"fast\""},
		{"replay --flow keys=ipsource;value=no( x", exitError, "", "weir: replay: flow flow1: value: at 0 in"},
		{"replay none.pcap", exitError, "", "weir: replay: capture: open none.pcap: no such file or directory\n"},
		{"serve --http nowhere", exitError, "", "weir: http.address: \"nowhere\" is no address"},
		{"serve --http 127.0.0.1:0 --sflow nowhere", exitError, "", "weir: cannot receive on UDP nowhere:"},
		{"serve --replay none.pcap", exitError, "", "weir: capture: open none.pcap: no such file or directory\n"},
	} {
		t.Chdir(t.TempDir())
		code, out, errs := weir(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.stdout) || !strings.Contains(errs, c.errs) ||
			c.errs == "" && errs != "" {
			t.Errorf("weir %s: exit code %d\n%s\n%s", c.args, code, out, errs)
		}
		if strings.HasPrefix(c.errs, "weir: ") && strings.Count(errs, "weir: ") != 1 {
			t.Errorf("weir %s: more than one line: %s", c.args, errs)
		}
	}
}
