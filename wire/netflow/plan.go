package netflow

import "weir/schema"

// A plan is what a template means: which of its fields are the bytes, the source address, the start, ... It is worked
// out once per template, so that a record costs one step for each field that matters and nothing for the others.

type meaning uint8

const (
	meansBytes meaning = iota
	meansPackets
	meansPostBytes
	meansPostPackets
	meansFlows
	meansReverseBytes
	meansReversePackets
	meansReverseFlags
	meansProto
	meansSrcPort
	meansDstPort
	meansTCPFlags
	meansIPVersion
	meansIn
	meansOut
	meansDirection
	meansTypeAndCode
	meansICMPType
	meansICMPCode
	meansForwarding
	meansSampler
	meansInterval
	meansPacketInterval
	meansPacketSpace
	meansSampleSize
	meansPopulation
	meansStartUptime
	meansEndUptime
	meansStartDelta
	meansEndDelta
	meansMillisLong
	meansMicrosLong
	meansFrameSize
	meansSectionOffset
	meansSectionLength
	meansLinkType
	lastNumber // what is above is a number of 1 to 8 bytes; what is below is bytes
	meansSrc4
	meansDst4
	meansSrc6
	meansDst6
	meansStart
	meansEnd
	meansObserved
	meansSystemInit
	meansEthernetSection
	meansIPSection
	meansPayloadSection
)

// op is one step of a plan: what the field in a slot means; kind is how times are written.
type op struct {
	means meaning
	kind  ElementKind
	slot  uint16
}

// candidate is an element that can be what is meant.
type candidate struct {
	enterprise uint32
	id         uint16
	kind       ElementKind
	means      meaning // when the element itself decides how it is read; otherwise that of the rule
}

type rule struct {
	means meaning
	from  []candidate
}

func el(ids ...uint16) (c []candidate) {
	for _, id := range ids {
		c = append(c, candidate{id: id})
	}
	return c
}

func rev(ids ...uint16) (c []candidate) {
	for _, id := range ids {
		c = append(c, candidate{enterprise: ReverseEnterprise, id: id})
	}
	return c
}

// rules lists what a record can mean, each with the elements that say it, the best first (wire-formats section 4.1).
var rules = []rule{
	{meansBytes, el(1, 85, 352, 23, 231)},
	{meansPackets, el(2, 86, 24, 298)},
	{meansFlows, el(3)},
	{meansReverseBytes, rev(1, 85, 352, 23)},
	{meansReversePackets, rev(2, 86, 24)},
	{meansReverseFlags, rev(6)},
	{meansProto, el(4)},
	{meansSrcPort, el(7, 180, 182)},
	{meansDstPort, el(11, 181, 183)},
	{meansTCPFlags, el(6)},
	{meansIPVersion, el(60)},
	{meansIn, el(10, 252)},
	{meansOut, el(14, 253)},
	{meansDirection, el(61)},
	{meansTypeAndCode, el(32)},
	{meansTypeAndCode, el(139)}, // a combined template has both, and one of them is 0
	{meansICMPType, el(176)},
	{meansICMPType, el(178)},
	{meansICMPCode, el(177)},
	{meansICMPCode, el(179)},
	{meansForwarding, el(89)},
	{meansSampler, el(48, 302)},
	{meansInterval, el(34)},
	{meansInterval, el(50)},
	{meansPacketInterval, el(305)},
	{meansPacketSpace, el(306)},
	{meansSampleSize, el(309)},
	{meansPopulation, el(310)},
	{meansFrameSize, el(312, 103)},
	{meansSectionOffset, el(409, 102)},
	{meansSectionLength, el(410)},
	{meansLinkType, el(408)},
	{meansSrc4, el(8)},
	{meansDst4, el(12)},
	{meansSrc6, el(27)},
	{meansDst6, el(28)},
	{meansSystemInit, []candidate{{id: 160, kind: Millis}}},
	{meansEthernetSection, el(315, 104)},
	{meansIPSection, el(313)},
	{meansPayloadSection, el(314)},
	{meansMillisLong, el(161)},
	{meansMicrosLong, el(162)},
	{meansStart, []candidate{{id: 156, kind: Nanos}, {id: 154, kind: Micros}, {id: 152, kind: Millis},
		{id: 150, kind: Seconds}, {id: 158, means: meansStartDelta}, {id: 22, means: meansStartUptime}}},
	{meansEnd, []candidate{{id: 157, kind: Nanos}, {id: 155, kind: Micros}, {id: 153, kind: Millis},
		{id: 151, kind: Seconds}, {id: 159, means: meansEndDelta}, {id: 21, means: meansEndUptime}}},
	{meansObserved, []candidate{{id: 325, kind: Nanos}, {id: 324, kind: Micros}, {id: 323, kind: Millis},
		{id: 322, kind: Seconds}, {id: 258, kind: Millis}}},
}

// compile works out the slots and the plan of a template whose fields, size and variability are set.
func (t *Template) compile() {
	t.slots = make([]schema.Slot, len(t.Fields))
	off := uint32(0)
	for i, f := range t.Fields {
		t.slots[i] = schema.Slot{Tag: elementTag(f.Enterprise, f.Element), Off: off, Len: uint32(f.Length)}
		if f.Length > 0 {
			t.steps = append(t.steps, uint16(i))
		}
		if !t.Variable { // otherwise each record has offsets of its own, and empty fields stay at 0
			off += uint32(f.Length)
		}
	}
	for _, r := range rules {
		t.choose(r.means, r.from)
	}
	bytes, packets := t.chosen(meansBytes), t.chosen(meansPackets)
	t.total = bytes == 85
	if bytes == 231 {
		t.choose(meansReverseBytes, el(232))
	}
	if packets == 298 {
		t.choose(meansReversePackets, el(299))
	}
	if bytes == 1 && packets == 2 {
		t.choose(meansPostBytes, el(23))
		t.choose(meansPostPackets, el(24))
	}
}

// choose adds the step for the first candidate that the template has; a field of length 0 says nothing (quirk Q4).
func (t *Template) choose(means meaning, from []candidate) {
	for _, c := range from {
		for i, f := range t.Fields {
			if f.Element != c.id || f.Enterprise != c.enterprise || f.Length == 0 {
				continue
			}
			o := op{means: means, kind: c.kind, slot: uint16(i)}
			if c.means != 0 {
				o.means = c.means
			}
			t.plan = append(t.plan, o)
			return
		}
	}
}

// chosen returns the element that was chosen for a meaning, 0 when there is none.
func (t *Template) chosen(m meaning) uint16 {
	for _, o := range t.plan {
		if o.means == m {
			return t.Fields[o.slot].Element
		}
	}
	return 0
}

// raw collects what a record says that needs more than the record to be understood.
type raw struct {
	src4, dst4, src6, dst6 []byte
	postBytes, postPackets uint64
	start, end, observed   schema.Instant
	init                   schema.Instant
	startUptime, endUptime uint32
	startDelta, endDelta   uint64
	duration               uint64 // ns
	section                uint64 // bytes of the section that are not padding, 0 when not sent
	has                    uint16
	icmp                   uint16

	sampler, interval, packets, space, size, population uint64
}

// What raw has.
const (
	rawStartUptime uint16 = 1 << iota
	rawEndUptime
	rawStartDelta
	rawEndDelta
	rawDuration
	rawICMP
)

// interpret reads the fields that matter of the record whose Body and Slots are set.
func interpret(r *Record, w *raw, plan []op) {
	for _, o := range plan {
		s := &r.Slots[o.slot]
		b := r.Body[s.Off : s.Off+s.Len]
		if o.means > lastNumber {
			readBytes(r, w, o, b)
			continue
		}
		n, ok := number(b)
		switch {
		case !ok:
		case o.means <= meansOut:
			readBasics(r, w, o.means, n)
		default:
			readNumber(r, w, o.means, n)
		}
	}
	r.settle(w)
}

func readBasics(r *Record, w *raw, m meaning, n uint64) {
	switch m {
	case meansBytes:
		r.Bytes, r.Has = n, r.Has|HasBytes
	case meansPackets:
		r.Packets, r.Has = n, r.Has|HasPackets
	case meansPostBytes:
		w.postBytes = n
	case meansPostPackets:
		w.postPackets = n
	case meansFlows:
		r.Flows = max(n, 1)
	case meansReverseBytes:
		r.Reverse.Bytes, r.Has = n, r.Has|HasReverse
	case meansReversePackets:
		r.Reverse.Packets, r.Has = n, r.Has|HasReverse
	case meansReverseFlags:
		r.Reverse.TCPFlags = uint8(n)
	case meansProto:
		r.Proto, r.Has = uint8(n), r.Has|HasProto
	case meansSrcPort:
		r.SrcPort, r.Has = uint16(n), r.Has|HasPorts
	case meansDstPort:
		r.DstPort, r.Has = uint16(n), r.Has|HasPorts
	case meansTCPFlags:
		r.TCPFlags = uint8(n)
	case meansIPVersion:
		if n == 4 || n == 6 {
			r.IPv = uint8(n)
		}
	case meansIn:
		r.In = uint32(n)
	case meansOut:
		r.Out = uint32(n)
	}
}

func readNumber(r *Record, w *raw, m meaning, n uint64) {
	switch m {
	case meansDirection:
		if n <= 1 {
			r.Direction = schema.Ingress + schema.Direction(n)
		}
	case meansTypeAndCode:
		if n != 0 { // 0 may mean that only the destination port holds them
			w.icmp, w.has = uint16(n), w.has|rawICMP
		}
	case meansICMPType:
		w.icmp, w.has = w.icmp|uint16(n)<<8, w.has|rawICMP
	case meansICMPCode:
		w.icmp, w.has = w.icmp|uint16(n)&0xff, w.has|rawICMP
	case meansForwarding:
		r.Forwarding, r.Has = uint8(n), r.Has|HasStatus
	case meansSampler:
		w.sampler = n
	case meansInterval:
		w.interval = max(w.interval, n)
	case meansPacketInterval:
		w.packets = n
	case meansPacketSpace:
		w.space = n
	case meansSampleSize:
		w.size = n
	case meansPopulation:
		w.population = n
	case meansStartUptime:
		w.startUptime, w.has = uint32(n), w.has|rawStartUptime
	case meansEndUptime:
		w.endUptime, w.has = uint32(n), w.has|rawEndUptime
	case meansStartDelta:
		w.startDelta, w.has = n, w.has|rawStartDelta
	case meansEndDelta:
		w.endDelta, w.has = n, w.has|rawEndDelta
	case meansMillisLong:
		w.duration, w.has = min(n, maxMillis)*1e6, w.has|rawDuration
	case meansMicrosLong:
		w.duration, w.has = min(n, maxMillis*1e3)*1e3, w.has|rawDuration
	case meansFrameSize:
		r.Section.Size = uint32(n)
	case meansSectionOffset:
		r.Section.Offset = uint32(n)
	case meansSectionLength:
		w.section = n
	case meansLinkType:
		if n == 2 { // RFC 7133: 1 Ethernet, 2 802.11
			r.Section.Link = schema.Link80211
		}
	}
}

// maxMillis bounds durations and deltas: what is longer than some 34 years is no duration of a flow.
const maxMillis = 1 << 40

func readBytes(r *Record, w *raw, o op, b []byte) {
	switch o.means {
	case meansSrc4:
		w.src4 = b
	case meansDst4:
		w.dst4 = b
	case meansSrc6:
		w.src6 = b
	case meansDst6:
		w.dst6 = b
	case meansStart:
		w.start, _ = instant(o.kind, b)
	case meansEnd:
		w.end, _ = instant(o.kind, b)
	case meansObserved:
		w.observed, _ = instant(o.kind, b)
	case meansSystemInit:
		w.init, _ = instant(o.kind, b)
	case meansEthernetSection, meansIPSection, meansPayloadSection:
		r.setSection(o.means, b)
	}
}

func (r *Record) setSection(m meaning, b []byte) {
	if len(b) == 0 || r.Has&HasSection != 0 {
		return
	}
	r.Section.Data, r.Has = b, r.Has|HasSection
	switch m {
	case meansIPSection:
		r.Section.Link = schema.LinkRaw
	case meansPayloadSection:
		r.Section.Link = schema.LinkUnknown
	default:
		if r.Section.Link != schema.Link80211 {
			r.Section.Link = schema.LinkEthernet
		}
	}
}

// settle decides what only all fields together can say.
func (r *Record) settle(w *raw) {
	r.setAddresses(w)
	if w.section > 0 && w.section < uint64(len(r.Section.Data)) {
		r.Section.Data = r.Section.Data[:w.section]
	}
	if r.Bytes == 0 && r.Packets == 0 && w.postPackets > 0 {
		// The cache counted on the way out only: in and out counters are two views of the same packets.
		r.Bytes, r.Packets = w.postBytes, w.postPackets
	}
	if r.Has&HasProto == 0 || r.Proto != 1 && r.Proto != 58 {
		return
	}
	switch {
	case w.has&rawICMP != 0:
		r.ICMPType, r.ICMPCode, r.Has = uint8(w.icmp>>8), uint8(w.icmp), r.Has|HasICMP
	case r.Has&HasPorts != 0:
		r.ICMPType, r.ICMPCode, r.Has = uint8(r.DstPort>>8), uint8(r.DstPort), r.Has|HasICMP
	}
}

// setAddresses takes the pair of addresses that is not all zero when a combined template has both (quirk Q17).
func (r *Record) setAddresses(w *raw) {
	src, dst := w.src4, w.dst4
	v4, v6 := src != nil || dst != nil, w.src6 != nil || w.dst6 != nil
	if v6 && (!v4 || allZero(src) && allZero(dst) && !(allZero(w.src6) && allZero(w.dst6))) {
		src, dst = w.src6, w.dst6
	}
	if len(src) == 4 || len(src) == 16 {
		r.Src, r.Has = schema.AddrFrom(src), r.Has|HasSrc
		r.setVersion(len(src))
	}
	if len(dst) == 4 || len(dst) == 16 {
		r.Dst, r.Has = schema.AddrFrom(dst), r.Has|HasDst
		r.setVersion(len(dst))
	}
}

func (r *Record) setVersion(addressBytes int) {
	if addressBytes == 4 {
		r.IPv = 4
	} else {
		r.IPv = 6
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
