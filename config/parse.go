package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds the size of a configuration file, bytes.
const MaxFile = 64 << 20

// The bounds of a topology in the file: aliases can make much, or something endless, of little.
const (
	maxDepth = 64       // values inside each other
	maxJSON  = 64 << 20 // bytes as JSON
)

// Load reads the file at path as Parse does.
func Load(path string) (*Config, []Problem) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > MaxFile {
		err = fmt.Errorf("%d bytes are more than the %d that a configuration may have", info.Size(), MaxFile)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, []Problem{{File: path, Msg: err.Error()}}
	}
	return Parse(path, b)
}

// Parse reads a configuration over the defaults. name is what problems call the file; paths in it are relative to the
// directory of name. With problems, which are in the order of the file, the Config is nil.
func Parse(name string, b []byte) (*Config, []Problem) {
	r, c := newReader(name), Default()
	var docs []yaml.Node
	if err := yaml.Load(b, &docs, yaml.WithAllDocuments()); err != nil {
		r.syntax(err)
		return nil, r.problems
	}
	if len(docs) > 1 {
		r.bad(&docs[1], "", "remove what follows", "a second document begins here")
	} else if len(docs) == 1 {
		r.document(&docs[0], c)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, Problem.compare)
		return nil, r.problems
	}
	return c, nil
}

func (r *reader) document(n *yaml.Node, c *Config) {
	if n.Kind == yaml.DocumentNode {
		if len(n.Content) == 0 {
			return
		}
		n = n.Content[0]
	}
	list := c.sections()
	names := make([]setting, len(list))
	for i, s := range list {
		names[i] = setting{name: s.name, read: s.read}
		if s.read == nil {
			names[i].read = func(r *reader, n *yaml.Node, path string) { r.section(n, path, s.settings) }
		}
	}
	r.section(n, "", names)
	r.room(c.Listen.Validate())
	r.room(c.HTTP.Validate())
	r.room(c.SFlowRT.Validate())
	r.room(c.Engine.Validate())
	r.room(c.Export.Validate())
	r.dns(c)
	c.counting(r)
	if err := c.Engine.Session.Validate(); err != nil {
		for _, e := range unjoin(err) {
			r.bad(r.at["sessions"], "sessions", "", "%v", e)
		}
	}
	if err := c.Store.Complete(); err != nil {
		r.bad(r.at["store"], "store", "", "%v", err)
	}
}

// dns notes what is wrong with the section dns; its room names values in words of its own.
func (r *reader) dns(c *Config) {
	if err := c.DNS.Complete(); err != nil {
		for _, e := range unjoin(err) {
			r.bad(r.at["dns"], "dns", "", "%v", e)
		}
	}
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}

// toJSON returns the JSON of a YAML value.
func toJSON(n *yaml.Node) ([]byte, error) { return appendJSON(nil, n, 0) }

func appendJSON(b []byte, n *yaml.Node, depth int) (_ []byte, err error) {
	if depth > maxDepth || len(b) > maxJSON {
		return nil, fmt.Errorf("line %d: too much: nested deeper than %d, or larger than 64 MiB", n.Line, maxDepth)
	}
	switch n = target(n); n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, n.Content[i].Value), ':')
			if b, err = appendJSON(b, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item, depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	if plain := n.Style == 0 && json.Valid([]byte(n.Value)); plain || empty(n) {
		if empty(n) {
			return append(b, "null"...), nil
		}
		return append(b, n.Value...), nil
	}
	return appendText(b, n.Value), nil
}

func appendText(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic("BUG: a text has no JSON: " + err.Error())
	}
	return append(b, text...)
}
