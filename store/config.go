package store

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"weir/schema"
)

// Config says where memory is and how long it lasts.
type Config struct {
	Path string // directory of journal, parts and state; empty: no long memory
	Node string // name of this node in batches; empty: "weir"
	// Keep says for tables how long rows are kept, counted back from the last tick. A table that is not named keeps for
	// ever.
	Keep map[string]time.Duration
	// MaxBytes is what all parts together may take; 0 is no limit. Beyond it the oldest hours of the table that is largest
	// for the time it is to be kept go first.
	MaxBytes     int64
	JournalBytes int64         // what the journal may take; beyond it the oldest frames are given up. 0: 2 GiB
	FlushEvery   time.Duration // how often rows are made into parts; 0: a minute
	FlushRows    int           // or when so many wait; 0: 256k
	// TailRows is how many rows may wait in memory when parts cannot be written; more wait in the journal. 0: 1M
	TailRows int
}

const day = 24 * time.Hour

// DefaultConfig returns the defaults: no path, 7 days of sessions, 30 of buckets, 90 of 5-minute buckets and toppers,
// 400 of 1-hour buckets, a year of events and alerts.
func DefaultConfig() Config {
	c := Config{Keep: map[string]time.Duration{
		schema.TableSessions.Name: 7 * day, schema.TableRunning.Name: 7 * day, schema.TableBuckets.Name: 30 * day,
		schema.TableBuckets5m.Name: 90 * day, schema.TableBuckets1h.Name: 400 * day, schema.TableToppers.Name: 90 * day,
		schema.TableKeys.Name: 90 * day, schema.TableFlows.Name: 30 * day, schema.TableEvents.Name: 365 * day,
		schema.TableAlerts.Name: 365 * day, schema.TableSnapshots.Name: 90 * day, schema.TableSeries.Name: 400 * day,
	}}
	c.fill()
	return c
}

func (c *Config) fill() {
	if c.Node == "" {
		c.Node = "weir"
	}
	if c.JournalBytes == 0 {
		c.JournalBytes = 2 << 30
	}
	if c.FlushEvery == 0 {
		c.FlushEvery = time.Minute
	}
	if c.FlushRows == 0 {
		c.FlushRows = 256 << 10
	}
	if c.TailRows == 0 {
		c.TailRows = 1 << 20
	}
}

// Bounds of Config.
const (
	minKeep         = time.Hour
	maxKeep         = 100 * 366 * day
	minJournalBytes = 1 << 20
	minMaxBytes     = 16 << 20
)

// Complete fills in what is absent and says what is wrong. The error is a *QueryError whose Field is the setting.
func (c *Config) Complete() error {
	c.fill()
	for _, name := range slices.Sorted(maps.Keys(c.Keep)) {
		if schema.TableOf(name) == nil {
			hint := schema.DidYouMean(name, slices.Values(tableNames()))
			if hint == "" {
				hint = "one of " + strings.Join(tableNames(), ", ")
			}
			return &QueryError{"keep." + name, "there is no such table", hint}
		}
		if d := c.Keep[name]; d < minKeep || d > maxKeep {
			return &QueryError{"keep." + name, fmt.Sprintf("%s is not between an hour and 100 years", d),
				"leave the table out to keep it for ever"}
		}
	}
	for _, bound := range []struct {
		name               string
		value, least, most int64
		unit               string
	}{
		{"max_bytes", c.MaxBytes, minMaxBytes, math.MaxInt64, "bytes"},
		{"journal_bytes", c.JournalBytes, minJournalBytes, math.MaxInt64, "bytes"},
		{"flush_every", int64(c.FlushEvery), int64(time.Second), int64(time.Hour), "ns"},
		{"flush_rows", int64(c.FlushRows), 1, 1 << 26, "rows"},
		{"tail_rows", int64(c.TailRows), 1, 1 << 28, "rows"},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			if bound.name == "max_bytes" && bound.value == 0 {
				continue
			}
			return &QueryError{bound.name, fmt.Sprintf("%d is not between %d and %d %s", bound.value, bound.least,
				bound.most, bound.unit), ""}
		}
	}
	if len(c.Node) > 255 {
		return &QueryError{"node", "is longer than 255 bytes", ""}
	}
	return nil
}
