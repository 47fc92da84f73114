package wire

import (
	"cmp"
	"slices"

	"weir/schema"
	"weir/wire/netflow"
)

// Malformed says why a datagram could not be read, or not to its end.
type Malformed uint8

// The reasons of malformed datagrams and frames.
const (
	MalformedVersion Malformed = iota // no telemetry protocol that we know
	MalformedSFlow                    // an sFlow datagram that contradicts itself; samples before the damage count
	MalformedNetFlow                  // a NetFlow or IPFIX datagram that contradicts itself
	MalformedFrame                    // a captured frame of no bytes
	malformedReasons
)

// String returns the reason as a label.
func (m Malformed) String() string {
	return [malformedReasons]string{"unknown_version", "sflow", "netflow", "frame"}[m%malformedReasons]
}

// Refused says why a datagram that could be read was not counted.
type Refused uint8

// The reasons of refused datagrams.
const (
	RefusedDuplicate Refused = iota // the same datagram a second time
	RefusedExporters                // the cap of exporters is reached
	refusedReasons
)

// String returns the reason as a label.
func (r Refused) String() string {
	return [refusedReasons]string{"duplicate", "exporters"}[r%refusedReasons]
}

// Unfollowed says what a cap keeps a decoder from remembering. It is outside the balance: what it belongs to is decoded
// and counted all the same.
type Unfollowed uint8

// What may not be followed.
const (
	UnfollowedSubAgents     Unfollowed = iota // datagrams of sub-agents past the cap: nobody knows what they lost
	UnfollowedDatasources                     // samples of datasources past a cap, likewise
	UnfollowedCustomMetrics                   // custom metrics left out: too many names, or a name that cannot be one
	unfollowedKinds
)

// String returns what is not followed as a label.
func (u Unfollowed) String() string {
	return [unfollowedKinds]string{"sub_agents", "datasources", "custom_metrics"}[u%unfollowedKinds]
}

// Traffic is how much traffic records tell of, scaled by their sampling rates. Frames and packet samples count frame
// lengths, flow records what the exporter counts, which is layer 3 as a rule.
type Traffic struct {
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
}

// Add adds o to t.
func (t *Traffic) Add(o Traffic) { t.Bytes, t.Packets = t.Bytes+o.Bytes, t.Packets+o.Packets }

// Books is what became of everything that a decoder was given. It balances: Received is the sum of Decoded, Malformed
// and Refused; Samples is the sum of the records and readings made and of Ignored.
type Books struct {
	Received  uint64 // datagrams and frames
	Bytes     uint64 // of these
	Decoded   uint64
	Malformed [malformedReasons]uint64
	Refused   [refusedReasons]uint64
	Versions  [IPFIX + 1]uint64 // datagrams by Version
	Frames    uint64            // captured frames

	Samples       uint64 // sFlow samples, data records and frames taken from what was decoded
	PacketSamples uint64 // records made, by kind
	FlowRecords   uint64
	FrameRecords  uint64
	Transactions  uint64
	Discards      uint64
	Reversed      uint64 // second records made of the reverse direction of bidirectional ones; not in Samples
	Readings      uint64
	Options       uint64 // options records, which tell of the exporter and not of traffic
	Ignored       uint64 // samples that hold nothing to count: unknown types, no packet, no values
	Unknown       uint64 // structures stepped over by their length because their number is not known

	Unfollowed [unfollowedKinds]uint64 // see Unfollowed
	Evicted    uint64                  // exporters long silent that were forgotten to make room for new ones

	Traffic [schema.KindDiscard + 1]Traffic // by kind of record

	NetFlow netflow.Stats
}

// Records returns how many records were made.
func (b *Books) Records() uint64 {
	return b.PacketSamples + b.FlowRecords + b.FrameRecords + b.Transactions + b.Discards + b.Reversed
}

// Difference returns what the books are off by: 0, or there is a bug.
func (b *Books) Difference() int64 {
	d := b.Received - b.Decoded
	for _, n := range b.Malformed {
		d -= n
	}
	for _, n := range b.Refused {
		d -= n
	}
	s := b.Samples - b.PacketSamples - b.FlowRecords - b.FrameRecords - b.Transactions - b.Discards - b.Readings -
		b.Options - b.Ignored
	return int64(d) + int64(s)
}

// Add adds o to b.
func (b *Books) Add(o Books) {
	b.Received += o.Received
	b.Bytes += o.Bytes
	b.Decoded += o.Decoded
	for i := range b.Malformed {
		b.Malformed[i] += o.Malformed[i]
	}
	for i := range b.Refused {
		b.Refused[i] += o.Refused[i]
	}
	for i := range b.Versions {
		b.Versions[i] += o.Versions[i]
	}
	b.Frames += o.Frames
	b.Samples += o.Samples
	b.PacketSamples += o.PacketSamples
	b.FlowRecords += o.FlowRecords
	b.FrameRecords += o.FrameRecords
	b.Transactions += o.Transactions
	b.Discards += o.Discards
	b.Reversed += o.Reversed
	b.Readings += o.Readings
	for i := range b.Traffic {
		b.Traffic[i].Add(o.Traffic[i])
	}
	b.Options += o.Options
	b.Ignored += o.Ignored
	b.Unknown += o.Unknown
	for i := range b.Unfollowed {
		b.Unfollowed[i] += o.Unfollowed[i]
	}
	b.Evicted += o.Evicted
	b.NetFlow.Add(o.NetFlow)
}

// UnknownCount is how often a structure of a number that is not known came by.
type UnknownCount struct {
	Tag   schema.Tag
	Count uint64
}

// maxUnknown bounds how many different unknown structures are told apart; more count together under tag 0.
const maxUnknown = 256

func (d *Decoder) unknown(t schema.Tag) {
	d.books.Unknown++
	if _, ok := d.unknowns[t]; !ok && len(d.unknowns) >= maxUnknown {
		t = 0
	}
	d.unknowns[t]++
}

// Unknown returns the structures that were stepped over by their length, by number. The caller owns the slice.
func (d *Decoder) Unknown() []UnknownCount {
	out := make([]UnknownCount, 0, len(d.unknowns))
	for t, n := range d.unknowns {
		out = append(out, UnknownCount{t, n})
	}
	slices.SortFunc(out, func(a, b UnknownCount) int { return cmp.Compare(a.Tag, b.Tag) })
	return out
}
