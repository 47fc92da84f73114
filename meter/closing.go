package meter

import (
	"slices"
	"time"

	"weir/key"
	"weir/schema"
)

// closeBucket closes the bucket that ends at an instant: the first open one, or an empty one when only levels stand in
// it. It returns how many rows it visited.
func (l *Ledger) closeBucket(b *book, end schema.Instant, c *Closing) int {
	b.fresh, b.keys = false, -1
	var p *Page
	if len(b.open) > 0 && b.open[0].Start.Add(b.open[0].Width.Duration()) <= end {
		p = b.open[0]
		b.open = slices.Delete(b.open, 0, 1)
	} else {
		p = NewPage(b.g, end.Add(-b.g.Bucket.Duration()), b.g.Bucket)
	}
	if p.full() || p.Dropped() > 0 {
		p.prune(b.g.LowKeys)
	}
	b.counts.Dropped += p.Dropped()
	b.finish(p)
	b.closed = max(b.closed, end)
	b.counts.Buckets++
	l.feedStats(p)
	l.foldIntoTopper(b, p, c)
	l.handOver(b, p, c)
	if t := b.topper; t.Start.Add(t.Width.Duration()) <= end {
		l.closeTopper(b, c)
	}
	return p.Len()
}

// handOver gives away a closed bucket.
func (l *Ledger) handOver(b *book, p *Page, c *Closing) {
	b.counts.RowsSeen += uint64(p.Len())
	c.Buckets = append(c.Buckets, p)
	if fresh := b.day.fresh(p, l.limits.DayKeys); len(fresh) > 0 {
		c.jobs = append(c.jobs, job{kind: jobKeys, page: p, rows: fresh})
	}
	if b.g.TopperOnly {
		b.held = append(b.held, p)
	} else {
		b.counts.RowsStored += uint64(p.Len())
		c.jobs = append(c.jobs, job{kind: jobRows, page: p})
	}
}

// feedStats copies what satisfies the tests of stat groups from a closed bucket of their parent.
func (l *Ledger) feedStats(p *Page) {
	for i := len(l.books) - 1; i >= 0 && l.books[i].g.Kind == KindStat; i-- {
		if s := l.books[i].g; s.Parents[0] == p.Group.Name && !s.Inactive {
			if q := StatPage(p, s); q != nil {
				l.Take(q)
			}
		}
	}
}

func (l *Ledger) foldIntoTopper(b *book, p *Page, c *Closing) {
	start := b.topperStart(p.Start)
	if b.topper != nil && b.topper.Start != start {
		l.closeTopper(b, c)
	}
	if b.topper == nil {
		b.openTopper(start)
	}
	b.topper.Merge(asTopper(p))
	if b.topper.full() {
		b.topper.prune(b.g.LowKeys)
	}
	b.addTotal(p.sum, p.Start, p.Width)
}

// openTopper opens the topper bucket that begins at an instant.
func (b *book) openTopper(start schema.Instant) {
	end := floor(start, b.g.Topper).Add(b.g.Topper.Duration())
	b.topper = &Page{}
	b.topper.reset(b.g, &b.g.topper, start, Span(end.Sub(start)))
	b.total = slices.Clone(b.g.topper.empty)
}

// addTotal folds the totals of a closed bucket into those of the topper bucket: for toppers the sum over all keys is a
// key like any other.
func (b *book) addTotal(sum []float64, start schema.Instant, width Span) {
	cells := slices.Clone(b.g.topper.empty)
	topperCells(b.g, cells, sum, width)
	b.g.topper.into(b.total, cells, float64(start-b.topper.Start))
}

// closeTopper closes the open topper bucket, and lets go the rows that waited for it.
func (l *Ledger) closeTopper(b *book, c *Closing) {
	t := b.topper
	t.sum, t.sumSample = b.total, t.totalSampling()
	b.topper, b.total = nil, nil
	lists := &topperLists{page: t}
	c.jobs = append(c.jobs, job{kind: jobToppers, page: t, lists: lists})
	if len(b.held) == 0 {
		return
	}
	keep := lists.keys()
	for _, p := range b.held {
		j := job{kind: jobRows, page: p, some: true}
		for k := range keep {
			if row, ok := p.Find([]byte(k)); ok {
				j.rows = append(j.rows, uint32(row))
			}
		}
		b.counts.RowsStored += uint64(len(j.rows))
		c.jobs = append(c.jobs, j)
	}
	b.held = nil
}

// topperLists are the lists of a closed topper bucket, made when they are first asked for.
type topperLists struct {
	page  *Page
	lists []topperList
	made  bool
}

type topperList struct {
	meter  int
	bottom bool
	rows   []Topper
}

func (t *topperLists) make() []topperList {
	if t.made {
		return t.lists
	}
	t.made = true
	for _, m := range t.page.Group.Meters {
		if m.Bottom > 0 {
			t.lists = append(t.lists, topperList{m.ID, true, t.page.Bottom(m.ID, m.Bottom)})
		}
		if m.Top > 0 {
			t.lists = append(t.lists, topperList{m.ID, false, t.page.Toppers(m.ID, m.Top)})
		}
	}
	return t.lists
}

// keys returns the keys of all top lists. Being among the smallest does not count (spec trisul 1.5.2).
func (t *topperLists) keys() map[string]bool {
	keys := map[string]bool{}
	for _, l := range t.make() {
		if l.bottom {
			continue
		}
		for _, r := range l.rows {
			keys[string(r.Key)] = true
		}
	}
	return keys
}

// daySet remembers which keys of a group were seen on a day (UTC), as hashes of 64 bits. It forgets all when it is
// full, so that a key may be reported twice a day, never not at all.
type daySet struct {
	day    schema.Instant
	hashes []uint64 // open addressing, 0 is free
	n      int
}

const day = Span(24 * time.Hour)

// fresh returns the rows of a page whose keys were not seen on its day before.
func (d *daySet) fresh(p *Page, limit int) []uint32 {
	if today := floor(p.Start, day); today != d.day {
		*d = daySet{day: today}
	}
	var rows []uint32
	for row := range p.Len() {
		if d.add(hashKey(p.RowKey(row))|1, limit) {
			rows = append(rows, uint32(row))
		}
	}
	return rows
}

func (d *daySet) add(h uint64, limit int) bool {
	if (d.n+1)*4 > len(d.hashes)*3 {
		d.grow(limit)
	}
	mask := uint64(len(d.hashes) - 1)
	for i := h >> 8 & mask; ; i = (i + 1) & mask {
		switch d.hashes[i] {
		case h:
			return false
		case 0:
			d.hashes[i] = h
			d.n++
			return true
		}
	}
}

func (d *daySet) grow(limit int) {
	old := d.hashes
	if d.n >= limit {
		clear(old)
		d.n = 0
		return
	}
	d.hashes, d.n = make([]uint64, max(64, 2*len(old))), 0
	for _, h := range old {
		if h != 0 {
			d.add(h, limit)
		}
	}
}

// totalsKey is the raw key of the sum over all keys.
var totalsKey = []byte(key.Totals)
