package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

// The formats of load.
const (
	formatSFlow   = "sflow"
	formatV5      = "v5"
	formatV9      = "v9"
	formatIPFIX   = "ipfix"
	formatPackets = "packets"
)

var loadFormats = [...]string{formatSFlow, formatV5, formatV9, formatIPFIX, formatPackets}

const (
	benchPayload   = 1400 // bytes of a datagram, so that it fits a usual path
	benchTemplates = 256  // datagrams of an exporter between two of its templates
	benchBegin     = 1_767_225_600 * schema.Instant(time.Second)
	// benchPace is how many records a load stands for in a second of its own time.
	benchPace = 200_000
)

// benchLoad is datagrams that are ready to be sent again and again, and what is in them.
type benchLoad struct {
	format    string
	datagrams []wire.Datagram
	counts    []uint16 // what each adds to its exporter's sequence number
	exporters []uint8  // whose each is
	numbers   [benchExporters]uint32
	samples   [benchExporters][benchPorts]uint32 // sequence numbers of sFlow samples

	records, web   uint64 // in one round; of these those that the filter of definition web lets pass
	octets, frames uint64 // of all records, scaled by their sampling rates
	data           []byte // of all datagrams
}

// load builds a load; the empty format gives an empty one.
func (b *bench) load(format string) (*benchLoad, error) { return newBenchLoad(format, b.size.records) }

func newBenchLoad(format string, records int) (*benchLoad, error) {
	l := &benchLoad{format: format}
	if format == "" {
		return l, nil
	}
	t := newBenchTraffic()
	// It grows in place: nothing may point into it before it is whole.
	var ends []int
	var err error
	switch format {
	case formatSFlow:
		ends = l.buildSFlow(t, records)
	case formatPackets:
		ends = l.buildFrames(t, records)
	default:
		ends, err = l.buildFlows(t, format, records)
	}
	begin := 0
	for i, end := range ends {
		l.datagrams[i].Data = l.data[begin:end:end]
		begin = end
	}
	return l, err
}

// add notes a datagram whose bytes are at the end of the data.
func (l *benchLoad) add(exporter, counts int, d wire.Datagram) {
	d.From, d.Port = benchExporter(exporter), 6343
	l.datagrams = append(l.datagrams, d)
	l.exporters = append(l.exporters, uint8(exporter))
	l.counts = append(l.counts, uint16(counts))
}

// count notes a record.
func (l *benchLoad) count(f *benchFlow, octets, frames uint64) {
	l.records++
	l.octets += octets
	l.frames += frames
	if f.web() {
		l.web++
	}
}

// buildSFlow builds datagrams of 7 to 10 samples with raw headers, as many as fit.
func (l *benchLoad) buildSFlow(t *benchTraffic, records int) (ends []int) {
	var b sflow.Builder
	buf, frame := make([]byte, 0, 1<<12), make([]byte, 0, benchHeader)
	for x := 0; l.records < uint64(records); x = (x + 1) % benchExporters {
		b.Start(buf, sflow.Head{Agent: benchExporter(x), Uptime: 3_600_000})
		for b.Len() < benchPayload-benchHeader {
			f, length := t.pick(x), t.frameLength()
			port := uint32(t.rng.IntN(benchPorts))
			b.FlowSample(&sflow.Sample{
				Index: port + 1, Rate: benchRate, In: schema.Port{Value: port + 1},
				Out: schema.Port{Value: (port+1)%benchPorts + 1},
			}, sflow.Compact)
			frame = f.appendFrame(frame[:0], length, benchHeader)
			b.Header(&sflow.Header{Protocol: 1, Length: length, Stripped: 4, Bytes: frame})
			l.count(f, uint64(length)*benchRate, benchRate)
		}
		l.data = append(l.data, b.Bytes()...)
		ends = append(ends, len(l.data))
		l.add(x, 1, wire.Datagram{})
	}
	return ends
}

// buildFrames builds captured frames, cut to what a snap length of 128 bytes leaves.
func (l *benchLoad) buildFrames(t *benchTraffic, records int) (ends []int) {
	for l.records < uint64(records) {
		x := t.rng.IntN(benchExporters)
		f, length := t.pick(x), t.frameLength()-4 // captures have no FCS
		l.data = f.appendFrame(l.data, length+4, benchHeader)
		ends = append(ends, len(l.data))
		l.add(0, 1, wire.Datagram{Frame: true, Link: schema.LinkEthernet, Interface: 1, Length: length})
		l.count(f, uint64(length), 1)
	}
	return ends
}

// flowFields are what the templates of v9 and IPFIX have. Lengths are those that exporters use most.
func flowFields(format string) []netflow.Field {
	counter, start, end, moment := uint16(4), uint16(22), uint16(21), uint16(4) // v9: uptime, ms
	if format == formatIPFIX {
		counter, start, end, moment = 8, 152, 153, 8 // ms since 1970
	}
	return []netflow.Field{
		{Element: 8, Length: 4}, {Element: 12, Length: 4}, {Element: 15, Length: 4}, {Element: 10, Length: 4},
		{Element: 14, Length: 4}, {Element: 2, Length: counter}, {Element: 1, Length: counter},
		{Element: start, Length: moment}, {Element: end, Length: moment}, {Element: 7, Length: 2},
		{Element: 11, Length: 2}, {Element: 6, Length: 1}, {Element: 4, Length: 1}, {Element: 5, Length: 1},
		{Element: 16, Length: 4}, {Element: 17, Length: 4}, {Element: 9, Length: 1}, {Element: 13, Length: 1},
		{Element: 61, Length: 1},
	}
}

// flowLoad builds NetFlow and IPFIX datagrams.
type flowLoad struct {
	format   string
	template *netflow.Template // nil for v5
	layout   *netflow.Template
	builders [benchExporters]*netflow.Builder
	values   []schema.Value
	most     int // records of a datagram
	src, dst [4]byte
	hop      [4]byte
}

func newFlowLoad(format string) (*flowLoad, error) {
	version := map[string]uint16{formatV5: netflow.V5, formatV9: netflow.V9, formatIPFIX: netflow.IPFIX}[format]
	b := &flowLoad{format: format, layout: netflow.V5Template(), most: 30}
	if format != formatV5 {
		t, err := netflow.NewTemplate(256, false, 0, flowFields(format)...)
		if err != nil {
			return nil, fmt.Errorf("BUG: bench: %w", err)
		}
		b.template, b.layout = t, t
		b.most = (benchPayload - 20) / t.Size
	}
	b.values = make([]schema.Value, len(b.layout.Fields))
	for x := range b.builders {
		var err error
		if b.builders[x], err = netflow.NewBuilder(version, uint32(x)); err != nil {
			return nil, fmt.Errorf("BUG: bench: %w", err)
		}
	}
	return b, nil
}

// record fills in the values of one record of a flow.
func (b *flowLoad) record(f *benchFlow, port, octets, frames uint64) []schema.Value {
	binary.BigEndian.PutUint32(b.src[:], f.src)
	binary.BigEndian.PutUint32(b.dst[:], f.dst)
	v := b.values
	v[0].SetIP(b.src[:])
	v[1].SetIP(b.dst[:])
	b.hop = [4]byte{192, 0, 2, byte(port + 1)} // routers are few
	v[2].SetIP(b.hop[:])
	start, end := uint64(3_598_000), uint64(3_599_000)
	if b.format == formatIPFIX {
		now := uint64(benchBegin.Millis())
		start, end = now-2000, now-1000
	}
	for i, n := range []uint64{port + 1, (port+1)%benchPorts + 1, frames, octets, start, end, uint64(f.srcPort),
		uint64(f.dstPort), 0x1b, uint64(f.proto), 0, 64_500, 64_501, 16, 16, 0} {
		if i+3 < len(v) {
			v[i+3].SetUint(n)
		}
	}
	return v
}

// buildFlows builds datagrams as full as they can be: 30 records of v5.
func (l *benchLoad) buildFlows(t *benchTraffic, format string, records int) (ends []int, err error) {
	b, err := newFlowLoad(format)
	if err != nil {
		return nil, err
	}
	var sent [benchExporters]int
	for x := 0; l.records < uint64(records); x = (x + 1) % benchExporters {
		w, n := b.builders[x], b.most
		w.Begin(netflow.Header{Export: benchBegin, Uptime: 3_600_000})
		if b.template != nil && sent[x]%benchTemplates == 0 {
			if err := w.Template(b.template); err != nil {
				return nil, fmt.Errorf("BUG: bench: %w", err)
			}
			n -= 3 // it takes their place
		}
		sent[x]++
		for range n {
			f, frames := t.pick(x), uint64(1+t.rng.IntN(20))
			octets := frames * uint64(t.frameLength()-18)
			w.Record(b.layout, b.record(f, uint64(t.rng.IntN(benchPorts)), octets, frames)...)
			l.count(f, octets, frames)
		}
		d, err := w.Datagram()
		if err != nil {
			return nil, fmt.Errorf("BUG: bench: %w", err)
		}
		l.data = append(l.data, d...)
		ends = append(ends, len(l.data))
		counts := n
		if format == formatV9 {
			counts = 1 // it numbers datagrams, the others records
		}
		l.add(x, counts, wire.Datagram{})
	}
	return ends, nil
}

// sequenceAt says where the sequence number of a datagram is.
func (l *benchLoad) sequenceAt() int {
	switch l.format {
	case formatSFlow:
		return 16
	case formatV5:
		return 16
	case formatV9:
		return 12
	case formatIPFIX:
		return 8
	}
	return -1
}

// renumber gives datagram i the next sequence number of its exporter, so that it is not taken for a copy.
func (l *benchLoad) renumber(i int) {
	at := l.sequenceAt()
	if at < 0 {
		return
	}
	n := &l.numbers[l.exporters[i]]
	if l.format == formatSFlow {
		renumberSamples(l.datagrams[i].Data, &l.samples[l.exporters[i]])
		*n++ // numbers of sFlow begin with 1
	}
	binary.BigEndian.PutUint32(l.datagrams[i].Data[at:], *n)
	if l.format != formatSFlow {
		*n += uint32(l.counts[i])
	}
}

// renumberSamples gives the samples of an sFlow datagram of the benchmark the next numbers of their interfaces.
func renumberSamples(b []byte, numbers *[benchPorts]uint32) {
	const (
		head     = 28 // bytes of a datagram before its samples
		sequence = 8  // from where a sample begins, its type and length included
		index    = 12
		pool     = 20
	)
	for at := head; at+pool+4 <= len(b); at += 8 + int(binary.BigEndian.Uint32(b[at+4:])) {
		n := &numbers[(binary.BigEndian.Uint32(b[at+index:])-1)%benchPorts]
		*n++
		binary.BigEndian.PutUint32(b[at+sequence:], *n)
		binary.BigEndian.PutUint32(b[at+pool:], *n*benchRate)
	}
}

// renumberAll makes the load ready for another round.
func (l *benchLoad) renumberAll() {
	for i := range l.datagrams {
		l.renumber(i)
	}
}
