package meter

import (
	"encoding/binary"
	"math/bits"
)

// Odd numbers with about as many ones as zeros, as multipliers.
const (
	mixA = 0x9e3779b97f4a7c15
	mixB = 0xbf58476d1ce4e5b9
)

// hashKey hashes a binary key: the same everywhere and always, since lanes and restarts must agree on it. It folds the
// 128-bit product of what is there so far and the next eight bytes.
func hashKey(k []byte) uint64 {
	h := uint64(len(k))*mixA + mixB
	for len(k) >= 8 {
		h = fold64(h^binary.LittleEndian.Uint64(k), mixA)
		k = k[8:]
	}
	if len(k) >= 4 {
		h = fold64(h^uint64(binary.LittleEndian.Uint32(k)), mixB)
		k = k[4:]
	}
	if len(k) > 0 {
		var tail uint64
		for i, c := range k {
			tail |= uint64(c) << (8 * i)
		}
		h = fold64(h^tail, mixA)
	}
	return fold64(h, mixB)
}

func fold64(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// ItemHash hashes the binary key of an item for Page.Unique.
func ItemHash(item []byte) uint64 {
	h := hashKey(item)
	// The low bits choose the sample when a set is full, so they must be as good as the high ones.
	h = (h ^ h>>31) * mixB
	return h ^ h>>29
}
