package ingest

import (
	"fmt"
	"net/netip"
)

// Config says where telemetry is received. An empty address means: not listened on. Every port takes every version of
// every telemetry protocol.
type Config struct {
	SFlow   string `yaml:"sflow" json:"sflow"`     // UDP address, default :6343
	NetFlow string `yaml:"netflow" json:"netflow"` // UDP address, default :2055
	IPFIX   string `yaml:"ipfix" json:"ipfix"`     // UDP address, default :4739
	Sockets int    `yaml:"sockets" json:"sockets"` // per address, with SO_REUSEPORT; 0 = one per core, at most 4
	Buffer  int    `yaml:"buffer" json:"buffer"`   // receive buffer of each socket, bytes
	// Allow limits who may send: prefixes of sender addresses. Empty = everyone.
	Allow []netip.Prefix `yaml:"allow" json:"allow"`
}

// DefaultConfig returns the ports of DECISIONS 3 and a receive buffer of 8 MiB.
func DefaultConfig() Config {
	return Config{SFlow: ":6343", NetFlow: ":2055", IPFIX: ":4739", Buffer: 8 << 20}
}

// MaxSockets bounds the sockets of one address.
const MaxSockets = 64

// Validate returns an error that names the value that is wrong.
func (c Config) Validate() error {
	if c.Sockets < 0 || c.Sockets > MaxSockets {
		return fmt.Errorf("listen.sockets: %d is not between 0 and %d", c.Sockets, MaxSockets)
	}
	if c.Buffer < 0 || c.Buffer > 1<<30 {
		return fmt.Errorf("listen.buffer: %d is not between 0 and 1 GiB", c.Buffer)
	}
	return nil
}
