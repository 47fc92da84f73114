package export

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"

	"weir/schema"
	"weir/wire/netflow"
)

// maxMessage is the longest message, bytes: it fits one packet on every usual path (RFC 7011 section 10.3.3).
const maxMessage = 1400

// message is one IPFIX message that waits to be sent. Whoever holds it owns the bytes.
type message struct {
	bytes   []byte
	records int
}

// collector writes the messages of one collector, in the goroutine of Exporter.Run. What crosses to the goroutine that
// sends them is the queue and lost.
type collector struct {
	to        netip.AddrPort
	books     *books
	builder   *netflow.Builder
	templates map[uint16]*told // by id: what the collector needs to know
	refreshed schema.Instant
	at        schema.Instant // of the harvest at hand, which is the export time of its messages
	open      bool           // a message has been begun
	records   int            // in it

	queue chan message
	// lost tells that a message did not reach the collector, as far as anybody can know: templates may have been in it.
	lost *atomic.Bool
}

// told is a template and whether the collector was told it since something went wrong.
type told struct {
	template *netflow.Template
	fresh    bool
}

func newCollector(to netip.AddrPort, c Config, b *books, at schema.Instant) *collector {
	builder, err := netflow.NewBuilder(netflow.IPFIX, c.Domain)
	if err != nil {
		panic("BUG: export: " + err.Error())
	}
	return &collector{
		to: to, books: b, builder: builder, templates: map[uint16]*told{}, refreshed: at,
		queue: make(chan message, c.Queue), lost: &atomic.Bool{},
	}
}

// The most that a set costs beside what is in it: its header and padding of the set before it.
const setCost = 4 + 3

// add writes a record, with its template before it when the collector does not know it.
func (c *collector) add(t *netflow.Template, values []schema.Value) {
	if c.lost.Swap(false) {
		for _, k := range c.templates {
			k.fresh = false
		}
	}
	k := c.templates[t.ID]
	if k == nil || k.template != t {
		k = &told{template: t}
		c.templates[t.ID] = k
	}
	need := setCost + t.Size
	if !k.fresh {
		need += templateCost(t)
	}
	if c.room(need); !k.fresh {
		c.tell(k)
	}
	c.builder.Record(t, values...)
	c.records++
}

// templateCost returns how many bytes a template takes, at most.
func templateCost(t *netflow.Template) int { return setCost + 4 + 4*len(t.Fields) }

func (c *collector) tell(k *told) {
	if err := c.builder.Template(k.template); err != nil {
		panic("BUG: export: " + err.Error())
	}
	k.fresh = true
}

// room makes sure that a message is open and has room for so many bytes.
func (c *collector) room(need int) {
	// The last set is padded as well.
	if c.open && c.builder.Len()+need+3 > maxMessage {
		c.flush()
	}
	if !c.open {
		c.builder.Begin(netflow.Header{Export: c.at})
		c.open, c.records = true, 0
	}
}

// refresh tells the collector all templates again.
func (c *collector) refresh() {
	c.refreshed = c.at
	for _, id := range slices.Sorted(maps.Keys(c.templates)) {
		k := c.templates[id]
		c.room(templateCost(k.template))
		c.tell(k)
	}
}

// flush queues the open message, or drops it when there is no room. A dropped message leaves a gap in the sequence
// numbers, so that the collector can tell, too.
func (c *collector) flush() {
	if !c.open {
		return
	}
	c.open = false
	b, err := c.builder.Datagram()
	if err != nil {
		panic("BUG: export: " + err.Error())
	}
	select {
	case c.queue <- message{bytes.Clone(b), c.records}:
	default:
		c.books.drop(ReasonQueue, c.records)
		c.lost.Store(true)
	}
}

// keep forgets the templates that are not in use any more.
func (c *collector) keep(inUse func(*netflow.Template) bool) {
	maps.DeleteFunc(c.templates, func(_ uint16, k *told) bool { return !inUse(k.template) })
}
