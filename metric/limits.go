package metric

import "time"

// Limits bounds what a Table keeps. A field that is zero or negative takes the default named beside it.
type Limits struct {
	Sources    int           // datasources, 100,000; readings of more are refused and counted
	PerSource  int           // metrics that one datasource sends, 2,000; more are left out and counted
	Metrics    int           // metrics of all datasources, derived ones too, 4,000,000; more are left out and counted
	Columns    int           // names in all lists of metrics that differ, 250,000; more are left out and counted
	LabelBytes int           // of one label, 512; longer ones are cut and counted
	LabelTotal int           // bytes of all labels, 128 MiB; labels beyond are left out and counted
	Expire     time.Duration // what is not refreshed for so long is forgotten, 5 minutes
}

// The defaults of Limits.
const (
	defaultSources    = 100_000
	defaultPerSource  = 2_000
	defaultMetrics    = 4_000_000
	defaultColumns    = 250_000
	defaultLabelBytes = 512
	defaultLabelTotal = 128 << 20
	defaultExpire     = 5 * time.Minute
)

// completed returns l with defaults for what it leaves open.
func (l Limits) completed() Limits {
	set := func(n *int, to int) {
		if *n <= 0 {
			*n = to
		}
	}
	set(&l.Sources, defaultSources)
	set(&l.PerSource, defaultPerSource)
	set(&l.Metrics, defaultMetrics)
	set(&l.Columns, defaultColumns)
	set(&l.LabelBytes, defaultLabelBytes)
	set(&l.LabelTotal, defaultLabelTotal)
	if l.Expire <= 0 {
		l.Expire = defaultExpire
	}
	return l
}

// Counts tells what became of readings. Readings = Taken + Duplicates + Late + Refused.
type Counts struct {
	Readings   uint64 // offered to Table.Read
	Taken      uint64 // turned into metrics
	Duplicates uint64 // ignored: same sequence number and uptime as the one before
	Late       uint64 // ignored: overtaken on the way by a later one
	Refused    uint64 // refused: too many datasources (Limits.Sources)
	Restarts   uint64 // taken, but counters start again because sequence or uptime went back
	Unkept     uint64 // metrics left out because of PerSource, Metrics, Columns or LabelTotal of Limits
	Cut        uint64 // labels cut at Limits.LabelBytes
	Expired    uint64 // datasources forgotten
}

// Add adds o to c.
func (c *Counts) Add(o *Counts) {
	c.Readings += o.Readings
	c.Taken += o.Taken
	c.Duplicates += o.Duplicates
	c.Late += o.Late
	c.Refused += o.Refused
	c.Restarts += o.Restarts
	c.Unkept += o.Unkept
	c.Cut += o.Cut
	c.Expired += o.Expired
}
