package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"weir/schema"
)

// The reader of capture files is ours. Of the 179 packet captures of the reference corpus gopacket's pcapgo v1.7.0 read
// all but three as the reference does: it refuses format version 2.1, trusts a wrong snapshot length, and steps over a
// pcapng section of another version, which the reference counts. By its source it also allocates by that snapshot
// length, ends on a record captured longer than it was sent, and does not know the modified format.

// MaxCaptured is the largest number of captured bytes that a record of a file may have. The largest frames that exist
// (segmentation offload of BIG TCP) stay below; a larger number in a file is a sign of damage.
const MaxCaptured = 1 << 20

// Frame is one captured frame. It is filled in by File.Next and Live.Next.
type Frame struct {
	// At is when the frame was captured; 0 when the file does not say (simple packet blocks of pcapng).
	At schema.Instant
	// Link is the framing of Data.
	Link schema.LinkType
	// Interface is the number of the interface in its pcapng section, the ifIndex for live frames, otherwise 0.
	Interface int
	// Data holds the captured bytes. They belong to who filled in the frame and live until its next call.
	Data []byte
	// Length is how many bytes the frame had on the wire. Data is shorter when the capture cut it, and longer in
	// some broken files.
	Length uint32
}

// FileStats counts what was found in a file so far.
type FileStats struct {
	Records  uint64 // packet records given out
	Bytes    uint64 // bytes of the file read, after decompression
	Skipped  uint64 // pcapng blocks that hold no packet, or are unknown, stepped over by their length
	Orphans  uint64 // pcapng packet blocks that name an interface which the section does not describe: left out
	Doubtful uint64 // pcapng sections of a major version other than 1, read by the rules of version 1
}

// File reads a capture file in either format, from beginning to end. It is used by one goroutine at a time.
type File struct {
	name   string
	r      *bufio.Reader
	closer io.Closer // nil when there is nothing to close
	order  order
	buf    []byte // the record at hand
	stats  FileStats
	cut    bool
	err    error // what every later Next returns
	next   func(*Frame) error
	pcap   pcapFormat
	ng     pcapngFormat
}

// Open opens the capture file at path, "-" being the standard input. Files compressed by gzip are known by their
// first bytes. The caller closes the File.
func Open(path string) (*File, error) {
	if path == "-" {
		return NewReader(os.Stdin, "standard input")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	f, err := NewReader(file, path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f.closer = file
	return f, nil
}

// NewReader reads a capture file from r; name stands for it in errors. It reads the header at once. A reader without
// a single byte is a file without records.
func NewReader(r io.Reader, name string) (*File, error) {
	f := &File{name: name, r: bufio.NewReaderSize(r, 128<<10)}
	magic, err := f.r.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(f.r)
		if err != nil {
			return nil, fmt.Errorf("capture: %s: damaged gzip header: %w", name, err)
		}
		f.r = bufio.NewReaderSize(z, 128<<10)
	}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f, nil
}

// start tells the format by the magic number and reads the header of a pcap file.
func (f *File) start() error {
	magic, err := f.r.Peek(4)
	switch {
	case len(magic) == 0 && err == io.EOF:
		f.next = func(*Frame) error { return io.EOF }
		return nil
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return fmt.Errorf("capture: %s: %w", f.name, err)
	case bytes.Equal(magic, sectionType[:]):
		f.next = f.nextPcapng
		return nil
	case f.pcap.setMagic(magic, &f.order):
		f.next = f.nextPcap
		return f.readPcapHeader()
	}
	return fmt.Errorf("capture: %s: not a capture file: it begins with %x; pcap and pcapng files are read, "+
		"also compressed by gzip", f.name, magic)
}

// Next fills in fr with the next frame. It returns io.EOF at the end, also when the file ends inside a record (see
// Cut), and an error that says where when the file is damaged; both stay.
func (f *File) Next(fr *Frame) error {
	if f.err != nil {
		return f.err
	}
	if err := f.next(fr); err != nil {
		f.err = err
		return err
	}
	f.stats.Records++
	return nil
}

// Cut tells whether the file ended inside a record or a header. That is normal for a capture that was stopped hard.
// It is of use once Next has returned io.EOF.
func (f *File) Cut() bool { return f.cut }

// Stats returns the counters.
func (f *File) Stats() FileStats { return f.stats }

// Name returns the name by which errors call the file.
func (f *File) Name() string { return f.name }

// Close closes what Open opened; a reader given to NewReader stays open.
func (f *File) Close() error {
	if f.err == nil {
		f.err = fmt.Errorf("capture: %s: %w", f.name, os.ErrClosed)
	}
	if f.closer == nil {
		return nil
	}
	c := f.closer
	f.closer = nil
	return c.Close()
}

// read returns the next n bytes, in f.buf. first says that the file may end before them; anywhere else its end is a
// cut. Both give io.EOF.
func (f *File) read(n int, first bool) ([]byte, error) {
	if cap(f.buf) < n {
		f.buf = make([]byte, max(n, 4096, min(2*cap(f.buf), MaxCaptured)))
	}
	got, err := io.ReadFull(f.r, f.buf[:n])
	f.stats.Bytes += uint64(got)
	switch {
	case err == nil:
		return f.buf[:n], nil
	case got == 0 && err == io.EOF && first:
		return nil, io.EOF
	}
	return nil, f.ended(err)
}

// skip steps over n bytes.
func (f *File) skip(n int) error {
	got, err := f.r.Discard(n)
	f.stats.Bytes += uint64(got)
	if err != nil {
		return f.ended(err)
	}
	return nil
}

// ended turns an error of the reader inside a record into io.EOF with the cut noted, when it says that there is no
// more. A gzip stream that is cut says io.ErrUnexpectedEOF.
func (f *File) ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		f.cut = true
		return io.EOF
	}
	return fmt.Errorf("capture: %s: at byte %d: %w", f.name, f.stats.Bytes, err)
}

// bad returns an error about the record that begins at byte off.
func (f *File) bad(off uint64, format string, a ...any) error {
	return fmt.Errorf("capture: %s: record %d at byte %d: %s; the file is damaged here, what came before was read",
		f.name, f.stats.Records+1, off, fmt.Sprintf(format, a...))
}

// order is the byte order of a file or section. It is no binary.ByteOrder because calls through that interface cost
// more than the reading.
type order bool // true is big endian

func (o order) u16(b []byte) uint16 {
	if o {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o order) u32(b []byte) uint32 {
	if o {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o order) u64(b []byte) uint64 {
	if o {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
