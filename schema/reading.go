package schema

// MetricKind says what the absolute value of a reading means.
type MetricKind uint8

// The kinds of values in a reading.
const (
	Counter32 MetricKind = iota + 1 // monotonic, modulo 2^32
	Counter64                       // monotonic, modulo 2^64
	Gauge                           // a number that means what it says
	Label                           // a text
)

// Metric is one value of a reading: absolute, as sent, never a difference.
type Metric struct {
	Name string // from a table made at start, or copied; safe to keep
	Kind MetricKind
	N    uint64  // counters
	F    float64 // gauges
	Text []byte  // labels; borrowed from the datagram
}

// Reading is one counter sample: named absolute values of a datasource at an instant. Values that the exporter marks
// as not available (all ones) are left out. It lives as long as the callback that got it.
type Reading struct {
	At       Instant
	Uptime   uint32 // ms since the exporter (sub-agent) started, as the datagram says; 0 when not known
	Sequence uint32 // of counter samples of this datasource; 0 when not known
	Source   Source
	Values   []Metric
}
