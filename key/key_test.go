package key

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// Acceptance A-27, and the rows of trisul.md 1.6: raw, readable, binary, other inputs.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		form     Form
		bin      string
		raw      string
		readable string
		also     []string
	}{
		{Form{Host}, "c0a80102", "C0.A8.01.02", "192.168.1.2", []string{"c0.a8.01.02", " 192.168.1.2 ", "::ffff:192.168.1.2"}},
		{Form{Host}, "ff020000000000000000000000000002", "FF020000000000000000000000000002", "ff02::2",
			[]string{"FF02::0:2", "ff020000000000000000000000000002"}},
		{Form{App}, "0016", "p-0016", "Port-22", []string{"22", "port-22", "ssh", "SSH", "P-0016"}},
		{Form{App}, "01bb", "p-01BB", "Port-443", []string{"https", "p-01bb"}},
		{Form{App}, "0035", "p-0035", "Port-53", []string{"domain", "dns"}},
		{Form{App}, "01", "ICMP00", "ICMP00", []string{"icmp"}},
		{Form{App}, "2f", "GRE00", "GRE00", nil},
		{Form{App}, "32", "ipsec0", "ipsec0", []string{"ESP", "esp00"}},
		{Form{App}, "fd", "IPFD00", "IPFD00", nil},
		{Form{Protocol}, "06", "06", "TCP", []string{"tcp", "6", "proto-6"}},
		{Form{Protocol}, "11", "11", "UDP", []string{"Proto-17"}},
		{Form{Protocol}, "29", "29", "IPv6", nil},
		{Form{Protocol}, "3a", "3A", "IPv6-ICMP", []string{"icmpv6"}},
		{Form{Protocol}, "c8", "C8", "Proto-200", []string{"c8", "200"}},
		{Form{EtherType}, "86dd", "86DD", "IPv6", []string{"86dd", "0x86DD"}},
		{Form{EtherType}, "8100", "8100", "VLAN", nil},
		{Form{EtherType}, "1234", "1234", "0x1234", nil},
		{Form{Subnet}, "c0a80100 18", "C0.A8.01.00/18", "192.168.1.0/24", []string{"192.168.1.77/24"}},
		{Form{Subnet}, "20010db8000000000000000000000000 20", "20010DB8000000000000000000000000/20", "2001:db8::/32", nil},
		{Form{MAC}, "001cc0b9b910", "00:1C:C0:B9:B9:10", "00:1C:C0:B9:B9:10",
			[]string{"00:1c:c0:b9:b9:10", "00-1c-c0-b9-b9-10", "001cc0b9b910", "001c.c0b9.b910"}},
		{Form{MACPair}, "001cc0b9b910001cc0b9b911", "00:1C:C0:B9:B9:10_00:1C:C0:B9:B9:11",
			"00:1C:C0:B9:B9:10_00:1C:C0:B9:B9:11", nil},
		{Form{VLAN}, "000a", "000A", "10", []string{"VLAN-10"}},
		{Form{VLAN}, "0064", "0064", "100", nil},
		{Form{VLAN}, "03e8", "03E8", "1000", nil},
		{Form{MPLS}, "00004e20", "00004E20", "20000", nil},
		{Form{Interface}, "c0a80003 00000003", "C0.A8.00.03_00000003", "192.168.0.3_3",
			[]string{"192.168.0.3_00000003", "C0.A8.00.03_0003"}},
		{Form{Interface}, "c0a80001 0000000a", "C0.A8.00.01_0000000A", "192.168.0.1_10",
			[]string{"C0.A8.00.01_000A", "192.168.0.1_0000000A"}},
		{Form{Interface}, "c0a80001 05000000", "C0.A8.00.01_05000000", "192.168.0.1_83886080", nil},
		{Form{Interface}, "20010db8000000000000000000000001 00000007",
			"20010DB8000000000000000000000001_00000007", "2001:db8::1_7", nil},
		{Form{ASN}, "0000fc00", "64512", "AS64512", []string{"as64512"}},
		{Form{Country}, "4445", "DE", "Germany", []string{"de", "germany"}},
		{Form{Country}, "5858", "XX", "XX", nil},
		{Form{ICMP}, "0800", "0800", "8/0", nil},
		{Form{DSCP}, "2e", "2E", "EF", []string{"ef", "DSCP-46", "2e"}},
		{Form{DSCP}, "03", "03", "DSCP-3", []string{"3"}},
		{Form{Length}, "02", "02", "65-127", nil},
		{Form{Direction}, hex.EncodeToString([]byte("DIR_INTOHOME")), "DIR_INTOHOME", "DIR_INTOHOME", []string{"dir_incoming"}},
		{Form{Text}, hex.EncodeToString([]byte(`a, b\c|`)), `a, b\c|`, `a, b\c|`, nil},
		{Form{Host, App}, "04c0a80102 020050", `C0.A8.01.02\p-0050`, `192.168.1.2\Port-80`, []string{`192.168.1.2\http`}},
		{Form{Text, Text}, "0361 5c62 0163", `a\b\c`, `a\b\c`, nil},
		{Form{Host, Host, App}, "04c0a80102 04c0a80103 020050", `C0.A8.01.02\C0.A8.01.03\p-0050`,
			`192.168.1.2\192.168.1.3\Port-80`, nil},
	} {
		bin := unhex(c.bin)
		if got := string(c.form.AppendRaw([]byte("<"), bin)); got != "<"+c.raw {
			t.Errorf("%s raw %s, want %s", c.form, got, c.raw)
		}
		if got := string(c.form.AppendReadable([]byte("<"), bin)); got != "<"+c.readable {
			t.Errorf("%s readable %s, want %s", c.form, got, c.readable)
		}
		for _, text := range append([]string{c.raw, c.readable}, c.also...) {
			if got, err := c.form.Parse(text); err != nil || !bytes.Equal(got, bin) {
				t.Errorf("%s Parse(%q) = %x, %v, want %x", c.form, text, got, err, bin)
			}
			if got, err := c.form.ReadableToRaw(text); err != nil || got != c.raw {
				t.Errorf("%s ReadableToRaw(%q) = %s, %v", c.form, text, got, err)
			}
			if got := c.form.IsRaw(text); got != (text == c.raw) {
				t.Errorf("%s IsRaw(%q) = %v", c.form, text, got)
			}
		}
		if got := c.form.RawToReadable(c.raw); got != c.readable {
			t.Errorf("%s RawToReadable(%q) = %s", c.form, c.raw, got)
		}
		if !c.form.Valid(bin) {
			t.Errorf("%s: %x is not valid", c.form, bin)
		}
	}
}

func TestAddressesOfBothForms(t *testing.T) {
	f, text := Form{Host}, "10.20.30.40"
	raw, _ := f.Parse(text)
	typed, _ := f.ParseReadable(text)
	if !bytes.Equal(raw, unhex("10203040")) || !bytes.Equal(typed, []byte{10, 20, 30, 40}) {
		t.Errorf("raw %v, typed %v", raw, typed)
	}
	for _, c := range []struct{ list, want string }{
		{"10.20.30.40", "0a141e28-0a141e28"}, {"10.10.10.0~10.10.10.99", "0a0a0a00-0a0a0a63"},
		{"10.20.30.40,0A.00.00.01", "10203040-10203040 0a000001-0a000001"},
		{"10.20.30.40,10.0.0.1", "0a141e28-0a141e28 0a000001-0a000001"},
	} {
		ranges, err := f.ParseList(c.list)
		if got := show(ranges); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", c.list, got, err)
		}
	}
}

func show(ranges []Range) string {
	var all []string
	for _, r := range ranges {
		all = append(all, hex.EncodeToString(r.From)+"-"+hex.EncodeToString(r.To))
	}
	return strings.Join(all, " ")
}

func TestWrongKeys(t *testing.T) {
	for _, c := range []struct {
		form       Form
		text, want string
	}{
		{Form{Host}, "192.168.1", "192.168.1.2"}, {Form{Host}, "fe80::1%eth0", "IP address"}, {Form{Host}, "", `""`},
		{Form{App}, "htpp", `did you mean "http"?`}, {Form{App}, "65536", "Port-22"}, {Form{App}, "p-00G0", "p-0016"},
		{Form{Protocol}, "TCPP", `did you mean "TCP"?`}, {Form{Protocol}, "256", "Proto-6"},
		{Form{EtherType}, "IPv5", `did you mean "IPv4"?`}, {Form{Subnet}, "10.0.0.0/33", "192.168.1.0/24"},
		{Form{MAC}, "00:1C:C0:B9:B9", "MAC address"}, {Form{VLAN}, "4096", "4095"}, {Form{MPLS}, "1048576", "label"},
		{Form{Interface}, "10.0.0.1_", "router_ifIndex"}, {Form{Interface}, "10.0.0.1", "router_ifIndex"},
		{Form{ASN}, "4294967296", "AS64512"}, {Form{Country}, "Germani", `did you mean "Germany"?`},
		{Form{ICMP}, "8", "8/0"}, {Form{DSCP}, "64", "code point"}, {Form{Length}, "65", "65-127"},
		{Form{Host, App}, "10.0.0.1", "1 parts; expected 2"}, {Form{Host, App}, `10.0.0.1\x`, "part 2"},
		{Form{Text, Text}, strings.Repeat("a", 256) + `\b`, "at most 255"}, {Form{Text}, strings.Repeat("a", 5000), "4096"},
		{Form{}, "x", "parts"}, {Form{99}, "x", "unknown kind"},
	} {
		if bin, err := c.form.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s Parse(%.40q) = %x, %v; the error should say %q", c.form, c.text, bin, err, c.want)
		}
	}
}

func TestTotals(t *testing.T) {
	for _, f := range []Form{{Text}, {Host}, {Host, App}} {
		if _, err := f.Parse(Totals); !errors.Is(err, ErrTotals) {
			t.Errorf("%s: %v", f, err)
		}
		raw, err := f.ReadableToRaw("sys:group_totals")
		if raw != Totals || err != nil || !f.IsRaw(Totals) || f.RawToReadable(Totals) != Totals {
			t.Errorf("%s: %s, %v", f, raw, err)
		}
	}
	if got := string(Form{Text}.AppendRaw(nil, []byte(Totals))); got == Totals {
		t.Error("a row's key is written as Totals")
	}
	if got := string(Form{Host}.AppendReadable(nil, []byte(Totals))); got != "5359:533a:4752:4f55:505f:544f:5441:4c53" {
		t.Errorf("an IPv6 address is written %s", got)
	}
}

// Keys that no form allows are written too, and differently.
func TestOddKeys(t *testing.T) {
	for _, c := range []struct {
		form      Form
		bin, want string
	}{
		{Form{Host}, "0a0000", "0x0A0000"}, {Form{Host}, "", "0x"}, {Form{Host, App}, "04c0a80102", "0x04C0A80102"},
		{Form{Host, App}, "04c0a80102 020050 00", "0x04C0A8010202005000"}, {Form{Length}, "ff", "FF"}, {Form{}, "aa", "0xAA"},
		{Form{99}, "aa", "0xAA"}, {Form{Host, App}, "ff", "0xFF"}, {Form{DSCP}, "ff", "FF"},
	} {
		if got := string(c.form.AppendRaw(nil, unhex(c.bin))); got != c.want || c.form.Valid(unhex(c.bin)) {
			t.Errorf("%s %s: %s, want %s", c.form, c.bin, got, c.want)
		}
		_ = c.form.AppendReadable(nil, unhex(c.bin))
	}
}

func TestParts(t *testing.T) {
	f := Form{Host, Text, App}
	bin := AppendPart(AppendPart(AppendPart(nil, []byte{10, 0, 0, 1}), nil), []byte{0, 80})
	for i, want := range []string{"\x0a\x00\x00\x01", "", "\x00\x50"} {
		if got := f.Part(bin, i); string(got) != want {
			t.Errorf("part %d is %x", i, got)
		}
	}
	if f.Part(bin, 3) != nil || f.Part(bin, -1) != nil || f.Part(bin[:3], 0) != nil || f.Part(nil, 0) != nil {
		t.Error("a part that is not there")
	}
	if got := (Form{Host}).Part(bin, 0); !bytes.Equal(got, bin) {
		t.Errorf("the only part is %x", got)
	}
	if got := AppendPart(nil, make([]byte, 300)); len(got) != 256 || got[0] != 255 {
		t.Errorf("a long part has %d bytes", len(got))
	}
}

func TestKindsAndForms(t *testing.T) {
	for k := Text; k.known(); k++ {
		if got, err := ParseKind(strings.ToUpper(k.String())); got != k || err != nil {
			t.Errorf("%s: %v, %v", k, got, err)
		}
		if kinds[k].expected == "" {
			t.Errorf("%s has no text for errors", k)
		}
	}
	f := Form{Host, MACPair, App}
	if got, err := ParseForm(`host\mac_pair, app`); err != nil || !slices.Equal(got, f) || got.String() != `host\mac_pair\app` {
		t.Errorf("%s, %v", got, err)
	}
	text, err := json.Marshal(f)
	if err != nil || string(text) != `["host","mac_pair","app"]` {
		t.Errorf("%s, %v", text, err)
	}
	var back Form
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, f) {
		t.Errorf("%s, %v", back, err)
	}
	for _, bad := range []string{"", "hots", `host\host\host\host`} {
		if _, err := ParseForm(bad); err == nil {
			t.Errorf("%q is a form", bad)
		}
	}
	if _, err := json.Marshal(Form{0}); err == nil {
		t.Error("no error for kind 0")
	}
}

func TestLengthClass(t *testing.T) {
	for bytes, want := range map[uint32]string{0: "0-63", 63: "0-63", 64: "64", 65: "65-127", 127: "65-127", 128: "128-255",
		1518: "1024-1518", 1519: "1519-2047", 9216: "4096-9216", 9217: "9217+", 1<<32 - 1: "9217+"} {
		if got := string(Form{Length}.AppendReadable(nil, []byte{LengthClass(bytes)})); got != want {
			t.Errorf("%d bytes: %s", bytes, got)
		}
	}
}

func TestGuess(t *testing.T) {
	for text, want := range map[string]string{
		"192.168.1.2":        "host:C0.A8.01.02 text:192.168.1.2",
		"10.20.30.40":        "host:0A.14.1E.28 host:10.20.30.40 text:10.20.30.40",
		"p-0016":             "app:p-0016 text:p-0016",
		"ssh":                "app:p-0016 text:ssh",
		"64512":              "app:p-FC00 asn:64512 mpls:0000FC00 text:64512",
		"AS64512":            "asn:64512 text:AS64512",
		"10.0.0.0/8":         "subnet:0A.00.00.00/08 text:10.0.0.0/8",
		"10.0.0.1_3":         "interface:0A.00.00.01_00000003 text:10.0.0.1_3",
		"00-1c-c0-b9-b9-10":  "mac:00:1C:C0:B9:B9:10 text:00-1c-c0-b9-b9-10",
		"germany":            "country:DE text:germany",
		"tcp":                "app:TCP00 protocol:06 text:tcp",
		"arp":                "ethertype:0806 text:arp",
		"ff02::2":            "host:FF020000000000000000000000000002 text:ff02::2",
		"anything, at / all": "text:anything, at / all",
	} {
		var got []string
		for _, g := range Guess(text) {
			got = append(got, g.Kind.String()+":"+string(Form{g.Kind}.AppendRaw(nil, g.Bin)))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", text, s, want)
		}
	}
	if Guess(Totals) != nil {
		t.Error("Totals is guessed")
	}
}

func genPart(t *rapid.T, k Kind) []byte {
	for n := 0; ; n++ {
		b := rapid.SliceOfN(rapid.Byte(), 0, 20).Filter(func(b []byte) bool { return fits(k, b) }).Draw(t, "part")
		if k == Subnet && int(b[len(b)-1]) < 8*len(b) {
			for i := range b[:len(b)-1] {
				b[i] &^= byte(0xff >> min(max(int(b[len(b)-1])-8*i, 0), 8))
			}
		}
		if inRange(k, b) {
			return b
		}
		switch k { // what is rare among random bytes
		case VLAN:
			b[0] &= 15
		case MPLS:
			b[0], b[1] = 0, b[1]&15
		case DSCP:
			b[0] &= 63
		case Length:
			b[0] %= byte(len(lengthClasses))
		case Country:
			b[0], b[1] = 'A'+b[0]%26, 'A'+b[1]%26
		case Subnet:
			b = append(b[:0], 10, 0, 0, 0, 8)
		}
		if inRange(k, b) {
			return b
		}
	}
}

func genKey(t *rapid.T) (Form, []byte) {
	n := rapid.IntRange(1, MaxParts).Draw(t, "parts")
	var f Form
	var bin []byte
	for range n {
		k := Kind(rapid.IntRange(1, len(kinds)-1).Draw(t, "kind"))
		part := genPart(t, k)
		if k == Text || k == Direction {
			part = bytes.Map(func(r rune) rune { return 'a' + r%26 }, part)
		}
		if f = append(f, k); n == 1 {
			return f, part
		}
		bin = AppendPart(bin, part)
	}
	return f, bin
}

// Raw and readable forms are read back as the key they were written from.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, bin := genKey(t)
		if !f.Valid(bin) {
			t.Fatalf("%s %x is not valid", f, bin)
		}
		raw := string(f.AppendRaw(nil, bin))
		if back, err := f.Parse(raw); err != nil || !bytes.Equal(back, bin) {
			t.Fatalf("%s %x: raw %q is read as %x, %v", f, bin, raw, back, err)
		}
		if back, err := f.Parse(strings.ToLower(raw)); !f.hasText() && (err != nil || !bytes.Equal(back, bin)) {
			t.Fatalf("%s %x: raw %q in small letters is read as %x, %v", f, bin, raw, back, err)
		}
		readable := string(f.AppendReadable(nil, bin))
		if back, err := f.ParseReadable(readable); err != nil || !bytes.Equal(back, bin) {
			t.Fatalf("%s %x: readable %q is read as %x, %v", f, bin, readable, back, err)
		}
		if !f.IsRaw(raw) || f.RawToReadable(raw) != readable {
			t.Fatalf("%s %x: raw %q is not raw, or read as %q", f, bin, raw, f.RawToReadable(raw))
		}
	})
}

// Every value of the kinds of one or two bytes is read back from both its forms.
func TestRoundTripOfAllSmallKeys(t *testing.T) {
	for k := Text; k.known(); k++ {
		f := Form{k}
		for n := range 1<<8 + 1<<16 {
			bin := []byte{byte(n)}
			if n >= 1<<8 {
				bin = []byte{byte((n - 1<<8) >> 8), byte(n)}
			}
			if f.hasText() || !f.Valid(bin) {
				continue
			}
			for _, text := range [...]string{string(f.AppendRaw(nil, bin)), string(f.AppendReadable(nil, bin))} {
				if back, err := f.Parse(text); err != nil || !bytes.Equal(back, bin) {
					t.Fatalf("%s %x: %q is read as %x, %v", f, bin, text, back, err)
				}
			}
		}
	}
}

// Binary keys of one kind and length sort as their raw forms.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Kind(rapid.IntRange(1, len(kinds)-1).Draw(t, "kind"))
		f, a, b := Form{k}, genPart(t, k), genPart(t, k)
		want := bytes.Compare(f.AppendRaw(nil, a), f.AppendRaw(nil, b))
		if got := f.Compare(a, b); got != want {
			t.Fatalf("%s: Compare(%x, %x) = %d, raw forms say %d", k, a, b, got, want)
		}
	})
}

func TestSet(t *testing.T) {
	hosts, cross := Form{Host}, Form{Host, App}
	for _, c := range []struct {
		form          Form
		list          string
		in, out       string
		totals, every bool
	}{
		{hosts, "10.0.0.1~10.0.0.3", "10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.0 10.0.0.4 ::1", false, false},
		{hosts, "10.0.0.1 to 10.0.0.3, 10.0.0.2~10.0.0.9,10.1.0.0/16", "10.0.0.9 10.1.255.255 10.1.0.0", "10.0.0.10 10.2.0.0", false, false},
		{hosts, "2001:db8::/32", "2001:db8::1 2001:db8:ffff::", "2001:db9:: 32.1.13.184", false, false},
		{hosts, "10.1.*, *::5", "10.1.2.3 2001::5", "10.10.2.3 2001::55", false, false},
		{hosts, "0a.01.*", "10.1.2.3", "10.2.1.1", false, false},
		{hosts, "10.0.0.?", "10.0.0.1", "10.0.0.11", false, false},
		{hosts, "*", "10.0.0.1 ::1", "", false, true},
		{hosts, "!192.168.1.8~192.168.1.18", "192.168.1.7 ::1", "192.168.1.8 192.168.1.18", false, false},
		{hosts, "10.0.0.0/8,!10.0.0.5", "10.0.0.4", "10.0.0.5 11.0.0.1", false, false},
		{hosts, "SYS:GROUP_TOTALS", "", "10.0.0.1", true, false},
		{hosts, "*,sys:group_totals", "10.0.0.1", "", true, true},
		{Form{App}, "http,https", "80 443 p-0050", "81 ICMP00", false, false},
		{Form{App}, "Port-2000~Port-6000", "2000 6000", "1999 6001", false, false},
		{Form{Country}, "us,ca", "US CA", "DE", false, false},
		{Form{ASN}, "AS9~AS100", "9 10 99 100", "8 101", false, false},
		{Form{Text}, `"a,b", c~e, "*"`, "a,b c dog e *", "a b f", false, false},
		{cross, `10.0.0.1\http, *\port-22`, `10.0.0.1\80 9.9.9.9\22`, `10.0.0.1\81`, false, false},
	} {
		s, err := c.form.ParseSet(c.list)
		if err != nil {
			t.Errorf("%s: %v", c.list, err)
			continue
		}
		for i, texts := range []string{c.in, c.out} {
			for _, text := range strings.Fields(texts) {
				bin, err := c.form.ParseReadable(text)
				if err != nil || s.Match(bin) != (i == 0) {
					t.Errorf("%s: Match(%s) = %v, %v", c.list, text, s.Match(bin), err)
				}
			}
		}
		if s.HasTotals() != c.totals || s.All() != c.every {
			t.Errorf("%s: totals %v, all %v", c.list, s.HasTotals(), s.All())
		}
	}
}

func TestWrongLists(t *testing.T) {
	for _, c := range []struct{ list, want string }{
		{"", "no keys"}, {" , ,", "no keys"}, {"10.0.0.1,x", "item 2"}, {"10.0.0.1~::1", "two sorts"},
		{"10.0.0.2~10.0.0.1", "backwards"}, {`"10.0.0.1`, "no end"}, {`"10.0.0.1" x`, "comma"}, {"10.0.0.1~", "IP address"},
		{"10.0.0.0/99", "subnet"},
	} {
		if _, err := (Form{Host}).ParseSet(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; should say %q", c.list, err, c.want)
		}
		if _, err := (Form{Host}).ParseList(c.list); err == nil {
			t.Errorf("%q is a list", c.list)
		}
	}
}

func TestSetKeys(t *testing.T) {
	f := Form{Host}
	s, _ := f.ParseSet("10.0.0.2,10.0.0.1,::1,10.0.0.2")
	if keys, ok := s.Keys(); !ok || len(keys) != 3 {
		t.Errorf("%x, %v", keys, ok)
	}
	for _, list := range []string{"*", "10.0.0.0/24", "10.*", "!10.0.0.1"} {
		s, _ := f.ParseSet(list)
		if _, ok := s.Keys(); ok {
			t.Errorf("%s is a list of keys", list)
		}
	}
}

// A set agrees with looking at every range.
func TestSetAgainstRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]Form{{App}, {Text}}).Draw(t, "form")
		gen := rapid.SliceOfN(rapid.ByteRange(0, 5), 1, 2)
		var ranges []Range
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
			if len(a) != len(b) && f[0] == App {
				b = a
			}
			if bytes.Compare(a, b) > 0 {
				a, b = b, a
			}
			ranges = append(ranges, Range{a, b})
		}
		s := f.NewSet(ranges)
		bin := gen.Draw(t, "bin")
		want := slices.ContainsFunc(ranges, func(r Range) bool {
			return (f[0] == Text || len(bin) == len(r.From)) && bytes.Compare(bin, r.From) >= 0 && bytes.Compare(bin, r.To) <= 0
		})
		if got := s.Match(bin); got != want {
			t.Fatalf("%v in %s: %v, want %v", bin, show(ranges), got, want)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	dst := make([]byte, 0, 256)
	host, cross := []byte{10, 1, 2, 3}, unhex("1020010db8000000000000000000000001 020050")
	set, err := Form{Host}.ParseSet("1.2.3.4,10.9.*,192.168.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	hosts, crossed, asn := Form{Host}, Form{Host, App}, Form{ASN}
	if n := testing.AllocsPerRun(100, func() {
		var own [64]byte
		dst = hosts.AppendRaw(dst[:0], host)
		dst = hosts.AppendReadable(dst[:0], host)
		_ = crossed.AppendRaw(own[:0], cross)
		dst = crossed.AppendReadable(dst[:0], cross)
		_ = asn.Compare(host, host)
		_ = set.Match(host)
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"192.168.1.2", "C0.A8.01.02", "10.20.30.40", "p-0016", "ssh", "10.0.0.0/8", "10.0.0.1_3",
		`C0.A8.01.02\p-0050`, "00:1C:C0:B9:B9:10", Totals, "ff02::2", "8/0", "AS1", "Germany", "IP000000", "", "\xff", "_"} {
		f.Add(s, uint8(Host), uint8(App))
	}
	f.Fuzz(func(t *testing.T, s string, a, b uint8) {
		for _, form := range []Form{{Kind(a)}, {Kind(a), Kind(b)}, {Kind(b), Kind(a), Text}} {
			for _, parse := range []func(string) ([]byte, error){form.Parse, form.ParseReadable} {
				bin, err := parse(s)
				if err != nil {
					continue
				}
				if !form.Valid(bin) {
					t.Fatalf("%s %q: %x is not valid", form, s, bin)
				}
				raw := string(form.AppendRaw(nil, bin))
				if back, err := form.Parse(raw); !form.hasText() && (err != nil || !bytes.Equal(back, bin)) {
					t.Fatalf("%s %q: raw %q is read as %x, %v", form, s, raw, back, err)
				}
			}
		}
		Guess(s)
	})
}

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"10.0.0.1~10.0.0.3", "10.0.0.0/8,!10.0.0.5", `"a,b",*`, "a to b", "10.?.*", "!", "~", "!!x", `""`} {
		f.Add(s, uint8(Host), "x")
	}
	f.Fuzz(func(t *testing.T, s string, k uint8, bin string) {
		form := Form{Kind(k)}
		if _, err := form.ParseList(s); err == nil {
			if _, err := form.ParseSet(s); err != nil {
				t.Fatalf("%q is a list and no set: %v", s, err)
			}
		}
		if set, err := form.ParseSet(s); err == nil {
			set.Match([]byte(bin))
			set.HasTotals()
			set.Keys()
		}
	})
}

func BenchmarkAppendRaw(b *testing.B) {
	f, bin, dst := Form{Host, App}, unhex("04c0a80102 020050"), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		dst = f.AppendRaw(dst[:0], bin)
	}
}

func BenchmarkMatch(b *testing.B) {
	f := Form{Host}
	s, err := f.ParseSet("10.0.0.0/8,192.168.1.1~192.168.1.9,1.2.3.4,!10.0.0.5")
	if err != nil {
		b.Fatal(err)
	}
	bin := []byte{10, 0, 0, 6}
	b.ReportAllocs()
	for b.Loop() {
		s.Match(bin)
	}
}
