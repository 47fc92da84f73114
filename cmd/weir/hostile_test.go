package main

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/engine"
	"weir/enrich"
	"weir/schema"
	"weir/sim"
	"weir/wire"
)

// TestHostileClients sends damaged datagrams to the ports, and to the REST interface bodies and paths that nobody means
// well with. It must go on answering, with errors that are its clients' fault and never a panic, and its books must
// balance.
func TestHostileClients(t *testing.T) {
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "127.0.0.1:0", "--ipfix", "127.0.0.1:0", "--data", "x")
	sent := flood(t, s)
	for _, x := range hostileRequests() {
		r, err := http.NewRequest(x.method, s.find(`url=(http://\S+)/ `)+x.path, strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s %.60s: %v", x.method, x.path, err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode >= 500 {
			t.Errorf("%s %.60s with %.60q: %s", x.method, x.path, x.body, answer.Status)
		}
	}
	var status struct {
		Books struct{ Difference, Received int }
	}
	until(t, "everything was counted", func() bool {
		s.ask("/api/v1/status", &status)
		return status.Books.Received == sent
	})
	if status.Books.Difference != 0 {
		t.Errorf("the books are off by %d", status.Books.Difference)
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Errorf("a panic:\n%s", s.log)
	}
}

// flood sends damaged datagrams to all ports, slowly enough that none is lost, and returns how many.
func flood(t *testing.T, s *served) (sent int) {
	var seeds [][]byte
	n := sim.New(9, sim.Options{Load: 0.1, Templates: time.Second})
	n.Run(n.Now().Add(2*time.Second), func(d sim.Datagram) { seeds = append(seeds, append([]byte{}, d.Data...)) })
	rng := rand.New(rand.NewPCG(9, 9))
	for _, listener := range []string{"sflow", "netflow", "ipfix"} {
		conn, err := net.Dial("udp", s.find("listener="+listener+` udp=(\S+) `))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			b := append([]byte{}, seeds[rng.IntN(len(seeds))]...)
			for range 1 + rng.IntN(6) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			if _, err := conn.Write(b[:1+rng.IntN(len(b))]); err != nil {
				t.Fatal(err)
			}
			if sent++; i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		_ = conn.Close()
	}
	return sent
}

type hostileRequest struct{ method, path, body string }

func hostileRequests() []hostileRequest {
	deep := strings.Repeat("[", 100_000)
	definition := func(keys, filter string) string {
		return fmt.Sprintf(`{"keys":%q,"value":"bytes","filter":%q}`, keys, filter)
	}
	all := []hostileRequest{
		{"PUT", "/flow/x/json", deep}, {"PUT", "/flow/x/json", strings.Repeat(`{"keys":`, 100_000)},
		{"PUT", "/flow/x/json", "\xff\xfe{"}, {"PUT", "/flow/x/json", strings.Repeat(" ", 9<<20)},
		{"PUT", "/flow/x/json", definition(strings.Repeat("ipsource,", 3000), "")},
		{"PUT", "/flow/x/json", definition(strings.Repeat("or:[", 1000), "")},
		{"PUT", "/flow/x/json", definition("ipsource", strings.Repeat("(", 10_000))},
		{"PUT", "/flow/x/json", definition("ipsource", "httpurl~'"+strings.Repeat(`(\pL{1000})`, 90)+"'")},
		{"PUT", "/flow/x/json", definition("ipsource", "httpurl~'((((a{10}){10}){10}){10})'")},
		{"PUT", "/flow/x/json", `{"keys":"ipsource","value":"bytes","n":1e308,"t":-1e308}`},
		{"PUT", "/flow/" + strings.Repeat("x", 5000) + "/json", definition("ipsource", "")},
		{"PUT", "/threshold/x/json", strings.Repeat(`{"filter":`, 100_000)},
		{"PUT", "/threshold/x/json", `{"metric":"ifinoctets","value":1e308,"timeout":1e308}`},
		{"PUT", "/group/x/json", `{"a":["` + strings.Repeat("1", 1<<20) + `"]}`}, {"PUT", "/map/x/json", deep},
		{"PUT", "/topology/json", deep}, {"PUT", "/topology/json", `{"links":{"a":{"node1":5}}}`},
		{"POST", "/api/v1/flows", deep}, {"TRACE", "/flow/json", ""}, {"FOO", "/", ""},
	}
	for _, path := range []string{
		"/activeflows/ALL/x/json?maxFlows=1e99&minValue=abc", "/activeflows/ALL/x/json?maxFlows=-5",
		"/activeflows/" + strings.Repeat("10.0.0.1;", 5000) + "/x/json",
		"/metric/ALL/" + strings.Repeat("max:ifinoctets,", 3000) + "/json",
		"/metric/ALL/sort:ifinoctets:-99999999999999999999/json", "/dump/ALL/" + strings.Repeat("*a", 2000) + "/json",
		"/flows/json?flowID=-1&timeout=0", "/events/json?eventID=99999999999999999999999&timeout=abc",
		"/events/json?maxEvents=-1", "/flowkeys/json?limit=-1", "//", "/../../etc/passwd", "/html/%2e%2e/%2e%2e/etc",
		"/api/v1/exporters?max=-1", "/api/v1/exporters/" + strings.Repeat("f", 3000), "/flow/%00%ff%2F/json",
	} {
		all = append(all, hostileRequest{"GET", path, ""})
	}
	return all
}

// TestNewsOfManyExporters makes up exporters: not each of them is worth a line.
func TestNewsOfManyExporters(t *testing.T) {
	var log strings.Builder
	n := &newspaper{
		log: slog.New(slog.NewTextHandler(&log, nil)), exporters: map[schema.Addr]bool{},
		missing: map[enrich.Source]bool{},
	}
	all := make([]wire.Exporter, 1000)
	for i := range all {
		all[i].Address = schema.Addr4([4]byte{10, 0, byte(i >> 8), byte(i)})
	}
	at := schema.Instant(time.Hour)
	for range 3 {
		n.print(&engine.Harvest{Tick: engine.Tick{At: at}, View: &engine.View{Exporters: all}})
		at = at.Add(time.Minute)
	}
	news, more := strings.Count(log.String(), "a new exporter"), strings.Count(log.String(), "not_logged=900 ")
	if news != newsBegun || more != 1 {
		t.Errorf("%d new exporters, %d lines about more:\n%s", news, more, log.String())
	}
}
