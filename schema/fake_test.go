package schema

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// row is what a record of the tests has: attribute (with ".1" for the second occurrence) -> value. The fields of
// rowFields read it instead of the record that they are given.
type row map[string]Value

// fakeFields describes the table of the tests: name -> type, with "+" before names that may be nested.
var fakeFields = map[string]Type{
	"+ipsource": IPv4, "+ipdestination": IPv4, "+ip6source": IPv6, "+macsource": MAC, "+macdestination": MAC,
	"+ipprotocol": Uint, "+ipbytes": Uint, "+ipecn": Bits, "+tcpflags": Bits, "+isbroadcast": Bool, "+vlan": Uint,
	"+tcpsourceport": Uint, "+tcpdestinationport": Uint, "+udpsourceport": Uint, "+udpdestinationport": Uint,
	"stack": Text, "dnsqname": Text, "httpurl": Text, "direction": Text, "bytes": Uint, "frames": Uint,
	"requests": Uint, "duration": Uint, "tcprtt": Int, "load": Float, "ibbt_offset": Uint,
}

// rowFields returns fields that read current.
func rowFields(current *row) []Field {
	var list []Field
	for name, typ := range fakeFields {
		bare, nested := strings.CutPrefix(name, "+")
		var scratch []byte
		list = append(list, Field{Name: bare, Type: typ, Nested: nested,
			Read: func(_ *Record, nth int, out *Value) {
				key := bare
				if nth > 0 {
					key += "." + string(rune('0'+nth))
				}
				v, ok := (*current)[key]
				if !ok {
					return
				}
				*out = v
				if typ == Text { // rendered into scratch of the field, as "stack" is
					scratch = append(scratch[:0], v.B...)
					out.B = scratch
				}
			}})
	}
	return list
}

// value makes a Value of typ from how the language shows it.
func value(typ Type, text string) (v Value) {
	switch typ {
	case Bool:
		v.SetBool(text == "true")
	case Int, Uint, Float:
		f, ok := parseNumber([]byte(text))
		if !ok {
			panic(text)
		}
		if v.SetFloat(f); typ != Float {
			n, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64)
			if err != nil {
				panic(err)
			}
			if v = (Value{Type: typ, N: n}); f < 0 {
				v.N = -n
			}
		}
	case IPv4, IPv6:
		v.SetIP(netip.MustParseAddr(text).AsSlice())
	case MAC:
		n, ok := parseMAC(text)
		if !ok {
			panic(text)
		}
		v.SetMAC(macBytes(n))
	case Text:
		v.SetText([]byte(text))
	case Bits:
		v.SetBits(0, uint8(len(text)))
		for _, c := range text {
			v.N = v.N<<1 | uint64(c&1)
		}
	}
	return v
}

// rowOf makes a row from "name=text" pairs.
func rowOf(pairs ...string) row {
	r := row{}
	for _, p := range pairs {
		name, text, _ := strings.Cut(p, "=")
		bare, _, _ := strings.Cut(name, ".")
		typ, ok := fakeFields[bare]
		if !ok {
			typ, ok = fakeFields["+"+bare]
		}
		if !ok {
			panic("no field " + name)
		}
		r[name] = value(typ, text)
	}
	return r
}

// tcpRow is a TCP packet with a VXLAN-like inner header.
func tcpRow() row {
	return rowOf("ipsource=198.51.100.1", "ipdestination=198.51.100.2", "ipprotocol=6", "ipbytes=52",
		"tcpsourceport=40000", "tcpdestinationport=443", "tcpflags=000010010", "ipecn=11", "stack=eth.ip.tcp",
		"macsource=020000000001", "macdestination=FFFFFFFFFFFF", "isbroadcast=true", "bytes=1000", "frames=1",
		"ipsource.1=10.0.0.1", "direction=ingress", "tcprtt=-5", "load=1.5",
		"httpurl=http://me@www.example.org:8080/a/./b/../c/file.tar.gz?q=1&r=2#top")
}

// recordFields are a few fields as the wire makes them, for benchmarks and tests of allocations.
func recordFields() []Field {
	port := func(get func(*Record) uint16) func(*Record, int, *Value) {
		return func(r *Record, nth int, out *Value) {
			if nth == 0 && r.HasPorts {
				out.SetUint(uint64(get(r)))
			}
		}
	}
	addr := func(get func(*Record) *Addr) func(*Record, int, *Value) {
		return func(r *Record, nth int, out *Value) {
			if a := get(r); nth == 0 && r.IPv == 4 {
				out.SetIP(a[12:])
			}
		}
	}
	return []Field{
		{Name: "ipsource", Type: IPv4, Nested: true, Read: addr(func(r *Record) *Addr { return &r.Src })},
		{Name: "ipdestination", Type: IPv4, Nested: true, Read: addr(func(r *Record) *Addr { return &r.Dst })},
		{Name: "tcpsourceport", Type: Uint, Read: port(func(r *Record) uint16 { return r.SrcPort })},
		{Name: "tcpdestinationport", Type: Uint, Read: port(func(r *Record) uint16 { return r.DstPort })},
		{Name: "ipprotocol", Type: Uint, Read: func(r *Record, _ int, out *Value) { out.SetUint(uint64(r.Proto)) }},
		{Name: "tcpflags", Type: Bits, Read: func(r *Record, _ int, out *Value) { out.SetBits(uint64(r.TCPFlags), 9) }},
		{Name: "ipbytes", Type: Uint, Read: func(r *Record, _ int, out *Value) { out.SetUint(r.Bytes) }},
		{Name: "stack", Type: Text, Read: func(_ *Record, _ int, out *Value) { out.SetText(fakeStack) }},
		{Name: "macsource", Type: MAC, Read: func(r *Record, _ int, out *Value) { out.SetMAC(r.Header[6:12]) }},
		{Name: "bytes", Type: Uint, Read: func(r *Record, _ int, out *Value) { out.SetUint(uint64(r.Length)) }},
	}
}

var fakeStack = []byte("eth.ip.tcp")

// tcpRecord is what recordFields read.
func tcpRecord() *Record {
	r := &Record{Src: Addr4([4]byte{198, 51, 100, 1}), Dst: Addr4([4]byte{198, 51, 100, 2}), SrcPort: 40000,
		DstPort: 443, HasPorts: true, HasProto: true, Proto: 6, IPv: 4, TCPFlags: 0x12, Length: 1000, Bytes: 52,
		Rate: 1000}
	r.Header = binary.BigEndian.AppendUint64(make([]byte, 6), 0x020000000001<<16)
	return r
}
