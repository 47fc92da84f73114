package enrich

import (
	"encoding/binary"

	"weir/schema"
)

// maxLearnedText bounds a name or attribute from telemetry, bytes; longer ones are cut.
const maxLearnedText = 255

// lessons is what a lane learned since the last tick. The maps say where in the lists something is, so that saying it
// again between two ticks costs nothing.
type lessons struct {
	next      Learned
	owners    map[schema.Source]int
	ports     map[portKey]int
	adapters  map[Adapter]struct{}
	sightings map[Sighting]int // with At zero
}

func newLessons() lessons {
	return lessons{
		owners: map[schema.Source]int{}, ports: map[portKey]int{}, adapters: map[Adapter]struct{}{},
		sightings: map[Sighting]int{},
	}
}

// Learned returns what the lane learned since the last call, nil when that is nothing. It belongs to the caller, who
// gives it to World.WithLearned.
func (l *Lane) Learned() *Learned {
	if l.learn.next.Empty() {
		return nil
	}
	out := l.learn.next
	l.learn.next = Learned{}
	clear(l.learn.owners)
	clear(l.learn.ports)
	clear(l.learn.adapters)
	clear(l.learn.sightings)
	return &out
}

// Reading learns from the labels of a counter sample: ifname of an interface, host_name, uuid, machine_type, os_name
// and os_release of a host, with or without the prefix vir_ of a virtual one. What the World knows already costs a
// comparison.
func (l *Lane) Reading(rd *schema.Reading) {
	switch rd.Source.Class {
	case classInterface:
		for i := range rd.Values {
			if m := &rd.Values[i]; m.Kind == schema.Label && m.Name == "ifname" {
				l.PortLabel(rd.Source.Exporter, rd.Source.Index, m.Text)
			}
		}
	case classHost, classVirtual:
		l.owner(rd)
	}
}

// PortLabel learns what an exporter calls one of its interfaces. text is copied.
func (l *Lane) PortLabel(agent schema.Addr, index uint32, text []byte) {
	text = text[:min(len(text), maxLearnedText)]
	if index == 0 || len(text) == 0 || agent.IsZero() {
		return
	}
	key := portKey{agent, index}
	i, pending := l.learn.ports[key]
	known := l.world.PortLabel(agent, index)
	if pending {
		known = l.learn.next.Ports[i].Name
	}
	switch {
	case known == string(text):
	case pending:
		l.learn.next.Ports[i].Name = string(text)
	case len(l.learn.next.Ports) >= maxLearned:
		l.counts.LearnedDropped++
	default:
		l.learn.ports[key] = len(l.learn.next.Ports)
		l.learn.next.Ports = append(l.learn.next.Ports, PortLabel{agent, index, string(text)})
	}
}

// Adapter learns that a MAC address belongs to the host of a datasource (sFlow host_adapters).
func (l *Lane) Adapter(src schema.Source, m MAC) {
	if m.IsZero() || m.group() || l.world.names.adapters[m] == src {
		return
	}
	a := Adapter{src, m}
	if _, pending := l.learn.adapters[a]; pending {
		return
	}
	if len(l.learn.next.Adapters) >= maxLearned {
		l.counts.LearnedDropped++
		return
	}
	l.learn.adapters[a] = struct{}{}
	l.learn.next.Adapters = append(l.learn.next.Adapters, a)
}

// owner learns the attributes of a host. A reading that leaves some out does not take them away.
func (l *Lane) owner(rd *schema.Reading) {
	i, pending := l.learn.owners[rd.Source]
	known := l.world.names.owners[rd.Source]
	if pending {
		known = &l.learn.next.Owners[i]
	}
	if !tellsNews(known, rd) {
		return
	}
	if !pending {
		if len(l.learn.next.Owners) >= maxLearned {
			l.counts.LearnedDropped++
			return
		}
		o := Owner{Source: rd.Source}
		if known != nil {
			o = *known
		}
		i = len(l.learn.next.Owners)
		l.learn.owners[rd.Source] = i
		l.learn.next.Owners = append(l.learn.next.Owners, o)
	}
	o := &l.learn.next.Owners[i]
	for j := range rd.Values {
		if field, text := ownerField(o, &rd.Values[j]); field != nil && *field != string(text) {
			*field = string(text)
		}
	}
}

// tellsNews tells whether a reading says something of a host that is not known.
func tellsNews(known *Owner, rd *schema.Reading) bool {
	var none Owner
	if known == nil {
		known = &none
	}
	for j := range rd.Values {
		if field, text := ownerField(known, &rd.Values[j]); field != nil && *field != string(text) {
			return true
		}
	}
	return false
}

// ownerField returns the attribute of o that a metric speaks of, nil when it speaks of none.
func ownerField(o *Owner, m *schema.Metric) (field *string, text []byte) {
	if m.Kind != schema.Label || len(m.Text) == 0 {
		return nil, nil
	}
	name := m.Name
	if len(name) > 4 && name[:4] == "vir_" {
		name = name[4:]
	}
	return o.attribute(name), m.Text[:min(len(m.Text), maxLearnedText)]
}

// Observe learns from a record where hosts are plugged in. It does nothing unless there is a topology and the record
// is a packet that enters at an edge port (spec sflow-rt 1.8).
func (l *Lane) Observe(r *schema.Record) {
	if l.world.graph == nil || r.Kind != schema.KindPacketSample || r.Direction != schema.Ingress ||
		r.Layers == nil || r.Source.Class != classInterface {
		return
	}
	if l.port(r.Source.Exporter, r.Source.Index).side != SideEdge {
		return
	}
	s := Sighting{Agent: r.Source.Exporter, Index: r.Source.Index}
	if !firstHop(r, &s) {
		return
	}
	s.At = r.At
	if l.world.confirmed(&s) {
		return
	}
	l.sight(s)
}

func (l *Lane) sight(s Sighting) {
	key := s
	key.At = 0
	if i, pending := l.learn.sightings[key]; pending {
		l.learn.next.Sightings[i].At = max(l.learn.next.Sightings[i].At, s.At)
		return
	}
	if len(l.learn.next.Sightings) >= maxLearned {
		l.counts.LearnedDropped++
		return
	}
	l.learn.sightings[key] = len(l.learn.next.Sightings)
	l.learn.next.Sightings = append(l.learn.next.Sightings, s)
}

// tagSwitch is the sFlow structure extended_switch: source VLAN, priority, destination VLAN, priority (sFlow v5).
var tagSwitch = schema.MakeTag(schema.SpaceSFlow, 0, 1001)

// firstHop fills in MAC, VLAN and, if the frame comes from the host itself and not by way of a router, its address.
// It returns false when the frame says nothing of a host.
func firstHop(r *schema.Record, s *Sighting) bool {
	h := r.Layers
	if h.N == 0 || h.Layers[0].Kind != schema.LayerEthernet {
		return false
	}
	eth := clip(r.Header, int(h.Layers[0].Off), 14)
	if eth == nil {
		return false
	}
	s.MAC = MAC(eth[6:12])
	if s.MAC.IsZero() || s.MAC.group() {
		return false
	}
	i := 1
	for ; i < h.N && h.Layers[i].Kind == schema.LayerVLAN; i++ {
		if tag := clip(r.Header, int(h.Layers[i].Off), 2); i == 1 && tag != nil {
			s.VLAN = binary.BigEndian.Uint16(tag) & 0xfff
		}
	}
	if i == 1 {
		if b := r.Part(tagSwitch); len(b) >= 4 {
			if vlan := binary.BigEndian.Uint32(b); vlan < 0xfff {
				s.VLAN = uint16(vlan)
			}
		}
	}
	if i < h.N {
		s.Addr = senderOf(r.Header, h.Layers[i], s.MAC)
	}
	return true
}

// senderOf returns the address of the host with MAC m as the network header right behind the Ethernet header tells
// it, zero when that header may come from further away. A router writes its own MAC over a packet from afar but
// lowers its TTL: only a TTL that hosts start with (or traffic that routers do not forward) binds.
func senderOf(frame []byte, layer schema.Layer, m MAC) schema.Addr {
	switch layer.Kind {
	case schema.LayerARP: // RFC 826: hardware type 1, protocol 0x0800, lengths 6 and 4, operation, sender MAC and IP
		b := clip(frame, int(layer.Off), 28)
		if b != nil && string(b[:6]) == "\x00\x01\x08\x00\x06\x04" && MAC(b[8:14]) == m {
			return usable(schema.AddrFrom(b[14:18]))
		}
	case schema.LayerIPv4:
		b := clip(frame, int(layer.Off), 20)
		if b != nil && (initialTTL(b[8]) || b[16] == 224 && b[17] == 0 && b[18] == 0) {
			return usable(schema.AddrFrom(b[12:16]))
		}
	case schema.LayerIPv6:
		b := clip(frame, int(layer.Off), 40)
		if b != nil && (initialTTL(b[7]) || b[24] == 0xff && b[25]&15 <= 2) {
			return usable(schema.AddrFrom(b[8:24]))
		}
	}
	return schema.Addr{}
}

// initialTTL tells whether hosts start with this TTL or hop limit.
func initialTTL(ttl byte) bool { return ttl == 32 || ttl == 64 || ttl == 128 || ttl == 255 }

// usable returns a when it may be the address of one host, else the zero address.
func usable(a schema.Addr) schema.Addr {
	n := a.Netip()
	if n.IsUnspecified() || n.IsMulticast() || n.IsLoopback() || n.Is4() && a[12] >= 240 || n.Is4() && a[12] == 0 {
		return schema.Addr{}
	}
	return a
}

// clip returns n bytes of b at off, nil when they were not captured.
func clip(b []byte, off, n int) []byte {
	if off < 0 || off+n > len(b) {
		return nil
	}
	return b[off : off+n : off+n]
}
