package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"weir/schema"
	"weir/wire"
)

func smallBench(t *testing.T) *bench {
	t.Helper()
	return &bench{
		env: &env{ctx: t.Context()},
		size: benchSize{records: 4000, rounds: 1, within: time.Nanosecond, step: 50 * time.Millisecond, steps: 1,
			turns: 1, keys: 2000, hosts: 1000, bucket: time.Second, slice: 50 * time.Millisecond,
			live: 1000, rows: 5000},
	}
}

// faultsOf leaves out faults of allocations: the race detector makes some, and a small load has few records to share
// them.
func faultsOf(r *benchResult) (out []string) {
	for _, f := range r.Faults {
		if !strings.Contains(f, "allocations per record") {
			out = append(out, f)
		}
	}
	return out
}

func TestBenchScenarios(t *testing.T) {
	b := smallBench(t)
	for _, s := range benchScenarios() {
		l, err := b.load(s.format)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.run(b, l)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if f := faultsOf(r); len(f) > 0 {
			t.Errorf("%s: %s", s.name, strings.Join(f, "; "))
		}
		overUDP := s.words()[0] == "udp" || s.name == "memory-groups" // where a slow machine may lose all
		if r.Books != 0 || !overUDP && (r.Records == 0 || r.RecordsRate <= 0 || r.RSSMiB <= 0) {
			t.Errorf("%s: %+v", s.name, r)
		}
		if s.name == "memory-flows" && (r.Keys != b.size.keys || r.Drops == 0) {
			t.Errorf("memory: %d flows, %d refused; the cap must be reached and counted", r.Keys, r.Drops)
		}
	}
}

func TestLoadsAreTheSameEveryTime(t *testing.T) {
	for _, format := range loadFormats {
		a, err := newBenchLoad(format, 1000)
		if err != nil {
			t.Fatal(err)
		}
		b, err := newBenchLoad(format, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.data, b.data) || a.records != b.records || a.octets != b.octets || a.web == 0 {
			t.Errorf("%s: %d and %d records", format, a.records, b.records)
		}
		for i := range a.datagrams {
			d := &a.datagrams[i]
			if v := wire.Sniff(d.Data); !d.Frame && (v == wire.VersionUnknown || len(d.Data) > 1500) {
				t.Fatalf("%s: datagram %d: version %v, %d bytes", format, i, v, len(d.Data))
			}
		}
	}
}

func TestSFlowLoadHasSevenSamplesAndMore(t *testing.T) {
	l, err := newBenchLoad(formatSFlow, 5000)
	if err != nil {
		t.Fatal(err)
	}
	least, most := uint8(255), uint8(0)
	for i := range l.datagrams {
		n := l.datagrams[i].Data[27]
		least, most = min(least, n), max(most, n)
	}
	if least < 7 || most > 11 {
		t.Errorf("%d to %d samples in a datagram", least, most)
	}
}

// TestLoadCanBeRepeated gives rounds of a load to one decoder, which must take none for a copy and miss none.
func TestLoadCanBeRepeated(t *testing.T) {
	for _, format := range loadFormats {
		l, err := newBenchLoad(format, 2000)
		if err != nil {
			t.Fatal(err)
		}
		d := wire.NewDecoder(wire.DefaultConfig())
		for range 3 {
			l.renumberAll()
			for i := range l.datagrams {
				l.datagrams[i].At = benchBegin
				d.Decode(&l.datagrams[i], func(*schema.Record) {}, func(*schema.Reading) {})
			}
		}
		books := d.Books()
		if books.Records() != 3*l.records || books.Difference() != 0 {
			t.Errorf("%s: %d records, want %d", format, books.Records(), 3*l.records)
		}
		for _, x := range d.Exporters() {
			if x.Lost+x.Duplicates+x.OutOfOrder+x.Flow.Lost+x.Flow.Duplicates != 0 {
				t.Errorf("%s: exporter %v: %+v", format, x.Address, x)
			}
		}
	}
}

func TestBenchCommand(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old.json")
	text := `{"scenario":"decode-v5","records_per_second":1,"cpu_ns_per_record":1e9,"rss_mib":1}` + "\n"
	if err := os.WriteFile(old, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	c := &benchCmd{JSON: true, Short: true, Scenario: []string{"decode-v5"}, Compare: old}
	if err := c.Run(&env{ctx: t.Context(), stdout: &out, stderr: &problems}); err != nil {
		t.Fatal(err, problems.String())
	}
	var r benchResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err, out.String())
	}
	if r.Scenario != "decode-v5" || r.Ratio["records/s"] < 1000 || r.Ratio["cpu"] > 0.001 {
		t.Errorf("%s", out.String())
	}
	c = &benchCmd{Scenario: []string{"decode-v6"}}
	if err := c.Run(&env{ctx: t.Context()}); err == nil || !strings.Contains(err.Error(), "decode-v5, engine-v5") {
		t.Errorf("%v", err)
	}
	c = &benchCmd{Short: true, Scenario: []string{"v9"}}
	all := "decode-v9, engine-v9, everything-v9, lanes-v9, udp-v9"
	if chosen, err := c.chosen(); err != nil || benchScenarioNames(chosen) != all {
		t.Errorf("%v %v", benchScenarioNames(chosen), err)
	}
}

func TestBenchFaults(t *testing.T) {
	var out bytes.Buffer
	r := &benchResult{Scenario: "engine-v5", Lanes: 2, Allocs: 0.02, LossFree: 12_345, SenderBound: true, Keys: 2_000_000,
		KeyBytes: 150, PeakMiB: 400, RecordsRate: 1_234_567}
	r.checkAllocs()
	r.expect("records decoded", 1, 2)
	if len(r.Faults) != 2 {
		t.Fatal(r.Faults)
	}
	p := &benchPrinter{w: &out}
	if err := p.print(r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.23M", "2 lanes", "loss-free to 12.3k datagrams/s (sender's limit)",
		"2.00M active flows, 150 B each, peak 400 MiB", "0.0200 allocations per record in steady state, at most 0.01",
		"records decoded: 1, must be 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

func TestBenchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	c := &benchCmd{Short: true, Scenario: []string{"decode-v5"}}
	if err := c.Run(&env{ctx: ctx, stdout: &out, stderr: &out}); err == nil {
		t.Error("a run that was stopped says that all is well")
	}
}

func TestShortNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1.00", 9.996: "10.0", 12.34: "12.3", 99.96: "100", 999.4: "999",
		999.6: "1.00k", 1234: "1.23k", 999_600: "1.00M", 2.5e9: "2.50G", 3e12: "3.00T", 5e15: "5000T"} {
		if got := shortNumber(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	if got := shortNumber(math.Inf(1)); got == "" {
		t.Error("infinity is nothing")
	}
}

// TestBenchAndTopFlags parses the flags of the two commands as main does.
func TestBenchAndTopFlags(t *testing.T) {
	var c struct {
		Bench benchCmd `cmd:""`
		Top   topCmd   `cmd:""`
	}
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"bench", "--short", "--json", "--scenario", "v9,memory"}); err != nil {
		t.Fatal(err)
	}
	if !c.Bench.Short || !c.Bench.JSON || len(c.Bench.Scenario) != 2 {
		t.Errorf("%+v", c.Bench)
	}
	args := strings.Fields("top --keys ipsource -n 7 --interval 2s --mode sum")
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	want := topCmd{Server: "http://127.0.0.1:8008", Keys: "ipsource", Value: "bytes", Rows: 7, Mode: "sum",
		Interval: 2 * time.Second}
	if c.Top != want {
		t.Errorf("%+v", c.Top)
	}
	var none struct {
		Top topCmd `cmd:""`
	}
	if parser, err = kong.New(&none); err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"top"}); err == nil {
		t.Error("top without keys is not refused")
	}
}
