package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"weir/capture"
	"weir/ingest"
	"weir/schema"
	"weir/wire"
)

// sink is told what an input holds, in its order. What it gets lives until it returns.
type sink interface {
	// telemetry is one whole UDP payload that an exporter sent.
	telemetry(d *wire.Datagram) error
	// cut is a UDP payload of telemetry that the capture did not keep whole.
	cut(d *wire.Datagram) error
	// frame is one frame that is traffic itself.
	frame(fr *capture.Frame) error
}

// readInput gives to everything in an input: a capture file, - for one on standard input, or udp:ADDRESS for what
// arrives there until ctx ends.
func readInput(ctx context.Context, name string, as ingest.As, to sink) error {
	if address, ok := strings.CutPrefix(name, "udp:"); ok {
		if as == ingest.AsPackets {
			return errors.New("decode: what arrives by UDP is telemetry; --as packets is for captures")
		}
		return readSocket(ctx, address, to)
	}
	f, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	x := capture.NewExtractor(capture.FragmentLimits{})
	for fr := (capture.Frame{}); ctx.Err() == nil; {
		if err := f.Next(&fr); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := sortFrame(&fr, as, x, to); err != nil {
			return err
		}
	}
	return nil
}

// sortFrame tells telemetry from traffic by the rule of the replay.
func sortFrame(fr *capture.Frame, as ingest.As, x *capture.Extractor, to sink) error {
	if as == ingest.AsPackets {
		return to.frame(fr)
	}
	var u capture.Datagram
	if x.Extract(fr, &u) && (as == ingest.AsTelemetry || wire.Telemetry(u.Payload, u.Dst.Port())) {
		d := wire.Datagram{At: fr.At, From: schema.AddrOf(u.Src.Addr()), Port: u.Src.Port(), Data: u.Payload}
		if u.Cut {
			return to.cut(&d)
		}
		return to.telemetry(&d)
	}
	if as == ingest.AsTelemetry {
		return nil
	}
	return to.frame(fr)
}

func readSocket(ctx context.Context, address string, to sink) error {
	if address == "" { // which would be a port that nobody knows
		return errors.New("decode: udp: needs an address and a port, like udp::6343")
	}
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", address)
	if err != nil {
		return fmt.Errorf("decode: cannot receive on UDP %s: %w", address, err)
	}
	conn := pc.(*net.UDPConn)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("decode: UDP %s: %w", address, err)
		}
		d := wire.Datagram{At: schema.Instant(time.Now().UnixNano()), From: schema.AddrOf(from.Addr()),
			Port: from.Port(), Data: buf[:n]}
		if err := to.telemetry(&d); err != nil {
			return err
		}
	}
}
