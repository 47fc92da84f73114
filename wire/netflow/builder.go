package netflow

import (
	"encoding/binary"
	"fmt"
	"math"

	"weir/schema"
)

// NewTemplate makes a template for a Builder. The id is 256 or more; of options templates the first scope fields are
// scope fields, which for v9 have the enterprise ScopeEnterprise.
func NewTemplate(id uint16, options bool, scope int, fields ...Field) (*Template, error) {
	switch {
	case id < 256:
		return nil, fmt.Errorf("netflow: template id %d: 256 or more is needed, the others are for sets", id)
	case len(fields) == 0:
		return nil, fmt.Errorf("netflow: template %d has no fields", id)
	case scope < 0 || scope > len(fields) || options == (scope == 0):
		return nil, fmt.Errorf("netflow: template %d: %d scope fields of %d, options %v: options templates have "+
			"at least one, others none", id, scope, len(fields), options)
	}
	return newTemplate(id, options, scope, fields), nil
}

// V5Template returns the layout of NetFlow v5 records for Builder.Record. The values are, in this order, elements 8,
// 12, 15, 10, 14, 2, 1, 22, 21, 7, 11, 6, 4, 5, 16, 17, 9, 13.
func V5Template() *Template { return fixedV5.template }

// Header is what a datagram says of itself beside what the Builder knows.
type Header struct {
	Export   schema.Instant // when it is sent, by the exporter's clock
	Uptime   uint32         // ms since the exporter started; not in IPFIX
	Sampling uint16         // v5 only: mode in the top 2 bits, interval in the others
}

// Builder writes the datagrams of one exporter and domain in NetFlow v5, v9 or IPFIX, and counts its sequence numbers:
// Begin, then Template and Record as often as wanted, then Datagram. It is used by one goroutine at a time.
type Builder struct {
	version uint16
	domain  uint32
	seq     uint32 // of the datagram at hand
	buf     []byte

	set, setID int // where the open set begins, 0 when none is open; its id
	shortest   int // bytes of the shortest record of the open set
	records    uint32
	all        uint16 // records and templates
}

// NewBuilder returns a Builder for V5, V9 or IPFIX. The domain is engine type<<8 + engine id for V5.
func NewBuilder(version uint16, domain uint32) (*Builder, error) {
	switch version {
	case V5, V9, IPFIX:
		return &Builder{version: version, domain: domain}, nil
	}
	return nil, fmt.Errorf("netflow: cannot write version %d: 5, 9 and 10 are known", version)
}

// Begin starts a datagram. What the Builder gave out before is overwritten.
func (b *Builder) Begin(h Header) {
	b.set, b.records, b.all = 0, 0, 0
	p := binary.BigEndian.AppendUint16(b.buf[:0], b.version)
	p = binary.BigEndian.AppendUint16(p, 0) // count or length: Datagram fills it in
	secs := uint32(int64(h.Export) / 1e9)
	if b.version != IPFIX {
		p = binary.BigEndian.AppendUint32(p, h.Uptime)
	}
	p = binary.BigEndian.AppendUint32(p, secs)
	if b.version == V5 {
		p = binary.BigEndian.AppendUint32(p, uint32(int64(h.Export)%1e9))
		p = binary.BigEndian.AppendUint32(p, b.seq)
		p = binary.BigEndian.AppendUint16(p, uint16(b.domain))
		b.buf = binary.BigEndian.AppendUint16(p, h.Sampling)
		return
	}
	p = binary.BigEndian.AppendUint32(p, b.seq)
	b.buf = binary.BigEndian.AppendUint32(p, b.domain)
}

// Len returns how many bytes the datagram has so far, so that the caller can stop before it is too long for the path.
func (b *Builder) Len() int { return len(b.buf) }

// Template writes a definition. NetFlow v5 has none.
func (b *Builder) Template(t *Template) error {
	id, head := 0, 0
	if t.Options {
		id, head = 1, 2
	}
	switch b.version {
	case IPFIX:
		id += 2
	case V5:
		return fmt.Errorf("netflow: v5 has no templates")
	}
	for _, f := range t.Fields {
		if b.version == V9 && f.Enterprise != 0 && f.Enterprise != ScopeEnterprise ||
			b.version == IPFIX && (f.Enterprise == ScopeEnterprise || f.Element >= 1<<15) {
			return fmt.Errorf("netflow: template %d: element %s cannot be written in version %d", t.ID,
				ElementName(f.Enterprise, f.Element), b.version)
		}
	}
	b.open(id, 4+head)
	p := binary.BigEndian.AppendUint16(b.buf, t.ID)
	switch {
	case t.Options && b.version == V9:
		p = binary.BigEndian.AppendUint16(p, uint16(4*t.Scope))
		p = binary.BigEndian.AppendUint16(p, uint16(4*(len(t.Fields)-t.Scope)))
	case t.Options:
		p = binary.BigEndian.AppendUint16(p, uint16(len(t.Fields)))
		p = binary.BigEndian.AppendUint16(p, uint16(t.Scope))
	default:
		p = binary.BigEndian.AppendUint16(p, uint16(len(t.Fields)))
	}
	for _, f := range t.Fields {
		p = appendField(p, f, b.version)
	}
	b.buf = p
	b.all++
	return nil
}

func appendField(p []byte, f Field, version uint16) []byte {
	if version == V9 || f.Enterprise == 0 {
		p = binary.BigEndian.AppendUint16(p, f.Element)
		return binary.BigEndian.AppendUint16(p, f.Length)
	}
	p = binary.BigEndian.AppendUint16(p, f.Element|0x8000)
	p = binary.BigEndian.AppendUint16(p, f.Length)
	return binary.BigEndian.AppendUint32(p, f.Enterprise)
}

// Record writes a data record or an options record: one value for each field, in order; those that are left out are
// zero. Numbers are cut to the length of the field from the top, texts and addresses from the end.
func (b *Builder) Record(t *Template, values ...schema.Value) {
	if b.version == V5 {
		b.recordV5(values)
	} else {
		b.open(int(t.ID), t.Size)
		for i, f := range t.Fields {
			var v schema.Value
			if i < len(values) {
				v = values[i]
			}
			b.buf = appendValue(b.buf, f.Length, &v)
		}
	}
	b.records++
	b.all++
}

func (b *Builder) recordV5(values []schema.Value) {
	begin := len(b.buf)
	b.buf = append(b.buf, make([]byte, fixedV5.record)...)
	for i, s := range fixedV5.template.slots {
		if i < len(values) {
			at := b.buf[begin+int(s.Off) : begin+int(s.Off)]
			appendValue(at, uint16(s.Len), &values[i])
		}
	}
}

// appendValue appends a value in so many bytes, or with its length before it.
func appendValue(p []byte, length uint16, v *schema.Value) []byte {
	n := v.N
	switch v.Type {
	case schema.IPv4, schema.IPv6, schema.MAC, schema.Text:
		return appendBytes(p, length, v.B)
	case schema.Float:
		if length == 4 {
			n = uint64(math.Float32bits(float32(math.Float64frombits(n))))
		}
	}
	if length == VariableLength {
		return binary.BigEndian.AppendUint64(append(p, 8), n)
	}
	for i := int(length) - 1; i >= 0; i-- {
		if i >= 8 {
			p = append(p, 0)
			continue
		}
		p = append(p, byte(n>>(8*i)))
	}
	return p
}

func appendBytes(p []byte, length uint16, v []byte) []byte {
	if length != VariableLength {
		n := min(len(v), int(length))
		p = append(p, v[:n]...)
		for range int(length) - n {
			p = append(p, 0)
		}
		return p
	}
	v = v[:min(len(v), math.MaxUint16)]
	if len(v) < 255 {
		p = append(p, byte(len(v)))
	} else {
		p = binary.BigEndian.AppendUint16(append(p, 255), uint16(len(v)))
	}
	return append(p, v...)
}

// open makes sure that the open set is the one with this id.
func (b *Builder) open(id, shortest int) {
	if b.set != 0 && b.setID == id {
		return
	}
	b.close()
	b.set, b.setID, b.shortest = len(b.buf), id, shortest
	b.buf = binary.BigEndian.AppendUint16(b.buf, uint16(id))
	b.buf = append(b.buf, 0, 0)
}

// close ends the open set: with padding to 4 bytes, unless that could be taken for a record.
func (b *Builder) close() {
	if b.set == 0 {
		return
	}
	for len(b.buf)%4 != 0 && b.shortest > 3 {
		b.buf = append(b.buf, 0)
	}
	binary.BigEndian.PutUint16(b.buf[b.set+2:], uint16(len(b.buf)-b.set))
	b.set = 0
}

// Datagram ends the datagram and returns its bytes, which belong to the Builder and live until the next Begin. It fails
// when a datagram of this length cannot be sent.
func (b *Builder) Datagram() ([]byte, error) {
	b.close()
	const largest = 65507 // bytes that a UDP datagram over IPv4 can carry
	if len(b.buf) > largest {
		return nil, fmt.Errorf("netflow: a datagram of %d bytes is too long, at most %d: fewer records", len(b.buf),
			largest)
	}
	count := b.all
	switch b.version {
	case IPFIX:
		count = uint16(len(b.buf))
		b.seq += b.records
	case V9:
		b.seq++
	default:
		b.seq += b.records
	}
	binary.BigEndian.PutUint16(b.buf[2:], count)
	return b.buf, nil
}
