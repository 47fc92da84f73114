package store_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/storetest"
	"weir/vitals"
)

func openJournal(t *testing.T, c store.JournalConfig) (*store.Journal, *vitals.Set) {
	t.Helper()
	set := vitals.New()
	j, err := store.OpenJournal(c, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j, set
}

// small makes a batch of a few hundred bytes whose slice belongs to bucket seq of group "g".
func small(seq uint64) store.Batch {
	r := rand.New(rand.NewPCG(seq, 1))
	return store.Batch{
		Node: "n", Seq: seq, At: schema.Instant(seq),
		Blocks: []*schema.Block{storetest.Rows(r, schema.TableKeys, 10, storetest.Epoch, storetest.Epoch.Add(time.Hour))},
		Slices: []store.Slice{{Group: "g", Start: schema.Instant(seq), Data: []byte("bucket")}},
	}
}

func mustAppend(t *testing.T, j *store.Journal, b store.Batch) {
	t.Helper()
	if err := j.Append(b); err != nil {
		t.Fatal(err)
	}
}

// seqs reads all frames after one and checks that they are what small makes.
func seqs(t *testing.T, j *store.Journal, after uint64) (all []uint64) {
	t.Helper()
	for b, err := range j.Frames(after) {
		if err != nil {
			t.Fatal(err)
		}
		want := small(b.Seq)
		if len(b.Blocks) != 1 || !sameRows(b.Blocks[0], want.Blocks[0]) || len(b.Slices) != 1 ||
			string(b.Slices[0].Data) != "bucket" {
			t.Fatalf("frame %d is not what was appended", b.Seq)
		}
		all = append(all, b.Seq)
	}
	return all
}

func sameRows(a, b *schema.Block) bool { return store.EqualBlocks(a, b) }

func span(from, to uint64) (all []uint64) {
	for ; from <= to; from++ {
		all = append(all, from)
	}
	return all
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := store.RealDisk{}.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestJournalReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j, _ := openJournal(t, store.JournalConfig{Dir: dir})
	for seq := range uint64(5) {
		mustAppend(t, j, small(seq+1))
	}
	if err := j.Append(small(5)); err == nil {
		t.Error("batch 5 was appended twice")
	}
	if got := seqs(t, j, 2); !slices.Equal(got, span(3, 5)) {
		t.Errorf("after 2: %v", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(small(6)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("append to a closed journal: %v", err)
	}
	j, _ = openJournal(t, store.JournalConfig{Dir: dir})
	mustAppend(t, j, small(9))
	if got := seqs(t, j, 0); !slices.Equal(got, append(span(1, 5), 9)) {
		t.Errorf("reopened: %v", got)
	}
	if u := j.Usage(); u.Last != 9 || u.Frames != 6 || u.Segments != 2 {
		t.Errorf("usage: %+v", u)
	}
}

func TestJournalForgets(t *testing.T) {
	dir := t.TempDir()
	// With 1 MiB in all a segment ends after 128 KiB.
	j, _ := openJournal(t, store.JournalConfig{Dir: dir, MaxBytes: 1 << 20})
	seq := uint64(0)
	for j.Usage().Segments < 4 {
		seq++
		mustAppend(t, j, small(seq))
	}
	if err := j.Forget(seq); err != nil {
		t.Fatal(err)
	}
	if u := j.Usage(); u.Segments != 4 {
		t.Errorf("%d segments are left, though no slice is under its mark", u.Segments)
	}
	// The mark covers all slices, but is not durable in the store yet.
	last := small(seq + 1)
	last.Marks = map[string]schema.Instant{"g": schema.Instant(seq)}
	mustAppend(t, j, last)
	if err := j.Forget(seq); err != nil {
		t.Fatal(err)
	}
	if u := j.Usage(); u.Segments != 4 {
		t.Errorf("%d segments are left before the mark is durable", u.Segments)
	}
	if err := j.Forget(seq + 1); err != nil {
		t.Fatal(err)
	}
	if u := j.Usage(); u.Segments != 1 || u.GivenUp != 0 || len(files(t, dir)) != 1 {
		t.Errorf("what is left: %+v %v", u, files(t, dir))
	}
	all := seqs(t, j, 0)
	if all[len(all)-1] != seq+1 {
		t.Errorf("the last frame is gone: %v", all)
	}
	end := small(seq + 2)
	end.Marks = map[string]schema.Instant{"g": math.MaxInt64}
	mustAppend(t, j, end)
	_ = j.Close()
	j, _ = openJournal(t, store.JournalConfig{Dir: dir, MaxBytes: 1 << 20})
	if err := j.Forget(seq + 2); err != nil || j.Usage().Segments != 0 || len(files(t, dir)) != 0 {
		t.Errorf("after a restart: %v %+v %v", err, j.Usage(), files(t, dir))
	}
}

func TestJournalGivesUpTheOldest(t *testing.T) {
	dir := t.TempDir()
	j, set := openJournal(t, store.JournalConfig{Dir: dir, MaxBytes: 1 << 20})
	seq := uint64(0)
	for j.Usage().GivenUp == 0 {
		seq++
		mustAppend(t, j, small(seq))
	}
	u := j.Usage()
	if u.Bytes > 1<<20 {
		t.Errorf("%d bytes", u.Bytes)
	}
	if got := seqs(t, j, 0); !slices.Equal(got, span(u.GivenUp+1, seq)) {
		t.Errorf("%d were given up of %d, left are %d", u.GivenUp, seq, len(got))
	}
	if n := set.Counter("weir_journal_given_up_frames_total").Get(); n != u.GivenUp {
		t.Errorf("counted: %d", n)
	}
	huge := small(seq + 1)
	huge.Slices[0].Data = make([]byte, 2<<20)
	if err := j.Append(huge); err == nil || !strings.Contains(err.Error(), "raise") {
		t.Errorf("a batch larger than the journal: %v", err)
	}
	mustAppend(t, j, small(seq+1))
}

// A group whose buckets are long must not hold what other groups counted meanwhile.
func TestJournalPacks(t *testing.T) {
	root := t.TempDir()
	dir, disk := filepath.Join(root, "journal"), storetest.NewCrashDisk(root)
	c := store.JournalConfig{Dir: dir, MaxBytes: 256 << 10, Disk: disk}
	j, set := openJournal(t, c)
	const n = 2000
	for seq := uint64(1); seq <= n; seq++ {
		b := small(seq)
		b.Marks = map[string]schema.Instant{"g": schema.Instant(seq)}
		if seq%100 == 1 {
			b.Slices = append(b.Slices, store.Slice{Group: "hour", Start: 1, Data: fmt.Append(nil, seq)})
		}
		mustAppend(t, j, b)
		if seq%20 == 0 {
			if err := j.Forget(seq - 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	if u := j.Usage(); u.GivenUp != 0 || set.Counter("weir_journal_packed_segments_total").Get() == 0 {
		t.Errorf("%+v", u)
	}
	_ = j.Close()
	j, _ = openJournal(t, c)
	var hours, others []string
	for b, err := range j.Frames(0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.Slices {
			if s.Group == "hour" {
				hours = append(hours, string(s.Data))
			} else {
				others = append(others, string(s.Data))
			}
		}
	}
	if len(hours) != n/100 || hours[0] != "1" || hours[19] != "1901" || len(others) > n/2 {
		t.Errorf("%d slices of the long bucket are left: %s; %d others", len(hours), hours, len(others))
	}
	if got := seqs(t, j, n-5); !slices.Equal(got, span(n-4, n)) {
		t.Errorf("frames that are not kept: %v", got)
	}
}

func TestJournalTornEnd(t *testing.T) {
	for cut := int64(1); ; cut += 13 {
		dir := t.TempDir()
		j, _ := openJournal(t, store.JournalConfig{Dir: dir})
		mustAppend(t, j, small(1))
		mustAppend(t, j, small(2))
		_ = j.Close()
		name := filepath.Join(dir, files(t, dir)[0])
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if cut >= st.Size() {
			break
		}
		if err := os.Truncate(name, st.Size()-cut); err != nil {
			t.Fatal(err)
		}
		j, set := openJournal(t, store.JournalConfig{Dir: dir})
		got := seqs(t, j, 0)
		if len(got) > 1 || len(got) == 1 && got[0] != 1 {
			t.Fatalf("%d bytes cut: %v", cut, got)
		}
		if len(got) == 1 && set.Counter("weir_journal_torn_total").Get() != 1 && st.Size()-cut > 600 {
			t.Errorf("%d bytes cut: not counted", cut)
		}
		mustAppend(t, j, small(2))
		if slices.ContainsFunc(files(t, dir), func(s string) bool { return strings.HasSuffix(s, ".bad") }) {
			t.Errorf("%d bytes cut: taken for damage: %v", cut, files(t, dir))
		}
	}
}

func TestJournalDamage(t *testing.T) {
	for _, at := range []int{2, 20, 700, 1500} {
		dir := t.TempDir()
		j, _ := openJournal(t, store.JournalConfig{Dir: dir})
		for seq := range uint64(6) {
			mustAppend(t, j, small(seq+1))
		}
		_ = j.Close()
		name := filepath.Join(dir, files(t, dir)[0])
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[at] ^= 0x10
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		j, set := openJournal(t, store.JournalConfig{Dir: dir})
		got := seqs(t, j, 0)
		least := 5
		if at < 16 {
			least = 6 // only the header
		}
		if len(got) != least {
			t.Errorf("byte %d damaged: left are %v", at, got)
		}
		if set.Counter("weir_journal_set_aside_total").Get() != 1 || !slices.Contains(files(t, dir), filepath.Base(name)+".bad") {
			t.Errorf("byte %d damaged: not set aside: %v", at, files(t, dir))
		}
		mustAppend(t, j, small(7))
		_ = j.Close()
		j, set = openJournal(t, store.JournalConfig{Dir: dir})
		if again := seqs(t, j, 0); !slices.Equal(again, append(got, 7)) || set.Counter("weir_journal_set_aside_total").Get() != 0 {
			t.Errorf("byte %d damaged: opened again: %v", at, again)
		}
	}
}

func TestJournalOfAnotherVersion(t *testing.T) {
	dir := t.TempDir()
	j, _ := openJournal(t, store.JournalConfig{Dir: dir})
	mustAppend(t, j, small(1))
	_ = j.Close()
	name := filepath.Join(dir, files(t, dir)[0])
	text, _ := os.ReadFile(name)
	text[8] = 9
	store.FixHeader(text)
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.OpenJournal(store.JournalConfig{Dir: dir}, vitals.New())
	if err == nil || !strings.Contains(err.Error(), "format 9") || !strings.Contains(err.Error(), name) {
		t.Errorf("opened: %v", err)
	}
	if left, _ := os.ReadFile(name); len(left) != len(text) {
		t.Error("the file was changed")
	}
}

// The power goes at any operation, while batches are appended and forgotten: after it exactly the frames that were
// promised are there, and perhaps the one that was being written.
func TestJournalCrash(t *testing.T) {
	for cut := 1; ; cut++ {
		root := t.TempDir()
		dir := filepath.Join(root, "journal")
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, "trash"), 0o750); err != nil {
			t.Fatal(err)
		}
		disk := storetest.NewCrashDisk(filepath.Join(root, "trash"))
		r := rand.New(rand.NewPCG(uint64(cut), 5))
		disk.CutAt(cut)
		promised, forgotten := crashRun(disk, dir)
		finished := !disk.WasCut()
		if err := disk.Crash(r); err != nil {
			t.Fatal(err)
		}
		// A second cut in the middle of mending what the first one left.
		disk.CutAt(1 + r.IntN(4))
		if j, err := store.OpenJournal(store.JournalConfig{Dir: dir, MaxBytes: 32 << 10, Disk: disk}, vitals.New()); err == nil {
			_ = j.Close()
		}
		if err := disk.Crash(r); err != nil {
			t.Fatal(err)
		}
		j, set := openJournal(t, store.JournalConfig{Dir: dir, MaxBytes: 32 << 10, Disk: disk})
		got := seqs(t, j, forgotten)
		want := span(forgotten+1, promised)
		if !slices.Equal(got, want) && !slices.Equal(got, span(forgotten+1, promised+1)) {
			t.Fatalf("cut at operation %d: promised to %d, forgotten to %d, got %v", cut, promised, forgotten, got)
		}
		if set.Counter("weir_journal_set_aside_total").Get() > 0 {
			t.Errorf("cut at operation %d: a file was set aside: %v", cut, files(t, dir))
		}
		mustAppend(t, j, small(max(j.Usage().Last, promised+2)+1))
		if finished {
			if cut < 100 {
				t.Errorf("only %d operations", cut)
			}
			return
		}
	}
}

// crashRun appends batches and forgets them now and then until the power goes or all is done.
func crashRun(disk store.Disk, dir string) (promised, forgotten uint64) {
	j, err := store.OpenJournal(store.JournalConfig{Dir: dir, MaxBytes: 32 << 10, Disk: disk}, vitals.New())
	if err != nil {
		return 0, 0
	}
	for seq := uint64(1); seq <= 75; seq++ {
		b := small(seq)
		b.Marks = map[string]schema.Instant{"g": schema.Instant(seq + 1)}
		if seq == 1 {
			b.Slices[0].Group = "long" // nothing goes, so segments are packed
		}
		if j.Append(b) != nil {
			return promised, forgotten
		}
		promised = seq
		if seq%10 == 0 {
			forgotten = seq - 3
			if j.Forget(forgotten) != nil {
				return promised, forgotten
			}
		}
	}
	return promised, forgotten
}

func TestJournalFullDisk(t *testing.T) {
	root := t.TempDir()
	disk := storetest.NewCrashDisk(root)
	dir := filepath.Join(root, "journal")
	j, set := openJournal(t, store.JournalConfig{Dir: dir, Disk: disk})
	mustAppend(t, j, small(1))
	for i, op := range []string{"write", "sync", "create", "truncate", "syncdir"} {
		disk.Fail(func(o, _ string) error {
			if o == op || op != "sync" && o == "write" {
				return fmt.Errorf("disk: %w", syscall.ENOSPC)
			}
			return nil
		})
		seq := uint64(2 + i)
		// The first time in the segment that is there, the second time in a new one.
		for range 2 {
			if err := j.Append(small(seq)); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: appended to a full disk: %v", op, err)
			}
		}
		disk.Fail(nil)
		mustAppend(t, j, small(seq))
	}
	if got := seqs(t, j, 0); !slices.Equal(got, span(1, 6)) {
		t.Errorf("after the disk was full: %v", got)
	}
	if set.Counter("weir_journal_errors_total").Get() != 10 {
		t.Error("errors are not counted")
	}
	_ = j.Close()
	j, _ = openJournal(t, store.JournalConfig{Dir: dir, Disk: disk})
	if got := seqs(t, j, 0); !slices.Equal(got, span(1, 6)) {
		t.Errorf("opened again: %v", got)
	}
}
