package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/wire"
)

// benchDefinitions are the five flow definitions that the engine is measured with.
func benchDefinitions() []flow.Definition {
	return []flow.Definition{
		{Name: "total", Value: "bytes"},
		{Name: "sources", Keys: "or:ipsource:ip6source", Value: "bytes"},
		{Name: "pairs", Keys: "ipsource,ipdestination", Value: "bytes", N: 20},
		{Name: "tuples", Value: "frames", Keys: "ipsource,ipdestination,ipprotocol," +
			"or:tcpsourceport:udpsourceport,or:tcpdestinationport:udpdestinationport"},
		{Name: "web", Keys: "ipdestination", Value: "bytes", Filter: "tcpdestinationport=443"},
	}
}

// decode measures the decoder alone, in one goroutine, with callbacks that do nothing.
func (b *bench) decode(l *benchLoad) (*benchResult, error) {
	r, d := &benchResult{}, wire.NewDecoder(wire.DefaultConfig())
	var octets, frames uint64
	sum := func(rec *schema.Record) {
		octets += rec.Bytes
		frames += rec.Packets
	}
	at := benchBegin
	round := func(rec func(*schema.Record), read func(*schema.Reading)) {
		at = at.Add(time.Second)
		for i := range l.datagrams {
			dg := l.datagrams[i]
			dg.At = at
			d.Decode(&dg, rec, read)
		}
	}
	l.renumberAll()
	round(sum, func(*schema.Reading) {}) // the warm-up checks the answers
	r.expect("bytes", octets, l.octets)
	r.expect("packets", frames, l.frames)
	var rounds []spent
	allocs, nothing, nobody := uint64(0), func(*schema.Record) {}, func(*schema.Reading) {}
	for begin := time.Now(); b.more(begin, len(rounds)); {
		l.renumberAll()
		var w stopwatch
		before := mallocs()
		w.start()
		round(nothing, nobody)
		w.stop()
		allocs += mallocs() - before
		rounds = append(rounds, w.total)
	}
	r.took(l, rounds)
	r.memory(l)
	r.Allocs = float64(allocs) / float64(max(r.Records, 1))
	books := d.Books()
	r.checkBooks(&books, l, uint64(len(rounds)+1))
	r.checkAllocs()
	return r, b.ctx.Err()
}

// more tells whether to measure another round.
func (b *bench) more(begin time.Time, done int) bool {
	return b.ctx.Err() == nil && (done < b.size.rounds || time.Since(begin) < b.size.within)
}

// checkBooks holds the decoder's books against what was given to it.
func (r *benchResult) checkBooks(books *wire.Books, l *benchLoad, rounds uint64) {
	r.Books += books.Difference()
	if books.Difference() != 0 {
		r.fault("the decoder's books are off by %d", books.Difference())
	}
	r.expect("datagrams received", books.Received, rounds*uint64(len(l.datagrams)))
	r.expect("datagrams decoded", books.Decoded, rounds*uint64(len(l.datagrams)))
	r.expect("records decoded", books.Records(), rounds*l.records)
}

// benchRig is a running engine in replay mode: it waits instead of dropping, and a tick returns when its view is
// there.
type benchRig struct {
	*engine.Engine
	ctx     context.Context
	at      schema.Instant
	ticks   uint64
	parcels []*wire.Parcel // by lane, being filled
	stop    func()
}

// benchHouse is which parts of the house a rig has besides flow definitions.
type benchHouse struct {
	groups, sessions bool
	follow           func(*engine.Engine) // called before the engine runs; may be nil
}

func startBenchRig(ctx context.Context, c engine.Config, defs []flow.Definition, h benchHouse) (*benchRig, error) {
	c.Replay, c.NoSessions = true, !h.sessions
	e, err := engine.New(c)
	if err != nil {
		return nil, err
	}
	for _, d := range defs {
		if err := e.Do(engine.DefineFlow{Definition: d}); err != nil {
			return nil, fmt.Errorf("BUG: bench: definition %s: %w", d.Name, err)
		}
	}
	if !h.groups {
		if err := e.Do(noGroups(e)...); err != nil {
			return nil, fmt.Errorf("BUG: bench: %w", err)
		}
	}
	if h.follow != nil {
		h.follow(e)
	}
	running, cancel := context.WithCancel(ctx)
	go func() { _ = e.Run(running) }() // Stopped tells the end, and Run has no error to tell
	r := &benchRig{Engine: e, ctx: ctx, at: benchBegin, parcels: make([]*wire.Parcel, e.Lanes())}
	r.stop = func() {
		cancel()
		<-e.Stopped()
	}
	return r, r.tick()
}

// noGroups returns what takes all counter groups out of force.
func noGroups(e *engine.Engine) (all []engine.Command) {
	for _, g := range e.State().Groups {
		off := *g
		off.Inactive = true
		all = append(all, engine.DefineGroup{Group: off})
	}
	return all
}

// put copies a datagram into the parcel of its lane, as a socket does.
func (r *benchRig) put(d *wire.Datagram) error {
	lane := wire.Lane(wire.ExporterOf(d), len(r.parcels))
	p := r.parcels[lane]
	if p == nil {
		p = r.Parcel()
		r.parcels[lane] = p
	}
	p.Add(*d)
	if !p.Full() {
		return nil
	}
	r.parcels[lane] = nil
	return r.Put(r.ctx, lane, p)
}

// tick hands over what is in hand and closes the past.
func (r *benchRig) tick() error {
	for lane, p := range r.parcels {
		if p == nil {
			continue
		}
		r.parcels[lane] = nil
		if err := r.Put(r.ctx, lane, p); err != nil {
			return err
		}
	}
	r.ticks++
	return r.Tick(r.ctx, r.at)
}

// round gives the load to the engine in its own time, with a tick every 100 ms of it when asked for.
func (r *benchRig) round(l *benchLoad, ticks bool) error {
	long := time.Duration(l.records) * time.Second / benchPace
	begin, next := r.at, r.at.Add(100*time.Millisecond)
	for i := range l.datagrams {
		d := l.datagrams[i]
		d.At = begin.Add(long * time.Duration(i) / time.Duration(len(l.datagrams)))
		r.at = d.At
		if d.At >= next && ticks {
			next = next.Add(100 * time.Millisecond)
			if err := r.tick(); err != nil {
				return err
			}
		}
		if err := r.put(&d); err != nil {
			return err
		}
	}
	r.at = begin.Add(long)
	return nil
}

// engine measures decoding and five flow definitions on so many lanes, with or without all else that is always on.
func (b *bench) engine(l *benchLoad, lanes int, h benchHouse) (*benchResult, error) {
	defs := benchDefinitions()
	g, err := startBenchRig(b.ctx, engine.Config{Lanes: lanes}, defs, h)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	r := &benchResult{Lanes: lanes, Definitions: len(defs)}
	done := uint64(0)
	for ; done < 2; done++ {
		l.renumberAll()
		if err := errors.Join(g.round(l, true), g.tick()); err != nil {
			return nil, err
		}
	}
	perRecord, n, err := g.allocs(l)
	if err != nil {
		return nil, err
	}
	done += n
	r.Allocs = perRecord
	var rounds []spent
	ticks, allocs := g.ticks, mallocs()
	for begin := time.Now(); b.more(begin, len(rounds)); done++ {
		l.renumberAll()
		var w stopwatch
		w.start()
		err := errors.Join(g.round(l, true), g.tick())
		w.stop()
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, w.total)
	}
	r.took(l, rounds)
	r.memory(l)
	r.TickAllocs = max(0, (float64(mallocs()-allocs)-perRecord*float64(r.Records))/float64(g.ticks-ticks))
	r.checkView(g.View(), l, done, h.sessions)
	r.checkAllocs()
	return r, b.ctx.Err()
}

// allocs measures what a record allocates on its way, without what ticks do: several rounds before one tick, less one
// round before one tick. It also returns how many rounds it gave to the engine.
func (r *benchRig) allocs(l *benchLoad) (perRecord float64, rounds uint64, err error) {
	const more = 3
	measure := func(n int) (count float64) {
		before := mallocs()
		for range n {
			l.renumberAll()
			err = errors.Join(err, r.round(l, false))
		}
		err = errors.Join(err, r.tick())
		return float64(mallocs() - before)
	}
	once := measure(1)
	often := measure(1 + more)
	return max(0, (often-once)/float64(more*l.records)), 2 + more, err
}

// checkView holds what the engine says against what was given to it. Captured frames that sessions gather reach the
// definitions as fewer records; what those sum up to is checked elsewhere.
func (r *benchResult) checkView(v *engine.View, l *benchLoad, rounds uint64, sessions bool) {
	r.checkBooks(&v.Books, l, rounds)
	if v.Failed != nil {
		r.fault("a lane could not take the definitions: %v", v.Failed)
	}
	if sessions && l.format == formatPackets {
		return
	}
	for _, d := range benchDefinitions() {
		books, ok := v.Flow.Books(d.Name)
		if !ok {
			r.fault("definition %s is not in force", d.Name)
			continue
		}
		r.checkDefinition(d.Name, &books, rounds*l.records)
		want := rounds * l.records
		if d.Name == "web" {
			want = rounds * l.web
		}
		r.expect("records counted by "+d.Name, books.Counted, want)
	}
}

// checkDefinition checks that the books of a definition balance and that it saw every record.
func (r *benchResult) checkDefinition(name string, books *flow.Books, records uint64) {
	r.Books += books.Difference()
	if books.Difference() != 0 {
		r.fault("the books of definition %s are off by %d", name, books.Difference())
	}
	r.expect("records observed by "+name, books.Observed, records)
}
