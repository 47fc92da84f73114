package netflow

import (
	"math"

	"weir/schema"
)

// names is what options records of one exporter say of its interfaces, applications and VRFs.
type names struct {
	users        int // domains of the exporter
	sent         tally
	joint        bool // it numbers its domains together
	interfaces   map[uint32]name
	applications map[uint64]name
	vrfs         map[uint32]name
}

// tally counts records; it may wrap.
type tally struct{ data, options uint32 }

func (t tally) minus(o tally) tally { return tally{t.data - o.data, t.options - o.options} }

// name is a short name and a longer description; either may be empty.
type name struct{ short, long string }

func (n *names) count() int { return len(n.interfaces) + len(n.applications) + len(n.vrfs) }

// rateKey says what a sampling rate holds for.
type rateKey struct {
	scope rateScope
	id    uint64
}

type rateScope uint8

const (
	samplerScope   rateScope = iota // 48 samplerId, 302 selectorId
	templateScope                   // 145 templateId, v9 scope 5
	interfaceScope                  // v9 scope 2, IPFIX scope 10
	rateScopes
)

func (d *Decoder) namesOf(addr schema.Addr) *names {
	n := d.exporters[addr]
	if n == nil {
		n = &names{interfaces: map[uint32]name{}, applications: map[uint64]name{}, vrfs: map[uint32]name{}}
		d.exporters[addr] = n
	}
	return n
}

// SamplerRate returns the sampling rate that an exporter announced for a sampler (48 samplerId or 302 selectorId) of a
// domain, or, for sampler 0, for all that the domain sends.
func (d *Decoder) SamplerRate(exporter schema.Addr, domain uint32, version uint16, sampler uint64) (uint32, bool) {
	dom := d.domains[domainKey{exporter, domain, version}]
	if dom == nil {
		return 0, false
	}
	if sampler == 0 {
		return dom.rate, dom.rate != 0
	}
	rate, ok := dom.rates[rateKey{samplerScope, sampler}]
	return rate, ok
}

// InterfaceName returns the name of an interface (element 82) and its description (83), as the exporter announced
// them. They are text from the wire: nobody vouches for them.
func (d *Decoder) InterfaceName(exporter schema.Addr, ifIndex uint32) (short, description string, ok bool) {
	if n := d.exporters[exporter]; n != nil {
		v, ok := n.interfaces[ifIndex]
		return v.short, v.long, ok
	}
	return "", "", false
}

// ApplicationName returns the name (96) and the description (94) of an application id (95 read as a number: engine in
// the top byte, selector below it), as the exporter announced them.
func (d *Decoder) ApplicationName(exporter schema.Addr, id uint64) (short, description string, ok bool) {
	if n := d.exporters[exporter]; n != nil {
		v, ok := n.applications[id]
		return v.short, v.long, ok
	}
	return "", "", false
}

// VRFName returns the name (236) of a VRF id (234, 235), as the exporter announced it.
func (d *Decoder) VRFName(exporter schema.Addr, id uint32) (string, bool) {
	if n := d.exporters[exporter]; n != nil {
		v, ok := n.vrfs[id]
		return v.short, ok
	}
	return "", false
}

// said is what an options record says, collected from its fields.
type said struct {
	sampler, template, domain             uint64
	ifIndex, scopeIf                      uint64
	vrf                                   uint64
	hasVRF, hasApplication, hasIf         bool
	application                           uint64
	ifName, ifDescription, appName        []byte
	appDescription, vrfName               []byte
	interval, packets, space, size, total uint64
	init                                  schema.Instant
}

// learn remembers what an options record says of sampling, names and the exporter's clock.
func (d *Decoder) learn(dom *domain, r *Record) {
	var s said
	for _, i := range r.Template.steps {
		slot := r.Slots[i]
		if slot.Len == 0 {
			continue
		}
		b := r.Body[slot.Off : slot.Off+slot.Len]
		n, _ := number(b)
		switch f := r.Template.Fields[i]; f.Enterprise {
		case 0:
			s.readSampling(f.Element, n, int(i) < r.Template.Scope)
			s.readNames(f.Element, n, b)
		case ScopeEnterprise:
			s.readScope(f.Element, n)
		}
	}
	if s.init > 0 {
		dom.init = s.init
	}
	if s.domain != 0 && uint32(s.domain) != dom.key.id {
		if other := d.domains[domainKey{dom.key.addr, uint32(s.domain), dom.key.version}]; other != nil {
			dom = other
		}
	}
	d.learnRate(dom, &s)
	d.learnNames(dom.names, &s)
}

func (s *said) readScope(scope uint16, n uint64) {
	switch scope {
	case 2:
		s.scopeIf = n
	case 5:
		s.template = n
	}
}

func (s *said) readSampling(id uint16, n uint64, scope bool) {
	switch id {
	case 48, 302:
		s.sampler = n
	case 145:
		s.template = n
	case 149:
		s.domain = n
	case 34, 50:
		s.interval = max(s.interval, n)
	case 305:
		s.packets = n
	case 306:
		s.space = n
	case 309:
		s.size = n
	case 310:
		s.total = n
	case 10, 14, 252, 253:
		if !s.hasIf && n != 0 {
			s.ifIndex, s.hasIf = n, true
		}
		if scope {
			s.scopeIf = n
		}
	case 160:
		if n <= maxSeconds*1000 {
			s.init = schema.Instant(n * 1e6)
		}
	}
}

func (s *said) readNames(id uint16, n uint64, b []byte) {
	switch id {
	case 82:
		s.ifName = text(b)
	case 83:
		s.ifDescription = text(b)
	case 95:
		s.application, s.hasApplication = n, len(b) <= 8
	case 96:
		s.appName = text(b)
	case 94:
		s.appDescription = text(b)
	case 234, 235:
		if !s.hasVRF {
			s.vrf, s.hasVRF = n, true
		}
	case 236:
		s.vrfName = text(b)
	}
}

func (d *Decoder) learnRate(dom *domain, s *said) {
	rate := rateOf(s.interval, s.packets, s.space, s.size, s.total)
	if rate == 0 {
		return
	}
	switch {
	case s.sampler != 0:
		d.setRate(dom, rateKey{samplerScope, s.sampler}, rate)
	case s.template != 0:
		d.setRate(dom, rateKey{templateScope, s.template}, rate)
	case s.scopeIf != 0:
		d.setRate(dom, rateKey{interfaceScope, s.scopeIf}, rate)
	default:
		dom.rate = rate
	}
}

// rateOf works out a sampling rate from whichever way it is said; 0 when it is not. A count of packets without the
// space between them (305 without 306) says nothing: it is 1 for every rate.
func rateOf(interval, packets, space, size, population uint64) uint32 {
	switch {
	case interval > 0:
		return uint32(min(interval, math.MaxUint32))
	case packets > 0 && space > 0:
		return ratio(packets+space, packets)
	case size > 0 && population > 0:
		return ratio(population, size)
	}
	return 0
}

// ratio rounds to the nearest; a sample larger than what it is from is a rate of 1.
func ratio(of, one uint64) uint32 {
	return uint32(max(1, min((of+one/2)/one, math.MaxUint32)))
}

func (d *Decoder) setRate(dom *domain, key rateKey, rate uint32) {
	if _, known := dom.rates[key]; !known {
		if !d.roomForName() {
			return
		}
		if dom.rates == nil {
			dom.rates = map[rateKey]uint32{}
		}
	}
	dom.rates[key] = rate
	dom.scoped[key.scope] = true
}

func (d *Decoder) roomForName() bool {
	if d.nameCount >= d.cfg.MaxNames {
		d.stats.NamesRefused++
		return false
	}
	d.nameCount++
	return true
}

func (d *Decoder) learnNames(n *names, s *said) {
	ifIndex := s.ifIndex
	if ifIndex == 0 {
		ifIndex = s.scopeIf
	}
	if ifIndex != 0 && len(s.ifName)+len(s.ifDescription) > 0 {
		setName(d, n.interfaces, uint32(ifIndex), s.ifName, s.ifDescription)
	}
	if s.hasApplication && len(s.appName)+len(s.appDescription) > 0 {
		setName(d, n.applications, s.application, s.appName, s.appDescription)
	}
	if s.hasVRF && len(s.vrfName) > 0 {
		setName(d, n.vrfs, uint32(s.vrf), s.vrfName, nil)
	}
}

// setName keeps a name when there is room. A name that is known already costs no memory: exporters repeat them all.
func setName[K comparable](d *Decoder, m map[K]name, key K, short, long []byte) {
	short, long = short[:min(len(short), d.cfg.MaxNameBytes)], long[:min(len(long), d.cfg.MaxNameBytes)]
	old, known := m[key]
	if known && old.short == string(short) && old.long == string(long) {
		return
	}
	if !known && !d.roomForName() {
		return
	}
	m[key] = name{short: string(short), long: string(long)}
}

// rateFor returns the sampling rate of a record: what the record says itself, else what its sampler, its template or
// its interface was announced to have, else what holds for the whole domain, else what the configuration says. A
// sampler whose rate was not announced yet is never taken for another one (wire-formats section 3.1).
func (d *Decoder) rateFor(dom *domain, r *Record, w *raw) uint32 {
	if rate := rateOf(w.interval, w.packets, w.space, w.size, w.population); rate != 0 {
		return rate
	}
	if w.sampler != 0 && dom.scoped[samplerScope] {
		if rate := dom.rates[rateKey{samplerScope, w.sampler}]; rate != 0 {
			return rate
		}
	}
	if r.Template != nil && dom.scoped[templateScope] {
		if rate := dom.rates[rateKey{templateScope, uint64(r.Template.ID)}]; rate != 0 {
			return rate
		}
	}
	if r.In != 0 && dom.scoped[interfaceScope] {
		if rate := dom.rates[rateKey{interfaceScope, uint64(r.In)}]; rate != 0 {
			return rate
		}
	}
	if dom.rate != 0 {
		return dom.rate
	}
	if rate, ok := d.cfg.Rates[dom.key.addr]; ok {
		return rate
	}
	return d.cfg.Rate
}
