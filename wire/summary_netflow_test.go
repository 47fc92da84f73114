package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
)

// summarize reads the NetFlow and IPFIX datagrams of a capture file.
func summarize(t *testing.T, path string) *wire.NetflowSummary {
	t.Helper()
	var s wire.NetflowSummary
	d := netflow.New(netflow.Config{})
	for dg := range capturetest.Datagrams(t, path) {
		if len(dg.Payload) < 2 || binary.BigEndian.Uint16(dg.Payload) == 0 {
			continue
		}
		if err := d.Decode(dg.At, schema.AddrOf(dg.Src.Addr()), dg.Payload, s.Add); err != nil {
			t.Logf("%s: %v", path, err)
		}
	}
	s.Finish(d.Stats())
	return &s
}

// within tells whether every number that want names is in got; what want does not name must be zero.
func within(want, got any) bool {
	w, isMap := want.(map[string]any)
	if !isMap {
		return want == got
	}
	g, _ := got.(map[string]any)
	for k, v := range w {
		if !within(v, g[k]) {
			return false
		}
	}
	return len(g) == len(w)
}

func TestNetflowSummaryReference(t *testing.T) {
	n := 0
	for _, kind := range []string{"netflow5", "netflow9", "ipfix"} {
		for _, path := range capturetest.References(t, kind) {
			n++
			want := capturetest.Expected[map[string]any](t, path)
			b, err := json.Marshal(summarize(t, path))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if got["by_protocol"] == nil {
				got["by_protocol"] = map[string]any{}
			}
			for _, key := range []string{"data_records", "options_records", "sets_without_template",
				"flow_bytes_unscaled", "flow_packets_unscaled", "by_protocol", "distinct_5tuples", "host_count"} {
				if !within(want[key], got[key]) {
					t.Errorf("%s: %s = %v, want %v", path, key, got[key], want[key])
				}
			}
		}
	}
	t.Logf("%d captures", n)
}
