package enrich

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/schema"
)

// Acceptance 50.
func TestTopologyVersionsAndErrors(t *testing.T) {
	w := NewWorld()
	if _, ok := w.TopologyVersion(); ok || w.Topology() != nil || w.Graph().LinkNames() != nil {
		t.Error("a new World has a topology")
	}
	topology, err := ParseTopology([]byte(threeSwitches))
	if err != nil {
		t.Fatal(err)
	}
	for want := range 3 {
		w = must(t)(w.WithTopology(topology))
		if v, ok := w.TopologyVersion(); !ok || v != want {
			t.Errorf("version %d, want %d", v, want)
		}
	}
	if topology.Version != nil {
		t.Error("what the client sent was written to")
	}
	w.Topology().Links["L1"].Node1 = "changed"
	if l, _ := w.Graph().Link("L1"); l.Node1 != "leaf1" {
		t.Error("Topology is not a copy")
	}
	b, err := json.Marshal(w.Topology())
	if err != nil || !strings.HasPrefix(string(b), `{"version":2,"links":{"L1":{"node1":"leaf1","port1":"e1"`) {
		t.Errorf("JSON %s, %v", b, err)
	}
	gone := must(t)(w.WithTopology(nil))
	if _, ok := gone.TopologyVersion(); ok {
		t.Error("the topology is still there")
	}
	if v, _ := must(t)(gone.WithTopology(topology)).TopologyVersion(); v != 3 {
		t.Errorf("version %d after a pause, want 3", v)
	}
	for body, word := range map[string]string{
		`{"links":{"x":{"node1":"a"}}}`:                                     "port1",
		`{"links":{"x":{"node1":"a","port1":"p","node2":"a","port2":"q"}}}`: "both",
		`{"links":{"x":{"node1":"a","port1":"p","node2":"b"}}}`:             "port2",
		`{"links":{"x":null}}`:                                              `"x"`,
		`{"links":[]}`:                                                      "links",
		`{"links":{"x":{"node1":["a"]}}}`:                                   "text",
		`{`:                                                                 "byte",
		`{}`:                                                                "neither",
		`{"nodes":{"a":{"agent":"no"}}}`:                                    "agent",
		`{"nodes":{"a":{"ports":{"p":{"ifindex":"x"}}}}}`:                   "ifindex",
		`{"nodes":{"a":{"ports":{"p":{"ifindex":-1}}}}}`:                    "ifindex",
		`{"nodes":{"a":null}}`:                                              `"a"`,
		`{"nodes":{"a":{"ports":{"p":null}}}}`:                              `"p"`,
		`{"links":{"y":{"node1":1,"port1":2,"node2":"","port2":3}}, "nodes":{"z":{}} }`: "node2",
	} {
		if _, err := ParseTopology([]byte(body)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error %v does not name %s", body, err, word)
		}
	}
}

// Acceptance 52 and 53.
func TestInterfacesByLearnedNames(t *testing.T) {
	w := threeNodes(t)
	a1, a2 := addr(t, agent1), addr(t, agent2)
	if p, ok := w.PlaceOf(a1, 3); !ok || p != (Place{"leaf1", "e3"}) {
		t.Errorf("place %+v, %v", p, ok)
	}
	want := LinkEnd{"L1", "leaf1", "e1", "spine1", "e1"}
	if end, ok := w.LinkOf(a1, 1); !ok || end != want {
		t.Errorf("link %+v, %v", end, ok)
	}
	want = LinkEnd{"L1", "spine1", "e1", "leaf1", "e1"}
	if end, ok := w.LinkOf(a2, 1); !ok || end != want {
		t.Errorf("link from the other end %+v, %v", end, ok)
	}
	if _, ok := w.LinkOf(a1, 3); ok {
		t.Error("an edge port has a link")
	}
	sides := map[string]Side{"192.0.2.1/1": SideCore, "192.0.2.1/3": SideEdge, "192.0.2.2/1": SideCore,
		"192.0.2.2/2": SideCore, "192.0.2.3/1": SideCore, "192.0.2.3/3": SideEdge, "192.0.2.9/1": SideNone,
		"192.0.2.1/9": SideEdge}
	for text, want := range sides {
		agent, index, _ := strings.Cut(text, "/")
		src := schema.Source{Exporter: addr(t, agent), Index: uint32(index[0] - '0')}
		if got := w.Side(src); got != want {
			t.Errorf("side of %s = %d, want %d", text, got, want)
		}
		src.Class = 2
		if got := w.Side(src); got != SideNone {
			t.Errorf("side of a host = %d", got)
		}
	}
	ends, ok := w.LinkInterfaces("L2")
	if !ok || ends[0].Agent != addr(t, agent3) || ends[0].Index != 1 || ends[1].Agent != a2 || ends[1].Index != 2 {
		t.Errorf("ends %+v, %v", ends, ok)
	}
	if _, ok := w.LinkInterfaces("nosuch"); ok {
		t.Error("an unknown link has ends")
	}
	if got := w.Agents(); len(got) != 3 || got[0] != a1 || !w.InTopology(a1) || w.InTopology(addr(t, "192.0.2.9")) {
		t.Errorf("agents %v", got)
	}
	if w.NodeOf(a1) != "leaf1" || w.NodeOf(addr(t, "192.0.2.9")) != "" {
		t.Errorf("node of %v: %q", a1, w.NodeOf(a1))
	}
	if a, ok := w.AgentOf("leaf2"); !ok || a != addr(t, agent3) {
		t.Errorf("agent of leaf2 %v", a)
	}
}

func TestUnresolvedPortsAreOnNoSide(t *testing.T) {
	topology, _ := ParseTopology([]byte(threeSwitches))
	l := New(NewWorld())
	src := schema.Source{Exporter: addr(t, agent1), Class: 2, Index: 1}
	l.Reading(&schema.Reading{Source: src, Values: []schema.Metric{label("host_name", "leaf1")}})
	w := must(t)(NewWorld().WithLearned(0, l.Learned()).WithTopology(topology))
	if got := w.Side(schema.Source{Exporter: src.Exporter, Index: 1}); got != SideNone {
		t.Errorf("side %d before the port names came", got)
	}
}

func TestExplicitNodesWin(t *testing.T) {
	topology, err := ParseTopology([]byte(`{"nodes":{
		"s1":{"agent":"192.0.2.7","ports":{"s1-eth1":{"ifindex":10},"s1-eth2":{"ifindex":"11"}},"tags":{"rack":3}},
		"s2":{"agent":"192.0.2.7","ports":{"s2-eth1":{"ifindex":20}}},
		"leaf1":{"agent":"192.0.2.8"}},
	 "links":{"x":{"node1":"s1","port1":"s1-eth1","node2":"s2","port2":"s2-eth1"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := must(t)(threeNodes(t).WithTopology(topology))
	shared := addr(t, "192.0.2.7")
	if got := w.NodesOf(shared, 0); !slices.Equal(got, []string{"s1", "s2"}) {
		t.Errorf("nodes %v", got)
	}
	if got := w.NodesOf(shared, 20); !slices.Equal(got, []string{"s2"}) {
		t.Errorf("node of 20: %v", got)
	}
	if got := w.NodesOf(shared, 99); got != nil {
		t.Errorf("node of an unknown port: %v", got)
	}
	if w.InTopology(addr(t, agent1)) {
		t.Error("an exporter with the host name of a node that another one speaks for belongs to it")
	}
	if a, _ := w.AgentOf("leaf1"); a != addr(t, "192.0.2.8") {
		t.Errorf("agent of leaf1 %v", a)
	}
	if end, ok := w.LinkOf(shared, 20); !ok || end.RemoteNode != "s1" || end.LocalPort != "s2-eth1" {
		t.Errorf("link %+v", end)
	}
	if got := w.Side(schema.Source{Exporter: shared, Index: 11}); got != SideEdge {
		t.Errorf("side of the port without a link %d", got)
	}
	if n, _ := w.Graph().Node("s1"); string(n.Tags) != `{"rack":3}` {
		t.Errorf("tags %s", n.Tags)
	}
}

// Acceptance 55.
func TestGraphHelpers(t *testing.T) {
	g := threeNodes(t).Graph()
	if got := g.Diameter(); got != 2 {
		t.Errorf("diameter %d", got)
	}
	if got := g.NodeLinks("spine1"); !slices.Equal(got, []string{"L1", "L2"}) {
		t.Errorf("links of spine1 %v", got)
	}
	if got := g.NodeNames(); !slices.Equal(got, []string{"leaf1", "leaf2", "spine1"}) {
		t.Errorf("nodes %v", got)
	}
	p, ok := g.ShortestPath("leaf1", "leaf2")
	if !ok || !slices.Equal(p.Nodes, []string{"leaf1", "spine1", "leaf2"}) ||
		!slices.Equal(p.Links, []string{"L1", "L2"}) {
		t.Errorf("path %+v, %v", p, ok)
	}
	if p, ok := g.ShortestPath("leaf1", "leaf1"); !ok || len(p.Links) != 0 {
		t.Errorf("path to itself %+v, %v", p, ok)
	}
	if _, ok := g.ShortestPath("leaf1", "nosuch"); ok {
		t.Error("a path to an unknown node")
	}
	if got := g.SpanningTree(); !slices.Equal(got, []string{"L1", "L2"}) {
		t.Errorf("tree %v", got)
	}
	var none *Graph
	if none.Diameter() != 0 || none.NodeLinks("a") != nil || none.SpanningTree() != nil ||
		none.ShortestPaths("a", "b", 2) != nil || none.NodeNames() != nil {
		t.Error("the nil graph knows something")
	}
}

// drawGraph makes a small network with parallel links.
func drawGraph(t *rapid.T) *Graph {
	topology := &Topology{Links: map[string]*Link{}}
	n := rapid.IntRange(2, 6).Draw(t, "nodes")
	for i := range rapid.IntRange(1, 9).Draw(t, "links") {
		a := rapid.IntRange(0, n-1).Draw(t, "a")
		b := rapid.IntRange(0, n-1).Draw(t, "b")
		if a != b {
			topology.Links[fmt.Sprint("l", i)] = &Link{Node1: Word(fmt.Sprint("n", a)), Port1: Word(fmt.Sprint("p", i)),
				Node2: Word(fmt.Sprint("n", b)), Port2: Word(fmt.Sprint("q", i))}
		}
	}
	return newGraph(topology)
}

// allPaths walks every way without a circle: the slow twin of ShortestPaths.
func allPaths(g *Graph, from, to string, seen map[string]bool, links []string, found *[][]string) {
	if from == to {
		*found = append(*found, slices.Clone(links))
		return
	}
	seen[from] = true
	for _, name := range g.links {
		l := g.topology.Links[name]
		next := string(l.Node2)
		if string(l.Node2) == from {
			next = string(l.Node1)
		} else if string(l.Node1) != from {
			continue
		}
		if !seen[next] {
			allPaths(g, next, to, seen, append(links, name), found)
		}
	}
	delete(seen, from)
}

func TestShortestPathsAgreeWithAllPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		longest := 0
		for _, from := range g.NodeNames() {
			for _, to := range g.NodeNames() {
				var all [][]string
				allPaths(g, from, to, map[string]bool{}, nil, &all)
				slices.SortStableFunc(all, func(a, b []string) int { return len(a) - len(b) })
				if len(all) > 0 {
					longest = max(longest, len(all[0]))
				}
				got := g.ShortestPaths(from, to, 5)
				if len(got) != min(5, len(all)) {
					t.Fatalf("%s to %s: %d paths, want %d", from, to, len(got), min(5, len(all)))
				}
				distinct := map[string]bool{}
				for i, p := range got {
					if len(p.Links) != len(all[i]) {
						t.Fatalf("%s to %s: path %d has %d links, want %d", from, to, i, len(p.Links), len(all[i]))
					}
					distinct[strings.Join(p.Links, " ")] = true
					if !slices.ContainsFunc(all, func(links []string) bool { return slices.Equal(links, p.Links) }) {
						t.Fatalf("%v is no path", p.Links)
					}
				}
				if len(distinct) != len(got) {
					t.Fatalf("a path came twice: %v", got)
				}
			}
		}
		if d := g.Diameter(); d != longest {
			t.Fatalf("diameter %d, want %d", d, longest)
		}
	})
}

// Acceptance 57, and node and ifname.
func TestPortFunctions(t *testing.T) {
	l := New(threeNodes(t))
	c := compile(l)
	at := func(agent string, index uint32) *schema.Record {
		return packet(t, agent, index, "020000000001", host1, 64, 0)
	}
	for _, test := range []struct {
		expr  string
		agent string
		index uint32
		want  string
	}{
		{"link:inputifindex", agent1, 1, "L1"}, {"link:inputifindex", agent1, 3, "null"},
		{"link:inputifindex", "192.0.2.9", 3, "null"}, {"link:inputifindex", agent1, 0, "null"},
		{"node:inputifindex", agent1, 1, "leaf1"}, {"node:inputifindex", "192.0.2.9", 3, "192.0.2.9"},
		{"node:inputifindex", agent1, schema.PortInternal, "leaf1"},
		{"ifname:inputifindex", agent1, 3, "e3"}, {"ifname:inputifindex", agent1, 9, "9"},
		{"ifname:inputifindex", agent1, schema.PortInternal, "internal"}, {"ifname:inputifindex", agent1, 0, "null"},
	} {
		if got := show(t, c, test.expr, at(test.agent, test.index)); got != test.want {
			t.Errorf("%s at %s/%d = %s, want %s", test.expr, test.agent, test.index, got, test.want)
		}
	}
	f, err := c.Filter("link:inputifindex=null")
	if err != nil {
		t.Fatal(err)
	}
	if f(at(agent1, 1)) || !f(at(agent1, 3)) {
		t.Error("link:inputifindex=null does not keep edge input alone")
	}
	other := must(t)(l.World().WithTopology(nil))
	l.Set(other)
	if got := show(t, c, "link:inputifindex", at(agent1, 1)); got != "null" {
		t.Errorf("after the topology went: %s", got)
	}
	if got := show(t, c, "node:inputifindex", at(agent1, 1)); got != "leaf1" {
		t.Errorf("host name instead of a node: %s", got)
	}
}

func FuzzParseTopology(f *testing.F) {
	f.Add([]byte(threeSwitches))
	f.Add([]byte(`{"version":3,"nodes":{"s":{"agent":"::1","dpid":1,
		"ports":{"p":{"ifindex":7,"ofport":"1","tags":{}}}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		topology, err := ParseTopology(b)
		if err != nil {
			return
		}
		w, err := NewWorld().WithTopology(topology)
		if err != nil {
			t.Fatal(err)
		}
		g := w.Graph()
		g.Diameter()
		g.SpanningTree()
		names := g.NodeNames()
		if len(names) > 1 {
			g.ShortestPaths(names[0], names[1], 3)
		}
		w.Agents()
		text, err := json.Marshal(w.Topology())
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseTopology(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(again.Links)), g.LinkNames()) {
			t.Fatal("links changed")
		}
	})
}
