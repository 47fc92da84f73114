package meter

import (
	"math"
	"slices"

	"weir/schema"
)

// carry is what outlives the buckets of a group: the levels of running meters, the last samples of delta rates (spec
// trisul 1.3).
type carry struct {
	lay    layout
	meters []carried
	rows   *Page     // by key; nil while there is nothing to carry
	total  []float64 // levels over all keys, by cell of lay; exact, also for keys that were dropped
	alive  int       // rows with a level that is not zero
}

// carried is one meter that outlives the bucket.
type carried struct {
	from, to int // its cells: in the page, in the carry
	delta    bool
}

func (c *carry) prepare(g *Group) {
	if c.rows != nil {
		return
	}
	c.lay = newLayout()
	// What a stat group copies is settled already.
	for i := range g.Meters {
		m := &g.Meters[i]
		if g.Kind == KindStat {
			break
		}
		switch m.Type {
		case Running:
			c.meters = append(c.meters, carried{int(g.meters.first[m.ID]), len(c.lay.folds), false})
			c.lay.add(m, foldSum)
		case DeltaRate:
			c.meters = append(c.meters, carried{int(g.meters.first[m.ID]), len(c.lay.folds), true})
			c.lay.add(m, foldMax)
		}
	}
	c.rows = c.fresh(g)
	c.total = make([]float64, len(c.lay.folds))
}

func (c *carry) fresh(g *Group) *Page {
	p := &Page{}
	p.reset(g, &c.lay, 0, 0)
	return p
}

// levels tells whether any key has a level: such keys have a row in every bucket.
func (c *carry) levels() bool { return c.alive > 0 }

// settle turns what a bucket added and saw into levels and differences, and makes the rows of keys whose level stands.
func (c *carry) settle(p *Page, sum []float64) {
	if len(c.meters) == 0 {
		return
	}
	for row := range c.rows.Len() {
		if k := c.rows.RowKey(row); c.stands(row) {
			if h := hashKey(k); !has(p, k, h) {
				p.append(k, h)
			}
		}
	}
	for _, m := range c.meters {
		if m.delta {
			sum[m.from] = math.NaN()
			continue
		}
		c.total[m.to] += sum[m.from]
		sum[m.from] = c.total[m.to]
	}
	for row := range p.Len() {
		c.settleRow(p, row, sum)
	}
	c.sweep(p.Group)
}

func has(p *Page, k []byte, h uint64) bool {
	_, ok := p.find(k, h)
	return ok
}

func (c *carry) settleRow(p *Page, row int, sum []float64) {
	k := p.RowKey(row)
	h := hashKey(k)
	at, ok := c.rows.find(k, h)
	if !ok {
		if c.rows.Len() >= 2*p.Group.MaxKeys {
			return // what is carried is bounded too: the key has what this bucket gave it
		}
		at = c.rows.append(k, h)
	}
	cells, kept := p.Cells(row), c.rows.Cells(at)
	for _, m := range c.meters {
		v := cells[m.from]
		switch {
		case !m.delta:
			kept[m.to] += v
			cells[m.from] = kept[m.to]
		case !math.IsNaN(v):
			cells[m.from] = grown(kept[m.to], v)
			kept[m.to] = v
			sum[m.from] = add(sum[m.from], cells[m.from])
		}
	}
}

// grown is the difference of two samples; NaN when there was none before or the counter began anew.
func grown(before, now float64) float64 {
	if now < before {
		return math.NaN()
	}
	return now - before
}

// add adds values that may be missing.
func add(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return a + b
}

// stands tells whether a key of the carry has a level.
func (c *carry) stands(row int) bool {
	cells := c.rows.Cells(row)
	for _, m := range c.meters {
		if !m.delta && cells[m.to] != 0 {
			return true
		}
	}
	return false
}

// sweep forgets keys that carry nothing, once they are the most.
func (c *carry) sweep(g *Group) {
	c.alive = 0
	var useful []int
	for row := range c.rows.Len() {
		stands := c.stands(row)
		if stands {
			c.alive++
		}
		if stands || c.sampled(row) {
			useful = append(useful, row)
		}
	}
	if len(useful)*2 > c.rows.Len() {
		return
	}
	rows := c.fresh(g)
	for _, row := range useful {
		k := c.rows.RowKey(row)
		copy(rows.Cells(rows.append(k, hashKey(k))), c.rows.Cells(row))
	}
	c.rows = rows
}

func (c *carry) sampled(row int) bool {
	cells := c.rows.Cells(row)
	return slices.ContainsFunc(c.meters, func(m carried) bool { return m.delta && !math.IsNaN(cells[m.to]) })
}

// look returns the cells that a row of an open page would have if its bucket were closed now; in buf.
func (c *carry) look(p *Page, row int, buf []float64) []float64 {
	buf = append(buf[:0], p.Cells(row)...)
	for _, cell := range p.lay.distinct {
		buf[cell] *= p.itemScale()
	}
	if len(c.meters) == 0 || p.closed {
		return buf
	}
	at, ok := c.rows.Find(p.RowKey(row))
	for _, m := range c.meters {
		switch {
		case ok && m.delta:
			buf[m.from] = grown(c.rows.Cells(at)[m.to], buf[m.from])
		case ok:
			buf[m.from] += c.rows.Cells(at)[m.to]
		case m.delta:
			buf[m.from] = math.NaN()
		}
	}
	return buf
}

// finish turns an open page into a closed one: nothing in it changes any more.
func (b *book) finish(p *Page) {
	sum := p.Totals(nil)
	scale := p.itemScale()
	for _, cell := range p.lay.distinct {
		for row := range p.Len() {
			p.Cells(row)[cell] *= scale
		}
	}
	p.items = itemSet{level: p.items.level}
	b.carry.prepare(b.g)
	b.carry.settle(p, sum)
	p.sum, p.sumSample, p.closed, p.scratch = sum, p.totalSampling(), true, nil
}

// topperCells folds the cells of a closed bucket's row into those that topper buckets have; width is the bucket's.
func topperCells(g *Group, dst, src []float64, width Span) {
	for i := range g.Meters {
		m := &g.Meters[i]
		from, to := g.meters.first[m.ID], g.topper.first[m.ID]
		v := src[from]
		switch m.Type {
		case Average:
			dst[to], dst[to+1] = v, src[from+1]
		case Gauge, GaugeMinMaxAvg, DeltaRate:
			if math.IsNaN(v) || m.Distinct && v == 0 {
				continue
			}
			if m.Type == DeltaRate {
				v /= width.Seconds()
			}
			dst[to], dst[to+1] = v, 1
		case Running:
			dst[to], dst[to+1] = v, 1
		default:
			dst[to] = v
		}
	}
}

// asTopper returns a closed page as if it were the page of a topper bucket, to be merged into one. It shares what it
// can with p.
func asTopper(p *Page) *Page {
	g := p.Group
	q := *p
	q.lay, q.closed, q.sum, q.items = &g.topper, false, nil, itemSet{}
	if slices.Equal(g.meters.folds, g.topper.folds) {
		return &q
	}
	q.stride = len(g.topper.folds)
	q.cells = translate(p, p.cells)
	if p.floor != nil {
		q.floor = translate(p, p.floor)
		q.missed = translate(p, p.missed)
		q.gone = translate(p, p.gone)
	}
	return &q
}

// translate turns runs of cells of a bucket page into those of a topper page.
func translate(p *Page, cells []float64) []float64 {
	g := p.Group
	var out []float64
	for i := 0; i < len(cells); i += p.stride {
		n := len(out)
		out = append(out, g.topper.empty...)
		topperCells(g, out[n:], cells[i:i+p.stride], p.Width)
	}
	return out
}

// topperStart returns when the topper bucket begins that a bucket belongs to.
func (b *book) topperStart(bucket schema.Instant) schema.Instant {
	return max(floor(bucket, b.g.Topper), min(b.begin, bucket))
}
