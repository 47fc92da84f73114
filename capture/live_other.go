//go:build !linux

package capture

import (
	"context"
	"errors"
	"runtime"
	"time"

	"weir/schema"
)

// Live captures frames from an interface; on this system there is none.
type Live struct{}

func noLive() error {
	return errors.New("capture: capturing from an interface needs Linux, this is " + runtime.GOOS +
		"; capture files can be read")
}

// OpenLive returns an error: capturing from an interface needs Linux.
func OpenLive(c Config) (*Live, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return nil, noLive()
}

// Link returns LinkUnknown.
func (l *Live) Link() schema.LinkType { return schema.LinkUnknown }

// Next returns an error.
func (l *Live) Next(*Frame, time.Duration) (found bool, err error) { return false, noLive() }

// Run returns an error.
func (l *Live) Run(context.Context, func(*Frame)) error { return noLive() }

// Stats returns no counters.
func (l *Live) Stats() (LiveStats, error) { return LiveStats{}, nil }

// Close does nothing.
func (l *Live) Close() error { return nil }
