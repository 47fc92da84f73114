package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"weir/engine"
)

// foundKey is a key of a group in a list.
type foundKey struct {
	keyName
	First moment `json:"first"` // null when not known
	Last  moment `json:"last"`  // to the day, unless live
	Live  bool   `json:"live"`  // seen in the open topper bucket
}

// groupKeys finds keys of a group.
func groupKeys(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	found, more, err := r.server.history.Keys(r.Context(), g, r.text("q"), r.whole("offset"), r.whole("max"))
	if err != nil {
		return nil, err
	}
	out := make([]foundKey, len(found))
	for i, k := range found {
		out[i] = foundKey{r.keyName(g, k.Key), moment(k.First), moment(k.Last), k.Live}
	}
	return struct {
		stamp
		Keys []foundKey `json:"keys"`
		More bool       `json:"more"`
	}{r.stamp(), out, more}, nil
}

// presentValue is a meter's value in the open bucket.
type presentValue struct {
	Meter  int    `json:"meter"`
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Value  number `json:"value"` // null: nothing
	Error  number `json:"error"`
	Stderr number `json:"stderr"`
}

// oneKey shows what is known of a key.
func oneKey(r *request) (any, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	k, err := r.server.history.Key(r.Context(), g, raw)
	if err != nil {
		return nil, err
	}
	if !k.Known {
		return nil, refuse(http.StatusNotFound, "key", fmt.Sprintf("group %q has not seen %s", g.Name, raw),
			fmt.Sprintf("GET /api/v1/groups/%s/keys finds those it has", g.Name))
	}
	label := r.server.engine.State().Labels.Of(g.Name, raw)
	if label.Attributes == nil {
		label.Attributes = map[string]string{}
	}
	now, exact := make([]presentValue, len(k.Now)), true
	for i, p := range k.Now {
		now[i] = presentValue{p.Meter.ID, p.Meter.Name, p.Unit, number(p.Value), 0, number(p.Stderr)}
		exact = exact && p.Stderr == 0
	}
	return struct {
		past
		Group string `json:"group"`
		keyName
		Description string            `json:"description"`
		Attributes  map[string]string `json:"attributes"`
		First       moment            `json:"first"`
		Last        moment            `json:"last"`
		Live        bool              `json:"live"`
		BucketAt    moment            `json:"bucket_at"` // when the bucket began that now is of; null: none is open
		Now         []presentValue    `json:"now"`
	}{r.past(k.Width, exact), g.Name, r.keyName(g, raw), label.Description, label.Attributes, moment(k.First),
		moment(k.Last), k.Live, moment(k.At), now}, nil
}

// The bounds of what may be said of a key.
const (
	labelMost       = 200  // bytes
	descriptionMost = 2000 // bytes
	attributesMost  = 50
	attributeMost   = 500 // bytes of a name and its value
)

// putKey says something of a key (update_key_info).
func putKey(r *request) (any, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	var l engine.Label
	if err := decode(r.body, &l); err != nil {
		return nil, err
	}
	bad := func(field, format string, args ...any) error {
		return refuse(http.StatusBadRequest, field, fmt.Sprintf(format, args...), "say less")
	}
	switch {
	case len(l.Label) > labelMost:
		return nil, bad("label", "%d bytes long; %d at most", len(l.Label), labelMost)
	case len(l.Description) > descriptionMost:
		return nil, bad("description", "%d bytes long; %d at most", len(l.Description), descriptionMost)
	case len(l.Attributes) > attributesMost:
		return nil, bad("attributes", "%d of them; %d at most", len(l.Attributes), attributesMost)
	}
	for name, value := range l.Attributes {
		if len(name)+len(value) > attributeMost {
			return nil, bad("attributes", "%.20q is %d bytes long; %d at most", name, len(name)+len(value), attributeMost)
		}
	}
	if err := r.server.engine.Do(engine.SetLabel{Group: g.Name, Key: raw, Label: l}); err != nil {
		return nil, fail(err)
	}
	return r.changed()
}

// dropKey takes back what was said of a key.
func dropKey(r *request) (any, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	if err := r.server.engine.Do(engine.SetLabel{Group: g.Name, Key: raw}); err != nil {
		return nil, fail(err)
	}
	return r.changed()
}

// search finds keys of any group.
func search(r *request) (any, error) {
	found, err := r.server.history.Search(r.Context(), r.text("q"), r.whole("max"))
	if err != nil {
		return nil, err
	}
	type hit struct {
		Group string `json:"group"`
		Title string `json:"title"`
		foundKey
	}
	out := make([]hit, len(found))
	for i, k := range found {
		out[i] = hit{k.Group.Name, k.Group.Title,
			foundKey{r.keyName(k.Group, k.Key), moment(k.First), moment(k.Last), k.Live}}
	}
	return struct {
		stamp
		Hits []hit `json:"hits"`
	}{r.stamp(), out}, nil
}

// homeBody is the facts that groups count by.
type homeBody struct {
	Networks  []netip.Prefix `json:"networks"`   // that are at home
	HomeAS    []uint32       `json:"home_as"`    // AS numbers that are; when there are any, networks do not count
	Subnets   []netip.Prefix `json:"subnets"`    // whose traffic group subnets counts
	BothPorts bool           `json:"both_ports"` // traffic counts under both its ports when both are 1024 or more
}

func home(r *request) (any, error) {
	h := r.server.engine.State().Home
	return struct {
		stamp
		homeBody
	}{r.stamp(), homeBody{append([]netip.Prefix{}, h.Home...), append([]uint32{}, h.HomeAS...),
		append([]netip.Prefix{}, h.Subnets...), h.BothPorts}}, nil
}

// putHome replaces the home networks; what the body does not name stays.
func putHome(r *request) (any, error) {
	h := r.server.engine.State().Home
	b := struct {
		homeBody
		Tick uint64 `json:"tick"` // as GET gave it; passed over
		At   int64  `json:"at"`
	}{homeBody: homeBody{slices.Clone(h.Home), slices.Clone(h.HomeAS), slices.Clone(h.Subnets), h.BothPorts}}
	if err := decode(r.body, &b); err != nil {
		return nil, err
	}
	h.Home, h.HomeAS, h.Subnets, h.BothPorts = b.Networks, b.HomeAS, b.Subnets, b.BothPorts
	if err := r.server.engine.Do(engine.SetHome{Settings: h}); err != nil {
		return nil, fail(err, "home", "subnets")
	}
	return r.changed()
}
