package sflowrt

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

// Bounds of request bodies in bytes. Group sets and maps may have hundreds of thousands of entries.
const (
	maxBody      = 8 << 20
	maxLargeBody = 64 << 20
)

// bodyWithin is how long a body may take to come, so that slow clients do not keep the places of others.
const bodyWithin = time.Minute

// placeWithin is how long a request waits for others to have sent theirs.
const placeWithin = 10 * time.Second

// body reads the request body as strict JSON.
func (c *call) body(limit int64) ([]byte, error) {
	// A server that cannot move the deadline has its own.
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(bodyWithin))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &problem{status: http.StatusRequestEntityTooLarge, Field: "body",
			Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return nil, badRequest("body", "the body cannot be read: %v", err)
	}
	b, err = strictJSON(b)
	return bytes.TrimSpace(b), err
}

// hold waits for one of the places that bodies in memory have; release gives it back.
func (c *call) hold(limit int64) (release func(), err error) {
	places := c.bodies
	if limit > maxBody {
		places = c.large
	}
	patience := time.NewTimer(placeWithin)
	defer patience.Stop()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-patience.C:
		c.w.Header().Set("Retry-After", "10")
		return nil, &problem{status: http.StatusServiceUnavailable, Message: "too many bodies are on their way",
			Hint: "try again in a few seconds"}
	case <-c.r.Context().Done():
		return nil, &problem{status: http.StatusServiceUnavailable,
			Message: "the request ended before its body was read"}
	}
}

// read decodes the request body, which is to be an object, into a T and calls use with it.
func read[T any](c *call, limit int64, use func(v T) error) error {
	release, err := c.hold(limit)
	if err != nil {
		return err
	}
	defer release()
	b, err := c.body(limit)
	if err != nil {
		return err
	}
	if string(b) == "null" {
		return badRequest("body", "the body is null where an object is needed")
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return unreadable(err)
	}
	return use(v)
}

// unreadable makes a problem of an error of encoding/json.
func unreadable(err error) error {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return badRequest("body", "%v", err)
	}
	if kind.Field == "" {
		return &problem{status: http.StatusBadRequest, Field: "body",
			Message: fmt.Sprintf("the body is a JSON %s where an object is needed", kind.Value)}
	}
	return badRequest(kind.Field, "%s is a JSON %s, which it cannot be", kind.Field, kind.Value)
}

// texts is a text or a list of texts; numbers and booleans count as texts.
type texts []string

// UnmarshalJSON reads any of these; null gives none.
func (t *texts) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		b = append(append([]byte{'['}, b...), ']')
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*t = make(texts, 0, len(list))
	for _, e := range list {
		switch e[0] {
		case 'n':
		case '"':
			var s string
			if err := json.Unmarshal(e, &s); err != nil {
				return err
			}
			*t = append(*t, s)
		case '[', '{':
			return errors.New("a list holds a list or an object where a text is needed")
		default:
			*t = append(*t, string(e))
		}
	}
	return nil
}

// number is a number, or a text that may hold one; any other text counts as not given (spec sflow-rt 1.3).
type number struct {
	set   bool
	value float64
}

// UnmarshalJSON reads any of these; null is not given.
func (n *number) UnmarshalJSON(b []byte) error {
	s := string(b)
	if b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	} else if b[0] == '[' || b[0] == '{' || b[0] == 't' || b[0] == 'f' {
		return fmt.Errorf("found %s where a number is needed", shorten(s))
	}
	n.value, n.set = parseNumber(s)
	return nil
}

// whole returns the number without its fraction, 0 when it was not given.
func (n *number) whole() int { return int(min(max(n.value, -1e9), 1e9)) }

// flag is a boolean, or a text or number that says one.
type flag bool

// UnmarshalJSON reads true, "true", "yes", 1 and their opposites; null is false.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch s := strings.ToLower(strings.Trim(string(b), `"`)); s {
	case "true", "yes", "on", "1":
		*f = true
	case "false", "no", "off", "0", "null", "":
		*f = false
	default:
		return fmt.Errorf("found %s where true or false is needed", shorten(s))
	}
	return nil
}

// splitList splits a list of expressions at commas outside of square brackets and quotes, as the flow language does.
func splitList(s string) (list []string) {
	from, depth, quoted := 0, 0, false
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '\\':
			i++
		case b == '\'':
			quoted = !quoted
		case quoted:
		case b == '[':
			depth++
		case b == ']':
			depth--
		case b == ',' && depth <= 0:
			add(s[from:i])
			from = i + 1
		}
	}
	add(s[from:])
	return list
}
