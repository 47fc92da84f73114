package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/alert"
	"weir/enrich"
	"weir/meter"
	"weir/schema"
	"weir/session"
)

// Caps of what may be defined for counting; a command that would pass one is refused.
const (
	maxGroups = 500     // counter groups, built-in ones included
	maxRules  = 2000    // alert rules
	maxLabels = 200_000 // labelled keys of all groups together
)

// Label is what people say of a key of a counter group. Labels never change what is counted.
type Label struct {
	Label       string            `json:"label,omitempty"` // shown instead of the readable key
	Description string            `json:"description,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
}

// Labels holds the labels of keys: by short name of the group and raw key. It never changes.
type Labels map[string]map[string]Label

// Of returns what is said of a raw key of a group.
func (l Labels) Of(group, key string) Label { return l[group][key] }

// DefineGroup puts a counter group in force, or changes one of the same name; it is completed and checked at once. Of a
// built-in group only the times, the caps and the lengths of topper lists may change. A change takes effect at the next
// tick: what was counted until then is stored as it was.
type DefineGroup struct{ Group meter.Group }

// DropGroup takes a user-defined counter group out of force; an unknown name is no error.
type DropGroup struct{ Name string }

// SetHome replaces the home networks and the other facts that groups count by.
type SetHome struct{ Settings meter.Settings }

// SetSessions changes how long sessions live.
type SetSessions struct{ Sessions session.Config }

// SetRule puts an alert rule in force, or replaces one of the same name. It is completed and checked at once.
type SetRule struct{ Rule alert.Rule }

// DropRule takes an alert rule out of force; an unknown name is no error.
type DropRule struct{ Name string }

// SetLabel says something of a key of a counter group; an empty Label takes back what was said.
type SetLabel struct {
	Group, Key string // short name, raw key
	Label      Label
}

// Group returns the counter group of a short name, title or GUID, or nil.
func (s *State) Group(name string) *meter.Group {
	if i, ok := slices.BinarySearchFunc(s.Groups, name, byGroupName); ok {
		return s.Groups[i]
	}
	return meter.Lookup(s.Groups, name)
}

// Rule returns the alert rule of that name, or nil.
func (s *State) Rule(name string) *alert.Rule {
	i, ok := slices.BinarySearchFunc(s.Rules, name, byRuleName)
	if !ok {
		return nil
	}
	return s.Rules[i]
}

func byGroupName(g *meter.Group, name string) int { return cmp.Compare(g.Name, name) }
func byRuleName(r *alert.Rule, name string) int   { return cmp.Compare(r.Name, name) }

func (c DefineGroup) apply(e *Engine, s *State) error {
	g := c.Group
	i, found := slices.BinarySearchFunc(s.Groups, g.Name, byGroupName)
	if !found && len(s.Groups) >= maxGroups {
		return fmt.Errorf("group %q: %w groups; %d is the most: remove some first", g.Name, ErrTooMany, len(s.Groups))
	}
	g.Meters = slices.Clone(g.Meters)
	if err := g.InferForm(e.checker); err != nil {
		return err
	}
	if err := g.Complete(s.Group); err != nil {
		return err
	}
	for _, other := range s.Groups {
		if other.Name != g.Name && strings.EqualFold(other.GUID, g.GUID) {
			return fmt.Errorf("group %q: guid: %s is that of group %q: leave it out, and one is made", g.Name, g.GUID,
				other.Name)
		}
		if other.Name != g.Name && (strings.EqualFold(other.Title, g.Title) || strings.EqualFold(other.Name, g.Title) ||
			strings.EqualFold(other.Title, g.Name)) {
			return fmt.Errorf("group %q: title: %q means group %q already: choose another", g.Name, g.Title, other.Name)
		}
	}
	list := slices.Clone(s.Groups)
	if found {
		list[i] = &g
	} else {
		list = slices.Insert(list, i, &g)
	}
	if err := meter.Check(e.checker, list); err != nil {
		return err
	}
	s.Groups = list
	return nil
}

func (c DropGroup) apply(_ *Engine, s *State) error {
	i, found := slices.BinarySearchFunc(s.Groups, c.Name, byGroupName)
	if !found {
		return nil
	}
	if s.Groups[i].Kind == meter.KindBuiltin {
		return fmt.Errorf("group %q: it is built in and cannot be removed: set it inactive instead", c.Name)
	}
	for _, g := range s.Groups {
		if slices.Contains(g.Parents, c.Name) {
			return fmt.Errorf("group %q: group %q is made from it: remove that first", c.Name, g.Name)
		}
	}
	s.Groups = slices.Delete(slices.Clone(s.Groups), i, i+1)
	return nil
}

func (c SetHome) apply(e *Engine, s *State) error {
	s.Home = c.Settings
	return nil
}

func (c SetSessions) apply(_ *Engine, s *State) error {
	if err := c.Sessions.Validate(); err != nil {
		return err
	}
	s.Sessions = c.Sessions
	return nil
}

func (c SetRule) apply(_ *Engine, s *State) error {
	r := c.Rule
	if err := r.Complete(); err != nil {
		return err
	}
	g := s.Group(r.Group)
	if g == nil {
		return fmt.Errorf("rule %q: group: there is no counter group %q", r.Name, r.Group)
	}
	r.Group = g.Name
	if g.Meter(r.Meter) == nil {
		return fmt.Errorf("rule %q: meter: group %q has no meter %d", r.Name, g.Name, r.Meter)
	}
	if _, err := r.Compile(g.Form); err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(s.Rules, r.Name, byRuleName)
	if !found && len(s.Rules) >= maxRules {
		return fmt.Errorf("rule %q: %w rules; %d is the most", r.Name, ErrTooMany, len(s.Rules))
	}
	s.Rules = slices.Clone(s.Rules)
	if found {
		s.Rules[i] = &r
	} else {
		s.Rules = slices.Insert(s.Rules, i, &r)
	}
	return nil
}

func (c DropRule) apply(_ *Engine, s *State) error {
	s.Rules = slices.DeleteFunc(slices.Clone(s.Rules), func(r *alert.Rule) bool { return r.Name == c.Name })
	return nil
}

func (c SetLabel) apply(_ *Engine, s *State) error {
	g := s.Group(c.Group)
	if g == nil {
		return fmt.Errorf("label: group: there is no counter group %q", c.Group)
	}
	n := 0
	for _, keys := range s.Labels {
		n += len(keys)
	}
	empty := c.Label.Label == "" && c.Label.Description == "" && len(c.Label.Attributes) == 0
	if !empty && n >= maxLabels {
		return fmt.Errorf("label of %q: %w labels; %d is the most", c.Key, ErrTooMany, n)
	}
	labels, keys := maps.Clone(s.Labels), maps.Clone(s.Labels[g.Name])
	if labels == nil {
		labels = Labels{}
	}
	if keys == nil {
		keys = map[string]Label{}
	}
	if empty {
		delete(keys, c.Key)
	} else {
		keys[c.Key] = c.Label
	}
	labels[g.Name] = keys
	s.Labels = labels
	return nil
}

// where returns what tells the country and the AS of an address, nil when nobody said where addresses are.
func (s *State) where() func(schema.Addr) meter.Place {
	w := s.World
	_, countries := w.Groups(enrich.SetCountry)
	_, systems := w.Groups(enrich.SetASN)
	if !countries && !systems {
		return nil
	}
	return func(a schema.Addr) (p meter.Place) {
		if c, ok := w.Group(enrich.SetCountry, a); ok && len(c) == 2 {
			p.Country = [2]byte{upper(c[0]), upper(c[1])}
		}
		if as, ok := w.Group(enrich.SetASN, a); ok {
			n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(as), "AS"), 10, 32)
			if err == nil {
				p.ASN = uint32(n)
			}
		}
		return p
	}
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}
