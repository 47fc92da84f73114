package api

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"weir/engine"
	"weir/vitals"
)

func TestRights(t *testing.T) {
	c := DefaultConfig()
	c.Tokens = []Token{
		{"look", "looker-0123456789", Read}, {"do", "definer-0123456789", Define}, {"all", "admin-01234567890", Admin},
	}
	face := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r := newRig(t, c, Options{Console: face, Faces: []Mount{{Name: "face", Handler: face}}})
	const body = `{"value":"bytes"}`
	for _, x := range []struct {
		token, method, target string
		want                  int
	}{
		{"", "GET", "/api/v1/flows", 401},
		{"", "GET", "/health", 200},
		{"", "GET", "/html/index.html", 204},
		{"", "GET", "/flow/x/json", 401},
		{"wrong-0123456789012", "GET", "/api/v1/flows", 401},
		{"looker-0123456789", "GET", "/api/v1/flows", 200},
		{"looker-0123456789", "GET", "/flow/x/json", 204},
		{"looker-0123456789", "POST", "/api/v1/flows/check", 200},
		{"looker-0123456789", "PUT", "/api/v1/flows/x", 403},
		{"looker-0123456789", "PUT", "/flow/x/json", 403},
		{"looker-0123456789", "GET", "/debug/pprof/goroutine", 403},
		{"definer-0123456789", "PUT", "/api/v1/flows/x", 204},
		{"definer-0123456789", "PUT", "/flow/x/json", 204},
		{"definer-0123456789", "GET", "/debug/pprof/goroutine", 403},
		{"admin-01234567890", "GET", "/debug/pprof/goroutine", 200},
	} {
		var headers []string
		if x.token != "" {
			headers = []string{"Authorization", "Bearer " + x.token}
		}
		if w := r.ask(x.method, x.target, body, headers...); w.Code != x.want {
			t.Errorf("%s %s with %q: %d, want %d", x.method, x.target, x.token, w.Code, x.want)
		}
		if x.token == "" {
			continue
		}
		headers[1] = "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+x.token))
		if w := r.ask(x.method, x.target, body, headers...); w.Code != x.want {
			t.Errorf("%s %s with the password %q: %d, want %d", x.method, x.target, x.token, w.Code, x.want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	c := DefaultConfig()
	c.ReadOnly = true
	face := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r := newRig(t, c, Options{Faces: []Mount{{Name: "face", Handler: face}}})
	r.refused(403, "PUT", "/api/v1/flows/x", `{"value":"bytes"}`)
	r.refused(403, "DELETE", "/api/v1/topology", "")
	r.refused(403, "POST", "/flow/x/json", `{"value":"bytes"}`)
	r.must(nil, "POST", "/api/v1/flows/check", `{"value":"bytes"}`)
	r.must(nil, "GET", "/flow/x/json", "")
}

// TestStrangers checks what pages of other origins and other names can do.
func TestStrangers(t *testing.T) {
	c := DefaultConfig()
	c.AllowOrigins = []string{"https://friend.example"}
	c.AllowHosts = []string{"weir.example"}
	r := newRig(t, c, Options{})
	put := func(headers ...string) int {
		return r.ask("PUT", "/api/v1/flows/x", `{"value":"bytes"}`, headers...).Code
	}
	if n := put("Origin", "https://foe.example"); n != 403 {
		t.Errorf("a foe: %d", n)
	}
	if n := put("Sec-Fetch-Site", "cross-site"); n != 403 {
		t.Errorf("another site: %d", n)
	}
	if n := put("Origin", "https://friend.example"); n != 204 {
		t.Errorf("a friend: %d", n)
	}
	if n := put(); n != 204 {
		t.Errorf("a program: %d", n)
	}
	w := r.ask("OPTIONS", "/api/v1/flows/x", "", "Origin", "https://friend.example", "Access-Control-Request-Method", "PUT")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "https://friend.example" {
		t.Errorf("asking before: %d %v", w.Code, w.Header())
	}
	for host, want := range map[string]int{
		"localhost:8008": 200, "127.0.0.1": 200, "[::1]:8008": 200, "weir.example": 200, "rebound.example": 421, "a.localhost": 200,
	} {
		q, err := http.NewRequest("GET", "http://"+host+"/api/v1/flows", nil)
		if err != nil {
			t.Fatal(err)
		}
		if w := serve(r.handler, q); w.Code != want {
			t.Errorf("host %s: %d, want %d", host, w.Code, want)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	c := Config{
		HTTP: "8008", Streams: -1, Tokens: []Token{{"a", "short", Read}, {"b", "long-enough-secret", None}},
		AllowOrigins: []string{"friend.example"},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, name := range []string{"address", "connections", "streams", "tokens[0].token", "tokens[1].right", "allow_origins[0]"} {
		if !strings.Contains(err.Error(), "http."+name) {
			t.Errorf("http.%s is not named: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "long-enough-secret") {
		t.Error("a secret is in the error")
	}
	var right Right
	if err := right.UnmarshalText([]byte("define")); err != nil || right != Define || right.String() != "define" {
		t.Errorf("%v %v", right, err)
	}
	if right.UnmarshalText([]byte("god")) == nil {
		t.Error("there is a right too many")
	}
}

func TestCollidingMounts(t *testing.T) {
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := Mount{Name: "face", Prefix: "/x/", Handler: http.NotFoundHandler()}
	if _, err := New(DefaultConfig(), e, vitals.New(), Options{Faces: []Mount{m, m}}); err == nil {
		t.Error("two faces with the same paths")
	}
}
