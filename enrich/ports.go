package enrich

import (
	"maps"
	"slices"

	"weir/schema"
)

// Side says where a datasource lies in the topology (spec sflow-rt 1.8).
type Side uint8

// The sides.
const (
	SideNone Side = iota // no topology, a node that it does not know, no interface, or not known yet
	SideEdge             // a port of a known node without a link
	SideCore             // a port with a link
)

// Place is a port of a node. Port is empty when its name is not known.
type Place struct {
	Node string `json:"node"`
	Port string `json:"port"`
}

// LinkEnd is a link as it is seen from one of its ends.
type LinkEnd struct {
	Link       string `json:"linkname"`
	LocalNode  string `json:"localnode"`
	LocalPort  string `json:"localport"`
	RemoteNode string `json:"remotenode"`
	RemotePort string `json:"remoteport"`
}

// Interface is a port as telemetry numbers it. Agent is zero and Index 0 as long as they are not known.
type Interface struct {
	Place
	Agent schema.Addr
	Index uint32
}

// WithTopology returns a World with a copy of t in force; its version is one more than that of the last topology,
// the first has 0. nil takes the topology away. The error is that of Validate; w stays as it is then.
func (w *World) WithTopology(t *Topology) (*World, error) {
	c := *w
	if t == nil {
		c.graph, c.locations = nil, &locations{}
		return &c, nil
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	t = t.Clone()
	version := w.topoSets
	t.Version = &version
	c.graph = newGraph(t)
	c.topoSets++
	return &c, nil
}

// Graph returns the topology in force for questions about its shape, nil when there is none.
func (w *World) Graph() *Graph { return w.graph }

// Topology returns a copy of the topology in force, nil when there is none.
func (w *World) Topology() *Topology {
	if w.graph == nil {
		return nil
	}
	return w.graph.topology.Clone()
}

// TopologyVersion returns the version of the topology in force; ok is false when there is none.
func (w *World) TopologyVersion() (version int, ok bool) {
	if w.graph == nil {
		return 0, false
	}
	return *w.graph.topology.Version, true
}

// nodesOf returns the nodes behind an exporter: those that name it, else the one that has its host name. The slice
// belongs to the graph when it has more than one.
func (w *World) nodesOf(agent schema.Addr) []string {
	if w.graph == nil {
		return nil
	}
	if nodes := w.graph.byAgent[agent]; len(nodes) > 0 {
		return nodes
	}
	host := w.HostName(agent)
	if _, known := w.graph.number[host]; !known || host == "" {
		return nil
	}
	if _, elsewhere := w.graph.agentOf(host); elsewhere {
		return nil
	}
	return []string{host}
}

// NodesOf returns the nodes of an exporter, with index 0 all of them, else the one that has the interface. One
// exporter may speak for several nodes, as virtual switches on one machine do.
func (w *World) NodesOf(agent schema.Addr, index uint32) []string {
	if index != 0 {
		if p, ok := w.PlaceOf(agent, index); ok {
			return []string{p.Node}
		}
		return nil
	}
	return slices.Clone(w.nodesOf(agent))
}

// NodeOf returns the node of an exporter, the first by name when it speaks for several, empty when it has none.
func (w *World) NodeOf(agent schema.Addr) string {
	if nodes := w.nodesOf(agent); len(nodes) > 0 {
		return nodes[0]
	}
	return ""
}

// AgentOf returns the exporter of a node: the one that the topology names, else the one with that host name.
func (w *World) AgentOf(node string) (agent schema.Addr, ok bool) {
	if w.graph == nil {
		return agent, false
	}
	if _, known := w.graph.number[node]; !known {
		return agent, false
	}
	if agent, ok = w.graph.agentOf(node); ok {
		return agent, true
	}
	agent, ok = w.names.byHost[node]
	return agent, ok && slices.Contains(w.nodesOf(agent), node)
}

// PlaceOf returns the node and port of an interface. Explicit entries of the topology win over names learned from
// telemetry. The port is empty when only the node is known; ok is false when that is not known either.
func (w *World) PlaceOf(agent schema.Addr, index uint32) (p Place, ok bool) {
	nodes := w.nodesOf(agent)
	for _, node := range nodes {
		if port, listed := w.graph.byIndex[node][index]; listed {
			return Place{node, port}, true
		}
	}
	label := w.PortLabel(agent, index)
	if len(nodes) == 1 {
		return Place{nodes[0], label}, true
	}
	for _, node := range nodes {
		if label != "" && w.graph.hasPort(node, label) {
			return Place{node, label}, true
		}
	}
	return Place{}, false
}

// hasPort tells whether the topology mentions a port of a node.
func (g *Graph) hasPort(node, port string) bool {
	if _, linked := g.byEnd[Place{node, port}]; linked {
		return true
	}
	n := g.topology.Nodes[node]
	return n != nil && n.Ports[port] != nil
}

// LinkOf returns the link at an interface; ok is false when there is none.
func (w *World) LinkOf(agent schema.Addr, index uint32) (end LinkEnd, ok bool) {
	p, ok := w.PlaceOf(agent, index)
	if !ok {
		return end, false
	}
	name, ok := w.graph.byEnd[p]
	if !ok {
		return end, false
	}
	l := w.graph.topology.Links[name]
	end = LinkEnd{name, string(l.Node1), string(l.Port1), string(l.Node2), string(l.Port2)}
	if (Place{end.LocalNode, end.LocalPort}) != p {
		end.LocalNode, end.LocalPort, end.RemoteNode, end.RemotePort =
			end.RemoteNode, end.RemotePort, end.LocalNode, end.LocalPort
	}
	return end, true
}

// LinkInterfaces returns the two ends of a link in the order of the topology; ok is false when there is no such link.
func (w *World) LinkInterfaces(name string) (ends [2]Interface, ok bool) {
	l, ok := w.graph.Link(name)
	if !ok {
		return ends, false
	}
	ends[0] = w.InterfaceOf(string(l.Node1), string(l.Port1))
	ends[1] = w.InterfaceOf(string(l.Node2), string(l.Port2))
	return ends, true
}

// InterfaceOf returns how telemetry numbers a port of a node, as far as it is known.
func (w *World) InterfaceOf(node, port string) Interface {
	i := Interface{Place: Place{node, port}}
	i.Agent, _ = w.AgentOf(node)
	if w.graph == nil {
		return i
	}
	if n := w.graph.topology.Nodes[node]; n != nil && n.Ports[port] != nil {
		i.Index, _ = n.Ports[port].index() // Validate has seen it
	}
	if a := w.names.agents[i.Agent]; i.Index == 0 && a != nil {
		i.Index = a.byName[port]
	}
	return i
}

// Side tells on which side of the topology a datasource lies.
func (w *World) Side(src schema.Source) Side {
	if w.graph == nil || src.Class != classInterface || src.Index == 0 {
		return SideNone
	}
	p, ok := w.PlaceOf(src.Exporter, src.Index)
	if !ok {
		return SideNone
	}
	if _, linked := w.graph.byEnd[p]; linked {
		return SideCore
	}
	if p.Port == "" && !w.resolved(p.Node) {
		return SideNone
	}
	return SideEdge
}

// resolved tells whether the ifIndex of every linked port of a node is known. Until then a port without a name may
// still turn out to be one of them.
func (w *World) resolved(node string) bool {
	for _, e := range w.graph.edges[w.graph.number[node]] {
		l := w.graph.topology.Links[w.graph.links[e.link]]
		port := l.Port1
		if string(l.Node1) != node {
			port = l.Port2
		}
		if w.InterfaceOf(node, string(port)).Index == 0 {
			return false
		}
	}
	return true
}

// Agents returns the exporters of all nodes of the topology, sorted: the selector TOPOLOGY.
func (w *World) Agents() []schema.Addr {
	found := map[schema.Addr]bool{}
	for _, node := range w.graph.NodeNames() {
		if a, ok := w.AgentOf(node); ok {
			found[a] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), schema.Addr.Compare)
}

// InTopology tells whether an exporter belongs to a node of the topology.
func (w *World) InTopology(agent schema.Addr) bool { return len(w.nodesOf(agent)) > 0 }
