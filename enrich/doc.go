// Package enrich knows who an address, a port or a MAC is: named groups of prefixes, maps of labels, the topology of
// nodes and links, names learned from telemetry (host_descr, port_name, host_adapters), where hosts are plugged in,
// answers of the reverse DNS, and vendors of MAC addresses. The flow language reaches it through the key functions
// group, map, country, asn, oui, host, dns, node, ifname and link, and the attributes sourcegroup, destinationgroup.
//
// It is not for decoding, counting, or asking the network: the names behind addresses are asked by package resolve
// and handed in with [World.WithAnswers]; country and AS databases do not exist yet, so country and asn are null.
//
// Memory: a [World] is an immutable snapshot that any number of goroutines may read; every With method returns a new
// one that shares what did not change. A [Lane] belongs to one goroutine. Values that a key function gives borrow from
// the World or from the function's scratch, until it runs again. Slices that a World's query returns belong to the
// caller.
package enrich
