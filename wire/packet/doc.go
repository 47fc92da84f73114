// Package packet finds the headers of one frame: [Parse] walks down through the link layer, VLAN tags, MPLS, PPPoE,
// IP and tunnels, and notes where each header begins and how long it is. [Outer] reads the 5-tuple of the outermost IP
// header, [DNSName] a domain name, and [Summary] counts what a capture holds.
//
// It works on whole frames and on the first bytes of one (sFlow sampled headers, snap lengths): what was not captured
// is not guessed. It is not for reading capture files (package capture does that), not for reassembling fragments or
// TCP streams, and not for naming fields of the flow language (package wire does that). It is pure, and apart from
// Summary it allocates nothing.
//
// How far a header is believed. A header that was cut by the end of the captured bytes is listed with the length that
// was captured, and nothing behind it is looked for (Headers.Truncated). The length that an IP, UDP or 802.3 header
// tells bounds everything inside, so that the padding of short frames and a trailing FCS are nobody's payload; a
// header that does not fit in there is Headers.Malformed. Headers.L3Off and Headers.L3Len speak of an IP header whose
// fixed part (20 or 40 bytes) was captured.
//
// Memory: Parse keeps nothing of the frame; Headers holds offsets only and belongs to the caller. Functions that return
// slices of a frame say so; those borrow from it.
package packet
