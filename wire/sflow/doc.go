// Package sflow reads and writes sFlow datagrams: version 5 with compact and expanded samples, discarded packet
// notifications and custom samples, and the older versions 2 and 4.
//
// [Datagram] walks a datagram sample by sample and record by record without copying or allocating. The tables behind
// [FlowStructure] and [CounterStructure] say what is inside a record; [Structure.Walk] names every field of one,
// [Readings] turns counter samples into metrics, and the Parse functions give the records that flow keys come from as
// structs. [Builder] writes version 5 datagrams.
//
// It is not for decoding the sampled packet headers (wire/packet does that), for sequence gaps, or for rates and other
// derived metrics (package metric). It is pure: no goroutine, lock, clock, file or log line.
//
// Memory: everything that is read borrows from the bytes given to [Datagram.Parse]; texts of metrics borrow from them
// or from the [Readings] that rendered them and live until its next Append. The caller owns both, and the buffer that
// a Builder appends to.
//
// Versions 2 and 4 have no structure numbers. Their structures that are laid out as in version 5 appear under the
// numbers of version 5; the four that differ appear under the private enterprises [EnterpriseV2] and [EnterpriseV4],
// which cannot occur on the wire because an enterprise number there has 20 bits.
package sflow
