package enrich

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"weir/schema"
)

// trie is a persistent map of addresses: put and drop return a changed copy that shares all but a path with the old
// one, so that a World with a hundred thousand answers takes ten more without copying the rest. The zero trie is
// empty.
type trie[V any] struct{ table *bart.Table[V] }

func hostPrefix(a schema.Addr) netip.Prefix {
	n := a.Netip()
	return netip.PrefixFrom(n, n.BitLen())
}

func (t trie[V]) get(a schema.Addr) (v V, ok bool) {
	if t.table == nil || a.IsZero() {
		return v, false
	}
	return t.table.Lookup(a.Netip())
}

func (t trie[V]) put(a schema.Addr, v V) trie[V] {
	if a.IsZero() {
		return t
	}
	table := t.table
	if table == nil {
		table = new(bart.Table[V])
	}
	return trie[V]{table.InsertPersist(hostPrefix(a), v)}
}

func (t trie[V]) drop(a schema.Addr) trie[V] {
	if t.table == nil || a.IsZero() {
		return t
	}
	return trie[V]{t.table.DeletePersist(hostPrefix(a))}
}

func (t trie[V]) size() int {
	if t.table == nil {
		return 0
	}
	return t.table.Size()
}

// each calls yield in the order of the addresses until it returns false.
func (t trie[V]) each(yield func(a schema.Addr, v V) bool) {
	if t.table == nil {
		return
	}
	for p, v := range t.table.AllSorted() {
		if !yield(schema.AddrOf(p.Addr()), v) {
			return
		}
	}
}

// under calls yield for the entries whose first bits are those of a, in order, until it returns false. a must not be
// IPv4.
func (t trie[V]) under(a schema.Addr, bits int, yield func(v V) bool) {
	if t.table == nil {
		return
	}
	for _, v := range t.table.Subnets(netip.PrefixFrom(a.Netip(), bits).Masked()) {
		if !yield(v) {
			return
		}
	}
}
