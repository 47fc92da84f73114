package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
)

// Names of the file of state, in the directory of memory: the current one, the one before, one that is being written,
// one that was damaged.
const (
	stateFile    = "state.json"
	stateBackup  = stateFile + ".bak"
	stateNew     = stateFile + ".new"
	stateDamaged = stateFile + badEnding
	stateVersion = 1
	maxStateSize = 256 << 20
)

// stateEnvelope is what is in the file.
type stateEnvelope struct {
	Version int             `json:"version"`
	CRC32C  string          `json:"crc32c"` // of State, hex
	State   json.RawMessage `json:"state"`
}

// SaveState writes a JSON document, such as run-time definitions and labels of keys, into a directory, which is made
// when it is not there. It replaces the one before, which stays as a backup, at once: after a crash one of the two is
// there, whole.
func SaveState(d Disk, dir string, doc json.RawMessage) error {
	var compact json.RawMessage
	compact, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("state: this is no JSON: %w", err)
	}
	text, err := json.Marshal(stateEnvelope{stateVersion, checksum(compact), compact})
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if len(text) > maxStateSize {
		return fmt.Errorf("state: %d bytes are more than the %d that a state may have", len(text), maxStateSize)
	}
	if err := saveState(d, dir, append(text, '\n')); err != nil {
		return fmt.Errorf("state: cannot write %s: %w", filepath.Join(dir, stateFile), err)
	}
	return nil
}

func checksum(b []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli)) }

func saveState(d Disk, dir string, text []byte) error {
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := d.MakeDir(dir); err != nil {
		return err
	}
	if err := ignoreAbsent(d.Remove(path(stateNew))); err != nil {
		return err
	}
	f, err := d.Create(path(stateNew))
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, d.Remove(path(stateNew)))
	}
	// The new file must last under some name before the old one loses its own.
	if err := d.SyncDir(dir); err != nil {
		return err
	}
	if err := ignoreAbsent(d.Rename(path(stateFile), path(stateBackup))); err != nil {
		return err
	}
	if err := d.Rename(path(stateNew), path(stateFile)); err != nil {
		return err
	}
	return d.SyncDir(dir)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// State is what LoadState found.
type State struct {
	Doc json.RawMessage // nil when nothing was ever saved
	// Warning says that the newest file was damaged, where it is now, and that Doc is the one before; empty when all is
	// well.
	Warning string
}

// LoadState reads the document that was last saved in a directory. A damaged file is renamed to state.json.bad and the
// one before is taken, with a warning. A file of a newer weir, and a disk that cannot be read, are errors.
func LoadState(d Disk, dir string) (State, error) {
	doc, err := readState(d, filepath.Join(dir, stateFile))
	if err == nil {
		return State{Doc: doc}, nil
	}
	var version *stateVersionError
	var damaged *stateDamagedError
	switch {
	case errors.As(err, &version):
		return State{}, fmt.Errorf("state: %s: %w", filepath.Join(dir, stateFile), err)
	case errors.As(err, &damaged):
		return loadOlder(d, dir, err)
	case !errors.Is(err, fs.ErrNotExist):
		return State{}, fmt.Errorf("state: %w", err)
	}
	// A crash between the two renames leaves the newest one under its first name.
	for _, name := range []string{stateNew, stateBackup} {
		if doc, err := readState(d, filepath.Join(dir, name)); err == nil {
			return State{Doc: doc}, nil
		}
	}
	return State{}, nil
}

// loadOlder sets the damaged file aside and reads the one before.
func loadOlder(d Disk, dir string, why error) (State, error) {
	file, bad := filepath.Join(dir, stateFile), filepath.Join(dir, stateDamaged)
	if err := errors.Join(d.Rename(file, bad), d.SyncDir(dir)); err != nil {
		return State{}, fmt.Errorf("state: %s is damaged (%w), and cannot be renamed to %s: %w", file, why, bad, err)
	}
	doc, err := readState(d, filepath.Join(dir, stateBackup))
	if err != nil {
		return State{Warning: fmt.Sprintf("state: %s was damaged (%v) and is now %s; there is no older one: definitions "+
			"and labels made at run time are gone", file, why, bad)}, nil
	}
	return State{Doc: doc, Warning: fmt.Sprintf("state: %s was damaged (%v) and is now %s; the one before it is used: "+
		"what was changed last is gone", file, why, bad)}, nil
}

type stateVersionError struct{ version int }

func (e *stateVersionError) Error() string {
	return fmt.Sprintf("it has version %d, this weir reads version %d: run the weir that wrote it, or move the file away",
		e.version, stateVersion)
}

type stateDamagedError struct{ why string }

func (e *stateDamagedError) Error() string { return e.why }

func readState(d Disk, path string) (json.RawMessage, error) {
	text, err := readWhole(d, path, maxStateSize)
	if err != nil {
		return nil, err
	}
	var e stateEnvelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, &stateDamagedError{err.Error()}
	}
	if e.Version != stateVersion {
		if e.Version <= 0 {
			return nil, &stateDamagedError{"it has no version"}
		}
		return nil, &stateVersionError{e.Version}
	}
	if checksum(e.State) != e.CRC32C {
		return nil, &stateDamagedError{"wrong checksum"}
	}
	return e.State, nil
}
