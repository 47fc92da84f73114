// Package event is the standing comparisons: a [Threshold] watches a metric or a flow definition at every datasource
// that has it, a crossing makes one [Event], which is a span with a begin, a peak and an end, and a [Log] keeps the
// newest of them.
//
// It is not for computing values (metric, flow), nor for deciding which datasource a filter means (metric does that for
// the engine, which passes the answer in), nor for telling anyone (engine, faces). It is pure: no goroutine, lock,
// clock, file or log line; time is the data's.
//
// Memory: a [Watch] has one owner, a lane or the merger, and copies what it keeps. A [Log] and a [Latched] never change
// and may be read by any number of goroutines; so may the slices in an Event.
package event
