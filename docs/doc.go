// Package docs has no code. Its test keeps the pages beside it honest: examples of configuration are read, metric names
// and settings are compared with the tables, links are followed, and every dependency must have its line.
//
//	go test ./docs -update
//
// writes the generated parts of metrics.md and configuration.md anew.
package docs
