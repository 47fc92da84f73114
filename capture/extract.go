package capture

import (
	"encoding/binary"
	"net/netip"
	"time"

	"weir/schema"
)

// Datagram is a UDP datagram found in a frame. It is filled in by Extractor.Extract.
type Datagram struct {
	// At is when the frame was captured, of several fragments the one that completed the datagram.
	At       schema.Instant
	Src, Dst netip.AddrPort
	// Payload is what UDP carried, as far as captured. It borrows from the frame or from the Extractor and lives
	// until the next Extract, or until the frame's bytes are gone, whichever comes first.
	Payload []byte
	// Length is how many bytes UDP carried when it was sent.
	Length int
	// Cut tells that the capture kept fewer bytes of the payload than were sent.
	Cut bool
}

// ExtractStats counts what became of frames. Always Frames = Datagrams - Reassembled + Fragments + Other + Malformed;
// of the fragments, those that are not lost went into reassembled datagrams or are still held.
type ExtractStats struct {
	Frames      uint64 // frames looked at
	Datagrams   uint64 // datagrams given out, Cut and Reassembled ones included
	Cut         uint64 // datagrams given out with Cut set
	Reassembled uint64 // datagrams given out that came in fragments
	Other       uint64 // frames without UDP over IP, or of a link type that is not looked into
	Malformed   uint64 // frames whose IP or UDP header contradicts itself or is not captured whole
	Fragments   uint64 // frames that were a fragment: of UDP over IPv4, of anything over IPv6
	// FragmentsLost counts fragments that no datagram will come of: cut by the capture, overlapping, contradicting,
	// of another protocol, or held until the bounds or the age were reached.
	FragmentsLost uint64
}

// FragmentLimits bounds what an Extractor holds of unfinished datagrams. Zero fields get the default.
type FragmentLimits struct {
	Datagrams int           // unfinished datagrams at a time; default 256
	Bytes     int           // bytes held for them; default 4 MiB
	Age       time.Duration // by capture time, from the first fragment; default 30 s (RFC 791: 15 s to 120 s)
}

// Extractor finds UDP datagrams in frames and puts those together that came in IP fragments. Checksums are not
// verified: captures on the sending machine hold unfinished ones. It is used by one goroutine at a time.
type Extractor struct {
	stats     ExtractStats
	fragments fragmentStore
}

// NewExtractor returns an Extractor that holds no more of unfinished datagrams than limits allows.
func NewExtractor(limits FragmentLimits) *Extractor {
	x := &Extractor{}
	x.fragments.setLimits(limits)
	return x
}

// Stats returns the counters.
func (x *Extractor) Stats() ExtractStats {
	s := x.stats
	s.FragmentsLost = x.fragments.lost
	return s
}

// verdict says what reading a header came to.
type verdict uint8

const (
	good verdict = iota
	notUDP
	malformed
)

// ipPacket is what is needed of an IP header.
type ipPacket struct {
	src, dst netip.Addr
	body     []byte // what follows the header, as far as captured
	length   int    // bytes that followed it when sent; at least len(body)
	protocol uint8
	fragment bool
	more     bool   // fragments: not the last
	off      int    // fragments: where in the datagram body belongs, bytes
	id       uint32 // fragments: identification
}

const protocolUDP = 17

// Extract looks for a UDP datagram in fr and fills in d when there is a whole one; found tells. A datagram in
// fragments is found in the frame that completes it.
func (x *Extractor) Extract(fr *Frame, d *Datagram) (found bool) {
	x.stats.Frames++
	x.fragments.recycle()
	p, v := readFrame(fr)
	if v == good && p.fragment {
		x.stats.Fragments++
		body, whole := x.fragments.add(&p, fr.At)
		if !whole {
			return false
		}
		p.body, p.length = body, len(body)
		v = p.readTransport()
		if v == good && p.fragment { // a fragment of a fragment: nobody sends that
			v = malformed
		}
		if v == good {
			v = readUDP(&p, d)
		}
		if v != good {
			x.fragments.lost += x.fragments.doneFragments
			return false
		}
		x.stats.Reassembled++
	} else if v == good {
		v = readUDP(&p, d)
	}
	switch v {
	case notUDP:
		x.stats.Other++
		return false
	case malformed:
		x.stats.Malformed++
		return false
	}
	d.At = fr.At
	x.stats.Datagrams++
	if d.Cut {
		x.stats.Cut++
	}
	return true
}

// readFrame reads the headers of a frame up to what follows IP.
func readFrame(fr *Frame) (p ipPacket, v verdict) {
	off, ok := network(fr.Link, fr.Data)
	if !ok {
		return p, notUDP
	}
	b := fr.Data[min(off, len(fr.Data)):]
	if len(b) == 0 {
		return p, malformed
	}
	// A broken file may hold more bytes than were on the wire; a frame without a length has those it has.
	sent := max(int(fr.Length)-off, len(b))
	switch b[0] >> 4 {
	case 4:
		return readIPv4(b, sent)
	case 6:
		return readIPv6(b, sent)
	}
	return p, malformed
}

// readIPv4 reads an IPv4 header (RFC 791 section 3.1); sent is how many bytes there were of b on the wire.
func readIPv4(b []byte, sent int) (p ipPacket, v verdict) {
	if len(b) < 20 {
		return p, malformed
	}
	header, length := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if length == 0 { // segmentation offload leaves it to the hardware
		length = sent
	}
	if header < 20 || length < header || len(b) < header {
		return p, malformed
	}
	flags := binary.BigEndian.Uint16(b[6:])
	p = ipPacket{
		body:     b[header:max(header, min(length, len(b)))],
		length:   length - header,
		protocol: b[9],
		more:     flags&0x2000 != 0,
		off:      int(flags&0x1fff) * 8,
		id:       uint32(binary.BigEndian.Uint16(b[4:])),
	}
	p.fragment = p.more || p.off != 0
	if p.protocol != protocolUDP {
		return p, notUDP
	}
	p.src, p.dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	return p, good
}

// readIPv6 reads an IPv6 header (RFC 8200 section 3) and the extension headers behind it.
func readIPv6(b []byte, sent int) (p ipPacket, v verdict) {
	if len(b) < 40 {
		return p, malformed
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 { // a jumbogram, or segmentation offload
		length = sent - 40
	}
	p = ipPacket{
		src:      netip.AddrFrom16([16]byte(b[8:])),
		dst:      netip.AddrFrom16([16]byte(b[24:])),
		body:     b[40:min(40+length, len(b))],
		length:   length,
		protocol: b[6],
	}
	return p, p.readTransport()
}

// Extension headers (RFC 8200 section 4, RFC 4302, RFC 6275, RFC 7401, RFC 5533).
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAuth        = 51
	extDestination = 60
	extMobility    = 135
	extHostID      = 139
	extShim6       = 140
)

// maxExtensions bounds how many extension headers are stepped over.
const maxExtensions = 16

// readTransport steps over extension headers until UDP or a fragment header; it moves p.body and p.length along.
func (p *ipPacket) readTransport() verdict {
	p.fragment = false
	for range maxExtensions {
		n := 8
		switch p.protocol {
		case protocolUDP:
			return good
		case extFragment:
			if len(p.body) < 8 {
				return malformed
			}
			word := binary.BigEndian.Uint16(p.body[2:])
			p.off, p.more = int(word&^7), word&1 != 0
			p.id = binary.BigEndian.Uint32(p.body[4:])
			p.fragment = p.more || p.off != 0 // "atomic" fragments are whole (RFC 6946)
		case extHopByHop, extRouting, extDestination, extMobility, extHostID, extShim6:
			if len(p.body) < 2 {
				return malformed
			}
			n = int(p.body[1])*8 + 8
		case extAuth:
			if len(p.body) < 2 {
				return malformed
			}
			n = int(p.body[1])*4 + 8
		default:
			return notUDP
		}
		if len(p.body) < n {
			return malformed
		}
		p.protocol = p.body[0]
		p.body, p.length = p.body[n:], p.length-n
		if p.fragment {
			return good
		}
	}
	return malformed
}

// readUDP reads the UDP header (RFC 768) at the start of p.body.
func readUDP(p *ipPacket, d *Datagram) verdict {
	if len(p.body) < 8 {
		return malformed
	}
	length := int(binary.BigEndian.Uint16(p.body[4:]))
	if length == 0 { // a jumbogram (RFC 2675), or segmentation offload
		length = p.length
	}
	if length < 8 || length > p.length {
		return malformed
	}
	payload := p.body[8:min(length, len(p.body))]
	*d = Datagram{
		Src:     netip.AddrPortFrom(p.src, binary.BigEndian.Uint16(p.body)),
		Dst:     netip.AddrPortFrom(p.dst, binary.BigEndian.Uint16(p.body[2:])),
		Payload: payload,
		Length:  length - 8,
		Cut:     len(payload) < length-8,
	}
	return good
}
