package packet

import "weir/schema"

// The sizes of the fixed parts of transport headers.
const (
	tcpSize = 20
	udpSize = 8
	dnsSize = 12
)

// The UDP and TCP ports that say what follows.
const (
	portDNS      = 53
	portL2TP     = 1701
	portGTPU     = 2152
	portTeredo   = 3544
	portLISP     = 4341
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portRoCE     = 4791
	portAYIYA    = 5072
	portCAPWAP   = 5247
	portMDNS     = 5353
	portGeneve   = 6081
	portMPLS     = 6635
	portOldVXLAN = 8472
)

// tcp reads a TCP header with its options.
func (w *walk) tcp(off int) step {
	if off+tcpSize > len(w.b) {
		w.header(schema.LayerTCP, off, tcpSize)
		return end
	}
	size := int(w.b[off+12]>>4) * 4
	if size < tcpSize {
		w.h.Malformed = true
		size = tcpSize
	}
	if !w.header(schema.LayerTCP, off, size) {
		return end
	}
	source, destination := w.u16(off), w.u16(off+2)
	off += size
	if source == portDNS || destination == portDNS {
		return w.dnsOverTCP(off)
	}
	return w.payload(off)
}

// dnsOverTCP reads the message at the start of a segment (RFC 1035 section 4.2.2). A segment may begin in the middle of
// a message: what does not look like a header is payload.
func (w *walk) dnsOverTCP(off int) step {
	if off+2+dnsSize > len(w.b) || int(w.u16(off)) < dnsSize {
		return w.payload(off)
	}
	const zero, maxQuestions = 0x0040, 16 // a reserved bit; nobody sends more than one question
	if w.u16(off+4)&zero != 0 || w.u16(off+6) > maxQuestions {
		return w.payload(off)
	}
	return w.dns(off + 2)
}

// dns lists the message header (RFC 1035 section 4.1.1).
func (w *walk) dns(off int) step {
	if !w.header(schema.LayerDNS, off, dnsSize) {
		return end
	}
	questions := w.u16(off + 4)
	off += dnsSize
	if questions != 0 && off < len(w.b) && w.h.DNSQuestion == 0 && off <= 0xffff {
		w.h.DNSQuestion = uint16(off)
	}
	return w.payload(off)
}

// udp reads a UDP header and goes on to what a port says. A length of 0 is that of a jumbogram or of an offloaded send
// (RFC 2675 section 4).
func (w *walk) udp(off int) step {
	if !w.header(schema.LayerUDP, off, udpSize) {
		return end
	}
	source, destination, length := w.u16(off), w.u16(off+2), int(w.u16(off+4))
	if length != 0 {
		if length < udpSize {
			return w.malformed(off + udpSize)
		}
		w.narrow(off, length)
	}
	off += udpSize
	if off >= len(w.b) {
		return end
	}
	if isDNS(source) || isDNS(destination) { // before tunnels: an answer may go to any port
		return w.dns(off)
	}
	if s, ok := w.tunnelTo(destination, off); ok {
		return s
	}
	if s, ok := w.eitherPort(destination, off); ok {
		return s
	}
	if s, ok := w.eitherPort(source, off); ok {
		return s
	}
	return w.payload(off)
}

func isDNS(port uint16) bool { return port == portDNS || port == portMDNS }

// tunnelTo goes on to the tunnels whose port is that of the receiver alone (the source port spreads the load).
func (w *walk) tunnelTo(port uint16, off int) (step, bool) {
	switch port {
	case portVXLAN, portOldVXLAN:
		return w.vxlan(off), true
	case portVXLANGPE:
		return w.vxlanGPE(off), true
	case portGeneve:
		return w.geneve(off), true
	case portMPLS:
		return step{atMPLS, 0, off}, true
	case portRoCE:
		return w.leaf(schema.LayerIBBT, off, 12), true
	case portLISP: // 8 bytes, then IP (RFC 9300 section 5.1)
		return w.guess(off + 8), true
	}
	return step{}, false
}

// eitherPort goes on to the protocols whose port may be at either end.
func (w *walk) eitherPort(port uint16, off int) (step, bool) {
	switch port {
	case portGTPU:
		return w.gtpu(off), true
	case portTeredo:
		return w.teredo(off), true
	case portL2TP:
		return w.l2tp(off), true
	case portCAPWAP:
		return w.capwap(off), true
	case portAYIYA:
		return w.ayiya(off), true
	}
	return step{}, false
}
