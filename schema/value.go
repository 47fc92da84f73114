package schema

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
)

// Type is the type of a Value.
type Type uint8

// The types of the flow language.
const (
	Null  Type = iota
	Bool       // N is 0 or 1
	Int        // N is a two's complement int64
	Uint       // N
	Float      // N is math.Float64bits
	IPv4       // B has 4 bytes
	IPv6       // B has 16 bytes
	MAC        // B has 6 bytes
	Text       // B
	Bits       // N, shown as Width binary digits
)

// String returns the name of the type as the documentation uses it.
func (t Type) String() string {
	return [...]string{"null", "boolean", "integer", "integer", "number", "address", "address", "mac", "text",
		"bits"}[t%10]
}

// Value is one attribute of a record. B is borrowed; see the package comment.
type Value struct {
	Type  Type
	Width uint8
	N     uint64
	B     []byte
}

// SetNull makes v null.
func (v *Value) SetNull() { *v = Value{} }

// SetBool makes v a boolean.
func (v *Value) SetBool(b bool) {
	*v = Value{Type: Bool}
	if b {
		v.N = 1
	}
}

// SetUint makes v an integer.
func (v *Value) SetUint(n uint64) { *v = Value{Type: Uint, N: n} }

// SetInt makes v an integer that may be negative.
func (v *Value) SetInt(n int64) { *v = Value{Type: Int, N: uint64(n)} }

// SetFloat makes v a number; NaN and infinities become null.
func (v *Value) SetFloat(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		*v = Value{}
		return
	}
	*v = Value{Type: Float, N: math.Float64bits(f)}
}

// SetText makes v a text that borrows b.
func (v *Value) SetText(b []byte) { *v = Value{Type: Text, B: b} }

// SetMAC makes v a MAC address that borrows b (6 bytes; other lengths give null).
func (v *Value) SetMAC(b []byte) {
	if len(b) != 6 {
		*v = Value{}
		return
	}
	*v = Value{Type: MAC, B: b}
}

// SetIP makes v an address that borrows b (4 or 16 bytes; other lengths give null).
func (v *Value) SetIP(b []byte) {
	switch len(b) {
	case 4:
		*v = Value{Type: IPv4, B: b}
	case 16:
		*v = Value{Type: IPv6, B: b}
	default:
		*v = Value{}
	}
}

// SetBits makes v a number shown as width binary digits.
func (v *Value) SetBits(n uint64, width uint8) { *v = Value{Type: Bits, N: n, Width: width} }

// IsNull tells whether v is null.
func (v *Value) IsNull() bool { return v.Type == Null }

// Number returns v as a number; text is parsed. ok is false for null, addresses and text that is no number.
func (v *Value) Number() (f float64, ok bool) {
	switch v.Type {
	case Bool, Uint, Bits:
		return float64(v.N), true
	case Int:
		return float64(int64(v.N)), true
	case Float:
		return math.Float64frombits(v.N), true
	case Text:
		return parseNumber(v.B)
	}
	return 0, false
}

// parseNumber reads a decimal number. Unlike strconv it knows no infinity, NaN, hexadecimal or underscore, and it does
// not allocate for text that is no number, which in traffic is the usual case.
func parseNumber(b []byte) (f float64, ok bool) {
	if len(b) == 0 || len(b) > 32 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			ok = true
		case c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E':
			return 0, false
		}
	}
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// Addr returns v as an Addr; ok is false when it is no address.
func (v *Value) Addr() (a Addr, ok bool) {
	if v.Type == IPv4 || v.Type == IPv6 {
		return AddrFrom(v.B), true
	}
	return Addr{}, false
}

const upperHex = "0123456789ABCDEF"

// AppendText appends v as the flow language shows it (spec sflow-rt section 2): MAC addresses as 12 upper case hex
// digits, IPv4 dotted, IPv6 compressed in upper case, booleans true and false, bits as binary digits, null as "null".
func (v *Value) AppendText(b []byte) []byte {
	switch v.Type {
	case Bool:
		return strconv.AppendBool(b, v.N != 0)
	case Int:
		return strconv.AppendInt(b, int64(v.N), 10)
	case Uint:
		return strconv.AppendUint(b, v.N, 10)
	case Float:
		return strconv.AppendFloat(b, math.Float64frombits(v.N), 'g', -1, 64)
	case IPv4:
		return netip.AddrFrom4([4]byte(v.B)).AppendTo(b)
	case IPv6:
		n := len(b)
		b = netip.AddrFrom16([16]byte(v.B)).AppendTo(b)
		for i := n; i < len(b); i++ {
			if c := b[i]; c >= 'a' && c <= 'f' {
				b[i] = c - 'a' + 'A'
			}
		}
		return b
	case MAC:
		for _, c := range v.B {
			b = append(b, upperHex[c>>4], upperHex[c&15])
		}
		return b
	case Text:
		return append(b, v.B...)
	case Bits:
		for i := int(v.Width) - 1; i >= 0; i-- {
			b = append(b, '0'+byte(v.N>>i&1))
		}
		return b
	}
	return append(b, "null"...)
}

// String returns what AppendText appends.
func (v Value) String() string { return string(v.AppendText(nil)) }

// AppendKey appends a compact form of v from which NextKey reads it again; equal values give equal bytes.
func (v *Value) AppendKey(b []byte) []byte {
	switch v.Type {
	case Bool, Int, Uint, Float:
		return binary.AppendUvarint(append(b, byte(v.Type)), v.N)
	case Bits:
		return binary.AppendUvarint(append(b, byte(Bits), v.Width), v.N)
	case IPv4, IPv6, MAC:
		return append(append(b, byte(v.Type)), v.B...)
	case Text:
		return append(binary.AppendUvarint(append(b, byte(Text)), uint64(len(v.B))), v.B...)
	}
	return append(b, byte(Null))
}

// NextKey reads one value that AppendKey wrote and returns the bytes after it; ok is false when key is not such bytes.
// The value borrows from key.
func NextKey(key []byte) (v Value, rest []byte, ok bool) {
	if len(key) == 0 {
		return v, nil, false
	}
	v.Type, key = Type(key[0]), key[1:]
	size := 0
	switch v.Type {
	case Null:
		return v, key, true
	case Bits:
		if len(key) == 0 {
			return v, nil, false
		}
		v.Width, key = key[0], key[1:]
		fallthrough
	case Bool, Int, Uint, Float:
		n, w := binary.Uvarint(key)
		if w <= 0 {
			return v, nil, false
		}
		v.N = n
		return v, key[w:], true
	case IPv4:
		size = 4
	case IPv6:
		size = 16
	case MAC:
		size = 6
	case Text:
		n, w := binary.Uvarint(key)
		if w <= 0 || n > uint64(len(key)-w) {
			return v, nil, false
		}
		key, size = key[w:], int(n)
	default:
		return v, nil, false
	}
	if len(key) < size {
		return v, nil, false
	}
	v.B = key[:size:size]
	return v, key[size:], true
}

// AppendKeyText appends the values of a key that AppendKey wrote one after another, joined by sep.
func AppendKeyText(b, key []byte, sep string) []byte {
	for first := true; len(key) > 0; first = false {
		v, rest, ok := NextKey(key)
		if !ok {
			return b
		}
		if !first {
			b = append(b, sep...)
		}
		b, key = v.AppendText(b), rest
	}
	return b
}
