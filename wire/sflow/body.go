package sflow

import (
	"encoding/binary"
	"strconv"
)

// The Parse functions below read the records that flow keys are made from. They allocate nothing, what they return
// borrows from body, and ok is false when body is too short for the fields that every agent sends.

// Header is the body of sampled_header (0:1): the first bytes of a packet.
type Header struct {
	Protocol uint32 // framing of Bytes, see HeaderProtocolName
	Length   uint32 // of the packet on the wire before it was sampled, bytes; by the standard with the FCS
	Stripped uint32 // bytes removed from the packet before Bytes was cut, FCS included; 0 in versions 2 and 4
	Bytes    []byte // may be longer than Length - Stripped (wire-formats Q21)
}

// ParseHeader reads sampled_header of the version that enterprise says: 0, EnterpriseV2 or EnterpriseV4. A header that
// is cut off by the end of the record is given as far as it goes.
func ParseHeader(enterprise uint32, body []byte) (h Header, ok bool) {
	w := NewWalk(body)
	h.Protocol, h.Length = w.U32(), w.U32()
	if enterprise == 0 {
		h.Stripped = w.U32()
	}
	size := w.U32()
	if !w.OK() {
		return Header{}, false
	}
	h.Bytes = w.Fixed(int(min(uint64(size), uint64(w.Left()))))
	return h, true
}

// Ethernet is the body of sampled_ethernet (0:2) and of the layer 2 tunnel records (0:1021, 0:1022).
type Ethernet struct {
	Length   uint32 // of the frame, bytes
	Src, Dst []byte // MAC addresses
	Type     uint32 // ethertype
}

// ParseEthernet reads sampled_ethernet.
func ParseEthernet(body []byte) (e Ethernet, ok bool) {
	w := NewWalk(body)
	e = Ethernet{Length: w.U32(), Src: w.MAC(), Dst: w.MAC(), Type: w.U32()}
	return e, w.OK()
}

// IP is the body of sampled_ipv4 (0:3), sampled_ipv6 (0:4) and of the tunnel records (0:1023 to 0:1026).
type IP struct {
	Length           uint32 // of the IP packet, bytes
	Protocol         uint32
	Src, Dst         []byte // 4 or 16 bytes
	SrcPort, DstPort uint32
	TCPFlags         uint32
	TOS              uint32 // type of service, or the priority of IPv6
}

// ParseIP4 reads sampled_ipv4.
func ParseIP4(body []byte) (IP, bool) { return parseIP(body, 4) }

// ParseIP6 reads sampled_ipv6.
func ParseIP6(body []byte) (IP, bool) { return parseIP(body, 16) }

func parseIP(body []byte, size int) (p IP, ok bool) {
	w := NewWalk(body)
	p = IP{Length: w.U32(), Protocol: w.U32(), Src: w.Fixed(size), Dst: w.Fixed(size), SrcPort: w.U32(),
		DstPort: w.U32(), TCPFlags: w.U32(), TOS: w.U32()}
	return p, w.OK()
}

// Switch is the body of extended_switch (0:1001). A VLAN of 0xffffffff is not known (wire-formats Q22).
type Switch struct{ SrcVLAN, SrcPriority, DstVLAN, DstPriority uint32 }

// ParseSwitch reads extended_switch.
func ParseSwitch(body []byte) (s Switch, ok bool) {
	w := NewWalk(body)
	s = Switch{w.U32(), w.U32(), w.U32(), w.U32()}
	return s, w.OK()
}

// Router is the body of extended_router (0:1002).
type Router struct {
	NextHop          []byte // 4 or 16 bytes, nil when not known
	SrcMask, DstMask uint32 // prefix lengths, bits
}

// ParseRouter reads extended_router.
func ParseRouter(body []byte) (r Router, ok bool) {
	w := NewWalk(body)
	r = Router{w.Address(), w.U32(), w.U32()}
	return r, w.OK()
}

// Gateway is the body of extended_gateway (0:1003).
type Gateway struct {
	NextHop     []byte // 4 or 16 bytes, nil when not known and in versions 2 and 4
	AS          uint32 // of the router itself
	SrcAS       uint32
	SrcPeerAS   uint32
	DstAS       uint32 // the last of the path, 0 when the path is empty
	DstPeerAS   uint32 // the first of the path, 0 when the path is empty
	LocalPref   uint32
	path        []byte // segments or, in version 2, plain numbers
	communities []byte
	segments    uint32
	plain       bool
}

// ParseGateway reads extended_gateway of the version that enterprise says: 0, EnterpriseV2 or EnterpriseV4. Bodies that
// end after the path are taken too.
func ParseGateway(enterprise uint32, body []byte) (g Gateway, ok bool) {
	w := NewWalk(body)
	if enterprise == 0 {
		g.NextHop = w.Address()
	}
	g.AS, g.SrcAS, g.SrcPeerAS = w.U32(), w.U32(), w.U32()
	if enterprise == EnterpriseV2 {
		g.plain, g.path = true, w.Words()
	} else {
		g.segments = w.U32()
		start := w.off
		for n := g.segments; n > 0 && w.OK(); n-- {
			w.U32()
			w.Words()
		}
		g.path = body[start:w.off]
	}
	if !w.OK() {
		return Gateway{}, false
	}
	g.ends()
	if enterprise != EnterpriseV2 && w.Left() > 0 {
		g.communities = w.Words()
		g.LocalPref = w.U32()
	}
	return g, true
}

// ends finds the first and the last number of the path.
func (g *Gateway) ends() {
	first := true
	for p := g.Path(); p.Next(); {
		if first {
			g.DstPeerAS, first = p.AS, false
		}
		g.DstAS = p.AS
	}
}

// Path is a walk over the AS numbers of a Gateway's path to the destination, sets and sequences alike.
type Path struct {
	AS uint32 // the number that Next has found

	w    Walk
	left uint32 // numbers left in the segment
	more uint32 // segments left
}

// Path returns a walk over the path of g.
func (g *Gateway) Path() Path {
	if g.plain {
		return Path{w: NewWalk(g.path), left: uint32(len(g.path) / 4)}
	}
	return Path{w: NewWalk(g.path), more: g.segments}
}

// Next goes to the next number of the path and tells whether there is one.
func (p *Path) Next() bool {
	for p.left == 0 {
		if p.more == 0 || !p.w.OK() {
			return false
		}
		p.more--
		p.w.U32()
		p.left = p.w.U32()
	}
	p.left--
	p.AS = p.w.U32()
	return p.w.OK()
}

// AppendPath appends the path as text, numbers joined by "-"; nothing when it is empty.
func (g *Gateway) AppendPath(b []byte) []byte {
	start := len(b)
	for p := g.Path(); p.Next(); {
		if len(b) > start {
			b = append(b, '-')
		}
		b = appendUint(b, uint64(p.AS))
	}
	return b
}

// AppendCommunities appends the communities as text, as "65000:1" joined by "-"; nothing when there are none.
func (g *Gateway) AppendCommunities(b []byte) []byte {
	for i := 0; i+4 <= len(g.communities); i += 4 {
		if i > 0 {
			b = append(b, '-')
		}
		b = appendUint(b, uint64(binary.BigEndian.Uint16(g.communities[i:])))
		b = appendUint(append(b, ':'), uint64(binary.BigEndian.Uint16(g.communities[i+2:])))
	}
	return b
}

// Communities returns how many communities there are.
func (g *Gateway) Communities() int { return len(g.communities) / 4 }

// Community returns the nth (from 0, below Communities) community.
func (g *Gateway) Community(n int) uint32 { return binary.BigEndian.Uint32(g.communities[n*4:]) }

// Socket is the body of the socket records (0:2100 to 0:2103): local is the side of the exporter.
type Socket struct {
	Protocol              uint32
	Local, Remote         []byte // 4 or 16 bytes
	LocalPort, RemotePort uint32
}

// ParseSocket reads the socket record of this format: 2100 and 2102 are IPv4, 2101 and 2103 IPv6; 2102 and 2103 are the
// proxy's own connection to the server behind it.
func ParseSocket(format uint32, body []byte) (s Socket, ok bool) {
	size := 4
	if format == 2101 || format == 2103 {
		size = 16
	}
	w := NewWalk(body)
	s = Socket{w.U32(), w.Fixed(size), w.Fixed(size), w.U32(), w.U32()}
	return s, w.OK()
}

// HTTP is the body of http_request (0:2206 and 0:2201).
type HTTP struct {
	Method                        uint32 // see HTTPMethodName
	Protocol                      uint32 // major*1000 + minor version
	URI, Host, Referer, UserAgent []byte
	XFF                           []byte // X-Forwarded-For; empty in 0:2201
	AuthUser, MIMEType            []byte
	ReqBytes                      uint64 // 0 in 0:2201
	RespBytes                     uint64
	Duration                      uint32 // microseconds
	Status                        int32
}

// ParseHTTP reads http_request of this format, 2206 or 2201.
func ParseHTTP(format uint32, body []byte) (h HTTP, ok bool) {
	w := NewWalk(body)
	h.Method, h.Protocol = w.U32(), w.U32()
	h.URI, h.Host, h.Referer, h.UserAgent = w.Opaque(), w.Opaque(), w.Opaque(), w.Opaque()
	if format == 2206 {
		h.XFF = w.Opaque()
	}
	h.AuthUser, h.MIMEType = w.Opaque(), w.Opaque()
	if format == 2206 {
		h.ReqBytes = w.U64()
	}
	h.RespBytes, h.Duration, h.Status = w.U64(), w.U32(), int32(w.U32())
	return h, w.OK()
}

// App is the body of app_operation (0:2202).
type App struct {
	Application, Operation, Attributes, StatusText []byte
	ReqBytes, RespBytes                            uint64
	Duration                                       uint32 // microseconds
	Status                                         uint32 // see AppStatusName
}

// ParseApp reads app_operation.
func ParseApp(body []byte) (a App, ok bool) {
	w := NewWalk(body)
	a = App{Application: w.Opaque(), Operation: w.Opaque(), Attributes: w.Opaque(), StatusText: w.Opaque(),
		ReqBytes: w.U64(), RespBytes: w.U64(), Duration: w.U32(), Status: w.U32()}
	return a, w.OK()
}

// AppContext is the body of app_parent_context (0:2203).
type AppContext struct{ Application, Operation, Attributes []byte }

// ParseAppContext reads app_parent_context.
func ParseAppContext(body []byte) (c AppContext, ok bool) {
	w := NewWalk(body)
	c = AppContext{w.Opaque(), w.Opaque(), w.Opaque()}
	return c, w.OK()
}

// Memcache is the body of memcache_operation (0:2200).
type Memcache struct {
	Protocol   uint32 // 1 ASCII, 2 binary
	Command    uint32 // see MemcacheCommandName
	Key        []byte
	Keys       uint32 // how many keys were asked for
	ValueBytes uint32
	Duration   uint32 // microseconds
	Status     uint32 // see MemcacheStatusName
}

// ParseMemcache reads memcache_operation.
func ParseMemcache(body []byte) (m Memcache, ok bool) {
	w := NewWalk(body)
	m = Memcache{w.U32(), w.U32(), w.Opaque(), w.U32(), w.U32(), w.U32(), w.U32()}
	return m, w.OK()
}

// TCPInfo is the body of extended_tcp_info (0:2209): the state of the host's own connection. Times are microseconds.
type TCPInfo struct {
	Direction                   uint32 // of the sampled packet: 0 not known, 1 received, 2 sent
	SndMSS, RcvMSS              uint32 // bytes
	Unacked, Lost, Retrans      uint32 // packets
	PathMTU                     uint32 // bytes
	RTT, RTTVar                 uint32
	SndCwnd, Reordering, MinRTT uint32
}

// ParseTCPInfo reads extended_tcp_info.
func ParseTCPInfo(body []byte) (t TCPInfo, ok bool) {
	w := NewWalk(body)
	t = TCPInfo{w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32(), w.U32()}
	return t, w.OK()
}

// Text returns the nth (from 0) of the strings that body begins with, for records that are made of strings: 0:1038,
// 0:1041, 0:1042, 0:2203 to 0:2205, 0:2207, and 0:1037 from its second word on.
func Text(body []byte, n int) (text []byte, ok bool) {
	w := NewWalk(body)
	for range n {
		w.Opaque()
	}
	text = w.Opaque()
	return text, w.OK()
}

// AppendMPLS appends the labels of a list of MPLS stack words, joined by "-".
func AppendMPLS(b, stack []byte) []byte {
	for i := 0; i+4 <= len(stack); i += 4 {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(binary.BigEndian.Uint32(stack[i:])>>12), 10)
	}
	return b
}
