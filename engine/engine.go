package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"weir/enrich"
	"weir/flow"
	"weir/meter"
	"weir/schema"
	"weir/wire"
)

// ErrStopped is returned for what is asked of an engine that has stopped.
var ErrStopped = errors.New("engine: stopped")

// Tick marks the passing of time. The state in force rides on it: all lanes change at the same point of the stream.
type Tick struct {
	Seq   uint64
	At    schema.Instant
	state *State
	whole bool // counter groups hand over all they have, also of slices that are not full
}

// message is what travels to a lane: a parcel, a question or a tick.
type message struct {
	parcel   *wire.Parcel
	question *question
	tick     Tick
}

// Engine runs the lanes and the merger. New makes one, Run works until its context ends.
type Engine struct {
	config         Config
	maxDefinitions int
	lanes          []*lane
	merger         *merger
	parcels        sync.Pool
	checker        *schema.Compiler // for checking definitions before they are accepted; guarded by mu

	mu    sync.Mutex // guards the state, not the data
	state *State

	tickMu sync.Mutex
	seq    uint64
	lastAt schema.Instant

	view    atomic.Pointer[View]
	stop    chan struct{} // closed when Run begins to stop
	stopped chan struct{} // closed when everything has been handed over

	logs  *logs
	books *bookkeeper
}

// New returns an engine that does not run yet.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	e := &Engine{
		config: c, maxDefinitions: maxDefinitions(c.Flow), stop: make(chan struct{}), stopped: make(chan struct{}),
		logs: newLogs(c),
	}
	e.state = &State{
		World: enrich.NewWorld().WithLimits(c.Enrich).WithResolver(c.Resolve), Sessions: c.Session,
		Home: meter.Settings{Home: meter.DefaultHome()},
	}
	groups, err := meter.BuiltinProfile(cmp.Or(c.Profile, meter.ProfileSeed))
	if err != nil {
		return nil, err
	}
	e.state.Groups = groups
	slices.SortFunc(e.state.Groups, func(a, b *meter.Group) int { return cmp.Compare(a.Name, b.Name) })
	e.parcels.New = func() any { return wire.NewParcel() }
	e.checker = e.compiler(enrich.New(e.state.World))
	e.merger = newMerger(e)
	e.books = newBookkeeper(e)
	e.view.Store(&View{State: e.state})
	for i := range c.Lanes {
		e.lanes = append(e.lanes, newLane(i, e))
	}
	return e, nil
}

func maxDefinitions(l flow.Limits) int {
	if l.Definitions > 0 {
		return l.Definitions
	}
	return 2000
}

// compiler returns the compiler of the flow language with everything that the house knows of: the fields of records,
// those that need a lane's endpoint cache, and all key functions.
func (e *Engine) compiler(l *enrich.Lane) *schema.Compiler {
	c := schema.NewCompiler(append(wire.Fields(), l.Fields()...), l.Functions())
	c.Dynamic, c.NullFailsUnequal = wire.DynamicField, e.config.NullFailsUnequal
	return c
}

// Vocabulary returns a compiler of the flow language for documentation, completion and checks. It answers with what
// the engine's state knows now. The caller owns it; it is for one goroutine.
func (e *Engine) Vocabulary() *schema.Compiler { return e.compiler(enrich.New(e.State().World)) }

// Lanes returns how many lanes there are.
func (e *Engine) Lanes() int { return len(e.lanes) }

// Parcel returns an empty parcel. It comes back to the engine with Offer or Put.
func (e *Engine) Parcel() *wire.Parcel { return e.parcels.Get().(*wire.Parcel) }

func (e *Engine) recycle(p *wire.Parcel) {
	p.Reset()
	e.parcels.Put(p)
}

// Offer gives a parcel to a lane, or refuses at once when the lane is full or the engine has stopped; a live socket
// uses it. Either way the parcel belongs to the engine again. The caller counts what was refused.
func (e *Engine) Offer(lane int, p *wire.Parcel) bool {
	select {
	case <-e.stop:
	default:
		select {
		case e.lanes[lane].inbox <- message{parcel: p}:
			return true
		default:
		}
	}
	e.recycle(p)
	return false
}

// Busy tells that parcels wait for a lane. Whoever collects datagrams then does better to fill the parcel in hand than
// to take a place in the inbox for a few of them.
func (e *Engine) Busy(lane int) bool {
	inbox := e.lanes[lane].inbox
	return len(inbox) > cap(inbox)/4
}

// Put waits for room; a replay uses it, and so loses nothing.
func (e *Engine) Put(ctx context.Context, lane int, p *wire.Parcel) error {
	select {
	case e.lanes[lane].inbox <- message{parcel: p}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.stop:
		return ErrStopped
	}
}

// Tick closes the past up to at. Whoever owns the source of time calls it: the pacer live, the reader in a replay. An
// instant that is not after the last one is moved to just after it.
func (e *Engine) Tick(ctx context.Context, at schema.Instant) error { return e.pass(ctx, at, false) }

// Settle closes the past once more, and lets counter groups show all that was counted: they wait for up to 5 s
// otherwise. Whoever comes to the end of the data, and goes on answering, calls it.
func (e *Engine) Settle(ctx context.Context) error { return e.pass(ctx, 0, true) }

func (e *Engine) pass(ctx context.Context, at schema.Instant, whole bool) error {
	e.tickMu.Lock()
	defer e.tickMu.Unlock()
	at = max(at, e.lastAt+1)
	e.seq++
	e.lastAt = at
	t := Tick{Seq: e.seq, At: at, state: e.State(), whole: whole}
	for _, l := range e.lanes {
		select {
		case l.inbox <- message{tick: t}:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stop:
			return ErrStopped
		}
	}
	if e.config.Replay {
		if err := e.merger.wait(ctx, t.Seq); err != nil {
			return err
		}
		return e.books.waitFor(ctx, t.Seq)
	}
	return nil
}

// State returns what is in force, or will be with the next tick.
func (e *Engine) State() *State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Do asks for changes; they take effect together at the next tick. When one cannot be, none is made and the error says
// which and why.
func (e *Engine) Do(cs ...Command) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := *e.state
	for _, c := range cs {
		if err := c.apply(e, &next); err != nil {
			return err
		}
	}
	e.state = &next
	return nil
}

// View is the world as of the last tick. It never changes once published and never blocks the reader.
func (e *Engine) View() *View { return e.view.Load() }

// countFromTheStart puts the counter groups in force before the first tick: traffic that comes before it counts too.
func (e *Engine) countFromTheStart() {
	t := Tick{state: e.State()}
	e.books.mu.Lock()
	e.books.ledger.Define(0, t.state.Groups)
	e.books.mu.Unlock()
	for _, l := range e.lanes {
		l.failed = l.adoptGroups(l.state, t)
	}
}

// Run works until ctx ends; then it takes nothing new, drains the inboxes, closes the past one last time, and closes
// its followers.
func (e *Engine) Run(ctx context.Context) error {
	var lanes, rest sync.WaitGroup
	e.countFromTheStart()
	for _, l := range e.lanes {
		lanes.Go(l.run)
	}
	rest.Go(e.merger.run)
	rest.Go(e.books.run)
	<-ctx.Done()
	close(e.stop)
	lanes.Wait()
	close(e.merger.inbox)
	rest.Wait()
	close(e.stopped)
	return nil
}

// Stopped is closed when Run has handed over everything.
func (e *Engine) Stopped() <-chan struct{} { return e.stopped }
