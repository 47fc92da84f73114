package api

import (
	"fmt"
	"net/http"
	"strings"

	"weir/metric"
)

// metrics answers queries of what exporters say of themselves.
func metrics(r *request) (any, error) {
	q := metric.Query{
		Agents: metric.ParseSelector(r.text("agents")), Names: metric.SplitNames(r.text("names")),
		Flows: r.view.FlowColumn, Topology: r.view.Topology(), Max: r.whole("max"),
	}
	var err error
	if q.Filter, err = conditions(r.lists["where"]); err != nil {
		return nil, err
	}
	if len(q.Names) == 0 {
		return nil, refuse(http.StatusBadRequest, "names", "missing", "GET /api/v1/metrics/names lists the metrics")
	}
	answer := struct {
		stamp
		Metrics []metric.Record    `json:"metrics,omitempty"`
		Rows    [][]*metric.Record `json:"rows,omitempty"`
		More    bool               `json:"more"` // there is more than max
	}{stamp: r.stamp()}
	switch r.text("as") {
	case "cells":
		answer.Metrics, answer.More = r.view.Metric.Dump(&q)
	case "rows":
		answer.Rows, answer.More = r.view.Metric.TableRows(&q)
	default:
		answer.Metrics = r.view.Metric.Metric(&q)
	}
	return answer, nil
}

// conditions reads parameters NAME=PATTERN.
func conditions(words []string) (map[string][]string, error) {
	var out map[string][]string
	for _, word := range words {
		name, pattern, found := strings.Cut(word, "=")
		if !found || name == "" {
			return nil, refuse(http.StatusBadRequest, "where", fmt.Sprintf("%q is not NAME=PATTERN", word), "")
		}
		if out == nil {
			out = map[string][]string{}
		}
		out[name] = append(out[name], pattern)
	}
	return out, nil
}

// metricNames lists the metrics and when any of them was last refreshed.
func metricNames(r *request) (any, error) {
	return struct {
		stamp
		Names map[string]int64 `json:"names"` // ms since the last refresh
	}{r.stamp(), r.view.Metric.Names(r.view.At)}, nil
}
