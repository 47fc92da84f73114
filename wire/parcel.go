package wire

import (
	"encoding/binary"

	"weir/schema"
)

// Parcel sizes: a parcel leaves for its lane when it is full by count or by bytes.
const (
	ParcelDatagrams = 256
	ParcelBytes     = 512 << 10
)

// Datagram is one UDP payload from an exporter, or one captured frame.
type Datagram struct {
	At   schema.Instant
	From schema.Addr // the sender's address; for a frame: the address that the capture is known by
	Port uint16      // the sender's UDP port
	// Frame tells that Data is traffic itself, not telemetry about traffic.
	Frame     bool
	Link      schema.LinkType // of a frame
	Interface uint32          // of a frame: ifIndex, or the number of the interface in the file plus one
	Length    uint32          // of a frame: bytes on the wire; Data may be cut shorter
	Direction schema.Direction
	Data      []byte // in the parcel's buffer
}

// Parcel is a batch of datagrams on its way to one lane. Whoever holds it owns it; it is reused.
type Parcel struct {
	Datagrams []Datagram
	buf       []byte
}

// NewParcel returns an empty parcel with room for its first datagrams.
func NewParcel() *Parcel {
	return &Parcel{Datagrams: make([]Datagram, 0, ParcelDatagrams), buf: make([]byte, 0, 64<<10)}
}

// Full tells that the parcel should leave.
func (p *Parcel) Full() bool {
	return len(p.Datagrams) >= ParcelDatagrams || len(p.buf) >= ParcelBytes
}

// Add copies a datagram into the parcel; d.Data is not kept.
func (p *Parcel) Add(d Datagram) {
	off := len(p.buf)
	grown := append(p.buf, d.Data...)
	if off > 0 && &grown[0] != &p.buf[0] {
		p.moved(grown)
	}
	p.buf = grown
	d.Data = p.buf[off:len(p.buf):len(p.buf)]
	p.Datagrams = append(p.Datagrams, d)
}

// moved points the datagrams that are there already into the buffer that grew, so that the old one can be let go.
func (p *Parcel) moved(grown []byte) {
	off := 0
	for i := range p.Datagrams {
		n := len(p.Datagrams[i].Data)
		p.Datagrams[i].Data = grown[off : off+n : off+n]
		off += n
	}
}

// Reset empties the parcel and keeps its memory.
func (p *Parcel) Reset() {
	clear(p.Datagrams)
	p.Datagrams, p.buf = p.Datagrams[:0], p.buf[:0]
}

// Version is the telemetry protocol of a datagram.
type Version uint8

// The versions, found by Sniff.
const (
	VersionUnknown Version = iota
	SFlow2
	SFlow4
	SFlow5
	NetFlow1
	NetFlow5
	NetFlow7
	NetFlow9
	IPFIX
)

// String returns the version as the summary of weir decode spells it.
func (v Version) String() string {
	return [...]string{"unknown", "sflow2", "sflow4", "sflow5", "v1", "v5", "v7", "v9", "ipfix"}[v%9]
}

// Sniff tells by its first bytes which version a datagram says it is (wire-formats section 5). It looks at nothing
// else: a version that is known can still be malformed.
func Sniff(b []byte) Version {
	if len(b) < 4 {
		return VersionUnknown
	}
	switch binary.BigEndian.Uint32(b) {
	case 2:
		return SFlow2
	case 4:
		return SFlow4
	case 5:
		return SFlow5
	}
	switch binary.BigEndian.Uint16(b) {
	case 1:
		return NetFlow1
	case 5:
		return NetFlow5
	case 7:
		return NetFlow7
	case 9:
		return NetFlow9
	case 10:
		return IPFIX
	}
	return VersionUnknown
}

// ExporterOf returns the address that decides which lane a datagram belongs to: the agent address inside an sFlow
// datagram, else the sender's.
func ExporterOf(d *Datagram) schema.Addr {
	if d.Frame {
		return d.From
	}
	if v := Sniff(d.Data); v >= SFlow2 && v <= SFlow5 && len(d.Data) >= 12 {
		switch binary.BigEndian.Uint32(d.Data[4:]) {
		case 1:
			return schema.AddrFrom(d.Data[8:12])
		case 2:
			if len(d.Data) >= 24 {
				return schema.AddrFrom(d.Data[8:24])
			}
		}
	}
	return d.From
}

// Lane returns which of n lanes an exporter belongs to. The hash is fixed: it is part of what makes a replay repeat. It
// is FNV-1a with the finalizer of MurmurHash3 behind it, because FNV alone leaves the upper bits of neighbouring
// addresses alike, which would put a whole site into one lane.
func Lane(exporter schema.Addr, n int) int {
	h := uint32(2166136261)
	for _, c := range exporter {
		h = (h ^ uint32(c)) * 16777619
	}
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	h ^= h >> 16
	return int(uint64(h) * uint64(n) >> 32)
}
