package enrich

import (
	"maps"
	"slices"

	"weir/schema"
)

// Graph is a topology in force, indexed and immutable. Its methods accept a nil Graph, "no topology", and then know
// nothing. Names come back sorted, and of equal answers the one whose names sort first, so that answers do not change
// between calls.
type Graph struct {
	topology *Topology
	nodes    []string // sorted; explicit ones and those that links mention
	number   map[string]int
	edges    [][]edge // by node number, in the order of the link names
	links    []string // sorted
	byEnd    map[Place]string
	byAgent  map[schema.Addr][]string
	byIndex  map[string]map[uint32]string // node name, ifIndex -> port name, as listed
}

type edge struct {
	to   int
	link int // number in Graph.links
}

func newGraph(t *Topology) *Graph {
	g := &Graph{
		topology: t,
		number:   map[string]int{},
		links:    slices.Sorted(maps.Keys(t.Links)),
		byEnd:    make(map[Place]string, 2*len(t.Links)),
		byAgent:  map[schema.Addr][]string{},
		byIndex:  map[string]map[uint32]string{},
	}
	known := make(map[string]bool, len(t.Nodes))
	for name := range t.Nodes {
		known[name] = true
	}
	for _, l := range t.Links {
		known[string(l.Node1)], known[string(l.Node2)] = true, true
	}
	g.nodes = slices.Sorted(maps.Keys(known))
	for i, name := range g.nodes {
		g.number[name] = i
		if n := t.Nodes[name]; n != nil {
			g.indexNode(name, n)
		}
	}
	g.edges = make([][]edge, len(g.nodes))
	for i, name := range g.links {
		l := t.Links[name]
		a, b := g.number[string(l.Node1)], g.number[string(l.Node2)]
		g.edges[a] = append(g.edges[a], edge{b, i})
		g.edges[b] = append(g.edges[b], edge{a, i})
		g.indexEnd(Place{string(l.Node1), string(l.Port1)}, name)
		g.indexEnd(Place{string(l.Node2), string(l.Port2)}, name)
	}
	return g
}

func (g *Graph) indexNode(name string, n *Node) {
	if a, err := schema.ParseAddr(string(n.Agent)); n.Agent != "" && err == nil {
		g.byAgent[a] = append(g.byAgent[a], name)
	}
	byIndex := make(map[uint32]string, len(n.Ports))
	for _, port := range slices.Sorted(maps.Keys(n.Ports)) {
		index, err := n.Ports[port].index()
		if _, taken := byIndex[index]; err == nil && index != 0 && !taken {
			byIndex[index] = port
		}
	}
	if len(byIndex) > 0 {
		g.byIndex[name] = byIndex
	}
}

// indexEnd remembers the link of a port. The first by name wins where links share a port.
func (g *Graph) indexEnd(end Place, link string) {
	if _, taken := g.byEnd[end]; !taken {
		g.byEnd[end] = link
	}
}

// agentOf returns the exporter address that the topology itself gives for a node.
func (g *Graph) agentOf(node string) (schema.Addr, bool) {
	n := g.topology.Nodes[node]
	if n == nil || n.Agent == "" {
		return schema.Addr{}, false
	}
	a, err := schema.ParseAddr(string(n.Agent))
	return a, err == nil
}

// NodeNames returns the names of all nodes, also of those that only links mention.
func (g *Graph) NodeNames() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.nodes)
}

// LinkNames returns the names of all links.
func (g *Graph) LinkNames() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.links)
}

// Link returns the link called name; ok is false when there is none. Its Tags must not be written to.
func (g *Graph) Link(name string) (l Link, ok bool) {
	if g == nil || g.topology.Links[name] == nil {
		return l, false
	}
	return *g.topology.Links[name], true
}

// Node returns the node called name; one that only links mention is empty. ok is false when there is none. What it
// points to must not be written to.
func (g *Graph) Node(name string) (n Node, ok bool) {
	if g == nil {
		return n, false
	}
	if _, ok = g.number[name]; ok && g.topology.Nodes[name] != nil {
		n = *g.topology.Nodes[name]
	}
	return n, ok
}

// NodeLinks returns the names of the links at a node.
func (g *Graph) NodeLinks(node string) []string {
	if g == nil {
		return nil
	}
	i, ok := g.number[node]
	if !ok {
		return nil
	}
	names := make([]string, 0, len(g.edges[i]))
	for _, e := range g.edges[i] {
		names = append(names, g.links[e.link])
	}
	return names
}

// Diameter returns the links on the longest of the shortest paths between two nodes that are connected at all; 0
// without links. It takes time in proportion to nodes times links.
func (g *Graph) Diameter() int {
	if g == nil {
		return 0
	}
	longest := 0
	s := g.search()
	for from := range g.nodes {
		s.run(from, -1)
		for _, d := range s.distance {
			longest = max(longest, d)
		}
	}
	return longest
}

// search is a breadth-first search over a graph in which some nodes and links may be out of bounds.
type search struct {
	g         *Graph
	distance  []int // -1: not reached
	via       []edge
	queue     []int
	shutNodes []bool
	shutLinks []bool
}

func (g *Graph) search() *search {
	return &search{
		g: g, distance: make([]int, len(g.nodes)), via: make([]edge, len(g.nodes)),
		shutNodes: make([]bool, len(g.nodes)), shutLinks: make([]bool, len(g.links)),
	}
}

// run fills distance and via (where each node was reached from) until goal is reached; goal -1 visits everything.
func (s *search) run(from, goal int) {
	for i := range s.distance {
		s.distance[i] = -1
	}
	s.distance[from] = 0
	s.queue = append(s.queue[:0], from)
	for i := 0; i < len(s.queue); i++ {
		at := s.queue[i]
		if at == goal {
			return
		}
		for _, e := range s.g.edges[at] {
			if s.distance[e.to] >= 0 || s.shutNodes[e.to] || s.shutLinks[e.link] {
				continue
			}
			s.distance[e.to] = s.distance[at] + 1
			s.via[e.to] = edge{at, e.link}
			s.queue = append(s.queue, e.to)
		}
	}
}

// path returns the way from where run began to node to, nil when it was not reached.
func (s *search) path(to int) []edge {
	n := s.distance[to]
	if n < 0 {
		return nil
	}
	way := make([]edge, n)
	for ; n > 0; n-- {
		way[n-1] = edge{to, s.via[to].link}
		to = s.via[to].to
	}
	return way
}

// SpanningTree returns the names of links that join all connected nodes without a circle, preferring those whose
// names sort first.
func (g *Graph) SpanningTree() []string {
	if g == nil {
		return nil
	}
	root := make([]int, len(g.nodes))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	var tree []string
	for _, name := range g.links {
		l := g.topology.Links[name]
		a, b := find(g.number[string(l.Node1)]), find(g.number[string(l.Node2)])
		if a != b {
			root[a] = b
			tree = append(tree, name)
		}
	}
	return tree
}
