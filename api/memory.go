package api

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"weir/engine"
	"weir/history"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/store"
)

// Memory is what a server needs to answer of the past. Whoever makes it owns all of it.
type Memory struct {
	Store  store.Store   // nil: nothing is kept
	Keeper *store.Keeper // who keeps, to say how it goes; may be nil
	// WriteParquet writes a block as a Parquet file; nil: answers cannot be had as Parquet.
	WriteParquet func(io.Writer, *schema.Block) error
	// Changed is called after definitions, settings or labels were changed, so that they can be saved; may be nil. Its
	// error is told to who made the change, which stays in force all the same.
	Changed func() error
}

// changed tells the owner of the memory that there is something to save.
func (r *request) changed() (any, error) {
	changed := r.server.options.Memory.Changed
	if changed == nil {
		return nil, nil
	}
	if err := changed(); err != nil {
		return nil, refuse(http.StatusInsufficientStorage, "", "the change is in force, but could not be saved: "+
			err.Error(), store.Hint(err))
	}
	return nil, nil
}

// number is a value in an answer that may not be there: NaN is null.
type number float64

// MarshalJSON writes null for what is no number.
func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

func numbers(values []float64) []number {
	out := make([]number, len(values))
	for i, v := range values {
		out[i] = number(v)
	}
	return out
}

// moment is an instant in answers about time: seconds since the Unix epoch, 0 is null.
type moment schema.Instant

// MarshalJSON writes seconds, with milliseconds where there are any.
func (m moment) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(float64(schema.Instant(m).Millis()) / 1e3)
}

func moments(at []schema.Instant) []moment {
	out := make([]moment, len(at))
	for i, t := range at {
		out[i] = moment(t)
	}
	return out
}

// past is what answers about counter groups say of themselves.
type past struct {
	stamp
	Resolution float64 `json:"resolution_s"` // seconds of the longest bucket that was read
	Exact      bool    `json:"exact"`        // nothing is an estimate, and nothing was left out
	Combine    string  `json:"combine"`      // how what several exporters saw became one: sum
}

func (r *request) past(resolution time.Duration, exact bool) past {
	return past{r.stamp(), resolution.Seconds(), exact, "sum"}
}

// keyName is a key in an answer.
type keyName struct {
	Key      string `json:"key"`      // raw
	Readable string `json:"readable"` // for people
	Label    string `json:"label"`    // what people call it; empty when nobody said
}

func (r *request) keyName(g *meter.Group, raw string) keyName {
	return keyNameOf(r.server.engine.State(), g, raw)
}

func keyNameOf(s *engine.State, g *meter.Group, raw string) keyName {
	return keyName{raw, g.Form.RawToReadable(raw), s.Labels.Of(g.Name, raw).Label}
}

// group returns the counter group that the path names.
func (r *request) group() (*meter.Group, error) { return r.groupOf("name", r.text("name")) }

// groupOf returns a counter group that a request names in a field: in the path, where an unknown one is a page that is
// not there, or elsewhere, where it is a mistake in the request.
func (r *request) groupOf(field, name string) (*meter.Group, error) {
	state := r.server.engine.State()
	if g := state.Group(name); g != nil {
		return g, nil
	}
	hint := schema.DidYouMean(name, func(yield func(string) bool) {
		for _, g := range state.Groups {
			if !yield(g.Name) {
				return
			}
		}
	})
	if hint == "" {
		hint = "GET /api/v1/groups lists them"
	}
	status := http.StatusBadRequest
	if field == "name" {
		status = http.StatusNotFound
	}
	return nil, refuse(status, field, fmt.Sprintf("there is no counter group %q", name), hint)
}

// key returns the counter group and the raw key that the path names: raw as it is, a label, or readable.
func (r *request) key() (g *meter.Group, raw string, err error) {
	if g, err = r.group(); err != nil {
		return nil, "", err
	}
	raw, err = r.keyOf(g, "key", r.text("key"))
	return g, raw, err
}

func (r *request) keyOf(g *meter.Group, field, text string) (string, error) {
	if g.Form.IsRaw(text) || key.IsTotals(text) {
		return text, nil
	}
	for raw, l := range r.server.engine.State().Labels[g.Name] {
		if l.Label != "" && strings.EqualFold(l.Label, text) {
			return raw, nil
		}
	}
	raw, err := g.Form.ReadableToRaw(text)
	if err != nil {
		return "", refuse(http.StatusBadRequest, field, err.Error(), "give the key raw, readable, or by its label")
	}
	return raw, nil
}

// span reads the parameters from and to; def is how long before to from is when it is not said.
func (r *request) span(def time.Duration) (history.Span, error) {
	return history.ParseSpan(r.text("from"), r.text("to"), r.view.At, def)
}

// shape reads the parameter as.
func (r *request) shape() history.Shape {
	s, _ := history.ParseShape(r.text("as")) // the table lists the words
	return s
}

// The parameters that several routes of memory have.
func fromParam(unless string) Param {
	return Param{Name: "from", Type: "string", Default: unless, Doc: "beginning of the range: RFC 3339, unix seconds, " +
		"or before now as -1h, -7d"}
}

func toParam() Param {
	return Param{Name: "to", Type: "string", Doc: "end of the range, which is not in it; now without it"}
}

func groupParam() Param {
	return Param{Name: "name", Type: "string", Doc: "short name, title or GUID of the counter group"}
}

func keyParam() Param {
	return Param{Name: "key", Type: "string", Doc: "key of the group: raw, readable, or its label; what is a raw key is " +
		"taken as one. SYS:GROUP_TOTALS is the sum over all keys"}
}

func meterParam() Param {
	return Param{Name: "meter", Type: "integer", Default: "0", Max: schema.MaxMeters - 1, Doc: "id of the meter"}
}

func asParam() Param {
	return Param{Name: "as", Type: "string", Words: history.ShapeWords, Doc: "per second, or what was counted in all; " +
		"without it as the meter's type says"}
}

func compareParam() Param {
	return Param{Name: "compare", Type: "string", Doc: "also the same range by so much earlier: -1d, -7d"}
}

func formatParam() Param {
	return Param{Name: "format", Type: "string", Words: []string{"json", "csv", "parquet"},
		Doc: "form of the answer; without it the header Accept decides, else json"}
}
