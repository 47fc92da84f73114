package engine

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/alert"
	"weir/event"
	"weir/flow"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/session"
)

// Keepsake is what the time since the last one leaves to memory. It is shared: nobody may change one.
type Keepsake struct {
	Seq uint64         // of the tick that completed it
	At  schema.Instant // of that tick
	// Slices are encoded parts of buckets that are still open.
	Slices []Slice
	// Blocks are rows of buckets, toppers and keys that are complete.
	Blocks []*schema.Block
	// Marks says for each group of Blocks before which instant all its buckets are in Blocks of this or an earlier one.
	Marks   map[string]schema.Instant
	Ended   []session.Session // to be stored
	Reports []session.Session // long ones that go on
	Flows   []flow.Logged
	Events  []event.Event // ended
	Alerts  []alert.Alert

	from schema.Instant // of the first tick in it
}

// Slice is a part of a bucket that is still open, as meter.Page writes it.
type Slice struct {
	Group string
	Start schema.Instant
	Data  []byte
}

// dues is what the merger hands to the bookkeeper at one tick.
type dues struct {
	tick     Tick
	pages    []lanePage
	sessions [][]session.Session
	reports  [][]session.Session
	flows    []flow.Logged
	events   []event.Event
	last     bool // the engine has stopped
}

// lanePage is a page and the number of the lane that it belongs to.
type lanePage struct {
	*meter.Page
	lane int
}

// bookkeeper joins what the lanes counted into buckets, off the road of the views: a bucket of a million keys may take
// it a second, which nobody then waits for.
type bookkeeper struct {
	engine *Engine
	inbox  chan *dues
	state  *State
	seq    atomic.Uint64 // of the last tick that is in the ledger
	// counted is the tick up to which everything that was counted is in the ledger: boards hand over every 5 s.
	counted atomic.Int64

	scratch []byte // an encoded page

	alertMu sync.Mutex // guards alerts and rules; taken before mu
	alerts  *alert.Book
	rules   int // in force in alerts

	mu     sync.RWMutex // guards ledger, active and recent; reading the ledger may change its caches
	ledger *meter.Ledger
	active []alert.Alert // that are fired now
	gone   []string      // groups that went since the last keepsake
	failed error         // guarded by alertMu: rules that were not taken though the check passed: a bug
	recent []alert.Alert // newest last, at most Config.EventsMax

	followMu sync.Mutex
	to       []*Keeping
	closed   bool
	next     *Keepsake      // being filled
	ticked   schema.Instant // the last tick
	handed   schema.Instant // when the last one was handed over
	done     chan struct{}
	moved    chan struct{} // closed and replaced with every tick
}

// handOvers is how often boards hand over what they have, ns.
const handOvers = schema.Instant(5e9)

// keepEvery is how much time a keepsake covers, about.
const keepEvery = schema.Instant(1e9)

// bookDepth is how many ticks may wait for the bookkeeper; then the merger waits too.
const bookDepth = 64

func newBookkeeper(e *Engine) *bookkeeper {
	return &bookkeeper{
		engine: e, inbox: make(chan *dues, bookDepth), alerts: alert.NewBook(alert.Limits{}), state: &State{},
		ledger: meter.NewLedger(e.ledgerLimits()), next: &Keepsake{}, done: make(chan struct{}),
		moved: make(chan struct{}),
	}
}

// grace is how long a bucket of a live engine waits for records that come late.
const grace = meter.Span(2 * time.Second)

// reach is how far back groups that spread flow records over time do so.
const reach = meter.Span(5 * time.Minute)

// ledgerLimits is how long a bucket waits for records that come late: not at all when the data brings its own clock.
func (e *Engine) ledgerLimits() meter.Limits {
	if e.config.Replay {
		return meter.Limits{Reach: reach}
	}
	return meter.Limits{Grace: grace, Reach: reach}
}

func (b *bookkeeper) run() {
	defer close(b.done)
	for d := range b.inbox {
		b.take(d)
	}
	b.followMu.Lock()
	defer b.followMu.Unlock()
	b.closed = true
	for _, k := range b.to {
		close(k.to)
	}
}

// take does one tick's work.
func (b *bookkeeper) take(d *dues) {
	keep := b.next
	if keep.Seq, keep.At = d.tick.Seq, d.tick.At; keep.from == 0 {
		keep.from = keep.At
	}
	following := b.following()
	for _, p := range d.pages {
		if following {
			// A page of a million keys takes tens of megabytes: they are copied once, not with each growth.
			data, err := p.AppendBinary(b.scratch[:0])
			if b.scratch = data; err == nil { // boards hand over open pages only
				keep.Slices = append(keep.Slices, Slice{p.Group.Name, p.Start, slices.Clone(data)})
			}
		}
		b.merge(p)
	}
	// What lanes counted until this tick is of the groups as they were: so what is new comes after it.
	b.adopt(d.tick)
	b.mu.Lock()
	var closing *meter.Closing
	if d.last {
		closing = b.ledger.End(d.tick.At)
	} else {
		closing = b.ledger.Advance(d.tick.At)
	}
	b.mu.Unlock()
	b.close(d, closing, following)
	keep.Ended = append(keep.Ended, session.Merge(d.sessions...)...)
	keep.Reports = append(keep.Reports, session.Merge(d.reports...)...)
	keep.Flows, keep.Events = append(keep.Flows, d.flows...), append(keep.Events, d.events...)
	b.handOver(d.last || d.tick.whole || b.engine.config.Replay)
	if at := d.tick.At; d.tick.whole || d.last || at/handOvers != b.ticked/handOvers {
		b.counted.Store(int64(at))
	}
	b.ticked = d.tick.At
	b.seq.Store(d.tick.Seq)
	b.followMu.Lock()
	close(b.moved)
	b.moved = make(chan struct{})
	b.followMu.Unlock()
}

// adopt puts the groups and rules that came with a tick in force.
func (b *bookkeeper) adopt(t Tick) {
	groups := !same(b.state.Groups, t.state.Groups)
	if groups {
		b.mu.Lock()
		b.ledger.Define(t.At, t.state.Groups)
		b.mu.Unlock()
		for _, g := range b.state.Groups {
			if t.state.Group(g.Name) == nil {
				b.gone = append(b.gone, g.Name)
			}
		}
	}
	if groups || !same(b.state.Rules, t.state.Rules) {
		b.applyRules(t)
	}
	b.state = t.state
}

// merge puts what one lane counted into the open buckets. Readers wait meanwhile, ticks do not.
func (b *bookkeeper) merge(p lanePage) {
	b.mu.Lock()
	b.ledger.Take(p.Page)
	b.mu.Unlock()
	b.engine.lanes[p.lane].spent.Put(p.Page)
}

// close looks at what was closed: rules on meters, and the rows to be kept.
func (b *bookkeeper) close(d *dues, c *meter.Closing, following bool) {
	if len(d.tick.state.Rules) > 0 {
		b.checkRules(c)
	}
	if !following {
		return
	}
	for block := c.Next(); block != nil; block = c.Next() {
		b.next.Blocks = append(b.next.Blocks, block)
	}
	if b.next.Marks == nil {
		b.next.Marks = map[string]schema.Instant{}
	}
	maps.Copy(b.next.Marks, c.Marks)
	for _, group := range b.gone {
		b.next.Marks[group] = math.MaxInt64 // what it had is in the blocks, and nothing comes any more
	}
	b.gone = nil
}

// check puts the rows of a closed bucket, and their sum, before the rules on its group.
func (b *bookkeeper) check(p *meter.Page) {
	end := p.Start.Add(p.Width.Duration())
	b.alerts.Check(end, p.Group.Name, p.Width.Duration(), func(yield func([]byte, func(int) (float64, bool)) bool) {
		row, total := 0, p.Totals(nil)
		sum := func(id int) (float64, bool) {
			v, ok := p.TotalValue(total, id)
			return p.Group.Shown(id, v, p.Width), ok
		}
		value := func(id int) (float64, bool) {
			v, ok := p.Value(row, id)
			return p.Group.Shown(id, v, p.Width), ok
		}
		for ; row < p.Len(); row++ {
			if !yield(p.RowKey(row), value) {
				return
			}
		}
		yield(nil, sum)
	})
}

// formOf returns what tells the rules how the keys of a group are written.
func (b *bookkeeper) formOf(s *State) func(group string) key.Form {
	return func(group string) key.Form {
		if g := s.Group(group); g != nil {
			return g.Form
		}
		return nil
	}
}

// Keeping receives every keepsake in order, through C. A live engine does not wait for it: one that is full gets what
// it missed together with the next one. A replay always waits. C closes when the stream has ended.
type Keeping struct {
	C      <-chan *Keepsake
	to     chan *Keepsake
	behind *Keepsake // what it had no room for yet
	missed atomic.Uint64
	gone   chan struct{}
	keeper *bookkeeper
}

// Keep begins to deliver keepsakes to somebody who holds depth of them. Ask before the engine runs, so that nothing is
// missing. Close it when done.
func (e *Engine) Keep(depth int) *Keeping {
	b := e.books
	k := &Keeping{to: make(chan *Keepsake, depth), gone: make(chan struct{}), keeper: b}
	k.C = k.to
	b.followMu.Lock()
	defer b.followMu.Unlock()
	if b.closed {
		close(k.to)
	} else {
		b.to = append(slices.Clone(b.to), k)
	}
	return k
}

// Close ends the delivery. C is not closed by it.
func (k *Keeping) Close() {
	b := k.keeper
	b.followMu.Lock()
	defer b.followMu.Unlock()
	n := len(b.to)
	b.to = slices.DeleteFunc(slices.Clone(b.to), func(x *Keeping) bool { return x == k })
	if len(b.to) < n {
		close(k.gone)
	}
}

func (b *bookkeeper) following() bool {
	b.followMu.Lock()
	defer b.followMu.Unlock()
	return len(b.to) > 0
}

// handOver gives the keepsake away when it covers enough time. Rows of closed buckets go at once: until the store has
// them nobody sees them.
func (b *bookkeeper) handOver(now bool) {
	k := b.next
	if !now && len(k.Blocks) == 0 && k.At/keepEvery == b.handed/keepEvery {
		return
	}
	b.handed, b.next = k.At, &Keepsake{}
	b.followMu.Lock()
	to := b.to
	b.followMu.Unlock()
	for _, f := range to {
		f.send(k, b.engine.config.Replay)
	}
}

// behindMost is how much time waits for somebody who takes no keepsakes; then it is lost, counted.
const behindMost = 10 * time.Minute

// Missed returns how often Keeping was so far behind that what waited for it was given up.
func (f *Keeping) Missed() uint64 { return f.missed.Load() }

func (f *Keeping) send(k *Keepsake, wait bool) {
	if f.behind != nil && k.At.Sub(f.behind.from) > behindMost {
		f.missed.Add(1)
		f.behind = nil
	}
	if f.behind != nil {
		k = f.behind.Join(k)
		f.behind = nil
	}
	if wait {
		select {
		case f.to <- k:
		case <-f.gone:
		}
		return
	}
	select {
	case f.to <- k:
	case <-f.gone:
	default:
		f.behind = k
	}
}

// Join returns one keepsake of two that follow each other.
func (k *Keepsake) Join(next *Keepsake) *Keepsake {
	out := &Keepsake{Seq: next.Seq, At: next.At, from: k.from, Marks: map[string]schema.Instant{}}
	out.Slices = slices.Concat(k.Slices, next.Slices)
	out.Blocks = slices.Concat(k.Blocks, next.Blocks)
	out.Ended, out.Reports = slices.Concat(k.Ended, next.Ended), slices.Concat(k.Reports, next.Reports)
	out.Flows, out.Events = slices.Concat(k.Flows, next.Flows), slices.Concat(k.Events, next.Events)
	out.Alerts = slices.Concat(k.Alerts, next.Alerts)
	maps.Copy(out.Marks, k.Marks)
	maps.Copy(out.Marks, next.Marks)
	return out
}

// Ledger runs a reader of the counter groups' books: what is open now, and what was closed and is not stored yet. It
// must be quick and keep nothing; ledger changes as soon as it returns.
func (e *Engine) Ledger(read func(*meter.Ledger)) {
	e.books.mu.Lock()
	defer e.books.mu.Unlock()
	read(e.books.ledger)
}

// Counted returns the instant up to which all that was counted is in the ledger: up to 5 s ago. Rates of what is still
// open are per second until then. 0 before anything was.
func (e *Engine) Counted() schema.Instant { return schema.Instant(e.books.counted.Load()) }

// Alerts returns the alerts that are fired now.
func (e *Engine) Alerts() []alert.Alert {
	e.books.mu.RLock()
	defer e.books.mu.RUnlock()
	return e.books.active
}

// RecentAlerts returns the newest alerts, fired and cleared ones, newest last; at most Config.EventsMax. Nobody may
// change them.
func (e *Engine) RecentAlerts() []alert.Alert {
	e.books.mu.RLock()
	defer e.books.mu.RUnlock()
	return slices.Clip(e.books.recent)
}

// Restore gives back what the journal kept of buckets that were open when the last run ended, and up to where each
// group was stored; rows gives the ledger what else it wants of the store. Parts that cannot be understood any more,
// because their group has changed or gone, are counted as lost. Only before Run.
func (e *Engine) Restore(parts []Slice, marks map[string]schema.Instant, rows func(*meter.Ledger) error) (lost int,
	err error) {
	b, s := e.books, e.State()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Define(0, s.Groups)
	b.state.Groups = s.Groups
	var pages []*meter.Page
	for _, part := range parts {
		p, err := meter.DecodePage(part.Data, s.Group)
		if err != nil {
			lost++
			continue
		}
		pages = append(pages, p)
	}
	b.ledger.Restore(pages, marks)
	return lost, rows(b.ledger)
}

// waitFor returns when the tick seq is in the books.
func (b *bookkeeper) waitFor(ctx context.Context, seq uint64) error {
	for {
		b.followMu.Lock()
		moved := b.moved
		b.followMu.Unlock()
		if b.seq.Load() >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.done:
			return ErrStopped
		}
	}
}

// take adds what one lane finished.
func (d *dues) take(p *partial) {
	for _, page := range p.pages {
		d.pages = append(d.pages, lanePage{page, p.lane})
	}
	d.sessions = append(d.sessions, stored(p.sessions.Ended))
	d.reports = append(d.reports, p.sessions.Reports)
}

// stored leaves out the sessions that were too small to be kept.
func stored(list []session.Session) []session.Session {
	if !slices.ContainsFunc(list, func(s session.Session) bool { return !s.Store }) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(s session.Session) bool { return !s.Store })
}
