package history

import (
	"errors"
	"testing"
	"time"

	"weir/schema"
)

const noon = schema.Instant(1_767_268_800e9) // 2026-01-01T12:00:00Z

func TestParseSpan(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     Span
	}{
		{"", "", Span{noon.Add(-time.Hour), noon}},
		{"-2h", "", Span{noon.Add(-2 * time.Hour), noon}},
		{"-7d", "-1d", Span{noon.Add(-7 * day), noon.Add(-day)}},
		{"-1.5h", "now", Span{noon.Add(-90 * time.Minute), noon}},
		{"-2w", "", Span{noon.Add(-14 * day), noon}},
		{"1767268000", "1767268000.5", Span{1_767_268_000e9, 1_767_268_000_500_000_000}},
		{"2026-01-01T10:00:00Z", "2026-01-01T12:30:00+01:00", Span{noon.Add(-2 * time.Hour), noon.Add(-30 * time.Minute)}},
		{"", "-1h", Span{noon.Add(-2 * time.Hour), noon.Add(-time.Hour)}},
		{" -90 ", "", Span{noon.Add(-90 * time.Second), noon}},
	} {
		got, err := ParseSpan(c.from, c.to, noon, time.Hour)
		if err != nil || got != c.want {
			t.Errorf("%q to %q: %v, %v; want %v", c.from, c.to, got, err, c.want)
		}
	}
	for _, c := range []struct{ from, to, field string }{
		{"yesterday", "", "from"}, {"", "-", "to"}, {"-1h", "-2h", "from"}, {"now", "", "from"}, {"-5y", "", "from"},
		{"1e300", "", "from"}, {"NaN", "", "from"}, {"-100000w", "", "from"}, {"1", "", "from"},
		{"2262-01-01T00:00:00Z", "", "from"}, {"", "0001-01-01T00:00:00Z", "to"}, {"-0h", "", "from"},
	} {
		_, err := ParseSpan(c.from, c.to, noon, time.Hour)
		var m *Mistake
		if !errors.As(err, &m) || m.Field != c.field || m.Hint == "" {
			t.Errorf("%q to %q: %v", c.from, c.to, err)
		}
	}
}

func TestParseLengths(t *testing.T) {
	for text, want := range map[string]time.Duration{"-1d": day, "7d": 7 * day, "": 0, "90m": 90 * time.Minute} {
		if got, err := ParseEarlier(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "60": time.Minute, "1d": day, "": 0} {
		if got, err := ParseStep(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1m", "1.5s", "10ms", "400d", "x"} {
		if _, err := ParseStep(text); err == nil {
			t.Errorf("step %q was taken", text)
		}
	}
	for _, text := range []string{"0d", "x", "--1d"} {
		if _, err := ParseEarlier(text); err == nil {
			t.Errorf("compare %q was taken", text)
		}
	}
}

func TestResolution(t *testing.T) {
	const bucket = 30 * time.Second
	for _, c := range []struct {
		length, bucket, step time.Duration
		table                int
		want                 time.Duration
	}{
		{time.Hour, bucket, 0, 0, bucket},
		{6 * time.Hour, bucket, 0, 0, bucket},
		{7 * time.Hour, bucket, 0, 1, 5 * time.Minute},
		{7 * day, bucket, 0, 1, 5 * time.Minute},
		{30 * day, bucket, 0, 2, time.Hour},
		{time.Hour, bucket, 5 * time.Minute, 1, 5 * time.Minute},
		{time.Hour, bucket, time.Minute, 0, time.Minute},
		{time.Hour, bucket, 45 * time.Second, 0, time.Minute},
		{time.Hour, bucket, time.Second, 0, bucket},
		{time.Hour, 10 * time.Minute, 0, 0, 10 * time.Minute},
		{30 * day, 10 * time.Minute, 0, 2, time.Hour},
		{time.Hour, time.Second, 0, 0, time.Second},
		{10 * 365 * day, bucket, 0, 0, 0},
	} {
		table, step := resolution(Span{0, schema.Instant(c.length)}, c.bucket, c.step)
		if c.want == 0 {
			if points := c.length / step; points > pointsMax {
				t.Errorf("%v: %d points", c.length, points)
			}
			continue
		}
		if table != c.table || step != c.want {
			t.Errorf("%v of %v by %v: table %d, step %v", c.length, c.bucket, c.step, table, step)
		}
	}
	if floor(-1, time.Minute) != -schema.Instant(time.Minute) || floor(61e9, time.Minute) != 60e9 {
		t.Error("floor")
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, seed := range []string{"-1h", "2026-01-01T12:00:00Z", "1767268800", "now", "-7d", "1e400", "-", "٣", "-1e9w"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		s, err := ParseSpan(from, to, noon, time.Hour)
		if err == nil && (s.From >= s.To || s.Length() > longest) {
			t.Errorf("%q to %q: %v", from, to, s)
		}
		if step, err := ParseStep(from); err == nil && step != 0 && step < time.Second {
			t.Errorf("step %q: %v", from, step)
		}
	})
}
