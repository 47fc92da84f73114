// Package netflow reads and writes flow exports: NetFlow v1, v5, v7, v9 (RFC 3954) and IPFIX (RFC 7011). A [Decoder]
// remembers what an exporter must be remembered by (templates, sampling rates, names, sequence numbers, the start of
// its clock), all of it bounded and counted; a [Builder] writes datagrams. [ElementName] and [AppendElement] show
// information elements to people.
//
// It is not for deciding what a record counts for (package wire scales it and makes it a schema.Record), nor for
// reading packet sections (package wire/packet), nor for sockets. It is pure: the time is what the caller says it is.
//
// Memory: a Record, its Body and its Slots belong to the Decoder or to the datagram and live until the callback that
// got them returns. A Template never changes once a record has shown it, so it may be kept.
package netflow
