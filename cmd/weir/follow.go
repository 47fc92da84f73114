package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"syscall"
	"time"

	"weir/config"
	"weir/engine"
	"weir/enrich"
	"weir/schema"
	"weir/wire"
)

// names asks the resolver for the names that lanes want, and tells the engine the answers.
func (h *house) names(ctx context.Context) error {
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		h.resolver.Run(asking)
	}()
	defer func() {
		stop()
		<-asked
	}()
	f := h.engine.Follow("names", 64)
	defer f.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case v, ok := <-f.C:
			if !ok {
				return nil
			}
			h.resolver.Want(v.Wanted)
			if answers := h.resolver.Poll(); len(answers) > 0 {
				// Answers beyond a cap are refused and counted; there is no other error.
				_ = h.engine.Do(engine.AddNames{Answers: answers})
			}
		}
	}
}

// news logs what a person may want to act on: new exporters, crossed thresholds, missing knowledge, trouble.
func (h *house) news(ctx context.Context) error {
	f := h.engine.Follow("news", 64)
	defer f.Close()
	n := &newspaper{log: h.log, exporters: map[schema.Addr]bool{}, missing: map[enrich.Source]bool{}}
	for {
		select {
		case <-ctx.Done():
			return nil
		case v, ok := <-f.C:
			if !ok {
				return nil
			}
			n.print(v)
		}
	}
}

// newspaper remembers what was logged already.
type newspaper struct {
	log       *slog.Logger
	exporters map[schema.Addr]bool
	missing   map[enrich.Source]bool
	seen      []wire.Exporter // the last list that was looked through; lists are shared by the views of a second
	events    int             // logged in the minute that began at since
	unlogged  int
	begun     int // exporters logged as new in that minute
	unnamed   int
	since     schema.Instant
	failed    bool
}

// The bounds of the news: repeated trouble is one line with a count.
const (
	newsExporters = 10_000
	newsBegun     = 100 // new exporters, a minute
	newsEvents    = 20  // a minute
)

func (n *newspaper) print(h *engine.Harvest) {
	n.turn(h.Tick.At)
	n.printExporters(h.View.Exporters)
	for _, s := range h.Missing {
		if !n.missing[s] {
			n.missing[s] = true
			n.log.Warn("a key function wants what is not configured: it has no answer until then", "source", string(s),
				"remedy", remedies[s])
		}
	}
	n.printEvents(h)
	if err := h.View.Failed; err != nil && !n.failed {
		n.failed = true
		n.log.Error("a definition is not in force though it was accepted: this is a bug of weir", "error", err.Error())
	}
}

// remedies say how to configure what key functions miss.
var remedies = map[enrich.Source]string{
	enrich.SourceCountry: "this version of weir has no database of countries",
	enrich.SourceASN:     "this version of weir has no database of autonomous systems",
	enrich.SourceVendors: "set oui_file",
	enrich.SourceDNS:     "set dns.servers, or dns.system: true",
}

// turn begins another minute when it is time, and tells what was too much for the last one.
func (n *newspaper) turn(at schema.Instant) {
	if at.Sub(n.since) < time.Minute {
		return
	}
	if n.unlogged > 0 {
		n.log.Warn("more threshold events than are logged", "not_logged", n.unlogged, "see", "/api/v1/events")
	}
	if n.unnamed > 0 {
		n.log.Warn("more new exporters than are logged: does somebody forge addresses?", "not_logged", n.unnamed,
			"see", "/api/v1/exporters", "remedy", "list the networks of your exporters in listen.allow")
	}
	n.events, n.unlogged, n.begun, n.unnamed, n.since = 0, 0, 0, 0, at
}

// printExporters logs who was not seen before.
func (n *newspaper) printExporters(all []wire.Exporter) {
	if len(all) == 0 || len(n.seen) == len(all) && &n.seen[0] == &all[0] {
		return
	}
	n.seen = all
	for i := range all {
		x := &all[i]
		if n.exporters[x.Address] || len(n.exporters) >= newsExporters {
			continue
		}
		n.exporters[x.Address] = true
		if n.begun == newsBegun {
			n.unnamed++
			continue
		}
		n.begun++
		n.log.Info("a new exporter", "address", x.Address.String(), "kind", x.Kind)
	}
}

func (n *newspaper) printEvents(h *engine.Harvest) {
	for i := range h.Events {
		ev := &h.Events[i]
		if n.events == newsEvents {
			n.unlogged++
			continue
		}
		n.events++
		n.log.Info("a threshold was crossed", "threshold", ev.Threshold, "metric", ev.Metric, "value", ev.Value,
			"limit", ev.Limit, "exporter", ev.Source.Exporter.String(), "datasource", ev.Source.Datasource(),
			"key", ev.Key)
	}
}

// reload reads the configuration again whenever SIGHUP comes.
func (h *house) reload(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
			h.readAgain()
		}
	}
}

// readAgain puts in force what the configuration file says now. With a problem in it nothing changes.
func (h *house) readAgain() {
	if h.path == "" {
		h.log.Warn("reload: there is no configuration file: weir was started without --config")
		return
	}
	now, problems := config.Load(h.path)
	for _, p := range problems {
		h.log.Error("reload: nothing was changed", "problem", p.String())
	}
	if now == nil {
		return
	}
	if err := h.engine.Do(h.changes(now)...); err != nil {
		h.log.Error("reload: nothing was changed", "problem", err.Error())
		return
	}
	for _, s := range []struct {
		name     string
		old, now any
	}{
		{"listen", h.config.Listen, now.Listen}, {"http", h.config.HTTP, now.HTTP},
		{"engine, telemetry, sampling", h.config.Engine, now.Engine}, {"capture", h.config.Capture, now.Capture},
		{"dns", h.config.DNS, now.DNS}, {"export", h.config.Export, now.Export},
	} {
		if !reflect.DeepEqual(s.old, s.now) {
			h.log.Warn("reload: a change needs a restart to take effect", "section", s.name)
		}
	}
	// What needs a restart stays as it is, so that the next reload says so again.
	h.config.Flows, h.config.Thresholds, h.config.Groups = now.Flows, now.Thresholds, now.Groups
	h.config.Maps, h.config.Topology = now.Maps, now.Topology
	h.config.OUIFile, h.config.Vendors = now.OUIFile, now.Vendors
	h.config.Home, h.config.CounterGroups, h.config.Rules = now.Home, now.CounterGroups, now.Rules
	h.mark()
	if h.notebook != nil {
		h.notebook.configured(namedBy(h.config))
	}
	h.log.Info("reload: flows, thresholds, groups, maps, topology, vendors, counter groups and alert rules are as the "+
		"file says", "file", h.path, "flows", len(now.Flows), "thresholds", len(now.Thresholds), "counter_groups",
		len(now.CounterGroups), "alert_rules", len(now.Rules))
}

// changes returns what the engine is asked for so that now is in force. Home networks and standing definitions that the
// file says no different of than before stay as they are: they may have been changed at run time.
func (h *house) changes(now *config.Config) []engine.Command {
	sameHome := now.Home.Settings.Equal(h.config.Home.Settings)
	was, is := namedBy(h.config), namedBy(now)
	return slices.DeleteFunc(now.Commands(h.config), func(c engine.Command) bool {
		switch c := c.(type) {
		case engine.SetHome:
			return sameHome
		case engine.DefineFlow:
			return was.standing[c.Definition.Name] && is.standing[c.Definition.Name]
		}
		return false
	})
}
