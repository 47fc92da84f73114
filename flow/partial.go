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
	def    *Definition
	shape  *shape
	books  Books  // since the last tick
	leaves []leaf // pools whose largest flows changed; one without cells is gone
}

// leaf is the largest flows of one pool: immutable once made.
type leaf struct {
	source schema.Source
	cells  []cell
	values []float64 // two per cell and further value: ingress and egress part, or the value and 0
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
