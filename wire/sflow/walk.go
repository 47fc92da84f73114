package sflow

import (
	"encoding/binary"
	"math"
)

// Walk reads XDR values (RFC 4506) one after another. Reading past the end gives zero values and makes OK false from
// then on; it never panics. What it returns borrows from the bytes it walks over.
type Walk struct {
	b   []byte
	off int
	bad bool
}

// NewWalk returns a walk over b.
func NewWalk(b []byte) Walk { return Walk{b: b} }

// OK tells that everything read so far was there.
func (w *Walk) OK() bool { return !w.bad }

// Left returns how many bytes are not read yet.
func (w *Walk) Left() int { return len(w.b) - w.off }

// Rest returns the bytes that are not read yet, without reading them.
func (w *Walk) Rest() []byte { return w.b[w.off:] }

// Fixed reads n bytes as they are, without padding; nil when they are not there.
func (w *Walk) Fixed(n int) []byte {
	if n < 0 || n > len(w.b)-w.off {
		w.bad, w.off = true, len(w.b)
		return nil
	}
	s := w.b[w.off : w.off+n : w.off+n]
	w.off += n
	return s
}

// U32 reads an unsigned integer.
func (w *Walk) U32() uint32 {
	if s := w.Fixed(4); s != nil {
		return binary.BigEndian.Uint32(s)
	}
	return 0
}

// U64 reads an unsigned hyper integer.
func (w *Walk) U64() uint64 {
	if s := w.Fixed(8); s != nil {
		return binary.BigEndian.Uint64(s)
	}
	return 0
}

// F32 reads a single precision number.
func (w *Walk) F32() float64 { return float64(math.Float32frombits(w.U32())) }

// F64 reads a double precision number.
func (w *Walk) F64() float64 { return math.Float64frombits(w.U64()) }

// Opaque reads variable length bytes or a string: a length, the bytes, padding to a multiple of four. Padding that is
// missing at the very end is forgiven: some agents leave it out (wire-formats Q26).
func (w *Walk) Opaque() []byte {
	n := w.U32()
	if uint64(n) > uint64(w.Left()) {
		w.bad, w.off = true, len(w.b)
		return nil
	}
	s := w.Fixed(int(n))
	w.off = min(w.off+int(-n&3), len(w.b))
	return s
}

// MAC reads a MAC address: 6 bytes and 2 of padding.
func (w *Walk) MAC() []byte {
	if s := w.Fixed(8); s != nil {
		return s[:6:6]
	}
	return nil
}

// Address reads an address with its type: 4 or 16 bytes, or nil for the type "unknown". Any other type ends the walk.
func (w *Walk) Address() []byte {
	switch w.U32() {
	case 0:
		return nil
	case 1:
		return w.Fixed(4)
	case 2:
		return w.Fixed(16)
	}
	w.bad, w.off = true, len(w.b)
	return nil
}

// Words reads a counted list of 32-bit words and returns their bytes, four for each.
func (w *Walk) Words() []byte { return w.list(4) }

// list reads a counted list of elements of a fixed size and returns their bytes.
func (w *Walk) list(size int) []byte {
	n := w.U32()
	if uint64(n)*uint64(size) > uint64(w.Left()) {
		w.bad, w.off = true, len(w.b)
		return nil
	}
	return w.Fixed(int(n) * size)
}

// U32 returns the nth (from 0) 32-bit word of body; ok is false when body has no such word.
func U32(body []byte, n int) (v uint32, ok bool) {
	if n < 0 || n >= len(body)/4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(body[n*4:]), true
}

// U64 returns the 64-bit number that begins at the nth (from 0) 32-bit word of body; ok is false when it is not there.
func U64(body []byte, n int) (v uint64, ok bool) {
	if n < 0 || n+1 >= len(body)/4 {
		return 0, false
	}
	return binary.BigEndian.Uint64(body[n*4:]), true
}
