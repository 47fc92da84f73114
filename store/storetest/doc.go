// Package storetest holds what tests of stores share: the contract that every store.Store keeps (Run), a store that is
// nothing but that contract (Memory), made-up rows for all tables, and a disk that can be cut off at any operation
// (CrashDisk).
//
// It is only for tests. Blocks that it makes belong to the caller.
package storetest
