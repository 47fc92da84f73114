package session

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/schema"
)

// twin is the same as Table in obvious code: maps, full scans, every sequence number remembered.
type twin struct {
	c       Config
	live    map[string]*twinSession
	ended   []Session
	reports []Session
}

type twinSession struct {
	Session
	seen, reported, syn, closed schema.Instant
	isClosed                    bool
	client                      int // who sent the SYN; -1 not known
	fin, acked                  [2]bool
	told                        [2]uint8 // flags of flow records
	side                        [2]schema.Direction
	had                         [2]map[uint32]bool
	high                        [2]uint32 // the number after the highest
	gapped                      bool      // there were more gaps than a Table remembers
	rates                       uint64
}

func (w *twin) timeout(s *twinSession) time.Duration {
	return map[uint8]time.Duration{6: w.c.TCP, 17: w.c.UDP, 1: w.c.ICMP, 58: w.c.ICMP}[s.Proto]
}

func (w *twin) over(s *twinSession, at schema.Instant) bool {
	if s.isClosed {
		return at >= s.closed.Add(w.c.Linger)
	}
	return at >= s.seen.Add(w.timeout(s))
}

func (w *twin) end(key string) {
	s := w.live[key]
	switch {
	case s.isClosed || s.State&StateRST != 0:
		s.State |= StateTerminated
	case s.State&StateFIN != 0:
		s.State |= StateTimedOut | StateIncomplete
	default:
		s.State |= StateTimedOut
	}
	w.ended = append(w.ended, s.shown(w.c))
	delete(w.live, key)
}

func (s *twinSession) shown(c Config) Session {
	if s.Samples > 0 {
		s.Rate = uint32(s.rates / uint64(s.Samples))
	}
	if s.gapped {
		s.Retrans = 1<<32 - 1 // not to be compared
	}
	s.Store = s.AZ.Bytes+s.ZA.Bytes >= c.MinBytes
	return s.Session
}

func (w *twin) advance(at schema.Instant) {
	for key, s := range w.live {
		if w.over(s, at) {
			w.end(key)
			continue
		}
		if w.c.Report > 0 && at.Sub(s.reported) >= w.c.Report {
			w.reports = append(w.reports, s.shown(w.c))
			for at.Sub(s.reported) >= w.c.Report {
				s.reported = s.reported.Add(w.c.Report)
			}
		}
	}
}

func (w *twin) observe(r *schema.Record, p *packet) {
	k := ends{}
	d := k.orient(r)
	key := fmt.Sprintf("%+v", k)
	s := w.live[key]
	if s != nil && w.over(s, r.At) {
		w.end(key)
		s = nil
	}
	if s != nil && r.Kind != schema.KindFrame && r.Direction != 0 && s.side[d] != 0 && s.side[d] != r.Direction {
		s.seen = max(s.seen, r.At)
		if r.Kind != schema.KindFlowRecord {
			s.Last = s.seen
		}
		return
	}
	if s != nil && r.Proto == 6 && r.TCPFlags&tcpSYN != 0 {
		again := r.TCPFlags&tcpACK == 0 && s.State&(StateFIN|StateRST) != 0
		if r.Kind == schema.KindFlowRecord {
			again = s.told[d]&(tcpFIN|tcpRST) != 0
		}
		if again {
			w.end(key)
			s = nil
		}
	}
	start, last := r.At, r.At
	if r.Kind == schema.KindFlowRecord {
		start, last = r.Start, r.Last
	}
	if s == nil {
		s = &twinSession{client: -1, seen: r.At, reported: r.At, had: [2]map[uint32]bool{{}, {}}, Session: Session{
			Exporter: k.exporter, A: k.a, Z: k.z, APort: k.aPort, ZPort: k.zPort, Proto: k.proto, IPv: 4, Kind: k.kind,
			First: start, Last: start, State: StateInit,
		}}
		if k.proto == 1 {
			s.ICMPType, s.ICMPCode = uint8(r.SrcPort), uint8(r.DstPort)
		}
		w.live[key] = s
	}
	s.seen = max(s.seen, r.At)
	s.First, s.Last = min(s.First, start), max(s.Last, last)
	if r.Kind != schema.KindFrame && r.Direction != 0 {
		s.side[d] = r.Direction
	}
	c := []*Counts{&s.AZ, &s.ZA}[d]
	c.Bytes += r.Bytes
	c.Packets += r.Packets
	if r.Rate > 1 {
		n := uint64(1)
		if r.Kind == schema.KindFlowRecord {
			n = max(1, r.Packets/uint64(r.Rate))
		}
		s.Samples += uint32(n)
		s.rates += n * uint64(r.Rate)
	}
	if r.Kind == schema.KindFlowRecord {
		if r.Proto == 6 {
			s.flow(int(d), r.At, r.TCPFlags)
		}
		return
	}
	if r.Proto == 6 || r.Proto == 17 {
		c.Payload += uint64(p.payload) * uint64(r.Rate)
	}
	if r.Proto == 6 {
		s.tcp(int(d), r, p)
	}
}

func (s *twinSession) knowClient(d int) {
	if s.client < 0 {
		s.client = d
		s.State |= []State{StateServerZ, StateServerA}[d]
	}
}

func (s *twinSession) close(at schema.Instant) {
	if !s.isClosed {
		s.isClosed, s.closed = true, at
	}
}

func (s *twinSession) flow(d int, at schema.Instant, flags uint8) {
	s.told[d] |= flags
	if flags&tcpSYN != 0 {
		s.State |= StateSYN
		if flags&tcpACK == 0 {
			s.knowClient(d)
		}
	}
	if s.told[0]&s.told[1]&tcpSYN != 0 {
		s.State |= StateSYNACK
	}
	if s.State&StateSYNACK != 0 && flags&tcpACK != 0 && (s.client < 0 || s.client == d) {
		s.State |= StateOpen
	}
	if flags&tcpFIN != 0 {
		s.State |= StateFIN
	}
	if flags&tcpRST != 0 {
		s.State |= StateRST
	}
	if s.told[0]&(tcpFIN|tcpRST) != 0 && s.told[1]&(tcpFIN|tcpRST) != 0 {
		s.close(at)
	}
}

func (s *twinSession) tcp(d int, r *schema.Record, p *packet) {
	frame := r.Kind == schema.KindFrame
	if frame {
		s.count(d, p)
	}
	f := p.flags
	if s.isClosed {
		if f&tcpRST != 0 {
			s.State |= StateRST
		}
		return
	}
	switch f & (tcpSYN | tcpACK) {
	case tcpSYN:
		if s.State&StateSYN == 0 {
			s.syn = r.At
		}
		s.State |= StateSYN
		s.knowClient(d)
	case tcpSYN | tcpACK:
		s.State |= StateSYNACK
		s.knowClient(1 - d)
	case tcpACK:
		if s.State&StateSYNACK != 0 && s.State&StateOpen == 0 && s.client == d && f&tcpRST == 0 {
			s.State |= StateOpen
			if frame && s.State&StateSYN != 0 && r.At >= s.syn {
				s.RTT = uint32(max(1, r.At.Sub(s.syn).Microseconds()))
			}
		}
	}
	if f&tcpFIN != 0 {
		s.State |= StateFIN
		s.fin[d] = true
	}
	if f&tcpRST != 0 {
		s.State |= StateRST
		s.close(r.At)
	}
	if frame {
		if f&tcpACK != 0 && s.fin[1-d] && int32(p.ack-s.high[1-d]) >= 0 {
			s.acked[1-d] = true
		}
		if s.acked[0] && s.acked[1] {
			s.close(r.At)
		}
	} else if s.fin[0] && s.fin[1] {
		s.close(r.At)
	}
}

// count remembers every sequence number of a segment.
func (s *twinSession) count(d int, p *packet) {
	size := uint32(p.payload)
	for _, f := range []uint8{tcpSYN, tcpFIN} {
		if p.flags&f != 0 {
			size++
		}
	}
	had := s.had[d]
	if size == 0 || p.flags&tcpRST != 0 {
		return
	}
	if len(had) > 0 && p.payload == 1 && size == 1 && p.seq+1 == s.high[d] {
		return
	}
	again := len(had) > 0
	for i := range size {
		again = again && had[p.seq+i]
	}
	if again {
		s.Retrans++
	}
	first := len(had) == 0
	for i := range size {
		had[p.seq+i] = true
	}
	if end := p.seq + size; first || int32(end-s.high[d]) > 0 {
		s.high[d] = end
	}
	// Before the first segment of a track that began in the middle lies a gap too.
	gaps := 0
	low := s.high[d]
	for n := range had {
		if int32(n-low) < 0 {
			low = n
		}
		if int32(n-s.high[d]) < -1 && !had[n+1] {
			gaps++
		}
	}
	if gaps+1 > 2 {
		s.gapped = true
	}
}

// event draws something that a table may observe.
func event(t *rapid.T, now schema.Instant) (packet, schema.Kind, schema.Direction) {
	hosts := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
	src := rapid.IntRange(0, 2).Draw(t, "src")
	dst := (src + rapid.IntRange(1, 2).Draw(t, "dst")) % 3
	p := packet{
		at: now + schema.Instant(rapid.IntRange(-3000, 3000).Draw(t, "off"))*1e6, src: hosts[src], dst: hosts[dst],
		proto: rapid.SampledFrom([]uint8{6, 6, 6, 17, 1}).Draw(t, "proto"), sp: 80, dp: 80,
		payload: rapid.IntRange(0, 4).Draw(t, "payload"),
	}
	if rapid.Bool().Draw(t, "high") {
		if src < dst {
			p.sp = 5000
		} else {
			p.dp = 5000
		}
	}
	if p.proto == 6 {
		p.flags = rapid.SampledFrom([]uint8{tcpACK, tcpACK, tcpACK, tcpSYN, tcpSYN | tcpACK, tcpFIN | tcpACK, tcpRST,
			0}).Draw(t, "flags")
		p.seq = 0xfffffffa + rapid.Uint32Range(0, 14).Draw(t, "seq") // around the wrap
		p.ack = 0xfffffffa + rapid.Uint32Range(0, 20).Draw(t, "ack")
	}
	if p.proto == 1 {
		p.sp, p.dp, p.payload = rapid.SampledFrom([]uint16{0, 8}).Draw(t, "type"), 0, 0
	}
	kind := rapid.SampledFrom([]schema.Kind{schema.KindFrame, schema.KindFrame, schema.KindPacketSample,
		schema.KindFlowRecord}).Draw(t, "kind")
	return p, kind, rapid.SampledFrom([]schema.Direction{0, 1, 1, 2}).Draw(t, "side")
}

// remake makes the record of a frame one of another kind.
func remake(r *schema.Record, kind schema.Kind, rate uint32, side schema.Direction) {
	if kind == schema.KindFrame {
		return
	}
	r.Kind, r.Rate, r.Direction = kind, rate, side
	r.Bytes, r.Packets = r.Bytes*uint64(rate), uint64(rate)
	if kind == schema.KindFlowRecord {
		r.Start, r.Last, r.Layers, r.Header = r.At-2e9, r.At-1e9, nil, nil
	}
}

// sameSessions compares what ended, in canonical order and without numbers.
func sameSessions(got, want []Session) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d sessions, the twin has %d", len(got), len(want))
	}
	order := func(a, b Session) int {
		return cmp.Or(Compare(&a, &b), cmp.Compare(a.First, b.First), cmp.Compare(a.State, b.State),
			cmp.Compare(a.AZ.Bytes, b.AZ.Bytes), cmp.Compare(a.ZA.Bytes, b.ZA.Bytes), cmp.Compare(a.AZ.Payload, b.AZ.Payload),
			cmp.Compare(a.ZA.Payload, b.ZA.Payload))
	}
	clean := func(list []Session) []Session {
		list = slices.Clone(list)
		for i := range list {
			list[i].ID = 0
		}
		slices.SortFunc(list, order)
		return list
	}
	got, want = clean(got), clean(want)
	for i := range got {
		if want[i].Retrans == 1<<32-1 {
			got[i].Retrans = want[i].Retrans
		}
		if got[i] != want[i] {
			return fmt.Errorf("have %+v\nwant %+v", got[i], want[i])
		}
	}
	return nil
}

// TestTwin drives a table and its twin with the same records.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := Config{TCP: 20 * time.Second, UDP: 7 * time.Second, ICMP: 5 * time.Second, Other: time.Second, Max: 1000,
			Report: time.Duration(rapid.IntRange(0, 12).Draw(rt, "report")) * time.Second,
			Linger: time.Duration(rapid.IntRange(0, 3).Draw(rt, "linger")) * time.Second, MinBytes: 200}
		r := newRig(t, c)
		w := &twin{c: c, live: map[string]*twinSession{}}
		now := t0
		var framed, gathered uint64
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			if rapid.IntRange(0, 3).Draw(rt, "tick") == 0 {
				now += schema.Instant(rapid.SampledFrom([]int{1, 2, 5, 21, 700}).Draw(rt, "step")) * 1e9
				r.tick(now)
				w.advance(now)
			}
			p, kind, side := event(rt, now)
			r.record(&p, func(rec *schema.Record) {
				remake(rec, kind, uint32(10+p.payload), side)
				if kind == schema.KindFrame {
					framed += rec.Bytes
				}
				if !r.Observe(rec) && kind == schema.KindFrame {
					gathered += rec.Bytes
				}
				w.observe(rec, &p)
			})
			if rapid.IntRange(0, 5).Draw(rt, "moved") == 0 {
				r.Moved(func(rec *schema.Record) { gathered += rec.Bytes })
			}
			if r.Len() != len(w.live) {
				rt.Fatalf("%d live, the twin has %d", r.Len(), len(w.live))
			}
		}
		list := r.close(now)
		for key := range w.live {
			w.end(key)
		}
		r.Moved(func(rec *schema.Record) { gathered += rec.Bytes })
		if framed != gathered {
			rt.Fatalf("%d bytes of frames, %d gathered or direct", framed, gathered)
		}
		if err := sameSessions(list, w.ended); err != nil {
			rt.Fatal(err)
		}
		if err := sameSessions(r.reports, w.reports); err != nil {
			rt.Fatal("reports: ", err)
		}
	})
}

// TestMirror exchanges the two ends of everything: sessions are the same with their directions exchanged.
func TestMirror(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := newRig(t, DefaultConfig()), newRig(t, DefaultConfig())
		now := t0
		for range rapid.IntRange(1, 40).Draw(rt, "events") {
			now += 1e8
			p, kind, side := event(rt, now)
			a.record(&p, func(rec *schema.Record) { remake(rec, kind, uint32(10+p.payload), side); a.Observe(rec) })
			p.src, p.dst = p.dst, p.src
			if p.proto != 1 {
				p.sp, p.dp = p.dp, p.sp
			}
			b.record(&p, func(rec *schema.Record) { remake(rec, kind, uint32(10+p.payload), side); b.Observe(rec) })
		}
		want := b.close(now)
		for i := range want {
			s := &want[i]
			s.AZ, s.ZA = s.ZA, s.AZ
			ends := s.State & (StateServerA | StateServerZ)
			if s.State &^= ends; ends != 0 {
				s.State |= ends ^ (StateServerA | StateServerZ)
			}
		}
		if err := sameSessions(a.close(now), want); err != nil {
			rt.Fatal(err)
		}
	})
}
