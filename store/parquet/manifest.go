package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"weir/schema"
	"weir/store"
)

const (
	manifestName    = "manifest"
	manifestMagic   = "weir-parquet"
	manifestVersion = 1
)

// manifest is the list of what lives in a directory. It is replaced whole, never changed.
type manifest struct {
	Next  uint64            `json:"next"`  // number of the next part
	Nodes map[string]uint64 `json:"nodes"` // the last batch of each node that is in the parts
	Parts []*part           `json:"parts"`
}

// part is one immutable file of rows of one table.
type part struct {
	Table  string   `json:"table"`
	Name   string   `json:"name"`  // path below the store's directory, with slashes
	Start  int64    `json:"start"` // beginning of its hour or day
	Rows   int64    `json:"rows"`
	Bytes  int64    `json:"bytes"`  // length of the file
	Sum    uint32   `json:"crc32c"` // of the whole file
	Min    int64    `json:"min"`    // smallest and largest of Table.Time
	Max    int64    `json:"max"`
	First  int64    `json:"first,omitempty"`  // smallest of the column "first", where there is one
	Shape  string   `json:"shape"`            // how the columns are written, see shape.String
	Rolled []string `json:"rolled,omitempty"` // the tables that have these rows rolled up already

	refs   int         // queries that read it
	doomed bool        // no manifest names it any more: unlinked when nobody reads it
	proven atomic.Bool // it was read whole since the start, and was as it was written
}

func (p *part) rolledInto(t *schema.Table) bool { return slices.Contains(p.Rolled, t.Name) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// clone returns a copy whose lists may be changed; the parts are shared, for they never change.
func (m *manifest) clone() *manifest {
	out := &manifest{Next: m.Next, Nodes: make(map[string]uint64, len(m.Nodes)), Parts: slices.Clone(m.Parts)}
	for node, seq := range m.Nodes {
		out.Nodes[node] = seq
	}
	return out
}

// encode writes a line "weir-parquet VERSION CRC32C" and JSON.
func (m *manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("%s %d %08x\n", manifestMagic, manifestVersion, crc32.Checksum(body, castagnoli))
	return append([]byte(head), body...), nil
}

// decodeManifest reads what encode wrote; errors say what is wrong with it, not where it is.
func decodeManifest(text []byte) (*manifest, error) {
	head, body, ok := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(head))
	if !ok || len(fields) < 2 || fields[0] != manifestMagic {
		return nil, errors.New("is no manifest of a store of weir")
	}
	if fields[1] != fmt.Sprint(manifestVersion) {
		return nil, fmt.Errorf("has format version %s, this weir reads version %d: run the weir that wrote it, or give "+
			"this one another data directory", fields[1], manifestVersion)
	}
	if len(fields) != 3 || fields[2] != fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) {
		return nil, errors.New("is damaged (its checksum does not match): restore it from a backup, or move the " +
			"directory away and start with an empty one; the parts in it remain readable as Parquet files")
	}
	m := &manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	if m.Nodes == nil {
		m.Nodes = map[string]uint64{}
	}
	for _, p := range m.Parts {
		if p == nil || !filepath.IsLocal(filepath.FromSlash(p.Name)) {
			return nil, errors.New("is damaged: it names a part outside of the store")
		}
	}
	return m, nil
}

// readManifest reads the manifest of a directory. One that has none is new: an empty manifest is written before any
// part is, so that a manifest that is missing beside parts is known to be lost.
func readManifest(disk store.Disk, dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	f, err := disk.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newManifest(disk, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	text, err := io.ReadAll(f)
	_ = f.Close()
	if err != nil {
		return nil, fmt.Errorf("store: read %s: %w", path, err)
	}
	m, err := decodeManifest(text)
	if err != nil {
		return nil, fmt.Errorf("store: %s %w", path, err)
	}
	return m, nil
}

// newManifest begins a directory that has no manifest. It refuses when parts are there: starting empty would remove
// them.
func newManifest(disk store.Disk, dir string) (*manifest, error) {
	path, parts := filepath.Join(dir, manifestName), filepath.Join(dir, partsName)
	found, err := findPart(disk, parts, 2)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if found != "" {
		return nil, fmt.Errorf("store: %s is missing, but there are parts (%s): restore the manifest of the same moment "+
			"(parts that it does not name are removed), or move %s away and start empty; the parts in it remain readable "+
			"as Parquet files", path, found, parts)
	}
	m := &manifest{Next: 1, Nodes: map[string]uint64{}}
	if _, err := writeManifest(disk, dir, m); err != nil {
		return nil, fmt.Errorf("store: %s: %w", path, explained(err))
	}
	return m, nil
}

// findPart returns the path of a part, or of one that was set aside, in a directory or so many levels below it; "" when
// there is none.
func findPart(disk store.Disk, dir string, levels int) (string, error) {
	names, err := disk.List(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(strings.TrimSuffix(name, asideSuffix), partSuffix) {
			return path, nil
		}
		if levels == 0 {
			continue
		}
		if found, err := findPart(disk, path, levels-1); found != "" || err != nil {
			return found, err
		}
	}
	return "", nil
}

// writeManifest replaces the manifest of a directory. renamed tells that the new one may be in force even though there
// is an error: what it names must not be removed.
func writeManifest(disk store.Disk, dir string, m *manifest) (renamed bool, err error) {
	text, err := m.encode()
	if err != nil {
		return false, err
	}
	path := filepath.Join(dir, manifestName)
	temporary := path + temporarySuffix
	if err := writeWhole(disk, temporary, text); err != nil {
		return false, err
	}
	if err := disk.Rename(temporary, path); err != nil {
		return true, err
	}
	return true, disk.SyncDir(dir)
}

// writeWhole writes and syncs a file; one that is left over from before is replaced.
func writeWhole(disk store.Disk, path string, text []byte) error {
	if err := disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := disk.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = disk.Remove(path)
	}
	return err
}
