package dump

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"unicode"
	"unicode/utf8"

	"weir/schema"
)

// line builds one line in either form. It is reused.
type line struct {
	json  bool
	buf   []byte
	part  bool // the one begun last is open
	first bool // nothing stands yet in the object that is open
	text  []byte
}

// partKey is the key of the kind of a part in JSON; no field of a part may have it.
const partKey = "part"

// start begins a line of a kind.
func (l *line) start(kind string) {
	l.buf, l.part, l.first = l.buf[:0], false, true
	if l.json {
		l.buf = append(l.buf, '{')
		l.str("kind", kind)
		return
	}
	l.buf = append(l.buf, kind...)
}

// begin begins a part of the line; fields from now on are in it.
func (l *line) begin(kind string) {
	switch {
	case !l.json:
		l.buf = append(append(l.buf, " | "...), kind...)
		return
	case l.part:
		l.buf = append(l.buf, '}', ',', '{')
	default:
		l.buf = append(l.buf, `,"parts":[{`...)
	}
	l.part, l.first = true, true
	l.str(partKey, kind)
}

// end ends the line and writes it.
func (l *line) end(w io.Writer) error {
	if l.json {
		if l.part {
			l.buf = append(l.buf, '}', ']')
		}
		l.buf = append(l.buf, '}')
	}
	l.buf = append(l.buf, '\n')
	_, err := w.Write(l.buf)
	return err
}

// name writes the name of a field, which may come from the wire as well.
func (l *line) name(name string) {
	if !l.json {
		l.buf = append(l.buf, ' ')
		if plain(name) {
			l.buf = append(l.buf, name...)
		} else {
			l.buf = strconv.AppendQuote(l.buf, name)
		}
		l.buf = append(l.buf, '=')
		return
	}
	if !l.first {
		l.buf = append(l.buf, ',')
	}
	l.first = false
	l.buf = append(appendJSON(l.buf, name), ':')
}

// appendJSON appends a JSON string; bytes that are no UTF-8 become replacement characters.
func appendJSON(dst []byte, s string) []byte {
	if simple(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic("BUG: a string has no JSON: " + err.Error())
	}
	return append(dst, b...)
}

// simple tells whether a text needs no escape in JSON, as nearly all names and values do not.
func simple(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// str writes a text. In the text form it is quoted unless it is plain.
func (l *line) str(name, value string) {
	l.name(name)
	switch {
	case l.json:
		l.buf = appendJSON(l.buf, value)
	case plain(value):
		l.buf = append(l.buf, value...)
	default:
		l.buf = strconv.AppendQuote(l.buf, value)
	}
}

// plain tells whether a text needs no quotes in the text form: what comes from the wire must not upset a terminal, nor
// look like two fields.
func plain(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r <= ' ' || r == '"' || r == '|' || r == '=' || !unicode.IsPrint(r) {
			return false
		}
	}
	return s != ""
}

func (l *line) uint(name string, n uint64) {
	l.name(name)
	l.buf = strconv.AppendUint(l.buf, n, 10)
}

// meaning writes a number that stands for something; without a name it stands alone.
func (l *line) meaning(name string, n uint64, means string, ok bool) {
	l.uint(name, n)
	switch {
	case !ok:
	case l.json:
		l.str(name+"_name", means)
	default:
		l.buf = append(append(append(l.buf, '('), means...), ')')
	}
}

func (l *line) bool(name string, v bool) {
	l.name(name)
	l.buf = strconv.AppendBool(l.buf, v)
}

func (l *line) hex(name string, b []byte) { l.str(name, hex.EncodeToString(b)) }

func (l *line) addr(name string, a schema.Addr) { l.str(name, a.String()) }

// ip writes the 4 or 16 bytes of an address. A schema.Addr would not do: to it all zeros are no address.
func (l *line) ip(name string, b []byte) {
	if a, ok := netip.AddrFromSlice(b); ok {
		l.str(name, a.Unmap().String())
		return
	}
	l.str(name, "")
}

func (l *line) at(name string, at schema.Instant) {
	if at != 0 {
		l.str(name, at.String())
	}
}

// value writes a value of the flow language.
func (l *line) value(name string, v schema.Value) {
	switch v.Type {
	case schema.Bool, schema.Int, schema.Uint, schema.Float:
		l.name(name)
		l.buf = v.AppendText(l.buf)
	case schema.Null:
		l.name(name)
		l.buf = append(l.buf, "null"...)
	case schema.MAC:
		l.mac(name, v.B)
	case schema.IPv4, schema.IPv6:
		l.ip(name, v.B)
	default:
		l.str(name, v.String())
	}
}

// mac writes a MAC address as people write it.
func (l *line) mac(name string, b []byte) {
	l.text = l.text[:0]
	for i, c := range b {
		if i > 0 {
			l.text = append(l.text, ':')
		}
		l.text = hex.AppendEncode(l.text, []byte{c})
	}
	l.str(name, string(l.text))
}

// hexNumber writes a number of so many bits as 0x and hexadecimal digits.
func (l *line) hexNumber(name string, n uint64, bits int) {
	l.str(name, fmt.Sprintf("0x%0*x", (bits+3)/4, n))
}
