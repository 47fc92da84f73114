package schema

import "strconv"

// Kind tells which of the forms in which traffic is told on the wire a record came from.
type Kind uint8

// The kinds of a record.
const (
	KindPacketSample Kind = iota + 1 // an sFlow flow sample of a packet
	KindFlowRecord                   // a NetFlow or IPFIX data record
	KindFrame                        // a frame from an interface or a capture file
	KindTransaction                  // an sFlow flow sample of an application operation: never part of packet totals
	KindDiscard                      // an sFlow discarded-packet notification: counted only where drops are asked for
)

// String returns the kind in the words of the house: "packet sample", "flow record", ...
func (k Kind) String() string {
	return [...]string{"", "packet sample", "flow record", "frame", "transaction", "discard"}[k%6]
}

// Source names where traffic was observed: the exporter, its observation domain (IPFIX domain, NetFlow v9 source id,
// NetFlow v5 engine, sFlow sub-agent), and the datasource.
type Source struct {
	Exporter Addr
	Domain   uint32
	Class    uint8  // sFlow source class: 0 interface, 1 VLAN, 2 physical entity (host), 3 logical entity
	Index    uint32 // in that class; class 0: ifIndex
}

// AppendDatasource appends the name of the datasource: "7" for an interface, "2.1" for other classes
// (spec sflow-rt 1.1).
func (s Source) AppendDatasource(b []byte) []byte {
	if s.Class != 0 {
		b = append(strconv.AppendUint(b, uint64(s.Class), 10), '.')
	}
	return strconv.AppendUint(b, uint64(s.Index), 10)
}

// Datasource returns what AppendDatasource appends.
func (s Source) Datasource() string { return string(s.AppendDatasource(nil)) }

// PortFormat says how the value of a Port is to be read (sFlow v5, flow_sample, interface formats).
type PortFormat uint8

// The port formats.
const (
	PortIndex    PortFormat = iota // an ifIndex; 0 not known, 0x3fffffff the device itself
	PortDropped                    // the packet was dropped; the value is the reason code
	PortMultiple                   // the value is the number of output ports, 0 = several, number not known
)

// PortInternal is the ifIndex that means "the device itself" (sFlow v5).
const PortInternal = 0x3fffffff

// Port is an input or output interface of a record.
type Port struct {
	Format PortFormat
	Value  uint32
}

// Direction says on which side of the datasource a record was observed.
type Direction uint8

// The directions.
const (
	DirectionUnknown Direction = iota
	Ingress
	Egress
)

// Space tells whose numbers a Tag holds.
type Space uint8

// The number spaces of tags.
const (
	SpaceSFlow   Space = iota + 1 // sFlow flow structures: enterprise, format
	SpaceElement                  // NetFlow v9 and IPFIX information elements: private enterprise number, element id
)

// Tag names one part of a record: a structure of an sFlow sample or an information element.
type Tag uint64

// MakeTag returns the tag of number in the space of an enterprise (0 = the standard's own).
func MakeTag(s Space, enterprise, number uint32) Tag {
	return Tag(s)<<56 | Tag(enterprise)<<24 | Tag(number&0xffffff)
}

// Enterprise returns the enterprise number of t.
func (t Tag) Enterprise() uint32 { return uint32(t >> 24) }

// Number returns the format or element number of t.
func (t Tag) Number() uint32 { return uint32(t) & 0xffffff }

// Space returns whose numbers t holds.
func (t Tag) Space() Space { return Space(t >> 56) }

// Slot says where in Record.Body a part lies.
type Slot struct {
	Tag      Tag
	Off, Len uint32
}

// Endpoint is what enrich knows of one address. It is owned by the lane.
type Endpoint struct {
	Addr Addr
}

// Record says: this traffic went by. Bytes and Packets are already multiplied by Rate; Rate stays for honesty about
// error. A Record lives as long as the callback that got it: whoever keeps one copies it.
type Record struct {
	At, Start, Last Instant // when reported; when the traffic began and ended (= At for samples and frames)
	Source          Source
	Kind            Kind
	Direction       Direction
	ICMP            bool   // SrcPort, DstPort hold ICMP type and code instead of ports
	Reversed        bool   // second direction of a bidirectional flow record (RFC 5103): its Slots tell of the first
	Stripped        uint16 // bytes removed from the frame before Header was cut (sFlow)
	Rate            uint32 // one in Rate was observed; 1 = everything, exact
	Length          uint32 // length of the one observed frame as sent, unscaled; 0 for flow records, transactions
	Bytes, Packets  uint64 // scaled by Rate. Frame length for samples and frames, layer 3 for flow records
	Flows           uint64 // flows that a flow record stands for, scaled; 1 for others
	Src, Dst        Addr   // outermost IP addresses; zero when there are none
	SrcPort         uint16
	DstPort         uint16
	Proto, TCPFlags uint8
	IPv             uint8 // 4, 6 or 0: version of the outermost IP header
	HasPorts        bool  // SrcPort and DstPort are known
	HasProto        bool  // Proto is known
	In, Out         Port
	Reason          uint32   // discard: reason code (sFlow drop reasons); see also Out of format PortDropped
	Link            LinkType // framing of Header
	Header          []byte   // sampled or captured header; rarer fields are read from it only when someone asks
	Layers          *Headers // what Header was found to be made of; nil for flow records without a header
	Body            []byte   // the bytes that Slots point into
	Slots           []Slot   // the parts that came with the record: sFlow structures, information elements
	SrcEnd, DstEnd  *Endpoint
	Tally           *Tally // what is counted of the frames that a record stands for together; nil for single ones
}

// Tally counts what the frames of a record that stands for several of them have in common with nothing else: a session
// gathers the frames of one direction between two ticks into one record. The session owns it.
type Tally struct {
	SYN       uint64 // TCP segments with SYN and without ACK
	SYNACK    uint64 // TCP segments with SYN and ACK
	FinRst    uint64 // TCP segments with FIN or RST
	Fragments uint64 // fragments of IP datagrams
}

// Part returns the bytes of the first part with tag t, or nil. They borrow from Body.
func (r *Record) Part(t Tag) []byte {
	for i := range r.Slots {
		if s := &r.Slots[i]; s.Tag == t {
			return r.Body[s.Off : s.Off+s.Len : s.Off+s.Len]
		}
	}
	return nil
}

// HasPart tells whether the record came with a part of tag t.
func (r *Record) HasPart(t Tag) bool {
	for i := range r.Slots {
		if r.Slots[i].Tag == t {
			return true
		}
	}
	return false
}

// Exact tells that nothing was sampled: the record stands for itself alone and an estimate from it has no error.
func (r *Record) Exact() bool { return r.Rate <= 1 }
