package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"weir/engine"
	"weir/event"
	"weir/flow"
	"weir/vitals"
)

// The bounds of the stream.
const (
	streamFlows     = 50  // definitions in one stream
	streamMax       = 100 // active flows of each
	streamExporters = 200 // the busiest are told of
	streamBacklog   = 100 // past events that a stream begins with
	// framesHeld is how many frames wait for a slow client; ticks are skipped when half of it is taken, so that there
	// is room for events.
	framesHeld = 64
	ticksHeld  = 4
	// castGap is the least time between two ticks of the stream: a replay passes many seconds of data in one of ours.
	castGap = 100 * time.Millisecond
)

// The definitions whose sums are the totals of the stream.
const (
	totalBytes  = "console_total"
	totalFrames = "console_packets"
)

// wish is what a stream asks for. Streams that wish for the same share their frames.
type wish struct {
	flows string // names, joined by NUL
	mode  flow.Mode
	max   int
}

// subscriber is one stream. Its channel closes when there will be no more.
type subscriber struct {
	wish   wish
	frames chan []byte // shared: nobody changes one
}

// caster follows the engine and renders what streams show, once for all who wish for the same.
type caster struct {
	engine *engine.Engine
	most   int // streams
	gap    time.Duration
	pacer  pacer

	second   int64 // of the data, of the newest cast
	castAt   time.Time
	lastSeen atomic.Int64 // when the newest harvest came, ns of the monotonic clock since born
	born     time.Time
	event    uint64 // number of the newest event that was told

	sent, skipped *vitals.Counter

	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
	over        bool // there will be no more frames
}

func newCaster(e *engine.Engine, v *vitals.Set, most int) *caster {
	return &caster{
		engine: e, most: most, gap: castGap, pacer: pacer{tracks: map[sender]*track{}},
		second: math.MinInt64, born: time.Now(), subscribers: map[*subscriber]struct{}{},
		sent:    v.Counter("weir_api_stream_frames_total", "outcome", "sent"),
		skipped: v.Counter("weir_api_stream_frames_total", "outcome", "skipped"),
	}
}

// run follows the engine until ctx ends or the engine has stopped, then ends all streams.
func (c *caster) run(ctx context.Context) {
	f := c.engine.Follow("stream", 64)
	defer f.Close()
	defer c.end()
	c.event = c.engine.LastEvent()
	c.lastSeen.Store(int64(time.Since(c.born)))
	for {
		select {
		case <-ctx.Done():
			return
		case h, ok := <-f.C:
			if !ok {
				return
			}
			c.take(h)
		}
	}
}

// take casts what one tick brought: events at once, everything else once a second of the data.
func (c *caster) take(h *engine.Harvest) {
	c.lastSeen.Store(int64(time.Since(c.born)))
	c.castEvents(h)
	second := int64(math.Floor(h.View.At.Seconds()))
	if second == c.second || time.Since(c.castAt) < c.gap {
		return
	}
	c.second, c.castAt = second, time.Now()
	c.pacer.take(h.View)
	c.castTick(h.View)
}

// castEvents tells of events that began, also of those in harvests that were missed, and of those that ended.
func (c *caster) castEvents(h *engine.Harvest) {
	if last := c.engine.LastEvent(); last != c.event {
		begun := c.engine.EventsSince(c.event, nil, streamBacklog)
		c.event = last
		for _, e := range slices.Backward(begun) {
			c.send(eventFrame(&e), nil, 0)
		}
	}
	if len(h.Ended) == 0 {
		return
	}
	// What a lane says of an end has no number; the log has.
	known := c.engine.EventsSince(0, nil, -1)
	for i := range h.Ended {
		over := &h.Ended[i]
		j := slices.IndexFunc(known, func(e event.Event) bool { return e.Compare(over) == 0 && e.End != 0 })
		if j >= 0 {
			c.send(eventFrame(&known[j]), nil, 0)
		}
	}
}

// castTick renders a view once for each wish.
func (c *caster) castTick(v *engine.View) {
	c.mu.Lock()
	wishes := map[wish]bool{}
	for s := range c.subscribers {
		wishes[s.wish] = true
	}
	c.mu.Unlock()
	if len(wishes) == 0 {
		return
	}
	common := commonOf(v, c.pace())
	for w := range wishes {
		c.send(common.frame(v, w), &w, framesHeld-ticksHeld)
	}
}

// send gives a frame to those who wish for it (nil: to all), unless it leaves them with less than room free places.
func (c *caster) send(frame []byte, w *wish, room int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.subscribers {
		if w != nil && s.wish != *w {
			continue
		}
		if cap(s.frames)-len(s.frames) <= room {
			c.skipped.Inc()
			continue
		}
		select {
		case s.frames <- frame:
		default:
			c.skipped.Inc()
		}
	}
}

// end ends all streams; there will be no more.
func (c *caster) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for s := range c.subscribers {
		close(s.frames)
		delete(c.subscribers, s)
	}
}

// errFull and errOver are why a stream cannot be had.
var (
	errFull = errors.New("too many streams")
	errOver = errors.New("the stream has ended")
)

// join begins a stream with a frame of the newest view.
func (c *caster) join(w wish) (*subscriber, error) {
	s := &subscriber{wish: w, frames: make(chan []byte, framesHeld)}
	v := c.engine.View()
	s.frames <- commonOf(v, c.pace()).frame(v, w)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return nil, errOver
	case len(c.subscribers) >= c.most:
		return nil, errFull
	}
	c.subscribers[s] = struct{}{}
	return s, nil
}

// leave ends a stream.
func (c *caster) leave(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscribers, s)
}

// streams returns how many streams there are.
func (c *caster) streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscribers)
}

// pace returns the rates of exporters, nil before there are any.
func (c *caster) pace() *pace { return c.pacer.last.Load() }

// quiet returns how long the engine has not ticked; 0 before run, which nobody can tell.
func (c *caster) quiet() time.Duration {
	seen := c.lastSeen.Load()
	if seen == 0 {
		return 0
	}
	return time.Since(c.born) - time.Duration(seen)
}

// totals is the traffic of the whole network.
type totals struct {
	Bits         float64 `json:"bits"`       // bit/s
	BitsError    float64 `json:"bits_error"` // one standard error
	Packets      float64 `json:"packets"`    // 1/s
	PacketsError float64 `json:"packets_error"`
}

func totalsOf(v *engine.View, mode flow.Mode) totals {
	bytes, bytesError := totalOf(v, totalBytes, mode)
	packets, packetsError := totalOf(v, totalFrames, mode)
	return totals{8 * bytes, 8 * bytesError, packets, packetsError}
}

func totalOf(v *engine.View, name string, mode flow.Mode) (value, stderr float64) {
	found, err := v.Flow.Active(flow.Query{Definition: name, Mode: mode, Max: 1})
	if err != nil || len(found) == 0 {
		return 0, 0
	}
	return found[0].Value, found[0].Error
}

// ruleOf is what a mode means for a definition, max when it is not in force.
func ruleOf(v *engine.View, name string, mode flow.Mode) string {
	d := v.Flow.Definition(name)
	if d == nil {
		d = &flow.Definition{}
	}
	return mode.For(d).String()
}

// common is what frames of one view share.
type common struct {
	exporters json.RawMessage
	total     int
	books     tally
	totals    map[flow.Mode]totals
}

func commonOf(v *engine.View, p *pace) *common {
	list, err := json.Marshal(exportersOf(v, p, streamExporters))
	if err != nil {
		list = []byte("[]") // only for numbers that are none, which rates cannot be
	}
	return &common{exporters: list, total: len(v.Exporters), books: tallyOf(v), totals: map[flow.Mode]totals{}}
}

// tick is the data of one frame.
type tick struct {
	stamp
	Seq            uint64                  `json:"seq"`  // number of the tick, as in stamp
	Mode           string                  `json:"mode"` // the rule by which totals of several places became one
	Total          totals                  `json:"total"`
	Flows          map[string][]activeFlow `json:"flows"`
	Modes          map[string]string       `json:"modes"` // the rule of each definition
	Units          map[string]string       `json:"units"` // of the flows' values
	Exporters      json.RawMessage         `json:"exporters"`
	ExportersTotal int                     `json:"exporters_total"`
	Books          tally                   `json:"books"`
}

// frame renders what a wish is for. Definitions that are not in force are left out.
func (c *common) frame(v *engine.View, w wish) []byte {
	mode := w.mode
	if _, ok := c.totals[mode]; !ok {
		c.totals[mode] = totalsOf(v, mode)
	}
	t := tick{
		stamp: stampOf(v), Seq: v.Seq, Mode: ruleOf(v, totalBytes, mode), Total: c.totals[mode],
		Flows: map[string][]activeFlow{}, Modes: map[string]string{}, Units: map[string]string{},
		Exporters: c.exporters, ExportersTotal: c.total, Books: c.books,
	}
	for _, name := range splitWish(w.flows) {
		a, err := activeOf(v, flow.Query{Definition: name, Mode: mode, Max: w.max})
		if err == nil {
			t.Flows[name], t.Modes[name], t.Units[name] = a.Flows, a.Mode, a.Unit
		}
	}
	b, err := json.Marshal(&t)
	if err != nil {
		b = []byte(`{}`) // only for numbers that are none, which flows cannot be
	}
	return sse("tick", 0, b)
}

func eventFrame(e *event.Event) []byte {
	b, err := json.Marshal(crossingOf(e))
	if err != nil {
		b = []byte(`{}`) // as above
	}
	return sse("threshold", e.ID, b)
}

// sse writes one server-sent event (HTML standard, section 9.2.5). Only those with an id move a client's place.
func sse(name string, id uint64, data []byte) []byte {
	b := make([]byte, 0, len(data)+64)
	if id != 0 {
		b = append(strconv.AppendUint(append(b, "id: "...), id, 10), '\n')
	}
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	return append(append(b, data...), "\n\n"...)
}
