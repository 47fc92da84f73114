package api

import (
	"cmp"
	"net/http"
	"slices"
	"sync/atomic"

	"weir/engine"
	"weir/schema"
	"weir/wire"
)

// exporter is one exporter, and kind of telemetry, in an answer.
type exporter struct {
	Address       string  `json:"address"`
	Name          string  `json:"name"` // that it gave for itself, or the DNS has; empty when not known
	Kind          string  `json:"kind"` // sflow, netflow1, netflow5, netflow7, netflow9, ipfix or frames
	Datagrams     uint64  `json:"datagrams"`
	DatagramsRate float64 `json:"datagrams_rate"` // per second, over the last five to ten seconds
	Bytes         uint64  `json:"bytes"`
	BytesRate     float64 `json:"bytes_rate"`
	Lost          uint64  `json:"lost"`         // by gaps in sequence numbers
	LossUnit      string  `json:"loss_unit"`    // what Lost counts: datagrams, flows or records
	LostPercent   float64 `json:"lost_percent"` // of all that was sent
	Duplicates    uint64  `json:"duplicates"`
	OutOfOrder    uint64  `json:"out_of_order"`
	Restarts      uint64  `json:"restarts"`
	Records       uint64  `json:"records"`
	RecordsRate   float64 `json:"records_rate"`
	Readings      uint64  `json:"readings"`
	// Traffic is what the records tell of since the start, scaled by sampling.
	Traffic      wire.Traffic `json:"traffic"`
	SamplingRate uint32       `json:"sampling_rate"` // one packet in so many is seen; 0 not known, 1 all
	Domains      int          `json:"domains"`
	Datasources  int          `json:"datasources"`
	FirstSeen    int64        `json:"first_seen_ms"` // ms since the Unix epoch
	LastSeen     int64        `json:"last_seen_ms"`
}

// datasource is one datasource of an sFlow exporter in an answer.
type datasource struct {
	Datasource      string  `json:"datasource"`
	Domain          uint32  `json:"domain"` // sub-agent
	SamplingRate    uint32  `json:"sampling_rate"`
	EffectiveRate   float64 `json:"effective_rate"` // growth of its sample pool by samples received; 0 not known
	FlowSamples     uint64  `json:"flow_samples"`
	CounterSamples  uint64  `json:"counter_samples"`
	PollingInterval int64   `json:"polling_interval_ms"` // 0 not known
}

// samples counts the samples of one kind of an sFlow exporter in an answer.
type samples struct {
	Samples    uint64 `json:"samples"`
	Drops      uint64 `json:"drops"` // the exporter says that it lost these itself
	Lost       uint64 `json:"lost"`
	Duplicates uint64 `json:"duplicates"`
	OutOfOrder uint64 `json:"out_of_order"`
}

func samplesOf(s wire.Samples) samples {
	return samples{s.Samples, s.Drops, s.Lost, s.Duplicates, s.OutOfOrder}
}

// oneExporter is all that is known of an exporter.
type oneExporter struct {
	exporter
	Senders         []string     `json:"senders"` // addresses that its datagrams came from, 8 at most
	Uptime          uint32       `json:"uptime_ms"`
	WithoutTemplate uint64       `json:"sets_without_template"`
	Flow            samples      `json:"flow_samples"`
	Counter         samples      `json:"counter_samples"`
	Notification    samples      `json:"notification_samples"`
	Datasources     []datasource `json:"datasource_list"`
}

func exporterOf(v *engine.View, x *wire.Exporter, r rates) exporter {
	name := v.State.World.HostName(x.Address)
	if name == "" {
		name = v.State.World.DNSName(x.Address)
	}
	counted := x.Records
	if x.LossUnit == "datagrams" {
		counted = x.Datagrams
	}
	percent := 0.0
	if x.Lost > 0 {
		percent = 100 * float64(x.Lost) / float64(x.Lost+counted)
	}
	return exporter{
		Address: x.Address.String(), Name: name, Kind: x.Kind, Datagrams: x.Datagrams, DatagramsRate: r.datagrams,
		Bytes: x.Bytes, BytesRate: r.bytes, Lost: x.Lost, LossUnit: x.LossUnit, LostPercent: percent,
		Duplicates: x.Duplicates, OutOfOrder: x.OutOfOrder, Restarts: x.Restarts, Records: x.Records,
		RecordsRate: r.records, Readings: x.Readings, Traffic: x.Traffic, SamplingRate: x.Rate, Domains: x.Domains,
		Datasources: len(x.Datasources), FirstSeen: x.First.Millis(), LastSeen: x.Last.Millis(),
	}
}

// exportersOf returns the busiest exporters, at most most, in the order of their addresses.
func exportersOf(v *engine.View, pace *pace, most int) []exporter {
	out := make([]exporter, 0, len(v.Exporters))
	for i := range v.Exporters {
		x := &v.Exporters[i]
		out = append(out, exporterOf(v, x, pace.of(x)))
	}
	if len(out) <= most {
		return out
	}
	places := make([]int, len(out))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		return cmp.Or(cmp.Compare(out[b].DatagramsRate, out[a].DatagramsRate),
			cmp.Compare(out[b].Datagrams, out[a].Datagrams))
	})
	places = places[:most]
	slices.Sort(places)
	busiest := make([]exporter, 0, most)
	for _, i := range places {
		busiest = append(busiest, out[i])
	}
	return busiest
}

func exporters(r *request) (any, error) {
	return struct {
		stamp
		Exporters []exporter `json:"exporters"`
		Total     int        `json:"total"`
	}{r.stamp(), exportersOf(r.view, r.server.caster.pace(), r.whole("max")), len(r.view.Exporters)}, nil
}

// exporterByAddress shows all that is known of one exporter, by kind of telemetry.
func exporterByAddress(r *request) (any, error) {
	address, err := schema.ParseAddr(r.text("address"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "address", r.text("address")+" is no address", "")
	}
	out := []oneExporter{}
	for i := range r.view.Exporters {
		x := &r.view.Exporters[i]
		if x.Address != address {
			continue
		}
		one := oneExporter{
			exporter: exporterOf(r.view, x, r.server.caster.pace().of(x)), Senders: []string{}, Uptime: x.Uptime,
			WithoutTemplate: x.WithoutTemplate, Flow: samplesOf(x.Flow), Counter: samplesOf(x.Counter),
			Notification: samplesOf(x.Notification), Datasources: []datasource{},
		}
		for _, a := range x.Senders {
			one.Senders = append(one.Senders, a.String())
		}
		for _, d := range x.Datasources[:min(len(x.Datasources), r.whole("max"))] {
			one.Datasources = append(one.Datasources, datasource{
				d.Source.Datasource(), d.Source.Domain, d.Rate, d.EffectiveRate, d.FlowSamples, d.CounterSamples,
				d.PollingInterval,
			})
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, refuse(http.StatusNotFound, "address", "nothing was received from "+address.String(),
			"GET /api/v1/exporters lists the exporters")
	}
	return struct {
		stamp
		Exporters []oneExporter `json:"exporters"`
	}{r.stamp(), out}, nil
}

// paceOver is over how long rates of exporters are measured: from once to twice that.
const paceOver = schema.Instant(5e9)

// rates are per second.
type rates struct{ datagrams, bytes, records float64 }

// sender names one exporter and kind of telemetry.
type sender struct {
	address schema.Addr
	kind    string
}

// count is what the counters of an exporter were at an instant.
type count struct {
	at                        schema.Instant
	datagrams, bytes, records uint64
}

// track is the counters of one exporter some time ago.
type track struct{ older, newer count }

// pace is the rates of all exporters. It never changes once published.
type pace struct{ rates map[sender]rates }

func (p *pace) of(x *wire.Exporter) rates {
	if p == nil {
		return rates{}
	}
	return p.rates[sender{x.Address, x.Kind}]
}

// pacer computes rates from successive views. It is bounded by the exporters that the view has.
type pacer struct {
	tracks map[sender]*track
	last   atomic.Pointer[pace]
}

// take looks at a view.
func (p *pacer) take(v *engine.View) {
	next := &pace{make(map[sender]rates, len(v.Exporters))}
	for i := range v.Exporters {
		x := &v.Exporters[i]
		k, now := sender{x.Address, x.Kind}, count{v.At, x.Datagrams, x.Bytes, x.Records}
		t := p.tracks[k]
		if t == nil {
			// It began with nothing when it was first seen.
			t = &track{older: count{at: x.First}, newer: now}
			p.tracks[k] = t
		}
		if now.at-t.newer.at >= paceOver {
			t.older, t.newer = t.newer, now
		}
		next.rates[k] = t.older.rates(now)
	}
	for k := range p.tracks {
		if _, there := next.rates[k]; !there {
			delete(p.tracks, k)
		}
	}
	p.last.Store(next)
}

// rates returns what came between two counts, per second. Less than half a second says nothing.
func (c count) rates(now count) rates {
	s := (now.at - c.at).Seconds()
	if s < 0.5 || now.datagrams < c.datagrams {
		return rates{}
	}
	return rates{
		float64(now.datagrams-c.datagrams) / s, float64(now.bytes-c.bytes) / s,
		float64(now.records-min(c.records, now.records)) / s,
	}
}
