package history

import (
	"context"
	"math"
	"slices"

	"weir/meter"
	"weir/schema"
)

// Trend is how the largest keys of a span went, topper bucket by topper bucket.
type Trend struct {
	Meter *meter.Meter
	Unit  string
	Times []schema.Instant // when the topper buckets begin
	Total []float64        // of all keys
	Open  bool             // the last one is still open
	Lines []TrendLine
}

// TrendLine is one key of a Trend. NaN: it was not in the list of that topper bucket.
type TrendLine struct {
	Key    string // raw
	Values []float64
}

// trendMax bounds the topper buckets of one trend.
const trendMax = 20_000

// Trend ranks the keys over the whole span and tells the value of the first of them in each topper bucket.
func (h *History) Trend(ctx context.Context, q TopperQuery) (*Trend, error) {
	m := q.Group.Meter(q.Meter)
	if m == nil {
		return nil, noMeter(q.Group, q.Meter)
	}
	if q.Span.Length() > trendMax*q.Group.Topper.Duration() {
		return nil, mistake("from", "ask for less", "the range has more than %d topper buckets", trendMax)
	}
	r, out := newRanking(joiningOf(m.Type)), &Toppers{Span: q.Span}
	if err := h.rankLists(ctx, q, m, r, out); err != nil {
		return nil, err
	}
	t := &Trend{Meter: m, Unit: q.Shape.Unit(m), Times: r.starts, Open: out.Open, Total: slices.Clone(r.sums)}
	per := func(i int, v float64) float64 {
		if q.Shape.perSecond(m) && r.widths[i] > 0 {
			return v / r.widths[i]
		}
		return v
	}
	for i := range t.Total {
		t.Total[i] = per(i, t.Total[i])
	}
	for _, s := range r.first(q.Max, q.Bottom) {
		line := TrendLine{Key: s.key, Values: nans(len(t.Times))}
		for _, p := range s.points {
			line.Values[p.bucket] = per(p.bucket, p.value)
		}
		t.Lines = append(t.Lines, line)
	}
	return t, nil
}

func nans(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// Ranks is the place of one key among the largest over time.
type Ranks struct {
	Meter  *meter.Meter
	Unit   string
	Times  []schema.Instant // when the topper buckets begin
	Ranks  []int            // 1 is the largest; 0: it was not in the list
	Values []float64        // NaN: it was not in the list
	Open   bool             // the last one is still open
}

// Ranks tells the places of a raw key in the topper buckets of a span.
func (h *History) Ranks(ctx context.Context, q TopperQuery, raw string) (*Ranks, error) {
	m := q.Group.Meter(q.Meter)
	if m == nil {
		return nil, noMeter(q.Group, q.Meter)
	}
	if q.Span.Length() > trendMax*q.Group.Topper.Duration() {
		return nil, mistake("from", "ask for less", "the range has more than %d topper buckets", trendMax)
	}
	r, out := newRanking(joiningOf(m.Type)), &Toppers{Span: q.Span}
	q.Max = max(m.Top, 1)
	if err := h.rankLists(ctx, q, m, r, out); err != nil {
		return nil, err
	}
	k := &Ranks{Meter: m, Unit: q.Shape.Unit(m), Times: r.starts, Ranks: make([]int, len(r.starts)),
		Values: nans(len(r.starts)), Open: out.Open}
	if s := r.keys[raw]; s != nil {
		for _, p := range s.points {
			k.Ranks[p.bucket], k.Values[p.bucket] = p.rank, p.value
			if q.Shape.perSecond(m) && r.widths[p.bucket] > 0 {
				k.Values[p.bucket] /= r.widths[p.bucket]
			}
		}
	}
	return k, nil
}
