package metric

import (
	"strings"

	"weir/schema"
)

// Side says where in the topology a datasource is.
type Side uint8

// The sides.
const (
	Nowhere Side = iota // not a port of a node of the topology
	Edge                // a port of a known node without a link
	Core                // a port with a link
)

// Topology is what selectors need to know of the topology. A nil function knows nothing.
type Topology struct {
	Side func(schema.Source) Side    // of a datasource
	Node func(addr schema.Addr) bool // whether the exporter is a node
}

// Selector says which exporters, and for EDGE and CORE which of their ports, a query is about (spec sflow-rt 5.5). The
// zero Selector selects nothing.
type Selector struct {
	all, topology, edge, core bool

	addrs map[schema.Addr]bool
	hosts map[string]bool
}

// wholeNetwork stands where the agent of a pool of the whole network would: it is a selector that selects the pool.
const wholeNetwork = "ALL"

// maxSelected bounds how many exporters a selector lists; what follows is ignored.
const maxSelected = 100_000

// ParseSelector reads selectors: ALL, TOPOLOGY, EDGE, CORE, addresses and host names, each text a list of them
// separated by ";" or ",". Together they select all that any of them selects. Empty words are passed over, and there
// is nothing that cannot be read: what is no address is a host name, which may be unknown.
func ParseSelector(lists ...string) Selector {
	var s Selector
	n := 0
	for _, list := range lists {
		for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' }) {
			if word = strings.TrimSpace(word); word == "" {
				continue
			}
			if n++; n > maxSelected {
				return s
			}
			s.add(word)
		}
	}
	return s
}

// All selects everything.
func All() Selector { return Selector{all: true} }

// add adds one word.
func (s *Selector) add(word string) {
	switch word {
	case wholeNetwork:
		s.all = true
	case "TOPOLOGY":
		s.topology = true
	case "EDGE":
		s.edge = true
	case "CORE":
		s.core = true
	default:
		if a, err := schema.ParseAddr(word); err == nil {
			if s.addrs == nil {
				s.addrs = map[schema.Addr]bool{}
			}
			s.addrs[a] = true
			return
		}
		if s.hosts == nil {
			s.hosts = map[string]bool{}
		}
		s.hosts[word] = true
	}
}

// whole tells whether all datasources of an exporter of this host name are selected.
func (s *Selector) whole(addr schema.Addr, host string, t *Topology) bool {
	return s.all || s.addrs[addr] || host != "" && s.hosts[host] ||
		s.topology && t.Node != nil && t.Node(addr)
}

// part tells whether a datasource is selected because of the side that it is on.
func (s *Selector) part(src schema.Source, t *Topology) bool {
	if !s.edge && !s.core || t.Side == nil {
		return false
	}
	side := t.Side(src)
	return s.edge && side == Edge || s.core && side == Core
}

// Keep returns the test whether a datasource is selected, with the host names of v (which may be nil). Sources of no
// exporter are pools of the whole network: ALL, TOPOLOGY, EDGE and CORE select them.
func (s *Selector) Keep(v *View, t Topology) func(schema.Source) bool {
	var last schema.Addr
	var known, whole bool
	return func(src schema.Source) bool {
		if src.Exporter.IsZero() {
			return s.all || s.topology || s.edge || s.core
		}
		if !known || src.Exporter != last {
			last, known = src.Exporter, true
			whole = s.whole(last, v.Host(last), &t)
		}
		return whole || s.part(src, &t)
	}
}
