package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/netflow"
)

// NetflowCount counts data records of one IP protocol, unscaled.
type NetflowCount struct {
	Records uint64 `json:"records"`
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
}

// NetflowSummary counts what NetFlow and IPFIX datagrams hold, as sent: nothing is multiplied by a sampling rate. Bytes
// are those of element 1, else of 85, per record, and packets those of 2, else of 86, so that it can be held against
// the summaries of other tools. The zero value is ready. It keeps every distinct host and 5-tuple, up to some four
// million of each; Capped tells when there were more.
type NetflowSummary struct {
	Records             uint64 `json:"data_records"`
	OptionsRecords      uint64 `json:"options_records"`
	SetsWithoutTemplate uint64 `json:"sets_without_template"` // set by Finish
	Bytes               uint64 `json:"flow_bytes_unscaled"`
	Packets             uint64 `json:"flow_packets_unscaled"`
	// Protocols counts by decimal protocol number; records without one are under "None".
	Protocols map[string]*NetflowCount `json:"by_protocol"`
	Tuples    uint64                   `json:"distinct_5tuples"` // of records with addresses, each direction its own
	HostCount uint64                   `json:"host_count"`       // distinct source and destination addresses
	Capped    bool                     `json:"capped,omitempty"`

	byProto [257]*NetflowCount // by protocol number; 256 is none
	hosts   map[netflowHost]struct{}
	tuples  map[netflowTuple]struct{}
}

// netflowHost is an address together with its IP version, 0 when none was sent: the zero address is also "::", and an
// IPv4 address also one that IPv6 maps.
type netflowHost struct {
	addr    schema.Addr
	version uint8
}

type netflowTuple struct {
	src, dst         netflowHost
	srcPort, dstPort uint16
	proto            uint8
	has              netflow.Presence
}

// Add counts one record; it keeps nothing of it.
func (s *NetflowSummary) Add(r *netflow.Record) {
	if r.Options {
		s.OptionsRecords++
		return
	}
	bytes := firstNumber(r, 1, 85)
	packets := firstNumber(r, 2, 86)
	s.Records++
	s.Bytes += bytes
	s.Packets += packets
	c := s.protocol(r)
	c.Records++
	c.Bytes += bytes
	c.Packets += packets
	s.addEnds(r)
}

// Finish takes from the books of the decoder what no record tells.
func (s *NetflowSummary) Finish(books netflow.Stats) {
	s.SetsWithoutTemplate = books.SetsWithoutTemplate
}

// firstNumber returns the value of one element, or, when the record does not have it, of another.
func firstNumber(r *netflow.Record, id, other uint16) uint64 {
	if b := r.Part(0, id); b == nil {
		id = other
	}
	n, _ := r.Number(0, id)
	return n
}

func (s *NetflowSummary) protocol(r *netflow.Record) *NetflowCount {
	i, name := 256, "None"
	if r.Has&netflow.HasProto != 0 {
		i = int(r.Proto)
	}
	if s.byProto[i] == nil {
		if i < 256 {
			name = strconv.Itoa(i)
		}
		if s.Protocols == nil {
			s.Protocols = map[string]*NetflowCount{}
		}
		s.byProto[i] = &NetflowCount{}
		s.Protocols[name] = s.byProto[i]
	}
	return s.byProto[i]
}

func (s *NetflowSummary) addEnds(r *netflow.Record) {
	var src, dst netflowHost
	if r.Has&netflow.HasSrc != 0 {
		src = netflowHost{r.Src, r.IPv}
	}
	if r.Has&netflow.HasDst != 0 {
		dst = netflowHost{r.Dst, r.IPv}
	}
	if src.version == 0 && dst.version == 0 {
		return
	}
	if s.hosts == nil {
		s.hosts, s.tuples = map[netflowHost]struct{}{}, map[netflowTuple]struct{}{}
	}
	if len(s.hosts) >= summaryKeys || len(s.tuples) >= summaryKeys {
		s.Capped = true
		return
	}
	for _, h := range [...]netflowHost{src, dst} {
		if h.version != 0 {
			s.hosts[h] = struct{}{}
		}
	}
	s.tuples[netflowTuple{src, dst, r.SrcPort, r.DstPort, r.Proto,
		r.Has & (netflow.HasPorts | netflow.HasProto)}] = struct{}{}
	s.HostCount, s.Tuples = uint64(len(s.hosts)), uint64(len(s.tuples))
}
