package config

import (
	"fmt"
	"strings"
)

// Defaults returns the defaults as a commented file, which reads back as Default. What has no default is there as a
// comment.
func Defaults() []byte {
	c := Default()
	var b strings.Builder
	b.WriteString("# The configuration of weir. Everything here is a default and may be left out.\n" +
		"# ${VAR} in a value stands for the environment variable VAR.\n")
	for _, s := range c.sections() {
		b.WriteByte('\n')
		comment(&b, "", s.doc)
		if s.read != nil {
			c.showSection(&b, &s)
			continue
		}
		b.WriteString(s.name + ":\n")
		for i := range s.settings {
			showSetting(&b, &s.settings[i])
		}
	}
	return []byte(b.String())
}

// comment writes lines as a comment.
func comment(b *strings.Builder, indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(strings.TrimRight(indent+"# "+line, " ") + "\n")
	}
}

// showSection writes a section of a form of its own.
func (c *Config) showSection(b *strings.Builder, s *section) {
	switch {
	case s.name == "data":
		fmt.Fprintf(b, "data: %s\n", quoted(c.Data))
	case strings.ContainsAny(s.example, "\n:"):
		comment(b, "", s.name+":")
		comment(b, "", "  "+strings.ReplaceAll(s.example, "\n", "\n  "))
	default:
		comment(b, "", s.name+": "+s.example)
	}
}

func showSetting(b *strings.Builder, s *setting) {
	comment(b, "  ", s.doc)
	if s.to != nil {
		if text, ok := show(s.to); ok {
			fmt.Fprintf(b, "  %s: %s\n", s.name, text)
			return
		}
	}
	comment(b, "  ", s.name+": "+s.example)
}
