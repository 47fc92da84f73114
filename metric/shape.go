package metric

import (
	"slices"
	"strings"

	"weir/schema"
)

// shape is the list of columns that datasources of one kind have in common: what they send, in the order in which they
// send it, then what is derived from that. A shape never changes but for rows and the watched columns, which only the
// table looks at, so views share it.
type shape struct {
	key      string         // in Table.shapes
	names    []string       // sent ones first
	index    map[string]int // column by name
	sent     int            // how many of names are sent
	slack    []bool         // by column: a counter of milliseconds that may step back a little
	rules    []boundRule
	share    []int // columns of counters that are percentages of their sum
	also     []int // columns that are percentages of the same sum but not part of it
	workload workloadColumns

	rows    int    // that have this shape; at 0 the table forgets it
	watch   uint32 // Table.watch for which watched was made
	watched []int
}

// find returns the column of a name, -1 when there is none; guess is where it probably is.
func (s *shape) find(name string, guess int) int {
	if guess < s.sent && s.names[guess] == name {
		return guess
	}
	if c, ok := s.index[name]; ok && c < s.sent {
		return c
	}
	return -1
}

// shape returns the shape of datasources that send the names, in this order.
func (t *Table) shape(sent []string) *shape {
	key := strings.Join(sent, "\n")
	if s := t.shapes[key]; s != nil {
		return s
	}
	s := &shape{key: key, names: slices.Clone(sent), sent: len(sent), index: make(map[string]int, len(sent)+8)}
	for c, n := range s.names {
		s.index[n] = c
	}
	s.bindShares()
	s.bindRules()
	s.bindWorkload()
	t.shapes[key] = s
	t.columns += s.sent
	return s
}

// derived adds a column that is not sent and returns it; ok is false when the exporter itself sends that name.
func (s *shape) derived(name string) (c int, ok bool) {
	if _, ok := s.index[name]; ok {
		return 0, false
	}
	c = len(s.names)
	s.names = append(s.names, name)
	s.index[name] = c
	return c, true
}

// grow gives w columns for the names of r that it lacks, as far as limits allow. Columns that were not refreshed for
// Limits.Expire are dropped at this occasion.
func (t *Table) grow(w *row, r *schema.Reading) {
	old := w.shape
	if w.refused != 0 && r.At >= w.refused && r.At-w.refused < growEvery {
		return
	}
	w.refused = r.At
	if old.sent >= t.limits.PerSource && !t.stale(w, r.At) {
		return
	}
	sent := make([]string, 0, old.sent+len(r.Values))
	for c, n := range old.names[:old.sent] {
		if r.At.Sub(w.marks[c].at) <= t.limits.Expire {
			sent = append(sent, n)
		}
	}
	have := make(map[string]bool, len(r.Values))
	added := false
	for i := range r.Values {
		n := r.Values[i].Name
		if c, ok := old.index[n]; ok && c < old.sent && r.At.Sub(w.marks[c].at) <= t.limits.Expire {
			continue
		}
		if have[n] || n == "" || strings.Contains(n, "\n") {
			continue
		}
		if len(sent) >= t.limits.PerSource || t.metrics-len(old.names)+len(sent)+maxDerived >= t.limits.Metrics {
			break
		}
		have[n], added = true, true
		sent = append(sent, n)
	}
	if !added || t.columns+len(sent) > t.limits.Columns && t.shapes[strings.Join(sent, "\n")] == nil {
		return
	}
	t.reshape(w, t.shape(sent))
	w.refused = 0
}

// growEvery is how long a row that could not grow waits before it tries again.
const growEvery = schema.Instant(1e9)

// stale tells whether some sent column of w was not refreshed for Limits.Expire.
func (t *Table) stale(w *row, at schema.Instant) bool {
	for c := range w.shape.sent {
		if at.Sub(w.marks[c].at) > t.limits.Expire {
			return true
		}
	}
	return false
}

// reshape moves w to another shape, keeping what it knows of the columns that both have. A nil shape ends the row.
func (t *Table) reshape(w *row, to *shape) {
	from := w.shape
	if from == to {
		return
	}
	t.metrics -= len(from.names)
	if from.rows--; from.rows == 0 {
		delete(t.shapes, from.key)
		t.columns -= from.sent
	}
	w.shape = to
	if to == nil {
		t.weigh(w)
		return
	}
	to.rows++
	t.metrics += len(to.names)
	cells, marks := make([]cell, len(to.names)), make([]mark, len(to.names))
	for c, n := range to.names {
		if o, ok := from.index[n]; ok {
			cells[c], marks[c] = w.cells[o], w.marks[o]
		}
	}
	w.cells, w.marks, w.relabelled = cells, marks, true
}
