package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/sflow"
)

// observationFields are about the observation itself (spec sflow-rt 2.1).
func observationFields() []schema.Field {
	return []schema.Field{
		single("agent", anyAddress, "address of the exporter; for sFlow the one that the agent says it has",
			func(r *schema.Record, _ int, out *schema.Value) { setAddr(out, &r.Source.Exporter) }),
		single("datasource", schema.Text, "datasource that saw the traffic: an ifIndex, or class and index as in 2.1",
			textOf(func(b []byte, r *schema.Record, _ int) []byte { return r.Source.AppendDatasource(b) })),
		single("inputifindex", schema.Text,
			"interface that the traffic came in by: ifIndex, internal, or 0 when not told",
			textOf(func(b []byte, r *schema.Record, _ int) []byte { return appendPort(b, r.In) })),
		single("outputifindex", schema.Text,
			"interface that the traffic left by: an ifIndex, internal, discard, multiple, or 0 when not told",
			textOf(func(b []byte, r *schema.Record, _ int) []byte { return appendPort(b, r.Out) })),
		single("direction", schema.Text, "side of the datasource that saw the traffic: ingress or egress",
			textOf(appendDirection)),
		single("samplingrate", schema.Uint, "one in so many packets, flows or transactions was seen",
			uintOf(ofRecord(func(r *schema.Record) uint64 { return uint64(max(r.Rate, 1)) }))),
		single("bytes", schema.Uint,
			"length of the frame; of a flow record the layer 3 bytes; of a transaction request and response, bytes",
			uintOf(bytesOf)),
		single("frames", schema.Uint, "1 for a packet, the number of packets for a flow record, null for a transaction",
			uintOf(framesOf)),
		single("requests", schema.Uint, "1 for an ARP or DNS message and for a transaction, to count them",
			uintOf(requestsOf)),
		single("stripped", schema.Uint, "bytes that the exporter removed from the end of the frame, such as the FCS",
			uintOf(func(r *schema.Record, _ int) (uint64, bool) { return uint64(r.Stripped), r.Layers != nil })),
	}
}

// setAddr makes out the address in a, null when it is not known. It borrows from a.
func setAddr(out *schema.Value, a *schema.Addr) {
	switch {
	case a.IsZero():
	case a.Is4():
		out.SetIP(a[12:])
	default:
		out.SetIP(a[:])
	}
}

// appendPort appends an interface in the words of the flow language.
func appendPort(b []byte, p schema.Port) []byte {
	switch {
	case p.Format == schema.PortDropped:
		return append(b, "discard"...)
	case p.Format == schema.PortMultiple:
		return append(b, "multiple"...)
	case p.Format != schema.PortIndex:
		return append(b, "unknown"...)
	case p.Value == schema.PortInternal:
		return append(b, "internal"...)
	}
	return strconv.AppendUint(b, uint64(p.Value), 10)
}

func appendDirection(b []byte, r *schema.Record, _ int) []byte {
	switch r.Direction {
	case schema.Ingress:
		return append(b, "ingress"...)
	case schema.Egress:
		return append(b, "egress"...)
	}
	return b
}

// bytesOf finds the size of the one observed packet, flow or transaction.
func bytesOf(r *schema.Record, _ int) (uint64, bool) {
	switch r.Kind {
	case schema.KindFlowRecord:
		return unscaled(r, r.Bytes), true
	case schema.KindTransaction:
		op, ok := operationOf(r)
		return op.bytes, ok
	}
	return uint64(r.Length), true
}

func framesOf(r *schema.Record, _ int) (uint64, bool) {
	switch r.Kind {
	case schema.KindFlowRecord:
		return unscaled(r, r.Packets), true
	case schema.KindTransaction:
		return 0, false
	}
	return 1, true
}

func requestsOf(r *schema.Record, _ int) (uint64, bool) {
	if r.Kind == schema.KindTransaction {
		return 1, true
	}
	return 1, layerIndex(r, schema.LayerDNS, 0) >= 0 || layerIndex(r, schema.LayerARP, 0) >= 0
}

// delayFields come from the structures 0:1036 to 0:1042 and from discard notifications (wire-formats 1.5 and 1.8).
func delayFields() []schema.Field {
	return []schema.Field{
		single("reason", schema.Text, "why the packet was dropped, as in ttl_exceeded; a number when it has no name",
			textOf(appendReason)),
		single("function", schema.Text, "function of the exporter's software that dropped the packet",
			textIn(structureText(1038, 0))),
		single("hwtrap", schema.Text, "hardware trap that caught the dropped packet, by its Linux devlink name",
			textIn(structureText(1041, 1))),
		single("hwtrapgroup", schema.Text, "group of the hardware trap that caught the dropped packet",
			textIn(structureText(1041, 0))),
		single("linuxreason", schema.Text, "drop reason of the Linux kernel", textIn(structureText(1042, 0))),
		single("queueindex", schema.Uint, "egress queue that the packet went through",
			uintOf(either(word(1036, 0), word(1019, 0)))),
		single("queuedepth", schema.Uint, "bytes that waited in the egress queue", uintOf(word(1040, 0))),
		single("transitdelay", schema.Uint, "time that the packet spent in the exporter, nanoseconds",
			uintOf(word(1039, 0))),
		single("aclnumber", schema.Uint, "number of the access control list that the packet met",
			uintOf(word(1037, 0))),
		single("aclname", schema.Text, "name of the access control list that the packet met", textIn(aclName)),
	}
}

func appendReason(b []byte, r *schema.Record, _ int) []byte {
	code := r.Reason
	switch {
	case r.Out.Format == schema.PortDropped && r.Kind != schema.KindDiscard:
		code = r.Out.Value
	case r.Kind != schema.KindDiscard:
		return b
	}
	if name, ok := sflow.ReasonName(code); ok {
		return append(b, name...)
	}
	return strconv.AppendUint(b, uint64(code), 10)
}

// aclName finds the name in 0:1037, which stands behind the number.
func aclName(r *schema.Record, _ int) []byte {
	body := structure(r, 1037)
	if len(body) < 4 {
		return nil
	}
	name, _ := sflow.Text(body[4:], 0)
	return name
}
