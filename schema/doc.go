// Package schema is the vocabulary of the house: what traffic looks like inside ([Record]), what a counter sample
// looks like ([Reading]), what can be known of a record by name ([Field]), and the [Compiler] that turns the text of
// the flow language (keys, key functions, values, filters) into closures.
//
// It is not for decoding (package wire does that), nor for counting (flow, metric), nor for knowing who an address is
// (enrich). It is pure: no goroutine, lock, clock, file or log line.
//
// Memory: a Record, and every slice in it, belongs to the decoder that made it and lives until the callback that
// received it returns. A Value may borrow bytes from the record it was read from or from the scratch of the compiled
// expression that made it; it lives until that expression runs again. Whoever keeps either copies it.
package schema
