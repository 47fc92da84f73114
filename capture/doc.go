// Package capture gets frames: out of pcap and pcapng files ([Open], [File]), off a live Linux interface
// ([OpenLive], [Live]), and it finds the telemetry datagrams that frames carry ([Extractor]). [Writer] makes pcap
// files for tests and simulated networks.
//
// It is not for looking into frames (package wire/packet does that); Extractor walks no further than it must to find
// UDP of the outermost IP header. It starts no goroutine and writes no log line: callers read the counters.
//
// Memory: the bytes of a [Frame] and of a [Datagram] belong to the object that filled it in and live until its next
// call. Whoever keeps them copies them. After warming up nothing is allocated per frame; what a file, an interface or
// a stream of fragments can make the package hold is bounded.
package capture
