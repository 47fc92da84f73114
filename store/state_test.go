package store_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/store"
	"weir/store/storetest"
)

func loadState(t *testing.T, d store.Disk, dir string) store.State {
	t.Helper()
	s, err := store.LoadState(d, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := store.RealDisk{}
	if s := loadState(t, d, dir); s.Doc != nil || s.Warning != "" {
		t.Errorf("before the first: %+v", s)
	}
	for _, doc := range []string{`{ "a": 1 }`, `{"b":"ü<\u2028"}`, `[]`} {
		if err := store.SaveState(d, dir, json.RawMessage(doc)); err != nil {
			t.Fatal(err)
		}
		var want, got any
		s := loadState(t, d, dir)
		if json.Unmarshal([]byte(doc), &want) != nil || json.Unmarshal(s.Doc, &got) != nil || s.Warning != "" {
			t.Fatalf("%s: %+v", doc, s)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if string(a) != string(b) {
			t.Errorf("saved %s, loaded %s", a, b)
		}
	}
	if err := store.SaveState(d, dir, json.RawMessage("{")); err == nil {
		t.Error("half a document was saved")
	}
	name := filepath.Join(dir, "state.json")
	text, _ := os.ReadFile(name)
	newer := strings.Replace(string(text), `"version":1`, `"version":7`, 1)
	if err := os.WriteFile(name, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadState(d, dir); err == nil || !strings.Contains(err.Error(), "version 7") ||
		!strings.Contains(err.Error(), name) {
		t.Errorf("a state of another version: %v", err)
	}
	for _, bad := range []string{"", "{", strings.Replace(string(text), "[]", "[1]", 1), "null"} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		s := loadState(t, d, dir)
		if !strings.Contains(string(s.Doc), `"b"`) || !strings.Contains(s.Warning, "damaged") {
			t.Errorf("%q instead of the state: %+v", bad, s)
		}
		if left, err := os.ReadFile(name + ".bad"); err != nil || string(left) != bad {
			t.Errorf("%q was not set aside: %q %v", bad, left, err)
		}
	}
}

func TestStateCrash(t *testing.T) {
	for cut := 1; ; cut++ {
		root := t.TempDir()
		dir := filepath.Join(root, "data")
		disk := storetest.NewCrashDisk(root)
		r := rand.New(rand.NewPCG(uint64(cut), 9))
		if err := store.SaveState(disk, dir, json.RawMessage("1")); err != nil {
			t.Fatal(err)
		}
		disk.CutAt(cut)
		saved := "1"
		for _, doc := range []string{"2", "3"} {
			if store.SaveState(disk, dir, json.RawMessage(doc)) != nil {
				break
			}
			saved = doc
		}
		finished := !disk.WasCut()
		if err := disk.Crash(r); err != nil {
			t.Fatal(err)
		}
		s := loadState(t, disk, dir)
		if got := string(s.Doc); s.Warning != "" || got < saved || got > "3" || len(got) != 1 {
			t.Errorf("cut at operation %d after %s: %q %s", cut, saved, got, s.Warning)
		}
		if err := store.SaveState(disk, dir, json.RawMessage("9")); err != nil || string(loadState(t, disk, dir).Doc) != "9" {
			t.Errorf("cut at operation %d: cannot save any more: %v", cut, err)
		}
		if finished {
			return
		}
	}
}

func FuzzLoadState(f *testing.F) {
	f.Add([]byte(`{"version":1,"crc32c":"00000000","state":{}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.LoadState(store.RealDisk{}, dir)
		if err == nil && s.Warning == "" && !json.Valid(s.Doc) {
			t.Fatalf("%q was loaded as %q", text, s.Doc)
		}
	})
}
