package docs

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/alert"
	"weir/api"
	"weir/config"
	"weir/engine"
	"weir/history"
	"weir/meter"
	"weir/sim"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
	"weir/wire"
)

// memoryPages are those whose examples are asked of a server that has counted a network for a while.
var memoryPages = []string{"counter-groups.md", "sessions.md", "alerts.md", "storage.md", "sql.md"}

// house is a server with a store, and a simulated network that it counts.
type house struct {
	t       *testing.T
	engine  *engine.Engine
	store   *parquet.Store
	handler http.Handler
	network *sim.Network
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir, set := t.TempDir(), vitals.New()
	e, err := engine.New(engine.Config{Lanes: 2, Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := parquet.Open(dir, parquet.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	j, err := store.OpenJournal(store.JournalConfig{Dir: filepath.Join(dir, "journal")}, set)
	if err != nil {
		t.Fatal(err)
	}
	c := store.DefaultConfig()
	c.Path = dir
	k := store.NewKeeper(c, st, j, set)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	rec, err := history.NewRecorder(context.Background(), e, k, true, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	keep, stop := context.WithCancel(context.Background())
	ran, recorded, kept := make(chan error, 1), make(chan error, 1), make(chan struct{})
	go func() { ran <- e.Run(ctx) }()
	go func() { recorded <- rec.Run(context.Background()) }()
	go func() { defer close(kept); k.Run(keep) }()
	t.Cleanup(func() {
		cancel()
		for _, ended := range []chan error{ran, recorded} {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		stop()
		<-kept
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := api.New(api.DefaultConfig(), e, set, api.Options{Replay: true,
		Memory: api.Memory{Store: st, Keeper: k, WriteParquet: parquet.WriteParquet}})
	if err != nil {
		t.Fatal(err)
	}
	n := sim.New(31, sim.Options{Load: 0.1, FloodEvery: 40 * time.Second})
	return &house{t: t, engine: e, store: st, handler: s.Handler(), network: n}
}

func (h *house) do(cs ...engine.Command) {
	h.t.Helper()
	if err := h.engine.Do(cs...); err != nil {
		h.t.Error(err)
	}
}

// run lets the network and the engine work for a while, and waits until the store has what came of it.
func (h *house) run(d time.Duration) {
	h.t.Helper()
	ctx := context.Background()
	for until := h.network.Now().Add(d); h.network.Now() < until; {
		parcels := map[int]*wire.Parcel{}
		h.network.Run(h.network.Now().Add(500*time.Millisecond), func(dg sim.Datagram) {
			w := wire.Datagram{At: dg.At, From: dg.From, Data: dg.Data}
			lane := wire.Lane(wire.ExporterOf(&w), h.engine.Lanes())
			if parcels[lane] == nil {
				parcels[lane] = h.engine.Parcel()
			}
			parcels[lane].Add(w)
		})
		for lane, p := range parcels {
			if err := h.engine.Put(ctx, lane, p); err != nil {
				h.t.Fatal(err)
			}
		}
		if err := h.engine.Tick(ctx, h.network.Now()); err != nil {
			h.t.Fatal(err)
		}
	}
}

// count waits until a statement says that there is something.
func (h *house) count(statement string) {
	h.t.Helper()
	for range 1000 {
		b, err := h.store.SQL(context.Background(), statement, store.SQLLimits{})
		if err != nil {
			h.t.Fatal(err)
		}
		if b.Columns[0].Ints[0] > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("never more than 0: %s", statement)
}

// ask sends a request and returns what was answered.
func (h *house) ask(method, target, body string) (int, string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

var (
	curlLine = regexp.MustCompile(`(?s)curl (-X [A-Z]+ )?(?:-H '[^']*' )?'?(http://127\.0\.0\.1:8008[^'\s]*)'?(?: -d '(\{.*?\})')?\n`)
	methodOf = regexp.MustCompile(`[A-Z]+ $`)
)

// TestAsked asks a server everything that the pages about memory ask by curl, and every statement of the page on SQL.
func TestAsked(t *testing.T) {
	h := newHouse(t)
	h.do(engine.SetRule{Rule: alert.Rule{Name: "any", Group: "aggregates", Keys: "TOTALBW", High: alert.Of(1)}})
	h.run(6 * time.Minute)
	h.count("SELECT count(*) FROM alerts")
	h.count("SELECT count(*) FROM toppers")
	h.count("SELECT count(*) FROM sessions WHERE proto = 6")
	asked := 0
	for _, name := range memoryPages {
		page := read(t, name)
		for _, text := range blocks(page, "sh") {
			for _, m := range curlLine.FindAllStringSubmatch(text, -1) {
				asked++
				method := "GET"
				if m[1] != "" {
					method = strings.TrimSpace(methodOf.FindString(m[1]))
				}
				code, answer := h.ask(method, m[2], m[3])
				if code >= 300 {
					t.Errorf("%s: %s %s %s: %d %s", name, method, m[2], m[3], code, answer)
				}
				for _, empty := range []string{`"toppers":[]`, `"sessions":[]`, `"rows":[]`, `"times":[]`, `"hits":[]`} {
					if strings.Contains(strings.ReplaceAll(answer, " ", ""), empty) && !strings.Contains(m[2], "udp_ports") {
						t.Errorf("%s: %s: nothing was found: %s", name, m[2], answer)
					}
				}
				if method != "GET" {
					h.run(time.Second) // it is in force with the next tick
				}
			}
		}
		for _, text := range blocks(page, "sql") {
			asked++
			b, err := h.store.SQL(context.Background(), text, store.SQLLimits{})
			if err != nil {
				t.Errorf("%s: %v in\n%s", name, err, text)
			} else if b.Rows == 0 {
				t.Errorf("%s: no rows of\n%s", name, text)
			}
		}
	}
	if asked < 30 {
		t.Errorf("only %d examples were found", asked)
	}
}

// TestGroupsInForce puts every group and rule of the examples of configurations in force.
func TestGroupsInForce(t *testing.T) {
	groups, rules := 0, 0
	for _, name := range append([]string{"configuration.md"}, memoryPages...) {
		for _, text := range blocks(read(t, name), "yaml") {
			e, err := engine.New(engine.Config{Lanes: 1})
			if err != nil {
				t.Fatal(err)
			}
			c, problems := config.Parse(name, []byte(text))
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
				continue
			}
			for _, g := range c.CounterGroups {
				groups++
				if err := e.Do(engine.DefineGroup{Group: g}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if got := e.State().Group(g.Name); got != nil && len(got.Warnings()) > 0 {
					t.Errorf("%s: %v", name, got.Warnings())
				}
			}
			for _, r := range c.Rules {
				rules++
				if err := e.Do(engine.SetRule{Rule: r}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := c.Store.Complete(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := meter.Check(e.Vocabulary(), e.State().Groups); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if groups < 8 || rules < 4 {
		t.Errorf("only %d groups and %d rules were found", groups, rules)
	}
}
