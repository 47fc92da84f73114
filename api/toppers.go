package api

import (
	"strconv"
	"time"

	"weir/history"
	"weir/meter"
	"weir/schema"
)

// topper is one of the largest keys in an answer.
type topper struct {
	Rank int `json:"rank"` // 1 is the largest
	keyName
	Value        number  `json:"value"`
	Error        number  `json:"error"`                   // the truth is at most value + error
	Stderr       number  `json:"stderr"`                  // standard error of an estimate; 0 is exact
	Share        number  `json:"share"`                   // of the total, 0 to 1; null for meters that do not add up
	Previous     *number `json:"previous,omitempty"`      // value of the earlier range; null: not among the largest
	PreviousRank *int    `json:"previous_rank,omitempty"` // in the earlier range; 0: not among the largest
}

// toppersAnswer is the largest keys of a meter.
type toppersAnswer struct {
	past
	Group         string   `json:"group"`
	Meter         int      `json:"meter"`
	MeterName     string   `json:"meter_name"`
	Unit          string   `json:"unit"`
	From          moment   `json:"from"` // of the buckets that were read
	To            moment   `json:"to"`
	Total         number   `json:"total"`
	TotalStderr   number   `json:"total_stderr"`
	TotalPrevious *number  `json:"total_previous,omitempty"`
	Others        number   `json:"others"`       // total less what is shown
	OthersError   number   `json:"others_error"` // what of others may belong to keys that are shown, at most
	Toppers       []topper `json:"toppers"`
	Keys          int      `json:"keys"`    // how many were considered
	Buckets       int      `json:"buckets"` // how many were put together
	Open          bool     `json:"open"`    // one of them is still open
	Source        string   `json:"source"`  // open, toppers or buckets
}

// topperQuery reads the parameters of questions about toppers.
func (r *request) topperQuery(g *meter.Group, unless time.Duration) (q history.TopperQuery, err error) {
	q = history.TopperQuery{
		Group: g, Meter: r.whole("meter"), Max: r.whole("max"), Bottom: r.text("bottom") == "true", Shape: r.shape(),
		Exact: r.text("exact") == "true", Now: r.view.At,
	}
	if q.Earlier, err = history.ParseEarlier(r.text("compare")); err != nil {
		return q, err
	}
	if unless > 0 || r.text("from") != "" || r.text("to") != "" {
		q.Span, err = r.span(max(unless, defaultRange))
	}
	return q, err
}

// defaultRange is how long a range is when only its end is said.
const defaultRange = time.Hour

func toppers(r *request) (*sheet, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	q, err := r.topperQuery(g, 0)
	if err != nil {
		return nil, err
	}
	if q.Exact && q.Span == (history.Span{}) {
		q.Exact = false // the open topper bucket is
	}
	t, err := r.server.history.Toppers(r.Context(), q)
	if err != nil {
		return nil, err
	}
	resolution := g.Topper.Duration()
	if t.Source == "buckets" {
		resolution = g.Bucket.Duration()
	}
	a := toppersAnswer{
		past: r.past(resolution, t.Exact), Group: g.Name, Meter: t.Meter.ID, MeterName: t.Meter.Name, Unit: t.Unit,
		From: moment(t.Span.From), To: moment(t.Span.To), Total: number(t.Total), TotalStderr: number(t.Stderr),
		Others: number(t.Others), OthersError: number(t.Bound), Keys: t.Keys, Buckets: t.Buckets, Open: t.Open,
		Source: t.Source, Toppers: r.toppersOf(g, t.List, q.Earlier > 0),
	}
	if q.Earlier > 0 {
		before := number(t.Before)
		a.TotalPrevious = &before
	}
	return &sheet{name: g.Name + "-toppers", json: a, table: func() *schema.Block { return topperTable(a.Toppers) }}, nil
}

func (r *request) toppersOf(g *meter.Group, list []history.Topper, compared bool) []topper {
	out := make([]topper, len(list))
	for i, t := range list {
		out[i] = topper{Rank: i + 1, keyName: r.keyName(g, t.Key), Value: number(t.Value), Error: number(t.Error),
			Stderr: number(t.Stderr), Share: number(t.Share)}
		if compared {
			previous, rank := number(t.Previous), t.PreviousRank
			out[i].Previous, out[i].PreviousRank = &previous, &rank
		}
	}
	return out
}

func topperTable(list []topper) *schema.Block {
	var t tableOf
	n := len(list)
	rank, keys, readable, label := make([]int64, n), make([]string, n), make([]string, n), make([]string, n)
	value, bound, stderr, share := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, x := range list {
		rank[i], keys[i], readable[i], label[i] = int64(x.Rank), x.Key, x.Readable, x.Label
		value[i], bound[i], stderr[i], share[i] = float64(x.Value), float64(x.Error), float64(x.Stderr), float64(x.Share)
	}
	t.ints("rank", rank)
	t.texts("key", keys)
	t.texts("readable", readable)
	t.texts("label", label)
	t.floats("value", value)
	t.floats("error", bound)
	t.floats("stderr", stderr)
	t.floats("share", share)
	return &t.Block
}

// trend shows how the largest keys of a range went.
func trend(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	q, err := r.topperQuery(g, defaultRange)
	if err != nil {
		return nil, err
	}
	t, err := r.server.history.Trend(r.Context(), q)
	if err != nil {
		return nil, err
	}
	type line struct {
		keyName
		Values []number `json:"values"` // null: the key was not in the list of that topper bucket
	}
	lines := make([]line, len(t.Lines))
	for i, l := range t.Lines {
		lines[i] = line{r.keyName(g, l.Key), numbers(l.Values)}
	}
	return struct {
		past
		Meter  int      `json:"meter"`
		Unit   string   `json:"unit"`
		Times  []moment `json:"times"` // when the topper buckets begin
		Total  []number `json:"total"` // of all keys
		Open   bool     `json:"open"`  // the last one is still open
		Series []line   `json:"series"`
	}{r.past(g.Topper.Duration(), false), t.Meter.ID, t.Unit, moments(t.Times), numbers(t.Total), t.Open, lines}, nil
}

// ranks shows the places of a key among the largest.
func ranks(r *request) (any, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	q, err := r.topperQuery(g, defaultRange)
	if err != nil {
		return nil, err
	}
	k, err := r.server.history.Ranks(r.Context(), q, raw)
	if err != nil {
		return nil, err
	}
	places := make([]*int, len(k.Ranks))
	for i := range k.Ranks {
		if k.Ranks[i] > 0 {
			places[i] = &k.Ranks[i]
		}
	}
	return struct {
		past
		keyName
		Meter  int      `json:"meter"`
		Unit   string   `json:"unit"`
		Times  []moment `json:"times"`
		Ranks  []*int   `json:"ranks"` // null: not among the toppers that are kept
		Values []number `json:"values"`
		Open   bool     `json:"open"`
	}{r.past(g.Topper.Duration(), false), r.keyName(g, raw), k.Meter.ID, k.Unit, moments(k.Times), places,
		numbers(k.Values), k.Open}, nil
}

// peers shows what a key occurred together with.
func peers(r *request) (any, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	bin, err := g.Form.Parse(raw)
	if err != nil {
		return nil, refuse(400, "key", err.Error(), "peers are of single keys")
	}
	span, err := r.span(defaultRange)
	if err != nil {
		return nil, err
	}
	found, err := r.server.history.Peers(r.Context(), g, bin, history.TopperQuery{Span: span, Max: r.whole("max"),
		Shape: r.shape(), Now: r.view.At})
	if err != nil {
		return nil, err
	}
	type together struct {
		Group   string   `json:"group"`
		Title   string   `json:"title"`
		Part    int      `json:"part"` // which part of the cross-keys is the key, from 0
		Meter   int      `json:"meter"`
		Unit    string   `json:"unit"`
		Total   number   `json:"total"`
		Toppers []topper `json:"toppers"`
	}
	out := make([]together, len(found))
	for i := range found {
		p := &found[i]
		out[i] = together{p.Group.Name, p.Group.Title, p.Part, p.Meter.ID, p.Unit, number(p.Total),
			r.toppersOf(p.Group, p.List, false)}
	}
	return struct {
		past
		keyName
		Groups []together `json:"groups"`
	}{r.past(g.Bucket.Duration(), false), r.keyName(g, raw), out}, nil
}

// listOfMeters reads the parameter meters.
func (r *request) listOfMeters() (ids []int, err error) {
	for _, word := range r.list("meters") {
		id, err := strconv.Atoi(word)
		if err != nil || id < 0 || id >= schema.MaxMeters {
			return nil, refuse(400, "meters", strconv.Quote(word)+" is no id of a meter", "ids separated by commas: 0,1")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
