package meter

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"weir/key"
	"weir/schema"
)

// twin counts records the slow and obvious way: a map by bucket, group, key and meter.
type twin struct {
	home    []netip.Prefix
	subnets []netip.Prefix
	cells   map[string]float64
}

// sent is one record as the twin sees it: what the test made it of, not what a decoder found.
type sent struct {
	frame
	flow   bool
	in     uint32
	out    uint32
	bytes  float64
	number float64 // of packets
}

func (w *twin) add(x *sent, group, k string, meter int, v float64) {
	if v != 0 {
		w.cells[fmt.Sprintf("%d %s %s %d", floor(x.at, DefaultBucket), group, k, meter)] += v
	}
}

func (w *twin) isHome(s string) bool {
	a := netip.MustParseAddr(s)
	return slices.ContainsFunc(w.home, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (w *twin) observe(x *sent) {
	way := ""
	if x.src != "" {
		way = map[[2]bool]string{{true, true}: "DIR_WITHINHOME", {true, false}: "DIR_OUTOFHOME",
			{false, true}:  "DIR_INTOHOME",
			{false, false}: "DIR_TRANSIT"}[[2]bool{w.isHome(x.src), w.isHome(x.dst)}]
	}
	w.traffic(x, way)
	if !x.flow {
		w.link(x)
	}
	if x.src == "" {
		return
	}
	app := w.app(x, way)
	w.host(x, x.src, app, true)
	w.host(x, x.dst, app, false)
}

func (w *twin) traffic(x *sent, way string) {
	for _, k := range []string{"TOTALBW", way} {
		if k == "" {
			continue
		}
		w.add(x, "aggregates", k, 0, x.bytes)
		w.add(x, "aggregates", k, 1, x.number)
		if !x.flow {
			l2 := 5
			if x.dstMAC[0] == 255 {
				l2 = 3
			} else if x.dstMAC[0]&1 == 1 {
				l2 = 4
			}
			w.add(x, "aggregates", k, l2, x.bytes)
		}
		if x.src == "" {
			continue
		}
		l3 := 8
		switch {
		case x.dst == "255.255.255.255":
			l3 = 6
		case strings.HasPrefix(x.dst, "224.") || strings.HasPrefix(x.dst, "ff02:"):
			l3 = 7
		}
		w.add(x, "aggregates", k, l3, x.bytes)
		if x.fragment != 0 {
			w.add(x, "aggregates", k, 9, x.number)
		}
	}
	if x.src == "" {
		return
	}
	proto := string(key.Form{key.Protocol}.AppendReadable(nil, []byte{x.proto}))
	w.add(x, "protocols", proto, 0, x.bytes)
	w.add(x, "protocols", proto, 1, x.number)
	if x.flow {
		w.add(x, "protocols", proto, 4, x.bytes)
		w.add(x, "protocols", proto, 5, x.bytes)
		w.add(x, "flow_gens", "192.168.0.1", 1, x.bytes)
		w.add(x, "flow_gens", "192.168.0.1", 2, 1)
		w.add(x, "flow_gens", "192.168.0.1", 3, x.bytes)
		w.add(x, "flow_gens", "192.168.0.1", 4, 1)
		return
	}
	class := string(key.Form{key.DSCP}.AppendReadable(nil, []byte{x.tos >> 2}))
	w.add(x, "dscp", class, 0, x.bytes)
	w.add(x, "dscp", class, 1, x.number)
	if x.proto == 1 {
		k := fmt.Sprintf("%d/%d", x.icmpType, x.icmpNo)
		w.add(x, "icmp_types", k, 0, x.bytes)
		w.add(x, "icmp_types", k, 1, x.number)
	}
}

func (w *twin) link(x *sent) {
	ether := "IPv4"
	switch {
	case x.src == "":
		ether = "ARP"
	case strings.Contains(x.src, ":"):
		ether = "IPv6"
	}
	w.add(x, "link_layer", ether, 0, x.bytes)
	w.add(x, "link_layer", ether, 1, x.number)
	a, z := macText(x.srcMAC), macText(x.dstMAC)
	w.add(x, "mac", a, 0, x.bytes)
	w.add(x, "mac", z, 1, x.bytes)
	meter := 1
	if z < a {
		a, z, meter = z, a, 2
	}
	w.add(x, "dir_mac", a+"_"+z, 0, x.bytes)
	w.add(x, "dir_mac", a+"_"+z, meter, x.bytes)
	if x.vlan != 0 {
		w.add(x, "vlan", fmt.Sprint(x.vlan), 0, x.bytes)
	}
	port := fmt.Sprintf("%s_%d", x.exporter, x.index)
	w.add(x, "interfaces", port, 0, x.bytes)
	w.add(x, "interfaces", port, 1, x.number)
	for _, c := range []struct {
		name string
		last uint32
	}{{"0-63", 63}, {"64", 64}, {"65-127", 127}, {"128-255", 255}, {"256-511", 511},
		{"512-1023", 1023}, {"1024-1518", 1518}} {
		if x.length <= c.last {
			w.add(x, "packet_lengths", c.name, 0, x.bytes)
			w.add(x, "packet_lengths", c.name, 1, x.number)
			break
		}
	}
}

func macText(m [6]byte) string {
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", m[0], m[1], m[2], m[3], m[4], m[5])
}

// app counts the application and returns its port, 0 when it has none.
func (w *twin) app(x *sent, way string) uint16 {
	if x.flow {
		for _, i := range []struct {
			index uint32
			meter int
		}{{x.in, 1}, {x.out, 2}} {
			k := fmt.Sprintf("192.168.0.1_%d", i.index)
			w.add(x, "flow_intfs", k, 0, x.bytes)
			w.add(x, "flow_intfs", k, i.meter, x.bytes)
			w.add(x, "flow_intfs", k, 3, 1)
		}
	}
	port, k := min(x.sport, x.dport), ""
	if x.proto == 6 || x.proto == 17 {
		k = fmt.Sprintf("Port-%d", port)
	} else {
		port, k = 0, string(key.Form{key.App}.AppendReadable(nil, []byte{x.proto}))
	}
	w.add(x, "apps", k, 0, x.bytes)
	meters := map[string]int{"DIR_INTOHOME": 2, "DIR_OUTOFHOME": 3, "DIR_WITHINHOME": 5, "DIR_TRANSIT": 6}
	w.add(x, "apps", k, meters[way], x.bytes)
	if x.flow {
		w.add(x, "apps", k, 8, x.bytes)
		w.add(x, "apps", k, 9, x.bytes)
	}
	return port
}

func (w *twin) host(x *sent, addr string, app uint16, sender bool) {
	groups := []string{"hosts_v6"}
	if !strings.Contains(addr, ":") {
		groups = []string{"hosts", "external_hosts"}
		if w.isHome(addr) {
			groups[1] = "internal_hosts"
		}
		switch app {
		case 80, 443, 8080:
			groups = append(groups, "web_hosts")
		case 22:
			groups = append(groups, "ssh_hosts")
		case 25:
			groups = append(groups, "email_hosts")
		}
		if x.proto == 6 && app != 0 {
			groups = append(groups, fmt.Sprintf("cross %d", app))
		}
	}
	for _, g := range groups {
		k := addr
		if port, ok := strings.CutPrefix(g, "cross "); ok {
			g, k = "cross", addr+`\Port-`+port
		}
		w.hostRow(x, g, k, addr, sender)
	}
	for _, p := range w.subnets {
		if p.Contains(netip.MustParseAddr(addr)) {
			w.add(x, "subnets", p.String(), 0, x.bytes)
			w.add(x, "subnets", p.String(), 3, x.number)
			w.add(x, "subnets", p.String(), map[bool]int{false: 1, true: 2}[sender], x.bytes)
		}
	}
}

func (w *twin) hostRow(x *sent, g, k, addr string, sender bool) {
	w.add(x, g, k, 0, x.bytes)
	w.add(x, g, k, 3, x.number)
	w.add(x, g, k, map[bool]int{false: 7, true: 6}[w.isHome(addr)], x.bytes)
	segments := x.number
	if x.flow {
		segments = 1
	}
	flags := x.flags
	if x.proto != 6 {
		flags = 0
	}
	if sender {
		w.add(x, g, k, 2, x.bytes)
		if flags&0x12 == 0x12 {
			w.add(x, g, k, 10, segments)
		}
		if flags&5 != 0 {
			w.add(x, g, k, 11, segments)
		}
	} else {
		w.add(x, g, k, 1, x.bytes)
	}
	if flags&0x12 == 2 {
		w.add(x, g, k, map[bool]int{false: 9, true: 8}[sender], segments)
	}
}

// random makes a record, and what the twin needs to know of it.
func random(t *testing.T, rng *rand.Rand, at schema.Instant) (*schema.Record, *sent) {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	x := &sent{frame: frame{at: at, sport: uint16([]int{22, 25, 80, 443, 8080, 53, 40000, 50000}[rng.IntN(8)]),
		dport: uint16([]int{22, 80, 443, 40001, 50001}[rng.IntN(5)]), proto: []uint8{6, 6, 6, 17, 1, 47}[rng.IntN(6)],
		flags: uint8(rng.IntN(32)), length: 60 + uint32(rng.IntN(1400)), tos: uint8(rng.IntN(256)), exporter: "192.168.0.1",
		index: uint32(rng.IntN(3)), srcMAC: [6]byte{2, 0, 0, 0, 0, byte(rng.IntN(5))}}}
	x.dstMAC = [][6]byte{{2, 0, 0, 0, 0, byte(rng.IntN(5))},
		{255, 255, 255, 255, 255, 255}, {1, 0, 94, 0, 0, 1}}[rng.IntN(3)]
	x.src = pick("10.0.0.1", "10.0.1.2", "192.168.7.7", "8.8.8.8", "9.9.9.9",
		fmt.Sprintf("11.0.%d.%d", rng.IntN(4), rng.IntN(256)))
	x.dst = pick("10.0.0.1", "10.0.1.2", "8.8.8.8", "224.0.0.1", "255.255.255.255",
		fmt.Sprintf("12.0.0.%d", rng.IntN(256)))
	if rng.IntN(4) == 0 {
		x.vlan = uint16(1 + rng.IntN(20))
	}
	switch rng.IntN(8) {
	case 0:
		x.src, x.dst, x.proto = pick("fe80::1", "2001:db8::1"), pick("ff02::2", "2001:db8::2", "fc00::7"), 17
	case 1:
		x.src, x.dst, x.ether = "", "", 0x0806
	case 2:
		x.rate, x.kind = 1+uint32(rng.IntN(3))*100, schema.KindPacketSample
	case 3, 4:
		x.flow = true
		x.in, x.out = 1+uint32(rng.IntN(3)), 4+uint32(rng.IntN(3))
		r := flowRecord(t, at, x.src, x.dst, x.sport, x.dport, uint64(rng.IntN(100000)))
		r.Proto, r.TCPFlags, r.In.Value, r.Out.Value = x.proto, x.flags, x.in, x.out
		r.HasPorts = x.proto == 6 || x.proto == 17
		x.bytes, x.number = float64(r.Bytes), float64(r.Packets)
		return r, x
	case 5:
		if x.proto == 17 {
			x.fragment = 0x2000
		}
	}
	if x.proto == 1 {
		x.icmpType, x.icmpNo = uint8(rng.IntN(4)), uint8(rng.IntN(2))
	}
	r := x.record(t)
	x.bytes, x.number = float64(r.Bytes), float64(r.Packets)
	return r, x
}

func TestBoardAgainstSlowTwin(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := &twin{home: DefaultHome(), cells: map[string]float64{},
			subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("11.0.2.0/23"),
				netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("2001:db8::/64")}}
		cross := &Group{Name: "cross", Kind: KindCrosskey, Parents: []string{"tcp", "apps"}}
		tcp := &Group{Name: "tcp", Kind: KindFiltered, Parents: []string{"hosts", "protocols"}, KeyList: "TCP"}
		watching := []*Group{tcp, cross}
		if seed%2 == 0 {
			watching = nil // then nothing is watched, and records are blended and wait
		}
		b := newBench(t, Settings{Subnets: w.subnets, Grace: Span(2e9)}, watching...)
		got := map[string]float64{}
		take := func(pages []*Page) {
			for _, p := range pages {
				tabulateInto(got, p)
				b.Recycle(p)
			}
		}
		at := epoch0
		b.Advance(at)
		for range 4000 {
			at += schema.Instant(rng.IntN(2e7))
			r, x := random(t, rng, at-schema.Instant(rng.IntN(3))*4e8)
			r.At = x.at
			b.Observe(r)
			w.observe(x)
			if rng.IntN(20) == 0 {
				take(b.Advance(at))
			}
		}
		take(b.End(at))
		leaveOut(got, "tcp", "city", "prefix")
		if seed%2 == 0 {
			leaveOut(w.cells, "cross")
		}
		compare(t, seed, got, w.cells)
	}
}

// leaveOut deletes groups that the two do not both know.
func leaveOut(cells map[string]float64, groups ...string) {
	maps.DeleteFunc(cells, func(k string, _ float64) bool { return slices.Contains(groups, strings.Fields(k)[1]) })
}

func tabulateInto(all map[string]float64, p *Page) {
	for row := range p.Len() {
		k := p.Group.Form.AppendReadable(nil, p.RowKey(row))
		for _, m := range p.Group.Meters {
			if v := p.Cells(row)[p.Group.Cell(m.ID)]; v != 0 && v == v {
				all[fmt.Sprintf("%d %s %s %d", p.Start, p.Group.Name, k, m.ID)] += v
			}
		}
	}
}

func compare(t *testing.T, seed uint64, got, want map[string]float64) {
	t.Helper()
	if len(want) < 1000 {
		t.Errorf("seed %d: only %d values", seed, len(want))
	}
	wrong := 0
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			t.Errorf("seed %d: %s: %v, want %v", seed, k, got[k], want[k])
			wrong++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			t.Errorf("seed %d: %s: %v, want nothing", seed, k, got[k])
			wrong++
		}
		if wrong > 20 {
			t.FailNow()
		}
	}
}
