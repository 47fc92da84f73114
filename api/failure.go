package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"weir/engine"
	"weir/flow"
	"weir/history"
	"weir/schema"
	"weir/store"
)

// noStoreHint says what to do when nothing is kept.
const noStoreHint = "nothing is kept, because store.path is not set; what is counted now is answered without from " +
	"and to"

// failure is what a client is told when something cannot be done: the shape of every error.
type failure struct {
	Status  int    `json:"-"`
	Message string `json:"error"`    // what is wrong
	Field   string `json:"field"`    // the member of the body, or the parameter, that is; empty when none is
	At      int    `json:"position"` // byte offset in the text of Field, in the body without one; -1 when not known
	Hint    string `json:"hint"`     // what to do; may be empty
}

// Error returns what is wrong.
func (f *failure) Error() string {
	if f.Field != "" {
		return f.Field + ": " + f.Message
	}
	return f.Message
}

// refuse returns a failure without a position.
func refuse(status int, field, message, hint string) *failure {
	return &failure{Status: status, Message: message, Field: field, At: -1, Hint: hint}
}

// unknown returns the failure of a name that nothing has.
func unknown(what, name, hint string) *failure {
	return refuse(http.StatusNotFound, "name", fmt.Sprintf("there is no %s %q", what, name), hint)
}

// fail turns an error of another room into what a client is told. Errors there begin with the attribute that is
// wrong, "keys: ...", which becomes Field when it is one of fields.
func fail(err error, fields ...string) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	f := refuse(http.StatusBadRequest, "", strings.ReplaceAll(err.Error(), "\n", "; "), "")
	for _, name := range fields {
		if rest, ok := strings.CutPrefix(f.Message, name+": "); ok {
			f.Field, f.Message = name, rest
			break
		}
	}
	var syntax *schema.SyntaxError
	var question *history.Mistake
	var query *store.QueryError
	switch {
	case errors.As(err, &question):
		f.Field, f.Message, f.Hint = question.Field, question.Message, question.Hint
	case errors.As(err, &query):
		f.Field, f.Message, f.Hint = query.Field, query.Msg, query.Hint
	case errors.Is(err, history.ErrNoStore):
		f.Status, f.Message, f.Hint = http.StatusServiceUnavailable, "no store", noStoreHint
	case errors.Is(err, store.ErrClosed):
		f.Status = http.StatusServiceUnavailable
	case errors.As(err, &syntax):
		// What stands before the text of the error itself, as in "values: 2: ", says which of several texts it is.
		which, _, _ := strings.Cut(f.Message, syntax.Error())
		f.Message, f.At, f.Hint = which+syntax.Msg, syntax.Pos, syntax.Hint
	case errors.Is(err, flow.ErrUnknownDefinition):
		f.Status = http.StatusNotFound
	case errors.Is(err, engine.ErrTooMany):
		f.Status = http.StatusConflict
	case errors.Is(err, engine.ErrStopped):
		f.Status = http.StatusServiceUnavailable
	}
	return f
}
