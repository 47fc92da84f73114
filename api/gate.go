package api

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// gate decides who may do what.
type gate struct {
	readOnly  bool
	rights    map[[sha256.Size]byte]Right // by hash, so that looking one up tells nothing of it by its time
	anonymous Right
	origins   []string
	hosts     []string // that are answered to, lower case; nil: all
	cross     *http.CrossOriginProtection
	refused   func(reason string)
	refuse    func(http.ResponseWriter, *http.Request, error)
}

func newGate(c *Config, refused func(string), refuse func(http.ResponseWriter, *http.Request, error)) (*gate, error) {
	g := &gate{
		readOnly: c.ReadOnly, rights: map[[sha256.Size]byte]Right{}, anonymous: Admin, origins: c.AllowOrigins,
		cross: http.NewCrossOriginProtection(), refused: refused, refuse: refuse,
	}
	for _, t := range c.Tokens {
		g.rights[sha256.Sum256([]byte(t.Token))] = t.Right
		g.anonymous = c.Anonymous
	}
	if loopback(c.HTTP) {
		g.hosts = []string{"localhost"}
		for _, h := range c.AllowHosts {
			g.hosts = append(g.hosts, strings.ToLower(h))
		}
	}
	for _, o := range c.AllowOrigins {
		if o == "*" {
			g.cross = nil
			break
		}
		if err := g.cross.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("http.allow_origins: %w", err)
		}
	}
	return g, nil
}

// right returns what the bearer of a request may do; ok is false when it brought a secret that is not known.
func (g *gate) right(r *http.Request) (right Right, ok bool) {
	secret, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		if _, secret, found = r.BasicAuth(); !found {
			return g.anonymous, true
		}
	}
	if len(g.rights) == 0 {
		return g.anonymous, true
	}
	right, ok = g.rights[sha256.Sum256([]byte(strings.TrimSpace(secret)))]
	return right, ok
}

// guard lets a request through to h that has a right, and, when it changes something, only unless read-only.
func (g *gate) guard(need Right, changes bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		have, known := g.right(r)
		switch {
		case need == None:
		case !known || have < need && have == g.anonymous && r.Header.Get("Authorization") == "":
			g.refused("token")
			// Basic would be accepted too, but offering it makes browsers ask with a window of their own.
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
			g.refuse(w, r, refuse(http.StatusUnauthorized, "", "this needs the right "+need.String(),
				"send a token of the configuration in the header Authorization: Bearer TOKEN"))
			return
		case have < need:
			g.refused("right")
			g.refuse(w, r, refuse(http.StatusForbidden, "", fmt.Sprintf("this needs the right %s, the token has %s",
				need, have), ""))
			return
		case changes && g.readOnly:
			g.refused("read_only")
			g.refuse(w, r, refuse(http.StatusForbidden, "", "this server is read-only",
				"http.read_only in the configuration"))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// mounted guards a face by the method of the request: all but looking is a change.
func (g *gate) mounted(h http.Handler) http.Handler {
	look, change := g.guard(Read, false, h), g.guard(Define, true, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			look.ServeHTTP(w, r)
		default:
			change.ServeHTTP(w, r)
		}
	})
}

// entry refuses what a hostile web page could have sent, and answers pages of other origins that are allowed.
func (g *gate) entry(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.answersTo(r) {
			g.refused("host")
			f := refuse(http.StatusMisdirectedRequest, "", fmt.Sprintf("this server is not called %q", r.Host),
				"use localhost or the address, or list the name in http.allow_hosts")
			g.refuse(w, r, f)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && g.trusts(origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Add("Vary", "Origin")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				w.Header().Set("Access-Control-Allow-Methods", "GET, PUT, PATCH, POST, DELETE")
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
				w.Header().Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if g.cross != nil {
			if err := g.cross.Check(r); err != nil {
				g.refused("origin")
				g.refuse(w, r, refuse(http.StatusForbidden, "", "a page of another origin may not change anything",
					"list the origin in http.allow_origins"))
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

func (g *gate) trusts(origin string) bool {
	return slices.Contains(g.origins, "*") || slices.Contains(g.origins, origin)
}

// answersTo tells whether the host that a request names is this server; see Config.AllowHosts. A server that other
// machines can reach is called what its operators like, and so is one that is reached by another address than loopback.
func (g *gate) answersTo(r *http.Request) bool {
	if g.hosts == nil || r.Host == "" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return slices.Contains(g.hosts, host) || strings.HasSuffix(host, ".localhost")
}
