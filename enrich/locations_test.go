package enrich

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/schema"
)

// sight lets a lane see records and returns the World after the next tick.
func sight(w *World, at schema.Instant, records ...*schema.Record) *World {
	l := New(w)
	for _, r := range records {
		r.At = at
		l.Observe(r)
	}
	return w.WithLearned(at, l.Learned())
}

const second = schema.Instant(time.Second)

// Acceptance 56.
func TestLocate(t *testing.T) {
	w := sight(threeNodes(t), second,
		packet(t, agent1, 3, "0200000000AA", host1, 64, 0),
		packet(t, agent2, 1, "0200000000AA", host1, 64, 0), // an inter-switch port
		packet(t, agent3, 1, "0200000000BB", "198.51.100.2", 64, 0),
		packet(t, agent3, 3, "0200000000CC", "203.0.113.9", 57, 5)) // came through routers: only the router's MAC
	got := w.LocateIP(addr(t, host1))
	if len(got) != 1 || got[0].Node != "leaf1" || got[0].Port != "e3" || got[0].IfIndex != 3 ||
		got[0].MAC != mac(t, "0200000000AA") || got[0].Addr4 != addr(t, host1) || got[0].VLAN != 0 {
		t.Fatalf("located %+v", got)
	}
	b, err := json.Marshal(got[0])
	want := `{"mac":"0200000000AA","node":"leaf1","port":"e3","agent":"192.0.2.1","ifindex":3,"vlan":0,` +
		`"ipaddress":"198.51.100.1"}`
	if err != nil || string(b) != want {
		t.Errorf("JSON %s, %v", b, err)
	}
	for _, ip := range []string{"198.51.100.2", "203.0.113.9"} {
		if got := w.LocateIP(addr(t, ip)); len(got) != 0 {
			t.Errorf("%s located at %+v", ip, got)
		}
	}
	if got := w.LocateMAC(mac(t, "0200000000CC")); len(got) != 1 || got[0].VLAN != 5 || !got[0].Addr4.IsZero() {
		t.Errorf("gateway %+v", got)
	}
	if got := w.LocateMAC(mac(t, "0200000000BB")); got != nil {
		t.Errorf("a host seen between switches %+v", got)
	}
	a3 := addr(t, agent3)
	if got := w.LocatedMACs(a3, 3); !slices.Equal(got, []MAC{mac(t, "0200000000CC")}) {
		t.Errorf("MACs of leaf2 %v", got)
	}
	if len(w.LocatedMACs(schema.Addr{}, 0)) != 2 || len(w.LocatedMACs(a3, 1)) != 0 {
		t.Errorf("all MACs %v", w.LocatedMACs(schema.Addr{}, 0))
	}
}

func TestHostMovesAndAges(t *testing.T) {
	age := schema.Instant(DefaultLimits().HostAge) * second
	w := sight(threeNodes(t), second, packet(t, agent1, 3, "0200000000AA", host1, 64, 0))
	same := sight(w, 2*second, packet(t, agent1, 3, "0200000000AA", host1, 64, 0))
	if same != w {
		t.Error("seeing it again at once changes the World")
	}
	moved := sight(w, 3*second, packet(t, agent3, 3, "0200000000AA", host1, 64, 0))
	if got := moved.LocateIP(addr(t, host1)); len(got) != 1 || got[0].Node != "leaf2" {
		t.Errorf("after the move %+v", got)
	}
	if got := w.LocateIP(addr(t, host1)); got[0].Node != "leaf1" {
		t.Error("the old World changed")
	}
	back := sight(moved, 4*second, packet(t, agent1, 3, "0200000000AA", host1, 64, 0))
	if got := back.LocateIP(addr(t, host1)); got[0].Node != "leaf1" {
		t.Errorf("after it came back %+v", got)
	}
	later := sight(back, age/2, packet(t, agent1, 3, "0200000000AA", "198.51.100.7", 64, 0))
	later = later.WithLearned(age + 10*second)
	if got := later.LocateIP(addr(t, host1)); got != nil || later.Located() != 1 {
		t.Errorf("an address that is no longer used %+v", got)
	}
	if got := later.WithLearned(3 * age); got.Located() != 0 || got.LocateIP(addr(t, "198.51.100.7")) != nil {
		t.Errorf("%d hosts after a long silence", got.Located())
	}
}

func TestLocationsAreBounded(t *testing.T) {
	limits := DefaultLimits()
	limits.Hosts = 2
	w := threeNodes(t).WithLimits(limits)
	for i := range 5 {
		r := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
		r.Header[11] = byte(i)
		w = sight(w, second, r)
	}
	if w.Located() != 2 || w.Refused() != 3 {
		t.Errorf("%d hosts, %d refused", w.Located(), w.Refused())
	}
	w = threeNodes(t)
	for i := range 2 * maxAddrs {
		r := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
		r.Header[14+15] = byte(i)
		w = sight(w, schema.Instant(i+1)*second, r)
	}
	if got := w.LocateMAC(mac(t, "0200000000AA")); len(got) != maxAddrs || got[0].Addr4 != addr(t, "198.51.100.31") {
		t.Errorf("%d addresses, first %v", len(got), got[0].Addr4)
	}
	if w.locations.byAddr.size() != maxAddrs {
		t.Errorf("%d addresses have users", w.locations.byAddr.size())
	}
	for i := range 2 * maxUsers {
		r := packet(t, agent1, 3, "0200000000BB", "198.51.100.200", 64, 0)
		r.Header[10] = byte(i)
		w = sight(w, second, r)
	}
	if got := w.LocateIP(addr(t, "198.51.100.200")); len(got) != maxUsers {
		t.Errorf("%d users", len(got))
	}
}

func TestARPAndIPv6Bind(t *testing.T) {
	w := threeNodes(t)
	arp := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
	arp.Header = append(arp.Header[:14], "\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\xaa\xc6\x33\x64\x05"...)
	arp.Header = append(arp.Header, make([]byte, 10)...)
	arp.Layers.Layers[1] = schema.Layer{Kind: schema.LayerARP, Off: 14, Len: 28}
	six := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
	ip6 := addr(t, "2001:db8::5")
	six.Header = append(six.Header[:14], 0x60, 0, 0, 0, 0, 0, 17, 64)
	six.Header = append(append(six.Header, ip6[:]...), make([]byte, 16)...)
	six.Layers.Layers[1] = schema.Layer{Kind: schema.LayerIPv6, Off: 14, Len: 40}
	w = sight(w, second, arp, six)
	got := w.LocateIP(ip6)
	if len(got) != 1 || got[0].Addr6 != ip6 || got[0].Addr4 != addr(t, "198.51.100.5") {
		t.Errorf("located %+v", got)
	}
	for cut := range len(six.Header) { // truncated headers must not be read beyond their end
		six.Header = six.Header[:len(six.Header)-1]
		sight(threeNodes(t), second, six)
		_ = cut
	}
}

func TestWhatIsNoSighting(t *testing.T) {
	w := threeNodes(t)
	spoil := map[string]func(r *schema.Record){
		"egress":      func(r *schema.Record) { r.Direction = schema.Egress },
		"flow record": func(r *schema.Record) { r.Kind = schema.KindFlowRecord },
		"no layers":   func(r *schema.Record) { r.Layers = nil },
		"other class": func(r *schema.Record) { r.Source.Class = 2 },
		"group MAC":   func(r *schema.Record) { r.Header[6] = 1 },
		"cut":         func(r *schema.Record) { r.Header = r.Header[:10] },
	}
	for name, f := range spoil {
		r := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
		f(r)
		if got := sight(w, second, r); got != w {
			t.Errorf("%s makes a sighting", name)
		}
	}
	plain := packet(t, agent1, 3, "0200000000AA", host1, 64, 0)
	if got := sight(NewWorld(), second, plain); got.Located() != 0 {
		t.Error("a sighting without a topology")
	}
}

func TestHostsBehindAddresses(t *testing.T) {
	w := sight(threeNodes(t), second, packet(t, agent1, 3, "0200000000AA", host1, 64, 0))
	src := schema.Source{Exporter: addr(t, agent2), Class: 2, Index: 1}
	w = w.WithLearned(second, &Learned{Adapters: []Adapter{{src, mac(t, "0200000000AA")}}})
	l := New(w)
	r := packet(t, agent1, 3, "020000000001", host1, 64, 0)
	if got := show(t, compile(l), "host:ipsource:host_name", r); got != "spine1" {
		t.Errorf("owner of the MAC behind the address: %s", got)
	}
	v, err := ParseOUI(strings.NewReader("02-00-00 (hex) Us\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.WithVendors(v).LocateIP(addr(t, host1)); got[0].Vendor != "Us" {
		t.Errorf("vendor %q", got[0].Vendor)
	}
}
