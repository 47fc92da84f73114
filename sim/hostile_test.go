package sim_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/capture"
	"weir/engine"
	"weir/event"
	"weir/flow"
	"weir/schema"
	"weir/sim"
	"weir/wire"
)

// TestHostileDatagrams sends damaged datagrams of all reference captures and of the simulated network, from senders and
// agents without end: nothing may panic, the books must balance, and memory must stay within the caps. WEIR_LONG
// multiplies how many.
func TestHostileDatagrams(t *testing.T) {
	seeds := append(captured(t), networked()...)
	rng := rand.New(rand.NewPCG(17, 4))
	r := newRig(t, engine.Config{Lanes: 2, Wire: wire.Config{Exporters: 2000}, Flow: flow.Limits{Keys: 100_000}})
	at := sim.New(1, sim.Options{}).Now()
	r.do(at, hostileDefinitions()...)
	total, half, quarter := 100_000*long(), uint64(0), 100_000*long()/4
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
		if i == 3*quarter {
			half = heap()
		}
	}
	r.tick(at.Add(time.Second))
	b := r.View().Books
	if b.Received != uint64(total) || b.Decoded == 0 || b.Refused[wire.RefusedExporters] == 0 {
		t.Errorf("of %d: %+v", total, b)
	}
	late := heap()
	t.Logf("%d datagrams of %d seeds, heap %d MB then %d MB, %d flow keys", total, len(seeds), half>>20, late>>20,
		r.View().FlowKeys)
	if late > half+half/4+64<<20 {
		t.Errorf("the heap grew from %d to %d MB", half>>20, late>>20)
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
	for _, folder := range []string{"sflow", "netflow5", "netflow9", "ipfix"} {
		names, err := filepath.Glob(filepath.Join(reference(), folder, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".json") {
				continue
			}
			f, err := capture.Open(name)
			if err != nil {
				continue
			}
			x, found := capture.NewExtractor(capture.FragmentLimits{}), 0
			var fr capture.Frame
			var d capture.Datagram
			for found < ofEach {
				if err := f.Next(&fr); err != nil {
					if err != io.EOF {
						t.Logf("%s: %v", name, err)
					}
					break
				}
				if x.Extract(&fr, &d) && wire.Telemetry(d.Payload, d.Dst.Port()) && len(d.Payload) > 24 {
					seeds = append(seeds, append([]byte{}, d.Payload...))
					found++
				}
			}
			_ = f.Close()
		}
	}
	return seeds
}

// reference returns the directory of the reference captures.
func reference() string {
	if dir := os.Getenv("WEIR_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "shared", "data")
}
