package storetest

import (
	"testing"

	"weir/store"
)

func TestMemory(t *testing.T) {
	stores := map[string]*Memory{}
	Run(t, func(dir string) (store.Store, error) {
		if stores[dir] == nil {
			stores[dir] = NewMemory()
		}
		stores[dir].Crash() // what was closed was flushed
		return stores[dir], nil
	})
}
