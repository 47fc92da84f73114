package netflow_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/schema"
	"weir/wire/netflow"
)

const (
	second = schema.Instant(time.Second)
	noon   = schema.Instant(1_750_000_000) * second
)

var (
	exporter = schema.Addr4([4]byte{192, 0, 2, 1})
	hostA    = []byte{10, 0, 0, 1}
	hostB    = []byte{10, 0, 0, 2}
)

func num(n uint64) (v schema.Value)  { v.SetUint(n); return v }
func ip(b []byte) (v schema.Value)   { v.SetIP(b); return v }
func txt(s string) (v schema.Value)  { v.SetText([]byte(s)); return v }
func raw(b ...byte) (v schema.Value) { v.SetText(b); return v }

func f(element, length uint16) netflow.Field { return netflow.Field{Element: element, Length: length} }

func rev(element, length uint16) netflow.Field {
	return netflow.Field{Enterprise: netflow.ReverseEnterprise, Element: element, Length: length}
}

func scope(kind, length uint16) netflow.Field {
	return netflow.Field{Enterprise: netflow.ScopeEnterprise, Element: kind, Length: length}
}

func template(t testing.TB, id uint16, fields ...netflow.Field) *netflow.Template {
	t.Helper()
	tm, err := netflow.NewTemplate(id, false, 0, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

func options(t testing.TB, id uint16, scopes int, fields ...netflow.Field) *netflow.Template {
	t.Helper()
	tm, err := netflow.NewTemplate(id, true, scopes, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// rig is a decoder with a builder that feeds it.
type rig struct {
	t   testing.TB
	d   *netflow.Decoder
	b   *netflow.Builder
	got []netflow.Record
}

func newRig(t testing.TB, version uint16, cfg netflow.Config) *rig {
	t.Helper()
	b, err := netflow.NewBuilder(version, 7)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, d: netflow.New(cfg), b: b}
}

// datagram builds one datagram without giving it to the decoder.
func (r *rig) datagram(h netflow.Header, parts ...func(*netflow.Builder)) []byte {
	r.t.Helper()
	r.b.Begin(h)
	for _, p := range parts {
		p(r.b)
	}
	b, err := r.b.Datagram()
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.Clone(b)
}

// decode gives a datagram to the decoder and returns the records it gave; Body and Slots are copied.
func (r *rig) decode(at schema.Instant, b []byte) []netflow.Record {
	r.t.Helper()
	r.got = nil
	err := r.d.Decode(at, exporter, b, func(rec *netflow.Record) {
		c := *rec
		c.Body, c.Slots = slices.Clone(rec.Body), slices.Clone(rec.Slots)
		r.got = append(r.got, c)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	balanced(r.t, r.d.Stats())
	return r.got
}

// send builds and decodes a datagram that is sent and arrives at an instant, by an exporter that started an hour ago.
func (r *rig) send(at schema.Instant, parts ...func(*netflow.Builder)) []netflow.Record {
	r.t.Helper()
	return r.decode(at, r.datagram(netflow.Header{Export: at, Uptime: 3_600_000}, parts...))
}

func define(tm *netflow.Template) func(*netflow.Builder) {
	return func(b *netflow.Builder) {
		if err := b.Template(tm); err != nil {
			panic(err)
		}
	}
}

func record(tm *netflow.Template, values ...schema.Value) func(*netflow.Builder) {
	return func(b *netflow.Builder) { b.Record(tm, values...) }
}

func one(t testing.TB, got []netflow.Record) *netflow.Record {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("%d records, want 1", len(got))
	}
	return &got[0]
}

func TestRoundTripV5(t *testing.T) {
	r := newRig(t, netflow.V5, netflow.Config{})
	h := netflow.Header{Export: noon + 5_000_000, Uptime: 100_000, Sampling: 0x4064}
	v5 := netflow.V5Template()
	got := one(t, r.decode(noon, r.datagram(h, record(v5, ip(hostA), ip(hostB), ip([]byte{10, 0, 0, 254}), num(3),
		num(4), num(5), num(600), num(90_000), num(99_000), num(1024), num(443), num(0x1b), num(6), num(8), num(64512),
		num(64513), num(24), num(25)))))
	if got.Version != netflow.V5 || got.Domain != 7 || got.Template != nil || got.Src.String() != "10.0.0.1" ||
		got.Dst.String() != "10.0.0.2" || got.In != 3 || got.Out != 4 || got.Packets != 5 || got.Bytes != 600 ||
		got.SrcPort != 1024 || got.DstPort != 443 || got.TCPFlags != 0x1b || got.Proto != 6 || got.IPv != 4 ||
		got.Rate != 100 || got.Flows != 1 {
		t.Errorf("%+v", got)
	}
	if got.Start != h.Export-10*second || got.End != h.Export-second {
		t.Errorf("from %v to %v", got.Start, got.End)
	}
	for id, want := range map[uint16]uint64{5: 8, 16: 64512, 17: 64513, 9: 24, 13: 25} {
		if n, ok := got.Number(0, id); !ok || n != want {
			t.Errorf("element %d = %d, %v, want %d", id, n, ok, want)
		}
	}
}

func flowTemplate(t testing.TB, id uint16) *netflow.Template {
	return template(t, id, f(8, 4), f(12, 4), f(7, 2), f(11, 2), f(4, 1), f(6, 1), f(10, 4), f(14, 4), f(1, 4), f(2, 3),
		f(22, 4), f(21, 4), f(61, 1), f(89, 1))
}

func flowValues() []schema.Value {
	return []schema.Value{ip(hostA), ip(hostB), num(1024), num(443), num(6), num(0x1b), num(3), num(4), num(60000),
		num(50), num(3_590_000), num(3_599_000), num(1), num(0x82)}
}

func TestRoundTripV9(t *testing.T) {
	r := newRig(t, netflow.V9, netflow.Config{})
	tm := flowTemplate(t, 300)
	got := one(t, r.send(noon, define(tm), record(tm, flowValues()...)))
	if got.Template == nil || got.Template.ID != 300 || got.Bytes != 60000 || got.Packets != 50 ||
		got.Direction != schema.Egress || !got.Dropped() || got.In != 3 || got.Out != 4 {
		t.Errorf("%+v", got)
	}
	if got.Start != noon-10*second || got.End != noon-second {
		t.Errorf("from %v to %v", got.Start, got.End)
	}
}

func TestRoundTripIPFIX(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	v6a, v6b := slices.Repeat([]byte{0x20}, 16), slices.Repeat([]byte{0x30}, 16)
	tm := template(t, 400, f(27, 16), f(28, 16), f(96, netflow.VariableLength), f(1, 8), f(2, 8), f(152, 8), f(153, 8),
		rev(1, 8), rev(2, 4), rev(6, 1), netflow.Field{Enterprise: 6871, Element: 18, Length: netflow.VariableLength})
	long := strings.Repeat("x", 300)
	got := r.send(noon, define(tm),
		record(tm, ip(v6a), ip(v6b), txt("https"), num(1), num(2), num(1_749_999_990_000), num(1_749_999_995_500),
			num(30), num(40), num(2), txt(long)),
		record(tm, ip(v6a), ip(v6b), txt(""), num(3), num(4)))
	if len(got) != 2 {
		t.Fatalf("%d records", len(got))
	}
	g := got[0]
	if g.IPv != 6 || g.Bytes != 1 || g.Packets != 2 || g.Has&netflow.HasReverse == 0 ||
		g.Reverse != (netflow.Counters{Bytes: 30, Packets: 40, TCPFlags: 2}) ||
		string(g.Part(0, 96)) != "https" || string(g.Part(6871, 18)) != long {
		t.Errorf("%+v", g)
	}
	if g.Start != noon-10*second || g.End != noon-second*9/2 {
		t.Errorf("from %v to %v", g.Start, g.End)
	}
	if got[1].Bytes != 3 || got[1].Start != noon || got[1].Has&netflow.HasTimes != 0 {
		t.Errorf("no times: %+v", got[1])
	}
}

func TestHold(t *testing.T) {
	for _, version := range []uint16{netflow.V9, netflow.IPFIX} {
		r := newRig(t, version, netflow.Config{Hold: 30 * time.Second})
		tm, other := flowTemplate(t, 300), template(t, 301, f(1, 4), f(2, 4))
		if n := len(r.send(noon, record(tm, flowValues()...), record(other, num(1), num(2)))); n != 0 {
			t.Fatalf("%d records before the template", n)
		}
		r.send(noon+second, record(tm, flowValues()...))
		got := r.send(noon+10*second, define(tm), record(tm, flowValues()...))
		if len(got) != 3 {
			t.Fatalf("v%d: %d records, want 3", version, len(got))
		}
		for i, at := range []schema.Instant{noon, noon + second, noon + 10*second} {
			if got[i].At != at || version == netflow.V9 && got[i].End != at-second {
				t.Errorf("v%d: record %d arrived %v, ended %v", version, i, got[i].At, got[i].End)
			}
		}
		r.send(noon + 60*second)
		s := r.d.Stats()
		if s.SetsWithoutTemplate != 3 || s.SetsHeld != 3 || s.SetsReleased != 2 || s.SetsExpired != 1 {
			t.Errorf("v%d: %+v", version, s)
		}
		if n := len(r.send(noon+61*second, define(other))); n != 0 {
			t.Errorf("v%d: %d records that had expired", version, n)
		}
	}
}

func TestHoldIsBounded(t *testing.T) {
	r := newRig(t, netflow.V9, netflow.Config{Hold: time.Hour, MaxHeldSets: 3, MaxHeldBytes: 200})
	tm := template(t, 300, f(1, 96))
	for range 5 {
		r.send(noon, record(tm))
	}
	if s := r.d.Stats(); s.SetsHeld != 2 || s.SetsNotHeld != 3 || s.SetsWithoutTemplate != 5 {
		t.Errorf("%+v", s)
	}
}

func TestReplacementAndWithdrawal(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	first, second := template(t, 300, f(1, 4), f(2, 4)), template(t, 300, f(2, 4), f(1, 4))
	if got := one(t, r.send(noon, define(first), record(first, num(1), num(2)))); got.Bytes != 1 {
		t.Errorf("bytes %d", got.Bytes)
	}
	if got := one(t, r.send(noon, define(second), record(second, num(2), num(1)))); got.Bytes != 1 {
		t.Errorf("after replacement: bytes %d", got.Bytes)
	}
	r.send(noon, define(second))
	if s := r.d.Stats(); s.TemplatesLearned != 2 || s.TemplatesReplaced != 1 {
		t.Errorf("%+v", s)
	}
	b := r.datagram(netflow.Header{Export: noon})
	b = append(b, 0, 2, 0, 8, 1, 44, 0, 0) // withdraw 300
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	r.decode(noon, b)
	if n := len(r.send(noon, record(second, num(2), num(1)))); n != 0 {
		t.Errorf("%d records by a template that was withdrawn", n)
	}
	r.send(noon, define(first), define(options(t, 301, 1, f(149, 4), f(34, 4))))
	b = r.datagram(netflow.Header{Export: noon})
	b = append(b, 0, 3, 0, 8, 0, 3, 0, 0) // withdraw all options templates
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	r.decode(noon, b)
	if s := r.d.Stats(); s.TemplatesWithdrawn != 2 || s.ByReason != ([netflow.Reasons]uint64{}) {
		t.Errorf("%+v", s)
	}
}

func TestSamplingPrecedence(t *testing.T) {
	plain := template(t, 300, f(1, 4), f(2, 4))
	bySampler := template(t, 301, f(48, 2), f(2, 4))
	inRecord := template(t, 302, f(34, 4), f(48, 2), f(2, 4))
	system := options(t, 310, 1, scope(1, 4), f(34, 4), f(35, 1))
	sampler := options(t, 311, 1, scope(1, 4), f(48, 2), f(49, 1), f(50, 4))
	r := newRig(t, netflow.V9, netflow.Config{Rate: 7})
	rate := func(want uint32, tm *netflow.Template, values ...schema.Value) {
		t.Helper()
		if got := one(t, r.send(noon, record(tm, values...))); got.Rate != want {
			t.Errorf("template %d: rate %d, want %d", tm.ID, got.Rate, want)
		}
	}
	r.send(noon, define(plain), define(bySampler), define(inRecord), define(system), define(sampler))
	rate(7, plain)
	r.send(noon, record(sampler, num(0), num(1), num(2), num(2000)), record(sampler, num(0), num(2), num(2), num(4000)))
	rate(7, plain)
	rate(2000, bySampler, num(1))
	rate(4000, bySampler, num(2))
	rate(7, bySampler, num(3)) // not announced: never the rate of another sampler
	rate(7, bySampler, num(0))
	r.send(noon, record(system, num(0), num(100), num(1)))
	rate(100, plain)
	rate(2000, bySampler, num(1))
	rate(50, inRecord, num(50), num(1))
	rate(2000, inRecord, num(0), num(1))
	if n, ok := r.d.SamplerRate(exporter, 7, netflow.V9, 2); !ok || n != 4000 {
		t.Errorf("sampler 2: %d, %v", n, ok)
	}
	if n, ok := r.d.SamplerRate(exporter, 7, netflow.V9, 0); !ok || n != 100 {
		t.Errorf("exporter-wide: %d, %v", n, ok)
	}
}

func TestSamplingIPFIX(t *testing.T) {
	plain, other := template(t, 300, f(1, 4), f(2, 4)), template(t, 301, f(1, 4), f(2, 4))
	selector := template(t, 302, f(302, 8), f(2, 4))
	byTemplate := options(t, 310, 2, f(149, 4), f(145, 2), f(305, 4), f(306, 4))
	bySelector := options(t, 311, 1, f(302, 8), f(305, 4), f(309, 4), f(310, 4))
	r := newRig(t, netflow.IPFIX, netflow.Config{Rates: map[schema.Addr]uint32{exporter: 9}})
	r.send(noon, define(plain), define(other), define(selector), define(byTemplate), define(bySelector),
		record(byTemplate, num(7), num(300), num(1), num(9)), record(bySelector, num(5), num(1), num(1), num(256)))
	got := r.send(noon, record(plain), record(other), record(selector, num(5)))
	for i, want := range []uint32{10, 9, 256} {
		if got[i].Rate != want {
			t.Errorf("record %d: rate %d, want %d", i, got[i].Rate, want)
		}
	}
}

func TestNames(t *testing.T) {
	r := newRig(t, netflow.V9, netflow.Config{MaxNames: 3, MaxNameBytes: 8})
	ifs := options(t, 310, 1, scope(2, 4), f(82, 12), f(83, 20))
	apps := options(t, 311, 1, scope(1, 4), f(95, 4), f(96, 8), f(94, 16))
	vrfs := options(t, 312, 1, scope(1, 4), f(234, 4), f(236, 8))
	r.send(noon, define(ifs), define(apps), define(vrfs),
		record(ifs, num(12), txt("ge-0/0/1-long"), txt("to")), record(apps, num(0), num(3<<24|53), txt("dns"), txt("DNS")),
		record(vrfs, num(0), num(9), txt("blue")), record(vrfs, num(0), num(10), txt("red")))
	if s, l, ok := r.d.InterfaceName(exporter, 12); !ok || s != "ge-0/0/1" || l != "to" {
		t.Errorf("interface: %q %q %v", s, l, ok)
	}
	if s, l, ok := r.d.ApplicationName(exporter, 3<<24|53); !ok || s != "dns" || l != "DNS" {
		t.Errorf("application: %q %q %v", s, l, ok)
	}
	if s, ok := r.d.VRFName(exporter, 9); !ok || s != "blue" {
		t.Errorf("VRF: %q %v", s, ok)
	}
	if _, ok := r.d.VRFName(exporter, 10); ok || r.d.Stats().NamesRefused != 1 {
		t.Error("a name beyond the cap was kept")
	}
}

func TestTimes(t *testing.T) {
	const boot = noon - 3600*second
	uptime := template(t, 300, f(22, 4), f(21, 4), f(2, 4))
	delta := template(t, 301, f(158, 4), f(159, 4), f(2, 4))
	own := template(t, 302, f(160, 8), f(22, 4), f(21, 4), f(2, 4))
	long := template(t, 303, f(152, 8), f(161, 4))
	ntp := template(t, 304, f(154, 8), f(155, 8), f(150, 4), f(151, 4))
	observed := template(t, 305, f(323, 8), f(2, 4))
	system := options(t, 310, 1, f(149, 4), f(160, 8))
	millis := func(i schema.Instant) schema.Value { return num(uint64(i.Millis())) }
	toNTP := func(i schema.Instant) schema.Value {
		return num((uint64(i/second)+2208988800)<<32 | uint64(i%second)<<32/uint64(second))
	}
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	r.send(noon, define(uptime), define(delta), define(own), define(long), define(ntp), define(observed), define(system))
	check := func(start, end schema.Instant, tm *netflow.Template, values ...schema.Value) {
		t.Helper()
		got := one(t, r.send(noon, record(tm, values...)))
		if d := got.Start - start; d < -1000 || d > 1000 || got.End-end < -1000 || got.End-end > 1000 {
			t.Errorf("template %d: from %v to %v, want %v to %v", tm.ID, got.Start, got.End, start, end)
		}
	}
	// Nobody said when the exporter started: the length is known all the same.
	check(noon-9*second, noon, uptime, num(3_590_000), num(3_599_000))
	check(noon-9*second, noon-8*second, delta, num(9e6), num(8e6))
	check(noon-10*second, noon-second, own, millis(boot), num(3_590_000), num(3_599_000))
	check(noon-10*second, noon-7*second, long, millis(noon-10*second), num(3000))
	check(noon-5*second/2, noon-second/2, ntp, toNTP(noon-5*second/2), toNTP(noon-second/2), num(1), num(2))
	check(noon-second, noon-second, observed, millis(noon-second))
	r.send(noon, record(system, num(7), millis(boot)))
	check(noon-10*second, noon-second, uptime, num(3_590_000), num(3_599_000))
	// 100 days up: the 32-bit clock has started over twice.
	r.send(noon, record(system, num(7), millis(noon-100*24*3600*second)))
	up := uint64(100 * 24 * 3600 * 1000)
	check(noon-10*second, noon-second, uptime, num((up-10_000)&0xffffffff), num((up-1000)&0xffffffff))
}

func TestUptimeWrap(t *testing.T) {
	r := newRig(t, netflow.V9, netflow.Config{})
	tm := template(t, 300, f(22, 4), f(21, 4))
	h := netflow.Header{Export: noon, Uptime: 5000}
	got := one(t, r.decode(noon, r.datagram(h, define(tm), record(tm, num(1<<32-5000), num(4000)))))
	if got.Start != noon-10*second || got.End != noon-second {
		t.Errorf("from %v to %v", got.Start, got.End)
	}
}

func TestAbsurdTimes(t *testing.T) {
	tm := template(t, 300, f(152, 8), f(153, 8))
	at := func(d schema.Instant) schema.Value { return num(uint64((noon + d).Millis())) }
	day := 86400 * second
	for _, c := range []struct {
		name             string
		export           schema.Instant // by the exporter's clock
		start, end       schema.Instant // by the exporter's clock, after noon
		wantStart, wantE schema.Instant // after noon
		bounded          bool
	}{
		{"right", noon, -30 * second, -second, -30 * second, -second, false},
		{"weeks ahead", noon, 20 * day, 20*day + 10*second, -10 * second, 0, true},
		{"decades behind", noon, -noon + second, -noon + 6*second, -5 * second, 0, true},
		{"clock off", noon - 3*day, -3*day - 20*second, -3*day - 5*second, -20 * second, -5 * second, true},
		{"endless", noon, -30 * day, -second, -second, -second, true},
		{"end before start", noon, -second, -5 * second, -5 * second, -5 * second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, netflow.IPFIX, netflow.Config{})
			b := r.datagram(netflow.Header{Export: c.export}, define(tm), record(tm, at(c.start), at(c.end)))
			got := one(t, r.decode(noon, b))
			if got.Start-noon != c.wantStart || got.End-noon != c.wantE || got.Bounded != c.bounded {
				t.Errorf("from %v to %v, bounded %v", (got.Start - noon).Seconds(), (got.End - noon).Seconds(), got.Bounded)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	for _, c := range []struct {
		name           string
		fields         []netflow.Field
		values         []uint64
		bytes, packets uint64
		reverse        netflow.Counters
		total          bool
	}{
		{"delta and total", []netflow.Field{f(85, 8), f(86, 8), f(1, 8), f(2, 8)}, []uint64{900, 90, 10, 1}, 10, 1,
			netflow.Counters{}, false},
		{"delta 0 and total", []netflow.Field{f(85, 8), f(86, 8), f(1, 8), f(2, 8)}, []uint64{900, 90, 0, 0}, 0, 0,
			netflow.Counters{}, false},
		{"total", []netflow.Field{f(85, 8), f(86, 8)}, []uint64{900, 90}, 900, 90, netflow.Counters{}, true},
		{"layer 2", []netflow.Field{f(352, 8), f(2, 8)}, []uint64{64, 1}, 64, 1, netflow.Counters{}, false},
		{"post only", []netflow.Field{f(23, 4), f(24, 4)}, []uint64{32, 1}, 32, 1, netflow.Counters{}, false},
		{"egress cache", []netflow.Field{f(1, 4), f(2, 4), f(23, 4), f(24, 4)}, []uint64{0, 0, 32, 1}, 32, 1,
			netflow.Counters{}, false},
		{"in and post", []netflow.Field{f(1, 4), f(2, 4), f(23, 4), f(24, 4)}, []uint64{40, 2, 32, 1}, 40, 2,
			netflow.Counters{}, false},
		{"NSEL", []netflow.Field{f(231, 4), f(232, 4), f(298, 4), f(299, 4)}, []uint64{11, 22, 1, 2}, 11, 1,
			netflow.Counters{Bytes: 22, Packets: 2}, false},
		{"5 and 7 bytes", []netflow.Field{f(1, 5), f(2, 7)}, []uint64{1 << 33, 1 << 50}, 1 << 33, 1 << 50,
			netflow.Counters{}, false},
	} {
		r := newRig(t, netflow.IPFIX, netflow.Config{})
		tm := template(t, 300, c.fields...)
		var values []schema.Value
		for _, v := range c.values {
			values = append(values, num(v))
		}
		got := one(t, r.send(noon, define(tm), record(tm, values...)))
		if got.Bytes != c.bytes || got.Packets != c.packets || got.Reverse != c.reverse || got.Total != c.total {
			t.Errorf("%s: %d bytes, %d packets, reverse %v, total %v", c.name, got.Bytes, got.Packets, got.Reverse,
				got.Total)
		}
	}
}

func TestAddressesAndICMP(t *testing.T) {
	r := newRig(t, netflow.V9, netflow.Config{})
	both := template(t, 300, f(8, 4), f(12, 4), f(27, 16), f(28, 16), f(4, 1), f(32, 2), f(139, 2), f(11, 2))
	v6 := slices.Repeat([]byte{0xfd}, 16)
	zero4, zero6 := make([]byte, 4), make([]byte, 16)
	got := r.send(noon, define(both),
		record(both, ip(hostA), ip(hostB), ip(zero6), ip(zero6), num(1), num(0x0304), num(0), num(0)),
		record(both, ip(zero4), ip(zero4), ip(v6), ip(zero6), num(58), num(0), num(0x8700), num(0)),
		record(both, ip(zero4), ip(zero4), ip(zero6), ip(zero6), num(1), num(0), num(0), num(0x0800)))
	for i, want := range []struct {
		src       string
		ipv       uint8
		kind, cod uint8
	}{{"10.0.0.1", 4, 3, 4}, {"fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd", 6, 0x87, 0}, {"0.0.0.0", 4, 8, 0}} {
		g := got[i]
		if g.Src.String() != want.src || g.IPv != want.ipv || g.ICMPType != want.kind || g.ICMPCode != want.cod ||
			g.Has&netflow.HasICMP == 0 || g.Has&netflow.HasDst == 0 {
			t.Errorf("record %d: %+v", i, g)
		}
	}
}

func TestSection(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	frame := template(t, 300, f(312, 2), f(315, netflow.VariableLength))
	radio := template(t, 301, f(315, netflow.VariableLength), f(408, 2))
	header := template(t, 302, f(313, 20), f(409, 2))
	got := r.send(noon, define(frame), define(radio), define(header), record(frame, num(1514), raw(1, 2, 3)),
		record(radio, raw(4, 5), num(2)), record(header, raw(0x45), num(14)))
	if s := got[0].Section; s.Link != schema.LinkEthernet || s.Size != 1514 || !slices.Equal(s.Data, []byte{1, 2, 3}) {
		t.Errorf("frame: %+v", s)
	}
	if s := got[1].Section; s.Link != schema.Link80211 {
		t.Errorf("802.11: %+v", s)
	}
	if s := got[2].Section; s.Link != schema.LinkRaw || s.Offset != 14 || len(s.Data) != 20 {
		t.Errorf("IP: %+v", s)
	}
	if got[0].Has&(netflow.HasBytes|netflow.HasSection) != netflow.HasSection {
		t.Errorf("has %b", got[0].Has)
	}
}

// TestPaddedSection holds that the padding of a section of fixed length is no part of the packet (RFC 7133 section 3).
func TestPaddedSection(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	before, after := template(t, 300, f(410, 2), f(315, 12)), template(t, 301, f(315, 12), f(410, 2))
	got := r.send(noon, define(before), define(after), record(before, num(3), raw(1, 2, 3)),
		record(after, raw(1, 2, 3), num(3)), record(before, num(0), raw(1)), record(before, num(13), raw(1)))
	for i, want := range []int{3, 3, 12, 12} {
		if n := len(got[i].Section.Data); n != want {
			t.Errorf("record %d: a section of %d bytes, want %d", i, n, want)
		}
	}
}

func TestV1AndV7(t *testing.T) {
	for _, c := range []struct {
		version                      uint16
		header, record, proto, flags int
	}{{netflow.V1, 16, 52, 38, 40}, {netflow.V1, 16, 48, 38, 40}, {netflow.V7, 24, 52, 38, 37}} {
		b := make([]byte, c.header+2*c.record)
		binary.BigEndian.PutUint16(b, c.version)
		binary.BigEndian.PutUint16(b[2:], 2)
		for i := range 2 {
			rec := b[c.header+i*c.record:]
			copy(rec, hostA)
			copy(rec[4:], hostB)
			binary.BigEndian.PutUint32(rec[16:], 3)
			binary.BigEndian.PutUint32(rec[20:], uint32(100*(i+1)))
			rec[c.proto], rec[c.flags] = 17, 2
		}
		r := newRig(t, netflow.V9, netflow.Config{})
		got := r.decode(noon, b)
		if len(got) != 2 || got[1].Bytes != 200 || got[1].Proto != 17 || got[1].TCPFlags != 2 || got[1].Packets != 3 {
			t.Errorf("v%d of %d bytes: %+v", c.version, c.record, got)
		}
	}
}

func TestMalformed(t *testing.T) {
	d := netflow.New(netflow.Config{})
	for _, c := range []struct {
		b      []byte
		reason netflow.Reason
	}{
		{nil, netflow.ReasonShort},
		{[]byte{0}, netflow.ReasonShort},
		{[]byte{0, 5, 0, 1}, netflow.ReasonShort},
		{make([]byte, 40), netflow.ReasonVersion},
		{append([]byte{0, 9}, make([]byte, 17)...), netflow.ReasonShort},
		{append([]byte{0, 10, 0, 15}, make([]byte, 20)...), netflow.ReasonLength},
	} {
		var bad *netflow.Malformed
		err := d.Decode(noon, exporter, c.b, func(*netflow.Record) { t.Error("a record") })
		if !errors.As(err, &bad) || bad.Reason != c.reason || !strings.HasPrefix(err.Error(), "netflow: ") {
			t.Errorf("% x: %v", c.b, err)
		}
	}
	s := d.Stats()
	balanced(t, s)
	if s.Malformed != 6 || s.ByReason[netflow.ReasonShort] != 4 {
		t.Errorf("%+v", s)
	}
}

func TestDamagedSets(t *testing.T) {
	tm := template(t, 300, f(1, 4), f(2, 4))
	for _, c := range []struct {
		name    string
		tail    []byte
		reason  netflow.Reason
		records int
	}{
		{"length 3", []byte{1, 44, 0, 3, 9, 9, 9, 9}, netflow.ReasonSetLength, 1},
		{"past the end", []byte{1, 44, 0, 200, 0, 0, 0, 0}, netflow.ReasonSetLength, 1},
		{"trailing", []byte{1, 2}, netflow.ReasonTrailing, 1},
		{"template past its set", []byte{0, 0, 0, 12, 1, 45, 0, 9, 0, 1, 0, 4, 1, 44, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2},
			netflow.ReasonTemplate, 2},
		{"record of no size", []byte{0, 0, 0, 12, 1, 45, 0, 1, 0, 1, 0, 0, 1, 45, 0, 8, 1, 1, 1, 1}, netflow.ReasonZeroSize, 1},
	} {
		r := newRig(t, netflow.V9, netflow.Config{})
		b := r.datagram(netflow.Header{Export: noon}, define(tm), record(tm, num(1), num(2)))
		got := r.decode(noon, append(b, c.tail...))
		if len(got) != c.records || r.d.Stats().ByReason[c.reason] != 1 {
			t.Errorf("%s: %d records, %v", c.name, len(got), r.d.Stats().ByReason)
		}
	}
}

func TestVariableRecordPastItsSet(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	tm := template(t, 300, f(2, 2), f(96, netflow.VariableLength))
	b := r.datagram(netflow.Header{Export: noon}, define(tm), record(tm, num(1), txt("abc")), record(tm, num(2), txt("def")))
	b[len(b)-4] = 200 // the length of the second text
	if got := r.decode(noon, b); len(got) != 1 || r.d.Stats().ByReason[netflow.ReasonRecord] != 1 {
		t.Errorf("%d records, %v", len(got), r.d.Stats().ByReason)
	}
}

func TestEmptyFieldsOfVariableTemplate(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	tm := template(t, 300, f(96, netflow.VariableLength), f(1, 0), f(2, 2))
	got := r.send(noon, define(tm), record(tm, txt("abc"), num(0), num(7)), record(tm, txt(""), num(0), num(8)))
	if len(got) != 2 || got[0].Packets != 7 || got[1].Packets != 8 || len(got[1].Part(0, 1)) != 0 ||
		got[1].Has&netflow.HasBytes != 0 {
		t.Errorf("%+v", got)
	}
}

func TestCaps(t *testing.T) {
	d := netflow.New(netflow.Config{MaxDomains: 2, Idle: time.Minute})
	b := make([]byte, 24)
	b[1] = 5
	send := func(at schema.Instant, last byte) error {
		return d.Decode(at, schema.Addr4([4]byte{10, 0, 0, last}), b, func(*netflow.Record) {})
	}
	for i := byte(1); i <= 2; i++ {
		if err := send(noon, i); err != nil {
			t.Fatal(err)
		}
	}
	var refused *netflow.Refused
	if err := send(noon+second, 3); !errors.As(err, &refused) || !strings.Contains(err.Error(), "MaxDomains") {
		t.Errorf("a third exporter: %v", err)
	}
	if err := send(noon+30*second, 2); err != nil {
		t.Error(err)
	}
	if err := send(noon+70*second, 3); err != nil {
		t.Errorf("the first exporter is idle: %v", err)
	}
	s := d.Stats()
	balanced(t, s)
	var seen []string
	d.Exporters(func(e *netflow.Exporter) bool { seen = append(seen, e.Addr.String()); return true })
	if s.Refused != 1 || s.DomainsEvicted != 1 || !slices.Equal(seen, []string{"10.0.0.2", "10.0.0.3"}) {
		t.Errorf("%+v %v", s, seen)
	}
}

func TestTemplateCaps(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{MaxTemplates: 2, MaxFields: 3, MaxTemplateFields: 22})
	define2 := func(id uint16, n int) {
		r.send(noon, define(template(t, id, slices.Repeat([]netflow.Field{f(1, 1)}, n)...)))
	}
	define2(300, 4)
	define2(301, 3)
	define2(302, 3)
	define2(303, 1)
	define2(302, 2)
	define2(302, 3)
	s := r.d.Stats()
	if s.TemplatesLearned != 4 || s.TemplatesRefused != 2 || s.ByReason != ([netflow.Reasons]uint64{}) {
		t.Errorf("%+v", s)
	}
	r.send(noon+2*3600*second, define(template(t, 303, f(1, 1))))
	if s := r.d.Stats(); s.TemplatesEvicted != 1 || s.TemplatesLearned != 5 {
		t.Errorf("%+v", s)
	}
}

func TestBuilderErrors(t *testing.T) {
	if _, err := netflow.NewBuilder(8, 0); err == nil {
		t.Error("a builder for version 8")
	}
	for _, err := range []error{
		second2(netflow.NewTemplate(255, false, 0, f(1, 4))), second2(netflow.NewTemplate(256, false, 0)),
		second2(netflow.NewTemplate(256, true, 0, f(1, 4))), second2(netflow.NewTemplate(256, false, 1, f(1, 4))),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
	r := newRig(t, netflow.V9, netflow.Config{})
	if err := r.b.Template(template(t, 300, rev(1, 4))); err == nil {
		t.Error("an enterprise element in v9")
	}
	r.b.Begin(netflow.Header{})
	for range 2 {
		r.b.Record(template(t, 300, f(1, 40000)))
	}
	if _, err := r.b.Datagram(); err == nil {
		t.Error("a datagram of 80000 bytes")
	}
}

func second2[T any](_ T, err error) error { return err }

func TestElementText(t *testing.T) {
	for _, c := range []struct {
		enterprise uint32
		id         uint16
		b          []byte
		name, want string
	}{
		{0, 1, []byte{0, 0, 1, 0}, "octetDeltaCount", "256"},
		{netflow.ReverseEnterprise, 1, []byte{7}, "rev.octetDeltaCount", "7"},
		{netflow.ScopeEnterprise, 2, []byte{0, 9}, "scope/2", "9"},
		{6871, 40 | 0x4000, []byte{0, 1}, "rev.flowAttributes", "1"},
		{6871, 7 | 0x4000, []byte{0, 1}, "6871/16391", "1"},
		{9, 12232, []byte{0xab, 0xcd, 0, 0, 1}, "9/12232", "abcd000001"},
		{0, 32767, []byte{3}, "32767", "3"},
		{0, 8, []byte{10, 1, 2, 3}, "sourceIPv4Address", "10.1.2.3"},
		{0, 8, []byte{10, 1}, "sourceIPv4Address", "0a01"},
		{0, 56, []byte{0, 1, 2, 0xab, 4, 5}, "sourceMacAddress", "00:01:02:ab:04:05"},
		{0, 82, []byte("eth0\x00\x00"), "interfaceName", "eth0"},
		{0, 82, []byte("a\x1b[2J\xff"), "interfaceName", `a\x1b[2J\xff`},
		{0, 152, []byte{0, 0, 1, 0x97, 0x7f, 0x42, 0x52, 0x34}, "flowStartMilliseconds", "2025-06-17T18:59:02.324Z"},
		{0, 150, []byte{0, 0, 0, 1}, "flowStartSeconds", "1970-01-01T00:00:01Z"},
		{0, 95, []byte{3, 0, 0, 53}, "applicationId", "3:53"},
		{0, 70, []byte{0x4e, 0x25, 0x01}, "mplsTopLabelStackSection", "320080/0/1"},
		{0, 276, []byte{1}, "dataRecordsReliability", "true"},
		{0, 434, []byte{0xff, 0xfe}, "mibObjectValueInteger", "-2"},
		{3054, 126, []byte{0xc0, 0xa4, 0xa9, 0xcf}, "sourceIPLatitude", "-5.1457286"},
		{0, 293, []byte{3, 0xc0}, "subTemplateMultiList", "03c0"},
		{0, 1, nil, "octetDeltaCount", ""},
	} {
		if n := netflow.ElementName(c.enterprise, c.id); n != c.name {
			t.Errorf("name %q, want %q", n, c.name)
		}
		if got := string(netflow.AppendElement(nil, c.enterprise, c.id, c.b)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
