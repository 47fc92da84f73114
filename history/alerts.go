package history

import (
	"cmp"
	"context"
	"math"
	"slices"

	"weir/alert"
	"weir/schema"
	"weir/store"
)

// AlertQuery asks for alerts. What is empty is not looked at.
type AlertQuery struct {
	Span  Span
	Max   int
	Rule  string
	Group string // short name
	Key   string // raw
	State string // alert.Fired or alert.Cleared
}

func (q *AlertQuery) match(a *alert.Alert) bool {
	is := func(wanted, have string) bool { return wanted == "" || wanted == have }
	return q.Span.Contains(a.At) && is(q.Rule, a.Rule) && is(q.Group, a.Group) && is(q.Key, a.Key) &&
		is(q.State, a.State)
}

// Alerts returns alerts, newest first: those that are stored and those that are not yet. more tells that there are
// others.
func (h *History) Alerts(ctx context.Context, q AlertQuery) (list []alert.Alert, more bool, err error) {
	recent := h.Engine.RecentAlerts()
	for i := range recent {
		if q.match(&recent[i]) {
			list = append(list, recent[i])
		}
	}
	type name struct {
		at         schema.Instant
		rule, key  string
		state, grp string
	}
	nameOf := func(a *alert.Alert) name { return name{a.At, a.Rule, a.Key, a.State, a.Group} }
	known := make(map[name]bool, len(list))
	for i := range list {
		known[nameOf(&list[i])] = true
	}
	sq := store.Query{Table: schema.TableAlerts, From: q.Span.From, To: q.Span.To, OrderBy: "at", Desc: true,
		Limit: q.Max + 1 + len(list)}
	for column, wanted := range map[string]string{"rule": q.Rule, "grp": q.Group, "key": q.Key, "state": q.State} {
		if wanted != "" {
			sq.Where = store.All(sq.Where, store.Where(column, store.Eq, store.Text(wanted)))
		}
	}
	err = h.each(ctx, sq, func(b *schema.Block) {
		for i := range b.Rows {
			if a := alertAt(b, i); !known[nameOf(&a)] {
				list = append(list, a)
			}
		}
	})
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(list, func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Key, b.Key))
	})
	return list[:min(len(list), q.Max)], len(list) > q.Max, nil
}

// alertAt reads row i of a block of alerts.
func alertAt(b *schema.Block, i int) alert.Alert {
	text := func(name string) string { return textAt(b.Column(name), i) }
	limit := func(name string) float64 {
		if c := b.Column(name); c != nil {
			return numberAt(c, i)
		}
		return math.NaN()
	}
	return alert.Alert{
		At: schema.Instant(b.Column("at").Ints[i]), Rule: text("rule"), Kind: text("kind"), State: text("state"),
		Group: text("grp"), Key: text("key"), Meter: int(numberAt(b.Column("meter"), i)), Value: limit("value"),
		Low: limit("low"), High: limit("high"), Priority: int(numberAt(b.Column("priority"), i)), Message: text("message"),
	}
}
