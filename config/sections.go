package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"weir/wire"
	"weir/wire/netflow"
)

// section is one name at the top of the file.
type section struct {
	name, doc string
	settings  []setting // of a section that is a mapping of fixed names
	// read reads a section of another form, whose example, a YAML text, stands in the commented defaults.
	read    func(r *reader, n *yaml.Node, path string)
	example string
}

// sections is the file as a table. What is read goes to c.
func (c *Config) sections() []section {
	list := []section{
		{name: "listen", settings: c.listen(),
			doc: "Where telemetry is received. Every port takes sFlow, NetFlow and IPFIX alike.\n" +
				"An empty address is not listened on. A change needs a restart."},
		{name: "http", doc: "The console and the REST interface. A change needs a restart.", settings: c.http()},
		{name: "sflowrt", doc: "The interface that clients of sFlow-RT know. A change needs a restart.",
			settings: c.sflowrt()},
		{name: "engine", settings: c.engine(),
			doc: "How the work is shared, and how much is remembered. A change needs a restart."},
		{name: "telemetry", doc: "How telemetry is read. A change needs a restart.", settings: c.telemetry()},
		{name: "sampling", read: c.readSampling, example: "192.0.2.0/24: 1000\n2001:db8::1: 512",
			doc: "Sampling rates of exporters that do not tell theirs: prefix of exporter addresses,\n" +
				"and N of one packet in N. The longest prefix counts. A change needs a restart."},
		{name: "capture", read: c.readCapture, example: "- interface: eth0\n  promiscuous: true\n  snaplen: 65535",
			doc: "Interfaces whose packets are counted as they pass. Linux, with the right to capture.\n" +
				"A change needs a restart."},
		{name: "flows", read: c.readFlows, example: flowsExample,
			doc: "Flow definitions, by name; see the reference of the flow language. They are in force\n" +
				"beside the standing ones of the console, console_...; one of the same name takes its\n" +
				"place, and \"console_ports: null\" removes it."},
		{name: "thresholds", read: c.readThresholds, example: thresholdsExample,
			doc: "Thresholds on flows and metrics, by name. Crossing one makes an event."},
		{name: "groups", read: c.readGroups,
			example: "default:\n  servers: [192.0.2.0/24, \"2001:db8:1::/48\"]\n  private: [10.0.0.0/8]",
			doc: "Sets of named address prefixes, for the key function group: and, the set \"default\",\n" +
				"for sourcegroup and destinationgroup."},
		{name: "maps", read: c.readMaps, example: "service:\n  web: [\"80\", \"443\"]\n  dns: [\"53\"]",
			doc: "Maps from values to labels, for the key function map:."},
		{name: "topology", read: c.readTopology,
			example: "links:\n  core1: {node1: leaf1, port1: swp1, node2: spine1, port2: swp1}",
			doc:     "The links between switches: here, or the path of a JSON file with the same names."},
		{name: "dns", settings: c.dns(),
			doc: "Name servers for the key functions dns: and suffix:. Without any, no name is asked for.\n" +
				"A change needs a restart."},
		{name: "export", settings: c.export(),
			doc: "How logged flows of definitions with ipfixCollectors are sent to these, as IPFIX.\n" +
				"A change needs a restart."},
		{name: "oui_file", read: c.readVendors, example: "oui.csv",
			doc: "The IEEE's list of MAC address blocks (oui.txt or oui.csv), for the key function oui:."},
		{name: "data", doc: "The directory of what weir itself keeps.",
			read: func(r *reader, n *yaml.Node, path string) { r.setting(n, path, &setting{to: &c.Data}) }},
	}
	return append(list, c.memorySections()...)
}

const flowsExample = `talkers:
  keys: ipsource,ipdestination
  value: bytes
  filter: tcpdestinationport=443
  n: 20
  t: 2`

const thresholdsExample = `flood:
  metric: talkers
  value: 12500000
  byFlow: true
  timeout: 60`

func (c *Config) listen() []setting {
	l := &c.Listen
	return []setting{
		{name: "sflow", doc: "UDP address of sFlow", to: &l.SFlow},
		{name: "netflow", doc: "UDP address of NetFlow", to: &l.NetFlow},
		{name: "ipfix", doc: "UDP address of IPFIX", to: &l.IPFIX},
		{name: "sockets", doc: "per address; 0: one for each core, at most 4", to: &l.Sockets},
		{name: "buffer", doc: "receive buffer of each socket; the system may allow less", to: (*size)(&l.Buffer)},
		{name: "allow", doc: "prefixes of addresses that may send; none: everyone", to: &l.Allow,
			example: "[192.0.2.0/24, \"2001:db8::/32\"]"},
	}
}

func (c *Config) http() []setting {
	h := &c.HTTP
	return []setting{
		{name: "address", doc: "TCP address; on loopback only this machine can reach it", to: &h.HTTP},
		{name: "read_only", doc: "refuse everything that would change something", to: &h.ReadOnly},
		{name: "tokens", doc: "who may do what: read, define or admin. Without tokens everyone who reaches the\n" +
			"address may do everything", read: c.readTokens,
			example: "[{name: grafana, token: \"${WEIR_TOKEN}\", right: read}]"},
		{name: "anonymous", doc: "with tokens: what may do who brings none: none, read or define", to: &h.Anonymous},
		{name: "allow_origins", doc: "origins of other pages that may use the interface in a browser",
			to: &h.AllowOrigins, example: "[\"https://dashboards.example.net\"]"},
		{name: "allow_hosts", doc: "further names that the server answers to", to: &h.AllowHosts,
			example: "[weir.example.net]"},
		{name: "connections", doc: "open at the same time; more wait", to: &h.Connections},
		{name: "streams", doc: "live streams at the same time", to: &h.Streams},
		{name: "debug", doc: "serve /debug/pprof to who may do everything", to: &h.Debug},
	}
}

func (c *Config) engine() []setting {
	e := &c.Engine
	return []setting{
		{name: "lanes", doc: "goroutines that count; 0: one for each core", to: &e.Lanes},
		{name: "inbox", doc: "batches of datagrams that a lane holds before it is full", to: &e.Inbox},
		{name: "tick", doc: "how often the past is closed: 10ms to 1s", to: &e.Tick},
		{name: "flows_max", doc: "finished flows kept for REST", to: &e.FlowsMax},
		{name: "events_max", doc: "events kept for REST", to: &e.EventsMax},
		{name: "exporters", doc: "sFlow agents, and NetFlow and IPFIX senders, known at a time", to: &e.Wire.Exporters},
		{name: "datasources", doc: "of one sFlow agent", to: &e.Wire.Datasources},
		{name: "null_fails_unequal", doc: "in filters, != and !~ are false for what a record does not have",
			to: &e.NullFailsUnequal},
		{name: "flow_keys", doc: "active flows of all definitions, in each lane", to: &e.Flow.Keys},
		{name: "flow_sources", doc: "datasources that flows are followed for, in each lane", to: &e.Flow.Sources},
		{name: "flow_definitions", doc: "definitions, and thresholds, in force", to: &e.Flow.Definitions},
		{name: "flow_log", doc: "finished flows between two ticks, in each lane", to: &e.Flow.Log},
		{name: "distinct_bytes", doc: "memory of sets of distinct values, in each lane",
			to: (*size)(&e.Flow.DistinctBytes)},
		{name: "metric_sources", doc: "datasources with metrics, in each lane", to: &e.Metric.Sources},
		{name: "metric_expire", doc: "metrics that are not refreshed for so long are forgotten", to: &e.Metric.Expire},
		{name: "hosts", doc: "hosts whose place in the network is remembered", to: &e.Enrich.Hosts},
	}
}

func (c *Config) telemetry() []setting {
	n := &c.Engine.Wire.NetFlow
	return []setting{
		{name: "hold", doc: "how long data waits for its template; 0s: it is counted only", to: &n.Hold},
		{name: "templates", doc: "of one exporter and domain", to: &n.MaxTemplates},
		{name: "domains", doc: "exporters times observation domains, known at a time", to: &n.MaxDomains},
	}
}

func (c *Config) export() []setting {
	x := &c.Export
	return []setting{
		{name: "refresh", doc: "how often templates are sent again", to: &x.Refresh},
		{name: "domain", doc: "observation domain of all messages", to: &x.Domain},
		{name: "queue", doc: "messages that wait for each collector", to: &x.Queue},
		{name: "collectors", doc: "of all definitions together", to: &x.Collectors},
	}
}

func (c *Config) dns() []setting {
	d := &c.DNS
	return []setting{
		{name: "servers", doc: "addresses of name servers, asked in turn", to: &d.Servers,
			example: "[192.0.2.53, \"[2001:db8::53]:53\"]"},
		{name: "system", doc: "without servers: ask those of this machine", to: &c.SystemDNS},
		{name: "timeout", doc: "of one question to one server", to: &d.Timeout},
		{name: "min_ttl", doc: "how long a name is good at least", to: &d.MinTTL},
		{name: "max_ttl", doc: "and at most", to: &d.MaxTTL},
		{name: "negative_ttl", doc: "how long it is believed that there is no name", to: &d.NegativeTTL},
		{name: "failure_ttl", doc: "how long an address is left alone when no server answered", to: &d.FailureTTL},
		{name: "cache", doc: "addresses remembered", to: &d.Cache},
		{name: "queue", doc: "addresses that wait to be asked for", to: &d.Queue},
		{name: "workers", doc: "questions under way at a time", to: &d.Workers},
		{name: "per_second", doc: "addresses asked for, at most", to: &d.PerSecond},
	}
}

// fill puts the defaults of rooms that keep them to themselves into c, so that the commented file can show them.
func (c *Config) fill() {
	w, n := wire.DefaultConfig(), &c.Engine.Wire.NetFlow
	orDefault(&c.Engine.Wire.Exporters, w.Exporters)
	orDefault(&c.Engine.Wire.Datasources, w.Datasources)
	orDefault(&n.MaxTemplates, 4096)
	orDefault(&n.MaxDomains, 4096)
	orDefault(&c.Engine.Flow.Keys, 2_000_000)
	orDefault(&c.Engine.Flow.Sources, 100_000)
	orDefault(&c.Engine.Flow.Definitions, 2000)
	orDefault(&c.Engine.Flow.Log, 10_000)
	orDefault(&c.Engine.Flow.DistinctBytes, 256<<20)
	orDefault(&c.Engine.Metric.Sources, 100_000)
	if c.Engine.Metric.Expire == 0 {
		c.Engine.Metric.Expire = 5 * time.Minute
	}
	if n.Hold == 0 {
		n.Hold = netflow.DefaultHold
	}
}

func orDefault(n *int, to int) {
	if *n == 0 {
		*n = to
	}
}
