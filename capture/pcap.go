package capture

import "weir/schema"

// Magic numbers of pcap files (wire-formats section 7), as the first four bytes read big endian.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // microseconds, and eight more bytes in each record header
)

const pcapHeaderLen = 24

// pcapFormat is what the header of a pcap file says about its records.
type pcapFormat struct {
	link      schema.LinkType
	unit      int64 // nanoseconds in one unit of the fraction of a second
	headerLen int   // bytes of a record header
	minor     uint16
}

// setMagic notes what the magic number says; ok is false when it is none of a pcap file.
func (p *pcapFormat) setMagic(b []byte, o *order) (ok bool) {
	if len(b) < 4 {
		return false
	}
	for _, big := range [...]order{true, false} {
		p.headerLen, p.unit, *o = 16, 1000, big
		switch big.u32(b) {
		case magicMicro:
			return true
		case magicNano:
			p.unit = 1
			return true
		case magicModified:
			p.headerLen = 24
			return true
		}
	}
	return false
}

// readPcapHeader reads the file header. A file that ends inside it is a cut file without records.
func (f *File) readPcapHeader() error {
	b, err := f.read(pcapHeaderLen, false)
	if err != nil {
		f.err = err
		if f.cut {
			return nil
		}
		return err
	}
	// The major version has been 2 since 1987; the snapshot length in bytes 16 to 19 is wrong in too many files to be
	// of use; the upper half of the last word may hold the length of the frame check sequence.
	f.pcap.minor = f.order.u16(b[6:])
	f.pcap.link = schema.LinkType(f.order.u32(b[20:]) & 0xffff)
	return nil
}

// nextPcap reads one record of a pcap file.
func (f *File) nextPcap(fr *Frame) error {
	off := f.stats.Bytes
	b, err := f.read(f.pcap.headerLen, true)
	if err != nil {
		return err
	}
	second, fraction := f.order.u32(b), f.order.u32(b[4:])
	captured, length := f.order.u32(b[8:]), f.order.u32(b[12:])
	// Writers before version 2.3 put the two lengths the other way round, and some of 2.3 did.
	if m := f.pcap.minor; m < 3 || m == 3 && captured > length {
		captured, length = length, captured
	}
	if captured > MaxCaptured {
		return f.bad(off, "it says that %d bytes were captured, more than any frame has", captured)
	}
	if b, err = f.read(int(captured), false); err != nil {
		return err
	}
	*fr = Frame{
		At:     schema.Instant(int64(second)*1e9 + int64(fraction)*f.pcap.unit),
		Link:   f.pcap.link,
		Data:   b,
		Length: length,
	}
	return nil
}
