package packet

import (
	"encoding/binary"

	"weir/schema"
)

// The sizes of the fixed parts of IP headers.
const (
	ipv4Size = 20
	ipv6Size = 40
)

// The IP protocol numbers that are read.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIGMP     = 2
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoDCCP     = 33
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMP6    = 58
	protoNoNext   = 59
	protoOptions  = 60
	protoOSPF     = 89
	protoEtherIP  = 97
	protoL2TP     = 115
	protoSCTP     = 132
	protoMobility = 135
	protoUDPLite  = 136
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
	protoEthernet = 143
)

// ip goes on to IPv4 or IPv6 as the version nibble says.
func (w *walk) ip(off int) step {
	if off >= len(w.b) {
		return end
	}
	switch w.b[off] >> 4 {
	case 4:
		w.settle(typeIPv4)
		return w.ipv4(off)
	case 6:
		w.settle(typeIPv6)
		return w.ipv6(off)
	}
	return w.malformed(off)
}

// guess goes on to IP where a tunnel does not say what it carries but the version nibble of IP stands.
func (w *walk) guess(off int) step {
	if v := byteAt(w.b, off) >> 4; v == 4 || v == 6 {
		return step{atIP, 0, off}
	}
	return w.payload(off)
}

// outermost notes where the first IP header is. said is the length that it tells, 0 when it does not.
func (w *walk) outermost(off, said int) bool {
	if w.h.L3Off >= 0 {
		return false
	}
	if said == 0 {
		said = w.captured - off
		if w.wire > off {
			said = w.wire - off
		}
	}
	w.h.L3Off, w.h.L3Len = off, uint32(said)
	return true
}

func (w *walk) ipv4(off int) step {
	if off+ipv4Size > len(w.b) {
		w.header(schema.LayerIPv4, off, ipv4Size)
		return end
	}
	size, total := int(w.b[off]&0x0f)*4, int(w.u16(off+2))
	if w.b[off]>>4 != 4 || size < ipv4Size {
		return w.malformed(off)
	}
	first := w.outermost(off, total)
	if total != 0 {
		if total < size {
			w.h.Malformed = true
			w.h.Add(schema.LayerIPv4, off, ipv4Size)
			return end
		}
		w.narrow(off, total)
	}
	if !w.header(schema.LayerIPv4, off, size) {
		return end
	}
	w.six = false
	if w.u16(off+6)&0x1fff != 0 {
		w.h.Fragment = w.h.Fragment || first
		return w.payload(off + size)
	}
	return w.protocol(uint16(w.b[off+9]), off+size)
}

func (w *walk) ipv6(off int) step {
	if off+ipv6Size > len(w.b) {
		w.header(schema.LayerIPv6, off, ipv6Size)
		return end
	}
	if w.b[off]>>4 != 6 {
		return w.malformed(off)
	}
	length, next := int(w.u16(off+4)), w.b[off+6]
	said := 0
	if length != 0 || next == protoNoNext {
		said = ipv6Size + length
		w.narrow(off, said)
	}
	first := w.outermost(off, said)
	if !w.header(schema.LayerIPv6, off, ipv6Size) {
		return end
	}
	w.six = true
	return w.extensions(next, off+ipv6Size, first)
}

// extensions walks the extension headers of an IPv6 header (RFC 8200 section 4).
func (w *walk) extensions(next byte, off int, first bool) step {
	for isExtension(next) {
		if off+8 > len(w.b) {
			w.header(schema.LayerIPv6Ext, off, 8)
			return end
		}
		if !w.header(schema.LayerIPv6Ext, off, extensionSize(next, w.b[off+1])) {
			return end
		}
		size := extensionSize(next, w.b[off+1])
		if next == protoFragment && w.u16(off+2)&0xfff8 != 0 {
			w.h.Fragment = w.h.Fragment || first
			return w.payload(off + size)
		}
		next, off = w.b[off], off+size
	}
	return w.protocol(uint16(next), off)
}

// isExtension tells whether a next header number is that of an extension header that says what follows it.
func isExtension(next byte) bool {
	switch next {
	case protoHopByHop, protoRouting, protoFragment, protoAH, protoOptions, protoMobility, protoHIP, protoShim6:
		return true
	}
	return false
}

// extensionSize returns the length in bytes of extension header n whose length field is field: in units of 8 bytes
// not counting the first, but fixed for fragments and, for AH, in words less two (RFC 4302 section 2.2).
func extensionSize(n, field byte) int {
	switch n {
	case protoFragment:
		return 8
	case protoAH:
		return (int(field) + 2) * 4
	}
	return (int(field) + 1) * 8
}

// protocol goes on to what an IP protocol number says.
func (w *walk) protocol(n uint16, off int) step {
	switch n {
	case protoTCP:
		return w.tcp(off)
	case protoUDP:
		return w.udp(off)
	case protoICMP:
		return w.leaf(schema.LayerICMP, off, 8)
	case protoICMP6:
		return w.leaf(schema.LayerICMP6, off, 8)
	case protoIGMP:
		return w.leaf(schema.LayerIGMP, off, 8)
	case protoSCTP:
		return w.leaf(schema.LayerSCTP, off, 12)
	case protoESP:
		return w.leaf(schema.LayerESP, off, 8)
	case protoOSPF:
		return w.leaf(schema.LayerOSPF, off, w.ospfSize())
	case protoGRE:
		return w.gre(off)
	case protoIPv4, protoIPv6:
		return step{atIP, 0, off}
	case protoAH:
		return w.authentication(off)
	case protoMPLS:
		return step{atMPLS, 0, off}
	case protoEthernet:
		return step{atEthernet, 0, off}
	case protoEtherIP: // 4 bits of version, 12 reserved (RFC 3378)
		return step{atEthernet, 0, off + 2}
	case protoL2TP:
		return w.l2tpOverIP(off)
	case protoNoNext:
		return end
	}
	return w.payload(off)
}

// ospfSize returns the length of the common header: 24 bytes in version 2, 16 in version 3 (over IPv6).
func (w *walk) ospfSize() int {
	if w.six {
		return 16
	}
	return 24
}

// leaf lists a header behind which no further header is looked for.
func (w *walk) leaf(k schema.LayerKind, off, n int) step {
	if !w.header(k, off, n) {
		return end
	}
	return w.payload(off + n)
}

// authentication reads an AH behind IPv4 (RFC 4302); behind IPv6 it is an extension header.
func (w *walk) authentication(off int) step {
	if off+12 > len(w.b) {
		w.header(schema.LayerAH, off, 12)
		return end
	}
	size := extensionSize(protoAH, w.b[off+1])
	if size < 12 {
		return w.malformed(off)
	}
	if !w.header(schema.LayerAH, off, size) {
		return end
	}
	return step{atProtocol, uint16(w.b[off]), off + size}
}

// Extensions appends the numbers of the extension headers of the IPv6 header that is layer i of h, in their order, as
// far as they were captured.
func Extensions(dst []byte, h *schema.Headers, i int, frame []byte) []byte {
	if i < 0 || i >= h.N || h.Layers[i].Kind != schema.LayerIPv6 {
		return dst
	}
	number := byteAt(frame, int(h.Layers[i].Off)+6)
	for i++; i < h.N && h.Layers[i].Kind == schema.LayerIPv6Ext; i++ {
		dst = append(dst, number)
		number = byteAt(frame, int(h.Layers[i].Off))
	}
	return dst
}

// FragmentField returns the offset, flags and identification of the fragment header of an IPv6 header that is layer i
// of h: offset in units of 8 bytes, more when another fragment follows. ok is false when there is no such header.
func FragmentField(h *schema.Headers, i int, frame []byte) (offset uint16, more bool, id uint32, ok bool) {
	if i < 0 || i >= h.N || h.Layers[i].Kind != schema.LayerIPv6 {
		return 0, false, 0, false
	}
	number := byteAt(frame, int(h.Layers[i].Off)+6)
	for i++; i < h.N && h.Layers[i].Kind == schema.LayerIPv6Ext; i++ {
		b := Bytes(&h.Layers[i], frame)
		if number == protoFragment && len(b) >= 8 {
			v := binary.BigEndian.Uint16(b[2:])
			return v >> 3, v&1 != 0, binary.BigEndian.Uint32(b[4:]), true
		}
		number = byteAt(b, 0)
	}
	return 0, false, 0, false
}

// byteAt returns b[i], or 0 when there is none.
func byteAt(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return 0
	}
	return b[i]
}
