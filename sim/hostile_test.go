package sim_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"weir/capture/capturetest"
	"weir/engine"
	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/metric"
	"weir/schema"
	"weir/sim"
	"weir/wire"
	"weir/wire/netflow"
)

// TestHostileDatagrams sends damaged datagrams of all reference captures and of the simulated network, from senders and
// agents without end: nothing may panic, the books must balance, and memory must not grow once the caps are reached.
// They are small here, so that half of the datagrams reach them. WEIR_LONG multiplies how many.
func TestHostileDatagrams(t *testing.T) {
	seeds := append(captured(t), networked()...)
	rng := rand.New(rand.NewPCG(17, 4))
	r := newRig(t, smallCaps())
	at := sim.New(1, sim.Options{}).Now()
	r.do(at, hostileDefinitions()...)
	total, heaps := 100_000*long(), []uint64{}
	for i := range total {
		seed := seeds[rng.IntN(len(seeds))]
		data := damage(rng, seed)
		from := schema.Addr4([4]byte{10, 0, byte(rng.Uint32()), byte(rng.Uint32())})
		if rng.IntN(4) == 0 {
			disguise(rng, data)
		}
		r.put(wire.Datagram{At: at, From: from, Data: data})
		if i%500 == 0 {
			at = at.Add(100 * time.Millisecond)
			r.tick(at)
		}
		if i >= total/2 && i%(total/10) == 0 {
			heaps = append(heaps, heap()>>20)
		}
	}
	r.tick(at.Add(time.Second))
	b := r.View().Books
	if b.Received != uint64(total) || b.Decoded == 0 || b.Refused[wire.RefusedExporters] == 0 {
		t.Errorf("of %d: %+v", total, b)
	}
	if b.Unfollowed[wire.UnfollowedDatasources] == 0 || b.Unfollowed[wire.UnfollowedSubAgents] == 0 {
		t.Errorf("the caps were not reached: %+v", b.Unfollowed)
	}
	t.Logf("%d datagrams of %d seeds, heap MB by tenths of the second half %v", total, len(seeds), heaps)
	first, last := heaps[0], heaps[len(heaps)-1]
	if last > first+first/10+8 {
		t.Errorf("the heap grew after warm-up, MB: %v", heaps)
	}
}

// smallCaps is an engine with caps that a short test reaches.
func smallCaps() engine.Config {
	return engine.Config{
		Lanes: 2,
		Wire: wire.Config{
			Exporters: 200, Datasources: 500, AllDatasources: 1500, SubAgents: 100,
			NetFlow: netflow.Config{
				MaxDomains: 100, MaxTemplates: 100, MaxTemplateFields: 10_000, MaxNames: 500, MaxHeldTotal: 1 << 20,
				Hold: netflow.DefaultHold,
			},
		},
		Flow:   flow.Limits{Keys: 10_000, Sources: 500, Pools: 2000, Log: 1000, DistinctBytes: 1 << 20},
		Metric: metric.Limits{Sources: 300, Metrics: 50_000, Columns: 5000, LabelTotal: 1 << 20},
		Enrich: enrich.Limits{
			Agents: 200, PortsPerAgent: 100, Ports: 500, Owners: 200, Adapters: 200, Hosts: 200, HostAge: 1800, Answers: 200,
		},
	}
}

// hostileDefinitions read as many fields as they can, in all ways of counting.
func hostileDefinitions() []engine.Command {
	logged := func(d *flow.Definition) { d.Log, d.ActiveTimeout = true, 1 }
	cs := []engine.Command{
		define("pairs", addresses, "bytes", logged),
		define("stacks", "stack,or:httpurl:dnsqname:null,inputifindex,outputifindex", "frames"),
		define("kinds", "ipprotocol,macsource,macdestination,vlan,agent,datasource", "count:ipsource"),
		define("sizes", "country:ipsource,group:ipdestination:default,dns:ipsource", "max:ippacketlength"),
		define("last", "ip6source,ip6destination,tcpflags", "avg:bytes"),
	}
	return append(cs, engine.SetThreshold{Threshold: event.Threshold{
		Name: "many", Metric: "pairs", Value: 1, ByFlow: true, Timeout: 1,
	}}, engine.SetThreshold{Threshold: event.Threshold{Name: "in", Metric: "ifinoctets", Value: 1}})
}

// disguise changes the agent, the sub-agent or the domain of a datagram.
func disguise(rng *rand.Rand, b []byte) {
	at := 4
	switch {
	case len(b) < 24:
		return
	case binary.BigEndian.Uint32(b) == 5:
		at = 8 + 4*rng.IntN(2)
	case binary.BigEndian.Uint16(b) == 10:
		at = 12
	case binary.BigEndian.Uint16(b) == 9:
		at = 16
	}
	binary.BigEndian.PutUint32(b[at:], rng.Uint32())
}

// networked returns what the simulated network sends.
func networked() (seeds [][]byte) {
	n := sim.New(6, sim.Options{Load: 0.2, Templates: time.Second})
	n.Run(n.Now().Add(5*time.Second), func(d sim.Datagram) { seeds = append(seeds, append([]byte{}, d.Data...)) })
	return seeds
}

// captured returns the first datagrams of each reference capture that carries telemetry, none when there are no
// reference captures.
func captured(t *testing.T) (seeds [][]byte) {
	const ofEach = 60
	for _, kind := range []string{"sflow", "netflow5", "netflow9", "ipfix"} {
		if _, found := capturetest.Find(t, kind); !found {
			continue
		}
		for _, path := range capturetest.References(t, kind) {
			found := 0
			for d := range capturetest.Datagrams(t, path) {
				if wire.Telemetry(d.Payload, d.Dst.Port()) && len(d.Payload) > 24 {
					seeds = append(seeds, bytes.Clone(d.Payload))
					found++
				}
				if found == ofEach {
					break
				}
			}
		}
	}
	return seeds
}
