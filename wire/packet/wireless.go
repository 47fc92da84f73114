package packet

import (
	"encoding/binary"

	"weir/schema"
)

// radiotapPad is the bit of the radiotap flags field that says: the 802.11 header is padded to 4 bytes.
const radiotapPad = 0x20

// radiotap steps over a radiotap header. Only its flags field matters, which, when present, comes first or follows the
// 8-byte time stamp.
func (w *walk) radiotap(off int) step {
	if !w.has(off, 8) {
		return end
	}
	size := int(binary.LittleEndian.Uint16(w.b[off+2:]))
	if size < 8 {
		return w.malformed(off)
	}
	present := binary.LittleEndian.Uint32(w.b[off+4:])
	at := 8
	for word := present; word>>31 != 0 && at+4 <= size && off+at+4 <= len(w.b); at += 4 {
		word = binary.LittleEndian.Uint32(w.b[off+at:])
	}
	if present&1 != 0 {
		at = (at+7)&^7 + 8
	}
	padded := present&2 != 0 && at < size && off+at < len(w.b) && w.b[off+at]&radiotapPad != 0
	return w.ieee80211(off+size, padded)
}

// The bits of an 802.11 frame control field that matter here (IEEE 802.11, 9.2.4.1).
const (
	dataType     = 2 << 2 // in the first byte: type
	typeMask     = 3 << 2
	versionMask  = 3
	subtypeNull  = 0x40 // no data
	subtypeQoS   = 0x80
	bothDS       = 3 // in the second byte: to and from the distribution system
	protected    = 0x40
	order        = 0x80
	aggregateBit = 0x80 // in the QoS control field: A-MSDU
)

// ieee80211 reads an 802.11 MAC header; of data frames in the clear it goes on to the LLC header.
func (w *walk) ieee80211(off int, padded bool) step {
	if !w.has(off, 2) {
		return end
	}
	return w.ieee80211Control(w.b[off], w.b[off+1], off, padded)
}

// ieee80211Control is ieee80211 for a frame control field that its sender may have put the other way round.
func (w *walk) ieee80211Control(kind, flags byte, off int, padded bool) step {
	if kind&versionMask != 0 {
		return w.malformed(off)
	}
	if kind&typeMask != dataType {
		if !w.header(schema.LayerRaw80211, off, controlSize(kind)) {
			return end
		}
		return w.payload(off + controlSize(kind))
	}
	size := 24
	if flags&bothDS == bothDS {
		size += 6
	}
	qosAt := off + size
	if kind&subtypeQoS != 0 {
		size += 2
		if flags&order != 0 {
			size += 4
		}
	}
	if !w.header(schema.LayerRaw80211, off, size) {
		return end
	}
	aggregate := kind&subtypeQoS != 0 && w.b[qosAt]&aggregateBit != 0
	if padded {
		size = (size + 3) &^ 3
	}
	off += size
	if kind&subtypeNull != 0 || flags&protected != 0 {
		return w.payload(off)
	}
	if aggregate { // a subframe begins with two addresses and a length
		off += 14
	}
	return w.llc(off)
}

// controlSize returns the length of the MAC header of a frame that carries no data: 24 for management, 16 or 10 for
// control frames (acknowledgements and clear-to-send have one address).
func controlSize(kind byte) int {
	const controlType = 1 << 2
	switch {
	case kind&typeMask != controlType:
		return 24
	case kind>>4 == 12 || kind>>4 == 13:
		return 10
	}
	return 16
}

// capwap reads a CAPWAP data header (RFC 5415 section 4.3) and goes on to the frame that it carries: 802.3, or 802.11
// when the T bit says so. Some controllers write the 802.11 frame control field in the wrong byte order, which shows
// in the version bits.
func (w *walk) capwap(off int) step {
	if !w.has(off, 8) || w.b[off] != 0 { // 1 is DTLS
		return w.payload(off)
	}
	size := int(w.b[off+1]>>3) * 4
	wireless, fragment := w.b[off+2]&1 != 0, w.b[off+3]&0x80 != 0
	if size < 8 {
		return w.malformed(off)
	}
	if fragment && w.u16(off+6)>>3 != 0 {
		return w.payload(off + size)
	}
	off += size
	if !wireless {
		return step{atEthernet, 0, off}
	}
	if !w.has(off, 2) {
		return end
	}
	kind, flags := w.b[off], w.b[off+1]
	if kind&versionMask != 0 && flags&versionMask == 0 {
		kind, flags = flags, kind
	}
	return w.ieee80211Control(kind, flags, off, false)
}

// ayiya steps over an AYIYA header (draft-massar-v6ops-ayiya section 3): 4 bytes, a 4-byte time, an identity of 2^n
// bytes and a signature of n words. Only the operation "forward" carries a packet.
func (w *walk) ayiya(off int) step {
	const forward = 1
	if off+8 > len(w.b) || w.b[off+2]&0x0f != forward {
		return w.payload(off)
	}
	identity, signature := uint(w.b[off]>>4), int(w.b[off+1]>>4)*4
	return step{atProtocol, uint16(w.b[off+3]), off + 8 + 1<<identity + signature}
}
