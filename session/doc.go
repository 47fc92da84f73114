// Package session stitches what is seen of traffic into conversations: one [Session] for both directions of a 5-tuple
// at one exporter, with its ends A and Z (Z has the lower port), counts of each direction, TCP state, handshake time
// and segments sent again (shared/spec/trisul.md section 2).
//
// A [Table] is one lane's: it observes captured frames, packet samples and flow records, ends sessions that were closed
// or fell silent, reports long ones in between, and gathers the frames of one tick into few records ([Table.Moved]), so
// that flows and counter groups need not see every frame. [Merge] joins what the lanes ended. [Query] is a search for
// sessions, for live ones and for stored ones alike.
//
// It is not for keeping sessions (store), for ranking them (trackers), nor for reassembling streams. It is pure: no
// goroutine, lock, clock, file or log line; time comes with the records and with [Table.Advance].
//
// Memory: a Table owns its sessions and bounds them ([Config.Max]); it keeps nothing of a record. A [Partial] is the
// receiver's. What [Table.Moved], [Table.Edges] and [Table.Live] yield is the Table's, valid during the call.
package session
