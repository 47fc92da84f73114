package enrich

import (
	"cmp"
	"slices"
)

// Path is a way through the network without a circle: Links[i] joins Nodes[i] and Nodes[i+1].
type Path struct {
	Nodes []string `json:"nodes"`
	Links []string `json:"links"`
}

// MaxPaths bounds how many paths ShortestPaths looks for.
const MaxPaths = 64

// ShortestPath returns a path with the fewest links between two nodes; ok is false when there is none or a node is
// not known. The path from a node to itself has no links.
func (g *Graph) ShortestPath(from, to string) (p Path, ok bool) {
	paths := g.ShortestPaths(from, to, 1)
	if len(paths) == 0 {
		return Path{}, false
	}
	return paths[0], true
}

// ShortestPaths returns up to k (at most MaxPaths) different paths between two nodes, by their number of links (Yen
// 1971). Parallel links make different paths.
func (g *Graph) ShortestPaths(from, to string, k int) []Path {
	if g == nil {
		return nil
	}
	a, known := g.number[from]
	b, known2 := g.number[to]
	if !known || !known2 || k < 1 {
		return nil
	}
	s := g.search()
	s.run(a, b)
	if s.distance[b] < 0 {
		return nil
	}
	found := [][]edge{s.path(b)}
	var candidates [][]edge
	for k = min(k, MaxPaths); len(found) < k && a != b; {
		candidates = s.deviate(a, b, found, candidates)
		if len(candidates) == 0 {
			break
		}
		slices.SortFunc(candidates, comparePaths)
		candidates = slices.CompactFunc(candidates, slices.Equal)
		found = append(found, candidates[0])
		candidates = candidates[1:]
	}
	paths := make([]Path, len(found))
	for i, way := range found {
		paths[i] = g.named(a, way)
	}
	return paths
}

// deviate adds to candidates the shortest paths that leave the last found one at each of its nodes and take none of
// the turns that a found path takes there.
func (s *search) deviate(from, to int, found, candidates [][]edge) [][]edge {
	last := found[len(found)-1]
	at := from
	for i := range last {
		clear(s.shutLinks)
		for _, way := range found {
			if len(way) > i && slices.Equal(way[:i], last[:i]) {
				s.shutLinks[way[i].link] = true
			}
		}
		s.run(at, to)
		if rest := s.path(to); rest != nil {
			candidates = append(candidates, slices.Concat(last[:i], rest))
		}
		s.shutNodes[at] = true // the root of later deviations does not come back here
		at = last[i].to
	}
	clear(s.shutNodes)
	clear(s.shutLinks)
	return candidates
}

func comparePaths(a, b []edge) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return slices.CompareFunc(a, b, func(x, y edge) int {
		return cmp.Or(cmp.Compare(x.to, y.to), cmp.Compare(x.link, y.link))
	})
}

func (g *Graph) named(from int, way []edge) Path {
	p := Path{Nodes: []string{g.nodes[from]}, Links: []string{}}
	for _, e := range way {
		p.Nodes = append(p.Nodes, g.nodes[e.to])
		p.Links = append(p.Links, g.links[e.link])
	}
	return p
}
