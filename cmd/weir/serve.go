package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"weir/capture"
	"weir/config"
	"weir/ingest"
)

// defaultConfig is where the configuration lies when --config does not say.
const defaultConfig = "/etc/weir/weir.yaml"

// serveFlags are the flags of serve; demo has them too. What is given overrides the configuration.
type serveFlags struct {
	Config   string   `type:"path" placeholder:"FILE" help:"Configuration file. Default: /etc/weir/weir.yaml, if there is one."`
	HTTP     *string  `name:"http" placeholder:"ADDR" help:"Address of the console and REST interface (127.0.0.1:8008)."`
	SFlow    *string  `name:"sflow" placeholder:"ADDR" help:"UDP address of sFlow (:6343); off: not listened on."`
	NetFlow  *string  `name:"netflow" placeholder:"ADDR" help:"UDP address of NetFlow (:2055); off: not listened on."`
	IPFIX    *string  `name:"ipfix" placeholder:"ADDR" help:"UDP address of IPFIX (:4739); off: not listened on."`
	Capture  []string `placeholder:"IFACE" help:"Count the packets of an interface; may be repeated."`
	Data     string   `placeholder:"DIR" help:"Directory of what weir itself keeps (weir-data)."`
	LogLevel string   `default:"info" enum:"debug,info,warn,error" help:"Least level of what is logged (${enum})."`
}

// serveCmd collects and answers until it is stopped.
type serveCmd struct {
	serveFlags `embed:""`
	Replay     []string `placeholder:"FILE" help:"Read capture files, with their own clock, instead of ports; may be repeated."`
	Speed      string   `default:"1x" help:"How fast the clock of the files goes: max, 1x, 10x, ..."`
	Loop       bool     `help:"Read the files again and again."`
}

// Run serves until the context ends.
func (c *serveCmd) Run(e *env) error {
	conf, path, err := c.load(e)
	if err != nil {
		return err
	}
	var replay *ingest.Replay
	if len(c.Replay) > 0 {
		speed, err := ingest.ParseSpeed(c.Speed)
		if err != nil {
			return err
		}
		if len(conf.Capture) > 0 {
			return errors.New("serve: --replay and captured interfaces have different clocks: choose one")
		}
		replay = &ingest.Replay{Files: c.Replay, Speed: speed, Loop: c.Loop}
	}
	h, err := openHouse(c.logger(e.stderr), conf, path, replay)
	if err != nil {
		return err
	}
	return h.serve(e.ctx, h.parts())
}

// serve runs parts until ctx ends.
func (h *house) serve(ctx context.Context, parts []part) error {
	h.log.Info("weir is running", "version", version, "lanes", h.engine.Lanes(), "flows", len(h.config.Flows))
	return runParts(ctx, h.log, parts, h.server.Drain)
}

// load reads the configuration and lets flags override it.
func (c *serveFlags) load(e *env) (conf *config.Config, path string, err error) {
	path = c.Config
	if path == "" {
		if _, err := os.Stat(defaultConfig); err == nil {
			path = defaultConfig
		}
	}
	if conf, err = loadConfig(e, path); err != nil {
		return nil, "", err
	}
	for _, o := range []struct {
		flag *string
		to   *string
	}{
		{c.HTTP, &conf.HTTP.HTTP}, {c.SFlow, &conf.Listen.SFlow}, {c.NetFlow, &conf.Listen.NetFlow},
		{c.IPFIX, &conf.Listen.IPFIX},
	} {
		switch {
		case o.flag == nil:
		case *o.flag == "off":
			*o.to = ""
		default:
			*o.to = *o.flag
		}
	}
	for _, name := range c.Capture {
		conf.Capture = append(conf.Capture, capture.Config{Interface: name, Promiscuous: true})
	}
	if c.Data != "" {
		conf.Data = c.Data
	}
	return conf, path, conf.HTTP.Validate()
}

// logger returns the log: lines of text on w.
func (c *serveFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		panic("BUG: --log-level: " + err.Error())
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
