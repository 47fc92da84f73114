package netflow

import (
	"encoding/binary"
	"slices"
	"time"

	"weir/schema"
)

// templates reads a set of templates or options templates: one definition after another, then padding.
func (d *Decoder) templateSet(dom *domain, c *clock, body []byte, options bool, rec func(*Record)) {
	head := 4
	if options {
		head = 6
	}
	for len(body) >= 4 {
		if len(body) >= head || !options {
			if used := d.templateAt(dom, c, body, options, rec); used > 0 {
				body = body[used:]
				continue
			}
		}
		// An IPFIX withdrawal of options templates has 4 bytes where a definition has 6.
		if used := d.withdrawal(dom, body); used > 0 {
			body = body[used:]
			continue
		}
		if !allZero(body) {
			d.stats.ByReason[ReasonTemplate]++
		}
		return
	}
}

// withdrawal reads an IPFIX template withdrawal (RFC 7011 section 8.1) and returns its length, 0 when there is none.
// Over UDP nobody should send one; taken as said it does no harm, for the definition comes again.
func (d *Decoder) withdrawal(dom *domain, body []byte) int {
	id, count := binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])
	if dom.key.version != IPFIX || count != 0 || id < 2 || id > 3 && id < 256 {
		return 0
	}
	if t := dom.templates[id]; t != nil {
		d.drop(dom, t)
		d.stats.TemplatesWithdrawn++
	}
	// All templates are withdrawn at once only so often in a datagram: the look is as long as the list.
	if id > 3 || d.sweeps >= maxSweeps {
		return 4
	}
	d.sweeps++
	for _, t := range dom.templates {
		if t.Options == (id == 3) {
			d.drop(dom, t)
			d.stats.TemplatesWithdrawn++
		}
	}
	return 4
}

// maxSweeps bounds how often one datagram may withdraw all templates of a kind: once each, with some to spare.
const maxSweeps = 4

func (d *Decoder) drop(dom *domain, t *Template) {
	d.fields -= t.weight()
	delete(dom.templates, t.ID)
	if dom.recent == t {
		dom.recent = nil
	}
}

// shape is the head of a template definition.
type shape struct {
	id            uint16
	fields, scope int
	head          int // bytes
}

func (dom *domain) readShape(b []byte, options bool) (s shape) {
	s.id, s.fields, s.head = binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:])), 4
	if !options {
		return s
	}
	s.head = 6
	if dom.key.version == V9 { // lengths in bytes, of 4 for each field
		s.scope = s.fields / 4
		s.fields = s.scope + int(binary.BigEndian.Uint16(b[4:]))/4
		return s
	}
	s.scope = int(binary.BigEndian.Uint16(b[4:]))
	return s
}

// templateAt reads one definition, keeps it, and returns its length; 0 when there is none.
func (d *Decoder) templateAt(dom *domain, c *clock, body []byte, options bool, rec func(*Record)) int {
	s := dom.readShape(body, options)
	if s.id < 256 || dom.key.version == IPFIX && (s.fields == 0 || s.scope > s.fields) {
		return 0
	}
	off := s.head
	d.shape = d.shape[:0]
	empty := 0
	for i := range s.fields {
		f, n := readField(body[off:], dom.key.version)
		if n == 0 {
			return 0
		}
		if off += n; dom.key.version == V9 && i < s.scope {
			f.Enterprise = ScopeEnterprise
		}
		if f.Length == 0 {
			empty++
		}
		if len(d.shape) < d.cfg.MaxFields {
			d.shape = append(d.shape, f)
		}
	}
	if s.fields > d.cfg.MaxFields || empty > maxEmpty {
		d.stats.TemplatesRefused++
		return off
	}
	d.keep(dom, c, s, options, rec)
	return off
}

// maxEmpty bounds the fields of no length in a template. Some exporters have a few; with a thousand of them a record of
// one byte would cost as much as one of a thousand.
const maxEmpty = 64

// readField reads a field specifier; n is 0 when it ends beyond b. Only IPFIX has enterprise numbers: in v9 the top bit
// belongs to the number.
func readField(b []byte, version uint16) (f Field, n int) {
	if len(b) < 4 {
		return f, 0
	}
	f.Element, f.Length, n = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), 4
	if version == IPFIX && f.Element&0x8000 != 0 {
		if len(b) < 8 {
			return f, 0
		}
		f.Element, f.Enterprise, n = f.Element&0x7fff, binary.BigEndian.Uint32(b[4:]), 8
	}
	return f, n
}

// keep remembers the definition in d.shape; one that is repeated unchanged costs nothing.
func (d *Decoder) keep(dom *domain, c *clock, s shape, options bool, rec func(*Record)) {
	old := dom.templates[s.id]
	if old != nil {
		if old.Options == options && old.Scope == s.scope && slices.Equal(old.Fields, d.shape) {
			old.used = c.at
			return
		}
		d.stats.TemplatesReplaced++
		d.drop(dom, old)
	} else if !d.roomForTemplate(dom, c.at) {
		return
	}
	if d.fields+len(d.shape)+templateWeight > d.cfg.MaxTemplateFields {
		d.stats.TemplatesRefused++
		return
	}
	t := newTemplate(s.id, options, s.scope, d.shape)
	t.used = c.at
	d.fields += t.weight()
	if dom.templates == nil {
		dom.templates = map[uint16]*Template{}
	}
	dom.templates[s.id] = t
	d.stats.TemplatesLearned++
	d.release(dom, t, rec)
}

// templateWeight is how many fields the memory of a template is worth beside that of its fields.
const templateWeight = 8

// weight is what a template counts towards Config.MaxTemplateFields.
func (t *Template) weight() int { return len(t.Fields) + templateWeight }

func newTemplate(id uint16, options bool, scope int, fields []Field) *Template {
	t := &Template{ID: id, Options: options, Scope: scope, Fields: slices.Clone(fields)}
	for _, f := range fields {
		if f.Length == VariableLength {
			t.Variable = true
			t.Size++ // the length itself is at least one byte
			continue
		}
		t.Size += int(f.Length)
	}
	t.compile()
	return t
}

// roomForTemplate makes room in a full domain by dropping the template that was unused for longest, if that is long.
func (d *Decoder) roomForTemplate(dom *domain, at schema.Instant) bool {
	if len(dom.templates) < d.cfg.MaxTemplates {
		return true
	}
	var oldest *Template
	if at >= dom.nextEvict || dom.nextEvict-at > schema.Instant(time.Second) {
		dom.nextEvict = at + schema.Instant(time.Second)
		for _, t := range dom.templates {
			if oldest == nil || t.used < oldest.used || t.used == oldest.used && t.ID < oldest.ID {
				oldest = t
			}
		}
	}
	if oldest == nil || at-oldest.used < schema.Instant(d.cfg.Idle) {
		d.stats.TemplatesRefused++
		return false
	}
	d.drop(dom, oldest)
	d.stats.TemplatesEvicted++
	return true
}
