package wire

import (
	"slices"

	"weir/schema"
	"weir/wire/packet"
	"weir/wire/sflow"
)

// The sFlow structures that decide what a flow sample is.
var transactionFormats = [...]uint32{2206, 2201, 2202, 2200}

// maxSenders bounds the addresses kept of where an agent's datagrams came from.
const maxSenders = 8

// sflow reads one sFlow datagram.
func (d *Decoder) sflow(dg *Datagram) {
	if err := d.datagram.Parse(dg.Data); err != nil {
		d.books.Malformed[MalformedSFlow]++
		return
	}
	a := d.agent(dg)
	if a == nil {
		d.books.Refused[RefusedExporters]++
		return
	}
	if !d.admit(a, dg) {
		d.books.Refused[RefusedDuplicate]++
		return
	}
	for {
		ok, err := d.datagram.Next(&d.sample)
		if err != nil {
			d.books.Malformed[MalformedSFlow]++
			return
		}
		if !ok {
			d.books.Decoded++
			return
		}
		d.books.Samples++
		d.takeSample(a, dg)
	}
}

// agent returns the state of the datagram's exporter, made at first sight; nil when there are too many. An agent that
// does not say its address goes by the sender's.
func (d *Decoder) agent(dg *Datagram) *agent {
	if d.datagram.Agent.IsZero() {
		d.datagram.Agent = dg.From
	}
	a := d.agents[d.datagram.Agent]
	if a == nil {
		if len(d.agents) >= d.config.Exporters && !d.evict(dg.At) {
			return nil
		}
		a = &agent{subs: map[uint32]*subAgent{}, sources: map[sourceKey]*datasource{}}
		a.exporter.Address, a.exporter.First = d.datagram.Agent, dg.At
		d.agents[d.datagram.Agent] = a
	}
	return a
}

// subAgent returns the state of a sub-agent, made at first sight. Past the cap it is that of a stranger: each time a
// new one, of whom nothing is known.
func (d *Decoder) subAgent(a *agent) *subAgent {
	sub := a.subs[d.datagram.SubAgent]
	switch {
	case sub != nil:
	case len(a.subs) == 0 || d.subAgents < d.config.SubAgents:
		sub = &subAgent{}
		if len(a.subs) > 0 {
			d.subAgents++
		}
		a.subs[d.datagram.SubAgent] = sub
	default:
		d.books.Unfollowed[UnfollowedSubAgents]++
		sub = &d.stranger
		*sub = subAgent{}
	}
	return sub
}

// admit keeps book of the datagram at hand; it returns false when the same one was here before.
func (d *Decoder) admit(a *agent, dg *Datagram) bool {
	x, sub := &a.exporter, d.subAgent(a)
	a.changed = true
	if !slices.Contains(x.Senders, dg.From) && len(x.Senders) < maxSenders {
		x.Senders = append(x.Senders, dg.From)
	}
	p := fingerprint(d.datagram.Sequence, dg.Data)
	slot := &sub.prints[d.datagram.Sequence%lateWindow]
	if sub.seq.started && *slot == p {
		x.Duplicates++
		return false
	}
	*slot = p
	// An agent's uptime that went back by much is a restart: datagrams overtake each other by less.
	uptime := d.datagram.Uptime
	sub.seq.next(d.datagram.Sequence, uptime+60_000 < sub.uptime || uptime < sub.uptime/2)
	sub.uptime = uptime
	x.Datagrams++
	x.Bytes += uint64(len(dg.Data))
	x.Last, x.Uptime = max(x.Last, dg.At), uptime
	return true
}

// takeSample makes a record or a reading of the sample in hand.
func (d *Decoder) takeSample(a *agent, dg *Datagram) {
	s := &d.sample
	src := d.datagram.Source(s)
	d.traffic = &a.exporter.Traffic
	ds := d.datasource(a, src)
	switch s.Kind {
	case sflow.FlowSample, sflow.CustomFlow:
		if ds != nil {
			ds.flowSample(s)
			a.exporter.Rate = s.Rate
		}
		if s.Kind == sflow.CustomFlow || !d.flowSample(src, dg) {
			d.books.Ignored++
			return
		}
		a.exporter.Records++
	case sflow.Discard:
		if ds != nil {
			ds.notice++
			ds.notes.next(s.Sequence, false)
			ds.noteDrops = s.Drops
		}
		d.discard(src, dg)
		a.exporter.Records++
	case sflow.CounterSample, sflow.CustomMetrics:
		if ds != nil {
			ds.counterSample(s, dg.At)
		}
		if !d.counterSample(src, dg) {
			d.books.Ignored++
			return
		}
		a.exporter.Readings++
	default:
		d.unknown(s.Tag())
		d.books.Ignored++
	}
}

func (ds *datasource) flowSample(s *sflow.Sample) {
	if s.Kind == sflow.CustomFlow { // it has no sequence number
		ds.flows++
		return
	}
	arrived := ds.flow.next(s.Sequence, false)
	ds.flows++
	ds.rate, ds.drops = s.Rate, s.Drops
	if ds.poolSeen && arrived == inOrder {
		if growth := s.Pool - ds.pool; growth < 1<<31 {
			ds.poolGrowth += uint64(growth)
			ds.poolSamples++
		}
	}
	if arrived != late && arrived != repeated {
		ds.pool, ds.poolSeen = s.Pool, true
	}
}

func (ds *datasource) counterSample(s *sflow.Sample, at schema.Instant) {
	if s.Kind == sflow.CounterSample {
		ds.counter.next(s.Sequence, false)
	}
	if ds.counters == 0 {
		ds.firstCounter = at
	}
	ds.counters++
	ds.lastCounter = at
}

// start fills in what every record of the sample in hand has.
func (d *Decoder) start(src schema.Source, dg *Datagram, kind schema.Kind) *schema.Record {
	s := &d.sample
	d.slots = d.slots[:0]
	for _, r := range s.Records {
		d.slots = append(d.slots, r.Slot())
		if sflow.FlowStructure(r.Enterprise, r.Format) == nil {
			d.unknown(r.Tag())
		}
	}
	d.rec = schema.Record{
		At: dg.At, Start: dg.At, Last: dg.At, Kind: kind, Source: src, Rate: max(s.Rate, 1), Flows: 1, In: s.In,
		Out: s.Out, Reason: s.Reason, Body: dg.Data, Slots: d.slots, Direction: direction(src, s.In, s.Out),
	}
	return &d.rec
}

// direction tells on which side of the datasource the packet was seen (spec sflow-rt 2.1).
func direction(src schema.Source, in, out schema.Port) schema.Direction {
	switch {
	case src.Class != 0 || src.Index == 0:
		return schema.DirectionUnknown
	case in.Format == schema.PortIndex && in.Value == src.Index:
		return schema.Ingress
	case out.Format == schema.PortIndex && out.Value == src.Index:
		return schema.Egress
	}
	return schema.DirectionUnknown
}

// flowSample makes a record of a flow sample; false when it holds neither a packet nor a transaction.
func (d *Decoder) flowSample(src schema.Source, dg *Datagram) bool {
	r := d.start(src, dg, schema.KindPacketSample)
	if d.sampled(dg.Data) {
		r.Packets = uint64(r.Rate)
		r.Bytes = uint64(r.Rate) * uint64(r.Length)
		d.books.PacketSamples++
		d.give()
		return true
	}
	for _, format := range transactionFormats {
		if d.sample.Find(0, format) != nil {
			r.Kind = schema.KindTransaction
			d.books.Transactions++
			d.give()
			return true
		}
	}
	return false
}

// discard makes a record of a discarded packet. A notification stands for the one packet that it tells of.
func (d *Decoder) discard(src schema.Source, dg *Datagram) {
	r := d.start(src, dg, schema.KindDiscard)
	r.Rate, r.Packets = 1, 1
	d.sampled(dg.Data)
	r.Bytes = uint64(r.Length)
	d.books.Discards++
	d.give()
}

// sampled fills in what the packet of the sample in hand is, by the record that says it best: its header, else what
// the agent read from it. It returns false when there is none.
func (d *Decoder) sampled(b []byte) (found bool) {
	r := &d.rec
	for i := range d.sample.Records {
		rec := &d.sample.Records[i]
		if rec.Format == 1 && (rec.Enterprise == 0 || rec.Enterprise >= sflow.EnterpriseV2) {
			h, ok := sflow.ParseHeader(rec.Enterprise, d.datagram.Bytes(*rec))
			if !ok {
				continue
			}
			r.Length, r.Stripped = h.Length, uint16(min(h.Stripped, 0xffff))
			r.Link, r.Header, r.Layers = packet.FromSFlow(h.Protocol), h.Bytes, &d.headers
			packet.Parse(&d.headers, r.Link, h.Bytes, h.Length-min(h.Stripped, h.Length))
			d.outer(h.Bytes)
			return true
		}
	}
	if rec := d.sample.Find(0, 2); rec != nil {
		if e, ok := sflow.ParseEthernet(d.datagram.Bytes(*rec)); ok {
			r.Length, found = e.Length, true
		}
	}
	for _, format := range [...]uint32{3, 4} {
		rec := d.sample.Find(0, format)
		if rec == nil {
			continue
		}
		parse, version := sflow.ParseIP4, uint8(4)
		if format == 4 {
			parse, version = sflow.ParseIP6, 6
		}
		if p, ok := parse(d.datagram.Bytes(*rec)); ok {
			d.sampledIP(&p, version, found)
			found = true
		}
	}
	return found
}

// sampledIP fills in what an agent read from a packet whose header it cannot send.
func (d *Decoder) sampledIP(p *sflow.IP, version uint8, sized bool) {
	r := &d.rec
	if !sized {
		r.Length = p.Length
	}
	r.Src, r.Dst, r.IPv = schema.AddrFrom(p.Src), schema.AddrFrom(p.Dst), version
	r.Proto, r.HasProto, r.TCPFlags = uint8(p.Protocol), true, uint8(p.TCPFlags)
	switch p.Protocol {
	case 6, 17, 132:
		r.SrcPort, r.DstPort, r.HasPorts = uint16(p.SrcPort), uint16(p.DstPort), true
	}
}

// counterSample makes a reading of a counter sample; false when it holds no value that we know.
func (d *Decoder) counterSample(src schema.Source, dg *Datagram) bool {
	s := &d.sample
	if s.Kind == sflow.CounterSample {
		for _, r := range s.Records {
			if sflow.CounterStructure(r.Enterprise, r.Format) == nil {
				d.unknown(r.Tag())
			}
			if r.Enterprise == 0 && r.Format == formatAdapters && d.Adapter != nil {
				d.adapters(src, d.datagram.Bytes(r))
			}
		}
	}
	d.values = d.readings.Append(d.values[:0], &d.datagram, s)
	if len(d.values) == 0 {
		return false
	}
	d.reading = schema.Reading{
		At: dg.At, Uptime: d.datagram.Uptime, Sequence: s.Sequence, Source: src, Values: d.values,
	}
	d.books.Readings++
	d.onRead(&d.reading)
	return true
}

// formatAdapters is the counter structure host_adapters.
const formatAdapters = 2001

// adapters tells of the MAC addresses in host_adapters: a list of interfaces, each with a list of addresses.
func (d *Decoder) adapters(src schema.Source, body []byte) {
	w := sflow.NewWalk(body)
	for n := w.U32(); n > 0 && w.OK(); n-- {
		w.U32() // ifIndex
		for macs := w.U32(); macs > 0 && w.OK(); macs-- {
			if mac := w.MAC(); len(mac) == 6 {
				d.Adapter(src, mac)
			}
		}
	}
}
