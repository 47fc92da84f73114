package history

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// seenFor is how far back keys are looked for.
const seenFor = 90 * day

// visitMost bounds the stored keys that one search visits.
const visitMost = 2_000_000

// FoundKey is a key that was found.
type FoundKey struct {
	Group *meter.Group
	Key   string // raw
	First schema.Instant
	// Last is when it was last seen: to the day, unless Live; 0 when it is not known.
	Last schema.Instant
	Live bool // it was seen in the open topper bucket
}

// pattern is what keys of a group are compared with: text somewhere in their raw or readable form or in their label,
// in capitals or not.
type pattern struct {
	text   string // lower case
	prefix string // raw keys that match by their form begin so; empty when that is not known
	group  *meter.Group
	labels map[string]engine.Label
	buf    []byte
}

func newPattern(text string, g *meter.Group, labels map[string]engine.Label) *pattern {
	p := &pattern{text: strings.ToLower(strings.TrimSpace(text)), group: g, labels: labels}
	if len(g.Form) == 1 && g.Form[0] == key.Host {
		p.prefix = hostPrefix(p.text)
	}
	return p
}

// hostPrefix returns how raw keys begin whose readable form begins with some whole numbers of an IPv4 address:
// "192.168." is "C0.A8.". One number of three digits alone can only be whole.
func hostPrefix(text string) string {
	if len(text) == 3 && !strings.Contains(text, ".") {
		text += "."
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 4 {
		return ""
	}
	var out []byte
	for _, part := range parts[:len(parts)-1] {
		n := 0
		for _, c := range []byte(part) {
			if c < '0' || c > '9' || n > 25 && c > '5' || n > 99 {
				return ""
			}
			n = n*10 + int(c-'0')
		}
		if part == "" || n > 255 {
			return ""
		}
		const digits = "0123456789ABCDEF"
		out = append(out, digits[n>>4], digits[n&15], '.')
	}
	return string(out)
}

// labelled returns the raw keys whose labels match, sorted.
func (p *pattern) labelled() (keys []string) {
	for raw, l := range p.labels {
		if p.text != "" && (strings.Contains(strings.ToLower(l.Label), p.text) ||
			strings.Contains(strings.ToLower(l.Description), p.text)) {
			keys = append(keys, raw)
		}
	}
	slices.Sort(keys)
	return keys
}

// match tells whether a raw key matches by its form.
func (p *pattern) match(raw string) bool {
	if p.text == "" {
		return true
	}
	if p.prefix != "" {
		return strings.HasPrefix(raw, p.prefix) && strings.HasPrefix(p.group.Form.RawToReadable(raw), p.text)
	}
	return strings.Contains(strings.ToLower(raw), p.text) ||
		strings.Contains(strings.ToLower(p.group.Form.RawToReadable(raw)), p.text)
}

// matchBinary tells whether a binary key matches by its form.
func (p *pattern) matchBinary(bin []byte) bool {
	if p.text == "" {
		return true
	}
	p.buf = p.group.Form.AppendRaw(p.buf[:0], bin)
	if p.prefix != "" && !strings.HasPrefix(string(p.buf), p.prefix) {
		return false
	}
	return p.match(string(p.buf))
}

// Keys finds keys of a group: those with the text in their raw or readable form or in their label; for addresses, those
// that begin with it. All keys when it is empty. They come in the order of their raw forms; more tells that there are
// others.
func (h *History) Keys(ctx context.Context, g *meter.Group, text string, offset, most int) ([]FoundKey, bool, error) {
	view := h.Engine.View()
	p := newPattern(text, g, h.Engine.State().Labels[g.Name])
	limit := offset + most + 1
	found := map[string]*FoundKey{}
	at := func(raw string) *FoundKey {
		k := found[raw]
		if k == nil {
			k = &FoundKey{Group: g, Key: raw}
			found[raw] = k
		}
		return k
	}
	for _, raw := range h.liveKeys(p, limit) {
		k := at(raw)
		k.Live, k.Last = true, view.At
	}
	for _, raw := range p.labelled() {
		at(raw)
	}
	if err := h.storedKeys(ctx, p, view.At, limit, at); err != nil {
		return nil, false, err
	}
	list := make([]FoundKey, 0, len(found))
	for _, k := range found {
		list = append(list, *k)
	}
	slices.SortFunc(list, func(a, b FoundKey) int { return cmp.Compare(a.Key, b.Key) })
	list = list[min(offset, len(list)):]
	if len(list) > most {
		return list[:most], true, nil
	}
	return list, false, nil
}

// liveKeys returns raw keys of the open topper bucket.
func (h *History) liveKeys(p *pattern, most int) (raws []string) {
	h.Engine.Ledger(func(l *meter.Ledger) {
		if g := l.Group(p.group.Name); g != nil {
			for _, bin := range l.Keys(g.Name, p.matchBinary, most) {
				raws = append(raws, string(g.Form.AppendRaw(nil, bin)))
			}
		}
	})
	return raws
}

// storedKeys finds the first keys that match, and what is stored of those that are found already.
func (h *History) storedKeys(ctx context.Context, p *pattern, now schema.Instant, most int,
	at func(raw string) *FoundKey) error {
	var where store.Cond
	if p.prefix != "" {
		named := []store.Cond{store.Where("key", store.Prefix, store.Text(p.prefix))}
		for _, raw := range p.labelled() {
			named = append(named, store.Where("key", store.Eq, store.Text(raw)))
			if len(named) > 1000 {
				break
			}
		}
		where = store.Any(named...)
	}
	q := keyQuery(now, store.All(store.Where("grp", store.Eq, store.Text(p.group.Name)), where))
	q.Limit = visitMost
	labelled := map[string]bool{}
	for _, raw := range p.labelled() {
		labelled[raw] = true
	}
	n := 0
	for b, err := range h.scan(ctx, q) {
		if err != nil {
			return err
		}
		for i := range b.Rows {
			raw := textAt(b.Column("key"), i)
			if !labelled[raw] && !p.match(raw) {
				continue
			}
			n++
			at(raw).seen(b, i)
		}
		if n >= most {
			return nil // the rest comes behind, in the order of raw keys
		}
	}
	return nil
}

// keyQuery asks when keys were seen.
func keyQuery(now schema.Instant, where store.Cond) store.Query {
	return store.Query{
		Table: schema.TableKeys, From: now.Add(-seenFor), To: now.Add(day), Where: where, By: []string{"grp", "key"},
		Aggregates: []store.Agg{{Column: "first", Func: store.Min, As: "first"}, {Column: "at", Func: store.Max,
			As: "last"}},
	}
}

// seen notes what is stored of a key: row i of an answer to keyQuery.
func (k *FoundKey) seen(b *schema.Block, i int) {
	k.First = schema.Instant(numberAt(b.Column("first"), i))
	if !k.Live {
		k.Last = max(schema.Instant(b.Column("last").Ints[i]), k.First)
	}
}

// Present is the value of one meter now.
type Present struct {
	Meter  *meter.Meter
	Unit   string
	Value  float64 // NaN when there is none
	Stderr float64
}

// KeyNow is what is known of one key.
type KeyNow struct {
	FoundKey
	Known bool // it was seen, or labelled
	// At is when the bucket began that Now is of, Width how much of it was counted; 0 when none is open.
	At    schema.Instant
	Width time.Duration
	Now   []Present // all meters, in the shape that is natural to them
}

// Key tells what is known of a raw key of a group.
func (h *History) Key(ctx context.Context, g *meter.Group, raw string) (*KeyNow, error) {
	view := h.Engine.View()
	k := &KeyNow{FoundKey: FoundKey{Group: g, Key: raw}, Known: key.IsTotals(raw)}
	w, err := want(g, nil)
	if err != nil {
		return nil, err
	}
	var last *bucket
	open := h.open(w, raw, Span{0, math.MaxInt64})
	for i := range open {
		if b := &open[i]; b.totals == key.IsTotals(raw) && (last == nil || b.at >= last.at) {
			last = b
		}
	}
	for i, m := range w.meters {
		k.Now = append(k.Now, Present{Meter: m, Unit: m.Unit, Value: math.NaN()})
		if last == nil {
			continue
		}
		k.Known, k.Live, k.Last, k.At = true, true, view.At, last.at
		k.Width = max(time.Second, min(last.width, h.counted(view.At).Sub(last.at)))
		k.Now[i].Value, k.Now[i].Stderr = last.values[i], last.stderrs[i]
		if m.Type.PerSecond() {
			k.Now[i].Value, k.Now[i].Stderr = last.values[i]/k.Width.Seconds(), last.stderrs[i]/k.Width.Seconds()
		}
	}
	if _, labelled := h.Engine.State().Labels[g.Name][raw]; labelled {
		k.Known = true
	}
	return k, h.lastSeen(ctx, k, view.At)
}

// lastSeen asks the store when a key was first and last seen.
func (h *History) lastSeen(ctx context.Context, k *KeyNow, now schema.Instant) error {
	one := store.All(store.Where("grp", store.Eq, store.Text(k.Group.Name)),
		store.Where("key", store.Eq, store.Text(k.Key)))
	err := h.each(ctx, keyQuery(now, one), func(b *schema.Block) {
		k.Known = true
		k.seen(b, 0)
	})
	if err != nil || k.Live || k.Last == 0 {
		return err
	}
	// The day is known; the bucket is looked for in it.
	from := floor(k.Last, day)
	q := store.Query{Table: schema.TableBuckets, From: from, To: from.Add(day), Where: one,
		Aggregates: []store.Agg{{Column: "at", Func: store.Max, As: "last"}}}
	return h.each(ctx, q, func(b *schema.Block) {
		if b.Rows > 0 {
			k.Last = max(k.Last, schema.Instant(b.Column("last").Ints[0]))
		}
	})
}
