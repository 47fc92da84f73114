package flow

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"weir/schema"
)

// entry is one active flow. It has no pointers and is one cache line long.
type entry struct {
	// in and out are rates per second at last, of what was seen at ingress (or who knows where) and egress; varIn and
	// varOut their variances. For an average, in is the decayed sum, varIn the decayed sum of squares, and varOut the
	// sum of the squared weights, which decays twice as fast.
	in, out, varIn, varOut float64
	samples                float64 // decayed number of records
	last                   schema.Instant
	pool                   uint32
	place                  int32  // in the heap of its pool; -1 outside
	key                    uint32 // where the key is in the arena; the next free entry + 1 when it is not live
	size                   uint16 // bytes of the key
	flags                  uint16
}

// The flags of an entry.
const (
	flagLive    = 1 << iota
	flagSampled // something in it was estimated
	flagOpen    // the log has not finished it
	flagLinked  // it is in the wheel of the log
	flagLogged  // something that the log has not told yet was estimated
)

const (
	chunkBits   = 8
	chunkFlows  = 1 << chunkBits
	firstIndex  = 64
	entryBytes  = 64
	bytesOfWord = 8
)

// cache holds the entries of one definition: slabs that never move, a table of (hash, entry) with open addressing and
// linear probing, and the bytes of the keys. The seed of the hash is random, so that nobody can choose keys that
// collide; nothing that is ever reported depends on it.
type cache struct {
	seed   maphash.Seed
	index  []uint64 // hash<<32 | entry+1; 0 is empty; the length is a power of two
	chunks []*[chunkFlows]entry
	words  [][]uint64 // state beside each chunk, stride words an entry
	stride int
	arena  arena
	live   int
	used   uint32 // entries that were ever given out
	free   uint32 // first free entry + 1
}

func (c *cache) entry(id uint32) *entry { return &c.chunks[id>>chunkBits][id&(chunkFlows-1)] }

// state returns the words of an entry.
func (c *cache) state(id uint32) []uint64 {
	if c.stride == 0 {
		return nil
	}
	at := int(id&(chunkFlows-1)) * c.stride
	return c.words[id>>chunkBits][at : at+c.stride : at+c.stride]
}

// keyOf returns the key of an entry, borrowed from the arena.
func (c *cache) keyOf(e *entry) []byte { return c.arena.bytes(e.key, int(e.size)) }

// hash mixes the pool into the hash of a key.
func (c *cache) hash(pool uint32, key []byte) uint32 {
	h := maphash.Bytes(c.seed, key) ^ (uint64(pool)+1)*0x9e3779b97f4a7c15
	h ^= h >> 32
	return uint32(h * 0xd6e8feb86659fd93 >> 32)
}

// find returns the entry of a key in a pool.
func (c *cache) find(hash, pool uint32, key []byte) (id uint32, ok bool) {
	if c.live == 0 {
		return 0, false
	}
	mask := uint32(len(c.index) - 1)
	for i := hash & mask; c.index[i] != 0; i = (i + 1) & mask {
		if slot := c.index[i]; uint32(slot>>32) == hash {
			id := uint32(slot) - 1
			if e := c.entry(id); e.pool == pool && bytes.Equal(c.keyOf(e), key) {
				return id, true
			}
		}
	}
	return 0, false
}

// insert makes an entry for a key that is not there. Its state is zero.
func (c *cache) insert(hash, pool uint32, key []byte) uint32 {
	if 5*(c.live+1) > 4*len(c.index) {
		c.resize(max(firstIndex, 2*len(c.index)))
	}
	id := c.free - 1
	if c.free != 0 {
		c.free = c.entry(id).key
	} else {
		id = c.used
		c.used++
		if int(id>>chunkBits) == len(c.chunks) {
			c.chunks = append(c.chunks, new([chunkFlows]entry))
			if c.stride > 0 {
				c.words = append(c.words, make([]uint64, chunkFlows*c.stride))
			}
		}
	}
	at := c.arena.alloc(len(key))
	copy(c.arena.bytes(at, len(key)), key)
	*c.entry(id) = entry{pool: pool, place: -1, key: at, size: uint16(len(key)), flags: flagLive}
	clear(c.state(id))
	c.put(uint64(hash)<<32 | uint64(id+1))
	c.live++
	return id
}

func (c *cache) put(slot uint64) {
	mask := uint32(len(c.index) - 1)
	i := uint32(slot>>32) & mask
	for c.index[i] != 0 {
		i = (i + 1) & mask
	}
	c.index[i] = slot
}

func (c *cache) resize(n int) {
	old := c.index
	c.index = make([]uint64, n)
	for _, slot := range old {
		if slot != 0 {
			c.put(slot)
		}
	}
}

// remove forgets an entry. The caller has taken it out of its heap and given back what its state refers to.
func (c *cache) remove(id uint32) {
	e := c.entry(id)
	c.unindex(c.hash(e.pool, c.keyOf(e)), id)
	c.arena.release(e.key, int(e.size))
	*e = entry{key: c.free}
	c.free = id + 1
	c.live--
	switch n := len(c.index); {
	case c.live == 0:
		*c = cache{seed: c.seed, stride: c.stride}
	case n > firstIndex && 8*c.live < n:
		c.resize(n / 4)
	}
}

// unindex takes an entry out of the index and closes the gap, so that every probe still ends at an empty slot.
func (c *cache) unindex(hash, id uint32) {
	mask := uint32(len(c.index) - 1)
	i := hash & mask
	for uint32(c.index[i]) != id+1 {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; c.index[j] != 0; j = (j + 1) & mask {
		home := uint32(c.index[j]>>32) & mask
		if (j-home)&mask >= (j-i)&mask {
			c.index[i] = c.index[j]
			i = j
		}
	}
	c.index[i] = 0
}

// bytes returns how much memory the cache holds.
func (c *cache) bytes() int {
	return bytesOfWord*len(c.index) + len(c.chunks)*chunkFlows*(entryBytes+bytesOfWord*c.stride) + c.arena.size()
}

const (
	arenaUnit  = 8
	arenaBlock = 16 << 10 // bytes; the largest piece that fits
	arenaUnits = arenaBlock / arenaUnit
)

// arena gives out small pieces of memory and takes them back, sorted by size in units of 8 bytes. It never moves them.
type arena struct {
	blocks [][]byte
	next   int      // unit after the last one given out of the newest block
	free   []uint32 // by size in units: the first free piece + 1; a free piece begins with the next one
}

// alloc returns where a piece of n bytes begins, in units. A piece of no bytes is at 0.
func (a *arena) alloc(n int) uint32 {
	units := (n + arenaUnit - 1) / arenaUnit
	if units == 0 {
		return 0
	}
	if units < len(a.free) && a.free[units] != 0 {
		at := a.free[units] - 1
		a.free[units] = binary.LittleEndian.Uint32(a.bytes(at, 4))
		return at
	}
	if len(a.blocks) == 0 || a.next+units > arenaUnits {
		if len(a.blocks) > 0 && a.next < arenaUnits {
			a.release(uint32((len(a.blocks)-1)*arenaUnits+a.next), (arenaUnits-a.next)*arenaUnit)
		}
		a.blocks, a.next = append(a.blocks, make([]byte, arenaBlock)), 0
	}
	at := uint32((len(a.blocks)-1)*arenaUnits + a.next)
	a.next += units
	return at
}

// bytes returns the first n bytes of the piece at a unit.
func (a *arena) bytes(at uint32, n int) []byte {
	if n == 0 {
		return nil
	}
	off := int(at%arenaUnits) * arenaUnit
	return a.blocks[at/arenaUnits][off : off+n : off+n]
}

// release takes a piece of n bytes back.
func (a *arena) release(at uint32, n int) {
	units := (n + arenaUnit - 1) / arenaUnit
	if units == 0 {
		return
	}
	for len(a.free) <= units {
		a.free = append(a.free, 0)
	}
	binary.LittleEndian.PutUint32(a.bytes(at, 4), a.free[units])
	a.free[units] = at + 1
}

// size returns how many bytes the arena holds.
func (a *arena) size() int { return len(a.blocks) * arenaBlock }
