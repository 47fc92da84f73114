package enrich

import (
	"encoding/hex"
	"fmt"
	"strings"

	"weir/schema"
)

// MAC is an IEEE 802 address of 6 bytes. The zero MAC is "not known".
type MAC [6]byte

// ParseMAC reads 12 hex digits, plain or separated by colons, dashes or dots (02:00.., 02-00.., 0200.5e00.0001).
func ParseMAC(s string) (m MAC, err error) {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(m) || len(s) > 17 {
		return m, fmt.Errorf("%.32q is no MAC address; write 12 hex digits such as 0200000000AA", s)
	}
	copy(m[:], b)
	return m, nil
}

// String returns the form of the flow language: 12 upper case hex digits.
func (m MAC) String() string { return strings.ToUpper(hex.EncodeToString(m[:])) }

// MarshalText makes a MAC its String in JSON.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// IsZero tells whether m is "not known".
func (m MAC) IsZero() bool { return m == MAC{} }

// group tells that m is a broadcast or multicast address (IEEE 802-2014 8.2.2, the I/G bit).
func (m MAC) group() bool { return m[0]&1 != 0 }

// key packs a MAC and a VLAN into an address, so that one kind of persistent table serves both. The first byte keeps
// it clear of IPv4-mapped and zero addresses; the MAC comes first, so that all its VLANs lie under one prefix.
func (m MAC) key(vlan uint16) (a schema.Addr) {
	a[0] = 0xfd
	copy(a[1:], m[:])
	a[7], a[8] = byte(vlan>>8), byte(vlan)
	return a
}

// keyBits is the length of the part of a key that is the same for all VLANs of a MAC.
const keyBits = 56
