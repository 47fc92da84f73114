package meter

import (
	"encoding/binary"

	"weir/schema"
)

// endpoint is what the board remembers of an address: whether it is at home, and its rows.
type endpoint struct {
	addr  schema.Addr
	hosts spot // in hosts or hosts_v6
	other spot // in the page of the first looker
}

// Flags in the row of endpoint.hosts; rows are below MaxKeysLimit.
const (
	endUsed = 1 << 31
	endHome = 1 << 30
	end4    = 1 << 29
	endRow  = end4 - 1
)

// home returns 1 when the address is at home, else 0.
func (e *endpoint) home() uint8 { return uint8(e.hosts.row >> 30 & 1) }

// manner returns atHome when the address is at home.
func (e *endpoint) manner() manner { return manner(e.hosts.row>>25) & atHome }

func (e *endpoint) is4() bool { return e.hosts.row&end4 != 0 }

// endpoints is an open-addressing table of addresses. It is a cache: when it is full it begins anew.
type endpoints struct {
	slots []endpoint
	shift uint8
	n     int
}

const (
	minEndpoints = 1 << 10
	maxEndpoints = 1 << 22
)

func (t *endpoints) reset(slots int) {
	if len(t.slots) == slots {
		clear(t.slots)
	} else {
		t.slots = make([]endpoint, slots)
	}
	t.n, t.shift = 0, 64
	for n := slots; n > 1; n >>= 1 {
		t.shift--
	}
}

// makeRoom sees to it that two more addresses have room, so that places stay what they are for the record in hand.
func (b *Board) makeRoom() {
	t := &b.ends
	if (t.n+2)*2 <= len(t.slots) {
		return
	}
	b.visitAll() // places change
	t.grow()
	b.plan.forgetSpots(len(t.slots))
}

// forgetSpots makes the lookers forget rows, for so many places.
func (p *plan) forgetSpots(places int) {
	for i, l := range p.lookers {
		if i > 0 {
			l.spots = make([]spot, places)
		}
	}
}

// grow doubles the table, or empties it when it is as large as it may be.
func (t *endpoints) grow() {
	if len(t.slots) >= maxEndpoints {
		t.reset(len(t.slots))
		return
	}
	old := t.slots
	t.slots = nil
	t.reset(2 * len(old))
	for i := range old {
		if e := &old[i]; e.hosts.row&endUsed != 0 {
			s, _ := t.find(t.hash(&e.addr), &e.addr)
			t.slots[s] = *e
			t.n++
		}
	}
}

// hash returns the first slot where an address may be.
func (t *endpoints) hash(a *schema.Addr) uint64 {
	hi, lo := binary.LittleEndian.Uint64(a[:]), binary.LittleEndian.Uint64(a[8:])
	h := (hi*mixB ^ lo) * mixA
	return (h ^ h>>32) * mixB >> t.shift
}

// find returns the place of an address, or where it would be, from the slot that is its hash on.
func (t *endpoints) find(i uint64, a *schema.Addr) (place int32, there bool) {
	mask := uint64(len(t.slots) - 1)
	for ; ; i = (i + 1) & mask {
		e := &t.slots[i]
		if e.hosts.row&endUsed == 0 {
			return int32(i), false
		}
		if e.addr == *a {
			return int32(i), true
		}
	}
}

// endpoints returns the places of two addresses, which are remembered from then on. There must be room.
func (b *Board) endpoints(src, dst *schema.Addr) (from, to int32) {
	t := &b.ends
	x, y := t.hash(src), t.hash(dst)
	// Both slots are most likely far away in memory: the processor fetches them at the same time when both are asked for
	// before one is looked at.
	b.sink = t.slots[x].hosts.row + t.slots[y].hosts.row
	return b.endpoint(x, src), b.endpoint(y, dst)
}

func (b *Board) endpoint(slot uint64, a *schema.Addr) int32 {
	place, there := b.ends.find(slot, a)
	if !there {
		b.ends.n++
		e := &b.ends.slots[place]
		*e = endpoint{addr: *a}
		e.hosts.row = endUsed
		if b.isHome(*a) {
			e.hosts.row |= endHome
		}
		if a.Is4() {
			e.hosts.row |= end4
		}
	}
	return place
}

// isHome tells whether an address is of the home networks.
func (b *Board) isHome(a schema.Addr) bool {
	if len(b.settings.HomeAS) > 0 {
		if b.settings.Where == nil {
			return false
		}
		as := b.settings.Where(a).ASN
		for _, home := range b.settings.HomeAS {
			if as == home && as != 0 {
				return true
			}
		}
		return false
	}
	hi, lo := binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])
	for i := range b.homes {
		if h := &b.homes[i]; (hi^h.hi)&h.maskHi|(lo^h.lo)&h.maskLo == 0 {
			return true
		}
	}
	return false
}

// network is a prefix as words of the mapped form of addresses.
type network struct{ hi, lo, maskHi, maskLo uint64 }

// startHomes puts the home networks into the form in which they are compared.
func (b *Board) startHomes() {
	b.homes = b.homes[:0]
	for _, p := range b.settings.Home {
		a, bits := schema.AddrOf(p.Addr()), p.Bits()
		if p.Addr().Is4() {
			bits += 96
		}
		if bits < 0 {
			continue
		}
		n := network{hi: binary.BigEndian.Uint64(a[:]), lo: binary.BigEndian.Uint64(a[8:])}
		n.maskHi, n.maskLo = ^uint64(0)<<max(64-bits, 0), ^uint64(0)<<min(128-bits, 64)
		b.homes = append(b.homes, n)
	}
}

// hostKey returns the binary key of an address; it borrows.
func hostKey(a *schema.Addr) []byte {
	if a.Is4() {
		return a[12:]
	}
	return a[:]
}

// hostRow returns the row of an address in hosts or hosts_v6.
func (c *counter) hostRow(e *endpoint) int {
	if e.hosts.epoch == c.epoch {
		return int(e.hosts.row & endRow)
	}
	row := c.find(hostKey(&e.addr))
	e.hosts.epoch = c.epoch
	e.hosts.row = e.hosts.row&^endRow | uint32(row)
	return row
}

// memo remembers the row of a key that is made of three words.
type memo struct {
	a, b, c uint64
	spot    spot
}

// memos is a small table of rows that were looked up lately, of all counters: an epoch belongs to one of them.
type memos struct{ table []memo }

const memoBits = 12

func (m *memos) reset() {
	if m.table == nil {
		m.table = make([]memo, 1<<memoBits)
	}
	clear(m.table)
}

// memo returns where the row of a key of the counter is remembered, and whether it is. Each key has two places.
func (c *counter) memo(a, b, x uint64) (m *memo, ok bool) {
	h := ((a*mixA^b)*mixB ^ x ^ uint64(c.epoch)) * mixA
	i := (h ^ h>>31) * mixB >> (64 - memoBits)
	t := c.board.memos.table
	m = &t[i]
	if m.is(c, a, b, x) {
		return m, true
	}
	second := &t[i^1]
	if second.is(c, a, b, x) {
		return second, true
	}
	*second = *m
	m.a, m.b, m.c = a, b, x
	return m, false
}

func (m *memo) is(c *counter, a, b, x uint64) bool {
	return m.spot.epoch == c.epoch && m.a == a && m.b == b && m.c == x
}

// recall returns the row that m remembers, else that of key.
func (c *counter) recall(m *memo, key []byte) int {
	row := c.find(key)
	m.spot = spot{c.epoch, uint32(row)}
	return row
}
