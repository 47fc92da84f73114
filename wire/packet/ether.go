package packet

import (
	"encoding/binary"

	"weir/schema"
)

// minEtherType is the smallest ethertype; up to 1500 the field is a length (IEEE 802.3 3.2.6).
const (
	minEtherType = 0x0600
	maxLength    = 1500
)

// The ethertypes that are read.
const (
	typeIPv4       = 0x0800
	typeARP        = 0x0806
	typeTRILL      = 0x22f3 // RFC 6325
	typeERSPAN3    = 0x22eb
	typeBridged    = 0x6558 // transparent Ethernet bridging (RFC 1701)
	typeVLAN       = 0x8100
	typeIPv6       = 0x86dd
	typePPP        = 0x880b
	typeWCCP       = 0x883e
	typeMPLS       = 0x8847
	typeMPLSMulti  = 0x8848
	typePPPoE      = 0x8864
	typeJumboLLC   = 0x8870
	typeProvider   = 0x88a8 // 802.1ad
	typeERSPAN     = 0x88be
	typeMACsec     = 0x88e5 // 802.1AE
	typeBackbone   = 0x88e7 // 802.1ah I-tag
	typeFabricPath = 0x8903
	typeCMD        = 0x8909 // security group tag
	typeVNTag      = 0x8926
	typeHSR        = 0x892f // IEC 62439-3
	typeNSH        = 0x894f // RFC 8300
	typeOldQinQ    = 0x9100
	typeRTag       = 0xf1c1 // 802.1CB
)

func (w *walk) ethernet(off int) step {
	if !w.header(schema.LayerEthernet, off, 14) {
		return end
	}
	return w.etherType(w.u16(off+12), off+14)
}

// etherType goes on to what an ethertype says. VLAN tags are walked here, so that the type behind them is known to be
// the frame's.
func (w *walk) etherType(t uint16, off int) step {
	for t == typeVLAN || t == typeProvider || t == typeOldQinQ {
		if !w.header(schema.LayerVLAN, off, 4) {
			return end
		}
		t, off = w.u16(off+2), off+4
	}
	if t < minEtherType {
		if t <= maxLength {
			w.narrow(off, int(t))
		}
		return step{atLLC, 0, off}
	}
	w.settle(t)
	switch t {
	case typeIPv4:
		return w.ipv4(off)
	case typeIPv6:
		return w.ipv6(off)
	case typeARP:
		return w.arp(off)
	case typeMPLS, typeMPLSMulti:
		return step{atMPLS, 0, off}
	case typePPPoE:
		return w.pppoe(off)
	case typeBridged:
		return step{atEthernet, 0, off}
	case typePPP:
		return step{atPPP, 0, off}
	case typeNSH:
		return step{atNSH, 0, off}
	case typeJumboLLC:
		return step{atLLC, 0, off}
	}
	return w.tag(t, off)
}

// tag steps over the tags and outer MAC-in-MAC headers that the house has no layer for.
func (w *walk) tag(t uint16, off int) step {
	switch t {
	case typeVNTag, typeHSR, typeRTag: // 4 bytes, then the next ethertype
		return w.typeAfter(off, 4)
	case typeCMD: // version, length in words, options
		if !w.has(off, 2) {
			return end
		}
		return w.typeAfter(off, 2+4*int(w.b[off+1]))
	case typeMACsec:
		return w.macsec(off)
	case typeBackbone:
		return step{atEthernet, 0, off + 4}
	case typeFabricPath:
		return step{atEthernet, 0, off + 2}
	case typeTRILL: // 6 bytes and options, whose length in words straddles the first two bytes
		if !w.has(off, 6) {
			return end
		}
		return step{atEthernet, 0, off + 6 + 4*int(w.u16(off)>>6&0x1f)}
	}
	return w.payload(off)
}

// typeAfter goes on to the ethertype that stands n bytes behind off.
func (w *walk) typeAfter(off, n int) step {
	if !w.has(off, n+2) {
		return end
	}
	return step{atType, w.u16(off + n), off + n + 2}
}

// macsec reads an 802.1AE security tag; what is only authenticated, not encrypted, can be read on.
func (w *walk) macsec(off int) step {
	const channel, encrypted = 0x20, 0x0c
	if !w.has(off, 6) {
		return end
	}
	size := 6
	if w.b[off]&channel != 0 {
		size += 8
	}
	if w.b[off]&encrypted != 0 {
		return w.payload(off + size)
	}
	return w.typeAfter(off, size)
}

// arp lists an ARP packet; its length follows from the lengths of its addresses.
func (w *walk) arp(off int) step {
	size := 28
	if off+6 <= len(w.b) {
		size = 8 + 2*int(w.b[off+4]) + 2*int(w.b[off+5])
	}
	w.header(schema.LayerARP, off, size)
	return end
}

// llc reads an 802.2 header and the SNAP header in it (RFC 1042).
func (w *walk) llc(off int) step {
	const snap, ip, unnumbered = 0xaa, 0x06, 0x03
	if off+3 > len(w.b) {
		w.header(schema.LayerLLC, off, 3)
		return end
	}
	dsap, ssap, control := w.b[off], w.b[off+1], w.b[off+2]
	switch {
	case dsap == 0xff && ssap == 0xff: // a raw 802.3 frame of IPX has no LLC
		return w.payload(off)
	case dsap == snap && ssap|1 == snap|1 && control == unnumbered:
		return w.snap(off)
	}
	size := 3
	if control&3 != 3 { // information and supervisory frames have 2 control bytes
		size = 4
	}
	if !w.header(schema.LayerLLC, off, size) {
		return end
	}
	if dsap == ip && ssap == ip && control == unnumbered {
		return step{atIP, 0, off + size}
	}
	return w.payload(off + size)
}

// snap reads LLC and SNAP, 8 bytes together; the organisations 00-00-00 and 00-00-F8 number by ethertype.
func (w *walk) snap(off int) step {
	if !w.header(schema.LayerLLC, off, 8) {
		return end
	}
	organisation, t := binary.BigEndian.Uint32(w.b[off+2:])&0xffffff, w.u16(off+6)
	off += 8
	if (organisation == 0 || organisation == 0xf8) && t >= minEtherType {
		return step{atType, t, off}
	}
	return w.payload(off)
}

// mpls reads label stack entries (RFC 3032) down to the bottom. The label does not say what follows: the first nibble
// does where it can (RFC 4928), 4 and 6 for IP, 0 for a control word before Ethernet, 1 for an associated channel.
func (w *walk) mpls(off int) step {
	w.settle(typeMPLS)
	for bottom := false; !bottom; off += 4 {
		if !w.header(schema.LayerMPLS, off, 4) {
			return end
		}
		bottom = w.b[off+2]&1 != 0
	}
	if off >= len(w.b) {
		return end
	}
	switch nibble := w.b[off] >> 4; {
	case nibble == 4 && w.b[off]&0x0f >= 5, nibble == 6:
		return step{atIP, 0, off}
	case nibble == 1:
		return w.payload(off)
	case nibble == 0 && (w.plausibleEthernet(off+4) || !w.plausibleEthernet(off)):
		return step{atEthernet, 0, off + 4}
	case w.plausibleEthernet(off): // a pseudowire without control word
		return step{atEthernet, 0, off}
	}
	return w.payload(off)
}

// plausibleEthernet tells whether a MAC header could stand at off: its type is one that pseudowires carry.
func (w *walk) plausibleEthernet(off int) bool {
	if off+14 > len(w.b) {
		return false
	}
	switch w.u16(off + 12) {
	case typeIPv4, typeARP, typeIPv6, typeVLAN, typeProvider, typeOldQinQ, typeMPLS, typePPPoE:
		return true
	}
	return false
}

// pppoe reads a session header (RFC 2516): version and type 1, code, session, length of what follows.
func (w *walk) pppoe(off int) step {
	if !w.header(schema.LayerPPPoE, off, 6) {
		return end
	}
	if w.b[off] != 0x11 || w.b[off+1] != 0 {
		return w.payload(off + 6)
	}
	w.narrow(off+6, int(w.u16(off+4)))
	return step{atPPP, 0, off + 6}
}

// ppp reads address and control (RFC 1662), which may be left out, and the protocol field (RFC 1661 section 2), which
// may be one byte.
func (w *walk) ppp(off int) step {
	if off+2 <= len(w.b) && w.b[off] == 0xff && w.b[off+1] == 0x03 {
		off += 2
	}
	size := 2
	if off < len(w.b) && w.b[off]&1 != 0 {
		size = 1
	}
	if !w.header(schema.LayerPPP, off, size) {
		return end
	}
	protocol := uint16(w.b[off])
	if size == 2 {
		protocol = w.u16(off)
	}
	off += size
	switch protocol {
	case 0x0021, 0x0057:
		return w.ip(off)
	case 0x0281, 0x0283:
		return w.mpls(off)
	}
	return w.payload(off)
}

// nsh reads a network service header: its length in words is the low 6 bits of the first two bytes, the protocol
// behind it the fourth byte.
func (w *walk) nsh(off int) step {
	if !w.has(off, 8) {
		return end
	}
	size := 4 * int(w.u16(off)&0x3f)
	if size < 8 {
		return w.malformed(off)
	}
	return w.nextProtocol(w.b[off+3], off+size)
}

// nextProtocol goes on to what the numbers shared by NSH and VXLAN-GPE say (RFC 8300 section 2.2).
func (w *walk) nextProtocol(n byte, off int) step {
	switch n {
	case 1, 2:
		return step{atIP, 0, off}
	case 3:
		return step{atEthernet, 0, off}
	case 4:
		return step{atNSH, 0, off}
	case 5:
		return step{atMPLS, 0, off}
	}
	return w.payload(off)
}
