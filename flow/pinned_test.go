package flow

import (
	"runtime"
	"testing"
)

// TestViewKeepsNothingOfTheReplaced lets many datasources send at every tick and one more send once and never again,
// slowly fading. What the view holds of that one must not hold the flows of all others as they were at that tick.
func TestViewKeepsNothingOfTheReplaced(t *testing.T) {
	d := &Definition{Name: "f", Keys: "ipsource", Value: "bytes", T: 600}
	if err := d.Complete(); err != nil {
		t.Fatal(err)
	}
	table, defs := NewTable(compiler(), Limits{}), []*Definition{d}
	if err := table.Apply(start, defs); err != nil {
		t.Fatal(err)
	}
	const busy, ticks = 1000, 200
	var view *View
	at, before := start, uint64(0)
	for tick := range uint32(ticks) {
		at += 100 * milli
		for i := range uint32(busy) {
			table.Observe(sample(at, at1(i+1), 1, 100, h1, h2))
		}
		table.Observe(sample(at, at1(100_000+tick), 1, 100, h1, h2))
		view = Merge(view, at, defs, []*Partial{table.Advance(at)}, nil)
		if tick == ticks/10 {
			before = live()
		}
	}
	after := live()
	runtime.KeepAlive(view)
	runtime.KeepAlive(table)
	if grown := int64(after - before); grown > 4<<20 {
		t.Errorf("%d ticks that add one small flow each took %d MB", ticks, grown>>20)
	}
}

// live returns how many bytes are reachable.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
