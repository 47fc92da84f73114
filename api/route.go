package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"weir/engine"
)

// Route is one line of the table of routes, as documentation shows it. Faces describe theirs with it too.
type Route struct {
	Method string // GET, PUT, PATCH, DELETE or POST
	Path   string // as net/http patterns have it: "/api/v1/flows/{name}"
	Group  string // heading in the reference: "Flows"
	Doc    string // what it does, one or more whole sentences
	Params []Param
	// Example is a request target that works on a server with the standing definitions: "/api/v1/flows?max=2".
	Example string
	Body    string // example of a body; empty when there is none
	Answer  string // media type of the answer; empty when it has no body
}

// Param is a parameter of a route: of the path when its name stands in braces there, else of the query.
type Param struct {
	Name     string
	Type     string // integer, number, boolean or string
	Doc      string
	Required bool
	Default  string   // what counts when it is not there
	Min, Max int      // bounds of an integer; both 0: none
	Words    []string // what a string may be; nil: anything
}

// InPath tells whether the parameter is a part of a path.
func (p *Param) InPath(path string) bool { return strings.Contains(path, "{"+p.Name+"}") }

// route is a Route of our own with what serves it.
type route struct {
	Route
	right Right
	most  int64 // bytes of the body; 0 = bodyMax
	// answer returns what is sent as JSON, nil for "204 No Content".
	answer func(*request) (any, error)
	// serve writes the answer itself; set instead of answer.
	serve func(*request, http.ResponseWriter)
}

// request is one request to a route of our own, its parameters checked.
type request struct {
	*http.Request
	server *Server
	view   *engine.View // all of the answer is of this tick
	params map[string]string
	lists  url.Values // as sent, for parameters that may come several times
	body   []byte
}

// text returns a parameter, its default when it was not sent.
func (r *request) text(name string) string { return r.params[name] }

// whole returns a parameter of type integer, which has been checked.
func (r *request) whole(name string) int {
	n, _ := strconv.Atoi(r.params[name])
	return n
}

// number returns a parameter of type number, which has been checked.
func (r *request) number(name string) float64 {
	f, _ := strconv.ParseFloat(r.params[name], 64)
	return f
}

// list returns a parameter that is a list separated by commas, nil when it is empty.
func (r *request) list(name string) (out []string) {
	for part := range strings.SplitSeq(r.params[name], ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// stamp says which tick an answer is of. Every answer has it.
type stamp struct {
	Tick uint64 `json:"tick"` // number of the tick
	At   int64  `json:"at"`   // its instant on the clock of the data, ms since the Unix epoch
}

func (r *request) stamp() stamp { return stampOf(r.view) }

func stampOf(v *engine.View) stamp { return stamp{Tick: v.Seq, At: v.At.Millis()} }

// handler returns what the mux calls for a route.
func (s *Server) handler(rt *route) http.Handler {
	h := http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr, server: s, view: s.engine.View()}
		var err error
		if r.params, r.lists, err = checkParams(rt, hr); err != nil {
			s.refuse(w, hr, err)
			return
		}
		if rt.Body != "" {
			if r.body, err = readBody(w, hr, max(rt.most, bodyMax)); err != nil {
				s.refuse(w, hr, err)
				return
			}
		}
		if rt.serve != nil {
			rt.serve(r, w)
			return
		}
		answer, err := rt.answer(r)
		if err != nil {
			s.refuse(w, hr, err)
			return
		}
		s.write(w, http.StatusOK, answer)
	})
	return s.gate.guard(rt.right, rt.right > Read, h)
}

// checkParams checks the parameters of a request against the table.
func checkParams(rt *route, r *http.Request) (map[string]string, url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "", "the query is malformed: "+err.Error(), "")
	}
	params := make(map[string]string, len(rt.Params))
	for i := range rt.Params {
		p := &rt.Params[i]
		value := query.Get(p.Name)
		if p.InPath(rt.Path) {
			value = r.PathValue(p.Name)
		}
		if value == "" {
			value = p.Default
		}
		if err := p.check(value); err != nil {
			return nil, nil, err
		}
		params[p.Name] = value
	}
	for name := range query {
		if !slices.ContainsFunc(rt.Params, func(p Param) bool { return p.Name == name && !p.InPath(rt.Path) }) {
			return nil, nil, refuse(http.StatusBadRequest, name, "there is no parameter of this name", rt.known())
		}
	}
	return params, query, nil
}

// known is a hint that names the parameters of the query.
func (rt *route) known() string {
	var names []string
	for _, p := range rt.Params {
		if !p.InPath(rt.Path) {
			names = append(names, p.Name)
		}
	}
	if names == nil {
		return "this route has none"
	}
	return "this route has " + strings.Join(names, ", ")
}

// check returns a failure when a value is not what the parameter may be.
func (p *Param) check(value string) error {
	bad := func(format string, args ...any) error {
		return refuse(http.StatusBadRequest, p.Name, fmt.Sprintf(format, args...), p.Doc)
	}
	if value == "" {
		if p.Required {
			return bad("missing")
		}
		return nil
	}
	switch p.Type {
	case "integer":
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad("%q is no whole number", value)
		}
		if (p.Min != 0 || p.Max != 0) && (n < p.Min || n > p.Max) {
			return bad("%d is not between %d and %d", n, p.Min, p.Max)
		}
	case "number":
		if f, err := strconv.ParseFloat(value, 64); err != nil || f-f != 0 {
			return bad("%q is no number", value)
		}
	case "boolean":
		if value != "true" && value != "false" {
			return bad("%q is neither true nor false", value)
		}
	default:
		if p.Words != nil && !slices.Contains(p.Words, value) {
			return bad("%q is not one of %s", value, strings.Join(p.Words, ", "))
		}
	}
	return nil
}
