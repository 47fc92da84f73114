package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// benchPrinter prints results as they come.
type benchPrinter struct {
	w     io.Writer
	json  bool
	old   map[string]*benchResult
	begun bool
}

const benchRow = "%-18s %10s %9s %9s %9s %9s %8s %8s %8s  %s\n"

func (p *benchPrinter) print(r *benchResult) error {
	r.compare(p.old[r.Scenario])
	if p.json {
		return json.NewEncoder(p.w).Encode(r)
	}
	if !p.begun {
		p.begun = true
		_, err := fmt.Fprintf(p.w, benchRow, "scenario", "records/s", "dgrams/s", "ns/record", "CPU ns/r", "allocs/r",
			"RSS MiB", "drops", "books", "")
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.w, benchRow, r.Scenario, shortNumber(r.RecordsRate), shortNumber(r.DatagramsRate),
		fmt.Sprintf("%.1f", r.WallNanos), fmt.Sprintf("%.1f", r.CPUNanos), fmt.Sprintf("%.4f", r.Allocs),
		fmt.Sprintf("%.0f", r.RSSMiB), fmt.Sprint(r.Drops), fmt.Sprint(r.Books), r.notes())
	return err
}

// notes are the figures that only some scenarios have.
func (r *benchResult) notes() string {
	var all []string
	if r.Lanes > 1 {
		all = append(all, fmt.Sprintf("%d lanes", r.Lanes))
	}
	if r.LossFree > 0 {
		bound := ""
		if r.SenderBound {
			bound = " (sender's limit)"
		}
		all = append(all, fmt.Sprintf("loss-free to %s datagrams/s%s", shortNumber(r.LossFree), bound))
	}
	if r.BareNanos > 0 {
		all = append(all, fmt.Sprintf("of it groups %.0f, sessions %.0f", r.MeterNanos, r.SessionNanos))
	}
	if r.Keys > 0 {
		all = append(all, fmt.Sprintf("%s %s, %.0f B each, peak %.0f MiB", shortNumber(float64(r.Keys)),
			r.keyWord(), r.KeyBytes, r.PeakMiB))
	}
	if r.Ticks > 0 {
		all = append(all, fmt.Sprintf("tick p50 %.1f ms, p99 %.1f, max %.1f of %d", r.TickP50, r.TickP99, r.TickMost,
			r.Ticks))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Stored)) {
		all = append(all, fmt.Sprintf("%s %s", name, shortNumber(r.Stored[name])))
	}
	if r.TickAllocs > 0 {
		all = append(all, fmt.Sprintf("%.0f allocs/tick", r.TickAllocs))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Ratio)) {
		all = append(all, fmt.Sprintf("%s x%.2f", name, r.Ratio[name]))
	}
	if len(r.Faults) > 0 {
		all = append(all, "FAULTS: "+strings.Join(r.Faults, "; "))
	}
	return strings.Join(all, ", ")
}

// keyWord names what Keys counts.
func (r *benchResult) keyWord() string {
	switch r.Scenario {
	case "memory-sessions":
		return "sessions"
	case "memory-groups":
		return "keys of 13 meters"
	}
	return "active flows"
}

// compare notes the ratios to an older result of the same scenario; nil: there is none. What either does not have is
// left out.
func (r *benchResult) compare(old *benchResult) {
	if old == nil {
		return
	}
	r.Ratio = map[string]float64{}
	for name, of := range map[string]func(*benchResult) float64{
		"records/s": func(r *benchResult) float64 { return r.RecordsRate },
		"cpu":       func(r *benchResult) float64 { return r.CPUNanos },
		"allocs":    func(r *benchResult) float64 { return r.Allocs },
		"rss":       func(r *benchResult) float64 { return r.RSSMiB - r.LoadMiB },
		"loss-free": func(r *benchResult) float64 { return r.LossFree },
		"key":       func(r *benchResult) float64 { return r.KeyBytes },
		"metering":  func(r *benchResult) float64 { return r.MeterNanos },
		"sessions":  func(r *benchResult) float64 { return r.SessionNanos },
		"tick p99":  func(r *benchResult) float64 { return r.TickP99 },
	} {
		if was := of(old); was > 0 && of(r) > 0 {
			r.Ratio[name] = of(r) / was
		}
	}
}

// shortNumber writes a number with three significant digits and an SI prefix.
func shortNumber(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= 0.9995*unit.size {
			return threeDigits(v/unit.size) + unit.name
		}
	}
	return threeDigits(v)
}

// threeDigits writes a number from 0 on with three significant digits; from 100 on without a fraction.
func threeDigits(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
