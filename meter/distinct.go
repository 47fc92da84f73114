package meter

// itemSet is one set of (row, distinct meter, hash of an item) for a whole page: open addressing without pointers, 12
// bytes a slot. Over its cap it turns to adaptive sampling: it keeps only hashes whose lowest level bits are zero, and
// each kept one stands for two to the level. Which items are kept depends on nothing but their hash, so pages of all
// lanes keep the same ones and merge by union.
type itemSet struct {
	owners []uint32 // row*maxDistinct + number of the distinct meter, + 1; 0 is free
	hashes []uint64
	n      int
	level  uint8
}

// itemLimit is how many entries the set of a page may have: 1.5 to 3 M slots of 12 bytes when full.
const itemLimit = 1 << 20

func (s *itemSet) reset() {
	clear(s.owners)
	s.n, s.level = 0, 0
}

func (s *itemSet) kept(hash uint64) bool { return hash&(1<<s.level-1) == 0 }

// insert returns whether the entry is new. The caller has asked kept.
func (s *itemSet) insert(owner uint32, hash uint64) bool {
	if (s.n+1)*4 > len(s.owners)*3 {
		s.grow()
	}
	mask := uint64(len(s.owners) - 1)
	for i := (hash ^ uint64(owner)*mixA) >> 16 & mask; ; i = (i + 1) & mask {
		switch {
		case s.owners[i] == 0:
			s.owners[i], s.hashes[i] = owner, hash
			s.n++
			return true
		case s.owners[i] == owner && s.hashes[i] == hash:
			return false
		}
	}
}

func (s *itemSet) grow() {
	owners, hashes := s.owners, s.hashes
	n := max(256, 2*len(owners))
	s.owners, s.hashes, s.n = make([]uint32, n), make([]uint64, n), 0
	for i, o := range owners {
		if o != 0 {
			s.insert(o, hashes[i])
		}
	}
}

// Unique tells the distinct meter that begins at cell that the row's key was seen together with an item; hash is the
// item's ItemHash. An item that was seen before changes nothing.
func (p *Page) Unique(row, cell int, hash uint64) {
	s := &p.items
	if !s.kept(hash) {
		return
	}
	for i, c := range p.lay.distinct {
		if c != cell {
			continue
		}
		if s.insert(uint32(row*maxDistinct+i)+1, hash) {
			p.cells[row*p.stride+cell]++
			if s.n > itemLimit {
				p.raise(s.level + 1)
			}
		}
		return
	}
}

// raise makes the page sample its items more sparsely and counts its distinct cells anew.
func (p *Page) raise(level uint8) {
	p.items.level = level
	p.refill(nil)
}

// refill keeps the items that the level allows and whose row is still there, under its new number, and counts the
// distinct cells anew. moved has the new number + 1 of each row, 0 when it is gone; nil when all stay.
func (p *Page) refill(moved []uint32) {
	s := &p.items
	owners, hashes := s.owners, s.hashes
	s.owners, s.hashes, s.n = make([]uint32, len(owners)), make([]uint64, len(hashes)), 0
	for row := range p.ends {
		for _, c := range p.lay.distinct {
			p.cells[row*p.stride+c] = 0
		}
	}
	for i, o := range owners {
		if o == 0 || !s.kept(hashes[i]) {
			continue
		}
		row, set := (o-1)/maxDistinct, (o-1)%maxDistinct
		if moved != nil {
			if moved[row] == 0 {
				continue
			}
			row = moved[row] - 1
		}
		s.insert(row*maxDistinct+set+1, hashes[i])
		p.cells[int(row)*p.stride+p.lay.distinct[set]]++
	}
}

// itemScale is what one in a distinct cell of the page stands for.
func (p *Page) itemScale() float64 {
	if p.closed {
		return 1
	}
	return p.items.scale()
}

// scale is what one kept item stands for.
func (s *itemSet) scale() float64 { return float64(uint64(1) << s.level) }
