// Package api is the door for people and programs over HTTP: the native REST under /api/v1, the live stream, health,
// metrics, the OpenAPI document and the reference page, and the server that also shows the console and mounts faces.
//
// One table of routes ([Routes]) builds the mux, the reference page, docs/rest.md and the OpenAPI document; a test
// calls every example in it. The API holds no state of traffic: every answer is read from the engine's published View
// and says which tick it is of. What it does hold is small and bounded: where definitions came from, and the counters
// of exporters some seconds ago, from which it tells their rates.
//
// It is not for other tools' paths and formats (faces), for counting (the pure rooms), or for deciding what runs
// (cmd/weir). It must not import a face; cmd/weir hands faces over in [Options].
//
// Memory: a Server may be used from any goroutine. Views are shared and never changed; answers are made anew for each
// request. A frame of the stream is rendered once for all who asked for the same and shared, never changed.
package api
