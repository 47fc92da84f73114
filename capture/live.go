package capture

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// Config says what OpenLive captures, and how. Zero fields get the default.
type Config struct {
	// Interface is the name of the interface, as in "eth0".
	Interface string
	// Promiscuous asks the interface for frames that are addressed to others too.
	Promiscuous bool
	// SnapLen is how many bytes of a frame are kept; default 65535.
	SnapLen int
	// BlockSize is the size of one block of the ring in bytes, a power of 2 of at least 64 KiB; default 1 MiB. The
	// kernel hands over a block when it is full or Retire has passed.
	BlockSize int
	// Blocks is how many blocks the ring has; default 16. BlockSize x Blocks is locked memory.
	Blocks int
	// Retire is how long the kernel keeps a frame at most in a block that does not fill; default 20 ms, finest 1 ms.
	Retire time.Duration
	// Fanout, unless 0, is the number of a group of sockets on one interface among which the kernel deals frames by
	// a hash of addresses and ports that is the same for both directions of a conversation.
	Fanout uint16
}

// LiveStats counts since OpenLive.
type LiveStats struct {
	Received uint64 // frames put into the ring
	Dropped  uint64 // frames that found the ring full
	Froze    uint64 // times that the ring was full
}

const (
	defaultSnapLen   = 65535
	defaultBlockSize = 1 << 20
	defaultBlocks    = 16
	defaultRetire    = 20 * time.Millisecond
	minBlockSize     = 64 << 10
	maxBlockSize     = 64 << 20
	maxRing          = 1 << 30
)

// check fills in defaults and says what is wrong.
func (c *Config) check() error {
	if c.SnapLen == 0 {
		c.SnapLen = defaultSnapLen
	}
	if c.BlockSize == 0 {
		c.BlockSize = defaultBlockSize
	}
	if c.Blocks == 0 {
		c.Blocks = defaultBlocks
	}
	if c.Retire == 0 {
		c.Retire = defaultRetire
	}
	switch {
	case c.Interface == "":
		return fmt.Errorf("capture: no interface given; this machine has %s", interfaces())
	case c.SnapLen < 0 || c.SnapLen > MaxCaptured:
		return fmt.Errorf("capture: %s: snapshot length %d is not between 1 and %d", c.Interface, c.SnapLen,
			MaxCaptured)
	case c.BlockSize < minBlockSize || c.BlockSize > maxBlockSize || c.BlockSize&(c.BlockSize-1) != 0:
		return fmt.Errorf("capture: %s: block size %d is not a power of 2 between %d and %d", c.Interface, c.BlockSize,
			minBlockSize, maxBlockSize)
	case c.Blocks < 2 || c.Blocks > maxRing/c.BlockSize:
		return fmt.Errorf("capture: %s: %d blocks of %d bytes: between 2 blocks and 1 GiB in all can be had",
			c.Interface, c.Blocks, c.BlockSize)
	case c.Retire < time.Millisecond || c.Retire > time.Minute:
		return fmt.Errorf("capture: %s: a retire time of %v is not between 1ms and 1m", c.Interface, c.Retire)
	}
	return nil
}

// interfaces lists the interfaces of this machine for error messages.
func interfaces() string {
	list, err := net.Interfaces()
	if err != nil || len(list) == 0 {
		return "none that can be listed"
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return strings.Join(names, ", ")
}
