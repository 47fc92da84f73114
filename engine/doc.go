// Package engine drives the pure rooms: it is the only one that knows lanes, ticks and the merge.
//
// Each lane is one goroutine that owns all state of its exporters: decoder, flow table, metric table, thresholds. Ticks
// travel the same road as the data. At a tick every lane hands over what it finished, one merger joins the parts into
// a View that never changes once published, and hands a Harvest to whoever follows. Definitions, groups, maps and
// thresholds ride on ticks, so that all lanes change at the same point of the stream.
//
// It is not for decoding or counting (the pure rooms do that), nor for sockets and files (ingest), nor for anybody's
// names and formats (api, face).
//
// Memory: parcels belong to the engine from Offer or Put on. A View, a State and a Harvest are shared and never
// change; nobody may write to them.
package engine
