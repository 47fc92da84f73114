package engine

import (
	"cmp"
	"slices"

	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/wire"
)

// View is the live world as of one tick. It never changes once published; any number of goroutines may read it.
type View struct {
	Seq       uint64
	At        schema.Instant
	State     *State // in force at that tick
	Flow      *flow.View
	Metric    *metric.View
	Seen      flow.Sightings // attributes of records, when last seen
	Exporters []wire.Exporter
	Latched   []*event.Latched    // thresholds that are crossed
	Books     wire.Books          // of all lanes together
	Counts    []Counts            // by lane
	Unknown   []wire.UnknownCount // structures stepped over by their length, by number
	LogMissed uint64              // logged flows that lanes had no room for
	// DistinctFull counts values that count: had no room for.
	DistinctFull uint64
	FlowKeys     int   // active flows, all lanes
	FlowBytes    int   // memory of the flow tables, about
	Failed       error // a lane could not take the definitions in force: a bug
}

// Triggered tells whether a threshold is crossed now; see event.Latched.
func (v *View) Triggered(threshold string, exporter schema.Addr, metric, key string, hasKey bool) bool {
	for _, l := range v.Latched {
		if l.Triggered(threshold, exporter, metric, key, hasKey) {
			return true
		}
	}
	return false
}

// Side returns where a datasource lies in the topology, in the words of package flow.
func (v *View) Side(src schema.Source) flow.Side {
	switch v.State.World.Side(src) {
	case enrich.SideEdge:
		return flow.Edge
	case enrich.SideCore:
		return flow.Core
	}
	return flow.NoSide
}

// Topology returns what package metric wants to know of the topology.
func (v *View) Topology() metric.Topology {
	w := v.State.World
	return metric.Topology{
		Side: func(src schema.Source) metric.Side {
			switch w.Side(src) {
			case enrich.SideEdge:
				return metric.Edge
			case enrich.SideCore:
				return metric.Core
			}
			return metric.Nowhere
		},
		Node: func(a schema.Addr) bool { return w.Graph() != nil && w.NodeOf(a) != "" },
	}
}

// Keep returns which places a selector of exporters selects, nil when it is all.
func (v *View) Keep(s metric.Selector) func(schema.Source) bool {
	return s.Keep(v.Metric, v.Topology())
}

// FlowColumn returns a flow definition as a column of the table of metrics (spec sflow-rt 5.2).
func (v *View) FlowColumn(name string) (rows []metric.FlowCell, known bool) {
	if v.Flow.Definition(name) == nil {
		return nil, false
	}
	v.Flow.Sources(name, v.At, func(src schema.Source, value, stderr float64, last schema.Instant,
		top []flow.Active) bool {
		cell := metric.FlowCell{Source: src, Value: value, Error: stderr, Last: last}
		for i := range top {
			a := &top[i]
			cell.Top = append(cell.Top, metric.TopKey{
				Key: a.Key, Value: a.Value, Error: a.Error, Values: a.Values, Last: a.Last,
			})
		}
		rows = append(rows, cell)
		return true
	})
	return rows, true
}

// Exporter returns the books of an exporter, nil when it is not known. Several observation domains of one exporter
// are in it together.
func (v *View) Exporter(a schema.Addr) *wire.Exporter {
	i, ok := slices.BinarySearchFunc(v.Exporters, a, func(x wire.Exporter, a schema.Addr) int {
		return x.Address.Compare(a)
	})
	if !ok {
		return nil
	}
	return &v.Exporters[i]
}

func sortExporters(all []wire.Exporter) {
	slices.SortFunc(all, func(a, b wire.Exporter) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Kind, b.Kind))
	})
}
