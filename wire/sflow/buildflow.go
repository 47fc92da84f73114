package sflow

// The methods below write the records of flow samples. They take the structs that the Parse functions return, so that
// what was read can be written again; see there for units.

// Header writes sampled_header (0:1).
func (b *Builder) Header(h *Header) {
	at := b.record(0, 1)
	b.words(h.Protocol, h.Length, h.Stripped)
	b.opaque(h.Bytes)
	b.end(at)
}

// Ethernet writes sampled_ethernet (0:2), or another format with its body (0:1021, 0:1022).
func (b *Builder) Ethernet(format uint32, e *Ethernet) {
	at := b.record(0, format)
	b.words(e.Length)
	b.fixed(e.Src, 8)
	b.fixed(e.Dst, 8)
	b.words(e.Type)
	b.end(at)
}

// IP writes sampled_ipv4 (0:3), sampled_ipv6 (0:4) or a tunnel record (0:1023 to 0:1026); the format says how long the
// addresses are.
func (b *Builder) IP(format uint32, p *IP) {
	size := 4
	if format == 4 || format == 1025 || format == 1026 {
		size = 16
	}
	at := b.record(0, format)
	b.words(p.Length, p.Protocol)
	b.fixed(p.Src, size)
	b.fixed(p.Dst, size)
	b.words(p.SrcPort, p.DstPort, p.TCPFlags, p.TOS)
	b.end(at)
}

// Switch writes extended_switch (0:1001).
func (b *Builder) Switch(s Switch) {
	b.Words(0, 1001, s.SrcVLAN, s.SrcPriority, s.DstVLAN, s.DstPriority)
}

// Router writes extended_router (0:1002).
func (b *Builder) Router(r *Router) {
	at := b.record(0, 1002)
	b.address(r.NextHop)
	b.words(r.SrcMask, r.DstMask)
	b.end(at)
}

// Gateway writes extended_gateway (0:1003) with path as one sequence (none when it is empty) and communities; the
// DstAS and DstPeerAS of g are those of the path.
func (b *Builder) Gateway(g *Gateway, path, communities []uint32) {
	at := b.record(0, 1003)
	b.address(g.NextHop)
	b.words(g.AS, g.SrcAS, g.SrcPeerAS)
	if len(path) > 0 {
		b.words(1, 2, uint32(len(path)))
		b.words(path...)
	} else {
		b.words(0)
	}
	b.words(uint32(len(communities)))
	b.words(communities...)
	b.words(g.LocalPref)
	b.end(at)
}

// Socket writes a socket record (0:2100 to 0:2103); see ParseSocket for the formats.
func (b *Builder) Socket(format uint32, s *Socket) {
	size := 4
	if format == 2101 || format == 2103 {
		size = 16
	}
	at := b.record(0, format)
	b.words(s.Protocol)
	b.fixed(s.Local, size)
	b.fixed(s.Remote, size)
	b.words(s.LocalPort, s.RemotePort)
	b.end(at)
}

// HTTP writes http_request (0:2206).
func (b *Builder) HTTP(h *HTTP) {
	at := b.record(0, 2206)
	b.words(h.Method, h.Protocol)
	b.opaque(h.URI)
	b.opaque(h.Host)
	b.opaque(h.Referer)
	b.opaque(h.UserAgent)
	b.opaque(h.XFF)
	b.opaque(h.AuthUser)
	b.opaque(h.MIMEType)
	b.hypers(h.ReqBytes, h.RespBytes)
	b.words(h.Duration, uint32(h.Status))
	b.end(at)
}

// App writes app_operation (0:2202).
func (b *Builder) App(a *App) {
	at := b.record(0, 2202)
	b.opaque(a.Application)
	b.opaque(a.Operation)
	b.opaque(a.Attributes)
	b.opaque(a.StatusText)
	b.hypers(a.ReqBytes, a.RespBytes)
	b.words(a.Duration, a.Status)
	b.end(at)
}

// Memcache writes memcache_operation (0:2200).
func (b *Builder) Memcache(m *Memcache) {
	at := b.record(0, 2200)
	b.words(m.Protocol, m.Command)
	b.opaque(m.Key)
	b.words(m.Keys, m.ValueBytes, m.Duration, m.Status)
	b.end(at)
}

// TCPInfo writes extended_tcp_info (0:2209).
func (b *Builder) TCPInfo(t *TCPInfo) {
	b.Words(0, 2209, t.Direction, t.SndMSS, t.RcvMSS, t.Unacked, t.Lost, t.Retrans, t.PathMTU, t.RTT, t.RTTVar, t.SndCwnd,
		t.Reordering, t.MinRTT)
}

// Timestamp writes extended_timestamp (0:1043), nanoseconds since 1970 UTC.
func (b *Builder) Timestamp(ns uint64) {
	at := b.record(0, 1043)
	b.hypers(ns)
	b.end(at)
}

// ACL writes extended_acl (0:1037); direction is 0 unknown, 1 ingress, 2 egress.
func (b *Builder) ACL(number uint32, name string, direction uint32) {
	at := b.record(0, 1037)
	b.words(number)
	b.text(name)
	b.words(direction)
	b.end(at)
}
