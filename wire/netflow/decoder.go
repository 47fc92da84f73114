package netflow

import (
	"encoding/binary"
	"time"

	"weir/schema"
)

// Config bounds a Decoder. A field that is 0 has the default, unless its comment says otherwise.
type Config struct {
	MaxDomains        int // exporters times domains times versions; default 4096
	MaxTemplates      int // per domain; default 4096
	MaxFields         int // per template; default 1024
	MaxTemplateFields int // of all templates together, each of which counts 8 more; default 1048576, some 50 MB
	MaxNames          int // interface, application and VRF names and sampling rates of all exporters; default 262144
	MaxNameBytes      int // per name; longer ones are cut; default 256
	MaxHeldSets       int // data sets that wait for their template, per domain; default 256
	MaxHeldBytes      int // per domain; default 262144
	MaxHeldTotal      int // bytes, of all domains; default 33554432

	// Hold is how long data sets wait for their template. 0 means that they are counted and not kept; DefaultHold is
	// a good value.
	Hold time.Duration
	// Idle is how long a domain must be silent, or a template unused, before a new one may take its place at the cap.
	// Default one hour: there are exporters that repeat their templates every 30 minutes.
	Idle time.Duration

	// KeepTimes leaves the times of records as they are, however absurd.
	KeepTimes bool
	// Ahead and Behind say how far from the arrival of its datagram a flow may end; defaults 5 minutes and 2 hours.
	Ahead, Behind time.Duration
	// MaxDuration is how long a flow may last; a longer one is taken to begin at its end. Default 7 days.
	MaxDuration time.Duration

	// Rate is the sampling rate of exporters that say none; 0 not known, 1 unsampled. Rates are by exporter.
	Rate  uint32
	Rates map[schema.Addr]uint32
}

// DefaultHold is how long a collector that knows no better lets data wait for its template.
const DefaultHold = 30 * time.Second

func (c *Config) setDefaults() {
	for _, n := range []struct {
		field *int
		value int
	}{
		{&c.MaxDomains, 4096}, {&c.MaxTemplates, 4096}, {&c.MaxFields, 1024}, {&c.MaxTemplateFields, 1 << 20},
		{&c.MaxNames, 1 << 18}, {&c.MaxNameBytes, 256}, {&c.MaxHeldSets, 256}, {&c.MaxHeldBytes, 1 << 18},
		{&c.MaxHeldTotal, 32 << 20},
	} {
		if *n.field <= 0 {
			*n.field = n.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Idle, time.Hour}, {&c.Ahead, 5 * time.Minute}, {&c.Behind, 2 * time.Hour},
		{&c.MaxDuration, 7 * 24 * time.Hour},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
}

// Decoder turns datagrams into records and remembers what their exporters must be remembered by. It is used by one
// goroutine at a time, and must see all datagrams of an exporter.
type Decoder struct {
	cfg       Config
	limits    limits
	domains   map[domainKey]*domain
	recent    *domain // of the last datagram
	exporters map[schema.Addr]*names
	stats     Stats

	fields     int // of all templates
	nameCount  int
	heldBytes  int
	nextEvict  schema.Instant
	nextExpire schema.Instant

	rec    Record        // the one that callbacks see
	raw    raw           // what interpret collects for it
	slots  []schema.Slot // of a record of variable length
	walked *Template     // whose tags slots has
	shape  []Field       // of the template that is being read
	sweeps int           // how often the datagram at hand has withdrawn all templates of a kind
}

// New returns a Decoder that knows nothing yet.
func New(cfg Config) *Decoder {
	cfg.setDefaults()
	return &Decoder{
		cfg:       cfg,
		limits:    limits{ahead: cfg.Ahead, behind: cfg.Behind, duration: cfg.MaxDuration, keep: cfg.KeepTimes},
		domains:   map[domainKey]*domain{},
		exporters: map[schema.Addr]*names{},
	}
}

// Decode reads one datagram that arrived at an instant from an exporter, and calls rec for each record in it, and for
// each of earlier datagrams that waited for a template in it. The error is *Malformed or *Refused and means that
// nothing of the datagram could be read; whatever is wrong with a part of it is in Stats.
func (d *Decoder) Decode(at schema.Instant, from schema.Addr, payload []byte, rec func(*Record)) error {
	d.stats.Datagrams++
	d.sweeps = 0
	d.expireHeld(at)
	err := d.decode(at, from, payload, rec)
	switch err.(type) {
	case nil:
		d.stats.Decoded++
	case *Refused:
		d.stats.Refused++
	case *Malformed:
		d.stats.Malformed++
	}
	return err
}

func (d *Decoder) decode(at schema.Instant, from schema.Addr, payload []byte, rec func(*Record)) error {
	if len(payload) < 2 {
		return d.malformed(ReasonShort, payload, 2)
	}
	switch version := binary.BigEndian.Uint16(payload); version {
	case V1, V5, V7:
		return d.decodeFixed(at, from, version, payload, rec)
	case V9:
		return d.decodeV9(at, from, payload, rec)
	case IPFIX:
		return d.decodeIPFIX(at, from, payload, rec)
	}
	return d.malformed(ReasonVersion, payload, 0)
}

func (d *Decoder) malformed(reason Reason, payload []byte, need int) error {
	d.stats.ByReason[reason]++
	m := &Malformed{Reason: reason, Length: len(payload), Need: need}
	if len(payload) >= 2 {
		m.Version = binary.BigEndian.Uint16(payload)
	}
	return m
}

func (d *Decoder) refused() error { return &Refused{Cap: "MaxDomains", Limit: d.cfg.MaxDomains} }

const v9Header = 20

// decodeV9 reads a NetFlow v9 datagram (RFC 3954 section 5.1). The count in its header is not looked at (quirk Q1).
func (d *Decoder) decodeV9(at schema.Instant, from schema.Addr, b []byte, rec func(*Record)) error {
	if len(b) < v9Header {
		return d.malformed(ReasonShort, b, v9Header)
	}
	dom := d.domain(at, from, binary.BigEndian.Uint32(b[16:]), V9)
	if dom == nil {
		return d.refused()
	}
	c := clock{
		at:        at,
		export:    schema.Instant(binary.BigEndian.Uint32(b[8:])) * 1e9,
		uptime:    binary.BigEndian.Uint32(b[4:]),
		hasUptime: true,
	}
	restarted := dom.arrived(&c)
	n := d.sets(dom, &c, b[v9Header:], rec)
	n.seq = binary.BigEndian.Uint32(b[12:])
	dom.seq.note(n, restarted)
	return nil
}

const ipfixHeader = 16

// decodeIPFIX reads an IPFIX message (RFC 7011 section 3.1). When its length and that of the datagram differ, what is
// inside both is read (quirk Q15).
func (d *Decoder) decodeIPFIX(at schema.Instant, from schema.Addr, b []byte, rec func(*Record)) error {
	if len(b) < ipfixHeader {
		return d.malformed(ReasonShort, b, ipfixHeader)
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	if length < ipfixHeader {
		return d.malformed(ReasonLength, b, length)
	}
	dom := d.domain(at, from, binary.BigEndian.Uint32(b[12:]), IPFIX)
	if dom == nil {
		return d.refused()
	}
	switch {
	case length > len(b):
		d.stats.ByReason[ReasonMessageLength]++
	case length < len(b):
		d.stats.ByReason[ReasonTrailing]++
		b = b[:length]
	}
	c := clock{at: at, export: schema.Instant(binary.BigEndian.Uint32(b[4:])) * 1e9}
	dom.arrived(&c)
	c.init = dom.init
	n := d.sets(dom, &c, b[ipfixHeader:], rec)
	n.seq = binary.BigEndian.Uint32(b[8:])
	n.partial = n.partial || length > len(b)
	dom.note(n)
	return nil
}

// note follows the sequence numbers of a domain of IPFIX, with an eye on the other domains of the exporter.
func (dom *domain) note(n numbered) {
	e := dom.names
	for _, t := range []*tally{&e.sent, &dom.sent} {
		t.data += n.units - n.options
		t.options += n.options
	}
	others := e.sent.minus(dom.sent)
	between := others.minus(dom.others)
	dom.others = others
	n.elsewhere, n.joint = between.data+between.options, e.joint || between.data == 0
	dom.seq.joint = e.joint
	dom.seq.note(n, false)
	e.joint = dom.seq.joint
}

// arrived notes a datagram and tells whether the exporter has restarted since the one before, by its uptime.
func (dom *domain) arrived(c *clock) (restarted bool) {
	const slack = 60_000     // ms: datagrams may overtake each other
	const nearWrap = 1 << 31 // ms: a step back of more is the clock starting over
	restarted = c.hasUptime && dom.datagrams > 0 && c.uptime < dom.uptime && dom.uptime-c.uptime > slack &&
		dom.uptime-c.uptime < nearWrap
	dom.datagrams++
	dom.last, dom.uptime = c.at, c.uptime
	if c.export != 0 {
		dom.skew = c.export - c.at
	}
	return restarted
}

// sets reads the sets of a datagram one after another by their lengths, and returns what records they had.
func (d *Decoder) sets(dom *domain, c *clock, b []byte, rec func(*Record)) (n numbered) {
	for len(b) >= 4 {
		id, length := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id == 0 && length == 0 {
			return n // zeros to the end (quirk Q3)
		}
		if length < 4 || length > len(b) {
			d.stats.ByReason[ReasonSetLength]++
			n.partial = true
			return n
		}
		body := b[4:length]
		b = b[length:]
		switch kind := kindOf(id, dom.key.version); kind {
		case setTemplates, setOptions:
			d.templateSet(dom, c, body, kind == setOptions, rec)
			c.init = dom.init
		case setData:
			d.dataSet(dom, c, id, body, &n, rec)
		}
	}
	if !allZero(b) {
		d.stats.ByReason[ReasonTrailing]++
	}
	return n
}

type setKind uint8

const (
	setReserved setKind = iota // stepped over by its length
	setTemplates
	setOptions
	setData
)

func kindOf(id, version uint16) setKind {
	first := uint16(0) // RFC 3954: 0 templates, 1 options templates
	if version == IPFIX {
		first = 2 // RFC 7011: 2 and 3
	}
	switch {
	case id >= 256:
		return setData
	case id == first:
		return setTemplates
	case id == first+1:
		return setOptions
	}
	return setReserved
}

// dataSet reads a set of data records, or keeps it until its template comes, and adds what it held to n.
func (d *Decoder) dataSet(dom *domain, c *clock, id uint16, body []byte, n *numbered, rec func(*Record)) {
	t := dom.template(id)
	if t == nil {
		dom.withoutTemplate++
		d.stats.SetsWithoutTemplate++
		d.hold(dom, id, c, body)
		n.partial = true
		return
	}
	t.used = c.at
	records, whole := d.dataRecords(dom, t, c, body, rec)
	n.units += records
	n.partial = n.partial || !whole
	if t.Options {
		n.options += records
	}
}

// dataRecords reads records until fewer bytes are left than the shortest one has: those are padding. whole is false
// when there was something that could not be read.
func (d *Decoder) dataRecords(dom *domain, t *Template, c *clock, body []byte,
	rec func(*Record)) (n uint32, whole bool) {
	if t.Size == 0 {
		d.stats.ByReason[ReasonZeroSize]++
		return 0, false
	}
	for len(body) >= t.Size {
		size, slots := t.Size, t.slots
		if t.Variable {
			if size, slots = d.walk(t, body); size == 0 {
				d.stats.ByReason[ReasonRecord]++
				return n, false
			}
		}
		d.emit(dom, t, c, body[:size:size], slots, rec)
		body = body[size:]
		n++
	}
	return n, true
}

// walk finds the fields of a record of variable length (RFC 7011 section 7) and returns its length, 0 when it ends
// beyond b.
func (d *Decoder) walk(t *Template, b []byte) (size int, slots []schema.Slot) {
	if d.walked != t {
		d.slots, d.walked = append(d.slots[:0], t.slots...), t
	}
	slots = d.slots
	off := 0
	for _, i := range t.steps {
		n := int(t.Fields[i].Length)
		if n == VariableLength {
			if off >= len(b) {
				return 0, nil
			}
			n = int(b[off])
			if off++; n == 255 {
				if off+2 > len(b) {
					return 0, nil
				}
				n = int(binary.BigEndian.Uint16(b[off:]))
				off += 2
			}
		}
		if off+n > len(b) {
			return 0, nil
		}
		slots[i].Off, slots[i].Len = uint32(off), uint32(n)
		off += n
	}
	return off, slots
}

// emit interprets one record and hands it out.
func (d *Decoder) emit(dom *domain, t *Template, c *clock, body []byte, slots []schema.Slot, rec func(*Record)) {
	r := &d.rec
	*r = Record{At: c.at, Exporter: dom.key.addr, Domain: dom.key.id, Version: dom.key.version, Options: t.Options,
		Total: t.total, Flows: 1, Body: body, Slots: slots}
	if t.ID != 0 {
		r.Template = t
	}
	d.raw = raw{}
	interpret(r, &d.raw, t.plan)
	c.setTimes(r, &d.raw, &d.limits)
	if r.Bounded {
		d.stats.TimesBounded++
	}
	if t.Options {
		dom.options++
		d.stats.OptionsRecords++
		d.learn(dom, r)
		c.init = dom.init
	} else {
		dom.records++
		d.stats.Records++
	}
	r.Rate = d.rateFor(dom, r, &d.raw)
	rec(r)
}

// Advance gives up what waited too long for its template, for times without datagrams.
func (d *Decoder) Advance(at schema.Instant) { d.expireHeld(at) }
