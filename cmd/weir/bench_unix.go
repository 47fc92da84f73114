//go:build unix

package main

import (
	"syscall"
	"time"
)

// Whose CPU time cpuTime tells. Linux and FreeBSD tell that of a thread; elsewhere it is 0, and so the figures over UDP
// have the sender's in them.
const (
	runSelf   = syscall.RUSAGE_SELF
	runThread = 1
)

// cpuTime returns the CPU time, user and system, of the process or of the calling thread; 0 when it is not told.
func cpuTime(of int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(of, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
