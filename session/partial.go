package session

import (
	"cmp"

	"weir/schema"
)

// Partial is what one lane has to tell of sessions since the last one.
type Partial struct {
	At schema.Instant
	// Ended are the sessions that are over, Reports long ones as they are now; both in the order of Compare.
	Ended, Reports []Session
	New            uint64 // sessions that began
	Early          uint64 // sessions that ended early because the table was full; they are in Ended
	Lost           uint64 // ended sessions that are not in Ended because there were too many since the last Partial
	Direct         uint64 // frames with an IP header that were not gathered
	Twice          uint64 // records of traffic that the exporter had told from its other side (ingress, egress): not added
	Live           int    // sessions that are live now
}

// Compare orders sessions: by last activity, then by ends and exporter, then by their number.
func Compare(a, b *Session) int {
	if c := cmp.Compare(a.Last, b.Last); c != 0 {
		return c
	}
	if c := a.A.Compare(b.A); c != 0 {
		return c
	}
	if c := a.Z.Compare(b.Z); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.APort, b.APort), cmp.Compare(a.ZPort, b.ZPort), cmp.Compare(a.Proto, b.Proto)); c != 0 {
		return c
	}
	return cmp.Or(a.Exporter.Compare(b.Exporter), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// byActivity sorts by Compare without copying sessions to compare them.
type byActivity []Session

func (l byActivity) Len() int           { return len(l) }
func (l byActivity) Less(i, j int) bool { return Compare(&l[i], &l[j]) < 0 }
func (l byActivity) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Merge joins what lanes have told, each in the order of Compare, into one list in that order. The result is the
// caller's; parts are not changed.
func Merge(parts ...[]Session) []Session {
	rest, size := make([][]Session, 0, len(parts)), 0
	for _, p := range parts {
		if len(p) > 0 {
			rest, size = append(rest, p), size+len(p)
		}
	}
	all := make([]Session, 0, size)
	for len(rest) > 0 {
		least := 0
		for i := range rest {
			if Compare(&rest[i][0], &rest[least][0]) < 0 {
				least = i
			}
		}
		all = append(all, rest[least][0])
		if rest[least] = rest[least][1:]; len(rest[least]) == 0 {
			rest = append(rest[:least], rest[least+1:]...)
		}
	}
	return all
}
