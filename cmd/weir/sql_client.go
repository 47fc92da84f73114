package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// sqlClient asks a running server.
type sqlClient struct {
	url   string
	token string
}

const (
	sqlBody     = 512 << 20       // bytes of an answer that are read at most
	sqlPatience = 5 * time.Second // that a server gets on top of the statement's own time
)

func newSQLClient(server, token string) (*sqlClient, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("sql: --url %q is not a URL such as http://127.0.0.1:8008", server)
	}
	return &sqlClient{u.JoinPath("api/v1/sql").String(), token}, nil
}

func (*sqlClient) close() error { return nil }

// ask sends a statement and returns the answer, to be closed.
func (c *sqlClient) ask(ctx context.Context, text, format string, limit int, within time.Duration) (io.ReadCloser,
	error) {
	body, err := json.Marshal(struct {
		Query   string  `json:"query"`
		Max     int     `json:"max"`
		Timeout float64 `json:"timeout_s"`
	}{text, limit, within.Seconds()})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"?format="+format, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := (&http.Client{Timeout: within + sqlPatience}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from the server: is weir serve running there? (--data asks a stopped one) %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, topBody))
	if err != nil {
		return nil, fmt.Errorf("the answer did not arrive: %w", err)
	}
	return nil, refusalOf(resp.StatusCode, b)
}

func (c *sqlClient) table(ctx context.Context, text string, limit int, within time.Duration) (*sqlTable, error) {
	body, err := c.ask(ctx, text, "json", limit, within)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var t sqlTable
	if err := json.NewDecoder(io.LimitReader(body, sqlBody)).Decode(&t); err != nil {
		return nil, fmt.Errorf("%s does not answer as weir does: %w", harmless(c.url), err)
	}
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return nil, fmt.Errorf("%s does not answer as weir does: a row has %d values for %d columns", harmless(c.url),
				len(row), len(t.Columns))
		}
	}
	return &t, nil
}

func (c *sqlClient) parquet(ctx context.Context, w io.Writer, text string, limit int, within time.Duration) (bool,
	error) {
	body, err := c.ask(ctx, text, "parquet", limit, within)
	if err != nil {
		return false, err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return false, fmt.Errorf("the answer did not arrive whole: %w", err)
	}
	return false, nil // the file itself does not say
}
