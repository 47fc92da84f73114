package corpus

import (
	"encoding/binary"
	"testing"
	"time"

	"weir/capture"
	"weir/schema"
	"weir/sim"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

// began is when all inputs begin: 2026-01-01 00:00 UTC.
const began = schema.Instant(1_767_225_600) * schema.Instant(time.Second)

const milli = schema.Instant(time.Millisecond)

// makers make the inputs of the cases.
var makers = map[string]func(*testing.T, *capture.Writer){
	"fabric":           fabric,
	"borders":          borders,
	"bad-road":         badRoad,
	"sflow-structures": sflowStructures,
	"netflow9-late":    netflow9Late,
	"ipfix-odd":        ipfixOdd,
	"frames":           frames,
	"tunnels-in-sflow": tunnels,
	"malformed":        malformed,
}

// fromNetwork writes what some exporters of a simulated network send.
func fromNetwork(t *testing.T, w *capture.Writer, n *sim.Network, d time.Duration, keep func(*sim.Datagram) bool) {
	n.Run(n.Now().Add(d), func(dg sim.Datagram) {
		if !keep(&dg) {
			return
		}
		if err := w.Write(dg.At, sim.Carry(&dg), 0); err != nil {
			t.Fatal(err)
		}
	})
}

// fabric is a leaf switch and a web server, with counters, samples and transactions.
func fabric(t *testing.T, w *capture.Writer) {
	n := sim.New(1, sim.Options{Load: 0.1, Rate: 2000, Polling: 4 * time.Second})
	fromNetwork(t, w, n, 6*time.Second, func(d *sim.Datagram) bool { return d.Name == "leaf1" || d.Name == "web1" })
}

// borders is the three routers, in NetFlow version 5 and 9 and IPFIX.
func borders(t *testing.T, w *capture.Writer) {
	n := sim.New(2, sim.Options{Load: 0.1, Conversations: 30, Templates: 4 * time.Second})
	fromNetwork(t, w, n, 8*time.Second, func(d *sim.Datagram) bool { return d.Protocol != sim.SFlow })
}

// badRoad is all that with loss, doubles, late datagrams, restarts and clocks that jump.
func badRoad(t *testing.T, w *capture.Writer) {
	n := sim.New(3, sim.Options{
		Load: 0.05, Conversations: 20, Templates: time.Second, Faults: sim.Faults{
			Loss: 0.1, Duplicate: 0.1, Reorder: 0.2, TemplateLoss: 0.5, RestartEvery: time.Second,
			ClockEvery: 3 * time.Second, Clock: -36 * time.Hour,
		},
	})
	fromNetwork(t, w, n, 15*time.Second, func(d *sim.Datagram) bool {
		return d.Protocol != sim.SFlow || d.Name == "leaf4"
	})
}

func ip(a, b, c, d byte) schema.Addr { return schema.Addr4([4]byte{a, b, c, d}) }

var (
	agent = ip(192, 0, 2, 7)
	host1 = ip(198, 51, 100, 1)
	host2 = ip(203, 0, 113, 2)
	mac1  = []byte{2, 0, 0, 0, 0, 1}
	mac2  = []byte{2, 0, 0, 0, 0, 2}
)

// send writes a datagram of the agent.
func send(t *testing.T, w *capture.Writer, at schema.Instant, p sim.Protocol, data []byte) {
	if err := w.Write(at, sim.Carry(&sim.Datagram{From: agent, Protocol: p, Data: data}), 0); err != nil {
		t.Fatal(err)
	}
}

// sflowStructures has samples and counters of many structures, in both forms of samples.
func sflowStructures(t *testing.T, w *capture.Writer) {
	for i := range uint32(20) {
		at := began + schema.Instant(i)*250*milli
		var b sflow.Builder
		b.Start(nil, sflow.Head{Agent: agent, Sequence: i + 1, Uptime: 1000 * i})
		expanded := i%2 == 1
		s := sflow.Sample{Sequence: 2*i + 1, Index: 3, Rate: 100, Pool: 100 * i, In: schema.Port{Value: 3},
			Out: schema.Port{Value: 4}}
		b.FlowSample(&s, expanded)
		b.Header(&sflow.Header{Protocol: 1, Length: 1004, Stripped: 4, Bytes: tcpFrame(false)})
		b.Switch(sflow.Switch{SrcVLAN: 10, SrcPriority: 1, DstVLAN: 20, DstPriority: 2})
		b.Router(&sflow.Router{NextHop: host2[12:], SrcMask: 24, DstMask: 16})
		b.Gateway(&sflow.Gateway{NextHop: host2[12:], AS: 64500, SrcAS: 64501, SrcPeerAS: 64502, LocalPref: 100},
			[]uint32{64510, 64511}, []uint32{64500<<16 | 1})
		b.TCPInfo(&sflow.TCPInfo{Direction: 2, SndMSS: 1448, RcvMSS: 1448, RTT: 300 + i, MinRTT: 250, SndCwnd: 10})
		s.Sequence, s.Out = 2*i+2, schema.Port{Format: schema.PortMultiple, Value: 3}
		b.FlowSample(&s, expanded)
		b.Ethernet(2, &sflow.Ethernet{Length: 500, Src: mac1, Dst: mac2, Type: 0x0800})
		b.IP(3, &sflow.IP{Length: 482, Protocol: 17, Src: host1[12:], Dst: host2[12:], SrcPort: 53, DstPort: 5353})
		b.DiscardSample(&sflow.Sample{Sequence: i + 1, Index: 3, In: schema.Port{Value: 3}, Reason: 257})
		b.Header(&sflow.Header{Protocol: 1, Length: 1004, Stripped: 4, Bytes: tcpFrame(true)})
		transactions(&b, i)
		if i%5 == 0 {
			counters(&b, i/5)
		}
		send(t, w, at, sim.SFlow, b.Bytes())
	}
}

// transactions adds samples of application operations.
func transactions(b *sflow.Builder, i uint32) {
	b.FlowSample(&sflow.Sample{Sequence: i + 1, Class: 3, Index: 80, Rate: 5}, sflow.Compact)
	b.HTTP(&sflow.HTTP{Method: 2, Protocol: 1001, URI: []byte("/a"), Host: []byte("www.example.net"),
		ReqBytes: 100, RespBytes: 2000, Duration: 1500, Status: 200 + int32(i%2)*204})
	b.Socket(2100, &sflow.Socket{Protocol: 6, Local: host1[12:], Remote: host2[12:], LocalPort: 80, RemotePort: 40000})
	b.FlowSample(&sflow.Sample{Sequence: i + 1, Class: 3, Index: 90, Rate: 2}, sflow.Compact)
	b.App(&sflow.App{Application: []byte("pay"), Operation: []byte("charge"), Attributes: []byte("c=1"),
		StatusText: []byte("OK"), ReqBytes: 10, RespBytes: 20, Duration: 700, Status: i % 3})
	b.FlowSample(&sflow.Sample{Sequence: i + 1, Class: 3, Index: 91, Rate: 2}, sflow.Compact)
	b.Memcache(&sflow.Memcache{Protocol: 1, Command: 7, Key: []byte("user:1"), Keys: 1, ValueBytes: 99, Duration: 30,
		Status: 1})
}

// counters adds counter samples of an interface, a host and a structure that nobody knows.
func counters(b *sflow.Builder, i uint32) {
	b.CounterSample(&sflow.Sample{Sequence: i, Index: 3}, sflow.Compact)
	b.IfCounters(&sflow.IfCounters{Index: 3, Type: 6, Speed: 1e9, Direction: 1, Status: 3,
		In: sflow.IfDirection{Octets: 1<<40 + uint64(i)*625_000, Unicast: 0xffffffff - 1500 + i*1000}, Promiscuous: 2})
	b.PortName("swp3")
	b.CounterSample(&sflow.Sample{Sequence: i, Class: 2, Index: 1}, sflow.Compact)
	b.HostDescr("leaf7", [16]byte{1, 2, 3}, 3, 2, "6.1")
	b.HostCPU(&sflow.HostCPU{Load1: 0.5, Load5: 0.25, Load15: -1, CPUs: 4, User: 500 * i, Idle: 4500 * i})
	b.HostMemory(&sflow.HostMemory{Total: 1 << 30, Free: 1 << 29})
	b.Record(4300, 77, []byte{0, 0, 0, 1})
}

// tcpFrame returns the first bytes of a frame of 1000 bytes, in VLAN 10 or not.
func tcpFrame(tagged bool) []byte {
	f := ether(0x0800, ip4(6, host1, host2, tcp(40000, 443, 0x18, make([]byte, 946))))
	if tagged {
		f = ether(0x8100, append([]byte{0x20, 10, 0x08, 0}, f[14:]...))
	}
	return f[:96]
}

// netflow9Late has data before its template, a sampling rate in options, and a template that changes.
func netflow9Late(t *testing.T, w *capture.Writer) {
	b, err := netflow.NewBuilder(netflow.V9, 5)
	if err != nil {
		t.Fatal(err)
	}
	field := func(element, length uint16) netflow.Field { return netflow.Field{Element: element, Length: length} }
	short := template(t, 300, 0, field(8, 4), field(12, 4), field(7, 2), field(11, 2), field(4, 1), field(1, 4),
		field(2, 4), field(10, 2), field(14, 2))
	long := template(t, 300, 0, field(8, 4), field(12, 4), field(1, 8), field(2, 8), field(57, 6))
	options := template(t, 301, 1, netflow.Field{Enterprise: netflow.ScopeEnterprise, Element: 1, Length: 4},
		field(34, 4), field(35, 1))
	for i := range 12 {
		at := began + schema.Instant(i)*500*milli
		b.Begin(netflow.Header{Export: at, Uptime: uint32(500 * i)})
		switch i {
		case 3:
			must(t, b.Template(short))
		case 5:
			must(t, b.Template(options))
			b.Record(options, number(0), number(64), number(2))
		case 8:
			must(t, b.Template(long))
		}
		if i < 8 {
			b.Record(short, addr(host1), addr(host2), number(40000), number(443), number(6), number(1000), number(10),
				number(1), number(2))
		} else {
			b.Record(long, addr(host2), addr(host1), number(5000), number(5), number(7))
		}
		data, err := b.Datagram()
		must(t, err)
		send(t, w, at, sim.NetFlow, data)
	}
}

// ipfixOdd has fields of variable length, elements of enterprises, both directions in one record, and a template that
// is used without having been sent for a while.
func ipfixOdd(t *testing.T, w *capture.Writer) {
	b, err := netflow.NewBuilder(netflow.IPFIX, 9)
	if err != nil {
		t.Fatal(err)
	}
	odd := template(t, 256, 0, netflow.Field{Element: 27, Length: 16}, netflow.Field{Element: 28, Length: 16},
		netflow.Field{Element: 7, Length: 2}, netflow.Field{Element: 11, Length: 2}, netflow.Field{Element: 4, Length: 1},
		netflow.Field{Element: 1, Length: 3}, netflow.Field{Element: 2, Length: 2},
		netflow.Field{Enterprise: netflow.ReverseEnterprise, Element: 1, Length: 8},
		netflow.Field{Enterprise: netflow.ReverseEnterprise, Element: 2, Length: 8},
		netflow.Field{Element: 371, Length: netflow.VariableLength},
		netflow.Field{Enterprise: 63000, Element: 12, Length: netflow.VariableLength},
		netflow.Field{Element: 152, Length: 8}, netflow.Field{Element: 153, Length: 8})
	v6 := func(last byte) schema.Value {
		a := schema.Addr{0x20, 1, 0x0d, 0xb8, 15: last}
		return schema.Value{Type: schema.IPv6, B: a[:]}
	}
	text := func(s string) schema.Value { return schema.Value{Type: schema.Text, B: []byte(s)} }
	for i := range 10 {
		at := began + schema.Instant(i)*300*milli
		b.Begin(netflow.Header{Export: at})
		if i == 1 {
			must(t, b.Template(odd))
		}
		for k := range 3 {
			b.Record(odd, v6(1), v6(byte(2+k)), number(1024), number(443), number(6), number(70_000), number(100),
				number(3000), number(40), text("someone"), text(string(make([]byte, 300))),
				number(uint64((at - 200*milli).Millis())), number(uint64(at.Millis())))
		}
		data, err := b.Datagram()
		must(t, err)
		send(t, w, at, sim.IPFIX, data)
	}
}

// malformed is datagrams to the ports of telemetry that are cut, contradict themselves, or are none.
func malformed(t *testing.T, w *capture.Writer) {
	var good []sim.Datagram
	n := sim.New(4, sim.Options{Load: 0.1, Conversations: 20})
	n.Run(n.Now().Add(time.Second), func(d sim.Datagram) {
		d.Data = append([]byte{}, d.Data...)
		good = append(good, d)
	})
	at := n.Now()
	for i, d := range good[:min(len(good), 40)] {
		at = at.Add(50 * time.Millisecond)
		d.At = at
		switch i % 5 {
		case 0:
			d.Data = d.Data[:len(d.Data)/2]
		case 1:
			d.Data[3] = 99
		case 2:
			binary.BigEndian.PutUint32(d.Data[len(d.Data)/8*4:], 0xfffffff0)
		case 3:
			d.Data = d.Data[:3]
		}
		if err := w.Write(d.At, sim.Carry(&d), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func template(t *testing.T, id uint16, scope int, fields ...netflow.Field) *netflow.Template {
	tpl, err := netflow.NewTemplate(id, scope > 0, scope, fields...)
	must(t, err)
	return tpl
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func number(n uint64) schema.Value { return schema.Value{Type: schema.Uint, N: n} }

func addr(a schema.Addr) schema.Value { return schema.Value{Type: schema.IPv4, B: a[12:]} }
