package schema

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// The bounds of one regular expression.
const (
	MaxPattern = 1024 // bytes
	maxProgram = 4096 // instructions of the compiled expression
)

// patternList is the right side of "~" and "!~".
type patternList struct {
	patterns []*regexp.Regexp
	buf      []byte // scratch: the left side as text
	// seen remembers the answers for flags of up to 9 bits, of the width that came last: a packet's TCP flags take
	// few values, and rendering and matching them costs ten times as much.
	seen  [512]answer
	width uint8
}

// answer is what a list said of a value.
type answer uint8

const (
	notAsked answer = iota
	refused
	matched
)

// add compiles one regular expression, which must match the whole left side.
func (l *patternList) add(c *Compiler, v rightSide) error {
	text := v.text
	if len(text) > MaxPattern {
		return c.fault(v.pos, "regular expression longer than 1024 bytes", "use a list of shorter ones, or a group")
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return patternFault(c, v, err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return patternFault(c, v, err)
	}
	if len(prog.Inst) > maxProgram {
		return c.fault(v.pos, "regular expression with too many repetitions", "")
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return patternFault(c, v, err)
	}
	l.patterns = append(l.patterns, re)
	return nil
}

// patternFault tells what a regular expression is refused for, and where.
func patternFault(c *Compiler, v rightSide, err error) error {
	pos, msg, hint := v.pos, err.Error(), ""
	var se *syntax.Error
	if errors.As(err, &se) {
		msg = "regular expression: " + string(se.Code)
		if strings.Count(v.text, se.Expr) == 1 {
			pos += strings.Index(v.text, se.Expr)
			msg += " " + quoteName(se.Expr)
		}
		if se.Code == syntax.ErrInvalidPerlOp || se.Code == syntax.ErrInvalidEscape {
			hint = "look-around and back references are not part of the language"
		}
	}
	return c.fault(pos, msg, hint)
}

// test returns the test of a value that is not null; null tells that the list also names null, which then matches its
// text as well.
func (l *patternList) test(null bool) func(*Value) bool {
	return func(v *Value) bool {
		switch {
		case v.Type == Text:
			return l.match(v.B) || null && string(v.B) == "null"
		case v.Type == Bits && v.Width <= 9:
			return l.matchBits(v)
		}
		l.buf = v.AppendText(l.buf[:0])
		return l.match(l.buf)
	}
}

func (l *patternList) match(text []byte) bool {
	for _, re := range l.patterns {
		if re.Match(text) {
			return true
		}
	}
	return false
}

// matchBits is match for flags of up to 9 bits.
func (l *patternList) matchBits(v *Value) bool {
	if v.Width != l.width {
		l.seen, l.width = [512]answer{}, v.Width
	}
	known := &l.seen[v.N&(1<<v.Width-1)]
	if *known == notAsked {
		l.buf = v.AppendText(l.buf[:0])
		*known = refused
		if l.match(l.buf) {
			*known = matched
		}
	}
	return *known == matched
}
