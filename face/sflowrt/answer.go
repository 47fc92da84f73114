package sflowrt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"weir/schema"
)

// problem is an answer that says what is wrong and where.
type problem struct {
	status   int
	Message  string `json:"error"`
	Field    string `json:"field,omitempty"`    // of the body, or the name of the parameter
	Position *int   `json:"position,omitempty"` // byte offset in the text of the field, or in the body
	Hint     string `json:"hint,omitempty"`     // what to do
}

// Error returns the message.
func (p *problem) Error() string { return p.Message }

func badRequest(field, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Field: field}
}

func notFound(what, name, hint string) *problem {
	message := fmt.Sprintf("no such %s: %q", what, shorten(name))
	return &problem{status: http.StatusNotFound, Message: message, Hint: hint}
}

// shorten cuts a client's text for a message.
func shorten(s string) string {
	const shown = 120
	if len(s) <= shown {
		return s
	}
	s = s[:shown]
	for !utf8.ValidString(s) && len(s) > shown-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s + "..."
}

// invalid makes a problem of an error of the engine: those begin with the attribute that is wrong, and an error of
// syntax knows its position in it.
func invalid(err error) *problem {
	p := &problem{status: http.StatusBadRequest, Message: err.Error()}
	if field, _, ok := strings.Cut(p.Message, ": "); ok && !strings.ContainsAny(field, ` "`) {
		p.Field = field
	}
	var syntax *schema.SyntaxError
	if errors.As(err, &syntax) {
		p.Position, p.Hint = &syntax.Pos, syntax.Hint
	} else if what, hint, ok := strings.Cut(p.Message, "; "); ok {
		p.Message, p.Hint = what, hint
	}
	return p
}

// fail writes an error.
func (f *face) fail(w http.ResponseWriter, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = invalid(err)
	}
	// A problem has nothing that cannot be written as JSON.
	body, _ := f.marshal(p)
	f.write(w, p.status, "application/json", body)
}

// marshal returns v as JSON, indented as configured.
func (f *face) marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", f.indent)
	err := e.Encode(v)
	return b.Bytes(), err
}

// write writes an answer with its headers. What a client that is gone does not take is nobody's loss.
func (f *face) write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// json answers with v.
func (c *call) json(v any) error {
	body, err := c.marshal(v)
	if err != nil {
		return &problem{status: http.StatusInternalServerError, Message: "cannot write the answer: " + err.Error()}
	}
	c.write(c.w, http.StatusOK, "application/json", body)
	return nil
}

// text answers with plain text.
func (c *call) text(status int, s string) error {
	c.write(c.w, status, "text/plain; charset=utf-8", []byte(s))
	return nil
}

// done answers that a change was made, or why not.
func (c *call) done(err error) error {
	if err != nil {
		return invalid(err)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
