package storetest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"weir/store"
)

// ErrCut is the answer of a CrashDisk from the operation on at which it is cut.
var ErrCut = errors.New("storetest: the power is gone")

// CrashDisk is a store.Disk over real files that behaves as a disk does at its worst: what was not synced may be lost
// when the power goes, in files and in directories. Operations that change something are counted, so that a test can
// cut at each of them. It may be used from any goroutine.
type CrashDisk struct {
	real  store.RealDisk
	trash string // directory for what was overwritten or removed and can come back

	mu    sync.Mutex
	ops   int // operations so far that change something
	cutAt int // the operation at which the power goes; 0 is never
	cut   bool
	fault func(op, name string) error
	files map[string]*fileState // files that have bytes that are not synced, or that were opened for writing
	undo  []change              // what was done to directories and not synced, oldest first
	kept  int                   // things in the trash
}

type fileState struct {
	written int64
	synced  int64
}

// change is a change of a directory that is not lasting yet.
type change struct {
	dirs []string // those that must be synced
	back func() error
}

// NewCrashDisk returns a disk that never fails until it is told to. The directory trash must be on the same file
// system as what it is used for and not inside it.
func NewCrashDisk(trash string) *CrashDisk {
	return &CrashDisk{trash: trash, files: map[string]*fileState{}}
}

var _ store.Disk = (*CrashDisk)(nil)

// CutAt cuts the power at the nth operation from now on that changes something, n counting from 1: half of a write is
// done, any other operation is not. 0 is never.
func (d *CrashDisk) CutAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = 0
	if n > 0 {
		d.cutAt = d.ops + n
	}
}

// Ops returns how many operations changed something so far.
func (d *CrashDisk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// WasCut tells whether the power is gone.
func (d *CrashDisk) WasCut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cut
}

// Fail makes operations fail when fault says so; nil ends that. Op is "mkdir", "create", "write", "sync", "truncate",
// "rename", "remove" or "syncdir". A write that fails with syscall.ENOSPC has written half.
func (d *CrashDisk) Fail(fault func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// Crash takes the power away, if it is not gone, and makes the files what they are when it comes back: of the bytes
// that were not synced and of the changes to directories that were not, a random part of the older ones is there. Files
// that are open stay useless. The disk then works again.
func (d *CrashDisk) Crash(r *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for name, f := range d.files {
		if f.written == f.synced {
			continue
		}
		length := f.synced + r.Int64N(f.written-f.synced+1)
		if err := os.Truncate(name, length); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	stay := r.IntN(len(d.undo) + 1)
	for _, c := range slices.Backward(d.undo[stay:]) {
		errs = append(errs, c.back())
	}
	d.files, d.undo, d.cut, d.cutAt, d.fault = map[string]*fileState{}, nil, false, 0, nil
	return errors.Join(errs...)
}

// begin counts an operation; d.mu is held.
func (d *CrashDisk) begin(op, name string) error {
	if d.cut {
		return ErrCut
	}
	d.ops++
	if d.ops == d.cutAt {
		d.cut = true
		return ErrCut
	}
	if d.fault != nil {
		return d.fault(op, name)
	}
	return nil
}

// MakeDir makes a directory and its parents; that they are there is lasting at once.
func (d *CrashDisk) MakeDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("mkdir", dir); err != nil {
		return err
	}
	return d.real.MakeDir(dir)
}

// Create makes a file; it is lasting when its directory was synced.
func (d *CrashDisk) Create(name string) (store.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("create", name); err != nil {
		return nil, err
	}
	f, err := d.real.Create(name)
	if err != nil {
		return nil, err
	}
	st := &fileState{}
	d.files[name] = st
	d.undo = append(d.undo, change{[]string{filepath.Dir(name)}, func() error { return gone(os.Remove(name)) }})
	return &crashFile{f, d, st, name}, nil
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Open opens a file for reading.
func (d *CrashDisk) Open(name string) (store.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return nil, ErrCut
	}
	f, err := d.real.Open(name)
	if err != nil {
		return nil, err
	}
	return &crashFile{f, d, &fileState{}, name}, nil
}

// List returns the names of what is in a directory, sorted.
func (d *CrashDisk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return nil, ErrCut
	}
	return d.real.List(dir)
}

// Truncate cuts a file to a length.
func (d *CrashDisk) Truncate(name string, length int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("truncate", name); err != nil {
		return err
	}
	if st := d.files[name]; st != nil {
		st.written, st.synced = length, length
	}
	return d.real.Truncate(name, length)
}

// putAside keeps what has a name, so that it can come back; it returns how to bring it back. A directory must be empty.
func (d *CrashDisk) putAside(name string) (back func() error, err error) {
	d.kept++
	kept := filepath.Join(d.trash, "kept"+strconv.Itoa(d.kept))
	st, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() error { return nil }, nil
	case err != nil:
		return nil, err
	case st.IsDir():
		return func() error { return os.MkdirAll(name, 0o750) }, nil
	}
	if err := os.Link(name, kept); err != nil {
		return nil, err
	}
	state := d.files[name]
	return func() error {
		if state != nil {
			if err := os.Truncate(kept, state.synced); err != nil {
				return err
			}
		}
		return os.Rename(kept, name)
	}, nil
}

// Rename gives a file or directory another name; it is lasting when both directories were synced.
func (d *CrashDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("rename", from); err != nil {
		return err
	}
	back, err := d.putAside(to)
	if err != nil {
		return err
	}
	if err := d.real.Rename(from, to); err != nil {
		return err
	}
	d.moved(from, to)
	d.undo = append(d.undo, change{
		[]string{filepath.Dir(from), filepath.Dir(to)},
		func() error { return errors.Join(gone(os.Rename(to, from)), back()) },
	})
	return nil
}

// moved gives what is known of a file, or of those in a directory, to its new name.
func (d *CrashDisk) moved(from, to string) {
	delete(d.files, to)
	for name, st := range d.files {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == filepath.Separator) {
			delete(d.files, name)
			d.files[to+rest] = st
		}
	}
}

// Remove removes a file or an empty directory; it is lasting when its directory was synced.
func (d *CrashDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("remove", name); err != nil {
		return err
	}
	back, err := d.putAside(name)
	if err != nil {
		return err
	}
	if err := d.real.Remove(name); err != nil {
		return err
	}
	delete(d.files, name)
	d.undo = append(d.undo, change{[]string{filepath.Dir(name)}, back})
	return nil
}

// SyncDir makes lasting what was done in a directory.
func (d *CrashDisk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("syncdir", dir); err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	for i := range d.undo {
		c := &d.undo[i]
		c.dirs = slices.DeleteFunc(c.dirs, func(s string) bool { return s == dir })
	}
	d.undo = slices.DeleteFunc(d.undo, func(c change) bool { return len(c.dirs) == 0 })
	return nil
}

// crashFile is an open file of a CrashDisk.
type crashFile struct {
	store.File
	d    *CrashDisk
	st   *fileState
	name string
}

func (f *crashFile) Write(b []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	wasCut := f.d.cut
	err := f.d.begin("write", f.name)
	if err != nil {
		if !wasCut && len(b) > 1 {
			n, _ := f.File.Write(b[:len(b)/2])
			f.st.written += int64(n)
			return n, err
		}
		return 0, err
	}
	n, err := f.File.Write(b)
	f.st.written += int64(n)
	return n, err
}

func (f *crashFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.begin("sync", f.name); err != nil {
		return err
	}
	f.st.synced = f.st.written
	return nil
}
