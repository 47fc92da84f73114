package meter

// visit is what one record adds to both its ends, in hosts and in the groups of hosts that were seen with some
// application.
//
// Rows of hosts are many and lie far away in memory. So visits wait until there are some, and the rows of all of them
// are fetched before the first is counted: the processor waits for memory once, not for each.
type visit struct {
	amounts
	hosts    *counter
	src, dst int32 // places in Board.ends
	from, to manner
	app, two int32
	six      bool
}

const maxVisits = 16

// settleHosts finds out which groups of hosts can wait: nobody derives from them, and nothing but sums of words is
// counted.
func (p *plan) settleHosts() {
	for _, i := range []int{feedHosts, feedHosts6} {
		if c := p.built[i]; c != nil {
			c.patient = c.canWait()
		}
	}
	for _, l := range p.lookers {
		l.hosts.patient = l.hosts.patient && l.c.canWait()
	}
}

func (c *counter) canWait() bool {
	if c.watched || c.g.Spread {
		return false
	}
	for i := range c.recipes {
		if more := c.recipes[i].more; more != nil && len(more.written) > 0 {
			return false
		}
	}
	return true
}

// feedHosts counts both ends, now or later.
func (b *Board) feedHosts(set feeds) {
	f, feed := &b.facts, feedHosts
	if f.ip == 6 {
		feed = feedHosts6
	}
	if set&(1<<feed) == 0 {
		return
	}
	if b.waiting == maxVisits {
		b.visitAll()
	}
	v := &b.visits[b.waiting]
	b.waiting++
	v.amounts = f.amounts
	src, dst := &b.ends.slots[f.src], &b.ends.slots[f.dst]
	v.hosts, v.src, v.dst, v.app, v.two, v.six = b.plan.built[feed], f.src, f.dst, f.app, f.two, f.ip == 6
	v.from, v.to = sideSrc|src.manner()|f.goes, sideDst|dst.manner()|f.goes
	if !v.hosts.patient {
		b.visitAll()
	}
}

// visitAll counts the visits that wait, into the current pages.
func (b *Board) visitAll() {
	visits := b.visits[:b.waiting]
	b.waiting = 0
	if len(visits) > 1 {
		for i := range visits {
			b.fetch(&visits[i])
		}
	}
	for i := range visits {
		v := &visits[i]
		b.visit(v, v.src, v.from)
		b.visit(v, v.dst, v.to)
	}
}

// fetch reads a little of each row of a visit, so that it is there when it is counted.
func (b *Board) fetch(v *visit) {
	src, dst := &b.ends.slots[v.src], &b.ends.slots[v.dst]
	sum := v.hosts.peek(src.hosts.epoch, src.hosts.row&endRow) + v.hosts.peek(dst.hosts.epoch, dst.hosts.row&endRow)
	for _, l := range b.plan.lookers {
		if l.hosts == v.hosts && l.sees(v) {
			x, y := l.spot(src, v.src), l.spot(dst, v.dst)
			sum += l.c.peek(x.epoch, x.row) + l.c.peek(y.epoch, y.row)
		}
	}
	b.seen = sum
}

// peek reads a cell of a row, if it is known, and of what is beside it.
func (c *counter) peek(epoch, row uint32) (v float64) {
	if epoch != c.epoch {
		return 0
	}
	p := c.page
	at := int(row) * c.stride
	v = p.cells[at] + p.cells[at+c.stride-1]
	if p.samples != nil {
		v += p.samples[row].rates
	}
	return v
}

// visit counts a visit at one of its ends.
func (b *Board) visit(v *visit, place int32, m manner) {
	e := &b.ends.slots[place]
	if e.is4() == v.six {
		return // an address of the other family, or none
	}
	v.hosts.add(v.hosts.hostRow(e), m, &v.amounts)
	for _, l := range b.plan.lookers {
		if l.hosts == v.hosts && l.sees(v) {
			l.c.add(l.c.at(l.spot(e, place), hostKey(&e.addr)), m, &v.amounts)
		}
	}
}
