package history

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// ToppersMax bounds the toppers of one answer.
const ToppersMax = 10_000

// TopperQuery asks for the largest, or smallest, keys of a meter.
type TopperQuery struct {
	Group   *meter.Group
	Meter   int
	Span    Span // zero: the topper bucket that is open
	Max     int
	Bottom  bool // the smallest that are not zero
	Shape   Shape
	Earlier time.Duration // also what they were by so much earlier; 0: nothing
	// Exact asks for the sums of all buckets instead of the lists of topper buckets: slower, and without what lists
	// leave out. Short spans are answered so anyway.
	Exact bool
	Now   schema.Instant
}

// Topper is one of the largest keys.
type Topper struct {
	Key          string // raw
	Value        float64
	Error        float64 // the truth is at most Value + Error: 0 unless lists or the full group left something out
	Stderr       float64 // standard error of an estimate from samples; 0 is exact
	Share        float64 // of the total, 0 to 1; NaN for meters that do not add up
	Previous     float64 // value of the earlier span; NaN when it was not among the largest then
	PreviousRank int     // 0 when it was not among them
}

// Toppers is the largest keys of a meter over a span.
type Toppers struct {
	Meter   *meter.Meter
	Unit    string
	Span    Span    // of the buckets that were read
	Total   float64 // of all keys, exact but for sampling; NaN when it is not known
	Stderr  float64 // of Total
	Others  float64 // Total less what is shown; NaN for meters that do not add up
	Bound   float64 // what of Others may belong to keys that are shown, at most
	Before  float64 // Total of the earlier span; NaN without
	Keys    int     // how many keys were considered
	Buckets int     // how many topper buckets, or buckets, were put together
	Open    bool    // one of them is still open
	Exact   bool    // nothing was left out and nothing estimated
	Source  string  // "open": the open topper bucket; "toppers": lists of topper buckets; "buckets": all buckets
	List    []Topper
}

// exactUpTo is the number of topper buckets up to whose length spans are answered from all buckets.
const exactUpTo = 2

// exactMost is the longest span that may be answered from all buckets.
const exactMost = 6 * time.Hour

// Toppers answers the query. Errors about the query are *Mistake.
func (h *History) Toppers(ctx context.Context, q TopperQuery) (*Toppers, error) {
	m := q.Group.Meter(q.Meter)
	if m == nil {
		return nil, noMeter(q.Group, q.Meter)
	}
	if q.Exact && q.Span.Length() > exactMost {
		return nil, mistake("exact", "ask for less, or for the lists of topper buckets", "the range is longer than %v",
			exactMost)
	}
	q.Now = h.counted(q.Now)
	r, out, err := h.rank(ctx, q, m)
	if err != nil {
		return nil, err
	}
	out.Meter, out.Unit = m, q.Shape.Unit(m)
	q.fill(out, r)
	if q.Earlier == 0 {
		return out, nil
	}
	earlier := q
	earlier.Span = Span{out.Span.From.Add(-q.Earlier), min(out.Span.To, q.Now).Add(-q.Earlier)}
	earlier.Max = ToppersMax
	before, then, err := h.rank(ctx, earlier, m)
	if err != nil {
		return nil, err
	}
	earlier.fill(then, before)
	out.Before = then.Total
	place := make(map[string]int, len(then.List))
	for i := range then.List {
		place[then.List[i].Key] = i + 1
	}
	for i := range out.List {
		if rank := place[out.List[i].Key]; rank > 0 {
			out.List[i].PreviousRank, out.List[i].Previous = rank, then.List[rank-1].Value
		}
	}
	return out, nil
}

// rank gathers the keys of a span, from the source that suits it.
func (h *History) rank(ctx context.Context, q TopperQuery, m *meter.Meter) (*ranking, *Toppers, error) {
	r := newRanking(joiningOf(m.Type))
	out := &Toppers{Source: "toppers", Span: q.Span, Before: math.NaN()}
	if q.Span == (Span{}) {
		out.Source = "open"
		h.rankOpen(q, m, r, out)
		return r, out, nil
	}
	// All buckets are asked where their rows were all kept and add up.
	short := q.Span.Length() <= exactUpTo*q.Group.Topper.Duration()
	if (short || q.Exact) && !q.Group.TopperOnly && r.how == adds {
		if open, ok := h.openPages(q, m); ok {
			out.Source = "buckets"
			return r, out, h.rankBuckets(ctx, q, m, open, r, out)
		}
		if q.Exact {
			return nil, nil, mistake("exact", "ask for a range that ended a while ago",
				"group %q has more than %d keys in buckets that are still open", q.Group.Name, openMost)
		}
	}
	return r, out, h.rankLists(ctx, q, m, r, out)
}

// rankOpen takes the open topper bucket.
func (h *History) rankOpen(q TopperQuery, m *meter.Meter, r *ranking, out *Toppers) {
	var s meter.Standing
	h.Engine.Ledger(func(l *meter.Ledger) {
		if q.Bottom {
			s = l.Bottom(q.Group.Name, m.ID, q.Max)
		} else {
			s = l.Toppers(q.Group.Name, m.ID, q.Max)
		}
	})
	if s.Width == 0 {
		return
	}
	list := []listed{{key: key.Totals, value: s.Total, stderr: s.Stderr}}
	for i, t := range s.Toppers {
		raw := string(q.Group.Form.AppendRaw(nil, t.Key))
		list = append(list, listed{rank: i + 1, key: raw, value: t.Value, error: finite(t.Error), stderr: t.Stderr})
	}
	end := s.Start.Add(s.Width.Duration())
	seconds := s.Width.Seconds()
	if q.Now > s.Start && q.Now < end {
		seconds = max(1, q.Now.Sub(s.Start).Seconds())
	}
	// What is not among the first of an open bucket is still counted exactly: nothing is left out when more are asked for.
	r.bucket(s.Start, seconds, list, len(s.Toppers) == q.Max && len(s.Toppers) < s.Keys && !q.Bottom)
	if out.Source == "open" {
		out.Span, out.Keys = Span{s.Start, min(end, max(q.Now, s.Start+1))}, s.Keys
	}
	out.Open = true
}

// finite is 0 for what cannot be told.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// rankLists puts the lists of topper buckets together: stored ones, and the open one when the span reaches into it.
func (h *History) rankLists(ctx context.Context, q TopperQuery, m *meter.Meter, r *ranking, out *Toppers) error {
	topper := q.Group.Topper.Duration()
	out.Span.From = floor(q.Span.From, topper)
	open := newRanking(r.how)
	live := &Toppers{}
	if q.Span.To.Add(topper) > q.Now {
		wide := q
		wide.Max = max(q.Max, m.Top, m.Bottom)
		h.rankOpen(wide, m, open, live)
	}
	err := h.each(ctx, listQuery(q.Group, m.ID, out.Span, q.Bottom), func(b *schema.Block) {
		r.read(b, q.Bottom, r.full(m, q.Bottom))
	})
	r.flush(r.full(m, q.Bottom))
	if err != nil {
		return err
	}
	if live.Open && open.at < q.Span.To && open.at >= out.Span.From && open.at > r.at {
		r.join(open)
		out.Open = true
	}
	if n := len(r.starts); n > 0 {
		end := r.starts[n-1].Add(time.Duration(r.widths[n-1] * float64(time.Second)))
		out.cover(q, r, r.starts[0], end)
	}
	return nil
}

// cover notes which time the buckets of an answer are of: from the first that there is to the end of the last, or of
// the span when that is later, since in time without a bucket nothing was counted; but not after now. Rates are over
// that time.
func (out *Toppers) cover(q TopperQuery, r *ranking, first, end schema.Instant) {
	out.Span = Span{first, max(end, q.Span.To)}
	if q.Now > first {
		out.Span.To = min(out.Span.To, q.Now)
	}
	r.width = max(1, out.Span.Length().Seconds())
}

// full tells whether a list is as long as the meter's lists are now, so that it may have left something out.
func (r *ranking) full(m *meter.Meter, bottom bool) func(n int) bool {
	return func(n int) bool { return !bottom && n >= m.Top }
}

// listQuery asks for lists of topper buckets that begin in a span, by time.
func listQuery(g *meter.Group, id int, s Span, bottom bool) store.Query {
	side := store.Where("rank", store.Ge, store.Int(0))
	if bottom {
		side = store.Where("rank", store.Le, store.Int(0))
	}
	return store.Query{
		Table: schema.TableToppers, From: s.From, To: s.To, OrderBy: "at",
		Where: store.All(store.Where("grp", store.Eq, store.Text(g.Name)),
			store.Where("meter", store.Eq, store.Int(int64(id))), side),
		Columns: []string{"at", "width", "rank", "key", "value", "error", "stderr"},
	}
}

// rankBuckets sums up the rows of all buckets of a span.
func (h *History) rankBuckets(ctx context.Context, q TopperQuery, m *meter.Meter, open []listed, r *ranking,
	out *Toppers) error {
	column := "m" + strconv.Itoa(m.ID)
	where := store.Where("grp", store.Eq, store.Text(q.Group.Name))
	sq := store.Query{
		Table: schema.TableBuckets, From: q.Span.From, To: q.Span.To, By: []string{"key"},
		Where: store.All(where, store.Where(column, store.Ne, store.Float(0))),
		Aggregates: []store.Agg{{Column: column, Func: store.Sum, As: "value"},
			{Column: "missed", Func: store.Sum, As: "missed"}},
		OrderBy: "value", Desc: !q.Bottom,
		// One more for the totals. Keys that are open too may overtake others, so more are read.
		Limit: q.Max + 1 + openMost,
	}
	var keys []listed
	err := h.each(ctx, sq, func(b *schema.Block) {
		value, missed := b.Column("value"), b.Column("missed")
		for i := range b.Rows {
			l := listed{rank: 1, key: textAt(b.Column("key"), i), value: numberAt(value, i)}
			if key.IsTotals(l.key) {
				continue
			}
			if m.ID == q.Group.Primary {
				l.error = finite(numberAt(missed, i))
			}
			keys = append(keys, l)
		}
	})
	if err != nil {
		return err
	}
	r.bucket(q.Span.From, 0, append(keys, open...), false)
	return h.refine(ctx, q, m, r, out)
}

// openPages returns what all keys have in buckets of the span that are not stored yet; ok is false when there are too
// many to visit.
func (h *History) openPages(q TopperQuery, m *meter.Meter) (list []listed, ok bool) {
	ok = true
	h.Engine.Ledger(func(l *meter.Ledger) {
		g := l.Group(q.Group.Name)
		if g == nil {
			return
		}
		place := slices.IndexFunc(g.Meters, func(x meter.Meter) bool { return x.ID == m.ID })
		if q.Span.To.Add(g.Topper.Duration()) < q.Now {
			return
		}
		if ok = l.Count(g.Name) <= openMost; !ok {
			return
		}
		for _, bin := range l.Keys(g.Name, nil, openMost) {
			for _, p := range l.Row(g.Name, bin) {
				if q.Span.Contains(p.Start) && place >= 0 && p.Values[place] > 0 {
					list = append(list, listed{rank: 1, key: string(g.Form.AppendRaw(nil, bin)), value: p.Values[place],
						stderr: p.Stderr[place]})
				}
			}
		}
	})
	return list, ok
}

// openMost bounds the open keys that one question visits.
const openMost = 50_000

// refine asks for the standard errors of the first keys and for the totals, which sums do not tell.
func (h *History) refine(ctx context.Context, q TopperQuery, m *meter.Meter, r *ranking, out *Toppers) error {
	w, err := want(q.Group, []int{m.ID})
	if err != nil {
		return err
	}
	first := r.first(min(q.Max, refineMost), q.Bottom)
	names := []store.Value{store.Text(key.Totals)}
	for _, s := range first {
		names = append(names, store.Text(s.key))
	}
	var began, ended schema.Instant
	starts := map[schema.Instant]bool{}
	note := func(b *bucket) {
		if b.totals && !starts[b.at] {
			starts[b.at] = true
			r.total.add(r.how, b.at, b.values[0])
			r.variance += b.stderrs[0] * b.stderrs[0]
			if began == 0 || b.at < began {
				began = b.at
			}
			ended = max(ended, b.at.Add(b.width))
		}
	}
	sq := store.Query{
		Table: schema.TableBuckets, From: q.Span.From, To: q.Span.To, Columns: w.columns(),
		Where: store.All(store.Where("grp", store.Eq, store.Text(q.Group.Name)), store.Where("key", store.In, names...)),
	}
	err = h.each(ctx, sq, func(b *schema.Block) {
		keys, i := b.Column("key"), 0
		w.each(b, func(row bucket) {
			if s := r.keys[string(keys.Texts.At(i))]; s != nil {
				s.variance += row.stderrs[0] * row.stderrs[0]
			}
			i++
			note(&row)
		})
	})
	if err != nil {
		return err
	}
	for _, b := range h.open(w, key.Totals, q.Span) {
		out.Open = true
		note(&b)
	}
	r.buckets = len(starts)
	if began != 0 {
		out.cover(q, r, began, ended)
	}
	return nil
}

// refineMost bounds the keys whose standard errors are asked for one by one.
const refineMost = 1000

// fill writes the first of a ranking into the answer.
func (q *TopperQuery) fill(out *Toppers, r *ranking) {
	m := q.Group.Meter(q.Meter)
	per := 1.
	if q.Shape.perSecond(m) && r.width > 0 {
		per = r.width
	}
	out.Total, out.Stderr = r.total.result(r.how)/per, math.Sqrt(r.variance)/per
	out.Buckets, out.Exact = r.buckets, r.variance == 0
	if out.Source != "open" {
		out.Keys = len(r.keys)
	}
	shown := 0.
	for _, s := range r.first(q.Max, q.Bottom) {
		t := Topper{Key: s.key, Value: s.value.result(r.how) / per, Error: r.bound(s) / per,
			Stderr: math.Sqrt(s.variance) / per, Share: math.NaN(), Previous: math.NaN()}
		if r.how == adds && out.Total > 0 {
			t.Share = t.Value / out.Total
		}
		shown += t.Value
		out.Bound += t.Error
		out.Exact = out.Exact && t.Error == 0 && t.Stderr == 0
		out.List = append(out.List, t)
	}
	out.Others = math.NaN()
	if r.how == adds {
		out.Others = max(0, out.Total-shown)
		out.Bound = min(out.Bound, out.Others)
	} else {
		out.Bound = 0
	}
}

// join adds what another ranking, of later buckets, has.
func (r *ranking) join(o *ranking) {
	for name, x := range o.keys {
		s := r.keys[name]
		if s == nil {
			s = &standing{key: name}
			r.keys[name] = s
		}
		s.value.add(r.how, x.value.last, x.value.value)
		s.error, s.variance, s.covered = s.error+x.error, s.variance+x.variance, s.covered+x.covered
		for _, p := range x.points {
			p.bucket += r.buckets
			s.points = append(s.points, p)
		}
	}
	if o.total.n > 0 {
		r.total.add(r.how, o.total.last, o.total.value)
	}
	r.variance, r.floors, r.buckets = r.variance+o.variance, r.floors+o.floors, r.buckets+o.buckets
	r.width += o.width
	r.starts, r.widths = append(r.starts, o.starts...), append(r.widths, o.widths...)
	r.sums = append(r.sums, o.sums...)
	r.at = o.at
}
