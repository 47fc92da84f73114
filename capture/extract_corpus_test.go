package capture_test

import (
	"path/filepath"
	"testing"

	"weir/capture"
	"weir/capture/capturetest"
)

// TestReferenceDatagrams finds as many telemetry datagrams in the captures of telemetry as the references count.
func TestReferenceDatagrams(t *testing.T) {
	files := 0
	for _, kind := range [...]string{"sflow", "netflow5", "netflow9", "ipfix"} {
		for _, path := range capturetest.References(t, kind) {
			files++
			want := capturetest.Expected[struct {
				UDP       uint64 `json:"udp_datagrams"`
				Datagrams uint64 `json:"datagrams"`
			}](t, path)
			x := capture.NewExtractor(capture.FragmentLimits{})
			var d capture.Datagram
			_, f := total(t, path, func(fr *capture.Frame) { x.Extract(fr, &d) })
			s := x.Stats()
			if n := want.UDP + want.Datagrams; s.Datagrams != n {
				t.Errorf("%s/%s: found %d datagrams, want %d; %+v", kind, filepath.Base(path), s.Datagrams, n, s)
			}
			if s.Frames != s.Datagrams-s.Reassembled+s.Fragments+s.Other+s.Malformed {
				t.Errorf("%s/%s: the books do not balance: %+v", kind, filepath.Base(path), s)
			}
			if s.Cut+s.Reassembled+s.Malformed+s.FragmentsLost != 0 || f.Cut() {
				t.Logf("%s/%s: %+v cut file %v", kind, filepath.Base(path), s, f.Cut())
			}
		}
	}
	t.Logf("%d files", files)
}

// TestReferenceFragments puts the fragments together that the reference captures hold. By their references there are:
// 5 fragments of TCP; 4 fragments, of which 1 has ports, among 8 packets; 14, of which 7 have ports, among 46 of UDP.
func TestReferenceFragments(t *testing.T) {
	dir := capturetest.Dir(t, "packets")
	for name, want := range map[string]capture.ExtractStats{
		"zeek-ipv4-fragmented-3.pcap":   {Frames: 5, Other: 5},
		"zeek-ipv6-fragmented-dns.pcap": {Frames: 8, Datagrams: 5, Reassembled: 1, Fragments: 4},
		"ndpi-dns_fragmented.pcap":      {Frames: 66, Datagrams: 39, Reassembled: 7, Fragments: 14, Other: 20},
	} {
		x := capture.NewExtractor(capture.FragmentLimits{})
		var d capture.Datagram
		total(t, filepath.Join(dir, name), func(fr *capture.Frame) { x.Extract(fr, &d) })
		if s := x.Stats(); s != want {
			t.Errorf("%s: got %+v, want %+v", name, s, want)
		}
		capture.Balanced(t, x)
	}
}
