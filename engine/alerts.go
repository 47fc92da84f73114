package engine

import (
	"fmt"
	"slices"

	"weir/meter"
)

// AlertState returns what the alert rules remember of keys, what is fired and what was learned, so that RestoreAlerts
// can give it back after a restart. It is JSON and the caller's; nil when no rule is in force. While it is made, some
// milliseconds for a thousand keys with a baseline, the books stand still and the lanes go on.
func (e *Engine) AlertState() ([]byte, error) {
	b := e.books
	b.alertMu.Lock()
	defer b.alertMu.Unlock()
	if b.rules == 0 {
		return nil, nil
	}
	return b.alerts.MarshalState()
}

// RestoreAlerts gives back what AlertState returned before a restart, to the rules that watch the same keys and have
// the same limits. Only before Run, and after the commands that define groups and rules. The error names the rules that
// begin anew because what is said of them is damaged; the others have theirs.
func (e *Engine) RestoreAlerts(data []byte) error {
	b, s := e.books, e.State()
	b.alertMu.Lock()
	defer b.alertMu.Unlock()
	// Rules that cannot be put in force are reported by the first tick; the others take their state here.
	_ = b.alerts.Apply(0, s.Rules, b.formOf(s))
	b.rules = len(s.Rules)
	if err := b.alerts.RestoreState(data); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	active := b.alerts.Active()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = active
	return nil
}

// applyRules puts the rules and groups of a state in force.
func (b *bookkeeper) applyRules(t Tick) {
	s := t.state
	b.alertMu.Lock()
	defer b.alertMu.Unlock()
	b.rules = len(s.Rules)
	b.failed = b.alerts.Apply(t.At, s.Rules, b.formOf(s))
}

// RulesFailed returns why alert rules are not in force though their check passed, which is a bug; nil when they are.
func (e *Engine) RulesFailed() error {
	e.books.alertMu.Lock()
	defer e.books.alertMu.Unlock()
	return e.books.failed
}

// checkRules puts what was closed before the rules on meters, and keeps what they say.
func (b *bookkeeper) checkRules(c *meter.Closing) {
	b.alertMu.Lock()
	defer b.alertMu.Unlock()
	for _, p := range c.Buckets {
		b.check(p)
	}
	for group, mark := range c.Marks {
		b.alerts.Idle(group, mark)
	}
	fired, active := b.alerts.Take(), b.alerts.Active()
	b.next.Alerts = append(b.next.Alerts, fired...)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = active
	b.recent = append(b.recent, fired...)
	if n := len(b.recent) - b.engine.config.EventsMax; n > 0 {
		b.recent = slices.Delete(slices.Clone(b.recent), 0, n)
	}
}
