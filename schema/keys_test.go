package schema

import (
	"errors"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"
)

// keyText returns the text of a key of a row; "" and false when null.
func keyText(t *testing.T, in row, list string) (string, bool) {
	t.Helper()
	k, err := NewCompiler(rowFields(&in)).Keys(list)
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	b, ok := k.Append(nil, &Record{})
	return string(AppendKeyText(nil, b, ",")), ok
}

func TestKeys(t *testing.T) {
	const null = "(null)"
	cases := []struct{ keys, want string }{
		{"ipsource,ipdestination", "198.51.100.1,198.51.100.2"},
		{" ipsource , 'ipdestination' ", "198.51.100.1,198.51.100.2"},
		{"", ""},
		{"ipsource.1", "10.0.0.1"},
		{"ipsource.2", null},
		{"ipsource.01", null},
		{"stack.1", null},
		{"nosuch", null},
		{"ipsource,nosuch", null},
		{"[ipsource]", "198.51.100.1"},
		{"macdestination,isbroadcast,tcpflags,tcprtt,load", "FFFFFFFFFFFF,true,000010010,-5,1.5"},
		{"null:vlan:none,ipsource", "none,198.51.100.1"},
		{"null:vlan,null:ipprotocol", "null,6"},
		{"null:vlan:", ""},
		{`null:vlan:a\:b\,c\]\'\\`, `a:b,c]'\`},
		{"or:tcpsourceport:udpsourceport", "40000"},
		{"or:udpsourceport:vlan:tcpsourceport", "40000"},
		{"or:udpsourceport:vlan", null},
		{"if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "198.51.100.1"},
		{"if:[first:stack:.:ip:ip6]:ip6:ipsource:ip6source", null},
		{"if:vlan:1:ipsource:ipdestination", "198.51.100.2"},
		{"first:stack:.:tcp:ip", "ip"},
		{"first:stack:.:ip6", null},
		{"prefix:stack:.:2", "eth.ip"},
		{"prefix:stack:.:9", "eth.ip.tcp"},
		{"suffix:stack:.:2", "ip.tcp"},
		{"suffix:stack:.:3", "eth.ip.tcp"},
		{"suffix:ipsource:.:1", "1"},
		{"prefix:[uri:httpurl:path]:/:2", "/a"},
		{"mask:ipsource:24", "198.51.100.0/24"},
		{"mask:ipsource:27,mask:ipsource:0,mask:ipsource:64", "198.51.100.0/27,0.0.0.0/0,198.51.100.1/32"},
		{"mask:stack:24", null},
		{"eq:ipsource:ipdestination", "false"},
		{"eq:ipsource:ipsource,eq:frames:frames", "true,true"},
		{"eq:ipsource:vlan", null},
		{"eq:[prefix:stack:.:1]:[suffix:stack:.:1]", "false"},
		{"range:ipbytes:52:52,range:ipbytes:53,range:ipbytes::51,range:ipbytes:0:", "true,false,false,true"},
		{"range:tcprtt:-5:-5,range:load:1.5:1.6", "true,true"},
		{"range:stack:0", null},
		{`concat:\::ipsource:ipprotocol`, "198.51.100.1:6"},
		{"concat: :ipsource:ipprotocol,concat::ipprotocol:ipprotocol", "198.51.100.1 6,66"},
		{"concat:-:ipsource:vlan", null},
		{"bits:ipbytes:20,bits:ipbytes:0x30,bits:tcpflags:2", "20,48,2"},
		{"bits:stack:1", null},
		{"uri:httpurl:scheme,uri:httpurl:user,uri:httpurl:authority", "http,me,me@www.example.org:8080"},
		{"uri:httpurl:host,uri:httpurl:port,uri:httpurl:path", "www.example.org,8080,/a/./b/../c/file.tar.gz"},
		{"uri:httpurl:file,uri:httpurl:extension,uri:httpurl:query", "file.tar.gz,gz,q=1&r=2"},
		{"uri:httpurl:fragment,uri:httpurl:isabsolute,uri:httpurl:isopaque", "top,true,false"},
		{"uri:httpurl:normalized", "http://me@www.example.org:8080/a/c/file.tar.gz?q=1&r=2#top"},
		{"len:stack,upper:stack,lower:macdestination", "10,ETH.IP.TCP,ffffffffffff"},
		{"oui:macsource,oui:macsource:name", "020000,020000"},
		{"oui:ipsource", null},
		{"hash:ipprotocol:stack", strconv.FormatUint(fnvOf("6\xffeth.ip.tcp\xff"), 10)},
		{"hash:vlan", null},
	}
	for _, c := range cases {
		got, ok := keyText(t, tcpRow(), c.keys)
		if !ok {
			got = null
		}
		if got != c.want {
			t.Errorf("%s = %q, want %q", c.keys, got, c.want)
		}
	}
}

func fnvOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func TestAcceptanceKeys(t *testing.T) {
	six := rowOf("ip6source=FE80::104C:51DF:4458:E00A", "stack=eth.ip6.udp.dns", "dnsqname=a.b.example.org.",
		"udpsourceport=53", "ipbytes=64")
	cases := map[string]string{
		"if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source": "FE80::104C:51DF:4458:E00A",
		"mask:ip6source:10":              "FE80::/10",
		"suffix:dnsqname:.:2":            "org.",
		"suffix:dnsqname:.:3":            "example.org.",
		"or:tcpsourceport:udpsourceport": "53",
		"range:ipbytes:0:63,range:ipbytes:64:64,range:ipbytes:65:127,range:ipbytes:1519": "false,true,false,false",
	}
	for keys, want := range cases {
		if got, ok := keyText(t, six, keys); got != want || !ok {
			t.Errorf("%s = %q %v, want %q", keys, got, ok, want)
		}
	}
}

func TestKeyErrors(t *testing.T) {
	cases := []struct {
		keys      string
		pos       int
		msg, hint string
	}{
		{"ipsource,grup:x:y", 9, `unknown function "grup"`, ""},
		{"ipsource,prefx:stack:.:2", 9, `unknown function "prefx"`, `did you mean "prefix"?`},
		{"prefix:stack:.", 0, `function "prefix" needs 3 arguments`, "write prefix:KEY:DELIM:N"},
		{"prefix:stack:.:2:3", 17, `function "prefix" takes at most 3 arguments`, ""},
		{"prefix:stack:.:x", 15, `"x" is not a number of parts`, ""},
		{"prefix:stack::2", 13, "empty delimiter", ""},
		{"a,prefix:[uri:httpurl:path:/:2", 9, "bracket without an end", ""},
		{"a]", 1, "closing bracket without an opening one", ""},
		{"prefix:[uri:httpurl:pth]:/:2", 20, `unknown part of a URI "pth"`, `did you mean "path"?`},
		{"[a]b", 3, "text after a closing bracket", ""},
		{"null:vlan:[x]", 11, "an expression in brackets where a plain text is needed", ""},
		{"a,,b", 2, "nothing where an attribute", ""},
		{"a,", 2, "nothing where an attribute", ""},
		{"'a", 0, "quote without an end", ""},
		{"a'b'", 1, "quote inside a key", ""},
		{"ip source", 0, `character ' ' in the name`, ""},
		{"or:ipsource:ip/6", 12, `character '/' in the name`, ""},
		{`concat:\`, 7, "backslash at the end", ""},
		{"mask:ipsource:129", 14, `"129" is not a number of bits`, ""},
		{"range:ipbytes:9:3", 14, "the low bound is above the high one", ""},
		{"bits:ipbytes:x1", 13, `mask "x1" is not a number`, ""},
		{strings.Repeat("[", 40) + "a" + strings.Repeat("]", 40), 33, "brackets nested deeper than 32", ""},
		{strings.Repeat("a,", 1100) + "a", 2048, "more than 1024", ""},
		{strings.Repeat("a", 20000), 16384, "longer than 16 KiB", ""},
	}
	c := NewCompiler(rowFields(new(row)))
	for _, tc := range cases {
		_, err := c.Keys(tc.keys)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("%.60s: error %v", tc.keys, err)
			continue
		}
		if se.Pos != tc.pos || !strings.Contains(se.Msg, tc.msg) || !strings.Contains(se.Hint, tc.hint) {
			t.Errorf("%.60s: %d %q %q, want %d %q %q", tc.keys, se.Pos, se.Msg, se.Hint, tc.pos, tc.msg, tc.hint)
		}
		if len(se.Error()) > 500 {
			t.Errorf("%.60s: message of %d bytes", tc.keys, len(se.Error()))
		}
	}
}

func TestErrorText(t *testing.T) {
	_, err := NewCompiler(nil).Keys("ipsource,frst:stack:.:ip")
	want := `at 9 in "ipsource,frst:stack:.:ip": unknown function "frst"; did you mean "first"?`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestUnknownAttributesAreTold(t *testing.T) {
	c := NewCompiler(rowFields(new(row)))
	k, err := c.Keys("ipsorce,or:vlan:vlna,stack.1")
	if err != nil || strings.Join(k.Unknown, " ") != "ipsorce vlna stack.1" {
		t.Errorf("%v %v", k.Unknown, err)
	}
	if got := strings.Join(k.Exprs[1].Unknown, " "); got != "vlna" {
		t.Errorf("second key: %q", got)
	}
}

func TestDynamicAndOverride(t *testing.T) {
	c := NewCompiler(nil, []Func{{Name: "oui", Min: 1, Max: 1, Build: func(c *Compiler, args []Arg) (Eval, error) {
		sub, err := c.Sub(args[0])
		return func(r *Record, out *Value) { sub(r, out); out.N++ }, err
	}}})
	c.Dynamic = func(name string) (Field, bool) {
		return Field{Name: name, Type: Uint, Nested: true,
			Read: func(_ *Record, nth int, out *Value) { out.SetUint(uint64(nth) + 3) }}, name == "ie15397_3"
	}
	k, err := c.Keys("ie15397_3,oui:[ie15397_3.2]")
	if err != nil {
		t.Fatal(err)
	}
	b, ok := k.Append(nil, &Record{})
	if got := string(AppendKeyText(nil, b, ",")); got != "3,6" || !ok {
		t.Errorf("%q %v", got, ok)
	}
	if f := c.Funcs(); len(f) != len(textFuncs())+len(valueFuncs()) {
		t.Errorf("%d functions", len(f))
	}
}

func TestValue(t *testing.T) {
	in := tcpRow()
	c := NewCompiler(rowFields(&in))
	cases := []struct {
		value, attribute string
		modifier         Modifier
		factor           float64
		want             string
	}{
		{"bytes", "bytes", Sum, 1, "1000"},
		{" 'sum:bytes' ", "bytes", Sum, 1, "1000"},
		{"rate:requests", "requests", Rate, 1, "null"},
		{"bps", "bytes", Sum, 8, "8000"},
		{"fps", "frames", Sum, 1, "1"},
		{"avg:ipbytes", "ipbytes", Avg, 1, "52"},
		{"min: ipbytes", "ipbytes", Min, 1, "52"},
		{"max:ipbytes", "ipbytes", Max, 1, "52"},
		{"count:ipsource", "ipsource", Count, 1, "198.51.100.1"},
		{"last:tcprtt", "tcprtt", Last, 1, "-5"},
		{"avg:bits:ipbytes:16", "", Avg, 1, "16"},
		{"count:[prefix:stack:.:2]", "", Count, 1, "eth.ip"},
	}
	for _, tc := range cases {
		m, err := c.Value(tc.value)
		if err != nil {
			t.Errorf("%s: %v", tc.value, err)
			continue
		}
		var v Value
		m.Eval(&Record{}, &v)
		if m.Attribute != tc.attribute || m.Modifier != tc.modifier || m.Factor != tc.factor || v.String() != tc.want ||
			m.Scaled != (tc.modifier <= Rate) {
			t.Errorf("%s: %+v = %s", tc.value, m, v)
		}
	}
	for value, pos := range map[string]int{"": 0, "avg:": 4, "mean:bytes": 0, "'bytes": 0, "by tes": 0} {
		_, err := c.Value(value)
		var se *SyntaxError
		if !errors.As(err, &se) || se.Pos != pos {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestKeysDoNotAllocate(t *testing.T) {
	c, r := NewCompiler(recordFields()), tcpRecord()
	for _, list := range []string{"ipsource,ipdestination,tcpsourceport,tcpdestinationport",
		`concat:\::ipsource:ipprotocol,mask:ipdestination:24,eq:stack:stack,if:[first:stack:.:ip]:ip:ipsource:nosuch`,
		"prefix:stack:.:2,null:nosuch:x,range:bytes:1:2000,bits:bytes:7,hash:stack:macsource,oui:macsource,len:stack",
		"upper:stack,uri:stack:normalized,or:nosuch:macsource"} {
		k, err := c.Keys(list)
		if err != nil {
			t.Fatal(err)
		}
		buf, _ := k.Append(nil, r)
		if n := testing.AllocsPerRun(100, func() { buf, _ = k.Append(buf[:0], r) }); n != 0 || len(buf) == 0 {
			t.Errorf("%s: %v allocations, %d bytes", list, n, len(buf))
		}
	}
}

func BenchmarkKeys(b *testing.B) {
	c, r := NewCompiler(recordFields()), tcpRecord()
	for _, list := range []string{"ipsource", "ipsource,ipdestination",
		"ipsource,ipdestination,tcpsourceport,tcpdestinationport", "mask:ipsource:24",
		"if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "macsource,stack"} {
		b.Run(list, func(b *testing.B) {
			k, err := c.Keys(list)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			buf := make([]byte, 0, 256)
			for b.Loop() {
				buf, _ = k.Append(buf[:0], r)
			}
		})
	}
}
