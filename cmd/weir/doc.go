// Command weir collects sFlow, NetFlow, IPFIX and packets and answers what the network is doing now.
//
// serve.go is the table of contents of the house: it opens every room, starts them from sink to source and stops them
// from source to sink. The other commands use the same rooms without the network. Nothing about traffic is decided
// here.
package main
