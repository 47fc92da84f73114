package key

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/schema"
)

// Kind says what a key, or one part of a cross-key, is, and so how long its binary form is and how it is written.
type Kind uint8

// The kinds. Numbers are in network byte order.
const (
	Text      Kind = iota + 1 // any bytes; raw and readable are the bytes themselves
	Host                      // IP address, 4 or 16 bytes: C0.A8.01.02 or 32 hex digits, 192.168.1.2
	App                       // port, 2 bytes: p-0016, Port-22; or 1 byte, IP protocol without ports: ICMP00
	Protocol                  // IP protocol, 1 byte: 06, TCP
	EtherType                 // link layer, 2 bytes: 0800, IPv4
	Subnet                    // address of 4 or 16 bytes and 1 byte, mask length: C0.A8.01.00/18, 192.168.1.0/24
	MAC                       // 6 bytes: 00:1C:C0:B9:B9:10
	MACPair                   // 12 bytes: 00:1C:C0:B9:B9:10_00:1C:C0:B9:B9:11
	VLAN                      // 2 bytes: 000A, 10
	MPLS                      // label, 4 bytes: 00004E20, 20000
	Interface                 // router of 4 or 16 bytes and ifIndex, 4 bytes: C0.A8.00.01_00000003, 192.168.0.1_3
	ASN                       // AS number, 4 bytes: 64512, AS64512
	Country                   // two upper-case letters or digits: DE, Germany
	ICMP                      // type and code, 2 bytes: 0800, 8/0
	DSCP                      // differentiated services code point, 1 byte: 2E, EF
	Length                    // class of packet lengths, 1 byte, see LengthClass: 02, 65-127
	Direction                 // as Text, but the older names of directions are read as the newer ones
)

// kinds has, for each Kind, its word in configuration and what is said when a text is none.
var kinds = [...]struct{ word, expected string }{
	Text:      {"text", "a text"},
	Host:      {"host", "an IP address such as 192.168.1.2, 2001:db8::1 or C0.A8.01.02"},
	App:       {"app", "a port such as Port-22, 22 or p-0016, or the name of a service or protocol such as ssh or ICMP00"},
	Protocol:  {"protocol", "an IP protocol such as TCP, two hex digits such as 06, or Proto-6"},
	EtherType: {"ethertype", "an EtherType such as IPv4 or four hex digits such as 0800"},
	Subnet:    {"subnet", "a subnet such as 192.168.1.0/24, 2001:db8::/32 or C0.A8.01.00/18"},
	MAC:       {"mac", "a MAC address such as 00:1C:C0:B9:B9:10"},
	MACPair:   {"mac_pair", "two MAC addresses such as 00:1C:C0:B9:B9:10_00:1C:C0:B9:B9:11"},
	VLAN:      {"vlan", "a VLAN from 0 to 4095 such as 10, or four hex digits such as 000A"},
	MPLS:      {"mpls", "an MPLS label from 0 to 1048575 such as 20000, or eight hex digits such as 00004E20"},
	Interface: {"interface", "an interface such as 192.168.0.1_3 or C0.A8.00.01_00000003 (router_ifIndex)"},
	ASN:       {"asn", "an AS number such as AS64512 or 64512"},
	Country:   {"country", "a country such as DE or Germany"},
	ICMP:      {"icmp", "an ICMP type and code such as 8/0, or four hex digits such as 0800"},
	DSCP:      {"dscp", "a code point such as EF, AF11 or DSCP-46, or two hex digits such as 2E"},
	Length:    {"length", "a class of packet lengths such as 65-127, or two hex digits such as 02"},
	Direction: {"direction", "a direction such as DIR_INTOHOME, or TOTALBW"},
}

// Totals is the raw and readable key that stands for the sum over all keys of a group. It has no binary form, and no
// key of a row is ever written so. Callers that take it ask IsTotals before they parse.
const Totals = "SYS:GROUP_TOTALS"

// notTotals is how a text key is written that would look like Totals.
const notTotals = "SYS_GROUP_TOTALS"

// ErrTotals is what Parse says of Totals.
var ErrTotals = errors.New(Totals + " is the sum over all keys of the group, which is no key here")

// IsTotals tells whether text is Totals, in capitals or not.
func IsTotals(text string) bool { return len(text) == len(Totals) && strings.EqualFold(text, Totals) }

func (k Kind) known() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's word in configuration and answers: "host", "mac_pair"...
func (k Kind) String() string {
	if !k.known() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].word
}

// ParseKind reads what String returns, in capitals or not.
func ParseKind(word string) (Kind, error) {
	low := strings.ToLower(word)
	var words []string
	for k := Text; k.known(); k++ {
		if kinds[k].word == low {
			return k, nil
		}
		words = append(words, kinds[k].word)
	}
	hint := schema.DidYouMean(low, slices.Values(words))
	if hint == "" {
		hint = "one of " + strings.Join(words, ", ")
	}
	return 0, fmt.Errorf("unknown kind of key %s; %s", quoted(word), hint)
}

// MarshalText returns what String returns; an unknown kind is an error.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.known() {
		return nil, fmt.Errorf("unknown kind of key %d", uint8(k))
	}
	return []byte(kinds[k].word), nil
}

// UnmarshalText reads what MarshalText returns.
func (k *Kind) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKind(string(b))
	return err
}

// Form is the kinds of the parts of a group's keys: one, or two or three of a cross-key. The binary form of a key with
// one part is that part; of more parts it is each part after one byte that has its length (see AppendPart). Raw and
// readable parts are joined by one backslash.
type Form []Kind

// MaxParts is how many parts a cross-key may have.
const MaxParts = 3

// String returns the words of the kinds, joined by backslashes: "host\app".
func (f Form) String() string {
	words := make([]string, len(f))
	for i, k := range f {
		words[i] = k.String()
	}
	return strings.Join(words, `\`)
}

// ParseForm reads what String returns; commas are taken as backslashes.
func ParseForm(text string) (Form, error) {
	var f Form
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '\\' || r == ',' }) {
		k, err := ParseKind(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		f = append(f, k)
	}
	return f, f.Check()
}

// Check tells what is wrong with a form: no part, more than MaxParts, or an unknown kind.
func (f Form) Check() error {
	if len(f) == 0 || len(f) > MaxParts {
		return fmt.Errorf("a key has 1 to %d parts, not %d", MaxParts, len(f))
	}
	for _, k := range f {
		if !k.known() {
			return fmt.Errorf("unknown kind of key %d", uint8(k))
		}
	}
	return nil
}

// AppendPart appends one part of a cross-key's binary form: its length (at most 255; the rest is cut) and its bytes.
func AppendPart(dst, part []byte) []byte {
	n := min(len(part), 255)
	return append(append(dst, byte(n)), part[:n]...)
}

// Part returns part i of a binary key, or nil when the key is not of the form; it borrows from bin. A key of one part
// is its part 0.
func (f Form) Part(bin []byte, i int) []byte {
	if i < 0 || i >= len(f) {
		return nil
	}
	if len(f) == 1 {
		return bin
	}
	for ; len(bin) > 0; i-- {
		n := int(bin[0])
		if n >= len(bin) {
			return nil
		}
		if i == 0 {
			return bin[1 : 1+n : 1+n]
		}
		bin = bin[1+n:]
	}
	return nil
}

// whole tells whether bin has as many parts as the form, each of a length that its kind allows.
func (f Form) whole(bin []byte) bool {
	if len(f) == 1 {
		return fits(f[0], bin)
	}
	for _, k := range f {
		if len(bin) == 0 || int(bin[0]) >= len(bin) || !fits(k, bin[1:1+int(bin[0])]) {
			return false
		}
		bin = bin[1+int(bin[0]):]
	}
	return len(bin) == 0 && len(f) > 0
}

// Valid tells whether bin is a binary key of the form, with values in the ranges of its kinds.
func (f Form) Valid(bin []byte) bool {
	if !f.whole(bin) {
		return false
	}
	for i, k := range f {
		if !inRange(k, f.Part(bin, i)) {
			return false
		}
	}
	return true
}

// hasText tells whether a part may have any length.
func (f Form) hasText() bool {
	return slices.ContainsFunc(f, func(k Kind) bool { return k == Text || k == Direction })
}

// sortsAsRaw tells whether binary keys of one length sort as their raw forms do.
func (f Form) sortsAsRaw(a, b []byte) bool {
	if len(f) != 1 {
		return false
	}
	switch f[0] {
	case Text, Direction:
		return true
	case ASN:
		return false
	case App:
		return len(a) == 2 && len(b) == 2
	}
	return len(a) == len(b)
}

// Compare orders two binary keys as their raw forms sort. It does not allocate for keys of usual lengths.
func (f Form) Compare(a, b []byte) int {
	if f.sortsAsRaw(a, b) {
		return bytes.Compare(a, b)
	}
	var x, y [192]byte
	return bytes.Compare(f.AppendRaw(x[:0], a), f.AppendRaw(y[:0], b))
}

// fits tells whether a part has a length that its kind allows.
func fits(k Kind, b []byte) bool {
	switch k {
	case Text, Direction:
		return true
	case Host:
		return len(b) == 4 || len(b) == 16
	case App:
		return len(b) == 2 || len(b) == 1
	case Protocol, DSCP, Length:
		return len(b) == 1
	case EtherType, VLAN, ICMP, Country:
		return len(b) == 2
	case Subnet:
		return len(b) == 5 || len(b) == 17
	case MAC:
		return len(b) == 6
	case MACPair:
		return len(b) == 12
	case MPLS, ASN:
		return len(b) == 4
	case Interface:
		return len(b) == 8 || len(b) == 20
	}
	return false
}

// inRange tells whether a part that fits has a value which its kind allows, one that Parse could give.
func inRange(k Kind, b []byte) bool {
	switch k {
	case Host:
		return !mapped(b)
	case Interface:
		return !mapped(b[:len(b)-4])
	case Subnet:
		n := len(b) - 1
		return !mapped(b[:n]) && int(b[n]) <= 8*n && hostBitsZero(b[:n], int(b[n]))
	case VLAN:
		return b[0] < 0x10
	case MPLS:
		return b[0] == 0 && b[1] < 0x10
	case DSCP:
		return b[0] < 64
	case Length:
		return int(b[0]) < len(lengthClasses)
	case Country:
		return isCode(b[0]) && isCode(b[1])
	}
	return true
}

func isCode(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }

// mapped tells whether b is an IPv4 address in mapped form (RFC 4291 section 2.5.5.2), whose key has 4 bytes.
func mapped(b []byte) bool { return len(b) == 16 && schema.AddrFrom(b).Is4() }

func hostBitsZero(addr []byte, length int) bool {
	for i, c := range addr {
		if keep := min(max(length-8*i, 0), 8); c<<keep != 0 {
			return false
		}
	}
	return true
}

// quoted shows a piece of a user's text in a message, cut when long.
func quoted(s string) string {
	const shown = 60
	if len(s) > shown {
		s = strings.ToValidUTF8(s[:shown], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
