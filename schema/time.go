package schema

import "time"

// Instant is a moment in nanoseconds since the Unix epoch as the data tells it: the kernel's receive stamp when live,
// the capture stamp when replayed. Only the shell turns a time.Time into one. Zero means "not known".
type Instant int64

// Add returns the instant d later (earlier when d is negative).
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns how much later i is than o.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i - o) }

// Millis returns i in whole milliseconds since the Unix epoch, rounded towards zero.
func (i Instant) Millis() int64 { return int64(i) / int64(time.Millisecond) }

// Seconds returns i in seconds since the Unix epoch.
func (i Instant) Seconds() float64 { return float64(i) / float64(time.Second) }

// String returns i in RFC 3339 form, UTC, with nanoseconds.
func (i Instant) String() string { return time.Unix(0, int64(i)).UTC().Format(time.RFC3339Nano) }
