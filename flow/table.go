package flow

import (
	"fmt"
	"hash/maphash"
	"math"

	"weir/schema"
)

// Hit is the new value of a flow of a watched definition. It and what it refers to live until the callback returns.
type Hit struct {
	Definition *Definition
	Source     schema.Source // of the pool: the datasource, or the exporter alone for the mode AGENT
	Key        []byte        // encoded by schema.Value.AppendKey; borrowed from the table
	At         schema.Instant
	Value      float64 // per second, or as the modifier says
	Error      float64 // standard error of Value; 0 when exact
	// Values appends the further values of the flow to dst.
	Values func(dst []float64) []float64
}

// Table holds the active flows of one lane. One goroutine.
type Table struct {
	compiler *schema.Compiler
	limits   Limits
	seed     maphash.Seed
	now      schema.Instant // the last tick
	all      []*plan        // in force, in the order of definition
	packets  []*plan        // fed from everything but discards
	frames   []*plan        // of packets, those that have to see every captured frame
	discards []*plan
	byName   map[string]*plan
	sources  sources
	keys     int // flows of all plans
	pools    int
	distinct int // bytes that sets may still take
	key      []byte

	logged                []Logged
	logFull, distinctFull uint64

	watch map[string]bool
	onHit func(*Hit)
	hit   Hit
	// The flow of the hit at hand.
	hitPlan  *plan
	hitEntry uint32
}

// NewTable returns an empty table that compiles definitions with c.
func NewTable(c *schema.Compiler, l Limits) *Table {
	t := &Table{compiler: c, limits: l.withDefaults(), seed: maphash.MakeSeed(), byName: map[string]*plan{}}
	t.sources = sources{ids: map[schema.Source]uint32{}, limit: t.limits.Sources}
	t.distinct = t.limits.DistinctBytes
	t.hit.Values = t.appendHitValues
	return t
}

// Apply puts definitions in force from now on, instead of all earlier ones. One that equals one in force keeps its
// flows; the memory of others is given back, and their unfinished log records are finished. On an error (the first
// definition that does not compile, a name twice, too many) nothing changes. Definitions must be complete. Call Merge
// with the same defs at the same tick.
func (t *Table) Apply(at schema.Instant, defs []*Definition) error {
	if len(defs) > t.limits.Definitions {
		return fmt.Errorf("%d flow definitions; %d is the most: remove some or raise the limit",
			len(defs), t.limits.Definitions)
	}
	all, byName := make([]*plan, 0, len(defs)), make(map[string]*plan, len(defs))
	for _, d := range defs {
		if byName[d.Name] != nil {
			return fmt.Errorf("flow definition %q: the name is there twice", d.Name)
		}
		p := t.byName[d.Name]
		if p == nil || !p.def.Equal(d) {
			var err error
			if p, err = t.newPlan(at, d); err != nil {
				return fmt.Errorf("flow definition %q: %w", d.Name, err)
			}
		}
		byName[d.Name] = p
		all = append(all, p)
	}
	for _, p := range t.all {
		if byName[p.def.Name] != p {
			t.drop(p)
		}
	}
	t.all, t.byName = all, byName
	t.packets, t.frames, t.discards = nil, nil, nil
	for i, p := range all {
		p.def = defs[i]
		if p.def.Dropped {
			t.discards = append(t.discards, p)
		} else {
			t.packets = append(t.packets, p)
			if !p.gathered {
				t.frames = append(t.frames, p)
			}
		}
	}
	t.now = max(t.now, at)
	t.Watch(t.watch, t.onHit)
	return nil
}

func (t *Table) newPlan(at schema.Instant, d *Definition) (*plan, error) {
	p, err := compile(t.compiler, d)
	if err != nil {
		return nil, err
	}
	p.cache.seed = t.seed
	p.sets.budget = &t.distinct
	p.since, p.second = at, at/1e9
	p.window = p.shape.generation(at)
	if d.Log {
		p.wheel = newWheel(p.idleTimeout(), at)
	}
	return p, nil
}

// drop gives back everything that a plan holds.
func (t *Table) drop(p *plan) {
	p.finishAll(t)
	t.keys -= p.cache.live
	if p.holdsSets() {
		for id := range p.cache.used {
			if p.cache.entry(id).flags&flagLive != 0 {
				p.releaseSets(p.cache.state(id))
			}
		}
	}
	for i := range p.pools {
		if p.pools[i].live {
			p.dropPool(t, uint32(i))
		}
	}
}

// Watch sets for which definitions hit is called during Observe, with the new value of the flow that a record changed.
// Definitions that are pooled network wide (edge, core) never hit: ask the View for them. nil names: nobody watches.
func (t *Table) Watch(names map[string]bool, hit func(*Hit)) {
	t.watch, t.onHit = names, hit
	for _, p := range t.all {
		p.watched = hit != nil && names[p.def.Name] && !p.def.Pooled()
	}
}

// Observe counts a record in every definition. It allocates nothing once the flows it touches exist.
func (t *Table) Observe(r *schema.Record) {
	plans := t.packets
	if r.Kind == schema.KindDiscard {
		plans = t.discards
	}
	for _, p := range plans {
		p.books.Observed++
		*t.observe(p, r)++
	}
}

// observe counts a record in one definition and returns the counter that says what became of it.
func (t *Table) observe(p *plan, r *schema.Record) *uint64 {
	b := &p.books
	if p.filter != nil && !p.filter(r) {
		return &b.Filtered
	}
	key, ok := p.keys.Append(t.key[:0], r)
	t.key = key[:0]
	switch {
	case !ok:
		return &b.NullKey
	case !p.read(r):
		return &b.NullValue
	case len(key) > t.limits.KeyBytes:
		return &b.KeyTooLong
	}
	pool, ok := p.poolOf(t, r)
	if !ok {
		return &b.SourcesFull
	}
	hash := p.cache.hash(pool, key)
	id, ok := p.cache.find(hash, pool, key)
	if !ok {
		if t.keys >= t.limits.Keys {
			return &b.KeysFull
		}
		id = p.cache.insert(hash, pool, key)
		p.pools[pool].flows++
		t.keys++
	}
	at := r.At
	if at <= 0 {
		at = t.now
	}
	e := p.cache.entry(id)
	p.touch(t, id, e, r, at)
	if p.watched {
		t.report(p, id, e)
	}
	return &b.Counted
}

// report calls the watcher with the new value of an entry.
func (t *Table) report(p *plan, id uint32, e *entry) {
	v, variance, ok := p.primary(e, p.cache.state(id))
	if !ok {
		return
	}
	t.hitPlan, t.hitEntry = p, id
	h := &t.hit
	h.Definition, h.Key, h.At = p.def, p.cache.keyOf(e), e.last
	h.Source = t.sources.list[p.pools[e.pool].source].source
	h.Value, h.Error = v, math.Sqrt(variance)
	t.onHit(h)
}

func (t *Table) appendHitValues(dst []float64) []float64 {
	p := t.hitPlan
	return p.appendValues(dst, p.cache.entry(t.hitEntry), p.cache.state(t.hitEntry))
}

// place returns the number of the datasource of a record, or of its exporter.
func (t *Table) place(r *schema.Record, exporter bool) (uint32, bool) {
	if exporter {
		return t.sources.exporter(&r.Source)
	}
	return t.sources.datasource(&r.Source)
}

// Now returns the value of a flow decayed to at, the largest of the pool when key is nil (an empty key is the key of a
// definition without keys). ok is false when there is no such flow.
func (t *Table) Now(def string, src schema.Source, key []byte, at schema.Instant) (v float64, ok bool) {
	p := t.byName[def]
	if p == nil {
		return 0, false
	}
	n, ok := t.sources.ids[src]
	if !ok || int(n) >= len(p.bySource) || p.bySource[n] == 0 {
		return 0, false
	}
	pool := p.bySource[n] - 1
	if key != nil {
		id, ok := p.cache.find(p.cache.hash(pool, key), pool, key)
		if !ok {
			return 0, false
		}
		return p.valueAt(id, at)
	}
	ok = false
	for _, s := range p.pools[pool].heap {
		if w, alive := p.valueAt(s.id, at); alive && (!ok || w > v) {
			v, ok = w, true
		}
	}
	return v, ok
}

// valueAt returns the value of an entry decayed to an instant; ok is false when it has faded away.
func (p *plan) valueAt(id uint32, at schema.Instant) (float64, bool) {
	e, state := p.cache.entry(id), p.cache.state(id)
	if p.dead(e, at) {
		return 0, false
	}
	if p.value.kind.windowed() {
		p.turn(&p.value, state[p.value.at:], p.shape.generation(at))
	}
	v, _, ok := p.primary(e, state)
	if p.value.kind == decaying {
		v *= p.shape.fade(max(0, at-e.last))
	}
	return v, ok
}

// Advance is called at every tick: it finishes idle flows, forgets decayed ones, and reports what changed since the
// last tick.
func (t *Table) Advance(at schema.Instant) *Partial {
	t.now = max(t.now, at)
	part := &Partial{At: at}
	for _, p := range t.all {
		if c, ok := p.advance(t, at); ok {
			part.columns = append(part.columns, c)
		}
		part.Bytes += p.cache.bytes() + p.sets.arena.size()
	}
	part.Logged, part.LogFull, part.DistinctFull = t.logged, t.logFull, t.distinctFull
	t.logged, t.logFull, t.distinctFull = nil, 0, 0
	part.Keys, part.Sources = t.keys, len(t.sources.ids)
	return part
}
