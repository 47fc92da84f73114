package export

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"weir/flow"
	"weir/schema"
	"weir/wire/netflow"
)

// defaultPort is the port of IPFIX over UDP (RFC 7011 section 10.3.4).
const defaultPort = 4739

// The families of the device that saw a flow; each has a template of its own, because a template cannot leave an
// address open.
const (
	noAgent = iota // seen by many: pooled network wide
	agent4
	agent6
	families
)

// layout is how the finished flows of one definition become data records.
type layout struct {
	def        *flow.Definition
	collectors []netip.AddrPort
	drop       Reason // why nothing of it can be sent, when it has no templates
	templates  [families]*netflow.Template
	columns    []column
	proto      uint8 // that the keys imply and do not tell; 0 none
	counters   []int // values that are sent: 0 is the value of the flow, n its further value n-1
	record     []schema.Value
}

// newLayout returns the layout of a definition that was completed. Without templates it is good for counting what
// cannot be sent.
func newLayout(d *flow.Definition, ids *identifiers) *layout {
	l := &layout{def: d, collectors: collectorsOf(d)}
	fields := l.fields()
	if len(l.columns) > 1 && !splits(d.FS) {
		l.drop = ReasonSeparator
		return l
	}
	id, ok := ids.take()
	if !ok {
		l.drop = ReasonTemplates
		return l
	}
	for family, agent := range [families][]netflow.Field{
		agent4: {{Element: 130, Length: 4}}, agent6: {{Element: 131, Length: 16}},
	} {
		t, err := netflow.NewTemplate(id+uint16(family), false, 0, slices.Concat(fields, agent)...)
		if err != nil {
			panic("BUG: export: " + err.Error())
		}
		l.templates[family] = t
	}
	return l
}

// collectorsOf returns the collectors of a definition, each once.
func collectorsOf(d *flow.Definition) (out []netip.AddrPort) {
	for _, s := range d.IPFIXCollectors {
		to, err := netip.ParseAddrPort(s)
		if err != nil {
			a, err := netip.ParseAddr(s)
			if err != nil {
				continue // package flow has refused it
			}
			to = netip.AddrPortFrom(a, defaultPort)
		}
		to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
		if !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

// fields sets out the columns and returns what all templates of the definition have.
func (l *layout) fields() []netflow.Field {
	fields := []netflow.Field{{Element: 152, Length: 8}, {Element: 153, Length: 8}} // flowStart, flowEndMilliseconds
	add := func(element, length uint16) (added bool) {
		f := netflow.Field{Element: element, Length: length}
		if slices.Contains(fields, f) {
			return false
		}
		fields = append(fields, f)
		return true
	}
	for key := range strings.SplitSeq(l.def.Keys, ",") {
		k, ok := knownKeys[strings.TrimSpace(key)]
		if !ok {
			continue // no keys at all: package flow has refused all others
		}
		l.columns = append(l.columns, column{known: k, repeated: !add(k.element, k.length)})
		l.proto = max(l.proto, k.proto)
	}
	if l.proto != 0 && !add(elementProtocol, 1) {
		l.proto = 0
	}
	for i, v := range append([]string{l.def.Value}, l.def.Values...) {
		element := uint16(1) // octetDeltaCount
		if strings.TrimSpace(v) == "frames" {
			element = 2 // packetDeltaCount
		}
		if add(element, 8) {
			l.counters = append(l.counters, i)
		}
	}
	return fields
}

// sameRecords tells whether the records of d have the templates of l.
func (l *layout) sameRecords(d *flow.Definition) bool {
	return l.def.Keys == d.Keys && l.def.FS == d.FS && l.def.Value == d.Value && slices.Equal(l.def.Values, d.Values)
}

// read returns the template and the values of a flow, which live until the next call; false when its keys cannot be
// read.
func (l *layout) read(f *flow.Logged) (*netflow.Template, []schema.Value, bool) {
	if !readKeys(l.columns, f.Keys, l.def.FS) {
		return nil, nil, false
	}
	r := append(l.record[:0], number(millis(f.Start)), number(millis(f.End)))
	for i := range l.columns {
		if c := &l.columns[i]; !c.repeated {
			r = append(r, c.value)
		}
	}
	if l.proto != 0 {
		r = append(r, number(uint64(l.proto)))
	}
	for _, i := range l.counters {
		switch {
		case i == 0:
			r = append(r, number(count(f.Value)))
		case i <= len(f.Values):
			r = append(r, number(count(f.Values[i-1])))
		default:
			r = append(r, number(0))
		}
	}
	family := noAgent
	switch a := &f.Source.Exporter; {
	case a.IsZero():
	case a.Is4():
		family, r = agent4, append(r, schema.Value{Type: schema.IPv4, B: a[12:]})
	default:
		family, r = agent6, append(r, schema.Value{Type: schema.IPv6, B: a[:]})
	}
	l.record = r
	return l.templates[family], r, true
}

func number(n uint64) schema.Value { return schema.Value{Type: schema.Uint, N: n} }

func millis(i schema.Instant) uint64 { return uint64(max(i.Millis(), 0)) }

// count makes a counter of a total.
func count(v float64) uint64 {
	switch {
	case !(v > 0): // NaN too
		return 0
	case v >= math.MaxUint64:
		return math.MaxUint64
	}
	return uint64(math.Round(v))
}

// firstID is the least id of a template (RFC 7011 section 3.4.3).
const firstID = 256

// blocks is how many layouts can have template ids at a time.
const blocks = (1<<16 - firstID) / families

// identifiers gives out template ids, one for each family at a time. An id that was given back is the last to be used
// again: over UDP a collector may hold its old meaning for long (RFC 7011 section 8.4).
type identifiers struct {
	next int
	used map[uint16]bool
}

// take returns the first of the ids of a layout; false when all are in use.
func (i *identifiers) take() (uint16, bool) {
	if len(i.used) >= blocks {
		return 0, false
	}
	for {
		id := uint16(firstID + families*(i.next%blocks))
		i.next++
		if !i.used[id] {
			i.used[id] = true
			return id, true
		}
	}
}

// release takes back what a layout has.
func (i *identifiers) release(l *layout) {
	if t := l.templates[noAgent]; t != nil {
		delete(i.used, t.ID)
	}
}
