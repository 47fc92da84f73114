package metric

import (
	"slices"
	"strconv"
	"strings"
)

// Filter is a compiled filter on metrics of a datasource (spec sflow-rt 5.6): several patterns of one name are
// alternatives, several names must all hold. A nil Filter holds always. It never changes.
type Filter struct {
	terms []term
}

// term is the patterns of one name.
type term struct {
	name     string
	patterns []pattern
}

// pattern is one compiled pattern.
type pattern struct {
	parts  []string // literal texts around each *; one part when there is no *
	number float64
	exact  bool // the pattern is a number, and numbers are compared by value
}

// CompileFilter compiles name -> patterns; nil when there is none. A "*" in a pattern is any text, a backslash makes
// the character after it literal, all else is literal. Numbers are compared by value when the pattern is one. A name
// without patterns never holds.
func CompileFilter(f map[string][]string) *Filter {
	if len(f) == 0 {
		return nil
	}
	c := &Filter{}
	for name, patterns := range f {
		t := term{name: name}
		for _, p := range patterns {
			t.patterns = append(t.patterns, compilePattern(p))
		}
		c.terms = append(c.terms, t)
	}
	slices.SortFunc(c.terms, func(a, b term) int { return strings.Compare(a.name, b.name) })
	return c
}

// compilePattern compiles one pattern.
func compilePattern(s string) pattern {
	var p pattern
	if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		p.number, p.exact = f, true
	}
	var part []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			part = append(part, s[i])
		case c == '*':
			p.parts = append(p.parts, string(part))
			part = part[:0]
		default:
			part = append(part, c)
		}
	}
	p.parts = append(p.parts, string(part))
	return p
}

// match tells whether any of the patterns matches; an absent value matches none.
func (t *term) match(v Value) bool {
	if v.IsZero() {
		return false
	}
	for i := range t.patterns {
		if t.patterns[i].match(v) {
			return true
		}
	}
	return false
}

// match tells whether v matches. It allocates nothing.
func (p *pattern) match(v Value) bool {
	if v.Form == Number {
		if p.exact && p.number == v.Number {
			return true
		}
		if len(p.parts) == 1 {
			return false // It is no number, or another.
		}
		var b [32]byte
		return p.glob(string(strconv.AppendFloat(b[:0], v.Number, 'f', -1, 64)))
	}
	return p.glob(v.Text)
}

// glob matches a text against the literal parts in turn. Taking each at its first place is right because what stands
// between them is anything, so this needs no way back.
func (p *pattern) glob(s string) bool {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(p.parts) == 1 {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
