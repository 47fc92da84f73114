package schema

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// valueSet is the right side of "=" and "!=": the values of the list, read at compile time in every form that they can
// be compared in, so that a typed value is looked up without rendering it as text.
type valueSet struct {
	bools  [2]bool
	uints  []uint64 // sorted
	negs   []int64  // negative integers, sorted
	floats []float64
	addrs  []Addr   // sorted
	macs   []uint64 // 48 bits, sorted
	bits   []bitText
	texts  map[string]struct{}
	one    string // the only text, when there is one
}

// bitText is a text of binary digits.
type bitText struct {
	n     uint64
	width uint8
}

// add adds one value of the list.
func (s *valueSet) add(text string) {
	if s.texts == nil {
		s.texts = map[string]struct{}{}
	}
	s.texts[text] = struct{}{}
	switch strings.ToLower(text) {
	case "true", "yes":
		s.bools[1] = true
	case "false", "no":
		s.bools[0] = true
	}
	s.addNumber(text)
	s.addBits(text)
	if mac, ok := parseMAC(text); ok {
		s.macs = append(s.macs, mac)
		s.addCanonical(Value{Type: MAC, B: macBytes(mac)})
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		s.addrs = append(s.addrs, AddrOf(a))
		a = a.Unmap()
		var v Value
		v.SetIP(a.AsSlice())
		s.addCanonical(v)
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		s.texts[strings.ToUpper(p.Masked().String())] = struct{}{}
	}
}

// addCanonical adds how the language shows v, for functions whose result is that text.
func (s *valueSet) addCanonical(v Value) { s.texts[v.String()] = struct{}{} }

func (s *valueSet) addNumber(text string) {
	f, ok := parseNumber([]byte(text))
	if !ok {
		return
	}
	s.floats = append(s.floats, f)
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		s.uints = append(s.uints, n)
		return
	}
	switch n, err := strconv.ParseInt(text, 10, 64); {
	case err == nil && n < 0:
		s.negs = append(s.negs, n)
	case f == math.Trunc(f) && f >= 0 && f < 1<<63: // 6.0, +6, 1e3
		s.uints = append(s.uints, uint64(f))
	case f == math.Trunc(f) && f < 0 && f >= -1<<63:
		s.negs = append(s.negs, int64(f))
	}
}

func (s *valueSet) addBits(text string) {
	if len(text) > 64 || strings.Trim(text, "01") != "" {
		return
	}
	n, err := strconv.ParseUint(text, 2, 64)
	if err == nil {
		s.bits = append(s.bits, bitText{n, uint8(len(text))})
	}
}

// test returns the comparison with a value that is not null. The set must not change after.
func (s *valueSet) test() func(*Value) bool {
	slices.Sort(s.uints)
	slices.Sort(s.negs)
	slices.Sort(s.macs)
	slices.SortFunc(s.addrs, Addr.Compare)
	if len(s.texts) == 1 {
		for s.one = range s.texts {
		}
	}
	return s.has
}

// has tells whether v is equal to one of the values.
func (s *valueSet) has(v *Value) bool {
	switch v.Type {
	case Bool:
		return s.bools[v.N&1]
	case Uint:
		return contains(s.uints, v.N)
	case Int:
		if n := int64(v.N); n < 0 {
			return contains(s.negs, n)
		}
		return contains(s.uints, v.N)
	case Float:
		return slices.Contains(s.floats, math.Float64frombits(v.N))
	case IPv4, IPv6:
		return s.hasAddr(AddrFrom(v.B))
	case MAC:
		return contains(s.macs, packMAC(v.B))
	case Bits:
		return slices.Contains(s.bits, bitText{v.N, v.Width})
	case Text:
		if len(s.texts) == 1 {
			return string(v.B) == s.one
		}
		_, ok := s.texts[string(v.B)]
		return ok
	}
	return false
}

// few is up to how many values a loop over them is faster than a binary search.
const few = 8

func contains[T uint64 | int64](sorted []T, n T) bool {
	if len(sorted) > few {
		_, ok := slices.BinarySearch(sorted, n)
		return ok
	}
	return slices.Contains(sorted, n)
}

func (s *valueSet) hasAddr(a Addr) bool {
	if len(s.addrs) > few {
		_, ok := slices.BinarySearchFunc(s.addrs, a, Addr.Compare)
		return ok
	}
	return slices.Contains(s.addrs, a)
}

// packMAC returns the 6 bytes of a MAC address as a number.
func packMAC(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func macBytes(n uint64) []byte {
	return []byte{byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// parseMAC reads a MAC address: 12 hex digits in any case, plain or as aa:bb:.., aa-bb-.. or aabb.ccdd.eeff.
func parseMAC[T string | []byte](s T) (n uint64, ok bool) {
	every := 0
	switch len(s) {
	case 12:
	case 14:
		every = 4
	case 17:
		every = 2
	default:
		return 0, false
	}
	digits := 0
	for i := range len(s) {
		c := s[i]
		if every > 0 && i%(every+1) == every {
			if every == 4 && c != '.' || every == 2 && c != ':' && c != '-' || every == 2 && c != s[2] {
				return 0, false
			}
			continue
		}
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		n, digits = n<<4|uint64(d), digits+1
	}
	return n, digits == 12
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
