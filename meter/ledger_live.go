package meter

import (
	"math"
	"slices"

	"weir/schema"
)

// Group returns the group of that short name as it is in force, nil when there is none.
func (l *Ledger) Group(name string) *Group {
	if b := l.byName[name]; b != nil {
		return b.g
	}
	return nil
}

// Groups returns the groups in force.
func (l *Ledger) Groups() []*Group {
	all := make([]*Group, len(l.books))
	for i, b := range l.books {
		all[i] = b.g
	}
	return all
}

// Standing is what a topper bucket that is still open has come to.
type Standing struct {
	Start   schema.Instant // when the topper bucket begins
	Width   Span           // how long it will be when it closes: values are shown per second of it
	Total   float64        // the sum over all keys, as Topper.Value
	Stderr  float64        // of Total
	Keys    int            // rows of the topper bucket; keys of its open buckets that are new to it come on top
	Toppers []Topper
}

// Toppers returns the k largest keys of a meter in the open topper bucket, open buckets included; Bottom the smallest.
// The first to ask after a slice was taken or a bucket closed pays for merging all rows of the topper bucket and the
// open buckets, some 0.2 µs each, the next ones for visiting them.
func (l *Ledger) Toppers(group string, meter, k int) Standing { return l.standing(group, meter, k, 1) }

// Bottom is Toppers for the smallest keys that are not zero.
func (l *Ledger) Bottom(group string, meter, k int) Standing { return l.standing(group, meter, k, -1) }

func (l *Ledger) standing(group string, meter, k int, sign float64) Standing {
	b := l.byName[group]
	if b == nil || b.g.Meter(meter) == nil || len(b.open) == 0 && b.topper == nil {
		return Standing{}
	}
	v := b.view()
	s := Standing{Start: v.Start, Width: v.Width, Keys: v.Len()}
	if sign > 0 {
		s.Toppers = v.Toppers(meter, k)
	} else {
		s.Toppers = v.Bottom(meter, k)
	}
	s.Total, _ = v.valueOf(v.sum, meter, 1)
	s.Stderr = v.stderrOf(v.sum, v.totalSampling(), meter)
	return s
}

// view returns the page of the topper bucket as it would be if all open buckets that belong to it were closed now.
func (b *book) view() *Page {
	if b.fresh {
		return b.seen
	}
	if b.seen == nil {
		b.seen = &Page{}
	}
	v := b.seen
	start := schema.Instant(0)
	switch {
	case b.topper != nil:
		start = b.topper.Start
	default:
		start = b.topperStart(b.open[0].Start)
	}
	end := floor(start, b.g.Topper).Add(b.g.Topper.Duration())
	v.reset(b.g, &b.g.topper, start, Span(end.Sub(start)))
	v.sum = slices.Clone(b.g.topper.empty)
	if b.topper != nil {
		v.Merge(b.topper)
		v.sum = slices.Clone(b.total)
	}
	for _, p := range b.open {
		if p.Start >= end {
			break
		}
		q := b.asClosed(p)
		v.Merge(asTopper(q))
		cells := slices.Clone(b.g.topper.empty)
		topperCells(b.g, cells, q.sum, p.Width)
		b.g.topper.into(v.sum, cells, float64(p.Start-start))
	}
	b.fresh = true
	return v
}

// asClosed returns an open page as it would be closed, and leaves it as it is.
func (b *book) asClosed(p *Page) *Page {
	q := *p
	q.sum, q.closed, q.items = p.Totals(nil), true, itemSet{level: p.items.level}
	if len(b.carry.meters) == 0 && len(p.lay.distinct) == 0 {
		return &q
	}
	q.cells = make([]float64, 0, len(p.cells))
	for _, m := range b.carry.meters {
		if q.sum[m.from] += b.carry.total[m.to]; m.delta {
			q.sum[m.from] = math.NaN()
		}
	}
	var buf []float64
	for row := range p.Len() {
		buf = b.carry.look(p, row, buf)
		for _, m := range b.carry.meters {
			if m.delta {
				q.sum[m.from] = add(q.sum[m.from], buf[m.from])
			}
		}
		q.cells = append(q.cells, buf...)
	}
	return &q
}

// Point is one bucket of a key that is not stored yet.
type Point struct {
	Start  schema.Instant
	Width  Span
	Open   bool      // the bucket goes on
	Values []float64 // by place of the meter in Group.Meters, as Page.Value; NaN where there is none
	Stderr []float64 // the same, standard errors
}

// Row returns the buckets of a key that were not handed over yet, oldest first: the open ones, and with topper_only
// those that wait for their topper bucket. key is binary; nil asks for the sum over all keys, which visits all rows.
func (l *Ledger) Row(group string, key []byte) []Point {
	b := l.byName[group]
	if b == nil {
		return nil
	}
	var points []Point
	for _, p := range b.held {
		points = b.point(points, p, key, false)
	}
	for _, p := range b.open {
		points = b.point(points, p, key, true)
	}
	return points
}

func (b *book) point(points []Point, p *Page, key []byte, open bool) []Point {
	var cells []float64
	var s sampling
	if key == nil {
		q := p
		if open {
			q = b.asClosed(p)
		}
		cells, s = q.sum, p.totalSampling()
	} else {
		row, ok := p.Find(key)
		if !ok {
			return points
		}
		cells = b.carry.look(p, row, nil)
		if p.samples != nil {
			s = p.samples[row]
		}
	}
	shown := Page{Group: b.g, Width: p.Width, lay: p.lay, closed: true, items: itemSet{level: p.items.level}}
	pt := Point{Start: p.Start, Width: p.Width, Open: open}
	for _, m := range b.g.Meters {
		v, ok := shown.valueOf(cells, m.ID, 1)
		if !ok {
			v = math.NaN()
		}
		pt.Values = append(pt.Values, v)
		pt.Stderr = append(pt.Stderr, shown.stderrOf(cells, s, m.ID))
	}
	return append(points, pt)
}

// Keys returns binary keys of the open topper bucket and the open buckets for which match is true (nil: all), at most
// max, in the order of their raw forms. It visits every row.
func (l *Ledger) Keys(group string, match func(key []byte) bool, max int) [][]byte {
	b := l.byName[group]
	if b == nil {
		return nil
	}
	var keys [][]byte
	b.eachKey(func(k []byte) {
		if match == nil || match(k) {
			keys = append(keys, k)
		}
	})
	slices.SortFunc(keys, b.g.Form.Compare)
	keys = keys[:min(len(keys), max)]
	for i, k := range keys {
		keys[i] = slices.Clone(k)
	}
	return keys
}

// Count returns how many keys the open topper bucket and the open buckets have. The first to ask after a slice was
// taken or a bucket closed pays for a visit of every row.
func (l *Ledger) Count(group string) int {
	b := l.byName[group]
	if b == nil {
		return 0
	}
	if b.keys < 0 {
		b.keys = 0
		b.eachKey(func([]byte) { b.keys++ })
	}
	return b.keys
}

// eachKey visits every key that has a row in the topper bucket or an open one, once.
func (b *book) eachKey(visit func(k []byte)) {
	pages := b.open
	if b.topper != nil {
		pages = append([]*Page{b.topper}, b.open...)
	}
	for i, p := range pages {
		for row := range p.Len() {
			k := p.RowKey(row)
			h := hashKey(k)
			if !slices.ContainsFunc(pages[:i], func(q *Page) bool { return has(q, k, h) }) {
				visit(k)
			}
		}
	}
}
