package config

import "fmt"

// SFlowRT says how the interface that clients of sFlow-RT know answers (spec sflow-rt 8.2).
type SFlowRT struct {
	Indent           int    // spaces that a level of JSON is indented by, 0 (compact) to 8
	PrometheusPrefix string // begins the names of exported metrics
	PrometheusType   bool   // write a TYPE line before the lines of every metric
}

func defaultSFlowRT() SFlowRT { return SFlowRT{Indent: 1, PrometheusPrefix: "sflow_"} }

// Validate returns what is wrong, by the names of the file.
func (f SFlowRT) Validate() error {
	const maxIndent = 8
	if f.Indent < 0 || f.Indent > maxIndent {
		return fmt.Errorf("sflowrt.json_indent: %d is not between 0 and %d", f.Indent, maxIndent)
	}
	return nil
}

func (c *Config) sflowrt() []setting {
	f := &c.SFlowRT
	return []setting{
		{name: "json_indent", doc: "spaces that a level of JSON is indented by; 0: compact", to: &f.Indent},
		{name: "prometheus_prefix", doc: "begins the names of metrics that Prometheus scrapes", to: &f.PrometheusPrefix},
		{name: "prometheus_type", doc: "write a TYPE line before every such metric", to: &f.PrometheusType},
	}
}
