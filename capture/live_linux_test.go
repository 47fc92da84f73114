package capture

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/schema"
)

// isolate gives the goroutine of the test a network namespace of its own, so that no traffic but its own is on lo.
// Where that is not permitted the test goes on among the others. The thread is not given back: it ends with the
// goroutine.
func isolate(t *testing.T, up bool) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Logf("no network namespace of its own: %v", err)
	} else if up {
		setUp(t)
	}
}

// setUp brings lo up.
func setUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Skipf("cannot bring lo up: %v", err)
	}
}

// openLoopback opens a capture of the loopback interface or skips the test.
func openLoopback(t *testing.T, c Config) *Live {
	t.Helper()
	c.Interface, c.Retire = "lo", time.Millisecond
	l, err := OpenLive(c)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		if !strings.Contains(err.Error(), "CAP_NET_RAW") {
			t.Errorf("the error does not say which right is missing: %v", err)
		}
		t.Skipf("not permitted to capture: %v", err)
	}
	if err != nil {
		t.Skipf("this machine cannot capture from lo: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// send sends count datagrams of payload to a socket of its own and returns its address.
func send(t *testing.T, payload []byte, count int) net.Addr {
	t.Helper()
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := net.Dial("udp", receiver.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	for range count {
		if _, err := sender.Write(payload); err != nil {
			t.Fatal(err)
		}
	}
	return receiver.LocalAddr()
}

// collect reads frames until want datagrams to the port of to were seen; other traffic of the machine is left out. It
// gives up after many empty waits, so that a failure ends.
func collect(t *testing.T, want int, to net.Addr, lives ...*Live) (payloads [][]byte) {
	t.Helper()
	x := NewExtractor(FragmentLimits{})
	var fr Frame
	var d Datagram
	for empty := 0; len(payloads) < want && empty < 200; empty++ {
		for _, l := range lives {
			for {
				found, err := l.Next(&fr, 10*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if !found {
					break
				}
				if x.Extract(&fr, &d) && d.Dst.String() == to.String() {
					payloads = append(payloads, bytes.Clone(d.Payload))
					if fr.At.Seconds() < 1.5e9 || fr.Link != schema.LinkEthernet || fr.Interface == 0 {
						t.Errorf("frame %+v", fr)
					}
				}
			}
		}
	}
	return payloads
}

func TestLiveLoopback(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{BlockSize: minBlockSize, Blocks: 64, Promiscuous: true})
	// More blocks than there are, in turns, so that the ring goes round.
	payload := bytes.Repeat([]byte("telemetry"), 150)
	for round := range 10 {
		const count = 500
		to := send(t, payload, count)
		got := collect(t, count, to, l)
		if len(got) != count {
			t.Fatalf("round %d: saw %d of %d datagrams", round, len(got), count)
		}
		for _, p := range got {
			if !bytes.Equal(p, payload) {
				t.Fatalf("round %d: a payload of %d bytes differs", round, len(p))
			}
		}
	}
	if s, err := l.Stats(); err != nil || s.Received < 5000 || s.Dropped != 0 {
		t.Errorf("counted %+v, %v", s, err)
	}
}

// TestLiveDown captures from an interface that is down until it comes up.
func TestLiveDown(t *testing.T) {
	isolate(t, false)
	l := openLoopback(t, Config{})
	if _, err := l.Next(&Frame{}, time.Second); !errors.Is(err, unix.ENETDOWN) {
		t.Skipf("lo is not down: %v", err)
	}
	setUp(t)
	to := send(t, []byte("up"), 1)
	if got := collect(t, 1, to, l); len(got) != 1 {
		t.Errorf("saw %d datagrams after it came up", len(got))
	}
}

func TestLiveSnapLen(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{SnapLen: 60})
	to := send(t, make([]byte, 500), 1)
	got := collect(t, 1, to, l)
	if len(got) != 1 || len(got[0]) != 60-42 {
		t.Errorf("got %d datagrams, %v", len(got), got)
	}
}

func TestLiveFanout(t *testing.T) {
	isolate(t, true)
	c := Config{Fanout: 0x5ee1, BlockSize: minBlockSize, Blocks: 8}
	a, b := openLoopback(t, c), openLoopback(t, c)
	to := send(t, []byte("once"), 20)
	if got := collect(t, 20, to, a, b); len(got) != 20 {
		t.Errorf("two sockets of a group saw %d datagrams of 20", len(got))
	}
	sa, _ := a.Stats()
	sb, _ := b.Stats()
	if sa.Received+sb.Received < 20 {
		t.Errorf("counted %+v and %+v", sa, sb)
	}
}

func TestLiveDropsAreCounted(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{BlockSize: minBlockSize, Blocks: 2})
	send(t, make([]byte, 1400), 1000)
	if s, err := l.Stats(); err != nil || s.Dropped < 800 || s.Froze == 0 {
		t.Errorf("counted %+v, %v", s, err)
	}
}

// TestLiveTag sends a tagged frame over lo; the kernel takes the tag out of it and Next puts it back.
func TestLiveTag(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("not permitted to send frames: %v", err)
	}
	defer unix.Close(fd)
	tagged := ethernet(etherQinQ, append([]byte{0x61, 0x23, 8, 0}, ip4(1, 0, false, protocolUDP, udp([]byte("tag")))...))
	if err := unix.Sendto(fd, tagged, 0, &unix.SockaddrLinklayer{Ifindex: l.index, Halen: 6}); err != nil {
		t.Skipf("cannot send a frame on lo: %v", err)
	}
	var fr Frame
	for range 200 {
		found, err := l.Next(&fr, 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if found && bytes.HasSuffix(fr.Data, []byte("tag")) {
			if !bytes.Equal(fr.Data, tagged) || int(fr.Length) != len(tagged) {
				t.Errorf("got  %x of %d bytes\nwant %x", fr.Data, fr.Length, tagged)
			}
			return
		}
	}
	t.Error("the tagged frame was not seen")
}

func TestLiveRun(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{})
	to := send(t, []byte("run"), 5)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	x := NewExtractor(FragmentLimits{})
	var d Datagram
	seen := 0
	err := l.Run(ctx, func(fr *Frame) {
		if x.Extract(fr, &d) && d.Dst.String() == to.String() {
			if seen++; seen == 5 {
				cancel()
			}
		}
	})
	if err != nil || seen != 5 {
		t.Errorf("saw %d datagrams, %v", seen, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Next(&Frame{}, 0); err == nil {
		t.Error("Next of a closed Live returned no error")
	}
	if s, err := l.Stats(); err != nil || s.Received < 5 {
		t.Errorf("after Close: %+v, %v", s, err)
	}
}

func TestLiveAllocatesNothing(t *testing.T) {
	isolate(t, true)
	l := openLoopback(t, Config{})
	send(t, []byte("x"), 100)
	var fr Frame
	if n := testing.AllocsPerRun(100, func() { _, _ = l.Next(&fr, 0) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestOpenLiveErrors(t *testing.T) {
	for _, c := range []struct {
		config Config
		says   string
	}{
		{Config{}, "no interface given; this machine has lo"},
		{Config{Interface: "absent0"}, `no interface "absent0"; this machine has lo`},
		{Config{Interface: "a-name-that-is-too-long"}, "this machine has lo"},
		{Config{Interface: "lo", SnapLen: -1}, "snapshot length -1"},
		{Config{Interface: "lo", BlockSize: 100_000}, "block size 100000 is not a power of 2"},
		{Config{Interface: "lo", Blocks: 1}, "1 blocks"},
		{Config{Interface: "lo", Blocks: 1 << 30}, "1073741824 blocks"},
		{Config{Interface: "lo", Retire: time.Hour}, "a retire time of 1h0m0s"},
	} {
		l, err := OpenLive(c.config)
		if err == nil {
			t.Errorf("%+v: no error", c.config)
			_ = l.Close()
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got error %v, want one that says %q", c.config, err, c.says)
		}
	}
}

func TestInsertTag(t *testing.T) {
	room := []byte{0, 0, 0, 0}
	got := insertTag(append(room, "aaaaaabbbbbb\x08\x00rest"...), 0x8100, 0x2007)
	if want := "aaaaaabbbbbb\x81\x00\x20\x07\x08\x00rest"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := insertTag(append(room, "aaaaaab"...), 0x8100, 7); string(got) != "aaaaaab" {
		t.Errorf("a frame cut inside the addresses became %q", got)
	}
}
