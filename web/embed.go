package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// files holds dist.html, which is committed, and dist when it was built. The pattern needs one match to compile: that
// is what dist.html is for, besides being the page that is served without dist.
//
//go:embed all:dist*
var files embed.FS

// Prefix is the path under which the console is meant to be mounted, without a slash at its end. The pages reach the
// REST interface as ../api/v1 from there, so a proxy may put any path in front of both.
const Prefix = "/html"

// policy is the Content-Security-Policy: everything from here, nothing from another host. The editor writes its style
// sheet into the page, which is why inline styles (not scripts) are allowed.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Built tells whether the console was built before the binary was: false means that Handler serves only the page that
// says how to build it.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}

// Handler serves the console to GET and HEAD. It takes paths with Prefix and, for servers that have stripped it,
// without: "/html/index.html", "/index.html" and "/" are the same page. Answers are the embedded files with a type, a
// Content-Security-Policy and a lifetime: files with a hash in their name for a year, all others are asked for again.
// What is not there is 404, other methods are 405. It is safe for concurrent use.
func Handler() http.Handler {
	if !Built() {
		return http.HandlerFunc(serveUnbuilt)
	}
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic("BUG: web: dist is not a valid path: " + err.Error())
	}
	return built{dist: dist, server: http.FileServerFS(dist)}
}

// built serves the files of dist.
type built struct {
	dist   fs.FS
	server http.Handler
}

// ServeHTTP answers one request for a file of the console.
func (b built) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+strings.TrimPrefix(r.URL.Path, Prefix)), "/")
	if name == "" {
		name = "index.html"
	}
	if s, err := fs.Stat(b.dist, name); err != nil || s.IsDir() {
		http.NotFound(w, r)
		return
	}
	secure(w)
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	// The file server sends index.html to its directory, which is that page under its other name.
	served := r.Clone(r.Context())
	served.URL.Path = "/" + strings.TrimSuffix(name, "index.html")
	b.server.ServeHTTP(w, served)
}

// serveUnbuilt answers every path with the page that says how to build the console.
func serveUnbuilt(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	page, err := fs.ReadFile(files, "dist.html")
	if err != nil {
		panic("BUG: web: dist.html is not embedded: " + err.Error())
	}
	secure(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet {
		// An error here is a client that went away; there is nobody left to tell.
		_, _ = w.Write(page)
	}
}

// readOnly refuses what is neither GET nor HEAD and tells whether to go on.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "the console is only read: use GET; the REST interface changes things", http.StatusMethodNotAllowed)
	return false
}

func secure(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
