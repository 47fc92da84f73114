package packet

import (
	"encoding/binary"

	"weir/schema"
)

// Flow is what one IP header and the transport header behind it say of a conversation.
type Flow struct {
	// Src and Dst are the addresses; zero when there is no IP header.
	Src, Dst schema.Addr
	// SrcPort and DstPort are ports when HasPorts, type and code of the ICMP or ICMPv6 message when ICMP.
	SrcPort, DstPort uint16
	// Proto is the IP protocol number: in IPv6 that behind the extension headers.
	Proto uint8
	// TCPFlags are the low 8 flags of a TCP header: CWR ECE URG ACK PSH RST SYN FIN.
	TCPFlags uint8
	// IPv is 4, 6, or 0 when there is no IP header.
	IPv uint8
	// HasPorts tells that SrcPort and DstPort are the ports of TCP, UDP, SCTP, DCCP or UDP-Lite. Fragments other than
	// the first have none.
	HasPorts bool
	// HasProto tells that Proto is known: an IPv6 header whose extension headers were cut off has none.
	HasProto bool
	// ICMP tells that SrcPort and DstPort hold type and code.
	ICMP bool
}

// Outer returns the flow of the outermost IP header that Parse found in frame; the zero Flow when there is none. It
// allocates nothing and keeps nothing.
func Outer(h *schema.Headers, frame []byte) (f Flow) {
	if h.L3Off < 0 {
		return f
	}
	for i := range h.N {
		switch h.Layers[i].Kind {
		case schema.LayerIPv4:
			f.four(h, i, frame)
			return f
		case schema.LayerIPv6:
			f.six(h, i, frame)
			return f
		}
	}
	return f
}

// four reads the IPv4 header that is layer i, and what follows it.
func (f *Flow) four(h *schema.Headers, i int, frame []byte) {
	off := int(h.Layers[i].Off)
	if off+ipv4Size > len(frame) {
		return
	}
	b := frame[off : off+ipv4Size]
	f.IPv = 4
	f.Src, f.Dst = schema.Addr4([4]byte(b[12:16])), schema.Addr4([4]byte(b[16:20]))
	f.Proto, f.HasProto = b[9], true
	if binary.BigEndian.Uint16(b[6:])&0x1fff == 0 {
		f.transport(h, i+1, frame)
	}
}

// six reads the IPv6 header that is layer i, its extension headers, and what follows them.
func (f *Flow) six(h *schema.Headers, i int, frame []byte) {
	off := int(h.Layers[i].Off)
	if off+ipv6Size > len(frame) {
		return
	}
	b := frame[off : off+ipv6Size]
	f.IPv = 6
	f.Src, f.Dst = schema.Addr(b[8:24]), schema.Addr(b[24:40])
	f.Proto, f.HasProto = b[6], true
	for i++; i < h.N && h.Layers[i].Kind == schema.LayerIPv6Ext; i++ {
		ext := frame[h.Layers[i].Off:]
		if f.Proto == protoFragment && len(ext) >= 8 && binary.BigEndian.Uint16(ext[2:])&0xfff8 != 0 {
			f.Proto = ext[0]
			return
		}
		f.Proto = byteAt(ext, 0)
	}
	f.HasProto = !isExtension(f.Proto)
	f.transport(h, i, frame)
}

// transport reads ports, flags or ICMP type and code of layer i, the one behind the IP header, by f.Proto.
func (f *Flow) transport(h *schema.Headers, i int, frame []byte) {
	if i >= h.N {
		return
	}
	b := Bytes(&h.Layers[i], frame)
	switch f.Proto {
	case protoTCP, protoUDP, protoSCTP, protoDCCP, protoUDPLite:
		if len(b) < 4 {
			return
		}
		f.SrcPort, f.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		f.HasPorts = true
		if f.Proto == protoTCP {
			f.TCPFlags = byteAt(b, 13)
		}
	case protoICMP, protoICMP6:
		if len(b) < 2 {
			return
		}
		f.SrcPort, f.DstPort, f.ICMP = uint16(b[0]), uint16(b[1]), true
	}
}

// Quoted returns the flow of the packet that the outermost ICMP or ICMPv6 error message of frame quotes (RFC 792,
// RFC 4443 section 3): the one that was refused. ok is false when the message is no error, or too little of it was
// captured.
func Quoted(h *schema.Headers, frame []byte) (f Flow, ok bool) {
	l, errors := h.Find(schema.LayerICMP, 0), uint32(1<<3|1<<4|1<<5|1<<11|1<<12)
	link := schema.LinkIPv4
	if l == nil {
		l, errors = h.Find(schema.LayerICMP6, 0), 1<<1|1<<2|1<<3|1<<4
		link = schema.LinkIPv6
	}
	b := Bytes(l, frame)
	if len(b) < 8 || b[0] > 31 || errors>>b[0]&1 == 0 {
		return f, false
	}
	quote := frame[int(l.Off)+8:]
	var inner schema.Headers
	Parse(&inner, link, quote, uint32(len(quote)))
	f = Outer(&inner, quote)
	return f, f.IPv != 0
}
