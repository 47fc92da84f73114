package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPlainPaths checks that paths that are not clean are served and not redirected, whatever the method.
func TestPlainPaths(t *testing.T) {
	var got string
	face := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.EscapedPath() + "?" + r.URL.RawQuery
	})
	r := newRig(t, DefaultConfig(), Options{Faces: []Mount{{Name: "face", Handler: face}}})
	for _, c := range []struct{ target, want string }{
		{"/flow/x/json", "/flow/x/json?"},
		{"//flow/a%2Fb/json", "/flow/a%2Fb/json?"},
		{"/flow//./x/../y%20z/json?os_name=a&b=%20c", "/flow/y%20z/json?os_name=a&b=%20c"},
		{"/flow/%2e%2e/json", "/flow/%2e%2e/json?"},
		{"/flow/x/json//", "/flow/x/json/?"},
		{"/../../flow", "/flow?"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			got = ""
			w := serve(r.handler, httptest.NewRequest(method, "http://localhost"+c.target, nil))
			if w.Code != http.StatusOK || got != method+" "+c.want {
				t.Errorf("%s %s: %d, served as %q", method, c.target, w.Code, got)
			}
		}
	}
	if w := r.ask("GET", "/api//v1/status", ""); w.Code != http.StatusOK {
		t.Errorf("a native path: %d", w.Code)
	}
	r.refused(404, "GET", "/api/v1/../nothing", "")
}
