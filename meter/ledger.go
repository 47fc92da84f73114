package meter

import (
	"slices"
	"time"

	"weir/schema"
)

// Limits bounds what a Ledger does and keeps.
type Limits struct {
	Grace     Span // how long after its end a bucket waits for the late: 2 s live, 0 in a replay
	Reach     Span // how much longer buckets of groups with Spread wait; as Settings.Reach of the boards
	BlockRows int  // rows of one block at most; default 32,768
	DayKeys   int  // keys of a group that are remembered as seen today; past it some are reported again; default 2^21
}

// Ledger keeps the books of all groups behind the lanes: it merges their slices into the open bucket of each group,
// closes buckets when their time is over, folds closed buckets into the open topper bucket, and closes that. What it
// closed it hands over as a Closing. One goroutine at a time may use a ledger.
type Ledger struct {
	limits  Limits
	books   []*book // stat groups behind the others, else as defined
	byName  map[string]*book
	pending *Closing // what Define closed, until the next Advance
	unknown uint64
}

// Counts is what the ledger counted of one group since it was defined.
type Counts struct {
	Slices     uint64 // pages taken
	Late       uint64 // rows whose bucket was closed already; they went into the oldest open one
	Misfit     uint64 // rows of pages with other meters or keys than the group has: not counted anywhere
	Dropped    uint64 // rows that full pages dropped; their traffic is in the totals
	Buckets    uint64 // buckets closed
	RowsSeen   uint64 // rows of closed buckets, without totals
	RowsStored uint64 // those of them that were handed over to be stored; less with topper_only
}

// book is what the ledger keeps of one group.
type book struct {
	g      *Group
	open   []*Page        // open buckets, by start
	closed schema.Instant // buckets that end here or before are closed; 0 when none was
	begin  schema.Instant // no bucket begins before: the instant of the last change of times, else 0
	topper *Page          // open topper bucket; nil when nothing was closed in it
	total  []float64      // the sum over all keys over the topper bucket, in its cells
	held   []*Page        // closed buckets that wait for their topper bucket (topper_only)
	carry  carry
	seen   *Page // topper bucket and open buckets together, for readers
	fresh  bool  // seen is up to date
	keys   int   // what Count found; -1 when it must look again
	day    daySet
	counts Counts
}

// NewLedger returns a ledger without groups.
func NewLedger(l Limits) *Ledger {
	if l.BlockRows <= 0 {
		l.BlockRows = 32 << 10
	}
	if l.DayKeys <= 0 {
		l.DayKeys = 1 << 21
	}
	return &Ledger{limits: l, byName: map[string]*book{}}
}

// Define makes these the groups from at on; all are complete. A group that went, or whose meters, keys, bucket or
// topper bucket changed, first closes what is open, as a bucket that ends at the whole second of at; other changes
// apply to what is open. What is closed comes with the next Advance. Slices that lanes counted before at must have
// been taken before.
func (l *Ledger) Define(at schema.Instant, groups []*Group) {
	l.pending = l.newClosing()
	was := l.byName
	l.byName = make(map[string]*book, len(groups))
	l.books = l.books[:0]
	for _, g := range groups {
		b := was[g.Name]
		delete(was, g.Name)
		switch {
		case b == nil:
			b = &book{g: g}
		case sameShape(b.g, g) && b.g.Bucket == g.Bucket && b.g.Topper == g.Topper:
			b.replace(g)
		default:
			l.cut(b, at)
			b = &book{g: g, closed: b.closed, begin: b.closed, counts: b.counts, day: b.day}
		}
		l.byName[g.Name] = b
		l.books = append(l.books, b)
	}
	for _, name := range slices.Sorted(mapKeys(was)) {
		l.cut(was[name], at)
	}
	slices.SortStableFunc(l.books, func(a, b *book) int { return statLast(a.g) - statLast(b.g) })
}

func mapKeys(m map[string]*book) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func statLast(g *Group) int {
	if g.Kind == KindStat {
		return 1
	}
	return 0
}

// sameShape tells whether rows of pages of the two groups mean the same.
func sameShape(a, b *Group) bool {
	if a == b {
		return true
	}
	same := func(x, y Meter) bool { return x.ID == y.ID && x.Type == y.Type && x.Distinct == y.Distinct }
	return a.Name == b.Name && slices.Equal(a.Form, b.Form) && slices.EqualFunc(a.Meters, b.Meters, same)
}

// replace puts settings in force that change nothing about cells and times.
func (b *book) replace(g *Group) {
	b.g, b.seen, b.fresh, b.keys = g, nil, false, -1
	for _, p := range slices.Concat(b.open, b.held) {
		p.Group, p.lay = g, &g.meters
	}
	if b.topper != nil {
		b.topper.Group, b.topper.lay = g, &g.topper
	}
}

// cut closes all that is open of a book, shortened to end at the whole second of at.
func (l *Ledger) cut(b *book, at schema.Instant) {
	end := floor(at, Span(time.Second))
	for len(b.open) > 0 {
		p := b.open[0]
		if p.Start < end && end < p.Start.Add(p.Width.Duration()) {
			p.Width = Span(end.Sub(p.Start))
		}
		l.closeBucket(b, p.Start.Add(p.Width.Duration()), l.pending)
	}
	b.closed = max(b.closed, end)
	if b.topper != nil {
		if end > b.topper.Start && end < b.topper.Start.Add(b.topper.Width.Duration()) {
			b.topper.Width = Span(end.Sub(b.topper.Start))
		}
		l.closeTopper(b, l.pending)
	}
	l.pending.Marks[b.g.Name] = b.mark()
}

// floor returns the last multiple of s that is not after at.
func floor(at schema.Instant, s Span) schema.Instant {
	r := at % schema.Instant(s)
	if r < 0 {
		r += schema.Instant(s)
	}
	return at - r
}

// Take merges a slice into the open bucket of its group. A slice of a bucket that is closed goes into the oldest open
// one, counted. The page stays the caller's, who may recycle it.
func (l *Ledger) Take(p *Page) {
	if t := l.Taking(p); t != nil {
		for !t.Some(p.Len()) {
		}
	}
}

// Taking begins what Take does, to be done in many steps by Merging.Some, so that a million rows do not keep others
// waiting; nil when there is nothing to do. Until it is done, nothing else may be asked of the ledger.
func (l *Ledger) Taking(p *Page) *Merging {
	b := l.byName[p.Group.Name]
	switch {
	case b == nil:
		l.unknown += uint64(p.Len())
		return nil
	case !sameShape(p.Group, b.g):
		b.counts.Misfit += uint64(p.Len())
		return nil
	}
	b.counts.Slices++
	b.fresh, b.keys = false, -1
	if p.Len() == 0 && p.dropped == 0 {
		return nil
	}
	m := b.bucket(p).Begin(p)
	m.prune = true
	return m
}

// maxOpen is how many buckets of a group may be open at once: boards clamp what is far ahead, so two or three are.
const maxOpen = 16

// bucket returns the open bucket that a slice belongs to.
func (b *book) bucket(p *Page) *Page {
	start := floor(p.Start, b.g.Bucket)
	end := start.Add(b.g.Bucket.Duration())
	if end <= b.closed {
		b.counts.Late += uint64(p.Len())
		if len(b.open) > 0 {
			return b.open[0]
		}
		start = floor(b.closed, b.g.Bucket)
		end = start.Add(b.g.Bucket.Duration())
	}
	start = max(start, b.begin)
	i, there := slices.BinarySearchFunc(b.open, start, func(p *Page, at schema.Instant) int {
		return int(min(max(p.Start-at, -1), 1))
	})
	if there {
		return b.open[i]
	}
	if len(b.open) >= maxOpen {
		return b.open[len(b.open)-1]
	}
	b.open = slices.Insert(b.open, i, NewPage(b.g, start, Span(end.Sub(start))))
	return b.open[i]
}

// Advance closes every bucket whose time is over at an instant, and returns what was closed. When a group had keys past
// its limit, its smallest are dropped then.
func (l *Ledger) Advance(at schema.Instant) *Closing {
	c, _ := l.AdvanceSome(at, 1<<62)
	return c
}

// AdvanceSome does what Advance does, but stops after the bucket with which it had worked through so many rows, and
// says whether more is to be done. It returns a closing for what it did.
func (l *Ledger) AdvanceSome(at schema.Instant, rows int) (c *Closing, more bool) {
	c = l.closing()
	for _, b := range l.books {
		limit := at.Add(-l.waits(b).Duration())
		l.skip(b, limit, c)
		for b.due(limit) {
			if rows <= 0 {
				c.Marks[b.g.Name] = b.mark()
				return c, true
			}
			rows -= l.closeNext(b, limit, c)
		}
		b.idle(limit)
		c.Marks[b.g.Name] = b.mark()
	}
	return c, false
}

// waits returns how long after their end the buckets of a group stay open.
func (l *Ledger) waits(b *book) Span {
	if b.g.Spread {
		return l.limits.Grace + l.limits.Reach
	}
	return l.limits.Grace
}

// End closes everything that is open, as buckets of full width; used when the stream has ended.
func (l *Ledger) End(at schema.Instant) *Closing {
	c := l.closing()
	for _, b := range l.books {
		limit := floor(at, b.g.Bucket)
		if n := len(b.open); n > 0 {
			last := b.open[n-1]
			limit = max(limit, last.Start.Add(last.Width.Duration()))
		}
		l.skip(b, limit, c)
		for b.due(limit) {
			l.closeNext(b, limit, c)
		}
		if b.topper != nil {
			l.closeTopper(b, c)
		}
		b.idle(limit)
		c.Marks[b.g.Name] = b.mark()
	}
	return c
}

// maxStanding is for how many buckets in a row levels are written down while nothing else happens: a day of 30 s.
const maxStanding = 2880

// skip keeps a clock that leaps from making rows of levels for years: the time that it leapt over stays empty.
func (l *Ledger) skip(b *book, limit schema.Instant, c *Closing) {
	span := schema.Instant(b.g.Bucket) * maxStanding
	if !b.carry.levels() || len(b.open) > 0 || limit-b.closed <= span {
		return
	}
	if b.topper != nil {
		l.closeTopper(b, c)
	}
	b.closed = floor(limit-span, b.g.Topper)
}

func (l *Ledger) closing() *Closing {
	c := l.pending
	l.pending = nil
	if c == nil {
		c = l.newClosing()
	}
	return c
}

func (l *Ledger) newClosing() *Closing {
	if l.pending != nil {
		return l.pending
	}
	return &Closing{Marks: map[string]schema.Instant{}, rows: l.limits.BlockRows}
}

// due tells whether a bucket ends at or before the limit, or a topper bucket that has closed buckets.
func (b *book) due(limit schema.Instant) bool {
	if len(b.open) > 0 && b.open[0].Start.Add(b.open[0].Width.Duration()) <= limit {
		return true
	}
	if b.topper != nil && b.topper.Start.Add(b.topper.Width.Duration()) <= limit {
		return true
	}
	return b.carry.levels() && b.closed > 0 && b.closed.Add(b.g.Bucket.Duration()) <= limit
}

// idle moves on over time in which nothing happened.
func (b *book) idle(limit schema.Instant) {
	if f := floor(limit, b.g.Bucket); f > b.closed {
		b.closed = f
	}
}

// closeNext closes what ends next: a topper bucket before the first bucket after it, a bucket in which only levels
// stood when no other is open before it. It returns how many rows it had to visit.
func (l *Ledger) closeNext(b *book, limit schema.Instant, c *Closing) int {
	end := limit + 1
	if len(b.open) > 0 {
		end = b.open[0].Start.Add(b.open[0].Width.Duration())
	}
	if b.carry.levels() && b.closed > 0 {
		// Keys with a level have a row in every bucket.
		end = min(end, floor(b.closed, b.g.Bucket).Add(b.g.Bucket.Duration()))
	}
	if t := b.topper; t != nil && t.Start.Add(t.Width.Duration()) < end {
		n := t.Len()
		l.closeTopper(b, c)
		return n + 1
	}
	return l.closeBucket(b, end, c) + 1
}

// mark returns when the oldest bucket begins that was not yet handed over.
func (b *book) mark() schema.Instant {
	if len(b.held) > 0 {
		return b.held[0].Start
	}
	return b.closed
}

// Counts returns what was counted of a group since it was defined.
func (l *Ledger) Counts(group string) Counts {
	if b := l.byName[group]; b != nil {
		return b.counts
	}
	return Counts{}
}

// Unknown returns how many rows came of groups that are not defined.
func (l *Ledger) Unknown() uint64 { return l.unknown }
