package packet

import (
	"encoding/binary"

	"weir/schema"
)

// maxSteps bounds the work for one frame. Some headers are stepped over without being listed (tags that the house has
// no name for), so that MaxLayers alone does not bound the walk.
const maxSteps = 3 * schema.MaxLayers

// Parse finds the headers of frame, whose outermost header is of type link, and lists them in h, which it empties
// first. frame holds the captured bytes; wireLen is the length of the frame as it was sent (without what an sFlow agent
// stripped) and serves only where an IP header does not tell its own length. It accepts any bytes, allocates nothing
// and keeps neither h nor frame.
func Parse(h *schema.Headers, link schema.LinkType, frame []byte, wireLen uint32) {
	h.Reset()
	w := walk{h: h, b: frame, captured: len(frame), wire: int(wireLen)}
	s := w.link(link, 0)
	for range maxSteps {
		if s.at == atEnd {
			return
		}
		s = w.next(s)
	}
}

// stage says what stands at the offset of a step.
type stage uint8

const (
	atEnd      stage = iota // nothing more to look at
	atEthernet              // a MAC header
	atType                  // what the ethertype num says
	atIP                    // IPv4 or IPv6, as the version nibble says
	atProtocol              // what the IP protocol number num says
	atMPLS                  // a label stack entry
	atPPP                   // a PPP protocol field, perhaps after address and control
	atLLC                   // an 802.2 header
	atNSH                   // a network service header
)

// step is the next thing to look at.
type step struct {
	at  stage
	num uint16
	off int
}

var end = step{}

// walk is the state of one Parse.
type walk struct {
	h        *schema.Headers
	b        []byte // captured bytes up to the end of the innermost datagram so far
	captured int    // length of the captured bytes
	wire     int    // length of the frame as sent
	typed    bool   // Headers.EtherType is settled
	six      bool   // the innermost IP header is IPv6
}

func (w *walk) next(s step) step {
	switch s.at {
	case atEthernet:
		return w.ethernet(s.off)
	case atType:
		return w.etherType(s.num, s.off)
	case atIP:
		return w.ip(s.off)
	case atProtocol:
		return w.protocol(s.num, s.off)
	case atMPLS:
		return w.mpls(s.off)
	case atPPP:
		return w.ppp(s.off)
	case atLLC:
		return w.llc(s.off)
	case atNSH:
		return w.nsh(s.off)
	}
	return w.payload(s.off)
}

// header lists a header of n bytes at off. When it is not all there, it lists what is, notes why, and returns false.
func (w *walk) header(k schema.LayerKind, off, n int) bool {
	if left := len(w.b) - off; n > left {
		if left > 0 {
			w.h.Add(k, off, left)
			w.short()
		}
		return false
	}
	return w.h.Add(k, off, n)
}

// has tells whether n bytes at off are there, and notes why when some of them are not.
func (w *walk) has(off, n int) bool {
	if off+n <= len(w.b) {
		return true
	}
	if off < len(w.b) {
		w.short()
	}
	return false
}

// short notes that a header ends behind the bytes that it may lie in.
func (w *walk) short() {
	if len(w.b) == w.captured {
		w.h.Truncated = true
	} else {
		w.h.Malformed = true
	}
}

// malformed notes that a header contradicts itself; what follows it cannot be told.
func (w *walk) malformed(off int) step {
	w.h.Malformed = true
	return w.payload(off)
}

// narrow keeps what follows within the first n bytes from off.
func (w *walk) narrow(off, n int) {
	if off+n < len(w.b) {
		w.b = w.b[:off+n]
	}
}

// payload ends the walk; bytes at off, if any, are listed as payload.
func (w *walk) payload(off int) step {
	if off < len(w.b) {
		w.h.Add(schema.LayerPayload, off, len(w.b)-off)
	}
	return end
}

// settle says what the ethertype of the frame is, unless a header further out has said so.
func (w *walk) settle(etherType uint16) {
	if !w.typed {
		w.h.EtherType, w.typed = etherType, true
	}
}

// u16 reads two bytes, network order, that were checked to be there.
func (w *walk) u16(off int) uint16 { return binary.BigEndian.Uint16(w.b[off:]) }

// Bytes returns the captured bytes of a header that Parse listed for frame, or nil when l is nil. The header may be
// longer than what was captured of it: the reader checks the length. The bytes borrow from frame.
func Bytes(l *schema.Layer, frame []byte) []byte {
	if l == nil || int(l.Off)+int(l.Len) > len(frame) {
		return nil
	}
	return frame[l.Off : int(l.Off)+int(l.Len)]
}
