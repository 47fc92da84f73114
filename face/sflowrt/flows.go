package sflowrt

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"weir/engine"
	"weir/enrich"
	"weir/flow"
	"weir/metric"
	"weir/schema"
)

// flowBody is the body of PUT /flow/NAME/json (spec sflow-rt 1.3).
type flowBody struct {
	Keys            texts       `json:"keys"`
	Value           enrich.Word `json:"value"`
	Values          texts       `json:"values"`
	Filter          enrich.Word `json:"filter"`
	N               number      `json:"n"`
	T               number      `json:"t"`
	FS              enrich.Word `json:"fs"`
	Log             flag        `json:"log"`
	FlowStart       flag        `json:"flowStart"`
	ActiveTimeout   number      `json:"activeTimeout"`
	Dropped         flag        `json:"dropped"`
	AggMode         enrich.Word `json:"aggMode"`
	IPFIXCollectors texts       `json:"ipfixCollectors"`
}

func (b *flowBody) definition(name string) flow.Definition {
	d := flow.Definition{
		Name: name, Keys: strings.Join(b.Keys, ","), Value: string(b.Value), Filter: string(b.Filter), N: b.N.whole(),
		T: b.T.value, FS: string(b.FS), Log: bool(b.Log), FlowStart: bool(b.FlowStart),
		ActiveTimeout: b.ActiveTimeout.value, Dropped: bool(b.Dropped), AggMode: string(b.AggMode),
		IPFIXCollectors: b.IPFIXCollectors,
	}
	for _, list := range b.Values {
		d.Values = append(d.Values, splitList(list)...)
	}
	return d
}

func (c *call) putFlow() error {
	return read(c, maxBody, func(b flowBody) error {
		return c.done(c.engine.Do(engine.DefineFlow{Definition: b.definition(c.r.PathValue("name"))}))
	})
}

func (c *call) dropFlow() error {
	return c.done(c.engine.Do(engine.DropFlow{Name: c.r.PathValue("name")}))
}

// definition returns the definition that {name} names, in force or about to be.
func (c *call) definition() (*flow.Definition, error) {
	name := c.r.PathValue("name")
	if d := c.engine.State().Flow(name); d != nil {
		return d, nil
	}
	return nil, notFound("flow definition", name, "/flow/json lists them")
}

func (c *call) flow() error {
	d, err := c.definition()
	if err != nil {
		return err
	}
	return c.json(d)
}

func (c *call) flows() error {
	out := map[string]*flow.Definition{}
	for _, d := range c.engine.State().Flows {
		out[d.Name] = d
	}
	return c.json(out)
}

// seenRecently is for how long an attribute is listed after it was seen.
const seenRecently = time.Hour

func (c *call) flowKeys() error {
	return c.json(c.view.Seen.Ages(c.view.At, seenRecently.Milliseconds()))
}

// activeFlow is one element of /activeflows and /flowlocations.
type activeFlow struct {
	Agent      string     `json:"agent"`
	DataSource string     `json:"dataSource"`
	FlowN      int        `json:"flowN"`
	Value      float64    `json:"value"`
	Error      *float64   `json:"error,omitempty"` // standard error of value; nil when it has none
	Exact      bool       `json:"exact"`           // nothing was estimated from samples
	Values     []float64  `json:"values,omitempty"`
	Errors     []*float64 `json:"errors,omitempty"` // of values, likewise
	Key        string     `json:"key"`
}

// errorOf returns a standard error for an answer, nil when the value has none.
func errorOf(stderr *float64, none bool) *float64 {
	if none {
		return nil
	}
	return stderr
}

// errorsOf returns the standard errors of further values for an answer, nil for those that have none.
func errorsOf(stderrs []float64) []*float64 {
	var out []*float64
	for i := range stderrs {
		out = append(out, errorOf(&stderrs[i], math.IsNaN(stderrs[i])))
	}
	return out
}

func activeFlows(all []flow.Active, keep func(schema.Source) bool) []activeFlow {
	out := make([]activeFlow, 0, len(all))
	for i := range all {
		a := &all[i]
		if keep == nil || keep(a.Source) {
			out = append(out, activeFlow{
				Agent: agentText(a.Source), DataSource: a.Source.Datasource(), FlowN: a.N, Value: a.Value,
				Error: errorOf(&a.Error, a.NoError), Exact: a.Exact, Values: a.Values, Errors: errorsOf(a.Errors),
				Key: a.Key,
			})
		}
	}
	return out
}

const defaultMaxFlows = 100

func (c *call) activeFlows() error {
	d, err := c.definition()
	if err != nil {
		p := badRequest("name", "%s", err.Error())
		p.Hint = "/flow/json lists them"
		return p
	}
	mode, err := c.mode(flow.ModeDefault)
	if err != nil {
		return err
	}
	found, err := c.view.Flow.Active(flow.Query{
		Definition: d.Name, Keep: c.keep(), Max: c.count("maxFlows", defaultMaxFlows), Min: c.number("minValue", 0),
		Mode: mode, KeyFilter: c.query.Get("filter"),
	})
	// A definition that is not in the view yet comes with the next tick.
	if err != nil && !errors.Is(err, flow.ErrUnknownDefinition) {
		return err
	}
	return c.json(activeFlows(found, nil))
}

// mode returns the parameter aggMode; fallback when it is missing.
func (c *call) mode(fallback flow.Mode) (flow.Mode, error) {
	word := c.query.Get("aggMode")
	m, ok := flow.ParseMode(word)
	if !ok {
		return m, &problem{status: http.StatusBadRequest, Field: "aggMode", Hint: "use max, sum, edge or core",
			Message: "unknown aggMode " + shorten(word)}
	}
	return cmp.Or(m, fallback), nil
}

func (c *call) flowValue() error {
	text, key := c.r.PathValue("metric"), c.query.Get("key")
	place, name := "", text
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		place, name = text[:i], text[i+1:]
	}
	if c.engine.State().Flow(name) == nil {
		return notFound("flow definition", name, "write DATASOURCE.NAME; /flow/json lists the names")
	}
	if agent := c.r.PathValue("agent"); agent == wholeNetwork {
		if a, ok := c.view.Flow.Value(name, schema.Source{}, key); ok {
			return c.json(a.Value)
		}
	}
	keep, err := c.keepPlace(place)
	if err != nil {
		return err
	}
	found, err := c.view.Flow.Active(flow.Query{Definition: name, Keep: keep, Mode: flow.ModeMax})
	if err == nil {
		for i := range found {
			if found[i].Key == key {
				return c.json(found[i].Value)
			}
		}
	}
	return notFound("flow", key, "it may have ended, or the datasource does not see it")
}

// keepPlace returns the test for one datasource of {agent}, in any of its domains; all datasources when place is empty.
func (c *call) keepPlace(place string) (func(schema.Source) bool, error) {
	keep := c.view.Keep(metric.ParseSelector(c.r.PathValue("agent")))
	if place == "" {
		return keep, nil
	}
	class, index, ok := datasource(place)
	if !ok {
		return nil, badRequest("metric", "%q is no datasource; write one as in 7 or 2.1", shorten(place))
	}
	return func(s schema.Source) bool {
		return s.Class == class && s.Index == index && (keep == nil || keep(s))
	}, nil
}

func (c *call) flowLocations() error {
	d, err := c.definition()
	if err != nil {
		return err
	}
	found, err := c.view.Flow.Locations(d.Name, c.query.Get("key"))
	if err != nil && !errors.Is(err, flow.ErrUnknownDefinition) {
		return err
	}
	return c.json(activeFlows(found, c.keep()))
}
