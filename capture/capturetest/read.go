package capturetest

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"testing"

	"weir/capture"
)

// Frames yields every frame of the capture file at path. A file that cannot be opened or is damaged fails the test.
func Frames(t testing.TB, path string) iter.Seq[*capture.Frame] {
	return func(yield func(*capture.Frame) bool) {
		t.Helper()
		file, err := capture.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for frame := (capture.Frame{}); ; {
			if err := file.Next(&frame); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			if !yield(&frame) {
				return
			}
		}
	}
}

// Datagrams yields every UDP datagram of the capture file at path, put together where it came in fragments. It fails
// the test like [Frames].
func Datagrams(t testing.TB, path string) iter.Seq[*capture.Datagram] {
	return func(yield func(*capture.Datagram) bool) {
		t.Helper()
		extractor := capture.NewExtractor(capture.FragmentLimits{})
		var d capture.Datagram
		for frame := range Frames(t, path) {
			if extractor.Extract(frame, &d) && !yield(&d) {
				return
			}
		}
	}
}

// Payloads returns copies of what the datagrams of [Datagrams] carry.
func Payloads(t testing.TB, path string) (list [][]byte) {
	t.Helper()
	for d := range Datagrams(t, path) {
		list = append(list, bytes.Clone(d.Payload))
	}
	return list
}
