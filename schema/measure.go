package schema

import "strings"

// Modifier says what a flow's value is of the attribute's values (spec sflow-rt 1.4).
type Modifier uint8

// The modifiers. Sum and Rate mean the same: a scaled rate per second.
const (
	Sum Modifier = iota
	Rate
	Avg   // average over the samples, not scaled, not per second
	Min   // smallest in the window
	Max   // largest in the window
	Count // number of distinct values in the window; of any type
	Last  // most recent
)

// modifierNames is in the order of the constants.
var modifierNames = [...]string{"sum", "rate", "avg", "min", "max", "count", "last"}

// String returns the modifier as it is written before the colon.
func (m Modifier) String() string { return modifierNames[int(m)%len(modifierNames)] }

// Measure is a compiled value of a flow definition: an attribute (or key function) with a modifier.
type Measure struct {
	Text     string // as written, without surrounding space and quotes
	Modifier Modifier
	// Attribute is the name of the attribute; "bytes" for bps and "frames" for fps; empty for a key function.
	Attribute string
	// Factor is by what the attribute is multiplied: 8 for bps, else 1. Eval has done so already; whoever takes
	// Record.Bytes instead of calling Eval must do it.
	Factor float64
	// Scaled tells that one value stands for as many as the sampling rate says and must be multiplied by it: true
	// for Sum and Rate.
	Scaled  bool
	Eval    Eval     // the unscaled value of one record; see Eval: one goroutine
	Unknown []string // attributes that no field has: always null, worth a warning
}

// Value compiles a value: "[modifier:]attribute", also "bps" (8 x bytes) and "fps" (frames), also a key function
// instead of the attribute. The error is a *SyntaxError.
func (c *Compiler) Value(expr string) (*Measure, error) {
	s, err := c.start(expr)
	if err != nil {
		return nil, err
	}
	lo, hi, err := s.unquote(0, len(expr))
	if err != nil {
		return nil, err
	}
	m := &Measure{Text: expr[lo:hi], Factor: 1}
	if head, _, ok := strings.Cut(expr[lo:hi], ":"); ok {
		for i, name := range modifierNames {
			if name == strings.TrimSpace(head) {
				m.Modifier = Modifier(i)
				lo += len(head) + 1
				break
			}
		}
	}
	m.Scaled = m.Modifier == Sum || m.Modifier == Rate
	if m.Eval, err = s.measured(lo, hi, m); err != nil {
		return nil, err
	}
	m.Unknown = s.run.unknown
	return m, nil
}

// measured compiles what follows the modifier and notes in m what it is.
func (c *Compiler) measured(lo, hi int, m *Measure) (Eval, error) {
	lo, hi = trim(c.run.text, lo, hi)
	switch name := c.run.text[lo:hi]; {
	case name == "bps":
		m.Attribute, m.Factor = "bytes", 8
		eval, _, err := c.attribute("bytes", lo)
		return times8(eval), err
	case name == "fps":
		m.Attribute = "frames"
		eval, _, err := c.attribute("frames", lo)
		return eval, err
	case badNameByte(name) < 0:
		m.Attribute = name
	}
	eval, _, err := c.expr(lo, hi)
	return eval, err
}

// times8 makes bits of bytes.
func times8(eval Eval) Eval {
	return func(r *Record, out *Value) {
		eval(r, out)
		switch f, ok := out.Number(); {
		case !ok:
			out.SetNull()
		case out.Type == Uint && out.N < 1<<61:
			out.N *= 8
		default:
			out.SetFloat(8 * f)
		}
	}
}
