package packet

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"weir/schema"
)

// maxDistinct bounds how many hosts and how many conversations a Summary tells apart, about 400 MB of each.
const maxDistinct = 1 << 22

// Count is a number of frames and the sum of their lengths on the wire, in bytes.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(wireLen uint32) {
	c.Packets++
	c.Bytes += uint64(wireLen)
}

// FlagCounts counts frames by what their outermost IP header and TCP header say.
type FlagCounts struct {
	SYN         uint64 `json:"syn"`          // SYN without ACK
	SYNACK      uint64 `json:"synack"`       // SYN and ACK
	RST         uint64 `json:"rst"`          // RST, whatever else
	FIN         uint64 `json:"fin"`          // FIN, whatever else
	IPFragments uint64 `json:"ip_fragments"` // any fragment of a datagram, the first included
}

// Conversations are numbers of distinct 5-tuples of the outermost header, both directions being one. Fragments other
// than the first, which have no ports, belong to none.
type Conversations struct {
	TCP uint64 `json:"tcp"`
	UDP uint64 `json:"udp"`
}

// Summary counts what the frames of a capture are. Tunnels are not opened: hosts, protocols, flags and conversations
// are those of the outermost IP header. Bytes are lengths on the wire, never captured lengths. The zero value is ready
// for use. It keeps every distinct host and conversation, up to about four million of each; Capped tells when there
// were more, and HostCount and Conversations are then too low.
type Summary struct {
	Packets   uint64 `json:"packets"`
	WireBytes uint64 `json:"wire_bytes"`
	// EtherTypes counts by ethertype behind VLAN tags, MPLS labels and PPPoE, as "0x0800"; "llc" for frames with a
	// length instead, "None" where there is neither.
	EtherTypes map[string]*Count `json:"ether_types"`
	// IPProtocols counts by decimal protocol number; in IPv6 that behind the extension headers.
	IPProtocols   map[string]*Count `json:"ip_protocols"`
	Flags         FlagCounts        `json:"tcp_and_ip_counts"`
	Conversations Conversations     `json:"conversations"`
	HostCount     uint64            `json:"host_count"` // distinct source and destination addresses
	Capped        bool              `json:"capped,omitempty"`

	h         schema.Headers
	types     map[etherLabel]*Count
	protocols [256]*Count
	hosts     map[schema.Addr]struct{}
	pairs     map[pair]struct{}
}

// pair is a conversation, its lower end first.
type pair struct {
	a, b         schema.Addr
	aPort, bPort uint16
	proto        uint8
}

// Add counts one frame; the arguments are those of Parse. It keeps nothing of frame.
func (s *Summary) Add(link schema.LinkType, frame []byte, wireLen uint32) {
	if s.types == nil {
		s.EtherTypes, s.IPProtocols = map[string]*Count{}, map[string]*Count{}
		s.types = map[etherLabel]*Count{}
		s.hosts, s.pairs = map[schema.Addr]struct{}{}, map[pair]struct{}{}
	}
	Parse(&s.h, link, frame, wireLen)
	s.Packets++
	s.WireBytes += uint64(wireLen)
	s.etherType(label(&s.h, frame)).add(wireLen)
	f := Outer(&s.h, frame)
	if f.IPv == 0 {
		return
	}
	if f.HasProto {
		s.protocol(f.Proto).add(wireLen)
	}
	s.host(f.Src)
	s.host(f.Dst)
	if fragmented(&s.h, frame) {
		s.Flags.IPFragments++
	}
	if f.HasPorts {
		s.conversation(&f)
	}
}

func (s *Summary) etherType(l etherLabel) *Count {
	c := s.types[l]
	if c == nil {
		c = &Count{}
		s.types[l], s.EtherTypes[l.String()] = c, c
	}
	return c
}

func (s *Summary) protocol(n uint8) *Count {
	c := s.protocols[n]
	if c == nil {
		c = &Count{}
		s.protocols[n], s.IPProtocols[strconv.Itoa(int(n))] = c, c
	}
	return c
}

func (s *Summary) host(a schema.Addr) {
	if _, known := s.hosts[a]; known {
		return
	}
	if len(s.hosts) == maxDistinct {
		s.Capped = true
		return
	}
	s.hosts[a] = struct{}{}
	s.HostCount++
}

// conversation counts flags and the 5-tuple of a TCP or UDP frame that has ports.
func (s *Summary) conversation(f *Flow) {
	var n *uint64
	switch f.Proto {
	case protoTCP:
		s.Flags.add(f.TCPFlags)
		n = &s.Conversations.TCP
	case protoUDP:
		n = &s.Conversations.UDP
	default:
		return
	}
	p := pair{f.Src, f.Dst, f.SrcPort, f.DstPort, f.Proto}
	if c := p.a.Compare(p.b); c > 0 || c == 0 && p.aPort > p.bPort {
		p.a, p.b, p.aPort, p.bPort = p.b, p.a, p.bPort, p.aPort
	}
	if _, known := s.pairs[p]; known {
		return
	}
	if len(s.pairs) == maxDistinct {
		s.Capped = true
		return
	}
	s.pairs[p] = struct{}{}
	*n++
}

func (c *FlagCounts) add(flags uint8) {
	const fin, syn, rst, ack = 0x01, 0x02, 0x04, 0x10
	switch flags & (syn | ack) {
	case syn:
		c.SYN++
	case syn | ack:
		c.SYNACK++
	}
	if flags&rst != 0 {
		c.RST++
	}
	if flags&fin != 0 {
		c.FIN++
	}
}

// fragmented tells whether the outermost datagram is a fragment, the first included.
func fragmented(h *schema.Headers, frame []byte) bool {
	if h.Fragment {
		return true
	}
	for i := range h.N {
		switch h.Layers[i].Kind {
		case schema.LayerIPv4:
			const moreFragments = 0x20
			return byteAt(frame, h.L3Off+6)&moreFragments != 0
		case schema.LayerIPv6:
			_, more, _, _ := FragmentField(h, i, frame)
			return more
		}
	}
	return false
}

// etherLabel is an ethertype, or one of the two that stand for none.
type etherLabel uint16

const (
	labelNone etherLabel = 0
	labelLLC  etherLabel = 1
)

// String returns the label as a summary shows it.
func (l etherLabel) String() string {
	switch l {
	case labelNone:
		return "None"
	case labelLLC:
		return "llc"
	}
	return fmt.Sprintf("0x%04x", uint16(l))
}

// label returns what a summary counts a frame under: MPLS and PPPoE sessions are looked through, 802.11 has no
// ethertype of its own.
func label(h *schema.Headers, frame []byte) etherLabel {
	switch {
	case h.N == 0 || h.Layers[0].Kind == schema.LayerRaw80211:
		return labelNone
	case h.EtherType == typeMPLS, h.EtherType == typeMPLSMulti, h.EtherType == typePPPoE:
		return inner(h, frame)
	case h.EtherType != 0:
		return etherLabel(h.EtherType)
	}
	// Behind the MAC header and its tags stands a length, if it was captured.
	last := &h.Layers[0]
	for i := 1; i < h.N && h.Layers[i].Kind == schema.LayerVLAN; i++ {
		last = &h.Layers[i]
	}
	whole := last.Kind == schema.LayerEthernet && last.Len == 14 || last.Kind == schema.LayerVLAN && last.Len == 4
	if whole && binary.BigEndian.Uint16(frame[last.Off+last.Len-2:]) < minEtherType {
		return labelLLC
	}
	if h.Find(schema.LayerLLC, 0) != nil {
		return labelLLC
	}
	return labelNone
}

// inner returns the label of what MPLS labels or a PPPoE session carry.
func inner(h *schema.Headers, frame []byte) etherLabel {
	for i := range h.N {
		switch l := &h.Layers[i]; l.Kind {
		case schema.LayerIPv4:
			return typeIPv4
		case schema.LayerIPv6:
			return typeIPv6
		case schema.LayerEthernet:
			if i > 0 { // a pseudowire: the frame inside is what it is
				rest := *h
				rest.N = copy(rest.Layers[:], h.Layers[i:h.N])
				rest.EtherType = innerType(&rest, frame)
				return label(&rest, frame)
			}
		}
	}
	return labelNone
}

// innerType returns the ethertype behind the MAC header and VLAN tags that h begins with; 0 for a length.
func innerType(h *schema.Headers, frame []byte) uint16 {
	last := h.Layers[0]
	for i := 1; i < h.N && h.Layers[i].Kind == schema.LayerVLAN; i++ {
		last = h.Layers[i]
	}
	at := int(last.Off) + int(last.Len) - 2
	if (last.Len != 14 && last.Len != 4) || at+2 > len(frame) {
		return 0
	}
	if t := binary.BigEndian.Uint16(frame[at:]); t >= minEtherType {
		return t
	}
	return 0
}
