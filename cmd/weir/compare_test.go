package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weir/capture/capturetest"
)

// sectionOf says which section of the summary tells of the captures of a folder.
var sectionOf = map[string]string{
	"sflow": "sflow", "netflow5": "netflow", "netflow9": "netflow", "ipfix": "netflow", "packets": "packets",
}

// comparedKeys are the keys of each section that are held against the references.
var comparedKeys = map[string][]string{
	"sflow": {"samples_by_type", "flow_records_by_type", "counter_records_by_type", "discard_records_by_type",
		"scaled_packets", "scaled_bytes", "distinct_5tuples", "host_count"},
	"netflow": {"data_records", "options_records", "sets_without_template", "flow_bytes_unscaled",
		"flow_packets_unscaled", "by_protocol", "distinct_5tuples", "host_count"},
	"packets": {"packets", "wire_bytes", "ether_types", "ip_protocols", "tcp_and_ip_counts", "conversations",
		"host_count"},
}

// TestReferenceDecodings holds the summaries of real captures against what other decoders say of them. The captures
// are not part of the repository.
func TestReferenceDecodings(t *testing.T) {
	excused, used, seen := exceptions(t), map[string]bool{}, 0
	for _, kind := range slices.Sorted(maps.Keys(sectionOf)) {
		for _, path := range capturetest.References(t, kind) {
			seen++
			for _, key := range differences(t, kind, path) {
				name := kind + "/" + filepath.Base(path) + " " + key
				if used[name] = true; !excused[name] {
					t.Errorf("%s differs from its reference", name)
				}
			}
		}
	}
	for name := range excused {
		if !used[name] {
			t.Errorf("the exception %q is not needed", name)
		}
	}
	t.Logf("%d captures compared, %d exceptions", seen, len(used))
}

// exceptions reads corpus/exceptions.txt.
func exceptions(t *testing.T) map[string]bool {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "corpus", "exceptions.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if fields := strings.Fields(sc.Text()); len(fields) > 2 && fields[0] != "#" {
			out[fields[0]+" "+fields[1]] = true
		}
	}
	return out
}

// differences returns the keys in which the summary of a capture is not what the reference says.
func differences(t *testing.T, kind, path string) (keys []string) {
	t.Helper()
	args := []string{"decode", "--summary", "--json", "--hold", "0"}
	if kind == "packets" {
		args = append(args, "--as", "packets")
	}
	code, out, errs := weir(t, append(args, path)...)
	if code != exitOK && out == "" {
		t.Errorf("%s: %s", path, errs)
		return nil
	}
	want := capturetest.Expected[map[string]any](t, path)
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	section, _ := got[sectionOf[kind]].(map[string]any)
	for _, key := range comparedKeys[sectionOf[kind]] {
		if w, there := want[key]; there && !agrees(w, section[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// agrees tells whether every part that the reference names is there and equal, and no number that it does not name is;
// zero may be left out.
func agrees(want, got any) bool {
	parts, ok := want.(map[string]any)
	if !ok {
		if w, ok := want.(float64); ok {
			g, _ := got.(float64)
			return w == g
		}
		return reflect.DeepEqual(want, got)
	}
	have, _ := got.(map[string]any)
	for k, w := range parts {
		if !agrees(w, have[k]) {
			return false
		}
	}
	for k, g := range have {
		if n, isNumber := g.(float64); parts[k] == nil && isNumber && n != 0 {
			return false
		}
	}
	return true
}
