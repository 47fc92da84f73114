//go:build !race

package sim_test

// underRace tells that the race detector watches, which makes long runs ten times longer.
const underRace = false
