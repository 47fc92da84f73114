package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/sflow"
)

// minEtherType is the smallest ethertype: what is less in its place is the length of an IEEE 802.3 frame.
const minEtherType = 0x0600

// The elements that name the ends of a frame, before and after the exporter changed it.
var (
	macSources      = elements{[]uint16{56, 81}, []uint16{80, 57}}
	macDestinations = elements{[]uint16{80, 57}, []uint16{56, 81}}
	vlanSources     = elements{[]uint16{58, 243}, []uint16{59, 254}}
	vlanDests       = elements{[]uint16{59, 254}, []uint16{58, 243}}
)

// linkFields are about the link layer (spec sflow-rt 2.2).
func linkFields() []schema.Field {
	macSource := eitherBytes(headerBytes(schema.LayerEthernet, 6, 6), cookedSource, structureBytes(2, 4, 6),
		elementBytes(macSources))
	macDestination := eitherBytes(headerBytes(schema.LayerEthernet, 0, 6), structureBytes(2, 12, 6),
		elementBytes(macDestinations))
	return append([]schema.Field{
		nested("macsource", schema.MAC, "source MAC address", macOf(macSource)),
		nested("macdestination", schema.MAC, "destination MAC address", macOf(macDestination)),
		nested("ethernetprotocol", schema.Uint, "ethertype after VLAN tags: 2048 IPv4, 2054 ARP, 34525 IPv6",
			uintOf(either(etherType, word(2, 5), positive(elementNumber(same(256)))))),
		nested("isbroadcast", schema.Bool, "the destination MAC address is FFFFFFFFFFFF",
			castOf(macDestination, func(mac []byte) bool { return broadcast(mac) })),
		nested("ismulticast", schema.Bool, "the destination MAC address is that of a group other than all",
			castOf(macDestination, func(mac []byte) bool { return mac[0]&1 != 0 && !broadcast(mac) })),
		nested("isunicast", schema.Bool, "the destination MAC address is that of one station",
			castOf(macDestination, func(mac []byte) bool { return mac[0]&1 == 0 })),
		nested("vlan", schema.Uint, "VLAN of the tag in the header, else the one that the exporter told",
			uintOf(either(cut(inHeader(schema.LayerVLAN, 0, 2), 0, 12), switched(0), elementVLAN))),
		nested("priority", schema.Uint, "802.1p priority of the tag in the header, else the one that the exporter told",
			uintOf(either(cut(inHeader(schema.LayerVLAN, 0, 2), 13, 3), switched(1), elementNumber(same(244))))),
		single("vlansource", schema.Uint, "VLAN that the packet came in by",
			uintOf(either(below(4096, word(1001, 0)), positive(elementNumber(vlanSources))))),
		single("vlandestination", schema.Uint, "VLAN that the packet left by",
			uintOf(either(below(4096, word(1001, 2)), positive(elementNumber(vlanDests))))),
		single("prioritysource", schema.Uint, "802.1p priority that the packet came in with",
			uintOf(below(8, word(1001, 1)))),
		single("prioritydestination", schema.Uint, "802.1p priority that the packet left with",
			uintOf(below(8, word(1001, 3)))),
	}, append(arpFields(), mplsFields()...)...)
}

// cookedSource finds the address of the sender in a Linux cooked capture header (link types 113 and 276).
func cookedSource(r *schema.Record, nth int) []byte {
	b := layer(r, schema.LayerSLL, nth)
	switch {
	case len(b) == 16 && u16(b, 4) == 6:
		return part(b, 6, 6)
	case len(b) == 20 && b[11] == 6:
		return part(b, 12, 6)
	}
	return nil
}

// etherType finds the ethertype behind the nth Ethernet header and its VLAN tags. The outermost one may be that of
// another link layer, but a packet that begins at its IP header has none.
func etherType(r *schema.Record, nth int) (uint64, bool) {
	if r.Layers == nil {
		return 0, false
	}
	if nth == 0 && r.Layers.L3Off != 0 {
		return uint64(r.Layers.EtherType), r.Layers.EtherType != 0
	}
	i := layerIndex(r, schema.LayerEthernet, nth)
	if i < 0 {
		return 0, false
	}
	last, end := r.Layers.Layers[i], 14
	for i++; i < r.Layers.N && r.Layers.Layers[i].Kind == schema.LayerVLAN; i++ {
		last, end = r.Layers.Layers[i], 4
	}
	at := int(last.Off) + end - 2
	t := u16(r.Header, at)
	return uint64(t), int(last.Len) == end && t >= minEtherType
}

// castOf reads whether a MAC address is of a kind.
func castOf(find slicer, is func(mac []byte) bool) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if mac := find(r, nth); len(mac) == 6 {
			out.SetBool(is(mac))
		}
	}
}

func broadcast(mac []byte) bool { return [6]byte(mac) == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// switched finds the VLAN (at 0) or priority (at 1) in extended_switch (0:1001): that of the side that the datasource
// is on, else that of the other. VLAN 0 is none, and all ones are "not known" (wire-formats Q22).
func switched(at int) finder {
	return func(r *schema.Record, nth int) (uint64, bool) {
		if nth != 0 {
			return 0, false
		}
		s, ok := sflow.ParseSwitch(structure(r, 1001))
		if !ok {
			return 0, false
		}
		near, far := [2]uint32{s.SrcVLAN, s.SrcPriority}, [2]uint32{s.DstVLAN, s.DstPriority}
		if r.Direction == schema.Egress {
			near, far = far, near
		}
		for _, side := range [...][2]uint32{near, far} {
			if side[0] > 0 && side[0] < 4096 && side[1] < 8 {
				return uint64(side[at]), true
			}
		}
		return 0, false
	}
}

func elementVLAN(r *schema.Record, nth int) (uint64, bool) {
	near, far := vlanSources, vlanDests
	if r.Direction == schema.Egress {
		near, far = far, near
	}
	if nth != 0 {
		return 0, false
	}
	if n, ok := bigEndian(element(r, near)); ok && n != 0 {
		return n, true
	}
	n, ok := bigEndian(element(r, far))
	return n, ok && n != 0
}

// arpFields are those of ARP for IPv4 over Ethernet (RFC 826).
func arpFields() []schema.Field {
	return []schema.Field{
		nested("arpoperation", schema.Uint, "ARP operation: 1 request, 2 reply",
			uintOf(inHeader(schema.LayerARP, 6, 2))),
		nested("arpipsender", schema.IPv4, "IPv4 address of the sender of an ARP packet", addressOf(arpBytes(14, 4))),
		nested("arpiptarget", schema.IPv4, "IPv4 address that an ARP packet asks for", addressOf(arpBytes(24, 4))),
		nested("arpmacsender", schema.MAC, "MAC address of the sender of an ARP packet", macOf(arpBytes(8, 6))),
		nested("arpmactarget", schema.MAC, "MAC address of the target of an ARP packet", macOf(arpBytes(18, 6))),
	}
}

// arpBytes finds bytes of an ARP packet whose addresses are those of Ethernet and IPv4: 6 and 4 bytes long.
func arpBytes(off, n int) slicer {
	return func(r *schema.Record, nth int) []byte {
		b := layer(r, schema.LayerARP, nth)
		if len(b) < 8 || b[4] != 6 || b[5] != 4 || u16(b, 2) != 0x0800 {
			return nil
		}
		return part(b, off, n)
	}
}

// mplsFields are those of label stack entries (RFC 3032). The nth occurrence is the nth entry from the top.
func mplsFields() []schema.Field {
	return []schema.Field{
		nested("mplslabel", schema.Uint, "MPLS label of the top entry of the stack", uintOf(cut(stackEntry, 12, 20))),
		nested("mplsexp", schema.Uint, "traffic class (experimental) bits of the top MPLS entry",
			uintOf(cut(stackEntry, 9, 3))),
		nested("mplsttl", schema.Uint, "time to live of the top MPLS entry, hops",
			uintOf(labelTTL)),
		single("mplslabels", schema.Text, "all MPLS labels from the top, joined by -", textOf(appendLabels)),
	}
}

// stackEntry finds the nth label stack entry, a word: label 20 bits, class 3, bottom 1, time to live 8. The header says
// it best, then the stack that the packet came in with (0:1006, behind the next hop), then elements 70 to 79, which are
// entries without their time to live.
func stackEntry(r *schema.Record, nth int) (uint64, bool) {
	if layerIndex(r, schema.LayerMPLS, 0) >= 0 {
		return bigEndian(part(layer(r, schema.LayerMPLS, nth), 0, 4))
	}
	if body := structure(r, 1006); body != nil {
		w := sflow.NewWalk(body)
		w.Address()
		n, ok := sflow.U32(w.Words(), nth)
		return uint64(n), ok
	}
	if nth > 9 {
		return 0, false
	}
	n, ok := bigEndian(element(r, same(70+uint16(nth))))
	return n << 8, ok && n != 0 // entries that are not used are zero
}

// labelTTL finds the time to live of the nth entry where it is told.
func labelTTL(r *schema.Record, nth int) (uint64, bool) {
	if layerIndex(r, schema.LayerMPLS, 0) < 0 && structure(r, 1006) == nil {
		return 0, false
	}
	n, ok := stackEntry(r, nth)
	return n & 0xff, ok
}

func appendLabels(b []byte, r *schema.Record, _ int) []byte {
	for nth := 0; ; nth++ {
		entry, ok := stackEntry(r, nth)
		if !ok {
			return b
		}
		if nth > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, entry>>12, 10)
	}
}
