package packet_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"weir/schema"
	"weir/wire/packet"
)

func addr(s string) schema.Addr { return schema.AddrOf(netip.MustParseAddr(s)) }

func TestOuter(t *testing.T) {
	four := packet.Flow{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), IPv: 4, HasProto: true}
	six := packet.Flow{Src: addr("2001::1"), Dst: addr("2001::2"), IPv: 6, HasProto: true}
	with := func(f packet.Flow, proto uint8, src, dst uint16, flags uint8) packet.Flow {
		f.Proto, f.SrcPort, f.DstPort, f.TCPFlags, f.HasPorts = proto, src, dst, flags, true
		return f
	}
	only := func(f packet.Flow, proto uint8) packet.Flow {
		f.Proto = proto
		return f
	}
	message := func(f packet.Flow, proto uint8, kind, code uint16) packet.Flow {
		f.Proto, f.SrcPort, f.DstPort, f.ICMP = proto, kind, code, true
		return f
	}
	unknown := only(six, 60)
	unknown.HasProto = false
	tcp4 := ip4(6, tcp(5, 6, 0x12, nil))
	fragment := func(offset uint16) []byte { return join([]byte{17, 0}, be(offset), be32(7), udp(5, 6, nil)) }
	for _, c := range []struct {
		name  string
		frame []byte
		want  packet.Flow
	}{
		{"tcp", tcp4, with(four, 6, 5, 6, 0x12)},
		{"tcp, cut behind the ports", tcp4[:26], with(four, 6, 5, 6, 0)},
		{"tcp, cut in the ports", tcp4[:23], only(four, 6)},
		{"udp", ip4(17, udp(5, 6, nil)), with(four, 17, 5, 6, 0)},
		{"sctp", ip4(132, join(be(5), be(6), zeros(8))), with(four, 132, 5, 6, 0)},
		{"dccp", ip4(33, join(be(5), be(6), zeros(8))), with(four, 33, 5, 6, 0)},
		{"icmp", ip4(1, []byte{3, 1, 0, 0, 0, 0, 0, 0}), message(four, 1, 3, 1)},
		{"icmp6", ip6(58, []byte{128, 0, 0, 0, 0, 0, 0, 0}), message(six, 58, 128, 0)},
		{"first fragment", ip4Fragment(17, 0x2000, udp(5, 6, nil)), with(four, 17, 5, 6, 0)},
		{"later fragment", ip4Fragment(17, 0x2001, udp(5, 6, nil)), only(four, 17)},
		{"first fragment, IPv6", ip6(44, fragment(1)), with(six, 17, 5, 6, 0)},
		{"later fragment, IPv6", ip6(44, fragment(9)), only(six, 17)},
		{"behind extensions", ip6(0, join([]byte{60, 0}, zeros(6), []byte{6, 0}, zeros(6), tcp(5, 6, 2, nil))),
			with(six, 6, 5, 6, 2)},
		{"extensions cut", ip6(0, join([]byte{60, 0}, zeros(6), zeros(8)))[:48], unknown},
		{"tunnel", ip4(47, join(be(0), be(0x0800), tcp4)), only(four, 47)},
		{"ah", ip4(51, join([]byte{6, 4}, zeros(22), tcp(5, 6, 2, nil))), only(four, 51)},
		{"cut in the addresses", tcp4[:19], packet.Flow{}},
		{"no IP", []byte{1, 2, 3}, packet.Flow{}},
	} {
		var h schema.Headers
		packet.Parse(&h, schema.LinkRaw, c.frame, uint32(len(c.frame)))
		if got := packet.Outer(&h, c.frame); got != c.want {
			t.Errorf("%s: %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	refused := ip4(17, udp(40000, 161, zeros(40)))
	unreachable := ip4(1, join([]byte{3, 3, 0, 0, 0, 0, 0, 0}, refused[:28]))
	var h schema.Headers
	packet.Parse(&h, schema.LinkRaw, unreachable, 56)
	f, ok := packet.Quoted(&h, unreachable)
	if !ok || f.DstPort != 161 || f.Proto != 17 || !f.HasPorts || f.Dst != addr("10.0.0.2") {
		t.Errorf("%+v %v, want UDP to port 161", f, ok)
	}
	packet.Parse(&h, schema.LinkRaw, ping(), 28)
	if f, ok := packet.Quoted(&h, ping()); ok {
		t.Errorf("an echo request quotes %+v", f)
	}
}

func TestExtensions(t *testing.T) {
	frame := ip6(0, join([]byte{44, 0}, zeros(6), []byte{17, 0}, be(1), be32(77), udp(5, 6, nil)))
	var h schema.Headers
	packet.Parse(&h, schema.LinkRaw, frame, uint32(len(frame)))
	if got := packet.Extensions(nil, &h, 0, frame); string(got) != "\x00\x2c" {
		t.Errorf("extension headers %v, want 0 and 44", got)
	}
	if got := packet.Extensions(nil, &h, 1, frame); got != nil {
		t.Errorf("extension headers %v of what is no IPv6 header", got)
	}
	offset, more, id, ok := packet.FragmentField(&h, 0, frame)
	if offset != 0 || !more || id != 77 || !ok {
		t.Errorf("fragment field %d %v %d %v, want 0 true 77 true", offset, more, id, ok)
	}
}

func TestDNSName(t *testing.T) {
	long := strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00"
	for _, c := range []struct {
		name, msg string
		off       int
		want      string
		next      int
		ok        bool
	}{
		{"plain", "\x03www\x07example\x03org\x00", 0, "www.example.org.", 17, true},
		{"root", "\x00", 0, ".", 1, true},
		{"pointer", "\x03org\x00\x03www\xc0\x00!", 5, "www.org.", 11, true},
		{"pointer to a pointer", "\x03org\x00\x01b\xc0\x00\x01a\xc0\x05", 9, "a.b.org.", 13, true},
		{"odd bytes", "\x05a.b\\ \x02\xc3\xa4\x00", 0, `a\.b\\\032.\195\164.`, 10, true},
		{"pointer to itself", "\xc0\x00", 0, "", 0, false},
		{"pointer forward", "\xc0\x04\x00\x00\x00", 0, "", 0, false},
		{"loop", "\x01a\xc0\x00", 0, "", 0, false},
		{"cut in a label", "\x03ww", 0, "", 0, false},
		{"cut before the end", "\x03www", 0, "", 0, false},
		{"cut in a pointer", "\x03www\xc0", 0, "", 0, false},
		{"reserved label type", "\x40abc\x00", 0, "", 0, false},
		{"too long", long, 0, "", 0, false},
		{"outside", "\x00", 1, "", 0, false},
		{"negative", "\x00", -1, "", 0, false},
	} {
		got, next, ok := packet.DNSName([]byte(">"), []byte(c.msg), c.off)
		if string(got) != ">"+c.want || next != c.next || ok != c.ok {
			t.Errorf("%s: %q %d %v, want %q %d %v", c.name, got, next, ok, ">"+c.want, c.next, c.ok)
		}
	}
}

func FuzzDNSName(f *testing.F) {
	f.Add([]byte("\x03org\x00\x03www\xc0\x00"), 5)
	f.Add([]byte("\x01a\xc0\x00"), 0)
	f.Fuzz(func(t *testing.T, msg []byte, off int) {
		name, next, ok := packet.DNSName(nil, msg, off)
		if len(name) > 4*255 || next > len(msg) || ok && next <= off {
			t.Fatalf("%d bytes of name, next at %d after %d of %d", len(name), next, off, len(msg))
		}
	})
}

func TestFirstQuestion(t *testing.T) {
	frame := ip4(17, udp(40000, 53, dnsQuery()))
	var h schema.Headers
	packet.Parse(&h, schema.LinkRaw, frame, uint32(len(frame)))
	q, ok := packet.FirstQuestion(nil, &h, frame)
	if !ok || string(q.Name) != "example.org." || q.Type != 28 || q.Class != 1 {
		t.Errorf("%q %d %d %v, want example.org. 28 1", q.Name, q.Type, q.Class, ok)
	}
	if h.DNSQuestion != 40 {
		t.Errorf("question at %d, want 40", h.DNSQuestion)
	}
	cut := frame[:len(frame)-1]
	packet.Parse(&h, schema.LinkRaw, cut, uint32(len(frame)))
	if q, ok := packet.FirstQuestion(nil, &h, cut); ok {
		t.Errorf("%q from a message that was cut", q.Name)
	}
	empty := ip4(17, udp(53, 40000, zeros(30)))
	packet.Parse(&h, schema.LinkRaw, empty, uint32(len(empty)))
	if _, ok := packet.FirstQuestion(nil, &h, empty); ok || h.DNSQuestion != 0 {
		t.Errorf("a question in a message that has none, at %d", h.DNSQuestion)
	}
}

// TestSummary counts one frame of each sort that the names and rules of a summary tell apart.
func TestSummary(t *testing.T) {
	var s packet.Summary
	add := func(link schema.LinkType, frame []byte) { s.Add(link, frame, 100) }
	syn := ip4(6, tcp(5, 6, 0x02, nil))
	back := ip4(6, tcp(6, 5, 0x12, nil))
	copy(back[12:], []byte{10, 0, 0, 2, 10, 0, 0, 1})
	pseudowire := label(1, 1, join(be32(0), eth(0x8100, vlan(1, 0x0806, zeros(28)))))
	add(schema.LinkEthernet, eth(0x0800, syn))
	add(schema.LinkEthernet, eth(0x8100, vlan(1, 0x0800, back)))
	add(schema.LinkEthernet, eth(0x8847, label(1, 1, ip6(44, join([]byte{17, 0}, be(1), be32(7), udp(1, 2, nil))))))
	add(schema.LinkEthernet, eth(0x8847, pseudowire))
	add(schema.LinkEthernet, eth(0x8864, join([]byte{0x11, 0}, be(5), be(6), be(0xc021), zeros(4))))
	add(schema.LinkEthernet, eth8023(llc(0x42, 3, zeros(35))))
	add(schema.LinkEthernet, eth(0x8926, join(be32(1), be(0x0800), ip4Fragment(17, 1, zeros(8)))))
	add(schema.LinkEthernet, zeros(9))
	add(schema.Link80211, join([]byte{0x08, 0x01}, zeros(22), snap(0, 0x0800, syn)))
	text, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"packets":9,"wire_bytes":900,"ether_types":{"0x0800":{"packets":2,"bytes":200},` +
		`"0x0806":{"packets":1,"bytes":100},"0x86dd":{"packets":1,"bytes":100},"0x8926":{"packets":1,"bytes":100},` +
		`"None":{"packets":3,"bytes":300},"llc":{"packets":1,"bytes":100}},` +
		`"ip_protocols":{"17":{"packets":2,"bytes":200},"6":{"packets":3,"bytes":300}},` +
		`"tcp_and_ip_counts":{"syn":2,"synack":1,"rst":0,"fin":0,"ip_fragments":2},` +
		`"conversations":{"tcp":1,"udp":1},"host_count":4}`
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}

// TestHolds guards the comparison that TestCorpus rests on.
func TestHolds(t *testing.T) {
	one, two := map[string]any{"a": 1.0}, map[string]any{"a": 1.0, "b": 2.0}
	if holds(two, one) || holds(one, two) || holds(1.0, 2.0) || !holds(one, one) || !holds(0.0, nil) {
		t.Error("holds takes different summaries for equal ones, or equal ones for different")
	}
}
