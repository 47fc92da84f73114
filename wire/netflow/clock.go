package netflow

import (
	"time"

	"weir/schema"
)

// clock is what a datagram says of time.
type clock struct {
	at        schema.Instant // arrival
	export    schema.Instant // when the exporter sent it, by its own clock
	uptime    uint32         // ms since the exporter started, of versions before IPFIX
	hasUptime bool
	init      schema.Instant // IPFIX: when the exporter started, learned from options; 0 not known
}

const wrap = schema.Instant(1<<32) * 1e6 // an uptime clock of 32 bits of ms starts over after 49.7 days

// fromUptime returns the instant at which the exporter's uptime clock showed ms.
func (c *clock) fromUptime(ms uint32, init schema.Instant) (t schema.Instant, ok bool) {
	if c.hasUptime {
		// The signed difference sees through the wrap in both directions: a flow that began before it, and a
		// record whose last packet came just after the header was stamped.
		return c.export + schema.Instant(int32(ms-c.uptime))*1e6, true
	}
	if init == 0 {
		init = c.init
	}
	if init == 0 {
		return 0, false
	}
	t = init + schema.Instant(ms)*1e6
	if behind := c.export - t; behind > wrap/2 {
		t += (behind + wrap/2) / wrap * wrap
	}
	return t, true
}

// limits say how far from the arrival of its datagram the times of a record are believed.
type limits struct {
	ahead, behind, duration time.Duration
	keep                    bool // believe everything
}

// setTimes works out Start and End: the exporter's absolute times, the finest first, else those relative to the export
// time, else those of its uptime clock, else the time of observation, else the arrival. A duration helps where one
// end is missing.
func (c *clock) setTimes(r *Record, w *raw, lim *limits) {
	start, end := w.start, w.end
	if start == 0 && w.has&rawStartDelta != 0 {
		start = c.export - schema.Instant(min(w.startDelta, maxMillis*1e3))*1e3
	}
	if end == 0 && w.has&rawEndDelta != 0 {
		end = c.export - schema.Instant(min(w.endDelta, maxMillis*1e3))*1e3
	}
	if start == 0 && w.has&rawStartUptime != 0 {
		start, _ = c.fromUptime(w.startUptime, w.init)
	}
	if end == 0 && w.has&rawEndUptime != 0 {
		end, _ = c.fromUptime(w.endUptime, w.init)
	}
	if start == 0 && end == 0 && w.has&(rawStartUptime|rawEndUptime) == rawStartUptime|rawEndUptime {
		// An uptime clock whose start nobody knows still tells how long the flow was.
		if d := int32(w.endUptime - w.startUptime); d > 0 {
			w.duration, w.has = uint64(d)*1e6, w.has|rawDuration
		}
	}
	if start == 0 && end == 0 {
		end = w.observed
	}
	start, end = complete(start, end, w.duration, w.has&rawDuration != 0)
	r.Start, r.End = c.at, c.at
	if end != 0 {
		r.Start, r.End, r.Has = start, end, r.Has|HasTimes
	} else if w.has&rawDuration != 0 {
		r.Start = c.at - schema.Instant(w.duration)
	}
	if !lim.keep {
		c.bound(r, lim)
	}
}

// complete fills in a missing end of a flow; both stay 0 when neither is known.
func complete(start, end schema.Instant, duration uint64, hasDuration bool) (schema.Instant, schema.Instant) {
	d := schema.Instant(0)
	if hasDuration {
		d = schema.Instant(duration)
	}
	switch {
	case end == 0 && start != 0:
		end = start + d
	case start == 0 && end != 0:
		start = end - d
	}
	return min(start, end), end
}

// bound moves times that cannot be (quirk Q31). When the exporter's clock as a whole is off, which the export time of
// the datagram tells, they keep their distance from that; otherwise the flow ends at the arrival and keeps its length.
func (c *clock) bound(r *Record, lim *limits) {
	start, end := r.Start, r.End
	if skew := c.export - c.at; c.export != 0 && r.Has&HasTimes != 0 && lim.absurd(skew) {
		start, end = start-skew, end-skew
	}
	if lim.absurd(end - c.at) {
		start, end = c.at-(end-start), c.at
	}
	if end-start > schema.Instant(lim.duration) || start > end {
		start = end
	}
	if start != r.Start || end != r.End {
		r.Start, r.End, r.Bounded = start, end, true
	}
}

// absurd tells that a clock that is d ahead of the arrival (behind when negative) is not to be believed.
func (l *limits) absurd(d schema.Instant) bool {
	return d > schema.Instant(l.ahead) || d < -schema.Instant(l.behind)
}
