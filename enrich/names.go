package enrich

import (
	"cmp"
	"maps"
	"slices"

	"weir/schema"
)

// names is what telemetry said about exporters, their ports, and the hosts behind MAC addresses. It is persistent:
// learning copies the outer maps and the entries that change.
type names struct {
	agents   map[schema.Addr]*agentNames
	byHost   map[string]schema.Addr // host name -> exporter; of several the lowest address
	owners   map[schema.Source]*Owner
	adapters map[MAC]schema.Source
	ports    int // of all agents
}

type agentNames struct {
	host    string
	hostSrc schema.Source // which datasource said so: the lowest of class 2 wins
	ports   map[uint32]string
	byName  map[string]uint32
}

func newNames() *names {
	return &names{
		agents: map[schema.Addr]*agentNames{}, byHost: map[string]schema.Addr{},
		owners: map[schema.Source]*Owner{}, adapters: map[MAC]schema.Source{},
	}
}

// Owner is a telemetry host (sFlow host_descr, class 2 physical or class 3 virtual) as key function host shows it.
// Empty texts are not known.
type Owner struct {
	Source      schema.Source
	HostName    string
	UUID        string
	MachineType string
	OSName      string
	OSRelease   string
}

// Attribute returns the attribute called name: host_name, uuid, machine_type, os_name or os_release. ok is false for
// other names.
func (o *Owner) Attribute(name string) (text string, ok bool) {
	field := o.attribute(name)
	if field == nil {
		return "", false
	}
	return *field, true
}

func (o *Owner) attribute(name string) *string {
	switch name {
	case "host_name":
		return &o.HostName
	case "uuid":
		return &o.UUID
	case "machine_type":
		return &o.MachineType
	case "os_name":
		return &o.OSName
	case "os_release":
		return &o.OSRelease
	}
	return nil
}

// PortLabel says that an exporter calls one of its interfaces Name (sFlow structures 1004 and 1005, IPFIX
// interfaceName options).
type PortLabel struct {
	Agent schema.Addr
	Index uint32 // ifIndex
	Name  string
}

// Adapter says that a MAC address belongs to a telemetry host (sFlow host_adapters).
type Adapter struct {
	Source schema.Source
	MAC    MAC
}

// Learned is what a lane learned from telemetry since it was last asked. It is owned by who gets it.
type Learned struct {
	Owners    []Owner
	Ports     []PortLabel
	Adapters  []Adapter
	Sightings []Sighting
}

// Empty tells that nothing was learned.
func (l *Learned) Empty() bool {
	return len(l.Owners)+len(l.Ports)+len(l.Adapters)+len(l.Sightings) == 0
}

// WithLearned returns a World that knows what the lanes learned up to the instant at, or w itself when nothing is new.
// It also forgets old locations. The answer does not depend on how exporters are spread over lanes.
func (w *World) WithLearned(at schema.Instant, parts ...*Learned) *World {
	next := w.withNames(parts)
	return next.withSightings(at, parts)
}

func (w *World) withNames(parts []*Learned) *World {
	var all Learned
	for _, p := range parts {
		if p != nil {
			all.Owners = append(all.Owners, p.Owners...)
			all.Ports = append(all.Ports, p.Ports...)
			all.Adapters = append(all.Adapters, p.Adapters...)
		}
	}
	if all.Empty() {
		return w
	}
	slices.SortStableFunc(all.Owners, func(a, b Owner) int { return compareSources(a.Source, b.Source) })
	slices.SortStableFunc(all.Adapters, func(a, b Adapter) int { return compareSources(a.Source, b.Source) })
	slices.SortStableFunc(all.Ports, func(a, b PortLabel) int { return a.Agent.Compare(b.Agent) })
	l := learner{names: *w.names, limits: w.limits, own: map[schema.Addr]bool{}}
	l.takePorts(all.Ports)
	l.takeOwners(all.Owners)
	l.takeAdapters(all.Adapters)
	c := *w
	c.names = &l.names
	c.refused += l.refused
	return &c
}

// learner makes the next names out of the last.
type learner struct {
	names   names
	limits  Limits
	own     map[schema.Addr]bool // agents whose entry is already a copy
	refused uint64
}

// agent returns the entry of an exporter for writing, nil when there is no room for a new one.
func (l *learner) agent(a schema.Addr) *agentNames {
	if l.own[a] {
		return l.names.agents[a]
	}
	old := l.names.agents[a]
	if old == nil && len(l.names.agents) >= l.limits.Agents {
		l.refused++
		return nil
	}
	if len(l.own) == 0 {
		l.names.agents = maps.Clone(l.names.agents)
	}
	n := &agentNames{ports: map[uint32]string{}, byName: map[string]uint32{}}
	if old != nil {
		*n = *old
		n.ports = maps.Clone(old.ports)
	}
	l.own[a], l.names.agents[a] = true, n
	return n
}

// takePorts takes the names of ports. What is found by name is made anew once for each exporter that said something,
// however many of its ports have other names now: an exporter may rename all of them between any two ticks.
func (l *learner) takePorts(ports []PortLabel) {
	changed := map[*agentNames]bool{}
	for _, p := range ports {
		n := l.agent(p.Agent)
		if n == nil {
			continue
		}
		if _, known := n.ports[p.Index]; !known {
			if len(n.ports) >= l.limits.PortsPerAgent || l.names.ports >= l.limits.Ports {
				l.refused++
				continue
			}
			l.names.ports++
		}
		n.ports[p.Index] = p.Name
		changed[n] = true
	}
	for n := range changed {
		n.indexPorts()
	}
}

// indexPorts makes the index by name: of several ports of one name it has the lowest.
func (n *agentNames) indexPorts() {
	n.byName = make(map[string]uint32, len(n.ports))
	for index, name := range n.ports {
		if holder, taken := n.byName[name]; !taken || index < holder {
			n.byName[name] = index
		}
	}
}

func (l *learner) takeOwners(owners []Owner) {
	if len(owners) == 0 {
		return
	}
	l.names.owners = maps.Clone(l.names.owners)
	renamed := false
	for i := range owners {
		o := &owners[i]
		if l.names.owners[o.Source] == nil && len(l.names.owners) >= l.limits.Owners {
			l.refused++
			continue
		}
		c := *o
		l.names.owners[o.Source] = &c
		if o.Source.Class == classHost && o.HostName != "" {
			renamed = l.rename(o) || renamed
		}
	}
	if renamed {
		l.indexHosts()
	}
}

// rename takes the host name of an exporter from its physical host; of several hosts behind one address the lowest.
func (l *learner) rename(o *Owner) bool {
	a := o.Source.Exporter
	if old := l.names.agents[a]; old != nil && old.host != "" &&
		(old.host == o.HostName || compareSources(old.hostSrc, o.Source) < 0) {
		return false
	}
	n := l.agent(a)
	if n == nil {
		return false
	}
	n.host, n.hostSrc = o.HostName, o.Source
	return true
}

func (l *learner) indexHosts() {
	l.names.byHost = make(map[string]schema.Addr, len(l.names.agents))
	for a, n := range l.names.agents {
		if holder, taken := l.names.byHost[n.host]; n.host != "" && (!taken || a.Compare(holder) < 0) {
			l.names.byHost[n.host] = a
		}
	}
}

func (l *learner) takeAdapters(adapters []Adapter) {
	if len(adapters) == 0 {
		return
	}
	l.names.adapters = maps.Clone(l.names.adapters)
	for _, a := range adapters {
		if _, known := l.names.adapters[a.MAC]; !known && len(l.names.adapters) >= l.limits.Adapters {
			l.refused++
			continue
		}
		l.names.adapters[a.MAC] = a.Source
	}
}

// The sFlow source classes that describe hosts (sFlow v5, sflow_data_source).
const (
	classInterface = 0
	classHost      = 2
	classVirtual   = 3
)

func compareSources(a, b schema.Source) int {
	return cmp.Or(a.Exporter.Compare(b.Exporter), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Index, b.Index),
		cmp.Compare(a.Domain, b.Domain))
}

// HostName returns the host name that an exporter gave for itself (host_descr), empty when it did not.
func (w *World) HostName(agent schema.Addr) string {
	if n := w.names.agents[agent]; n != nil {
		return n.host
	}
	return ""
}

// PortLabel returns the name that an exporter gave to an interface, empty when it did not.
func (w *World) PortLabel(agent schema.Addr, index uint32) string {
	if n := w.names.agents[agent]; n != nil {
		return n.ports[index]
	}
	return ""
}

// OwnerOfMAC returns the telemetry host that owns a MAC address (host_adapters), nil when it is not known. It must not
// be written to.
func (w *World) OwnerOfMAC(m MAC) *Owner {
	src, ok := w.names.adapters[m]
	if !ok {
		return nil
	}
	return w.names.owners[src]
}

// OwnerOfAddr returns the telemetry host that has an address: the one that exports from it, or the one that owns the
// MAC that was seen using it at an edge port. nil when it is not known. It must not be written to.
func (w *World) OwnerOfAddr(a schema.Addr) *Owner {
	if n := w.names.agents[a]; n != nil && n.host != "" {
		if o := w.names.owners[n.hostSrc]; o != nil {
			return o
		}
	}
	if users, ok := w.locations.byAddr.get(a); ok {
		for _, u := range *users {
			if o := w.OwnerOfMAC(u.mac); o != nil {
				return o
			}
		}
	}
	return nil
}
