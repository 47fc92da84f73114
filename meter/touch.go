package meter

import (
	"bytes"

	"weir/key"
	"weir/schema"
)

// touch is one key that the record in hand touched in a watched group: the touch set of spec trisul 1.8. It is kept
// only of groups that others derive from.
type touch struct {
	from, to uint32 // where its key is in Board.touched
	epoch    uint32 // in which row is right; 0 when there is none
	row      uint32
	hash     uint64 // of the key as an item, once asked for; 0 before
	manner   manner
}

// forget empties the touch set.
func (b *Board) forget() {
	for _, c := range b.plan.watchers {
		c.touches = c.touches[:0]
	}
	b.touched = b.touched[:0]
}

// touch notes that a row was touched, and with it the keys of groups that roll up from it.
func (c *counter) touch(row int, m manner) {
	b := c.board
	k := c.page.RowKey(row)
	c.touchKey(k, m)
	t := &c.touches[len(c.touches)-1]
	t.epoch, t.row = c.epoch, uint32(row)
	if len(c.rollups) == 0 {
		return
	}
	h := host{board: b, addr: schema.AddrFrom(k)}
	for i := range c.rollups {
		r := &c.rollups[i]
		if !r.to.watched {
			continue
		}
		for k, next := h.key(r.keys, 0); k != nil; k, next = h.key(r.keys, next) {
			r.to.touchKey(k, m)
		}
	}
}

// touchKey notes that a key was touched.
func (c *counter) touchKey(k []byte, m manner) {
	b := c.board
	from := len(b.touched)
	b.touched = append(b.touched, k...)
	c.touches = append(c.touches, touch{from: uint32(from), to: uint32(len(b.touched)), manner: m})
}

// keyOf returns the key of a touch; it borrows.
func (b *Board) keyOf(t *touch) []byte { return b.touched[t.from:t.to:t.to] }

// any tells whether a key that was touched is in a set.
func (c *counter) any(in *key.Set) bool {
	for i := range c.touches {
		if in.Match(c.board.keyOf(&c.touches[i])) {
			return true
		}
	}
	return false
}

// before tells whether an earlier touch of the counter has the same key as touch i.
func (c *counter) before(i int) bool {
	k := c.board.keyOf(&c.touches[i])
	for n := range i {
		if bytes.Equal(c.board.keyOf(&c.touches[n]), k) {
			return true
		}
	}
	return false
}

// countUniques tells the distinct meters which keys were touched together.
func (b *Board) countUniques() {
	for _, c := range b.plan.uniques {
		for i := range c.touches {
			t := &c.touches[i]
			for _, d := range c.distinct {
				b.countUnique(c, t, d)
			}
		}
	}
}

func (b *Board) countUnique(c *counter, t *touch, d distinct) {
	for i := range d.counted.touches {
		u := &d.counted.touches[i]
		if d.counted == c && bytes.Equal(b.keyOf(u), b.keyOf(t)) {
			continue // a host is not its own peer
		}
		if u.hash == 0 {
			u.hash = ItemHash(b.keyOf(u))
		}
		if t.epoch != c.epoch {
			t.row = uint32(c.find(b.keyOf(t)))
			t.epoch = c.epoch
		}
		c.page.Unique(int(t.row), d.cell, u.hash)
	}
}
