package engine

import (
	"fmt"
	"maps"
)

// SetLabels says something of many keys at once, besides what was said of others; what is said of keys of groups that
// there are not is kept, for when there are.
type SetLabels struct{ Labels Labels }

func (c SetLabels) apply(_ *Engine, s *State) error {
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = Labels{}
	}
	n := 0
	for group, said := range c.Labels {
		keys := maps.Clone(labels[group])
		if keys == nil {
			keys = make(map[string]Label, len(said))
		}
		maps.Copy(keys, said)
		labels[group] = keys
	}
	for _, keys := range labels {
		if n += len(keys); n > maxLabels {
			return fmt.Errorf("labels: %w; %d is the most", ErrTooMany, maxLabels)
		}
	}
	s.Labels = labels
	return nil
}
