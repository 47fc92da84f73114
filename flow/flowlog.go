package flow

import (
	"math"
	"time"

	"weir/schema"
)

// The words of the log in the state of an entry, counted from plan.estimates. A total for each further value that is a
// rate, and its variance, come after them.
const (
	logStart    = iota // first traffic
	logEnd             // last traffic
	logOpened          // when the first record arrived; with FlowStart: when the flow was last logged
	logTotal           // amount, as bits of a float64
	logVariance        // of the amount, likewise; after each total, as gauge.total says
	logLink            // next entry + 1 in the wheel
	logWords
)

// idleTimeout is after how long without a record a flow is finished (spec sflow-rt 1.6). A flow that rests is at
// least as old as it rests, so the active timeout bounds this.
func (p *plan) idleTimeout() time.Duration {
	return min(max(2*time.Second, 2*seconds(p.def.T)), seconds(p.def.ActiveTimeout))
}

// logBefore finishes the flow that a record finds when it rested too long or is too old, and opens one.
func (p *plan) logBefore(t *Table, id uint32, e *entry, r *schema.Record, at schema.Instant) {
	s := p.cache.state(id)[p.estimates:]
	if !p.def.FlowStart && e.flags&flagOpen != 0 {
		old := at.Sub(schema.Instant(s[logOpened])) >= seconds(p.def.ActiveTimeout)
		if old || at.Sub(e.last) >= p.idleTimeout() {
			p.logFlow(t, e, p.cache.state(id))
		}
	}
	now := max(at, t.now)
	if p.def.FlowStart && e.flags&flagOpen != 0 && p.dead(e, now) && !p.retained(e, id, now) {
		clear(s) // it would have been swept by now, perhaps
		e.flags &^= flagOpen | flagLogged
	}
	if e.flags&flagOpen == 0 {
		e.flags |= flagOpen
		s[logOpened] = uint64(at)
		if p.def.FlowStart {
			s[logOpened] = 0 // never logged
		}
	}
	if s[logStart] == 0 {
		s[logStart] = uint64(orElse(min(r.Start, at), at))
	}
	s[logEnd] = max(s[logEnd], uint64(orElse(min(r.Last, at), at)))
}

// orElse returns i unless it is not known.
func orElse(i, unknown schema.Instant) schema.Instant {
	if i <= 0 {
		return unknown
	}
	return i
}

// logAfter adds what the record counts to the totals, and reports a flow at its start.
func (p *plan) logAfter(t *Table, id uint32, e *entry, r *schema.Record, at schema.Instant) {
	state := p.cache.state(id)
	s := state[p.estimates:]
	if p.value.kind == decaying {
		p.value.addTotal(state, &p.reading, r.Rate)
	}
	if r.Rate > 1 {
		e.flags |= flagLogged
	}
	for i := range p.values {
		if g := &p.values[i]; g.total >= 0 {
			g.addTotal(state, &p.readings[i], r.Rate)
		}
	}
	if !p.def.FlowStart {
		p.wheel.add(id, e, s, e.last.Add(p.idleTimeout()))
		return
	}
	if opened := schema.Instant(s[logOpened]); opened == 0 || at.Sub(opened) >= seconds(p.def.ActiveTimeout) {
		p.logFlow(t, e, state)
		e.flags |= flagOpen
		s[logOpened] = uint64(at)
	}
}

// addTotal adds a reading to the total of a value.
func (g *gauge) addTotal(state []uint64, read *reading, rate uint32) {
	addWord(&state[g.total], read.w)
	addWord(&state[g.total+1], read.variance(rate))
}

// logFlow hands over the record of a flow and makes its totals zero.
func (p *plan) logFlow(t *Table, e *entry, state []uint64) {
	s := state[p.estimates:]
	if len(t.logged) < t.limits.Log {
		r := Logged{
			Name: p.def.Name, Source: t.sources.list[p.pools[e.pool].source].source,
			Keys:  string(schema.AppendKeyText(nil, p.cache.keyOf(e), p.def.FS)),
			Start: schema.Instant(s[logStart]), End: schema.Instant(s[logEnd]), Exact: e.flags&flagLogged == 0,
		}
		p.logValues(&r, e, state)
		t.logged = append(t.logged, r)
	} else {
		t.logFull++
	}
	for i := range s {
		if i != logLink {
			s[i] = 0
		}
	}
	e.flags &^= flagOpen | flagLogged
}

// logValues gives the record of a flow its values: totals of rates, of others what they are.
func (p *plan) logValues(r *Logged, e *entry, state []uint64) {
	total := func(g *gauge) (v, variance float64) {
		return math.Float64frombits(state[g.total]), math.Float64frombits(state[g.total+1])
	}
	v, variance, _ := p.primary(e, state)
	if p.value.kind == decaying {
		v, variance = total(&p.value)
	}
	r.Value, r.Error = v, math.Sqrt(variance)
	r.NoError = !r.Exact && !p.value.kind.estimable()
	for i := range p.values {
		g := &p.values[i]
		part, _ := p.further(g, e, state)
		v, variance := part.in, part.varIn
		if g.total >= 0 {
			v, variance = total(g)
		}
		r.Values = append(r.Values, v)
		r.Errors = append(r.Errors, g.kind.stderr(variance, !r.Exact))
	}
}

// finishIdle logs the flows that have rested too long at an instant.
func (p *plan) finishIdle(t *Table, at schema.Instant) {
	idle := p.idleTimeout()
	p.wheel.advance(&p.cache, p.estimates, at, func(id uint32, e *entry) (deadline schema.Instant, again bool) {
		if e.flags&flagOpen == 0 {
			return 0, false
		}
		if deadline = e.last.Add(idle); deadline > at {
			return deadline, true
		}
		p.logFlow(t, e, p.cache.state(id))
		return 0, false
	})
}

// finishAll logs every open flow: the definition goes away.
func (p *plan) finishAll(t *Table) {
	if p.wheel == nil || p.def.FlowStart {
		return
	}
	for id := range p.cache.used {
		if e := p.cache.entry(id); e.flags&flagOpen != 0 {
			p.logFlow(t, e, p.cache.state(id))
		}
	}
}

const wheelSlots = 256

// wheel finds the open flows whose deadline has come without looking at the others: lists of entries by deadline, in
// steps of time. A record that moves a deadline does not move its entry; whoever finds an entry too early puts it back.
type wheel struct {
	step  schema.Instant
	done  int64              // every step before this one is empty, but for deadlines a whole turn ahead
	slots [wheelSlots]uint32 // entry + 1
}

func newWheel(idle time.Duration, at schema.Instant) *wheel {
	step := schema.Instant(max(20*time.Millisecond, idle/64))
	return &wheel{step: step, done: int64(at / step)}
}

// add puts an entry into the wheel unless it is there. s is its state from the words of the log on.
func (w *wheel) add(id uint32, e *entry, s []uint64, deadline schema.Instant) {
	if e.flags&flagLinked != 0 {
		return
	}
	e.flags |= flagLinked
	slot := &w.slots[max(int64(deadline/w.step), w.done)%wheelSlots]
	s[logLink] = uint64(*slot)
	*slot = id + 1
}

// advance calls due for the entries of all steps up to an instant and puts back those that want it.
func (w *wheel) advance(c *cache, logAt int, at schema.Instant, due func(uint32, *entry) (schema.Instant, bool)) {
	from, to := w.done, max(w.done, int64(at/w.step))
	if to-from >= wheelSlots {
		from = to - wheelSlots + 1
	}
	w.done = to
	for step := from; step <= to; step++ {
		next := w.slots[step%wheelSlots]
		w.slots[step%wheelSlots] = 0
		for next != 0 {
			id := next - 1
			e, s := c.entry(id), c.state(id)[logAt:]
			next = uint32(s[logLink])
			e.flags &^= flagLinked
			s[logLink] = 0
			if deadline, again := due(id, e); again {
				w.add(id, e, s, deadline)
			}
		}
	}
}
