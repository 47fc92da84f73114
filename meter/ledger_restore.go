package meter

import (
	"math"
	"time"

	"weir/key"
	"weir/schema"
)

// Restore takes up the books where a run before this one left them: marks are those of the last closing that was
// stored, slices those that were taken since and still wait for their bucket. Slices of stored buckets are passed
// over. Define comes before, everything else after.
func (l *Ledger) Restore(pages []*Page, marks map[string]schema.Instant) {
	for name, mark := range marks {
		if b := l.byName[name]; b != nil {
			b.closed = mark
			if floor(mark, b.g.Bucket) != mark {
				b.begin = mark
			}
		}
	}
	for _, p := range pages {
		if p.Start.Add(p.Width.Duration()) > marks[p.Group.Name] {
			l.Take(p)
		}
	}
}

// RestoreFrom returns from when on RestoreRows needs the stored buckets of a group: from the beginning of the topper
// bucket that was open, or of the last bucket before the mark, whose levels stand.
func (l *Ledger) RestoreFrom(group string) schema.Instant {
	b := l.byName[group]
	if b == nil || b.closed == 0 {
		return 0
	}
	return min(floor(b.closed, b.g.Topper), floor(b.closed-1, b.g.Bucket))
}

// RestoreRows takes stored rows of TableBuckets back into the open topper buckets, and the levels of running meters
// from the last bucket. Restore comes before. What a full group had missed is known of the rows and of their primary
// meter only, and last samples of delta rates are not known: their first bucket has no value.
func (l *Ledger) RestoreRows(block *schema.Block) {
	c := blockColumns(block.Columns)
	for i := range block.Rows {
		b := l.byName[string(c[colGroup].Texts.At(i))]
		if b == nil {
			continue
		}
		at := schema.Instant(c[colAt].Ints[i])
		width := Span(time.Duration(c[colWidth].Ints[i]) * time.Second)
		raw := string(c[colKey].Texts.At(i))
		var bin []byte
		if !key.IsTotals(raw) {
			var err error
			if bin, err = b.g.Form.Parse(raw); err != nil {
				continue
			}
		}
		cells := b.storedCells(c, i)
		if at.Add(width.Duration()) == b.closed {
			b.restoreLevels(bin, cells)
		}
		if at >= floor(b.closed, b.g.Topper) && at < b.closed {
			b.restoreTopper(bin, cells, at, width, storedSampling(c, i), c[colMissed].Floats[i])
		}
	}
}

// storedCells turns the columns of a row into the cells of a closed page.
func (b *book) storedCells(c blockColumns, i int) []float64 {
	cells := append([]float64(nil), b.g.meters.empty...)
	extra := colExtras
	for _, m := range b.g.Meters {
		first := b.g.Cell(m.ID)
		v := c[colMeters+m.ID].Floats[i]
		switch {
		case math.IsNaN(v) && b.g.meters.folds[first] == foldSum:
		case m.Type == Average:
			cells[first], cells[first+1] = v, c[extra].Floats[i]
		default:
			cells[first] = v
		}
		switch m.Type {
		case Average:
			extra++
		case GaugeMinMaxAvg:
			extra += 4
		}
	}
	return cells
}

func storedSampling(c blockColumns, i int) sampling {
	n, rate, e := c[colSamples].Ints[i], c[colRate].Floats[i], c[colStderr].Floats[i]
	if n <= 0 {
		return sampling{}
	}
	return sampling{uint64(n), rate * float64(n), e * e}
}

func (b *book) restoreLevels(bin []byte, cells []float64) {
	b.carry.prepare(b.g)
	k := &b.carry
	for _, m := range k.meters {
		switch {
		case m.delta:
		case bin == nil:
			k.total[m.to] = cells[m.from]
		case cells[m.from] != 0:
			k.rows.Cells(k.rows.Row(bin))[m.to] = cells[m.from]
		}
	}
	k.alive = k.rows.Len()
}

func (b *book) restoreTopper(bin []byte, cells []float64, at schema.Instant, width Span, s sampling, missed float64) {
	b.fresh, b.keys = false, -1
	start := floor(at, b.g.Topper)
	if b.topper == nil {
		b.openTopper(start)
	}
	if bin == nil {
		b.addTotal(cells, at, width)
		return
	}
	t := b.topper
	folded := append([]float64(nil), b.g.topper.empty...)
	topperCells(b.g, folded, cells, width)
	row := t.Row(bin)
	b.g.topper.into(t.Cells(row), folded, float64(at-t.Start))
	if s.n > 0 {
		if t.samples == nil {
			t.samples = make([]sampling, t.Len())
		}
		t.samples[row].add(s)
	}
	if cell := b.g.topper.first[b.g.Primary]; missed > 0 {
		t.makeInexact()
		t.missed[row*t.stride+int(cell)] += missed
		t.floor[cell] = max(t.floor[cell], t.missed[row*t.stride+int(cell)])
	}
}
