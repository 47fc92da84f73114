package dump

import "weir/schema"

// form says how a field of a header is shown.
type form uint8

const (
	asNumber form = iota
	asHex
	asFlag
	asFlags // of TCP
	asMAC
	asAddress
	asBytes
	hidden // reserved bits
)

// cell is one field of a header.
type cell struct {
	name string
	bits int
	form form
}

// layout is what a header is made of. more, when there is one, shows what the cells cannot; else bytes behind the cells
// are shown as they are.
type layout struct {
	name  string
	cells []cell
	more  func(d *Dumper, frame, b []byte)
}

// layoutOf returns the layout of a header; the few that come in several forms are told by their length.
func layoutOf(l *schema.Layer) layout {
	if l.Kind == schema.LayerSLL && l.Len == 20 {
		return sll2
	}
	if h, ok := layouts[l.Kind]; ok {
		return h
	}
	return layout{name: "header"}
}

var sll2 = layout{name: "sll2", cells: []cell{
	{"ethertype", 16, asHex}, {"", 16, hidden}, {"interface", 32, asNumber}, {"hardware_type", 16, asNumber},
	{"packet_type", 8, asNumber}, {"address_length", 8, asNumber}, {"address", 64, asBytes},
}}

var icmp = []cell{{"type", 8, asNumber}, {"code", 8, asNumber}, {"checksum", 16, asHex}, {"rest", 32, asHex}}

// layouts are by the standards that package schema names beside each layer.
var layouts = map[schema.LayerKind]layout{
	schema.LayerEthernet: {name: "ethernet", cells: []cell{
		{"destination", 48, asMAC}, {"source", 48, asMAC}, {"ethertype", 16, asHex},
	}},
	schema.LayerVLAN: {name: "vlan", cells: []cell{
		{"priority", 3, asNumber}, {"drop_eligible", 1, asFlag}, {"id", 12, asNumber}, {"ethertype", 16, asHex},
	}},
	schema.LayerMPLS: {name: "mpls", cells: []cell{
		{"label", 20, asNumber}, {"class", 3, asNumber}, {"bottom", 1, asFlag}, {"ttl", 8, asNumber},
	}},
	schema.LayerPPPoE: {name: "pppoe", cells: []cell{
		{"version", 4, asNumber}, {"type", 4, asNumber}, {"code", 8, asNumber}, {"session", 16, asNumber},
		{"length", 16, asNumber},
	}},
	schema.LayerPPP:  {name: "ppp"},
	schema.LayerNull: {name: "null", cells: []cell{{"family", 32, asHex}}},
	schema.LayerLLC: {name: "llc", cells: []cell{
		{"dsap", 8, asHex}, {"ssap", 8, asHex}, {"control", 8, asHex},
	}, more: snapFields},
	schema.LayerARP: {name: "arp", cells: []cell{
		{"hardware_type", 16, asNumber}, {"protocol_type", 16, asHex}, {"hardware_size", 8, asNumber},
		{"protocol_size", 8, asNumber}, {"operation", 16, asNumber},
	}, more: arpAddresses},
	schema.LayerIPv4: {name: "ipv4", cells: []cell{
		{"version", 4, asNumber}, {"header_words", 4, asNumber}, {"dscp", 6, asNumber}, {"ecn", 2, asNumber},
		{"length", 16, asNumber}, {"id", 16, asNumber}, {"", 1, hidden}, {"dont_fragment", 1, asFlag},
		{"more_fragments", 1, asFlag}, {"fragment_offset", 13, asNumber}, {"ttl", 8, asNumber},
		{"protocol", 8, asNumber}, {"checksum", 16, asHex}, {"source", 32, asAddress}, {"destination", 32, asAddress},
	}},
	schema.LayerIPv6: {name: "ipv6", cells: []cell{
		{"version", 4, asNumber}, {"dscp", 6, asNumber}, {"ecn", 2, asNumber}, {"flow_label", 20, asHex},
		{"payload_length", 16, asNumber}, {"next_header", 8, asNumber}, {"hop_limit", 8, asNumber},
		{"source", 128, asAddress}, {"destination", 128, asAddress},
	}},
	schema.LayerIPv6Ext: {name: "ipv6_extension", cells: []cell{{"next_header", 8, asNumber}, {"length", 8, asNumber}}},
	schema.LayerTCP: {name: "tcp", cells: []cell{
		{"source_port", 16, asNumber}, {"destination_port", 16, asNumber}, {"sequence", 32, asNumber},
		{"acknowledgement", 32, asNumber}, {"header_words", 4, asNumber}, {"", 3, hidden}, {"flags", 9, asFlags},
		{"window", 16, asNumber}, {"checksum", 16, asHex}, {"urgent", 16, asNumber},
	}},
	schema.LayerUDP: {name: "udp", cells: []cell{
		{"source_port", 16, asNumber}, {"destination_port", 16, asNumber}, {"length", 16, asNumber},
		{"checksum", 16, asHex},
	}},
	schema.LayerSCTP: {name: "sctp", cells: []cell{
		{"source_port", 16, asNumber}, {"destination_port", 16, asNumber}, {"verification_tag", 32, asHex},
		{"checksum", 32, asHex},
	}},
	schema.LayerICMP:  {name: "icmp", cells: icmp},
	schema.LayerICMP6: {name: "icmp6", cells: icmp},
	schema.LayerGRE:   {name: "gre", cells: []cell{{"flags", 16, asHex}, {"ethertype", 16, asHex}}, more: greFields},
	schema.LayerVXLAN: {name: "vxlan", cells: []cell{
		{"flags", 8, asHex}, {"", 16, hidden}, {"next_protocol", 8, asNumber}, {"vni", 24, asNumber}, {"", 8, hidden},
	}},
	schema.LayerGeneve: {name: "geneve", cells: []cell{
		{"version", 2, asNumber}, {"option_words", 6, asNumber}, {"control", 1, asFlag}, {"critical", 1, asFlag},
		{"", 6, hidden}, {"ethertype", 16, asHex}, {"vni", 24, asNumber}, {"", 8, hidden},
	}},
	schema.LayerGTPU: {name: "gtpu", cells: []cell{
		{"flags", 8, asHex}, {"message_type", 8, asNumber}, {"length", 16, asNumber}, {"teid", 32, asHex},
	}},
	schema.LayerERSPAN: {name: "erspan", cells: []cell{
		{"version", 4, asNumber}, {"vlan", 12, asNumber}, {"cos", 3, asNumber}, {"encapsulation", 2, asNumber},
		{"truncated", 1, asFlag}, {"session", 10, asNumber},
	}},
	schema.LayerDNS: {name: "dns", cells: []cell{
		{"id", 16, asHex}, {"response", 1, asFlag}, {"opcode", 4, asNumber}, {"authoritative", 1, asFlag},
		{"truncated", 1, asFlag}, {"recursion_desired", 1, asFlag}, {"recursion_available", 1, asFlag},
		{"", 3, hidden}, {"rcode", 4, asNumber}, {"questions", 16, asNumber}, {"answers", 16, asNumber},
		{"authorities", 16, asNumber}, {"additional", 16, asNumber},
	}, more: dnsQuestion},
	schema.LayerIBBT: {name: "infiniband_bth", cells: []cell{
		{"opcode", 8, asNumber}, {"solicited", 1, asFlag}, {"migration", 1, asFlag}, {"pad", 2, asNumber},
		{"version", 4, asNumber}, {"partition", 16, asHex}, {"fecn", 1, asFlag}, {"becn", 1, asFlag}, {"", 6, hidden},
		{"queue_pair", 24, asNumber}, {"ack_request", 1, asFlag}, {"", 7, hidden}, {"sequence", 24, asNumber},
	}},
	schema.LayerESP: {name: "esp", cells: []cell{{"spi", 32, asHex}, {"sequence", 32, asNumber}}, more: noMore},
	schema.LayerAH: {name: "ah", cells: []cell{
		{"next_header", 8, asNumber}, {"length", 8, asNumber}, {"", 16, hidden}, {"spi", 32, asHex},
		{"sequence", 32, asNumber},
	}},
	schema.LayerIGMP: {name: "igmp", cells: []cell{
		{"type", 8, asHex}, {"response_time", 8, asNumber}, {"checksum", 16, asHex}, {"group", 32, asAddress},
	}},
	schema.LayerOSPF: {name: "ospf", cells: []cell{
		{"version", 8, asNumber}, {"type", 8, asNumber}, {"length", 16, asNumber}, {"router", 32, asAddress},
		{"area", 32, asAddress},
	}},
	schema.LayerL2TP: {name: "l2tp"},
	schema.LayerSLL: {name: "sll", cells: []cell{
		{"packet_type", 16, asNumber}, {"hardware_type", 16, asNumber}, {"address_length", 16, asNumber},
		{"address", 64, asBytes}, {"ethertype", 16, asHex},
	}},
	schema.LayerRaw80211: {name: "802.11", cells: []cell{
		{"frame_control", 16, asBytes}, {"duration", 16, asBytes}, {"address_1", 48, asMAC}, {"address_2", 48, asMAC},
		{"address_3", 48, asMAC}, {"sequence", 16, asBytes},
	}},
}
