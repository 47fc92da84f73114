package event

import (
	"cmp"
	"strconv"
	"strings"

	"weir/schema"
)

// Latched is what is latched in one Watch at one moment. It never changes.
type Latched struct {
	instances map[instance]bool // true; for the bare name of a threshold, whether it is by flow
}

// instance names a latch the way that clients ask for it: without the domain of the source.
type instance struct {
	threshold string
	exporter  schema.Addr
	class     uint8
	index     uint32
	key       string
	anyKey    bool // key does not count
}

// Latched returns what is latched now. The same is returned until something changes.
func (w *Watch) Latched() *Latched {
	if w.latched != nil {
		return w.latched
	}
	w.latched = &Latched{instances: make(map[instance]bool, len(w.latches))}
	for k, l := range w.latches {
		i := instance{k.rule.Name, k.source.Exporter, k.source.Class, k.source.Index, "", true}
		w.latched.instances[i] = true
		if l.byFlow {
			i.key, i.anyKey = l.event.Key, false
			w.latched.instances[i] = true
		}
		w.latched.instances[instance{threshold: k.rule.Name}] = k.rule.ByFlow
	}
	return w.latched
}

// Triggered tells whether an instance of a threshold is latched: at an exporter (the zero Addr for pools of the whole
// network) and a datasource written as "DATASOURCE.METRIC", for example "2.1.load_one". A key (as Event.Key) asks for
// one flow of a threshold by flow; without one, and of any other threshold, the datasource as a whole is meant.
func (l *Latched) Triggered(threshold string, exporter schema.Addr, metric, key string, hasKey bool) bool {
	if l == nil {
		return false
	}
	byFlow, some := l.instances[instance{threshold: threshold}]
	if !some {
		return false
	}
	class, index, ok := splitDatasource(metric)
	if !ok {
		return false
	}
	i := instance{threshold, exporter, class, index, "", true}
	if hasKey && byFlow {
		i.key, i.anyKey = key, false
	}
	return l.instances[i]
}

// splitDatasource reads the datasource in front of the last dot of "7.ifinoctets" or "2.1.load_one".
func splitDatasource(s string) (class uint8, index uint32, ok bool) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return 0, 0, false
	}
	c, i, two := strings.Cut(s[:dot], ".")
	if !two {
		c, i = "0", c
	}
	k, err := strconv.ParseUint(c, 10, 8)
	n, err2 := strconv.ParseUint(i, 10, 32)
	return uint8(k), uint32(n), err == nil && err2 == nil
}

// eventKey names an event before it has an ID.
type eventKey struct {
	at        schema.Instant
	threshold string
	source    schema.Source
	key       string
}

// key returns the name of e.
func (e *Event) key() eventKey { return eventKey{e.At, e.Threshold, e.Source, e.Key} }

// compareKeys orders events.
func compareKeys(a, b eventKey) int {
	s, o := a.source, b.source
	return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.threshold, b.threshold), s.Exporter.Compare(o.Exporter),
		cmp.Compare(s.Domain, o.Domain), cmp.Compare(s.Class, o.Class), cmp.Compare(s.Index, o.Index),
		strings.Compare(a.key, b.key))
}
