package wire

import (
	"weir/schema"
	"weir/wire/packet"
)

// The IP protocol numbers of the transports.
const (
	protoTCP  = 6
	protoUDP  = 17
	protoSCTP = 132
)

// transportFields are those of TCP (RFC 9293), UDP (RFC 768) and SCTP (RFC 9260); spec sflow-rt 2.4.
func transportFields() []schema.Field {
	src := func(r *schema.Record, nth int) (uint64, bool) { return uint64(r.SrcPort), r.HasPorts && nth == 0 }
	dst := func(r *schema.Record, nth int) (uint64, bool) { return uint64(r.DstPort), r.HasPorts && nth == 0 }
	port := func(k schema.LayerKind, off int, proto uint8, told finder) reader {
		return uintOf(either(inHeader(k, off, 2), ofProto(proto, told)))
	}
	return []schema.Field{
		nested("tcpsourceport", schema.Uint, "source port of TCP", port(schema.LayerTCP, 0, protoTCP, src)),
		nested("tcpdestinationport", schema.Uint, "destination port of TCP", port(schema.LayerTCP, 2, protoTCP, dst)),
		nested("tcpflags", schema.Bits, "TCP flags as 9 binary digits: NS CWR ECE URG ACK PSH RST SYN FIN",
			bitsOf(9, either(cut(inHeader(schema.LayerTCP, 12, 2), 0, 9), ofProto(protoTCP, toldFlags)))),
		nested("tcpseqno", schema.Uint, "TCP sequence number",
			uintOf(either(inHeader(schema.LayerTCP, 4, 4), elementNumber(same(184))))),
		nested("tcpackno", schema.Uint, "TCP acknowledgement number",
			uintOf(either(inHeader(schema.LayerTCP, 8, 4), elementNumber(same(185))))),
		nested("tcpwindow", schema.Uint, "TCP window as sent, without its scale",
			uintOf(either(inHeader(schema.LayerTCP, 14, 2), elementNumber(same(186))))),
		nested("tcpbytes", schema.Uint, "bytes of the TCP segment, its header included", uintOf(segmentBytes)),
		nested("udpsourceport", schema.Uint, "source port of UDP", port(schema.LayerUDP, 0, protoUDP, src)),
		nested("udpdestinationport", schema.Uint, "destination port of UDP", port(schema.LayerUDP, 2, protoUDP, dst)),
		nested("udpbytes", schema.Uint, "bytes of the UDP datagram, its header included",
			uintOf(either(inHeader(schema.LayerUDP, 4, 2), elementNumber(same(205))))),
		nested("sctpsourceport", schema.Uint, "source port of SCTP", port(schema.LayerSCTP, 0, protoSCTP, src)),
		nested("sctpdestinationport", schema.Uint, "destination port of SCTP",
			port(schema.LayerSCTP, 2, protoSCTP, dst)),
	}
}

// toldFlags finds the flags that the exporter told: those of one packet, or of all packets of a flow together.
func toldFlags(r *schema.Record, nth int) (uint64, bool) {
	if nth != 0 || r.Layers != nil {
		return 0, false
	}
	if n, ok := bigEndian(element(r, same(6))); ok {
		return n & 0x1ff, true
	}
	for _, at := range [...]struct {
		format uint32
		word   int
	}{{3, 6}, {4, 12}} {
		if n, ok := wordOf(r, at.format, at.word); ok {
			return n & 0x1ff, true
		}
	}
	return uint64(r.TCPFlags), r.TCPFlags != 0
}

// segmentBytes finds how much of the IP packet around the nth TCP header that header and what is behind it are.
func segmentBytes(r *schema.Record, nth int) (uint64, bool) {
	i := layerIndex(r, schema.LayerTCP, nth)
	if i < 0 {
		return 0, false
	}
	tcp := int(r.Layers.Layers[i].Off)
	for i--; i >= 0; i-- {
		l := &r.Layers.Layers[i]
		if l.Kind != schema.LayerIPv4 && l.Kind != schema.LayerIPv6 {
			continue
		}
		n, ok := datagramBytes(r, l)
		end := int(l.Off) + int(n)
		return uint64(max(end, tcp) - tcp), ok
	}
	return 0, false
}

// datagramBytes returns the length of an IP packet with its header.
func datagramBytes(r *schema.Record, l *schema.Layer) (uint64, bool) {
	if int(l.Off) == r.Layers.L3Off {
		return uint64(r.Layers.L3Len), true
	}
	b := packet.Bytes(l, r.Header)
	if l.Kind == schema.LayerIPv4 {
		return bigEndian(part(b, 2, 2))
	}
	n, ok := bigEndian(part(b, 4, 2))
	return n + 40, ok
}
