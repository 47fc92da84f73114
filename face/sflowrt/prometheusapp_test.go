package sflowrt_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/engine"
	"weir/face/sflowrt"
	"weir/flow"
)

const (
	exporter = "/app/prometheus/scripts/export.js"
	scrape   = exporter + "/flows/ALL/txt"
	// pairScrape is acceptance check G89.
	pairScrape = scrape + "?metric=m&key=ipsource&key=ipdestination&value=bytes&label=src&label=dst&scale=8"
)

// scraped returns the names of the definitions that scrapes have put in force.
func (l *lab) scraped() (names []string) {
	for _, d := range l.engine.State().Flows {
		if strings.HasPrefix(d.Name, "prometheus_") {
			names = append(names, d.Name)
		}
	}
	return names
}

// lines splits an exposition; a text that does not end with a line is wrong.
func lines(t *testing.T, text string) []string {
	t.Helper()
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("no end of line: %q", text)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// lineValue returns the number of a line that is to begin with the metric and its labels.
func lineValue(t *testing.T, line, begin string) float64 {
	t.Helper()
	number, ok := strings.CutPrefix(line, begin+" ")
	f, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil {
		t.Errorf("%q is not %s with a number", line, begin)
	}
	return f
}

// TestScrapeFlows is acceptance check G89.
func TestScrapeFlows(t *testing.T) {
	l := newLab(t, sflowrt.Options{PrometheusType: true})
	if text := l.call("GET", pairScrape, "", http.StatusOK); text != "" {
		t.Errorf("the first scrape gets %s", text)
	}
	name := l.scraped()
	if len(name) != 1 {
		t.Fatalf("definitions %q", name)
	}
	d := l.engine.State().Flow(name[0])
	if d.Keys != "ipsource,ipdestination" || d.Value != "bytes" || d.N != 10 || d.T != 15 || d.Log {
		t.Errorf("definition %+v", d)
	}
	l.tick()
	l.pass(60, 10, func() {
		l.sample(sample{a1, 3, 3, 1, 100, 1000, tcp(h1, h2, 1, 2, 1000)})
		l.sample(sample{a2, 3, 3, 1, 100, 500, tcp(h2, h1, 1, 2, 500)})
	})
	text := l.call("GET", pairScrape, "", http.StatusOK)
	all := lines(t, text)
	if len(all) != 3 || all[0] != "# TYPE m gauge" {
		t.Fatalf("%s", text)
	}
	for i, want := range []struct {
		begin string
		value float64
	}{
		{`m{src="198.51.100.1",dst="198.51.100.2"}`, 8e6}, {`m{src="198.51.100.2",dst="198.51.100.1"}`, 4e6},
	} {
		if v := lineValue(t, all[i+1], want.begin); math.Abs(v-want.value) > want.value*0.15 {
			t.Errorf("%s, want about %v", all[i+1], want.value)
		}
	}
	for query, want := range map[string]int{
		"&maxFlows=1": 2, "&minValue=700000": 2, "&minValue=1e9": 0, "&maxFlows=n": 3, "&aggMode=sum": 3,
	} {
		if all := lines(t, l.call("GET", pairScrape+query, "", http.StatusOK)); len(all) != want {
			t.Errorf("%s: %d lines, want %d: %q", query, len(all), want, all)
		}
	}
	other := strings.Replace(pairScrape, "/ALL/", "/192.0.2.2/", 1)
	if all := lines(t, l.call("GET", other, "", http.StatusOK)); len(all) != 2 {
		t.Errorf("of one agent: %q", all)
	}
	comma := scrape + "?metric=other:name&key=ipsource,ipdestination&value=bytes"
	all = lines(t, l.call("GET", comma, "", http.StatusOK))
	if len(all) != 3 || !strings.HasPrefix(all[1], `other_name{ipsource="198.51.100.1",ipdestination=`) {
		t.Errorf("keys in one parameter, without labels: %q", all)
	}
	if now := l.scraped(); !slices.Equal(now, name) {
		t.Errorf("scrapes of the same flows made %q", now)
	}
}

// TestScrapeLabels checks what becomes of texts that the format does not take as they are.
func TestScrapeLabels(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.put("/map/odd/json", `{'a"b\\c\n':['1'],'cut\u001fhere':['2']}`)
	const query = "?metric=m-1&value=frames&label=&label=the+port&key=ipprotocol&key=map:tcpsourceport:odd"
	l.call("GET", scrape+query, "", http.StatusOK)
	l.call("GET", scrape+"?metric=d&key=reason&value=frames&dropped=true", "", http.StatusOK)
	l.call("GET", scrape+"?metric=v&key=null:vlan&value=frames", "", http.StatusOK)
	l.call("GET", scrape+"?metric=v&key=vlan&value=frames", "", http.StatusOK)
	l.tick()
	l.pass(1, 10, func() {
		l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 1, 2, 100)})
		l.sample(sample{a1, 3, 3, 1, 100, 100, tcp(h1, h2, 2, 2, 100)})
		l.discard(a1, 3, 257, udp(h1, h2, 1, 2, 100))
	})
	all := lines(t, l.call("GET", scrape+query, "", http.StatusOK))
	if len(all) != 1 || !strings.HasPrefix(all[0], `m_1{ipprotocol="6",the_port="a\"b\\c\n"} `) {
		t.Errorf("%q", all)
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, httptest.NewRequest("GET", scrape+query, nil))
	if w.Header().Get("X-Truncated") != "true" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain;") {
		t.Errorf("headers %v", w.Header())
	}
	for query, want := range map[string]string{
		"?metric=d&key=reason&value=frames&dropped=true": `d{reason="ttl_exceeded"} `,
		"?metric=v&key=null:vlan&value=frames":           `v{null_vlan="null"} `,
	} {
		if all := lines(t, l.call("GET", scrape+query, "", http.StatusOK)); len(all) != 1 ||
			!strings.HasPrefix(all[0], want) {
			t.Errorf("%s: %q, want %s", query, all, want)
		}
	}
	if text := l.call("GET", scrape+"?metric=v&key=vlan&value=frames", "", http.StatusOK); text != "" {
		t.Errorf("packets without a key are counted: %s", text)
	}
}

// TestHostNamesOfAnyBytes exports the name of a host that is no UTF-8.
func TestHostNamesOfAnyBytes(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.host(a1, "we\xffb", 2, 1)
	l.tick()
	want := "sflow_load_one{agent=\"192.0.2.1\",datasource=\"2.1\",host=\"we\ufffdb\"} 1\n"
	if text := l.call("GET", "/prometheus/metrics/ALL/load_one/txt", "", http.StatusOK); text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

// TestInvalidScrapes checks that what cannot be scraped is refused and defines nothing.
func TestInvalidScrapes(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	for query, field := range map[string]string{
		"":                                                "metric",
		"?key=ipsource&value=bytes":                       "metric",
		"?metric=m&value=bytes":                           "key",
		"?metric=m&key=,&value=bytes":                     "key",
		"?metric=m&key=ipsource":                          "value",
		"?metric=m&key=ipsource&value=+":                  "value",
		"?metric=m&key=g:&value=bytes":                    "key",
		"?metric=m&key=ipsource&value=avg:":               "value",
		"?metric=m&key=ipsource&value=bytes&filter=a%3D(": "filter",
		"?metric=m&key=ipsource&value=bytes&aggMode=most": "aggMode",
		"?metric=m&key=ipsource,ipdestination&value=bytes&label=a&label=a":  "label",
		"?metric=m&key=ipsource,ipdestination&value=bytes&label=a-b,a%2Bb,": "label",
	} {
		body := l.call("GET", scrape+query, "", http.StatusBadRequest)
		if want := fmt.Sprintf("\"field\": %q", field); !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %s", query, body, want)
		}
	}
	for _, path := range []string{
		exporter, exporter + "/flows/ALL/json", exporter + "/flows/txt", exporter + "/other/ALL/txt",
		"/app/prometheus/status", "/app/prometheus/scripts/other.js/flows/ALL/txt",
	} {
		l.call("GET", path+"?metric=m&key=ipsource&value=bytes", "", http.StatusNotFound)
	}
	l.call("PUT", pairScrape, "{}", http.StatusMethodNotAllowed)
	if made := l.scraped(); made != nil {
		t.Errorf("definitions %q", made)
	}
}

// TestScrapeMayNotDefine refuses scrapes where nothing may be changed, until somebody who may has made the change.
func TestScrapeMayNotDefine(t *testing.T) {
	l := newLab(t, sflowrt.Options{ReadOnly: true})
	l.call("GET", pairScrape, "", http.StatusForbidden)
	l.call("GET", exporter+"/statistics/g/ALL/load_one/txt", "", http.StatusOK)
	open := sflowrt.New(l.engine, sflowrt.Options{})
	ask := func(site string) int {
		r, w := httptest.NewRequest("GET", pairScrape, nil), httptest.NewRecorder()
		r.Header.Set("Sec-Fetch-Site", site)
		open.ServeHTTP(w, r)
		return w.Code
	}
	if code := ask("cross-site"); code != http.StatusForbidden || l.scraped() != nil {
		t.Errorf("a page of another site gets %d", code)
	}
	if code := ask("none"); code != http.StatusOK || len(l.scraped()) != 1 {
		t.Errorf("an operator gets %d", code)
	}
	l.call("GET", pairScrape, "", http.StatusOK)
}

// TestScrapesExpire lets time go by, by the wall clock of the test.
func TestScrapesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, sflowrt.Options{})
		l.put("/flow/mine/json", `{value:'bytes'}`)
		l.call("GET", pairScrape, "", http.StatusOK)
		for range 3 { // as long as it is scraped
			time.Sleep(9 * time.Minute)
			l.call("GET", pairScrape, "", http.StatusOK)
		}
		l.call("GET", scrape+"?metric=m&key=ipprotocol&value=bytes", "", http.StatusOK)
		time.Sleep(9 * time.Minute)
		l.call("GET", pairScrape, "", http.StatusOK)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(l.scraped()); n != 1 {
			t.Errorf("%d definitions after one was not scraped for 11 minutes", n)
		}
		// Somebody may drop it and put another in its place: the next scrape wins.
		name := l.scraped()[0]
		l.call("DELETE", "/flow/"+name+"/json", "", http.StatusNoContent)
		l.call("GET", pairScrape, "", http.StatusOK)
		l.put("/flow/"+name+"/json", `{value:'frames'}`)
		l.call("GET", pairScrape, "", http.StatusOK)
		if d := l.engine.State().Flow(name); d == nil || d.Value != "bytes" {
			t.Errorf("in force is %+v", d)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if made := l.scraped(); made != nil || l.engine.State().Flow("mine") == nil {
			t.Errorf("%q in force after all scrapes ended", made)
		}
	})
}

// TestForeignDefinitionStays scrapes flows that an operator has put in force under the same name.
func TestForeignDefinitionStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, sflowrt.Options{})
		l.call("GET", pairScrape, "", http.StatusOK)
		d := *l.engine.State().Flow(l.scraped()[0])
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if err := l.engine.Do(engine.DefineFlow{Definition: d}); err != nil {
			t.Fatal(err)
		}
		l.call("GET", pairScrape, "", http.StatusOK)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(l.scraped()) != 1 {
			t.Error("an operator's definition was dropped")
		}
	})
}

// TestScrapesAreBounded asks for more definitions than scrapers may have, from several goroutines.
func TestScrapesAreBounded(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	codes := make(chan int, 120)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 30 {
				w := httptest.NewRecorder()
				path := fmt.Sprint(scrape, "?metric=m&key=ipsource&value=bytes&n=", 100*i+j+1)
				l.handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				codes <- w.Code
			}
		})
	}
	all.Wait()
	close(codes)
	counts := map[int]int{}
	for c := range codes {
		counts[c]++
	}
	if counts[http.StatusOK] != 100 || counts[http.StatusServiceUnavailable] != 20 || len(l.scraped()) != 100 {
		t.Errorf("answers %v, %d definitions", counts, len(l.scraped()))
	}
	// Those that are there are still answered.
	last := l.engine.State().Flow(l.scraped()[0])
	l.call("GET", fmt.Sprint(scrape, "?metric=m&key=ipsource&value=bytes&n=", last.N), "", http.StatusOK)
}

// TestScrapeStatistics asks for summaries.
func TestScrapeStatistics(t *testing.T) {
	l := newLab(t, sflowrt.Options{})
	l.host(a1, "web1", 2, 1)
	l.host(a2, "web2", 2, 3)
	l.tick()
	const names = "/max:load_one,sum:load_one,sum:load_one,any:host_name,nosuch,2.1.cpu_num/txt"
	text := l.call("GET", exporter+"/statistics/the%22lab/ALL"+names, "", http.StatusOK)
	want := `sflow_max_load_one{group="the\"lab"} 3
sflow_sum_load_one{group="the\"lab"} 4
sflow_2_1_cpu_num{group="the\"lab"} 4
`
	if text != want {
		t.Errorf("%s, want %s", text, want)
	}
	text = l.call("GET", exporter+"/statistics/g/ALL/sum:load_one/txt?host_name=web1", "", http.StatusOK)
	if text != "sflow_sum_load_one{group=\"g\"} 1\n" {
		t.Errorf("of one host: %s", text)
	}
	l.call("GET", exporter+"/statistics/g/ALL/,/txt", "", http.StatusBadRequest)
}

// FuzzScrape checks that any query is answered with lines of the format, or refused.
func FuzzScrape(f *testing.F) {
	f.Add("ipsource,ipdestination", "bytes", "src,dst", "", "m")
	f.Add("group:ipsource:g", "avg:ipbytes", "a", "ipprotocol=6", "1")
	f.Add("if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source", "frames", "", "null", "a b")
	f.Add("'", "count:", ",,", "(", "\"\n")
	e, err := engine.New(engine.DefaultConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, value, label, filter, metric string) {
		q := url.Values{"key": {key}, "value": {value}, "label": {label}, "filter": {filter}, "metric": {metric}}
		w := httptest.NewRecorder()
		h := sflowrt.New(e, sflowrt.Options{}) // one that has made no definitions yet
		h.ServeHTTP(w, httptest.NewRequest("GET", scrape+"?"+q.Encode(), nil))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		for _, d := range e.State().Flows {
			if err := flow.Check(e.Vocabulary(), d); err != nil {
				t.Errorf("%+v is in force: %v", d, err)
			}
			_ = e.Do(engine.DropFlow{Name: d.Name})
		}
	})
}
