package flow

import (
	"cmp"
	"slices"
	"strings"

	"weir/schema"
)

// Logged is one record of the flow log (spec sflow-rt 1.6).
type Logged struct {
	ID     uint64 // increases by one per record over all definitions, from 1; given by Log.Add
	Name   string // of the definition
	Source schema.Source
	Keys   string // key values joined by the separator of the definition
	// Value is the total over the life or the active interval of the flow, not a rate: bytes, frames. With a modifier
	// other than sum or rate it is what that gave at the end.
	Value float64
	Error float64 // standard error of Value; 0 when exact, and when it has none
	// NoError tells that Value has no standard error: a minimum, maximum, count or last value of samples.
	NoError bool
	Exact   bool      // nothing in the record was estimated from samples
	Values  []float64 // the same for the further values of the definition; nil when it has none
	Errors  []float64 // standard errors of Values; 0 when exact, NaN for one that has none
	// Start and End are the instants of the first and the last traffic in the record.
	Start, End schema.Instant
}

// compare orders records of one tick canonically.
func (l *Logged) compare(o *Logged) int {
	return cmp.Or(cmp.Compare(l.End, o.End), strings.Compare(l.Name, o.Name), compareSources(&l.Source, &o.Source),
		strings.Compare(l.Keys, o.Keys), cmp.Compare(l.Start, o.Start))
}

// compareSources orders sources by exporter, domain, class and index.
func compareSources(a, b *schema.Source) int {
	if c := a.Exporter.Compare(b.Exporter); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Index, b.Index))
}

// Log keeps the newest finished flows. Its owner guards it: it has no lock.
type Log struct {
	ring []Logged // oldest at next when full
	size int
	next int
	last uint64
}

// NewLog returns a log that keeps the newest size records (1000 when size is not positive).
func NewLog(size int) *Log {
	if size <= 0 {
		size = 1000
	}
	return &Log{size: size}
}

// Add takes the finished flows of one tick, gives them IDs in canonical order (end, name, source, keys), keeps them,
// and returns all of them, oldest first. The caller owns the returned slice.
func (l *Log) Add(parts ...*Partial) []Logged {
	var added []Logged
	for _, p := range parts {
		if p != nil {
			added = append(added, p.Logged...)
		}
	}
	slices.SortFunc(added, func(a, b Logged) int { return a.compare(&b) })
	for i := range added {
		l.last++
		added[i].ID = l.last
		l.keep(added[i])
	}
	return added
}

func (l *Log) keep(r Logged) {
	if len(l.ring) < l.size {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % l.size
}

// Last returns the newest ID that was given, 0 when none was.
func (l *Log) Last() uint64 { return l.last }

// Since returns the kept records with an ID larger than id, newest first: of the definitions in names (nil: all), at
// most max (0: all kept). The caller owns the slice.
func (l *Log) Since(id uint64, names map[string]bool, max int) []Logged {
	var out []Logged
	for i := range l.ring {
		r := &l.ring[(l.next+len(l.ring)-1-i)%len(l.ring)]
		if r.ID <= id || max > 0 && len(out) == max {
			break
		}
		if names == nil || names[r.Name] {
			out = append(out, *r)
		}
	}
	return out
}
