package meter

import "slices"

// Merge adds q into p: what was counted, what may have been missed, sampling, sets of items. It never drops a row; that
// is what makes it associative and commutative: pages of all lanes and slices give the same sums in whatever order they
// come. Both belong to groups of the same name with the same cells. q stays as it is.
func (p *Page) Merge(q *Page) {
	m := p.begin(q)
	m.some(q.Len())
}

// Merging is a merge that is under way: a page of a million rows can be merged in many steps. Between them neither page
// may change.
type Merging struct {
	p, q  *Page
	next  int      // row of q
	shift float64  // from stamps of q to those of p
	had   int      // rows of p before
	seen  []uint64 // bit set over those rows: q had the key too; only when q is inexact
	rows  []uint32 // by row of q: its row in p; only when q has items
	prune bool     // at the end p drops what is more than its limit
}

// Begin starts to merge q into p; see Merge for what both must be.
func (p *Page) Begin(q *Page) *Merging { return p.begin(q) }

func (p *Page) begin(q *Page) *Merging {
	m := &Merging{p: p, q: q, shift: float64(q.Start - p.Start), had: p.Len()}
	if q.floor != nil {
		p.makeInexact()
		m.seen = make([]uint64, (m.had+63)/64)
	}
	if q.items.n > 0 {
		m.rows = make([]uint32, q.Len())
	}
	if q.samples != nil && p.samples == nil {
		p.samples = make([]sampling, p.Len(), cap(p.ends))
	}
	if q.items.level > p.items.level {
		p.raise(q.items.level)
	}
	if len(p.ends) == 0 {
		p.reserve(q.Len(), len(q.keys))
	}
	return m
}

// reserve makes room for so many rows, with keys of so many bytes together.
func (p *Page) reserve(rows, keys int) {
	p.ends, p.keys = slices.Grow(p.ends, rows), slices.Grow(p.keys, keys)
	p.cells = slices.Grow(p.cells, rows*p.stride)
	n := max(64, len(p.slots))
	for n*3 < rows*4 {
		n *= 2
	}
	if n > len(p.slots) {
		p.slots = make([]uint64, n)
		p.index()
	}
}

// Some merges up to so many further rows and returns whether the merge is complete.
func (m *Merging) Some(rows int) (done bool) { return m.some(rows) }

func (m *Merging) some(rows int) bool {
	to := min(m.next+max(rows, 1), m.q.Len())
	for ; m.next < to; m.next++ {
		m.row(m.next)
	}
	if m.next < m.q.Len() {
		return false
	}
	m.finish()
	return true
}

func (m *Merging) row(from int) {
	p, q := m.p, m.q
	k := q.RowKey(from)
	h := hashKey(k)
	row, there := p.find(k, h)
	if !there {
		// It comes with p's floor as what it may have missed.
		row = p.append(k, h)
	}
	src, dst := q.Cells(from), p.Cells(row)
	if len(p.lay.distinct) > 0 {
		m.withoutItems(dst, src)
	} else {
		p.lay.into(dst, src, m.shift)
	}
	if m.rows != nil {
		m.rows[from] = uint32(row)
	}
	if q.samples != nil {
		p.samples[row].add(q.samples[from])
	}
	if q.floor != nil {
		p.lay.miss(p.missed[row*p.stride:], q.missed[from*q.stride:])
		if row < m.had {
			m.seen[row>>6] |= 1 << (row & 63)
		}
	}
}

// withoutItems folds cells but leaves alone those that count items: what is new of them is counted by finish.
func (m *Merging) withoutItems(dst, src []float64) {
	var kept [maxDistinct]float64
	for i, c := range m.p.lay.distinct {
		kept[i] = dst[c]
	}
	m.p.lay.into(dst, src, m.shift)
	for i, c := range m.p.lay.distinct {
		dst[c] = kept[i]
	}
}

// finish adds what belongs to no single row.
func (m *Merging) finish() {
	p, q := m.p, m.q
	p.dropped += q.dropped
	p.goneSample.add(q.goneSample)
	if q.floor != nil {
		for row := range m.had {
			if m.seen[row>>6]>>(row&63)&1 == 0 {
				p.lay.miss(p.missed[row*p.stride:], q.floor)
			}
		}
		p.lay.miss(p.floor, q.floor)
		p.lay.total(p.gone, q.gone, m.shift)
	}
	for i, o := range q.items.owners {
		if o == 0 || !p.items.kept(q.items.hashes[i]) {
			continue
		}
		row, set := m.rows[(o-1)/maxDistinct], (o-1)%maxDistinct
		p.Unique(int(row), p.lay.distinct[set], q.items.hashes[i])
	}
	m.seen, m.rows = nil, nil
	if m.prune && p.full() {
		p.prune(p.Group.LowKeys)
	}
}

// miss adds up what two pages may have missed of the same key.
func (l *layout) miss(dst, src []float64) {
	for i, kind := range l.folds {
		switch kind {
		case foldSum:
			dst[i] += src[i]
		case foldMax:
			dst[i] = most(dst[i], src[i])
		case foldMin:
			dst[i] = least(dst[i], src[i])
		}
	}
}
