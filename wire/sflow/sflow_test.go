package sflow

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
)

// payloads returns copies of the UDP payloads of a reference capture.
func payloads(t testing.TB, name string) [][]byte {
	t.Helper()
	return capturetest.Payloads(t, filepath.Join(capturetest.Dir(t, "sflow"), name+".pcap"))
}

// next reads a sample that must be there and whole.
func next(t testing.TB, d *Datagram) *Sample {
	t.Helper()
	s := &Sample{}
	if ok, err := d.Next(s); !ok || err != nil {
		t.Fatalf("no sample: %v %v", ok, err)
	}
	return s
}

func parse(t testing.TB, b []byte) *Datagram {
	t.Helper()
	d := &Datagram{}
	if err := d.Parse(b); err != nil {
		t.Fatal(err)
	}
	return d
}

var testHead = Head{Agent: schema.Addr4([4]byte{192, 0, 2, 1}), SubAgent: 7, Sequence: 42, Uptime: 1000}

func TestHead(t *testing.T) {
	v6, err := schema.ParseAddr("2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range []schema.Addr{testHead.Agent, v6, {}} {
		h := testHead
		h.Agent = agent
		var b Builder
		b.Start(nil, h)
		d := parse(t, b.Bytes())
		if d.Version != 5 || d.Agent != agent || d.SubAgent != 7 || d.Sequence != 42 || d.Uptime != 1000 || d.Samples != 0 {
			t.Errorf("read %+v", d)
		}
		if ok, err := d.Next(&Sample{}); ok || err != nil {
			t.Errorf("an empty datagram has a sample: %v %v", ok, err)
		}
	}
}

func TestSamplesRoundTrip(t *testing.T) {
	big := Sample{Kind: FlowSample, Sequence: 1, Class: 3, Index: 369098852, Rate: 1000, Pool: 99, Drops: 4,
		In:  schema.Port{Value: schema.PortInternal},
		Out: schema.Port{Format: schema.PortMultiple, Value: 3}}
	small := big
	small.Index = 12
	small.Out = schema.Port{Format: schema.PortDropped, Value: 258}
	counter := Sample{Kind: CounterSample, Sequence: 5, Class: 2, Index: 1}
	discard := Sample{Kind: Discard, Sequence: 6, Index: 8, Drops: 9, In: schema.Port{Value: 1},
		Out: schema.Port{Value: 2}, Reason: 279}
	var b Builder
	b.Start(make([]byte, 0, 1400), testHead)
	b.FlowSample(&big, Expanded)
	b.Words(0, 1036, 4)
	b.FlowSample(&small, Compact)
	b.CounterSample(&counter, Expanded)
	b.PortName("eth0")
	b.PortName("x")
	b.CounterSample(&counter, Compact)
	b.DiscardSample(&discard)
	b.Texts(0, 1038, "ip_rcv")
	b.RawSample(9999, 1, []byte{1, 2, 3, 4})
	d := parse(t, b.Bytes())
	if d.Samples != 6 {
		t.Fatalf("%d samples", d.Samples)
	}
	for i, want := range []Sample{big, small, counter, counter, discard, {}} {
		got := next(t, d)
		if n := [...]int{1, 0, 2, 0, 1, 0}[i]; len(got.Records) != n {
			t.Errorf("sample %d has records %v, want %d", i, got.Records, n)
		}
		got.Record, got.Records = Record{}, nil
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("sample %d: read %+v, wrote %+v", i, *got, want)
		}
	}
	if ok, err := d.Next(&Sample{}); ok || err != nil {
		t.Errorf("more than was written: %v %v", ok, err)
	}
}

// reread writes one flow sample with one record and returns the record's body as it is read again.
func reread(t *testing.T, enterprise, format uint32, write func(*Builder)) []byte {
	t.Helper()
	var b Builder
	b.Start(nil, testHead)
	b.FlowSample(&Sample{Rate: 1}, Compact)
	write(&b)
	d := parse(t, b.Bytes())
	s := next(t, d)
	r := s.Find(enterprise, format)
	if r == nil || len(s.Records) != 1 {
		t.Fatalf("no record %d:%d in %v", enterprise, format, s.Records)
	}
	return d.Bytes(*r)
}

func equal[T any](t *testing.T, want T, got T, ok bool) {
	t.Helper()
	if !ok || !reflect.DeepEqual(want, got) {
		t.Errorf("wrote %+v\nread  %+v %v", want, got, ok)
	}
}

func TestBodiesRoundTrip(t *testing.T) {
	mac := []byte{2, 0, 0, 0, 0, 1}
	ip4, ip6 := []byte{10, 0, 0, 1}, []byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	header := Header{Protocol: 1, Length: 1518, Stripped: 4, Bytes: []byte("abcde")}
	got, ok := ParseHeader(0, reread(t, 0, 1, func(b *Builder) { b.Header(&header) }))
	equal(t, header, got, ok)

	ethernet := Ethernet{Length: 64, Src: mac, Dst: mac, Type: 0x800}
	e, ok := ParseEthernet(reread(t, 0, 2, func(b *Builder) { b.Ethernet(2, &ethernet) }))
	equal(t, ethernet, e, ok)

	p4 := IP{Length: 1500, Protocol: 6, Src: ip4, Dst: ip4, SrcPort: 1, DstPort: 2, TCPFlags: 18, TOS: 4}
	p, ok := ParseIP4(reread(t, 0, 3, func(b *Builder) { b.IP(3, &p4) }))
	equal(t, p4, p, ok)
	p6 := IP{Length: 1500, Protocol: 17, Src: ip6, Dst: ip6, SrcPort: 1, DstPort: 2}
	p, ok = ParseIP6(reread(t, 0, 1025, func(b *Builder) { b.IP(1025, &p6) }))
	equal(t, p6, p, ok)

	sw := Switch{1, 2, 3, 4}
	s, ok := ParseSwitch(reread(t, 0, 1001, func(b *Builder) { b.Switch(sw) }))
	equal(t, sw, s, ok)
	for _, hop := range [][]byte{ip4, ip6, nil} {
		router := Router{NextHop: hop, SrcMask: 24, DstMask: 8}
		r, ok := ParseRouter(reread(t, 0, 1002, func(b *Builder) { b.Router(&router) }))
		equal(t, router, r, ok)
	}
	for format, addr := range map[uint32][]byte{2100: ip4, 2101: ip6, 2102: ip4, 2103: ip6} {
		socket := Socket{Protocol: 6, Local: addr, Remote: addr, LocalPort: 80, RemotePort: 4000}
		s, ok := ParseSocket(format, reread(t, 0, format, func(b *Builder) { b.Socket(format, &socket) }))
		equal(t, socket, s, ok)
	}
	http := HTTP{Method: 2, Protocol: 1001, URI: []byte("/a"), Host: []byte("h"), Referer: []byte("r"),
		UserAgent: []byte("ua"), XFF: []byte("x"), AuthUser: []byte("u"), MIMEType: []byte("text/html"), ReqBytes: 1,
		RespBytes: 2, Duration: 3, Status: -1}
	h, ok := ParseHTTP(2206, reread(t, 0, 2206, func(b *Builder) { b.HTTP(&http) }))
	equal(t, http, h, ok)
	app := App{Application: []byte("shop"), Operation: []byte("buy"), Attributes: []byte("a=b"), StatusText: []byte("ok"),
		ReqBytes: 1, RespBytes: 2, Duration: 3, Status: 4}
	a, ok := ParseApp(reread(t, 0, 2202, func(b *Builder) { b.App(&app) }))
	equal(t, app, a, ok)
	memcache := Memcache{Protocol: 1, Command: 7, Key: []byte("k"), Keys: 1, ValueBytes: 2, Duration: 3, Status: 1}
	m, ok := ParseMemcache(reread(t, 0, 2200, func(b *Builder) { b.Memcache(&memcache) }))
	equal(t, memcache, m, ok)
	info := TCPInfo{2, 1448, 1460, 1, 2, 3, 1500, 25000, 12000, 10, 3, 900}
	i, ok := ParseTCPInfo(reread(t, 0, 2209, func(b *Builder) { b.TCPInfo(&info) }))
	equal(t, info, i, ok)
	context, ok := ParseAppContext(reread(t, 0, 2203, func(b *Builder) { b.Texts(0, 2203, "a", "b", "c") }))
	equal(t, AppContext{[]byte("a"), []byte("b"), []byte("c")}, context, ok)
	acl := reread(t, 0, 1037, func(b *Builder) { b.ACL(5, "deny", 1) })
	text, ok := Text(acl[4:], 0)
	equal(t, []byte("deny"), text, ok)
	stamp, ok := U64(reread(t, 0, 1043, func(b *Builder) { b.Timestamp(1 << 60) }), 0)
	equal(t, uint64(1<<60), stamp, ok)
	if _, ok := ParseTCPInfo(nil); ok {
		t.Error("an empty body is a tcp_info")
	}
}

func TestGateway(t *testing.T) {
	want := Gateway{NextHop: []byte{10, 0, 0, 1}, AS: 1, SrcAS: 2, SrcPeerAS: 3, LocalPref: 100}
	body := reread(t, 0, 1003, func(b *Builder) {
		b.Gateway(&want, []uint32{64501, 64502, 64503}, []uint32{65000<<16 | 1, 65000<<16 | 2})
	})
	g, ok := ParseGateway(0, body)
	if !ok || g.DstPeerAS != 64501 || g.DstAS != 64503 || g.LocalPref != 100 || g.Communities() != 2 ||
		g.Community(1) != 65000<<16|2 {
		t.Errorf("%+v %v", g, ok)
	}
	if text := string(g.AppendPath(nil)); text != "64501-64502-64503" {
		t.Errorf("path %q", text)
	}
	if text := string(g.AppendCommunities(nil)); text != "65000:1-65000:2" {
		t.Errorf("communities %q", text)
	}
	g, ok = ParseGateway(0, reread(t, 0, 1003, func(b *Builder) { b.Gateway(&want, nil, nil) }))
	if !ok || g.DstAS != 0 || len(g.AppendPath(nil)) != 0 {
		t.Errorf("without a path: %+v %v", g, ok)
	}
	if _, ok := ParseGateway(0, body[:len(body)-30]); ok {
		t.Error("a path that is cut off is no path")
	}
}

func TestHeaderOfOldVersionsAndCut(t *testing.T) {
	body := []byte{0, 0, 0, 1, 0, 0, 0, 64, 0, 0, 0, 3, 'a', 'b', 'c', 0}
	for _, enterprise := range []uint32{EnterpriseV2, EnterpriseV4} {
		h, ok := ParseHeader(enterprise, body)
		equal(t, Header{Protocol: 1, Length: 64, Bytes: []byte("abc")}, h, ok)
	}
	h, ok := ParseHeader(EnterpriseV4, body[:14])
	equal(t, Header{Protocol: 1, Length: 64, Bytes: []byte("ab")}, h, ok)
}

// damaged builds a datagram of two flow samples with two records each and hands it to spoil.
func damaged(spoil func(b []byte)) []byte {
	var b Builder
	b.Start(nil, testHead)
	for range 2 {
		b.FlowSample(&Sample{Rate: 1}, Compact)
		b.Words(0, 1036, 1)
		b.Words(0, 1040, 2)
	}
	p := b.Bytes()
	spoil(p)
	return p
}

func TestDamage(t *testing.T) {
	// A datagram: 28 bytes of header, samples of 8 + 32 + 2 * 12 bytes.
	const first, second, record = 28, 28 + 64, 40
	tests := []struct {
		name    string
		b       []byte
		records []int // of the samples that stay good
		err     string
	}{
		{"record longer than its sample", damaged(func(b []byte) { b[second+record+4] = 1 }), []int{2},
			"record 0:1036 at byte 132 has length 16777220"},
		{"second record longer than its sample", damaged(func(b []byte) { b[second+record+12+4] = 1 }), []int{2, 1},
			"record 0:1040 at byte 144"},
		{"sample longer than the datagram", damaged(func(b []byte) { b[second+4] = 1 }), []int{2},
			"sample 0:1 at byte 92 has length"},
		{"too many records", damaged(func(b []byte) { b[first+record-1] = 3 }), []int{2}, "record 3 of 3"},
		{"too many samples", damaged(func(b []byte) { b[27] = 3 }), []int{2, 2}, "sample 3 of 3 is missing"},
		{"cut", damaged(func([]byte) {})[:second+20], []int{2}, "20 bytes"},
		{"short sample", damaged(func(b []byte) { b[second+7] = 8 }), []int{2}, "too short for its header"},
	}
	tests[5].err = "sample 0:1 at byte 92 has length 56, 12 bytes are left"
	for _, test := range tests {
		d := parse(t, test.b)
		var s Sample
		var records []int
		var err error
		for ok := true; ok; {
			if ok, err = d.Next(&s); ok {
				records = append(records, len(s.Records))
			}
		}
		if !reflect.DeepEqual(records, test.records) || err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: records %v, error %v", test.name, records, err)
		}
		if ok, err := d.Next(&s); ok || err != nil {
			t.Errorf("%s: goes on after the error: %v %v", test.name, ok, err)
		}
	}
}

// TestLengthFarBeyond is Q27. The UDP header of that capture contradicts the datagram too, so the frame is cut by hand.
func TestLengthFarBeyond(t *testing.T) {
	frames := 0
	for frame := range capturetest.Frames(t, filepath.Join(capturetest.Dir(t, "sflow"), "tcpdump-print-segv.pcap")) {
		frames++
		d := parse(t, frame.Data[14+20+8:])
		if ok, err := d.Next(&Sample{}); ok || err == nil || !strings.Contains(err.Error(), "record 0:13 at byte") {
			t.Errorf("%v %v", ok, err)
		}
	}
	if frames != 1 {
		t.Errorf("%d frames", frames)
	}
}

func TestBadHeads(t *testing.T) {
	for _, b := range [][]byte{nil, {0, 0}, {0, 0, 0, 3, 0}, {0, 0, 0, 5, 0, 0, 0, 9},
		{0, 0, 0, 5, 0, 0, 0, 1, 1, 2, 3, 4, 5}} {
		var d Datagram
		if err := d.Parse(b); err == nil || !strings.HasPrefix(err.Error(), "sflow: ") {
			t.Errorf("%v: %v", b, err)
		}
	}
}

// TestExtraBytes is Q26: bytes behind the last record of a sample and behind the last sample, records without padding.
func TestExtraBytes(t *testing.T) {
	var b Builder
	b.Start(nil, testHead)
	b.FlowSample(&Sample{Rate: 1}, Compact)
	b.Record(0, 1038, []byte("\x00\x00\x00\x05abcde"))
	b.Record(0, 1036, []byte{0, 0, 0, 9})
	b.b = append(b.b, 0xde, 0xad, 0xbe, 0xef)
	b.FlowSample(&Sample{Rate: 1}, Compact)
	b.Record(0, 1038, []byte("\x00\x00\x00\x05abcde"))
	b.b = append(b.b, 0, 0, 0)
	b.Record(0, 1036, []byte{0, 0, 0, 9})
	p := append(b.Bytes(), 1, 2, 3)
	d := parse(t, p)
	for range 2 {
		s := next(t, d)
		if len(s.Records) != 2 || s.Records[1].Format != 1036 {
			t.Fatalf("records %v", s.Records)
		}
		if text, ok := Text(d.Bytes(s.Records[0]), 0); !ok || string(text) != "abcde" {
			t.Errorf("text %q %v", text, ok)
		}
	}
	if ok, err := d.Next(&Sample{}); ok || err != nil {
		t.Errorf("bytes behind the last sample are no sample: %v %v", ok, err)
	}
}

func TestNames(t *testing.T) {
	for code, want := range map[uint32]string{0: "net_unreachable", 6: "dst_net_unknown", 15: "precedence_cutoff",
		257: "ttl_exceeded", 258: "acl", 259: "no_buffer_space", 269: "blackhole_route", 279: "unresolved_neigh",
		302: "uc_reverse_path_forwarding", 306: "blackhole_nexthop", 323: "unknown_parsing", 325: "unhandled_proto",
		332: "dev_hdr", 335: "reverse_path_forwarding", 345: "tcp_rfc7323_paws", 350: "tcp_fastopen", 356: "tcp_minttl",
		366: "tc_egress", 371: "socket_filter"} {
		if got, ok := ReasonName(code); !ok || got != want {
			t.Errorf("reason %d is %q, want %q", code, got, want)
		}
	}
	for _, code := range []uint32{16, 255, 372, 9999} {
		if got, ok := ReasonName(code); ok {
			t.Errorf("reason %d has the name %q", code, got)
		}
	}
	if name, ok := HTTPMethodName(2); !ok || name != "GET" {
		t.Errorf("method 2 is %q", name)
	}
	if name, ok := ifTypes.of(6); !ok || name != "ethernetCsmacd" {
		t.Errorf("ifType 6 is %q", name)
	}
	if name, ok := ifTypes.of(71); !ok || name != "ieee80211" {
		t.Errorf("ifType 71 is %q", name)
	}
}

func TestDatasource(t *testing.T) {
	for text, want := range map[string][2]uint32{"7": {0, 7}, "2.1": {2, 1}, "3.150000": {3, 150000}, "web1": {}, "": {},
		"1.2.3": {}, ".5": {}, "4294967295": {0, 4294967295}, "4294967296": {}, "256.1": {}, "99999999999999999999": {}} {
		if class, index := datasource([]byte(text)); uint32(class) != want[0] || index != want[1] {
			t.Errorf("%q is %d.%d", text, class, index)
		}
	}
}
