package meter

import (
	"math"
	"slices"
)

// prune drops rows until keep are left: those with the smallest score, of equal ones the youngest. What the largest
// of them counted becomes the floor: no key without a row had more (design: Space-Saving in batches).
func (p *Page) prune(keep int) {
	if p.Len() <= keep {
		return
	}
	scores := p.scores()
	cut, spare := cutOf(scores, keep)
	p.makeInexact()
	moved := p.movedRows(scores, cut, spare)
	p.compact(moved)
	p.generation++
}

// makeInexact gives the page what only pages that dropped rows have.
func (p *Page) makeInexact() {
	if p.floor != nil {
		return
	}
	p.gone = slices.Clone(p.lay.empty)
	p.floor = make([]float64, p.stride)
	for i, kind := range p.lay.folds {
		if kind == foldMax || kind == foldMin {
			p.floor[i] = math.NaN()
		}
	}
	p.missed = make([]float64, 0, cap(p.cells))
	for range p.Len() {
		p.missed = append(p.missed, p.floor...)
	}
}

// scores returns how much each row matters: the largest share it has of the total of any meter that keeps toppers. It
// borrows from p.
func (p *Page) scores() []float64 {
	total := p.Totals(nil)
	cells := p.ranked()
	for _, cell := range p.lay.distinct {
		total[cell] /= p.itemScale()
	}
	p.scratch = slices.Grow(p.scratch[:0], p.Len())[:p.Len()]
	for row := range p.scratch {
		c, score := p.Cells(row), 0.0
		for _, cell := range cells {
			if v := math.Abs(c[cell] / total[cell]); v > score {
				score = v
			}
		}
		p.scratch[row] = score
	}
	return p.scratch
}

// ranked returns the cells whose values decide which rows stay: of meters with toppers, else of the primary one.
func (p *Page) ranked() []int {
	var cells []int
	for _, m := range p.Group.Meters {
		if m.Top > 0 {
			cells = append(cells, int(p.lay.first[m.ID]))
		}
	}
	if len(cells) == 0 {
		cells = append(cells, int(p.lay.first[p.Group.Primary]))
	}
	return cells
}

// cutOf returns the score that decides: rows above it stay, and so many of those equal to it.
func cutOf(scores []float64, keep int) (cut float64, spare int) {
	if keep == 0 {
		return math.Inf(1), 0
	}
	sorted := slices.Clone(scores)
	cut = nthLargest(sorted, keep)
	spare = keep
	for _, s := range scores {
		if s > cut {
			spare--
		}
	}
	return cut, spare
}

// nthLargest returns the n-th largest value, n from 1; it reorders s.
func nthLargest(s []float64, n int) float64 {
	lo, hi, want := 0, len(s)-1, n-1
	for lo < hi {
		// The middle one of three keeps sorted input from being the worst.
		pivot := middle(s[lo], s[(lo+hi)/2], s[hi])
		i, j := lo, hi
		for i <= j {
			for s[i] > pivot {
				i++
			}
			for s[j] < pivot {
				j--
			}
			if i <= j {
				s[i], s[j] = s[j], s[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case want <= j:
			hi = j
		case want >= i:
			lo = i
		default:
			return s[want]
		}
	}
	return s[want]
}

func middle(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// movedRows settles who stays: for each row its new number + 1, 0 when it goes. Those that go raise the floor and leave
// what they counted in the totals.
func (p *Page) movedRows(scores []float64, cut float64, spare int) []uint32 {
	moved := make([]uint32, len(scores))
	next := uint32(1)
	for row, s := range scores {
		if s == cut && spare > 0 {
			spare--
		} else if !(s > cut) {
			p.drop(row)
			continue
		}
		moved[row] = next
		next++
	}
	return moved
}

func (p *Page) drop(row int) {
	if p.OnDrop != nil {
		p.OnDrop(row)
	}
	c, m := p.Cells(row), p.missed[row*p.stride:(row+1)*p.stride]
	for _, cell := range p.lay.distinct {
		c[cell] *= p.itemScale() // the row is read no more, and the level may rise
	}
	for i, kind := range p.lay.folds {
		switch kind {
		case foldSum:
			p.floor[i] = max(p.floor[i], math.Abs(c[i])+m[i])
		case foldMax:
			p.floor[i] = most(most(c[i], m[i]), p.floor[i])
		case foldMin:
			p.floor[i] = least(least(c[i], m[i]), p.floor[i])
		}
	}
	p.lay.total(p.gone, c, 0)
	if p.samples != nil {
		p.goneSample.add(p.samples[row])
	}
	p.dropped++
}

// compact moves the rows that stay together and numbers them anew.
func (p *Page) compact(moved []uint32) {
	keys, n, from := p.keys[:0], 0, uint32(0)
	for row, to := range moved {
		end := p.ends[row]
		k := p.keys[from:end]
		from = end
		if to == 0 {
			continue
		}
		// Rows only move down, so what has not been read yet is still there.
		copy(p.Cells(n), p.Cells(row))
		copy(p.missed[n*p.stride:(n+1)*p.stride], p.missed[row*p.stride:])
		if p.samples != nil {
			p.samples[n] = p.samples[row]
		}
		keys = append(keys, k...)
		p.ends[n] = uint32(len(keys))
		n++
	}
	p.keys, p.ends, p.cells, p.missed = keys, p.ends[:n], p.cells[:n*p.stride], p.missed[:n*p.stride]
	if p.samples != nil {
		p.samples = p.samples[:n]
	}
	if p.items.n > 0 {
		p.refill(moved)
	}
	p.index()
}
