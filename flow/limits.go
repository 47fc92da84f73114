package flow

// Limits bounds what one Table may hold. A zero field means its default.
type Limits struct {
	Keys          int // active flows of all definitions together; default 2,000,000
	KeyBytes      int // bytes of one encoded key; default 1024, at most 4096
	Sources       int // sources (and exporters) that any definition follows; default 100,000
	Pools         int // pairs of definition and source; default 1,000,000
	Definitions   int // definitions in force; default 2000
	Log           int // records of the flow log between two ticks; default 10,000
	DistinctBytes int // memory of all sets that count distinct values; default 256 MiB
}

const maxKeyBytes = 4096

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Keys, 2_000_000)
	def(&l.KeyBytes, 1024)
	def(&l.Sources, 100_000)
	def(&l.Pools, 1_000_000)
	def(&l.Definitions, 2000)
	def(&l.Log, 10_000)
	def(&l.DistinctBytes, 256<<20)
	l.KeyBytes = min(l.KeyBytes, maxKeyBytes)
	return l
}
