package config

import (
	"maps"
	"slices"

	"weir/alert"
	"weir/api"
	"weir/capture"
	"weir/engine"
	"weir/enrich"
	"weir/event"
	"weir/export"
	"weir/flow"
	"weir/ingest"
	"weir/meter"
	"weir/resolve"
	"weir/store"
)

// Config is everything that the file can say.
type Config struct {
	Listen     ingest.Config
	HTTP       api.Config
	SFlowRT    SFlowRT       // how the interface that sFlow-RT's clients know answers
	Engine     engine.Config // with the limits of all pure rooms, and the sampling rates
	Capture    []capture.Config
	Flows      map[string]flow.Definition
	Thresholds map[string]event.Threshold
	Groups     map[string]map[string][]string // set -> group -> prefixes
	Maps       map[string]map[string][]string // map -> label -> values
	Topology   *enrich.Topology               // nil: none
	Export     export.Config                  // of flows that name collectors
	DNS        resolve.Config
	// SystemDNS asks the name servers of the machine when DNS names none.
	SystemDNS bool
	OUIFile   string          // path as in the file; empty: none
	Vendors   *enrich.Vendors // read from OUIFile; nil: none
	Data      string          // directory of what weir itself keeps

	Home          Home
	CounterGroups []meter.Group // settings of built-in groups, and further ones, in the order of the file
	Rules         []alert.Rule  // on meters of counter groups
	Store         store.Config
	Remember      bool  // there is a store
	QueryMemory   int64 // what queries may take, bytes
}

// Default returns the defaults: the ports of telemetry, REST on loopback, and the definitions that the console's first
// page stands on.
func Default() *Config {
	c := &Config{
		Listen: ingest.DefaultConfig(), HTTP: api.DefaultConfig(), Engine: engine.DefaultConfig(), Flows: standing(),
		Thresholds: map[string]event.Threshold{}, Groups: map[string]map[string][]string{},
		Maps: map[string]map[string][]string{}, SFlowRT: defaultSFlowRT(),
		DNS: defaultDNS(), Export: export.DefaultConfig(), Data: "weir-data",
		Home: Home{meter.Settings{Home: meter.DefaultHome()}}, Store: store.DefaultConfig(), Remember: true,
		QueryMemory: 1 << 30,
	}
	c.Engine.Profile = meter.ProfileSeed
	c.Engine.Lanes = 0 // one for each core, wherever the file is read
	c.fill()
	return c
}

func defaultDNS() resolve.Config {
	var c resolve.Config
	if err := c.Complete(); err != nil {
		panic("BUG: the defaults of name resolution are not valid: " + err.Error())
	}
	return c
}

// standing are the definitions behind the console's first page.
func standing() map[string]flow.Definition {
	const (
		source      = "or:ipsource:ip6source"
		destination = "or:ipdestination:ip6destination"
		port        = "or:tcpdestinationport:udpdestinationport"
		protocol    = "or:ipprotocol:ip6nexthdr"
	)
	out := map[string]flow.Definition{}
	for _, d := range []flow.Definition{
		{Name: "console_total", Value: "bytes", AggMode: "AGENT"},
		{Name: "console_packets", Value: "frames", AggMode: "AGENT"},
		{Name: "console_sources", Keys: source, Value: "bytes", N: 20},
		{Name: "console_destinations", Keys: destination, Value: "bytes", N: 20},
		{Name: "console_pairs", Keys: source + "," + destination, Value: "bytes", N: 20},
		{Name: "console_ports", Keys: protocol + "," + port, Value: "bytes", N: 20},
	} {
		if err := d.Complete(); err != nil {
			panic("BUG: a standing definition is not valid: " + err.Error())
		}
		out[d.Name] = d
	}
	return out
}

// Commands returns what an engine must be asked for so that c is in force instead of old, which may be nil. What
// others defined at run time is not touched, unless c defines the same name.
func (c *Config) Commands(old *Config) (list []engine.Command) {
	if old == nil {
		old = &Config{}
	}
	list = c.countCommands(old)
	for _, name := range gone(old.Thresholds, c.Thresholds) {
		list = append(list, engine.DropThreshold{Name: name})
	}
	for _, name := range gone(old.Flows, c.Flows) {
		list = append(list, engine.DropFlow{Name: name})
	}
	for _, name := range gone(old.Groups, c.Groups) {
		list = append(list, engine.DropGroups{Name: name})
	}
	for _, name := range gone(old.Maps, c.Maps) {
		list = append(list, engine.DropMap{Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		list = append(list, engine.SetGroups{Name: name, Groups: c.Groups[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Maps)) {
		list = append(list, engine.SetMap{Name: name, Labels: c.Maps[name]})
	}
	if c.Topology != nil || old.Topology != nil {
		list = append(list, engine.SetTopology{Topology: c.Topology})
	}
	if c.Vendors != nil || old.Vendors != nil {
		list = append(list, engine.SetVendors{Vendors: c.Vendors})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Flows)) {
		list = append(list, engine.DefineFlow{Definition: c.Flows[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Thresholds)) {
		list = append(list, engine.SetThreshold{Threshold: c.Thresholds[name]})
	}
	return list
}

// countCommands returns the part of Commands that is about what is always counted.
func (c *Config) countCommands(old *Config) (list []engine.Command) {
	list = append(list, engine.SetHome{Settings: c.Home.Settings}, engine.SetSessions{Sessions: c.Engine.Session})
	for i := range old.Rules {
		name := old.Rules[i].Name
		if !slices.ContainsFunc(c.Rules, func(r alert.Rule) bool { return r.Name == name }) {
			list = append(list, engine.DropRule{Name: name})
		}
	}
	// Groups that others are made from come first in the file, and so go last.
	for i := len(old.CounterGroups) - 1; i >= 0; i-- {
		g := &old.CounterGroups[i]
		there := slices.ContainsFunc(c.CounterGroups, func(x meter.Group) bool { return x.Name == g.Name })
		if b := meter.Lookup(meter.Builtin(), g.Name); there {
			continue
		} else if b != nil {
			list = append(list, engine.DefineGroup{Group: *b})
		} else {
			list = append(list, engine.DropGroup{Name: g.Name})
		}
	}
	for _, g := range c.CounterGroups {
		list = append(list, engine.DefineGroup{Group: g})
	}
	for _, r := range c.Rules {
		list = append(list, engine.SetRule{Rule: r})
	}
	return list
}

// gone returns the names that old has and now has not, sorted.
func gone[V any](old, now map[string]V) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}
