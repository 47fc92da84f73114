package meter

import (
	"fmt"
	"strings"

	"weir/key"
	"weir/schema"
)

// derived is what a user-defined group does with each record: it is fed from the keys that the record touched in its
// parents, or by expressions of its own (spec trisul 1.8).
type derived struct {
	c       *counter
	parents []*counter
	set     *key.Set // filtered
	inverse bool
	sets    []named // keyset
	rules   []ruled // rule
	keys    *schema.Keys
	filter  schema.Filter
	chosen  [key.MaxParts]int // while crossing: the touches of the parents before
}

// named is one set of a keyset group.
type named struct {
	name []byte
	set  *key.Set
}

// ruled is one rule of a rule group.
type ruled struct {
	target []byte // empty: the parent's own key
	when   *condition
}

// looker is a filtered group of hosts by application: it is fed along with hosts, by rows that are remembered.
type looker struct {
	c, hosts *counter
	apps     [(noPort + 256) / 64]uint64 // applications that are looked for
	inverse  bool
	spots    []spot // by place of the endpoint; nil for the first looker, whose rows endpoints remember themselves
}

// derive compiles a user-defined group; ok is false when it can not be fed, which the notes say then.
func (p *plan) derive(c *counter) (ok bool, err error) {
	g := c.g
	d := &derived{c: c}
	if g.Kind == KindKeys {
		if err := p.compileKeys(d); err != nil {
			return false, err
		}
		p.derived = append(p.derived, d)
		return true, nil
	}
	for _, name := range g.Parents {
		parent := p.byName[name]
		if parent == nil {
			p.notes = append(p.notes, fmt.Sprintf("group %s counts nothing: its parent %s is not active, does not exist, "+
				"or is only known when a bucket closes", g.Name, name))
			return false, nil
		}
		if parent.g.Spread != g.Spread {
			return false, fmt.Errorf("spread: it must be as in its parent %q: %v", name, parent.g.Spread)
		}
		d.parents = append(d.parents, parent)
	}
	switch g.Kind {
	case KindFiltered:
		if err := d.compileFiltered(); err != nil {
			return false, err
		}
		if l := p.looker(d); l != nil {
			p.lookers = append(p.lookers, l)
			return true, nil
		}
		d.parents[1].watched = true
	case KindKeyset:
		err = d.compileSets()
	case KindRule:
		err = p.compileRules(d)
	case KindCrosskey:
		for _, parent := range d.parents[1:] {
			parent.watched = true
		}
	}
	if err != nil {
		return false, err
	}
	d.parents[0].watched = true
	p.derived = append(p.derived, d)
	return true, nil
}

func (d *derived) compileFiltered() (err error) {
	g, form := d.c.g, d.parents[1].g.Form
	switch {
	case g.KeyList != "" && g.InverseKeys != "":
		return fmt.Errorf("key_list and inverse_key_list: give one of them")
	case g.KeyList != "":
		if d.set, err = form.ParseSet(g.KeyList); err != nil {
			return fmt.Errorf("key_list: %w", err)
		}
	case g.InverseKeys != "":
		d.inverse = true
		if d.set, err = form.ParseSet(g.InverseKeys); err != nil {
			return fmt.Errorf("inverse_key_list: %w", err)
		}
	default:
		return fmt.Errorf("key_list: it is empty; say which keys of %s, such as a,b~c", d.parents[1].g.Name)
	}
	return nil
}

// looker returns the fast way to feed a filtered group, nil when it is not one of hosts by application.
func (p *plan) looker(d *derived) *looker {
	hosts := d.parents[0]
	if hosts != p.built[feedHosts] && hosts != p.built[feedHosts6] || d.parents[1] != p.built[feedApps] {
		return nil
	}
	l := &looker{c: d.c, hosts: hosts, inverse: d.inverse}
	var k []byte
	for app := range int32(noPort + 256) {
		if k = appKey(k[:0], app); d.set.Match(k) {
			l.apps[app/64] |= 1 << (app % 64)
		}
	}
	return l
}

// sees tells whether the record in hand is of those applications.
func (l *looker) sees(v *visit) bool {
	return (l.has(v.app) || l.has(v.two)) != l.inverse
}

func (l *looker) has(app int32) bool { return app >= 0 && l.apps[app/64]&(1<<(app%64)) != 0 }

// spot returns where the row of an address in the group is remembered.
func (l *looker) spot(e *endpoint, place int32) *spot {
	if l.spots == nil {
		return &e.other
	}
	return &l.spots[place]
}

func (d *derived) compileSets() error {
	g := d.c.g
	if len(g.Sets) == 0 {
		return fmt.Errorf("sets: there are none; give at least one name with its keys")
	}
	for _, s := range g.Sets {
		if s.Name == "" {
			return fmt.Errorf("sets: a set without a name")
		}
		set, err := d.parents[0].g.Form.ParseSet(s.Keys)
		if err != nil {
			return fmt.Errorf("sets: %s: %w", s.Name, err)
		}
		d.sets = append(d.sets, named{[]byte(s.Name), set})
	}
	return nil
}

func (p *plan) compileRules(d *derived) error {
	if len(d.c.g.Rules) == 0 {
		return fmt.Errorf("rules: there are none; give at least one, such as {hosts}=10.0.0.1&{apps}=Port-80")
	}
	for i, r := range d.c.g.Rules {
		when, err := parseCondition(r.Filter, func(name string) *Group { return Lookup(p.groups, name) })
		if err != nil {
			return fmt.Errorf("rules: rule %d: %w", i+1, err)
		}
		for k := range when.terms {
			t := &when.terms[k]
			if t.counter = p.byName[t.group.Name]; t.counter != nil {
				t.counter.watched = true
				if t.counter.g.Spread != d.c.g.Spread {
					return fmt.Errorf("rules: rule %d: spread: it must be as in %q", i+1, t.group.Name)
				}
			}
		}
		d.rules = append(d.rules, ruled{[]byte(r.Target), when})
	}
	return nil
}

// derive counts the record in hand, or the session's edge, in all user-defined groups.
func (b *Board) derive(r *schema.Record) {
	f := &b.facts
	for _, d := range b.plan.derived {
		if !f.pass.takes(d.c.g) {
			continue
		}
		switch d.c.g.Kind {
		case KindKeys:
			if r != nil {
				b.deriveKeys(d, r)
			}
		case KindFiltered:
			if d.parents[1].any(d.set) != d.inverse {
				b.copyTouches(d)
			}
		case KindKeyset:
			b.deriveSets(d)
		case KindRule:
			b.deriveRule(d)
		case KindCrosskey:
			b.key = b.key[:0]
			b.cross(d, 0, 0)
		}
	}
}

// copyTouches counts the parent's keys under themselves.
func (b *Board) copyTouches(d *derived) {
	parent := d.parents[0]
	for i := range parent.touches {
		t := parent.touches[i]
		d.c.add(d.c.find(b.keyOf(&t)), t.manner, &b.facts.amounts)
	}
}

// deriveSets counts the parent's keys under the names of the sets that have them.
func (b *Board) deriveSets(d *derived) {
	parent := d.parents[0]
	for i := range parent.touches {
		t := parent.touches[i]
		if k := d.setOf(b.keyOf(&t)); k != nil {
			d.c.add(d.c.find(k), t.manner, &b.facts.amounts)
		} else if !d.c.g.OnlySets {
			b.addRaw(d, &t)
		}
	}
}

// setOf returns the name of the first set that has a key, nil when there is none.
func (d *derived) setOf(k []byte) []byte {
	for i := range d.sets {
		if d.sets[i].set.Match(k) {
			return d.sets[i].name
		}
	}
	return nil
}

// addRaw counts the parent's key under its raw form: it stands beside names.
func (b *Board) addRaw(d *derived, t *touch) {
	b.key = d.parents[0].g.Form.AppendRaw(b.key[:0], b.keyOf(t))
	d.c.add(d.c.find(b.key), t.manner, &b.facts.amounts)
}

// deriveRule counts the parent's keys under the target of the first rule that matches.
func (b *Board) deriveRule(d *derived) {
	var target []byte
	for i := range d.rules {
		if d.rules[i].when.matches() {
			target = d.rules[i].target
			break
		}
	}
	parent := d.parents[0]
	for i := range parent.touches {
		t := parent.touches[i]
		if len(target) > 0 {
			d.c.add(d.c.find(target), t.manner, &b.facts.amounts)
		} else {
			b.addRaw(d, &t)
		}
	}
}

// cross counts every combination of keys of the parents; b.key holds those of the parents before.
func (b *Board) cross(d *derived, depth int, m manner) {
	if depth == len(d.parents) {
		d.c.add(d.c.find(b.key), m, &b.facts.amounts)
		return
	}
	parent := d.parents[depth]
	for i := range parent.touches {
		t := &parent.touches[i]
		if depth > 0 && parent.before(i) || b.alreadyIn(d, depth, t) {
			continue
		}
		n := len(b.key)
		if len(parent.g.Form) > 1 {
			b.key = append(b.key, b.keyOf(t)...)
		} else {
			b.key = key.AppendPart(b.key, b.keyOf(t))
		}
		if depth == 0 {
			m = t.manner
		}
		d.chosen[depth] = i
		b.cross(d, depth+1, m)
		b.key = b.key[:n]
	}
}

// alreadyIn tells whether a parent stands in the cross-key twice and gave the same key before: a host is not its own
// peer.
func (b *Board) alreadyIn(d *derived, depth int, t *touch) bool {
	for i := range depth {
		p := d.parents[i]
		if p == d.parents[depth] && string(b.keyOf(&p.touches[d.chosen[i]])) == string(b.keyOf(t)) {
			return true
		}
	}
	return false
}

// compileKeys compiles the key expressions and the filter of a group of kind keys.
func (p *plan) compileKeys(d *derived) (err error) {
	g := d.c.g
	if d.keys, err = p.compiler.Keys(strings.Join(g.Keys, ",")); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if len(d.keys.Exprs) == 0 {
		return fmt.Errorf("keys: there are none; give at least one, such as ipsource")
	}
	if len(g.Form) != len(d.keys.Exprs) && !plainText(g.Form) {
		return fmt.Errorf("form: %v has %d parts, but there are %d keys; give one kind for each, or text", g.Form,
			len(g.Form), len(d.keys.Exprs))
	}
	if d.filter, err = p.compiler.Filter(g.Filter); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

func plainText(f key.Form) bool { return len(f) == 1 && f[0] == key.Text }
