package event

import (
	"slices"
)

// DefaultLog is how many events a Log keeps unless told otherwise.
const DefaultLog = 1000

// Log is the newest events. It never changes: Add returns another one.
type Log struct {
	max    int
	last   uint64  // ID of the newest event ever added
	events []Event // oldest first
}

// NewLog returns an empty log that keeps up to max events; DefaultLog when max is not positive.
func NewLog(max int) *Log {
	if max <= 0 {
		max = DefaultLog
	}
	return &Log{max: max}
}

// Add returns the log after l with the events that began in it and those that ended marked so, and the events that
// began with the IDs that they were given, which follow their canonical order. It keeps l's oldest events as far as
// there is room. The slices are not kept, l is returned when there is nothing to do.
func (l *Log) Add(begun, ended []Event) (next *Log, numbered []Event) {
	if len(begun) == 0 && len(ended) == 0 {
		return l, nil
	}
	next = &Log{max: l.max, last: l.last}
	numbered = slices.Clone(begun)
	slices.SortStableFunc(numbered, func(a, b Event) int { return a.Compare(&b) })
	for i := range numbered {
		next.last++
		numbered[i].ID = next.last
	}
	fresh := numbered[max(len(numbered)-l.max, 0):]
	kept := l.events[max(len(l.events)+len(fresh)-l.max, 0):]
	next.events = append(append(make([]Event, 0, len(kept)+len(fresh)), kept...), fresh...)
	next.finish(ended)
	return next, numbered
}

// finish marks events as ended; those that the log no longer has are passed over.
func (l *Log) finish(ended []Event) {
	if len(ended) == 0 {
		return
	}
	open := make(map[eventKey]*Event, len(l.events))
	for i := range l.events {
		if e := &l.events[i]; e.End == 0 {
			open[e.key()] = e
		}
	}
	for i := range ended {
		if e := open[ended[i].key()]; e != nil {
			e.End, e.Peak = ended[i].End, ended[i].Peak
		}
	}
}

// Last returns the ID of the newest event ever added, 0 when there was none.
func (l *Log) Last() uint64 {
	if l == nil {
		return 0
	}
	return l.last
}

// Since returns the events with an ID above id, newest first, at most max of them; all when max is negative, and the
// newest max when there are more. When thresholds has names only their events count. The slice belongs to the caller
// and is never nil.
func (l *Log) Since(id uint64, thresholds []string, max int) []Event {
	out := []Event{}
	if l == nil {
		return out
	}
	for i := len(l.events) - 1; i >= 0 && l.events[i].ID > id && (max < 0 || len(out) < max); i-- {
		if e := &l.events[i]; len(thresholds) == 0 || slices.Contains(thresholds, e.Threshold) {
			out = append(out, *e)
		}
	}
	return out
}
