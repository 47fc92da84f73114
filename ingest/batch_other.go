//go:build !linux

package ingest

import (
	"net"
	"time"

	"weir/schema"
)

// batch reads one datagram a call where the system has no recvmmsg.
type batch struct {
	conn     *net.UDPConn
	payload  [1 << 16]byte
	length   int
	from     schema.Addr
	port     uint16
	overflow uint32
}

func listen(address string, buffer int) (*net.UDPConn, int, error) {
	pc, err := (&net.ListenConfig{}).ListenPacket(noContext, "udp", address)
	if err != nil {
		return nil, 0, err
	}
	conn := pc.(*net.UDPConn)
	if buffer > 0 {
		err = conn.SetReadBuffer(buffer)
	}
	return conn, buffer, err
}

func newBatch(conn *net.UDPConn) (*batch, error) { return &batch{conn: conn}, nil }

func (b *batch) read() (int, error) {
	n, from, err := b.conn.ReadFromUDPAddrPort(b.payload[:])
	b.length, b.from, b.port = n, schema.AddrOf(from.Addr()), from.Port()
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (b *batch) message(int) (data []byte, from schema.Addr, port uint16, at schema.Instant, cut bool) {
	return b.payload[:b.length], b.from, b.port, schema.Instant(time.Now().UnixNano()), false
}

const batchSize = 1
