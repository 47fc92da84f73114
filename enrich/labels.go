package enrich

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// labelMap gives the label of an exact value.
type labelMap struct {
	byValue map[string][]byte
	source  map[string][]string // as set, for those who ask for it back
}

func newLabelMap(labels map[string][]string) (*labelMap, error) {
	total := 0
	for _, values := range labels {
		total += len(values)
	}
	if total > MaxLabels {
		return nil, fmt.Errorf("%d values are more than the %d that one map may have", total, MaxLabels)
	}
	m := &labelMap{byValue: make(map[string][]byte, total), source: cloneLists(labels)}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if err := checkName("label", label, false); err != nil {
			return nil, err
		}
		text := []byte(label)
		for _, value := range labels[label] {
			m.add(value, text)
			m.add(canonicalValue(value), text)
		}
	}
	return m, nil
}

func (m *labelMap) add(value string, label []byte) {
	if _, taken := m.byValue[value]; !taken {
		m.byValue[value] = label
	}
}

// canonicalValue turns MAC and IPv6 addresses into the form in which the flow language shows them, so that a list
// copied from a switch (02:00:00:00:00:aa) finds its traffic (spec sflow-rt 2, rules). Other text stays as it is.
func canonicalValue(s string) string {
	switch len(s) {
	case 12, 14, 17:
		if m, err := ParseMAC(s); err == nil {
			return m.String()
		}
	}
	if strings.Contains(s, ":") {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			return strings.ToUpper(a.Unmap().String())
		}
	}
	return s
}

// ParseLists reads the JSON of a group set or map, {"name": ["value", ...], ...}. Numbers and booleans among the
// values become their text, and one value may stand without its brackets. The error says where.
func ParseLists(b []byte) (map[string][]string, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, jsonError(err, "an object of lists such as {\"lab\":[\"198.51.100.0/24\"]}")
	}
	if raw == nil {
		return nil, errors.New("null is no object of lists; an empty one is {}")
	}
	lists := make(map[string][]string, len(raw))
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var words []Word
		text := bytes.TrimSpace(raw[name])
		if len(text) == 0 || text[0] != '[' {
			words = make([]Word, 1)
			if err := json.Unmarshal(text, &words[0]); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
		} else if err := json.Unmarshal(text, &words); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		list := make([]string, len(words))
		for i, word := range words {
			list[i] = string(word)
		}
		lists[name] = list
	}
	return lists, nil
}

// Word is a text that tolerates being written as a JSON number or boolean: 7 reads as "7".
type Word string

// UnmarshalJSON reads a JSON text, number or boolean; null gives the empty Word, anything else is an error.
func (w *Word) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[':
		return errors.New("expected a text or a number, found a list or an object")
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(w))
	case string(b) == "null":
		*w = ""
	default:
		*w = Word(b)
	}
	return nil
}

// jsonError says where malformed JSON goes wrong and what was expected.
func jsonError(err error, want string) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("malformed JSON at byte %d: %w", syntax.Offset, err)
	case errors.As(err, &kind):
		where := kind.Field
		if where == "" {
			where = "the body"
		}
		return fmt.Errorf("%s: found a JSON %s, expected %s", where, kind.Value, want)
	}
	return err
}
