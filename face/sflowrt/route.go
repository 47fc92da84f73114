package sflowrt

import (
	"net/http"
	"slices"
	"strings"

	"weir/api"
)

// Route is one path and method of the interface, as data: the multiplexer, the OpenAPI document and the reference are
// made of it.
type Route struct {
	Method string // GET, PUT or DELETE; HEAD goes with GET, and POST with PUT
	Path   string // a pattern of net/http without method: "/flow/{name}/json"
	Doc    string // what it answers or changes, one or two sentences
	Query  []Parameter
	Body   string // an example of the request body; empty when there is none
	// Example is a path and query that can be called; with those of the routes before it, in order, it succeeds.
	Example string
	Status  int  // of success: 200, or 204 without a body; 404 where a feature is switched off
	Text    bool // the answer is plain text instead of JSON
}

// Parameter is a parameter of the query.
type Parameter struct {
	Name   string
	Number bool // a number; text that is none counts as not given
	Many   bool // may be repeated
	Free   bool // Name stands for any name that has no other meaning
	Doc    string
}

// native returns the route as the reference of the API's server shows it.
func (r *Route) native() api.Route {
	out := api.Route{
		Method: r.Method, Path: r.Path, Group: "/" + r.tag(), Doc: r.Doc, Example: r.Example, Body: r.Body,
	}
	switch {
	case r.Text:
		out.Answer = "text/plain"
	case r.Status != http.StatusNoContent:
		out.Answer = "application/json"
	}
	for _, name := range r.segments() {
		out.Params = append(out.Params, api.Param{Name: name, Type: "string", Doc: segments[name], Required: true})
	}
	for _, q := range r.Query {
		p := api.Param{Name: q.Name, Type: "string", Doc: q.Doc}
		if q.Number {
			p.Type = "number"
		}
		out.Params = append(out.Params, p)
	}
	return out
}

// tag returns the first part of the path, by which routes are grouped.
func (r *Route) tag() string {
	tag, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	return tag
}

// segments returns the names of the parts of the path that are in braces.
func (r *Route) segments() (names []string) {
	for part := range strings.SplitSeq(r.Path, "/") {
		if name, wild := strings.CutPrefix(part, "{"); wild {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// route is a Route and what serves it.
type route struct {
	Route
	serve handler
}

// Routes returns all routes in the order of the reference. The caller owns the slice, not the parameters in it.
func Routes() []Route {
	all := table()
	out := make([]Route, len(all))
	for i := range all {
		out[i] = all[i].Route
	}
	return out
}

// table returns all routes. It is a function because the handler of the OpenAPI document reads it.
func table() []route {
	all := slices.Concat(serverRoutes(), metricRoutes(), flowRoutes(), listRoutes(), eventRoutes(),
		prometheusAppRoutes(), offRoutes(), deleteRoutes())
	for i := range all {
		if all[i].Status == 0 {
			all[i].Status = http.StatusOK
			if all[i].Method != http.MethodGet {
				all[i].Status = http.StatusNoContent
			}
		}
	}
	return all
}

func serverRoutes() []route {
	return []route{
		{Route{Method: "GET", Path: "/version", Text: true, Example: "/version",
			Doc: "The version of this interface: MAJOR.MINOR-BUILD."}, (*call).version},
		{Route{Method: "GET", Path: "/license/json", Example: "/license/json",
			Doc: "A constant: nothing here needs a licence key."}, (*call).license},
		{Route{Method: "GET", Path: "/status", Text: true, Example: "/status",
			Doc: "OK, or 503 and UNAVAILABLE when something that was asked for does not run."}, (*call).status},
		{Route{Method: "GET", Path: "/analyzer/json", Example: "/analyzer/json",
			Doc: "Statistics of the engine and the process."}, (*call).analyzer},
		{Route{Method: "GET", Path: "/api-docs", Example: "/api-docs",
			Doc: "This document: OpenAPI 3.1 in JSON."}, (*call).openAPI},
		{Route{Method: "GET", Path: "/agents/json", Example: "/agents/json",
			Doc:   "What is known of every exporter: datagrams and samples received, lost, repeated, and when.",
			Query: []Parameter{{Name: "agent", Many: true, Doc: "address or host name; only this exporter"}},
		}, (*call).agents},
		{Route{Method: "GET", Path: "/prometheus/analyzer/txt", Text: true, Example: "/prometheus/analyzer/txt",
			Doc: "The numbers of /analyzer/json in the Prometheus text format."}, (*call).prometheusAnalyzer},
		{Route{Method: "GET", Path: "/prometheus/metrics/{agents}/{names}/txt", Text: true,
			Example: "/prometheus/metrics/ALL/load_one,ifinoctets/txt", Query: filterParameters(),
			Doc: "Numeric metrics in the Prometheus text format, one line for each datasource; {names} may be ALL.",
		}, (*call).prometheusMetrics},
	}
}

func filterParameters() []Parameter {
	return []Parameter{{Name: "METRIC", Many: true, Free: true,
		Doc: "any name of a metric: only datasources where it is like one of its patterns; * is any text"}}
}

func metricRoutes() []route {
	return []route{
		{Route{Method: "GET", Path: "/metrics/json", Example: "/metrics/json",
			Doc: "Names of all metrics and flow definitions that have a value, with ms since it was refreshed.",
		}, (*call).metricNames},
		{Route{Method: "GET", Path: "/metric/{agent}/json", Example: "/metric/192.0.2.9/json",
			Doc: "All metrics of one exporter: DATASOURCE.NAME and the latest value."}, (*call).agentMetrics},
		{Route{Method: "GET", Path: "/metric/{agents}/{names}/json", Query: filterParameters(),
			Example: "/metric/ALL/sum:ifinoctets,avg:load_one/json?os_name=linux",
			Doc:     "Each name summarised over the selected datasources, in the order of the names."}, (*call).metric},
		{Route{Method: "GET", Path: "/dump/{agents}/{names}/json", Query: filterParameters(),
			Example: "/dump/ALL/ifindex,ifoperstatus/json",
			Doc:     "Every single value of the named metrics; ALL is every metric."}, (*call).dump},
		{Route{Method: "GET", Path: "/table/{agents}/{names}/json", Query: filterParameters(),
			Example: "/table/ALL/host_name,sort:ifinoctets:-2/json",
			Doc: "A row for each datasource that has all named metrics. null:NAME is optional; sort:NAME:N sorts " +
				"by that column and keeps N rows, -N for the largest."}, (*call).table},
	}
}

func flowRoutes() []route {
	key := Parameter{Name: "key", Doc: "the key values joined by the separator of the definition"}
	return []route{
		{Route{Method: "PUT", Path: "/flow/{name}/json", Example: "/flow/pair/json",
			Body: `{keys:'ipsource,ipdestination',value:'bytes',log:true}`,
			Doc:  "Puts a flow definition in force."}, (*call).putFlow},
		{Route{Method: "GET", Path: "/flow/{name}/json", Example: "/flow/pair/json",
			Doc: "A flow definition with all defaults filled in."}, (*call).flow},
		{Route{Method: "GET", Path: "/flow/json", Example: "/flow/json",
			Doc: "All flow definitions by name."}, (*call).flows},
		{Route{Method: "GET", Path: "/flowkeys/json", Example: "/flowkeys/json",
			Doc: "Attributes seen in traffic within the last hour, with ms since then."}, (*call).flowKeys},
		{Route{Method: "GET", Path: "/activeflows/{agents}/{name}/json", Example: "/activeflows/ALL/pair/json",
			Doc: "The largest flows of a definition at the selected places, largest first. error is the standard " +
				"error of value, errors are those of values; min, max, count and last of samples have none. exact " +
				"tells that nothing was estimated from samples.",
			Query: []Parameter{
				{Name: "maxFlows", Number: true, Doc: "most flows in the answer, default 100"},
				{Name: "minValue", Number: true, Doc: "smallest value in the answer"},
				{Name: "aggMode", Doc: "how the same key at several places becomes one: max, sum, edge or core"},
				{Name: "filter", Doc: "a pattern for each key, joined as in key; empty is any, * is any text"},
			}}, (*call).activeFlows},
		{Route{Method: "GET", Path: "/flowvalue/{agent}/{metric}/json", Example: "/flowvalue/192.0.2.1/3.pair/json" +
			"?key=198.51.100.1,198.51.100.2", Query: []Parameter{key},
			Doc: "The value of one flow at one datasource; {metric} is DATASOURCE.NAME."}, (*call).flowValue},
		{Route{Method: "GET", Path: "/flowlocations/{agents}/{name}/json", Query: []Parameter{key},
			Example: "/flowlocations/ALL/pair/json?key=198.51.100.1,198.51.100.2",
			Doc:     "Every selected place that sees a flow, largest first."}, (*call).flowLocations},
		{Route{Method: "GET", Path: "/flows/json", Example: "/flows/json?name=pair&flowID=-1&timeout=0&maxFlows=10",
			Doc: "Finished flows of definitions with log, newest first.",
			Query: append([]Parameter{
				{Name: "name", Many: true, Doc: "only flows of this definition"},
				{Name: "flowID", Number: true, Doc: "only flows with a larger number; -1 is any"},
				{Name: "maxFlows", Number: true, Doc: "most flows in the answer; default all that are kept"},
			}, timeoutParameter())}, (*call).loggedFlows},
	}
}

func timeoutParameter() Parameter {
	return Parameter{Name: "timeout", Number: true,
		Doc: "seconds to wait for the first, at most 300; default 0. The answer is empty when there was none"}
}

// listRoutes are those of groups, maps and the topology.
func listRoutes() []route {
	return []route{
		{Route{Method: "PUT", Path: "/group/{name}/json", Example: "/group/site/json",
			Body: `{"lab":["198.51.100.0/24","2001:db8::/32"],"any":["0.0.0.0/0"]}`,
			Doc:  "Replaces a group set: names of groups and their prefixes; the longest prefix counts.",
		}, (*call).putGroups},
		{Route{Method: "GET", Path: "/group/{name}/json", Example: "/group/site/json",
			Doc: "A group set."}, (*call).groups},
		{Route{Method: "GET", Path: "/group/json", Example: "/group/json",
			Doc: "All group sets by name."}, (*call).allGroups},
		{Route{Method: "GET", Path: "/groups/json", Example: "/groups/json",
			Doc: "The same under its old name."}, (*call).allGroups},
		{Route{Method: "PUT", Path: "/map/{name}/json", Example: "/map/ports/json",
			Body: `{"web":[80,443],"dns":["53"]}`,
			Doc:  "Replaces a map: labels and the exact values that have them."}, (*call).putMap},
		{Route{Method: "GET", Path: "/map/{name}/json", Example: "/map/ports/json", Doc: "A map."}, (*call).labels},
		{Route{Method: "GET", Path: "/map/json", Example: "/map/json", Doc: "All maps by name."}, (*call).allMaps},
		{Route{Method: "PUT", Path: "/topology/json", Example: "/topology/json",
			Body: `{"links":{"L1":{"node1":"leaf1","port1":"e1","node2":"spine1","port2":"e1"}}}`,
			Doc:  "Replaces the topology."}, (*call).putTopology},
		{Route{Method: "GET", Path: "/topology/json", Example: "/topology/json",
			Doc: "The topology with its version; an empty object when there is none."}, (*call).topology},
	}
}

func eventRoutes() []route {
	return []route{
		{Route{Method: "PUT", Path: "/threshold/{name}/json", Example: "/threshold/busy/json",
			Body: `{"metric":"ifinutilization","value":70,"filter":{"ifspeed":["1000000000"]},"timeout":5}`,
			Doc:  "Puts a threshold on a metric or flow definition in force."}, (*call).putThreshold},
		{Route{Method: "GET", Path: "/threshold/{name}/json", Example: "/threshold/busy/json",
			Doc: "A threshold with all defaults filled in."}, (*call).threshold},
		{Route{Method: "GET", Path: "/threshold/json", Example: "/threshold/json",
			Doc: "All thresholds by name."}, (*call).thresholds},
		{Route{Method: "GET", Path: "/events/json", Example: "/events/json?thresholdID=busy&maxEvents=5",
			Doc: "Crossings of thresholds, newest first.",
			Query: append([]Parameter{
				{Name: "thresholdID", Many: true, Doc: "only events of this threshold"},
				{Name: "eventID", Number: true, Doc: "only events with a larger number; -1 is any"},
				{Name: "maxEvents", Number: true, Doc: "most events in the answer; default all that are kept"},
			}, timeoutParameter())}, (*call).events},
	}
}

func deleteRoutes() []route {
	remove := func(path, example string, serve handler) route {
		return route{Route{Method: "DELETE", Path: path, Example: example,
			Doc: "Removes it; one that does not exist is no error."}, serve}
	}
	return []route{
		remove("/threshold/{name}/json", "/threshold/busy/json", (*call).dropThreshold),
		remove("/flow/{name}/json", "/flow/pair/json", (*call).dropFlow),
		remove("/group/{name}/json", "/group/site/json", (*call).dropGroups),
		remove("/map/{name}/json", "/map/ports/json", (*call).dropMap),
	}
}
