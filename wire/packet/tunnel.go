package packet

import "weir/schema"

// The flags in the first two bytes of a GRE header (RFC 2784, RFC 2890, RFC 1701, RFC 2637).
const (
	greChecksum = 0x8000
	greRouting  = 0x4000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080
	greVersion  = 0x0007
)

// greSize returns the length of a GRE header by its flags; that of source routes is not in it.
func greSize(flags uint16) int {
	size := 4
	if flags&(greChecksum|greRouting) != 0 && flags&greVersion == 0 {
		size += 4
	}
	if flags&greKey != 0 {
		size += 4
	}
	if flags&greSequence != 0 {
		size += 4
	}
	if flags&greAck != 0 && flags&greVersion == 1 {
		size += 4
	}
	return size
}

// gre reads a GRE header: version 0, or 1 as PPTP uses it.
func (w *walk) gre(off int) step {
	if off+4 > len(w.b) {
		w.header(schema.LayerGRE, off, 4)
		return end
	}
	flags, t := w.u16(off), w.u16(off+2)
	size := greSize(flags)
	if flags&greVersion > 1 {
		return w.malformed(off)
	}
	if flags&greRouting != 0 && flags&greVersion == 0 {
		size = w.greRoutes(off, size)
	}
	if !w.header(schema.LayerGRE, off, size) {
		return end
	}
	off += size
	switch {
	case t == typeERSPAN && flags&greSequence == 0: // ERSPAN I has no header of its own
		return step{atEthernet, 0, off}
	case t == typeERSPAN, t == typeERSPAN3:
		return w.erspan(off)
	case t == typeWCCP:
		return w.wccp(off)
	case t < minEtherType:
		return w.payload(off)
	}
	return step{atType, t, off}
}

// greRoutes returns the length of a GRE header with its source routes (RFC 1701): entries of family, offset, length
// and routing bytes; one of family and length 0 ends them.
func (w *walk) greRoutes(off, size int) int {
	for off+size+4 <= len(w.b) {
		family, length := w.u16(off+size), int(w.b[off+size+3])
		size += 4 + length
		if family == 0 && length == 0 {
			return size
		}
	}
	return size + 4 // the end is not there
}

// erspan reads an ERSPAN header: version 1 is type II (8 bytes), 2 is type III (12 bytes, 20 with the platform part).
func (w *walk) erspan(off int) step {
	const kindIII, platform, frameType, frameIP = 2, 0x01, 0x7c, 2 << 2
	size := 8
	if off < len(w.b) && w.b[off]>>4 == kindIII {
		size = 12
	}
	if size == 12 && off+12 <= len(w.b) && w.b[off+11]&platform != 0 {
		size = 20
	}
	if !w.header(schema.LayerERSPAN, off, size) {
		return end
	}
	if size != 8 && w.b[off+10]&frameType == frameIP {
		return step{atIP, 0, off + size}
	}
	return step{atEthernet, 0, off + size}
}

// wccp steps over the redirect header that version 2 of WCCP puts before the packet; in version 1 the IP header
// follows at once.
func (w *walk) wccp(off int) step {
	if byteAt(w.b, off)>>4 != 4 {
		off += 4
	}
	return w.guess(off)
}

// vxlan reads a VXLAN header (RFC 7348); without its I flag it is something else on that port.
func (w *walk) vxlan(off int) step {
	const valid = 0x08
	if w.b[off]&valid == 0 {
		return w.payload(off)
	}
	if !w.header(schema.LayerVXLAN, off, 8) {
		return end
	}
	return step{atEthernet, 0, off + 8}
}

// vxlanGPE reads a VXLAN header with the generic protocol extension.
func (w *walk) vxlanGPE(off int) step {
	const nextPresent = 0x04
	if !w.header(schema.LayerVXLAN, off, 8) {
		return end
	}
	if w.b[off]&nextPresent == 0 {
		return step{atEthernet, 0, off + 8}
	}
	return w.nextProtocol(w.b[off+3], off+8)
}

// geneve reads a Geneve header with its options (RFC 8926 section 3.4).
func (w *walk) geneve(off int) step {
	if w.b[off]>>6 != 0 {
		return w.payload(off)
	}
	size := 8 + int(w.b[off]&0x3f)*4
	if !w.header(schema.LayerGeneve, off, size) {
		return end
	}
	t := w.u16(off + 2)
	if t < minEtherType {
		return w.payload(off + size)
	}
	return step{atType, t, off + size}
}

// gtpu reads a GTP version 1 header (3GPP TS 29.281 section 5.1). Only message type 255 carries a packet.
func (w *walk) gtpu(off int) step {
	const versionAndType, gtp1, extension, optional, gpdu = 0xf0, 0x30, 0x04, 0x07, 255
	if w.b[off]&versionAndType != gtp1 {
		return w.payload(off)
	}
	size := 8
	if w.b[off]&optional != 0 {
		size = 12
	}
	for more := w.b[off]&extension != 0; more; { // extensions: length in words, body, number of the next
		if off+size > len(w.b) || w.b[off+size-1] == 0 {
			break
		}
		length := 4 * int(byteAt(w.b, off+size))
		if length == 0 {
			break
		}
		size += length
	}
	if !w.header(schema.LayerGTPU, off, size) {
		return end
	}
	if w.b[off+1] != gpdu {
		return w.payload(off + size)
	}
	return w.guess(off + size)
}

// teredo steps over the authentication and origin indications (RFC 4380 section 5.1.1) to the IPv6 header.
func (w *walk) teredo(off int) step {
	if off+4 <= len(w.b) && w.u16(off) == 1 {
		off += 4 + int(w.b[off+2]) + int(w.b[off+3]) + 9
	}
	if off+8 <= len(w.b) && w.u16(off) == 0 {
		off += 8
	}
	return w.guess(off)
}

// The flags in the first two bytes of an L2TP header (RFC 2661 section 3.1).
const (
	l2tpControl  = 0x8000
	l2tpLength   = 0x4000
	l2tpSequence = 0x0800
	l2tpOffset   = 0x0200
	l2tpVersion  = 0x000f
)

// l2tp reads an L2TP header over UDP. Version 3 does not say how long its cookie is: its data cannot be read on.
func (w *walk) l2tp(off int) step {
	if !w.has(off, 2) {
		return end
	}
	flags := w.u16(off)
	switch flags & l2tpVersion {
	case 2:
	case 3:
		return w.leaf(schema.LayerL2TP, off, 8)
	default:
		return w.payload(off)
	}
	size := 6
	if flags&l2tpLength != 0 {
		size += 2
	}
	if flags&l2tpSequence != 0 {
		size += 4
	}
	if flags&l2tpOffset != 0 {
		size += 2
		if off+size <= len(w.b) {
			size += int(w.u16(off + size - 2))
		}
	}
	if !w.header(schema.LayerL2TP, off, size) {
		return end
	}
	if flags&l2tpControl != 0 {
		return w.payload(off + size)
	}
	return step{atPPP, 0, off + size}
}

// l2tpOverIP lists the session id of L2TP version 3 over IP (RFC 3931 section 4.1.1); 0 begins a control message.
func (w *walk) l2tpOverIP(off int) step {
	return w.leaf(schema.LayerL2TP, off, 4)
}
