package meter

import (
	"encoding/binary"

	"weir/schema"
)

// places are tables of rows of groups whose keys are few: a row is found by its number, without a hash.
type places struct {
	apps      []spot // by port, then by protocol without ports
	protocols [256]spot
	classes   [64]spot // DSCP
	lengths   [16]spot
	vlans     [4096]spot
	ways      [8]spot // by direction, 0 for all traffic
}

// startPlaces forgets all rows.
func (b *Board) startPlaces() {
	if b.places == nil {
		b.places = &places{apps: make([]spot, noPort+256)}
	}
	clear(b.places.apps)
	apps := b.places.apps
	*b.places = places{apps: apps}
}

// The keys of aggregates (spec trisul 1.10.2).
var wayKeys = [...]string{goesNone: "TOTALBW", goesOut: "DIR_OUTOFHOME", goesIn: "DIR_INTOHOME",
	goesAtHom: "DIR_WITHINHOME", goesBy: "DIR_TRANSIT"}

// feedTraffic counts what the traffic is.
func (b *Board) feedTraffic(f *facts, set feeds) {
	p := b.plan
	m := f.goes
	if set&(1<<feedAggregates) != 0 {
		b.feedWay(f, p.built[feedAggregates], goesNone, m)
		if m != goesNone {
			b.feedWay(f, p.built[feedAggregates], m, m)
		}
	}
	if set&(1<<feedLengths) != 0 && f.length > 0 && f.link {
		b.key = append(b.key[:0], f.class)
		b.feedAt(f, p.built[feedLengths], &b.places.lengths[f.class&15], m)
	}
	if f.ip == 0 {
		return
	}
	if set&(1<<feedApps) != 0 && f.app >= 0 {
		b.feedApp(f, p.built[feedApps], f.app, m)
		if f.two >= 0 {
			b.feedApp(f, p.built[feedApps], f.two, m)
		}
	}
	if set&(1<<feedProtocols) != 0 && f.hasProto {
		b.key = append(b.key[:0], f.proto)
		b.feedAt(f, p.built[feedProtocols], &b.places.protocols[f.proto], m)
	}
	if set&(1<<feedDSCP) != 0 && f.dscp >= 0 {
		b.key = append(b.key[:0], byte(f.dscp))
		b.feedAt(f, p.built[feedDSCP], &b.places.classes[f.dscp&63], m)
	}
	if set&(1<<feedICMP) != 0 && f.icmp >= 0 {
		b.feedWords(f, p.built[feedICMP], 0, 0, uint64(f.icmp), 2, m)
	}
}

// feedWay counts in aggregates.
func (b *Board) feedWay(f *facts, c *counter, way, m manner) {
	s := &b.places.ways[way&directed]
	if s.epoch != c.epoch {
		b.key = append(b.key[:0], wayKeys[way]...)
	}
	c.add(c.at(s, b.key), m, &f.amounts)
}

func (b *Board) feedApp(f *facts, c *counter, app int32, m manner) {
	s := &b.places.apps[app]
	if s.epoch != c.epoch {
		b.key = appKey(b.key[:0], app)
	}
	c.add(c.at(s, b.key), m, &f.amounts)
}

// feedAt counts under b.key, whose row s may remember.
func (b *Board) feedAt(f *facts, c *counter, s *spot, m manner) { c.add(c.at(s, b.key), m, &f.amounts) }

// feedWords counts under the key that is the last n bytes, at most 23, of three words, written with the most
// significant byte first.
func (b *Board) feedWords(f *facts, c *counter, x, y, z uint64, n int, m manner) {
	// The length is part of what is remembered: 4 bytes are not 16 that begin with zeros.
	memo, ok := c.memo(x|uint64(n)<<56, y, z)
	row := int(memo.spot.row)
	if !ok {
		var k [24]byte
		binary.BigEndian.PutUint64(k[:], x)
		binary.BigEndian.PutUint64(k[8:], y)
		binary.BigEndian.PutUint64(k[16:], z)
		b.key = append(b.key[:0], k[24-n:]...)
		row = c.recall(memo, b.key)
	}
	c.add(row, m, &f.amounts)
}

// feedKey counts under a key that is not longer than 23 bytes.
func (b *Board) feedKey(f *facts, c *counter, key []byte, m manner) {
	var k [24]byte
	copy(k[24-len(key):], key)
	b.feedWords(f, c, binary.BigEndian.Uint64(k[:]), binary.BigEndian.Uint64(k[8:]), binary.BigEndian.Uint64(k[16:]),
		len(key), m)
}

// feedLink counts what only packets have.
func (b *Board) feedLink(f *facts, set feeds) {
	p, m := b.plan, f.goes
	if set&(1<<feedLinkLayer) != 0 {
		b.feedWords(f, p.built[feedLinkLayer], 0, 0, uint64(f.ether), 2, m)
	}
	if f.macs != nil && set&(1<<feedMAC|1<<feedDirMAC) != 0 {
		b.feedMACs(f, mac(f.macs), mac(f.macs[6:]), set)
	}
	if f.vlan >= 0 && set&(1<<feedVLAN) != 0 {
		b.feedVLANs(f, m)
	}
	if f.label >= 0 && set&(1<<feedMPLS) != 0 {
		b.feedWords(f, p.built[feedMPLS], 0, 0, uint64(f.label), 4, m)
	}
	if set&(1<<feedInterfaces) != 0 {
		s := &f.record.Source
		b.feedInterface(f, p.built[feedInterfaces], &s.Exporter, uint32(s.Class)<<24|s.Index&0xffffff, m)
	}
}

// feedMACs counts both ends of a frame, and the pair of them.
func (b *Board) feedMACs(f *facts, to, from uint64, set feeds) {
	p, m := b.plan, f.goes
	if set&(1<<feedMAC) != 0 {
		b.feedWords(f, p.built[feedMAC], 0, 0, from, 6, m|sideSrc)
		b.feedWords(f, p.built[feedMAC], 0, 0, to, 6, m|sideDst)
	}
	if set&(1<<feedDirMAC) != 0 {
		side := sideSrc
		if to < from {
			to, from, side = from, to, sideDst
		}
		b.feedWords(f, p.built[feedDirMAC], 0, from>>16, from<<48|to, 12, m|side)
	}
}

func mac(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint32(b))<<16 | uint64(binary.BigEndian.Uint16(b[4:]))
}

// feedVLANs counts the VLAN of a packet; when it left by another one, the first sent it to the box and the second got
// it.
func (b *Board) feedVLANs(f *facts, m manner) {
	c := b.plan.built[feedVLAN]
	if f.vlanTo >= 0 {
		b.feedVLAN(f, c, f.vlanTo, m|sideDst)
		m |= sideSrc
	}
	b.feedVLAN(f, c, f.vlan, m)
}

func (b *Board) feedVLAN(f *facts, c *counter, vlan int32, m manner) {
	b.key = append(b.key[:0], byte(vlan>>8), byte(vlan))
	b.feedAt(f, c, &b.places.vlans[vlan&0xfff], m)
}

// feedInterface counts an interface of an exporter; one without address is the machine itself.
func (b *Board) feedInterface(f *facts, c *counter, exporter *schema.Addr, index uint32, m manner) {
	hi, lo := binary.BigEndian.Uint64(exporter[:]), binary.BigEndian.Uint64(exporter[8:])
	memo, ok := c.memo(hi, lo, uint64(index))
	row := int(memo.spot.row)
	if !ok {
		b.key = append(b.key[:0], interfaceKey(exporter, index)...)
		row = c.recall(memo, b.key)
	}
	c.add(row, m, &f.amounts)
}

func interfaceKey(exporter *schema.Addr, index uint32) []byte {
	var k [20]byte
	b := append(k[:0], exporterKey(exporter)...)
	return binary.BigEndian.AppendUint32(b, index)
}

// exporterKey is the key of an exporter; one without address is 0.0.0.0.
func exporterKey(a *schema.Addr) []byte {
	if a.IsZero() {
		return a[12:]
	}
	return hostKey(a)
}
