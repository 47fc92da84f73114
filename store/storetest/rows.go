package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"weir/schema"
	"weir/store"
)

// Epoch is when made-up rows begin: a round hour and day (UTC).
const Epoch = schema.Instant(1_772_323_200_000_000_000) // 2026-03-01T00:00:00Z

// Rows makes so many rows of a table whose times are from From (inclusive) to To, from a seed of its own. Every kind of
// value is in them: NaN, fractions, large and negative numbers, empty texts, texts with signs. Times, and what else
// makes rows of a table differ, are distinct as long as there are fewer rows than microseconds in the span. The block
// belongs to the caller.
func Rows(r *rand.Rand, t *schema.Table, n int, from, to schema.Instant) *schema.Block {
	b := schema.NewBlock(t, n)
	b.Rows = n
	step := int64(to-from) / int64(max(n, 1))
	for i := range n {
		at := int64(from) + int64(i)*step
		for c := range b.Columns {
			fillCell(r, t, &b.Columns[c], i, at)
		}
	}
	return b
}

func fillCell(r *rand.Rand, t *schema.Table, col *schema.Column, row int, at int64) {
	switch {
	case col.Name == t.Time:
		col.Ints = append(col.Ints, at)
	case col.Name == "first" || col.Name == "started":
		col.Ints = append(col.Ints, at-r.Int64N(int64(10*time.Minute)))
	case col.Type == schema.ColumnInt:
		col.Ints = append(col.Ints, someInt(r, col.Name, row))
	case col.Type == schema.ColumnFloat:
		col.Floats = append(col.Floats, someFloat(r, col.Name))
	default:
		col.Texts.AppendString(someText(r, col.Name))
	}
}

func someInt(r *rand.Rand, name string, row int) int64 {
	switch name {
	case "id", "session":
		return int64(row) + 1<<53 // more than a float can hold
	case "width":
		return 30
	case "proto":
		return []int64{1, 6, 17}[r.IntN(3)]
	case "a_port", "z_port":
		return []int64{53, 80, 443, 1024 + r.Int64N(60000)}[r.IntN(4)]
	case "rank":
		return r.Int64N(50) - 10
	case "state":
		return r.Int64N(1 << 16)
	case "samples", "rate", "meter", "priority":
		return r.Int64N(4)
	}
	return r.Int64N(1 << (1 + r.UintN(40)))
}

func someFloat(r *rand.Rand, name string) float64 {
	// Meters beyond the 12th of a group are mostly absent.
	if len(name) == 3 && name[0] == 'm' && name > "m12" || name[0] == 'x' {
		return math.NaN()
	}
	switch r.IntN(8) {
	case 0:
		return math.NaN()
	case 1:
		return r.NormFloat64() * 1000
	case 2:
		return 0
	}
	return float64(r.Int64N(1 << (1 + r.UintN(30))))
}

func someText(r *rand.Rand, name string) string {
	switch name {
	case "a_ip", "z_ip", "exporter":
		if r.IntN(4) == 0 {
			return fmt.Sprintf("2001:db8::%x", 1+r.IntN(40))
		}
		return fmt.Sprintf("10.%d.%d.%d", r.IntN(3), r.IntN(4), 1+r.IntN(20))
	case "key":
		return fmt.Sprintf("C0.A8.%02X.%02X", r.IntN(4), r.IntN(16))
	case "grp", "name", "rule", "tracker", "schema", "metric":
		return []string{"hosts", "apps", "mac"}[r.IntN(3)]
	}
	return []string{"", "web", "dns|tunnel", "it's \"q\" %_\\", "Größe", "web|x"}[r.IntN(6)]
}

// Batch makes a batch with some rows of each table, whose times are in the given span.
func Batch(r *rand.Rand, node string, seq uint64, n int, from, to schema.Instant) store.Batch {
	b := store.Batch{Node: node, Seq: seq, At: to}
	for _, t := range schema.Tables {
		b.Blocks = append(b.Blocks, Rows(r, t, n, from, to))
	}
	return b
}

// without returns a block without the columns that are wholly absent: as a careful maker of rows leaves them out.
func without(b *schema.Block) *schema.Block {
	out := &schema.Block{Table: b.Table, Rows: b.Rows}
	for _, c := range b.Columns {
		absent := c.Type == schema.ColumnFloat
		for _, f := range c.Floats {
			absent = absent && f != f
		}
		if !absent {
			out.Columns = append(out.Columns, c)
		}
	}
	return out
}
