package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weir/schema"
)

// A segment begins with "weirjrnl", the version and the CRC-32C of these (32 bits each, little endian).
const (
	journalMagic   = "weirjrnl"
	journalVersion = 1
	headerBytes    = len(journalMagic) + 8
	segmentEnding  = ".frames"
)

func segmentName(number uint64) string { return fmt.Sprintf("%016d%s", number, segmentEnding) }

func segmentHeader() []byte {
	b := binary.LittleEndian.AppendUint32([]byte(journalMagic), journalVersion)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var errHeader = errors.New("the header of the file is damaged")

// checkHeader reads the header of a segment.
func checkHeader(b []byte) error {
	if len(b) < headerBytes || string(b[:len(journalMagic)]) != journalMagic ||
		binary.LittleEndian.Uint32(b[headerBytes-4:]) != crc32.Checksum(b[:headerBytes-4], castagnoli) {
		return errHeader
	}
	if v := binary.LittleEndian.Uint32(b[len(journalMagic):]); v != journalVersion {
		return &versionError{v}
	}
	return nil
}

type versionError struct{ version uint32 }

func (e *versionError) Error() string {
	return fmt.Sprintf("it has format %d, this weir reads format %d: run the weir that wrote it, or move the file away",
		e.version, journalVersion)
}

// load reads all segments in the directory.
func (j *Journal) load() error {
	names, err := j.disk.List(j.dir)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if names, err = j.finishCopies(names); err != nil {
		return err
	}
	var segments []string
	for _, name := range names {
		if number, ok := segmentNumber(name); ok {
			j.number = max(j.number, number)
			segments = append(segments, name)
		}
	}
	for i, name := range segments {
		if err := j.loadSegment(name, i == len(segments)-1); err != nil {
			return fmt.Errorf("journal: %s: %w", filepath.Join(j.dir, name), err)
		}
	}
	return nil
}

func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentEnding)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && segmentName(n) == name
}

// Endings of files that are no segments: copies that are being written, and what was set aside.
const (
	copyEnding = ".new"
	badEnding  = ".bad"
)

// finishCopies goes on where setAside was cut: a copy whose original was renamed already takes its place, any other
// copy is thrown away. It returns the names that are there then.
func (j *Journal) finishCopies(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		original, ok := strings.CutSuffix(name, copyEnding)
		if !ok {
			out = append(out, name)
			continue
		}
		from := filepath.Join(j.dir, name)
		if slices.Contains(names, original) {
			if err := j.disk.Remove(from); err != nil {
				return nil, fmt.Errorf("journal: %w", err)
			}
			continue
		}
		if err := j.disk.Rename(from, filepath.Join(j.dir, original)); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		out = append(out, original)
	}
	slices.Sort(out)
	return out, j.disk.SyncDir(j.dir)
}

// readWhole reads a file of at most so many bytes.
func readWhole(d Disk, name string, most int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that such a file can have: move it away", name, size, most)
	}
	b := make([]byte, size)
	_, err = io.ReadFull(f, b)
	return b, err
}

// loadSegment reads one segment and mends it when it must.
func (j *Journal) loadSegment(name string, last bool) error {
	path := filepath.Join(j.dir, name)
	b, err := readWhole(j.disk, path, segmentMost+2*maxFrameBytes)
	if err != nil {
		return err
	}
	s := &segment{name: name, open: map[string]schema.Instant{}}
	err = checkHeader(b)
	var version *versionError
	switch {
	case errors.As(err, &version):
		return err
	case err != nil && last && len(b) <= headerBytes:
		// The file was just being made: nothing was ever promised in it.
		j.count("weir_journal_torn_total")
		return j.disk.Remove(path)
	}
	good, damaged := j.scan(s, b, last)
	switch {
	case damaged > 0 || err != nil:
		j.set.Counter("weir_journal_damaged_bytes_total").Add(damaged)
		if err := j.setAside(name, good); err != nil {
			return err
		}
		s.closeRanks()
	case s.size < int64(len(b)):
		j.count("weir_journal_torn_total")
		if err := j.disk.Truncate(path, s.size); err != nil {
			return err
		}
	}
	j.segments = append(j.segments, s)
	return nil
}

// closeRanks gives the frames of s the places that they have when they lie one behind the other.
func (s *segment) closeRanks() {
	s.size = int64(headerBytes)
	for i := range s.frames {
		s.frames[i].off = s.size
		s.size += s.frames[i].size
	}
}

// scan reads the frames of a segment. Behind damaged bytes it looks for the next frame. What comes after the last good
// frame of the last segment is torn: a write that was cut. Anywhere else bytes that cannot be read are damaged.
func (j *Journal) scan(s *segment, b []byte, last bool) (good [][]byte, damaged int) {
	at := min(headerBytes, len(b))
	s.size = int64(at)
	bad := 0
	for at < len(b) {
		n, err := frameSize(b[at:])
		var batch Batch
		if err == nil {
			batch, err = openFrame(b[at:at+n], true)
		}
		if err != nil {
			next := nextFrame(b, at+1)
			bad += next - at
			at = next
			continue
		}
		damaged, bad = damaged+bad, 0
		s.size = int64(at + n)
		// A frame that was written twice, because its first sync failed, counts once.
		if batch.Seq > j.last {
			good = append(good, b[at:at+n])
			s.frames = append(s.frames, frameAt{batch.Seq, int64(at), int64(n)})
			j.note(s, &batch)
		}
		at += n
	}
	if !last {
		damaged += bad
	}
	return good, damaged
}

// nextFrame returns where, from a byte on, the next whole frame may begin; the end of b when nowhere.
func nextFrame(b []byte, from int) int {
	for from < len(b) {
		i := bytes.Index(b[from:], []byte(frameSign))
		if i < 0 {
			break
		}
		if _, err := frameSize(b[from+i:]); err == nil {
			return from + i
		}
		from += i + 1
	}
	return len(b)
}

// setAside renames a damaged segment to .bad and puts a copy of its good frames in its place.
func (j *Journal) setAside(name string, good [][]byte) error {
	path := filepath.Join(j.dir, name)
	j.count("weir_journal_set_aside_total")
	if err := j.writeCopy(path, append(segmentHeader(), slices.Concat(good...)...)); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return j.disk.Rename(path, path+badEnding) },
		func() error { return j.disk.Rename(path+copyEnding, path) },
		func() error { return j.disk.SyncDir(j.dir) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
