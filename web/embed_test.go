package web

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(t *testing.T, h http.Handler, method, path string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestUnbuiltPageSaysHowToBuild(t *testing.T) {
	res, body := ask(t, http.HandlerFunc(serveUnbuilt), "GET", "/html/index.html")
	if res.StatusCode != 200 || !strings.Contains(body, "npm run build") || !strings.Contains(body, "make build") {
		t.Errorf("status %d, body %s", res.StatusCode, body)
	}
	if res, body = ask(t, http.HandlerFunc(serveUnbuilt), "HEAD", "/"); res.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: status %d, body %q", res.StatusCode, body)
	}
}

func TestOnlyReads(t *testing.T) {
	for _, h := range []http.Handler{Handler(), http.HandlerFunc(serveUnbuilt)} {
		res, _ := ask(t, h, "POST", "/html/index.html")
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
		}
	}
}

func TestBuiltConsole(t *testing.T) {
	if !Built() {
		t.Skip("the console was not built: run make web")
	}
	h := Handler()
	_, page := ask(t, h, "GET", "/html/index.html")
	if !strings.Contains(page, "<title>weir</title>") {
		t.Fatalf("not the console: %s", page)
	}
	for _, path := range []string{"/html/", "/html", "/", "/index.html"} {
		if res, body := ask(t, h, "GET", path); res.StatusCode != 200 || body != page {
			t.Errorf("%s: status %d, not the page", path, res.StatusCode)
		}
	}
	for _, path := range []string{"/html/assets/", "/html/nothing.js", "/html/../embed.go", "/html/%2e%2e/embed.go"} {
		if res, _ := ask(t, h, "GET", path); res.StatusCode != 404 {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1) {
		res, body := ask(t, h, "GET", Prefix+"/"+m[1])
		if res.StatusCode != 200 || body == "" || res.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: status %d, headers %v", m[1], res.StatusCode, res.Header)
		}
		if strings.HasPrefix(m[1], "assets/") && !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: Cache-Control %q", m[1], res.Header.Get("Cache-Control"))
		}
	}
}

// TestNoOutsideHost looks for addresses that a browser would fetch from elsewhere. Names of XML name spaces and links
// in licence comments are not fetched.
func TestNoOutsideHost(t *testing.T) {
	fetched := regexp.MustCompile(`(?i)(?:src|href|url|import|fetch)\s*[=(]\s*["'` + "`" + `]?\s*(?:https?:)?//[a-z0-9]`)
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		if at := fetched.FindIndex(b); at != nil {
			t.Errorf("%s names another host: %s", path, b[at[0]:min(len(b), at[1]+60)])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
