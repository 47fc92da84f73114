package session

import (
	"encoding/binary"
	"math/bits"
	"time"

	"weir/schema"
)

// entry is one live session and what must be remembered of it. It has no pointers and is four cache lines long, of
// which most records need the first two: up to AZ and ZA.
type entry struct {
	seen  schema.Instant // when it was last heard of: At of records, where Last is what flow records say
	flags flags
	slot  uint16 // of the wheel
	Session
	reported schema.Instant // when it was last reported, or began
	mark     schema.Instant // when the first SYN came; once closed, when that was
	rates    uint64         // sum of the rates of all samples, once they differ
	next     uint32         // in the list of its wheel slot, entry + 1; the next free entry + 1 when it is not live
	prev     uint32         // in the list of its wheel slot, entry + 1
	parts    [2]uint32      // what was gathered in this tick of A's and of Z's frames: part + 1
	tracks   [2]track       // what A and Z sent
}

// flags are the flags of an entry. Those of a direction are shifted by it: flagX << 0 for what A sends, flagX << 1 for
// what Z sends.
type flags uint32

const (
	flagFIN     flags = 1 << 0  // and 1<<1: it said that it is done (flow records: or reset the connection)
	flagACKed   flags = 1 << 2  // and 1<<3: its FIN was acknowledged
	flagTracked flags = 1 << 4  // and 1<<5: its track has begun
	flagSYN     flags = 1 << 6  // and 1<<7: a flow record told of a SYN
	flagIngress flags = 1 << 8  // and 1<<9: its traffic is counted where it comes into the exporter
	flagEgress  flags = 1 << 10 // and 1<<11: its traffic is counted where it leaves the exporter
	flagClosed  flags = 1 << 12 // both ends closed it, or one reset it: it lingers
	flagFresh   flags = 1 << 13 // Edges has not told that it began
	flagListed  flags = 1 << 14 // the entry, whichever session it holds, is in the list of fresh ones
	flagLive    flags = 1 << 15
	flagPlaced  flags = 1 << 16 // both interfaces are known
	flagMixed   flags = 1 << 17 // samples had different rates

	flagsBoth = 1 | 1<<1 // times a flag: that of both directions
)

// direction is who sent something: 0 for A, 1 for Z.
type direction uint8

const (
	fromA direction = 0
	fromZ direction = 1
)

func (d direction) other() direction { return d ^ 1 }

// server returns the state bit that says that the SYN went to the other end than d.
func (d direction) server() State {
	if d == fromA {
		return StateServerZ
	}
	return StateServerA
}

func (e *entry) sent(d direction) *Counts {
	if d == fromA {
		return &e.AZ
	}
	return &e.ZA
}

// counted returns the session as others see it.
func (e *entry) counted(minBytes uint64) *Session {
	if e.flags&flagMixed != 0 {
		e.Rate = uint32(e.rates / uint64(e.Samples))
	}
	if e.Kind != schema.KindFlowRecord {
		e.Last = e.seen
	}
	e.Store = e.Session.Bytes() >= minBytes
	return &e.Session
}

// ends is what sessions are found by.
type ends struct {
	exporter, a, z schema.Addr
	aPort, zPort   uint16
	proto          uint8
	kind           schema.Kind
}

// orient fills in k for a record and tells who sent it.
func (k *ends) orient(r *schema.Record) direction {
	k.exporter, k.proto, k.kind = r.Source.Exporter, r.Proto, r.Kind
	var src, dst uint16
	if r.HasPorts && !icmp(r.Proto) {
		src, dst = r.SrcPort, r.DstPort
	}
	if src > dst || src == dst && r.Src.Compare(r.Dst) <= 0 {
		k.a, k.z, k.aPort, k.zPort = r.Src, r.Dst, src, dst
		return fromA
	}
	k.a, k.z, k.aPort, k.zPort = r.Dst, r.Src, dst, src
	return fromZ
}

func (k *ends) equal(s *Session) bool {
	return k.a == s.A && k.z == s.Z && k.aPort == s.APort && k.zPort == s.ZPort && k.proto == s.Proto &&
		k.kind == s.Kind && k.exporter == s.Exporter
}

// ends returns what the session is found by.
func (s *Session) ends() *ends {
	return &ends{s.Exporter, s.A, s.Z, s.APort, s.ZPort, s.Proto, s.Kind}
}

// small packs what is not an address.
func (k *ends) small() uint64 {
	return uint64(k.aPort)<<48 | uint64(k.zPort)<<32 | uint64(k.proto)<<8 | uint64(k.kind)
}

func words(a *schema.Addr) (uint64, uint64) {
	return binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(a[8:])
}

// mix multiplies two words and folds the product.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// sum hashes k under four words that are secret or, for numbers of sessions, fixed.
func (k *ends) sum(seed *[4]uint64) uint64 {
	a0, a1 := words(&k.a)
	z0, z1 := words(&k.z)
	e0, e1 := words(&k.exporter)
	h := mix(a0^seed[0], a1^seed[1]) ^ mix(z0^seed[1], z1^seed[2]) ^ mix(e0^seed[2], e1^seed[3])
	return mix(h^seed[0], k.small()^seed[3])
}

// numberSeed makes session numbers that do not depend on lane, process or machine. They are the first digits of pi.
var numberSeed = [4]uint64{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}

const (
	numberHash   = 33         // bits of the hash in a session number
	numberEpoch  = 1577836800 // 2020-01-01 in seconds since the Unix epoch
	numberFuture = 1<<30 - 1  // seconds from the epoch that a number can tell, either way
)

// number makes the number of a session that began at first.
func (k *ends) number(first schema.Instant) int64 {
	second := int64(first) / int64(time.Second)
	if int64(first)%int64(time.Second) < 0 {
		second--
	}
	second = max(-numberFuture, min(second-numberEpoch, numberFuture))
	h := mix(k.sum(&numberSeed)^numberSeed[1], uint64(first)^numberSeed[2])
	return second<<numberHash | int64(h>>(64-numberHash))
}
