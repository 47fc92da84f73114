package sim_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"weir/engine"
	"weir/flow"
	"weir/schema"
	"weir/sim"
)

// byAddresses is what the definition with keys ipsource,ipdestination tells apart.
func byAddresses(k *sim.Key) (string, bool) {
	return k.Src.String() + "," + k.Dst.String(), k.Src.Is4()
}

// byService is what the definition with keys ipprotocol,or:tcpdestinationport:udpdestinationport tells apart.
func byService(k *sim.Key) (string, bool) {
	return fmt.Sprintf("%d,%d", k.Proto, k.DstPort), k.Src.Is4() && (k.Proto == 6 || k.Proto == 17) && k.DstPort != vxlan
}

const (
	addresses = "ipsource,ipdestination"
	services  = "ipprotocol,or:tcpdestinationport:udpdestinationport"
)

// The oracle of these tests knows IPv4, and of a tunnel only the outer packet.
const (
	vxlan       = 4789
	onlyIPv4    = "ipsource!=null"
	notTunneled = "ipsource!=null&udpdestinationport!=4789"
)

func outer(d *flow.Definition) { d.Filter = notTunneled }

// domain returns the observation domain that a router tells.
func domain(exporter schema.Addr) uint32 {
	switch exporter {
	case schema.Addr4([4]byte{192, 0, 2, 21}):
		return 100
	case schema.Addr4([4]byte{192, 0, 2, 22}):
		return 200
	}
	return 0
}

func isRouter(exporter schema.Addr) bool {
	return domain(exporter) != 0 || exporter == schema.Addr4([4]byte{192, 0, 2, 31})
}

func TestSameSeedSameBytes(t *testing.T) {
	run := func(seed uint64) []byte {
		var all bytes.Buffer
		n := sim.New(seed, sim.Options{Load: 0.1})
		n.Run(n.Now().Add(30*time.Second), func(d sim.Datagram) {
			fmt.Fprintf(&all, "%s %d %x\n", d.Name, d.At, d.Data)
		})
		return all.Bytes()
	}
	a := run(1)
	if !bytes.Equal(a, run(1)) {
		t.Error("the same seed gave other bytes")
	}
	if bytes.Equal(a, run(2)) {
		t.Error("another seed gave the same bytes")
	}
}

// TestExactTotals lets every exporter see every packet: the log of finished flows must add up to the truth, to the byte.
func TestExactTotals(t *testing.T) {
	var o sim.Oracle
	n := sim.New(7, sim.Options{Rate: 1, FlowRate: 1, Load: 0.01, Conversations: 60, Truth: o.Pass, Told: true})
	r := newRig(t, engine.Config{Lanes: 2})
	logs := func(d *flow.Definition) { d.Log, d.Filter = true, onlyIPv4 }
	r.do(n.Now(), define("bytes", addresses, "bytes", logs), define("frames", addresses, "frames", logs),
		define("services", services, "bytes", logs, outer))
	r.run(n, 40*time.Second, o.Hear)
	n.Drain(func(d sim.Datagram) { o.Hear(&d); r.take(d) })
	r.do(n.Now().Add(time.Second), engine.DropFlow{Name: "bytes"}, engine.DropFlow{Name: "frames"},
		engine.DropFlow{Name: "services"})
	r.end()

	for _, c := range []struct {
		name    string
		by      sim.By
		packets bool
	}{{"bytes", byAddresses, false}, {"frames", byAddresses, true}, {"services", byService, false}} {
		told := o.Totals(c.by)
		frames, l3 := o.Truth(c.by, false, domain), o.Truth(c.by, true, domain)
		if len(told) < 50 || len(told) != len(frames) || len(told) != len(r.logged[c.name]) {
			t.Errorf("%s: %d places in the truth, %d told, %d in the log", c.name, len(frames), len(told),
				len(r.logged[c.name]))
		}
		for p, want := range frames {
			if isRouter(p.Source.Exporter) {
				want = l3[p]
			}
			truth, heard := want.Bytes, told[p].Bytes
			if c.packets {
				truth, heard = want.Packets, told[p].Packets
			}
			if got := r.logged[c.name][p]; got != truth || heard != truth {
				t.Errorf("%s: %+v: truth %.0f, told %.0f, engine %.0f", c.name, p, truth, heard, got)
			}
		}
	}
}

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*max(math.Abs(a), math.Abs(b)) }

// TestRates compares decaying rates, their standard errors and sample counts at every place with direct sums.
func TestRates(t *testing.T) {
	var o sim.Oracle
	n := sim.New(3, sim.Options{Load: 0.2, Told: true, FloodEvery: 20 * time.Second})
	r := newRig(t, engine.Config{Lanes: 3})
	slow := func(d *flow.Definition) { d.T, d.Filter = 10, onlyIPv4 }
	r.do(n.Now(), define("fast", addresses, "bytes", func(d *flow.Definition) { d.Filter = onlyIPv4 }),
		define("slow", addresses, "bytes", slow), define("services", services, "frames", slow, outer))
	compared := 0
	for range 4 {
		r.run(n, 7*time.Second, o.Hear)
		for _, c := range []struct {
			name string
			by   sim.By
			t    time.Duration
		}{{"fast", byAddresses, 2 * time.Second}, {"slow", byAddresses, 10 * time.Second},
			{"services", byService, 10 * time.Second}} {
			rates := o.Rates(c.by, c.t, n.Now())
			for p, a := range r.active(c.name) {
				want, value := rates[p], rates[p].Bytes
				if c.name == "services" {
					value = want.Packets
				} else if !near(a.Error, want.Error, 1e-6) {
					t.Errorf("%s %+v: standard error %g, oracle %g", c.name, p, a.Error, want.Error)
				}
				if !near(a.Value, value, 1e-6) || !near(a.Samples, want.Samples, 1e-6) {
					t.Errorf("%s %+v: %g of %g samples, oracle %g of %g", c.name, p, a.Value, a.Samples, value, want.Samples)
				}
				compared++
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d flows were compared", compared)
	}
}

// TestErrorBars asks over many networks how often the truth lies within two standard errors of the estimate. For
// estimates from 30 samples and more that must be about 95 in 100 times.
func TestErrorBars(t *testing.T) {
	const (
		tau  = 600 * time.Second
		rate = 200
	)
	inside, all, z := 0, 0, 0.0
	for seed := range uint64(12) {
		var o sim.Oracle
		n := sim.New(seed, sim.Options{Load: 0.3, Rate: rate, Conversations: 120, Truth: o.Pass, FloodEvery: -1})
		r := newRig(t, engine.Config{Lanes: 1})
		r.do(n.Now(), define("services", services, "bytes",
			func(d *flow.Definition) { d.T = tau.Seconds() }, outer))
		r.run(n, 20*time.Second, nil)
		truth := o.TrueRates(byService, tau, n.Now())
		for p, a := range r.active("services") {
			// Choosing by the samples instead would choose those that are too large.
			if isRouter(p.Source.Exporter) || truth[p].Samples < 30*rate {
				continue
			}
			off := (truth[p].Bytes - a.Value) / a.Error
			z += off
			all++
			if math.Abs(off) <= 2 {
				inside++
			}
		}
		r.end()
	}
	share := float64(inside) / float64(all)
	t.Logf("%d estimates, %.1f %% of the truths within 2 standard errors, mean deviation %.3f", all, 100*share,
		z/float64(all))
	if all < 300 || share < 0.90 || share > 0.99 || math.Abs(z/float64(all)) > 0.15 {
		t.Errorf("%d estimates, %.3f within 2 standard errors, mean deviation %.3f", all, share, z/float64(all))
	}
}
