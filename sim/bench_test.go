package sim_test

import (
	"testing"
	"time"

	"weir/sim"
)

// BenchmarkNetwork lets one second of the demo's network pass.
func BenchmarkNetwork(b *testing.B) {
	n := sim.New(1, sim.Options{})
	b.ReportAllocs()
	datagrams := 0
	for b.Loop() {
		n.Run(n.Now().Add(time.Second), func(sim.Datagram) { datagrams++ })
	}
	b.ReportMetric(float64(datagrams)/float64(b.N), "datagrams/op")
}
