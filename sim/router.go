package sim

import (
	"math"
	"time"

	"weir/schema"
	"weir/wire/netflow"
)

// flowKey is what a router tells flows apart by.
type flowKey struct {
	Key
	in, out uint32
}

// flow is an entry of a flow cache.
type flow struct {
	key            flowKey
	flags, tos     uint8
	bytes, packets uint64
	first, last    schema.Instant
	due            schema.Instant // when it is to be reported at the latest
}

// router sees packets, keeps flows, and reports them in NetFlow version 5 or 9 or in IPFIX (10).
type router struct {
	network  *Network
	name     string
	addr     schema.Addr
	version  uint16
	domain   uint32
	rate     uint32 // one packet in rate is seen
	skip     uint64
	booted   schema.Instant
	skew     time.Duration // of its clock
	builder  *netflow.Builder
	cache    map[flowKey]*flow
	order    []*flow
	template schema.Instant // when templates were sent last; 0: never
	open     bool
	defining bool // the open datagram has templates
	told     []Told
	records  int
	values   []schema.Value
	layouts  layouts
}

// layouts are the templates of a router.
type layouts struct{ ip4, ip6, sampling, names *netflow.Template }

func newRouter(n *Network, name string, address schema.Addr, version uint16) *router {
	r := &router{network: n, name: name, addr: address, version: version, rate: 1, booted: n.now.Add(-time.Hour)}
	switch version {
	case netflow.V9:
		r.rate, r.domain = n.options.FlowRate, 100
	case netflow.IPFIX:
		r.domain = 200
	}
	r.layouts = newLayouts(version)
	r.reset()
	return r
}

func (r *router) reset() {
	// The version is one of the three that the builder knows.
	r.builder, _ = netflow.NewBuilder(r.version, r.domain)
	r.cache, r.order, r.template = map[flowKey]*flow{}, nil, 0
	r.open, r.told, r.records, r.defining = false, nil, 0, false
	r.skip = r.draw()
}

// newLayouts returns the templates of a version. They cannot fail: they are the same in every run.
func newLayouts(version uint16) (l layouts) {
	field := func(element, length uint16) netflow.Field { return netflow.Field{Element: element, Length: length} }
	times := []netflow.Field{field(22, 4), field(21, 4)}
	if version == netflow.IPFIX {
		times = []netflow.Field{field(152, 8), field(153, 8)}
	}
	rest := append([]netflow.Field{
		field(7, 2), field(11, 2), field(4, 1), field(6, 1), field(5, 1), field(61, 1), field(10, 4), field(14, 4),
		field(1, 8), field(2, 8),
	}, times...)
	switch version {
	case netflow.V5:
		l.ip4 = netflow.V5Template()
		return l
	case netflow.V9:
		scope := func(number uint16) netflow.Field {
			return netflow.Field{Enterprise: netflow.ScopeEnterprise, Element: number, Length: 4}
		}
		l.sampling, _ = netflow.NewTemplate(258, true, 1, scope(1), field(34, 4), field(35, 1))
		l.names, _ = netflow.NewTemplate(259, true, 1, scope(2), field(82, 16))
	default:
		l.sampling, _ = netflow.NewTemplate(258, true, 1, field(149, 4), field(305, 4), field(306, 4))
		l.names, _ = netflow.NewTemplate(259, true, 1, field(10, 4), field(82, 16))
	}
	l.ip4, _ = netflow.NewTemplate(256, false, 0, append([]netflow.Field{field(8, 4), field(12, 4)}, rest...)...)
	l.ip6, _ = netflow.NewTemplate(257, false, 0, append([]netflow.Field{field(27, 16), field(28, 16)}, rest...)...)
	return l
}

func (r *router) address() schema.Addr { return r.addr }

func (r *router) exporter() Exporter {
	p := NetFlow
	if r.version == netflow.IPFIX {
		p = IPFIX
	}
	return Exporter{r.name, r.addr, p, r.version}
}

func (r *router) restart() {
	r.booted = r.network.now
	r.reset()
}

// jump sets the clock wrong by d, or right again.
func (r *router) jump(d time.Duration) {
	if r.skew != 0 {
		d = 0
	}
	r.skew = d
}

// draw returns how many packets on the next one that is seen is.
func (r *router) draw() uint64 {
	if r.rate <= 1 {
		return 1
	}
	return 1 + uint64(math.Log(1-r.network.rng.Float64())/math.Log1p(-1/float64(r.rate)))
}

// seen returns how many of n packets are sampled.
func (r *router) seen(n uint64) (k uint64) {
	if r.rate <= 1 {
		return n
	}
	for n >= r.skip {
		n -= r.skip
		k++
		r.skip = r.draw()
	}
	r.skip -= n
	return k
}

func (r *router) observe(s *stream, in, out uint32) {
	if r.version == netflow.V5 && !s.key.Src.Is4() {
		return
	}
	n := r.seen(s.packets)
	if n == 0 {
		return
	}
	key := flowKey{s.key, in, out}
	f := r.cache[key]
	if f == nil {
		// The first report comes early by chance, so that flows which began together are not reported together.
		early := 0.2 + 0.8*r.network.rng.Float64()
		f = &flow{
			key: key, tos: s.tos, due: r.network.now.Add(time.Duration(early * float64(r.network.options.Active))),
		}
		r.cache[key] = f
		r.order = append(r.order, f)
	}
	if f.packets == 0 {
		f.first = r.network.now - step
	}
	f.flags |= s.tcpFlags
	f.bytes += n * uint64(s.l3)
	f.packets += n
	f.last = r.network.now
}

// advance reports the flows that are due, and the templates.
func (r *router) advance() {
	n := r.network
	if r.version != netflow.V5 && (r.template == 0 || n.now.Sub(r.template) >= n.options.Templates) {
		r.define()
	}
	kept := r.order[:0]
	for _, f := range r.order {
		idle := n.now.Sub(f.last) >= n.options.Inactive
		if f.packets > 0 && (idle || n.now >= f.due) {
			r.report(f)
			f.due = n.now.Add(n.options.Active)
		}
		if idle && f.packets == 0 {
			delete(r.cache, f.key)
			continue
		}
		kept = append(kept, f)
	}
	clear(r.order[len(kept):])
	r.order = kept
	r.flush()
}

func (r *router) drain() {
	for _, f := range r.order {
		if f.packets > 0 {
			r.report(f)
		}
	}
	r.flush()
}

// begin makes sure that a datagram is open and has room for size bytes.
func (r *router) begin(size int) {
	if r.open && (r.builder.Len()+size > maxDatagram || r.version == netflow.V5 && r.records == 30) {
		r.flush()
	}
	if r.open {
		return
	}
	h := netflow.Header{Export: r.network.now.Add(r.skew), Uptime: millis(r.network.now.Sub(r.booted))}
	r.builder.Begin(h)
	r.open = true
}

// flush sends the open datagram.
func (r *router) flush() {
	if !r.open {
		return
	}
	b, err := r.builder.Datagram()
	if err != nil {
		panic("sim: " + err.Error()) // begin keeps datagrams short: this is a bug of the simulator
	}
	d := Datagram{
		At: r.network.now, From: r.addr, Name: r.name, Protocol: r.exporter().Protocol, Data: b, Told: r.told,
	}
	defining := r.defining
	r.open, r.told, r.records, r.defining = false, nil, 0, false
	r.network.wire.send(d, defining)
}

func number(n uint64) schema.Value { return schema.Value{Type: schema.Uint, N: n} }

// define sends the templates, the sampling rate and the names of the interfaces.
func (r *router) define() {
	r.begin(maxDatagram)
	r.defining = true
	for _, t := range []*netflow.Template{r.layouts.ip4, r.layouts.ip6, r.layouts.sampling, r.layouts.names} {
		if err := r.builder.Template(t); err != nil {
			panic("sim: " + err.Error()) // the templates are fixed: this is a bug of the simulator
		}
	}
	if r.version == netflow.V9 {
		r.builder.Record(r.layouts.sampling, number(0), number(uint64(r.rate)), number(2))
	} else {
		r.builder.Record(r.layouts.sampling, number(uint64(r.domain)), number(1), number(uint64(r.rate-1)))
	}
	for _, i := range []uint32{outside, outside + 1, outside + 2} {
		r.builder.Record(r.layouts.names, number(uint64(i)), schema.Value{Type: schema.Text, B: []byte(routerPort(i))})
	}
	r.template = r.network.now
}

// recordSize is at most what a flow record takes in a datagram, with the header of its set, bytes.
const recordSize = 100

// report writes the record of a flow and starts its counts anew.
func (r *router) report(f *flow) {
	r.begin(recordSize)
	layout := r.layouts.ip4
	src, dst := f.key.Src, f.key.Dst
	a, b := schema.Value{Type: schema.IPv4, B: src[12:]}, schema.Value{Type: schema.IPv4, B: dst[12:]}
	if !src.Is4() {
		layout = r.layouts.ip6
		a, b = schema.Value{Type: schema.IPv6, B: src[:]}, schema.Value{Type: schema.IPv6, B: dst[:]}
	}
	srcPort, dstPort := f.key.SrcPort, f.key.DstPort
	if f.key.Proto == protoICMP || f.key.Proto == protoICMP6 {
		srcPort, dstPort = 0, srcPort<<8|dstPort
	}
	first, last := uint64(f.first.Sub(r.booted).Milliseconds()), uint64(f.last.Sub(r.booted).Milliseconds())
	if f.first < r.booted {
		first = 0
	}
	if r.version == netflow.IPFIX {
		first, last = uint64(f.first.Add(r.skew).Millis()), uint64(f.last.Add(r.skew).Millis())
	}
	n := number
	if r.version == netflow.V5 {
		r.values = append(r.values[:0], a, b, n(0), n(uint64(f.key.in)), n(uint64(f.key.out)), n(f.packets), n(f.bytes),
			n(first), n(last), n(uint64(srcPort)), n(uint64(dstPort)), n(uint64(f.flags)), n(uint64(f.key.Proto)),
			n(uint64(f.tos)), n(0), n(0), n(24), n(24))
	} else {
		r.values = append(r.values[:0], a, b, n(uint64(srcPort)), n(uint64(dstPort)), n(uint64(f.key.Proto)),
			n(uint64(f.flags)), n(uint64(f.tos)), n(0), n(uint64(f.key.in)), n(uint64(f.key.out)), n(f.bytes),
			n(f.packets), n(first), n(last))
	}
	r.builder.Record(layout, r.values...)
	r.records++
	if r.network.options.Told {
		rate := uint64(r.rate)
		r.told = append(r.told, Told{
			Source: schema.Source{Exporter: r.addr, Domain: r.domain, Index: f.key.in}, Key: f.key.Key, Rate: r.rate,
			Bytes: rate * f.bytes, Packets: rate * f.packets,
		})
	}
	f.bytes, f.packets, f.flags = 0, 0, 0
}
