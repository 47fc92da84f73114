package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	bodyMax    = 1 << 20  // bytes of a body unless the route says more
	listsMax   = 64 << 20 // bytes of a body with prefixes or labels
	bodyWithin = time.Minute
)

// readBody returns the whole body of a request, or says that it is too long or came too slowly.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	// The server has no read timeout of its own, because it would end streams and long polls too.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, refuse(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("the body is longer than %d bytes", most),
			"send it in parts under several names")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "", "the body did not arrive: "+err.Error(), "")
	}
	return b, nil
}

// decode reads one JSON object strictly: no unknown members, nothing after it.
func decode[T any](b []byte, to *T) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return bodyFailure(b, d.InputOffset(), err)
	}
	rest := b[d.InputOffset():]
	if n := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n")); n < len(rest) {
		f := refuse(http.StatusBadRequest, "", "there is more after the JSON object", "send one object")
		f.At = len(b) - len(rest) + n
		return f
	}
	return nil
}

// bodyFailure says what is wrong with a body and where.
func bodyFailure(b []byte, offset int64, err error) *failure {
	f := refuse(http.StatusBadRequest, "", "the body is not the JSON that is wanted: "+err.Error(),
		"the reference at /api/ has an example")
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch name, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case len(bytes.TrimSpace(b)) == 0:
		f.Message, f.At = "the body is empty; a JSON object is wanted", 0
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Message, f.At = "the JSON ends too early", len(b)
	case errors.As(err, &syntax):
		f.Message, f.At = "the body is no JSON: "+syntax.Error(), max(0, int(syntax.Offset)-1)
	case errors.As(err, &kind):
		f.Field = kind.Field
		for _, embedded := range []string{"Definition.", "Threshold."} {
			f.Field = strings.TrimPrefix(f.Field, embedded)
		}
		f.Message = fmt.Sprintf("a JSON %s where %s is wanted", kind.Value, wanted(kind.Type.Kind().String()))
		if f.Field == "" {
			f.At = int(kind.Offset)
		}
	case isUnknown:
		f.Field = strings.Trim(name, `"`)
		f.Message = "there is no member of this name"
	default:
		f.At = int(offset)
	}
	return f
}

// wanted names a Go kind in the words of JSON.
func wanted(kind string) string {
	switch {
	case kind == "string":
		return "a text"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "a list"
	case kind == "map", kind == "struct":
		return "an object"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	}
	return "a number"
}
