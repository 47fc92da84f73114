package sflowrt

import (
	"slices"

	"weir/flow"
	"weir/metric"
	"weir/schema"
)

// metricNames answers with ages of 1 ms or more, because pages take 0 for a metric that is not there.
func (c *call) metricNames() error {
	names := c.view.Metric.Names(c.view.At)
	for _, d := range c.view.Flow.Definitions() {
		c.view.Flow.Sources(d.Name, c.view.At,
			func(_ schema.Source, _, _ float64, last schema.Instant, _ []flow.Active) bool {
				age := c.age(last)
				if old, ok := names[d.Name]; !ok || age < old {
					names[d.Name] = age
				}
				return true
			})
	}
	for name, age := range names {
		names[name] = max(age, 1)
	}
	return c.json(names)
}

func (c *call) agentMetrics() error {
	text := c.r.PathValue("agent")
	unknown := notFound("agent", text, "/agents/json lists them")
	addr, ok := c.agent(text)
	if !ok {
		return unknown
	}
	values := c.view.Metric.Agent(addr, c.view.At)
	if values == nil {
		if c.view.Exporter(addr) == nil {
			return unknown
		}
		values = map[string]metric.Value{}
	}
	for _, d := range c.view.Flow.Definitions() {
		c.view.Flow.Sources(d.Name, c.view.At,
			func(src schema.Source, value, _ float64, _ schema.Instant, _ []flow.Active) bool {
				if src.Exporter == addr {
					// The same number in several observation domains: the largest, as everywhere.
					name := src.Datasource() + "." + d.Name
					values[name] = metric.Num(max(value, values[name].Number))
				}
				return true
			})
	}
	return c.json(values)
}

const (
	maxNames = 1000      // in one query
	maxRows  = 100_000   // in one answer
	maxCells = 1_000_000 // in one answer
)

// ask returns the query of a path with {agents} and {names}. Its filter is every parameter that has no other meaning.
func (c *call) ask() (*metric.Query, error) {
	q := &metric.Query{
		Agents: c.selector(), Names: metric.SplitNames(c.r.PathValue("names")), At: c.view.At, Flows: c.view.FlowColumn,
		Topology: c.view.Topology(),
	}
	if n := len(q.Names); n == 0 || n > maxNames {
		return nil, badRequest("names", "%d names of metrics; ask for 1 to %d", n, maxNames)
	}
	for name, patterns := range c.query {
		// Browsers' scripts add _ to get past caches.
		if name == "" || name == "_" {
			continue
		}
		if q.Filter == nil {
			q.Filter = map[string][]string{}
		}
		q.Filter[name] = patterns
	}
	return q, nil
}

func (c *call) metric() error {
	q, err := c.ask()
	if err != nil {
		return err
	}
	return c.json(c.view.Metric.Metric(q))
}

func (c *call) dump() error {
	q, err := c.ask()
	if err != nil {
		return err
	}
	q.Names = c.expand(q.Names)
	records, more := c.view.Metric.Dump(q)
	c.cut(more)
	return c.json(records)
}

// allNames is the name that stands for every metric, in a dump.
const allNames = "ALL"

// expand makes ALL stand for flow definitions too, which are metrics like those that exporters send.
func (c *call) expand(names []string) []string {
	if !slices.Contains(names, allNames) {
		return names
	}
	names = []string{allNames}
	for _, d := range c.view.Flow.Definitions() {
		names = append(names, d.Name)
	}
	return names
}

func (c *call) table() error {
	q, err := c.ask()
	if err != nil {
		return err
	}
	q.Max = min(maxRows, maxCells/len(q.Names))
	rows, more := c.view.Metric.TableRows(q)
	c.cut(more)
	return c.json(rows)
}

// cut says in a header that an answer has not everything that was asked for.
func (c *call) cut(more bool) {
	if more {
		c.w.Header().Set("X-Truncated", "true")
	}
}
