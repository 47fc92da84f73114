package meter

import (
	"encoding/binary"
	"math"

	"weir/key"
	"weir/schema"
)

// amounts is what a record adds to the rows that it touches.
type amounts struct {
	values  [numFacts]float64
	edge    bool // the beginning or end of a session
	rare    bool // a TCP flag that meters count, or a fragment
	sampled bool
	blended bool // these are the sums of many records

	observed uint64  // observations behind it
	rates    float64 // the sum of their rates
	doubt    float64 // the variance of a value v is v*v*doubt
	variance float64 // of the sum of bytes, when blended
}

// facts is what read found out about the record in hand.
type facts struct {
	amounts
	record *schema.Record // nil at the beginning or end of a session
	at     schema.Instant
	link   bool // a packet, not a flow record: link-layer groups count it

	ip       uint8 // 4, 6, or 0
	proto    uint8
	hasProto bool
	goes     manner // direction in respect of the home networks
	src, dst int32  // places in board.ends; valid when ip is not 0
	app, two int32  // places of application keys: a port, or noPort + protocol; -1 none
	icmp     int32  // type and code, -1 none
	dscp     int32  // code point, -1 none
	tos      int32  // type of service byte, -1 not known
	length   uint32 // length of one packet, 0 not known
	class    uint8  // of length
	cast2    uint8  // of the frame: 0 not known, 1 broadcast, 2 multicast, 3 unicast
	cast3    uint8  // of the IP datagram, likewise

	ether  uint16
	macs   []byte // destination and source, 12 bytes; nil when not known
	vlan   int32  // -1 none
	vlanTo int32  // VLAN that it left by when the exporter says another one, else -1
	label  int32  // top MPLS label, -1 none
	routes routes
	pass   pass
	part   int     // which slice of a spread record, from 1; 0 the whole
	share  float64 // of the record that the slice has; 1
}

// noPort is where applications without ports begin in tables by application.
const noPort = 1 << 16

const (
	protoICMP  = 1
	protoTCP   = 6
	protoICMP6 = 58

	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

// read finds out what the groups need to know of a record.
func (b *Board) read(r *schema.Record) {
	f := &b.facts
	f.record, f.at, f.edge, f.link, f.part, f.share = r, r.At, false, r.Kind != schema.KindFlowRecord, 0, 1
	f.values[factBytes], f.values[factPackets] = float64(r.Bytes), float64(r.Packets)
	f.values[factFlows], f.values[factRecords], f.values[factIfIn], f.values[factIfOut] = 0, 0, 0, 0
	if !f.link {
		f.values[factFlows], f.values[factRecords] = float64(r.Flows), 1
		if isIndex(r.In) {
			f.values[factIfIn] = float64(r.Bytes)
		}
		if isIndex(r.Out) {
			f.values[factIfOut] = float64(r.Bytes)
		}
	}
	f.readSampling(r)
	f.length, f.class, f.dscp, f.tos, f.icmp = r.Length, lengthKey(r.Length), -1, -1, -1
	f.readFlags(r)
	if b.plan.parts {
		f.routes.read(r)
	}
	f.readLink(r)
	f.readIP(r)
	b.readEnds(r.IPv, &r.Src, &r.Dst)
	f.readCasts(r)
	if f.ip != 0 {
		b.readApp(r.HasPorts, r.SrcPort, r.DstPort)
	}
}

func isIndex(p schema.Port) bool { return p.Format == schema.PortIndex && p.Value != 0 }

func (f *facts) readSampling(r *schema.Record) {
	f.sampled = r.Rate > 1
	if !f.sampled {
		return
	}
	f.observed = 1
	if !f.link {
		f.observed = max(r.Packets/uint64(r.Rate), 1)
	}
	k := float64(f.observed)
	f.rates = k * float64(r.Rate)
	f.doubt = (1 - 1/float64(r.Rate)) / k
}

// readFlags reads what few packets have.
func (f *facts) readFlags(r *schema.Record) {
	f.rare = false
	v := &f.values
	if t := r.Tally; t != nil {
		f.rare = t.SYN|t.SYNACK|t.FinRst|t.Fragments != 0
		v[factSYN], v[factSYNACK] = float64(t.SYN), float64(t.SYNACK)
		v[factFinRst], v[factFragments] = float64(t.FinRst), float64(t.Fragments)
		return
	}
	flags := r.TCPFlags
	if r.Proto != protoTCP {
		flags = 0
	}
	fragment := fragmented(r)
	if flags&(tcpSYN|tcpFIN|tcpRST) == 0 && !fragment {
		return
	}
	f.rare = true
	v[factSYN], v[factSYNACK], v[factFinRst], v[factFragments] = 0, 0, 0, 0
	// The flags of a flow record are those of all its packets together: each counts once.
	packets := float64(r.Packets)
	if !f.link {
		packets = float64(max(r.Rate, 1))
	}
	if flags&tcpSYN != 0 {
		if flags&tcpACK == 0 {
			v[factSYN] = packets
		} else {
			v[factSYNACK] = packets
		}
	}
	if flags&(tcpFIN|tcpRST) != 0 {
		v[factFinRst] = packets
	}
	if fragment {
		v[factFragments] = float64(r.Packets)
	}
}

// fragmented tells whether a packet is a fragment of an IP datagram, the first one too.
func fragmented(r *schema.Record) bool {
	h := r.Layers
	if h == nil || h.L3Off < 0 {
		return false
	}
	if h.Fragment {
		return true
	}
	switch r.IPv {
	case 4:
		b := r.Header[min(h.L3Off, len(r.Header)):]
		return len(b) >= 8 && binary.BigEndian.Uint16(b[6:])&0x3fff != 0
	case 6:
		if r.Proto != 44 && h.Find(schema.LayerIPv6Ext, 0) == nil {
			return false
		}
		b := r.Header[min(h.L3Off, len(r.Header)):]
		return len(b) >= 7 && b[6] == 44
	}
	return false
}

// readLink reads the headers before the IP header, or what an exporter says in their place.
func (f *facts) readLink(r *schema.Record) {
	f.macs, f.vlan, f.vlanTo, f.label, f.ether = nil, -1, -1, -1, 0
	if !f.link {
		return
	}
	if h := r.Layers; h != nil {
		f.ether = h.EtherType
		for i := range h.N {
			l := &h.Layers[i]
			end := int(l.Off) + int(l.Len)
			if l.Kind > schema.LayerMPLS || end > len(r.Header) {
				break
			}
			switch b := r.Header[l.Off:end]; {
			case l.Kind == schema.LayerEthernet && len(b) >= 12 && f.macs == nil:
				f.macs = b[:12]
			case l.Kind == schema.LayerVLAN && len(b) >= 2 && f.vlan < 0:
				f.vlan = int32(binary.BigEndian.Uint16(b) & 0xfff)
			case l.Kind == schema.LayerMPLS && len(b) >= 4 && f.label < 0:
				f.label = int32(binary.BigEndian.Uint32(b) >> 12)
			}
		}
	} else {
		f.readTold(r)
	}
	if len(r.Slots) > 1 && f.vlan < 0 {
		f.readSwitch(r)
	}
}

// The sFlow structures that are read here (sFlow v5, flow data).
var (
	partEthernet = schema.MakeTag(schema.SpaceSFlow, 0, 2)
	partIP4      = schema.MakeTag(schema.SpaceSFlow, 0, 3)
	partIP6      = schema.MakeTag(schema.SpaceSFlow, 0, 4)
	partSwitch   = schema.MakeTag(schema.SpaceSFlow, 0, 1001)
)

// readTold reads sampled_ethernet (0:2), in which an agent that cannot send headers tells of one: length, addresses
// padded to 8 bytes, type.
func (f *facts) readTold(r *schema.Record) {
	switch r.IPv {
	case 4:
		f.ether = 0x0800
	case 6:
		f.ether = 0x86dd
	}
	b := r.Part(partEthernet)
	if len(b) < 24 {
		return
	}
	// The order here is that of a frame: destination first.
	copy(f.routes.macs[:6], b[12:18])
	copy(f.routes.macs[6:], b[4:10])
	f.macs, f.ether = f.routes.macs[:], uint16(binary.BigEndian.Uint32(b[20:]))
}

// readSwitch reads extended_switch (0:1001). VLAN 0 is none, and all ones are "not known".
func (f *facts) readSwitch(r *schema.Record) {
	b := r.Part(partSwitch)
	if len(b) < 16 {
		return
	}
	in, out := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[8:])
	if in > 0 && in < 4096 {
		f.vlan = int32(in)
	}
	if out > 0 && out < 4096 && out != in {
		if f.vlan < 0 {
			f.vlan = int32(out)
		} else {
			f.vlanTo = int32(out)
		}
	}
}

// readIP reads what the IP header says, or the exporter in its place.
func (f *facts) readIP(r *schema.Record) {
	f.ip, f.proto, f.hasProto = r.IPv, r.Proto, r.HasProto
	if f.ip == 0 {
		return
	}
	if r.ICMP {
		f.icmp = int32(r.SrcPort)<<8 | int32(r.DstPort&0xff)
	}
	h := r.Layers
	if h != nil && h.L3Off >= 0 && h.L3Off+2 <= len(r.Header) {
		b := r.Header[h.L3Off:]
		if f.ip == 4 {
			f.tos = int32(b[1])
		} else {
			f.tos = int32(b[0]&15)<<4 | int32(b[1]>>4)
		}
	} else if f.link {
		f.readToldClass(r)
	} else {
		f.tos = f.routes.tos
	}
	if f.tos >= 0 {
		f.dscp = f.tos >> 2
	}
}

// readToldClass reads the type of service of sampled_ipv4 (0:3) or the priority of sampled_ipv6 (0:4).
func (f *facts) readToldClass(r *schema.Record) {
	if b := r.Part(partIP4); len(b) >= 32 && f.ip == 4 {
		f.tos = int32(b[31])
	}
	if b := r.Part(partIP6); len(b) >= 56 && f.ip == 6 {
		f.tos = int32(b[55])
	}
}

// readEnds looks up both addresses and works out the direction.
func (b *Board) readEnds(ipv uint8, src, dst *schema.Addr) {
	f := &b.facts
	f.goes = goesNone
	if ipv == 0 {
		return
	}
	b.makeRoom()
	f.src, f.dst = b.endpoints(src, dst)
	f.goes = goes[b.ends.slots[f.src].home()<<1|b.ends.slots[f.dst].home()]
}

// goes is the direction by whether source (2) and destination (1) are at home.
var goes = [4]manner{goesBy, goesIn, goesOut, goesAtHom}

// readCasts tells broadcast, multicast and unicast apart, of the frame and of the IP datagram.
func (f *facts) readCasts(r *schema.Record) {
	two, three := uint8(0), uint8(0)
	if f.macs != nil {
		switch {
		case f.macs[0]&1 == 0:
			two = castUni
		case [6]byte(f.macs) == [6]byte{255, 255, 255, 255, 255, 255}:
			two = castBroad
		default:
			two = castMulti
		}
	}
	switch d := &r.Dst; {
	case f.ip == 0:
	case f.ip == 4 && d[12]>>4 == 14, f.ip == 6 && d[0] == 0xff:
		three = castMulti
	case f.ip == 4 && [4]byte(d[12:]) == [4]byte{255, 255, 255, 255}:
		three = castBroad
	default:
		three = castUni
	}
	f.setCasts(two, three)
}

// The values of facts.cast2 and cast3, 0 is not known.
const (
	castBroad = 1 + iota
	castMulti
	castUni
)

// setCasts gives the bytes to the casts that they belong to.
func (f *facts) setCasts(two, three uint8) {
	v := &f.values
	v[factL2Broadcast], v[factL2Multicast], v[factL2Unicast] = 0, 0, 0
	v[factL3Broadcast], v[factL3Multicast], v[factL3Unicast] = 0, 0, 0
	f.cast2, f.cast3 = two, three
	if two > 0 {
		v[factL2Broadcast-1+fact(two)] = v[factBytes]
	}
	if three > 0 {
		v[factL3Broadcast-1+fact(three)] = v[factBytes]
	}
}

// readApp finds the application: the lower port, or the protocol where there are no ports.
func (b *Board) readApp(hasPorts bool, src, dst uint16) {
	f := &b.facts
	f.app, f.two = -1, -1
	switch {
	case hasPorts:
		low, high := min(src, dst), max(src, dst)
		f.app = int32(low)
		if b.settings.BothPorts && low >= 1024 && high != low {
			f.two = int32(high)
		}
	case f.hasProto:
		f.app = noPort + int32(f.proto)
	}
}

// readEdge makes the facts those of the beginning or end of a session.
func (b *Board) readEdge(e SessionEdge) {
	f := &b.facts
	v := &f.values
	*v = [numFacts]float64{}
	f.record, f.at, f.edge, f.link, f.rare, f.sampled = nil, e.At, true, false, false, false
	f.part, f.share = 0, 1
	d := float64(e.Delta)
	v[factActive], v[factNew] = d, math.Max(d, 0)
	if e.Proto == protoTCP {
		v[factActiveTCP], v[factNewTCP] = d, math.Max(d, 0)
	}
	f.ip, f.proto, f.hasProto = e.IPv, e.Proto, true
	f.icmp, f.dscp, f.tos = -1, -1, -1
	b.readEnds(e.IPv, &e.A, &e.Z)
	b.readApp(portProto(e.Proto), e.APort, e.ZPort)
}

// portProto tells whether a protocol has ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
func portProto(p uint8) bool { return p == 6 || p == 17 || p == 33 || p == 132 || p == 136 }

// appKey appends the binary key of an application.
func appKey(b []byte, app int32) []byte {
	if app >= noPort {
		return append(b, byte(app))
	}
	return append(b, byte(app>>8), byte(app))
}

// lengthKey is the key of a packet's class of length.
func lengthKey(length uint32) byte { return key.LengthClass(length) }
