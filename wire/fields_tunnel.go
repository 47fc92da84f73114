package wire

import (
	"weir/schema"
	"weir/wire/packet"
)

// tunnelFields are those of tunnel headers (spec sflow-rt 2.5).
func tunnelFields() []schema.Field {
	vxlan := cut(inHeader(schema.LayerVXLAN, 4, 4), 8, 24)
	geneve := cut(inHeader(schema.LayerGeneve, 4, 4), 8, 24)
	list := []schema.Field{
		nested("vni", schema.Uint, "virtual network of the VXLAN or Geneve header",
			uintOf(either(networkID, segmentID(0)))),
		nested("vxlanvni", schema.Uint, "virtual network of the VXLAN header", uintOf(either(vxlan, segmentID(1)))),
		nested("genevevni", schema.Uint, "virtual network of the Geneve header", uintOf(geneve)),
		nested("grevsid", schema.Uint, "virtual subnet of an NVGRE header (RFC 7637)",
			uintOf(either(nvgreSubnet, segmentID(2)))),
		nested("grekey", schema.Uint, "key of the GRE header", uintOf(greKey)),
		nested("greprotocol", schema.Uint, "ethertype of what a GRE header carries",
			uintOf(inHeader(schema.LayerGRE, 2, 2))),
		single("vniin", schema.Uint, "virtual network of the header that the exporter took off", uintOf(word(1030, 0))),
		single("vniout", schema.Uint, "virtual network of the header that the exporter will put on",
			uintOf(word(1029, 0))),
		single("decapoffsetin", schema.Uint,
			"where the inner packet begins that the exporter took out, bytes from the start of the packet",
			uintOf(word(1028, 0))),
		single("decapoffsetout", schema.Uint,
			"where the inner packet begins that the exporter will take out, bytes from the start of the packet",
			uintOf(word(1027, 0))),
	}
	list = append(list, endpointFields("in", "of the tunnel header that was taken off", 1022, 1024, 1026)...)
	return append(list, endpointFields("out", "of the tunnel header that will be put on",
		1021, 1023, 1025)...)
}

// networkID finds the network of the nth header that is VXLAN (RFC 7348) or Geneve (RFC 8926).
func networkID(r *schema.Record, nth int) (uint64, bool) {
	if r.Layers == nil {
		return 0, false
	}
	for i := range r.Layers.N {
		l := &r.Layers.Layers[i]
		if l.Kind != schema.LayerVXLAN && l.Kind != schema.LayerGeneve {
			continue
		}
		if nth == 0 {
			return bigEndian(part(packet.Bytes(l, r.Header), 4, 3))
		}
		nth--
	}
	return 0, false
}

// segmentID finds the network in element 351, layer2SegmentId: the kind of tunnel in the top byte (1 VXLAN, 2 NVGRE;
// 0 here asks for any), the network in the low 24 bits.
func segmentID(kind uint64) finder {
	id := elementNumber(same(351))
	return func(r *schema.Record, nth int) (uint64, bool) {
		n, ok := id(r, nth)
		return n & 0xffffff, ok && n != 0 && (kind == 0 || n>>56 == kind)
	}
}

// greKey finds the key of the nth GRE header (RFC 2890). It stands behind the checksum when there is one.
func greKey(r *schema.Record, nth int) (uint64, bool) {
	const checksumOrRouting, key, version = 0xc000, 0x2000, 0x0007
	b := layer(r, schema.LayerGRE, nth)
	flags := u16(b, 0)
	if flags&key == 0 {
		return 0, false
	}
	off := 4
	if flags&checksumOrRouting != 0 && flags&version == 0 {
		off = 8
	}
	return bigEndian(part(b, off, 4))
}

// nvgreSubnet finds the subnet in the key of a GRE header that carries Ethernet (RFC 7637 section 3.2).
func nvgreSubnet(r *schema.Record, nth int) (uint64, bool) {
	const bridged = 0x6558
	if u16(layer(r, schema.LayerGRE, nth), 2) != bridged {
		return 0, false
	}
	n, ok := greKey(r, nth)
	return n >> 8, ok
}

// endpointFields are the ends of a tunnel that is not in the packet, from the structures that tell of its outer
// Ethernet, IPv4 and IPv6 header; these are laid out as 0:2, 0:3 and 0:4.
func endpointFields(side, of string, ethernet, ip4, ip6 uint32) []schema.Field {
	port := func(at4, at6 int) reader { return uintOf(either(word(ip4, at4), word(ip6, at6))) }
	return []schema.Field{
		single("tunnelmacsource"+side, schema.MAC, "source MAC address "+of, macOf(structureBytes(ethernet, 4, 6))),
		single("tunnelmacdestination"+side, schema.MAC, "destination MAC address "+of,
			macOf(structureBytes(ethernet, 12, 6))),
		single("tunnelipsource"+side, schema.IPv4, "source IPv4 address "+of, addressOf(structureBytes(ip4, 8, 4))),
		single("tunnelipdestination"+side, schema.IPv4, "destination IPv4 address "+of,
			addressOf(structureBytes(ip4, 12, 4))),
		single("tunnelip6source"+side, schema.IPv6, "source IPv6 address "+of, addressOf(structureBytes(ip6, 8, 16))),
		single("tunnelip6destination"+side, schema.IPv6, "destination IPv6 address "+of,
			addressOf(structureBytes(ip6, 24, 16))),
		single("tunnelprotocol"+side, schema.Uint, "IP protocol "+of, port(1, 1)),
		single("tunnelsourceport"+side, schema.Uint, "source port "+of, port(4, 10)),
		single("tunneldestinationport"+side, schema.Uint, "destination port "+of, port(5, 11)),
	}
}
