package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// passes tells whether a row passes a filter.
func passes(t *testing.T, in row, expr string) bool {
	t.Helper()
	f, err := NewCompiler(rowFields(&in)).Filter(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return f == nil || f(&Record{})
}

func TestFilter(t *testing.T) {
	in := tcpRow()
	in["ip6source"] = value(IPv6, "FE80::104C:51DF:4458:E00A")
	in["dnsqname"] = value(Text, "null")
	cases := []struct {
		expr string
		want bool
	}{
		{"", true}, {"  ", true}, {"null", true},
		{"ipprotocol=6,17", true}, {"ipprotocol!=6,17", false}, {"ipprotocol=17", false}, {"ipprotocol!=17", true},
		{"ipprotocol = 06", true}, {"ipprotocol='6'", true}, {"ipprotocol=6.0", true}, {"ipprotocol=six", false},
		{"tcpflags~.......1.", true}, {"tcpflags~....1..1.", true}, {"tcpflags~1", false}, {"tcpflags!~1", true},
		{"tcpflags=000010010", true}, {"tcpflags=10010", false}, {"ipecn=11", true}, {"ipecn=3", false},
		{"'ipsource'='198.51.100.1'&'stack'='eth.ip.tcp'", true},
		{"ipsource=198.51.100.1&stack=eth.ip.tcp", true},
		{"ipsource=198.51.100.2,198.51.100.1", true}, {"ipsource=::ffff:198.51.100.1", true},
		{"ip6source=fe80::104c:51df:4458:e00a", true}, {"ip6source=FE80:0:0:0:104C:51DF:4458:E00A", true},
		{"ip6source=fe80::1", false}, {"ip6source~FE80::.*", true}, {"ip6source~fe80::.*", false},
		{"mask:ip6source:32=fe80::/32", true}, {"mask:ipsource:24=198.51.100.9/24", true},
		{"macdestination=FFFFFFFFFFFF", true}, {"macdestination=ff:ff:ff:ff:ff:ff", true},
		{"macdestination=ffff.ffff.ffff", true}, {"macdestination=ff-ff-ff-ff-ff-ff", true},
		{"macdestination=ff:ff:ff-ff-ff-ff", false}, {"macdestination~FF.*", true},
		{"isbroadcast=true", true}, {"isbroadcast=yes", true}, {"isbroadcast=no", false}, {"isbroadcast!=no", true},
		{"isbroadcast=1", false}, {"isbroadcast~tr.*", true},
		{"vlan=null", true}, {"vlan!=null", false}, {"ipprotocol=null", false}, {"ipprotocol!=null", true},
		{"vlan='null'", true}, {"null:vlan=null", true}, {"dnsqname=null", true},
		{"vlan=5", false}, {"vlan!=5", true}, {"vlan~5", false}, {"vlan!~5", true},
		{"vlan=5,null", true}, {"vlan!=5,null", false}, {"vlan~5,null", true}, {"vlan!~null", false},
		{"tcprtt=-5", true}, {"tcprtt=-5.0", true}, {"tcprtt=5", false}, {"load=1.5", true}, {"load=15e-1", true},
		{"direction=ingress&(tcpsourceport=53|tcpdestinationport=443)", true},
		{"direction=egress&tcpsourceport=53|tcpdestinationport=443", true},
		{"direction=egress&(tcpsourceport=53|tcpdestinationport=443)", false},
		{" ( ( ipprotocol = 6 ) ) & ( stack ~ .*\\.tcp ) ", true},
		{"stack='eth,ip','eth.ip.tcp'", true}, {"stack~'(eth|x)\\.ip\\..{2,3}'", true}, {"stack~eth", false},
		{"stack~[a-z.]+", true}, {"stack~a,b,.*tcp", true}, {"stack!~a,b", true},
		{"prefix:[uri:httpurl:path]:/:2=/a", true}, {"'prefix:[uri:httpurl:path]:/:2'='/a'", true},
		{"suffix:stack:.:1!=tcp,udp", false}, {"range:ipbytes:0:99=true&stack~.*\\.tcp", true},
		{`concat:\=:ipprotocol:ipbytes=6\=52`, true}, {`'concat:=:ipprotocol:ipbytes'='6=52'`, true},
		{`concat:\':ipprotocol:ipbytes='6\'52'`, true},
		{`concat:\&:ipprotocol:ipbytes=6\&52`, true}, {"ipsource.1=10.0.0.1", true}, {"ipsource.2=null", true},
		{"nosuch=null", true}, {"stack=''", false}, {"null:vlan:=''", true}, {"upper:stack=ETH.IP.TCP", true},
	}
	for _, c := range cases {
		if got := passes(t, in, c.expr); got != c.want {
			t.Errorf("%s = %v", c.expr, got)
		}
	}
}

func TestNullFailsUnequal(t *testing.T) {
	in := tcpRow()
	c := NewCompiler(rowFields(&in))
	c.NullFailsUnequal = true
	for expr, want := range map[string]bool{"vlan!=5": false, "vlan!~5": false, "vlan!=null": false, "vlan=null": true,
		"ipprotocol!=5": true} {
		f, err := c.Filter(expr)
		if err != nil || f(&Record{}) != want {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	cases := []struct {
		expr, msg string
		pos       int
	}{
		{"ipprotocol", "no operator after the attribute", 10},
		{"ipprotocol=", "no value", 11},
		{"ipprotocol=6,", "no value", 13},
		{"stack~&a=b", "no value", 6},
		{"=6", "nothing where a comparison is needed", 0},
		{"a=1&", "nothing where a comparison is needed", 4},
		{"a=1||b=2", "nothing where a comparison is needed", 4},
		{"!a=1", "character '!' in the name", 0},
		{"a!1", "character '!' in the name", 0},
		{"(a=1", "bracket without an end", 0},
		{"a=1)", "closing bracket without an opening one", 3},
		{"(a=1&(b=2)", "bracket without an end", 0},
		{"a=(1)", `"(" inside a value`, 2},
		{"a=1 b=2", `"=" inside a value`, 5},
		{"a=it's", `"'" inside a value`, 4},
		{"a='x' b", "text after a quoted value", 6},
		{"a='x", "quote without an end", 2},
		{"'a=1", "quote without an end", 0},
		{"a,b=1", "no operator after the attribute", 1},
		{"ipprotocol=1&grup:x:y=2", `unknown function "grup"`, 13},
		{"stack~a[", "regular expression: missing closing ]", 7},
		{"stack~'(?=x)y'", "regular expression: invalid or unsupported Perl syntax", 7},
		{"stack~x{1000}", "", -1},
		{"stack~'(x{100}){100}'", "regular expression", 7},
		{"stack~" + strings.Repeat("x", 1025), "longer than 1024 bytes", 6},
		{strings.Repeat("(", 33) + "a=1" + strings.Repeat(")", 33), "nested deeper than 32", 32},
		{strings.Repeat("(", 32) + "a=1" + strings.Repeat(")", 32), "", -1},
		{"a=1" + strings.Repeat(",1", 1100), "more than 1024", -2},
		{"a=1" + strings.Repeat("&a=1", 1100), "more than 1024", -2},
	}
	c := NewCompiler(rowFields(new(row)))
	for _, tc := range cases {
		_, err := c.Filter(tc.expr)
		if tc.pos == -1 {
			if err != nil {
				t.Errorf("%.60s: %v", tc.expr, err)
			}
			continue
		}
		var se *SyntaxError
		if !errors.As(err, &se) || tc.pos >= 0 && se.Pos != tc.pos || !strings.Contains(se.Msg, tc.msg) {
			t.Errorf("%.60s: %v", tc.expr, err)
		}
	}
}

// TestLongLists checks the searched form of the lists against the scanned one.
func TestLongLists(t *testing.T) {
	var ports, addrs, macs []string
	for i := range 200 {
		ports = append(ports, fmt.Sprint((i*7919)%1000))
		addrs = append(addrs, fmt.Sprintf("10.0.%d.%d", i%7, i))
		macs = append(macs, fmt.Sprintf("02000000%04X", i*31))
	}
	for i := range 1000 {
		in := row{"vlan": value(Uint, fmt.Sprint(i)), "ipsource": value(IPv4, fmt.Sprintf("10.0.%d.%d", i%9, i%256)),
			"macsource": value(MAC, fmt.Sprintf("02000000%04X", i)), "direction": value(Text, fmt.Sprint(i))}
		for name, list := range map[string][]string{"vlan": ports, "ipsource": addrs, "macsource": macs, "direction": ports} {
			v := in[name]
			want := false
			for _, text := range list {
				want = want || v.String() == text
			}
			if i%50 == 0 && passes(t, in, name+"="+strings.Join(list, ",")) != want {
				t.Errorf("%s %s: want %v", name, v, want)
			}
		}
	}
}

var benchFilters = []string{
	"ipprotocol=6",
	"ipsource=198.51.100.1&ipprotocol=6",
	"ipprotocol=17&(tcpsourceport=53|tcpdestinationport=53)",
	"ipprotocol=6&tcpdestinationport=80,443,8080,8443&ipsource!=10.0.0.1",
	"tcpflags~.......1.",
	"stack~.*\\.tcp",
	"macsource=02:00:00:00:00:01&stack=eth.ip.tcp",
	"mask:ipsource:24=198.51.100.0/24",
}

func TestFiltersDoNotAllocate(t *testing.T) {
	c, r := NewCompiler(recordFields()), tcpRecord()
	for _, expr := range benchFilters {
		f, err := c.Filter(expr)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { f(r) }); n != 0 {
			t.Errorf("%s: %v allocations", expr, n)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	c, r := NewCompiler(recordFields()), tcpRecord()
	for _, expr := range benchFilters {
		b.Run(expr, func(b *testing.B) {
			f, err := c.Filter(expr)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				f(r)
			}
		})
	}
}
