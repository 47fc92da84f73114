package packet_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"weir/schema"
)

// The frames of these tests are put together from the inside out: each function returns a header with rest behind it.

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func be(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func le(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }

func zeros(n int) []byte { return make([]byte, n) }

func eth(t uint16, rest []byte) []byte {
	return join([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be(t), rest)
}

// eth8023 is a MAC header with a length, and padding up to the smallest frame.
func eth8023(rest []byte) []byte {
	return join(eth(uint16(len(rest)), rest), zeros(max(0, 46-len(rest))))
}

func vlan(id, t uint16, rest []byte) []byte { return join(be(id), be(t), rest) }

func ip4(proto byte, rest []byte) []byte { return ip4Fragment(proto, 0, rest) }

func ip4Fragment(proto byte, fragment uint16, rest []byte) []byte {
	return join([]byte{0x45, 0}, be(uint16(20+len(rest))), be(7), be(fragment), []byte{64, proto, 0, 0},
		[]byte{10, 0, 0, 1, 10, 0, 0, 2}, rest)
}

func ip6(next byte, rest []byte) []byte {
	src, dst := [16]byte{0: 0x20, 1: 1, 15: 1}, [16]byte{0: 0x20, 1: 1, 15: 2}
	return join([]byte{0x60, 0, 0, 0}, be(uint16(len(rest))), []byte{next, 64}, src[:], dst[:], rest)
}

func udp(src, dst uint16, rest []byte) []byte {
	return join(be(src), be(dst), be(uint16(8+len(rest))), be(0), rest)
}

func tcp(src, dst uint16, flags byte, rest []byte) []byte {
	return join(be(src), be(dst), zeros(8), []byte{0x50, flags}, zeros(6), rest)
}

func llc(sap, control byte, rest []byte) []byte { return join([]byte{sap, sap, control}, rest) }

func snap(organisation uint32, t uint16, rest []byte) []byte {
	return llc(0xaa, 3, join(be32(organisation)[1:], be(t), rest))
}

func label(n uint32, bottom byte, rest []byte) []byte {
	return join(be32(n<<12|uint32(bottom)<<8|64), rest)
}

func dnsQuery() []byte {
	return join(be(1), be(0x0100), be(1), zeros(6), []byte("\x07example\x03org\x00"), be(28), be(1))
}

// ping is the innermost packet of most tunnels here: an ICMP echo request, 28 bytes.
func ping() []byte { return ip4(1, []byte{8, 0, 0, 0, 0, 1, 0, 1}) }

// layerNames are short forms for the texts that these tests compare.
var layerNames = map[schema.LayerKind]string{
	schema.LayerEthernet: "eth", schema.LayerVLAN: "vlan", schema.LayerMPLS: "mpls", schema.LayerPPPoE: "pppoe",
	schema.LayerPPP: "ppp", schema.LayerLLC: "llc", schema.LayerARP: "arp", schema.LayerIPv4: "ip",
	schema.LayerIPv6: "ip6", schema.LayerIPv6Ext: "ext", schema.LayerTCP: "tcp", schema.LayerUDP: "udp",
	schema.LayerSCTP: "sctp", schema.LayerICMP: "icmp", schema.LayerICMP6: "icmp6", schema.LayerGRE: "gre",
	schema.LayerVXLAN: "vxlan", schema.LayerGeneve: "geneve", schema.LayerGTPU: "gtpu", schema.LayerERSPAN: "erspan",
	schema.LayerDNS: "dns", schema.LayerIBBT: "ibbt", schema.LayerESP: "esp", schema.LayerAH: "ah",
	schema.LayerIGMP: "igmp", schema.LayerOSPF: "ospf", schema.LayerL2TP: "l2tp", schema.LayerNull: "null",
	schema.LayerSLL: "sll", schema.LayerRaw80211: "wlan", schema.LayerPayload: "data",
}

// show writes what Parse found as "eth:0+14 ip:14+20 ..." and what else is not usual.
func show(h *schema.Headers) string {
	var parts []string
	for _, l := range h.Layers[:h.N] {
		parts = append(parts, fmt.Sprintf("%s:%d+%d", layerNames[l.Kind], l.Off, l.Len))
	}
	for _, mark := range []struct {
		name string
		set  bool
	}{{"cut", h.Truncated}, {"bad", h.Malformed}, {"fragment", h.Fragment}} {
		if mark.set {
			parts = append(parts, mark.name)
		}
	}
	return strings.Join(parts, " ")
}
