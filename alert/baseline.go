package alert

import (
	"math"
	"time"

	"weir/schema"
)

const (
	slotWidth   = schema.Instant(5 * time.Minute)
	slotsPerDay = int(day / slotWidth)
	slotsAround = 4 // so that the 5 minutes before and after the oldest are there too
)

// noSample stands in a ring where nothing was sampled. It is compared with itself only.
var noSample = float32(math.NaN())

// slotOf returns the number of the 5 minutes in which an instant is.
func slotOf(at schema.Instant) int64 { return floorDiv(int64(at), int64(slotWidth)) }

// closeSlot turns what was summed into samples, compares them with what was learned, and learns them. Buckets longer
// than 5 minutes are the sample of all 5 minutes that they cover.
func (w *watch) closeSlot(t *turn) {
	covered := w.covered
	w.covered = 0
	if covered == 0 {
		return
	}
	half := covered*2 >= time.Duration(slotWidth) // less is no sample: after a start or a jump of the clock
	last := max(w.slot, w.slot+int64((covered-1)/time.Duration(slotWidth)))
	at := schema.Instant(w.slot) * slotWidth
	for _, s := range w.standings() {
		sample := s.sum / covered.Seconds()
		s.sum = 0
		if !half || !finite(sample) {
			continue
		}
		if low, high, ok := w.band(s, w.slot); ok && !w.shut && w.calendar.open(at) {
			s.now = sample
			w.between(s, sample, low, high, max(covered, time.Duration(slotWidth)))
		}
		for slot := w.slot; slot <= last; slot++ {
			s.learn(slot, sample)
		}
	}
	w.settle(t)
}

// learn keeps the sample of one slot. Slots that were left out have none.
func (s *standing) learn(slot int64, v float64) {
	n := int64(len(s.samples))
	switch {
	case slot > s.last:
		from := s.last + 1
		if s.last == math.MinInt64 || slot-s.last > n {
			from = slot - n + 1
		}
		for skipped := from; skipped < slot; skipped++ {
			s.samples[s.at(skipped)] = noSample
		}
		s.last = slot
	case s.last-slot >= n:
		return
	}
	s.samples[s.at(slot)] = float32(v)
}

// at returns the place of a slot in the ring.
func (s *standing) at(slot int64) int64 {
	n := int64(len(s.samples))
	return (slot%n + n) % n
}

// sample returns the sample of a slot, NaN when there is none.
func (s *standing) sample(slot int64) float64 {
	if slot > s.last || s.last-slot >= int64(len(s.samples)) {
		return math.NaN()
	}
	return float64(s.samples[s.at(slot)])
}

// band returns between which limits a value of a slot is usual; ok is false when nothing was learned for it.
func (w *watch) band(s *standing, slot int64) (low, high float64, ok bool) {
	if s.last == math.MinInt64 {
		return 0, 0, false
	}
	band, back, times := &w.rule.Band, slotsPerDay, 1
	if band.Baseline == BaselineWeek {
		back, times = 7*slotsPerDay, band.Weeks
	}
	low, high = math.Inf(1), math.Inf(-1)
	for n := 1; n <= times; n++ {
		for near := int64(-1); near <= 1; near++ {
			past := slot - int64(n*back) + near
			v := s.sample(past)
			if w.teaches(v, past) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if low > high {
		return 0, 0, false
	}
	return low * (1 - *band.LowerMargin/100), high * (1 + *band.UpperMargin/100), true
}

// teaches tells whether a sample counts.
func (w *watch) teaches(v float64, slot int64) bool {
	b := &w.rule.Band
	if !finite(v) || b.ExcludeBelow != nil && v < float64(*b.ExcludeBelow) ||
		b.ExcludeAbove != nil && v > float64(*b.ExcludeAbove) {
		return false
	}
	return !w.calendar.holiday(schema.Instant(slot) * slotWidth)
}
