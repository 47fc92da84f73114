package config

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/engine"
	"weir/flow"
	"weir/schema"
)

// readFlows reads the definitions and compiles them, to report their errors under the very character.
func (c *Config) readFlows(r *reader, n *yaml.Node, path string) {
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		panic("BUG: an engine with defaults does not start: " + err.Error())
	}
	words := e.Vocabulary()
	r.entries(n, path, func(name string, _, value *yaml.Node, full string) {
		if empty(value) {
			delete(c.Flows, name)
			return
		}
		before := len(r.problems)
		d := flow.Definition{Name: name}
		r.section(value, full, flowSettings(&d))
		if len(r.problems) > before {
			return
		}
		if err := errors.Join(d.Complete(), flow.Check(words, &d)); err != nil {
			r.flow(value, full, err)
			return
		}
		c.Flows[name] = d
	})
}

// flowSettings are the names of a definition: those of its JSON.
func flowSettings(d *flow.Definition) []setting {
	keys := func(r *reader, n *yaml.Node, path string) {
		if texts, _, ok := r.texts(n, path); ok {
			d.Keys = strings.Join(texts, ",")
		}
	}
	return []setting{
		{name: "keys", read: keys}, {name: "value", to: &d.Value}, {name: "values", to: &d.Values},
		{name: "filter", to: &d.Filter}, {name: "n", to: &d.N}, {name: "t", to: &d.T}, {name: "fs", to: &d.FS},
		{name: "log", to: &d.Log}, {name: "flowStart", to: &d.FlowStart}, {name: "activeTimeout", to: &d.ActiveTimeout},
		{name: "dropped", to: &d.Dropped}, {name: "aggMode", to: &d.AggMode},
		{name: "ipfixCollectors", to: &d.IPFIXCollectors},
	}
}

// flow notes what is wrong with a definition, at the attribute that the error names, and within its text at the
// character.
func (r *reader) flow(n *yaml.Node, path string, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		err = many.Unwrap()[0] // what Complete refuses, Check refuses again
	}
	attribute, msg, _ := strings.Cut(err.Error(), ": ")
	if at := r.at[path+"."+attribute]; at != nil {
		n, path = at, path+"."+attribute
	} else {
		msg = err.Error()
	}
	var syntax *schema.SyntaxError
	if !errors.As(err, &syntax) {
		r.bad(n, path, "", "%s", msg)
		return
	}
	r.bad(n, path, syntax.Hint, "%s", strings.TrimSuffix(syntax.Error(), "; "+syntax.Hint))
	if column := columnIn(n, syntax); column > 0 {
		r.problems[len(r.problems)-1].Column = column
	}
}

// columnIn returns the column of a syntax error in a value of one line without escapes; 0 when it cannot be told.
func columnIn(n *yaml.Node, e *schema.SyntaxError) int {
	if n.Kind != yaml.ScalarNode || n.Value != e.Expr || strings.ContainsAny(n.Value, "\n\"'\\") {
		return 0
	}
	column := n.Column + len([]rune(e.Expr[:e.Pos]))
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		column++
	}
	return column
}
