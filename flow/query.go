package flow

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"weir/schema"
)

// Mode says how flows of the same key at several places become one.
type Mode uint8

// The modes (spec sflow-rt 1.5).
const (
	ModeDefault Mode = iota // the definition's aggMode when it is one of the others, else ModeMax
	ModeMax                 // the largest
	ModeSum                 // the sum; of min, max, avg, last: the smallest, largest, average, newest
	ModeEdge                // edge datasources only: the larger of all that entered and all that left
	ModeCore                // the same of core datasources
)

// ParseMode reads a mode in any case of letters; empty text is ModeDefault.
func ParseMode(word string) (m Mode, ok bool) {
	switch strings.ToLower(word) {
	case "":
		return ModeDefault, true
	case aggMax:
		return ModeMax, true
	case aggSum:
		return ModeSum, true
	case aggEdge:
		return ModeEdge, true
	case aggCore:
		return ModeCore, true
	}
	return ModeDefault, false
}

// String returns the mode as ParseMode reads it.
func (m Mode) String() string { return [...]string{"", aggMax, aggSum, aggEdge, aggCore}[m%5] }

// For returns what m means for a definition: never ModeDefault.
func (m Mode) For(d *Definition) Mode {
	if m != ModeDefault {
		return m
	}
	if m, ok := ParseMode(d.AggMode); ok && m != ModeDefault {
		return m
	}
	return ModeMax
}

// Active is one active flow, or several of the same key made one.
type Active struct {
	// Source is where it was seen: of the largest contributor when several were made one; the zero Source when the
	// definition is pooled network wide.
	Source  schema.Source
	N       int     // flows that were made one
	Value   float64 // per second, or as the modifier says
	Error   float64 // standard error of Value; 0 when exact, and when it has none
	NoError bool    // Value has no standard error: a minimum, maximum, count or last value of samples
	Exact   bool    // nothing in it was estimated from samples
	Samples float64 // observations behind it, decayed like the value
	// Values is the further values of the definition, nil when it has none; Errors their standard errors: 0 when
	// exact, NaN for one that has none.
	Values, Errors []float64
	Key            string         // key values joined by the definition's separator
	Last           schema.Instant // when it was last seen

	encoded string
}

// Keys returns the values of the key one by one: what Key joins. It is empty, not nil, for a definition without keys.
func (a *Active) Keys() []string {
	out := []string{}
	for rest := []byte(a.encoded); len(rest) > 0; {
		v, next, ok := schema.NextKey(rest)
		if !ok {
			break
		}
		out, rest = append(out, v.String()), next
	}
	return out
}

// Query asks for active flows.
type Query struct {
	Definition string
	Keep       func(schema.Source) bool // places to look at; nil: all
	Max        int                      // flows in the answer; 0: all
	Min        float64                  // smallest value in the answer
	Mode       Mode
	// KeyFilter has a value for each key, joined by the definition's separator; an empty one means any; * stands for
	// any text in a value.
	KeyFilter string
	Side      func(schema.Source) Side // nil: the one that Merge was given
	At        schema.Instant           // values decayed to then; 0: the tick of the view
}

// Active returns the flows that q asks for, largest first, then by source and key. The caller owns the answer.
func (v *View) Active(q Query) ([]Active, error) {
	c, err := v.known(q.Definition)
	if err != nil {
		return nil, err
	}
	if c.shape == nil {
		return nil, nil
	}
	found := v.collect(c, &q)
	out := make([]Active, 0, len(found))
	for _, j := range found {
		if a := j.finish(c); a.Value >= q.Min || q.Min == 0 {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, compareActive)
	if c.pooled(q.Mode.For(c.def)) && len(out) > c.def.N {
		out = out[:c.def.N]
	}
	if q.Max > 0 && len(out) > q.Max {
		out = out[:q.Max]
	}
	for i := range out {
		out[i].Key = keyText(out[i].encoded, c.def.FS)
	}
	return out, nil
}

// pooled tells whether answers in a mode are of the network as a whole and not of places.
func (c *column) pooled(m Mode) bool {
	return c.def.Pooled() && (m == ModeEdge || m == ModeCore)
}

// collect joins the flows of the places that q wants by key.
func (v *View) collect(c *column, q *Query) map[string]*joined {
	at, mode := cmp.Or(q.At, v.at), q.Mode.For(c.def)
	side, want := q.Side, NoSide
	if side == nil {
		side = v.side
	}
	switch mode {
	case ModeEdge:
		want = Edge
	case ModeCore:
		want = Core
	}
	match := newPattern(q.KeyFilter, c.def.FS)
	found := map[string]*joined{}
	c.all(func(l *leaf) bool {
		if q.Keep != nil && !q.Keep(l.source) || want != NoSide && (side == nil || side(l.source) != want) {
			return true
		}
		for i := range l.cells {
			f, alive := c.flow(l, i, at)
			if !alive || !match.matches(f.cell.key) {
				continue
			}
			j := found[f.cell.key]
			if j == nil {
				j = &joined{mode: mode}
				found[f.cell.key] = j
			}
			j.add(c.shape, &f)
		}
		return true
	})
	return found
}

// flow is a cell decayed to an instant.
type flow struct {
	leaf          *leaf
	cell          *cell
	values        []parts // not decayed
	fade          float64
	stale         bool // the windows have nothing any more
	in, out       float64
	varIn, varOut float64
	samples       float64
}

// flow returns cell i of a leaf decayed to an instant; alive is false when it has faded away.
func (c *column) flow(l *leaf, i int, at schema.Instant) (f flow, alive bool) {
	e, s := &l.cells[i], c.shape
	d := s.fade(max(0, at-e.last))
	f = flow{leaf: l, cell: e, fade: d, samples: e.samples * d}
	f.stale = s.windowed && s.generation(at) > s.generation(e.last)+1
	if f.samples < forgotten || f.stale && s.value.windowed() {
		return f, false
	}
	f.in, f.out, f.varIn, f.varOut = e.in, e.out, e.varIn, e.varOut
	if s.value == decaying {
		f.in, f.out, f.varIn, f.varOut = e.in*d, e.out*d, e.varIn*d*d, e.varOut*d*d
	}
	n := len(s.values)
	f.values = l.values[i*n : (i+1)*n]
	return f, true
}

// value returns further value i, decayed.
func (f *flow) value(s *shape, i int) parts {
	switch k := s.values[i]; {
	case k == decaying:
		return f.values[i].times(f.fade)
	case k.windowed() && f.stale:
		return parts{}
	}
	return f.values[i]
}

// joined is flows of one key made one.
type joined struct {
	mode          Mode
	n             int
	best          flow // the largest
	bestValue     float64
	in, out       float64
	varIn, varOut float64
	samples       float64
	sampled       bool
	last          schema.Instant
	values        []parts // joined
}

func (j *joined) add(s *shape, f *flow) {
	v, _ := s.join(f.in, f.out, f.varIn, f.varOut)
	newest := f.cell.last > j.last
	if j.mode != ModeMax {
		j.addValues(s, f, newest)
		j.addPrimary(s, f, newest)
		j.samples += f.samples
		j.sampled = j.sampled || f.cell.sampled
	}
	j.last = max(j.last, f.cell.last)
	if j.n == 0 || v > j.bestValue {
		j.best, j.bestValue = *f, v
	}
	j.n++
}

// addPrimary joins the value of a flow.
func (j *joined) addPrimary(s *shape, f *flow, newest bool) {
	switch s.value {
	case decaying, distinct:
		in, out, varIn, varOut := f.in, f.out, f.varIn, f.varOut
		if s.agent { // the smaller part is the same traffic once more
			in, varIn = s.join(in, out, varIn, varOut)
			out, varOut = 0, 0
		}
		j.in += in
		j.out += out
		j.varIn += varIn
		j.varOut += varOut
	case averaged:
		n := j.samples + f.samples
		a, b := j.samples/n, f.samples/n
		j.in = a*j.in + b*f.in
		j.varIn = a*a*j.varIn + b*b*f.varIn
	default:
		if j.n == 0 || s.value == smallest && f.in < j.in || s.value == largest && f.in > j.in ||
			s.value == latest && newest {
			j.in = f.in
		}
	}
}

// addValues joins the further values of a flow. Counts of distinct values cannot be added up, since the same value
// may be seen at several places: the largest stands.
func (j *joined) addValues(s *shape, f *flow, newest bool) {
	if j.values == nil && len(s.values) > 0 {
		j.values = make([]parts, len(s.values))
	}
	for i, k := range s.values {
		p, at := f.value(s, i), &j.values[i]
		if k == decaying && s.agent { // the other part is the same traffic once more
			v, variance := s.joinValue(i, p, f.in, f.out)
			p = parts{in: v, varIn: variance}
		}
		switch {
		case k == decaying:
			*at = parts{at.in + p.in, at.out + p.out, at.varIn + p.varIn, at.varOut + p.varOut}
		case k == averaged:
			n := j.samples + f.samples
			a, b := j.samples/n, f.samples/n
			*at = parts{in: a*at.in + b*p.in, varIn: a*a*at.varIn + b*b*p.varIn}
		case j.n == 0, k == smallest && p.in < at.in, (k == largest || k == distinct) && p.in > at.in,
			k == latest && newest:
			*at = p
		}
	}
}

// finish returns what was joined, without the text of the key.
func (j *joined) finish(c *column) Active {
	s, f := c.shape, &j.best
	if j.mode == ModeMax {
		return f.active(s, j.n)
	}
	a := Active{
		Source: f.leaf.source, N: j.n, Samples: j.samples, Exact: !j.sampled, Last: j.last, encoded: f.cell.key,
	}
	in, out := j.in, j.out
	larger := j.mode == ModeEdge || j.mode == ModeCore
	a.Value = in + out
	variance := j.varIn + j.varOut
	if larger && s.value == decaying {
		a.Value, variance = in, j.varIn
		if out > in {
			a.Value, variance = out, j.varOut
		}
	}
	a.Error, a.NoError = math.Sqrt(variance), j.sampled && !s.value.estimable()
	for i, k := range s.values {
		p := j.values[i]
		v, variance := p.sum()
		switch {
		case !larger || k != decaying:
		case s.value != decaying:
			v, variance = p.side(p.out > p.in)
		default:
			v, variance = p.side(out > in)
		}
		a.Values = append(a.Values, v)
		a.Errors = append(a.Errors, k.stderr(variance, j.sampled))
	}
	if c.pooled(j.mode) {
		a.Source = schema.Source{}
	}
	return a
}

// active returns a flow of one place, without the text of its key.
func (f *flow) active(s *shape, n int) Active {
	v, variance := s.join(f.in, f.out, f.varIn, f.varOut)
	a := Active{
		Source: f.leaf.source, N: n, Value: v, Error: math.Sqrt(variance), Exact: !f.cell.sampled, Samples: f.samples,
		Last: f.cell.last, encoded: f.cell.key, NoError: f.cell.sampled && !s.value.estimable(),
	}
	if n := len(s.values); n > 0 {
		numbers := make([]float64, 2*n)
		a.Values, a.Errors = numbers[:n:n], numbers[n:]
		for i, k := range s.values {
			v, variance := s.joinValue(i, f.value(s, i), f.in, f.out)
			a.Values[i], a.Errors[i] = v, k.stderr(variance, f.cell.sampled)
		}
	}
	return a
}

func compareActive(a, b Active) int {
	return cmp.Or(cmp.Compare(b.Value, a.Value), compareSources(&a.Source, &b.Source),
		strings.Compare(a.encoded, b.encoded))
}

// keyText returns the text of an encoded key.
func keyText(encoded, fs string) string {
	return string(schema.AppendKeyText(make([]byte, 0, 64), []byte(encoded), fs))
}

// Value returns a flow of one place by the text of its key, decayed to the tick of the view. The place of a
// definition that is pooled network wide is the zero Source.
func (v *View) Value(def string, src schema.Source, key string) (a Active, ok bool) {
	c := v.column(def)
	if c == nil || c.shape == nil {
		return a, false
	}
	if c.pooled(ModeDefault.For(c.def)) && src == (schema.Source{}) {
		all, _ := v.Active(Query{Definition: def})
		i := slices.IndexFunc(all, func(a Active) bool { return a.Key == key })
		if i < 0 {
			return a, false
		}
		return all[i], true
	}
	l := c.find(src)
	if l == nil {
		return a, false
	}
	for _, a := range c.activeOf(l, v.at) {
		if a.Key == key {
			return a, true
		}
	}
	return a, false
}

// activeOf returns the flows of a leaf, largest first.
func (c *column) activeOf(l *leaf, at schema.Instant) []Active {
	out := make([]Active, 0, len(l.cells))
	for i := range l.cells {
		if f, alive := c.flow(l, i, at); alive {
			a := f.active(c.shape, 1)
			a.Key = keyText(a.encoded, c.def.FS)
			out = append(out, a)
		}
	}
	slices.SortFunc(out, compareActive)
	return out
}

// Locations returns every place that sees the flow of a key, largest first.
func (v *View) Locations(def, key string) ([]Active, error) {
	c, err := v.known(def)
	if err != nil || c.shape == nil {
		return nil, err
	}
	var out []Active
	c.all(func(l *leaf) bool {
		for _, a := range c.activeOf(l, v.at) {
			if a.Key == key {
				out = append(out, a)
			}
		}
		return true
	})
	slices.SortFunc(out, compareActive)
	return out, nil
}

// Sources calls yield for every place where a definition has flows at an instant (0: the tick of the view), in the
// order of sources, with the value of the largest one, its standard error, when the place was last touched, and the
// flows themselves, largest first. A definition that is pooled network wide has one place, the zero Source. yield
// owns top. It stops when yield returns false.
func (v *View) Sources(def string, at schema.Instant,
	yield func(src schema.Source, value, stderr float64, last schema.Instant, top []Active) bool) {
	c := v.column(def)
	if c == nil || c.shape == nil {
		return
	}
	at = cmp.Or(at, v.at)
	place := func(src schema.Source, top []Active) bool {
		if len(top) == 0 {
			return true
		}
		last := top[0].Last
		for i := range top {
			last = max(last, top[i].Last)
		}
		return yield(src, top[0].Value, top[0].Error, last, top)
	}
	if c.pooled(ModeDefault.For(c.def)) {
		top, _ := v.Active(Query{Definition: def, At: at})
		place(schema.Source{}, top)
		return
	}
	c.all(func(l *leaf) bool { return place(l.source, c.activeOf(l, at)) })
}

// pattern is a compiled Query.KeyFilter: a pattern for each key, "" for any.
type pattern struct {
	keys []string
	text []byte
}

func newPattern(filter, fs string) *pattern {
	if filter == "" {
		return &pattern{}
	}
	p := &pattern{keys: strings.Split(filter, fs)}
	for len(p.keys) > 0 && p.keys[len(p.keys)-1] == "" {
		p.keys = p.keys[:len(p.keys)-1]
	}
	return p
}

// matches tells whether an encoded key fits.
func (p *pattern) matches(encoded string) bool {
	rest := []byte(encoded)
	for _, want := range p.keys {
		v, after, ok := schema.NextKey(rest)
		if !ok {
			return false
		}
		rest = after
		if want == "" {
			continue
		}
		p.text = v.AppendText(p.text[:0])
		if !glob(want, string(p.text)) {
			return false
		}
	}
	return true
}

// glob tells whether text is what pattern says, where * stands for any text. It takes time in the product of both
// lengths at most.
func glob(pattern, text string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == text[j]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
