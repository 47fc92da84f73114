package session

import "hash/maphash"

const (
	chunkBits    = 8
	chunkEntries = 1 << chunkBits
	entryBytes   = 256
	firstIndex   = 64
)

// slab holds the entries in chunks that never move, and an index of (hash, entry) with open addressing and linear
// probing. The seed of the hash is random, so that nobody can choose ends that collide; nothing that is ever reported
// depends on it.
type slab struct {
	seed   [4]uint64
	index  []uint64 // hash<<32 | entry+1; 0 is empty; the length is a power of two
	chunks []*[chunkEntries]entry
	live   int
	used   uint32 // entries that were ever given out
	free   uint32 // first free entry + 1
}

func newSlab() slab {
	s := slab{index: make([]uint64, firstIndex)}
	random := maphash.MakeSeed()
	for i := range s.seed {
		s.seed[i] = maphash.Bytes(random, []byte{byte(i)})
	}
	return s
}

func (s *slab) entry(id uint32) *entry { return &s.chunks[id>>chunkBits][id&(chunkEntries-1)] }

func (s *slab) hash(k *ends) uint32 { return uint32(k.sum(&s.seed) >> 32) }

// find returns the entry of k, and whether there is one.
func (s *slab) find(hash uint32, k *ends) (id uint32, ok bool) {
	mask := uint32(len(s.index) - 1)
	for i := hash & mask; s.index[i] != 0; i = (i + 1) & mask {
		if slot := s.index[i]; uint32(slot>>32) == hash {
			if id := uint32(slot) - 1; k.equal(&s.entry(id).Session) {
				return id, true
			}
		}
	}
	return 0, false
}

// insert makes an entry for ends that are not there. The caller fills in the session.
func (s *slab) insert(hash uint32) (uint32, *entry) {
	if 4*(s.live+1) > 3*len(s.index) {
		s.grow()
	}
	id := s.free - 1
	if s.free != 0 {
		s.free = s.entry(id).next
	} else {
		id = s.used
		s.used++
		if int(id>>chunkBits) == len(s.chunks) {
			s.chunks = append(s.chunks, new([chunkEntries]entry))
		}
	}
	s.put(uint64(hash)<<32 | uint64(id+1))
	s.live++
	e := s.entry(id)
	*e = entry{flags: flagLive | e.flags&flagListed}
	return id, e
}

func (s *slab) put(slot uint64) {
	mask := uint32(len(s.index) - 1)
	i := uint32(slot>>32) & mask
	for s.index[i] != 0 {
		i = (i + 1) & mask
	}
	s.index[i] = slot
}

func (s *slab) grow() {
	old := s.index
	s.index = make([]uint64, 2*len(old))
	for _, slot := range old {
		if slot != 0 {
			s.put(slot)
		}
	}
}

// remove frees an entry.
func (s *slab) remove(id uint32) {
	e := s.entry(id)
	mask := uint32(len(s.index) - 1)
	i := s.hash(e.ends()) & mask
	for uint32(s.index[i]) != id+1 {
		i = (i + 1) & mask
	}
	// Close the hole: move back what would not be found across it.
	for j := (i + 1) & mask; s.index[j] != 0; j = (j + 1) & mask {
		home := uint32(s.index[j]>>32) & mask
		if (j-home)&mask >= (j-i)&mask {
			s.index[i] = s.index[j]
			i = j
		}
	}
	s.index[i] = 0
	s.live--
	e.flags &= flagListed
	e.next, s.free = s.free, id+1
}

// each calls yield for every live entry until it returns false.
func (s *slab) each(yield func(id uint32, e *entry) bool) {
	for id := range s.used {
		if e := s.entry(id); e.flags&flagLive != 0 && !yield(id, e) {
			return
		}
	}
}

func (s *slab) bytes() int { return len(s.chunks)*chunkEntries*entryBytes + 8*len(s.index) }
