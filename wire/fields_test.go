package wire_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

// The frames of these tests are put together from the inside out: each function returns a header with rest behind it.

func bytes16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func bytes32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func ipBytes(text string) []byte { return netip.MustParseAddr(text).AsSlice() }

func ethernetFrame(t uint16, rest []byte) []byte {
	return slices.Concat([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, bytes16(t), rest)
}

func ip4Packet(proto byte, src, dst string, rest []byte) []byte {
	return slices.Concat([]byte{0x45, 0xb9}, bytes16(uint16(20+len(rest))), bytes16(4711), bytes16(0x4000),
		[]byte{63, proto, 0, 0}, ipBytes(src), ipBytes(dst), rest)
}

func ip6Packet(next byte, src, dst string, rest []byte) []byte {
	return slices.Concat([]byte{0x6b, 0x81, 0x23, 0x45}, bytes16(uint16(len(rest))), []byte{next, 62}, ipBytes(src),
		ipBytes(dst), rest)
}

func tcpSegment(src, dst uint16, flags uint16, rest []byte) []byte {
	return slices.Concat(bytes16(src), bytes16(dst), bytes32(1000), bytes32(2000), bytes16(0x5000|flags), bytes16(512),
		make([]byte, 4), rest)
}

func udpDatagram(src, dst uint16, rest []byte) []byte {
	return slices.Concat(bytes16(src), bytes16(dst), bytes16(uint16(8+len(rest))), make([]byte, 2), rest)
}

func dnsMessage(flags uint16, name string, t uint16) []byte {
	b := slices.Concat(bytes16(7), bytes16(flags), bytes16(1), make([]byte, 6))
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return slices.Concat(b, []byte{0}, bytes16(t), bytes16(1))
}

const (
	h1 = "198.51.100.1"
	h2 = "198.51.100.2"
	s1 = "2001:db8::1"
	s2 = "2001:db8::2"
)

func tcpPacket() []byte {
	return ethernetFrame(0x0800, ip4Packet(6, h1, h2, tcpSegment(40000, 443, 0x12, make([]byte, 6))))
}

// observation is one datagram or frame, given to a decoder after those that it needs to be understood.
type observation struct {
	before [][]byte
	dg     wire.Datagram
	nth    int // which of the records of the datagram
}

// see calls use with the record of the observation; it fails when there is none.
func (o *observation) see(t testing.TB, use func(r *schema.Record)) {
	t.Helper()
	d := wire.NewDecoder(wire.Config{})
	ignore := func(*schema.Reading) {}
	for _, b := range o.before {
		d.Decode(&wire.Datagram{At: o.dg.At, From: o.dg.From, Data: b}, func(*schema.Record) {}, ignore)
	}
	n := 0
	d.Decode(&o.dg, func(r *schema.Record) {
		if n == o.nth {
			use(r)
		}
		n++
	}, ignore)
	if n <= o.nth {
		t.Fatalf("the datagram gives %d records, not more than %d", n, o.nth)
	}
}

// sampled is a flow sample on interface 3 of what put writes into it.
func sampled(put func(b *sflow.Builder)) *observation {
	return built(func(b *sflow.Builder) {
		b.FlowSample(&sflow.Sample{Sequence: 1, Index: 3, Rate: 1000, In: schema.Port{Value: 3},
			Out: schema.Port{Value: schema.PortInternal}}, sflow.Expanded)
		put(b)
	})
}

func built(put func(b *sflow.Builder)) *observation {
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: schema.AddrFrom(ipBytes("192.0.2.1")), Sequence: 1, Uptime: 1})
	put(&b)
	return &observation{dg: wire.Datagram{At: 1e18, From: schema.AddrFrom(ipBytes("192.0.2.1")), Data: b.Bytes()}}
}

// header is a flow sample of a frame, of whose end 4 bytes were stripped, and more structures.
func header(frame []byte, more ...func(b *sflow.Builder)) *observation {
	return sampled(func(b *sflow.Builder) {
		b.Header(&sflow.Header{Protocol: 1, Length: uint32(len(frame) + 4), Stripped: 4, Bytes: frame})
		for _, put := range more {
			put(b)
		}
	})
}

func captured(link schema.LinkType, frame []byte) *observation {
	return &observation{dg: wire.Datagram{At: 1e18, From: schema.AddrFrom(ipBytes("192.0.2.7")), Frame: true, Link: link,
		Interface: 2, Length: uint32(len(frame)), Direction: schema.Egress, Data: frame}}
}

// told is one element of a flow record.
type told struct {
	enterprise uint32
	id, length uint16
	value      schema.Value
}

func number(id, length uint16, n uint64) told {
	return told{0, id, length, schema.Value{Type: schema.Uint, N: n}}
}

func octets(id uint16, b []byte) told {
	return told{0, id, uint16(len(b)), schema.Value{Type: schema.Text, B: b}}
}

// exported is an IPFIX record with these elements.
func exported(t testing.TB, list ...told) *observation {
	t.Helper()
	var fields []netflow.Field
	var values []schema.Value
	for _, e := range list {
		fields = append(fields, netflow.Field{Enterprise: e.enterprise, Element: e.id, Length: e.length})
		values = append(values, e.value)
	}
	tmpl, err := netflow.NewTemplate(300, false, 0, fields...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := netflow.NewBuilder(netflow.IPFIX, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.Begin(netflow.Header{Export: 1e18})
	if err := b.Template(tmpl); err != nil {
		t.Fatal(err)
	}
	b.Record(tmpl, values...)
	data, err := b.Datagram()
	if err != nil {
		t.Fatal(err)
	}
	return &observation{dg: wire.Datagram{At: 1e18, From: schema.AddrFrom(ipBytes("192.0.2.9")), Data: slices.Clone(data)}}
}

func fieldCompiler() *schema.Compiler {
	c := schema.NewCompiler(wire.Fields())
	c.Dynamic = wire.DynamicField
	return c
}

// evaluate returns what an expression gives for an observation.
func evaluate(t testing.TB, c *schema.Compiler, o *observation, expr string) (text string) {
	t.Helper()
	k, err := c.Key(expr)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Unknown) > 0 {
		t.Fatalf("no field %q", k.Unknown)
	}
	o.see(t, func(r *schema.Record) {
		var v schema.Value
		k.Eval(r, &v)
		text = v.String()
	})
	return text
}

// check compares values that are given as "name=text" separated by white space, with _ for a space in a text.
func check(t *testing.T, o *observation, want string) {
	t.Helper()
	c := fieldCompiler()
	for _, pair := range strings.Fields(want) {
		name, text, _ := strings.Cut(pair, "=")
		if got := evaluate(t, c, o, name); got != text {
			t.Errorf("%s = %s, want %s", name, got, text)
		}
	}
}

func TestFieldsOfObservation(t *testing.T) {
	check(t, header(tcpPacket()), `agent=192.0.2.1 datasource=3 inputifindex=3 outputifindex=internal direction=ingress
		samplingrate=1000 bytes=64 frames=1 requests=null stripped=4 reason=null`)
	check(t, captured(schema.LinkEthernet, tcpPacket()), `agent=192.0.2.7 datasource=2 inputifindex=0 outputifindex=2
		direction=egress samplingrate=1 bytes=60 frames=1 stripped=0`)
	for port, want := range map[schema.Port]string{
		{Format: schema.PortDropped, Value: 257}: "outputifindex=discard reason=ttl_exceeded",
		{Format: schema.PortDropped, Value: 999}: "outputifindex=discard reason=999",
		{Format: schema.PortMultiple, Value: 3}:  "outputifindex=multiple reason=null",
		{Format: 3, Value: 3}:                    "outputifindex=unknown",
		{}:                                       "outputifindex=0 direction=null",
	} {
		check(t, built(func(b *sflow.Builder) {
			b.FlowSample(&sflow.Sample{Index: 3, Class: 2, Rate: 1, Out: port}, sflow.Expanded)
			b.Header(&sflow.Header{Protocol: 1, Length: 64, Bytes: tcpPacket()})
		}), want+" datasource=2.3")
	}
}

func TestFieldsOfDiscards(t *testing.T) {
	o := built(func(b *sflow.Builder) {
		b.DiscardSample(&sflow.Sample{Index: 3, Reason: 257, In: schema.Port{Value: 3}})
		b.Header(&sflow.Header{Protocol: 1, Length: 64, Stripped: 4, Bytes: tcpPacket()})
		b.Texts(0, 1038, "ip_forward+0x12")
		b.Texts(0, 1041, "l3_drops", "ttl_value_is_too_small")
		b.Texts(0, 1042, "ip_in_hdr")
		b.Words(0, 1036, 5)
		b.Words(0, 1040, 70000)
		b.Words(0, 1039, 850)
		b.ACL(12, "block-dns", 1)
	})
	check(t, o, `reason=ttl_exceeded function=ip_forward+0x12 hwtrap=ttl_value_is_too_small hwtrapgroup=l3_drops
		linuxreason=ip_in_hdr queueindex=5 queuedepth=70000 transitdelay=850 aclnumber=12 aclname=block-dns frames=1
		bytes=64 stack=eth.ip.tcp inputifindex=3`)
	check(t, built(func(b *sflow.Builder) {
		b.DiscardSample(&sflow.Sample{Index: 3, Reason: 4242})
		b.Header(&sflow.Header{Protocol: 1, Length: 64, Bytes: tcpPacket()})
	}), "reason=4242")
}

func TestFieldsOfLinkLayer(t *testing.T) {
	check(t, header(tcpPacket()), `macsource=020000000001 macdestination=020000000002 ethernetprotocol=2048
		isbroadcast=false ismulticast=false isunicast=true vlan=null priority=null eth_offset=0 ip_offset=14
		tcp_offset=34 ip6_offset=null macsource.1=null`)
	tagged := ethernetFrame(0x88a8, slices.Concat(bytes16(0xa064), bytes16(0x8100), bytes16(0x00c8), bytes16(0x86dd),
		ip6Packet(17, s1, s2, udpDatagram(1, 2, nil))))
	check(t, header(tagged), `vlan=100 priority=5 vlan.1=200 priority.1=0 vlan.2=null ethernetprotocol=34525
		stack=eth.vlan.vlan.ip6.udp vlan_offset=14 vlan_offset.1=18`)
	labelled := ethernetFrame(0x8847, slices.Concat(bytes32(16<<12|3<<9|64), bytes32(17<<12|1<<8|63),
		ip4Packet(17, h1, h2, udpDatagram(1, 2, nil))))
	check(t, header(labelled), `mplslabel=16 mplsexp=3 mplsttl=64 mplslabel.1=17 mplsttl.1=63 mplslabel.2=null
		mplslabels=16-17 stack=eth.mpls.mpls.ip.udp ethernetprotocol=34887`)
	arp := slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1}, bytes16(0x0806), bytes16(1),
		bytes16(0x0800), []byte{6, 4}, bytes16(1), []byte{2, 0, 0, 0, 0, 1}, ipBytes(h1), make([]byte, 6), ipBytes(h2))
	check(t, header(arp), `arpoperation=1 arpipsender=198.51.100.1 arpiptarget=198.51.100.2 arpmacsender=020000000001
		arpmactarget=000000000000 isbroadcast=true ismulticast=false isunicast=false requests=1 stack=eth.arp
		ethernetprotocol=2054`)
	multicast := tcpPacket()
	multicast[0] = 3
	check(t, header(multicast), "isbroadcast=false ismulticast=true isunicast=false")
	cooked := slices.Concat([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0}, bytes16(0x0800),
		ip4Packet(17, h1, h2, udpDatagram(1, 2, nil)))
	check(t, captured(schema.LinkRaw, ip4Packet(17, h1, h2, udpDatagram(1, 2, nil))),
		"ethernetprotocol=null stack=ip.udp ip_offset=0 macsource=null")
	check(t, captured(schema.LinkSLL, cooked), `macsource=020000000009 macdestination=null isunicast=null
		stack=sll.ip.udp ethernetprotocol=2048 sll_offset=0`)
}

func TestFieldsOfSwitch(t *testing.T) {
	with := func(s sflow.Switch) *observation { return header(tcpPacket(), func(b *sflow.Builder) { b.Switch(s) }) }
	check(t, with(sflow.Switch{SrcVLAN: 10, SrcPriority: 1, DstVLAN: 20, DstPriority: 2}),
		`vlan=10 priority=1 vlansource=10 vlandestination=20 prioritysource=1 prioritydestination=2 vlan.1=null`)
	none := uint32(0xffffffff)
	check(t, with(sflow.Switch{SrcVLAN: none, SrcPriority: none, DstVLAN: 20, DstPriority: 2}),
		`vlan=20 priority=2 vlansource=null vlandestination=20 prioritysource=null prioritydestination=2`)
	check(t, with(sflow.Switch{}), "vlan=null priority=null vlansource=0")
}

func TestFieldsOfIPv4(t *testing.T) {
	check(t, header(tcpPacket()), `ipsource=198.51.100.1 ipdestination=198.51.100.2 ipprotocol=6 ipbytes=46 ipttl=63
		iptos=10111001 ipdscp=46 ipdscpname=ef(46) ipecn=01 ipflags=010 ipfragoffset=0 ipid=4711 ip6source=null
		ip6nexthdr=null ip6fragm=null`)
	fragment := ip4Packet(17, h1, h2, make([]byte, 64))
	binary.BigEndian.PutUint16(fragment[6:], 0x2000|185)
	fragment[1] = 11 << 2
	check(t, header(ethernetFrame(0x0800, fragment)), `ipflags=001 ipfragoffset=185 ipdscp=11 ipdscpname=11
		udpsourceport=null stack=eth.ip ipprotocol=17`)
	offloaded := ip4Packet(6, h1, h2, tcpSegment(1, 2, 0x10, make([]byte, 100)))
	offloaded[2], offloaded[3] = 0, 0
	check(t, header(ethernetFrame(0x0800, offloaded)), "ipbytes=140 tcpbytes=120")
}

func TestFieldsOfIPv6(t *testing.T) {
	plain := ethernetFrame(0x86dd, ip6Packet(6, s1, s2, tcpSegment(1, 443, 2, nil)))
	check(t, header(plain), `ip6source=2001:DB8::1 ip6destination=2001:DB8::2 ip6nexthdr=6 ip6bytes=20 ip6ttl=62
		ip6tos=10111000 ip6dscp=46 ip6dscpname=ef(46) ip6ecn=00 ip6flowlabel=74565 ip6extensions=null ip6fragoffset=0
		ip6fragm=false ipsource=null tcpbytes=20 ip6_offset=14 stack=eth.ip6.tcp ipprotocol=null`)
	hop := []byte{44, 0, 1, 4, 0, 0, 0, 0}
	fragment := slices.Concat([]byte{17, 0}, bytes16(100<<3|1), bytes32(7))
	cut := ethernetFrame(0x86dd, ip6Packet(0, s1, s2, slices.Concat(hop, fragment, make([]byte, 32))))
	check(t, header(cut), `ip6extensions=0-44 ip6nexthdr=17 ip6fragoffset=100 ip6fragm=true udpsourceport=null
		ip6bytes=48 stack=eth.ip6`)
}

func TestFieldsOfTransport(t *testing.T) {
	check(t, header(tcpPacket()), `tcpsourceport=40000 tcpdestinationport=443 tcpflags=000010010 tcpseqno=1000
		tcpackno=2000 tcpwindow=512 tcpbytes=26 udpsourceport=null`)
	check(t, header(ethernetFrame(0x0800, ip4Packet(6, h1, h2, tcpSegment(1, 2, 0x1c2, nil)))), "tcpflags=111000010")
	check(t, header(ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(5000, 6000, make([]byte, 10))))),
		`udpsourceport=5000 udpdestinationport=6000 udpbytes=18 tcpsourceport=null tcpflags=null stack=eth.ip.udp`)
	sctp := slices.Concat(bytes16(38412), bytes16(38413), make([]byte, 8))
	check(t, header(ethernetFrame(0x0800, ip4Packet(132, h1, h2, sctp))),
		"sctpsourceport=38412 sctpdestinationport=38413 stack=eth.ip.sctp")
}

func TestFieldsOfICMP(t *testing.T) {
	icmp := func(kind, code byte, rest []byte) *observation {
		return header(ethernetFrame(0x0800, ip4Packet(1, h2, h1, slices.Concat([]byte{kind, code, 0, 0}, rest))))
	}
	check(t, icmp(8, 0, []byte{0, 1, 0, 9}), `icmptype=8 icmpcode=0 icmpseqno=9 icmpunreachableport=null icmp6type=null
		stack=eth.ip.icmp`)
	quote := slices.Concat(make([]byte, 4), ip4Packet(17, h1, "203.0.113.9", udpDatagram(5000, 53, nil)))
	none := "icmpunreachablenet=null icmpunreachablehost=null icmpunreachableprotocol=null icmpunreachableport=null"
	for code, want := range map[byte]string{0: "icmpunreachablenet=203.0.113.9", 1: "icmpunreachablehost=203.0.113.9",
		2: "icmpunreachableprotocol=17", 3: "icmpunreachableport=53", 13: "icmpseqno=null"} {
		name, _, _ := strings.Cut(want, "=")
		check(t, icmp(3, code, quote), want+" "+strings.Replace(none, name+"=null", "", 1))
	}
	check(t, icmp(11, 0, quote), none)
	six := ethernetFrame(0x86dd, ip6Packet(58, s1, s2, []byte{135, 1, 0, 0, 0, 0, 0, 0}))
	check(t, header(six), "icmp6type=135 icmp6code=1 icmptype=null stack=eth.ip6.icmp6")
}

func TestFieldsOfDNS(t *testing.T) {
	dns := func(flags, kind uint16) *observation {
		return header(ethernetFrame(0x0800, ip4Packet(17, h1, h2,
			udpDatagram(5353+1, 53, dnsMessage(flags, "a.b.example.org.", kind)))))
	}
	check(t, dns(0x0100, 28), `dnsqname=a.b.example.org. dnsqtype=28 dnsqtypename=AAAA dnsqclass=1 dnsqr=false
		dnsrcode=null requests=1 stack=eth.ip.udp.dns dns_offset=42`)
	check(t, dns(0x8183, 1), "dnsqr=true dnsrcode=3 dnsqtypename=A")
	check(t, dns(0x0100, 65400), "dnsqtypename=TYPE65400")
	check(t, header(tcpPacket()), "dnsqname=null dnsqr=null dnsqtypename=null dnsqtype=null")
}

func TestFieldsOfRoCE(t *testing.T) {
	roce := func(opcode byte, rest []byte) *observation {
		bth := slices.Concat([]byte{opcode, 0xc1}, bytes16(0xffff), bytes32(0x1234), bytes32(1<<31|77), rest)
		return header(ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(50000, 4791, bth))))
	}
	reth := slices.Concat(make([]byte, 12), bytes32(65536))
	check(t, roce(10, reth), `ibbtopcode=10 ibbtopname=RDMA_WRITE_ONLY ibbtoptransport=RC ibbttver=1 ibbtse=true
		ibbtm=true ibbtpkey=65535 ibbtdestinationqp=4660 ibbtdestqp=4660 ibbtack=true ibbtpsn=77 ibbtrdmalen=65536
		ibbtaethack=null stack=eth.ip.udp.ibbt ibbt_offset=42`)
	check(t, roce(0x81, nil), "ibbtopcode=129 ibbtopname=CNP ibbtoptransport=CNP ibbtrdmalen=null")
	check(t, roce(17, bytes32(0x1f<<24|5)), "ibbtopname=ACKNOWLEDGE ibbtaethack=true")
	check(t, roce(17, bytes32(0x60<<24|5)), "ibbtaethack=false")
	check(t, roce(2<<5|17, slices.Concat(bytes32(0), bytes32(0x20<<24))), "ibbtoptransport=RD ibbtaethack=false")
	check(t, roce(2<<5|10, slices.Concat(make([]byte, 12), reth)), "ibbtrdmalen=65536")
	check(t, roce(5<<5|12, slices.Concat(make([]byte, 4), reth)), "ibbtoptransport=XRC ibbtrdmalen=65536")
	check(t, roce(0xff, nil), "ibbtopname=31 ibbtoptransport=7")
	check(t, sampled(func(b *sflow.Builder) {
		b.Ethernet(2, &sflow.Ethernet{Length: 100})
		b.Words(0, 1033, 7, 99, 100)
	}), "ibbtopcode=100 ibbtdestinationqp=99 ibbtpkey=7")
}

func TestFieldsOfTunnels(t *testing.T) {
	inner := ethernetFrame(0x0800, ip4Packet(6, "10.0.0.1", "10.0.0.2", tcpSegment(1, 2, 0x10, nil)))
	udp := func(port uint16, head []byte) []byte {
		return ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(50000, port, slices.Concat(head, inner))))
	}
	check(t, header(udp(4789, slices.Concat(bytes32(8<<24), bytes32(77<<8)))), `vni=77 vxlanvni=77 genevevni=null
		vxlan_offset=42 ipsource.1=10.0.0.1 tcpdestinationport=2 tcpdestinationport.1=null macsource.1=020000000001
		ethernetprotocol.1=2048 isunicast.1=true eth_offset.1=50 ipbytes.1=40 tcpbytes=20 vni.1=null`)
	check(t, header(udp(6081, slices.Concat(bytes16(0), bytes16(0x6558), bytes32(78<<8)))),
		"vni=78 genevevni=78 vxlanvni=null stack=eth.ip.udp.geneve.eth.ip.tcp")
	gre := ethernetFrame(0x0800, ip4Packet(47, h1, h2, slices.Concat(bytes16(0x2000), bytes16(0x6558), bytes32(79<<8|1),
		inner)))
	check(t, header(gre), `grevsid=79 grekey=20225 greprotocol=25944 vni=null stack=eth.ip.gre.eth.ip.tcp
		ipdestination.1=10.0.0.2`)
	outer := &sflow.IP{Length: 100, Protocol: 17, Src: ipBytes(h1), Dst: ipBytes(h2), SrcPort: 50000, DstPort: 4789}
	six := &sflow.IP{Length: 100, Protocol: 17, Src: ipBytes(s1), Dst: ipBytes(s2), SrcPort: 1, DstPort: 4790}
	check(t, header(tcpPacket(), func(b *sflow.Builder) {
		b.Words(0, 1030, 11)
		b.Words(0, 1029, 12)
		b.Words(0, 1028, 50)
		b.Words(0, 1027, 54)
		b.IP(1024, outer)
		b.IP(1025, six)
		b.Ethernet(1022, &sflow.Ethernet{Src: []byte{2, 0, 0, 0, 0, 7}, Dst: []byte{2, 0, 0, 0, 0, 8}})
	}), `vniin=11 vniout=12 decapoffsetin=50 decapoffsetout=54 tunnelipsourcein=198.51.100.1
		tunnelipdestinationin=198.51.100.2 tunnelprotocolin=17 tunnelsourceportin=50000 tunneldestinationportin=4789
		tunnelip6sourceout=2001:DB8::1 tunnelip6destinationout=2001:DB8::2 tunneldestinationportout=4790
		tunnelmacsourcein=020000000007 tunnelmacdestinationin=020000000008 tunnelipsourceout=null
		ipsource=198.51.100.1`)
}

func TestFieldsOfRouting(t *testing.T) {
	check(t, header(tcpPacket(), func(b *sflow.Builder) {
		b.Router(&sflow.Router{NextHop: ipBytes("192.0.2.254"), SrcMask: 24, DstMask: 16})
		b.Gateway(&sflow.Gateway{NextHop: ipBytes("2001:db8::fe"), AS: 65000, SrcAS: 65001, SrcPeerAS: 65002,
			LocalPref: 100}, []uint32{65010, 65011}, []uint32{65000<<16 | 1, 65000<<16 | 2})
	}), `ipnexthoprouter=192.0.2.254 ipsourcemaskbits=24 ipdestinationmaskbits=16 bgpnexthop=2001:DB8::FE bgpas=65000
		bgpsourceas=65001 bgpsourcepeeras=65002 bgpdestinationas=65011 bgpdestinationpeeras=65010
		bgpdestinationaspath=65010-65011 bgpcommunities=65000:1-65000:2 bgplocalpref=100`)
	check(t, header(tcpPacket()), "bgpas=null bgpdestinationaspath=null ipnexthoprouter=null ipsourcemaskbits=null")
	check(t, header(tcpPacket(), func(b *sflow.Builder) { b.Gateway(&sflow.Gateway{AS: 65000}, nil, nil) }),
		"bgpas=65000 bgpdestinationas=null bgpdestinationaspath=null bgpcommunities=null bgpnexthop=null")
}

func TestFieldsOfHosts(t *testing.T) {
	check(t, header(tcpPacket(), func(b *sflow.Builder) {
		b.TCPInfo(&sflow.TCPInfo{Direction: 2, SndMSS: 1448, RcvMSS: 536, Unacked: 1, Lost: 2, Retrans: 3, PathMTU: 1500,
			RTT: 900, RTTVar: 50, SndCwnd: 10, Reordering: 4, MinRTT: 700})
		b.Words(0, 2210, 2, 1, 3, 100001)
	}), `tcprtt=900 tcprttvar=50 tcprttsdev=50 tcpminrtt=700 tcprttwait=200 tcpunacked=1 tcplost=2 tcpretrans=3
		tcpcwnd=10 tcppmtu=1500 tcpsndmss=1448 tcprcvmss=536 tcpreordering=4 tcpdirection=sent entitysource=2.1
		entitydestination=3.100001`)
	check(t, header(tcpPacket()), "tcprtt=null tcprttwait=null tcpdirection=null entitysource=null")
}

func httpTransaction() *observation {
	return sampled(func(b *sflow.Builder) {
		b.HTTP(&sflow.HTTP{Method: 2, Protocol: 1001, URI: []byte("/a?b=c"), Host: []byte("www.example.org"),
			UserAgent: []byte("probe/1"), XFF: []byte(h2), MIMEType: []byte("text/html"), ReqBytes: 300, RespBytes: 700,
			Duration: 1500, Status: 404})
		b.Socket(2100, &sflow.Socket{Protocol: 6, Local: ipBytes(h1), Remote: ipBytes(h2), LocalPort: 80,
			RemotePort: 50000})
		b.Socket(2103, &sflow.Socket{Protocol: 6, Local: ipBytes(s1), Remote: ipBytes(s2), LocalPort: 50001,
			RemotePort: 8080})
	})
}

func TestFieldsOfTransactions(t *testing.T) {
	check(t, httpTransaction(), `protocol=6 serveraddress=198.51.100.1 serverport=80 clientaddress=198.51.100.2
		clientport=50000 serveraddress6=null proxyprotocol=6 proxyserveraddress6=2001:DB8::2 proxyserverport=8080
		proxyclientaddress6=2001:DB8::1 proxyclientport=50001 proxyserveraddress=null httpmethod=GET httpprotocol=1.1
		httphost=www.example.org httpuseragent=probe/1 httpxff=198.51.100.2 httpauthuser=null httpmimetype=text/html
		httpurl=/a?b=c httpreferer=null httpstatus=404 bytes=1000 req_bytes=300 resp_bytes=700 duration=1500 requests=1
		frames=null ipsource=null stack=null samplingrate=1000`)
	check(t, sampled(func(b *sflow.Builder) {
		b.Memcache(&sflow.Memcache{Protocol: 1, Command: 7, Key: []byte("user:1"), Keys: 1, ValueBytes: 512, Duration: 90,
			Status: 1})
		b.Socket(2101, &sflow.Socket{Protocol: 17, Local: ipBytes(s1), Remote: ipBytes(s2), LocalPort: 11211,
			RemotePort: 5})
	}), `memcachecommand=GET memcachekey=user:1 memcachestatus=OK memcachenkeys=1 bytes=512 req_bytes=null duration=90
		requests=1 protocol=17 serveraddress6=2001:DB8::1 clientaddress6=2001:DB8::2 serverport=11211 clientport=5`)
	check(t, sampled(func(b *sflow.Builder) {
		b.App(&sflow.App{Application: []byte("pay"), Operation: []byte("card.auth"), Attributes: []byte("a=1&b=2"),
			ReqBytes: 10, RespBytes: 20, Duration: 30, Status: 2})
		b.Texts(0, 2203, "shop", "checkout", "")
		b.Texts(0, 2204, "alice")
		b.Texts(0, 2205, "bank")
	}), `appname=pay appoperation=card.auth appattributes=a=1&b=2 appstatus=TIMEOUT bytes=30 req_bytes=10 resp_bytes=20
		duration=30 appparentname=shop appparentoperation=checkout appinitiator=alice apptarget=bank httpurl=null`)
}

func TestFieldsWithoutHeader(t *testing.T) {
	check(t, sampled(func(b *sflow.Builder) {
		b.Ethernet(2, &sflow.Ethernet{Length: 1000, Src: []byte{2, 0, 0, 0, 0, 1}, Dst: []byte{1, 0, 0x5e, 0, 0, 1},
			Type: 0x0800})
		b.IP(3, &sflow.IP{Length: 982, Protocol: 6, Src: ipBytes(h1), Dst: ipBytes(h2), SrcPort: 40000, DstPort: 443,
			TCPFlags: 0x12, TOS: 0xb8})
	}), `macsource=020000000001 macdestination=01005E000001 ismulticast=true ethernetprotocol=2048 bytes=1000
		ipsource=198.51.100.1 ipdestination=198.51.100.2 ipprotocol=6 ipbytes=982 iptos=10111000 ipdscpname=ef(46)
		tcpsourceport=40000 tcpdestinationport=443 tcpflags=000010010 stack=eth.ip.tcp ipsource.1=null stripped=null
		ipttl=null`)
	check(t, sampled(func(b *sflow.Builder) {
		b.IP(4, &sflow.IP{Length: 100, Protocol: 17, Src: ipBytes(s1), Dst: ipBytes(s2), SrcPort: 1, DstPort: 53, TOS: 1})
	}), `ip6source=2001:DB8::1 ip6destination=2001:DB8::2 ip6nexthdr=17 ip6bytes=60 ip6ecn=01 udpdestinationport=53
		tcpflags=null stack=ip6.udp ipsource=null`)
	check(t, sampled(func(b *sflow.Builder) { b.Ethernet(2, &sflow.Ethernet{Length: 64, Type: 0x0806}) }),
		"stack=eth.arp ethernetprotocol=2054")
}

func flowRecord(t testing.TB) *observation {
	return exported(t, octets(8, ipBytes(h1)), octets(12, ipBytes(h2)), number(7, 2, 40000), number(11, 2, 443),
		number(4, 1, 6), number(6, 2, 0x112), number(1, 8, 5000), number(2, 8, 10), number(34, 4, 100), number(10, 4, 3),
		number(14, 4, 4), number(61, 1, 1), octets(56, []byte{2, 0, 0, 0, 0, 1}), octets(80, []byte{2, 0, 0, 0, 0, 2}),
		number(58, 2, 100), number(59, 2, 200), number(5, 1, 0xb8), number(192, 1, 60), number(16, 4, 65001),
		number(17, 4, 65002), number(128, 4, 65003), octets(15, ipBytes("192.0.2.254")), octets(18, make([]byte, 4)),
		number(9, 1, 24), number(13, 1, 16), number(256, 2, 0x0800), number(351, 8, 1<<56|77), number(54, 4, 9),
		octets(70, []byte{0, 1, 0}), octets(71, []byte{0, 2, 1}), octets(72, []byte{0, 0, 0}),
		told{9, 12235, 4, schema.Value{Type: schema.Text, B: []byte("abc\x00")}}, told{15397, 3, 8, schema.Value{N: 123456}},
		number(244, 1, 3), number(152, 8, 999_999_999_000), number(153, 8, 1_000_000_000_000))
}

func TestFieldsOfFlowRecords(t *testing.T) {
	check(t, flowRecord(t), `agent=192.0.2.9 datasource=4 direction=egress samplingrate=100 bytes=5000 frames=10
		inputifindex=3 outputifindex=4 ipsource=198.51.100.1 ipdestination=198.51.100.2 ipsource.1=null ipprotocol=6
		tcpsourceport=40000 tcpdestinationport=443 tcpflags=100010010 udpsourceport=null ipbytes=5000 ipttl=60
		iptos=10111000 ipdscp=46 ipid=9 macsource=020000000001 macdestination=020000000002 isunicast=true vlan=200
		vlansource=100 vlandestination=200 priority=3 bgpsourceas=65001 bgpdestinationas=65002 bgpdestinationpeeras=65003
		ipnexthoprouter=192.0.2.254 bgpnexthop=null ipsourcemaskbits=24 ipdestinationmaskbits=16 ethernetprotocol=2048
		vni=77 vxlanvni=77 grevsid=null mplslabel=16 mplslabel.1=32 mplslabel.2=null mplslabels=16-32 mplsttl=null
		stack=ip.tcp ip6source=null requests=null reason=null eth_offset=null`)
	check(t, flowRecord(t), `ie16=65001 ie56=020000000001 ie8=198.51.100.1 ie15397_3=123456 ie70=16/0/0
		ie152=2001-09-09T01:46:39Z ie9_12235=1633837824 ie1=5000 ie999=null`)
	check(t, exported(t, octets(27, ipBytes(s1)), octets(28, ipBytes(s2)), number(4, 1, 58), number(139, 2, 135<<8),
		number(1, 4, 144), number(2, 4, 2), number(31, 4, 77), number(89, 1, 0x80)),
		`ip6source=2001:DB8::1 ip6destination=2001:DB8::2 ip6nexthdr=58 icmp6type=135 icmp6code=0 icmptype=null ip6bytes=64
		ip6flowlabel=77 stack=ip6.icmp6 outputifindex=discard reason=unknown`)
	check(t, exported(t, octets(8, ipBytes(h1)), octets(12, ipBytes(h2)), number(4, 1, 1), number(32, 2, 8<<8),
		number(1, 4, 84), number(2, 4, 1)), "icmptype=8 icmpcode=0 tcpflags=null stack=ip.icmp")
}

// TestFieldsOfReverseDirection looks at the second record that a bidirectional one gives.
func TestFieldsOfReverseDirection(t *testing.T) {
	reverse := func(id, length uint16, n uint64) told {
		return told{netflow.ReverseEnterprise, id, length, schema.Value{Type: schema.Uint, N: n}}
	}
	o := exported(t, octets(8, ipBytes(h1)), octets(12, ipBytes(h2)), number(7, 2, 40000), number(11, 2, 443),
		number(4, 1, 6), number(6, 1, 2), number(1, 4, 500), number(2, 4, 5), reverse(1, 4, 900), reverse(2, 4, 9),
		reverse(6, 1, 0x12), octets(56, []byte{2, 0, 0, 0, 0, 1}), octets(80, []byte{2, 0, 0, 0, 0, 2}),
		number(16, 4, 65001), number(17, 4, 65002), number(5, 1, 0xb8), reverse(5, 1, 0x28), number(192, 1, 60),
		octets(15, ipBytes("192.0.2.254")))
	check(t, o, `ipsource=198.51.100.1 bytes=500 macsource=020000000001 bgpsourceas=65001 ipdscp=46 ipttl=60
		tcpflags=000000010 ipnexthoprouter=192.0.2.254`)
	o.nth = 1
	check(t, o, `ipsource=198.51.100.2 bytes=900 tcpsourceport=443 macsource=020000000002 macdestination=020000000001
		bgpsourceas=65002 bgpdestinationas=65001 ipdscp=10 ipttl=null tcpflags=000010010 ipnexthoprouter=null`)
}

// TestFieldsOfSections looks at a record that holds the beginning of a frame, and elements beside it.
func TestFieldsOfSections(t *testing.T) {
	check(t, exported(t, octets(315, tcpPacket()), number(312, 2, 1500), number(58, 2, 100), number(10, 4, 3)),
		"stack=eth.ip.tcp ipsource=198.51.100.1 bytes=1500 frames=1 vlan=100 tcpflags=000010010 ipttl=63 vlan.1=null")
}

func TestDynamicFieldNames(t *testing.T) {
	for _, name := range []string{"", "ie", "ie0", "ie01", "ie+1", "ie65536", "ie1_", "ie_1", "ie0_1", "ie1_0", "ie1_2_3",
		"ie4294967296_1", "ei1", "ie-1", "ie1x", "IE1"} {
		if f, ok := wire.DynamicField(name); ok {
			t.Errorf("%q is a field: %+v", name, f)
		}
	}
	for name, want := range map[string]schema.Type{"ie1": schema.Uint, "ie8": schema.IPv4, "ie27": schema.IPv6,
		"ie56": schema.MAC, "ie82": schema.Text, "ie152": schema.Text, "ie95": schema.Text, "ie276": schema.Bool,
		"ie320": schema.Float, "ie4294967295_7": schema.Null, "ie29305_1": schema.Uint} {
		f, ok := wire.DynamicField(name)
		if !ok || f.Type != want || f.Nested || f.Doc == "" || f.Name != name {
			t.Errorf("%s: %v %+v, want type %v", name, ok, f, want)
		}
	}
}

func TestDynamicFieldValues(t *testing.T) {
	o := exported(t, number(276, 1, 2), told{0, 320, 8, floating(1.5)}, told{0, 321, 4, floating(2.5)},
		octets(95, []byte{13, 0, 1}), octets(82, []byte("eth0\x00\x00")), octets(96, []byte{0, 0}),
		told{4242, 1, 12, schema.Value{Type: schema.Text, B: []byte("0123456789ab")}},
		told{4242, 2, 3, schema.Value{Type: schema.Uint, N: 7}}, number(434, 2, 0xfffe), octets(56, []byte{1, 2, 3}),
		octets(8, []byte{1, 2, 3, 4, 5}), number(1, 4, 60), number(2, 4, 1))
	check(t, o, `ie276=false ie320=1.5 ie321=2.5 ie95=13:1 ie82=eth0 ie96=null ie4242_1=303132333435363738396162 ie4242_2=7
		ie434=-2 ie56=null ie8=null`)
}

func floating(f float64) (v schema.Value) {
	v.SetFloat(f)
	return v
}

// TestFieldTable checks what every field must have, and that what it reads has the type that it says.
func TestFieldTable(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range wire.FieldGroups() {
		if g.Name == "" || g.Doc == "" || len(g.Fields) == 0 {
			t.Errorf("group %q has no name, text or fields", g.Name)
		}
		for _, f := range g.Fields {
			if seen[f.Name] {
				t.Errorf("%s is there twice", f.Name)
			}
			seen[f.Name] = true
			if f.Doc == "" || f.Read == nil || strings.HasSuffix(f.Doc, ".") || strings.ContainsAny(f.Doc, "|\n") {
				t.Errorf("%s: %q is no line of documentation", f.Name, f.Doc)
			}
		}
	}
	for _, name := range strings.Fields(specNames) {
		if !seen[name] {
			t.Errorf("the specification knows %s", name)
		}
	}
	read := map[string]bool{}
	for name, o := range allKinds(t) {
		o.see(t, func(r *schema.Record) {
			for _, f := range wire.Fields() {
				var v schema.Value
				if f.Read(r, 0, &v); v.IsNull() {
					continue
				}
				read[f.Name] = true
				if v.Type != f.Type && (f.Type != schema.Null || v.Type != schema.IPv4 && v.Type != schema.IPv6) {
					t.Errorf("%s: %s is a %v, not a %v", name, f.Name, v.Type, f.Type)
				}
			}
		})
	}
	t.Logf("%d fields, %d of them read from the records of every kind", len(seen), len(read))
}

// specNames are the attributes of the specification, section 2, but for the two that enrich knows.
const specNames = `agent datasource inputifindex outputifindex direction samplingrate bytes frames stripped reason
	function hwtrap hwtrapgroup linuxreason queueindex queuedepth transitdelay macsource macdestination ethernetprotocol
	isbroadcast ismulticast isunicast vlan priority vlansource vlandestination prioritysource prioritydestination stack
	eth_offset ip_offset ip6_offset ibbt_offset tcp_offset udp_offset icmp_offset icmp6_offset arp_offset vlan_offset
	mpls_offset gre_offset vxlan_offset geneve_offset dns_offset arpoperation arpipsender arpiptarget arpmacsender
	arpmactarget mplslabel mplsexp mplsttl mplslabels ipsource ipdestination ipprotocol ipbytes ipttl iptos ipdscp
	ipdscpname ipecn ipflags ipfragoffset ipid ip6source ip6destination ip6nexthdr ip6bytes ip6ttl ip6tos ip6dscp
	ip6dscpname ip6ecn ip6flowlabel ip6extensions ip6fragoffset ip6fragm ipsourcemaskbits ipdestinationmaskbits
	ipnexthoprouter tcpsourceport tcpdestinationport udpsourceport udpdestinationport tcpflags tcpseqno tcpackno
	tcpwindow udpbytes tcpbytes icmptype icmpcode icmpseqno icmp6type icmp6code icmpunreachablenet icmpunreachablehost
	icmpunreachableprotocol icmpunreachableport dnsqname dnsqtype dnsqtypename dnsqclass dnsqr dnsrcode requests
	ibbtopcode ibbtopname ibbtoptransport ibbttver ibbtse ibbtm ibbtdestinationqp ibbtdestqp ibbtack ibbtrdmalen
	ibbtaethack vni vxlanvni genevevni grevsid greprotocol vniin vniout bgpnexthop bgpas bgpsourceas bgpsourcepeeras
	bgpdestinationas bgpdestinationpeeras bgpdestinationaspath bgpcommunities bgplocalpref tcprtt tcprttvar tcpminrtt
	tcpunacked tcplost tcpretrans tcpcwnd tcppmtu tcpsndmss tcprcvmss tcpreordering tcpdirection tcprttwait tcprttsdev
	entitysource entitydestination protocol serveraddress serveraddress6 serverport clientaddress clientaddress6
	clientport proxyprotocol proxyserveraddress proxyserveraddress6 proxyserverport proxyclientaddress
	proxyclientaddress6 proxyclientport httpmethod httpprotocol httphost httpuseragent httpxff httpauthuser
	httpmimetype httpurl httpreferer httpstatus req_bytes resp_bytes duration memcachecommand memcachekey
	memcachestatus memcachenkeys appname appoperation appattributes appstatus`

// allKinds are observations of every kind, with as many headers and structures as fit.
func allKinds(t testing.TB) map[string]*observation {
	inner := ethernetFrame(0x86dd, ip6Packet(0, s1, s2, slices.Concat([]byte{17, 0, 1, 4, 0, 0, 0, 0},
		udpDatagram(5000, 53, dnsMessage(0x8180, "www.example.org.", 28)))))
	vxlan := ethernetFrame(0x8100, slices.Concat(bytes16(0x6064), bytes16(0x0800), ip4Packet(17, h1, h2,
		udpDatagram(50000, 4789, slices.Concat(bytes32(8<<24), bytes32(77<<8), inner)))))
	everything := func(b *sflow.Builder) {
		b.Switch(sflow.Switch{SrcVLAN: 10, SrcPriority: 1, DstVLAN: 20, DstPriority: 2})
		b.Router(&sflow.Router{NextHop: ipBytes(h1), SrcMask: 24, DstMask: 16})
		b.Gateway(&sflow.Gateway{NextHop: ipBytes(s1), AS: 1, SrcAS: 2, SrcPeerAS: 3, LocalPref: 4}, []uint32{5, 6, 7},
			[]uint32{1<<16 | 2})
		b.TCPInfo(&sflow.TCPInfo{Direction: 1, RTT: 10, MinRTT: 5})
		b.Words(0, 2210, 2, 1, 3, 4)
		b.Words(0, 1030, 11)
		b.Words(0, 1029, 12)
		b.Words(0, 1036, 1)
		b.Words(0, 1040, 2)
		b.Words(0, 1039, 3)
		b.Words(0, 1028, 4)
		b.Words(0, 1006, 0, 2, 16<<12, 17<<12|1<<8, 0)
		b.ACL(1, "acl", 1)
		b.Texts(0, 1038, "f")
		b.Texts(0, 1041, "g", "t")
		b.Texts(0, 1042, "r")
		b.IP(1023, &sflow.IP{Src: ipBytes(h1), Dst: ipBytes(h2)})
		b.IP(1026, &sflow.IP{Src: ipBytes(s1), Dst: ipBytes(s2)})
		b.Ethernet(1021, &sflow.Ethernet{})
	}
	unreachable := ethernetFrame(0x0800, ip4Packet(1, h2, h1, slices.Concat([]byte{3, 1, 0, 0, 0, 0, 0, 0},
		ip4Packet(17, h1, "203.0.113.9", udpDatagram(5000, 53, nil)))))
	roce := ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(50000, 4791, slices.Concat([]byte{10, 0},
		make([]byte, 22), bytes32(9)))))
	return map[string]*observation{
		"tcp": header(tcpPacket(), everything), "vxlan": header(vxlan, everything),
		"frame": captured(schema.LinkEthernet, vxlan), "unreachable": header(unreachable),
		"roce": captured(schema.LinkEthernet, roce), "flow record": flowRecord(t), "http": httpTransaction(),
		"discard": built(func(b *sflow.Builder) {
			b.DiscardSample(&sflow.Sample{Index: 3, Reason: 258})
			b.Header(&sflow.Header{Protocol: 1, Length: 64, Bytes: tcpPacket()})
			everything(b)
		}),
		"memcache": sampled(func(b *sflow.Builder) { b.Memcache(&sflow.Memcache{Command: 7, Key: []byte("k"), Status: 1}) }),
		"app": sampled(func(b *sflow.Builder) {
			b.App(&sflow.App{Application: []byte("a"), Operation: []byte("o"), Attributes: []byte("k=v")})
		}),
		"no header": sampled(func(b *sflow.Builder) {
			b.Ethernet(2, &sflow.Ethernet{Length: 100, Type: 0x0800})
			b.IP(3, &sflow.IP{Length: 82, Protocol: 6, Src: ipBytes(h1), Dst: ipBytes(h2), TCPFlags: 2})
			everything(b)
		}),
	}
}

// TestFieldsDoNotAllocate reads every field of records of every kind.
func TestFieldsDoNotAllocate(t *testing.T) {
	fields := wire.Fields()
	for id := range 500 {
		if f, ok := wire.DynamicField(fmt.Sprintf("ie%d", id)); ok {
			fields = append(fields, f)
		}
	}
	for _, name := range []string{"ie15397_3", "ie9_12235"} {
		f, _ := wire.DynamicField(name)
		fields = append(fields, f)
	}
	for name, o := range allKinds(t) {
		o.see(t, func(r *schema.Record) {
			for _, f := range fields {
				var v schema.Value
				for nth := range 2 {
					f.Read(r, nth, &v) // renders into scratch that must grow
					n := testing.AllocsPerRun(10, func() {
						v.SetNull()
						f.Read(r, nth, &v)
					})
					if n != 0 {
						t.Errorf("%s: %s occurrence %d allocates %v times", name, f.Name, nth, n)
					}
				}
			}
		})
	}
}

// TestFieldsOfTwoCallsAreApart checks that two lanes do not render into the same scratch.
func TestFieldsOfTwoCallsAreApart(t *testing.T) {
	stack := func() schema.Field {
		fields := wire.Fields()
		return fields[slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == "stack" })]
	}
	a, b := stack(), stack()
	var va, vb schema.Value
	header(tcpPacket()).see(t, func(r *schema.Record) { a.Read(r, 0, &va) })
	flowRecord(t).see(t, func(r *schema.Record) { b.Read(r, 0, &vb) })
	if va.String() != "eth.ip.tcp" || vb.String() != "ip.tcp" {
		t.Errorf("%s and %s", va, vb)
	}
}

// FuzzFields reads every field of whatever a decoder makes of a sampled header and a structure, or of a flow record.
func FuzzFields(f *testing.F) {
	f.Add(byte(0), tcpPacket(), uint32(1003), []byte{0, 0, 0, 1, 1, 2, 3, 4})
	f.Add(byte(1), ip6Packet(0, s1, s2, []byte{44, 0, 1, 4, 0, 0, 0, 0}), uint32(2206), make([]byte, 64))
	f.Add(byte(2), ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(1, 4791, []byte{10}))), uint32(1006),
		make([]byte, 20))
	f.Add(byte(3), []byte{4, 1, 6, 2, 56, 6, 70, 3, 75, 3, 8, 4, 12, 4}, uint32(0), make([]byte, 40))
	fields := wire.Fields()
	for _, name := range []string{"ie1", "ie56", "ie70", "ie82", "ie95", "ie152", "ie154", "ie276", "ie320", "ie7777_1"} {
		field, _ := wire.DynamicField(name)
		fields = append(fields, field)
	}
	var v schema.Value
	var text []byte
	readAll := func(r *schema.Record) {
		for i := range fields {
			for nth := range 3 {
				v.SetNull()
				fields[i].Read(r, nth, &v)
				text = v.AppendText(text[:0])
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, frame []byte, format uint32, body []byte) {
		switch kind % 4 {
		case 0:
			use(header(frame, func(b *sflow.Builder) { b.Record(0, format, body) }), readAll)
		case 1:
			use(captured(schema.LinkRaw, frame), readAll)
		case 2:
			use(sampled(func(b *sflow.Builder) {
				b.Record(0, format, body)
				b.Record(0, 2201, frame)
			}), readAll)
		case 3:
			var list []told
			for i := 0; i+2 <= len(frame) && i < 64; i += 2 {
				list = append(list, told{0, uint16(frame[i]), uint16(frame[i+1]%17) + 1,
					schema.Value{Type: schema.Text, B: body[min(i, len(body)):]}})
			}
			if len(list) > 0 {
				use(exported(t, list...), readAll)
			}
		}
	})
}

// use is see for datagrams that need not hold a record.
func use(o *observation, read func(r *schema.Record)) {
	wire.NewDecoder(wire.Config{}).Decode(&o.dg, read, func(*schema.Reading) {})
}

// BenchmarkFields reads what a usual definition asks for.
func BenchmarkFields(b *testing.B) {
	k, err := fieldCompiler().Keys("ipsource,ipdestination,ipprotocol,or:tcpsourceport:udpsourceport,stack")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"tcp", "flow record"} {
		o := allKinds(b)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			o.see(b, func(r *schema.Record) {
				var key []byte
				for range b.N {
					key, _ = k.Append(key[:0], r)
				}
			})
		})
	}
}
