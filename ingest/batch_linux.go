//go:build linux

package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/schema"
)

const (
	batchSize   = 64      // datagrams a system call
	payloadSize = 1 << 16 // the largest UDP payload fits
	controlSize = 128     // a time stamp and a drop count fit
	scmTimestamp,
	scmOverflow = unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// batch reads many datagrams with one system call. It allocates nothing after newBatch.
type batch struct {
	conn     *net.UDPConn
	raw      syscall.RawConn
	messages [batchSize]mmsghdr
	vectors  [batchSize]unix.Iovec
	senders  [batchSize]unix.RawSockaddrInet6
	controls [batchSize][controlSize]byte
	payloads []byte
	receive  func(fd uintptr) bool
	got      int
	errno    syscall.Errno
	overflow uint32 // the kernel's running count of datagrams that this socket had no room for
}

// listen opens one UDP socket that shares its port with others and has the wanted receive buffer, or as much of it as
// the system allows (the second result, bytes).
func listen(address string, buffer int) (*net.UDPConn, int, error) {
	var granted int
	control := func(_, _ string, c syscall.RawConn) error {
		var inner error
		err := c.Control(func(fd uintptr) { granted, inner = setOptions(int(fd), buffer) })
		return errors.Join(err, inner)
	}
	lc := net.ListenConfig{Control: control}
	pc, err := lc.ListenPacket(noContext, "udp", address)
	if err != nil {
		return nil, 0, err
	}
	return pc.(*net.UDPConn), granted, nil
}

func setOptions(fd, buffer int) (granted int, err error) {
	for _, option := range []int{unix.SO_REUSEPORT, unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return 0, fmt.Errorf("socket option %d: %w", option, err)
		}
	}
	if buffer > 0 {
		// With the right to administer the network the limit net.core.rmem_max does not hold.
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
				return 0, fmt.Errorf("receive buffer of %d bytes: %w", buffer, err)
			}
		}
	}
	doubled, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return doubled / 2, err // the kernel reports twice what was asked for, see socket(7)
}

func newBatch(conn *net.UDPConn) (*batch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &batch{conn: conn, raw: raw, payloads: make([]byte, batchSize*payloadSize)}
	for i := range b.messages {
		b.vectors[i].Base = &b.payloads[i*payloadSize]
		b.vectors[i].SetLen(payloadSize)
		h := &b.messages[i].header
		h.Iov, h.Iovlen = &b.vectors[i], 1
		h.Name = (*byte)(unsafe.Pointer(&b.senders[i]))
		h.Control = &b.controls[i][0]
	}
	b.receive = b.tryReceive
	return b, nil
}

// tryReceive is called by the runtime's poller; false means: nothing there yet, wait until there is.
func (b *batch) tryReceive(fd uintptr) bool {
	for i := range b.messages {
		h := &b.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.messages[0])), batchSize,
		unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return false
	}
	b.got, b.errno = int(n), errno
	return true
}

// read waits for datagrams and returns how many it took. os.ErrDeadlineExceeded and net.ErrClosed pass through.
func (b *batch) read() (int, error) {
	if err := b.raw.Read(b.receive); err != nil {
		return 0, err
	}
	if b.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", b.errno)
	}
	return b.got, nil
}

// message returns datagram i of the last read. data lives until the next read.
func (b *batch) message(i int) (data []byte, from schema.Addr, port uint16, at schema.Instant, cut bool) {
	m := &b.messages[i]
	data = b.payloads[i*payloadSize:][:m.length:m.length]
	sender := &b.senders[i]
	port = binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sender.Port))[:])
	if sender.Family == unix.AF_INET {
		from = schema.Addr4((*unix.RawSockaddrInet4)(unsafe.Pointer(sender)).Addr)
	} else {
		from = schema.Addr(sender.Addr)
	}
	at = b.control(b.controls[i][:m.header.Controllen])
	return data, from, port, at, m.header.Flags&unix.MSG_TRUNC != 0
}

// control reads the kernel's receive stamp and drop count; without a stamp the time is now.
func (b *batch) control(c []byte) (at schema.Instant) {
	for len(c) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(c) {
			break
		}
		body := c[unix.SizeofCmsghdr:n]
		if h.Level == unix.SOL_SOCKET {
			switch {
			case h.Type == scmTimestamp && len(body) >= 16:
				at = schema.Instant(binary.NativeEndian.Uint64(body)*1e9 + binary.NativeEndian.Uint64(body[8:]))
			case h.Type == scmOverflow && len(body) >= 4:
				b.overflow = binary.NativeEndian.Uint32(body)
			}
		}
		step := (n + 7) &^ 7
		if step > len(c) {
			break
		}
		c = c[step:]
	}
	if at == 0 {
		at = schema.Instant(time.Now().UnixNano())
	}
	return at
}
