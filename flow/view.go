package flow

import (
	"errors"
	"fmt"
	"slices"

	"weir/schema"
)

// ErrUnknownDefinition is returned for the name of a definition that is not in force.
var ErrUnknownDefinition = errors.New("no such flow definition")

// Side says where a datasource lies in the topology.
type Side uint8

// The sides.
const (
	NoSide Side = iota // not part of the topology
	Edge               // a port of a known node without a link
	Core               // a port with a link
)

// View is the active flows as of one tick. It never changes; any number of goroutines may read it. The nil View is
// empty.
type View struct {
	at      schema.Instant
	defs    []*Definition
	byName  map[string]int // index in defs and columns
	columns []*column
	side    func(schema.Source) Side
}

// column is the flows of one definition: its leaves in the order of sources, in chunks. Chunks and leaves never
// change; the next view shares those that were not touched.
type column struct {
	def    *Definition
	shape  *shape // nil until a lane said something
	books  Books
	chunks [][]*leaf
}

// chunkLeaves is how many leaves a chunk has at most; a chunk is copied when one of its leaves was touched.
const chunkLeaves = 64

// Merge makes the view of the tick at from the one before (nil at the start), the definitions in force, and what the
// lanes said. Partials of definitions that are not in force are left out. side tells where datasources lie, for
// definitions that are pooled network wide and for queries that do not bring their own; nil: nowhere. defs must not
// change afterwards.
func Merge(prev *View, at schema.Instant, defs []*Definition, parts []*Partial,
	side func(schema.Source) Side) *View {
	v := &View{at: at, side: side}
	v.takeOver(prev, defs)
	updates := make(map[int]*update)
	for _, part := range parts {
		if part == nil {
			continue
		}
		for i := range part.columns {
			c := &part.columns[i]
			n, ok := v.byName[c.def.Name]
			if !ok || !c.def.Equal(v.defs[n]) {
				continue
			}
			u := updates[n]
			if u == nil {
				u = &update{}
				updates[n] = u
			}
			u.add(c)
		}
	}
	for n, u := range updates {
		v.columns[n] = v.columns[n].apply(u)
	}
	return v
}

// takeOver begins v with the columns of prev of the definitions that are still in force.
func (v *View) takeOver(prev *View, defs []*Definition) {
	if prev != nil && slices.Equal(prev.defs, defs) {
		v.defs, v.byName, v.columns = prev.defs, prev.byName, slices.Clone(prev.columns)
		return
	}
	v.defs, v.byName = slices.Clone(defs), make(map[string]int, len(defs))
	v.columns = make([]*column, len(defs))
	for i, d := range defs {
		v.byName[d.Name] = i
		v.columns[i] = &column{def: d}
		if old := prev.column(d.Name); old != nil && old.def.Equal(d) {
			kept := *old
			kept.def = d
			v.columns[i] = &kept
		}
	}
}

// update is what the lanes say of one definition at a tick.
type update struct {
	shape  *shape
	books  Books
	leaves []*leaf
}

func (u *update) add(c *partialColumn) {
	u.shape = c.shape
	u.books.Add(c.books)
	u.leaves = append(u.leaves, c.leaves...)
}

// apply returns a column with the leaves of u in place of those of the same sources.
func (c *column) apply(u *update) *column {
	next := &column{def: c.def, shape: u.shape, books: c.books, chunks: c.chunks}
	next.books.Add(u.books)
	if len(u.leaves) == 0 {
		return next
	}
	fresh := u.leaves
	slices.SortStableFunc(fresh, compareLeaves)
	next.chunks = make([][]*leaf, 0, len(c.chunks)+1)
	for i, chunk := range c.chunks {
		n := len(fresh)
		if i+1 < len(c.chunks) {
			n, _ = slices.BinarySearchFunc(fresh, c.chunks[i+1][0], compareLeaves)
		}
		next.addChunk(chunk, fresh[:n])
		fresh = fresh[n:]
	}
	next.addChunk(nil, fresh)
	return next
}

func compareLeaves(a, b *leaf) int { return compareSources(&a.source, &b.source) }

// addChunk appends a chunk after fresh leaves have replaced, joined or (when empty) removed those of the chunk.
func (c *column) addChunk(chunk, fresh []*leaf) {
	if len(fresh) > 0 {
		chunk = mergeLeaves(chunk, fresh)
	}
	if last := len(c.chunks) - 1; len(fresh) > 0 && last >= 0 && len(c.chunks[last])+len(chunk) <= chunkLeaves/2 {
		chunk = slices.Concat(c.chunks[last], chunk)
		c.chunks = c.chunks[:last]
	}
	for len(chunk) > chunkLeaves {
		c.chunks = append(c.chunks, chunk[:chunkLeaves/2:chunkLeaves/2])
		chunk = chunk[chunkLeaves/2:]
	}
	if len(chunk) > 0 {
		c.chunks = append(c.chunks, chunk)
	}
}

// mergeLeaves returns the leaves of two sorted lists; of the same source the last fresh one, and none that is empty.
func mergeLeaves(old, fresh []*leaf) []*leaf {
	out := make([]*leaf, 0, len(old)+len(fresh))
	for len(old) > 0 || len(fresh) > 0 {
		if len(fresh) == 0 {
			return append(out, old...)
		}
		order := -1
		if len(old) == 0 {
			order = 1
		} else {
			order = compareLeaves(old[0], fresh[0])
		}
		if order < 0 {
			out, old = append(out, old[0]), old[1:]
			continue
		}
		if order == 0 {
			old = old[1:]
		}
		superseded := len(fresh) > 1 && compareLeaves(fresh[0], fresh[1]) == 0
		if !superseded && len(fresh[0].cells) > 0 {
			out = append(out, fresh[0])
		}
		fresh = fresh[1:]
	}
	return out
}

// all yields the leaves of a column in the order of sources.
func (c *column) all(yield func(*leaf) bool) {
	for _, chunk := range c.chunks {
		for _, l := range chunk {
			if !yield(l) {
				return
			}
		}
	}
}

// find returns the leaf of a source, or nil.
func (c *column) find(src schema.Source) *leaf {
	want := &leaf{source: src}
	i, ok := slices.BinarySearchFunc(c.chunks, want, func(chunk []*leaf, l *leaf) int {
		return compareLeaves(chunk[0], l)
	})
	if ok {
		return c.chunks[i][0]
	}
	if i == 0 {
		return nil
	}
	chunk := c.chunks[i-1]
	if j, ok := slices.BinarySearchFunc(chunk, want, compareLeaves); ok {
		return chunk[j]
	}
	return nil
}

// column returns the column of a definition, or nil.
func (v *View) column(def string) *column {
	if v == nil {
		return nil
	}
	if i, ok := v.byName[def]; ok {
		return v.columns[i]
	}
	return nil
}

// known returns the column of a definition or an error that wraps ErrUnknownDefinition.
func (v *View) known(def string) (*column, error) {
	if c := v.column(def); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownDefinition, def)
}

// At returns the tick of the view.
func (v *View) At() schema.Instant {
	if v == nil {
		return 0
	}
	return v.at
}

// Definitions returns the definitions in force, in the order that Merge got them. Do not change the slice.
func (v *View) Definitions() []*Definition {
	if v == nil {
		return nil
	}
	return v.defs
}

// Definition returns a definition in force by its name, or nil.
func (v *View) Definition(name string) *Definition {
	if c := v.column(name); c != nil {
		return c.def
	}
	return nil
}

// Books returns what became of the records that a definition was shown since it is in force.
func (v *View) Books(def string) (b Books, ok bool) {
	if c := v.column(def); c != nil {
		return c.books, true
	}
	return b, false
}
