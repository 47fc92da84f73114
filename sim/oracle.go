package sim

import (
	"math"
	"time"

	"weir/schema"
)

// Oracle knows what passed and what the collector was told, all of it, and answers by plain sums over everything. It
// shares no code with what it judges. Its memory grows with time.
type Oracle struct {
	passed []Passed
	told   []heard
}

// heard is one thing that the collector was told.
type heard struct {
	at   schema.Instant
	told Told
}

// Pass takes what passed; it is made for Options.Truth.
func (o *Oracle) Pass(p Passed) { o.passed = append(o.passed, p) }

// Hear takes what a datagram tells that has arrived at the collector and was counted there.
func (o *Oracle) Hear(d *Datagram) {
	for _, t := range d.Told {
		o.told = append(o.told, heard{d.At, t})
	}
}

// Place is a key seen at a datasource.
type Place struct {
	Source schema.Source
	Key    string
}

// By gives the key of a stream; ok is false when it has none.
type By func(*Key) (key string, ok bool)

// Sum is the total of a place.
type Sum struct{ Bytes, Packets float64 }

// Totals returns the sums of everything that the collector was told, scaled by the sampling rates.
func (o *Oracle) Totals(by By) map[Place]Sum {
	sums := map[Place]Sum{}
	for i := range o.told {
		t := &o.told[i].told
		if key, ok := by(&t.Key); ok {
			p := Place{t.Source, key}
			s := sums[p]
			sums[p] = Sum{s.Bytes + float64(t.Bytes), s.Packets + float64(t.Packets)}
		}
	}
	return sums
}

// Truth returns the sums of everything that passed: frames with FCS when l3 is false, as samples count, else layer 3,
// as flow records do. domain is the observation domain of an exporter.
func (o *Oracle) Truth(by By, l3 bool, domain func(exporter schema.Addr) uint32) map[Place]Sum {
	sums := map[Place]Sum{}
	for i := range o.passed {
		p := &o.passed[i]
		key, ok := by(&p.Key)
		if !ok {
			continue
		}
		length := p.Length
		if l3 {
			length = p.L3
		}
		at := Place{schema.Source{Exporter: p.Exporter, Domain: domain(p.Exporter), Index: p.In}, key}
		s := sums[at]
		sums[at] = Sum{s.Bytes + float64(p.Packets)*float64(length), s.Packets + float64(p.Packets)}
	}
	return sums
}

// Rate is what an exponentially decaying rate is to be.
type Rate struct {
	Bytes   float64 // per second
	Packets float64 // per second
	Error   float64 // standard error of Bytes
	Samples float64 // observations behind it, decayed
}

// Rates returns the decaying rates, of time constant t, of what the collector was told, at an instant.
func (o *Oracle) Rates(by By, t time.Duration, at schema.Instant) map[Place]Rate {
	variance, rates := map[Place]float64{}, map[Place]Rate{}
	tau := t.Seconds()
	for i := range o.told {
		h := &o.told[i]
		key, ok := by(&h.told.Key)
		if !ok {
			continue
		}
		p := Place{h.told.Source, key}
		fade := math.Exp(-at.Sub(h.at).Seconds() / tau)
		bytes := float64(h.told.Bytes) / tau * fade
		r := rates[p]
		rates[p] = Rate{
			Bytes: r.Bytes + bytes, Packets: r.Packets + float64(h.told.Packets)/tau*fade, Samples: r.Samples + fade,
		}
		// One packet in Rate was seen: so many stand behind this.
		seen := float64(h.told.Packets) / float64(h.told.Rate)
		variance[p] += bytes * bytes * (1 - 1/float64(h.told.Rate)) / seen
	}
	for p, r := range rates {
		r.Error = math.Sqrt(variance[p])
		rates[p] = r
	}
	return rates
}

// TrueRates returns the decaying rates, of time constant t, of what passed: what Rates would be without sampling.
func (o *Oracle) TrueRates(by By, t time.Duration, at schema.Instant) map[Place]Rate {
	rates := map[Place]Rate{}
	tau := t.Seconds()
	for i := range o.passed {
		p := &o.passed[i]
		key, ok := by(&p.Key)
		if !ok {
			continue
		}
		place := Place{schema.Source{Exporter: p.Exporter, Index: p.In}, key}
		fade := math.Exp(-at.Sub(p.At).Seconds() / tau)
		r, packets := rates[place], float64(p.Packets)/tau*fade
		rates[place] = Rate{
			Bytes: r.Bytes + packets*float64(p.Length), Packets: r.Packets + packets,
			Samples: r.Samples + float64(p.Packets),
		}
	}
	return rates
}
