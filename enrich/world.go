package enrich

import (
	"fmt"
	"maps"
	"slices"

	"weir/schema"
)

// Limits bounds what a World remembers. What comes beyond a bound is refused and counted, never an error.
type Limits struct {
	Agents        int     // exporters whose names are kept
	PortsPerAgent int     // port names kept of one exporter
	Ports         int     // port names kept of all exporters
	Owners        int     // telemetry hosts (host_descr) whose attributes are kept
	Adapters      int     // MAC addresses of telemetry hosts (host_adapters)
	Hosts         int     // located (MAC, VLAN) pairs
	HostAge       Seconds // a location not confirmed for so long is forgotten
	Answers       int     // DNS answers
}

// Seconds is a length of time on the clock of the data, in whole seconds.
type Seconds int64

// DefaultLimits are the bounds of a new World.
func DefaultLimits() Limits {
	return Limits{
		Agents: 1 << 16, PortsPerAgent: 1 << 14, Ports: 1 << 18, Owners: 1 << 17, Adapters: 1 << 18,
		Hosts: 1 << 16, HostAge: 1800, Answers: 1 << 18,
	}
}

// Bounds of what one request may install; beyond them the With method returns an error.
const (
	MaxSets     = 1000      // group sets, and maps, each
	MaxPrefixes = 4_000_000 // prefixes in one group set
	MaxLabels   = 4_000_000 // values in one map
	MaxName     = 255       // bytes of the name of a set, map, group or label
)

// DefaultSet is the name of the group set that a new World has; sourcegroup and destinationgroup read it
// (spec sflow-rt 1.10).
const DefaultSet = "default"

// World is everything enrich knows at one moment. It is immutable: With methods return a changed copy and share the
// rest, so replacing a set of half a million prefixes disturbs nobody who reads the old one.
type World struct {
	limits    Limits
	groups    map[string]*groupSet
	labels    map[string]*labelMap
	graph     *Graph
	topoSets  int // how many topologies were set so far; the next one's version
	names     *names
	locations *locations
	answers   trie[*answer]
	resolving bool
	vendors   *Vendors
	refused   uint64
}

// NewWorld returns a World that knows only the group set "default".
func NewWorld() *World {
	set, err := newGroupSet(defaultGroups())
	if err != nil {
		panic("enrich: the built-in group set is malformed: " + err.Error()) // a table of this package
	}
	return &World{
		limits:    DefaultLimits(),
		groups:    map[string]*groupSet{DefaultSet: set},
		names:     newNames(),
		locations: &locations{},
	}
}

// defaultGroups follows RFC 1918, 4193, 3927, 4291 and 5771; whatever is neither private nor multicast is external.
func defaultGroups() map[string][]string {
	return map[string][]string{
		"external": {"0.0.0.0/0", "::/0"},
		"private": {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7",
			"fe80::/10", "::1/128"},
		"multicast": {"224.0.0.0/4", "ff00::/8"},
	}
}

// WithLimits returns a World with other bounds; what is already known beyond them stays.
func (w *World) WithLimits(l Limits) *World {
	c := *w
	c.limits = l
	return &c
}

// Refused is how many learned names, locations and answers were not kept because a limit was reached.
func (w *World) Refused() uint64 { return w.refused }

// WithGroups returns a World in which the group set called name holds groups (group name -> addresses and CIDR
// prefixes of both families); a set of that name is replaced. The error names the group and the malformed prefix and
// is fit for a client. A prefix that two groups list belongs to the group whose name sorts first. groups is copied.
func (w *World) WithGroups(name string, groups map[string][]string) (*World, error) {
	if err := checkName("group set", name, w.groups[name] == nil && len(w.groups) >= MaxSets); err != nil {
		return nil, err
	}
	set, err := newGroupSet(groups)
	if err != nil {
		return nil, fmt.Errorf("group set %q: %w", name, err)
	}
	c := *w
	c.groups = maps.Clone(w.groups)
	c.groups[name] = set
	return &c, nil
}

// WithoutGroups returns a World without the group set called name, or w itself when there is none.
func (w *World) WithoutGroups(name string) *World {
	if w.groups[name] == nil {
		return w
	}
	c := *w
	c.groups = maps.Clone(w.groups)
	delete(c.groups, name)
	return &c
}

// GroupSets returns the names of the group sets, sorted.
func (w *World) GroupSets() []string { return slices.Sorted(maps.Keys(w.groups)) }

// Groups returns a copy of the group set called name as it was set; ok is false when there is none.
func (w *World) Groups(name string) (groups map[string][]string, ok bool) {
	set := w.groups[name]
	if set == nil {
		return nil, false
	}
	return cloneLists(set.source), true
}

// Group returns the group of a in the set called name by longest prefix; ok is false when no prefix covers it.
func (w *World) Group(name string, a schema.Addr) (group string, ok bool) {
	set := w.groups[name]
	if set == nil {
		return "", false
	}
	b := set.lookup(a)
	return string(b), b != nil
}

// WithMap returns a World in which the map called name gives labels (label -> exact values, as the flow language
// shows them); a map of that name is replaced. A value that two labels list has the label that sorts first. labels is
// copied.
func (w *World) WithMap(name string, labels map[string][]string) (*World, error) {
	if err := checkName("map", name, w.labels[name] == nil && len(w.labels) >= MaxSets); err != nil {
		return nil, err
	}
	m, err := newLabelMap(labels)
	if err != nil {
		return nil, fmt.Errorf("map %q: %w", name, err)
	}
	c := *w
	c.labels = maps.Clone(w.labels)
	if c.labels == nil {
		c.labels = map[string]*labelMap{}
	}
	c.labels[name] = m
	return &c, nil
}

// WithoutMap returns a World without the map called name, or w itself when there is none.
func (w *World) WithoutMap(name string) *World {
	if w.labels[name] == nil {
		return w
	}
	c := *w
	c.labels = maps.Clone(w.labels)
	delete(c.labels, name)
	return &c
}

// Maps returns the names of the maps, sorted.
func (w *World) Maps() []string { return slices.Sorted(maps.Keys(w.labels)) }

// Map returns a copy of the map called name as it was set; ok is false when there is none.
func (w *World) Map(name string) (labels map[string][]string, ok bool) {
	m := w.labels[name]
	if m == nil {
		return nil, false
	}
	return cloneLists(m.source), true
}

// Label returns the label of an exact value in the map called name.
func (w *World) Label(name, value string) (label string, ok bool) {
	m := w.labels[name]
	if m == nil {
		return "", false
	}
	b, ok := m.byValue[value]
	return string(b), ok
}

// WithVendors returns a World that knows the vendors of MAC addresses; nil forgets them.
func (w *World) WithVendors(v *Vendors) *World {
	c := *w
	c.vendors = v
	return &c
}

// Source is a body of knowledge that has to be configured before a key function can answer from it.
type Source string

// The sources that may be missing.
const (
	SourceCountry Source = "country" // key function country
	SourceASN     Source = "asn"     // key function asn
	SourceVendors Source = "oui"     // oui:KEY:name
	SourceDNS     Source = "dns"     // key function dns
)

// Unconfigured tells that w has nothing to answer s from, so that its key function gives null (country, asn), the
// number (oui) or the address (dns).
func (w *World) Unconfigured(s Source) bool {
	switch s {
	case SourceVendors:
		return w.vendors == nil
	case SourceDNS:
		return !w.resolving
	}
	return true
}

func checkName(what, name string, full bool) error {
	switch {
	case name == "":
		return fmt.Errorf("a %s needs a name", what)
	case len(name) > MaxName:
		return fmt.Errorf("the name of a %s is at most %d bytes, not %d", what, MaxName, len(name))
	case full:
		return fmt.Errorf("there are already %d of kind %s; delete one first", MaxSets, what)
	}
	return nil
}

func cloneLists(m map[string][]string) map[string][]string {
	c := make(map[string][]string, len(m))
	for k, v := range m {
		c[k] = slices.Clone(v)
	}
	return c
}

// The group sets that tell where an address is and whose it is, when somebody defined them: counter groups Country and
// AS read them. The groups of SetCountry are codes of two letters, those of SetASN numbers, with or without "AS".
const (
	SetCountry = "country"
	SetASN     = "as"
)

// SamePlaces tells whether addresses have the same country and AS in both worlds.
func (w *World) SamePlaces(o *World) bool {
	return w.groups[SetCountry] == o.groups[SetCountry] && w.groups[SetASN] == o.groups[SetASN]
}
