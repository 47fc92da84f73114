package session

import (
	"math/bits"
	"time"

	"weir/schema"
)

const wheelSlots = 512

// wheel has a list of entries for each of the seconds to come. An entry is looked at when there may be something to do
// for it, and at least every wheelSlots seconds. Activity does not touch the wheel: an entry that was active is moved
// on when it is looked at.
type wheel struct {
	now     int64 // the last second whose list was looked at
	started bool  // now is known
	heads   [wheelSlots]uint32
	taken   [wheelSlots / 64]uint64 // which lists are not empty
}

// secondAfter returns the first whole second that is not before at.
func secondAfter(at schema.Instant) int64 {
	s := int64(at) / int64(time.Second)
	if int64(at)%int64(time.Second) > 0 {
		s++
	}
	return s
}

// slotFor returns the list where something that is due at an instant belongs.
func (w *wheel) slotFor(due schema.Instant) uint16 {
	if !w.started {
		return 0
	}
	s := max(w.now+1, min(secondAfter(due), w.now+wheelSlots-1))
	return uint16(uint64(s) % wheelSlots)
}

func (w *wheel) add(s *slab, id uint32, e *entry, slot uint16) {
	head := w.heads[slot]
	e.slot, e.next, e.prev = slot, head, 0
	if head != 0 {
		s.entry(head - 1).prev = id + 1
	}
	w.heads[slot] = id + 1
	w.taken[slot/64] |= 1 << (slot % 64)
}

func (w *wheel) remove(s *slab, e *entry) {
	if e.next != 0 {
		s.entry(e.next - 1).prev = e.prev
	}
	if e.prev != 0 {
		s.entry(e.prev - 1).next = e.next
		return
	}
	w.heads[e.slot] = e.next
	if e.next == 0 {
		w.taken[e.slot/64] &^= 1 << (e.slot % 64)
	}
}

// soonest returns the list that is looked at next of those that are not empty.
func (w *wheel) soonest() (slot uint16, ok bool) {
	from := uint16(uint64(w.now+1) % wheelSlots)
	for i := range uint16(wheelSlots/64 + 1) { // the first word twice: its upper part, at last its lower one
		at := (from/64 + i) % (wheelSlots / 64)
		word := w.taken[at]
		if i == 0 {
			word &= ^uint64(0) << (from % 64)
		}
		if word != 0 {
			return at*64 + uint16(bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// turn looks at the lists of all seconds up to at: it calls visit for every entry in them, which removes it from the
// wheel or moves it to a later list.
func (w *wheel) turn(at schema.Instant, visit func(slot uint16)) {
	to := int64(at) / int64(time.Second)
	from := w.now + 1
	switch {
	case !w.started:
		from = to - wheelSlots + 1
		w.started = true
	case to <= w.now:
		return
	}
	from = max(from, to-wheelSlots+1)
	w.now = to
	for s := from; s <= to; s++ {
		visit(uint16(uint64(s) % wheelSlots))
	}
}
