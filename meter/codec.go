package meter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"weir/schema"
)

// sliceVersion begins every encoded page.
const sliceVersion = 1

// Flags of an encoded page: which parts it has.
const (
	flagInexact = 1 << iota
	flagSampled
	flagItems
)

// ErrSlice is what DecodePage returns, wrapped, for bytes that are no page.
var ErrSlice = errors.New("no slice of a counter group")

// shape names what the cells of a group's rows mean: pages are only read into groups of the same shape.
func (g *Group) shape() uint32 {
	var b []byte
	for _, k := range g.Form {
		b = append(b, byte(k))
	}
	for i := range g.Meters {
		m := &g.Meters[i]
		b = append(b, 0xff, byte(m.ID), byte(m.Type))
		if m.Distinct {
			b = append(b, 1)
		}
	}
	return uint32(hashKey(b))
}

// AppendBinary appends an open page to b, for the journal, which adds a checksum. Cells that hold nothing take a bit,
// small integers a byte or two.
func (p *Page) AppendBinary(b []byte) ([]byte, error) {
	if p.closed || p.lay != &p.Group.meters {
		return b, errors.New("only open pages of buckets are encoded")
	}
	b = append(b, sliceVersion)
	b = binary.AppendUvarint(b, uint64(len(p.Group.Name)))
	b = append(b, p.Group.Name...)
	b = binary.LittleEndian.AppendUint32(b, p.Group.shape())
	b = binary.AppendVarint(b, int64(p.Start))
	b = binary.AppendVarint(b, int64(p.Width))
	flags := byte(0)
	if p.floor != nil {
		flags |= flagInexact
	}
	if p.samples != nil {
		flags |= flagSampled
	}
	if p.items.n > 0 {
		flags |= flagItems
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(p.Len()))
	for row := range p.Len() {
		b = binary.AppendUvarint(b, uint64(len(p.RowKey(row))))
		b = append(b, p.RowKey(row)...)
		b = appendCells(b, p.Cells(row), p.lay.empty)
		if p.floor != nil {
			b = appendCells(b, p.missed[row*p.stride:(row+1)*p.stride], p.lay.empty)
		}
		if p.samples != nil {
			b = p.samples[row].append(b)
		}
	}
	return p.appendRest(b), nil
}

func (p *Page) appendRest(b []byte) []byte {
	if p.floor != nil {
		b = appendCells(b, p.floor, p.lay.empty)
		b = appendCells(b, p.gone, p.lay.empty)
		b = binary.AppendUvarint(b, p.dropped)
		b = p.goneSample.append(b)
	}
	if p.items.n > 0 {
		b = append(b, p.items.level)
		b = binary.AppendUvarint(b, uint64(p.items.n))
		for i, o := range p.items.owners {
			if o != 0 {
				b = binary.AppendUvarint(b, uint64(o-1))
				b = binary.LittleEndian.AppendUint64(b, p.items.hashes[i])
			}
		}
	}
	return b
}

func (s sampling) append(b []byte) []byte {
	b = binary.AppendUvarint(b, s.n)
	if s.n == 0 {
		return b
	}
	return appendNumber(appendNumber(b, s.rates), s.variance)
}

// appendCells appends a bit for each cell that is not as in a new row, and then those cells.
func appendCells(b []byte, cells, empty []float64) []byte {
	at := len(b)
	b = append(b, make([]byte, (len(cells)+7)/8)...)
	for i, v := range cells {
		if v == empty[i] || math.IsNaN(v) && math.IsNaN(empty[i]) {
			continue
		}
		b[at+i/8] |= 1 << (i % 8)
		b = appendNumber(b, v)
	}
	return b
}

// The low two bits of a number's first varint say what it is.
const (
	numberInteger = 0 // the rest is the number, sign in the lowest bit
	numberFloat   = 1 // eight bytes follow
)

func appendNumber(b []byte, v float64) []byte {
	if n := int64(v); float64(n) == v && n < 1<<53 && n > -1<<53 {
		return binary.AppendUvarint(b, uint64(n<<1^n>>63)<<2)
	}
	return binary.LittleEndian.AppendUint64(append(b, numberFloat), math.Float64bits(v))
}

// reader reads an encoded page; after the first thing that is not there it reads nothing but zeros.
type reader struct {
	b   []byte
	all int
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s at byte %d of %d", ErrSlice, what, r.all-len(r.b), r.all)
	}
	r.b = nil
}

func (r *reader) bytes(n uint64, what string) []byte {
	if n > uint64(len(r.b)) {
		r.fail(what + " is cut off")
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) byte(what string) byte {
	if s := r.bytes(1, what); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) uvarint(what string) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(what + " is cut off or too large")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint(what string) int64 {
	v := r.uvarint(what)
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) number(what string) float64 {
	switch v := r.uvarint(what); v & 3 {
	case numberInteger:
		v >>= 2
		return float64(int64(v>>1) ^ -int64(v&1))
	case numberFloat:
		if s := r.bytes(8, what); s != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(s))
		}
	default:
		r.fail(what + " is of no known kind")
	}
	return 0
}

func (r *reader) cells(dst []float64, what string) {
	bits := r.bytes(uint64(len(dst)+7)/8, what)
	for i := range dst {
		if r.err == nil && bits[i/8]>>(i%8)&1 == 1 {
			dst[i] = r.number(what)
		}
	}
}

func (r *reader) sampling() (s sampling) {
	if s.n = r.uvarint("a count of samples"); s.n > 0 {
		s.rates, s.variance = r.number("rates"), r.number("a variance")
	}
	return s
}

// DecodePage reads what AppendBinary wrote. lookup finds the group by short name. The error says what is wrong with the
// bytes (ErrSlice), or that the group is not defined or has other meters now.
func DecodePage(b []byte, lookup func(name string) *Group) (*Page, error) {
	r := &reader{b: b, all: len(b)}
	if v := r.byte("the version"); r.err == nil && v != sliceVersion {
		return nil, fmt.Errorf("%w: version %d, this program reads %d", ErrSlice, v, sliceVersion)
	}
	name := string(r.bytes(r.uvarint("the name"), "the name"))
	shape := r.bytes(4, "the shape")
	start, width := schema.Instant(r.varint("the start")), Span(r.varint("the width"))
	if r.err != nil {
		return nil, r.err
	}
	g := lookup(name)
	if g == nil {
		return nil, fmt.Errorf("slice of group %q, which is not defined", name)
	}
	if g.shape() != binary.LittleEndian.Uint32(shape) {
		return nil, fmt.Errorf("slice of group %q, which has other meters or keys now", name)
	}
	if width <= 0 || width > MaxBucket {
		return nil, fmt.Errorf("%w: a bucket of %v", ErrSlice, width)
	}
	p := NewPage(g, start, width)
	p.read(r)
	if r.err == nil && len(r.b) > 0 {
		r.fail("something follows")
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

func (p *Page) read(r *reader) {
	flags := r.byte("the flags")
	rows := r.uvarint("the count of rows")
	// A row takes at least a byte for its key's length and one for its cells, so the bytes bound the memory.
	if rows > uint64(len(r.b))/2 {
		r.fail("more rows than bytes")
		return
	}
	if flags&flagInexact != 0 {
		p.makeInexact()
	}
	if flags&flagSampled != 0 {
		p.samples = []sampling{}
	}
	for range rows {
		p.readRow(r)
	}
	if flags&flagInexact != 0 {
		r.cells(p.floor, "the floor")
		r.cells(p.gone, "the dropped")
		p.dropped = r.uvarint("the count of dropped rows")
		p.goneSample = r.sampling()
	}
	if flags&flagItems != 0 && r.err == nil {
		p.readItems(r)
	}
}

func (p *Page) readRow(r *reader) {
	k := r.bytes(r.uvarint("the length of a key"), "a key")
	if r.err != nil {
		return
	}
	h := hashKey(k)
	if has(p, k, h) {
		r.fail("a key that was there before")
		return
	}
	row := p.append(k, h)
	r.cells(p.Cells(row), "a cell")
	if p.missed != nil {
		r.cells(p.missed[row*p.stride:], "what a row missed")
	}
	if p.samples != nil {
		p.samples[row] = r.sampling()
	}
}

func (p *Page) readItems(r *reader) {
	level := r.byte("the level")
	n := r.uvarint("the count of items")
	if level > 56 || n > uint64(len(r.b))/9 || n > 2*itemLimit {
		r.fail("items that cannot be")
		return
	}
	p.items.level = level
	for range n {
		owner := r.uvarint("an item's owner")
		hash := r.bytes(8, "an item")
		if r.err != nil {
			return
		}
		if owner >= uint64(p.Len()*maxDistinct) || owner%maxDistinct >= uint64(len(p.lay.distinct)) {
			r.fail("an item of no row")
			return
		}
		p.items.insert(uint32(owner)+1, binary.LittleEndian.Uint64(hash))
	}
	p.refill(nil)
}
