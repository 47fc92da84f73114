package netflow

import (
	"cmp"
	"fmt"
	"slices"

	"weir/schema"
)

// Reason says what is wrong with a datagram, or with a part of one that was otherwise read.
type Reason uint8

// The reasons. The first three lose the datagram; the others are noted, and what can be read is read.
const (
	ReasonShort         Reason = iota // the datagram is shorter than the header of its version
	ReasonVersion                     // the first two bytes are no version that is known
	ReasonLength                      // IPFIX: the message length is less than its header
	ReasonCount                       // v1, v5, v7: the header counts more records than the datagram holds
	ReasonMessageLength               // IPFIX: the message length is more than the datagram holds
	ReasonSetLength                   // a set is shorter than its header or ends beyond the datagram
	ReasonTemplate                    // a template ends beyond its set or has an impossible number
	ReasonZeroSize                    // a data set whose template has records of no length
	ReasonRecord                      // a variable-length field ends beyond its set
	ReasonTrailing                    // bytes after the last set
	Reasons                           // how many there are
)

var reasonNames = [Reasons]string{"short", "version", "length", "count", "message_length", "set_length", "template",
	"zero_size", "record", "trailing"}

// String returns the reason as metrics name it.
func (r Reason) String() string { return reasonNames[r%Reasons] }

// Malformed is the error of a datagram that could not be read at all.
type Malformed struct {
	Reason  Reason
	Version uint16 // what the first two bytes say; 0 when there are none
	Length  int    // bytes in the datagram
	Need    int    // bytes that the header says or needs
}

// Error says what is wrong and what to look at.
func (m *Malformed) Error() string {
	switch m.Reason {
	case ReasonVersion:
		return fmt.Sprintf("netflow: version %d at byte 0 of a datagram of %d bytes is none of 1, 5, 7, 9, 10: "+
			"is the sender a NetFlow or IPFIX exporter?", m.Version, m.Length)
	case ReasonLength:
		return fmt.Sprintf("netflow: IPFIX message length %d at byte 2 is less than the header of 16 bytes", m.Need)
	}
	return fmt.Sprintf("netflow: version %d: a datagram of %d bytes, the header alone has %d", m.Version, m.Length,
		m.Need)
}

// Refused is the error of a datagram that was not read because a cap of Config was reached.
type Refused struct {
	Cap   string // name of the field of Config
	Limit int
}

// Error says which cap it was.
func (r *Refused) Error() string {
	return fmt.Sprintf("netflow: %s = %d reached: the exporter is new and was refused; raise the cap or look for "+
		"senders with forged addresses", r.Cap, r.Limit)
}

// Stats are the books of a Decoder. Datagrams = Decoded + Malformed + Refused, always.
type Stats struct {
	Datagrams uint64 // given to Decode
	Decoded   uint64 // read, at least in part
	Malformed uint64 // not readable at all: the first three reasons
	Refused   uint64 // of a new exporter or domain beyond the cap

	Records        uint64 // data records given out
	OptionsRecords uint64 // options records given out

	SetsWithoutTemplate uint64 // data sets that came before their template, those that were held included
	SetsHeld            uint64 // of these: kept for the template
	SetsReleased        uint64 // of these: decoded when it came
	SetsExpired         uint64 // of these: given up after Hold
	SetsNotHeld         uint64 // not kept because a cap was reached

	TemplatesLearned   uint64 // new, or different from before
	TemplatesReplaced  uint64 // of these: different from before
	TemplatesWithdrawn uint64
	TemplatesRefused   uint64 // beyond a cap
	TemplatesEvicted   uint64 // long unused, made room for a new one

	DomainsEvicted uint64 // long silent, made room for a new one
	NamesRefused   uint64 // names and sampling rates from options, beyond a cap
	TimesBounded   uint64 // records whose times were beyond belief

	ByReason [Reasons]uint64 // see Reason
}

// Exporter is what is known of one sender, domain and version. It is a snapshot.
type Exporter struct {
	Addr    schema.Addr
	Domain  uint32
	Version uint16

	Datagrams, Records, OptionsRecords, SetsWithoutTemplate uint64
	First, Last                                             schema.Instant // arrival of the first and last datagram

	Templates int
	Rate      uint32         // sampling rate that holds for everything it sends; 0 not known
	Skew      schema.Instant // how far its clock was ahead at the last datagram; negative: behind

	Counts    string // what its sequence numbers count
	Lost      uint64 // in the unit of Counts
	Reordered uint64 // datagrams that came late
	Restarts  uint64 // sequence started anew
}

// Stats returns the books as they are now.
func (d *Decoder) Stats() Stats { return d.stats }

// Exporters yields every sender, domain and version, ordered by address, version and domain, until yield returns
// false. The Exporter is reused.
func (d *Decoder) Exporters(yield func(*Exporter) bool) {
	all := make([]*domain, 0, len(d.domains))
	for _, dom := range d.domains {
		all = append(all, dom)
	}
	slices.SortFunc(all, func(a, b *domain) int {
		return cmp.Or(a.key.addr.Compare(b.key.addr), cmp.Compare(a.key.version, b.key.version),
			cmp.Compare(a.key.id, b.key.id))
	})
	var e Exporter
	for _, dom := range all {
		if dom.snapshot(&e); !yield(&e) {
			return
		}
	}
}

func (dom *domain) snapshot(e *Exporter) {
	*e = Exporter{
		Addr: dom.key.addr, Domain: dom.key.id, Version: dom.key.version,
		Datagrams: dom.datagrams, Records: dom.records, OptionsRecords: dom.options,
		SetsWithoutTemplate: dom.withoutTemplate, First: dom.first, Last: dom.last,
		Templates: len(dom.templates), Rate: dom.rate, Skew: dom.skew, Counts: dom.seq.counts.String(),
		Lost: dom.seq.lost, Reordered: dom.seq.reordered, Restarts: dom.seq.restarts,
	}
}

// Add adds the books of another decoder.
func (s *Stats) Add(o Stats) {
	for _, n := range []struct {
		to   *uint64
		more uint64
	}{
		{&s.Datagrams, o.Datagrams}, {&s.Decoded, o.Decoded}, {&s.Malformed, o.Malformed}, {&s.Refused, o.Refused},
		{&s.Records, o.Records}, {&s.OptionsRecords, o.OptionsRecords}, {&s.SetsWithoutTemplate, o.SetsWithoutTemplate},
		{&s.SetsHeld, o.SetsHeld}, {&s.SetsReleased, o.SetsReleased}, {&s.SetsExpired, o.SetsExpired},
		{&s.SetsNotHeld, o.SetsNotHeld}, {&s.TemplatesLearned, o.TemplatesLearned},
		{&s.TemplatesReplaced, o.TemplatesReplaced}, {&s.TemplatesWithdrawn, o.TemplatesWithdrawn},
		{&s.TemplatesRefused, o.TemplatesRefused}, {&s.TemplatesEvicted, o.TemplatesEvicted},
		{&s.DomainsEvicted, o.DomainsEvicted}, {&s.NamesRefused, o.NamesRefused}, {&s.TimesBounded, o.TimesBounded},
	} {
		*n.to += n.more
	}
	for i := range s.ByReason {
		s.ByReason[i] += o.ByReason[i]
	}
}
