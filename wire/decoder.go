package wire

import (
	"errors"
	"net/netip"
	"slices"

	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/packet"
	"weir/wire/sflow"
)

// Rate is a sampling rate that is known from configuration, for exporters that do not tell theirs.
type Rate struct {
	Exporters netip.Prefix
	Rate      uint32 // one packet in Rate is seen
}

// Config bounds what a decoder remembers. The zero value of a number means its default.
type Config struct {
	Exporters   int // sFlow agents; default 10,000
	Datasources int // of one agent; default 100,000
	// AllDatasources bounds the datasources of all agents together, and SubAgents their sub-agents beyond the first of
	// each, so that senders who make up agents cannot take more memory than one who is honest; defaults 200,000 and
	// 16,384.
	AllDatasources, SubAgents int
	NetFlow                   netflow.Config
	Rates                     []Rate // the longest prefix that holds an exporter counts
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Exporters: 10_000, Datasources: 100_000, AllDatasources: 200_000, SubAgents: 16_384,
		NetFlow: netflow.Config{Hold: netflow.DefaultHold},
	}
}

// Decoder turns datagrams into records and readings for the exporters of one lane, and remembers what it must:
// templates, sequence numbers, sampling rates. Malformed input is counted by reason, never trusted, never fatal. One
// goroutine.
type Decoder struct {
	// Adapter is called, unless nil, for each MAC address that a host says is its own (sFlow host_adapters). mac is
	// borrowed.
	Adapter func(src schema.Source, mac []byte)
	// PortLabel is called, unless nil, when options data names an interface (element 82). name is borrowed.
	PortLabel func(exporter schema.Addr, index uint32, name []byte)

	config   Config
	books    Books
	unknowns map[schema.Tag]uint64

	agents    map[schema.Addr]*agent
	followed  int      // datasources of all agents
	subAgents int      // of all agents
	stranger  subAgent // stands for one that is not followed
	nextEvict schema.Instant
	nextNames schema.Instant
	// nextSender is nextEvict for senders of flow records.
	nextSender schema.Instant

	datagram sflow.Datagram
	sample   sflow.Sample
	readings sflow.Readings
	slots    []schema.Slot
	values   []schema.Metric

	netflow *netflow.Decoder
	totals  totals
	frames  map[frameKey]*Exporter

	headers schema.Headers
	rec     schema.Record
	reading schema.Reading
	onRec   func(*schema.Record)
	onRead  func(*schema.Reading)
	flowRec func(*netflow.Record)
	senders map[schema.Addr]*sender
	from    *sender  // of the NetFlow datagram in hand
	traffic *Traffic // of the exporter of the record in hand
}

// NewDecoder returns a decoder that knows no exporter yet.
func NewDecoder(c Config) *Decoder {
	d := DefaultConfig()
	if c.Exporters == 0 {
		c.Exporters = d.Exporters
	}
	if c.Datasources == 0 {
		c.Datasources = d.Datasources
	}
	if c.AllDatasources == 0 {
		c.AllDatasources = d.AllDatasources
	}
	if c.SubAgents == 0 {
		c.SubAgents = d.SubAgents
	}
	slices.SortFunc(c.Rates, func(a, b Rate) int { return b.Exporters.Bits() - a.Exporters.Bits() })
	dec := &Decoder{
		config: c, unknowns: map[schema.Tag]uint64{}, agents: map[schema.Addr]*agent{},
		frames: map[frameKey]*Exporter{}, senders: map[schema.Addr]*sender{}, netflow: netflow.New(c.NetFlow),
	}
	dec.flowRec = dec.flowRecord
	return dec
}

// Decode reads one datagram or frame and calls rec and read for what is in it, in its order. What they get is reused
// for the next call. It allocates nothing once it knows the exporter.
func (d *Decoder) Decode(dg *Datagram, rec func(*schema.Record), read func(*schema.Reading)) {
	d.books.Received++
	d.books.Bytes += uint64(len(dg.Data))
	d.onRec, d.onRead = rec, read
	if dg.Frame {
		d.frame(dg)
		return
	}
	v := Sniff(dg.Data)
	switch {
	case v == VersionUnknown:
		d.books.Malformed[MalformedVersion]++
	case v <= SFlow5:
		d.books.Versions[v]++
		d.sflow(dg)
	default:
		d.books.Versions[v]++
		d.flowDatagram(dg, v)
	}
}

// namesAge is how long the name of a custom metric is remembered without use, at least.
const namesAge = schema.Instant(5 * 60 * 1e9)

// Advance gives up what waited too long for its template, and names of custom metrics that nobody sends any more.
func (d *Decoder) Advance(at schema.Instant) {
	d.netflow.Advance(at)
	if at >= d.nextNames {
		d.nextNames = at + namesAge
		d.readings.Age()
	}
}

// Books returns what became of everything so far.
func (d *Decoder) Books() Books {
	b := d.books
	b.NetFlow = d.netflow.Stats()
	b.Unfollowed[UnfollowedCustomMetrics] = d.readings.Ignored
	return b
}

// frame makes a record of a captured frame.
func (d *Decoder) frame(dg *Datagram) {
	d.books.Frames++
	if len(dg.Data) == 0 {
		d.books.Malformed[MalformedFrame]++
		return
	}
	d.books.Decoded++
	d.books.Samples++
	d.books.FrameRecords++
	x := d.frameSource(dg)
	x.Datagrams++
	x.Records++
	x.Bytes += uint64(len(dg.Data))
	x.Last = dg.At
	d.traffic = &x.Traffic
	length := max(dg.Length, uint32(len(dg.Data)))
	packet.Parse(&d.headers, dg.Link, dg.Data, length)
	d.rec = schema.Record{
		At: dg.At, Start: dg.At, Last: dg.At, Kind: schema.KindFrame, Rate: 1, Length: length, Bytes: uint64(length),
		Packets: 1, Flows: 1, Direction: dg.Direction, Link: dg.Link, Header: dg.Data, Layers: &d.headers,
		Source: schema.Source{Exporter: dg.From, Index: dg.Interface},
	}
	if dg.Direction == schema.Egress {
		d.rec.Out.Value = dg.Interface
	} else {
		d.rec.In.Value = dg.Interface
	}
	d.outer(dg.Data)
	d.give()
}

// give hands the record in hand over and adds it to the totals of its exporter.
func (d *Decoder) give() {
	t := Traffic{d.rec.Bytes, d.rec.Packets}
	d.books.Traffic[d.rec.Kind].Add(t)
	if d.rec.Kind != schema.KindDiscard {
		d.traffic.Add(t)
	}
	d.onRec(&d.rec)
}

// outer fills in what the outermost IP header of the frame in d.headers says.
func (d *Decoder) outer(frame []byte) {
	f := packet.Outer(&d.headers, frame)
	r := &d.rec
	r.Src, r.Dst, r.SrcPort, r.DstPort = f.Src, f.Dst, f.SrcPort, f.DstPort
	r.Proto, r.TCPFlags, r.IPv = f.Proto, f.TCPFlags, f.IPv
	r.HasPorts, r.HasProto, r.ICMP = f.HasPorts, f.HasProto, f.ICMP
}

// frameKey names one captured interface.
type frameKey struct {
	from  schema.Addr
	index uint32
}

func (d *Decoder) frameSource(dg *Datagram) *Exporter {
	k := frameKey{dg.From, dg.Interface}
	x := d.frames[k]
	if x == nil && len(d.frames) >= d.config.Datasources {
		k = frameKey{from: dg.From} // a file may name any number of interfaces: those past the cap count together
		x = d.frames[k]
	}
	if x == nil {
		x = &Exporter{Address: dg.From, First: dg.At, Domains: 1, Kind: "frames", Rate: 1}
		d.frames[k] = x
	}
	return x
}

// Exporters returns a snapshot of what is known of every exporter, by address. The caller owns the slice; what the
// exporters in it refer to never changes.
func (d *Decoder) Exporters() []Exporter {
	out := make([]Exporter, 0, len(d.agents)+len(d.senders)+1)
	for _, a := range d.agents {
		out = append(out, a.snapshot())
	}
	byFrom := map[schema.Addr]*Exporter{}
	for _, f := range d.frames {
		x := byFrom[f.Address]
		if x == nil {
			c := *f
			byFrom[f.Address] = &c
			continue
		}
		x.Domains++
		x.First, x.Last = min(x.First, f.First), max(x.Last, f.Last)
		x.Datagrams, x.Bytes, x.Records = x.Datagrams+f.Datagrams, x.Bytes+f.Bytes, x.Records+f.Records
		x.Traffic.Add(f.Traffic)
	}
	for _, x := range byFrom {
		out = append(out, *x)
	}
	out = append(out, d.flowExporters()...)
	slices.SortFunc(out, func(a, b Exporter) int {
		if c := a.Address.Compare(b.Address); c != 0 {
			return c
		}
		return compareText(a.Kind, b.Kind)
	})
	return out
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// rate returns the configured sampling rate of an exporter, 0 when there is none.
func (d *Decoder) rate(a schema.Addr) uint32 {
	if len(d.config.Rates) == 0 {
		return 0
	}
	ip := a.Netip()
	for _, r := range d.config.Rates {
		if r.Exporters.Contains(ip) {
			return r.Rate
		}
	}
	return 0
}

// refusedBy tells whether an error of a syntax room means a cap and not damage.
func refusedBy(err error) bool {
	var r *netflow.Refused
	return errors.As(err, &r)
}
