package wire_test

import (
	"slices"
	"testing"

	"weir/schema"
	"weir/wire/sflow"
)

// The tests of this file are the acceptance checks B and C of the specification that are about attributes; their
// numbers are those of spec sflow-rt-acceptance.

// keys returns the key text of an observation, "dropped" when one of them is null.
func keys(t *testing.T, o *observation, list string) (text string) {
	t.Helper()
	k, err := fieldCompiler().Keys(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Unknown) > 0 {
		t.Errorf("%s: no field %q", list, k.Unknown)
	}
	o.see(t, func(r *schema.Record) {
		key, ok := k.Append(nil, r)
		if text = string(schema.AppendKeyText(nil, key, ",")); !ok {
			text = "dropped"
		}
	})
	return text
}

func passes(t *testing.T, o *observation, filter string) (ok bool) {
	t.Helper()
	f, err := fieldCompiler().Filter(filter)
	if err != nil {
		t.Fatal(err)
	}
	o.see(t, func(r *schema.Record) { ok = f(r) })
	return ok
}

func tcpWith(flags uint16) *observation {
	return header(ethernetFrame(0x0800, ip4Packet(6, h1, h2, tcpSegment(1, 2, flags, make([]byte, 6)))))
}

func udpPlain() *observation {
	return header(ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(1, 53, nil))))
}

func TestAcceptanceKeys(t *testing.T) {
	six := header(ethernetFrame(0x86dd, ip6Packet(6, s1, s2, tcpSegment(1, 2, 2, nil))))
	query := header(ethernetFrame(0x0800, ip4Packet(17, h1, h2,
		udpDatagram(5000, 53, dnsMessage(0x100, "a.b.example.org.", 1)))))
	inner := ethernetFrame(0x0800, ip4Packet(6, "10.0.0.1", "10.0.0.2", tcpSegment(1, 2, 2, nil)))
	tunnel := header(ethernetFrame(0x0800, ip4Packet(17, h1, h2, udpDatagram(50000, 4789,
		slices.Concat(bytes32(8<<24), bytes32(77<<8), inner)))))
	bins := "range:bytes:0:63,range:bytes:64:64,range:bytes:65:127,range:bytes:128:255,range:bytes:256:511," +
		"range:bytes:512:1023,range:bytes:1024:1517,range:bytes:1518:1518,range:bytes:1519"
	for _, c := range []struct {
		number int
		o      *observation
		list   string
		want   string
	}{
		{24, tcpWith(2), "ip6source", "dropped"},
		{25, tcpWith(2), "null:vlan:none,ipsource", "none,198.51.100.1"},
		{26, tcpWith(2), "or:tcpsourceport:udpsourceport", "1"},
		{26, udpPlain(), "or:tcpdestinationport:udpdestinationport", "53"},
		{27, tcpWith(2), "if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "198.51.100.1"},
		{27, six, "if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "2001:DB8::1"},
		{28, tcpWith(2), "prefix:stack:.:2", "eth.ip"},
		{28, query, "suffix:dnsqname:.:2", "org."},
		{29, tcpWith(2), bins, "false,true,false,false,false,false,false,false,false"},
		{30, tcpWith(2), `mask:ipsource:24,eq:ipsource:ipdestination,concat:\::ipsource:ipprotocol`,
			"198.51.100.0/24,false,198.51.100.1:6"},
		{33, tunnel, "vni,ipsource,ipsource.1,stack", "77,198.51.100.1,10.0.0.1,eth.ip.udp.vxlan.eth.ip.tcp"},
	} {
		if got := keys(t, c.o, c.list); got != c.want {
			t.Errorf("check %d: %s gives %s, want %s", c.number, c.list, got, c.want)
		}
	}
}

// TestAcceptanceSizes is check 35: a frame of 1518 bytes, of which the first 128 were sampled.
func TestAcceptanceSizes(t *testing.T) {
	packet := ethernetFrame(0x0800, ip4Packet(6, h1, h2, tcpSegment(1, 2, 2, make([]byte, 1460))))
	o := sampled(func(b *sflow.Builder) {
		b.Header(&sflow.Header{Protocol: 1, Length: 1518, Stripped: 4, Bytes: packet[:128]})
	})
	check(t, o, "ip_offset=14 ipbytes=1500 stripped=4 bytes=1518")
}

func TestAcceptanceFilters(t *testing.T) {
	icmp := header(ethernetFrame(0x0800, ip4Packet(1, h1, h2, make([]byte, 8))))
	arp := slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1}, bytes16(0x0806), bytes16(1),
		bytes16(0x0800), []byte{6, 4}, bytes16(1), make([]byte, 20))
	more := ip4Packet(17, h1, h2, make([]byte, 16))
	more[6] = 0x20
	for _, c := range []struct {
		number int
		o      *observation
		filter string
		want   bool
	}{
		{40, tcpWith(2), "ipprotocol=6,17", true},
		{40, udpPlain(), "ipprotocol=6,17", true},
		{40, icmp, "ipprotocol=6,17", false},
		{40, icmp, "ipprotocol!=6,17", true},
		{41, tcpWith(0x02), "tcpflags~.......1.", true},
		{41, tcpWith(0x12), "tcpflags~.......1.", true},
		{41, tcpWith(0x10), "tcpflags~.......1.", false},
		{41, tcpWith(0x02), "tcpflags~....1..1.", false},
		{41, tcpWith(0x12), "tcpflags~....1..1.", true},
		{41, udpPlain(), "tcpflags~.......1.", false},
		{41, udpPlain(), "tcpflags~....1..1.", false},
		{42, udpPlain(), "direction=ingress&(udpsourceport=53|udpdestinationport=53)", true},
		{42, udpPlain(), "direction=egress&(udpsourceport=53|udpdestinationport=53)", false},
		{42, udpPlain(), "direction=egress&udpsourceport=53|udpdestinationport=53", true},
		{43, tcpWith(2), "'ipsource'='198.51.100.1'&'stack'='eth.ip.tcp'", true},
		{43, tcpWith(2), "ipsource=198.51.100.1&stack=eth.ip.tcp", true},
		{43, tcpWith(2), "'stack'='eth,ip.tcp'", false},
		{44, tcpWith(2), "vlan=null", true},
		{44, tcpWith(2), "vlan!=null", false},
		{45, header(arp), "macdestination=FFFFFFFFFFFF", true},
		{45, header(arp), "isbroadcast=true", true},
		{45, tcpWith(2), "isbroadcast=true", false},
		// Not checks of their own, but forms that the specification names beside the attributes.
		{0, header(ethernetFrame(0x0800, more)), "ipflags=001", true},
		{0, tcpWith(2), "ipecn=01&ipdscp=46&iptos=10111001", true},
		{0, tcpWith(2), "ibbt_offset!=null", false},
		{0, tcpWith(2), "inputifindex=3&outputifindex=internal", true},
		{0, tcpWith(2), "agent=192.0.2.1&datasource=3", true},
		{0, header(ethernetFrame(0x86dd, ip6Packet(6, s1, s2, nil))), "ip6fragm=no&ip6fragoffset=0", true},
		{0, header(ethernetFrame(0x86dd, ip6Packet(6, s1, s2, nil))), "ip6fragm=yes|ip6fragoffset!=0", false},
	} {
		if got := passes(t, c.o, c.filter); got != c.want {
			t.Errorf("check %d: %s is %v", c.number, c.filter, got)
		}
	}
}

// TestAcceptanceValues looks at what the values of flow definitions are, unscaled.
func TestAcceptanceValues(t *testing.T) {
	for _, c := range []struct {
		o     *observation
		value string
		want  string
	}{
		{tcpWith(2), "bytes", "64"}, {tcpWith(2), "bps", "512"}, {tcpWith(2), "fps", "1"},
		{tcpWith(2), "avg:ipbytes", "46"}, {flowRecord(t), "bytes", "5000"}, {flowRecord(t), "frames", "10"},
		{httpTransaction(), "requests", "1"}, {httpTransaction(), "bytes", "1000"}, {httpTransaction(), "frames", "null"},
		{httpTransaction(), "max:duration", "1500"},
	} {
		m, err := fieldCompiler().Value(c.value)
		if err != nil {
			t.Fatal(err)
		}
		c.o.see(t, func(r *schema.Record) {
			var v schema.Value
			if m.Eval(r, &v); v.String() != c.want {
				t.Errorf("%s = %s, want %s", c.value, v, c.want)
			}
		})
	}
}
