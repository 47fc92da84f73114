package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/packet"
)

// ip4Fields are those of the IPv4 header (RFC 791; spec sflow-rt 2.3). Where there is no header, the outermost ones
// come from what the exporter told.
func ip4Fields() []schema.Field {
	tos := either(inHeader(schema.LayerIPv4, 1, 1), ofVersion(4, either(cut(word(3, 7), 0, 8), elementNumber(same(5)))))
	dscp := either(cut(tos, 2, 6), ofVersion(4, elementNumber(same(195))))
	fragment := inHeader(schema.LayerIPv4, 6, 2)
	return []schema.Field{
		nested("ipsource", schema.IPv4, "source IPv4 address",
			ip4Address(12, func(r *schema.Record) *schema.Addr { return &r.Src })),
		nested("ipdestination", schema.IPv4, "destination IPv4 address",
			ip4Address(16, func(r *schema.Record) *schema.Addr { return &r.Dst })),
		nested("ipprotocol", schema.Uint, "protocol behind the IPv4 header: 1 ICMP, 6 TCP, 17 UDP",
			uintOf(either(inHeader(schema.LayerIPv4, 9, 1), ofVersion(4, outerProto)))),
		nested("ipbytes", schema.Uint, "total length of the IPv4 packet; of a flow record its bytes", uintOf(ip4Bytes)),
		nested("ipttl", schema.Uint, "time to live, hops",
			uintOf(either(inHeader(schema.LayerIPv4, 8, 1), ofVersion(4, elementNumber(same(192, 52)))))),
		nested("iptos", schema.Bits, "type of service as 8 binary digits", bitsOf(8, tos)),
		nested("ipdscp", schema.Uint, "differentiated services code point, a decimal number", uintOf(dscp)),
		nested("ipdscpname", schema.Text, "name and number of the code point, as in ef(46)", dscpName(dscp)),
		nested("ipecn", schema.Bits, "explicit congestion notification as 2 binary digits: 11 is congestion",
			bitsOf(2, cut(tos, 0, 2))),
		nested("ipflags", schema.Bits, "fragmentation flags as 3 binary digits: reserved, do not fragment, more follow",
			bitsOf(3, either(cut(fragment, 13, 3), ofVersion(4, cut(elementNumber(same(197)), 5, 3))))),
		nested("ipfragoffset", schema.Uint, "offset of the fragment, in units of 8 bytes",
			uintOf(either(cut(fragment, 0, 13), ofVersion(4, elementNumber(same(88)))))),
		nested("ipid", schema.Uint, "identification of the IPv4 packet",
			uintOf(either(inHeader(schema.LayerIPv4, 4, 2), ofVersion(4, elementNumber(same(54)))))),
	}
}

func outerProto(r *schema.Record, nth int) (uint64, bool) {
	return uint64(r.Proto), r.HasProto && nth == 0
}

// ip4Address reads an address of the nth IPv4 header, else the outermost one that the record tells.
func ip4Address(off int, outer func(r *schema.Record) *schema.Addr) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if b := part(layer(r, schema.LayerIPv4, nth), off, 4); b != nil {
			out.SetIP(b)
			return
		}
		if a := outer(r); nth == 0 && r.IPv == 4 && a.Is4() {
			out.SetIP(a[12:])
		}
	}
}

// ip4Bytes finds the total length of the nth IPv4 packet. Of the outermost one the length was worked out when the
// header says 0 (segmentation offload).
func ip4Bytes(r *schema.Record, nth int) (uint64, bool) {
	if i := layerIndex(r, schema.LayerIPv4, nth); i >= 0 {
		if int(r.Layers.Layers[i].Off) == r.Layers.L3Off {
			return uint64(r.Layers.L3Len), true
		}
		return bigEndian(part(packet.Bytes(&r.Layers.Layers[i], r.Header), 2, 2))
	}
	return told3(r, nth, 4, 3)
}

// told3 finds the layer 3 length of what the exporter told of a packet without its header, or of a flow.
func told3(r *schema.Record, nth int, version uint8, format uint32) (uint64, bool) {
	if nth != 0 || r.IPv != version {
		return 0, false
	}
	if r.Kind == schema.KindFlowRecord {
		return unscaled(r, r.Bytes), true
	}
	return wordOf(r, format, 0)
}

// dscpName reads a code point as name and number: "be(0)"; those without a name as the number alone.
func dscpName(find finder) reader {
	return textOf(func(b []byte, r *schema.Record, nth int) []byte {
		n, ok := find(r, nth)
		if !ok {
			return b
		}
		name := dscpNames[n&63]
		if name == "" {
			return strconv.AppendUint(b, n, 10)
		}
		b = append(append(b, name...), '(')
		return append(strconv.AppendUint(b, n, 10), ')')
	})
}

// dscpNames are the code points of the IANA registry (RFC 2474, 2597, 3246, 5865, 8622).
var dscpNames = [64]string{0: "be", 1: "le", 8: "cs1", 10: "af11", 12: "af12", 14: "af13", 16: "cs2", 18: "af21",
	20: "af22", 22: "af23", 24: "cs3", 26: "af31", 28: "af32", 30: "af33", 32: "cs4", 34: "af41", 36: "af42",
	38: "af43", 40: "cs5", 44: "va", 46: "ef", 48: "cs6", 56: "cs7"}

// ip6Fields are those of the IPv6 header and its extension headers (RFC 8200; spec sflow-rt 2.3).
func ip6Fields() []schema.Field {
	tos := either(cut(inHeader(schema.LayerIPv6, 0, 2), 4, 8),
		ofVersion(6, either(cut(word(4, 13), 0, 8), elementNumber(same(5)))))
	dscp := either(cut(tos, 2, 6), ofVersion(6, elementNumber(same(195))))
	return []schema.Field{
		nested("ip6source", schema.IPv6, "source IPv6 address",
			ip6Address(8, func(r *schema.Record) *schema.Addr { return &r.Src })),
		nested("ip6destination", schema.IPv6, "destination IPv6 address",
			ip6Address(24, func(r *schema.Record) *schema.Addr { return &r.Dst })),
		nested("ip6nexthdr", schema.Uint, "protocol behind the IPv6 header and its extension headers: 6 TCP, 58 ICMPv6",
			uintOf(either(finalHeader, ofVersion(6, outerProto)))),
		nested("ip6bytes", schema.Uint, "bytes behind the IPv6 header, its extension headers included",
			uintOf(ip6Bytes)),
		nested("ip6ttl", schema.Uint, "hop limit",
			uintOf(either(inHeader(schema.LayerIPv6, 7, 1), ofVersion(6, elementNumber(same(192, 52)))))),
		nested("ip6tos", schema.Bits, "traffic class as 8 binary digits", bitsOf(8, tos)),
		nested("ip6dscp", schema.Uint, "differentiated services code point, a decimal number", uintOf(dscp)),
		nested("ip6dscpname", schema.Text, "name and number of the code point, as in be(0)", dscpName(dscp)),
		nested("ip6ecn", schema.Bits, "explicit congestion notification as 2 binary digits: 11 is congestion",
			bitsOf(2, cut(tos, 0, 2))),
		nested("ip6flowlabel", schema.Uint, "flow label",
			uintOf(either(cut(inHeader(schema.LayerIPv6, 0, 4), 0, 20), ofVersion(6, elementNumber(same(31)))))),
		nested("ip6extensions", schema.Text, "numbers of the extension headers in their order, joined by -",
			ip6Extensions()),
		nested("ip6fragoffset", schema.Uint, "offset of the fragment, in units of 8 bytes; 0 for whole packets",
			uintOf(ip6Fragment(func(offset uint16, _ bool) uint64 { return uint64(offset) }))),
		nested("ip6fragm", schema.Bool, "another fragment follows; false for whole packets",
			boolOf(ip6Fragment(func(_ uint16, more bool) uint64 {
				if more {
					return 1
				}
				return 0
			}))),
	}
}

// ip6Address reads an address of the nth IPv6 header, else the outermost one that the record tells.
func ip6Address(off int, outer func(r *schema.Record) *schema.Addr) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if b := part(layer(r, schema.LayerIPv6, nth), off, 16); b != nil {
			out.SetIP(b)
			return
		}
		if a := outer(r); nth == 0 && r.IPv == 6 && !a.IsZero() {
			out.SetIP(a[:])
		}
	}
}

// finalHeader finds the number behind the last extension header of the nth IPv6 header.
func finalHeader(r *schema.Record, nth int) (uint64, bool) {
	i := layerIndex(r, schema.LayerIPv6, nth)
	if i < 0 {
		return 0, false
	}
	b := part(packet.Bytes(&r.Layers.Layers[i], r.Header), 6, 1)
	for i++; b != nil && i < r.Layers.N && r.Layers.Layers[i].Kind == schema.LayerIPv6Ext; i++ {
		b = part(packet.Bytes(&r.Layers.Layers[i], r.Header), 0, 1)
	}
	return bigEndian(b)
}

func ip6Bytes(r *schema.Record, nth int) (uint64, bool) {
	const header = 40
	if i := layerIndex(r, schema.LayerIPv6, nth); i >= 0 {
		if int(r.Layers.Layers[i].Off) == r.Layers.L3Off {
			return uint64(max(r.Layers.L3Len, header) - header), true
		}
		return bigEndian(part(packet.Bytes(&r.Layers.Layers[i], r.Header), 4, 2))
	}
	n, ok := told3(r, nth, 6, 4)
	headers := uint64(header)
	if r.Kind == schema.KindFlowRecord {
		headers *= max(unscaled(r, r.Packets), 1)
	}
	return max(n, headers) - headers, ok
}

func ip6Extensions() reader {
	var numbers [schema.MaxLayers]byte
	return textOf(func(b []byte, r *schema.Record, nth int) []byte {
		i := layerIndex(r, schema.LayerIPv6, nth)
		if i < 0 {
			return b
		}
		for at, n := range packet.Extensions(numbers[:0], r.Layers, i, r.Header) {
			if at > 0 {
				b = append(b, '-')
			}
			b = strconv.AppendUint(b, uint64(n), 10)
		}
		return b
	})
}

// ip6Fragment finds what the fragment header behind the nth IPv6 header says. Without one the packet is whole: a filter
// such as ip6fragoffset!=0 must not take it for a fragment, as it would if this were null.
func ip6Fragment(what func(offset uint16, more bool) uint64) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		i := layerIndex(r, schema.LayerIPv6, nth)
		if i < 0 {
			return 0, false
		}
		offset, more, _, _ := packet.FragmentField(r.Layers, i, r.Header)
		return what(offset, more), true
	}
}
