package sim

import (
	"math/rand/v2"
	"slices"

	"weir/schema"
)

// Injected counts what went wrong.
type Injected struct {
	Lost, Duplicated, Reordered       uint64 // datagrams
	Restarts, RateChanges, ClockJumps uint64
	LostBy                            map[schema.Addr]uint64 // datagrams lost, by exporter; never change it
}

// lossyWire carries datagrams to the collector, or not.
type lossyWire struct {
	rng      *rand.Rand
	faults   Faults
	injected Injected
	held     map[schema.Addr]Datagram // will come after the next one
	emit     func(Datagram)
}

func newLossyWire(rng *rand.Rand, f Faults) *lossyWire {
	return &lossyWire{
		rng: rng, faults: f, held: map[schema.Addr]Datagram{}, injected: Injected{LostBy: map[schema.Addr]uint64{}},
	}
}

// chance tells whether something of a probability happens. It asks for no random number when nothing can.
func (w *lossyWire) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// send carries a datagram; templates tells that it has some.
func (w *lossyWire) send(d Datagram, templates bool) {
	if w.chance(w.faults.Loss) || templates && w.chance(w.faults.TemplateLoss) {
		w.injected.Lost++
		w.injected.LostBy[d.From]++
		return
	}
	if _, waits := w.held[d.From]; !waits && w.chance(w.faults.Reorder) {
		d.Data = slices.Clone(d.Data)
		w.held[d.From] = d
		w.injected.Reordered++
		return
	}
	w.emit(d)
	if w.chance(w.faults.Duplicate) {
		w.injected.Duplicated++
		twin := d
		twin.Told = nil
		w.emit(twin)
	}
	if late, waits := w.held[d.From]; waits {
		delete(w.held, d.From)
		late.At = d.At
		w.emit(late)
	}
}
