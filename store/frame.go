package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"weir/schema"
)

// A frame is a header of 16 bytes and a payload: the sign "wfrm", length of the payload, CRC-32C of those two, CRC-32C
// of the payload; 32 bits each, little endian. With the sign and a checksum of its own a header is found again behind
// damaged bytes. The payload is one Batch: node, seq, at, marks, slices, blocks. Numbers are varints; a column of
// floats that are all whole is one of varints too, and a column of NaN is left out, because most meters of most keys
// are small whole numbers or absent.
const (
	frameSign     = "wfrm"
	frameHeader   = 16
	maxFrameBytes = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBatchTooLarge is for a batch that no frame can hold.
var errBatchTooLarge = fmt.Errorf("the batch is larger than %d bytes", maxFrameBytes)

var (
	errTorn  = errors.New("the frame is not whole")
	errSum   = errors.New("the frame is damaged: wrong checksum")
	errFrame = errors.New("the frame does not hold a batch") // though its checksum is right
)

// appendFrame appends the frame of b to dst.
func appendFrame(dst []byte, b *Batch) ([]byte, error) {
	at := len(dst)
	dst = append(dst, make([]byte, frameHeader)...)
	dst = appendBatch(dst, b)
	n := len(dst) - at - frameHeader
	if n > maxFrameBytes {
		return dst[:at], errBatchTooLarge
	}
	head := dst[at : at+frameHeader]
	copy(head, frameSign)
	binary.LittleEndian.PutUint32(head[4:], uint32(n))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(head[:8], castagnoli))
	binary.LittleEndian.PutUint32(head[12:], crc32.Checksum(dst[at+frameHeader:], castagnoli))
	return dst, nil
}

// frameSize returns the length of the frame at the beginning of b, errSum when there is no header of a frame, or
// errTorn when not all of the frame is there.
func frameSize(b []byte) (int, error) {
	if len(b) < frameHeader {
		return 0, errTorn
	}
	if string(b[:4]) != frameSign || crc32.Checksum(b[:8], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return 0, errSum
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > maxFrameBytes || int(n) > len(b)-frameHeader {
		return 0, errTorn
	}
	return frameHeader + int(n), nil
}

// openFrame checks and reads a frame that is exactly b.
func openFrame(b []byte, blocks bool) (Batch, error) {
	n, err := frameSize(b)
	if err != nil {
		return Batch{}, err
	}
	if n != len(b) {
		return Batch{}, errTorn
	}
	if crc32.Checksum(b[frameHeader:], castagnoli) != binary.LittleEndian.Uint32(b[12:]) {
		return Batch{}, errSum
	}
	return decodeBatch(b[frameHeader:], blocks)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendMarks(dst []byte, marks map[string]schema.Instant) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(marks)))
	for _, group := range slices.Sorted(maps.Keys(marks)) {
		dst = binary.AppendVarint(appendText(dst, group), int64(marks[group]))
	}
	return dst
}

func appendBatch(dst []byte, b *Batch) []byte {
	dst = appendText(dst, b.Node)
	dst = binary.AppendUvarint(dst, b.Seq)
	dst = binary.AppendVarint(dst, int64(b.At))
	dst = appendMarks(dst, b.Marks)
	dst = binary.AppendUvarint(dst, uint64(len(b.Slices)))
	for i := range b.Slices {
		s := &b.Slices[i]
		dst = binary.AppendVarint(appendText(dst, s.Group), int64(s.Start))
		dst = append(binary.AppendUvarint(dst, uint64(len(s.Data))), s.Data...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Blocks)))
	for _, block := range b.Blocks {
		dst = appendBlock(dst, block)
	}
	return dst
}

// How a column is written.
const (
	codeInts       = iota + 1 // differences as varints
	codeFloats                // 8 bytes each
	codeWholeFloat            // varints; 0 stands for NaN, else the value moved by one away from 0
	codeTexts                 // lengths as varints, then the bytes
)

func appendBlock(dst []byte, b *schema.Block) []byte {
	dst = appendText(dst, b.Table.Name)
	dst = binary.AppendUvarint(dst, uint64(b.Rows))
	written := 0
	for i := range b.Columns {
		if !allAbsent(&b.Columns[i]) {
			written++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(written))
	for i := range b.Columns {
		if col := &b.Columns[i]; !allAbsent(col) {
			dst = appendColumn(appendText(dst, col.Name), col)
		}
	}
	return dst
}

// allAbsent tells that a column says no more than one that is left out.
func allAbsent(col *schema.Column) bool {
	if col.Type != schema.ColumnFloat {
		return false
	}
	return !slices.ContainsFunc(col.Floats, func(f float64) bool { return f == f })
}

func appendColumn(dst []byte, col *schema.Column) []byte {
	switch {
	case col.Type == schema.ColumnInt:
		dst = append(dst, codeInts)
		last := int64(0)
		for _, v := range col.Ints {
			dst = binary.AppendVarint(dst, v-last) // wraps, and wraps back when read
			last = v
		}
	case col.Type == schema.ColumnText:
		dst = append(dst, codeTexts)
		from := uint32(0)
		for _, end := range col.Texts.Ends {
			dst = binary.AppendUvarint(dst, uint64(end-from))
			from = end
		}
		dst = append(dst, col.Texts.Data[:from]...)
	case allWhole(col.Floats):
		dst = append(dst, codeWholeFloat)
		for _, f := range col.Floats {
			dst = binary.AppendVarint(dst, movedWhole(f))
		}
	default:
		dst = append(dst, codeFloats)
		for _, f := range col.Floats {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		}
	}
	return dst
}

// allWhole tells that all values are NaN or whole numbers that a varint holds exactly; -0 is none.
func allWhole(values []float64) bool {
	const exact = 1 << 53
	for _, f := range values {
		if f != f {
			continue
		}
		if !(math.Abs(f) < exact) || f != math.Trunc(f) || f == 0 && math.Signbit(f) {
			return false
		}
	}
	return true
}

func movedWhole(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= 0:
		return int64(f) + 1
	}
	return int64(f)
}

func unmovedWhole(v int64) float64 {
	switch {
	case v == 0:
		return math.NaN()
	case v > 0:
		return float64(v - 1)
	}
	return float64(v)
}

// payload reads from a payload; after the first fault all it reads is zero.
type payload struct {
	b   []byte
	bad bool
}

func (p *payload) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.bad, p.b = true, nil
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *payload) varint() int64 {
	v, n := binary.Varint(p.b)
	if n <= 0 {
		p.bad, p.b = true, nil
		return 0
	}
	p.b = p.b[n:]
	return v
}

// bytes borrows the next n bytes.
func (p *payload) bytes(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.bad, p.b = true, nil
		return nil
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

func (p *payload) text() string { return string(p.bytes(p.uvarint())) }

// count reads how many things of at least size bytes follow, so that nothing is allocated that cannot be there.
func (p *payload) count(size int) int {
	n := p.uvarint()
	if n > uint64(len(p.b)/size) {
		p.bad, p.b = true, nil
		return 0
	}
	return int(n)
}

func (p *payload) marks() map[string]schema.Instant {
	n := p.count(2)
	if n == 0 {
		return nil
	}
	marks := make(map[string]schema.Instant, n)
	for range n {
		group := p.text()
		marks[group] = schema.Instant(p.varint())
	}
	return marks
}

// decodeBatch reads the payload of a frame. Slices borrow from it; blocks, which are left out when they are not wanted,
// do not.
func decodeBatch(b []byte, blocks bool) (Batch, error) {
	p := &payload{b: b}
	out := Batch{Node: p.text(), Seq: p.uvarint(), At: schema.Instant(p.varint())}
	out.Marks = p.marks()
	if n := p.count(3); n > 0 {
		out.Slices = make([]Slice, n)
		for i := range out.Slices {
			s := &out.Slices[i]
			s.Group, s.Start = p.text(), schema.Instant(p.varint())
			s.Data = p.bytes(p.uvarint())
		}
	}
	if p.bad {
		return Batch{}, errFrame
	}
	if !blocks {
		return out, nil
	}
	for range p.count(3) {
		block := p.block()
		if p.bad {
			return Batch{}, errFrame
		}
		if block != nil {
			out.Blocks = append(out.Blocks, block)
		}
	}
	if p.bad || len(p.b) > 0 {
		return Batch{}, errFrame
	}
	return out, nil
}

// block reads a block; nil when its table is one that this version does not know any more.
func (p *payload) block() *schema.Block {
	table := schema.TableOf(p.text())
	rows := p.uvarint()
	n := p.count(2)
	if rows > maxFrameBytes {
		p.bad = true
		return nil
	}
	b := &schema.Block{Table: table, Rows: int(rows), Columns: make([]schema.Column, 0, n)}
	for range n {
		col := p.column(int(rows))
		if p.bad {
			return nil
		}
		// A column that this version does not know, or knows as another type, is left out.
		if table == nil || b.Column(col.Name) != nil {
			continue
		}
		if i := table.Column(col.Name); i >= 0 && table.Columns[i].Type == col.Type {
			b.Columns = append(b.Columns, col)
		}
	}
	if table == nil {
		return nil
	}
	return b
}

func (p *payload) column(rows int) schema.Column {
	col := schema.Column{Name: p.text()}
	code := p.bytes(1)
	if p.bad || rows > len(p.b) {
		p.bad = true
		return col
	}
	switch code[0] {
	case codeInts:
		col.Type, col.Ints = schema.ColumnInt, make([]int64, rows)
		last := int64(0)
		for i := range col.Ints {
			last += p.varint()
			col.Ints[i] = last
		}
	case codeFloats:
		col.Type = schema.ColumnFloat
		raw := p.bytes(8 * uint64(rows))
		col.Floats = make([]float64, len(raw)/8)
		for i := range col.Floats {
			col.Floats[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case codeWholeFloat:
		col.Type, col.Floats = schema.ColumnFloat, make([]float64, rows)
		for i := range col.Floats {
			col.Floats[i] = unmovedWhole(p.varint())
		}
	case codeTexts:
		p.texts(&col, rows)
	default:
		p.bad = true
	}
	return col
}

func (p *payload) texts(col *schema.Column, rows int) {
	col.Type, col.Texts.Ends = schema.ColumnText, make([]uint32, rows)
	total := uint64(0)
	for i := range col.Texts.Ends {
		total += min(p.uvarint(), maxFrameBytes)
		if total > maxFrameBytes {
			p.bad = true
			return
		}
		col.Texts.Ends[i] = uint32(total)
	}
	col.Texts.Data = slices.Clone(p.bytes(total))
}
