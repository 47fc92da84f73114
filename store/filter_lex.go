package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/schema"
)

type tokenKind uint8

const (
	tokenEnd  tokenKind = iota
	tokenWord           // a name, a number, a word without quotes
	tokenText           // in quotes; text has none
	tokenSign           // an operator, a bracket, a comma
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the filter
}

// is tells whether the token is a word of the language; capitals do not matter.
func (t token) is(word string) bool { return t.kind == tokenWord && strings.EqualFold(t.text, word) }

const signs = "<>=!(),"

// next reads the next token.
func (p *filterParser) next() error {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	at := p.pos
	if at == len(p.text) {
		p.tok = token{tokenEnd, "", at}
		return nil
	}
	switch c := p.text[at]; {
	case c == '"' || c == '\'':
		return p.quoted(c)
	case strings.IndexByte(signs, c) >= 0:
		n := 1
		for _, o := range operatorSigns {
			if strings.HasPrefix(p.text[at:], o.sign) {
				n = len(o.sign)
				break
			}
		}
		p.tok = token{tokenSign, p.text[at : at+n], at}
		p.pos += n
		return nil
	}
	for p.pos < len(p.text) && strings.IndexByte(signs+" \t\r\n\"'", p.text[p.pos]) < 0 {
		p.pos++
	}
	p.tok = token{tokenWord, p.text[at:p.pos], at}
	return nil
}

// quoted reads a text in quotes.
func (p *filterParser) quoted(quote byte) error {
	at := p.pos
	for i := at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote:
			p.pos = i + 1
			text := p.text[at+1 : i]
			if quote == '"' {
				var err error
				if text, err = strconv.Unquote(p.text[at:p.pos]); err != nil {
					return p.fault(at, "this is no text in quotes", "escape as in \"a \\\"b\\\" c\", or use single quotes")
				}
			}
			p.tok = token{tokenText, text, at}
			return nil
		}
	}
	return p.fault(at, "the closing quote is missing", "")
}

// protocolNames are the names of IP protocols that a filter may use.
var protocolNames = map[string]int64{
	"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmp6": 58,
	"icmpv6": 58, "ospf": 89, "pim": 103, "vrrp": 112, "sctp": 132,
}

// endings multiply numbers.
var endings = map[string]float64{
	"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// number turns a word into a constant for a column of numbers.
func (p *filterParser) number(column string, typ schema.ColumnType, word string, pos int) (Value, error) {
	if column == "proto" {
		if n, ok := protocolNames[strings.ToLower(word)]; ok {
			return Int(n), nil
		}
	}
	unit := columnUnit(p.table, column)
	if v, ok := timeValue(unit, word); ok {
		return v, nil
	}
	if v, ok := plainNumber(word); ok {
		if typ == schema.ColumnInt && v.Type == schema.ColumnFloat {
			return Value{}, p.fault(pos, fmt.Sprintf("%q has whole numbers, %q is none", column, clip(word)), "")
		}
		return v, nil
	}
	hint := "numbers are written 443, 1.5M, 64Ki, 0x10"
	switch unit {
	case "ns":
		hint = "times are written 2026-01-02T15:04:05Z or in nanoseconds, durations 90s, 5m, 2h"
	case "us":
		hint = "durations are written 20ms, 1.5s or in microseconds"
	}
	return Value{}, p.fault(pos, fmt.Sprintf("%q is no number for %q", clip(word), column), hint)
}

func columnUnit(t *schema.Table, name string) string {
	if i := t.Column(name); i >= 0 {
		return t.Columns[i].Unit
	}
	c, _ := ComputedColumn(t, name)
	return c.Unit
}

// timeValue reads durations and instants for columns whose unit is one of time.
func timeValue(unit, word string) (Value, bool) {
	scale := map[string]time.Duration{"ns": 1, "us": time.Microsecond, "s": time.Second}[unit]
	if scale == 0 {
		return Value{}, false
	}
	if unit == "ns" {
		if at, err := time.Parse(time.RFC3339Nano, word); err == nil && at.Year() >= 1970 && at.Year() < 2262 {
			return Int(at.UnixNano()), true
		}
	}
	d, err := time.ParseDuration(word)
	if err != nil || d == 0 {
		return Value{}, false
	}
	return Int(int64(d / scale)), true
}

// plainNumber reads 443, -1, 0x10, 1.5, 1e6, 2k, 1.5Mi. The value is an integer whenever it is a whole number that an
// integer can hold exactly.
func plainNumber(word string) (Value, bool) {
	if hex, ok := strings.CutPrefix(strings.ToLower(word), "0x"); ok {
		u, err := strconv.ParseInt(hex, 16, 64)
		return Int(u), err == nil
	}
	if i, err := strconv.ParseInt(word, 10, 64); err == nil {
		return Int(i), true
	}
	digits := strings.TrimRight(word, "kKMGTi")
	scale := 1.0
	if ending := word[len(digits):]; ending != "" {
		if scale = endings[ending]; scale == 0 {
			return Value{}, false
		}
	}
	if strings.Trim(digits, "0123456789.eE+-") != "" {
		return Value{}, false // not "inf", "nan", "0x1p4", "1_000"
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return Value{}, false
	}
	f *= scale
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return Int(int64(f)), true
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return Value{}, false
	}
	return Float(f), true
}

// String returns c in the filter language: ParseFilter reads it back. Conditions that the language cannot say (an empty
// list) are told in words of their own.
func (c Cond) String() string {
	switch c.Op {
	case Always:
		return ""
	case And, Or:
		parts := make([]string, len(c.Parts))
		for i, part := range c.Parts {
			parts[i] = part.String()
			if part.Op == And || part.Op == Or {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, map[Op]string{And: " and ", Or: " or "}[c.Op])
	case Not:
		return "not (" + c.Parts[0].String() + ")"
	case Range:
		return fmt.Sprintf("%s in %s..%s", c.Column, c.Values[0], c.Values[1])
	case In:
		list := make([]string, len(c.Values))
		for i, v := range c.Values {
			list[i] = v.String()
		}
		return fmt.Sprintf("%s in (%s)", c.Column, strings.Join(list, ", "))
	}
	return fmt.Sprintf("%s %s %s", c.Column, c.Op, c.Values[0])
}

// String returns the operator's sign or word.
func (o Op) String() string {
	return [...]string{"always", "and", "or", "not", "=", "!=", "<", "<=", ">", ">=", "in", "in", "prefix", "contains",
		"within", "has"}[o%16]
}
