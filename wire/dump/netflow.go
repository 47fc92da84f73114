package dump

import (
	"encoding/json"
	"strconv"

	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/packet"
)

// versionNames are the versions as lines spell them.
var versionNames = map[uint16]string{
	netflow.V1: "v1", netflow.V5: "v5", netflow.V7: "v7", netflow.V9: "v9", netflow.IPFIX: "ipfix",
}

func (d *Dumper) flowRecord(r *netflow.Record) {
	l := &d.line
	kind := "flow_record"
	if r.Options {
		kind = "options_record"
	}
	l.start(kind)
	l.at("at", r.At)
	l.addr("from", r.Exporter)
	l.str("version", versionNames[r.Version])
	l.uint("domain", uint64(r.Domain))
	if r.Template != nil {
		l.uint("template", uint64(r.Template.ID))
	}
	if r.Rate > 0 {
		l.uint("sampling_rate", uint64(r.Rate))
	}
	if r.Has&netflow.HasTimes != 0 {
		l.at("start", r.Start)
		l.at("end", r.End)
	}
	clear(d.seen)
	l.begin("fields")
	for i := range r.Slots {
		s := &r.Slots[i]
		d.element(s.Tag, r.Body[s.Off:s.Off+s.Len])
	}
	if r.Has&netflow.HasSection != 0 && r.Section.Offset == 0 && r.Section.Link != schema.LinkUnknown {
		packet.Parse(&d.headers, r.Section.Link, r.Section.Data, max(r.Section.Size, uint32(len(r.Section.Data))))
		d.layers(r.Section.Data)
	}
	d.end()
}

// element writes one information element. An element that a record has several times is numbered from the second on.
func (d *Dumper) element(t schema.Tag, b []byte) {
	l, enterprise, id := &d.line, t.Enterprise(), uint16(t.Number())
	name := netflow.ElementName(enterprise, id)
	if n := d.seen[t]; n > 0 {
		name += "[" + strconv.Itoa(n) + "]"
	}
	d.seen[t]++
	l.text = netflow.AppendElement(l.text[:0], enterprise, id, b)
	text := string(l.text)
	switch kind, _ := netflow.ElementType(enterprise, id); kind {
	case netflow.Uint, netflow.Int, netflow.Float, netflow.Bool, netflow.Octets:
		// What does not fit its kind is shown as hexadecimal digits, which may look like a number.
		if len(b) > 0 && len(b) <= 8 && json.Valid(l.text) && (kind != netflow.Octets || len(b) <= 4) {
			l.name(name)
			l.buf = append(l.buf, text...)
			return
		}
	}
	l.str(name, text)
}
