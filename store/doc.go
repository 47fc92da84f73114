// Package store is weir's long memory: the seam that every store answers (Store, Query, Cond), the journal that comes
// before any store, and the keeper that moves batches from the one into the other, rolls buckets up and forgets what is
// old.
//
// It is not a store itself (store/parquet is one), it does not meter (package meter) and it does not know of HTTP.
//
// Memory: blocks, slices and marks of a Batch belong to the store side from the moment they are handed over, and nobody
// changes them again; blocks that Scan and SQL yield belong to the caller. A Keeper, a Journal and a Store may be used
// from any goroutine.
package store
