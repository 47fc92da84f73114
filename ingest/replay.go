package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"weir/capture"
	"weir/engine"
	"weir/schema"
	"weir/wire"
)

// As says what the frames of a capture are.
type As uint8

// The readings of a capture.
const (
	AsAuto      As = iota // telemetry where there is no doubt or the port says so, else traffic
	AsTelemetry           // only UDP payloads, all of them telemetry; other frames are passed over
	AsPackets             // every frame is traffic
)

// ParseAs reads auto, telemetry or packets.
func ParseAs(s string) (As, error) {
	for a, word := range []string{"auto", "telemetry", "packets"} {
		if s == word {
			return As(a), nil
		}
	}
	return 0, fmt.Errorf("%q is none of auto, telemetry, packets", s)
}

// Speed is how fast a replay's clock goes: 0 as fast as possible, 1 as recorded, 10 ten times as fast.
type Speed float64

// ParseSpeed reads "max", "1x", "10x", "0.5x".
func ParseSpeed(s string) (Speed, error) {
	if s == "max" || s == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || f < 0.001 || f > 1e6 {
		return 0, fmt.Errorf("speed %q is neither max nor a number such as 1x or 10x between 0.001 and 1000000", s)
	}
	return Speed(f), nil
}

// Replay reads capture files into an engine with the files' own clock.
type Replay struct {
	Engine *engine.Engine
	Files  []string
	As     As
	Speed  Speed
	Loop   bool
	Every  time.Duration // between ticks, in the files' time; default 100 ms
	// Agent is the address that captured frames are counted under; the zero Addr is 127.0.0.1.
	Agent schema.Addr

	open    []*wire.Parcel
	extract *capture.Extractor
	next    schema.Instant // the tick that is due
	first   schema.Instant // of the files
	last    schema.Instant
	shift   time.Duration // added to the times of a file, when it is read again
	began   time.Time     // on the wall clock
	stats   ReplayStats
}

// ReplayStats counts what a replay read.
type ReplayStats struct {
	Files, Frames, Bytes uint64
	Datagrams            uint64 // frames that were telemetry
	Cut                  uint64 // of these, refused because the capture did not keep all of them
	Passed               uint64 // frames that were no telemetry when only telemetry was wanted
	CutFiles             uint64 // files that end in the middle of a frame
	First, Last          schema.Instant
}

// Stats returns what was read so far; only for after Run.
func (r *Replay) Stats() ReplayStats {
	s := r.stats
	s.First, s.Last = r.first, r.last
	return s
}

// maxEmptyTicks is how many ticks without a frame a replay at full speed makes before it jumps to the next frame:
// everything that can expire has by then been looked at, and the rest is arithmetic.
const maxEmptyTicks = 600

// Run reads the files, one after another, and returns when all were read and counted, or ctx ended. With Loop it
// returns only then.
func (r *Replay) Run(ctx context.Context) error {
	if r.Every <= 0 {
		r.Every = 100 * time.Millisecond
	}
	if r.Agent.IsZero() {
		r.Agent = schema.Addr4([4]byte{127, 0, 0, 1})
	}
	r.open = make([]*wire.Parcel, r.Engine.Lanes())
	r.extract = capture.NewExtractor(capture.FragmentLimits{})
	r.began = time.Now()
	for {
		before := r.stats.Frames
		for _, name := range r.Files {
			if err := r.file(ctx, name); err != nil {
				return err
			}
		}
		if !r.Loop || ctx.Err() != nil {
			break
		}
		if r.stats.Frames == before {
			return errors.New("replay: nothing to loop over: the files hold no frames")
		}
		r.shift = r.last.Sub(r.first) + r.Every
	}
	if r.stats.Frames == 0 {
		return nil
	}
	return r.tick(ctx, r.next)
}

func (r *Replay) file(ctx context.Context, name string) error {
	f, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r.stats.Files++
	for fr := (capture.Frame{}); ; {
		if err := f.Next(&fr); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if err := r.frame(ctx, &fr); err != nil {
			return err
		}
	}
	if f.Cut() {
		r.stats.CutFiles++
	}
	return nil
}

func (r *Replay) frame(ctx context.Context, fr *capture.Frame) error {
	at := r.last
	if fr.At != 0 {
		at = fr.At.Add(r.shift)
	}
	if r.stats.Frames == 0 {
		at = max(at, 1)
		r.first = at
		r.next = at.Add(-time.Duration(int64(at) % int64(r.Every)))
		// What was asked for before the replay is in force from its first frame on.
		if err := r.Engine.Tick(ctx, r.next); err != nil {
			return err
		}
		r.next = r.next.Add(r.Every)
	}
	r.last = max(r.last, at)
	r.stats.Frames++
	r.stats.Bytes += uint64(len(fr.Data))
	if err := r.passTime(ctx, at); err != nil {
		return err
	}
	d, ok := r.datagram(fr, at)
	if !ok {
		return nil
	}
	lane := wire.Lane(wire.ExporterOf(&d), len(r.open))
	if r.open[lane] == nil {
		r.open[lane] = r.Engine.Parcel()
	}
	r.open[lane].Add(d)
	if r.open[lane].Full() {
		return r.put(ctx, lane)
	}
	return nil
}

// datagram makes of a frame what the lanes take; ok is false when it is passed over.
func (r *Replay) datagram(fr *capture.Frame, at schema.Instant) (d wire.Datagram, ok bool) {
	if r.As != AsPackets {
		var u capture.Datagram
		if r.extract.Extract(fr, &u) && (r.As == AsTelemetry || wire.Telemetry(u.Payload, u.Dst.Port())) {
			r.stats.Datagrams++
			if u.Cut {
				r.stats.Cut++
				return d, false
			}
			return wire.Datagram{
				At: at, From: schema.AddrOf(u.Src.Addr()), Port: u.Src.Port(), Data: u.Payload,
			}, true
		}
		if r.As == AsTelemetry {
			r.stats.Passed++
			return d, false
		}
	}
	return wire.Datagram{
		At: at, From: r.Agent, Frame: true, Link: fr.Link, Interface: uint32(fr.Interface) + 1, Length: fr.Length,
		Data: fr.Data,
	}, true
}

// passTime ticks until at is in the open span, and waits when the replay has a speed.
func (r *Replay) passTime(ctx context.Context, at schema.Instant) error {
	for empty := 0; at >= r.next; empty++ {
		if empty == maxEmptyTicks && r.Speed == 0 {
			r.next = at.Add(-time.Duration(int64(at) % int64(r.Every)))
		}
		if err := r.pace(ctx, r.next); err != nil {
			return err
		}
		if err := r.tick(ctx, r.next); err != nil {
			return err
		}
		r.next = r.next.Add(r.Every)
	}
	return r.pace(ctx, at)
}

// pace waits until the wall clock is where the replay's clock is.
func (r *Replay) pace(ctx context.Context, at schema.Instant) error {
	if r.Speed == 0 {
		return nil
	}
	due := r.began.Add(time.Duration(float64(at.Sub(r.first)) / float64(r.Speed)))
	wait := time.Until(due)
	if wait <= time.Millisecond {
		return nil
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

func (r *Replay) tick(ctx context.Context, at schema.Instant) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.Engine.Tick(ctx, at)
}

func (r *Replay) flush(ctx context.Context) error {
	for lane := range r.open {
		if r.open[lane] != nil {
			if err := r.put(ctx, lane); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Replay) put(ctx context.Context, lane int) error {
	p := r.open[lane]
	r.open[lane] = nil
	return r.Engine.Put(ctx, lane, p)
}
