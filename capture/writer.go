package capture

import (
	"encoding/binary"
	"fmt"
	"io"

	"weir/schema"
)

// Writer writes a pcap file with time stamps in nanoseconds. It is used by one goroutine at a time.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes the header of a pcap file of link type link to w and returns the Writer of its records. Each record
// is one call to w, which the caller buffers if that matters.
func NewWriter(w io.Writer, link schema.LinkType) (*Writer, error) {
	b := binary.LittleEndian.AppendUint32(nil, magicNano)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, MaxCaptured)
	b = binary.LittleEndian.AppendUint32(b, uint32(link))
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("capture: write header: %w", err)
	}
	return &Writer{w: w, buf: b[:0]}, nil
}

// Write writes one frame: data are its captured bytes (at most MaxCaptured), length is how many it had on the wire,
// 0 meaning that all were captured. The format keeps times from 1970 to 2106; others are an error.
func (w *Writer) Write(at schema.Instant, data []byte, length uint32) error {
	second, nano := int64(at)/1e9, int64(at)%1e9
	if at < 0 || second > 0xffffffff {
		return fmt.Errorf("capture: write record: time %v is outside the years 1970 to 2106 of the format", at)
	}
	if len(data) > MaxCaptured {
		return fmt.Errorf("capture: write record: %d bytes, at most %d can be kept", len(data), MaxCaptured)
	}
	if length == 0 {
		length = uint32(len(data))
	}
	b := binary.LittleEndian.AppendUint32(w.buf[:0], uint32(second))
	b = binary.LittleEndian.AppendUint32(b, uint32(nano))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, length)
	w.buf = append(b, data...)
	if _, err := w.w.Write(w.buf); err != nil {
		return fmt.Errorf("capture: write record: %w", err)
	}
	return nil
}
