package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/config"
	"weir/engine"
	"weir/flow"
	"weir/ingest"
)

// replayCmd counts capture files offline.
type replayCmd struct {
	JSON   bool     `name:"json" help:"Print JSON."`
	Lanes  int      `placeholder:"N" help:"Goroutines that count; the result is the same with any number. Default: one for each core."`
	Flow   []string `sep:"none" placeholder:"DEFINITION" help:"Flow to follow: 'keys=..;value=..;filter=..', also name=, values=, n=, t=, aggMode=. May be repeated. Default: those of the configuration."`
	Config string   `type:"path" placeholder:"FILE" help:"Configuration, for its flows, groups, maps, sampling rates."`
	As     string   `default:"auto" enum:"auto,telemetry,packets" help:"What the frames are, as of weir decode (${enum})."`
	Hold   float64  `default:"30" placeholder:"SECONDS" help:"How long data waits for its template; 0: not at all."`
	Speed  string   `default:"max" help:"max, or how fast the files' clock goes: 1x, 10x."`
	Top    int      `default:"10" help:"How many of the largest flows to print."`
	Keys   int      `default:"100" placeholder:"N" help:"How many keys of each counter group to print: the largest of its primary meter."`
	Files  []string `arg:"" help:"pcap or pcapng files, or - for standard input, read one after another."`
}

// Run replays the files.
func (c *replayCmd) Run(e *env) error {
	as, err := ingest.ParseAs(c.As)
	if err != nil {
		return err
	}
	speed, err := ingest.ParseSpeed(c.Speed)
	switch {
	case err != nil:
		return fmt.Errorf("replay: %w", err)
	case c.Top < 1 || c.Top > 100_000:
		return fmt.Errorf("replay: --top must be between 1 and 100000")
	case c.Keys < 0 || c.Keys > maxTotals:
		return fmt.Errorf("replay: --keys must be between 0 and %d", maxTotals)
	case !(c.Hold >= 0 && c.Hold <= maxHold):
		return fmt.Errorf("replay: --hold must be between 0 and %d seconds", maxHold)
	}
	conf, defs, err := c.definitions(e)
	if err != nil {
		return err
	}
	conf.Engine.Wire.NetFlow.Hold = time.Duration(c.Hold * float64(time.Second))
	p, err := newProtocol(conf, c.Lanes, defs)
	if err != nil {
		return err
	}
	r := &ingest.Replay{Engine: p.engine, Files: c.Files, As: as, Speed: speed}
	result, err := p.run(e.ctx, r, c.Top, c.Keys)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", " ")
		return enc.Encode(result)
	}
	return result.print(e.stdout)
}

// definitions returns the configuration and the flows to follow.
func (c *replayCmd) definitions(e *env) (*config.Config, []flow.Definition, error) {
	conf, err := loadConfig(e, c.Config)
	if err != nil {
		return nil, nil, err
	}
	var defs []flow.Definition
	for i, text := range c.Flow {
		d, err := parseFlow(text, i+1)
		if err != nil {
			return nil, nil, fmt.Errorf("replay: %w", err)
		}
		defs = append(defs, d)
	}
	if defs == nil {
		for _, name := range slices.Sorted(maps.Keys(conf.Flows)) {
			defs = append(defs, conf.Flows[name])
		}
	}
	return conf, defs, nil
}

// loadConfig reads the configuration at path, or returns the defaults when path is empty. Problems go to stderr, one a
// line, and the error is the exit code.
func loadConfig(e *env, path string) (*config.Config, error) {
	if path == "" {
		return config.Default(), nil
	}
	c, problems := config.Load(path)
	for _, p := range problems {
		fmt.Fprintln(e.stderr, p)
	}
	if c == nil {
		return nil, &exitCode{exitError}
	}
	return c, nil
}

// protocol replays into an engine of its own and writes down what it finished.
type protocol struct {
	engine  *engine.Engine
	totals  *totals
	metered *metered
}

// logEverything is how many finished flows a lane may hold between two ticks: all.
const logEverything = 1 << 30

// newProtocol returns a protocol of the definitions in conf's world.
func newProtocol(conf *config.Config, lanes int, defs []flow.Definition) (*protocol, error) {
	ec := conf.Engine
	ec.Replay, ec.FlowsMax, ec.Flow.Log = true, 1, logEverything
	if lanes != 0 {
		ec.Lanes = lanes
	}
	e, err := engine.New(ec)
	if err != nil {
		return nil, err
	}
	world := *conf
	world.Flows, world.Thresholds = nil, nil
	cmds := world.Commands(nil)
	p := &protocol{engine: e, totals: newTotals(), metered: newMetered()}
	words := e.Vocabulary()
	for _, d := range defs {
		d.Log, d.FlowStart, d.IPFIXCollectors = true, false, nil
		if d.ActiveTimeout == 0 {
			d.ActiveTimeout = time.Hour.Seconds()
		}
		cmds = append(cmds, engine.DefineFlow{Definition: d})
		if err := e.Do(cmds...); err != nil {
			return nil, fmt.Errorf("replay: flow %s: %w", d.Name, err)
		}
		cmds = nil
		m, err := words.Value(d.Value)
		if err != nil {
			return nil, fmt.Errorf("replay: flow %s: %w", d.Name, err)
		}
		p.totals.add(e.State().Flow(d.Name), m)
	}
	return p, e.Do(cmds...)
}

// run replays and returns what came of it. When ctx ends before the files do, the result is of what was read.
func (p *protocol) run(ctx context.Context, r *ingest.Replay, top, keys int) (*replayResult, error) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	harvests, keepsakes := p.engine.Follow("replay", 16), p.engine.Keep(16)
	ended, collected := make(chan error, 1), make(chan struct{})
	p.metered.define(p.engine.State().Groups)
	go func() { ended <- p.engine.Run(running) }()
	go func() {
		defer close(collected)
		p.collect(harvests.C, keepsakes.C)
	}()
	// Definitions ride on ticks: this one puts them in force before the first frame.
	err := p.engine.Tick(running, 1)
	if err == nil {
		err = r.Run(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("replay: %w", err)
	}
	view, err := p.finish(running, r)
	if err != nil {
		return nil, err
	}
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	<-collected
	result := newResult(r.Stats(), view, p.totals, top)
	result.Groups, result.KeysLost = p.metered.result(keys), p.metered.more
	return result, nil
}

// collect takes what the engine finished until it has stopped.
func (p *protocol) collect(harvests <-chan *engine.Harvest, keepsakes <-chan *engine.Keepsake) {
	for harvests != nil || keepsakes != nil {
		select {
		case h, open := <-harvests:
			if !open {
				harvests = nil
				continue
			}
			p.totals.take(h.Flows)
		case k, open := <-keepsakes:
			if !open {
				keepsakes = nil
				continue
			}
			p.metered.take(k)
		}
	}
}

// finish lets all flows that are still open be finished, and returns the view of the moment before.
func (p *protocol) finish(ctx context.Context, r *ingest.Replay) (*engine.View, error) {
	// Data that still waits for its template is given up, and what it was is counted.
	last := r.Stats().Last.Add(r.Every)
	if err := p.engine.Tick(ctx, last); err != nil {
		return nil, err
	}
	view := p.engine.View()
	for _, d := range view.State.Flows {
		if err := p.engine.Do(engine.DropFlow{Name: d.Name}); err != nil {
			return nil, err
		}
	}
	return view, p.engine.Tick(ctx, last+1)
}

// unitOf returns the unit of a total of a value of the flow language, for people; empty when it has none.
func unitOf(value string) string {
	switch strings.TrimSpace(value) {
	case "bytes":
		return "bytes"
	case "bps":
		return "bits"
	case "frames", "fps":
		return "packets"
	}
	return ""
}
