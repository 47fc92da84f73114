package sflowrt

import (
	"errors"
	"net/http"
	"strings"

	"weir/engine"
	"weir/enrich"
	"weir/event"
)

// thresholdBody is the body of PUT /threshold/NAME/json (spec sflow-rt 1.7).
type thresholdBody struct {
	Metric  enrich.Word `json:"metric"`
	Value   number      `json:"value"`
	Filter  lists       `json:"filter"`
	ByFlow  flag        `json:"byFlow"`
	Timeout number      `json:"timeout"`
}

func (c *call) putThreshold() error {
	return read(c, maxBody, func(b thresholdBody) error {
		if !b.Value.set {
			return &problem{status: http.StatusBadRequest, Field: "value", Message: "value: missing",
				Hint: "give the limit as a number"}
		}
		t := event.Threshold{
			Name: c.r.PathValue("name"), Metric: string(b.Metric), Value: b.Value.value, ByFlow: bool(b.ByFlow),
			Timeout: b.Timeout.value,
		}
		if len(b.Filter) > 0 {
			t.Filter = b.Filter.plain()
		}
		// Complete names the threshold before the attribute; the client knows which one it sent.
		if err := t.Complete(); err != nil {
			return invalid(errors.New(strings.TrimPrefix(err.Error(), "threshold "+t.Name+": ")))
		}
		return c.done(c.engine.Do(engine.SetThreshold{Threshold: t}))
	})
}

func (c *call) dropThreshold() error {
	return c.done(c.engine.Do(engine.DropThreshold{Name: c.r.PathValue("name")}))
}

func (c *call) threshold() error {
	name := c.r.PathValue("name")
	if t := c.engine.State().Threshold(name); t != nil {
		return c.json(t)
	}
	return notFound("threshold", name, "/threshold/json lists them")
}

func (c *call) thresholds() error {
	out := map[string]*event.Threshold{}
	for _, t := range c.engine.State().Thresholds {
		out[t.Name] = t
	}
	return c.json(out)
}
