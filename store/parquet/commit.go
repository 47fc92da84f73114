package parquet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"weir/schema"
)

const (
	partsName       = "parts"
	temporarySuffix = ".tmp"
	partSuffix      = ".parquet"
	asideSuffix     = ".bad"
	maxFaults       = 100
)

// change is one step from a manifest to the next: all of it happens, or none.
type change struct {
	nodes       map[string]uint64 // batches that are in the parts now
	add, remove []*part
	rolled      []*part       // parts whose rows are rolled up now
	into        *schema.Table // where to
	written     func()        // called with the lock held, at the moment that queries see the change
}

// commit replaces the manifest. After an error everything is as before, and the parts to be added are gone.
func (s *Store) commit(c change) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	s.mu.Lock()
	next := s.manifest.clone()
	s.mu.Unlock()
	for node, seq := range c.nodes {
		next.Nodes[node] = seq
	}
	next.Parts = slices.DeleteFunc(next.Parts, func(p *part) bool { return slices.Contains(c.remove, p) })
	next.Parts = append(next.Parts, c.add...)
	renamed, err := writeManifest(s.disk, s.dir, s.withRolled(next, c))
	if err != nil {
		if !renamed {
			s.removeParts(c.add)
		}
		return fmt.Errorf("store: %s: %w", filepath.Join(s.dir, manifestName), explained(err))
	}
	s.mu.Lock()
	next.Next = s.manifest.Next
	s.manifest = next
	for _, p := range c.rolled {
		p.Rolled = append(p.Rolled, c.into.Name)
	}
	if c.written != nil {
		c.written()
	}
	var unread []*part
	for _, p := range c.remove {
		p.doomed = true
		if p.refs == 0 {
			unread = append(unread, p)
		}
	}
	s.mu.Unlock()
	s.removeParts(unread)
	return nil
}

// withRolled returns the manifest with the marks of parts that were rolled up, without changing the parts.
func (s *Store) withRolled(m *manifest, c change) *manifest {
	if len(c.rolled) == 0 {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := m.clone()
	for i, p := range out.Parts {
		if slices.Contains(c.rolled, p) {
			out.Parts[i] = &part{Table: p.Table, Name: p.Name, Start: p.Start, Rows: p.Rows, Bytes: p.Bytes, Sum: p.Sum,
				Min: p.Min, Max: p.Max, First: p.First, Shape: p.Shape,
				Rolled: append(slices.Clone(p.Rolled), c.into.Name)}
		}
	}
	return out
}

// explained adds what to do to errors of a disk that takes nothing more.
func explained(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: make room or lower the retention; what is stored stays readable", err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: make the directory writable; what is stored stays readable", err)
	}
	return err
}

func (s *Store) path(p *part) string { return filepath.Join(s.dir, filepath.FromSlash(p.Name)) }

// removeParts unlinks files that no manifest names, and their directory when it is empty. What cannot be removed is
// removed at the next start.
func (s *Store) removeParts(parts []*part) {
	for _, p := range parts {
		_ = s.disk.Remove(s.path(p))
	}
	for _, p := range parts {
		_ = s.disk.Remove(filepath.Dir(s.path(p)))
	}
}

// producer hands out the rows of a part in order, block by block; a block is only good until yield returns.
type producer func(yield func(*schema.Block) error) error

// counted sums and counts what is written through it.
type counted struct {
	out   io.Writer
	bytes int64
	sum   uint32
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.out.Write(b)
	c.bytes += int64(n)
	c.sum = crc32.Update(c.sum, castagnoli, b[:n])
	return n, err
}

// writePart writes rows that come in order, block by block, into one new part, which lives once it is committed. After
// an error no file of it is left.
func (s *Store) writePart(t *schema.Table, start int64, sh shape, rows producer) (*part, error) {
	p := &part{Table: t.Name, Start: start, Shape: sh.String()}
	if err := s.name(p, partsName+"/"+t.Name+"/"+directoryName(start, widthOf(t))); err != nil {
		return nil, explained(err)
	}
	path := s.path(p)
	if err := s.disk.MakeDir(filepath.Dir(path)); err != nil {
		return nil, explained(err)
	}
	err := s.writeTemporary(path+temporarySuffix, t, sh, p, rows)
	if err == nil {
		err = s.disk.Rename(path+temporarySuffix, path)
	}
	if err == nil {
		err = s.syncPath(filepath.Dir(path))
	}
	if err != nil {
		_ = s.disk.Remove(path + temporarySuffix)
		s.removeParts([]*part{p})
		return nil, explained(err)
	}
	return p, nil
}

// name gives a part a name in a directory that no file has, also none that is being written or was set aside. The lock
// of the store's directory keeps others from taking it meanwhile.
func (s *Store) name(p *part, where string) error {
	for {
		s.mu.Lock()
		number := s.manifest.Next
		s.manifest.Next++
		s.mu.Unlock()
		p.Name = fmt.Sprintf("%s/%08x%s", where, number, partSuffix)
		taken := false
		for _, suffix := range []string{"", temporarySuffix, asideSuffix} {
			f, err := s.disk.Open(s.path(p) + suffix)
			switch {
			case err == nil:
				_ = f.Close()
				taken = true
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
		if !taken {
			return nil
		}
	}
}

// syncPath makes a directory of parts lasting together with the directories above it.
func (s *Store) syncPath(dir string) error {
	for {
		if err := s.disk.SyncDir(dir); err != nil {
			return err
		}
		if dir == s.dir || len(dir) < len(s.dir) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func (s *Store) writeTemporary(path string, t *schema.Table, sh shape, p *part, rows producer) error {
	f, err := s.disk.Create(path)
	if err != nil {
		return err
	}
	sum := &counted{out: f}
	buffer := bufio.NewWriterSize(sum, 256<<10)
	w := newPartWriter(buffer, t, sh)
	err = rows(func(b *schema.Block) error {
		p.note(t, b)
		return w.append(b)
	})
	if err == nil {
		err = w.close()
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	p.Rows, p.Bytes, p.Sum = int64(w.rows), sum.bytes, sum.sum
	return err
}

// note widens the spans of a part by the rows of a block.
func (p *part) note(t *schema.Table, b *schema.Block) {
	if b.Rows == 0 {
		return
	}
	low, high := span(b.Columns[t.Column(t.Time)].Ints)
	first := int64(0)
	if i := t.Column("first"); i >= 0 {
		first, _ = span(b.Columns[i].Ints)
	}
	if p.Rows == 0 {
		p.Min, p.Max, p.First = low, high, first
	}
	p.Min, p.Max, p.First = min(p.Min, low), max(p.Max, high), min(p.First, first)
	p.Rows += int64(b.Rows)
}

// checkParts takes parts whose file is gone or has not the length that it was written with out of the manifest in
// memory: the rest of the table still answers.
func (s *Store) checkParts() {
	s.manifest.Parts = slices.DeleteFunc(s.manifest.Parts, func(p *part) bool {
		size, err := s.sizeOf(p)
		switch {
		case err != nil:
			s.fault(p, err)
		case size != p.Bytes:
			s.fault(p, fmt.Errorf("has %d bytes instead of %d", size, p.Bytes))
		default:
			return false
		}
		return true
	})
}

func (s *Store) sizeOf(p *part) (int64, error) {
	f, err := s.disk.Open(s.path(p))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}

// intact tells whether the file of a part is as it was written.
func (s *Store) intact(p *part) error {
	f, err := s.disk.Open(s.path(p))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, f)
	switch {
	case err != nil:
		return err
	case n != p.Bytes || sum.Sum32() != p.Sum:
		return errors.New("its checksum does not match")
	}
	p.proven.Store(true)
	return nil
}

// fault sets the file of a part aside and notes why. Its caller takes it out of the manifest.
func (s *Store) fault(p *part, err error) {
	stamp := func(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339) }
	text := fmt.Sprintf("%s: %v: set aside, %d rows from %s to %s are missing until it is restored from a backup",
		s.path(p), err, p.Rows, stamp(p.Min), stamp(p.Max))
	_ = s.disk.Rename(s.path(p), s.path(p)+asideSuffix)
	if len(s.faults[p.Table]) < maxFaults {
		s.faults[p.Table] = append(s.faults[p.Table], text)
	}
}

// setAside takes the parts among these that are not as they were written out of the store, and tells how many. It reads
// them whole.
func (s *Store) setAside(ctx context.Context, parts []*part) (int, error) {
	reasons := map[*part]error{}
	var bad []*part
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := s.intact(p); err != nil {
			bad = append(bad, p)
			reasons[p] = err
		}
	}
	if len(bad) == 0 {
		return 0, nil
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.manifest.clone()
	n := 0
	next.Parts = slices.DeleteFunc(next.Parts, func(p *part) bool {
		if !slices.Contains(bad, p) {
			return false
		}
		n++
		s.fault(p, reasons[p])
		return true
	})
	s.manifest = next
	// The manifest on disk follows with the next change, or the next start finds the file gone.
	return n, nil
}

// sweep removes what no manifest names: parts of a change that was not completed, and temporary files.
func (s *Store) sweep() error {
	live := make(map[string]bool, len(s.manifest.Parts))
	for _, p := range s.manifest.Parts {
		live[p.Name] = true
	}
	_ = s.disk.Remove(filepath.Join(s.dir, manifestName+temporarySuffix))
	tables, err := s.list(partsName)
	if err != nil {
		return err
	}
	for _, table := range tables {
		whens, err := s.list(partsName + "/" + table)
		if err != nil {
			return err
		}
		for _, when := range whens {
			dir := partsName + "/" + table + "/" + when
			if err := s.sweepDirectory(dir, live); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) sweepDirectory(dir string, live map[string]bool) error {
	names, err := s.list(dir)
	if err != nil {
		return err
	}
	left := 0
	for _, name := range names {
		full := dir + "/" + name
		stray := strings.HasSuffix(name, temporarySuffix) || strings.HasSuffix(name, partSuffix)
		if live[full] || !stray || s.disk.Remove(filepath.Join(s.dir, filepath.FromSlash(full))) != nil {
			left++
		}
	}
	if left == 0 {
		_ = s.disk.Remove(filepath.Join(s.dir, filepath.FromSlash(dir)))
	}
	return nil
}

// list names what is in a directory below the store's; one that is not there has nothing in it.
func (s *Store) list(name string) ([]string, error) {
	names, err := s.disk.List(filepath.Join(s.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return names, err
}
