package sflowrt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"weir/engine"
	"weir/flow"
	"weir/metric"
)

// Scrape configurations for sFlow-RT ask for the paths of its application "prometheus" (acceptance check G89). They are
// answered here although there are no applications: nothing asks for /app/prometheus/status, which stays 404.

// The defaults of a scrape, which are not those of a definition that is put.
const (
	scrapeN        = 10
	scrapeT        = 15.0 // seconds
	scrapeMaxFlows = 20
	scrapeMinValue = 0.1
)

// scrapeFS joins the values of keys of scraped flows. Texts in traffic hardly ever have this byte.
const scrapeFS = "\x1f"

func prometheusAppRoutes() []route {
	const app = "/app/prometheus/scripts/export.js/"
	return []route{
		{Route{Method: "GET", Path: app + "flows/{agents}/txt", Text: true,
			Example: app + "flows/ALL/txt?metric=pair&key=ipsource&key=ipdestination&value=bytes&label=src" +
				"&label=dst&scale=8",
			Doc: "The largest flows in the Prometheus text format, largest first. The first scrape defines them and " +
				"so gets none; 10 minutes after the last scrape the definition is dropped. At most 100 are kept, " +
				"more get 503; a read-only server answers 403.",
			Query: []Parameter{
				{Name: "metric", Doc: "name of the metric"},
				{Name: "key", Many: true, Doc: "key expression, or several separated by comma"},
				{Name: "value", Doc: "numeric attribute to accumulate"},
				{Name: "label", Many: true, Doc: "name for the key in the same place; default the expression itself"},
				{Name: "filter", Doc: "filter expression"},
				{Name: "n", Number: true, Doc: "flows that each datasource keeps, default 10"},
				{Name: "t", Number: true, Doc: "smoothing time constant in seconds, default 15"},
				{Name: "dropped", Doc: "true: flows of discarded packets"},
				{Name: "aggMode", Doc: "max, sum, edge or core; default max, of discarded packets sum"},
				{Name: "maxFlows", Number: true, Doc: "most flows in the answer, default 20"},
				{Name: "minValue", Number: true, Doc: "smallest value in the answer before scale, default 0.1"},
				{Name: "scale", Number: true, Doc: "what values are multiplied by, default 1"},
			}}, (*call).scrapeFlows},
		{Route{Method: "GET", Path: app + "statistics/{group}/{agents}/{names}/txt", Text: true,
			Example: app + "statistics/lab/ALL/max:load_one,sum:ifinoctets/txt", Query: filterParameters(),
			Doc: "Each numeric metric summarised over the selected datasources, in the Prometheus text format.",
		}, (*call).scrapeStatistics},
	}
}

func (c *call) scrapeFlows() error {
	name := strings.TrimSpace(c.query.Get("metric"))
	if name == "" {
		return missing("metric", "name the metric, as in metric=pair")
	}
	d, keys, err := c.scraped()
	if err != nil {
		return err
	}
	labels, err := labelNames(keys, c.query["label"])
	if err != nil {
		return err
	}
	fallback := flow.ModeMax
	if d.Dropped {
		fallback = flow.ModeSum
	}
	mode, err := c.mode(fallback)
	if err != nil {
		return err
	}
	if err := c.scrapes.follow(d, c.mayDefine); err != nil {
		return refusedScrape(c, err)
	}
	found, err := c.view.Flow.Active(flow.Query{
		Definition: d.Name, Keep: c.keep(), Max: c.count("maxFlows", scrapeMaxFlows),
		Min: c.number("minValue", scrapeMinValue), Mode: mode,
	})
	// A definition that is not in the view yet comes with the next tick.
	if err != nil && !errors.Is(err, flow.ErrUnknownDefinition) {
		return err
	}
	return c.exposeFlows(strings.ReplaceAll(name, ":", "_"), labels, found)
}

// exposeFlows answers with a line for each flow. One whose key does not come apart into as many values as there are
// labels has the separator in a value: it is left out, and the answer says that it is not whole.
func (c *call) exposeFlows(name string, labels []string, found []flow.Active) error {
	e, scale := c.exposition(), c.number("scale", 1)
	e.prefix = "" // the scraper names the metric in full
	pairs := make([]string, 2*len(labels))
	for i := range found {
		values := strings.Split(found[i].Key, scrapeFS)
		if len(values) != len(labels) {
			c.cut(true)
			continue
		}
		for j := range labels {
			pairs[2*j], pairs[2*j+1] = labels[j], values[j]
		}
		e.sample(name, found[i].Value*scale, pairs...)
	}
	return c.answerExposition(e)
}

// scraped returns the definition, complete, that a scrape asks for, and its keys. The name follows from the rest, so
// that scrapes of the same flows share it, also after a restart.
func (c *call) scraped() (d *flow.Definition, keys []string, err error) {
	if keys = splitList(strings.Join(c.query["key"], ",")); len(keys) == 0 {
		return nil, nil, missing("key", "name what tells flows apart, as in key=ipsource&key=ipdestination")
	}
	d = &flow.Definition{
		Name: "prometheus", Keys: strings.Join(keys, ","), Value: c.query.Get("value"), Filter: c.query.Get("filter"),
		N: c.count("n", scrapeN), T: c.number("t", scrapeT), FS: scrapeFS,
		Dropped: strings.EqualFold(c.query.Get("dropped"), "true"),
	}
	if err := d.Complete(); err != nil {
		return nil, nil, invalid(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, nil, badRequest("query", "%v", err)
	}
	sum := sha256.Sum256(text)
	d.Name = "prometheus_" + hex.EncodeToString(sum[:8])
	return d, keys, nil
}

// labelNames returns the names of the labels of keys: those given, and where there is none the key expression. A line
// with the same label twice would make a scraper refuse all of them.
func labelNames(keys, given []string) ([]string, error) {
	given = strings.Split(strings.Join(given, ","), ",")
	names, taken := make([]string, len(keys)), map[string]bool{}
	for i, k := range keys {
		if i < len(given) && strings.TrimSpace(given[i]) != "" {
			k = strings.TrimSpace(given[i])
		}
		names[i] = metricName(strings.ReplaceAll(k, ":", "_"))
		if taken[names[i]] {
			p := badRequest("label", "two keys have the label %s", shorten(names[i]))
			p.Hint = "give each key a label of its own"
			return nil, p
		}
		taken[names[i]] = true
	}
	return names, nil
}

// mayDefine tells whether this request may put a definition in force, which is a change although it is a GET: not on a
// read-only server, and not for a page of another site, which the browser of an operator would ask in his name.
func (c *call) mayDefine() error {
	if c.options.ReadOnly {
		return &problem{status: http.StatusForbidden, Message: "this server is read-only",
			Hint: "put a flow definition in its configuration and scrape /prometheus/metrics/ALL/NAME/txt"}
	}
	if c.r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return &problem{status: http.StatusForbidden, Message: "a page of another origin may not define flows"}
	}
	return nil
}

func missing(parameter, hint string) *problem {
	p := badRequest(parameter, "%s: missing", parameter)
	p.Hint = hint
	return p
}

// refusedScrape makes a problem of an error of follow, in the words of the query.
func refusedScrape(c *call, err error) error {
	if p := (*problem)(nil); errors.As(err, &p) {
		return p
	}
	p := invalid(err)
	switch {
	case errors.Is(err, engine.ErrTooMany):
		p.status = http.StatusServiceUnavailable
		c.w.Header().Set("Retry-After", "600")
	case p.Field == "keys":
		p.Field = "key"
	}
	return p
}

func (c *call) scrapeStatistics() error {
	q, err := c.ask()
	if err != nil {
		return err
	}
	e, group, written := c.exposition(), c.r.PathValue("group"), map[string]bool{}
	for _, r := range c.view.Metric.Metric(q) {
		name := strings.ReplaceAll(r.MetricName, ":", "_")
		if r.MetricValue.Form != metric.Number || written[metricName(name)] {
			continue
		}
		written[metricName(name)] = true
		e.sample(name, r.MetricValue.Number, "group", group)
	}
	return c.answerExposition(e)
}
