package capturetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// suffix is what the name of a capture's reference decoding adds to that of the capture.
const suffix = ".expected.json"

// Find returns the absolute path of the folder of reference captures of a kind ("sflow", "netflow5", "netflow9",
// "ipfix" or "packets"): below the folder that the environment variable WEIR_DATA names, or else below shared/data
// beside the repository. It tells whether the folder is there; a test that can do without asks this, others call [Dir].
func Find(t testing.TB, kind string) (dir string, found bool) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root(t), kind))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(dir)
	return dir, err == nil
}

// root returns the folder above all kinds. It walks up from the folder of the test, where go test runs it.
func root(t testing.TB) string {
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
			return filepath.Join(filepath.Dir(dir), "shared", "data")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// Dir returns what [Find] does, and skips the test when the folder is not there.
func Dir(t testing.TB, kind string) string {
	t.Helper()
	dir, found := Find(t, kind)
	if !found {
		t.Skipf("the reference captures are not here (%s); set WEIR_DATA to the folder that holds %s", dir, kind)
	}
	return dir
}

// References returns the paths, sorted, of the captures of a kind beside which a reference decoding lies: PATH and
// PATH.expected.json. It skips the test like [Dir], and fails it when the folder has none.
func References(t testing.TB, kind string) (paths []string) {
	t.Helper()
	dir := Dir(t, kind)
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("%s holds no capture with a reference decoding (*%s)", dir, suffix)
	}
	for _, name := range names {
		paths = append(paths, strings.TrimSuffix(name, suffix))
	}
	return paths
}

// Expected reads the reference decoding of the capture at path. T has the parts that the test wants of it.
func Expected[T any](t testing.TB, path string) (want T) {
	t.Helper()
	text, err := os.ReadFile(path + suffix)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatalf("%s: %v", path+suffix, err)
	}
	return want
}
