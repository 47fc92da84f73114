package packet

import (
	"encoding/binary"

	"weir/schema"
)

// maxName is the longest domain name in octets on the wire (RFC 1035 section 3.1).
const maxName = 255

// DNSName appends to dst the domain name that begins at off in msg, a DNS message from its header on, in its usual
// text form: labels joined by dots, a dot at the end, the root alone as ".". A dot or backslash in a label is written
// with a backslash before it, bytes that are no printable ASCII as backslash and three digits (RFC 1035 section 5.1).
// next is the offset behind the name. Compression pointers are followed, always towards the start of the message, so
// that a hostile message cannot make it loop. ok is false, and name is dst, when the name is cut short or wrong. It
// allocates only when dst is too small.
func DNSName(dst, msg []byte, off int) (name []byte, next int, ok bool) {
	const pointer = 0xc0
	name = dst
	size, bound, jumped := 0, len(msg), false
	for off >= 0 && off < len(msg) {
		length := int(msg[off])
		switch {
		case length == 0:
			if !jumped {
				next = off + 1
			}
			if len(name) == len(dst) {
				name = append(name, '.')
			}
			return name, next, true
		case length&pointer == pointer:
			if off+2 > len(msg) {
				return dst, 0, false
			}
			if !jumped {
				next, jumped, bound = off+2, true, off
			}
			target := int(binary.BigEndian.Uint16(msg[off:]) & 0x3fff)
			if target >= bound {
				return dst, 0, false
			}
			off, bound = target, target
		default:
			size += length + 1
			if length&pointer != 0 || size > maxName || off+1+length > len(msg) {
				return dst, 0, false
			}
			name = append(appendLabel(name, msg[off+1:off+1+length]), '.')
			off += 1 + length
		}
	}
	return dst, 0, false
}

// appendLabel appends one label in text form.
func appendLabel(dst, label []byte) []byte {
	for _, c := range label {
		switch {
		case c == '.' || c == '\\':
			dst = append(dst, '\\', c)
		case c <= ' ' || c >= 0x7f:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// Message returns the captured bytes of the first DNS message in frame from its header on, or nil. They borrow from
// frame.
func Message(h *schema.Headers, frame []byte) []byte {
	l := h.Find(schema.LayerDNS, 0)
	if l == nil || int(l.Off) > len(frame) {
		return nil
	}
	return frame[l.Off:]
}

// Question is the first question of a DNS message (RFC 1035 section 4.1.2).
type Question struct {
	// Name is what DNSName appended to the buffer that was given.
	Name []byte
	// Type and Class are the query type (1 = A, 28 = AAAA, ...) and class (1 = IN); in mDNS the top bit of Class asks
	// for a unicast answer.
	Type, Class uint16
}

// FirstQuestion reads the first question of the first DNS message in frame and appends its name to dst. ok is false
// when there is none, or it was not captured whole; a name whose type was cut off does not count.
func FirstQuestion(dst []byte, h *schema.Headers, frame []byte) (q Question, ok bool) {
	msg := Message(h, frame)
	if h.DNSQuestion == 0 || len(msg) < dnsSize {
		return q, false
	}
	name, next, ok := DNSName(dst, msg, dnsSize)
	if !ok || next+4 > len(msg) {
		return q, false
	}
	q.Name = name
	q.Type, q.Class = binary.BigEndian.Uint16(msg[next:]), binary.BigEndian.Uint16(msg[next+2:])
	return q, true
}
