package store

import (
	"io"
	"os"
	"path/filepath"
)

// Disk is what the journal and the stores do with files. There are two: RealDisk, and storetest.CrashDisk, which fails
// and forgets what was not synced. Names are paths as package os takes them. Reading of finished files may also go
// around it.
type Disk interface {
	// MakeDir makes a directory and its parents; one that is there is no error.
	MakeDir(dir string) error
	// Create makes a file for writing at its end; one that is there already is an error (fs.ErrExist).
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// List returns the names of what is in a directory, sorted. One that is not there is an error (fs.ErrNotExist).
	List(dir string) ([]string, error)
	// Truncate cuts a file to a length and syncs it.
	Truncate(name string, length int64) error
	// Rename gives a file or directory another name in the same file system; a file that had it is gone. It lasts when
	// the directories were synced.
	Rename(from, to string) error
	// Remove removes a file or an empty directory; one that is not there is an error (fs.ErrNotExist).
	Remove(name string) error
	// SyncDir makes lasting what was made, renamed and removed in a directory.
	SyncDir(dir string) error
}

// File is an open file of a Disk.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	// Sync makes lasting what was written. After an error nothing is known of what was written since the last Sync.
	Sync() error
	// Size returns the length in bytes.
	Size() (int64, error)
}

// RealDisk is the operating system's file system.
type RealDisk struct{}

var _ Disk = RealDisk{}

type realFile struct{ *os.File }

func (f realFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// MakeDir makes a directory and its parents, readable by owner and group.
func (RealDisk) MakeDir(dir string) error { return os.MkdirAll(dir, 0o750) }

// Create makes a file for writing, readable by owner and group.
func (RealDisk) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	return realFile{f}, nil
}

// Open opens a file for reading.
func (RealDisk) Open(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return realFile{f}, nil
}

// List returns the names of what is in a directory, sorted.
func (RealDisk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Truncate cuts a file to a length and syncs it.
func (RealDisk) Truncate(name string, length int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := f.Truncate(length); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// Rename gives a file another name.
func (RealDisk) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file or an empty directory.
func (RealDisk) Remove(name string) error { return os.Remove(name) }

// SyncDir makes lasting what was made, renamed and removed in a directory.
func (RealDisk) SyncDir(dir string) error {
	f, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
