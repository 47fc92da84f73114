package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
)

// spent is what something took.
type spent struct{ wall, cpu time.Duration }

// stopwatch measures wall and CPU time of the process. It can be stopped and goes on when started again.
type stopwatch struct {
	total spent
	wall  time.Time
	cpu   time.Duration
}

func (s *stopwatch) start() { s.wall, s.cpu = time.Now(), cpuTime(runSelf) }

func (s *stopwatch) stop() {
	s.total.wall += time.Since(s.wall)
	s.total.cpu += cpuTime(runSelf) - s.cpu
}

// mallocs returns how many objects the program has allocated so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

const mebibyte = 1 << 20

// residentMiB returns a line of the process's status in MiB: VmRSS or VmHWM. Where there is no /proc it answers with
// what Go holds of the system for the first, and 0.
func residentMiB(line string) float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		if line != "VmRSS" {
			return 0
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.Sys-m.HeapReleased) / mebibyte
	}
	_, rest, _ := bytes.Cut(b, []byte("\n"+line+":"))
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(string(fields[0]), 64)
	return kib / 1024
}

// settleMemory gives back what the last scenario left and forgets its peak, so that the next one shows its own.
func settleMemory() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it cannot be, peaks are those since the start
}

// memory notes how much memory the process has.
func (r *benchResult) memory(l *benchLoad) {
	r.RSSMiB, r.PeakMiB = residentMiB("VmRSS"), residentMiB("VmHWM")
	r.LoadMiB = float64(len(l.data)) / mebibyte
}

// took notes the median round of a load; without rounds, because the run was stopped, it notes nothing.
func (r *benchResult) took(l *benchLoad, rounds []spent) {
	if len(rounds) == 0 {
		return
	}
	n := uint64(len(rounds))
	r.Records, r.Datagrams = n*l.records, n*uint64(len(l.datagrams))
	wall := medianOf(rounds, func(s spent) time.Duration { return s.wall })
	cpu := medianOf(rounds, func(s spent) time.Duration { return s.cpu })
	r.RecordsRate = float64(l.records) / wall.Seconds()
	r.DatagramsRate = float64(len(l.datagrams)) / wall.Seconds()
	r.WallNanos = float64(wall) / float64(l.records)
	r.CPUNanos = float64(cpu) / float64(l.records)
}

func medianOf(rounds []spent, of func(spent) time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range rounds {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
