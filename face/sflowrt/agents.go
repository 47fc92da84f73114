package sflowrt

import (
	"slices"

	"weir/schema"
	"weir/wire"
)

// agentBooks is what /agents/json tells of one exporter (spec sflow-rt 1.9). Telemetry is an addition: what came in
// protocols that the other properties do not speak of, and in sFlow.
type agentBooks struct {
	Datagrams   uint64        `json:"sFlowDatagramsReceived"`
	Lost        uint64        `json:"sFlowDatagramsLost"`
	Duplicates  uint64        `json:"sFlowDatagramsDuplicates"`
	OutOfOrder  uint64        `json:"sFlowDatagramsOutOfOrder"`
	Senders     []schema.Addr `json:"sFlowDatagramSource"`
	FlowSamples uint64        `json:"sFlowFlowSamples"`
	FlowDrops   uint64        `json:"sFlowFlowDrops"`
	FlowLost    uint64        `json:"sFlowFlowLostSamples"`
	FlowRepeats uint64        `json:"sFlowFlowDuplicateSamples"`
	FlowLate    uint64        `json:"sFlowFlowOutOfOrderSamples"`
	FlowSources int           `json:"sFlowFlowDatasources"`

	CounterSamples uint64 `json:"sFlowCounterSamples"`
	CounterLost    uint64 `json:"sFlowCounterLostSamples"`
	CounterRepeats uint64 `json:"sFlowCounterDuplicateSamples"`
	CounterLate    uint64 `json:"sFlowCounterOutOfOrderSamples"`
	CounterSources int    `json:"sFlowCounterDatasources"`

	NoteSamples uint64 `json:"sFlowNotificationSamples"`
	NoteDrops   uint64 `json:"sFlowNotificationDrops"`
	NoteLost    uint64 `json:"sFlowNotificationLostSamples"`
	NoteRepeats uint64 `json:"sFlowNotificationDuplicateSamples"`
	NoteLate    uint64 `json:"sFlowNotificationOutOfOrderSamples"`
	NoteSources int    `json:"sFlowNotificationDatasources"`

	FirstSeen int64  `json:"firstSeen"` // ms ago
	LastSeen  int64  `json:"lastSeen"`  // ms ago
	Uptime    uint32 `json:"uptime"`    // ms, as the exporter says; 0 not known

	Telemetry []telemetry `json:"telemetry"`
}

// telemetry is what came from an exporter in one protocol.
type telemetry struct {
	Kind       string       `json:"kind"`
	Domains    int          `json:"domains"`
	Datagrams  uint64       `json:"datagrams"`
	Bytes      uint64       `json:"bytes"`
	Lost       uint64       `json:"lost"`
	LossUnit   string       `json:"lossUnit,omitempty"`
	Duplicates uint64       `json:"duplicates"`
	OutOfOrder uint64       `json:"outOfOrder"`
	Records    uint64       `json:"records"`
	Readings   uint64       `json:"readings"`
	Traffic    wire.Traffic `json:"traffic"` // that the records tell of, scaled by sampling
	Rate       uint32       `json:"samplingRate,omitempty"`
}

func (c *call) agents() error {
	var wanted map[schema.Addr]bool
	for _, text := range c.query["agent"] {
		if wanted == nil {
			wanted = map[schema.Addr]bool{}
		}
		if a, ok := c.agent(text); ok {
			wanted[a] = true
		}
	}
	out := map[string]*agentBooks{}
	for i := range c.view.Exporters {
		x := &c.view.Exporters[i]
		if wanted != nil && !wanted[x.Address] {
			continue
		}
		b := out[x.Address.String()]
		if b == nil {
			b = &agentBooks{Senders: []schema.Addr{}, FirstSeen: c.age(x.First), LastSeen: c.age(x.Last)}
			out[x.Address.String()] = b
		}
		b.add(c, x)
	}
	return c.json(out)
}

// add adds what one exporter and protocol did.
func (b *agentBooks) add(c *call, x *wire.Exporter) {
	b.FirstSeen, b.LastSeen = max(b.FirstSeen, c.age(x.First)), min(b.LastSeen, c.age(x.Last))
	b.Uptime = max(b.Uptime, x.Uptime)
	b.Telemetry = append(b.Telemetry, telemetry{
		Kind: x.Kind, Domains: x.Domains, Datagrams: x.Datagrams, Bytes: x.Bytes, Lost: x.Lost, LossUnit: x.LossUnit,
		Duplicates: x.Duplicates, OutOfOrder: x.OutOfOrder, Records: x.Records, Readings: x.Readings,
		Traffic: x.Traffic, Rate: x.Rate,
	})
	if x.Kind != kindSFlow {
		return
	}
	b.Datagrams += x.Datagrams
	b.Lost += x.Lost
	b.Duplicates += x.Duplicates
	b.OutOfOrder += x.OutOfOrder
	for _, a := range x.Senders {
		if !slices.Contains(b.Senders, a) {
			b.Senders = append(b.Senders, a)
		}
	}
	f, n, d := &x.Flow, &x.Counter, &x.Notification
	b.FlowSamples, b.FlowDrops, b.FlowLost = f.Samples, f.Drops, f.Lost
	b.FlowRepeats, b.FlowLate, b.FlowSources = f.Duplicates, f.OutOfOrder, f.Datasources
	b.CounterSamples, b.CounterLost = n.Samples, n.Lost
	b.CounterRepeats, b.CounterLate, b.CounterSources = n.Duplicates, n.OutOfOrder, n.Datasources
	b.NoteSamples, b.NoteDrops, b.NoteLost = d.Samples, d.Drops, d.Lost
	b.NoteRepeats, b.NoteLate, b.NoteSources = d.Duplicates, d.OutOfOrder, d.Datasources
}

// kindSFlow is wire.Exporter.Kind of sFlow exporters.
const kindSFlow = "sflow"
