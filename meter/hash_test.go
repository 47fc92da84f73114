package meter

import (
	"encoding/binary"
	"testing"
)

// Keys that differ in little must differ in both halves of the hash: the lower half is the place, the upper one the
// tag.
func TestHashSpreads(t *testing.T) {
	for size := 1; size <= 20; size++ {
		low, high, n := map[uint32]bool{}, map[uint32]bool{}, 0
		for i := range 20000 {
			k := make([]byte, size)
			var number [8]byte
			binary.LittleEndian.PutUint64(number[:], uint64(i))
			copy(k, number[:])
			if size == 1 && i > 255 || size == 2 && i > 65535 {
				break
			}
			h := hashKey(k)
			low[uint32(h)&(1<<20-1)], high[uint32(h>>32)], n = true, true, n+1
		}
		// Random values lose about n/2/2^20 of n places to collisions.
		if lost := n - len(low); lost > n/50 {
			t.Errorf("size %d: %d of %d keys share a place", size, lost, n)
		}
		if lost := n - len(high); lost > 2 {
			t.Errorf("size %d: %d of %d keys share a tag", size, lost, n)
		}
	}
}
