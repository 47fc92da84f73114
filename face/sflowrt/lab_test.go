package sflowrt_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/engine"
	"weir/face/sflowrt"
	"weir/schema"
	"weir/wire"
	"weir/wire/sflow"
)

// The stage of the acceptance checks: three switches, one server, and hosts.
const (
	a1, a2, a3, a9 = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"
	h1, h2, victim = "198.51.100.1", "198.51.100.2", "203.0.113.9"
)

// lab is an engine that is fed with datagrams of its own clock, and the face before it.
type lab struct {
	t        *testing.T
	engine   *engine.Engine
	handler  http.Handler
	start    schema.Instant
	now      schema.Instant
	sequence map[string]uint32
	builder  sflow.Builder
	buffer   []byte
}

func newLab(t *testing.T, o sflowrt.Options) *lab {
	t.Helper()
	c := engine.DefaultConfig()
	c.Lanes, c.Replay = 2, true
	e, err := engine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-e.Stopped()
	})
	const start = schema.Instant(1_767_225_600e9)
	l := &lab{t: t, engine: e, handler: sflowrt.New(e, o), start: start, now: start, sequence: map[string]uint32{}}
	l.tick()
	return l
}

func (l *lab) next(agent, what string) uint32 {
	l.sequence[agent+what]++
	return l.sequence[agent+what]
}

// send delivers one datagram of an agent; build puts the samples in.
func (l *lab) send(agent string, build func(b *sflow.Builder)) {
	l.t.Helper()
	l.builder.Start(l.buffer, sflow.Head{
		Agent: addr(l.t, agent), Sequence: l.next(agent, ""), Uptime: 1000 + uint32(l.now.Sub(l.start).Milliseconds()),
	})
	build(&l.builder)
	l.buffer = l.builder.Bytes()
	l.deliver(l.buffer)
}

func (l *lab) deliver(b []byte) {
	l.t.Helper()
	dg := wire.Datagram{At: l.now, From: addr(l.t, "192.0.2.250"), Port: 6343, Data: b}
	p := l.engine.Parcel()
	p.Add(dg)
	if err := l.engine.Put(l.t.Context(), wire.Lane(wire.ExporterOf(&dg), l.engine.Lanes()), p); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) tick() {
	l.t.Helper()
	l.now++
	if err := l.engine.Tick(l.t.Context(), l.now); err != nil {
		l.t.Fatal(err)
	}
}

// pass lets time go by, with ticks of 100 ms, and calls each so many times a second.
func (l *lab) pass(seconds float64, perSecond int, each func()) {
	l.t.Helper()
	const step = 100 * time.Millisecond
	end, sent := l.now.Add(time.Duration(seconds*float64(time.Second))), 0
	from := l.now
	for at := from.Add(step); at <= end; at = at.Add(step) {
		for ; each != nil && float64(sent) < at.Sub(from).Seconds()*float64(perSecond)-1e-9; sent++ {
			l.now = from.Add(time.Duration(float64(sent) / float64(perSecond) * float64(time.Second)))
			each()
		}
		l.now = at
		l.tick()
	}
}

// sample is one flow sample S of the acceptance checks.
type sample struct {
	agent           string
	source, in, out uint32
	rate, length    uint32
	frame           []byte
}

func (l *lab) sample(s sample) {
	l.t.Helper()
	n := l.next(s.agent, "flow"+strconv.Itoa(int(s.source)))
	l.send(s.agent, func(b *sflow.Builder) {
		b.FlowSample(&sflow.Sample{
			Sequence: n, Index: s.source, Rate: s.rate, Pool: n * s.rate, In: schema.Port{Value: s.in},
			Out: schema.Port{Value: s.out},
		}, sflow.Compact)
		b.Header(&sflow.Header{Protocol: 1, Length: s.length, Stripped: 4, Bytes: s.frame})
	})
}

func (l *lab) discard(agent string, in, reason uint32, frame []byte) {
	l.t.Helper()
	n := l.next(agent, "discard")
	l.send(agent, func(b *sflow.Builder) {
		b.DiscardSample(&sflow.Sample{Sequence: n, Index: in, In: schema.Port{Value: in}, Reason: reason})
		b.Header(&sflow.Header{Protocol: 1, Length: uint32(len(frame) + 4), Stripped: 4, Bytes: frame})
	})
}

// counters sends the counters of a port, with its name when it has one.
func (l *lab) counters(agent string, c sflow.IfCounters, name string) {
	l.t.Helper()
	n := l.next(agent, "counter"+strconv.Itoa(int(c.Index)))
	c.Type, c.Direction, c.Status = 6, 1, 3
	l.send(agent, func(b *sflow.Builder) {
		b.CounterSample(&sflow.Sample{Sequence: n, Index: c.Index}, sflow.Compact)
		b.IfCounters(&c)
		if name != "" {
			b.PortName(name)
		}
	})
}

// host sends what a host's agent says of it. Operating system 2 is linux, 3 windows.
func (l *lab) host(agent, name string, system uint32, load float32) {
	l.t.Helper()
	n := l.next(agent, "host")
	l.send(agent, func(b *sflow.Builder) {
		b.CounterSample(&sflow.Sample{Sequence: n, Class: 2, Index: 1}, sflow.Compact)
		b.HostDescr(name, [16]byte{1}, 3, system, "1.0")
		b.HostCPU(&sflow.HostCPU{Load1: load, CPUs: 4, Uptime: 100})
	})
}

// get answers a GET, which must succeed, as decoded JSON.
func (l *lab) get(path string) any {
	l.t.Helper()
	var v any
	body := l.call("GET", path, "", http.StatusOK)
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		l.t.Fatalf("%s: %v in %s", path, err, body)
	}
	return v
}

// put changes something, which must succeed, and lets it take effect.
func (l *lab) put(path, body string) {
	l.t.Helper()
	if got := l.call("PUT", path, body, http.StatusNoContent); got != "" {
		l.t.Errorf("PUT %s answers %s", path, got)
	}
	l.tick()
}

// call makes a request without a content type and returns the body of the answer.
func (l *lab) call(method, path, body string, status int) string {
	l.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if body != "" {
		r = httptest.NewRequest(method, path, strings.NewReader(body))
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r.WithContext(l.t.Context()))
	b, _ := io.ReadAll(w.Result().Body)
	if w.Code != status {
		l.t.Fatalf("%s %s: status %d, want %d: %s", method, path, w.Code, status, b)
	}
	return string(b)
}

// dig follows a path of property names and indexes separated by "/" into decoded JSON; nil when it leads nowhere.
func dig(v any, path string) any {
	for part := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// check compares what a path in decoded JSON leads to.
func (l *lab) check(v any, path string, want any) {
	l.t.Helper()
	got := dig(v, path)
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	if got != want {
		l.t.Errorf("%s is %v, want %v, in %v", path, got, want, v)
	}
}

// about compares a number with a tolerance of parts in a hundred.
func (l *lab) about(v any, path string, want, percent float64) {
	l.t.Helper()
	got, ok := dig(v, path).(float64)
	if !ok || math.Abs(got-want) > math.Abs(want)*percent/100 {
		l.t.Errorf("%s is %v, want about %v, in %v", path, dig(v, path), want, v)
	}
}

// length compares how many elements an array has.
func (l *lab) length(v any, want int) {
	l.t.Helper()
	if list, ok := v.([]any); !ok || len(list) != want {
		l.t.Errorf("%d elements wanted in %v", want, v)
	}
}

// keys returns the property of every element of an array.
func keys(v any, property string) (all []string) {
	list, _ := v.([]any)
	for i := range list {
		s, _ := dig(v, strconv.Itoa(i)+"/"+property).(string)
		all = append(all, s)
	}
	return all
}

func addr(t *testing.T, s string) schema.Addr {
	t.Helper()
	a, err := schema.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func be(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// ether puts an Ethernet header before rest; packets go from 020000000001 to 020000000002.
func ether(kind uint16, rest []byte) []byte {
	return slices.Concat([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, be(kind), rest)
}

func ip4(src, dst string, protocol byte, length uint16, rest []byte) []byte {
	ip := func(s string) []byte {
		a, _ := schema.ParseAddr(s)
		return a[12:]
	}
	return ether(0x0800, slices.Concat([]byte{0x45, 0}, be(length), []byte{0, 1, 0, 0, 64, protocol, 0, 0}, ip(src),
		ip(dst), rest))
}

func ip6(src, dst string, protocol byte, rest []byte) []byte {
	s, _ := schema.ParseAddr(src)
	d, _ := schema.ParseAddr(dst)
	return ether(0x86dd, slices.Concat([]byte{0x60, 0, 0, 0}, be(uint16(len(rest))), []byte{protocol, 64}, s[:], d[:],
		rest))
}

// tcp is a TCP packet in a frame of length bytes, 18 of which are the frame's own.
func tcp(src, dst string, from, to uint16, length uint16) []byte {
	const syn = 2
	return ip4(src, dst, 6, length-18, slices.Concat(be(from), be(to), make([]byte, 8), []byte{0x50, syn},
		make([]byte, 6)))
}

func udp(src, dst string, from, to uint16, length uint16) []byte {
	return ip4(src, dst, 17, length-18, slices.Concat(be(from), be(to), be(length-38), be(0)))
}
