package meter

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"weir/schema"
	"weir/wire"
	"weir/wire/packet"
)

const epoch0 = schema.Instant(1700000100) * 1e9

// frame is a packet that tests make.
type frame struct {
	at               schema.Instant
	src, dst         string
	sport, dport     uint16
	proto, flags     uint8
	length           uint32
	srcMAC, dstMAC   [6]byte
	vlan             uint16
	label            uint32
	tos              uint8
	fragment         uint16 // flags and offset of the IPv4 header
	ether            uint16 // of frames that are not IP
	rate             uint32
	exporter         string
	kind             schema.Kind
	class            uint8
	index            uint32
	icmpType, icmpNo uint8
}

// record makes a record of a frame, as the decoder would.
func (x frame) record(t testing.TB) *schema.Record {
	t.Helper()
	b := append(slices.Clone(x.dstMAC[:]), x.srcMAC[:]...)
	if x.vlan != 0 {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 0), x.vlan)
	}
	src, dst := mustAddr(t, x.src), mustAddr(t, x.dst)
	six := strings.Contains(x.src, ":")
	switch {
	case x.src == "":
		b = binary.BigEndian.AppendUint16(b, x.ether)
	case x.label != 0:
		b = binary.BigEndian.AppendUint32(append(b, 0x88, 0x47), x.label<<12|1<<8|64)
	case six:
		b = append(b, 0x86, 0xdd)
	default:
		b = append(b, 8, 0)
	}
	l4 := x.transport()
	switch {
	case x.src == "":
		b = append(b, make([]byte, 46)...)
	case six:
		b = append(b, 0x60|x.tos>>4, x.tos<<4, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(l4)))
		b = append(append(append(append(b, x.proto, 64), src[:]...), dst[:]...), l4...)
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x45, x.tos), uint16(20+len(l4)))
		b = binary.BigEndian.AppendUint16(append(b, 0, 1), x.fragment)
		b = append(append(append(append(b, 64, x.proto, 0, 0), src[12:]...), dst[12:]...), l4...)
	}
	return x.dress(b)
}

func (x frame) transport() []byte {
	l4 := make([]byte, 20)
	binary.BigEndian.PutUint16(l4, x.sport)
	binary.BigEndian.PutUint16(l4[2:], x.dport)
	l4[12], l4[13] = 5<<4, x.flags
	if x.proto == 1 || x.proto == 58 {
		l4[0], l4[1] = x.icmpType, x.icmpNo
	}
	return l4
}

// dress makes a record of the bytes of a frame.
func (x frame) dress(b []byte) *schema.Record {
	if x.length == 0 {
		x.length = uint32(len(b))
	}
	h := &schema.Headers{}
	packet.Parse(h, schema.LinkEthernet, b, x.length)
	f := packet.Outer(h, b)
	rate := max(x.rate, 1)
	r := &schema.Record{At: x.at, Start: x.at, Last: x.at, Kind: schema.KindFrame, Rate: rate, Length: x.length,
		Bytes: uint64(x.length) * uint64(rate), Packets: uint64(rate), Flows: 1, Link: schema.LinkEthernet, Header: b,
		Layers: h, Src: f.Src, Dst: f.Dst, SrcPort: f.SrcPort, DstPort: f.DstPort, Proto: f.Proto, TCPFlags: f.TCPFlags,
		IPv: f.IPv, HasPorts: f.HasPorts, HasProto: f.HasProto, ICMP: f.ICMP}
	if x.kind != 0 {
		r.Kind = x.kind
	}
	r.Source = schema.Source{Class: x.class, Index: x.index}
	r.Source.Exporter, _ = schema.ParseAddr(x.exporter)
	return r
}

func mustAddr(t testing.TB, s string) schema.Addr {
	if s == "" {
		return schema.Addr{}
	}
	a, err := schema.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// flowRecord makes a flow record.
func flowRecord(t testing.TB, at schema.Instant, src, dst string, sport, dport uint16, bytes uint64) *schema.Record {
	r := &schema.Record{At: at, Start: at, Last: at, Kind: schema.KindFlowRecord, Rate: 1, Bytes: bytes,
		Packets: 1 + bytes/1000, Flows: 1, Src: mustAddr(t, src), Dst: mustAddr(t, dst),
		SrcPort: sport, DstPort: dport, Proto: 6, IPv: 4,
		HasPorts: true, HasProto: true, In: schema.Port{Value: 3}, Out: schema.Port{Value: 4}}
	if strings.Contains(src, ":") {
		r.IPv = 6
	}
	r.Source = schema.Source{Exporter: mustAddr(t, "192.168.0.1"), Index: 3}
	return r
}

// bench is a board with groups, for tests.
type bench struct {
	testing.TB
	*Board
	groups []*Group
}

func newBench(t testing.TB, s Settings, more ...*Group) *bench {
	t.Helper()
	groups := Builtin()
	for _, g := range more {
		complete(t, groups, g)
		groups = append(groups, g)
	}
	if s.Home == nil {
		s.Home = DefaultHome()
	}
	b := &bench{t, NewBoard(schema.NewCompiler(wire.Fields())), groups}
	if err := b.Apply(0, groups, s); err != nil {
		t.Fatal(err)
	}
	return b
}

func complete(t testing.TB, groups []*Group, g *Group) {
	t.Helper()
	if err := g.Complete(func(name string) *Group { return Lookup(groups, name) }); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) observe(frames ...frame) {
	b.Helper()
	for _, f := range frames {
		b.Observe(f.record(b))
	}
}

// table is the sums of the cells of pages by group, key in readable form, and meter.
type table map[string]map[string]map[int]float64

// tabulate adds up pages.
func tabulate(pages []*Page) table {
	all := table{}
	for _, p := range pages {
		g := all[p.Group.Name]
		if g == nil {
			g = map[string]map[int]float64{}
			all[p.Group.Name] = g
		}
		for row := range p.Len() {
			k := string(p.Group.Form.AppendReadable(nil, p.RowKey(row)))
			if g[k] == nil {
				g[k] = map[int]float64{}
			}
			for _, m := range p.Group.Meters {
				if v := p.Cells(row)[p.Group.Cell(m.ID)]; v != 0 && v == v {
					g[k][m.ID] += v
				}
			}
		}
	}
	return all
}

// want checks a row: pairs of meter and value; meters that are not named are zero.
func (x table) want(t testing.TB, group, key string, pairs ...float64) {
	t.Helper()
	row, there := x[group][key]
	if !there {
		t.Errorf("%s: no key %s; there are %v", group, key, x.keys(group))
		return
	}
	want := map[int]float64{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != 0 {
			want[int(pairs[i])] = pairs[i+1]
		}
	}
	if !maps.Equal(row, want) {
		t.Errorf("%s %s: %v, want %v", group, key, row, want)
	}
}

// first checks one meter of a row.
func (x table) first(t testing.TB, group, key string, meter int, v float64) {
	t.Helper()
	if got := x[group][key][meter]; got != v {
		t.Errorf("%s %s meter %d: %v, want %v; keys %v", group, key, meter, got, v, x.keys(group))
	}
}

// only checks which keys a group has.
func (x table) only(t testing.TB, group string, keys ...string) {
	t.Helper()
	slices.Sort(keys)
	if got := x.keys(group); !slices.Equal(got, keys) {
		t.Errorf("%s: keys %v, want %v", group, got, keys)
	}
}

func (x table) keys(group string) []string { return slices.Sorted(maps.Keys(x[group])) }

func (x table) String() string {
	var b strings.Builder
	for _, g := range slices.Sorted(maps.Keys(x)) {
		for _, k := range x.keys(g) {
			fmt.Fprintf(&b, "%s %s %v\n", g, k, x[g][k])
		}
	}
	return b.String()
}
