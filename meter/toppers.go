package meter

import (
	"math"
	"slices"
)

// Topper is one key of a topper list. Value was counted; the truth of a full page is at most Value + Error.
type Topper struct {
	Key    []byte  // binary; a copy
	Value  float64 // as pages keep it: the sum for counters and rates; see Group.Shown
	Error  float64 // what may have been missed at most, 0 = exact
	Stderr float64 // standard error of an estimate from samples, 0 = exact
}

// Shown turns a value as pages keep it into what people are shown: rates are per second of the width. The same factor
// holds for its errors.
func (g *Group) Shown(id int, v float64, width Span) float64 {
	if m := g.Meter(id); m != nil && m.Type.PerSecond() && width > 0 {
		return v / width.Seconds()
	}
	return v
}

// Value returns what the page keeps of a meter of a row; ok is false when it has none (a gauge that was not written).
// Rates are sums, see Group.Shown. A running meter of an open page is what was added and taken in it; delta rates have
// values only in closed pages.
func (p *Page) Value(row, id int) (v float64, ok bool) {
	return p.valueOf(p.Cells(row), id, p.itemScale())
}

// TotalValue is Value for cells that Totals returned.
func (p *Page) TotalValue(cells []float64, id int) (v float64, ok bool) {
	return p.valueOf(cells, id, 1)
}

func (p *Page) valueOf(cells []float64, id int, scale float64) (v float64, ok bool) {
	if id < 0 || id >= len(p.lay.first) || p.lay.first[id] < 0 {
		return 0, false
	}
	first := int(p.lay.first[id])
	v = cells[first]
	switch t := p.lay.types[first]; {
	case p.lay == &p.Group.topper && meansInToppers(t), t == Average:
		n := cells[first+1]
		v /= n
		if t == DeltaRate {
			v *= p.Width.Seconds()
		}
		return v, n > 0
	case t == DeltaRate:
		return v, p.closed && !math.IsNaN(v)
	case slices.Contains(p.lay.distinct, first):
		return v * scale, v > 0
	}
	return v, !math.IsNaN(v)
}

// meansInToppers tells the types whose value over a topper bucket is the mean of those of its buckets.
func meansInToppers(t VarType) bool {
	return t == Gauge || t == GaugeMinMaxAvg || t == DeltaRate || t == Average
}

// Rows visits every row and then the totals with the raw key and the values as they are shown: rates per second. ok is
// false where a meter has no value. raw and value hold until yield returns.
func (p *Page) Rows(yield func(raw []byte, value func(id int) (v float64, ok bool)) bool) {
	var raw []byte
	cells, scale := []float64(nil), 1.0
	value := func(id int) (float64, bool) {
		v, ok := p.valueOf(cells, id, scale)
		return p.Group.Shown(id, v, p.Width), ok
	}
	for row := range p.Len() {
		raw = p.AppendRaw(raw[:0], row)
		if cells, scale = p.Cells(row), p.itemScale(); !yield(raw, value) {
			return
		}
	}
	cells, scale = p.Totals(nil), 1
	yield(totalsKey, value)
}

// Missed returns what a meter of a row may lack at most: 0 when the page is exact, NaN when nothing is known (gauges
// and means of a full page).
func (p *Page) Missed(row, id int) float64 {
	if p.floor == nil {
		return 0
	}
	return p.missedOf(p.Cells(row), p.missed[row*p.stride:], id)
}

func (p *Page) missedOf(cells, missed []float64, id int) float64 {
	first := int(p.lay.first[id])
	m := missed[first]
	switch p.lay.folds[first] {
	case foldLast:
		return math.NaN()
	case foldMax:
		return max(0, most(m, cells[first])-cells[first])
	case foldMin:
		return max(0, cells[first]-least(m, cells[first]))
	}
	if t := p.lay.types[first]; t == Average || p.lay == &p.Group.topper && meansInToppers(t) {
		return math.NaN() // a mean of what is not known
	}
	return m
}

// Samples returns how many sampled observations stand behind a row and their mean rate; 0, 0 when it is exact.
func (p *Page) Samples(row int) (n uint64, rate float64) {
	if p.samples == nil {
		return 0, 0
	}
	return p.samples[row].mean()
}

func (s sampling) mean() (n uint64, rate float64) {
	if s.n == 0 {
		return 0, 0
	}
	return s.n, s.rates / float64(s.n)
}

// Stderr returns the standard error of a meter of a row (as Value: unscaled by width): of the primary meter as counted
// from its samples; of meters in the same unit in proportion to the square root of their share; of others, which count
// observations, as the theory of sampling has it. 0 when the row is exact.
func (p *Page) Stderr(row, id int) float64 {
	var s sampling
	if p.samples != nil {
		s = p.samples[row]
	}
	return p.stderrOf(p.Cells(row), s, id)
}

func (p *Page) stderrOf(cells []float64, s sampling, id int) float64 {
	scale := p.itemScale()
	v, ok := p.valueOf(cells, id, scale)
	if !ok || v <= 0 {
		return 0
	}
	m := p.Group.Meter(id)
	if m.Distinct {
		// Each item was kept with probability 1/scale.
		return math.Sqrt(v * (p.items.scale() - 1))
	}
	if s.n == 0 || !m.Type.Summed() {
		return 0
	}
	primary := p.Group.Meter(p.Group.Primary)
	if id != primary.ID && m.Unit != primary.Unit {
		_, rate := s.mean()
		return math.Sqrt(v * (rate - 1))
	}
	e := math.Sqrt(s.variance)
	if v0, _ := p.valueOf(cells, primary.ID, scale); id != primary.ID && v0 > 0 {
		e *= math.Sqrt(v / v0)
	}
	return e
}

// Toppers returns the k largest keys of a meter by Value + Error, largest first; of equal ones the smaller raw key
// comes first. Keys whose value is zero or that have none never are among them. It visits every row once.
func (p *Page) Toppers(id, k int) []Topper { return p.rank(id, k, 1) }

// Bottom returns the k smallest keys of a meter that are not zero, smallest first.
func (p *Page) Bottom(id, k int) []Topper { return p.rank(id, k, -1) }

// ranking is a heap of the best rows so far, the worst of them on top.
type ranking struct {
	p    *Page
	sign float64 // 1 largest, -1 smallest
	best []ranked
}

type ranked struct {
	score float64
	row   uint32
}

func (p *Page) rank(id, k int, sign float64) []Topper {
	if id < 0 || id >= len(p.lay.first) || p.lay.first[id] < 0 || k <= 0 {
		return nil
	}
	r := ranking{p: p, sign: sign, best: make([]ranked, 0, min(k, p.Len()))}
	plain := p.lay.folds[p.lay.first[id]] == foldSum && p.lay.types[p.lay.first[id]].Summed() && p.floor == nil
	cell := int(p.lay.first[id])
	for row := range p.Len() {
		var v float64
		if plain {
			v = p.cells[row*p.stride+cell]
		} else {
			v = p.bound(row, id)
		}
		if v == 0 || math.IsNaN(v) {
			continue
		}
		r.offer(ranked{sign * v, uint32(row)}, k)
	}
	slices.SortFunc(r.best, func(a, b ranked) int {
		if r.worse(b, a) {
			return -1
		}
		return 1
	})
	list := make([]Topper, len(r.best))
	for i, b := range r.best {
		row := int(b.row)
		v, _ := p.Value(row, id)
		list[i] = Topper{Key: slices.Clone(p.RowKey(row)), Value: v, Error: p.Missed(row, id), Stderr: p.Stderr(row, id)}
	}
	return list
}

// bound is what a row is ranked by: at most so much is true of it. 0 when it has no value.
func (p *Page) bound(row, id int) float64 {
	v, ok := p.Value(row, id)
	if !ok || v == 0 {
		return 0
	}
	if m := p.Missed(row, id); m > 0 {
		v += m
	}
	return v
}

// offer keeps x when it is among the k best.
func (r *ranking) offer(x ranked, k int) {
	if len(r.best) < k {
		r.best = append(r.best, x)
		for i := len(r.best) - 1; i > 0; {
			up := (i - 1) / 2
			if !r.worse(r.best[i], r.best[up]) {
				return
			}
			r.best[i], r.best[up] = r.best[up], r.best[i]
			i = up
		}
		return
	}
	if !r.worse(r.best[0], x) {
		return
	}
	r.best[0] = x
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(r.best) {
			return
		}
		if c+1 < len(r.best) && r.worse(r.best[c+1], r.best[c]) {
			c++
		}
		if !r.worse(r.best[c], r.best[i]) {
			return
		}
		r.best[i], r.best[c] = r.best[c], r.best[i]
		i = c
	}
}

func (r *ranking) worse(x, y ranked) bool {
	if x.score != y.score {
		return x.score < y.score
	}
	if x.row == y.row {
		return false
	}
	return r.p.Group.Form.Compare(r.p.RowKey(int(x.row)), r.p.RowKey(int(y.row))) > 0
}
