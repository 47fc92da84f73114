package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when the program is linked: -ldflags '-X main.version=...'.
var version = "unknown"

// The exit codes of the program.
const (
	exitOK    = 0
	exitError = 1 // the command could not do what it was asked for, or found what it looks for: problems, allocations
	exitUsage = 2 // the command line makes no sense
)

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Collect telemetry and packets, and serve the console and the REST interface."`
	Demo    demoCmd    `cmd:"" help:"Serve, with a synthetic network that sends sFlow, NetFlow and IPFIX to the own ports."`
	Replay  replayCmd  `cmd:"" help:"Count what capture files hold, offline: totals, books, largest flows."`
	Decode  decodeCmd  `cmd:"" help:"Show what telemetry or packets say: one line per sample, record or frame."`
	Check   checkCmd   `cmd:"" help:"Report everything that is wrong with a configuration file."`
	Top     topCmd     `cmd:"" help:"Show the largest flows of a running server, live."`
	SQL     sqlCmd     `cmd:"" name:"sql" help:"Ask what is stored: of a running server, or of a stopped one's data directory."`
	Bench   benchCmd   `cmd:"" help:"Measure the house under load that it makes itself."`
	Config  configCmd  `cmd:"" help:"Print the default configuration with comments."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// env is what commands have of the world outside.
type env struct {
	ctx    context.Context // ends at the first signal to stop
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the usual effect of signals is back: a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command that args name and returns the exit code. Errors are one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	exited, code := false, exitOK
	parser, err := kong.New(&c, kong.Name("weir"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Description("Real-time network traffic analytics: sFlow, NetFlow, IPFIX and packets in, answers out."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(n int) { exited, code = true, n }))
	if err != nil {
		panic("BUG: the command line does not compile: " + err.Error())
	}
	chosen, err := parser.Parse(args)
	if exited { // help was asked for and shown
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "weir: %v; see weir --help\n", err)
		return exitUsage
	}
	err = chosen.Run(&env{ctx: ctx, stdout: stdout, stderr: stderr})
	var coded *exitCode
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // whoever read our output has seen enough
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	}
	fmt.Fprintf(stderr, "weir: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	return exitError
}

// exitCode is the error of a command that has said itself what is wrong.
type exitCode struct{ code int }

func (e *exitCode) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.stdout, "weir", version)
	return err
}
