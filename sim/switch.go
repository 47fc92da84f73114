package sim

import (
	"math"
	"time"

	"weir/schema"
	"weir/wire/sflow"
)

// maxDatagram is how long exporters let a datagram grow, bytes: what Ethernet carries, with room for headers.
const maxDatagram = 1400

// flushSteps is after how many steps an sFlow agent sends what it has; the standard allows a second.
const flushSteps = 5

// agent is what every sFlow agent has: a name and a datagram that grows.
type agent struct {
	network *Network
	name    string
	addr    schema.Addr
	booted  schema.Instant
	seq     uint32
	builder sflow.Builder
	buf     []byte
	open    bool
	told    []Told
}

func newAgent(n *Network, name string, address schema.Addr) agent {
	return agent{network: n, name: name, addr: address, booted: n.now.Add(-time.Hour)}
}

// address returns the agent address.
func (a *agent) address() schema.Addr { return a.addr }

func (a *agent) exporter() Exporter { return Exporter{a.name, a.addr, SFlow, 5} }

// room makes sure that the open datagram has room for a sample of size bytes.
func (a *agent) room(size int) {
	if a.open && a.builder.Len()+size > maxDatagram {
		a.flush()
	}
	if !a.open {
		a.seq++
		a.builder.Start(a.buf, sflow.Head{
			Agent: a.addr, Sequence: a.seq, Uptime: millis(a.network.now.Sub(a.booted)),
		})
		a.open = true
	}
}

// flush sends the open datagram.
func (a *agent) flush() {
	if !a.open {
		return
	}
	a.open = false
	a.buf = a.builder.Bytes()
	d := Datagram{At: a.network.now, From: a.addr, Name: a.name, Protocol: SFlow, Data: a.buf, Told: a.told}
	a.told = nil
	a.network.wire.send(d, false)
}

// drain sends the open datagram.
func (a *agent) drain() { a.flush() }

// reboot forgets the datagram and starts the numbers anew.
func (a *agent) reboot() {
	a.open, a.told, a.seq, a.booted = false, nil, 0, a.network.now
}

// netSwitch is a switch that samples every packet that comes in with the same probability.
type netSwitch struct {
	agent
	rate    uint32
	indexes []uint32
	ports   map[uint32]*port
	device  machine
}

// port is an interface of a switch.
type port struct {
	index           uint32
	skip            uint64 // packets until the next sample
	pool            uint32
	samples         uint32 // sequence numbers
	counters        uint32
	discards        uint32
	dropped         uint32
	in, out         flowing
	refused, phrase uint64
}

// flowing counts one direction of an interface.
type flowing struct{ octets, packets uint64 }

func newSwitch(n *Network, name string, address schema.Addr, indexes []uint32) *netSwitch {
	s := &netSwitch{agent: newAgent(n, name, address), rate: n.options.Rate, indexes: indexes}
	s.device = newMachine(n, name)
	s.reset()
	if n.options.Faults.NearWrap {
		for _, i := range s.indexes {
			near := flowing{math.MaxUint64 - 200_000_000, math.MaxUint32 - 100_000}
			s.ports[i].in, s.ports[i].out = near, near
		}
	}
	return s
}

func (s *netSwitch) reset() {
	s.ports = map[uint32]*port{}
	for _, i := range s.indexes {
		s.ports[i] = &port{index: i, skip: s.skip()}
	}
}

// skip returns how many packets on the next sample is: geometric, so that each packet has the same probability.
func (s *netSwitch) skip() uint64 {
	if s.rate <= 1 {
		return 1
	}
	u := 1 - s.network.rng.Float64() // never 0
	return 1 + uint64(math.Log(u)/math.Log1p(-1/float64(s.rate)))
}

func (s *netSwitch) observe(st *stream, in, out uint32) {
	p, q := s.ports[in], s.ports[out]
	p.in.octets += st.packets * uint64(st.length)
	p.in.packets += st.packets
	q.out.octets += st.packets * uint64(st.length)
	q.out.packets += st.packets
	left := st.packets
	for left >= p.skip {
		left -= p.skip
		p.pool += uint32(p.skip)
		p.skip = s.skip()
		s.sample(p, st, out)
	}
	p.skip -= left
	p.pool += uint32(left)
	if st.flood && out < uplink && s.indexes[len(s.indexes)-1] >= uplink {
		s.discard(p, st, out)
	}
}

// sample writes a flow sample of a packet of a stream.
func (s *netSwitch) sample(p *port, st *stream, out uint32) {
	s.room(sampleSize + len(st.frame))
	p.samples++
	// The pool counts the packets up to this one; the skip of the next sample is not part of it.
	s.builder.FlowSample(&sflow.Sample{
		Sequence: p.samples, Index: p.index, Rate: s.rate, Pool: p.pool, Drops: p.dropped,
		In: schema.Port{Value: p.index}, Out: schema.Port{Value: out},
	}, sflow.Compact)
	s.builder.Header(&sflow.Header{Protocol: 1, Length: st.length, Stripped: fcs, Bytes: st.frame})
	vlan := uint32(max(st.vlan, 1))
	s.builder.Switch(sflow.Switch{SrcVLAN: vlan, DstVLAN: vlan})
	if s.network.options.Told {
		rate := uint64(s.rate)
		s.told = append(s.told, Told{
			Source: schema.Source{Exporter: s.addr, Index: p.index}, Key: st.key, Rate: s.rate,
			Bytes: rate * uint64(st.length), Packets: rate,
		})
	}
}

// sampleSize is about what a flow sample takes in a datagram beside the header of the packet, bytes.
const sampleSize = 100

// reasonACL is the drop reason of packets that an access list refuses.
const reasonACL = 258

// discard tells of one of the packets of a flood that the switch throws away, at most one for each step.
func (s *netSwitch) discard(p *port, st *stream, out uint32) {
	if p.phrase == uint64(s.network.steps) {
		p.refused++
		return
	}
	p.phrase = uint64(s.network.steps)
	s.room(sampleSize + len(st.frame))
	p.discards++
	s.builder.DiscardSample(&sflow.Sample{
		Sequence: p.discards, Index: p.index, In: schema.Port{Value: p.index}, Out: schema.Port{Value: out},
		Reason: reasonACL,
	})
	s.builder.Header(&sflow.Header{Protocol: 1, Length: st.length, Stripped: fcs, Bytes: st.frame})
}

func (s *netSwitch) advance() {
	for k, i := range s.indexes {
		if s.network.dueAt(s.network.options.Polling, k, len(s.indexes)+1) {
			s.poll(s.ports[i])
		}
	}
	if s.network.dueAt(s.network.options.Polling, len(s.indexes), len(s.indexes)+1) {
		s.device.poll(&s.agent)
	}
	if s.network.steps%flushSteps == 0 {
		s.flush()
	}
}

// dueAt tells whether the turn k of n in each period is in this step.
func (n *Network) dueAt(period time.Duration, k, of int) bool {
	offset := time.Duration(k) * period / time.Duration(of)
	return (int64(n.now-n.options.Began)+int64(offset))%int64(period) < int64(step)
}

// poll writes the counters of an interface.
func (s *netSwitch) poll(p *port) {
	s.room(300)
	p.counters++
	speed := uint64(10_000_000_000)
	if p.index >= uplink || s.indexes[len(s.indexes)-1] < uplink {
		speed = 40_000_000_000
	}
	s.builder.CounterSample(&sflow.Sample{Sequence: p.counters, Index: p.index}, sflow.Compact)
	s.builder.IfCounters(&sflow.IfCounters{
		Index: p.index, Type: 6, Speed: speed, Direction: 1, Status: 3,
		In: sflow.IfDirection{
			Octets: p.in.octets, Unicast: uint32(p.in.packets), Discards: uint32(p.refused), Broadcast: p.counters,
		},
		Out: sflow.IfDirection{Octets: p.out.octets, Unicast: uint32(p.out.packets), Multicast: 2 * p.counters},
	})
	s.builder.EthernetCounters(&[13]uint32{})
	s.builder.PortName(portName(p.index))
}

func (s *netSwitch) restart() {
	s.reboot()
	s.reset()
	s.device.restart()
}

// changeRate changes between the rate of the options and twice that.
func (s *netSwitch) changeRate() {
	if s.rate == s.network.options.Rate {
		s.rate *= 2
	} else {
		s.rate = s.network.options.Rate
	}
	for _, i := range s.indexes {
		s.ports[i].skip = s.skip()
	}
}
