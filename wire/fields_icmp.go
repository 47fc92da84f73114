package wire

import (
	"weir/schema"
	"weir/wire/packet"
)

// icmpFields are those of ICMP (RFC 792) and ICMPv6 (RFC 4443); spec sflow-rt 2.4.
func icmpFields() []schema.Field {
	told := func(version uint8, value func(r *schema.Record) uint64) finder {
		return func(r *schema.Record, nth int) (uint64, bool) {
			if !r.ICMP || r.IPv != version || nth != 0 {
				return 0, false
			}
			return value(r), true
		}
	}
	kind := func(r *schema.Record) uint64 { return uint64(r.SrcPort) }
	code := func(r *schema.Record) uint64 { return uint64(r.DstPort) }
	field := func(name, doc string, k schema.LayerKind, off int, other finder) schema.Field {
		return nested(name, schema.Uint, doc, uintOf(either(inHeader(k, off, 1), other)))
	}
	return []schema.Field{
		field("icmptype", "type of an ICMP message: 8 echo request, 3 unreachable", schema.LayerICMP, 0, told(4, kind)),
		field("icmpcode", "code of an ICMP message", schema.LayerICMP, 1, told(4, code)),
		nested("icmpseqno", schema.Uint, "sequence number of an ICMP echo or timestamp message", uintOf(icmpSequence)),
		single("icmpunreachablenet", schema.IPv4, "address whose network an ICMP message says cannot be reached",
			unreachableAddress(0, 6, 9, 11)),
		single("icmpunreachablehost", schema.IPv4, "address that an ICMP message says cannot be reached",
			unreachableAddress(1, 7, 10, 12)),
		single("icmpunreachableprotocol", schema.Uint, "IP protocol that an ICMP message says cannot be reached",
			uintOf(unreachable(2, func(f *packet.Flow) (uint64, bool) { return uint64(f.Proto), f.HasProto }))),
		single("icmpunreachableport", schema.Uint, "destination port that an ICMP message says cannot be reached",
			uintOf(unreachable(3, func(f *packet.Flow) (uint64, bool) { return uint64(f.DstPort), f.HasPorts }))),
		field("icmp6type", "type of an ICMPv6 message: 128 echo request, 135 neighbor solicitation",
			schema.LayerICMP6, 0,
			told(6, kind)),
		field("icmp6code", "code of an ICMPv6 message", schema.LayerICMP6, 1, told(6, code)),
	}
}

// icmpSequence finds the sequence number of the messages that have one: echo, timestamp, information, address mask.
func icmpSequence(r *schema.Record, nth int) (uint64, bool) {
	b := layer(r, schema.LayerICMP, nth)
	if len(b) < 8 {
		return 0, false
	}
	switch b[0] {
	case 0, 8, 13, 14, 15, 16, 17, 18:
		return uint64(u16(b, 6)), true
	}
	return 0, false
}

// quoted returns the packet that was refused, when the outermost ICMP message is a "destination unreachable" (type 3)
// with one of these codes.
func quoted(r *schema.Record, codes ...byte) (f packet.Flow, ok bool) {
	b := layer(r, schema.LayerICMP, 0)
	if len(b) < 8 || b[0] != 3 {
		return f, false
	}
	for _, code := range codes {
		if b[1] == code {
			return packet.Quoted(r.Layers, r.Header)
		}
	}
	return f, false
}

// unreachableAddress reads the destination of the refused packet.
func unreachableAddress(codes ...byte) reader {
	var scratch schema.Addr
	return func(r *schema.Record, _ int, out *schema.Value) {
		if f, ok := quoted(r, codes...); ok && f.Dst.Is4() {
			scratch = f.Dst
			out.SetIP(scratch[12:])
		}
	}
}

// unreachable finds what of the refused packet the code is about.
func unreachable(code byte, what func(f *packet.Flow) (uint64, bool)) finder {
	return func(r *schema.Record, _ int) (uint64, bool) {
		f, ok := quoted(r, code)
		if !ok {
			return 0, false
		}
		return what(&f)
	}
}
