package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"

	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/packet"
)

// sender is what is remembered of the sender of NetFlow or IPFIX datagrams beside what its decoder remembers.
type sender struct {
	last       schema.Instant // when its last datagram came
	bytes      uint64
	rate       uint32 // last seen
	prints     [lateWindow]print
	duplicates [IPFIX + 1]uint64
	traffic    [IPFIX + 1]Traffic
}

// sequenceAt is where in a datagram its sequence number stands; version 1 and 7 have none that counts.
var sequenceAt = map[Version]int{NetFlow5: 16, NetFlow9: 12, IPFIX: 8}

// repeats tells whether the same datagram, and not just its number, was here before.
func (s *sender) repeats(v Version, b []byte) bool {
	at, ok := sequenceAt[v]
	if !ok || len(b) < at+4 {
		return false
	}
	seq := binary.BigEndian.Uint32(b[at:])
	p := fingerprint(seq, b)
	slot := &s.prints[p.hash%lateWindow]
	if *slot == p {
		s.duplicates[v]++
		return true
	}
	*slot = p
	return false
}

// flowDatagram reads one NetFlow or IPFIX datagram.
func (d *Decoder) flowDatagram(dg *Datagram, v Version) {
	x := d.senders[dg.From]
	if x == nil {
		if len(d.senders) >= d.config.Exporters && !d.evictSender(dg.At) {
			d.books.Refused[RefusedExporters]++
			return
		}
		x = &sender{}
		d.senders[dg.From] = x
	}
	x.last = dg.At
	d.from, d.traffic = x, &x.traffic[v]
	if x.repeats(v, dg.Data) {
		d.books.Refused[RefusedDuplicate]++
		return
	}
	err := d.netflow.Decode(dg.At, dg.From, dg.Data, d.flowRec)
	switch {
	case err == nil:
		d.books.Decoded++
		x.bytes += uint64(len(dg.Data))
	case refusedBy(err):
		d.books.Refused[RefusedExporters]++
	default:
		d.books.Malformed[MalformedNetFlow]++
	}
}

// evictSender is evict for the senders of flow records.
func (d *Decoder) evictSender(at schema.Instant) bool {
	if at < d.nextSender && d.nextSender-at <= 1e9 {
		return false
	}
	d.nextSender = at + 1e9
	var from schema.Addr
	var oldest *sender
	for a, x := range d.senders {
		if oldest == nil || cmp.Or(cmp.Compare(x.last, oldest.last), a.Compare(from)) < 0 {
			from, oldest = a, x
		}
	}
	if oldest == nil || at-oldest.last < silentFor {
		return false
	}
	delete(d.senders, from)
	d.books.Evicted++
	return true
}

// flowRecord makes a record of a data record, and a second one when it also tells of the reverse direction.
func (d *Decoder) flowRecord(f *netflow.Record) {
	d.books.Samples++
	if f.Options {
		d.books.Options++
		d.portLabel(f)
		return
	}
	rate := f.Rate
	if rate == 0 {
		rate = d.rate(f.Exporter)
	}
	rate = max(rate, 1)
	if rate > 1 {
		d.from.rate = rate
	}
	r := &d.rec
	*r = schema.Record{
		At: f.At, Start: f.Start, Last: f.End, Kind: schema.KindFlowRecord, Rate: rate,
		Bytes: f.Bytes * uint64(rate), Packets: f.Packets * uint64(rate), Flows: max(f.Flows, 1) * uint64(rate),
		Src: f.Src, Dst: f.Dst, SrcPort: f.SrcPort, DstPort: f.DstPort, Proto: f.Proto, TCPFlags: f.TCPFlags, IPv: f.IPv,
		HasPorts: f.Has&netflow.HasPorts != 0 && portProto(f.Proto), HasProto: f.Has&netflow.HasProto != 0,
		In: schema.Port{Value: f.In}, Out: schema.Port{Value: f.Out}, Body: f.Body, Slots: f.Slots,
		Direction: schema.Ingress,
	}
	r.Source = schema.Source{Exporter: f.Exporter, Domain: f.Domain, Index: f.In}
	if f.Direction == schema.Egress {
		r.Direction, r.Source.Index = schema.Egress, f.Out
	}
	if f.Has&netflow.HasICMP != 0 {
		r.SrcPort, r.DstPort, r.ICMP, r.HasPorts = uint16(f.ICMPType), uint16(f.ICMPCode), true, false
	}
	if f.Dropped() {
		r.Out = schema.Port{Format: schema.PortDropped, Value: dropReasonUnknown}
	}
	if f.Has&netflow.HasSection != 0 && f.Has&(netflow.HasBytes|netflow.HasPackets) == 0 {
		d.section(&f.Section)
		return
	}
	if f.Total {
		d.totals.delta(f, r)
	}
	d.books.FlowRecords++
	d.give()
	if f.Has&netflow.HasReverse != 0 && f.Reverse.Bytes|f.Reverse.Packets != 0 {
		d.reverse(f)
	}
}

// The information elements that name interfaces (IANA).
const (
	elementIngress       = 10
	elementEgress        = 14
	elementInterfaceName = 82
)

// portLabel tells of the name of an interface in options data (wire-formats Q14). NetFlow v9 gives the interface as
// the scope.
func (d *Decoder) portLabel(f *netflow.Record) {
	name := f.Part(0, elementInterfaceName)
	if len(name) == 0 || d.PortLabel == nil {
		return
	}
	for _, e := range []struct {
		enterprise uint32
		id         uint16
	}{{0, elementIngress}, {0, elementEgress}, {netflow.ScopeEnterprise, scopeInterface}} {
		if index, ok := f.Number(e.enterprise, e.id); ok {
			if end := bytes.IndexByte(name, 0); end >= 0 {
				name = name[:end]
			}
			d.PortLabel(f.Exporter, uint32(index), name)
			return
		}
	}
}

// scopeInterface is the scope field type "interface" of NetFlow v9 (RFC 3954 section 6.1).
const scopeInterface = 2

// dropReasonUnknown is the sFlow drop reason "unknown": NetFlow does not tell which.
const dropReasonUnknown = 256

// portProto tells whether the ports of a flow record of this protocol are ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
func portProto(p uint8) bool { return p == 6 || p == 17 || p == 33 || p == 132 || p == 136 }

// section makes a record of a sampled packet that came in a data record: it is metered like an sFlow sample.
func (d *Decoder) section(s *netflow.Section) {
	r := &d.rec
	length := max(s.Size, uint32(len(s.Data)))
	r.Kind, r.Length = schema.KindPacketSample, length
	r.Packets, r.Bytes, r.Flows = uint64(r.Rate), uint64(r.Rate)*uint64(length), 1
	if s.Offset == 0 && s.Link != schema.LinkUnknown {
		packet.Parse(&d.headers, s.Link, s.Data, length)
		r.Link, r.Header, r.Layers = s.Link, s.Data, &d.headers
		d.outer(s.Data)
	}
	d.books.PacketSamples++
	d.give()
}

// reverse makes a record of the other direction of a bidirectional one (RFC 5103).
func (d *Decoder) reverse(f *netflow.Record) {
	r := &d.rec
	r.Reversed = true
	r.Src, r.Dst = r.Dst, r.Src
	if !r.ICMP {
		r.SrcPort, r.DstPort = r.DstPort, r.SrcPort
	}
	r.In, r.Out = schema.Port{Value: f.Out}, schema.Port{Value: f.In}
	r.Source.Index, r.Direction = f.Out, schema.Ingress
	if f.Direction == schema.Egress {
		r.Source.Index, r.Direction = f.In, schema.Egress
	}
	r.TCPFlags = f.Reverse.TCPFlags
	r.Bytes, r.Packets = f.Reverse.Bytes*uint64(r.Rate), f.Reverse.Packets*uint64(r.Rate)
	d.books.Reversed++
	d.give()
}

// totals turns running totals of long flows into what was added since the last record of the same flow (wire-formats
// section 4.1). It is for exporters that send nothing better.
type totals struct {
	seen map[totalKey]netflow.Counters
}

type totalKey struct {
	exporter, src, dst schema.Addr
	start              schema.Instant
	domain             uint32
	srcPort, dstPort   uint16
	proto              uint8
}

// maxTotals bounds the flows whose totals are remembered; then it starts again.
const maxTotals = 1 << 16

func (t *totals) delta(f *netflow.Record, r *schema.Record) {
	if f.Has&netflow.HasTimes == 0 {
		return // nothing tells one flow from the next of the same ends
	}
	k := totalKey{f.Exporter, f.Src, f.Dst, f.Start, f.Domain, f.SrcPort, f.DstPort, f.Proto}
	before, known := t.seen[k]
	if t.seen == nil || len(t.seen) >= maxTotals {
		t.seen = map[totalKey]netflow.Counters{}
	}
	t.seen[k] = netflow.Counters{Bytes: f.Bytes, Packets: f.Packets}
	if known && f.Bytes >= before.Bytes && f.Packets >= before.Packets {
		r.Bytes = (f.Bytes - before.Bytes) * uint64(r.Rate)
		r.Packets = (f.Packets - before.Packets) * uint64(r.Rate)
	}
}

var flowKinds = map[uint16]string{
	netflow.V1: "netflow1", netflow.V5: "netflow5", netflow.V7: "netflow7", netflow.V9: "netflow9",
	netflow.IPFIX: "ipfix",
}

var flowVersions = map[uint16]Version{
	netflow.V1: NetFlow1, netflow.V5: NetFlow5, netflow.V7: NetFlow7, netflow.V9: NetFlow9, netflow.IPFIX: IPFIX,
}

// flowExporters returns what is known of exporters of flow records: one for each sender and version.
func (d *Decoder) flowExporters() []Exporter {
	type key struct {
		from    schema.Addr
		version uint16
	}
	found := map[key]*Exporter{}
	d.netflow.Exporters(func(e *netflow.Exporter) bool {
		k := key{e.Addr, e.Version}
		x := found[k]
		if x == nil {
			x = &Exporter{
				Address: e.Addr, Kind: flowKinds[e.Version], LossUnit: e.Counts, First: e.First,
				Senders: []schema.Addr{e.Addr},
			}
			found[k] = x
		}
		x.Domains++
		x.First, x.Last = min(x.First, e.First), max(x.Last, e.Last)
		x.Datagrams += e.Datagrams
		x.Records += e.Records
		x.Lost += e.Lost
		x.OutOfOrder += e.Reordered
		x.Restarts += e.Restarts
		x.WithoutTemplate += e.SetsWithoutTemplate
		x.Rate = max(x.Rate, e.Rate)
		return true
	})
	out := make([]Exporter, 0, len(found))
	for k, x := range found {
		if s := d.senders[k.from]; s != nil {
			x.Rate = max(x.Rate, s.rate)
			x.Bytes = s.bytes
			x.Duplicates = s.duplicates[flowVersions[k.version]]
			x.Traffic = s.traffic[flowVersions[k.version]]
		}
		out = append(out, *x)
	}
	return out
}
