package store

import (
	"encoding/binary"
	"hash/crc32"
)

// FixHeader makes the checksum of a segment's header right.
func FixHeader(segment []byte) {
	binary.LittleEndian.PutUint32(segment[headerBytes-4:], crc32.Checksum(segment[:headerBytes-4], castagnoli))
}
