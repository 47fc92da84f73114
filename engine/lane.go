package engine

import (
	"sync"

	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/meter"
	"weir/metric"
	"weir/schema"
	"weir/session"
	"weir/wire"
)

// lane is one goroutine that owns all state of its exporters.
type lane struct {
	number int
	engine *Engine
	inbox  chan message

	state   *State
	decoder *wire.Decoder
	enrich  *enrich.Lane
	flow    *flow.Table
	seen    *flow.Seen
	metric  *metric.Table
	// sessions gathers captured frames; what it gathered goes to flow and board at the tick.
	sessions *session.Table
	board    *meter.Board
	spent    sync.Pool // of *meter.Page: what the bookkeeper has done with, back to the lane that it came from
	watch    *event.Watch
	filters  map[*event.Threshold]*metric.Filter
	point    event.Point // the value in hand
	last     Tick
	counts   Counts
	final    bool  // the engine stops: nothing comes after this
	failed   error // definitions that a lane could not take though the check passed: a bug, shown in the view

	onRecord   func(*schema.Record)
	onGathered func(*schema.Record)
	onReading  func(*schema.Reading)
	onEdge     func(session.Edge)
	matches    func(*event.Threshold, schema.Source) bool
}

// partial is what one lane has to say at a tick.
type partial struct {
	tick      Tick
	lane      int
	flow      *flow.Partial
	metric    *metric.Partial
	begun     []event.Event
	ended     []event.Event
	latched   *event.Latched
	seen      []flow.Sighting
	learned   *enrich.Learned
	wanted    []schema.Addr
	missing   []enrich.Source
	exporters []wire.Exporter // nil when not due
	unknown   []wire.UnknownCount
	books     wire.Books
	counts    Counts
	failed    error
	sessions  *session.Partial
	pages     []*meter.Page
}

// Counts are what a lane's rooms had to give up or hold, since the start.
type Counts struct {
	Enrich  enrich.Counts
	Metric  metric.Counts
	Sources int    // datasources with metrics
	Refused uint64 // crossings that made no event because too many thresholds were crossed
	// Sessions are those that the lane holds now, SessionBytes what they take.
	Sessions, SessionBytes int
	// Meter is what became of the records that the counter groups got.
	Meter meter.BoardCounts
	// Ended, Early, Lost and Twice count sessions since the start; see session.Partial.
	New, Ended, Early, Lost, Twice uint64
}

// exportersEvery is how many ticks pass between two looks at the exporters' books.
const exportersEvery = 10

func newLane(number int, e *Engine) *lane {
	l := &lane{
		number: number, engine: e, inbox: make(chan message, e.config.Inbox), state: &State{World: e.state.World},
		decoder: wire.NewDecoder(e.config.Wire), enrich: enrich.New(e.state.World),
		metric: metric.NewTable(e.config.Metric),
	}
	c := l.engine.compiler(l.enrich)
	l.flow = flow.NewTable(c, e.config.Flow)
	l.seen = flow.NewSeen(c.Fields())
	l.sessions, l.board = session.NewTable(e.state.Sessions), meter.NewBoard(e.compiler(l.enrich))
	l.watch = event.NewWatch(event.Limits{})
	l.decoder.PortLabel = l.enrich.PortLabel
	l.decoder.Adapter = func(src schema.Source, mac []byte) { l.enrich.Adapter(src, enrich.MAC(mac)) }
	l.onRecord, l.onReading, l.matches = l.record, l.reading, l.match
	l.onGathered, l.onEdge = l.gathered, l.edge
	return l
}

// run works until the engine stops and its inbox is empty, then closes the past one last time.
func (l *lane) run() {
	for {
		select {
		case m := <-l.inbox:
			l.take(m)
		case <-l.engine.stop:
			for {
				select {
				case m := <-l.inbox:
					l.take(m)
					continue
				default:
				}
				l.end()
				return
			}
		}
	}
}

func (l *lane) take(m message) {
	switch {
	case m.question != nil:
		m.question.ask(l)
		close(m.question.done)
		return
	case m.parcel == nil:
		l.close(m.tick)
		return
	}
	for i := range m.parcel.Datagrams {
		l.decoder.Decode(&m.parcel.Datagrams[i], l.onRecord, l.onReading)
	}
	l.engine.recycle(m.parcel)
}

// record is the inner loop of the house.
func (l *lane) record(r *schema.Record) {
	l.seen.Observe(r)
	l.enrich.Observe(r)
	if !l.engine.config.NoSessions && l.sessions.Observe(r) {
		l.flow.ObserveFrame(r)
		return
	}
	l.flow.Observe(r)
	l.board.Observe(r)
}

// gathered takes what the frames of a session were since the last tick.
func (l *lane) gathered(r *schema.Record) {
	l.flow.ObserveGathered(r)
	l.board.Observe(r)
}

// edge tells the counter groups that a session began or ended.
func (l *lane) edge(e session.Edge) {
	l.board.Session(meter.SessionEdge{
		At: e.At, A: e.A, Z: e.Z, APort: e.APort, ZPort: e.ZPort, Proto: e.Proto, IPv: e.IPv, Delta: e.Delta,
	})
}

func (l *lane) reading(r *schema.Reading) {
	l.metric.Read(r)
	l.enrich.Reading(r)
}

// close ends the past at a tick and tells the merger what it was.
func (l *lane) close(t Tick) { l.engine.merger.inbox <- l.harvest(t) }

// end closes the past one last time: flows that are still going on are logged as far as they came.
func (l *lane) end() {
	l.final = true
	p := l.harvest(Tick{Seq: l.last.Seq + 1, At: l.last.At + 1, state: l.state})
	if l.flow.Apply(p.tick.At, nil) == nil {
		rest := l.flow.Advance(p.tick.At)
		p.flow.Logged = append(p.flow.Logged, rest.Logged...)
		p.flow.LogFull += rest.LogFull
	}
	l.engine.merger.inbox <- p
}

func (l *lane) harvest(t Tick) *partial {
	l.last = t
	if t.state != l.state {
		l.adopt(t)
	}
	l.decoder.Advance(t.At)
	l.sessions.Moved(l.onGathered)
	sessions := l.advanceSessions(t.At)
	l.watch.Sweep(t.At, func(name string, src schema.Source, key []byte, hasKey bool) (float64, bool) {
		return l.now(name, src, key, hasKey, t.At)
	})
	p := &partial{
		tick: t, lane: l.number, flow: l.flow.Advance(t.At), metric: l.metric.Advance(t.At), seen: l.seen.Advance(),
		learned: l.enrich.Learned(), missing: l.enrich.Missing(), books: l.decoder.Books(), failed: l.failed,
	}
	p.sessions, p.pages = sessions, l.advanceBoard(t.At)
	p.wanted = append(p.wanted, l.enrich.Wanted()...)
	p.begun, p.ended = l.watch.Take()
	p.latched = l.watch.Latched()
	c := &l.counts
	c.Enrich, c.Metric, c.Sources, c.Refused = l.enrich.Counts(), l.metric.Counts(), l.metric.Len(), l.watch.Refused()
	c.Sessions, c.SessionBytes, c.Meter = l.sessions.Len(), l.sessions.Bytes(), l.board.Counts()
	p.counts = *c
	if t.Seq%exportersEvery == 1 || l.engine.config.Replay {
		p.exporters, p.unknown = l.decoder.Exporters(), l.decoder.Unknown()
	}
	return p
}

// advanceSessions moves the sessions on, and tells the board which began and ended.
func (l *lane) advanceSessions(at schema.Instant) *session.Partial {
	var p *session.Partial
	if l.final {
		p = l.sessions.Close(at)
	} else {
		p = l.sessions.Advance(at)
	}
	l.sessions.Edges(l.onEdge)
	c := &l.counts
	c.New, c.Ended, c.Early = c.New+p.New, c.Ended+uint64(len(p.Ended)), c.Early+p.Early
	c.Lost, c.Twice = c.Lost+p.Lost, c.Twice+p.Twice
	return p
}

// advanceBoard takes the pages that are due.
func (l *lane) advanceBoard(at schema.Instant) []*meter.Page {
	for range 64 { // pages that the bookkeeper has done with
		p, ok := l.spent.Get().(*meter.Page)
		if !ok {
			break
		}
		l.board.Recycle(p)
	}
	if l.final || l.last.whole {
		return l.board.End(at)
	}
	return l.board.Advance(at)
}

// adopt puts the state that came with a tick in force.
func (l *lane) adopt(t Tick) {
	old := l.state
	l.state = t.state
	if old.World != t.state.World {
		l.enrich.Set(t.state.World)
	}
	if old.Sessions != t.state.Sessions {
		l.sessions.Set(t.state.Sessions)
	}
	if err := l.adoptGroups(old, t); err != nil {
		l.failed = err
	}
	flowsAsBefore := same(old.Flows, t.state.Flows)
	if !flowsAsBefore {
		l.failed = l.flow.Apply(t.At, t.state.Flows)
	}
	// What is learned from telemetry can change the World at every tick: that must not cost a look at all thresholds.
	if flowsAsBefore && same(old.Thresholds, t.state.Thresholds) {
		return
	}
	l.watch.Apply(t.At, t.state.Thresholds)
	l.filters = map[*event.Threshold]*metric.Filter{}
	for _, th := range t.state.Thresholds {
		if len(th.Filter) > 0 {
			l.filters[th] = metric.CompileFilter(th.Filter)
		}
	}
	flows, metrics := map[string]bool{}, map[string]bool{}
	for _, th := range t.state.Thresholds {
		if t.state.Flow(th.Metric) != nil {
			flows[th.Metric] = true
		} else {
			metrics[th.Metric] = true
		}
	}
	l.flow.Watch(flows, l.flowHit)
	l.metric.Watch(metrics, l.metricHit)
}

// adoptGroups puts counter groups in force; pages that are open are handed over by it with the next harvest.
func (l *lane) adoptGroups(old *State, t Tick) error {
	if same(old.Groups, t.state.Groups) && old.Home.Equal(t.state.Home) && t.state.World.SamePlaces(old.World) {
		return nil
	}
	home := t.state.Home
	limits := l.engine.ledgerLimits()
	home.Where, home.Grace, home.Reach = t.state.where(), limits.Grace, limits.Reach
	return l.board.Apply(t.At, t.state.Groups, home)
}

// same tells whether two states have the very same list: commands never change one but make another.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (l *lane) flowHit(h *flow.Hit) {
	l.point = event.Point{
		At: h.At, Metric: h.Definition.Name, Source: h.Source, Key: h.Key, HasKey: true, Separator: h.Definition.FS,
		Value: h.Value, Error: h.Error, Match: l.matches,
	}
	if len(h.Definition.Values) > 0 {
		l.point.Values = h.Values
	}
	l.watch.Check(&l.point)
}

func (l *lane) metricHit(u *metric.Update) {
	l.point = event.Point{At: u.At, Metric: u.Name, Source: u.Source, Value: u.Value, Match: l.matches}
	l.watch.Check(&l.point)
}

// match tells whether a threshold's filter lets a datasource pass.
func (l *lane) match(th *event.Threshold, src schema.Source) bool {
	f := l.filters[th]
	return f == nil || l.metric.Match(f, src, l.point.At)
}

// now is the value of a flow or a metric decayed to at, for thresholds that are crossed.
func (l *lane) now(metricName string, src schema.Source, key []byte, hasKey bool, at schema.Instant) (float64, bool) {
	if l.state.Flow(metricName) == nil {
		return l.metric.Now(src, metricName, at)
	}
	if hasKey && key == nil {
		key = []byte{}
	}
	if !hasKey {
		key = nil
	}
	return l.flow.Now(metricName, src, key, at)
}
