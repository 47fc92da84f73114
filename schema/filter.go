package schema

import "strings"

// Filter tells whether a record passes. It owns scratch, so one goroutine only; it does not allocate.
type Filter func(r *Record) bool

// Filter compiles a filter expression (spec sflow-rt section 4); it returns nil, which means "every record", for an
// empty text and for "null". The error is a *SyntaxError.
func (c *Compiler) Filter(expr string) (Filter, error) {
	s, err := c.start(expr)
	if err != nil {
		return nil, err
	}
	if lo, hi := trim(expr, 0, len(expr)); lo == hi || expr[lo:hi] == "null" {
		return nil, nil
	}
	p := &filterParser{c: s, text: expr}
	f, err := p.any()
	if err != nil {
		return nil, err
	}
	if p.pos < len(expr) {
		return nil, s.fault(p.pos, "closing bracket without an opening one", "")
	}
	return f, nil
}

// filterParser reads a filter by recursive descent. Between its methods pos is at a token, never at white space.
type filterParser struct {
	c     *Compiler
	text  string
	pos   int
	depth int // round brackets around pos
}

// any reads terms joined by "|".
func (p *filterParser) any() (Filter, error) {
	list, err := p.list('|', p.all)
	if err != nil || len(list) == 1 {
		return first(list), err
	}
	return func(r *Record) bool {
		for _, f := range list {
			if f(r) {
				return true
			}
		}
		return false
	}, nil
}

// all reads factors joined by "&".
func (p *filterParser) all() (Filter, error) {
	list, err := p.list('&', p.factor)
	if err != nil || len(list) == 1 {
		return first(list), err
	}
	return func(r *Record) bool {
		for _, f := range list {
			if !f(r) {
				return false
			}
		}
		return true
	}, nil
}

func first(list []Filter) Filter {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// list reads one or more parts with the sign join between them.
func (p *filterParser) list(join byte, part func() (Filter, error)) ([]Filter, error) {
	var list []Filter
	for {
		f, err := part()
		if err != nil {
			return nil, err
		}
		list = append(list, f)
		if p.peek() != join {
			return list, nil
		}
		p.pos++
	}
}

// peek skips white space and returns the byte at pos, 0 at the end.
func (p *filterParser) peek() byte {
	for p.pos < len(p.text) && isSpace(p.text[p.pos]) {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

// factor reads a comparison, or an expression in round brackets.
func (p *filterParser) factor() (Filter, error) {
	if p.peek() != '(' {
		return p.compare()
	}
	open := p.pos
	if p.depth++; p.depth > MaxNesting {
		return nil, p.c.fault(open, "brackets nested deeper than 32", "")
	}
	p.pos++
	f, err := p.any()
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.c.fault(open, "bracket without an end", `close it with ")"`)
	}
	p.pos++
	p.depth--
	return f, nil
}

// compare reads operand, operator and list of values.
func (p *filterParser) compare() (Filter, error) {
	if err := p.c.term(p.pos); err != nil {
		return nil, err
	}
	eval, err := p.operand()
	if err != nil {
		return nil, err
	}
	negate, match, err := p.operator()
	if err != nil {
		return nil, err
	}
	test, onNull, err := p.values(match)
	if err != nil {
		return nil, err
	}
	// What null gives: true when the list names it; the negated operators give the opposite, or what the switch says.
	if negate {
		onNull = !onNull && !p.c.NullFailsUnequal
	}
	v := new(Value)
	return func(r *Record) bool {
		eval(r, v)
		if v.Type == Null {
			return onNull
		}
		return test(v) != negate
	}, nil
}

// operand reads the left side of a comparison.
func (p *filterParser) operand() (Eval, error) {
	quoted := p.peek() == '\''
	lo, hi, depth := p.pos, p.pos, 0
	if quoted {
		end, err := p.quoted()
		if err != nil {
			return nil, err
		}
		eval, _, err := p.c.expr(lo+1, end)
		return eval, err
	}
	for ; hi < len(p.text); hi++ {
		b := p.text[hi]
		switch {
		case b == '\\':
			hi++
			continue
		case b == '[':
			depth++
		case b == ']':
			depth--
		}
		if depth <= 0 && (strings.IndexByte("=~&|(),", b) >= 0 || b == '!' && p.unequal(hi)) {
			break
		}
	}
	p.pos = min(hi, len(p.text))
	if from, to := trim(p.text, lo, p.pos); from == to {
		return nil, p.c.fault(lo, "nothing where a comparison is needed", "write attribute=value")
	}
	eval, _, err := p.c.expr(lo, p.pos)
	return eval, err
}

func (p *filterParser) unequal(i int) bool {
	return i+1 < len(p.text) && (p.text[i+1] == '=' || p.text[i+1] == '~')
}

// quoted reads text in single quotes that begins at pos and returns where its closing quote is; pos goes behind it.
func (p *filterParser) quoted() (end int, err error) {
	open := p.pos
	for end = open + 1; end < len(p.text); end++ {
		switch p.text[end] {
		case '\\':
			end++
		case '\'':
			p.pos = end + 1
			return end, nil
		}
	}
	return 0, p.c.fault(open, "quote without an end", `write \' for a plain quote`)
}

// operator reads "=", "!=", "~" or "!~". Match tells that it is one of the last two.
func (p *filterParser) operator() (negate, match bool, err error) {
	b, at := p.peek(), p.pos
	if b == '!' {
		negate = true
		p.pos++
		if p.pos < len(p.text) {
			b = p.text[p.pos]
		}
	}
	if b != '=' && b != '~' {
		return false, false, p.c.fault(at, "no operator after the attribute", `write "=", "!=", "~" or "!~"`)
	}
	p.pos++
	return negate, b == '~', nil
}

// values reads the list on the right side. It returns the test for a left side that is not null, and whether the list
// names null.
func (p *filterParser) values(match bool) (test func(*Value) bool, null bool, err error) {
	var set valueSet
	var patterns patternList
	for {
		if err := p.c.term(p.pos); err != nil {
			return nil, false, err
		}
		v, err := p.value()
		switch {
		case err != nil:
			return nil, false, err
		case v.text == "null":
			null = true
			set.add("null")
		case match:
			if err := patterns.add(p.c, v); err != nil {
				return nil, false, err
			}
		default:
			set.add(v.plain())
		}
		if p.peek() != ',' {
			break
		}
		p.pos++
	}
	if match {
		return patterns.test(null), null, nil
	}
	return set.test(), null, nil
}

// rightSide is one value of a list, as written between its quotes or signs.
type rightSide struct {
	text   string
	pos    int
	quoted bool
}

// plain returns the text that is meant: a backslash protects the signs of the language and stays before other bytes.
func (v rightSide) plain() string {
	signs := `\',&|()= `
	if v.quoted {
		signs = `\'`
	}
	if strings.IndexByte(v.text, '\\') < 0 {
		return v.text
	}
	b := make([]byte, 0, len(v.text))
	for i := 0; i < len(v.text); i++ {
		if v.text[i] == '\\' && i+1 < len(v.text) && strings.IndexByte(signs, v.text[i+1]) >= 0 {
			i++
		}
		b = append(b, v.text[i])
	}
	return string(b)
}

// value reads one value of the right side.
func (p *filterParser) value() (rightSide, error) {
	if p.peek() == '\'' {
		lo := p.pos + 1
		end, err := p.quoted()
		if err != nil {
			return rightSide{}, err
		}
		if b := p.peek(); b != 0 && strings.IndexByte(",&|)", b) < 0 {
			return rightSide{}, p.c.fault(p.pos, "text after a quoted value", `join comparisons by "&" or "|"`)
		}
		return rightSide{text: p.text[lo:end], pos: lo, quoted: true}, nil
	}
	lo, end := p.pos, p.pos
scan:
	for ; end < len(p.text); end++ {
		switch p.text[end] {
		case '\\':
			end++
		case ',', '&', '|', ')':
			break scan
		case '(', '=', '\'':
			msg := "\"" + p.text[end:end+1] + "\" inside a value"
			return rightSide{}, p.c.fault(end, msg, "put the value in single quotes")
		}
	}
	p.pos = min(end, len(p.text))
	from, to := trim(p.text, lo, p.pos)
	if from == to {
		return rightSide{}, p.c.fault(lo, "no value", "write '' for an empty text, null for an absent attribute")
	}
	return rightSide{text: p.text[from:to], pos: from}, nil
}
