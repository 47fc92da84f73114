package session

import (
	"encoding/binary"

	"weir/schema"
)

// layers finds in the headers of a record the outermost IP header and the first transport header behind it; -1 when
// it is not there.
func layers(h *schema.Headers) (ip, transport int) {
	ip, transport = -1, -1
	for i := range h.N {
		l := &h.Layers[i]
		if ip < 0 {
			if int(l.Off) == h.L3Off {
				ip = i
			}
			continue
		}
		switch l.Kind {
		case schema.LayerIPv6Ext:
			continue
		case schema.LayerTCP, schema.LayerUDP, schema.LayerSCTP, schema.LayerICMP, schema.LayerICMP6:
			return ip, i
		}
		return ip, -1
	}
	return ip, -1
}

// lastIP returns the last header of the outermost IP packet's own: the IP header or its last extension header.
func lastIP(h *schema.Headers, ip int) *schema.Layer {
	i := ip
	for i+1 < h.N && h.Layers[i+1].Kind == schema.LayerIPv6Ext {
		i++
	}
	return &h.Layers[i]
}

// bytesFrom returns n bytes of the frame from off, or nil when they were not captured.
func bytesFrom(frame []byte, off, n int) []byte {
	if off < 0 || off+n > len(frame) {
		return nil
	}
	return frame[off : off+n : off+n]
}

// readSegment reads what a packet carries: TCP flags and numbers, and how much payload TCP or UDP have in it. A
// fragment other than the first is all payload.
func readSegment(g *segment, r *schema.Record, ip, transport int) {
	*g = segment{flags: r.TCPFlags}
	h := r.Layers
	if ip < 0 || r.Proto != protoTCP && r.Proto != protoUDP {
		return
	}
	var end int
	switch {
	case transport >= 0:
		l := &h.Layers[transport]
		end = int(l.Off) + int(l.Len)
		if b := bytesFrom(r.Header, int(l.Off), 13); b != nil && l.Kind == schema.LayerTCP {
			g.seq, g.ack, g.numbered = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), true
			end = int(l.Off) + int(b[12]>>4)*4 // options that were not captured count too
		}
	case h.Fragment:
		l := lastIP(h, ip)
		end = int(l.Off) + int(l.Len)
	default:
		return
	}
	if headers := uint32(end - h.L3Off); h.L3Len > headers {
		g.payload = h.L3Len - headers
	}
}

// fragmented tells whether the packet is a fragment, the first included.
func fragmented(r *schema.Record, ip int) bool {
	h := r.Layers
	if h.Fragment {
		return true
	}
	l := &h.Layers[ip]
	if l.Kind == schema.LayerIPv4 {
		b := bytesFrom(r.Header, int(l.Off)+6, 2)
		return b != nil && binary.BigEndian.Uint16(b)&0x3fff != 0 // more fragments, offset
	}
	const fragmentHeader = 44
	next := bytesFrom(r.Header, int(l.Off)+6, 1)
	for i := ip + 1; next != nil && i < h.N && h.Layers[i].Kind == schema.LayerIPv6Ext; i++ {
		if next[0] == fragmentHeader {
			return true
		}
		next = bytesFrom(r.Header, int(h.Layers[i].Off), 1)
	}
	return false
}

// trafficClass returns the type of service byte of the outermost IP header.
func trafficClass(r *schema.Record, ip int) uint8 {
	l := &r.Layers.Layers[ip]
	b := bytesFrom(r.Header, int(l.Off), 2)
	switch {
	case b == nil:
		return 0
	case l.Kind == schema.LayerIPv4:
		return b[1]
	}
	return b[0]<<4 | b[1]>>4
}

// The information elements and the sFlow structure that tell VLAN and type of service without a header.
const (
	elementTOS     = 5
	elementVLAN    = 58
	elementDot1q   = 243
	extendedSwitch = 1001
	vlanMask       = 0x0fff
)

// outerVLAN returns the number of the outermost VLAN of a record.
func outerVLAN(r *schema.Record) uint16 {
	if r.Layers != nil {
		for i := range r.Layers.N {
			if l := &r.Layers.Layers[i]; l.Kind == schema.LayerVLAN {
				if b := bytesFrom(r.Header, int(l.Off), 2); b != nil {
					return binary.BigEndian.Uint16(b) & vlanMask
				}
			}
		}
	}
	if b := r.Part(schema.MakeTag(schema.SpaceSFlow, 0, extendedSwitch)); len(b) >= 4 {
		return binary.BigEndian.Uint16(b[2:]) & vlanMask
	}
	for _, element := range [...]uint32{elementVLAN, elementDot1q} {
		if b := r.Part(schema.MakeTag(schema.SpaceElement, 0, element)); len(b) == 2 {
			return binary.BigEndian.Uint16(b) & vlanMask
		}
	}
	return 0
}

// service returns the type of service byte of a record.
func service(r *schema.Record, ip int) uint8 {
	if ip >= 0 {
		return trafficClass(r, ip)
	}
	if b := r.Part(schema.MakeTag(schema.SpaceElement, 0, elementTOS)); len(b) == 1 {
		return b[0]
	}
	return 0
}
