// Package vitals holds the house's own counters and gauges and writes them in the Prometheus text format. Everything
// that moves has a counter, everything that waits has a gauge, every cap and drop has a reason label from a closed
// list. Names are weir_<room>_<noun>_<unit>; labels are bounded and never hold traffic addresses.
//
// It is not for metrics of exporters (package metric) and not for logs (log/slog). A Set may be used from any
// goroutine. Rooms that may not lock count in plain integers; the shell publishes those at ticks with Set.Put.
package vitals
