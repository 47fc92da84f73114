package wire

import (
	"encoding/binary"

	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/packet"
	"weir/wire/sflow"
)

// What is asked for may stand in a header of the packet, in a structure of an sFlow sample, or in an information
// element of a flow record. The functions below look in one of these places; either puts them in order.

// layer returns the captured bytes of the nth header of kind k, nil when there is none.
func layer(r *schema.Record, k schema.LayerKind, nth int) []byte {
	if r.Layers == nil {
		return nil
	}
	return packet.Bytes(r.Layers.Find(k, nth), r.Header)
}

// layerIndex returns which of the headers of r is the nth of kind k, -1 when there is none.
func layerIndex(r *schema.Record, k schema.LayerKind, nth int) int {
	if r.Layers == nil {
		return -1
	}
	for i := range r.Layers.N {
		if r.Layers.Layers[i].Kind == k {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	return -1
}

// part returns b[off:off+n], nil when it is not all there.
func part(b []byte, off, n int) []byte {
	if off+n > len(b) {
		return nil
	}
	return b[off : off+n : off+n]
}

// bigEndian reads an unsigned integer of 1 to 8 bytes, network order; ok is false for other lengths.
func bigEndian(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, true
}

// inHeader finds the n bytes at off of the nth header of kind k as a number.
func inHeader(k schema.LayerKind, off, n int) finder {
	return func(r *schema.Record, nth int) (uint64, bool) { return bigEndian(part(layer(r, k, nth), off, n)) }
}

// headerBytes finds the n bytes at off of the nth header of kind k.
func headerBytes(k schema.LayerKind, off, n int) slicer {
	return func(r *schema.Record, nth int) []byte { return part(layer(r, k, nth), off, n) }
}

// structure returns the body of an sFlow structure of enterprise 0, nil when the record came without.
func structure(r *schema.Record, format uint32) []byte {
	return r.Part(schema.MakeTag(schema.SpaceSFlow, 0, format))
}

// word finds the nth 32-bit word of an sFlow structure, for the outermost occurrence only.
func word(format uint32, at int) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if nth != 0 {
			return 0, false
		}
		return wordOf(r, format, at)
	}
}

func wordOf(r *schema.Record, format uint32, at int) (uint64, bool) {
	n, ok := sflow.U32(structure(r, format), at)
	return uint64(n), ok
}

// structureBytes finds n bytes at off of an sFlow structure, for the outermost occurrence only.
func structureBytes(format uint32, off, n int) slicer {
	return func(r *schema.Record, nth int) []byte {
		if nth != 0 {
			return nil
		}
		return part(structure(r, format), off, n)
	}
}

// structureText finds the nth string of an sFlow structure that is made of strings.
func structureText(format uint32, at int) slicer {
	return func(r *schema.Record, nth int) []byte {
		if nth != 0 {
			return nil
		}
		text, _ := sflow.Text(structure(r, format), at)
		return text
	}
}

// elements are information elements that say the same, the best first: in the direction of the record when it is the
// forward one of a bidirectional record, and in that of the reverse one.
type elements struct{ forward, reverse []uint16 }

// same are elements that say the same of both directions, or of the forward one only; the reverse one may have its own
// by RFC 5103.
func same(ids ...uint16) elements { return elements{forward: ids} }

// element returns the value of the first of e that the record came with, nil when there is none.
func element(r *schema.Record, e elements) []byte {
	if len(r.Slots) == 0 || r.Slots[0].Tag.Space() != schema.SpaceElement {
		return nil
	}
	enterprise, ids := uint32(0), e.forward
	if r.Reversed {
		if e.reverse == nil {
			enterprise = netflow.ReverseEnterprise
		} else {
			ids = e.reverse
		}
	}
	for _, id := range ids {
		if b := r.Part(schema.MakeTag(schema.SpaceElement, enterprise, uint32(id))); b != nil {
			return b
		}
	}
	return nil
}

// elementNumber finds the value of an information element, for the outermost occurrence only.
func elementNumber(e elements) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if nth != 0 {
			return 0, false
		}
		return bigEndian(element(r, e))
	}
}

// elementBytes finds the bytes of an information element, for the outermost occurrence only. Bytes that are all zero
// mean that the exporter did not know.
func elementBytes(e elements) slicer {
	return func(r *schema.Record, nth int) []byte {
		if nth != 0 {
			return nil
		}
		return known(element(r, e))
	}
}

// known returns b, or nil when all its bytes are zero.
func known(b []byte) []byte {
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}

// either finds what the first of finders that knows has.
func either(finders ...finder) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		for _, find := range finders {
			if n, ok := find(r, nth); ok {
				return n, true
			}
		}
		return 0, false
	}
}

// eitherBytes finds what the first of slicers that knows has.
func eitherBytes(slicers ...slicer) slicer {
	return func(r *schema.Record, nth int) []byte {
		for _, find := range slicers {
			if b := find(r, nth); b != nil {
				return b
			}
		}
		return nil
	}
}

// cut finds width bits, shift bits from the right, of what find finds.
func cut(find finder, shift, width uint) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		n, ok := find(r, nth)
		return n >> shift & (1<<width - 1), ok
	}
}

// positive finds what find finds unless it is zero, which there means "not known".
func positive(find finder) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		n, ok := find(r, nth)
		return n, ok && n != 0
	}
}

// below finds what find finds unless it is limit or more, which there means "not known".
func below(limit uint64, find finder) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		n, ok := find(r, nth)
		return n, ok && n < limit
	}
}

// ofVersion finds what find finds when the outermost IP header is of this version.
func ofVersion(version uint8, find finder) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if r.IPv != version {
			return 0, false
		}
		return find(r, nth)
	}
}

// ofProto finds what find finds when the outermost IP header says this protocol.
func ofProto(proto uint8, find finder) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if !r.HasProto || r.Proto != proto {
			return 0, false
		}
		return find(r, nth)
	}
}

// ofRecord finds a number that the record itself holds, for the outermost occurrence only.
func ofRecord(value func(r *schema.Record) uint64) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if nth != 0 {
			return 0, false
		}
		return value(r), true
	}
}

// unscaled returns n of one observation: records hold numbers that are multiplied by the sampling rate.
func unscaled(r *schema.Record, n uint64) uint64 { return n / uint64(max(r.Rate, 1)) }

// u16 reads two bytes at off, network order; 0 when they are not there.
func u16(b []byte, off int) uint16 {
	if off+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[off:])
}
