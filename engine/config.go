package engine

import (
	"fmt"
	"runtime"
	"time"

	"weir/enrich"
	"weir/flow"
	"weir/metric"
	"weir/session"
	"weir/wire"
)

// Config sizes an engine. The zero value of a field means its default.
type Config struct {
	Lanes int `yaml:"lanes" json:"lanes"` // owner goroutines; default one per core, at most 64
	Inbox int `yaml:"inbox" json:"inbox"` // parcels that a lane holds before it is full; default 64
	// Tick is how often a live engine closes the past; default 100 ms.
	Tick      time.Duration `yaml:"tick" json:"tick"`
	FlowsMax  int           `yaml:"flows_max" json:"flows_max"`   // logged flows kept for REST; default 1000
	EventsMax int           `yaml:"events_max" json:"events_max"` // events kept for REST; default 1000
	// NullFailsUnequal makes "!=" and "!~" in filters false for what a record does not have; see schema.Compiler.
	NullFailsUnequal bool `yaml:"null_fails_unequal" json:"null_fails_unequal"`
	// Replay makes the engine wait where a live one drops, and makes Tick return only when its view is published, so
	// that the same input gives the same output, bit for bit.
	Replay bool `yaml:"-" json:"-"`
	// Resolve tells that somebody follows the harvests and answers Harvest.Wanted with AddNames: key function dns then
	// asks for names.
	Resolve bool `yaml:"-" json:"-"`

	// NoSessions leaves conversations out, so that what they cost can be measured; captured frames then reach flows and
	// counter groups one by one.
	NoSessions bool `yaml:"-" json:"-"`

	// Profile is which tables of meters and which times the built-in counter groups have; see meter.BuiltinProfile.
	Profile string         `yaml:"-" json:"-"`
	Session session.Config `yaml:"-" json:"-"`
	Wire    wire.Config    `yaml:"-" json:"-"`
	Flow    flow.Limits    `yaml:"-" json:"-"`
	Metric  metric.Limits  `yaml:"-" json:"-"`
	Enrich  enrich.Limits  `yaml:"-" json:"-"`
}

// MaxLanes bounds Config.Lanes.
const MaxLanes = 64

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Lanes: min(runtime.GOMAXPROCS(0), MaxLanes), Inbox: 64, Tick: 100 * time.Millisecond,
		FlowsMax: 1000, EventsMax: 1000, Wire: wire.DefaultConfig(), Enrich: enrich.DefaultLimits(),
		Session: session.DefaultConfig(),
	}
}

// Validate returns an error that names the value that is wrong.
func (c Config) Validate() error {
	switch {
	case c.Lanes < 0 || c.Lanes > MaxLanes:
		return fmt.Errorf("engine.lanes: %d is not between 1 and %d", c.Lanes, MaxLanes)
	case c.Inbox < 0 || c.Inbox > 65536:
		return fmt.Errorf("engine.inbox: %d is not between 1 and 65536", c.Inbox)
	case c.Tick < 0 || c.Tick > 0 && c.Tick < 10*time.Millisecond || c.Tick > time.Second:
		return fmt.Errorf("engine.tick: %v is not between 10ms and 1s", c.Tick)
	case c.FlowsMax < 0 || c.FlowsMax > 1_000_000:
		return fmt.Errorf("engine.flows_max: %d is not between 1 and 1000000", c.FlowsMax)
	case c.EventsMax < 0 || c.EventsMax > 1_000_000:
		return fmt.Errorf("engine.events_max: %d is not between 1 and 1000000", c.EventsMax)
	}
	return nil
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	orDefault := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orDefault(&c.Lanes, d.Lanes)
	orDefault(&c.Inbox, d.Inbox)
	orDefault(&c.FlowsMax, d.FlowsMax)
	orDefault(&c.EventsMax, d.EventsMax)
	if c.Tick == 0 {
		c.Tick = d.Tick
	}
	if c.Enrich == (enrich.Limits{}) {
		c.Enrich = d.Enrich
	}
	if c.Session == (session.Config{}) {
		c.Session = d.Session
	}
	return c
}
