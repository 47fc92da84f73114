package sim

import (
	"fmt"
	"math"
	"time"

	"weir/schema"
	"weir/wire/sflow"
)

// machine is the operating system of a host or a switch: what its counters say.
type machine struct {
	network  *Network
	name     string
	counters uint32
	booted   schema.Instant
	busy     float64 // 0..1
	cpu      float64 // ms of work so far
	idle     float64
	switches uint32
}

func newMachine(n *Network, name string) machine {
	return machine{network: n, name: name, booted: n.now.Add(-time.Hour), busy: 0.1}
}

func (m *machine) restart() {
	*m = machine{network: m.network, name: m.name, booted: m.network.now, busy: m.busy}
}

// uuid returns an identifier made of a name.
func uuid(name string) (id [16]byte) {
	for i := range len(name) {
		id[i%16] = id[i%16]*31 + name[i]
	}
	id[6], id[8] = 0x40|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

// begin opens a counter sample of the machine and writes who it is and how busy it was.
func (m *machine) begin(a *agent) {
	a.room(600)
	m.counters++
	a.builder.CounterSample(&sflow.Sample{Sequence: m.counters, Class: 2, Index: 1}, sflow.Compact)
	a.builder.HostDescr(m.name, uuid(m.name), 3, 2, "6.12.0")
	period := m.network.options.Polling.Seconds() * 1000
	const cpus = 8
	m.cpu += period * cpus * m.busy
	m.idle += period * cpus * (1 - m.busy)
	m.switches += uint32(period * (1 + 20*m.busy))
	load := float32(cpus * m.busy)
	a.builder.HostCPU(&sflow.HostCPU{
		Load1: load, Load5: load, Load15: load, ProcRun: uint32(load) + 1, ProcTotal: 240, CPUs: cpus, Speed: 2400,
		Uptime: uint32(m.network.now.Sub(m.booted).Seconds()), User: uint32(m.cpu * 0.7), System: uint32(m.cpu * 0.25),
		SoftIRQ: uint32(m.cpu * 0.05), Idle: uint32(m.idle), Interrupts: m.switches / 2, Contexts: m.switches,
	})
	const gib = 1 << 30
	a.builder.HostMemory(&sflow.HostMemory{
		Total: 32 * gib, Free: uint64((1 - 0.5*m.busy) * 20 * gib), Buffers: gib, Cached: 6 * gib, SwapTotal: 4 * gib,
		SwapFree: 4 * gib,
	})
}

// poll writes the counters of a switch's own processor.
func (m *machine) poll(a *agent) {
	m.busy = 0.05 + 0.05*m.network.wave(37, 0)
	m.begin(a)
}

// hostAgent is the sFlow agent of a host: its counters, those of its containers or virtual machines, and, on a web
// server, HTTP transactions.
type hostAgent struct {
	agent
	host        *host
	machine     machine
	containers  int
	virtual     []virtual
	transaction uint32
	requests    uint32
	due         float64 // transactions that have not been sent yet
	pool        uint32
	http        [15]uint32
	disk        uint32
}

// virtual is a container or virtual machine.
type virtual struct {
	name     string
	counters uint32
	cpu      float64 // ms
	bytes    uint64
}

// Datasources of class 3 on a host: the HTTP service, and the first container.
const (
	httpIndex      = 65536 + 80
	containerIndex = 1000
)

func newHostAgent(n *Network, h *host, address schema.Addr) *hostAgent {
	short := h.name[:len(h.name)-len(".example.net")]
	a := &hostAgent{agent: newAgent(n, short, address), host: h, machine: newMachine(n, short)}
	switch h.role {
	case "web":
		a.containers = 2
	case "hv":
		a.containers = 4
	}
	a.reset()
	return a
}

func (a *hostAgent) reset() {
	a.virtual = nil
	for i := range a.containers {
		kind := "container"
		if a.host.role == "hv" {
			kind = "vm"
		}
		a.virtual = append(a.virtual, virtual{name: fmt.Sprintf("%s-%s%d", a.name, kind, i+1)})
	}
	a.requests, a.transaction, a.due, a.pool, a.http, a.disk = 0, 0, 0, 0, [15]uint32{}, 0
}

func (a *hostAgent) restart() {
	a.reboot()
	a.machine.restart()
	a.reset()
}

func (a *hostAgent) observe(*stream, uint32, uint32) {}

// turns is the number of hosts among which a period of polling is divided.
const turns = 16

func (a *hostAgent) advance() {
	n := a.network
	if n.dueAt(n.options.Polling, int(a.addr[15])%turns, turns) {
		a.poll()
	}
	if a.host.role == "web" {
		a.serve()
	}
	if n.steps%flushSteps == 0 {
		a.flush()
	}
}

// poll writes the counters of the host and of what runs on it.
func (a *hostAgent) poll() {
	m := &a.machine
	m.busy = 0.3 + 0.25*a.network.wave(53, float64(a.addr[15]))
	m.begin(&a.agent)
	a.disk += uint32(2000 * m.busy)
	a.builder.HostDisk(&sflow.HostDisk{
		Total: 1 << 40, Free: 1<<39 - uint64(a.disk)*4096, MaxUsed: 6000, Reads: a.disk / 2, Writes: a.disk,
		BytesRead: uint64(a.disk) * 8192, BytesWritten: uint64(a.disk) * 4096, ReadTime: a.disk / 4,
		WriteTime: a.disk / 2,
	})
	a.builder.HostNet(2006, &sflow.NetCounters{Bytes: a.host.received, Packets: uint32(a.host.recvPkts)},
		&sflow.NetCounters{Bytes: a.host.sent, Packets: uint32(a.host.sentPkts)})
	a.builder.Record(0, 2001, a.adapters())
	for i := range a.virtual {
		a.pollVirtual(i)
	}
	if a.host.role == "web" {
		a.room(200)
		a.requests++
		a.builder.CounterSample(&sflow.Sample{Sequence: a.requests, Class: 3, Index: httpIndex}, sflow.Compact)
		a.builder.HTTPCounters(&a.http)
		a.builder.AppWorkers(uint32(40*m.busy), 64-uint32(40*m.busy), 64, 0, 0)
	}
}

// adapters returns the body of host_adapters (0:2001): one interface with one address.
func (a *hostAgent) adapters() []byte {
	b := []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1}
	return append(append(b, a.host.mac[:]...), 0, 0)
}

func (a *hostAgent) pollVirtual(i int) {
	v := &a.virtual[i]
	share := (0.1 + 0.1*a.network.wave(29, float64(7*i))) * a.machine.busy
	period := a.network.options.Polling.Seconds() * 1000
	v.cpu += period * 2 * share
	v.bytes += uint64(period * 40_000 * share)
	v.counters++
	a.room(500)
	a.builder.CounterSample(&sflow.Sample{
		Sequence: v.counters, Class: 3, Index: containerIndex + uint32(i),
	}, sflow.Compact)
	a.builder.HostDescr(v.name, uuid(v.name), 3, 2, "6.12.0")
	a.builder.Words(0, 2002, 2, 1)                // host_parent: the physical host
	a.builder.Words(0, 2101, 1, uint32(v.cpu), 2) // virt_cpu: running
	a.builder.Words(0, 2102, 0, 512<<20, 1, 0)    // virt_memory: 512 MiB of 4 GiB
	a.builder.HostNet(2104, &sflow.NetCounters{Bytes: v.bytes, Packets: uint32(v.bytes / 700)},
		&sflow.NetCounters{Bytes: v.bytes / 2, Packets: uint32(v.bytes / 900)})
}

// httpRate is the sampling rate of HTTP transactions.
const httpRate = 10

var paths = []string{
	"/", "/index.html", "/css/site.css", "/js/app.js", "/api/v1/orders", "/api/v1/items?page=2", "/images/logo.png",
	"/search?q=weir", "/login", "/checkout",
}

// serve sends samples of the transactions that a web server answered in this step.
func (a *hostAgent) serve() {
	n := a.network
	a.due += 400 * n.options.Load * n.wave(97, 0) * step.Seconds() / httpRate
	for ; a.due >= 1; a.due-- {
		a.transact()
	}
}

func (a *hostAgent) transact() {
	rng := a.network.rng
	client := a.network.fabric.outer[int(96*math.Pow(rng.Float64(), 2))]
	path := paths[int(float64(len(paths))*math.Pow(rng.Float64(), 1.7))]
	status, method := int32(200), uint32(2)
	switch u := rng.Float64(); {
	case u < 0.02:
		status = 500
	case u < 0.08:
		status = 404
	case u < 0.12:
		status = 304
	}
	if path == "/login" || path == "/checkout" {
		method = 4
	}
	size := uint64(800 + 40_000*math.Pow(rng.Float64(), 3))
	a.http[method-1] += httpRate
	a.http[9+status/100-1] += httpRate
	a.transaction++
	a.pool += httpRate
	a.room(400)
	a.builder.FlowSample(&sflow.Sample{
		Sequence: a.transaction, Class: 3, Index: httpIndex, Rate: httpRate, Pool: a.pool,
		In: schema.Port{Value: schema.PortInternal},
	}, sflow.Compact)
	a.builder.HTTP(&sflow.HTTP{
		Method: method, Protocol: 1001, URI: []byte(path), Host: []byte("www.example.net"),
		UserAgent: []byte("sim/1.0"), MIMEType: []byte("text/html"), ReqBytes: 300, RespBytes: size,
		Duration: uint32(1500 + 60_000*math.Pow(rng.Float64(), 4)), Status: status,
	})
	a.builder.Socket(2100, &sflow.Socket{
		Protocol: protoTCP, Local: a.host.ip4[12:], Remote: client.ip4[12:], LocalPort: 80,
		RemotePort: 32768 + uint32(rng.IntN(28000)),
	})
}
