package export

import (
	"fmt"
	"time"
)

// Config says how flows are exported. The zero value of a field means its default.
type Config struct {
	// Refresh is how often templates are sent again, by the clock of the data; default 60 s, 1 s..1 h. RFC 7011
	// section 8.1 wants that over UDP, because a collector that starts later has not seen them.
	Refresh time.Duration `yaml:"refresh" json:"refresh"`
	// Domain is the observation domain of all messages. The default 0 is what RFC 7011 section 3.1 asks of messages
	// whose records come from several exporters; set it to tell several senders behind one address apart.
	Domain uint32 `yaml:"domain" json:"domain"`
	// Queue is how many messages wait for each collector; default 256, at most 65536. What comes when it is full is
	// dropped and counted.
	Queue int `yaml:"queue" json:"queue"`
	// Collectors is how many different collectors all definitions together may name; default 64, at most 4096.
	// Records for others are dropped and counted.
	Collectors int `yaml:"collectors" json:"collectors"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Refresh: time.Minute, Queue: 256, Collectors: 64} }

// Validate returns an error that names the value that is wrong.
func (c Config) Validate() error {
	switch {
	case c.Refresh != 0 && (c.Refresh < time.Second || c.Refresh > time.Hour):
		return fmt.Errorf("export.refresh: %v is not between 1s and 1h", c.Refresh)
	case c.Queue < 0 || c.Queue > 65536:
		return fmt.Errorf("export.queue: %d is not between 1 and 65536", c.Queue)
	case c.Collectors < 0 || c.Collectors > 4096:
		return fmt.Errorf("export.collectors: %d is not between 1 and 4096", c.Collectors)
	}
	return nil
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.Refresh <= 0 {
		c.Refresh = d.Refresh
	}
	if c.Queue <= 0 {
		c.Queue = d.Queue
	}
	if c.Collectors <= 0 {
		c.Collectors = d.Collectors
	}
	return c
}
