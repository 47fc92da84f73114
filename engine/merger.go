package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/wire"
)

// merger joins what the lanes say at each tick into a view and a harvest.
type merger struct {
	engine *Engine
	inbox  chan *partial
	watch  *event.Watch // of flows that are pooled network wide
	state  *State
	ticks  map[uint64][]*partial
	latest []*partial // by lane: the newest one, for what is not sent with every tick

	mu        sync.Mutex
	followers []*follower
	closed    bool
	published chan struct{} // closed and replaced with every view
}

func newMerger(e *Engine) *merger {
	m := &merger{
		engine: e, inbox: make(chan *partial, 8*e.config.Lanes), state: &State{},
		ticks: map[uint64][]*partial{}, latest: make([]*partial, e.config.Lanes), published: make(chan struct{}),
	}
	m.watch = event.NewWatch(event.Limits{})
	return m
}

func (m *merger) run() {
	for p := range m.inbox {
		seq := p.tick.Seq
		m.ticks[seq] = append(m.ticks[seq], p)
		if len(m.ticks[seq]) == m.engine.config.Lanes {
			m.merge(m.ticks[seq])
			delete(m.ticks, seq)
		}
	}
	// The engine has stopped, perhaps in the middle of a tick that not all lanes got.
	for _, seq := range slices.Sorted(maps.Keys(m.ticks)) {
		m.merge(m.ticks[seq])
	}
	m.engine.books.inbox <- &dues{tick: Tick{Seq: m.engine.View().Seq, At: m.engine.View().At, state: m.state}, last: true}
	close(m.engine.books.inbox)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, f := range m.followers {
		close(f.to)
	}
}

// merge publishes the view of one tick.
func (m *merger) merge(parts []*partial) {
	slices.SortFunc(parts, func(a, b *partial) int { return cmp.Compare(a.lane, b.lane) })
	prev, t := m.engine.View(), parts[0].tick
	v := &View{
		Seq: t.Seq, At: t.At, State: t.state, LogMissed: prev.LogMissed, DistinctFull: prev.DistinctFull,
	}
	flows, metrics := make([]*flow.Partial, len(parts)), make([]*metric.Partial, len(parts))
	sightings := make([][]flow.Sighting, len(parts))
	h, fresh := &Harvest{Tick: t, View: v}, false
	due := &dues{tick: t}
	for i, p := range parts {
		flows[i], metrics[i], sightings[i] = p.flow, p.metric, p.seen
		h.Events, h.Ended = append(h.Events, p.begun...), append(h.Ended, p.ended...)
		v.Latched = append(v.Latched, p.latched)
		h.Wanted = append(h.Wanted, p.wanted...)
		v.take(p, h)
		due.take(p)
		m.latest[p.lane] = m.keep(p)
		fresh = fresh || p.exporters != nil
	}
	v.Flow = flow.Merge(prev.Flow, t.At, t.state.Flows, flows, v.Side)
	v.Metric = metric.Merge(prev.Metric, t.At, metrics)
	v.Seen = flow.MergeSeen(prev.Seen, sightings...)
	if fresh || prev.Seq == 0 {
		m.exporters(v)
	} else {
		v.Exporters, v.Unknown = prev.Exporters, prev.Unknown
	}
	m.pooled(v, h)
	h.Flows, h.Events = m.engine.logs.add(flows, h.Events, h.Ended)
	m.learn(t.At, parts)
	m.publish(h)
	due.flows, due.events = h.Flows, h.Ended
	m.engine.books.inbox <- due
}

// keep returns what later ticks need of a lane's partial.
func (m *merger) keep(p *partial) *partial {
	if old := m.latest[p.lane]; p.exporters == nil && old != nil {
		return old
	}
	return &partial{exporters: p.exporters, unknown: p.unknown}
}

// take adds the plain sums of a lane's partial to a view.
func (v *View) take(p *partial, h *Harvest) {
	v.Books.Add(p.books)
	v.Counts = append(v.Counts, p.counts)
	v.LogMissed += p.flow.LogFull
	v.DistinctFull += p.flow.DistinctFull
	v.FlowKeys += p.flow.Keys
	v.FlowBytes += p.flow.Bytes
	for _, s := range p.missing {
		if !slices.Contains(h.Missing, s) {
			h.Missing = append(h.Missing, s)
		}
	}
	if p.failed != nil {
		v.Failed = p.failed
	}
}

func (m *merger) exporters(v *View) {
	unknown := map[schema.Tag]uint64{}
	for _, p := range m.latest {
		if p == nil {
			continue
		}
		v.Exporters = append(v.Exporters, p.exporters...)
		for _, u := range p.unknown {
			unknown[u.Tag] += u.Count
		}
	}
	sortExporters(v.Exporters)
	for _, tag := range slices.Sorted(maps.Keys(unknown)) {
		v.Unknown = append(v.Unknown, wire.UnknownCount{Tag: tag, Count: unknown[tag]})
	}
}

// pooled checks thresholds on flows that are pooled network wide: no lane sees all of such a flow.
func (m *merger) pooled(v *View, h *Harvest) {
	if !same(m.state.Flows, v.State.Flows) || !same(m.state.Thresholds, v.State.Thresholds) {
		m.watch.Apply(v.At, pooledThresholds(v.State))
	}
	m.state = v.State
	values := map[string]float64{} // by definition, NUL and key
	for name := range m.watch.Names() {
		d := v.State.Flow(name)
		v.Flow.Sources(name, v.At, func(src schema.Source, _, _ float64, _ schema.Instant, top []flow.Active) bool {
			for i := range top {
				a := &top[i]
				text := schema.Value{Type: schema.Text, B: []byte(a.Key)}
				key := text.AppendKey(nil)
				values[name+"\x00"+string(key)] = a.Value
				values[name] = max(values[name], a.Value)
				p := event.Point{
					At: v.At, Metric: name, Source: src, Key: key, HasKey: true, Separator: d.FS, Value: a.Value,
					Error: a.Error,
				}
				if len(a.Values) > 0 {
					p.Values = func(dst []float64) []float64 { return append(dst, a.Values...) }
				}
				m.watch.Check(&p)
			}
			return true
		})
	}
	m.watch.Sweep(v.At, func(name string, _ schema.Source, key []byte, hasKey bool) (float64, bool) {
		if hasKey {
			name += "\x00" + string(key)
		}
		x, ok := values[name]
		return x, ok
	})
	begun, ended := m.watch.Take()
	h.Events, h.Ended = append(h.Events, begun...), append(h.Ended, ended...)
	v.Latched = append(v.Latched, m.watch.Latched())
}

func pooledThresholds(s *State) (out []*event.Threshold) {
	for _, th := range s.Thresholds {
		if d := s.Flow(th.Metric); d != nil && (d.AggMode == "edge" || d.AggMode == "core") {
			out = append(out, th)
		}
	}
	return out
}

// learn lets what lanes learned from telemetry ride on a later tick.
func (m *merger) learn(at schema.Instant, parts []*partial) {
	var lessons []*enrich.Learned
	for _, p := range parts {
		if p.learned != nil {
			lessons = append(lessons, p.learned)
		}
	}
	if len(lessons) > 0 {
		// It cannot fail: names from telemetry are taken or, past a cap, refused and counted.
		_ = m.engine.Do(learned{at, lessons})
	}
}

func (m *merger) publish(h *Harvest) {
	e := m.engine
	e.view.Store(h.View)
	if len(h.Flows)+len(h.Events) > 0 {
		e.logs.wake()
	}
	m.mu.Lock()
	followers := m.followers
	close(m.published)
	m.published = make(chan struct{})
	m.mu.Unlock()
	for _, f := range followers {
		f.send(h, e.config.Replay)
	}
}

// wait returns when the view of tick seq is published.
func (m *merger) wait(ctx context.Context, seq uint64) error {
	for {
		m.mu.Lock()
		published := m.published
		m.mu.Unlock()
		if m.engine.View().Seq >= seq {
			return nil
		}
		select {
		case <-published:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.engine.stop:
			return ErrStopped
		}
	}
}
