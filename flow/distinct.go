package flow

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// set is a handle of a set of 64 bit hashes: tier, number of members (of the exact tiers), place in the arena. The
// zero set is empty. The tiers up to lastExact are hash tables of 8, 16, ... 128 slots, three quarters full at most:
// exact up to 96 members. The tier after them is a HyperLogLog sketch of 4096 registers: standard error 1.04/64 = 1.6
// percent.
type set uint64

const (
	firstSlots    = 8
	lastExact     = 5
	sketchTier    = lastExact + 1
	sketchBits    = 12
	registers     = 1 << sketchBits
	maxRank       = 64 - sketchBits + 1
	sketchBytes   = registers + 2*(maxRank+1) // registers, then how many have each value
	exactSlotSize = 8
)

func makeSet(tier, members int, at uint32) set {
	return set(tier)<<56 | set(members)<<32 | set(at)
}

func (s set) tier() int    { return int(s >> 56) }
func (s set) members() int { return int(s >> 32 & 0xffffff) }
func (s set) at() uint32   { return uint32(s) }

// bytes returns the size of a set's memory.
func (s set) bytes() int {
	switch t := s.tier(); t {
	case 0:
		return 0
	case sketchTier:
		return sketchBytes
	default:
		return exactSlotSize * firstSlots << (t - 1)
	}
}

// sets is the memory of the sets of one definition. budget counts what all definitions of a table may still take.
type sets struct {
	arena  arena
	budget *int
}

// grow takes memory for a set of tier; false when there is none left.
func (a *sets) grow(tier int) (set, bool) {
	n := makeSet(tier, 0, 0).bytes()
	if *a.budget < n {
		return 0, false
	}
	*a.budget -= n
	at := a.arena.alloc(n)
	clear(a.arena.bytes(at, n))
	return makeSet(tier, 0, at), true
}

// release gives the memory of a set back.
func (a *sets) release(s set) {
	if n := s.bytes(); n > 0 {
		a.arena.release(s.at(), n)
		*a.budget += n
	}
}

// add adds a hash to s and returns the set after it. ok is false when there was no memory to take it in.
func (a *sets) add(s set, hash uint64) (_ set, ok bool) {
	if hash == 0 {
		hash = 1 // 0 marks an empty slot
	}
	if s.tier() == sketchTier {
		a.addSketch(s, hash)
		return s, true
	}
	slots := s.bytes() / exactSlotSize
	if slots > 0 && a.has(s, hash) {
		return s, true
	}
	if 4*(s.members()+1) > 3*slots {
		larger, ok := a.grow(s.tier() + 1)
		if !ok {
			return s, false
		}
		s = a.move(s, larger)
	}
	if s.tier() == sketchTier {
		a.addSketch(s, hash)
		return s, true
	}
	a.place(s, hash)
	return s + 1<<32, true
}

// has tells whether an exact set has a hash.
func (a *sets) has(s set, hash uint64) bool {
	b := a.arena.bytes(s.at(), s.bytes())
	for i := int(hash) & (len(b) - exactSlotSize); ; i = (i + exactSlotSize) & (len(b) - 1) {
		switch binary.LittleEndian.Uint64(b[i:]) {
		case hash:
			return true
		case 0:
			return false
		}
	}
}

// place writes a hash into an exact set that has room and does not have it.
func (a *sets) place(s set, hash uint64) {
	b := a.arena.bytes(s.at(), s.bytes())
	i := int(hash) & (len(b) - exactSlotSize)
	for binary.LittleEndian.Uint64(b[i:]) != 0 {
		i = (i + exactSlotSize) & (len(b) - 1)
	}
	binary.LittleEndian.PutUint64(b[i:], hash)
}

// move puts the members of an exact set into a larger set and gives its memory back.
func (a *sets) move(from, to set) set {
	b := a.arena.bytes(from.at(), from.bytes())
	if to.tier() == sketchTier {
		binary.LittleEndian.PutUint16(a.arena.bytes(to.at(), sketchBytes)[registers:], registers)
	}
	for i := 0; i < len(b); i += exactSlotSize {
		hash := binary.LittleEndian.Uint64(b[i:])
		switch {
		case hash == 0:
		case to.tier() == sketchTier:
			a.addSketch(to, hash)
		default:
			a.place(to, hash)
		}
	}
	members := from.members()
	a.release(from)
	return makeSet(to.tier(), members, to.at())
}

// addSketch raises the register of a hash.
func (a *sets) addSketch(s set, hash uint64) {
	b := a.arena.bytes(s.at(), sketchBytes)
	register := &b[hash>>(64-sketchBits)]
	rank := byte(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1))) + 1
	if rank <= *register {
		return
	}
	many := b[registers:]
	shift := func(rank byte, by uint16) {
		n := many[2*int(rank):]
		binary.LittleEndian.PutUint16(n, binary.LittleEndian.Uint16(n)+by)
	}
	shift(*register, ^uint16(0))
	shift(rank, 1)
	*register = rank
}

// estimate returns how many members s has: exact for small sets, else by the improved raw estimator of O. Ertl, "New
// cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284), algorithm 6, which needs no table of
// corrections.
func (a *sets) estimate(s set) float64 {
	if s.tier() != sketchTier {
		return float64(s.members())
	}
	many := a.arena.bytes(s.at(), sketchBytes)[registers:]
	n := func(rank int) float64 { return float64(binary.LittleEndian.Uint16(many[2*rank:])) }
	z := registers * ertlTau(1-n(maxRank)/registers)
	for rank := maxRank - 1; rank >= 1; rank-- {
		z = (z + n(rank)) / 2
	}
	z += registers * ertlSigma(n(0)/registers)
	return registers * registers / (2 * math.Ln2 * z)
}

func ertlSigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for before := -1.0; z != before; {
		x *= x
		before = z
		z += x * y
		y *= 2
	}
	return z
}

func ertlTau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for before := -1.0; z != before; {
		x = math.Sqrt(x)
		before = z
		y /= 2
		z -= (1 - x) * (1 - x) * y
	}
	return z / 3
}
