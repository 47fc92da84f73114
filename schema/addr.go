package schema

import (
	"bytes"
	"net/netip"
)

// Addr holds an IPv4 (mapped, RFC 4291 section 2.5.5.2) or IPv6 address. It has no pointers, so a map of Addr is
// nothing to the garbage collector. The zero Addr is "not known".
type Addr [16]byte

var mappedPrefix = [12]byte{10: 0xff, 11: 0xff}

// Addr4 returns the mapped form of an IPv4 address of 4 bytes, network order.
func Addr4(b [4]byte) (a Addr) {
	copy(a[:12], mappedPrefix[:])
	copy(a[12:], b[:])
	return a
}

// AddrFrom returns the address in b (4 or 16 bytes, network order); any other length gives the zero Addr.
func AddrFrom(b []byte) (a Addr) {
	switch len(b) {
	case 4:
		copy(a[:12], mappedPrefix[:])
		copy(a[12:], b)
	case 16:
		copy(a[:], b)
	}
	return a
}

// AddrOf returns the Addr of a netip.Addr; the zero netip.Addr gives the zero Addr. Zones are dropped.
func AddrOf(n netip.Addr) (a Addr) {
	if n.IsValid() {
		a = n.As16()
	}
	return a
}

// ParseAddr reads an IPv4 or IPv6 address in any of its usual text forms.
func ParseAddr(s string) (Addr, error) {
	n, err := netip.ParseAddr(s)
	if err != nil {
		return Addr{}, err
	}
	return AddrOf(n), nil
}

// Is4 tells whether a is an IPv4 address in mapped form.
func (a Addr) Is4() bool { return [12]byte(a[:12]) == mappedPrefix }

// IsZero tells whether a is "not known".
func (a Addr) IsZero() bool { return a == Addr{} }

// Netip returns a as a netip.Addr, unmapped; the zero Addr gives the zero netip.Addr.
func (a Addr) Netip() netip.Addr {
	if a.IsZero() {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a).Unmap()
}

// Compare orders addresses by their 16 bytes.
func (a Addr) Compare(b Addr) int { return bytes.Compare(a[:], b[:]) }

// String returns the usual text form: dotted IPv4 or RFC 5952 IPv6; empty for the zero Addr.
func (a Addr) String() string {
	if a.IsZero() {
		return ""
	}
	return a.Netip().String()
}

// MarshalText makes an Addr its usual text in JSON and YAML.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero Addr.
func (a *Addr) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*a = Addr{}
		return nil
	}
	v, err := ParseAddr(string(b))
	if err == nil {
		*a = v
	}
	return err
}
