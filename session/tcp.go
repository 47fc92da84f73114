package session

import (
	"time"

	"weir/schema"
)

// The flags of a TCP header (RFC 9293 section 3.1).
const (
	tcpFIN uint8 = 0x01
	tcpSYN uint8 = 0x02
	tcpRST uint8 = 0x04
	tcpACK uint8 = 0x10
)

const protoTCP, protoUDP = 6, 17

// gap is a run of sequence numbers that were passed over: from <= n < to. It is empty when both are equal.
type gap struct{ from, to uint32 }

// track follows the sequence numbers that one end sent. It remembers the two latest gaps; what fills an older one
// counts as sent again.
type track struct {
	next uint32 // the sequence number after the last one seen
	gaps [2]gap // the later one first
}

// before compares sequence numbers around the wrap (RFC 9293 section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// unseen is how far back from its first segment a track takes sequence numbers for never seen.
const unseen = 1 << 30

// begin starts the track with the first segment that takes sequence numbers. What comes before it was not seen.
func (t *track) begin(seq, size uint32) {
	*t = track{next: seq + size, gaps: [2]gap{{seq - unseen, seq}}}
}

// add takes a segment of size > 0 and tells whether its whole range was seen before.
func (t *track) add(seq, size uint32) (again bool) {
	end := seq + size
	if before(t.next, end) {
		if before(t.next, seq) {
			t.gaps[1], t.gaps[0] = t.gaps[0], gap{t.next, seq}
		} else {
			t.fill(seq, end)
		}
		t.next = end
		return false
	}
	return !t.fill(seq, end)
}

// fill takes a range out of the gaps and tells whether any of it was in one.
func (t *track) fill(seq, end uint32) (some bool) {
	for i := range t.gaps {
		g := t.gaps[i]
		if g.from == g.to || !before(g.from, end) || !before(seq, g.to) {
			continue
		}
		some = true
		left, right := gap{g.from, seq}, gap{end, g.to}
		hasLeft, hasRight := before(g.from, seq), before(end, g.to)
		switch {
		case hasLeft && hasRight:
			t.split(i, left, right)
			return true // both sides of the range lie in this gap
		case hasLeft:
			t.gaps[i] = left
		case hasRight:
			t.gaps[i] = right
		default:
			t.gaps[i] = gap{}
		}
	}
	if t.gaps[0].from == t.gaps[0].to {
		t.gaps[0], t.gaps[1] = t.gaps[1], gap{}
	}
	return some
}

// split replaces gap i by two. When there are three then, the earliest is forgotten.
func (t *track) split(i int, left, right gap) {
	if i == 0 {
		t.gaps[0], t.gaps[1] = right, left
		return
	}
	t.gaps[1] = right
}

// segment is what a TCP header says, and how much it carries.
type segment struct {
	seq, ack uint32
	payload  uint32
	flags    uint8
	numbered bool // seq and ack were captured
}

// size returns how many sequence numbers the segment takes: SYN and FIN one each.
func (g *segment) size() uint32 {
	n := g.payload
	if g.flags&tcpSYN != 0 {
		n++
	}
	if g.flags&tcpFIN != 0 {
		n++
	}
	return n
}

// handshake notes SYN, SYN-ACK and the ACK that completes. The time of the handshake is known for frames only.
func (e *entry) handshake(d direction, at schema.Instant, flags uint8) {
	switch flags & (tcpSYN | tcpACK) {
	case tcpSYN:
		if e.State&StateSYN == 0 {
			e.mark = at
		}
		e.State |= StateSYN
		if e.State&(StateServerA|StateServerZ) == 0 {
			e.State |= d.server()
		}
	case tcpSYN | tcpACK:
		e.State |= StateSYNACK
		if e.State&(StateServerA|StateServerZ) == 0 {
			e.State |= d.other().server() // who answers a SYN is the one it went to
		}
	case tcpACK:
		if e.State&(StateSYNACK|StateOpen) != StateSYNACK || e.State&d.server() == 0 || flags&tcpRST != 0 {
			return
		}
		e.State |= StateOpen
		if e.State&StateSYN != 0 && e.Kind == schema.KindFrame && at >= e.mark {
			e.RTT = uint32(max(1, min(int64(at-e.mark)/int64(time.Microsecond), 1<<32-1)))
		}
	}
}

// segment takes a segment that was seen as a packet, all of them when told by frames, some when sampled.
func (e *entry) segment(d direction, at schema.Instant, g *segment) {
	e.number(d, g)
	if e.flags&flagClosed != 0 {
		if g.flags&tcpRST != 0 {
			e.State |= StateRST
		}
		return
	}
	e.handshake(d, at, g.flags)
	if g.flags&tcpFIN != 0 {
		e.State |= StateFIN
		e.flags |= flagFIN << d
	}
	if g.flags&tcpRST != 0 {
		e.State |= StateRST
		e.close(at)
	}
	o := d.other()
	if e.Kind == schema.KindFrame {
		if g.numbered && g.flags&tcpACK != 0 && e.flags&(flagFIN<<o) != 0 && !before(g.ack, e.tracks[o].next) {
			e.flags |= flagACKed << o
		}
		if e.flags&(flagACKed*flagsBoth) == flagACKed*flagsBoth {
			e.close(at)
		}
	} else if e.flags&(flagFIN*flagsBoth) == flagFIN*flagsBoth {
		e.close(at)
	}
}

// number follows the sequence numbers of frames. A keep-alive, which repeats the last byte, is nothing sent again.
func (e *entry) number(d direction, g *segment) {
	size := g.size()
	if size == 0 || !g.numbered || g.flags&tcpRST != 0 || e.Kind != schema.KindFrame {
		return
	}
	t := &e.tracks[d]
	if e.flags&(flagTracked<<d) == 0 {
		e.flags |= flagTracked << d
		t.begin(g.seq, size)
		return
	}
	if g.payload == 1 && size == 1 && g.seq == t.next-1 {
		return
	}
	if t.add(g.seq, size) {
		e.Retrans++
	}
}

// told takes the TCP flags of a flow record: all that occurred in one direction. A connection that was reset or closed
// in one direction stays open for the record of the other one.
func (e *entry) told(d direction, at schema.Instant, flags uint8) {
	const known = StateServerA | StateServerZ
	if flags&tcpSYN != 0 {
		e.State |= StateSYN
		e.flags |= flagSYN << d
		if flags&tcpACK == 0 && e.State&known == 0 {
			e.State |= d.server() // its SYN was never answered, or not yet
		}
	}
	if e.flags&(flagSYN*flagsBoth) == flagSYN*flagsBoth {
		e.State |= StateSYNACK
	}
	if e.State&StateSYNACK != 0 && flags&tcpACK != 0 && (e.State&known == 0 || e.State&d.server() != 0) {
		e.State |= StateOpen
	}
	if flags&tcpFIN != 0 {
		e.State |= StateFIN
	}
	if flags&tcpRST != 0 {
		e.State |= StateRST
	}
	if flags&(tcpFIN|tcpRST) != 0 {
		e.flags |= flagFIN << d
	}
	if e.flags&(flagFIN*flagsBoth) == flagFIN*flagsBoth {
		e.close(at)
	}
}

// close makes the session linger from now on.
func (e *entry) close(at schema.Instant) {
	if e.flags&flagClosed == 0 {
		e.flags |= flagClosed
		e.mark = at
	}
}

// restarts tells whether a TCP record begins a new session: a SYN after a FIN or an RST.
func (e *entry) restarts(d direction, r *schema.Record) bool {
	if r.Proto != protoTCP || r.TCPFlags&tcpSYN == 0 {
		return false
	}
	if r.Kind == schema.KindFlowRecord {
		return e.flags&(flagFIN<<d) != 0
	}
	return r.TCPFlags&tcpACK == 0 && e.State&(StateFIN|StateRST) != 0
}

// final returns the bits of a session's end.
func (e *entry) final() State {
	switch {
	case e.flags&flagClosed != 0 || e.State&StateRST != 0:
		return StateTerminated
	case e.State&StateFIN != 0:
		return StateTimedOut | StateIncomplete
	}
	return StateTimedOut
}
