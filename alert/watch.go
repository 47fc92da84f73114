package alert

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"weir/key"
	"weir/schema"
)

// watch is a rule in force.
type watch struct {
	rule      *Rule
	set       *key.Set
	form      key.Form
	calendar  *calendar
	low, high float64 // NaN: none
	sustained time.Duration
	ring      int // baselines: how many samples are kept; else 0

	keys   map[string]*standing // by binary key
	totals *standing            // when the sum over all keys is watched
	shut   bool                 // the schedule said that the rule does not look

	slot    int64         // baselines: the 5 minutes that are being sampled
	covered time.Duration // how much of them was checked

	fires, clears []*standing // in this bucket
}

// standing is what is remembered of one key of one rule.
type standing struct {
	bin       string
	round     uint64 // of the last bucket in which the key was
	run       int    // thresholds: how many buckets in a row spoke for a change
	span      time.Duration
	fired     bool
	told      bool // that it fired
	since     schema.Instant
	value     float64 // when it fired
	low, high float64 // in force then
	now       float64
	seen      schema.Instant // when it last had a value that is not 0
	listed    bool           // the rule names it: it is watched though nobody saw it

	sum     float64   // baselines: of value × seconds in this slot
	samples []float32 // by slot modulo their number; NaN: none
	last    int64     // the newest slot of samples
}

// turn is one bucket that is checked.
type turn struct {
	book  *Book
	end   schema.Instant
	width time.Duration
	round uint64
}

func (t *turn) begin() schema.Instant { return t.end.Add(-t.width) }

func newWatch(r *Rule, form key.Form) (*watch, error) {
	set, err := r.Compile(form)
	if err != nil {
		return nil, err
	}
	c, err := r.Schedule.compile()
	if err != nil {
		return nil, err
	}
	w := &watch{rule: r, set: set, form: form, calendar: c, low: limitOf(r.Low), high: limitOf(r.High),
		sustained: time.Duration(r.Band.Sustained) * time.Minute, keys: map[string]*standing{}, slot: math.MinInt64}
	if r.Kind == KindBand {
		switch r.Band.Baseline {
		case BaselineDay:
			w.ring = slotsPerDay + slotsAround
		case BaselineWeek:
			w.ring = 7*r.Band.Weeks*slotsPerDay + slotsAround
		}
	}
	if set.HasTotals() {
		w.totals = w.newStanding("")
	}
	return w, nil
}

func limitOf(v *Value) float64 {
	if v == nil {
		return math.NaN()
	}
	return float64(*v)
}

func (w *watch) newStanding(bin string) *standing {
	s := &standing{bin: bin, low: w.low, high: w.high}
	if w.ring > 0 {
		s.samples = make([]float32, w.ring)
		for i := range s.samples {
			s.samples[i] = noSample
		}
		s.last = math.MinInt64
	}
	return s
}

// inherit takes over what the rule of the same name remembers, when it watched the same.
func (w *watch) inherit(b *Book, o *group) {
	for _, old := range o.watches {
		if old.rule.Name != w.rule.Name || !old.rule.sameKeys(w.rule) || !slices.Equal(old.form, w.form) {
			continue
		}
		w.keys, w.totals, w.shut, w.slot, w.covered = old.keys, old.totals, old.shut, old.slot, old.covered
		*w.room(b) += len(w.keys)
		if !old.rule.sameLimits(w.rule) {
			for _, s := range w.standings() {
				s.reset()
				s.low, s.high = w.low, w.high
			}
		}
	}
}

// reset forgets that a key fired or was about to.
func (s *standing) reset() { s.run, s.span, s.fired, s.told = 0, 0, false, false }

// standings returns all that are watched, in no order.
func (w *watch) standings() []*standing {
	all := slices.Collect(maps.Values(w.keys))
	if w.totals != nil {
		all = append(all, w.totals)
	}
	return all
}

// room returns which of the book's numbers counts the keys of the rule.
func (w *watch) room(b *Book) *int {
	if w.ring > 0 {
		return &b.learned
	}
	return &b.keys
}

// watchListed begins to watch the keys that a band names one by one: they may be silent from the first.
func (w *watch) watchListed(b *Book, at schema.Instant) {
	if w.rule.Kind != KindBand {
		return
	}
	list, ok := w.set.Keys()
	if !ok {
		return
	}
	for _, bin := range list {
		if s := w.find(b, bin, at); s != nil {
			s.listed = true
		}
	}
}

// selects tells whether the rule is about a key; nil is the sum over all.
func (w *watch) selects(bin []byte) bool {
	if bin == nil {
		return w.totals != nil
	}
	return w.set.Match(bin)
}

// find returns what is remembered of a key that the rule is about, and begins to when there is room; else nil.
func (w *watch) find(b *Book, bin []byte, at schema.Instant) *standing {
	if bin == nil {
		return w.totals
	}
	if s := w.keys[string(bin)]; s != nil {
		return s
	}
	room, limit := w.room(b), b.limits.Keys
	if w.ring > 0 {
		limit = b.limits.BandKeys
	}
	if *room >= limit {
		b.counts.Refused++
		return nil
	}
	*room++
	s := w.newStanding(string(bin))
	s.seen = at
	w.keys[s.bin] = s
	return s
}

// most returns how many empty buckets in a row can change anything.
func (w *watch) most(width time.Duration) int64 {
	n := int64(max(w.rule.HighFor, w.rule.LowFor)) + 1
	if w.rule.Kind == KindBand {
		n = max(n, int64(w.sustained/width)+2)
	}
	if w.ring > 0 {
		n = max(n, int64(24*time.Hour/width))
	}
	return n
}

// begin prepares for a bucket.
func (w *watch) begin(t *turn) {
	if w.ring > 0 {
		if slot := slotOf(t.begin()); slot != w.slot {
			w.closeSlot(t)
			w.slot = slot
		}
	}
	if w.shut = !w.calendar.open(t.begin()); w.shut {
		w.leave()
	}
}

// leave clears what is fired outside of the schedule.
func (w *watch) leave() {
	for _, s := range w.standings() {
		s.run, s.span = 0, 0
		if s.fired {
			w.clears = append(w.clears, s)
		}
	}
}

// row looks at one key of a bucket. Keys that are not watched, and that need not be from now on, cost no more than
// their value, or being found in the rule's list.
func (w *watch) row(t *turn, bin []byte, value func(meter int) (float64, bool)) {
	if w.shut && w.ring == 0 || bin == nil && w.totals == nil {
		return
	}
	v, ok := value(w.rule.Meter)
	if !ok || !finite(v) {
		return
	}
	s := w.totals
	if bin != nil {
		s = nil
		if len(w.keys) > 0 {
			s = w.keys[string(bin)]
		}
		if s == nil {
			if !w.notable(v) || !w.set.Match(bin) {
				return
			}
			if s = w.find(t.book, bin, t.end); s == nil {
				return
			}
		}
	}
	if s.round == t.round {
		return // the same key twice
	}
	s.round = t.round
	if v != 0 {
		s.seen = t.end
	}
	w.step(t, s, v)
}

// notable tells whether a value is a reason to begin to watch its key.
func (w *watch) notable(v float64) bool {
	switch {
	case w.rule.Kind == KindThreshold:
		return v > w.high
	case w.ring > 0:
		return v != 0
	}
	// With a lower limit a key may fall silent later.
	return !math.IsNaN(w.low) || v > w.high
}

// step is one bucket's value of a key that is watched.
func (w *watch) step(t *turn, s *standing, v float64) {
	s.now = v
	switch {
	case w.ring > 0:
		s.sum += v * t.width.Seconds()
	case w.shut:
	case w.rule.Kind == KindBand:
		w.between(s, v, w.low, w.high, t.width)
	case !s.fired:
		if s.run++; !(v > w.high) {
			s.run = 0
		} else if s.run >= w.rule.HighFor {
			w.fires = append(w.fires, s)
		}
	case math.IsNaN(w.low):
		if v <= w.high {
			t.book.counts.Cleared++
			s.reset()
		}
	default:
		if s.run++; !(v < w.low) {
			s.run = 0
		} else if s.run >= w.rule.LowFor {
			w.clears = append(w.clears, s)
		}
	}
}

// between compares a value with the two limits of a band, each NaN when there is none.
func (w *watch) between(s *standing, v, low, high float64, width time.Duration) {
	if outside := v < low || v > high; outside == s.fired {
		s.span = 0
		return
	}
	if s.span += width; s.span < w.sustained {
		return
	}
	if s.fired {
		w.clears = append(w.clears, s)
	} else {
		s.low, s.high = low, high
		w.fires = append(w.fires, s)
	}
}

// finish looks at the keys that were not in the bucket, and tells what changed.
func (w *watch) finish(t *turn) {
	w.absent(t)
	if w.ring > 0 {
		w.covered += t.width
		if slotOf(t.end) > w.slot {
			w.closeSlot(t)
		}
	}
	w.settle(t)
	w.forget(t)
}

// absent steps the keys that were not in the bucket: they have the value 0.
func (w *watch) absent(t *turn) {
	if w.shut && w.ring == 0 {
		return
	}
	for _, s := range w.keys {
		if s.round != t.round {
			w.step(t, s, 0)
		}
	}
	if w.totals != nil && w.totals.round != t.round {
		w.step(t, w.totals, 0)
	}
}

// settle tells what fired and what cleared. Of more than Limits.Alerts the largest values are told; other keys fire
// untold, and clear in a later bucket.
func (w *watch) settle(t *turn) {
	if len(w.fires)+len(w.clears) == 0 {
		return
	}
	b, most := t.book, t.book.limits.Alerts
	slices.SortFunc(w.fires, func(x, y *standing) int {
		return cmp.Or(cmp.Compare(y.now, x.now), cmp.Compare(x.bin, y.bin))
	})
	for i, s := range w.fires {
		s.fired, s.told, s.since, s.value = true, i < most, t.end, s.now
		s.run, s.span = 0, 0
		b.counts.Fired++
		if !s.told {
			b.counts.Suppressed++
			continue
		}
		b.tell(w.alert(s, Fired))
	}
	most -= len(w.fires)
	slices.SortFunc(w.clears, func(x, y *standing) int { return cmp.Compare(x.bin, y.bin) })
	for _, s := range w.clears {
		if s.told && most <= 0 {
			continue // still below next time
		}
		if s.told {
			most--
			s.since = t.end
			b.tell(w.alert(s, Cleared))
		}
		b.counts.Cleared++
		s.reset()
	}
	w.fires, w.clears = w.fires[:0], w.clears[:0]
}

// alert returns what is told of a key.
func (w *watch) alert(s *standing, state string) Alert {
	a := Alert{At: s.since, Rule: w.rule.Name, Kind: w.rule.Kind, State: state, Group: w.rule.Group, Key: key.Totals,
		Meter: w.rule.Meter, Value: s.value, Low: s.low, High: s.high, Priority: w.rule.Priority,
		Message: w.rule.Message, Now: s.now}
	if s != w.totals {
		a.Key = string(w.form.AppendRaw(nil, []byte(s.bin)))
	}
	if state == Cleared {
		a.Value = s.now
	}
	return a
}

// silence is after how long without a value the key of a fixed band is forgotten, unless the rule names it.
const silence = 8 * 24 * time.Hour

// forget lets go of keys of which nothing needs to be remembered.
func (w *watch) forget(t *turn) {
	for bin, s := range w.keys {
		var idle bool
		switch {
		case s.listed:
		case w.rule.Kind == KindThreshold:
			idle = !s.fired && s.run == 0
		case w.ring > 0:
			idle = t.end.Sub(s.seen) > time.Duration(w.ring)*time.Duration(slotWidth)
		case math.IsNaN(w.low):
			idle = !s.fired && s.span == 0
		default:
			idle = t.end.Sub(s.seen) > silence
		}
		if idle {
			delete(w.keys, bin)
			*w.room(t.book)--
		}
	}
}
