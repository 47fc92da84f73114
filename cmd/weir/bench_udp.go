package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"runtime"
	"sync"
	"time"

	"weir/engine"
	"weir/ingest"
	"weir/vitals"
	"weir/wire"
)

const (
	benchLoss      = 0.001  // a rate is loss-free when less than this is lost
	benchFirstRate = 10_000 // datagrams a second, to learn exporters and flows
	benchBurst     = time.Millisecond
)

// loopback is a live engine that receives on a UDP port of its own, and sockets to send to it: one per exporter.
type loopback struct {
	engine  *engine.Engine
	vitals  *vitals.Set
	senders []*net.UDPConn
	next    int // datagram of the load
	stop    func() error
}

// startLoopback starts one; prepare may change the engine before it runs, and returns who ticks it.
func startLoopback(ctx context.Context, prepare func(*engine.Engine) (pacer, error)) (*loopback, error) {
	e, err := engine.New(engine.DefaultConfig())
	if err != nil {
		return nil, err
	}
	pace, err := prepare(e)
	if err != nil {
		return nil, err
	}
	lo := &loopback{engine: e, vitals: vitals.New()}
	c := ingest.Config{SFlow: "127.0.0.1:0", Buffer: ingest.DefaultConfig().Buffer}
	in, err := ingest.Listen(c, e, lo.vitals, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := lo.connect(net.UDPAddrFromAddrPort(in.Addresses()["sflow"])); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	sources, endSources := context.WithCancel(ctx)
	running, endEngine := context.WithCancel(context.WithoutCancel(ctx))
	var receiving, counting sync.WaitGroup
	var failed error
	receiving.Go(func() { failed = in.Run(sources) })
	receiving.Go(func() { _ = pace(sources, e, engine.DefaultConfig().Tick) }) // it has no error to tell
	counting.Go(func() { _ = e.Run(running) })                                 // nor has this
	lo.stop = func() error {
		endSources()
		receiving.Wait()
		endEngine()
		counting.Wait()
		for _, s := range lo.senders {
			failed = errors.Join(failed, s.Close())
		}
		lo.senders = nil
		return failed
	}
	return lo, nil
}

// pacer ticks an engine until its context ends.
type pacer func(ctx context.Context, e *engine.Engine, every time.Duration) error

// withDefinitions puts the five definitions in force; counter groups and sessions are on anyway.
func withDefinitions(e *engine.Engine) (pacer, error) {
	for _, d := range benchDefinitions() {
		if err := e.Do(engine.DefineFlow{Definition: d}); err != nil {
			return nil, err
		}
	}
	return ingest.Pace, nil
}

// connect opens a socket for each exporter, with its address where the system lets us: in NetFlow the sender's address
// is all that tells exporters apart.
func (lo *loopback) connect(to *net.UDPAddr) error {
	for x := range benchExporters {
		from := net.UDPAddr{IP: benchExporter(x).Netip().AsSlice()}
		s, err := net.DialUDP("udp4", &from, to)
		if err != nil {
			s, err = net.DialUDP("udp4", nil, to)
		}
		if err != nil {
			return err
		}
		lo.senders = append(lo.senders, s)
	}
	return nil
}

// stretch is what became of some time of sending at one rate.
type stretch struct {
	spent
	sent, received, allocs uint64 // received: by the decoder
	records                uint64
}

func (s *stretch) rate() float64 { return float64(s.sent) / s.wall.Seconds() }

// lossFree tells whether next to nothing was lost.
func (s *stretch) lossFree() bool { return float64(s.sent-s.received) < benchLoss*float64(s.sent) }

// send sends for a time at a rate of datagrams a second, in bursts of a millisecond, and waits until what was received
// is counted. The sender has a thread of its own, so that its CPU time can be told from the receiver's.
func (lo *loopback) send(ctx context.Context, l *benchLoad, rate float64, long time.Duration) (*stretch, error) {
	var s stretch
	var sender time.Duration
	before, allocs, cpu := lo.engine.View().Books, mallocs(), cpuTime(runSelf)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		start, begin := cpuTime(runThread), time.Now()
		var err error
		for err == nil && ctx.Err() == nil {
			passed := time.Since(begin)
			if passed >= long {
				break
			}
			due := uint64(rate * passed.Seconds())
			for ; s.sent < due && err == nil && time.Since(begin) < long; s.sent++ {
				err = lo.sendOne(l)
			}
			time.Sleep(benchBurst)
		}
		s.wall, sender = time.Since(begin), cpuTime(runThread)-start
		done <- err
	}()
	if err := <-done; err != nil {
		return nil, err
	}
	books := lo.settle(ctx)
	s.cpu = cpuTime(runSelf) - cpu - sender
	s.allocs = mallocs() - allocs
	s.received, s.records = books.Received-before.Received, books.Records()-before.Records()
	return &s, ctx.Err()
}

func (lo *loopback) sendOne(l *benchLoad) error {
	i := lo.next
	lo.next = (i + 1) % len(l.datagrams)
	l.renumber(i)
	_, err := lo.senders[l.exporters[i]].Write(l.datagrams[i].Data)
	return err
}

// settle waits until nothing more is counted.
func (lo *loopback) settle(ctx context.Context) (b wire.Books) {
	for same := 0; same < 3 && ctx.Err() == nil; {
		time.Sleep(engine.DefaultConfig().Tick)
		now := lo.engine.View().Books
		if same++; now.Received != b.Received {
			same = 0
		}
		b = now
	}
	return b
}

// udp measures the whole road: sockets, engine, five definitions, counter groups, sessions. It looks for the highest
// rate without loss, by doubling until there is some and then halving the distance.
func (b *bench) udp(l *benchLoad) (*benchResult, error) {
	lo, err := startLoopback(b.ctx, withDefinitions)
	if err != nil {
		return nil, err
	}
	r := &benchResult{Lanes: lo.engine.Lanes(), Definitions: len(benchDefinitions())}
	best, err := b.search(lo, l, r)
	r.memory(l)
	if err := errors.Join(err, lo.stop()); err != nil {
		return nil, err
	}
	lo.check(r)
	if best == nil {
		return r, nil
	}
	r.Records, r.Datagrams = best.records, best.received
	r.LossFree, r.Drops = best.rate(), best.sent-best.received
	r.RecordsRate = float64(best.records) / best.wall.Seconds()
	r.DatagramsRate = float64(best.received) / best.wall.Seconds()
	n := float64(max(best.records, 1))
	r.WallNanos, r.CPUNanos, r.Allocs = float64(best.wall)/n, float64(best.cpu)/n, float64(best.allocs)/n
	return r, nil
}

// search returns the fastest stretch without loss, nil when there was none.
func (b *bench) search(lo *loopback, l *benchLoad, r *benchResult) (best *stretch, err error) {
	if _, err := lo.send(b.ctx, l, benchFirstRate, b.size.step); err != nil {
		return nil, err
	}
	low, high, rate := 0.0, math.Inf(1), 2.0*benchFirstRate
	for range b.size.steps {
		s, err := lo.send(b.ctx, l, rate, b.size.step)
		if err != nil {
			return nil, err
		}
		if !s.lossFree() {
			high = rate
		} else {
			low = rate
			if best == nil || s.rate() > best.rate() {
				best = s
			}
			if s.rate() < 0.9*rate {
				r.SenderBound = true
				return best, nil
			}
		}
		if high < 1.1*low {
			break
		}
		rate = (low + high) / 2
		if math.IsInf(high, 1) {
			rate = 2 * low
		}
	}
	return best, nil
}

// check holds what the sockets received against what the decoders were given; the engine has stopped.
func (lo *loopback) check(r *benchResult) {
	books := lo.engine.View().Books
	r.Books = books.Difference()
	if r.Books != 0 {
		r.fault("the decoder's books are off by %d", r.Books)
	}
	count := func(name string, labels ...string) uint64 {
		return lo.vitals.Counter(name, append([]string{"listener", "sflow"}, labels...)...).Get()
	}
	refused := count("weir_ingest_refused_total", "reason", "lane_full") +
		count("weir_ingest_refused_total", "reason", "cut")
	r.expect("datagrams given to decoders", books.Received, count("weir_ingest_datagrams_total")-refused)
	r.expect("datagrams decoded", books.Decoded, books.Received)
}
