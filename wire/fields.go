package wire

import "weir/schema"

// FieldGroup is one part of the reference of attributes.
type FieldGroup struct {
	Name   string         // heading, as in "IPv4"
	Doc    string         // what the group is about, one or two sentences
	Fields []schema.Field // in the order of the reference
}

// FieldGroups returns every attribute that the wire knows, by group. Some fields render text into scratch of their own,
// which is made anew by each call: what one call returns is for one goroutine.
func FieldGroups() []FieldGroup {
	return []FieldGroup{
		{"Observation", "Who saw the traffic, where, and how it was counted.", observationFields()},
		{"Discards and queues", "What exporters tell about drops and delay beside the packet.", delayFields()},
		{"Link layer", "Ethernet, VLAN tags, MPLS labels and ARP.", linkFields()},
		{"Stack", "Which protocols there are, from outside in, and where each header begins.", stackFields()},
		{"IPv4", "Fields of the IPv4 header.", ip4Fields()},
		{"IPv6", "Fields of the IPv6 header and its extension headers.", ip6Fields()},
		{"Transport", "TCP, UDP and SCTP.", transportFields()},
		{"ICMP", "ICMP, ICMPv6, and what an ICMP error says was not reachable.", icmpFields()},
		{"DNS", "The first DNS message of a packet.", dnsFields()},
		{"RoCE", "The InfiniBand base transport header of RoCEv2, over UDP port 4791.", roceFields()},
		{"Tunnels", "Tunnel headers in the packet, and those that the exporter took off or will put on.",
			tunnelFields()},
		{"Routing", "What the router knew of the way: next hops, prefixes, BGP.", routingFields()},
		{"Host TCP", "The state of a host's own TCP connection, from agents on hosts; times are microseconds.",
			hostFields()},
		{"Transactions", "One operation of an application: HTTP requests, memcache and others. " +
			"These samples are no packets.", transactionFields()},
	}
}

// Fields returns every attribute that a record can be asked for by name (spec sflow-rt section 2), in the order of
// FieldGroups; see there for how they may be shared. Information elements by number are found by DynamicField.
func Fields() []schema.Field {
	var all []schema.Field
	for _, g := range FieldGroups() {
		all = append(all, g.Fields...)
	}
	return all
}

// anyAddress is the type of fields whose address may be of either family: it depends on the record.
const anyAddress = schema.Null

// reader is what a schema.Field reads with.
type reader = func(r *schema.Record, nth int, out *schema.Value)

// finder finds a whole number in a record: that of the nth occurrence.
type finder = func(r *schema.Record, nth int) (n uint64, ok bool)

// slicer finds bytes in a record: those of the nth occurrence, nil when there are none. They borrow from the record.
type slicer = func(r *schema.Record, nth int) []byte

// single makes a field that a record has once.
func single(name string, t schema.Type, doc string, read reader) schema.Field {
	return schema.Field{Name: name, Type: t, Doc: doc, Read: read}
}

// nested makes a field of a header that may occur again further in.
func nested(name string, t schema.Type, doc string, read reader) schema.Field {
	return schema.Field{Name: name, Type: t, Nested: true, Doc: doc, Read: read}
}

func uintOf(find finder) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if n, ok := find(r, nth); ok {
			out.SetUint(n)
		}
	}
}

func boolOf(find finder) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if n, ok := find(r, nth); ok {
			out.SetBool(n != 0)
		}
	}
}

func bitsOf(width uint8, find finder) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if n, ok := find(r, nth); ok {
			out.SetBits(n, width)
		}
	}
}

func addressOf(find slicer) reader {
	return func(r *schema.Record, nth int, out *schema.Value) { out.SetIP(find(r, nth)) }
}

func macOf(find slicer) reader {
	return func(r *schema.Record, nth int, out *schema.Value) { out.SetMAC(find(r, nth)) }
}

// textIn reads text that stands in the record; text that is empty was not told.
func textIn(find slicer) reader {
	return func(r *schema.Record, nth int, out *schema.Value) {
		if b := find(r, nth); len(b) > 0 {
			out.SetText(b)
		}
	}
}

// textOf reads text that must be rendered: render appends it to b; when it appends nothing there is none.
func textOf(render func(b []byte, r *schema.Record, nth int) []byte) reader {
	var scratch []byte
	return func(r *schema.Record, nth int, out *schema.Value) {
		b := render(scratch[:0], r, nth)
		if len(b) == 0 {
			return
		}
		scratch = b
		out.SetText(b)
	}
}
