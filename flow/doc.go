// Package flow answers "what is going on now, by these keys?": it keeps the active flows of every flow [Definition]
// as decaying rates, the largest few of each pool ready to be shown, and writes the log of finished flows.
//
// It is not for tables of the past (meter), nor for conversations (session), nor for what exporters say of themselves
// (metric), nor for thresholds (event), though [Table.Watch] tells event at once what changed.
//
// # Who owns what
//
// A [Table] belongs to one lane (one goroutine) and keeps nothing of a record: keys are copied into its own arena. A
// [Partial] belongs to whoever got it from Advance; the table keeps no reference to its slices, only to the texts of
// keys, which never change. A [View] never changes once Merge returned it, shares what was not touched with the view
// before it, and may be read by any number of goroutines. A [Log] and a [Seen] have one owner each.
//
// # Estimates
//
// The value of a flow is an exponentially decaying rate: an arrival of weight w at time x makes
//
//	r = r*exp(-(x-last)/t) + w/t
//
// (spec sflow-rt 1.4). For a record that stands for one observed packet in N the weight is N times what was observed.
// That is the Horvitz-Thompson estimator for independent selection with p = 1/N, whose variance is estimated without
// bias by the sum of (w^2)(1-p) over what was selected (sampling theory; for n equal samples the standard error is
// value/sqrt(n), the rule of the published sFlow sampling theory). So beside the rate goes
//
//	q = q*exp(-2(x-last)/t) + (w/t)^2 * (1-1/N)/k
//
// and the standard error is sqrt(q). k is the number of observed packets behind the record: 1 for a packet sample, and
// for a record of a sampled flow cache its unscaled packet count, because N*m per packet of mean length m for k
// packets gives k*(N*m)^2*(1-p) = w^2*(1-p)/k. That takes the packets of one such record as equal in length, all that
// the record tells; of a flow whose lengths vary with coefficient c the variance is up to 1+c^2 times that. Records
// with N = 1 add nothing: exact data has the error 0. Sums of independent parts add variances; the larger of two parts
// has the variance of that part.
//
// # Determinism
//
// Numbers depend only on the records of one source, their order, and the ticks; not on other sources of the lane.
// Entries that have decayed to nothing are removed when convenient, but a record that finds one treats it as new.
package flow
