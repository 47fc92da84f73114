package enrich

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/schema"
)

func TestDNSFunction(t *testing.T) {
	l := New(NewWorld())
	c := compile(l)
	r := packet(t, agent1, 3, "020000000001", host1, 64, 0)
	a := addr(t, host1)
	if got := show(t, c, "dns:ipsource", r); got != host1 {
		t.Errorf("without a resolver: %s", got)
	}
	if got := l.Wanted(); len(got) != 0 {
		t.Errorf("without a resolver %v is wanted", got)
	}
	if got := l.Missing(); !slices.Equal(got, []Source{SourceDNS}) || l.Missing() != nil {
		t.Errorf("missing %v", got)
	}
	w := NewWorld().WithResolver(true)
	l.Set(w)
	for range 3 {
		if got := show(t, c, "dns:ipsource", r); got != host1 {
			t.Errorf("before the answer: %s", got)
		}
	}
	if got := l.Wanted(); len(got) != 1 || got[0] != a {
		t.Errorf("wanted %v", got)
	}
	w = w.WithAnswers([]Answer{{Addr: a, Name: "xenvm11.sf.example.com."}})
	l.Set(w)
	if got := show(t, c, "dns:ipsource", r); got != "xenvm11.sf.example.com." {
		t.Errorf("after the answer: %s", got)
	}
	if got := l.Wanted(); len(got) != 0 {
		t.Errorf("an answered address is wanted: %v", got)
	}
	l.Set(w.WithAnswers([]Answer{{Addr: a, State: AnswerStale}}))
	if got := show(t, c, "dns:ipsource", r); got != "xenvm11.sf.example.com." || len(l.Wanted()) != 1 {
		t.Errorf("stale: %s, or it is not wanted again", got)
	}
	l.Set(w.WithAnswers([]Answer{{Addr: a}}))
	if got := show(t, c, "dns:ipsource", r); got != host1 || len(l.Wanted()) != 0 {
		t.Errorf("without a name: %s, or it is wanted again", got)
	}
	l.Set(w.WithAnswers([]Answer{{Addr: a, State: AnswerGone}}))
	if got := show(t, c, "dns:ipsource", r); got != host1 || len(l.Wanted()) != 1 {
		t.Errorf("forgotten: %s, or it is not wanted again", got)
	}
	if w.DNSName(a) != "xenvm11.sf.example.com." {
		t.Error("an old World changed")
	}
	if got := show(t, c, "null:[dns:ipsource]:", &schema.Record{}); got != "" {
		t.Errorf("a null key: %q", got)
	}
}

func TestWantedIsBounded(t *testing.T) {
	l := New(NewWorld().WithResolver(true))
	e, err := compile(l).Key("dns:ipsource")
	if err != nil {
		t.Fatal(err)
	}
	var v schema.Value
	for i := range maxWanted + 10 {
		e.Eval(&schema.Record{Src: schema.Addr4([4]byte{10, 0, byte(i >> 8), byte(i)})}, &v)
	}
	if n := len(l.Wanted()); n != maxWanted || l.Counts().WantedDropped != 10 {
		t.Errorf("%d wanted, %d dropped", n, l.Counts().WantedDropped)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	limits := DefaultLimits()
	limits.Answers = 2
	w := NewWorld().WithLimits(limits)
	for i := range 5 {
		w = w.WithAnswers([]Answer{{Addr: schema.Addr4([4]byte{10, 0, 0, byte(i)}), Name: "x."}})
	}
	if w.answers.size() != 2 || w.Refused() != 3 {
		t.Errorf("%d answers, %d refused", w.answers.size(), w.Refused())
	}
}

func TestOUIFunction(t *testing.T) {
	l := New(NewWorld())
	c := compile(l)
	r := packet(t, agent1, 3, "00005E00AAFF", host1, 64, 0)
	for expr, want := range map[string]string{"oui:macsource": "00005E", "oui:macsource:number": "00005E",
		"oui:macsource:name": "00005E", "oui:ipsource": "null"} {
		if got := show(t, c, expr, r); got != want {
			t.Errorf("%s = %s, want %s", expr, got, want)
		}
	}
	if got := l.Missing(); !slices.Equal(got, []Source{SourceVendors}) {
		t.Errorf("missing %v", got)
	}
	v, err := ParseOUI(strings.NewReader("00-00-5E   (hex)\t\tICANN, IANA Department\n"))
	if err != nil {
		t.Fatal(err)
	}
	l.Set(l.World().WithVendors(v))
	if got := show(t, c, "oui:macsource:name", r); got != "ICANN, IANA Department" {
		t.Errorf("vendor %s", got)
	}
}

func TestParseOUI(t *testing.T) {
	text := "OUI/MA-L   Organization\ncompany_id\n\n00-00-0C   (hex)\t\tFirst  Systems\r\n" +
		"00000C     (base 16)\t\tFirst\n" +
		"\t\t\t\tStreet\n00-00-0c   (hex)  Second\n00-00-5E   (hex)\t\tThird\n"
	table := "\ufeffRegistry,Assignment,Organization Name,Organization Address\r\n" +
		"MA-L,00000C,\"First, Systems\",\"Street\nTown\"\nMA-M,0055DA0,Other,x\nMA-L,00005E,Third,y\n"
	for _, test := range []struct{ list, want string }{{text, "First Systems"}, {table, "First, Systems"}} {
		v, err := ParseOUI(strings.NewReader(test.list))
		if err != nil {
			t.Fatal(err)
		}
		if v.Len() != 2 || v.Name(mac(t, "00:00:0c:01:02:03")) != test.want || v.Name(mac(t, "00000d010203")) != "" {
			t.Errorf("%d vendors, first %q", v.Len(), v.Name(mac(t, "00000c010203")))
		}
	}
	for _, bad := range []string{"", "hello", "00-00 (hex) x\n", "MA-L,zz,x\n", strings.Repeat("x", 100_000)} {
		if _, err := ParseOUI(strings.NewReader(bad)); err == nil {
			t.Errorf("no error for %.20q", bad)
		}
	}
}

func FuzzParseOUI(f *testing.F) {
	f.Add("00-00-5E   (hex)\t\tName\n")
	f.Add("Registry,Assignment,Organization Name\nMA-L,00000C,\"A, B\",\"x\ny\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseOUI(strings.NewReader(s)); err == nil && v.Len() == 0 {
			t.Fatal("an empty list without an error")
		}
	})
}

func TestHostFunction(t *testing.T) {
	w := threeNodes(t)
	l := New(w)
	c := compile(l)
	src := schema.Source{Exporter: addr(t, agent1), Class: 3, Index: 5}
	l.Reading(&schema.Reading{Source: src, Values: []schema.Metric{
		label("vir_host_name", "vm5"), label("vir_uuid", "u-5"), label("vir_os_name", "linux")}})
	l.Adapter(src, mac(t, "0200000000AA"))
	l.Adapter(src, MAC{1}) // a group address is nobody's
	l.Set(w.WithLearned(0, l.Learned()))
	r := packet(t, agent3, 3, "0200000000AA", agent2, 64, 0)
	for expr, want := range map[string]string{
		"host:macsource:host_name": "vm5", "host:macsource:uuid": "u-5", "host:macsource:os_release": "null",
		"host:ipsource:host_name": "spine1", "host:ipdestination:host_name": "null",
	} {
		if got := show(t, c, expr, r); got != want {
			t.Errorf("%s = %s, want %s", expr, got, want)
		}
	}
	if got := l.World().HostName(addr(t, agent1)); got != "leaf1" {
		t.Errorf("a virtual host renamed the exporter: %s", got)
	}
}

func TestCountryAndASNAreNullAndReported(t *testing.T) {
	l := New(NewWorld())
	c := compile(l)
	r := packet(t, agent1, 3, "020000000001", host1, 64, 0)
	for _, expr := range []string{"country:ipsource", "country:ipsource:both", "asn:ipsource",
		"asn:ipsource:descr"} {
		if got := show(t, c, expr, r); got != "null" {
			t.Errorf("%s = %s", expr, got)
		}
	}
	if got := l.Missing(); !slices.Equal(got, []Source{SourceCountry, SourceASN}) {
		t.Errorf("missing %v", got)
	}
	if w := l.World(); !w.Unconfigured(SourceCountry) || !w.Unconfigured(SourceASN) || !w.Unconfigured(SourceDNS) {
		t.Error("a new World says that it is configured")
	}
}

func TestBadCallsAreSyntaxErrors(t *testing.T) {
	c := compile(New(NewWorld()))
	for _, expr := range []string{"group:ipsource", "map:ipsource", "oui:macsource:vendor", "host:macsource",
		"host:macsource:nosuch", "asn:ipsource:x", "dns:", "group:ipsource:[ipsource]", "country:[:x"} {
		if _, err := c.Key(expr); err == nil {
			t.Errorf("%s compiles", expr)
		} else if _, ok := err.(*schema.SyntaxError); !ok {
			t.Errorf("%s: %T is no SyntaxError", expr, err)
		}
	}
}

func TestLearningIsQuietWhenNothingIsNew(t *testing.T) {
	w := threeNodes(t)
	l := New(w)
	src := schema.Source{Exporter: addr(t, agent1), Class: 2, Index: 1}
	l.Reading(&schema.Reading{Source: src, Values: []schema.Metric{label("host_name", "leaf1")}})
	l.PortLabel(src.Exporter, 3, []byte("e3"))
	if got := l.Learned(); got != nil {
		t.Errorf("learned again: %+v", got)
	}
	if w.WithLearned(0) != w || w.WithLearned(0, nil) != w {
		t.Error("nothing new makes a new World")
	}
	l.PortLabel(src.Exporter, 3, []byte("e4"))
	l.PortLabel(src.Exporter, 3, []byte("e5"))
	got := l.Learned()
	if got == nil || len(got.Ports) != 1 || got.Ports[0].Name != "e5" {
		t.Fatalf("learned %+v", got)
	}
	next := w.WithLearned(0, got)
	if w.PortLabel(src.Exporter, 3) != "e3" || next.PortLabel(src.Exporter, 3) != "e5" {
		t.Error("the change is in the wrong World")
	}
	if i := next.InterfaceOf("leaf1", "e3"); i.Index != 0 {
		t.Errorf("the old name still leads to %d", i.Index)
	}
}

func TestNamesAreBounded(t *testing.T) {
	limits := DefaultLimits()
	limits.Agents, limits.PortsPerAgent, limits.Owners, limits.Adapters = 1, 2, 1, 1
	l := New(NewWorld().WithLimits(limits))
	for i := range 4 {
		a := schema.Addr4([4]byte{10, 0, 0, byte(i)})
		src := schema.Source{Exporter: a, Class: 2, Index: 1}
		l.Reading(&schema.Reading{Source: src, Values: []schema.Metric{label("host_name", "h")}})
		l.Adapter(src, MAC{2, byte(i)})
		for p := range 4 {
			l.PortLabel(a, uint32(p+1), fmt.Append(nil, "p", p))
		}
	}
	w := l.World().WithLearned(0, l.Learned())
	n := w.names
	if len(n.agents) != 1 || len(n.owners) != 1 || len(n.adapters) != 1 || w.Refused() == 0 {
		t.Errorf("%d agents, %d owners, %d adapters, %d refused",
			len(n.agents), len(n.owners), len(n.adapters), w.Refused())
	}
	for _, a := range n.agents {
		if len(a.ports) != 2 {
			t.Errorf("%d ports", len(a.ports))
		}
	}
}

// TestPortsOfAllAgentsAreBounded makes up agents with ports, and renames all ports between two ticks.
func TestPortsOfAllAgentsAreBounded(t *testing.T) {
	limits := DefaultLimits()
	limits.Ports = 50
	w := NewWorld().WithLimits(limits)
	for round := range 3 {
		l := New(w)
		for a := range 10 {
			for p := range 8 {
				l.PortLabel(schema.Addr4([4]byte{10, 0, 0, byte(a)}), uint32(p+1), fmt.Append(nil, "p", round, "-", p/2))
			}
		}
		w = w.WithLearned(0, l.Learned())
	}
	ports := 0
	for _, a := range w.names.agents {
		ports += len(a.ports)
		for name, index := range a.byName {
			if a.ports[index] != name || index%2 != 1 {
				t.Errorf("%q is port %d, which is called %q", name, index, a.ports[index])
			}
		}
	}
	if ports != 50 || w.names.ports != 50 || w.Refused() == 0 {
		t.Errorf("%d ports, counted %d, %d refused", ports, w.names.ports, w.Refused())
	}
}

func TestLearnedDoesNotDependOnLanes(t *testing.T) {
	part := func(agent string, index uint32, name string) *Learned {
		src := schema.Source{Exporter: addr(t, agent), Class: 2, Index: index}
		return &Learned{Owners: []Owner{{Source: src, HostName: name}}, Adapters: []Adapter{{src, MAC{2}}}}
	}
	a, b, c := part(agent1, 1, "one"), part(agent1, 2, "two"), part(agent2, 1, "one")
	for _, parts := range [][]*Learned{{a, b, c}, {c, b, a}, {b, c, a}} {
		w := NewWorld().WithLearned(0, parts...)
		if got := w.HostName(addr(t, agent1)); got != "one" {
			t.Errorf("host name %s", got)
		}
		if got := w.names.byHost["one"]; got != addr(t, agent1) {
			t.Errorf("exporter of one: %v", got)
		}
		if got := w.OwnerOfMAC(MAC{2}); got == nil || got.Source.Exporter != addr(t, agent2) {
			t.Errorf("owner %+v", got)
		}
	}
}

// hotExpressions are all functions in their usual state: everything known.
var hotExpressions = []string{"group:ipsource:g:default", "group:[lower:ipsource]:g", "map:macsource:m",
	"map:ipsource:m", "country:ipsource", "asn:ipsource", "oui:macsource", "oui:macsource:name",
	"host:macsource:host_name", "host:ipsource:host_name", "dns:ipsource", "dns:ipdestination", "node:inputifindex",
	"ifname:inputifindex", "link:inputifindex", "sourcegroup", "destinationgroup"}

func hotLane(t testing.TB) (*Lane, *schema.Record) {
	w := must(t)(threeNodes(t).WithGroups("g", map[string][]string{"lab": {"198.51.100.0/24"}}))
	w = must(t)(w.WithMap("m", map[string][]string{"one": {"020000000001", host1}})).WithResolver(true)
	r := packet(t, agent1, 3, "020000000001", host1, 64, 0)
	r.Dst = addr(t, "203.0.113.9")
	return New(w.WithAnswers([]Answer{{Addr: r.Src, Name: "web.example.net."}})), r
}

func TestFunctionsDoNotAllocate(t *testing.T) {
	l, r := hotLane(t)
	c := compile(l)
	var v schema.Value
	for _, text := range hotExpressions {
		e, err := c.Key(text)
		if err != nil {
			t.Fatal(err)
		}
		e.Eval(r, &v)
		if n := testing.AllocsPerRun(100, func() { e.Eval(r, &v) }); n != 0 {
			t.Errorf("%s allocates %v times", text, n)
		}
	}
}

func TestLearningDoesNotAllocateInSteadyState(t *testing.T) {
	l, r := hotLane(t)
	rd := &schema.Reading{Source: schema.Source{Exporter: addr(t, agent1), Class: 2, Index: 1},
		Values: []schema.Metric{label("host_name", "leaf1"), label("os_name", "linux")}}
	port := &schema.Reading{Source: schema.Source{Exporter: addr(t, agent1), Index: 3},
		Values: []schema.Metric{label("ifname", "e3")}}
	l.Observe(r)
	l.Set(l.World().WithLearned(0, l.Learned()))
	if n := testing.AllocsPerRun(100, func() {
		l.Observe(r)
		l.Reading(rd)
		l.Reading(port)
		l.Wanted()
	}); n != 0 || l.Learned() != nil {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFunctions(b *testing.B) {
	l, r := hotLane(b)
	c := compile(l)
	for _, text := range hotExpressions {
		e, err := c.Key(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			var v schema.Value
			for b.Loop() {
				e.Eval(r, &v)
			}
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	l, r := hotLane(b)
	l.Observe(r)
	l.Set(l.World().WithLearned(0, l.Learned()))
	b.ReportAllocs()
	for b.Loop() {
		l.Observe(r)
	}
}

// BenchmarkGroupOfManyPrefixes spreads addresses over a set like a list of bogons.
func BenchmarkGroupOfManyPrefixes(b *testing.B) {
	prefixes := make([]string, 500_000)
	for i := range prefixes {
		prefixes[i] = fmt.Sprintf("%d.%d.%d.0/24", 1+i%200, i>>8&255, i*7&255)
	}
	w := must(b)(NewWorld().WithGroups("g", map[string][]string{"bogon": prefixes}))
	set := w.groups["g"]
	b.ReportAllocs()
	i := uint32(0)
	for b.Loop() {
		i = i*1664525 + 1013904223
		set.lookup(schema.Addr4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), 1}))
	}
}

func BenchmarkWithAnswers(b *testing.B) {
	w := NewWorld()
	for i := range 100_000 {
		w = w.WithAnswers([]Answer{{Addr: schema.Addr4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), Name: "x."}})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		w.WithAnswers([]Answer{{Addr: schema.Addr4([4]byte{11, 0, byte(i >> 8), byte(i)}), Name: "x."}})
	}
}

// BenchmarkWithGroups installs half a million prefixes.
func BenchmarkWithGroups(b *testing.B) {
	prefixes := make([]string, 500_000)
	for i := range prefixes {
		prefixes[i] = fmt.Sprintf("%d.%d.%d.0/24", 1+i%200, i>>8&255, i*7&255)
	}
	w := NewWorld()
	b.ReportAllocs()
	for b.Loop() {
		w = must(b)(w.WithGroups("g", map[string][]string{"bogon": prefixes}))
	}
}
