package netflow

import (
	"slices"
	"time"

	"weir/schema"
)

type domainKey struct {
	addr    schema.Addr
	id      uint32
	version uint16
}

// domain is what is remembered of one exporter, domain and version.
type domain struct {
	key       domainKey
	names     *names // of the exporter
	templates map[uint16]*Template
	recent    *Template // the template of the last data set

	rate  uint32             // exporter-wide, from options or the v5 header; 0 not known
	rates map[rateKey]uint32 // of samplers, templates and interfaces
	// scoped tells which scopes rates has any of, to save records the look.
	scoped [rateScopes]bool
	init   schema.Instant // element 160 from options

	held      []heldSet
	heldBytes int

	seq         sequence
	sent        tally // by this domain
	others      tally // by the other domains of the exporter, at the last datagram of this one
	nextEvict   schema.Instant
	uptime      uint32
	first, last schema.Instant
	skew        schema.Instant

	datagrams, records, options, withoutTemplate uint64
}

// heldSet is a data set that waits for its template.
type heldSet struct {
	id    uint16
	clock clock
	body  []byte
}

// domain returns the state of an exporter and domain, made when it is new; nil when the cap is reached.
func (d *Decoder) domain(at schema.Instant, addr schema.Addr, id uint32, version uint16) *domain {
	key := domainKey{addr, id, version}
	if d.recent != nil && d.recent.key == key {
		return d.recent
	}
	dom := d.domains[key]
	if dom == nil {
		if len(d.domains) >= d.cfg.MaxDomains && !d.evictDomain(at) {
			return nil
		}
		dom = &domain{key: key, first: at, names: d.namesOf(addr)}
		dom.names.users++
		if version == V9 {
			dom.seq.counts = countsDatagrams
		}
		d.domains[key] = dom
	}
	d.recent = dom
	return dom
}

// evictDomain makes room by forgetting the domain that was silent for longest, if that is long. It looks at most once
// a second, for the look is as long as the list.
func (d *Decoder) evictDomain(at schema.Instant) bool {
	if at < d.nextEvict && d.nextEvict-at <= schema.Instant(time.Second) {
		return false
	}
	d.nextEvict = at + schema.Instant(time.Second)
	var oldest *domain
	for _, dom := range d.domains {
		if oldest == nil || dom.last < oldest.last || dom.last == oldest.last && less(dom.key, oldest.key) {
			oldest = dom
		}
	}
	if oldest == nil || at-oldest.last < schema.Instant(d.cfg.Idle) {
		return false
	}
	d.forget(oldest)
	d.stats.DomainsEvicted++
	return true
}

// less makes the choice among equally old domains the same in every run.
func less(a, b domainKey) bool {
	if c := a.addr.Compare(b.addr); c != 0 {
		return c < 0
	}
	return a.id < b.id || a.id == b.id && a.version < b.version
}

func (d *Decoder) forget(dom *domain) {
	for _, t := range dom.templates {
		d.fields -= t.weight()
	}
	d.stats.SetsExpired += uint64(len(dom.held))
	d.heldBytes -= dom.heldBytes
	if dom.names.users--; dom.names.users == 0 {
		d.nameCount -= dom.names.count()
		delete(d.exporters, dom.key.addr)
	}
	d.nameCount -= len(dom.rates)
	delete(d.domains, dom.key)
	if d.recent == dom {
		d.recent = nil
	}
}

// template returns the template with this id, or nil.
func (dom *domain) template(id uint16) *Template {
	if dom.recent != nil && dom.recent.ID == id {
		return dom.recent
	}
	t := dom.templates[id]
	if t != nil {
		dom.recent = t
	}
	return t
}

// hold keeps a data set until its template comes.
func (d *Decoder) hold(dom *domain, id uint16, c *clock, body []byte) {
	if d.cfg.Hold <= 0 || len(body) == 0 {
		return
	}
	if len(dom.held) >= d.cfg.MaxHeldSets || dom.heldBytes+len(body) > d.cfg.MaxHeldBytes ||
		d.heldBytes+len(body) > d.cfg.MaxHeldTotal {
		d.stats.SetsNotHeld++
		return
	}
	d.stats.SetsHeld++
	dom.heldBytes += len(body)
	d.heldBytes += len(body)
	dom.held = append(dom.held, heldSet{id: id, clock: *c, body: append([]byte(nil), body...)})
}

// release decodes the sets that waited for a template, in the order in which they came, by their own clocks.
func (d *Decoder) release(dom *domain, t *Template, rec func(*Record)) {
	// Most templates have nothing that waits for them: then nothing is moved.
	if !slices.ContainsFunc(dom.held, func(h heldSet) bool { return h.id == t.ID }) {
		return
	}
	waiting := dom.held
	dom.held = nil
	for _, h := range waiting {
		if h.id != t.ID {
			dom.held = append(dom.held, h)
			continue
		}
		dom.heldBytes -= len(h.body)
		d.heldBytes -= len(h.body)
		d.stats.SetsReleased++
		h.clock.init = dom.init
		d.dataRecords(dom, t, &h.clock, h.body, rec)
	}
}

// expireHeld gives up sets that waited too long. It goes through the domains at most once a second.
func (d *Decoder) expireHeld(at schema.Instant) {
	if d.heldBytes == 0 || at < d.nextExpire && d.nextExpire-at <= schema.Instant(time.Second) {
		return
	}
	d.nextExpire = at + schema.Instant(time.Second)
	for _, dom := range d.domains {
		if len(dom.held) == 0 {
			continue
		}
		kept := dom.held[:0]
		for _, h := range dom.held {
			if at-h.clock.at <= schema.Instant(d.cfg.Hold) {
				kept = append(kept, h)
				continue
			}
			dom.heldBytes -= len(h.body)
			d.heldBytes -= len(h.body)
			d.stats.SetsExpired++
		}
		clear(dom.held[len(kept):])
		dom.held = kept
	}
}
