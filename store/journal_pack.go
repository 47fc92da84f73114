package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"weir/schema"
)

// pack writes old segments anew without what nobody needs any more, once each and only when the journal is half full:
// buckets of an hour would otherwise hold all that was counted in that hour, though only their own slices are needed.
// j.mu is held.
func (j *Journal) pack() error {
	if j.bytes() <= j.most/2 {
		return nil
	}
	for i, s := range j.segments {
		n := len(s.frames)
		if i == len(j.segments)-1 || n == 0 || s.frames[n-1].seq > j.kept {
			return nil
		}
		if s.packed {
			continue
		}
		if err := j.packSegment(s); err != nil {
			j.count("weir_journal_errors_total")
			return fmt.Errorf("journal: cannot pack %s: %w", filepath.Join(j.dir, s.name), err)
		}
		j.count("weir_journal_packed_segments_total")
	}
	return nil
}

// packSegment writes a segment anew: without blocks, which are all kept, and without slices that are under their marks.
// Marks stay: without them slices in older segments would come back to life.
func (j *Journal) packSegment(s *segment) error {
	path := filepath.Join(j.dir, s.name)
	text, err := readWhole(j.disk, path, segmentMost+2*maxFrameBytes)
	if err != nil {
		return err
	}
	out := segmentHeader()
	packed := segment{name: s.name, open: map[string]schema.Instant{}, packed: true}
	for _, at := range s.frames {
		if at.off+at.size > int64(len(text)) {
			return errTorn
		}
		b, err := openFrame(text[at.off:at.off+at.size], false)
		if err != nil {
			return err
		}
		b.Slices = slices.DeleteFunc(b.Slices, func(slice Slice) bool {
			mark, ok := j.marks[slice.Group]
			return ok && slice.Start < mark
		})
		from := len(out)
		if out, err = appendFrame(out, &b); err != nil {
			return err
		}
		packed.frames = append(packed.frames, frameAt{b.Seq, int64(from), int64(len(out) - from)})
		packed.holdSlices(&b)
	}
	packed.size = int64(len(out))
	if err := j.replace(path, out); err != nil {
		return err
	}
	*s = packed
	return nil
}

// replace puts a new file in the place of another, at once.
func (j *Journal) replace(path string, text []byte) error {
	if err := j.writeCopy(path, text); err != nil {
		return err
	}
	if err := j.disk.Rename(path+copyEnding, path); err != nil {
		return err
	}
	return j.disk.SyncDir(j.dir)
}

// writeCopy writes the file that is to take the place of another, lasting, beside it.
func (j *Journal) writeCopy(path string, text []byte) error {
	if err := ignoreAbsent(j.disk.Remove(path + copyEnding)); err != nil {
		return err
	}
	f, err := j.disk.Create(path + copyEnding)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, ignoreAbsent(j.disk.Remove(path+copyEnding)))
	}
	return j.disk.SyncDir(j.dir)
}
