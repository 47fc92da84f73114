package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"weir/alert"
	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/meter"
	"weir/schema"
	"weir/session"
)

// State is everything that was asked for: definitions, thresholds, groups, maps, topology. It never changes; a Command
// makes a new one, which rides to the lanes on the next tick.
type State struct {
	Flows      []*flow.Definition // by name
	Thresholds []*event.Threshold // by name
	World      *enrich.World
	Groups     []*meter.Group // counter groups, by name
	Home       meter.Settings // home networks and the like
	Sessions   session.Config
	Rules      []*alert.Rule // on meters, by name
	Labels     Labels        // of keys of counter groups
}

// Flow returns the definition of that name, or nil.
func (s *State) Flow(name string) *flow.Definition {
	i, ok := slices.BinarySearchFunc(s.Flows, name, byFlowName)
	if !ok {
		return nil
	}
	return s.Flows[i]
}

// Threshold returns the threshold of that name, or nil.
func (s *State) Threshold(name string) *event.Threshold {
	i, ok := slices.BinarySearchFunc(s.Thresholds, name, byThresholdName)
	if !ok {
		return nil
	}
	return s.Thresholds[i]
}

func byFlowName(d *flow.Definition, name string) int      { return cmp.Compare(d.Name, name) }
func byThresholdName(t *event.Threshold, name string) int { return cmp.Compare(t.Name, name) }

// Command is a change that the engine can be asked for. The set is closed: all of it stands in this file.
type Command interface {
	apply(e *Engine, s *State) error
}

// DefineFlow puts a flow definition in force, instead of one of the same name. It is completed and checked at once.
type DefineFlow struct{ Definition flow.Definition }

// DropFlow takes a flow definition out of force; an unknown name is no error.
type DropFlow struct{ Name string }

// SetThreshold puts a threshold in force, instead of one of the same name.
type SetThreshold struct{ Threshold event.Threshold }

// DropThreshold takes a threshold out of force; an unknown name is no error.
type DropThreshold struct{ Name string }

// SetGroups replaces a group set: group name to prefixes.
type SetGroups struct {
	Name   string
	Groups map[string][]string
}

// DropGroups removes a group set; an unknown name is no error.
type DropGroups struct{ Name string }

// SetMap replaces a map: label to values.
type SetMap struct {
	Name   string
	Labels map[string][]string
}

// DropMap removes a map; an unknown name is no error.
type DropMap struct{ Name string }

// SetTopology replaces the topology; nil removes it.
type SetTopology struct{ Topology *enrich.Topology }

// SetVendors replaces the names of MAC address blocks.
type SetVendors struct{ Vendors *enrich.Vendors }

// AddNames tells what a resolver found out about addresses.
type AddNames struct{ Answers []enrich.Answer }

// ErrTooMany is wrapped by the error of a command that would pass a cap.
var ErrTooMany = errors.New("too many")

func (c DefineFlow) apply(e *Engine, s *State) error {
	d := c.Definition
	if err := d.Complete(); err != nil {
		return err
	}
	if err := flow.Check(e.checker, &d); err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(s.Flows, d.Name, byFlowName)
	if !found && len(s.Flows) >= e.maxDefinitions {
		return fmt.Errorf("flow %q: %w definitions; %d is the most: remove some first", d.Name, ErrTooMany,
			len(s.Flows))
	}
	s.Flows = slices.Clone(s.Flows)
	if found {
		s.Flows[i] = &d
	} else {
		s.Flows = slices.Insert(s.Flows, i, &d)
	}
	return nil
}

func (c DropFlow) apply(_ *Engine, s *State) error {
	s.Flows = slices.DeleteFunc(slices.Clone(s.Flows), func(d *flow.Definition) bool { return d.Name == c.Name })
	return nil
}

func (c SetThreshold) apply(e *Engine, s *State) error {
	t := c.Threshold
	if err := t.Complete(); err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(s.Thresholds, t.Name, byThresholdName)
	if !found && len(s.Thresholds) >= e.maxDefinitions {
		return fmt.Errorf("threshold %q: %w thresholds; %d is the most", t.Name, ErrTooMany, len(s.Thresholds))
	}
	s.Thresholds = slices.Clone(s.Thresholds)
	if found {
		s.Thresholds[i] = &t
	} else {
		s.Thresholds = slices.Insert(s.Thresholds, i, &t)
	}
	return nil
}

func (c DropThreshold) apply(_ *Engine, s *State) error {
	s.Thresholds = slices.DeleteFunc(slices.Clone(s.Thresholds),
		func(t *event.Threshold) bool { return t.Name == c.Name })
	return nil
}

func (c SetGroups) apply(_ *Engine, s *State) error {
	w, err := s.World.WithGroups(c.Name, c.Groups)
	if err == nil {
		s.World = w
	}
	return err
}

func (c DropGroups) apply(_ *Engine, s *State) error {
	s.World = s.World.WithoutGroups(c.Name)
	return nil
}

func (c SetMap) apply(_ *Engine, s *State) error {
	w, err := s.World.WithMap(c.Name, c.Labels)
	if err == nil {
		s.World = w
	}
	return err
}

func (c DropMap) apply(_ *Engine, s *State) error {
	s.World = s.World.WithoutMap(c.Name)
	return nil
}

func (c SetTopology) apply(_ *Engine, s *State) error {
	w, err := s.World.WithTopology(c.Topology)
	if err == nil {
		s.World = w
	}
	return err
}

func (c SetVendors) apply(_ *Engine, s *State) error {
	s.World = s.World.WithVendors(c.Vendors)
	return nil
}

func (c AddNames) apply(e *Engine, s *State) error {
	s.World = s.World.WithAnswers(c.Answers)
	return nil
}

// learned is what the merger found in the telemetry itself: names of agents, ports and hosts, places of hosts.
type learned struct {
	at    schema.Instant
	parts []*enrich.Learned
}

func (c learned) apply(_ *Engine, s *State) error {
	s.World = s.World.WithLearned(c.at, c.parts...)
	return nil
}
