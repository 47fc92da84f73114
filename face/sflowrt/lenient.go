package sflowrt

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays of a body may be nested.
const maxDepth = 64

// strictJSON returns a lenient body as strict JSON: property names may go without quotes, texts may have single ones,
// lists may end with a comma, and numbers may be written as in ".5" or "+1" (spec sflow-rt 6). The answer is b itself
// when that is strict already. The error is a *problem with a position in b.
func strictJSON(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if json.Valid(b) {
		return b, nil
	}
	r := &lenient{in: b, out: make([]byte, 0, len(b)+len(b)/4+16)}
	if r.peek() == 0 && r.pos == len(b) {
		return nil, &problem{status: http.StatusBadRequest, Field: "body", Message: "the body is empty",
			Hint: `send a JSON object such as {"keys":"ipsource","value":"bytes"}`}
	}
	if err := r.value(); err != nil {
		return nil, err
	}
	if r.peek(); r.pos < len(b) {
		return nil, r.fault("text after the end of the value", "")
	}
	return r.out, nil
}

// lenient reads lenient JSON and writes strict JSON.
type lenient struct {
	in    []byte
	pos   int
	depth int
	out   []byte
}

func (r *lenient) fault(message, hint string) error {
	at := r.pos
	return &problem{status: http.StatusBadRequest, Field: "body", Message: message, Position: &at, Hint: hint}
}

// peek steps over white space and returns the byte there, 0 at the end.
func (r *lenient) peek() byte {
	for r.pos < len(r.in) {
		switch b := r.in[r.pos]; b {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return b
		}
	}
	return 0
}

func (r *lenient) value() error {
	switch b := r.peek(); {
	case b == '{':
		return r.list('}', r.member)
	case b == '[':
		return r.list(']', r.value)
	case b == '"' || b == '\'':
		return r.quoted(b)
	case b >= '0' && b <= '9' || b == '-' || b == '+' || b == '.':
		return r.number()
	case b == 0 && r.pos >= len(r.in):
		return r.fault("the body ends where a value is needed", "")
	}
	return r.word()
}

// list reads what stands between brackets, separated by commas of which one may be at the end.
func (r *lenient) list(end byte, element func() error) error {
	if r.depth++; r.depth > maxDepth {
		return r.fault("nested too deep", "at most 64 levels of objects and arrays are read")
	}
	r.out = append(r.out, r.in[r.pos])
	r.pos++
	for n := 0; ; n++ {
		if r.peek() == end {
			break
		}
		if n > 0 {
			r.out = append(r.out, ',')
		}
		if err := element(); err != nil {
			return err
		}
		switch b := r.peek(); {
		case b == ',':
			r.pos++
		case b != end:
			return r.fault(`found no "," and no "`+string(end)+`" after an element`,
				"a quote or a comma may be missing")
		}
	}
	r.out = append(r.out, end)
	r.pos++
	r.depth--
	return nil
}

// member reads a property name, a colon and a value.
func (r *lenient) member() error {
	switch b := r.peek(); {
	case b == '"' || b == '\'':
		if err := r.quoted(b); err != nil {
			return err
		}
	default:
		from := r.pos
		for r.pos < len(r.in) && isNameByte(r.in[r.pos]) {
			r.pos++
		}
		if from == r.pos {
			return r.fault("found no property name", `put names that are not plain words in quotes`)
		}
		r.out = append(r.out, '"')
		r.plain(r.in[from:r.pos])
		r.out = append(r.out, '"')
	}
	if r.peek() != ':' {
		return r.fault(`found no ":" after a property name`, "")
	}
	r.out = append(r.out, ':')
	r.pos++
	return r.value()
}

func isNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '$' || b == '-' ||
		b == '.' || b >= utf8.RuneSelf
}

// plain appends bytes of a text; those that JSON does not allow in one are escaped.
func (r *lenient) plain(text []byte) {
	const hex = "0123456789abcdef"
	for _, b := range text {
		switch {
		case b == '"' || b == '\\':
			r.out = append(r.out, '\\', b)
		case b < ' ':
			r.out = append(r.out, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			r.out = append(r.out, b)
		}
	}
}

// quoted reads a text in quotes of either kind.
func (r *lenient) quoted(quote byte) error {
	open := r.pos
	r.pos++
	r.out = append(r.out, '"')
	for r.pos < len(r.in) {
		from := r.pos
		for r.pos < len(r.in) && r.in[r.pos] != quote && r.in[r.pos] != '\\' {
			r.pos++
		}
		r.plain(r.in[from:r.pos])
		if r.pos == len(r.in) {
			break
		}
		if r.in[r.pos] == quote {
			r.pos++
			r.out = append(r.out, '"')
			return nil
		}
		if err := r.escape(); err != nil {
			return err
		}
	}
	r.pos = open
	return r.fault("text without an end", "close it with the quote that it begins with")
}

// escape reads a backslash and what belongs to it. A backslash before any other byte stands for that byte.
func (r *lenient) escape() error {
	if r.pos+1 == len(r.in) {
		r.pos++
		return nil
	}
	b := r.in[r.pos+1]
	switch b {
	case 'b', 'f', 'n', 'r', 't':
		r.out = append(r.out, '\\', b)
	case 'u':
		digits := r.in[r.pos+2 : min(len(r.in), r.pos+6)]
		if _, err := strconv.ParseUint(string(digits), 16, 32); len(digits) < 4 || err != nil {
			return r.fault(`\u without four hexadecimal digits`, "")
		}
		r.out = append(append(r.out, '\\', 'u'), digits...)
		r.pos += 4
	default:
		r.plain(r.in[r.pos+1 : r.pos+2])
	}
	r.pos += 2
	return nil
}

func (r *lenient) number() error {
	from := r.pos
	for r.pos < len(r.in) {
		if b := r.in[r.pos]; (b < '0' || b > '9') && b != '+' && b != '-' && b != '.' && b != 'e' && b != 'E' {
			break
		}
		r.pos++
	}
	text := r.in[from:r.pos]
	if json.Valid(text) {
		r.out = append(r.out, text...)
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) {
		r.pos = from
		return r.fault("not a number", "put texts in quotes")
	}
	r.out = strconv.AppendFloat(r.out, f, 'g', -1, 64)
	return nil
}

// word reads true, false, null and undefined.
func (r *lenient) word() error {
	from := r.pos
	for r.pos < len(r.in) && isNameByte(r.in[r.pos]) {
		r.pos++
	}
	switch w := string(r.in[from:r.pos]); w {
	case "true", "false", "null":
		r.out = append(r.out, w...)
	case "undefined":
		r.out = append(r.out, "null"...)
	default:
		r.pos = from
		return r.fault("found no value", "put texts in quotes")
	}
	return nil
}
