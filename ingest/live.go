package ingest

import (
	"context"
	"time"

	"weir/capture"
	"weir/engine"
	"weir/schema"
	"weir/vitals"
	"weir/wire"
)

// Sniffer hands the frames of a live interface to the engine. Frames of one interface go to one lane: they are one
// exporter.
type Sniffer struct {
	live   *capture.Live
	engine *engine.Engine
	agent  schema.Addr
	index  uint32
	lane   int

	frames, full, kernel *vitals.Counter
	lost                 uint64
}

// Sniff opens an interface. index is its ifIndex, agent the address that its frames are counted under.
func Sniff(c capture.Config, index uint32, agent schema.Addr, e *engine.Engine, v *vitals.Set) (*Sniffer, error) {
	live, err := capture.OpenLive(c)
	if err != nil {
		return nil, err
	}
	return &Sniffer{
		live: live, engine: e, agent: agent, index: index, lane: wire.Lane(agent, e.Lanes()),
		frames: v.Counter("weir_capture_frames_total", "interface", c.Interface),
		full:   v.Counter("weir_ingest_refused_total", "listener", "capture", "reason", "lane_full"),
		kernel: v.Counter("weir_capture_kernel_drops_total", "interface", c.Interface),
	}, nil
}

// Run captures until ctx ends, then closes the interface.
func (s *Sniffer) Run(ctx context.Context) error {
	defer s.live.Close()
	var p *wire.Parcel
	var fr capture.Frame
	offer := func() {
		if p == nil {
			return
		}
		if n := len(p.Datagrams); !s.engine.Offer(s.lane, p) {
			s.full.Add(n)
		}
		p = nil
	}
	for ctx.Err() == nil {
		found, err := s.live.Next(&fr, 50*time.Millisecond)
		if err != nil {
			return err
		}
		if !found {
			offer()
			s.drops()
			continue
		}
		s.frames.Inc()
		if p == nil {
			p = s.engine.Parcel()
		}
		p.Add(wire.Datagram{
			At: fr.At, From: s.agent, Frame: true, Link: fr.Link, Interface: s.index, Length: fr.Length, Data: fr.Data,
		})
		if p.Full() {
			offer()
			s.drops()
		}
	}
	offer()
	return nil
}

// drops counts what the kernel had no room for.
func (s *Sniffer) drops() {
	stats, err := s.live.Stats()
	if err == nil && stats.Dropped > s.lost {
		s.kernel.Add(int(stats.Dropped - s.lost))
		s.lost = stats.Dropped
	}
}
