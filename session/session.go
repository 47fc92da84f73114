package session

import (
	"weir/key"
	"weir/schema"
)

// State is the bits that tell what was seen of a session (spec trisul 2.4).
type State uint16

// The state bits.
const (
	StateInit       State = 0x0001 // always set
	StateSYN        State = 0x0002 // a SYN was seen
	StateSYNACK     State = 0x0004 // a SYN-ACK was seen
	StateOpen       State = 0x0008 // the ACK of the SYN-ACK was seen: the handshake is complete
	StateServerA    State = 0x0010 // the SYN went to A
	StateServerZ    State = 0x0020 // the SYN went to Z, which is normal
	StateFIN        State = 0x0040 // a FIN was seen
	StateRST        State = 0x0080 // an RST was seen
	StateTimedOut   State = 0x0100 // ended because nothing was seen any more, or because there was no room
	StateError      State = 0x0200 // ended early: the table was full
	StateIncomplete State = 0x0400 // one direction did not close properly
	StateTerminated State = 0x0800 // ended because both ends closed it, or one reset it

	// StateFinal holds the bits of which every finished session has exactly one, and every other session none.
	StateFinal = StateTimedOut | StateTerminated
)

// Counts is what one end of a session sent. Bytes and packets of samples are scaled by their sampling rate.
type Counts struct {
	Bytes   uint64 // whole frames for frames and samples, layer 3 for flow records
	Packets uint64
	Payload uint64 // inside TCP and UDP headers; 0 for flow records, which do not tell
}

// Session is one conversation at one exporter. It has no pointers. Counts are since its beginning, never since a
// report.
type Session struct {
	Exporter schema.Addr
	// A and Z are the ends. Z has the lower port; of equal ports, or without ports, A has the lower address.
	A, Z         schema.Addr
	APort, ZPort uint16 // 0 without ports
	Proto        uint8  // IP protocol
	// Kind is what the session was told by. Sessions of different kinds are never one.
	Kind        schema.Kind
	State       State
	Samples     uint32         // packets that were sampled, behind the estimate; 0 when the session is exact
	Rate        uint32         // mean sampling rate, one in so many; 0 when the session is exact
	AZ, ZA      Counts         // sent by A, sent by Z
	First, Last schema.Instant // first and last activity
	// ID is unique among the sessions of all lanes, and grows with the beginning of the session: seconds since the
	// beginning of 2020 (UTC) in its upper 31 bits (from 1985 to 2054; it stays at these ends), then a hash of exporter,
	// ends and first instant.
	ID      int64
	RTT     uint32 // from the first SYN to the ACK that completed the handshake, microseconds; 0 when not seen
	Retrans uint32 // segments whose whole sequence range was seen before, of both directions; frames only
	// In and Out are the ifIndex where traffic from A to Z came into and left the exporter, as telemetry tells; 0 when
	// not known, and for frames, whose interface is not the exporter's road.
	In, Out  uint32
	VLAN     uint16 // outermost VLAN of the first packet; 0 when there is none
	IPv      uint8  // 4 when both addresses are IPv4, else 6
	TOS      uint8  // type of service byte of the first packet, as far as it was seen
	ICMPType uint8  // of the first ICMP message
	ICMPCode uint8
	Store    bool // to be stored; false when it was smaller than Config.MinBytes
}

// Bytes returns what both ends sent.
func (s *Session) Bytes() uint64 { return s.AZ.Bytes + s.ZA.Bytes }

// Packets returns the packets that both ends sent.
func (s *Session) Packets() uint64 { return s.AZ.Packets + s.ZA.Packets }

// Finished tells that the session is over: nothing will be added to it.
func (s *Session) Finished() bool { return s.State&StateFinal != 0 }

// ICMP tells whether the protocol is one that has types and codes instead of ports.
func (s *Session) ICMP() bool { return icmp(s.Proto) }

func icmp(proto uint8) bool { return proto == 1 || proto == 58 }

// Router tells whether the exporter told interfaces: then the id string names the exporter and them.
func (s *Session) Router() bool { return s.In|s.Out != 0 }

// The forms of the parts of an id string.
var (
	hostForm     = key.Form{key.Host}
	appForm      = key.Form{key.App}
	protocolForm = key.Form{key.Protocol}
)

// AppendKey appends the id string of spec trisul 2.2, such as "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016". It is the
// same for both directions, and not unique in time: sessions that follow each other with the same ends share it.
func (s *Session) AppendKey(dst []byte) []byte {
	letter := byte('A')
	if s.Router() {
		letter = 'C'
	}
	if s.IPv == 6 {
		letter++
	}
	dst = append(protocolForm.AppendRaw(dst, []byte{s.Proto}), letter, ':')
	dst = append(appendEnd(dst, &s.A, s.APort), '_')
	dst = appendEnd(dst, &s.Z, s.ZPort)
	if s.Router() {
		dst = appendHost(append(dst, '_'), &s.Exporter)
		dst = appendIndex(append(dst, '_'), s.In)
		dst = appendIndex(append(dst, '_'), s.Out)
	}
	return dst
}

func appendEnd(dst []byte, a *schema.Addr, port uint16) []byte {
	return appForm.AppendRaw(append(appendHost(dst, a), ':'), []byte{byte(port >> 8), byte(port)})
}

func appendHost(dst []byte, a *schema.Addr) []byte {
	if a.Is4() {
		return hostForm.AppendRaw(dst, a[12:])
	}
	return hostForm.AppendRaw(dst, a[:])
}

func appendIndex(dst []byte, index uint32) []byte {
	const digits = "0123456789ABCDEF"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[index>>shift&15])
	}
	return dst
}
