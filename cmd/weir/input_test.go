package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"weir/capture"
	"weir/schema"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

// weir runs the program in this process.
func weir(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// spy is an output that may be read while it is written.
type spy struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *spy) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *spy) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

const (
	second = schema.Instant(1_000_000_000)
	began  = 1_767_225_600 * second
)

func ip4(a, b, c, d byte) schema.Addr { return schema.Addr4([4]byte{a, b, c, d}) }

// ethernet returns an Ethernet frame with an IPv4 UDP datagram.
func ethernet(src, dst schema.Addr, sport, dport uint16, payload []byte) []byte {
	b := make([]byte, 42, 42+len(payload))
	copy(b, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45})
	binary.BigEndian.PutUint16(b[16:], uint16(28+len(payload)))
	b[22], b[23] = 64, 17
	copy(b[26:], src[12:])
	copy(b[30:], dst[12:])
	binary.BigEndian.PutUint16(b[34:], sport)
	binary.BigEndian.PutUint16(b[36:], dport)
	binary.BigEndian.PutUint16(b[38:], uint16(8+len(payload)))
	return append(b, payload...)
}

// sampledDatagram is an sFlow datagram with two samples and interface counters.
func sampledDatagram(agent schema.Addr, seq uint32, host byte) []byte {
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: agent, Sequence: seq, Uptime: seq * 1000})
	for i := range byte(2) {
		b.FlowSample(&sflow.Sample{Sequence: 2*seq + uint32(i), Index: 3, Rate: 100, Pool: 200 * seq,
			In: schema.Port{Value: 3}, Out: schema.Port{Value: 4}}, sflow.Expanded)
		f := ethernet(ip4(10, 0, 0, host), ip4(10, 0, 1, i), 1000, 2000, make([]byte, 100))
		b.Header(&sflow.Header{Protocol: 1, Length: uint32(len(f)) + 4, Stripped: 4, Bytes: f[:80]})
	}
	b.CounterSample(&sflow.Sample{Sequence: seq, Index: 3}, sflow.Expanded)
	b.IfCounters(&sflow.IfCounters{Index: 3, Type: 6, Speed: 1e9, Status: 3,
		In: sflow.IfDirection{Octets: uint64(seq) * 1e6}})
	return b.Bytes()
}

// flowDatagrams are the datagrams of a flow exporter; the template comes with the second one.
func flowDatagrams(t testing.TB, version uint16) (list [][]byte) {
	t.Helper()
	b, err := netflow.NewBuilder(version, 1)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := netflow.NewTemplate(300, false, 0, netflow.Field{Element: 8, Length: 4},
		netflow.Field{Element: 12, Length: 4}, netflow.Field{Element: 4, Length: 1},
		netflow.Field{Element: 1, Length: 4}, netflow.Field{Element: 2, Length: 4})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b.Begin(netflow.Header{Export: began.Add(1e9), Uptime: 1000})
		if i == 1 {
			if err := b.Template(tmpl); err != nil {
				t.Fatal(err)
			}
		}
		var v [5]schema.Value
		src, dst := ip4(10, 0, 2, byte(i)), ip4(10, 0, 3, 1)
		v[0].SetIP(src[12:])
		v[1].SetIP(dst[12:])
		v[2].SetUint(6)
		v[3].SetUint(1500)
		v[4].SetUint(3)
		b.Record(tmpl, v[:]...)
		d, err := b.Datagram()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, bytes.Clone(d))
	}
	return list
}

// mixedCapture writes a capture of everything: sFlow from three agents, NetFlow v9 and IPFIX whose templates are late,
// plain traffic, and what cannot be read.
func mixedCapture(t testing.TB) (path string) {
	t.Helper()
	var buf bytes.Buffer
	w, err := capture.NewWriter(&buf, schema.LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	at := began
	collector := ip4(192, 0, 2, 200)
	add := func(from schema.Addr, port uint16, payload []byte) {
		if err := w.Write(at, ethernet(from, collector, 40000, port, payload), 0); err != nil {
			t.Fatal(err)
		}
		at = at.Add(37e6)
	}
	v9, ipfix := flowDatagrams(t, netflow.V9), flowDatagrams(t, netflow.IPFIX)
	for i := range uint32(30) {
		for a := range byte(3) {
			agent := ip4(192, 0, 2, a+1)
			add(agent, 6343, sampledDatagram(agent, i+1, byte(i%4)))
		}
		if i < 3 {
			add(ip4(192, 0, 2, 10), 2055, v9[i])
			add(ip4(192, 0, 2, 11), 4739, ipfix[i])
		}
		add(ip4(10, 9, 0, byte(i)), 53, []byte("not telemetry"))
	}
	add(ip4(192, 0, 2, 1), 6343, []byte("neither is this, but the port says so"))
	path = filepath.Join(t.TempDir(), "mixed.pcap")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// canceled is a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
