package api

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"weir/engine"
	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
)

// labelled bounds how many exporters have figures of their own at /metrics.
const labelled = 1000

// gauges publishes the counters that the engine's view holds. Rooms that may not lock count in plain integers; here
// these become vitals, whenever somebody looks.
type gauges struct {
	mu        sync.Mutex
	exporters map[sender]bool // that have figures of their own
}

// serveMetrics writes all vitals in the Prometheus text format.
func serveMetrics(r *request, w http.ResponseWriter) {
	r.server.publish(r.view)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	r.server.vitals.Write(w)
}

func (s *Server) publish(v *engine.View) {
	s.gauges.mu.Lock()
	defer s.gauges.mu.Unlock()
	if s.options.Vitals != nil {
		s.options.Vitals(s.vitals)
	}
	s.publishBooks(v)
	s.publishWire(v)
	s.publishNetFlow(v)
	s.publishFlow(v)
	s.publishCounting(v)
	s.publishLanes(v)
	s.publishExporters(v)
	s.vitals.Put("weir_api_streams", float64(s.caster.streams()))
}

// put sets a vital from a counter.
func (s *Server) put(name string, n uint64, labels ...string) {
	s.vitals.Put(name, float64(n), labels...)
}

func (s *Server) publishBooks(v *engine.View) {
	s.vitals.Put("weir_books_difference", float64(difference(v)))
	s.vitals.Put("weir_wire_books_difference", float64(v.Books.Difference()))
	s.vitals.Put("weir_flow_books_difference", float64(flowDifference(v)))
	s.vitals.Put("weir_metric_books_difference", float64(metricDifference(v)))
}

func (s *Server) publishWire(v *engine.View) {
	b := &v.Books
	s.put("weir_wire_received_total", b.Received)
	s.put("weir_wire_received_bytes_total", b.Bytes)
	s.put("weir_wire_decoded_total", b.Decoded)
	s.put("weir_wire_frames_total", b.Frames)
	for i, n := range b.Versions {
		if version := wire.Version(i); version != wire.VersionUnknown {
			s.put("weir_wire_datagrams_total", n, "version", version.String())
		}
	}
	for i, n := range b.Malformed {
		s.put("weir_wire_malformed_total", n, "reason", wire.Malformed(i).String())
	}
	for i, n := range b.Refused {
		s.put("weir_wire_refused_total", n, "reason", wire.Refused(i).String())
	}
	for i, n := range b.Unfollowed {
		s.put("weir_wire_unfollowed_total", n, "what", wire.Unfollowed(i).String())
	}
	s.put("weir_wire_exporters_evicted_total", b.Evicted)
	s.put("weir_wire_samples_total", b.Samples)
	s.put("weir_wire_samples_ignored_total", b.Ignored)
	s.put("weir_wire_options_total", b.Options)
	for _, u := range v.Unknown { // bounded by the decoders; 0:0 stands for those past the bound
		number := strconv.FormatUint(uint64(u.Tag.Enterprise()), 10) + ":" + strconv.Itoa(int(u.Tag.Number()))
		s.put("weir_wire_unknown_structures_total", u.Count, "structure", number)
	}
	s.put("weir_engine_records_total", b.PacketSamples, "kind", "packet_sample")
	s.put("weir_engine_records_total", b.FlowRecords, "kind", "flow_record")
	s.put("weir_engine_records_total", b.FrameRecords, "kind", "frame")
	s.put("weir_engine_records_total", b.Transactions, "kind", "transaction")
	s.put("weir_engine_records_total", b.Discards, "kind", "discard")
	s.put("weir_engine_records_total", b.Reversed, "kind", "reversed")
	s.put("weir_engine_readings_total", b.Readings)
	for k := schema.KindPacketSample; k <= schema.KindDiscard; k++ {
		kind := strings.ReplaceAll(k.String(), " ", "_")
		s.put("weir_engine_traffic_bytes_total", b.Traffic[k].Bytes, "kind", kind)
		s.put("weir_engine_traffic_packets_total", b.Traffic[k].Packets, "kind", kind)
	}
}

func (s *Server) publishNetFlow(v *engine.View) {
	n := &v.Books.NetFlow
	for _, x := range []struct {
		event string
		count uint64
	}{
		{"without_template", n.SetsWithoutTemplate}, {"held", n.SetsHeld}, {"released", n.SetsReleased},
		{"expired", n.SetsExpired}, {"not_held", n.SetsNotHeld},
	} {
		s.put("weir_wire_netflow_sets_total", x.count, "event", x.event)
	}
	for _, x := range []struct {
		event string
		count uint64
	}{
		{"learned", n.TemplatesLearned}, {"replaced", n.TemplatesReplaced}, {"withdrawn", n.TemplatesWithdrawn},
		{"refused", n.TemplatesRefused}, {"evicted", n.TemplatesEvicted},
	} {
		s.put("weir_wire_netflow_templates_total", x.count, "event", x.event)
	}
	for i, count := range n.ByReason {
		s.put("weir_wire_netflow_malformed_parts_total", count, "reason", netflow.Reason(i).String())
	}
	s.put("weir_wire_netflow_domains_evicted_total", n.DomainsEvicted)
	s.put("weir_wire_netflow_names_refused_total", n.NamesRefused)
	s.put("weir_wire_netflow_times_bounded_total", n.TimesBounded)
}

func (s *Server) publishFlow(v *engine.View) {
	s.vitals.Put("weir_flow_definitions", float64(len(v.State.Flows)))
	s.vitals.Put("weir_flow_keys", float64(v.FlowKeys))
	s.vitals.Put("weir_flow_bytes", float64(v.FlowBytes))
	s.put("weir_flow_log_missed_total", v.LogMissed)
	s.put("weir_flow_distinct_refused_total", v.DistinctFull)
	s.put("weir_flow_logged_total", s.engine.LastFlow())
	s.put("weir_event_events_total", s.engine.LastEvent())
	s.vitals.Put("weir_event_thresholds", float64(len(v.State.Thresholds)))
	sum := map[string]uint64{}
	for _, d := range v.Flow.Definitions() {
		b, _ := v.Flow.Books(d.Name)
		sum["counted"] += b.Counted
		sum["filtered"] += b.Filtered
		sum["null_key"] += b.NullKey
		sum["null_value"] += b.NullValue
		sum["key_too_long"] += b.KeyTooLong
		sum["sources_full"] += b.SourcesFull
		sum["keys_full"] += b.KeysFull
	}
	// Definitions that are dropped take their sums with them: these are gauges of those in force.
	for outcome, n := range sum {
		s.put("weir_flow_observed_records", n, "outcome", outcome)
	}
}

func (s *Server) publishLanes(v *engine.View) {
	s.vitals.Put("weir_engine_lanes", float64(s.engine.Lanes()))
	s.put("weir_engine_ticks_total", v.Seq)
	s.vitals.Put("weir_engine_clock_seconds", v.At.Seconds())
	s.vitals.Put("weir_engine_definitions_failed", truth(v.Failed != nil))
	c := metricCounts(v)
	for _, x := range []struct {
		outcome string
		count   uint64
	}{
		{"taken", c.Taken}, {"duplicate", c.Duplicates}, {"late", c.Late}, {"refused", c.Refused},
	} {
		s.put("weir_metric_readings_total", x.count, "outcome", x.outcome)
	}
	s.put("weir_metric_restarts_total", c.Restarts)
	s.put("weir_metric_unkept_total", c.Unkept)
	s.put("weir_metric_labels_cut_total", c.Cut)
	s.put("weir_metric_sources_expired_total", c.Expired)
	for i := range v.Counts {
		n, lane := &v.Counts[i], strconv.Itoa(i)
		s.vitals.Put("weir_metric_sources", float64(n.Sources), "lane", lane)
		s.put("weir_event_crossings_refused_total", n.Refused, "lane", lane)
		s.put("weir_enrich_dropped_total", n.Enrich.WantedDropped, "lane", lane, "what", "wanted")
		s.put("weir_enrich_dropped_total", n.Enrich.LearnedDropped, "lane", lane, "what", "learned")
	}
	s.put("weir_enrich_refused_total", v.State.World.Refused())
	s.vitals.Put("weir_enrich_hosts_located", float64(v.State.World.Located()))
	for name, missed := range s.engine.Followers() {
		s.put("weir_engine_harvests_missed_total", missed, "follower", name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// publishExporters shows the exporters one by one, as far as there is room for labels.
func (s *Server) publishExporters(v *engine.View) {
	if s.gauges.exporters == nil {
		s.gauges.exporters = map[sender]bool{}
	}
	unlabelled := 0
	for i := range v.Exporters {
		x := &v.Exporters[i]
		k := sender{x.Address, x.Kind}
		if !s.gauges.exporters[k] {
			if len(s.gauges.exporters) >= labelled {
				unlabelled++
				continue
			}
			s.gauges.exporters[k] = true
		}
		labels := []string{"exporter", x.Address.String(), "kind", x.Kind}
		s.put("weir_wire_exporter_datagrams_total", x.Datagrams, labels...)
		s.put("weir_wire_exporter_records_total", x.Records, labels...)
		s.put("weir_wire_exporter_lost_total", x.Lost, append(labels, "unit", x.LossUnit)...)
		s.vitals.Put("weir_wire_exporter_last_seconds", x.Last.Seconds(), labels...)
	}
	s.vitals.Put("weir_wire_exporters", float64(len(v.Exporters)))
	s.vitals.Put("weir_wire_exporters_unlabelled", float64(unlabelled))
}
