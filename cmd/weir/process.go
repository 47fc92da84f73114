package main

import (
	"maps"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"weir/face/sflowrt"
	"weir/vitals"
)

// process answers what a face wants to know of the process.
type process struct {
	hostname  string
	listeners map[string]string
	house     *house // its server is made later, and answers only when it listens
	lost      []*vitals.Counter

	mu   sync.Mutex
	seen time.Time     // when load was last reckoned
	used time.Duration // CPU time by then
	load float64
}

func newProcess(h *house, listeners map[string]string) *process {
	p := &process{house: h, listeners: maps.Clone(listeners), seen: time.Now(), used: cpuTime(runSelf)}
	for name := range listeners {
		p.lost = append(p.lost, h.vitals.Counter("weir_ingest_kernel_drops_total", "listener", name),
			h.vitals.Counter("weir_ingest_refused_total", "listener", name, "reason", "lane_full"))
	}
	// Without a name the machine is nameless; that is no reason not to start.
	p.hostname, _ = os.Hostname()
	return p
}

// figures returns the figures of now.
func (p *process) figures() sflowrt.Process {
	out := sflowrt.Process{
		Hostname: p.hostname, Listeners: maps.Clone(p.listeners), HeapUsed: heap(), CPULoad: p.cpuLoad(),
		HTTPConnections: p.house.server.Connections(),
	}
	if a := p.house.server.Address(); a != nil {
		out.Listeners["http"] = a.String()
	}
	for _, c := range p.lost {
		out.Discarded += c.Get()
	}
	return out
}

// cpuLoad returns the share of all cores that the process used since the last call, or some seconds.
func (p *process) cpuLoad() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if passed := now.Sub(p.seen); passed >= time.Second {
		used := cpuTime(runSelf)
		p.load = min(float64(used-p.used)/float64(passed)/float64(runtime.NumCPU()), 1)
		p.seen, p.used = now, used
	}
	return p.load
}

// heap returns the bytes of live and dead objects on the heap.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
