package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"weir/api"
	"weir/capture"
	"weir/config"
	"weir/engine"
	"weir/export"
	"weir/face/sflowrt"
	"weir/ingest"
	"weir/resolve"
	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
	"weir/web"
)

// house is every room that serve opens.
type house struct {
	config   *config.Config
	path     string // of the configuration file; empty: none
	log      *slog.Logger
	vitals   *vitals.Set
	engine   *engine.Engine
	receiver *ingest.Receiver  // nil in a replay
	sniffers []*ingest.Sniffer // of live interfaces
	replay   *ingest.Replay    // nil unless files are replayed
	resolver *resolve.Resolver
	exporter *export.Exporter
	server   *api.Server
	notebook *notebook // nil in a replay
	memory   *memory   // nil: nothing is kept
}

// openHouse opens everything: ports, interfaces, directories. It starts nothing, so that what cannot be fails before a
// byte moves.
func openHouse(log *slog.Logger, conf *config.Config, path string, replay *ingest.Replay) (*house, error) {
	h := &house{config: conf, path: path, log: log, vitals: vitals.New(), replay: replay}
	if err := h.open(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) open() (err error) {
	if err := os.MkdirAll(h.config.Data, 0o750); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if h.resolver, err = h.openResolver(); err != nil {
		return err
	}
	ec := h.config.Engine
	ec.Replay, ec.Resolve = h.replay != nil, ec.Resolve || h.resolver.Configured()
	if h.engine, err = engine.New(ec); err != nil {
		return err
	}
	if err := h.engine.Do(h.config.Commands(nil)...); err != nil {
		return err
	}
	if !ec.Replay {
		h.notebook = openNotebook(h.engine, namedBy(h.config), h.config.Data, store.RealDisk{}, h.vitals, h.log)
	}
	if h.memory, err = openMemory(h.config, h.engine, h.vitals, h.log, ec.Replay); err != nil {
		return err
	}
	h.exporter = export.New(h.engine, h.vitals, h.log, h.config.Export)
	if err := h.openSources(); err != nil {
		return err
	}
	return h.openServer()
}

// openResolver returns the resolver, with the name servers of the machine when the configuration says so.
func (h *house) openResolver() (*resolve.Resolver, error) {
	c := h.config.DNS
	if len(c.Servers) == 0 && h.config.SystemDNS {
		servers, err := resolve.SystemServers("/etc/resolv.conf")
		if err != nil {
			return nil, err
		}
		c.Servers = servers
	}
	return resolve.New(c)
}

// openSources opens what records come from: files, or sockets and interfaces. Files bring their own clock, so it is
// one or the other.
func (h *house) openSources() (err error) {
	if h.replay != nil {
		h.replay.Engine, h.replay.Every = h.engine, h.config.Engine.Tick
		return h.checkFiles()
	}
	for _, address := range []string{h.config.Listen.SFlow, h.config.Listen.NetFlow, h.config.Listen.IPFIX} {
		if err := udpTaken(address); err != nil {
			return err
		}
	}
	if h.receiver, err = ingest.Listen(h.config.Listen, h.engine, h.vitals, h.log); err != nil {
		return err
	}
	for _, c := range h.config.Capture {
		if err := h.openCapture(c); err != nil {
			return err
		}
	}
	// The first tick puts the definitions in force. It waits in the inboxes for the lanes to begin, before any data.
	return h.engine.Tick(context.Background(), schema.Instant(time.Now().UnixNano()))
}

// udpTaken tells whether somebody else receives on a UDP address. The sockets of ingest share their port, with each
// other and so with another weir: the two would each get a part of the telemetry, and nobody would notice.
func udpTaken(address string) error {
	if address == "" || strings.HasSuffix(address, ":0") {
		return nil
	}
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("cannot receive on UDP %s: %w: stop the collector that runs there (another weir?) or choose "+
			"another address", address, err)
	}
	return c.Close()
}

// checkFiles fails early on files that cannot be read.
func (h *house) checkFiles() error {
	for _, name := range h.replay.Files {
		if name == "-" {
			continue
		}
		f, err := capture.Open(name)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) openCapture(c capture.Config) error {
	i, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return fmt.Errorf("capture: %s: %w", c.Interface, err)
	}
	s, err := ingest.Sniff(c, uint32(i.Index), addressOf(i), h.engine, h.vitals)
	if err != nil {
		return err
	}
	h.sniffers = append(h.sniffers, s)
	h.log.Info("capturing", "interface", c.Interface, "index", i.Index, "counted_as", addressOf(i).String())
	return nil
}

// addressOf returns the address that frames of an interface are counted under: its own first one, or that of loopback.
func addressOf(i *net.Interface) schema.Addr {
	list, err := i.Addrs()
	if err == nil {
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
				return schema.AddrOf(p.Addr())
			}
		}
	}
	return schema.Addr4([4]byte{127, 0, 0, 1})
}

func (h *house) openServer() (err error) {
	started, listeners, f := time.Now(), h.listeners(), h.config.SFlowRT
	face := sflowrt.Mount(h.engine, sflowrt.Options{
		Release: version, Started: started, ReadOnly: h.config.HTTP.ReadOnly, Process: newProcess(h, listeners).figures,
		Indent: cmp.Or(f.Indent, -1), PrometheusPrefix: f.PrometheusPrefix, PrometheusType: f.PrometheusType,
	})
	h.server, err = api.New(h.config.HTTP, h.engine, h.vitals, api.Options{
		Version: version, Started: started, Replay: h.replay != nil, Listeners: listeners, Console: web.Handler(),
		Faces: []api.Mount{face}, Log: h.log, Vitals: h.publish, Memory: h.remembered(), Unwell: h.unwell,
	})
	if err != nil {
		return err
	}
	if err := h.server.Listen(); err != nil {
		return err
	}
	h.mark()
	h.log.Info("console and REST", "url", "http://"+h.server.Address().String()+"/", "console_built", web.Built())
	return nil
}

// remembered returns what the server answers of the past with, and where it says that definitions have changed.
func (h *house) remembered() (m api.Memory) {
	if h.notebook != nil {
		m.Changed = h.notebook.note
	}
	if h.memory != nil {
		m.Store, m.Keeper, m.WriteParquet = h.memory.store, h.memory.keeper, parquet.WriteParquet
	}
	return m
}

// unwell returns what does not work outside the engine: what is counted goes on, but is not kept as it should be.
func (h *house) unwell() (reasons []string) {
	if h.memory == nil {
		return nil
	}
	for _, f := range h.memory.keeper.Status().Faults {
		reason := fmt.Sprintf("the store: %s fails since %s: %v", f.Op, f.Since.UTC().Format(time.RFC3339), f.Err)
		if f.Hint != "" {
			reason += ": " + f.Hint
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

// listeners returns where telemetry is received, by name.
func (h *house) listeners() map[string]string {
	out := map[string]string{}
	if h.receiver != nil {
		for name, a := range h.receiver.Addresses() {
			out[name] = a.String()
		}
	}
	for _, c := range h.config.Capture {
		if h.replay == nil {
			out["capture "+c.Interface] = c.Interface
		}
	}
	return out
}

// mark tells the server which definitions came from the file and which stand there anyway, unless others were put in
// their place at run time.
func (h *house) mark() {
	standing := config.Default().Flows
	for _, name := range slices.Sorted(maps.Keys(h.config.Flows)) {
		origin, d, own := api.OriginConfig, standing[name], h.config.Flows[name]
		if !own.Equal(h.engine.State().Flow(name)) {
			continue
		}
		if own.Equal(&d) {
			origin = api.OriginDefault
		}
		h.server.Mark(origin, name)
	}
}

// publish hands the counters of rooms that do not count in vitals to whoever looks.
func (h *house) publish(v *vitals.Set) {
	c := h.resolver.Counts()
	for outcome, n := range map[string]uint64{
		"known": c.Known, "waiting": c.Waiting, "queued": c.Queued, "dropped": c.Dropped,
	} {
		v.Put("weir_resolve_wanted_total", float64(n), "outcome", outcome)
	}
	for outcome, n := range map[string]uint64{"named": c.Named, "nameless": c.Nameless, "failed": c.Failed} {
		v.Put("weir_resolve_answers_total", float64(n), "outcome", outcome)
	}
	v.Put("weir_resolve_cached_addresses", float64(c.Cached))
	if h.memory != nil {
		h.memory.publish(v)
	}
}

// close gives back what was opened, when it was not started.
func (h *house) close() (err error) {
	if h.receiver != nil {
		err = h.receiver.Close()
	}
	if h.server != nil {
		err = errors.Join(err, h.server.Close())
	}
	if h.memory != nil {
		err = errors.Join(err, h.memory.close())
	}
	return err
}

// parts lists the rooms from sink to source.
func (h *house) parts() []part {
	var parts []part
	if h.notebook != nil { // stops last, for the server may take changes to the last
		parts = append(parts, part{name: "notebook", run: h.notebook.run, within: stopping})
	}
	parts = append(parts, []part{
		{name: "api", run: h.server.Run, within: 10 * time.Second},
		{name: "export", run: h.exporter.Run, within: stopping, follows: true},
	}...)
	if h.memory != nil {
		parts = append(parts, h.memory.parts()...)
	}
	parts = append(parts, []part{
		{name: "names", run: h.names, within: stopping, follows: true},
		{name: "news", run: h.news, within: stopping, follows: true},
		{name: "engine", run: h.engine.Run, within: 30 * time.Second},
		{name: "reload", run: h.reload, within: stopping},
	}...)
	if h.replay != nil {
		return append(parts, part{name: "replay", run: h.replayFiles, within: stopping, ends: true})
	}
	parts = append(parts, part{name: "clock", run: h.clock, within: stopping},
		part{name: "ingest", run: h.receiver.Run, within: stopping})
	for i, s := range h.sniffers {
		name := "capture " + h.config.Capture[i].Interface
		parts = append(parts, part{name: name, run: s.Run, within: stopping})
	}
	return parts
}

// clock ticks a live engine.
func (h *house) clock(ctx context.Context) error {
	return ingest.Pace(ctx, h.engine, h.config.Engine.Tick)
}

// replayFiles replays; the first tick puts the definitions in force.
func (h *house) replayFiles(ctx context.Context) error {
	if err := h.engine.Tick(ctx, 1); err != nil {
		return err
	}
	err := h.replay.Run(ctx)
	s := h.replay.Stats()
	if ctx.Err() != nil {
		return nil
	}
	if err := h.engine.Settle(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	h.log.Info("replay is over: the clock stands still at its end", "files", s.Files, "frames", s.Frames,
		"datagrams", s.Datagrams, "cut_files", s.CutFiles, "last", s.Last.String())
	return err
}
