package dump

import (
	"encoding/json"
	"strconv"

	"weir/schema"
	"weir/wire"
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

// aside writes what a datagram had beside records, when it had any; before and after are the books around it.
func (d *Dumper) aside(dg *wire.Datagram, before, after netflow.Stats) {
	counts := [...]struct {
		name          string
		before, after uint64
	}{
		{"templates_learned", before.TemplatesLearned, after.TemplatesLearned},
		{"templates_withdrawn", before.TemplatesWithdrawn, after.TemplatesWithdrawn},
		{"templates_refused", before.TemplatesRefused, after.TemplatesRefused},
		{"sets_without_template", before.SetsWithoutTemplate, after.SetsWithoutTemplate},
		{"sets_waiting", before.SetsHeld, after.SetsHeld},
		{"sets_given_up", before.SetsExpired, after.SetsExpired},
	}
	l, begun := &d.line, false
	count := func(name string, before, after uint64) {
		if before == after {
			return
		}
		if !begun {
			l.start("datagram")
			l.at("at", dg.At)
			l.addr("from", dg.From)
			l.uint("port", uint64(dg.Port))
			l.uint("bytes", uint64(len(dg.Data)))
			begun = true
		}
		l.uint(name, after-before)
	}
	for _, c := range counts {
		count(c.name, c.before, c.after)
	}
	for r := netflow.ReasonCount; r < netflow.Reasons; r++ {
		count("damaged_"+r.String(), before.ByReason[r], after.ByReason[r])
	}
	if begun {
		d.end()
	}
}

// element writes one information element.
func (d *Dumper) element(t schema.Tag, b []byte) {
	l, enterprise, id := &d.line, t.Enterprise(), uint16(t.Number())
	name := numbered(netflow.ElementName(enterprise, id), d.seen[t])
	d.seen[t]++
	l.text = netflow.AppendElement(l.text[:0], enterprise, id, b)
	if plainElement(enterprise, id, len(b), l.text) {
		l.name(name)
		l.buf = append(l.buf, l.text...)
		return
	}
	l.str(name, string(l.text))
}

// plainElement tells whether the text of an element of n bytes is a number or a truth value. A value that does not fit
// its kind is shown as hexadecimal digits, which may look like a number and are none.
func plainElement(enterprise uint32, id uint16, n int, text []byte) bool {
	kind, known := netflow.ElementType(enterprise, id)
	switch kind {
	case netflow.Uint, netflow.Int:
		return n > 0 && n <= 8
	case netflow.Float:
		return (n == 4 || n == 8) && json.Valid(text) // infinity is no number in JSON
	case netflow.Bool:
		return string(text) == "true" || string(text) == "false"
	case netflow.Octets:
		return !known && n > 0 && n <= 4
	}
	return false
}

// numbered tells fields of one name apart: before is how often the name stood in the line before.
func numbered(name string, before int) string {
	if before == 0 {
		return name
	}
	return name + "[" + strconv.Itoa(before) + "]"
}
