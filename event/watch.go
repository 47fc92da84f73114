package event

import (
	"math"
	"slices"
	"time"

	"weir/schema"
)

// Limits bounds what a Watch keeps. A field that is zero or negative takes the default named beside it.
type Limits struct {
	Latches int // thresholds crossed at the same time, per datasource or flow, 20,000; more are refused and counted
}

const defaultLatches = 20_000

// sweepMost bounds how many latches one Sweep looks at: a flood of keys may cross a threshold by flow as often as
// Limits.Latches allows, and then each is looked at every few ticks.
const sweepMost = 5_000

// maxValues bounds the values that an event carries.
const maxValues = 64

// Point is one value to compare. It and all it points to are borrowed until Check returns.
type Point struct {
	At        schema.Instant
	Metric    string // bare name of a metric or flow definition
	Source    schema.Source
	Key       []byte // flow metrics: the key as schema.Value.AppendKey wrote it
	HasKey    bool   // this is a flow metric; Key may be empty
	Separator string // between key values in Event.Key
	Value     float64
	Error     float64                              // standard error of Value; 0 when exact
	Values    func(dst []float64) []float64        // appends the further values of the flow; nil when it has none
	Match     func(*Threshold, schema.Source) bool // tells whether the filter holds; nil when all do. Not kept
}

// Current tells what a value is now: that of a metric, or of one flow of a definition; when hasKey is false and the
// metric is a flow definition, that of its largest flow at the source. ok is false when there is none any more.
type Current func(metric string, src schema.Source, key []byte, hasKey bool) (value float64, ok bool)

// Watch compares values with the thresholds in force. One lives in each lane, for what its exporters tell, and one in
// the merger, for flows that are pooled from several exporters. It is not safe for use by several goroutines.
type Watch struct {
	limits  Limits
	rules   map[string]*rule   // by name of threshold
	metrics map[string][]*rule // in order of name
	names   map[string]bool
	latches map[latchKey]*latch
	order   []*latch // the same, for Sweep to go through in turn
	cursor  int      // in order: where the next Sweep begins
	begun   []Event
	ended   []Event
	refused uint64
	latched *Latched // as of the last change, nil when it must be made again
}

// rule is a threshold in force.
type rule struct {
	*Threshold
	timeout time.Duration
	latches int // how many latches are its
}

// latchKey names one instance of a threshold.
type latchKey struct {
	rule   *rule
	source schema.Source
	key    string // as in Point.Key; empty without ByFlow
}

// latch is a crossed threshold.
type latch struct {
	id     latchKey
	place  int // in Watch.order
	event  Event
	key    []byte         // Point.Key, to ask for the current value by
	byFlow bool           // key counts
	below  schema.Instant // since when the value is not above the limit, when isBelow
	// isBelow is kept apart from below because 0 is an instant too.
	isBelow bool
}

// NewWatch returns a watch without thresholds.
func NewWatch(l Limits) *Watch {
	if l.Latches <= 0 {
		l.Latches = defaultLatches
	}
	return &Watch{limits: l, rules: map[string]*rule{}, latches: map[latchKey]*latch{}, names: map[string]bool{}}
}

// Apply puts thresholds in force, which must be complete and of different names, instead of those before. One that
// says the same as before keeps its latches; events of the others end.
func (w *Watch) Apply(at schema.Instant, thresholds []*Threshold) {
	old := w.rules
	w.rules = make(map[string]*rule, len(thresholds))
	w.metrics, w.names = map[string][]*rule{}, map[string]bool{}
	kept := map[*rule]bool{}
	for _, t := range thresholds {
		r := old[t.Name]
		if r == nil || !r.Equal(t) {
			r = &rule{Threshold: t, timeout: time.Duration(t.Timeout * float64(time.Second))}
		}
		kept[r] = true
		w.rules[t.Name] = r
		w.metrics[t.Metric] = append(w.metrics[t.Metric], r)
		w.names[t.Metric] = true
	}
	for i := len(w.order) - 1; i >= 0; i-- {
		if l := w.order[i]; !kept[l.id.rule] {
			end := at
			if l.isBelow {
				end = l.below
			}
			w.release(l, end)
		}
	}
}

// Names returns the metrics and flow definitions that some threshold watches. Nobody may change the map; the next
// Apply makes a new one.
func (w *Watch) Names() map[string]bool { return w.names }

// Refused returns how many crossings made no event because of Limits.Latches.
func (w *Watch) Refused() uint64 { return w.refused }

// Check compares a value with all thresholds on its metric. It allocates nothing unless an event begins or ends.
func (w *Watch) Check(p *Point) {
	for _, r := range w.metrics[p.Metric] {
		above := p.Value > r.Value && p.Value <= math.MaxFloat64
		if !above && r.latches == 0 {
			continue
		}
		key := p.Key
		if !r.ByFlow {
			key = nil
		}
		l := w.latches[latchKey{r, p.Source, string(key)}]
		switch {
		case l == nil:
			if above && (p.Match == nil || p.Match(r.Threshold, p.Source)) {
				w.begin(r, p)
			}
		case above:
			w.still(r, l, p)
		case r.ByFlow || !p.HasKey:
			// Without byFlow one small flow says nothing about the largest: that is for Sweep to find out.
			l.fall(p.At)
		}
	}
}

// still notes a value above the limit at a latch. After it was below for the timeout, it is a new event.
func (w *Watch) still(r *rule, l *latch, p *Point) {
	if l.isBelow && p.At.Sub(l.below) >= r.timeout {
		w.release(l, l.below)
		if p.Match == nil || p.Match(r.Threshold, p.Source) {
			w.begin(r, p)
		}
		return
	}
	l.isBelow = false
	l.event.Peak = max(l.event.Peak, p.Value)
}

// fall notes that the value is not above the limit.
func (l *latch) fall(at schema.Instant) {
	if !l.isBelow {
		l.isBelow, l.below = true, at
	}
}

// begin latches a threshold and makes an event.
func (w *Watch) begin(r *rule, p *Point) {
	if len(w.latches) >= w.limits.Latches {
		w.refused++
		return
	}
	l := &latch{byFlow: r.ByFlow && p.HasKey}
	l.event = Event{At: p.At, Threshold: r.Name, Metric: r.Metric, Limit: r.Value, Value: p.Value, Error: p.Error,
		Source: p.Source, Peak: p.Value}
	if p.HasKey {
		l.event.HasKey, l.event.Key = true, string(schema.AppendKeyText(nil, p.Key, p.Separator))
	}
	if p.Values != nil {
		v := p.Values(nil)
		l.event.Values = slices.Clone(v[:min(len(v), maxValues)])
	}
	if l.byFlow {
		l.key = slices.Clone(p.Key)
	}
	l.id, l.place = latchKey{r, p.Source, string(l.key)}, len(w.order)
	w.latches[l.id], w.order = l, append(w.order, l)
	r.latches++
	w.begun = append(w.begun, l.event)
	w.latched = nil
}

// release ends the event of a latch and forgets the latch.
func (w *Watch) release(l *latch, end schema.Instant) {
	l.event.End = max(end, l.event.At)
	w.ended = append(w.ended, l.event)
	l.id.rule.latches--
	delete(w.latches, l.id)
	last := w.order[len(w.order)-1]
	w.order[l.place], last.place = last, l.place
	w.order[len(w.order)-1] = nil
	w.order = w.order[:len(w.order)-1]
	w.latched = nil
}

// Sweep looks at everything that is latched with its current value, because flows decay and metrics are forgotten
// without any arrival: what has not been above its limit for the timeout is armed again. Call it at ticks. Of more than
// 5,000 latches it looks at so many, and at the others in the next calls.
func (w *Watch) Sweep(at schema.Instant, now Current) {
	for n := min(len(w.order), sweepMost); n > 0; n-- {
		if w.cursor >= len(w.order) {
			w.cursor = 0
		}
		l := w.order[w.cursor]
		if w.settle(l, at, now); w.cursor < len(w.order) && w.order[w.cursor] == l {
			w.cursor++ // else it was released, and another one has its place
		}
	}
}

// settle looks at one latch for Sweep.
func (w *Watch) settle(l *latch, at schema.Instant, now Current) {
	r := l.id.rule
	v, ok := now(r.Metric, l.id.source, l.key, l.byFlow)
	if ok && v > r.Value {
		l.isBelow = false
		l.event.Peak = max(l.event.Peak, v)
		return
	}
	l.fall(at)
	if at.Sub(l.below) >= r.timeout {
		w.release(l, l.below)
	}
}

// Take returns the events that began and those that ended since the last call, each in canonical order; they belong to
// the caller. An event that began and ended in between is in both.
func (w *Watch) Take() (begun, ended []Event) {
	begun, ended = w.begun, w.ended
	w.begun, w.ended = nil, nil
	slices.SortStableFunc(begun, func(a, b Event) int { return a.Compare(&b) })
	slices.SortStableFunc(ended, func(a, b Event) int { return a.Compare(&b) })
	return begun, ended
}
