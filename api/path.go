package api

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// plain serves a path with empty or dot segments as the one that it means. Clients that join a base address ending in
// "/" with a path send "//flow/x/json"; the mux would redirect them, which many do not follow with a body, and would
// escape the path once more on the way.
func plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		clean := withoutDots(escaped)
		if clean == escaped {
			h.ServeHTTP(w, r)
			return
		}
		text, err := url.PathUnescape(clean)
		if err != nil {
			h.ServeHTTP(w, r)
			return
		}
		u, other := *r.URL, *r
		u.Path, u.RawPath = text, clean
		other.URL = &u
		h.ServeHTTP(w, &other)
	})
}

// withoutDots returns an escaped path without empty and dot segments; what is no path from the root stays as it is.
func withoutDots(escaped string) string {
	if !strings.HasPrefix(escaped, "/") {
		return escaped
	}
	clean := path.Clean(escaped)
	if clean != "/" && strings.HasSuffix(escaped, "/") {
		clean += "/"
	}
	return clean
}
