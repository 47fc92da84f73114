package schema

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// trim narrows text[lo:hi] to what is inside surrounding white space. A space protected by a backslash stays.
func trim(text string, lo, hi int) (int, int) {
	for lo < hi && isSpace(text[lo]) {
		lo++
	}
	for hi > lo && isSpace(text[hi-1]) && !protected(text, lo, hi-1) {
		hi--
	}
	return lo, hi
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// protected tells whether an odd number of backslashes stands before text[i].
func protected(text string, lo, i int) bool {
	n := 0
	for ; i-n > lo && text[i-n-1] == '\\'; n++ {
	}
	return n%2 == 1
}

// unescape resolves backslashes: each makes the byte after it plain.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// key compiles the key in text[lo:hi], which may be in quotes.
func (c *Compiler) key(lo, hi int) (*Expr, error) {
	lo, hi, err := c.unquote(lo, hi)
	if err != nil {
		return nil, err
	}
	known := len(c.run.unknown)
	eval, typ, err := c.expr(lo, hi)
	if err != nil {
		return nil, err
	}
	return &Expr{Text: c.run.text[lo:hi], Type: typ, Eval: eval, Unknown: c.run.unknown[known:]}, nil
}

// unquote narrows text[lo:hi] to what is inside white space and single quotes.
func (c *Compiler) unquote(lo, hi int) (int, int, error) {
	text := c.run.text
	lo, hi = trim(text, lo, hi)
	if lo == hi || text[lo] != '\'' {
		return lo, hi, nil
	}
	if hi-lo < 2 || text[hi-1] != '\'' || protected(text, lo, hi-1) {
		return 0, 0, c.fault(lo, "quote without an end", `write \' for a plain quote`)
	}
	lo, hi = trim(text, lo+1, hi-1)
	return lo, hi, nil
}

// expr compiles the expression in text[lo:hi].
func (c *Compiler) expr(lo, hi int) (Eval, Type, error) {
	lo, hi = trim(c.run.text, lo, hi)
	if c.depth > MaxNesting {
		return nil, 0, c.fault(lo, "brackets nested deeper than 32", "")
	}
	if lo == hi {
		return nil, 0, c.fault(lo, "nothing where an attribute or function is needed", "")
	}
	args, err := c.split(lo, hi)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case len(args) > 1:
		return c.call(args[0], args[1:])
	case args[0].nested:
		s := *c
		s.depth++
		return s.expr(args[0].Pos, args[0].end)
	}
	return c.attribute(args[0].Text, lo)
}

// split cuts text[lo:hi] at colons outside brackets.
func (c *Compiler) split(lo, hi int) ([]Arg, error) {
	text, args := c.run.text, []Arg(nil)
	for {
		a, end, err := c.arg(lo, hi)
		if err != nil {
			return nil, err
		}
		if len(args) > MaxTerms {
			return nil, c.fault(lo, "more than 1024 arguments", "")
		}
		args = append(args, a)
		if end == hi {
			return args, nil
		}
		if text[end] != ':' {
			return nil, c.fault(end, "text after a closing bracket", `separate arguments by ":"`)
		}
		lo = end + 1
	}
}

// arg reads one argument that begins at lo, and returns where it ended.
func (c *Compiler) arg(lo, hi int) (a Arg, end int, err error) {
	text := c.run.text
	if lo < hi && text[lo] == '[' {
		end, err := c.closing(lo, hi)
		return Arg{Text: text[lo+1 : max(end, lo+1)], Pos: lo + 1, end: end, nested: true}, end + 1, err
	}
	for end = lo; end < hi && text[end] != ':'; end++ {
		switch text[end] {
		case '\\':
			if end++; end == hi {
				return a, 0, c.fault(end-1, "backslash at the end", `write \\ for a plain backslash`)
			}
		case '[':
			return a, 0, c.fault(end, "bracket in the middle of an argument", `write \[ for a plain bracket`)
		case ']':
			return a, 0, c.fault(end, "closing bracket without an opening one", `write \] for a plain bracket`)
		case '\'':
			return a, 0, c.fault(end, "quote inside a key", `quote the whole key, or write \' for a plain quote`)
		}
	}
	return Arg{Text: unescape(text[lo:end]), Pos: lo, end: end}, end, nil
}

// closing returns the offset of the bracket that closes the one at lo.
func (c *Compiler) closing(lo, hi int) (int, error) {
	text, depth := c.run.text, 0
	for i := lo; i < hi; i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	return 0, c.fault(lo, "bracket without an end", `close it with "]", or write \[ for a plain bracket`)
}

// call compiles a call of the function that head names.
func (c *Compiler) call(head Arg, args []Arg) (Eval, Type, error) {
	if err := c.term(head.Pos); err != nil {
		return nil, 0, err
	}
	f, ok := c.funcs[head.Text]
	switch {
	case head.nested:
		return nil, 0, c.fault(head.Pos, "brackets where the name of a function is needed", "")
	case !ok:
		hint := DidYouMean(head.Text, maps.Keys(c.funcs))
		return nil, 0, c.fault(head.Pos, "unknown function "+quoteName(head.Text), hint)
	case len(args) < f.Min:
		msg := fmt.Sprintf("function %q needs %s", f.Name, countOf(f.Min, "argument"))
		return nil, 0, c.fault(head.Pos, msg, "write "+f.Name+":"+f.Args)
	case f.Max >= 0 && len(args) > f.Max:
		msg := fmt.Sprintf("function %q takes at most %s", f.Name, countOf(f.Max, "argument"))
		return nil, 0, c.fault(args[f.Max].Pos, msg, `write \: for a colon inside a text`)
	}
	eval, err := f.Build(c, args)
	if err == nil {
		return eval, f.Type, nil
	}
	if se, ok := err.(*SyntaxError); ok {
		return nil, 0, se
	}
	return nil, 0, c.fault(head.Pos, f.Name+": "+err.Error(), "")
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// attribute compiles the name of an attribute. A name that no field has is null in every record.
func (c *Compiler) attribute(name string, pos int) (Eval, Type, error) {
	if err := c.term(pos); err != nil {
		return nil, 0, err
	}
	if name == "" {
		return nil, 0, c.fault(pos, "nothing where an attribute or function is needed", "")
	}
	if i := badNameByte(name); i >= 0 {
		msg := fmt.Sprintf("character %q in the name of an attribute", name[i])
		return nil, 0, c.fault(pos, msg, "names have letters, digits, \"_\", \"-\" and \".\"")
	}
	if c.Used != nil {
		c.Used(name)
	}
	f, nth, ok := c.field(name)
	if !ok {
		c.run.unknown = append(c.run.unknown, name)
		return func(_ *Record, out *Value) { out.SetNull() }, Null, nil
	}
	read := f.Read
	return func(r *Record, out *Value) {
		*out = Value{}
		read(r, nth, out)
	}, f.Type, nil
}

// field finds the field and the occurrence that an attribute name such as "ipsource.1" means.
func (c *Compiler) field(name string) (f Field, nth int, ok bool) {
	if f, ok := c.lookup(name); ok {
		return f, 0, true
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return f, 0, false
	}
	digits := name[dot+1:]
	nth, err := strconv.Atoi(digits)
	if err != nil || nth < 1 || nth > MaxLayers || digits[0] == '0' || digits[0] == '+' {
		return f, 0, false
	}
	f, ok = c.lookup(name[:dot])
	return f, nth, ok && f.Nested
}

func (c *Compiler) lookup(name string) (Field, bool) {
	f, ok := c.fields[name]
	if !ok && c.Dynamic != nil {
		f, ok = c.Dynamic(name)
	}
	return f, ok && f.Read != nil
}

// badNameByte returns the offset of the first byte that cannot be in the name of an attribute, or -1.
func badNameByte(name string) int {
	for i := range len(name) {
		switch b := name[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '-', b == '.':
		default:
			return i
		}
	}
	return -1
}
