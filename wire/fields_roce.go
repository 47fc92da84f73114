package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/packet"
)

// Operations of the base transport header (InfiniBand architecture specification volume 1, section 9.2): the low five
// bits of the opcode.
const (
	ibWriteFirst   = 6
	ibWriteOnly    = 10
	ibWriteOnlyImm = 11
	ibReadRequest  = 12
	ibReadFirst    = 13
	ibReadLast     = 15
	ibReadOnly     = 16
	ibAcknowledge  = 17
	ibAtomicAnswer = 18
)

// Transports: the high three bits of the opcode.
const (
	ibReliable     = 0
	ibUnreliable   = 1
	ibReliableData = 2 // reliable datagrams
	ibExtended     = 5
)

// ibCongestion is the whole opcode of a RoCEv2 congestion notification packet.
const ibCongestion = 0x81

// Sizes in bytes of the base transport header, and of the extended headers that may stand before the one that is looked
// for: of reliable datagrams, of datagrams, and of the extended reliable connection.
const (
	ibHeader = 12
	ibRDETH  = 4
	ibDETH   = 8
	ibXRCETH = 4
)

// ibTransports and ibOperations name the parts of an opcode.
var (
	ibTransports = [8]string{"RC", "UC", "RD", "UD", "CNP", "XRC"}
	ibOperations = [32]string{"SEND_FIRST", "SEND_MIDDLE", "SEND_LAST", "SEND_LAST_IMM", "SEND_ONLY", "SEND_ONLY_IMM",
		"RDMA_WRITE_FIRST", "RDMA_WRITE_MIDDLE", "RDMA_WRITE_LAST", "RDMA_WRITE_LAST_IMM", "RDMA_WRITE_ONLY",
		"RDMA_WRITE_ONLY_IMM", "RDMA_READ_REQUEST", "RDMA_READ_RESPONSE_FIRST", "RDMA_READ_RESPONSE_MIDDLE",
		"RDMA_READ_RESPONSE_LAST", "RDMA_READ_RESPONSE_ONLY", "ACKNOWLEDGE", "ATOMIC_ACKNOWLEDGE", "COMPARE_SWAP",
		"FETCH_ADD", "RESYNC", "SEND_LAST_INVALIDATE", "SEND_ONLY_INVALIDATE"}
)

// roceFields are those of the base transport header and of the headers behind it (spec sflow-rt 2.4).
func roceFields() []schema.Field {
	opcode := either(inHeader(schema.LayerIBBT, 0, 1), cut(word(1033, 2), 0, 8))
	queue := uintOf(either(cut(inHeader(schema.LayerIBBT, 4, 4), 0, 24), cut(word(1033, 1), 0, 24)))
	bit := func(off int, shift uint) reader { return boolOf(cut(inHeader(schema.LayerIBBT, off, 1), shift, 1)) }
	return []schema.Field{
		nested("ibbtopcode", schema.Uint, "opcode; 129 is a congestion notification", uintOf(opcode)),
		nested("ibbtopname", schema.Text, "name of the operation, as in RDMA_WRITE_ONLY or CNP",
			textOf(func(b []byte, r *schema.Record, nth int) []byte {
				n, ok := opcode(r, nth)
				switch name := ibOperations[n&31]; {
				case !ok:
					return b
				case n == ibCongestion:
					return append(b, "CNP"...)
				case name != "":
					return append(b, name...)
				}
				return strconv.AppendUint(b, n&31, 10)
			})),
		nested("ibbtoptransport", schema.Text, "transport service of the opcode: RC, UC, RD, UD, XRC or CNP",
			textOf(func(b []byte, r *schema.Record, nth int) []byte {
				n, ok := opcode(r, nth)
				switch name := ibTransports[n>>5&7]; {
				case !ok:
					return b
				case name != "":
					return append(b, name...)
				}
				return strconv.AppendUint(b, n>>5, 10)
			})),
		nested("ibbttver", schema.Uint, "version of the transport header",
			uintOf(cut(inHeader(schema.LayerIBBT, 1, 1), 0, 4))),
		nested("ibbtse", schema.Bool, "solicited event bit", bit(1, 7)),
		nested("ibbtm", schema.Bool, "migration bit", bit(1, 6)),
		nested("ibbtpkey", schema.Uint, "partition key",
			uintOf(either(inHeader(schema.LayerIBBT, 2, 2), word(1033, 0)))),
		nested("ibbtdestinationqp", schema.Uint, "destination queue pair", queue),
		nested("ibbtdestqp", schema.Uint, "destination queue pair; older name of ibbtdestinationqp", queue),
		nested("ibbtack", schema.Bool, "the sender asks for an acknowledgement", bit(8, 7)),
		nested("ibbtpsn", schema.Uint, "packet sequence number", uintOf(cut(inHeader(schema.LayerIBBT, 8, 4), 0, 24))),
		nested("ibbtrdmalen", schema.Uint, "bytes that an RDMA write or read request is about", uintOf(rdmaLength)),
		nested("ibbtaethack", schema.Bool, "the answer is a positive acknowledgement; false for a negative one",
			boolOf(aethAck)),
	}
}

// behindIBBT returns the opcode of the nth base transport header and the captured bytes behind it.
func behindIBBT(r *schema.Record, nth int) (opcode byte, rest []byte) {
	i := layerIndex(r, schema.LayerIBBT, nth)
	if i < 0 {
		return 0, nil
	}
	b := packet.Bytes(&r.Layers.Layers[i], r.Header)
	if len(b) < ibHeader {
		return 0, nil
	}
	return b[0], r.Header[int(r.Layers.Layers[i].Off)+ibHeader:]
}

// rdmaLength finds the length in the RDMA extended transport header (RETH: address 8 bytes, key 4, length 4).
func rdmaLength(r *schema.Record, nth int) (uint64, bool) {
	opcode, rest := behindIBBT(r, nth)
	switch opcode & 31 {
	case ibWriteFirst, ibWriteOnly, ibWriteOnlyImm, ibReadRequest:
	default:
		return 0, false
	}
	before := 0
	switch opcode >> 5 {
	case ibReliable, ibUnreliable:
	case ibReliableData:
		before = ibRDETH + ibDETH
	case ibExtended:
		before = ibXRCETH
	default:
		return 0, false
	}
	return bigEndian(part(rest, before+12, 4))
}

// aethAck finds whether the acknowledge extended transport header (AETH) says yes: bits 6 and 5 of its first byte are 0
// for an acknowledgement, 1 for "receiver not ready", 3 for a negative one.
func aethAck(r *schema.Record, nth int) (uint64, bool) {
	opcode, rest := behindIBBT(r, nth)
	switch opcode & 31 {
	case ibReadFirst, ibReadLast, ibReadOnly, ibAcknowledge, ibAtomicAnswer:
	default:
		return 0, false
	}
	before := 0
	switch opcode >> 5 {
	case ibReliable, ibExtended:
	case ibReliableData:
		before = ibRDETH
	default:
		return 0, false
	}
	n, ok := bigEndian(part(rest, before, 1))
	if n>>5&3 == 0 {
		return 1, ok
	}
	return 0, ok
}
