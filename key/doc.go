// Package key is the forms that keys of counter groups have: binary in memory ([Form] says of which kinds), raw in
// tables and interfaces of machines ("C0.A8.01.02", "p-0016"), and readable for people ("192.168.1.2", "Port-22").
// It also reads lists and ranges of keys as people write them in filters and rules ([Set]).
//
// The raw forms are those of shared/spec/trisul.md section 1.6. They sort as the binary forms do, among keys of the
// same kind and length; only AS numbers, which are decimal, do not.
//
// It is not for counting by keys (meter), for labels of keys, nor for names of hosts. It is pure: no goroutine, lock,
// clock, file or log line.
//
// Memory: nothing is kept of what is passed in. Append functions allocate only when dst is too small; the other
// functions return memory that is the caller's. A [Set] never changes and may be used by any number of goroutines.
package key
