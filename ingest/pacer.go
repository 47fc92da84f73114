package ingest

import (
	"context"
	"time"

	"weir/engine"
	"weir/schema"
)

// Pace ticks a live engine until ctx ends. Ticks are paced by the monotonic clock and labelled by the wall clock: if
// the wall steps back, no tick is issued until it has caught up (architecture section 7).
func Pace(ctx context.Context, e *engine.Engine, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last schema.Instant
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			now := schema.Instant(time.Now().UnixNano())
			if now <= last {
				continue
			}
			last = now
			if err := e.Tick(ctx, now); err != nil {
				return nil // the engine has stopped: so does its clock
			}
		}
	}
}
