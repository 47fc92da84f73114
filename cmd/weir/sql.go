package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sqlCmd asks what is stored.
type sqlCmd struct {
	URL     string        `name:"url" placeholder:"URL" xor:"where" help:"Where weir serve answers (http://127.0.0.1:8008)."`
	Data    string        `placeholder:"DIR" xor:"where" help:"Data directory of a server that is stopped: nothing in it is changed."`
	Token   string        `env:"WEIR_TOKEN" placeholder:"TOKEN" help:"Token of the server's REST interface; in the environment others do not see it."`
	Format  string        `default:"table" enum:"table,csv,json,parquet" help:"What is printed (${enum})."`
	Limit   int           `default:"1000" help:"Rows that are printed at most, 1 to 100000."`
	Timeout time.Duration `default:"30s" help:"How long the statement may take, 100ms to 5m."`
	Query   string        `arg:"" optional:"" name:"statement" help:"One statement that reads, such as \"SELECT * FROM sessions\"; - or nothing: it is read from standard input."`
}

const (
	sqlMostRows  = 100_000
	sqlMostTime  = 5 * time.Minute
	sqlLeastTime = 100 * time.Millisecond
	sqlMostText  = 256 << 10 // bytes of a statement
)

// sqlSource answers statements: a server or a directory.
type sqlSource interface {
	// table answers with at most limit rows.
	table(ctx context.Context, text string, limit int, within time.Duration) (*sqlTable, error)
	// parquet writes at most limit rows as a Parquet file; more says that there were more.
	parquet(ctx context.Context, w io.Writer, text string, limit int, within time.Duration) (more bool, err error)
	close() error
}

// Run asks and prints.
func (c *sqlCmd) Run(e *env) error {
	switch {
	case c.Limit < 1 || c.Limit > sqlMostRows:
		return fmt.Errorf("sql: --limit must be between 1 and %d", sqlMostRows)
	case c.Timeout < sqlLeastTime || c.Timeout > sqlMostTime:
		return fmt.Errorf("sql: --timeout must be between %v and %v", sqlLeastTime, sqlMostTime)
	case c.Format == "parquet" && e.stdout == io.Writer(os.Stdout) && terminal(os.Stdout):
		return errors.New("sql: Parquet is not for terminals: redirect it to a file")
	}
	text, err := c.statement()
	if err != nil {
		return err
	}
	source, err := c.source(e)
	if err != nil {
		return err
	}
	more, err := c.answer(e, source, text)
	if err = errors.Join(err, source.close()); err != nil {
		return explainSQL(e.stderr, text, err)
	}
	if more {
		fmt.Fprintf(e.stderr, "weir: sql: there are more rows than these %d: ask for less, or raise --limit\n", c.Limit)
	}
	return nil
}

// statement returns what is asked.
func (c *sqlCmd) statement() (string, error) {
	text := c.Query
	if text == "" || text == "-" {
		if terminal(os.Stdin) && text == "" {
			return "", errors.New("sql: give a statement, such as weir sql \"SHOW TABLES\"")
		}
		b, err := io.ReadAll(io.LimitReader(os.Stdin, sqlMostText+1))
		if err != nil {
			return "", fmt.Errorf("sql: standard input: %w", err)
		}
		text = string(b)
	}
	switch {
	case strings.TrimSpace(text) == "":
		return "", errors.New("sql: the statement is empty")
	case len(text) > sqlMostText:
		return "", fmt.Errorf("sql: the statement has more than %d bytes", sqlMostText)
	}
	return text, nil
}

func (c *sqlCmd) source(e *env) (sqlSource, error) {
	if c.Data != "" {
		return openSQLFiles(e.ctx, c.Data)
	}
	return newSQLClient(cmp.Or(c.URL, "http://127.0.0.1:8008"), c.Token)
}

func (c *sqlCmd) answer(e *env, source sqlSource, text string) (more bool, err error) {
	if c.Format == "parquet" {
		return source.parquet(e.ctx, e.stdout, text, c.Limit, c.Timeout)
	}
	t, err := source.table(e.ctx, text, c.Limit, c.Timeout)
	if err != nil {
		return false, err
	}
	switch c.Format {
	case "csv":
		err = t.writeCSV(e.stdout)
	case "json":
		err = t.writeJSON(e.stdout)
	default:
		err = t.writeText(e.stdout)
	}
	return t.Truncated, err
}

// sqlAt finds where in a statement an error is.
var sqlAt = regexp.MustCompile(` ?\(at character (\d+)\)`)

// explainSQL shows a refusal, with a mark under the place in the statement where that is known.
func explainSQL(w io.Writer, text string, err error) error {
	message, hint := err.Error(), ""
	var r *topRefusal
	if errors.As(err, &r) {
		message, hint = r.Message, r.Hint
	}
	message = strings.TrimPrefix(message, "sql: ")
	// The engine of queries shows the line as it was given, which is not as the user gave it.
	if before, _, found := strings.Cut(strings.ReplaceAll(message, "\n", "; "), "; ; LINE "); found {
		message = before
	}
	at := -1
	if m := sqlAt.FindStringSubmatch(message); m != nil {
		at, _ = strconv.Atoi(m[1]) // it is all digits
		message = strings.Replace(message, m[0], "", 1)
	}
	lines := slices.DeleteFunc(strings.Split(strings.ReplaceAll(message, "\n", "; "), "; "), func(s string) bool {
		return strings.TrimSpace(s) == ""
	})
	fmt.Fprintf(w, "weir: sql: %s\n", harmless(strings.Join(lines, "; ")))
	if line, column, ok := lineAt(text, at); ok {
		fmt.Fprint(w, underline("  ", line, column))
	}
	if hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", harmless(hint))
	}
	return &exitCode{exitError}
}

// lineAt returns the line of a text that has a byte, and where in it that is. Tabs become spaces.
func lineAt(text string, at int) (line string, column int, ok bool) {
	if at < 0 || at > len(text) {
		return "", 0, false
	}
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	line, _, _ = strings.Cut(text[begin:], "\n")
	line = strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", " ")
	return line, min(at-begin, len(line)), true
}
