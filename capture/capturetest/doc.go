// Package capturetest finds the reference captures for the tests of other packages and reads capture files for them.
// The references are real captures with what other decoders say of them; they are not part of the repository. A test
// that needs them is skipped when their folder is absent; once the folder is there, what it lacks is a failure.
//
// It is for tests only: no program imports it. It does not judge what it reads.
//
// Memory: what [Frames] and [Datagrams] yield is borrowed, as package capture has it, and lives until the next one;
// [Payloads] returns copies.
package capturetest
