package meter

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"weir/schema"
)

// conversation is the TCP conversation of acceptance B-01.
func conversation() []frame {
	const c, s = "192.168.1.2", "209.216.249.58"
	up := func(ms int, flags uint8, n uint32) frame {
		return frame{at: epoch0 + 1e9 + schema.Instant(ms)*1e6, src: c, dst: s, sport: 2964, dport: 22, proto: 6,
			flags: flags, length: n}
	}
	down := func(ms int, flags uint8, n uint32) frame {
		return frame{at: epoch0 + 1e9 + schema.Instant(ms)*1e6, src: s, dst: c, sport: 22, dport: 2964, proto: 6,
			flags: flags, length: n}
	}
	return []frame{
		up(0, 2, 74), down(50, 0x12, 74), up(51, 0x10, 66), up(60, 0x18, 166), down(110, 0x10, 66), down(200, 0x18, 566),
		up(201, 0x10, 66), up(1000, 0x11, 66), down(1050, 0x11, 66), up(1051, 0x10, 66),
	}
}

// edgesOf are the beginning and the end of that conversation.
func edgesOf(b *Board) {
	a, _ := schema.ParseAddr("192.168.1.2")
	z, _ := schema.ParseAddr("209.216.249.58")
	e := SessionEdge{At: epoch0 + 1e9, A: a, Z: z, APort: 2964, ZPort: 22, Proto: 6, IPv: 4, Delta: 1}
	b.Session(e)
	e.Delta, e.At = -1, epoch0+3e9
	b.Session(e)
}

func TestBoardConversation(t *testing.T) {
	b := newBench(t, Settings{})
	b.observe(conversation()...)
	edgesOf(b.Board)
	pages := b.End(epoch0 + 30e9)
	for _, p := range pages {
		if p.Start != epoch0 || p.Width != Span(30e9) {
			t.Errorf("%s: page of %v, %v", p.Group.Name, p.Start, p.Width)
		}
		if p.Group.Name == "hosts" {
			if sum := p.Totals(nil)[0]; sum != 2552 {
				t.Errorf("totals of hosts: %v", sum)
			}
		}
	}
	x := tabulate(pages)
	inside := []float64{0, 1276, 1, 772, 2, 504, 3, 10, 6, 1276, 8, 1, 11, 1}
	outside := []float64{0, 1276, 1, 504, 2, 772, 3, 10, 7, 1276, 9, 1, 10, 1, 11, 1}
	x.want(t, "hosts", "192.168.1.2", inside...)
	x.want(t, "hosts", "209.216.249.58", outside...)
	x.want(t, "internal_hosts", "192.168.1.2", inside...)
	x.want(t, "external_hosts", "209.216.249.58", outside...)
	x.want(t, "ssh_hosts", "192.168.1.2", inside...)
	x.only(t, "internal_hosts", "192.168.1.2")
	x.only(t, "external_hosts", "209.216.249.58")
	x.only(t, "web_hosts")
	x.only(t, "apps", "Port-22")
	x.want(t, "apps", "Port-22", 0, 1276, 2, 772, 3, 504, 4, 1)
	x.want(t, "aggregates", "TOTALBW", 0, 1276, 1, 10, 5, 1276, 8, 1276)
	x.first(t, "aggregates", "DIR_OUTOFHOME", 0, 504)
	x.first(t, "aggregates", "DIR_INTOHOME", 0, 772)
	x.only(t, "aggregates", "TOTALBW", "DIR_OUTOFHOME", "DIR_INTOHOME")
	x.want(t, "protocols", "TCP", 0, 1276, 1, 10, 3, 1)
	x.want(t, "link_layer", "IPv4", 0, 1276, 1, 10)
	x.want(t, "packet_lengths", "65-127", 0, 74+74+66+66+66+66+66+66, 1, 8)
	x.want(t, "dscp", "CS0", 0, 1276, 1, 10)
}

func TestBoardPortsOfApplications(t *testing.T) {
	high := frame{at: epoch0, src: "10.1.1.5", dst: "10.1.1.6", sport: 6000, dport: 7000, proto: 6, length: 100}
	web := frame{at: epoch0, src: "10.1.1.5", dst: "10.1.1.6", sport: 40000, dport: 80, proto: 6, length: 100}
	b := newBench(t, Settings{})
	b.observe(high, web)
	tabulate(b.End(epoch0)).only(t, "apps", "Port-6000", "Port-80")
	b = newBench(t, Settings{BothPorts: true})
	b.observe(high, web)
	x := tabulate(b.End(epoch0))
	x.only(t, "apps", "Port-6000", "Port-7000", "Port-80")
	x.first(t, "apps", "Port-7000", 0, 100)
	b = newBench(t, Settings{})
	b.observe(frame{at: epoch0, src: "10.1.1.5", dst: "10.1.1.6", proto: 47, length: 100})
	tabulate(b.End(epoch0)).only(t, "apps", "GRE00")
}

func TestBoardDirections(t *testing.T) {
	b := newBench(t, Settings{})
	for _, ends := range [][2]string{
		{"10.1.1.1", "8.8.8.8"}, {"8.8.8.8", "10.1.1.1"}, {"10.1.1.1", "10.1.1.2"}, {"8.8.8.8", "1.1.1.1"},
	} {
		b.observe(frame{at: epoch0, src: ends[0], dst: ends[1], sport: 1, dport: 2, proto: 17, length: 100})
	}
	x := tabulate(b.End(epoch0))
	for _, way := range []string{"DIR_OUTOFHOME", "DIR_INTOHOME", "DIR_WITHINHOME", "DIR_TRANSIT"} {
		x.first(t, "aggregates", way, 0, 100)
	}
	x.first(t, "aggregates", "TOTALBW", 0, 400)
	x.want(t, "apps", "Port-1", 0, 400, 2, 100, 3, 100, 5, 100, 6, 100)
}

func TestBoardLinkLayer(t *testing.T) {
	a, z := [6]byte{2, 0, 0, 0, 0, 10}, [6]byte{2, 0, 0, 0, 0, 11}
	all := [6]byte{255, 255, 255, 255, 255, 255}
	b := newBench(t, Settings{})
	b.observe(
		frame{at: epoch0, src: "10.0.0.1", dst: "10.0.0.2", proto: 6, length: 200, srcMAC: a, dstMAC: z, vlan: 10},
		frame{at: epoch0, src: "10.0.0.2", dst: "10.0.0.1", proto: 6, length: 70, srcMAC: z, dstMAC: a, label: 20000},
		frame{at: epoch0, ether: 0x0806, length: 60, srcMAC: a, dstMAC: all},
		frame{at: epoch0, src: "fe80::1", dst: "ff02::2", proto: 17, length: 100, srcMAC: a, dstMAC: [6]byte{0x33, 0x33}},
	)
	x := tabulate(b.End(epoch0))
	x.want(t, "mac", "02:00:00:00:00:0A", 0, 360, 1, 70)
	x.want(t, "mac", "02:00:00:00:00:0B", 0, 70, 1, 200)
	x.want(t, "dir_mac", "02:00:00:00:00:0A_02:00:00:00:00:0B", 0, 270, 1, 200, 2, 70)
	x.want(t, "vlan", "10", 0, 200)
	x.want(t, "mpls", "20000", 0, 70)
	x.want(t, "link_layer", "ARP", 0, 60, 1, 1)
	x.want(t, "interfaces", "0.0.0.0_0", 0, 430, 1, 4)
	x.only(t, "hosts", "10.0.0.1", "10.0.0.2")
	x.only(t, "hosts_v6", "fe80::1", "ff02::2")
	x.want(t, "hosts_v6", "fe80::1", 0, 100, 2, 100, 3, 1, 6, 100)
	x.want(t, "aggregates", "TOTALBW", 0, 430, 1, 4, 3, 60, 4, 100, 5, 270, 7, 100, 8, 270)
	if g := Lookup(b.groups, "{9807e97a-6cd2-442f-bb18-8c104c8eb204}"); g == nil || g.Name != "hosts_v6" {
		t.Error("the other GUID of HostsIPv6 does not answer")
	}
}

func TestBoardICMPAndFragments(t *testing.T) {
	b := newBench(t, Settings{})
	b.observe(
		frame{at: epoch0, src: "10.1.1.1", dst: "10.1.1.2", proto: 1, icmpType: 8, length: 98, tos: 46 << 2},
		frame{at: epoch0, src: "10.1.1.2", dst: "10.1.1.1", proto: 1, icmpType: 0, length: 98},
		frame{at: epoch0, src: "10.1.1.2", dst: "10.1.1.1", proto: 17, sport: 1, dport: 2, length: 1500, fragment: 0x2000},
		frame{at: epoch0, src: "10.1.1.2", dst: "10.1.1.1", proto: 17, length: 500, fragment: 185},
	)
	x := tabulate(b.End(epoch0))
	x.want(t, "icmp_types", "8/0", 0, 98, 1, 1)
	x.want(t, "icmp_types", "0/0", 0, 98, 1, 1)
	x.first(t, "aggregates", "TOTALBW", 9, 2)
	x.first(t, "apps", "ICMP00", 0, 196)
	x.first(t, "apps", "UDP00", 0, 500)
	x.want(t, "dscp", "EF", 0, 98, 1, 1)
}

func TestBoardScan(t *testing.T) {
	b := newBench(t, Settings{}, &Group{Name: "scan", Kind: KindCrosskey, Parents: []string{"hosts", "apps"}})
	for i := range 20 {
		dst := netip.AddrFrom4([4]byte{10, 1, 2, byte(i + 1)}).String()
		b.observe(frame{at: epoch0, src: "10.1.1.9", dst: dst, sport: 40000, dport: 445, proto: 6, flags: 2, length: 60})
	}
	x := tabulate(b.End(epoch0))
	x.first(t, "hosts", "10.1.1.9", 8, 20)
	x.first(t, "hosts", "10.1.2.20", 9, 1)
	x.first(t, "scan", `10.1.1.9\Port-445`, 8, 20)
}

// Frames that a session gathered count as they would one by one.
func TestBoardGathered(t *testing.T) {
	one, both := newBench(t, Settings{}), newBench(t, Settings{})
	var gathered [2]*schema.Record
	for _, f := range conversation() {
		r := f.record(t)
		one.Observe(r)
		d := 0
		if r.SrcPort == 22 {
			d = 1
		}
		g := gathered[d]
		if g == nil {
			r.Tally = &schema.Tally{}
			gathered[d] = r
			g = r
		} else {
			g.Bytes, g.Packets, g.TCPFlags = g.Bytes+r.Bytes, g.Packets+r.Packets, g.TCPFlags|r.TCPFlags
		}
		switch f.flags & 0x12 {
		case 2:
			g.Tally.SYN++
		case 0x12:
			g.Tally.SYNACK++
		}
		if f.flags&5 != 0 {
			g.Tally.FinRst++
		}
	}
	both.Observe(gathered[0])
	both.Observe(gathered[1])
	x, y := tabulate(one.End(epoch0)), tabulate(both.End(epoch0))
	delete(x, "packet_lengths") // a session keeps classes of length apart; this test does not
	delete(y, "packet_lengths")
	if x.String() != y.String() {
		t.Errorf("one by one:\n%v\ngathered:\n%v", x, y)
	}
}

func TestBoardFlowRecords(t *testing.T) {
	b := newBench(t, Settings{Where: func(a schema.Addr) Place {
		if a.Is4() && a[12] == 8 {
			return Place{Country: [2]byte{'U', 'S'}, ASN: 15169, Bits: 24, City: "Somewhere"}
		}
		return Place{}
	}, Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.1.1.0/24")}})
	r := flowRecord(t, epoch0, "10.1.1.1", "8.8.8.8", 40000, 443, 5000)
	r.TCPFlags = 0x1b
	r.Body = []byte{0xb8, 0, 0, 0xfd, 0xe8, 0, 0, 0x3b, 0x41, 24, 16, 192, 168, 0, 9, 0, 0, 0, 7}
	for _, s := range []struct{ id, off, n uint32 }{
		{5, 0, 1}, {16, 1, 4}, {17, 5, 4}, {9, 9, 1}, {13, 10, 1}, {15, 11, 4}, {234, 15, 4},
	} {
		r.Slots = append(r.Slots, schema.Slot{Tag: schema.MakeTag(schema.SpaceElement, 0, s.id), Off: s.off, Len: s.n})
	}
	b.Observe(r)
	x := tabulate(b.End(epoch0))
	x.want(t, "hosts", "10.1.1.1", 0, 5000, 2, 5000, 3, 6, 6, 5000, 10, 1, 11, 1)
	x.want(t, "flow_gens", "192.168.0.1", 1, 5000, 2, 1, 3, 5000, 4, 1)
	x.want(t, "flow_intfs", "192.168.0.1_3", 0, 5000, 1, 5000, 3, 1)
	x.want(t, "flow_intfs", "192.168.0.1_4", 0, 5000, 2, 5000, 3, 1)
	x.want(t, "country", "United States", 0, 5000)
	x.want(t, "as", "AS15169", 0, 5000)
	x.want(t, "prefix", "8.8.8.0/24", 0, 5000)
	x.want(t, "city", "Somewhere", 0, 5000)
	x.want(t, "subnets", "10.1.0.0/16", 0, 5000, 2, 5000, 3, 6)
	x.want(t, "subnets", "10.1.1.0/24", 0, 5000, 2, 5000, 3, 6)
	x.want(t, "flow_asn", "AS65000", 0, 5000, 1, 5000)
	x.want(t, "flow_asn", "AS15169", 0, 5000, 2, 5000)
	x.want(t, "flow_link_asn", `192.168.0.1_3\AS65000`, 0, 5000)
	x.want(t, "flow_prefix", "10.1.1.0/24", 0, 5000, 1, 5000, 3, 1)
	x.want(t, "flow_prefix", "8.8.0.0/16", 0, 5000, 2, 5000, 3, 1)
	x.want(t, "flow_ip_nexthop", "192.168.0.9", 0, 5000)
	x.want(t, "flow_vrf", "7", 0, 5000)
	x.want(t, "flow_tos", "B8", 0, 5000, 1, 1)
	x.want(t, "dscp", "EF", 0, 5000, 1, 6, 2, 1)
	x.want(t, "protocols", "TCP", 0, 5000, 1, 6, 4, 5000, 5, 5000)
	for _, name := range []string{"mac", "link_layer", "vlan", "interfaces", "packet_lengths"} {
		x.only(t, name)
	}
	// What one record told is forgotten at the next.
	b.Observe(flowRecord(t, epoch0, "10.1.1.1", "8.8.8.8", 40000, 443, 5000))
	tabulate(b.End(epoch0)).only(t, "flow_asn")
}

func TestBoardTransactionsAndDiscardsAreNotCounted(t *testing.T) {
	b := newBench(t, Settings{})
	f := frame{at: epoch0, src: "10.0.0.1", dst: "10.0.0.2", proto: 6, length: 100, kind: schema.KindDiscard}
	b.observe(f)
	f.kind = schema.KindTransaction
	b.observe(f)
	if pages := b.End(epoch0); len(pages) != 0 || b.Counts().Records != 0 {
		t.Errorf("%d pages, %d records", len(pages), b.Counts().Records)
	}
}

func TestBoardSampling(t *testing.T) {
	b := newBench(t, Settings{})
	for range 100 {
		b.observe(frame{at: epoch0, src: "10.0.0.1", dst: "8.8.8.8", proto: 6, length: 100, rate: 1000,
			kind: schema.KindPacketSample})
	}
	for _, p := range b.End(epoch0) {
		for row := range p.Len() {
			n, rate := p.Samples(row)
			if both := p.Group.Name == "mac"; n != 100 && !both || rate != 1000 {
				t.Errorf("%s: %d samples at %v", p.Group.Name, n, rate)
			}
		}
		if p.Group.Name == "hosts" || p.Group.Name == "internal_hosts" {
			// The standard error of n equal samples is value/sqrt(n), but for the share that is no sample.
			if e := p.Stderr(0, 0); e < 0.999e6 || e > 1e6 {
				t.Errorf("%s: stderr %v of %v", p.Group.Name, e, p.Cells(0)[0])
			}
		}
	}
}

func TestBoardSlices(t *testing.T) {
	b := newBench(t, Settings{})
	f := frame{at: epoch0, src: "10.0.0.1", dst: "8.8.8.8", proto: 6, length: 100}
	b.Advance(epoch0)
	b.observe(f)
	if p := b.Advance(epoch0 + 4e9); len(p) != 0 {
		t.Fatalf("%d pages before 5 s", len(p))
	}
	f.at = epoch0 + 4e9
	b.observe(f)
	first := b.Advance(epoch0 + 5e9)
	if len(first) == 0 || b.Advance(epoch0+6e9) != nil {
		t.Fatal("pages are handed over every 5 s")
	}
	f.at = epoch0 + 29e9
	b.observe(f)
	f.at = epoch0 + 30e9
	b.observe(f)
	rest := b.Advance(epoch0 + 31e9)
	starts := map[schema.Instant]int{}
	for _, p := range append(first, rest...) {
		if p.Group.Name == "hosts" {
			starts[p.Start]++
		}
		b.Recycle(p)
	}
	if starts[epoch0] != 2 || starts[epoch0+30e9] != 1 {
		t.Errorf("pages by bucket: %v", starts)
	}
}

func TestBoardLateAndEarly(t *testing.T) {
	b := newBench(t, Settings{Grace: Span(2e9)})
	f := frame{src: "10.0.0.1", dst: "8.8.8.8", proto: 6, length: 100}
	send := func(after schema.Instant) {
		f.at = epoch0 + after
		b.observe(f)
	}
	b.Advance(epoch0 + 31e9)
	send(29e9) // its bucket is within its grace
	if c := b.Counts(); c.Late != 0 {
		t.Errorf("%+v", c)
	}
	pages := b.Advance(epoch0 + 31.5e9)
	if len(pages) == 0 || pages[0].Start != epoch0 {
		t.Fatal("a record within the grace belongs to its bucket, whose page is handed over at once")
	}
	b.Advance(epoch0 + 32e9)
	send(29e9)
	send(-1000e9)
	send(60e9)
	send(200e9)
	send(200e9)
	if c := b.Counts(); c.Late != 2 || c.Early != 2 {
		t.Errorf("%+v, want 2 late and 2 early", c)
	}
	sums := map[schema.Instant]float64{}
	for _, p := range b.End(epoch0 + 200e9) {
		if p.Group.Name == "aggregates" {
			sums[p.Start] += p.Totals(nil)[0] / 2
		}
	}
	if sums[epoch0+30e9] != 400 || sums[epoch0+60e9] != 100 || len(sums) != 2 {
		t.Errorf("by bucket: %v", sums)
	}
}

// Buckets of different widths, with roll-ups whose buckets do not nest in that of hosts.
func TestBoardMixedBuckets(t *testing.T) {
	groups := Builtin()
	width := map[string]Span{"hosts": Span(60e9), "internal_hosts": Span(10e9), "apps": Span(300e9)}
	for i, g := range groups {
		if w := width[g.Name]; w > 0 {
			c := *g
			c.Bucket = w
			complete(t, groups, &c)
			groups[i] = &c
		}
	}
	b := &bench{t, NewBoard(nil), groups}
	if err := b.Apply(0, groups, Settings{Home: DefaultHome()}); err != nil {
		t.Fatal(err)
	}
	sums := map[string]map[schema.Instant]float64{}
	take := func(pages []*Page) {
		for _, p := range pages {
			if sums[p.Group.Name] == nil {
				sums[p.Group.Name] = map[schema.Instant]float64{}
			}
			sums[p.Group.Name][(p.Start-epoch0)/1e9] += p.Totals(nil)[0]
			b.Recycle(p)
		}
	}
	for s := range 120 {
		at := epoch0 + schema.Instant(s)*1e9
		b.observe(frame{at: at, src: "10.0.0.1", dst: "8.8.8.8", proto: 6, sport: 5, dport: 6, length: 100})
		take(b.Advance(at))
	}
	take(b.End(epoch0 + 120e9))
	if got := sums["apps"]; len(got) != 1 || got[0] != 12000 {
		t.Errorf("apps: %v", got)
	}
	if got := sums["hosts"]; len(got) != 2 || got[0] != 12000 || got[60] != 12000 {
		t.Errorf("hosts: %v", got)
	}
	for i := range 12 {
		if got := sums["internal_hosts"][schema.Instant(i*10)]; got != 1000 {
			t.Errorf("internal_hosts at %d s: %v", i*10, got)
		}
	}
}

func TestBoardApplyLosesNothing(t *testing.T) {
	b := newBench(t, Settings{})
	f := frame{at: epoch0, src: "10.0.0.1", dst: "8.8.8.8", proto: 6, length: 100}
	b.observe(f)
	groups := slices.Clone(b.groups)
	for i, g := range groups {
		if g.Name == "hosts" {
			c := *g
			c.Inactive = true
			groups[i] = &c
		}
	}
	if err := b.Apply(epoch0+1e9, groups, Settings{}); err != nil {
		t.Fatal(err)
	}
	b.observe(f)
	x := tabulate(b.End(epoch0 + 2e9))
	x.first(t, "hosts", "10.0.0.1", 0, 100)
	x.first(t, "internal_hosts", "10.0.0.1", 0, 100)
	x.first(t, "aggregates", "TOTALBW", 0, 200)
	x.first(t, "aggregates", "DIR_TRANSIT", 0, 100)
	bad := append(slices.Clone(groups), groups[0])
	if err := b.Apply(epoch0, bad, Settings{}); err == nil {
		t.Error("two groups of one name were taken")
	}
	b.observe(f)
	tabulate(b.End(epoch0)).first(t, "aggregates", "TOTALBW", 0, 100)
}

// A full page of hosts drops rows; what they counted is in the groups that roll up from it all the same.
func TestBoardRollUpsOfDroppedRows(t *testing.T) {
	groups := Builtin()
	g := *groups[0]
	g.MaxKeys, g.LowKeys = 50, 0
	complete(t, groups, &g)
	groups[0] = &g
	b := &bench{t, NewBoard(nil), groups}
	err := b.Apply(0, groups, Settings{Home: DefaultHome(), Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		src := netip.AddrFrom4([4]byte{10, 0, byte(i / 200), byte(i)}).String()
		b.observe(frame{at: epoch0, src: src, dst: "8.8.8.8", proto: 6, length: 100})
	}
	pages := b.End(epoch0)
	x := tabulate(pages)
	x.first(t, "subnets", "10.0.0.0/8", 0, 100000)
	x.first(t, "external_hosts", "8.8.8.8", 0, 100000)
	if n := len(x["hosts"]); n > 50 {
		t.Errorf("%d rows of hosts", n)
	}
	sum := 0.0
	for _, row := range x["internal_hosts"] {
		sum += row[0]
	}
	if sum != 100000 {
		t.Errorf("internal hosts have %v together", sum)
	}
	for _, p := range pages {
		if p.Group.Name == "hosts" && p.Totals(nil)[0] != 200000 {
			t.Errorf("totals of hosts: %v", p.Totals(nil)[0])
		}
	}
}

func TestBoardSpread(t *testing.T) {
	groups := Builtin()
	for i, g := range groups {
		if g.Name == "hosts" || g.Name == "flow_gens" || g.Name == "web_hosts" || g.Name == "email_hosts" ||
			g.Name == "ssh_hosts" || g.Name == "apps" {
			c := *g
			c.Spread, c.Bucket, c.Topper = true, Span(600e9), Span(600e9)
			complete(t, groups[:i], &c)
			groups[i] = &c
		}
	}
	for _, x := range []struct {
		s, e, v int64
		want    map[schema.Instant]float64
	}{
		{1000, 1799, 1001, map[schema.Instant]float64{600: 250, 1200: 751}},
		{1000, 1799, 7, map[schema.Instant]float64{600: 1, 1200: 6}},
		{500, 1899, 1003, map[schema.Instant]float64{0: 71, 600: 430, 1200: 430, 1800: 72}},
		{500, 1899, 1000, map[schema.Instant]float64{0: 71, 600: 429, 1200: 428, 1800: 72}},
		{500, 1899, 5, map[schema.Instant]float64{600: 2, 1200: 2, 1800: 1}},
		{1199, 1200, 3, map[schema.Instant]float64{600: 1, 1200: 2}},
		{1200, 1200, 9, map[schema.Instant]float64{1200: 9}},
	} {
		b := &bench{t, NewBoard(nil), groups}
		if err := b.Apply(0, groups, Settings{Home: DefaultHome()}); err != nil {
			t.Fatal(err)
		}
		const base = epoch0 / 3600e9 * 3600e9
		r := flowRecord(t, base+2000e9, "10.0.0.1", "8.8.8.8", 1, 22, uint64(x.v))
		r.Start, r.Last = base+schema.Instant(x.s)*1e9, base+schema.Instant(x.e)*1e9
		b.Observe(r)
		got, flows := map[schema.Instant]float64{}, 0.0
		for _, p := range b.End(base + 2000e9) {
			switch p.Group.Name {
			case "hosts":
				if v := p.Cells(0)[0]; v > 0 {
					got[(p.Start-base)/1e9] += v
				}
			case "flow_gens":
				flows += p.Cells(0)[2]
			case "aggregates":
				if p.Start != base+1980e9 || p.Cells(0)[0] != float64(x.v) {
					t.Errorf("aggregates, which do not spread: %v at %v", p.Cells(0)[0], p.Start)
				}
			}
		}
		for k, v := range x.want {
			if got[k] != v {
				t.Errorf("%d to %d, %d: %v, want %v", x.s, x.e, x.v, got, x.want)
				break
			}
		}
		if flows < 0.999999 || flows > 1.000001 {
			t.Errorf("flow records: %v", flows)
		}
	}
}

func TestBoardCount(t *testing.T) {
	b := newBench(t, Settings{})
	for _, u := range []Update{
		{Group: "{4cd742b1-c1ca-4708-be78-0fca2eb01a86}", Key: []byte{10, 0, 0, 1}, Meter: 5, Value: 1, At: epoch0},
		{Group: "aggregates", Key: []byte("RST3000"), Meter: 0, Value: 7, At: epoch0},
	} {
		if err := b.Count(u); err != nil {
			t.Error(err)
		}
	}
	x := tabulate(b.End(epoch0))
	x.first(t, "hosts", "10.0.0.1", 5, 1)
	x.first(t, "internal_hosts", "10.0.0.1", 5, 1)
	x.first(t, "aggregates", "RST3000", 0, 7)
	if err := b.Count(Update{Group: "nothing", At: epoch0}); !errors.Is(err, ErrNoGroup) {
		t.Error(err)
	}
	if err := b.Count(Update{Group: "hosts", Meter: 20, At: epoch0}); !errors.Is(err, ErrNoMeter) {
		t.Error(err)
	}
	if err := b.Count(Update{Group: "hosts", Key: []byte("x"), At: epoch0}); err == nil {
		t.Error("a key of one byte was taken for a host")
	}
}

// A page of very many hosts is handed over in steps, within the grace of its bucket, and nothing is lost.
func TestBoardHandsOverInSteps(t *testing.T) {
	groups := Builtin()
	for _, g := range groups {
		g.MaxKeys = 1_000_000
	}
	b := NewBoard(nil)
	if err := b.Apply(0, groups, Settings{Home: DefaultHome(), Grace: Span(2e9)}); err != nil {
		t.Fatal(err)
	}
	const hosts = 250_000
	r := frame{at: epoch0, src: "10.0.0.1", dst: "8.8.8.8", proto: 17, length: 100}.record(t)
	fill := func(at schema.Instant) {
		r.At = at
		for i := range hosts {
			r.Src = schema.Addr4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			b.Observe(r)
		}
	}
	sums := map[string]float64{}
	take := func(pages []*Page) (hostPages int) {
		for _, p := range pages {
			sums[p.Group.Name] += p.Totals(nil)[0]
			if p.Group.Name == "hosts" {
				hostPages++
			}
		}
		return hostPages
	}
	b.Advance(epoch0)
	fill(epoch0)
	var steps []int
	for i := range 5 {
		steps = append(steps, take(b.Advance(epoch0+5e9+schema.Instant(i)*1e8)))
	}
	if want := []int{0, 0, 0, 1, 0}; !slices.Equal(steps, want) {
		t.Errorf("pages of hosts by tick: %v, want %v", steps, want)
	}
	fill(epoch0 + 29e9)
	if n := take(b.Advance(epoch0+30e9)) + take(b.Advance(epoch0+31e9)); n != 1 {
		t.Errorf("%d pages of hosts when half of the grace is over", n)
	}
	fill(epoch0 + 31e9)
	take(b.Advance(epoch0 + 35e9))
	take(b.End(epoch0 + 35e9))
	for name, want := range map[string]float64{"hosts": 2, "internal_hosts": 1, "external_hosts": 1, "packet_lengths": 1} {
		if got := sums[name]; got != want*300*hosts {
			t.Errorf("%s: %v bytes, want %v", name, got, want*300*hosts)
		}
	}
}

func TestBoardHomeNetworks(t *testing.T) {
	home := append(DefaultHome(), netip.MustParsePrefix("203.0.113.7/32"),
		netip.MustParsePrefix("2001:db8::/33"), netip.MustParsePrefix("2001:db8::1/128"),
		netip.MustParsePrefix("198.51.100.0/23"))
	b := newBench(t, Settings{Home: home})
	for _, text := range []string{
		"10.0.0.0", "10.255.255.255", "11.0.0.0", "172.15.255.255", "172.16.0.1", "172.31.255.255", "172.32.0.0",
		"192.168.3.4",
		"192.169.0.0", "203.0.113.7", "203.0.113.6", "198.51.100.9", "198.51.101.9", "198.51.102.9", "::", "::1", "fc00::1",
		"fdff::1", "fe00::1", "fe80::1", "febf::1", "fec0::1", "2001:db8::1", "2001:db8:7fff::", "2001:db8:8000::", "a00::1",
	} {
		a := netip.MustParseAddr(text)
		want := slices.ContainsFunc(home, func(p netip.Prefix) bool { return p.Contains(a) })
		if got := b.isHome(schema.AddrOf(a)); got != want {
			t.Errorf("%s at home: %v", text, got)
		}
	}
	all := newBench(t, Settings{Home: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	for text, want := range map[string]bool{"1.2.3.4": true, "2001:db8::1": false} {
		if all.isHome(mustAddr(t, text)) != want {
			t.Errorf("%s in 0.0.0.0/0: %v", text, !want)
		}
	}
	as := newBench(t, Settings{HomeAS: []uint32{64512}, Where: func(a schema.Addr) Place {
		return Place{ASN: 64511 + uint32(a[15]&1)}
	}})
	if as.isHome(mustAddr(t, "10.0.0.2")) || !as.isHome(mustAddr(t, "10.0.0.3")) {
		t.Error("AS numbers decide who is at home when they are given")
	}
}
