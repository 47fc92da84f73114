package key

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Range is a run of keys, both ends included, compared by their binary forms among keys as long as From (keys with a
// part that is a text: among all). A range of one key has From equal to To.
type Range struct{ From, To []byte }

// ParseList reads a list such as "192.168.1.1~192.168.1.9,10.0.0.0/8,http": items separated by commas, an item a key
// (raw, readable, a name), a range "a~b" or "a to b", or for hosts a network in CIDR form. White space around items
// does not matter; an item with a comma, "~", "!", "*" or "?" of its own stands in double quotes. An address that is
// both raw and readable is taken as the others of the list are, and as readable when they do not say.
func (f Form) ParseList(text string) ([]Range, error) {
	items, err := splitList(text)
	if err != nil {
		return nil, err
	}
	var ranges []Range
	raw := listIsRaw(items)
	for i, it := range items {
		r, err := f.parseItem(it, raw)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// item is one item of a list: its text, and whether it stood in quotes, so that nothing in it has a meaning.
type item struct {
	text   string
	quoted bool
}

// errEmptyList is what lists without an item get.
var errEmptyList = errors.New(`no keys; expected keys separated by commas, such as "192.168.1.1~192.168.1.9,10.0.0.1"`)

// splitList divides a list at its commas. Items that are empty are left out, but one item there must be.
func splitList(text string) ([]item, error) {
	var items []item
	for rest := text; rest != ""; {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("the quotes before %s have no end", quoted(rest[1:]))
			}
			items = append(items, item{rest[1 : 1+end], true})
			rest = strings.TrimLeft(rest[2+end:], " \t\r\n")
			if rest != "" && rest[0] != ',' {
				return nil, fmt.Errorf("expected a comma after the quotes, found %s", quoted(rest))
			}
			rest = strings.TrimPrefix(rest, ",")
			continue
		}
		var one string
		one, rest, _ = strings.Cut(rest, ",")
		if one = strings.TrimSpace(one); one != "" {
			items = append(items, item{one, false})
		}
	}
	if len(items) == 0 {
		return nil, errEmptyList
	}
	return items, nil
}

// cutRange divides "a~b" or "a to b".
func cutRange(it item) (from, to string, isRange bool) {
	if it.quoted {
		return it.text, it.text, false
	}
	if from, to, isRange = strings.Cut(it.text, "~"); !isRange {
		from, to, isRange = strings.Cut(it.text, " to ")
	}
	if !isRange {
		return it.text, it.text, false
	}
	return strings.TrimSpace(from), strings.TrimSpace(to), true
}

// listIsRaw tells whether the addresses of a list are raw: the first that has only one form decides for all.
func listIsRaw(items []item) bool {
	for _, it := range items {
		for _, s := range strings.FieldsFunc(it.text, func(r rune) bool { return strings.ContainsRune(`~\_/ `, r) }) {
			_, raw := readRawAddr(nil, s)
			_, usual := readUsualAddr(nil, s)
			if raw != usual {
				return raw
			}
		}
	}
	return false
}

func (f Form) parseItem(it item, raw bool) (Range, error) {
	from, to, isRange := cutRange(it)
	if !isRange && len(f) == 1 && f[0] == Host && strings.Contains(from, "/") {
		return hostsOf(from, raw)
	}
	a, err := f.parse(from, raw)
	if err != nil {
		return Range{}, err
	}
	if !isRange {
		return Range{a, a}, nil
	}
	b, err := f.parse(to, raw)
	if err != nil {
		return Range{}, err
	}
	if len(a) != len(b) && !f.hasText() {
		return Range{}, fmt.Errorf("the ends of %s are of two sorts; expected such as 192.168.1.1~192.168.1.9",
			quoted(it.text))
	}
	if bytes.Compare(a, b) > 0 {
		return Range{}, fmt.Errorf("the range %s goes backwards; put the smaller end first", quoted(it.text))
	}
	return Range{a, b}, nil
}

// hostsOf returns the range of all addresses of a subnet.
func hostsOf(text string, raw bool) (Range, error) {
	bin, err := parsePart(nil, Subnet, text, raw)
	if err != nil {
		return Range{}, err
	}
	from, length := bin[:len(bin)-1:len(bin)-1], int(bin[len(bin)-1])
	to := bytes.Clone(from)
	for i := range to {
		keep := min(max(length-8*i, 0), 8)
		to[i] |= byte(0xff >> keep)
	}
	return Range{from, to}, nil
}

// Set is a compiled list of keys: what is in one of its items and in none of its items with "!". It never changes.
type Set struct {
	form    Form
	in, out choice
}

// choice is one side of a Set.
type choice struct {
	all, totals bool
	classes     []class
	patterns    []string // of readable or raw keys, capitals of ASCII made small
}

func (c *choice) empty() bool {
	return !c.all && !c.totals && len(c.classes) == 0 && len(c.patterns) == 0
}

// class is the ranges of keys of one length (-1: any), sorted, none touching another.
type class struct {
	length int
	ranges []Range
}

// ParseSet reads a list as ParseList does. Besides, "*" is every key, an item with * (any letters) or ? (one letter)
// is a pattern which the readable or the raw form of a key matches, Totals is allowed (see HasTotals), and an item
// after "!" is left out; a list of nothing else is about all other keys.
func (f Form) ParseSet(text string) (*Set, error) {
	items, err := splitList(text)
	if err != nil {
		return nil, err
	}
	s := &Set{form: f}
	raw := listIsRaw(items)
	var in, out []Range
	for i, it := range items {
		side, ranges := &s.in, &in
		if !it.quoted && strings.HasPrefix(it.text, "!") {
			it.text, side, ranges = strings.TrimSpace(it.text[1:]), &s.out, &out
		}
		if side.special(it) {
			continue
		}
		r, err := f.parseItem(it, raw)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		*ranges = append(*ranges, r)
	}
	s.in.classes, s.out.classes = f.classes(in), f.classes(out)
	if s.in.empty() {
		s.in.all = true
	}
	return s, nil
}

// special takes the items that are no ranges; false leaves it to others.
func (c *choice) special(it item) bool {
	switch {
	case it.quoted:
		return false
	case IsTotals(it.text):
		c.totals = true
	case it.text == "*":
		c.all = true
	case strings.ContainsAny(it.text, "*?"):
		c.patterns = append(c.patterns, string(lower([]byte(it.text))))
	default:
		return false
	}
	return true
}

// NewSet compiles ranges of keys of form f. It borrows the ranges: they may not change any more.
func (f Form) NewSet(ranges []Range) *Set {
	return &Set{form: f, in: choice{classes: f.classes(ranges)}}
}

// classes sorts and joins ranges.
func (f Form) classes(ranges []Range) []class {
	sorted := slices.Clone(ranges)
	length := func(r Range) int {
		if f.hasText() {
			return -1
		}
		return len(r.From)
	}
	slices.SortFunc(sorted, func(a, b Range) int {
		return cmp.Or(cmp.Compare(length(a), length(b)), bytes.Compare(a.From, b.From), bytes.Compare(a.To, b.To))
	})
	var all []class
	for _, r := range sorted {
		if len(all) == 0 || all[len(all)-1].length != length(r) {
			all = append(all, class{length: length(r)})
		}
		c := &all[len(all)-1]
		if n := len(c.ranges); n > 0 && bytes.Compare(r.From, c.ranges[n-1].To) <= 0 {
			if bytes.Compare(r.To, c.ranges[n-1].To) > 0 {
				c.ranges[n-1].To = r.To
			}
			continue
		}
		c.ranges = append(c.ranges, r)
	}
	return all
}

// Match tells whether the binary key is in the set. It does not allocate for keys of usual lengths.
func (s *Set) Match(bin []byte) bool {
	return s.in.match(s.form, bin) && (s.out.empty() || !s.out.match(s.form, bin))
}

func (c *choice) match(f Form, bin []byte) bool {
	if c.all {
		return true
	}
	for i := range c.classes {
		if n := c.classes[i].length; (n < 0 || n == len(bin)) && contains(c.classes[i].ranges, bin) {
			return true
		}
	}
	if len(c.patterns) == 0 {
		return false
	}
	var scratch [256]byte
	readable := lower(f.AppendReadable(scratch[:0], bin))
	for _, p := range c.patterns {
		if matches(p, readable) {
			return true
		}
	}
	raw := lower(f.AppendRaw(scratch[:0], bin))
	for _, p := range c.patterns {
		if matches(p, raw) {
			return true
		}
	}
	return false
}

// contains tells whether one of the sorted ranges has bin.
func contains(ranges []Range, bin []byte) bool {
	lo, hi := 0, len(ranges) // ranges[:lo] begin at bin or before it, ranges[hi:] after it
	for lo < hi {
		if mid := (lo + hi) / 2; bytes.Compare(ranges[mid].From, bin) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo > 0 && bytes.Compare(bin, ranges[lo-1].To) <= 0
}

// lower changes capitals of ASCII in place.
func lower(b []byte) []byte {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// matches tells whether text matches a pattern with * and ?. Its steps are at most the product of their lengths.
func matches(pattern string, text []byte) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// HasTotals tells whether Totals is in the list; "*" is about keys only.
func (s *Set) HasTotals() bool { return s.in.totals && !s.out.totals }

// All tells whether every key is in the set.
func (s *Set) All() bool { return s.in.all && s.out.empty() }

// Keys returns the keys that the set lists one by one, when it consists of nothing else; else false. They are
// the set's: do not change them.
func (s *Set) Keys() ([][]byte, bool) {
	if s.in.all || len(s.in.patterns) > 0 || !s.out.empty() {
		return nil, false
	}
	var keys [][]byte
	for _, c := range s.in.classes {
		for _, r := range c.ranges {
			if !bytes.Equal(r.From, r.To) {
				return nil, false
			}
			keys = append(keys, r.From)
		}
	}
	return keys, true
}
