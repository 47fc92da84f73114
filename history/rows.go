package history

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// joiningOf says how the values of a meter's buckets become one (spec trisul 1.3, last column).
func joiningOf(t meter.VarType) joining {
	switch {
	case t.Summed(), t == meter.DeltaRate:
		return adds
	case t == meter.Maximum:
		return largest
	case t == meter.Minimum:
		return least
	case t == meter.Running:
		return newest
	}
	return means
}

// further returns which of the further cells x0, x1, ... has the count of an average; -1 when the meter is none.
func further(g *meter.Group, id int) int {
	if first, n := g.Extra(id); n > 0 && g.Meter(id).Type == meter.Average {
		return first
	}
	return -1
}

// wanted says which meters of a group are read, and where they stand in rows.
type wanted struct {
	group   *meter.Group
	meters  []*meter.Meter
	counts  []int // by meter: index of its count among the further cells, -1
	primary int   // index of the primary meter in meters
}

// want prepares to read meters of a group; the primary one is always read, as the last when it is not among them.
func want(g *meter.Group, ids []int) (w wanted, err error) {
	w = wanted{group: g, primary: -1}
	if len(ids) == 0 {
		for i := range g.Meters {
			ids = append(ids, g.Meters[i].ID)
		}
	}
	for _, id := range ids {
		m := g.Meter(id)
		if m == nil {
			return w, noMeter(g, id)
		}
		w.add(m)
	}
	if w.primary < 0 {
		w.add(g.Meter(g.Primary))
	}
	return w, nil
}

func (w *wanted) add(m *meter.Meter) {
	if m.ID == w.group.Primary {
		w.primary = len(w.meters)
	}
	w.meters = append(w.meters, m)
	w.counts = append(w.counts, further(w.group, m.ID))
}

func noMeter(g *meter.Group, id int) error {
	least, most := g.Meters[0].ID, g.Meters[len(g.Meters)-1].ID
	return mistake("meter", fmt.Sprintf("GET /api/v1/groups/%s lists them", g.Name),
		"group %q has no meter %d; its meters are %d to %d", g.Name, id, least, most)
}

// columns are those of the tables of buckets that are read.
func (w *wanted) columns() []string {
	names := []string{"key", "at", "width", "samples", "rate", "stderr", "missed"}
	for i, m := range w.meters {
		names = append(names, "m"+strconv.Itoa(m.ID))
		if w.counts[i] >= 0 {
			names = append(names, "x"+strconv.Itoa(w.counts[i]))
		}
	}
	return names
}

// bucket is what one key counted in one bucket. Its values stand in the order of wanted.meters; NaN is no value.
type bucket struct {
	at      schema.Instant
	width   time.Duration
	missed  float64 // of the primary meter, at most
	values  []float64
	stderrs []float64
	counts  []float64 // how many samples an average has; nil when no meter is one
	totals  bool      // of all keys
}

// stderr returns the standard error of a meter from that of the primary one (meter.Page.Stderr has the rule).
func (w *wanted) stderr(i int, r *bucket, primary, rate float64) float64 {
	m, first := w.meters[i], w.meters[w.primary]
	v, v0 := r.values[i], r.values[w.primary]
	switch {
	case primary == 0 && rate == 0 || !m.Type.Summed() || !(v > 0):
		return 0
	case m == first:
		return primary
	case m.Unit != first.Unit:
		return math.Sqrt(v * max(0, rate-1))
	case v0 > 0:
		return primary * math.Sqrt(v/v0)
	}
	return primary
}

// each reads the rows of a block of buckets.
func (w *wanted) each(b *schema.Block, take func(r bucket)) {
	keys, at, width := b.Column("key"), b.Column("at"), b.Column("width")
	rate, stderr, missed := b.Column("rate"), b.Column("stderr"), b.Column("missed")
	values, counts := make([]*schema.Column, len(w.meters)), make([]*schema.Column, len(w.meters))
	averages := false
	for i, m := range w.meters {
		values[i] = b.Column("m" + strconv.Itoa(m.ID))
		if w.counts[i] >= 0 {
			counts[i] = b.Column("x" + strconv.Itoa(w.counts[i]))
			averages = true
		}
	}
	for row := range b.Rows {
		r := bucket{
			at: schema.Instant(at.Ints[row]), width: time.Duration(width.Ints[row]) * time.Second,
			missed: numberAt(missed, row), values: make([]float64, len(w.meters)),
			stderrs: make([]float64, len(w.meters)), totals: key.IsTotals(string(keys.Texts.At(row))),
		}
		if averages {
			r.counts = make([]float64, len(w.meters))
		}
		for i := range values {
			r.values[i] = math.NaN()
			if values[i] != nil {
				r.values[i] = values[i].Floats[row]
			}
			if counts[i] != nil {
				r.counts[i] = counts[i].Floats[row]
				r.values[i] /= r.counts[i] // tables have the sum
			}
		}
		for i := range values {
			r.stderrs[i] = w.stderr(i, &r, numberAt(stderr, row), numberAt(rate, row))
		}
		take(r)
	}
}

// rowsMax bounds the rows that one question gathers.
const rowsMax = 500_000

// gathered is the buckets of one key over a span, from several tables and the ledger.
type gathered struct {
	rows     []bucket
	totals   []bucket // of all keys: they tell when there was counting at all
	coarsest time.Duration
	first    schema.Instant // of all that was found; the end of the span when nothing was
	next     schema.Instant // after all that was found; the beginning of the span when nothing was
}

// gather reads the buckets of a key over a span: from table number i; what that does not have yet from the finer ones,
// what they do not have any more from the coarser ones; and what is not stored yet from the ledger. No two tables give
// buckets that overlap, so that each instant counts once.
func (h *History) gather(ctx context.Context, w wanted, raw string, s Span, i int) (*gathered, error) {
	a := &gathered{first: s.To, next: s.From}
	// What is open is read first: a bucket that closes meanwhile is then found twice, and told apart, but never missed.
	open := h.open(w, raw, s)
	for t := i; t >= 0 && a.next < s.To; t-- {
		if err := h.gatherFrom(ctx, w, raw, Span{a.next, s.To}, t, a); err != nil {
			return nil, err
		}
	}
	for t := i + 1; t < len(tables); t++ {
		if width := tables[t].width; width < w.group.Bucket.Duration() || a.first < s.From.Add(width) {
			continue
		}
		if err := h.gatherFrom(ctx, w, raw, Span{s.From, a.until(tables[t].width)}, t, a); err != nil {
			return nil, err
		}
	}
	stored := a.next
	for _, r := range open {
		if stored == s.From || r.at >= stored {
			a.take(r)
		}
	}
	return a, nil
}

func (h *History) gatherFrom(ctx context.Context, w wanted, raw string, s Span, table int, a *gathered) error {
	names := []store.Value{store.Text(key.Totals)}
	if raw != key.Totals {
		names = append(names, store.Text(raw))
	}
	q := store.Query{
		Table: tables[table].table, From: s.From, To: s.To, Columns: w.columns(),
		Where: store.All(store.Where("grp", store.Eq, store.Text(w.group.Name)), store.Where("key", store.In, names...)),
		Limit: rowsMax + 1,
	}
	if err := h.each(ctx, q, func(b *schema.Block) { w.each(b, a.take) }); err != nil {
		return err
	}
	if len(a.rows)+len(a.totals) > rowsMax {
		return mistake("from", "ask for a shorter range", "the range has more than %d buckets", rowsMax)
	}
	return nil
}

// until returns where reading coarser buckets ends, so that none reaches into what was found. Tables are rolled up and
// forgotten by whole hours, so the bucket that the first one found lies in has nothing that the finer ones lack: when
// they do not begin with it, nothing was counted before. When nothing was found, it is the end of the span.
func (a *gathered) until(width time.Duration) schema.Instant {
	if len(a.rows)+len(a.totals) == 0 {
		return a.first
	}
	return floor(a.first, width)
}

// take adds a bucket of the key, or of the totals.
func (a *gathered) take(r bucket) {
	if r.totals {
		a.totals = append(a.totals, r)
	} else {
		a.rows = append(a.rows, r)
	}
	a.first, a.next = min(a.first, r.at), max(a.next, r.at.Add(r.width))
	a.coarsest = max(a.coarsest, r.width)
}

// open returns the buckets of a key, and of the totals, that are in the span and not stored yet.
func (h *History) open(w wanted, raw string, s Span) (rows []bucket) {
	var bin []byte
	if raw != key.Totals {
		var err error
		if bin, err = w.group.Form.Parse(raw); err != nil {
			return nil
		}
	}
	h.Engine.Ledger(func(l *meter.Ledger) {
		g := l.Group(w.group.Name)
		if g == nil {
			return
		}
		take := func(points []meter.Point, totals bool) {
			for _, p := range points {
				if s.Contains(p.Start) {
					rows = append(rows, w.open(g, p, totals))
				}
			}
		}
		if bin != nil {
			take(l.Row(g.Name, bin), false)
		}
		take(l.Row(g.Name, nil), true)
	})
	return rows
}

// open turns a bucket of the ledger's into one of ours.
func (w *wanted) open(g *meter.Group, p meter.Point, totals bool) bucket {
	r := bucket{at: p.Start, width: p.Width.Duration(), values: make([]float64, len(w.meters)),
		stderrs: make([]float64, len(w.meters)), totals: totals}
	for i, m := range w.meters {
		r.values[i] = math.NaN()
		for j := range g.Meters {
			if g.Meters[j].ID == m.ID && j < len(p.Values) {
				r.values[i], r.stderrs[i] = p.Values[j], p.Stderr[j]
			}
		}
	}
	return r
}
