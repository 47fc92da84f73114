package flow

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"

	"weir/schema"
)

// Sighting says when an attribute last had a value.
type Sighting struct {
	Name string // as in a definition: "ipsource", "ipsource.1"
	Last schema.Instant
}

// The bounds of a Seen.
const (
	seenShapes  = 1 << 15             // shapes that are remembered; a fuller table is emptied
	seenNesting = 4                   // occurrences of a nested attribute that are looked for
	seenEvery   = schema.Instant(1e9) // records of one shape are looked into this seldom
	seenLooks   = 4096                // records that are looked into in a second of theirs, of whatever shapes
)

// Seen notes which attributes records have, for /flowkeys/json. One lane, one goroutine.
type Seen struct {
	attributes []attribute
	shapes     map[uint64]schema.Instant // when a record of the shape was last looked into
	second     schema.Instant            // of the last look
	looks      int                       // in that second
	value      schema.Value
}

// attribute is a field at one depth.
type attribute struct {
	name    string
	nth     int
	read    func(*schema.Record, int, *schema.Value)
	last    schema.Instant
	changed bool
}

// NewSeen returns a Seen for the fields of a compiler.
func NewSeen(fields []schema.Field) *Seen {
	s := &Seen{shapes: map[uint64]schema.Instant{}}
	for _, f := range fields {
		if f.Read == nil {
			continue
		}
		s.attributes = append(s.attributes, attribute{name: f.Name, read: f.Read})
		for nth := 1; f.Nested && nth < seenNesting; nth++ {
			s.attributes = append(s.attributes,
				attribute{name: f.Name + "." + strconv.Itoa(nth), nth: nth, read: f.Read})
		}
	}
	return s
}

// Observe notes what r has. Records of one exporter that are made of the same headers and parts are looked into once a
// second, and of records of ever new shapes, which only somebody with bad intentions sends, so many a second. It goes
// by exporter so that what is noted does not depend on which exporters share a lane.
func (s *Seen) Observe(r *schema.Record) {
	h := shapeHash(r)
	if last, ok := s.shapes[h]; ok && r.At-last < seenEvery && r.At >= last {
		return
	}
	if second := r.At / seenEvery; second != s.second {
		s.second, s.looks = second, 0
	}
	if s.looks++; s.looks > seenLooks {
		return
	}
	if len(s.shapes) >= seenShapes {
		clear(s.shapes)
	}
	s.shapes[h] = r.At
	for i := range s.attributes {
		a := &s.attributes[i]
		s.value.SetNull()
		if a.read(r, a.nth, &s.value); !s.value.IsNull() && r.At > a.last {
			a.last, a.changed = r.At, true
		}
	}
}

// shapeHash mixes the exporter and what decides which attributes a record has: its kind, headers and parts.
func shapeHash(r *schema.Record) uint64 {
	h := uint64(r.Kind)
	mix := func(v uint64) { h = (h ^ v) * 0x9e3779b97f4a7c15; h ^= h >> 29 }
	flag := func(b bool, bit uint) uint64 {
		if b {
			return 1 << bit
		}
		return 0
	}
	mix(binary.LittleEndian.Uint64(r.Source.Exporter[:]))
	mix(binary.LittleEndian.Uint64(r.Source.Exporter[8:]))
	mix(uint64(r.IPv) | uint64(r.Direction)<<8 | uint64(r.Proto)<<16 | flag(r.HasPorts, 32) | flag(r.HasProto, 33) |
		flag(r.ICMP, 34) | flag(r.Src.IsZero(), 35) | flag(r.Dst.IsZero(), 36) | uint64(r.In.Format)<<40 |
		uint64(r.Out.Format)<<48)
	if l := r.Layers; l != nil {
		for i := range l.N {
			mix(uint64(l.Layers[i].Kind))
		}
	}
	for i := range r.Slots {
		mix(uint64(r.Slots[i].Tag))
	}
	return h
}

// Advance returns what was seen since the last call. The caller owns the slice.
func (s *Seen) Advance() []Sighting {
	var out []Sighting
	for i := range s.attributes {
		if a := &s.attributes[i]; a.changed {
			out = append(out, Sighting{Name: a.name, Last: a.last})
			a.changed = false
		}
	}
	return out
}

// Sightings is when each attribute was last seen anywhere. It never changes once MergeSeen returned it.
type Sightings map[string]schema.Instant

// MergeSeen returns prev with newer sightings added; prev itself when there are none.
func MergeSeen(prev Sightings, parts ...[]Sighting) Sightings {
	next, own := prev, false
	for _, part := range parts {
		for _, s := range part {
			if s.Last <= next[s.Name] {
				continue
			}
			if !own {
				if next, own = maps.Clone(prev), true; next == nil {
					next = Sightings{}
				}
			}
			next[s.Name] = s.Last
		}
	}
	return next
}

// Ages returns how long ago, in milliseconds, each attribute was seen that was seen within the last limit
// milliseconds (0: ever).
func (s Sightings) Ages(now schema.Instant, limit int64) map[string]int64 {
	out := make(map[string]int64, len(s))
	for name, last := range s {
		if age := max(0, int64(now-last)/1e6); limit <= 0 || age <= limit {
			out[name] = age
		}
	}
	return out
}

// Names returns the attributes, sorted.
func (s Sightings) Names() []string { return slices.Sorted(maps.Keys(s)) }
