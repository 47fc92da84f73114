package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/capture"
	"weir/config"
	"weir/engine"
	"weir/flow"
	"weir/ingest"
	"weir/metric"
	"weir/schema"
)

var (
	update = flag.Bool("update", false, "write expected.json anew")
	inputs = flag.Bool("inputs", false, "make input.pcap anew")
)

func TestCases(t *testing.T) {
	dirs, err := filepath.Glob("cases/*")
	if err != nil || len(dirs) != len(makers) {
		t.Fatalf("%d cases, %d makers of inputs: %v", len(dirs), len(makers), err)
	}
	size := 0
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if *inputs {
				makeInput(t, dir)
			}
			got := answer(t, dir, 1)
			if three := answer(t, dir, 3); !bytes.Equal(got, three) {
				t.Errorf("three lanes answer otherwise:\n%s", difference(three, got))
			}
			name := filepath.Join(dir, "expected.json")
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("not what %s says; when that is meant, go test ./corpus -update:\n%s", name, difference(got, want))
			}
		})
		for _, name := range []string{"input.pcap", "flows.yaml", "expected.json"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				size += int(info.Size())
			}
		}
	}
	if size > 200_000 {
		t.Errorf("the cases have %d bytes; 200 kB is enough", size)
	}
}

// makeInput writes the input of a case.
func makeInput(t *testing.T, dir string) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, schema.LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	makers[filepath.Base(dir)](t, w)
	if err := os.WriteFile(filepath.Join(dir, "input.pcap"), file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// answer replays a case and returns what there is to know at the end.
func answer(t *testing.T, dir string, lanes int) []byte {
	t.Helper()
	name := filepath.Join(dir, "flows.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c, problems := config.Parse(name, text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name := range c.Flows {
		if strings.HasPrefix(name, "console_") {
			delete(c.Flows, name)
		}
	}
	e, err := engine.New(engine.Config{Lanes: lanes, Replay: true, Wire: c.Engine.Wire})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Do(c.Commands(nil)...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	// The definitions are in force before the first frame, however short the input is.
	if err := e.Tick(ctx, began-1); err != nil {
		t.Fatal(err)
	}
	r := ingest.Replay{Engine: e, Files: []string{filepath.Join(dir, "input.pcap")}}
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	v := e.View()
	out := everything(t, e)
	finish(t, e, v)
	out["finished"] = finished(e)
	cancel()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	if d := v.Books.Difference(); d != 0 {
		t.Errorf("the books are off by %d", d)
	}
	b, err := json.MarshalIndent(tidy(t, out), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// everything is what an engine can be asked at the end of a replay.
func everything(t *testing.T, e *engine.Engine) map[string]any {
	v := e.View()
	flows := map[string]any{}
	for _, d := range v.State.Flows {
		active, err := v.Flow.Active(flow.Query{Definition: d.Name})
		if err != nil {
			t.Fatal(err)
		}
		var list []any
		for _, a := range active {
			list = append(list, map[string]any{
				"key": a.Key, "value": a.Value, "error": a.Error, "samples": a.Samples, "values": a.Values,
				"at": place(a.Source),
			})
		}
		books, _ := v.Flow.Books(d.Name)
		flows[d.Name] = map[string]any{"active": list, "books": books}
	}
	q := metric.Query{Agents: metric.All(), Names: []string{"ALL"}, Topology: v.Topology()}
	records, _ := v.Metric.Dump(&q)
	metrics := []string{}
	for _, r := range records {
		value, err := json.Marshal(r.MetricValue)
		if err != nil {
			t.Fatal(err)
		}
		metrics = append(metrics, fmt.Sprintf("%s %s.%s = %s", r.Agent, r.DataSource, r.MetricName, round(string(value))))
	}
	return map[string]any{
		"books": v.Books, "exporters": v.Exporters, "flows": flows, "metrics": metrics,
		"events": e.EventsSince(0, nil, 100),
	}
}

// finish takes the definitions out of force, so that all flows are logged.
func finish(t *testing.T, e *engine.Engine, v *engine.View) {
	for _, d := range v.State.Flows {
		if err := e.Do(engine.DropFlow{Name: d.Name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Tick(context.Background(), v.At+1); err != nil {
		t.Fatal(err)
	}
}

// finished returns the finished flows, oldest first.
func finished(e *engine.Engine) (lines []string) {
	all := e.FlowsSince(0, nil, 200)
	for i := range all {
		l := &all[len(all)-1-i]
		lines = append(lines, fmt.Sprintf("%s %s %s = %s, %d to %d ms", l.Name, place(l.Source), l.Keys,
			round(strconv.FormatFloat(l.Value, 'g', -1, 64)), l.Start.Millis(), l.End.Millis()))
	}
	return lines
}

func place(s schema.Source) string {
	if s.Domain != 0 {
		return fmt.Sprintf("%v/%d %s", s.Exporter, s.Domain, s.Datasource())
	}
	return fmt.Sprintf("%v %s", s.Exporter, s.Datasource())
}

// round cuts a number to ten digits, for the last ones may differ from processor to processor.
func round(text string) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) < 11 || !strings.ContainsAny(text, ".e") {
		return text
	}
	return strconv.FormatFloat(f, 'g', 10, 64)
}

// tidy returns a value as JSON knows it, without what is zero or empty, and with rounded numbers.
func tidy(t *testing.T, v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	return prune(plain)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = prune(v[k])
			switch x := v[k].(type) {
			case nil:
				delete(v, k)
			case json.Number:
				if x == "0" {
					delete(v, k)
				}
			case string:
				if x == "" {
					delete(v, k)
				}
			case []any:
				if len(x) == 0 {
					delete(v, k)
				}
			case map[string]any:
				if len(x) == 0 {
					delete(v, k)
				}
			}
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	case json.Number:
		return json.Number(round(string(v)))
	}
	return v
}

// difference shows the first line in which two texts differ.
func difference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			other := "(the end)"
			if i < len(w) {
				other = w[i]
			}
			return fmt.Sprintf("line %d is\n%s\ninstead of\n%s", i+1, g[i], other)
		}
	}
	return fmt.Sprintf("%d lines instead of %d", len(g), len(w))
}
