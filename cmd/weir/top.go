package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// topCmd shows the largest flows of a running server. It defines them there for as long as it runs.
type topCmd struct {
	Server   string        `default:"http://127.0.0.1:8008" placeholder:"URL" help:"Where weir serve answers."`
	Keys     string        `required:"" help:"What makes a flow, such as ipsource,ipdestination."`
	Value    string        `default:"bytes" help:"What is measured, such as frames or avg:ipttl."`
	Filter   string        `help:"What is looked at, such as ipprotocol=6."`
	Rows     int           `name:"n" short:"n" default:"20" help:"Flows that are shown, 1 to 1000."`
	Mode     string        `default:"max" enum:"max,sum" help:"How flows seen at several places become one (${enum})."`
	Interval time.Duration `default:"1s" help:"Between two looks, 100ms to 1h."`
	Once     bool          `help:"Print the flows once, after one interval, and end."`
}

const (
	topMost     = 1000 // flows that a definition can keep
	topSpare    = 100  // flows that are kept so that more rows can be asked for while it runs
	topFarewell = 3 * time.Second
)

// Run shows the flows until it is told to stop, and then removes the definition.
func (c *topCmd) Run(e *env) (err error) {
	if c.Rows < 1 || c.Rows > topMost {
		return fmt.Errorf("top: --n %d is not between 1 and %d", c.Rows, topMost)
	}
	if c.Interval < 100*time.Millisecond || c.Interval > time.Hour {
		return fmt.Errorf("top: --interval %v is not between 100ms and 1h", c.Interval)
	}
	client, err := newTopClient(c.Server, fmt.Sprintf("top_%d_%08x", os.Getpid(), rand.Uint32()), topDefinition{
		Keys: c.Keys, Value: c.Value, Filter: c.Filter, N: min(max(c.Rows, topSpare), topMost), AggMode: c.Mode,
	})
	if err != nil {
		return err
	}
	// Whatever happens from here on: the server must not be left with the definition. A definition that was refused,
	// or whose answer was lost, is removed too: that does no harm.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), topFarewell)
		defer cancel()
		if dropErr := client.drop(ctx); dropErr != nil && err == nil {
			err = fmt.Errorf("top: the flow definition %s is left on the server: %w", client.name, dropErr)
		}
	}()
	if err := client.define(e.ctx); err != nil {
		return c.explain(e.stderr, err)
	}
	if !c.Once && terminal(os.Stdin) && e.stdout == io.Writer(os.Stdout) && terminal(os.Stdout) {
		return c.live(e, client)
	}
	return c.plain(e, client)
}

// terminal tells whether a file is one.
func terminal(f *os.File) bool {
	s, err := f.Stat()
	return err == nil && s.Mode()&os.ModeCharDevice != 0
}

// live shows a table that moves.
func (c *topCmd) live(e *env, client *topClient) error {
	m := newTopModel(e.ctx, c, client)
	m.colour = os.Getenv("NO_COLOR") == ""
	last, err := tea.NewProgram(m, tea.WithContext(e.ctx), tea.WithoutSignalHandler()).Run()
	if e.ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		return nil // told to stop
	}
	if err != nil {
		return fmt.Errorf("top: %w", err)
	}
	if m, ok := last.(*topModel); ok && m.fatal != nil {
		return c.explain(e.stderr, m.fatal)
	}
	return nil
}

// plain prints lines: every interval, or once.
func (c *topCmd) plain(e *env, client *topClient) error {
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return nil
		case <-ticker.C:
		}
		a, err := client.active(e.ctx, c.Mode, c.Rows)
		switch {
		case e.ctx.Err() != nil:
			return nil
		case err != nil && (c.Once || !retryable(err)):
			return c.explain(e.stderr, err)
		case err != nil: // the server may come back
			fmt.Fprintf(e.stderr, "weir: top: %v\n", err)
			continue
		}
		if err := writeTopLines(e.stdout, a); err != nil || c.Once {
			return err
		}
	}
}

// writeTopLines prints one line per flow: time, value, error and keys, with tabs between.
func writeTopLines(w io.Writer, a *topAnswer) error {
	var b strings.Builder
	at := time.UnixMilli(a.At).UTC().Format("15:04:05")
	for i := range a.Flows {
		f := &a.Flows[i]
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", at, withUnit(f.Value, a.Unit), f.errorText(a.Unit),
			strings.Join(harmlessAll(f.Keys), "\t"))
	}
	if len(a.Flows) == 0 {
		fmt.Fprintf(&b, "%s\tno flows\n", at)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explain shows a refusal with the text that was refused and a mark under the character. Other errors it passes on.
func (c *topCmd) explain(w io.Writer, err error) error {
	var r *topRefusal
	if !errors.As(err, &r) {
		return fmt.Errorf("top: %w", err)
	}
	text := map[string]string{"keys": c.Keys, "value": c.Value, "filter": c.Filter}[r.Field]
	fmt.Fprintf(w, "weir: top: %s\n", r.Error())
	if text != "" && r.Position >= 0 {
		fmt.Fprint(w, underline("  --"+r.Field+" ", text, r.Position))
	}
	if r.Hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", harmless(r.Hint))
	}
	if r.Status == http.StatusBadRequest {
		return &exitCode{exitUsage}
	}
	return &exitCode{exitError}
}

// underline returns two lines: text after a label, and a mark under the character at a byte of text.
func underline(label, text string, position int) string {
	before := text[:min(position, len(text))]
	for len(before) > 0 && !utf8.ValidString(before) { // in the middle of a character: mark that one
		before = before[:len(before)-1]
	}
	column := utf8.RuneCountInString(label) + utf8.RuneCountInString(harmless(before))
	return label + harmless(text) + "\n" + strings.Repeat(" ", column) + "^\n"
}
