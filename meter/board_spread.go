package meter

import (
	"math/bits"

	"weir/schema"
)

// pass says which groups a record in hand is counted in.
type pass uint8

const (
	passAll    pass = iota // all of them
	passOnce               // those that do not spread
	passSlices             // those that do
)

// takes tells whether a group is counted in the pass.
func (p pass) takes(g *Group) bool { return p == passAll || g.Spread == (p == passSlices) }

// maxSlices bounds the slices of one record.
const maxSlices = 4096

// portion is what a flow record spread over time gives to its slices, second by second: both ends count, so a flow of
// no length lasts one second (the rule of flow-inspector-vermont 2.3).
type portion struct {
	whole    [factFragments + 1]float64
	observed uint64
	rate     float64
	lasts    uint64 // seconds
	given    uint64 // seconds given out
}

// spreadOut counts a flow record: once in groups that do not spread, and slice by slice in those that do.
func (b *Board) spreadOut(r *schema.Record) {
	f := &b.facts
	f.pass = passOnce
	b.feed(r, b.plan.once)
	f.pass = passSlices
	defer func() { f.pass = passAll }()
	const second = schema.Instant(1e9)
	last := min(r.Last, r.At) / second
	first := min(r.Start/second, last)
	p := portion{observed: f.observed, rate: float64(r.Rate), lasts: uint64(last - first + 1)}
	copy(p.whole[:], f.values[:])
	step := schema.Instant(b.plan.spread) / second
	// Slices that lie before what is open go there together: the record is late.
	from := first
	if b.now > 0 {
		open := floor(b.now.Add(-(b.settings.Grace+b.settings.Reach).Duration()), b.plan.spread) / second
		if from < open {
			b.counts.Late++
			from = min(open, last)
		}
	}
	for (last-from)/step >= maxSlices {
		step *= 2
	}
	for from <= last {
		next := min(floor(from*second, Span(step*second))/second+step, last+1)
		b.slicePart(r, &p, from*second, uint64(next-first))
		from = next
	}
}

// slicePart counts what a record gives out up to so many seconds of it, at an instant.
func (b *Board) slicePart(r *schema.Record, p *portion, at schema.Instant, upTo uint64) {
	f := &b.facts
	f.part++
	f.at = at
	f.share = float64(upTo-p.given) / float64(p.lasts)
	for i, v := range p.whole {
		switch fact(i) {
		case factFlows, factRecords:
			f.values[i] = v * f.share
		default:
			if v > 0 {
				f.values[i] = float64(given(uint64(v), upTo, p.lasts) - given(uint64(v), p.given, p.lasts))
			}
		}
	}
	f.observed = max(uint64(float64(p.observed)*f.share+0.5), 1)
	f.rates = float64(f.observed) * p.rate
	p.given = upTo
	if at < b.from || at >= b.to {
		b.turn(at)
	}
	b.feed(r, b.plan.slow)
}

// given returns how much of v is given out after so many of lasts seconds: v*seconds/lasts, rounded down.
func given(v, seconds, lasts uint64) uint64 {
	hi, lo := bits.Mul64(v, seconds)
	q, _ := bits.Div64(hi, lo, lasts)
	return q
}
