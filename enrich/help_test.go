package enrich

import (
	"encoding/binary"
	"testing"

	"weir/schema"
)

func addr(t testing.TB, s string) schema.Addr {
	t.Helper()
	a, err := schema.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mac(t testing.TB, s string) MAC {
	t.Helper()
	m, err := ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// must returns a World or ends the test.
func must(t testing.TB) func(*World, error) *World {
	return func(w *World, err error) *World {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
}

// fields are a few attributes as room wire gives them.
func fields() []schema.Field {
	ip := func(a *schema.Addr, out *schema.Value) {
		switch {
		case a.IsZero():
		case a.Is4():
			out.SetIP(a[12:])
		default:
			out.SetIP(a[:])
		}
	}
	return []schema.Field{
		{Name: "ipsource", Read: func(r *schema.Record, _ int, out *schema.Value) { ip(&r.Src, out) }},
		{Name: "ipdestination", Read: func(r *schema.Record, _ int, out *schema.Value) { ip(&r.Dst, out) }},
		{Name: "macsource", Read: func(r *schema.Record, _ int, out *schema.Value) {
			if len(r.Header) >= 14 {
				out.SetMAC(r.Header[6:12])
			}
		}},
		{Name: "inputifindex", Read: func(r *schema.Record, _ int, out *schema.Value) {
			switch r.In.Value {
			case 0:
			case schema.PortInternal:
				out.SetText([]byte("internal"))
			default:
				out.SetUint(uint64(r.In.Value))
			}
		}},
	}
}

// compile returns a compiler with the functions and fields of l.
func compile(l *Lane) *schema.Compiler {
	return schema.NewCompiler(append(fields(), l.Fields()...), l.Functions())
}

// show evaluates a key expression on a record as text.
func show(t testing.TB, c *schema.Compiler, expr string, r *schema.Record) string {
	t.Helper()
	e, err := c.Key(expr)
	if err != nil {
		t.Fatal(err)
	}
	var v schema.Value
	e.Eval(r, &v)
	return v.String()
}

// The network of the acceptance checks (spec sflow-rt-acceptance): two leaves, one spine.
const (
	agent1 = "192.0.2.1"
	agent2 = "192.0.2.2"
	agent3 = "192.0.2.3"
	host1  = "198.51.100.1"
)

const threeSwitches = `{"links":{
 "L1":{"node1":"leaf1","port1":"e1","node2":"spine1","port2":"e1"},
 "L2":{"node1":"leaf2","port1":"e1","node2":"spine1","port2":"e2"}}}`

func label(name, text string) schema.Metric {
	return schema.Metric{Name: name, Kind: schema.Label, Text: []byte(text)}
}

// threeNodes is a World with threeSwitches and the names that telemetry gives.
func threeNodes(t testing.TB) *World {
	t.Helper()
	topology, err := ParseTopology([]byte(threeSwitches))
	if err != nil {
		t.Fatal(err)
	}
	w := must(t)(NewWorld().WithTopology(topology))
	l := New(w)
	for _, n := range []struct {
		agent, host string
		ports       map[uint32]string
	}{
		{agent1, "leaf1", map[uint32]string{1: "e1", 3: "e3"}},
		{agent2, "spine1", map[uint32]string{1: "e1", 2: "e2"}},
		{agent3, "leaf2", map[uint32]string{1: "e1", 3: "e3"}},
	} {
		a := addr(t, n.agent)
		l.Reading(&schema.Reading{Source: schema.Source{Exporter: a, Class: 2, Index: 1}, Values: []schema.Metric{
			label("host_name", n.host), label("os_name", "linux"), {Name: "load_one", Kind: schema.Gauge}}})
		for index, name := range n.ports {
			l.Reading(&schema.Reading{Source: schema.Source{Exporter: a, Index: index},
				Values: []schema.Metric{label("ifname", name)}})
		}
	}
	return w.WithLearned(0, l.Learned())
}

// packet returns an IPv4 sample entering agent at a port.
func packet(t testing.TB, agent string, index uint32, m, src string, ttl byte, vlan uint16) *schema.Record {
	t.Helper()
	r := &schema.Record{Kind: schema.KindPacketSample, Direction: schema.Ingress,
		Source: schema.Source{Exporter: addr(t, agent), Index: index}, In: schema.Port{Value: index},
		Src: addr(t, src), Layers: new(schema.Headers)}
	r.Layers.Reset()
	hw := mac(t, m)
	frame := append([]byte{2, 0, 0, 0, 0, 2}, hw[:]...)
	r.Layers.Add(schema.LayerEthernet, 0, 14)
	if vlan != 0 {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x81, 0), vlan)
		r.Layers.Add(schema.LayerVLAN, 14, 4)
	}
	frame = append(frame, 8, 0)
	ip := make([]byte, 20)
	ip[0], ip[8], ip[16] = 0x45, ttl, 203
	copy(ip[12:16], r.Src[12:])
	r.Layers.Add(schema.LayerIPv4, len(frame), 20)
	r.Header = append(frame, ip...)
	return r
}
