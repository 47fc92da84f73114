package sim

import (
	"fmt"
	"math"
	"time"

	"weir/schema"
)

// stream is one direction of a conversation: packets that differ in nothing that matters here.
type stream struct {
	key      Key
	vlan     uint16
	frame    []byte // the first bytes of each packet
	length   uint32 // of each frame, bytes with FCS
	l3       uint32 // of each IP datagram, bytes
	tcpFlags uint8
	tos      uint8
	rate     float64 // packets/s when the wave is at 1
	period   float64 // of its wave, seconds
	phase    float64
	until    schema.Instant
	carry    float64
	packets  uint64 // in this step
	path     []hop
	src, dst *host
	flood    bool
	steady   bool // no noise: the sum over time is rate x time
}

// kind is a kind of conversation.
type kind struct {
	from, to   string
	proto      uint8
	port       uint16
	weight     float64
	up, down   uint32  // length of frames from and to who asked, bytes with FCS
	rate       float64 // median packets/s towards who asked
	upShare    float64 // packets/s from who asked, of that
	six        float64 // share of IPv6
	vlan       uint16
	life       float64 // mean, seconds
	period     float64 // of the wave, seconds
	tunnel, ns bool    // VXLAN; name service
}

var kinds = []kind{
	{from: "outer", to: "web", proto: protoTCP, port: 443, weight: 30, up: 94, down: 1518, rate: 330, upShare: 0.5,
		six: 0.35, life: 18, period: 97},
	{from: "outer", to: "web", proto: protoTCP, port: 80, weight: 8, up: 94, down: 1518, rate: 180, upShare: 0.5,
		life: 12, period: 97},
	{from: "outer", to: "web", proto: protoUDP, port: 443, weight: 10, up: 110, down: 1322, rate: 260, upShare: 0.4,
		six: 0.6, life: 15, period: 61},
	{from: "outer", to: "api", proto: protoTCP, port: 8443, weight: 8, up: 420, down: 640, rate: 220, upShare: 0.9,
		six: 0.2, life: 20, period: 61},
	{from: "web", to: "app", proto: protoTCP, port: 8080, weight: 14, up: 310, down: 760, rate: 420, upShare: 0.9,
		vlan: 10, life: 40, period: 97},
	{from: "app", to: "db", proto: protoTCP, port: 5432, weight: 10, up: 350, down: 980, rate: 700, upShare: 0.8,
		vlan: 20, life: 60, period: 97},
	{from: "app", to: "cache", proto: protoTCP, port: 6379, weight: 8, up: 130, down: 610, rate: 900, upShare: 1,
		vlan: 20, life: 60, period: 43},
	{from: "db", to: "backup", proto: protoTCP, port: 873, weight: 1.2, up: 1522, down: 94, rate: 9000, upShare: 2,
		vlan: 30, life: 45, period: 151},
	{from: "desk", to: "outer", proto: protoTCP, port: 443, weight: 16, up: 120, down: 1518, rate: 240, upShare: 0.5,
		six: 0.4, life: 20, period: 73},
	{from: "desk", to: "dns", proto: protoUDP, port: 53, weight: 9, up: 84, down: 210, rate: 25, upShare: 1, six: 0.3,
		life: 8, period: 73, ns: true},
	{from: "outer", to: "dns", proto: protoUDP, port: 53, weight: 9, up: 88, down: 330, rate: 40, upShare: 1, six: 0.2,
		life: 8, period: 61, ns: true},
	{from: "outer", to: "mail", proto: protoTCP, port: 25, weight: 4, up: 1100, down: 90, rate: 60, upShare: 2,
		six: 0.2, life: 10, period: 61},
	{from: "hv", to: "hv", proto: protoUDP, port: 4789, weight: 5, up: 1402, down: 180, rate: 1100, upShare: 1.2,
		life: 50, period: 43, tunnel: true},
	{from: "desk", to: "hv", proto: protoTCP, port: 22, weight: 3, up: 150, down: 260, rate: 30, upShare: 1, life: 60,
		period: 73},
	{from: "desk", to: "outer", proto: protoICMP, weight: 2, up: 102, down: 102, rate: 5, upShare: 1, six: 0.3,
		life: 20, period: 73},
	{from: "desk", to: "outer", proto: protoUDP, port: 123, weight: 2, up: 94, down: 94, rate: 1, upShare: 1, life: 20,
		period: 73},
}

// traffic is everything that moves.
type traffic struct {
	network *Network
	streams []*stream
	calm    int // streams of conversations that go on
	total   float64
	made    int
	scan    *stream
}

func newTraffic(n *Network) *traffic {
	t := &traffic{network: n}
	for _, k := range kinds {
		t.total += k.weight
	}
	return t
}

// wave returns a number from 0 to 1 that goes up and down with simulated time.
func (n *Network) wave(period, phase float64) float64 {
	return 0.5 + 0.5*math.Sin(2*math.Pi*n.now.Sub(n.options.Began).Seconds()/period+phase)
}

// advance ends and begins conversations, and says how many packets each stream has in this step.
func (t *traffic) advance() {
	n := t.network
	living := t.streams[:0]
	for _, s := range t.streams {
		if s.until > n.now {
			living = append(living, s)
		}
	}
	clear(t.streams[len(living):])
	t.streams = living
	// A conversation has two streams, and floods have streams that count for nothing here.
	t.calm = 0
	for _, s := range t.streams {
		if !s.flood && s != t.scan {
			t.calm++
		}
	}
	for t.calm < 2*n.options.Conversations {
		t.calm += t.converse()
	}
	t.trouble()
	for _, s := range t.streams {
		t.count(s)
	}
}

// count says how many packets a stream has in this step.
func (t *traffic) count(s *stream) {
	n := t.network
	pps := s.rate * n.options.Load
	if !s.steady {
		day := 0.35 + 0.65*n.wave(s.period, 0)
		pps *= day * (0.7 + 0.3*n.wave(5.5, s.phase)) * (0.8 + 0.4*n.rng.Float64())
	}
	s.carry += pps * step.Seconds()
	s.packets = uint64(s.carry)
	s.carry -= float64(s.packets)
	if s.packets == 0 {
		return
	}
	s.src.sent, s.src.sentPkts = s.src.sent+s.packets*uint64(s.length), s.src.sentPkts+s.packets
	s.dst.received, s.dst.recvPkts = s.dst.received+s.packets*uint64(s.length), s.dst.recvPkts+s.packets
}

// converse begins a conversation of any kind and returns how many streams it has.
func (t *traffic) converse() int {
	rng := t.network.rng
	u := rng.Float64() * t.total
	k := &kinds[len(kinds)-1]
	for i := range kinds {
		if u -= kinds[i].weight; u < 0 {
			k = &kinds[i]
			break
		}
	}
	t.made++
	src, dst := t.pick(k.from), t.pick(k.to)
	for src == dst {
		dst = t.pick(k.to)
	}
	six := rng.Float64() < k.six
	until := t.network.now.Add(time.Duration(k.life * (0.2 + rng.ExpFloat64()) * float64(time.Second)))
	rate := k.rate * math.Exp(rng.NormFloat64()*0.7)
	ask := Key{Src: src.ip4, Dst: dst.ip4, Proto: k.proto, DstPort: k.port, SrcPort: 32768 + uint16(rng.IntN(28000))}
	if six {
		ask.Src, ask.Dst = src.ip6, dst.ip6
	}
	answer := Key{Src: ask.Dst, Dst: ask.Src, Proto: k.proto, SrcPort: ask.DstPort, DstPort: ask.SrcPort}
	switch {
	case k.proto == protoICMP && six:
		ask.Proto, ask.SrcPort, ask.DstPort = protoICMP6, 128, 0
		answer.Proto, answer.SrcPort, answer.DstPort = protoICMP6, 129, 0
	case k.proto == protoICMP:
		ask.SrcPort, ask.DstPort, answer.SrcPort, answer.DstPort = 8, 0, 0, 0
	}
	spread := t.made
	t.add(k, src, dst, ask, k.up, rate*k.upShare, until, spread)
	t.add(k, dst, src, answer, k.down, rate, until, spread)
	return 2
}

// pick returns a host of a role; in the internet some are more often seen than others.
func (t *traffic) pick(role string) *host {
	all := t.network.fabric.withRole(role)
	u := t.network.rng.Float64()
	return all[int(float64(len(all))*math.Pow(u, 1.8))]
}

// add begins a stream.
func (t *traffic) add(k *kind, src, dst *host, key Key, length uint32, rate float64, until schema.Instant,
	spread int) *stream {
	form := shape{
		srcMAC: src.mac, dstMAC: dst.mac, vlan: k.vlan, key: key, length: length, tcpFlags: flagACK | flagPSH,
	}
	switch {
	case k.ns:
		name := fmt.Sprintf("%s.example.%s", []string{"www", "mail", "api", "cdn", "login"}[t.made%5],
			[]string{"net", "com", "org"}[t.made%3])
		form.payload = question(name, uint16(t.made), key.SrcPort == k.port)
	case k.tunnel:
		inner := shape{
			srcMAC: [6]byte{2, 0, 0, 2, 0, byte(t.made)}, dstMAC: [6]byte{2, 0, 0, 2, 1, byte(t.made)},
			key: Key{
				Src: tenant(byte(t.made)), Dst: tenant(byte(3*t.made + 1)), SrcPort: 443, DstPort: 40000,
				Proto: protoTCP,
			},
			tcpFlags: flagACK, length: length - 50,
		}
		frame, _ := inner.build()
		form.payload = vxlan(uint32(5000+t.made%4), frame)
	}
	s := &stream{
		key: key, vlan: k.vlan, length: length, tcpFlags: form.tcpFlags, rate: rate, period: k.period, until: until,
		phase: t.network.rng.Float64(), path: t.network.fabric.path(src, dst, spread), src: src, dst: dst,
	}
	if key.Proto != protoTCP {
		s.tcpFlags = 0
	}
	s.frame, s.l3 = form.build()
	t.streams = append(t.streams, s)
	return s
}

// The flood and the scan.
const (
	floodSources = 64
	floodRate    = 4500 // packets/s of each source; half of them come by each uplink of the victim
	floodLength  = 490
	scanRate     = 1500 // packets/s
	scanEvery    = 90 * time.Second
	scanFor      = 25 * time.Second
)

// trouble begins floods and scans, and moves the scan on.
func (t *traffic) trouble() {
	n := t.network
	if n.options.FloodEvery > 0 {
		begin := n.now.Add(-n.options.FloodEvery / 5)
		if begin >= n.options.Began && int64(begin-n.options.Began)%int64(n.options.FloodEvery) < int64(step) {
			t.flood()
		}
	}
	if n.dueAt(scanEvery, 1, 2) && n.options.FloodEvery > 0 {
		t.startScan()
	}
	if t.scan == nil {
		return
	}
	if t.scan.until <= n.now {
		t.scan = nil
		return
	}
	t.scan.key.DstPort++
	form := shape{srcMAC: t.scan.src.mac, dstMAC: t.scan.dst.mac, key: t.scan.key, tcpFlags: flagSYN, length: 64}
	t.scan.frame, t.scan.l3 = form.build()
}

// flood begins one: answers of time servers that nobody asked, from many sources to one server.
func (t *traffic) flood() {
	n := t.network
	victim := t.pick("web")
	until := n.now.Add(n.options.FloodFor)
	for i := range floodSources {
		src := n.fabric.outer[i]
		key := Key{Src: src.ip4, Dst: victim.ip4, SrcPort: 123, DstPort: 80, Proto: protoUDP}
		s := t.add(&kind{period: 7}, src, victim, key, floodLength, floodRate, until, i)
		s.flood, s.steady = true, true
	}
}

// startScan begins one: a host in the internet that tries the ports of an inside host one after another.
func (t *traffic) startScan() {
	n := t.network
	src, dst := n.fabric.outer[95], t.pick("app")
	key := Key{Src: src.ip4, Dst: dst.ip4, SrcPort: 54321, DstPort: 1, Proto: protoTCP}
	t.scan = t.add(&kind{period: 11}, src, dst, key, 64, scanRate, n.now.Add(scanFor), 0)
	t.scan.tcpFlags = flagSYN
}
