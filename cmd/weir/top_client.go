package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// topClient owns one flow definition on a server.
type topClient struct {
	http       *http.Client
	url        string // of the definition
	name       string
	definition topDefinition
}

// topDefinition is the body of PUT /api/v1/flows/{name}.
type topDefinition struct {
	Keys    string `json:"keys"`
	Value   string `json:"value"`
	Filter  string `json:"filter,omitempty"`
	N       int    `json:"n"`
	AggMode string `json:"aggMode,omitempty"`
}

// topAnswer is what GET /api/v1/flows/{name}/active tells.
type topAnswer struct {
	At    int64     `json:"at"`
	Mode  string    `json:"mode"`
	Unit  string    `json:"unit"`
	Flows []topFlow `json:"flows"`
}

// topFlow is one active flow.
type topFlow struct {
	Keys  []string `json:"keys"`
	Value float64  `json:"value"`
	Error *float64 `json:"error"` // one standard error; absent where the estimate has none
	Exact bool     `json:"exact"`
}

// topRefusal is what the server says when it does not do what it was asked for.
type topRefusal struct {
	Status   int    `json:"-"`
	Message  string `json:"error"`
	Field    string `json:"field"`
	Position int    `json:"position"` // byte in the text of Field, -1 when not known
	Hint     string `json:"hint"`
}

func (r *topRefusal) Error() string {
	if r.Field != "" {
		return harmless(r.Field + ": " + r.Message)
	}
	return harmless(r.Message)
}

// retryable tells whether it makes sense to ask again: a server that is not there, is overwhelmed or has begun anew
// may be well the next time.
func retryable(err error) bool {
	var r *topRefusal
	return !errors.As(err, &r) || r.Status >= http.StatusInternalServerError || r.Status == http.StatusNotFound ||
		r.Status == http.StatusTooManyRequests
}

const (
	topPatience = 10 * time.Second
	topBody     = 16 << 20 // bytes of an answer that are read at most
)

func newTopClient(server, name string, d topDefinition) (*topClient, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("top: --server %q is not a URL such as http://127.0.0.1:8008", server)
	}
	return &topClient{
		http: &http.Client{Timeout: topPatience}, url: u.JoinPath("api/v1/flows", name).String(), name: name,
		definition: d,
	}, nil
}

// define puts the definition in force on the server.
func (c *topClient) define(ctx context.Context) error {
	body, err := json.Marshal(c.definition)
	if err != nil {
		return err
	}
	return c.ask(ctx, http.MethodPut, c.url, body, nil)
}

// drop removes the definition from the server.
func (c *topClient) drop(ctx context.Context) error {
	err := c.ask(ctx, http.MethodDelete, c.url, nil, nil)
	var r *topRefusal
	if errors.As(err, &r) && r.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// active returns the largest flows. A server that does not know the definition, because it has begun anew, is told it
// again.
func (c *topClient) active(ctx context.Context, mode string, most int) (*topAnswer, error) {
	q := url.Values{"mode": {mode}, "max": {strconv.Itoa(most)}}
	var a topAnswer
	err := c.ask(ctx, http.MethodGet, c.url+"/active?"+q.Encode(), nil, &a)
	var r *topRefusal
	if errors.As(err, &r) && r.Status == http.StatusNotFound {
		if err := c.define(ctx); err != nil {
			return nil, err
		}
		return &topAnswer{Mode: mode, At: time.Now().UnixMilli()}, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// ask sends one request and reads its answer into out, unless that is nil.
func (c *topClient) ask(ctx context.Context, method, address string, body []byte, out *topAnswer) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from the server; is weir serve running there? %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, topBody))
	switch {
	case err != nil:
		return fmt.Errorf("the answer did not arrive: %w", err)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return refusalOf(resp.StatusCode, b)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s does not answer as weir does: %w", harmless(address), err)
	}
	return nil
}

// refusalOf reads the body of an error; a body that is none of ours tells nothing but the status.
func refusalOf(status int, body []byte) error {
	r := &topRefusal{Position: -1}
	if json.Unmarshal(body, r) != nil || r.Message == "" {
		r = &topRefusal{Position: -1, Message: fmt.Sprintf("the server answers %d %s", status, http.StatusText(status))}
	}
	r.Status = status
	return r
}
