package sflow

var (
	ethernetFields = []Field{u32("length"), mac("src_mac"), mac("dst_mac"), u32("type")}
	ip4Fields      = ipFields(TypeIP4, "tos")
	ip6Fields      = ipFields(TypeIP6, "priority")
	segmentFields  = []Field{enum("type", names{1: "set", 2: "sequence"}), list("as", u32(""))}
	actorFields    = []Field{str("actor")}
)

func ipFields(t Type, last string) []Field {
	return []Field{u32("length"), u32("protocol"), {Name: "src_ip", Type: t}, {Name: "dst_ip", Type: t},
		u32("src_port"), u32("dst_port"), u32("tcp_flags"), u32(last)}
}

func socketFields(t Type) []Field {
	return []Field{u32("protocol"), {Name: "local_ip", Type: t}, {Name: "remote_ip", Type: t}, u32("local_port"),
		u32("remote_port")}
}

// flowTable has the structures of flow samples and discards (wire-formats 1.4 to 1.6).
var flowTable = []Structure{
	{0, 1, "sampled_header", []Field{enum("header_protocol", headerProtocols), u32("frame_length"), u32("stripped"),
		{Name: "header", Type: TypeOpaque}}},
	{0, 2, "sampled_ethernet", ethernetFields},
	{0, 3, "sampled_ipv4", ip4Fields},
	{0, 4, "sampled_ipv6", ip6Fields},
	{0, 1001, "extended_switch", words(TypeU32, "src_vlan", "src_priority", "dst_vlan", "dst_priority")},
	{0, 1002, "extended_router", []Field{adr("nexthop"), u32("src_mask_len"), u32("dst_mask_len")}},
	{0, 1003, "extended_gateway", []Field{adr("nexthop"), u32("as"), u32("src_as"), u32("src_peer_as"),
		list("dst_as_path", segmentFields...), list("communities", u32("")), u32("localpref")}},
	{0, 1004, "extended_user", []Field{u32("src_charset"), str("src_user"), u32("dst_charset"), str("dst_user")}},
	{0, 1005, "extended_url", []Field{enum("direction", urlDirections), str("url"), str("host")}},
	{0, 1006, "extended_mpls", []Field{adr("nexthop"), list("in_stack", u32("")), list("out_stack", u32(""))}},
	{0, 1007, "extended_nat", []Field{adr("src_address"), adr("dst_address")}},
	{0, 1008, "extended_mpls_tunnel", []Field{str("tunnel_lsp_name"), u32("tunnel_id"), u32("tunnel_cos")}},
	{0, 1009, "extended_mpls_vc", []Field{str("vc_instance_name"), u32("vll_vc_id"), u32("vc_label_cos")}},
	{0, 1010, "extended_mpls_FTN", []Field{str("mplsFTNDescr"), u32("mplsFTNMask")}},
	{0, 1011, "extended_mpls_LDP_FEC", []Field{u32("mplsFecAddrPrefixLength")}},
	{0, 1012, "extended_vlantunnel", []Field{list("stack", u32(""))}},
	{0, 1013, "extended_80211_payload", []Field{u32("ciphersuite"), {Name: "data", Type: TypeRemainder}}},
	{0, 1014, "extended_80211_rx", []Field{str("ssid"), mac("bssid"), enum("version", wlanVersions), u32("channel"),
		u64("speed"), u32("rsni"), u32("rcpi"), u32("packet_duration")}},
	{0, 1015, "extended_80211_tx", []Field{str("ssid"), mac("bssid"), enum("version", wlanVersions),
		u32("transmissions"), u32("packet_duration"), u32("retrans_duration"), u32("channel"), u64("speed"),
		u32("power")}},
	{0, 1016, "extended_80211_aggregation", []Field{u32("pdus"), {Name: "records", Type: TypeRemainder}}},
	{0, 1017, "extended_openflow_v1", []Field{
		{Name: "flow_cookie", Type: TypeHex64}, {Name: "flow", Type: TypeRemainder}}},
	{0, 1019, "extended_queue_length", words(TypeU32, "queueIndex", "queueLength")},
	{0, 1020, "extended_nat_port", words(TypeU32, "src_port", "dst_port")},
	{0, 1021, "extended_L2_tunnel_egress", ethernetFields},
	{0, 1022, "extended_L2_tunnel_ingress", ethernetFields},
	{0, 1023, "extended_ipv4_tunnel_egress", ip4Fields},
	{0, 1024, "extended_ipv4_tunnel_ingress", ip4Fields},
	{0, 1025, "extended_ipv6_tunnel_egress", ip6Fields},
	{0, 1026, "extended_ipv6_tunnel_ingress", ip6Fields},
	{0, 1027, "extended_decapsulate_egress", words(TypeU32, "inner_header_offset")},
	{0, 1028, "extended_decapsulate_ingress", words(TypeU32, "inner_header_offset")},
	{0, 1029, "extended_vni_egress", words(TypeU32, "vni")},
	{0, 1030, "extended_vni_ingress", words(TypeU32, "vni")},
	{0, 1031, "extended_ib_lrh", words(TypeU32, "src_vl", "src_sl", "src_dlid", "src_slid", "src_lnh", "dst_vl", "dst_sl",
		"dst_dlid", "dst_slid", "dst_lnh")},
	{0, 1032, "extended_ib_grh", []Field{u32("flow_label"), u32("tc"), {Name: "s_gid", Type: TypeIP6},
		{Name: "d_gid", Type: TypeIP6}, u32("next_header"), u32("length")}},
	{0, 1033, "extended_ib_brh", words(TypeU32, "pkey", "dst_qp", "opcode")},
	{0, 1034, "extended_vlanin", []Field{list("stack", u32(""))}},
	{0, 1035, "extended_vlanout", []Field{list("stack", u32(""))}},
	{0, 1036, "extended_egress_queue", words(TypeU32, "queue")},
	{0, 1037, "extended_acl", []Field{u32("number"), str("name"), enum("direction",
		names{0: "unknown", 1: "ingress", 2: "egress"})}},
	{0, 1038, "extended_function", []Field{str("symbol")}},
	{0, 1039, "extended_transit", words(TypeU32, "delay")},
	{0, 1040, "extended_queue", words(TypeU32, "depth")},
	{0, 1041, "extended_hw_trap", []Field{str("group"), str("trap")}},
	{0, 1042, "extended_linux_drop_reason", []Field{str("reason")}},
	{0, 1043, "extended_timestamp", []Field{u64("nanoseconds")}},
	{0, 2100, "extended_socket_ipv4", socketFields(TypeIP4)},
	{0, 2101, "extended_socket_ipv6", socketFields(TypeIP6)},
	{0, 2102, "extended_proxy_socket_ipv4", socketFields(TypeIP4)},
	{0, 2103, "extended_proxy_socket_ipv6", socketFields(TypeIP6)},
	{0, 2200, "memcache_operation", []Field{enum("protocol", names{0: "OTHER", 1: "ASCII", 2: "BINARY"}),
		enum("cmd", memcacheCommands), str("key"), u32("nkeys"), u32("value_bytes"), u32("uS"),
		enum("status", memcacheStatuses)}},
	{0, 2201, "http_request", httpFields(false)},
	{0, 2202, "app_operation", []Field{str("application"), str("operation"), str("attributes"), str("status_descr"),
		u64("req_bytes"), u64("resp_bytes"), u32("uS"), enum("status", appStatuses)}},
	{0, 2203, "app_parent_context", []Field{str("application"), str("operation"), str("attributes")}},
	{0, 2204, "app_initiator", actorFields},
	{0, 2205, "app_target", actorFields},
	{0, 2206, "http_request", httpFields(true)},
	{0, 2207, "extended_proxy_request", []Field{str("uri"), str("host")}},
	{0, 2209, "extended_tcp_info", join([]Field{enum("dirn", names{0: "unknown", 1: "received", 2: "sent"})},
		words(TypeU32, "snd_mss", "rcv_mss", "unacked", "lost", "retrans", "pmtu", "rtt", "rttvar", "snd_cwnd",
			"reordering", "min_rtt"))},
	{0, 2210, "extended_entities", words(TypeU32, "src_ds_class", "src_ds_index", "dst_ds_class", "dst_ds_index")},
}

// httpFields returns the fields of 0:2206, or of 0:2201, which has neither xff nor req_bytes.
func httpFields(full bool) []Field {
	fields := []Field{enum("method", httpMethods), u32("protocol"), str("uri"), str("host"), str("referer"),
		str("useragent")}
	if full {
		fields = append(fields, str("xff"))
	}
	fields = append(fields, str("authuser"), str("mime_type"))
	if full {
		fields = append(fields, u64("req_bytes"))
	}
	return append(fields, u64("resp_bytes"), u32("uS"), Field{Name: "status", Type: TypeI32})
}

// legacyTable has the structures that versions 2 and 4 lay out in their own way (wire-formats 1.10).
var legacyTable = []Structure{
	{EnterpriseV2, 1, "sampled_header", legacyHeader},
	{EnterpriseV4, 1, "sampled_header", legacyHeader},
	{EnterpriseV2, 1003, "extended_gateway", []Field{u32("as"), u32("src_as"), u32("src_peer_as"),
		list("dst_as_path", u32(""))}},
	{EnterpriseV4, 1003, "extended_gateway", []Field{u32("as"), u32("src_as"), u32("src_peer_as"),
		list("dst_as_path", segmentFields...), list("communities", u32("")), u32("localpref")}},
	{EnterpriseV2, 1004, "extended_user", []Field{str("src_user"), str("dst_user")}},
	{EnterpriseV4, 1004, "extended_user", []Field{str("src_user"), str("dst_user")}},
	{EnterpriseV2, 1005, "extended_url", []Field{enum("direction", urlDirections), str("url")}},
	{EnterpriseV4, 1005, "extended_url", []Field{enum("direction", urlDirections), str("url")}},
}

var legacyHeader = []Field{enum("header_protocol", headerProtocols), u32("frame_length"),
	{Name: "header", Type: TypeOpaque}}
