package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/engine"
)

func TestDefaultsReadBack(t *testing.T) {
	text := Defaults()
	got, problems := Parse("defaults.yaml", text)
	if problems != nil {
		t.Fatalf("%v\n%s", problems, text)
	}
	if want := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestExamplesOfDefaults takes the comment signs from what is only shown, which must then be read without a problem.
func TestExamplesOfDefaults(t *testing.T) {
	t.Setenv("WEIR_TOKEN", "0123456789abcdef")
	dir := t.TempDir()
	oui := "00-00-5E   (hex)\t\tICANN, IANA Department\n"
	if err := os.WriteFile(filepath.Join(dir, "oui.csv"), []byte(oui), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range Default().sections() {
		if s.read == nil {
			b.WriteString(s.name + ":\n")
			for _, set := range s.settings {
				if set.example != "" {
					fmt.Fprintf(&b, "  %s: %s\n", set.name, set.example)
				}
			}
		} else if s.example != "" {
			sep := "\n  "
			if !strings.ContainsAny(s.example, "\n:") {
				sep = " "
			}
			b.WriteString(s.name + ":" + sep + strings.ReplaceAll(s.example, "\n", "\n  ") + "\n")
		}
	}
	c, problems := Parse(filepath.Join(dir, "weir.yaml"), []byte(b.String()))
	if problems != nil {
		t.Fatalf("%v\n%s", problems, b.String())
	}
	switch {
	case c.HTTP.Tokens[0].Token != "0123456789abcdef":
		t.Errorf("token %q", c.HTTP.Tokens[0].Token)
	case len(c.Capture) != 1 || c.Capture[0].SnapLen != 65535:
		t.Errorf("capture %+v", c.Capture)
	case len(c.Engine.Wire.Rates) != 2 || c.Vendors.Len() != 1 || c.Topology == nil || len(c.Listen.Allow) != 2:
		t.Errorf("config %+v", c)
	case c.Flows["talkers"].Keys != "ipsource,ipdestination" || c.Flows["console_total"].Value != "bytes":
		t.Errorf("flows %+v", c.Flows)
	case !c.Thresholds["flood"].ByFlow || c.Thresholds["flood"].Timeout != 60:
		t.Errorf("thresholds %+v", c.Thresholds)
	}
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Do(c.Commands(nil)...); err != nil {
		t.Error(err)
	}
}

// TestProblems holds that everything that is wrong is said at once, in order, with its place.
func TestProblems(t *testing.T) {
	const text = `listen:
  sflwo: ":6343"
  sockets: many
  buffer: 8 furlongs
engine:
  tick: 2s
flows:
  talkers:
    keys: ipsource,group:ipdestination
    value: bytes
  more:
    keys: 'ipsource'
    value: bytes
    filter: "ipsource=10.0.0.1 &&"
  none: {keys: ipsource}
  talkers: {value: frames}
thresholds:
  flood: {metric: talkers}
groups:
  default:
    a: [10.0.0.0/8, ten]
sampling:
  192.0.2.0/24: 0
http: [1]
sflowrt: {json_indent: 9}
colour: blue
topology: missing.json
dns:
  servers: [nowhere]
data: ${WEIR_NO_SUCH_VARIABLE}
`
	c, problems := Parse("weir.yaml", []byte(text))
	if c != nil {
		t.Error("a file with problems gives a configuration")
	}
	want := []string{
		`weir.yaml:2:3: listen.sflwo: there is no such name; did you mean "sflow"?`,
		`weir.yaml:3:12: listen.sockets: "many" is no whole number`,
		`weir.yaml:4:11: listen.buffer: "8 furlongs" is no size; write bytes, or a unit such as 8MiB`,
		`weir.yaml:6:9: engine.tick: 2s is not between 10ms and 1s`,
		`weir.yaml:9:20: flows.talkers.keys: at 9 in`,
		`weir.yaml:14:33: flows.more.filter: at 19 in`,
		`weir.yaml:15:9: flows.none: value: missing; name a numeric attribute such as bytes or frames`,
		`weir.yaml:16:3: flows.talkers: is here a second time; the first is on line 8`,
		`weir.yaml:18:10: thresholds.flood: value is missing; write the limit in the unit of the metric`,
		`weir.yaml:21:21: groups.default.a: "ten" is no address and no CIDR prefix`,
		`weir.yaml:23:17: sampling.192.0.2.0/24: "0" is no sampling rate; write N of one packet in N`,
		`weir.yaml:24:7: http: a list where names with values are needed`,
		`weir.yaml:25:24: sflowrt.json_indent: 9 is not between 0 and 8`,
		`weir.yaml:26:1: colour: there is no such name; known here: listen, http,`,
		`weir.yaml:27:11: topology: open missing.json: no such file or directory`,
		`weir.yaml:29:3: dns: dns servers: entry 1: "nowhere" is no name server`,
		`weir.yaml:30:7: data: environment variable "WEIR_NO_SUCH_VARIABLE" is not set`,
	}
	for i, p := range problems {
		if i >= len(want) || !strings.HasPrefix(p.String(), want[i]) {
			t.Errorf("problem %d: %s", i, p)
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d", len(problems), len(want))
	}
}

func TestNotYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: [1,\nb: 2\n":        "x.yaml:3:1: not YAML:",
		"listen:\n\tsflow: x\n": "x.yaml:2:1: not YAML:",
		"listen: *nothing\n":    "x.yaml:1:",
		"data: x\n---\nb: 1\n":  "x.yaml:2:",
	} {
		_, problems := Parse("x.yaml", []byte(text))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%q: %v, want %s", text, problems, want)
		}
	}
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "listen:\nflows:\n", "null"} {
		if c, problems := Parse("x.yaml", []byte(text)); problems != nil || !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

func TestLoad(t *testing.T) {
	_, problems := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if len(problems) != 1 || !strings.HasSuffix(problems[0].String(), "none.yaml: no such file or directory") {
		t.Errorf("%v", problems)
	}
}

func TestValues(t *testing.T) {
	c, problems := Parse("x.yaml", []byte(`
listen: {buffer: 2 MiB, allow: 192.0.2.1, sflow: "${HOME_OF_NOBODY$${}"}
`))
	if c != nil || len(problems) != 1 {
		t.Errorf("%v", problems)
	}
	c, problems = Parse("x.yaml", []byte(`
listen: {buffer: 2 MiB, allow: 192.0.2.1, ipfix: ""}
data: a$${b}
sflowrt: {json_indent: 0, prometheus_prefix: rt_, prometheus_type: true}
telemetry: {hold: 0s}
flows: {console_ports: , x: {keys: [ipsource, ipdestination], value: frames, values: bytes}}
topology:
  links: {a: {node1: s1, port1: 1, node2: s2, port2: "2"}}
`))
	if problems != nil {
		t.Fatal(problems)
	}
	if c.Listen.Buffer != 2<<20 || c.Listen.Allow[0].String() != "192.0.2.1/32" || c.Listen.IPFIX != "" ||
		c.Data != "a${b}" || c.Engine.Wire.NetFlow.Hold != 0 || c.Topology.Links["a"].Port1 != "1" ||
		c.Flows["x"].Keys != "ipsource,ipdestination" || len(c.Flows["x"].Values) != 1 {
		t.Errorf("%+v", c)
	}
	if want := (SFlowRT{PrometheusPrefix: "rt_", PrometheusType: true}); c.SFlowRT != want {
		t.Errorf("%+v, want %+v", c.SFlowRT, want)
	}
	if _, there := c.Flows["console_ports"]; there {
		t.Error("null does not remove a standing definition")
	}
}

func TestNothingBelowZero(t *testing.T) {
	for _, text := range []string{"engine: {exporters: -3}", "engine: {flow_keys: -1}", "telemetry: {hold: -1s}"} {
		_, problems := Parse("test.yaml", []byte(text))
		if len(problems) != 1 || !strings.Contains(problems[0].Msg, "below 0") || problems[0].Line != 1 {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]size{"0": 0, "5": 5, "8MiB": 8 << 20, "1 kB": 1000, "3GiB": 3 << 30} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
		if again, err := parseSize(want.String()); err != nil || again != want {
			t.Errorf("%v reads back as %d, %v", want, again, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "99999999999GiB", "MiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
	if got := shortDuration(5*time.Minute) + shortDuration(time.Hour) + shortDuration(90*time.Second); got != "5m1h1m30s" {
		t.Error(got)
	}
}

// TestReload holds what changes between two files.
func TestReload(t *testing.T) {
	old, problems := Parse("x.yaml", []byte("flows: {a: {value: bytes}}\nthresholds: {t: {metric: a, value: 1}}\n"+
		"groups: {g: {x: [10.0.0.0/8]}}\nmaps: {m: {x: [\"1\"]}}\ntopology: {links: {}}"))
	if problems != nil {
		t.Fatal(problems)
	}
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Do(old.Commands(nil)...); err != nil {
		t.Fatal(err)
	}
	now, problems := Parse("x.yaml", []byte("flows: {b: {value: bytes}}"))
	if problems != nil {
		t.Fatal(problems)
	}
	if err := e.Do(now.Commands(old)...); err != nil {
		t.Fatal(err)
	}
	s := e.State()
	if s.Flow("a") != nil || s.Flow("b") == nil || s.Flow("console_total") == nil || s.Threshold("t") != nil ||
		len(s.World.Maps()) != 0 || s.World.Topology() != nil {
		t.Errorf("%+v", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Defaults())
	f.Add([]byte("flows: {a: {keys: [ipsource], value: bytes}}"))
	f.Add([]byte("topology: &x {links: {a: *x}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, problems := Parse("x.yaml", b)
		if (c == nil) == (problems == nil) {
			t.Fatalf("config %v with problems %v", c, problems)
		}
	})
}
