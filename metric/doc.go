// Package metric is what exporters say of themselves: counter samples ([schema.Reading]) go in, and for every
// datasource come out rates of counters, gauges and labels as sent, and metrics derived from both (utilisations,
// totals, percentages). What is not refreshed is forgotten. It also holds the language in which metrics are asked for
// (agent selectors, statistics, filters, tables), because flow definitions are columns of the same table.
//
// It is not for decoding counter structures (wire/sflow), nor for watching thresholds (event), nor for the address and
// format of any REST path (a face). It is pure: no goroutine, lock, clock, file or log line.
//
// Memory: a [Table] belongs to one lane. It copies what it keeps of a reading, and bounds it by [Limits]. A [Partial]
// is a copy that the lane gives away. A [View] never changes, shares what did not change with the view before it, and
// may be read by any number of goroutines. What a query returns belongs to the caller, texts in it are shared and
// immutable.
package metric
