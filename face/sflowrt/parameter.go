package sflowrt

import (
	"math"
	"strconv"
	"strings"
	"time"

	"weir/metric"
	"weir/schema"
)

// number returns a query parameter as a number; fallback when it is missing or no number, because clients pass their
// own settings through as they are (spec sflow-rt 1.3).
func (c *call) number(name string, fallback float64) float64 {
	if f, ok := parseNumber(c.query.Get(name)); ok {
		return f
	}
	return fallback
}

// count returns a query parameter that says how many; fallback when it is missing, no number, or not positive.
func (c *call) count(name string, fallback int) int {
	f, ok := parseNumber(c.query.Get(name))
	if !ok || f < 1 {
		return fallback
	}
	return int(min(f, math.MaxInt32))
}

func parseNumber(s string) (f float64, ok bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// selector returns the places that the path segment {agents} selects.
func (c *call) selector() metric.Selector { return metric.ParseSelector(c.r.PathValue("agents")) }

// keep is selector as a test; nil is everything.
func (c *call) keep() func(schema.Source) bool { return c.view.Keep(c.selector()) }

// wholeNetwork stands where the agent of a pool of the whole network would: it is a selector that selects the pool.
const wholeNetwork = "ALL"

// agentText returns how an answer names the exporter of a place.
func agentText(s schema.Source) string {
	if s.Exporter.IsZero() {
		return wholeNetwork
	}
	return s.Exporter.String()
}

// agent reads the address or the host name of one exporter.
func (c *call) agent(text string) (a schema.Addr, ok bool) {
	if a, err := schema.ParseAddr(text); err == nil {
		return a, true
	}
	c.view.Metric.Hosts(func(addr schema.Addr, host string) bool {
		if host == text {
			a, ok = addr, true
		}
		return !ok
	})
	return a, ok
}

// datasource reads "7" or "2.1".
func datasource(text string) (class uint8, index uint32, ok bool) {
	kind, number, two := strings.Cut(text, ".")
	if !two {
		kind, number = "0", text
	}
	k, err := strconv.ParseUint(kind, 10, 8)
	i, err2 := strconv.ParseUint(number, 10, 32)
	return uint8(k), uint32(i), err == nil && err2 == nil
}

// age is how long ago an instant was, in ms: 0 for what has not come yet.
func (c *call) age(at schema.Instant) int64 {
	return max(0, c.view.At.Sub(at)).Milliseconds()
}

// seconds returns s as a duration between 0 and most.
func seconds(s float64, most time.Duration) time.Duration {
	return time.Duration(min(max(s, 0), most.Seconds()) * float64(time.Second))
}
