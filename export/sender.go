package export

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long one write may take. UDP hardly ever waits; a stuck interface makes it.
const patience = time.Second

// sender sends the messages of one collector in a goroutine of its own, so that no socket can hold up anything else.
type sender struct {
	to    netip.AddrPort
	queue <-chan message
	lost  *atomic.Bool // see collector
	books *books
	log   *slog.Logger
	conn  *net.UDPConn // nil until there is something to send, and after errors
	quiet throttle
}

// run sends until the queue is closed and empty. When ctx ends it drops what is left.
func (s *sender) run(ctx context.Context) {
	defer s.close()
	for m := range s.queue {
		if ctx.Err() != nil {
			s.books.drop(ReasonStopped, m.records)
			continue
		}
		s.send(m)
	}
}

// send sends one message. A refusal that an earlier message met is told by the system instead of sending this one,
// which therefore gets a second chance: the collector may be back.
func (s *sender) send(m message) {
	err := s.write(m.bytes)
	if errors.Is(err, syscall.ECONNREFUSED) {
		s.failed(err)
		err = s.write(m.bytes)
	}
	if err != nil {
		s.failed(err)
		s.books.drop(ReasonSend, m.records)
		return
	}
	s.books.messages.Inc()
	s.books.records.Add(m.records)
}

func (s *sender) write(b []byte) error {
	if s.conn == nil {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.to))
		if err != nil {
			return err
		}
		s.conn = conn
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// failed notes an error: counted always, logged once a minute. Any error but a refusal may come from an address or a
// route that this machine had when the socket was opened, so the next message opens a new one.
func (s *sender) failed(err error) {
	s.lost.Store(true)
	s.books.errors.Inc()
	if !errors.Is(err, syscall.ECONNREFUSED) {
		s.close()
	}
	if n, speak := s.quiet.speak(time.Now()); speak {
		s.log.Warn("cannot send flows as IPFIX: is a collector listening there, and is there a route to it?",
			"collector", s.to, "error", err, "errors", n)
	}
}

func (s *sender) close() {
	if s.conn != nil {
		s.conn.Close() // whether that works changes nothing
		s.conn = nil
	}
}

// throttle lets a message pass once a minute and counts what it stands for.
type throttle struct {
	next  time.Time
	count int
}

// speak returns how often it was called since it last returned true, this call included.
func (t *throttle) speak(now time.Time) (n int, ok bool) {
	t.count++
	if now.Before(t.next) {
		return 0, false
	}
	n, t.count, t.next = t.count, 0, now.Add(time.Minute)
	return n, true
}
