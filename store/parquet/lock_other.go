//go:build !unix || solaris || illumos || aix

package parquet

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockDirectory opens the lock file only: this system has no lock that goes away with its process.
func lockDirectory(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return f, nil
}
