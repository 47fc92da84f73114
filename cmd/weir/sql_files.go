package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
)

// sqlFiles asks the store of a server that does not run, and changes nothing in it.
type sqlFiles struct {
	store *parquet.Store
	temp  string
}

// readOnlyDisk is the file system, but nothing in it can be changed. What only tidies up is passed over, so that a
// store which somebody else owns opens; what would write is refused.
type readOnlyDisk struct{ store.RealDisk }

func (readOnlyDisk) MakeDir(dir string) error {
	_, err := os.Stat(dir)
	return err
}

func (readOnlyDisk) Create(name string) (store.File, error) {
	return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrPermission}
}

func (readOnlyDisk) Truncate(string, int64) error { return nil }
func (readOnlyDisk) Rename(_, _ string) error     { return nil }
func (readOnlyDisk) Remove(string) error          { return nil }
func (readOnlyDisk) SyncDir(string) error         { return nil }

// openSQLFiles opens the store in a data directory, or the directory of a store itself, such as that of a replay.
func openSQLFiles(ctx context.Context, data string) (*sqlFiles, error) {
	dir := filepath.Join(data, "store")
	if _, err := os.Stat(filepath.Join(data, "parts")); err == nil {
		dir = data
	}
	if _, err := os.Stat(filepath.Join(dir, "parts")); err != nil {
		return nil, fmt.Errorf("sql: there is no store in %s: name the directory that weir serve has as --data: %w", data,
			err)
	}
	temp, err := os.MkdirTemp("", "weir-sql-")
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	f := &sqlFiles{temp: temp}
	c := parquet.DefaultConfig()
	c.Disk, c.TempDir = readOnlyDisk{}, temp
	if f.store, err = parquet.Open(dir, c); err != nil {
		if strings.Contains(err.Error(), "in use") {
			err = fmt.Errorf("a server runs on %s: ask it with --url: %w", data, err)
		}
		return nil, errors.Join(fmt.Errorf("sql: %w", err), os.RemoveAll(temp))
	}
	if err := f.journal(ctx, filepath.Join(dir, "journal")); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// journal adds what stands in the journal and not yet in the store, as after a crash.
func (f *sqlFiles) journal(ctx context.Context, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	j, err := store.OpenJournal(store.JournalConfig{Dir: dir, Disk: readOnlyDisk{}}, vitals.New())
	if err != nil {
		return fmt.Errorf("sql: %w", err)
	}
	for b, err := range j.Frames(0) {
		if err != nil {
			continue // what a start would pass over too
		}
		if err := f.store.Keep(ctx, b); err != nil {
			return errors.Join(fmt.Errorf("sql: %w", err), j.Close())
		}
	}
	return j.Close()
}

func (f *sqlFiles) close() error {
	if err := f.store.Close(); err != nil && !errors.Is(err, fs.ErrPermission) {
		return errors.Join(err, os.RemoveAll(f.temp))
	}
	return os.RemoveAll(f.temp) // what the journal added was not written, as is meant
}

func (f *sqlFiles) ask(ctx context.Context, text string, limit int, within time.Duration) (*schema.Block, bool, error) {
	b, err := f.store.SQL(ctx, text, store.SQLLimits{Rows: limit + 1, Timeout: within})
	if err != nil {
		return nil, false, err
	}
	return b, b.Rows > limit, nil
}

func (f *sqlFiles) table(ctx context.Context, text string, limit int, within time.Duration) (*sqlTable, error) {
	began := time.Now()
	b, more, err := f.ask(ctx, text, limit, within)
	if err != nil {
		return nil, err
	}
	t := tableOf(b, limit)
	t.Truncated, t.Elapsed = more, float64(time.Since(began).Microseconds())/1e3
	return t, nil
}

func (f *sqlFiles) parquet(ctx context.Context, w io.Writer, text string, limit int, within time.Duration) (bool,
	error) {
	b, more, err := f.ask(ctx, text, limit, within)
	if err != nil {
		return false, err
	}
	return more, parquet.WriteParquet(w, firstOf(b, limit))
}
