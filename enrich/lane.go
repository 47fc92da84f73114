package enrich

import (
	"weir/schema"
)

// Bounds of what one lane remembers. Caches that are full start again; lists that are full drop and count.
const (
	maxPortCache = 1 << 16 // interfaces
	maxTextCache = 1 << 12 // addresses written as text
	maxWanted    = 1 << 12 // addresses between two ticks
	maxLearned   = 1 << 13 // of each kind, between two ticks
)

// Lane is what one lane uses to enrich its records. It belongs to one goroutine, like everything it hands out; its
// functions and fields read the World that was last set.
type Lane struct {
	world   *World
	ports   map[portKey]*portTexts
	texts   map[string]schema.Addr
	wanted  *wantedList
	missing uint8 // bit per missingSources
	learn   lessons
	counts  Counts
}

// Counts is what a lane had to give up, since it was made.
type Counts struct {
	WantedDropped  uint64 // addresses not asked because the list was full until the next tick
	LearnedDropped uint64 // names and sightings not learned for the same reason
}

// New returns a lane that reads w.
func New(w *World) *Lane {
	return &Lane{
		world:  w,
		ports:  map[portKey]*portTexts{},
		texts:  map[string]schema.Addr{},
		wanted: newWantedList(),
		learn:  newLessons(),
	}
}

// World returns the snapshot that the lane reads.
func (l *Lane) World() *World { return l.world }

// Set makes the lane read w from now on.
func (l *Lane) Set(w *World) {
	if w.graph != l.world.graph || w.names != l.world.names {
		clear(l.ports)
	}
	l.world = w
}

// Counts returns what the lane had to give up so far.
func (l *Lane) Counts() Counts { return l.counts }

var missingSources = [...]Source{SourceCountry, SourceASN, SourceVendors, SourceDNS}

// Missing returns the sources that functions wanted to read since the last call though the World does not have them;
// nil when there are none, which is the rule. The shell logs each once.
func (l *Lane) Missing() []Source {
	if l.missing == 0 {
		return nil
	}
	var list []Source
	for i, s := range missingSources {
		if l.missing&(1<<i) != 0 {
			list = append(list, s)
		}
	}
	l.missing = 0
	return list
}

func (l *Lane) miss(s Source) {
	for i := range missingSources {
		if missingSources[i] == s {
			l.missing |= 1 << i
		}
	}
}

// Wanted returns the addresses whose names key function dns wanted since the last call, each once. The slice is valid
// until the next call.
func (l *Lane) Wanted() []schema.Addr { return l.wanted.drain() }

func (l *Lane) want(a schema.Addr) {
	if !l.wanted.add(a) {
		l.counts.WantedDropped++
	}
}

// wantedList is a bounded set that is handed over at ticks. Two slices take turns, so that nothing is allocated.
type wantedList struct {
	seen        map[schema.Addr]struct{}
	list, spare []schema.Addr
}

func newWantedList() *wantedList { return &wantedList{seen: map[schema.Addr]struct{}{}} }

// add returns false when a is not in the list and there is no room for it.
func (w *wantedList) add(a schema.Addr) bool {
	if _, known := w.seen[a]; known {
		return true
	}
	if len(w.list) == maxWanted {
		return false
	}
	w.seen[a] = struct{}{}
	w.list = append(w.list, a)
	return true
}

func (w *wantedList) drain() []schema.Addr {
	out := w.list
	w.list, w.spare = w.spare[:0], out
	clear(w.seen)
	return out
}

type portKey struct {
	agent schema.Addr
	index uint32
}

// portTexts is what the functions node, ifname and link show of an interface; nil texts are not known.
type portTexts struct {
	node, label, link []byte
	side              Side
}

// port returns what the World knows of an interface, resolved once per change of names or topology. Index 0 stands
// for the exporter as a whole.
func (l *Lane) port(agent schema.Addr, index uint32) *portTexts {
	key := portKey{agent, index}
	if p := l.ports[key]; p != nil {
		return p
	}
	if len(l.ports) >= maxPortCache {
		clear(l.ports)
	}
	p := l.resolvePort(agent, index)
	l.ports[key] = p
	return p
}

func (l *Lane) resolvePort(agent schema.Addr, index uint32) *portTexts {
	w, p := l.world, &portTexts{}
	if index == 0 {
		if nodes := w.nodesOf(agent); len(nodes) == 1 {
			p.node = []byte(nodes[0])
		}
	} else {
		place, ok := w.PlaceOf(agent, index)
		if ok {
			p.node = []byte(place.Node)
		}
		p.label = textOrNil(place.Port)
		if p.label == nil {
			p.label = textOrNil(w.PortLabel(agent, index))
		}
		if end, ok := w.LinkOf(agent, index); ok {
			p.link = []byte(end.Link)
		}
		p.side = w.Side(schema.Source{Exporter: agent, Class: classInterface, Index: index})
	}
	if p.node == nil {
		p.node = textOrNil(w.HostName(agent))
	}
	return p
}

func textOrNil(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// addr reads an address out of a value; text that is an address counts as one.
func (l *Lane) addr(v *schema.Value) (schema.Addr, bool) {
	if v.Type != schema.Text {
		return v.Addr()
	}
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	if len(v.B) == 0 || len(v.B) > longest {
		return schema.Addr{}, false
	}
	a, known := l.texts[string(v.B)]
	if !known {
		if len(l.texts) >= maxTextCache {
			clear(l.texts)
		}
		a, _ = schema.ParseAddr(string(v.B)) // no address: remembered as the zero one
		l.texts[string(v.B)] = a
	}
	return a, !a.IsZero()
}
