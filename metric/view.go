package metric

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"weir/schema"
)

// leaf is one datasource in a view. It never changes.
type leaf struct {
	source schema.Source
	shape  *shape
	cells  []cell
}

// agent is one exporter in a view. It never changes.
type agent struct {
	addr   schema.Addr
	leaves []*leaf // in the order of compareSource
	host   *leaf   // the physical entity, nil when not known
	name   string  // host name, empty when not known
}

// Partial is what changed in one table between two calls of Advance.
type Partial struct {
	Counts Counts // of all readings so far, not only since the partial before

	expire time.Duration
	leaves []*leaf
	gone   []schema.Source
}

// View is what all exporters say of themselves, as of one tick. It never changes; a nil View is an empty one.
type View struct {
	at     schema.Instant
	expire time.Duration
	chunks []chunk // in the order of their exporters
}

// chunk is a run of exporters; chunks are what views share.
type chunk []*agent

// chunkSize is how many exporters a chunk has at most: small enough to copy for one change, large enough that the list
// of chunks is short.
const chunkSize = 128

// compareSource orders datasources by exporter, class, index and domain: the ports of a device in natural order.
func compareSource(a, b schema.Source) int {
	return cmp.Or(a.Exporter.Compare(b.Exporter), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Index, b.Index),
		cmp.Compare(a.Domain, b.Domain))
}

// change is a datasource that a view must replace, or drop when leaf is nil.
type change struct {
	source schema.Source
	leaf   *leaf
}

// Merge returns the view after prev (nil at first) at an instant, with what changed in parts; nil parts are passed
// over. A datasource should be in one table only; when several tell of it, the last of parts wins. What did not change
// is shared with prev.
func Merge(prev *View, at schema.Instant, parts []*Partial) *View {
	next := &View{at: at, expire: defaultExpire}
	if prev != nil {
		next.expire, next.chunks = prev.expire, prev.chunks
	}
	var changes []change
	for _, p := range parts {
		if p == nil {
			continue
		}
		next.expire = p.expire
		for _, s := range p.gone {
			changes = append(changes, change{source: s})
		}
		for _, l := range p.leaves {
			changes = append(changes, change{l.source, l})
		}
	}
	if len(changes) > 0 {
		slices.SortStableFunc(changes, func(a, b change) int { return compareSource(a.source, b.source) })
		next.chunks = mergeChunks(next.chunks, changes)
	}
	return next
}

// mergeChunks returns chunks with sorted changes; chunks without any are shared.
func mergeChunks(old []chunk, changes []change) []chunk {
	out := make([]chunk, 0, len(old)+1)
	for i := 0; i < max(len(old), 1); i++ {
		var c chunk
		n := len(changes)
		if i < len(old) {
			c = old[i]
		}
		if i+1 < len(old) {
			from := old[i+1][0].addr
			n = sort.Search(n, func(j int) bool { return changes[j].source.Exporter.Compare(from) >= 0 })
		}
		if n == 0 {
			out = append(out, c)
			continue
		}
		c, changes = mergeAgents(c, changes[:n]), changes[n:]
		for len(c) > chunkSize {
			out, c = append(out, c[:chunkSize/2:chunkSize/2]), c[chunkSize/2:]
		}
		if len(c) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// mergeAgents returns c with sorted changes; exporters without any are shared.
func mergeAgents(c chunk, changes []change) chunk {
	out := make(chunk, 0, len(c)+1)
	for len(c) > 0 || len(changes) > 0 {
		if len(changes) == 0 || len(c) > 0 && c[0].addr.Compare(changes[0].source.Exporter) < 0 {
			out, c = append(out, c[0]), c[1:]
			continue
		}
		addr, n := changes[0].source.Exporter, 1
		for n < len(changes) && changes[n].source.Exporter == addr {
			n++
		}
		var leaves []*leaf
		if len(c) > 0 && c[0].addr == addr {
			leaves, c = c[0].leaves, c[1:]
		}
		if leaves = mergeLeaves(leaves, changes[:n]); len(leaves) > 0 {
			out = append(out, newAgent(addr, leaves))
		}
		changes = changes[n:]
	}
	return out
}

// mergeLeaves returns old with sorted changes, of which the last counts when several are of one datasource.
func mergeLeaves(old []*leaf, changes []change) []*leaf {
	out := make([]*leaf, 0, len(old)+len(changes))
	for i, c := range changes {
		if i+1 < len(changes) && changes[i+1].source == c.source {
			continue
		}
		for len(old) > 0 && compareSource(old[0].source, c.source) < 0 {
			out, old = append(out, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].source == c.source {
			old = old[1:]
		}
		if c.leaf != nil {
			out = append(out, c.leaf)
		}
	}
	return append(out, old...)
}

// newAgent returns an exporter; it keeps leaves.
func newAgent(addr schema.Addr, leaves []*leaf) *agent {
	a := &agent{addr: addr, leaves: leaves}
	for _, l := range leaves {
		if l.source.Class == classHost {
			a.host = l
			if c, ok := l.shape.index["host_name"]; ok {
				a.name = l.cells[c].value.Text
			}
			break
		}
	}
	return a
}

// agent returns the exporter of an address, or nil.
func (v *View) agent(addr schema.Addr) *agent {
	if v == nil {
		return nil
	}
	i := sort.Search(len(v.chunks), func(i int) bool { return v.chunks[i][0].addr.Compare(addr) > 0 }) - 1
	if i < 0 {
		return nil
	}
	c := v.chunks[i]
	j, ok := slices.BinarySearchFunc(c, addr, func(a *agent, b schema.Addr) int { return a.addr.Compare(b) })
	if !ok {
		return nil
	}
	return c[j]
}

// leaf returns a datasource of a, which may be nil, or nil.
func (a *agent) leaf(src schema.Source) *leaf {
	if a == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(a.leaves, src, func(l *leaf, s schema.Source) int {
		return compareSource(l.source, s)
	})
	if !ok {
		return nil
	}
	return a.leaves[i]
}

// agents calls yield for every exporter in order of address.
func (v *View) agents(yield func(*agent) bool) {
	if v == nil {
		return
	}
	for _, c := range v.chunks {
		for _, a := range c {
			if !yield(a) {
				return
			}
		}
	}
}

// live returns the cell of a column when it has a value that still counts, else an absent one.
func (l *leaf) live(c int, at schema.Instant, expire time.Duration) cell {
	if x := l.cells[c]; !x.value.IsZero() && at.Sub(x.at) <= expire {
		return x
	}
	return cell{}
}

// named is live for the column of a name; l may be nil.
func (l *leaf) named(name string, at schema.Instant, expire time.Duration) cell {
	if l == nil {
		return cell{}
	}
	c, ok := l.shape.index[name]
	if !ok {
		return cell{}
	}
	return l.live(c, at, expire)
}

// At returns the instant of the tick that made v.
func (v *View) At() schema.Instant {
	if v == nil {
		return 0
	}
	return v.at
}

// Known tells whether the exporter has any datasource with metrics.
func (v *View) Known(addr schema.Addr) bool { return v.agent(addr) != nil }

// Host returns the host name of an exporter, as host_descr told it; empty when not known.
func (v *View) Host(addr schema.Addr) string {
	if a := v.agent(addr); a != nil {
		return a.name
	}
	return ""
}

// Hosts calls yield with the address and host name (empty when not known) of every exporter, in order of address.
func (v *View) Hosts(yield func(addr schema.Addr, host string) bool) {
	v.agents(func(a *agent) bool { return yield(a.addr, a.name) })
}

// Sources calls yield for every datasource in canonical order: exporter, class, index, domain.
func (v *View) Sources(yield func(schema.Source) bool) {
	v.agents(func(a *agent) bool {
		for _, l := range a.leaves {
			if !yield(l.source) {
				return false
			}
		}
		return true
	})
}

// Value returns the value of a metric of a datasource at an instant and when it was refreshed; ok is false when there
// is none.
func (v *View) Value(src schema.Source, name string, at schema.Instant) (x Value, last schema.Instant, ok bool) {
	l := v.agent(src.Exporter).leaf(src)
	if l == nil {
		return Value{}, 0, false
	}
	c := l.named(name, at, v.expire)
	return c.value, c.at, !c.value.IsZero()
}

// Names returns all names of metrics that have a value, with the milliseconds since the last refresh of any. The map
// belongs to the caller.
func (v *View) Names(at schema.Instant) map[string]int64 {
	last := map[string]schema.Instant{}
	v.agents(func(a *agent) bool {
		for _, l := range a.leaves {
			for c, n := range l.shape.names {
				if x := l.live(c, at, v.expire); !x.value.IsZero() && x.at > last[n] {
					last[n] = x.at
				}
			}
		}
		return true
	})
	ages := make(map[string]int64, len(last))
	for n, t := range last {
		ages[n] = age(at, t)
	}
	return ages
}

// Agent returns all metrics of one exporter as "DATASOURCE.NAME", for example "2.1.host_name"; nil when the exporter
// is not known. The map belongs to the caller.
func (v *View) Agent(addr schema.Addr, at schema.Instant) map[string]Value {
	a := v.agent(addr)
	if a == nil {
		return nil
	}
	all := map[string]Value{}
	var b []byte
	for _, l := range a.leaves {
		b = append(l.source.AppendDatasource(b[:0]), '.')
		for c, n := range l.shape.names {
			if x := l.live(c, at, v.expire); !x.value.IsZero() {
				all[string(append(b, n...))] = x.value
			}
		}
	}
	return all
}

// age returns the milliseconds from then to now, never negative.
func age(now, then schema.Instant) int64 { return max(now.Sub(then).Milliseconds(), 0) }
