package enrich

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"weir/schema"
)

// groupSet finds the group of an address by longest prefix. The table holds numbers instead of names to stay small.
type groupSet struct {
	table  bart.Table[uint32]
	names  [][]byte
	source map[string][]string // as set, for those who ask for it back
}

func newGroupSet(groups map[string][]string) (*groupSet, error) {
	s := &groupSet{source: cloneLists(groups)}
	total := 0
	for _, list := range groups {
		total += len(list)
	}
	if total > MaxPrefixes {
		return nil, fmt.Errorf("%d prefixes are more than the %d that one set may have", total, MaxPrefixes)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if err := checkName("group", name, false); err != nil {
			return nil, err
		}
		if err := s.add(name, groups[name]); err != nil {
			return nil, fmt.Errorf("group %q: %w", name, err)
		}
	}
	return s, nil
}

func (s *groupSet) add(name string, prefixes []string) error {
	id := uint32(len(s.names))
	s.names = append(s.names, []byte(name))
	for i, text := range prefixes {
		p, err := ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
		if _, taken := s.table.Get(p); !taken {
			s.table.Insert(p, id)
		}
	}
	return nil
}

// lookup returns the name of the group of a, nil when no prefix covers it. The bytes belong to the set.
func (s *groupSet) lookup(a schema.Addr) []byte {
	if a.IsZero() {
		return nil
	}
	id, ok := s.table.Lookup(a.Netip())
	if !ok {
		return nil
	}
	return s.names[id]
}

// ParsePrefix reads an address or a CIDR prefix of either family; bits after the prefix length are cleared, and a
// mapped IPv4 prefix becomes an IPv4 one. The error says what is wrong and how it is written right.
func ParsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, prefixError(text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, prefixError(text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, prefixError(text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

func prefixError(text string) error {
	const shown = 64
	if len(text) > shown {
		text = text[:shown] + "..."
	}
	return fmt.Errorf("%q is no address and no CIDR prefix; write for example 198.51.100.0/24 or 2001:db8::1", text)
}
