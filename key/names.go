package key

import (
	"maps"
	"slices"
	"strings"

	"weir/schema"
)

// protocols are the keywords of IANA's registry of assigned internet protocol numbers, but for FC, which would be read
// as hex digits.
var protocols = [256]string{
	0: "HOPOPT", 1: "ICMP", 2: "IGMP", 3: "GGP", 4: "IPIP", 5: "ST", 6: "TCP", 7: "CBT", 8: "EGP", 9: "IGP",
	16: "CHAOS", 17: "UDP", 20: "HMP", 22: "XNS-IDP", 27: "RDP", 28: "IRTP", 29: "ISO-TP4", 33: "DCCP",
	36: "XTP", 37: "DDP", 41: "IPv6", 43: "IPv6-Route", 44: "IPv6-Frag", 45: "IDRP", 46: "RSVP", 47: "GRE",
	48: "DSR", 50: "ESP", 51: "AH", 54: "NARP", 55: "MOBILE", 57: "SKIP", 58: "IPv6-ICMP", 59: "IPv6-NoNxt",
	60: "IPv6-Opts", 80: "ISO-IP", 81: "VMTP", 88: "EIGRP", 89: "OSPF", 92: "MTP", 94: "IP-in-IP", 97: "ETHERIP",
	98: "ENCAP", 103: "PIM", 108: "IPComp", 111: "IPX-in-IP", 112: "VRRP", 113: "PGM", 115: "L2TP", 121: "SMP",
	124: "ISIS", 132: "SCTP", 133: "Fibre-Channel", 135: "Mobility", 136: "UDPLite", 137: "MPLS-in-IP", 138: "manet",
	139: "HIP", 140: "Shim6", 141: "WESP", 142: "ROHC", 143: "Ethernet",
}

// etherTypes are the usual names of the numbers of IANA's and IEEE's registries of EtherTypes.
var etherTypes = []struct {
	number uint16
	name   string
}{
	{0x0800, "IPv4"}, {0x0806, "ARP"}, {0x0842, "WoL"}, {0x22F3, "TRILL"}, {0x6002, "MOP"}, {0x6003, "DECnet"},
	{0x6558, "TEB"}, {0x8035, "RARP"}, {0x809B, "AppleTalk"}, {0x80F3, "AARP"}, {0x8100, "VLAN"}, {0x8137, "IPX"},
	{0x86DD, "IPv6"}, {0x8808, "Flow-Control"}, {0x8809, "LACP"}, {0x8847, "MPLS"}, {0x8848, "MPLS-Multicast"},
	{0x8863, "PPPoE-Discovery"}, {0x8864, "PPPoE"}, {0x888E, "EAPOL"}, {0x8892, "PROFINET"}, {0x88A2, "AoE"},
	{0x88A4, "EtherCAT"}, {0x88A8, "QinQ"}, {0x88B8, "GOOSE"}, {0x88BA, "SV"}, {0x88CC, "LLDP"}, {0x88E5, "MACsec"},
	{0x88E7, "PBB"}, {0x88F7, "PTP"}, {0x8902, "CFM"}, {0x8906, "FCoE"}, {0x8914, "FIP"}, {0x8915, "RoCE"},
	{0x891D, "TTEthernet"}, {0x893F, "E-TAG"}, {0x894F, "NSH"}, {0x9000, "Loopback"}, {0x9100, "QinQ-9100"},
}

// codePoints are the names of RFC 2474 (CS), RFC 2597 (AF), RFC 3246 (EF), RFC 5865 (VA) and RFC 8622 (LE).
var codePoints = [64]string{
	0: "CS0", 1: "LE", 8: "CS1", 10: "AF11", 12: "AF12", 14: "AF13", 16: "CS2", 18: "AF21", 20: "AF22", 22: "AF23",
	24: "CS3", 26: "AF31", 28: "AF32", 30: "AF33", 32: "CS4", 34: "AF41", 36: "AF42", 38: "AF43", 40: "CS5",
	44: "VA", 46: "EF", 48: "CS6", 56: "CS7",
}

// lengthClasses are the classes of packet lengths of RFC 2819 (etherStats), with more above 1518: the largest length of
// each class, and how it is written.
var lengthClasses = [...]struct {
	last uint32
	name string
}{
	{63, "0-63"}, {64, "64"}, {127, "65-127"}, {255, "128-255"}, {511, "256-511"}, {1023, "512-1023"},
	{1518, "1024-1518"}, {2047, "1519-2047"}, {4095, "2048-4095"}, {9216, "4096-9216"}, {1<<32 - 1, "9217+"},
}

// LengthClass returns the class (kind Length) of a packet of so many bytes.
func LengthClass(bytes uint32) byte {
	for i := range lengthClasses {
		if bytes <= lengthClasses[i].last {
			return byte(i)
		}
	}
	return byte(len(lengthClasses) - 1)
}

// services are names of IANA's registry of service names and port numbers, and short ones that people use. They are
// read only; ports are written as Port-n.
var services = map[string]uint16{
	"tcpmux": 1, "echo": 7, "discard": 9, "systat": 11, "daytime": 13, "qotd": 17, "chargen": 19, "ftp-data": 20,
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "nameserver": 42, "whois": 43, "nicname": 43,
	"tacacs": 49, "domain": 53, "dns": 53, "bootps": 67, "dhcp": 67, "bootpc": 68, "tftp": 69, "gopher": 70,
	"finger": 79, "http": 80, "kerberos": 88, "iso-tsap": 102, "acr-nema": 104, "pop2": 109, "pop3": 110,
	"sunrpc": 111, "auth": 113, "ident": 113, "sftp": 115, "nntp": 119, "ntp": 123, "epmap": 135,
	"netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap": 143, "snmp": 161, "snmptrap": 162,
	"snmp-trap": 162, "xdmcp": 177, "bgp": 179, "irc": 194, "smux": 199, "imap3": 220, "ptp-event": 319,
	"ptp-general": 320, "ldap": 389, "svrloc": 427, "https": 443, "snpp": 444, "microsoft-ds": 445, "smb": 445,
	"kpasswd": 464, "submissions": 465, "smtps": 465, "isakmp": 500, "ike": 500, "exec": 512, "login": 513,
	"who": 513, "shell": 514, "syslog": 514, "printer": 515, "router": 520, "rip": 520, "ripng": 521,
	"dhcpv6-client": 546, "dhcpv6-server": 547, "dhcpv6": 547, "afpovertcp": 548, "rtsp": 554, "nntps": 563,
	"submission": 587, "asf-rmcp": 623, "ipmi": 623, "ipp": 631, "ldaps": 636, "ldp": 646, "hsrp": 1985,
	"netconf-ssh": 830, "domain-s": 853, "dns-over-tls": 853, "rsync": 873, "ftps-data": 989, "ftps": 990,
	"telnets": 992, "imaps": 993, "pop3s": 995, "socks": 1080, "openvpn": 1194, "kazaa": 1214, "ms-sql-s": 1433,
	"mssql": 1433, "ms-sql-m": 1434, "oracle": 1521, "ingreslock": 1524, "wins": 1512, "l2tp": 1701, "pptp": 1723,
	"radius": 1812, "radius-acct": 1813, "mqtt": 1883, "ssdp": 1900, "cisco-sccp": 2000, "nfs": 2049,
	"netflow": 2055, "docker": 2375, "docker-s": 2376, "etcd-client": 2379, "etcd-server": 2380, "squid": 3128,
	"iscsi-target": 3260, "iscsi": 3260, "mysql": 3306, "ms-wbt-server": 3389, "rdp": 3389, "stun": 3478,
	"turn": 3478, "teredo": 3544, "bfd-control": 3784, "svn": 3690, "epmd": 4369, "ipsec-nat-t": 4500,
	"ipfix": 4739, "ipfixs": 4740, "vxlan": 4789, "upnp": 5000, "sip": 5060, "sips": 5061, "sip-tls": 5061,
	"xmpp-client": 5222, "xmpp-server": 5269, "nat-pmp": 5351, "mdns": 5353, "llmnr": 5355, "postgresql": 5432,
	"amqps": 5671, "amqp": 5672, "coap": 5683, "vnc": 5900, "rfb": 5900, "winrm": 5985, "x11": 6000,
	"geneve": 6081, "sflow": 6343, "gnutella": 6346, "redis": 6379, "syslog-tls": 6514, "ircu": 6667, "ircs": 6697,
	"bittorrent": 6881, "http-alt": 8080, "http-proxy": 8080, "https-alt": 8443, "mqtts": 8883, "secure-mqtt": 8883,
	"elasticsearch": 9200, "git": 9418, "zabbix-agent": 10050, "zabbix-trapper": 10051, "memcached": 11211,
	"mongodb": 27017, "wireguard": 51820, "quic": 443, "gtp-control": 2123, "gtp-user": 2152, "diameter": 3868,
	"sieve": 4190, "cassandra": 9042, "prometheus": 9090, "roce-v2": 4791, "mpls-udp": 6635, "openflow": 6653,
}

// olderDirections says how older names of directions are read (trisul.md section 1.10.2).
var olderDirections = [...]struct{ older, now string }{
	{"DIR_INCOMING", "DIR_INTOHOME"}, {"DIR_OUTGOING", "DIR_OUTOFHOME"}, {"DIR_INTERNAL", "DIR_WITHINHOME"},
}

// protocolOf returns the number of a protocol's name, in capitals or not.
func protocolOf(name string) (byte, bool) {
	for n, p := range protocols {
		if p != "" && strings.EqualFold(p, name) {
			return byte(n), true
		}
	}
	if strings.EqualFold(name, "ICMPv6") {
		return 58, true
	}
	return 0, false
}

func etherTypeName(n uint16) string {
	for i := range etherTypes {
		if etherTypes[i].number == n {
			return etherTypes[i].name
		}
	}
	return ""
}

// countryName returns the name of a country's code, or "".
func countryName(code []byte) string {
	i, ok := slices.BinarySearchFunc(countries[:], code, func(c struct{ code, name string }, code []byte) int {
		return strings.Compare(c.code, string(code)) // the conversion does not outlive the call
	})
	if !ok {
		return ""
	}
	return countries[i].name
}

// nearest returns a hint that names a name of the kind that is nearly s, or "".
func nearest(k Kind, s string) string {
	var names []string
	switch k {
	case App:
		return schema.DidYouMean(strings.ToLower(s), maps.Keys(services))
	case Protocol:
		names, s = slices.DeleteFunc(slices.Clone(protocols[:]), func(p string) bool { return p == "" }), strings.ToUpper(s)
	case EtherType:
		for _, e := range etherTypes {
			names = append(names, e.name)
		}
	case Country:
		for _, c := range countries {
			names = append(names, c.name)
		}
	}
	return schema.DidYouMean(s, slices.Values(names))
}
