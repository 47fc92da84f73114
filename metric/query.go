package metric

import (
	"slices"

	"weir/schema"
)

// Query asks a View (spec sflow-rt 5.5 to 5.7). The table that it asks has a row for each datasource and a column for
// each metric and each flow definition.
type Query struct {
	Agents Selector
	Names  []string            // with prefixes and datasources, as the method documents
	Filter map[string][]string // see CompileFilter
	At     schema.Instant      // now; 0 = the instant of the view
	Flows  Columns             // nil when there are no flow definitions
	Topology

	// Max bounds the records of Dump and the rows of TableRows; 0 takes 100,000.
	Max int
}

// Columns returns the cells of a flow definition in canonical order of their sources; known is false when there is
// none of that name.
type Columns func(name string) (cells []FlowCell, known bool)

// defaultMax is the default of Query.Max.
const defaultMax = 100_000

// place is one selected row of the table.
type place struct {
	source schema.Source
	leaf   *leaf // nil when only flow definitions know the datasource
	host   *leaf // of its exporter, nil when not known
}

// datum is one selected cell.
type datum struct {
	source schema.Source
	at     schema.Instant
	value  Value
	flow   *FlowCell // nil for what readings told
}

// asking is one query at work.
type asking struct {
	view    *View
	query   *Query
	at      schema.Instant
	columns []column
	found   []finder                      // by column
	flows   []map[schema.Source]*FlowCell // by column; nil when it is no flow definition
	places  []place
}

// finder remembers where a name was in the shape looked at last: most rows in a run have the same.
type finder struct {
	shape  *shape
	column int // -1 when the shape has no such name
}

// ask prepares a query: it parses the names, and selects the rows in canonical order.
func (v *View) ask(q *Query) *asking {
	if v == nil {
		v = &View{expire: defaultExpire}
	}
	k := &asking{view: v, query: q, at: q.At}
	if k.at == 0 {
		k.at = v.at
	}
	k.columns = make([]column, len(q.Names))
	k.found = make([]finder, len(q.Names))
	k.flows = make([]map[schema.Source]*FlowCell, len(q.Names))
	var strangers []schema.Source
	for i, n := range q.Names {
		k.columns[i] = parseColumn(n)
		strangers = k.column(i, strangers)
	}
	k.selectPlaces(strangers)
	return k
}

// column finds the cells of column i if it is a flow definition, and adds sources without readings to strangers.
func (k *asking) column(i int, strangers []schema.Source) []schema.Source {
	if k.query.Flows == nil {
		return strangers
	}
	cells, known := k.query.Flows(k.columns[i].name)
	if !known {
		return strangers
	}
	k.flows[i] = make(map[schema.Source]*FlowCell, len(cells))
	for j := range cells {
		c := &cells[j]
		k.flows[i][c.Source] = c
		if k.view.agent(c.Source.Exporter).leaf(c.Source) == nil {
			strangers = append(strangers, c.Source)
		}
	}
	return strangers
}

// selectPlaces selects rows by agents and filter; strangers are sources that have flow metrics only.
func (k *asking) selectPlaces(strangers []schema.Source) {
	q, filter := k.query, CompileFilter(k.query.Filter)
	k.view.agents(func(a *agent) bool {
		whole := q.Agents.whole(a.addr, a.name, &q.Topology)
		for _, l := range a.leaves {
			if whole || q.Agents.part(l.source, &q.Topology) {
				k.add(place{l.source, l, a.host}, filter)
			}
		}
		return true
	})
	if len(strangers) == 0 {
		return
	}
	slices.SortFunc(strangers, compareSource)
	keep := q.Agents.Keep(k.view, q.Topology)
	for _, s := range slices.Compact(strangers) {
		if keep(s) {
			p := place{source: s}
			if a := k.view.agent(s.Exporter); a != nil {
				p.host = a.host
			}
			k.add(p, filter)
		}
	}
	slices.SortStableFunc(k.places, func(a, b place) int { return compareSource(a.source, b.source) })
}

// add adds a row when it passes the filter.
func (k *asking) add(p place, f *Filter) {
	if f != nil {
		for i := range f.terms {
			t := &f.terms[i]
			v := k.named(p.leaf, t.name).value
			if v.IsZero() {
				v = k.named(p.host, t.name).value
			}
			if !t.match(v) {
				return
			}
		}
	}
	k.places = append(k.places, p)
}

// named returns the live cell of a name in a leaf that may be nil.
func (k *asking) named(l *leaf, name string) cell { return l.named(name, k.at, k.view.expire) }

// cell returns the value of column i in a row itself, not that of its host; false when there is none.
func (k *asking) cell(i int, p *place) (datum, bool) {
	c := &k.columns[i]
	if c.placed && (c.class != p.source.Class || c.index != p.source.Index) {
		return datum{}, false
	}
	if k.flows[i] != nil {
		f := k.flows[i][p.source]
		if f == nil {
			return datum{}, false
		}
		d := datum{source: p.source, at: f.Last, value: Num(f.Value), flow: f}
		return d, !d.value.IsZero()
	}
	if p.leaf == nil {
		return datum{}, false
	}
	f := &k.found[i]
	if f.shape != p.leaf.shape {
		*f = finder{p.leaf.shape, -1}
		if col, ok := f.shape.index[c.name]; ok {
			f.column = col
		}
	}
	if f.column < 0 {
		return datum{}, false
	}
	x := p.leaf.live(f.column, k.at, k.view.expire)
	return datum{p.source, x.at, x.value, nil}, !x.value.IsZero()
}

// record returns one cell as an answer under its bare name.
func (k *asking) record(name string, d *datum) Record {
	r := Record{MetricName: name, MetricValue: d.value, Source: d.source, LastUpdate: new(age(k.at, d.at))}
	r.Agent = wholeNetwork
	if !d.source.Exporter.IsZero() {
		r.Agent = d.source.Exporter.String()
	}
	r.DataSource = d.source.Datasource()
	if d.flow != nil {
		r.MetricError = d.flow.Error
		r.TopKeys = k.topKeys(d.flow.Top)
	}
	return r
}

// topKeys copies keys with their ages.
func (k *asking) topKeys(top []TopKey) []TopKey {
	out := slices.Clone(top)
	for i := range out {
		out[i].LastUpdate = age(k.at, out[i].Last)
	}
	return out
}

// limit is Query.Max or its default.
func (q *Query) limit() int {
	if q.Max > 0 {
		return q.Max
	}
	return defaultMax
}

// Metric summarises each name over the selected rows: one record for each of Query.Names, in that order. Names may
// have a statistics prefix (max: is the default) and a datasource: "sum:ifinoctets", "max:10.ifinoctets".
func (v *View) Metric(q *Query) []Record {
	k := v.ask(q)
	out := make([]Record, len(k.columns))
	var all []datum
	for i := range k.columns {
		all = all[:0]
		for j := range k.places {
			if d, ok := k.cell(i, &k.places[j]); ok {
				all = append(all, d)
			}
		}
		out[i] = k.summary(&k.columns[i], all)
	}
	return out
}

// Dump lists single cells of the selected rows; cells without a value are skipped. The name ALL stands for all metrics
// that readings told. Rows are in canonical order: exporter, class, index. more tells that there were more than
// Query.Max.
func (v *View) Dump(q *Query) (records []Record, more bool) {
	k := v.ask(q)
	out, limit := []Record{}, q.limit()
	for j := range k.places {
		p := &k.places[j]
		for i := range k.columns {
			if k.columns[i].asked == "ALL" {
				out = k.dumpRow(out, p, limit+1)
			} else if d, ok := k.cell(i, p); ok {
				out = append(out, k.record(k.columns[i].name, &d))
			}
			if len(out) > limit {
				return out[:limit], true
			}
		}
	}
	return out, false
}

// dumpRow appends all cells of a row, up to limit records in all.
func (k *asking) dumpRow(out []Record, p *place, limit int) []Record {
	if p.leaf == nil {
		return out
	}
	for c, n := range p.leaf.shape.names {
		if len(out) >= limit {
			break
		}
		if x := p.leaf.live(c, k.at, k.view.expire); !x.value.IsZero() {
			out = append(out, k.record(n, &datum{p.source, x.at, x.value, nil}))
		}
	}
	return out
}
