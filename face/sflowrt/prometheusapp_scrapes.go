package sflowrt

import (
	"fmt"
	"sync"
	"time"

	"weir/engine"
	"weir/flow"
)

const (
	maxScrapes = 100              // definitions that scrapers may have in force at the same time
	unscraped  = 10 * time.Minute // after which a definition is dropped
)

// scrapes are the definitions that scrapers have put in force. It is the one thing that the face remembers: a scraper
// never says that it is done, so its definition would stay for ever if nobody knew when it last came. It is bounded,
// holds only definitions that it made itself, and empties itself by the wall clock, which is the scraper's, also when
// nobody asks for anything any more. It is safe for use by any number of goroutines.
type scrapes struct {
	engine *engine.Engine
	mu     sync.Mutex // held while the engine is asked, so that a definition is not dropped under a scrape
	made   map[string]*madeByScrape
}

type madeByScrape struct {
	last  time.Time // scrape
	timer *time.Timer
}

func newScrapes(e *engine.Engine) *scrapes {
	return &scrapes{engine: e, made: map[string]*madeByScrape{}}
}

// follow puts a complete definition in force unless it is already, and remembers that it was scraped. may is asked
// before anything is changed. Errors are its own, a *problem, or of the engine.
func (s *scrapes) follow(d *flow.Definition, may func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.made[d.Name]
	if !s.engine.State().Flow(d.Name).Equal(d) {
		if err := may(); err != nil {
			return err
		}
		if m == nil && len(s.made) >= maxScrapes {
			return fmt.Errorf("%w scraped flow definitions; %d is the most: drop some from the scrapers and wait",
				engine.ErrTooMany, maxScrapes)
		}
		if err := s.engine.Do(engine.DefineFlow{Definition: *d}); err != nil {
			return err
		}
		if m == nil {
			m = &madeByScrape{}
			m.timer = time.AfterFunc(unscraped, func() { s.expire(d.Name) })
			s.made[d.Name] = m
		}
	}
	if m != nil {
		m.last = time.Now()
	}
	return nil
}

// expire drops a definition that was not scraped for long enough, and looks again later at any other.
func (s *scrapes) expire(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.made[name]
	if left := unscraped - time.Since(m.last); left > 0 {
		m.timer.Reset(left)
		return
	}
	delete(s.made, name)
	// Dropping a definition that somebody else has dropped is no error.
	_ = s.engine.Do(engine.DropFlow{Name: name})
}
