package dump

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	exporter = schema.Addr4([4]byte{192, 0, 2, 1})
	server   = schema.Addr4([4]byte{198, 51, 100, 1})
	client   = schema.Addr4([4]byte{203, 0, 113, 9})
)

const at = schema.Instant(1_767_225_600_123_000_000)

// frame is an Ethernet frame: 802.1Q, IPv4, UDP, DNS question for example.org.
func frame(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString("0200000000020200000000018100a0640800" +
		"4500003900014000401100000a0000010a000002" + "d4310035002500ff" +
		"1a2b01000001000000000000076578616d706c65036f72670000010001")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// datagrams are one of every kind of line.
func datagrams(t testing.TB) []wire.Datagram {
	t.Helper()
	var list []wire.Datagram
	add := func(b []byte) {
		list = append(list, wire.Datagram{At: at, From: exporter, Port: 5000, Data: bytes.Clone(b)})
	}
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: exporter, Sequence: 7, Uptime: 60_000})
	b.FlowSample(&sflow.Sample{Sequence: 1, Index: 3, Rate: 512, Pool: 1024, In: schema.Port{Value: 3},
		Out: schema.Port{Format: schema.PortDropped, Value: 258}}, sflow.Expanded)
	b.Header(&sflow.Header{Protocol: 1, Length: 79, Stripped: 4, Bytes: frame(t)})
	b.Switch(sflow.Switch{SrcVLAN: 100, DstVLAN: 200})
	b.Record(9999, 1, []byte{1, 2, 3, 4})
	b.CounterSample(&sflow.Sample{Sequence: 2, Index: 3}, sflow.Compact)
	b.IfCounters(&sflow.IfCounters{Index: 3, Type: 6, Speed: 1e9, Status: 3})
	b.PortName("ge-0/0/3 | x=y \x1b[2J")
	b.DiscardSample(&sflow.Sample{Sequence: 3, Index: 3, Reason: 259, In: schema.Port{Value: 3}})
	// A custom metrics sample: datasource "3", one metric, whose name is not to be trusted.
	b.RawSample(4300, 1002, []byte("\x00\x00\x00\x013\x00\x00\x00\x00\x00\x00\x01"+
		"\x00\x00\x00\x04a\n=b\x00\x00\x00\x03\x00\x00\x00\x07"))
	b.RawSample(7777, 5, []byte{0xde, 0xad, 0xbe, 0xef})
	add(b.Bytes())
	add(b.Bytes()[:60])
	add([]byte("GET / HTTP/1.0"))
	for _, version := range []uint16{netflow.V9, netflow.IPFIX} {
		flows, err := netflow.NewBuilder(version, 42)
		if err != nil {
			t.Fatal(err)
		}
		tmpl, err := netflow.NewTemplate(300, false, 0, netflow.Field{Element: 8, Length: 4},
			netflow.Field{Element: 12, Length: 4}, netflow.Field{Element: 1, Length: 8},
			netflow.Field{Element: 1, Length: 8}, netflow.Field{Element: 82, Length: 8},
			netflow.Field{Element: 56, Length: 6}, netflow.Field{Element: 30000, Length: 6})
		if err != nil {
			t.Fatal(err)
		}
		flows.Begin(netflow.Header{Export: at, Uptime: 1000})
		if err := flows.Template(tmpl); err != nil {
			t.Fatal(err)
		}
		var values [7]schema.Value
		values[0].SetIP(client[12:])
		values[1].SetIP(server[12:])
		values[2].SetUint(1500)
		values[3].SetUint(3000)
		values[4].SetText([]byte("eth 0"))
		values[5].SetMAC([]byte{2, 0, 0, 0, 0, 9})
		values[6].SetUint(0x010203)
		flows.Record(tmpl, values[:]...)
		d, err := flows.Datagram()
		if err != nil {
			t.Fatal(err)
		}
		add(d)
	}
	return append(list,
		wire.Datagram{At: at, Frame: true, Link: schema.LinkEthernet, Interface: 1, Length: 1518, Data: frame(t)},
		wire.Datagram{At: at, Frame: true, Link: schema.LinkEthernet, Interface: 1, Length: 75, Data: frame(t)[:30]})
}

func dumpAll(t testing.TB, asJSON bool, list []wire.Datagram) string {
	t.Helper()
	var out bytes.Buffer
	d := New(&out, asJSON, netflow.Config{Hold: time.Second})
	for i := range list {
		show := d.Telemetry
		if list[i].Frame {
			show = d.Frame
		}
		if err := show(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestLines(t *testing.T) {
	for name, asJSON := range map[string]bool{"testdata/lines.txt": false, "testdata/lines.json": true} {
		got := dumpAll(t, asJSON, datagrams(t))
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: run with -update to rewrite it; got\n%s", name, got)
		}
		checkLines(t, asJSON, got)
	}
}

// checkLines holds that every line is whole: JSON where that is promised, and nothing that upsets a terminal.
func checkLines(t testing.TB, asJSON bool, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if asJSON && !json.Valid([]byte(line)) {
			t.Fatalf("no JSON: %s", line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || !asJSON && !unicode.IsPrint(r) }) {
			t.Fatalf("a control character in %q", line)
		}
	}
}

// TestEveryLayerHasALayout holds that a new kind of header is not forgotten here.
func TestEveryLayerHasALayout(t *testing.T) {
	for k := schema.LayerNone + 1; k < schema.LayerPayload; k++ {
		if layouts[k].name == "" {
			t.Errorf("layer kind %d has no layout", k)
		}
	}
}

func FuzzDump(f *testing.F) {
	for _, d := range datagrams(f) {
		f.Add(d.Data, uint16(d.Link), d.Frame)
	}
	f.Fuzz(func(t *testing.T, b []byte, link uint16, isFrame bool) {
		d := wire.Datagram{At: at, From: exporter, Frame: isFrame, Link: schema.LinkType(link), Data: b,
			Length: uint32(len(b))}
		for _, asJSON := range []bool{false, true} {
			checkLines(t, asJSON, dumpAll(t, asJSON, []wire.Datagram{d, d}))
		}
	})
}
