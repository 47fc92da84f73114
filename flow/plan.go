package flow

import (
	"math"
	"slices"

	"weir/schema"
)

// forgotten is below how many decayed observations a flow has disappeared (spec sflow-rt 1.5: below 1e-6 of one
// sample).
const forgotten = 1e-6

// lifetime is after how many time constants a flow of one observation is forgotten: -ln(1e-6). With more it takes
// longer.
const lifetime = 13.815510557964274

// plan is a compiled definition with its flows, in one lane.
type plan struct {
	def      *Definition
	shape    *shape
	keys     *schema.Keys
	filter   schema.Filter
	value    gauge
	values   []gauge
	reading  reading   // of value, from the record at hand
	readings []reading // of values
	cache    cache
	sets     sets
	// estimates is how many words of an entry's state belong to the values; those of the log come after them.
	estimates int
	watched   bool
	gathered  bool           // frames of a session may be counted together; see Table.ObserveGathered
	since     schema.Instant // ranks count from here, so that they stay small
	books     Books          // since the last tick

	pools     []pool
	freePools []uint32
	bySource  []uint32 // by source of the table: pool + 1
	dirty     []uint32 // pools whose largest flows changed since the last tick
	rescan    bool     // some pool needs one
	cursor    uint32   // where the sweep goes on
	window    uint64   // generation of the last tick
	second    schema.Instant
	wheel     *wheel
}

// read reads all values of a record.
func (p *plan) read(r *schema.Record) bool {
	if !p.value.read(r, &p.reading) {
		return false
	}
	for i := range p.values {
		if !p.values[i].read(r, &p.readings[i]) {
			return false
		}
	}
	return true
}

// touch counts the record that was read in an entry. Late records count as much less as the entry has faded since.
func (p *plan) touch(t *Table, id uint32, e *entry, r *schema.Record, at schema.Instant) {
	state := p.cache.state(id)
	if p.wheel != nil {
		p.logBefore(t, id, e, r, at)
	}
	in := arrival{at: at, weight: 1, rate: r.Rate, egress: r.Direction == schema.Egress}
	anew := p.dead(e, max(at, t.now)) // the sweep may have been here, or not
	if anew {
		p.forget(e, state)
	}
	switch {
	case e.samples == 0:
		e.last = at
	case at > e.last:
		p.decay(e, state, p.shape.fade(at-e.last))
		e.last = at
	default:
		in.weight = p.shape.fade(e.last - at)
	}
	if r.Tally != nil {
		e.samples += in.weight * float64(r.Packets) // the frames that a session gathered
	} else {
		e.samples += in.weight
	}
	if r.Rate > 1 {
		e.flags |= flagSampled
	}
	p.addValue(t, e, state, &in)
	for i := range p.values {
		p.addState(t, &p.values[i], &p.readings[i], e, state, &in)
	}
	if p.wheel != nil {
		p.logAfter(t, id, e, r, at)
	}
	p.rerank(id, e, anew)
}

// arrival is how a record counts in an entry.
type arrival struct {
	at     schema.Instant
	weight float64 // 1, less when it is late
	rate   uint32  // it stands for one in so many
	egress bool
}

// decay multiplies everything in an entry that fades by d.
func (p *plan) decay(e *entry, state []uint64, d float64) {
	e.in *= d
	e.out *= d
	e.samples *= d
	e.varOut *= d * d
	if p.value.kind == averaged {
		e.varIn *= d
	} else {
		e.varIn *= d * d
	}
	for i := range p.values {
		switch g := &p.values[i]; g.kind {
		case decaying:
			fadeWord(&state[g.at], d)
			fadeWord(&state[g.at+1], d)
			fadeWord(&state[g.at+2], d*d)
			fadeWord(&state[g.at+3], d*d)
		case averaged:
			fadeWord(&state[g.at], d)
			fadeWord(&state[g.at+1], d)
			fadeWord(&state[g.at+2], d*d)
		}
	}
}

func fadeWord(w *uint64, d float64) { *w = math.Float64bits(math.Float64frombits(*w) * d) }

func addWord(w *uint64, v float64) { *w = math.Float64bits(math.Float64frombits(*w) + v) }

// forget makes an entry as if it were new, but for the log.
func (p *plan) forget(e *entry, state []uint64) {
	e.in, e.out, e.varIn, e.varOut, e.samples = 0, 0, 0, 0, 0
	e.flags &^= flagSampled
	p.releaseSets(state)
	clear(state[:p.estimates])
}

// holdsSets tells whether entries of the plan refer to sets.
func (p *plan) holdsSets() bool {
	return p.value.kind == distinct || slices.Contains(p.shape.values, distinct)
}

// releaseSets gives back the sets that the state of an entry refers to.
func (p *plan) releaseSets(state []uint64) {
	if p.value.kind == distinct {
		p.releasePair(state[p.value.at:])
	}
	for i := range p.values {
		if g := &p.values[i]; g.kind == distinct {
			p.releasePair(state[g.at:])
		}
	}
}

func (p *plan) releasePair(state []uint64) {
	p.sets.release(set(state[1]))
	p.sets.release(set(state[2]))
	state[1], state[2] = 0, 0
}

// addValue counts the reading of the value in an entry that has decayed to now.
func (p *plan) addValue(t *Table, e *entry, state []uint64, in *arrival) {
	w := p.reading.w
	switch p.value.kind {
	case decaying:
		w *= p.shape.perSec * in.weight
		q := (&reading{w: w, k: p.reading.k}).variance(in.rate)
		if in.egress {
			e.out += w
			e.varOut += q
		} else {
			e.in += w
			e.varIn += q
		}
	case averaged:
		e.in += w * in.weight
		e.varIn += w * w * in.weight
		e.varOut += in.weight * in.weight
	default:
		p.addState(t, &p.value, &p.reading, e, state, in)
	}
}

// addState counts a reading in the words of a value.
func (p *plan) addState(t *Table, g *gauge, read *reading, e *entry, state []uint64, in *arrival) {
	s := state[g.at:]
	switch g.kind {
	case decaying:
		if in.egress {
			s = s[1:]
		}
		w := read.w * (p.shape.perSec * in.weight)
		addWord(&s[0], w)
		addWord(&s[2], (&reading{w: w, k: read.k}).variance(in.rate))
	case averaged:
		addWord(&s[0], read.w*in.weight)
		addWord(&s[1], read.w*read.w*in.weight)
		addWord(&s[2], in.weight*in.weight)
	case latest:
		if in.weight == 1 {
			s[0] = math.Float64bits(read.w)
		}
	default:
		now := p.shape.generation(max(e.last, t.now))
		p.turn(g, s, now)
		switch late := now - p.shape.generation(in.at); {
		case late == 0:
			p.addWindow(t, g, &s[2], read)
			fallthrough
		case late == 1:
			p.addWindow(t, g, &s[1], read)
		}
	}
}

// addWindow counts a reading in one window.
func (p *plan) addWindow(t *Table, g *gauge, word *uint64, read *reading) {
	if g.kind != distinct {
		widen(g.kind, word, read.w)
		return
	}
	u, ok := p.sets.add(set(*word), read.hash)
	*word = uint64(u)
	if !ok {
		t.distinctFull++
	}
}

// widen makes an extreme include v. Words of 0 are empty: extremes are kept as the bits of the value, inverted.
func widen(k kind, word *uint64, v float64) {
	if *word != 0 {
		old := math.Float64frombits(^*word)
		if k == smallest && old <= v || k == largest && old >= v {
			return
		}
	}
	*word = ^math.Float64bits(v)
}

// turn moves the windows of a value on to a generation. The state is: generation, what counts (that generation and
// the one before), what was seen in that generation.
func (p *plan) turn(g *gauge, s []uint64, generation uint64) {
	if generation <= s[0] {
		return
	}
	keep := generation == s[0]+1
	if g.kind == distinct {
		p.sets.release(set(s[1]))
		if !keep {
			p.sets.release(set(s[2]))
		}
	}
	s[1] = 0
	if keep {
		s[1] = s[2]
	}
	s[0], s[2] = generation, 0
}

// primary returns the value of an entry as of its last record (of a windowed value: as of its generation), and its
// variance. ok is false when the window has nothing.
func (p *plan) primary(e *entry, state []uint64) (v, variance float64, ok bool) {
	switch p.value.kind {
	case decaying:
		v, variance = p.shape.join(e.in, e.out, e.varIn, e.varOut)
		return v, variance, true
	case averaged:
		v, variance = e.average(e.in, e.varIn, e.varOut)
		return v, variance, true
	}
	part, ok := p.further(&p.value, e, state)
	return part.in, 0, ok
}

// average returns the average of a decayed sum, and its variance from the decayed sum of squares and the sum of the
// squared weights.
func (e *entry) average(sum, squares, weights float64) (v, variance float64) {
	v = sum / e.samples
	if e.flags&flagSampled != 0 {
		variance = max(0, squares/e.samples-v*v) * weights / (e.samples * e.samples)
	}
	return v, variance
}

// join makes one of the parts seen at ingress and at egress.
func (s *shape) join(in, out, varIn, varOut float64) (v, variance float64) {
	switch {
	case !s.agent:
		return in + out, varIn + varOut
	case in >= out:
		return in, varIn
	}
	return out, varOut
}

// further returns a value from the words of an entry; ok is false when the window has nothing.
func (p *plan) further(g *gauge, e *entry, state []uint64) (v parts, ok bool) {
	s := state[g.at:]
	word := func(i int) float64 { return math.Float64frombits(s[i]) }
	switch g.kind {
	case decaying:
		return parts{word(0), word(1), word(2), word(3)}, true
	case averaged:
		v.in, v.varIn = e.average(word(0), word(1), word(2))
		return v, true
	case latest:
		return parts{in: word(0)}, true
	case distinct:
		return parts{in: p.sets.estimate(set(s[1]))}, s[1] != 0
	}
	if s[1] == 0 {
		return parts{}, false
	}
	return parts{in: math.Float64frombits(^s[1])}, true
}

// appendValues appends the further values of an entry to dst.
func (p *plan) appendValues(dst []float64, e *entry, state []uint64) []float64 {
	for i := range p.values {
		part, _ := p.further(&p.values[i], e, state)
		v, _ := p.shape.joinValue(i, part, e.in, e.out)
		dst = append(dst, v)
	}
	return dst
}

// joinValue makes one of the parts of further value i, taking the part that the value of the flow was taken of.
func (s *shape) joinValue(i int, p parts, flowIn, flowOut float64) (v, variance float64) {
	switch {
	case s.values[i] != decaying:
		return p.in, p.varIn
	case !s.agent:
		return p.sum()
	case s.value != decaying:
		return p.side(p.out > p.in)
	}
	return p.side(flowOut > flowIn)
}

// dead tells whether an entry has faded away at an instant.
func (p *plan) dead(e *entry, at schema.Instant) bool {
	d := float64(at-e.last) * p.shape.perNano
	return d > lifetime && e.samples*math.Exp(-d) < forgotten
}
