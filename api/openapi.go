package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The parts of an OpenAPI 3.1 document that are used here; the names are those of its specification.
type openAPI struct {
	OpenAPI    string                          `json:"openapi"`
	Info       about                           `json:"info"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components components                      `json:"components"`
	Security   []map[string][]string           `json:"security,omitempty"`
}

type about struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type components struct {
	Schemas         map[string]*shape         `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
}

type securityScheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme"`
}

type operation struct {
	Tags        []string            `json:"tags"`
	Summary     string              `json:"summary"`
	Description string              `json:"description,omitempty"`
	OperationID string              `json:"operationId"`
	Parameters  []parameter         `json:"parameters,omitempty"`
	RequestBody *requestBody        `json:"requestBody,omitempty"`
	Responses   map[string]response `json:"responses"`
}

type parameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required,omitempty"`
	Schema      *shape `json:"schema"`
}

type requestBody struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

type response struct {
	Description string           `json:"description"`
	Content     map[string]media `json:"content,omitempty"`
}

type media struct {
	Schema  *shape          `json:"schema,omitempty"`
	Example json.RawMessage `json:"example,omitempty"`
}

// shape is a JSON schema.
type shape struct {
	Ref        string            `json:"$ref,omitempty"`
	Type       string            `json:"type,omitempty"`
	Default    json.RawMessage   `json:"default,omitempty"`
	Minimum    *int              `json:"minimum,omitempty"`
	Maximum    *int              `json:"maximum,omitempty"`
	Enum       []string          `json:"enum,omitempty"`
	Properties map[string]*shape `json:"properties,omitempty"`
	Required   []string          `json:"required,omitempty"`
	Doc        string            `json:"description,omitempty"`
}

const apiDoc = "weir answers what is going on in a network now. Every answer says which tick it is of (tick, at); " +
	"every list has a limit; every error is an object with error, field, position and hint."

// document builds the OpenAPI document of the native routes and those of the mounts.
func document(version string, own []route, faces []Mount) *openAPI {
	d := &openAPI{
		OpenAPI: "3.1.0", Info: about{"weir", version, apiDoc}, Paths: map[string]map[string]operation{},
		Components: components{
			Schemas:         map[string]*shape{"Failure": failureShape()},
			SecuritySchemes: map[string]securityScheme{"token": {"http", "bearer"}},
		},
		Security: []map[string][]string{{}, {"token": {}}},
	}
	for i := range own {
		d.add(&own[i].Route)
	}
	for _, m := range faces {
		for i := range m.Routes {
			d.add(&m.Routes[i])
		}
	}
	return d
}

func failureShape() *shape {
	return &shape{
		Type: "object", Required: []string{"error", "field", "position", "hint"}, Properties: map[string]*shape{
			"error":    {Type: "string", Doc: "what is wrong"},
			"field":    {Type: "string", Doc: "the member of the body, or the parameter, that is; empty when none is"},
			"position": {Type: "integer", Doc: "byte offset in field, in the body when that is empty; -1: not known"},
			"hint":     {Type: "string", Doc: "what to do; may be empty"},
		},
	}
}

// cleanPath is a path without what only net/http patterns have.
func cleanPath(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, "{$}"), "...}", "}")
}

// add adds a route; of several with one method and path the first stands.
func (d *openAPI) add(r *Route) {
	path, method := cleanPath(r.Path), strings.ToLower(r.Method)
	if d.Paths[path] == nil {
		d.Paths[path] = map[string]operation{}
	}
	if _, taken := d.Paths[path][method]; taken {
		return
	}
	_, rest, _ := strings.Cut(r.Doc, ". ")
	o := operation{
		Tags: []string{r.Group}, Summary: r.brief(), Description: rest,
		OperationID: operationID(method, path), Responses: map[string]response{},
	}
	for i := range r.Params {
		o.Parameters = append(o.Parameters, parameterOf(r, &r.Params[i]))
	}
	// What stands in braces in the path must be declared, and not every face does.
	for _, name := range inBraces(path) {
		if !slices.ContainsFunc(r.Params, func(p Param) bool { return p.Name == name }) {
			o.Parameters = append(o.Parameters, parameterOf(r, &Param{Name: name, Type: "string"}))
		}
	}
	if r.Body != "" {
		o.RequestBody = &requestBody{Required: true, Content: map[string]media{jsonType: {
			Schema: &shape{Type: "object"}, Example: exampleOf(r.Body),
		}}}
	}
	if r.Answer == "" {
		o.Responses["204"] = response{Description: "done"}
	} else {
		kind := &shape{Type: "string"}
		if r.Answer == jsonType {
			kind = nil
		}
		o.Responses["200"] = response{Description: "the answer", Content: map[string]media{r.Answer: {Schema: kind}}}
	}
	o.Responses["default"] = response{Description: "an error", Content: map[string]media{
		jsonType: {Schema: &shape{Ref: "#/components/schemas/Failure"}},
	}}
	d.Paths[path][method] = o
}

// brief is the first sentence of what a route does.
func (r *Route) brief() string {
	sentence, _, _ := strings.Cut(r.Doc, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// exampleOf shows a body as JSON, or as a text when it is none, as bodies of lenient faces may be.
func exampleOf(body string) json.RawMessage {
	if json.Valid([]byte(body)) {
		return json.RawMessage(body)
	}
	return quoted(body)
}

func quoted(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		return nil // a string can always be marshalled
	}
	return b
}

// inBraces returns the names in braces of a clean path.
func inBraces(path string) (names []string) {
	for part := range strings.SplitSeq(path, "{") {
		if name, _, found := strings.Cut(part, "}"); found {
			names = append(names, name)
		}
	}
	return names
}

func operationID(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.Join(append([]string{method}, words...), "_")
}

func parameterOf(r *Route, p *Param) parameter {
	kind := &shape{Type: p.Type, Enum: p.Words}
	if kind.Type == "" {
		kind.Type = "string"
	}
	if p.Default != "" {
		kind.Default = quoted(p.Default)
		if p.Type != "string" && json.Valid([]byte(p.Default)) {
			kind.Default = json.RawMessage(p.Default)
		}
	}
	if p.Type == "integer" && (p.Min != 0 || p.Max != 0) {
		low, high := p.Min, p.Max
		kind.Minimum, kind.Maximum = &low, &high
	}
	in := parameter{Name: p.Name, In: "query", Description: p.Doc, Required: p.Required, Schema: kind}
	if p.InPath(cleanPath(r.Path)) {
		in.In, in.Required = "path", true
	}
	return in
}

// serveOpenAPI writes the document.
func serveOpenAPI(r *request, w http.ResponseWriter) {
	s := r.server
	s.write(w, http.StatusOK, document(s.options.Version, s.routes, s.options.Faces))
}

// bounds says in words what a parameter may be.
func (p *Param) bounds() string {
	var parts []string
	if p.Type == "integer" && (p.Min != 0 || p.Max != 0) && p.Max < 1<<40 {
		parts = append(parts, strconv.Itoa(p.Min)+" to "+strconv.Itoa(p.Max))
	}
	if p.Words != nil {
		parts = append(parts, strings.Join(p.Words, ", "))
	}
	if p.Default != "" {
		parts = append(parts, "default "+p.Default)
	}
	if p.Required {
		parts = append(parts, "required")
	}
	return strings.Join(parts, "; ")
}
