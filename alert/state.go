package alert

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"weir/schema"
)

// stateVersion is raised when older states can no longer be read.
const stateVersion = 1

// savedState is what a Book remembers, as MarshalState writes it.
type savedState struct {
	Version int
	Groups  map[string]schema.Instant // end of the last bucket that was checked
	Watches []savedWatch
}

type savedWatch struct {
	Rule    Rule
	Slot    int64
	Covered time.Duration
	Totals  *savedKey `json:",omitempty"`
	Keys    []savedKey
}

// savedKey is a standing; limits that are NaN are left out.
type savedKey struct {
	Bin     []byte
	Run     int            `json:",omitempty"`
	Span    time.Duration  `json:",omitempty"`
	Fired   bool           `json:",omitempty"`
	Told    bool           `json:",omitempty"`
	Since   schema.Instant `json:",omitempty"`
	Value   float64        `json:",omitempty"`
	Low     *float64       `json:",omitempty"`
	High    *float64       `json:",omitempty"`
	Now     float64        `json:",omitempty"`
	Seen    schema.Instant `json:",omitempty"`
	Sum     float64        `json:",omitempty"`
	Last    int64          `json:",omitempty"`
	Samples []byte         `json:",omitempty"` // 4 bytes each, float32, little-endian
}

// MarshalState returns what the book remembers of keys, for RestoreState after a restart. It is JSON, and has the
// rules' names and keys in it.
func (b *Book) MarshalState() ([]byte, error) {
	st := savedState{Version: stateVersion, Groups: map[string]schema.Instant{}}
	for name, g := range b.groups {
		st.Groups[name] = g.last
		for _, w := range g.watches {
			st.Watches = append(st.Watches, w.save())
		}
	}
	slices.SortFunc(st.Watches, func(x, y savedWatch) int { return cmp.Compare(x.Rule.Name, y.Rule.Name) })
	return json.Marshal(&st)
}

func (w *watch) save() savedWatch {
	out := savedWatch{Rule: *w.rule, Slot: w.slot, Covered: w.covered, Keys: make([]savedKey, 0, len(w.keys))}
	for _, s := range w.keys {
		out.Keys = append(out.Keys, s.save())
	}
	slices.SortFunc(out.Keys, func(x, y savedKey) int { return cmp.Compare(string(x.Bin), string(y.Bin)) })
	if w.totals != nil {
		k := w.totals.save()
		out.Totals = &k
	}
	return out
}

func (s *standing) save() savedKey {
	k := savedKey{Bin: []byte(s.bin), Run: s.run, Span: s.span, Fired: s.fired, Told: s.told, Since: s.since,
		Value: s.value, Low: orNothing(s.low), High: orNothing(s.high), Now: s.now, Seen: s.seen, Sum: s.sum,
		Last: s.last}
	if !finite(s.sum) {
		k.Sum = 0
	}
	for _, f := range s.samples {
		k.Samples = binary.LittleEndian.AppendUint32(k.Samples, math.Float32bits(f))
	}
	return k
}

func orNothing(f float64) *float64 {
	if !finite(f) {
		return nil
	}
	return &f
}

// RestoreState takes over what MarshalState wrote before a restart. Call it after Apply and before the first Check:
// only rules in force that watch the same keys and have the same limits take it. Buckets that were checked already are
// then passed over. The error says of which rules the state was damaged: they begin anew, the others have theirs.
func (b *Book) RestoreState(data []byte) error {
	var st savedState
	if err := json.Unmarshal(data, &st); err != nil {
		return fmt.Errorf("state of alerts: %w", err)
	}
	if st.Version != stateVersion {
		return fmt.Errorf("state of alerts has version %d; this program reads %d", st.Version, stateVersion)
	}
	for name, last := range st.Groups {
		if g := b.groups[name]; g != nil && g.last == 0 {
			g.last, g.restored = last, true
		}
	}
	var errs []error
	for i := range st.Watches {
		if w := b.watchLike(&st.Watches[i].Rule); w != nil {
			errs = append(errs, w.restore(b, &st.Watches[i]))
		}
	}
	return errors.Join(errs...)
}

func (b *Book) watchLike(r *Rule) *watch {
	g := b.groups[r.Group]
	if g == nil {
		return nil
	}
	for _, w := range g.watches {
		if w.rule.Name == r.Name && w.rule.sameKeys(r) && w.rule.sameLimits(r) {
			return w
		}
	}
	return nil
}

// restore takes over the keys of one rule. Keys that the rule does not select, as after a change of the group, and
// those that there is no room for are left out.
func (w *watch) restore(b *Book, saved *savedWatch) error {
	for i := range saved.Keys {
		if err := saved.Keys[i].check(w); err != nil {
			return err
		}
	}
	if plausible(saved.Slot) {
		w.slot, w.covered = saved.Slot, min(max(saved.Covered, 0), 24*time.Hour)
	}
	for i := range saved.Keys {
		k := &saved.Keys[i]
		if !w.form.Valid(k.Bin) || !w.set.Match(k.Bin) {
			continue
		}
		if s := w.find(b, k.Bin, k.Seen); s != nil {
			k.restore(s)
		}
	}
	if saved.Totals != nil && w.totals != nil && saved.Totals.check(w) == nil {
		saved.Totals.restore(w.totals)
	}
	return nil
}

// plausible tells whether a number may be that of a slot, so that it can be reckoned with; the least stands for none.
func plausible(slot int64) bool {
	const far = 1 << 32
	return slot == math.MinInt64 || slot > -far && slot < far
}

// check tells whether a saved key has what its rule needs.
func (k *savedKey) check(w *watch) error {
	if len(k.Samples) != 4*w.ring || k.Run < 0 || k.Run > MaxRuns || k.Span < 0 || !plausible(k.Last) {
		return fmt.Errorf("state of alerts: rule %s: key %x is damaged; what is known of the rule's keys is forgotten",
			quoted(w.rule.Name), k.Bin)
	}
	return nil
}

func (k *savedKey) restore(s *standing) {
	s.run, s.span, s.fired, s.told, s.since = k.Run, k.Span, k.Fired, k.Told, k.Since
	s.value, s.now, s.seen, s.sum, s.last = k.Value, k.Now, k.Seen, k.Sum, k.Last
	s.low, s.high = orNaN(k.Low), orNaN(k.High)
	for i := range s.samples {
		s.samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(k.Samples[4*i:]))
	}
}

func orNaN(f *float64) float64 {
	if f == nil {
		return math.NaN()
	}
	return *f
}
