package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/schema"
)

const (
	minute = schema.Instant(time.Minute)
	day    = schema.Instant(24 * time.Hour)
)

// weekdays in the order of time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// calendar is a compiled Schedule.
type calendar struct {
	always   bool
	offset   schema.Instant
	days     [7]bool // by time.Weekday
	from, to schema.Instant
	holidays map[int64]bool // days since 1970 on the wall
}

func (s *Schedule) compile() (*calendar, error) {
	c := &calendar{always: s.isZero(), to: day, holidays: map[int64]bool{}}
	var errs []error
	note := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("schedule.%s: %w", field, err))
		}
	}
	note("weekdays", c.setDays(s.Weekdays))
	note("hours", c.setHours(s.Hours))
	note("holidays", c.setHolidays(s.Holidays))
	note("utc_offset", c.setOffset(s.UTCOffset))
	return c, errors.Join(errs...)
}

func (c *calendar) setDays(words []string) error {
	for _, w := range words {
		i := slices.Index(weekdays, strings.ToLower(w))
		if i < 0 {
			return fmt.Errorf("%s is none of %s", quoted(w), strings.Join(weekdays, ", "))
		}
		c.days[i] = true
	}
	if len(words) == 0 {
		c.days = [7]bool{true, true, true, true, true, true, true}
	}
	return nil
}

func (c *calendar) setHours(text string) (err error) {
	if text == "" {
		return nil
	}
	from, to, _ := strings.Cut(text, "-")
	if c.from, err = clock(strings.TrimSpace(from)); err == nil {
		c.to, err = clock(strings.TrimSpace(to))
	}
	if err != nil || c.from == c.to {
		return fmt.Errorf("%s is not two different times such as 09:00-18:00", quoted(text))
	}
	return nil
}

// clock reads "09:00" as time since midnight; 24:00 is allowed.
func clock(text string) (schema.Instant, error) {
	if text == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", text)
	return schema.Instant(t.Hour())*60*minute + schema.Instant(t.Minute())*minute, err
}

func (c *calendar) setHolidays(dates []string) error {
	if len(dates) > maxHolidays {
		return fmt.Errorf("%d dates; at most %d", len(dates), maxHolidays)
	}
	for _, d := range dates {
		t, err := time.Parse(time.DateOnly, d)
		if err != nil {
			return fmt.Errorf("%s is no date such as 2026-12-25", quoted(d))
		}
		c.holidays[floorDiv(t.Unix(), 86400)] = true
	}
	return nil
}

func (c *calendar) setOffset(text string) error {
	if text == "" {
		return nil
	}
	sign := schema.Instant(1)
	if text[0] == '-' {
		sign = -1
	}
	at, err := clock(text[1:])
	if err != nil || text[0] != '+' && text[0] != '-' || at > 18*60*minute {
		return fmt.Errorf("%s is no offset such as +05:30", quoted(text))
	}
	c.offset = sign * at
	return nil
}

// open tells whether the rule looks at an instant.
func (c *calendar) open(at schema.Instant) bool {
	if c.always {
		return true
	}
	wall := at + c.offset
	date := floorDiv(int64(wall), int64(day))
	clock := wall - schema.Instant(date)*day
	// After midnight, hours that pass midnight belong to the day on which they began.
	if c.from > c.to && clock < c.to {
		date--
	} else if clock < c.from || c.from < c.to && clock >= c.to {
		return false
	}
	return c.days[(date%7+7+4)%7] && !c.holidays[date] // 1970-01-01 was a Thursday, weekday 4
}

// holiday tells whether an instant is on one of the holidays.
func (c *calendar) holiday(at schema.Instant) bool {
	return len(c.holidays) > 0 && c.holidays[floorDiv(int64(at+c.offset), int64(day))]
}

// floorDiv divides and rounds down, for instants before 1970 too.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
