package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"weir/schema"
	"weir/store"
)

// Portion is what the sessions that have one thing in common sent together.
type Portion struct {
	Keys     []string // values of what they have in common: one, or two for pairs
	Bytes    float64
	Packets  float64
	Sessions float64
}

// The words by which sessions may be put together, and the columns of each: several alternatives are counted one by
// one, a session under each value that it has.
var portions = map[string][][]string{
	"a_ip": {{"a_ip"}}, "z_ip": {{"z_ip"}}, "ip": {{"a_ip"}, {"z_ip"}}, "a_port": {{"a_port"}},
	"z_port": {{"z_port"}}, "port": {{"a_port"}, {"z_port"}}, "proto": {{"proto"}}, "pair": {{"a_ip", "z_ip"}},
	"service": {{"proto", "z_port"}}, "exporter": {{"exporter"}}, "if_in": {{"exporter", "if_in"}},
	"if_out": {{"exporter", "if_out"}}, "vlan": {{"vlan"}}, "tags": {{"tags"}}, "state": {{"state"}},
	"conversation": {{"a_ip", "z_ip", "proto", "z_port"}},
}

// PortionWords are the words by which sessions may be put together, sorted.
var PortionWords = []string{"a_ip", "a_port", "conversation", "exporter", "if_in", "if_out", "ip", "pair", "port",
	"proto", "service", "state", "tags", "vlan", "z_ip", "z_port"}

// portionsMax bounds the groups of sessions that one question gathers.
const portionsMax = 200_000

// Portions puts the sessions of a search together by one of PortionWords, the largest by bytes first. More tells that
// there are others.
func (h *History) Portions(ctx context.Context, q SessionQuery, by string) (out []Portion, more bool, err error) {
	alternatives, known := portions[by]
	if !known {
		return nil, false, mistake("by", schema.DidYouMean(by, slices.Values(PortionWords)), "%q is not one of %s", by,
			strings.Join(PortionWords, ", "))
	}
	sum := map[string]*Portion{}
	for _, columns := range alternatives {
		if q.Past {
			if err := h.pastPortions(ctx, q, columns, sum); err != nil {
				return nil, false, err
			}
		}
	}
	if q.Live {
		found, err := h.live(ctx, q.Query, portionsMax)
		if err != nil {
			return nil, false, err
		}
		addLive(sum, found, alternatives)
	}
	for _, p := range sum {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Portion) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), slices.Compare(a.Keys, b.Keys))
	})
	more = len(out) > q.Max
	return out[:min(len(out), q.Max)], more, nil
}

func (h *History) pastPortions(ctx context.Context, q SessionQuery, columns []string, sum map[string]*Portion) error {
	sq := store.Query{
		Table: schema.TableSessions, From: q.From, To: q.To, Overlap: true, Where: conditionOf(q.Where), By: columns,
		Aggregates: []store.Agg{{Column: "bytes", Func: store.Sum, As: "sum_bytes"},
			{Column: "packets", Func: store.Sum, As: "sum_packets"}, {Func: store.Count, As: "sessions"}},
		OrderBy: "sum_bytes", Desc: true, Limit: portionsMax,
	}
	return h.each(ctx, sq, func(b *schema.Block) {
		for i := range b.Rows {
			keys := make([]string, len(columns))
			for j, name := range columns {
				keys[j] = textAt(b.Column(name), i)
			}
			portion(sum, keys, numberAt(b.Column("sum_bytes"), i), numberAt(b.Column("sum_packets"), i),
				numberAt(b.Column("sessions"), i))
		}
	})
}

// portion adds to what has keys in common.
func portion(sum map[string]*Portion, keys []string, bytes, packets, sessions float64) {
	name := strings.Join(keys, "\x00")
	p := sum[name]
	if p == nil {
		p = &Portion{Keys: keys}
		sum[name] = p
	}
	p.Bytes, p.Packets, p.Sessions = p.Bytes+bytes, p.Packets+packets, p.Sessions+sessions
}

// addLive adds sessions that still go on: as rows of the table of sessions, so that all columns have one meaning.
func addLive(sum map[string]*Portion, found []Conversation, alternatives [][]string) {
	b := schema.NewBlock(schema.TableSessions, 1)
	for i := range found {
		c := &found[i]
		for j := range b.Columns {
			col := &b.Columns[j]
			col.Ints, col.Floats, col.Texts.Data, col.Texts.Ends = col.Ints[:0], col.Floats[:0], col.Texts.Data[:0],
				col.Texts.Ends[:0]
		}
		b.Rows = 0
		c.AppendRow(b)
		for _, columns := range alternatives {
			keys := make([]string, len(columns))
			for k, name := range columns {
				keys[k] = textAt(b.Column(name), 0)
			}
			portion(sum, keys, float64(c.Bytes()), float64(c.Packets()), 1)
		}
	}
}
