package api

import (
	"net/http"
	"slices"

	"weir/history"
)

// memoryRoutes are the routes of counter groups, sessions, alerts and of what is kept of them.
func memoryRoutes() []route {
	return slices.Concat(groupRoutes(), topperRoutes(), keyRoutes(), sessionRoutes(), alertRoutes(), storeRoutes())
}

const (
	groupsHeading   = "Counter groups"
	sessionsHeading = "Sessions"
	alertsHeading   = "Alerts on meters"
	memoryHeading   = "Memory"
)

// exampleGroup is a group of one's own: who talks how much from which port to which.
const exampleGroup = `{"title":"UDP ports","keys":["ipprotocol","udpdestinationport"],"filter":"ipprotocol=17",` +
	`"meters":[{"id":0,"name":"Total","unit":"Bps","type":"rate","top":20,"feed":"bytes"}]}`

// table makes a route answer with a table when that is wanted.
func table(r route, answer func(*request) (*sheet, error)) route {
	r.Params = append(slices.Clip(r.Params), formatParam())
	return served(r, r.right, jsonType, sheets(answer))
}

func groupRoutes() []route {
	const g = groupsHeading
	name := groupParam()
	check := put(g, "/api/v1/groups/check", "/api/v1/groups/check", exampleGroup, "Checks a counter group and defines "+
		"nothing. The answer to a good one has \"ok\", warnings, and the group as it would be; the answer to a wrong one "+
		"is the error that PUT gives.", checkGroup)
	check.Method, check.right, check.Answer = http.MethodPost, Read, jsonType
	patch := put(g, "/api/v1/groups/{name}", "/api/v1/groups/hosts", `{"topper":"10m","meters":[{"id":0,"top":100}]}`,
		"Changes what the body says of a counter group; meters are named by their id. Of built-in groups \"active\", "+
			"\"bucket\", \"topper\", \"topper_only\", \"max_keys\", \"spread\", and \"top\" and \"bottom\" of meters can be "+
			"changed. It is in force with the next tick; what was counted until then is kept as it was.", patchGroup, name)
	patch.Method = http.MethodPatch
	return []route{
		get(g, "/api/v1/groups", "/api/v1/groups?max=3", "The counter groups, by name: what they count, how they are set, "+
			"how many keys they have now. \"space\" says how many rows of buckets there were and how many were handed over to "+
			"be kept, which are fewer with \"topper_only\".", counterGroups, maxParam("groups", "500", 1000)),
		get(g, "/api/v1/groups/{name}", "/api/v1/groups/hosts", "One counter group.", counterGroup, name),
		check,
		put(g, "/api/v1/groups/{name}", "/api/v1/groups/udp_ports", exampleGroup, "Puts a counter group in force with the "+
			"next tick, instead of one of the same name. \"kind\" is keys (expressions of the flow language, the default), "+
			"crosskey (every combination of the keys of two or three \"parents\"), filtered (the first parent, where a key of "+
			"the second is in \"key_list\", or none in \"inverse_key_list\"), keyset (\"sets\" of keys of the parent under "+
			"names), rule (\"rules\", each with \"target\" and \"filter\"), stat (keys of the parent whose \"stat\" holds) or "+
			"script. \"distinct\" adds meters that count distinct keys of another group. Built-in groups are set as with "+
			"PATCH.", putGroup, name),
		patch,
		drop(g, "/api/v1/groups/{name}", "/api/v1/groups/udp_ports", "Removes a counter group of one's own; what is kept of "+
			"it stays. Built-in ones cannot be removed, but set inactive. A name that is not known is no error.",
			dropGroup, name),
		get(g, "/api/v1/home", "/api/v1/home", "The networks that are at home, and others that groups count by.", home),
		put(g, "/api/v1/home", "/api/v1/home", `{"networks":["10.0.0.0/8","192.168.0.0/16"],"subnets":["10.0.1.0/24"]}`,
			"Sets the home networks and subnets; what the body does not name stays.", putHome),
	}
}

func topperRoutes() []route {
	const g = groupsHeading
	return []route{
		table(get(g, "/api/v1/groups/{name}/toppers", "/api/v1/groups/hosts/toppers?meter=0&max=10", "The largest keys of a "+
			"meter. Without \"from\" and \"to\": in the topper bucket that is open. Over a range: the sums of the lists of its "+
			"topper buckets; a key that was not in a list counted there at most what the last one in it did, which is its "+
			"\"error\": the truth is from \"value\" to \"value\" + \"error\". Ranges of up to two topper buckets are answered "+
			"from all buckets. \"others\" is the total, which is exact, less what is shown, and up to \"others_error\" of it "+
			"may belong to keys that are shown. Rates are averages over the range.", nil,
			groupParam(), meterParam(), fromParam(""), toParam(), maxParam("keys", "50", history.ToppersMax),
			Param{Name: "bottom", Type: "boolean", Default: "false", Doc: "the smallest that are not zero"},
			Param{Name: "exact", Type: "boolean", Default: "false", Doc: "from all buckets, up to 6 hours of them"},
			asParam(), compareParam()), toppers),
		get(g, "/api/v1/groups/{name}/toppers/trend", "/api/v1/groups/hosts/toppers/trend?from=-1h&max=5", "How the largest "+
			"keys of a range went, topper bucket by topper bucket.", trend,
			groupParam(), meterParam(), fromParam("-1h"), toParam(), maxParam("keys", "10", 100), asParam()),
	}
}

func keyRoutes() []route {
	const g = groupsHeading
	oneGroup, oneKeyParam := groupParam(), keyParam()
	return []route{
		get(g, "/api/v1/groups/{name}/keys", "/api/v1/groups/hosts/keys?q=10.0.&max=10", "Keys of a group that are counted "+
			"now or were in the last 90 days, in the order of their raw forms. \"last\" is the day, unless the key is live.",
			groupKeys, oneGroup,
			Param{Name: "q", Type: "string", Doc: "only keys with this in their raw or readable form or label; addresses " +
				"that begin with it"},
			maxParam("keys", "100", 10000),
			Param{Name: "offset", Type: "integer", Default: "0", Max: 1_000_000, Doc: "pass over so many"}),
		get(g, "/api/v1/groups/{name}/keys/{key}", "/api/v1/groups/hosts/keys/10.0.0.1", "What is known of a key, and the "+
			"values of its meters in the bucket that is open.", oneKey, oneGroup, oneKeyParam),
		put(g, "/api/v1/groups/{name}/keys/{key}", "/api/v1/groups/hosts/keys/10.0.0.1",
			`{"label":"gateway","description":"first floor","attributes":{"owner":"net"}}`, "Says what a key is called. It "+
				"changes nothing that is counted; an empty object takes it back.", putKey, oneGroup, oneKeyParam),
		table(get(g, "/api/v1/groups/{name}/keys/{key}/series",
			"/api/v1/groups/hosts/keys/10.0.0.1/series?meters=0,1&from=-10m", "Meters of a key over time. Up to 6 hours come "+
				"from buckets as they were counted, up to 7 days from those of 5 minutes, longer ranges from those of an hour, "+
				"as far as there are; \"resolution_s\" says what was read. The point that is still being counted is the last one "+
				"and \"open\" says so; its rates are over the time that passed. \"totals\" are by meter, over the range.", nil,
			oneGroup, oneKeyParam,
			Param{Name: "meters", Type: "string", Doc: "ids of meters, separated by commas; all without it"},
			fromParam("-1h"), toParam(),
			Param{Name: "step", Type: "string", Doc: "distance of the points: 30s, 5m, 1h; it may be made larger"},
			asParam(), compareParam()), series),
		get(g, "/api/v1/groups/{name}/keys/{key}/ranks", "/api/v1/groups/hosts/keys/10.0.0.1/ranks?from=-1h", "The place of "+
			"a key among the largest, topper bucket by topper bucket; null where it was not in the list.", ranks,
			oneGroup, oneKeyParam, meterParam(), fromParam("-1h"), toParam(), asParam()),
		get(g, "/api/v1/groups/{name}/keys/{key}/peers", "/api/v1/groups/hosts/keys/10.0.0.1/peers?max=5", "What a key "+
			"occurred together with: the largest keys of each cross-key group that is made from the group.", peers,
			oneGroup, oneKeyParam, fromParam("-1h"), toParam(), maxParam("keys of each group", "10", 1000), asParam()),
		drop(g, "/api/v1/groups/{name}/keys/{key}", "/api/v1/groups/hosts/keys/10.0.0.1", "Takes back what was said of a "+
			"key.", dropKey, oneGroup, oneKeyParam),
		get(g, "/api/v1/search", "/api/v1/search?q=10.0.0.1", "Keys of any group that a text may mean: an address or the "+
			"beginning of one, a port or a service, a label. The likeliest come first.", search,
			Param{Name: "q", Type: "string", Required: true, Doc: "what is looked for"}, maxParam("keys", "20", 1000)),
	}
}

func sessionRoutes() []route {
	const g = sessionsHeading
	filter := func(rest ...Param) []Param {
		params := []Param{
			{Name: "q", Type: "string", Doc: "field=value,field=value, all of which must hold: srcip, destip, ip, srcport, " +
				"destport, port, proto, tag, net24, net16, ippair, router, ifin, ifout, interface, minbytes, minpackets, " +
				"minrtt, minretrans, vlan, tos, state, id, key"},
		}
		for _, name := range sessionParams {
			params = append(params, Param{Name: name, Type: "string", Doc: "as the field of q"})
		}
		params = append(params, Param{Name: "min_bytes", Type: "string", Doc: "bytes of both directions at least: 1M"},
			fromParam("-1h"), toParam(), Param{Name: "live", Type: "string", Default: "both",
				Words: []string{"no", "only", "both"}, Doc: "sessions that still go on"})
		return append(params, rest...)
	}
	order := Param{Name: "order", Type: "string", Default: "last", Words: history.OrderWords,
		Doc: "the largest or newest first"}
	return []route{
		table(get(g, "/api/v1/sessions", "/api/v1/sessions?q=port=53&from=-1h&max=10", "Sessions whose time overlaps the "+
			"range, past and live ones. A and Z are the ends; Z is the one with the lower port. Numbers of sessions are texts, "+
			"since they are larger than 2^53.", nil, filter(maxParam("sessions", "100", 10000), order)...), sessions),
		get(g, "/api/v1/sessions/aggregate", "/api/v1/sessions/aggregate?by=proto", "Sessions put together by what they "+
			"have in common, the largest by bytes first. By ip and port a session counts at both its ends.", sessionSums,
			filter(maxParam("rows", "100", 10000), Param{Name: "by", Type: "string", Default: "ip",
				Words: history.PortionWords, Doc: "what they have in common"}, order)...),
		get(g, "/api/v1/sessions/{id}", "/api/v1/sessions/0", "One session, by its number.", oneSession,
			Param{Name: "id", Type: "string", Doc: "number of the session"}),
	}
}

func alertRoutes() []route {
	const g = alertsHeading
	rule := Param{Name: "rule", Type: "string", Doc: "name of the rule"}
	return []route{
		get(g, "/api/v1/alerts", "/api/v1/alerts?from=-1h", "What rules on meters of counter groups said, newest first.",
			alerts, fromParam("-1d"), toParam(), maxParam("alerts", "100", 10000),
			Param{Name: "rule", Type: "string", Doc: "only of this rule"},
			Param{Name: "group", Type: "string", Doc: "only of this counter group"},
			Param{Name: "key", Type: "string", Doc: "only of this key"},
			Param{Name: "state", Type: "string", Words: []string{"fired", "cleared"}, Doc: "only these"}),
		get(g, "/api/v1/alerts/active", "/api/v1/alerts/active", "What is fired and not cleared.", activeAlerts,
			maxParam("alerts", "1000", 10000)),
		get(g, "/api/v1/alert-rules", "/api/v1/alert-rules", "The rules on meters, by name.", alertRules,
			maxParam("rules", "2000", 10000)),
		put(g, "/api/v1/alert-rules/{rule}", "/api/v1/alert-rules/busy_hosts",
			`{"group":"hosts","keys":"10.0.0.0/8","meter":0,"high":"10Mbps","high_for":2,"low":"1Mbps","priority":1}`,
			"Puts a rule in force, instead of one of the same name. A threshold fires when the meter is above \"high\" for "+
				"\"high_for\" buckets, and clears when it is below \"low\" for \"low_for\". A band (\"kind\":\"band\") fires "+
				"outside of \"low\" to \"high\", or with \"band\":{\"baseline\":\"day\" or \"week\"} outside of what was learned. "+
				"\"keys\" is a list with ranges a~b, networks and patterns; * is all of them. \"schedule\" says when it looks.",
			putRule, rule),
		get(g, "/api/v1/alert-rules/{rule}", "/api/v1/alert-rules/busy_hosts", "One rule.", alertRule, rule),
		drop(g, "/api/v1/alert-rules/{rule}", "/api/v1/alert-rules/busy_hosts", "Takes a rule out of force. A name that "+
			"is not known is no error.", dropRule, rule),
	}
}

func storeRoutes() []route {
	const g = memoryHeading
	ask := put(g, "/api/v1/sql", "/api/v1/sql",
		`{"query":"SELECT key, sum(m0) AS bytes FROM buckets WHERE grp = 'hosts' GROUP BY key ORDER BY 2 DESC","max":10}`,
		"Answers one SELECT over the tables of GET /api/v1/tables, in the SQL of DuckDB. \"max\" is the most rows (1000, up "+
			"to 100000), \"timeout_s\" the most seconds (30, up to 300). Nothing can be changed by it, and no file can be "+
			"read.", nil)
	ask.Method, ask.right = http.MethodPost, Read
	return []route{
		table(ask, sql),
		get(g, "/api/v1/tables", "/api/v1/tables", "The tables that SQL may ask: their columns, and what they take.",
			tables),
		get(g, "/api/v1/store", "/api/v1/store", "How memory is: what it takes, how long it keeps, what does not work.",
			storeStatus),
	}
}
