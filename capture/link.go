package capture

import (
	"encoding/binary"

	"weir/schema"
)

// Ethertypes and PPP protocols on the way to IP (wire-formats section 7).
const (
	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100
	etherQinQ     = 0x88a8
	etherQinQOld  = 0x9100
	etherPPPoE    = 0x8864
	etherMPLS     = 0x8847
	etherMPLSMany = 0x8848
	pppIPv4       = 0x0021
	pppIPv6       = 0x0057
)

// Addresses of Cisco's own framing, which stands where PPP in HDLC framing may stand (tcpdump's link type 50).
const (
	ciscoUnicast   = 0x0f
	ciscoMulticast = 0x8f
)

const (
	maxTags   = 4  // VLAN tags, one more than the corpus has
	maxLabels = 16 // MPLS labels
)

// network returns where the outermost IP header of a frame begins; ok is false when there is none, or none within
// the captured bytes. It reads the link types over which telemetry was ever seen to be captured; radio and token
// ring frames carry none.
func network(link schema.LinkType, b []byte) (off int, ok bool) {
	switch link {
	case schema.LinkEthernet:
		return afterEtherType(b, 12)
	case schema.LinkNull, schema.LinkLoop:
		return afterFamily(b)
	case schema.LinkRaw, schema.LinkRawBSD, schema.LinkRawOpenBSD, schema.LinkIPv4, schema.LinkIPv6:
		return 0, true
	case schema.LinkPPP:
		return afterPPP(b, 0)
	case schema.LinkPPPHDLC:
		if len(b) > 0 && (b[0] == ciscoUnicast || b[0] == ciscoMulticast) {
			return afterEtherType(b, 2)
		}
		return afterPPP(b, 0)
	case schema.LinkPPPoE:
		return afterPPP(b, 6)
	case schema.LinkCiscoHDLC:
		return afterEtherType(b, 2)
	case schema.LinkSLL:
		return afterEtherType(b, 14)
	case schema.LinkSLL2:
		if len(b) < 20 {
			return 0, false
		}
		// Unlike in the older form the protocol stands first and the rest of the header follows.
		return afterProtocol(b, binary.BigEndian.Uint16(b), 20)
	case schema.LinkMPLS:
		return afterLabels(b, 0)
	case schema.LinkNFLOG:
		return afterNFLOG(b)
	}
	return 0, false
}

// afterEtherType reads the ethertype at off.
func afterEtherType(b []byte, off int) (int, bool) {
	if len(b) < off+2 {
		return 0, false
	}
	return afterProtocol(b, binary.BigEndian.Uint16(b[off:]), off+2)
}

// afterProtocol looks behind a header that names an ethertype and ends at off.
func afterProtocol(b []byte, kind uint16, off int) (int, bool) {
	for range maxTags {
		switch kind {
		case etherIPv4, etherIPv6:
			return off, true
		case etherVLAN, etherQinQ, etherQinQOld:
			if len(b) < off+4 {
				return 0, false
			}
			kind, off = binary.BigEndian.Uint16(b[off+2:]), off+4
			continue
		case etherPPPoE:
			return afterPPP(b, off+6)
		case etherMPLS, etherMPLSMany:
			return afterLabels(b, off)
		}
		break
	}
	// An IEEE 802.3 length: LLC with SNAP of the Ethernet organisation (RFC 1042) leads on.
	if kind <= 1500 && len(b) >= off+8 && [6]byte(b[off:]) == [6]byte{0xaa, 0xaa, 0x03} {
		kind = binary.BigEndian.Uint16(b[off+6:])
		return off + 8, kind == etherIPv4 || kind == etherIPv6
	}
	return 0, kind == etherIPv4 || kind == etherIPv6
}

// afterFamily looks behind the address family of a BSD loopback frame, which is in the byte order of the machine that
// captured it.
func afterFamily(b []byte) (int, bool) {
	if len(b) < 4 {
		return 0, false
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case 2, 10, 24, 28, 30: // IPv4, then IPv6 of Linux, NetBSD, FreeBSD, Darwin
		return 4, true
	}
	return 0, false
}

// afterPPP reads a PPP protocol field (RFC 1661 section 2, RFC 1662), with or without address and control before it,
// of one byte when compressed.
func afterPPP(b []byte, off int) (int, bool) {
	if len(b) >= off+2 && b[off] == 0xff && b[off+1] == 0x03 {
		off += 2
	}
	if len(b) < off+2 {
		return 0, false
	}
	protocol := binary.BigEndian.Uint16(b[off:])
	if b[off]&1 != 0 {
		return off + 1, b[off] == pppIPv4 || b[off] == pppIPv6
	}
	return off + 2, protocol == pppIPv4 || protocol == pppIPv6
}

// afterLabels looks behind a stack of MPLS labels (RFC 3032). Nothing says what follows: IP is told by its version.
func afterLabels(b []byte, off int) (int, bool) {
	for range maxLabels {
		if len(b) < off+5 {
			return 0, false
		}
		last := b[off+2]&1 != 0
		off += 4
		if last {
			version := b[off] >> 4
			return off, version == 4 || version == 6
		}
	}
	return 0, false
}

// afterNFLOG finds the packet among the attributes of an NFLOG frame: type 9, lengths of 16 bits in the byte order of
// the machine that captured it, padded to 4.
func afterNFLOG(b []byte) (int, bool) {
	const payload = 9
	for off := 4; len(b) >= off+4; {
		n, kind := binary.LittleEndian.Uint16(b[off:]), binary.LittleEndian.Uint16(b[off+2:])
		if kind > 0xff {
			n, kind = binary.BigEndian.Uint16(b[off:]), binary.BigEndian.Uint16(b[off+2:])
		}
		if n < 4 {
			return 0, false
		}
		if kind == payload {
			return off + 4, true
		}
		off += (int(n) + 3) &^ 3
	}
	return 0, false
}
