package sim_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/capture"
	"weir/engine"
	"weir/metric"
	"weir/schema"
	"weir/sim"
	"weir/wire"
)

// span is the sequence numbers of an sFlow agent that arrived.
type span struct{ first, last, count uint32 }

// TestLossIsCounted loses datagrams: the books of the exporters must say how many, except for those before the first
// and after the last that came, of which nobody can know.
func TestLossIsCounted(t *testing.T) {
	n := sim.New(5, sim.Options{Load: 0.3, Faults: sim.Faults{Loss: 0.03}})
	r := newRig(t, engine.Config{Lanes: 2})
	arrived := map[schema.Addr]*span{}
	r.run(n, 60*time.Second, func(d *sim.Datagram) {
		if d.Protocol != sim.SFlow {
			return
		}
		// Words of the header: version, kind of address, address, sub-agent, sequence.
		seq := uint32(d.Data[16])<<24 | uint32(d.Data[17])<<16 | uint32(d.Data[18])<<8 | uint32(d.Data[19])
		s := arrived[d.From]
		if s == nil {
			s = &span{first: seq}
			arrived[d.From] = s
		}
		s.last = seq
		s.count++
	})
	n.Drain(r.take)
	r.tick(n.Now().Add(time.Second))
	total, injected := uint64(0), n.Injected()
	for _, x := range r.View().Exporters {
		if x.Kind == "sflow" {
			s := arrived[x.Address]
			want := uint64(s.last - s.first + 1 - s.count)
			if x.Lost != want || want > injected.LostBy[x.Address] {
				t.Errorf("%v: %d lost, want %d of %d that were lost", x.Address, x.Lost, want, injected.LostBy[x.Address])
			}
			total += x.Lost
		} else if x.Kind == "netflow9" {
			// Its numbers count datagrams, so one or two at the ends may be missing.
			if lost := injected.LostBy[x.Address]; x.Lost > lost || x.Lost+3 < lost {
				t.Errorf("%v: %d datagrams lost, want about %d", x.Address, x.Lost, lost)
			}
		} else if x.Lost == 0 {
			t.Errorf("%v %s: nothing lost", x.Address, x.Kind)
		}
	}
	if total < 20 {
		t.Errorf("only %d datagrams were lost", total)
	}
}

// TestFaults lets everything go wrong at once. The rig checks that the books balance.
func TestFaults(t *testing.T) {
	without := uint64(0)
	for seed := range uint64(3 * long()) {
		n := sim.New(seed, sim.Options{Load: 0.2, FloodEvery: 30 * time.Second, Templates: 5 * time.Second,
			Polling: 2 * time.Second, Faults: sim.Faults{
				Loss: 0.05, Duplicate: 0.05, Reorder: 0.1, TemplateLoss: 0.5, RestartEvery: 3 * time.Second,
				RateEvery: 7 * time.Second, ClockEvery: 5 * time.Second, Clock: -36 * time.Hour, NearWrap: true,
			}})
		r := newRig(t, engine.Config{Lanes: 2})
		r.do(n.Now(), define("pairs", addresses, "bytes"))
		r.run(n, 60*time.Second, nil)
		v, was := r.View(), n.Injected()
		if was.Lost == 0 || was.Duplicated == 0 || was.Reordered == 0 || was.Restarts == 0 || was.RateChanges == 0 ||
			was.ClockJumps == 0 {
			t.Errorf("seed %d: not everything went wrong: %+v", seed, was)
		}
		restarts, late, double := uint64(0), uint64(0), uint64(0)
		for _, x := range v.Exporters {
			restarts, late, double = restarts+x.Restarts, late+x.OutOfOrder, double+x.Duplicates
		}
		if restarts == 0 || late == 0 || double == 0 {
			t.Errorf("seed %d: restarts %d, late %d, double %d: none may be 0", seed, restarts, late, double)
		}
		without += v.Books.NetFlow.SetsWithoutTemplate
		for _, x := range v.Exporters {
			if x.Kind == "sflow" && x.Lost > was.LostBy[x.Address]+was.Reordered {
				t.Errorf("seed %d: %v: %d lost of %d", seed, x.Address, x.Lost, was.LostBy[x.Address])
			}
		}
		r.end()
	}
	if without == 0 {
		t.Error("no data came before its template")
	}
}

// TestCounterWraps begins shortly before interface counters wrap: rates must not show it.
func TestCounterWraps(t *testing.T) {
	var o sim.Oracle
	n := sim.New(2, sim.Options{Polling: 2 * time.Second, Truth: o.Pass, Faults: sim.Faults{NearWrap: true}})
	r := newRig(t, engine.Config{Lanes: 1})
	r.run(n, 20*time.Second, nil)
	sums := map[schema.Source]float64{}
	for p, s := range o.Truth(func(*sim.Key) (string, bool) { return "", true }, false, domain) {
		sums[p.Source] += s.Bytes
	}
	checked := 0
	for src, sum := range sums {
		v, _, ok := r.View().Metric.Value(src, "ifinoctets", n.Now())
		if !ok || isRouter(src.Exporter) {
			continue
		}
		checked++
		b, err := json.Marshal(v)
		rate, err2 := strconv.ParseFloat(string(b), 64)
		if err != nil || err2 != nil || rate < 0 || rate > 10*sum/20+1e6 {
			t.Errorf("%+v: ifinoctets %s, the average is %.0f", src, b, sum/20)
		}
	}
	if checked < 30 {
		t.Errorf("only %d interfaces were checked", checked)
	}
	q := metric.Query{Agents: metric.All(), Names: []string{"sum:ifinpkts"}, Topology: r.View().Topology()}
	if got := r.View().Metric.Metric(&q); len(got) != 1 || got[0].MetricValue.IsZero() {
		t.Errorf("sum:ifinpkts %+v", got)
	}
}

// TestFrames captures all packets that enter the network: exact, so the totals are the truth.
func TestFrames(t *testing.T) {
	n := sim.New(4, sim.Options{Load: 0.01, Conversations: 80})
	r := newRig(t, engine.Config{Lanes: 1})
	r.do(n.Now(), define("pairs", addresses, "bytes"))
	tap := schema.Addr4([4]byte{127, 0, 0, 1})
	frames, before := uint64(0), schema.Instant(0)
	for range 50 {
		n.Frames(n.Now().Add(100*time.Millisecond), func(f sim.Frame) {
			if f.At < before {
				t.Errorf("a frame of %v after one of %v", f.At, before)
			}
			before = f.At
			frames++
			r.put(wire.Datagram{At: f.At, From: tap, Frame: true, Link: schema.LinkEthernet, Interface: 1,
				Length: f.Length, Data: f.Data, Direction: schema.Ingress})
		})
		r.tick(n.Now())
	}
	v := r.View()
	if frames < 1000 || v.Books.FrameRecords != frames {
		t.Errorf("%d records of %d frames", v.Books.FrameRecords, frames)
	}
	for p, a := range r.active("pairs") {
		if !a.Exact || a.Error != 0 {
			t.Errorf("%v: %+v is not exact", p, a)
		}
	}
}

// long returns by how much the tests are to be longer: WEIR_LONG, else 1.
func long() int {
	if n, err := strconv.Atoi(os.Getenv("WEIR_LONG")); err == nil && n > 0 {
		return n
	}
	return 1
}

// TestGarbage sends damaged datagrams: cut, with flipped bits, with random bytes, or all random. Nothing may panic, the
// books must balance, and memory must stay what it was.
func TestGarbage(t *testing.T) {
	var seeds []sim.Datagram
	n := sim.New(6, sim.Options{Load: 0.2, Templates: time.Second})
	n.Run(n.Now().Add(10*time.Second), func(d sim.Datagram) {
		d.Data = append([]byte{}, d.Data...)
		seeds = append(seeds, d)
	})
	r := newRig(t, engine.Config{Lanes: 2})
	at := n.Now()
	r.do(at, define("pairs", addresses, "bytes"), define("stacks", "stack,or:httpurl:dnsqname", "frames"))
	rng := rand.New(rand.NewPCG(6, 6))
	var early uint64
	total := 100_000 * long()
	for i := range total {
		d := seeds[rng.IntN(len(seeds))]
		r.put(wire.Datagram{At: at, From: d.From, Data: damage(rng, d.Data)})
		if i%1000 == 0 {
			at = at.Add(100 * time.Millisecond)
			r.tick(at)
		}
		if i == total/2 {
			early = heap()
		}
	}
	r.tick(at.Add(time.Second))
	b := r.View().Books
	if b.Received != uint64(total) || b.Decoded == 0 || b.Malformed[wire.MalformedSFlow] == 0 ||
		b.Malformed[wire.MalformedVersion] == 0 || b.Malformed[wire.MalformedNetFlow] == 0 {
		t.Errorf("of %d: %+v", total, b)
	}
	if late := heap(); late > early+early/2+64<<20 {
		t.Errorf("the heap grew from %d to %d MB", early>>20, late>>20)
	}
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// damage returns a datagram that is not what it was.
func damage(rng *rand.Rand, data []byte) []byte {
	b := append([]byte{}, data...)
	switch rng.IntN(6) {
	case 0:
		return b[:rng.IntN(len(b))]
	case 1:
		for range 1 + rng.IntN(8) {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
	case 2:
		// Lengths and counts are what hurts most: large numbers at word boundaries.
		at := 4 * rng.IntN(len(b)/4)
		copy(b[at:], []byte{0xff, 0xff, byte(rng.IntN(256)), 0xff}[:min(4, len(b)-at)])
	case 3:
		from, to := rng.IntN(len(b)), rng.IntN(len(b))
		copy(b[to:], b[from:])
	case 4:
		for i := 4; i < len(b); i++ {
			b[i] = byte(rng.Uint32())
		}
	case 5:
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	}
	return b
}

// TestCapturedNetwork writes what the network sends into a capture file and finds it again.
func TestCapturedNetwork(t *testing.T) {
	var file strings.Builder
	w, err := capture.NewWriter(&file, schema.LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	n := sim.New(8, sim.Options{Load: 0.05})
	sent := 0
	n.Run(n.Now().Add(5*time.Second), func(d sim.Datagram) {
		frame := sim.Carry(&d)
		if err := w.Write(d.At, frame, 0); err != nil {
			t.Fatal(err)
		}
		sent++
	})
	f, err := capture.NewReader(strings.NewReader(file.String()), "test")
	if err != nil {
		t.Fatal(err)
	}
	x, found := capture.NewExtractor(capture.FragmentLimits{}), 0
	for {
		var fr capture.Frame
		var d capture.Datagram
		if err := f.Next(&fr); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if x.Extract(&fr, &d) && wire.Telemetry(d.Payload, d.Dst.Port()) && wire.Sniff(d.Payload) != wire.VersionUnknown {
			found++
		}
	}
	if found != sent || sent == 0 {
		t.Errorf("%d datagrams in the file, %d were sent", found, sent)
	}
}
