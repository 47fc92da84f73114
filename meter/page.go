package meter

import (
	"bytes"
	"math"

	"weir/schema"
)

// Page holds the rows of one group for one bucket: the cells of the meters of each key. It is exact until it has
// MaxKeys rows; then it drops the smallest in one batch, and knows from then on what any absent key may have missed.
//
// Everything lies in a few flat slices without pointers, so a page of a million keys is nothing to the garbage
// collector: about 8 bytes a cell, the key itself and some 20 bytes a row. A page has one owner at a time; it owns all
// its memory, and slices that its methods return borrow from it until the next row is made.
type Page struct {
	Group *Group
	Start schema.Instant // when the bucket begins
	Width Span           // how long the bucket is, also when the page covers only a part of it
	// OnDrop is told of every row before it is dropped; the row can still be read, but nothing may be changed. May be
	// nil.
	OnDrop func(row int)

	lay        *layout
	closed     bool      // running meters hold levels, delta rates differences, distinct ones estimates
	sum        []float64 // closed pages: the totals
	sumSample  sampling  // closed pages: the sampling behind the totals
	stride     int
	keys       []byte
	ends       []uint32 // by row: where its key ends in keys
	cells      []float64
	slots      []uint64 // open addressing: upper half of the hash, row + 1; 0 is free
	mask       uint64
	generation uint32
	dropped    uint64
	missed     []float64  // by row and cell: what it may lack at most; nil while the page is exact
	floor      []float64  // by cell: what any absent key has at most; nil while the page is exact
	gone       []float64  // totals of the rows dropped
	samples    []sampling // by row; nil while nothing was sampled
	goneSample sampling
	items      itemSet
	scratch    []float64 // scores while dropping
}

// sampling is what is known of the sampling behind a row.
type sampling struct {
	n        uint64  // observations
	rates    float64 // sum of their rates
	variance float64 // of the primary meter
}

func (s *sampling) add(o sampling) {
	s.n, s.rates, s.variance = s.n+o.n, s.rates+o.rates, s.variance+o.variance
}

// NewPage returns an empty page for the bucket of a complete group that begins at start.
func NewPage(g *Group, start schema.Instant, width Span) *Page {
	p := &Page{}
	p.Reset(g, start, width)
	return p
}

// Reset makes p an empty page again and keeps its memory.
func (p *Page) Reset(g *Group, start schema.Instant, width Span) { p.reset(g, &g.meters, start, width) }

func (p *Page) reset(g *Group, lay *layout, start schema.Instant, width Span) {
	p.Group, p.Start, p.Width, p.lay, p.stride = g, start, width, lay, len(lay.folds)
	p.OnDrop, p.closed, p.sum, p.sumSample = nil, false, nil, sampling{}
	p.keys, p.ends, p.cells = p.keys[:0], p.ends[:0], p.cells[:0]
	clear(p.slots)
	p.missed, p.floor, p.gone, p.samples = nil, nil, nil, nil
	p.goneSample, p.dropped = sampling{}, 0
	p.generation++
	p.items.reset()
}

// Len returns how many rows there are; they are numbered from 0.
func (p *Page) Len() int { return len(p.ends) }

// Generation changes whenever rows were renumbered: row numbers that were remembered are worth nothing then.
func (p *Page) Generation() uint32 { return p.generation }

// Dropped returns how many rows were dropped since the page was full, in this page and those merged into it.
func (p *Page) Dropped() uint64 { return p.dropped }

// Exact tells that no row was dropped: every key that was counted has a row with all that was counted.
func (p *Page) Exact() bool { return p.floor == nil }

// Find returns the row of a binary key.
func (p *Page) Find(key []byte) (row int, ok bool) {
	return p.find(key, hashKey(key))
}

func (p *Page) find(key []byte, h uint64) (row int, ok bool) {
	if len(p.slots) == 0 {
		return 0, false
	}
	tag := h >> 32 << 32
	for i := h & p.mask; ; i = (i + 1) & p.mask {
		s := p.slots[i]
		if s == 0 {
			return 0, false
		}
		if s&^math.MaxUint32 == tag {
			if row := int(uint32(s)) - 1; bytes.Equal(p.RowKey(row), key) {
				return row, true
			}
		}
	}
}

// Row returns the row of a binary key and makes it when there is none. A full page first drops its smallest rows, which
// changes Generation. The key is copied.
func (p *Page) Row(key []byte) int {
	h := hashKey(key)
	if row, ok := p.find(key, h); ok {
		return row
	}
	if p.Len() >= p.Group.MaxKeys || len(p.keys) >= maxKeyBytes {
		p.prune(p.Group.LowKeys)
	}
	return p.append(key, h)
}

// maxKeyBytes is how many bytes the keys of a page may have together: their ends are 32-bit numbers.
const maxKeyBytes = 1 << 31

// full tells that a page has more rows than its group allows; merging may do that.
func (p *Page) full() bool { return p.Len() > p.Group.MaxKeys || len(p.keys) >= maxKeyBytes }

// append makes the row of a key that has none.
func (p *Page) append(key []byte, h uint64) int {
	row := len(p.ends)
	if (row+1)*4 > len(p.slots)*3 {
		p.grow()
	}
	p.keys = append(p.keys, key...)
	p.ends = append(p.ends, uint32(len(p.keys)))
	p.cells = append(p.cells, p.lay.empty...)
	if p.missed != nil {
		p.missed = append(p.missed, p.floor...)
	}
	if p.samples != nil {
		p.samples = append(p.samples, sampling{})
	}
	p.put(row, h)
	return row
}

func (p *Page) put(row int, h uint64) {
	i := h & p.mask
	for p.slots[i] != 0 {
		i = (i + 1) & p.mask
	}
	p.slots[i] = h>>32<<32 | uint64(row+1)
}

func (p *Page) grow() {
	p.slots = make([]uint64, max(64, 2*len(p.slots)))
	p.index()
}

// index fills the slots anew.
func (p *Page) index() {
	clear(p.slots)
	p.mask = uint64(len(p.slots) - 1)
	for row := range p.ends {
		p.put(row, hashKey(p.RowKey(row)))
	}
}

// RowKey returns the binary key of a row. It borrows from p.
func (p *Page) RowKey(row int) []byte {
	from := uint32(0)
	if row > 0 {
		from = p.ends[row-1]
	}
	return p.keys[from:p.ends[row]:p.ends[row]]
}

// Cells returns the cells of a row, to be added to; see Group.Cell for where those of a meter begin. They borrow from
// p.
func (p *Page) Cells(row int) []float64 {
	return p.cells[row*p.stride : (row+1)*p.stride : (row+1)*p.stride]
}

// Add adds v to a cell: counters, rates, running meters.
func (p *Page) Add(row, cell int, v float64) { p.cells[row*p.stride+cell] += v }

// Write gives the value v, seen at an instant, to the meter that begins at cell, by the rule of its type; NaN
// is no value. It serves every type but distinct ones; Add and Cells are the faster road for sums.
func (p *Page) Write(row, cell int, v float64, at schema.Instant) {
	if math.IsNaN(v) {
		return
	}
	c := p.Cells(row)[cell:]
	switch t := p.lay.types[cell]; t {
	case Maximum:
		c[0] = most(c[0], v)
	case Minimum:
		c[0] = least(c[0], v)
	case Average:
		c[0], c[1] = c[0]+v, c[1]+1
	case Gauge, GaugeMinMaxAvg, DeltaRate:
		// Stamps count from one, so that zero means never.
		if stamp := float64(at-p.Start) + 1; math.IsNaN(c[0]) || stamp >= c[1] {
			c[0], c[1] = v, stamp
		}
		if t == GaugeMinMaxAvg {
			c[2], c[3] = least(c[2], v), most(c[3], v)
			c[4], c[5] = c[4]+v, c[5]+1
		}
	default:
		c[0] += v
	}
}

// Sampled notes that one observation at a rate of one in so many stands behind a row; contribution is what it added to
// the primary meter, scaled. Exact observations (rate 0 or 1) leave no trace.
func (p *Page) Sampled(row int, rate uint32, contribution float64) {
	if rate <= 1 {
		return
	}
	if p.samples == nil {
		p.samples = make([]sampling, p.Len(), cap(p.ends))
	}
	r := float64(rate)
	s := &p.samples[row]
	s.n++
	s.rates += r
	s.variance += contribution * contribution * (1 - 1/r)
}

// Totals appends the cells of the sum over all keys to dst: exact, also when rows were dropped.
// Distinct cells hold estimates. It visits every row.
func (p *Page) Totals(dst []float64) []float64 {
	if p.sum != nil {
		return append(dst, p.sum...)
	}
	from := len(dst)
	dst = append(dst, p.lay.empty...)
	sum := dst[from:]
	for row := range p.ends {
		p.lay.total(sum, p.Cells(row), 0)
	}
	for _, cell := range p.lay.distinct {
		sum[cell] *= p.itemScale()
	}
	if p.gone != nil {
		p.lay.total(sum, p.gone, 0)
	}
	return dst
}

// totalSampling adds up the sampling behind all rows, dropped ones too.
func (p *Page) totalSampling() sampling {
	s := p.goneSample
	for i := range p.samples {
		s.add(p.samples[i])
	}
	s.variance *= p.Group.ends // what one observation gave to two keys goes wrong for both alike
	return s
}

// least and most take NaN for "none yet".
func least(a, b float64) float64 {
	if a < b || math.IsNaN(b) {
		return a
	}
	return b
}

func most(a, b float64) float64 {
	if a > b || math.IsNaN(b) {
		return a
	}
	return b
}
