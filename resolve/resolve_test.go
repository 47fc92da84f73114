package resolve

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"weir/enrich"
	"weir/schema"
)

func addr(t *testing.T, s string) schema.Addr {
	t.Helper()
	a, err := schema.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve runs a name server on loopback until the test ends and returns its address.
func serve(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	udp := &dns.Server{PacketConn: conn, Handler: handler}
	tcp := &dns.Server{Listener: listener, Handler: handler}
	for _, s := range []*dns.Server{udp, tcp} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return conn.LocalAddr().String()
}

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

const reverse = "1.100.51.198.in-addr.arpa."

// zone answers like a small authoritative server.
func zone(t *testing.T) dns.HandlerFunc {
	answers := map[string][]dns.RR{
		reverse: {
			record(t, reverse+" 3600 IN PTR web.example.net."),
			record(t, reverse+" 3600 IN PTR alpha.example.net."),
		},
		"2.100.51.198.in-addr.arpa.": {
			record(t, "2.100.51.198.in-addr.arpa. 60 IN CNAME 2.0-63.100.51.198.in-addr.arpa."),
			record(t, "2.0-63.100.51.198.in-addr.arpa. 600 IN PTR alias.example.net."),
		},
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": {
			record(t, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 600 IN PTR six.example.net."),
		},
	}
	soa := record(t, "100.51.198.in-addr.arpa. 900 IN SOA ns.example.net. root.example.net. 1 2 3 4 1200")
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = answers[q.Question[0].Name]
		if m.Answer == nil {
			m.Rcode = dns.RcodeNameError
			m.Ns = []dns.RR{soa}
		}
		_ = w.WriteMsg(m)
	}
}

func newResolver(t *testing.T, c Config) *Resolver {
	t.Helper()
	if c.PerSecond == 0 {
		c.PerSecond = 100_000
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run starts a resolver until the test ends.
func run(t *testing.T, r *Resolver) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// collect polls until n answers came.
func collect(t *testing.T, r *Resolver, n int) map[schema.Addr]enrich.Answer {
	t.Helper()
	got := map[schema.Addr]enrich.Answer{}
	for range 2000 {
		for _, a := range r.Poll() {
			got[a.Addr] = a
		}
		if len(got) >= n {
			return got
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("only %d of %d answers came", len(got), n)
	return nil
}

func TestResolverAsksAndRemembers(t *testing.T) {
	var asked atomic.Int64
	answer := zone(t)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		answer(w, q)
	})
	r := newResolver(t, Config{Servers: []string{server}})
	run(t, r)
	want := map[schema.Addr]string{
		addr(t, "198.51.100.1"): "alpha.example.net.",
		addr(t, "198.51.100.2"): "alias.example.net.",
		addr(t, "2001:db8::1"):  "six.example.net.",
		addr(t, "198.51.100.9"): "",
	}
	var addrs []schema.Addr
	for a := range want {
		addrs = append(addrs, a, a)
	}
	r.Want(addrs)
	for a, got := range collect(t, r, len(want)) {
		if got.Name != want[a] || got.State != enrich.AnswerFresh {
			t.Errorf("%v: got %+v, want name %q", a, got, want[a])
		}
	}
	r.Want(addrs)
	c := r.Counts()
	if c.Queued != 4 || c.Waiting+c.Known != 12 || c.Named != 3 || c.Nameless != 1 || c.Dropped != 0 || c.Cached != 4 {
		t.Errorf("counts %+v", c)
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("the server was asked %d times, want 4", n)
	}
}

func TestResolverFallsBackToTCPAndNextServer(t *testing.T) {
	refuses := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	})
	answer := zone(t)
	truncates := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			_ = w.WriteMsg(m)
			return
		}
		answer(w, q)
	})
	r := newResolver(t, Config{Servers: []string{refuses, truncates}})
	run(t, r)
	a := addr(t, "198.51.100.1")
	r.Want([]schema.Addr{a})
	if got := collect(t, r, 1)[a]; got.Name != "alpha.example.net." {
		t.Errorf("got %+v", got)
	}
}

func TestResolverCountsFailures(t *testing.T) {
	other := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Question[0].Name = "other.example.net."
		_ = w.WriteMsg(m)
	})
	r := newResolver(t, Config{Servers: []string{other}})
	run(t, r)
	a := addr(t, "198.51.100.1")
	r.Want([]schema.Addr{a})
	if got := collect(t, r, 1)[a]; got.Name != "" {
		t.Errorf("got %+v from a server that answers another question", got)
	}
	if c := r.Counts(); c.Failed != 1 || c.Named != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestWantNeverBlocksAndIsBounded(t *testing.T) {
	r := newResolver(t, Config{Servers: []string{"192.0.2.53"}, Queue: 4, Cache: 6})
	for i := range 10 {
		r.Want([]schema.Addr{schema.Addr4([4]byte{10, 0, 0, byte(i)})})
	}
	if c := r.Counts(); c.Queued != 4 || c.Dropped != 6 || c.Cached != 4 {
		t.Errorf("counts %+v", c)
	}
	off := newResolver(t, Config{})
	off.Want([]schema.Addr{addr(t, "10.0.0.1")})
	if c := off.Counts(); c != (Counts{}) || off.Configured() {
		t.Errorf("without servers: %+v", c)
	}
}

// step plays one question and its answer without the network.
func step(r *Resolver, now time.Time, a schema.Addr, name string, ttl time.Duration, err error) {
	r.Want([]schema.Addr{a})
	<-r.queue
	r.answer(now, a, name, ttl, err)
}

func TestAnswersExpireGoStaleAndAreForgotten(t *testing.T) {
	r := newResolver(t, Config{Servers: []string{"192.0.2.53"}, MinTTL: time.Minute})
	a, now := addr(t, "198.51.100.1"), time.Unix(1000, 0)
	expect := func(want ...enrich.Answer) {
		t.Helper()
		got := r.Poll()
		if len(got) != len(want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %+v, want %+v", got[i], want[i])
			}
		}
	}
	step(r, now, a, "web.example.net.", time.Hour, nil)
	expect(enrich.Answer{Addr: a, Name: "web.example.net."})
	r.sweep(now.Add(59 * time.Minute))
	expect()
	now = now.Add(time.Hour)
	r.sweep(now)
	expect(enrich.Answer{Addr: a, State: enrich.AnswerStale})
	step(r, now, a, "", time.Minute, errors.New("no answer"))
	expect() // a failure leaves the stale name
	r.Want([]schema.Addr{a})
	if c := r.Counts(); c.Known != 1 || c.Failed != 1 {
		t.Errorf("an address that failed is left alone: %+v", c)
	}
	now = now.Add(time.Minute)
	r.sweep(now)
	expect(enrich.Answer{Addr: a, State: enrich.AnswerStale})
	r.sweep(now.Add(time.Minute))
	expect(enrich.Answer{Addr: a, State: enrich.AnswerGone})
	if c := r.Counts(); c.Cached != 0 || c.Expired != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestFullCacheEvictsTheFirstToExpire(t *testing.T) {
	r := newResolver(t, Config{Servers: []string{"192.0.2.53"}, Cache: 2})
	now := time.Unix(1000, 0)
	for i, ttl := range []time.Duration{2 * time.Hour, time.Hour, 3 * time.Hour} {
		step(r, now, schema.Addr4([4]byte{10, 0, 0, byte(i)}), "x.", ttl, nil)
	}
	var gone []schema.Addr
	for _, a := range r.Poll() {
		if a.State == enrich.AnswerGone {
			gone = append(gone, a.Addr)
		}
	}
	if len(gone) != 1 || gone[0] != addr(t, "10.0.0.1") {
		t.Errorf("gone: %v", gone)
	}
	if c := r.Counts(); c.Evicted != 1 || c.Cached != 2 {
		t.Errorf("counts %+v", c)
	}
	for i := range 100 { // nobody polls: the list of answers stays bounded
		a := schema.Addr4([4]byte{10, 0, 1, byte(i)})
		r.Want([]schema.Addr{a})
		select {
		case <-r.queue:
			r.answer(now, a, "y.", time.Hour, nil)
		default:
		}
	}
	if len(r.answers) > 2*2+2 {
		t.Errorf("%d answers wait", len(r.answers))
	}
}

func TestConfigTellsWhatIsWrong(t *testing.T) {
	c := Config{Servers: []string{"192.0.2.53", "2001:db8::53", "192.0.2.53:5353"}}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if c.Servers[0] != "192.0.2.53:53" || c.Servers[1] != "[2001:db8::53]:53" || c.Servers[2] != "192.0.2.53:5353" {
		t.Errorf("servers %q", c.Servers)
	}
	bad := Config{Servers: []string{"dns.example"}, Timeout: time.Hour, Cache: -1, MinTTL: 48 * time.Hour}
	err := bad.Complete()
	for _, word := range []string{"entry 1", "timeout", "cache", "min ttl"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not name %q", err, word)
		}
	}
}

func TestSystemServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("search x\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := SystemServers(path)
	if err != nil || strings.Join(got, " ") != "192.0.2.1:53 [2001:db8::1]:53" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := SystemServers(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a missing file")
	}
}
