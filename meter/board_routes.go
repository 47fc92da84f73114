package meter

import (
	"encoding/binary"

	"weir/schema"
)

// routes is what an exporter says of the way of the traffic, and other parts of a record beside its header.
type routes struct {
	any            bool
	tos            int32 // type of service of a flow record, -1 not told
	srcAS, dstAS   uint32
	srcPeer        uint32 // neighbouring AS on the way back
	dstPeer        uint32
	srcBits        int16 // lengths of prefixes, -1 not told
	dstBits        int16
	vrf            uint32
	bgpHop, router []byte   // 4 or 16 bytes, nil not told
	macs           [12]byte // room for addresses that do not stand in a header
}

func (r *routes) clear() { *r = routes{tos: -1, srcBits: -1, dstBits: -1} }

// Information elements (IANA registry of IPFIX entities; NetFlow v9 has the same numbers).
const (
	elementTOS        = 5
	elementSrcBits    = 9
	elementDstBits    = 13
	elementNextHop    = 15
	elementSrcAS      = 16
	elementDstAS      = 17
	elementBGPHop     = 18
	elementSrcBits6   = 29
	elementDstBits6   = 30
	elementNextHop6   = 62
	elementBGPHop6    = 63
	elementNextAS     = 128
	elementPrevAS     = 129
	elementDSCP       = 195
	elementIngressVRF = 234
	elementEgressVRF  = 235
)

// reversed exchanges the elements of the two directions, for the second direction of a bidirectional record.
var reversed = map[uint32]uint32{
	elementSrcBits: elementDstBits, elementDstBits: elementSrcBits, elementSrcAS: elementDstAS,
	elementDstAS: elementSrcAS, elementSrcBits6: elementDstBits6, elementDstBits6: elementSrcBits6,
	elementNextAS: elementPrevAS, elementPrevAS: elementNextAS, elementNextHop: 0, elementNextHop6: 0, elementBGPHop: 0,
	elementBGPHop6: 0, elementIngressVRF: elementEgressVRF, elementEgressVRF: elementIngressVRF,
}

// read looks at all parts of a record once.
func (t *routes) read(r *schema.Record) {
	if t.any || t.tos >= 0 {
		t.clear()
	}
	for i := range r.Slots {
		s := &r.Slots[i]
		switch s.Tag >> 24 { // space and enterprise
		case elementSpace:
			if n := uint32(s.Tag) & 0xffffff; n < uint32(len(wanted)) && wanted[n] {
				t.element(r, n, r.Body[s.Off:s.Off+s.Len])
			}
		case sflowSpace:
			switch s.Tag.Number() {
			case structRouter:
				t.routerPart(r.Body[s.Off : s.Off+s.Len])
			case structGateway:
				t.gatewayPart(r.Body[s.Off : s.Off+s.Len])
			}
		}
	}
}

const (
	elementSpace  = schema.Tag(schema.SpaceElement) << 32
	sflowSpace    = schema.Tag(schema.SpaceSFlow) << 32
	structRouter  = 1002
	structGateway = 1003
)

// wanted tells which elements are read.
var wanted = [elementEgressVRF + 1]bool{elementTOS: true, elementSrcBits: true, elementDstBits: true,
	elementNextHop: true, elementSrcAS: true, elementDstAS: true, elementBGPHop: true,
	elementSrcBits6: true, elementDstBits6: true,
	elementNextHop6: true, elementBGPHop6: true, elementNextAS: true, elementPrevAS: true, elementDSCP: true,
	elementIngressVRF: true, elementEgressVRF: true}

// element takes the value of one element; zero means that the exporter does not know.
func (t *routes) element(r *schema.Record, n uint32, b []byte) {
	v := uint32(0)
	for _, c := range b {
		v = v<<8 | uint32(c)
	}
	if n == elementTOS {
		t.tos = int32(v & 0xff)
		return
	}
	if n == elementDSCP {
		if t.tos < 0 {
			t.tos = int32(v&63) << 2
		}
		return
	}
	if v == 0 && n != elementBGPHop6 && n != elementNextHop6 {
		return
	}
	if r.Reversed {
		if other, ok := reversed[n]; ok {
			n = other
		}
	}
	t.any = true
	switch n {
	case elementSrcAS:
		t.srcAS = v
	case elementDstAS:
		t.dstAS = v
	case elementPrevAS:
		t.srcPeer = v
	case elementNextAS:
		t.dstPeer = v
	case elementIngressVRF:
		t.vrf = v
	case elementSrcBits, elementSrcBits6:
		t.bits(&t.srcBits, r.IPv, n == elementSrcBits6, v)
	case elementDstBits, elementDstBits6:
		t.bits(&t.dstBits, r.IPv, n == elementDstBits6, v)
	case elementNextHop, elementNextHop6:
		t.hop(&t.router, b)
	case elementBGPHop, elementBGPHop6:
		t.hop(&t.bgpHop, b)
	}
}

// bits takes the length of a prefix of the record's own IP version.
func (t *routes) bits(to *int16, ipv uint8, six bool, v uint32) {
	if six == (ipv == 6) && v <= 128 && (six || v <= 32) {
		*to = int16(v)
	}
}

// hop takes the address of a router, unless it is all zero.
func (t *routes) hop(to *[]byte, b []byte) {
	if len(b) != 4 && len(b) != 16 {
		return
	}
	for _, c := range b {
		if c != 0 {
			*to = b
			return
		}
	}
}

// address reads an sFlow address: its type, then 4 or 16 bytes; rest is nil when it is cut off.
func address(b []byte) (addr, rest []byte) {
	if len(b) < 4 {
		return nil, nil
	}
	n := 0
	switch binary.BigEndian.Uint32(b) {
	case 1:
		n = 4
	case 2:
		n = 16
	}
	if len(b) < 4+n {
		return nil, nil
	}
	return b[4 : 4+n], b[4+n:]
}

// routerPart reads extended_router (0:1002): next hop, lengths of the prefixes of source and destination.
func (t *routes) routerPart(b []byte) {
	hop, rest := address(b)
	if len(rest) < 8 {
		return
	}
	t.any = true
	t.hop(&t.router, hop)
	if n := binary.BigEndian.Uint32(rest); n > 0 && n <= 128 {
		t.srcBits = int16(n)
	}
	if n := binary.BigEndian.Uint32(rest[4:]); n > 0 && n <= 128 {
		t.dstBits = int16(n)
	}
}

// gatewayPart reads extended_gateway (0:1003): next hop, AS of the router, of the source, of the peer of the source,
// then the path to the destination in segments, each a type, a length and AS numbers. The first AS of the path is the
// peer, the last one that of the destination.
func (t *routes) gatewayPart(b []byte) {
	hop, rest := address(b)
	if len(rest) < 16 {
		return
	}
	t.any = true
	t.hop(&t.bgpHop, hop)
	t.srcAS, t.srcPeer = binary.BigEndian.Uint32(rest[4:]), binary.BigEndian.Uint32(rest[8:])
	segments := binary.BigEndian.Uint32(rest[12:])
	rest = rest[16:]
	for ; segments > 0 && len(rest) >= 8; segments-- {
		n := uint64(binary.BigEndian.Uint32(rest[4:])) * 4
		rest = rest[8:]
		if n == 0 {
			continue
		}
		if n > uint64(len(rest)) {
			return
		}
		if t.dstPeer == 0 {
			t.dstPeer = binary.BigEndian.Uint32(rest)
		}
		t.dstAS = binary.BigEndian.Uint32(rest[n-4:])
		rest = rest[n:]
	}
}

// feedRoutes counts what exporters say of themselves, their interfaces and their routes.
func (b *Board) feedRoutes(r *schema.Record, set feeds) {
	f, p, m := &b.facts, b.plan, b.facts.goes
	if !f.link && set&(1<<feedFlowGens) != 0 {
		b.feedKey(&b.facts, p.built[feedFlowGens], exporterKey(&r.Source.Exporter), m)
	}
	if r.Kind != schema.KindFrame && set&(1<<feedFlowIntfs) != 0 {
		if isIndex(r.In) {
			b.feedInterface(&b.facts, p.built[feedFlowIntfs], &r.Source.Exporter, r.In.Value, m|sideDst)
		}
		if isIndex(r.Out) {
			b.feedInterface(&b.facts, p.built[feedFlowIntfs], &r.Source.Exporter, r.Out.Value, m|sideSrc)
		}
	}
	if !f.link && f.tos >= 0 && set&(1<<feedTOS) != 0 {
		const digits = "0123456789ABCDEF"
		k := [2]byte{digits[f.tos>>4&15], digits[f.tos&15]}
		b.feedKey(&b.facts, p.built[feedTOS], k[:], m)
	}
	if !f.routes.any {
		return
	}
	b.feedAS(r, set, m)
	b.feedHops(set, m)
	if f.ip != 0 {
		b.feedPrefixes(r, set, m)
	}
}

func (b *Board) feedAS(r *schema.Record, set feeds, m manner) {
	t, p := &b.facts.routes, b.plan
	both := func(feed int, src, dst uint32) {
		if set&(1<<feed) == 0 {
			return
		}
		if src != 0 {
			b.feedWords(&b.facts, p.built[feed], 0, 0, uint64(src), 4, m|sideSrc)
		}
		if dst != 0 {
			b.feedWords(&b.facts, p.built[feed], 0, 0, uint64(dst), 4, m|sideDst)
		}
	}
	both(feedFlowASN, t.srcAS, t.dstAS)
	both(feedOriginAS, t.srcAS, t.dstAS)
	both(feedPeerAS, t.srcPeer, t.dstPeer)
	if set&(1<<feedFlowLinkASN) == 0 {
		return
	}
	if isIndex(r.In) && t.srcAS != 0 {
		b.feedLinkAS(r, r.In.Value, t.srcAS, m|sideSrc)
	}
	if isIndex(r.Out) && t.dstAS != 0 {
		b.feedLinkAS(r, r.Out.Value, t.dstAS, m|sideDst)
	}
}

// feedLinkAS counts an AS on an interface.
func (b *Board) feedLinkAS(r *schema.Record, index, as uint32, m manner) {
	c, a := b.plan.built[feedFlowLinkASN], &r.Source.Exporter
	hi, lo := binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])
	memo, ok := c.memo(hi, lo, uint64(index)<<32|uint64(as))
	row := int(memo.spot.row)
	if !ok {
		k := interfaceKey(a, index)
		b.key = append(append(b.key[:0], byte(len(k))), k...)
		b.key = binary.BigEndian.AppendUint32(append(b.key, 4), as)
		row = c.recall(memo, b.key)
	}
	c.add(row, m, &b.facts.amounts)
}

func (b *Board) feedHops(set feeds, m manner) {
	t, p := &b.facts.routes, b.plan
	if t.bgpHop != nil && set&(1<<feedBGPNextHop) != 0 {
		b.feedKey(&b.facts, p.built[feedBGPNextHop], t.bgpHop, m)
	}
	if t.router != nil && set&(1<<feedIPNextHop) != 0 {
		b.feedKey(&b.facts, p.built[feedIPNextHop], t.router, m)
	}
	if t.vrf != 0 && set&(1<<feedVRF) != 0 {
		var digits [10]byte
		at := len(digits)
		for v := t.vrf; v > 0; v /= 10 {
			at--
			digits[at] = byte('0' + v%10)
		}
		b.feedKey(&b.facts, p.built[feedVRF], digits[at:], m)
	}
}

// feedPrefixes counts the prefixes that the router knows the ends by.
func (b *Board) feedPrefixes(r *schema.Record, set feeds, m manner) {
	feed, t := feedFlowPrefix, &b.facts.routes
	if r.IPv == 6 {
		feed = feedFlowPrefix6
	}
	if set&(1<<feed) == 0 {
		return
	}
	var k [17]byte
	if t.srcBits >= 0 && r.Src.Is4() == (r.IPv == 4) {
		b.feedKey(&b.facts, b.plan.built[feed], subnetKey(&k, &r.Src, int(t.srcBits)), m|sideSrc)
	}
	if t.dstBits >= 0 && r.Dst.Is4() == (r.IPv == 4) {
		b.feedKey(&b.facts, b.plan.built[feed], subnetKey(&k, &r.Dst, int(t.dstBits)), m|sideDst)
	}
}

// subnetKey makes the key of the prefix of an address that has so many bits, in k.
func subnetKey(k *[17]byte, a *schema.Addr, bits int) []byte {
	n := copy(k[:], hostKey(a))
	bits = min(bits, 8*n)
	for i := range n {
		if keep := min(max(bits-8*i, 0), 8); keep < 8 {
			k[i] &= ^byte(0) << (8 - keep)
		}
	}
	k[n] = byte(bits)
	return k[:n+1]
}
