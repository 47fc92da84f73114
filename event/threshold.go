package event

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"weir/schema"
)

// DefaultTimeout is the Timeout of thresholds that say none, in seconds.
const DefaultTimeout = 1.0

// MaxTimeout is the longest Timeout, in seconds: a day.
const MaxTimeout = 86_400.0

// Threshold says when a value is too large (spec sflow-rt 1.7). Once in force it must not change.
type Threshold struct {
	Name   string              `json:"-"`
	Metric string              `json:"metric"`           // bare name of a metric or flow definition
	Value  float64             `json:"value"`            // the limit, in the unit of the metric; larger is across
	Filter map[string][]string `json:"filter,omitempty"` // on metrics of the datasource; see metric.CompileFilter
	ByFlow bool                `json:"byFlow"`           // every flow key is on its own, else the largest counts

	// Timeout is how long the value must have been at or below the limit, in seconds, before a crossing is a new event.
	// Fractions count; 0 takes DefaultTimeout.
	Timeout float64 `json:"timeout"`
}

// Complete fills in defaults. The error names every attribute that is wrong and what it should be.
func (t *Threshold) Complete() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Metric == "" {
		bad("metric: missing; name a metric or a flow definition")
	}
	if math.IsNaN(t.Value) || math.IsInf(t.Value, 0) {
		bad("value: must be a finite number")
	}
	if t.Timeout == 0 {
		t.Timeout = DefaultTimeout
	}
	if !(t.Timeout > 0 && t.Timeout <= MaxTimeout) {
		bad("timeout: %g is not between 0 and %g seconds", t.Timeout, MaxTimeout)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Filter)) {
		if name == "" {
			bad("filter: a metric name is empty")
		} else if len(t.Filter[name]) == 0 {
			bad("filter: %s has no pattern; use * for any value", name)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("threshold %s: %w", t.Name, errors.Join(errs...))
	}
	return nil
}

// Equal tells whether both say the same.
func (t *Threshold) Equal(o *Threshold) bool {
	return t.Name == o.Name && t.Metric == o.Metric && t.Value == o.Value && t.ByFlow == o.ByFlow &&
		t.Timeout == o.Timeout && maps.EqualFunc(t.Filter, o.Filter, slices.Equal[[]string])
}

// Event is the span during which a value was across a threshold.
type Event struct {
	ID        uint64         // given by Log.Add, increasing from 1; 0 before
	At        schema.Instant // of the arrival that crossed
	Threshold string         // its name
	Metric    string         // bare name
	Limit     float64        // Threshold.Value when it was crossed
	Value     float64        // the value that crossed
	Error     float64        // standard error of Value; 0 when exact
	Source    schema.Source  // where; of no exporter for pools of the whole network
	Key       string         // flow metrics: key values of the flow that crossed, joined by its separator
	HasKey    bool           // there is a Key, which may be the empty text
	Values    []float64      // of the flow, when its definition has values; nobody changes them

	End  schema.Instant // when the value fell to the limit or below for good; 0 while the event lasts
	Peak float64        // the largest value seen in the span
}

// Compare orders events canonically: by instant, threshold, source and key.
func (e *Event) Compare(o *Event) int { return compareKeys(e.key(), o.key()) }
