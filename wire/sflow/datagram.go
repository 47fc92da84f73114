package sflow

import (
	"fmt"

	"weir/schema"
)

// Enterprises of structures that versions 2 and 4 lay out in their own way; the format is that of the version 5
// structure of the same meaning. They are private to this package: on the wire an enterprise is below 1<<20.
const (
	EnterpriseV2 = 1<<20 | 2 // header (0:1), gateway (0:1003), user (0:1004), URL (0:1005) of version 2
	EnterpriseV4 = 1<<20 | 4 // the same of version 4
)

// EnterpriseRT is the enterprise of the custom samples 4300:1002 and 4300:1003.
const EnterpriseRT = 4300

// Record is one structure of a datagram: its number and where its body lies. It is plain and may be copied; the bytes
// are those of the datagram, see [Datagram.Bytes].
type Record struct {
	Enterprise, Format uint32
	Off, Len           uint32 // bytes, from the start of the datagram
}

// Tag returns the number of r as a schema.Tag.
func (r Record) Tag() schema.Tag { return schema.MakeTag(schema.SpaceSFlow, r.Enterprise, r.Format) }

// Slot returns r as a slot of a schema.Record whose Body is the whole datagram.
func (r Record) Slot() schema.Slot { return schema.Slot{Tag: r.Tag(), Off: r.Off, Len: r.Len} }

// SampleKind says what a sample is.
type SampleKind uint8

// The kinds of samples.
const (
	Unknown       SampleKind = iota // stepped over by its length; Records is empty
	FlowSample                      // 0:1 and 0:3: a packet or a transaction
	CounterSample                   // 0:2 and 0:4
	Discard                         // 0:5, a discarded packet
	CustomMetrics                   // 4300:1002
	CustomFlow                      // 4300:1003
)

// String returns the kind in words.
func (k SampleKind) String() string {
	return [...]string{"unknown sample", "flow sample", "counter sample", "discard", "custom metrics", "custom flow",
		"", ""}[k&7]
}

// Sample is one sample of a datagram. The embedded Record is its own number and body. Fields that its kind does not
// have are zero. Next reuses it and its Records.
type Sample struct {
	Record
	Kind     SampleKind
	Sequence uint32      // of this kind and datasource; custom samples have none
	Class    uint8       // of the datasource, see SourceClassName
	Index    uint32      // of the datasource within its class
	Rate     uint32      // one in Rate was sampled, as sent; 0 occurs and means nothing sensible
	Pool     uint32      // packets that could have been sampled, modulo 2^32
	Drops    uint32      // samples (or discard notifications) that the agent lost, cumulative
	In, Out  schema.Port // flow samples and discards
	Reason   uint32      // discards: reason code, see ReasonName
	Interval uint32      // versions 2 and 4, counter samples: seconds between samples
	Name     []byte      // custom samples: the datasource as text, borrowed from the datagram
	Records  []Record    // in the order of the datagram
}

func (s *Sample) reset() {
	*s = Sample{Records: s.Records[:0]}
}

// Find returns the first record of s with this number, or nil.
func (s *Sample) Find(enterprise, format uint32) *Record {
	for i := range s.Records {
		if r := &s.Records[i]; r.Format == format && r.Enterprise == enterprise {
			return r
		}
	}
	return nil
}

// Source returns the datasource of s as part of d.
func (d *Datagram) Source(s *Sample) schema.Source {
	return schema.Source{Exporter: d.Agent, Domain: d.SubAgent, Class: s.Class, Index: s.Index}
}

// Datagram is the header of a datagram and a walk over its samples. The zero value is ready for Parse, which makes it
// new each time.
type Datagram struct {
	Version  uint32      // 2, 4 or 5
	Agent    schema.Addr // the exporter's own name for itself; zero when it says "unknown"
	SubAgent uint32      // 0 in versions 2 and 4, which have none
	Sequence uint32      // of datagrams of this agent and sub-agent
	Uptime   uint32      // ms since the sub-agent started
	Samples  uint32      // how many samples the datagram says it has

	b       []byte
	off     int    // where the next sample begins
	left    uint32 // samples that are still to come
	damaged error  // what ends the walk at the next call of Next
}

// Parse reads the header of the datagram b and makes d ready to walk over its samples; b is borrowed until the next
// Parse. An error says what was wrong at which byte; the datagram is then of no use.
func (d *Datagram) Parse(b []byte) error {
	*d = Datagram{b: b}
	w := NewWalk(b)
	d.Version = w.U32()
	if d.Version != 2 && d.Version != 4 && d.Version != 5 {
		if !w.OK() {
			return fmt.Errorf("sflow: %d bytes are too few for a datagram", len(b))
		}
		return fmt.Errorf("sflow: version %d at byte 0 is none of 2, 4 and 5", d.Version)
	}
	if t, ok := U32(b, 1); ok && t > 2 {
		return fmt.Errorf("sflow: agent address of unknown type %d at byte 4", t)
	}
	d.Agent = schema.AddrFrom(w.Address())
	if d.Version == 5 {
		d.SubAgent = w.U32()
	}
	d.Sequence, d.Uptime, d.Samples = w.U32(), w.U32(), w.U32()
	if !w.OK() {
		return fmt.Errorf("sflow: the header ends at byte %d, before the number of samples", len(b))
	}
	d.off, d.left = w.off, d.Samples
	return nil
}

// Bytes returns the body of a record or sample of the datagram, or nil when r is of another one and does not fit.
func (d *Datagram) Bytes(r Record) []byte {
	end := uint64(r.Off) + uint64(r.Len)
	if end > uint64(len(d.b)) {
		return nil
	}
	return d.b[r.Off:end:end]
}

// Next reads the next sample into s; ok is false at the end of the datagram. A sample of an unknown type is returned
// too. An error says what was wrong at which byte and ends the datagram, since lengths that contradict each other leave
// nothing to step by; samples returned before stay good. A sample that is damaged behind its first record is returned
// with the records before the damage, and the error follows at the next call.
func (d *Datagram) Next(s *Sample) (ok bool, err error) {
	s.reset()
	if d.damaged != nil {
		err, d.damaged, d.left = d.damaged, nil, 0
		return false, err
	}
	if d.left == 0 {
		return false, nil
	}
	d.left--
	if d.Version == 5 {
		err = d.next5(s)
	} else {
		err = d.nextLegacy(s)
	}
	if err == nil {
		return true, nil
	}
	if len(s.Records) > 0 {
		d.damaged = err
		return true, nil
	}
	d.left = 0
	return false, err
}

func (d *Datagram) next5(s *Sample) error {
	w := Walk{b: d.b, off: d.off}
	number, length := w.U32(), w.U32()
	if !w.OK() {
		return fmt.Errorf("sflow: sample %d of %d is missing: the datagram ends at byte %d",
			d.Samples-d.left, d.Samples, len(d.b))
	}
	if uint64(length) > uint64(w.Left()) {
		return fmt.Errorf("sflow: sample %d:%d at byte %d has length %d, %d bytes are left",
			number>>12, number&0xfff, d.off, length, w.Left())
	}
	s.Record = Record{Enterprise: number >> 12, Format: number & 0xfff, Off: uint32(w.off), Len: length}
	d.off = w.off + int(length)
	w.b = d.b[:d.off]
	switch {
	case s.Enterprise == EnterpriseRT && (s.Format == 1002 || s.Format == 1003):
		return d.custom(s, &w)
	case s.Enterprise != 0 || s.Format < 1 || s.Format > 5:
		return nil
	}
	s.head(&w)
	count := w.U32()
	if !w.OK() {
		return fmt.Errorf("sflow: sample %d:%d at byte %d has length %d, too short for its header",
			s.Enterprise, s.Format, s.Off-8, length)
	}
	return d.records(s, &w, count)
}

// head reads what a sample of formats 0:1 to 0:5 has before its records.
func (s *Sample) head(w *Walk) {
	s.Sequence = w.U32()
	if s.Format <= 2 {
		s.compactSource(w.U32())
	} else {
		s.Class, s.Index = uint8(w.U32()), w.U32()
	}
	switch s.Format {
	case 1:
		s.Kind = FlowSample
		s.Rate, s.Pool, s.Drops = w.U32(), w.U32(), w.U32()
		s.In, s.Out = compactPort(w.U32()), compactPort(w.U32())
	case 3:
		s.Kind = FlowSample
		s.Rate, s.Pool, s.Drops = w.U32(), w.U32(), w.U32()
		s.In, s.Out = expandedPort(w), expandedPort(w)
	case 5:
		s.Kind = Discard
		s.Drops = w.U32()
		s.In.Value, s.Out.Value = w.U32(), w.U32()
		s.Reason = w.U32()
	default:
		s.Kind = CounterSample
	}
}

func (s *Sample) compactSource(id uint32) { s.Class, s.Index = uint8(id>>24), id&0xffffff }

func compactPort(v uint32) schema.Port {
	return schema.Port{Format: schema.PortFormat(v >> 30), Value: v & 0x3fffffff}
}

func expandedPort(w *Walk) schema.Port {
	return schema.Port{Format: schema.PortFormat(w.U32()), Value: w.U32()}
}

// records steps over the records of a version 5 sample by their lengths. Bytes behind the last one are left alone:
// some agents send them (wire-formats Q26).
func (d *Datagram) records(s *Sample, w *Walk, count uint32) error {
	for i := range count {
		at := w.off
		number, length := w.U32(), w.U32()
		if !w.OK() {
			return fmt.Errorf("sflow: record %d of %d of sample %d:%d at byte %d is missing: the sample ends at byte %d",
				i+1, count, s.Enterprise, s.Format, s.Off-8, len(w.b))
		}
		if uint64(length) > uint64(w.Left()) {
			return fmt.Errorf("sflow: record %d:%d at byte %d has length %d, its sample has %d bytes left",
				number>>12, number&0xfff, at, length, w.Left())
		}
		s.Records = append(s.Records, Record{number >> 12, number & 0xfff, uint32(w.off), length})
		w.off += int(length)
		if length&3 != 0 {
			w.align(int(-length & 3))
		}
	}
	return nil
}

// align decides what follows a record whose length is no multiple of four. XDR pads it, and so do most agents, but some
// write the next record straight behind it: padding is stepped over unless it is not zero or the walk would end in it.
func (w *Walk) align(pad int) {
	if w.Left() < pad {
		return
	}
	for _, c := range w.b[w.off : w.off+pad] {
		if c != 0 {
			return
		}
	}
	if fits(w.b[w.off+pad:]) || !fits(w.b[w.off:]) {
		w.off += pad
	}
}

// fits tells whether b may begin with a record, or is too short for one, which is what the end of a sample looks like.
func fits(b []byte) bool {
	length, ok := U32(b, 1)
	return !ok || uint64(length) <= uint64(len(b)-8)
}

// Left returns how many bytes lie behind the last sample that Next returned.
func (d *Datagram) Left() int { return len(d.b) - d.off }
