package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"weir/schema"
)

// asker puts questions to the servers. It belongs to one goroutine.
type asker struct {
	config   *Config
	udp, tcp *dns.Client
}

func newAsker(c *Config) *asker {
	return &asker{
		config: c,
		udp:    &dns.Client{Net: "udp", Timeout: c.Timeout},
		tcp:    &dns.Client{Net: "tcp", Timeout: c.Timeout},
	}
}

// ask returns the name of an address, empty when there is none, and how long that is good. The error tells that no
// server gave an answer, and ttl then when to try again.
func (a *asker) ask(ctx context.Context, addr schema.Addr) (name string, ttl time.Duration, err error) {
	owner, err := dns.ReverseAddr(addr.String())
	if err != nil {
		return "", a.config.NegativeTTL, fmt.Errorf("dns: %w", err)
	}
	question := new(dns.Msg).SetQuestion(owner, dns.TypePTR)
	question.SetEdns0(dns.DefaultMsgSize, false)
	var errs []error
	for _, server := range a.config.Servers {
		answer, err := a.exchange(ctx, question, server)
		if err == nil {
			name, ttl := a.read(owner, answer)
			return name, ttl, nil
		}
		errs = append(errs, fmt.Errorf("dns: %s: %w", server, err))
		if ctx.Err() != nil {
			break
		}
	}
	return "", a.config.FailureTTL, errors.Join(errs...)
}

// exchange asks one server; over TCP too when its answer does not fit a datagram (RFC 7766).
func (a *asker) exchange(ctx context.Context, question *dns.Msg, server string) (*dns.Msg, error) {
	answer, _, err := a.udp.ExchangeContext(ctx, question, server)
	if err == nil && answer.Truncated {
		answer, _, err = a.tcp.ExchangeContext(ctx, question, server)
	}
	switch {
	case err != nil:
		return nil, err
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return nil, fmt.Errorf("answered %s", dns.RcodeToString[answer.Rcode])
	case len(answer.Question) != 1 || answer.Question[0].Qtype != dns.TypePTR ||
		!strings.EqualFold(answer.Question[0].Name, question.Question[0].Name):
		return nil, errors.New("answered another question")
	}
	return answer, nil
}

// maxAliases bounds the chain of aliases that classless delegation uses (RFC 2317).
const maxAliases = 8

// read finds the name in an answer. Of several names the first in order of the alphabet is taken, so that servers
// that rotate them do not make flow keys change.
func (a *asker) read(owner string, answer *dns.Msg) (name string, ttl time.Duration) {
	seconds := uint32(1<<32 - 1)
	for range maxAliases {
		alias := ""
		for _, rr := range answer.Answer {
			if !strings.EqualFold(rr.Header().Name, owner) {
				continue
			}
			switch v := rr.(type) {
			case *dns.PTR:
				if name == "" || v.Ptr < name {
					name = v.Ptr
				}
				seconds = min(seconds, v.Hdr.Ttl)
			case *dns.CNAME:
				alias = v.Target
				seconds = min(seconds, v.Hdr.Ttl)
			}
		}
		if name != "" {
			return name, clamp(seconds, a.config.MinTTL, a.config.MaxTTL)
		}
		if alias == "" {
			break
		}
		owner = alias
	}
	return "", a.negative(answer)
}

// negative returns how long "no such name" is good: the lower of the TTL and the minimum of the zone's SOA record
// (RFC 2308 section 5).
func (a *asker) negative(answer *dns.Msg) time.Duration {
	for _, rr := range answer.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return clamp(min(soa.Hdr.Ttl, soa.Minttl), min(a.config.MinTTL, a.config.NegativeTTL), a.config.NegativeTTL)
		}
	}
	return min(a.config.MinTTL, a.config.NegativeTTL)
}

func clamp(seconds uint32, low, high time.Duration) time.Duration {
	return min(max(time.Duration(seconds)*time.Second, low), high)
}
