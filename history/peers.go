package history

import (
	"context"
	"slices"
	"strconv"

	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// Peers is what a key occurred together with: the largest keys of one cross-key group that have it as a part.
type Peers struct {
	Group *meter.Group // the cross-key group
	Part  int          // which part of its keys is the key, from 0
	Toppers
}

// peersMost bounds the rows of one cross-key group that one question visits.
const peersMost = 100_000

// Peers tells what a key (binary) of a group occurred together with over a span, by the primary meter of each cross-key
// group that is made from the group.
func (h *History) Peers(ctx context.Context, g *meter.Group, bin []byte, q TopperQuery) ([]Peers, error) {
	var out []Peers
	for _, cross := range h.Engine.State().Groups {
		if cross.Kind != meter.KindCrosskey || cross.Inactive {
			continue
		}
		for i, parent := range cross.Parents {
			// Parents with keys of several parts themselves have no single part to compare.
			if parent != g.Name || len(cross.Form) != len(cross.Parents) {
				continue
			}
			one := q
			one.Group, one.Meter = cross, cross.Primary
			p, err := h.peers(ctx, one, i, bin)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

func (h *History) peers(ctx context.Context, q TopperQuery, part int, bin []byte) (Peers, error) {
	g := q.Group
	m := g.Meter(q.Meter)
	r := newRanking(joiningOf(m.Type))
	p := Peers{Group: g, Part: part, Toppers: Toppers{Meter: m, Unit: q.Shape.Unit(m), Source: "buckets", Span: q.Span}}
	var list []listed
	h.Engine.Ledger(func(l *meter.Ledger) {
		now := l.Group(g.Name)
		if now == nil {
			return
		}
		place := slices.IndexFunc(now.Meters, func(x meter.Meter) bool { return x.ID == m.ID })
		for _, k := range l.Keys(g.Name, func(k []byte) bool { return string(g.Form.Part(k, part)) == string(bin) },
			peersMost) {
			for _, x := range l.Row(g.Name, k) {
				if q.Span.Contains(x.Start) && place >= 0 && x.Values[place] > 0 {
					p.Open = true
					list = append(list, listed{rank: 1, key: string(g.Form.AppendRaw(nil, k)), value: x.Values[place],
						stderr: x.Stderr[place]})
				}
			}
		}
	})
	raw := string(g.Form[part:part+1].AppendRaw(nil, bin))
	column := "m" + strconv.Itoa(m.ID)
	with := store.Where("key", store.Prefix, store.Text(raw+`\`))
	if part > 0 {
		with = store.Where("key", store.Contains, store.Text(`\`+raw))
	}
	sq := store.Query{
		Table: schema.TableBuckets, From: q.Span.From, To: q.Span.To, By: []string{"key"},
		Where:      store.All(store.Where("grp", store.Eq, store.Text(g.Name)), with),
		Aggregates: []store.Agg{{Column: column, Func: store.Sum, As: "value"}}, OrderBy: "value", Desc: true,
		Limit: peersMost,
	}
	err := h.each(ctx, sq, func(b *schema.Block) {
		for i := range b.Rows {
			name := textAt(b.Column("key"), i)
			k, err := g.Form.Parse(name)
			if err == nil && !key.IsTotals(name) && string(g.Form.Part(k, part)) == string(bin) {
				list = append(list, listed{rank: 1, key: name, value: numberAt(b.Column("value"), i)})
			}
		}
	})
	if err != nil {
		return p, err
	}
	for _, l := range list {
		r.total.add(r.how, q.Span.From, l.value)
	}
	r.bucket(q.Span.From, q.Span.Length().Seconds(), list, false)
	q.fill(&p.Toppers, r)
	return p, nil
}
