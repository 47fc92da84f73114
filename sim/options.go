package sim

import (
	"time"

	"weir/schema"
)

// Options shape a Network. The zero value of a field means its default.
type Options struct {
	// Began is when the network comes up; default 2026-01-01 00:00 UTC. Who sends the datagrams to a live collector
	// says now, because flow records tell their times.
	Began schema.Instant
	// Load multiplies all traffic; default 1, which is 1 to 2 Gbit/s and 200,000 packets/s without the floods.
	Load float64
	// Conversations is how many go on at the same time, on average; default 260.
	Conversations int
	// Rate is the sampling rate of the sFlow switches, one packet in Rate; default 1000.
	Rate uint32
	// FlowRate is the sampling rate of the NetFlow v9 router; default 100. The other routers see every packet.
	FlowRate uint32
	// Polling is how often counters are sent; default 10 s.
	Polling time.Duration
	// Active is after how long routers report a flow that goes on, Inactive after how long one that rests; defaults
	// 5 s and 2 s, shorter than on real routers so that the demo is livelier.
	Active, Inactive time.Duration
	// Templates is how often NetFlow v9 and IPFIX routers repeat their templates and options; default 20 s.
	Templates time.Duration
	// FloodEvery is how often a flood begins, the first one a fifth of that after the beginning, FloodFor how long it
	// lasts; defaults 2 minutes and 15 s. A negative FloodEvery means no flood and no scan. At load 1 it is 288,000
	// packets/s from UDP port 123 to one web server, half of it by each uplink of the server's switch and a third of it
	// through each router: a limit of 60,000 packets/s with a time-out of 5 s notices it.
	FloodEvery, FloodFor time.Duration
	// Truth, unless nil, is told of all packets that pass an exporter, sampled or not.
	Truth func(Passed)
	// Told asks for Datagram.Told.
	Told   bool
	Faults Faults
}

// Faults are what goes wrong on the way to the collector and in the exporters. The zero value is a perfect world.
type Faults struct {
	Loss         float64 // probability that a datagram is lost, 0..1
	Duplicate    float64 // probability that it comes twice
	Reorder      float64 // probability that it comes after the next one of the same exporter
	TemplateLoss float64 // probability that a datagram that carries templates is lost, beside Loss
	// RestartEvery is how often an exporter, each in its turn, starts anew: uptime, sequence numbers, counters and flow
	// cache at zero. 0: never.
	RestartEvery time.Duration
	// RateEvery is how often the sFlow switches change between Rate and twice that. 0: never.
	RateEvery time.Duration
	// ClockEvery is how often the clocks of the routers jump by Clock, forth and back in turn. 0: never.
	ClockEvery, Clock time.Duration
	// NearWrap lets interface counters begin shortly before they wrap.
	NearWrap bool
}

// began is the default of Options.Began: 2026-01-01 00:00 UTC.
const began = schema.Instant(1_767_225_600) * schema.Instant(time.Second)

func (o Options) withDefaults() Options {
	if o.Began == 0 {
		o.Began = began
	}
	if o.Load == 0 {
		o.Load = 1
	}
	if o.Conversations == 0 {
		o.Conversations = 260
	}
	if o.Rate == 0 {
		o.Rate = 1000
	}
	if o.FlowRate == 0 {
		o.FlowRate = 100
	}
	orDefault(&o.Polling, 10*time.Second)
	orDefault(&o.Active, 5*time.Second)
	orDefault(&o.Inactive, 2*time.Second)
	orDefault(&o.Templates, 20*time.Second)
	orDefault(&o.FloodEvery, 2*time.Minute)
	orDefault(&o.FloodFor, 15*time.Second)
	return o
}

func orDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}
