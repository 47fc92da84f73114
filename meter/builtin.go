package meter

import (
	"fmt"
	"strings"
	"time"

	"weir/key"
)

// The profiles of built-in groups (spec trisul 0.3).
const (
	ProfileSeed   = "seed"          // buckets of 30 s, the 13 meters of Hosts; what Builtin returns
	ProfileManual = "trisul-manual" // buckets of 60 s and the 17 meters of Hosts, two more count distinct keys
)

// Profiles lists the names of profiles.
func Profiles() []string { return []string{ProfileSeed, ProfileManual} }

// originBuiltin is the Origin of the groups of the catalogue.
const originBuiltin = "builtin"

// Builtin returns the catalogue of the profile "seed": every group that packets, samples or flow records can feed, and
// those whose names and GUIDs are known but which only scripts and other rooms feed (KindScript). Groups come before
// those that derive from them. They are new ones and complete; the caller may change a copy and complete it again.
func Builtin() []*Group {
	groups, err := BuiltinProfile(ProfileSeed)
	if err != nil {
		panic(err) // the catalogue is fixed at build time, and a test completes it
	}
	return groups
}

// BuiltinProfile returns the catalogue of a profile; the error names those that there are.
func BuiltinProfile(name string) ([]*Group, error) {
	manual := name == ProfileManual
	if !manual && name != ProfileSeed {
		return nil, fmt.Errorf("no profile %q of counter groups; there are %s", name, strings.Join(Profiles(), ", "))
	}
	groups := catalogue(manual)
	byName := map[string]*Group{}
	for _, g := range groups {
		g.Origin = originBuiltin
		if manual && g.Bucket == 0 {
			g.Bucket = Span(time.Minute)
		}
		if err := g.Complete(func(name string) *Group { return byName[name] }); err != nil {
			return nil, err
		}
		byName[g.Name] = g
	}
	return groups, nil
}

// aliases are other names and GUIDs of built-in groups, in lower case: GUIDs that scripts use, titles of older manuals.
var aliases = map[string]string{
	"{9807e97a-6cd2-442f-bb18-8c104c8eb204}": "hosts_v6",
	"hostsipv6":                              "hosts_v6",
	"applications":                           "apps",
	"aggr":                                   "aggregates",
	"linklayerstats":                         "link_layer",
	"networklayerstats":                      "protocols",
	"network layer":                          "protocols",
	"vlanstats":                              "vlan",
	"mplsstats":                              "mpls",
	"dir mac":                                "dir_mac",
	"asnumber":                               "as",
	"asn":                                    "as",
	"flowgens":                               "flow_gens",
	"routers":                                "flow_gens",
	"flowintfs":                              "flow_intfs",
	"vlans":                                  "vlan",
	"macs":                                   "mac",
	"countries":                              "country",
}

// Lookup returns the group that a text names: its short name, title or GUID, in capitals or not, or another name of a
// built-in group. Short names win over titles. It returns nil when there is none.
func Lookup(groups []*Group, text string) *Group {
	text = strings.TrimSpace(text)
	named := func(name string) *Group {
		for _, g := range groups {
			if strings.EqualFold(g.Name, name) || strings.EqualFold(g.GUID, name) {
				return g
			}
		}
		return nil
	}
	if g := named(text); g != nil {
		return g
	}
	if g := named(aliases[strings.ToLower(text)]); g != nil {
		return g
	}
	for _, g := range groups {
		if strings.EqualFold(g.Title, text) {
			return g
		}
	}
	return nil
}

// unitOf is the unit of meters that are fed by a word.
func unitOf(feed string) string {
	switch {
	case strings.HasSuffix(feed, "packets") || strings.HasPrefix(feed, "fragment"):
		return "pps"
	case strings.HasPrefix(feed, "record"):
		return "Rps"
	}
	return "Bps"
}

func rate(id int, name string, top int, feed string) Meter {
	return Meter{ID: id, Name: name, Unit: unitOf(feed), Type: Rate, Top: top, Feed: feed}
}

// ends is a rate whose smallest keys are kept too.
func ends(id int, name string, top, bottom int, feed string) Meter {
	m := rate(id, name, top, feed)
	m.Bottom = bottom
	return m
}

func count(id int, name, unit string, top int, feed string) Meter {
	return Meter{ID: id, Name: name, Unit: unit, Type: Counter, Top: top, Feed: feed}
}

func level(id int, name, unit string, top int, feed string) Meter {
	return Meter{ID: id, Name: name, Unit: unit, Type: Running, Top: top, Feed: feed}
}

func gauge(id int, name, unit string, top int) Meter {
	return Meter{ID: id, Name: name, Unit: unit, Type: Gauge, Top: top}
}

// built is a group that the board feeds.
func built(name, guid, title, text string, form key.Kind, meters ...Meter) *Group {
	return &Group{Name: name, GUID: guid, Title: title, Description: text, Kind: KindBuiltin, Form: key.Form{form},
		Meters: meters}
}

// rolled is a group that the board rolls up from the rows of hosts, IPv4 and IPv6.
func rolled(name, guid, title, text string, form key.Kind, meters ...Meter) *Group {
	g := built(name, guid, title, text, form, meters...)
	g.Parents = []string{"hosts", "hosts_v6"}
	return g
}

// known is a group that somebody else feeds.
func known(name, guid, title string, meters ...Meter) *Group {
	return &Group{Name: name, GUID: guid, Title: title, Kind: KindScript, Form: key.Form{key.Text}, Meters: meters}
}

// those is a group of the hosts that were seen with some applications.
func those(name, guid, title, apps string) *Group {
	return &Group{Name: name, GUID: guid, Title: title, Kind: KindFiltered, Parents: []string{"hosts", "apps"},
		Description: "hosts seen with the applications " + apps, KeyList: apps, Home: true}
}

// hostMeters are those of Hosts: the table of the seed, or the 17 of the manual (spec trisul 1.10.1).
func hostMeters(manual bool) []Meter {
	ms := []Meter{
		rate(0, "Total", 50, "bytes"), rate(1, "Received", 10, "rx.bytes"), rate(2, "Transmit", 10, "tx.bytes"),
		rate(3, "Packets", 0, "packets"), level(4, "Active TCP Conns", "conns", 0, "active.tcp"),
		count(5, "Attacker", "alerts", 10, "alerts.from"), rate(6, "Homenet", 20, "home.bytes"),
		rate(7, "External", 20, "external.bytes"), count(8, "TCP SYN sent", "packets", 10, "syn.tx"),
		count(9, "TCP SYN recv", "packets", 10, "syn.rx"), count(10, "TCP SYNACK sent", "packets", 0, "synack.tx"),
		count(11, "TCP RSTFIN sent", "packets", 0, "finrst.tx"), count(12, "Victim", "alerts", 10, "alerts.to"),
	}
	if !manual {
		return ms
	}
	ms[4] = level(4, "Active conns", "conns", 50, "active")
	ms[5].Top, ms[10].Top, ms[12].Top = 20, 10, 20
	ms[11] = count(11, "Blacklist alerts", "alerts", 20, "")
	return append(ms,
		count(13, "New conns", "conns", 20, "new"), rate(14, "Into Interface", 20, "if.in.bytes"),
		rate(15, "Outof Interface", 20, "if.out.bytes"), count(16, "Flow Records", "records", 100, "records"))
}

func hosts(name, guid, title, text string, manual bool) *Group {
	g := built(name, guid, title, text, key.Host, hostMeters(manual)...)
	g.Home = true
	if manual {
		g.Distinct = []Cardinality{{Group: "apps", Name: "Unique apps"}, {Group: name, Name: "Unique hosts"}}
	}
	return g
}

func appMeters() []Meter {
	return []Meter{
		rate(0, "Total", 50, "bytes"), count(1, "Security Alerts", "alerts", 10, "alerts"),
		rate(2, "Into Homenet", 50, "into.bytes"), rate(3, "Outof Homenet", 50, "outof.bytes"),
		count(4, "Connections", "conns", 50, "new"), rate(5, "Internal Homenet", 50, "internal.bytes"),
		rate(6, "Transit Homenet", 50, "transit.bytes"), level(7, "Active Conns", "conns", 50, "active"),
		rate(8, "Into Interface", 50, "if.in.bytes"), rate(9, "Outof Interface", 50, "if.out.bytes"),
	}
}
