package meter

import "math"

// maxDistinct is how many meters of a group may count distinct items: cardinality meters and those of the board.
const maxDistinct = 4

// fold says how two values of a cell become one.
type fold uint8

const (
	foldSum   fold = iota
	foldMax        // NaN = not written
	foldMin        // NaN = not written
	foldLast       // the later one, by the stamp in the next cell; NaN = not written
	foldStamp      // nanoseconds since the page's start, plus one; 0 = not written
)

// layout says which cells a row has: one number for each thing that must be remembered of each meter. It is made once
// by Complete and never changes.
type layout struct {
	folds    []fold
	types    []VarType // by cell: the type of the meter that begins there, 0 for its further cells
	empty    []float64 // what a new row has
	first    [32]int16 // by meter id: its first cell, -1 when there is no such meter
	distinct []int     // cells that count distinct items, each with a set of its own
	extras   int       // further cells that the tables of buckets keep
	summed   bool      // every cell is a plain sum
}

func (l *layout) add(m *Meter, cells ...fold) {
	l.first[m.ID] = int16(len(l.folds))
	l.types = append(append(l.types, m.Type), make([]VarType, len(cells)-1)...)
	for _, f := range cells {
		l.folds = append(l.folds, f)
		v := math.NaN()
		if f == foldSum || f == foldStamp {
			v = 0
		}
		l.empty = append(l.empty, v)
		l.summed = l.summed && f == foldSum
	}
}

func newLayout() layout {
	l := layout{summed: true}
	for i := range l.first {
		l.first[i] = -1
	}
	return l
}

// bucketLayout is the layout of pages of buckets. What the cells of a meter mean:
//
//	counters, rates       the sum
//	distinct              how many kept items (times two to the page's level)
//	gauge                 last value, its stamp
//	gauge min max avg     last value, its stamp, smallest, largest, sum, how many
//	running               open: what was added and taken; closed: the level
//	average               sum, how many
//	delta rate            open: last sample, its stamp; closed: the difference, the stamp
//	maximum, minimum      that
func bucketLayout(ms []Meter) layout {
	l := newLayout()
	for i := range ms {
		m := &ms[i]
		switch m.Type {
		case Gauge:
			if m.Distinct {
				l.distinct = append(l.distinct, len(l.folds))
				l.add(m, foldSum)
				continue
			}
			l.add(m, foldLast, foldStamp)
		case GaugeMinMaxAvg:
			l.add(m, foldLast, foldStamp, foldMin, foldMax, foldSum, foldSum)
			l.extras += 4
		case Average:
			l.add(m, foldSum, foldSum)
			l.extras++
		case DeltaRate:
			l.add(m, foldLast, foldStamp)
		case Maximum:
			l.add(m, foldMax)
		case Minimum:
			l.add(m, foldMin)
		default:
			l.add(m, foldSum)
		}
	}
	return l
}

// topperLayout is the layout of pages of topper buckets, into which closed buckets are folded. What the cells of a
// meter mean (spec trisul 1.3, last column):
//
//	counters, rates       the sum over the buckets
//	gauges, delta rates   sum of the values of the buckets that had one, how many
//	running               level of the last bucket, its stamp
//	average               sum, how many
//	maximum, minimum      that
func topperLayout(ms []Meter) layout {
	l := newLayout()
	for i := range ms {
		m := &ms[i]
		switch m.Type {
		case Gauge, GaugeMinMaxAvg, DeltaRate, Average:
			l.add(m, foldSum, foldSum)
		case Running:
			l.add(m, foldLast, foldStamp)
		case Maximum:
			l.add(m, foldMax)
		case Minimum:
			l.add(m, foldMin)
		default:
			l.add(m, foldSum)
		}
	}
	return l
}

// Cell returns the first cell of the meter in rows of bucket pages, -1 when the group has no such meter.
func (g *Group) Cell(id int) int {
	if id < 0 || id >= len(g.meters.first) {
		return -1
	}
	return int(g.meters.first[id])
}

// Extra returns which columns x0..x7 of the tables of buckets belong to a meter: the first, and how many. An average
// has one, how many samples it has; a gauge with extremes has four: smallest, largest, sum, how many.
func (g *Group) Extra(id int) (first, n int) {
	for i := range g.Meters {
		n = 0
		switch g.Meters[i].Type {
		case Average:
			n = 1
		case GaugeMinMaxAvg:
			n = 4
		}
		if g.Meters[i].ID == id {
			return first, n
		}
		first += n
	}
	return 0, 0
}

// Cells returns how many cells a row of a bucket page has.
func (g *Group) Cells() int { return len(g.meters.folds) }

// into folds the cells of one row into those of another of the same key. shift is added to the stamps of src, since
// stamps count from the start of their page.
func (l *layout) into(dst, src []float64, shift float64) {
	if l.summed {
		for i, v := range src[:len(dst)] {
			dst[i] += v
		}
		return
	}
	for i, f := range l.folds {
		switch v := src[i]; f {
		case foldSum:
			dst[i] += v
		case foldMax:
			if v > dst[i] || math.IsNaN(dst[i]) {
				dst[i] = v
			}
		case foldMin:
			if v < dst[i] || math.IsNaN(dst[i]) {
				dst[i] = v
			}
		case foldLast:
			if math.IsNaN(v) {
				continue
			}
			// Of two written at the same moment the larger one counts, so that the order of merging does not matter.
			at := src[i+1] + shift
			if math.IsNaN(dst[i]) || at > dst[i+1] || at == dst[i+1] && v > dst[i] {
				dst[i], dst[i+1] = v, at
			}
		}
	}
}

// total folds the cells of one row into the totals over all keys (spec trisul 1.3, last line): sums and last values
// add up, extremes stay extremes.
func (l *layout) total(dst, src []float64, shift float64) {
	if l.summed {
		for i, v := range src[:len(dst)] {
			dst[i] += v
		}
		return
	}
	for i, f := range l.folds {
		switch v := src[i]; f {
		case foldSum:
			dst[i] += v
		case foldLast:
			if math.IsNaN(v) {
				continue
			}
			if math.IsNaN(dst[i]) {
				dst[i], dst[i+1] = v, src[i+1]+shift
			} else {
				dst[i], dst[i+1] = dst[i]+v, max(dst[i+1], src[i+1]+shift)
			}
		case foldMax:
			if v > dst[i] || math.IsNaN(dst[i]) {
				dst[i] = v
			}
		case foldMin:
			if v < dst[i] || math.IsNaN(dst[i]) {
				dst[i] = v
			}
		}
	}
}
