package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"weir/engine"
	"weir/event"
)

// threshold is a threshold in answers and bodies.
type threshold struct {
	Name string `json:"name,omitempty"`
	event.Threshold
}

// crossing is one event in an answer: the span during which a value was across a threshold.
type crossing struct {
	ID         uint64    `json:"id"`
	At         int64     `json:"at"` // when it began, ms since the Unix epoch
	Threshold  string    `json:"threshold"`
	Metric     string    `json:"metric"`
	Limit      float64   `json:"limit"`
	Value      float64   `json:"value"` // that crossed
	Error      float64   `json:"error"` // one standard error of value; 0 when exact
	Exporter   string    `json:"exporter"`
	Datasource string    `json:"datasource"`
	Key        *string   `json:"key,omitempty"` // of the flow; absent when the metric is no flow definition
	Values     []float64 `json:"values"`
	End        *int64    `json:"end"`  // ms since the Unix epoch; null while it lasts
	Peak       float64   `json:"peak"` // the largest value so far
}

func crossingOf(e *event.Event) crossing {
	c := crossing{
		ID: e.ID, At: e.At.Millis(), Threshold: e.Threshold, Metric: e.Metric, Limit: e.Limit, Value: e.Value,
		Error: e.Error, Exporter: e.Source.Exporter.String(), Datasource: e.Source.Datasource(), Values: e.Values,
		Peak: max(e.Peak, e.Value),
	}
	if c.Values == nil {
		c.Values = []float64{}
	}
	if e.HasKey {
		key := e.Key
		c.Key = &key
	}
	if e.End != 0 {
		end := e.End.Millis()
		c.End = &end
	}
	return c
}

// patience is the context of a long poll: it ends when the client goes, when the server drains, or after the
// parameter "wait", in seconds; at once when that is 0.
func (r *request) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), time.Duration(r.whole("wait"))*time.Second)
}

// events shows the newest events, and waits for some when asked to.
func events(r *request) (any, error) {
	ctx, cancel := r.patience()
	defer cancel()
	found := r.server.engine.WaitEvents(ctx, uint64(r.whole("since")), r.list("thresholds"), r.whole("max"))
	r.view = r.server.engine.View()
	out := make([]crossing, 0, len(found))
	for i := range found {
		out = append(out, crossingOf(&found[i]))
	}
	return struct {
		stamp
		Last   uint64     `json:"last"` // number of the newest there is
		Events []crossing `json:"events"`
	}{r.stamp(), r.server.engine.LastEvent(), out}, nil
}

func thresholds(r *request) (any, error) {
	state := r.server.engine.State()
	out := []threshold{}
	for _, t := range state.Thresholds[:min(len(state.Thresholds), r.whole("max"))] {
		out = append(out, threshold{t.Name, *t})
	}
	return struct {
		stamp
		Thresholds []threshold `json:"thresholds"`
		Total      int         `json:"total"`
	}{r.stamp(), out, len(state.Thresholds)}, nil
}

func oneThreshold(r *request) (any, error) {
	t := r.server.engine.State().Threshold(r.text("name"))
	if t == nil {
		return nil, unknown("threshold", r.text("name"), "GET /api/v1/thresholds lists them")
	}
	return struct {
		stamp
		Threshold threshold `json:"threshold"`
	}{r.stamp(), threshold{t.Name, *t}}, nil
}

func putThreshold(r *request) (any, error) {
	name := r.text("name")
	var t threshold
	if err := decode(r.body, &t); err != nil {
		return nil, err
	}
	if t.Name != "" && t.Name != name {
		return nil, refuse(http.StatusBadRequest, "name", "the body says another name than the path",
			"leave it out of the body")
	}
	t.Threshold.Name = name
	if err := r.server.engine.Do(engine.SetThreshold{Threshold: t.Threshold}); err != nil {
		f := fail(err)
		rest, cut := strings.CutPrefix(f.Message, "threshold "+name+": ")
		field, message, found := strings.Cut(rest, ": ")
		if cut && found {
			f.Field, f.Message = field, message
		}
		return nil, f
	}
	return nil, nil
}

func dropThreshold(r *request) (any, error) {
	if err := r.server.engine.Do(engine.DropThreshold{Name: r.text("name")}); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}
