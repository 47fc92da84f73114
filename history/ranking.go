package history

import (
	"cmp"
	"math"
	"slices"

	"weir/schema"
)

// joining says how values of one meter become one over several buckets, or over several keys.
type joining uint8

const (
	adds    joining = iota // counters and rates: their sums add up
	means                  // gauges and averages: the mean of those that there are
	largest                // the largest
	least                  // the smallest
	newest                 // levels: the last
)

// joined is several values becoming one.
type joined struct {
	value float64
	n     int
	last  schema.Instant
}

// add takes a value that was counted at an instant.
func (j *joined) add(how joining, at schema.Instant, v float64) {
	if math.IsNaN(v) {
		return
	}
	j.n++
	if j.n == 1 {
		j.value, j.last = v, at
		return
	}
	switch how {
	case adds, means:
		j.value += v
	case largest:
		j.value = max(j.value, v)
	case least:
		j.value = min(j.value, v)
	case newest:
		if at >= j.last {
			j.value = v
		}
	}
	j.last = max(j.last, at)
}

// result returns what the values became; NaN when there were none.
func (j *joined) result(how joining) float64 {
	switch {
	case j.n == 0:
		return math.NaN()
	case how == means:
		return j.value / float64(j.n)
	}
	return j.value
}

// listed is one line of one stored or open list of toppers.
type listed struct {
	rank                 int
	key                  string // raw
	value, error, stderr float64
}

// ranking puts lists of toppers of several topper buckets together. A key that was in no list of a bucket counted
// there at most what the last one listed did, which is the key's error.
type ranking struct {
	how      joining
	only     string // the raw key that is looked for; empty: all
	keys     map[string]*standing
	total    joined
	variance float64 // of the total
	floors   float64 // sum over buckets of what a key that was not listed may have counted
	buckets  int
	width    float64          // sum of the lengths of the buckets, seconds
	starts   []schema.Instant // of the buckets
	widths   []float64        // of the buckets, seconds
	sums     []float64        // totals of the buckets, NaN where there is none

	at      schema.Instant // of the bucket that is being read
	seconds float64
	list    []listed
}

// standing is what one key gathered.
type standing struct {
	key      string
	value    joined
	error    float64 // of the lists that it was in
	variance float64
	covered  float64 // floors of the buckets in whose lists it was
	points   []point // for trends; nil unless wanted
}

// point is a key's place in one list.
type point struct {
	bucket int
	rank   int
	value  float64
}

func newRanking(how joining) *ranking { return &ranking{how: how, keys: map[string]*standing{}} }

// bucket takes the list of one topper bucket: rank 0 is the total, negative ranks are left out by the caller. full
// tells that the list is as long as it may be, so that others may have been left out.
func (r *ranking) bucket(at schema.Instant, seconds float64, list []listed, full bool) {
	floor, sum, total := math.Inf(1), 0., math.NaN()
	for i := range list {
		l := &list[i]
		if l.rank == 0 {
			total = l.value
			r.total.add(r.how, at, l.value)
			r.variance += l.stderr * l.stderr
			continue
		}
		floor = min(floor, l.value+l.error)
		sum += l.value
	}
	switch {
	case math.IsInf(floor, 1) || !full || r.how != adds:
		floor = 0
	case !math.IsNaN(total):
		// What is not listed cannot be more than all of it together.
		floor = max(0, min(floor, total-sum))
	}
	for i := range list {
		if l := &list[i]; l.rank > 0 && (r.only == "" || l.key == r.only) {
			r.line(at, l, floor)
		}
	}
	r.floors += floor
	r.width += seconds
	r.buckets++
	r.at = at
	r.starts, r.widths, r.sums = append(r.starts, at), append(r.widths, seconds), append(r.sums, total)
}

func (r *ranking) line(at schema.Instant, l *listed, floor float64) {
	s := r.keys[l.key]
	if s == nil {
		s = &standing{key: l.key}
		r.keys[l.key] = s
	}
	s.value.add(r.how, at, l.value)
	s.error += l.error
	s.variance += l.stderr * l.stderr
	s.covered += floor
	s.points = append(s.points, point{r.buckets, l.rank, l.value})
}

// first returns the largest keys, smallest when bottom; ties go to the smaller raw key.
func (r *ranking) first(most int, bottom bool) []*standing {
	all := make([]*standing, 0, len(r.keys))
	for _, s := range r.keys {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *standing) int {
		order := cmp.Compare(b.value.result(r.how), a.value.result(r.how))
		if bottom {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.key, b.key))
	})
	return all[:min(most, len(all))]
}

// bound returns by how much the truth of a key may be above its value.
func (r *ranking) bound(s *standing) float64 {
	if r.how != adds {
		return 0
	}
	return max(0, s.error+r.floors-s.covered)
}

// read takes rows of the table of toppers, ordered by bucket. Lists that go on in the next block are put together.
func (r *ranking) read(b *schema.Block, bottom bool, full func(n int) bool) {
	at, width := b.Column("at"), b.Column("width")
	rank, key := b.Column("rank"), b.Column("key")
	value, bound, stderr := b.Column("value"), b.Column("error"), b.Column("stderr")
	for i := range b.Rows {
		place := int(rank.Ints[i])
		if place < 0 != bottom && place != 0 {
			continue
		}
		if when := schema.Instant(at.Ints[i]); len(r.list) == 0 || when != r.at {
			r.flush(full)
			r.at, r.seconds = when, float64(width.Ints[i])
		}
		if bottom {
			place = -place
		}
		r.list = append(r.list, listed{place, string(key.Texts.At(i)), value.Floats[i], bound.Floats[i],
			stderr.Floats[i]})
	}
}

// flush closes the list that is being read.
func (r *ranking) flush(full func(n int) bool) {
	if len(r.list) == 0 {
		return
	}
	n := 0
	for i := range r.list {
		if r.list[i].rank > 0 {
			n++
		}
	}
	r.bucket(r.at, r.seconds, r.list, full(n))
	r.list = r.list[:0]
}
