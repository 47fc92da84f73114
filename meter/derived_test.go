package meter

import (
	"strings"
	"testing"

	"weir/key"
	"weir/schema"
	"weir/wire"
)

// packetOf is a TCP packet of so many bytes.
func packetOf(src string, sport uint16, dst string, dport uint16, n uint32) frame {
	return frame{at: epoch0, src: src, dst: dst, sport: sport, dport: dport, proto: 6, flags: 0x10, length: n}
}

// counted observes frames with user-defined groups in force.
func counted(t *testing.T, groups []*Group, frames ...frame) table {
	t.Helper()
	b := newBench(t, Settings{}, groups...)
	b.observe(frames...)
	return tabulate(b.End(epoch0))
}

func TestDerivedFiltered(t *testing.T) { // C-01, C-02, C-03
	traffic := []frame{
		packetOf("10.0.0.1", 40000, "9.9.9.9", 80, 300), packetOf("10.0.0.2", 40001, "9.9.9.9", 22, 500),
	}
	web := &Group{Name: "x", Kind: KindFiltered, Parents: []string{"hosts", "apps"}, KeyList: "p-0050"}
	x := counted(t, []*Group{web}, traffic...)
	x.only(t, "x", "10.0.0.1", "9.9.9.9")
	x.first(t, "x", "10.0.0.1", 0, 300)
	x.first(t, "x", "9.9.9.9", 0, 300)
	x.first(t, "x", "9.9.9.9", 7, 300)
	rest := &Group{Name: "x", Kind: KindFiltered, Parents: []string{"hosts", "apps"}, InverseKeys: "Port-80"}
	x = counted(t, []*Group{rest}, traffic...)
	x.only(t, "x", "10.0.0.2", "9.9.9.9")
	x.first(t, "x", "10.0.0.2", 0, 500)
	apps := &Group{Name: "x", Kind: KindFiltered, Parents: []string{"apps", "hosts"},
		KeyList: "10.0.0.1~10.0.0.5,10.0.0.9"}
	x = counted(t, []*Group{apps}, packetOf("10.0.0.3", 40000, "1.1.1.1", 80, 100),
		packetOf("10.0.0.7", 40000, "1.1.1.1", 80, 100), packetOf("10.0.0.9", 40000, "1.1.1.1", 80, 100))
	x.first(t, "x", "Port-80", 0, 200)
	// A filtered group of a group that is itself filtered.
	pop := &Group{Name: "y", Kind: KindFiltered, Parents: []string{"x", "protocols"}, KeyList: "TCP"}
	x = counted(t, []*Group{web, pop}, traffic...)
	x.first(t, "y", "10.0.0.1", 0, 300)
	x.only(t, "y", "10.0.0.1", "9.9.9.9")
}

func TestDerivedKeysets(t *testing.T) { // C-04, C-05, C-06
	web := &Group{Name: "x", Kind: KindKeyset, Parents: []string{"apps"}, Sets: []Keyset{{"WEB", "80,443,8080"}}}
	traffic := []frame{
		packetOf("10.0.0.1", 40000, "9.9.9.9", 80, 100), packetOf("10.0.0.1", 40000, "9.9.9.9", 8080, 50),
		packetOf("10.0.0.1", 40000, "9.9.9.9", 22, 30),
	}
	x := counted(t, []*Group{web}, traffic...)
	x.first(t, "x", "WEB", 0, 150)
	x.first(t, "x", "p-0016", 0, 30)
	x.only(t, "x", "WEB", "p-0016")
	web.OnlySets = true
	counted(t, []*Group{web}, traffic...).only(t, "x", "WEB")
	voip := &Group{Name: "x", Kind: KindKeyset, OnlySets: true, Parents: []string{"apps"},
		Sets: []Keyset{{"VOIP", "Port-3000~Port-4000"}}}
	var calls []frame
	for _, p := range []uint16{2999, 3000, 4000, 4001} {
		calls = append(calls, packetOf("10.0.0.1", 40000, "9.9.9.9", p, 10))
	}
	counted(t, []*Group{voip}, calls...).first(t, "x", "VOIP", 0, 20)
}

func TestDerivedRules(t *testing.T) { // C-08 to C-11
	g := func(rules ...Rule) []*Group {
		return []*Group{{Name: "x", Kind: KindRule, Parents: []string{"apps"}, Rules: rules}}
	}
	x := counted(t, g(Rule{"HR", "{HOSTS}=0A.0A.11.14&{APPS}=Port-80"}, Rule{"MAIL", "{HOSTS}=10.10.19.3"}),
		packetOf("10.10.17.20", 40000, "1.1.1.1", 80, 100), packetOf("10.10.19.3", 40000, "1.1.1.1", 80, 70),
		packetOf("10.10.19.3", 40000, "1.1.1.1", 25, 5), packetOf("10.1.1.1", 40000, "1.1.1.1", 80, 9))
	x.first(t, "x", "HR", 0, 100)
	x.first(t, "x", "MAIL", 0, 75)
	x.first(t, "x", "p-0050", 0, 9)
	x.only(t, "x", "HR", "MAIL", "p-0050")

	x = counted(t, g(Rule{"WEB", "{APPS}=Port-80"}, Rule{"X", "{HOSTS}=10.0.0.1"}),
		packetOf("10.0.0.1", 40000, "1.1.1.1", 80, 100))
	x.only(t, "x", "WEB")

	x = counted(t, g(Rule{"YES", "{HOSTS}!10.0.0.1|{APPS}=Port-53"}),
		packetOf("10.0.0.1", 40000, "10.0.0.9", 80, 1000), packetOf("10.0.0.1", 40000, "10.0.0.9", 53, 300),
		packetOf("10.0.0.2", 40000, "10.0.0.3", 80, 70))
	x.first(t, "x", "YES", 0, 370)
	x.first(t, "x", "p-0050", 0, 1000)

	for _, k := range []string{"Port-53", "p-0035", "domain", "p-0035~p-0035", " 53 "} {
		x = counted(t, g(Rule{"DNS", "{c51b48d4-7876-479e-b0d9-bd9eff03ce2e} = " + k}),
			packetOf("10.0.0.1", 40000, "10.0.0.9", 53, 300), packetOf("10.0.0.1", 40000, "10.0.0.9", 54, 7))
		x.first(t, "x", "DNS", 0, 300)
		x.only(t, "x", "DNS", "p-0036")
	}
	abroad := g(Rule{"ABROAD", "{country}=us,ca"})
	b := newBench(t, Settings{Where: func(a schema.Addr) Place {
		if a[12] == 9 {
			return Place{Country: [2]byte{'U', 'S'}}
		}
		return Place{}
	}}, abroad...)
	b.observe(packetOf("10.0.0.1", 40000, "9.9.9.9", 80, 300), packetOf("10.0.0.1", 40000, "7.7.7.7", 80, 20))
	x = tabulate(b.End(epoch0))
	x.first(t, "x", "ABROAD", 0, 300)
	x.first(t, "x", "p-0050", 0, 20)
}

func TestDerivedCrosskeys(t *testing.T) { // C-12, C-13, C-14
	two := &Group{Name: "two", Kind: KindCrosskey, Parents: []string{"internal_hosts", "apps"}}
	three := &Group{Name: "three", Kind: KindCrosskey, Parents: []string{"internal_hosts", "apps", "external_hosts"}}
	peers := &Group{Name: "peers", Kind: KindCrosskey, Parents: []string{"hosts", "hosts"}}
	again := &Group{Name: "again", Kind: KindCrosskey, Parents: []string{"two", "protocols"}}
	x := counted(t, []*Group{two, three, peers, again}, conversation()...)
	x.only(t, "two", `192.168.1.2\Port-22`)
	x.want(t, "two", `192.168.1.2\Port-22`, 0, 1276, 1, 772, 2, 504, 3, 10, 6, 1276, 8, 1, 11, 1)
	x.only(t, "three", `192.168.1.2\Port-22\209.216.249.58`)
	x.first(t, "three", `192.168.1.2\Port-22\209.216.249.58`, 0, 1276)
	x.only(t, "peers", `192.168.1.2\209.216.249.58`, `209.216.249.58\192.168.1.2`)
	x.first(t, "peers", `209.216.249.58\192.168.1.2`, 2, 772)
	x.first(t, "again", `192.168.1.2\Port-22\TCP`, 0, 1276)

	groups := append(Builtin(), two)
	for _, g := range groups {
		if g.Name == "apps" {
			g.Inactive = true
		}
	}
	b := NewBoard(nil)
	if err := b.Apply(0, groups, Settings{}); err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(b.Notes(), "\n"); !strings.Contains(notes, "group two counts nothing: its parent apps") {
		t.Errorf("notes: %s", notes)
	}
	b.Observe(conversation()[0].record(t))
	tabulate(b.End(epoch0)).only(t, "two")
}

func TestDerivedConnections(t *testing.T) {
	b := newBench(t, Settings{}, &Group{Name: "x", Kind: KindCrosskey, Parents: []string{"hosts", "apps"}},
		&Group{Name: "y", Kind: KindFiltered, Parents: []string{"apps", "hosts"}, KeyList: "192.168.1.2"})
	a, _ := schema.ParseAddr("192.168.1.2")
	z, _ := schema.ParseAddr("209.216.249.58")
	b.Session(SessionEdge{At: epoch0, A: a, Z: z, APort: 2964, ZPort: 22, Proto: 6, IPv: 4, Delta: 1})
	x := tabulate(b.End(epoch0))
	x.want(t, "hosts", "192.168.1.2", 4, 1)
	x.want(t, "internal_hosts", "192.168.1.2", 4, 1)
	x.want(t, "ssh_hosts", "209.216.249.58", 4, 1)
	x.want(t, "x", `192.168.1.2\Port-22`, 4, 1)
	x.want(t, "y", "Port-22", 4, 1, 7, 1)
	x.want(t, "aggregates", "TOTALBW", 2, 1)
	x.want(t, "protocols", "TCP", 2, 1, 3, 1)
}

func TestDerivedKeys(t *testing.T) {
	c := schema.NewCompiler(wire.Fields())
	flows := &Group{Name: "flows", Keys: []string{"ipsource", "ipdestination", "tcpdestinationport"},
		Filter: "ipprotocol=6", Form: key.Form{key.Host, key.Host, key.App}, Meters: []Meter{
			{ID: 0, Name: "Bytes", Feed: "bytes", Top: 10}, {ID: 1, Name: "Longest", Type: Maximum, Feed: "max:ipbytes"},
			{ID: 2, Name: "Mean", Type: Average, Feed: "avg:ipttl"}, {ID: 3, Name: "Bits", Type: Counter, Feed: "bps"},
			{ID: 4, Name: "Payload", Type: Counter, Feed: "ipbytes"},
		}}
	texts := &Group{Name: "texts", Keys: []string{"ipprotocol", "iptos"}, Meters: []Meter{{Feed: "packets"}}}
	hosts := &Group{Name: "senders", Keys: []string{"ipsource"}, Meters: []Meter{
		{Feed: "home.bytes"}, {ID: 1, Feed: "tx.bytes"}, {ID: 2, Feed: "outof.bytes"}}}
	for _, g := range []*Group{texts, hosts} {
		if err := g.InferForm(c); err != nil {
			t.Fatal(err)
		}
	}
	if hosts.Form.String() != "host" || texts.Form.String() != "text" {
		t.Errorf("forms: %v, %v", hosts.Form, texts.Form)
	}
	udp := frame{at: epoch0, src: "10.0.0.1", dst: "9.9.9.9", sport: 5, dport: 6, proto: 17, length: 80, tos: 4}
	x := counted(t, []*Group{flows, texts, hosts}, udp, frame{at: epoch0, src: "10.0.0.1", dst: "9.9.9.9",
		sport: 40000, dport: 80, proto: 6, length: 100, rate: 10, kind: schema.KindPacketSample})
	x.want(t, "flows", `10.0.0.1\9.9.9.9\Port-80`, 0, 1000, 1, 40, 2, 64, 3, 8000, 4, 400)
	x.only(t, "flows", `10.0.0.1\9.9.9.9\Port-80`)
	x.only(t, "texts", "6,00000000", "17,00000100")
	x.want(t, "senders", "10.0.0.1", 0, 1080, 1, 1080, 2, 1080)
}

func TestDerivedUniques(t *testing.T) { // C-15, B-10
	groups, err := BuiltinProfile(ProfileManual)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t, NewBoard(nil), groups}
	if err := b.Apply(0, groups, Settings{Home: DefaultHome()}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []frame{
		packetOf("10.0.0.1", 40000, "9.9.9.1", 80, 100), packetOf("10.0.0.1", 40001, "9.9.9.2", 80, 100),
		packetOf("9.9.9.2", 80, "10.0.0.1", 40001, 100), packetOf("10.0.0.1", 40002, "9.9.9.3", 22, 100),
		packetOf("10.0.0.5", 40002, "9.9.9.3", 22, 100),
	} {
		b.observe(f)
	}
	x := tabulate(b.End(epoch0))
	x.first(t, "hosts", "10.0.0.1", 17, 2)
	x.first(t, "hosts", "10.0.0.1", 18, 3)
	x.first(t, "hosts", "9.9.9.3", 18, 2)
	x.first(t, "apps", "Port-80", 10, 3)
	x.first(t, "apps", "Port-22", 10, 3)
	g := *Lookup(groups, "hosts")
	g.Distinct = append(g.Distinct[:2:2], Cardinality{Group: "protocols"})
	err = g.Complete(func(name string) *Group { return Lookup(groups, name) })
	if err == nil || !strings.Contains(err.Error(), "at most 2 cardinality meters") { // C-16
		t.Errorf("a third cardinality meter: %v", err)
	}
}

func TestDerivedErrors(t *testing.T) {
	for _, x := range []struct {
		g    Group
		want string
	}{
		{Group{Kind: KindFiltered, Parents: []string{"hosts", "apps"}}, "key_list: it is empty"},
		{Group{Kind: KindFiltered, Parents: []string{"hosts", "apps"}, KeyList: "Prot-80"}, "is not a port"},
		{Group{Kind: KindFiltered, Parents: []string{"hosts", "apps"}, KeyList: "80", InverseKeys: "80"}, "give one of them"},
		{Group{Kind: KindKeyset, Parents: []string{"apps"}}, "sets: there are none"},
		{Group{Kind: KindKeyset, Parents: []string{"apps"}, Sets: []Keyset{{"", "80"}}}, "a set without a name"},
		{Group{Kind: KindRule, Parents: []string{"apps"}}, "rules: there are none"},
		{Group{Kind: KindRule, Parents: []string{"apps"}, Rules: []Rule{{"A", "{nothing}=1"}}}, `no counter group "nothing"`},
		{Group{Keys: []string{"ipsrc"}, Filter: "(", Meters: []Meter{{Feed: "bytes"}}}, "filter:"},
		{Group{Keys: []string{"["}, Meters: []Meter{{Feed: "bytes"}}}, "keys:"},
		{Group{Meters: []Meter{{Feed: "bytes"}}}, "keys: there are none"},
		{Group{Keys: []string{"ipsource"}, Meters: []Meter{{Feed: "sum:["}}}, "or one of the words"},
		{Group{Keys: []string{"ipsource"}, Form: key.Form{key.Host, key.App}, Meters: []Meter{{Feed: "bytes"}}}, "form:"},
		{Group{Keys: []string{"ipsource"}, Meters: []Meter{{Feed: "active", Type: Gauge}}}, "needs a meter of type"},
		{Group{Kind: KindCrosskey, Parents: []string{"hosts", "apps"}, Spread: true}, "spread:"},
	} {
		x.g.Name = "x"
		groups := Builtin()
		complete(t, groups, &x.g)
		err := Check(schema.NewCompiler(wire.Fields()), append(groups, &x.g))
		if err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%+v: %v, want %q", x.g, err, x.want)
		}
	}
}

func TestDerivedCircle(t *testing.T) {
	a := &Group{Name: "a", Kind: KindRule, Parents: []string{"apps"}, Rules: []Rule{{"X", "{b}=1"}}}
	b := &Group{Name: "b", Kind: KindRule, Parents: []string{"apps"}, Rules: []Rule{{"X", "{a}=1"}}}
	groups := Builtin()
	complete(t, groups, a)
	complete(t, groups, b)
	if err := Check(nil, append(groups, a, b)); err == nil || !strings.Contains(err.Error(), "derives from itself") {
		t.Error(err)
	}
	// Order of definition does not matter.
	last := &Group{Name: "last", Kind: KindFiltered, Parents: []string{"x", "apps"}, KeyList: "*"}
	x := &Group{Name: "x", Kind: KindFiltered, Parents: []string{"hosts", "protocols"}, KeyList: "TCP"}
	complete(t, groups, x)
	complete(t, append(groups, x), last)
	board := NewBoard(nil)
	if err := board.Apply(0, append([]*Group{last, x}, groups...), Settings{}); err != nil {
		t.Fatal(err)
	}
	board.Observe(packetOf("10.0.0.1", 40000, "9.9.9.9", 80, 300).record(t))
	tabulate(board.End(epoch0)).only(t, "last", "10.0.0.1", "9.9.9.9")
}
