package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/packet"
	"weir/wire/sflow"
)

// summaryKeys bounds how many distinct hosts and 5-tuples an SFlowSummary remembers, each.
const summaryKeys = 4 << 20

// SFlowCount counts flow samples of packets.
type SFlowCount struct {
	Samples       uint64 `json:"samples"`        // as they came
	ScaledPackets uint64 `json:"scaled_packets"` // each times its own sampling rate
	ScaledBytes   uint64 `json:"scaled_bytes"`   // length of each times its own sampling rate
}

// SFlowSummary counts what sFlow datagrams hold. Structures are counted by "enterprise:format"; those of versions 2 and
// 4, which have no such numbers, by "v2v4 HEADER" and so on, and their counter blocks together as "v2v4". Samples of
// transactions have no size and are in no total of packets or bytes, and discards are in none. The zero value is ready.
// It keeps every distinct host and 5-tuple, up to about four million of each; Capped tells when there were more.
type SFlowSummary struct {
	Datagrams uint64            `json:"-"` // whole or damaged, all that Add was given
	Malformed uint64            `json:"-"` // those that Add returned an error for
	ByVersion map[string]uint64 `json:"-"` // those with a good header: "sflow5", "sflow4", "sflow2"

	Samples        map[string]uint64 `json:"samples_by_type"`
	FlowRecords    map[string]uint64 `json:"flow_records_by_type"`
	CounterRecords map[string]uint64 `json:"counter_records_by_type"`
	DiscardRecords map[string]uint64 `json:"discard_records_by_type"`
	ScaledPackets  uint64            `json:"scaled_packets"` // sampling rates of the samples that have a size
	// ScaledBytes adds the frame length of sampled headers, else the length of sampled_ethernet, else that of
	// sampled_ipv4 or sampled_ipv6, each times the rate of its sample.
	ScaledBytes uint64 `json:"scaled_bytes"`
	// IPProtocols counts by decimal protocol number of the outermost IP header; in IPv6 that behind the extensions.
	IPProtocols map[string]*SFlowCount `json:"ip_protocols"`
	Tuples      uint64                 `json:"distinct_5tuples"` // of the outermost IP header, each direction its own
	HostCount   uint64                 `json:"host_count"`       // distinct source and destination addresses
	Capped      bool                   `json:"capped,omitempty"`

	d       sflow.Datagram
	s       sflow.Sample
	headers schema.Headers
	hosts   map[schema.Addr]struct{}
	tuples  map[tuple]struct{}
}

// tuple is one direction of a conversation.
type tuple struct {
	src, dst         schema.Addr
	srcPort, dstPort uint16
	proto            uint8
}

// Add counts one datagram; it keeps nothing of b. An error says what was wrong and where: samples before the damage are
// counted all the same.
func (s *SFlowSummary) Add(b []byte) error {
	if s.hosts == nil {
		s.start()
	}
	s.Datagrams++
	if err := s.d.Parse(b); err != nil {
		s.Malformed++
		return err
	}
	s.ByVersion["sflow"+strconv.Itoa(int(s.d.Version))]++
	for {
		ok, err := s.d.Next(&s.s)
		if err != nil {
			s.Malformed++
			return err
		}
		if !ok {
			return nil
		}
		s.sample()
	}
}

func (s *SFlowSummary) start() {
	s.ByVersion, s.Samples = map[string]uint64{}, map[string]uint64{}
	s.FlowRecords, s.CounterRecords = map[string]uint64{}, map[string]uint64{}
	s.DiscardRecords, s.IPProtocols = map[string]uint64{}, map[string]*SFlowCount{}
	s.hosts, s.tuples = map[schema.Addr]struct{}{}, map[tuple]struct{}{}
}

func (s *SFlowSummary) sample() {
	s.Samples[structureLabel(s.s.Record)]++
	switch s.s.Kind {
	case sflow.FlowSample:
		s.count(s.FlowRecords)
		s.traffic()
	case sflow.CounterSample:
		s.count(s.CounterRecords)
	case sflow.Discard:
		s.count(s.DiscardRecords)
	}
}

func (s *SFlowSummary) count(by map[string]uint64) {
	for _, r := range s.s.Records {
		switch {
		case s.d.Version == 5:
			by[structureLabel(r)]++
		case s.s.Kind == sflow.CounterSample:
			by["v2v4"]++
		default:
			by["v2v4 "+legacyLabels[r.Format]]++
		}
	}
}

func structureLabel(r sflow.Record) string {
	return strconv.Itoa(int(r.Enterprise)) + ":" + strconv.Itoa(int(r.Format))
}

// legacyLabels names the flow structures of versions 2 and 4 by the numbers of the same structures in version 5.
var legacyLabels = map[uint32]string{1: "HEADER", 3: "IPV4", 4: "IPV6", 1001: "SWITCH", 1002: "ROUTER", 1003: "GATEWAY",
	1004: "USER", 1005: "URL"}

// traffic counts a flow sample that describes a packet.
func (s *SFlowSummary) traffic() {
	length, sized := s.length()
	if !sized {
		return
	}
	rate := uint64(s.s.Rate)
	s.ScaledPackets += rate
	s.ScaledBytes += rate * uint64(length)
	f := s.flow()
	if f.IPv == 0 {
		return
	}
	if f.HasProto {
		c := s.protocol(f.Proto)
		c.Samples++
		c.ScaledPackets += rate
		c.ScaledBytes += rate * uint64(length)
	}
	s.see(&f)
}

// length returns the size of the sampled packet, by the record that says it best.
func (s *SFlowSummary) length() (length uint32, ok bool) {
	best := 4
	for _, r := range s.s.Records {
		rank, at := 4, 0
		switch {
		case r.Enterprise != 0 && r.Enterprise != sflow.EnterpriseV2 && r.Enterprise != sflow.EnterpriseV4:
		case r.Format == 1:
			rank, at = 0, 1
		case r.Format == 2:
			rank = 1
		case r.Format == 3:
			rank = 2
		case r.Format == 4:
			rank = 3
		}
		if rank >= best {
			continue
		}
		if n, has := sflow.U32(s.d.Bytes(r), at); has {
			length, best = n, rank
		}
	}
	return length, best < 4
}

// flow returns the flow of the outermost IP header in the sampled header, else that of sampled_ipv4 or sampled_ipv6.
func (s *SFlowSummary) flow() (f packet.Flow) {
	for _, r := range s.s.Records {
		body := s.d.Bytes(r)
		switch {
		case r.Format == 1 && (r.Enterprise == 0 || r.Enterprise >= sflow.EnterpriseV2):
			if h, ok := sflow.ParseHeader(r.Enterprise, body); ok {
				wire := h.Length - min(h.Stripped, h.Length)
				packet.Parse(&s.headers, packet.FromSFlow(h.Protocol), h.Bytes, wire)
				f = packet.Outer(&s.headers, h.Bytes)
			}
		case r.Enterprise == 0 && r.Format == 3:
			if p, ok := sflow.ParseIP4(body); ok && f.IPv == 0 {
				f = sampledIP(&p, 4)
			}
		case r.Enterprise == 0 && r.Format == 4:
			if p, ok := sflow.ParseIP6(body); ok && f.IPv == 0 {
				f = sampledIP(&p, 6)
			}
		}
	}
	return f
}

func sampledIP(p *sflow.IP, version uint8) packet.Flow {
	return packet.Flow{Src: schema.AddrFrom(p.Src), Dst: schema.AddrFrom(p.Dst), SrcPort: uint16(p.SrcPort),
		DstPort: uint16(p.DstPort), Proto: uint8(p.Protocol), TCPFlags: uint8(p.TCPFlags), IPv: version, HasProto: true,
		HasPorts: p.SrcPort|p.DstPort != 0}
}

func (s *SFlowSummary) protocol(n uint8) *SFlowCount {
	key := strconv.Itoa(int(n))
	c := s.IPProtocols[key]
	if c == nil {
		c = &SFlowCount{}
		s.IPProtocols[key] = c
	}
	return c
}

// see remembers the hosts and the 5-tuple of a flow.
func (s *SFlowSummary) see(f *packet.Flow) {
	t := tuple{src: f.Src, dst: f.Dst, proto: f.Proto}
	if f.HasPorts {
		t.srcPort, t.dstPort = f.SrcPort, f.DstPort
	}
	if len(s.hosts) >= summaryKeys || len(s.tuples) >= summaryKeys {
		s.Capped = true
		return
	}
	s.hosts[f.Src], s.hosts[f.Dst], s.tuples[t] = struct{}{}, struct{}{}, struct{}{}
	s.HostCount, s.Tuples = uint64(len(s.hosts)), uint64(len(s.tuples))
}
