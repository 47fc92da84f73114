package enrich

import (
	"cmp"
	"slices"
	"time"

	"weir/schema"
)

// Sighting says that a host was seen sending into an edge port. Addr is zero when only its MAC is sure.
type Sighting struct {
	At    schema.Instant
	Agent schema.Addr
	Index uint32 // ifIndex of the edge port
	MAC   MAC
	VLAN  uint16 // 0 untagged
	Addr  schema.Addr
}

// Location says where a host is plugged in. Its JSON form is that of a script's locate functions (spec sflow-rt 7.5).
type Location struct {
	MAC      MAC            `json:"mac"`
	Node     string         `json:"node"`
	Port     string         `json:"port"`
	Agent    schema.Addr    `json:"agent"`
	IfIndex  uint32         `json:"ifindex"`
	VLAN     uint16         `json:"vlan"`
	Vendor   string         `json:"ouiname,omitempty"`
	Addr4    schema.Addr    `json:"ipaddress,omitzero"`
	Addr6    schema.Addr    `json:"ip6address,omitzero"`
	LastSeen schema.Instant `json:"-"`
}

// maxAddrs bounds the addresses bound to one host, maxUsers the hosts bound to one address; the oldest gives way.
const (
	maxAddrs = 16
	maxUsers = 4
)

// locations is persistent. Entries are never written to after they are in the tables.
type locations struct {
	hosts  trie[*located]   // by MAC.key(vlan)
	byAddr trie[*[]hostKey] // who was seen using an address
	swept  schema.Instant
}

type hostKey struct {
	mac  MAC
	vlan uint16
}

func (k hostKey) addr() schema.Addr { return k.mac.key(k.vlan) }

type located struct {
	hostKey
	agent schema.Addr
	index uint32
	seen  schema.Instant
	addrs []binding
}

type binding struct {
	addr schema.Addr
	seen schema.Instant
}

func (h *located) binding(a schema.Addr) int {
	return slices.IndexFunc(h.addrs, func(b binding) bool { return b.addr == a })
}

func (w *World) hostAge() time.Duration { return time.Duration(w.limits.HostAge) * time.Second }

// confirmed tells that w knows what s says, and heard it lately enough that saying it again is a waste.
func (w *World) confirmed(s *Sighting) bool {
	h, ok := w.locations.hosts.get(s.MAC.key(s.VLAN))
	if !ok || h.agent != s.Agent || h.index != s.Index {
		return false
	}
	seen := h.seen
	if !s.Addr.IsZero() {
		i := h.binding(s.Addr)
		if i < 0 {
			return false
		}
		seen = h.addrs[i].seen
	}
	return s.At.Sub(seen) < w.hostAge()/8
}

func (w *World) withSightings(at schema.Instant, parts []*Learned) *World {
	var all []Sighting
	for _, p := range parts {
		if p != nil {
			all = append(all, p.Sightings...)
		}
	}
	due := w.locations.hosts.size() > 0 && at.Sub(w.locations.swept) >= w.hostAge()/8
	if len(all) == 0 && !due || w.graph == nil {
		return w
	}
	slices.SortFunc(all, compareSightings)
	c := *w
	next := *w.locations
	c.locations = &next
	for i := range all {
		if !next.take(&all[i], w.limits.Hosts) {
			c.refused++
		}
	}
	if due {
		next.sweep(at, w.hostAge())
	}
	return &c
}

func compareSightings(a, b Sighting) int {
	return cmp.Or(cmp.Compare(a.At, b.At), a.Agent.Compare(b.Agent), cmp.Compare(a.Index, b.Index),
		slices.Compare(a.MAC[:], b.MAC[:]), cmp.Compare(a.VLAN, b.VLAN), a.Addr.Compare(b.Addr))
}

// take applies one sighting; it returns false when there is no room for another host.
func (l *locations) take(s *Sighting, limit int) bool {
	key := hostKey{s.MAC, s.VLAN}
	old, known := l.hosts.get(key.addr())
	if !known && l.hosts.size() >= limit {
		return false
	}
	h := &located{hostKey: key, agent: s.Agent, index: s.Index, seen: s.At}
	if known {
		h.addrs = slices.Clone(old.addrs)
	}
	if !s.Addr.IsZero() {
		l.bind(h, s)
	}
	l.hosts = l.hosts.put(key.addr(), h)
	return true
}

// bind notes in h, which is not in the table yet, that it uses the address of s.
func (l *locations) bind(h *located, s *Sighting) {
	if i := h.binding(s.Addr); i >= 0 {
		h.addrs[i].seen = s.At
		return
	}
	if len(h.addrs) == maxAddrs {
		oldest := 0
		for i := range h.addrs {
			if h.addrs[i].seen < h.addrs[oldest].seen {
				oldest = i
			}
		}
		l.release(h.addrs[oldest].addr, h.hostKey)
		h.addrs = slices.Delete(h.addrs, oldest, oldest+1)
	}
	h.addrs = append(h.addrs, binding{s.Addr, s.At})
	var users []hostKey
	if old, ok := l.byAddr.get(s.Addr); ok {
		users = slices.Clone(*old)
	}
	if len(users) == maxUsers {
		l.unbind(users[0], s.Addr)
		users = users[1:]
	}
	users = append(users, h.hostKey)
	l.byAddr = l.byAddr.put(s.Addr, &users)
}

// unbind takes an address from the host called k.
func (l *locations) unbind(k hostKey, a schema.Addr) {
	old, ok := l.hosts.get(k.addr())
	if !ok {
		return
	}
	h := *old
	h.addrs = slices.DeleteFunc(slices.Clone(old.addrs), func(b binding) bool { return b.addr == a })
	l.hosts = l.hosts.put(k.addr(), &h)
}

// release takes the host called k from the users of an address.
func (l *locations) release(a schema.Addr, k hostKey) {
	old, ok := l.byAddr.get(a)
	if !ok {
		return
	}
	users := slices.DeleteFunc(slices.Clone(*old), func(u hostKey) bool { return u == k })
	if len(users) == 0 {
		l.byAddr = l.byAddr.drop(a)
		return
	}
	l.byAddr = l.byAddr.put(a, &users)
}

// sweep forgets what was not confirmed for age.
func (l *locations) sweep(at schema.Instant, age time.Duration) {
	old := func(seen schema.Instant) bool { return at.Sub(seen) > age }
	before := l.hosts
	before.each(func(key schema.Addr, h *located) bool {
		if !old(h.seen) && !slices.ContainsFunc(h.addrs, func(b binding) bool { return old(b.seen) }) {
			return true
		}
		c := *h
		c.addrs = nil
		for _, b := range h.addrs {
			if old(b.seen) || old(h.seen) {
				l.release(b.addr, h.hostKey)
			} else {
				c.addrs = append(c.addrs, b)
			}
		}
		if old(h.seen) {
			l.hosts = l.hosts.drop(key)
		} else {
			l.hosts = l.hosts.put(key, &c)
		}
		return true
	})
	l.swept = at
}

// Located returns how many (MAC, VLAN) pairs have a known location.
func (w *World) Located() int { return w.locations.hosts.size() }

// LocateMAC returns the places where a MAC address was seen, one per VLAN and pair of addresses.
func (w *World) LocateMAC(m MAC) []Location {
	var found []Location
	w.locations.hosts.under(m.key(0), keyBits, func(h *located) bool {
		found = w.appendLocations(found, h, schema.Addr{})
		return true
	})
	return found
}

// LocateIP returns the places of the hosts that were seen using an address of either family, latest first.
func (w *World) LocateIP(a schema.Addr) []Location {
	users, ok := w.locations.byAddr.get(a)
	if !ok {
		return nil
	}
	var found []Location
	for _, u := range *users {
		if h, ok := w.locations.hosts.get(u.addr()); ok {
			found = w.appendLocations(found, h, a)
		}
	}
	slices.SortStableFunc(found, func(a, b Location) int { return cmp.Compare(b.LastSeen, a.LastSeen) })
	return found
}

// LocatedMACs returns the MAC addresses seen at an edge port, sorted and each once; the zero agent stands for all,
// index 0 for all ports of an agent.
func (w *World) LocatedMACs(agent schema.Addr, index uint32) []MAC {
	var found []MAC
	w.locations.hosts.each(func(_ schema.Addr, h *located) bool {
		if (agent.IsZero() || h.agent == agent) && (index == 0 || h.index == index) && w.atEdge(h) {
			found = append(found, h.mac)
		}
		return true
	})
	slices.SortFunc(found, func(a, b MAC) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(found)
}

// atEdge tells whether the port of h is still an edge port: the topology may have changed since.
func (w *World) atEdge(h *located) bool {
	return w.Side(schema.Source{Exporter: h.agent, Index: h.index}) == SideEdge
}

// appendLocations appends a row for each pair of IPv4 and IPv6 addresses of h, the latest first, at least one; with
// only set, just the row of that address.
func (w *World) appendLocations(rows []Location, h *located, only schema.Addr) []Location {
	if !w.atEdge(h) {
		return rows
	}
	row := Location{MAC: h.mac, VLAN: h.vlan, Agent: h.agent, IfIndex: h.index, LastSeen: h.seen}
	if p, ok := w.PlaceOf(h.agent, h.index); ok {
		row.Node, row.Port = p.Node, p.Port
	}
	row.Vendor = w.vendors.Name(h.mac)
	var v4, v6 []schema.Addr
	addrs := slices.Clone(h.addrs)
	slices.SortStableFunc(addrs, func(a, b binding) int { return cmp.Compare(b.seen, a.seen) })
	for _, b := range addrs {
		if b.addr.Is4() {
			v4 = append(v4, b.addr)
		} else {
			v6 = append(v6, b.addr)
		}
	}
	if !only.IsZero() {
		row.Addr4, row.Addr6 = nth(v4, 0), nth(v6, 0)
		if only.Is4() {
			row.Addr4 = only
		} else {
			row.Addr6 = only
		}
		return append(rows, row)
	}
	for i := range max(1, len(v4), len(v6)) {
		row.Addr4, row.Addr6 = nth(v4, i), nth(v6, i)
		rows = append(rows, row)
	}
	return rows
}

func nth(list []schema.Addr, i int) (a schema.Addr) {
	if i < len(list) {
		a = list[i]
	}
	return a
}
