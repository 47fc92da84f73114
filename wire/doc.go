// Package wire turns datagrams and frames into records and readings. It joins the syntax rooms (sflow, netflow,
// packet), keeps what an exporter must be remembered by (templates, sequence numbers, sampling rates), names every
// field that the flow language can ask a record for, and keeps the books of what came in.
//
// It is not for deciding what to count (flow, metric) and owns no socket or file (ingest, capture). It is pure.
//
// Memory: a Parcel owns its bytes and is reused; a Decoder owns the Record and the Reading that it hands to its
// callbacks and reuses them for the next one.
package wire
