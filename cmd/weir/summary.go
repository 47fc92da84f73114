package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"weir/capture"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/packet"
)

// summary counts what an input holds, as sent: nothing is multiplied but what says so.
type summary struct {
	Telemetry *telemetryCounts     `json:"telemetry,omitempty"`
	SFlow     *wire.SFlowSummary   `json:"sflow,omitempty"`
	Netflow   *wire.NetflowSummary `json:"netflow,omitempty"`
	Packets   *packet.Summary      `json:"packets,omitempty"`

	decoder *netflow.Decoder
}

// telemetryCounts counts UDP payloads of telemetry.
type telemetryCounts struct {
	Datagrams uint64            `json:"datagrams"`
	Malformed uint64            `json:"malformed"`     // not readable, or not to the end
	Cut       uint64            `json:"cut,omitempty"` // not looked into: the capture kept only a part of them
	ByVersion map[string]uint64 `json:"by_version"`    // by what the first bytes say, malformed ones too
}

// newSummary returns a summary in which data sets wait up to hold for their template; 0: they are counted only.
func newSummary(hold time.Duration) *summary {
	return &summary{decoder: netflow.New(netflow.Config{Hold: hold})}
}

func (s *summary) counts() *telemetryCounts {
	if s.Telemetry == nil {
		s.Telemetry = &telemetryCounts{ByVersion: map[string]uint64{}}
	}
	return s.Telemetry
}

func (s *summary) telemetry(d *wire.Datagram) error {
	t := s.counts()
	t.Datagrams++
	v := wire.Sniff(d.Data)
	if v == wire.VersionUnknown {
		t.Malformed++
		return nil
	}
	t.ByVersion[v.String()]++
	if s.add(v, d) != nil {
		t.Malformed++
	}
	return nil
}

func (s *summary) add(v wire.Version, d *wire.Datagram) error {
	if v <= wire.SFlow5 {
		if s.SFlow == nil {
			s.SFlow = &wire.SFlowSummary{}
		}
		return s.SFlow.Add(d.Data)
	}
	if s.Netflow == nil {
		s.Netflow = &wire.NetflowSummary{}
	}
	before := damage(s.decoder.Stats())
	err := s.decoder.Decode(d.At, d.From, d.Data, s.Netflow.Add)
	after := s.decoder.Stats()
	s.Netflow.Finish(after)
	if err == nil && damage(after) > before {
		err = errDamaged
	}
	return err
}

// errDamaged is the error of a datagram that was read in part.
var errDamaged = errors.New("decode: a part of the datagram could not be read")

// damage counts what kept a decoder from reading datagrams to their end. Bytes behind the last set are filling.
func damage(s netflow.Stats) (n uint64) {
	for _, r := range [...]netflow.Reason{netflow.ReasonCount, netflow.ReasonMessageLength, netflow.ReasonSetLength,
		netflow.ReasonTemplate, netflow.ReasonRecord} {
		n += s.ByReason[r]
	}
	return n
}

func (s *summary) cut(*wire.Datagram) error {
	s.counts().Datagrams++
	s.Telemetry.Cut++
	return nil
}

func (s *summary) frame(fr *capture.Frame) error {
	if s.Packets == nil {
		s.Packets = &packet.Summary{}
	}
	s.Packets.Add(fr.Link, fr.Data, fr.Length)
	return nil
}

// write prints the summary: as one JSON object, or for people.
func (s *summary) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if s.Telemetry != nil {
		s.Telemetry.print(t)
	}
	if s.SFlow != nil {
		printSFlow(t, s.SFlow)
	}
	if s.Netflow != nil {
		printNetflow(t, s.Netflow)
	}
	if s.Packets != nil {
		printPackets(t, s.Packets)
	}
	if s.Telemetry == nil && s.Packets == nil {
		fmt.Fprintln(t, "nothing: no telemetry and no frames")
	}
	return t.Flush()
}

func (t *telemetryCounts) print(w io.Writer) {
	fmt.Fprintf(w, "telemetry\ndatagrams\t%d\nmalformed\t%d\ncut\t%d\n", t.Datagrams, t.Malformed, t.Cut)
	printCounts(w, "version", t.ByVersion)
}

func printSFlow(w io.Writer, s *wire.SFlowSummary) {
	fmt.Fprintln(w, "\nsFlow")
	printCounts(w, "samples", s.Samples)
	printCounts(w, "flow records", s.FlowRecords)
	printCounts(w, "counter records", s.CounterRecords)
	printCounts(w, "discard records", s.DiscardRecords)
	for _, p := range slices.SortedFunc(maps.Keys(s.IPProtocols), byNumber) {
		c := s.IPProtocols[p]
		fmt.Fprintf(w, "IP protocol %s\t%d samples, %d packets, %d bytes\n", p, c.Samples, c.ScaledPackets,
			c.ScaledBytes)
	}
	fmt.Fprintf(w, "scaled\t%d packets, %d bytes\nhosts\t%d\n5-tuples\t%d\n", s.ScaledPackets, s.ScaledBytes,
		s.HostCount, s.Tuples)
}

func printNetflow(w io.Writer, s *wire.NetflowSummary) {
	fmt.Fprintf(w, "\nNetFlow and IPFIX\nrecords\t%d\noptions records\t%d\nsets without template\t%d\n", s.Records,
		s.OptionsRecords, s.SetsWithoutTemplate)
	for _, p := range slices.SortedFunc(maps.Keys(s.Protocols), byNumber) {
		c := s.Protocols[p]
		fmt.Fprintf(w, "IP protocol %s\t%d records, %d packets, %d bytes\n", p, c.Records, c.Packets, c.Bytes)
	}
	fmt.Fprintf(w, "as sent\t%d packets, %d bytes\nhosts\t%d\n5-tuples\t%d\n", s.Packets, s.Bytes,
		s.HostCount, s.Tuples)
}

func printPackets(w io.Writer, s *packet.Summary) {
	fmt.Fprintf(w, "\npackets\nframes\t%d packets, %d bytes\n", s.Packets, s.WireBytes)
	for _, p := range slices.Sorted(maps.Keys(s.EtherTypes)) {
		fmt.Fprintf(w, "ethertype %s\t%d packets, %d bytes\n", p, s.EtherTypes[p].Packets, s.EtherTypes[p].Bytes)
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.IPProtocols), byNumber) {
		fmt.Fprintf(w, "IP protocol %s\t%d packets, %d bytes\n", p, s.IPProtocols[p].Packets, s.IPProtocols[p].Bytes)
	}
	f := s.Flags
	fmt.Fprintf(w, "flags\t%d SYN, %d SYN+ACK, %d RST, %d FIN\nfragments\t%d\n", f.SYN, f.SYNACK, f.RST, f.FIN,
		f.IPFragments)
	fmt.Fprintf(w, "conversations\t%d TCP, %d UDP\nhosts\t%d\n", s.Conversations.TCP, s.Conversations.UDP, s.HostCount)
}

func printCounts(w io.Writer, what string, counts map[string]uint64) {
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s %s\t%d\n", what, k, counts[k])
	}
}

// byNumber orders decimal numbers by their value, what is no number last.
func byNumber(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
