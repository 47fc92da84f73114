package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/schema"
)

// Where things are in a block of a TPACKET_V3 ring (Linux Documentation/networking/packet_mmap.rst, linux/if_packet.h).
// All are 32 bits wide and in the machine's byte order unless said.
const (
	blockStatus  = 8  // in the block: whose it is
	blockPackets = 12 // how many frames
	blockFirst   = 16 // where the first frame's header is

	headerNext     = 0 // in the frame's header: distance to the next header
	headerSecond   = 4
	headerNano     = 8
	headerCaptured = 12
	headerLength   = 16
	headerStatus   = 20
	headerMAC      = 24 // 16 bits: distance to the frame's bytes
	headerTCI      = 32
	headerTPID     = 36 // 16 bits
)

// tagLen is the length of a VLAN tag; the kernel leaves as much room before each frame, see insertTag.
const tagLen = 4

// Live captures frames from an interface by a ring that the kernel writes and we read, without a system call or a copy
// per frame. It is used by one goroutine at a time, but for Stats.
type Live struct {
	name  string
	index int
	link  schema.LinkType
	ring  []byte
	size  int // of a block
	block int // the block at hand or awaited
	owned bool
	left  int // frames of the block at hand not given out
	at    int // header of the next frame, from the start of the ring

	mu    sync.Mutex // guards fd against Close, and stats
	fd    int        // -1 when closed
	stats LiveStats
}

// OpenLive begins to capture on an interface. Errors say which interfaces there are when it is none of them, and which
// right is missing. The caller closes the Live.
func OpenLive(c Config) (*Live, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	index, hardware, err := lookUp(c.Interface)
	if err != nil {
		return nil, err
	}
	l := &Live{name: c.Interface, index: index, size: c.BlockSize, fd: -1}
	kind, err := l.setLink(hardware)
	if err != nil {
		return nil, err
	}
	// Without a protocol the socket gets nothing until it is bound, when all is set.
	l.fd, err = unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, l.explain("open a packet socket", err)
	}
	if err := l.setUp(c, hardware == unix.ARPHRD_LOOPBACK); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// lookUp returns the index and the hardware type of an interface.
func lookUp(name string) (index int, hardware uint16, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("capture: %s: cannot ask for the interface: %w", name, err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	request, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("capture: no interface %q; this machine has %s: %w", name, interfaces(), err)
	}
	index = int(request.Uint32())
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request); err != nil {
		return 0, 0, fmt.Errorf("capture: %s: cannot ask for the kind of the interface: %w", name, err)
	}
	return index, request.Uint16(), nil
}

// setLink chooses the kind of socket and the link type for a hardware type. Of interfaces that are not Ethernet the
// kernel is asked for frames from the IP header on, because what is before it differs from driver to driver.
func (l *Live) setLink(hardware uint16) (socket int, err error) {
	switch hardware {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		l.link = schema.LinkEthernet
		return unix.SOCK_RAW, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT,
		unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE:
		l.link = schema.LinkRaw
		return unix.SOCK_DGRAM, nil
	}
	return 0, fmt.Errorf("capture: %s: interfaces of hardware type %d are not supported; Ethernet, loopback, tunnel "+
		"and PPP interfaces are", l.name, hardware)
}

// setUp makes the ring and binds the socket.
func (l *Live) setUp(c Config, loopback bool) error {
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return l.explain("choose ring version 3 (Linux 3.2 or later has it)", err)
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_RESERVE, tagLen); err != nil {
		return l.explain("reserve room for VLAN tags", err)
	}
	if err := l.attachFilter(uint32(c.SnapLen), loopback); err != nil {
		return l.explain("attach the snapshot length", err)
	}
	const frameSize = 2048 // of no meaning in version 3, where frames are packed, but checked
	request := unix.TpacketReq3{
		Block_size:     uint32(c.BlockSize),
		Block_nr:       uint32(c.Blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(c.BlockSize / frameSize * c.Blocks),
		Retire_blk_tov: uint32(c.Retire / time.Millisecond),
	}
	size := c.BlockSize * c.Blocks
	if err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return l.explain(fmt.Sprintf("make a ring of %d MiB (ask for fewer or smaller blocks)", size>>20), err)
	}
	var err error
	l.ring, err = unix.Mmap(l.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return l.explain(fmt.Sprintf("map a ring of %d MiB", size>>20), err)
	}
	if c.Promiscuous {
		member := unix.PacketMreq{Ifindex: int32(l.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member); err != nil {
			return l.explain("make it promiscuous", err)
		}
	}
	address := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: l.index}
	if err := unix.Bind(l.fd, &address); err != nil {
		return l.explain("bind the packet socket", err)
	}
	if c.Fanout != 0 {
		group := int(c.Fanout) | unix.PACKET_FANOUT_HASH<<16
		if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, group); err != nil {
			return l.explain(fmt.Sprintf("join fanout group %d", c.Fanout), err)
		}
	}
	return nil
}

// networkOrder returns v with its bytes in network order, as a field of the kernel's that wants it so.
func networkOrder(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// attachFilter has the kernel cut frames at snapLen, and on the loopback interface, where each frame is seen as it
// goes out and as it comes in, leave out the former.
func (l *Live) attachFilter(snapLen uint32, loopback bool) error {
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: snapLen}}
	if loopback {
		const packetType = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE of linux/filter.h
		program = []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: packetType},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.PACKET_OUTGOING},
			{Code: unix.BPF_RET | unix.BPF_K, K: 0},
			{Code: unix.BPF_RET | unix.BPF_K, K: snapLen},
		}
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
}

// explain says what failed on which interface, and what to do when a right is missing.
func (l *Live) explain(what string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		hint = "; capturing needs the capability CAP_NET_RAW: run as root, or allow the program by " +
			"'setcap cap_net_raw+ep FILE' or AmbientCapabilities=CAP_NET_RAW in its service unit"
	case errors.Is(err, unix.EAFNOSUPPORT):
		hint = "; this kernel has no packet sockets"
	}
	return fmt.Errorf("capture: %s: cannot %s: %w%s", l.name, what, err, hint)
}

// Link returns the link type of the frames.
func (l *Live) Link() schema.LinkType { return l.link }

// Next fills in fr with the next frame. It waits for one for at most about wait and may give up sooner; found is false
// then. An error means that the interface went down or away, or that the Live is closed; after the former Next may be
// called again.
func (l *Live) Next(fr *Frame, wait time.Duration) (found bool, err error) {
	if l.ring == nil {
		return false, fmt.Errorf("capture: %s: closed", l.name)
	}
	for l.left == 0 {
		l.release()
		if ready, err := l.await(wait); !ready || err != nil {
			return false, err
		}
		start := l.block * l.size
		l.owned = true
		l.left = int(l.u32(start + blockPackets))
		l.at = start + int(l.u32(start+blockFirst))
	}
	l.fill(fr)
	return true, nil
}

// Run calls see for each frame until ctx is done, and returns nil then, or until Next fails. It looks at ctx between
// blocks of frames and at least ten times a second.
func (l *Live) Run(ctx context.Context, see func(*Frame)) error {
	const wait = 100 * time.Millisecond
	var fr Frame
	for ctx.Err() == nil {
		found, err := l.Next(&fr, wait)
		if err != nil {
			return err
		}
		for found {
			see(&fr)
			if found = l.left > 0; found {
				l.fill(&fr)
			}
		}
	}
	return nil
}

// status is the word by which the kernel and we hand a block to each other.
func (l *Live) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&l.ring[l.block*l.size+blockStatus])) // blocks are aligned to pages
}

// release gives the block at hand back to the kernel.
func (l *Live) release() {
	if !l.owned {
		return
	}
	atomic.StoreUint32(l.status(), unix.TP_STATUS_KERNEL)
	l.owned = false
	l.block++
	if l.block*l.size == len(l.ring) {
		l.block = 0
	}
}

// await waits until the awaited block is ours.
func (l *Live) await(wait time.Duration) (ready bool, err error) {
	if atomic.LoadUint32(l.status())&unix.TP_STATUS_USER != 0 {
		return true, nil
	}
	fds := [1]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN | unix.POLLERR}}
	_, err = unix.Poll(fds[:], int(max(wait, 0)/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return false, l.explain("wait for frames", err)
	}
	if fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		// Reading the error takes it back, so that a later call can succeed.
		if code, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			return false, l.explain("ask why the socket failed", err)
		} else if code != 0 {
			return false, l.explain("go on capturing", unix.Errno(code))
		}
	}
	return atomic.LoadUint32(l.status())&unix.TP_STATUS_USER != 0, nil
}

// fill fills in fr from the frame at hand and goes on to the next.
func (l *Live) fill(fr *Frame) {
	h := l.at
	begin := h + int(l.u16(h+headerMAC))
	end := begin + int(l.u32(h+headerCaptured))
	*fr = Frame{
		At:        schema.Instant(int64(l.u32(h+headerSecond))*1e9 + int64(l.u32(h+headerNano))),
		Link:      l.link,
		Interface: l.index,
		Data:      l.ring[begin:end:end],
		Length:    l.u32(h + headerLength),
	}
	if status := l.u32(h + headerStatus); status&unix.TP_STATUS_VLAN_VALID != 0 && l.link == schema.LinkEthernet {
		tpid := uint16(etherVLAN)
		if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			tpid = l.u16(h + headerTPID)
		}
		fr.Data = insertTag(l.ring[begin-tagLen:end:end], tpid, uint16(l.u32(h+headerTCI)))
		fr.Length += uint32(len(fr.Data) - (end - begin))
	}
	l.left--
	l.at += int(l.u32(h + headerNext))
}

// insertTag puts the outermost VLAN tag back where it was: the kernel takes it out of the frame and tells it beside.
// b has tagLen bytes of room, then the frame; the addresses move forward into the room.
func insertTag(b []byte, tpid, tci uint16) []byte {
	const addresses = 12
	if len(b) < tagLen+addresses {
		return b[tagLen:] // cut inside the addresses: there is no place for a tag
	}
	copy(b, b[tagLen:tagLen+addresses])
	binary.BigEndian.PutUint16(b[addresses:], tpid)
	binary.BigEndian.PutUint16(b[addresses+2:], tci)
	return b
}

func (l *Live) u16(off int) uint16 { return binary.NativeEndian.Uint16(l.ring[off:]) }
func (l *Live) u32(off int) uint32 { return binary.NativeEndian.Uint32(l.ring[off:]) }

// Stats returns the counters; those of a closed Live stay. It may be called by any goroutine. The kernel counts with
// 32 bits and starts again when asked, so ask at least once in four billion frames.
func (l *Live) Stats() (LiveStats, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fd < 0 {
		return l.stats, nil
	}
	s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return l.stats, l.explain("read the counters", err)
	}
	l.stats.Received += uint64(s.Packets - s.Drops) // the kernel's packets include the drops
	l.stats.Dropped += uint64(s.Drops)
	l.stats.Froze += uint64(s.Freeze_q_cnt)
	return l.stats, nil
}

// Close ends the capture. Frames given out are gone with it, so Next and Run must have returned.
func (l *Live) Close() error {
	_, statsErr := l.Stats()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fd < 0 {
		return nil
	}
	var mapErr error
	if l.ring != nil {
		mapErr = unix.Munmap(l.ring)
		l.ring, l.left, l.owned = nil, 0, false
	}
	err := errors.Join(statsErr, mapErr, unix.Close(l.fd))
	l.fd = -1
	return err
}
