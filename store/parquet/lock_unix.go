//go:build unix && !solaris && !illumos && !aix

package parquet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var errInUse = errors.New("is in use by another weir: stop that one first, or give this one another data directory")

// lockDirectory takes the directory for this Store until the file is closed; the kernel gives it back when the process
// dies, however it dies.
func lockDirectory(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("store: %s %w", dir, errInUse)
	}
	return f, nil
}
