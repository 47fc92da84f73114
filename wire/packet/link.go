package packet

import (
	"encoding/binary"

	"weir/schema"
)

// FromSFlow returns the link type of a sampled header with the given header_protocol (sFlow v5, sampled_header,
// structure 0:1); those that Parse cannot read give schema.LinkUnknown.
func FromSFlow(headerProtocol uint32) schema.LinkType {
	switch headerProtocol {
	case 1, 17: // ISO 88023, and the A-MSDU subframe, whose header is that of 802.3
		return schema.LinkEthernet
	case 3:
		return schema.LinkTokenRing
	case 4:
		return schema.LinkFDDI
	case 7:
		return schema.LinkPPP
	case 11:
		return schema.LinkIPv4
	case 12:
		return schema.LinkIPv6
	case 13:
		return schema.LinkMPLS
	case 14: // packet over SONET: PPP in HDLC framing, or Cisco's own
		return schema.LinkPPPHDLC
	case 15:
		return schema.Link80211
	}
	return schema.LinkUnknown
}

// link starts the walk at the outermost header.
func (w *walk) link(link schema.LinkType, off int) step {
	switch link {
	case schema.LinkEthernet:
		return w.ethernet(off)
	case schema.LinkRaw, schema.LinkRawBSD, schema.LinkRawOpenBSD, schema.LinkIPv4, schema.LinkIPv6:
		return w.ip(off)
	case schema.LinkNull, schema.LinkLoop:
		return w.null(off)
	case schema.LinkSLL, schema.LinkSLL2:
		return w.cooked(link, off)
	case schema.LinkPPP:
		return w.ppp(off)
	case schema.LinkPPPHDLC, schema.LinkCiscoHDLC:
		return w.hdlc(link, off)
	case schema.LinkPPPoE:
		w.settle(typePPPoE)
		return w.pppoe(off)
	case schema.LinkMPLS:
		return w.mpls(off)
	case schema.LinkTokenRing:
		return w.tokenRing(off)
	case schema.LinkFDDI:
		return w.fddi(off)
	case schema.Link80211:
		return w.ieee80211(off, false)
	case schema.LinkRadiotap:
		return w.radiotap(off)
	case schema.LinkPPI:
		return w.ppi(off)
	case schema.LinkNFLOG:
		return w.nflog(off)
	}
	return w.payload(off)
}

// null reads the BSD loopback header: an address family in the byte order of the capturing machine (link type 0) or in
// network order (108). Families fit 16 bits, so the order shows in the bytes. Values that are no family but could be an
// ethertype are taken as one: some systems write that.
func (w *walk) null(off int) step {
	if !w.header(schema.LayerNull, off, 4) {
		return end
	}
	family := binary.BigEndian.Uint32(w.b[off:])
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(w.b[off:])
	}
	switch {
	case family == 2, family == 10, family == 24, family == 28, family == 30:
		return w.ip(off + 4)
	case family >= minEtherType && family <= 0xffff:
		return step{atType, uint16(family), off + 4}
	}
	return w.payload(off + 4)
}

// ARP hardware types of cooked captures whose protocol field is not an ethertype.
const (
	hardware80211      = 801
	hardware80211Prism = 802
	hardwareRadiotap   = 803
	hardwareFrameRelay = 770
	hardwareNetlink    = 824
)

// cooked reads a Linux cooked capture header, version 1 (16 bytes) or 2 (20 bytes).
func (w *walk) cooked(link schema.LinkType, off int) step {
	size, protocolAt, hardwareAt := 16, 14, 2
	if link == schema.LinkSLL2 {
		size, protocolAt, hardwareAt = 20, 0, 8
	}
	if !w.header(schema.LayerSLL, off, size) {
		return end
	}
	protocol, hardware := w.u16(off+protocolAt), w.u16(off+hardwareAt)
	off += size
	switch hardware {
	case hardware80211:
		return w.ieee80211(off, false)
	case hardwareRadiotap:
		return w.radiotap(off)
	case hardware80211Prism, hardwareFrameRelay, hardwareNetlink:
		return w.payload(off)
	}
	switch {
	case protocol >= minEtherType:
		return w.etherType(protocol, off)
	case protocol == 4: // LLC
		return w.llc(off)
	}
	return w.payload(off)
}

// hdlc reads an HDLC address and control: RFC 1662 PPP, or Cisco's with an ethertype.
func (w *walk) hdlc(link schema.LinkType, off int) step {
	if !w.has(off, 4) {
		return w.payload(off)
	}
	cisco := w.b[off] == 0x0f || w.b[off] == 0x8f
	if link == schema.LinkPPPHDLC && !cisco {
		return w.ppp(off)
	}
	return w.etherType(w.u16(off+2), off+4)
}

// tokenRing reads an 802.5 header: access and frame control, addresses, and routing information when the first bit of
// the source address says so.
func (w *walk) tokenRing(off int) step {
	const fixed = 14
	if !w.has(off, fixed) {
		return end
	}
	size := fixed
	if w.b[off+8]&0x80 != 0 {
		if !w.has(off+fixed, 2) {
			return end
		}
		size += int(w.b[off+fixed] & 0x1f)
	}
	if w.b[off+1]&0xc0 != 0x40 { // a MAC frame carries no LLC
		return w.payload(off + size)
	}
	return w.llc(off + size)
}

// fddi reads frame control and addresses (13 bytes); 0x50 to 0x5f are the LLC frames.
func (w *walk) fddi(off int) step {
	if !w.has(off, 13) {
		return end
	}
	if w.b[off]&0xf0 != 0x50 {
		return w.payload(off + 13)
	}
	return w.llc(off + 13)
}

// ppi reads a per-packet information header; the link type of the frame stands in it.
func (w *walk) ppi(off int) step {
	if !w.has(off, 8) {
		return end
	}
	size, inner := int(binary.LittleEndian.Uint16(w.b[off+2:])), binary.LittleEndian.Uint32(w.b[off+4:])
	if size < 8 || inner == uint32(schema.LinkPPI) || inner > 0xffff {
		return w.malformed(off + 8)
	}
	return w.link(schema.LinkType(inner), off+size)
}

// The parts of an NFLOG message that matter here.
const (
	nflogHeader  = 4
	nflogPayload = 9
)

// nflog reads a netfilter log message: a family, then attributes (length, type) in the byte order of the capturing
// machine, of which one holds the packet from its IP header on.
func (w *walk) nflog(off int) step {
	if !w.has(off, nflogHeader) {
		return end
	}
	off += nflogHeader
	for off+4 <= len(w.b) {
		size, kind := int(binary.LittleEndian.Uint16(w.b[off:])), binary.LittleEndian.Uint16(w.b[off+2:])
		if kind&0xff == 0 { // type numbers are below 256
			size, kind = int(binary.BigEndian.Uint16(w.b[off:])), binary.BigEndian.Uint16(w.b[off+2:])
		}
		if size < 4 {
			return w.malformed(off)
		}
		if kind == nflogPayload {
			w.narrow(off, size)
			return w.ip(off + 4)
		}
		off += (size + 3) &^ 3
	}
	return end
}
