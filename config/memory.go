package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"weir/alert"
	"weir/engine"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// Home is what counter groups are told about the network.
type Home struct {
	Settings meter.Settings
}

const counterGroupsExample = `hosts:
  bucket: 30s
  topper: 300s
  topper_only: true
web_clients:
  title: Web clients
  keys: [ipsource]
  filter: tcpdestinationport=443
  form: [host]
  meters: [{id: 0, name: Total, unit: Bps, type: rate, top: 20, feed: bytes}]
host_apps:
  kind: crosskey
  parents: [hosts, apps]`

const alertRulesExample = `busy_host:
  group: hosts
  keys: 192.0.2.1~192.0.2.20
  meter: 0
  high: 10Mbps
  high_for: 3
  low: 6Mbps
  low_for: 2`

// memorySections are the sections of what is always counted and kept.
func (c *Config) memorySections() []section {
	return []section{
		{name: "home", settings: c.home(), doc: "What counter groups are told about the network."},
		{name: "sessions", settings: c.sessions(), doc: "How long conversations live."},
		{name: "counter_groups", read: c.readCounterGroups, example: counterGroupsExample,
			doc: "Counter groups, by short name: settings of the built-in ones, and further ones; see the page\n" +
				"on counter groups. A change takes effect without a restart."},
		{name: "alerts", read: c.readAlerts, example: alertRulesExample,
			doc: "Alert rules on meters of counter groups, by name."},
		{name: "store", settings: c.store(), doc: "The long memory. A change needs a restart."},
	}
}

func (c *Config) home() []setting {
	h := &c.Home.Settings
	return []setting{
		{name: "networks", doc: "prefixes of the home networks; the private ones when there are none", to: &h.Home,
			example: "[192.0.2.0/24, \"2001:db8::/32\"]"},
		{name: "subnets", doc: "prefixes that the group subnets counts", to: &h.Subnets,
			example: "[192.0.2.0/26, 192.0.2.64/26]"},
		{name: "both_ports", doc: "count applications under both ports when both are 1024 or more", to: &h.BothPorts},
		{name: "profile", doc: "tables of meters and times of the built-in groups: seed, or trisul-manual. A change\n" +
			"needs a restart", to: &c.Engine.Profile},
	}
}

func (c *Config) sessions() []setting {
	s := &c.Engine.Session
	return []setting{
		{name: "tcp", doc: "a TCP session is over when it is silent for so long", to: &s.TCP},
		{name: "udp", doc: "the same for UDP", to: &s.UDP},
		{name: "icmp", doc: "the same for ICMP", to: &s.ICMP},
		{name: "other", doc: "the same for other protocols", to: &s.Other},
		{name: "report", doc: "how often a long session is stored in between; 0s: only its end", to: &s.Report},
		{name: "linger", doc: "how long a closed session takes trailing packets", to: &s.Linger},
		{name: "max", doc: "live sessions of one lane; then the least recently active ones end early", to: &s.Max},
		{name: "min_bytes", doc: "finished sessions that are smaller are not stored", to: (*size64)(&s.MinBytes)},
	}
}

func (c *Config) store() []setting {
	s := &c.Store
	list := []setting{
		{name: "enabled", doc: "keep sessions, buckets and the rest in the data directory", to: &c.Remember},
		{name: "node", doc: "name of this server in the store", to: &s.Node},
		{name: "max_bytes", doc: "what all parts may take together; 0: no limit", to: (*bytes64)(&s.MaxBytes)},
		{name: "journal_bytes", doc: "what the journal may take; then the oldest part is given up",
			to: (*bytes64)(&s.JournalBytes)},
		{name: "flush_every", doc: "how often rows are made into parts", to: &s.FlushEvery},
		{name: "memory", doc: "what queries may take", to: (*bytes64)(&c.QueryMemory)},
		{name: "keep", doc: "how long rows are kept, by table, in days (7d) or hours; others are kept for ever",
			read: c.readKeep, example: keepExample()},
	}
	return list
}

// keepExample shows how long rows are kept when nothing is said.
func keepExample() string {
	d := store.DefaultConfig()
	text := "{"
	for _, t := range schema.Tables {
		if age, ok := d.Keep[t.Name]; ok {
			if len(text) > 1 {
				text += ", "
			}
			text += t.Name + ": " + days(age)
		}
	}
	return text + "}"
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return shortDuration(d)
}

func (c *Config) readKeep(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, key, value *yaml.Node, full string) {
		if schema.TableOf(name) == nil {
			names := make([]string, len(schema.Tables))
			for i, t := range schema.Tables {
				names[i] = t.Name
			}
			r.bad(key, full, schema.DidYouMean(name, slices.Values(names)), "there is no such table")
			return
		}
		text, ok := r.text(value, full)
		if !ok {
			return
		}
		d, err := parseAge(text)
		if err != nil {
			r.bad(value, full, "", "%v", err)
			return
		}
		c.Store.Keep[name] = d
	})
}

// parseAge reads days (7d) or a duration.
func parseAge(text string) (time.Duration, error) {
	var n int
	var unit byte
	if k, err := fmt.Sscanf(text, "%d%c", &n, &unit); err == nil && k == 2 && unit == 'd' &&
		text == fmt.Sprintf("%dd", n) && n > 0 && n <= 36600 {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no age; write days or hours, such as 7d or 36h", text)
	}
	return d, nil
}

// readCounterGroups notes the groups; what they mean follows from the profile, which may come later in the file.
func (c *Config) readCounterGroups(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, _, value *yaml.Node, _ string) { r.groups = append(r.groups, name) })
}

// counting puts counter groups and alert rules together and tries them: they are checked by the same code that takes
// them at run time.
func (c *Config) counting(r *reader) {
	e, err := engine.New(engine.Config{Lanes: 1, Profile: c.Engine.Profile})
	if err != nil {
		r.bad(r.at["home.profile"], "home.profile", "", "%v", err)
		return
	}
	// Groups may be made from others that stand further down.
	for waiting := r.groups; len(waiting) > 0; {
		var failed []string
		errs := map[string]error{}
		for _, name := range waiting {
			g, err := readGroup(name, r.at["counter_groups."+name], e.State().Group(name))
			if err == nil {
				err = e.Do(engine.DefineGroup{Group: g})
			}
			if err != nil {
				failed, errs[name] = append(failed, name), err
				continue
			}
			c.CounterGroups = append(c.CounterGroups, g)
		}
		if len(failed) == len(waiting) {
			for _, name := range failed {
				r.bad(r.at["counter_groups."+name], "counter_groups."+name, "", "%v", errs[name])
			}
			break
		}
		waiting = failed
	}
	for _, rule := range c.Rules {
		if err := e.Do(engine.SetRule{Rule: rule}); err != nil {
			r.bad(r.at["alerts."+rule.Name], "alerts."+rule.Name, "", "%v", err)
		}
	}
}

// readGroup reads the settings of a group over those of the built-in one of that name.
func readGroup(name string, n *yaml.Node, old *meter.Group) (g meter.Group, err error) {
	g = meter.Group{Name: name, Kind: meter.KindKeys, Origin: "config"}
	if old != nil {
		g = old.Clone()
	}
	b, err := toJSON(n)
	if err == nil {
		err = strictly(b, &g)
	}
	if err == nil && g.Name != name && old == nil {
		err = errors.New("name: the name of the section is the name of the group; leave it out")
	}
	return g, err
}

// strictly reads JSON and refuses names that it does not know.
func strictly(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

func (c *Config) readAlerts(r *reader, n *yaml.Node, path string) {
	r.entries(n, path, func(name string, _, value *yaml.Node, full string) {
		b, err := toJSON(value)
		rule := alert.Rule{}
		if err == nil {
			err = strictly(b, &rule)
		}
		if err == nil {
			rule.Name = name
			err = rule.Complete()
		}
		if err != nil {
			for _, e := range unjoin(err) {
				r.bad(value, full, "", "%v", e)
			}
			return
		}
		c.Rules = append(c.Rules, rule)
	})
}
