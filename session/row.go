package session

import (
	"net/netip"

	"weir/schema"
)

// sessionBytes is the size of a Session.
const sessionBytes = 160

// row writes one row of a block, column by column in the order of the table.
type row struct {
	b    *schema.Block
	next int
}

func (w *row) int(v int64) {
	c := &w.b.Columns[w.next]
	c.Ints = append(c.Ints, v)
	w.next++
}

func (w *row) addr(a schema.Addr) {
	t := &w.b.Columns[w.next].Texts
	if n := a.Netip(); n.IsValid() {
		t.Data = n.AppendTo(t.Data)
	}
	t.Ends = append(t.Ends, uint32(len(t.Data)))
	w.next++
}

// AppendRow appends the session as a row of b, a new block of schema.TableSessions or schema.TableRunning. AS numbers
// and tags are left empty (0, ""): others know them. Addresses are readable text.
func (s *Session) AppendRow(b *schema.Block) {
	w := row{b: b}
	w.int(s.ID)
	w.addr(s.Exporter)
	w.int(int64(s.First))
	w.int(int64(s.Last))
	w.int(int64(s.Proto))
	w.addr(s.A)
	w.addr(s.Z)
	aPort, zPort := s.shownPorts()
	w.int(int64(aPort))
	w.int(int64(zPort))
	for _, v := range [...]uint64{
		s.AZ.Bytes, s.ZA.Bytes, s.AZ.Packets, s.ZA.Packets, s.AZ.Payload, s.ZA.Payload, uint64(s.State), uint64(s.RTT),
		uint64(s.Retrans), uint64(s.In), uint64(s.Out), uint64(s.VLAN), uint64(s.TOS),
		0, 0, // AS numbers
		uint64(s.Samples), uint64(s.Rate),
	} {
		w.int(int64(v))
	}
	tags := &b.Columns[w.next].Texts
	tags.Ends = append(tags.Ends, uint32(len(tags.Data)))
	b.Rows++
}

// shownPorts returns the ports, or ICMP type and code.
func (s *Session) shownPorts() (a, z uint16) {
	if s.ICMP() {
		return uint16(s.ICMPType), uint16(s.ICMPCode)
	}
	return s.APort, s.ZPort
}

// ReadRow fills in the session that row i of b holds, a block with the columns of schema.TableSessions in any order;
// columns that are missing leave their fields zero. Kind is not stored: it stays 0. Store is true.
func (s *Session) ReadRow(b *schema.Block, i int) {
	number := func(name string) int64 {
		if c := b.Column(name); c != nil && i < len(c.Ints) {
			return c.Ints[i]
		}
		return 0
	}
	addr := func(name string) schema.Addr {
		c := b.Column(name)
		if c == nil || i >= len(c.Texts.Ends) {
			return schema.Addr{}
		}
		a, _ := netip.ParseAddr(string(c.Texts.At(i))) // empty text is no address
		return schema.AddrOf(a)
	}
	*s = Session{
		ID: number("id"), Exporter: addr("exporter"), A: addr("a_ip"), Z: addr("z_ip"), Proto: uint8(number("proto")),
		First: schema.Instant(number("first")), Last: schema.Instant(number("last")), State: State(number("state")),
		AZ:  Counts{uint64(number("az_bytes")), uint64(number("az_packets")), uint64(number("az_payload"))},
		ZA:  Counts{uint64(number("za_bytes")), uint64(number("za_packets")), uint64(number("za_payload"))},
		RTT: uint32(number("rtt")), Retrans: uint32(number("retrans")), In: uint32(number("if_in")),
		Out: uint32(number("if_out")), VLAN: uint16(number("vlan")), TOS: uint8(number("tos")),
		Samples: uint32(number("samples")), Rate: uint32(number("rate")), Store: true,
	}
	s.IPv = version(&s.A, &s.Z)
	aPort, zPort := uint16(number("a_port")), uint16(number("z_port"))
	if s.ICMP() {
		s.ICMPType, s.ICMPCode = uint8(aPort), uint8(zPort)
	} else {
		s.APort, s.ZPort = aPort, zPort
	}
}
