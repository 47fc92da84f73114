package api

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// write sends an answer as JSON; nil is sent as "204 No Content".
func (s *Server) write(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	b, err := json.MarshalIndent(answer, "", " ")
	if err != nil {
		s.log.Error("an answer cannot be written as JSON: this is a bug", "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"this is a bug of weir: see the log","field":"",`+
			`"position":-1,"hint":""}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // an error means that the client has gone
}

// refuse sends what is wrong.
func (s *Server) refuse(w http.ResponseWriter, _ *http.Request, err error) {
	f := new(failure)
	if !errors.As(err, &f) {
		f = fail(err)
	}
	s.write(w, f.Status, f)
}

// squeezeFrom is the shortest body that is compressed, bytes.
const squeezeFrom = 1024

// squeeze compresses answers for clients that can read it.
func squeeze(h http.Handler) http.Handler {
	pool := &sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // it fails for impossible levels only
		return z
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead || r.Header.Get("Range") != "" || !acceptsGzip(r) {
			h.ServeHTTP(w, r)
			return
		}
		z := &squeezer{ResponseWriter: w, pool: pool}
		h.ServeHTTP(z, r)
		z.finish()
	})
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		word, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if word == "gzip" || word == "*" {
			q, ok := strings.CutPrefix(strings.TrimSpace(quality), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !ok || err != nil || weight > 0
		}
	}
	return false
}

// squeezer holds the first bytes of an answer back until it is clear whether to compress it.
type squeezer struct {
	http.ResponseWriter
	pool    *sync.Pool
	held    []byte
	status  int
	decided bool
	zip     *gzip.Writer // nil: as it is
}

// WriteHeader notes the status; it is sent with the first bytes that are.
func (z *squeezer) WriteHeader(status int) {
	if z.status != 0 || z.decided {
		return
	}
	if status < http.StatusOK {
		z.ResponseWriter.WriteHeader(status)
		return
	}
	z.status = status
}

// Write takes a part of the body.
func (z *squeezer) Write(b []byte) (int, error) {
	if !z.decided {
		if z.possible() && len(z.held)+len(b) < squeezeFrom {
			z.held = append(z.held, b...)
			return len(b), nil
		}
		if err := z.decide(z.possible()); err != nil {
			return 0, err
		}
	}
	if z.zip != nil {
		return z.zip.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

// possible tells whether the answer is of a kind that becomes smaller.
func (z *squeezer) possible() bool {
	h := z.Header()
	if h.Get("Content-Encoding") != "" || z.status != 0 && z.status != http.StatusOK {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch {
	case kind == "text/event-stream":
		return false
	case strings.HasPrefix(kind, "text/"):
		return true
	}
	return kind == "application/json" || kind == "application/javascript" || kind == "application/yaml" ||
		kind == "image/svg+xml"
}

// decide sends the header and what was held back, compressed or not.
func (z *squeezer) decide(squeezed bool) error {
	z.decided = true
	if squeezed {
		h := z.Header()
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		h.Del("Content-Length")
		h.Del("Accept-Ranges")
		z.zip = z.pool.Get().(*gzip.Writer)
		z.zip.Reset(z.ResponseWriter)
	}
	if z.status != 0 {
		z.ResponseWriter.WriteHeader(z.status)
	}
	if len(z.held) == 0 {
		return nil
	}
	held := z.held
	z.held = nil
	if z.zip != nil {
		_, err := z.zip.Write(held)
		return err
	}
	_, err := z.ResponseWriter.Write(held)
	return err
}

// FlushError sends what there is; http.ResponseController calls it.
func (z *squeezer) FlushError() error {
	if !z.decided {
		if err := z.decide(false); err != nil {
			return err
		}
	}
	if z.zip != nil {
		if err := z.zip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

// Flush is FlushError for handlers that ask for an http.Flusher.
func (z *squeezer) Flush() { _ = z.FlushError() }

// Unwrap lets http.ResponseController reach the connection.
func (z *squeezer) Unwrap() http.ResponseWriter { return z.ResponseWriter }

// finish sends what is still held.
func (z *squeezer) finish() {
	if !z.decided {
		_ = z.decide(false)
	}
	if z.zip != nil {
		_ = z.zip.Close()
		z.pool.Put(z.zip)
	}
}
