package vitals

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/VictoriaMetrics/metrics"
)

// Set is a family of counters and gauges that is written together.
type Set struct {
	set *metrics.Set

	mu     sync.Mutex
	levels map[string]*level
}

type level struct {
	mu    sync.Mutex
	value float64
}

func (l *level) put(v float64) {
	l.mu.Lock()
	l.value = v
	l.mu.Unlock()
}

func (l *level) read() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

// New returns an empty set.
func New() *Set { return &Set{set: metrics.NewSet(), levels: map[string]*level{}} }

// Counter counts up. It may be used from any goroutine.
type Counter = metrics.Counter

// Counter returns the counter of that name, made at first use. Labels are pairs: name, value, name, value.
func (s *Set) Counter(name string, labels ...string) *Counter {
	return s.set.GetOrCreateCounter(Name(name, labels...))
}

// Gauge makes a gauge that read answers whenever the set is written; read is called from any goroutine.
func (s *Set) Gauge(name string, read func() float64, labels ...string) {
	s.set.GetOrCreateGauge(Name(name, labels...), read)
}

// Put sets a value that some other room counted: a counter's running total or a gauge's level.
func (s *Set) Put(name string, value float64, labels ...string) {
	full := Name(name, labels...)
	s.mu.Lock()
	l := s.levels[full]
	if l == nil {
		l = &level{}
		s.levels[full] = l
		s.set.GetOrCreateGauge(full, l.read)
	}
	s.mu.Unlock()
	l.put(value)
}

// Read returns what Put last set under that name; ok is false when it never did.
func (s *Set) Read(name string, labels ...string) (value float64, ok bool) {
	s.mu.Lock()
	l := s.levels[Name(name, labels...)]
	s.mu.Unlock()
	if l == nil {
		return 0, false
	}
	return l.read(), true
}

// Puts returns everything that Put has set, by full name, sorted.
func (s *Set) Puts(yield func(name string, value float64) bool) {
	s.mu.Lock()
	levels := maps.Clone(s.levels)
	s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if !yield(name, levels[name].read()) {
			return
		}
	}
}

// Write writes the set, and the process's own memory and CPU figures, in the Prometheus text format.
func (s *Set) Write(w io.Writer) {
	s.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// Name returns name{label="value",...} with the values quoted as the Prometheus text format wants.
func Name(name string, labels ...string) string {
	if len(labels) == 0 {
		return name
	}
	if len(labels)%2 != 0 {
		panic("BUG: vitals: labels of " + name + " are not pairs")
	}
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		sep := ','
		if i == 0 {
			sep = '{'
		}
		fmt.Fprintf(&b, "%c%s=%q", sep, labels[i], labels[i+1])
	}
	b.WriteByte('}')
	return b.String()
}
