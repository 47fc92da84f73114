package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/packet"
)

// dnsFields are those of the first DNS message of a packet (RFC 1035; spec sflow-rt 2.4).
func dnsFields() []schema.Field {
	return []schema.Field{
		single("dnsqname", schema.Text, "name that the first question asks for, with a dot at its end",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				q, _ := question(b, r)
				return q.Name
			})),
		single("dnsqtype", schema.Uint, "type of record that the first question asks for: 1 is A, 28 is AAAA",
			ofQuestion(func(q *packet.Question, out *schema.Value) { out.SetUint(uint64(q.Type)) })),
		single("dnsqtypename", schema.Text, "name of the type that the first question asks for, as in AAAA",
			dnsTypeName()),
		single("dnsqclass", schema.Uint, "class that the first question asks for: 1 is IN",
			ofQuestion(func(q *packet.Question, out *schema.Value) { out.SetUint(uint64(q.Class)) })),
		single("dnsqr", schema.Bool, "the DNS message is a response", boolOf(cut(dnsFlags, 15, 1))),
		single("dnsrcode", schema.Uint, "code of a DNS response: 0 no error, 3 no such name",
			uintOf(func(r *schema.Record, nth int) (uint64, bool) {
				n, ok := dnsFlags(r, nth)
				return n & 15, ok && n>>15 != 0
			})),
	}
}

func dnsFlags(r *schema.Record, _ int) (uint64, bool) {
	if r.Layers == nil {
		return 0, false
	}
	return bigEndian(part(packet.Message(r.Layers, r.Header), 2, 2))
}

// question reads the first question; its name is appended to b.
func question(b []byte, r *schema.Record) (q packet.Question, ok bool) {
	if r.Layers == nil || r.Layers.DNSQuestion == 0 {
		return q, false
	}
	return packet.FirstQuestion(b, r.Layers, r.Header)
}

// ofQuestion reads a value of the first question.
func ofQuestion(read func(q *packet.Question, out *schema.Value)) reader {
	var scratch []byte
	return func(r *schema.Record, _ int, out *schema.Value) {
		if q, ok := question(scratch[:0], r); ok {
			scratch = q.Name
			read(&q, out)
		}
	}
}

// dnsTypeName reads the name of the type; types without a name are written as RFC 3597 section 5 says.
func dnsTypeName() reader {
	var name []byte
	return textOf(func(b []byte, r *schema.Record, _ int) []byte {
		q, ok := question(name[:0], r)
		if !ok {
			return b
		}
		name = q.Name
		if text := dnsTypes[q.Type]; text != "" {
			return append(b, text...)
		}
		return strconv.AppendUint(append(b, "TYPE"...), uint64(q.Type), 10)
	})
}

// dnsTypes are the types of the IANA registry that are in use.
var dnsTypes = map[uint16]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX",
	16: "TXT", 17: "RP", 18: "AFSDB", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 36: "KX",
	37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG",
	47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP",
	59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF",
	108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA"}
