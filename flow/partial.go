package flow

import "weir/schema"

// Partial is what one lane has to say at a tick. The receiver owns it.
type Partial struct {
	At     schema.Instant
	Logged []Logged // finished flows, without IDs; in no order
	// LogFull counts finished flows that were not logged because Limits.Log was reached, since the last tick.
	LogFull uint64
	// DistinctFull counts values that a full table of distinct values did not take in, since the last tick.
	DistinctFull uint64
	Keys         int // active flows that the lane holds now
	Sources      int // sources that the lane holds now
	Bytes        int // memory of flows, keys and indexes, about

	columns []partialColumn
}

// partialColumn is what changed of one definition.
type partialColumn struct {
	def   *Definition
	shape *shape
	books Books // since the last tick
	// leaves are the pools whose largest flows changed; one without cells is gone. Each is by itself in memory: views
	// keep some for long, and must not keep with them all others of the same tick.
	leaves []*leaf
}

// leaf is the largest flows of one pool: immutable once made.
type leaf struct {
	source schema.Source
	cells  []cell
	values []parts // of each cell its further values
}

// parts is a value as it was seen at ingress and egress, and the variances of both. When it is no rate, in is the
// value and varIn its variance.
type parts struct{ in, out, varIn, varOut float64 }

// times returns a rate that has faded to d times what it was.
func (p parts) times(d float64) parts {
	return parts{p.in * d, p.out * d, p.varIn * d * d, p.varOut * d * d}
}

// sum returns both parts together.
func (p parts) sum() (v, variance float64) { return p.in + p.out, p.varIn + p.varOut }

// side returns one of the parts.
func (p parts) side(egress bool) (v, variance float64) {
	if egress {
		return p.out, p.varOut
	}
	return p.in, p.varIn
}

// cell is one flow as it was when last touched.
type cell struct {
	key  string // encoded
	last schema.Instant
	// in, out are the decayed rates seen at ingress and egress; for a value that does not decay, in is the value.
	in, out       float64
	varIn, varOut float64 // variances of in and out
	samples       float64 // decayed number of observations
	sampled       bool    // something in it was estimated
}
