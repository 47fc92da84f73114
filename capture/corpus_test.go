package capture

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dataDir returns the directory of the reference captures: WEIR_DATA, or shared/data beside the repository.
func dataDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("WEIR_DATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no go.mod above the test: cannot find the reference captures")
		}
		dir = up
	}
	data := filepath.Join(filepath.Dir(dir), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("reference captures are absent (%v); set WEIR_DATA to their directory", err)
	}
	return data
}

// reference is the part of a file's expected.json that this package can be held to.
type reference struct {
	Packets     *uint64 `json:"packets"`
	WireBytes   uint64  `json:"wire_bytes"`
	Captured    uint64  `json:"captured_bytes"`
	WithoutTime uint64  `json:"packets_without_time"`
	FileBytes   uint64  `json:"file_bytes"`
}

// references returns the reference of every capture file in the named folder.
func references(t testing.TB, folder string, ref func(path string, raw []byte)) {
	t.Helper()
	const suffix = ".expected.json"
	names, err := filepath.Glob(filepath.Join(dataDir(t), folder, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skipf("no reference captures in folder %s", folder)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ref(strings.TrimSuffix(name, suffix), raw)
	}
}

// total reads a whole file.
func total(t testing.TB, path string, see func(*Frame)) (got reference, f *File) {
	t.Helper()
	f, err := Open(path)
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
	for fr := (Frame{}); ; {
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
	files := 0
	references(t, "packets", func(path string, raw []byte) {
		files++
		var want reference
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
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
	})
	t.Logf("%d files", files)
}
