package capture_test

import (
	"io"
	"path/filepath"
	"testing"

	"weir/capture"
	"weir/capture/capturetest"
)

// reference is the part of a file's expected.json that this package can be held to.
type reference struct {
	Packets     *uint64 `json:"packets"`
	WireBytes   uint64  `json:"wire_bytes"`
	Captured    uint64  `json:"captured_bytes"`
	WithoutTime uint64  `json:"packets_without_time"`
	FileBytes   uint64  `json:"file_bytes"`
}

// total reads a whole file.
func total(t testing.TB, path string, see func(*capture.Frame)) (got reference, f *capture.File) {
	t.Helper()
	f, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := uint64(0)
	got.Packets = &n
	for fr := (capture.Frame{}); ; {
		err := f.Next(&fr)
		if err == io.EOF {
			return got, f
		}
		if err != nil {
			t.Errorf("%v", err)
			return got, f
		}
		n++
		got.WireBytes += uint64(fr.Length)
		got.Captured += uint64(len(fr.Data))
		if fr.At == 0 {
			got.WithoutTime++
		}
		if see != nil {
			see(&fr)
		}
	}
}

func TestReferencePackets(t *testing.T) {
	paths := capturetest.References(t, "packets")
	for _, path := range paths {
		want := capturetest.Expected[reference](t, path)
		got, f := total(t, path, nil)
		if *got.Packets != *want.Packets || got.WireBytes != want.WireBytes || got.Captured != want.Captured ||
			got.WithoutTime != want.WithoutTime {
			t.Errorf("%s: got %d packets, %d wire, %d captured, %d without time; want %d, %d, %d, %d",
				filepath.Base(path), *got.Packets, got.WireBytes, got.Captured, got.WithoutTime,
				*want.Packets, want.WireBytes, want.Captured, want.WithoutTime)
		}
		if s := f.Stats(); s.Bytes != want.FileBytes || s.Orphans != 0 {
			t.Errorf("%s: read %d of %d bytes, %d orphans", filepath.Base(path), s.Bytes, want.FileBytes, s.Orphans)
		}
	}
	t.Logf("%d files", len(paths))
}
