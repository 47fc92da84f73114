package export

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/vitals"
	"weir/wire/netflow"
)

// depth is how many harvests wait while messages are built; that is a matter of microseconds.
const depth = 64

// lastWords is how long what is queued may take to leave once there will be no more.
const lastWords = time.Second

// Exporter sends logged flows to collectors. New makes one, Run works.
type Exporter struct {
	config Config
	engine *engine.Engine
	vitals *vitals.Set
	log    *slog.Logger
	books  *books

	// What follows belongs to the goroutine of Run.
	state      *engine.State      // in force at the end of the last harvest
	seq        uint64             // of its tick
	layouts    map[string]*layout // of the definitions of state that have collectors, by name
	doubt      map[string]int     // see take
	ids        identifiers
	collectors map[netip.AddrPort]*collector
	senders    sync.WaitGroup
	ctx        context.Context // of the senders
	cut        context.CancelFunc
}

// New returns an exporter of the logged flows of e that counts in v. Config must be valid.
func New(e *engine.Engine, v *vitals.Set, log *slog.Logger, c Config) *Exporter {
	x := &Exporter{
		config: c.withDefaults(), engine: e, vitals: v, log: log, books: newBooks(v), layouts: map[string]*layout{},
		ids: identifiers{used: map[uint16]bool{}}, collectors: map[netip.AddrPort]*collector{},
	}
	x.ctx, x.cut = context.WithCancel(context.Background())
	return x
}

// Run exports until the engine has stopped or ctx ends, then gives what is queued a second to leave. What the engine
// finishes when it stops is exported when ctx ends after the engine has stopped. Run is called once; it returns no
// error: what goes wrong with a collector is counted and logged.
func (x *Exporter) Run(ctx context.Context) error {
	f := x.engine.Follow("export", depth)
	defer x.stop()
	defer f.Close()
	v := x.engine.View()
	x.seq = v.Seq
	x.adopt(v.State, v.At)
	for {
		select {
		case <-ctx.Done():
			return nil
		case h, ok := <-f.C:
			if !ok {
				return nil
			}
			x.take(h)
		}
	}
}

// stop closes all queues and waits for the senders.
func (x *Exporter) stop() {
	defer x.cut()
	for _, c := range x.collectors {
		close(c.queue)
	}
	defer time.AfterFunc(lastWords, x.cut).Stop()
	x.senders.Wait()
}

// take exports what one tick finished.
//
// A change of definitions rides on a tick, behind the records that came before it. So the flows of a harvest are all
// of the definitions that were in force before its tick, even when they end because of it, and their keys read as
// those say. When harvests were missed nobody knows which those were, and flows of definitions that changed are in
// doubt.
func (x *Exporter) take(h *engine.Harvest) {
	changed := !sameFlows(x.state, h.View.State)
	if changed && h.Tick.Seq != x.seq+1 {
		x.doubt = x.changes(h.View.State)
	}
	for _, c := range x.collectors {
		c.at = h.Tick.At
	}
	for i := range h.Flows {
		x.export(&h.Flows[i])
	}
	x.finish(h.Tick.At)
	if changed {
		x.adopt(h.View.State, h.Tick.At)
	}
	x.state, x.seq, x.doubt = h.View.State, h.Tick.Seq, nil
}

// changes returns the definitions of s that are new or differ, with the number of their collectors.
func (x *Exporter) changes(s *engine.State) map[string]int {
	out := map[string]int{}
	for _, d := range s.Flows {
		if old := x.layouts[d.Name]; len(d.IPFIXCollectors) > 0 && (old == nil || !old.def.Equal(d)) {
			out[d.Name] = len(collectorsOf(d))
		}
	}
	return out
}

func sameFlows(a, b *engine.State) bool {
	return len(a.Flows) == len(b.Flows) && (len(a.Flows) == 0 || &a.Flows[0] == &b.Flows[0])
}

// export writes a record for each collector of a flow.
func (x *Exporter) export(f *flow.Logged) {
	if n, ok := x.doubt[f.Name]; ok {
		x.books.drop(ReasonRedefined, n)
		return
	}
	l := x.layouts[f.Name]
	if l == nil {
		return // nobody wants it
	}
	if l.templates[noAgent] == nil {
		x.books.drop(l.drop, len(l.collectors))
		return
	}
	t, values, ok := l.read(f)
	if !ok {
		x.books.drop(ReasonKeys, len(l.collectors))
		return
	}
	for _, to := range l.collectors {
		c := x.collectors[to]
		if c == nil {
			x.books.drop(ReasonCollectors, 1)
			continue
		}
		c.add(t, values)
	}
}

// finish sends what is open, and all templates when it is time.
func (x *Exporter) finish(at schema.Instant) {
	queued := 0
	for _, c := range x.collectors {
		if at.Sub(c.refreshed) >= x.config.Refresh {
			c.refresh()
		}
		c.flush()
		queued += len(c.queue)
	}
	x.vitals.Put("weir_export_queued_messages", float64(queued))
	x.vitals.Put("weir_export_collectors", float64(len(x.collectors)))
}

// adopt puts the definitions of a state in force.
func (x *Exporter) adopt(s *engine.State, at schema.Instant) {
	x.state = s
	old := x.layouts
	x.layouts = map[string]*layout{}
	for _, d := range s.Flows {
		if len(d.IPFIXCollectors) == 0 {
			continue
		}
		if l := old[d.Name]; l != nil && l.sameRecords(d) {
			l.def, l.collectors = d, collectorsOf(d)
			x.layouts[d.Name] = l
		}
	}
	for name, l := range old {
		if x.layouts[name] != l {
			x.ids.release(l)
		}
	}
	for _, d := range s.Flows { // in the order of their names, so that ids are the same wherever it starts
		if len(d.IPFIXCollectors) > 0 && x.layouts[d.Name] == nil {
			x.layouts[d.Name] = newLayout(d, &x.ids)
			x.warn(x.layouts[d.Name])
		}
	}
	x.connect(at)
}

// warn says what keeps the flows of a definition from being exported.
func (x *Exporter) warn(l *layout) {
	switch {
	case !l.def.Log:
		x.log.Warn("a flow definition has ipfixCollectors but does not log: nothing of it is exported; set log",
			"flow", l.def.Name)
	case l.templates[noAgent] != nil:
	case l.drop == ReasonSeparator:
		x.log.Warn("the flows of a definition cannot be exported as IPFIX: its separator fs may occur inside key "+
			"values; use one such as a comma", "flow", l.def.Name, "fs", l.def.FS)
	case l.drop == ReasonTemplates:
		x.log.Warn("the flows of a definition cannot be exported as IPFIX: too many definitions are exported",
			"flow", l.def.Name, "most", blocks)
	}
}

// connect makes the collectors that the layouts name and lets go of the others.
func (x *Exporter) connect(at schema.Instant) {
	wanted, inUse := map[netip.AddrPort]bool{}, map[*netflow.Template]bool{}
	for _, l := range x.layouts {
		for _, t := range l.templates {
			inUse[t] = true
		}
		for _, to := range l.collectors {
			wanted[to] = true
		}
	}
	for to, c := range x.collectors {
		if !wanted[to] {
			close(c.queue)
			delete(x.collectors, to)
			continue
		}
		c.keep(func(t *netflow.Template) bool { return inUse[t] })
	}
	for _, to := range slices.SortedFunc(maps.Keys(wanted), netip.AddrPort.Compare) {
		if x.collectors[to] == nil {
			x.open(to, at)
		}
	}
}

func (x *Exporter) open(to netip.AddrPort, at schema.Instant) {
	if len(x.collectors) >= x.config.Collectors {
		x.log.Warn("too many IPFIX collectors: flows for this one are dropped; raise export.collectors",
			"collector", to, "most", x.config.Collectors)
		return
	}
	c := newCollector(to, x.config, x.books, at)
	x.collectors[to] = c
	s := &sender{to: to, queue: c.queue, lost: c.lost, books: x.books, log: x.log}
	x.senders.Go(func() { s.run(x.ctx) })
	x.log.Info("exporting flows as IPFIX", "collector", to)
}
