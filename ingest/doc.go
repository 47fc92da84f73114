// Package ingest is the way in: UDP sockets, live capture and capture files become parcels of datagrams for the
// engine's lanes, and the pacer or the file's own clock become its ticks.
//
// It decides nothing about traffic: it looks at a datagram only to tell its exporter, which chooses the lane. A live
// socket never waits for the engine (a parcel that a full lane refuses is counted and dropped); a replay always waits
// and so loses nothing.
//
// Memory: parcels come from the engine and go back to it with Offer or Put. The buffers of a socket are its own.
package ingest
