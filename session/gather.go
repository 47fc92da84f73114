package session

import (
	"encoding/binary"

	"weir/key"
	"weir/schema"
)

const (
	maxParts    = 1 << 16 // what may be gathered between two calls of Moved, of one lane
	maxOfOne    = 4       // of one direction of a session
	partChunk   = 64
	partBytes   = 456
	maxHeader   = 128 // bytes of a header that are kept
	maxVLANs    = 4
	maxLabels   = 4
	labelShift  = 8 // an MPLS label stack entry without its TTL
	macsLen     = 12
	etherHeader = 14
)

// facts is what all frames of a part have in common: flows and groups may tell traffic apart by it. It is compared as a
// whole.
type facts struct {
	macs      [macsLen]byte
	vlans     [maxVLANs]uint16
	labels    [maxLabels]uint32
	domain    uint32
	index     uint32
	in, out   schema.Port
	link      schema.LinkType
	etherType uint16
	icmp      uint16 // type and code
	l3Off     uint16
	class     uint8 // type of service, byte of it
	length    uint8 // class of length
	srcClass  uint8 // of the datasource
	side      schema.Direction
	fragment  bool // without ports
	ports     bool
	isICMP    bool
}

// part is what was gathered of one direction of one session, of frames with the same facts.
type part struct {
	facts          facts
	next           uint32 // the next part of the same direction + 1
	entry          uint32
	sender         direction
	proto, ipv     uint8
	tcpFlags       uint8
	headerLen      uint8
	hasProto       bool
	srcPort        uint16
	dstPort        uint16
	length         uint32
	exporter       schema.Addr
	src, dst       schema.Addr
	start, last    schema.Instant
	bytes, packets uint64
	l3Bytes        uint64
	tally          schema.Tally
	header         [maxHeader]byte
	headers        shape
}

// shape is a schema.Headers that goes no deeper than the transport header.
type shape struct {
	n         uint8
	truncated bool
	malformed bool
	layers    [maxShape]schema.Layer
}

const maxShape = 16

// gatherer holds the parts of one tick. Their memory is kept for the next one.
type gatherer struct {
	chunks []*[partChunk]part
	used   uint32
}

func (g *gatherer) part(i uint32) *part { return &g.chunks[i/partChunk][i%partChunk] }

// learn fills in f for a frame; false when there is more than it can hold.
func (f *facts) learn(r *schema.Record, ip int) bool {
	*f = facts{
		domain: r.Source.Domain, index: r.Source.Index, srcClass: r.Source.Class, in: r.In, out: r.Out, side: r.Direction,
		link: r.Link, etherType: r.Layers.EtherType, l3Off: uint16(r.Layers.L3Off), class: trafficClass(r, ip),
		length: key.LengthClass(r.Length), fragment: r.Layers.Fragment, ports: r.HasPorts,
	}
	if r.ICMP {
		f.isICMP, f.icmp = true, r.SrcPort<<8|r.DstPort&0xff
	}
	return ip == 0 || f.learnLink(r, ip)
}

// learnLink reads the headers before the IP header.
func (f *facts) learnLink(r *schema.Record, ip int) bool {
	vlans, labels := 0, 0
	for i := range ip {
		l := &r.Layers.Layers[i]
		b := bytesFrom(r.Header, int(l.Off), int(l.Len))
		switch l.Kind {
		case schema.LayerEthernet:
			if len(b) >= etherHeader {
				copy(f.macs[:], b[:macsLen])
			}
		case schema.LayerSLL: // both versions end with the address of the sender
			if len(b) >= macsLen {
				copy(f.macs[:], b[len(b)-macsLen:])
			}
		case schema.LayerVLAN:
			if vlans == maxVLANs || len(b) < 2 {
				return false
			}
			f.vlans[vlans] = binary.BigEndian.Uint16(b)
			vlans++
		case schema.LayerMPLS:
			if labels == maxLabels || len(b) < 4 {
				return false
			}
			f.labels[labels] = binary.BigEndian.Uint32(b) >> labelShift
			labels++
		}
	}
	return true
}

// gather adds a frame to what was gathered of its session and direction; false when there is no room.
func (g *gatherer) gather(id uint32, e *entry, d direction, r *schema.Record, ip, transport int) bool {
	var f facts
	if !f.learn(r, ip) {
		return false
	}
	have := 0
	for i := e.parts[d]; i != 0; have++ {
		p := g.part(i - 1)
		if p.facts == f {
			p.add(r, ip)
			return true
		}
		i = p.next
	}
	if have >= maxOfOne || g.used >= maxParts {
		return false
	}
	if int(g.used/partChunk) == len(g.chunks) {
		g.chunks = append(g.chunks, new([partChunk]part))
	}
	p := g.part(g.used)
	if !p.begin(r, ip, transport) {
		return false
	}
	p.facts, p.entry, p.sender, p.next = f, id, d, e.parts[d]
	g.used++
	e.parts[d] = g.used
	p.add(r, ip)
	return true
}

// begin makes p a part that has no frame yet; false when the headers do not fit.
func (p *part) begin(r *schema.Record, ip, transport int) bool {
	h := r.Layers
	last := transport
	if last < 0 {
		last = ip
		for last+1 < h.N && h.Layers[last+1].Kind == schema.LayerIPv6Ext {
			last++
		}
	}
	end := int(h.Layers[last].Off) + int(h.Layers[last].Len)
	if last >= maxShape || end > len(r.Header) || int(h.Layers[last].Off) >= maxHeader {
		return false
	}
	end = min(end, maxHeader)
	*p = part{
		proto: r.Proto, hasProto: r.HasProto, ipv: r.IPv, srcPort: r.SrcPort, dstPort: r.DstPort, length: r.Length,
		exporter: r.Source.Exporter, src: r.Src, dst: r.Dst, start: r.At, last: r.At, headerLen: uint8(end),
	}
	copy(p.header[:], r.Header[:end])
	p.headers.n, p.headers.truncated, p.headers.malformed = uint8(last+1), h.Truncated, h.Malformed
	copy(p.headers.layers[:], h.Layers[:last+1])
	l := &p.headers.layers[last]
	l.Len = uint16(end - int(l.Off))
	return true
}

// add adds a frame to p.
func (p *part) add(r *schema.Record, ip int) {
	p.start, p.last = min(p.start, r.At), max(p.last, r.At)
	p.bytes += r.Bytes
	p.packets += r.Packets
	p.l3Bytes += uint64(r.Layers.L3Len)
	p.tcpFlags |= r.TCPFlags
	switch r.TCPFlags & (tcpSYN | tcpACK) {
	case tcpSYN:
		p.tally.SYN += r.Packets
	case tcpSYN | tcpACK:
		p.tally.SYNACK += r.Packets
	}
	if r.TCPFlags&(tcpFIN|tcpRST) != 0 {
		p.tally.FinRst += r.Packets
	}
	if fragmented(r, ip) {
		p.tally.Fragments += r.Packets
	}
}

// record makes r and h say what p has gathered. They borrow from p.
func (p *part) record(r *schema.Record, h *schema.Headers) {
	f := &p.facts
	*h = schema.Headers{
		N: int(p.headers.n), EtherType: f.etherType, L3Off: int(f.l3Off), L3Len: uint32(min(p.l3Bytes, 1<<32-1)),
		Truncated: p.headers.truncated, Malformed: p.headers.malformed, Fragment: f.fragment,
	}
	copy(h.Layers[:], p.headers.layers[:p.headers.n])
	*r = schema.Record{
		At: p.last, Start: p.start, Last: p.last, Kind: schema.KindFrame, Direction: f.side, Rate: 1, Length: p.length,
		Source: schema.Source{Exporter: p.exporter, Domain: f.domain, Class: f.srcClass, Index: f.index},
		Bytes:  p.bytes, Packets: p.packets, Flows: 1, Src: p.src, Dst: p.dst, SrcPort: p.srcPort, DstPort: p.dstPort,
		ICMP: f.isICMP, Proto: p.proto, TCPFlags: p.tcpFlags, IPv: p.ipv,
		HasPorts: f.ports, HasProto: p.hasProto, In: f.in, Out: f.out, Link: f.link, Header: p.header[:p.headerLen],
		Layers: h, Tally: &p.tally,
	}
}
