package netflow

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"weir/schema"
)

// ElementKind is the abstract data type of an information element (RFC 7012 section 3.1), integers of all sizes being
// one kind because of reduced-size encoding.
type ElementKind uint8

// The kinds of elements.
const (
	Octets  ElementKind = iota // bytes without further meaning; also every element that is not known
	Uint                       // unsigned, 1 to 8 bytes
	Int                        // two's complement, 1 to 8 bytes
	Float                      // IEEE 754, 4 or 8 bytes
	Bool                       // 1 is true, 2 is false
	MAC                        // 6 bytes
	Text                       // UTF-8, ends at the first NUL when padded
	Seconds                    // since the Unix epoch
	Millis                     // since the Unix epoch
	Micros                     // NTP format: seconds since 1900, fraction (RFC 7011 section 6.1.9)
	Nanos                      // NTP format
	IPv4                       // 4 bytes
	IPv6                       // 16 bytes
	List                       // basicList, subTemplateList, subTemplateMultiList (RFC 6313), not looked into
)

// Enterprise numbers with a rule of their own.
const (
	// ReverseEnterprise marks the reverse direction of a biflow: the number is that of the forward element (RFC 5103).
	ReverseEnterprise = 29305
	// ScopeEnterprise is where this package puts the scope fields of NetFlow v9 options, which have numbers of their
	// own (1 system, 2 interface, 3 line card, 4 cache, 5 template; RFC 3954 section 6.1). It is no real enterprise.
	ScopeEnterprise = 0xfffffffe
	// certEnterprise marks the reverse direction of its own elements by a bit of their number (YAF documentation).
	certEnterprise = 6871
	certReverse    = 0x4000
)

type element struct {
	name string
	kind ElementKind
}

func lookup(enterprise uint32, id uint16) (element, bool) {
	if enterprise == 0 && int(id) < len(elements) {
		e := elements[id]
		return e, e.name != ""
	}
	e, ok := vendorElements[vendorKey{enterprise, id}]
	return e, ok
}

// forward returns the number of the element that id is the reverse of in the way of CERT; reverse tells whether it is.
func forward(enterprise uint32, id uint16) (number uint16, reverse bool) {
	if enterprise != certEnterprise || id&certReverse == 0 {
		return id, false
	}
	_, known := vendorElements[vendorKey{enterprise, id &^ certReverse}]
	return id &^ certReverse, known
}

// ElementName returns the name of an information element: the IANA name or the vendor's, "rev." and the forward name
// for RFC 5103 and for CERT, "scope/2" for a scope field of NetFlow v9, otherwise the number, with the enterprise
// before it when it is not 0: "9/12232".
func ElementName(enterprise uint32, id uint16) string {
	return string(AppendElementName(nil, enterprise, id))
}

// AppendElementName appends what ElementName returns.
func AppendElementName(dst []byte, enterprise uint32, id uint16) []byte {
	switch enterprise {
	case ReverseEnterprise:
		return AppendElementName(append(dst, "rev."...), 0, id)
	case ScopeEnterprise:
		return strconv.AppendUint(append(dst, "scope/"...), uint64(id), 10)
	}
	if e, ok := lookup(enterprise, id); ok {
		return append(dst, e.name...)
	}
	if n, reverse := forward(enterprise, id); reverse {
		return AppendElementName(append(dst, "rev."...), enterprise, n)
	}
	if enterprise != 0 {
		dst = append(strconv.AppendUint(dst, uint64(enterprise), 10), '/')
	}
	return strconv.AppendUint(dst, uint64(id), 10)
}

// ElementType returns the kind of an information element; known is false for one that is in no table.
func ElementType(enterprise uint32, id uint16) (kind ElementKind, known bool) {
	if enterprise == ReverseEnterprise {
		enterprise = 0
	}
	if enterprise == ScopeEnterprise {
		return Uint, true
	}
	if n, reverse := forward(enterprise, id); reverse {
		id = n
	}
	e, ok := lookup(enterprise, id)
	return e.kind, ok
}

// AppendElement appends the value of an information element as text: addresses and MAC addresses in their usual form,
// times in RFC 3339 UTC, application ids as engine:selector (RFC 6759), MPLS stack entries as label/exp/bottom, text
// up to its first NUL with what is not printable escaped, everything else as a number or as hexadecimal digits. A
// value whose length does not fit its kind is shown as hexadecimal digits.
func AppendElement(dst []byte, enterprise uint32, id uint16, b []byte) []byte {
	kind, known := ElementType(enterprise, id)
	if enterprise == 0 {
		switch {
		case id == 95 && len(b) > 1 && len(b) <= 9:
			sel, _ := number(b[1:])
			return strconv.AppendUint(append(strconv.AppendUint(dst, uint64(b[0]), 10), ':'), sel, 10)
		case id >= 70 && id <= 79 && len(b) == 3:
			return appendLabel(dst, b)
		}
	}
	if !known && len(b) > 0 && len(b) <= 4 {
		kind = Uint
	}
	if out, ok := appendKind(dst, kind, b); ok {
		return out
	}
	return hex.AppendEncode(dst, b)
}

func appendLabel(dst, b []byte) []byte {
	v := uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	dst = append(strconv.AppendUint(dst, v>>4, 10), '/')
	dst = append(strconv.AppendUint(dst, v>>1&7, 10), '/')
	return strconv.AppendUint(dst, v&1, 10)
}

func appendKind(dst []byte, kind ElementKind, b []byte) (out []byte, ok bool) {
	n, isNumber := number(b)
	switch kind {
	case Uint:
		if isNumber {
			return strconv.AppendUint(dst, n, 10), true
		}
	case Int:
		if isNumber {
			shift := 64 - 8*len(b)
			return strconv.AppendInt(dst, int64(n<<shift)>>shift, 10), true
		}
	case Float:
		switch len(b) {
		case 4:
			return strconv.AppendFloat(dst, float64(math.Float32frombits(uint32(n))), 'g', -1, 32), true
		case 8:
			return strconv.AppendFloat(dst, math.Float64frombits(n), 'g', -1, 64), true
		}
	case Bool:
		if isNumber && (n == 1 || n == 2) {
			return strconv.AppendBool(dst, n == 1), true
		}
	case IPv4, IPv6:
		if a, ok := netip.AddrFromSlice(b); ok {
			return a.AppendTo(dst), true
		}
	case MAC:
		if len(b) == 6 {
			return appendMAC(dst, b), true
		}
	case Text:
		return appendPrintable(dst, text(b)), true
	case Seconds, Millis, Micros, Nanos:
		if t, ok := instant(kind, b); ok && t != 0 {
			return time.Unix(0, int64(t)).UTC().AppendFormat(dst, time.RFC3339Nano), true
		}
		if isNumber {
			return strconv.AppendUint(dst, n, 10), true
		}
	}
	return dst, false
}

func appendMAC(dst, b []byte) []byte {
	for i := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, b[i:i+1])
	}
	return dst
}

// appendPrintable keeps text from the wire, which nobody vouches for (quirk Q29), from upsetting a terminal.
func appendPrintable(dst, b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) {
			for _, c := range b[:n] {
				dst = hex.AppendEncode(append(dst, `\x`...), []byte{c})
			}
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

// text returns the part of a string before its padding: fixed-length strings are filled up with NUL (quirk Q18).
func text(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

// number reads an unsigned integer in reduced-size encoding (RFC 7011 section 6.2); ok is false for lengths other
// than 1 to 8.
func number(b []byte) (n uint64, ok bool) {
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), true
	case 8:
		return binary.BigEndian.Uint64(b), true
	case 3, 5, 6, 7:
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return n, true
	}
	return 0, false
}

// instant reads a time of one of the four kinds; ok is false when the length does not fit.
func instant(kind ElementKind, b []byte) (t schema.Instant, ok bool) {
	n, ok := number(b)
	if !ok {
		return 0, false
	}
	switch {
	case kind == Seconds && n <= maxSeconds:
		return schema.Instant(n * 1e9), true
	case kind == Millis && n <= maxSeconds*1000:
		return schema.Instant(n * 1e6), true
	case (kind == Micros || kind == Nanos) && len(b) == 8:
		return fromNTP(n), true
	}
	return 0, false
}

// maxSeconds is the beginning of the year 2200. What is later is no time, and leaves room in an Instant to reckon.
const maxSeconds = 7_258_118_400

// ntpEpoch is how many seconds the Unix epoch lies behind 1900 (RFC 5905 section 6).
const ntpEpoch = 2208988800

// fromNTP reads the 64-bit NTP format. Seconds without the top bit belong to the era that begins in 2036.
func fromNTP(n uint64) schema.Instant {
	if n == 0 {
		return 0
	}
	secs := int64(n >> 32)
	if secs < 1<<31 {
		secs += 1 << 32
	}
	nanos := (n & 0xffffffff) * 1e9 >> 32
	return schema.Instant((secs-ntpEpoch)*1e9 + int64(nanos))
}
