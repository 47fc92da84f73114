package key

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
)

const hexDigits = "0123456789ABCDEF"

// AppendRaw appends the raw form of the binary key bin. A key that the form does not allow is written as hex digits
// after "0x", so that it can be seen. It never appends Totals: a text key that reads so is written SYS_GROUP_TOTALS.
func (f Form) AppendRaw(dst, bin []byte) []byte { return f.write(dst, bin, false) }

// AppendReadable appends the readable form of the binary key bin, else it is as AppendRaw.
func (f Form) AppendReadable(dst, bin []byte) []byte { return f.write(dst, bin, true) }

// write takes no function: what is passed to one moves to the heap.
func (f Form) write(dst, bin []byte, readable bool) []byte {
	if !f.whole(bin) {
		return appendHex(append(dst, "0x"...), bin)
	}
	if len(f) == 1 {
		if f.hasText() && len(bin) == len(Totals) && string(bin) == Totals {
			return append(dst, notTotals...)
		}
		return appendForm(dst, f[0], bin, readable)
	}
	for i, k := range f {
		if i > 0 {
			dst = append(dst, '\\')
		}
		n := int(bin[0])
		dst = appendForm(dst, k, bin[1:1+n], readable)
		bin = bin[1+n:]
	}
	return dst
}

func appendForm(dst []byte, k Kind, b []byte, readable bool) []byte {
	if readable {
		return appendReadable(dst, k, b)
	}
	return appendRaw(dst, k, b)
}

func appendRaw(dst []byte, k Kind, b []byte) []byte {
	switch k {
	case Host:
		return appendRawAddr(dst, b)
	case App:
		if len(b) == 1 {
			return appendPortless(dst, b[0])
		}
		return appendHex(append(dst, "p-"...), b)
	case Subnet:
		n := len(b) - 1
		return appendHex(append(appendRawAddr(dst, b[:n]), '/'), b[n:])
	case MAC:
		return appendMAC(dst, b)
	case MACPair:
		return appendMAC(append(appendMAC(dst, b[:6]), '_'), b[6:])
	case Interface:
		n := len(b) - 4
		return appendHex(append(appendRawAddr(dst, b[:n]), '_'), b[n:])
	case ASN:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(b)), 10)
	case Text, Direction, Country:
		return append(dst, b...)
	}
	return appendHex(dst, b) // Protocol, EtherType, VLAN, MPLS, ICMP, DSCP, Length
}

func appendReadable(dst []byte, k Kind, b []byte) []byte {
	switch k {
	case Host:
		return appendAddr(dst, b)
	case App:
		if len(b) == 2 {
			return strconv.AppendUint(append(dst, "Port-"...), uint64(binary.BigEndian.Uint16(b)), 10)
		}
	case Protocol:
		return appendNamed(dst, protocols[b[0]], "Proto-", b[0])
	case DSCP:
		return appendNamed(dst, codePoints[b[0]&63], "DSCP-", b[0])
	case EtherType:
		if name := etherTypeName(binary.BigEndian.Uint16(b)); name != "" {
			return append(dst, name...)
		}
		return appendHex(append(dst, "0x"...), b)
	case Subnet:
		n := len(b) - 1
		return strconv.AppendUint(append(appendAddr(dst, b[:n]), '/'), uint64(b[n]), 10)
	case VLAN:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(b)), 10)
	case MPLS:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(b)), 10)
	case Interface:
		n := len(b) - 4
		return strconv.AppendUint(append(appendAddr(dst, b[:n]), '_'), uint64(binary.BigEndian.Uint32(b[n:])), 10)
	case ASN:
		return strconv.AppendUint(append(dst, "AS"...), uint64(binary.BigEndian.Uint32(b)), 10)
	case Country:
		if name := countryName(b); name != "" {
			return append(dst, name...)
		}
	case ICMP:
		dst = append(strconv.AppendUint(dst, uint64(b[0]), 10), '/')
		return strconv.AppendUint(dst, uint64(b[1]), 10)
	case Length:
		if int(b[0]) < len(lengthClasses) {
			return append(dst, lengthClasses[b[0]].name...)
		}
	}
	return appendRaw(dst, k, b)
}

// appendNamed appends a number's name, or the number after a word when it has none.
func appendNamed(dst []byte, name, word string, n byte) []byte {
	if name != "" {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, word...), uint64(n), 10)
}

// espApp is how the application of protocol 50 (ESP) is written.
const espApp, esp = "ipsec0", 50

// appendPortless appends the application of a protocol without ports: its name in capitals and "00", or "IP", two hex
// digits and "00" when it has no name.
func appendPortless(dst []byte, proto byte) []byte {
	if proto == esp {
		return append(dst, espApp...)
	}
	from := len(dst)
	if name := protocols[proto]; name != "" {
		dst = append(dst, name...)
		for i := from; i < len(dst); i++ {
			if c := dst[i]; c >= 'a' && c <= 'z' {
				dst[i] = c - 'a' + 'A'
			}
		}
	} else {
		dst = append(dst, 'I', 'P', hexDigits[proto>>4], hexDigits[proto&15])
	}
	return append(dst, "00"...)
}

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func appendMAC(dst, b []byte) []byte {
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendRawAddr appends C0.A8.01.02 or 32 hex digits.
func appendRawAddr(dst, b []byte) []byte {
	if len(b) != 4 {
		return appendHex(dst, b)
	}
	for i, c := range b {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendAddr appends an address in its usual text form.
func appendAddr(dst, b []byte) []byte {
	if len(b) == 4 {
		return netip.AddrFrom4([4]byte(b)).AppendTo(dst)
	}
	return netip.AddrFrom16([16]byte(b)).AppendTo(dst)
}

// IsRaw tells whether text is a raw key of the form, exactly as AppendRaw writes it, or Totals.
func (f Form) IsRaw(text string) bool {
	if text == Totals {
		return true
	}
	bin, err := f.Parse(text)
	return err == nil && string(f.AppendRaw(nil, bin)) == text
}

// RawToReadable turns a raw key into its readable form. What is no raw key, and Totals, comes back as it is.
func (f Form) RawToReadable(raw string) string {
	bin, err := f.Parse(raw)
	if err != nil || !bytes.Equal(f.AppendRaw(nil, bin), []byte(raw)) {
		return raw
	}
	return string(f.AppendReadable(nil, bin))
}

// ReadableToRaw turns a key that people typed, raw or readable, into its raw form, as ParseReadable reads it. Totals
// stays as it is.
func (f Form) ReadableToRaw(text string) (string, error) {
	if IsTotals(text) {
		return Totals, nil
	}
	bin, err := f.ParseReadable(text)
	if err != nil {
		return "", err
	}
	return string(f.AppendRaw(nil, bin)), nil
}
