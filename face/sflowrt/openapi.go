package sflowrt

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The types below are the parts of an OpenAPI 3.1 document that are used here.
type (
	openAPI struct {
		OpenAPI string                          `json:"openapi"`
		About   openAPIAbout                    `json:"info"`
		Tags    []openAPITag                    `json:"tags"`
		Paths   map[string]map[string]operation `json:"paths"`
	}
	openAPIAbout struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Version     string `json:"version"`
	}
	openAPITag struct {
		Name string `json:"name"`
	}
	operation struct {
		Tags        []string                   `json:"tags"`
		Summary     string                     `json:"summary"`
		OperationID string                     `json:"operationId"`
		Parameters  []openAPIParameter         `json:"parameters,omitempty"`
		RequestBody *openAPIBody               `json:"requestBody,omitempty"`
		Responses   map[string]openAPIResponse `json:"responses"`
	}
	openAPIParameter struct {
		Name        string        `json:"name"`
		In          string        `json:"in"`
		Description string        `json:"description,omitempty"`
		Required    bool          `json:"required"`
		Schema      openAPISchema `json:"schema"`
	}
	openAPISchema struct {
		Type       string         `json:"type"`
		Items      *openAPISchema `json:"items,omitempty"`
		Properties *openAPISchema `json:"additionalProperties,omitempty"`
	}
	openAPIBody struct {
		Required bool                    `json:"required"`
		Content  map[string]openAPIMedia `json:"content"`
	}
	openAPIMedia struct {
		Example string `json:"example,omitempty"`
	}
	openAPIResponse struct {
		Description string                  `json:"description"`
		Content     map[string]openAPIMedia `json:"content,omitempty"`
	}
)

// segments says what the parts of paths in braces are.
var segments = map[string]string{
	"agents": "addresses and host names of exporters separated by comma or semicolon, or ALL, TOPOLOGY, EDGE or CORE",
	"agent":  "address or host name of one exporter",
	"names": "names of metrics and flow definitions separated by comma or semicolon; NAME, DATASOURCE.NAME, and " +
		"where values are summarised with max:, min:, sum:, avg:, var:, sdev:, med:, q1:, q2:, q3:, iqr: or any: " +
		"before it",
	"name": "the name", "metric": "DATASOURCE.NAME", "router": "address of a router", "address": "an address",
	"bits": "length of the prefix", "group": "value of the label group",
}

// openAPI answers with the OpenAPI document of all routes.
func (c *call) openAPI() error {
	doc := openAPI{
		OpenAPI: "3.1.0",
		About: openAPIAbout{Title: c.options.Product + ": sFlow-RT compatible REST", Version: c.options.Version,
			Description: "Numbers in queries may be any text; what is no number counts as not given. Bodies are " +
				"JSON, also with plain property names and single quotes. An error is an object with error, and " +
				"where it is known field, position and hint."},
		Paths: map[string]map[string]operation{},
	}
	for _, r := range table() {
		if doc.Paths[r.Path] == nil {
			doc.Paths[r.Path] = map[string]operation{}
		}
		o := r.operation()
		doc.Paths[r.Path][strings.ToLower(r.Method)] = o
		if t := (openAPITag{o.Tags[0]}); !slices.Contains(doc.Tags, t) {
			doc.Tags = append(doc.Tags, t)
		}
	}
	return c.json(doc)
}

func (r *Route) operation() operation {
	o := operation{Tags: []string{r.tag()}, Summary: r.Doc, Responses: map[string]openAPIResponse{}}
	o.OperationID = strings.ToLower(r.Method) + strings.NewReplacer("/", "_", "{", "", "}", "").Replace(r.Path)
	for _, name := range r.segments() {
		o.Parameters = append(o.Parameters, openAPIParameter{
			Name: name, In: "path", Description: segments[name], Required: true,
			Schema: openAPISchema{Type: "string"},
		})
	}
	for _, q := range r.Query {
		o.Parameters = append(o.Parameters, q.openAPI())
	}
	kind := "application/json"
	if r.Text {
		kind = "text/plain"
	}
	success := openAPIResponse{Description: "done"}
	if r.Status != http.StatusNoContent {
		success = openAPIResponse{Description: r.Doc, Content: map[string]openAPIMedia{kind: {}}}
	}
	o.Responses[strconv.Itoa(r.Status)] = success
	o.Responses["default"] = openAPIResponse{Description: "what is wrong, where, and what to do",
		Content: map[string]openAPIMedia{"application/json": {}}}
	if r.Body != "" {
		o.RequestBody = &openAPIBody{Required: true,
			Content: map[string]openAPIMedia{"application/json": {Example: r.Body}}}
	}
	return o
}

func (p *Parameter) openAPI() openAPIParameter {
	s := openAPISchema{Type: "string"}
	if p.Number {
		s.Type = "number"
	}
	if p.Many {
		s = openAPISchema{Type: "array", Items: &openAPISchema{Type: s.Type}}
	}
	if p.Free {
		// In a query, the properties of an object are parameters of their own.
		property := s
		s = openAPISchema{Type: "object", Properties: &property}
	}
	return openAPIParameter{Name: p.Name, In: "query", Description: p.Doc, Schema: s}
}
