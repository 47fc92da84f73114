//go:build !unix

package main

import "time"

const runSelf, runThread = 0, 1

// cpuTime returns 0: there is no getrusage here.
func cpuTime(int) time.Duration { return 0 }
