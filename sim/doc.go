// Package sim is a network that does not exist: switches in a fabric, servers and desks, an internet beyond two border
// routers, with web and database and name service traffic, IPv6, VLANs, VXLAN tunnels, a scan, and a flood now and
// then. Its exporters send what real ones send: sFlow version 5, NetFlow version 5 and 9, and IPFIX datagrams, with
// counters, templates and sampling as the standards say, and with faults when they are asked for.
//
// [Network] makes the datagrams, [Oracle] knows the truth: it counts everything, keeps everything, and answers by
// plain sums in the slowest and plainest way there is. The demo shows the network, tests hold the engine against the
// oracle, and measurements take their load from here.
//
// It is not for sending (whoever runs the network paces and sends what it emits), and nothing of it is taken from a
// real network: all addresses are from the ranges that RFC 5737 and RFC 3849 set aside for documentation.
//
// The same seed and options give the same bytes. Time is simulated: nothing here looks at a clock. A Network is used by
// one goroutine at a time. Memory: what an emit function is given belongs to the network and lives until it returns.
package sim
