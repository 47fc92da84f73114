package parquet

import (
	"math"
	"math/bits"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	"weir/schema"
)

// form is how the values of one column of a part are written.
type form uint8

const (
	formAbsent form = iota // no row has a value: the column is left out of the part
	formInt                // 64-bit integers: every value of the column is one
	formReal               // 64-bit floating point
	formText               // bytes of UTF-8
)

// leaf says how one column of a table is written in one part.
type leaf struct {
	form form
	gaps bool // some rows have no value (NaN): the column is optional
}

// shape is how the columns of a table are written in one part, column by column of the table.
type shape []leaf

// maxWhole is the largest integer below which every integer is exact in a float64.
const maxWhole = 1 << 53

// shapeOf looks at all values of a block: real numbers that are whole are written as integers, which pack far better.
func shapeOf(b *schema.Block) shape {
	s := make(shape, len(b.Columns))
	for i := range b.Columns {
		c := &b.Columns[i]
		switch c.Type {
		case schema.ColumnInt:
			s[i].form = formInt
		case schema.ColumnText:
			s[i].form = formText
		default:
			s[i] = leafOfReals(c.Floats)
		}
	}
	return s
}

func leafOfReals(values []float64) leaf {
	l := leaf{form: formAbsent}
	for _, v := range values {
		switch {
		case v != v:
			l.gaps = true
		case v == math.Trunc(v) && math.Abs(v) < maxWhole:
			l.form = max(l.form, formInt)
		default:
			l.form = formReal
		}
	}
	return l
}

// join returns the shape that holds what either shape holds: needed when parts are merged.
func (s shape) join(o shape) shape {
	out := make(shape, len(s))
	for i := range s {
		out[i] = leaf{max(s[i].form, o[i].form), s[i].gaps || o[i].gaps}
		if s[i].form != o[i].form && (s[i].form == formAbsent || o[i].form == formAbsent) {
			out[i].gaps = true
		}
	}
	return out
}

// node describes one column to the Parquet writer. The field number is the place of the column in the table, by which
// readers find it whatever else the part has.
func (l leaf) node(place int, sample *schema.Column, rows int) pq.Node {
	var n pq.Node
	switch l.form {
	case formText:
		n = pq.Encoded(pq.String(), &pq.RLEDictionary)
		if textsAreMany(&sample.Texts, rows) {
			n = pq.Encoded(pq.String(), &pq.DeltaByteArray)
		}
	case formReal:
		n = pq.Encoded(pq.Leaf(pq.DoubleType), &pq.ByteStreamSplit)
	default:
		n = pq.Encoded(pq.Int(64), &pq.RLEDictionary)
		if !dictionaryIsSmaller(sample, rows) {
			n = pq.Encoded(pq.Int(64), &pq.DeltaBinaryPacked)
		}
	}
	if l.gaps {
		n = pq.Optional(n)
	}
	return pq.FieldID(n, place+1)
}

// textsAreMany tells whether a dictionary would be nearly as long as the column: then sorted texts that share their
// beginnings are written by what is new in each.
func textsAreMany(t *schema.Texts, rows int) bool {
	seen := make(map[string]struct{}, min(rows, 1024))
	for i := range rows {
		if _, ok := seen[string(t.At(i))]; ok { // looking first makes no string of what is known
			continue
		}
		seen[string(t.At(i))] = struct{}{}
		if len(seen) > rows/2 && len(seen) > 64 {
			return true
		}
	}
	return false
}

// dictionaryIsSmaller estimates which of the two ways of writing integers takes fewer bits: a table of the different
// values and an index a row, or differences packed in small blocks.
func dictionaryIsSmaller(c *schema.Column, rows int) bool {
	const block = 32
	seen := make(map[int64]struct{}, 1024)
	var last, low, high int64
	deltaBits, inBlock, n := 0, 0, 0
	for i := range rows {
		v, ok := wholeAt(c, i)
		if !ok {
			continue
		}
		d := v - last
		if inBlock == 0 || d < low {
			low = d
		}
		if inBlock == 0 || d > high {
			high = d
		}
		last = v
		n++
		if inBlock++; inBlock == block {
			deltaBits += block * bits.Len64(uint64(high-low))
			inBlock = 0
		}
		seen[v] = struct{}{}
	}
	deltaBits += inBlock * bits.Len64(uint64(high-low))
	dictionaryBits := n*bits.Len(uint(max(len(seen)-1, 0))) + 64*len(seen)
	return dictionaryBits < deltaBits
}

// wholeAt returns the value of a row of a column of integers, or of reals that are all whole; false for none.
func wholeAt(c *schema.Column, i int) (int64, bool) {
	if c.Type == schema.ColumnInt {
		return c.Ints[i], true
	}
	v := c.Floats[i]
	return int64(v), v == v
}

// letters name the forms in manifests; a capital has gaps.
const letters = "-irt"

// String writes the shape as one letter a column.
func (s shape) String() string {
	out := make([]byte, len(s))
	for i, l := range s {
		out[i] = letters[l.form]
		if l.gaps && l.form != formAbsent {
			out[i] ^= 0x20 // the capital
		}
	}
	return string(out)
}

// shapeFrom reads what String wrote for a table; columns that the table got later are absent.
func shapeFrom(text string, t *schema.Table) shape {
	s := make(shape, len(t.Columns))
	for i := range s {
		if i >= len(text) {
			break
		}
		letter := text[i]
		s[i].gaps = letter >= 'A' && letter <= 'Z'
		s[i].form = form(max(0, strings.IndexByte(letters, letter|0x20)))
		if letter == '-' {
			s[i] = leaf{}
		}
	}
	return s
}
