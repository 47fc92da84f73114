package flow

import (
	"bytes"
	"math"

	"weir/schema"
)

// pool is the flows of a definition that share a source, with an exact list of the largest. Rates of one definition
// fade alike, so the order of two flows that are left alone never changes: a flow's rank, ln(rate) + last/t, is
// compared when a record touches it and never else. Other values keep their rank until touched, or until their window
// ends, when the list is made anew.
type pool struct {
	source  uint32 // in the table's sources
	flows   int
	heap    []slot         // of the n largest, smallest at the root
	outside float64        // no flow outside the heap ranks higher; -Inf: there is none
	check   schema.Instant // no flow in the heap fades away before
	live    bool
	dirty   bool
	rescan  bool
}

// slot is a flow in the heap of a pool.
type slot struct {
	rank  float64
	id    uint32
	stale bool   // a record has raised the rank since; it is computed when the slot comes to the root
	text  string // the key once it was reported
}

// rank returns the rank of an entry.
func (p *plan) rank(e *entry, state []uint64) float64 {
	v, _, ok := p.primary(e, state)
	switch {
	case !ok:
		return math.Inf(-1)
	case p.value.kind == decaying:
		return math.Log(v) + float64(e.last-p.since)*p.shape.perNano
	}
	return v
}

// worse tells whether slot a belongs below slot b: flows of equal rank are ordered by key, so that which of them are
// kept does not depend on who came first.
func (p *plan) worse(a, b *slot) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	ka, kb := p.cache.keyOf(p.cache.entry(a.id)), p.cache.keyOf(p.cache.entry(b.id))
	return bytes.Compare(ka, kb) > 0
}

// rankBound returns a number that is not below the rank of an entry whose rate fades, without a logarithm: the
// mantissa m of a float64 has log2(1+m) < m + 0.0861.
func (p *plan) rankBound(e *entry) float64 {
	v, _ := p.shape.join(e.in, e.out, e.varIn, e.varOut)
	log2 := max(float64(math.Float64bits(v))/(1<<52)-1023+0.0861, -1022) // what is smaller has another form
	return log2*math.Ln2 + float64(e.last-p.since)*p.shape.perNano
}

// rerank gives an entry that was touched its place among the largest of its pool. anew tells that it may have become
// smaller although its rate fades.
func (p *plan) rerank(id uint32, e *entry, anew bool) {
	q := &p.pools[e.pool]
	fading := p.value.kind == decaying
	if fading && e.place >= 0 && !anew {
		q.heap[e.place].stale = true
		p.markDirty(e.pool)
		return
	}
	if fading && e.place < 0 && len(q.heap) == p.def.N {
		if most := p.rankBound(e); most < q.heap[0].rank {
			q.outside = max(q.outside, most)
			return
		}
	}
	s := slot{rank: p.rank(e, p.cache.state(id)), id: id}
	nothing := s.rank == math.Inf(-1) && !fading // a late record, outside the window
	if e.place < 0 {
		if !nothing && p.offer(q, s) {
			p.markDirty(e.pool)
		}
		return
	}
	p.markDirty(e.pool)
	p.setRank(q, int(e.place), s.rank)
	if q.heap[0].rank <= q.outside || nothing {
		q.rescan, p.rescan = true, true
	}
}

// setRank gives the slot at i another rank.
func (p *plan) setRank(q *pool, i int, rank float64) {
	s := &q.heap[i]
	fell := rank < s.rank
	s.rank, s.stale = rank, false
	if fell {
		p.up(q, i)
	} else {
		p.down(q, i)
	}
}

// offer puts a flow that is not in the heap into it when it is large enough.
func (p *plan) offer(q *pool, s slot) bool {
	if len(q.heap) < p.def.N {
		q.heap = append(q.heap, s)
		p.cache.entry(s.id).place = int32(len(q.heap) - 1)
		p.up(q, len(q.heap)-1)
		return true
	}
	for q.heap[0].stale && p.worse(&q.heap[0], &s) {
		id := q.heap[0].id
		p.setRank(q, 0, p.rank(p.cache.entry(id), p.cache.state(id)))
	}
	root := &q.heap[0]
	if !p.worse(root, &s) {
		q.outside = max(q.outside, s.rank)
		return false
	}
	q.outside = max(q.outside, root.rank)
	p.cache.entry(root.id).place = -1
	*root = s
	p.cache.entry(s.id).place = 0
	p.down(q, 0)
	return true
}

// up moves the slot at i towards the root while it is smaller than its parent.
func (p *plan) up(q *pool, i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !p.worse(&q.heap[i], &q.heap[parent]) {
			return
		}
		p.swap(q, i, parent)
		i = parent
	}
}

// down moves the slot at i away from the root while one of its children is smaller.
func (p *plan) down(q *pool, i int) {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if child+1 < len(q.heap) && p.worse(&q.heap[child+1], &q.heap[child]) {
			child++
		}
		if !p.worse(&q.heap[child], &q.heap[i]) {
			return
		}
		p.swap(q, i, child)
		i = child
	}
}

func (p *plan) swap(q *pool, i, j int) {
	q.heap[i], q.heap[j] = q.heap[j], q.heap[i]
	p.cache.entry(q.heap[i].id).place = int32(i)
	p.cache.entry(q.heap[j].id).place = int32(j)
}

func (p *plan) markDirty(id uint32) {
	if q := &p.pools[id]; !q.dirty {
		q.dirty = true
		p.dirty = append(p.dirty, id)
	}
}

// poolOf returns the pool of a record.
func (p *plan) poolOf(t *Table, r *schema.Record) (uint32, bool) {
	src, ok := t.place(r, p.shape.agent)
	if !ok {
		return 0, false
	}
	if int(src) < len(p.bySource) {
		if id := p.bySource[src]; id != 0 {
			return id - 1, true
		}
	}
	return p.newPool(t, src)
}

func (p *plan) newPool(t *Table, src uint32) (uint32, bool) {
	if t.pools >= t.limits.Pools {
		t.sources.releaseUnused(src)
		return 0, false
	}
	t.pools++
	t.sources.list[src].pools++
	for len(p.bySource) <= int(src) {
		p.bySource = append(p.bySource, 0)
	}
	id := uint32(len(p.pools))
	if n := len(p.freePools); n > 0 {
		id, p.freePools = p.freePools[n-1], p.freePools[:n-1]
	} else {
		p.pools = append(p.pools, pool{})
	}
	q := &p.pools[id]
	*q = pool{source: src, live: true, outside: math.Inf(-1), heap: q.heap[:0]}
	p.bySource[src] = id + 1
	return id, true
}

// dropPool forgets a pool without flows.
func (p *plan) dropPool(t *Table, id uint32) {
	q := &p.pools[id]
	p.bySource[q.source] = 0
	t.pools--
	t.sources.list[q.source].pools--
	t.sources.releaseUnused(q.source)
	*q = pool{heap: q.heap[:0]}
	p.freePools = append(p.freePools, id)
}
