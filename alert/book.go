package alert

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/key"
	"weir/schema"
)

// Limits bounds what a Book keeps. A field that is zero or negative takes the default named beside it.
type Limits struct {
	Keys     int // keys that are fired, about to be, or of fixed bands, over all rules: 100,000
	BandKeys int // keys for which a baseline is learned, over all rules: 1,000, at about 2.4 kB (day) or 8 kB a week
	Alerts   int // alerts of one rule at one bucket: 100 (MaxTCARangeAlerts)
	Pending  int // alerts that wait for Take: 10,000
	Active   int // alerts that Active returns: 1,000
}

func (l *Limits) fill() {
	for _, f := range [...]struct {
		n     *int
		usual int
	}{{&l.Keys, 100_000}, {&l.BandKeys, 1_000}, {&l.Alerts, 100}, {&l.Pending, 10_000}, {&l.Active, 1_000}} {
		if *f.n <= 0 {
			*f.n = f.usual
		}
	}
}

// Counts is what a Book counted since it was made.
type Counts struct {
	Fired      uint64 // keys that fired, told or not
	Cleared    uint64 // keys that cleared, told or not
	Suppressed uint64 // fired keys that were not told, because of Limits.Alerts
	Dropped    uint64 // alerts that nobody took in time, because of Limits.Pending
	Refused    uint64 // buckets of keys that were not looked at, because of Limits.Keys or BandKeys
	Repeated   uint64 // buckets that were checked before a restart already
}

// Book has the rules in force, and what it must remember of keys. It is not safe for use by several goroutines.
type Book struct {
	limits  Limits
	groups  map[string]*group
	round   uint64 // number of the bucket that is being checked
	keys    int    // watched, over all rules, without those of baselines
	learned int    // watched keys of baselines, over all rules
	pending []Alert
	counts  Counts
}

// group is the rules on one counter group.
type group struct {
	name     string
	watches  []*watch       // by name
	last     schema.Instant // end of the last bucket that was checked; 0 before
	width    time.Duration  // of that bucket
	restored bool           // last is from before a restart
}

// NewBook returns a book without rules.
func NewBook(l Limits) *Book {
	l.fill()
	return &Book{limits: l, groups: map[string]*group{}}
}

// Counts returns what was counted.
func (b *Book) Counts() Counts { return b.counts }

// Apply puts rules in force, which were completed, instead of those before; form returns how the keys of a group are
// formed, nil when there is no such group. A rule of the same name, group, keys, meter and kind keeps what it learned,
// and what is fired when its limits did not change either; what is fired of others is forgotten without a word. The
// error names the rules that are not in force, because their group or keys are wrong; the others are.
func (b *Book) Apply(at schema.Instant, rules []*Rule, form func(group string) key.Form) error {
	old := b.groups
	b.groups, b.keys, b.learned = map[string]*group{}, 0, 0
	var errs []error
	sorted := slices.SortedFunc(slices.Values(rules), func(x, y *Rule) int { return cmp.Compare(x.Name, y.Name) })
	for _, r := range sorted {
		f := form(r.Group)
		if f == nil {
			errs = append(errs, fmt.Errorf("rule %s: group: there is no counter group %s", quoted(r.Name), quoted(r.Group)))
			continue
		}
		w, err := newWatch(r, f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		g := b.groups[r.Group]
		if g == nil {
			g = &group{name: r.Group}
			if o := old[r.Group]; o != nil {
				g.last, g.width, g.restored = o.last, o.width, o.restored
			}
			b.groups[r.Group] = g
		}
		g.watches = append(g.watches, w)
		if o := old[r.Group]; o != nil {
			w.inherit(b, o)
		}
		w.watchListed(b, at)
	}
	return errors.Join(errs...)
}

// Check puts a closed bucket before the rules on its group. rows yields each key of the bucket in binary form, with
// what tells the value of a meter in the unit in which it is shown (ok is false when it has none); the key nil is the
// sum over all keys. Both are borrowed during the call. A key that is watched and not there has the value 0. Buckets
// of a group come in the order of time; one that was left out had no key at all.
func (b *Book) Check(end schema.Instant, group string, width time.Duration,
	rows func(yield func(key []byte, value func(meter int) (float64, bool)) bool)) {
	g := b.groups[group]
	if g == nil || width <= 0 {
		return
	}
	begin := end.Add(-width)
	if g.restored && g.last != 0 {
		if end <= g.last && g.last.Sub(end) < time.Hour {
			b.counts.Repeated++
			return
		}
	} else if g.last != 0 {
		b.empty(g, begin, width)
	}
	b.check(g, end, width, rows)
}

// Idle tells that all buckets of a group which end at or before upTo were checked, and those that were not had no key:
// so what is fired can clear while a group has no traffic.
func (b *Book) Idle(group string, upTo schema.Instant) {
	if g := b.groups[group]; g != nil && g.last != 0 && !g.restored {
		b.empty(g, upTo, g.width)
	}
}

// empty checks the empty buckets between the last one and an instant. Of very many, as after a jump of the clock, only
// so many are checked as can change anything.
func (b *Book) empty(g *group, upTo schema.Instant, width time.Duration) {
	n := int64(upTo.Sub(g.last) / width)
	if n <= 0 {
		return
	}
	most := int64(1)
	for _, w := range g.watches {
		most = max(most, w.most(width))
	}
	if n > most {
		g.last = g.last.Add(time.Duration(n-most) * width)
		n = most
	}
	for ; n > 0; n-- {
		b.check(g, g.last.Add(width), width, nil)
	}
}

func (b *Book) check(g *group, end schema.Instant, width time.Duration,
	rows func(yield func(key []byte, value func(meter int) (float64, bool)) bool)) {
	b.round++
	g.last, g.width, g.restored = end, width, false
	t := turn{book: b, end: end, width: width, round: b.round}
	for _, w := range g.watches {
		w.begin(&t)
	}
	if rows != nil {
		rows(func(key []byte, value func(meter int) (float64, bool)) bool {
			for _, w := range g.watches {
				w.row(&t, key, value)
			}
			return true
		})
	}
	for _, w := range g.watches {
		w.finish(&t)
	}
}

// tell keeps an alert for Take.
func (b *Book) tell(a Alert) {
	if len(b.pending) >= b.limits.Pending {
		b.counts.Dropped++
		return
	}
	b.pending = append(b.pending, a)
}

// Take returns the alerts since the last call, by the time of their buckets, then by rule and key; they are the
// caller's.
func (b *Book) Take() []Alert {
	out := b.pending
	b.pending = nil
	slices.SortStableFunc(out, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(x.At, y.At), strings.Compare(x.Rule, y.Rule), strings.Compare(x.Key, y.Key))
	})
	return out
}

// Active returns the alerts that are fired now and were told, as they fired, by rule and key, but with the present
// value in Now; at most Limits.Active. They are the caller's.
func (b *Book) Active() []Alert {
	var out []Alert
	for _, g := range b.groups {
		for _, w := range g.watches {
			for _, s := range w.standings() {
				if s.fired && s.told {
					out = append(out, w.alert(s, Fired))
				}
			}
		}
	}
	slices.SortFunc(out, func(x, y Alert) int {
		return cmp.Or(strings.Compare(x.Rule, y.Rule), strings.Compare(x.Key, y.Key))
	})
	if len(out) > b.limits.Active {
		out = slices.Clip(out[:b.limits.Active])
	}
	return out
}

// Teach tells a value of the past: the mean of a meter of a key over the 5 minutes that begin at an instant. Rules with
// a baseline that watch it learn from it, as if they had been there. Values come in the order of time.
func (b *Book) Teach(group string, bin []byte, meter int, at schema.Instant, value float64) {
	g := b.groups[group]
	if g == nil || !finite(value) {
		return
	}
	for _, w := range g.watches {
		if w.ring == 0 || w.rule.Meter != meter || !w.selects(bin) {
			continue
		}
		if s := w.find(b, bin, at); s != nil {
			s.learn(slotOf(at), value)
			if value != 0 {
				s.seen = max(s.seen, at)
			}
		}
	}
}

// Baseline tells which rules learn: since when they need values of the past (see Teach). ok is false when none does.
func (b *Book) Baseline(group string, now schema.Instant) (since schema.Instant, ok bool) {
	since = math.MaxInt64
	if g := b.groups[group]; g != nil {
		for _, w := range g.watches {
			if w.ring > 0 {
				since, ok = min(since, schema.Instant(slotOf(now)-int64(w.ring))*slotWidth), true
			}
		}
	}
	return since, ok
}
