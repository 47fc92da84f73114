package schema

import (
	"bytes"
	"maps"
	"strings"
)

// uriPart names a part of a URI that the function uri returns.
type uriPart uint8

const (
	uriNormalized uriPart = iota
	uriScheme
	uriUser
	uriAuthority
	uriHost
	uriPort
	uriPath
	uriFile
	uriExtension
	uriQuery
	uriFragment
	uriIsAbsolute
	uriIsOpaque
)

// uriPartNames returns the names of the parts, in the order of the constants.
func uriPartNames() []string {
	return []string{"normalized", "scheme", "user", "authority", "host", "port", "path", "file", "extension", "query",
		"fragment", "isabsolute", "isopaque"}
}

// uri is a URI reference cut into its parts (RFC 3986 appendix B). A part that is absent is nil. All borrow from the
// text that was cut.
type uri struct {
	scheme, authority, path, query, fragment []byte
	opaque                                   bool // a scheme, then no "/": mailto:someone@example.org
}

// cutURI cuts a text into parts; every text is a URI reference of some kind, so there is no error.
func cutURI(text []byte) (u uri) {
	if i := bytes.IndexByte(text, '#'); i >= 0 {
		text, u.fragment = text[:i], text[i+1:]
	}
	if n := schemeLen(text); n > 0 {
		u.scheme, text = text[:n], text[n+1:]
		if len(text) > 0 && text[0] != '/' && text[0] != '?' {
			u.opaque, u.path = true, text
			return u
		}
	}
	if i := bytes.IndexByte(text, '?'); i >= 0 {
		text, u.query = text[:i], text[i+1:]
	}
	if bytes.HasPrefix(text, []byte("//")) {
		text = text[2:]
		end := bytes.IndexByte(text, '/')
		if end < 0 {
			end = len(text)
		}
		u.authority, text = text[:end], text[end:]
	}
	u.path = text
	return u
}

// schemeLen returns how long the scheme at the front of text is, 0 when there is none.
func schemeLen(text []byte) int {
	for i, b := range text {
		switch {
		case b|0x20 >= 'a' && b|0x20 <= 'z':
		case i > 0 && (b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.'):
		case i > 0 && b == ':':
			return i
		default:
			return 0
		}
	}
	return 0
}

// hostPort cuts an authority into user, host and port.
func hostPort(authority []byte) (user, host, port []byte) {
	host = authority
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		user, host = host[:i], host[i+1:]
	}
	bracket := bytes.LastIndexByte(host, ']') // of an IPv6 address
	if i := bytes.LastIndexByte(host, ':'); i > bracket {
		host, port = host[:i], host[i+1:]
	}
	return user, host, port
}

func buildURI(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	name, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	names := uriPartNames()
	known := make(map[string]uriPart, len(names))
	for i, n := range names {
		known[n] = uriPart(i)
	}
	part, ok := known[strings.TrimSpace(name)]
	if !ok {
		hint := DidYouMean(name, maps.Keys(known))
		if hint == "" {
			hint = "parts are " + strings.Join(names, ", ")
		}
		return nil, c.Fault(args[1], "unknown part of a URI "+quoteName(name), hint)
	}
	var scratch, normal []byte
	return func(r *Record, out *Value) {
		if key(r, out); out.Type == Null {
			return
		}
		u := cutURI(textOf(out, &scratch))
		switch part {
		case uriIsAbsolute:
			out.SetBool(u.scheme != nil)
		case uriIsOpaque:
			out.SetBool(u.opaque)
		case uriNormalized:
			normal = u.appendNormal(normal[:0])
			out.SetText(normal)
		default:
			out.SetText(u.part(part))
			if len(out.B) == 0 {
				out.SetNull()
			}
		}
	}, nil
}

// part returns a part; nil or empty when the URI does not have it.
func (u *uri) part(p uriPart) []byte {
	user, host, port := hostPort(u.authority)
	path := u.path
	if u.opaque {
		path = nil
	}
	file := path[bytes.LastIndexByte(path, '/')+1:]
	switch p {
	case uriScheme:
		return u.scheme
	case uriUser:
		return user
	case uriAuthority:
		return u.authority
	case uriHost:
		return host
	case uriPort:
		return port
	case uriPath:
		return path
	case uriFile:
		return file
	case uriExtension:
		if i := bytes.LastIndexByte(file, '.'); i >= 0 {
			return file[i+1:]
		}
	case uriQuery:
		return u.query
	case uriFragment:
		return u.fragment
	}
	return nil
}

// appendNormal appends the URI with "." and ".." resolved in its path (RFC 3986 section 5.2.4).
func (u *uri) appendNormal(b []byte) []byte {
	if u.scheme != nil {
		b = append(append(b, u.scheme...), ':')
	}
	if u.authority != nil {
		b = append(append(b, "//"...), u.authority...)
	}
	if u.opaque {
		b = append(b, u.path...)
	} else {
		b = appendWithoutDots(b, u.path)
	}
	if u.query != nil {
		b = append(append(b, '?'), u.query...)
	}
	if u.fragment != nil {
		b = append(append(b, '#'), u.fragment...)
	}
	return b
}

// appendWithoutDots appends a path without its "." segments, and without ".." and the segment before it. A ".." that
// has nothing before it to undo is dropped.
func appendWithoutDots(b, path []byte) []byte {
	start := len(b)
	if len(path) > 0 && path[0] == '/' {
		b, path = append(b, '/'), path[1:]
		start++
	}
	for more := true; more; {
		var segment []byte
		segment, path, more = bytes.Cut(path, []byte("/"))
		switch string(segment) {
		case ".":
		case "..":
			b = b[:start+bytes.LastIndexByte(bytes.TrimSuffix(b[start:], []byte("/")), '/')+1]
		default:
			b = append(b, segment...)
			if more {
				b = append(b, '/')
			}
		}
	}
	return b
}
