package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"weir/wire/sflow"
)

// TestTelemetryBeyondDoubt holds that telemetry is known on any port, damaged and padded too, and that nothing else is.
func TestTelemetryBeyondDoubt(t *testing.T) {
	sample := sflowDatagram(1, 1, packetSample)
	fixed := func(version, count uint16, n int) []byte {
		b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, version), count)
		return append(b, bytes.Repeat([]byte{7}, n-4)...)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	head9 := []byte{0, 9, 0, 4, 0, 0, 0, 1, 0x59, 0x89, 0x8e, 0x8a, 0, 0, 0, 0, 0, 0, 0, 104}
	head10 := []byte{0, 10, 0, 24, 0x59, 0x89, 0x8e, 0x8a, 0, 0, 0, 0, 0, 0, 0, 1}
	data := []byte{1, 4, 0, 8, 1, 2, 3, 4}
	pad := make([]byte, 40)
	for name, c := range map[string]struct {
		payload []byte
		port    uint16
		want    bool
	}{
		"the port":                 {[]byte("anything"), 2055, true},
		"nothing":                  {nil, 9, false},
		"sflow":                    {sample, 9, true},
		"sflow, padded":            {join(sample, pad), 9, true},
		"sflow, damaged later":     {join(sample, []byte{1, 2, 3}), 9, true},
		"sflow, damaged":           {sample[:len(sample)-8], 9, false},
		"sflow, too many samples":  {sflowDatagram(1, 1, func(*sflow.Builder) {}), 9, false},
		"v1":                       {fixed(1, 2, 16+2*52), 9, true},
		"v5":                       {fixed(5, 2, 24+2*48), 9, true},
		"v5, padded":               {join(fixed(5, 2, 24+2*48), pad), 9, true},
		"v5, too short":            {fixed(5, 2, 24+2*48-1), 9, false},
		"v5, too long":             {fixed(5, 2, 24+2*48+1), 9, false},
		"v7":                       {fixed(7, 1, 24+52), 9, true},
		"v9":                       {join(head9, data), 9, true},
		"v9, padded":               {join(head9, data, pad), 9, true},
		"v9, damaged later":        {join(head9, data, []byte{0, 77, 0, 1}), 9, true},
		"v9, damaged":              {join(head9, []byte{0, 77, 0, 8, 1, 2, 3, 4}), 9, false},
		"v9, nothing but zeros":    {join(head9, pad), 9, false},
		"v9, no time, sets agree":  {join(head9[:8], []byte{1, 2, 3, 4}, head9[12:], data), 9, true},
		"v9, no time, sets do not": {join(head9[:8], []byte{1, 2, 3, 4}, head9[12:], data, []byte{1}), 9, false},
		"ipfix":                    {join(head10, data), 9, true},
		"ipfix, padded":            {join(head10, data, pad), 9, true},
		"ipfix, another length":    {join(head10, data, []byte{1}), 9, false},
		"a DNS query":              {join([]byte{0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3}, []byte("www"), pad), 9, false},
	} {
		if Telemetry(c.payload, c.port) != c.want {
			t.Errorf("%s: telemetry %v, want %v", name, !c.want, c.want)
		}
	}
}
