package wire

import (
	"cmp"
	"slices"

	"weir/schema"
)

// Samples counts the samples of one kind that an exporter sent.
type Samples struct {
	Samples     uint64
	Drops       uint64 // the exporter says that it lost these itself
	Lost        uint64 // by gaps in sequence numbers
	Duplicates  uint64
	OutOfOrder  uint64
	Datasources int
}

// Exporter is what is known of one exporter and kind of telemetry, all its domains together. It is a snapshot and
// never changes.
type Exporter struct {
	Address     schema.Addr
	Kind        string        // sflow, netflow1, netflow5, netflow7, netflow9, ipfix, frames
	Domains     int           // sub-agents, observation domains, source ids
	Senders     []schema.Addr // where its datagrams came from, at most 8
	First, Last schema.Instant
	Uptime      uint32 // ms, as it last said; 0 not known

	Datagrams, Bytes             uint64
	Lost, Duplicates, OutOfOrder uint64 // Lost counts in LossUnit
	LossUnit                     string // datagrams, flows or records
	Restarts                     uint64

	Flow, Counter, Notification Samples
	Records, Readings           uint64
	Traffic                     Traffic // that the records tell of
	WithoutTemplate             uint64  // sets that came before their template
	Rate                        uint32  // sampling rate last seen; 0 not known
	Datasources                 []Datasource
}

// Datasource is what is known of one datasource of an sFlow exporter.
type Datasource struct {
	Source          schema.Source
	Rate            uint32  // sampling rate that it advertises
	EffectiveRate   float64 // growth of its sample pool by samples received; grows when samples are lost
	FlowSamples     uint64
	CounterSamples  uint64
	PollingInterval int64 // ms between counter samples, on average; 0 not known
}

// sequence follows the sequence numbers of one stream and tells loss from reordering, duplicates and restarts.
type sequence struct {
	started bool
	last    uint32
	recent  uint64 // bit i: last-i was seen
	lost    uint64
	dups    uint64
	late    uint64
	resets  uint64
}

// arrival is what a sequence number means.
type arrival uint8

const (
	inOrder arrival = iota
	late            // a gap was counted as lost, and here it is
	repeated
	restarted
)

const (
	lateWindow = 64      // numbers back from the newest that may still come
	lossWindow = 1 << 20 // a larger step forward is a restart, not a loss
)

// next takes the next number. back tells that the exporter's uptime went back, which only a restart does.
func (s *sequence) next(n uint32, back bool) arrival {
	step := int32(n - s.last)
	switch {
	case !s.started:
		*s = sequence{started: true, last: n, recent: 1}
		return inOrder
	case step > 0 && step < lossWindow && !back:
		s.lost += uint64(step - 1)
		if step < lateWindow {
			s.recent = s.recent<<step | 1
		} else {
			s.recent = 1
		}
		s.last = n
		return inOrder
	case step <= 0 && step > -lateWindow && !back:
		bit := uint64(1) << -step
		if s.recent&bit != 0 {
			s.dups++
			return repeated
		}
		s.recent |= bit
		s.late++
		s.lost -= min(s.lost, 1)
		return late
	}
	s.resets++
	s.last, s.recent = n, 1
	return restarted
}

// subAgent is the state of one (agent, sub-agent).
type subAgent struct {
	seq    sequence
	uptime uint32
	prints [lateWindow]print // what datagrams looked like, by the low bits of their number
}

// print tells a datagram that came twice from two that bear the same number.
type print struct {
	seq, length uint32
	hash        uint64
}

func fingerprint(seq uint32, b []byte) print {
	h := uint64(14695981039346656037)
	mix := func(part []byte) {
		for _, c := range part {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	mix(b[:min(len(b), 40)])
	mix(b[max(0, len(b)-40):])
	return print{seq, uint32(len(b)), h}
}

// agent is the state of one sFlow exporter.
type agent struct {
	exporter  Exporter // the plain counters of it
	subs      map[uint32]*subAgent
	sources   map[sourceKey]*datasource
	lastKey   sourceKey
	lastFound *datasource
	ordered   []*datasource // the sources, as snapshots have them, unless unordered
	unordered bool
	changed   bool // since the last snapshot
	shown     Exporter
}

type sourceKey struct {
	domain, index uint32
	class         uint8
}

// datasource is the state of one datasource of an sFlow exporter.
type datasource struct {
	source                  schema.Source
	flow, counter, notes    sequence
	flows, counters, notice uint64
	rate                    uint32
	drops, noteDrops        uint32
	pool                    uint32
	poolSeen                bool
	poolGrowth              uint64
	poolSamples             uint64
	firstCounter            schema.Instant
	lastCounter             schema.Instant
}

// datasource returns the state of a datasource of an agent, made at first sight; nil when there are too many.
func (d *Decoder) datasource(a *agent, s schema.Source) *datasource {
	k := sourceKey{s.Domain, s.Index, s.Class}
	if a.lastFound != nil && a.lastKey == k {
		return a.lastFound
	}
	ds := a.sources[k]
	if ds == nil {
		if len(a.sources) >= d.config.Datasources || d.followed >= d.config.AllDatasources {
			d.books.Unfollowed[UnfollowedDatasources]++
			return nil
		}
		ds = &datasource{source: s}
		a.sources[k] = ds
		a.ordered, a.unordered = append(a.ordered, ds), true
		d.followed++
	}
	a.lastKey, a.lastFound = k, ds
	return ds
}

// silentFor is how long an exporter must be silent before a new one may take its place at the cap.
const silentFor = schema.Instant(10 * 60 * 1e9)

// evict makes room for a new agent by forgetting the one that was silent for longest, if that is long. It looks at most
// once a second, for the look is as long as the list.
func (d *Decoder) evict(at schema.Instant) bool {
	if at < d.nextEvict && d.nextEvict-at <= 1e9 {
		return false
	}
	d.nextEvict = at + 1e9
	var oldest *agent
	for _, a := range d.agents {
		if oldest == nil || cmp.Or(cmp.Compare(a.exporter.Last, oldest.exporter.Last),
			a.exporter.Address.Compare(oldest.exporter.Address)) < 0 {
			oldest = a
		}
	}
	if oldest == nil || at-oldest.exporter.Last < silentFor {
		return false
	}
	d.followed -= len(oldest.sources)
	d.subAgents -= max(0, len(oldest.subs)-1)
	delete(d.agents, oldest.exporter.Address)
	d.books.Evicted++
	return true
}

// snapshot returns the exporter as others may see it, the same again while nothing changed.
func (a *agent) snapshot() Exporter {
	if !a.changed {
		return a.shown
	}
	a.changed = false
	x := a.exporter
	x.Kind, x.LossUnit, x.Domains = "sflow", "datagrams", len(a.subs)
	x.Senders = slices.Clone(x.Senders)
	for _, s := range a.subs {
		x.Lost += s.seq.lost
		x.OutOfOrder += s.seq.late
		x.Restarts += s.seq.resets
	}
	if a.unordered {
		a.unordered = false
		slices.SortFunc(a.ordered, func(a, b *datasource) int {
			return cmp.Or(cmp.Compare(a.source.Domain, b.source.Domain), cmp.Compare(a.source.Class, b.source.Class),
				cmp.Compare(a.source.Index, b.source.Index))
		})
	}
	x.Datasources = make([]Datasource, 0, len(a.ordered))
	for _, ds := range a.ordered {
		ds.addTo(&x)
	}
	a.shown = x
	return x
}

func (ds *datasource) addTo(x *Exporter) {
	add := func(to *Samples, n uint64, s *sequence, drops uint32) {
		if n == 0 {
			return
		}
		to.Samples += n
		to.Lost += s.lost
		to.Duplicates += s.dups
		to.OutOfOrder += s.late
		to.Drops += uint64(drops)
		to.Datasources++
	}
	add(&x.Flow, ds.flows, &ds.flow, ds.drops)
	add(&x.Counter, ds.counters, &ds.counter, 0)
	add(&x.Notification, ds.notice, &ds.notes, ds.noteDrops)
	d := Datasource{Source: ds.source, Rate: ds.rate, FlowSamples: ds.flows, CounterSamples: ds.counters}
	if ds.poolSamples > 0 {
		d.EffectiveRate = float64(ds.poolGrowth) / float64(ds.poolSamples)
	}
	if ds.counters > 1 {
		d.PollingInterval = int64(ds.lastCounter-ds.firstCounter) / 1e6 / int64(ds.counters-1)
	}
	x.Datasources = append(x.Datasources, d)
}
