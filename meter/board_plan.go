package meter

import (
	"fmt"
	"slices"

	"weir/schema"
)

// feeds is a set of built-in groups that are fed record by record.
type feeds uint64

// The built-in groups that are fed record by record, by their place in feeds and plan.built.
const (
	feedHosts = iota
	feedHosts6
	feedApps
	feedAggregates
	feedProtocols
	feedICMP
	feedDSCP
	feedLengths
	feedLinkLayer
	feedMAC
	feedDirMAC
	feedVLAN
	feedMPLS
	feedInterfaces
	feedFlowGens
	feedFlowIntfs
	feedFlowASN
	feedFlowLinkASN
	feedFlowPrefix
	feedFlowPrefix6
	feedBGPNextHop
	feedIPNextHop
	feedVRF
	feedTOS
	feedOriginAS
	feedPeerAS
	feedCount
)

var feedNames = [feedCount]string{"hosts", "hosts_v6", "apps", "aggregates", "protocols", "icmp_types", "dscp",
	"packet_lengths", "link_layer", "mac", "dir_mac", "vlan", "mpls", "interfaces", "flow_gens", "flow_intfs", "flow_asn",
	"flow_link_asn", "flow_prefix", "flow_prefix_v6", "flow_bgp_nexthop", "flow_ip_nexthop", "flow_vrf", "flow_tos",
	"bgp_origin_as", "bgp_peer_as"}

// routeFeeds are the groups that are fed from parts of a record other than its header.
const routeFeeds feeds = 1<<feedFlowGens | 1<<feedFlowIntfs | 1<<feedFlowASN | 1<<feedFlowLinkASN | 1<<feedFlowPrefix |
	1<<feedFlowPrefix6 | 1<<feedBGPNextHop | 1<<feedIPNextHop | 1<<feedVRF | 1<<feedTOS | 1<<feedOriginAS | 1<<feedPeerAS

// sheet is one open page of a counter.
type sheet struct {
	page *Page
	from schema.Instant // its first moment on the counter's grid
}

// counter is the board's side of one group.
type counter struct {
	board   *Board
	g       *Group
	page    *Page  // the current one
	epoch   uint32 // of the current page and its rows; remembered rows of another epoch are stale
	gen     uint32 // of the current page, as of the epoch
	stride  int
	patient bool // records may be counted some time later; see visit
	watched bool // groups that derive from it, or roll up from it, need to know its keys
	recipes [manners]recipe
	sheets  []sheet
	grid    Span // times of hand-over: its bucket, or less when groups that roll up from it need that
	bucket  Span

	rollups  []rollup
	distinct []distinct
	touches  []touch
	onDrop   func(row int)
}

// distinct is a meter that counts the distinct keys of another group.
type distinct struct {
	cell    int
	counted *counter
}

// plan is what the groups in force amount to. It is made anew when they change.
type plan struct {
	compiler *schema.Compiler
	groups   []*Group
	counters []*counter // active ones; parents come before what derives from them
	byName   map[string]*counter
	built    [feedCount]*counter
	once     feeds // built-in groups that do not spread
	slow     feeds // those that do
	blended  feeds // those whose records are blended; see blends
	derived  []*derived
	lookers  []*looker
	watchers []*counter // watched ones
	uniques  []*counter // those with distinct meters
	measures []measure
	parts    bool // elements and structures must be looked at
	watched  bool
	spread   Span // what the buckets of groups that spread have in common; 0 when there are none
	notes    []string
}

func (p *plan) counter(name string) *counter { return p.byName[name] }

// newPlan compiles groups.
func newPlan(c *schema.Compiler, groups []*Group) (*plan, error) {
	p := &plan{compiler: c, groups: groups, byName: map[string]*counter{}}
	sorted, err := inOrder(groups)
	if err != nil {
		return nil, err
	}
	for _, g := range sorted {
		if err := p.take(g); err != nil {
			return nil, err
		}
	}
	for _, c := range p.counters {
		if err := p.countDistinct(c); err != nil {
			return nil, err
		}
	}
	for _, c := range p.counters {
		c.watched = c.watched || slices.ContainsFunc(c.rollups, func(r rollup) bool { return r.to.watched })
		if c.watched {
			p.watchers = append(p.watchers, c)
		}
	}
	for _, c := range p.counters {
		if c.g.Spread {
			p.spread = gcd(c.grid, p.spread)
		}
	}
	p.watched = len(p.watchers) > 0
	p.settleHosts()
	for i := range feedCount {
		if c := p.built[i]; c != nil && blendable&(1<<i) != 0 && c.blendable() {
			p.blended |= 1 << i
		}
	}
	p.parts = p.has(feedDSCP) || p.all()&routeFeeds&^(1<<feedFlowGens|1<<feedFlowIntfs) != 0
	return p, nil
}

// all returns the built-in groups.
func (p *plan) all() feeds { return p.once | p.slow }

func (p *plan) has(f int) bool { return p.all()&(1<<f) != 0 }

// inOrder sorts groups so that parents come first. It fails when two have one name or when they go round in a circle.
func inOrder(groups []*Group) ([]*Group, error) {
	byName, state := map[string]*Group{}, map[string]int{}
	for _, g := range groups {
		if byName[g.Name] != nil {
			return nil, fmt.Errorf("two groups are named %q", g.Name)
		}
		if len(g.Meters) == 0 || len(g.meters.folds) == 0 {
			return nil, fmt.Errorf("group %q is not complete", g.Name)
		}
		byName[g.Name] = g
	}
	var sorted []*Group
	var visit func(g *Group) error
	visit = func(g *Group) error {
		switch state[g.Name] {
		case 1:
			return fmt.Errorf("group %q derives from itself by way of its parents", g.Name)
		case 2:
			return nil
		}
		state[g.Name] = 1
		for _, before := range needs(g, groups) {
			if err := visit(before); err != nil {
				return err
			}
		}
		state[g.Name] = 2
		sorted = append(sorted, g)
		return nil
	}
	for _, g := range groups {
		if err := visit(g); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}

// needs returns the groups whose keys must be known before those of g are: its parents, and the groups that its rules
// name.
func needs(g *Group, groups []*Group) (list []*Group) {
	names := g.Parents
	for _, r := range g.Rules {
		names = append(names[:len(names):len(names)], groupsOf(r.Filter)...)
	}
	for _, name := range names {
		if found := Lookup(groups, name); found != nil {
			list = append(list, found)
		}
	}
	return list
}

// take compiles one group; its parents are in already. Groups that are not active are left out.
func (p *plan) take(g *Group) error {
	if g.Inactive || g.Kind == KindStat {
		return nil
	}
	c := &counter{g: g, stride: g.Cells(), bucket: g.Bucket, grid: g.Bucket}
	var err error
	if g.Kind != KindScript {
		if c.recipes, err = p.recipes(g); err != nil {
			return err
		}
	}
	switch g.Kind {
	case KindScript:
	case KindBuiltin:
		p.takeBuilt(c)
	default:
		var ok bool
		if ok, err = p.derive(c); err != nil {
			return fmt.Errorf("group %q: %w", g.Name, err)
		}
		if !ok {
			return nil
		}
	}
	p.counters = append(p.counters, c)
	p.byName[g.Name] = c
	return nil
}

// takeBuilt finds what feeds a built-in group. Those that nothing here feeds wait for Count.
func (p *plan) takeBuilt(c *counter) {
	if i := slices.Index(feedNames[:], c.g.Name); i >= 0 {
		p.built[i] = c
		if c.g.Spread {
			p.slow |= 1 << i
		} else {
			p.once |= 1 << i
		}
		return
	}
	roll := rollers[c.g.Name]
	if roll == 0 {
		return
	}
	for _, name := range c.g.Parents {
		if base := p.byName[name]; base != nil {
			base.grid = gcd(base.grid, c.grid)
			base.rollups = append(base.rollups, rollup{to: c, keys: roll, pairs: pairs(base.g, c.g)})
		}
	}
}

func gcd(a, b Span) Span {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// countDistinct finds what the distinct meters of a group count.
func (p *plan) countDistinct(c *counter) error {
	for i := range c.g.Distinct {
		d := &c.g.Distinct[i]
		m := c.g.distinctMeter(i)
		if m == nil {
			continue
		}
		counted := p.byName[d.Group]
		if counted == nil {
			p.notes = append(p.notes, fmt.Sprintf("group %s: no distinct keys of %s are counted: it is not active or "+
				"does not exist", c.g.Name, d.Group))
			continue
		}
		if counted.g.Spread != c.g.Spread {
			return fmt.Errorf("group %q: distinct: %q and it must both spread or both not", c.g.Name, d.Group)
		}
		c.watched, counted.watched = true, true
		c.distinct = append(c.distinct, distinct{c.g.Cell(m.ID), counted})
	}
	if len(c.distinct) > 0 {
		p.uniques = append(p.uniques, c)
	}
	return nil
}

// distinctMeter returns the meter that stands for an entry of Distinct.
func (g *Group) distinctMeter(i int) *Meter {
	for k := range g.Meters {
		m := &g.Meters[k]
		if m.Distinct && isCardinality(m.Feed) {
			if i == 0 {
				return m
			}
			i--
		}
	}
	return nil
}

// start gives each counter of the plan its board and its first page.
func (p *plan) start(b *Board) {
	b.facts.routes.clear()
	for _, c := range p.counters {
		c.board = b
		if len(c.rollups) > 0 {
			c.onDrop = func(row int) { c.rollRow(c.page, row) }
		}
	}
	b.startPlaces()
	b.blends.start()
	b.startSubnets()
	b.startHomes()
	p.forgetSpots(len(b.ends.slots))
}
