package netflow

import "weir/schema"

// The versions of the export protocols, as the first two bytes of a datagram say them.
const (
	V1    = 1
	V5    = 5
	V7    = 7
	V9    = 9
	IPFIX = 10
)

// Presence tells which of the interpreted parts of a Record the exporter sent.
type Presence uint16

// The parts.
const (
	HasBytes   Presence = 1 << iota // Bytes
	HasPackets                      // Packets
	HasSrc                          // Src; the IPv6 address "::" is the zero Addr and still present
	HasDst                          // Dst
	HasPorts                        // SrcPort or DstPort
	HasProto                        // Proto
	HasICMP                         // ICMPType and ICMPCode
	HasReverse                      // Reverse
	HasTimes                        // Start and End are the exporter's own, not the time of arrival
	HasSection                      // Section
	HasStatus                       // Forwarding
)

// Counters are the reverse direction of a bidirectional record (RFC 5103), unscaled.
type Counters struct {
	Bytes, Packets uint64
	TCPFlags       uint8 // 0 when not sent
}

// Section is a piece of a sampled packet in a record (elements 313, 314, 315, and 104 of NetFlow v9). A record that has
// one and no counters stands for that one packet.
type Section struct {
	Data   []byte          // borrowed from the datagram, without padding (410 sectionExportedOctets)
	Link   schema.LinkType // LinkEthernet, Link80211, LinkRaw (begins at the IP header), LinkUnknown (IP payload)
	Offset uint32          // bytes of the packet before Data (409 sectionOffset)
	Size   uint32          // bytes of the whole frame (312, 103), 0 when not sent
}

// Record is one data record or options record with its usual parts interpreted. Nothing in it is multiplied by Rate.
type Record struct {
	At       schema.Instant // when the datagram arrived, as the caller of Decode said
	Exporter schema.Addr    // the sender
	Domain   uint32         // observation domain (IPFIX), source id (v9), engine type<<8 + engine id (v5), else 0
	Version  uint16         // V1, V5, V7, V9 or IPFIX
	Options  bool           // an options record: about the exporter, not about traffic
	Total    bool           // Bytes is a running total (element 85), for nothing better was sent
	Bounded  bool           // Start and End were beyond belief and were moved to the time of arrival
	Has      Presence

	IPv        uint8 // 4, 6 or 0
	Proto      uint8
	TCPFlags   uint8 // the low 8 bits of element 6
	ICMPType   uint8
	ICMPCode   uint8
	Forwarding uint8 // element 89: the top 2 bits are 1 forwarded, 2 dropped, 3 consumed (RFC 7270 section 4.12)
	Direction  schema.Direction

	SrcPort, DstPort uint16 // as sent, 0 for protocols without
	In, Out          uint32 // ifIndex; 0 unknown
	Rate             uint32 // one in Rate packets was seen; 1 all, 0 not known
	Template         *Template
	Src, Dst         schema.Addr
	Start, End       schema.Instant // Start <= End; both = At when the exporter sent no usable time
	// Bytes and Packets follow the order of preference of wire-formats section 4.1: delta, else total, else layer 2,
	// else after the middlebox, else those of the initiator (the responder's are Reverse).
	Bytes, Packets uint64
	Flows          uint64 // how many flows the record stands for, at least 1
	Reverse        Counters
	Section        Section

	// Body holds the bytes of the record and Slots says where each field lies in it, in template order. Tags are
	// schema.MakeTag(schema.SpaceElement, enterprise, element); scope fields of v9 have ScopeEnterprise. The records of
	// v1, v5 and v7 have the tags of the elements with the same meaning.
	Body  []byte
	Slots []schema.Slot
}

// Part returns the bytes of the first field with this number, nil when there is none. They borrow from Body.
func (r *Record) Part(enterprise uint32, id uint16) []byte {
	tag := elementTag(enterprise, id)
	for i := range r.Slots {
		if s := &r.Slots[i]; s.Tag == tag {
			return r.Body[s.Off : s.Off+s.Len : s.Off+s.Len]
		}
	}
	return nil
}

// Number returns the value of the first field with this number as an unsigned integer; ok is false when it is not
// there or is not 1 to 8 bytes long.
func (r *Record) Number(enterprise uint32, id uint16) (n uint64, ok bool) {
	return number(r.Part(enterprise, id))
}

// Dropped tells that the exporter says it dropped the traffic (element 89).
func (r *Record) Dropped() bool { return r.Has&HasStatus != 0 && r.Forwarding>>6 == 2 }

func elementTag(enterprise uint32, id uint16) schema.Tag {
	return schema.MakeTag(schema.SpaceElement, enterprise, uint32(id))
}

// Field is one field of a template.
type Field struct {
	Enterprise uint32 // 0 IANA, ScopeEnterprise, or a private enterprise number
	Element    uint16
	Length     uint16 // bytes; VariableLength
}

// VariableLength as the length of a field says that each record carries the length (RFC 7011 section 7).
const VariableLength = 65535

// Template says how data records are laid out. It never changes once made.
type Template struct {
	ID      uint16
	Options bool
	Scope   int // how many of the first fields are scope fields
	Fields  []Field
	// Size is the length of a record in bytes, or the least that it can be when Variable.
	Size     int
	Variable bool

	slots []schema.Slot
	// steps are the fields that take up bytes. Work per record goes by them, so that a template of a thousand empty
	// fields and one of a byte cannot make a small datagram dear.
	steps []uint16
	plan  []op
	total bool
	// used is when a datagram last needed or repeated the template; only its decoder reads and writes it.
	used schema.Instant
}
