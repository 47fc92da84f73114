package packet_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
	"weir/wire/packet"
)

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
	keys := []string{"packets", "wire_bytes", "ether_types", "ip_protocols", "tcp_and_ip_counts", "conversations",
		"host_count"}
	paths := capturetest.References(t, "packets")
	agree := 0
	for _, path := range paths {
		ok := t.Run(filepath.Base(path), func(t *testing.T) {
			want := capturetest.Expected[map[string]any](t, path)
			var s packet.Summary
			for fr := range capturetest.Frames(t, path) {
				s.Add(fr.Link, fr.Data, fr.Length)
				checkHeaders(t, fr.Link, fr.Data, fr.Length)
			}
			text, err := json.Marshal(&s)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
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
	t.Logf("%d of %d captures agree", agree, len(paths))
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
