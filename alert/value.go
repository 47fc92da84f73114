package alert

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/schema"
)

// Value is a limit in the unit that its meter is shown in (rates: per second). In JSON and configuration it is a number
// or a text that ParseValue reads.
type Value float64

// UnmarshalText reads what ParseValue reads.
func (v *Value) UnmarshalText(b []byte) error {
	f, err := ParseValue(string(b))
	*v = Value(f)
	return err
}

// UnmarshalJSON reads a number, or a text that ParseValue reads.
func (v *Value) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	return v.UnmarshalText([]byte(text))
}

// Of returns a Value to point to, for rules written in Go.
func Of(f float64) *Value {
	v := Value(f)
	return &v
}

// units are what may stand after a number. They mean the unit of the meter, whatever that is: nothing is multiplied by
// 8 (acceptance C-20).
var units = []string{
	"", "b", "bit", "bits", "byte", "bytes", "bps", "b/s", "bits/s", "bytes/s", "pps", "p/s", "packets", "packets/s",
	"pkts", "pkts/s", "fps", "rps", "conns", "flows", "/s", "%", "uniques",
}

// powers are the letters for thousands, millions and so on.
const powers = "kmgt"

// ParseValue reads a limit: a number, perhaps K, M, G or T (1000, 1,000,000 and so on), perhaps a unit, which is taken
// as that of the meter: "10Mbps" is 10,000,000, "6K" is 6,000. Capitals do not matter.
func ParseValue(text string) (float64, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	n := digits(s)
	number, err := strconv.ParseFloat(s[:n], 64)
	unit := strings.TrimSpace(s[n:])
	if err != nil || math.IsInf(number, 0) {
		return 0, fmt.Errorf("%s is no value; expected a number such as 2000, 6K or 10Mbps", quoted(text))
	}
	if slices.Contains(units, unit) {
		return number, nil
	}
	p := strings.IndexByte(powers, unit[0])
	if p < 0 || !slices.Contains(units, unit[1:]) {
		hint := schema.DidYouMean(unit, slices.Values(units))
		if hint == "" {
			hint = "expected such as 2000, 6K, 10Mbps or 300pps"
		}
		return 0, fmt.Errorf("%s has an unknown unit; %s", quoted(text), hint)
	}
	if number *= math.Pow(1000, float64(p+1)); math.IsInf(number, 0) {
		return 0, fmt.Errorf("%s is too large a value", quoted(text))
	}
	return number, nil
}

// digits returns how long the number at the beginning of s is.
func digits(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', (c == '-' || c == '+') && (i == 0 || s[i-1] == 'e'):
		case c == 'e' && i > 0 && i+1 < len(s) && strings.IndexByte("+-0123456789", s[i+1]) >= 0:
		default:
			return i
		}
	}
	return len(s)
}

// quoted shows a piece of a user's text in a message, cut when long.
func quoted(s string) string {
	const shown = 60
	if len(s) > shown {
		s = strings.ToValidUTF8(s[:shown], "") + "..."
	}
	return strconv.Quote(s)
}
