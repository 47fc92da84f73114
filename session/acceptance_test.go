package session

import (
	"fmt"
	"testing"
	"time"

	"weir/schema"
)

func one(t *testing.T, list []Session) *Session {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d sessions, want 1: %+v", len(list), list)
	}
	return &list[0]
}

// TestConversation is B-01.
func TestConversation(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation() {
		r.send(p)
	}
	if !r.gathered {
		t.Error("the frame was not gathered")
	}
	r.tick(seconds(3))
	if len(r.ended) != 0 {
		t.Fatal("ended before its linger was over")
	}
	r.tick(seconds(5))
	s := one(t, r.ended)
	if k := keyOf(s); k != "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016" || len(k) != 41 {
		t.Error(k)
	}
	if s.AZ != (Counts{504, 6, 100}) || s.ZA != (Counts{772, 4, 500}) {
		t.Error(s.AZ, s.ZA)
	}
	if s.RTT != 51000 || s.Retrans != 0 || s.State != 0x086f || s.First != seconds(1) || s.Last != seconds(2.051) {
		t.Errorf("rtt %d retrans %d state %#x %v to %v", s.RTT, s.Retrans, s.State, s.First, s.Last)
	}
	if !s.Finished() || !s.Store || s.Bytes() != 1276 || s.Packets() != 10 || s.Samples != 0 || s.Router() {
		t.Errorf("%+v", s)
	}
	if got := s.ID >> 33; got != int64(s.First)/1e9-1577836800 {
		t.Error("number", got)
	}
	if r.partial.Live != 0 || r.Len() != 0 {
		t.Errorf("%+v", r.partial)
	}
}

// TestServerOnHigherPort is B-02.
func TestServerOnHigherPort(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation() {
		if p.src == client {
			p.src, p.dst, p.sp, p.dp = "10.1.1.5", "10.1.1.6", 6000, 7000
		} else {
			p.src, p.dst, p.sp, p.dp = "10.1.1.6", "10.1.1.5", 7000, 6000
		}
		r.send(p)
	}
	s := one(t, r.close(seconds(60)))
	if s.A != addr(t, "10.1.1.6") || s.APort != 7000 || s.Z != addr(t, "10.1.1.5") || s.ZPort != 6000 {
		t.Error(keyOf(s))
	}
	if s.AZ.Bytes != 772 || s.State&StateServerA == 0 || s.State&StateServerZ != 0 || s.RTT != 51000 {
		t.Errorf("%+v", s)
	}
}

// TestICMP is B-09.
func TestICMP(t *testing.T) {
	for _, reversed := range []bool{false, true} {
		r := newRig(t, DefaultConfig())
		src, dst := "10.1.1.1", "10.1.1.2"
		if reversed {
			src, dst = dst, src
		}
		r.send(packet{at: seconds(0), src: src, dst: dst, proto: 1, sp: 8})
		r.send(packet{at: seconds(0.1), src: dst, dst: src, proto: 1, sp: 0})
		r.tick(seconds(121))
		s := one(t, r.ended)
		if s.A != addr(t, "10.1.1.1") || s.Proto != 1 || s.State&StateFinal != StateTimedOut || s.ICMPType != 8 {
			t.Errorf("%+v", s)
		}
		if k := keyOf(s); k != "01A:0A.01.01.01:p-0000_0A.01.01.02:p-0000" {
			t.Error(k)
		}
		if s.AZ.Packets != 1 || s.ZA.Packets != 1 {
			t.Errorf("%+v", s)
		}
	}
}

// TestScan is B-10.
func TestScan(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for i := range 20 {
		r.send(packet{at: seconds(0.01 * float64(i)), src: "10.1.1.9", dst: fmt.Sprintf("10.1.2.%d", i+1), proto: 6,
			sp: uint16(50000 + i), dp: 445, flags: tcpSYN})
	}
	var syns uint64
	r.Moved(func(rec *schema.Record) { syns += rec.Tally.SYN })
	if list := r.close(seconds(1)); len(list) != 20 || syns != 20 {
		t.Fatal(len(list), syns)
	}
	for i := range r.ended {
		if s := &r.ended[i]; s.State != StateInit|StateSYN|StateServerZ|StateTimedOut || s.RTT != 0 {
			t.Errorf("%#x %d", s.State, s.RTT)
		}
	}
}

// flowRecord makes a flow record.
func flowRecord(t testing.TB, at schema.Instant, exporter, src, dst string, sp, dp uint16, bytes uint64) schema.Record {
	return schema.Record{
		At: at, Start: at - 5e9, Last: at - 1e9, Kind: schema.KindFlowRecord, Rate: 1, Bytes: bytes, Packets: 2, Flows: 1,
		Source: schema.Source{Exporter: addr(t, exporter)}, Src: addr(t, src), Dst: addr(t, dst), SrcPort: sp, DstPort: dp,
		Proto: 6, IPv: 4, HasPorts: true, HasProto: true, Direction: schema.Ingress,
	}
}

// TestKinds is D-01.
func TestKinds(t *testing.T) {
	r := newRig(t, DefaultConfig())
	r.send(packet{at: t0, src: "192.168.1.2", dst: "209.216.249.58", proto: 6, sp: 2964, dp: 22})
	r.send(packet{at: t0, src: "fe80::1", dst: "ff02::fb", proto: 17, sp: 5353, dp: 5353})
	f := flowRecord(t, t0, "10.129.74.146", "192.168.1.2", "209.216.249.58", 2964, 22, 100)
	f.In.Value, f.Out.Value = 10, 11
	if r.Observe(&f) {
		t.Error("a flow record was gathered")
	}
	// The way back has the interfaces the other way around.
	b := flowRecord(t, t0+1, "10.129.74.147", "209.216.249.58", "192.168.1.2", 22, 2964, 100)
	b.In.Value, b.Out.Value = 11, 10
	r.Observe(&b)
	want := map[string]bool{
		"06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016":                                             true,
		"11B:FE800000000000000000000000000001:p-14E9_FF0200000000000000000000000000FB:p-14E9":   true,
		"06C:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016_0A.81.4A.92_0000000A_0000000B":               true,
		"06C:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016_0A.81.4A.93_0000000A_0000000B":               true,
		"11D:FE800000000000000000000000000001:p-14E9_FF0200000000000000000000000000FB:p-14E9_x": false,
	}
	for _, s := range r.close(seconds(1)) {
		if !want[keyOf(&s)] {
			t.Error(keyOf(&s))
		}
		delete(want, keyOf(&s))
	}
	if len(want) != 1 {
		t.Error("missing", want)
	}
}

// TestEnds is D-02.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		src, dst string
		sp, dp   uint16
		a        string
	}{
		{"10.0.0.9", "10.0.0.1", 50000, 443, "10.0.0.9"},
		{"10.0.0.1", "10.0.0.9", 443, 50000, "10.0.0.9"},
		{"10.0.0.9", "224.0.0.251", 5353, 5353, "10.0.0.9"},
		{"224.0.0.251", "10.0.0.9", 5353, 5353, "10.0.0.9"},
	} {
		r := newRig(t, DefaultConfig())
		r.send(packet{at: t0, src: c.src, dst: c.dst, proto: 17, sp: c.sp, dp: c.dp})
		if s := one(t, r.close(t0)); s.A.String() != c.a {
			t.Errorf("%+v: A is %v", c, s.A)
		}
	}
}

// TestTimeout is D-03, with and without ticks between.
func TestTimeout(t *testing.T) {
	for _, ticks := range []bool{false, true} {
		r := newRig(t, DefaultConfig())
		next := 1
		for _, at := range []float64{0, 119, 240} {
			for ; ticks && float64(next) <= at; next++ {
				r.tick(seconds(float64(next)))
			}
			r.send(packet{at: seconds(at), src: "10.0.0.1", dst: "10.0.0.2", proto: 17, sp: 4000, dp: 53})
		}
		list := r.close(seconds(241))
		if len(list) != 2 {
			t.Fatalf("%d sessions", len(list))
		}
		a, b := &list[0], &list[1]
		if a.First != seconds(0) || a.Last != seconds(119) || b.First != seconds(240) || a.ID == b.ID || keyOf(a) != keyOf(b) {
			t.Errorf("%+v\n%+v", a, b)
		}
		if a.State != StateInit|StateTimedOut || b.ID <= a.ID {
			t.Errorf("%#x", a.State)
		}
	}
}

// TestLong is D-04 and D-05.
func TestLong(t *testing.T) {
	for _, report := range []time.Duration{300 * time.Second, 0} {
		c := DefaultConfig()
		c.Report = report
		r := newRig(t, c)
		for i := range 700 {
			r.send(packet{at: seconds(float64(i) + 0.5), src: client, dst: server, proto: 6, sp: 3000, dp: 80, flags: tcpACK,
				seq: uint32(1000 * i), payload: 900, length: 1000})
			r.tick(seconds(float64(i + 1)))
			r.Moved(func(*schema.Record) {})
		}
		r.tick(seconds(1000))
		s := one(t, r.ended)
		if s.State&StateFinal != StateTimedOut || s.AZ.Bytes != 700_000 || s.Retrans != 0 {
			t.Errorf("%+v", s)
		}
		if report == 0 {
			if len(r.reports) != 0 {
				t.Error("reports without being asked")
			}
			continue
		}
		if len(r.reports) != 2 {
			t.Fatalf("%d reports", len(r.reports))
		}
		for i, want := range []uint64{301_000, 601_000} {
			p := &r.reports[i]
			if p.AZ.Bytes != want || p.State&StateFinal != 0 || p.ID != s.ID {
				t.Errorf("report %d: %+v", i, p)
			}
		}
	}
}

// TestFinalBit is D-06.
func TestFinalBit(t *testing.T) {
	for _, c := range []struct {
		name  string
		last  int // packets of the conversation that are sent
		more  []packet
		state State // that must be there
		not   State
	}{
		{"complete", 10, nil, StateTerminated | StateFIN, StateIncomplete | StateTimedOut},
		{"last ACK missing", 9, nil, StateTimedOut | StateIncomplete | StateFIN, StateTerminated},
		{"FIN of one side", 8, nil, StateTimedOut | StateIncomplete | StateFIN, StateTerminated},
		{"silent", 7, nil, StateTimedOut, StateIncomplete | StateTerminated},
		{"reset", 7, []packet{{at: seconds(2), src: server, dst: client, proto: 6, sp: 22, dp: 2964,
			flags: tcpRST}}, StateTerminated | StateRST, StateIncomplete | StateTimedOut},
		{"reset after close", 10, []packet{{at: seconds(2.5), src: server, dst: client, proto: 6, sp: 22, dp: 2964,
			flags: tcpRST}}, StateTerminated | StateRST | StateFIN, StateIncomplete | StateTimedOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, DefaultConfig())
			for _, p := range append(conversation()[:c.last:c.last], c.more...) {
				r.send(p)
			}
			r.Live(func(s *Session) bool {
				if s.Finished() {
					t.Error("finished while live")
				}
				return true
			})
			r.tick(seconds(300))
			if s := one(t, r.ended); s.State&c.state != c.state || s.State&c.not != 0 {
				t.Errorf("state %#x", s.State)
			}
		})
	}
}

// TestMinBytes is D-07.
func TestMinBytes(t *testing.T) {
	c := DefaultConfig()
	c.MinBytes = 1_000_000
	r := newRig(t, c)
	for i, n := range []uint32{999_999, 1_000_000} {
		r.send(packet{at: t0, src: client, dst: server, proto: 17, sp: uint16(5000 + i), dp: 53, length: n})
	}
	list := r.close(t0)
	if len(list) != 2 || list[0].Store || !list[1].Store {
		t.Errorf("%+v", list)
	}
}

// TestNoHandshake is D-08.
func TestNoHandshake(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation()[1:] {
		r.send(p)
	}
	s := one(t, r.close(seconds(10)))
	if s.RTT != 0 || s.State != StateTerminated|StateFIN|StateInit|StateSYNACK|StateOpen|StateServerZ {
		t.Errorf("rtt %d state %#x", s.RTT, s.State)
	}
}

// TestRetransmissions is D-09.
func TestRetransmissions(t *testing.T) {
	r := newRig(t, DefaultConfig())
	list := conversation()
	four, six := list[3], list[5]
	four.at, six.at = seconds(1.3), seconds(1.4)
	list = append(list[:7:7], append([]packet{four, six, six}, list[7:]...)...)
	for _, p := range list {
		r.send(p)
	}
	s := one(t, r.close(seconds(10)))
	if s.Retrans != 3 || s.AZ.Bytes != 504+166 {
		t.Errorf("%+v", s)
	}
}

// TestFlowRecordsMeet is D-15.
func TestFlowRecordsMeet(t *testing.T) {
	r := newRig(t, DefaultConfig())
	there := flowRecord(t, seconds(0), "10.0.0.254", "10.1.0.1", "10.1.0.2", 40000, 80, 1000)
	back := flowRecord(t, seconds(60), "10.0.0.254", "10.1.0.2", "10.1.0.1", 80, 40000, 400)
	egress := there
	egress.Direction = schema.Egress
	other := flowRecord(t, seconds(61), "10.0.0.253", "10.1.0.1", "10.1.0.2", 40000, 80, 1000)
	for _, rec := range []*schema.Record{&there, &egress, &back, &other} {
		r.Observe(rec)
	}
	list := r.close(seconds(62))
	if len(list) != 2 || r.partial.Twice != 1 {
		t.Fatalf("%d sessions, %d twice", len(list), r.partial.Twice)
	}
	for i := range list {
		s := &list[i]
		if s.Exporter == there.Source.Exporter && (s.AZ.Bytes != 1000 || s.ZA.Bytes != 400 || s.First != seconds(-5) ||
			s.Last != seconds(59)) {
			t.Errorf("%+v", s)
		}
	}
}

// TestFlowRecordFlags looks at the state that flow records tell.
func TestFlowRecordFlags(t *testing.T) {
	const all = tcpSYN | tcpACK | tcpFIN
	for _, c := range []struct {
		name       string
		there, way uint8 // flags from A and from Z; 0 = no record
		want       State
	}{
		{"closed", all, all, 0x084f},
		{"one side closed", all, tcpSYN | tcpACK, 0x054f},
		{"reset", tcpSYN | tcpACK, tcpSYN | tcpACK | tcpRST, 0x088f},
		{"never answered", tcpSYN, 0, 0x0123},
		{"refused", tcpSYN, tcpRST | tcpACK, 0x08a3},
		{"middle", tcpACK, tcpACK, 0x0101},
	} {
		r := newRig(t, DefaultConfig())
		there := flowRecord(t, seconds(0), "10.0.0.254", "10.1.0.1", "10.1.0.2", 40000, 80, 1000)
		back := flowRecord(t, seconds(30), "10.0.0.254", "10.1.0.2", "10.1.0.1", 80, 40000, 400)
		there.TCPFlags, back.TCPFlags = c.there, c.way
		r.Observe(&there)
		r.tick(seconds(20))
		if c.way != 0 {
			r.Observe(&back)
		}
		r.tick(seconds(200))
		if s := one(t, r.ended); s.State != c.want {
			t.Errorf("%s: state %#x, want %#x", c.name, s.State, c.want)
		}
		// The next connection with the same ends is another session, also at once.
	}
	r := newRig(t, DefaultConfig())
	for i := range 2 {
		f := flowRecord(t, seconds(float64(i)), "10.0.0.254", "10.1.0.1", "10.1.0.2", 40000, 80, 1000)
		f.TCPFlags = all
		r.Observe(&f)
	}
	if list := r.close(seconds(3)); len(list) != 2 || list[0].ID == list[1].ID {
		t.Error(list)
	}
}

// TestSampled looks at sessions of packet samples.
func TestSampled(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, p := range conversation() {
		r.record(&p, func(rec *schema.Record) {
			rec.Kind, rec.Rate = schema.KindPacketSample, 100
			rec.Bytes, rec.Packets = rec.Bytes*100, 100
			rec.In.Value, rec.Out.Value = 1, 2
			if p.src == server {
				rec.In.Value, rec.Out.Value = 2, 1
			}
			if r.Observe(rec) {
				t.Error("gathered")
			}
			rec.Direction = schema.Egress // and once more where it leaves
			r.Observe(rec)
		})
	}
	s := one(t, r.close(seconds(3)))
	if s.AZ != (Counts{50400, 600, 10000}) || s.ZA != (Counts{77200, 400, 50000}) || s.Samples != 10 || s.Rate != 100 {
		t.Errorf("%+v", s)
	}
	if s.State != 0x086f || s.RTT != 0 || s.Retrans != 0 || s.In != 1 || s.Out != 2 || r.partial.Twice != 10 {
		t.Errorf("%+v %#x", s, s.State)
	}
}

// TestNewConnection sends the SYN of a new connection after a close, after a reset, and while one goes on.
func TestNewConnection(t *testing.T) {
	for _, c := range []struct {
		last int
		rst  bool
		want int
	}{{10, false, 2}, {8, false, 2}, {7, true, 2}, {7, false, 1}} {
		r := newRig(t, DefaultConfig())
		for _, p := range conversation()[:c.last] {
			r.send(p)
		}
		if c.rst {
			r.send(packet{at: seconds(2.1), src: client, dst: server, proto: 6, sp: 2964, dp: 22, flags: tcpRST})
		}
		r.send(packet{at: seconds(2.2), src: client, dst: server, proto: 6, sp: 2964, dp: 22, flags: tcpSYN, seq: 7})
		list := r.close(seconds(3))
		if len(list) != c.want {
			t.Errorf("%+v: %d sessions", c, len(list))
		}
		for i := range list {
			if f := list[i].State & StateFinal; f != StateTimedOut && f != StateTerminated {
				t.Errorf("%#x", list[i].State)
			}
		}
		if len(list) == 2 && list[0].ID == list[1].ID {
			t.Error("the same number twice")
		}
	}
}

// TestNotForSessions gives records that make no sessions.
func TestNotForSessions(t *testing.T) {
	r := newRig(t, DefaultConfig())
	for _, kind := range []schema.Kind{0, schema.KindTransaction, schema.KindDiscard, schema.KindFlowRecord} {
		f := flowRecord(t, t0, "10.0.0.1", "10.0.0.2", "10.0.0.3", 1, 2, 0)
		f.Kind, f.Packets = kind, 0
		if r.Observe(&f) {
			t.Error(kind)
		}
	}
	f := flowRecord(t, t0, "10.0.0.1", "10.0.0.2", "10.0.0.3", 1, 2, 5)
	f.IPv = 0
	r.Observe(&f)
	if r.Len() != 0 {
		t.Error(r.Len())
	}
}
