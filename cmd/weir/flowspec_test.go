package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"weir/schema"
	"weir/wire/sflow"
)

// The tests of this file ask the whole program over UDP and REST what spec sflow-rt sections 1 to 4 and the acceptance
// checks B, C, E and H promise. Their numbers are those of the checks.

// request sends a request to the REST interface.
func (s *served) request(method, path, body string) (status int, answer string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.find(`url=(http://\S+)/ `)+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return got.StatusCode, string(b)
}

// put puts something that must be accepted.
func (s *served) put(path, body string) {
	s.t.Helper()
	if status, answer := s.request(http.MethodPut, path, body); status != http.StatusNoContent || answer != "" {
		s.t.Fatalf("PUT %s %s: %d %s", path, body, status, answer)
	}
}

// active is what is asked of an element of /activeflows.
type active struct {
	Agent, DataSource, Key string
	FlowN                  int
	Value, Error           float64
	Exact                  bool
	Values                 []float64
}

// sample tells of one sampled packet or transaction: an interface and a sampling rate, and what follows.
type sample struct {
	index, rate, length uint32
	in, out             schema.Port
	class               uint8
	frame               []byte
	reason              uint32 // of a discard
	more                func(b *sflow.Builder)
}

// agents makes datagrams, one sample each, and counts their sequence numbers.
type agents map[schema.Addr]uint32

func (a agents) datagram(agent schema.Addr, s sample) []byte {
	a[agent]++
	n := a[agent]
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: agent, Sequence: n, Uptime: n * 100})
	head := sflow.Sample{Sequence: n, Class: s.class, Index: s.index, Rate: max(s.rate, 1),
		Pool: n * max(s.rate, 1),
		In:   s.in, Out: s.out, Reason: s.reason}
	if s.reason != 0 {
		b.DiscardSample(&head)
	} else {
		b.FlowSample(&head, sflow.Expanded)
	}
	if s.frame != nil {
		length := s.length
		if length == 0 {
			length = uint32(max(len(s.frame)+4, 64))
		}
		b.Header(&sflow.Header{Protocol: 1, Length: length, Stripped: 4, Bytes: s.frame[:min(len(s.frame), 128)]})
	}
	if s.more != nil {
		s.more(&b)
	}
	return b.Bytes()
}

func port(n uint32) schema.Port { return schema.Port{Value: n} }

// received waits until the server has counted n datagrams, and one tick more.
func (s *served) received(n int) {
	s.t.Helper()
	var status struct {
		Books struct{ Difference, Received int }
	}
	until(s.t, fmt.Sprintf("%d datagrams were counted", n), func() bool {
		s.ask("/api/v1/status", &status)
		return status.Books.Received >= n
	})
	if status.Books.Difference != 0 {
		s.t.Errorf("books %+v", status.Books)
	}
}

// settle waits until what was put is in force: two ticks.
func (s *served) settle() {
	s.t.Helper()
	var status struct{ Tick uint64 }
	s.ask("/api/v1/status", &status)
	before := status.Tick
	until(s.t, "a tick has passed", func() bool {
		s.ask("/api/v1/status", &status)
		return status.Tick >= before+2
	})
}

var macs = []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}

func etherFrame(kind uint16, rest ...[]byte) []byte {
	return slices.Concat(append([][]byte{macs, be16(kind)}, rest...)...)
}

func be16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func ipPacket(proto byte, src, dst string, rest []byte) []byte {
	a, b := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	if a.Is6() {
		return slices.Concat([]byte{0x60, 0, 0, 0}, be16(uint16(len(rest))), []byte{proto, 64}, a.AsSlice(),
			b.AsSlice(), rest)
	}
	return slices.Concat([]byte{0x45, 0}, be16(uint16(20+len(rest))), []byte{0, 0, 0, 0, 64, proto, 0, 0},
		a.AsSlice(),
		b.AsSlice(), rest)
}

func tcpHeader(sp, dp uint16, flags byte) []byte {
	return slices.Concat(be16(sp), be16(dp), make([]byte, 8), []byte{0x50, flags, 0xff, 0xff, 0, 0, 0, 0})
}

func udpHeader(sp, dp uint16, payload []byte) []byte {
	return slices.Concat(be16(sp), be16(dp), be16(uint16(8+len(payload))), []byte{0, 0}, payload)
}

const (
	hostA, hostB, victim = "198.51.100.1", "198.51.100.2", "203.0.113.9"
	sixA, sixB           = "2001:db8::a", "2001:db8::b"
)

func dnsQuery(name string, kind uint16) []byte {
	b := []byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return slices.Concat(b, []byte{0}, be16(kind), be16(1))
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// keyCase is a packet and what key lists make of it.
type keyCase struct {
	what   string
	sample sample
	keys   [][2]string // key list, key; "" where the packet does not count
	passes []string    // filters that pass it
	stops  []string    // filters that stop it
	values [][2]string // value, what one observation gives with modifier last:
}

func keyCases() []keyCase {
	in := sample{index: 3, in: port(3), out: port(4), rate: 10}
	with := func(frame []byte, more ...func(b *sflow.Builder)) sample {
		s := in
		s.frame = frame
		s.more = func(b *sflow.Builder) {
			for _, f := range more {
				f(b)
			}
		}
		return s
	}
	tcp := etherFrame(0x0800, ipPacket(6, hostA, hostB, tcpHeader(1, 2, 0x02)))
	synack := etherFrame(0x0800, ipPacket(6, hostA, hostB, tcpHeader(1, 2, 0x12)))
	six := etherFrame(0x86dd, ipPacket(6, sixA, sixB, tcpHeader(5, 443, 0x10)))
	udp := etherFrame(0x0800, ipPacket(17, hostA, hostB, udpHeader(7, 53, dnsQuery("a.b.example.org.", 28))))
	icmp := etherFrame(0x0800, ipPacket(1, hostA, hostB, []byte{3, 3, 0, 0, 0, 0, 0, 0}),
		ipPacket(17, hostB, hostA, udpHeader(1000, 161, nil)))
	arp := slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1}, be16(0x0806), be16(1),
		be16(0x0800),
		[]byte{6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 198, 51, 100, 1, 0, 0, 0, 0, 0, 0, 198, 51, 100, 2}, make([]byte, 18))
	vlan := slices.Concat(macs, be16(0x8100), be16(0xa00a), be16(0x0800), ipPacket(6, hostA, "8.8.8.8",
		tcpHeader(1, 2, 2)))
	vx := etherFrame(0x0800, ipPacket(17, hostA, hostB, udpHeader(50000, 4789, slices.Concat(be32(8<<24),
		be32(77<<8),
		etherFrame(0x0800, ipPacket(6, "10.0.0.1", "10.0.0.2", tcpHeader(11, 22, 2)))))))
	roce := etherFrame(0x0800, ipPacket(17, hostA, hostB, udpHeader(49152, 4791, slices.Concat([]byte{10, 0x40,
		0xff, 0xff},
		be32(17), be32(1<<31|5), make([]byte, 12), be32(4096), make([]byte, 4)))))
	big := with(etherFrame(0x0800, ipPacket(6, hostA, hostB, append(tcpHeader(1, 2, 0x10), make([]byte, 1460)...))))
	big.length = 1518
	egress := with(udp)
	egress.in, egress.out = port(4), port(3)
	to := func(kind schema.PortFormat, v uint32) sample {
		s := with(tcp)
		s.in, s.out = port(0), schema.Port{Format: kind, Value: v}
		return s
	}
	internal := with(tcp)
	internal.in, internal.out = port(schema.PortInternal), port(3)
	socket := sflow.Socket{Protocol: 6, Local: []byte{10, 0, 0, 80}, Remote: []byte{10, 9, 9, 9}, LocalPort: 80,
		RemotePort: 5000}
	http := sample{class: 3, index: 80, rate: 10, more: func(b *sflow.Builder) {
		b.HTTP(&sflow.HTTP{Method: 2, Protocol: 1001, URI: []byte("/metrics/json/x?q=1"),
			Host:    []byte("www.example.org"),
			Referer: []byte("http://ref.example/"), UserAgent: []byte("curl"), XFF: []byte("10.1.1.1"),
			AuthUser: []byte("joe"),
			MIMEType: []byte("image/png"), ReqBytes: 100, RespBytes: 900, Duration: 1500, Status: 404})
		b.Socket(2100, &socket)
		b.Socket(2102, &sflow.Socket{Protocol: 6, Local: []byte{10, 0, 0, 81}, Remote: []byte{10, 0, 0, 82},
			LocalPort:  6000,
			RemotePort: 8080})
	}}
	six2101 := sample{class: 3, index: 81, rate: 10, more: func(b *sflow.Builder) {
		b.App(&sflow.App{Application: []byte("pay"), Operation: []byte("card.debit"), Attributes: []byte("a=b"),
			ReqBytes: 5, RespBytes: 7, Duration: 99, Status: 3})
		b.Socket(2101, &sflow.Socket{Protocol: 6, Local: netip.MustParseAddr(sixA).AsSlice(),
			Remote: netip.MustParseAddr(sixB).AsSlice(), LocalPort: 80, RemotePort: 5000})
	}}
	memcache := sample{class: 3, index: 82, rate: 10, more: func(b *sflow.Builder) {
		b.Memcache(&sflow.Memcache{Protocol: 1, Command: 8, Key: []byte("k1"), Keys: 1, ValueBytes: 50,
			Duration: 3, Status: 1})
	}}
	bins := "range:bytes:0:63,range:bytes:64:64,range:bytes:65:127,range:bytes:128:255,range:bytes:256:511," +
		"range:bytes:512:1023,range:bytes:1024:1517,range:bytes:1518:1518,range:bytes:1519"
	return []keyCase{
		{what: "tcp", sample: with(tcp), keys: [][2]string{
			{"ipsource,ipdestination", hostA + "," + hostB}, {"ip6source", ""}, {"null:vlan:none,ipsource",
				"none," + hostA},
			{"null:vlan", "null"}, {"null:vlan:", ""}, {"or:tcpsourceport:udpsourceport", "1"},
			{"if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", hostA}, {"prefix:stack:.:2", "eth.ip"}, {bins,
				"false,true,false,false,false,false,false,false,false"},
			{"mask:ipsource:24", "198.51.100.0/24"}, {"eq:ipsource:ipdestination", "false"},
			{`concat:\::ipsource:ipprotocol`, hostA + ":6"}, {"group:ipsource:g", "lab"}, {"map:macsource:m",
				"alpha"},
			{"map:ipprotocol:proto", "tcp"}, {"group:ipsource:nosuch:g", "lab"}, {"group:ipsource:nosuch", ""},
			{"inputifindex,outputifindex,direction,samplingrate,bytes,frames,stripped", "3,4,ingress,10,64,1,4"},
			{"macsource,macdestination,ethernetprotocol,isunicast", "020000000001,020000000002,2048,true"},
			{"datasource", "3"}, {"tcpflags", "000000010"}, {"ip_offset,eth_offset", "14,0"}, {"dns:ipsource",
				hostA},
			{"null:[dns:ipsource]:", hostA}, {"country:ipsource", ""}, {"null:[country:ipsource]", "null"},
			{"asn:ipsource", ""},
			{"null:[asn:ipsource:both]:unknown", "unknown"}, {"oui:macsource", "020000"}, {"oui:macsource:name",
				"020000"},
			{"node:inputifindex", ""}, {"ifname:inputifindex", "3"}, {"link:inputifindex", ""}, {"len:stack", "10"},
			{"nosuch", ""}, {"ipsourcemaskbits", ""}, {"sourcegroup", "external"},
			{"ipecn,iptos,ipdscp,ipdscpname", "00,00000000,0,be(0)"},
			{"ipttl,ipflags,ipfragoffset", "64,000,0"},
		}, passes: []string{"ipprotocol=6,17", "tcpflags~.......1.",
			"'ipsource'='198.51.100.1'&'stack'='eth.ip.tcp'",
			"vlan=null", "map:macdestination:m=null", "group:ipdestination:g!=ext,multicast",
			"ipsource=198.51.100.1 & ( stack~.*tcp )",
			"link:inputifindex=null", "'ipprotocol'='6'", "ibbt_offset=null", "", "null",
			"group:ipdestination:nosuch!=x",
			"group:ipdestination:g=lab", "macsource=02:00:00:00:00:01",
			"range:ipbytes:0:99=true&stack~.*\\.tcp", "ipecn=00"},
			stops: []string{"ipprotocol!=6,17", "tcpflags~....1..1.", "vlan!=null", "ibbt_offset!=null",
				"group:ipdestination:g!=lab,multicast", "isbroadcast=true"},
			values: [][2]string{{"bytes", "64"}, {"ipbytes", "40"}, {"frames", "1"}, {"ipttl", "64"}}},
		{what: "syn ack", sample: with(synack), passes: []string{"tcpflags~.......1.", "tcpflags~....1..1."}},
		{what: "ipv6", sample: with(six), keys: [][2]string{{"if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source",
			"2001:DB8::A"},
			{"ipsource", ""}, {"ip6nexthdr,ip6bytes,ip6fragm,ip6tos", "6,20,false,00000000"},
			{"group:ip6source:g", "six"},
			{"mask:ip6source:32", "2001:DB8::/32"}, {"or:ipsource:ip6source", "2001:DB8::A"}}, passes: []string{
			"ip6source=2001:db8:0:0::a", "ip6fragm=no", "stack=eth.ip6.tcp"}, stops: []string{"ip6fragm=yes"}},
		{what: "dns", sample: with(udp), keys: [][2]string{{"dnsqname", "a.b.example.org."},
			{"suffix:dnsqname:.:2", "org."},
			{"dnsqtypename,dnsqr,dnsqtype,dnsqclass", "AAAA,false,28,1"}, {"or:tcpsourceport:udpsourceport", "7"},
			{"stack", "eth.ip.udp.dns"}, {"dnsrcode", ""}}, passes: []string{"'suffix:dnsqname:.:2'='org.'",
			"requests=1",
			"direction=ingress&(udpsourceport=53|udpdestinationport=53)"}, stops: []string{"tcpflags~.......1.",
			"tcpflags~....1..1."},
			values: [][2]string{{"requests", "1"}}},
		{what: "egress", sample: egress, keys: [][2]string{{"direction", "egress"}},
			passes: []string{"direction=ingress&udpsourceport=53|udpdestinationport=53"},
			stops:  []string{"direction=ingress&(udpsourceport=53|udpdestinationport=53)"}},
		{what: "icmp", sample: with(icmp), keys: [][2]string{{"icmptype,icmpcode,icmpunreachableport", "3,3,161"}},
			passes: []string{"ipprotocol!=6,17"}, stops: []string{"ipprotocol=6,17"}},
		{what: "arp", sample: with(arp), keys: [][2]string{{"arpoperation,arpipsender,arpiptarget",
			"1,198.51.100.1,198.51.100.2"},
			{"arpmacsender,arpmactarget,stack", "020000000001,000000000000,eth.arp"}},
			passes: []string{"macdestination=FFFFFFFFFFFF", "isbroadcast=true"},
			values: [][2]string{{"requests", "1"}}},
		{what: "vlan", sample: with(vlan), keys: [][2]string{{"vlan,priority,stack", "10,5,eth.vlan.ip.tcp"},
			{"group:ipdestination:g", "ext"},
			{"group:ipdestination:first:g", "google"}, {"group:ipsource:first:g", "lab"}, {"null:vlan:none", "10"}},
			passes: []string{"vlan!=null", "vlan=10"}, stops: []string{"vlan=null",
				"group:ipdestination:g!=ext,multicast"}},
		{what: "vxlan", sample: with(vx), keys: [][2]string{{"vni,vxlanvni,ipsource,ipsource.1,stack",
			"77,77,198.51.100.1,10.0.0.1,eth.ip.udp.vxlan.eth.ip.tcp"},
			{"macsource.1,isunicast.1,ip_offset.1", "020000000001,true,64"}, {"tcpsourceport", "11"},
			{"ipsource.2", ""}}},
		{what: "roce", sample: with(roce),
			keys: [][2]string{{"ibbtopcode,ibbtopname,ibbtoptransport,ibbtdestinationqp,ibbtack,ibbtrdmalen",
				"10,RDMA_WRITE_ONLY,RC,17,true,4096"},
				{`concat:\::ibbtoptransport:ibbtopname`, "RC:RDMA_WRITE_ONLY"}, {"stack", "eth.ip.udp.ibbt"}},
			passes: []string{"ibbt_offset!=null"}},
		{what: "1518 bytes", sample: big, keys: [][2]string{{"ip_offset,ipbytes,stripped,bytes",
			"14,1500,4,1518"}, {bins,
			"false,false,false,false,false,false,false,true,false"}}},
		{what: "discard", sample: to(schema.PortDropped, 2), keys: [][2]string{{"inputifindex,outputifindex",
			"0,discard"}}},
		{what: "multiple", sample: to(schema.PortMultiple, 2), keys: [][2]string{{"outputifindex", "multiple"}}},
		{what: "internal", sample: internal, keys: [][2]string{{"inputifindex,direction", "internal,egress"}}},
		{what: "structures", sample: with(tcp, func(b *sflow.Builder) {
			b.Switch(sflow.Switch{SrcVLAN: 7, SrcPriority: 1, DstVLAN: 8, DstPriority: 2})
			b.Router(&sflow.Router{NextHop: []byte{10, 0, 0, 254}, SrcMask: 24, DstMask: 16})
			b.Gateway(&sflow.Gateway{NextHop: []byte{10, 0, 0, 253}, AS: 65001, SrcAS: 65002, SrcPeerAS: 65003,
				LocalPref: 100},
				[]uint32{65004, 65005}, []uint32{65000<<16 | 1})
			b.Words(0, 1036, 5)
			b.Words(0, 1040, 6000)
			b.Words(0, 1039, 700)
			b.TCPInfo(&sflow.TCPInfo{Direction: 1, Unacked: 3, RTT: 900, RTTVar: 50, MinRTT: 400})
		}), keys: [][2]string{{"vlan,vlansource,vlandestination,prioritysource,prioritydestination", "7,7,8,1,2"},
			{"ipsourcemaskbits,ipdestinationmaskbits,ipnexthoprouter", "24,16,10.0.0.254"},
			{"bgpnexthop,bgpas,bgpsourceas,bgpsourcepeeras,bgpdestinationas,bgpdestinationpeeras," +
				"bgpdestinationaspath,bgplocalpref,bgpcommunities",
				"10.0.0.253,65001,65002,65003,65005,65004,65004-65005,100,65000:1"},
			{"queueindex,queuedepth,transitdelay", "5,6000,700"},
			{"tcprtt,tcpunacked,tcprttwait,tcprttsdev,tcpminrtt", "900,3,500,50,400"}},
			values: [][2]string{{"tcprtt", "900"}}},
		{what: "http", sample: http, keys: [][2]string{
			{"protocol,serveraddress,serverport,clientaddress,clientport", "6,10.0.0.80,80,10.9.9.9,5000"},
			{"proxyprotocol,proxyserveraddress,proxyserverport,proxyclientaddress,proxyclientport",
				"6,10.0.0.82,8080,10.0.0.81,6000"},
			{"httpmethod,httpprotocol,httphost,httpuseragent,httpxff,httpauthuser,httpmimetype,httpurl,httpreferer,httpstatus",
				"GET,1.1,www.example.org,curl,10.1.1.1,joe,image/png,/metrics/json/x?q=1,http://ref.example/,404"},
			{"bytes,req_bytes,resp_bytes,duration,requests", "1000,100,900,1500,1"},
			{"prefix:[uri:httpurl:path]:/:2", "/metrics"},
			{"serveraddress6", ""}, {"ipsource", ""}, {"datasource", "3.80"}, {"uri:httpurl:query", "q=1"},
			{"uri:httpreferer:host", "ref.example"}},
			passes: []string{"httpmimetype~image/.*", "httpstatus=404", "'httpurl'='/metrics/json/x?q=1'"},
			stops:  []string{"httpmimetype~image"},
			values: [][2]string{{"bytes", "1000"}, {"duration", "1500"}, {"requests", "1"}}},
		{what: "application", sample: six2101,
			keys: [][2]string{{"appname,appoperation,appattributes,appstatus", "pay,card.debit,a=b,INTERNAL_ERROR"},
				{"serveraddress6,clientaddress6,serverport", "2001:DB8::A,2001:DB8::B,80"}},
			values: [][2]string{{"bytes", "12"}, {"req_bytes", "5"}, {"requests", "1"}, {"duration", "99"}}},
		{what: "memcache", sample: memcache, keys: [][2]string{{"memcachekey,memcachenkeys", "k1,1"},
			{"memcachecommand,memcachestatus", "GETS,OK"}},
			values: [][2]string{{"requests", "1"}}},
	}
}

// TestSpecKeysAndFilters sends each packet from an agent of its own and looks at what every definition makes of it.
func TestSpecKeysAndFilters(t *testing.T) {
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off")
	s.put("/group/g/json", `{ext:['0.0.0.0/0'],lab:['198.51.100.0/24'],six:['2001:db8::/32']}`)
	s.put("/group/first/json", `{google:['8.8.8.8']}`)
	s.put("/map/m/json", `{alpha:['020000000001']}`)
	s.put("/map/proto/json", `{tcp:[6],udp:['17']}`)
	cases := keyCases()
	for i, c := range cases {
		define := func(kind string, n int, d map[string]any) {
			d["t"], d["n"] = "600", "100"
			s.put(fmt.Sprintf("/flow/c%d_%s%d/json", i, kind, n), jsonText(d))
		}
		count := "frames"
		if c.sample.frame == nil {
			count = "requests"
		}
		for n, k := range c.keys {
			define("k", n, map[string]any{"keys": k[0], "value": count})
		}
		for n, f := range append(slices.Clone(c.passes), c.stops...) {
			define("f", n, map[string]any{"value": count, "filter": f})
		}
		for n, v := range c.values {
			define("v", n, map[string]any{"value": "last:" + v[0], "values": []string{v[0], "sum:" + v[0],
				"avg:" + v[0]}})
		}
	}
	a, agent := agents{}, func(i int) schema.Addr { return ip4(192, 0, 2, byte(i+1)) }
	s.settle()
	for i := range cases {
		s.send("sflow", a.datagram(agent(i), cases[i].sample))
	}
	s.received(len(cases))
	get := func(i int, kind string, n int) []active {
		var list []active
		s.ask(fmt.Sprintf("/activeflows/%s/c%d_%s%d/json", agent(i), i, kind, n), &list)
		return list
	}
	until(t, "flows are in the view", func() bool { return len(get(0, "k", 0)) > 0 })
	for i, c := range cases {
		for n, k := range c.keys {
			got, list := "", get(i, "k", n)
			if len(list) > 0 {
				got = list[0].Key
			}
			if got != k[1] && !(strings.HasPrefix(k[0], "node:") && got == agent(i).String()) {
				t.Errorf("%s: %s = %q, want %q", c.what, k[0], got, k[1])
			}
		}
		for n, f := range append(slices.Clone(c.passes), c.stops...) {
			if list := get(i, "f", n); len(list) > 0 != (n < len(c.passes)) {
				t.Errorf("%s: %s passes is %v", c.what, f, len(list) > 0)
			}
		}
		for n, v := range c.values {
			list := get(i, "v", n)
			if len(list) == 0 || fmt.Sprint(list[0].Value) != v[1] || fmt.Sprint(list[0].Values[2]) != v[1] ||
				list[0].Values[0] != list[0].Values[1] {
				t.Errorf("%s: %s = %+v, want %s", c.what, v[0], list, v[1])
			}
		}
	}
	var seen map[string]int64
	if s.ask("/flowkeys/json", &seen); len(seen) < 50 {
		t.Errorf("flow keys %v", seen)
	}
	for _, k := range []string{"ipsource", "tcpsourceport", "stack", "ipsource.1", "httphost", "vni"} {
		if _, ok := seen[k]; !ok {
			t.Errorf("/flowkeys/json has no %s", k)
		}
	}
	if n := strings.Count(s.log.String(), "source=country"); n != 1 {
		t.Errorf("%d lines about the missing database of countries\n%s", n, s.log)
	}
}

// TestSpecDefinitions are the checks 19, 20, 36 and 37: what a definition may look like.
func TestSpecDefinitions(t *testing.T) {
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off")
	for _, c := range []struct {
		body   string
		status int
		want   string // of GET; of PUT when it fails
	}{
		{`{"keys":"ipsource,ipdestination","value":"bytes"}`, 204, `"keys": "ipsource,ipdestination"`},
		{`{"keys":["ipsource","ipdestination"],"value":"bytes"}`, 204, `"keys": "ipsource,ipdestination"`},
		{`{value:'frames',filter:'ipprotocol=6'}`, 204, `"filter": "ipprotocol=6"`},
		{`{value:'bytes',filter:null}`, 204, `"value": "bytes"`},
		{`{value:'bytes',t:'5',n:'20'}`, 204, `"n": 20`},
		{`{value:'bytes',t:'x',n:'n'}`, 204, `"n": 5`},
		{`{value:'bytes',n:100000,t:0.001}`, 204, `"n": 1000`},
		{`{value:'bytes',values:['frames','count:ipsource']}`, 204, `"count:ipsource"`},
		{`{value:'bytes',values:'frames,avg:ipbytes',fs:'_SEP_'}`, 204, `"_SEP_"`},
		{`{value:'bytes',log:'true',flowStart:true,activeTimeout:'3'}`, 204, `"activeTimeout": 3`},
		{`{value:'bytes',aggMode:'MAX'}`, 204, `"aggMode": "max"`},
		{`{value:'bytes',aggMode:'agent'}`, 204, `"aggMode": "AGENT"`},
		{`{value:'bytes',aggMode:null,keys:null,values:null,n:null,t:null,fs:null,log:null}`, 204, `"n": 5`},
		{`{value:'bytes',unknown:1}`, 204, `"n": 5`},
		{`{value:"nosuchattribute"}`, 204, `"n": 5`},
		{`{keys:"ipsource"}`, 400, `value`},
		{`{}`, 400, `value`},
		{``, 400, `body`},
		{`[]`, 400, `body`},
		{`{value:'bytes',keys:'frst:stack:.:ip'}`, 400, `unknown function`},
		{`{value:'bytes',keys:'if:[first:stack:.:ip:ip6:ip:ipsource:ip6source'}`, 400, `bracket`},
		{`{value:'bytes',keys:'prefix:stack'}`, 400, `argument`},
		{`{value:'bytes',filter:'ipprotocol'}`, 400, `operator`},
		{`{value:'bytes',filter:'stack~a['}`, 400, `regular expression`},
		{`{value:'foo:bar:baz'}`, 400, `value`},
		{`{value:'bytes',aggMode:'bad'}`, 400, `aggMode`},
		{`{value:'bytes',ipfixCollectors:['127.0.0.1'],keys:'stack'}`, 400, `stack`},
		{`{value:'bytes',ipfixCollectors:['127.0.0.1'],keys:'ipsource'}`, 204, `127.0.0.1`},
		{`{value:'bytes',keys:'ipsource,,ipdestination'}`, 400, ``},
		{`{value:'bytes'`, 400, ``},
	} {
		s.request(http.MethodDelete, "/flow/tcp/json", "")
		status, answer := s.request(http.MethodPut, "/flow/tcp/json", c.body)
		if status == http.StatusNoContent && answer == "" {
			_, answer = s.request(http.MethodGet, "/flow/tcp/json", "")
		}
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, status, answer, c.status, c.want)
		} else if testing.Verbose() {
			t.Log(c.body, status, answer)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/flow/nosuch/json", 404}, {"DELETE", "/flow/nosuch/json", 204}, {"GET",
			"/activeflows/ALL/nosuch/json", 400},
		{"GET", "/flowlocations/ALL/nosuch/json?key=x", 404}, {"GET",
			"/flowvalue/192.0.2.1/3.nosuch/json?key=x", 404},
		{"GET", "/activeflows/ALL/console_pairs/json?maxFlows=x&minValue=y&aggMode=SUM", 200},
		{"GET", "/activeflows/ALL/console_pairs/json?aggMode=bad", 400},
	} {
		if status, answer := s.request(c.method, c.path, ""); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, answer, c.status)
		}
	}
}
