package alert

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"weir/key"
	"weir/schema"
)

// The kinds of rules.
const (
	KindThreshold = "threshold"
	KindBand      = "band"
)

// Where the limits of a band come from.
const (
	BaselineFixed = "fixed" // Rule.Low and Rule.High
	BaselineDay   = "day"   // the same time of yesterday
	BaselineWeek  = "week"  // the same time of the same weekday of the last weeks
)

// The bounds of rules, and what they have when they do not say.
const (
	MaxRuns          = 100_000 // buckets of HighFor and LowFor
	MaxWeeks         = 8
	DefaultMargin    = 20.0 // percent
	MaxMargin        = 10_000.0
	DefaultSustained = 5         // minutes
	MaxSustained     = 7 * 1440  // minutes
	DefaultPriority  = 2         // medium
	maxNameBytes     = 200       // of a rule's name
	maxMessageBytes  = 4_000     // of a rule's message
	maxKeysBytes     = 1_000_000 // of a rule's list of keys
	maxHolidays      = 1_000
)

// Rule watches one meter at keys of one counter group (shared/spec/trisul.md section 1.9). Once in force it must not
// change.
type Rule struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // threshold or band; empty takes what the other fields suit
	Group string `json:"group"` // short name of the counter group
	// Keys are the keys that are watched, each on its own: a list as key.Form.ParseSet reads it ("*" is all of them,
	// SYS:GROUP_TOTALS the sum over all).
	Keys  string `json:"keys"`
	Meter int    `json:"meter"` // number of the meter

	// High is the upper limit. A threshold fires when the value is above it for HighFor buckets in a row.
	High    *Value `json:"high,omitempty"`
	HighFor int    `json:"high_for,omitempty"` // 1 when it is not said
	// Low is the lower limit. A fired threshold clears when the value is below it for LowFor buckets in a row; without
	// it, silently, as soon as the value is not above High. A fixed band has at least one of both limits.
	Low    *Value `json:"low,omitempty"`
	LowFor int    `json:"low_for,omitempty"` // 1 when it is not said

	Band     Band     `json:"band,omitzero"`
	Schedule Schedule `json:"schedule,omitzero"`

	Priority int    `json:"priority,omitempty"` // 1 high, 2 medium (when it is not said), 3 low
	Message  string `json:"message,omitempty"`  // comes with every alert
}

// Band is how a band rule gets its limits. Those of a baseline are [least × (1 - LowerMargin), largest × (1 +
// UpperMargin)] of the samples of the same 5 minutes and the 5 before and after, of the days that Baseline says. The
// sample of the present 5 minutes is compared with them; while nothing was learned, nothing fires.
type Band struct {
	Baseline string `json:"baseline,omitempty"` // fixed, day or week; fixed when it is not said
	Weeks    int    `json:"weeks,omitempty"`    // how many with week; 1 when it is not said, at most MaxWeeks
	// LowerMargin and UpperMargin widen the band, in percent; DefaultMargin when they are not said.
	LowerMargin *float64 `json:"lower_margin,omitempty"`
	UpperMargin *float64 `json:"upper_margin,omitempty"`
	// Samples below ExcludeBelow or above ExcludeAbove teach nothing: an outage, an attack.
	ExcludeBelow *Value `json:"exclude_below,omitempty"`
	ExcludeAbove *Value `json:"exclude_above,omitempty"`
	// Sustained is for how many minutes the value must be outside to fire, and then inside to clear;
	// DefaultSustained when it is not said.
	Sustained int `json:"sustained,omitempty"`
}

// Schedule is when a rule looks at all. Outside of it nothing is counted, and what had fired clears.
type Schedule struct {
	Weekdays  []string `json:"weekdays,omitempty"`   // mon, tue, wed, thu, fri, sat, sun; all when there is none
	Hours     string   `json:"hours,omitempty"`      // "09:00-18:00", may pass midnight; always when empty
	Holidays  []string `json:"holidays,omitempty"`   // "2026-12-25": not on these days, which teach nothing either
	UTCOffset string   `json:"utc_offset,omitempty"` // of the clock on the wall: "+05:30"; UTC when empty
}

func (s *Schedule) isZero() bool {
	return len(s.Weekdays) == 0 && s.Hours == "" && len(s.Holidays) == 0 && s.UTCOffset == ""
}

// Complete fills in defaults. The error names every field that is wrong and what it should be. Whether the group has
// such keys is asked by Compile.
func (r *Rule) Complete() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	r.fill()
	if r.Name == "" || len(r.Name) > maxNameBytes {
		bad("name: expected 1 to %d bytes", maxNameBytes)
	}
	if r.Group == "" {
		bad("group: missing; name a counter group such as hosts")
	}
	if strings.TrimSpace(r.Keys) == "" || len(r.Keys) > maxKeysBytes {
		bad(`keys: expected a list such as "10.0.0.1~10.0.0.9,10.1.0.0/16", * for all keys or %s`, key.Totals)
	}
	if r.Meter < 0 || r.Meter >= schema.MaxMeters {
		bad("meter: %d is not between 0 and %d", r.Meter, schema.MaxMeters-1)
	}
	if r.Priority < 1 || r.Priority > 3 {
		bad("priority: %d is not 1 (high), 2 (medium) or 3 (low)", r.Priority)
	}
	if len(r.Message) > maxMessageBytes {
		bad("message: %d bytes; at most %d", len(r.Message), maxMessageBytes)
	}
	switch r.Kind {
	case KindThreshold:
		r.checkThreshold(bad)
	case KindBand:
		r.checkBand(bad)
	default:
		hint := schema.DidYouMean(r.Kind, slices.Values([]string{KindThreshold, KindBand}))
		bad("kind: %s is not threshold or band %s", quoted(r.Kind), hint)
	}
	if _, err := r.Schedule.compile(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return fmt.Errorf("rule %s: %w", quoted(r.Name), errors.Join(errs...))
	}
	return nil
}

func (r *Rule) fill() {
	if r.Kind == "" {
		r.Kind = KindThreshold
		if r.Band != (Band{}) {
			r.Kind = KindBand
		}
	}
	fillWith(&r.Priority, DefaultPriority)
	if r.Kind == KindThreshold {
		fillWith(&r.HighFor, 1)
		fillWith(&r.LowFor, 1)
		return
	}
	b := &r.Band
	if b.Baseline == "" {
		b.Baseline = BaselineFixed
	}
	fillWith(&b.Sustained, DefaultSustained)
	if b.Baseline == BaselineWeek {
		fillWith(&b.Weeks, 1)
	}
	if b.Baseline != BaselineFixed {
		b.LowerMargin, b.UpperMargin = orMargin(b.LowerMargin), orMargin(b.UpperMargin)
	}
}

func fillWith(n *int, usual int) {
	if *n == 0 {
		*n = usual
	}
}

func orMargin(p *float64) *float64 {
	if p == nil {
		margin := DefaultMargin
		return &margin
	}
	return p
}

// checkThreshold tells what is wrong with the limits of a threshold.
func (r *Rule) checkThreshold(bad func(format string, args ...any)) {
	checkRun(bad, "high_for", r.HighFor)
	checkRun(bad, "low_for", r.LowFor)
	if r.High == nil {
		bad("high: missing; give the upper limit, such as 10Mbps")
	}
	r.checkLimits(bad)
	if r.Band != (Band{}) {
		bad("band: only rules of kind band have it")
	}
}

func checkRun(bad func(format string, args ...any), field string, n int) {
	if n < 1 || n > MaxRuns {
		bad("%s: %d is not between 1 and %d buckets", field, n, MaxRuns)
	}
}

func (r *Rule) checkLimits(bad func(format string, args ...any)) {
	for _, l := range [...]struct {
		field string
		v     *Value
	}{{"high", r.High}, {"low", r.Low}, {"band.exclude_below", r.Band.ExcludeBelow},
		{"band.exclude_above", r.Band.ExcludeAbove}} {
		if l.v != nil && !finite(float64(*l.v)) {
			bad("%s: must be a finite number", l.field)
		}
	}
	if r.High != nil && r.Low != nil && *r.Low > *r.High {
		bad("low: %g is above high, which is %g", *r.Low, *r.High)
	}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// checkBand tells what is wrong with a band.
func (r *Rule) checkBand(bad func(format string, args ...any)) {
	b := &r.Band
	r.checkLimits(bad)
	if r.HighFor != 0 || r.LowFor != 0 {
		bad("high_for, low_for: a band has band.sustained instead, in minutes")
	}
	if b.Sustained < 1 || b.Sustained > MaxSustained {
		bad("band.sustained: %d is not between 1 and %d minutes", b.Sustained, MaxSustained)
	}
	switch b.Baseline {
	case BaselineFixed:
		if r.High == nil && r.Low == nil {
			bad("high, low: a fixed band has at least one of them")
		}
		if b.Weeks != 0 || b.LowerMargin != nil || b.UpperMargin != nil || b.ExcludeBelow != nil || b.ExcludeAbove != nil {
			bad("band: weeks, margins and excludes are for the baselines day and week")
		}
		return
	case BaselineDay, BaselineWeek:
	default:
		bad("band.baseline: %s is not fixed, day or week", quoted(b.Baseline))
		return
	}
	if r.High != nil || r.Low != nil {
		bad("high, low: a band with a baseline learns them; leave them out")
	}
	if b.Baseline == BaselineWeek && (b.Weeks < 1 || b.Weeks > MaxWeeks) || b.Baseline == BaselineDay && b.Weeks != 0 {
		bad("band.weeks: %d is not between 1 and %d, and only for the baseline week", b.Weeks, MaxWeeks)
	}
	if m := *b.LowerMargin; !(m >= 0 && m <= 100) {
		bad("band.lower_margin: %g is not between 0 and 100 percent", m)
	}
	if m := *b.UpperMargin; !(m >= 0 && m <= MaxMargin) {
		bad("band.upper_margin: %g is not between 0 and %g percent", m, MaxMargin)
	}
	if b.ExcludeBelow != nil && b.ExcludeAbove != nil && *b.ExcludeBelow > *b.ExcludeAbove {
		bad("band.exclude_below: %g is above exclude_above, which is %g", *b.ExcludeBelow, *b.ExcludeAbove)
	}
}

// Compile reads the rule's keys as keys of a group of that form: the error says which is wrong.
func (r *Rule) Compile(form key.Form) (*key.Set, error) {
	set, err := form.ParseSet(r.Keys)
	if err != nil {
		return nil, fmt.Errorf("rule %s: keys: %w", quoted(r.Name), err)
	}
	return set, nil
}

// Equal tells whether both say the same.
func (r *Rule) Equal(o *Rule) bool {
	return r.Name == o.Name && r.Priority == o.Priority && r.Message == o.Message && r.HighFor == o.HighFor &&
		r.LowFor == o.LowFor && r.sameKeys(o) && r.sameLimits(o)
}

// sameKeys tells whether what was learned for one rule holds for the other.
func (r *Rule) sameKeys(o *Rule) bool {
	return r.Group == o.Group && r.Keys == o.Keys && r.Meter == o.Meter && r.Kind == o.Kind &&
		r.Band.Baseline == o.Band.Baseline && r.Band.Weeks == o.Band.Weeks
}

// sameLimits tells whether what fired by one rule would have fired by the other.
func (r *Rule) sameLimits(o *Rule) bool {
	a, b := &r.Band, &o.Band
	return same(r.High, o.High) && same(r.Low, o.Low) && same(a.LowerMargin, b.LowerMargin) &&
		same(a.UpperMargin, b.UpperMargin) && same(a.ExcludeBelow, b.ExcludeBelow) &&
		same(a.ExcludeAbove, b.ExcludeAbove) && a.Sustained == b.Sustained && r.Schedule.equal(&o.Schedule)
}

func same[T Value | float64](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func (s *Schedule) equal(o *Schedule) bool {
	return slices.Equal(s.Weekdays, o.Weekdays) && s.Hours == o.Hours && slices.Equal(s.Holidays, o.Holidays) &&
		s.UTCOffset == o.UTCOffset
}
