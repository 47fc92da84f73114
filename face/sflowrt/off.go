package sflowrt

import (
	"net/http"
	"strings"
)

// offRoutes are those of features that are switched off: lists are empty, nothing is found, and nothing can be made.
func offRoutes() []route {
	const bgp = "BGP is switched off."
	list := func(path, example, doc string, serve handler) route {
		return route{Route{Method: "GET", Path: path, Example: example, Doc: doc}, serve}
	}
	all := []route{
		list("/apps/json", "/apps/json", "Applications: there are none.", (*call).nothing),
		list("/scripts/json", "/scripts/json", "Scripts: there are none.", (*call).nothing),
		list("/forwarding/json", "/forwarding/json", "Forwarding is switched off.", (*call).nothing),
		list("/tenant/json", "/tenant/json", "Tenants are switched off.", (*call).nothing),
		list("/bgp/topprefixes/{router}/json", "/bgp/topprefixes/192.0.2.1/json", bgp, (*call).noPrefixes),
		list("/bgp/topprefixes6/{router}/json", "/bgp/topprefixes6/192.0.2.1/json", bgp, (*call).noPrefixes),
		list("/bgp/routepusher/{router}/json", "/bgp/routepusher/192.0.2.1/json", bgp, (*call).noList),
		list("/bgp/flowspec/{router}/json", "/bgp/flowspec/192.0.2.1/json", bgp, (*call).noList),
		{Route{Method: "GET", Path: "/bgp/prefix/{router}/json", Status: http.StatusNotFound, Doc: bgp,
			Example: "/bgp/prefix/192.0.2.1/json?address=198.51.100.1",
			Query:   []Parameter{{Name: "address", Doc: "the address whose prefix is wanted"}}}, (*call).off},
		{Route{Method: "GET", Path: "/app/{name}/status", Example: "/app/demo/status", Status: http.StatusNotFound,
			Doc: "The state of an application: there are none."}, (*call).off},
	}
	for _, path := range []string{"/forwarding/{name}/json", "/tenant/{name}/json",
		"/bgp/routepusher/{router}/{address}/{bits}/json", "/bgp/flowspec/{router}/json"} {
		all = append(all, switchedOff(path)...)
	}
	return all
}

// switchedOff are the methods of something that could be made if its feature was on.
func switchedOff(path string) []route {
	example := strings.NewReplacer("{name}", "x", "{router}", "192.0.2.1", "{address}", "198.51.100.0",
		"{bits}", "24").Replace(path)
	const doc = "This feature is switched off."
	all := []route{
		{Route{Method: "PUT", Path: path, Example: example, Doc: doc, Body: "{}",
			Status: http.StatusNotFound}, (*call).off},
		{Route{Method: "DELETE", Path: path, Example: example, Doc: doc}, (*call).gone},
	}
	if path != "/bgp/flowspec/{router}/json" {
		all = append(all, route{Route{Method: "GET", Path: path, Example: example, Doc: doc,
			Status: http.StatusNotFound}, (*call).off})
	}
	return all
}

func (c *call) nothing() error { return c.json(struct{}{}) }

func (c *call) noList() error { return c.json([]struct{}{}) }

func (c *call) gone() error { return c.done(nil) }

func (c *call) off() error {
	return &problem{status: http.StatusNotFound, Message: c.r.URL.Path + ": this feature is switched off",
		Hint: "/api-docs tells what is there"}
}

// prefixes is the answer of /bgp/topprefixes (spec sflow-rt 6.8).
type prefixes struct {
	State                  string     `json:"state"`
	NPrefixes              int        `json:"nPrefixes"`
	LearnedPrefixesAdded   int        `json:"learnedPrefixesAdded"`
	LearnedPrefixesRemoved int        `json:"learnedPrefixesRemoved"`
	PushedPrefixesAdded    int        `json:"pushedPrefixesAdded"`
	PushedPrefixesRemoved  int        `json:"pushedPrefixesRemoved"`
	ValueTotal             float64    `json:"valueTotal"`
	ValuePercentCoverage   float64    `json:"valuePercentCoverage"`
	TopPrefixes            []struct{} `json:"topPrefixes"`
}

func (c *call) noPrefixes() error {
	return c.json(prefixes{State: "idle", TopPrefixes: []struct{}{}})
}
