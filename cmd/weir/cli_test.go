package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// generatedPart marks where the part of a page begins that is made by a test.
const generatedPart = "<!-- generated -->\n"

// TestCommandLinePage compares the reference of commands and flags with the command line itself.
func TestCommandLinePage(t *testing.T) {
	const name = "../../docs/cli.md"
	page := readPage(t, name)
	at := strings.Index(page, generatedPart)
	if at < 0 {
		t.Fatalf("%s has no place for the generated part", name)
	}
	want := page[:at+len(generatedPart)] + commandTables(t)
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		page = want
	}
	if page != want {
		t.Errorf("%s is not what the command line is: go test ./cmd/weir -run CommandLinePage -update", name)
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// commandLine returns a parser of the command line. It does not end the test when help is asked for.
func commandLine(t *testing.T) *kong.Kong {
	t.Helper()
	k, err := kong.New(&commands{}, kong.Name("weir"), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func commandTables(t *testing.T) string {
	var b strings.Builder
	for _, c := range commandLine(t).Model.Leaves(true) {
		fmt.Fprintf(&b, "\n### weir %s\n\n%s\n", c.Name, c.Help)
		rows := ""
		for _, p := range c.Positional {
			rows += fmt.Sprintf("| `%s` | | %s |\n", p.Summary(), cell(p.Help))
		}
		for _, f := range c.Flags {
			if f.Name != "help" {
				rows += fmt.Sprintf("| %s | %s | %s |\n", flagName(f), flagDefault(f), cell(f.Help))
			}
		}
		if rows != "" {
			b.WriteString("\n| argument or flag | default | meaning |\n|---|---|---|\n" + rows)
		}
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if !f.IsBool() {
		holder := strings.Trim(f.PlaceHolder, `"`)
		if holder == "" || holder == f.Default {
			holder = strings.ToUpper(f.Name)
		}
		name += "=" + holder
	}
	return "`" + name + "`"
}

func flagDefault(f *kong.Flag) string {
	switch {
	case f.Required:
		return "required"
	case f.HasDefault:
		return "`" + f.Default + "`"
	}
	return ""
}

// TestExamplesOfCommands runs the command lines on the pages, and only parses those that would not end by themselves.
func TestExamplesOfCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	texts := map[string]string{}
	for _, name := range append(pages, "../../README.md") {
		texts[filepath.Base(name)] = readPage(t, name)
	}
	pcap, err := os.ReadFile("../../corpus/cases/borders/input.pcap")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, content := range map[string][]byte{
		"capture.pcap": pcap, "monday.pcap": pcap, "tuesday.pcap": pcap, "before.json": {},
		"weir.yaml": []byte("flows:\n  talkers: {keys: ipsource, value: bytes}\n"),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for name, text := range texts {
		for _, line := range commandLines(text) {
			ran += tryCommand(t, name, line)
		}
	}
	if ran < 10 {
		t.Errorf("only %d examples ran; there should be more", ran)
	}
}

// tryCommand parses an example and, when it ends by itself, runs it. It returns how many it ran.
func tryCommand(t *testing.T, page, line string) int {
	t.Helper()
	args, err := splitCommand(line)
	if err != nil {
		t.Errorf("%s: %s: %v", page, line, err)
		return 0
	}
	if _, err := commandLine(t).Parse(args); err != nil {
		t.Errorf("%s: %s: %v", page, line, err)
		return 0
	}
	ends := []string{"replay", "decode", "check", "config", "version"}
	if !slices.Contains(ends, args[0]) || strings.Contains(line, "udp:") || slices.Contains(args, "-") ||
		slices.Contains(args, "10x") {
		return 0
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), args, &out, &errs); code != exitOK || out.Len() == 0 {
		t.Errorf("%s: %s: exit code %d, %d bytes of output\n%s", page, line, code, out.Len(), &errs)
	}
	return 1
}

// commandLines returns the lines of shell examples that call weir.
func commandLines(page string) (lines []string) {
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "bin/")
			if strings.HasPrefix(line, "weir ") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// splitCommand returns the arguments of a call as a shell would give them: single quotes, and everything up to a
// comment, a pipe or a redirection.
func splitCommand(line string) (args []string, err error) {
	word, quoted, any := "", false, false
	end := func() {
		if any {
			args = append(args, word)
		}
		word, any = "", false
	}
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case quoted:
			word += string(r)
		case r == ' ':
			end()
		case !any && strings.ContainsRune("#|>", r):
			return args[1:], nil
		default:
			word, any = word+string(r), true
		}
	}
	if quoted {
		return nil, errors.New("a quote without an end")
	}
	end()
	return args[1:], nil
}
