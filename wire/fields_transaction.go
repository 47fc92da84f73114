package wire

import (
	"strconv"

	"weir/schema"
	"weir/wire/sflow"
)

// hostFields come from extended_tcp_info (0:2209) and extended_entities (0:2210); spec sflow-rt 2.7.
func hostFields() []schema.Field {
	info := func(name, doc string, of func(t *sflow.TCPInfo) uint32) schema.Field {
		return single(name, schema.Uint, doc, uintOf(func(r *schema.Record, _ int) (uint64, bool) {
			t, ok := sflow.ParseTCPInfo(structure(r, 2209))
			return uint64(of(&t)), ok
		}))
	}
	return []schema.Field{
		info("tcprtt", "smoothed round trip time, microseconds", func(t *sflow.TCPInfo) uint32 { return t.RTT }),
		info("tcprttvar", "variation of the round trip time, microseconds",
			func(t *sflow.TCPInfo) uint32 { return t.RTTVar }),
		info("tcprttsdev", "deviation of the round trip time, microseconds: what the host calls its variation",
			func(t *sflow.TCPInfo) uint32 { return t.RTTVar }),
		info("tcpminrtt", "least round trip time, microseconds", func(t *sflow.TCPInfo) uint32 { return t.MinRTT }),
		info("tcprttwait", "time waited in queues, microseconds: round trip time less the least one",
			func(t *sflow.TCPInfo) uint32 { return t.RTT - min(t.MinRTT, t.RTT) }),
		info("tcpunacked", "packets that are not acknowledged yet", func(t *sflow.TCPInfo) uint32 { return t.Unacked }),
		info("tcplost", "packets that are held to be lost", func(t *sflow.TCPInfo) uint32 { return t.Lost }),
		info("tcpretrans", "packets that were sent again", func(t *sflow.TCPInfo) uint32 { return t.Retrans }),
		info("tcpcwnd", "congestion window, packets", func(t *sflow.TCPInfo) uint32 { return t.SndCwnd }),
		info("tcppmtu", "path MTU, bytes", func(t *sflow.TCPInfo) uint32 { return t.PathMTU }),
		info("tcpsndmss", "largest segment to send, bytes", func(t *sflow.TCPInfo) uint32 { return t.SndMSS }),
		info("tcprcvmss", "largest segment received, bytes", func(t *sflow.TCPInfo) uint32 { return t.RcvMSS }),
		info("tcpreordering", "packets that may overtake each other",
			func(t *sflow.TCPInfo) uint32 { return t.Reordering }),
		single("tcpdirection", schema.Text, "which way the host saw the packet go: received or sent",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				switch t, _ := sflow.ParseTCPInfo(structure(r, 2209)); t.Direction {
				case 1:
					return append(b, "received"...)
				case 2:
					return append(b, "sent"...)
				}
				return b
			})),
		single("entitysource", schema.Text, "datasource of the process, container or machine that sends",
			textOf(entity(0))),
		single("entitydestination", schema.Text, "datasource of the process, container or machine that receives",
			textOf(entity(2))),
	}
}

// entity renders the datasource whose class and index are the words from at on; both 0 mean "not known".
func entity(at int) func(b []byte, r *schema.Record, _ int) []byte {
	return func(b []byte, r *schema.Record, _ int) []byte {
		body := structure(r, 2210)
		class, _ := sflow.U32(body, at)
		index, ok := sflow.U32(body, at+1)
		if !ok || class|index == 0 || class > 255 {
			return b
		}
		return schema.Source{Class: uint8(class), Index: index}.AppendDatasource(b)
	}
}

// transactionFields come from the structures of transactions and their sockets (wire-formats 1.6, spec sflow-rt 2.8).
func transactionFields() []schema.Field {
	var list []schema.Field
	list = append(list, socketFields("", "of the connection", socketFormats, true)...)
	list = append(list, socketFields("proxy", "of the proxy's own connection", proxyFormats, false)...)
	list = append(list, httpFields()...)
	list = append(list, memcacheFields()...)
	list = append(list, appFields()...)
	size := func(name, doc string, of func(op *operation) uint64, told func(op *operation) bool) schema.Field {
		return single(name, schema.Uint, doc, uintOf(func(r *schema.Record, _ int) (uint64, bool) {
			op, ok := operationOf(r)
			return of(&op), ok && told(&op)
		}))
	}
	all := func(*operation) bool { return true }
	return append(list,
		size("req_bytes", "bytes of the request", func(op *operation) uint64 { return op.request },
			func(op *operation) bool { return op.split }),
		size("resp_bytes", "bytes of the response", func(op *operation) uint64 { return op.response },
			func(op *operation) bool { return op.split }),
		size("duration", "time that the transaction took, microseconds",
			func(op *operation) uint64 { return op.duration }, all))
}

// operation is what transactions of all kinds have. Sizes are bytes, the duration microseconds.
type operation struct {
	bytes, request, response, duration uint64
	split                              bool // request and response are told apart
}

func operationOf(r *schema.Record) (op operation, ok bool) {
	if h, ok := httpOf(r); ok {
		return operation{h.ReqBytes + h.RespBytes, h.ReqBytes, h.RespBytes, uint64(h.Duration), true}, true
	}
	if a, ok := sflow.ParseApp(structure(r, 2202)); ok {
		return operation{a.ReqBytes + a.RespBytes, a.ReqBytes, a.RespBytes, uint64(a.Duration), true}, true
	}
	if m, ok := sflow.ParseMemcache(structure(r, 2200)); ok {
		return operation{bytes: uint64(m.ValueBytes), duration: uint64(m.Duration)}, true
	}
	return op, false
}

// The structures of sockets: IPv4 and IPv6.
var (
	socketFormats = [2]uint32{2100, 2101}
	proxyFormats  = [2]uint32{2102, 2103}
)

// socketFields are the ends of a connection. The exporter is the server of its own connection, and the client of the
// one that it makes as a proxy.
func socketFields(prefix, of string, formats [2]uint32, serves bool) []schema.Field {
	serverAt, clientAt := 0, 1
	if !serves {
		serverAt, clientAt = 1, 0
	}
	list := []schema.Field{single(prefix+"protocol", schema.Uint, "IP protocol "+of,
		uintOf(either(word(formats[0], 0), word(formats[1], 0))))}
	for _, end := range []struct {
		name string
		at   int
	}{{"server", serverAt}, {"client", clientAt}} {
		list = append(list,
			single(prefix+end.name+"address", schema.IPv4, "IPv4 address of the "+end.name+" "+of,
				addressOf(structureBytes(formats[0], 4+4*end.at, 4))),
			single(prefix+end.name+"address6", schema.IPv6, "IPv6 address of the "+end.name+" "+of,
				addressOf(structureBytes(formats[1], 4+16*end.at, 16))),
			single(prefix+end.name+"port", schema.Uint, "port of the "+end.name+" "+of,
				uintOf(either(word(formats[0], 3+end.at), word(formats[1], 9+end.at)))))
	}
	return list
}

// httpOf reads http_request, of which there are two layouts.
func httpOf(r *schema.Record) (sflow.HTTP, bool) {
	for _, format := range [...]uint32{2206, 2201} {
		if body := structure(r, format); body != nil {
			return sflow.ParseHTTP(format, body)
		}
	}
	return sflow.HTTP{}, false
}

func httpFields() []schema.Field {
	text := func(name, doc string, of func(h *sflow.HTTP) []byte) schema.Field {
		return single(name, schema.Text, doc, textIn(func(r *schema.Record, _ int) []byte {
			h, _ := httpOf(r)
			return of(&h)
		}))
	}
	return []schema.Field{
		single("httpmethod", schema.Text, "HTTP method, as in GET",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				h, ok := httpOf(r)
				if !ok {
					return b
				}
				return appendName(b, h.Method, sflow.HTTPMethodName)
			})),
		single("httpprotocol", schema.Text, "HTTP version, as in 1.1",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				h, ok := httpOf(r)
				if !ok {
					return b
				}
				b = append(strconv.AppendUint(b, uint64(h.Protocol/1000), 10), '.')
				return strconv.AppendUint(b, uint64(h.Protocol%1000), 10)
			})),
		text("httphost", "Host header of the request", func(h *sflow.HTTP) []byte { return h.Host }),
		text("httpuseragent", "User-Agent header of the request", func(h *sflow.HTTP) []byte { return h.UserAgent }),
		text("httpxff", "X-Forwarded-For header of the request", func(h *sflow.HTTP) []byte { return h.XFF }),
		text("httpauthuser", "user who was authenticated", func(h *sflow.HTTP) []byte { return h.AuthUser }),
		text("httpmimetype", "Content-Type of the response", func(h *sflow.HTTP) []byte { return h.MIMEType }),
		text("httpurl", "URI of the request as the client sent it", func(h *sflow.HTTP) []byte { return h.URI }),
		text("httpreferer", "Referer header of the request", func(h *sflow.HTTP) []byte { return h.Referer }),
		single("httpstatus", schema.Uint, "status code of the response",
			uintOf(func(r *schema.Record, _ int) (uint64, bool) {
				h, ok := httpOf(r)
				return uint64(max(h.Status, 0)), ok
			})),
	}
}

func memcacheFields() []schema.Field {
	name := func(of func(m *sflow.Memcache) uint32, names func(uint32) (string, bool)) reader {
		return textOf(func(b []byte, r *schema.Record, _ int) []byte {
			m, ok := sflow.ParseMemcache(structure(r, 2200))
			if !ok {
				return b
			}
			return appendName(b, of(&m), names)
		})
	}
	return []schema.Field{
		single("memcachecommand", schema.Text, "memcache command, as in GET",
			name(func(m *sflow.Memcache) uint32 { return m.Command }, sflow.MemcacheCommandName)),
		single("memcachekey", schema.Text, "memcache key", textIn(func(r *schema.Record, _ int) []byte {
			m, _ := sflow.ParseMemcache(structure(r, 2200))
			return m.Key
		})),
		single("memcachestatus", schema.Text, "status of a memcache operation, as in STORED",
			name(func(m *sflow.Memcache) uint32 { return m.Status }, sflow.MemcacheStatusName)),
		single("memcachenkeys", schema.Uint, "how many memcache keys were asked for",
			uintOf(func(r *schema.Record, _ int) (uint64, bool) {
				m, ok := sflow.ParseMemcache(structure(r, 2200))
				return uint64(m.Keys), ok
			})),
	}
}

func appFields() []schema.Field {
	return []schema.Field{
		single("appname", schema.Text, "application of the operation", textIn(structureText(2202, 0))),
		single("appoperation", schema.Text, "operation of the application", textIn(structureText(2202, 1))),
		single("appattributes", schema.Text, "attributes of the operation, as in k=v&k=v",
			textIn(structureText(2202, 2))),
		single("appstatus", schema.Text, "how the operation ended, as in SUCCESS",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				a, ok := sflow.ParseApp(structure(r, 2202))
				if !ok {
					return b
				}
				return appendName(b, a.Status, sflow.AppStatusName)
			})),
		single("appparentname", schema.Text, "application that the operation is a part of",
			textIn(structureText(2203, 0))),
		single("appparentoperation", schema.Text, "operation that the operation is a part of",
			textIn(structureText(2203, 1))),
		single("appinitiator", schema.Text, "who asked for the operation", textIn(structureText(2204, 0))),
		single("apptarget", schema.Text, "on whom the operation was done", textIn(structureText(2205, 0))),
	}
}

// appendName appends the name of a code, or the number of one that has no name.
func appendName(b []byte, code uint32, name func(uint32) (string, bool)) []byte {
	if text, ok := name(code); ok {
		return append(b, text...)
	}
	return strconv.AppendUint(b, uint64(code), 10)
}
