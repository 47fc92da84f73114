package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"weir/engine"
	"weir/meter"
)

// groupMeter is a meter of a counter group in answers.
type groupMeter struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	Unit        string `json:"unit"`
	Type        string `json:"type"`
	TypeID      int    `json:"type_id"` // as the TRP protocol numbers it; 4 is a rate
	Top         int    `json:"top"`     // how many of the largest keys a topper bucket keeps
	Bottom      int    `json:"bottom"`  // how many of the smallest
	Description string `json:"description"`
	Feed        string `json:"feed,omitempty"`
	Distinct    bool   `json:"distinct,omitempty"`
}

// groupSpace says what storing topper traffic only saves.
type groupSpace struct {
	Seen   uint64 `json:"rows_seen"`
	Stored uint64 `json:"rows_stored"`
}

// groupAnswer is a counter group in answers: what it is, how it is set, how it is.
type groupAnswer struct {
	Name        string              `json:"name"`
	GUID        string              `json:"guid"`
	Title       string              `json:"title"`
	Description string              `json:"description"`
	Kind        meter.Kind          `json:"kind"`
	Active      bool                `json:"active"`
	Bucket      float64             `json:"bucket_s"`
	Topper      float64             `json:"topper_s"`
	TopperOnly  bool                `json:"topper_only"`
	MaxKeys     int                 `json:"max_keys"`
	Primary     int                 `json:"primary"` // the meter whose error is kept
	Spread      bool                `json:"spread"`
	Origin      string              `json:"origin"`
	Parents     []string            `json:"parents"`
	Form        []string            `json:"form"` // kinds of the parts of its keys
	Meters      []groupMeter        `json:"meters"`
	Keys        []string            `json:"keys,omitempty"`
	Filter      string              `json:"filter,omitempty"`
	KeyList     string              `json:"key_list,omitempty"`
	InverseKeys string              `json:"inverse_key_list,omitempty"`
	Sets        []meter.Keyset      `json:"sets,omitempty"`
	OnlySets    bool                `json:"only_sets,omitempty"`
	Rules       []meter.Rule        `json:"rules,omitempty"`
	Stat        *meter.Stat         `json:"stat,omitempty"`
	Distinct    []meter.Cardinality `json:"distinct,omitempty"`
	Warnings    []string            `json:"warnings,omitempty"`

	KeysLive int        `json:"keys_live"` // keys of the open topper bucket
	Space    groupSpace `json:"space"`
	Late     uint64     `json:"late"`  // rows whose bucket was closed
	Early    uint64     `json:"early"` // records whose time was too far ahead, of all groups together
	Full     uint64     `json:"full"`  // rows that were dropped because there were more than max_keys
}

// liveGroup is what the ledger says of a group.
type liveGroup struct {
	keys   int
	counts meter.Counts
}

func groupAnswerOf(g *meter.Group, live liveGroup) groupAnswer {
	a := groupAnswer{
		Name: g.Name, GUID: g.GUID, Title: g.Title, Description: g.Description, Kind: g.Kind, Active: !g.Inactive,
		Bucket: g.Bucket.Seconds(), Topper: g.Topper.Seconds(), TopperOnly: g.TopperOnly, MaxKeys: g.MaxKeys,
		Primary: g.Primary, Spread: g.Spread, Origin: g.Origin, Parents: append([]string{}, g.Parents...),
		Form: []string{}, Meters: []groupMeter{}, Keys: g.Keys, Filter: g.Filter, KeyList: g.KeyList,
		InverseKeys: g.InverseKeys, Sets: g.Sets, OnlySets: g.OnlySets, Rules: g.Rules, Stat: g.Stat,
		Distinct: g.Distinct, Warnings: g.Warnings(), KeysLive: live.keys,
		Space: groupSpace{live.counts.RowsSeen, live.counts.RowsStored}, Late: live.counts.Late,
		Full: live.counts.Dropped,
	}
	for _, k := range g.Form {
		a.Form = append(a.Form, k.String())
	}
	for _, m := range g.Meters {
		a.Meters = append(a.Meters, groupMeter{m.ID, m.Name, m.Unit, m.Type.String(), int(m.Type), m.Top, m.Bottom,
			m.Description, m.Feed, m.Distinct})
	}
	return a
}

// counterGroups lists the counter groups.
func counterGroups(r *request) (any, error) {
	state := r.server.engine.State()
	groups := state.Groups[:min(len(state.Groups), r.whole("max"))]
	live := make([]liveGroup, len(groups))
	r.server.engine.Ledger(func(l *meter.Ledger) {
		for i, g := range groups {
			live[i] = liveGroup{l.Count(g.Name), l.Counts(g.Name)}
		}
	})
	out := make([]groupAnswer, len(groups))
	for i, g := range groups {
		out[i] = groupAnswerOf(g, live[i])
	}
	return struct {
		stamp
		Groups []groupAnswer `json:"groups"`
		Total  int           `json:"total"` // how many there are, shown or not
	}{r.stamp(), out, len(state.Groups)}, nil
}

// counterGroup shows one counter group.
func counterGroup(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	var live liveGroup
	r.server.engine.Ledger(func(l *meter.Ledger) { live = liveGroup{l.Count(g.Name), l.Counts(g.Name)} })
	return struct {
		stamp
		groupAnswer
	}{r.stamp(), groupAnswerOf(g, live)}, nil
}

// groupBody is a counter group in bodies: the members of meter.Group, besides some that answers have instead, and those
// of answers that nobody can set, which are passed over so that an answer can be sent back.
type groupBody struct {
	*meter.Group
	Active  *bool             `json:"active"`
	BucketS *float64          `json:"bucket_s"`
	TopperS *float64          `json:"topper_s"`
	Meters  []json.RawMessage `json:"meters"`

	Warnings json.RawMessage `json:"warnings"`
	KeysLive json.RawMessage `json:"keys_live"`
	Space    json.RawMessage `json:"space"`
	Late     json.RawMessage `json:"late"`
	Early    json.RawMessage `json:"early"`
	Full     json.RawMessage `json:"full"`
	Tick     json.RawMessage `json:"tick"`
	At       json.RawMessage `json:"at"`
}

// meterBody is a meter in bodies, in the words of answers.
type meterBody struct {
	*meter.Meter
	TypeID json.RawMessage `json:"type_id"` // type says it
}

// groupFields are those that errors of counter groups begin with.
var groupFields = []string{"name", "guid", "kind", "bucket", "topper", "max_keys", "low_keys", "parents", "meters",
	"distinct", "primary", "keys", "filter", "key_list", "inverse_key_list", "sets", "rules", "stat", "form"}

// groupFailure turns an error about a group into what a client is told.
func groupFailure(name string, err error) error {
	f := fail(err)
	f.Message = strings.TrimPrefix(f.Message, fmt.Sprintf("group %q: ", name))
	for _, field := range groupFields {
		// "bucket 7ms: ..." and "bucket: ..." both are about the bucket.
		rest, ok := strings.CutPrefix(f.Message, field)
		if ok && rest != "" && (rest[0] == ':' || rest[0] == ' ') {
			f.Field = field
			f.Message = strings.TrimPrefix(rest, ": ")
			if rest[0] == ' ' {
				f.Message = field + rest
			}
			break
		}
	}
	return f
}

// readGroup reads a body over a group: what it does not say stays.
func readGroup(body []byte, over meter.Group, replace bool) (*meter.Group, error) {
	g := over.Clone() // what is in force must not change
	b := groupBody{Group: &g}
	if err := decode(body, &b); err != nil {
		return nil, err
	}
	if b.Active != nil {
		g.Inactive = !*b.Active
	}
	if b.BucketS != nil {
		g.Bucket = meter.Span(*b.BucketS * 1e9)
	}
	if b.TopperS != nil {
		g.Topper = meter.Span(*b.TopperS * 1e9)
	}
	if g.MaxKeys != over.MaxKeys && g.LowKeys == over.LowKeys {
		g.LowKeys = 0 // it follows max_keys
	}
	if b.Meters == nil {
		return &g, nil
	}
	g.Meters = slices.Clone(over.Meters)
	if replace {
		g.Meters = nil
	}
	for i, raw := range b.Meters {
		if err := readMeter(raw, &g); err != nil {
			f := fail(err)
			f.Field = fmt.Sprintf("meters[%d].%s", i, f.Field)
			return nil, f
		}
	}
	return &g, nil
}

// readMeter reads a meter into the one of the same id, or as a new one.
func readMeter(raw json.RawMessage, g *meter.Group) error {
	var id struct {
		ID *int `json:"id"`
	}
	if err := json.Unmarshal(raw, &id); err != nil || id.ID == nil {
		return refuse(http.StatusBadRequest, "id", "missing: a meter is named by its number", `{"id":0,"top":50}`)
	}
	i := slices.IndexFunc(g.Meters, func(m meter.Meter) bool { return m.ID >= *id.ID })
	switch {
	case i < 0:
		i = len(g.Meters)
		g.Meters = append(g.Meters, meter.Meter{})
	case g.Meters[i].ID != *id.ID:
		g.Meters = slices.Insert(g.Meters, i, meter.Meter{})
	}
	return decode(raw, &meterBody{Meter: &g.Meters[i]})
}

// builtin tells whether a group came with weir: fed by it, or by scripts under a name that is known.
func builtin(g *meter.Group) bool { return g.Kind == meter.KindBuiltin || g.Origin == "builtin" }

// settable refuses to change of a built-in group what makes it that group.
func settable(was, g *meter.Group) error {
	if !builtin(was) {
		return nil
	}
	allowed := *was
	allowed.Meters = slices.Clone(was.Meters)
	allowed.Bucket, allowed.Topper, allowed.TopperOnly, allowed.Inactive = g.Bucket, g.Topper, g.TopperOnly, g.Inactive
	allowed.MaxKeys, allowed.LowKeys, allowed.Spread = g.MaxKeys, g.LowKeys, g.Spread
	for i := range allowed.Meters {
		if m := g.Meter(allowed.Meters[i].ID); m != nil {
			allowed.Meters[i].Top, allowed.Meters[i].Bottom = m.Top, m.Bottom
		}
	}
	a, b := reflect.ValueOf(allowed), reflect.ValueOf(*g)
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if field.IsExported() && !sameSetting(a.Field(i), b.Field(i)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			return refuse(http.StatusConflict, name, fmt.Sprintf("group %q is built in: this cannot be changed", was.Name),
				"settable are active, bucket, topper, topper_only, max_keys, spread, and top and bottom of meters")
		}
	}
	return nil
}

// sameSetting compares two settings; an empty list is none.
func sameSetting(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// wantedGroup reads the body of a change: over the group that there is when it is built in or only a part is sent.
func (r *request) wantedGroup(part bool) (*meter.Group, error) {
	name := r.text("name")
	if name == "" { // a check, whose body may have it
		var named struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(r.body, &named) == nil {
			name = named.Name
		}
	}
	was := r.server.engine.State().Group(name)
	var over meter.Group
	switch {
	case was == nil && part:
		_, err := r.group()
		return nil, err
	case was != nil && (part || builtin(was)):
		over, name = *was, was.Name
	default:
		over = meter.Group{Name: name}
	}
	g, err := readGroup(r.body, over, was == nil || !part && !builtin(was))
	if err != nil {
		return nil, err
	}
	if g.Name != name && name != "" {
		return nil, refuse(http.StatusBadRequest, "name", fmt.Sprintf("the body says %q, the path %q", g.Name, name),
			"leave it out of the body")
	}
	if was != nil && was.Name == g.Name {
		if err := settable(was, g); err != nil {
			return nil, err
		}
	} else if g.Kind == meter.KindBuiltin {
		return nil, refuse(http.StatusBadRequest, "kind", "there is no built-in group of this name",
			"keys, crosskey, filtered, keyset, rule, stat or script")
	}
	if g.Origin == "" {
		g.Origin = OriginREST
		if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
			g.Origin = OriginConsole
		}
	}
	return g, nil
}

func (r *request) defineGroup(part bool) (any, error) {
	g, err := r.wantedGroup(part)
	if err != nil {
		return nil, err
	}
	if err := r.server.engine.Do(engine.DefineGroup{Group: *g}); err != nil {
		return nil, groupFailure(g.Name, err)
	}
	return r.changed()
}

// putGroup creates or replaces a user's group, or sets a built-in one.
func putGroup(r *request) (any, error) { return r.defineGroup(false) }

// patchGroup changes what the body says of a group.
func patchGroup(r *request) (any, error) { return r.defineGroup(true) }

// dropGroup removes a user's group.
func dropGroup(r *request) (any, error) {
	g := r.server.engine.State().Group(r.text("name"))
	if g == nil {
		return nil, nil
	}
	if builtin(g) {
		return nil, refuse(http.StatusConflict, "name", fmt.Sprintf("group %q is built in", g.Name),
			`set it inactive instead: PATCH with {"active":false}`)
	}
	if err := r.server.engine.Do(engine.DropGroup{Name: g.Name}); err != nil {
		f := fail(err)
		f.Status = http.StatusConflict
		return nil, f
	}
	return r.changed()
}

// checkGroup completes and compiles a group and defines nothing.
func checkGroup(r *request) (any, error) {
	g, err := r.wantedGroup(false)
	if err != nil {
		return nil, err
	}
	if g.Name == "" {
		g.Name = "unnamed"
	}
	state := r.server.engine.State()
	if err := g.Complete(state.Group); err != nil {
		return nil, groupFailure(g.Name, err)
	}
	all := slices.DeleteFunc(slices.Clone(state.Groups), func(o *meter.Group) bool { return o.Name == g.Name })
	if err := meter.Check(r.server.engine.Vocabulary(), append(all, g)); err != nil {
		return nil, groupFailure(g.Name, err)
	}
	warnings := g.Warnings()
	if warnings == nil {
		warnings = []string{}
	}
	return struct {
		stamp
		OK       bool        `json:"ok"`
		Warnings []string    `json:"warnings"`
		Group    groupAnswer `json:"group"` // as it would be
	}{r.stamp(), true, warnings, groupAnswerOf(g, liveGroup{})}, nil
}
