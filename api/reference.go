package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed reference.html
var referencePage string

// chapter is the routes of one heading of the reference.
type chapter struct {
	Name   string
	Anchor string
	Routes []Route
}

// chapters puts routes under their headings, in the order in which these first come.
func chapters(routes []Route) (out []chapter) {
	at := map[string]int{}
	for _, r := range routes {
		i, known := at[r.Group]
		if !known {
			i = len(out)
			at[r.Group] = i
			out = append(out, chapter{Name: r.Group, Anchor: operationID("c", r.Group)})
		}
		out[i].Routes = append(out[i].Routes, r)
	}
	return out
}

// serveReference writes the page that lists every route, those of the faces included.
func serveReference(r *request, w http.ResponseWriter) {
	s := r.server
	page, err := template.New("reference").Funcs(template.FuncMap{
		"brief":  func(r Route) string { return r.brief() },
		"clean":  cleanPath,
		"bounds": func(p Param) string { return p.bounds() },
		"link": func(r Route) bool {
			return r.Method == http.MethodGet && r.Answer != "text/event-stream" && r.Example != ""
		},
	}).Parse(referencePage)
	if err != nil {
		panic("BUG: reference.html: " + err.Error())
	}
	var own []Route
	for i := range s.routes {
		own = append(own, s.routes[i].Route)
	}
	var b bytes.Buffer
	err = page.Execute(&b, struct {
		Version string
		Doc     string
		Native  []chapter
		Faces   []facePage
	}{s.options.Version, apiDoc, chapters(own), facePages(s.options.Faces)})
	if err != nil {
		panic("BUG: reference.html: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // an error means that the client has gone
}

type facePage struct {
	Name     string
	Chapters []chapter
}

func facePages(faces []Mount) (out []facePage) {
	for _, m := range faces {
		out = append(out, facePage{m.Name, chapters(m.Routes)})
	}
	return out
}

// markdown writes the reference as docs/rest.md has it, between its fixed beginning and end.
func markdown(routes []Route) string {
	var b strings.Builder
	for _, c := range chapters(routes) {
		fmt.Fprintf(&b, "## %s\n\n", c.Name)
		for i := range c.Routes {
			c.Routes[i].markdown(&b)
		}
	}
	return b.String()
}

func (r *Route) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "### %s %s\n\n%s\n\n", r.Method, cleanPath(r.Path), r.Doc)
	if len(r.Params) > 0 {
		b.WriteString("| parameter | type | may be | meaning |\n|---|---|---|---|\n")
		for i := range r.Params {
			p := &r.Params[i]
			doc := strings.ReplaceAll(p.Doc, "|", `\|`)
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, p.Type, p.bounds(), doc)
		}
		b.WriteString("\n")
	}
	quote := func(s string) string { return "'" + s + "'" }
	b.WriteString("```sh\ncurl ")
	switch {
	case r.Answer == "text/event-stream":
		b.WriteString("-N ")
	case r.Method != http.MethodGet:
		b.WriteString("-X " + r.Method + " ")
	}
	b.WriteString(quote("http://127.0.0.1:8008" + r.Example))
	if r.Body != "" {
		b.WriteString(" \\\n  -d " + quote(r.Body))
	}
	b.WriteString("\n```\n\n")
}
