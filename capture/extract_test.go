package capture

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"weir/schema"
)

var (
	src4, dst4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	src6, dst6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

func udp(payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, 1234)
	b = binary.BigEndian.AppendUint16(b, 6343)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// ip4 builds an IPv4 packet; off is in bytes.
func ip4(id uint16, off int, more bool, protocol byte, body []byte) []byte {
	b := make([]byte, 20, 20+len(body))
	b[0], b[9] = 0x45, protocol
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(b[4:], id)
	flags := uint16(off / 8)
	if more {
		flags |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], flags)
	copy(b[12:], src4.AsSlice())
	copy(b[16:], dst4.AsSlice())
	return append(b, body...)
}

func ip6(next byte, body []byte) []byte {
	b := make([]byte, 40, 40+len(body))
	b[0], b[6] = 0x60, next
	binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
	copy(b[8:], src6.AsSlice())
	copy(b[24:], dst6.AsSlice())
	return append(b, body...)
}

// ext6 builds an IPv6 extension header of 8 bytes before body.
func ext6(next byte, body []byte) []byte { return append([]byte{next, 0, 1, 4, 0, 0, 0, 0}, body...) }

// frag6 builds an IPv6 packet with a fragment header.
func frag6(id uint32, off int, more bool, next byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{next, 0}, uint16(off))
	if more {
		b[3] |= 1
	}
	return ip6(extFragment, append(binary.BigEndian.AppendUint32(b, id), body...))
}

func ethernet(kind uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 12), kind), body...)
}

func frameOf(link schema.LinkType, b []byte) *Frame {
	return &Frame{At: 5, Link: link, Data: b, Length: uint32(len(b))}
}

// raw returns a frame that begins with IP.
func raw(b []byte) *Frame { return frameOf(schema.LinkRaw, b) }

// Balanced fails the test when the counters contradict each other. The tests of package capture_test use it too.
func Balanced(t testing.TB, x *Extractor) {
	t.Helper()
	s := x.Stats()
	held := uint64(0)
	for _, u := range x.fragments.open {
		held += uint64(len(u.pieces))
	}
	if s.Frames != s.Datagrams-s.Reassembled+s.Fragments+s.Other+s.Malformed ||
		s.Fragments < s.FragmentsLost+held+s.Reassembled {
		t.Fatalf("the books do not balance: %+v, %d held", s, held)
	}
}

func TestExtractLinks(t *testing.T) {
	payload := []byte("telemetry")
	p4 := ip4(7, 0, false, protocolUDP, udp(payload))
	p6 := ip6(protocolUDP, udp(payload))
	cat := func(head []byte, body []byte) []byte { return slices.Concat(head, body) }
	sll2 := make([]byte, 20)
	sll2[0] = 0x08
	nflog := slices.Concat([]byte{2, 0, 0, 0}, []byte{8, 0, 1, 0, 1, 2, 3, 4}, []byte{5, 0, 10, 0, 'x', 0, 0, 0},
		binary.LittleEndian.AppendUint16(nil, uint16(4+len(p4))), []byte{9, 0}, p4)
	for name, fr := range map[string]*Frame{
		"ethernet":       frameOf(schema.LinkEthernet, ethernet(etherIPv4, p4)),
		"ethernet 6":     frameOf(schema.LinkEthernet, ethernet(etherIPv6, p6)),
		"padding":        frameOf(schema.LinkEthernet, ethernet(etherIPv4, cat(p4, make([]byte, 9)))),
		"vlan":           frameOf(schema.LinkEthernet, ethernet(etherVLAN, cat([]byte{0, 7, 8, 0}, p4))),
		"qinq":           frameOf(schema.LinkEthernet, ethernet(etherQinQ, cat([]byte{0, 7, 0x81, 0, 0, 8, 8, 0}, p4))),
		"snap":           frameOf(schema.LinkEthernet, ethernet(90, cat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, p4))),
		"pppoe":          frameOf(schema.LinkEthernet, ethernet(etherPPPoE, cat([]byte{17, 0, 0, 1, 0, 9, 0, 0x21}, p4))),
		"mpls":           frameOf(schema.LinkEthernet, ethernet(etherMPLS, cat([]byte{0, 0, 0, 9, 0, 0, 1, 9}, p6))),
		"mpls link":      frameOf(schema.LinkMPLS, cat([]byte{0, 0, 1, 9}, p4)),
		"raw":            frameOf(schema.LinkRaw, p6),
		"raw bsd":        frameOf(schema.LinkRawBSD, p4),
		"ipv4":           frameOf(schema.LinkIPv4, p4),
		"ipv6":           frameOf(schema.LinkIPv6, p6),
		"null little":    frameOf(schema.LinkNull, cat([]byte{2, 0, 0, 0}, p4)),
		"null big":       frameOf(schema.LinkNull, cat([]byte{0, 0, 0, 30}, p6)),
		"loop":           frameOf(schema.LinkLoop, cat([]byte{0, 0, 0, 2}, p4)),
		"ppp":            frameOf(schema.LinkPPP, cat([]byte{0, 0x21}, p4)),
		"ppp hdlc":       frameOf(schema.LinkPPPHDLC, cat([]byte{0xff, 3, 0, 0x57}, p6)),
		"ppp cisco":      frameOf(schema.LinkPPPHDLC, cat([]byte{0x0f, 0, 8, 0}, p4)),
		"ppp compressed": frameOf(schema.LinkPPP, cat([]byte{0x21}, p4)),
		"pppoe link":     frameOf(schema.LinkPPPoE, cat([]byte{17, 0, 0, 1, 0, 9, 0, 0x21}, p4)),
		"cisco":          frameOf(schema.LinkCiscoHDLC, cat([]byte{0x0f, 0, 8, 0}, p4)),
		"cooked":         frameOf(schema.LinkSLL, cat(append(make([]byte, 14), 8, 0), p4)),
		"cooked vlan":    frameOf(schema.LinkSLL, cat(append(make([]byte, 14), 0x81, 0, 0, 9, 8, 0), p4)),
		"cooked 2":       frameOf(schema.LinkSLL2, cat(sll2, p4)),
		"nflog":          frameOf(schema.LinkNFLOG, nflog),
		"ext 6":          raw(ip6(extHopByHop, ext6(extDestination, ext6(protocolUDP, udp(payload))))),
		"auth 6":         raw(ip6(extAuth, cat([]byte{17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, udp(payload)))),
		"atomic 6":       raw(frag6(9, 0, false, protocolUDP, udp(payload))),
	} {
		x := NewExtractor(FragmentLimits{})
		var d Datagram
		if !x.Extract(fr, &d) || string(d.Payload) != "telemetry" || d.Cut || d.Length != 9 || d.At != 5 {
			t.Errorf("%s: got %+v, %+v", name, d, x.Stats())
			continue
		}
		src, dst := src4, dst4
		if d.Src.Addr().Is6() {
			src, dst = src6, dst6
		}
		if d.Src != netip.AddrPortFrom(src, 1234) || d.Dst != netip.AddrPortFrom(dst, 6343) {
			t.Errorf("%s: from %v to %v", name, d.Src, d.Dst)
		}
		for n := range fr.Data { // cut anywhere: never a panic, never more than there is
			short := *fr
			short.Data = fr.Data[:n]
			if x.Extract(&short, &d) && (len(d.Payload) > 9 || d.Cut != (len(d.Payload) < 9)) {
				t.Errorf("%s cut at %d: got %+v", name, n, d)
			}
		}
		Balanced(t, x)
	}
}

func TestExtractNothing(t *testing.T) {
	u := udp([]byte("abc"))
	long, short := slices.Clone(u), slices.Clone(u)
	binary.BigEndian.PutUint16(long[4:], 12)
	binary.BigEndian.PutUint16(short[4:], 7)
	badLength := ip4(1, 0, false, protocolUDP, u)
	binary.BigEndian.PutUint16(badLength[2:], 19)
	badHeader := ip4(1, 0, false, protocolUDP, u)
	badHeader[0] = 0x44
	many := u
	for range maxExtensions + 1 {
		many = ext6(extDestination, many)
	}
	for name, c := range map[string]struct {
		fr        *Frame
		malformed bool
	}{
		"tcp":              {raw(ip4(1, 0, false, 6, u)), false},
		"tcp fragment":     {raw(ip4(1, 8, true, 6, u)), false},
		"arp":              {frameOf(schema.LinkEthernet, ethernet(0x0806, u)), false},
		"radio":            {frameOf(schema.Link80211, u), false},
		"llc":              {frameOf(schema.LinkEthernet, ethernet(20, make([]byte, 20))), false},
		"esp 6":            {raw(ip6(50, u)), false},
		"nothing":          {raw(nil), true},
		"version":          {raw([]byte{0x50}), true},
		"length":           {raw(badLength), true},
		"header":           {raw(badHeader), true},
		"udp longer":       {raw(ip4(1, 0, false, protocolUDP, long)), true},
		"udp shorter":      {raw(ip4(1, 0, false, protocolUDP, short)), true},
		"udp no header":    {raw(ip4(1, 0, false, protocolUDP, u[:7])), true},
		"extensions":       {raw(ip6(extDestination, many)), true},
		"extension beyond": {raw(ip6(extHopByHop, []byte{17, 9, 0, 0, 0, 0, 0, 0})), true},
	} {
		x := NewExtractor(FragmentLimits{})
		var d Datagram
		found := x.Extract(c.fr, &d)
		want := ExtractStats{Frames: 1, Other: 1}
		if c.malformed {
			want = ExtractStats{Frames: 1, Malformed: 1}
		}
		if s := x.Stats(); found || s != want {
			t.Errorf("%s: found %v, %+v", name, found, s)
		}
	}
}

// TestExtractLengthZero reads datagrams whose lengths were left to the hardware.
func TestExtractLengthZero(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 3000)
	for _, b := range [][]byte{ip4(1, 0, false, protocolUDP, udp(payload)), ip6(protocolUDP, udp(payload))} {
		header := len(b) - len(payload) - 8
		binary.BigEndian.PutUint16(b[4:], 0) // IPv6 length; identification of IPv4
		if header == 20 {
			binary.BigEndian.PutUint16(b[2:], 0)
		}
		binary.BigEndian.PutUint16(b[header+4:], 0)
		x := NewExtractor(FragmentLimits{})
		var d Datagram
		if !x.Extract(raw(b), &d) || d.Length != 3000 || !bytes.Equal(d.Payload, payload) {
			t.Errorf("header of %d: got %d of %d bytes", header, len(d.Payload), d.Length)
		}
	}
}

// split cuts a transport packet into fragments of size bytes.
func split(v6 bool, id uint32, size int, b []byte) (list [][]byte) {
	for off := 0; off < len(b); off += size {
		end := min(off+size, len(b))
		if v6 {
			list = append(list, frag6(id, off, end < len(b), protocolUDP, b[off:end]))
		} else {
			list = append(list, ip4(uint16(id), off, end < len(b), protocolUDP, b[off:end]))
		}
	}
	return list
}

// TestFragments puts interleaved datagrams together that come in any order, each fragment twice.
func TestFragments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, v6 := range []bool{false, true} {
		x := NewExtractor(FragmentLimits{})
		want := map[string]int{}
		var all [][]byte
		for id := range uint32(20) {
			payload := bytes.Repeat([]byte{byte(id)}, 100+int(id)*613)
			want[string(payload)]++
			all = append(all, split(v6, id, 8+int(id)*72, udp(payload))...)
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		total := uint64(0)
		for i, b := range all {
			repeat := 1
			if i%3 == 0 {
				repeat = 2
			}
			for range repeat {
				var d Datagram
				total++
				if x.Extract(raw(b), &d) {
					want[string(d.Payload)]--
					if d.Cut || d.Dst.Port() != 6343 {
						t.Errorf("got %+v", d)
					}
				}
			}
		}
		for payload, n := range want {
			if n != 0 {
				t.Errorf("v6 %v: %d bytes of %d came %d times too rarely", v6, len(payload), payload[0], n)
			}
		}
		Balanced(t, x)
		if s := x.Stats(); s.Datagrams != 20 || s.Reassembled != 20 || s.Fragments != total {
			t.Errorf("v6 %v: %+v", v6, s)
		}
	}
}

func TestFragmentsRefused(t *testing.T) {
	body := udp(bytes.Repeat([]byte("abcdefgh"), 30))
	f := func(off, end int, more bool) []byte { return ip4(3, off, more, protocolUDP, body[off:end]) }
	cut := raw(f(0, 80, true))
	cut.Data = cut.Data[:60]
	tests := map[string][]*Frame{
		"overlap before":   {raw(f(80, 160, true)), raw(f(0, 88, true))},
		"overlap after":    {raw(f(0, 80, true)), raw(f(72, 160, true))},
		"same, longer":     {raw(f(0, 80, true)), raw(f(0, 88, true))},
		"beyond the end":   {raw(f(8, 80, false)), raw(f(80, 160, true))},
		"end before":       {raw(f(80, 160, true)), raw(f(8, 80, false))},
		"two ends":         {raw(f(80, 160, false)), raw(f(160, 240, false))},
		"uneven":           {raw(f(0, 81, true))},
		"empty":            {raw(f(80, 80, true))},
		"cut":              {cut},
		"too long":         {raw(ip4(3, 65528, false, protocolUDP, body))},
		"udp longer":       {raw(f(0, 80, true)), raw(f(80, 240, false))},
		"tcp in the end 6": {raw(frag6(3, 0, true, 6, body[:80])), raw(frag6(3, 80, false, 6, body[80:]))},
		"nested 6": {raw(frag6(3, 0, true, extFragment, append([]byte{17, 0, 0, 1}, body[4:80]...))),
			raw(frag6(3, 80, false, extFragment, body[80:]))},
	}
	for name, list := range tests {
		x := NewExtractor(FragmentLimits{})
		var d Datagram
		for _, fr := range list {
			if x.Extract(fr, &d) {
				t.Errorf("%s: found %+v", name, d)
			}
		}
		if s := x.Stats(); s.Fragments != uint64(len(list)) || s.FragmentsLost != s.Fragments || x.fragments.bytes != 0 {
			t.Errorf("%s: %+v, %d bytes held", name, s, x.fragments.bytes)
		}
		Balanced(t, x)
	}
}

func TestFragmentLimits(t *testing.T) {
	limits := FragmentLimits{Datagrams: 10, Bytes: 100_000, Age: time.Second}
	x := NewExtractor(limits)
	var d Datagram
	at := schema.Instant(1e9)
	for id := range 5000 {
		fr := raw(ip4(uint16(id), id%8190*8, true, protocolUDP, make([]byte, 16)))
		at = at.Add(time.Millisecond)
		fr.At = at
		x.Extract(fr, &d)
		held := 0
		for _, u := range x.fragments.open {
			held += cap(u.buf)
		}
		if len(x.fragments.open) > limits.Datagrams || held > limits.Bytes || held != x.fragments.bytes ||
			len(x.fragments.free) > keptBuffers {
			t.Fatalf("%d datagrams and %d bytes held, %d counted", len(x.fragments.open), held, x.fragments.bytes)
		}
	}
	Balanced(t, x)
	fr := raw(ip4(1, 0, false, 6, nil))
	fr.Data = ip4(9, 8, true, protocolUDP, make([]byte, 8))
	fr.At = at.Add(time.Minute)
	x.Extract(fr, &d)
	if n := len(x.fragments.open); n != 1 {
		t.Errorf("%d datagrams are held after a minute", n)
	}
	if s := x.Stats(); s.FragmentsLost != 5000 {
		t.Errorf("%+v", s)
	}
}

// TestFragmentsOfManyPieces bounds how many pieces a datagram may come in.
func TestFragmentsOfManyPieces(t *testing.T) {
	x := NewExtractor(FragmentLimits{})
	var d Datagram
	for i := range 2 * maxPieces {
		x.Extract(raw(ip4(1, i*16, true, protocolUDP, make([]byte, 8))), &d)
	}
	if s := x.Stats(); s.FragmentsLost < maxPieces {
		t.Errorf("%+v", s)
	}
	Balanced(t, x)
}

func TestExtractAllocatesNothing(t *testing.T) {
	x := NewExtractor(FragmentLimits{})
	whole := frameOf(schema.LinkEthernet, ethernet(etherIPv6, ip6(protocolUDP, udp(make([]byte, 1400)))))
	parts := split(false, 1, 1400, udp(make([]byte, 4000)))
	var d Datagram
	if n := testing.AllocsPerRun(1000, func() {
		if !x.Extract(whole, &d) {
			t.Error("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations a datagram", n)
	}
	var fr Frame
	if n := testing.AllocsPerRun(1000, func() {
		for _, b := range parts {
			fr = Frame{Link: schema.LinkRaw, Data: b, Length: uint32(len(b))}
			x.Extract(&fr, &d)
		}
	}); n != 0 || d.Length != 4000 {
		t.Errorf("%v allocations a datagram in fragments, of %d bytes", n, d.Length)
	}
}

func BenchmarkExtract(b *testing.B) {
	x := NewExtractor(FragmentLimits{})
	fr := frameOf(schema.LinkEthernet, ethernet(etherIPv4, ip4(1, 0, false, protocolUDP, udp(make([]byte, 1400)))))
	var d Datagram
	b.ReportAllocs()
	for b.Loop() {
		x.Extract(fr, &d)
	}
}

func FuzzExtract(f *testing.F) {
	u := udp([]byte("telemetry"))
	f.Add(uint16(1), ethernet(etherVLAN, append([]byte{0, 7, 8, 0}, ip4(1, 0, false, protocolUDP, u)...)), uint8(3))
	f.Add(uint16(101), frag6(1, 0, true, protocolUDP, append(u, make([]byte, 15)...)), uint8(70))
	f.Add(uint16(239), []byte{2, 0, 0, 0, 8, 0, 1, 0, 1, 2, 3, 4, 24, 0, 9, 0, 0x45}, uint8(0))
	f.Fuzz(func(t *testing.T, link uint16, b []byte, second uint8) {
		x := NewExtractor(FragmentLimits{Datagrams: 3, Bytes: 70_000})
		var d Datagram
		// The frame, its rest from some byte on, and the frame again: fragments that meet each other.
		for i, data := range [][]byte{b, b[min(int(second), len(b)):], b} {
			fr := Frame{At: schema.Instant(i), Link: schema.LinkType(link), Data: data, Length: uint32(len(data)) + 9}
			if x.Extract(&fr, &d) && (len(d.Payload) > d.Length || d.Cut != (len(d.Payload) < d.Length)) {
				t.Fatalf("got %+v", d)
			}
			Balanced(t, x)
		}
	})
}
