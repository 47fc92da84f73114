package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// quickKinds are the kinds of keys of which there are few enough to be looked through for every search.
var quickKinds = []key.Kind{key.App, key.Protocol, key.EtherType, key.VLAN, key.Country, key.ICMP, key.DSCP, key.Length,
	key.Direction, key.Text}

// hit is a key that may be meant, and how well it fits: smaller is better.
type hit struct {
	FoundKey
	fit int
}

// hits is what a search found.
type hits struct {
	byName map[string]*hit
}

func (s *hits) add(g *meter.Group, raw string, fit int) *hit {
	name := g.Name + "\x00" + raw
	k := s.byName[name]
	if k == nil {
		k = &hit{FoundKey: FoundKey{Group: g, Key: raw}, fit: fit}
		s.byName[name] = k
	}
	k.fit = min(k.fit, fit)
	return k
}

// Search finds keys of any group that text may mean: keys that it is, in any form; labels that contain it; addresses
// that begin with it; services, countries and the like whose names contain it. The likeliest come first.
func (h *History) Search(ctx context.Context, text string, most int) ([]FoundKey, error) {
	state, view := h.Engine.State(), h.Engine.View()
	found := &hits{byName: map[string]*hit{}}
	text = strings.TrimSpace(text)
	h.guess(state, text, found)
	h.look(state, text, most, found)
	if err := h.remember(ctx, view.At, state, text, most, found); err != nil {
		return nil, err
	}
	list := make([]*hit, 0, len(found.byName))
	for _, k := range found.byName {
		if k.Live {
			k.Last = view.At
		}
		// Guesses that nobody has seen are not worth showing.
		if k.Live || k.Last != 0 || k.fit == fitLabel {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b *hit) int {
		return cmp.Or(cmp.Compare(a.fit, b.fit), cmp.Compare(a.Group.Name, b.Group.Name), cmp.Compare(a.Key, b.Key))
	})
	out := make([]FoundKey, 0, min(most, len(list)))
	for _, k := range list[:min(most, len(list))] {
		out = append(out, k.FoundKey)
	}
	return out, nil
}

// How well a key fits: it is what was typed, its label has it, it begins with it, its name has it.
const (
	fitExact = iota
	fitLabel
	fitPrefix
	fitPart
)

// guess takes what the text may be as a key, and labels that contain it.
func (h *History) guess(state *engine.State, text string, found *hits) {
	guesses := key.Guess(text)
	for _, g := range state.Groups {
		for _, c := range guesses {
			if len(g.Form) == 1 && g.Form[0] == c.Kind {
				found.add(g, string(g.Form.AppendRaw(nil, c.Bin)), fitExact)
			}
		}
		for _, raw := range newPattern(text, g, state.Labels[g.Name]).labelled() {
			found.add(g, raw, fitLabel)
		}
	}
}

// look visits what is counted now.
func (h *History) look(state *engine.State, text string, most int, found *hits) {
	for _, g := range state.Groups {
		p := newPattern(text, g, nil)
		quick := len(g.Form) == 1 && slices.Contains(quickKinds, g.Form[0])
		if !g.Inactive && (quick || p.prefix != "") {
			fit := fitPart
			if p.prefix != "" {
				fit = fitPrefix
			}
			for _, raw := range h.liveKeys(p, most) {
				found.add(g, raw, fit).Live = true
			}
		}
	}
	h.Engine.Ledger(func(l *meter.Ledger) {
		for _, k := range found.byName {
			if bin, err := k.Group.Form.Parse(k.Key); err == nil && !k.Live {
				k.Live = len(l.Row(k.Group.Name, bin)) > 0
			}
		}
	})
}

// remember asks the store about what was found, and for addresses that begin with the text.
func (h *History) remember(ctx context.Context, now schema.Instant, state *engine.State, text string, most int,
	found *hits) error {
	var some []store.Cond
	for _, k := range found.byName {
		some = append(some, store.All(store.Where("grp", store.Eq, store.Text(k.Group.Name)),
			store.Where("key", store.Eq, store.Text(k.Key))))
		if len(some) >= 1000 {
			break
		}
	}
	for _, g := range state.Groups {
		if p := newPattern(text, g, nil); p.prefix != "" {
			some = append(some, store.All(store.Where("grp", store.Eq, store.Text(g.Name)),
				store.Where("key", store.Prefix, store.Text(p.prefix))))
		}
	}
	if len(some) == 0 {
		return nil
	}
	q := keyQuery(now, store.Any(some...))
	q.Limit = len(found.byName) + 100*most
	return h.each(ctx, q, func(b *schema.Block) {
		for i := range b.Rows {
			g, raw := state.Group(textAt(b.Column("grp"), i)), textAt(b.Column("key"), i)
			if g == nil {
				continue
			}
			if found.byName[g.Name+"\x00"+raw] != nil || newPattern(text, g, nil).match(raw) {
				found.add(g, raw, fitPrefix).seen(b, i)
			}
		}
	})
}
