package history

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/schema"
)

// Span is a stretch of time from From up to, but without, To.
type Span struct{ From, To schema.Instant }

// Length returns how long the span is.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Earlier returns the span of the same length that lies by so much earlier.
func (s Span) Earlier(by time.Duration) Span { return Span{s.From.Add(-by), s.To.Add(-by)} }

// Contains tells whether an instant lies in the span.
func (s Span) Contains(at schema.Instant) bool { return at >= s.From && at < s.To }

const (
	day = 24 * time.Hour
	// longest is the longest span that is answered.
	longest = 10 * 366 * day
)

// timeHint says how times are written.
const timeHint = "write RFC 3339 such as 2026-01-31T12:00:00Z, unix seconds, or a time before now such as -1h or -7d"

// Mistake is what is wrong with a question: which parameter, and what to do.
type Mistake struct {
	Field   string // the parameter, in the words of the REST interface
	Message string
	Hint    string // what to do; may be empty
}

// Error returns what is wrong.
func (m *Mistake) Error() string { return m.Field + ": " + m.Message }

func mistake(field, hint, format string, args ...any) *Mistake {
	return &Mistake{Field: field, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// ParseSpan reads the two ends of a span. Each is RFC 3339, unix seconds, "now", or relative to now as "-1h", "-7d"
// and "-2w" are. An empty to is now; an empty from is so much before to as unless says. The error is a *Mistake.
func ParseSpan(from, to string, now schema.Instant, unless time.Duration) (Span, error) {
	s := Span{To: now}
	var err error
	if to != "" {
		if s.To, err = parseInstant("to", to, now); err != nil {
			return s, err
		}
	}
	s.From = s.To.Add(-unless)
	if from != "" {
		if s.From, err = parseInstant("from", from, now); err != nil {
			return s, err
		}
	}
	switch {
	case s.From >= s.To:
		return s, mistake("from", "a range begins before it ends", "%v is not before %v", s.From, s.To)
	case s.Length() > longest:
		return s, mistake("from", "ask for less", "the range is longer than ten years")
	}
	return s, nil
}

// parseInstant reads one end of a span.
func parseInstant(field, text string, now schema.Instant) (schema.Instant, error) {
	text = strings.TrimSpace(text)
	if text == "now" {
		return now, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && (seconds >= 0 || !strings.HasPrefix(text, "-")) {
		const bound = math.MaxInt64 / 1e9
		if !(seconds >= 0 && seconds < bound) {
			return 0, mistake(field, timeHint, "%q is no time in seconds since 1970", text)
		}
		whole, part := math.Modf(seconds)
		return schema.Instant(int64(whole)*1e9 + int64(part*1e9)), nil
	}
	if back, ok := strings.CutPrefix(text, "-"); ok {
		d, err := parseDuration(back)
		if err != nil {
			return 0, mistake(field, timeHint, "%q is no time before now", text)
		}
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, mistake(field, timeHint, "%q is no time", text)
	}
	if y := t.Year(); y < 1970 || y > 2261 {
		return 0, mistake(field, timeHint, "the year %d is not between 1970 and 2261", y)
	}
	return schema.Instant(t.UnixNano()), nil
}

// parseDuration reads "90", "90s", "5m", "1h30m", "7d" or "2w": positive, ten years at most.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no length of time; write 30s, 5m, 1h, 7d or 2w", text)
	unit := time.Duration(0)
	number := text
	switch {
	case strings.HasSuffix(text, "d"):
		unit, number = day, text[:len(text)-1]
	case strings.HasSuffix(text, "w"):
		unit, number = 7*day, text[:len(text)-1]
	case strings.Trim(text, "0123456789.") == "":
		unit = time.Second
	}
	if unit == 0 {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 || d > longest {
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n > 0 && n*float64(unit) <= float64(longest)) {
		return 0, bad
	}
	return time.Duration(n * float64(unit)), nil
}

// ParseEarlier reads how much earlier the period is that something is compared with: "-1d" and "1d" mean the day
// before. Empty text is 0: compare with nothing.
func ParseEarlier(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := parseDuration(strings.TrimPrefix(text, "-"))
	if err != nil {
		return 0, &Mistake{"compare", err.Error(), "-1d compares with the day before, -7d with the week before"}
	}
	return d.Round(time.Second), nil
}

// ParseStep reads the distance of points of a series: whole seconds, 1 s to 366 days. Empty text is 0: by the length
// of the range.
func ParseStep(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	const hint = "write 30s, 5m, 1h or 1d; without it the length of the range decides"
	d, err := parseDuration(text)
	if err != nil {
		return 0, &Mistake{"step", err.Error(), hint}
	}
	if d < time.Second || d > 366*day || d%time.Second != 0 {
		return 0, mistake("step", hint, "%q is not whole seconds between 1s and 366d", text)
	}
	return d, nil
}

// floor returns the beginning of the step that an instant lies in. Steps are counted from the Unix epoch, so that they
// fall on round times (UTC).
func floor(at schema.Instant, step time.Duration) schema.Instant {
	rest := at % schema.Instant(step)
	if rest < 0 {
		rest += schema.Instant(step)
	}
	return at - rest
}

// The ranges up to which the finer tables are read.
const (
	fineUpTo   = 6 * time.Hour
	middleUpTo = 7 * day
)

// pointsMax is the most points that a series has; a smaller step is made larger.
const pointsMax = 5000

// tables are the tables of buckets, finest first, and how long the buckets of those that are rolled up are.
var tables = [...]struct {
	table *schema.Table
	width time.Duration // 0: as the group says
}{{schema.TableBuckets, 0}, {schema.TableBuckets5m, 5 * time.Minute}, {schema.TableBuckets1h, time.Hour}}

// resolution chooses the table that a range is read from, as an index of tables, and the distance of points: step when
// that is coarse enough, else what the length of the range suggests. bucket is how long the buckets of the group are.
func resolution(s Span, bucket, step time.Duration) (int, time.Duration) {
	if step == 0 {
		switch length := s.Length(); {
		case length <= fineUpTo:
		case length <= middleUpTo:
			step = 5 * time.Minute
		default:
			step = time.Hour
		}
	}
	step = max(step, bucket)
	if least := s.Length() / pointsMax; step < least {
		step = least
	}
	// Buckets are whole; a short step that cuts them would make points of unequal weight.
	if over := step % bucket; over != 0 && step%(5*time.Minute) != 0 {
		step += bucket - over
	}
	for i := len(tables) - 1; i > 0; i-- {
		if w := tables[i].width; w >= bucket && step%w == 0 {
			return i, step
		}
	}
	return 0, step
}
