package api

import (
	"net/http"
	"net/http/pprof"
	"slices"
)

// The parameters that several routes have.
func maxParam(most, unless string, bound int) Param {
	return Param{Name: "max", Type: "integer", Default: unless, Min: 1, Max: bound, Doc: "at most so many " + most}
}

func nameParam(what string) Param {
	return Param{Name: "name", Type: "string", Doc: "name of the " + what}
}

func waitParam() Param {
	return Param{Name: "wait", Type: "integer", Default: "0", Max: 60,
		Doc: "seconds to wait, 0 to 60, when there is nothing yet"}
}

func sinceParam() Param {
	return Param{Name: "since", Type: "integer", Default: "0", Max: 1<<62 - 1,
		Doc: "only those with a larger number than this"}
}

func modeParam() Param {
	return Param{Name: "mode", Type: "string", Words: []string{"max", "sum", "edge", "core"},
		Doc: "how the same flow at several places becomes one: the largest, the sum, or what crosses the edge or " +
			"core of the topology; without it as the definition says, else max"}
}

const jsonType = "application/json"

// Routes returns the native routes, as documentation shows them.
func Routes() []Route {
	var out []Route
	for _, r := range routes(true) {
		out = append(out, r.Route)
	}
	return out
}

// routes returns the table: all that the server itself answers.
func routes(debug bool) []route {
	list := slices.Concat(serverRoutes(), flowRoutes(), trafficRoutes(), eventRoutes(), worldRoutes(), memoryRoutes())
	if debug {
		list = append(list, debugRoutes()...)
	}
	return list
}

// get, put and drop make the usual lines of the table.
func get(group, path, example, doc string, answer func(*request) (any, error), params ...Param) route {
	return route{
		Route: Route{http.MethodGet, path, group, doc, params, example, "", jsonType}, right: Read, answer: answer,
	}
}

func put(group, path, example, body, doc string, answer func(*request) (any, error), params ...Param) route {
	return route{
		Route: Route{http.MethodPut, path, group, doc, params, example, body, ""}, right: Define, answer: answer,
	}
}

func drop(group, path, example, doc string, answer func(*request) (any, error), params ...Param) route {
	return route{
		Route: Route{http.MethodDelete, path, group, doc, params, example, "", ""}, right: Define, answer: answer,
	}
}

// served makes a line whose handler writes the answer itself.
func served(r route, need Right, media string, serve func(*request, http.ResponseWriter)) route {
	r.right, r.Answer, r.serve = need, media, serve
	return r
}

// long lets a body be as long as lists of prefixes and labels are.
func long(r route) route {
	r.most = listsMax
	return r
}

func serverRoutes() []route {
	const g = "Server"
	return []route{
		get(g, "/api/v1/status", "/api/v1/status", "What this server is, where it listens, and its totals.", status),
		get(g, "/api/v1/schema", "/api/v1/schema",
			"The words of the flow language: attributes of records, key functions, modifiers of values.", vocabulary),
		get(g, "/api/v1/books", "/api/v1/books", "What became of everything that was received. The books balance: "+
			"received is the sum of decoded, malformed and refused, and what a definition observed is the sum of "+
			"what it counted and what it passed over. \"difference\" is 0, or there is a bug.", books,
			maxParam("definitions", "2000", 10000)),
		served(get(g, "/api/v1/openapi.json", "/api/v1/openapi.json",
			"This interface as an OpenAPI 3.1 document.", nil),
			Read, jsonType, serveOpenAPI),
		served(get(g, "/api/{$}", "/api/", "The reference: every route on one page.", nil),
			Read, "text/html", serveReference),
		served(get(g, "/health", "/health", "Whether all is well: 200 when it is, 503 when the server is draining or "+
			"something failed, with the reasons. It needs no token.", nil), None, jsonType, serveHealth),
		served(get(g, "/metrics", "/metrics", "The server's own counters and gauges in the Prometheus text "+
			"format.", nil),
			Read, "text/plain", serveMetrics),
	}
}

const exampleFlow = `{"keys":"ipsource,ipdestination","value":"bytes","filter":"ipprotocol=6","n":10,"t":5}`

func flowRoutes() []route {
	const g = "Flows"
	name := nameParam("definition")
	check := put(g, "/api/v1/flows/check", "/api/v1/flows/check", exampleFlow, "Checks a definition and defines "+
		"nothing. The answer to a good one has \"ok\" and warnings; the answer to a wrong one is the error that PUT "+
		"gives.", checkFlow)
	check.Method, check.right, check.Answer = http.MethodPost, Read, jsonType
	return []route{
		get(g, "/api/v1/flows", "/api/v1/flows?max=3", "The flow definitions in force, by name. \"origin\" says where "+
			"one came from: config, default, console or rest.", flows, maxParam("definitions", "2000", 10000)),
		check,
		get(g, "/api/v1/flows/{name}", "/api/v1/flows/console_pairs",
			"One definition, and what became of the records that it was shown.", oneFlow, name),
		put(g, "/api/v1/flows/{name}", "/api/v1/flows/example", exampleFlow, "Puts a definition in force with the "+
			"next tick, instead of one of the same name. What is left out of the body has its default.", putFlow, name),
		drop(g, "/api/v1/flows/{name}", "/api/v1/flows/example", "Takes a definition out of force. A name that is not "+
			"known is no error.", dropFlow, name),
		get(g, "/api/v1/flows/{name}/active",
			"/api/v1/flows/console_pairs/active?max=5&mode=max", "The active "+
				"flows of a definition, largest first. \"error\" is one standard error of the value, \"errors\" "+
				"are those of the further values: 0 when exact. The modifiers min, max, count and last of samples "+
				"have none: \"error\" is left out, in \"errors\" stands null.", active,
			name, maxParam("flows", "20", 10000), modeParam(),
			Param{Name: "min", Type: "number", Default: "0", Doc: "only flows of at least this value"},
			Param{Name: "key", Type: "string", Doc: "a value for each key, joined by the definition's separator; " +
				"an empty one means any, * any text"},
			Param{Name: "agents", Type: "string", Doc: "only what these exporters see: addresses, host names, ALL, " +
				"TOPOLOGY, EDGE or CORE"}),
		get(g, "/api/v1/flows/{name}/locations", "/api/v1/flows/console_total/locations", "Every place that sees the "+
			"flow of a key, largest first, as active flows are shown.", locations, name, maxParam("places", "100", 10000),
			Param{Name: "key", Type: "string", Doc: "key values, joined by the definition's separator; empty for a " +
				"definition without keys"}),
		get(g, "/api/v1/log", "/api/v1/log?since=0&max=10", "Finished flows of definitions with \"log\", newest first. "+
			"Their values are totals; \"error\" and \"errors\" are as of active flows.", flowLog,
			sinceParam(), maxParam("records", "100", 10000), waitParam(),
			Param{Name: "flows", Type: "string", Doc: "names of definitions, separated by commas; all without it"}),
	}
}

func trafficRoutes() []route {
	const g = "Exporters and metrics"
	return []route{
		get(g, "/api/v1/exporters", "/api/v1/exporters?max=10", "Who sends telemetry, how much of it, and how "+
			"much was lost on the way. When there are more than max, the busiest are shown.", exporters,
			maxParam("exporters", "1000", 100000)),
		get(g, "/api/v1/exporters/{address}", "/api/v1/exporters/192.0.2.1", "All that is known of one exporter: one "+
			"entry for each kind of telemetry that it sends.", exporterByAddress,
			Param{Name: "address", Type: "string", Doc: "address of the exporter"},
			maxParam("datasources", "1000", 100000)),
		get(g, "/api/v1/metrics", "/api/v1/metrics?agents=ALL&names=max:ifinoctets,sum:ifoutoctets", "Metrics: what "+
			"exporters say of themselves, and flow definitions by their names.", metrics,
			Param{Name: "agents", Type: "string", Default: "ALL", Doc: "addresses, host names, ALL, TOPOLOGY, " +
				"EDGE or CORE"},
			Param{Name: "names", Type: "string", Required: true, Doc: "names of metrics, separated by commas, " +
				"each with a statistic if wanted: sum:ifinoctets"},
			Param{Name: "where", Type: "string", Doc: "only datasources with NAME=PATTERN; it may come several times"},
			Param{Name: "as", Type: "string", Default: "summary", Words: []string{"summary", "cells", "rows"},
				Doc: "one record for each name over all datasources, or every value, or one row for each datasource"},
			maxParam("values or rows", "1000", 100000)),
		get(g, "/api/v1/metrics/names", "/api/v1/metrics/names", "The names of all metrics, and how many milliseconds "+
			"ago any of each was refreshed.", metricNames),
		served(get(g, "/api/v1/stream",
			"/api/v1/stream?flows=console_pairs&mode=max&max=5", "Server-sent events: "+
				"`tick` once a second with the totals, the active flows that were asked for, the exporters and the "+
				"books; `threshold` at once when an event begins and again, with the same id, when it ends. A comment "+
				"comes every 15 s. With the header Last-Event-ID the events since then come first. A client that is "+
				"too slow misses ticks.", nil,
			Param{Name: "flows", Type: "string", Doc: "names of definitions, separated by commas, 50 at most"},
			modeParam(), maxParam("flows of each", "10", streamMax)), Read, "text/event-stream", serveStream),
	}
}

func eventRoutes() []route {
	const g = "Thresholds and events"
	name := nameParam("threshold")
	return []route{
		get(g, "/api/v1/events", "/api/v1/events?since=0&max=10", "Crossings of thresholds, newest first. \"end\" is "+
			"null as long as one lasts.", events, sinceParam(), maxParam("events", "100", 10000), waitParam(),
			Param{Name: "thresholds", Type: "string", Doc: "names of thresholds, separated by commas; all without it"}),
		get(g, "/api/v1/thresholds", "/api/v1/thresholds", "The thresholds in force, by name.", thresholds,
			maxParam("thresholds", "2000", 10000)),
		put(g, "/api/v1/thresholds/{name}", "/api/v1/thresholds/busy",
			`{"metric":"console_total","value":125000000,"byFlow":true,"timeout":60}`, "Puts a threshold in force, "+
				"instead of one of the same name. \"metric\" is a metric or a flow definition, \"value\" the limit in "+
				"its unit, \"timeout\" how many seconds the value must have been at or below it before a crossing is "+
				"a new event.",
			putThreshold, name),
		get(g, "/api/v1/thresholds/{name}", "/api/v1/thresholds/busy", "One threshold.", oneThreshold, name),
		drop(g, "/api/v1/thresholds/{name}", "/api/v1/thresholds/busy", "Takes a threshold out of force. A name "+
			"that is not known is no error.", dropThreshold, name),
	}
}

func worldRoutes() []route {
	const g = "Group sets, maps, topology"
	set, labels := nameParam("group set"), nameParam("map")
	return []route{
		get(g, "/api/v1/group-sets", "/api/v1/group-sets", "The names of the group sets.", groupSets,
			maxParam("names", "1000", 1000)),
		long(put(g, "/api/v1/group-sets/{name}", "/api/v1/group-sets/sites",
			`{"lab":["192.0.2.0/24","2001:db8:1::/48"],"office":["198.51.100.0/24"]}`, "Replaces a group set: lists "+
				"of addresses and prefixes by group. Key function group reads it.", putGroups, set)),
		get(g, "/api/v1/group-sets/{name}", "/api/v1/group-sets/sites", "One group set.", groups, set),
		drop(g, "/api/v1/group-sets/{name}", "/api/v1/group-sets/sites", "Removes a group set.", dropGroups, set),
		get(g, "/api/v1/maps", "/api/v1/maps", "The names of the maps.", maps, maxParam("names", "1000", 1000)),
		long(put(g, "/api/v1/maps/{name}", "/api/v1/maps/services", `{"web":["80","443"],"dns":["53"]}`,
			"Replaces a map: lists of values by label. Key function map reads it.", putMap, labels)),
		get(g, "/api/v1/maps/{name}", "/api/v1/maps/services", "One map.", oneMap, labels),
		drop(g, "/api/v1/maps/{name}", "/api/v1/maps/services", "Removes a map.", dropMap, labels),
		get(g, "/api/v1/topology", "/api/v1/topology", "The topology, null when there is none.", topology),
		long(put(g, "/api/v1/topology", "/api/v1/topology",
			`{"nodes":{"s1":{"agent":"192.0.2.1"}},`+
				`"links":{"L1":{"node1":"s1","port1":"eth1","node2":"s2","port2":"eth1"}}}`,
			"Replaces the topology: nodes, and the links between switches.", putTopology)),
		drop(g, "/api/v1/topology", "/api/v1/topology", "Removes the topology.", dropTopology),
	}
}

// debugRoutes are the profiles of the process.
func debugRoutes() []route {
	const g = "Debugging"
	page := func(h http.HandlerFunc) func(*request, http.ResponseWriter) {
		return func(r *request, w http.ResponseWriter) { h(w, r.Request) }
	}
	return []route{
		served(get(g, "/debug/pprof/{profile...}", "/debug/pprof/goroutine?debug=1", "Profiles of the process, when "+
			"http.debug is set; needs the right admin.", nil,
			Param{Name: "profile", Type: "string", Doc: "heap, goroutine, allocs, block, mutex or threadcreate"},
			Param{Name: "debug", Type: "integer", Default: "0", Max: 2, Doc: "1 or 2 for text"},
			Param{Name: "gc", Type: "integer", Default: "0", Max: 1, Doc: "collect garbage first"},
			Param{Name: "seconds", Type: "integer", Default: "0", Max: 120, Doc: "the difference over so many seconds"},
		), Admin, "application/octet-stream", page(pprof.Index)),
		served(get(g, "/debug/pprof/profile", "/debug/pprof/profile?seconds=1", "Where the processors' time goes.", nil,
			Param{Name: "seconds", Type: "integer", Default: "30", Min: 1, Max: 120, Doc: "how long to look"}),
			Admin, "application/octet-stream", page(pprof.Profile)),
		served(get(g, "/debug/pprof/trace", "/debug/pprof/trace?seconds=1", "An execution trace.", nil,
			Param{Name: "seconds", Type: "integer", Default: "1", Min: 1, Max: 60, Doc: "how long to look"}),
			Admin, "application/octet-stream", page(pprof.Trace)),
	}
}
