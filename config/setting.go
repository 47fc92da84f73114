package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"weir/api"
)

// setting is one name that a section of the file may have. Reading and the commented defaults come from the same
// table, so neither can have what the other lacks.
type setting struct {
	name string
	doc  string // lines of a comment
	// to is where the value goes: *string, *bool, *int, *uint16, *uint32, *float64, *size, *time.Duration, *[]string,
	// *[]netip.Prefix, *api.Right. nil when read does it.
	to   any
	read func(r *reader, n *yaml.Node, path string)
	// example stands in the commented defaults, as a comment, where to does not show a value of its own.
	example string
}

// size is a number of bytes, which may be written with a unit: 8MiB.
type size int

var sizeUnits = []struct {
	suffix string
	factor size
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// parseSize reads a number of bytes with or without a unit.
func parseSize(s string) (size, error) {
	text, factor := strings.TrimSpace(s), size(1)
	for _, u := range sizeUnits {
		if head, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor = strings.TrimSpace(head), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > (1<<50)/int64(factor) {
		return 0, fmt.Errorf("%q is no size; write bytes, or a unit such as 8MiB", s)
	}
	return size(n) * factor, nil
}

// String returns the size in the largest unit of two's powers that shows it whole.
func (s size) String() string {
	for _, u := range [...]int{2, 1, 0} {
		if f := sizeUnits[u].factor; s >= f && s%f == 0 {
			return strconv.Itoa(int(s/f)) + sizeUnits[u].suffix
		}
	}
	return strconv.Itoa(int(s))
}

// size64 and bytes64 are sizes that other rooms keep in numbers of 64 bits.
type (
	size64  uint64
	bytes64 int64
)

// assign reads a scalar into the place of the setting. The error says what should stand there.
func assign(to any, text string) (err error) {
	switch to := to.(type) {
	case *string:
		*to = text
	case *bool:
		return assignBool(to, text)
	case *int:
		if *to, err = strconv.Atoi(strings.ReplaceAll(text, "_", "")); err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		if *to < 0 { // no setting counts anything below zero
			return fmt.Errorf("%q is below 0", text)
		}
	case *uint16:
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no whole number from 0 to 65535", text)
		}
		*to = uint16(n)
	case *uint32:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no whole number from 0 to 4294967295", text)
		}
		*to = uint32(n)
	case *float64:
		if *to, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("%q is no number", text)
		}
	case *size:
		*to, err = parseSize(text)
		return err
	case *size64:
		n, err := parseSize(text)
		*to = size64(n)
		return err
	case *bytes64:
		n, err := parseSize(text)
		*to = bytes64(n)
		return err
	case *time.Duration:
		if *to, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("%q is no duration; write a number with a unit, such as 500ms, 30s or 5m", text)
		}
		if *to < 0 {
			return fmt.Errorf("%q is below 0", text)
		}
	case *api.Right:
		return to.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("BUG: a setting of type %T", to))
	}
	return nil
}

func assignBool(to *bool, text string) error {
	switch text {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return nil
}

// assignList reads the texts of a list, or of a single value, into the place of the setting.
func assignList(to any, texts []string) (at int, err error) {
	switch to := to.(type) {
	case *[]string:
		*to = texts
	case *[]netip.Prefix:
		*to = nil
		for i, t := range texts {
			p, err := parsePrefix(t)
			if err != nil {
				return i, err
			}
			*to = append(*to, p)
		}
	default:
		panic(fmt.Sprintf("BUG: a list setting of type %T", to))
	}
	return 0, nil
}

// parsePrefix reads a CIDR prefix, or an address as the prefix that holds it alone.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is no prefix; write for example 192.0.2.0/24 or 2001:db8::/32", s)
	}
	return p.Masked(), nil
}

// isList tells whether the value of a setting is a list.
func isList(to any) bool {
	switch to.(type) {
	case *[]string, *[]netip.Prefix:
		return true
	}
	return false
}

// show returns the YAML of the value that stands in the place of a setting; ok is false when there is nothing to show.
func show(to any) (text string, ok bool) {
	switch to := to.(type) {
	case *string:
		return quoted(*to), *to != ""
	case *bool:
		return strconv.FormatBool(*to), true
	case *int:
		return strconv.Itoa(*to), true
	case *uint16:
		return strconv.Itoa(int(*to)), true
	case *uint32:
		return strconv.FormatUint(uint64(*to), 10), true
	case *float64:
		return strconv.FormatFloat(*to, 'g', -1, 64), true
	case *size:
		return to.String(), true
	case *size64:
		return size(*to).String(), true
	case *bytes64:
		return size(*to).String(), true
	case *time.Duration:
		return shortDuration(*to), true
	case *api.Right:
		return to.String(), true
	}
	return "", false
}

// shortDuration leaves out the zeros at the end of what time.Duration writes: 5m0s is 5m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// quoted returns a YAML scalar that means the text s.
func quoted(s string) string {
	for _, c := range s {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_-./", c)
		if !plain {
			return strconv.Quote(s)
		}
	}
	if s == "" || s == "null" || s == "true" || s == "false" {
		return strconv.Quote(s)
	}
	return s
}
