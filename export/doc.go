// Package export sends the logged flows of definitions that name ipfixCollectors as IPFIX (RFC 7011) over UDP: one
// data record for each finished flow and collector, with the templates that explain them.
//
// It is not for deciding which flows are logged, or with which keys (package flow does that, and refuses what IPFIX
// has no elements for), nor for the form of messages on the wire (package wire/netflow), nor for keeping what a
// collector did not take: UDP tells nobody, and what does not fit the queue is dropped and counted.
//
// Memory: an [Exporter] reads harvests and changes nothing in them. Messages are copied into the queue of their
// collector and belong to the goroutine that sends them. Queues, collectors and templates are bounded by [Config] and
// by the number of definitions.
package export
