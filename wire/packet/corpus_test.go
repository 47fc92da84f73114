package packet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/capture"
	"weir/schema"
	"weir/wire/packet"
)

// packetsDir returns the folder of reference captures: packets in WEIR_DATA, or in shared/data beside the repository.
func packetsDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("WEIR_DATA"); dir != "" {
		return filepath.Join(dir, "packets")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above the test: cannot find the reference captures")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(filepath.Dir(dir), "shared", "data", "packets")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("reference captures are absent (%v); set WEIR_DATA to the directory above packets", err)
	}
	return data
}

// eachFrame calls f for every frame of a capture file.
func eachFrame(t testing.TB, path string, f func(*capture.Frame)) {
	t.Helper()
	file, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var fr capture.Frame
	for {
		if err := file.Next(&fr); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		f(&fr)
	}
}

// holds tells whether got has every part that want names, equal, and no other number that is not zero.
func holds(want, got any) bool {
	parts, ok := want.(map[string]any)
	if !ok {
		return want == got || want == 0.0 && got == nil
	}
	have, _ := got.(map[string]any)
	for k, v := range parts {
		if !holds(v, have[k]) {
			return false
		}
	}
	for k, v := range have {
		if n, number := v.(float64); parts[k] == nil && number && n != 0 {
			return false
		}
	}
	return true
}

// TestCorpus holds Summary against the reference decodings that lie beside real captures.
func TestCorpus(t *testing.T) {
	const suffix = ".expected.json"
	keys := []string{"packets", "wire_bytes", "ether_types", "ip_protocols", "tcp_and_ip_counts", "conversations",
		"host_count"}
	names, err := filepath.Glob(filepath.Join(packetsDir(t), "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	agree := 0
	for _, name := range names {
		ok := t.Run(filepath.Base(strings.TrimSuffix(name, suffix)), func(t *testing.T) {
			var want, got map[string]any
			unmarshalFile(t, name, &want)
			var s packet.Summary
			eachFrame(t, strings.TrimSuffix(name, suffix), func(fr *capture.Frame) {
				s.Add(fr.Link, fr.Data, fr.Length)
				checkHeaders(t, fr.Link, fr.Data, fr.Length)
			})
			text, err := json.Marshal(&s)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				if w, there := want[k]; there && !holds(w, got[k]) {
					t.Errorf("%s: want %v, have %v", k, w, got[k])
				}
			}
		})
		if ok {
			agree++
		}
	}
	t.Logf("%d of %d captures agree", agree, len(names))
}

func unmarshalFile(t testing.TB, path string, v any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// checkHeaders parses a frame and holds what must be true of any result.
func checkHeaders(t testing.TB, link schema.LinkType, frame []byte, wireLen uint32) *schema.Headers {
	t.Helper()
	var h schema.Headers
	packet.Parse(&h, link, frame, wireLen)
	if h.N < 0 || h.N > schema.MaxLayers {
		t.Fatalf("%d layers", h.N)
	}
	before := -1
	for i := range h.N {
		l := h.Layers[i]
		if l.Len == 0 || int(l.Off)+int(l.Len) > len(frame) || int(l.Off) <= before || l.Kind == schema.LayerNone {
			t.Fatalf("layer %d of %d: %+v in %d bytes, the one before at %d", i, h.N, l, len(frame), before)
		}
		before = int(l.Off)
	}
	if h.L3Off >= len(frame) || int(h.DNSQuestion) >= max(len(frame), 1) {
		t.Fatalf("IP at %d, DNS question at %d of %d bytes", h.L3Off, h.DNSQuestion, len(frame))
	}
	return &h
}
