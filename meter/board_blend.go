package meter

// blends adds up records that are alike in all that some groups look at, so that those groups, whose keys are few, are
// counted once for many records. What was added up is counted before the pages change: at least once a tick.
//
// A blend is by two words. One sort has direction, protocol, DSCP, class of length, EtherType, casts and VLANs; the
// other has two MAC addresses. Groups that others derive from need every record, and are not blended.
type blends struct {
	rows  []blended
	used  int
	slots []uint16 // row + 1, 0 is free
	facts facts    // what is counted when it is over
}

// blended is what records that are alike told together.
type blended struct {
	x, y     uint64
	slot     uint16
	sums     [numBlended]float64
	observed uint64
	rates    float64
	variance float64 // of bytes
}

// blendedFacts are the facts that a blend adds up; those from firstRare on are told by few records.
var blendedFacts = [...]fact{factBytes, factPackets, factFlows, factRecords, factIfIn, factIfOut, factSYN, factSYNACK,
	factFinRst, factFragments}

const (
	numBlended = 10
	firstFlow  = 2 // these are told by flow records only
	firstRare  = 6

	maxBlends  = 4096
	blendSlots = 4 * maxBlends

	// blendable are the groups that blends are for.
	blendable feeds = blendTraffic | blendMACs
	// blendTraffic are counted from blends of the first sort, blendMACs from those of the second.
	blendTraffic feeds = 1<<feedAggregates | 1<<feedProtocols | 1<<feedDSCP | 1<<feedLengths | 1<<feedLinkLayer |
		1<<feedVLAN
	blendMACs feeds = 1<<feedMAC | 1<<feedDirMAC
)

// blendable tells whether nothing is lost when records are added up before the group is counted.
func (c *counter) blendable() bool {
	if c.watched || c.g.Spread {
		return false
	}
	for i := range c.recipes {
		r := &c.recipes[i]
		if r.more != nil && len(r.more.written) > 0 || r.primed && r.primary != factBytes {
			return false
		}
	}
	return true
}

func (t *blends) start() {
	if t.slots == nil {
		t.slots = make([]uint16, blendSlots)
		t.rows = make([]blended, maxBlends)
	}
	t.used = 0
	clear(t.slots)
	t.facts = facts{amounts: amounts{blended: true}, share: 1}
}

// Bits of the first word.
const (
	blendGoes   = 0  // 3
	blendIP     = 3  // 3
	blendProto  = 6  // 9, protocol + 1
	blendDSCP   = 15 // 7, code point + 1
	blendLength = 22 // 5, class + 1
	blendL2     = 27 // 2
	blendL3     = 29 // 2
	blendEther  = 31 // 16
	blendLink   = 47 // 1
	blendIsMACs = 63 // 1, the second sort
	blendSide   = 48 // of the second sort: direction, above the address
)

// blend adds the record in hand to its blends.
func (b *Board) blend(f *facts) {
	set := b.plan.blended
	if b.blends.used > maxBlends-2 {
		b.unblend()
	}
	if set&blendTraffic != 0 {
		x, y := f.trafficBlend()
		b.blends.row(x, y).add(f)
	}
	if set&blendMACs != 0 && f.macs != nil {
		x := uint64(f.goes)<<blendSide | mac(f.macs) | 1<<blendIsMACs
		b.blends.row(x, mac(f.macs[6:])).add(f)
	}
}

// trafficBlend returns the words of the first sort.
func (f *facts) trafficBlend() (x, y uint64) {
	x = uint64(f.goes)<<blendGoes | uint64(f.ip)<<blendIP | uint64(f.cast2)<<blendL2 | uint64(f.cast3)<<blendL3
	if f.ip != 0 {
		if f.hasProto {
			x |= (uint64(f.proto) + 1) << blendProto
		}
		x |= uint64(f.dscp+1) << blendDSCP
	}
	if f.link {
		x |= uint64(f.ether)<<blendEther | 1<<blendLink
		if f.length > 0 {
			x |= (uint64(f.class) + 1) << blendLength
		}
		y = uint64(f.vlan+1) | uint64(f.vlanTo+1)<<16
	}
	return x, y
}

// row returns the blend of two words, made when there is none; there must be room.
func (t *blends) row(x, y uint64) *blended {
	h := (x*mixA ^ y) * mixB
	h = (h ^ h>>29) * mixA
	for i := h >> 50; ; i = (i + 1) % blendSlots {
		n := t.slots[i]
		if n == 0 {
			t.slots[i] = uint16(t.used + 1)
			r := &t.rows[t.used]
			t.used++
			*r = blended{x: x, y: y, slot: uint16(i)}
			return r
		}
		if r := &t.rows[n-1]; r.x == x && r.y == y {
			return r
		}
	}
}

func (r *blended) add(f *facts) {
	v := f.values[factBytes]
	r.sums[0] += v
	r.sums[1] += f.values[factPackets]
	if !f.link {
		for i := firstFlow; i < firstRare; i++ {
			r.sums[i] += f.values[blendedFacts[i]]
		}
	}
	if f.rare {
		for i := firstRare; i < numBlended; i++ {
			r.sums[i] += f.values[blendedFacts[i]]
		}
	}
	if f.sampled {
		r.observed += f.observed
		r.rates += f.rates
		r.variance += v * v * f.doubt
	}
}

// unblend counts what was added up and what waits, into the current pages.
func (b *Board) unblend() {
	b.visitAll()
	t := &b.blends
	if t.used == 0 {
		return
	}
	f, set := &t.facts, b.plan.blended
	for i := range t.used {
		r := &t.rows[i]
		t.slots[r.slot] = 0
		for k, v := range r.sums {
			f.values[blendedFacts[k]] = v
		}
		f.rare = r.sums[6]+r.sums[7]+r.sums[8]+r.sums[9] > 0
		f.sampled, f.observed, f.rates, f.variance = r.observed > 0, r.observed, r.rates, r.variance
		if r.x>>blendIsMACs != 0 {
			f.goes = manner(r.x>>blendSide) & directed
			b.feedMACs(f, r.x&(1<<48-1), r.y, set)
			continue
		}
		f.unpack(r.x, r.y)
		b.feedTraffic(f, set&blendTraffic)
		if f.link {
			b.feedLink(f, set&blendTraffic)
		}
	}
	t.used = 0
}

// unpack makes the facts those that the words of the first sort stand for.
func (f *facts) unpack(x, y uint64) {
	f.goes, f.ip, f.link = manner(x)&directed, uint8(x>>blendIP)&7, x>>blendLink&1 == 1
	proto := uint16(x>>blendProto) & 511
	f.proto, f.hasProto = uint8(proto-1), proto > 0
	f.dscp, f.icmp = int32(x>>blendDSCP&127)-1, -1
	f.length, f.class = uint32(x>>blendLength&31), uint8(x>>blendLength&31)-1
	f.ether, f.macs, f.label, f.app, f.two = uint16(x>>blendEther), nil, -1, -1, -1
	f.vlan, f.vlanTo = int32(y&0xffff)-1, int32(y>>16)-1
	f.setCasts(uint8(x>>blendL2)&3, uint8(x>>blendL3)&3)
}
