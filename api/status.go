package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/wire"
)

// listener is where telemetry is received.
type listener struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Datagrams arrived; KernelDrops did not, because the socket's buffer was full; Refused arrived and were not taken,
	// because a lane was full, the sender is not allowed, or they were cut.
	Datagrams   uint64 `json:"datagrams"`
	KernelDrops uint64 `json:"kernel_drops"`
	Refused     uint64 `json:"refused"`
}

// listenerOf returns a listener with what room ingest counted of it.
func (s *Server) listenerOf(name, address string) listener {
	l := listener{Name: name, Address: address}
	l.Datagrams = s.vitals.Counter("weir_ingest_datagrams_total", "listener", name).Get()
	l.KernelDrops = s.vitals.Counter("weir_ingest_kernel_drops_total", "listener", name).Get()
	for _, reason := range []string{"lane_full", "not_allowed", "cut"} {
		l.Refused += s.vitals.Counter("weir_ingest_refused_total", "listener", name, "reason", reason).Get()
	}
	return l
}

// tally is the totals of the books that the first page shows.
type tally struct {
	Difference int64  `json:"difference"` // 0, or there is a bug
	Received   uint64 `json:"received"`   // datagrams and frames
	Bytes      uint64 `json:"bytes"`
	Decoded    uint64 `json:"decoded"`
	Malformed  uint64 `json:"malformed"`
	Refused    uint64 `json:"refused"`
	Records    uint64 `json:"records"`
	Readings   uint64 `json:"readings"`
}

func tallyOf(v *engine.View) tally {
	b := &v.Books
	t := tally{
		Difference: difference(v), Received: b.Received, Bytes: b.Bytes, Decoded: b.Decoded, Records: b.Records(),
		Readings: b.Readings,
	}
	for _, n := range b.Malformed {
		t.Malformed += n
	}
	for _, n := range b.Refused {
		t.Refused += n
	}
	return t
}

// difference is by how much all books together are off; amounts that are off in different ways do not cancel out.
func difference(v *engine.View) int64 {
	return absolute(v.Books.Difference()) + flowDifference(v) + metricDifference(v)
}

func flowDifference(v *engine.View) (sum int64) {
	for _, d := range v.Flow.Definitions() {
		if b, ok := v.Flow.Books(d.Name); ok {
			sum += absolute(b.Difference())
		}
	}
	return sum
}

func metricDifference(v *engine.View) int64 {
	c := metricCounts(v)
	return absolute(int64(c.Readings - c.Taken - c.Duplicates - c.Late - c.Refused))
}

func metricCounts(v *engine.View) (sum metric.Counts) {
	for i := range v.Counts {
		sum.Add(&v.Counts[i].Metric)
	}
	return sum
}

func absolute(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// status says what this server is and how it goes.
func status(r *request) (any, error) {
	s, v := r.server, r.view
	listeners := []listener{}
	for name, address := range s.options.Listeners {
		listeners = append(listeners, s.listenerOf(name, address))
	}
	slices.SortFunc(listeners, func(a, b listener) int { return cmp.Compare(a.Name, b.Name) })
	t := tallyOf(v)
	return struct {
		stamp
		Version   string     `json:"version"`
		Started   int64      `json:"started"`   // ms since the Unix epoch
		Uptime    int64      `json:"uptime_ms"` // of the process
		Health    string     `json:"health"`    // ok, draining or failed
		Replay    bool       `json:"replay"`
		ReadOnly  bool       `json:"read_only"`
		Lanes     int        `json:"lanes"`
		Listeners []listener `json:"listeners"`
		Exporters int        `json:"exporters"`
		Datagrams uint64     `json:"datagrams"`
		Records   uint64     `json:"records"`
		Readings  uint64     `json:"readings"`
		Flows     int        `json:"flow_definitions"`
		FlowKeys  int        `json:"flow_keys"`  // active flows
		FlowBytes int        `json:"flow_bytes"` // memory of the flow tables, about
		Streams   int        `json:"streams"`    // that are followed now
		Books     tally      `json:"books"`
	}{
		stampOf(v), s.options.Version, s.options.Started.UnixMilli(), time.Since(s.options.Started).Milliseconds(),
		s.health().Status, s.options.Replay, s.config.ReadOnly, s.engine.Lanes(), listeners, len(v.Exporters),
		t.Received, t.Records, t.Readings, len(v.State.Flows), v.FlowKeys, v.FlowBytes, s.caster.streams(), t,
	}, nil
}

// flowBooks is what became of the records that one definition was shown.
type flowBooks struct {
	Name        string `json:"name"`
	Difference  int64  `json:"difference"`
	Observed    uint64 `json:"observed"`
	Counted     uint64 `json:"counted"`
	Filtered    uint64 `json:"filtered"`
	NullKey     uint64 `json:"null_key"`
	NullValue   uint64 `json:"null_value"`
	KeyTooLong  uint64 `json:"key_too_long"`
	SourcesFull uint64 `json:"sources_full"`
	KeysFull    uint64 `json:"keys_full"`
}

func flowBooksOf(name string, b flow.Books) flowBooks {
	return flowBooks{
		name, b.Difference(), b.Observed, b.Counted, b.Filtered, b.NullKey, b.NullValue, b.KeyTooLong, b.SourcesFull,
		b.KeysFull,
	}
}

// books shows all books.
func books(r *request) (any, error) {
	b := &r.view.Books
	malformed, refused, versions := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for i, n := range b.Malformed {
		malformed[wire.Malformed(i).String()] = n
	}
	for i, n := range b.Refused {
		refused[wire.Refused(i).String()] = n
	}
	for i, n := range b.Versions {
		if wire.Version(i) != wire.VersionUnknown {
			versions[wire.Version(i).String()] = n
		}
	}
	flows := []flowBooks{}
	definitions := r.view.Flow.Definitions()
	for _, d := range definitions[:min(len(definitions), r.whole("max"))] {
		of, _ := r.view.Flow.Books(d.Name)
		flows = append(flows, flowBooksOf(d.Name, of))
	}
	c := metricCounts(r.view)
	return struct {
		stamp
		Difference int64             `json:"difference"`
		Received   uint64            `json:"received"`
		Decoded    uint64            `json:"decoded"`
		Malformed  map[string]uint64 `json:"malformed"`
		Refused    map[string]uint64 `json:"refused"`
		Versions   map[string]uint64 `json:"versions"`
		Frames     uint64            `json:"frames"`
		Samples    map[string]uint64 `json:"samples"`
		Unknown    uint64            `json:"unknown_structures"`
		Metrics    map[string]uint64 `json:"metrics"`
		Flows      []flowBooks       `json:"flows"`
	}{
		r.stamp(), difference(r.view), b.Received, b.Decoded, malformed, refused, versions, b.Frames,
		map[string]uint64{
			"all": b.Samples, "packet_samples": b.PacketSamples, "flow_records": b.FlowRecords,
			"frames": b.FrameRecords, "transactions": b.Transactions, "discards": b.Discards,
			"readings": b.Readings, "options": b.Options, "ignored": b.Ignored, "reversed": b.Reversed,
		}, b.Unknown,
		map[string]uint64{
			"readings": c.Readings, "taken": c.Taken, "duplicates": c.Duplicates, "late": c.Late, "refused": c.Refused,
		}, flows,
	}, nil
}

// field and function are parts of the flow language in an answer.
type field struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Nested bool   `json:"nested"` // NAME.1, NAME.2 are those of headers further in
	Doc    string `json:"doc"`
}

type function struct {
	Name string `json:"name"`
	Args string `json:"args"` // "KEY:DELIM:N"
	Type string `json:"type"` // of the result; null when it depends on the arguments
	Doc  string `json:"doc"`
}

// vocabulary shows the words of the flow language.
func vocabulary(r *request) (any, error) {
	c := r.server.engine.Vocabulary()
	fields, functions, modifiers := []field{}, []function{}, []string{}
	for _, f := range c.Fields() {
		fields = append(fields, field{f.Name, f.Type.String(), f.Nested, f.Doc})
	}
	for _, f := range c.Funcs() {
		functions = append(functions, function{f.Name, f.Args, f.Type.String(), f.Doc})
	}
	for m := schema.Sum; m <= schema.Last; m++ {
		modifiers = append(modifiers, m.String())
	}
	return struct {
		stamp
		Fields    []field    `json:"fields"`
		Functions []function `json:"functions"`
		Modifiers []string   `json:"modifiers"`
	}{r.stamp(), fields, functions, modifiers}, nil
}

// condition is how the server is.
type condition struct {
	stamp
	Status  string   `json:"status"` // ok, draining or failed
	Reasons []string `json:"reasons"`
}

// stalled is how long a live engine may be without a tick before it counts as failed.
const stalled = 10 * time.Second

func (s *Server) health() condition {
	v := s.engine.View()
	c := condition{stampOf(v), "ok", []string{}}
	if v.Failed != nil {
		c.Reasons = append(c.Reasons, "definitions in force could not be taken: "+v.Failed.Error())
	}
	if err := s.engine.RulesFailed(); err != nil {
		c.Reasons = append(c.Reasons, "alert rules could not be taken: "+err.Error())
	}
	if v.Seq > 0 {
		if n := difference(v); n != 0 {
			c.Reasons = append(c.Reasons, fmt.Sprintf("the books are off by %d: this is a bug", n))
		}
	}
	if quiet := s.caster.quiet(); !s.options.Replay && quiet > stalled {
		c.Reasons = append(c.Reasons, fmt.Sprintf("no tick for %v", quiet.Round(time.Second)))
	}
	if late := time.Duration(time.Now().UnixNano() - int64(v.At)); v.Seq > 0 && !s.options.Replay && late > stalled {
		c.Reasons = append(c.Reasons, fmt.Sprintf("the lanes are %v behind: more comes than they can count; "+
			"remove flow definitions or give weir more cores", late.Round(time.Second)))
	}
	if s.options.Unwell != nil {
		c.Reasons = append(c.Reasons, s.options.Unwell()...)
	}
	if len(c.Reasons) > 0 {
		c.Status = "failed"
	}
	select {
	case <-s.draining:
		c.Status = "draining"
	case <-s.engine.Stopped():
		c.Status = "draining"
		c.Reasons = append(c.Reasons, "the engine has stopped")
	default:
	}
	return c
}

// serveHealth answers 200 when all is well, else 503.
func serveHealth(r *request, w http.ResponseWriter) {
	c := r.server.health()
	code := http.StatusOK
	if c.Status != "ok" {
		code = http.StatusServiceUnavailable
	}
	r.server.write(w, code, c)
}
