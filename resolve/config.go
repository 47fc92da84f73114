package resolve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

// Config says whom to ask and how much. Zero values take the defaults that the fields name.
type Config struct {
	// Servers are the name servers, asked in turn until one answers: addresses with or without a port (default 53).
	// Without any, nothing is asked.
	Servers []string
	// Timeout bounds one exchange with one server; default 2 s, 10 ms..30 s.
	Timeout time.Duration
	// MinTTL and MaxTTL clamp how long an answer is good; defaults 5 min and 24 h.
	MinTTL, MaxTTL time.Duration
	// NegativeTTL is the longest that "there is no such name" is believed; default 1 h.
	NegativeTTL time.Duration
	// FailureTTL is how long an address is left alone after no server gave an answer; default 60 s.
	FailureTTL time.Duration
	// Cache bounds how many addresses are remembered, negative answers included; default 65536.
	Cache int
	// Queue bounds how many addresses wait to be asked; default 4096.
	Queue int
	// Workers is how many questions are under way at once; default 8, at most 256.
	Workers int
	// PerSecond bounds the addresses asked per second; default 200.
	PerSecond int
}

// Complete fills in defaults and tells what is wrong, naming the field.
func (c *Config) Complete() error {
	var errs []error
	for i, s := range c.Servers {
		server, err := completeServer(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("dns servers: entry %d: %w", i+1, err))
		}
		c.Servers[i] = server
	}
	errs = append(errs,
		span("timeout", &c.Timeout, 2*time.Second, 10*time.Millisecond, 30*time.Second),
		span("min ttl", &c.MinTTL, 5*time.Minute, time.Second, 30*24*time.Hour),
		span("max ttl", &c.MaxTTL, 24*time.Hour, time.Second, 30*24*time.Hour),
		span("negative ttl", &c.NegativeTTL, time.Hour, time.Second, 30*24*time.Hour),
		span("failure ttl", &c.FailureTTL, time.Minute, time.Second, 24*time.Hour),
		count("cache", &c.Cache, 1<<16, 1<<22),
		count("queue", &c.Queue, 1<<12, 1<<20),
		count("workers", &c.Workers, 8, 256),
		count("questions per second", &c.PerSecond, 200, 100_000))
	if c.MinTTL > c.MaxTTL {
		errs = append(errs, fmt.Errorf("dns min ttl: %v is more than max ttl, %v", c.MinTTL, c.MaxTTL))
	}
	return errors.Join(errs...)
}

func span(name string, v *time.Duration, standard, low, high time.Duration) error {
	if *v == 0 {
		*v = standard
	}
	if *v < low || *v > high {
		return fmt.Errorf("dns %s: %v is not from %v to %v", name, *v, low, high)
	}
	return nil
}

func count(name string, v *int, standard, high int) error {
	if *v == 0 {
		*v = standard
	}
	if *v < 1 || *v > high {
		return fmt.Errorf("dns %s: %d is not from 1 to %d", name, *v, high)
	}
	return nil
}

// completeServer adds the port that a server's address does not have.
func completeServer(s string) (string, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(a.String(), "53"), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = netip.ParseAddr(host)
	}
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return s, fmt.Errorf("%.64q is no name server; write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53", s)
	}
	return s, nil
}

// SystemServers returns the name servers that a file in the form of resolv.conf(5) lists.
func SystemServers(path string) ([]string, error) {
	c, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("dns servers of the system: %w", err)
	}
	if len(c.Servers) == 0 {
		return nil, fmt.Errorf("dns servers of the system: %s lists none", path)
	}
	servers := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		servers[i] = net.JoinHostPort(s, c.Port)
	}
	return servers, nil
}
