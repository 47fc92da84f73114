package main

import (
	"strconv"
	"strings"
	"unicode"
)

// harmless makes text of the network harmless for a terminal: what is not printable becomes a question mark.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func harmlessAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = harmless(s)
	}
	return out
}

// withUnit writes a value with three significant digits, an SI prefix and its unit: "12.3 MB/s", "1.20 k/s", "64.0".
// Bytes are written as bits, as people speak of links: B/s becomes bit/s.
func withUnit(v float64, unit string) string {
	switch unit {
	case "B/s":
		v, unit = 8*v, "bit/s"
	case "1/s":
		unit = "/s"
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	number := shortNumber(v)
	if v > 0 && v < 0.00995 {
		number = strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := strings.TrimRight(number, "kMGT")
	return strings.TrimRight(sign+digits+" "+number[len(digits):]+unit, " ")
}

// errorText writes one standard error of a flow's value.
func (f *topFlow) errorText(unit string) string {
	if f.Exact {
		return "exact"
	}
	if f.Error == nil {
		return "" // the least, the most or the last of what was sampled: there is no telling how far off
	}
	return "±" + withUnit(*f.Error, unit)
}

// splitKeys returns the key expressions of a list: a comma in brackets or quotes does not separate.
func splitKeys(list string) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\\':
			i++
		case '\'':
			quoted = !quoted
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth == 0 && !quoted {
				out = append(out, strings.TrimSpace(list[from:i]))
				from = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(list[from:]))
}
