package history

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"weir/key"
	"weir/meter"
	"weir/schema"
)

// Shape says whether values are shown as rates or as volumes.
type Shape uint8

// The shapes.
const (
	Natural Shape = iota // as the meter's type says: rates per second for rate meters, else what was counted
	PerTime              // counters too are shown per second
	Volume               // rate meters too are shown as what was counted
)

// ShapeWords are the words of the shapes that may be asked for.
var ShapeWords = []string{"rate", "volume"}

// ParseShape reads one of ShapeWords; empty text is Natural.
func ParseShape(word string) (Shape, error) {
	if word == "" {
		return Natural, nil
	}
	i := slices.Index(ShapeWords, word)
	if i < 0 {
		return 0, mistake("as", "without it meters are shown as their type says", "%q is neither rate nor volume", word)
	}
	return Shape(i + 1), nil
}

// perSecond tells whether values of a meter are divided by time.
func (s Shape) perSecond(m *meter.Meter) bool {
	switch s {
	case PerTime:
		return m.Type.PerSecond() || m.Type.Summed()
	case Volume:
		return false
	}
	return m.Type.PerSecond()
}

// volumes are the units of what rates are of.
var volumes = map[string]string{"Bps": "bytes", "bps": "bits", "pps": "packets", "B/s": "bytes", "bit/s": "bits"}

// Unit returns the unit of a meter's values in this shape.
func (s Shape) Unit(m *meter.Meter) string {
	switch per := s.perSecond(m); {
	case per == m.Type.PerSecond():
		return m.Unit
	case per && m.Unit != "":
		return m.Unit + "/s"
	case per:
		return "1/s"
	case volumes[m.Unit] != "":
		return volumes[m.Unit]
	}
	return strings.TrimSuffix(strings.TrimSuffix(m.Unit, "/s"), "ps")
}

// SeriesQuery asks how meters of a key went over time.
type SeriesQuery struct {
	Group   *meter.Group
	Key     string // raw; key.Totals is the sum over all keys
	Meters  []int  // ids; nil is all
	Span    Span
	Step    time.Duration // distance of points; 0: by the length of the span
	Shape   Shape
	Earlier time.Duration // also the same span by so much earlier; 0: none
	Now     schema.Instant
}

// Series is how meters of a key went over time.
type Series struct {
	Span       Span             // as answered: its beginning is the first point
	Step       time.Duration    // distance of points
	Resolution time.Duration    // length of the longest bucket that was read; 0 when there were none
	Times      []schema.Instant // where points begin
	Open       bool             // the last point is still being counted
	Lines      []Line
}

// Line is one meter of a Series. Values stand beside Series.Times; NaN is no value: nothing was counted then, or, of
// groups that store topper traffic only, it was not kept.
type Line struct {
	Meter    *meter.Meter
	Unit     string
	Values   []float64
	Stderr   []float64 // standard errors; 0 is exact
	Missed   []float64 // primary meter: what the value may lack at most, as the group was full; nil: nothing
	Previous []float64 // of the earlier span; nil when none was asked for
	Total    Total
}

// Exact tells that no value of the line is an estimate or may lack something.
func (l *Line) Exact() bool {
	nonzero := func(v float64) bool { return v > 0 }
	return !slices.ContainsFunc(l.Stderr, nonzero) && !slices.ContainsFunc(l.Missed, nonzero)
}

// Total is what a meter came to over a span, in the shape that was asked for. What is NaN is not there.
type Total struct {
	Volume   float64 // sum of what was counted; NaN for meters that do not add up
	Stderr   float64 // of Volume
	Mean     float64 // of the points
	Min, Max float64 // of the points
	Latest   float64 // value of the last point that has one
	P95      float64 // 95th percentile of the points, nearest rank
	Previous float64 // Volume of the earlier span; of meters that do not add up the Mean
}

// Series answers the query. Errors about the query are *Mistake.
func (h *History) Series(ctx context.Context, q SeriesQuery) (*Series, error) {
	w, err := want(q.Group, q.Meters)
	if err != nil {
		return nil, err
	}
	q.Now = h.counted(q.Now)
	table, step := resolution(q.Span, q.Group.Bucket.Duration(), q.Step)
	s := Span{floor(q.Span.From, step), q.Span.To}
	now, err := h.gather(ctx, w, q.Key, s, table)
	if err != nil {
		return nil, err
	}
	var before *gathered
	if q.Earlier > 0 {
		if before, err = h.gather(ctx, w, q.Key, s.Earlier(q.Earlier), table); err != nil {
			return nil, err
		}
		step = max(step, before.coarsest)
	}
	step = max(step, now.coarsest)
	s.From = floor(s.From, step)
	out := &Series{Span: s, Step: step, Resolution: now.coarsest}
	for at := s.From; at < s.To; at = at.Add(step) {
		out.Times = append(out.Times, at)
	}
	out.Open = s.To >= q.Now && out.Times[len(out.Times)-1].Add(step) > q.Now
	b := binning{w: w, from: s.From, step: step, points: len(out.Times), now: q.Now, raw: q.Key, shape: q.Shape}
	lines := len(w.meters)
	if len(q.Meters) > 0 {
		lines = len(q.Meters) // without the primary, when it was read only for the errors of the others
	}
	for i := range lines {
		line := b.line(i, now, 0)
		if before != nil {
			earlier := b.line(i, before, q.Earlier)
			line.Previous = earlier.Values
			if line.Total.Previous = earlier.Total.Volume; math.IsNaN(line.Total.Previous) {
				line.Total.Previous = earlier.Total.Mean
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}

// binning puts buckets into points.
type binning struct {
	w      wanted
	from   schema.Instant
	step   time.Duration
	points int
	now    schema.Instant
	raw    string
	shape  Shape
}

// binned is what became of one meter in one point.
type binned struct {
	joined
	weight   float64 // samples of an average
	seconds  float64 // lengths of the buckets with a value
	variance float64
	missed   float64
	counting bool // the group was counted in this point
}

// line makes the line of meter i of buckets that lie by so much earlier than the points.
func (b *binning) line(i int, a *gathered, earlier time.Duration) Line {
	m := b.w.meters[i]
	how := joiningOf(m.Type)
	bins := make([]binned, b.points)
	rows := a.rows
	if b.raw == key.Totals {
		rows = a.totals
	}
	for j := range a.totals {
		if p := b.point(a.totals[j].at, earlier); p >= 0 {
			bins[p].counting = true
		}
	}
	for j := range rows {
		if p := b.point(rows[j].at, earlier); p >= 0 {
			bins[p].add(how, m, i, &rows[j], i == b.w.primary)
		}
	}
	line := Line{Meter: m, Unit: b.shape.Unit(m), Values: make([]float64, b.points), Stderr: make([]float64, b.points)}
	volume, variance, n := 0., 0., 0
	for p := range bins {
		x := &bins[p]
		v := x.value(how, m)
		if math.IsNaN(v) && x.counting && how == adds && m.Type.Summed() && !b.w.group.TopperOnly {
			v = 0 // others were counted then, and this was not
		}
		if !math.IsNaN(v) {
			volume, variance, n = volume+v, variance+x.variance, n+1
		}
		e := math.Sqrt(x.variance)
		if b.shape.perSecond(m) {
			seconds := b.seconds(p, m, x, earlier)
			v, e, x.missed = v/seconds, e/seconds, x.missed/seconds
		}
		line.Values[p], line.Stderr[p] = v, e
		if x.missed > 0 {
			if line.Missed == nil {
				line.Missed = make([]float64, b.points)
			}
			line.Missed[p] = x.missed
		}
	}
	line.Total = totalOf(line.Values)
	if line.Total.Volume = math.NaN(); how == adds && n > 0 {
		line.Total.Volume, line.Total.Stderr = volume, math.Sqrt(variance)
	}
	return line
}

// point returns which point an instant belongs to, -1 when it is none.
func (b *binning) point(at schema.Instant, earlier time.Duration) int {
	d := at.Add(earlier) - b.from
	if p := int(d / schema.Instant(b.step)); d >= 0 && p < b.points {
		return p
	}
	return -1
}

// seconds returns how long a point has been counted: what goes on is divided by what is over of it, so that the last
// point of a chart is no cliff.
func (b *binning) seconds(p int, m *meter.Meter, x *binned, earlier time.Duration) float64 {
	if m.Type == meter.DeltaRate && x.seconds > 0 {
		return x.seconds // there is no value where there was no sample
	}
	begin := b.from.Add(time.Duration(p) * b.step)
	end := begin.Add(b.step)
	if earlier == 0 && b.now > begin {
		end = min(end, b.now)
	}
	return max(1, end.Sub(begin).Seconds())
}

func (x *binned) add(how joining, m *meter.Meter, i int, r *bucket, primary bool) {
	v := r.values[i]
	if math.IsNaN(v) {
		return
	}
	if m.Type == meter.Average {
		weight := 1.
		if r.counts != nil && r.counts[i] > 0 {
			weight = r.counts[i]
		}
		x.weight += weight
		v *= weight
	}
	x.joined.add(how, r.at, v)
	x.seconds += r.width.Seconds()
	x.variance += r.stderrs[i] * r.stderrs[i]
	if primary {
		x.missed += r.missed
	}
}

func (x *binned) value(how joining, m *meter.Meter) float64 {
	if m.Type == meter.Average && x.n > 0 {
		return x.joined.value / x.weight
	}
	return x.result(how)
}

// totalOf sums up the points of a line.
func totalOf(values []float64) Total {
	nan := math.NaN()
	t := Total{Volume: nan, Mean: nan, Min: nan, Max: nan, Latest: nan, P95: nan, Previous: nan}
	var there []float64
	sum := 0.
	for _, v := range values {
		if !math.IsNaN(v) {
			there = append(there, v)
			sum += v
			t.Latest = v
		}
	}
	if n := len(there); n > 0 {
		slices.Sort(there)
		t.Mean, t.Min, t.Max = sum/float64(n), there[0], there[n-1]
		t.P95 = there[int(math.Ceil(0.95*float64(n)))-1]
	}
	return t
}
