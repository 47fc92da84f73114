package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"weir/engine"
	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
)

// sessions fills one lane with live sessions and measures what one takes.
func (b *bench) sessions(*benchLoad) (*benchResult, error) {
	before := residentMiB("VmRSS")
	g, err := startBenchRig(b.ctx, engine.Config{Lanes: 1}, nil, benchHouse{sessions: true})
	if err != nil {
		return nil, err
	}
	defer g.stop()
	var w stopwatch
	w.start()
	records, datagrams, err := g.distinct(b.size.live)
	w.stop()
	if err != nil {
		return nil, err
	}
	l := &benchLoad{records: records, datagrams: make([]wire.Datagram, datagrams)}
	r := &benchResult{Lanes: 1}
	r.took(l, []spent{w.total})
	settleMemory()
	r.memory(l)
	r.Keys = g.View().Counts[0].Sessions
	r.KeyBytes = (r.RSSMiB - before) * mebibyte / float64(max(r.Keys, 1))
	r.Stored = map[string]float64{"B/session counted": float64(g.View().Counts[0].SessionBytes) / float64(max(r.Keys, 1))}
	r.expect("live sessions", uint64(r.Keys), records)
	return r, b.ctx.Err()
}

// hosts measures a network of many active addresses over UDP, live, with everything on but flow definitions: memory,
// times of ticks, and what is lost while buckets of all those keys are closed, at half of the highest rate.
func (b *bench) hosts(*benchLoad) (*benchResult, error) {
	l, err := newHostLoad(b.size.hosts)
	if err != nil {
		return nil, err
	}
	var sum keptSum
	var ticks tickClock
	lo, err := startLoopback(b.ctx, func(e *engine.Engine) (pacer, error) {
		sum.follow(e)
		ticks.follow(e)
		return ticks.pace, e.Do(manyHosts(e, b.size.hosts+b.size.hosts/10, b.size.bucket))
	})
	if err != nil {
		return nil, err
	}
	r := &benchResult{Lanes: lo.engine.Lanes()}
	// The tables grow before anything is measured: all hosts once, slowly.
	_, err = lo.send(b.ctx, l, hostWarmUp, time.Duration(len(l.datagrams))*time.Second/hostWarmUp)
	var best *stretch
	if err == nil {
		long := *b
		long.size.step, long.size.steps = b.size.slice, min(b.size.steps, 7)
		best, err = long.search(lo, l, r)
	}
	if err == nil && best != nil {
		r.LossFree = best.rate()
		settleMemory()
		ticks.forget()
		err = b.half(lo, l, r)
	}
	r.ticks(ticks.sorted())
	r.memory(l)
	if err := errors.Join(err, lo.stop()); err != nil {
		return nil, err
	}
	lo.check(r)
	r.expect("bytes of all traffic in closed buckets", sum.total(), lo.octets())
	for _, n := range sum.hosts {
		r.Keys = max(r.Keys, n)
	}
	r.KeyBytes = (r.PeakMiB - r.LoadMiB) * mebibyte / float64(max(r.Keys, 1))
	return r, nil
}

// hostWarmUp is how many datagrams a second come first.
const hostWarmUp = 4000

// half sends at half of the highest rate for two buckets and a bit, so that at least two are closed.
func (b *bench) half(lo *loopback, l *benchLoad, r *benchResult) error {
	s, err := lo.send(b.ctx, l, r.LossFree/2, 2*b.size.bucket+6*time.Second)
	if err != nil {
		return err
	}
	r.Records, r.Datagrams, r.Drops = s.records, s.received, s.sent-s.received
	n := float64(max(s.records, 1))
	r.RecordsRate, r.DatagramsRate = n/s.wall.Seconds(), float64(s.received)/s.wall.Seconds()
	r.WallNanos, r.CPUNanos, r.Allocs = float64(s.wall)/n, float64(s.cpu)/n, float64(s.allocs)/n
	return nil
}

// octets returns the bytes of the records that the definitions counted: all that were received.
func (lo *loopback) octets() uint64 { return lo.engine.View().Books.Records() * hostOctets }

// hostOctets are the bytes of every record of the load of many hosts, so that what arrived tells the sum.
const hostOctets = 1500

// newHostLoad builds flow records of two exporters' worth of conversations for each of so many hosts: each host sends
// once and receives once in a round, and its two conversations are seen by different exporters, as a rule in different
// lanes.
func newHostLoad(hosts int) (*benchLoad, error) {
	b, err := newFlowLoad(formatV5)
	if err != nil {
		return nil, err
	}
	l := &benchLoad{format: formatV5}
	order := rand.New(rand.NewPCG(3, 4)).Perm(hosts)
	var ends []int
	for x, i := 0, 0; i < hosts; x = (x + 1) % benchExporters {
		w, n := b.builders[x], 0
		w.Begin(netflow.Header{Export: benchBegin, Uptime: 3_600_000})
		for ; n < b.most && i < hosts; n, i = n+1, i+1 {
			f := benchFlow{src: 10<<24 | uint32(order[i]), dst: 10<<24 | uint32(order[(i+b.most)%hosts]), srcPort: 40_000,
				dstPort: 443, proto: 6}
			w.Record(b.layout, b.record(&f, uint64(i%benchPorts), hostOctets, 3)...)
			l.count(&f, hostOctets, 3)
		}
		d, err := w.Datagram()
		if err != nil {
			return nil, fmt.Errorf("BUG: bench: %w", err)
		}
		l.data = append(l.data, d...)
		ends = append(ends, len(l.data))
		l.add(x, n, wire.Datagram{})
	}
	begin := 0
	for i, end := range ends {
		l.datagrams[i].Data = l.data[begin:end:end]
		begin = end
	}
	return l, nil
}

// pace ticks an engine by the clock and measures how long each tick takes to its view.
func (c *tickClock) pace(ctx context.Context, e *engine.Engine, every time.Duration) error {
	beat := time.NewTicker(every)
	defer beat.Stop()
	for seq := uint64(1); ; seq++ {
		select {
		case <-ctx.Done():
			return nil
		case now := <-beat.C:
			c.begin(seq)
			if err := e.Tick(ctx, schema.Instant(now.UnixNano())); err != nil {
				return err
			}
		}
	}
}

// forget begins anew.
func (c *tickClock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = nil
}
