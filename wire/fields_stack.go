package wire

import "weir/schema"

// stackToken names a header in a stack.
type stackToken struct {
	kind schema.LayerKind
	name string
	doc  string
}

// stackTokens are the names of headers in the attribute stack, and before "_offset" (spec sflow-rt 2.2). Extension
// headers of IPv6 are part of ip6.
var stackTokens = []stackToken{
	{schema.LayerEthernet, "eth", "Ethernet"},
	{schema.LayerVLAN, "vlan", "VLAN tag, its type left out,"},
	{schema.LayerMPLS, "mpls", "MPLS label stack entry"},
	{schema.LayerPPPoE, "pppoe", "PPPoE session"},
	{schema.LayerPPP, "ppp", "PPP protocol"},
	{schema.LayerLLC, "llc", "802.2 LLC"},
	{schema.LayerARP, "arp", "ARP"},
	{schema.LayerIPv4, "ip", "IPv4"},
	{schema.LayerIPv6, "ip6", "IPv6"},
	{schema.LayerTCP, "tcp", "TCP"},
	{schema.LayerUDP, "udp", "UDP"},
	{schema.LayerSCTP, "sctp", "SCTP"},
	{schema.LayerICMP, "icmp", "ICMP"},
	{schema.LayerICMP6, "icmp6", "ICMPv6"},
	{schema.LayerGRE, "gre", "GRE"},
	{schema.LayerVXLAN, "vxlan", "VXLAN"},
	{schema.LayerGeneve, "geneve", "Geneve"},
	{schema.LayerGTPU, "gtpu", "GTP-U"},
	{schema.LayerERSPAN, "erspan", "ERSPAN"},
	{schema.LayerDNS, "dns", "DNS message"},
	{schema.LayerIBBT, "ibbt", "InfiniBand base transport"},
	{schema.LayerESP, "esp", "ESP"},
	{schema.LayerAH, "ah", "AH"},
	{schema.LayerIGMP, "igmp", "IGMP"},
	{schema.LayerOSPF, "ospf", "OSPF"},
	{schema.LayerL2TP, "l2tp", "L2TP"},
	{schema.LayerNull, "null", "BSD loopback"},
	{schema.LayerSLL, "sll", "Linux cooked capture"},
	{schema.LayerRaw80211, "wlan", "802.11"},
}

// tokenOf has the name of a header at the number of its kind; kinds without a name are not in a stack.
var tokenOf = func() (names [schema.LayerPayload + 1]string) {
	for _, t := range stackTokens {
		names[t.kind] = t.name
	}
	return names
}()

// protocolTokens are the headers that IP protocol numbers stand for, where there is no header to look into.
var protocolTokens = map[uint8]string{1: "icmp", 2: "igmp", 4: "ip", 6: "tcp", 17: "udp", 41: "ip6", 47: "gre",
	50: "esp", 51: "ah", 58: "icmp6", 89: "ospf", 115: "l2tp", 132: "sctp", 137: "mpls"}

// stackFields are the attribute stack and the offsets of headers.
func stackFields() []schema.Field {
	list := []schema.Field{single("stack", schema.Text,
		"names of the protocols from outside in, as in eth.ip.tcp; a flow record begins at ip", textOf(appendStack))}
	for _, t := range stackTokens {
		kind := t.kind
		list = append(list, nested(t.name+"_offset", schema.Uint,
			"where the "+t.doc+" header begins, bytes from the start of the packet",
			uintOf(func(r *schema.Record, nth int) (uint64, bool) {
				i := layerIndex(r, kind, nth)
				if i < 0 {
					return 0, false
				}
				return uint64(r.Layers.Layers[i].Off), true
			})))
	}
	return list
}

func appendStack(b []byte, r *schema.Record, _ int) []byte {
	if r.Layers == nil {
		return appendToldStack(b, r)
	}
	for i := range r.Layers.N {
		if k := r.Layers.Layers[i].Kind; int(k) < len(tokenOf) {
			b = appendToken(b, tokenOf[k])
		}
	}
	return b
}

// appendToldStack makes a stack of what the exporter told of a packet without its header.
func appendToldStack(b []byte, r *schema.Record) []byte {
	if body := structure(r, 2); body != nil {
		b = append(b, "eth"...)
		if t, ok := wordOf(r, 2, 5); ok && t == 0x0806 {
			b = appendToken(b, "arp")
		}
	}
	switch r.IPv {
	case 4:
		b = appendToken(b, "ip")
	case 6:
		b = appendToken(b, "ip6")
	default:
		return b
	}
	if r.HasProto {
		b = appendToken(b, protocolTokens[r.Proto])
	}
	return b
}

func appendToken(b []byte, token string) []byte {
	if token == "" {
		return b
	}
	if len(b) > 0 {
		b = append(b, '.')
	}
	return append(b, token...)
}
