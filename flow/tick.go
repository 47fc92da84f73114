package flow

import (
	"math"

	"weir/schema"
)

// sweepShare and sweepLeast bound how many entries one tick looks at in search of dead ones: a sixteenth of them.
const (
	sweepShare = 16
	sweepLeast = 64
)

// advance brings the flows of a plan to a tick and returns what changed; false when nothing did.
func (p *plan) advance(t *Table, at schema.Instant) (partialColumn, bool) {
	if p.wheel != nil && !p.def.FlowStart {
		p.finishIdle(t, at)
	}
	if p.value.kind.windowed() {
		p.turnAll(at)
	}
	if second := at / 1e9; second != p.second {
		p.second = second
		p.retire(at)
	}
	p.sweep(t, at)
	if p.rescan {
		p.rebuild(at)
	}
	return p.report(t, at)
}

// turnAll asks for new lists of the largest flows when the windows have moved on.
func (p *plan) turnAll(at schema.Instant) {
	g := p.shape.generation(at)
	if g == p.window {
		return
	}
	p.window = g
	for i := range p.pools {
		if q := &p.pools[i]; q.flows > 0 {
			q.rescan, p.rescan = true, true
		}
	}
}

// retire takes flows that have faded away out of the lists of the largest, once a second, and finds empty pools.
func (p *plan) retire(at schema.Instant) {
	for i := range p.pools {
		q := &p.pools[i]
		if !q.live {
			continue
		}
		if q.flows == 0 {
			p.markDirty(uint32(i))
			continue
		}
		if at < q.check || len(q.heap) == 0 {
			continue
		}
		if p.expelDead(q, at) {
			p.markDirty(uint32(i))
			if q.outside > math.Inf(-1) {
				q.rescan, p.rescan = true, true
			}
		}
	}
}

// expelDead takes the flows that have faded away out of the heap of a pool, and notes when to look again.
func (p *plan) expelDead(q *pool, at schema.Instant) bool {
	alive := q.heap[:0]
	least := schema.Instant(lifetime / p.shape.perNano)
	q.check = at + least
	for _, s := range q.heap {
		e := p.cache.entry(s.id)
		if p.dead(e, at) {
			e.place = -1
			continue
		}
		q.check = min(q.check, e.last+least)
		e.place = int32(len(alive))
		alive = append(alive, s)
	}
	if len(alive) == len(q.heap) {
		return false
	}
	clear(q.heap[len(alive):])
	q.heap = alive
	for i := len(alive)/2 - 1; i >= 0; i-- {
		p.down(q, i)
	}
	return true
}

// sweep removes some of the entries that have faded away.
func (p *plan) sweep(t *Table, at schema.Instant) {
	used := p.cache.used
	for n := min(used, used/sweepShare+sweepLeast); n > 0 && p.cache.used > 0; n-- {
		if p.cursor >= p.cache.used {
			p.cursor = 0
		}
		id := p.cursor
		p.cursor++
		e := p.cache.entry(id)
		if e.flags&flagLive == 0 || e.place >= 0 || !p.dead(e, at) || p.retained(e, id, at) {
			continue
		}
		p.releaseSets(p.cache.state(id))
		p.pools[e.pool].flows--
		p.cache.remove(id)
		t.keys--
	}
}

// retained tells whether the log still needs an entry.
func (p *plan) retained(e *entry, id uint32, at schema.Instant) bool {
	if e.flags&flagLinked != 0 {
		return true
	}
	if e.flags&flagOpen == 0 {
		return false
	}
	opened := schema.Instant(p.cache.state(id)[p.estimates+logOpened])
	return at.Sub(opened) < seconds(p.def.ActiveTimeout)
}

// rebuild makes the lists of the largest flows anew for the pools that asked for it, in one pass over all flows.
func (p *plan) rebuild(at schema.Instant) {
	p.rescan = false
	for i := range p.pools {
		q := &p.pools[i]
		if !q.rescan {
			continue
		}
		for j := range q.heap {
			p.cache.entry(q.heap[j].id).place = -1
			q.heap[j] = slot{}
		}
		q.heap, q.outside, q.check = q.heap[:0], math.Inf(-1), 0
		p.markDirty(uint32(i))
	}
	for id := range p.cache.used {
		e := p.cache.entry(id)
		if e.flags&flagLive == 0 || !p.pools[e.pool].rescan || p.dead(e, at) {
			continue
		}
		state := p.cache.state(id)
		if p.value.kind.windowed() {
			p.turn(&p.value, state[p.value.at:], p.shape.generation(at))
		}
		if rank := p.rank(e, state); rank > math.Inf(-1) {
			p.offer(&p.pools[e.pool], slot{rank: rank, id: id})
		}
	}
	for i := range p.pools {
		p.pools[i].rescan = false
	}
}

// report makes leaves of the pools whose largest flows changed since the last tick.
func (p *plan) report(t *Table, at schema.Instant) (partialColumn, bool) {
	if len(p.dirty) == 0 && p.books == (Books{}) {
		return partialColumn{}, false
	}
	c := partialColumn{def: p.def, shape: p.shape, books: p.books}
	p.books = Books{}
	if len(p.dirty) > 0 {
		c.leaves = make([]*leaf, 0, len(p.dirty))
	}
	for _, id := range p.dirty {
		q := &p.pools[id]
		q.dirty = false
		c.leaves = append(c.leaves, p.leafOf(t, q, at))
		if q.flows == 0 {
			p.dropPool(t, id)
		}
	}
	p.dirty = p.dirty[:0]
	return c, true
}

// leafOf copies the largest flows of a pool.
func (p *plan) leafOf(t *Table, q *pool, at schema.Instant) *leaf {
	l := &leaf{source: t.sources.list[q.source].source}
	if len(q.heap) == 0 {
		return l
	}
	l.cells = make([]cell, len(q.heap))
	if len(p.values) > 0 {
		l.values = make([]parts, 0, len(q.heap)*len(p.values))
	}
	generation := p.shape.generation(at)
	for i := range q.heap {
		s := &q.heap[i]
		e, state := p.cache.entry(s.id), p.cache.state(s.id)
		if s.text == "" && e.size > 0 {
			s.text = string(p.cache.keyOf(e))
		}
		c := &l.cells[i]
		*c = cell{
			key: s.text, last: e.last, in: e.in, out: e.out, varIn: e.varIn, varOut: e.varOut, samples: e.samples,
			sampled: e.flags&flagSampled != 0,
		}
		if p.value.kind != decaying {
			c.in, c.varIn, _ = p.primary(e, state)
			c.out, c.varOut = 0, 0
		}
		for j := range p.values {
			g := &p.values[j]
			if g.kind.windowed() {
				p.turn(g, state[g.at:], generation)
			}
			part, _ := p.further(g, e, state)
			l.values = append(l.values, part)
		}
	}
	return l
}
