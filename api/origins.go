package api

import (
	"sync"

	"weir/engine"
	"weir/flow"
)

// The words for where a definition came from.
const (
	OriginConfig  = "config"  // the configuration file
	OriginDefault = "default" // in force unless the configuration says otherwise
	OriginConsole = "console" // the definition editor
	OriginREST    = "rest"    // some program: what nobody said otherwise of
)

// origins remembers where definitions came from. It is bounded by the definitions in force.
type origins struct {
	mu    sync.Mutex
	known map[string]origin
}

// origin is where one definition came from. It holds for that very definition: one of the same name that was put in
// force by other ways later is not it.
type origin struct {
	word string
	of   *flow.Definition
}

// mark notes where the definitions of these names came from that are in force now.
func (o *origins) mark(s *engine.State, word string, names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		if d := s.Flow(name); d != nil {
			o.known[name] = origin{word, d}
		}
	}
	if len(o.known) > 2*len(s.Flows)+16 {
		for name, known := range o.known {
			if s.Flow(name) != known.of {
				delete(o.known, name)
			}
		}
	}
}

// of returns where a definition came from.
func (o *origins) of(d *flow.Definition) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.known[d.Name]; ok && known.of == d {
		return known.word
	}
	return OriginREST
}

// Mark notes that the definitions of these names, which the engine was asked for before, came from the configuration
// file (OriginConfig) or are the standing ones (OriginDefault).
func (s *Server) Mark(origin string, names ...string) {
	s.origins.mark(s.engine.State(), origin, names...)
}
