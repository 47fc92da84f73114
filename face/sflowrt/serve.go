package sflowrt

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"weir/api"
	"weir/engine"
)

// call is one request on its way through a handler, and the view that it is answered from.
type call struct {
	*face
	w     http.ResponseWriter
	r     *http.Request
	view  *engine.View
	query url.Values
}

// handler answers a call, or returns an error, best a *problem, before it has written anything.
type handler func(*call) error

// Mount returns the face as the API's server takes it: it gets every path that nothing else has.
func Mount(e *engine.Engine, o Options) api.Mount {
	m := api.Mount{Name: "sFlow-RT compatible REST", Prefix: "/", Handler: New(e, o)}
	for _, r := range Routes() {
		m.Routes = append(m.Routes, r.native())
	}
	return m
}

// New returns the handler of all paths that Routes lists; any other is answered with 404. It is safe for use by any
// number of goroutines.
//
// Two things are the business of the server that it is put into: to end the contexts of requests when it shuts down,
// which is what ends long polls; and to refuse changes that a page of another origin sends through an operator's
// browser, which would pass here because bodies need no content type. The server of package api does both.
func New(e *engine.Engine, o Options) http.Handler {
	f, mux := newFace(e, o), http.NewServeMux()
	byPath := map[string]map[string]handler{}
	for _, r := range table() {
		if byPath[r.Path] == nil {
			byPath[r.Path] = map[string]handler{}
		}
		byPath[r.Path][r.Method] = r.serve
	}
	for path, methods := range byPath {
		mux.Handle(path, f.path(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			allowReading(w)
		}
		f.fail(w, notFound("path", r.URL.Path, "/api-docs lists all paths"))
	})
	return mux
}

// path returns the handler of one path. HEAD is answered as GET and POST as PUT, which is what some clients send.
func (f *face) path(methods map[string]handler) http.Handler {
	allowed := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
	}
	if methods[http.MethodPut] != nil {
		allowed = append(allowed, http.MethodPost)
	}
	allow := strings.Join(append(allowed, http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		switch method {
		case http.MethodHead:
			method = http.MethodGet
		case http.MethodPost:
			method = http.MethodPut
		case http.MethodOptions:
			w.Header().Set("Allow", allow)
			allowReading(w)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		serve := methods[method]
		if serve == nil {
			w.Header().Set("Allow", allow)
			f.fail(w, &problem{status: http.StatusMethodNotAllowed, Message: r.Method + " is not for this path",
				Hint: "use one of " + allow})
			return
		}
		if method == http.MethodGet {
			allowReading(w)
		} else if f.options.ReadOnly {
			f.fail(w, &problem{status: http.StatusForbidden, Message: "this server is read-only",
				Hint: "changes are made in its configuration"})
			return
		}
		f.answer(serve, w, r)
	})
}

// allowReading lets pages of any origin read, which clients of this interface rely on, unless the server before it has
// said which origins may.
func allowReading(w http.ResponseWriter) {
	const origin = "Access-Control-Allow-Origin"
	if w.Header().Get(origin) == "" {
		w.Header().Set(origin, "*")
		w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	}
}

// answer runs a handler. A query that cannot be read is refused, because a filter that is left out widens the answer.
func (f *face) answer(serve handler, w http.ResponseWriter, r *http.Request) {
	// Semicolons separate values in this interface, not parameters.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		f.fail(w, badRequest("query", "%v; escape %% as %%25", err))
		return
	}
	c := &call{face: f, w: w, r: r, view: f.engine.View(), query: query}
	if err := serve(c); err != nil {
		f.fail(w, err)
	}
}
