package dump

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
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
	// A custom flow sample whose fields have one name, and the name that a part itself has.
	b.RawSample(4300, 1003, []byte("\x00\x00\x00\x013\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x08\x00\x00\x00\x03"+
		strings.Repeat("\x00\x00\x00\x04part\x00\x00\x00\x04\x00\x00\x00\x07", 2)+
		"\x00\x00\x00\x01f\x00\x00\x00\x00\x00\x00\x07\x7f\xf0\x00\x00\x00\x00\x00\x00"))
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
		if asJSON {
			checkKeys(t, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || !asJSON && !unicode.IsPrint(r) }) {
			t.Fatalf("a control character in %q", line)
		}
	}
}

// checkKeys holds that a line is JSON in which no object has a key twice: readers keep only one of them.
func checkKeys(t testing.TB, line string) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(line))
	type object struct {
		keys  map[string]bool // nil for an array
		isKey bool
	}
	var open []object
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("no JSON: %v: %s", err, line)
		}
		var top *object
		if n := len(open); n > 0 && open[n-1].keys != nil {
			top = &open[n-1]
		}
		if top != nil && top.isKey && token != json.Delim('}') {
			key := token.(string)
			if top.keys[key] {
				t.Fatalf("key %q stands twice in one object: %s", key, line)
			}
			top.keys[key], top.isKey = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{map[string]bool{}, true})
			continue
		case json.Delim('['):
			open = append(open, object{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if n := len(open); n > 0 {
			open[n-1].isKey = true
		}
	}
}

// TestStructuresHaveNoFieldTwice holds that no structure has a field of the name of another, or of what a line says
// about each structure.
func TestStructuresHaveNoFieldTwice(t *testing.T) {
	body := bytes.Repeat([]byte{0, 0, 0, 1}, 300) // lists of one, texts of one byte
	for _, enterprise := range []uint32{0, 4413, 5703} {
		for format := range uint32(4096) {
			if sflow.FlowStructure(enterprise, format) != nil {
				var b sflow.Builder
				b.Start(nil, sflow.Head{Agent: exporter})
				b.FlowSample(&sflow.Sample{Rate: 1}, sflow.Compact)
				b.Record(enterprise, format, body)
				dumpAndCheck(t, b.Bytes())
			}
			if sflow.CounterStructure(enterprise, format) != nil {
				var b sflow.Builder
				b.Start(nil, sflow.Head{Agent: exporter})
				b.CounterSample(&sflow.Sample{}, sflow.Compact)
				b.Record(enterprise, format, body)
				dumpAndCheck(t, b.Bytes())
			}
		}
	}
}

// TestNamesFromTheWire holds that names that exporters make up are told apart, however they are chosen.
func TestNamesFromTheWire(t *testing.T) {
	d := New(io.Discard, true, netflow.Config{})
	seen := map[string]bool{}
	for _, name := range []string{"a[1]", "a", "a", "a", "a[2]", "a[1]", "a[1][1]", "", ""} {
		free := d.unused(name)
		if seen[free] {
			t.Errorf("%q stands twice", free)
		}
		seen[free] = true
	}
}

// dumpAndCheck shows a datagram in both forms.
func dumpAndCheck(t testing.TB, b []byte) {
	t.Helper()
	for _, asJSON := range []bool{false, true} {
		checkLines(t, asJSON, dumpAll(t, asJSON, []wire.Datagram{{At: at, From: exporter, Data: b}}))
	}
}

// TestElements holds that JSON has numbers for numbers, and text for what only looks like one.
func TestElements(t *testing.T) {
	for _, c := range []struct {
		enterprise uint32
		id         uint16
		value      string // bytes
		want       string
	}{
		{0, 1, "\x12", `"octetDeltaCount":18`},
		{0, 1, "", `"octetDeltaCount":""`},
		{0, 210, "\x12", `"paddingOctets":"12"`},
		{0, 95, "\x12", `"applicationId":"12"`},
		{0, 95, "\x0d\x00\x00\x08", `"applicationId":"13:8"`},
		{0, 276, "\x01", `"dataRecordsReliability":true`},
		{0, 276, "\x12", `"dataRecordsReliability":"12"`},
		{0, 30000, "\x12", `"30000":18`},
		{0, 30000, "\x12\x34\x56\x78\x90", `"30000":"1234567890"`},
		{0, 320, "\x7f\xf0\x00\x00\x00\x00\x00\x00", `"absoluteError":"+Inf"`},
		{0, 320, "\x12\x34", `"absoluteError":"1234"`},
		{0, 82, "7", `"interfaceName":"7"`},
	} {
		d := New(io.Discard, true, netflow.Config{})
		d.line.first = true
		d.element(schema.MakeTag(schema.SpaceElement, c.enterprise, uint32(c.id)), []byte(c.value))
		if got := string(d.line.buf); got != c.want {
			t.Errorf("element %d/%d of %x: got %s, want %s", c.enterprise, c.id, c.value, got, c.want)
		}
	}
}

// TestUnspecifiedAddress holds that :: and 0.0.0.0, which hosts without an address send from, are shown as such.
func TestUnspecifiedAddress(t *testing.T) {
	ip6 := append([]byte{0x60, 0, 0, 0, 0, 0, 59, 1}, make([]byte, 32)...)
	ip4 := append([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 8)...)
	for want, b := range map[string][]byte{"source=:: destination=::": ip6, "source=0.0.0.0 destination=0.0.0.0": ip4} {
		out := dumpAll(t, false, []wire.Datagram{{At: at, Frame: true, Link: schema.LinkRaw, Data: b}})
		if !strings.Contains(out, want) {
			t.Errorf("want %s, got %s", want, out)
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
