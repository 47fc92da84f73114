package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/schema"
)

// reader walks over the nodes of a file and notes problems.
type reader struct {
	file     string
	problems []Problem
	at       map[string]*yaml.Node // values by path, for problems that are found later
	groups   []string              // counter groups, in the order of the file
}

func newReader(file string) *reader { return &reader{file: file, at: map[string]*yaml.Node{}} }

// bad notes a problem with a value.
func (r *reader) bad(n *yaml.Node, path, hint, format string, args ...any) {
	p := Problem{File: r.file, Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	r.problems = append(r.problems, p)
}

// target follows an alias.
func target(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// empty tells whether a value was left out: "name:" without anything.
func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// entries calls see for every name of a mapping, in the order of the file.
func (r *reader) entries(n *yaml.Node, path string, see func(name string, key, value *yaml.Node, path string)) {
	n = target(n)
	if empty(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, path, "", "%s where names with values are needed, such as %q", kindWord(n), "name: value")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		name := key.Value
		if key.Kind != yaml.ScalarNode {
			r.bad(key, path, "", "a name must be a plain text")
			continue
		}
		full := join(path, name)
		if line, twice := seen[name]; twice {
			r.bad(key, full, "", "is here a second time; the first is on line %d", line)
			continue
		}
		seen[name] = key.Line
		r.at[full] = value
		see(name, key, value, full)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindWord(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "names with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// section reads the settings of a mapping.
func (r *reader) section(n *yaml.Node, path string, list []setting) {
	r.entries(n, path, func(name string, key, value *yaml.Node, full string) {
		i := slices.IndexFunc(list, func(s setting) bool { return s.name == name })
		if i < 0 {
			r.unknown(key, full, name, list)
			return
		}
		r.setting(value, full, &list[i])
	})
}

func (r *reader) unknown(key *yaml.Node, path, name string, list []setting) {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].name
	}
	hint := schema.DidYouMean(strings.ToLower(name), slices.Values(names))
	if hint == "" {
		hint = "known here: " + strings.Join(names, ", ")
	}
	r.bad(key, path, hint, "there is no such name")
}

// setting reads one value.
func (r *reader) setting(n *yaml.Node, path string, s *setting) {
	switch {
	case s.read != nil:
		s.read(r, n, path)
	case empty(n): // as if it were not there
	case isList(s.to):
		texts, nodes, ok := r.texts(n, path)
		if !ok {
			return
		}
		if i, err := assignList(s.to, texts); err != nil {
			r.bad(nodes[i], path, "", "%v", err)
		}
	default:
		if text, ok := r.text(n, path); ok {
			if err := assign(s.to, text); err != nil {
				r.bad(n, path, "", "%v", err)
			}
		}
	}
}

// text reads a single value, with its variables replaced.
func (r *reader) text(n *yaml.Node, path string) (text string, ok bool) {
	n = target(n)
	if n.Kind != yaml.ScalarNode {
		r.bad(n, path, "", "%s where a single value is needed", kindWord(n))
		return "", false
	}
	return r.expand(n, path)
}

// texts reads a list of single values; one value alone is a list of one.
func (r *reader) texts(n *yaml.Node, path string) (texts []string, nodes []*yaml.Node, ok bool) {
	if n = target(n); n.Kind == yaml.ScalarNode {
		text, ok := r.expand(n, path)
		return []string{text}, []*yaml.Node{n}, ok
	}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, path, "", "%s where a list is needed", kindWord(n))
		return nil, nil, false
	}
	ok = true
	for i, item := range n.Content {
		text, good := r.text(item, fmt.Sprintf("%s[%d]", path, i))
		texts, nodes, ok = append(texts, text), append(nodes, item), ok && good
	}
	return texts, nodes, ok
}

// expand replaces ${VAR}; $${ stands for ${.
func (r *reader) expand(n *yaml.Node, path string) (text string, ok bool) {
	rest, ok := n.Value, true
	var b strings.Builder
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			return b.String(), ok
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(literal + "${")
			rest = after
			continue
		}
		b.WriteString(before)
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			r.bad(n, path, "write $${ for a plain ${", "${ without an end")
			return "", false
		}
		value, set := os.LookupEnv(name)
		if !set {
			r.bad(n, path, "set it before weir starts; write $${ for a plain ${",
				"environment variable %q is not set", name)
			ok = false
		}
		b.WriteString(value)
		rest = tail
	}
}

// room notes the problems that a room has with its configuration. Their texts begin with the path of the value, which
// tells the line.
func (r *reader) room(err error) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			r.room(e)
		}
		return
	}
	path, msg, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		path, msg = "", err.Error()
	}
	for at := path; at != ""; {
		if n := r.at[at]; n != nil {
			r.bad(n, path, "", "%s", msg)
			return
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	r.bad(nil, path, "", "%s", msg)
}

// beside returns the path of a file that the configuration names: relative to the configuration itself.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}

// syntax notes what the YAML reader itself has to say.
func (r *reader) syntax(err error) {
	var one *yaml.LoadError
	var many *yaml.LoadErrors
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			r.syntax(e)
		}
	case errors.As(err, &one):
		r.problems = append(r.problems, Problem{
			File: r.file, Line: one.Mark.Line, Column: one.Mark.Column, Msg: "not YAML: " + one.Message,
		})
	default:
		r.problems = append(r.problems, Problem{File: r.file, Msg: "not YAML: " + err.Error()})
	}
}
