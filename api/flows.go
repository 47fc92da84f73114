package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"weir/engine"
	"weir/flow"
	"weir/metric"
	"weir/schema"
)

// definition is a flow definition in answers and bodies.
type definition struct {
	Name string `json:"name,omitempty"`
	flow.Definition
	Origin string `json:"origin,omitempty"` // where it came from
	Unit   string `json:"unit,omitempty"`   // of its value; ignored in bodies
}

func (r *request) definition(d *flow.Definition) definition {
	return definition{Name: d.Name, Definition: *d, Origin: r.server.origins.of(d), Unit: unitOf(d)}
}

// flows lists the definitions in force.
func flows(r *request) (any, error) {
	answer := struct {
		stamp
		Flows []definition `json:"flows"`
		Total int          `json:"total"` // how many there are, shown or not
	}{stamp: r.stamp(), Flows: []definition{}}
	state := r.server.engine.State()
	answer.Total = len(state.Flows)
	for _, d := range state.Flows[:min(len(state.Flows), r.whole("max"))] {
		answer.Flows = append(answer.Flows, r.definition(d))
	}
	return answer, nil
}

// oneFlow shows one definition and what became of the records that it was shown.
func oneFlow(r *request) (any, error) {
	d := r.server.engine.State().Flow(r.text("name"))
	if d == nil {
		return nil, unknown("flow definition", r.text("name"), "GET /api/v1/flows lists them")
	}
	b, _ := r.view.Flow.Books(d.Name)
	return struct {
		stamp
		Flow  definition `json:"flow"`
		Books flowBooks  `json:"books"`
	}{r.stamp(), r.definition(d), flowBooksOf(d.Name, b)}, nil
}

// readDefinition reads the body of a definition; name is "" when the path has none.
func readDefinition(r *request, name string) (d definition, err error) {
	if err := decode(r.body, &d); err != nil {
		return d, err
	}
	if name != "" && d.Name != "" && d.Name != name {
		return d, refuse(http.StatusBadRequest, "name", fmt.Sprintf("the body says %q, the path %q", d.Name, name),
			"leave it out of the body")
	}
	switch d.Origin {
	case OriginREST, OriginConsole:
	case "", OriginConfig, OriginDefault: // the latter when somebody sends back what GET gave
		d.Origin = OriginREST
		// Browsers tell so, and scripts in a page cannot.
		if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
			d.Origin = OriginConsole
		}
	default:
		return d, refuse(http.StatusBadRequest, "origin", fmt.Sprintf("%q is no origin", d.Origin),
			"rest or console, or leave it out")
	}
	if name != "" {
		d.Name = name
	}
	if d.Name == "" {
		d.Name = "unnamed"
	}
	d.Definition.Name = d.Name
	return d, nil
}

// attributes are those that errors of package flow begin with.
var attributes = []string{"name", "keys", "values", "value", "filter", "fs", "t", "activeTimeout", "aggMode",
	"ipfixCollectors"}

func putFlow(r *request) (any, error) {
	d, err := readDefinition(r, r.text("name"))
	if err != nil {
		return nil, err
	}
	if err := r.server.engine.Do(engine.DefineFlow{Definition: d.Definition}); err != nil {
		return nil, fail(err, attributes...)
	}
	r.server.origins.mark(r.server.engine.State(), d.Origin, d.Name)
	return nil, nil
}

func dropFlow(r *request) (any, error) {
	if err := r.server.engine.Do(engine.DropFlow{Name: r.text("name")}); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}

// warning is something that is allowed and hardly meant.
type warning struct {
	Field    string `json:"field"`
	Position int    `json:"position"` // byte offset in the field
	Message  string `json:"warning"`
}

// checkFlow compiles a definition and defines nothing.
func checkFlow(r *request) (any, error) {
	d, err := readDefinition(r, "")
	if err != nil {
		return nil, err
	}
	c := r.server.engine.Vocabulary()
	if err := flow.Check(c, &d.Definition); err != nil {
		return nil, fail(err, attributes...)
	}
	return struct {
		stamp
		OK       bool      `json:"ok"`
		Unit     string    `json:"unit"`
		Warnings []warning `json:"warnings"`
	}{r.stamp(), true, unitOf(&d.Definition), warnings(c, &d.Definition)}, nil
}

// warnings tells which attributes no record has. The definition has been checked.
func warnings(c *schema.Compiler, d *flow.Definition) []warning {
	out := []warning{}
	add := func(field, text string, names []string) {
		for _, name := range names {
			out = append(out, warning{field, max(0, strings.Index(text, name)),
				fmt.Sprintf("no record has an attribute %q: it is always null", name)})
		}
	}
	if k, err := c.Keys(d.Keys); err == nil {
		add("keys", d.Keys, k.Unknown)
	}
	for i, text := range append([]string{d.Value}, d.Values...) {
		m, err := c.Value(text)
		if err != nil {
			continue
		}
		if i == 0 {
			add("value", text, m.Unknown)
		} else {
			add("values", text, m.Unknown)
		}
	}
	return out
}

// activeFlow is one active flow in an answer.
type activeFlow struct {
	Key        string     `json:"key"`              // key values joined by the definition's separator
	Keys       []string   `json:"keys"`             // the key values
	Value      float64    `json:"value"`            // in the unit of the answer
	Error      *float64   `json:"error,omitempty"`  // one standard error of value; 0 when exact, nil when it has none
	Exact      bool       `json:"exact"`            // nothing in it was estimated from samples
	Samples    float64    `json:"samples"`          // observations behind it, fading as the value does
	Exporter   string     `json:"exporter"`         // where it was seen; empty for pools of the whole network
	Datasource string     `json:"datasource"`       // of that exporter
	N          int        `json:"n"`                // flows that were made one
	Values     []float64  `json:"values"`           // of the definition's further values
	Errors     []*float64 `json:"errors,omitempty"` // of values, as Error
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

// activeAnswer is the active flows of a definition.
type activeAnswer struct {
	stamp
	Flow  string       `json:"flow"`
	Mode  string       `json:"mode"` // the rule by which flows of several places became one: max, sum, edge or core
	Unit  string       `json:"unit"` // of value
	Flows []activeFlow `json:"flows"`
}

func activeOf(v *engine.View, q flow.Query) (activeAnswer, error) {
	found, err := v.Flow.Active(q)
	if err != nil {
		return activeAnswer{}, err
	}
	d := v.Flow.Definition(q.Definition)
	return activeAnswer{stampOf(v), d.Name, q.Mode.For(d).String(), unitOf(d), activeFlows(d, found)}, nil
}

func activeFlows(d *flow.Definition, found []flow.Active) []activeFlow {
	out := make([]activeFlow, 0, len(found))
	for i := range found {
		a := &found[i]
		values := a.Values
		if values == nil {
			values = []float64{}
		}
		place := a.Source
		f := activeFlow{
			Key: a.Key, Keys: a.Keys(), Value: a.Value, Error: errorOf(&a.Error, a.NoError), Exact: a.Exact,
			Samples: a.Samples, N: a.N, Values: values, Errors: errorsOf(a.Errors),
		}
		if place != (schema.Source{}) {
			f.Exporter, f.Datasource = place.Exporter.String(), place.Datasource()
		}
		out = append(out, f)
	}
	return out
}

// active shows the active flows of a definition.
func active(r *request) (any, error) {
	mode, _ := flow.ParseMode(r.text("mode")) // the table lists the words
	q := flow.Query{
		Definition: r.text("name"), Max: r.whole("max"), Min: r.number("min"), Mode: mode, KeyFilter: r.text("key"),
	}
	if agents := r.text("agents"); agents != "" {
		q.Keep = r.view.Keep(metric.ParseSelector(agents))
	}
	answer, err := activeOf(r.view, q)
	if err != nil {
		return nil, r.notYet(err)
	}
	return answer, nil
}

// notYet tells a definition that is to come in force with the next tick from one that there is not.
func (r *request) notYet(err error) error {
	name := r.text("name")
	if !errors.Is(err, flow.ErrUnknownDefinition) {
		return fail(err)
	}
	if d := r.server.engine.State().Flow(name); d != nil {
		return refuse(http.StatusServiceUnavailable, "name",
			fmt.Sprintf("flow definition %q comes in force with the next tick", name), "ask again")
	}
	return unknown("flow definition", name, "GET /api/v1/flows lists them")
}

// locations shows every place that sees the flow of a key.
func locations(r *request) (any, error) {
	name := r.text("name")
	found, err := r.view.Flow.Locations(name, r.text("key"))
	if err != nil {
		return nil, r.notYet(err)
	}
	d := r.view.Flow.Definition(name)
	found = found[:min(len(found), r.whole("max"))]
	return activeAnswer{r.stamp(), name, "each", unitOf(d), activeFlows(d, found)}, nil
}

// unitOf returns the unit of a definition's value: B/s, bit/s, 1/s, B, bit or 1.
func unitOf(d *flow.Definition) string {
	modifier, attribute, found := strings.Cut(d.Value, ":")
	if words := []string{"sum", "rate", "avg", "min", "max", "count", "last"}; !found ||
		!slices.Contains(words, strings.TrimSpace(modifier)) {
		modifier, attribute = "sum", d.Value
	}
	attribute = strings.TrimSpace(attribute)
	unit, rate := "1", "1/s"
	switch {
	case attribute == "bps":
		unit, rate = "bit", "bit/s"
	case strings.HasSuffix(attribute, "bytes"):
		unit, rate = "B", "B/s"
	}
	switch strings.TrimSpace(modifier) {
	case "sum", "rate":
		return rate
	case "count":
		return "1"
	}
	return unit
}

// loggedFlow is one finished flow in an answer.
type loggedFlow struct {
	ID         uint64     `json:"id"`
	Flow       string     `json:"flow"`
	Exporter   string     `json:"exporter"`
	Datasource string     `json:"datasource"`
	Key        string     `json:"key"`
	Value      float64    `json:"value"`           // total over the life of the flow, or since it was last logged
	Error      *float64   `json:"error,omitempty"` // as of an active flow
	Exact      bool       `json:"exact"`           // nothing was estimated from samples
	Values     []float64  `json:"values"`
	Errors     []*float64 `json:"errors,omitempty"` // as of an active flow
	Start      int64      `json:"start"`            // ms since the Unix epoch
	End        int64      `json:"end"`
}

// flowLog shows finished flows, and waits for some when asked to.
func flowLog(r *request) (any, error) {
	var names map[string]bool
	for _, name := range r.list("flows") {
		if names == nil {
			names = map[string]bool{}
		}
		names[name] = true
	}
	since, most := uint64(r.whole("since")), r.whole("max")
	ctx, cancel := r.patience()
	defer cancel()
	found := r.server.engine.WaitFlows(ctx, since, names, most)
	r.view = r.server.engine.View()
	out := make([]loggedFlow, 0, len(found))
	for i := range found {
		l := &found[i]
		values := l.Values
		if values == nil {
			values = []float64{}
		}
		out = append(out, loggedFlow{
			ID: l.ID, Flow: l.Name, Exporter: l.Source.Exporter.String(), Datasource: l.Source.Datasource(),
			Key: l.Keys, Value: l.Value, Error: errorOf(&l.Error, l.NoError), Exact: l.Exact, Values: values,
			Errors: errorsOf(l.Errors), Start: l.Start.Millis(), End: l.End.Millis(),
		})
	}
	return struct {
		stamp
		Last  uint64       `json:"last"` // number of the newest there is
		Flows []loggedFlow `json:"flows"`
	}{r.stamp(), r.server.engine.LastFlow(), out}, nil
}
