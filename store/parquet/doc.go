// Package parquet is the embedded long memory: immutable Parquet parts in one directory, asked through DuckDB.
//
// Under DIR stand manifest (which parts live, and up to which batch of each node they reach), lock, and
// parts/TABLE/WHEN with the parts of one hour (UTC) or, for small tables, one day. A part is written under a temporary
// name, synced, renamed, and lives from the moment that the manifest names it; the manifest itself is replaced by one
// rename. So a crash at any moment leaves the old manifest or the new one, and what neither names is removed at the
// next start.
//
// Rows that were kept but not flushed stand in the tail, blocks in memory that queries see like parts. Parts are
// written and merged by parquet-go, column by column and in the order of schema.Table.Order; they are read by DuckDB,
// over exactly the parts that the manifest names and that the asked time touches. This is the only room that needs
// cgo.
//
// It does not know what rows mean (packages meter and session do), when to flush, roll up or forget (store.Keeper
// does), and it answers no HTTP.
//
// Memory: blocks given to Keep belong to the store and are never changed; blocks that Scan and SQL yield belong to the
// caller. A query holds on to the parts it reads: they are unlinked when the last such query is over.
package parquet
