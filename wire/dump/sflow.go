package dump

import (
	"strconv"

	"weir/schema"
	"weir/wire"
	"weir/wire/packet"
	"weir/wire/sflow"
)

// sampleKinds are the kinds of lines.
var sampleKinds = map[sflow.SampleKind]string{
	sflow.FlowSample: "flow_sample", sflow.CounterSample: "counter_sample", sflow.Discard: "discard",
	sflow.CustomMetrics: "custom_metrics", sflow.CustomFlow: "custom_flow", sflow.Unknown: "unknown_sample",
}

func (d *Dumper) sflow(dg *wire.Datagram) error {
	if err := d.datagram.Parse(dg.Data); err != nil {
		return err
	}
	for {
		ok, err := d.datagram.Next(&d.sample)
		if err != nil || !ok {
			return err
		}
		d.sampleLine(dg)
	}
}

func (d *Dumper) sampleLine(dg *wire.Datagram) {
	l, s := &d.line, &d.sample
	l.start(sampleKinds[s.Kind])
	l.at("at", dg.At)
	l.addr("from", dg.From)
	l.uint("version", uint64(d.datagram.Version))
	l.addr("agent", d.datagram.Agent)
	l.uint("sub_agent", uint64(d.datagram.SubAgent))
	l.uint("datagram_sequence", uint64(d.datagram.Sequence))
	l.uint("uptime_ms", uint64(d.datagram.Uptime))
	l.str("structure", number(s.Record))
	switch s.Kind {
	case sflow.Unknown:
		l.hex("body", d.datagram.Bytes(s.Record))
	case sflow.CustomMetrics, sflow.CustomFlow:
		d.custom()
	default:
		d.sampleFields()
		for _, r := range s.Records {
			d.structure(r)
		}
	}
	d.end()
}

// sampleFields writes what stands in a sample before its structures.
func (d *Dumper) sampleFields() {
	l, s := &d.line, &d.sample
	l.uint("sequence", uint64(s.Sequence))
	class, ok := sflow.SourceClassName(s.Class)
	l.meaning("source_class", uint64(s.Class), class, ok)
	l.uint("source_index", uint64(s.Index))
	switch s.Kind {
	case sflow.FlowSample:
		l.uint("sampling_rate", uint64(s.Rate))
		l.uint("sample_pool", uint64(s.Pool))
		l.uint("drops", uint64(s.Drops))
		d.port("input", s.In)
		d.port("output", s.Out)
	case sflow.Discard:
		l.uint("drops", uint64(s.Drops))
		d.port("input", s.In)
		d.port("output", s.Out)
		name, ok := sflow.ReasonName(s.Reason)
		l.meaning("reason", uint64(s.Reason), name, ok)
	case sflow.CounterSample:
		if d.datagram.Version < 5 {
			l.uint("interval_s", uint64(s.Interval))
		}
	}
}

// port writes an interface of a flow sample in the three formats that it may have.
func (d *Dumper) port(name string, p schema.Port) {
	l := &d.line
	switch p.Format {
	case schema.PortIndex:
		l.meaning(name, uint64(p.Value), "internal", p.Value == schema.PortInternal)
	case schema.PortDropped:
		reason, ok := sflow.ReasonName(p.Value)
		l.meaning(name+"_dropped", uint64(p.Value), reason, ok)
	case schema.PortMultiple:
		l.uint(name+"_multiple", uint64(p.Value))
	}
}

// number returns the number of a structure as people write it, ENTERPRISE:FORMAT; the older versions have none.
func number(r sflow.Record) string {
	switch r.Enterprise {
	case sflow.EnterpriseV2:
		return "v2:" + strconv.FormatUint(uint64(r.Format), 10)
	case sflow.EnterpriseV4:
		return "v4:" + strconv.FormatUint(uint64(r.Format), 10)
	}
	return strconv.FormatUint(uint64(r.Enterprise), 10) + ":" + strconv.FormatUint(uint64(r.Format), 10)
}

// structure writes one structure of the sample in hand, and of a sampled header the headers that it is made of.
func (d *Dumper) structure(r sflow.Record) {
	l, body := &d.line, d.datagram.Bytes(r)
	find := sflow.FlowStructure
	if d.sample.Kind == sflow.CounterSample {
		find = sflow.CounterStructure
	}
	st := find(r.Enterprise, r.Format)
	if st == nil {
		l.begin("unknown")
		l.str("structure", number(r))
		l.hex("body", body)
		return
	}
	l.begin(st.Name)
	l.str("structure", number(r))
	st.Walk(body, func(name string, f *sflow.Field, v schema.Value) bool {
		d.field(name, f, v)
		return true
	})
	if d.sample.Kind != sflow.CounterSample && r.Format == 1 {
		d.sampledHeader(r.Enterprise, body)
	}
}

func (d *Dumper) field(name string, f *sflow.Field, v schema.Value) {
	l := &d.line
	switch {
	case f.Type == sflow.TypeOpaque || f.Type == sflow.TypeRemainder:
		l.hex(name, v.B)
	case f.Type == sflow.TypeIfStatus:
		l.meaning(name, v.N, "admin_"+upDown(v.N&1)+",oper_"+upDown(v.N&2), true)
	case v.Type == schema.Uint:
		means, ok := f.Meaning(v.N)
		l.meaning(name, v.N, means, ok)
	default:
		l.value(name, v)
	}
}

func upDown(bit uint64) string {
	if bit != 0 {
		return "up"
	}
	return "down"
}

// sampledHeader writes the headers of a sampled packet.
func (d *Dumper) sampledHeader(enterprise uint32, body []byte) {
	if enterprise != 0 && enterprise < sflow.EnterpriseV2 {
		return
	}
	h, ok := sflow.ParseHeader(enterprise, body)
	if !ok {
		return
	}
	packet.Parse(&d.headers, packet.FromSFlow(h.Protocol), h.Bytes, h.Length-min(h.Stripped, h.Length))
	d.layers(h.Bytes)
}

// custom writes the fields of a sample that names them itself.
func (d *Dumper) custom() {
	l, s := &d.line, &d.sample
	l.str("datasource", string(s.Name))
	if s.Kind == sflow.CustomFlow {
		l.uint("sampling_rate", uint64(s.Rate))
		l.uint("sample_pool", uint64(s.Pool))
	}
	l.begin("fields")
	clear(d.names)
	d.names[partKey] = 1
	var f sflow.CustomField
	for c := sflow.NewCustom(&d.datagram, s); c.Next(&f); {
		l.value(d.unused(string(f.Name)), f.Value())
	}
}

// unused returns a name from the wire, numbered when it stood in this sample before. d.names holds the number to try
// next, so that a thousand fields of one name cost no more than others.
func (d *Dumper) unused(name string) string {
	free := name
	for d.names[free] > 0 {
		free = numbered(name, d.names[name])
		d.names[name]++
	}
	d.names[free]++
	return free
}
