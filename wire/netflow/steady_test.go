package netflow_test

import (
	"encoding/binary"
	"testing"
	"time"

	"weir/capture/capturetest"
	"weir/schema"
	"weir/wire/netflow"
)

// steady returns a decoder that knows its exporter, and a datagram of so many records that it can read again and again.
func steady(t testing.TB, version uint16) (d *netflow.Decoder, datagram []byte, records int) {
	t.Helper()
	r := newRig(t, version, netflow.Config{Hold: netflow.DefaultHold})
	h := netflow.Header{Export: noon, Uptime: 3_600_000, Sampling: 100}
	records = 24
	tm := netflow.V5Template()
	var parts []func(*netflow.Builder)
	values := []schema.Value{ip(hostA), ip(hostB), ip(hostB), num(3), num(4), num(5), num(600), num(3_590_000),
		num(3_599_000), num(1024), num(443), num(0x1b), num(6), num(8), num(64512), num(64513), num(24), num(25)}
	if version != netflow.V5 {
		tm, values = flowTemplate(t, 300), flowValues()
		if version == netflow.IPFIX {
			tm = template(t, 300, append(tm.Fields, f(96, netflow.VariableLength))...)
			values = append(values, txt("https"))
		}
		system := options(t, 310, 1, f(10, 4), f(34, 4), f(82, 16))
		if version == netflow.V9 {
			system = options(t, 310, 1, scope(1, 4), f(34, 4), f(10, 4), f(82, 16))
		}
		parts = append(parts, define(tm), define(system), record(system, num(9), num(100), num(9), txt("eth9")))
	}
	for range records {
		parts = append(parts, record(tm, values...))
	}
	b := r.datagram(h, parts...)
	r.decode(noon, b)
	return r.d, b, len(r.got)
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, version := range []uint16{netflow.V5, netflow.V9, netflow.IPFIX} {
		d, b, want := steady(t, version)
		got := 0
		rec := func(*netflow.Record) { got++ }
		if n := testing.AllocsPerRun(100, func() {
			got = 0
			if err := d.Decode(noon, exporter, b, rec); err != nil {
				t.Fatal(err)
			}
		}); n != 0 || got != want {
			t.Errorf("v%d: %v allocations for %d records, want 0 for %d", version, n, got, want)
		}
	}
}

func benchmark(b *testing.B, version uint16) {
	d, datagram, records := steady(b, version)
	bytes := uint64(0)
	rec := func(r *netflow.Record) { bytes += r.Bytes }
	b.ReportAllocs()
	b.SetBytes(int64(len(datagram)))
	for b.Loop() {
		if err := d.Decode(noon, exporter, datagram, rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
}

func BenchmarkDecodeV5(b *testing.B)    { benchmark(b, netflow.V5) }
func BenchmarkDecodeV9(b *testing.B)    { benchmark(b, netflow.V9) }
func BenchmarkDecodeIPFIX(b *testing.B) { benchmark(b, netflow.IPFIX) }

func BenchmarkBuildIPFIX(b *testing.B) {
	tm, values := flowTemplate(b, 300), flowValues()
	w, err := netflow.NewBuilder(netflow.IPFIX, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Begin(netflow.Header{Export: noon})
		for range 24 {
			w.Record(tm, values...)
		}
		if _, err := w.Datagram(); err != nil {
			b.Fatal(err)
		}
	}
}

// small is a decoder with caps so low that a fuzzer reaches them.
func small() *netflow.Decoder {
	return netflow.New(netflow.Config{MaxDomains: 4, MaxTemplates: 4, MaxFields: 16, MaxTemplateFields: 40, MaxNames: 8,
		MaxNameBytes: 16, MaxHeldSets: 4, MaxHeldBytes: 512, MaxHeldTotal: 1024, Hold: time.Second, Idle: 3 * time.Second})
}

// touch reads everything that a record shows, so that a slot beyond its body is found.
func touch(t *testing.T, r *netflow.Record) {
	for _, s := range r.Slots {
		b := r.Body[s.Off : s.Off+s.Len]
		netflow.AppendElement(nil, s.Tag.Enterprise(), uint16(s.Tag.Number()), b)
	}
	if r.Start > r.End {
		t.Errorf("starts at %d after its end at %d", r.Start, r.End)
	}
	if lim := 2 * time.Hour; r.End-r.At > schema.Instant(lim) || r.At-r.End > schema.Instant(lim) {
		t.Errorf("arrived at %d, ended at %d", r.At, r.End)
	}
	if len(r.Section.Data) > len(r.Body) {
		t.Error("the section is longer than the record")
	}
}

// FuzzDecode gives a decoder a row of datagrams: each is a length of 2 bytes, a sender of one byte, and so many bytes.
func FuzzDecode(f *testing.F) {
	for _, version := range []uint16{netflow.V5, netflow.V9, netflow.IPFIX} {
		_, b, _ := steady(f, version)
		row := binary.BigEndian.AppendUint16(nil, uint16(len(b)))
		row = append(append(row, 1), b...)
		f.Add(append(row, row...))
	}
	addCaptures(f)
	f.Fuzz(func(t *testing.T, row []byte) {
		d := small()
		records := 0
		for at := noon; len(row) > 3; at += second {
			n, sender := int(binary.BigEndian.Uint16(row)), row[2]
			row = row[3:]
			n = min(n, len(row))
			before := records
			_ = d.Decode(at, schema.Addr4([4]byte{10, 0, 0, sender & 7}), row[:n], func(r *netflow.Record) {
				records++
				touch(t, r)
			})
			if limit := n + 1024; records-before > limit {
				t.Fatalf("%d records from %d bytes and what was held", records-before, n)
			}
			row = row[n:]
		}
		s := d.Stats()
		balanced(t, s)
		if s.Records+s.OptionsRecords != uint64(records) {
			t.Errorf("%d records, the books say %d + %d", records, s.Records, s.OptionsRecords)
		}
		if s.SetsHeld < s.SetsReleased+s.SetsExpired {
			t.Errorf("%d sets held, %d released, %d expired", s.SetsHeld, s.SetsReleased, s.SetsExpired)
		}
		domains := 0
		d.Exporters(func(e *netflow.Exporter) bool {
			if domains++; domains > 4 || e.Templates > 4 {
				t.Errorf("%d domains, %d templates: beyond the caps", domains, e.Templates)
			}
			return true
		})
	})
}

// addCaptures seeds a fuzzer with small reference captures, when they are there.
func addCaptures(f *testing.F) {
	for _, kind := range []string{"netflow5", "netflow9", "ipfix"} {
		if _, found := capturetest.Find(f, kind); !found {
			continue
		}
		for _, path := range capturetest.References(f, kind) {
			var row []byte
			for dg := range capturetest.Datagrams(f, path) {
				if telemetry(dg.Payload) {
					row = binary.BigEndian.AppendUint16(row, uint16(len(dg.Payload)))
					row = append(append(row, 1), dg.Payload...)
				}
				if len(row) >= 4000 {
					break
				}
			}
			f.Add(row)
		}
	}
}

func FuzzAppendElement(f *testing.F) {
	f.Add(uint32(0), uint16(152), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(uint32(0), uint16(154), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint32(0), uint16(95), []byte{3, 0, 0, 80})
	f.Add(uint32(netflow.ReverseEnterprise), uint16(1), []byte{})
	f.Fuzz(func(t *testing.T, enterprise uint32, id uint16, b []byte) {
		for _, c := range netflow.AppendElement(netflow.AppendElementName(nil, enterprise, id), enterprise, id, b) {
			if c < ' ' || c == 0x7f {
				t.Errorf("control character %#x", c)
			}
		}
	})
}
