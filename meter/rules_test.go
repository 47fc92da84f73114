package meter

import (
	"strings"
	"testing"
)

func TestRuleErrors(t *testing.T) {
	groups := Builtin()
	for _, x := range []struct{ text, want string }{
		{"", "at byte 0: expected a group in braces"},
		{"hosts=1", "expected a group in braces"},
		{"{hosts=1", "has no end"},
		{"{hosts}", "expected = or ! after {hosts}"},
		{"{hosts}10.0.0.1", "expected = or !"},
		{"{hosts}=", "no keys after {hosts}"},
		{"{hosts}=10.0.0.1&", "at byte 17: expected a group in braces"},
		{"{hosts}=10.0.0.1&{appz}=80", `at byte 17: no counter group "appz"`},
		{"{hosts}=host", "is not an IP address"},
		{"{hosts}=" + strings.Repeat("10.0.0.1,", 3000), "at most 16384"},
		{strings.Repeat("{apps}=1&", 300) + "{apps}=1", "more than 256 constraints"},
	} {
		if err := CheckRule(x.text, groups); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.40q: %v, want %q", x.text, err, x.want)
		}
	}
	for _, ok := range []string{
		"{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}=10.0.0.1", "{hosts}=*", " { HostsIPv6 } ! ff02::1 | {apps} = http , 443",
		"{hosts}!=10.0.0.1~10.0.0.9", `{aggregates}="A&B"&{apps}=80`,
	} {
		if err := CheckRule(ok, groups); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
}

// Operators are worked out from left to right, without precedence.
func TestRuleOrder(t *testing.T) {
	yes, no := "{apps}=80", "{apps}=81"
	for _, x := range []struct {
		rule string
		want bool
	}{
		{yes, true}, {no, false}, {yes + "&" + no, false}, {yes + "|" + no, true}, {no + "|" + yes + "&" + no, false},
		{yes + "|" + yes + "&" + no, false}, {no + "&" + no + "|" + yes, true},
		{"{apps}!80|" + yes + "&{hosts}!9.9.9.8", true},
	} {
		g := &Group{Name: "x", Kind: KindRule, Parents: []string{"protocols"}, Rules: []Rule{{"Y", x.rule}}}
		_, is := counted(t, []*Group{g}, packetOf("10.0.0.1", 40000, "9.9.9.9", 80, 300))["x"]["Y"]
		if is != x.want {
			t.Errorf("%s: %v", x.rule, is)
		}
	}
}

func FuzzRule(f *testing.F) {
	groups := Builtin()
	for _, s := range []string{
		"{HOSTS}=0A.0A.11.14&{APPS}=Port-80", "{hosts}!10.0.0.1|{APPS}=Port-53", "{country}=us,ca", "{as}=AS1~AS9",
		`{aggregates}="A,B"`, "{", "{}", "{hosts}=*&{hosts}!*", "{flow_link_asn}=192.168.0.1_3\\AS1", "{hosts}==1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCondition(s, func(name string) *Group { return Lookup(groups, name) })
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		c.matches()
		groupsOf(s)
	})
}
