package meter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"weir/schema"
)

// Place is what is known of where an address is. The zero Place is "not known".
type Place struct {
	Country [2]byte // two upper-case letters
	ASN     uint32
	Bits    uint8  // length of the routed prefix that has the address, counted as its family counts; 0 not known
	City    string // its name
}

// Settings is what the board is told about the network. It never changes once it is in force.
type Settings struct {
	Home    []netip.Prefix // home networks
	HomeAS  []uint32       // when there are any, the AS number decides who is at home, not Home
	Subnets []netip.Prefix // whose traffic the group subnets counts; nested ones count both
	// BothPorts counts traffic under both its ports when both are 1024 or more, not under the lower alone.
	BothPorts bool
	// Grace is how long after its end a bucket waits for records: 2 s live, 0 in a replay.
	Grace Span
	// Reach is how far back groups with Spread may slice flow records; what is further back goes into the oldest bucket
	// that is open, counted as late. The ledger must wait as long.
	Reach Span
	// Where, when set, tells where an address is. It may answer differently as time goes on. It is not compared by Equal.
	Where func(schema.Addr) Place
}

// DefaultHome returns the private networks: 10/8, 172.16/12, 192.168/16, fc00::/7, fe80::/10.
func DefaultHome() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
	}
}

// Equal tells whether two settings say the same; Where is not looked at.
func (s Settings) Equal(o Settings) bool {
	return slices.Equal(s.Home, o.Home) && slices.Equal(s.HomeAS, o.HomeAS) && slices.Equal(s.Subnets, o.Subnets) &&
		s.BothPorts == o.BothPorts && s.Grace == o.Grace && s.Reach == o.Reach
}

// BoardCounts is what the board had to count besides traffic, since the start.
type BoardCounts struct {
	Records uint64 // records that were counted
	Late    uint64 // records whose bucket was closed: they went into the oldest one open
	Early   uint64 // records more than a bucket ahead of the last tick: they were taken as of that tick
	Unfit   uint64 // values that a key expression gave and that are no key of its group's form
	Pages   uint64 // pages handed over
}

// Board counts records into the open pages of all groups, in one lane. It belongs to one goroutine.
type Board struct {
	compiler *schema.Compiler
	plan     *plan
	settings Settings
	groups   []*Group

	from, to schema.Instant // records of [from, to) go into the current pages; empty when that must be looked up
	now      schema.Instant // the last tick
	slice    schema.Instant // the last tick rounded down to a whole slice
	due      []*Page        // what Apply closed, until the next Advance
	spare    map[string][]*Page
	epoch    uint32
	counts   BoardCounts

	facts    facts
	ends     endpoints
	memos    memos
	places   *places
	blends   blends
	retiring []retiree
	visits   [maxVisits]visit // to hosts, not counted yet
	waiting  int
	sink     uint32 // see endpoints
	seen     float64
	touched  []byte // keys that the record in hand touched, for groups that derive from others
	key      []byte // scratch: a key in the making
	out      schema.Value
	subnets  subnets
	homes    []network
}

// sliceWidth is how long an open page is kept before it is handed over: at most so much is lost when the process dies.
const sliceWidth = 5e9

// NewBoard returns a board without groups. The compiler reads the key and value expressions and filters of user-defined
// groups; it may be nil when there are none.
func NewBoard(c *schema.Compiler) *Board {
	if c == nil {
		c = schema.NewCompiler(nil)
	}
	b := &Board{compiler: c, plan: &plan{}, spare: map[string][]*Page{}}
	b.ends.reset(minEndpoints)
	b.memos.reset()
	return b
}

// Check tells whether a board could put complete groups in force: it compiles all they say.
func Check(c *schema.Compiler, groups []*Group) error {
	return NewBoard(c).Apply(0, groups, Settings{})
}

// Apply puts groups and settings in force from at on. What was counted before is not lost: it comes with the next
// Advance or End, in pages of the groups as they were. On an error everything stays as it was. Groups must be complete;
// the slice is kept and must not change. When groups and settings are the same as before, nothing is done but taking
// over s.Where.
func (b *Board) Apply(at schema.Instant, groups []*Group, s Settings) error {
	if len(groups) > 0 && slices.Equal(groups, b.groups) && s.Equal(b.settings) {
		b.settings.Where = s.Where
		return nil
	}
	p, err := newPlan(b.compiler, groups)
	if err != nil {
		return err
	}
	b.due = b.handOver(b.due, true, true)
	b.now = max(b.now, at)
	b.plan, b.settings, b.groups = p, s, groups
	b.ends.reset(len(b.ends.slots))
	b.memos.reset()
	p.start(b)
	b.from, b.to = 0, 0
	return nil
}

// Counts returns what was counted besides traffic.
func (b *Board) Counts() BoardCounts { return b.counts }

// Notes returns what is worth a line in the log of the groups in force: groups that could not be fed, and why.
func (b *Board) Notes() []string { return b.plan.notes }

// Advance tells the board that at has passed, and returns the pages that are due: those of buckets that have ended, and
// all of them every 5 s. They are the caller's; Recycle takes them back.
func (b *Board) Advance(at schema.Instant) []*Page {
	b.now = max(b.now, at)
	slice := floor(b.now, sliceWidth)
	all := slice != b.slice
	b.slice = slice
	pages := b.handOver(b.due, all, false)
	b.due = nil
	return pages
}

// End returns all pages: nothing more will come.
func (b *Board) End(at schema.Instant) []*Page {
	b.now = max(b.now, at)
	pages := b.handOver(b.due, true, true)
	b.due = nil
	return pages
}

// Recycle takes back a page that Advance or End gave away and that nobody looks at any more, to use its memory again.
// Pages of boards of other lanes are welcome.
func (b *Board) Recycle(p *Page) {
	list := b.spare[p.Group.Name]
	// Memory that the last use did not need is given up, so that one burst is not remembered for ever. Of large pages two
	// are enough: the one that is open and the one that is being merged take turns.
	if len(list) >= maxSpare || len(list) > 0 && cap(p.ends) > manyRows || cap(p.ends) > 1024 && p.Len() < cap(p.ends)/8 {
		return
	}
	for _, c := range b.plan.counters {
		if c.g.Name == p.Group.Name {
			b.spare[c.g.Name] = append(list, p)
			return
		}
	}
}

const (
	maxSpare = 4
	manyRows = 1 << 16
)

// Observe counts a record into the open pages of all groups. It keeps nothing of it.
func (b *Board) Observe(r *schema.Record) {
	if r.Kind > schema.KindFrame || r.Kind == 0 {
		return
	}
	if at := r.At; at < b.from || at >= b.to {
		b.turn(at)
	}
	b.counts.Records++
	b.read(r)
	if b.plan.spread > 0 && r.Kind == schema.KindFlowRecord && r.Start > 0 {
		b.spreadOut(r)
		return
	}
	b.feed(r, b.plan.all())
}

// feed counts what read found, into those of the counters that set has.
func (b *Board) feed(r *schema.Record, set feeds) {
	f := &b.facts
	if b.plan.watched {
		b.forget()
	}
	if blended := set & b.plan.blended; blended != 0 {
		b.blend(f)
		set &^= blended
	}
	b.feedTraffic(f, set)
	if f.ip != 0 {
		b.feedHosts(set)
	}
	if f.link {
		b.feedLink(f, set)
	}
	if set&routeFeeds != 0 {
		b.feedRoutes(r, set)
	}
	if len(b.plan.derived) > 0 {
		b.derive(r)
	}
	if len(b.plan.uniques) > 0 {
		b.countUniques()
	}
}

// SessionEdge is the beginning or the end of a session, for meters that count connections.
type SessionEdge struct {
	At           schema.Instant // when it began or ended
	A, Z         schema.Addr    // its ends; A is taken as the sender
	APort, ZPort uint16
	Proto, IPv   uint8
	Delta        int // +1 it began, -1 it ended
}

// Session counts the beginning or the end of a session.
func (b *Board) Session(e SessionEdge) {
	if e.Delta == 0 || e.IPv == 0 {
		return
	}
	// A session that timed out ended long ago, in a bucket that is closed: the oldest open one takes it. That is no record
	// that came late, and looking for the pages must not be done for each of them.
	at := e.At
	if b.plan.spread == 0 && b.now > 0 {
		at = max(at, b.now.Add(-b.settings.Grace.Duration()))
	}
	if at < b.from || at >= b.to {
		b.turn(at)
	}
	b.readEdge(e)
	if b.plan.watched {
		b.forget()
	}
	b.feedTraffic(&b.facts, b.plan.all())
	b.feedHosts(b.plan.all())
	b.visitAll()
	if len(b.plan.derived) > 0 {
		b.derive(nil)
	}
}

// Update is one change of one meter, made by others than traffic: scripts, alerts.
type Update struct {
	Group string // short name, title or GUID
	Key   []byte // binary, in the group's form
	Meter int
	Value float64
	At    schema.Instant
}

// The reasons why an Update was not made.
var (
	ErrNoGroup = errors.New("no such counter group")
	ErrNoMeter = errors.New("the counter group has no such meter")
)

// Count makes one update. A group that is not active takes none and gives no error. The errors are ErrNoGroup and
// ErrNoMeter, wrapped, and one about a key that does not fit.
func (b *Board) Count(u Update) error {
	c := b.plan.counter(u.Group)
	if c == nil {
		g := Lookup(b.groups, u.Group)
		if g == nil {
			return fmt.Errorf("%w: %q", ErrNoGroup, u.Group)
		}
		if c = b.plan.counter(g.Name); c == nil {
			return nil
		}
	}
	m := c.g.Meter(u.Meter)
	if m == nil || m.Distinct {
		return fmt.Errorf("%w: %s has no meter %d that can be updated", ErrNoMeter, c.g.Name, u.Meter)
	}
	if !c.g.Form.Valid(u.Key) {
		return fmt.Errorf("group %s: %x is no key of the form %v", c.g.Name, u.Key, c.g.Form)
	}
	if u.At < b.from || u.At >= b.to {
		b.turn(u.At)
	}
	c.page.Write(c.find(u.Key), c.g.Cell(u.Meter), u.Value, u.At)
	return nil
}
