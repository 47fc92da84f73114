package parquet

import (
	"context"
	"errors"
	"fmt"
	"math"

	"weir/schema"
	"weir/store"
)

// rollWidth is how long the buckets of a table of rolled up buckets are, in nanoseconds.
func rollWidth(t *schema.Table) int64 {
	switch t {
	case schema.TableBuckets5m:
		return hour / 12
	case schema.TableBuckets1h:
		return hour
	}
	return 0
}

// Roll sums the rows of whole hours up into coarser buckets; see store.Store. The new part and the mark on the old ones
// come with one change of the manifest, so that no crash rolls up twice. Rows that come later for the same hour make
// further rows of the same bucket and key.
func (s *Store) Roll(ctx context.Context, from, to *schema.Table, upTo schema.Instant) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.running.Done()
	bucketed := len(from.Columns) == len(to.Columns) && widthOf(from) == hour
	if !bucketed || rollWidth(to) == 0 || rollWidth(from) >= rollWidth(to) {
		return fmt.Errorf("store: %s cannot be rolled up into %s", from.Name, to.Name)
	}
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	due := map[int64][]*part{}
	for _, p := range s.partsOf(from) {
		if p.Start+hour <= int64(upTo) && !p.rolledInto(to) {
			due[p.Start] = append(due[p.Start], p)
		}
	}
	for _, start := range sortedKeys(due) {
		if err := s.rollHour(ctx, from, to, start, due[start]); err != nil {
			return fmt.Errorf("store: roll %s of %s up into %s: %w", directoryName(start, hour), from.Name, to.Name, err)
		}
	}
	return nil
}

func (s *Store) rollHour(ctx context.Context, from, to *schema.Table, start int64, parts []*part) error {
	n, err := s.setAside(ctx, parts)
	if err != nil {
		return err
	}
	if n > 0 {
		return errors.New("a damaged part was set aside; the next run takes the others")
	}
	sh := shapeFrom(parts[0].Shape, from)
	for _, p := range parts[1:] {
		sh = sh.join(shapeFrom(p.Shape, from))
	}
	for _, name := range []string{"rate", "stderr"} {
		if l := &sh[to.Column(name)]; l.form == formInt {
			l.form = formReal // a mean and a root of integers are none
		}
	}
	r := newRoller(to, s.cfg.Kinds)
	p, err := s.writePart(to, floorTo(start, widthOf(to)), sh, func(yield func(*schema.Block) error) error {
		err := s.mergeParts(ctx, from, parts, func(b *schema.Block) error { return r.add(b, yield) })
		if err != nil {
			return err
		}
		return r.finish(yield)
	})
	if err != nil {
		return err
	}
	return s.commit(change{add: []*part{p}, rolled: parts, into: to})
}

// roller adds up rows that come in order of group, key and time.
type roller struct {
	to    *schema.Table
	width int64
	kinds func(grp string, meter int) store.AggFunc
	grp   string
	funcs []store.AggFunc // of the meters of grp
	cells int             // index of the first column of meters
	out   *schema.Block
	open  bool
	key   []byte
	at    int64

	widthSum, samples            int64
	weight, rates, stderr2, miss float64
	values                       []float64
}

func newRoller(to *schema.Table, kinds func(string, int) store.AggFunc) *roller {
	r := &roller{to: to, width: rollWidth(to), kinds: kinds, cells: to.Column("m0"), out: schema.NewBlock(to, chunkRows)}
	r.values = make([]float64, len(to.Columns)-r.cells)
	r.funcs = make([]store.AggFunc, len(r.values))
	return r
}

// columns of the tables of buckets, see schema.
const (
	bucketGrp = iota
	bucketKey
	bucketAt
	bucketWidth
	bucketSamples
	bucketRate
	bucketStderr
	bucketMissed
)

func (r *roller) add(b *schema.Block, yield func(*schema.Block) error) error {
	for row := range b.Rows {
		grp, key := b.Columns[bucketGrp].Texts.At(row), b.Columns[bucketKey].Texts.At(row)
		at := floorTo(b.Columns[bucketAt].Ints[row], r.width)
		if !r.open || at != r.at || string(key) != string(r.key) || string(grp) != r.grp {
			if err := r.close(yield); err != nil {
				return err
			}
			r.begin(grp, key, at)
		}
		r.addRow(b, row)
	}
	return nil
}

func (r *roller) begin(grp, key []byte, at int64) {
	if string(grp) != r.grp || r.funcs[0] == 0 {
		r.grp = string(grp)
		for i := range r.funcs {
			r.funcs[i] = store.Sum
			if r.kinds != nil {
				if f := r.kinds(r.grp, i); f != 0 {
					r.funcs[i] = f
				}
			}
		}
	}
	r.open, r.key, r.at = true, append(r.key[:0], key...), at
	r.widthSum, r.samples, r.weight, r.rates, r.stderr2, r.miss = 0, 0, 0, 0, 0, 0
	for i := range r.values {
		r.values[i] = math.NaN()
	}
}

func (r *roller) addRow(b *schema.Block, row int) {
	n := b.Columns[bucketSamples].Ints[row]
	r.widthSum = max(r.widthSum, b.Columns[bucketWidth].Ints[row])
	r.samples += n
	r.weight += float64(n)
	r.rates += float64(n) * orZero(b.Columns[bucketRate].Floats[row])
	stderr := orZero(b.Columns[bucketStderr].Floats[row])
	r.stderr2 += stderr * stderr
	r.miss += orZero(b.Columns[bucketMissed].Floats[row])
	for i := range r.values {
		v, old := b.Columns[r.cells+i].Floats[row], r.values[i]
		switch {
		case v != v:
		case old != old:
			r.values[i] = v
		case r.funcs[i] == store.Max:
			r.values[i] = max(old, v)
		case r.funcs[i] == store.Min:
			r.values[i] = min(old, v)
		case r.funcs[i] == store.Last:
			r.values[i] = v
		default:
			r.values[i] = old + v
		}
	}
}

func orZero(v float64) float64 {
	if v != v {
		return 0
	}
	return v
}

// close ends the open row.
func (r *roller) close(yield func(*schema.Block) error) error {
	if !r.open {
		return nil
	}
	r.open = false
	c := r.out.Columns
	c[bucketGrp].Texts.AppendString(r.grp)
	c[bucketKey].Texts.Append(r.key)
	c[bucketAt].Ints = append(c[bucketAt].Ints, r.at)
	c[bucketWidth].Ints = append(c[bucketWidth].Ints, max(r.width/int64(1e9), r.widthSum))
	c[bucketSamples].Ints = append(c[bucketSamples].Ints, r.samples)
	rate := 0.0
	if r.weight > 0 {
		rate = r.rates / r.weight
	}
	c[bucketRate].Floats = append(c[bucketRate].Floats, rate)
	c[bucketStderr].Floats = append(c[bucketStderr].Floats, math.Sqrt(r.stderr2))
	c[bucketMissed].Floats = append(c[bucketMissed].Floats, r.miss)
	for i, v := range r.values {
		c[r.cells+i].Floats = append(c[r.cells+i].Floats, v)
	}
	if r.out.Rows++; r.out.Rows < chunkRows {
		return nil
	}
	return r.flush(yield)
}

func (r *roller) flush(yield func(*schema.Block) error) error {
	if r.out.Rows == 0 {
		return nil
	}
	err := yield(r.out)
	emptied(r.out)
	return err
}

func (r *roller) finish(yield func(*schema.Block) error) error {
	if err := r.close(yield); err != nil {
		return err
	}
	return r.flush(yield)
}
