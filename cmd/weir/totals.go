package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"weir/engine"
	"weir/flow"
	"weir/ingest"
	"weir/schema"
	"weir/wire"
)

// totals adds up finished flows by definition, place and key.
type totals struct {
	defs  []*counted
	names map[string]*counted
	left  int // flows that there is room for
	more  uint64
}

// counted is one definition and what was counted for it.
type counted struct {
	def     *flow.Definition
	measure *schema.Measure
	flows   map[place]float64
}

type place struct {
	source schema.Source
	key    string
}

// maxTotals bounds the flows that are added up, of all definitions together; what does not fit is counted.
const maxTotals = 8 << 20

func newTotals() *totals { return &totals{names: map[string]*counted{}, left: maxTotals} }

func (t *totals) add(d *flow.Definition, m *schema.Measure) {
	c := &counted{def: d, measure: m, flows: map[place]float64{}}
	t.defs, t.names[d.Name] = append(t.defs, c), c
}

func (t *totals) take(finished []flow.Logged) {
	for i := range finished {
		l := &finished[i]
		c := t.names[l.Name]
		if c == nil {
			continue
		}
		p := place{l.Source, l.Keys}
		before, known := c.flows[p]
		switch {
		case known:
			c.flows[p] = c.join(before, l.Value)
		case t.left == 0:
			t.more++
		default:
			t.left--
			c.flows[p] = l.Value
		}
	}
}

// join makes one value of two spans of the same flow.
func (c *counted) join(before, now float64) float64 {
	switch c.measure.Modifier {
	case schema.Sum, schema.Rate:
		return before + now
	case schema.Min:
		return min(before, now)
	case schema.Max, schema.Count:
		return max(before, now)
	}
	return now
}

// total is one key of a definition.
type total struct {
	Key    string  `json:"key"`
	Value  float64 `json:"value"`
	Places int     `json:"places"` // datasources that saw it
}

// top returns the largest totals, and how many there are in all. Keys that several places saw count by the rule of the
// definition: the largest, or the sum. A definition without modes adds nothing up, so that traffic which passes two
// exporters is not counted twice.
func (c *counted) top(n int) (list []total, all int) {
	order := make([]place, 0, len(c.flows))
	for p := range c.flows {
		order = append(order, p)
	}
	// The order of places decides how sums round, so it is fixed.
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(strings.Compare(a.key, b.key), compareSources(a.source, b.source))
	})
	sum := flow.ModeDefault.For(c.def) == flow.ModeSum
	for _, p := range order {
		v := c.flows[p]
		if k := len(list) - 1; k >= 0 && list[k].Key == p.key {
			list[k].Places++
			if list[k].Value = max(list[k].Value, v); sum {
				list[k].Value += min(list[k].Value, v)
			}
			continue
		}
		list = append(list, total{p.key, v, 1})
	}
	slices.SortStableFunc(list, func(a, b total) int { return cmp.Compare(b.Value, a.Value) })
	return list[:min(n, len(list))], len(list)
}

func compareSources(a, b schema.Source) int {
	return cmp.Or(a.Exporter.Compare(b.Exporter), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Index, b.Index))
}

// replayResult is what a replay prints.
type replayResult struct {
	Input     replayInput      `json:"input"`
	Records   recordCounts     `json:"records"`
	Books     books            `json:"books"`
	Exporters []exporterResult `json:"exporters"`
	Flows     []flowResult     `json:"flows"`
	FlowsLost uint64           `json:"flows_lost"` // finished flows that were not added up, for want of room
	// Groups is what the counter groups counted over all files, by short name.
	Groups   map[string]groupResult `json:"groups"`
	KeysLost uint64                 `json:"keys_lost"` // rows of keys that were not added up, for want of room
}

type replayInput struct {
	Files     uint64 `json:"files"`
	CutFiles  uint64 `json:"cut_files"` // that end in the middle of a frame
	Frames    uint64 `json:"frames"`
	Bytes     uint64 `json:"bytes"`
	Datagrams uint64 `json:"datagrams"` // frames that were telemetry
	Cut       uint64 `json:"cut"`       // of these, refused because the capture did not keep all of them
	Passed    uint64 `json:"passed"`    // frames passed over
	First     string `json:"first"`
	Last      string `json:"last"`
}

type recordCounts struct {
	PacketSamples uint64 `json:"packet_samples"`
	FlowRecords   uint64 `json:"flow_records"`
	Reversed      uint64 `json:"reversed"`
	Frames        uint64 `json:"frames"`
	Transactions  uint64 `json:"transactions"`
	Discards      uint64 `json:"discards"`
	Readings      uint64 `json:"readings"`
	Options       uint64 `json:"options"`
	Ignored       uint64 `json:"ignored"`
	Unknown       uint64 `json:"unknown_structures"`
}

type books struct {
	Received   uint64            `json:"received"`
	Decoded    uint64            `json:"decoded"`
	Malformed  map[string]uint64 `json:"malformed"`
	Refused    map[string]uint64 `json:"refused"`
	Versions   map[string]uint64 `json:"versions"`
	Waiting    uint64            `json:"sets_without_template"`
	Released   uint64            `json:"sets_released"`
	Difference int64             `json:"difference"`
}

type exporterResult struct {
	Address   string `json:"address"`
	Kind      string `json:"kind"`
	Datagrams uint64 `json:"datagrams"`
	Records   uint64 `json:"records"`
	Readings  uint64 `json:"readings"`
	Lost      uint64 `json:"lost"`
	Rate      uint32 `json:"sampling_rate"`
}

type flowResult struct {
	Name       string     `json:"name"`
	Keys       string     `json:"keys"`
	Value      string     `json:"value"`
	Filter     string     `json:"filter,omitempty"`
	Mode       string     `json:"mode"` // how places are combined
	Unit       string     `json:"unit,omitempty"`
	Books      flow.Books `json:"books"`
	Difference int64      `json:"difference"`
	Keyed      int        `json:"keys_found"`
	Top        []total    `json:"top"`
}

func newResult(s ingest.ReplayStats, v *engine.View, t *totals, top int) *replayResult {
	b := &v.Books
	r := &replayResult{
		Input: replayInput{
			Files: s.Files, CutFiles: s.CutFiles, Frames: s.Frames, Bytes: s.Bytes, Datagrams: s.Datagrams, Cut: s.Cut,
			Passed: s.Passed,
		},
		Records: recordCounts{
			b.PacketSamples, b.FlowRecords, b.Reversed, b.FrameRecords, b.Transactions, b.Discards, b.Readings,
			b.Options, b.Ignored, b.Unknown,
		},
		Books: newBooks(b), FlowsLost: t.more + v.LogMissed, Exporters: []exporterResult{}, Flows: []flowResult{},
	}
	if s.Frames > 0 {
		r.Input.First, r.Input.Last = s.First.String(), s.Last.String()
	}
	for i := range v.Exporters {
		x := &v.Exporters[i]
		lost := x.Lost + x.Flow.Lost
		r.Exporters = append(r.Exporters, exporterResult{
			x.Address.String(), x.Kind, x.Datagrams, x.Records, x.Readings, lost, x.Rate,
		})
	}
	for _, c := range t.defs {
		f := flowResult{
			Name: c.def.Name, Keys: c.def.Keys, Value: c.def.Value, Filter: c.def.Filter,
			Mode: flow.ModeDefault.For(c.def).String(), Unit: unitOf(c.def.Value),
		}
		f.Books, _ = v.Flow.Books(c.def.Name)
		f.Difference = f.Books.Difference()
		f.Top, f.Keyed = c.top(top)
		if f.Top == nil {
			f.Top = []total{}
		}
		r.Flows = append(r.Flows, f)
	}
	return r
}

func newBooks(b *wire.Books) books {
	out := books{
		Received: b.Received, Decoded: b.Decoded, Malformed: map[string]uint64{}, Refused: map[string]uint64{},
		Versions: map[string]uint64{}, Waiting: b.NetFlow.SetsWithoutTemplate, Released: b.NetFlow.SetsReleased,
		Difference: b.Difference(),
	}
	for i, n := range b.Malformed {
		if n > 0 {
			out.Malformed[wire.Malformed(i).String()] = n
		}
	}
	for i, n := range b.Refused {
		if n > 0 {
			out.Refused[wire.Refused(i).String()] = n
		}
	}
	for i, n := range b.Versions {
		if n > 0 {
			out.Versions[wire.Version(i).String()] = n
		}
	}
	return out
}

// print writes the result for people.
func (r *replayResult) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	in, rec := &r.Input, &r.Records
	fmt.Fprintf(t, "read\t%d frames, %d bytes, %s to %s\n", in.Frames, in.Bytes, in.First, in.Last)
	fmt.Fprintf(t, "telemetry\t%d datagrams, %d cut short, %d frames passed over\n", in.Datagrams, in.Cut, in.Passed)
	fmt.Fprintf(t, "records\t%d packet samples, %d flow records, %d reversed, %d frames, %d transactions\n",
		rec.PacketSamples, rec.FlowRecords, rec.Reversed, rec.Frames, rec.Transactions)
	fmt.Fprintf(t, "\t%d discards, %d readings, %d options, %d ignored, %d unknown structures\n", rec.Discards,
		rec.Readings, rec.Options, rec.Ignored, rec.Unknown)
	b := &r.Books
	fmt.Fprintf(t, "books\t%d received = %d decoded + %s + %s; difference %d\n", b.Received, b.Decoded,
		counts("malformed", b.Malformed), counts("refused", b.Refused), b.Difference)
	fmt.Fprintf(t, "templates\t%d sets came before theirs, %d of these were decoded when it came\n", b.Waiting,
		b.Released)
	if r.FlowsLost > 0 {
		fmt.Fprintf(t, "flows lost\t%d: there was no room for them in the totals below\n", r.FlowsLost)
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	r.printExporters(t)
	r.printGroups(t)
	for i := range r.Flows {
		r.Flows[i].print(t)
	}
	return t.Flush()
}

func (r *replayResult) printExporters(t io.Writer) {
	if len(r.Exporters) == 0 {
		return
	}
	fmt.Fprintln(t, "exporter\tkind\tdatagrams\trecords\treadings\tlost\tsampling")
	for _, x := range r.Exporters {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", x.Address, x.Kind, x.Datagrams, x.Records, x.Readings, x.Lost,
			sampling(x.Rate))
	}
}

func sampling(rate uint32) string {
	if rate == 0 {
		return "not known"
	}
	return "1 in " + strconv.FormatUint(uint64(rate), 10)
}

func (f *flowResult) print(t io.Writer) {
	fmt.Fprintf(t, "\n%s: value %s", f.Name, f.Value)
	if f.Keys != "" {
		fmt.Fprintf(t, ", keys %s", f.Keys)
	}
	if f.Filter != "" {
		fmt.Fprintf(t, ", filter %s", f.Filter)
	}
	fmt.Fprintf(t, " (%d keys, %d of %d records counted, places combined by %s)\n", f.Keyed, f.Books.Counted,
		f.Books.Observed, f.Mode)
	for _, x := range f.Top {
		key := x.Key
		if f.Keys == "" {
			key = "total"
		}
		fmt.Fprintf(t, "  %s\t%s %s\n", printable(key), strconv.FormatFloat(x.Value, 'f', -1, 64), f.Unit)
	}
}

// printable keeps keys, which may hold texts from the wire, from upsetting a terminal.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}

// counts writes "3 malformed (frame 1, sflow 2)", or "0 malformed".
func counts(what string, by map[string]uint64) string {
	var sum uint64
	var parts []string
	for name, n := range by {
		sum += n
		parts = append(parts, name+" "+strconv.FormatUint(n, 10))
	}
	if sum == 0 {
		return "0 " + what
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d %s (%s)", sum, what, strings.Join(parts, ", "))
}
