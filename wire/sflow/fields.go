package sflow

import (
	"encoding/hex"
	"strconv"

	"weir/schema"
)

// raw reads the value of a type that is bytes; nil for other types.
func (w *Walk) raw(t Type) []byte {
	switch t {
	case TypeString, TypeOpaque:
		return w.Opaque()
	case TypeMAC:
		return w.MAC()
	case TypeIP4:
		return w.Fixed(4)
	case TypeIP6, TypeUUID:
		return w.Fixed(16)
	case TypeAddress:
		return w.Address()
	case TypeHex64:
		return w.Fixed(8)
	case TypeRemainder:
		return w.Fixed(w.Left())
	}
	return nil
}

// number reads the value of a type that is a whole number, negative ones in two's complement; missing tells that it is
// the value that means "not available".
func (w *Walk) number(t Type) (n uint64, missing bool) {
	switch t {
	case TypeU8:
		if s := w.Fixed(1); s != nil {
			return uint64(s[0]), false
		}
	case TypeU32, TypeIfStatus:
		n = uint64(w.U32())
		return n, n == 1<<32-1
	case TypeU64:
		n = w.U64()
		return n, n == 1<<64-1
	case TypeI32:
		return uint64(int64(int32(w.U32()))), false
	case TypeI64:
		return w.U64(), false
	case TypePercent:
		n = uint64(int64(int32(w.U32())))
		return n, int64(n) == -1
	}
	return 0, false
}

// Walk yields every field of body by name, in order, until yield returns false: lists element by element, as in
// lanes[0].tx_power, and a "more" of bytes that the structure does not explain. It stops where a shorter body ends.
// Values borrow from body or are rendered anew; a percentage is in percent, and null when not known. It allocates,
// being made for showing records to people.
func (s *Structure) Walk(body []byte, yield func(name string, f *Field, v schema.Value) bool) {
	w := NewWalk(body)
	if !walkFields(&w, s.Fields, "", yield) || w.Left() == 0 {
		return
	}
	more := Field{Name: "more", Type: TypeRemainder}
	var v schema.Value
	v.SetText(w.Rest())
	yield(more.Name, &more, v)
}

func walkFields(w *Walk, fields []Field, prefix string, yield func(string, *Field, schema.Value) bool) bool {
	for i := range fields {
		f := &fields[i]
		name := prefix + f.Name
		if prefix != "" && f.Name == "" {
			name = prefix[:len(prefix)-1]
		}
		if f.Type == TypeList {
			if !walkList(w, f, name, yield) {
				return false
			}
			continue
		}
		if w.Left() == 0 {
			return false
		}
		v := f.value(w)
		if !w.OK() || !yield(name, f, v) {
			return false
		}
	}
	return true
}

// walkList is bounded by the body: every element takes bytes from it, or ends the walk.
func walkList(w *Walk, f *Field, name string, yield func(string, *Field, schema.Value) bool) bool {
	count := w.U32()
	for i := range count {
		if !walkFields(w, f.Of, name+"["+strconv.FormatUint(uint64(i), 10)+"].", yield) {
			return false
		}
	}
	return w.OK()
}

func (f *Field) value(w *Walk) (v schema.Value) {
	switch f.Type {
	case TypeF32:
		v.SetFloat(w.F32())
	case TypeF64:
		v.SetFloat(w.F64())
	case TypeMAC:
		v.SetMAC(w.raw(f.Type))
	case TypeIP4, TypeIP6, TypeAddress:
		v.SetIP(w.raw(f.Type))
	case TypeString, TypeOpaque, TypeRemainder:
		v.SetText(w.raw(f.Type))
	case TypeUUID:
		v.SetText(appendUUID(nil, w.raw(f.Type)))
	case TypeHex64:
		v.SetText(hex.AppendEncode(nil, w.raw(f.Type)))
	case TypeI32, TypeI64:
		n, _ := w.number(f.Type)
		v.SetInt(int64(n))
	case TypePercent:
		if n, missing := w.number(f.Type); !missing {
			v.SetFloat(float64(int64(n)) / 100)
		}
	default:
		n, _ := w.number(f.Type)
		v.SetUint(n)
	}
	return v
}

// appendUUID appends the usual text of 16 bytes: 8-4-4-4-12 lower case hexadecimal digits.
func appendUUID(b, uuid []byte) []byte {
	if len(uuid) != 16 {
		return b
	}
	for i, at := range [...]int{4, 6, 8, 10, 16} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, uuid[[...]int{0, 4, 6, 8, 10}[i]:at])
	}
	return b
}
