package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

const testNoon = schema.Instant(1_767_268_800 * 1_000_000_000)

var (
	testAgent = schema.Addr4([4]byte{192, 0, 2, 1})
	testHost1 = schema.Addr4([4]byte{198, 51, 100, 1})
	testHost2 = schema.Addr4([4]byte{198, 51, 100, 2})
)

// heard is what a decoder said.
type heard struct {
	records  []schema.Record
	readings []schema.Reading
}

// listen decodes datagrams one after another and copies what comes of them. The books must balance.
func listen(t *testing.T, d *Decoder, datagrams ...[]byte) heard {
	t.Helper()
	var h heard
	for i, b := range datagrams {
		dg := Datagram{At: testNoon.Add(time.Duration(i) * time.Millisecond), From: testAgent, Data: b}
		d.Decode(&dg, func(r *schema.Record) { h.records = append(h.records, *r) },
			func(r *schema.Reading) { h.readings = append(h.readings, *r) })
	}
	if b := d.Books(); b.Difference() != 0 {
		t.Errorf("the books are off by %d: %+v", b.Difference(), b)
	}
	return h
}

func sflowDatagram(sequence, uptime uint32, build func(b *sflow.Builder)) []byte {
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: testAgent, Sequence: sequence, Uptime: uptime})
	build(&b)
	return b.Bytes()
}

func tcpFrame() []byte {
	f := make([]byte, 54)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 3, 0xd2})
	f[22], f[23] = 64, 6
	copy(f[26:], testHost1[12:])
	copy(f[30:], testHost2[12:])
	binary.BigEndian.PutUint16(f[34:], 1234)
	binary.BigEndian.PutUint16(f[36:], 443)
	f[46], f[47] = 0x50, 0x12
	return f
}

func packetSample(b *sflow.Builder) {
	b.FlowSample(&sflow.Sample{
		Sequence: 1, Index: 3, Rate: 100, Pool: 100, In: schema.Port{Value: 3}, Out: schema.Port{Value: 4},
	}, false)
	b.Header(&sflow.Header{Protocol: 1, Length: 996, Stripped: 4, Bytes: tcpFrame()})
	b.Switch(sflow.Switch{SrcVLAN: 10})
}

func TestPacketSample(t *testing.T) {
	h := listen(t, NewDecoder(Config{}), sflowDatagram(1, 1000, packetSample))
	if len(h.records) != 1 {
		t.Fatalf("%d records", len(h.records))
	}
	r := h.records[0]
	if r.Kind != schema.KindPacketSample || r.Bytes != 99600 || r.Packets != 100 || r.Length != 996 || r.Rate != 100 ||
		r.Src != testHost1 || r.Dst != testHost2 || r.SrcPort != 1234 || r.DstPort != 443 || r.Proto != 6 ||
		r.TCPFlags != 0x12 || r.Direction != schema.Ingress || r.Source.Datasource() != "3" || r.Stripped != 4 {
		t.Errorf("%+v", r)
	}
	if len(r.Part(schema.MakeTag(schema.SpaceSFlow, 0, 1001))) != 16 {
		t.Error("extended_switch is not among the parts")
	}
}

func TestDiscardsAndTransactionsAreNoPacketTotals(t *testing.T) {
	d := NewDecoder(Config{})
	h := listen(t, d, sflowDatagram(1, 1000, func(b *sflow.Builder) {
		b.DiscardSample(&sflow.Sample{Sequence: 1, Index: 3, In: schema.Port{Value: 3}, Reason: 258})
		b.Header(&sflow.Header{Protocol: 1, Length: 68, Stripped: 4, Bytes: tcpFrame()})
		b.FlowSample(&sflow.Sample{Sequence: 1, Class: 3, Index: 80, Rate: 10}, true)
		b.HTTP(&sflow.HTTP{Method: 2, Protocol: 1001, URI: []byte("/x"), RespBytes: 700, Status: 200})
		b.FlowSample(&sflow.Sample{Sequence: 2, Class: 3, Index: 80, Rate: 10}, true)
		b.Words(0, 1001, 1, 2, 3, 4)
	}))
	books := d.Books()
	if len(h.records) != 2 || books.Discards != 1 || books.Transactions != 1 || books.Ignored != 1 {
		t.Fatalf("%d records, %+v", len(h.records), books)
	}
	if r := h.records[0]; r.Kind != schema.KindDiscard || r.Reason != 258 || r.Packets != 1 || !r.Exact() {
		t.Errorf("discard %+v", r)
	}
	if r := h.records[1]; r.Kind != schema.KindTransaction || r.Packets != 0 || r.Bytes != 0 ||
		r.Source.Datasource() != "3.80" {
		t.Errorf("transaction %+v", r)
	}
}

func TestSequences(t *testing.T) {
	at := func(n uint32) []byte { return sflowDatagram(n, 1000+n, packetSample) }
	d := NewDecoder(Config{})
	listen(t, d, at(1), at(2), at(5), at(4), at(5), at(6), sflowDatagram(1, 10, packetSample))
	x := d.Exporters()[0]
	if x.Lost != 1 || x.OutOfOrder != 1 || x.Duplicates != 1 || x.Datagrams != 6 || x.Restarts != 1 {
		t.Errorf("%+v", x)
	}
	if b := d.Books(); b.Refused[RefusedDuplicate] != 1 || b.Decoded != 6 {
		t.Errorf("%+v", b)
	}
}

// TestSameNumberIsNoDuplicate: some generators never count up, yet send something new each time.
func TestSameNumberIsNoDuplicate(t *testing.T) {
	d := NewDecoder(Config{})
	listen(t, d, sflowDatagram(0, 1000, packetSample), sflowDatagram(0, 1001, packetSample),
		sflowDatagram(0, 1002, packetSample))
	if b := d.Books(); b.Decoded != 3 || b.PacketSamples != 3 {
		t.Errorf("%+v", b)
	}
}

func TestEffectiveRate(t *testing.T) {
	d := NewDecoder(Config{})
	for i := range uint32(10) {
		listen(t, d, sflowDatagram(i+1, i*1000, func(b *sflow.Builder) {
			b.FlowSample(&sflow.Sample{Sequence: i + 1, Index: 3, Rate: 100, Pool: i * 150}, false)
			b.Header(&sflow.Header{Protocol: 1, Length: 68, Bytes: tcpFrame()})
		}))
	}
	ds := d.Exporters()[0].Datasources[0]
	if ds.Rate != 100 || ds.EffectiveRate != 150 || ds.FlowSamples != 10 {
		t.Errorf("%+v", ds)
	}
}

func flowTemplate(t *testing.T, id uint16, fields ...netflow.Field) *netflow.Template {
	t.Helper()
	tm, err := netflow.NewTemplate(id, false, 0, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

func uintValue(n uint64) (v schema.Value) {
	v.SetUint(n)
	return v
}

func addrValue(a schema.Addr) (v schema.Value) {
	v.SetIP(a[12:])
	return v
}

func TestBiflowBecomesTwoRecords(t *testing.T) {
	b, err := netflow.NewBuilder(netflow.IPFIX, 7)
	if err != nil {
		t.Fatal(err)
	}
	const reverse = 29305
	tm := flowTemplate(t, 300, netflow.Field{Element: 8, Length: 4}, netflow.Field{Element: 12, Length: 4},
		netflow.Field{Element: 4, Length: 1}, netflow.Field{Element: 7, Length: 2}, netflow.Field{Element: 11, Length: 2},
		netflow.Field{Element: 1, Length: 8}, netflow.Field{Element: 2, Length: 8},
		netflow.Field{Enterprise: reverse, Element: 1, Length: 8}, netflow.Field{Enterprise: reverse, Element: 2, Length: 8},
		netflow.Field{Element: 10, Length: 4}, netflow.Field{Element: 14, Length: 4})
	b.Begin(netflow.Header{Export: testNoon})
	if err := b.Template(tm); err != nil {
		t.Fatal(err)
	}
	b.Record(tm, addrValue(testHost1), addrValue(testHost2), uintValue(6), uintValue(1234), uintValue(443),
		uintValue(1000), uintValue(10), uintValue(5000), uintValue(20), uintValue(1), uintValue(2))
	payload, err := b.Datagram()
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(Config{Rates: []Rate{{netip.MustParsePrefix("192.0.2.0/24"), 4}}})
	h := listen(t, d, payload)
	if len(h.records) != 2 {
		t.Fatalf("%d records", len(h.records))
	}
	r := h.records[0]
	if r.Bytes != 4000 || r.Packets != 40 || r.Rate != 4 || r.Src != testHost1 || r.DstPort != 443 ||
		r.Source.Index != 1 || r.Direction != schema.Ingress || r.Source.Domain != 7 {
		t.Errorf("forward %+v", r)
	}
	if r := h.records[1]; r.Bytes != 20000 || r.Packets != 80 || r.Src != testHost2 || r.SrcPort != 443 ||
		r.DstPort != 1234 || r.Source.Index != 2 {
		t.Errorf("reverse %+v", r)
	}
}

// TestFlowDatagramTwice: the network may deliver a datagram twice; it counts once.
func TestFlowDatagramTwice(t *testing.T) {
	b, err := netflow.NewBuilder(netflow.V5, 0)
	if err != nil {
		t.Fatal(err)
	}
	var payloads [][]byte
	for range 3 {
		b.Begin(netflow.Header{Export: testNoon})
		b.Record(netflow.V5Template(), make([]schema.Value, len(netflow.V5Template().Fields))...)
		p, err := b.Datagram()
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, append([]byte(nil), p...))
	}
	d := NewDecoder(Config{})
	h := listen(t, d, payloads[0], payloads[1], payloads[0], payloads[2], payloads[2])
	if len(h.records) != 3 || d.Books().Refused[RefusedDuplicate] != 2 || d.Exporters()[0].Duplicates != 2 {
		t.Errorf("%d records, %+v", len(h.records), d.Exporters())
	}
}

func TestFrame(t *testing.T) {
	d := NewDecoder(Config{})
	var got schema.Record
	d.Decode(&Datagram{At: testNoon, From: testAgent, Frame: true, Link: schema.LinkEthernet, Interface: 2, Length: 992,
		Data: tcpFrame()}, func(r *schema.Record) { got = *r }, nil)
	if got.Kind != schema.KindFrame || got.Bytes != 992 || got.Packets != 1 || !got.Exact() || got.DstPort != 443 {
		t.Errorf("%+v", got)
	}
	d.Decode(&Datagram{At: testNoon, Frame: true}, nil, nil)
	if b := d.Books(); b.Difference() != 0 || b.Malformed[MalformedFrame] != 1 {
		t.Errorf("%+v", b)
	}
}

// TestDecodeAllocatesNothing: once an exporter is known, its datagrams cost no memory.
func TestDecodeAllocatesNothing(t *testing.T) {
	d := NewDecoder(Config{})
	b := sflowDatagram(1, 1000, func(b *sflow.Builder) {
		for range 8 {
			packetSample(b)
		}
	})
	n := uint32(1)
	rec, read := func(*schema.Record) {}, func(*schema.Reading) {}
	dg := Datagram{At: testNoon, From: testAgent, Data: b}
	once := func() {
		n++
		binary.BigEndian.PutUint32(b[16:], n)
		d.Decode(&dg, rec, read)
	}
	once()
	if allocs := testing.AllocsPerRun(1000, once); allocs != 0 {
		t.Errorf("%v allocations a datagram", allocs)
	}
	if d.Books().Refused[RefusedDuplicate] != 0 {
		t.Error("datagrams were taken for duplicates: nothing was measured")
	}
}

// TestGarbage: truncated, flipped and random datagrams never panic, never grow the decoder, and the books balance.
func TestGarbage(t *testing.T) {
	d := NewDecoder(Config{Exporters: 100, Datasources: 50, NetFlow: netflow.Config{MaxDomains: 100, Hold: time.Second}})
	rng := rand.New(rand.NewPCG(1, 2))
	good := [][]byte{sflowDatagram(1, 1000, packetSample), make([]byte, 24+48)}
	good[1][1], good[1][3] = 5, 1
	for i := range 100_000 {
		b := append([]byte(nil), good[i%len(good)]...)
		switch i % 3 {
		case 0:
			b = b[:rng.IntN(len(b))]
		case 1:
			for range 1 + rng.IntN(8) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
		default:
			b = b[:rng.IntN(len(b))]
			for j := range b {
				b[j] = byte(rng.Uint32())
			}
			if len(b) > 4 {
				copy(b, [][]byte{{0, 9}, {0, 10}, {0, 5}, {0, 0, 0, 5}}[rng.IntN(4)])
			}
		}
		dg := Datagram{At: testNoon.Add(time.Duration(i) * time.Millisecond), From: schema.Addr4([4]byte{10, 0, byte(i >> 8), byte(i)}), Data: b}
		d.Decode(&dg, func(*schema.Record) {}, func(*schema.Reading) {})
	}
	if b := d.Books(); b.Difference() != 0 || b.Received != 100_000 {
		t.Errorf("the books are off by %d: %+v", b.Difference(), b)
	}
	if len(d.agents) > 100 || len(d.senders) > 100 {
		t.Errorf("%d agents and %d senders are kept, 100 are allowed", len(d.agents), len(d.senders))
	}
}

func BenchmarkDecodeSFlow(b *testing.B) {
	d := NewDecoder(Config{})
	data := sflowDatagram(1, 1000, func(b *sflow.Builder) {
		for range 8 {
			packetSample(b)
		}
	})
	dg := Datagram{At: testNoon, From: testAgent, Data: data}
	rec, read := func(*schema.Record) {}, func(*schema.Reading) {}
	b.ReportAllocs()
	n := uint32(0)
	for b.Loop() {
		n++
		binary.BigEndian.PutUint32(data[16:], n)
		d.Decode(&dg, rec, read)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8, "ns/record")
}
