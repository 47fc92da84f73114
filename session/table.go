package session

import (
	"sort"

	"weir/schema"
)

// Table holds the live sessions of one lane. It belongs to one goroutine.
type Table struct {
	c      Config
	slab   slab
	wheel  wheel
	gather gatherer
	out    Partial
	fresh  []uint32 // entries that hold, or held, sessions of whose beginning Edges has not told
	gone   []Edge
	pairs  int
	seg    segment
	rec    schema.Record
	head   schema.Headers
}

// NewTable returns an empty table. A Config that is not valid is the caller's mistake; zero fields mean their defaults,
// except Report, Linger and MinBytes, where zero has a meaning.
func NewTable(c Config) *Table { return &Table{c: c.withDefaults(), slab: newSlab()} }

// Set puts c in force from now on; sessions are kept. When c.Max is smaller than what is live, the least recently
// active ones end early.
func (t *Table) Set(c Config) {
	t.c = c.withDefaults()
	for t.slab.live > t.c.Max {
		t.makeRoom()
	}
	t.slab.each(func(id uint32, e *entry) bool {
		t.wheel.remove(&t.slab, e)
		t.wheel.add(&t.slab, id, e, t.wheel.slotFor(t.nextLook(e)))
		return true
	})
}

// Observe adds a record to its session. It returns true when the record is a captured frame that was gathered: Moved
// will tell of it, and nobody else must count it. When it returns false the caller gives the record itself to flows and
// groups: packet samples and flow records always, and frames without an IP header, of too many different kinds, or too
// many sessions in one tick. It keeps nothing of r, and allocates nothing once the table has grown.
func (t *Table) Observe(r *schema.Record) (gathered bool) {
	if r.IPv == 0 || r.Kind == 0 || r.Kind > schema.KindFrame {
		return false
	}
	if r.Kind == schema.KindFlowRecord && r.Bytes|r.Packets == 0 {
		return false
	}
	var k ends
	d := k.orient(r)
	hash := t.slab.hash(&k)
	id, ok := t.slab.find(hash, &k)
	var e *entry
	if ok {
		e = t.slab.entry(id)
		over := t.isOver(e, r.At)
		if !over && e.twice(d, r) {
			e.seen = max(e.seen, r.At)
			t.out.Twice++
			return false
		}
		if over || e.restarts(d, r) {
			before := e.ID
			t.end(id, e, 0)
			id, e = t.begin(hash, &k, r)
			if e.ID == before {
				e.ID++
			}
		}
	} else {
		id, e = t.begin(hash, &k, r)
	}
	return t.add(id, e, d, r)
}

// add counts a record in its session.
func (t *Table) add(id uint32, e *entry, d direction, r *schema.Record) (gathered bool) {
	e.pin(d, r)
	if r.At > e.seen {
		e.seen = r.At
	} else if r.At < e.seen && r.At < e.First {
		e.First = r.At
	}
	sent := e.sent(d)
	sent.Bytes += r.Bytes
	sent.Packets += r.Packets
	e.place(d, r)
	if r.Rate > 1 {
		e.sampled(r)
	}
	if r.Kind == schema.KindFlowRecord {
		e.First, e.Last = min(e.First, started(r)), max(e.Last, stopped(r))
		if r.Proto == protoTCP {
			e.told(d, r.At, r.TCPFlags)
			t.hurry(id, e)
		}
		return false
	}
	ip, transport := -1, -1
	if r.Layers != nil {
		ip, transport = layers(r.Layers)
		readSegment(&t.seg, r, ip, transport)
		sent.Payload += uint64(t.seg.payload) * uint64(max(r.Rate, 1))
	} else {
		t.seg = segment{flags: r.TCPFlags}
	}
	if r.Proto == protoTCP {
		e.segment(d, r.At, &t.seg)
		t.hurry(id, e)
	}
	if r.Kind != schema.KindFrame || ip < 0 {
		return false
	}
	if !t.gather.gather(id, e, d, r, ip, transport) {
		t.out.Direct++
		return false
	}
	return true
}

// hurry moves a session that was closed to where it ends after its linger, which is sooner than it was to be looked at.
func (t *Table) hurry(id uint32, e *entry) {
	if e.flags&flagClosed == 0 {
		return
	}
	if slot := t.wheel.slotFor(t.nextLook(e)); slot != e.slot {
		t.wheel.remove(&t.slab, e)
		t.wheel.add(&t.slab, id, e, slot)
	}
}

// twice tells whether the exporter has told of this traffic from its other side: what goes through it can be observed
// where it comes in and where it leaves.
func (e *entry) twice(d direction, r *schema.Record) bool {
	if r.Kind == schema.KindFrame {
		return false
	}
	switch r.Direction {
	case schema.Ingress:
		return e.flags&(flagEgress<<d) != 0
	case schema.Egress:
		return e.flags&(flagIngress<<d) != 0
	}
	return false
}

// pin remembers on which side the traffic of a direction is counted.
func (e *entry) pin(d direction, r *schema.Record) {
	if r.Kind == schema.KindFrame {
		return
	}
	switch r.Direction {
	case schema.Ingress:
		e.flags |= flagIngress << d
	case schema.Egress:
		e.flags |= flagEgress << d
	}
}

// place notes the interfaces of a record, the first ones told, as traffic from A to Z passes them.
func (e *entry) place(d direction, r *schema.Record) {
	if e.flags&flagPlaced != 0 || r.Kind == schema.KindFrame {
		return
	}
	in, out := r.In, r.Out
	if d == fromZ {
		in, out = out, in
	}
	if e.In == 0 && in.Format == schema.PortIndex {
		e.In = in.Value
	}
	if e.Out == 0 && out.Format == schema.PortIndex {
		e.Out = out.Value
	}
	if e.In != 0 && e.Out != 0 {
		e.flags |= flagPlaced
	}
}

// sampled notes how many packets an estimate comes from.
func (e *entry) sampled(r *schema.Record) {
	n := uint64(1)
	if r.Kind == schema.KindFlowRecord {
		n = max(1, r.Packets/uint64(r.Rate))
	}
	n = min(n, uint64(^e.Samples))
	switch {
	case e.Samples == 0:
		e.Rate = r.Rate
	case e.flags&flagMixed == 0 && e.Rate != r.Rate:
		e.rates = uint64(e.Samples) * uint64(e.Rate)
		e.flags |= flagMixed
	}
	if e.flags&flagMixed != 0 {
		e.rates += n * uint64(r.Rate)
	}
	e.Samples += uint32(n)
}

// started returns when the traffic of a record began, stopped when it ended.
func started(r *schema.Record) schema.Instant {
	if r.Start == 0 {
		return r.At
	}
	return r.Start
}

func stopped(r *schema.Record) schema.Instant {
	if r.Last == 0 {
		return r.At
	}
	return max(r.Last, started(r))
}

// begin makes the session of a record. The caller counts the record in it.
func (t *Table) begin(hash uint32, k *ends, r *schema.Record) (uint32, *entry) {
	if t.slab.live >= t.c.Max {
		t.makeRoom()
	}
	id, e := t.slab.insert(hash)
	first := r.At
	if r.Kind == schema.KindFlowRecord {
		first = started(r)
	}
	ip := -1
	if r.Layers != nil {
		ip, _ = layers(r.Layers)
	}
	e.Session = Session{
		Exporter: k.exporter, A: k.a, Z: k.z, APort: k.aPort, ZPort: k.zPort, Proto: k.proto, Kind: k.kind,
		IPv: version(&k.a, &k.z), TOS: service(r, ip), ID: k.number(first), First: first, Last: first, State: StateInit,
		VLAN: outerVLAN(r),
	}
	if r.ICMP && icmp(k.proto) {
		e.ICMPType, e.ICMPCode = uint8(r.SrcPort), uint8(r.DstPort)
	}
	e.seen, e.reported = r.At, r.At
	e.flags |= flagFresh
	if e.flags&flagListed == 0 {
		e.flags |= flagListed
		t.fresh = append(t.fresh, id)
	}
	t.wheel.add(&t.slab, id, e, t.wheel.slotFor(t.nextLook(e)))
	t.out.New++
	return id, e
}

// version tells which IP version the addresses are of.
func version(a, z *schema.Addr) uint8 {
	if a.Is4() && z.Is4() {
		return 4
	}
	return 6
}

// expires returns when a session ends if nothing more is seen of it.
func (t *Table) expires(e *entry) schema.Instant {
	if e.flags&flagClosed != 0 {
		return e.mark.Add(t.c.Linger)
	}
	return e.seen.Add(t.c.timeout(e.Proto))
}

// nextLook returns when there may be something to do for a session.
func (t *Table) nextLook(e *entry) schema.Instant {
	at := t.expires(e)
	if t.c.Report > 0 {
		at = min(at, e.reported.Add(t.c.Report))
	}
	return at
}

func (t *Table) isOver(e *entry, at schema.Instant) bool { return at >= t.expires(e) }

// makeRoom ends the session that would be the first to time out.
func (t *Table) makeRoom() {
	for {
		slot, ok := t.wheel.soonest()
		if !ok {
			return
		}
		id := t.wheel.heads[slot] - 1
		e := t.slab.entry(id)
		if later := t.wheel.slotFor(t.expires(e)); later != slot {
			t.wheel.remove(&t.slab, e)
			t.wheel.add(&t.slab, id, e, later)
			continue
		}
		state := StateError
		if e.final() == StateTerminated {
			state = 0 // it was over anyway
		}
		t.end(id, e, state)
		t.out.Early++
		return
	}
}

// end ends a session; more are further bits of its final state.
func (t *Table) end(id uint32, e *entry, more State) {
	t.wheel.remove(&t.slab, e)
	s := e.counted(t.c.MinBytes)
	s.State |= e.final() | more
	if len(t.out.Ended) < t.c.Max {
		t.out.Ended = append(t.out.Ended, *s)
	} else {
		t.out.Lost++
	}
	t.leave(e)
	t.slab.remove(id)
}

// Advance moves time on to at: sessions that were closed or silent for long enough end, long ones are reported. What it
// returns is the caller's.
func (t *Table) Advance(at schema.Instant) *Partial {
	t.wheel.turn(at, func(slot uint16) {
		next := t.wheel.heads[slot]
		for next != 0 {
			id := next - 1
			e := t.slab.entry(id)
			next = e.next
			t.look(id, e, at)
		}
	})
	return t.take(at)
}

// look does what is to be done for a session at an instant.
func (t *Table) look(id uint32, e *entry, at schema.Instant) {
	if t.isOver(e, at) {
		t.end(id, e, 0)
		return
	}
	if t.c.Report > 0 && at >= e.reported.Add(t.c.Report) {
		t.out.Reports = append(t.out.Reports, *e.counted(t.c.MinBytes))
		missed := at.Sub(e.reported) / t.c.Report
		e.reported = e.reported.Add(missed * t.c.Report)
	}
	t.wheel.remove(&t.slab, e)
	t.wheel.add(&t.slab, id, e, t.wheel.slotFor(t.nextLook(e)))
}

// Close ends everything, as at the end of a capture: what was not closed properly has timed out.
func (t *Table) Close(at schema.Instant) *Partial {
	t.slab.each(func(id uint32, e *entry) bool {
		t.end(id, e, 0)
		return true
	})
	return t.take(at)
}

// take hands over what has come together since the last call.
func (t *Table) take(at schema.Instant) *Partial {
	p := t.out
	p.At, p.Live = at, t.slab.live
	sort.Sort(byActivity(p.Ended))
	sort.Sort(byActivity(p.Reports))
	t.out = Partial{}
	return &p
}

// Moved yields the frames that were gathered since the last call: one record for each session direction (and for each
// set of facts that its frames had: datasource, MAC addresses, VLAN, MPLS, type of service, ICMP type, class of
// length), Kind schema.KindFrame, Rate 1. Bytes and Packets are sums, Start and Last the first and the last frame, At =
// Last, TCPFlags all flags that occurred, Tally has counts, Length that of one of the frames. Header holds at most 128
// bytes of one of the frames and Layers its headers down to the transport header, where L3Len is the sum over all
// frames. The record is reused.
func (t *Table) Moved(yield func(*schema.Record)) {
	for i := range t.gather.used {
		p := t.gather.part(i)
		t.slab.entry(p.entry).parts[p.sender] = 0
		p.record(&t.rec, &t.head)
		yield(&t.rec)
	}
	t.gather.used = 0
}

// Live yields the sessions that are live, in no particular order, until yield returns false. They are the table's.
func (t *Table) Live(yield func(*Session) bool) {
	t.slab.each(func(_ uint32, e *entry) bool { return yield(e.counted(t.c.MinBytes)) })
}

// Len returns how many sessions are live.
func (t *Table) Len() int { return t.slab.live }

// Bytes returns how much memory the table holds.
func (t *Table) Bytes() int {
	return t.slab.bytes() + len(t.gather.chunks)*partChunk*partBytes + cap(t.gone)*edgeBytes + 4*cap(t.fresh) +
		cap(t.out.Ended)*sessionBytes
}
