package metric

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"weir/schema"
)

const (
	// minElapsed is the shortest time between two readings that gives a rate: below it the jitter of arrival stamps
	// would be all of the result.
	minElapsed = time.Millisecond
	// uptimeSlack is how much more an uptime may have grown than the arrivals are apart, beyond a factor of two:
	// datagrams that waited in a queue arrive together.
	uptimeSlack = 2 * time.Second
	// maxLate is how many late readings in a row are believed to be late; after that the exporter has restarted.
	maxLate = 8
)

// accept tells whether r is to be taken after what w holds, and begins a new epoch of w when the exporter restarted.
func (t *Table) accept(w *row, r *schema.Reading) bool {
	since := r.At.Sub(w.at)
	if since > t.limits.Expire {
		// A row that a tick would have dropped must not depend on whether the tick came first.
		w.epoch++
		return true
	}
	counted := r.Sequence != 0 && w.sequence != 0
	timed := r.Uptime != 0 && w.uptime != 0
	if counted && r.Sequence == w.sequence && r.Uptime == w.uptime {
		t.counts.Duplicates++
		return false
	}
	sequenceBack := counted && int32(r.Sequence-w.sequence) < 0
	uptimeBack := timed && r.Uptime < w.uptime && !plausible(millis(r.Uptime-w.uptime), since)
	if sequenceBack && timed && (uptimeBack || r.Uptime == w.uptime) && since < millis(r.Uptime) && w.late < maxLate {
		// It was up already when the reading before it arrived, so it did not restart in between.
		w.late++
		t.counts.Late++
		return false
	}
	w.late = 0
	if sequenceBack || uptimeBack {
		w.epoch++
		t.counts.Restarts++
	}
	return true
}

// millis returns n milliseconds.
func millis(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }

// plausible tells whether an uptime difference can be true of two readings that arrived so far apart. Agents are known
// that count in other units or not at all.
func plausible(uptime, arrival time.Duration) bool {
	return uptime > 0 && uptime >= arrival/2 && uptime <= 2*max(arrival, 0)+uptimeSlack
}

// elapsed returns the time between the reading that made k and r; 0 when it cannot be told.
func elapsed(k *mark, r *schema.Reading) time.Duration {
	arrival := r.At.Sub(k.at)
	if k.uptime != 0 && r.Uptime != 0 {
		if up := millis(r.Uptime - k.uptime); plausible(up, arrival) {
			return up
		}
	}
	if arrival < minElapsed {
		return 0
	}
	return arrival
}

// rate returns what the counter m is per second since k; absent when it cannot be told because k is of another epoch
// or the counter jumped. ok is false when r is no later than k, which then stays the one to compare with.
//
// A 64-bit counter that advances by half of its range or more was set back, not wrapped. Of a 32-bit counter that
// cannot be known, unless slack says that it counts milliseconds, some of which (time waiting for input and output on
// Linux) step back a little now and then: that is no time at all.
func rate(k *mark, m *schema.Metric, r *schema.Reading, epoch uint32, slack bool) (v Value, ok bool) {
	if k.epoch != epoch || k.kind != m.Kind {
		return Value{}, true
	}
	d := elapsed(k, r)
	if d <= 0 {
		return Value{}, false
	}
	n := m.N - k.n
	if m.Kind == schema.Counter32 {
		n = uint64(uint32(n))
		if slack && n >= 1<<31 {
			n = 0
		}
	} else if n >= 1<<63 {
		return Value{}, true
	}
	return Num(float64(n) / d.Seconds()), true
}

// label stores a text, and allocates only when it changed. It returns false when there is no room for it.
func (t *Table) label(w *row, to *cell, text []byte) bool {
	if len(text) > t.limits.LabelBytes {
		t.counts.Cut++
		n := t.limits.LabelBytes
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i] // Agents written in C send the padding of their buffers.
	}
	if to.value.Form == Text && to.value.Text == string(text) {
		return true
	}
	if len(text) > len(to.value.Text) && t.texts+len(text) > t.limits.LabelTotal {
		return false
	}
	s := string(text)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	to.value, w.relabelled = Str(s), true
	return true
}
