package api

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Right says what a request may do. Each right includes those before it.
type Right uint8

// The rights.
const (
	None   Right = iota // nothing but /health
	Read                // see everything
	Define              // also change definitions, thresholds, groups, maps, topology
	Admin               // also look into the process: /debug/pprof
)

// rightWords is in the order of the constants.
var rightWords = [...]string{"none", "read", "define", "admin"}

// String returns the word of the right: none, read, define or admin.
func (r Right) String() string { return rightWords[int(r)%len(rightWords)] }

// MarshalText makes a Right its word.
func (r Right) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word of a right.
func (r *Right) UnmarshalText(b []byte) error {
	for i, word := range rightWords {
		if word == string(b) {
			*r = Right(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no right; write none, read, define or admin", b)
}

// Token lets who brings it do what Right says. It is sent as a bearer token (RFC 6750), or, so that a browser can, as
// the password of HTTP basic authentication (RFC 7617) with any user name.
type Token struct {
	Name  string `yaml:"name" json:"name"` // for people; it is shown in logs, the secret never is
	Token string `yaml:"token" json:"-"`   // the secret, 16 bytes at least
	Right Right  `yaml:"right" json:"right"`
}

// Config says where and for whom the API is served.
type Config struct {
	// HTTP is the address to listen on, host:port. Port 0 takes a free one.
	HTTP string `yaml:"address" json:"address"`
	// ReadOnly refuses every request that would change something.
	ReadOnly bool `yaml:"read_only" json:"read_only"`
	// Tokens, when there are any, are asked for: who brings none has the right Anonymous. Without tokens everyone who
	// can reach the address has every right.
	Tokens    []Token `yaml:"tokens" json:"tokens"`
	Anonymous Right   `yaml:"anonymous" json:"anonymous"`
	// AllowOrigins are other web origins (scheme://host[:port], or * for all) whose pages may use the API in a browser.
	AllowOrigins []string `yaml:"allow_origins" json:"allow_origins"`
	// AllowHosts are further names that this server answers to. A server on loopback answers to localhost and to
	// addresses alone, because the name in a request is how a hostile page would reach it (DNS rebinding).
	AllowHosts  []string `yaml:"allow_hosts" json:"allow_hosts"`
	Connections int      `yaml:"connections" json:"connections"` // open at the same time; more wait. Default 4096
	Streams     int      `yaml:"streams" json:"streams"`         // of /api/v1/stream at the same time; default 200
	Debug       bool     `yaml:"debug" json:"debug"`             // serve /debug/pprof to who has the right admin
}

// minToken is the length of the shortest secret, bytes.
const minToken = 16

// DefaultConfig listens on loopback, port 8008.
func DefaultConfig() Config { return Config{HTTP: "127.0.0.1:8008", Connections: 4096, Streams: 200} }

// Validate returns all that is wrong, each naming its value.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkAddress(c.HTTP); err != nil {
		bad("http.address: %w", err)
	}
	if c.Connections < 1 || c.Connections > 1_000_000 {
		bad("http.connections: %d is not between 1 and 1000000", c.Connections)
	}
	if c.Streams < 1 || c.Streams > 100_000 {
		bad("http.streams: %d is not between 1 and 100000", c.Streams)
	}
	seen := map[string]bool{}
	for i, t := range c.Tokens {
		switch {
		case len(t.Token) < minToken:
			bad("http.tokens[%d].token: %d bytes long; a secret has %d at least", i, len(t.Token), minToken)
		case seen[t.Token]:
			bad("http.tokens[%d].token: the same as an earlier one", i)
		case t.Right < Read || t.Right > Admin:
			bad("http.tokens[%d].right: must be read, define or admin", i)
		}
		seen[t.Token] = true
	}
	for i, o := range c.AllowOrigins {
		if u, err := url.Parse(o); o != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			bad("http.allow_origins[%d]: %q is no origin; write scheme://host[:port]", i, o)
		}
	}
	return errors.Join(errs...)
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address; write host:port such as 127.0.0.1:8008", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// loopback tells whether only this machine can reach an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
