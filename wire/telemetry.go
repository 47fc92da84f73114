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

// beyondDoubt tells whether every length in the payload agrees with every other and with a telemetry protocol.
func beyondDoubt(b []byte) bool {
	switch Sniff(b) {
	case SFlow5, SFlow4, SFlow2:
		return wholeSFlow(b)
	case NetFlow5:
		n := int(binary.BigEndian.Uint16(b[2:]))
		return n > 0 && n <= 30 && len(b) == 24+48*n
	case NetFlow9:
		return len(b) > 20 && wholeSets(b[20:], 0, 1)
	case IPFIX:
		return len(b) > 16 && int(binary.BigEndian.Uint16(b[2:])) == len(b) && wholeSets(b[16:], 2, 3)
	}
	return false
}

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
			return d.Left() == 0
		}
	}
}

// wholeSets tells whether b is a run of sets to its very end, each of templates or data.
func wholeSets(b []byte, templates, options uint16) bool {
	for len(b) >= 4 {
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id != templates && id != options && id < 256 || n < 4 || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}
