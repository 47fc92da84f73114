package capture

import (
	"net/netip"
	"slices"
	"time"

	"weir/schema"
)

const (
	// maxDatagram is the most that IP lets a datagram have behind its header.
	maxDatagram = 65535
	// maxPieces bounds how many fragments a datagram may come in; the smallest that networks let through need 128.
	maxPieces = 256
	// keptBuffers bounds how many buffers wait for the next unfinished datagram.
	keptBuffers = 8
)

// fragmentKey tells which fragments belong together (RFC 791 section 3.2, RFC 8200 section 4.5). IPv6 leaves the
// protocol out, of which only the first fragment is sure.
type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	protocol uint8
}

// piece is a range of bytes of an unfinished datagram that came.
type piece struct{ begin, end int }

// unfinished is a datagram of which fragments are missing.
type unfinished struct {
	key    fragmentKey
	first  schema.Instant // when the first of its fragments to come was captured
	buf    []byte
	pieces []piece // in order of begin, without overlap
	total  int     // length of the datagram, -1 before the last fragment came
	next   uint8   // protocol in the fragment at offset 0
}

// fragmentStore holds unfinished datagrams, oldest first. There are few at any time, so they are searched in order;
// that keeps memory small and what is evicted independent of hashing.
type fragmentStore struct {
	limits FragmentLimits
	open   []*unfinished
	bytes  int           // capacity of the buffers in open
	free   []*unfinished // buffers for reuse
	done   *unfinished   // given out last, lent until recycle
	lost   uint64        // fragments
	// doneFragments is how many fragments the datagram given out last came in.
	doneFragments uint64
}

func (s *fragmentStore) setLimits(l FragmentLimits) {
	if l.Datagrams <= 0 {
		l.Datagrams = 256
	}
	if l.Bytes <= 0 {
		l.Bytes = 4 << 20
	}
	if l.Age <= 0 {
		l.Age = 30 * time.Second
	}
	s.limits = l
}

// recycle takes back the datagram that was given out last.
func (s *fragmentStore) recycle() {
	if s.done != nil {
		s.keep(s.done)
		s.done = nil
	}
}

// keep puts an unfinished aside for reuse.
func (s *fragmentStore) keep(u *unfinished) {
	if len(s.free) < keptBuffers {
		s.free = append(s.free, u)
	}
}

// add adds a fragment captured at the instant at; whole tells that it completed its datagram, whose bytes are returned
// until recycle, and whose protocol is put into p.
func (s *fragmentStore) add(p *ipPacket, at schema.Instant) (datagram []byte, whole bool) {
	s.expire(at)
	begin, end := p.off, p.off+len(p.body)
	switch {
	case len(p.body) < p.length, // cut by the capture: the datagram can never be whole
		len(p.body) == 0,
		end > maxDatagram,
		p.more && len(p.body)%8 != 0:
		s.lost++
		return nil, false
	}
	key := fragmentKey{src: p.src, dst: p.dst, id: p.id}
	if p.src.Is4() {
		key.protocol = p.protocol
	}
	at0 := slices.IndexFunc(s.open, func(u *unfinished) bool { return u.key == key })
	if at0 < 0 {
		at0 = s.begin(key, at)
	}
	u := s.open[at0]
	before := cap(u.buf)
	fits, again := u.put(p, begin, end)
	s.bytes += cap(u.buf) - before
	switch {
	case again: // the same fragment twice, as networks do
		s.lost++
		return nil, false
	case !fits: // overlapping or contradicting fragments are an attack or damage (RFC 5722): none is believed
		s.lost++
		s.drop(at0)
		return nil, false
	case u.whole():
		s.remove(at0)
		s.done, s.doneFragments = u, uint64(len(u.pieces))
		p.protocol = u.next
		return u.buf[:u.total], true
	}
	for s.bytes > s.limits.Bytes && len(s.open) > 0 {
		s.drop(0)
	}
	return nil, false
}

// begin opens an unfinished datagram and returns its place.
func (s *fragmentStore) begin(key fragmentKey, at schema.Instant) int {
	for len(s.open) >= s.limits.Datagrams {
		s.drop(0)
	}
	var u *unfinished
	if n := len(s.free); n > 0 {
		u, s.free = s.free[n-1], s.free[:n-1]
	} else {
		u = &unfinished{}
	}
	*u = unfinished{key: key, first: at, buf: u.buf[:0], pieces: u.pieces[:0], total: -1}
	s.bytes += cap(u.buf)
	s.open = append(s.open, u)
	return len(s.open) - 1
}

// expire drops what has waited too long. Files are not always in order of time: who comes from the future of the frame
// at hand stays.
func (s *fragmentStore) expire(at schema.Instant) {
	for len(s.open) > 0 && at.Sub(s.open[0].first) > s.limits.Age {
		s.drop(0)
	}
}

// drop gives up the unfinished datagram at place i.
func (s *fragmentStore) drop(i int) {
	u := s.open[i]
	s.lost += uint64(len(u.pieces))
	s.remove(i)
	s.keep(u)
}

// remove takes the unfinished datagram at place i out.
func (s *fragmentStore) remove(i int) {
	s.bytes -= cap(s.open[i].buf)
	s.open = slices.Delete(s.open, i, i+1)
}

// put copies a fragment to its place. fits is false when it contradicts those that came before, again is true when it
// came before.
func (u *unfinished) put(p *ipPacket, begin, end int) (fits, again bool) {
	i, found := slices.BinarySearchFunc(u.pieces, begin, func(q piece, begin int) int { return q.begin - begin })
	if found && u.pieces[i].end == end {
		return true, true
	}
	if found || len(u.pieces) == maxPieces ||
		i > 0 && u.pieces[i-1].end > begin || i < len(u.pieces) && u.pieces[i].begin < end {
		return false, false
	}
	last := len(u.pieces) > 0 && u.pieces[len(u.pieces)-1].end > end
	if u.total >= 0 && (end > u.total || !p.more) || !p.more && last {
		return false, false
	}
	if !p.more {
		u.total = end
	}
	if begin == 0 {
		u.next = p.protocol
	}
	if end > len(u.buf) {
		u.buf = slices.Grow(u.buf, end-len(u.buf))[:end]
	}
	copy(u.buf[begin:end], p.body)
	u.pieces = slices.Insert(u.pieces, i, piece{begin, end})
	return true, false
}

// whole tells whether nothing is missing.
func (u *unfinished) whole() bool {
	at := 0
	for _, q := range u.pieces {
		if q.begin != at {
			return false
		}
		at = q.end
	}
	return at == u.total
}
