// Package history answers questions about counter groups, conversations and alerts over time: what is counted right
// now and what memory keeps of the past, as one.
//
// It asks the engine's ledger and lanes for what is still open, and the store for what was kept, and merges both: time
// series of keys, toppers at a time and over a range, searches for keys, conversations, alerts. It picks the resolution
// by the length of the range, turns sums into rates, compares with an earlier period, and lets errors combine as
// independent errors do: variances add.
//
// It is not for HTTP (api, faces), for counting (meter), or for keeping (store). Without a store it answers from what
// is open alone.
//
// Memory: a History may be used from any goroutine; it holds no state of its own. Answers are made anew for each
// question and belong to the caller.
package history
