package flow

// Books counts what became of the records that one definition was shown. It balances: Observed is the sum of the
// others.
type Books struct {
	Observed    uint64 // records of the kinds that the definition is fed from
	Counted     uint64
	Filtered    uint64 // the filter was false
	NullKey     uint64 // a key was null
	NullValue   uint64 // the value or one of the values was null, or a rate would have become negative
	KeyTooLong  uint64 // the encoded key is longer than Limits.KeyBytes
	SourcesFull uint64 // no room for another source or pool
	KeysFull    uint64 // no room for another flow
}

// Add adds o to b.
func (b *Books) Add(o Books) {
	b.Observed += o.Observed
	b.Counted += o.Counted
	b.Filtered += o.Filtered
	b.NullKey += o.NullKey
	b.NullValue += o.NullValue
	b.KeyTooLong += o.KeyTooLong
	b.SourcesFull += o.SourcesFull
	b.KeysFull += o.KeysFull
}

// Difference returns Observed minus everything that it should be the sum of: 0, or there is a bug.
func (b *Books) Difference() int64 {
	ignored := b.Filtered + b.NullKey + b.NullValue + b.KeyTooLong + b.SourcesFull + b.KeysFull
	return int64(b.Observed - b.Counted - ignored)
}
