package sim

import (
	"encoding/binary"

	"weir/schema"
)

// fcs is the length of the frame check sequence, which sFlow counts and captures do not hold.
const fcs = 4

// maxHeader is how many bytes of a packet a sample holds.
const maxHeader = 128

// The IP protocols of the network.
const (
	protoICMP  = 1
	protoTCP   = 6
	protoUDP   = 17
	protoICMP6 = 58
)

// TCP flags.
const (
	flagSYN = 0x02
	flagACK = 0x10
	flagPSH = 0x08
)

// shape is what a frame is to look like.
type shape struct {
	srcMAC, dstMAC [6]byte
	vlan           uint16 // 0: no tag
	key            Key
	tcpFlags       uint8
	tos            uint8
	payload        []byte // after the transport header; the first bytes of it
	length         uint32 // bytes of the frame with FCS
}

// build returns the first bytes of the frame and the length of its IP datagram. Checksums of TCP and UDP are left zero:
// nobody who has only the first bytes of a packet can check them.
func (s *shape) build() (frame []byte, l3 uint32) {
	b := append(append([]byte{}, s.dstMAC[:]...), s.srcMAC[:]...)
	if s.vlan != 0 {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 0), s.vlan)
	}
	l3 = s.length - fcs - uint32(len(b)) - 2
	transport := s.transport(l3)
	if s.key.Src.Is4() {
		b = append(b, 0x08, 0)
		b = s.ip4(b, l3)
	} else {
		b = append(b, 0x86, 0xdd)
		b = s.ip6(b, l3)
	}
	b = append(append(b, transport...), s.payload...)
	for len(b) < min(maxHeader, int(s.length)-fcs) {
		b = append(b, 0)
	}
	return b[:min(len(b), maxHeader, int(s.length)-fcs)], l3
}

func (s *shape) ip4(b []byte, l3 uint32) []byte {
	at := len(b)
	b = append(b, 0x45, s.tos)
	b = binary.BigEndian.AppendUint16(b, uint16(l3))
	b = append(b, 0, 0, 0x40, 0, 63, s.key.Proto, 0, 0)
	b = append(append(b, s.key.Src[12:]...), s.key.Dst[12:]...)
	sum := uint32(0)
	for i := at; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(b[at+10:], ^uint16(sum&0xffff+sum>>16))
	return b
}

func (s *shape) ip6(b []byte, l3 uint32) []byte {
	b = append(b, 0x60|s.tos>>4, s.tos<<4, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(l3-40))
	b = append(b, s.key.Proto, 63)
	return append(append(b, s.key.Src[:]...), s.key.Dst[:]...)
}

func (s *shape) transport(l3 uint32) []byte {
	ports := binary.BigEndian.AppendUint16(nil, s.key.SrcPort)
	ports = binary.BigEndian.AppendUint16(ports, s.key.DstPort)
	switch s.key.Proto {
	case protoTCP:
		return append(ports, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, s.tcpFlags, 0xff, 0xff, 0, 0, 0, 0)
	case protoUDP:
		length := l3 - 20
		if !s.key.Src.Is4() {
			length = l3 - 40
		}
		return append(binary.BigEndian.AppendUint16(ports, uint16(length)), 0, 0)
	}
	return []byte{byte(s.key.SrcPort), byte(s.key.DstPort), 0, 0, 0, 1, 0, 1} // ICMP: type, code
}

// question returns the first bytes of a DNS message that asks for, or answers about, the address of a name.
func question(name string, id uint16, response bool) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	if response {
		b = append(b, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
	} else {
		b = append(b, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0)
	}
	label := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			b = append(append(b, byte(i-label)), name[label:i]...)
			label = i + 1
		}
	}
	return append(b, 0, 0, 1, 0, 1)
}

// vxlan returns a VXLAN header (RFC 7348) and the frame that it carries.
func vxlan(vni uint32, inner []byte) []byte {
	b := append([]byte{8, 0, 0, 0}, byte(vni>>16), byte(vni>>8), byte(vni), 0)
	return append(b, inner...)
}

// tenant returns an address of a virtual machine.
func tenant(i byte) schema.Addr { return schema.Addr4([4]byte{192, 0, 2, 128 + i%128}) }

// collector is where the datagrams go to, in captures of them.
const collector = 100

// Carry returns the Ethernet frame, without FCS, that carries a datagram to the collector, 192.0.2.100, for capture
// files. The caller owns it.
func Carry(d *Datagram) []byte {
	key := Key{Src: d.From, Dst: infra(collector), SrcPort: 50000, DstPort: d.Protocol.Port(), Proto: protoUDP}
	s := shape{
		srcMAC: [6]byte{2, 0, 0, 3, 0, d.From[15]}, dstMAC: [6]byte{2, 0, 0, 3, 1, 1}, key: key,
		length: uint32(14 + 20 + 8 + len(d.Data) + fcs),
	}
	head, _ := s.build()
	return append(head[:14+20+8:14+20+8], d.Data...)
}
