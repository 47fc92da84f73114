package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/capture"
	"weir/schema"
	"weir/wire/netflow"
)

// tape is a capture of telemetry that is being made, in the order of time.
type tape struct {
	t      *testing.T
	buf    bytes.Buffer
	w      *capture.Writer
	agents agents
}

func newTape(t *testing.T) *tape {
	t.Helper()
	p := &tape{t: t, agents: agents{}}
	var err error
	if p.w, err = capture.NewWriter(&p.buf, schema.LinkEthernet); err != nil {
		t.Fatal(err)
	}
	return p
}

// frame writes a frame at seconds after the beginning.
func (p *tape) frame(seconds float64, frame []byte) {
	p.t.Helper()
	if err := p.w.Write(began.Add(after(seconds)), frame, 0); err != nil {
		p.t.Fatal(err)
	}
}

// sample writes an sFlow datagram with a sample.
func (p *tape) sample(seconds float64, agent schema.Addr, s sample) {
	p.frame(seconds, ethernet(agent, ip4(192, 0, 2, 200), 40000, 6343, p.agents.datagram(agent, s)))
}

// play serves the tape with a configuration until it is over.
func (p *tape) play(config string) *served {
	p.t.Helper()
	dir := p.t.TempDir()
	pcap, yaml := filepath.Join(dir, "tape.pcap"), filepath.Join(dir, "weir.yaml")
	for path, b := range map[string][]byte{pcap: p.buf.Bytes(), yaml: []byte(config)} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	s := serve(p.t, "serve", "--config", yaml, "--replay", pcap, "--speed", "max")
	until(p.t, "the replay is over", func() bool { return strings.Contains(s.log.String(), "replay is over") })
	return s
}

func (s *served) flows(path string) (list []active) {
	s.t.Helper()
	s.ask("/activeflows/"+path, &list)
	return list
}

func about(got, want float64) bool { return math.Abs(got-want) <= 0.15*math.Abs(want) }

// steady is a sample of a frame from hostA to hostB, 1000 bytes long, 1 in 1000.
func steady(index, in, out uint32) sample {
	return sample{index: index, rate: 1000, length: 1000, in: port(in), out: port(out),
		frame: etherFrame(0x0800, ipPacket(6, hostA, hostB, tcpHeader(1, 2, 0x10)))}
}

// TestSpecValues are the checks 21 to 23, 34, 39, 47 to 49, 51 and 58.
func TestSpecValues(t *testing.T) {
	p := newTape(t)
	a1, a2, a3 := ip4(192, 0, 2, 1), ip4(192, 0, 2, 2), ip4(192, 0, 2, 3)
	drop := sample{index: 3, in: port(3), out: port(0), reason: 257, frame: etherFrame(0x0800, ipPacket(17,
		hostA, hostB, udpHeader(1, 2, nil)))}
	for i := range 200 {
		at := float64(i) / 10
		p.sample(at, a1, steady(3, 3, 1))       // enters the fabric
		p.sample(at+0.001, a2, steady(1, 1, 2)) // spine, ingress
		p.sample(at+0.002, a2, steady(2, 1, 2)) // spine, egress
		p.sample(at+0.003, a3, steady(3, 1, 3)) // leaves
		src := fmt.Sprintf("10.1.%d.%d", i/100, i%100)
		p.sample(at+0.004, a1, sample{index: 7, rate: 100, length: 518, in: port(7), out: port(1),
			frame: etherFrame(0x0800, ipPacket(17, src, victim, udpHeader(1, 2, make([]byte, 472))))})
		if i%40 == 0 {
			p.sample(at+0.005, a1, drop)
		}
	}
	s := p.play(`
topology:
  nodes:
    leaf1: {agent: 192.0.2.1, ports: {e1: {ifindex: 1}, e3: {ifindex: 3}}}
    spine1: {agent: 192.0.2.2, ports: {e1: {ifindex: 1}, e2: {ifindex: 2}}}
    leaf2: {agent: 192.0.2.3, ports: {e1: {ifindex: 1}, e3: {ifindex: 3}}}
  links:
    L1: {node1: leaf1, port1: e1, node2: spine1, port2: e1}
    L2: {node1: leaf2, port1: e1, node2: spine1, port2: e2}
flows:
  pair: {keys: "ipsource,ipdestination", value: bytes, filter: "ipprotocol=6"}
  frames: {keys: "ipdestination,ipsource", value: frames, fs: _SEP_, filter: "ipprotocol=6"}
  total: {value: frames}
  agent: {keys: ipsource, value: frames, aggMode: agent, filter: "ipprotocol=6"}
  sum: {keys: ipsource, value: frames, aggMode: sum, filter: "ipprotocol=6"}
  edge: {keys: ipsource, value: frames, aggMode: EDGE, filter: "ipprotocol=6"}
  core: {keys: ipsource, value: frames, aggMode: core, filter: "ipprotocol=6"}
  victim: {keys: ipdestination, value: frames, values: ["count:ipsource", "avg:ipbytes", "max:ipttl", "min:ipttl"], t: 20,
    filter: ipprotocol=17}
  dropped: {keys: reason, value: frames, dropped: true, t: 20}
  undropped: {keys: reason, value: frames, t: 20}
  places: {keys: "link:inputifindex,node:inputifindex", value: frames, filter: ipprotocol=6}
  entering: {keys: "node:inputifindex", value: frames,
    filter: "link:inputifindex=null&ipprotocol=6&direction=ingress"}
`)
	check := func(path string, keys string, values ...float64) []active {
		t.Helper()
		list := s.flows(path)
		var got []string
		ok := len(list) == len(values)
		for i := range list {
			got = append(got, list[i].Key)
			ok = ok && about(list[i].Value, values[i])
		}
		if !ok || strings.Join(got, " ") != keys {
			t.Errorf("%s: %+v, want %s %v", path, list, keys, values)
		}
		return list
	}
	l := check("192.0.2.1/pair/json", "198.51.100.1,198.51.100.2", 1e7)
	if len(l) == 1 && (l[0].DataSource != "3" || l[0].FlowN != 1 || l[0].Exact || !about(l[0].Error,
		l[0].Value/math.Sqrt(40))) {
		t.Errorf("%+v", l)
	}
	check("192.0.2.1/frames/json", "198.51.100.2_SEP_198.51.100.1", 1e4)
	check("192.0.2.1/total/json", "", 1e4)
	check("ALL/total/json?aggMode=sum", "", 4.1e4)
	check("192.0.2.2/agent/json", hostA, 1e4)
	l = check("ALL/agent/json", hostA, 1e4)
	if len(l) == 1 && (l[0].DataSource != "0" || l[0].FlowN != 3) {
		t.Errorf("%+v", l)
	}
	check("ALL/agent/json?aggMode=sum", hostA, 3e4)
	check("ALL/sum/json", hostA, 4e4)
	check("ALL/sum/json?aggMode=max", hostA, 1e4)
	check("TOPOLOGY/pair/json?aggMode=edge&maxFlows=5", hostA+","+hostB, 1e7)
	check("TOPOLOGY/pair/json?aggMode=core", hostA+","+hostB, 1e7)
	check("EDGE/pair/json?aggMode=sum", hostA+","+hostB, 2e7)
	check("CORE/pair/json?aggMode=sum", hostA+","+hostB, 2e7)
	check("ALL/edge/json", hostA, 1e4)
	check("ALL/core/json", hostA, 1e4)
	check("ALL/edge/json?aggMode=sum", hostA, 4e4)
	check("192.0.2.1/victim/json", victim, 1e3*(1-math.Exp(-1)))
	if l := s.flows("192.0.2.1/victim/json"); len(l) == 1 {
		if v := l[0].Values; !(v[0] > 180 && v[0] < 220) || !about(v[1], 500) || v[2] != 64 || v[3] != 64 {
			t.Errorf("values %v", v)
		}
	}
	check("ALL/dropped/json", "ttl_exceeded", 5./20*0.64)
	check("ALL/undropped/json", "")
	check("ALL/places/json?aggMode=sum&filter=L1,", "L1,spine1", 2e4)
	check("ALL/entering/json", "leaf1", 1e4)
	check("ALL/pair/json?filter=,198.51.100.2", hostA+","+hostB, 1e7)
	check("ALL/pair/json?filter=,198.51.100.3", "")
	check("ALL/pair/json?filter=198.51.100.1,", hostA+","+hostB, 1e7)
	check("ALL/pair/json?filter=198.51.*,*", hostA+","+hostB, 1e7)
	check("ALL/pair/json?minValue=100000000", "")
	check("192.0.2.1;192.0.2.3/pair/json?aggMode=sum", hostA+","+hostB, 2e7)
	check("192.0.2.1,192.0.2.3/pair/json?aggMode=sum", hostA+","+hostB, 2e7)
	var at []active
	s.ask("/flowlocations/ALL/pair/json?key="+hostA+","+hostB, &at)
	if len(at) != 4 {
		t.Errorf("locations %+v", at)
	}
	for path, want := range map[string]float64{
		"192.0.2.1/3.pair/json?key=198.51.100.1,198.51.100.2": 1e7, "192.0.2.1/0.agent/json?key=198.51.100.1": 1e4,
		"192.0.2.1/3.total/json": 1e4, "ALL/0.edge/json?key=198.51.100.1": 1e4,
	} {
		var got float64
		if s.ask("/flowvalue/"+path, &got); !about(got, want) {
			t.Errorf("%s = %g, want %g", path, got, want)
		}
	}
}

// after returns s seconds.
func after(s float64) time.Duration { return time.Duration(s * 1e9) }

// finished is what is asked of an element of /flows/json.
type finished struct {
	FlowID                            uint64
	Name, Agent, DataSource, FlowKeys string
	Value, Error                      float64
	Exact                             bool
	Values                            []float64
	Start, End                        int64
}

// TestSpecFlowLog are the checks 59 to 61: what is logged, when, and how much of it.
func TestSpecFlowLog(t *testing.T) {
	p := newTape(t)
	agent, end := ip4(192, 0, 2, 1), ip4(192, 0, 2, 2)
	for i := range 20 { // a short flow of 2 s
		p.sample(float64(i)/10, agent, steady(3, 3, 1))
	}
	for i := range 100 { // a long one of 10 s, elsewhere
		p.sample(20+float64(i)/10, agent, steady(4, 4, 1))
	}
	p.sample(60, end, sample{index: 9, rate: 1, in: port(9), frame: etherFrame(0x0800, ipPacket(1, hostB, hostB,
		make([]byte, 8)))})
	s := p.play(`
flows:
  whole: {keys: "ipsource,ipdestination", value: frames, values: [bytes, "avg:ipbytes"], log: true,
    filter: ipprotocol=6}
  start: {keys: "ipsource,ipdestination", value: frames, log: true, flowStart: true, filter: ipprotocol=6}
  again: {keys: ipsource, value: frames, log: true, flowStart: true, activeTimeout: 3, filter: ipprotocol=6, fs: _}
  parts: {keys: "ipsource,ipdestination", value: frames, log: true, activeTimeout: 3, filter: ipprotocol=6, fs: _SEP_}
  unlogged: {keys: ipsource, value: frames}
`)
	want := map[string]string{ // datasource, value, ms from start to end; newest first
		"whole": "4 100000 9900, 3 20000 1900", "start": "4 1000 0, 3 1000 0",
		"again":    "4 30000 2900, 4 30000 2900, 4 30000 2900, 4 1000 0, 3 1000 0",
		"parts":    "4 10000 900, 4 30000 2900, 4 30000 2900, 4 30000 2900, 3 20000 1900",
		"unlogged": "",
	}
	ids := map[uint64]bool{}
	for name, want := range want {
		var list []finished
		s.ask("/flows/json?name="+name, &list)
		var got []string
		for i, l := range list {
			got = append(got, fmt.Sprint(l.DataSource, " ", l.Value, " ", l.End-l.Start))
			if ids[l.FlowID] || i > 0 && l.FlowID >= list[i-1].FlowID {
				t.Errorf("%s: numbers are not newest first: %+v", name, list)
			}
			ids[l.FlowID] = true
			if n := l.Value / 1000; l.Name != name || l.Agent != agent.String() || l.Exact || !about(l.Error,
				1000*math.Sqrt(n)) {
				t.Errorf("%+v", l)
			}
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	var list []finished
	if s.ask("/flows/json?maxFlows=3",
		&list); len(list) != 3 || list[0].FlowID != uint64(len(ids)) || list[0].Name != "whole" ||
		list[0].FlowKeys != hostA+","+hostB || list[0].Values[0] != 1e8 || !about(list[0].Values[1], 40) {
		t.Errorf("%+v", list)
	}
	if s.ask("/flows/json?name=whole&name=parts&flowID=2", &list); len(list) != 7 {
		t.Errorf("%+v", list)
	}
}

// field of a template and the value of a record.
type told struct {
	element, length uint16
	enterprise      uint32
	value           any // uint64, []byte of an address or MAC, or text
}

// flowExport returns datagrams with a template of its own and n records of the same values.
func flowExport(t *testing.T, version uint16, seconds float64, n int, fields ...told) []byte {
	t.Helper()
	b, err := netflow.NewBuilder(version, 7)
	if err != nil {
		t.Fatal(err)
	}
	list, values := make([]netflow.Field, len(fields)), make([]schema.Value, len(fields))
	for i, f := range fields {
		list[i] = netflow.Field{Element: f.element, Length: f.length, Enterprise: f.enterprise}
		switch v := f.value.(type) {
		case int:
			values[i].SetUint(uint64(v))
		case string:
			values[i].SetText([]byte(v))
		case []byte:
			values[i].SetText(v)
		case schema.Addr:
			if v.Is4() {
				values[i].SetIP(v[12:])
			} else {
				values[i].SetIP(v[:])
			}
		}
	}
	template := netflow.V5Template()
	b.Begin(netflow.Header{Export: began.Add(after(seconds)), Uptime: uint32(100_000 + seconds*1000)})
	if version != netflow.V5 {
		if template, err = netflow.NewTemplate(300, false, 0, list...); err != nil {
			t.Fatal(err)
		}
		if err := b.Template(template); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		b.Record(template, values...)
	}
	d, err := b.Datagram()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(d)
}

// TestSpecFlowsOfRecords feeds definitions from flow records of NetFlow and IPFIX and from frames.
func TestSpecFlowsOfRecords(t *testing.T) {
	p := newTape(t)
	collector, x, y := ip4(192, 0, 2, 200), ip4(192, 0, 2, 9), ip4(192, 0, 2, 10)
	src, dst := ip4(198, 51, 100, 1), ip4(198, 51, 100, 2)
	p.frame(0, ethernet(x, collector, 1, 2055, flowExport(t, netflow.V9, 0, 2, told{element: 8, length: 4,
		value: src},
		told{element: 12, length: 4, value: dst}, told{element: 7, length: 2, value: 40000}, told{element: 11,
			length: 2, value: 443},
		told{element: 4, length: 1, value: 6}, told{element: 6, length: 1, value: 0x12}, told{element: 10,
			length: 2, value: 5},
		told{element: 14, length: 2, value: 6}, told{element: 61, length: 1, value: 1}, told{element: 1,
			length: 4, value: 3000},
		told{element: 2, length: 4, value: 3}, told{element: 34, length: 4, value: 100}, told{element: 5,
			length: 1, value: 0xb8},
		told{element: 58, length: 2, value: 12}, told{element: 56, length: 6, value: []byte{2, 0, 0, 0, 0, 1}},
		told{element: 16, length: 4, value: 65001},
		told{element: 17, length: 4, value: 65002}, told{element: 9, length: 1, value: 24}, told{element: 13,
			length: 1, value: 16},
		told{element: 15, length: 4, value: ip4(10, 0, 0, 254)}, told{element: 18, length: 4, value: ip4(10, 0,
			0, 253)})))
	six := schema.AddrFrom([]byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	p.frame(0.001, ethernet(y, collector, 1, 4739, flowExport(t, netflow.IPFIX, 0, 1, told{element: 27,
		length: 16, value: six},
		told{element: 28, length: 16, value: six}, told{element: 4, length: 1, value: 58}, told{element: 139,
			length: 2, value: 128 << 8},
		told{element: 10, length: 4, value: 5}, told{element: 14, length: 4, value: 6}, told{element: 1,
			length: 8, value: 1000}, told{element: 2, length: 8, value: 10},
		told{element: 1, length: 8, enterprise: 29305, value: 2000}, told{element: 2, length: 8,
			enterprise: 29305, value: 20},
		told{element: 460, length: 65535, value: "example.org"})))
	p.frame(0.002, etherFrame(0x0800, ipPacket(17, hostA, victim, udpHeader(9, 53, dnsQuery("x.example.", 1)))))
	s := p.play(`
flows:
  keys: {keys: "agent,ipsource,ipdestination,ipprotocol,tcpsourceport,tcpdestinationport,tcpflags,
    inputifindex,outputifindex,direction,stack", value: bytes, t: 10}
  more: {keys: "iptos,ipdscp,ipdscpname,vlan,macsource,bgpsourceas,bgpdestinationas,
    ipsourcemaskbits,ipdestinationmaskbits,ipnexthoprouter,bgpnexthop,samplingrate", value: frames, t: 10}
  six: {keys: "agent,ip6source,ip6nexthdr,icmp6type,icmp6code,stack,direction,datasource,ie460",
    value: frames, values: [bytes], t: 10}
  frame: {keys: "datasource,inputifindex,dnsqname,stack,bytes", value: requests, t: 10}
  strict: {keys: agent, value: frames, t: 10, filter: "vlan!=7"}
engine: {null_fails_unequal: true}
`)
	for name, want := range map[string]string{
		"keys": "192.0.2.9,198.51.100.1,198.51.100.2,6,40000,443,000010010,5,6,egress,ip.tcp 600000",
		"more": "10111000,46,ef(46),12,020000000001,65001,65002,24,16,10.0.0.254,10.0.0.253,100 600",
		"six": "192.0.2.10,2001:DB8::1,58,128,0,ip6.icmp6,ingress,6,example.org 20; " +
			"192.0.2.10,2001:DB8::1,58,128,0,ip6.icmp6,ingress,5,example.org 10",
		"frame":  "1,1,x.example.,eth.ip.udp.dns,69 1",
		"strict": "192.0.2.9 600",
	} {
		var got []string
		for _, l := range s.flows("ALL/" + name + "/json") {
			got = append(got, fmt.Sprintf("%s %.0f", l.Key, l.Value*10/math.Exp(-0.01)))
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
