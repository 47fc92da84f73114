package meter

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"weir/schema"
)

// roller says which keys of a group a host counts for.
type roller uint8

const (
	rollInternal roller = iota + 1
	rollExternal
	rollSubnets
	rollCountry
	rollAS
	rollPrefix
	rollCity
)

// rollers are the groups that are computed from the rows of hosts when those are handed over or dropped. All their
// meters add up over hosts, so that costs a record nothing.
var rollers = map[string]roller{"internal_hosts": rollInternal, "external_hosts": rollExternal, "subnets": rollSubnets,
	"country": rollCountry, "as": rollAS, "prefix": rollPrefix, "city": rollCity}

// rollup is one group that is computed from the rows of another.
type rollup struct {
	to    *counter
	keys  roller
	pairs []pair
}

// pair says that a cell grows by another one.
type pair struct{ from, to int }

// pairs finds the meters of two groups that are fed alike.
func pairs(base, g *Group) (list []pair) {
	for i := range g.Meters {
		m := &g.Meters[i]
		if m.Feed == "" || m.Distinct {
			continue
		}
		for k := range base.Meters {
			if o := &base.Meters[k]; o.Feed == m.Feed && adds(o.Type) && adds(m.Type) {
				list = append(list, pair{base.Cell(o.ID), g.Cell(m.ID)})
				break
			}
		}
	}
	return list
}

// adds tells whether open pages keep one sum of a meter of the type.
func adds(t VarType) bool { return t.Summed() || t == Running }

// rollRows counts rows of a page that is to be handed over in the groups that roll up from it.
func (c *counter) rollRows(s sheet, from, to int) {
	if len(c.rollups) == 0 || from >= to {
		return
	}
	for i := range c.rollups {
		to := c.rollups[i].to
		to.turnTo(floor(s.from, to.grid))
	}
	for row := from; row < to; row++ {
		c.rollRow(s.page, row)
	}
}

// rollRow counts one row in the groups that roll up from its page.
func (c *counter) rollRow(p *Page, row int) {
	h := host{board: c.board, addr: schema.AddrFrom(p.RowKey(row))}
	cells := p.Cells(row)
	for i := range c.rollups {
		r := &c.rollups[i]
		for k, next := h.key(r.keys, 0); k != nil; k, next = h.key(r.keys, next) {
			at := r.to.find(k)
			to := r.to.page.Cells(at)
			for _, x := range r.pairs {
				to[x.to] += cells[x.from]
			}
			if p.samples != nil && p.samples[row].n > 0 {
				r.to.sampledAs(at, p.samples[row])
			}
		}
	}
}

// sampledAs adds the sampling behind another row to that behind a row.
func (c *counter) sampledAs(row int, s sampling) {
	p := c.page
	if p.samples == nil {
		p.samples = make([]sampling, p.Len(), cap(p.ends))
	}
	p.samples[row].add(s)
}

// host is an address of which keys of other groups are asked; what is known of it is looked up once.
type host struct {
	board  *Board
	addr   schema.Addr
	asked  bool
	away   bool
	placed bool
	place  Place
	buf    [17]byte
}

// key returns the key of a roll-up from place n on, and where to go on; nil when there is no other. It borrows from h.
func (h *host) key(r roller, n int) (key []byte, next int) {
	if r == rollSubnets {
		return h.board.subnets.next(h, n)
	}
	if n > 0 {
		return nil, 0
	}
	if !h.asked {
		h.asked, h.away = true, !h.board.isHome(h.addr)
	}
	if h.away == (r == rollInternal) {
		return nil, 0
	}
	if r == rollInternal || r == rollExternal {
		return hostKey(&h.addr), 1
	}
	return h.placeKey(r), 1
}

// placeKey returns the key of a place, nil when it is not known.
func (h *host) placeKey(r roller) []byte {
	if !h.placed {
		h.placed = true
		if where := h.board.settings.Where; where != nil {
			h.place = where(h.addr)
		}
	}
	p := &h.place
	switch {
	case r == rollCountry && p.Country != [2]byte{}:
		return append(h.buf[:0], p.Country[:]...)
	case r == rollAS && p.ASN != 0:
		return binary.BigEndian.AppendUint32(h.buf[:0], p.ASN)
	case r == rollPrefix && p.Bits != 0:
		return subnetKey(&h.buf, &h.addr, int(p.Bits))
	case r == rollCity && p.City != "":
		return []byte(p.City)
	}
	return nil
}

// subnets finds the configured subnets that have an address.
type subnets struct {
	lengths []int // those that occur, of IPv6 with 1000 added
	known   map[netip.Prefix]struct{}
}

const ofIPv6 = 1000

func (b *Board) startSubnets() {
	s := &b.subnets
	*s = subnets{known: map[netip.Prefix]struct{}{}}
	for _, p := range b.settings.Subnets {
		p = p.Masked()
		length := p.Bits()
		if p.Addr().Is6() {
			length += ofIPv6
		}
		s.known[p] = struct{}{}
		if !slices.Contains(s.lengths, length) {
			s.lengths = append(s.lengths, length)
		}
	}
	slices.Sort(s.lengths)
}

// next returns the key of a subnet that has the host, of the lengths from place n on.
func (s *subnets) next(h *host, n int) (key []byte, next int) {
	for ; n < len(s.lengths); n++ {
		length := s.lengths[n]
		if (length < ofIPv6) != h.addr.Is4() {
			continue
		}
		p, err := h.addr.Netip().Prefix(length % ofIPv6)
		if err != nil {
			continue
		}
		if _, ok := s.known[p]; ok {
			return subnetKey(&h.buf, &h.addr, length%ofIPv6), n + 1
		}
	}
	return nil, 0
}
