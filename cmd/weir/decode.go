package main

import (
	"bufio"
	"errors"
	"strings"
	"time"

	"weir/capture"
	"weir/ingest"
	"weir/wire"
	"weir/wire/dump"
	"weir/wire/netflow"
)

// decodeCmd shows what is in an input.
type decodeCmd struct {
	JSON    bool    `name:"json" help:"Print JSON: one object a line, or one summary."`
	Summary bool    `help:"Print counts instead of lines."`
	As      string  `default:"auto" enum:"auto,telemetry,packets" help:"What the frames of a capture are (${enum}); auto: UDP to a port of telemetry, or a payload that is telemetry beyond doubt, is telemetry, everything else is traffic."`
	Hold    float64 `default:"30" placeholder:"SECONDS" help:"How long data waits for its template; 0: counted only."`
	Input   string  `arg:"" help:"A pcap or pcapng file, - for standard input, or udp:ADDRESS:PORT."`
}

// maxHold bounds --hold: a day.
const maxHold = 86_400

// Run decodes the input.
func (c *decodeCmd) Run(e *env) error {
	if !(c.Hold >= 0 && c.Hold <= maxHold) {
		return errors.New("decode: --hold must be between 0 and 86400 seconds")
	}
	as, err := ingest.ParseAs(c.As)
	if err != nil {
		return err
	}
	hold := time.Duration(c.Hold * float64(time.Second))
	out := bufio.NewWriterSize(e.stdout, 64<<10)
	if c.Summary {
		s := newSummary(hold)
		err = readInput(e.ctx, c.Input, as, s)
		err = errors.Join(err, s.write(out, c.JSON))
		return errors.Join(err, out.Flush())
	}
	lines := &liner{dump.New(out, c.JSON, netflow.Config{Hold: hold}), out, strings.HasPrefix(c.Input, "udp:")}
	err = readInput(e.ctx, c.Input, as, lines)
	return errors.Join(err, out.Flush())
}

// liner writes a line for everything that an input holds.
type liner struct {
	dump *dump.Dumper
	out  *bufio.Writer
	live bool // somebody is watching: no line may wait for the next
}

func (l *liner) telemetry(d *wire.Datagram) error { return l.flush(l.dump.Telemetry(d)) }

func (l *liner) cut(d *wire.Datagram) error {
	return l.flush(l.dump.Damaged(d, "the capture did not keep all of it"))
}

func (l *liner) frame(fr *capture.Frame) error {
	return l.dump.Frame(&wire.Datagram{
		At: fr.At, Frame: true, Link: fr.Link, Interface: uint32(fr.Interface) + 1, Length: fr.Length, Data: fr.Data,
	})
}

func (l *liner) flush(err error) error {
	if l.live && err == nil {
		err = l.out.Flush()
	}
	return err
}
