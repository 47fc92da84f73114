package sflow

// names is an enumeration: the names of its values.
type names map[uint64]string

func (e names) of(n uint64) (name string, ok bool) {
	name, ok = e[n]
	return name, ok
}

// run makes an enumeration of consecutive values from first on; empty texts are left out.
func run(first uint64, list ...string) names {
	e := names{}
	for i, n := range list {
		if n != "" {
			e[first+uint64(i)] = n
		}
	}
	return e
}

// HeaderProtocolName returns the name of a header protocol of sampled_header (wire-formats 1.4).
func HeaderProtocolName(code uint32) (name string, ok bool) { return headerProtocols.of(uint64(code)) }

// SourceClassName returns the name of a datasource class (wire-formats 1.3).
func SourceClassName(class uint8) (name string, ok bool) { return sourceClasses.of(uint64(class)) }

// HTTPMethodName returns the name of an HTTP method code of http_request.
func HTTPMethodName(code uint32) (name string, ok bool) { return httpMethods.of(uint64(code)) }

// AppStatusName returns the name of a status of app_operation.
func AppStatusName(code uint32) (name string, ok bool) { return appStatuses.of(uint64(code)) }

// MemcacheCommandName returns the name of a command of memcache_operation.
func MemcacheCommandName(code uint32) (name string, ok bool) {
	return memcacheCommands.of(uint64(code))
}

// MemcacheStatusName returns the name of a status of memcache_operation.
func MemcacheStatusName(code uint32) (name string, ok bool) { return memcacheStatuses.of(uint64(code)) }

// ReasonName returns the name of a drop reason code (wire-formats 1.8); unknown codes are to be shown as numbers.
func ReasonName(code uint32) (name string, ok bool) { return reasons.of(uint64(code)) }

var (
	headerProtocols = run(1, "ethernet", "token_bus", "token_ring", "fddi", "frame_relay", "x25", "ppp", "smds", "aal5",
		"aal5_ip", "ipv4", "ipv6", "mpls", "pos", "802.11_mac", "802.11_ampdu", "802.11_amsdu_subframe", "infiniband")
	sourceClasses = run(0, "interface", "vlan", "physical_entity", "logical_entity")
	httpMethods   = run(0, "OTHER", "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT")
	appStatuses   = run(0, "SUCCESS", "OTHER", "TIMEOUT", "INTERNAL_ERROR", "BAD_REQUEST", "FORBIDDEN", "TOO_LARGE",
		"NOT_IMPLEMENTED", "NOT_FOUND", "UNAVAILABLE", "UNAUTHORIZED")
	memcacheCommands = run(0, "OTHER", "SET", "ADD", "REPLACE", "APPEND", "PREPEND", "CAS", "GET", "GETS", "INCR", "DECR",
		"DELETE", "STATS", "FLUSH", "VERSION", "QUIT", "TOUCH")
	memcacheStatuses = run(0, "UNKNOWN", "OK", "ERROR", "CLIENT_ERROR", "SERVER_ERROR", "STORED", "NOT_STORED", "EXISTS",
		"NOT_FOUND", "DELETED")
	urlDirections = names{1: "source_is_server", 2: "destination_is_server"}
	wlanVersions  = run(1, "a", "b", "g", "n")
	ifDirections  = run(0, "unknown", "full-duplex", "half-duplex", "in", "out")
	machineTypes  = run(0, "unknown", "other", "x86", "x86_64", "ia64", "sparc", "alpha", "powerpc", "m68k", "mips", "arm",
		"hppa", "s390")
	osNames = run(0, "unknown", "other", "linux", "windows", "darwin", "hpux", "aix", "dragonfly", "freebsd", "netbsd",
		"openbsd", "osf", "solaris")
	virtualStates = run(0, "nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed")
	reasons       = merge(icmpReasons, dropReasons)
)

func merge(a, b names) names {
	e := names{}
	for k, v := range a {
		e[k] = v
	}
	for k, v := range b {
		e[k] = v
	}
	return e
}

// icmpReasons are the codes of ICMP destination unreachable.
var icmpReasons = run(0, "net_unreachable", "host_unreachable", "protocol_unreachable", "port_unreachable",
	"frag_needed", "src_route_failed", "dst_net_unknown", "dst_host_unknown", "src_host_isolated", "dst_net_prohibited",
	"dst_host_prohibited", "dst_net_tos_unreachable", "dst_host_tos_unreachable", "comm_admin_prohibited",
	"host_precedence_violation", "precedence_cutoff")

// dropReasons are the codes of the sFlow discarded packet notification.
var dropReasons = run(256, "unknown", "ttl_exceeded", "acl", "no_buffer_space", "red", "traffic_shaping", "pkt_too_big",
	"src_mac_is_multicast", "vlan_tag_mismatch", "ingress_vlan_filter", "ingress_spanning_tree_filter",
	"port_list_is_empty", "port_loopback_filter", "blackhole_route", "non_ip", "uc_dip_over_mc_dmac",
	"dip_is_loopback_address", "sip_is_mc", "sip_is_loopback_address", "ip_header_corrupted", "ipv4_sip_is_limited_bc",
	"ipv6_mc_dip_reserved_scope", "ipv6_mc_dip_interface_local_scope", "unresolved_neigh", "mc_reverse_path_forwarding",
	"non_routable_packet", "decap_error", "overlay_smac_is_mc", "unknown_l2", "unknown_l3", "unknown_l3_exception",
	"unknown_buffer", "unknown_tunnel", "unknown_l4", "sip_is_unspecified", "mlag_port_isolation",
	"blackhole_arp_neigh", "src_mac_is_dmac", "dmac_is_reserved", "sip_is_class_e", "mc_dmac_mismatch", "sip_is_dip",
	"dip_is_local_network", "dip_is_link_local", "overlay_smac_is_dmac", "egress_vlan_filter",
	"uc_reverse_path_forwarding", "split_horizon", "locked_port", "dmac_filter", "blackhole_nexthop", "vxlan_parsing",
	"llcsnap_parsing", "vlan_parsing", "pppoe_ppp_parsing", "mpls_parsing", "arp_parsing", "ip_1_parsing",
	"ip_n_parsing", "gre_parsing", "udp_parsing", "tcp_parsing", "ipsec_parsing", "sctp_parsing", "dccp_parsing",
	"gtp_parsing", "esp_parsing", "unknown_parsing", "pkt_too_small", "unhandled_proto", "ipv6disabled",
	"invalid_proto", "ip_noproto", "skb_csum", "skb_ucopy_fault", "dev_ready", "dev_hdr", "dup_frag", "skb_gso_seg",
	"reverse_path_forwarding", "icmp_csum", "tcp_md5notfound", "tcp_md5unexpected", "tcp_md5failure", "tcp_flags",
	"tcp_zerowindow", "tcp_old_data", "tcp_overwindow", "tcp_ofomerge", "tcp_rfc7323_paws", "tcp_invalid_sequence",
	"tcp_reset", "tcp_invalid_syn", "tcp_close", "tcp_fastopen", "tcp_old_ack", "tcp_too_old_ack",
	"tcp_ack_unsent_data", "tcp_ofo_queue_prune", "tcp_ofo_drop", "tcp_minttl", "ipv6_bad_exthdr", "ipv6_ndisc_frag",
	"ipv6_ndisc_hop_limit", "ipv6_ndisc_bad_code", "ipv6_ndisc_bad_options", "ipv6_ndisc_ns_otherhost", "tap_filter",
	"tap_txfilter", "tc_ingress", "tc_egress", "xdp", "cpu_backlog", "bpf_cgroup_egress", "xfrm_policy", "socket_filter")

// ifTypes are the interface types of the IANAifType MIB that agents send; others are shown as numbers.
var ifTypes = merge(run(1, "other", "regular1822", "hdh1822", "ddnX25", "rfc877x25", "ethernetCsmacd", "iso88023Csmacd",
	"iso88024TokenBus", "iso88025TokenRing", "iso88026Man", "starLan", "proteon10Mbit", "proteon80Mbit", "hyperchannel",
	"fddi", "lapb", "sdlc", "ds1", "e1", "basicISDN", "primaryISDN", "propPointToPointSerial", "ppp",
	"softwareLoopback", "eon", "ethernet3Mbit", "nsip", "slip", "ultra", "ds3", "sip", "frameRelay", "rs232", "para",
	"arcnet", "arcnetPlus", "atm", "miox25", "sonet", "x25ple", "iso88022llc", "localTalk", "smdsDxi",
	"frameRelayService", "v35", "hssi", "hippi", "modem", "aal5", "sonetPath", "sonetVT", "smdsIcip", "propVirtual",
	"propMultiplexor", "ieee80212", "fibreChannel", "hippiInterface", "frameRelayInterconnect", "aflane8023",
	"aflane8025", "cctEmul", "fastEther", "isdn", "v11", "v36", "g703at64k", "g703at2mb", "qllc", "fastEtherFX",
	"channel", "ieee80211"), names{94: "adsl", 95: "radsl", 96: "sdsl", 97: "vdsl", 108: "pppMultilinkBundle",
	112: "virtualIpAddress", 117: "gigabitEthernet", 118: "hdlc", 126: "ip", 127: "docsCableMaclayer",
	128: "docsCableDownstream", 129: "docsCableUpstream", 131: "tunnel", 134: "atmSubInterface", 135: "l2vlan",
	136: "l3ipvlan", 142: "ipForward", 144: "ieee1394", 150: "mplsTunnel", 160: "usb", 161: "ieee8023adLag",
	166: "mpls", 199: "infiniband", 209: "bridge", 258: "vmwareVirtualNic", 259: "ieee802154"})
