package meter

import (
	"slices"
	"time"

	"weir/key"
)

// catalogue returns the built-in groups, not complete (spec trisul 1.10); parents come first.
func catalogue(manual bool) []*Group {
	return slices.Concat(hostGroups(manual), trafficGroups(manual), linkGroups(), placeGroups(manual), flowGroups(),
		routeGroups(), alertGroups(), scriptGroups())
}

func hostGroups(manual bool) []*Group {
	return []*Group{
		hosts("hosts", "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "Hosts", "IPv4 hosts", manual),
		hosts("hosts_v6", "{6CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "HostsIPv6", "IPv6 hosts", manual),
	}
}

// trafficGroups are those of what the traffic is.
func trafficGroups(manual bool) []*Group {
	apps := built("apps", "{C51B48D4-7876-479E-B0D9-BD9EFF03CE2E}", "Apps",
		"applications, by the lower port, or by the protocol where there are no ports", key.App, appMeters()...)
	if manual {
		apps.Bucket = Span(300 * time.Second)
		apps.Distinct = []Cardinality{{Group: "hosts", Name: "Unique hosts"}}
	}
	return []*Group{
		apps,
		built("aggregates", "{393B5EBC-AB41-4387-8F31-8077DB917336}", "Aggregates",
			"all traffic (TOTALBW), and by its direction in respect of the home networks", key.Direction,
			rate(0, "Total", 0, "bytes"), rate(1, "Packets", 0, "packets"),
			level(2, "Active Sessions", "sessions", 0, "active"),
			rate(3, "L2 Broadcast", 0, "l2.broadcast.bytes"), rate(4, "L2 Multicast", 0, "l2.multicast.bytes"),
			rate(5, "L2 Unicast", 0, "l2.unicast.bytes"), rate(6, "L3 Broadcast", 0, "l3.broadcast.bytes"),
			rate(7, "L3 Multicast", 0, "l3.multicast.bytes"), rate(8, "L3 Unicast", 0, "l3.unicast.bytes"),
			rate(9, "Fragments", 0, "fragments")),
		built("protocols", "{E89BCD56-30AD-40F5-B1C8-8B7683F440BD}", "NetworkLayerStats", "IP protocols", key.Protocol,
			rate(0, "Total", 10, "bytes"), count(1, "Packets", "packets", 10, "packets"),
			level(2, "Active Flows", "flows", 10, "active"), count(3, "Total Flows", "flows", 10, "new"),
			rate(4, "Into Interface", 10, "if.in.bytes"), rate(5, "Outof Interface", 10, "if.out.bytes")),
		built("icmp_types", "{FA6466E2-EA6A-4E75-8F39-ADE7708C6F46}", "ICMP Types",
			"ICMP and ICMPv6 messages by type and code", key.ICMP, rate(0, "Bytes", 50, "bytes"),
			rate(1, "Packets", 50, "packets")),
		built("dscp", "{5D2A6F31-90C4-4E0B-8A5E-6F1B0C7D2E91}", "DSCP", "differentiated services code points", key.DSCP,
			rate(0, "Total", 20, "bytes"), rate(1, "Packets", 20, "packets"),
			count(2, "Flow Records", "records", 0, "records")),
		built("packet_lengths", "{5D2A6F31-90C4-4E0B-8A5E-6F1B0C7D2E92}", "Packet Lengths", "packets by their length",
			key.Length, rate(0, "Total", 0, "bytes"), rate(1, "Packets", 0, "packets")),
	}
}

// linkGroups are fed from packets only.
func linkGroups() []*Group {
	return []*Group{
		built("link_layer", "{9F5AD3A9-C74D-46D8-A8A8-DCDD773730BA}", "LinkLayerStats", "packets by EtherType", key.EtherType,
			rate(0, "Total", 10, "bytes"), rate(1, "Packets", 10, "packets")),
		built("mac", "{4B09BD22-3B99-40FC-8215-94A430EA0A35}", "MAC", "MAC addresses", key.MAC,
			rate(0, "Transmit", 20, "tx.bytes"), rate(1, "Receive", 20, "rx.bytes")),
		built("dir_mac", "{79F60A94-44BD-4C55-891A-77823D59161B}", "Dir Mac", "pairs of MAC addresses, A the smaller one",
			key.MACPair, rate(0, "Total", 10, "bytes"), rate(1, "A to Z", 0, "tx.bytes"), rate(2, "Z to A", 0, "rx.bytes")),
		built("vlan", "{0EC72E9E-3AD2-43FD-8173-74693EEA08D0}", "VLANStats", "VLANs", key.VLAN,
			rate(0, "Total", 20, "bytes"), rate(1, "Recv Into VLAN", 20, "rx.bytes"), rate(2, "Xmit To VLAN", 20, "tx.bytes")),
		built("mpls", "{6C312435-80C1-401F-AEDD-090FF4F46212}", "MPLSStats", "MPLS labels, the top one", key.MPLS,
			rate(0, "Total", 50, "bytes")),
		built("interfaces", "{8AC478BC-8891-0009-5F31-80774B010086}", "Interfaces",
			"where packets were captured or sampled: exporter and datasource", key.Interface,
			rate(0, "Total", 10, "bytes"), rate(1, "Packets", 0, "packets")),
	}
}

// placeGroups are rolled up from hosts, or count hosts that were seen with some application.
func placeGroups(manual bool) []*Group {
	internal := rolled("internal_hosts", "{889900CC-0063-11A5-8380-FEBDBABBDBEA}", "Internal Hosts",
		"IPv4 hosts of the home networks", key.Host, hostMeters(manual)...)
	external := rolled("external_hosts", "{00AA77BB-0063-11A5-8380-FEBDBABBDBEA}", "External Hosts",
		"IPv4 hosts outside the home networks", key.Host, hostMeters(manual)...)
	internal.Home, external.Home = true, true
	internal.Parents, external.Parents = []string{"hosts"}, []string{"hosts"}
	updown := func(top, bottom int) []Meter {
		// What a host outside received was uploaded.
		return []Meter{ends(0, "Upload", top, bottom, "rx.bytes"), ends(1, "Download", top, bottom, "tx.bytes")}
	}
	return []*Group{
		internal, external,
		rolled("subnets", "{429B65AD-CDA4-452E-A852-24D8A3D0FBB3}", "Subnets",
			"configured subnets; traffic inside one counts for both of its ends", key.Subnet,
			rate(0, "Total", 10, "bytes"), rate(1, "Received", 0, "rx.bytes"), rate(2, "Transmit", 0, "tx.bytes"),
			rate(3, "Packets", 0, "packets")),
		rolled("country", "{00990011-44BD-4C55-891A-77823D59161B}", "Country", "countries of hosts outside", key.Country,
			updown(30, 20)...),
		rolled("as", "{03E016FC-46AA-4340-90FC-0E278B93C677}", "ASNumber", "autonomous systems of hosts outside", key.ASN,
			updown(20, 20)...),
		rolled("prefix", "{2838D2E8-EABC-4050-90C4-8AE2589AAB25}", "Prefix", "routed prefixes of hosts outside", key.Subnet,
			updown(20, 20)...),
		rolled("city", "{6D201FA3-6F8B-4F83-73F7-CB0B8A66EA2E}", "City", "cities of hosts outside", key.Text,
			updown(20, 20)...),
		those("web_hosts", "{EEF95297-0C8D-4673-AD6B-F4BD2345FD69}", "Web Hosts", "Port-80,Port-443,Port-8080"),
		those("email_hosts", "{22D4082E-B8BA-40D0-A287-1F524DF8DA7B}", "Email Hosts",
			"Port-25,Port-110,Port-143,Port-465,Port-587,Port-993,Port-995"),
		those("ssh_hosts", "{439002E4-3758-4E88-9438-8034FE1616AF}", "SSH Hosts", "Port-22"),
	}
}

// flowGroups tell of exporters of flow records and their interfaces.
func flowGroups() []*Group {
	return []*Group{
		built("flow_gens", "{2314BB8E-2BCC-4B86-8AA2-677E5554C0FE}", "FlowGens", "exporters of flow records", key.Host,
			rate(0, "Total", 50, "export.bytes"), rate(1, "Flow Volume", 50, "bytes"), rate(2, "Flow Records", 50, "records"),
			rate(3, "Post Filter Bandwidth", 50, "bytes"), rate(4, "Post Filter Flow Records", 50, "records")),
		built("flow_intfs", "{C0B04CA7-95FA-44EF-8475-3835F3314761}", "FlowIntfs",
			"interfaces of exporters, from flow records and from samples that name them", key.Interface,
			rate(0, "Total", 1000, "bytes"), rate(1, "Recv", 1000, "rx.bytes"), rate(2, "Xmit", 1000, "tx.bytes"),
			count(3, "Flows", "flows", 100, "flows"), gauge(4, "Recv-Util", "%", 100), gauge(5, "Xmit-Util", "%", 100)),
	}
}

// routeGroups are about what exporters know of routes; each is fed only when they tell.
func routeGroups() []*Group {
	prefix := func(top int) []Meter {
		return []Meter{
			rate(0, "Total", top, "bytes"), rate(1, "Recv Upstream", top, "tx.bytes"), rate(2, "Xmit Upstream", top, "rx.bytes"),
			count(3, "Flows", "flows", top, "flows"), rate(4, "Recv Downstream", top, ""), rate(5, "Xmit Downstream", top, ""),
		}
	}
	total := []Meter{rate(0, "Total", 10, "bytes")}
	updown := []Meter{ends(0, "Upload", 100, 10, "rx.bytes"), ends(1, "Download", 100, 10, "tx.bytes")}
	link := built("flow_link_asn", "{1D86CAB7-B4C4-433E-BCB9-C779A4244D70}", "Flow-Link-ASN",
		"AS numbers on each interface, as exporters say them", key.Interface,
		rate(0, "Recv from AS", 10, "tx.bytes"), rate(1, "Transmit to AS", 10, "rx.bytes"))
	link.Form = key.Form{key.Interface, key.ASN}
	return []*Group{
		built("flow_asn", "{120A3124-E2BB-47BD-6C64-71BBB861C428}", "Flow-ASN", "AS numbers as exporters say them", key.ASN,
			rate(0, "Total", 10, "bytes"), rate(1, "Recv from Upstream", 10, "tx.bytes"),
			rate(2, "Transmit to Upstream", 10, "rx.bytes"), rate(3, "Recv from Downstream", 10, ""),
			rate(4, "Transmit to Downstream", 10, "")),
		link,
		built("flow_prefix", "{2BE2A3B6-613D-4216-0737-3684E824EA33}", "Flow-Prefix", "IPv4 prefixes as exporters say them",
			key.Subnet, prefix(50)...),
		built("flow_prefix_v6", "{467AE21F-F2B7-4509-EA69-514CF2352D36}", "Flow-Prefix-v6",
			"IPv6 prefixes as exporters say them", key.Subnet, prefix(50)...),
		built("flow_bgp_nexthop", "{FC61EC07-BED0-4734-C64C-F5932FD8B943}", "Flow-BGP-NextHop", "BGP next hops",
			key.Host, total...),
		built("flow_ip_nexthop", "{79693CA3-ED3C-43B3-E12A-A3F64B125E4F}", "Flow-IP-NextHop", "next routers",
			key.Host, total...),
		built("flow_vrf", "{7FAB8F84-C580-424B-2BA4-B2546D2DB15A}", "Flow-VRF", "VRF numbers as exporters say them",
			key.Text, total...),
		built("flow_tos", "{5D2A6F31-90C4-4E0B-8A5E-6F1B0C7D2E93}", "Flow-TOS",
			"type of service bytes of flow records, in hex", key.Text, rate(0, "Total", 10, "bytes"),
			count(1, "Flows", "flows", 10, "flows")),
		built("bgp_origin_as", "{3950AB76-3C3A-40EE-5C94-80A87EE28D53}", "Origin-AS", "AS numbers where routes end", key.ASN,
			updown...),
		built("bgp_peer_as", "{A643654F-2BA3-4832-4FF1-43EBDDE6E655}", "Peer-AS", "neighbouring AS numbers", key.ASN,
			updown...),
	}
}

// alertGroups are fed by whoever raises alerts (spec trisul 1.9, 1.10.2).
func alertGroups() []*Group {
	alerts := []Meter{count(0, "Total Alerts", "alerts", 20, "")}
	list := []*Group{
		known("alert_signatures", "{A0FA9464-B496-4A20-A9AB-4D2D09AFF902}", "Alert Signatures", alerts...),
		known("alert_classes", "{20BC4345-37F0-44D0-ABFF-3BED97363CB1}", "Alert Classes", alerts...),
		known("alert_priorities", "{9EFAFDD0-6CBB-4C04-8B13-2C8E0A9D3F85}", "Alert Priorities", alerts...),
	}
	for _, g := range list {
		g.Bucket = Span(300 * time.Second)
	}
	return append(list, known("blacklist", "{6255BD85-2DCB-49E7-AF1F-1267AAF4DCA1}", "Blacklist",
		count(0, "Hits", "hits", 50, ""), count(1, "Blacklist connections", "conns", 0, "")))
}

// scriptGroups are known by name and GUID, and fed only by scripts (spec trisul 1.10.3).
func scriptGroups() []*Group {
	hits := func(total, hits int) []Meter {
		return []Meter{ends(0, "Total", total, 20, ""), count(1, "Hits", "hits", hits, "")}
	}
	users := []Meter{
		rate(0, "Total", 50, ""), rate(1, "Download", 50, ""), rate(2, "Upload", 50, ""), rate(3, "Transit", 50, ""),
		rate(4, "Internal", 50, ""), count(5, "Flows", "flows", 50, ""),
	}
	total := func(top int) []Meter { return []Meter{rate(0, "Total", top, "")} }
	tally := []Meter{count(0, "Total", "hits", 0, "")}
	updown := []Meter{ends(0, "Upload", 100, 10, ""), ends(1, "Download", 100, 10, "")}
	return []*Group{
		known("app_groups", "{03BB12BC-1437-F908-8797-EB4BB0BEDE4A}", "Application Group", appMeters()...),
		known("unleash_apps", "{FF889910-9293-AAA5-0028-883991889884}", "Unleash Apps", appMeters()...),
		known("unusual_hosts", "{AE3A1449-5663-41A5-A028-FDE61DBB7EFA}", "Unusual Traffic Hosts", hostMeters(false)...),
		known("vsat", "{A8776788-B8E3-4108-AD24-0E3927D9364B}", "VSAT", rate(0, "Total", 20, ""),
			rate(1, "Out-Route", 20, ""), rate(2, "In-Route", 20, ""), rate(3, "UDP down", 15, ""), rate(4, "UDP up", 15, ""),
			rate(5, "TCP down", 15, ""), rate(6, "TCP up", 15, ""), rate(7, "Mcast down", 15, ""), rate(8, "Mcast up", 15, ""),
			rate(9, "Others down", 15, ""), rate(10, "Others up", 15, "")),
		known("flow_prefix_home", "{C6D9D91D-7020-404D-C99E-7032455E6244}", "Flow-Prefix-Home", rate(0, "Total", 50, ""),
			rate(1, "Recv", 50, ""), rate(2, "Xmit", 50, ""), count(3, "Flows", "flows", 50, "")),
		known("flow_appid", "{5D2A6F31-90C4-4E0B-8A5E-6F1B0C7D2E94}", "Flow-AppID", rate(0, "Total", 10, ""),
			count(1, "Alerts", "alerts", 10, ""), rate(2, "Into Home", 10, ""), rate(3, "Outof Home", 10, ""),
			count(4, "Connections", "conns", 10, ""), rate(5, "Internal", 10, ""), rate(6, "Transit", 10, "")),
		known("app_id", "{9021F5D3-FEFB-401B-99EC-EF2ACD088578}", "App-ID", users...),
		known("user_id", "{86A8880D-F4B2-4E49-A4FA-718880CAA976}", "User-ID", users...),
		known("bgp_as_path", "{47F48ED1-C3E1-4CEE-E3FA-E768558BC07E}", "AS-Path", updown...),
		known("bgp_prefix_ext", "{C26520C4-DB9D-49EC-5D8B-35AD39951E36}", "Prefix-Ext", updown...),
		known("bgp_prefix_home", "{4FBCE884-6B69-40F3-F00F-559A82A58825}", "Prefix-Home", updown...),
		known("remote_office", "{664D68BF-5544-43CE-A895-50F2E179EA5A}", "Remote Office", rate(0, "Total", 100, ""),
			rate(1, "Into Branch", 100, ""), rate(2, "Out of Branch", 100, ""), count(3, "Alerts", "alerts", 100, "")),
		known("snmp_interface", "{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}", "SNMP-Interface",
			Meter{ID: 0, Name: "Total", Unit: "Bps", Type: DeltaRate, Top: 100},
			Meter{ID: 1, Name: "In Octets", Unit: "Bps", Type: DeltaRate, Top: 100},
			Meter{ID: 2, Name: "Out Octets", Unit: "Bps", Type: DeltaRate, Top: 100},
			gauge(3, "Recv-Util", "%", 100), gauge(4, "Xmit-Util", "%", 100)),
		known("base_domains", "{74FE9532-EDEB-421E-BD92-B5C62E7F2346}", "Base Domains", total(100)...),
		known("http_hosts", "{D2AAD7C6-E129-4366-A2AD-A8CB9AA4C2F4}", "HTTP Hosts", ends(0, "Total", 50, 20, "")),
		known("http_content_types", "{C0C9757F-2005-4CC5-BB96-D72F607E6188}", "HTTP Content Types",
			ends(0, "Total", 30, 30, ""), count(1, "Hits", "hits", 30, "")),
		known("http_methods", "{2A6957EB-4992-46CD-8E49-BE32318669D3}", "HTTP Methods", tally...),
		known("http_status", "{25E80A84-C175-4C01-977C-1411F5D10B56}", "HTTP Status", tally...),
		known("http_url_category", "{0F3D2DC3-107C-4348-8561-757734AF4666}", "HTTP URL Category", hits(50, 50)...),
		known("tls_orgs", "{432D7552-0363-4640-9CC5-23E4CA8410EA}", "TLS Orgs", hits(50, 50)...),
		known("tls_ciphers", "{5B64A573-623F-4F5B-8865-78C62BF466A7}", "TLS Ciphers", hits(20, 20)...),
		known("tls_ca", "{15856A98-7F87-46D7-84D2-18DD549F8A6F}", "TLS CA",
			count(0, "Intermediate", "hits", 50, ""), count(1, "Root", "hits", 50, "")),
		known("long_fat_tail_hosts", "{27870892-5B20-4555-8BA2-2742F3DD0F04}", "Long Fat Tail Hosts", hits(50, 50)...),
	}
}
