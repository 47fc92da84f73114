package enrich

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/schema"
)

func TestDefaultGroups(t *testing.T) {
	l := New(NewWorld())
	c := compile(l)
	for src, want := range map[string]string{
		"8.8.8.8": "external", "10.1.2.3": "private", "172.31.0.1": "private", "172.32.0.1": "external",
		"224.0.0.5": "multicast", "2001:db8::1": "external", "fe80::1": "private", "ff02::1": "multicast",
		"fd00::1": "private",
	} {
		r := &schema.Record{Src: addr(t, src), Dst: addr(t, "10.0.0.1")}
		if got := show(t, c, "sourcegroup", r); got != want {
			t.Errorf("sourcegroup of %s = %s, want %s", src, got, want)
		}
		if got := show(t, c, "destinationgroup", r); got != "private" {
			t.Errorf("destinationgroup = %s", got)
		}
	}
	if got := show(t, c, "sourcegroup", &schema.Record{}); got != "null" {
		t.Errorf("without addresses: %s", got)
	}
}

// Acceptance 31 and 46.
func TestGroupFunction(t *testing.T) {
	w := must(t)(NewWorld().WithGroups("g", map[string][]string{
		"ext": {"0.0.0.0/0"}, "lab": {"198.51.100.0/24", "2001:db8::/32"}, "one": {"198.51.100.77"}}))
	w = must(t)(w.WithGroups("second", map[string][]string{"six": {"::/0"}}))
	l := New(NewWorld())
	c := compile(l)
	key, err := c.Key("group:ipsource:g:second")
	if err != nil {
		t.Fatal(err)
	}
	eval := func(src string) string {
		var v schema.Value
		key.Eval(&schema.Record{Src: addr(t, src)}, &v)
		return v.String()
	}
	if got := eval(host1); got != "null" {
		t.Errorf("before the set exists: %s", got)
	}
	l.Set(w)
	for src, want := range map[string]string{host1: "lab", "8.8.8.8": "ext", "198.51.100.77": "one",
		"2001:db8::5": "lab", "2001:db9::5": "six"} {
		if got := eval(src); got != want {
			t.Errorf("group of %s = %s, want %s", src, got, want)
		}
	}
	l.Set(w.WithoutGroups("g"))
	if got := eval(host1); got != "null" {
		t.Errorf("after the set was deleted: %s", got)
	}
	f, err := c.Filter("group:ipsource:g!=ext,multicast")
	if err != nil {
		t.Fatal(err)
	}
	l.Set(w)
	if !f(&schema.Record{Src: addr(t, host1)}) || f(&schema.Record{Src: addr(t, "8.8.8.8")}) {
		t.Error("the filter on group names passes the wrong records")
	}
}

// Acceptance 32.
func TestMapFunction(t *testing.T) {
	lists, err := ParseLists([]byte(`{"alpha":["020000000001"],"beta":["02:00:00:00:00:aa"],"seven":[7,"8"],"x":9,
		"six":["2001:DB8:0::1"],"host":["198.51.100.1"]}`))
	if err != nil {
		t.Fatal(err)
	}
	l := New(must(t)(NewWorld().WithMap("m", lists)))
	c := compile(l)
	for _, test := range []struct{ expr, mac, src, want string }{
		{"map:macsource:m", "020000000001", host1, "alpha"},
		{"map:macsource:m", "0200000000AA", host1, "beta"},
		{"map:macsource:m", "0200000000AB", host1, "null"},
		{"map:macsource:nosuch", "020000000001", host1, "null"},
		{"map:inputifindex:m", "020000000001", host1, "seven"},
		{"map:ipsource:m", "020000000001", host1, "host"},
	} {
		if got := show(t, c, test.expr, packet(t, agent1, 7, test.mac, test.src, 64, 0)); got != test.want {
			t.Errorf("%s of %s = %s, want %s", test.expr, test.mac, got, test.want)
		}
	}
	if got := show(t, c, "map:ipsource:m", &schema.Record{Src: addr(t, "2001:db8::1")}); got != "six" {
		t.Errorf("IPv6 value: %s", got)
	}
	f, err := c.Filter("map:macsource:m=null")
	if err != nil {
		t.Fatal(err)
	}
	if !f(packet(t, agent1, 7, "0200000000AB", host1, 64, 0)) || f(packet(t, agent1, 7, "020000000001", host1, 64, 0)) {
		t.Error("the filter on an unknown MAC passes the wrong records")
	}
}

func TestWorldIsCopyOnWrite(t *testing.T) {
	old := must(t)(NewWorld().WithGroups("g", map[string][]string{"a": {"10.0.0.0/8"}}))
	next := must(t)(old.WithGroups("g", map[string][]string{"b": {"10.0.0.0/8"}}))
	next = must(t)(next.WithMap("m", map[string][]string{"l": {"v"}}))
	a := addr(t, "10.0.0.1")
	if g, _ := old.Group("g", a); g != "a" {
		t.Errorf("the old World changed: %s", g)
	}
	if g, _ := next.Group("g", a); g != "b" {
		t.Errorf("the new World: %s", g)
	}
	if len(old.Maps()) != 0 || !slices.Equal(next.Maps(), []string{"m"}) {
		t.Errorf("maps %v, %v", old.Maps(), next.Maps())
	}
	if got, _ := next.Label("m", "v"); got != "l" {
		t.Errorf("label %q", got)
	}
	groups, ok := next.Groups("g")
	if !ok || groups["b"][0] != "10.0.0.0/8" {
		t.Errorf("read back %v", groups)
	}
	groups["b"][0] = "x"
	if again, _ := next.Groups("g"); again["b"][0] != "10.0.0.0/8" {
		t.Error("what a query returned is not a copy")
	}
	if got := next.WithoutMap("m").Maps(); len(got) != 0 {
		t.Errorf("after deletion: %v", got)
	}
	if !slices.Equal(next.GroupSets(), []string{"default", "g"}) {
		t.Errorf("sets %v", next.GroupSets())
	}
}

func TestMalformedGroupsSayWhere(t *testing.T) {
	for _, bad := range []string{"10.0.0.0/33", "10.0.0/8", "", "x", "fe80::1%eth0", "::ffff:0:0/90", "1.2.3.4/-1"} {
		_, err := NewWorld().WithGroups("g", map[string][]string{"ok": {"10.0.0.0/8"}, "lab": {"10.0.0.1", bad}})
		for _, word := range []string{`"g"`, `"lab"`, "entry 2", bad} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("prefix %q: error %v does not name %s", bad, err, word)
			}
		}
	}
	if _, err := NewWorld().WithGroups("", nil); err == nil {
		t.Error("a set without a name is accepted")
	}
	for _, bad := range []string{"", "[]", "null", `{"a":[[1]]}`, `{"a":{}}`, `{"a"`, "7"} {
		if _, err := ParseLists([]byte(bad)); err == nil {
			t.Errorf("ParseLists(%q) gave no error", bad)
		}
	}
}

// A set finds what a search through all its prefixes finds.
func TestGroupLookupAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		octet := rapid.SampledFrom([]byte{0, 1, 10, 127, 128, 192, 255})
		ip := rapid.Custom(func(t *rapid.T) netip.Addr {
			if rapid.Bool().Draw(t, "v6") {
				var b [16]byte
				for i := range b {
					b[i] = octet.Draw(t, "octet")
				}
				return netip.AddrFrom16(b).Unmap()
			}
			return netip.AddrFrom4([4]byte{octet.Draw(t, "a"), octet.Draw(t, "b"), octet.Draw(t, "c"), octet.Draw(t, "d")})
		})
		groups := map[string][]string{}
		prefixes := map[netip.Prefix]string{}
		for i := range rapid.IntRange(0, 40).Draw(t, "prefixes") {
			a := ip.Draw(t, "prefix")
			p := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
			name := string(rune('a' + i%5))
			groups[name] = append(groups[name], p.String())
			if old, taken := prefixes[p.Masked()]; !taken || name < old {
				prefixes[p.Masked()] = name
			}
		}
		w, err := NewWorld().WithGroups("g", groups)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			a := ip.Draw(t, "address")
			want, best := "", -1
			for p, name := range prefixes {
				if p.Contains(a) && p.Bits() > best {
					want, best = name, p.Bits()
				}
			}
			sa := schema.AddrOf(a)
			got, ok := w.Group("g", sa)
			if sa.IsZero() {
				want, best = "", -1 // the zero Addr is "not known"
			}
			if got != want || ok != (best >= 0) {
				t.Fatalf("group of %v = %q, want %q", a, got, want)
			}
		}
	})
}

func FuzzParseLists(f *testing.F) {
	f.Add([]byte(`{"lab":["198.51.100.0/24",7,true,null],"x":"10.0.0.1"}`))
	f.Add([]byte(`{"lab":["::ffff:10.0.0.0/104","2001:db8::/200"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		lists, err := ParseLists(b)
		if err != nil {
			return
		}
		if w, err := NewWorld().WithGroups("g", lists); err == nil {
			w.Group("g", schema.Addr4([4]byte{10, 0, 0, 1}))
		}
		_, _ = NewWorld().WithMap("m", lists)
	})
}
