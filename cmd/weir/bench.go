package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// benchCmd measures the house under load that it makes itself: the same every time, built before a clock starts.
type benchCmd struct {
	JSON     bool     `name:"json" help:"Print JSON: one object per scenario, one a line."`
	Short    bool     `help:"About a minute in all instead of a quarter of an hour: less load, coarser figures."`
	Scenario []string `placeholder:"NAME" help:"Only these: names such as decode-sflow, or words of names such as v9."`
	Compare  string   `type:"existingfile" placeholder:"OLD.json" help:"Also print ratios to what --json wrote before."`
	Profile  string   `placeholder:"FILE" help:"Write a CPU profile of everything measured."`
}

// maxAllocs is the most memory allocations per record that the roads of decoding and counting may make once they know
// their exporters and flows.
const maxAllocs = 0.01

// benchSize says how much is measured.
type benchSize struct {
	records int           // in a load, about
	rounds  int           // that a load is measured, at least
	within  time.Duration // after this no new round begins
	step    time.Duration // of one rate over UDP
	steps   int           // rates that are tried at most
	turns   int           // rounds of a load that engines get in turns
	keys    int           // active flows of the memory scenario
	hosts   int           // active keys of the group of hosts
	bucket  time.Duration // of that group
	slice   time.Duration // of one rate over UDP in that scenario: long enough for the pages to be handed over
	live    int           // sessions
	rows    int           // sessions in the store
}

func (c *benchCmd) size() benchSize {
	if c.Short {
		return benchSize{records: 50_000, rounds: 2, within: 300 * time.Millisecond, step: 250 * time.Millisecond,
			steps: 7, turns: 3, keys: 200_000, hosts: 100_000,
			bucket: 2 * time.Second, slice: time.Second, live: 100_000, rows: 500_000}
	}
	return benchSize{records: 500_000, rounds: 5, within: 3 * time.Second, step: time.Second, steps: 12,
		turns: 12, keys: 2_000_000, hosts: 1_000_000, bucket: 30 * time.Second,
		slice: 6 * time.Second, live: 1_000_000, rows: 50_000_000}
}

// benchScenario is one thing that is measured.
type benchScenario struct {
	name   string
	format string // of the load; empty: it makes its own
	run    func(b *bench, l *benchLoad) (*benchResult, error)
}

// words are the parts of a scenario's name: how, and what.
func (s *benchScenario) words() []string { return strings.Split(s.name, "-") }

// benchScenarios returns everything that can be measured, in the order in which it is.
func benchScenarios() []benchScenario {
	lanes := runtime.GOMAXPROCS(0)
	var all []benchScenario
	engineOn := func(lanes int, h benchHouse) func(*bench, *benchLoad) (*benchResult, error) {
		return func(b *bench, l *benchLoad) (*benchResult, error) { return b.engine(l, lanes, h) }
	}
	for _, format := range loadFormats {
		all = append(all, benchScenario{"decode-" + format, format, (*bench).decode},
			benchScenario{"engine-" + format, format, engineOn(1, benchHouse{})},
			benchScenario{"everything-" + format, format, (*bench).everything},
			benchScenario{"lanes-" + format, format, engineOn(lanes, benchHouse{groups: true, sessions: true})})
		if format != formatPackets {
			all = append(all, benchScenario{"udp-" + format, format, (*bench).udp})
		}
	}
	return append(all, benchScenario{"memory-flows", "", (*bench).memory},
		benchScenario{"memory-sessions", "", (*bench).sessions}, benchScenario{"memory-groups", "", (*bench).hosts},
		benchScenario{"store", "", (*bench).store})
}

// chosen returns the scenarios that were asked for. A short run without a choice leaves out most of what is sent
// over UDP, which takes its time whatever the load.
func (c *benchCmd) chosen() ([]benchScenario, error) {
	all := benchScenarios()
	known := map[string]bool{}
	for i := range all {
		known[all[i].name] = true
		for _, w := range all[i].words() {
			known[w] = true
		}
	}
	for _, want := range c.Scenario {
		if !known[want] {
			return nil, fmt.Errorf("bench: no scenario %q: there are %s", want, benchScenarioNames(all))
		}
	}
	return slices.DeleteFunc(all, func(s benchScenario) bool {
		if len(c.Scenario) == 0 {
			return c.Short && (s.words()[0] == "udp" && s.format != formatSFlow && s.format != formatV9 ||
				s.name == "memory-groups")
		}
		return !slices.ContainsFunc(c.Scenario, func(want string) bool {
			return s.name == want || slices.Contains(s.words(), want)
		})
	}), nil
}

func benchScenarioNames(all []benchScenario) string {
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// bench is one run of the command.
type bench struct {
	*env
	size benchSize
}

// Run measures. The exit code tells of allocations and of books that do not balance, never of time, which depends on
// the machine.
func (c *benchCmd) Run(e *env) error {
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	old, err := readResults(c.Compare)
	if err != nil {
		return err
	}
	stop, err := c.profile()
	if err != nil {
		return err
	}
	b, p := &bench{env: e, size: c.size()}, &benchPrinter{w: e.stdout, json: c.JSON, old: old}
	var faults []string
	var l *benchLoad
	for _, s := range chosen {
		if l == nil || l.format != s.format {
			l = nil // the old one may go before the new one is built
			if l, err = b.load(s.format); err != nil {
				return errors.Join(err, stop())
			}
		}
		settleMemory()
		r, err := s.run(b, l)
		if err != nil {
			return errors.Join(fmt.Errorf("bench: %s: %w", s.name, err), stop())
		}
		r.Scenario = s.name
		if err := p.print(r); err != nil {
			return errors.Join(err, stop())
		}
		for _, f := range r.Faults {
			faults = append(faults, s.name+": "+f)
		}
	}
	for _, f := range faults {
		fmt.Fprintln(e.stderr, "weir: bench:", f)
	}
	if len(faults) > 0 {
		err = &exitCode{exitError}
	}
	return errors.Join(err, stop())
}

// profile begins the CPU profile that was asked for; the result ends it.
func (c *benchCmd) profile() (stop func() error, err error) {
	if c.Profile == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(c.Profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// benchResult is what was measured of one scenario. Fields that a scenario does not have are left out of its JSON.
type benchResult struct {
	Scenario    string `json:"scenario"`
	Lanes       int    `json:"lanes,omitempty"`
	Definitions int    `json:"definitions"`
	Records     uint64 `json:"records"`   // measured, warm-up not included
	Datagrams   uint64 `json:"datagrams"` // that they came in; frames for packets

	RecordsRate   float64 `json:"records_per_second"`
	DatagramsRate float64 `json:"datagrams_per_second"`
	WallNanos     float64 `json:"wall_ns_per_record"`
	CPUNanos      float64 `json:"cpu_ns_per_record"` // of the whole process, garbage collection too; UDP: without sender
	Allocs        float64 `json:"allocs_per_record"` // of the road of the records, without ticks
	TickAllocs    float64 `json:"allocs_per_tick,omitempty"`

	// With everything on: CPU time per record without counter groups and sessions, and what each of them adds.
	BareNanos    float64 `json:"bare_cpu_ns_per_record,omitempty"`
	MeterNanos   float64 `json:"metering_cpu_ns_per_record,omitempty"`
	SessionNanos float64 `json:"sessions_cpu_ns_per_record,omitempty"`

	// From a tick to its view, in milliseconds.
	Ticks    int     `json:"ticks,omitempty"`
	TickP50  float64 `json:"tick_p50_ms,omitempty"`
	TickP99  float64 `json:"tick_p99_ms,omitempty"`
	TickMost float64 `json:"tick_max_ms,omitempty"`

	RSSMiB  float64 `json:"rss_mib"`      // of the process when done, the load included
	PeakMiB float64 `json:"peak_rss_mib"` // 0 where the system does not tell
	LoadMiB float64 `json:"load_mib"`     // that the prepared datagrams take of it
	Drops   uint64  `json:"drops"`        // at the rate that is reported; memory: records refused at the cap
	Books   int64   `json:"books_difference"`

	// Over UDP: the highest rate, in datagrams a second, at which less than one in a thousand was lost.
	LossFree float64 `json:"loss_free_datagrams_per_second,omitempty"`
	// SenderBound tells that the sender could not send faster: the receiver may be able to take more.
	SenderBound bool `json:"sender_bound,omitempty"`

	Keys     int     `json:"keys,omitempty"`          // active flows, sessions, or keys of the group of hosts
	KeyBytes float64 `json:"bytes_per_key,omitempty"` // resident memory for each of them

	Stored map[string]float64 `json:"stored,omitempty"` // scenario store: rows, bytes a row, milliseconds of questions

	Faults []string           `json:"faults,omitempty"` // why the exit code is 1
	Ratio  map[string]float64 `json:"ratio,omitempty"`  // to the figures of --compare
}

// fault notes what must not be.
func (r *benchResult) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// expect notes a fault unless a total is what the load says it must be.
func (r *benchResult) expect(what string, got, want uint64) {
	if got != want {
		r.fault("%s: %d, must be %d", what, got, want)
	}
}

// checkAllocs notes a fault when a record costs allocations.
func (r *benchResult) checkAllocs() {
	if r.Allocs > maxAllocs {
		r.fault("%.4f allocations per record in steady state, at most %g", r.Allocs, maxAllocs)
	}
}

// readResults reads what --json wrote, by scenario.
func readResults(name string) (map[string]*benchResult, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]*benchResult{}
	d := json.NewDecoder(bufio.NewReader(f))
	for {
		var r benchResult
		if err := d.Decode(&r); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("bench: %s: byte %d: %w (write it with weir bench --json)", name, d.InputOffset(),
				err)
		}
		out[r.Scenario] = &r
	}
}
