package parquet

import (
	"testing"

	"weir/store"
	"weir/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(dir string) (store.Store, error) { return Open(dir, testConfig()) })
}
