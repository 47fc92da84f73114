package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"weir/schema"
)

// TestSizes holds what Bytes counts with, and the bar of 400 bytes for a session.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(entry{}); n != entryBytes {
		t.Errorf("an entry has %d bytes, not %d", n, entryBytes)
	}
	if n := unsafe.Sizeof(Session{}); n != sessionBytes {
		t.Errorf("a session has %d bytes, not %d", n, sessionBytes)
	}
	if n := unsafe.Sizeof(part{}); n != partBytes {
		t.Errorf("a part has %d bytes, not %d", n, partBytes)
	}
	if n := unsafe.Sizeof(Edge{}); n != edgeBytes {
		t.Errorf("an edge has %d bytes, not %d", n, edgeBytes)
	}
	table := NewTable(DefaultConfig())
	src := newSource(100_000, schema.KindPacketSample)
	for i := range 100_000 {
		table.Observe(src.record(i, t0))
	}
	table.Edges(func(Edge) {})
	if n := table.Bytes() / table.Len(); n > 400 {
		t.Errorf("%d bytes for a session", n)
	} else {
		t.Logf("%d bytes for a session", n)
	}
}

// udp sends one UDP packet from a host to another.
func (r *rig) udp(at float64, src, dst string, sp uint16) {
	r.Helper()
	r.send(packet{at: seconds(at), src: src, dst: dst, proto: 17, sp: sp, dp: 53})
}

// TestMoved looks at what is gathered.
func TestMoved(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation() {
		r.send(p)
	}
	var list []string
	r.Moved(func(m *schema.Record) {
		list = append(list, fmt.Sprintf("%s:%d %d bytes %d packets l3 %d %v-%v flags %#x %v len %d", m.Src, m.SrcPort, m.Bytes,
			m.Packets, m.Layers.L3Len, m.Start-seconds(1), m.Last-seconds(1), m.TCPFlags, *m.Tally, m.Length))
		if m.Kind != schema.KindFrame || m.Rate != 1 || m.Flows != 1 || m.At != m.Last || m.IPv != 4 || m.Proto != 6 ||
			!m.HasPorts || !m.HasProto || m.Source.Exporter != r.from || len(m.Header) != 54 || m.Layers.N != 3 ||
			m.Layers.Layers[2].Kind != schema.LayerTCP || m.Layers.EtherType != 0x800 || m.Direction != schema.Ingress {
			t.Errorf("%+v", m)
		}
	})
	// 74 and 66 bytes are of one class of length, 166 and 566 of others.
	want := []string{
		"192.168.1.2:2964 338 bytes 5 packets l3 200 1970-01-01T00:00:00Z-1970-01-01T00:00:01.051Z flags 0x13 {1 0 1 0} len 74",
		"209.216.249.58:22 206 bytes 3 packets l3 120 1970-01-01T00:00:00.05Z-1970-01-01T00:00:01.05Z flags 0x13 {0 1 1 0} len 74",
		"192.168.1.2:2964 166 bytes 1 packets l3 140 1970-01-01T00:00:00.06Z-1970-01-01T00:00:00.06Z flags 0x18 {0 0 0 0} len 166",
		"209.216.249.58:22 566 bytes 1 packets l3 540 1970-01-01T00:00:00.2Z-1970-01-01T00:00:00.2Z flags 0x18 {0 0 0 0} len 566",
	}
	if !slices.Equal(list, want) {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(list, "\n"), strings.Join(want, "\n"))
	}
	r.Moved(func(*schema.Record) { t.Error("told twice") })
}

// TestFacts changes what frames of one direction say, one by one: each is counted under its own facts.
func TestFacts(t *testing.T) {
	r := newRig(t, DefaultConfig())
	send := func() bool { r.udp(0, "10.0.0.1", "10.0.0.2", 4000); return r.gathered }
	send()
	r.tos = 0xb8
	send()
	r.vlan = 7
	send()
	r.vlan = 8
	if send(); !send() {
		t.Error("a fourth kind was not gathered")
	}
	r.vlan = 9
	if send() {
		t.Error("a fifth kind was gathered")
	}
	var seen []string
	r.Moved(func(m *schema.Record) {
		vlan := outerVLAN(m)
		ip, _ := layers(m.Layers)
		seen = append(seen, fmt.Sprint(vlan, trafficClass(m, ip), m.Packets))
	})
	if want := []string{"0 0 1", "0 184 1", "7 184 1", "8 184 2"}; !slices.Equal(seen, want) {
		t.Error(seen)
	}
	r.tick(seconds(1))
	if r.partial.Direct != 1 {
		t.Error(r.partial.Direct, "direct")
	}
	// The next tick begins anew.
	if !send() {
		t.Error("not gathered in the next tick")
	}
	s := one(t, r.close(seconds(2)))
	if s.AZ.Packets != 7 || s.VLAN != 0 || s.TOS != 0 {
		t.Errorf("%+v", s)
	}
	// What was gathered outlives its session.
	n := 0
	r.Moved(func(m *schema.Record) { n++ })
	if n != 1 {
		t.Error(n, "records of an ended session")
	}
}

// TestIPv6Facts looks at the class of an IPv6 packet.
func TestIPv6Facts(t *testing.T) {
	r := newRig(t, DefaultConfig())
	r.tos, r.vlan = 0x2e, 100
	r.udp(0, "2001:db8::1", "2001:db8::2", 4000)
	s := one(t, r.close(seconds(1)))
	if s.TOS != 0x2e || s.VLAN != 100 || s.IPv != 6 {
		t.Errorf("%+v", s)
	}
}

// TestEdges counts connections.
func TestEdges(t *testing.T) {
	r := newRig(t, DefaultConfig())
	var list []string
	edges := func() []string {
		list = nil
		r.Edges(func(e Edge) {
			list = append(list, fmt.Sprintf("%+d %s:%d %s:%d", e.Delta, e.A, e.APort, e.Z, e.ZPort))
		})
		return list
	}
	r.udp(0, "10.0.0.1", "10.0.0.2", 4000)
	r.udp(0.5, "10.0.0.1", "10.0.0.2", 4001)
	if got := edges(); len(got) != 2 || got[0] != "+1 10.0.0.1:4000 10.0.0.2:53" {
		t.Error(got)
	}
	r.tick(seconds(120)) // the first one has timed out
	r.udp(120, "10.0.0.1", "10.0.0.2", 4002)
	if got := edges(); !slices.Equal(got, []string{"-1 10.0.0.1:4000 10.0.0.2:53", "+1 10.0.0.1:4002 10.0.0.2:53"}) {
		t.Error(got)
	}
	r.udp(121, "10.0.0.1", "10.0.0.2", 4003)
	r.close(seconds(122)) // one that nobody was told of among them
	got := edges()
	slices.Sort(got)
	if want := []string{"+1 10.0.0.1:4003 10.0.0.2:53", "-1 10.0.0.1:4001 10.0.0.2:53", "-1 10.0.0.1:4002 10.0.0.2:53",
		"-1 10.0.0.1:4003 10.0.0.2:53"}; !slices.Equal(got, want) {
		t.Error(got)
	}
	if len(edges()) != 0 {
		t.Error("told twice")
	}
}

// TestEdgesAddUp holds the sum of all edges against what is live, also when nobody asks for a long time.
func TestEdgesAddUp(t *testing.T) {
	c := DefaultConfig()
	c.Max = 1000
	table := NewTable(c)
	src := newSource(300_000, schema.KindPacketSample)
	active := 0
	for i := range 300_000 {
		table.Observe(src.record(i, seconds(float64(i)/10000)))
		if i%170_000 == 0 || i == 299_999 {
			table.Edges(func(e Edge) { active += e.Delta })
			if active != table.Len() {
				t.Fatalf("%d by the edges, %d live", active, table.Len())
			}
		}
		if n := table.Bytes(); n > 64<<20 {
			t.Fatalf("%d bytes", n)
		}
	}
}

// TestFull fills a table: the least recently active sessions end early.
func TestFull(t *testing.T) {
	c := DefaultConfig()
	c.Max = 10
	r := newRig(t, c)
	for i := range 10 {
		r.udp(float64(i), "10.0.0.1", "10.0.0.2", uint16(4000+i))
		r.tick(seconds(float64(i)))
	}
	r.udp(10, "10.0.0.1", "10.0.0.2", 4000) // the oldest one is active again
	for i := range 3 {
		r.udp(11, "10.0.0.1", "10.0.0.3", uint16(5000+i))
	}
	r.tick(seconds(11))
	if r.partial.Early != 3 || r.Len() != 10 {
		t.Errorf("%+v", r.partial)
	}
	for i := range r.partial.Ended {
		if s := &r.partial.Ended[i]; s.APort != uint16(4001+i) || s.State != StateInit|StateTimedOut|StateError {
			t.Errorf("%s %#x", keyOf(s), s.State)
		}
	}
	c.Max = 2
	r.Set(c)
	if r.Len() != 2 {
		t.Error(r.Len())
	}
	ports := map[uint16]bool{}
	r.Live(func(s *Session) bool { ports[s.APort] = true; return true })
	for port := range ports {
		if port < 5000 {
			t.Error("kept", ports)
		}
	}
}

// TestManyEnded keeps the list of what ended bounded.
func TestManyEnded(t *testing.T) {
	c := DefaultConfig()
	c.Max = 5
	r := newRig(t, c)
	for i := range 20 {
		r.udp(0, "10.0.0.1", "10.0.0.2", uint16(4000+i))
	}
	r.tick(seconds(1))
	if p := r.partial; len(p.Ended) != 5 || p.Lost != 10 || p.Early != 15 || p.Live != 5 {
		t.Errorf("%+v", p)
	}
}

// TestSet changes time-outs while sessions are live.
func TestSet(t *testing.T) {
	c := DefaultConfig()
	r := newRig(t, c)
	r.udp(0, "10.0.0.1", "10.0.0.2", 4000)
	r.tick(seconds(1))
	c.UDP = 10 * time.Second
	r.Set(c)
	r.tick(seconds(9))
	if len(r.ended) != 0 {
		t.Error("ended too early")
	}
	r.tick(seconds(10))
	one(t, r.ended)
}

// TestLongSilence jumps further than the wheel reaches, and uses time-outs longer than it.
func TestLongSilence(t *testing.T) {
	c := DefaultConfig()
	c.UDP, c.Report = 2*time.Hour, 0
	r := newRig(t, c)
	r.udp(0, "10.0.0.1", "10.0.0.2", 4000)
	for _, at := range []float64{1, 511, 512, 513, 1100, 5000, 7199} {
		r.tick(seconds(at))
		if len(r.ended) != 0 {
			t.Fatalf("ended at %v", at)
		}
	}
	r.tick(seconds(7200))
	one(t, r.ended)
}

// TestOldCaptures uses times before the epoch of numbers, and before that of Unix.
func TestOldCaptures(t *testing.T) {
	r := newRig(t, DefaultConfig())
	last := int64(-1 << 63)
	for _, at := range []schema.Instant{-500e9, 600e9, 921070803e9, t0, 1 << 62} {
		r.send(packet{at: at, src: "10.0.0.1", dst: "10.0.0.2", proto: 17, sp: 4000, dp: 53})
		r.tick(at)
		r.Live(func(s *Session) bool {
			if s.ID <= last && at > 600e9 || s.First != at {
				t.Errorf("number %d after %d, from %v", s.ID, last, s.First)
			}
			last = s.ID
			return true
		})
	}
	if list := r.close(1 << 62); len(list) != 5 {
		t.Error(len(list))
	}
}

// TestMergeOrder merges what lanes told.
func TestMergeOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []Session
		parts := make([][]Session, rapid.IntRange(0, 4).Draw(rt, "parts"))
		for i := range parts {
			for range rapid.IntRange(0, 6).Draw(rt, "size") {
				s := Session{Last: schema.Instant(rapid.IntRange(0, 3).Draw(rt, "last")), ID: int64(len(all)),
					APort: rapid.Uint16Range(0, 2).Draw(rt, "port")}
				parts[i], all = append(parts[i], s), append(all, s)
			}
			slices.SortFunc(parts[i], func(a, b Session) int { return Compare(&a, &b) })
		}
		slices.SortFunc(all, func(a, b Session) int { return Compare(&a, &b) })
		if !slices.Equal(Merge(parts...), all) {
			rt.Fatal(Merge(parts...))
		}
	})
}

// TestLanes splits exporters over tables: together they tell the same, numbers included.
func TestLanes(t *testing.T) {
	run := func(lanes int) []Session {
		tables := make([]*Table, lanes)
		for i := range tables {
			tables[i] = NewTable(DefaultConfig())
		}
		src := newSource(5000, schema.KindPacketSample)
		parts := make([][]Session, lanes)
		for i := range 20_000 {
			rec := src.record(i*7919%5000, seconds(float64(i)/100))
			rec.Source.Exporter[15] = byte(i * 7919 % 5000 % 12)
			lane := int(rec.Source.Exporter[15]) % lanes
			tables[lane].Observe(rec)
			if i%1000 == 0 {
				for j := range tables {
					parts[j] = Merge(parts[j], tables[j].Advance(seconds(float64(i)/100)).Ended)
				}
			}
		}
		for j := range tables {
			parts[j] = Merge(parts[j], tables[j].Close(seconds(300)).Ended)
		}
		return Merge(parts...)
	}
	if want := run(1); !slices.Equal(run(5), want) || len(want) < 5000 {
		t.Error("the number of lanes makes a difference")
	}
}

// TestRows writes sessions to a block and reads them back.
func TestRows(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation() {
		r.send(p)
	}
	r.send(packet{at: seconds(1), src: "10.1.1.1", dst: "10.1.1.2", proto: 1, sp: 3, dp: 4})
	r.send(packet{at: seconds(1), src: "fe80::1", dst: "ff02::2", proto: 17, sp: 5353, dp: 5353})
	f := flowRecord(t, seconds(0), "10.0.0.254", "10.1.0.1", "10.1.0.2", 40000, 80, 1000)
	f.In.Value, f.Out.Value, f.Rate = 3, 4, 10
	r.Observe(&f)
	for _, table := range []*schema.Table{schema.TableSessions, schema.TableRunning} {
		b := schema.NewBlock(table, 4)
		list := r.ended
		if list == nil {
			list = r.close(seconds(3))
		}
		for i := range list {
			list[i].AppendRow(b)
		}
		for i, c := range b.Columns {
			if n := len(c.Ints) + len(c.Texts.Ends); n != len(list) || b.Rows != len(list) {
				t.Fatalf("column %d %s has %d rows", i, c.Name, n)
			}
		}
		for i := range list {
			var s Session
			s.ReadRow(b, i)
			want := list[i]
			want.Kind = 0
			if s != want || keyOf(&s) != keyOf(&list[i]) {
				t.Errorf("have %+v\nwant %+v", s, want)
			}
		}
		if got := string(b.Column("a_ip").Texts.At(3)); got != "192.168.1.2" || b.Column("z_port").Ints[3] != 22 {
			t.Error(got)
		}
	}
	// A block that lacks columns, or has none at all.
	var s Session
	s.ReadRow(&schema.Block{Rows: 1}, 0)
	if s != (Session{IPv: 6, Store: true}) {
		t.Errorf("%+v", s)
	}
}

// TestConfig has all errors at once.
func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if err := long().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{TCP: time.Millisecond, UDP: 48 * time.Hour, ICMP: -1, Report: time.Millisecond, Linger: time.Hour,
		Max: -1}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"tcp", "udp", "icmp", "other", "report", "linger", "max"} {
		if !strings.Contains(err.Error(), "session "+field+":") {
			t.Errorf("%s is not in %v", field, err)
		}
	}
	if c := NewTable(Config{}).c; c.Max != defaultMax || c.TCP != 120*time.Second || c.Report != 0 {
		t.Errorf("%+v", c)
	}
}

// TestTracks gives tracks segments by hand.
func TestTracks(t *testing.T) {
	var k track
	k.begin(100, 10)
	for i, c := range []struct {
		seq, size uint32
		again     bool
	}{
		{100, 10, true},   // the same again
		{90, 10, false},   // what came before the first one
		{90, 20, true},    // both again
		{120, 10, false},  // passes over 110 to 119
		{112, 4, false},   // in the middle of the gap
		{112, 4, true},    //
		{110, 2, false},   // the left rest
		{105, 10, true},   // all seen by now
		{115, 10, false},  // the right rest, and beyond
		{110, 20, true},   //
		{200, 10, false},  // one gap
		{220, 10, false},  // and another
		{205, 20, false},  // over the second
		{130, 10, false},  // the older one is still known
		{130, 300, false}, // beyond everything
		{150, 10, true},   // by now
	} {
		if got := k.add(c.seq, c.size); got != c.again {
			t.Errorf("segment %d: %v, tracks %+v", i, got, k)
		}
	}
}
