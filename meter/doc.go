// Package meter is the room of counter groups: what each key of a group (a host, a port, a country) did in each bucket
// of time, which keys were the largest, and what all keys did together (spec trisul 1).
//
// A Board, one in each lane, counts records into the open page of every group. Its pages are handed over as slices
// every few seconds of event time. The one Ledger behind the lanes merges the slices into the open bucket of each
// group, closes buckets, folds them into topper buckets, and turns both into blocks for the store.
//
// The room is pure: it has no clock, no files and no goroutines; instants are arguments. It does not store, does not
// label keys, does not decide alerts.
//
// Memory: groups never change once they are complete, and everyone may keep them. A page has one owner; handing it
// over gives all of it away. The ledger never changes a page after it closed it, so closed pages may be read by
// anyone, at any time.
package meter
