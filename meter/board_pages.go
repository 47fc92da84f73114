package meter

import (
	"math"

	"weir/schema"
)

// turn makes the pages current into which a record of that instant belongs, and works out until when they serve.
func (b *Board) turn(at schema.Instant) {
	b.unblend()
	if at == 0 {
		at = b.now
	}
	from, to := schema.Instant(math.MinInt64), schema.Instant(math.MaxInt64)
	late, early := false, false
	for _, c := range b.plan.counters {
		own := at
		if b.now > 0 {
			grace := b.settings.Grace
			if c.g.Spread {
				grace += b.settings.Reach
			}
			if open := floor(b.now.Add(-grace.Duration()), c.bucket); own < open {
				own, late = open, true
			} else if own > b.now.Add(c.bucket.Duration()) {
				own, early = b.now, true
			}
		}
		start := floor(own, c.grid)
		c.turnTo(start)
		from, to = max(from, start), min(to, start.Add(c.grid.Duration()))
	}
	switch {
	case early:
		b.counts.Early++
	case late:
		b.counts.Late++
	}
	if late || early {
		b.from, b.to = 0, 0 // each one is to be counted
		return
	}
	if b.now > 0 {
		// Beyond this a record is early, and before the next tick no bucket closes.
		to = min(to, b.now.Add(b.plan.shortest().Duration())+1)
		to = max(to, at+1)
	}
	b.from, b.to = from, to
}

// shortest returns the shortest bucket.
func (p *plan) shortest() Span {
	s := MaxBucket
	for _, c := range p.counters {
		s = min(s, c.bucket)
	}
	return s
}

// turnTo makes the page current that begins at start on the counter's grid.
func (c *counter) turnTo(start schema.Instant) {
	for i := range c.sheets {
		if s := &c.sheets[i]; s.from == start {
			if s.page != c.page {
				c.current(s.page)
			}
			return
		}
	}
	bucket := floor(start, c.bucket)
	for i := range c.sheets {
		// A page that nothing was counted in serves again.
		if s := &c.sheets[i]; s.page.Len() == 0 {
			s.from, s.page.Start = start, bucket
			c.current(s.page)
			return
		}
	}
	p := c.board.newPage(c.g, bucket)
	p.OnDrop = c.onDrop
	c.sheets = append(c.sheets, sheet{p, start})
	c.current(p)
}

// current makes a page the current one; rows that were remembered before are stale.
func (c *counter) current(p *Page) {
	c.page, c.gen = p, p.generation
	c.board.epoch++
	c.epoch = c.board.epoch
}

func (b *Board) newPage(g *Group, start schema.Instant) *Page {
	list := b.spare[g.Name]
	if n := len(list); n > 0 {
		p := list[n-1]
		b.spare[g.Name] = list[:n-1]
		p.Reset(g, start, g.Bucket)
		return p
	}
	return NewPage(g, start, g.Bucket)
}

// handOver appends the pages that are due to list: all, or those whose time is over. What rolls up from them is counted
// before, and those groups come later in the order of counters. Unless it is final, large pages come later.
func (b *Board) handOver(list []*Page, all, final bool) []*Page {
	b.unblend()
	list = b.retire(list, final)
	for _, c := range b.plan.counters {
		kept := c.sheets[:0]
		for _, s := range c.sheets {
			over := all || s.from.Add(c.grid.Duration()) <= b.now
			if !over || s.page.Len() == 0 && s.page.dropped == 0 {
				kept = append(kept, s)
				continue
			}
			s.page.OnDrop = nil
			if !final && b.mayWait(c, s.page) {
				b.retiring = append(b.retiring, retiree{sheet: s, c: c})
				continue
			}
			c.rollRows(s, 0, s.page.Len())
			list = append(list, s.page)
			b.counts.Pages++
		}
		clear(c.sheets[len(kept):])
		c.sheets = kept
		if len(kept) > 2 {
			c.sheets = c.dropEmpty(kept)
		}
	}
	b.from, b.to = 0, 0
	return list
}

// retiree is a page that is to be handed over once all its rows were counted in the groups that roll up from it.
type retiree struct {
	sheet
	c    *counter
	rows int // counted so far
}

// rollStep is how many rows of such pages are counted at one tick, so that a million of them do not make the lane stand
// still: some 20 ms.
const rollStep = 100_000

// mayWait tells whether a page is so large that it is to be handed over in steps. In a replay nobody waits for a lane.
func (b *Board) mayWait(c *counter, p *Page) bool {
	return len(c.rollups) > 0 && p.Len() > rollStep && b.settings.Grace > 0
}

// retire goes on with the pages that are handed over in steps, and appends those to list that are done. None may be
// later than half the grace of its bucket.
func (b *Board) retire(list []*Page, final bool) []*Page {
	left := rollStep
	for len(b.retiring) > 0 {
		r := &b.retiring[0]
		n := r.page.Len() - r.rows
		if end := r.from.Add((r.c.grid + b.settings.Grace/2).Duration()); !final && b.now < end {
			n = min(n, left)
		}
		r.c.rollRows(r.sheet, r.rows, r.rows+n)
		r.rows, left = r.rows+n, max(left-n, 0)
		if r.rows < r.page.Len() {
			break
		}
		list = append(list, r.page)
		b.counts.Pages++
		b.retiring = append(b.retiring[:0], b.retiring[1:]...)
	}
	return list
}

// dropEmpty gives up pages that nothing was counted in, but for one.
func (c *counter) dropEmpty(sheets []sheet) []sheet {
	kept, spare := sheets[:0], false
	for _, s := range sheets {
		if s.page.Len() > 0 || !spare {
			kept = append(kept, s)
			spare = spare || s.page.Len() == 0
		}
	}
	clear(sheets[len(kept):])
	return kept
}

// spot remembers a row of a counter's current page: the epoch and the row. The zero spot is no row.
type spot struct {
	epoch uint32
	row   uint32
}

// find returns the row of a key in the current page and makes it when there is none.
func (c *counter) find(key []byte) int {
	row := c.page.Row(key)
	if c.page.generation != c.gen {
		c.current(c.page)
	}
	return row
}

// at returns the row that s remembers, or that of key, which s remembers then.
func (c *counter) at(s *spot, key []byte) int {
	if s.epoch == c.epoch {
		return int(s.row)
	}
	row := c.find(key)
	*s = spot{c.epoch, uint32(row)}
	return row
}

// add counts what f tells in a row, touched in manner m.
func (c *counter) add(row int, m manner, f *amounts) {
	r := &c.recipes[m]
	p := c.page
	cells := p.cells[row*c.stride : row*c.stride+c.stride]
	if f.edge {
		if r.more != nil {
			for _, a := range r.more.edges {
				cells[a.cell] += f.values[a.fact]
			}
		}
	} else {
		n := r.often
		if f.rare {
			n = r.rare
		}
		for _, a := range r.adds[:n] {
			cells[a.cell] += f.values[a.fact]
		}
		if f.sampled {
			c.sample(row, r, f)
		}
		if r.more != nil {
			c.write(row, r, f)
		}
	}
	if c.watched {
		c.touch(row, m)
	}
}

// sample notes the sampling behind what was added to a row. The variance is that of Horvitz and Thompson for packets
// that were chosen independently: k observed packets behind a record share its value in equal parts (see package flow).
func (c *counter) sample(row int, r *recipe, f *amounts) {
	p := c.page
	if p.samples == nil {
		p.samples = make([]sampling, p.Len(), cap(p.ends))
	}
	s := &p.samples[row]
	s.n += f.observed
	s.rates += f.rates
	switch {
	case !r.primed:
	case f.blended:
		s.variance += f.variance // groups of which this would not be true are not blended
	default:
		v := f.values[r.primary]
		s.variance += v * v * f.doubt
	}
}

// write gives values to meters that are no sums of words.
func (c *counter) write(row int, r *recipe, f *amounts) {
	for _, a := range r.more.written {
		v := 0.0
		switch {
		case a.fact >= factMeasures:
			v = c.board.measure(int(a.fact - factMeasures)) // NaN changes nothing
		case a.fact < factSYN || f.rare:
			v = f.values[a.fact]
		}
		c.page.Write(row, int(a.cell), v, c.board.facts.at)
	}
}

// measure reads a value expression of the record in hand, scaled where it must be; NaN when it has none.
func (b *Board) measure(i int) float64 {
	m, f := &b.plan.measures[i], &b.facts
	if m.seen == b.counts.Records && f.part == m.part {
		return m.value
	}
	m.seen, m.part = b.counts.Records, f.part
	v := math.NaN()
	switch {
	case f.record == nil:
	case m.Scaled && m.Attribute == "bytes":
		v = f.values[factBytes] * m.Factor
	case m.Scaled && m.Attribute == "frames":
		v = f.values[factPackets]
	default:
		b.out.SetNull()
		m.Eval(f.record, &b.out)
		if n, ok := b.out.Number(); ok {
			v = n
			if m.Scaled {
				v *= float64(max(f.record.Rate, 1)) * f.share
			}
		}
	}
	m.value = v
	return v
}
