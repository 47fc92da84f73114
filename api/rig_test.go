package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/vitals"
	"weir/wire"
	"weir/wire/sflow"
)

const second = schema.Instant(time.Second)

// began is when the data of tests begins: an arbitrary moment on a whole second.
const began = 1_767_225_600 * second

// standing are the definitions that the console counts on.
func standing() (cs []engine.Command) {
	for _, d := range []flow.Definition{
		{Name: "console_sources", Keys: "or:ipsource:ip6source", Value: "bytes", N: 20},
		{Name: "console_destinations", Keys: "or:ipdestination:ip6destination", Value: "bytes", N: 20},
		{Name: "console_pairs", Keys: "or:ipsource:ip6source,or:ipdestination:ip6destination", Value: "bytes", N: 20},
		{Name: "console_ports", Keys: "ipprotocol,or:tcpdestinationport:udpdestinationport", Value: "bytes", N: 20},
		{Name: "console_total", Value: "bytes"},
		{Name: "console_packets", Value: "frames"},
	} {
		cs = append(cs, engine.DefineFlow{Definition: d})
	}
	return cs
}

// rig is a server before an engine in replay mode, with a hand on its clock.
type rig struct {
	*Server
	t       testing.TB
	engine  *engine.Engine
	handler http.Handler
	now     schema.Instant
	seq     uint32
	builder sflow.Builder
}

func newRig(t testing.TB, c Config, o Options) *rig {
	t.Helper()
	return newRigOf(t, runEngine(t), c, o)
}

func newRigOf(t testing.TB, e *engine.Engine, c Config, o Options) *rig {
	t.Helper()
	c.Debug = true
	o.Replay = true
	s, err := New(c, e, vitals.New(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.caster.gap = 0
	r := &rig{Server: s, t: t, engine: e, handler: s.Handler(), now: began}
	if err := e.Do(standing()...); err != nil {
		t.Fatal(err)
	}
	s.Mark(OriginDefault, "console_total", "console_packets")
	r.tick(0)
	return r
}

// runEngine runs an engine; before is called when it does not run yet.
func runEngine(t testing.TB, before ...func(*engine.Engine)) *engine.Engine {
	t.Helper()
	ec := engine.DefaultConfig()
	ec.Lanes, ec.Replay = 2, true
	e, err := engine.New(ec)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range before {
		f(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return e
}

// tick lets time pass and closes the past.
func (r *rig) tick(d time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(d)
	if err := r.engine.Tick(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// frame returns an Ethernet frame with a UDP datagram from 10.0.0.from to 10.0.1.to, port 53.
func frame(from, to byte) []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 1, to, 2, 0, 0, 0, 0, from, 8, 0})
	copy(f[14:], []byte{0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 1, to})
	binary.BigEndian.PutUint16(f[34:], 40000)
	binary.BigEndian.PutUint16(f[36:], 53)
	binary.BigEndian.PutUint16(f[38:], 26)
	return f
}

var switch1 = schema.Addr4([4]byte{192, 0, 2, 1})

// send delivers an sFlow datagram of switch1 with n samples, one in rate, of frames of length bytes, and a counter
// sample.
func (r *rig) send(n int, rate, length uint32, from, to byte) {
	r.t.Helper()
	b := &r.builder
	r.seq++
	b.Start(nil, sflow.Head{Agent: switch1, Sequence: r.seq, Uptime: uint32((r.now - began + second).Millis())})
	for range n {
		b.FlowSample(&sflow.Sample{Sequence: r.seq, Index: 3, Rate: rate, In: schema.Port{Value: 3}}, sflow.Compact)
		b.Header(&sflow.Header{Protocol: 1, Length: length, Bytes: frame(from, to)})
	}
	b.CounterSample(&sflow.Sample{Sequence: r.seq, Index: 3}, sflow.Compact)
	b.IfCounters(&sflow.IfCounters{Index: 3, Speed: 1_000_000_000, In: sflow.IfDirection{Octets: uint64(r.seq) * 1000}})
	r.deliver(b.Bytes())
}

func (r *rig) deliver(datagram []byte) {
	r.t.Helper()
	d := wire.Datagram{At: r.now, From: switch1, Port: 40000, Data: datagram}
	p := r.engine.Parcel()
	p.Add(d)
	if err := r.engine.Put(context.Background(), wire.Lane(wire.ExporterOf(&d), r.engine.Lanes()), p); err != nil {
		r.t.Fatal(err)
	}
}

// ask sends a request to the handler.
func (r *rig) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	return ask(r.handler, method, target, body, headers...)
}

func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, "http://127.0.0.1:8008"+target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// must sends a request that has to succeed, and reads its answer into to unless that is nil.
func (r *rig) must(to any, method, target, body string) {
	r.t.Helper()
	w := r.ask(method, target, body)
	if w.Code/100 != 2 {
		r.t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if to == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		r.t.Fatalf("%s %s: %v in %s", method, target, err, w.Body)
	}
}

// refused sends a request that has to fail, checks the shape of the answer, and returns it.
func (r *rig) refused(status int, method, target, body string, headers ...string) failure {
	r.t.Helper()
	w := r.ask(method, target, body, headers...)
	var f failure
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil || w.Code != status || f.Message == "" {
		r.t.Errorf("%s %s: %d %s, want %d and an error (%v)", method, target, w.Code, w.Body, status, err)
	}
	return f
}

// message is one server-sent event.
type message struct {
	id, event, data string
}

// messages reads a stream until it ends and hands its events on.
func messages(body io.Reader, to chan<- message) {
	defer close(to)
	text := make([]byte, 0, 4096)
	part := make([]byte, 4096)
	for {
		n, err := body.Read(part)
		text = append(text, part[:n]...)
		for {
			one, rest, found := bytes.Cut(text, []byte("\n\n"))
			if !found {
				break
			}
			text = bytes.Clone(rest)
			var m message
			for line := range strings.SplitSeq(string(one), "\n") {
				name, value, _ := strings.Cut(line, ": ")
				switch name {
				case "id":
					m.id = value
				case "event":
					m.event = value
				case "data":
					m.data = value
				}
			}
			if m.event != "" {
				to <- m
			}
		}
		if err != nil {
			return
		}
	}
}
