package export

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"weir/schema"
)

// reader reads the text of one key value into out, which may borrow room; false when it is no such value.
type reader func(text string, bits int, room *[16]byte, out *schema.Value) bool

// known says how a key of the flow language is told in IPFIX (IANA IPFIX Information Elements).
type known struct {
	element, length uint16
	proto           uint8 // that the key implies, 0 none
	read            reader
}

// elementProtocol is protocolIdentifier.
const elementProtocol = 4

// protoTCP and protoUDP are IP protocol numbers.
const (
	protoTCP = 6
	protoUDP = 17
)

// knownKeys are the keys that package flow lets through to export (spec sflow-rt 1.6). Ports are told with the
// elements that every collector knows, whatever the protocol is, which the protocol element then tells.
var knownKeys = map[string]known{
	"macsource":          {element: 56, length: 6, read: readMAC},
	"macdestination":     {element: 80, length: 6, read: readMAC},
	"ethernetprotocol":   {element: 256, length: 2, read: readNumber},
	"vlan":               {element: 58, length: 2, read: readNumber},
	"priority":           {element: 244, length: 1, read: readNumber},
	"ipprotocol":         {element: elementProtocol, length: 1, read: readNumber},
	"ipsource":           {element: 8, length: 4, read: readIPv4},
	"ipdestination":      {element: 12, length: 4, read: readIPv4},
	"ip6source":          {element: 27, length: 16, read: readIPv6},
	"ip6destination":     {element: 28, length: 16, read: readIPv6},
	"ip6nexthdr":         {element: elementProtocol, length: 1, read: readNumber},
	"tcpsourceport":      {element: 7, length: 2, read: readNumber, proto: protoTCP},
	"tcpdestinationport": {element: 11, length: 2, read: readNumber, proto: protoTCP},
	"udpsourceport":      {element: 7, length: 2, read: readNumber, proto: protoUDP},
	"udpdestinationport": {element: 11, length: 2, read: readNumber, proto: protoUDP},
	"inputifindex":       {element: 10, length: 4, read: readPort},
	"outputifindex":      {element: 14, length: 4, read: readPort},
}

// column is one key of a definition.
type column struct {
	known
	repeated bool // an earlier key has the same element: read, and not sent
	room     [16]byte
	value    schema.Value // of the record at hand
}

// splits tells whether the values of keys can be told apart once they are joined by fs. A byte that is in no value
// finds the first separator for sure, and by that the next.
func splits(fs string) bool {
	return strings.ContainsFunc(fs, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		return !letter && (c < '0' || c > '9') && c != '.' && c != ':'
	})
}

// readKeys reads the joined values of keys into the columns; false when they do not fit.
func readKeys(columns []column, text, fs string) bool {
	if len(columns) == 0 {
		return text == ""
	}
	for i := range columns {
		c, value := &columns[i], text
		if i+1 < len(columns) {
			var found bool
			if value, text, found = strings.Cut(text, fs); !found {
				return false
			}
		}
		if !c.read(value, 8*int(c.length), &c.room, &c.value) {
			return false
		}
	}
	return true
}

func readNumber(text string, bits int, _ *[16]byte, out *schema.Value) bool {
	n, err := strconv.ParseUint(text, 10, bits)
	out.SetUint(n)
	return err == nil
}

// readPort reads an interface. What is no single interface of the device is told as 0.
func readPort(text string, bits int, room *[16]byte, out *schema.Value) bool {
	switch text {
	case "internal":
		out.SetUint(schema.PortInternal)
		return true
	case "discard", "multiple", "unknown":
		out.SetUint(0)
		return true
	}
	return readNumber(text, bits, room, out)
}

func readMAC(text string, _ int, room *[16]byte, out *schema.Value) bool {
	const size = 6
	if len(text) != 2*size {
		return false
	}
	var digits [2 * size]byte
	copy(digits[:], text)
	if _, err := hex.Decode(room[:size], digits[:]); err != nil {
		return false
	}
	out.SetMAC(room[:size])
	return true
}

func readIPv4(text string, _ int, room *[16]byte, out *schema.Value) bool {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return false
	}
	b := a.As4()
	out.SetIP(room[:copy(room[:], b[:])])
	return true
}

func readIPv6(text string, _ int, room *[16]byte, out *schema.Value) bool {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return false
	}
	*room = a.As16()
	out.SetIP(room[:])
	return true
}
