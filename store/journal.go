package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"sync"

	"weir/schema"
	"weir/vitals"
)

// JournalConfig says where the journal is and what it may take.
type JournalConfig struct {
	Dir      string
	MaxBytes int64 // beyond it the oldest segments are given up; 0: 2 GiB
	Disk     Disk  // nil: RealDisk
}

// Journal is the log that comes before any store: segments of frames, one frame a batch, synced each. A frame is
// forgotten when its blocks are durable in the store and the buckets of its slices are under their marks. It may be
// used from any goroutine.
type Journal struct {
	disk    Disk
	dir     string
	most    int64 // bytes of all segments
	segment int64 // bytes after which a new segment begins
	set     *vitals.Set

	mu       sync.Mutex
	segments []*segment // oldest first; the last one is open when file is not nil
	file     File       // of the last segment; nil: the next append begins a new one
	number   uint64     // of the last segment
	buf      []byte
	last     uint64                    // Seq of the newest frame
	kept     uint64                    // Seq up to which the store is durable
	marks    map[string]schema.Instant // of frames up to kept
	pending  []seqMarks                // of frames after kept
	given    uint64                    // frames given up because of the byte limit
	closed   bool
}

// seqMarks are the marks that came with a frame.
type seqMarks struct {
	seq   uint64
	marks map[string]schema.Instant
}

// frameAt says where a frame lies in its segment.
type frameAt struct {
	seq  uint64
	off  int64
	size int64
}

// segment is one file of the journal.
type segment struct {
	name   string
	size   int64
	frames []frameAt
	open   map[string]schema.Instant // group -> newest bucket of its slices
	packed bool                      // pack has been here
}

// holdSlices takes over which buckets the slices of a frame belong to.
func (s *segment) holdSlices(b *Batch) {
	for i := range b.Slices {
		slice := &b.Slices[i]
		if at, ok := s.open[slice.Group]; !ok || slice.Start > at {
			s.open[slice.Group] = slice.Start
		}
	}
}

// segmentMost bounds a segment unless a single frame is larger.
const segmentMost = 64 << 20

// OpenJournal opens the journal in a directory, which is made when it is not there. What is torn at the end is cut off
// and counted; a file with damaged bytes is set aside as .bad, and a copy of all frames that can be read takes its
// place. A file of another version of weir is an error.
func OpenJournal(c JournalConfig, set *vitals.Set) (*Journal, error) {
	if c.Disk == nil {
		c.Disk = RealDisk{}
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 2 << 30
	}
	j := &Journal{
		disk: c.Disk, dir: c.Dir, most: c.MaxBytes, segment: min(segmentMost, c.MaxBytes/8), set: set,
		marks: map[string]schema.Instant{},
	}
	if err := j.disk.MakeDir(j.dir); err != nil {
		return nil, fmt.Errorf("journal: cannot make %s: %w", j.dir, err)
	}
	if err := j.load(); err != nil {
		return nil, err
	}
	j.publish()
	return j, nil
}

// Append writes one batch and syncs it: when it returns nil, the batch survives a crash. Seq must be larger than that
// of the batch before. After an error the batch is not in the journal, as far as can be known, and may be appended
// again.
func (j *Journal) Append(b Batch) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.publish()
	if j.closed {
		return ErrClosed
	}
	if b.Seq <= j.last {
		return fmt.Errorf("journal: batch %d comes after batch %d", b.Seq, j.last)
	}
	frame, err := appendFrame(j.buf[:0], &b)
	if err != nil {
		return fmt.Errorf("journal: batch %d: %w", b.Seq, err)
	}
	if j.buf = frame; cap(frame) > segmentMost {
		j.buf = nil // a rare giant is not kept around
	}
	if int64(len(frame)) > j.most {
		return fmt.Errorf("journal: batch %d takes %d bytes, the journal may have %d: raise its limit", b.Seq, len(frame),
			j.most)
	}
	if err := j.write(frame); err != nil {
		j.count("weir_journal_errors_total")
		return fmt.Errorf("journal: cannot write to %s: %w", j.dir, err)
	}
	s := j.segments[len(j.segments)-1]
	s.frames = append(s.frames, frameAt{b.Seq, s.size, int64(len(frame))})
	s.size += int64(len(frame))
	j.note(s, &b)
	j.count("weir_journal_appended_frames_total")
	j.set.Counter("weir_journal_appended_bytes_total").Add(len(frame))
	return nil
}

// note takes over what the journal must know of a frame that is in segment s.
func (j *Journal) note(s *segment, b *Batch) {
	j.last = b.Seq
	s.holdSlices(b)
	if len(b.Marks) > 0 {
		j.pending = append(j.pending, seqMarks{b.Seq, b.Marks})
	}
}

// write puts a frame at the end of the last segment and syncs it.
func (j *Journal) write(frame []byte) error {
	j.makeRoom(int64(len(frame)))
	if j.file != nil && j.segments[len(j.segments)-1].size >= j.segment {
		j.endSegment()
	}
	if j.file == nil {
		if err := j.beginSegment(); err != nil {
			return err
		}
	}
	_, err := j.file.Write(frame)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// Nothing is known of the end of this file now: the next frame goes into a new one.
		s := j.segments[len(j.segments)-1]
		j.endSegment()
		if cut := j.disk.Truncate(filepath.Join(j.dir, s.name), s.size); cut != nil {
			err = errors.Join(err, cut)
		}
		if len(s.frames) == 0 {
			j.drop(s)
		}
	}
	return err
}

func (j *Journal) endSegment() {
	if j.file != nil {
		_ = j.file.Close() // every frame was synced
		j.file = nil
	}
}

func (j *Journal) beginSegment() error {
	s := &segment{name: segmentName(j.number + 1), open: map[string]schema.Instant{}}
	name := filepath.Join(j.dir, s.name)
	f, err := j.disk.Create(name)
	if errors.Is(err, fs.ErrExist) {
		j.number++ // something that could not be removed has the name
	}
	if err != nil {
		return err
	}
	head := segmentHeader()
	if _, err = f.Write(head); err == nil {
		if err = f.Sync(); err == nil {
			err = j.disk.SyncDir(j.dir)
		}
	}
	if err != nil {
		_ = f.Close()
		_ = j.disk.Remove(name)
		return err
	}
	s.size = int64(len(head))
	j.number++
	j.segments, j.file = append(j.segments, s), f
	return nil
}

// makeRoom gives up the oldest segments until a frame of that size fits under the limit.
func (j *Journal) makeRoom(size int64) {
	for j.bytes()+size > j.most && len(j.segments) > 0 {
		s := j.segments[0]
		if len(j.segments) == 1 {
			j.endSegment()
		}
		lost := 0
		for _, f := range s.frames {
			if f.seq > j.kept {
				lost++
			}
		}
		if !j.done(s) {
			j.set.Counter("weir_journal_given_up_frames_total").Add(lost)
			j.count("weir_journal_given_up_segments_total")
			j.given += uint64(lost)
		}
		if !j.drop(s) {
			return
		}
	}
}

func (j *Journal) bytes() (n int64) {
	for _, s := range j.segments {
		n += s.size
	}
	return n
}

// drop removes a segment and its file; it returns false when the file stays.
func (j *Journal) drop(s *segment) bool {
	err := j.disk.Remove(filepath.Join(j.dir, s.name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.count("weir_journal_errors_total")
		return false
	}
	j.segments = slices.DeleteFunc(j.segments, func(o *segment) bool { return o == s })
	return true
}

// Forget says that the store is durable up to a Seq: segments whose frames are all kept, and whose slices are all under
// their marks, are removed. The error names a file that could not be removed; it is tried again at the next call.
func (j *Journal) Forget(kept uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.publish()
	j.kept = max(j.kept, kept)
	ripe := 0
	for ; ripe < len(j.pending) && j.pending[ripe].seq <= j.kept; ripe++ {
		for group, at := range j.pending[ripe].marks {
			if old, ok := j.marks[group]; !ok || at > old {
				j.marks[group] = at
			}
		}
	}
	j.pending = slices.Delete(j.pending, 0, ripe)
	// From the front only: what a mark ends lies before the mark.
	for len(j.segments) > 0 && j.done(j.segments[0]) {
		s := j.segments[0]
		if len(j.segments) == 1 {
			if j.file != nil && s.size < j.segment/8 {
				break // a small one is filled further
			}
			j.endSegment()
		}
		if !j.drop(s) {
			return fmt.Errorf("journal: cannot remove %s", filepath.Join(j.dir, s.name))
		}
	}
	return j.pack()
}

// done tells that nobody needs a segment any more.
func (j *Journal) done(s *segment) bool {
	if n := len(s.frames); n > 0 && s.frames[n-1].seq > j.kept {
		return false
	}
	for group, newest := range s.open {
		if mark, ok := j.marks[group]; !ok || newest >= mark {
			return false
		}
	}
	return true
}

// Frames yields the batches with a Seq after one, oldest first. Slices and blocks of a batch belong to the caller.
// For a frame that cannot be read it yields an error with a batch that has nothing but the Seq, and goes on with the
// next. Batches that are appended meanwhile are seen or not.
func (j *Journal) Frames(after uint64) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		j.mu.Lock()
		segments := slices.Clone(j.segments)
		frames := make([][]frameAt, len(segments))
		for i, s := range segments {
			frames[i] = s.frames
		}
		j.mu.Unlock()
		for i, s := range segments {
			if !j.readSegment(s, frames[i], after, yield) {
				return
			}
		}
	}
}

func (j *Journal) readSegment(s *segment, frames []frameAt, after uint64, yield func(Batch, error) bool) bool {
	if len(frames) == 0 || frames[len(frames)-1].seq <= after {
		return true
	}
	name := filepath.Join(j.dir, s.name)
	f, err := j.disk.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true // given up meanwhile
	}
	if err != nil {
		return yield(Batch{Seq: frames[len(frames)-1].seq}, fmt.Errorf("journal: %w", err))
	}
	defer f.Close()
	for _, at := range frames {
		if at.seq <= after {
			continue
		}
		buf := make([]byte, at.size)
		_, err := f.ReadAt(buf, at.off)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		var b Batch
		if err == nil {
			b, err = openFrame(buf, true)
		}
		if err != nil {
			b, err = Batch{Seq: at.seq}, fmt.Errorf("journal: %s at byte %d: %w", name, at.off, err)
		}
		if !yield(b, err) {
			return false
		}
	}
	return true
}

// JournalUsage says what the journal holds.
type JournalUsage struct {
	Bytes, MaxBytes int64
	Segments        int
	Frames          int
	Last            uint64 // Seq of the newest frame; 0 when there never was one
	GivenUp         uint64 // frames given up since start because of the byte limit
}

// Usage says what the journal holds.
func (j *Journal) Usage() JournalUsage {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.usage()
}

func (j *Journal) usage() JournalUsage {
	u := JournalUsage{Bytes: j.bytes(), MaxBytes: j.most, Segments: len(j.segments), Last: j.last, GivenUp: j.given}
	for _, s := range j.segments {
		u.Frames += len(s.frames)
	}
	return u
}

// Close closes the journal; its files stay.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.endSegment()
	j.closed = true
	return nil
}

func (j *Journal) count(name string) { j.set.Counter(name).Inc() }

func (j *Journal) publish() {
	u := j.usage()
	j.set.Put("weir_journal_bytes", float64(u.Bytes))
	j.set.Put("weir_journal_frames", float64(u.Frames))
	j.set.Put("weir_journal_segments", float64(u.Segments))
}
