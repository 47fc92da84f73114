// Package web is the console: the pages that a browser shows, and the handler that serves them.
//
// The pages (TypeScript and Svelte, in src) are built by Vite into dist, which is not committed; whatever is in dist
// when the Go compiler runs is embedded in the binary. Without dist the package still compiles and serves one page
// that says how to build the console.
//
// It is not for answers: the pages use the public REST interface of room api and nothing else. It imports no other
// room. Memory: the embedded files belong to the binary and are never written; a Handler keeps nothing per request.
package web
