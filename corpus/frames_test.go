package corpus

import (
	"encoding/binary"
	"testing"

	"weir/capture"
	"weir/schema"
	"weir/sim"
	"weir/wire/sflow"
)

var (
	six1 = schema.Addr{0x20, 1, 0x0d, 0xb8, 15: 1}
	six2 = schema.Addr{0x20, 1, 0x0d, 0xb8, 15: 2}
)

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func ether(typ int, payload []byte) []byte { return join(mac2, mac1, be16(typ), payload) }

func ip4(proto byte, src, dst schema.Addr, payload []byte) []byte {
	return join([]byte{0x45, 0}, be16(20+len(payload)), []byte{0, 1, 0x40, 0, 64, proto, 0, 0}, src[12:], dst[12:], payload)
}

// fragment returns a piece of an IPv4 datagram, off in units of 8 bytes.
func fragment(off int, more bool, payload []byte) []byte {
	b := ip4(17, host1, host2, payload)
	if more {
		off |= 0x2000
	}
	copy(b[6:], be16(off))
	return b
}

func ip6(next byte, payload []byte) []byte {
	return join([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{next, 64}, six1[:], six2[:], payload)
}

func udp(src, dst int, payload []byte) []byte {
	return join(be16(src), be16(dst), be16(8+len(payload)), []byte{0, 0}, payload)
}

func tcp(src, dst int, flags byte, payload []byte) []byte {
	return join(be16(src), be16(dst), []byte{0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x10, 0, 0, 0, 0, 0}, payload)
}

// dns returns a question for the address of www.example.net.
func dns() []byte {
	return join([]byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, []byte("\x03www\x07example\x03net\x00"), be16(1), be16(1))
}

// inner is the frame inside tunnels.
func inner() []byte {
	return ether(0x0800, ip4(6, ip(192, 0, 2, 129), ip(192, 0, 2, 130), tcp(1000, 80, 0x02, nil)))
}

// tunnelFrames are frames of many kinds of encapsulation.
func tunnelFrames() [][]byte {
	return [][]byte{
		ether(0x0800, ip4(17, host1, host2, udp(5000, 4789, join([]byte{8, 0, 0, 0, 0, 0x13, 0x88, 0}, inner())))),
		ether(0x0800, ip4(17, host1, host2, udp(5000, 6081, join([]byte{0, 0, 0x65, 0x58, 0, 0x13, 0x89, 0}, inner())))),
		ether(0x0800, ip4(47, host1, host2, join([]byte{0x20, 0, 8, 0, 0, 0, 0, 42}, inner()[14:]))),
		ether(0x0800, ip4(47, host1, host2, join([]byte{0, 0, 0x65, 0x58}, inner()))),
		ether(0x0800, ip4(4, host1, host2, inner()[14:])),
		ether(0x0800, ip4(41, host1, host2, ip6(17, udp(1, 2, nil)))),
		ether(0x8847, join([]byte{0, 0, 0x10, 64, 0, 0, 0x21, 64}, inner()[14:])),
		ether(0x8864, join([]byte{0x11, 0, 0, 7}, be16(2+len(inner())-14), []byte{0, 0x21}, inner()[14:])),
		ether(0x88a8, join([]byte{0, 100, 0x81, 0, 0, 200, 8, 0}, inner()[14:])),
	}
}

// frames is captured traffic of many protocols.
func frames(t *testing.T, w *capture.Writer) {
	all := append(tunnelFrames(),
		ether(0x0800, ip4(6, host1, host2, tcp(40000, 443, 0x18, make([]byte, 1000)))),
		ether(0x0800, ip4(17, host1, host2, udp(40000, 53, dns()))),
		ether(0x86dd, ip6(58, []byte{128, 0, 0, 0, 0, 1, 0, 1})),
		ether(0x86dd, ip6(0, join([]byte{43, 0, 5, 2, 0, 0, 0, 0}, []byte{6, 0, 0, 0, 0, 0, 0, 0}, tcp(1, 2, 2, nil)))),
		ether(0x86dd, ip6(44, join([]byte{17, 0}, be16(0x00b9), []byte{0, 0, 0, 1}, make([]byte, 64)))),
		ether(0x0800, fragment(0, true, udp(1, 2, make([]byte, 48)))),
		ether(0x0800, fragment(7, false, make([]byte, 30))),
		ether(0x0800, ip4(1, host1, host2, []byte{3, 1, 0, 0, 0, 0, 0, 0})),
		ether(0x0800, ip4(132, host1, host2, join(be16(36412), be16(36412), make([]byte, 24)))),
		ether(0x0806, join([]byte{0, 1, 8, 0, 6, 4, 0, 1}, mac1, host1[12:], make([]byte, 6), host2[12:])),
		ether(0x0026, join([]byte{0x42, 0x42, 3}, make([]byte, 35))),
		ether(0x0800, []byte{0x45, 0, 0}),
		[]byte{1, 2, 3},
	)
	for round := range 5 {
		for i, f := range all {
			at := began + 400*milli*schema.Instant(round) + schema.Instant(i)*milli
			kept := f[:min(len(f), 120)]
			if err := w.Write(at, kept, uint32(len(f))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tunnels is the tunnelled frames as sFlow samples.
func tunnels(t *testing.T, w *capture.Writer) {
	sequence := uint32(0)
	for i := range uint32(10) {
		var b sflow.Builder
		b.Start(nil, sflow.Head{Agent: agent, Sequence: i + 1, Uptime: 200 * i})
		for _, f := range tunnelFrames() {
			if b.Len() > 1300 {
				break
			}
			sequence++
			b.FlowSample(&sflow.Sample{Sequence: sequence, Index: 1, Rate: 10, In: schema.Port{Value: 1},
				Out: schema.Port{Value: 2}}, sflow.Expanded)
			b.Header(&sflow.Header{Protocol: 1, Length: uint32(len(f)) + 4, Stripped: 4, Bytes: f})
		}
		send(t, w, began+200*milli*schema.Instant(i), sim.SFlow, b.Bytes())
	}
}
