package sflow

import (
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
)

// seeds adds a built payload, and the first ones of each reference capture when they are there.
func seeds(f *testing.F) {
	var b Builder
	b.Start(nil, testHead)
	b.FlowSample(&Sample{Rate: 10}, Expanded)
	b.Header(&Header{Protocol: 1, Length: 100, Bytes: []byte("abcdef")})
	b.Gateway(&Gateway{}, []uint32{1, 2}, []uint32{3})
	b.CounterSample(&Sample{Class: 3}, Compact)
	b.HostDescr("h", [16]byte{1}, 1, 2, "r")
	b.AppOperations("a", &[11]uint32{})
	f.Add(b.Bytes())
	if _, found := capturetest.Find(f, "sflow"); !found {
		return
	}
	for _, path := range capturetest.References(f, "sflow") {
		list := capturetest.Payloads(f, path)
		for _, p := range list[:min(len(list), 30)] {
			f.Add(p)
		}
	}
}

// FuzzDatagram holds the reader to its bounds: no panic, no sample or record outside of the datagram or of its sample,
// and everything that can be asked of a record answers.
func FuzzDatagram(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Datagram
		if d.Parse(b) != nil {
			return
		}
		var s Sample
		var r Readings
		samples, bytes := 0, 0
		for {
			ok, err := d.Next(&s)
			if !ok {
				if again, _ := d.Next(&s); again && err != nil {
					t.Fatal("goes on after an error")
				}
				break
			}
			samples++
			bytes += int(s.Len)
			within(t, &d, &s)
			for _, m := range r.Append(nil, &d, &s) {
				if m.Name == "" || m.Kind == 0 {
					t.Fatalf("bad metric %+v", m)
				}
			}
			custom := NewCustom(&d, &s)
			for field := (CustomField{}); custom.Next(&field); {
				_ = field.Value().String()
			}
		}
		if samples > len(b)/8+1 || bytes > len(b) {
			t.Fatalf("%d samples of %d bytes in %d bytes", samples, bytes, len(b))
		}
	})
}

func within(t *testing.T, d *Datagram, s *Sample) {
	if d.Bytes(s.Record) == nil && s.Len > 0 {
		t.Fatalf("sample %+v is outside of the datagram", s.Record)
	}
	last := s.Off
	for _, r := range s.Records {
		if r.Off < last || d.Version == 5 && r.Off+r.Len > s.Off+s.Len || d.Bytes(r) == nil && r.Len > 0 {
			t.Fatalf("record %+v is outside of its sample %+v", r, s.Record)
		}
		last = r.Off + r.Len
		body := d.Bytes(r)
		for _, st := range []*Structure{FlowStructure(r.Enterprise, r.Format), CounterStructure(r.Enterprise, r.Format)} {
			if st != nil {
				st.Walk(body, func(_ string, f *Field, v schema.Value) bool { _ = v.String(); return f != nil })
			}
		}
		parseAll(r, body)
	}
}

// parseAll reads body as everything that it could be.
func parseAll(r Record, body []byte) {
	for _, enterprise := range []uint32{0, EnterpriseV2, EnterpriseV4} {
		ParseHeader(enterprise, body)
		if g, ok := ParseGateway(enterprise, body); ok {
			g.AppendPath(nil)
			g.AppendCommunities(nil)
		}
	}
	for format := uint32(2100); format < 2104; format++ {
		ParseSocket(format, body)
	}
	ParseHTTP(2201, body)
	ParseHTTP(2206, body)
	ParseEthernet(body)
	ParseIP4(body)
	ParseIP6(body)
	ParseSwitch(body)
	ParseRouter(body)
	ParseApp(body)
	ParseAppContext(body)
	ParseMemcache(body)
	ParseTCPInfo(body)
	Text(body, int(r.Format&3))
	U32(body, int(r.Len/4))
	U64(body, int(r.Len/8))
	AppendMPLS(nil, body)
}

func TestWalkingAndBuildingDoNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 1500)
	path, communities := []uint32{1, 2, 3}, []uint32{4}
	var b Builder
	var d Datagram
	var s Sample
	hash := uint64(0)
	round := func() {
		b.Start(buf, testHead)
		for range 5 {
			b.FlowSample(&Sample{Rate: 100, Index: 3}, Compact)
			b.Header(&Header{Protocol: 1, Length: 1518, Stripped: 4, Bytes: buf[:64]})
			b.Gateway(&Gateway{AS: 1}, path, communities)
			b.Texts(0, 1038, "ip_rcv")
		}
		if err := d.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		for ok, _ := d.Next(&s); ok; ok, _ = d.Next(&s) {
			h, _ := ParseHeader(0, d.Bytes(s.Records[0]))
			g, _ := ParseGateway(0, d.Bytes(s.Records[1]))
			hash += uint64(h.Length) + uint64(g.DstAS)
		}
	}
	round()
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if hash == 0 {
		t.Error("nothing was read")
	}
}

// TestOldVersions reads versions 2 and 4 field by field.
func TestOldVersions(t *testing.T) {
	list := payloads(t, "synthetic-v2-v4")
	d := parse(t, list[0])
	s := next(t, d)
	if d.Version != 2 || s.Sequence != 1 || s.Index != 3 || s.Rate != 512 || s.Pool != 512 || s.In.Value != 3 ||
		s.Out.Value != 9 || len(s.Records) != 4 {
		t.Fatalf("%+v %+v", d, s)
	}
	h, ok := ParseHeader(EnterpriseV2, d.Bytes(*s.Find(EnterpriseV2, 1)))
	if !ok || h.Length != 406 || len(h.Bytes) != 106 {
		t.Errorf("header %+v", h)
	}
	g, ok := ParseGateway(EnterpriseV2, d.Bytes(*s.Find(EnterpriseV2, 1003)))
	if !ok || g.AS != 65000 || g.DstAS != 65005 || string(g.AppendPath(nil)) != "65003-65004-65005" {
		t.Errorf("gateway %+v", g)
	}
	r, ok := ParseRouter(d.Bytes(*s.Find(0, 1002)))
	if !ok || r.SrcMask != 24 || len(r.NextHop) != 4 {
		t.Errorf("router %+v", r)
	}
	s = next(t, d)
	if s.Out != (schema.Port{Format: schema.PortMultiple, Value: 3}) {
		t.Errorf("out %+v", s.Out)
	}
	if text, ok := Text(d.Bytes(*s.Find(EnterpriseV2, 1004)), 1); !ok || string(text) != "bob" {
		t.Errorf("user %q", text)
	}
	s = next(t, d)
	if s.Kind != CounterSample || s.Interval != 30 || len(s.Records) != 2 || s.Records[1].Format != 2 {
		t.Errorf("counters %+v", s)
	}
	d = parse(t, list[1])
	s = next(t, d)
	g, ok = ParseGateway(EnterpriseV4, d.Bytes(*s.Find(EnterpriseV4, 1003)))
	if !ok || string(g.AppendPath(nil)) != "65003-65004" || g.LocalPref != 100 ||
		string(g.AppendCommunities(nil)) != "65000:7" {
		t.Errorf("gateway %+v", g)
	}
	next(t, d)
	next(t, d)
	if s = next(t, d); len(s.Records) != 1 || s.Records[0].Format != 5 {
		t.Errorf("vlan counters %+v", s)
	}
	for cut := range list[0] {
		var d Datagram
		if d.Parse(list[0][:cut]) == nil {
			for ok, _ := d.Next(s); ok; ok, _ = d.Next(s) {
				within(t, &d, s)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	list := payloads(b, "overflowd-switch-a")
	var d Datagram
	var s Sample
	bytes, records := 0, 0
	for _, p := range list {
		bytes += len(p)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		records = 0
		for _, p := range list {
			if err := d.Parse(p); err != nil {
				b.Fatal(err)
			}
			for ok, _ := d.Next(&s); ok; ok, _ = d.Next(&s) {
				records += len(s.Records)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}

func BenchmarkReadings(b *testing.B) {
	list := payloads(b, "tcpdump-multiple-counter-30-pdus")
	var d Datagram
	var s Sample
	var r Readings
	var metrics []schema.Metric
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n = 0
		for _, p := range list {
			if p[1] != 0 || d.Parse(p) != nil { // NetFlow on the sFlow port
				continue
			}
			for ok, _ := d.Next(&s); ok; ok, _ = d.Next(&s) {
				metrics = r.Append(metrics[:0], &d, &s)
				n += len(metrics)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/metric")
}

func BenchmarkBuild(b *testing.B) {
	buf := make([]byte, 0, 1500)
	var build Builder
	header := Header{Protocol: 1, Length: 1518, Stripped: 4, Bytes: make([]byte, 128)}
	sample := Sample{Rate: 100, Index: 3}
	b.ReportAllocs()
	for b.Loop() {
		build.Start(buf, testHead)
		for range 6 {
			build.FlowSample(&sample, Compact)
			build.Header(&header)
			build.Switch(Switch{SrcVLAN: 1})
		}
		build.Bytes()
	}
}
