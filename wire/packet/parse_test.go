package packet_test

import (
	"bytes"
	"testing"

	"weir/schema"
	"weir/wire/packet"
)

type parseCase struct {
	name  string
	link  schema.LinkType
	frame []byte
	want  string // as show writes it
	typ   uint16 // Headers.EtherType
	ip    int    // Headers.L3Off; 0 stands for -1 unless ipAt0
	ipAt0 bool
}

func linkCases() []parseCase {
	const eth1 = schema.LinkEthernet
	chdlc := join([]byte{0x0f, 0}, be(0x0800), ping())
	sll := join(be(0), be(1), be(6), zeros(8), be(0x0800), ping())
	sll2 := join(be(0x86dd), zeros(6), be(1), zeros(10), ip6(59, nil))
	wlan := join([]byte{0x08, 0x01}, zeros(22), snap(0, 0x0800, ping()))
	qos := join([]byte{0x88, 0x03}, zeros(28), zeros(2), snap(0, 0x0800, ping()))
	tap := join([]byte{0, 0}, le(9), []byte{2, 0, 0, 0}, []byte{0x20}, []byte{0x88, 0x01}, zeros(24), zeros(2),
		snap(0, 0x0800, ping()))
	nflog := join([]byte{2, 0}, be(0), le(6), le(1), []byte{1, 2, 0, 0}, le(4+28), le(9), ping())
	return []parseCase{
		{"ethernet", eth1, eth(0x0800, ping()), "eth:0+14 ip:14+20 icmp:34+8", 0x0800, 14, false},
		{"null, little endian", schema.LinkNull, join([]byte{2, 0, 0, 0}, ping()), "null:0+4 ip:4+20 icmp:24+8",
			0x0800, 4, false},
		{"null, big endian, IPv6", schema.LinkNull, join(be32(30), ip6(59, nil)), "null:0+4 ip6:4+40", 0x86dd, 4, false},
		{"loop", schema.LinkLoop, join(be32(2), ping()), "null:0+4 ip:4+20 icmp:24+8", 0x0800, 4, false},
		{"null, ethertype", schema.LinkNull, join(be32(0x86dd), ip6(59, nil)), "null:0+4 ip6:4+40", 0x86dd, 4, false},
		{"null, no family", schema.LinkNull, join(be32(7), ping()), "null:0+4 data:4+28", 0, 0, false},
		{"raw", schema.LinkRaw, ping(), "ip:0+20 icmp:20+8", 0x0800, 0, true},
		{"raw IPv6", schema.LinkIPv6, ip6(59, nil), "ip6:0+40", 0x86dd, 0, true},
		{"raw, no IP", schema.LinkRaw, []byte{0x12, 3}, "data:0+2 bad", 0, 0, false},
		{"ppp", schema.LinkPPP, join([]byte{0xff, 3}, be(0x21), ping()), "ppp:2+2 ip:4+20 icmp:24+8", 0x0800, 4, false},
		{"ppp, compressed", schema.LinkPPP, join([]byte{0x21}, ping()), "ppp:0+1 ip:1+20 icmp:21+8", 0x0800, 1, false},
		{"ppp, LCP", schema.LinkPPP, join(be(0xc021), zeros(4)), "ppp:0+2 data:2+4", 0, 0, false},
		{"ppp, MPLS", schema.LinkPPP, join(be(0x0281), label(9, 1, ping())), "ppp:0+2 mpls:2+4 ip:6+20 icmp:26+8",
			0x8847, 6, false},
		{"ppp in hdlc", schema.LinkPPPHDLC, join([]byte{0xff, 3}, be(0x21), ping()), "ppp:2+2 ip:4+20 icmp:24+8",
			0x0800, 4, false},
		{"cisco in ppp hdlc", schema.LinkPPPHDLC, chdlc, "ip:4+20 icmp:24+8", 0x0800, 4, false},
		{"cisco hdlc", schema.LinkCiscoHDLC, chdlc, "ip:4+20 icmp:24+8", 0x0800, 4, false},
		{"pppoe", schema.LinkPPPoE, join([]byte{0x11, 0}, be(5), be(30), be(0x21), ping()),
			"pppoe:0+6 ppp:6+2 ip:8+20 icmp:28+8", 0x8864, 8, false},
		{"sll", schema.LinkSLL, sll, "sll:0+16 ip:16+20 icmp:36+8", 0x0800, 16, false},
		{"sll2", schema.LinkSLL2, sll2, "sll:0+20 ip6:20+40", 0x86dd, 20, false},
		{"mpls", schema.LinkMPLS, label(9, 1, ping()), "mpls:0+4 ip:4+20 icmp:24+8", 0x8847, 4, false},
		{"token ring", schema.LinkTokenRing, join([]byte{0x10, 0x40}, zeros(6), []byte{0x80}, zeros(5), []byte{2, 0},
			snap(0, 0x0800, ping())), "llc:16+8 ip:24+20 icmp:44+8", 0x0800, 24, false},
		{"fddi", schema.LinkFDDI, join([]byte{0x54}, zeros(12), snap(0, 0x0800, ping())),
			"llc:13+8 ip:21+20 icmp:41+8", 0x0800, 21, false},
		{"802.11", schema.Link80211, wlan, "wlan:0+24 llc:24+8 ip:32+20 icmp:52+8", 0x0800, 32, false},
		{"802.11 QoS, four addresses", schema.Link80211, qos, "wlan:0+32 llc:32+8 ip:40+20 icmp:60+8",
			0x0800, 40, false},
		{"802.11 beacon", schema.Link80211, join([]byte{0x80, 0}, zeros(30)), "wlan:0+24 data:24+8", 0, 0, false},
		{"802.11 acknowledgement", schema.Link80211, join([]byte{0xd4, 0}, zeros(8)), "wlan:0+10", 0, 0, false},
		{"802.11 encrypted", schema.Link80211, join([]byte{0x08, 0x41}, zeros(30)), "wlan:0+24 data:24+8", 0, 0, false},
		{"radiotap, padded", schema.LinkRadiotap, tap, "wlan:9+26 llc:37+8 ip:45+20 icmp:65+8", 0x0800, 45, false},
		{"ppi", schema.LinkPPI, join([]byte{0, 0}, le(8), le(1), le(0), eth(0x0800, ping())),
			"eth:8+14 ip:22+20 icmp:42+8", 0x0800, 22, false},
		{"nflog", schema.LinkNFLOG, nflog, "ip:16+20 icmp:36+8", 0x0800, 16, false},
		{"unknown link", schema.LinkUnknown, ping(), "data:0+28", 0, 0, false},
	}
}

func etherCases() []parseCase {
	const eth1 = schema.LinkEthernet
	arp := join(be(1), be(0x0800), []byte{6, 4}, be(1), zeros(20))
	return []parseCase{
		{"qinqinq", eth1, eth(0x88a8, vlan(1, 0x9100, vlan(2, 0x8100, vlan(3, 0x0800, ping())))),
			"eth:0+14 vlan:14+4 vlan:18+4 vlan:22+4 ip:26+20 icmp:46+8", 0x0800, 26, false},
		{"vlan, cut", eth1, eth(0x8100, be(5)), "eth:0+14 vlan:14+2 cut", 0, 0, false},
		{"arp, padded", eth1, eth(0x0806, join(arp, zeros(18))), "eth:0+14 arp:14+28", 0x0806, 0, false},
		{"llc", eth1, eth8023(llc(0x42, 3, zeros(35))), "eth:0+14 llc:14+3 data:17+35", 0, 0, false},
		{"llc, information frame", eth1, eth8023(llc(0xf0, 2, zeros(9))), "eth:0+14 llc:14+4 data:18+8", 0, 0, false},
		{"llc, IP", eth1, eth8023(llc(6, 3, ping())), "eth:0+14 llc:14+3 ip:17+20 icmp:37+8", 0x0800, 17, false},
		{"snap", eth1, eth8023(snap(0, 0x0800, ping())), "eth:0+14 llc:14+8 ip:22+20 icmp:42+8", 0x0800, 22, false},
		{"snap of an organisation", eth1, eth8023(snap(0xc, 0x2000, zeros(40))), "eth:0+14 llc:14+8 data:22+40",
			0, 0, false},
		{"raw 802.3", eth1, eth8023(llc(0xff, 0xff, zeros(43))), "eth:0+14 data:14+46", 0, 0, false},
		{"mpls stack", eth1, eth(0x8847, label(1, 0, label(2, 1, ping()))),
			"eth:0+14 mpls:14+4 mpls:18+4 ip:22+20 icmp:42+8", 0x8847, 22, false},
		{"mpls, control word", eth1, eth(0x8847, label(1, 1, join(be32(0), eth(0x0800, ping())))),
			"eth:0+14 mpls:14+4 eth:22+14 ip:36+20 icmp:56+8", 0x8847, 36, false},
		{"mpls, no control word", eth1, eth(0x8847, label(1, 1, eth(0x0800, ping()))),
			"eth:0+14 mpls:14+4 eth:18+14 ip:32+20 icmp:52+8", 0x8847, 32, false},
		{"mpls, associated channel", eth1, eth(0x8847, label(1, 1, be32(0x10000007))), "eth:0+14 mpls:14+4 data:18+4",
			0x8847, 0, false},
		{"pppoe, padded", eth1, eth(0x8864, join([]byte{0x11, 0}, be(5), be(30), be(0x21), ping(), zeros(9))),
			"eth:0+14 pppoe:14+6 ppp:20+2 ip:22+20 icmp:42+8", 0x8864, 22, false},
		{"vn-tag", eth1, eth(0x8926, join(be32(1), be(0x0800), ping())), "eth:0+14 ip:20+20 icmp:40+8",
			0x8926, 20, false},
		{"cmd", eth1, eth(0x8909, join([]byte{1, 1}, be32(9), be(0x0800), ping())), "eth:0+14 ip:22+20 icmp:42+8",
			0x8909, 22, false},
		{"pbb", eth1, eth(0x88a8, vlan(1, 0x88e7, join(be32(7), eth(0x0800, ping())))),
			"eth:0+14 vlan:14+4 eth:22+14 ip:36+20 icmp:56+8", 0x88e7, 36, false},
		{"fabricpath", eth1, eth(0x8903, join(be(7), eth(0x0800, ping()))), "eth:0+14 eth:16+14 ip:30+20 icmp:50+8",
			0x8903, 30, false},
		{"trill", eth1, eth(0x22f3, join(be(0x40), zeros(4), zeros(4), eth(0x0800, ping()))),
			"eth:0+14 eth:24+14 ip:38+20 icmp:58+8", 0x22f3, 38, false},
		{"macsec, in the clear", eth1, eth(0x88e5, join([]byte{0x20, 0}, zeros(12), be(0x0800), ping())),
			"eth:0+14 ip:30+20 icmp:50+8", 0x88e5, 30, false},
		{"macsec, encrypted", eth1, eth(0x88e5, join([]byte{0x0c, 0}, zeros(10))), "eth:0+14 data:20+6",
			0x88e5, 0, false},
		{"nsh", eth1, eth(0x894f, join(be(0x0fc2), []byte{1, 1}, zeros(4), ping())), "eth:0+14 ip:22+20 icmp:42+8",
			0x894f, 22, false},
		{"unknown ethertype", eth1, eth(0x9000, zeros(4)), "eth:0+14 data:14+4", 0x9000, 0, false},
	}
}

func ipCases() []parseCase {
	const eth1 = schema.LinkEthernet
	options := ip4(17, join(zeros(4), udp(1, 2, nil)))
	options[0] = 0x46
	offloaded := ip4(6, tcp(1, 2, 0x10, zeros(10)))
	copy(offloaded[2:], be(0))
	short := ip4(6, tcp(1, 2, 0, nil))
	copy(short[2:], be(12))
	ah6 := ip6(0, join([]byte{43, 0}, zeros(6), []byte{44, 0}, zeros(6), []byte{51, 0}, be(1), be32(7),
		[]byte{6, 4}, zeros(22), tcp(1, 2, 2, nil)))
	last6 := ip6(44, join([]byte{17, 0}, be(0xb9<<3), be32(7), zeros(8)))
	return []parseCase{
		{"tcp, padded", eth1, join(eth(0x0800, ip4(6, tcp(1, 2, 0x10, nil))), zeros(6)),
			"eth:0+14 ip:14+20 tcp:34+20", 0x0800, 14, false},
		{"options", eth1, eth(0x0800, options), "eth:0+14 ip:14+24 udp:38+8", 0x0800, 14, false},
		{"offloaded", eth1, eth(0x0800, offloaded), "eth:0+14 ip:14+20 tcp:34+20 data:54+10", 0x0800, 14, false},
		{"total length too small", eth1, eth(0x0800, short), "eth:0+14 ip:14+20 bad", 0x0800, 14, false},
		{"header length too small", eth1, eth(0x0800, join([]byte{0x44}, zeros(19))), "eth:0+14 data:14+20 bad",
			0x0800, 0, false},
		{"cut in IP", eth1, eth(0x0800, ping())[:30], "eth:0+14 ip:14+16 cut", 0x0800, 0, false},
		{"cut in TCP", eth1, eth(0x0800, ip4(6, tcp(1, 2, 2, nil)))[:48], "eth:0+14 ip:14+20 tcp:34+14 cut",
			0x0800, 14, false},
		{"ends before TCP does", eth1, eth(0x0800, ip4(6, zeros(9))), "eth:0+14 ip:14+20 tcp:34+9 cut",
			0x0800, 14, false},
		{"datagram ends before TCP does", eth1, join(eth(0x0800, ip4(6, zeros(9))), zeros(17)),
			"eth:0+14 ip:14+20 tcp:34+9 bad", 0x0800, 14, false},
		{"first fragment", eth1, eth(0x0800, ip4Fragment(17, 0x2000, udp(1, 2, nil))), "eth:0+14 ip:14+20 udp:34+8",
			0x0800, 14, false},
		{"last fragment", eth1, eth(0x0800, ip4Fragment(17, 0x00b9, zeros(8))), "eth:0+14 ip:14+20 data:34+8 fragment",
			0x0800, 14, false},
		{"extension headers", eth1, eth(0x86dd, ah6),
			"eth:0+14 ip6:14+40 ext:54+8 ext:62+8 ext:70+8 ext:78+24 tcp:102+20", 0x86dd, 14, false},
		{"last fragment, IPv6", eth1, eth(0x86dd, last6), "eth:0+14 ip6:14+40 ext:54+8 data:62+8 fragment",
			0x86dd, 14, false},
		{"extension cut", eth1, eth(0x86dd, ip6(60, zeros(16)))[:58], "eth:0+14 ip6:14+40 ext:54+4 cut",
			0x86dd, 14, false},
		{"no next header", eth1, eth(0x86dd, ip6(59, zeros(4))), "eth:0+14 ip6:14+40", 0x86dd, 14, false},
		{"icmp6", eth1, eth(0x86dd, ip6(58, zeros(8))), "eth:0+14 ip6:14+40 icmp6:54+8", 0x86dd, 14, false},
		{"igmp", eth1, eth(0x0800, ip4(2, zeros(8))), "eth:0+14 ip:14+20 igmp:34+8", 0x0800, 14, false},
		{"sctp", eth1, eth(0x0800, ip4(132, zeros(16))), "eth:0+14 ip:14+20 sctp:34+12 data:46+4", 0x0800, 14, false},
		{"esp", eth1, eth(0x0800, ip4(50, zeros(16))), "eth:0+14 ip:14+20 esp:34+8 data:42+8", 0x0800, 14, false},
		{"ospf", eth1, eth(0x0800, ip4(89, zeros(24))), "eth:0+14 ip:14+20 ospf:34+24", 0x0800, 14, false},
		{"ospf version 3", eth1, eth(0x86dd, ip6(89, zeros(16))), "eth:0+14 ip6:14+40 ospf:54+16", 0x86dd, 14, false},
		{"ah", eth1, eth(0x0800, ip4(51, join([]byte{1, 4}, zeros(22), zeros(8)))),
			"eth:0+14 ip:14+20 ah:34+24 icmp:58+8", 0x0800, 14, false},
		{"dns", eth1, eth(0x0800, ip4(17, udp(9999, 53, dnsQuery()))), "eth:0+14 ip:14+20 udp:34+8 dns:42+12 data:54+17",
			0x0800, 14, false},
		{"mdns", eth1, eth(0x86dd, ip6(17, udp(5353, 5353, dnsQuery()))),
			"eth:0+14 ip6:14+40 udp:54+8 dns:62+12 data:74+17", 0x86dd, 14, false},
		{"dns over tcp", eth1, eth(0x0800, ip4(6, tcp(53, 9999, 0x18, join(be(29), dnsQuery())))),
			"eth:0+14 ip:14+20 tcp:34+20 dns:56+12 data:68+17", 0x0800, 14, false},
		{"udp length too small", eth1, eth(0x0800, ip4(17, join(be(1), be(53), be(3), be(0), zeros(20)))),
			"eth:0+14 ip:14+20 udp:34+8 data:42+20 bad", 0x0800, 14, false},
		{"roce", eth1, eth(0x0800, ip4(17, udp(9, 4791, zeros(16)))), "eth:0+14 ip:14+20 udp:34+8 ibbt:42+12 data:54+4",
			0x0800, 14, false},
	}
}

func tunnelCases() []parseCase {
	const eth1, lead = schema.LinkEthernet, "eth:0+14 ip:14+20 "
	over := func(proto byte, rest []byte) []byte { return eth(0x0800, ip4(proto, rest)) }
	overUDP := func(port uint16, rest []byte) []byte { return over(17, udp(40000, port, rest)) }
	inner := eth(0x0800, ping())
	wlan := join([]byte{0x01, 0x08}, zeros(22), snap(0, 0x0800, ping())) // control field the wrong way round
	teredo := join(be(1), zeros(11), be(0), zeros(6), ip6(59, nil))
	gtp := join([]byte{0x36, 255}, be(0), be32(1), []byte{0, 1, 0, 0x85}, []byte{1, 0, 0, 0}, ping())
	c := func(name string, frame []byte, want string) parseCase {
		return parseCase{name, eth1, frame, lead + want, 0x0800, 14, false}
	}
	return []parseCase{
		c("ip in ip", over(4, ping()), "ip:34+20 icmp:54+8"),
		c("6in4", over(41, ip6(59, nil)), "ip6:34+40"),
		c("gre", over(47, join(be(0), be(0x0800), ping())), "gre:34+4 ip:38+20 icmp:58+8"),
		c("gre, all fields", over(47, join(be(0xb000), be(0x0800), zeros(12), ping())), "gre:34+16 ip:50+20 icmp:70+8"),
		c("gre, source route", over(47, join(be(0x4000), be(0x0800), zeros(4), be(0x0800), []byte{0, 4}, zeros(4),
			zeros(4), ping())), "gre:34+20 ip:54+20 icmp:74+8"),
		c("nvgre", over(47, join(be(0x2000), be(0x6558), be32(7<<8), inner)), "gre:34+8 eth:42+14 ip:56+20 icmp:76+8"),
		c("gre, keepalive", over(47, join(be(0), be(0))), "gre:34+4"),
		c("gre, version 5", over(47, join(be(5), be(0))), "data:34+4 bad"),
		c("pptp", over(47, join(be(0x3081), be(0x880b), zeros(12), be(0xff03), be(0x21), ping())),
			"gre:34+16 ppp:52+2 ip:54+20 icmp:74+8"),
		c("wccp", over(47, join(be(0), be(0x883e), zeros(4), ping())), "gre:34+4 ip:42+20 icmp:62+8"),
		c("erspan I", over(47, join(be(0), be(0x88be), inner)), "gre:34+4 eth:38+14 ip:52+20 icmp:72+8"),
		c("erspan II", over(47, join(be(0x1000), be(0x88be), be32(1), []byte{0x10}, zeros(7), inner)),
			"gre:34+8 erspan:42+8 eth:50+14 ip:64+20 icmp:84+8"),
		c("erspan III", over(47, join(be(0x1000), be(0x22eb), be32(1), []byte{0x20}, zeros(11), inner)),
			"gre:34+8 erspan:42+12 eth:54+14 ip:68+20 icmp:88+8"),
		c("erspan III, platform part, IP", over(47, join(be(0x1000), be(0x22eb), be32(1), []byte{0x20}, zeros(9),
			[]byte{2 << 2, 1}, zeros(8), ping())), "gre:34+8 erspan:42+20 ip:62+20 icmp:82+8"),
		c("mpls in ip", over(137, label(3, 1, ping())), "mpls:34+4 ip:38+20 icmp:58+8"),
		c("etherip", over(97, join(be(0x3000), inner)), "eth:36+14 ip:50+20 icmp:70+8"),
		c("l2tp over ip", over(115, zeros(8)), "l2tp:34+4 data:38+4"),
		c("vxlan", overUDP(4789, join(be32(0x08000000), be32(7<<8), inner)),
			"udp:34+8 vxlan:42+8 eth:50+14 ip:64+20 icmp:84+8"),
		c("vxlan, old port", overUDP(8472, join(be32(0x08000000), be32(7<<8), inner)),
			"udp:34+8 vxlan:42+8 eth:50+14 ip:64+20 icmp:84+8"),
		c("vxlan-gpe", overUDP(4790, join(be32(0x0c000001), be32(7<<8), ping())),
			"udp:34+8 vxlan:42+8 ip:50+20 icmp:70+8"),
		c("geneve", overUDP(6081, join([]byte{1, 0}, be(0x6558), be32(7<<8), zeros(4), inner)),
			"udp:34+8 geneve:42+12 eth:54+14 ip:68+20 icmp:88+8"),
		c("gtp-u", overUDP(2152, gtp), "udp:34+8 gtpu:42+16 ip:58+20 icmp:78+8"),
		c("gtp-u, echo", overUDP(2152, join([]byte{0x32, 1}, be(4), zeros(8))), "udp:34+8 gtpu:42+12"),
		c("teredo", overUDP(3544, teredo), "udp:34+8 ip6:63+40"),
		c("l2tp", overUDP(1701, join(be(0x4002), be(0), zeros(4), be(0xff03), be(0x21), ping())),
			"udp:34+8 l2tp:42+8 ppp:52+2 ip:54+20 icmp:74+8"),
		c("l2tp, control", overUDP(1701, join(be(0xc802), zeros(10))), "udp:34+8 l2tp:42+12"),
		c("mpls over udp", overUDP(6635, label(3, 1, ping())), "udp:34+8 mpls:42+4 ip:46+20 icmp:66+8"),
		c("lisp", overUDP(4341, join(zeros(8), ping())), "udp:34+8 ip:50+20 icmp:70+8"),
		c("ayiya", overUDP(5072, join([]byte{0x41, 0x52, 0x11, 41}, zeros(4), zeros(36), ip6(59, nil))),
			"udp:34+8 ip6:86+40"),
		c("capwap", overUDP(5247, join([]byte{0, 0x10, 1, 0}, zeros(4), wlan)),
			"udp:34+8 wlan:50+24 llc:74+8 ip:82+20 icmp:102+8"),
	}
}

// TestParse holds Parse against frames of every link type and protocol.
func TestParse(t *testing.T) {
	for _, c := range slicesOf(linkCases(), etherCases(), ipCases(), tunnelCases()) {
		t.Run(c.name, func(t *testing.T) {
			h := checkHeaders(t, c.link, c.frame, uint32(len(c.frame)))
			if got := show(h); got != c.want {
				t.Errorf("found %s\nwant  %s\nframe % x", got, c.want, c.frame)
			}
			if h.EtherType != c.typ {
				t.Errorf("ethertype 0x%04x, want 0x%04x", h.EtherType, c.typ)
			}
			ip := c.ip
			if ip == 0 && !c.ipAt0 {
				ip = -1
			}
			if h.L3Off != ip {
				t.Errorf("IP at %d, want %d", h.L3Off, ip)
			}
		})
	}
}

func slicesOf(parts ...[]parseCase) (all []parseCase) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestCutFrames parses every beginning of every frame: a shorter frame never shows more, and is noted as cut or ends
// between two headers.
func TestCutFrames(t *testing.T) {
	for _, c := range slicesOf(linkCases(), etherCases(), ipCases(), tunnelCases()) {
		for n := range c.frame {
			checkHeaders(t, c.link, c.frame[:n:n], uint32(len(c.frame)))
		}
	}
}

func TestLength(t *testing.T) {
	offloaded := ip4(6, tcp(1, 2, 0x10, zeros(10)))
	copy(offloaded[2:], be(0))
	jumbo := ip6(0, zeros(60))
	copy(jumbo[4:], be(0))
	for _, c := range []struct {
		name    string
		frame   []byte
		wireLen uint32
		want    uint32
	}{
		{"as the header says", join(eth(0x0800, ping()), zeros(18)), 60, 28},
		{"IPv6", eth(0x86dd, ip6(59, nil)), 54, 40},
		{"cut frame", eth(0x0800, ip4(17, udp(1, 2, zeros(1400))))[:64], 1442, 1428},
		{"segmentation offload", eth(0x0800, offloaded), 70000, 69986},
		{"jumbogram", eth(0x86dd, jumbo), 80014, 80000},
		{"wire length not known", eth(0x0800, offloaded), 0, 50},
		{"no IP", eth(0x0806, zeros(28)), 60, 0},
	} {
		var h schema.Headers
		packet.Parse(&h, schema.LinkEthernet, c.frame, c.wireLen)
		if h.L3Len != c.want {
			t.Errorf("%s: %d bytes from the IP header on, want %d", c.name, h.L3Len, c.want)
		}
	}
}

// TestDepth nests deeper than Headers can hold.
func TestDepth(t *testing.T) {
	frame := ping()
	for range 40 {
		frame = ip4(4, frame)
	}
	if h := checkHeaders(t, schema.LinkRaw, frame, uint32(len(frame))); h.N != schema.MaxLayers {
		t.Errorf("%d layers, want %d", h.N, schema.MaxLayers)
	}
	tags := eth(0x8926, bytes.Repeat(join(be32(1), be(0x8926)), 5000)) // tags that are not listed
	if h := checkHeaders(t, schema.LinkEthernet, tags, uint32(len(tags))); h.N != 1 {
		t.Errorf("%d layers, want 1", h.N)
	}
}

func TestFromSFlow(t *testing.T) {
	want := map[uint32]schema.LinkType{1: schema.LinkEthernet, 3: schema.LinkTokenRing, 4: schema.LinkFDDI,
		7: schema.LinkPPP, 11: schema.LinkIPv4, 12: schema.LinkIPv6, 13: schema.LinkMPLS, 14: schema.LinkPPPHDLC,
		15: schema.Link80211, 17: schema.LinkEthernet}
	for n := range uint32(30) {
		link, known := want[n]
		if !known {
			link = schema.LinkUnknown
		}
		if got := packet.FromSFlow(n); got != link {
			t.Errorf("header protocol %d: link type %d, want %d", n, got, link)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var h schema.Headers
	name := make([]byte, 0, 256)
	cases := slicesOf(linkCases(), etherCases(), ipCases(), tunnelCases())
	allocs := testing.AllocsPerRun(10, func() {
		for i := range cases {
			c := &cases[i]
			packet.Parse(&h, c.link, c.frame, uint32(len(c.frame)))
			packet.Outer(&h, c.frame)
			packet.Quoted(&h, c.frame)
			packet.FirstQuestion(name, &h, c.frame)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzParse holds what must be true of any bytes: offsets inside the frame, layers in order, no panic, and readers
// that stay inside, too.
func FuzzParse(f *testing.F) {
	for _, c := range slicesOf(linkCases(), etherCases(), ipCases(), tunnelCases()) {
		f.Add(uint16(c.link), c.frame, uint32(len(c.frame)))
	}
	f.Fuzz(func(t *testing.T, link uint16, frame []byte, wireLen uint32) {
		h := checkHeaders(t, schema.LinkType(link), frame, wireLen)
		flow := packet.Outer(h, frame)
		if (flow.IPv != 0) != (h.L3Off >= 0) {
			t.Fatalf("IP version %d, header at %d", flow.IPv, h.L3Off)
		}
		packet.Quoted(h, frame)
		packet.FirstQuestion(nil, h, frame)
		for i := range h.N {
			packet.Extensions(nil, h, i, frame)
			packet.FragmentField(h, i, frame)
		}
		var s packet.Summary
		s.Add(schema.LinkType(link), frame, wireLen)
	})
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"tcp", eth(0x0800, ip4(6, tcp(1, 2, 0x10, zeros(64))))},
		{"vlan-ip6-dns", eth(0x8100, vlan(1, 0x86dd, ip6(17, udp(1, 53, dnsQuery()))))},
		{"vxlan-tcp", eth(0x0800, ip4(17, udp(1, 4789, join(be32(0x08000000), zeros(4),
			eth(0x0800, ip4(6, tcp(1, 2, 0x10, zeros(64))))))))},
	} {
		b.Run(c.name, func(b *testing.B) {
			var h schema.Headers
			b.ReportAllocs()
			for b.Loop() {
				packet.Parse(&h, schema.LinkEthernet, c.frame, uint32(len(c.frame)))
			}
		})
	}
}

func BenchmarkOuter(b *testing.B) {
	frame := eth(0x0800, ip4(6, tcp(1, 2, 0x10, zeros(64))))
	var h schema.Headers
	packet.Parse(&h, schema.LinkEthernet, frame, uint32(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		packet.Outer(&h, frame)
	}
}
