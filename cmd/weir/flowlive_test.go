package main

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"weir/schema"
	"weir/wire/sflow"
)

// nameServer answers reverse questions: 198.51.100.1 has a name, 198.51.100.2 has none, others are refused.
func nameServer(t *testing.T) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg)
			m.SetReply(q)
			switch q.Question[0].Name {
			case "1.100.51.198.in-addr.arpa.":
				rr, _ := dns.NewRR(q.Question[0].Name + " 3600 IN PTR xenvm11.sf.example.org.")
				m.Answer = append(m.Answer, rr)
			case "2.100.51.198.in-addr.arpa.":
				m.Rcode = dns.RcodeNameError
			default:
				m.Rcode = dns.RcodeRefused
			}
			_ = w.WriteMsg(m)
		})}
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return conn.LocalAddr().String()
}

// TestSpecNames looks at the key functions dns and suffix with a name server.
func TestSpecNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.yaml")
	config := fmt.Sprintf("dns: {servers: [%q]}\n", nameServer(t))
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "serve", "--config", path, "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off")
	s.put("/flow/names/json", `{keys:'dns:ipsource,dns:ipdestination',value:'frames',t:1}`)
	s.put("/flow/domains/json", `{keys:'suffix:[dns:ipsource]:.:3',value:'frames',t:1}`)
	s.put("/flow/named/json", `{keys:'ipsource',value:'frames',t:1,filter:'dns:ipsource~.*\\.example\\.org\\.'}`)
	s.put("/flow/own/json", `{keys:'null:[dns:ipsource]:,prefix:[dns:ipsource]:.:1',value:'frames',t:1}`)
	s.settle()
	a := agents{}
	seen := map[string]bool{}
	keys := func(name string) {
		for _, l := range s.flows("ALL/" + name + "/json") {
			seen[name+" "+l.Key] = true
		}
	}
	until(t, "names are known", func() bool {
		s.send("sflow", a.datagram(ip4(192, 0, 2, 1), steady(3, 3, 1)))
		for _, name := range []string{"names", "domains", "named", "own"} {
			keys(name)
		}
		for _, want := range []string{"names xenvm11.sf.example.org.," + hostB, "domains example.org.", "named " + hostA,
			"own xenvm11.sf.example.org.,xenvm11"} {
			if !seen[want] {
				return false
			}
		}
		return true
	})
	if !seen["names "+hostA+","+hostB] {
		t.Errorf("the address itself was never shown: %v", seen)
	}
}

// TestSpecLongPolls are the checks 60 and 62, with flows that are logged at their start and at their end.
func TestSpecLongPolls(t *testing.T) {
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off")
	s.put("/flow/x/json", `{keys:'ipsource',value:'frames',log:true,flowStart:true}`)
	s.put("/flow/y/json", `{keys:'ipsource',value:'frames',log:true,activeTimeout:1}`)
	s.settle()
	began := time.Now()
	if status, answer := s.request(http.MethodGet, "/flows/json?name=x&flowID=-1&maxFlows=10&timeout=1",
		""); status != 200 ||
		strings.TrimSpace(answer) != "[]" || time.Since(began) < time.Second {
		t.Errorf("%d %s after %v", status, answer, time.Since(began))
	}
	type answer struct{ list []finished }
	poll := func(name string, id int64) chan answer {
		c := make(chan answer, 1)
		go func() {
			var a answer
			s.ask(fmt.Sprintf("/flows/json?name=%s&flowID=%d&maxFlows=10&timeout=20", name, id), &a.list)
			c <- a
		}()
		return c
	}
	x, y := poll("x", -1), poll("y", -1)
	time.Sleep(300 * time.Millisecond)
	a := agents{}
	s.send("sflow", a.datagram(ip4(192, 0, 2, 1), steady(3, 3, 1)))
	first := <-x
	if len(first.list) != 1 || first.list[0].Name != "x" || first.list[0].FlowKeys != hostA {
		t.Fatalf("%+v", first)
	}
	if last := <-y; len(last.list) != 1 || last.list[0].Name != "y" || last.list[0].FlowID <= first.list[0].FlowID {
		t.Errorf("%+v", last)
	}
	x = poll("x", int64(first.list[0].FlowID))
	s.send("sflow", a.datagram(ip4(192, 0, 2, 1), steady(4, 4, 1)))
	if next := <-x; len(next.list) != 1 || next.list[0].DataSource != "4" {
		t.Errorf("%+v", next)
	}
	// A number from before a restart, and -1 when there are records: what there is, at once, newest first.
	for _, id := range []int64{-1, 1e6} {
		if all := <-poll("x", id); len(all.list) != 2 || all.list[0].DataSource != "4" {
			t.Errorf("%+v", all)
		}
	}
}

// counters makes a datagram with one counter sample.
func (a agents) counters(agent schema.Addr, class uint8, index uint32, write func(b *sflow.Builder)) []byte {
	a[agent]++
	n := a[agent]
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: agent, Sequence: n, Uptime: n * 100})
	b.CounterSample(&sflow.Sample{Sequence: n, Class: class, Index: index}, sflow.Expanded)
	write(&b)
	return b.Bytes()
}

// TestSpecLearned looks at what key functions know from telemetry, at agents with IPv6 addresses, at repeated,
// unknown and broken input (checks 91, 92 and 95), and at what a definition keeps when it is put again.
func TestSpecLearned(t *testing.T) {
	s := serve(t, "serve", "--sflow", "127.0.0.1:0", "--netflow", "off", "--ipfix", "off")
	const unchanged = `{keys:'ipsource',value:'frames',t:600}`
	for name, body := range map[string]string{"keep": unchanged, "drop": unchanged,
		"host": `{keys:['host:macsource:host_name','host:macsource:os_name','node:inputifindex','ifname:inputifindex'],
			value:'frames',t:600}`,
		"ip":   `{keys:'agent,ipsource',value:'frames',t:600}`,
		"edge": `{keys:'ipsource',value:'frames',t:600,aggMode:'edge'}`,
		"told": `{keys:'macsource,ipsource,tcpdestinationport,tcpflags,bytes,stack',value:'bytes',t:600}`,
	} {
		s.put("/flow/"+name+"/json", body)
	}
	s.settle()
	a, x, six := agents{}, ip4(192, 0, 2, 1), schema.AddrFrom(netip.MustParseAddr("2001:db8::1").AsSlice())
	s.send("sflow", a.counters(x, 2, 1, func(b *sflow.Builder) {
		b.HostDescr("web1", [16]byte{1}, 3, 2, "6.1")
		b.Words(0, 2001, 1, 2, 1, 0x02000000, 0x00010000)
	}), a.counters(x, 0, 3, func(b *sflow.Builder) { b.PortName("swp3") }))
	s.received(2)
	s.settle()
	s.settle() // what was learned rides on the tick after the one that learned it
	twice, unknown := a.datagram(x, steady(3, 3, 1)), steady(3, 3, 1)
	unknown.more = func(b *sflow.Builder) {
		b.Words(9999, 7, 1, 2, 3)
		b.RawSample(4242, 17, make([]byte, 12))
	}
	s.send("sflow", twice, twice, a.datagram(six, steady(3, 3, 1)), a.datagram(ip4(192, 0, 2, 3), unknown),
		[]byte{0, 0, 0, 5, 0, 0}, twice[:40])
	s.send("sflow", a.datagram(ip4(192, 0, 2, 100), sample{index: 3, rate: 10, in: port(3),
		more: func(b *sflow.Builder) {
			b.Ethernet(2, &sflow.Ethernet{Length: 1000, Src: []byte{2, 0, 0, 0, 0, 9}, Dst: []byte{2, 0, 0, 0, 0,
				8}, Type: 0x800})
			b.IP(3, &sflow.IP{Length: 980, Protocol: 6, Src: []byte{10, 0, 0, 1}, Dst: []byte{10, 0, 0, 2}, SrcPort: 1,
				DstPort: 80, TCPFlags: 0x18})
		}}))
	s.received(2 + 6 + 1)
	s.settle()
	s.put("/flow/keep/json", `{'keys':['ipsource'],value:"frames",t:"600"}`)
	s.put("/flow/drop/json", `{'keys':['ipsource'],value:"bytes",t:"600"}`)
	s.settle()
	for path, want := range map[string]string{
		"192.0.2.1/host": "web1,linux,web1,swp3 1000", "192.0.2.3/host": "web1,linux,192.0.2.3,3 1000",
		"2001:db8::1/ip": "2001:DB8::1,198.51.100.1 1000", "2001:DB8:0::1/ip": "2001:DB8::1,198.51.100.1 1000",
		"web1/ip": "192.0.2.1,198.51.100.1 1000", "ALL/edge": "", "192.0.2.1/keep": hostA + " 1000", "ALL/drop": "",
		"192.0.2.100/told": "020000000009,10.0.0.1,80,000011000,1000,eth.ip.tcp 10000",
	} {
		got := ""
		for _, l := range s.flows(path + "/json") {
			got += fmt.Sprintf("%s %.0f", l.Key, math.Round(l.Value*6)*100) // some of it has faded
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	var status struct {
		Books struct{ Difference, Malformed, Refused, Records int }
	}
	if s.ask("/api/v1/status", &status); status.Books.Malformed != 2 || status.Books.Refused != 1 ||
		status.Books.Records != 4 || status.Books.Difference != 0 {
		t.Errorf("%+v", status)
	}
}
