package enrich

import "weir/schema"

// AnswerState says how good an answer of the reverse DNS is.
type AnswerState uint8

// The states.
const (
	AnswerFresh AnswerState = iota // Name is right for now; empty means that there is none
	AnswerStale                    // its time is up: still shown, and wanted again
	AnswerGone                     // forgotten: as if it had never been asked
)

// Answer is what the reverse DNS said of an address.
type Answer struct {
	Addr  schema.Addr
	Name  string // fully qualified, ends in a dot; empty when there is none
	State AnswerState
}

// answer is how a World keeps one.
type answer struct {
	name  []byte
	stale bool
}

// WithResolver returns a World whose lanes ask for names (on) or do not and show addresses.
func (w *World) WithResolver(on bool) *World {
	c := *w
	c.resolving = on
	return &c
}

// WithAnswers returns a World that knows what the DNS answered; it costs what is new, not what is known. A stale
// answer without a name marks the one that is known.
func (w *World) WithAnswers(answers []Answer) *World {
	if len(answers) == 0 {
		return w
	}
	c := *w
	for i := range answers {
		a := &answers[i]
		old, known := c.answers.get(a.Addr)
		switch {
		case a.State == AnswerGone:
			c.answers = c.answers.drop(a.Addr)
		case a.State == AnswerStale && known:
			c.answers = c.answers.put(a.Addr, &answer{name: old.name, stale: true})
		case a.State == AnswerStale:
		case !known && c.answers.size() >= w.limits.Answers:
			c.refused++
		default:
			c.answers = c.answers.put(a.Addr, &answer{name: []byte(a.Name)})
		}
	}
	return &c
}

// DNSName returns the known name of an address, empty when there is none.
func (w *World) DNSName(a schema.Addr) string {
	if ans, ok := w.answers.get(a); ok {
		return string(ans.name)
	}
	return ""
}
