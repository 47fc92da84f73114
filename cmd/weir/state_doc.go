package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"weir/alert"
	"weir/config"
	"weir/engine"
	"weir/event"
	"weir/flow"
	"weir/meter"
)

// savedState is what was defined at run time, by REST and the console, as DATA/state.json has it. What the
// configuration file defines is not in it.
type savedState struct {
	Flows      map[string]flow.Definition `json:"flows,omitempty"`
	NoFlows    []string                   `json:"no_flows,omitempty"` // standing definitions that were removed
	Thresholds map[string]event.Threshold `json:"thresholds,omitempty"`
	Settings   map[string]builtinSettings `json:"builtin_groups,omitempty"` // that differ from the defaults, by short name
	Groups     []meter.Group              `json:"groups,omitempty"`
	Rules      []alert.Rule               `json:"alert_rules,omitempty"`
	Labels     engine.Labels              `json:"labels,omitempty"`
	Home       *savedHome                 `json:"home,omitempty"`
	Alerts     json.RawMessage            `json:"alerts,omitempty"` // what alert rules remember
}

// builtinSettings is what people may change of a built-in counter group.
type builtinSettings struct {
	Bucket     meter.Span     `json:"bucket"`
	Topper     meter.Span     `json:"topper"`
	TopperOnly bool           `json:"topper_only,omitempty"`
	Inactive   bool           `json:"inactive,omitempty"`
	Spread     bool           `json:"spread,omitempty"`
	MaxKeys    int            `json:"max_keys"`
	LowKeys    int            `json:"low_keys"`
	Tops       map[int][2]int `json:"tops,omitempty"` // by meter: top and bottom
}

// savedHome is what people may change of the facts that groups count by.
type savedHome struct {
	Networks  []netip.Prefix `json:"networks"`
	AS        []uint32       `json:"as,omitempty"`
	Subnets   []netip.Prefix `json:"subnets,omitempty"`
	BothPorts bool           `json:"both_ports,omitempty"`
}

// named holds the names that a configuration defines: they are the file's, whatever is done at run time.
type named struct {
	flows, standing, thresholds, groups, rules map[string]bool
	home                                       bool
	builtin                                    map[string]*meter.Group // as they are when nobody says anything
}

// namedBy returns the names that c defines.
func namedBy(c *config.Config) *named {
	n := &named{flows: map[string]bool{}, standing: map[string]bool{}, thresholds: map[string]bool{},
		groups: map[string]bool{}, rules: map[string]bool{}, builtin: map[string]*meter.Group{}}
	defaults := config.Default()
	for name, own := range c.Flows {
		if d, ok := defaults.Flows[name]; ok && own.Equal(&d) {
			n.standing[name] = true
		} else {
			n.flows[name] = true
		}
	}
	for name := range c.Thresholds {
		n.thresholds[name] = true
	}
	for i := range c.CounterGroups {
		n.groups[c.CounterGroups[i].Name] = true
	}
	for i := range c.Rules {
		n.rules[c.Rules[i].Name] = true
	}
	n.home = !c.Home.Settings.Equal(defaults.Home.Settings)
	list, err := meter.BuiltinProfile(cmp.Or(c.Engine.Profile, meter.ProfileSeed))
	if err != nil {
		return n // the engine has refused the profile before
	}
	for _, g := range list {
		n.builtin[g.Name] = g
	}
	return n
}

// collect returns what of a state was defined at run time. It shares what never changes.
func (n *named) collect(s *engine.State) savedState {
	out := savedState{Flows: map[string]flow.Definition{}, Thresholds: map[string]event.Threshold{},
		Settings: map[string]builtinSettings{}, Labels: engine.Labels{}}
	defaults := config.Default().Flows
	for _, d := range s.Flows {
		standing, ok := defaults[d.Name]
		if !n.flows[d.Name] && !(ok && d.Equal(&standing)) {
			out.Flows[d.Name] = *d
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.standing)) {
		if s.Flow(name) == nil {
			out.NoFlows = append(out.NoFlows, name)
		}
	}
	for _, t := range s.Thresholds {
		if !n.thresholds[t.Name] {
			out.Thresholds[t.Name] = *t
		}
	}
	n.collectGroups(s, &out)
	for _, r := range s.Rules {
		if !n.rules[r.Name] {
			out.Rules = append(out.Rules, *r)
		}
	}
	for group, keys := range s.Labels {
		if len(keys) > 0 {
			out.Labels[group] = keys
		}
	}
	if home := s.Home; !n.home && !home.Equal(config.Default().Home.Settings) {
		out.Home = &savedHome{home.Home, home.HomeAS, home.Subnets, home.BothPorts}
	}
	return out
}

func (n *named) collectGroups(s *engine.State, out *savedState) {
	for _, g := range s.Groups {
		standing := n.builtin[g.Name]
		switch {
		case n.groups[g.Name]:
		case standing == nil:
			out.Groups = append(out.Groups, *g)
		case !settingsOf(g).equal(settingsOf(standing)):
			out.Settings[g.Name] = settingsOf(g)
		}
	}
}

func settingsOf(g *meter.Group) builtinSettings {
	b := builtinSettings{g.Bucket, g.Topper, g.TopperOnly, g.Inactive, g.Spread, g.MaxKeys, g.LowKeys, map[int][2]int{}}
	for _, m := range g.Meters {
		b.Tops[m.ID] = [2]int{m.Top, m.Bottom}
	}
	return b
}

func (b builtinSettings) equal(o builtinSettings) bool {
	return b.Bucket == o.Bucket && b.Topper == o.Topper && b.TopperOnly == o.TopperOnly && b.Inactive == o.Inactive &&
		b.Spread == o.Spread && b.MaxKeys == o.MaxKeys && b.LowKeys == o.LowKeys && maps.Equal(b.Tops, o.Tops)
}

// on returns a group with the settings; meters that there are no settings of keep theirs.
func (b builtinSettings) on(g *meter.Group) meter.Group {
	out := *g
	out.Bucket, out.Topper, out.TopperOnly, out.Inactive = b.Bucket, b.Topper, b.TopperOnly, b.Inactive
	out.Spread, out.MaxKeys, out.LowKeys = b.Spread, b.MaxKeys, b.LowKeys
	out.Meters = slices.Clone(g.Meters)
	for i := range out.Meters {
		if t, ok := b.Tops[out.Meters[i].ID]; ok {
			out.Meters[i].Top, out.Meters[i].Bottom = t[0], t[1]
		}
	}
	return out
}

// wish is one thing of a savedState that an engine is asked for.
type wish struct {
	what    string // for people: "group web"
	command engine.Command
	keep    func(to *savedState) // writes it down again
	err     error
}

// wishes returns what an engine with the state s must be asked for so that saved is in force again, in an order that
// works. What the configuration file defines now is left to it.
func (n *named) wishes(saved *savedState, s *engine.State) (list []wish) {
	add := func(what string, c engine.Command, keep func(to *savedState)) {
		list = append(list, wish{what: what, command: c, keep: keep})
	}
	if h := saved.Home; h != nil && !n.home {
		settings := s.Home
		settings.Home, settings.HomeAS, settings.Subnets, settings.BothPorts = h.Networks, h.AS, h.Subnets, h.BothPorts
		add("home networks", engine.SetHome{Settings: settings}, func(to *savedState) { to.Home = h })
	}
	for _, name := range saved.NoFlows {
		if n.standing[name] {
			add("flow "+name, engine.DropFlow{Name: name}, func(*savedState) {})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(saved.Flows)) {
		if d := saved.Flows[name]; !n.flows[name] {
			d.Name = name
			add("flow "+name, engine.DefineFlow{Definition: d}, func(to *savedState) { to.Flows[name] = d })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(saved.Thresholds)) {
		if t := saved.Thresholds[name]; !n.thresholds[name] {
			t.Name = name
			add("threshold "+name, engine.SetThreshold{Threshold: t}, func(to *savedState) { to.Thresholds[name] = t })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(saved.Settings)) {
		b, g := saved.Settings[name], n.builtin[name]
		if g != nil && !n.groups[name] {
			add("settings of group "+name, engine.DefineGroup{Group: b.on(g)},
				func(to *savedState) { to.Settings[name] = b })
		}
	}
	for _, g := range saved.Groups {
		if !n.groups[g.Name] {
			add("group "+g.Name, engine.DefineGroup{Group: g}, func(to *savedState) { to.Groups = append(to.Groups, g) })
		}
	}
	if len(saved.Labels) > 0 {
		add("labels", engine.SetLabels{Labels: saved.Labels}, func(to *savedState) { to.Labels = saved.Labels })
	}
	for _, r := range saved.Rules {
		if !n.rules[r.Name] {
			add("alert rule "+r.Name, engine.SetRule{Rule: r}, func(to *savedState) { to.Rules = append(to.Rules, r) })
		}
	}
	return list
}

// fulfil asks an engine for all wishes, again and again while that helps, for groups are made from other groups. It
// returns those that cannot be fulfilled, with the reason.
func fulfil(e *engine.Engine, list []wish) []wish {
	for {
		var left []wish
		for _, w := range list {
			if w.err = e.Do(w.command); w.err != nil {
				left = append(left, w)
			}
		}
		if len(left) == 0 || len(left) == len(list) {
			return left
		}
		list = left
	}
}

// still returns what is kept of wishes that could not be fulfilled, without what has been defined anew since, beside
// what is in force.
func (s *savedState) still(unfulfilled []wish) {
	var old savedState
	old.Flows, old.Thresholds = map[string]flow.Definition{}, map[string]event.Threshold{}
	old.Settings = map[string]builtinSettings{}
	for _, w := range unfulfilled {
		w.keep(&old)
	}
	for name, d := range old.Flows {
		if _, ok := s.Flows[name]; !ok {
			s.Flows[name] = d
		}
	}
	for name, t := range old.Thresholds {
		if _, ok := s.Thresholds[name]; !ok {
			s.Thresholds[name] = t
		}
	}
	for name, b := range old.Settings {
		if _, ok := s.Settings[name]; !ok {
			s.Settings[name] = b
		}
	}
	if len(s.Labels) == 0 && old.Labels != nil {
		s.Labels = old.Labels
	}
	for _, g := range old.Groups {
		if !slices.ContainsFunc(s.Groups, func(x meter.Group) bool { return x.Name == g.Name }) {
			s.Groups = append(s.Groups, g)
		}
	}
	for _, r := range old.Rules {
		if !slices.ContainsFunc(s.Rules, func(x alert.Rule) bool { return x.Name == r.Name }) {
			s.Rules = append(s.Rules, r)
		}
	}
}

// parseState reads the document of a state file.
func parseState(doc json.RawMessage) (*savedState, error) {
	var s savedState
	if err := json.Unmarshal(doc, &s); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return &s, nil
}
