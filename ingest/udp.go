package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"weir/engine"
	"weir/vitals"
	"weir/wire"
)

// noContext is for opening sockets: that never waits.
var noContext = context.Background()

// Receiver owns the UDP sockets. Listen opens them, Run reads them until its context ends.
type Receiver struct {
	engine  *engine.Engine
	log     *slog.Logger
	allow   []netip.Prefix
	sockets []*socket
}

type socket struct {
	name     string // of the listener: sflow, netflow, ipfix
	conn     *net.UDPConn
	batch    *batch
	open     []*wire.Parcel // by lane; nil when nothing is in it
	overflow uint32
	hurried  bool // the next read has a deadline, for datagrams wait for their lane

	received, bytes, full, refused, cut, lost *vitals.Counter
}

// Listen opens the sockets that c names. It starts nothing. When the system grants a smaller receive buffer than
// wanted it says so in the log, with what to do about it, and goes on.
func Listen(c Config, e *engine.Engine, v *vitals.Set, log *slog.Logger) (*Receiver, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &Receiver{engine: e, log: log, allow: c.Allow}
	n := c.Sockets
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), 4)
	}
	for _, l := range []struct{ name, address string }{
		{"sflow", c.SFlow}, {"netflow", c.NetFlow}, {"ipfix", c.IPFIX},
	} {
		if l.address == "" {
			continue
		}
		if err := r.listen(l.name, l.address, n, c.Buffer, v); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

func (r *Receiver) listen(name, address string, n, buffer int, v *vitals.Set) error {
	for i := range n {
		conn, granted, err := listen(address, buffer)
		if err != nil {
			return fmt.Errorf("listen.%s: cannot receive on UDP %s: %w (is another collector running there?)",
				name, address, err)
		}
		b, err := newBatch(conn)
		if err != nil {
			return fmt.Errorf("listen.%s: %w", name, err)
		}
		s := &socket{name: name, conn: conn, batch: b, open: make([]*wire.Parcel, r.engine.Lanes())}
		s.count(v)
		r.sockets = append(r.sockets, s)
		v.Put("weir_ingest_buffer_bytes", float64(granted), "listener", name)
		if i == 0 {
			address = conn.LocalAddr().String() // port 0 was chosen by the system: the others share it
			r.log.Info("listening", "listener", name, "udp", address, "sockets", n, "buffer_bytes", granted)
			if granted < buffer {
				r.log.Warn("the system granted a smaller receive buffer than asked for; bursts may be lost: "+
					"raise sysctl net.core.rmem_max", "listener", name, "asked", buffer, "granted", granted)
			}
		}
	}
	return nil
}

func (s *socket) count(v *vitals.Set) {
	counter := func(name string, labels ...string) *vitals.Counter {
		return v.Counter(name, append([]string{"listener", s.name}, labels...)...)
	}
	s.received = counter("weir_ingest_datagrams_total")
	s.bytes = counter("weir_ingest_received_bytes_total")
	s.full = counter("weir_ingest_refused_total", "reason", "lane_full")
	s.refused = counter("weir_ingest_refused_total", "reason", "not_allowed")
	s.cut = counter("weir_ingest_refused_total", "reason", "cut")
	s.lost = counter("weir_ingest_kernel_drops_total")
}

// Addresses returns where the receiver listens, by listener name: what was asked for with the ports that were given.
func (r *Receiver) Addresses() map[string]netip.AddrPort {
	out := map[string]netip.AddrPort{}
	for _, s := range r.sockets {
		out[s.name] = s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return out
}

// Close closes the sockets.
func (r *Receiver) Close() (err error) {
	for _, s := range r.sockets {
		if e := s.conn.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Run receives until ctx ends, then hands over what it holds and closes the sockets.
func (r *Receiver) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		for _, s := range r.sockets {
			s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes a waiting reader
		}
	})
	defer stop()
	errs := make([]error, len(r.sockets))
	var wg sync.WaitGroup
	for i, s := range r.sockets {
		wg.Go(func() { errs[i] = r.receive(ctx, s) })
	}
	wg.Wait()
	return errors.Join(append(errs, r.Close())...)
}

func (r *Receiver) receive(ctx context.Context, s *socket) error {
	defer r.flush(s)
	for {
		n, err := s.batch.read()
		switch {
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			n = 0
		case err != nil:
			return fmt.Errorf("ingest: listener %s: %w", s.name, err)
		}
		for i := range n {
			r.take(s, i)
		}
		if s.batch.overflow != s.overflow {
			s.lost.Add(int(s.batch.overflow - s.overflow)) // wraps as the kernel's count does
			s.overflow = s.batch.overflow
		}
		if n < batchSize { // the socket has run dry
			r.relieve(ctx, s)
		}
	}
}

// patience is how long datagrams may wait for others when their lane is busy.
const patience = 2 * time.Millisecond

// relieve hands over the open parcels of lanes that can take them at once. Those of busy lanes stay open, so that a
// short pause of a lane does not fill its inbox with parcels of a datagram or two; they are looked at again soon.
func (r *Receiver) relieve(ctx context.Context, s *socket) {
	waits := false
	for lane, p := range s.open {
		switch {
		case p == nil:
		case r.engine.Busy(lane):
			waits = true
		default:
			r.offer(s, lane)
		}
	}
	var until time.Time
	if waits {
		until = time.Now().Add(patience)
	}
	if waits || s.hurried {
		s.conn.SetReadDeadline(until) // fails on a closed socket only, which the next read tells
		s.hurried = waits
		if ctx.Err() != nil { // the deadline that ends the last read may be lost
			s.conn.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// take puts datagram i of the socket's batch into the parcel of its lane.
func (r *Receiver) take(s *socket, i int) {
	data, from, port, at, cut := s.batch.message(i)
	s.received.Inc()
	s.bytes.Add(len(data))
	switch {
	case cut:
		s.cut.Inc()
		return
	case len(r.allow) > 0 && !allowed(r.allow, from.Netip()):
		s.refused.Inc()
		return
	}
	d := wire.Datagram{At: at, From: from, Port: port, Data: data}
	lane := wire.Lane(wire.ExporterOf(&d), len(s.open))
	p := s.open[lane]
	if p == nil {
		p = r.engine.Parcel()
		s.open[lane] = p
	}
	p.Add(d)
	if p.Full() {
		r.offer(s, lane)
	}
}

func allowed(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (r *Receiver) flush(s *socket) {
	for lane, p := range s.open {
		if p != nil {
			r.offer(s, lane)
		}
	}
}

func (r *Receiver) offer(s *socket, lane int) {
	p := s.open[lane]
	s.open[lane] = nil
	if n := len(p.Datagrams); !r.engine.Offer(lane, p) {
		s.full.Add(n)
	}
}

// Describe returns the listening addresses as one line for people.
func (r *Receiver) Describe() string {
	var parts []string
	for _, name := range []string{"sflow", "netflow", "ipfix"} {
		if a, ok := r.Addresses()[name]; ok {
			parts = append(parts, fmt.Sprintf("%s udp/%s", name, a))
		}
	}
	return strings.Join(parts, ", ")
}
