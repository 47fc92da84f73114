package wire

import (
	"encoding/binary"
	"testing"
	"time"

	"weir/schema"
	"weir/wire/sflow"
)

// strangers decodes a datagram of each agent and sub-agent, with samples of so many datasources.
func strangers(d *Decoder, at schema.Instant, agents, subAgents, sources int) {
	for a := range agents {
		for s := range subAgents {
			var b sflow.Builder
			head := sflow.Head{Sequence: uint32(at.Sub(testNoon).Seconds()) + 1, Uptime: 1000, SubAgent: uint32(s)}
			head.Agent = schema.Addr4([4]byte{10, 0, byte(a >> 8), byte(a)})
			b.Start(nil, head)
			for i := range sources {
				b.FlowSample(&sflow.Sample{Sequence: 1, Index: uint32(i + 1), Rate: 10}, true)
				b.Header(&sflow.Header{Protocol: 1, Length: 1000, Bytes: tcpFrame()})
			}
			dg := Datagram{At: at, From: testHost1, Data: b.Bytes()}
			d.Decode(&dg, func(*schema.Record) {}, func(*schema.Reading) {})
		}
	}
}

// TestAllDatasourcesAreBounded lets each agent have few datasources and sub-agents, but makes up many agents.
func TestAllDatasourcesAreBounded(t *testing.T) {
	d := NewDecoder(Config{Exporters: 50, AllDatasources: 100, SubAgents: 30})
	strangers(d, testNoon, 60, 3, 5)
	b, sources, subAgents := d.Books(), 0, 0
	for _, x := range d.Exporters() {
		sources, subAgents = sources+len(x.Datasources), subAgents+x.Domains
	}
	if b.Difference() != 0 || sources != 100 || subAgents != 50+30 {
		t.Errorf("off by %d, %d datasources, %d sub-agents", b.Difference(), sources, subAgents)
	}
	if b.Refused[RefusedExporters] != 30 || b.Unfollowed[UnfollowedSubAgents] != 50*2-30 ||
		b.Unfollowed[UnfollowedDatasources] == 0 || b.PacketSamples != 50*3*5 {
		t.Errorf("%+v", b)
	}
}

// TestSilentExportersGiveWay fills the cap with agents that were heard once, and with senders of flow records.
func TestSilentExportersGiveWay(t *testing.T) {
	d := NewDecoder(Config{Exporters: 20, AllDatasources: 40})
	strangers(d, testNoon, 20, 1, 2)
	v5 := make([]byte, 24+48)
	binary.BigEndian.PutUint16(v5, 5)
	binary.BigEndian.PutUint16(v5[2:], 1)
	send := func(at schema.Instant, host byte) {
		dg := Datagram{At: at, From: schema.Addr4([4]byte{10, 1, 0, host}), Data: v5}
		d.Decode(&dg, func(*schema.Record) {}, func(*schema.Reading) {})
	}
	for host := range byte(20) {
		send(testNoon, host)
	}
	late := testNoon.Add(time.Minute)
	strangers(d, late, 21, 1, 2)
	send(late, 20)
	if b := d.Books(); b.Refused[RefusedExporters] != 2 || b.Evicted != 0 {
		t.Errorf("after a minute: %+v", b)
	}
	// The agents were heard a minute after the senders: only a sender has been silent for long enough.
	late = testNoon.Add(10*time.Minute + time.Second)
	strangers(d, late, 21, 1, 2)
	send(late, 20)
	if b := d.Books(); b.Refused[RefusedExporters] != 3 || b.Evicted != 1 {
		t.Errorf("only senders are silent: %+v", b)
	}
	late = late.Add(time.Hour)
	dg := Datagram{At: late, From: testHost2, Data: sflowDatagram(1, 1, packetSample)}
	d.Decode(&dg, func(*schema.Record) {}, func(*schema.Reading) {})
	b, sources := d.Books(), 0
	for _, x := range d.Exporters() {
		sources += len(x.Datasources)
	}
	if b.Evicted != 2 || b.Difference() != 0 || sources != 39 {
		t.Errorf("all are silent: %d datasources, %+v", sources, b)
	}
}

// TestCustomNamesAreForgotten fills the names of custom metrics and lets time pass.
func TestCustomNamesAreForgotten(t *testing.T) {
	d := NewDecoder(Config{})
	seq := uint32(0)
	send := func(name string) int {
		seq++
		dg := Datagram{At: testNoon, From: testHost1, Data: customMetric(seq, name)}
		n := 0
		d.Decode(&dg, func(*schema.Record) {}, func(*schema.Reading) { n++ })
		return n
	}
	for i := range sflow.MaxCustomNames {
		if send("n"+string(rune('a'+i%26))+time.Duration(i).String()) != 1 {
			t.Fatalf("name %d is not taken", i)
		}
	}
	if send("mine") != 0 || d.Books().Unfollowed[UnfollowedCustomMetrics] != 1 {
		t.Errorf("%+v", d.Books())
	}
	d.Advance(testNoon)
	d.Advance(testNoon.Add(6 * time.Minute))
	if b := d.Books(); send("mine") != 1 || b.Difference() != 0 {
		t.Errorf("%+v", d.Books())
	}
}

// customMetric is a datagram with one custom metric, a gauge.
func customMetric(sequence uint32, name string) []byte {
	word := func(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }
	text := func(b []byte, s string) []byte {
		b = append(word(b, len(s)), s...)
		return append(b, make([]byte, -len(s)&3)...)
	}
	body := word(text(nil, "7"), 1)
	body = word(word(text(body, name), 3), 42)
	var b sflow.Builder
	b.Start(nil, sflow.Head{Agent: testAgent, Sequence: sequence, Uptime: 1000})
	b.RawSample(4300, 1002, body)
	return b.Bytes()
}
