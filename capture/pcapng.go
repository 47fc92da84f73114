package capture

import (
	"math"
	"math/bits"

	"weir/schema"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng section 4). All others are stepped over.
const (
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
	blockSection   = 0x0a0d0d0a // reads the same in either byte order
)

// Options of an interface block (section 4.2).
const (
	optionEnd        = 0
	optionResolution = 9
	optionOffset     = 14
)

const (
	byteOrderMagic = 0x1a2b3c4d
	// maxInterfaces bounds what a section may make us remember. The obsolete packet block could name no more.
	maxInterfaces = 1 << 16
	// maxBlockExtra is how many bytes of a block with a packet may be other than the packet: fixed fields, options.
	maxBlockExtra = 1 << 18
)

var sectionType = [4]byte{0x0a, 0x0d, 0x0d, 0x0a}

// pcapngFormat is what the section at hand has said so far.
type pcapngFormat struct {
	interfaces []ngInterface
}

// ngInterface is what an interface block says.
type ngInterface struct {
	link    schema.LinkType
	snapLen uint32
	clock   ngClock
}

// ngClock turns the time stamps of an interface into instants.
type ngClock struct {
	binary bool  // the unit is a power of 2, otherwise of 10
	exp    uint8 // the unit is 2^-exp or 10^-exp seconds
	offset int64 // seconds to add
}

// nextPcapng reads blocks until one holds a packet.
func (f *File) nextPcapng(fr *Frame) error {
	for {
		off := f.stats.Bytes
		head, err := f.read(8, true)
		if err != nil {
			return err
		}
		kind, length := f.order.u32(head), f.order.u32(head[4:])
		if kind == blockSection {
			if err := f.startSection([4]byte(head[4:8]), off); err != nil {
				return err
			}
			continue
		}
		if length < 12 || length%4 != 0 {
			return f.bad(off, "a block of type %#x has the impossible length %d", kind, length)
		}
		switch kind {
		case blockInterface, blockPacket, blockSimple, blockEnhanced:
		default:
			f.stats.Skipped++
			if err := f.skipBlock(length, off); err != nil {
				return err
			}
			continue
		}
		body, err := f.blockBody(kind, length, off)
		if err != nil {
			return err
		}
		found, err := f.readBlock(fr, kind, body, off)
		if found || err != nil {
			return err
		}
	}
}

// startSection reads a section header block whose type and length (of either byte order) are read.
func (f *File) startSection(rawLength [4]byte, off uint64) error {
	b, err := f.read(8, false) // byte order magic, versions
	if err != nil {
		return err
	}
	switch uint32(byteOrderMagic) {
	case order(false).u32(b):
		f.order = false
	case order(true).u32(b):
		f.order = true
	default:
		return f.bad(off, "a section begins with the byte order mark %x, not 1a2b3c4d in some order", b[:4])
	}
	// The section of another major version "should not be read", but what is in the files that have one follows the
	// rules of version 1, and the lengths of blocks show when it does not: it is read, and counted as doubtful.
	if f.order.u16(b[4:]) != 1 {
		f.stats.Doubtful++
	}
	f.ng.interfaces = f.ng.interfaces[:0]
	length := f.order.u32(rawLength[:])
	if length < 28 || length%4 != 0 {
		return f.bad(off, "a section header has the impossible length %d", length)
	}
	return f.skipRest(length, 16, off)
}

// skipBlock steps over a block whose type and length are read.
func (f *File) skipBlock(length uint32, off uint64) error { return f.skipRest(length, 8, off) }

// skipRest steps over a block of which done bytes are read, and checks the length at its end.
func (f *File) skipRest(length, done uint32, off uint64) error {
	for left := length - done - 4; left > 0; {
		n := min(left, math.MaxInt32) // so that it is an int on every machine
		if err := f.skip(int(n)); err != nil {
			return err
		}
		left -= n
	}
	b, err := f.read(4, false)
	if err != nil {
		return err
	}
	return f.checkEnd(length, f.order.u32(b), off)
}

// blockBody reads the body of a block whose type and length are read, and checks the length at its end.
func (f *File) blockBody(kind, length uint32, off uint64) ([]byte, error) {
	if length > MaxCaptured+maxBlockExtra {
		return nil, f.bad(off, "a block of type %#x has %d bytes, more than any frame needs", kind, length)
	}
	b, err := f.read(int(length)-8, false)
	if err != nil {
		return nil, err
	}
	end := len(b) - 4
	return b[:end], f.checkEnd(length, f.order.u32(b[end:]), off)
}

// checkEnd compares the length at the end of a block with that at its beginning.
func (f *File) checkEnd(begin, end uint32, off uint64) error {
	if begin != end {
		return f.bad(off, "the length of a block is %d at its beginning and %d at its end", begin, end)
	}
	return nil
}

// readBlock reads the body of an interface or packet block; found tells that it filled in fr.
func (f *File) readBlock(fr *Frame, kind uint32, b []byte, off uint64) (found bool, err error) {
	fixed := [...]int{blockInterface: 8, blockPacket: 20, blockSimple: 4, blockEnhanced: 20}[kind]
	if len(b) < fixed {
		return false, f.bad(off, "a block of type %#x has a body of %d bytes, it needs %d", kind, len(b), fixed)
	}
	if kind == blockInterface {
		return false, f.addInterface(b, off)
	}
	number := uint32(0)
	switch kind {
	case blockEnhanced:
		number = f.order.u32(b)
	case blockPacket:
		number = uint32(f.order.u16(b))
	}
	if uint64(number) >= uint64(len(f.ng.interfaces)) {
		f.stats.Orphans++ // without its interface the framing is not known
		return false, nil
	}
	in := &f.ng.interfaces[number]
	*fr = Frame{Link: in.link, Interface: int(number)}
	body := b[fixed:]
	if kind == blockSimple {
		// It does not say how much was captured: what the interface captures at most, and never more than there is.
		fr.Length = f.order.u32(b)
		captured := min(uint64(fr.Length), uint64(len(body)))
		if in.snapLen != 0 {
			captured = min(captured, uint64(in.snapLen))
		}
		fr.Data = body[:captured]
		return true, nil
	}
	captured := f.order.u32(b[12:])
	if uint64(captured) > uint64(len(body)) {
		return false, f.bad(off, "it says that %d bytes were captured, its block holds %d", captured, len(body))
	}
	fr.At = in.clock.instant(uint64(f.order.u32(b[4:]))<<32 | uint64(f.order.u32(b[8:])))
	fr.Data, fr.Length = body[:captured], f.order.u32(b[16:])
	return true, nil
}

// addInterface remembers what an interface block says.
func (f *File) addInterface(b []byte, off uint64) error {
	if len(f.ng.interfaces) == maxInterfaces {
		return f.bad(off, "a section describes more than %d interfaces", maxInterfaces)
	}
	in := ngInterface{
		link:    schema.LinkType(f.order.u16(b)),
		snapLen: f.order.u32(b[4:]),
		clock:   ngClock{exp: 6},
	}
	for o := b[8:]; len(o) >= 4; {
		code, n := f.order.u16(o), int(f.order.u16(o[2:]))
		if code == optionEnd || n > len(o)-4 {
			break
		}
		switch v := o[4 : 4+n]; {
		case code == optionResolution && n == 1:
			in.clock.binary, in.clock.exp = v[0]&0x80 != 0, v[0]&0x7f
		case code == optionOffset && n == 8:
			in.clock.offset = int64(f.order.u64(v))
		}
		o = o[min(4+(n+3)&^3, len(o)):]
	}
	f.ng.interfaces = append(f.ng.interfaces, in)
	return nil
}

// instant returns the instant of a time stamp, 0 when it lies outside what an Instant can say (1970 to 2262).
func (c ngClock) instant(stamp uint64) schema.Instant {
	second, nano := c.split(stamp)
	const last = math.MaxInt64/1_000_000_000 - 1
	if second > last || c.offset > last || c.offset < -last {
		return 0
	}
	at := (int64(second) + c.offset) * 1e9
	if c.offset > 0 && int64(second)+c.offset > last || at < 0 {
		return 0
	}
	return schema.Instant(at + int64(nano))
}

// split returns the seconds and nanoseconds of a time stamp.
func (c ngClock) split(stamp uint64) (second, nano uint64) {
	if c.binary {
		if c.exp >= 64 { // units so small that the whole range is below a second
			high, _ := bits.Mul64(stamp, 1e9)
			return 0, high >> (c.exp - 64)
		}
		high, low := bits.Mul64(stamp&(1<<c.exp-1), 1e9)
		return stamp >> c.exp, high<<(64-c.exp) | low>>c.exp
	}
	if c.exp >= uint8(len(powersOf10)) {
		return 0, 0 // the whole range is below two seconds; nothing measures in such units
	}
	unit := powersOf10[c.exp]
	high, low := bits.Mul64(stamp%unit, 1e9)
	nano, _ = bits.Div64(high, low, unit)
	return stamp / unit, nano
}

// powersOf10 are those that 64 bits hold.
var powersOf10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19}
