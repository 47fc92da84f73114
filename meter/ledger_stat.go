package meter

import (
	"math"
	"slices"
)

// StatPage returns the slice of a stat group: the rows of a closed bucket of its parent whose meter satisfies the test,
// with all their meters (spec trisul 1.8). It is nil when there are none.
func StatPage(parent *Page, g *Group) *Page {
	if g.Stat == nil || parent.Group.Meter(g.Stat.Meter) == nil {
		return nil
	}
	p := NewPage(g, floor(parent.Start, g.Bucket), g.Bucket)
	from, to := sameCells(parent.Group, g)
	if parent.floor != nil {
		p.makeInexact()
		copyCells(p.floor, parent.floor, to, from)
	}
	for row := range parent.Len() {
		v, ok := parent.Value(row, g.Stat.Meter)
		if !ok || !g.Stat.holds(parent.Group.Shown(g.Stat.Meter, v, parent.Width)) {
			continue
		}
		k := parent.RowKey(row)
		at := p.append(k, hashKey(k))
		copyCells(p.Cells(at), parent.Cells(row), to, from)
		if parent.floor != nil {
			copyCells(p.missed[at*p.stride:], parent.missed[row*parent.stride:], to, from)
		}
		if parent.samples != nil {
			if p.samples == nil {
				p.samples = make([]sampling, p.Len())
			}
			p.samples[at] = parent.samples[row]
		}
	}
	if p.Len() == 0 {
		return nil
	}
	return p
}

// sameCells pairs the cells of meters that both groups have under the same id and type.
func sameCells(a, b *Group) (from, to []int) {
	for i := range b.Meters {
		m := &b.Meters[i]
		o := a.Meter(m.ID)
		if o == nil || o.Type != m.Type || o.Distinct != m.Distinct {
			continue
		}
		x, y := a.Cell(m.ID), b.Cell(m.ID)
		for n := 0; n == 0 || y+n < b.Cells() && b.meters.types[y+n] == 0; n++ {
			from, to = append(from, x+n), append(to, y+n)
		}
	}
	return from, to
}

func copyCells(dst, src []float64, to, from []int) {
	for i := range to {
		dst[to[i]] = src[from[i]]
	}
}

var statOps = []string{"<", "<=", ">", ">=", "=", "!="}

func (s *Stat) holds(v float64) bool {
	switch s.Op {
	case "<":
		return v < s.Value
	case "<=":
		return v <= s.Value
	case ">":
		return v > s.Value
	case ">=":
		return v >= s.Value
	case "=":
		return v == s.Value
	case "!=":
		return v != s.Value
	}
	return false
}

// check says what is wrong with a test of a meter of the parent.
func (s *Stat) check(parent *Group) error {
	if !slices.Contains(statOps, s.Op) {
		return hinted("stat: no operator \""+s.Op+"\"", s.Op, slices.Values(statOps))
	}
	if math.IsNaN(s.Value) {
		return errNaN
	}
	if parent.Meter(s.Meter) == nil {
		return noMeter("stat", s.Meter, parent)
	}
	return nil
}
