package sflowrt

import (
	"time"

	"weir/engine"
)

// Options say how the face answers. The zero value of a field means its default.
type Options struct {
	// Version is the version of the interface, MAJOR.MINOR-BUILD; clients compare it with the least that they need.
	// Default DefaultVersion.
	Version string
	// Product and Release name the server itself in /license/json and /api-docs; default "weir" and "unknown".
	Product, Release string
	// ReadOnly refuses every change with 403.
	ReadOnly bool
	// Indent is how many spaces a level of JSON is indented by, at most 8; 0 is the default of 1, negative is compact.
	Indent int
	// PrometheusPrefix begins the names of exported metrics; default "sflow_".
	PrometheusPrefix string
	// PrometheusType writes a TYPE line before the lines of every metric.
	PrometheusType bool
	// Started is when the server started, on the wall clock; zero: not known.
	Started time.Time
	// Process returns what /analyzer tells of the process; it is called from any goroutine. nil: all zero.
	Process func() Process
	// Polls is how many long polls may wait at the same time, default 1000; more are refused with 503.
	Polls int
}

// Process is what the face cannot know of the process that it lives in. All counts are since the start.
type Process struct {
	Hostname        string            // of the machine
	Listeners       map[string]string // addresses that it listens at, by kind: "http", "sflow", "netflow", "ipfix"
	Discarded       uint64            // datagrams dropped by the kernel or because a lane was full
	HeapUsed        uint64            // bytes
	CPULoad         float64           // of the process, 0..1 of all cores
	HTTPConnections int               // open now
}

// DefaultVersion is the version that clients are told: they ask for at least 2.0, and for 3.0 in newer ones.
const DefaultVersion = "3.0-1700"

const (
	defaultPrefix = "sflow_"
	defaultPolls  = 1000
	maxIndent     = 8
)

// How many request bodies are in memory at the same time, by their bound.
const (
	maxBodies      = 16
	maxLargeBodies = 2
)

// face is everything that a request needs.
type face struct {
	engine  *engine.Engine
	options Options
	indent  string
	polls   chan struct{} // one element for each long poll that waits
	bodies  chan struct{} // one element for each request body in memory of at most maxBody
	large   chan struct{} // the same of at most maxLargeBody
	scrapes *scrapes
}

func newFace(e *engine.Engine, o Options) *face {
	orDefault := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	orDefault(&o.Version, DefaultVersion)
	orDefault(&o.Product, "weir")
	orDefault(&o.Release, "unknown")
	orDefault(&o.PrometheusPrefix, defaultPrefix)
	if o.Polls <= 0 {
		o.Polls = defaultPolls
	}
	if o.Process == nil {
		o.Process = func() Process { return Process{} }
	}
	if o.Indent == 0 {
		o.Indent = 1
	}
	indent := "        "[:min(max(o.Indent, 0), maxIndent)]
	return &face{
		engine: e, options: o, indent: indent,
		polls: make(chan struct{}, o.Polls), bodies: make(chan struct{}, maxBodies),
		large: make(chan struct{}, maxLargeBodies), scrapes: newScrapes(e),
	}
}
