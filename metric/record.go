package metric

import "weir/schema"

// Record is one answer of the query language (spec sflow-rt 5.3), in the JSON that clients of it know; what is absent
// is left out. It belongs to the caller.
type Record struct {
	Agent         string     `json:"agent,omitempty"`         // address; ALL: network-wide pools; absent for several
	DataSource    string     `json:"dataSource,omitempty"`    // as Source.Datasource; absent as Agent is
	MetricName    string     `json:"metricName"`              // as asked; the bare name in Dump and Table
	MetricValue   Value      `json:"metricValue,omitzero"`    // absent when nothing matched
	MetricError   float64    `json:"metricError,omitempty"`   // standard error of an estimate; absent when exact
	MetricN       *int       `json:"metricN,omitempty"`       // values summarised; absent in Dump and Table
	LastUpdate    *int64     `json:"lastUpdate,omitempty"`    // ms since the refresh of the selected value
	LastUpdateMin *int64     `json:"lastUpdateMin,omitempty"` // ms since the newest refresh of all summarised
	LastUpdateMax *int64     `json:"lastUpdateMax,omitempty"` // ms since the oldest
	TopKeys       []TopKey   `json:"topKeys,omitempty"`       // flow metrics: largest first
	Quartiles     *Quartiles `json:"quartiles,omitempty"`     // with q1, med, q2, q3, iqr

	// Source is what Agent and DataSource name; zero when they are absent.
	Source schema.Source `json:"-"`
}

// TopKey is one of the largest flows of a flow metric.
type TopKey struct {
	Key        string    `json:"key"`              // key values joined by the separator of the definition
	Value      float64   `json:"value"`            // per second unless the definition has a modifier
	Error      float64   `json:"error,omitempty"`  // standard error of Value; 0 when exact
	Values     []float64 `json:"values,omitempty"` // in the order of the definition
	LastUpdate int64     `json:"lastUpdate"`       // ms since the last record of the flow

	// Last is the instant of that record. Whoever makes a FlowCell sets it; a query sets LastUpdate from it.
	Last schema.Instant `json:"-"`
}

// Quartiles are the five numbers of a distribution, interpolated linearly between the values.
type Quartiles struct {
	Min float64 `json:"min"`
	Q1  float64 `json:"q1"`
	Med float64 `json:"med"`
	Q3  float64 `json:"q3"`
	Max float64 `json:"max"`
}

// FlowCell is the value of a flow definition at one datasource, as a column of the table of metrics.
type FlowCell struct {
	Source schema.Source  // of no exporter for pools of the whole network
	Value  float64        // of the largest flow
	Error  float64        // standard error of Value; 0 when exact
	Last   schema.Instant // of its last record
	Top    []TopKey       // largest first; a query shares the Values in them with its answer and changes nothing
}
