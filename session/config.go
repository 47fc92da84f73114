package session

import (
	"errors"
	"fmt"
	"time"
)

// Config says how long sessions live and how many there may be.
type Config struct {
	TCP, UDP, ICMP, Other time.Duration // ended as timed out when inactive this long; 1 s to 24 h; default 120 s
	Report                time.Duration // how often a long session is reported in between; 0 = never; default 300 s
	Linger                time.Duration // how long a closed session takes trailing packets; 0 to 1 min; default 2 s
	Max                   int           // live sessions of one lane; default 1,048,576
	MinBytes              uint64        // smaller finished sessions are not to be stored; default 0: all are
}

// The bounds of a Config.
const (
	minTimeout = time.Second
	maxTimeout = 24 * time.Hour
	maxLinger  = time.Minute
	maxMax     = 1 << 26
	defaultMax = 1 << 20
)

// DefaultConfig returns the defaults (spec trisul 2.5).
func DefaultConfig() Config {
	return Config{
		TCP: 120 * time.Second, UDP: 120 * time.Second, ICMP: 120 * time.Second, Other: 120 * time.Second,
		Report: 300 * time.Second, Linger: 2 * time.Second, Max: defaultMax,
	}
}

// Validate returns every error of c, joined, each with the name of its field and what is allowed; nil when there is
// none.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name     string
		d        time.Duration
		min, max time.Duration
		zero     bool // 0 is allowed too
	}{
		{"tcp", c.TCP, minTimeout, maxTimeout, false},
		{"udp", c.UDP, minTimeout, maxTimeout, false},
		{"icmp", c.ICMP, minTimeout, maxTimeout, false},
		{"other", c.Other, minTimeout, maxTimeout, false},
		{"report", c.Report, minTimeout, maxTimeout, true},
		{"linger", c.Linger, 0, maxLinger, true},
	} {
		if (f.d < f.min || f.d > f.max) && !(f.zero && f.d == 0) {
			errs = append(errs, fmt.Errorf("session %s: %v is not between %v and %v", f.name, f.d, f.min, f.max))
		}
	}
	if c.Max < 1 || c.Max > maxMax {
		errs = append(errs, fmt.Errorf("session max: %d is not between 1 and %d; %d is the default", c.Max, maxMax,
			defaultMax))
	}
	return errors.Join(errs...)
}

// timeout returns how long a session of this protocol may be silent.
func (c *Config) timeout(proto uint8) time.Duration {
	switch proto {
	case 6:
		return c.TCP
	case 17:
		return c.UDP
	case 1, 58:
		return c.ICMP
	}
	return c.Other
}

// withDefaults fills in what must not be zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	for _, f := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.TCP, d.TCP}, {&c.UDP, d.UDP}, {&c.ICMP, d.ICMP}, {&c.Other, d.Other}} {
		if *f.v <= 0 {
			*f.v = f.def
		}
	}
	if c.Max <= 0 {
		c.Max = d.Max
	}
	return c
}
