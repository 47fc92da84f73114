package netflow

// What exporters count in the sequence number differs: by version (flows in v5, datagrams in v9, data records in
// IPFIX), and by those who read the text differently. counting says which it is.
type counting uint8

const (
	countsBefore    counting = iota // the records sent before this datagram: v5 (flows), IPFIX (data records)
	countsDatagrams                 // datagrams: v9
	countsThrough                   // the records sent, those of this datagram included: some old exporters
	countings
)

// String returns what is counted, and lost, in the words of the exporter list.
func (c counting) String() string {
	return [...]string{"records", "datagrams", "records"}[c%countings]
}

const (
	// reorderWindow is how many units a datagram may come late; a step back that is larger is a restart.
	reorderWindow = 8192
	// restartStep is how far a number may jump ahead and still be called loss.
	restartStep = 1 << 26
	// persuaded is how often in a row another way of counting must be right, and the present one wrong.
	persuaded = 3
)

// numbered is what a datagram says for the sequence: its number and what it holds.
type numbered struct {
	seq     uint32
	units   uint32 // data and options records
	options uint32 // those of units that are options records, which some exporters do not count (quirk Q33)
	partial bool   // it had sets that could not be read: there were more records

	elsewhere uint32 // records that other domains of the exporter sent since the last datagram of this one
	joint     bool   // those were options records only, or the exporter is known to number its domains together
}

// sequence follows the sequence numbers of one exporter and domain.
type sequence struct {
	counts  counting
	begun   bool
	last    numbered // the last datagram that was in order
	prev    numbered // the last datagram, in order or not
	late    uint32   // the number that would follow the last late datagram
	hadLate bool
	other   [countings]uint8 // how often in a row this other way was right and the present one wrong
	refuted [countings]bool  // this other way was wrong once
	seen    int              // datagrams that the other ways were tried on

	joint                    bool   // the exporter was seen to number its domains together
	suspectLost, suspectLate uint64 // counted since the present way was last right beyond doubt
	lost, reordered          uint64
	restarts                 uint64
}

// gap returns how far the number of n is from what one way of counting expects after last.
func (c counting) gap(last, n *numbered) int32 {
	counted := last
	switch c {
	case countsDatagrams:
		return int32(n.seq - last.seq - 1)
	case countsThrough:
		counted = n
	}
	g := int32(n.seq - last.seq - counted.units)
	if g < 0 && g >= -int32(counted.options) {
		return 0
	}
	return g
}

// blind tells that nothing can be expected of n, for the records that were counted are not known.
func (c counting) blind(last, n *numbered) bool {
	return c == countsBefore && last.partial || c == countsThrough && n.partial
}

// note takes the next datagram; restarted tells that the exporter's uptime went back since the one before.
func (s *sequence) note(n numbered, restarted bool) {
	if !s.begun || s.counts.blind(&s.last, &n) && n.seq-s.last.seq < restartStep {
		s.follow(n)
		return
	}
	gap := s.own(s.counts.gap(&s.last, &n), &n)
	switch changed := s.reconsider(gap, &n); {
	case changed, gap == 0:
		s.follow(n)
	case restarted:
		s.restarts++
		s.follow(n)
	case gap > 0 && gap < restartStep:
		s.lost += uint64(gap)
		s.suspectLost += uint64(gap)
		s.follow(n)
	case gap < 0 && gap > -reorderWindow && !(s.hadLate && s.late == n.seq):
		s.noteLate(n)
	default:
		s.restarts++
		s.follow(n)
	}
}

// own takes the records of other domains out of a gap. RFC 7011 numbers each domain by itself; Open vSwitch sends its
// options in a domain of their own and numbers both together.
func (s *sequence) own(gap int32, n *numbered) int32 {
	others := int32(n.elsewhere)
	if s.counts != countsBefore || !n.joint || others <= 0 || gap < others || !s.joint && gap != others {
		return gap
	}
	s.joint = true
	return gap - others
}

func (s *sequence) follow(n numbered) {
	s.begun, s.hadLate = true, false
	s.last, s.prev = n, n
}

// noteLate takes back the loss that was counted for a datagram that was only late. Two that follow each other are not
// late but a restart, which the caller sees by late.
func (s *sequence) noteLate(n numbered) {
	s.prev = n
	s.reordered++
	s.suspectLate++
	units := n.units
	if s.counts == countsDatagrams {
		units = 1
	}
	s.lost -= min(s.lost, uint64(units))
	s.suspectLost -= min(s.suspectLost, uint64(units))
	s.late, s.hadLate = n.seq+units, true
}

// reconsider changes to another way of counting when that keeps being right where the present one is wrong. Where both
// are right, nothing is learned. A way that was right from the start is believed at once.
func (s *sequence) reconsider(gap int32, n *numbered) (changed bool) {
	doubt := false
	s.seen++
	for c := countsBefore; c < countings; c++ {
		if c == s.counts || c.blind(&s.prev, n) {
			continue
		}
		if c.gap(&s.prev, n) != 0 {
			s.other[c], s.refuted[c] = 0, true
			continue
		}
		if gap != 0 {
			s.other[c]++
		}
		doubt = doubt || s.other[c] > 0
		if s.other[c] >= persuaded || s.other[c] > 0 && s.seen >= persuaded && !s.refuted[c] {
			s.lost -= min(s.lost, s.suspectLost)
			s.reordered -= min(s.reordered, s.suspectLate)
			s.counts, s.suspectLost, s.suspectLate, s.other = c, 0, 0, [countings]uint8{}
			return true
		}
	}
	if gap == 0 && !doubt {
		s.suspectLost, s.suspectLate = 0, 0
	}
	return false
}
