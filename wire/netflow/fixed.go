package netflow

import (
	"encoding/binary"

	"weir/schema"
)

// The versions before v9 have one layout each. They are read by templates that are always known.

// layout is one of the fixed versions (wire-formats section 2).
type layout struct {
	header, record, shortest int // bytes
	template                 *Template
}

// at is a field at its place in a fixed record.
type placed struct{ off, length, element uint16 }

var commonFields = []placed{
	{0, 4, 8}, {4, 4, 12}, {8, 4, 15}, {12, 2, 10}, {14, 2, 14}, {16, 4, 2}, {20, 4, 1}, {24, 4, 22}, {28, 4, 21},
	{32, 2, 7}, {34, 2, 11},
}

var (
	fixedV1 = layout{16, 52, 48, fixedTemplate([]placed{{38, 1, 4}, {39, 1, 5}, {40, 1, 6}})}
	fixedV5 = layout{24, 48, 48, fixedTemplate([]placed{{37, 1, 6}, {38, 1, 4}, {39, 1, 5}, {40, 2, 16}, {42, 2, 17},
		{44, 1, 9}, {45, 1, 13}})}
	fixedV7 = layout{24, 52, 52, fixedTemplate([]placed{{37, 1, 6}, {38, 1, 4}, {39, 1, 5}, {40, 2, 16}, {42, 2, 17},
		{44, 1, 9}, {45, 1, 13}, {48, 4, 43}})}
)

// fixedTemplate makes the template of a fixed version; its id is 0, which no template of an exporter has.
func fixedTemplate(more []placed) *Template {
	t := &Template{}
	var offsets []uint16
	for _, list := range [][]placed{commonFields, more} {
		for _, p := range list {
			t.Fields = append(t.Fields, Field{Element: p.element, Length: p.length})
			offsets = append(offsets, p.off)
		}
	}
	t.compile()
	for i, off := range offsets {
		t.slots[i].Off = uint32(off)
	}
	return t
}

// decodeFixed reads NetFlow v1, v5 or v7.
func (d *Decoder) decodeFixed(at schema.Instant, from schema.Addr, version uint16, b []byte,
	rec func(*Record)) error {
	l := &fixedV5
	switch version {
	case V1:
		l = &fixedV1
	case V7:
		l = &fixedV7
	}
	if len(b) < l.header {
		return d.malformed(ReasonShort, b, l.header)
	}
	id := uint32(0)
	if version == V5 {
		id = uint32(binary.BigEndian.Uint16(b[20:])) // engine type and id (quirk Q8)
	}
	dom := d.domain(at, from, id, version)
	if dom == nil {
		return d.refused()
	}
	c := clock{
		at: at,
		export: schema.Instant(binary.BigEndian.Uint32(b[8:]))*1e9 +
			schema.Instant(binary.BigEndian.Uint32(b[12:])),
		uptime:    binary.BigEndian.Uint32(b[4:]),
		hasUptime: true,
	}
	restarted := dom.arrived(&c)
	if version == V5 {
		// The mode in the top bits is often wrong, the interval is not (quirk Q7). 0 says nothing.
		dom.rate = uint32(binary.BigEndian.Uint16(b[22:]) & 0x3fff)
	}
	count := int(binary.BigEndian.Uint16(b[2:]))
	n, fits := d.fixedRecords(dom, l, &c, b[l.header:], count, rec)
	if version != V1 {
		dom.seq.note(numbered{seq: binary.BigEndian.Uint32(b[16:]), units: n, partial: !fits}, restarted)
	}
	return nil
}

// fixedRecords reads as many records as the header counts and the datagram holds: never more than either (quirk Q6).
func (d *Decoder) fixedRecords(dom *domain, l *layout, c *clock, body []byte, count int,
	rec func(*Record)) (n uint32, fits bool) {
	size := l.record
	if count > 0 && len(body)/count < size {
		size = l.shortest // v1 of some exporters leaves out the last 4 bytes
	}
	fits = true
	if have := len(body) / size; have < count {
		d.stats.ByReason[ReasonCount]++
		count, fits = have, false
	}
	for range count {
		d.emit(dom, l.template, c, body[:size:size], l.template.slots, rec)
		body = body[size:]
		n++
	}
	return n, fits
}
