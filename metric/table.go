package metric

import (
	"slices"

	"weir/schema"
)

// Update says that a watched metric of a datasource got a value. It is reused: it lives until the callback returns.
type Update struct {
	Source schema.Source
	Name   string // safe to keep
	Value  float64
	At     schema.Instant
}

// Table turns the readings of one lane into metrics. It is not safe for use by several goroutines.
type Table struct {
	limits Limits
	rows   map[schema.Source]*row
	hosts  map[schema.Addr]*row // an exporter's physical entity: the datasource that filters fall back to
	shapes map[string]*shape
	oldest *row // rows linked in the order of their last reading
	newest *row

	metrics int // columns of all rows
	columns int // of all shapes that are sent
	texts   int // bytes of all labels, as of the last time that each row's changed
	counts  Counts
	given   Counts // of counts, what earlier partials told
	touched []*row
	gone    []schema.Source

	watched map[string]bool
	watch   uint32 // generation of watched, so that shapes know when to look again
	hit     func(*Update)
	update  Update
	inputs  [maxInputs]float64 // scratch of derive
}

// cell is the part of a metric that views see.
type cell struct {
	at    schema.Instant // of the reading that gave the value
	value Value
}

// mark is what must be remembered of a metric to make sense of its next reading.
type mark struct {
	n      uint64         // the counter as sent
	at     schema.Instant // of the last reading that had it
	uptime uint32         // of that reading
	epoch  uint32         // of that reading; a counter of another epoch gives no rate
	stamp  uint32         // row.stamp of that reading
	kind   schema.MetricKind
}

// row is one datasource.
type row struct {
	source     schema.Source
	shape      *shape
	cells      []cell // by column of shape
	marks      []mark // by column of shape
	at         schema.Instant
	sequence   uint32
	uptime     uint32
	epoch      uint32 // counts restarts, from 1
	stamp      uint32 // counts readings taken
	late       uint8  // late ones in a row
	touched    bool   // since the last Advance
	relabelled bool   // some label changed since texts was worked out
	texts      int    // bytes of the labels that are sent
	// refused is when the row last could not grow, which is not tried again at once: it costs much to find out.
	refused    schema.Instant
	prev, next *row // in Table.oldest ... newest
}

// NewTable returns an empty table.
func NewTable(l Limits) *Table {
	return &Table{
		limits: l.completed(),
		rows:   map[schema.Source]*row{},
		hosts:  map[schema.Addr]*row{},
		shapes: map[string]*shape{},
	}
}

// Counts returns what became of all readings so far.
func (t *Table) Counts() Counts { return t.counts }

// Len returns the number of datasources in the table.
func (t *Table) Len() int { return len(t.rows) }

// Watch asks that hit is called, during Read, whenever a metric of one of the names gets a numeric value; derived
// metrics included. It replaces what was watched before; hit may be nil. The map is copied.
func (t *Table) Watch(names map[string]bool, hit func(*Update)) {
	t.watched = make(map[string]bool, len(names))
	for n, on := range names {
		if on {
			t.watched[n] = true
		}
	}
	t.hit = hit
	t.watch++
}

// Read takes a reading. It keeps nothing of r but metric names.
//
// Counters become rates per second: the difference modulo 2^32 or 2^64 over the time between the two readings, which
// is the difference of the exporter's uptime where that is plausible and of the arrivals otherwise. The first reading
// gives no rate, nor does one whose sequence number or uptime went back (the exporter has restarted), nor one after a
// gap of Limits.Expire. Duplicates and readings overtaken on the way are ignored. All is counted, see Counts.
func (t *Table) Read(r *schema.Reading) {
	t.counts.Readings++
	w := t.rows[r.Source]
	if w == nil {
		if w = t.admit(r); w == nil {
			t.counts.Refused++
			return
		}
	} else if !t.accept(w, r) {
		return
	}
	t.counts.Taken++
	w.at, w.sequence, w.uptime = max(w.at, r.At), r.Sequence, r.Uptime
	w.stamp++
	if w.source.Class == classHost {
		t.adopt(w)
	}
	t.take(w, r)
	if w.relabelled {
		t.weigh(w)
	}
	t.derive(w, r.At)
	t.renew(w)
	t.tell(w, r.At)
}

// admit makes the row of a datasource that is new, or returns nil when there is no room for it.
func (t *Table) admit(r *schema.Reading) *row {
	if len(t.rows) >= t.limits.Sources {
		return nil
	}
	w := &row{source: r.Source, epoch: 1, shape: t.shape(nil)}
	w.shape.rows++
	t.rows[r.Source] = w
	return w
}

// adopt notes w as the host of its exporter; of several the first in order is.
func (t *Table) adopt(w *row) {
	if h := t.hosts[w.source.Exporter]; h == nil || compareSource(w.source, h.source) < 0 {
		t.hosts[w.source.Exporter] = w
	}
}

// take stores the values of r.
func (t *Table) take(w *row, r *schema.Reading) {
	next, grown := 0, false
	for i := range r.Values {
		m := &r.Values[i]
		c := w.shape.find(m.Name, next)
		if c < 0 && !grown {
			t.grow(w, r)
			grown = true
			c = w.shape.find(m.Name, next)
		}
		if c < 0 {
			t.counts.Unkept++
			continue
		}
		next = c + 1
		t.set(w, c, m, r)
	}
}

// set stores one value in a column.
func (t *Table) set(w *row, c int, m *schema.Metric, r *schema.Reading) {
	k, to := &w.marks[c], &w.cells[c]
	if k.stamp == w.stamp {
		return // The exporter said it twice in one sample: the first counts, for it has a past to compare with.
	}
	switch m.Kind {
	case schema.Counter32, schema.Counter64:
		v, ok := rate(k, m, r, w.epoch, w.shape.slack[c])
		if !ok {
			return
		}
		to.value = v
	case schema.Gauge:
		to.value = Num(m.F)
	case schema.Label:
		if !t.label(w, to, m.Text) {
			t.counts.Unkept++
			return
		}
	default:
		return
	}
	to.at = r.At
	*k = mark{n: m.N, at: r.At, uptime: r.Uptime, epoch: w.epoch, stamp: w.stamp, kind: m.Kind}
}

// weigh works out the bytes of the labels of a row.
func (t *Table) weigh(w *row) {
	t.texts -= w.texts
	w.texts, w.relabelled = 0, false
	if w.shape != nil {
		for c := range w.shape.sent {
			w.texts += len(w.cells[c].value.Text)
		}
	}
	t.texts += w.texts
}

// tell calls the watcher for the watched columns that this reading gave a value.
func (t *Table) tell(w *row, at schema.Instant) {
	if t.hit == nil || len(t.watched) == 0 {
		return
	}
	s := w.shape
	if s.watch != t.watch {
		s.watch, s.watched = t.watch, s.watched[:0]
		for c, n := range s.names {
			if t.watched[n] {
				s.watched = append(s.watched, c)
			}
		}
	}
	for _, c := range s.watched {
		if v := &w.cells[c].value; v.Form == Number && w.marks[c].stamp == w.stamp {
			t.update = Update{Source: w.source, Name: s.names[c], Value: v.Number, At: at}
			t.hit(&t.update)
		}
	}
}

// renew makes w the newest of the rows and notes that it was touched.
func (t *Table) renew(w *row) {
	if !w.touched {
		w.touched = true
		t.touched = append(t.touched, w)
	}
	if t.newest == w {
		return
	}
	t.unlink(w)
	w.prev = t.newest
	if t.newest != nil {
		t.newest.next = w
	} else {
		t.oldest = w
	}
	t.newest = w
}

// unlink takes w out of the order of last readings; a row that is not in it is left alone.
func (t *Table) unlink(w *row) {
	if w.prev != nil {
		w.prev.next = w.next
	} else if t.oldest == w {
		t.oldest = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else if t.newest == w {
		t.newest = w.prev
	}
	w.prev, w.next = nil, nil
}

// Now returns the number that metric name of src is at an instant; ok is false when there is none, or when it was not
// refreshed for Limits.Expire.
func (t *Table) Now(src schema.Source, name string, at schema.Instant) (f float64, ok bool) {
	v := t.value(t.rows[src], name, at)
	return v.Number, v.Form == Number
}

// value returns the live value of a metric of a row, which may be nil.
func (t *Table) value(w *row, name string, at schema.Instant) Value {
	if w == nil {
		return Value{}
	}
	c, ok := w.shape.index[name]
	if !ok || at.Sub(w.cells[c].at) > t.limits.Expire {
		return Value{}
	}
	return w.cells[c].value
}

// Match tells whether the datasource passes f (spec sflow-rt 5.6): each name of f is looked up on the datasource and
// then on the host of its exporter. A nil filter passes everything. It allocates nothing.
func (t *Table) Match(f *Filter, src schema.Source, at schema.Instant) bool {
	if f == nil {
		return true
	}
	w, host := t.rows[src], t.hosts[src.Exporter]
	for i := range f.terms {
		v := t.value(w, f.terms[i].name, at)
		if v.IsZero() {
			v = t.value(host, f.terms[i].name, at)
		}
		if !f.terms[i].match(v) {
			return false
		}
	}
	return true
}

// Advance forgets datasources that were not refreshed for Limits.Expire and returns what changed since the Advance
// before, or nil when nothing did. The partial shares nothing mutable with the table.
func (t *Table) Advance(at schema.Instant) *Partial {
	for w := t.oldest; w != nil && at.Sub(w.at) > t.limits.Expire; w = t.oldest {
		t.forget(w)
	}
	if len(t.touched) == 0 && len(t.gone) == 0 && t.counts == t.given {
		return nil
	}
	p := &Partial{Counts: t.counts, expire: t.limits.Expire, gone: t.gone}
	p.leaves = make([]*leaf, 0, len(t.touched))
	for _, w := range t.touched {
		if w.touched {
			w.touched = false
			p.leaves = append(p.leaves, &leaf{source: w.source, shape: w.shape, cells: slices.Clone(w.cells)})
		}
	}
	t.gone, t.given = nil, t.counts
	clear(t.touched)
	t.touched = t.touched[:0]
	return p
}

// forget drops a datasource.
func (t *Table) forget(w *row) {
	t.unlink(w)
	t.reshape(w, nil)
	delete(t.rows, w.source)
	if t.hosts[w.source.Exporter] == w {
		delete(t.hosts, w.source.Exporter)
	}
	w.touched = false
	t.gone = append(t.gone, w.source)
	t.counts.Expired++
}
