package capture

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// TestReferenceDatagrams finds as many telemetry datagrams in the captures of telemetry as the references count.
func TestReferenceDatagrams(t *testing.T) {
	files := 0
	for _, folder := range [...]string{"sflow", "netflow5", "netflow9", "ipfix"} {
		references(t, folder, func(path string, raw []byte) {
			files++
			var want struct {
				UDP       uint64 `json:"udp_datagrams"`
				Datagrams uint64 `json:"datagrams"`
			}
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			x := NewExtractor(FragmentLimits{})
			var d Datagram
			_, f := total(t, path, func(fr *Frame) { x.Extract(fr, &d) })
			s := x.Stats()
			if n := want.UDP + want.Datagrams; s.Datagrams != n {
				t.Errorf("%s/%s: found %d datagrams, want %d; %+v", folder, filepath.Base(path), s.Datagrams, n, s)
			}
			if s.Frames != s.Datagrams-s.Reassembled+s.Fragments+s.Other+s.Malformed {
				t.Errorf("%s/%s: the books do not balance: %+v", folder, filepath.Base(path), s)
			}
			if s.Cut+s.Reassembled+s.Malformed+s.FragmentsLost != 0 || f.Cut() {
				t.Logf("%s/%s: %+v cut file %v", folder, filepath.Base(path), s, f.Cut())
			}
		})
	}
	t.Logf("%d files", files)
}
