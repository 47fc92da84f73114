package sflowrt

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"weir/metric"
)

// exposition writes the Prometheus text format.
type exposition struct {
	text   []byte
	prefix string
	types  bool
	last   string // name of the metric that was written last
}

func (c *call) exposition() *exposition {
	return &exposition{prefix: c.options.PrometheusPrefix, types: c.options.PrometheusType}
}

// sample writes one line. Lines of the same name are to follow each other. Labels are pairs of name and value; those
// without a value are left out.
func (e *exposition) sample(name string, value float64, labels ...string) {
	name = metricName(e.prefix + name)
	if e.types && name != e.last {
		e.text = append(append(append(e.text, "# TYPE "...), name...), " gauge\n"...)
	}
	e.last = name
	e.text = append(e.text, name...)
	separator := byte('{')
	for i := 0; i+1 < len(labels); i += 2 {
		if labels[i+1] == "" {
			continue
		}
		e.text = append(append(append(e.text, separator), labels[i]...), '=', '"')
		e.text = appendLabel(e.text, labels[i+1])
		e.text = append(e.text, '"')
		separator = ','
	}
	if separator == ',' {
		e.text = append(e.text, '}')
	}
	e.text = strconv.AppendFloat(append(e.text, ' '), value, 'g', -1, 64)
	e.text = append(e.text, '\n')
}

// metricName replaces what the name of a metric may not have; flow definitions may have it in theirs.
func metricName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == ':' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}

// appendLabel appends the value of a label, escaped as the format wants. Texts come from the network: one that is no
// UTF-8 would make a scraper refuse the whole answer.
func appendLabel(b []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\ufffd")
	for i := range len(s) {
		switch s[i] {
		case '\\', '"':
			b = append(b, '\\', s[i])
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, s[i])
		}
	}
	return b
}

func (c *call) answerExposition(e *exposition) error {
	c.write(c.w, http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", e.text)
	return nil
}

func (c *call) prometheusAnalyzer() error {
	s, e := c.statistics(), c.exposition()
	for _, x := range [...]struct {
		name  string
		value float64
	}{
		{"agent_count", float64(s.Agents)}, {"agents", float64(s.Agents)},
		{"received_bytes", float64(s.Bytes)}, {"received_datagrams", float64(s.Datagrams)},
		{"discarded_datagrams", float64(s.Discarded)}, {"malformed_datagrams", float64(s.Malformed)},
		{"refused_datagrams", float64(s.Refused)}, {"heap_used_bytes", float64(s.HeapUsed)},
		{"cpu_load_process", s.CPULoad}, {"flow_samples", float64(s.Flow)}, {"counter_samples", float64(s.Counter)},
		{"notification_samples", float64(s.Notes)}, {"flow_records", float64(s.Records)},
		{"captured_frames", float64(s.Frames)}, {"active_flows", float64(s.FlowKeys)},
		{"flow_log_missed", float64(s.LogMissed)}, {"http_connections", float64(s.HTTP)},
		{"uptime", float64(s.Uptime)},
	} {
		e.sample("analyzer_"+x.name, x.value)
	}
	return c.answerExposition(e)
}

func (c *call) prometheusMetrics() error {
	q, err := c.ask()
	if err != nil {
		return err
	}
	q.Names = c.expand(q.Names)
	records, more := c.view.Metric.Dump(q)
	c.cut(more)
	// All lines of a metric must stand together.
	slices.SortStableFunc(records, func(a, b metric.Record) int { return cmp.Compare(a.MetricName, b.MetricName) })
	e := c.exposition()
	for i := range records {
		r := &records[i]
		if r.MetricValue.Form != metric.Number {
			continue
		}
		name, _, _ := c.view.Metric.Value(r.Source, "ifname", c.view.At)
		index, _, _ := c.view.Metric.Value(r.Source, "ifindex", c.view.At)
		domain := ""
		if r.Source.Domain != 0 {
			domain = strconv.FormatUint(uint64(r.Source.Domain), 10) // tells two datasources of the same number apart
		}
		e.sample(r.MetricName, r.MetricValue.Number, "agent", agentText(r.Source), "datasource", r.DataSource,
			"host", c.view.Metric.Host(r.Source.Exporter), "ifname", name.Text, "ifindex", index.Text,
			"domain", domain)
	}
	return c.answerExposition(e)
}
