package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"weir/schema"
	"weir/session"
	"weir/store"
)

// Conversation is one session that was found.
type Conversation struct {
	session.Session
	Live     bool   // it still goes on
	AAS, ZAS uint32 // AS numbers of the ends; 0 when not known
	Tags     string // separated by |
}

// Order is the order in which sessions are wanted, always the largest or newest first.
type Order uint8

// The orders.
const (
	ByLast     Order = iota // last activity
	ByFirst                 // first activity
	ByBytes                 // bytes of both ends
	ByPackets               // packets of both ends
	ByDuration              // how long it lasted
	ByRTT                   // time of the handshake
	ByRetrans               // segments sent again
)

// OrderWords are the words of the orders, in the order of the constants.
var OrderWords = []string{"last", "first", "bytes", "packets", "duration", "rtt", "retransmissions"}

// orderColumns are the columns of the store for the orders.
var orderColumns = [...]string{"last", "first", "bytes", "packets", "duration", "rtt", "retrans"}

// ParseOrder reads one of OrderWords.
func ParseOrder(word string) (Order, error) {
	i := slices.Index(OrderWords, word)
	if i < 0 {
		return 0, mistake("order", schema.DidYouMean(word, slices.Values(OrderWords)), "%q is not one of %s", word,
			strings.Join(OrderWords, ", "))
	}
	return Order(i), nil
}

// compare orders two sessions, first what comes first.
func (o Order) compare(a, b *Conversation) int {
	return cmp.Or(cmp.Compare(o.of(b), o.of(a)), cmp.Compare(b.Last, a.Last), cmp.Compare(b.ID, a.ID))
}

func (o Order) of(c *Conversation) int64 {
	switch o {
	case ByFirst:
		return int64(c.First)
	case ByBytes:
		return int64(c.Bytes())
	case ByPackets:
		return int64(c.Packets())
	case ByDuration:
		return int64(c.Last - c.First)
	case ByRTT:
		return int64(c.RTT)
	case ByRetrans:
		return int64(c.Retrans)
	}
	return int64(c.Last)
}

// SessionQuery asks for sessions.
type SessionQuery struct {
	session.Query
	Order Order
	Max   int
	Live  bool // those that still go on
	Past  bool // those that are over
}

// SessionList is the sessions that were found.
type SessionList struct {
	Sessions []Conversation
	More     bool // there are more than Max
}

// Sessions finds sessions, live and past together.
func (h *History) Sessions(ctx context.Context, q SessionQuery) (SessionList, error) {
	var out SessionList
	if q.Live {
		live, err := h.live(ctx, q.Query, q.Max+1)
		if err != nil {
			return out, err
		}
		out.Sessions = live
	}
	if q.Past {
		if h.Store == nil && !q.Live {
			return out, ErrNoStore
		}
		past, err := h.past(ctx, q)
		if err != nil {
			return out, err
		}
		out.Sessions = append(out.Sessions, past...)
	}
	slices.SortFunc(out.Sessions, func(a, b Conversation) int { return q.Order.compare(&a, &b) })
	// One that ended while both were asked is over.
	seen := make(map[int64]int, len(out.Sessions))
	kept := out.Sessions[:0]
	for _, c := range out.Sessions {
		if i, twice := seen[c.ID]; twice {
			if kept[i].Live && !c.Live {
				kept[i] = c
			}
			continue
		}
		seen[c.ID] = len(kept)
		kept = append(kept, c)
	}
	out.Sessions = kept
	if len(out.Sessions) > q.Max {
		out.Sessions, out.More = out.Sessions[:q.Max], true
	}
	return out, nil
}

// live asks the lanes.
func (h *History) live(ctx context.Context, q session.Query, most int) ([]Conversation, error) {
	found, _, err := h.Engine.Sessions(ctx, q, most)
	if err != nil {
		return nil, err
	}
	out := make([]Conversation, len(found))
	for i := range found {
		out[i] = Conversation{Session: found[i], Live: true}
	}
	return out, nil
}

// past asks the store.
func (h *History) past(ctx context.Context, q SessionQuery) (out []Conversation, err error) {
	sq := store.Query{
		Table: schema.TableSessions, From: q.From, To: q.To, Overlap: true, Where: conditionOf(q.Where),
		OrderBy: orderColumns[q.Order], Desc: true, Limit: q.Max + 1,
	}
	label := labelOf(q.Where)
	err = h.each(ctx, sq, func(b *schema.Block) {
		for i := range b.Rows {
			c := conversationAt(b, i)
			if label == nil || hasLabels(c.Tags, label) {
				out = append(out, c)
			}
		}
	})
	return out, err
}

// conversationAt reads row i of a block of sessions.
func conversationAt(b *schema.Block, i int) Conversation {
	var c Conversation
	c.ReadRow(b, i)
	if col := b.Column("a_as"); col != nil {
		c.AAS = uint32(col.Ints[i])
	}
	if col := b.Column("z_as"); col != nil {
		c.ZAS = uint32(col.Ints[i])
	}
	if col := b.Column("tags"); col != nil {
		c.Tags = string(col.Texts.At(i))
	}
	return c
}

// Session finds one session by its number; nil when there is none.
func (h *History) Session(ctx context.Context, id int64) (*Conversation, error) {
	var found *Conversation
	q := store.Query{Table: schema.TableSessions, Where: store.Where("id", store.Eq, store.Int(id)), Limit: 1}
	// The number begins with the second of the first activity, and no session is over before it began.
	q.From = began(id)
	err := h.each(ctx, q, func(b *schema.Block) {
		c := conversationAt(b, 0)
		found = &c
	})
	if err != nil || found != nil {
		return found, err
	}
	at := began(id)
	live, err := h.live(ctx, session.Query{From: at, Where: []session.Clause{{
		{Column: "id", Op: session.OpEqual, Int: id},
	}}}, 1)
	if err != nil || len(live) == 0 {
		return nil, err
	}
	return &live[0], nil
}

// began returns the second in which the session of that number began (session.Session.ID).
func began(id int64) schema.Instant {
	const since2020 = 1_577_836_800
	return schema.Instant((id>>33 + since2020) * 1e9)
}

// conditionOf turns the clauses of a search into a condition of the store.
func conditionOf(clauses []session.Clause) store.Cond {
	all := make([]store.Cond, 0, len(clauses))
	for _, clause := range clauses {
		one := make([]store.Cond, 0, len(clause))
		for _, c := range clause {
			one = append(one, condOf(c))
		}
		all = append(all, store.Any(one...))
	}
	return store.All(all...)
}

// sums are the computed columns of the store that add both directions.
var sums = map[string]string{
	"az_bytes": "bytes", "za_bytes": "bytes", "az_packets": "packets", "za_packets": "packets",
	"az_payload": "payload", "za_payload": "payload",
}

func condOf(c session.Cond) store.Cond {
	value := store.Int(c.Int)
	if i := schema.TableSessions.Column(c.Column); i >= 0 && schema.TableSessions.Columns[i].Type == schema.ColumnText {
		value = store.Text(c.Text)
	}
	switch c.Op {
	case session.OpAtLeast:
		return store.Where(c.Column, store.Ge, value)
	case session.OpPrefix:
		return store.Where(c.Column, store.Prefix, value)
	case session.OpHasBits:
		// Any of the bits; the store asks for all of them.
		var any []store.Cond
		for bit := int64(1); bit > 0 && bit <= c.Int; bit <<= 1 {
			if c.Int&bit != 0 {
				any = append(any, store.Where(c.Column, store.HasBits, store.Int(bit)))
			}
		}
		return store.Any(any...)
	case session.OpHasLabel:
		// Whether it is a whole label is looked at again when the rows are there.
		return store.Where(c.Column, store.Contains, value)
	case session.OpSum:
		return store.Where(sums[c.Column], store.Ge, value)
	}
	return store.Where(c.Column, store.Eq, value)
}

// labelOf returns the labels that a search wants, each clause of which some must be there; nil when it wants none.
func labelOf(clauses []session.Clause) (wanted [][]string) {
	for _, clause := range clauses {
		var some []string
		for _, c := range clause {
			if c.Op != session.OpHasLabel {
				some = nil
				break
			}
			some = append(some, c.Text)
		}
		if some != nil {
			wanted = append(wanted, some)
		}
	}
	return wanted
}

func hasLabels(tags string, wanted [][]string) bool {
	have := strings.Split(tags, "|")
	for _, some := range wanted {
		if !slices.ContainsFunc(some, func(label string) bool { return slices.Contains(have, label) }) {
			return false
		}
	}
	return true
}
