package main

import (
	"fmt"

	"weir/engine"
	"weir/flow"
	"weir/wire"
	"weir/wire/netflow"
)

// memoryDefinitions are ten definitions in which every record of the memory scenario is a flow of its own. They do not
// fade while it runs.
func memoryDefinitions() []flow.Definition {
	var out []flow.Definition
	for i, keys := range []string{
		"ipsource", "ipdestination", "ipsource,ipdestination", "ipdestination,ipsource", "ipsource,ipprotocol",
		"ipsource,ipdestination,ipprotocol", "ipdestination,or:tcpdestinationport:udpdestinationport",
		"ipsource,ipdestination,inputifindex",
		"ipsource,ipdestination,ipprotocol,or:tcpsourceport:udpsourceport,or:tcpdestinationport:udpdestinationport",
		"or:ipsource:ip6source,or:ipdestination:ip6destination",
	} {
		value := "bytes"
		if i%2 == 1 {
			value = "frames"
		}
		out = append(out, flow.Definition{Name: fmt.Sprintf("keys%d", i), Keys: keys, Value: value, T: 600})
	}
	return out
}

// memory fills ten definitions with as many active flows as the cap allows, and a tenth more.
func (b *bench) memory(*benchLoad) (*benchResult, error) {
	defs := memoryDefinitions()
	limit := b.size.keys
	g, err := startBenchRig(b.ctx, engine.Config{Lanes: 1, Flow: flow.Limits{Keys: limit}}, defs,
		benchHouse{})
	if err != nil {
		return nil, err
	}
	defer g.stop()
	var w stopwatch
	w.start()
	records, datagrams, err := g.distinct(limit / len(defs) * 11 / 10)
	w.stop()
	if err != nil {
		return nil, err
	}
	l := &benchLoad{records: records, datagrams: make([]wire.Datagram, datagrams)}
	r := &benchResult{Lanes: 1, Definitions: len(defs)}
	r.took(l, []spent{w.total})
	r.memory(l)
	v := g.View()
	r.Keys = v.FlowKeys
	// What the tables count of themselves: the resident size also has what earlier scenarios left behind.
	r.KeyBytes = float64(v.FlowBytes) / float64(max(r.Keys, 1))
	r.checkBooks(&v.Books, l, 1)
	var all flow.Books
	for _, d := range defs {
		books, _ := v.Flow.Books(d.Name)
		r.checkDefinition(d.Name, &books, records)
		all.Add(books)
	}
	r.Drops = all.KeysFull
	r.expect("active flows", uint64(r.Keys), uint64(limit))
	r.expect("records counted", all.Counted, uint64(limit))
	r.expect("records refused at the cap", all.KeysFull, records*uint64(len(defs))-uint64(limit))
	return r, b.ctx.Err()
}

// distinct gives at least so many flow records to the engine, no two alike in source or destination.
func (r *benchRig) distinct(records int) (given, datagrams uint64, err error) {
	b, err := newFlowLoad(formatV5)
	if err != nil {
		return 0, 0, err
	}
	for x := 0; given < uint64(records); x = (x + 1) % benchExporters {
		w := b.builders[x]
		w.Begin(netflow.Header{Export: benchBegin, Uptime: 3_600_000})
		for range b.most {
			n := uint32(given)
			f := benchFlow{src: 10<<24 | n, dst: 100<<24 | n, srcPort: uint16(n), dstPort: 443, proto: 6}
			w.Record(b.layout, b.record(&f, uint64(n%benchPorts), 1500+uint64(n%100), 1+uint64(n%7))...)
			given++
		}
		data, err := w.Datagram()
		if err != nil {
			return given, datagrams, fmt.Errorf("BUG: bench: %w", err)
		}
		datagrams++
		if err := r.put(&wire.Datagram{At: r.at, From: benchExporter(x), Port: 2055, Data: data}); err != nil {
			return given, datagrams, err
		}
		if datagrams%512 == 0 {
			r.at += 10_000_000
			if err := r.tick(); err != nil {
				return given, datagrams, err
			}
		}
	}
	return given, datagrams, r.tick()
}
