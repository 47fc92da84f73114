package main

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
)

// everything measures decoding, five flow definitions, all counter groups and sessions, in one lane, with somebody who
// takes what there is to keep. Engines that lack groups, or sessions, get the same rounds in turns, so that what either
// costs is a difference between figures of the same minute.
func (b *bench) everything(l *benchLoad) (*benchResult, error) {
	var sum keptSum
	houses := []benchHouse{{}, {groups: true}, {groups: true, sessions: true, follow: sum.follow}}
	var rigs []*benchRig
	defer func() {
		for _, g := range rigs {
			g.stop()
		}
	}()
	defs := benchDefinitions()
	for _, h := range houses {
		g, err := startBenchRig(b.ctx, engine.Config{Lanes: 1}, defs, h)
		if err != nil {
			return nil, err
		}
		rigs = append(rigs, g)
		for range 2 {
			l.renumberAll()
			if err := errors.Join(g.round(l, true), g.tick()); err != nil {
				return nil, err
			}
		}
	}
	all := rigs[len(rigs)-1]
	r := &benchResult{Lanes: 1, Definitions: len(defs)}
	perRecord, n, err := all.allocs(l)
	if err != nil {
		return nil, err
	}
	r.Allocs = perRecord
	ticks := all.ticks
	rounds, allocs, err := b.inTurns(l, rigs)
	if err != nil {
		return nil, err
	}
	r.costs(l, rounds)
	done := uint64(len(rounds[0])) + n + 2
	r.TickAllocs = max(0, (float64(allocs)-perRecord*float64(r.Records))/float64(all.ticks-ticks))
	r.checkView(all.View(), l, done, true)
	for _, g := range rigs[:len(rigs)-1] {
		g.stop()
	}
	settleMemory()
	r.memory(l)
	all.stop()
	rigs = nil
	r.expect("bytes of all traffic in closed buckets", sum.total(), done*l.octets)
	r.checkAllocs()
	return r, b.ctx.Err()
}

// inTurns gives every engine the load, one after the other, for half a minute of its own time: a whole bucket with all
// its parts. It also returns how many objects the last engine allocated.
func (b *bench) inTurns(l *benchLoad, rigs []*benchRig) (rounds [][]spent, allocs uint64, err error) {
	rounds = make([][]spent, len(rigs))
	for range b.size.turns {
		for i, g := range rigs {
			l.renumberAll()
			var w stopwatch
			before := mallocs()
			w.start()
			err := errors.Join(g.round(l, true), g.tick())
			w.stop()
			if err != nil {
				return nil, 0, err
			}
			rounds[i] = append(rounds[i], w.total)
			if i == len(rigs)-1 {
				allocs += mallocs() - before
			}
		}
	}
	return rounds, allocs, nil
}

// costs notes what a record costs with everything on, and what of it groups and sessions are: means, because not every
// round has the same to do.
func (r *benchResult) costs(l *benchLoad, rounds [][]spent) {
	mean := func(i int) (wall, cpu float64) {
		var s spent
		for _, x := range rounds[i] {
			s.wall, s.cpu = s.wall+x.wall, s.cpu+x.cpu
		}
		n := float64(l.records) * float64(len(rounds[i]))
		return float64(s.wall) / n, float64(s.cpu) / n
	}
	_, bare := mean(0)
	_, groups := mean(1)
	wall, cpu := mean(2)
	n := uint64(len(rounds[2]))
	r.Records, r.Datagrams = n*l.records, n*uint64(len(l.datagrams))
	r.WallNanos, r.CPUNanos = wall, cpu
	r.RecordsRate = 1e9 / wall
	r.DatagramsRate = r.RecordsRate * float64(len(l.datagrams)) / float64(l.records)
	r.BareNanos, r.MeterNanos, r.SessionNanos = bare, groups-bare, cpu-groups
}

// keptSum takes what an engine has to keep, as a store does, and adds up the bytes of all traffic in it.
type keptSum struct {
	wait   sync.WaitGroup
	octets float64
	hosts  map[int64]int // keys of the group of hosts, by bucket
	blocks func(*schema.Block)
}

// follow begins to take; the engine must not run yet.
func (s *keptSum) follow(e *engine.Engine) {
	keeping := e.Keep(64)
	s.hosts = map[int64]int{}
	s.wait.Go(func() {
		for k := range keeping.C {
			for _, b := range k.Blocks {
				s.take(b)
			}
		}
	})
}

func (s *keptSum) take(b *schema.Block) {
	if s.blocks != nil {
		s.blocks(b)
	}
	if b.Table != schema.TableBuckets {
		return
	}
	groups, keys, octets := &b.Column("grp").Texts, &b.Column("key").Texts, b.Column("m0").Floats
	for i := range b.Rows {
		switch group := groups.At(i); {
		case string(group) == "aggregates" && string(keys.At(i)) == "TOTALBW":
			s.octets += octets[i]
		case string(group) == "hosts" && string(keys.At(i)) != key.Totals:
			s.hosts[b.Column("at").Ints[i]]++
		}
	}
}

// total returns the sum once the engine has stopped.
func (s *keptSum) total() uint64 {
	s.wait.Wait()
	return uint64(math.Round(s.octets))
}

// tickClock measures how long it takes from a tick until its view is published.
type tickClock struct {
	mu   sync.Mutex
	sent map[uint64]time.Time
	took []time.Duration
}

// begin notes that tick seq is about to be given.
func (c *tickClock) begin(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent == nil {
		c.sent = map[uint64]time.Time{}
	}
	c.sent[seq] = time.Now()
}

// follow begins to take the time of an engine that does not run yet.
func (c *tickClock) follow(e *engine.Engine) {
	f := e.Follow("bench", 1024)
	go func() {
		for h := range f.C {
			now := time.Now()
			c.mu.Lock()
			if at, ok := c.sent[h.Tick.Seq]; ok {
				delete(c.sent, h.Tick.Seq)
				c.took = append(c.took, now.Sub(at))
			}
			c.mu.Unlock()
		}
	}()
}

// sorted returns all times so far, the shortest first.
func (c *tickClock) sorted() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.took)
	slices.Sort(all)
	return all
}

// ticks notes the middle and the slow end of tick times.
func (r *benchResult) ticks(sorted []time.Duration) {
	n := len(sorted)
	if n == 0 {
		return
	}
	ms := func(i int) float64 { return float64(sorted[i]) / float64(time.Millisecond) }
	r.Ticks, r.TickP50, r.TickP99, r.TickMost = n, ms(n/2), ms(min(n-1, n*99/100)), ms(n-1)
}

// manyHosts lets the group of hosts have so many keys, in buckets of such a width.
func manyHosts(e *engine.Engine, keys int, bucket time.Duration) engine.Command {
	g := *e.State().Group("hosts")
	g.MaxKeys, g.LowKeys, g.Bucket = keys, 0, meter.Span(bucket)
	return engine.DefineGroup{Group: g}
}
