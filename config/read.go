package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"weir/api"
	"weir/capture"
	"weir/enrich"
	"weir/event"
	"weir/wire"
)

func (c *Config) readTokens(r *reader, n *yaml.Node, path string) {
	n = target(n)
	if empty(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, path, "", "%s where a list of tokens is needed", kindWord(n))
		return
	}
	for i, item := range n.Content {
		var t api.Token
		at := fmt.Sprintf("%s[%d]", path, i)
		r.at[at] = item
		r.section(item, at, []setting{
			{name: "name", to: &t.Name}, {name: "token", to: &t.Token}, {name: "right", to: &t.Right},
		})
		c.HTTP.Tokens = append(c.HTTP.Tokens, t)
	}
}

func (c *Config) readSampling(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, key, value *yaml.Node, full string) {
		prefix, err := parsePrefix(name)
		if err != nil {
			r.bad(key, path, "", "%v", err)
			return
		}
		text, ok := r.text(value, full)
		if !ok {
			return
		}
		rate, err := strconv.ParseUint(text, 10, 32)
		if err != nil || rate == 0 {
			r.bad(value, full, "write N of one packet in N", "%q is no sampling rate", text)
			return
		}
		c.Engine.Wire.Rates = append(c.Engine.Wire.Rates, wire.Rate{Exporters: prefix, Rate: uint32(rate)})
	})
}

func (c *Config) readCapture(r *reader, n *yaml.Node, path string) {
	n = target(n)
	if empty(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, path, "write - interface: eth0", "%s where a list of interfaces is needed", kindWord(n))
		return
	}
	for i, item := range n.Content {
		var one capture.Config
		at := fmt.Sprintf("%s[%d]", path, i)
		r.section(item, at, []setting{
			{name: "interface", to: &one.Interface}, {name: "promiscuous", to: &one.Promiscuous},
			{name: "snaplen", to: &one.SnapLen}, {name: "block_size", to: (*size)(&one.BlockSize)},
			{name: "blocks", to: &one.Blocks}, {name: "retire", to: &one.Retire}, {name: "fanout", to: &one.Fanout},
		})
		if one.Interface == "" {
			r.bad(item, at, "", "interface is missing")
			continue
		}
		c.Capture = append(c.Capture, one)
	}
}

func (c *Config) readThresholds(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, _, value *yaml.Node, full string) {
		if empty(value) {
			delete(c.Thresholds, name)
			return
		}
		before := len(r.problems)
		t := event.Threshold{Name: name}
		r.section(value, full, []setting{
			{name: "metric", to: &t.Metric}, {name: "value", to: &t.Value}, {name: "byFlow", to: &t.ByFlow},
			{name: "timeout", to: &t.Timeout},
			{name: "filter", read: func(r *reader, n *yaml.Node, path string) { t.Filter = r.lists(n, path) }},
		})
		if r.at[full+".value"] == nil {
			r.bad(value, full, "write the limit in the unit of the metric", "value is missing")
		}
		if len(r.problems) > before {
			return
		}
		if err := t.Complete(); err != nil {
			r.bad(value, full, "", "%v", err)
			return
		}
		c.Thresholds[name] = t
	})
}

// lists reads names with lists of texts.
func (r *reader) lists(n *yaml.Node, path string) map[string][]string {
	out := map[string][]string{}
	r.entries(n, path, func(name string, _, value *yaml.Node, full string) {
		if texts, _, ok := r.texts(value, full); ok {
			out[name] = texts
		}
	})
	return out
}

func (c *Config) readGroups(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(set string, _, value *yaml.Node, full string) {
		c.Groups[set] = map[string][]string{}
		r.entries(value, full, func(group string, _, list *yaml.Node, at string) {
			texts, nodes, ok := r.texts(list, at)
			if !ok {
				return
			}
			for i, t := range texts {
				if _, err := enrich.ParsePrefix(t); err != nil {
					r.bad(nodes[i], at, "", "%v", err)
				}
			}
			c.Groups[set][group] = texts
		})
	})
	r.world(n, path, c.Groups, func(name string) error {
		_, err := enrich.NewWorld().WithGroups(name, c.Groups[name])
		return err
	})
}

func (c *Config) readMaps(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, _, value *yaml.Node, full string) { c.Maps[name] = r.lists(value, full) })
	r.world(n, path, c.Maps, func(name string) error {
		_, err := enrich.NewWorld().WithMap(name, c.Maps[name])
		return err
	})
}

// world notes what package enrich has to say of each set, unless what it says was said already.
func (r *reader) world(n *yaml.Node, path string, sets map[string]map[string][]string, try func(name string) error) {
	if len(r.problems) > 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		if err := try(name); err != nil {
			at := n
			if found := r.at[path+"."+name]; found != nil {
				at = found
			}
			r.bad(at, path+"."+name, "", "%v", err)
		}
	}
}

func (c *Config) readTopology(r *reader, n *yaml.Node, path string) {
	if n = target(n); empty(n) {
		return
	}
	if n.Kind != yaml.ScalarNode {
		c.inlineTopology(r, n, path)
		return
	}
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	b, err := os.ReadFile(r.beside(text))
	if err == nil {
		c.Topology, err = enrich.ParseTopology(b)
	}
	if err != nil {
		r.bad(n, path, "", "%v", err)
	}
}

func (c *Config) inlineTopology(r *reader, n *yaml.Node, path string) {
	b, err := toJSON(n)
	if err == nil {
		c.Topology, err = enrich.ParseTopology(b)
	}
	if err != nil {
		r.bad(n, path, "", "%v", err)
	}
}

func (c *Config) readVendors(r *reader, n *yaml.Node, path string) {
	if n = target(n); empty(n) {
		return
	}
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	f, err := os.Open(r.beside(text))
	if err != nil {
		r.bad(n, path, "", "%v", err)
		return
	}
	defer f.Close()
	v, err := enrich.ParseOUI(f)
	if err != nil {
		r.bad(n, path, "", "%v", err)
		return
	}
	c.OUIFile, c.Vendors = text, v
}
