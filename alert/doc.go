// Package alert is rules on meters of counter groups: a [Rule] watches one meter at keys of one group, a [Book] puts
// every closed bucket before the rules in force and says when one fired and when it cleared again ([Alert]).
//
// A threshold rule has an upper limit that must be passed for a number of buckets, and a lower one below which it must
// then stay to be cleared (shared/spec/trisul.md section 1.9). A band rule has two limits that a value should stay
// between: fixed ones, or ones learned from the same time of yesterday or of the same weekday.
//
// It is not for thresholds on flows and metrics as they happen (event), for counting (meter), nor for telling anyone
// (engine, api). It is pure: no goroutine, lock, clock, file or log line; time is that of the buckets.
//
// Memory: a [Book] has one owner. It borrows rules, which may not change once in force, and copies the keys it keeps;
// how many those are is bounded by [Limits]. Alerts are copies and the receiver's.
package alert
