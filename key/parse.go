package key

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxText bounds the texts that are read as a key.
const maxText = 4096

// Parse reads a key in its raw or readable form, or a name of a service, protocol or country. Letters may be small. A
// text that is an address in both forms ("10.20.30.40" is also the raw form of 16.32.48.64) is taken as raw: that is
// for keys which came from tables or answers. Totals gives ErrTotals; other errors say what was expected.
func (f Form) Parse(text string) ([]byte, error) { return f.parse(text, true) }

// ParseReadable is Parse, but an address in both forms is taken as readable: that is for keys which people type.
func (f Form) ParseReadable(text string) ([]byte, error) { return f.parse(text, false) }

func (f Form) parse(text string, rawFirst bool) ([]byte, error) {
	if IsTotals(text) {
		return nil, ErrTotals
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("key of %d bytes; a key has at most %d", len(text), maxText)
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	if len(f) == 1 {
		return parsePart(nil, f[0], text, rawFirst)
	}
	parts, err := f.split(text)
	if err != nil {
		return nil, err
	}
	var bin []byte
	for i, s := range parts {
		part, err := parsePart(nil, f[i], s, rawFirst)
		if err != nil {
			return nil, fmt.Errorf("part %d of %s: %w", i+1, quoted(text), err)
		}
		if len(part) > 255 {
			return nil, fmt.Errorf("part %d of %s: %d bytes, a part has at most 255", i+1, quoted(text), len(part))
		}
		bin = AppendPart(bin, part)
	}
	return bin, nil
}

// split divides the text of a cross-key into its parts. Backslashes that are too many belong to the first part that
// is a text.
func (f Form) split(text string) ([]string, error) {
	pieces := strings.Split(text, `\`)
	extra := len(pieces) - len(f)
	for i, k := range f {
		if extra > 0 && (k == Text || k == Direction) {
			joined := strings.Join(pieces[i:i+1+extra], `\`)
			return append(append(pieces[:i:i], joined), pieces[i+1+extra:]...), nil
		}
	}
	if extra != 0 {
		return nil, fmt.Errorf(`%s has %d parts; expected %d, joined by one backslash, as in %s`,
			quoted(text), len(pieces), len(f), f)
	}
	return pieces, nil
}

// parsePart appends the binary form of one part, or says what was expected.
func parsePart(dst []byte, k Kind, s string, rawFirst bool) ([]byte, error) {
	if k == Text {
		return append(dst, s...), nil
	}
	s = strings.TrimSpace(s)
	bin, ok := readPart(dst, k, s, rawFirst)
	if ok {
		return bin, nil
	}
	hint := nearest(k, s)
	if hint != "" {
		hint = "; " + hint
	}
	return nil, fmt.Errorf("%s is not %s%s", quoted(s), kinds[k].expected, hint)
}

func readPart(dst []byte, k Kind, s string, rawFirst bool) ([]byte, bool) {
	switch k {
	case Host:
		return readAddr(dst, s, rawFirst)
	case App:
		return readApp(dst, s)
	case Protocol:
		return readProtocol(dst, s)
	case EtherType:
		return readEtherType(dst, s)
	case Subnet:
		return readSubnet(dst, s, rawFirst)
	case MAC:
		return readMAC(dst, s)
	case MACPair:
		a, z, _ := strings.Cut(s, "_")
		if dst, ok := readMAC(dst, a); ok {
			return readMAC(dst, z)
		}
		return nil, false
	case Interface:
		return readInterface(dst, s, rawFirst)
	case Country:
		return readCountry(dst, s)
	case Length:
		return readLength(dst, s)
	case Direction:
		for _, d := range olderDirections {
			if strings.EqualFold(s, d.older) {
				s = d.now
			}
		}
		return append(dst, s...), true
	}
	return readNumber(dst, k, s)
}

// readNumber reads the kinds that are one or two small numbers.
func readNumber(dst []byte, k Kind, s string) ([]byte, bool) {
	switch k {
	case VLAN:
		s = withoutWord(s, "VLAN-")
		// A VLAN has 12 bits, so its four hex digits begin with 0 and no number of four digits does.
		if b, ok := readHex(dst, s, 2); ok && s[0] == '0' {
			return b, true
		}
		n, ok := readDecimal(s, 4095)
		return binary.BigEndian.AppendUint16(dst, uint16(n)), ok
	case MPLS:
		if b, ok := readHex(dst, s, 4); ok {
			return b, inRange(MPLS, b[len(dst):])
		}
		n, ok := readDecimal(s, 1<<20-1)
		return binary.BigEndian.AppendUint32(dst, uint32(n)), ok
	case ASN:
		n, ok := readDecimal(withoutWord(s, "AS"), 1<<32-1)
		return binary.BigEndian.AppendUint32(dst, uint32(n)), ok
	case ICMP:
		if b, ok := readHex(dst, s, 2); ok {
			return b, true
		}
		t, c, _ := strings.Cut(s, "/")
		kind, ok := readDecimal(t, 255)
		code, ok2 := readDecimal(c, 255)
		return append(dst, byte(kind), byte(code)), ok && ok2
	case DSCP:
		return readDSCP(dst, s)
	}
	return nil, false
}

func readDSCP(dst []byte, s string) ([]byte, bool) {
	for n, name := range codePoints {
		if name != "" && strings.EqualFold(name, s) {
			return append(dst, byte(n)), true
		}
	}
	if strings.EqualFold(s, "BE") || strings.EqualFold(s, "default") {
		return append(dst, 0), true
	}
	if b, ok := readHex(dst, s, 1); ok {
		return b, inRange(DSCP, b[len(dst):])
	}
	n, ok := readDecimal(withoutWord(s, "DSCP-"), 63)
	return append(dst, byte(n)), ok && (len(s) == 1 || len(s) > 2)
}

// readDecimal reads a number in digits, at most limit; two digits more than it needs are enough.
func readDecimal(s string, limit uint64) (uint64, bool) {
	if s == "" || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n <= limit
}

// readHex appends n bytes from exactly 2n hex digits.
func readHex(dst []byte, s string, n int) ([]byte, bool) {
	if len(s) != 2*n {
		return dst, false
	}
	for ; s != ""; s = s[2:] {
		hi, lo := hexValue(s[0]), hexValue(s[1])
		if hi > 15 || lo > 15 {
			return dst, false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

// hexValue returns the value of a hex digit, or 255.
func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// withoutWord removes a word before a number, in capitals or not.
func withoutWord(s, word string) string {
	if len(s) > len(word) && strings.EqualFold(s[:len(word)], word) {
		return s[len(word):]
	}
	return s
}

// readRawAddr reads C0.A8.01.02 or 32 hex digits.
func readRawAddr(dst []byte, s string) ([]byte, bool) {
	if len(s) == 11 && s[2] == '.' && s[5] == '.' && s[8] == '.' {
		return readHex(dst, s[0:2]+s[3:5]+s[6:8]+s[9:11], 4)
	}
	b, ok := readHex(nil, s, 16)
	if ok && mapped(b) {
		b = b[12:]
	}
	return append(dst, b...), ok
}

func readUsualAddr(dst []byte, s string) ([]byte, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return dst, false
	}
	return append(dst, a.Unmap().AsSlice()...), true
}

func readAddr(dst []byte, s string, rawFirst bool) ([]byte, bool) {
	first, second := readRawAddr, readUsualAddr
	if !rawFirst {
		first, second = second, first
	}
	if b, ok := first(dst, s); ok {
		return b, true
	}
	return second(dst, s)
}

func readSubnet(dst []byte, s string, rawFirst bool) ([]byte, bool) {
	first, second := readRawSubnet, readUsualSubnet
	if !rawFirst {
		first, second = second, first
	}
	if b, ok := first(dst, s); ok {
		return b, true
	}
	return second(dst, s)
}

// readRawSubnet reads C0.A8.01.00/18; bits past the mask are not raw.
func readRawSubnet(dst []byte, s string) ([]byte, bool) {
	addr, length, _ := strings.Cut(s, "/")
	b, ok := readRawAddr(nil, addr)
	if !ok {
		return dst, false
	}
	b, ok = readHex(b, length, 1)
	return append(dst, b...), ok && inRange(Subnet, b)
}

// readUsualSubnet reads a CIDR block; bits past the mask are forgotten.
func readUsualSubnet(dst []byte, s string) ([]byte, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return dst, false
	}
	a, bits := p.Addr(), p.Bits()
	if a.Is4In6() {
		if bits < 96 {
			return dst, false
		}
		a, bits = a.Unmap(), bits-96
	}
	p, err = a.Prefix(bits)
	if err != nil {
		return dst, false
	}
	return append(append(dst, p.Addr().AsSlice()...), byte(bits)), true
}

func readMAC(dst []byte, s string) ([]byte, bool) {
	var digits strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case hexValue(c) < 16:
			digits.WriteByte(c)
		case c != ':' && c != '-' && c != '.' || len(s) > 17:
			return dst, false
		}
	}
	n := digits.Len()
	if n != 12 || len(s) != 12 && len(s) != 14 && len(s) != 17 {
		return dst, false
	}
	return readHex(dst, digits.String(), 6)
}

// readInterface reads a router and an ifIndex. The ifIndex is hex when it has the 8 digits of the raw form, or, after a
// raw router, the 4 digits of an older one; else it is decimal. Eight decimal digits after a readable router are hex
// only when they begin with 0 (103.10.31.100_00000003), which no decimal number does.
func readInterface(dst []byte, s string, rawFirst bool) ([]byte, bool) {
	i := strings.LastIndexByte(s, '_')
	if i < 0 {
		return dst, false
	}
	router, index := s[:i], s[i+1:]
	usual, isUsual := readUsualAddr(nil, router)
	raw, isRaw := readRawAddr(nil, router)
	b := raw
	if isUsual && !(isRaw && rawFirst && len(index) == 8) {
		b, isRaw = usual, false
	} else if !isRaw {
		return dst, false
	}
	dst = append(dst, b...)
	if len(index) == 8 && (isRaw || index[0] == '0' || strings.ContainsAny(index, "abcdefABCDEF")) {
		return readHex(dst, index, 4)
	}
	if n, ok := readHex(nil, index, 2); ok && isRaw {
		return append(append(dst, 0, 0), n...), true
	}
	n, ok := readDecimal(index, 1<<32-1)
	return binary.BigEndian.AppendUint32(dst, uint32(n)), ok
}

func readApp(dst []byte, s string) ([]byte, bool) {
	if len(s) == 6 && (s[0] == 'p' || s[0] == 'P') && s[1] == '-' {
		return readHex(dst, s[2:], 2)
	}
	if n, ok := readDecimal(withoutWord(s, "Port-"), 65535); ok {
		return binary.BigEndian.AppendUint16(dst, uint16(n)), true
	}
	if port, ok := services[strings.ToLower(s)]; ok {
		return binary.BigEndian.AppendUint16(dst, port), true
	}
	if strings.EqualFold(s, espApp) {
		return append(dst, esp), true
	}
	name := strings.TrimSuffix(s, "00")
	if n, ok := protocolOf(name); ok {
		return append(dst, n), true
	}
	if len(name) == 4 && len(s) == 6 && strings.EqualFold(name[:2], "IP") {
		return readHex(dst, name[2:], 1)
	}
	return dst, false
}

func readProtocol(dst []byte, s string) ([]byte, bool) {
	if b, ok := readHex(dst, s, 1); ok {
		return b, true
	}
	if n, ok := protocolOf(s); ok {
		return append(dst, n), true
	}
	n, ok := readDecimal(withoutWord(s, "Proto-"), 255)
	return append(dst, byte(n)), ok // of two digits only after the word: else they are hex
}

func readEtherType(dst []byte, s string) ([]byte, bool) {
	if b, ok := readHex(dst, withoutWord(s, "0x"), 2); ok {
		return b, true
	}
	for _, e := range etherTypes {
		if strings.EqualFold(e.name, s) {
			return binary.BigEndian.AppendUint16(dst, e.number), true
		}
	}
	return dst, false
}

func readCountry(dst []byte, s string) ([]byte, bool) {
	if up := strings.ToUpper(s); len(up) == 2 && isCode(up[0]) && isCode(up[1]) {
		return append(dst, up...), true
	}
	for _, c := range countries {
		if strings.EqualFold(c.name, s) {
			return append(dst, c.code...), true
		}
	}
	return dst, false
}

func readLength(dst []byte, s string) ([]byte, bool) {
	if b, ok := readHex(dst, s, 1); ok && inRange(Length, b[len(dst):]) {
		return b, true
	}
	for i := range lengthClasses {
		if lengthClasses[i].name == s {
			return append(dst, byte(i)), true
		}
	}
	return dst, false
}
