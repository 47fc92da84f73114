package wire

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"weir/schema"
	"weir/wire/netflow"
)

// DynamicField returns the attribute that reads an information element of NetFlow v9 and IPFIX by its number: "ie16"
// for element 16, "ie15397_3" for element 3 of the private enterprise 15397, "ie29305_1" for the reverse of element 1
// (RFC 5103). It is null in records that came without the element. Times and octets are texts as the decoder shows
// them; elements that nobody has named are integers when they have up to 8 bytes, else hexadecimal digits. ok is false
// for any other name. What one call returns is for one goroutine, as with Fields.
func DynamicField(name string) (f schema.Field, ok bool) {
	enterprise, id, ok := elementOf(name)
	if !ok {
		return f, false
	}
	kind, named := netflow.ElementType(enterprise, id)
	doc := "information element " + netflow.ElementName(enterprise, id)
	tag := schema.MakeTag(schema.SpaceElement, enterprise, uint32(id))
	return single(name, dynamicType(kind, named), doc, readElement(tag, kind, named)), true
}

// elementOf reads "ieN" or "iePEN_N": numbers without leading zeros or signs.
func elementOf(name string) (enterprise uint32, id uint16, ok bool) {
	digits, ok := strings.CutPrefix(name, "ie")
	if !ok {
		return 0, 0, false
	}
	if before, after, private := strings.Cut(digits, "_"); private {
		n, ok := plainNumber(before, math.MaxUint32)
		if !ok || n == 0 {
			return 0, 0, false
		}
		enterprise, digits = uint32(n), after
	}
	n, ok := plainNumber(digits, math.MaxUint16)
	return enterprise, uint16(n), ok && n != 0
}

func plainNumber(s string, limit uint64) (uint64, bool) {
	if s == "" || s[0] == '0' && s != "0" || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n <= limit
}

// dynamicType is the type that values of an element have; those that nobody has named depend on the record.
func dynamicType(kind netflow.ElementKind, named bool) schema.Type {
	if !named {
		return schema.Null
	}
	switch kind {
	case netflow.Uint:
		return schema.Uint
	case netflow.Int:
		return schema.Int
	case netflow.Float:
		return schema.Float
	case netflow.Bool:
		return schema.Bool
	case netflow.MAC:
		return schema.MAC
	case netflow.IPv4:
		return schema.IPv4
	case netflow.IPv6:
		return schema.IPv6
	}
	return schema.Text
}

// readElement reads an element; values whose length does not fit their kind are null.
func readElement(tag schema.Tag, kind netflow.ElementKind, named bool) reader {
	enterprise, id := tag.Enterprise(), uint16(tag.Number())
	rendered := textOf(func(b []byte, r *schema.Record, _ int) []byte {
		value := r.Part(tag)
		if !named {
			return hex.AppendEncode(b, value)
		}
		return netflow.AppendElement(b, enterprise, id, value)
	})
	return func(r *schema.Record, nth int, out *schema.Value) {
		value := r.Part(tag)
		if value == nil || nth != 0 {
			return
		}
		n, isNumber := bigEndian(value)
		switch {
		case !named && isNumber, named && kind == netflow.Uint && isNumber:
			out.SetUint(n)
		case !named:
			rendered(r, nth, out)
		case kind == netflow.Uint:
		case kind == netflow.Text:
			setPadded(out, value)
		default:
			setKind(out, kind, value, n)
			if dynamicType(kind, true) == schema.Text {
				rendered(r, nth, out)
			}
		}
	}
}

// setPadded makes out a text without the NUL bytes that fill up texts of fixed length.
func setPadded(out *schema.Value, b []byte) {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) > 0 {
		out.SetText(b)
	}
}

// setKind makes out the value of a kind that is neither unsigned nor text.
func setKind(out *schema.Value, kind netflow.ElementKind, b []byte, n uint64) {
	switch kind {
	case netflow.Int:
		if shift := 64 - 8*len(b); shift >= 0 && shift < 64 {
			out.SetInt(int64(n<<shift) >> shift)
		}
	case netflow.Float:
		switch len(b) {
		case 4:
			out.SetFloat(float64(math.Float32frombits(uint32(n))))
		case 8:
			out.SetFloat(math.Float64frombits(n))
		}
	case netflow.Bool:
		if n == 1 || n == 2 { // RFC 7011 section 6.1.5
			out.SetBool(n == 1)
		}
	case netflow.MAC:
		out.SetMAC(b)
	case netflow.IPv4:
		if len(b) == 4 {
			out.SetIP(b)
		}
	case netflow.IPv6:
		if len(b) == 16 {
			out.SetIP(b)
		}
	}
}
