package wire

import (
	"encoding/binary"

	"weir/wire/sflow"
)

// telemetryPorts are the UDP ports that exporters send to by habit: sFlow, then NetFlow and IPFIX.
var telemetryPorts = map[uint16]bool{6343: true, 2055: true, 4739: true, 9995: true, 9996: true, 9500: true}

// Telemetry tells whether a UDP payload found in a capture is telemetry about traffic, and not traffic itself: when it
// went to a port of telemetry, or when its bytes leave no doubt.
func Telemetry(payload []byte, port uint16) bool {
	return telemetryPorts[port] || beyondDoubt(payload)
}

// beyondDoubt tells whether a payload begins as only telemetry does. Its end may be damaged or padded: what an exporter
// got wrong, or what was meant to hurt a collector, is not traffic for that. Every rule below leaves less than one in a
// hundred million of other payloads.
func beyondDoubt(b []byte) bool {
	switch Sniff(b) {
	case SFlow5:
		return beginsSFlow(b) || wholeSFlow(b)
	case SFlow4, SFlow2:
		return wholeSFlow(b)
	case NetFlow1:
		return wholeFixed(b, 16, 52)
	case NetFlow5:
		return wholeFixed(b, 24, 48)
	case NetFlow7:
		return wholeFixed(b, 24, 52)
	case NetFlow9:
		return len(b) > 20 && (wholeSets(b[20:]) || beginsNetFlow9(b))
	case IPFIX:
		n := int(binary.BigEndian.Uint16(b[2:]))
		return n > 16 && n <= len(b) && zeros(b[n:]) && setLength(b[16:n], 2) > 0
	}
	return false
}

// beginsSFlow tells whether b has a whole header of version 5 with an address and the number of samples that it could
// hold, and a first sample all of whose lengths agree.
func beginsSFlow(b []byte) bool {
	var d sflow.Datagram
	var s sflow.Sample
	const leastSample = 8 // its number and its length
	if d.Parse(b) != nil || d.Agent.IsZero() || d.Samples == 0 || uint64(d.Samples)*leastSample > uint64(len(b)) {
		return false
	}
	ok, err := d.Next(&s)
	return ok && err == nil
}

// wholeSFlow tells whether every length in b agrees with every other, to the very end.
func wholeSFlow(b []byte) bool {
	var d sflow.Datagram
	var s sflow.Sample
	if d.Parse(b) != nil || d.Samples == 0 {
		return false
	}
	for {
		ok, err := d.Next(&s)
		if err != nil {
			return false
		}
		if !ok {
			return zeros(b[len(b)-d.Left():])
		}
	}
}

// wholeFixed tells whether b is a header and as many records of the sizes given (bytes) as the header says, and not
// more than exporters put into one datagram.
func wholeFixed(b []byte, header, record int) bool {
	const most = 30
	n := int(binary.BigEndian.Uint16(b[2:]))
	end := header + record*n
	return n > 0 && n <= most && len(b) >= end && zeros(b[end:])
}

// beginsNetFlow9 tells whether b has a header of version 9 with a plausible time and number of records, and a first set
// that fits.
func beginsNetFlow9(b []byte) bool {
	n := int(binary.BigEndian.Uint16(b[2:]))
	const leastRecord = 4
	return n > 0 && n*leastRecord <= len(b) && plausibleSecond(b[8:]) && setLength(b[20:], 0) > 0
}

// plausibleSecond tells whether b begins with a second since the Unix epoch between the years 2000 and 2100, or with 0,
// which exporters without a clock send.
func plausibleSecond(b []byte) bool {
	const first, last = 946_684_800, 4_102_444_800
	n := binary.BigEndian.Uint32(b)
	return n == 0 || n >= first && n < last
}

// wholeSets tells whether b is a run of version 9 sets to its very end or to a filling of zeros.
func wholeSets(b []byte) bool {
	if zeros(b) {
		return false
	}
	for !zeros(b) {
		n := setLength(b, 0)
		if n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// setLength returns the length of the set that b begins with, 0 when none does: templates is the number of the set of
// templates, that of options templates is one more, and those of data begin with 256.
func setLength(b []byte, templates uint16) int {
	if len(b) < 4 {
		return 0
	}
	id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	if id != templates && id != templates+1 && id < 256 || n < 4 || n > len(b) {
		return 0
	}
	return n
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
