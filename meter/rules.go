package meter

import (
	"fmt"
	"strings"

	"weir/key"
)

// condition is a compiled filter in Trisul Filter Format (spec trisul 1.8.1): constraints on the keys that a record
// touched, joined by & and |, which are worked out from left to right.
type condition struct {
	terms []term
}

// term is one constraint: {group}=keys or {group}!keys.
type term struct {
	group   *Group
	counter *counter // nil when the group is not active: nothing is touched in it then
	set     *key.Set
	not     bool
	and     bool // joined to what is before by &
}

// The bounds of one filter.
const (
	maxFilter = 16 << 10 // bytes
	maxTerms  = 256
)

// CheckRule tells whether a filter in Trisul Filter Format can be read: {group}=key,key~key joined by & and |, "!" for
// "=" when none of the keys may be touched. A group is named by its GUID, short name or title. The error says where and
// what was expected.
func CheckRule(filter string, groups []*Group) error {
	_, err := parseCondition(filter, func(name string) *Group { return Lookup(groups, name) })
	return err
}

// parseCondition compiles a filter.
func parseCondition(text string, lookup func(name string) *Group) (*condition, error) {
	if len(text) > maxFilter {
		return nil, fmt.Errorf("filter of %d bytes; it has at most %d", len(text), maxFilter)
	}
	c := &condition{}
	rest, and := text, false
	for {
		t := term{and: and}
		var err error
		at := len(text) - len(rest)
		if rest, err = t.parse(rest, lookup); err != nil {
			return nil, fmt.Errorf("at byte %d: %w", at, err)
		}
		c.terms = append(c.terms, t)
		if len(c.terms) > maxTerms {
			return nil, fmt.Errorf("more than %d constraints; use several rules", maxTerms)
		}
		if rest == "" {
			return c, nil
		}
		and = rest[0] == '&'
		rest = rest[1:]
	}
}

// parse reads one constraint and returns what follows it: nothing, or an operator and more.
func (t *term) parse(text string, lookup func(name string) *Group) (rest string, err error) {
	text = strings.TrimLeft(text, " \t\r\n")
	if !strings.HasPrefix(text, "{") {
		return "", fmt.Errorf("expected a group in braces, such as {hosts}=10.0.0.1, found %q", cut(text))
	}
	name, rest, ok := strings.Cut(text[1:], "}")
	if !ok {
		return "", fmt.Errorf("the brace before %q has no end", cut(text[1:]))
	}
	name = strings.TrimSpace(name)
	if t.group = lookup(name); t.group == nil {
		if t.group = lookup("{" + name + "}"); t.group == nil {
			return "", fmt.Errorf("no counter group %q; name it by its GUID or short name", cut(name))
		}
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest == "" || rest[0] != '=' && rest[0] != '!' {
		return "", fmt.Errorf("expected = or ! after {%s}, found %q", cut(name), cut(rest))
	}
	t.not = rest[0] == '!'
	list, rest := splitItems(strings.TrimPrefix(rest[1:], "="))
	if strings.TrimSpace(list) == "" {
		return "", fmt.Errorf("no keys after {%s}; expected such as a,b~c", cut(name))
	}
	if t.set, err = t.group.Form.ParseSet(list); err != nil {
		return "", fmt.Errorf("{%s}: %w", cut(name), err)
	}
	return rest, nil
}

// splitItems cuts a list of keys off at the operator behind it; operators in quotes are part of a key.
func splitItems(text string) (list, rest string) {
	quoted := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '&' || c == '|'):
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// cut shortens what is shown of a user's text.
func cut(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}

// groupsOf returns the names in braces of a filter, right or wrong.
func groupsOf(filter string) (names []string) {
	for rest := filter; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return names
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			return names
		}
		names, rest = append(names, "{"+strings.TrimSpace(name)+"}", strings.TrimSpace(name)), tail
	}
}

// matches tells whether the record in hand satisfies the condition.
func (c *condition) matches() bool {
	is := false
	for i := range c.terms {
		t := &c.terms[i]
		if i > 0 && is != t.and {
			continue // false & anything, true | anything
		}
		is = (t.counter != nil && t.counter.any(t.set)) != t.not
	}
	return is
}
