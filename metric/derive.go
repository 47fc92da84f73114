package metric

import (
	"slices"

	"weir/schema"
)

// boundRule is a rule with the columns of one shape.
type boundRule struct {
	rule *rule
	out  int
	in   []int // columns of need, then of may, -1 for those that are never sent
}

// bindRules adds the columns of all rules that can apply.
func (s *shape) bindRules() {
	for i := range rules {
		r := &rules[i]
		b := boundRule{rule: r}
		for _, n := range r.need {
			if c, ok := s.index[n]; ok {
				b.in = append(b.in, c)
			}
		}
		if len(b.in) < len(r.need) {
			continue
		}
		for _, n := range r.may {
			c, ok := s.index[n]
			if !ok {
				c = -1
			}
			b.in = append(b.in, c)
		}
		out, ok := s.derived(r.name)
		if r.need[0] == r.name {
			out, ok = b.in[0], true
		}
		if ok {
			b.out = out
			s.rules = append(s.rules, b)
		}
	}
}

// bindShares finds the counters that become percentages of their sum.
func (s *shape) bindShares() {
	s.slack = make([]bool, len(s.names))
	for c, n := range s.names {
		part, also := slices.Contains(cpuShare, n), slices.Contains(cpuAlso, n)
		s.slack[c] = part || also
		if part {
			s.share = append(s.share, c)
		}
		if also {
			s.also = append(s.also, c)
		}
	}
}

// derive computes what follows from the values that the reading of w.stamp brought.
func (t *Table) derive(w *row, at schema.Instant) {
	s := w.shape
	if len(s.share) > 0 {
		w.shares()
	}
	for i := range s.rules {
		t.apply(w, &s.rules[i], at)
	}
	if s.workload.host >= 0 {
		w.workload(at)
	}
}

// came tells whether the reading at hand gave a column its value.
func (w *row) came(c int) bool { return w.marks[c].stamp == w.stamp }

// shares turns rates of processor time into percentages of their sum; when it is 0 there are none.
func (w *row) shares() {
	total := 0.0
	for _, c := range w.shape.share {
		if w.came(c) && w.marks[c].kind != schema.Gauge {
			total += w.cells[c].value.Number
		}
	}
	for _, list := range [2][]int{w.shape.share, w.shape.also} {
		for _, c := range list {
			v := &w.cells[c].value
			if !w.came(c) || v.Form != Number || w.marks[c].kind == schema.Gauge {
				continue
			}
			if total > 0 {
				*v = Num(100 * v.Number / total)
			} else {
				*v = Value{}
			}
		}
	}
}

// apply evaluates one rule.
func (t *Table) apply(w *row, b *boundRule, at schema.Instant) {
	in := t.inputs[:0]
	came, known := false, true
	for i, c := range b.in {
		v := 0.0
		if c >= 0 {
			came = came || w.came(c)
			x := &w.cells[c]
			live := x.value.Form == Number && at.Sub(x.at) <= t.limits.Expire
			known = known && (live || i >= len(b.rule.need))
			if live {
				v = x.value.Number
			}
		}
		in = append(in, v)
	}
	if !came || b.in[0] == b.out && !w.came(b.out) {
		return
	}
	w.put(b.out, Value{}, at)
	if known {
		if f, ok := b.rule.from(in); ok {
			w.cells[b.out].value = Num(f)
		}
	}
}

// put stores a derived value.
func (w *row) put(c int, v Value, at schema.Instant) {
	w.cells[c] = cell{at: at, value: v}
	w.marks[c].stamp, w.marks[c].at = w.stamp, at
}
