package alert

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/key"
	"weir/schema"

	"pgregory.net/rapid"
)

const (
	second = schema.Instant(time.Second)
	start  = 1_700_006_400 * second // Wednesday 2023-11-15 00:00 UTC
	width  = 30 * time.Second
)

// stage plays buckets of the group hosts to a book.
type stage struct {
	t    testing.TB
	book *Book
	end  schema.Instant
	said []Alert
}

func hostForm(group string) key.Form {
	switch group {
	case "hosts":
		return key.Form{key.Host}
	case "apps":
		return key.Form{key.App}
	}
	return nil
}

func newStage(t testing.TB, l Limits, rules ...*Rule) *stage {
	t.Helper()
	s := &stage{t: t, book: NewBook(l), end: start}
	s.apply(rules...)
	return s
}

func (s *stage) apply(rules ...*Rule) {
	s.t.Helper()
	for _, r := range rules {
		if err := r.Complete(); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.book.Apply(s.end, rules, hostForm); err != nil {
		s.t.Fatal(err)
	}
}

// rowsOf returns what yields keys of the group hosts with the values of meter 0, in the order of their raw keys.
func rowsOf(values map[string]float64) func(yield func([]byte, func(int) (float64, bool)) bool) {
	return func(yield func([]byte, func(int) (float64, bool)) bool) {
		for host, v := range values {
			bin, err := key.Form{key.Host}.Parse(host)
			if host == key.Totals {
				bin, err = nil, nil
			}
			if err != nil {
				panic(err)
			}
			if !yield(bin, func(meter int) (float64, bool) { return v, meter == 0 }) {
				return
			}
		}
	}
}

// bucket closes the next bucket.
func (s *stage) bucket(values map[string]float64) {
	s.end = s.end.Add(width)
	s.book.Check(s.end, "hosts", width, rowsOf(values))
	s.said = append(s.said, s.book.Take()...)
}

// values closes a bucket for each value of 10.0.0.1; NaN is a bucket in which it is missing.
func (s *stage) values(values ...float64) {
	for _, v := range values {
		if math.IsNaN(v) {
			s.bucket(nil)
		} else {
			s.bucket(map[string]float64{"10.0.0.1": v})
		}
	}
}

// want compares what was said: "fired 120@6 10.0.0.1" with the number of the bucket, the first being 1.
func (s *stage) want(want string) {
	s.t.Helper()
	var got []string
	for _, a := range s.said {
		text := fmt.Sprintf("%s %g@%d", a.State, a.Value, a.At.Sub(start)/width)
		if a.Key != "0A.00.00.01" {
			text += " " + a.Key
		}
		got = append(got, text)
	}
	if all := strings.Join(got, ", "); all != want {
		s.t.Errorf("said %q, want %q", all, want)
	}
}

func threshold(high, highFor, low, lowFor int) *Rule {
	r := &Rule{Name: "r", Group: "hosts", Keys: "10.0.0.1", High: Of(float64(high)), HighFor: highFor}
	if low >= 0 {
		r.Low, r.LowFor = Of(float64(low)), lowFor
	}
	return r
}

// Acceptance C-17.
func TestThreshold(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 3, 80, 2))
	s.values(120, 120, 90, 120, 120, 120, 130, 85, 70, 90, 70, 60, 120)
	s.want("fired 120@6, cleared 60@12")
	if a := s.said[0]; a.High != 100 || a.Low != 80 || a.Rule != "r" || a.Kind != KindThreshold || a.Group != "hosts" ||
		a.Key != "0A.00.00.01" || a.Priority != 2 {
		t.Errorf("%+v", a)
	}
}

// Acceptance C-18.
func TestNoFlap(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, 80, 1))
	s.values(105, 75, 105, 75, 105)
	s.want("fired 105@1, cleared 75@2, fired 105@3, cleared 75@4, fired 105@5")
}

// Acceptance C-19.
func TestRange(t *testing.T) {
	r := threshold(100, 1, -1, 0)
	r.Keys = "10.0.0.1~10.0.0.3"
	s := newStage(t, Limits{}, r)
	s.bucket(map[string]float64{"10.0.0.1": 200, "10.0.0.2": 5, "10.0.0.3": 200, "10.0.0.4": 999})
	s.want("fired 200@1, fired 200@1 0A.00.00.03")
}

// Acceptance C-20.
func TestParseValue(t *testing.T) {
	for text, want := range map[string]float64{
		"10Mbps": 10_000_000, "6Kbps": 6000, "2000": 2000, "6K": 6000, " 1.5 G ": 1.5e9, "2T": 2e12, "300pps": 300,
		"5 kB/s": 5000, "80%": 80, "-4": -4, "1e3": 1000, "1e3k": 1e6, "10mbps": 10_000_000, "7b": 7, "2Mbytes": 2e6,
	} {
		if got, err := ParseValue(text); err != nil || got != want {
			t.Errorf("%q: %g, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "10Mbps", "x": "10Mbps", "10Mbsp": "unknown unit", "10 furlongs": "unknown unit", "1.2.3": "no value", "k": "no value",
		"1e999": "no value", "1e308T": "too large", "NaN": "no value", "inf": "no value", "0x10": "unknown unit",
	} {
		if v, err := ParseValue(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %g, %v; should say %q", text, v, err, want)
		}
	}
}

func TestWithoutLow(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, -1, 0))
	s.values(101, 500, 100, 101)
	s.want("fired 101@1, fired 101@4")
	if len(s.book.Active()) != 1 || s.book.Counts().Fired != 2 || s.book.Counts().Cleared != 1 {
		t.Errorf("%d active, %+v", len(s.book.Active()), s.book.Counts())
	}
}

// A key that is missing has the value 0: it breaks a run, and clears.
func TestMissing(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 2, 80, 2))
	none := math.NaN()
	s.values(120, none, 120, 120, none, 90, none, none)
	s.want("fired 120@4, cleared 0@8")
	if len(s.book.groups["hosts"].watches[0].keys) != 0 || s.book.keys != 0 {
		t.Error("a key is watched still")
	}
}

// Buckets without any key are not handed over: the next bucket, or Idle, makes up for them.
func TestEmptyBuckets(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, 80, 3))
	s.values(120)
	s.end = s.end.Add(2 * width)
	s.values(10, 120)
	s.want("fired 120@1, cleared 10@4, fired 120@5")
	s.said = nil
	s.book.Idle("hosts", s.end.Add(2*width))
	s.book.Idle("hosts", s.end.Add(3*width-1))
	s.book.Idle("hosts", s.end)
	s.book.Idle("apps", s.end)
	s.said = s.book.Take()
	s.want("")
	s.book.Idle("hosts", s.end.Add(1_000_000*time.Hour))
	if s.said = s.book.Take(); len(s.said) != 1 || s.said[0].State != Cleared {
		t.Errorf("said %+v", s.said)
	}
}

func TestTotals(t *testing.T) {
	r := threshold(100, 1, 80, 1)
	r.Keys = "SYS:GROUP_TOTALS"
	s := newStage(t, Limits{}, r)
	s.bucket(map[string]float64{key.Totals: 200, "10.0.0.1": 200})
	s.bucket(map[string]float64{key.Totals: 20, "10.0.0.1": 200})
	s.want("fired 200@1 SYS:GROUP_TOTALS, cleared 20@2 SYS:GROUP_TOTALS")
	all := threshold(100, 1, 80, 1)
	all.Keys = "*"
	s = newStage(t, Limits{}, all)
	s.bucket(map[string]float64{key.Totals: 200, "10.0.0.1": 200})
	s.want("fired 200@1")
}

// Of very many keys the largest are told; the others fire untold, and clear untold.
func TestAlertLimit(t *testing.T) {
	r := threshold(100, 1, 80, 1)
	r.Keys = "*"
	s := newStage(t, Limits{Alerts: 2}, r)
	many := map[string]float64{"10.0.0.1": 300, "10.0.0.2": 301, "10.0.0.3": 299, "10.0.0.4": 298}
	s.bucket(many)
	s.want("fired 300@1, fired 301@1 0A.00.00.02")
	if c := s.book.Counts(); c.Fired != 4 || c.Suppressed != 2 || len(s.book.Active()) != 2 {
		t.Errorf("%+v", c)
	}
	s.bucket(map[string]float64{"10.0.0.1": 300, "10.0.0.2": 301})
	s.bucket(map[string]float64{"10.0.0.5": 300})
	s.bucket(nil)
	s.want("fired 300@1, fired 301@1 0A.00.00.02, cleared 0@3, fired 300@3 0A.00.00.05, " +
		"cleared 0@4 0A.00.00.02, cleared 0@4 0A.00.00.05")
}

func TestLimits(t *testing.T) {
	r := threshold(100, 1, 80, 1)
	r.Keys = "*"
	s := newStage(t, Limits{Keys: 2, Pending: 1, Active: 1}, r)
	s.bucket(map[string]float64{"10.0.0.1": 300, "10.0.0.2": 301, "10.0.0.3": 299})
	if c := s.book.Counts(); c.Refused != 1 || c.Dropped != 1 || len(s.said) != 1 || len(s.book.Active()) != 1 {
		t.Errorf("%+v, said %d", c, len(s.said))
	}
	s.bucket(nil)
	s.bucket(map[string]float64{"10.0.0.3": 299})
	if last := s.said[len(s.said)-1]; last.Key != "0A.00.00.03" || last.State != Fired {
		t.Errorf("there is room again, but said %+v", last)
	}
}

func TestActive(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, 80, 1))
	s.values(200, 150)
	a := s.book.Active()
	if len(a) != 1 || a[0].Value != 200 || a[0].Now != 150 || a[0].At != start.Add(width) || a[0].State != Fired {
		t.Errorf("%+v", a)
	}
}

// A rule that says the same keeps what is fired, one with another limit does not.
func TestApply(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, 80, 1))
	s.values(200)
	again := threshold(100, 1, 80, 1)
	again.Message = "other words"
	s.apply(again)
	s.values(200, 10)
	s.want("fired 200@1, cleared 10@3")
	if s.said[1].Message != "other words" {
		t.Errorf("%+v", s.said[1])
	}
	s.values(200)
	s.apply(threshold(150, 1, 80, 1))
	s.values(140, 200)
	s.want("fired 200@1, cleared 10@3, fired 200@4, fired 200@6")
	if h := s.said[3].High; h != 150 {
		t.Errorf("high %g", h)
	}
	s.apply()
	s.values(900)
	if len(s.said) != 4 || len(s.book.Active()) != 0 || s.book.keys != 0 {
		t.Errorf("said %d, %d keys", len(s.said), s.book.keys)
	}
}

func TestApplyErrors(t *testing.T) {
	good, unknown, wrong := threshold(100, 1, -1, 0), threshold(1, 1, -1, 0), threshold(1, 1, -1, 0)
	unknown.Name, unknown.Group, wrong.Name, wrong.Keys = "u", "hots", "w", "10.0.0.300"
	b := NewBook(Limits{})
	for _, r := range []*Rule{good, unknown, wrong} {
		if err := r.Complete(); err != nil {
			t.Fatal(err)
		}
	}
	err := b.Apply(start, []*Rule{wrong, unknown, good}, hostForm)
	for _, word := range []string{`rule "u"`, `"hots"`, `rule "w"`, "10.0.0.300", "IP address"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %s", err, word)
		}
	}
	b.Check(start+60*second, "hosts", width, rowsOf(map[string]float64{"10.0.0.1": 200}))
	if n := len(b.Take()); n != 1 {
		t.Errorf("%d alerts of the good rule", n)
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`{"name":"a","group":"hosts","keys":"*","high":"10Mbps"}`, ""},
		{`{"name":"a","group":"hosts","keys":"*","kind":"band","low":1}`, ""},
		{`{"name":"a","group":"hosts","keys":"*","band":{"baseline":"week"}}`, ""},
		{`{"name":"a","group":"hosts","keys":"*","band":{"baseline":"day","lower_margin":0,"exclude_above":"1G"}}`, ""},
		{`{"high":1}`, "name: group: keys:"},
		{`{"name":"a","group":"hosts","keys":"*"}`, "high: missing"},
		{`{"name":"a","group":"hosts","keys":"*","high":1,"low":2}`, "low: 2 is above high"},
		{`{"name":"a","group":"hosts","keys":"*","high":1,"high_for":-1,"low_for":1000000}`, "high_for: low_for:"},
		{`{"name":"a","group":"hosts","keys":"*","high":1,"meter":32,"priority":4}`, "meter: priority:"},
		{`{"name":"a","group":"hosts","keys":"*","high":1,"kind":"treshold"}`, `did you mean "threshold"?`},
		{`{"name":"a","group":"hosts","keys":"*","kind":"band"}`, "at least one"},
		{`{"name":"a","group":"hosts","keys":"*","kind":"band","high":1,"high_for":2}`, "band.sustained instead"},
		{`{"name":"a","group":"hosts","keys":"*","kind":"band","high":1,"band":{"weeks":2}}`, "are for the baselines"},
		{`{"name":"a","group":"hosts","keys":"*","band":{"baseline":"month"}}`, "band.baseline:"},
		{`{"name":"a","group":"hosts","keys":"*","band":{"baseline":"week","weeks":9,"lower_margin":101,
			"upper_margin":-1,"sustained":-5}}`, "band.weeks: band.lower_margin: band.upper_margin: band.sustained:"},
		{`{"name":"a","group":"hosts","keys":"*","high":2,"band":{"baseline":"day","exclude_below":9,"exclude_above":1}}`,
			"learns them exclude_below"},
		{`{"name":"a","group":"hosts","keys":"*","high":1,"schedule":{"weekdays":["tues"],"hours":"9-17",
			"holidays":["25.12."],"utc_offset":"CET"}}`, "weekdays: hours: holidays: utc_offset:"},
		{`{"name":"a","group":"hosts","keys":"*","kind":"threshold","high":1,"band":{"sustained":5}}`, "only rules of kind band"},
	} {
		var r Rule
		if err := json.Unmarshal([]byte(c.rule), &r); err != nil {
			t.Fatal(err)
		}
		err := r.Complete()
		if (err == nil) != (c.want == "") {
			t.Errorf("%s: %v", c.rule, err)
		}
		for _, word := range strings.Split(c.want, " ") {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v does not say %s", c.rule, err, word)
			}
		}
		if text, err := json.Marshal(&r); err != nil {
			t.Errorf("%s, %v", text, err)
		}
	}
	var r Rule
	if err := json.Unmarshal([]byte(`{"high":"10Mbsp"}`), &r); err == nil || !strings.Contains(err.Error(), "unit") {
		t.Errorf("%v", err)
	}
}

func TestEqual(t *testing.T) {
	a := &Rule{Name: "r", Group: "hosts", Keys: "*", High: Of(1)}
	b := &Rule{Name: "r", Group: "hosts", Keys: "*", High: Of(1)}
	if !a.Equal(b) {
		t.Error("equal rules are not equal")
	}
	for _, change := range []func(r *Rule){
		func(r *Rule) { r.Name = "x" }, func(r *Rule) { r.High = nil }, func(r *Rule) { r.Low = Of(0) },
		func(r *Rule) { r.Schedule.Hours = "1:00-2:00" }, func(r *Rule) { r.Band.Sustained = 1 }, func(r *Rule) { r.Keys = "" },
		func(r *Rule) { r.Message = "x" },
	} {
		c := *b
		if change(&c); a.Equal(&c) {
			t.Errorf("%+v equals", c)
		}
	}
}

func TestFixedBand(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "10.0.0.1", Low: Of(10), High: Of(100), Kind: KindBand, Band: Band{Sustained: 1}}
	s := newStage(t, Limits{}, r)
	none := math.NaN()
	s.values(50, 101, 100, 200, 201, 50, 9, 50, 10, none, none, 60, 60)
	s.want("fired 201@5, cleared 10@9, fired 0@11, cleared 60@13")
	// A key that the rule names is silent from the first.
	s = newStage(t, Limits{}, r)
	s.bucket(nil)
	s.bucket(nil)
	s.want("fired 0@2")
	// A key of a pattern is watched once it was seen.
	wide := *r
	wide.Keys = "10.*"
	s = newStage(t, Limits{}, &wide)
	s.values(none, none, none, 50, none, none)
	s.want("fired 0@6")
}

func TestSchedule(t *testing.T) {
	r := threshold(100, 2, 80, 1)
	r.Schedule = Schedule{Weekdays: []string{"Wed"}, Hours: "00:01-00:03", UTCOffset: "+00:00"}
	s := newStage(t, Limits{}, r)
	s.values(200, 200, 200, 200, 200, 200, 200, 200)
	s.want("fired 200@4, cleared 200@7")
	for _, c := range []struct {
		s    Schedule
		at   string
		want bool
	}{
		{Schedule{}, "2026-12-25T03:00", true},
		{Schedule{Hours: "22:00-06:00"}, "2026-12-25T03:00", true},
		{Schedule{Hours: "22:00-06:00"}, "2026-12-25T06:00", false},
		{Schedule{Hours: "22:00-24:00"}, "2026-12-25T23:59", true},
		{Schedule{Hours: "22:00-06:00", Weekdays: []string{"thu"}}, "2026-12-25T03:00", true},  // of Thursday's night
		{Schedule{Hours: "22:00-06:00", Weekdays: []string{"fri"}}, "2026-12-25T03:00", false}, // Friday
		{Schedule{Weekdays: []string{"fri"}}, "2026-12-25T00:00", true},
		{Schedule{Holidays: []string{"2026-12-25"}}, "2026-12-25T12:00", false},
		{Schedule{Holidays: []string{"2026-12-25"}}, "2026-12-24T23:59", true},
		{Schedule{Holidays: []string{"2026-12-25"}, UTCOffset: "+05:30"}, "2026-12-24T18:30", false},
		{Schedule{Hours: "09:00-17:00", UTCOffset: "-08:00"}, "2026-12-25T00:59", true},
		{Schedule{Hours: "09:00-17:00", UTCOffset: "-08:00"}, "2026-12-25T01:00", false},
		{Schedule{Weekdays: []string{"wed"}}, "1969-12-31T12:00", true},
	} {
		cal, err := c.s.compile()
		at, err2 := time.Parse("2006-01-02T15:04", c.at)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := cal.open(schema.Instant(at.UnixNano())); got != c.want {
			t.Errorf("%+v at %s: %v", c.s, c.at, got)
		}
	}
}

// fiveMinutes plays 10 buckets with a value.
func (s *stage) fiveMinutes(v float64) {
	for range 10 {
		s.values(v)
	}
}

func TestDayBaseline(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "10.0.0.1", Band: Band{Baseline: BaselineDay, Sustained: 10}}
	s := newStage(t, Limits{}, r)
	for slot := range slotsPerDay {
		s.fiveMinutes(100 + float64(slot%3))
	}
	s.want("") // nothing is usual on the first day
	s.fiveMinutes(100)
	s.fiveMinutes(200)
	s.fiveMinutes(122)
	s.fiveMinutes(200)
	s.fiveMinutes(201)
	s.fiveMinutes(101)
	s.fiveMinutes(79)
	s.fiveMinutes(101)
	s.fiveMinutes(101)
	day := 10 * slotsPerDay
	s.want(fmt.Sprintf("fired 201@%d, cleared 101@%d", day+50, day+90))
	if a := s.said[0]; math.Abs(a.High-1.2*102) > 1e-9 || a.Low != 80 || a.Kind != KindBand {
		t.Errorf("%+v", a)
	}
}

func TestWeekBaseline(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "*",
		Band: Band{Baseline: BaselineWeek, Weeks: 2, Sustained: 5, ExcludeAbove: Of(1000)}}
	s := newStage(t, Limits{}, r)
	host := []byte{10, 0, 0, 1}
	since, ok := s.book.Baseline("hosts", s.end)
	if !ok || s.end.Sub(since) < 14*24*time.Hour {
		t.Errorf("learns since %v, %v", since, ok)
	}
	weeksAgo := func(n int) schema.Instant { return s.end - schema.Instant(n*7)*day }
	s.book.Teach("hosts", host, 0, weeksAgo(2), 50)
	s.book.Teach("hosts", host, 0, weeksAgo(1)-slotWidth, 5000) // an attack
	s.book.Teach("hosts", host, 0, weeksAgo(1), 70)
	s.book.Teach("hosts", host, 1, weeksAgo(1), 7000)
	s.book.Teach("hosts", host, 0, weeksAgo(1), math.NaN())
	s.book.Teach("apps", host, 0, weeksAgo(1), 7000)
	s.fiveMinutes(85)
	s.want("fired 85@10")
	if a := s.said[0]; a.Low != 40 || a.High != 84 {
		t.Errorf("%+v", a)
	}
	if _, ok := s.book.Baseline("apps", s.end); ok {
		t.Error("a group without rules learns")
	}
}

// A holiday teaches nothing, and half a sample is none.
func TestWhatTeaches(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "10.0.0.1",
		Band: Band{Baseline: BaselineDay}, Schedule: Schedule{Holidays: []string{"2023-11-15"}}}
	s := newStage(t, Limits{}, r)
	for range slotsPerDay {
		s.fiveMinutes(100)
	}
	s.fiveMinutes(900)
	s.want("")
	if low, high, ok := s.book.groups["hosts"].watches[0].band(s.book.groups["hosts"].watches[0].keys["\x0a\x00\x00\x01"],
		slotOf(s.end)); ok {
		t.Errorf("learned [%g, %g] from a holiday", low, high)
	}
	w := s.book.groups["hosts"].watches[0]
	last := w.keys["\x0a\x00\x00\x01"].last
	s.values(1)
	s.end = s.end.Add(100 * time.Hour)
	s.values(1)
	if got := w.keys["\x0a\x00\x00\x01"].sample(last + 1); got == 1 {
		t.Errorf("a sample of 30 s: %g", got)
	}
}

func TestBandKeysAreBounded(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "*", Band: Band{Baseline: BaselineDay}}
	s := newStage(t, Limits{BandKeys: 1}, r)
	s.bucket(map[string]float64{"10.0.0.1": 1, "10.0.0.2": 1})
	if c := s.book.Counts(); c.Refused != 1 || s.book.learned != 1 {
		t.Errorf("%+v", c)
	}
	s.end = s.end.Add(48 * time.Hour)
	s.bucket(nil)
	if s.book.learned != 0 {
		t.Error("a key that has gone is watched still")
	}
}

// A bucket longer than 5 minutes is the sample of all that it covers.
func TestLongBuckets(t *testing.T) {
	r := &Rule{Name: "r", Group: "hosts", Keys: "10.0.0.1", Band: Band{Baseline: BaselineDay}}
	s := newStage(t, Limits{}, r)
	s.book.Check(start.Add(time.Hour), "hosts", time.Hour, rowsOf(map[string]float64{"10.0.0.1": 7}))
	k := s.book.groups["hosts"].watches[0].keys["\x0a\x00\x00\x01"]
	for i := range int64(12) {
		if got := k.sample(slotOf(start) + i); got != 7 {
			t.Errorf("sample %d is %g", i, got)
		}
	}
	if got := k.sample(slotOf(start) + 12); got == 7 {
		t.Error("a sample too many")
	}
}

func TestRestart(t *testing.T) {
	rules := func() []*Rule {
		b := &Rule{Name: "b", Group: "hosts", Keys: "10.0.0.1,SYS:GROUP_TOTALS", Band: Band{Baseline: BaselineDay}}
		return []*Rule{threshold(100, 2, 80, 2), b}
	}
	s := newStage(t, Limits{}, rules()...)
	s.values(120, 120, 70)
	for range 9 {
		s.values(90)
	}
	s.values(70)
	state, err := s.book.MarshalState()
	if err != nil {
		t.Fatal(err)
	}
	again := newStage(t, Limits{}, rules()...)
	if err := again.book.RestoreState(state); err != nil {
		t.Fatal(err)
	}
	if got := again.book.Active(); len(got) != 1 || got[0].Now != 70 || got[0].Value != 120 {
		t.Errorf("active %+v", got)
	}
	same, err := again.book.MarshalState()
	if err != nil || string(same) != string(state) {
		t.Errorf("%v\n%s\n%s", err, state, same)
	}
	again.end = s.end.Add(-width)
	again.values(70) // checked before the restart
	again.want("")
	again.end = again.end.Add(100 * width) // the time of the restart is no run of empty buckets
	again.values(70)
	again.want("cleared 70@114")
	if c := again.book.Counts(); c.Repeated != 1 {
		t.Errorf("%+v", c)
	}
	other := rules()
	other[0].High = Of(90)
	third := newStage(t, Limits{}, other...)
	if err := third.book.RestoreState(state); err != nil || len(third.book.Active()) != 0 {
		t.Errorf("%v: a rule with another limit took the state", err)
	}
}

func TestWrongStates(t *testing.T) {
	for text, want := range map[string]string{
		"": "state of alerts", "{}": "version 0", `{"Version":9}`: "version 9",
		`{"Version":1,"Watches":[{"Rule":{"name":"r","group":"hosts","keys":"10.0.0.1","kind":"threshold","high":100},
			"Keys":[{"Bin":"CgAAAQ==","Samples":"AAAA"}]}]}`: "damaged",
	} {
		s := newStage(t, Limits{}, threshold(100, 1, -1, 0))
		if err := s.book.RestoreState([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; should say %q", text, err, want)
		}
	}
}

func TestAppendBlock(t *testing.T) {
	s := newStage(t, Limits{}, threshold(100, 1, -1, 0))
	s.values(200)
	b := schema.NewBlock(schema.TableAlerts, 1)
	AppendBlock(b, &s.said[0])
	for i := range b.Columns {
		c := &b.Columns[i]
		if n := len(c.Ints) + len(c.Floats) + len(c.Texts.Ends); n != 1 {
			t.Errorf("column %s has %d values", c.Name, n)
		}
	}
	if b.Rows != 1 || string(b.Column("key").Texts.At(0)) != "0A.00.00.01" || !math.IsNaN(b.Column("low").Floats[0]) ||
		b.Column("at").Ints[0] != int64(start.Add(width)) || string(b.Column("state").Texts.At(0)) != "fired" {
		t.Errorf("%+v", b)
	}
}

// The book agrees with one that looks at the whole history of a key after each bucket.
func TestAgainstHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := threshold(10, rapid.IntRange(1, 3).Draw(t, "high for"), rapid.IntRange(-1, 10).Draw(t, "low"),
			rapid.IntRange(1, 3).Draw(t, "low for"))
		if err := r.Complete(); err != nil {
			t.Fatal(err)
		}
		b := NewBook(Limits{})
		if err := b.Apply(start, []*Rule{r}, hostForm); err != nil {
			t.Fatal(err)
		}
		values := rapid.SliceOfN(rapid.IntRange(0, 15), 1, 40).Draw(t, "values")
		end := start
		var got []string
		for _, v := range values {
			end = end.Add(width)
			if v > 0 || rapid.Bool().Draw(t, "with a row") {
				b.Check(end, "hosts", width, rowsOf(map[string]float64{"10.0.0.1": float64(v), "10.0.0.2": 99}))
			}
		}
		b.Idle("hosts", end)
		for _, a := range b.Take() {
			got = append(got, fmt.Sprint(a.State, int64(a.At.Sub(start)/width)))
		}
		if want := fromHistory(r, values); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// fromHistory is the rule of trisul.md section 1.9, the long way.
func fromHistory(r *Rule, values []int) (out []string) {
	fired, from := false, 0
	all := func(i, n int, holds func(v float64) bool) bool {
		if i+1-from < n {
			return false
		}
		for _, v := range values[i+1-n : i+1] {
			if !holds(float64(v)) {
				return false
			}
		}
		return true
	}
	for i, v := range values {
		switch {
		case !fired && all(i, r.HighFor, func(v float64) bool { return v > float64(*r.High) }):
			out, fired, from = append(out, fmt.Sprint(Fired, i+1)), true, i+1
		case fired && r.Low == nil && float64(v) <= float64(*r.High):
			fired, from = false, i+1
		case fired && r.Low != nil && all(i, r.LowFor, func(v float64) bool { return v < float64(*r.Low) }):
			out, fired, from = append(out, fmt.Sprint(Cleared, i+1)), false, i+1
		}
	}
	return out
}

func manyRows(n int) func(yield func([]byte, func(int) (float64, bool)) bool) {
	return func(yield func([]byte, func(int) (float64, bool)) bool) {
		var bin [4]byte
		value := func(int) (float64, bool) { return float64(bin[3]), true }
		for i := range n {
			bin = [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
			if !yield(bin[:], value) {
				return
			}
		}
	}
}

func benchRules() []*Rule {
	all, some, band := threshold(1000, 1, -1, 0), threshold(1000, 1, -1, 0), threshold(0, 0, -1, 0)
	all.Name, all.Keys, some.Name, some.Keys = "all", "*", "some", "10.0.0.0/24,10.9.*"
	band.Name, band.Keys, band.Kind, band.High, band.HighFor = "band", "10.0.0.1~10.0.0.9", KindBand, nil, 0
	band.Band.Baseline = BaselineDay
	return []*Rule{all, some, band}
}

// Keys whose state does not change cost no allocation, however many they are.
func TestNoAllocations(t *testing.T) {
	s := newStage(t, Limits{}, benchRules()...)
	check := func(n int) float64 {
		return testing.AllocsPerRun(20, func() {
			s.book.Check(s.end, "hosts", width, manyRows(n))
		})
	}
	if few, many := check(10), check(5000); many > few {
		t.Errorf("%g allocations for 10 keys, %g for 5000", few, many)
	}
}

func BenchmarkCheck(b *testing.B) {
	s := newStage(b, Limits{}, benchRules()...)
	const n = 100_000
	b.ReportAllocs()
	for b.Loop() {
		s.end = s.end.Add(width)
		s.book.Check(s.end, "hosts", width, manyRows(n))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
}

func FuzzRule(f *testing.F) {
	f.Add([]byte(`{"name":"a","group":"hosts","keys":"*","high":"10Mbps","low":5,"low_for":2}`), 1.0, int64(1))
	f.Add([]byte(`{"name":"a","group":"hosts","keys":"10.*","band":{"baseline":"week","weeks":1}}`), 1.0, int64(1e12))
	f.Add([]byte(`{"name":"a","group":"hosts","keys":"*","kind":"band","low":1,"schedule":{"hours":"22:00-06:00"}}`), 0.0, int64(-5))
	f.Fuzz(func(t *testing.T, text []byte, v float64, gap int64) {
		var r Rule
		if json.Unmarshal(text, &r) != nil || r.Complete() != nil {
			return
		}
		r.Group = "hosts"
		b := NewBook(Limits{Keys: 10, BandKeys: 2})
		if b.Apply(start, []*Rule{&r}, hostForm) != nil {
			return
		}
		end := start
		for _, d := range []schema.Instant{0, schema.Instant(gap), 30 * second, -30 * second} {
			end += d % (10 * 365 * day)
			b.Check(end, "hosts", width, rowsOf(map[string]float64{"10.0.0.1": v, key.Totals: v}))
			b.Idle("hosts", end+60*second)
		}
		state, err := b.MarshalState()
		if err != nil {
			t.Fatal(err)
		}
		again := NewBook(Limits{})
		if err := again.Apply(start, []*Rule{&r}, hostForm); err != nil {
			t.Fatal(err)
		}
		if err := again.RestoreState(state); err != nil {
			t.Fatal(err)
		}
		if a, b := len(b.Active()), len(again.Active()); a != b {
			t.Fatalf("%d active, %d after a restart", a, b)
		}
	})
}

func FuzzRestoreState(f *testing.F) {
	f.Add([]byte(`{"Version":1,"Groups":{"hosts":5},"Watches":[{"Rule":{"name":"r","group":"hosts","keys":"10.0.0.1",
		"kind":"threshold","high":100},"Slot":1,"Keys":[{"Bin":"CgAAAQ==","Run":1,"Last":-9223372036854775808}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newStage(t, Limits{}, threshold(100, 1, -1, 0), benchRules()[2])
		if s.book.RestoreState(text) == nil {
			s.values(200, 1, 200)
			s.book.Idle("hosts", s.end+day)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"10Mbps", "6K", "1e3", "-", "1e", "1e+", "%", "5 kB/s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseValue(s); err == nil && !finite(v) {
			t.Fatalf("%q is %g", s, v)
		}
	})
}
