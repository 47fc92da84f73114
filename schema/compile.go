package schema

import (
	"maps"
	"slices"
	"strings"
)

// The bounds of what the compiler accepts: beyond them it answers with a SyntaxError.
const (
	MaxExpr    = 16 << 10 // bytes of one text (a key list, a value, a filter)
	MaxNesting = 32       // square or round brackets inside each other
	MaxTerms   = 1024     // attributes, function calls, compared values and regular expressions of one text
)

// Field is one attribute that can be read from a record by name (spec sflow-rt section 2).
type Field struct {
	Name string
	Type Type // what Read makes when it does not make null
	// Nested tells that the attribute belongs to a header that may occur again further in: "ipsource.1".
	Nested bool
	Doc    string // one line for the reference page and completion
	// Read reads the attribute of the nth occurrence (0: the bare name, 1: ".1", ...; always 0 unless Nested) into
	// out, which arrives as null and stays null when the record does not have it. It is unscaled: what the one
	// observed packet, flow or transaction has. What out borrows may be overwritten by the next Read of the field.
	Read func(r *Record, nth int, out *Value)
}

// Eval is a compiled expression: it reads a value of r into out, null when there is none. It owns scratch that out may
// borrow until it runs again, so one goroutine only.
type Eval func(r *Record, out *Value)

// Func is a function of the flow language, "name:arg:arg" (spec sflow-rt section 3).
type Func struct {
	Name string
	Args string // how the arguments are shown in documentation: "KEY:DELIM:N"
	Doc  string // one line for the reference page and completion
	Type Type   // of the result; Null when it depends on the arguments
	Min  int    // fewest arguments
	Max  int    // most arguments, -1 for any number
	// Build compiles a call with Min..Max arguments. It uses c.Sub for arguments that are expressions, c.Literal for
	// texts, and c.Fault for errors; any other error is wrapped into a SyntaxError at the call.
	Build func(c *Compiler, args []Arg) (Eval, error)
}

// Arg is one argument of a function call.
type Arg struct {
	Text   string // literal text with its backslashes resolved, or the text of a nested expression without its brackets
	Pos    int    // byte offset in the whole text that is being compiled
	end    int    // where it ends there; 0 when the argument was not made by the parser
	nested bool   // it was written in square brackets
}

// Expr is a compiled key expression.
type Expr struct {
	Text    string   // as written, without surrounding space and quotes
	Type    Type     // of its values; Null when it depends on the record or is not known
	Eval    Eval     // see there: one goroutine
	Unknown []string // attributes in it that no field has: always null, worth a warning
}

// Compiler turns texts of the flow language into closures. It does not change after it was set up, so several
// goroutines may use one, as far as the fields and functions that it was given allow that.
type Compiler struct {
	// Dynamic, when set, is asked for attributes that the table of fields does not have, such as "ie15397_3".
	Dynamic func(name string) (Field, bool)
	// Used, when set, is called with the name of every attribute that a text asks for, known or not.
	Used func(name string)
	// NullFailsUnequal makes "!=" and "!~" false instead of true when their left side is null and the list on their
	// right side does not name null. The sources do not say which is meant (spec sflow-rt section 11 item 5).
	NullFailsUnequal bool

	fields map[string]Field
	funcs  map[string]Func
	run    *run // set in the copies that functions are built with
	depth  int  // square brackets around what is being compiled
}

// run is the state of one compilation.
type run struct {
	text    string
	terms   int
	unknown []string
}

// NewCompiler returns a compiler for fields that knows the built-in functions and funcs; a later list overrides
// functions of the same name in an earlier one and the built-in ones.
func NewCompiler(fields []Field, funcs ...[]Func) *Compiler {
	c := &Compiler{fields: make(map[string]Field, len(fields)), funcs: map[string]Func{}}
	for _, f := range fields {
		c.fields[f.Name] = f
	}
	for _, list := range append([][]Func{textFuncs(), valueFuncs()}, funcs...) {
		for _, f := range list {
			c.funcs[f.Name] = f
		}
	}
	return c
}

// Fields returns the table of fields, sorted by name.
func (c *Compiler) Fields() []Field {
	return slices.SortedFunc(maps.Values(c.fields), func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
}

// Funcs returns the functions, built-in ones included, sorted by name.
func (c *Compiler) Funcs() []Func {
	return slices.SortedFunc(maps.Values(c.funcs), func(a, b Func) int { return strings.Compare(a.Name, b.Name) })
}

// Key compiles one key expression. The error is a *SyntaxError.
func (c *Compiler) Key(expr string) (*Expr, error) {
	s, err := c.start(expr)
	if err != nil {
		return nil, err
	}
	return s.key(0, len(expr))
}

// Sub compiles an argument as an expression: an attribute, or a nested expression that was written in brackets.
func (c *Compiler) Sub(a Arg) (Eval, error) {
	if c.run == nil || a.end == 0 {
		e, err := c.Key(a.Text)
		if err != nil {
			return nil, err
		}
		return e.Eval, nil
	}
	if a.nested {
		s := *c
		s.depth++
		eval, _, err := s.expr(a.Pos, a.end)
		return eval, err
	}
	name := strings.TrimSpace(a.Text)
	eval, _, err := c.attribute(name, a.Pos)
	return eval, err
}

// Literal returns the text of an argument that must not be an expression.
func (c *Compiler) Literal(a Arg) (string, error) {
	if a.nested {
		return "", c.Fault(a, "an expression in brackets where a plain text is needed", `write \[ for a bracket`)
	}
	return a.Text, nil
}

// Fault returns a *SyntaxError at an argument. Hint says what to do about it; it may be empty.
func (c *Compiler) Fault(a Arg, msg, hint string) error {
	if c.run == nil {
		return &SyntaxError{Expr: a.Text, Msg: msg, Hint: hint}
	}
	return c.fault(a.Pos, msg, hint)
}

func (c *Compiler) fault(pos int, msg, hint string) error {
	return &SyntaxError{Expr: c.run.text, Pos: pos, Msg: msg, Hint: hint}
}

// start begins the compilation of a text in a copy of c.
func (c *Compiler) start(text string) (*Compiler, error) {
	s := *c
	s.run, s.depth = &run{text: text}, 0
	if len(text) > MaxExpr {
		return nil, s.fault(MaxExpr, "longer than 16 KiB", "use several definitions")
	}
	return &s, nil
}

// term counts one more term at pos.
func (c *Compiler) term(pos int) error {
	if c.run.terms++; c.run.terms > MaxTerms {
		return c.fault(pos, "more than 1024 attributes, functions and values",
			"use a group, a map or several definitions")
	}
	return nil
}
