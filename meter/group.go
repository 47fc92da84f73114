package meter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/key"
	"weir/schema"
)

// The bounds of a group, and what it gets when it does not say.
const (
	DefaultBucket    = Span(30 * time.Second)
	DefaultTopper    = Span(300 * time.Second)
	DefaultMaxKeys   = 100_000
	MaxBucket        = Span(time.Hour)
	MaxTopper        = Span(24 * time.Hour)
	MaxKeysLimit     = 20_000_000 // no group may ask for more keys
	MaxTop           = 10_000     // longest topper list
	MaxCardinalities = 2          // cardinality meters of one group (spec trisul 1.8)
)

// VarType says what a meter does with what it is given, and what it is worth at the end of a bucket; the numbers are
// those of the TRP protocol (spec trisul 1.3).
type VarType uint8

// The types of meters.
const (
	RateSliding    VarType = 1  // as Rate
	Counter        VarType = 2  // sum over the bucket
	CounterSliding VarType = 3  // as Counter
	Rate           VarType = 4  // sum over the bucket, shown as the rate per second
	Gauge          VarType = 5  // the last value written in the bucket
	GaugeMinMaxAvg VarType = 6  // as Gauge; smallest, largest and mean value are kept too
	Auto           VarType = 7  // as Counter
	Running        VarType = 8  // a level that is added to and taken from; it outlives the bucket
	Average        VarType = 9  // mean of the values written in the bucket, zeros included
	DeltaRate      VarType = 10 // difference to the sample of the bucket before, shown as the rate per second
	Maximum        VarType = 11 // largest value of the bucket
	Minimum        VarType = 12 // smallest value of the bucket
)

var varTypeWords = [...]string{"", "rate_sliding", "counter", "counter_sliding", "rate", "gauge", "gauge_min_max_avg",
	"auto", "running", "average", "delta_rate", "maximum", "minimum"}

// String returns the word of the type in configuration and REST: "rate", "counter", "gauge", "gauge_min_max_avg",
// "running", "average", "delta_rate", "maximum", "minimum".
func (t VarType) String() string {
	if int(t) < len(varTypeWords) {
		return varTypeWords[t]
	}
	return ""
}

// MarshalText returns what String returns.
func (t VarType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what String returns.
func (t *VarType) UnmarshalText(b []byte) error {
	i := slices.Index(varTypeWords[1:], string(b))
	if i < 0 {
		return hinted(fmt.Sprintf("no meter type %q", b), string(b), slices.Values(varTypeWords[1:]))
	}
	*t = VarType(i + 1)
	return nil
}

// PerSecond tells that values of the type are rates: sums divided by the width of their bucket. Only such values may be
// multiplied by a width to get a volume.
func (t VarType) PerSecond() bool { return t == Rate || t == RateSliding || t == DeltaRate }

// Summed tells that what a bucket keeps of the type is a sum, which adds up over buckets.
func (t VarType) Summed() bool {
	switch t {
	case Counter, CounterSliding, Auto, Rate, RateSliding:
		return true
	}
	return false
}

// Span is a length of time that is written as "30s" or "5m0s" in JSON and configuration.
type Span time.Duration

// Duration returns s as package time has it.
func (s Span) Duration() time.Duration { return time.Duration(s) }

// Seconds returns s in seconds.
func (s Span) Seconds() float64 { return time.Duration(s).Seconds() }

// String returns the shortest form: 30s, 5m, 1h.
func (s Span) String() string {
	text := time.Duration(s).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText returns what String returns.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "30s", "5m", "1h30m".
func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("no length of time: %q; write it as 30s, 5m or 1h", b)
	}
	*s = Span(d)
	return nil
}

// Meter is one statistic of a group: every key of the group has it.
type Meter struct {
	ID          int     `json:"id"`                    // 0..31, its column m0..m31 in the tables of buckets
	Name        string  `json:"name"`                  // for people: "Total"
	Description string  `json:"description,omitempty"` // one sentence
	Unit        string  `json:"unit,omitempty"`        // "Bps", "pps", "conns"
	Type        VarType `json:"type"`
	Top         int     `json:"top"`              // how many largest keys a topper bucket keeps; 0 none
	Bottom      int     `json:"bottom,omitempty"` // how many smallest keys a topper bucket keeps; 0 none
	// Feed says what the board adds. Built-in groups: a word of the board's ("bytes", "rx.bytes", "syn.tx"); user-defined
	// ones: such a word or a value expression of the flow language. Empty: nothing but Read and scripts feed it.
	Feed string `json:"feed,omitempty"`
	// Distinct says that the meter counts distinct items: it has type Gauge and pages keep a set for it (Page.Unique).
	Distinct bool `json:"distinct,omitempty"`
}

// Kind says how a group is fed (spec trisul 1.8).
type Kind string

// The kinds of groups.
const (
	KindBuiltin  Kind = "builtin"  // by code of the board
	KindKeys     Kind = "keys"     // by expressions of the flow language: Keys, Filter, Meters[].Feed
	KindCrosskey Kind = "crosskey" // every combination of the keys of Parents (2 or 3), meters of the first
	KindFiltered Kind = "filtered" // updates of Parents[0] whose touched keys of Parents[1] pass the lists
	KindKeyset   Kind = "keyset"   // updates of Parents[0] under the name of the first of Sets that has the key
	KindRule     Kind = "rule"     // updates of Parents[0] under the target of the first of Rules that matches
	KindStat     Kind = "stat"     // keys of closed buckets of Parents[0] that satisfy Stat
	KindScript   Kind = "script"   // by scripts only
)

var kinds = []Kind{KindBuiltin, KindKeys, KindCrosskey, KindFiltered, KindKeyset, KindRule, KindStat, KindScript}

// Keyset is a named set of keys of the parent.
type Keyset struct {
	Name string `json:"name"` // the key under which its members are counted
	Keys string `json:"keys"` // keys and ranges: "80,443,8000~8080"
}

// Rule counts what matches its filter under another key.
type Rule struct {
	Target string `json:"target"` // the key; empty: the parent's own key
	Filter string `json:"filter"` // Trisul Filter Format (spec trisul 1.8.1)
}

// Stat is a test of a meter's value at the end of a bucket.
type Stat struct {
	Meter int     `json:"meter"` // id of a meter of the parent
	Op    string  `json:"op"`    // one of < <= > >= = !=
	Value float64 `json:"value"` // in the meter's unit: rates per second
}

// Cardinality asks for a meter that counts, for each key of the group, the distinct keys of another group that were
// touched by the same traffic in the bucket.
type Cardinality struct {
	Group string `json:"group"` // short name of the counted group
	Name  string `json:"name"`  // of the meter
}

// Group is a counter group: a family of keys with the same meters. Complete checks one and fills in what it does not
// say; from then on nobody changes it.
type Group struct {
	Name        string        `json:"name"` // short name, unique: [a-z0-9_-]{1,40}
	GUID        string        `json:"guid"` // in braces; made from the name when empty
	Title       string        `json:"title"`
	Description string        `json:"description,omitempty"`
	Origin      string        `json:"origin,omitempty"` // who defined it: "builtin", "config", "rest", a script's name
	Kind        Kind          `json:"kind"`
	Form        key.Form      `json:"form,omitempty"`        // kinds of its keys; derived groups take their parents'
	Bucket      Span          `json:"bucket"`                // whole seconds, 1 s to 1 h
	Topper      Span          `json:"topper"`                // a multiple of Bucket, up to 24 h
	TopperOnly  bool          `json:"topper_only,omitempty"` // rows are stored only of keys in a top list of their interval
	Inactive    bool          `json:"inactive,omitempty"`    // not fed
	MaxKeys     int           `json:"max_keys"`              // rows of a page before it drops the smallest
	LowKeys     int           `json:"low_keys,omitempty"`    // how many rows it keeps then; default three quarters
	Primary     int           `json:"primary"`               // id of the meter whose sampling error is kept
	Meters      []Meter       `json:"meters,omitempty"`      // ascending by ID; derived groups take their parent's
	Home        bool          `json:"home,omitempty"`        // its keys are told home from away (meters of homenet)
	Spread      bool          `json:"spread,omitempty"`      // flow records are sliced over the buckets they lasted
	Keys        []string      `json:"keys,omitempty"`        // KindKeys: key attributes, flow language
	Filter      string        `json:"filter,omitempty"`      // KindKeys: flow language
	Parents     []string      `json:"parents,omitempty"`     // short names of the groups it derives from
	KeyList     string        `json:"key_list,omitempty"`    // KindFiltered: keys and ranges of Parents[1]
	InverseKeys string        `json:"inverse_key_list,omitempty"`
	Sets        []Keyset      `json:"sets,omitempty"`
	OnlySets    bool          `json:"only_sets,omitempty"` // KindKeyset: keys in no set are not counted
	Rules       []Rule        `json:"rules,omitempty"`
	Stat        *Stat         `json:"stat,omitempty"`
	Distinct    []Cardinality `json:"distinct,omitempty"`

	ends   float64 // how many keys one observation is counted under: 2 when both ends of the traffic are
	meters layout  // cells of an open or closed bucket
	topper layout  // cells of a topper bucket
}

// Clone returns a copy that shares nothing with g, so that it may be changed before it is defined anew.
func (g *Group) Clone() Group {
	c := *g
	c.Form, c.Meters, c.Keys = slices.Clone(g.Form), slices.Clone(g.Meters), slices.Clone(g.Keys)
	c.Parents, c.Sets, c.Rules = slices.Clone(g.Parents), slices.Clone(g.Sets), slices.Clone(g.Rules)
	c.Distinct = slices.Clone(g.Distinct)
	if g.Stat != nil {
		stat := *g.Stat
		c.Stat = &stat
	}
	return c
}

// Complete checks g and fills in what it does not say: bucket, topper, keys, meters and form of derived groups, cells.
// catalogue finds a group by short name and returns nil when there is none; groups it returns must be complete. The
// error says which setting is wrong and what would be right.
func (g *Group) Complete(catalogue func(name string) *Group) error {
	if err := g.checkNames(); err != nil {
		return err
	}
	if err := g.checkTimes(); err != nil {
		return fmt.Errorf("group %q: %w", g.Name, err)
	}
	if err := g.inherit(catalogue); err != nil {
		return fmt.Errorf("group %q: %w", g.Name, err)
	}
	g.addCardinalities()
	if err := g.checkMeters(); err != nil {
		return fmt.Errorf("group %q: %w", g.Name, err)
	}
	g.ends = g.countedEnds(catalogue)
	g.meters = bucketLayout(g.Meters)
	g.topper = topperLayout(g.Meters)
	if g.meters.extras > schema.MaxExtras {
		return fmt.Errorf("group %q: its averages and gauges need %d further cells, at most %d are there; "+
			"split the group", g.Name, g.meters.extras, schema.MaxExtras)
	}
	return nil
}

// countedEnds tells how many keys of a group one observation is counted under.
func (g *Group) countedEnds(catalogue func(name string) *Group) float64 {
	switch {
	case g.Name == "hosts" || g.Name == "hosts_v6":
		return 2
	case g.Kind == KindFiltered || g.Kind == KindRule || g.Kind == KindKeyset:
		if p := catalogue(g.Parents[0]); p != nil {
			return p.ends
		}
	}
	return 1
}

func (g *Group) checkNames() error {
	if !validName(g.Name) {
		return fmt.Errorf("name %q: a short name has 1 to 40 of a-z, 0-9, _ and -", g.Name)
	}
	if g.Kind == "" {
		g.Kind = KindKeys
	}
	if !slices.Contains(kinds, g.Kind) {
		words := make([]string, len(kinds))
		for i, k := range kinds {
			words[i] = string(k)
		}
		return hinted(fmt.Sprintf("group %q: no kind %q", g.Name, g.Kind), string(g.Kind), slices.Values(words))
	}
	if g.Title == "" {
		g.Title = g.Name
	}
	if g.GUID == "" {
		g.GUID = guidOf(g.Name)
	}
	if !validGUID(g.GUID) {
		return fmt.Errorf("group %q: guid %q: write it as {4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", g.Name, g.GUID)
	}
	return nil
}

func (g *Group) checkTimes() error {
	if g.Bucket == 0 {
		g.Bucket = DefaultBucket
	}
	if g.Topper == 0 {
		g.Topper = max(DefaultTopper/g.Bucket, 1) * g.Bucket
	}
	if g.MaxKeys == 0 {
		g.MaxKeys = DefaultMaxKeys
	}
	if g.LowKeys == 0 {
		g.LowKeys = g.MaxKeys * 3 / 4
	}
	switch {
	case g.Bucket < Span(time.Second) || g.Bucket > MaxBucket || g.Bucket%Span(time.Second) != 0:
		return fmt.Errorf("bucket %v: whole seconds from 1s to %v", g.Bucket, MaxBucket)
	case g.Topper < g.Bucket || g.Topper%g.Bucket != 0 || g.Topper > MaxTopper:
		return fmt.Errorf("topper %v: a multiple of the bucket (%v), such as %v, up to %v", g.Topper, g.Bucket,
			max(g.Topper/g.Bucket, 1)*g.Bucket, MaxTopper)
	case g.MaxKeys < 1 || g.MaxKeys > MaxKeysLimit:
		return fmt.Errorf("max_keys %d: from 1 to %d", g.MaxKeys, MaxKeysLimit)
	case g.LowKeys < 0 || g.LowKeys > g.MaxKeys:
		return fmt.Errorf("low_keys %d: from 0 to max_keys (%d)", g.LowKeys, g.MaxKeys)
	}
	return nil
}

// parentsOf says how many parents a kind of group has: at least, at most.
func parentsOf(k Kind) (least, most int) {
	switch k {
	case KindCrosskey:
		return 2, 3
	case KindFiltered:
		return 2, 2
	case KindKeyset, KindRule, KindStat:
		return 1, 1
	}
	return 0, 0
}

func (g *Group) inherit(catalogue func(name string) *Group) error {
	least, most := parentsOf(g.Kind)
	if n := len(g.Parents); n < least || n > most && most > 0 {
		return fmt.Errorf("parents: a group of kind %s has %d to %d, not %d", g.Kind, least, most, n)
	}
	if most == 0 {
		return nil // parents of built-in groups say where rows are rolled up from; the board knows
	}
	var forms key.Form
	for i, name := range g.Parents {
		p := catalogue(name)
		if p == nil {
			return fmt.Errorf("parents: no group %q", name)
		}
		if p.Name == g.Name {
			return errors.New("parents: a group cannot derive from itself")
		}
		if i == 0 && len(g.Meters) == 0 {
			g.Meters, g.Primary = nativeMeters(p.Meters), p.Primary
		}
		forms = append(forms, p.Form...)
	}
	if g.Kind == KindStat {
		if g.Stat == nil {
			return errors.New("stat: a stat group has a test: meter, op and value")
		}
		if err := g.Stat.check(catalogue(g.Parents[0])); err != nil {
			return err
		}
	}
	switch g.Kind {
	case KindCrosskey:
		if len(forms) > 3 {
			return fmt.Errorf("parents: their keys have %d parts together, a cross-key has 2 or 3", len(forms))
		}
		g.Form = forms
	case KindFiltered, KindStat:
		g.Form = catalogue(g.Parents[0]).Form
	case KindKeyset, KindRule:
		// Names of sets and raw keys of the parent stand side by side.
		g.Form = key.Form{key.Text}
	}
	return nil
}

// nativeMeters copies meters without those that count distinct keys: they belong to the group that asked for them.
func nativeMeters(ms []Meter) []Meter {
	return slices.DeleteFunc(slices.Clone(ms), func(m Meter) bool { return m.Distinct && isCardinality(m.Feed) })
}

// cardinalityFeed begins the feed of meters that stand for an entry of Distinct.
const cardinalityFeed = "distinct:"

func isCardinality(feed string) bool { return strings.HasPrefix(feed, cardinalityFeed) }

// addCardinalities puts the meters of g.Distinct behind the native ones. Done twice it changes nothing, and keeps what
// the user set of their toppers.
func (g *Group) addCardinalities() {
	before := g.Meters
	g.Meters = nativeMeters(g.Meters)
	for _, c := range g.Distinct {
		m := Meter{Name: c.Name, Unit: "Uniques", Type: Gauge, Top: 20, Distinct: true, Feed: cardinalityFeed + c.Group}
		if n := len(g.Meters); n > 0 {
			m.ID = g.Meters[n-1].ID + 1
		}
		if m.Name == "" {
			m.Name = "Unique " + c.Group
		}
		for _, old := range before {
			if old.ID == m.ID && old.Feed == m.Feed {
				m.Top, m.Bottom = old.Top, old.Bottom
			}
		}
		g.Meters = append(g.Meters, m)
	}
}

func (g *Group) checkMeters() error {
	if len(g.Distinct) > MaxCardinalities {
		return fmt.Errorf("distinct: at most %d cardinality meters, not %d", MaxCardinalities, len(g.Distinct))
	}
	if len(g.Form) == 0 {
		g.Form = key.Form{key.Text}
	}
	if len(g.Meters) == 0 {
		return errors.New("meters: a group has at least one")
	}
	last, distinct := -1, 0
	for i := range g.Meters {
		m := &g.Meters[i]
		if m.ID <= last || m.ID >= schema.MaxMeters {
			return fmt.Errorf("meters: id %d at place %d: ids ascend and are below %d", m.ID, i, schema.MaxMeters)
		}
		last = m.ID
		if m.Type == 0 {
			m.Type = Rate
		}
		if m.Type > Minimum {
			return fmt.Errorf("meters: meter %d: no type %d, they are 1 to %d", m.ID, m.Type, Minimum)
		}
		if m.Distinct {
			m.Type = Gauge
			distinct++
		}
		if m.Top < 0 || m.Top > MaxTop || m.Bottom < 0 || m.Bottom > MaxTop {
			return fmt.Errorf("meters: meter %d: top and bottom are 0 to %d", m.ID, MaxTop)
		}
	}
	if distinct > maxDistinct {
		return fmt.Errorf("meters: at most %d meters count distinct items, not %d", maxDistinct, distinct)
	}
	if g.Meter(g.Primary) == nil {
		return noMeter("primary", g.Primary, g)
	}
	return nil
}

// Meter returns the meter of that id, or nil.
func (g *Group) Meter(id int) *Meter {
	for i := range g.Meters {
		if g.Meters[i].ID == id {
			return &g.Meters[i]
		}
	}
	return nil
}

// Warnings returns what is allowed but probably not meant.
func (g *Group) Warnings() []string {
	for _, m := range g.Meters {
		if m.Top > 0 {
			return nil
		}
	}
	if g.TopperOnly {
		return []string{fmt.Sprintf("group %q stores topper traffic only, but no meter has toppers: nothing but totals "+
			"will be stored; give a meter a top count", g.Name)}
	}
	return nil
}

func validName(s string) bool {
	if len(s) < 1 || len(s) > 40 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c-'a' > 'z'-'a' && c-'0' > 9 && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func validGUID(s string) bool {
	if len(s) != 38 || s[0] != '{' || s[37] != '}' {
		return false
	}
	for i := 1; i < 37; i++ {
		switch c := s[i] | 0x20; {
		case i == 9 || i == 14 || i == 19 || i == 24:
			if s[i] != '-' {
				return false
			}
		case c-'0' > 9 && c-'a' > 5:
			return false
		}
	}
	return true
}

// guidOf makes a GUID from a name: the same name has the same everywhere.
func guidOf(name string) string {
	a, b := hashKey([]byte(name)), hashKey([]byte(name+"/"))
	return fmt.Sprintf("{%08X-%04X-4%03X-8%03X-%012X}", uint32(a), uint16(a>>32), uint16(a>>48)&0xfff,
		uint16(b>>48)&0xfff, b&0xffff_ffff_ffff)
}

var errNaN = errors.New("stat: value is not a number")

func noMeter(setting string, id int, g *Group) error {
	ids := make([]string, len(g.Meters))
	for i, m := range g.Meters {
		ids[i] = fmt.Sprint(m.ID)
	}
	return fmt.Errorf("%s: group %q has no meter %d; it has %s", setting, g.Name, id, strings.Join(ids, ", "))
}

// hinted is an error about an unknown word, with the nearest known one or all of them.
func hinted(msg, word string, words func(yield func(string) bool)) error {
	if hint := schema.DidYouMean(word, words); hint != "" {
		return errors.New(msg + "; " + hint)
	}
	all := slices.DeleteFunc(slices.Collect(words), func(s string) bool { return s == "" })
	return errors.New(msg + "; there are " + strings.Join(slices.Compact(all), ", "))
}

// Names returns the short names of groups in alphabetical order.
func Names(groups map[string]*Group) []string { return slices.Sorted(maps.Keys(groups)) }
