package sflowrt

import (
	"context"
	"math"
	"net/http"
	"time"

	"weir/event"
	"weir/flow"
)

// maxWait is the longest that a long poll waits.
const maxWait = 5 * time.Minute

// loggedFlow is one element of /flows/json (spec sflow-rt 1.6). Error, Exact and Errors are additions.
type loggedFlow struct {
	FlowID     uint64     `json:"flowID"`
	Name       string     `json:"name"`
	Agent      string     `json:"agent"`
	DataSource string     `json:"dataSource"`
	FlowKeys   string     `json:"flowKeys"`
	Value      float64    `json:"value"`
	Error      *float64   `json:"error,omitempty"` // standard error of value; nil when it has none
	Exact      bool       `json:"exact"`           // nothing was estimated from samples
	Values     []float64  `json:"values,omitempty"`
	Errors     []*float64 `json:"errors,omitempty"` // of values, likewise
	Start      int64      `json:"start"`            // ms since the epoch
	End        int64      `json:"end"`
}

func (c *call) loggedFlows() error {
	var names map[string]bool
	for _, n := range c.query["name"] {
		if names == nil {
			names = map[string]bool{}
		}
		names[n] = true
	}
	// The log takes 0 for all that it keeps.
	most := c.count("maxFlows", 0)
	found, err := poll(c, "flowID", c.engine.LastFlow,
		func(id uint64) []flow.Logged { return c.engine.FlowsSince(id, names, most) },
		func(ctx context.Context, id uint64) []flow.Logged { return c.engine.WaitFlows(ctx, id, names, most) })
	if err != nil {
		return err
	}
	out := make([]loggedFlow, len(found))
	for i := range found {
		l := &found[i]
		out[i] = loggedFlow{
			FlowID: l.ID, Name: l.Name, Agent: agentText(l.Source), DataSource: l.Source.Datasource(), FlowKeys: l.Keys,
			Value: l.Value, Error: errorOf(&l.Error, l.NoError), Exact: l.Exact, Values: l.Values,
			Errors: errorsOf(l.Errors), Start: l.Start.Millis(), End: l.End.Millis(),
		}
	}
	return c.json(out)
}

// thresholdEvent is one element of /events/json (spec sflow-rt 1.7). Error, End and Peak are additions.
type thresholdEvent struct {
	EventID     uint64    `json:"eventID"`
	Timestamp   int64     `json:"timestamp"` // ms since the epoch
	ThresholdID string    `json:"thresholdID"`
	Metric      string    `json:"metric"`
	Threshold   float64   `json:"threshold"`
	Value       float64   `json:"value"`
	Error       float64   `json:"error,omitempty"` // standard error of value
	Agent       string    `json:"agent"`
	DataSource  string    `json:"dataSource"`
	FlowKey     *string   `json:"flowKey,omitempty"` // of flow metrics; may be the empty text
	Values      []float64 `json:"values,omitempty"`
	End         int64     `json:"end,omitempty"` // ms since the epoch; absent while the event lasts
	Peak        float64   `json:"peak,omitempty"`
}

func (c *call) events() error {
	// The log takes a negative number for all that it keeps.
	thresholds, most := c.query["thresholdID"], c.count("maxEvents", -1)
	found, err := poll(c, "eventID", c.engine.LastEvent,
		func(id uint64) []event.Event { return c.engine.EventsSince(id, thresholds, most) },
		func(ctx context.Context, id uint64) []event.Event {
			return c.engine.WaitEvents(ctx, id, thresholds, most)
		})
	if err != nil {
		return err
	}
	out := make([]thresholdEvent, len(found))
	for i := range found {
		e := &found[i]
		out[i] = thresholdEvent{
			EventID: e.ID, Timestamp: e.At.Millis(), ThresholdID: e.Threshold, Metric: e.Metric, Threshold: e.Limit,
			Value: e.Value, Error: e.Error, Agent: agentText(e.Source), DataSource: e.Source.Datasource(),
			Values: e.Values, Peak: e.Peak,
		}
		if e.HasKey {
			out[i].FlowKey = &e.Key
		}
		if e.End != 0 {
			out[i].End = e.End.Millis()
		}
	}
	return c.json(out)
}

// poll reads a log as the parameters say (spec sflow-rt 6.3). Without a number, or without a time to wait, it answers
// at once. A number below 0 stands for any, and so does one that was not given yet: the server has started again since
// the client got it.
func poll[T any](c *call, parameter string, last func() uint64, since func(id uint64) []T,
	await func(ctx context.Context, id uint64) []T) ([]T, error) {
	given, ok := parseNumber(c.query.Get(parameter))
	wait := seconds(c.number("timeout", 0), maxWait)
	var id uint64
	if ok && given > 0 && given < math.MaxInt64 {
		id = uint64(given)
	}
	if id > last() {
		id = 0
	}
	if !ok || wait == 0 {
		return since(id), nil
	}
	select {
	case c.polls <- struct{}{}:
		defer func() { <-c.polls }()
	default:
		c.w.Header().Set("Retry-After", "5")
		return nil, &problem{status: http.StatusServiceUnavailable, Message: "too many long polls wait",
			Hint: "try again in a few seconds, or without timeout"}
	}
	c.outlast(wait)
	ctx, cancel := context.WithTimeout(c.r.Context(), wait)
	defer cancel()
	return await(ctx, id), nil
}

// outlast moves the deadlines of the connection, which are made for short requests, behind the end of a long poll.
func (c *call) outlast(wait time.Duration) {
	const spare = 30 * time.Second
	// A server that cannot move them has none, or its operator wants them.
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Now().Add(wait + spare))
}
