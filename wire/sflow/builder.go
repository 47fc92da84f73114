package sflow

import (
	"encoding/binary"

	"weir/schema"
)

// Builder writes version 5 datagrams: Start, then samples, each followed by its records, then Bytes. It allocates only
// when the buffer that it was given is too small. Its zero value is ready for Start.
type Builder struct {
	b       []byte
	samples int // where the number of samples stands
	sample  int // where the body of the open sample begins, 0 when none is open
	records int // where the number of records of the open sample stands, 0 when it has none
}

// Head is the header of a datagram that is written.
type Head struct {
	Agent                      schema.Addr // the zero Addr is written as "unknown"
	SubAgent, Sequence, Uptime uint32      // Uptime is in ms
}

// Start begins a datagram in buf, from its beginning; the builder owns buf until the last use of what Bytes returns.
func (b *Builder) Start(buf []byte, h Head) {
	*b = Builder{b: append(buf[:0], 0, 0, 0, 5)}
	b.address(addressBytes(&h.Agent))
	b.words(h.SubAgent, h.Sequence, h.Uptime, 0)
	b.samples = len(b.b) - 4
}

// Len returns how long the datagram is so far, bytes; with it a caller keeps below the size that the path can carry.
func (b *Builder) Len() int { return len(b.b) }

// Bytes ends the datagram and returns it. It lives in the buffer that was given to Start, or in the larger one that had
// to be made.
func (b *Builder) Bytes() []byte {
	b.endSample()
	return b.b
}

// The two forms of samples. Compact has 24 bits for the index of a datasource and 30 for an interface; Expanded can
// tell every one. An agent keeps to one of them.
const (
	Compact  = false
	Expanded = true
)

// FlowSample begins a flow sample (0:1, expanded 0:3). Of s it writes Sequence, Class, Index, Rate, Pool, Drops, In and
// Out.
func (b *Builder) FlowSample(s *Sample, expanded bool) {
	if expanded {
		b.begin(0, 3)
		b.words(s.Sequence, uint32(s.Class), s.Index, s.Rate, s.Pool, s.Drops, uint32(s.In.Format), s.In.Value,
			uint32(s.Out.Format), s.Out.Value, 0)
	} else {
		b.begin(0, 1)
		b.words(s.Sequence, s.compact(), s.Rate, s.Pool, s.Drops, portWord(s.In), portWord(s.Out), 0)
	}
	b.records = len(b.b) - 4
}

// CounterSample begins a counter sample (0:2, expanded 0:4). Of s it writes Sequence, Class and Index.
func (b *Builder) CounterSample(s *Sample, expanded bool) {
	if expanded {
		b.begin(0, 4)
		b.words(s.Sequence, uint32(s.Class), s.Index, 0)
	} else {
		b.begin(0, 2)
		b.words(s.Sequence, s.compact(), 0)
	}
	b.records = len(b.b) - 4
}

// DiscardSample begins a discarded packet notification (0:5). Of s it writes Sequence, Class, Index, Drops, In, Out and
// Reason.
func (b *Builder) DiscardSample(s *Sample) {
	b.begin(0, 5)
	b.words(s.Sequence, uint32(s.Class), s.Index, s.Drops, s.In.Value, s.Out.Value, s.Reason, 0)
	b.records = len(b.b) - 4
}

// RawSample writes a sample of any type with a ready body; Record must not be called for it.
func (b *Builder) RawSample(enterprise, format uint32, body []byte) {
	b.begin(enterprise, format)
	b.b = append(b.b, body...)
}

func (s *Sample) compact() uint32 { return uint32(s.Class)<<24 | s.Index&0xffffff }

func portWord(p schema.Port) uint32 { return uint32(p.Format)<<30 | p.Value&0x3fffffff }

// begin ends the sample before and begins the next one.
func (b *Builder) begin(enterprise, format uint32) {
	b.endSample()
	b.words(enterprise<<12|format&0xfff, 0)
	b.sample = len(b.b)
	b.bump(b.samples)
}

func (b *Builder) endSample() {
	if b.sample != 0 {
		binary.BigEndian.PutUint32(b.b[b.sample-4:], uint32(len(b.b)-b.sample))
	}
	b.sample, b.records = 0, 0
}

func (b *Builder) bump(at int) {
	binary.BigEndian.PutUint32(b.b[at:], binary.BigEndian.Uint32(b.b[at:])+1)
}

// record begins a record and returns where its body begins, for end.
func (b *Builder) record(enterprise, format uint32) (body int) {
	if b.records != 0 {
		b.bump(b.records)
	}
	b.words(enterprise<<12|format&0xfff, 0)
	return len(b.b)
}

func (b *Builder) end(body int) {
	binary.BigEndian.PutUint32(b.b[body-4:], uint32(len(b.b)-body))
}

// Record writes a record with a ready body, whose length is to be a multiple of four, into the open sample.
func (b *Builder) Record(enterprise, format uint32, body []byte) {
	at := b.record(enterprise, format)
	b.b = append(b.b, body...)
	b.end(at)
}

// Words writes a record that is made of 32-bit words, such as 0:1029, 0:1036, 0:1039, 0:1040 or the ethernet counters.
func (b *Builder) Words(enterprise, format uint32, words ...uint32) {
	at := b.record(enterprise, format)
	b.words(words...)
	b.end(at)
}

// Texts writes a record that is made of strings, such as 0:1005 of a counter sample, 0:1038, 0:1041, 0:1042, 0:2203,
// 0:2204 or 0:2205.
func (b *Builder) Texts(enterprise, format uint32, texts ...string) {
	at := b.record(enterprise, format)
	for _, t := range texts {
		b.text(t)
	}
	b.end(at)
}

func (b *Builder) words(words ...uint32) {
	for _, v := range words {
		b.b = binary.BigEndian.AppendUint32(b.b, v)
	}
}

func (b *Builder) hypers(values ...uint64) {
	for _, v := range values {
		b.b = binary.BigEndian.AppendUint64(b.b, v)
	}
}

func (b *Builder) text(t string) {
	b.words(uint32(len(t)))
	b.b = append(b.b, t...)
	b.pad(len(t))
}

func (b *Builder) opaque(p []byte) {
	b.words(uint32(len(p)))
	b.b = append(b.b, p...)
	b.pad(len(p))
}

func (b *Builder) pad(n int) {
	for ; n&3 != 0; n++ {
		b.b = append(b.b, 0)
	}
}

// fixed writes exactly n bytes: those of p, cut or filled up with zeros.
func (b *Builder) fixed(p []byte, n int) {
	p = p[:min(len(p), n)]
	b.b = append(b.b, p...)
	for i := len(p); i < n; i++ {
		b.b = append(b.b, 0)
	}
}

// address writes an address of 4 or 16 bytes with its type, any other length as "unknown".
func (b *Builder) address(a []byte) {
	switch len(a) {
	case 4:
		b.words(1)
	case 16:
		b.words(2)
	default:
		b.words(0)
		return
	}
	b.b = append(b.b, a...)
}

// addressBytes returns the 4 or 16 bytes of an address, nil for the zero Addr. They borrow from a.
func addressBytes(a *schema.Addr) []byte {
	switch {
	case a.IsZero():
		return nil
	case a.Is4():
		return a[12:]
	}
	return a[:]
}
