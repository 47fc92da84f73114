package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"weir/engine"
	"weir/history"
	"weir/vitals"
)

// Mount is a face: a handler of its own paths, formats and errors, shown beside the native API.
type Mount struct {
	Name string // for people: heading in the reference
	// Prefix is the path below which requests are the mount's, such as "/sflow-rt/"; "" or "/" gives it everything
	// that nothing else takes. The handler sees paths whole.
	Prefix  string
	Handler http.Handler
	Routes  []Route // for the reference and the OpenAPI document
}

// Options are what a server shows that others own.
type Options struct {
	Version   string
	Started   time.Time
	Replay    bool              // the engine is fed from files: ticks come as the data does, not with the clock
	Listeners map[string]string // name to address of what receives telemetry, for /api/v1/status
	Console   http.Handler      // serves the console below /html/; nil: there is none
	Memory    Memory            // what is kept; the zero Memory is none
	Faces     []Mount
	Log       *slog.Logger // nil: nothing is logged
	// Vitals is called before /metrics is written, to publish what other rooms count; may be nil.
	Vitals func(*vitals.Set)
	// Unwell returns what is wrong outside the engine, one line each, for /health; may be nil.
	Unwell func() []string
}

// complete puts routes of faces that are under no heading under the name of their face.
func (o Options) complete() Options {
	o.Faces = slices.Clone(o.Faces)
	for i := range o.Faces {
		m := &o.Faces[i]
		m.Routes = slices.Clone(m.Routes)
		for j := range m.Routes {
			m.Routes[j].Group = cmp.Or(m.Routes[j].Group, m.Name)
		}
	}
	return o
}

// The time limits of connections.
const (
	headersWithin = 10 * time.Second
	idleFor       = 2 * time.Minute
	// answerWithin is longer than the longest poll of a face.
	answerWithin = 6 * time.Minute
	graceful     = 5 * time.Second
)

// Server serves the API. New makes one, Listen takes the address, Run works until its context ends.
type Server struct {
	config   Config
	engine   *engine.Engine
	vitals   *vitals.Set
	options  Options
	log      *slog.Logger
	gate     *gate
	routes   []route
	mux      *http.ServeMux
	http     *http.Server
	listener *bounded // nil before Listen
	caster   *caster
	history  history.History
	origins  origins
	gauges   gauges
	// draining ends when drain is called: long answers end with it.
	draining <-chan struct{}
	drain    context.CancelFunc
}

// New returns a server that does not listen yet.
func New(c Config, e *engine.Engine, v *vitals.Set, o Options) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	base, drain := context.WithCancel(context.Background())
	s := &Server{
		config: c, engine: e, vitals: v, options: o.complete(), log: o.Log, routes: routes(c.Debug),
		mux:      http.NewServeMux(),
		draining: base.Done(), drain: drain, history: history.History{Engine: e, Store: o.Memory.Store},
	}
	s.caster = newCaster(e, v, c.Streams)
	s.origins.known = map[string]origin{}
	var err error
	if s.gate, err = newGate(&c, s.countRefused, s.refuse); err != nil {
		drain()
		return nil, err
	}
	if err := s.buildMux(); err != nil {
		drain()
		return nil, err
	}
	s.http = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headersWithin, IdleTimeout: idleFor, WriteTimeout: answerWithin,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// buildMux registers the routes, the console and the mounts.
func (s *Server) buildMux() (err error) {
	defer func() {
		// Two mounts of one prefix make the mux panic; that is the caller's mistake and not ours.
		if p := recover(); p != nil {
			err = fmt.Errorf("api: routes collide: %v", p)
		}
	}()
	for i := range s.routes {
		rt := &s.routes[i]
		s.mux.Handle(rt.Method+" "+rt.Path, s.handler(rt))
	}
	s.mux.Handle("/api/", http.HandlerFunc(s.noRoute))
	start := "./api/"
	if s.options.Console != nil {
		// The console is the same for everyone and holds no traffic: it must load to be able to ask for a token.
		s.mux.Handle("/html/", http.StripPrefix("/html", s.options.Console))
		start = "./html/index.html"
	}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		// Relative, so that a proxy may put a path in front; http.Redirect would make it absolute.
		w.Header().Set("Location", start)
		w.WriteHeader(http.StatusFound)
	})
	rest := false
	for _, m := range s.options.Faces {
		prefix := m.Prefix
		if prefix == "" || prefix == "/" {
			prefix, rest = "/", true
		}
		s.mux.Handle(prefix, s.gate.mounted(m.Handler))
	}
	if !rest {
		s.mux.Handle("/", http.HandlerFunc(s.noRoute))
	}
	return nil
}

// noRoute answers requests for paths or methods that the API does not have.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodPost,
		http.MethodDelete} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		s.refuse(w, r, refuse(http.StatusNotFound, "", fmt.Sprintf("there is nothing at %s", r.URL.Path),
			"the reference at /api/ lists everything"))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.refuse(w, r, refuse(http.StatusMethodNotAllowed, "", r.Method+" is not possible here",
		"possible: "+strings.Join(allowed, ", ")))
}

// Handler returns everything that the server serves, for a server of the caller's own. The stream lives only while
// Run does.
func (s *Server) Handler() http.Handler { return s.guarded(s.gate.entry(squeeze(plain(s.mux)))) }

// guarded counts requests by the class of their status and turns a panic into an answer.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &watched{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler {
				panic(p)
			}
			if p != nil {
				s.vitals.Counter("weir_api_panics_total").Inc()
				s.log.Error("a request made the server panic: this is a bug", "method", r.Method, "path", r.URL.Path,
					"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if seen.status == 0 {
					f := refuse(http.StatusInternalServerError, "", "this is a bug of weir", "see the log")
					s.refuse(seen, r, f)
				}
			}
			s.vitals.Counter("weir_api_requests_total", "class", class(seen.status)).Inc()
		}()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(seen, r)
	})
}

// watched notes the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func class(status int) string {
	switch status / 100 {
	case 0, 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	}
	return "5xx"
}

func (s *Server) countRefused(reason string) {
	s.vitals.Counter("weir_api_refused_total", "reason", reason).Inc()
}

// Listen takes the address. The error says what to do when it cannot be had.
func (s *Server) Listen() error {
	l, err := listen(s.config.HTTP, s.config.Connections)
	if err != nil {
		return err
	}
	s.listener = l
	return nil
}

// Address returns where the server listens, nil before Listen.
func (s *Server) Address() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Connections returns how many connections are open, 0 before Listen. It is safe for use by any number of goroutines
// once Listen has returned.
func (s *Server) Connections() int {
	if s.listener == nil {
		return 0
	}
	return int(s.listener.open.Load())
}

// Drain makes /health say so, and ends streams and long polls. Everything else is answered on, until Run ends.
func (s *Server) Drain() { s.drain() }

// Run serves until ctx ends, then ends long answers, lets short ones finish, and returns. It listens first when that
// was not done. It is called once.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	s.warnOpen()
	follow, unfollow := context.WithCancel(context.Background())
	defer unfollow()
	cast := make(chan struct{})
	go func() {
		defer close(cast)
		s.caster.run(follow)
	}()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var err error
	select {
	case <-ctx.Done():
		s.drain()
		err = s.shutDown()
		<-served
	case err = <-served:
		s.drain()
	}
	unfollow()
	<-cast
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutDown lets requests finish for a while, then cuts them off.
func (s *Server) shutDown() error {
	late, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	if err := s.http.Shutdown(late); err != nil {
		return errors.Join(fmt.Errorf("api: requests were cut off after %v: %w", graceful, err), s.http.Close())
	}
	return nil
}

// warnOpen says so when strangers may change what the server does.
func (s *Server) warnOpen() {
	if !loopback(s.config.HTTP) && len(s.config.Tokens) == 0 && !s.config.ReadOnly {
		s.log.Warn("whoever can reach the API may change definitions: set http.tokens or http.read_only, or listen on "+
			"127.0.0.1", "address", s.config.HTTP)
	}
}

// Close gives the address back when Run was never called.
func (s *Server) Close() error {
	s.drain()
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
