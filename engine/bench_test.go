package engine

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"weir/schema"
	"weir/wire"
	"weir/wire/sflow"
)

// BenchmarkLane is the road of one sFlow sample through one lane: decode, five definitions, what enrich and the list of
// seen attributes need. Ticks come every 10,000 samples.
func BenchmarkLane(b *testing.B) {
	for _, bm := range []struct {
		name  string
		flows []Command
	}{
		{"decode", nil},
		{"five", []Command{
			define("a", "ipsource", "bytes"), define("b", "ipdestination", "bytes"),
			define("c", "ipsource,ipdestination", "bytes"), define("d", "ipprotocol,tcpdestinationport", "frames"),
			define("e", "", "bytes"),
		}},
	} {
		b.Run(bm.name, func(b *testing.B) { benchLane(b, bm.flows) })
	}
}

func benchLane(b *testing.B, flows []Command) {
	e, err := New(Config{Lanes: 1, Replay: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Run(ctx) }()
	if err := e.Do(flows...); err != nil {
		b.Fatal(err)
	}
	now := began
	_ = e.Tick(ctx, now)
	const samples = 8
	datagrams := benchDatagrams(2000, samples)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		p := e.Parcel()
		for range 150 {
			d := datagrams[n/samples%len(datagrams)]
			binary.BigEndian.PutUint32(d[16:], uint32(n/samples+1))
			now = now.Add(10 * time.Microsecond)
			p.Add(wire.Datagram{At: now, From: agent1, Data: d})
			n += samples
		}
		_ = e.Put(ctx, 0, p)
		if n%(80*150) == 0 {
			_ = e.Tick(ctx, now)
		}
	}
	_ = e.Tick(ctx, now)
	b.StopTimer()
	cancel()
	<-done
	if d := e.View().Books.Difference(); d != 0 {
		b.Errorf("the books are off by %d", d)
	}
}

// benchDatagrams makes sFlow datagrams with Zipf-distributed hosts and ports.
func benchDatagrams(n, samples int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(rng, 1.2, 4, 50_000)
	host := func() schema.Addr {
		k := zipf.Uint64()
		return ip4(10, byte(k>>16), byte(k>>8), byte(k))
	}
	var out [][]byte
	for i := range n {
		var b sflow.Builder
		b.Start(nil, sflow.Head{Agent: agent1, Sequence: uint32(i), Uptime: uint32(i)})
		for range samples {
			sample(&b, uint32(rng.IntN(24)+1), 1000, 64+rng.IntN(1400),
				tcp(host(), host(), uint16(rng.Uint32()), uint16(zipf.Uint64()), 96))
		}
		out = append(out, b.Bytes())
	}
	return out
}
