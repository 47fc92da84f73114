package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
)

// metered adds up what counter groups counted over a whole replay.
type metered struct {
	groups map[string]*meteredGroup
	left   int    // keys that there is room for
	more   uint64 // rows of keys that there was no room for
}

type meteredGroup struct {
	group *meter.Group
	total meteredKey
	keys  map[string]*meteredKey
}

// meteredKey is what a key has of each meter, in the order of the group's meters; NaN is nothing.
type meteredKey struct {
	raw      string
	values   []float64
	counts   []float64 // of samples, for averages
	missed   float64   // of the primary meter
	variance float64   // of the primary meter
}

func newMetered() *metered { return &metered{groups: map[string]*meteredGroup{}, left: maxTotals} }

// define makes room for the groups that are in force.
func (m *metered) define(groups []*meter.Group) {
	for _, g := range groups {
		if m.groups[g.Name] == nil {
			m.groups[g.Name] = &meteredGroup{
				group: g, keys: map[string]*meteredKey{}, total: newMeteredKey(g, key.Totals),
			}
		}
	}
}

func newMeteredKey(g *meter.Group, raw string) meteredKey {
	k := meteredKey{raw: raw, values: make([]float64, len(g.Meters)), counts: make([]float64, len(g.Meters))}
	for i := range k.values {
		k.values[i] = math.NaN()
	}
	return k
}

// take adds the rows of a keepsake.
func (m *metered) take(k *engine.Keepsake) {
	for _, b := range k.Blocks {
		if b.Table == schema.TableBuckets {
			m.block(b)
		}
	}
}

func (m *metered) block(b *schema.Block) {
	groups, keys := &b.Column("grp").Texts, &b.Column("key").Texts
	stderr, missed := b.Column("stderr"), b.Column("missed")
	for i := range b.Rows {
		g := m.groups[string(groups.At(i))]
		if g == nil {
			continue
		}
		k := m.key(g, keys.At(i))
		if k == nil {
			m.more++
			continue
		}
		k.add(g.group, b, i)
		if stderr != nil {
			k.variance += stderr.Floats[i] * stderr.Floats[i]
		}
		if missed != nil {
			k.missed += missed.Floats[i]
		}
	}
}

// key returns the sums of a key, nil when there is no room for it.
func (m *metered) key(g *meteredGroup, raw []byte) *meteredKey {
	if string(raw) == key.Totals {
		return &g.total
	}
	if k := g.keys[string(raw)]; k != nil {
		return k
	}
	if m.left == 0 {
		return nil
	}
	m.left--
	k := newMeteredKey(g.group, string(raw))
	g.keys[k.raw] = &k
	return &k
}

// add joins row i of a block of buckets to what the key has.
func (k *meteredKey) add(g *meter.Group, b *schema.Block, i int) {
	for j := range g.Meters {
		m := &g.Meters[j]
		column := b.Column("m" + strconv.Itoa(m.ID))
		if column == nil || math.IsNaN(column.Floats[i]) {
			continue
		}
		v := column.Floats[i]
		switch old := k.values[j]; {
		case m.Type == meter.Average: // a sum, and of how many
			x, _ := g.Extra(m.ID)
			k.values[j], k.counts[j] = orZero(old)+v, k.counts[j]+b.Column("x" + strconv.Itoa(x)).Floats[i]
		case math.IsNaN(old):
			k.values[j] = v
		case m.Distinct || m.Type == meter.Maximum:
			k.values[j] = max(old, v)
		case m.Type == meter.Minimum:
			k.values[j] = min(old, v)
		case m.Type.Summed():
			k.values[j] = old + v
		default: // levels and gauges: as they stand at the end
			k.values[j] = v
		}
	}
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// value returns what a key has of the meter at place j; ok is false when it has nothing.
func (k *meteredKey) value(g *meter.Group, j int) (v float64, ok bool) {
	v = k.values[j]
	if g.Meters[j].Type == meter.Average && k.counts[j] > 0 {
		v /= k.counts[j]
	}
	return v, !math.IsNaN(v)
}

// groupResult is what a replay says of a counter group.
type groupResult struct {
	Totals  map[string]float64            `json:"totals"`
	Keys    map[string]map[string]float64 `json:"keys"`
	Keyed   int                           `json:"keys_found"`
	Toppers map[string][]topperResult     `json:"toppers"`

	group *meter.Group
}

type topperResult struct {
	Key    string  `json:"key"`
	Value  float64 `json:"value"`
	Error  float64 `json:"error"`            // the truth is at most value + error, because the group was full
	Stderr float64 `json:"stderr,omitempty"` // standard error of an estimate from samples
}

// result returns the groups that counted something, with at most n keys each: the largest of the primary meter.
func (m *metered) result(n int) map[string]groupResult {
	out := map[string]groupResult{}
	for name, g := range m.groups {
		if len(g.keys) > 0 || len(g.total.totals(g.group)) > 0 {
			out[name] = g.result(n)
		}
	}
	return out
}

func (k *meteredKey) totals(g *meter.Group) map[string]float64 {
	out := map[string]float64{}
	for j := range g.Meters {
		if v, ok := k.value(g, j); ok {
			out[strconv.Itoa(g.Meters[j].ID)] = v
		}
	}
	return out
}

func (g *meteredGroup) result(n int) groupResult {
	r := groupResult{
		Totals: g.total.totals(g.group), Keys: map[string]map[string]float64{}, Keyed: len(g.keys),
		Toppers: map[string][]topperResult{}, group: g.group,
	}
	primary := slices.IndexFunc(g.group.Meters, func(m meter.Meter) bool { return m.ID == g.group.Primary })
	for _, k := range g.largest(primary, n) {
		r.Keys[g.group.Form.RawToReadable(k.raw)] = k.totals(g.group)
	}
	for j := range g.group.Meters {
		m := &g.group.Meters[j]
		if m.Top == 0 {
			continue
		}
		list := []topperResult{}
		for _, k := range g.largest(j, m.Top) {
			v, ok := k.value(g.group, j)
			if !ok || v == 0 {
				continue
			}
			t := topperResult{Key: g.group.Form.RawToReadable(k.raw), Value: v}
			if j == primary {
				t.Error, t.Stderr = k.missed, math.Sqrt(k.variance)
			}
			list = append(list, t)
		}
		r.Toppers[strconv.Itoa(m.ID)] = list
	}
	return r
}

// largest returns the n keys with the largest values of the meter at place j, of equal ones those that sort first.
func (g *meteredGroup) largest(j, n int) []*meteredKey {
	list := make([]*meteredKey, 0, len(g.keys))
	for _, k := range g.keys {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *meteredKey) int {
		x, okX := a.value(g.group, j)
		y, okY := b.value(g.group, j)
		if okX != okY {
			if okX {
				return -1
			}
			return 1
		}
		if okX && x != y {
			return cmp.Compare(y, x)
		}
		return strings.Compare(a.raw, b.raw)
	})
	return list[:min(n, len(list))]
}
