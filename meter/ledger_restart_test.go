package meter

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"weir/schema"
)

// change is one update of a random stream.
type change struct {
	seconds float64
	key     string
	meter   int
	v       float64
}

func drawChanges(t *rapid.T, meters []int) []change {
	one := rapid.Custom(func(t *rapid.T) change {
		return change{
			seconds: float64(rapid.IntRange(0, 700).Draw(t, "at")),
			key:     rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "key"),
			meter:   rapid.SampledFrom(meters).Draw(t, "meter"),
			v:       float64(rapid.IntRange(-3, 9).Draw(t, "v")),
		}
	})
	all := rapid.SliceOfN(one, 1, 40).Draw(t, "changes")
	slices.SortStableFunc(all, func(a, b change) int { return int(a.seconds - b.seconds) })
	return all
}

// page is one update as a slice.
func (c change) page(g *Group) *Page {
	p := NewPage(g, floor(at(c.seconds), g.Bucket), g.Bucket)
	p.Write(p.Row([]byte(c.key)), g.Cell(c.meter), c.v, at(c.seconds))
	return p
}

func sameValues(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return math.Abs(x-y) < 1e-9 || math.IsNaN(x) && math.IsNaN(y)
	})
}

func compareDesks(t *rapid.T, got, want *desk) {
	for _, id := range slices.Sorted(maps.Keys(want.rows)) {
		if w, g := want.rows[id], got.rows[id]; !sameValues(g.m, w.m) || !sameValues(g.x, w.x) {
			t.Fatalf("row %s: %v, want %v", id, g, w)
		}
	}
	if len(got.rows) != len(want.rows) {
		t.Fatalf("%d rows, want %d: %v, want %v", len(got.rows), len(want.rows), slices.Sorted(maps.Keys(got.rows)),
			slices.Sorted(maps.Keys(want.rows)))
	}
	if !slices.EqualFunc(got.tops, want.tops, func(a, b storedTopper) bool {
		near := math.Abs(a.value-b.value) < 1e-9
		a.value, b.value = 0, 0
		return near && a == b
	}) {
		t.Fatalf("toppers %v, want %v", got.tops, want.tops)
	}
}

// A ledger that is killed at any second and restored from what was stored and from the slices after that stores the
// same rows and the same lists as one that was not.
func TestRestoreGoesOn(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		g := testGroup(outer, func(g *Group) { g.TopperOnly = rapid.Bool().Draw(t, "topper only") })
		meters := []int{0, 1, 2, 3, 4, 6, 7}
		if g.TopperOnly {
			// Levels of keys that are not stored do not come back.
			meters = slices.DeleteFunc(meters, func(id int) bool { return id == 3 })
		}
		changes := drawChanges(t, meters)
		killed := rapid.IntRange(0, 700).Draw(t, "killed")
		want, got := newDesk(outer, g), newDesk(outer, g)
		var slicesKept [][]byte
		var stored []*schema.Block
		var marks map[string]schema.Instant
		next := 0
		for s := range 720 {
			for ; next < len(changes) && changes[next].seconds <= float64(s); next++ {
				p := changes[next].page(g)
				b, err := p.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				slicesKept = append(slicesKept, b)
				want.l.Take(p)
				got.l.Take(p)
			}
			want.advance(float64(s))
			c := got.l.Advance(at(float64(s)))
			marks = c.Marks
			blocks := c.Blocks()
			stored = append(stored, blocks...)
			got.keepBlocks(blocks)
			if s == killed {
				got.restart(t, slicesKept, stored, marks)
			}
		}
		want.end(900)
		got.end(900)
		compareDesks(t, got, want)
	})
}

// restart puts a new ledger in the place of the old one.
func (d *desk) restart(t *rapid.T, kept [][]byte, stored []*schema.Block, marks map[string]schema.Instant) {
	d.l = NewLedger(Limits{})
	d.l.Define(0, []*Group{d.groups["tg"]})
	var pages []*Page
	for _, b := range kept {
		p, err := DecodePage(b, d.l.Group)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, p)
	}
	d.l.Restore(pages, marks)
	from := d.l.RestoreFrom("tg")
	for _, b := range stored {
		if b.Table == schema.TableBuckets {
			d.l.RestoreRows(since(b, from))
		}
	}
}

// since returns the rows of a block from an instant on.
func since(b *schema.Block, from schema.Instant) *schema.Block {
	out := schema.NewBlock(b.Table, b.Rows)
	for i := range b.Rows {
		if schema.Instant(b.Columns[colAt].Ints[i]) < from {
			continue
		}
		for c := range b.Columns {
			switch b.Columns[c].Type {
			case schema.ColumnInt:
				out.Columns[c].Ints = append(out.Columns[c].Ints, b.Columns[c].Ints[i])
			case schema.ColumnFloat:
				out.Columns[c].Floats = append(out.Columns[c].Floats, b.Columns[c].Floats[i])
			case schema.ColumnText:
				out.Columns[c].Texts.Append(b.Columns[c].Texts.At(i))
			}
		}
		out.Rows++
	}
	return out
}

// However the updates are spread over lanes and slices, and however little is done at once, the blocks are the same.
func TestLanesAndSlicesDoNotMatter(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		g := testGroup(outer, nil)
		changes := drawChanges(t, []int{0, 1, 2, 3, 4, 5, 6, 7})
		// Of two writes of a gauge at one moment the order in the stream is not known to lanes.
		seen := map[string]bool{}
		changes = slices.DeleteFunc(changes, func(c change) bool {
			if c.seconds >= maxOpen*30 {
				return true // more buckets than may be open at once
			}
			id := fmt.Sprint(c.seconds, c.key, c.meter)
			twice := seen[id]
			seen[id] = true
			return twice
		})
		one, many := newDesk(outer, g), newDesk(outer, g)
		for _, c := range changes {
			one.l.Take(c.page(g))
		}
		lanes := make([]map[schema.Instant]*Page, 3)
		for i := range lanes {
			lanes[i] = map[schema.Instant]*Page{}
		}
		for _, c := range changes {
			lane := lanes[rapid.IntRange(0, 2).Draw(t, "lane")]
			start := floor(at(c.seconds), g.Bucket)
			if lane[start] == nil {
				lane[start] = NewPage(g, start, g.Bucket)
			}
			lane[start].Write(lane[start].Row([]byte(c.key)), g.Cell(c.meter), c.v, at(c.seconds))
		}
		for _, lane := range lanes {
			for _, start := range slices.Sorted(maps.Keys(lane)) {
				for m := many.l.Taking(lane[start]); !m.Some(1); {
				}
			}
		}
		one.end(900)
		for more := true; more; {
			var c *Closing
			c, more = many.l.AdvanceSome(at(900), 1)
			many.keep(c)
		}
		compareDesks(t, many, one)
	})
}
