package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"weir/schema"
)

// Protocol says where a datagram goes.
type Protocol uint8

// The protocols, each with a port of its own by habit: 6343, 2055 and 4739.
const (
	SFlow Protocol = iota
	NetFlow
	IPFIX
)

// String returns the protocol as the demo names it.
func (p Protocol) String() string { return [...]string{"sflow", "netflow", "ipfix"}[p%3] }

// Port returns the UDP port that collectors listen on by habit.
func (p Protocol) Port() uint16 { return [...]uint16{6343, 2055, 4739}[p%3] }

// Datagram is the payload of one UDP datagram on its way to the collector.
type Datagram struct {
	At       schema.Instant // when it arrives
	From     schema.Addr    // address of the exporter, which is also the agent address inside sFlow
	Name     string         // of the exporter
	Protocol Protocol
	Data     []byte // lives until emit returns
	// Told is what the datagram says about traffic, when Options.Told asks for it; it may be kept.
	Told []Told
}

// Frame is one packet as a capture on the tap sees it: the first bytes of it.
type Frame struct {
	At     schema.Instant
	Data   []byte // Ethernet, at most 128 bytes; lives until emit returns
	Length uint32 // bytes on the wire, without the FCS
}

// Key names the ends of a stream of packets.
type Key struct {
	Src, Dst         schema.Addr
	SrcPort, DstPort uint16
	Proto            uint8
}

// Passed says that packets of a stream passed an exporter; it is the truth.
type Passed struct {
	At       schema.Instant // the end of the step of simulated time in which they did
	Exporter schema.Addr
	In, Out  uint32 // ifIndex
	Key      Key
	Length   uint32 // of each frame, bytes with FCS
	L3       uint32 // of each IP datagram, bytes
	Packets  uint64
}

// Told is what a datagram says of packets: a sample, or a flow record.
type Told struct {
	Source         schema.Source
	Key            Key
	Rate           uint32 // one in Rate was seen
	Bytes, Packets uint64 // scaled by Rate; frames with FCS for samples, layer 3 for flow records
}

// step is the grain of simulated time.
const step = schema.Instant(50 * time.Millisecond)

// Network is a simulated network; see the package comment.
type Network struct {
	options Options
	rng     *rand.Rand
	now     schema.Instant
	fabric  *fabric
	traffic *traffic
	wire    *lossyWire
	frames  func(Frame)
	steps   int64
}

// New returns a network that has just come up. The same seed and options give the same network.
func New(seed uint64, o Options) *Network {
	o = o.withDefaults()
	n := &Network{options: o, rng: rand.New(rand.NewPCG(seed, 0x77656972)), now: o.Began}
	n.wire = newLossyWire(n.rng, o.Faults)
	n.fabric = newFabric(n)
	n.traffic = newTraffic(n)
	return n
}

// Now returns the simulated time, which Run has come to.
func (n *Network) Now() schema.Instant { return n.now }

// Run lets time pass until an instant (rounded down to steps of 50 ms) and calls emit for each datagram that arrives
// at the collector.
func (n *Network) Run(until schema.Instant, emit func(Datagram)) {
	n.wire.emit = emit
	for n.now+step <= until {
		n.step()
	}
}

// Frames lets time pass as Run does and calls emit for every packet that enters the network, instead of sending
// telemetry about it. A Network is for one or the other.
func (n *Network) Frames(until schema.Instant, emit func(Frame)) {
	n.frames = emit
	n.wire.emit = func(Datagram) {}
	for n.now+step <= until {
		n.step()
	}
}

// Drain lets all exporters report what they hold, and what was late arrive, as if the network stopped now: after it
// what was told is everything that there is to tell.
func (n *Network) Drain(emit func(Datagram)) {
	n.wire.emit = emit
	for _, d := range n.fabric.devices {
		d.drain()
		if late, waits := n.wire.held[d.address()]; waits {
			delete(n.wire.held, d.address())
			emit(late)
		}
	}
}

// step lets one step of time pass.
func (n *Network) step() {
	n.now += step
	n.steps++
	n.traffic.advance()
	n.faults()
	if n.frames != nil {
		n.spread()
		return
	}
	for _, s := range n.traffic.streams {
		if s.packets == 0 {
			continue
		}
		for _, h := range s.path {
			h.device.observe(s, h.in, h.out)
			if n.options.Truth != nil {
				n.options.Truth(Passed{
					At: n.now, Exporter: h.device.address(), In: h.in, Out: h.out, Key: s.key, Length: s.length,
					L3: s.l3, Packets: s.packets,
				})
			}
		}
	}
	for _, d := range n.fabric.devices {
		d.advance()
	}
}

// every tells whether a step ends another period of the network's life.
func (n *Network) every(period time.Duration) bool {
	return period > 0 && int64(n.now-n.options.Began)%int64(period) < int64(step)
}

// faults lets the exporters suffer what the options ask for.
func (n *Network) faults() {
	f := &n.options.Faults
	if n.every(f.RestartEvery) {
		turn := int(int64(n.now-n.options.Began)/int64(f.RestartEvery)) % len(n.fabric.devices)
		n.fabric.devices[turn].restart()
		n.wire.injected.Restarts++
	}
	if n.every(f.RateEvery) {
		for _, s := range n.fabric.switches {
			s.changeRate()
		}
		n.wire.injected.RateChanges++
	}
	if n.every(f.ClockEvery) {
		for _, r := range n.fabric.routers {
			r.jump(f.Clock)
		}
		n.wire.injected.ClockJumps++
	}
}

// spread hands the packets of a step to a capture, in the order of time.
func (n *Network) spread() {
	var all []Frame
	for _, s := range n.traffic.streams {
		for i := range s.packets {
			// Golden ratio steps spread the packets of different streams without two at the same instant.
			turn := math.Mod(float64(i+1)*math.Phi+s.phase, 1)
			all = append(all, Frame{
				At: n.now - step + schema.Instant(turn*float64(step)), Data: s.frame, Length: s.length - fcs,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b Frame) int { return cmp.Compare(a.At, b.At) })
	for _, f := range all {
		n.frames(f)
	}
}

// Exporter is one exporter of the network.
type Exporter struct {
	Name     string
	Address  schema.Addr
	Protocol Protocol
	Version  uint16 // of NetFlow; 10 for IPFIX, 5 for sFlow
}

// Exporters returns all exporters, in a fixed order. The caller owns the slice.
func (n *Network) Exporters() []Exporter {
	out := make([]Exporter, 0, len(n.fabric.devices))
	for _, d := range n.fabric.devices {
		out = append(out, d.exporter())
	}
	return out
}

// Topology returns the fabric as the JSON text of a topology: its switches and routers with their ports, and the lines
// between them, not those to hosts and to the internet. The caller owns it.
func (n *Network) Topology() []byte { return n.fabric.topology() }

// Names returns the name of each address that has one: of hosts and exporters. The caller owns the map.
func (n *Network) Names() map[schema.Addr]string { return n.fabric.names() }

// Groups returns prefixes by what they are, for a group set. The caller owns the map.
func (n *Network) Groups() map[string][]string {
	return map[string][]string{
		"exporters": {"192.0.2.0/25"}, "tenants": {"192.0.2.128/25"},
		"web":      {"198.51.100.16/28", "2001:db8:1:1::/64"},
		"backend":  {"198.51.100.32/28", "2001:db8:1:2::/64"},
		"services": {"198.51.100.48/28", "2001:db8:1:3::/64"},
		"desks":    {"198.51.100.64/28", "2001:db8:1:4::/64"},
		"internet": {"203.0.113.0/24", "2001:db8:2::/48"},
	}
}

// Injected returns how much went wrong so far.
func (n *Network) Injected() Injected { return n.wire.injected }
