package resolve

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"weir/enrich"
	"weir/schema"
)

// Resolver asks for names of addresses and remembers the answers. Its methods may be called by any goroutine.
type Resolver struct {
	config Config
	queue  chan schema.Addr
	pace   pacer

	mu      sync.Mutex
	entries map[schema.Addr]*entry
	expiry  expiryHeap // entries with an answer, the first to expire on top
	answers []enrich.Answer
	counts  Counts
}

// Counts is what a resolver did since it was made. Every address given to Want is one of Known, Waiting, Queued and
// Dropped.
type Counts struct {
	Known   uint64 // already answered and still good
	Waiting uint64 // already waiting for an answer
	Queued  uint64
	Dropped uint64 // the queue, the cache or the list of answers nobody fetches was full

	Named    uint64 // questions that gave a name
	Nameless uint64 // there is no name
	Failed   uint64 // no server gave an answer
	Evicted  uint64 // answers forgotten early because the cache was full
	Expired  uint64 // answers whose time was up

	Cached int // addresses remembered now, waiting ones included
}

// entry is one address that is waiting for an answer (asked) or has one.
type entry struct {
	addr    schema.Addr
	asked   bool
	stale   bool
	expires time.Time // of the answer; of a stale one: when it is forgotten
	place   int       // in the heap, -1 when not there
}

// New returns a resolver for a completed copy of config; the error is that of Config.Complete. It asks nothing before
// Run.
func New(config Config) (*Resolver, error) {
	config.Servers = append([]string(nil), config.Servers...)
	if err := config.Complete(); err != nil {
		return nil, err
	}
	return &Resolver{
		config:  config,
		queue:   make(chan schema.Addr, config.Queue),
		pace:    pacer{every: time.Second / time.Duration(config.PerSecond)},
		entries: map[schema.Addr]*entry{},
	}, nil
}

// Configured tells whether there is a server to ask.
func (r *Resolver) Configured() bool { return len(r.config.Servers) > 0 }

// Counts returns the counters.
func (r *Resolver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	c.Cached = len(r.entries)
	return c
}

// Want asks for the names of addresses. It never blocks: what is known or already waiting is passed over, and what
// finds the queue full is dropped and counted; whoever still wants it asks again.
func (r *Resolver) Want(addrs []schema.Addr) {
	if len(addrs) == 0 || !r.Configured() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range addrs {
		r.want(a)
	}
}

func (r *Resolver) want(a schema.Addr) {
	e := r.entries[a]
	switch {
	case a.IsZero():
		return
	case e != nil && e.asked:
		r.counts.Waiting++
		return
	case e != nil && !e.stale:
		r.counts.Known++
		return
	case len(r.answers) >= 2*r.config.Cache || e == nil && len(r.entries) >= r.config.Cache && !r.evict():
		r.counts.Dropped++
		return
	}
	select {
	case r.queue <- a:
		r.counts.Queued++
	default:
		r.counts.Dropped++
		return
	}
	if e == nil {
		e = &entry{addr: a, place: -1}
		r.entries[a] = e
	}
	e.asked = true
}

// evict forgets the answer that expires first; it returns false when all entries are waiting.
func (r *Resolver) evict() bool {
	if len(r.expiry) == 0 {
		return false
	}
	e := r.expiry[0]
	r.forget(e)
	r.counts.Evicted++
	return true
}

// forget removes an entry. A question that is under way for it finds it gone and its answer is dropped.
func (r *Resolver) forget(e *entry) {
	heap.Remove(&r.expiry, e.place)
	delete(r.entries, e.addr)
	r.answers = append(r.answers, enrich.Answer{Addr: e.addr, State: enrich.AnswerGone})
}

// Poll returns the answers since the last call in the order in which they came, nil when there are none.
func (r *Resolver) Poll() []enrich.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.answers
	r.answers = nil
	return out
}

// sweepEvery is how often expired answers are looked for; their time is in minutes.
const sweepEvery = time.Second

// Run asks what is wanted until ctx is done, and returns when all its goroutines have ended. It is called once.
func (r *Resolver) Run(ctx context.Context) {
	if !r.Configured() {
		<-ctx.Done()
		return
	}
	var workers sync.WaitGroup
	for range r.config.Workers {
		workers.Go(func() { r.work(ctx) })
	}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			workers.Wait()
			return
		case now := <-ticker.C:
			r.sweep(now)
		}
	}
}

func (r *Resolver) work(ctx context.Context) {
	asker := newAsker(&r.config)
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-r.queue:
			if !r.pace.wait(ctx) {
				return
			}
			name, ttl, err := asker.ask(ctx, a)
			if ctx.Err() != nil {
				return
			}
			r.answer(time.Now(), a, name, ttl, err)
		}
	}
}

// answer takes the outcome of a question. A failure leaves a stale name as it is.
func (r *Resolver) answer(now time.Time, a schema.Addr, name string, ttl time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.counts.Failed++
	case name == "":
		r.counts.Nameless++
	default:
		r.counts.Named++
	}
	e := r.entries[a]
	if e == nil {
		return
	}
	keep := err != nil && e.stale // the old name is better than none
	e.asked, e.stale = false, false
	e.expires = now.Add(ttl)
	if e.place >= 0 {
		heap.Fix(&r.expiry, e.place)
	} else {
		heap.Push(&r.expiry, e)
	}
	if !keep {
		r.answers = append(r.answers, enrich.Answer{Addr: a, Name: name})
	}
}

// sweep marks answers whose time is up as stale, which makes lanes want them again, and forgets those that nobody
// wanted for as long again.
func (r *Resolver) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.expiry) > 0 && !r.expiry[0].expires.After(now) {
		if len(r.answers) >= 2*r.config.Cache {
			return // nobody fetches them
		}
		e := r.expiry[0]
		if e.stale && !e.asked {
			r.forget(e)
			continue
		}
		if !e.stale {
			r.counts.Expired++
			r.answers = append(r.answers, enrich.Answer{Addr: e.addr, State: enrich.AnswerStale})
		}
		e.stale = true
		e.expires = now.Add(r.config.MinTTL)
		heap.Fix(&r.expiry, e.place)
	}
}

// pacer lets one question pass every so often, whatever the number of workers.
type pacer struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time
}

// wait returns when the caller may go on; false when ctx ended before.
func (p *pacer) wait(ctx context.Context) bool {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	delay := p.next.Sub(now)
	p.next = p.next.Add(p.every)
	p.mu.Unlock()
	if delay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// expiryHeap is a container/heap of entries by the instant at which they expire.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push is for container/heap.
func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

// Pop is for container/heap.
func (h *expiryHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.place = -1
	return e
}
