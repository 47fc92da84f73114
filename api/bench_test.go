package api

import (
	"testing"
	"time"
)

// BenchmarkFrame renders one tick of the stream for one wish: six definitions of twenty flows.
func BenchmarkFrame(b *testing.B) {
	r := newRig(b, DefaultConfig(), Options{})
	for i := range 200 {
		r.send(5, 100, 1000, byte(i), byte(i/3))
	}
	r.tick(time.Second)
	v := r.engine.View()
	w := wish{"console_destinations\x00console_packets\x00console_pairs\x00console_ports\x00console_sources\x00console_total", 0, 10}
	b.ReportAllocs()
	var n int
	for b.Loop() {
		n = len(commonOf(v, r.caster.pace()).frame(v, w))
	}
	b.ReportMetric(float64(n), "bytes/frame")
}

// BenchmarkActive answers a request for twenty active flows.
func BenchmarkActive(b *testing.B) {
	r := newRig(b, DefaultConfig(), Options{})
	for i := range 200 {
		r.send(5, 100, 1000, byte(i), byte(i/3))
	}
	r.tick(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		ask(r.handler, "GET", "/api/v1/flows/console_pairs/active", "")
	}
}
