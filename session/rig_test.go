package session

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"weir/schema"
	"weir/wire"
)

// t0 is the beginning of the acceptance checks' time.
const t0 = schema.Instant(1700000100 * int64(time.Second))

// seconds returns the instant so many seconds after t0.
func seconds(s float64) schema.Instant { return t0 + schema.Instant(math.Round(s*1e9)) }

func addr(t testing.TB, s string) schema.Addr {
	t.Helper()
	a, err := schema.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// rig drives a table with frames by way of the decoder.
type rig struct {
	testing.TB
	*Table
	decoder  *wire.Decoder
	from     schema.Addr
	vlan     uint16
	tos      uint8
	gathered bool // what Observe returned last
	ended    []Session
	reports  []Session
	partial  *Partial
}

func newRig(t testing.TB, c Config) *rig {
	return &rig{TB: t, Table: NewTable(c), decoder: wire.NewDecoder(wire.Config{}), from: addr(t, "10.255.0.1")}
}

// packet is one to be made.
type packet struct {
	at       schema.Instant
	src, dst string
	sp, dp   uint16
	proto    uint8
	flags    uint8
	seq, ack uint32
	payload  int
	length   uint32 // of the frame on the wire; 0 = as long as it is
	iface    uint32
}

// build returns the frame of a packet. ICMP has type sp and code dp.
func (r *rig) build(p *packet) []byte {
	src, dst := addr(r, p.src), addr(r, p.dst)
	var l4 []byte
	switch p.proto {
	case protoTCP:
		l4 = make([]byte, 20)
		binary.BigEndian.PutUint16(l4, p.sp)
		binary.BigEndian.PutUint16(l4[2:], p.dp)
		binary.BigEndian.PutUint32(l4[4:], p.seq)
		binary.BigEndian.PutUint32(l4[8:], p.ack)
		l4[12], l4[13] = 5<<4, p.flags
	case protoUDP:
		l4 = make([]byte, 8)
		binary.BigEndian.PutUint16(l4, p.sp)
		binary.BigEndian.PutUint16(l4[2:], p.dp)
		binary.BigEndian.PutUint16(l4[4:], uint16(8+p.payload))
	case 1, 58:
		l4 = []byte{byte(p.sp), byte(p.dp), 0, 0, 0, 0, 0, 0}
	}
	l4 = append(l4, make([]byte, p.payload)...)
	frame := []byte{2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa}
	if r.vlan != 0 {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x81, 0), r.vlan)
	}
	if src.Is4() {
		frame = append(frame, 0x08, 0x00, 0x45, r.tos)
		frame = binary.BigEndian.AppendUint16(frame, uint16(20+len(l4)))
		frame = append(frame, 0, 0, 0, 0, 64, p.proto, 0, 0)
		frame = append(append(frame, src[12:]...), dst[12:]...)
	} else {
		frame = append(frame, 0x86, 0xdd, 0x60|r.tos>>4, r.tos<<4, 0, 0)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(l4)))
		frame = append(frame, p.proto, 64)
		frame = append(append(frame, src[:]...), dst[:]...)
	}
	return append(frame, l4...)
}

// send lets the table observe a packet.
func (r *rig) send(p packet) {
	r.Helper()
	r.record(&p, func(rec *schema.Record) { r.gathered = r.Observe(rec) })
}

// record makes the record of a packet.
func (r *rig) record(p *packet, use func(*schema.Record)) {
	frame := r.build(p)
	r.decoder.Decode(&wire.Datagram{
		At: p.at, From: r.from, Frame: true, Link: schema.LinkEthernet, Length: max(p.length, uint32(len(frame))),
		Interface: p.iface, Direction: schema.Ingress, Data: frame,
	}, use, nil)
}

// tick moves on to an instant.
func (r *rig) tick(at schema.Instant) { r.took(r.Advance(at)) }

func (r *rig) took(p *Partial) {
	r.partial = p
	r.ended = append(r.ended, p.Ended...)
	r.reports = append(r.reports, p.Reports...)
}

// close ends everything and returns all that ended, in order.
func (r *rig) close(at schema.Instant) []Session {
	r.took(r.Close(at))
	r.ended = Merge(r.ended)
	return r.ended
}

// keyOf returns the id string.
func keyOf(s *Session) string { return string(s.AppendKey(nil)) }

const (
	client = "192.168.1.2"
	server = "209.216.249.58"
)

// conversation is check B-01: one TCP connection, with sequence numbers.
func conversation() []packet {
	at := func(s float64) schema.Instant { return seconds(1 + s) }
	const c, s = 0xfffffff0, 5000 // the client's sequence numbers wrap
	out := func(o float64, flags uint8, seq, ack uint32, payload int) packet {
		return packet{at(o), client, server, 2964, 22, 6, flags, seq, ack, payload, uint32(66 + payload), 0}
	}
	in := func(o float64, flags uint8, seq, ack uint32, payload int) packet {
		return packet{at(o), server, client, 22, 2964, 6, flags, seq, ack, payload, uint32(66 + payload), 0}
	}
	list := []packet{
		out(0, tcpSYN, c, 0, 0), in(0.050, tcpSYN|tcpACK, s, c+1, 0), out(0.051, tcpACK, c+1, s+1, 0),
		out(0.060, tcpACK|8, c+1, s+1, 100), in(0.110, tcpACK, s+1, c+101-1<<32, 0),
		in(0.200, tcpACK|8, s+1, c+101-1<<32, 500), out(0.201, tcpACK, c+101-1<<32, s+501, 0),
		out(1.000, tcpFIN|tcpACK, c+101-1<<32, s+501, 0), in(1.050, tcpFIN|tcpACK, s+501, c+102-1<<32, 0),
		out(1.051, tcpACK, c+102-1<<32, s+502, 0),
	}
	list[0].length, list[1].length = 74, 74
	return list
}
