package metric

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// summary returns the statistic that a column asks for over cells, as a record under the name as asked.
func (k *asking) summary(c *column, all []datum) Record {
	if c.stat != statMax && c.stat != statMin && c.stat != statAny {
		all = slices.DeleteFunc(all, func(d datum) bool { return d.value.Form != Number })
	}
	out := Record{MetricName: c.asked, MetricN: new(len(all))}
	if len(all) == 0 {
		return out
	}
	newest, oldest := all[0].at, all[0].at
	for i := range all {
		newest, oldest = max(newest, all[i].at), min(oldest, all[i].at)
	}
	switch c.stat {
	case statMax, statMin, statAny:
		chosen := k.record(c.asked, choose(c.stat, all))
		chosen.MetricN = out.MetricN
		out = chosen
	case statSum:
		out.MetricValue, out.MetricError = total(all, 1)
		out.TopKeys = k.sumKeys(all)
	case statAvg:
		out.MetricValue, out.MetricError = total(all, float64(len(all)))
	case statVar:
		out.MetricValue = Num(variance(all))
	case statSdev:
		out.MetricValue = Num(math.Sqrt(variance(all)))
	default:
		if q := quartiles(all); !math.IsInf(q.Max-q.Min, 0) { // else its numbers have no JSON
			out.Quartiles, out.MetricValue = &q, Num(q.pick(c.stat))
		}
	}
	out.LastUpdateMin, out.LastUpdateMax = new(age(k.at, newest)), new(age(k.at, oldest))
	return out
}

// choose returns the largest, smallest or newest cell, the first in canonical order when several are equal. Numbers go
// before texts, which have no size.
func choose(s statistic, all []datum) *datum {
	best := &all[0]
	for i := range all[1:] {
		d := &all[i+1]
		by := cmp.Compare(best.value.Form, d.value.Form)
		if by == 0 {
			by = d.value.compare(best.value)
			if s == statMin {
				by = -by
			}
		}
		if s == statAny {
			by = cmp.Compare(d.at, best.at)
		}
		if by > 0 {
			best = d
		}
	}
	return best
}

// total returns the sum by n and its standard error: errors of different datasources are independent, so their squares
// add up.
func total(all []datum, n float64) (v Value, err float64) {
	sum, square := 0.0, 0.0
	for i := range all {
		sum += all[i].value.Number
		if f := all[i].flow; f != nil {
			square += f.Error * f.Error
		}
	}
	return Num(sum / n), Num(math.Sqrt(square) / n).Number
}

// variance is the mean square of the distance from the mean, of all values and not of a sample of them.
func variance(all []datum) float64 {
	mean, square := 0.0, 0.0
	for i := range all {
		d := all[i].value.Number - mean
		mean += d / float64(i+1)
		square += d * (all[i].value.Number - mean)
	}
	return square / float64(len(all))
}

// quartiles returns the quartiles of the values.
func quartiles(all []datum) Quartiles {
	v := make([]float64, len(all))
	for i := range all {
		v[i] = all[i].value.Number
	}
	slices.Sort(v)
	at := func(part float64) float64 {
		x := part * float64(len(v)-1)
		i := int(x)
		if i+1 >= len(v) {
			return v[i]
		}
		return v[i] + (x-float64(i))*(v[i+1]-v[i])
	}
	return Quartiles{v[0], at(0.25), at(0.5), at(0.75), v[len(v)-1]}
}

// pick returns the one that a statistic asks for.
func (q *Quartiles) pick(s statistic) float64 {
	switch s {
	case statQ1:
		return q.Q1
	case statQ3:
		return q.Q3
	case statIqr:
		return q.Q3 - q.Q1
	}
	return q.Med
}

// sumKeys adds the largest flows of all cells key by key; as many are returned as one cell has at most.
func (k *asking) sumKeys(all []datum) []TopKey {
	n := 0
	index := map[string]int{}
	var out []TopKey
	for i := range all {
		if all[i].flow == nil {
			continue
		}
		n = max(n, len(all[i].flow.Top))
		for _, t := range all[i].flow.Top {
			j, ok := index[t.Key]
			if !ok {
				index[t.Key] = len(out)
				t.Values = nil // They are of one place and mean nothing for the sum.
				out = append(out, t)
				continue
			}
			o := &out[j]
			o.Value = Num(o.Value + t.Value).Number
			o.Error = Num(math.Hypot(o.Error, t.Error)).Number
			o.Last = max(o.Last, t.Last)
		}
	}
	slices.SortFunc(out, func(a, b TopKey) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Key, b.Key))
	})
	return k.topKeys(out[:min(n, len(out))])
}
