package docs

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/config"
)

// configured is one setting, as the commented defaults tell of it.
type configured struct {
	section, name string // name is empty when the section itself is the setting
	doc, value    string
	example       bool // value is not the default, of which there is none
}

// path returns the name with its section, as the page writes it.
func (c *configured) path() string { return strings.TrimSuffix(c.section+"."+c.name, ".") }

// text returns a file that gives the setting a value.
func (c *configured) text(value string) string {
	if c.name == "" {
		return c.section + ": " + value + "\n"
	}
	return c.section + ":\n  " + c.name + ": " + value + "\n"
}

// takes tells whether a value would be accepted.
func (c *configured) takes(value string) bool {
	_, problems := config.Parse("weir.yaml", []byte(c.text(value)))
	return problems == nil
}

// known tells whether there is a setting of this name, which tells an example in a comment from the comment.
func (c *configured) known() bool {
	_, problems := config.Parse("weir.yaml", []byte(c.text("null")))
	return !slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Msg == "there is no such name" })
}

var (
	sectionLine = regexp.MustCompile(`^([a-z_]+):(?: (.+))?$`)
	sectionNote = regexp.MustCompile(`^# ([a-z_]+):(?: (.+))?$`)
	settingLine = regexp.MustCompile(`^  ([a-z_]+): (.+)$`)
	settingNote = regexp.MustCompile(`^  # ([a-z_]+):(?: (.*))?$`)
)

// configuredSettings reads the commented defaults.
func configuredSettings(t *testing.T) (list []configured, about map[string]string) {
	t.Helper()
	about = map[string]string{}
	section, doc := "", []string(nil)
	add := func(c configured) {
		c.doc, doc = strings.Join(doc, " "), nil
		list = append(list, c)
	}
	begin := func(name, value string, example bool) {
		section, about[name] = name, strings.Join(doc, " ")
		add(configured{section: name, value: value, example: example})
	}
	_, text, _ := strings.Cut(string(config.Defaults()), "\n\n") // what comes before is about the file
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			begin(m[1], m[2], false)
		} else if m := sectionNote.FindStringSubmatch(line); m != nil && (&configured{section: m[1]}).known() {
			begin(m[1], m[2], true)
		} else if m := settingLine.FindStringSubmatch(line); m != nil {
			add(configured{section: section, name: m[1], value: m[2]})
		} else if m := settingNote.FindStringSubmatch(line); m != nil && (&configured{section: section, name: m[1]}).known() {
			add(configured{section: section, name: m[1], value: m[2], example: true})
		} else if text, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok && !strings.HasPrefix(line, "#   ") {
			doc = append(doc, text)
		}
	}
	return list, about
}

var (
	aNumber   = regexp.MustCompile(`^-?[0-9]+$`)
	aSize     = regexp.MustCompile(`^[0-9]+(B|KiB|MiB|GiB)$`)
	aDuration = regexp.MustCompile(`^([0-9.]+(ns|µs|ms|s|m|h))+$`)
)

// kindAndRange says what a value is, and finds out which are accepted.
func (c *configured) kindAndRange() (kind, limits string) {
	text := strconv.Itoa
	switch {
	case c.example:
		return "", ""
	case c.value == "true" || c.value == "false":
		return "true or false", ""
	case aNumber.MatchString(c.value):
		kind = "number"
	case aSize.MatchString(c.value):
		kind, text = "bytes", inBytes
	case aDuration.MatchString(c.value):
		kind, text = "duration", func(n int) string { return inTime(time.Duration(n)) }
	default:
		return "text", ""
	}
	return kind, c.limits(text)
}

// limits returns the accepted numbers around one that is, written as text does.
func (c *configured) limits(text func(int) string) string {
	takes := func(n int) bool { return c.takes(text(n)) }
	inside := c.inside(text)
	low := inside - farthest(inside-1, func(d int) bool { return takes(inside - d) })
	high := inside + farthest(math.MaxInt64-inside, func(d int) bool { return takes(inside + d) })
	zero := ""
	if takes(0) {
		if low == 1 {
			low = 0
		} else {
			zero = ", or 0"
		}
	}
	if high > 1<<50 { // who wants as much has not found the right setting
		return text(low) + " and more" + zero
	}
	return text(low) + " to " + text(high) + zero
}

// inside returns the default as a number, or one that is accepted where the default is 0 and stands for another.
func (c *configured) inside(text func(int) string) int {
	if d, err := time.ParseDuration(c.value); err == nil && d > 0 {
		return int(d)
	}
	n, err := strconv.Atoi(strings.TrimRight(c.value, "KMGiB"))
	if err != nil || n == 0 {
		return 1
	}
	for text(n) != c.value && n < 1<<50 {
		n *= 1 << 10
	}
	return n
}

// farthest returns the largest number up to most for which holds is true; it is so for 0 and for all below that number.
func farthest(most int, holds func(int) bool) int {
	if holds(most) {
		return most
	}
	low, high := 0, most
	for high-low > 1 {
		if mid := low + (high-low)/2; holds(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func inBytes(n int) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := 1 << (30 - 10*i); n >= size && n%size == 0 {
			return strconv.Itoa(n/size) + unit
		}
	}
	return strconv.Itoa(n)
}

func inTime(d time.Duration) string {
	if d >= 24*time.Hour && d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if head, ok := strings.CutSuffix(s, zero); ok {
			s = head + zero[:1]
		}
	}
	return s
}

// configurationTables returns the settings of all sections.
func configurationTables(t *testing.T) string {
	var b strings.Builder
	list, about := configuredSettings(t)
	for i := range list {
		c := &list[i]
		if c.name == "" {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n", c.section, strings.ReplaceAll(about[c.section], `"`, "`"))
			if c.value != "" {
				word := "Default"
				if c.example {
					word = "No default; for example"
				}
				fmt.Fprintf(&b, "\n%s: `%s: %s`\n", word, c.section, c.value)
			}
			continue
		}
		if list[i-1].section != c.section || list[i-1].name == "" {
			b.WriteString("\n| setting | default | is | range | meaning |\n|---|---|---|---|---|\n")
		}
		kind, limits := c.kindAndRange()
		value := "`" + c.value + "`"
		switch {
		case c.example && c.value == "":
			value = "none"
		case c.example:
			value = "none; e.g. " + value
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.path(), value, kind, limits, c.doc)
	}
	return b.String()
}

// TestConfigurationPage compares the generated part of the page of settings with what config reads.
func TestConfigurationPage(t *testing.T) {
	generate(t, "configuration.md", configurationTables(t))
}

// generate compares the generated part of a page, or writes it.
func generate(t *testing.T, name, want string) {
	t.Helper()
	page := read(t, name)
	at := strings.Index(page, generated)
	if at < 0 {
		t.Fatalf("%s has no place for the generated part", name)
	}
	want = page[:at+len(generated)] + want
	if *update {
		write(t, name, want)
		page = want
	}
	if page != want {
		t.Errorf("%s is not what the tables say: go test ./docs -update", name)
	}
}

// TestConfigurationSections asks for a word on every name that a section of another form knows: the file itself says
// which these are when it meets one that it does not.
func TestConfigurationSections(t *testing.T) {
	page := read(t, "configuration.md")
	known := regexp.MustCompile(`known here: (.*)`)
	for section, text := range map[string]string{
		"flows": "flows: {a: {qqqqqqqq: 1}}", "thresholds": "thresholds: {a: {qqqqqqqq: 1}}",
		"capture": "capture: [{interface: a, qqqqqqqq: 1}]", "tokens": "http: {tokens: [{qqqqqqqq: 1}]}",
		"file": "qqqqqqqq: 1",
	} {
		_, problems := config.Parse("weir.yaml", []byte(text))
		found := false
		for _, p := range problems {
			m := known.FindStringSubmatch(p.Hint)
			if m == nil {
				continue
			}
			found = true
			for name := range strings.SplitSeq(m[1], ", ") {
				if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "### "+name+"\n") {
					t.Errorf("configuration.md does not have %s, of %s", name, section)
				}
			}
		}
		if !found {
			t.Errorf("%s: no list of the names that are known: %v", section, problems)
		}
	}
}
