package export

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/vitals"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

const second = schema.Instant(time.Second)

// began is when tests begin: an arbitrary moment on a whole second.
const began = 1_767_225_600 * second

// far is when a test that waits for the network gives up; it is never reached when all is well.
const far = 10 * time.Second

var (
	agent4a = schema.Addr4([4]byte{192, 0, 2, 1})
	agent6a = schema.AddrOf(netip.MustParseAddr("2001:db8::9"))
	host1   = schema.Addr4([4]byte{198, 51, 100, 1})
	host2   = schema.Addr4([4]byte{198, 51, 100, 2})
)

// rig is an engine in replay mode, with a hand on its clock, that an exporter follows.
type rig struct {
	t      *testing.T
	engine *engine.Engine
	vitals *vitals.Set
	log    *syncBuffer
	now    schema.Instant
	seq    uint32
	stop   func()
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	e, err := engine.New(engine.Config{Lanes: 2, Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, engine: e, vitals: vitals.New(), log: &syncBuffer{}, now: began}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { e.Run(ctx) })
	x := New(e, r.vitals, slog.New(slog.NewTextHandler(r.log, nil)), c)
	all.Go(func() { x.Run(context.Background()) })
	for !follows(e) {
		time.Sleep(time.Millisecond)
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

func follows(e *engine.Engine) bool {
	_, ok := e.Followers()["export"]
	return ok
}

func (r *rig) do(cs ...engine.Command) {
	r.t.Helper()
	if err := r.engine.Do(cs...); err != nil {
		r.t.Fatal(err)
	}
	r.tick(0)
}

func (r *rig) tick(d time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(d)
	if err := r.engine.Tick(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// sample sends one packet sample of a TCP packet, at 1 in 100.
func (r *rig) sample(agent, src, dst schema.Addr, sport, dport uint16, size int) {
	r.t.Helper()
	var b sflow.Builder
	r.seq++
	b.Start(nil, sflow.Head{Agent: agent, Sequence: r.seq, Uptime: uint32(r.seq)})
	b.FlowSample(&sflow.Sample{Index: 3, Rate: 100, In: schema.Port{Value: 3}, Out: schema.Port{Value: 7}}, false)
	b.Header(&sflow.Header{Protocol: 1, Length: uint32(size), Stripped: 4, Bytes: tcp(src, dst, sport, dport, size-4)})
	d := wire.Datagram{At: r.now, From: agent, Data: b.Bytes()}
	p := r.engine.Parcel()
	p.Add(d)
	if err := r.engine.Put(context.Background(), wire.Lane(wire.ExporterOf(&d), r.engine.Lanes()), p); err != nil {
		r.t.Fatal(err)
	}
}

// tcp returns an Ethernet frame of size bytes with an IPv4 TCP packet.
func tcp(src, dst schema.Addr, sport, dport uint16, size int) []byte {
	f := make([]byte, 54)
	copy(f, []byte{2, 0, 0, 0, 0, 0xb2, 2, 0, 0, 0, 0, 0xa1, 8, 0, 0x45})
	binary.BigEndian.PutUint16(f[16:], uint16(size-14))
	f[22], f[23] = 64, 6
	copy(f[26:], src[12:])
	copy(f[30:], dst[12:])
	binary.BigEndian.PutUint16(f[34:], sport)
	binary.BigEndian.PutUint16(f[36:], dport)
	f[46], f[47] = 0x50, 0x02
	return f
}

// counted returns a counter as it is written out.
func (r *rig) counted(name string, labels ...string) int {
	return int(r.vitals.Counter(name, labels...).Get())
}

func (r *rig) wantDropped(want map[Reason]int) {
	r.t.Helper()
	for reason := range reasons {
		if n := r.counted("weir_export_dropped_total", "reason", reason.String()); n != want[reason] {
			r.t.Errorf("%d records dropped for %v, want %d", n, reason, want[reason])
		}
	}
}

// sink is a collector: it keeps what arrives.
type sink struct {
	t    *testing.T
	conn *net.UDPConn
}

func newSink(t *testing.T) *sink {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &sink{t, conn}
}

func (s *sink) address() string { return s.conn.LocalAddr().String() }

// take returns the next n messages.
func (s *sink) take(n int) (out [][]byte) {
	s.t.Helper()
	s.conn.SetReadDeadline(time.Now().Add(far))
	buf := make([]byte, 1<<16)
	for range n {
		size, err := s.conn.Read(buf)
		if err != nil {
			s.t.Fatalf("after %d of %d messages: %v", len(out), n, err)
		}
		if size > maxMessage {
			s.t.Errorf("a message of %d bytes", size)
		}
		out = append(out, bytes.Clone(buf[:size]))
	}
	return out
}

// got is what a collector makes of a record.
type got struct {
	Src, Dst         schema.Addr
	SrcPort, DstPort uint16
	Proto            uint8
	In               uint32
	Bytes, Packets   uint64
	Start, End       int64 // ms
	Agent            schema.Addr
}

// decode reads messages as a collector does that has seen nothing before.
func decode(t *testing.T, at schema.Instant, messages [][]byte) (out []got, stats netflow.Stats) {
	t.Helper()
	d := netflow.New(netflow.Config{})
	for _, m := range messages {
		err := d.Decode(at, host1, m, func(r *netflow.Record) {
			agent := r.Part(0, 130)
			if agent == nil {
				agent = r.Part(0, 131)
			}
			out = append(out, got{
				r.Src, r.Dst, r.SrcPort, r.DstPort, r.Proto, r.In, r.Bytes, r.Packets, r.Start.Millis(), r.End.Millis(),
				schema.AddrFrom(agent),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.Exporters(func(e *netflow.Exporter) bool {
		if e.Lost != 0 {
			t.Errorf("the sequence numbers say that %d records were lost", e.Lost)
		}
		return true
	})
	stats = d.Stats()
	if n := stats.SetsWithoutTemplate + stats.Malformed; n != 0 {
		t.Errorf("%d sets without template or messages malformed", n)
	}
	for reason, n := range stats.ByReason {
		if n != 0 {
			t.Errorf("%d times %v", n, netflow.Reason(reason))
		}
	}
	return out, stats
}

func definition(name, keys string, collectors ...string) engine.DefineFlow {
	return engine.DefineFlow{Definition: flow.Definition{
		Name: name, Keys: keys, Value: "bytes", Values: []string{"frames"}, Log: true, IPFIXCollectors: collectors,
	}}
}

// TestLoggedFlowsArrive sends flows of two exporters through the engine and compares what a collector decodes with the
// log, record by record.
func TestLoggedFlowsArrive(t *testing.T) {
	to, r := newSink(t), newRig(t, Config{})
	r.do(definition("tcp", "ipsource,ipdestination,tcpsourceport,tcpdestinationport,inputifindex", to.address()))
	for i := range 300 {
		r.tick(50 * time.Millisecond)
		agent := agent4a
		if i%3 == 0 {
			agent = agent6a
		}
		r.sample(agent, host1, host2, uint16(1000+i%70), 443, 100+i)
	}
	r.tick(10 * time.Second)
	r.stop()

	logged := r.engine.FlowsSince(0, nil, 0)
	if len(logged) < 140 {
		t.Fatalf("only %d flows in the log", len(logged))
	}
	records, stats := decode(t, r.now, to.take(r.counted("weir_export_messages_total")))
	if len(records) != len(logged) || r.counted("weir_export_records_total") != len(logged) {
		t.Fatalf("%d records of %d flows, %d counted", len(records), len(logged), r.counted("weir_export_records_total"))
	}
	if stats.TemplatesLearned != 2 {
		t.Errorf("%d templates, want 2: of IPv4 and IPv6 exporters", stats.TemplatesLearned)
	}
	slices.Reverse(logged) // oldest first, as exported
	for i, l := range logged {
		var want got
		var port uint16
		if _, err := fmt.Sscanf(l.Keys, "198.51.100.1,198.51.100.2,%d,443,3", &port); err != nil {
			t.Fatalf("keys %q: %v", l.Keys, err)
		}
		want = got{
			host1, host2, port, 443, 6, 3, uint64(l.Value), uint64(l.Values[0]), l.Start.Millis(), l.End.Millis(),
			l.Source.Exporter,
		}
		if records[i] != want {
			t.Fatalf("record %d: %+v, want %+v", i, records[i], want)
		}
	}
	r.wantDropped(nil)
}

// TestManyFlowsAtOnce fills many messages in one harvest.
func TestManyFlowsAtOnce(t *testing.T) {
	to, r := newSink(t), newRig(t, Config{})
	r.do(definition("tcp", "tcpsourceport", to.address()))
	for i := range 1000 {
		r.sample(agent4a, host1, host2, uint16(i), 80, 100)
	}
	r.tick(time.Second)
	r.do(engine.DropFlow{Name: "tcp"})
	r.stop()
	n := r.counted("weir_export_messages_total")
	records, _ := decode(t, r.now, to.take(n))
	var total uint64
	for _, g := range records {
		total += g.Bytes
	}
	if len(records) != 1000 || total != 1000*100*100 {
		t.Errorf("%d records of %d bytes in %d messages", len(records), total, n)
	}
	r.wantDropped(nil)
}

// templatesIn returns how many template sets a message has.
func templatesIn(message []byte) (n int) {
	for b := message[16:]; len(b) >= 4; b = b[binary.BigEndian.Uint16(b[2:]):] {
		if binary.BigEndian.Uint16(b) == 2 {
			n++
		}
	}
	return n
}

// TestTemplateRefresh has the clock of the data decide when templates are sent again.
func TestTemplateRefresh(t *testing.T) {
	to, r := newSink(t), newRig(t, Config{Refresh: 30 * time.Second})
	r.do(definition("tcp", "ipsource", to.address()))
	var withTemplate []schema.Instant
	for range 10 { // every 10 s of the data one flow, finished 5 s later
		r.sample(agent4a, host1, host2, 1, 2, 100)
		r.tick(5 * time.Second)
		r.tick(5 * time.Second)
	}
	r.stop()
	for _, m := range to.take(r.counted("weir_export_messages_total")) {
		if templatesIn(m) > 0 {
			withTemplate = append(withTemplate, schema.Instant(binary.BigEndian.Uint32(m[4:]))*second-began)
		}
	}
	want := []schema.Instant{5 * second, 30 * second, 60 * second, 90 * second}
	if !slices.Equal(withTemplate, want) {
		t.Errorf("templates sent at %v, want %v", withTemplate, want)
	}
}

// TestNewCollectorGetsTemplates adds a collector to a definition that is being exported.
func TestNewCollectorGetsTemplates(t *testing.T) {
	first, later, r := newSink(t), newSink(t), newRig(t, Config{})
	r.do(definition("tcp", "ipsource", first.address()))
	r.sample(agent4a, host1, host2, 1, 2, 100)
	r.tick(5 * time.Second)
	r.do(definition("tcp", "ipsource", first.address(), later.address(), later.address()))
	r.sample(agent4a, host1, host2, 1, 2, 100)
	r.tick(5 * time.Second)
	r.stop()
	if n := r.counted("weir_export_messages_total"); n != 3 {
		t.Fatalf("%d messages, want 2 for the first collector and 1 for the other", n)
	}
	a, statsA := decode(t, r.now, first.take(2))
	b, _ := decode(t, r.now, later.take(1))
	if len(a) != 2 || len(b) != 1 || statsA.TemplatesLearned != 1 {
		t.Errorf("%d and %d records; %d templates", len(a), len(b), statsA.TemplatesLearned)
	}
}

// TestRedefinedFlowsReadAsTheyWere ends flows by a change of their keys: their text still reads by the old keys, even
// where the new ones would fit, too.
func TestRedefinedFlowsReadAsTheyWere(t *testing.T) {
	to, r := newSink(t), newRig(t, Config{})
	r.do(definition("port", "tcpsourceport", to.address()))
	r.sample(agent4a, host1, host2, 1111, 2222, 100)
	r.tick(100 * time.Millisecond)
	r.do(definition("port", "tcpdestinationport", to.address()))
	r.sample(agent4a, host1, host2, 1111, 2222, 100)
	r.tick(100 * time.Millisecond)
	r.do(engine.DropFlow{Name: "port"})
	r.stop()
	records, stats := decode(t, r.now, to.take(r.counted("weir_export_messages_total")))
	if len(records) != 2 || records[0].SrcPort != 1111 || records[0].DstPort != 0 ||
		records[1].SrcPort != 0 || records[1].DstPort != 2222 || stats.TemplatesReplaced != 0 {
		t.Errorf("%+v", records)
	}
}

// TestMissedHarvests gives the exporter harvests with a gap in which a definition changed.
func TestMissedHarvests(t *testing.T) {
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := New(e, vitals.New(), slog.New(slog.DiscardHandler), Config{})
	state := func(keys string) *engine.State {
		d := definition("port", keys, "127.0.0.1:9").Definition
		if err := d.Complete(); err != nil {
			t.Fatal(err)
		}
		return &engine.State{Flows: []*flow.Definition{&d}}
	}
	x.seq = 7
	x.adopt(state("tcpsourceport"), began)
	harvest := func(seq uint64, s *engine.State) *engine.Harvest {
		return &engine.Harvest{
			Tick: engine.Tick{Seq: seq, At: began}, View: &engine.View{State: s},
			Flows: []flow.Logged{{Name: "port", Keys: "80", Values: []float64{1}}},
		}
	}
	next := state("tcpdestinationport")
	x.take(harvest(9, next))
	if n := x.books.dropped[ReasonRedefined].Get(); n != 1 {
		t.Errorf("%d dropped in doubt, want 1", n)
	}
	x.take(harvest(11, next))
	x.stop()
	if n := x.books.dropped[ReasonRedefined].Get(); n != 1 {
		t.Errorf("%d dropped after the doubt was over, want 1", n)
	}
}

// TestCollectorThatIsNotThere exports to a port that nobody listens on: the flows of others are not touched.
func TestCollectorThatIsNotThere(t *testing.T) {
	gone := newSink(t)
	nobody := gone.address()
	gone.conn.Close()
	to, r := newSink(t), newRig(t, Config{})
	r.do(definition("tcp", "ipsource", to.address(), nobody))
	for range 20 {
		r.sample(agent4a, host1, host2, 1, 2, 100)
		r.tick(5 * time.Second)
	}
	r.stop()
	records, _ := decode(t, r.now, to.take(20))
	if len(records) != 20 {
		t.Errorf("%d records", len(records))
	}
	if n := r.counted("weir_export_errors_total"); n == 0 {
		t.Error("no error was counted")
	}
	if n := strings.Count(r.log.String(), "cannot send flows"); n != 1 {
		t.Errorf("%d warnings in a minute, want 1:\n%s", n, r.log)
	}
}

func TestCollectorsCap(t *testing.T) {
	to, other, r := newSink(t), newSink(t), newRig(t, Config{Collectors: 1})
	r.do(definition("tcp", "ipsource", to.address(), other.address()))
	r.sample(agent4a, host1, host2, 1, 2, 100)
	r.tick(5 * time.Second)
	r.stop()
	r.wantDropped(map[Reason]int{ReasonCollectors: 1})
	if n := r.counted("weir_export_records_total"); n != 1 {
		t.Errorf("%d records", n)
	}
}

// TestSeparatorInValues defines flows whose keys cannot be told apart.
func TestSeparatorInValues(t *testing.T) {
	to, r := newSink(t), newRig(t, Config{})
	d := definition("pair", "tcpsourceport,tcpdestinationport", to.address())
	d.Definition.FS = "11"
	r.do(d)
	r.sample(agent4a, host1, host2, 1, 2, 100)
	r.tick(5 * time.Second)
	r.stop()
	r.wantDropped(map[Reason]int{ReasonSeparator: 1})
	if !strings.Contains(r.log.String(), "separator") {
		t.Errorf("not a word in the log:\n%s", r.log)
	}
}

func TestDefinitionThatDoesNotLog(t *testing.T) {
	r := newRig(t, Config{})
	d := definition("pair", "ipsource", "127.0.0.1")
	d.Definition.Log = false
	r.do(d)
	r.stop()
	if !strings.Contains(r.log.String(), "set log") {
		t.Errorf("not a word in the log:\n%s", r.log)
	}
}

func testLayout(t testing.TB, keys string) *layout {
	t.Helper()
	d := definition("d", keys, "127.0.0.1:9").Definition
	if err := d.Complete(); err != nil {
		t.Fatal(err)
	}
	return newLayout(&d, &identifiers{used: map[uint16]bool{}})
}

// TestQueueCap fills the queue of a collector that nobody empties: the sequence numbers show the gap, and templates
// are told again.
func TestQueueCap(t *testing.T) {
	b := newBooks(vitals.New())
	c := newCollector(netip.MustParseAddrPort("127.0.0.1:9"), Config{Queue: 1}, b, began)
	l := testLayout(t, "ipsource")
	send := func() {
		template, values, ok := l.read(&flow.Logged{Keys: "10.0.0.1", Value: 1, Values: []float64{1}})
		if !ok {
			t.Fatal("cannot be read")
		}
		c.add(template, values)
		c.flush()
	}
	send()
	send()
	if n := b.dropped[ReasonQueue].Get(); n != 1 {
		t.Fatalf("%d dropped, want 1", n)
	}
	first := <-c.queue
	send()
	third := <-c.queue
	if s := binary.BigEndian.Uint32(third.bytes[8:]); s != 2 {
		t.Errorf("sequence %d, want 2", s)
	}
	if templatesIn(first.bytes) != 1 || templatesIn(third.bytes) != 1 {
		t.Error("a template is missing")
	}
}

func TestEveryKey(t *testing.T) {
	tests := []struct {
		key, text string
		element   uint16
		want      string // "" when it cannot be
	}{
		{"macsource", "0200000000A1", 56, "02:00:00:00:00:a1"},
		{"macdestination", "FFFFFFFFFFFF", 80, "ff:ff:ff:ff:ff:ff"},
		{"macsource", "02:00:00:00:00:a1", 56, ""},
		{"macsource", "0200000000AX", 56, ""},
		{"ethernetprotocol", "34525", 256, "34525"},
		{"vlan", "4095", 58, "4095"},
		{"vlan", "65536", 58, ""},
		{"priority", "7", 244, "7"},
		{"ipprotocol", "17", 4, "17"},
		{"ipprotocol", "256", 4, ""},
		{"ipsource", "10.1.2.3", 8, "10.1.2.3"},
		{"ipdestination", "255.255.255.255", 12, "255.255.255.255"},
		{"ipsource", "2001:DB8::1", 8, ""},
		{"ip6source", "2001:DB8::A", 27, "2001:db8::a"},
		{"ip6source", "::FFFF:10.1.2.3", 27, "::ffff:10.1.2.3"},
		{"ip6destination", "::", 28, "::"},
		{"ip6destination", "10.1.2.3", 28, ""},
		{"ip6destination", "fe80::1%eth0", 28, ""},
		{"ip6nexthdr", "58", 4, "58"},
		{"tcpsourceport", "65535", 7, "65535"},
		{"tcpdestinationport", "443", 11, "443"},
		{"udpsourceport", "53", 7, "53"},
		{"udpdestinationport", "-1", 11, ""},
		{"inputifindex", "4294967295", 10, "4294967295"},
		{"inputifindex", "internal", 10, "1073741823"},
		{"outputifindex", "discard", 14, "0"},
		{"outputifindex", "multiple", 14, "0"},
		{"outputifindex", "none", 14, ""},
	}
	for _, test := range tests {
		l := testLayout(t, test.key)
		template, values, ok := l.read(&flow.Logged{Keys: test.text, Value: 5, Values: []float64{6}})
		if !ok {
			if test.want != "" {
				t.Errorf("%s %q cannot be read", test.key, test.text)
			}
			continue
		}
		c := newCollector(netip.AddrPort{}, Config{Queue: 1}, newBooks(vitals.New()), began)
		c.add(template, values)
		c.flush()
		d, text := netflow.New(netflow.Config{}), ""
		err := d.Decode(began, host1, (<-c.queue).bytes, func(r *netflow.Record) {
			text = string(netflow.AppendElement(nil, 0, test.element, r.Part(0, test.element)))
		})
		if err != nil || text != test.want {
			t.Errorf("%s %q: element %d is %q, want %q, %v", test.key, test.text, test.element, text, test.want, err)
		}
	}
}

// TestNoKeysAndRepeatedElements has templates in which an element would stand twice, and one without keys.
func TestNoKeysAndRepeatedElements(t *testing.T) {
	l := testLayout(t, "")
	if _, values, ok := l.read(&flow.Logged{Value: 5, Values: []float64{6}}); !ok || len(values) != 4 {
		t.Errorf("no keys: %v, %v", values, ok)
	}
	l = testLayout(t, "tcpsourceport,udpsourceport,ipprotocol,ip6nexthdr")
	template, values, ok := l.read(&flow.Logged{Keys: "1,2,6,6", Value: 5, Values: []float64{6}})
	if !ok || len(values) != 6 || len(template.Fields) != 6 || values[2].N != 1 || values[3].N != 6 {
		t.Errorf("%v of %v, %v", values, template, ok)
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]uint64{
		-1: 0, 0: 0, 0.4: 0, 1.5: 2, 1e30: math.MaxUint64, math.Inf(1): math.MaxUint64, 1 << 53: 1 << 53,
	} {
		if got := count(v); got != want {
			t.Errorf("%v: %d, want %d", v, got, want)
		}
	}
	if count(math.NaN()) != 0 {
		t.Error("NaN counts")
	}
}

func TestIdentifiers(t *testing.T) {
	ids := &identifiers{used: map[uint16]bool{}}
	first, _ := ids.take()
	for range blocks - 1 {
		if id, ok := ids.take(); !ok || id < first || id+families-1 < id {
			t.Fatalf("id %d, %v", id, ok)
		}
	}
	if _, ok := ids.take(); ok {
		t.Fatal("more ids than there are")
	}
	delete(ids.used, first)
	if id, ok := ids.take(); !ok || id != first || id != firstID {
		t.Errorf("%d, %v, want the one that was given back", id, ok)
	}
}

func TestThrottle(t *testing.T) {
	var q throttle
	now := time.Unix(1000, 0)
	for i, want := range []int{1, 0, 0, 3, 0} {
		n, _ := q.speak(now.Add(time.Duration(i) * 20 * time.Second))
		if n != want {
			t.Errorf("call %d stands for %d, want %d", i, n, want)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{Refresh: time.Millisecond}, {Queue: -1}, {Collectors: 5000}} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// TestRecordsAllocateNothing: only messages do, each once.
func TestRecordsAllocateNothing(t *testing.T) {
	step := exportOne(t)
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	step := exportOne(b)
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// exportOne returns what exports one record of a usual definition.
func exportOne(t testing.TB) func() {
	c := newCollector(netip.AddrPort{}, Config{Queue: 1}, newBooks(vitals.New()), began)
	l := testLayout(t, "ipsource,ipdestination,tcpsourceport,tcpdestinationport")
	f := &flow.Logged{
		Source: schema.Source{Exporter: agent4a}, Keys: "198.51.100.1,198.51.100.2,1024,443", Value: 1500,
		Values: []float64{1}, Start: began, End: began + second,
	}
	return func() {
		template, values, ok := l.read(f)
		if !ok {
			t.Fatal("cannot be read")
		}
		c.add(template, values)
		select {
		case <-c.queue:
		default:
		}
	}
}

// FuzzKeys reads any text by any separator. What reads well reads the same when it is joined again.
func FuzzKeys(f *testing.F) {
	f.Add("10.0.0.1,2001:DB8::1,0200000000A1,443,internal", ",")
	f.Add("10.0.0.1||::||0200000000A1||0||7", "||")
	f.Add("", "")
	f.Add("1.1.1.1,,,,", ",")
	names := []string{"ipsource", "ip6source", "macsource", "tcpsourceport", "inputifindex"}
	f.Fuzz(func(t *testing.T, text, fs string) {
		var columns []column
		for _, name := range names {
			columns = append(columns, column{known: knownKeys[name]})
		}
		if !readKeys(columns, text, fs) || !splits(fs) {
			return
		}
		var joined []string
		for i := range columns {
			joined = append(joined, columns[i].value.String())
		}
		again := slices.Clone(columns)
		if !readKeys(again, strings.Join(joined, fs), fs) {
			t.Fatalf("%q cannot be read again", joined)
		}
		for i := range columns {
			if a, b := columns[i].value.String(), again[i].value.String(); a != b {
				t.Fatalf("%q became %q", a, b)
			}
		}
	})
}
