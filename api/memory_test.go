package api

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// talk sends a second of traffic for so many seconds: 1000 bytes from 10.0.0.1 to one of three, and every other second
// 500 bytes from 10.0.0.2.
func (m *memoryRig) talk(seconds int) {
	m.t.Helper()
	for i := range seconds {
		m.send(1, 1, 1000, 1, byte(1+i%3))
		if i%2 == 0 {
			m.send(1, 1, 500, 2, 9)
		}
		m.tick(time.Second)
	}
}

// at writes an instant so many seconds after the beginning as a parameter.
func at(seconds int) string { return strconv.FormatInt(int64(began)/1e9+int64(seconds), 10) }

type topperList struct {
	ResolutionS           float64 `json:"resolution_s"`
	Exact, Open           bool
	Combine, Source, Unit string
	From, To              float64
	Total, Others         float64
	OthersError           float64  `json:"others_error"`
	TotalPrevious         *float64 `json:"total_previous"`
	TotalStderr           float64  `json:"total_stderr"`
	Buckets, Keys         int
	Toppers               []struct {
		Rank                 int
		Key, Readable, Label string
		Value, Error, Stderr float64
		Share                float64
		Previous             *float64
		PreviousRank         *int `json:"previous_rank"`
	}
}

func TestToppers(t *testing.T) {
	r := newMemoryRig(t)
	r.talk(640)
	for _, c := range []struct {
		query, source, unit string
		total, first        float64
		buckets             int
		open                bool
	}{
		{"max=2", "open", "Bps", 2500, 1000, 1, true},
		{"max=2&as=volume", "open", "bytes", 100_000, 40_000, 1, true},
		{"max=2&from=-1h&as=volume", "toppers", "bytes", 1_600_000, 640_000, 3, true},
		{"max=2&from=-1h", "toppers", "Bps", 2500, 1000, 3, true},
		{"max=2&from=" + at(0) + "&to=" + at(600) + "&as=volume", "buckets", "bytes", 1_500_000, 600_000, 20, false},
		{"max=2&from=" + at(300) + "&to=" + at(330) + "&as=volume", "buckets", "bytes", 75_000, 30_000, 1, false},
		{"max=2&from=-1h&as=volume&exact=true", "buckets", "bytes", 1_600_000, 640_000, 22, true},
		{"max=2&from=" + at(-7200) + "&to=" + at(-3600), "toppers", "Bps", 0, 0, 0, false},
	} {
		var a topperList
		r.must(&a, "GET", "/api/v1/groups/hosts/toppers?"+c.query, "")
		if a.Source != c.source || a.Unit != c.unit || a.Total != c.total || a.Buckets != c.buckets || a.Open != c.open ||
			a.Combine != "sum" || !a.Exact {
			t.Errorf("%s: %+v", c.query, a)
		}
		if c.first == 0 {
			continue
		}
		if len(a.Toppers) != 2 || a.Toppers[0].Value != c.first || a.Toppers[0].Readable != "10.0.0.1" ||
			a.Toppers[0].Key != "0A.00.00.01" || a.Toppers[0].Share != 0.4 || a.Toppers[0].Rank != 1 {
			t.Errorf("%s: %+v", c.query, a.Toppers)
			continue
		}
		if want := a.Total - a.Toppers[0].Value - a.Toppers[1].Value; math.Abs(a.Others-want) > 1e-6 || a.OthersError != 0 {
			t.Errorf("%s: others %v ± %v, want %v", c.query, a.Others, a.OthersError, want)
		}
	}
	var a topperList
	r.must(&a, "GET", "/api/v1/groups/hosts/toppers?as=volume&max=1&compare=-5m&from="+at(300)+"&to="+at(600), "")
	if x := a.Toppers[0]; x.Previous == nil || *x.Previous != 300_000 || *x.PreviousRank != 1 ||
		*a.TotalPrevious != 750_000 {
		t.Errorf("%+v", a)
	}
	r.must(&a, "GET", "/api/v1/groups/hosts/toppers?bottom=true&max=1&as=volume&from="+at(0)+"&to="+at(30), "")
	if a.Toppers[0].Key != "0A.00.00.02" || a.Toppers[0].Value != 7500 {
		t.Errorf("the smallest: %+v", a.Toppers)
	}
}

// TestTopperLists: what lists leave out is bounded.
func TestTopperLists(t *testing.T) {
	r := newMemoryRig(t)
	r.must(nil, "PATCH", "/api/v1/groups/hosts", `{"bucket":"1s","topper":"2s","meters":[{"id":0,"top":1}]}`)
	r.tick(2 * time.Second)
	// Each topper bucket lists one key alone; the other is below it.
	r.send(3, 1, 1000, 1, 9)
	r.send(1, 1, 1000, 2, 8)
	r.tick(2 * time.Second)
	r.send(2, 1, 1000, 2, 7)
	r.send(1, 1, 1000, 1, 6)
	r.tick(2 * time.Second)
	r.tick(10 * time.Second)
	var a topperList
	r.must(&a, "GET", "/api/v1/groups/hosts/toppers?from=-1h&as=volume", "")
	if a.Source != "toppers" || a.Exact || a.Total != 14000 || a.Buckets != 2 || a.OthersError == 0 {
		t.Fatalf("%+v", a)
	}
	truth := map[string]float64{"10.0.0.1": 4000, "10.0.0.2": 3000, "10.0.1.9": 3000, "10.0.1.7": 2000}
	for _, x := range a.Toppers {
		if w := truth[x.Readable]; w < x.Value || w > x.Value+x.Error {
			t.Errorf("%s: %v is not from %v to %v", x.Readable, w, x.Value, x.Value+x.Error)
		}
	}
}

type seriesList struct {
	ResolutionS float64 `json:"resolution_s"`
	StepS       float64 `json:"step_s"`
	Exact, Open bool
	Times       []float64
	Series      []struct {
		Meter            int
		Unit             string
		Values, Previous []*float64
		Stderr           []float64
	}
	Totals map[string]struct{ Volume, Stderr, Mean, Min, Max, Latest, P95 *float64 }
}

func floats(in []*float64) (out []float64) {
	for _, v := range in {
		if v == nil {
			out = append(out, -1)
		} else {
			out = append(out, *v)
		}
	}
	return out
}

func TestSeries(t *testing.T) {
	r := newMemoryRig(t)
	r.talk(75)
	var s seriesList
	r.must(&s, "GET", "/api/v1/groups/hosts/keys/10.0.0.1/series?meters=0,3&from="+at(-30), "")
	if got := floats(s.Series[0].Values); !slices.Equal(got, []float64{-1, 1000, 1000, 1000}) || !s.Open || !s.Exact ||
		s.StepS != 30 || s.ResolutionS != 30 || s.Series[1].Meter != 3 || len(s.Series) != 2 {
		t.Errorf("%v of %+v", got, s)
	}
	if *s.Totals["0"].Volume != 75_000 || *s.Totals["0"].Mean != 1000 || *s.Totals["3"].Volume != 75 {
		t.Errorf("%+v", s.Totals)
	}
	r.must(&s, "GET", "/api/v1/groups/hosts/keys/SYS:GROUP_TOTALS/series?meters=0&as=volume&compare=-30s&step=60&from="+
		at(0)+"&to="+at(60), "")
	if got := floats(s.Series[0].Values); !slices.Equal(got, []float64{150_000}) || s.Series[0].Unit != "bytes" || s.Open ||
		*s.Series[0].Previous[0] != 75_000 {
		t.Errorf("%v of %+v", got, s)
	}
	// Others were counted when this one was not; nobody was counted before.
	r.send(1, 1, 700, 5, 9)
	r.tick(30 * time.Second)
	r.must(&s, "GET", "/api/v1/groups/hosts/keys/10.0.0.5/series?meters=0&as=volume&from="+at(0)+"&to="+at(120), "")
	if got := floats(s.Series[0].Values); !slices.Equal(got, []float64{0, 0, 700, -1}) {
		t.Errorf("%v", got)
	}
	var k struct {
		Ranks []*int
		Times []float64
		Open  bool
	}
	r.must(&k, "GET", "/api/v1/groups/hosts/keys/10.0.0.1/ranks?from="+at(0), "")
	if len(k.Ranks) != 1 || k.Ranks[0] == nil || *k.Ranks[0] != 1 || !k.Open {
		t.Errorf("%+v", k)
	}
	var d struct {
		Times, Total []float64
		Series       []struct {
			Readable string
			Values   []*float64
		}
	}
	r.must(&d, "GET", "/api/v1/groups/hosts/toppers/trend?as=volume&max=1&from="+at(0), "")
	if len(d.Times) != 1 || d.Series[0].Readable != "10.0.0.1" || *d.Series[0].Values[0] != 75_000 {
		t.Errorf("%+v", d)
	}
}

// TestErrorsCombine: what is estimated from samples says so, and variances add over keys' buckets.
func TestErrorsCombine(t *testing.T) {
	r := newMemoryRig(t)
	for range 60 {
		r.send(1, 100, 1000, 1, 1)
		r.tick(time.Second)
	}
	r.tick(10 * time.Second)
	// 60 samples of 100,000 bytes each: variance 60 × 1e10 × (1 - 1/100).
	want := math.Sqrt(60 * 1e10 * 0.99)
	var s seriesList
	r.must(&s, "GET", "/api/v1/groups/hosts/keys/10.0.0.1/series?meters=0&as=volume&step=1m&from="+at(0)+"&to="+at(60), "")
	if s.Exact || *s.Series[0].Values[0] != 6e6 || math.Abs(s.Series[0].Stderr[0]-want) > 1e-6*want ||
		math.Abs(*s.Totals["0"].Stderr-want) > 1e-6*want {
		t.Errorf("%+v, want %v", s, want)
	}
	var a topperList
	for _, query := range []string{"from=" + at(0) + "&to=" + at(60), "from=-1h", ""} {
		r.must(&a, "GET", "/api/v1/groups/hosts/toppers?as=volume&"+query, "")
		if a.Exact || len(a.Toppers) != 2 || math.Abs(a.Toppers[0].Stderr-want) > 1e-6*want || a.TotalStderr == 0 {
			t.Errorf("%s: %+v, want %v", query, a, want)
		}
	}
}

func TestGroups(t *testing.T) {
	r := newMemoryRig(t)
	var g groupAnswer
	r.must(&g, "GET", "/api/v1/groups/Hosts", "")
	if g.Name != "hosts" || g.Bucket != 30 || g.Topper != 300 || len(g.Meters) != 13 || g.Meters[0].TypeID != 4 || !g.Active {
		t.Errorf("%+v", g)
	}
	var list struct {
		Groups []groupAnswer
		Total  int
	}
	r.must(&list, "GET", "/api/v1/groups?max=2", "")
	if len(list.Groups) != 2 || list.Total < 20 {
		t.Errorf("%d of %d groups", len(list.Groups), list.Total)
	}
	r.must(nil, "PUT", "/api/v1/groups/mine", exampleGroup)
	r.must(nil, "PUT", "/api/v1/groups/hosts_apps", `{"kind":"crosskey","parents":["hosts","apps"]}`)
	r.must(nil, "PATCH", "/api/v1/groups/hosts", `{"topper_only":true,"max_keys":5000,"meters":[{"id":1,"top":7}]}`)
	if r.changes != 3 {
		t.Errorf("%d changes were told", r.changes)
	}
	r.tick(time.Second)
	r.must(&g, "GET", "/api/v1/groups/hosts", "")
	if !g.TopperOnly || g.MaxKeys != 5000 || g.Meters[1].Top != 7 || g.Meters[0].Top != 50 {
		t.Errorf("%+v", g)
	}
	// An answer can be sent back.
	w := r.ask("GET", "/api/v1/groups/mine", "")
	r.must(nil, "PUT", "/api/v1/groups/mine", w.Body.String())
	r.must(nil, "PUT", "/api/v1/groups/hosts", r.ask("GET", "/api/v1/groups/hosts", "").Body.String())
	r.talk(12)
	r.must(&g, "GET", "/api/v1/groups/mine", "")
	if g.KeysLive != 1 || g.Origin != "rest" || g.Kind != "keys" {
		t.Errorf("%+v", g)
	}
	var p struct {
		Groups []struct {
			Group   string
			Part    int
			Toppers []struct{ Key, Readable string }
		}
	}
	r.must(&p, "GET", "/api/v1/groups/apps/keys/53/peers", "")
	if len(p.Groups) != 1 || p.Groups[0].Group != "hosts_apps" || p.Groups[0].Part != 1 || len(p.Groups[0].Toppers) != 6 ||
		p.Groups[0].Toppers[0].Key != `0A.00.00.01\p-0035` {
		t.Errorf("%+v", p)
	}
	var check struct {
		OK    bool
		Group groupAnswer
	}
	r.must(&check, "POST", "/api/v1/groups/check", `{"name":"hosts","bucket":"10s"}`)
	if !check.OK || check.Group.Bucket != 10 || check.Group.Kind != "builtin" {
		t.Errorf("%+v", check)
	}
	r.refused(409, "POST", "/api/v1/groups/check", `{"name":"hosts","kind":"keys"}`)
	r.must(nil, "DELETE", "/api/v1/groups/mine", "")
	r.must(nil, "DELETE", "/api/v1/groups/mine", "")
	r.refused(404, "GET", "/api/v1/groups/mine", "")
	if f := r.refused(409, "DELETE", "/api/v1/groups/hosts", ""); !strings.Contains(f.Hint, "active") {
		t.Errorf("%+v", f)
	}
	r.refused(409, "PATCH", "/api/v1/groups/hosts", `{"title":"x"}`)
	r.failing = syscall.ENOSPC
	if f := r.refused(507, "PATCH", "/api/v1/groups/hosts", `{"active":true}`); f.Hint == "" {
		t.Errorf("%+v", f)
	}
}

func TestKeysAndLabels(t *testing.T) {
	r := newMemoryRig(t)
	r.talk(40)
	r.must(nil, "PUT", "/api/v1/groups/hosts/keys/10.0.0.1", `{"label":"Gate Way","attributes":{"floor":"1"}}`)
	r.must(nil, "PUT", "/api/v1/home", `{"networks":["10.0.0.0/24"]}`)
	r.tick(time.Second)
	for target, want := range map[string]int{
		"hosts/keys?q=10.0.1.": 4, "hosts/keys?q=10.0.0.1": 1, "hosts/keys?q=gate": 1, "hosts/keys?q=0a.00": 6,
		"hosts/keys": 6, "hosts/keys?max=2": 2, "hosts/keys?offset=5": 1, "apps/keys?q=53": 1, "apps/keys?q=port-": 1,
		"hosts/keys?q=nobody": 0,
	} {
		var a struct {
			Keys []foundKeyIn
			More bool
		}
		r.must(&a, "GET", "/api/v1/groups/"+target, "")
		if len(a.Keys) != want || a.More != strings.Contains(target, "max=2") {
			t.Errorf("%s: %+v", target, a)
		}
	}
	var k struct {
		foundKeyIn
		Attributes map[string]string
		Now        []struct{ Value *float64 }
	}
	for _, name := range []string{"0A.00.00.01", "10.0.0.1", "gate way", "0a.00.00.01"} {
		r.must(&k, "GET", "/api/v1/groups/hosts/keys/"+url.PathEscape(name), "")
		if k.Key != "0A.00.00.01" || k.Label != "Gate Way" || k.Attributes["floor"] != "1" || !k.Live || len(k.Now) != 13 ||
			k.Now[0].Value == nil {
			t.Errorf("%s: %+v", name, k)
		}
	}
	r.must(nil, "PUT", "/api/v1/home", `{"subnets":["10.0.1.0/24"]}`)
	r.tick(time.Second)
	r.talk(12)
	r.must(&k, "GET", "/api/v1/groups/subnets/keys/10.0.1.0%2F24", "")
	if k.Key != "0A.00.01.00/18" || k.Readable != "10.0.1.0/24" || !k.Live {
		t.Errorf("%+v", k)
	}
	for q, want := range map[string]string{"10.0.0.1": "hosts", "gate": "hosts", "53": "apps", "domain": "apps"} {
		var s struct {
			Hits []struct{ Group, Key, Label string }
		}
		r.must(&s, "GET", "/api/v1/search?q="+q, "")
		if !slices.ContainsFunc(s.Hits, func(h struct{ Group, Key, Label string }) bool { return h.Group == want }) {
			t.Errorf("%s: %+v", q, s)
		}
	}
	r.refused(404, "GET", "/api/v1/groups/hosts/keys/192.0.2.77", "")
	r.must(nil, "DELETE", "/api/v1/groups/hosts/keys/10.0.0.1", "")
	r.must(&k, "GET", "/api/v1/groups/hosts/keys/10.0.0.1", "")
	if k.Label != "" {
		t.Error("the label is still there")
	}
}

type foundKeyIn struct {
	Key, Readable, Label string
	First, Last          *float64
	Live                 bool
}

func TestSessions(t *testing.T) {
	r := newMemoryRig(t)
	r.talk(10)
	var a struct {
		Sessions []struct {
			ID, Key, Protocol string
			AIP               string `json:"a_ip"`
			AZBytes           int    `json:"az_bytes"`
			ZPort             int    `json:"z_port"`
			Live, Exact       bool
			StateBits         []string `json:"state_bits"`
			First, Last       float64
		}
		More bool
	}
	r.must(&a, "GET", "/api/v1/sessions?order=bytes", "")
	if len(a.Sessions) != 4 || !a.Sessions[0].Live || a.Sessions[0].AZBytes != 4000 || a.Sessions[0].ZPort != 53 ||
		a.Sessions[0].Protocol != "UDP" {
		t.Fatalf("%+v", a)
	}
	r.tick(5 * time.Minute) // all of them time out
	for query, want := range map[string]int{
		"order=bytes": 4, "live=only": 0, "live=no": 4, "q=srcip=10.0.0.2": 1, "ip=10.0.1.1": 1, "port=domain": 4,
		"proto=tcp": 0, "min_bytes=2600": 3, "q=port=53,srcip=10.0.0.1&destip=10.0.1.2": 1, "max=3": 3,
		"from=" + at(100): 0, "from=" + at(8) + "&to=" + at(9): 3, "state=TIMEDOUT": 4, "q=net24=10.0.1.0": 4,
	} {
		r.must(&a, "GET", "/api/v1/sessions?"+query, "")
		if len(a.Sessions) != want || a.More != (query == "max=3") {
			t.Errorf("%s: %d, %+v", query, len(a.Sessions), a.Sessions)
		}
	}
	r.must(&a, "GET", "/api/v1/sessions?order=bytes", "")
	if s := a.Sessions[0]; s.Live || !slices.Contains(s.StateBits, "TIMEDOUT") || s.AZBytes != 4000 {
		t.Errorf("%+v", s)
	}
	var one struct{ ID, Key string }
	r.must(&one, "GET", "/api/v1/sessions/"+a.Sessions[0].ID, "")
	if one.ID != a.Sessions[0].ID || one.Key != a.Sessions[0].Key {
		t.Errorf("%+v", one)
	}
	r.refused(404, "GET", "/api/v1/sessions/1", "")
	r.refused(400, "GET", "/api/v1/sessions/x", "")
	var sums struct {
		Rows []struct {
			Key, Readable            string
			Sessions, Bytes, Packets float64
		}
	}
	for by, want := range map[string]string{"a_ip": "10.0.0.1", "ip": "10.0.0.1", "proto": "UDP", "z_port": "53",
		"pair": "10.0.0.1 10.0.1.1", "service": "UDP 53", "exporter": "192.0.2.1"} {
		r.must(&sums, "GET", "/api/v1/sessions/aggregate?by="+by, "")
		if len(sums.Rows) == 0 || sums.Rows[0].Readable != want {
			t.Errorf("%s: %+v", by, sums)
		}
	}
	r.must(&sums, "GET", "/api/v1/sessions/aggregate?by=proto", "")
	if sums.Rows[0].Bytes != 12_500 || sums.Rows[0].Sessions != 4 || sums.Rows[0].Packets != 15 {
		t.Errorf("%+v", sums)
	}
}

func TestAlerts(t *testing.T) {
	r := newMemoryRig(t)
	r.must(nil, "PUT", "/api/v1/alert-rules/busy",
		`{"group":"Hosts","keys":"10.0.0.1","meter":0,"high":"900","low":"10","message":"too much"}`)
	r.tick(time.Second)
	r.talk(65)
	type list struct {
		Alerts []struct {
			At                        float64
			Rule, State, Group        string
			Readable, Unit, MeterName string
			Value                     float64
			Low                       *float64
		}
	}
	var a list
	r.must(&a, "GET", "/api/v1/alerts/active", "")
	if len(a.Alerts) != 1 || a.Alerts[0].Rule != "busy" || a.Alerts[0].Readable != "10.0.0.1" || a.Alerts[0].Unit != "Bps" {
		t.Fatalf("%+v", a)
	}
	r.tick(2 * time.Minute)
	r.must(&a, "GET", "/api/v1/alerts", "")
	if len(a.Alerts) != 2 || a.Alerts[0].State != "cleared" || a.Alerts[1].State != "fired" {
		t.Errorf("%+v", a)
	}
	r.must(&a, "GET", "/api/v1/alerts?group=hosts&key=10.0.0.1&state=fired&rule=busy", "")
	if len(a.Alerts) != 1 {
		t.Errorf("%+v", a)
	}
	var rules struct {
		Rules []struct{ Name, Group, Kind string }
	}
	r.must(&rules, "GET", "/api/v1/alert-rules", "")
	if len(rules.Rules) != 1 || rules.Rules[0].Group != "hosts" || rules.Rules[0].Kind != "threshold" {
		t.Errorf("%+v", rules)
	}
	r.must(nil, "DELETE", "/api/v1/alert-rules/busy", "")
	r.refused(404, "GET", "/api/v1/alert-rules/busy", "")
}

func TestSQLAndExport(t *testing.T) {
	r := newMemoryRig(t)
	r.talk(70)
	var a struct {
		Columns   []struct{ Name, Type string }
		Rows      [][]any
		Truncated bool
	}
	const query = `{"query":"SELECT key, sum(m0) AS bytes FROM buckets WHERE grp='hosts' GROUP BY key ORDER BY 2 DESC","max":2}`
	r.must(&a, "POST", "/api/v1/sql", query)
	if len(a.Rows) != 2 || !a.Truncated || a.Columns[1].Name != "bytes" || a.Rows[1][0] != "0A.00.00.01" ||
		a.Rows[1][1] != 60_000. {
		t.Errorf("%+v", a)
	}
	w := r.ask("POST", "/api/v1/sql", query, "Accept", "text/csv")
	lines, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(lines) != 3 || !slices.Equal(lines[0], []string{"key", "bytes"}) {
		t.Errorf("%v %v", lines, err)
	}
	for _, target := range []string{"groups/hosts/toppers", "groups/hosts/keys/10.0.0.1/series", "sessions"} {
		w := r.ask("GET", "/api/v1/"+target+"?format=parquet", "")
		if b := w.Body.String(); w.Code != 200 || !strings.HasPrefix(b, "PAR1") || !strings.HasSuffix(b, "PAR1") {
			t.Errorf("%s: %d, %d bytes", target, w.Code, len(b))
		}
		w = r.ask("GET", "/api/v1/"+target+"?format=csv", "")
		if lines, err := csv.NewReader(w.Body).ReadAll(); err != nil || len(lines) < 3 {
			t.Errorf("%s: %v %v", target, lines, err)
		}
	}
	for _, bad := range []string{"DELETE FROM buckets", "SELECT nothing", "COPY buckets TO '/tmp/x'", ""} {
		body, _ := json.Marshal(map[string]string{"query": bad})
		r.refused(400, "POST", "/api/v1/sql", string(body))
	}
	r.refused(400, "POST", "/api/v1/sql", `{"query":"SELECT 1","max":-1}`)
	r.refused(400, "POST", "/api/v1/sql", `{"query":"SELECT 1","timeout_s":1e9}`)
	var tables struct {
		Tables []struct {
			Name string
			Rows int
		}
	}
	r.must(&tables, "GET", "/api/v1/tables", "")
	if len(tables.Tables) < 10 || tables.Tables[0].Rows == 0 {
		t.Errorf("%+v", tables)
	}
}

// TestNoStore: what is counted now is answered without a store; what only a store could tell says that there is none.
func TestNoStore(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	r.send(1, 1, 1000, 1, 1)
	r.tick(6 * time.Second)
	for _, target := range []string{"groups/hosts/toppers", "groups/hosts/toppers?from=-1h", "groups/hosts/keys",
		"groups/hosts/keys/10.0.0.1", "groups/hosts/keys/10.0.0.1/series", "search?q=10.0.0.1", "sessions", "alerts", "store",
		"tables"} {
		r.must(nil, "GET", "/api/v1/"+target, "")
	}
	var a topperList
	r.must(&a, "GET", "/api/v1/groups/hosts/toppers?from=-1h&as=volume", "")
	if len(a.Toppers) != 2 || a.Toppers[0].Value != 1000 {
		t.Errorf("%+v", a)
	}
	for _, c := range [][3]string{{"POST", "sql", `{"query":"SELECT 1"}`}, {"GET", "sessions?live=no", ""}} {
		if f := r.refused(503, c[0], "/api/v1/"+c[1], c[2]); f.Message != "no store" || f.Hint == "" {
			t.Errorf("%+v", f)
		}
	}
	r.refused(400, "GET", "/api/v1/groups/hosts/toppers?format=parquet", "")
}

// TestMemoryRefusals: every mistake names its parameter.
func TestMemoryRefusals(t *testing.T) {
	r := newRig(t, DefaultConfig(), Options{})
	for _, c := range []struct {
		method, target, body string
		status               int
		field                string
	}{
		{"GET", "groups/hsts", "", 404, "name"},
		{"GET", "groups/hosts/toppers?meter=30", "", 400, "meter"},
		{"GET", "groups/hosts/toppers?meter=99", "", 400, "meter"},
		{"GET", "groups/hosts/toppers?from=yesterday", "", 400, "from"},
		{"GET", "groups/hosts/toppers?from=-1h&to=-2h", "", 400, "from"},
		{"GET", "groups/hosts/toppers?exact=true&from=-7d", "", 400, "exact"},
		{"GET", "groups/hosts/toppers?compare=often", "", 400, "compare"},
		{"GET", "groups/hosts/toppers?as=pie", "", 400, "as"},
		{"GET", "groups/hosts/toppers?max=100000", "", 400, "max"},
		{"GET", "groups/hosts/toppers/trend?from=-9y", "", 400, "from"},
		{"GET", "groups/hosts/keys/nonsense/series", "", 400, "key"},
		{"GET", "groups/hosts/keys/10.0.0.1/series?meters=0,x", "", 400, "meters"},
		{"GET", "groups/hosts/keys/10.0.0.1/series?meters=31", "", 400, "meter"},
		{"GET", "groups/hosts/keys/10.0.0.1/series?step=1ms", "", 400, "step"},
		{"GET", "groups/hosts/keys/SYS:GROUP_TOTALS/peers", "", 400, "key"},
		{"GET", "search", "", 400, "q"},
		{"GET", "sessions?q=colour=red", "", 400, "q"},
		{"GET", "sessions?ip=nonsense", "", 400, "ip"},
		{"GET", "sessions/aggregate?by=mood", "", 400, "by"},
		{"PUT", "groups/mine", `{"keys":["ipsource"],"colour":1}`, 400, "colour"},
		{"PUT", "groups/mine", `{"keys":["nosuchfunction(ipsource)"],"meters":[{"id":0,"name":"x","feed":"bytes"}]}`, 400, "keys"},
		{"PUT", "groups/mine", `{"keys":["ipsource"],"meters":[{"name":"x"}]}`, 400, "meters[0].id"},
		{"PUT", "groups/mine", `{"keys":["ipsource"],"bucket":"7ms","meters":[{"id":0,"name":"x","feed":"bytes"}]}`, 400, "bucket"},
		{"PUT", "groups/mine", `{"kind":"crosskey","parents":["hosts"]}`, 400, "parents"},
		{"PUT", "groups/Mine!", exampleGroup, 400, "name"},
		{"PATCH", "groups/none", `{"active":false}`, 404, "name"},
		{"PATCH", "groups/hosts", `{"meters":[{"id":0,"name":"x"}]}`, 409, "meters"},
		{"PUT", "groups/hosts/keys/10.0.0.1", `{"label":"` + strings.Repeat("x", 300) + `"}`, 400, "label"},
		{"PUT", "home", `{"networks":["10.0.0.0/99"]}`, 400, ""},
		{"PUT", "alert-rules/x", `{"group":"hosts","keys":"*","high":"lots"}`, 400, ""},
		{"PUT", "alert-rules/x", `{"group":"nowhere","keys":"*","high":1}`, 400, "group"},
		{"PUT", "alert-rules/x", `{"group":"hosts","keys":"nonsense","high":1}`, 400, "keys"},
		{"PUT", "alert-rules/x", `{"group":"hosts","keys":"*","meter":30,"high":1}`, 400, "meter"},
		{"PUT", "alert-rules/x", `{"group":"hosts","keys":"*"}`, 400, "high"},
	} {
		if f := r.refused(c.status, c.method, "/api/v1/"+c.target, c.body); f.Field != c.field {
			t.Errorf("%s %s %s: %+v", c.method, c.target, c.body, f)
		}
	}
}
