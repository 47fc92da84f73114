package ingest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"weir/engine"
	"weir/vitals"
)

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TestPauseOfALane holds that a lane that stands still for a moment costs no datagram, however thinly they come: they
// wait in one parcel, not in a parcel each.
func TestPauseOfALane(t *testing.T) {
	e, err := engine.New(engine.Config{Lanes: 1, Inbox: 4})
	if err != nil {
		t.Fatal(err)
	}
	v := vitals.New()
	r, err := Listen(Config{SFlow: "127.0.0.1:0", Sockets: 1}, e, v, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	count := func(name string, labels ...string) int {
		return int(v.Counter(name, append([]string{"listener", "sflow"}, labels...)...).Get())
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- r.Run(ctx) }()
	conn, err := net.Dial("udp", r.Addresses()["sflow"].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const sent = 200
	for i := range sent {
		if _, err := conn.Write([]byte("anything")); err != nil {
			t.Fatal(err)
		}
		until(t, "the datagram was read", func() bool { return count("weir_ingest_datagrams_total") == i+1 })
	}
	go func() { ended <- e.Run(ctx) }() // only now the lane works
	until(t, "all have come through, with nothing sent after them", func() bool {
		if err := e.Tick(ctx, 0); err != nil {
			t.Fatal(err)
		}
		return e.View().Books.Received == sent
	})
	if n := count("weir_ingest_refused_total", "reason", "lane_full"); n != 0 {
		t.Errorf("%d datagrams refused", n)
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
