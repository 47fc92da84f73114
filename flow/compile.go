package flow

import (
	"fmt"
	"math"
	"slices"
	"time"

	"weir/schema"
)

// kind says how a value behaves over time (spec sflow-rt 1.4).
type kind uint8

const (
	decaying kind = iota // sum, rate: a rate that fades
	averaged             // avg
	smallest             // min, in the window
	largest              // max, in the window
	distinct             // count, in the window
	latest               // last
)

// kindOf maps modifiers to kinds.
var kindOf = [...]kind{
	schema.Sum: decaying, schema.Rate: decaying, schema.Avg: averaged, schema.Min: smallest, schema.Max: largest,
	schema.Count: distinct, schema.Last: latest,
}

// wordsOf is how many words of state a value of each kind needs in an entry. Those of a rate are what was seen at
// ingress and at egress, then the variances of both; those of an average the decayed sum, the decayed sum of squares,
// and the sum of the squared weights.
var wordsOf = [...]int{decaying: 4, averaged: 3, smallest: 3, largest: 3, distinct: 3, latest: 1}

// estimable tells whether the standard error of a value can be estimated from samples.
func (k kind) estimable() bool { return k == decaying || k == averaged }

// stderr returns the standard error of a value that has a variance; NaN when something in it was estimated from
// samples and there is no telling how well.
func (k kind) stderr(variance float64, sampled bool) float64 {
	if sampled && !k.estimable() {
		return math.NaN()
	}
	return math.Sqrt(variance)
}

// windowed tells whether what was seen counts for a window of time and then not at all.
func (k kind) windowed() bool { return k == smallest || k == largest || k == distinct }

// minWindow is the shortest window of min, max and count (spec sflow-rt 1.4).
const minWindow = time.Second

// shape is what must be known of a definition to read its flows. It never changes.
type shape struct {
	perNano  float64 // 1/t in 1/ns: how fast rates fade
	perSec   float64 // 1/t in 1/s
	value    kind
	values   []kind
	agent    bool // ingress and egress parts are two views of the same traffic: the larger counts
	windowed bool // value or one of values is
	window   time.Duration
}

func newShape(d *Definition, value kind, values []kind) *shape {
	s := &shape{
		perNano: 1 / (d.T * float64(time.Second)), perSec: 1 / d.T, value: value, values: values,
		agent: d.AggMode == aggAgent, window: max(seconds(d.T), minWindow), windowed: value.windowed(),
	}
	for _, k := range values {
		s.windowed = s.windowed || k.windowed()
	}
	return s
}

// generation numbers the windows. What was seen in the generation of an instant and in the one before counts, so the
// window slides between once and twice its length.
func (s *shape) generation(at schema.Instant) uint64 { return uint64(at) / uint64(s.window) }

// fade returns by what a rate is multiplied when d nanoseconds (not negative) have passed.
func (s *shape) fade(d schema.Instant) float64 {
	if d == 0 {
		return 1
	}
	return math.Exp(-float64(d) * s.perNano)
}

// origin says where the weight of a record comes from.
type origin uint8

const (
	fromEval   origin = iota
	fromBytes         // Record.Bytes, when the record counts packets and is no transaction
	fromFrames        // Record.Packets, likewise
)

// reading is what a gauge read from a record.
type reading struct {
	w    float64 // scaled when the value decays, else as it is
	k    float64 // observed packets behind it, at least 1
	hash uint64  // of the value, for distinct
}

// variance returns the variance of w when the record behind it stands for one in rate; see the package comment.
func (r *reading) variance(rate uint32) float64 {
	if rate <= 1 {
		return 0
	}
	return r.w * r.w * (1 - 1/float64(rate)) / r.k
}

// gauge reads one value of a definition from records.
type gauge struct {
	kind    kind
	origin  origin
	scaled  bool
	factor  float64
	eval    schema.Eval
	at      int // first word of its state in an entry; -1 when it lives in the entry itself
	total   int // word of its total for the log, the variance of that after it; -1 when there is none
	value   schema.Value
	scratch []byte
}

func newGauge(m *schema.Measure) gauge {
	g := gauge{kind: kindOf[m.Modifier], scaled: m.Scaled, factor: m.Factor, eval: m.Eval, at: -1, total: -1}
	if m.Factor == 0 {
		g.factor = 1
	}
	if g.kind == decaying {
		switch m.Attribute {
		case "bytes":
			g.origin = fromBytes
		case "frames":
			g.origin = fromFrames
		}
	}
	return g
}

// read reads r into out; false when the value is null, or a rate would be negative.
func (g *gauge) read(r *schema.Record, out *reading) bool {
	if g.origin != fromEval && r.Packets > 0 && r.Kind != schema.KindTransaction {
		n := r.Packets
		if g.origin == fromBytes {
			n = r.Bytes
		}
		out.w, out.k = float64(n)*g.factor, 1
		if r.Rate > 1 {
			out.k = max(1, float64(r.Packets)/float64(r.Rate))
		}
		return true
	}
	g.value.SetNull()
	g.eval(r, &g.value)
	if g.kind == distinct {
		if g.value.IsNull() {
			return false
		}
		g.scratch = g.value.AppendKey(g.scratch[:0])
		out.hash = hashBytes(g.scratch)
		return true
	}
	w, ok := g.value.Number()
	if !ok {
		return false
	}
	if g.scaled && r.Rate > 1 {
		w *= float64(r.Rate)
	}
	out.w, out.k = w, 1
	return (g.kind != decaying || w >= 0) && !math.IsNaN(w) && !math.IsInf(w, 0)
}

// hashBytes is FNV-1a with a finalizer (of MurmurHash3): the same everywhere, since sketches show it.
func hashBytes(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// compile makes a plan of a completed definition.
func compile(c *schema.Compiler, d *Definition) (*plan, error) {
	p := &plan{def: d, gathered: true}
	watching := *c
	watching.Used = func(name string) { p.gathered = p.gathered && alike[name] }
	c = &watching
	var err error
	if p.keys, err = c.Keys(d.Keys); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if p.filter, err = c.Filter(d.Filter); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	m, err := c.Value(d.Value)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	p.value = newGauge(m)
	kinds := make([]kind, len(d.Values))
	for i, text := range d.Values {
		m, err := c.Value(text)
		if err != nil {
			return nil, fmt.Errorf("values: %d: %w", i+1, err)
		}
		p.values = append(p.values, newGauge(m))
		kinds[i] = p.values[i].kind
	}
	p.shape = newShape(d, p.value.kind, kinds)
	p.gathered = p.gathered && p.value.additive() && !slices.ContainsFunc(p.values, func(g gauge) bool {
		return !g.additive()
	})
	p.readings = make([]reading, len(p.values))
	p.layOut()
	return p, nil
}

// layOut gives every value, and the log, its words in the state of an entry.
func (p *plan) layOut() {
	n := 0
	take := func(words int) int {
		n += words
		return n - words
	}
	if k := p.value.kind; k != decaying && k != averaged {
		p.value.at = take(wordsOf[k])
	}
	for i := range p.values {
		p.values[i].at = take(wordsOf[p.values[i].kind])
	}
	p.estimates = n
	if p.def.Log {
		p.value.total = p.estimates + logTotal
		take(logWords)
		for i := range p.values {
			if p.values[i].kind == decaying {
				p.values[i].total = take(2)
			}
		}
	}
	p.cache.stride = n
}
