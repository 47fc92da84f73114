package enrich

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"weir/schema"
)

// Bounds of a topology; more is an error of who sends it.
const (
	MaxNodes = 20_000
	MaxLinks = 200_000
	MaxPorts = 500_000 // listed explicitly, of all nodes together
)

// Topology is the network as an operator describes it (spec sflow-rt 1.8). Only links between switches belong in it.
// Its JSON form is what GET and PUT of /topology/json carry.
type Topology struct {
	// Version counts the topologies set so far, from 0. It is given by World.WithTopology; nil in what a client sends.
	Version *int             `json:"version,omitempty"`
	Nodes   map[string]*Node `json:"nodes,omitempty"`
	Links   map[string]*Link `json:"links"`
}

// Node is a switch or router. A node that only links mention needs no entry: it is recognised by its host name.
type Node struct {
	Agent Word             `json:"agent,omitempty"` // address of its exporter; empty: learned by host name
	DPID  Word             `json:"dpid,omitempty"`  // OpenFlow datapath id
	Ports map[string]*Port `json:"ports,omitempty"`
	Tags  json.RawMessage  `json:"tags,omitempty"` // the operator's own, kept as they are
}

// Port is an interface of a node.
type Port struct {
	IfIndex Word            `json:"ifindex,omitempty"` // decimal; empty: learned by port name
	OFPort  Word            `json:"ofport,omitempty"`  // OpenFlow port number
	Tags    json.RawMessage `json:"tags,omitempty"`
}

// Link joins a port of one node to a port of another.
type Link struct {
	Node1 Word            `json:"node1"`
	Port1 Word            `json:"port1"`
	Node2 Word            `json:"node2"`
	Port2 Word            `json:"port2"`
	Tags  json.RawMessage `json:"tags,omitempty"`
}

// ParseTopology reads the JSON of a topology and validates it. Unknown members are ignored.
func ParseTopology(b []byte) (*Topology, error) {
	t := new(Topology)
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("topology: %w", jsonError(err, "an object such as {\"links\":{\"L1\":{...}}}"))
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// Validate tells what is wrong with t, naming the link or node and the field, in the order of the names.
func (t *Topology) Validate() error {
	if t == nil || t.Nodes == nil && t.Links == nil {
		return errors.New("topology: neither links nor nodes; send {\"links\":{}} for an empty one")
	}
	if len(t.Nodes) > MaxNodes || len(t.Links) > MaxLinks {
		return fmt.Errorf("topology: at most %d nodes and %d links, not %d and %d",
			MaxNodes, MaxLinks, len(t.Nodes), len(t.Links))
	}
	ports := 0
	for _, name := range slices.Sorted(maps.Keys(t.Nodes)) {
		if err := t.Nodes[name].validate(); err != nil {
			return fmt.Errorf("topology: node %q: %w", name, err)
		}
		ports += len(t.Nodes[name].Ports)
	}
	if ports > MaxPorts {
		return fmt.Errorf("topology: at most %d ports, not %d", MaxPorts, ports)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Links)) {
		if err := t.Links[name].validate(); err != nil {
			return fmt.Errorf("topology: link %q: %w", name, err)
		}
	}
	return nil
}

func (n *Node) validate() error {
	if n == nil {
		return errors.New("is null; send {} for a node with nothing to say")
	}
	if n.Agent != "" {
		if _, err := schema.ParseAddr(string(n.Agent)); err != nil {
			return fmt.Errorf("agent: %.64q is no address; give that of the exporter or leave it out", n.Agent)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.Ports)) {
		p := n.Ports[name]
		if p == nil {
			return fmt.Errorf("port %q: is null; send {} for a port with nothing to say", name)
		}
		if _, err := p.index(); err != nil {
			return fmt.Errorf("port %q: %w", name, err)
		}
	}
	return nil
}

// index returns the ifIndex of p, 0 when it has none.
func (p *Port) index() (uint32, error) {
	if p.IfIndex == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(p.IfIndex), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("ifindex: %.32q is no number from 0 to 4294967295", p.IfIndex)
	}
	return uint32(n), nil
}

func (l *Link) validate() error {
	if l == nil {
		return errors.New("is null; it needs node1, port1, node2 and port2")
	}
	for _, f := range [...]struct {
		name string
		text Word
	}{{"node1", l.Node1}, {"port1", l.Port1}, {"node2", l.Node2}, {"port2", l.Port2}} {
		if f.text == "" {
			return fmt.Errorf("%s is missing; a link needs node1, port1, node2 and port2", f.name)
		}
	}
	if l.Node1 == l.Node2 {
		return fmt.Errorf("node1 and node2 are both %q; only links between two nodes belong in a topology", l.Node1)
	}
	return nil
}

// Clone returns a deep copy of t; the copy of nil is nil.
func (t *Topology) Clone() *Topology {
	if t == nil {
		return nil
	}
	c := &Topology{Links: make(map[string]*Link, len(t.Links))} // never null in JSON: clients walk it
	if t.Version != nil {
		v := *t.Version
		c.Version = &v
	}
	if t.Nodes != nil {
		c.Nodes = make(map[string]*Node, len(t.Nodes))
	}
	for name, n := range t.Nodes {
		c.Nodes[name] = n.clone()
	}
	for name, l := range t.Links {
		link := *l
		link.Tags = slices.Clone(l.Tags)
		c.Links[name] = &link
	}
	return c
}

func (n *Node) clone() *Node {
	c := *n
	c.Tags = slices.Clone(n.Tags)
	if n.Ports != nil {
		c.Ports = make(map[string]*Port, len(n.Ports))
	}
	for name, p := range n.Ports {
		port := *p
		port.Tags = slices.Clone(p.Tags)
		c.Ports[name] = &port
	}
	return &c
}
