package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/capture"
	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
)

// netflowData returns the folder of reference captures: WEIR_DATA, or shared/data beside the repository.
func netflowData(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("WEIR_DATA"); dir != "" {
		return dir
	}
	dir := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no reference captures: set WEIR_DATA to the folder that holds netflow5, netflow9 and ipfix")
	}
	return dir
}

// summarize reads the NetFlow and IPFIX datagrams of a capture file.
func summarize(t *testing.T, path string) *wire.NetflowSummary {
	t.Helper()
	f, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s wire.NetflowSummary
	d := netflow.New(netflow.Config{})
	x := capture.NewExtractor(capture.FragmentLimits{})
	var fr capture.Frame
	var dg capture.Datagram
	for {
		if err := f.Next(&fr); errors.Is(err, io.EOF) {
			s.Finish(d.Stats())
			return &s
		} else if err != nil {
			t.Fatal(err)
		}
		if !x.Extract(&fr, &dg) || len(dg.Payload) < 2 || binary.BigEndian.Uint16(dg.Payload) == 0 {
			continue
		}
		if err := d.Decode(dg.At, schema.AddrOf(dg.Src.Addr()), dg.Payload, s.Add); err != nil {
			t.Logf("%s: %v", path, err)
		}
	}
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
	root := netflowData(t)
	n := 0
	for _, kind := range []string{"netflow5", "netflow9", "ipfix"} {
		files, err := filepath.Glob(filepath.Join(root, kind, "*.expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			n++
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(summarize(t, strings.TrimSuffix(file, ".expected.json")))
			if err != nil {
				t.Fatal(err)
			}
			var want, got map[string]any
			if err := errors.Join(json.Unmarshal(raw, &want), json.Unmarshal(b, &got)); err != nil {
				t.Fatal(err)
			}
			if got["by_protocol"] == nil {
				got["by_protocol"] = map[string]any{}
			}
			for _, key := range []string{"data_records", "options_records", "sets_without_template",
				"flow_bytes_unscaled", "flow_packets_unscaled", "by_protocol", "distinct_5tuples", "host_count"} {
				if !within(want[key], got[key]) {
					t.Errorf("%s: %s = %v, want %v", file, key, got[key], want[key])
				}
			}
		}
	}
	t.Logf("%d captures", n)
}
