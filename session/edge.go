package session

import "weir/schema"

const (
	freshPairs = 1 << 16 // sessions that may begin and end between two calls of Edges and still be told
	edgeBytes  = 80
)

// Edge is the beginning or the end of a session, for those who count connections.
type Edge struct {
	Exporter     schema.Addr
	A, Z         schema.Addr
	APort, ZPort uint16
	Proto, IPv   uint8
	Kind         schema.Kind
	State        State          // as of now; the server's end when it is known
	At           schema.Instant // when it began, or was last active
	Delta        int            // +1 it began, -1 it ended
}

func edge(s *Session, at schema.Instant, delta int) Edge {
	return Edge{s.Exporter, s.A, s.Z, s.APort, s.ZPort, s.Proto, s.IPv, s.Kind, s.State, at, delta}
}

// Edges yields the beginnings and ends since the last call, each session's beginning before its end. When more than
// 65,536 sessions have both begun and ended since then, the others are not told of at all.
func (t *Table) Edges(yield func(Edge)) {
	for _, g := range t.gone {
		yield(g)
	}
	for _, id := range t.fresh {
		e := t.slab.entry(id)
		if e.flags&flagFresh != 0 && e.flags&flagLive != 0 {
			yield(edge(&e.Session, e.First, +1))
		}
		e.flags &^= flagFresh | flagListed
	}
	t.gone, t.fresh, t.pairs = t.gone[:0], t.fresh[:0], 0
}

// leave notes the edges of a session that ends. One that began since Edges was called last may be left out with both.
func (t *Table) leave(e *entry) {
	if e.flags&flagFresh != 0 {
		if t.pairs >= freshPairs {
			return
		}
		t.pairs++
		t.gone = append(t.gone, edge(&e.Session, e.First, +1))
	}
	if len(t.gone) < t.c.Max+2*freshPairs {
		t.gone = append(t.gone, edge(&e.Session, e.Last, -1))
	}
}
